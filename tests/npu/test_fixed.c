/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profile npu: every integer of the residual stream and of the final norm equals its NumPy model's;
 * the same bits for any number of threads.
 *
 *     test_fixed [CASE...]     all cases, or those named: mel hash again cancel reference stored
 *
 * TEST_SOURCE_ROOT (environment) is the project's folder. `reference` runs the NumPy model if it is
 * beside the project; `stored` compares with its stored hashes:
 *
 *     test_fixed write-mel MEL     the stored clip's mel in its format, then
 *     fixed_reference.py REFERENCE WEIGHTS MEL OUT && cat OUT/hashes
 */
#include <errno.h>
#include <unistd.h>

#include "tests/npu/encoder_rig.h"
#include "tests/npu/fixed_model.h"
#include "tests/npu/fixed_rig.h"
#include "tests/npu/kernel_sets.h"

#define MEL_PATH  "tests/data/librivox-sense-0870.mel720.s16"
#define BASE_PATH "npu/model/whisper-base-encoder.safetensors"
#define TINY_PATH "../shared/data/weights/whisper-tiny.en-encoder.safetensors"
#define REFERENCE "../shared/reference"

static void test_mel(void)
{
    static const struct {
        float mel;
        int16_t q;
    } cases[] = {
        {0, 0},
        {0.5f * 0x1p-13f, 0},
        {1.5f * 0x1p-13f, 2},
        {-0.5f * 0x1p-13f, 0},
        {-2.5f * 0x1p-13f, -2},
        {2.5f, 20480},
        {2.6f, 20480},
        {-2.6f, -20480},
        {3e38f, 20480},
        {INFINITY, 20480},
        {-INFINITY, -20480},
        {NAN, 0},
        {-1.5f, -12288},
        {1.0f, 8192},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int16_t q = 99;
        npu_fixed_quantise_mel(&q, &cases[i].mel, 1);
        check_case(q == cases[i].q, "mel_is_rounded_and_clipped", "%g gives %d, expected %d",
                   (double)cases[i].mel, q, cases[i].q);
    }
}

static void test_hash(void)
{
    float *mel = lcg_mel(3, 80);
    fixed_model_write(80, 128, 4, 150, 1);
    check_hash("small", "npu", fixed_model_path(), kernel_sets("npu"), mel, NPU_TEST_HASH_NPU_SMALL,
               true);
    fixed_model_remove();
    free(mel);
}

/* A window does not depend on the one before it. */
static void test_again(void)
{
    struct fixed_rig r;
    uint64_t hash[3];
    static int16_t mel[2][300 * 80];
    for (size_t i = 0; i < 300 * 80; i++) {
        mel[0][i] = (int16_t)((int)(i * 7919 % 20011) - 10000);
        mel[1][i] = (int16_t)((int)(i * 104729 % 20011) - 10000);
    }
    fixed_model_write(80, 128, 2, 150, 1);
    fixed_rig_open(&r, fixed_model_path(), 2);
    for (unsigned i = 0; i < 3; i++) {
        fixed_rig_run(&r, mel[i % 2]);
        hash[i] = fixed_rig_hash(&r, r.n_states - 1);
    }
    check_case(hash[0] == hash[2] && hash[0] != hash[1], "same_window_again_same_integers",
               "%016" PRIx64 " %016" PRIx64 " %016" PRIx64, hash[0], hash[1], hash[2]);
    fixed_rig_close(&r);
    fixed_model_remove();
}

static void test_cancel(void)
{
    struct fixed_rig r;
    atomic_bool cancel = true;
    float *mel = new_floats(300 * 80);
    fixed_model_write(80, 128, 1, 150, 1);
    fixed_rig_open(&r, fixed_model_path(), 2);
    struct npu_run run = {
        .positions = r.program.positions, .mel = mel, .features = r.features, .cancel = &cancel};
    int ret = r.device->backend->run(r.loaded, &run);
    check_case(ret == -ECANCELED, "cancelled_run_stops", "returned %d", ret);
    fixed_rig_close(&r);
    fixed_model_remove();
    free(mel);
}

/* ---- Against the NumPy model
 * -------------------------------------------------------------------- */

/* A python3 with NumPy, or NULL. */
static const char *find_python(void)
{
    static const char *const names[] = {"python3", "/usr/bin/python3"};
    char command[128];
    for (unsigned i = 0; i < 2; i++) {
        snprintf(command, sizeof(command), "%s -c 'import numpy' 2>/dev/null", names[i]);
        if (system(command) == 0)
            return names[i];
    }
    return NULL;
}

static void write_mel(const char *path, const int16_t *mel, size_t n)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(mel, sizeof(*mel), n, file) != n || fclose(file)) {
        check_case(false, "write_mel", "%s", path);
        exit(check_finish());
    }
}

/* Every state against the files in folder `dir`; they are removed. */
static void compare_states(const struct fixed_rig *r, const char *what, const char *dir)
{
    char path[256], state_name[16], name[128];
    /* Above 1024 channels z has a bit less than the NumPy model gives it. */
    unsigned n = r->fixed->feature_bits == 10 ? r->n_states : r->n_states - 1;
    for (unsigned s = 0; s < n; s++) {
        const int32_t *ours = r->states + s * r->values;
        size_t differ = 0, first = 0;
        fixed_rig_name(r, s, state_name);
        snprintf(path, sizeof(path), "%s/%s.i32", dir, state_name);
        int32_t *theirs = read_file(path, r->values * sizeof(*theirs));
        for (size_t i = 0; i < r->values; i++) {
            first = ours[i] != theirs[i] && differ == 0 ? i : first;
            differ += ours[i] != theirs[i];
        }
        snprintf(name, sizeof(name), "%s_%s_equals_reference", what, state_name);
        check_case(differ == 0, name, "%zu of %zu differ, the first at %zu: %d, expected %d",
                   differ, r->values, first, ours[first], theirs[first]);
        free(theirs);
    }
}

/* One small model and random mel, also at the ends of its range. positions: of the window; 0: the
 * model's. */
static void reference_of(const char *python, const char *what, const char *path, unsigned positions,
                         uint32_t seed, int bits)
{
    char command[1024], mel_path[64], dir[64], name[128];
    struct fixed_rig r;

    fixed_rig_open(&r, path, 2);
    if (positions)
        fixed_rig_shorten(&r, positions);
    size_t n = (size_t)2 * r.positions * r.program.n_mels;
    int16_t *mel = malloc(n * sizeof(*mel));
    if (!mel)
        abort();
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        mel[i] = (int16_t)((int32_t)(seed >> 16) % 14746 - (seed % 3 ? 0 : 12288));
        if ((seed >> 12 & 255) == 0)
            mel[i] = seed >> 11 & 1 ? 20480 : -20480;
    }
    snprintf(mel_path, sizeof(mel_path), "test-fixed-%d.mel", (int)getpid());
    snprintf(dir, sizeof(dir), "test-fixed-%d.states", (int)getpid());
    write_mel(mel_path, mel, n);
    snprintf(command, sizeof(command),
             "%s tests/npu/fixed_reference.py " REFERENCE " $OLDPWD/%s $OLDPWD/%s $OLDPWD/%s %d",
             python, path, mel_path, dir, r.fixed->residual_bits);
    char full[1400];
    snprintf(full, sizeof(full), "cd '%s' && %s", source_path(""), command);
    snprintf(name, sizeof(name), "%s_runs", what);
    int status = system(full);
    bool follows = fixed_rig_run(&r, mel);
    if (check_case(status == 0 && follows && r.fixed->residual_bits == bits, name,
                   "reference's status %d; features follow from z: %d; %d fraction bits", status,
                   follows, r.fixed->residual_bits))
        compare_states(&r, what, dir);
    snprintf(full, sizeof(full), "rm -rf %s %s", dir, mel_path);
    status = system(full);
    free(mel);
    fixed_rig_close(&r);
}

static void test_reference(void)
{
    static const struct {
        unsigned n_mels, d, layers, n_ctx;
    } models[] = {
        {80, 64, 2, 150}, {128, 128, 1, 65}, {80, 192, 3, 64}, {80, 640, 1, 70}, {80, 1088, 1, 64}};
    const char *python = find_python();
    if (!python || access(source_path(REFERENCE "/npu.py"), R_OK)) {
        check_skip("small_models_equal_reference", "no NumPy, or no " REFERENCE);
        return;
    }
    for (unsigned i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        char what[64];
        snprintf(what, sizeof(what), "d%u_l%u", models[i].d, models[i].layers);
        fixed_model_write(models[i].n_mels, models[i].d, models[i].layers, models[i].n_ctx, i);
        reference_of(python, what, fixed_model_path(), 0, i, 14);
        fixed_model_remove();
    }
    /* Windows of fewer positions than the model's, full and other blocks of keys. */
    fixed_model_write(80, 128, 2, 150, 3);
    reference_of(python, "window_of_50", fixed_model_path(), 50, 3, 14);
    reference_of(python, "window_of_64", fixed_model_path(), 64, 4, 14);
    reference_of(python, "window_of_129", fixed_model_path(), 129, 5, 14);
    fixed_model_remove();
    /* A residual stream that needs a coarser grid, and sums of 8-bit weights that need 64 bits. */
    fixed_model_write(80, 128, 2, 64, 5);
    fixed_model_change("layers.0.fc2.weight", 1000, 0);
    reference_of(python, "large_residual", fixed_model_path(), 0, 7, 12);
    fixed_model_write(80, 192, 1, 64, 5);
    fixed_model_change("layers.0.fc2.weight", 0, 0.01f);
    reference_of(python, "acc64", fixed_model_path(), 0, 8, 14);
    fixed_model_remove();
}

/* ---- Against stored hashes
 * ---------------------------------------------------------------------- */

static int16_t *stored_integer_mel(void)
{
    float *mel = stored_mel(source_path(MEL_PATH));
    int16_t *q = malloc((size_t)NPU_WINDOW_FRAMES * 80 * sizeof(*q));
    if (!q)
        abort();
    npu_fixed_quantise_mel(q, mel, (size_t)NPU_WINDOW_FRAMES * 80);
    free(mel);
    return q;
}

static void stored_of(const char *what, const char *path, const uint64_t *hashes)
{
    struct fixed_rig r;
    char name[64], state_name[16];
    int16_t *mel = stored_integer_mel();

    fixed_rig_open(&r, path, 0);
    bool follows = fixed_rig_run(&r, mel);
    snprintf(name, sizeof(name), "%s_features_follow_from_z", what);
    check_case(follows, name, "%d", follows);
    for (unsigned s = 0; s < r.n_states; s++) {
        uint64_t hash = fixed_rig_hash(&r, s);
        fixed_rig_name(&r, s, state_name);
        snprintf(name, sizeof(name), "%s_%s_equals_reference", what, state_name);
        check_case(hash == hashes[s], name, "%016" PRIx64 ", reference %016" PRIx64, hash,
                   hashes[s]);
    }
    snprintf(name, sizeof(name), "%s_nothing_saturates", what);
    check_case(r.at_the_ends == 0, name, "%zu values at the ends", r.at_the_ends);
    fixed_rig_close(&r);
    free(mel);
}

static void test_stored(void)
{
    static const uint64_t base[14] = {
        UINT64_C(0xfd78198a0c76647d), UINT64_C(0xcc92da7a188835c4), UINT64_C(0x9cde5bb0c30e3625),
        UINT64_C(0x799477772c76b605), UINT64_C(0x7944f9c90aafb9e4), UINT64_C(0xf2bae85f4027e066),
        UINT64_C(0x0ead6bd0eb7e2704), UINT64_C(0x67be4d642c294b7b), UINT64_C(0x62d911f09baa001d),
        UINT64_C(0xc4d7f4e5b9405e4f), UINT64_C(0xa1b51d0676388fd4), UINT64_C(0xd8e65ebc5b779500),
        UINT64_C(0x798e4d9c782ad03c), UINT64_C(0x66a82930f42132a1)};
    static const uint64_t tiny[10] = {UINT64_C(0xd6607a7b00d95947), UINT64_C(0x4fbea2d2513c7ee1),
                                      UINT64_C(0xb13a661a86d32e61), UINT64_C(0x0adfcf4dbbe586a4),
                                      UINT64_C(0x1d65d8aa6b74e3ce), UINT64_C(0xb04a269405281bff),
                                      UINT64_C(0x4fbf0dae09b96f09), UINT64_C(0x18916846eab270ad),
                                      UINT64_C(0x4c4770b4a7dc9f7c), UINT64_C(0xbd47b4c858a9f44b)};
    stored_of("base", source_path(BASE_PATH), base);
    if (access(source_path(TINY_PATH), R_OK))
        check_skip("tiny.en_equals_reference", "no ../shared/data beside the project");
    else
        stored_of("tiny.en", source_path(TINY_PATH), tiny);
}

int main(int argc, char **argv)
{
    static const struct rig_case cases[] = {
        {"mel", test_mel},       {"hash", test_hash},           {"again", test_again},
        {"cancel", test_cancel}, {"reference", test_reference}, {"stored", test_stored},
    };
    if (argc == 3 && !strcmp(argv[1], "write-mel")) {
        int16_t *mel = stored_integer_mel();
        write_mel(argv[2], mel, (size_t)NPU_WINDOW_FRAMES * 80);
        free(mel);
        return 0;
    }
    rig_run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    return check_finish();
}
