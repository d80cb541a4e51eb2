/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Windows of fewer positions than the model's table, in every profile: compared with float64; their
 * bits depend on the mel alone; their memory and counts.
 *
 *     test_short_window [CASE...]     all cases, or those named: refused golden hash alone flight
 *                                     room counts
 *
 * TEST_SOURCE_ROOT (environment) is the project's folder. Goldens: tests/data/make_short_golden.py.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "kernels/kernels.h"
#include "npu/npu.h"
#include "tests/check.h"
#include "tests/npu/closeness.h"
#include "tests/npu/encoder_input.h"
#include "tests/npu/encoder_rig.h"
#include "tests/npu/kernel_sets.h"
#include "tests/small_model.h"

#define D        128 /* of the small model written here, and: */
#define LAYERS   2   /* one of each width of int8 */
#define N_SIZES  5
#define N_GOLDEN 6

static char small_path[64];
static const char *const profiles[] = {"f32", "int8", "npu"};

/* A tile is 64 rows, a block of keys as well. */
static const unsigned sizes[N_SIZES] = {50, 64, 65, 130, 250};
static const unsigned golden_sizes[N_GOLDEN] = {1, 50, 64, 65, 250, 1499};

/* ---- What is refused ------------------------------------------------------------------------- */

static void test_refused(void)
{
    struct rig rig;
    struct npu_error err;
    struct npu_encoder *encoder = NULL;
    const struct npu_encoder_params many = {.profile = "f32", .positions = 151};

    if (test_small_model_write(small_path, 80, D, 1, 150, 1))
        check_case(false, "write_small_model", "%s", small_path);
    rig_open(&rig, "f32", small_path, NULL, 1, 1);
    float *mel = lcg_mel(3, 80), *features = new_floats((size_t)150 * D);
    int none = npu_encoder_submit_mel(rig.encoder, mel, 0, 1, 0);
    int more = npu_encoder_submit_mel(rig.encoder, mel, 151, 1, 0);
    int empty = npu_encoder_collect(rig.encoder, features, NULL, 0);
    check_case(none == -EINVAL && more == -EINVAL && empty == -ENODATA,
               "positions_0_and_151_of_150_are_refused", "%d, %d, collect %d", none, more, empty);
    int opened = npu_encoder_open(&encoder, rig.model, rig.device, &many, &err);
    check_case(opened == -EINVAL && !encoder && strstr(err.text, "151") && strstr(err.text, "150"),
               "an_encoder_of_more_than_the_model_is_refused", "%s", err.text);
    free(features);
    free(mel);
    rig_close(&rig);
}

/* ---- Goldens --------------------------------------------------------------------------------- */

/* The rows of a golden window: 0, s, 2 s ..., s = max(1, n / 16), and the last once more. */
static size_t add_golden(struct closeness *c, const float *features, const float *golden,
                         unsigned n, size_t d)
{
    unsigned step = n / 16 > 1 ? n / 16 : 1, rows = (n + step - 1) / step;
    closeness_add(c, features, golden, rows, step, n - 1, d);
    closeness_add(c, features + (n - 1) * d, golden + rows * d, 1, 1, 0, d);
    return (rows + 1) * d;
}

/* Of the windows that the model's table has rows for. */
static void golden_of_profile(const char *profile, const char *model, const char *path,
                              const float *mel, const float *golden, double least)
{
    char name[128];
    struct rig rig;

    rig_open(&rig, profile, path, NULL, 2, 1);
    for (unsigned i = 0; i < N_GOLDEN && golden_sizes[i] <= rig.model_info.n_ctx; i++) {
        unsigned n = golden_sizes[i];
        struct closeness c;
        float *features = rig_encode_first(&rig, mel, n);
        closeness_init(&c, 64);
        golden += add_golden(&c, features, golden, n, rig.info.d_model);
        closeness_finish(&c);
        snprintf(name, sizeof(name), "%s_%s_%u_positions_near_float64", model, profile, n);
        check_case(c.finite && c.worst >= least, name, CLOSENESS_FORMAT ", worst %.9f",
                   CLOSENESS_ARGS(c), c.worst);
        free(features);
    }
    rig_close(&rig);
}

/* `from` with a position table of only its first `rows`; the other rows become a tensor outside the
 * encoder. */
static void cut_table(const char *from, unsigned d_model, unsigned rows)
{
    static char header[1 << 16];
    char before[96], after[256];
    FILE *in = fopen(from, "rb"), *out = fopen(small_path, "wb");
    uint8_t length[8] = {0};
    unsigned long begin = 0, end = 0;
    bool ok = in && out && fread(length, 1, 8, in) == 8;
    size_t n = length[0] | (size_t)length[1] << 8;
    ok = ok && n < sizeof(header) && fread(header, 1, n, in) == n;
    header[n] = 0;
    char *entry = ok ? strstr(header, "embed_positions.weight\"") : NULL;
    char *shape = entry ? strstr(entry, "[1500") : NULL;
    char *offsets = shape ? strstr(shape, "data_offsets") : NULL;
    char *bracket = offsets ? strchr(offsets, '[') : NULL;
    ok = bracket && sscanf(bracket, "[%lu , %lu", &begin, &end) == 2;
    if (ok) {
        unsigned long middle = begin + 2ul * rows * d_model;
        snprintf(before, sizeof(before), "[%u,%u],\"data_offsets\":[%lu,%lu", rows, d_model, begin,
                 middle);
        snprintf(after, sizeof(after),
                 "},\"other.rows\":{\"dtype\":\"F16\",\"shape\":[%u,%u],\"data_offsets\":[%lu,%lu]",
                 1500 - rows, d_model, middle, end);
        char *close = strchr(bracket, ']');
        size_t n_new = (size_t)(shape - header) + strlen(before) + 1 + strlen(after) +
                       (n - (size_t)(close + 1 - header));
        uint8_t new_length[8] = {(uint8_t)n_new, (uint8_t)(n_new >> 8), (uint8_t)(n_new >> 16)};
        fwrite(new_length, 1, 8, out);
        fprintf(out, "%.*s%s]%s%s", (int)(shape - header), header, before, after, close + 1);
        for (size_t k = n; k > 0;) {
            k = fread(header, 1, sizeof(header), in);
            ok = ok && fwrite(header, 1, k, out) == k;
        }
    }
    if (in)
        fclose(in);
    if (!ok || !out || fclose(out) != 0)
        check_case(false, "cut_table", "%s", from);
}

static const struct {
    const char *name;
    unsigned n_mels, d_model, seed;
} golden_models[] = {{"m128-d128-l1", 128, 128, 1}, {"m80-d64-l3", 80, 64, 2}};

/* Goldens with the whole table and with only its first 250 rows, as fine-tunes have. */
static void test_golden(void)
{
    static const double least[] = {0.999999, 0.9999, 0.9999};

    for (unsigned i = 0; i < 2; i++) {
        char path[128], name[64];
        snprintf(path, sizeof(path), "tests/data/encoder/%s.short.f32", golden_models[i].name);
        unsigned d_model = golden_models[i].d_model;
        float *golden = read_file(source_path(path), 91 * d_model * sizeof(float));
        float *mel = lcg_mel(golden_models[i].seed, golden_models[i].n_mels);
        snprintf(path, sizeof(path), "tests/data/encoder/%s.safetensors", golden_models[i].name);
        for (unsigned p = 0; p < 3; p++)
            golden_of_profile(profiles[p], golden_models[i].name, source_path(path), mel, golden,
                              least[p]);
        cut_table(source_path(path), d_model, 250);
        snprintf(name, sizeof(name), "%s_of_250_rows", golden_models[i].name);
        for (unsigned p = 0; p < 3; p++)
            golden_of_profile(profiles[p], name, small_path, mel, golden, least[p]);
        free(mel);
        free(golden);
    }
}

/* ---- Bits ------------------------------------------------------------------------------------ */

/* Of lcg_mel(3) in the small model; see encoder_input.h. */
static const uint64_t hashes[3][N_SIZES] = {
    {UINT64_C(0x53509513d093824a), UINT64_C(0xe0ee581343bede1f), UINT64_C(0x48d8d0b560944447),
     UINT64_C(0x67143cfc34c65a5a), UINT64_C(0x23fc333b8cf24102)},
    {UINT64_C(0xf991da69361e9088), UINT64_C(0x345ccc78c954fedb), UINT64_C(0xa316dbaad4ee5d12),
     UINT64_C(0x254c29fe2dc9e8b7), UINT64_C(0x70a6a1ba364dbf76)},
    {UINT64_C(0x5a640d91256cefde), UINT64_C(0x539aa6a05761fe14), UINT64_C(0x52da0a9f145bbdd1),
     UINT64_C(0x7085f7e606b5ef31), UINT64_C(0xb410bc98b0d97486)},
};

/* Sizes in an order in which each runs after longer and after shorter ones. */
static unsigned nth_size(unsigned i)
{
    return (i * 2 + 4) % N_SIZES; /* 250, 64, 130, 50, 65 */
}

static void hash_on_set(unsigned profile, const char *set, unsigned threads, const float *mel)
{
    struct rig rig;
    char name[96], text[160] = "";
    unsigned same = 0;

    snprintf(name, sizeof(name), "%s_hashes_on_%s_%u_threads", profiles[profile], set, threads);
    if (!rig_runs(set)) {
        check_skip(name, "not on this processor");
        return;
    }
    rig_open(&rig, profiles[profile], small_path, set, threads, 2);
    for (unsigned i = 0; i < N_SIZES; i++) {
        unsigned at = nth_size(i);
        float *features = rig_encode_first(&rig, mel, sizes[at]);
        uint64_t hash = hash_values(features, (size_t)sizes[at] * D);
        same += hash == hashes[profile][at];
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " %u:%016" PRIx64, sizes[at],
                 hash);
        free(features);
    }
    check_case(same == N_SIZES, name, "%u of %d as stored,%s", same, N_SIZES, text);
    rig_close(&rig);
}

static void test_hash(void)
{
    float *mel = lcg_mel(3, 80);

    if (test_small_model_write(small_path, 80, D, LAYERS, 1500, 1))
        check_case(false, "write_small_model", "%s", small_path);
    for (unsigned p = 0; p < 3; p++)
        for (const char *const *set = kernel_sets(profiles[p]); *set; set++)
            for (unsigned threads = 1; threads <= 3; threads++)
                hash_on_set(p, *set, threads, mel);
    unsetenv("WHISPERNPU_CPU");
    free(mel);
}

/* The same bits from an encoder opened for just these positions, from one opened for all, and after
 * a window of values that would show if any of them were used. */
static void alone_in_profile(const char *profile)
{
    struct rig all;
    char name[96];
    float *mel = lcg_mel(3, 80), *poison = new_mel(80);

    for (size_t i = 0; i < (size_t)NPU_WINDOW_FRAMES * 80; i++) /* int8 takes finite values alone */
        poison[i] = strcmp(profile, "f32") ? 1000.0f - (float)(i % 3 * 700) : NAN;
    rig_open(&all, profile, small_path, NULL, 2, 2);
    for (unsigned i = 0; i < N_SIZES; i++) {
        struct npu_encoder_params params = {.profile = profile, .positions = sizes[i]};
        struct rig own = all;
        struct npu_error err = {""};
        size_t n = (size_t)sizes[i] * D;
        float *before = rig_encode_first(&all, mel, sizes[i]);
        free(rig_encode_first(&all, poison, 320)); /* more than any, in all its tiles */
        float *after = rig_encode_first(&all, mel, sizes[i]);
        int ret = npu_encoder_open(&own.encoder, all.model, all.device, &params, &err);
        snprintf(name, sizeof(name), "%s_%u_positions_depend_on_nothing_else", profile, sizes[i]);
        if (ret) {
            check_case(false, name, "%s", err.text);
        } else {
            float *features = rig_encode_first(&own, mel, sizes[i]);
            check_case(!memcmp(before, after, n * sizeof(float)) &&
                           !memcmp(before, features, n * sizeof(float)),
                       name, "%016" PRIx64 ", after others %016" PRIx64 ", own encoder %016" PRIx64,
                       hash_values(before, n), hash_values(after, n), hash_values(features, n));
            free(features);
            npu_encoder_close(&own.encoder);
        }
        free(before);
        free(after);
    }
    free(poison);
    free(mel);
    rig_close(&all);
}

static void test_alone(void)
{
    if (test_small_model_write(small_path, 80, D, LAYERS, 1500, 1))
        check_case(false, "write_small_model", "%s", small_path);
    for (unsigned p = 0; p < 3; p++)
        alone_in_profile(profiles[p]);
}

/* Windows of many lengths in flight: in order, each its own, and no value written past its end. */
static void test_flight(void)
{
    enum { WINDOWS = 40, DEPTH = 4, MOST = 300 };
    struct rig one, deep;
    uint64_t expected[WINDOWS];
    float *mel[WINDOWS];
    unsigned positions[WINDOWS], right = 0, kept = 0;

    if (test_small_model_write(small_path, 80, D, 2, MOST, 1))
        check_case(false, "write_small_model", "%s", small_path);
    rig_open(&one, "int8", small_path, NULL, 1, 1);
    rig_open(&deep, "int8", small_path, NULL, 2, DEPTH);
    for (unsigned i = 0; i < WINDOWS; i++) {
        positions[i] = i % 7 == 0 ? MOST : 1 + i * 37 % MOST;
        mel[i] = lcg_mel(100 + i, 80);
        float *x = rig_encode_first(&one, mel[i], positions[i]);
        expected[i] = hash_values(x, (size_t)positions[i] * D);
        free(x);
    }
    float *features = new_floats((size_t)MOST * D + 1);
    for (unsigned i = 0; i < WINDOWS + DEPTH; i++) {
        if (i >= DEPTH) {
            unsigned w = i - DEPTH;
            size_t n = (size_t)positions[w] * D;
            uint64_t tag = 99;
            features[n] = 1234.5f;
            npu_encoder_collect(deep.encoder, features, &tag, NPU_TIMEOUT_NONE);
            right += tag == w && hash_values(features, n) == expected[w];
            kept += features[n] == 1234.5f;
            free(mel[w]);
        }
        if (i < WINDOWS)
            npu_encoder_submit_mel(deep.encoder, mel[i], positions[i], i, NPU_TIMEOUT_NONE);
    }
    check_case(right == WINDOWS, "lengths_in_flight_keep_order_and_bits", "%u of %d", right,
               WINDOWS);
    check_case(kept == WINDOWS, "collect_writes_the_windows_rows_alone", "%u of %d", kept, WINDOWS);
    free(features);
    rig_close(&deep);
    rig_close(&one);
}

/* ---- Room and counts ------------------------------------------------------------------------- */

/* A short encoder takes little memory, most of it for each thread, and shares the weights of a long
 * one. */
static void test_room(void)
{
    for (unsigned p = 0; p < 3; p++) {
        struct rig rig;
        struct npu_encoder *second = NULL;
        struct npu_encoder_info info;
        struct npu_error err = {""};
        const struct npu_encoder_params params = {.profile = profiles[p], .positions = 50};
        char name[96];

        if (test_small_model_write(small_path, 80, D, LAYERS, 1500, 1))
            check_case(false, "write_small_model", "%s", small_path);
        rig_open(&rig, profiles[p], small_path, NULL, 2, 2);
        /* Reading the weights again would fail. */
        if (truncate(small_path, 100000))
            check_case(false, "truncate", "%s", small_path);
        int ret = npu_encoder_open(&second, rig.model, rig.device, &params, &err);
        snprintf(name, sizeof(name), "%s_short_encoder_shares_the_weights", profiles[p]);
        if (check_case(ret == 0, name, "%s", err.text)) {
            npu_encoder_get_info(second, &info);
            snprintf(name, sizeof(name), "%s_short_encoder_takes_less_room", profiles[p]);
            check_case(info.positions == 50 && info.scratch_bytes * 4 < rig.info.scratch_bytes,
                       name, "%" PRIu64 " bytes, for 1500 positions %" PRIu64, info.scratch_bytes,
                       rig.info.scratch_bytes);
            npu_encoder_close(&second);
        }
        rig_close(&rig);
    }
}

/* Multiply-adds of a window of n positions of the small model, by stage. */
static double gmac(const char *stage, double n)
{
    double d = D, layer = LAYERS * n * d;
    if (!strcmp(stage, "conv1"))
        return 2 * n * 3 * 80 * d / 1e9;
    if (!strcmp(stage, "conv2"))
        return n * 3 * d * d / 1e9;
    if (!strcmp(stage, "norm+qkv"))
        return 3 * layer * d / 1e9;
    if (!strcmp(stage, "attention"))
        return 2 * layer * n / 1e9;
    if (!strcmp(stage, "out"))
        return layer * d / 1e9;
    return strcmp(stage, "norm") ? 4 * layer * d / 1e9 : 0;
}

static void test_counts(void)
{
    static const unsigned windows[] = {250, 50, 1500};
    struct rig rig;
    struct npu_stats stats;
    float *mel = lcg_mel(3, 80);
    bool right = true;

    if (test_small_model_write(small_path, 80, D, LAYERS, 1500, 1))
        check_case(false, "write_small_model", "%s", small_path);
    rig_open(&rig, "int8", small_path, NULL, 2, 2);
    for (unsigned i = 0; i < 3; i++)
        free(rig_encode_first(&rig, mel, windows[i]));
    npu_encoder_get_stats(rig.encoder, &stats);
    for (unsigned s = 0; s < stats.n_stages; s++) {
        double want = 0;
        for (unsigned i = 0; i < 3; i++)
            want += gmac(stats.stage[s].name, windows[i]);
        right &= fabs(stats.stage[s].gmac - want) <= 1e-9 * want;
    }
    check_case(right && stats.windows == 3, "stats_count_what_was_done",
               "attention %.6f gmac in %" PRIu64 " windows", stats.stage[3].gmac, stats.windows);
    free(mel);
    rig_close(&rig);
}

int main(int argc, char **argv)
{
    static const struct rig_case cases[] = {
        {"refused", test_refused}, {"golden", test_golden}, {"hash", test_hash},
        {"alone", test_alone},     {"flight", test_flight}, {"room", test_room},
        {"counts", test_counts},
    };
    snprintf(small_path, sizeof(small_path), "test-short-%d.safetensors", (int)getpid());
    rig_run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    unlink(small_path);
    return check_finish();
}
