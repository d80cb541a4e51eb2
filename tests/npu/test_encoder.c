/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder of profile f32 against float64 goldens, and the same bits for any kernel set and
 * number of threads.
 *
 *     test_encoder [CASE...]     all cases, or those named: golden small base shared hash order
 * cancel beside depths memory
 *
 * TEST_SOURCE_ROOT (environment) is the project's folder. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#include "npu/backend.h"
#include "tests/check.h"
#include "tests/npu/encoder_input.h"
#include "tests/npu/encoder_rig.h"
#include "tests/npu/kernel_sets.h"
#include "tests/small_model.h"

#define DEPTH 4

static char small_path[64];

/* golden: rows of `features` at positions step * i, and the last where `with_last`. */
static void compare(const char *name, const float *features, const float *golden, unsigned rows,
                    unsigned step, unsigned d)
{
    double worst = 1, max_abs = 0, sum = 0;
    for (unsigned r = 0; r < rows; r++) {
        unsigned at = r * step < 1500 ? r * step : 1499;
        const float *x = features + (size_t)at * d, *y = golden + (size_t)r * d;
        double xy = 0, xx = 0, yy = 0;
        for (unsigned j = 0; j < d; j++) {
            xy += (double)x[j] * y[j];
            xx += (double)x[j] * x[j];
            yy += (double)y[j] * y[j];
            max_abs = fmax(max_abs, fabs((double)x[j] - y[j]));
            if (!isfinite(x[j]))
                max_abs = INFINITY;
        }
        double cosine = xy / sqrt(xx * yy);
        sum += cosine;
        if (!(cosine >= worst))
            worst = cosine;
    }
    check_case(worst >= 0.999999 && max_abs <= 2e-3, name,
               "%u positions: cosine mean %.9f worst %.9f, max-abs %.2e", rows, sum / rows, worst,
               max_abs);
}

static void test_small_golden(void)
{
    static const struct {
        const char *name;
        unsigned n_mels, d_model, seed;
    } models[] = {{"m128-d128-l1", 128, 128, 1}, {"m80-d64-l3", 80, 64, 2}};

    for (unsigned i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        char path[512], name[64];
        struct rig rig;
        snprintf(path, sizeof(path), "tests/data/encoder/%s.safetensors", models[i].name);
        rig_open(&rig, "f32", source_path(path), NULL, 2, 1);
        float *mel = lcg_mel(models[i].seed, models[i].n_mels);
        float *features = rig_encode(&rig, mel);
        snprintf(path, sizeof(path), "tests/data/encoder/%s.f32", models[i].name);
        float *golden =
            read_file(source_path(path), 61 * (size_t)models[i].d_model * sizeof(float));
        snprintf(name, sizeof(name), "random_%s_equals_float64", models[i].name);
        compare(name, features, golden, 61, 25, models[i].d_model);
        free(golden);
        free(features);
        free(mel);
        rig_close(&rig);
    }
}

static void test_base_golden(void)
{
    const char *path = source_path("npu/model/whisper-base-encoder.safetensors");
    struct rig rig;

    rig_check_opening(&rig, "f32", path, false);
    float *golden =
        read_file(source_path("tests/data/librivox-sense-0870.base.f32"), 30 * 512 * sizeof(float));
    float *mel = wav_mel(source_path("tests/data/librivox-sense-0870.wav"), 80);
    float *features = rig_encode(&rig, mel);
    compare("base_from_audio_equals_float64", features, golden, 30, 50, 512);
    free(features);
    free(mel);
    free(golden);
    rig_close(&rig);
}

/* The four clips and two models beside the project, from the golden mel and from the audio. */
static void test_shared_golden(void)
{
    static const char *const clips[] = {"jfk", "librivox-sense-0870", "librivox-sense-0880",
                                        "librivox-sense-0890"};
    static const char *const models[] = {"base", "tiny.en"};

    if (access(source_path("../shared/data/golden/golden.json"), R_OK)) {
        check_skip("shared_goldens", "no ../shared/data beside the project");
        return;
    }
    for (unsigned m = 0; m < 2; m++) {
        char path[256], name[128];
        struct rig rig;
        snprintf(path, sizeof(path), "../shared/data/weights/whisper-%s-encoder.safetensors",
                 models[m]);
        rig_open(&rig, "f32", source_path(path), NULL, 0, 1);
        for (unsigned c = 0; c < 4; c++) {
            snprintf(path, sizeof(path), "../shared/data/golden/%s.%s.f32", clips[c], models[m]);
            size_t d = rig.info.d_model;
            float *golden = read_file(source_path(path), 1500 * d * sizeof(float));
            snprintf(path, sizeof(path), "../shared/data/golden/%s.mel.f32", clips[c]);
            float *mel = golden_mel(source_path(path));
            float *features = rig_encode(&rig, mel);
            snprintf(name, sizeof(name), "%s_%s_from_golden_mel", models[m], clips[c]);
            compare(name, features, golden, 1500, 1, (unsigned)d);
            free(features);
            free(mel);
            snprintf(path, sizeof(path), "../shared/data/audio/%s.wav", clips[c]);
            mel = wav_mel(source_path(path), 80);
            features = rig_encode(&rig, mel);
            snprintf(name, sizeof(name), "%s_%s_from_audio", models[m], clips[c]);
            compare(name, features, golden, 1500, 1, (unsigned)d);
            free(features);
            free(mel);
            free(golden);
        }
        rig_close(&rig);
    }
}

static void test_hash_base(void)
{
    float *mel = stored_mel(source_path("tests/data/librivox-sense-0870.mel720.s16"));
    check_hash("base", "f32", source_path("npu/model/whisper-base-encoder.safetensors"),
               kernel_sets("f32"), mel, NPU_TEST_HASH_BASE, TESTS_REF_FMA);
    free(mel);
}

/* Five windows of real speech in the base model: each depth gives depth 1's bits, in order. */
static void test_depths(void)
{
    enum { WINDOWS = 5 };
    char path[512];
    float *mel[WINDOWS], *first[WINDOWS], *features = new_floats((size_t)1500 * 512);

    snprintf(path, sizeof(path), "%s", source_path("npu/model/whisper-base-encoder.safetensors"));
    for (unsigned i = 0; i < WINDOWS; i++) {
        mel[i] = wav_mel(source_path("tests/data/librivox-sense-0870.wav"), 80);
        for (size_t j = 0; j < (size_t)3000 * 80; j++) /* others of the same speech */
            mel[i][j] -= 0.05f * (float)i;
        first[i] = new_floats((size_t)1500 * 512);
    }
    for (unsigned depth = 1; depth <= 4; depth++) {
        struct rig rig;
        char name[64];
        unsigned given = 0, right = 0;
        rig_open(&rig, "int8", path, NULL, 0, depth);
        for (unsigned i = 0; i < WINDOWS; i++) {
            uint64_t tag = 0;
            while (given < WINDOWS &&
                   npu_encoder_submit_mel(rig.encoder, mel[given], rig.info.positions, given + 100,
                                          0) == 0)
                given++;
            float *to = depth == 1 ? first[i] : features;
            int ret = npu_encoder_collect(rig.encoder, to, &tag, NPU_TIMEOUT_NONE);
            right += ret == 0 && tag == i + 100 &&
                     !memcmp(to, first[i], (size_t)1500 * 512 * sizeof(float));
        }
        bool differ = memcmp(first[0], first[1], (size_t)1500 * 512 * sizeof(float)) != 0;
        snprintf(name, sizeof(name), "real_windows_at_depth_%u_equal_depth_1", depth);
        if (depth > 1) /* it was compared with itself */
            check_case(right == WINDOWS && differ, name, "%u of %d", right, WINDOWS);
        rig_close(&rig);
    }
    for (unsigned i = 0; i < WINDOWS; i++) {
        free(mel[i]);
        free(first[i]);
    }
    free(features);
}

static void test_hash_small(void)
{
    float *mel = lcg_mel(3, 80);
    check_hash("small", "f32", small_path, kernel_sets("f32"), mel, NPU_TEST_HASH_SMALL, true);
    free(mel);
}

/* Windows in flight keep their order and see only their own input: pipelined equals one by one, bit
 * for bit. */
static void test_order(void)
{
    enum { WINDOWS = 12 };
    struct rig one, deep;
    uint64_t expected[WINDOWS];
    float *mel[WINDOWS];
    rig_open(&one, "f32", small_path, NULL, 1, 1);
    rig_open(&deep, "f32", small_path, NULL, 2, DEPTH);
    for (unsigned i = 0; i < WINDOWS; i++) {
        mel[i] = lcg_mel(100 + i, 80);
        float *features = rig_encode(&one, mel[i]);
        expected[i] = hash_features(&one.info, features);
        free(features);
    }
    float *features = new_floats((size_t)deep.info.positions * deep.info.d_model);
    unsigned same = 0, in_order = 0;
    for (unsigned i = 0; i < WINDOWS + DEPTH; i++) {
        if (i >= DEPTH) {
            uint64_t tag = 99;
            npu_encoder_collect(deep.encoder, features, &tag, NPU_TIMEOUT_NONE);
            in_order += tag == i - DEPTH;
            same += hash_features(&deep.info, features) == expected[i - DEPTH];
            free(mel[i - DEPTH]);
        }
        if (i < WINDOWS)
            npu_encoder_submit_mel(deep.encoder, mel[i], deep.info.positions, i, NPU_TIMEOUT_NONE);
    }
    check_case(in_order == WINDOWS, "depth_4_keeps_order", "%u of %d", in_order, WINDOWS);
    check_case(same == WINDOWS, "depth_4_equals_sequential", "%u of %d", same, WINDOWS);
    check_case(npu_encoder_collect(deep.encoder, features, NULL, 0) == -ENODATA,
               "collect_nothing_is_enodata", " ");
    struct npu_stats stats;
    npu_encoder_get_stats(deep.encoder, &stats);
    check_case(stats.windows == WINDOWS && stats.stage[3].total_ns > 0 && stats.stage[3].gmac > 0,
               "stats_count_windows", "%" PRIu64 " windows, %s %" PRIu64 " ns", stats.windows,
               stats.stage[3].name, stats.stage[3].total_ns);
    free(features);
    rig_close(&deep);
    rig_close(&one);
}

static void test_cancel(void)
{
    struct rig rig;
    rig_open(&rig, "f32", small_path, NULL, 2, 2);
    float *mel = lcg_mel(5, 80), *features = rig_encode(&rig, mel);
    uint64_t expected = hash_features(&rig.info, features);
    unsigned good = 0;
    for (unsigned i = 0; i < 50; i++) {
        npu_encoder_submit_mel(rig.encoder, mel, rig.info.positions, 1, NPU_TIMEOUT_NONE);
        npu_encoder_submit_mel(rig.encoder, mel, rig.info.positions, 2, NPU_TIMEOUT_NONE);
        if (i == 0)
            check_case(npu_encoder_submit_mel(rig.encoder, mel, rig.info.positions, 3, 0) ==
                           -EAGAIN,
                       "full_is_eagain", " ");
        nanosleep(&(struct timespec){.tv_nsec = (long)i * 100000}, NULL);
        npu_encoder_cancel(rig.encoder);
        bool refused =
            npu_encoder_submit_mel(rig.encoder, mel, rig.info.positions, 4, 0) == -ECANCELED &&
            npu_encoder_collect(rig.encoder, features, NULL, 0) == -ECANCELED;
        npu_encoder_resume(rig.encoder);
        bool empty = npu_encoder_collect(rig.encoder, features, NULL, 0) == -ENODATA;
        free(features);
        features = rig_encode(&rig, mel);
        good += refused && empty && hash_features(&rig.info, features) == expected;
    }
    check_case(good == 50, "cancel_drops_all_and_resume_starts_clean", "%u of 50", good);
    npu_encoder_submit_mel(rig.encoder, mel, rig.info.positions, 1, NPU_TIMEOUT_NONE);
    free(features);
    free(mel);
    rig_close(&rig); /* with a window in flight */
}

/* A window of another encoder that stops, and blocks the device's only thread. */
struct standing {
    struct npu_device *device;
    struct npu_loaded *loaded;
    struct npu_program program;
    const float *mel;
    float *features;
    pthread_t thread;
    sem_t stands, go, patience;
    atomic_bool impatient;
    atomic_uint n_stages;
    int result;
};

static void stand(void *user, unsigned stage)
{
    struct standing *s = user;
    if (atomic_fetch_add(&s->n_stages, 1) == 0) {
        sem_post(&s->stands);
        while (sem_wait(&s->go))
            ;
    }
}

static void *standing_main(void *data)
{
    struct standing *s = data;
    atomic_bool never = false;
    struct npu_run run = {.positions = s->program.positions,
                          .mel = s->mel,
                          .features = s->features,
                          .cancel = &never,
                          .after = stand,
                          .user = s};
    s->result = s->device->backend->run(s->loaded, &run);
    return NULL;
}

/* Lets it go on after a minute, so that a test that waits for it fails instead of hanging too. */
static void *patience_main(void *data)
{
    struct standing *s = data;
    struct timespec due;
    clock_gettime(CLOCK_REALTIME, &due);
    due.tv_sec += 60;
    int ret;
    while ((ret = sem_timedwait(&s->patience, &due)) && errno == EINTR)
        ;
    if (ret) {
        atomic_store(&s->impatient, true);
        sem_post(&s->go);
    }
    return NULL;
}

/* Cancel, resume and close wait for no job of another encoder, whether the window waits in the
 * queue or is about to. */
static void test_beside(void)
{
    struct rig rig;
    struct standing s = {.result = -1};
    struct npu_error err = {""};
    pthread_t patience;
    unsigned good = 0;

    rig_open(&rig, "f32", small_path, NULL, 1, 2);
    float *mel = lcg_mel(5, 80), *features = rig_encode(&rig, mel);
    uint64_t expected = hash_features(&rig.info, features);
    s.device = rig.device;
    s.mel = mel;
    s.features = features;
    if (npu_program_build(&s.program, &rig.model_info) ||
        rig.device->backend->load(&s.loaded, rig.device, &s.program, NPU_PROFILE_F32,
                                  rig.info.positions, rig.model, &err)) {
        check_case(false, "load", "%s", err.text);
        exit(check_finish());
    }
    sem_init(&s.stands, 0, 0);
    sem_init(&s.go, 0, 0);
    sem_init(&s.patience, 0, 0);
    pthread_create(&s.thread, NULL, standing_main, &s);
    pthread_create(&patience, NULL, patience_main, &s);
    while (sem_wait(&s.stands))
        ;
    for (unsigned i = 0; i < 20; i++) {
        good += npu_encoder_submit_mel(rig.encoder, mel, rig.info.positions, 1, 0) == 0;
        nanosleep(&(struct timespec){.tv_nsec = (long)(i % 4) * 1000000}, NULL);
        npu_encoder_cancel(rig.encoder);
        npu_encoder_resume(rig.encoder);
    }
    check_case(good == 20 && !s.impatient && s.n_stages == 1,
               "cancel_and_resume_wait_for_no_other_encoder", "%u of 20", good);
    npu_encoder_submit_mel(rig.encoder, mel, rig.info.positions, 1, 0);
    nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    npu_encoder_close(&rig.encoder);
    check_case(!s.impatient && s.n_stages == 1, "close_waits_for_no_other_encoder", "%u stages",
               s.n_stages);
    sem_post(&s.patience);
    sem_post(&s.go);
    pthread_join(patience, NULL);
    pthread_join(s.thread, NULL);
    check_case(s.result == 0 && s.n_stages == s.program.n_stages,
               "the_other_encoder_goes_on_after_it", "returned %d", s.result);
    rig.device->backend->unload(s.loaded);
    const struct npu_encoder_params params = {.profile = "f32"};
    if (npu_encoder_open(&rig.encoder, rig.model, rig.device, &params, &err))
        check_case(false, "open", "%s", err.text);
    free(features);
    features = rig_encode(&rig, mel);
    check_case(hash_features(&rig.info, features) == expected, "bits_after_it_are_the_same", " ");
    sem_destroy(&s.stands);
    sem_destroy(&s.go);
    sem_destroy(&s.patience);
    free(features);
    free(mel);
    rig_close(&rig);
}

static void test_params(void)
{
    struct npu_error err;
    struct npu_device *device = NULL;
    static const char *const absent[] = {"npu", "sim"};
    for (unsigned i = 0; i < 2; i++) {
        const struct npu_device_params params = {.name = absent[i]};
        err.text[0] = 0;
        check_case(npu_device_open(&device, &params, &err) == -ENODEV && !device &&
                       strstr(err.text, absent[i]),
                   "absent_device_is_refused", "%s", err.text);
    }
    const struct npu_device_params odd = {.name = "gpu"}, many = {.name = "cpu", .threads = 257};
    check_case(npu_device_open(&device, &odd, &err) == -EINVAL && strstr(err.text, "gpu"),
               "unknown_device_is_refused", "%s", err.text);
    check_case(npu_device_open(&device, &many, &err) == -EINVAL && strstr(err.text, "257"),
               "too_many_threads_are_refused", "%s", err.text);

    struct rig rig;
    rig_open(&rig, "f32", small_path, NULL, 1, 1);
    struct npu_encoder *encoder = NULL;
    const struct npu_encoder_params profile = {.profile = "int4"}, deep = {.depth = 9};
    check_case(npu_encoder_open(&encoder, rig.model, rig.device, &profile, &err) == -ENOTSUP &&
                   !encoder && strstr(err.text, "int4"),
               "unknown_profile_is_refused", "%s", err.text);
    check_case(npu_encoder_open(&encoder, rig.model, rig.device, &deep, &err) == -EINVAL &&
                   !encoder,
               "depth_9_is_refused", "%s", err.text);
    rig_close(&rig);
}

int main(int argc, char **argv)
{
    static const struct rig_case cases[] = {
        {"params", test_params},         {"beside", test_beside},    {"small", test_small_golden},
        {"hash-small", test_hash_small}, {"order", test_order},      {"cancel", test_cancel},
        {"depths", test_depths},         {"base", test_base_golden}, {"shared", test_shared_golden},
        {"hash-base", test_hash_base},
    };
    snprintf(small_path, sizeof(small_path), "test-encoder-%d.safetensors", (int)getpid());
    if (test_small_model_write(small_path, 80, 128, 2, 100, 1)) {
        check_case(false, "write_small_model", "%s", small_path);
        return check_finish();
    }
    rig_run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    unlink(small_path);
    return check_finish();
}
