/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How close windows of 5 s and 1 s of speech come to float64, from audio, in every profile; and
 * what they cost compared with one of 30 s.
 *
 *     test_short_quality [CASE...]     all cases, or those named: own speech float64 cost
 *
 * TEST_SOURCE_ROOT (environment) is the project's folder. `float64` runs the NumPy encoder that
 * lies beside the project. Goldens: tests/data/make_short_golden.py. */
#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "npu/npu.h"
#include "tests/check.h"
#include "tests/npu/closeness.h"
#include "tests/npu/encoder_input.h"
#include "tests/npu/encoder_rig.h"

#define OWN_BASE  "npu/model/whisper-base-encoder.safetensors"
#define OWN_CLIP  "tests/data/librivox-sense-0870.wav"
#define REFERENCE "../shared/reference"

/* The profiles, and what windows of 5 s and 1 s have to reach: f32 the worst position's cosine, the
 * others the mean and, of 1000 positions and more, the 1st percentile. It is a little less than in
 * 30 s, where the integers' errors average over more keys: alone in a window of 1 s, a second of
 * speech loses 1.3 to 2.8 times as much as in one of 30 s. And in most windows one position or two
 * has values far above the rest, and loses more. */
enum { F32, INT8, NPU, PROFILES };
static const char *const profiles[PROFILES] = {"f32", "int8", "npu"};
static const struct {
    double mean, p1;
} bounds[PROFILES][2] = {
    {{0.999999, 0.999999}, {0.999999, 0.999999}},
    {{0.9996, 0.998}, {0.9995, 0.998}},
    {{0.9995, 0.998}, {0.9985, 0.995}},
};
static const unsigned lengths[] = {250, 50}; /* positions */

/* Mels of consecutive windows. */
struct windows {
    unsigned n, positions;
    float *mel; /* [n][2 positions][80] */
};

static struct windows cut(const char *path, unsigned profile, unsigned positions)
{
    size_t n, size = (size_t)2 * positions * 80;
    float *samples = wav_samples(source_path(path), &n);
    const struct npu_mel_params params = {.n_mels = 80,
                                          .arithmetic = profile == NPU ? NPU_MEL_S16 : NPU_MEL_F32,
                                          .window_positions = positions};
    struct windows w = {.positions = positions,
                        .mel = new_floats((n / (320 * positions) + 1) * size)};
    struct npu_mel_window window;
    struct npu_mel *mel;

    if (npu_mel_open(&mel, &params)) {
        check_case(false, "mel", "cannot open");
        exit(check_finish());
    }
    for (size_t at = 0; at < n || npu_mel_ready(mel);) {
        at += npu_mel_push(mel, samples + at, n - at);
        if (at == n)
            npu_mel_finish(mel);
        while (npu_mel_take(mel, w.mel + w.n * size, &window) == 0)
            w.n++;
    }
    npu_mel_close(&mel);
    free(samples);
    return w;
}

/* Features of all windows, [n][positions][d_model]. */
static float *encode_all(struct rig *rig, const struct windows *w)
{
    size_t size = (size_t)w->positions * rig->info.d_model;
    float *all = new_floats(w->n * size);
    for (unsigned i = 0; i < w->n; i++) {
        float *x = rig_encode_first(rig, w->mel + (size_t)i * 2 * w->positions * 80, w->positions);
        memcpy(all + i * size, x, size * sizeof(float));
        free(x);
    }
    return all;
}

static void judge(struct closeness *c, unsigned profile, const char *model, const char *what,
                  unsigned positions)
{
    double mean = bounds[profile][positions == 50].mean, p1 = bounds[profile][positions == 50].p1;
    char name[128];
    closeness_finish(c);
    bool good = profile == F32 ? c->worst >= mean : c->mean >= mean && (c->p1 >= p1 || c->n < 1000);
    snprintf(name, sizeof(name), "%s_%s_%u_positions_%s", model, profiles[profile], positions,
             what);
    check_case(c->finite && good, name, CLOSENESS_FORMAT ", 1 - worst %.1e", CLOSENESS_ARGS(*c),
               1 - c->worst);
}

/* ---- The project's own clip and weights ------------------------------------------------------ */

/* Rows 0, s, 2 s ..., s = max(1, n / 16), and the last once more. */
static size_t add_golden(struct closeness *c, const float *features, const float *golden,
                         unsigned n, size_t d)
{
    unsigned step = n / 16 > 1 ? n / 16 : 1, rows = (n + step - 1) / step;
    closeness_add(c, features, golden, rows, step, n - 1, d);
    closeness_add(c, features + (n - 1) * d, golden + rows * d, 1, 1, 0, d);
    return (rows + 1) * d;
}

static void test_own(void)
{
    enum { D = 512, ROWS = 6 * 18 };
    float *golden = read_file(source_path("tests/data/librivox-sense-0870.base.short.f32"),
                              (size_t)ROWS * D * sizeof(float));
    for (unsigned p = 0; p < PROFILES; p++) {
        struct rig rig;
        struct closeness c;
        const float *at = golden;
        struct windows five = cut(OWN_CLIP, p, 250), one = cut(OWN_CLIP, p, 50);
        rig_open(&rig, profiles[p], source_path(OWN_BASE), NULL, 0, 1);
        float *x = encode_all(&rig, &five), *y = encode_all(&rig, &one);
        closeness_init(&c, ROWS);
        at += add_golden(&c, x, at, 250, D);
        judge(&c, p, "base", "of_own_clip_near_float64", 250);
        closeness_init(&c, ROWS);
        for (unsigned w = 0; w < 5; w++)
            at += add_golden(&c, y + (size_t)w * 50 * D, at, 50, D);
        judge(&c, p, "base", "of_own_clip_near_float64", 50);
        free(x);
        free(y);
        free(five.mel);
        free(one.mel);
        rig_close(&rig);
    }
    free(golden);
}

/* ---- Clips beside the project ---------------------------------------------------------------- */

static const char *const clips[] = {"jfk", "librivox-sense-0870", "librivox-sense-0880",
                                    "librivox-sense-0890"};
#define SHORTEST 2 /* of them; 3 s */

static const char *clip_path(unsigned clip)
{
    static char path[128];
    snprintf(path, sizeof(path), "../shared/data/audio/%s.wav", clips[clip]);
    return path;
}

static const char *weights_path(const char *model)
{
    static char path[128];
    snprintf(path, sizeof(path), "../shared/data/weights/whisper-%s-encoder.safetensors", model);
    return path;
}

/* Every window of four clips, against profile f32, which `own` and `float64` hold to float64. */
static void speech_of_model(const char *model, unsigned positions)
{
    struct rig rig[PROFILES];
    struct closeness c[PROFILES];
    for (unsigned p = 0; p < PROFILES; p++) {
        rig_open(&rig[p], profiles[p], source_path(weights_path(model)), NULL, 0, 1);
        closeness_init(&c[p], (size_t)4 * 1500);
    }
    for (unsigned i = 0; i < 4; i++) {
        struct windows w = cut(clip_path(i), F32, positions);
        float *y = encode_all(&rig[F32], &w);
        for (unsigned p = INT8; p < PROFILES; p++) {
            struct windows own = cut(clip_path(i), p, positions);
            size_t rows = (size_t)own.n * positions;
            float *x = encode_all(&rig[p], &own);
            closeness_add(&c[p], x, y, rows, 1, rows - 1, rig[p].info.d_model);
            free(x);
            free(own.mel);
        }
        free(y);
        free(w.mel);
    }
    for (unsigned p = INT8; p < PROFILES; p++)
        judge(&c[p], p, model, "of_four_clips_near_f32", positions);
    free(c[F32].cosine);
    for (unsigned p = 0; p < PROFILES; p++)
        rig_close(&rig[p]);
}

static void test_speech(void)
{
    if (access(source_path("../shared/data/golden/golden.json"), R_OK)) {
        check_skip("short_windows_of_four_clips_near_f32", "no ../shared/data beside the project");
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        speech_of_model("base", lengths[i]);
        speech_of_model("tiny.en", lengths[i]);
    }
}

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

/* Every position of every window of one clip, in every profile, against NumPy in float64. */
static void float64_of_model(const char *python, const char *model, unsigned clip,
                             unsigned positions)
{
    char out[64], command[1024];
    snprintf(out, sizeof(out), "test-short-%d.f32", (int)getpid());
    snprintf(command, sizeof(command), "%s %s %s %s %u %s %s", python,
             source_path("tests/npu/short_window_reference.py"), source_path(REFERENCE),
             source_path(weights_path(model)), positions, out, source_path(clip_path(clip)));
    if (system(command) != 0) {
        check_case(false, "reference", "%s failed", command);
        return;
    }
    for (unsigned p = 0; p < PROFILES; p++) {
        struct rig rig;
        struct closeness c;
        rig_open(&rig, profiles[p], source_path(weights_path(model)), NULL, 0, 1);
        struct windows w = cut(clip_path(clip), p, positions);
        size_t rows = (size_t)w.n * positions;
        float *golden = read_file(out, rows * rig.info.d_model * sizeof(float));
        float *x = encode_all(&rig, &w);
        closeness_init(&c, rows);
        closeness_add(&c, x, golden, rows, 1, rows - 1, rig.info.d_model);
        judge(&c, p, model, clips[clip], positions);
        free(x);
        free(golden);
        free(w.mel);
        rig_close(&rig);
    }
    unlink(out);
}

static void test_float64(void)
{
    const char *python = find_python();
    if (!python || access(source_path(REFERENCE "/wref.py"), R_OK)) {
        check_skip("short_windows_near_float64", "no NumPy, or no " REFERENCE);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        float64_of_model(python, "base", SHORTEST, lengths[i]);
        float64_of_model(python, "tiny.en", SHORTEST, lengths[i]);
    }
}

/* ---- Cost ------------------------------------------------------------------------------------ */

static double best_ms(struct rig *rig, const float *mel, unsigned positions, unsigned times)
{
    uint64_t best = UINT64_MAX;
    for (unsigned i = 0; i < times; i++) {
        uint64_t begin = rig_cpu_ns();
        free(rig_encode_first(rig, mel, positions));
        uint64_t ns = rig_cpu_ns() - begin;
        best = ns < best ? ns : best;
    }
    return (double)best * 1e-6;
}

/* 250 positions are a sixth of 1500, with a thirty-sixth of the attention. */
static void test_cost(void)
{
    float *mel = wav_mel(source_path(OWN_CLIP), 80);
    for (unsigned p = 0; p < PROFILES; p++) {
        struct rig rig;
        char name[64];
        rig_open(&rig, profiles[p], source_path(OWN_BASE), NULL, 1, 1);
        double most = best_ms(&rig, mel, 1500, 3), five = best_ms(&rig, mel, 250, 9);
        double one = best_ms(&rig, mel, 50, 27);
        snprintf(name, sizeof(name), "%s_5_s_cost_a_sixth_or_less", profiles[p]);
        check_case(five <= most / 6 * 1.25 && one <= most / 30 * 1.5, name,
                   "30 s %.1f ms, 5 s %.1f ms = 1/%.1f, 1 s %.2f ms = 1/%.1f", most, five,
                   most / five, one, most / one);
        rig_close(&rig);
    }
    free(mel);
}

int main(int argc, char **argv)
{
    static const struct rig_case cases[] = {
        {"own", test_own},
        {"speech", test_speech},
        {"float64", test_float64},
        {"cost", test_cost},
    };
    rig_run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    return check_finish();
}
