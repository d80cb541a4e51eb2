/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How close profile npu, integer log-mel included, comes to float64 and to profile f32 with the
 * float log-mel, and that nothing saturates: speech, and audio that is hard to quantise.
 *
 *     test_fixed_quality [CASE...]     all cases, or those named: golden hard
 *
 * TEST_SOURCE_ROOT (environment) is the project's folder. */
#include <math.h>
#include <unistd.h>

#include "tests/npu/closeness.h"
#include "tests/npu/encoder_rig.h"
#include "tests/npu/fixed_rig.h"
#include "tests/npu/signals.h"

#define BASE_PATH "npu/model/whisper-base-encoder.safetensors"
#define TINY_PATH "../shared/data/weights/whisper-tiny.en-encoder.safetensors"
#define CLIP_PATH "tests/data/librivox-sense-0870.wav"

/* Features of an f32 mel; they belong to the rig. */
static const float *encode(struct fixed_rig *r, const float *mel)
{
    size_t n = (size_t)NPU_WINDOW_FRAMES * r->program.n_mels;
    int16_t *q = malloc(n * sizeof(*q));
    if (!q)
        abort();
    npu_fixed_quantise_mel(q, mel, n);
    if (!fixed_rig_run(r, q))
        check_case(false, "run", "the features do not follow from z");
    free(q);
    return r->features;
}

static float *wav_mel_s16(const char *path)
{
    size_t n;
    float *samples = wav_samples(path, &n);
    float *mel = samples_mel_in(NPU_MEL_S16, samples, n, n, 80);
    free(samples);
    return mel;
}

/* Four clips beside the project, against float64, all positions together. */
static void golden_of_model(const char *model)
{
    static const char *const clips[] = {"jfk", "librivox-sense-0870", "librivox-sense-0880",
                                        "librivox-sense-0890"};
    char path[256], name[64], text[512] = "";
    struct closeness all;
    struct fixed_rig r;

    snprintf(path, sizeof(path), "../shared/data/weights/whisper-%s-encoder.safetensors", model);
    fixed_rig_open(&r, source_path(path), 0);
    size_t d = r.program.d_model, rows = r.program.positions;
    closeness_init(&all, 4 * rows);
    for (unsigned c = 0; c < 4; c++) {
        snprintf(path, sizeof(path), "../shared/data/golden/%s.%s.f32", clips[c], model);
        float *golden = read_file(source_path(path), rows * d * sizeof(float));
        snprintf(path, sizeof(path), "../shared/data/audio/%s.wav", clips[c]);
        float *mel = wav_mel_s16(source_path(path));
        double mean = closeness_add(&all, encode(&r, mel), golden, rows, 1, rows - 1, d);
        snprintf(text + strlen(text), sizeof(text) - strlen(text), ", %s %.6f", clips[c], mean);
        free(mel);
        free(golden);
    }
    closeness_finish(&all);
    snprintf(name, sizeof(name), "%s_four_clips_near_float64", model);
    check_case(all.finite && all.mean >= 0.9997 && all.p1 >= 0.998 && all.bad <= 0.001, name,
               CLOSENESS_FORMAT "; means%s", CLOSENESS_ARGS(all), text + 1);
    snprintf(name, sizeof(name), "%s_four_clips_saturate_nothing", model);
    check_case(r.at_the_ends == 0, name, "%zu values at the ends", r.at_the_ends);
    fixed_rig_close(&r);
}

/* The project's own clip and weights, against stored positions in float64. */
static void own_clip(void)
{
    struct fixed_rig r;
    struct closeness c;
    float *golden =
        read_file(source_path("tests/data/librivox-sense-0870.base.f32"), 30 * 512 * sizeof(float));
    float *mel = wav_mel_s16(source_path(CLIP_PATH));

    fixed_rig_open(&r, source_path(BASE_PATH), 0);
    closeness_init(&c, 30);
    closeness_add(&c, encode(&r, mel), golden, 30, 50, 1499, 512);
    closeness_finish(&c);
    check_case(c.finite && c.mean >= 0.9997 && c.worst >= 0.998, "base_own_clip_near_float64",
               CLOSENESS_FORMAT, CLOSENESS_ARGS(c));
    free(mel);
    free(golden);
    fixed_rig_close(&r);
}

static void test_golden(void)
{
    if (access(source_path("../shared/data/golden/golden.json"), R_OK)) {
        check_skip("four_clips_near_float64", "no ../shared/data beside the project");
        own_clip();
        return;
    }
    golden_of_model("base");
    golden_of_model("tiny.en");
}

enum hard {
    HARD_NOISE,
    HARD_CLICKS,
    HARD_QUIET,
    HARD_24_BIT,
    HARD_MUSIC,
    HARD_SQUARE,
    HARD_SILENCE,
    HARDS
};

/* A window of a hard signal; returns its real samples. */
static size_t hard_signal(float *x, enum hard which, const float *clip, size_t n)
{
    size_t length = which == HARD_QUIET || which == HARD_24_BIT ? n : NPU_WINDOW_SAMPLES;

    if (which == HARD_NOISE)
        signal_noise(x, length);
    if (which == HARD_MUSIC)
        signal_music(x, length);
    for (size_t i = 0; i < length; i++) {
        if (which == HARD_SQUARE)
            x[i] = i / 80 % 2 ? 1 : -1; /* 100 Hz */
        else if (which == HARD_CLICKS)
            x[i] = i % 4000 == 0 ? 1 : 0;
        else if (which == HARD_QUIET)
            x[i] = 0.01f * clip[i]; /* an f32 source: the window's gain brings it back */
        else if (which == HARD_24_BIT)
            x[i] = rintf(0.7f * clip[i] * 0x1p23f) * 0x1p-23f;
    }
    return length;
}

/* The first `count`. */
static void hard_of_model(const char *model, const char *path, enum hard count)
{
    static const char *const names[HARDS] = {
        "noise_at_full_scale", "clicks", "speech_40_db_down", "speech_of_24_bits", "music",
        "square_wave",         "silence"};
    struct fixed_rig r;
    struct rig f32;
    size_t n;
    char name[96];
    float *clip = wav_samples(source_path(CLIP_PATH), &n);

    fixed_rig_open(&r, source_path(path), 0);
    rig_open(&f32, "f32", source_path(path), NULL, 0, 1);
    for (enum hard i = 0; i < count; i++) {
        struct closeness c;
        float *x = new_floats(NPU_WINDOW_SAMPLES);
        size_t length = hard_signal(x, i, clip, n);
        float *mel_f32 = samples_mel(x, length, length, 80), *y = rig_encode(&f32, mel_f32);
        float *mel_s16 = samples_mel_in(NPU_MEL_S16, x, length, length, 80);
        closeness_init(&c, 1500);
        closeness_add(&c, encode(&r, mel_s16), y, 1500, 1, 1499, r.program.d_model);
        closeness_finish(&c);
        snprintf(name, sizeof(name), "%s_%s_near_f32", model, names[i]);
        check_case(c.finite && c.mean >= 0.999, name, CLOSENESS_FORMAT, CLOSENESS_ARGS(c));
        free(y);
        free(mel_f32);
        free(mel_s16);
        free(x);
    }
    snprintf(name, sizeof(name), "%s_hard_audio_saturates_nothing", model);
    check_case(r.at_the_ends == 0, name, "%zu values at the ends", r.at_the_ends);
    free(clip);
    rig_close(&f32);
    fixed_rig_close(&r);
}

static void test_hard(void)
{
    hard_of_model("base", BASE_PATH, HARDS);
    if (access(source_path(TINY_PATH), R_OK))
        check_skip("tiny.en_hard_audio", "no ../shared/data beside the project");
    else
        hard_of_model("tiny.en", TINY_PATH, HARD_24_BIT);
}

int main(int argc, char **argv)
{
    static const struct rig_case cases[] = {{"golden", test_golden}, {"hard", test_hard}};
    rig_run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    return check_finish();
}
