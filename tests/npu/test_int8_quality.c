/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How close profile int8 comes to float64 and to profile f32: speech, small random models, and
 * audio that is hard to quantise.
 *
 *     test_int8_quality [CASE...]     all cases, or those named: golden own small hard
 *
 * TEST_SOURCE_ROOT (environment) is the project's folder. */
#include <math.h>
#include <unistd.h>

#include "npu/npu.h"
#include "tests/check.h"
#include "tests/npu/closeness.h"
#include "tests/npu/encoder_input.h"
#include "tests/npu/encoder_rig.h"
#include "tests/npu/signals.h"

#define BASE_PATH "npu/model/whisper-base-encoder.safetensors"
#define TINY_PATH "../shared/data/weights/whisper-tiny.en-encoder.safetensors"
#define CLIP_PATH "tests/data/librivox-sense-0870.wav"

/* Four clips beside the project, against float64, all positions together. */
static void golden_of_model(const char *model, double least_mean)
{
    static const char *const clips[] = {"jfk", "librivox-sense-0870", "librivox-sense-0880",
                                        "librivox-sense-0890"};
    char path[256], name[64], text[512] = "";
    struct closeness all;
    struct rig rig;
    double least_clip = 1;

    snprintf(path, sizeof(path), "../shared/data/weights/whisper-%s-encoder.safetensors", model);
    rig_open(&rig, "int8", source_path(path), NULL, 0, 1);
    size_t d = rig.info.d_model, rows = rig.info.positions;
    closeness_init(&all, 4 * rows);
    for (unsigned c = 0; c < 4; c++) {
        snprintf(path, sizeof(path), "../shared/data/golden/%s.%s.f32", clips[c], model);
        float *golden = read_file(source_path(path), rows * d * sizeof(float));
        snprintf(path, sizeof(path), "../shared/data/golden/%s.mel.f32", clips[c]);
        float *mel = golden_mel(source_path(path)), *features = rig_encode(&rig, mel);
        double mean = closeness_add(&all, features, golden, rows, 1, rows - 1, d);
        snprintf(text + strlen(text), sizeof(text) - strlen(text), ", %s %.6f", clips[c], mean);
        least_clip = fmin(least_clip, mean);
        free(features);
        free(mel);
        free(golden);
    }
    closeness_finish(&all);
    snprintf(name, sizeof(name), "%s_four_clips_near_float64", model);
    check_case(all.finite && all.mean >= least_mean && all.p1 >= 0.998 && all.bad <= 0.001 &&
                   least_clip >= 0.9995,
               name, CLOSENESS_FORMAT "; means%s", CLOSENESS_ARGS(all), text + 1);
    rig_close(&rig);
}

static void test_golden(void)
{
    if (access(source_path("../shared/data/golden/golden.json"), R_OK)) {
        check_skip("four_clips_near_float64", "no ../shared/data beside the project");
        return;
    }
    golden_of_model("base", 0.9998);
    golden_of_model("tiny.en", 0.9996);
}

/* The project's own clip and weights: against stored positions in float64 and all of our f32. */
static void test_own(void)
{
    struct rig int8, f32;
    struct closeness golden_c, f32_c;
    rig_open(&int8, "int8", source_path(BASE_PATH), NULL, 0, 1);
    rig_open(&f32, "f32", source_path(BASE_PATH), NULL, 0, 1);
    float *golden =
        read_file(source_path("tests/data/librivox-sense-0870.base.f32"), 30 * 512 * sizeof(float));
    float *mel = wav_mel(source_path(CLIP_PATH), 80);
    float *x = rig_encode(&int8, mel), *y = rig_encode(&f32, mel);

    closeness_init(&golden_c, 30);
    closeness_add(&golden_c, x, golden, 30, 50, 1499, 512);
    closeness_finish(&golden_c);
    check_case(golden_c.finite && golden_c.mean >= 0.9998 && golden_c.worst >= 0.998,
               "base_own_clip_near_float64", CLOSENESS_FORMAT, CLOSENESS_ARGS(golden_c));
    closeness_init(&f32_c, 1500);
    closeness_add(&f32_c, x, y, 1500, 1, 1499, 512);
    closeness_finish(&f32_c);
    check_case(f32_c.finite && f32_c.mean >= 0.9998 && f32_c.p1 >= 0.998 && f32_c.bad <= 0.001,
               "base_own_clip_near_f32", CLOSENESS_FORMAT, CLOSENESS_ARGS(f32_c));
    free(x);
    free(y);
    free(mel);
    free(golden);
    rig_close(&int8);
    rig_close(&f32);
}

static void test_small(void)
{
    static const struct {
        const char *name;
        unsigned n_mels, d_model, seed;
    } models[] = {{"m128-d128-l1", 128, 128, 1}, {"m80-d64-l3", 80, 64, 2}};

    for (unsigned i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        char path[512], name[64];
        struct rig rig;
        struct closeness c;
        snprintf(path, sizeof(path), "tests/data/encoder/%s.safetensors", models[i].name);
        rig_open(&rig, "int8", source_path(path), NULL, 2, 1);
        float *mel = lcg_mel(models[i].seed, models[i].n_mels), *x = rig_encode(&rig, mel);
        snprintf(path, sizeof(path), "tests/data/encoder/%s.f32", models[i].name);
        float *golden =
            read_file(source_path(path), 61 * (size_t)models[i].d_model * sizeof(float));
        closeness_init(&c, 61);
        closeness_add(&c, x, golden, 61, 25, 1499, models[i].d_model);
        closeness_finish(&c);
        snprintf(name, sizeof(name), "random_%s_near_float64", models[i].name);
        check_case(c.finite && c.mean >= 0.99995 && c.worst >= 0.9999, name, CLOSENESS_FORMAT,
                   CLOSENESS_ARGS(c));
        free(golden);
        free(x);
        free(mel);
        rig_close(&rig);
    }
}

/* Mel of a hard signal: the enum's place in `hard`; clip is 16 kHz speech. */
enum hard { HARD_NOISE, HARD_MUSIC, HARD_SILENCE, HARD_QUIET, HARD_CLIPPED, HARD_ZERO_MEL, HARDS };

static float *hard_mel(enum hard which, const float *clip, size_t n)
{
    float *x = new_floats(NPU_WINDOW_SAMPLES);
    size_t length = which == HARD_QUIET || which == HARD_CLIPPED ? n : NPU_WINDOW_SAMPLES;

    if (which == HARD_NOISE)
        signal_noise(x, length);
    if (which == HARD_MUSIC)
        signal_music(x, length);
    for (size_t i = 0; length == n && i < n; i++)
        x[i] = which == HARD_QUIET ? 0.01f * clip[i] : fmaxf(-1, fminf(1, 20 * clip[i]));
    float *mel = samples_mel(x, length, length, 80);
    if (which == HARD_ZERO_MEL)
        memset(mel, 0, (size_t)NPU_WINDOW_FRAMES * 80 * sizeof(float));
    free(x);
    return mel;
}

static void hard_of_model(const char *model, const char *path)
{
    static const char *const names[HARDS] = {
        "noise_at_full_scale", "music",          "silence",
        "speech_40_db_down",   "clipped_speech", "mel_of_zeros"};
    struct rig int8, f32;
    size_t n;
    float *clip = wav_samples(source_path(CLIP_PATH), &n);

    rig_open(&int8, "int8", source_path(path), NULL, 0, 1);
    rig_open(&f32, "f32", source_path(path), NULL, 0, 1);
    for (enum hard i = 0; i < HARDS; i++) {
        struct closeness c;
        char name[96];
        float *mel = hard_mel(i, clip, n), *x = rig_encode(&int8, mel), *y = rig_encode(&f32, mel);
        closeness_init(&c, 1500);
        closeness_add(&c, x, y, 1500, 1, 1499, int8.info.d_model);
        closeness_finish(&c);
        snprintf(name, sizeof(name), "%s_%s_near_f32", model, names[i]);
        check_case(c.finite && c.mean >= 0.999, name, CLOSENESS_FORMAT, CLOSENESS_ARGS(c));
        free(x);
        free(y);
        free(mel);
    }
    free(clip);
    rig_close(&int8);
    rig_close(&f32);
}

static void test_hard(void)
{
    hard_of_model("base", BASE_PATH);
    if (access(source_path(TINY_PATH), R_OK))
        check_skip("tiny.en_hard_audio", "no ../shared/data beside the project");
    else
        hard_of_model("tiny.en", TINY_PATH);
}

int main(int argc, char **argv)
{
    static const struct rig_case cases[] = {
        {"golden", test_golden},
        {"own", test_own},
        {"small", test_small},
        {"hard", test_hard},
    };
    rig_run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    return check_finish();
}
