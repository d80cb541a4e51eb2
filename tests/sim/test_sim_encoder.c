/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole encoder on device "sim" against profile npu on the CPU: the same integers after every
 * stage, the same features for windows in flight, one error and a recovery where a launch fails.
 *
 *     test_sim_encoder [CASE...]     all cases, or those named: small wide words bounds depths
 *                                    lengths faults cancel refused contexts base speech
 *                                    window
 *
 * `base` is the base model with 192 positions, `window` with all 1500: both also say the modelled
 * times; `speech` is windows of it in flight. TEST_SOURCE_ROOT (environment) is the project's
 * folder. */
#include <errno.h>
#include <sys/stat.h>

#include "npu/array/array.h"
#include "npu/clock.h"
#include "npu/sim/backend.h"
#include "tests/npu/encoder_rig.h"
#include "tests/npu/fixed_model.h"
#include "tests/npu/fixed_rig.h"
#include "tests/sim/launches.h"

#define BASE_PATH "npu/model/whisper-base-encoder.safetensors"
#define MEL_PATH  "tests/data/librivox-sense-0870.mel720.s16"

/* ---- Stage by stage -------------------------------------------------------------------------- */

static uint64_t fnv(const void *data, size_t n)
{
    const unsigned char *p = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

struct stages {
    const struct npu_program *program;
    unsigned positions;
    char *const *buffer; /* of either backend */
    uint64_t hash[3 + 5 * 8];
    uint64_t before[NPU_SIM_PRESETS]; /* modelled ns of all launches, when the stage began */
    uint64_t op_ns[NPU_SIM_PRESETS][NPU_OP_COUNT]; /* modelled */
};

static void count_modelled(struct stages *s, enum npu_op op)
{
    uint64_t now[NPU_SIM_PRESETS];
    npu_sim_get_modelled(now);
    for (unsigned preset = 0; preset < NPU_SIM_PRESETS; preset++)
        s->op_ns[preset][op] += now[preset] - s->before[preset];
    memcpy(s->before, now, sizeof(now));
}

static void hash_stage(void *user, unsigned index)
{
    struct stages *s = user;
    const struct npu_stage *stage = &s->program->stage[index];
    uint64_t hash = 0;

    count_modelled(s, stage->op);
    for (unsigned i = 0; i < stage->n_matrices || i == 0; i++) {
        unsigned out = stage->out + i;
        size_t n = npu_buffer_values(&s->program->buffer[out], s->positions);
        if (out != NPU_BUFFER_FEATURES) /* those are compared whole */
            hash = 3 * hash + fnv(s->buffer[out], n * (out == NPU_BUFFER_RESIDUAL ? 4 : 2));
    }
    s->hash[index] = hash;
}

struct both {
    struct npu_device *cpu, *sim;
    struct npu_model *model;
    struct npu_program program;
    struct npu_loaded *on_cpu, *on_sim;
};

static void both_open(struct both *b, const char *path, unsigned positions)
{
    struct npu_error err = {""};
    struct npu_model_info info = {0};

    int ret = npu_device_open(&b->cpu, &(struct npu_device_params){.name = "cpu"}, &err);
    if (ret == 0)
        ret = npu_device_open(&b->sim, &(struct npu_device_params){.name = "sim"}, &err);
    if (ret == 0)
        ret = npu_model_open(&b->model, path, &err);
    if (ret == 0)
        npu_model_get_info(b->model, &info);
    if (ret == 0)
        ret = npu_program_build(&b->program, &info);
    positions = positions ? positions : info.n_ctx;
    if (ret == 0)
        ret = b->cpu->backend->load(&b->on_cpu, b->cpu, &b->program, NPU_PROFILE_NPU, positions,
                                    b->model, &err);
    if (ret == 0)
        ret = b->sim->backend->load(&b->on_sim, b->sim, &b->program, NPU_PROFILE_NPU, positions,
                                    b->model, &err);
    if (ret) {
        check_case(false, "open", "%d %s", ret, err.text);
        exit(check_finish());
    }
}

static void both_close(struct both *b)
{
    b->cpu->backend->unload(b->on_cpu);
    b->sim->backend->unload(b->on_sim);
    npu_model_close(&b->model);
    npu_device_close(&b->cpu);
    npu_device_close(&b->sim);
}

/* What the launches of a stage's kind took is what the run says of it, preset published. */
static bool same_times(const struct stages *s, const struct npu_run *run)
{
    bool same = true;
    for (unsigned op = 0; op < NPU_OP_COUNT; op++)
        same &= s->op_ns[NPU_SIM_PUBLISHED][op] == run->op_modelled_ns[op] &&
                s->op_ns[NPU_SIM_BEST][op] <= run->op_modelled_ns[op] &&
                s->op_ns[NPU_SIM_PESSIMISTIC][op] >= run->op_modelled_ns[op];
    return same;
}

static double sum_ms(const uint64_t op_ns[NPU_OP_COUNT])
{
    uint64_t sum = 0;
    for (unsigned op = 0; op < NPU_OP_COUNT; op++)
        sum += op_ns[op];
    return (double)sum * 1e-6;
}

static void print_times(const struct stages *s)
{
    for (unsigned preset = 0; preset < NPU_SIM_PRESETS; preset++) {
        printf("# modelled ms, launches included, %s: %.1f:",
               npu_sim_preset_name((enum npu_sim_preset)preset), sum_ms(s->op_ns[preset]));
        for (unsigned op = 0; op < NPU_OP_COUNT; op++)
            printf(" %s %.1f", npu_op_name((enum npu_op)op), (double)s->op_ns[preset][op] * 1e-6);
        puts("");
    }
}

/* One window on both; stages, features, modelled times. */
static void compare_window(const char *name, struct both *b, const float *mel, unsigned positions,
                           bool print)
{
    const struct npu_program *p = &b->program;
    const size_t values = (size_t)positions * p->d_model;
    float *features[2] = {new_floats(values), new_floats(values)};
    struct npu_error err = {""};
    atomic_bool cancel = false;
    struct stages s[2] = {
        {.buffer = ((const struct npu_cpu_loaded *)b->on_cpu)->buffer},
        {.buffer = ((const struct npu_array_loaded *)b->on_sim)->buffer},
    };
    int ret = 0;
    unsigned i = 0;
    bool timed = true;

    for (unsigned which = 0; which < 2 && ret == 0; which++) {
        s[which].program = p;
        s[which].positions = positions;
        struct npu_loaded *l = which ? b->on_sim : b->on_cpu;
        struct npu_run run = {.positions = positions,
                              .mel = mel,
                              .features = features[which],
                              .cancel = &cancel,
                              .after = hash_stage,
                              .user = &s[which],
                              .err = &err};
        npu_sim_get_modelled(s[which].before);
        ret = l->backend->run(l, &run);
        timed &= same_times(&s[which], &run);
    }
    while (i < p->n_stages && s[0].hash[i] == s[1].hash[i])
        i++;
    bool same = ret == 0 && memcmp(features[0], features[1], values * sizeof(float)) == 0;
    const double ms[NPU_SIM_PRESETS] = {sum_ms(s[1].op_ns[0]), sum_ms(s[1].op_ns[1]),
                                        sum_ms(s[1].op_ns[2])};
    check_case(same && i == p->n_stages && timed && 0 < ms[2] && ms[2] < ms[1] && ms[1] < ms[0],
               name, "%u of %u stages equal, features %s, %d %s; modelled %.3f / %.3f / %.3f ms%s",
               i, p->n_stages, same ? "equal" : "not", ret, err.text, ms[0], ms[1], ms[2],
               timed ? "" : ", not what the launches took");
    if (print)
        print_times(&s[1]);
    free(features[0]);
    free(features[1]);
}

static void stages(const char *name, unsigned n_mels, unsigned d, unsigned layers, unsigned n_ctx)
{
    struct both b;
    float *mel = lcg_mel(d, n_mels);

    fixed_model_write(n_mels, d, layers, n_ctx, d);
    both_open(&b, fixed_model_path(), 0);
    compare_window(name, &b, mel, n_ctx, false);
    both_close(&b);
    fixed_model_remove();
    free(mel);
}

/* The stored hash of the small model, through npu_encoder_*; no design for this LayerNorm. */
static void test_small(void)
{
    struct rig rig;
    struct npu_stats stats;
    float *mel = lcg_mel(3, 80);

    fixed_model_write(80, 128, 4, 150, 1);
    rig_open_on(&rig, "sim", "npu", fixed_model_path(), 0, 1);
    float *features = rig_encode(&rig, mel);
    uint64_t hash = hash_features(&rig.info, features);
    check_case(hash == NPU_TEST_HASH_NPU_SMALL, "sim_small_hash_is_the_stored_one",
               "%016" PRIx64 ", stored %016" PRIx64, hash, NPU_TEST_HASH_NPU_SMALL);
    npu_encoder_get_stats(rig.encoder, &stats);
    check_case(stats.windows == 1 && stats.modelled_ns > 0, "sim_modelled_time_is_counted",
               "%" PRIu64 " windows, %.3f ms modelled", stats.windows,
               (double)stats.modelled_ns * 1e-6);
    rig_close(&rig);
    fixed_model_remove();
    free(features);
    free(mel);
}

/* One head, heads and channels that do not fill four columns, both LayerNorm designs, 128 mels. */
static void test_wide(void)
{
    stages("sim_stages_equal_d64", 80, 64, 2, 65);
    stages("sim_stages_equal_d192_128_mels", 128, 192, 2, 20);
    stages("sim_stages_equal_d256", 80, 256, 2, 70);
    stages("sim_stages_equal_d512", 80, 512, 2, 63);
}

/* The simulator gets the instruction words that a device would get, and no sequence as text. */
static void test_words(void)
{
    unsigned words[2], texts[2];

    launches_count(&words[0], &texts[0]);
    stages("sim_stages_equal_d64_from_words", 80, 64, 1, 20);
    launches_count(&words[1], &texts[1]);
    /* conv1, its GELU, conv2, Q, K, V, attention, out, FC1, FC2 */
    check_case(words[1] - words[0] == 10 && texts[1] == texts[0],
               "sim_encoder_launches_words_alone", "%u launches from words, %u from text",
               words[1] - words[0], texts[1] - texts[0]);
}

/* Products by design, the last number: on the host. */
static void count_designs(const struct both *b, unsigned n[NPU_ARRAY_DESIGNS + 1])
{
    const struct npu_array_loaded *l = (const struct npu_array_loaded *)b->on_sim;
    memset(n, 0, (NPU_ARRAY_DESIGNS + 1) * sizeof(*n));
    for (unsigned i = 0; i < b->program.n_stages; i++)
        for (unsigned m = 0; m < b->program.stage[i].n_matrices; m++)
            n[l->stage[i].product[m].design]++;
}

/* Equal weights make sums that 32 bits do not hold: the one-core design for FC1 and FC2 of 8
 * bits, the host for the second convolution. */
static void test_bounds(void)
{
    struct both b;
    float *mel = lcg_mel(9, 80);

    fixed_model_write(80, 256, 2, 70, 5);
    fixed_model_change("conv2.weight", 0, 0.01f);
    fixed_model_change("layers.1.fc1.weight", 0, 0.01f);
    fixed_model_change("layers.1.fc2.weight", 0, 0.01f);
    both_open(&b, fixed_model_path(), 0);
    unsigned designs[NPU_ARRAY_DESIGNS + 1];
    count_designs(&b, designs);
    check_case(designs[NPU_ARRAY_DESIGNS] > 0 && designs[NPU_ARRAY_GEMM1] > 5 &&
                   designs[NPU_ARRAY_GEMM16] > 0,
               "sim_wide_sums_leave_the_16_cores", "%u on 16 cores, %u on one, %u on the host",
               designs[NPU_ARRAY_GEMM16], designs[NPU_ARRAY_GEMM1], designs[NPU_ARRAY_DESIGNS]);
    compare_window("sim_stages_equal_wide_sums", &b, mel, 70, false);
    both_close(&b);
    fixed_model_remove();
    free(mel);
}

/* ---- Windows in flight ----------------------------------------------------------------------- */

enum { WINDOWS = 5, MELS = 80 };

struct windows {
    float *mel[WINDOWS], *expected[WINDOWS];
    unsigned positions[WINDOWS];
};

/* The CPU's results, one after the other, for the given mels. */
static void windows_expect(struct windows *w, const char *path)
{
    struct rig rig;
    rig_open_on(&rig, "cpu", "npu", path, 0, 1);
    for (unsigned i = 0; i < WINDOWS; i++) {
        w->expected[i] = new_floats((size_t)w->positions[i] * rig.info.d_model);
        if (npu_encoder_submit_mel(rig.encoder, w->mel[i], w->positions[i], i, NPU_TIMEOUT_NONE) ||
            npu_encoder_collect(rig.encoder, w->expected[i], NULL, NPU_TIMEOUT_NONE))
            check_case(false, "cpu", "window %u", i);
    }
    rig_close(&rig);
}

/* Of 1 .. `positions` where lengths, else all of that. */
static void windows_init(struct windows *w, const char *path, unsigned positions, bool lengths)
{
    for (unsigned i = 0; i < WINDOWS; i++) {
        w->mel[i] = lcg_mel(100 + i, MELS);
        w->positions[i] = lengths ? 1 + i * (positions - 1) / (WINDOWS - 1) : positions;
    }
    windows_expect(w, path);
}

static void windows_free(struct windows *w)
{
    for (unsigned i = 0; i < WINDOWS; i++) {
        free(w->mel[i]);
        free(w->expected[i]);
    }
}

/* All windows through an open encoder, as many in flight as it takes. Returns how many came back as
 * expected; *error: the first. */
static unsigned windows_run(const struct windows *w, struct rig *rig, int *error)
{
    float *features = new_floats((size_t)rig->info.positions * rig->info.d_model);
    unsigned in = 0, out = 0, equal = 0;
    int ret = 0;

    while (out < WINDOWS && ret == 0) {
        uint64_t tag = WINDOWS;
        while (in < WINDOWS && ret == 0) {
            ret = npu_encoder_submit_mel(rig->encoder, w->mel[in], w->positions[in], in, 0);
            in += ret == 0;
        }
        if (ret && ret != -EAGAIN)
            break;
        ret = npu_encoder_collect(rig->encoder, features, &tag, NPU_TIMEOUT_NONE);
        if (ret == 0)
            equal += tag == out &&
                     !memcmp(features, w->expected[out],
                             (size_t)w->positions[out] * rig->info.d_model * sizeof(*features));
        out += ret == 0;
    }
    free(features);
    *error = ret;
    return equal;
}

static void flight(const char *what, const struct windows *w, const char *path, unsigned most_depth)
{
    char name[96];

    for (unsigned depth = 1; depth <= most_depth; depth++) {
        struct rig rig;
        int error = 0;
        rig_open_on(&rig, "sim", "npu", path, 0, depth);
        unsigned equal = windows_run(w, &rig, &error);
        snprintf(name, sizeof(name), "sim_%s_depth_%u_equal_sequential", what, depth);
        check_case(equal == WINDOWS && error == 0, name, "%u of %d equal, %d", equal, WINDOWS,
                   error);
        rig_close(&rig);
    }
}

static void random_flight(const char *what, unsigned n_ctx, bool lengths, unsigned most_depth)
{
    struct windows w;

    fixed_model_write(MELS, 128, 2, n_ctx, 2);
    windows_init(&w, fixed_model_path(), n_ctx, lengths);
    flight(what, &w, fixed_model_path(), most_depth);
    windows_free(&w);
    fixed_model_remove();
}

static void test_depths(void)
{
    random_flight("windows", 40, false, 4);
}

static void test_lengths(void)
{
    random_flight("windows_of_many_lengths", 130, true, 2);
}

/* ---- Failures -------------------------------------------------------------------------------- */

/* Launch `at` of three windows fails: one error for all, then recovery. */
static void fail_at(const struct windows *w, enum launches_fault kind, int at, const char *words)
{
    struct rig rig;
    int first = 0, after = 0;
    char name[64];
    struct npu_error err = {""};

    rig_open_on(&rig, "sim", "npu", fixed_model_path(), 0, 2);
    launches_set_fault(kind, at);
    unsigned before = windows_run(w, &rig, &first);
    int second = npu_encoder_submit_mel(rig.encoder, w->mel[0], w->positions[0], 0, 0);
    npu_encoder_get_error(rig.encoder, &err);
    launches_set_fault(LAUNCHES_NONE, 0);
    npu_encoder_resume(rig.encoder);
    unsigned equal = windows_run(w, &rig, &after);
    snprintf(name, sizeof(name), "sim_launch_%d_%s_then_recovers", at,
             kind == LAUNCHES_REFUSE  ? "refused"
             : kind == LAUNCHES_STUCK ? "stuck"
                                      : "short");
    check_case(first == -EIO && second == -EIO && strstr(err.text, words) && after == 0 &&
                   equal == WINDOWS,
               name, "%u windows, then %d, submit %d, \"%s\"; after resume %u equal, %d", before,
               first, second, err.text, equal, after);
    rig_close(&rig);
}

static void test_faults(void)
{
    struct windows w;

    fixed_model_write(MELS, 64, 1, 20, 2);
    windows_init(&w, fixed_model_path(), 20, false);
    launches_set_fault(LAUNCHES_NONE, 0);
    for (int at = 1; at <= 13; at += 3) {
        fail_at(&w, LAUNCHES_REFUSE, at, "a fault of the test");
        fail_at(&w, LAUNCHES_SHORTEN, at, "bytes");
        if (at != 7) /* attention, which has its jobs elsewhere */
            fail_at(&w, LAUNCHES_STUCK, at, "waits");
    }
    windows_free(&w);
    fixed_model_remove();
}

static struct rig *cancelled;
static void cancel_it(void)
{
    npu_encoder_cancel(cancelled->encoder);
}

/* Cancels in the middle of a window: its other launches do not begin. */
static void test_cancel(void)
{
    struct windows w;
    struct rig rig;
    int first = 0, after = 0;
    unsigned words[2], texts;

    fixed_model_write(MELS, 64, 1, 20, 2);
    windows_init(&w, fixed_model_path(), 20, false);
    rig_open_on(&rig, "sim", "npu", fixed_model_path(), 0, 2);
    cancelled = &rig;
    launches_count(&words[0], &texts);
    launches_set_call(cancel_it, 4);
    unsigned before = windows_run(&w, &rig, &first);
    launches_set_call(NULL, 0);
    npu_encoder_resume(rig.encoder);
    launches_count(&words[1], &texts);
    unsigned equal = windows_run(&w, &rig, &after);
    check_case(first == -ECANCELED && before == 0 && words[1] - words[0] == 4 && equal == WINDOWS &&
                   after == 0,
               "sim_cancel_in_a_window_then_recovers",
               "%u, %d after %u launches; after resume %u equal, %d", before, first,
               words[1] - words[0], equal, after);
    rig_close(&rig);
    windows_free(&w);
    fixed_model_remove();
}

static void expect_refused(const char *name, const char *profile, int code, const char *words)
{
    struct npu_device *device = NULL;
    struct npu_model *model = NULL;
    struct npu_encoder *encoder = NULL;
    struct npu_error err = {""};

    int ret = npu_device_open(&device, &(struct npu_device_params){.name = "sim"}, &err);
    if (ret == 0)
        ret = npu_model_open(&model, fixed_model_path(), &err);
    if (ret == 0)
        ret = npu_encoder_open(&encoder, model, device,
                               &(struct npu_encoder_params){.profile = profile}, &err);
    check_case(ret == code && !encoder && strstr(err.text, words), name, "%d %s", ret, err.text);
    npu_model_close(&model);
    npu_device_close(&device);
}

/* Other profiles; no designs; a folder with a file that is not a design. */
static void test_refused(void)
{
    char folder[64], path[96];
    FILE *file;

    fixed_model_write(MELS, 64, 1, 20, 2);
    expect_refused("sim_profile_f32_refused", "f32", -ENOTSUP, "profile npu");
    expect_refused("sim_profile_int8_refused", "int8", -ENOTSUP, "profile npu");
    setenv("WHISPERNPU_DESIGNS", "no-such-folder", 1);
    expect_refused("sim_folder_that_is_not_there_refused", "npu", -ENOENT, "WHISPERNPU_DESIGNS");
    snprintf(folder, sizeof(folder), "test-designs-%d", (int)getpid());
    snprintf(path, sizeof(path), "%s/encoder.mlir", folder);
    mkdir(folder, 0700);
    file = fopen(path, "w");
    if (file) {
        fputs("nothing", file);
        fclose(file);
    }
    setenv("WHISPERNPU_DESIGNS", folder, 1);
    expect_refused("sim_file_that_is_no_design_refused", "npu", -EBADMSG, "encoder.mlir");
    unsetenv("WHISPERNPU_DESIGNS");
    unlink(path);
    rmdir(folder);
    fixed_model_remove();
}

/* How many more designs the device takes, and what it says then. */
static unsigned count_free(struct npu_device *device, struct npu_error *err)
{
    struct npu_context *context[8] = {NULL};
    unsigned n = 0;

    const struct npu_code code = {.kind = NPU_CODE_WORDS, .name = "gelu", .program = "gelu_2048"};
    while (n < 8 && npu_context_open(&context[n], device, &code, err) == 0)
        n++;
    for (unsigned i = 0; i < n; i++)
        npu_context_close(&context[i], NPU_TIMEOUT_NONE);
    return n;
}

/* The driver has six contexts, and an encoder's designs are in four of them, or five where one
 * normalises. */
static void test_contexts(void)
{
    struct rig rig, again = {0};
    struct npu_error err = {""}, second = {""};

    fixed_model_write(MELS, 64, 1, 20, 2);
    rig_open_on(&rig, "sim", "npu", fixed_model_path(), 0, 2);
    unsigned beside = count_free(rig.device, &err);
    int ret = npu_encoder_open(&again.encoder, rig.model, rig.device,
                               &(struct npu_encoder_params){.profile = "npu"}, &second);
    check_case(beside == 2 && strstr(err.text, "all 6 contexts of device sim are in use"),
               "sim_encoder_leaves_two_contexts", "%u more, \"%s\"", beside, err.text);
    check_case(ret == -ENOENT && !again.encoder &&
                   strstr(second.text, "all 6 contexts of device sim are in use"),
               "sim_second_encoder_has_no_contexts", "%d \"%s\"", ret, second.text);
    npu_encoder_close(&again.encoder);
    npu_encoder_close(&rig.encoder);
    beside = count_free(rig.device, &err);
    check_case(beside == 6, "sim_closed_encoder_gives_its_contexts_back", "%u more, \"%s\"", beside,
               err.text);
    rig_close(&rig);
    fixed_model_remove();
}

/* ---- Base ------------------------------------------------------------------------------------ */

static void base(const char *name, unsigned positions)
{
    struct both b;
    float *mel = stored_mel(source_path(MEL_PATH));

    both_open(&b, source_path(BASE_PATH), positions);
    unsigned designs[NPU_ARRAY_DESIGNS + 1];
    count_designs(&b, designs);
    check_case(designs[NPU_ARRAY_GEMM1] == 5 && designs[NPU_ARRAY_DESIGNS] == 0,
               "sim_base_products_all_on_designs", "%u on 16 cores, %u on one, %u on the host",
               designs[NPU_ARRAY_GEMM16], designs[NPU_ARRAY_GEMM1], designs[NPU_ARRAY_DESIGNS]);
    uint64_t start = npu_now_ns();
    compare_window(name, &b, mel, positions, true);
    printf("# both runs took %.2f s\n", (double)(npu_now_ns() - start) * 1e-9);
    both_close(&b);
    free(mel);
}

static void test_base(void)
{
    base("sim_base_192_positions_stages_equal", 192);
}

/* Recorded speech: windows of 128 positions that begin every 0.6 s. */
static void test_speech(void)
{
    struct windows w;
    float *mel = stored_mel(source_path(MEL_PATH));

    for (unsigned i = 0; i < WINDOWS; i++) {
        w.mel[i] = new_mel(MELS);
        w.positions[i] = 128;
        memcpy(w.mel[i], mel + (size_t)60 * i * MELS, (size_t)2 * 128 * MELS * sizeof(*mel));
    }
    windows_expect(&w, source_path(BASE_PATH));
    flight("base_windows_of_speech", &w, source_path(BASE_PATH), 4);
    windows_free(&w);
    free(mel);
}

static void test_window(void)
{
    base("sim_base_window_stages_equal", 1500);
}

int main(int argc, char **argv)
{
    static const struct rig_case cases[] = {
        {"small", test_small},       {"wide", test_wide},     {"bounds", test_bounds},
        {"words", test_words},       {"depths", test_depths}, {"lengths", test_lengths},
        {"faults", test_faults},     {"cancel", test_cancel}, {"refused", test_refused},
        {"contexts", test_contexts}, {"base", test_base},     {"speech", test_speech},
        {"window", test_window},
    };

    if (npu_sim_backend_register())
        return 2;
    rig_run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    return check_finish();
}
