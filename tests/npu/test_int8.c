/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profile int8: the same bits for any kernel set, number of threads, chunking and other encoders;
 * its memory; many streams on one device.
 *
 *     test_int8 [CASE...]     all cases, or those named: profile hash-small hash-base chunks order
 *                             sharing memory opening streams-small streams
 *
 * TEST_SOURCE_ROOT (environment) is the project's folder. */
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "npu/clock.h"
#include "npu/npu.h"
#include "tests/check.h"
#include "tests/npu/encoder_input.h"
#include "tests/npu/encoder_rig.h"
#include "tests/npu/kernel_sets.h"
#include "tests/sanitizer.h"
#include "tests/small_model.h"

#define BASE_PATH "npu/model/whisper-base-encoder.safetensors"
#define CLIP_PATH "tests/data/librivox-sense-0870.wav"
#define MEL_PATH  "tests/data/librivox-sense-0870.mel720.s16"

static char small_path[64];

static const char *base_path(void)
{
    return source_path(BASE_PATH);
}

static void test_profile(void)
{
    static const char *const names[] = {NULL, "auto", "int8"};
    for (unsigned i = 0; i < 3; i++) {
        struct rig rig;
        rig_open(&rig, names[i], small_path, NULL, 1, 1);
        check_case(!strcmp(rig.info.profile, "int8"), "profile_is_int8", "%s gives %s",
                   names[i] ? names[i] : "none", rig.info.profile);
        rig_close(&rig);
    }
}

static void test_hash_small(void)
{
    float *mel = lcg_mel(3, 80);
    check_hash("small", "int8", small_path, kernel_sets("int8"), mel, NPU_TEST_HASH_INT8_SMALL,
               true);
    free(mel);
}

static void test_hash_base(void)
{
    float *mel = stored_mel(source_path(MEL_PATH));
    check_hash("base", "int8", base_path(), kernel_sets("int8"), mel, NPU_TEST_HASH_INT8_BASE,
               TESTS_REF_FMA);
    free(mel);
}

/* Features do not depend on how the audio is cut into chunks. */
static void test_chunks(void)
{
    static const size_t chunks[] = {1, 160, 333, 4096, NPU_WINDOW_SAMPLES};
    struct rig rig;
    size_t n;
    uint64_t first = 0;
    float *clip = wav_samples(source_path(CLIP_PATH), &n);

    rig_open(&rig, "int8", base_path(), NULL, 0, 1);
    for (unsigned i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        float *mel = samples_mel(clip, n, chunks[i], 80), *features = rig_encode(&rig, mel);
        uint64_t hash = hash_features(&rig.info, features);
        first = i ? first : hash;
        check_case(hash == first, "same_bits_for_any_chunking", "%zu samples, %016" PRIx64,
                   chunks[i], hash);
        free(features);
        free(mel);
    }
    free(clip);
    rig_close(&rig);
}

static struct npu_encoder *second_encoder(struct rig *rig, unsigned depth)
{
    struct npu_encoder *encoder;
    struct npu_error err;
    const struct npu_encoder_params params = {.profile = "int8", .depth = depth};
    if (npu_encoder_open(&encoder, rig->model, rig->device, &params, &err)) {
        check_case(false, "open", "%s", err.text);
        exit(check_finish());
    }
    return encoder;
}

/* Two encoders on one device with windows in flight on both give the bits of one alone. */
static void test_order(void)
{
    enum { WINDOWS = 12, DEPTH = 4 };
    struct rig rig;
    uint64_t expected[WINDOWS];
    float *mel[WINDOWS];
    unsigned good = 0;

    rig_open(&rig, "int8", small_path, NULL, 2, DEPTH);
    float *features = new_floats((size_t)rig.info.positions * rig.info.d_model);
    for (unsigned i = 0; i < WINDOWS; i++) {
        mel[i] = lcg_mel(100 + i, 80);
        float *alone = rig_encode(&rig, mel[i]);
        expected[i] = hash_features(&rig.info, alone);
        free(alone);
    }
    struct npu_encoder *both[] = {rig.encoder, second_encoder(&rig, DEPTH)};
    for (unsigned i = 0; i < WINDOWS + DEPTH; i++) {
        for (unsigned e = 0; e < 2; e++) {
            uint64_t tag = 99;
            /* The second goes through the windows backwards. */
            unsigned done = e ? WINDOWS - 1 - (i - DEPTH) : i - DEPTH,
                     next = e ? WINDOWS - 1 - i : i;
            if (i >= DEPTH && !npu_encoder_collect(both[e], features, &tag, NPU_TIMEOUT_NONE))
                good += tag == done && hash_features(&rig.info, features) == expected[done];
            if (i < WINDOWS)
                npu_encoder_submit_mel(both[e], mel[next], rig.info.positions, next,
                                       NPU_TIMEOUT_NONE);
        }
    }
    for (unsigned i = 0; i < WINDOWS; i++)
        free(mel[i]);
    check_case(good == 2 * WINDOWS, "two_pipelined_encoders_equal_one", "%u of %d", good,
               2 * WINDOWS);
    check_case(expected[0] != expected[1], "windows_differ", "%016" PRIx64, expected[0]);
    npu_encoder_close(&both[1]);
    free(features);
    rig_close(&rig);
}

static uint64_t hash_of_encoder(struct npu_encoder *encoder, const float *mel)
{
    struct rig rig = {.encoder = encoder};
    npu_encoder_get_info(encoder, &rig.info);
    float *features = rig_encode(&rig, mel);
    uint64_t hash = hash_features(&rig.info, features);
    free(features);
    return hash;
}

/* Weights are shared by encoders of the same file: another file under the same name, a file
 * changed in place, another profile or kernel set are not the same; closing one leaves the rest. */
static void test_sharing(void)
{
    char path[80];
    struct rig first, second, changed, f32;
    float *mel = lcg_mel(3, 80);

    snprintf(path, sizeof(path), "%s.shared", small_path);
    if (test_small_model_write(path, 80, 128, 4, 150, 7))
        check_case(false, "write_small_model", "%s", path);
    rig_open(&first, "int8", path, NULL, 2, 1);
    uint64_t before = hash_of_encoder(first.encoder, mel);
    rig_open(&f32, "f32", path, NULL, 2, 1);
    check_case(!strcmp(f32.info.profile, "f32") && hash_of_encoder(f32.encoder, mel) != before,
               "f32_beside_int8_is_f32", "%s", f32.info.profile);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* the file's time has steps */
    if (test_small_model_write(path, 80, 128, 4, 150, 8))
        check_case(false, "write_small_model", "%s", path);
    rig_open(&changed, "int8", path, NULL, 2, 1);
    uint64_t in_place = hash_of_encoder(changed.encoder, mel);
    unlink(path);
    if (test_small_model_write(path, 80, 128, 4, 150, 9))
        check_case(false, "write_small_model", "%s", path);
    rig_open(&second, "int8", path, NULL, 2, 1);
    uint64_t replaced = hash_of_encoder(second.encoder, mel);
    check_case(in_place != before, "a_file_changed_in_place_is_read_anew", "%016" PRIx64, in_place);
    check_case(replaced != before && replaced != in_place, "a_replaced_file_is_read_anew",
               "%016" PRIx64, replaced);
    struct npu_encoder *twin = second_encoder(&second, 1);
    npu_encoder_close(&second.encoder);
    rig_close(&changed);
    check_case(hash_of_encoder(twin, mel) == replaced &&
                   hash_of_encoder(first.encoder, mel) == before,
               "closing_one_leaves_the_rest", "%016" PRIx64, replaced);
    npu_encoder_close(&twin);
    rig_close(&second);
    rig_close(&first);
    rig_close(&f32);
    free(mel);
    unlink(path);
}

/* KiB of VmHWM, 0 where it is not available. */
static unsigned long peak_kib(void)
{
    char line[256];
    unsigned long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof(line), file))
        sscanf(line, "VmHWM: %lu", &kib);
    if (file)
        fclose(file);
    return kib;
}

/* Runs as a separate process: prints its peak after opening, after one window, after three, with a
 * second encoder of the same model, and the bytes of that encoder's working memory. */
static void memory_child(void)
{
    struct rig rig;
    float *mel = stored_mel(source_path(MEL_PATH));
    rig_open(&rig, "int8", base_path(), NULL, 2, 1);
    float *features = new_floats((size_t)rig.info.positions * rig.info.d_model);
    printf("peak %lu", peak_kib());
    for (unsigned i = 0; i < 3; i++) {
        npu_encoder_submit_mel(rig.encoder, mel, rig.info.positions, 0, NPU_TIMEOUT_NONE);
        npu_encoder_collect(rig.encoder, features, NULL, NPU_TIMEOUT_NONE);
        if (i != 1)
            printf(" %lu", peak_kib());
    }
    struct npu_encoder *second = second_encoder(&rig, 1);
    struct npu_encoder_info info;
    npu_encoder_get_info(second, &info);
    printf(" %lu %lu\n", peak_kib(), (unsigned long)info.scratch_bytes / 1024);
    npu_encoder_close(&second);
    free(features);
    free(mel);
    rig_close(&rig);
}

static void test_memory(void)
{
    unsigned long opened = 0, first = 0, third = 0, two = 0, scratch = 0;
    char line[256] = "";
    int ends[2], status = 1;

    if (IN_SANITIZER) {
        check_skip("base_memory", "a sanitizer has memory of its own");
        return;
    }
    fflush(stdout);
    pid_t child = pipe(ends) ? -1 : fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl("/proc/self/exe", "test_int8", "memory-child", (char *)NULL);
        _exit(127);
    }
    if (child > 0) {
        close(ends[1]);
        FILE *file = fdopen(ends[0], "r");
        while (file && fgets(line, sizeof(line), file) &&
               sscanf(line, "peak %lu %lu %lu %lu %lu", &opened, &first, &third, &two, &scratch) !=
                   5)
            ;
        if (file)
            fclose(file);
        waitpid(child, &status, 0);
    }
    bool good = status == 0 && opened > 0;
    check_case(good && first < 80000000 / 1024, "base_stays_below_80_MB",
               "%.1f MB opened, %.1f MB after a window, exit status %d", (double)opened * 1024e-6,
               (double)first * 1024e-6, status);
    check_case(good && third <= first + 64, "later_windows_take_no_more",
               "%.1f MB after one window, %.1f MB after three", (double)first * 1024e-6,
               (double)third * 1024e-6);
    /* A slot is 4 MB; the weights would be 30. */
    check_case(good && two <= third + scratch + 8192, "a_second_encoder_shares_the_weights",
               "%.1f MB with one, %.1f MB with two, working memory %.1f MB",
               (double)third * 1024e-6, (double)two * 1024e-6, (double)scratch * 1024e-6);
}

static void test_opening(void)
{
    struct rig rig;
    rig_check_opening(&rig, "int8", base_path(), IN_SANITIZER);
    rig_close(&rig);
}

enum { STREAMS = 8, STREAM_WINDOWS = 4, INPUTS = 4 };

struct stream {
    pthread_t thread;
    pthread_barrier_t *start;
    struct npu_encoder *encoder;
    const struct npu_encoder_info *info;
    float *const *mel;
    const uint64_t *expected;
    unsigned index, right;
    uint64_t done_ns; /* since `begin` */
    const uint64_t *begin;
};

static void *stream_main(void *data)
{
    struct stream *s = data;
    float *features = new_floats((size_t)s->info->positions * s->info->d_model);
    pthread_barrier_wait(s->start); /* all are there */
    pthread_barrier_wait(s->start); /* *begin is set */
    for (unsigned i = 0; i < STREAM_WINDOWS; i++) {
        unsigned input = (s->index + i) % INPUTS;
        uint64_t tag = 99;
        if (npu_encoder_submit_mel(s->encoder, s->mel[input], s->info->positions, i,
                                   NPU_TIMEOUT_NONE) == 0 &&
            npu_encoder_collect(s->encoder, features, &tag, NPU_TIMEOUT_NONE) == 0)
            s->right += tag == i && hash_features(s->info, features) == s->expected[input];
    }
    s->done_ns = npu_now_ns() - *s->begin;
    free(features);
    return NULL;
}

/* Encoders of one model on one device, each in its own thread, compared with one alone. */
static void check_streams(const char *what, const char *path)
{
    struct rig rig;
    struct stream stream[STREAMS];
    pthread_barrier_t start;
    float *mel[INPUTS];
    uint64_t expected[INPUTS], alone = 0, begin = 0, first = UINT64_MAX, last = 0;
    unsigned right = 0;
    char name[96];

    rig_open(&rig, "int8", path, NULL, 0, 1);
    for (unsigned i = 0; i < INPUTS; i++) {
        mel[i] = lcg_mel(200 + i, 80);
        free(rig_encode(&rig, mel[i])); /* warm */
        uint64_t before = npu_now_ns();
        float *features = rig_encode(&rig, mel[i]);
        alone += npu_now_ns() - before;
        expected[i] = hash_features(&rig.info, features);
        free(features);
    }
    pthread_barrier_init(&start, NULL, STREAMS + 1);
    for (unsigned i = 0; i < STREAMS; i++) {
        stream[i] = (struct stream){.start = &start,
                                    .encoder = i ? second_encoder(&rig, 1) : rig.encoder,
                                    .info = &rig.info,
                                    .mel = mel,
                                    .expected = expected,
                                    .index = i,
                                    .begin = &begin};
        pthread_create(&stream[i].thread, NULL, stream_main, &stream[i]);
    }
    pthread_barrier_wait(&start);
    begin = npu_now_ns();
    pthread_barrier_wait(&start);
    for (unsigned i = 0; i < STREAMS; i++) {
        pthread_join(stream[i].thread, NULL);
        right += stream[i].right;
        first = stream[i].done_ns < first ? stream[i].done_ns : first;
        last = stream[i].done_ns > last ? stream[i].done_ns : last;
        if (i)
            npu_encoder_close(&stream[i].encoder);
    }
    pthread_barrier_destroy(&start);
    double each = (double)last / (STREAMS * STREAM_WINDOWS), one = (double)alone / INPUTS;
    snprintf(name, sizeof(name), "%s_8_streams_are_right", what);
    check_case(right == STREAMS * STREAM_WINDOWS && expected[0] != expected[1], name,
               "%u of %d windows; %.2f ms a window, %.2f ms alone: %.0f %% of the throughput; "
               "last done / first done %.2f",
               right, STREAMS * STREAM_WINDOWS, each * 1e-6, one * 1e-6, 100 * one / each,
               (double)last / (double)first);
    for (unsigned i = 0; i < INPUTS; i++)
        free(mel[i]);
    rig_close(&rig);
}

static void test_streams_small(void)
{
    check_streams("small", small_path);
}

static void test_streams(void)
{
    check_streams("base", base_path());
}

int main(int argc, char **argv)
{
    static const struct rig_case cases[] = {
        {"profile", test_profile},
        {"hash-small", test_hash_small},
        {"hash-base", test_hash_base},
        {"chunks", test_chunks},
        {"order", test_order},
        {"sharing", test_sharing},
        {"memory", test_memory},
        {"opening", test_opening},
        {"streams-small", test_streams_small},
        {"streams", test_streams},
    };
    if (argc == 2 && !strcmp(argv[1], "memory-child")) {
        memory_child();
        return 0;
    }
    /* Four layers, so that both widths occur; 150 positions end within a block of keys. */
    snprintf(small_path, sizeof(small_path), "test-int8-%d.safetensors", (int)getpid());
    if (test_small_model_write(small_path, 80, 128, 4, 150, 1)) {
        check_case(false, "write_small_model", "%s", small_path);
        return check_finish();
    }
    rig_run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    unlink(small_path);
    return check_finish();
}
