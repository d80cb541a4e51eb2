/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The profiles' features against goldens: float64 (stored as float32) from weights and audio. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "npu/log.h"
#include "tests/bench/npu-bench.h"
#include "tests/bench/subject.h"
#include "tests/npu/closeness.h"
#include "tests/npu/encoder_input.h"

static const struct column columns[] = {
    {"model", "model", "", BASIS_GIVEN, 0, "the weights file"},
    {"profile", "profile", "", BASIS_GIVEN, 0, "the arithmetic"},
    {"device", "device", "", BASIS_GIVEN, 0, "that computed it"},
    {"golden", "golden", "", BASIS_GIVEN, 0, "what it is compared with"},
    {"positions", "positions", "", BASIS_COUNTED, 0, "that were compared"},
    {"mean", "cosine mean", "", BASIS_COMPUTED, 6,
     "of the cosines between each position's features and the golden's"},
    {"p1", "p1", "", BASIS_COMPUTED, 6, "their 1st percentile"},
    {"worst", "worst", "", BASIS_COMPUTED, 5, "their least"},
    {"bad_percent", "below 0.99", "%", BASIS_COMPUTED, 3, "share of the positions"},
    {"correlation", "correlation", "", BASIS_COMPUTED, 6, "Pearson's, over all values"},
    {"mse", "mse", "", BASIS_COMPUTED, 8, "mean squared difference of all values"},
    {"mae", "mae", "", BASIS_COMPUTED, 6, "mean absolute difference"},
    {"max_diff", "max diff", "", BASIS_COMPUTED, 5, "the largest absolute difference"},
    {"limits", "limits", "", BASIS_GIVEN, 0, "of the profile: mean, p1, share below 0.99"},
    {"pass", "within", "", BASIS_COMPUTED, 0, "whether the limits hold"},
};

/* The profiles' limits; int8's mean is lower for tiny models. */
#define TINY_MEAN    0.9996
#define F32_MAX_DIFF 2e-3
static const struct limit {
    const char *profile;
    double mean, p1, bad;
} limits[SUBJECT_PROFILES] = {
    {"f32", 0.999999, 0.999999, 0},
    {"int8", 0.9998, 0.998, 0.001},
    {"npu", 0.9997, 0.998, 0.001},
};

/* ---- Goldens --------------------------------------------------------------------------------- */

/* One clip with its golden. Rows stand for positions 0, step, 2 step ..., the last at most 1499. */
struct golden {
    char features[512], mel[512], wav[512]; /* paths; "" none */
    unsigned seed;                          /* of a mel by formula, where there is no wav */
    unsigned rows, step;
};

enum { CLIPS = 4 };

/* Fill at most CLIPS; returns how many. what: for the column. */
static unsigned find_goldens(const char *model, struct golden *g, const char **what)
{
    static const char *const clips[CLIPS] = {"jfk", "librivox-sense-0870", "librivox-sense-0880",
                                             "librivox-sense-0890"};
    static const struct {
        const char *file, *name;
        unsigned seed;
    } small[] = {{"m128-d128-l1.safetensors", "m128-d128-l1", 1},
                 {"m80-d64-l3.safetensors", "m80-d64-l3", 2}};
    for (unsigned i = 0; i < 2; i++)
        if (!strcmp(model, small[i].file)) {
            *g = (struct golden){.seed = small[i].seed, .rows = 61, .step = 25};
            snprintf(g->features, sizeof(g->features), TESTS_SOURCE "/tests/data/encoder/%s.f32",
                     small[i].name);
            *what = "float64, 61 positions, log-mel of random numbers";
            return 1;
        }
    bool base = !strcmp(model, "whisper-base-encoder.safetensors");
    bool tiny = !strcmp(model, "whisper-tiny.en-encoder.safetensors");
    if (!base && !tiny)
        return 0;
    for (unsigned c = 0; c < CLIPS; c++) {
        const char *of = base ? "base" : "tiny.en";
        snprintf(g[c].features, sizeof(g[c].features), TESTS_SHARED "/data/golden/%s.%s.f32",
                 clips[c], of);
        snprintf(g[c].mel, sizeof(g[c].mel), TESTS_SHARED "/data/golden/%s.mel.f32", clips[c]);
        snprintf(g[c].wav, sizeof(g[c].wav), TESTS_SHARED "/data/audio/%s.wav", clips[c]);
        g[c].rows = NPU_WINDOW_POSITIONS;
        g[c].step = 1;
    }
    *what = "float64, four clips of speech, all positions";
    if (access(g[0].features, R_OK) == 0)
        return CLIPS;
    if (!base)
        return 0;
    g[0] = (struct golden){.rows = 30, .step = 50};
    snprintf(g->features, sizeof(g->features),
             TESTS_SOURCE "/tests/data/librivox-sense-0870.base.f32");
    snprintf(g->wav, sizeof(g->wav), TESTS_SOURCE "/tests/data/librivox-sense-0870.wav");
    *what = "float64, 30 positions of one clip of speech";
    return 1;
}

static float *mel_of(const struct golden *g, const char *profile, unsigned n_mels)
{
    if (!g->wav[0])
        return lcg_mel(g->seed, n_mels);
    if (g->mel[0] && subject_arithmetic(profile) == NPU_MEL_F32)
        return golden_mel(g->mel);
    size_t n;
    float *samples = wav_samples(g->wav, &n);
    float *mel = samples_mel_in(subject_arithmetic(profile), samples, n, n, n_mels);
    free(samples);
    return mel;
}

/* ---- Figures --------------------------------------------------------------------------------- */

/* Sums over all values of two tensors. */
struct sums {
    double n, x, y, xx, yy, xy, squares, absolutes, most;
};

static void add_values(struct sums *s, const float *x, const float *y, const struct golden *g,
                       size_t d)
{
    for (size_t r = 0; r < g->rows; r++) {
        size_t at = r * g->step < NPU_WINDOW_POSITIONS ? r * g->step : NPU_WINDOW_POSITIONS - 1;
        for (size_t j = 0; j < d; j++) {
            double a = x[at * d + j], b = y[r * d + j], diff = fabs(a - b);
            s->n++;
            s->x += a;
            s->y += b;
            s->xx += a * a;
            s->yy += b * b;
            s->xy += a * b;
            s->squares += diff * diff;
            s->absolutes += diff;
            s->most = fmax(s->most, diff);
        }
    }
}

static double correlation(const struct sums *s)
{
    double xy = s->n * s->xy - s->x * s->y;
    return xy / sqrt((s->n * s->xx - s->x * s->x) * (s->n * s->yy - s->y * s->y));
}

static bool put_row(struct table *table, const char *model, const struct subject *s,
                    const char *what, const struct closeness *c, const struct sums *sums)
{
    const struct limit *limit = limits;
    while (strcmp(limit->profile, s->info.profile) != 0)
        limit++;
    bool f32 = limit == limits;
    double mean =
        !strcmp(limit->profile, "int8") && strstr(model, "-tiny") ? TINY_MEAN : limit->mean;
    bool pass = c->finite && c->mean >= mean && c->p1 >= limit->p1 && c->bad <= limit->bad &&
                (!f32 || (c->worst >= limit->p1 && sums->most <= F32_MAX_DIFF));
    table_text(table, "%s", model);
    table_text(table, "%s", s->info.profile);
    table_text(table, "%s", s->device_info.name);
    table_text(table, "%s", what);
    table_number(table, (double)c->n);
    table_number(table, c->mean);
    table_number(table, c->p1);
    table_number(table, c->worst);
    table_number(table, 100 * c->bad);
    table_number(table, correlation(sums));
    table_number(table, sums->squares / sums->n);
    table_number(table, sums->absolutes / sums->n);
    table_number(table, sums->most);
    if (f32)
        table_text(table, ">= %g everywhere, max diff <= %g", limit->p1, F32_MAX_DIFF);
    else
        table_text(table, ">= %g, >= %g, <= %g %%", mean, limit->p1, 100 * limit->bad);
    table_text(table, pass ? "yes" : "no");
    return pass;
}

static int compare(const struct bench_options *options, struct results *results,
                   struct table *table, const char *device, const char *profile,
                   struct npu_error *err)
{
    struct golden goldens[CLIPS];
    struct subject s;
    const char *what = "", *model = bench_file_name(options->model);
    unsigned n = find_goldens(model, goldens, &what);
    int ret = subject_open(&s, device, profile, options->model, err);
    if (ret) {
        table_note(table, "%s on %s: not opened: %s", profile, device, err->text);
        subject_close(&s);
        return strcmp(device, "cpu") ? 0 : ret;
    }
    size_t d = s.info.d_model;
    struct closeness c;
    struct sums sums = {0};
    closeness_init(&c, (size_t)CLIPS * NPU_WINDOW_POSITIONS);
    float *features = malloc((size_t)s.info.positions * d * sizeof(float));
    for (unsigned i = 0; i < n && ret == 0 && features; i++) {
        bench_say(options, "accuracy: %s on %s, %u of %u", profile, device, i + 1, n);
        float *golden = read_file(goldens[i].features, goldens[i].rows * d * sizeof(float));
        float *mel = mel_of(&goldens[i], profile, s.model_info.n_mels);
        ret = subject_encode(&s, mel, s.info.positions, features);
        closeness_add(&c, features, golden, goldens[i].rows, goldens[i].step,
                      NPU_WINDOW_POSITIONS - 1, d);
        add_values(&sums, features, golden, &goldens[i], d);
        free(mel);
        free(golden);
    }
    if (ret)
        npu_fail(err, ret, "%s on %s: a window failed", profile, device);
    closeness_finish(&c);
    if (ret == 0 && !put_row(table, model, &s, what, &c, &sums))
        ret = npu_fail(err, -EIO, "accuracy: profile %s is not within its limits", profile);
    results->headlines.worst_mean =
        fmin(isnan(results->headlines.worst_mean) ? 1 : results->headlines.worst_mean, c.mean);
    free(features);
    subject_close(&s);
    return ret;
}

int phase_accuracy(const struct bench_options *options, struct results *results,
                   struct npu_error *err)
{
    struct golden goldens[CLIPS];
    const char *what = "", *device = options->device ? options->device : "cpu";
    int ret = 0;
    struct table *table = results_table(
        results, "accuracy", "Profiles against float64",
        "Features of a whole encoder pass. Log-mel is in it for profile npu (its own, integers); "
        "for the others the golden's where it is stored. Single silent positions are bistable, so "
        "mean, p1 and share decide, and the worst is shown.",
        columns, sizeof(columns) / sizeof(columns[0]));
    if (options->describe)
        return 0;
    const char *model = bench_file_name(options->model);
    if (find_goldens(model, goldens, &what) == 0) {
        table_note(table,
                   "Left out: there is no golden for %s; they exist for the project's base "
                   "model and the small models of tests/data/encoder, and beside the "
                   "project for base and tiny.en.",
                   model);
        return 0;
    }
    for (unsigned p = 0; p < SUBJECT_PROFILES; p++) {
        struct npu_error why = {""};
        int got = compare(options, results, table, device, subject_profiles[p], &why);
        if (got && ret == 0) {
            ret = got;
            *err = why;
        }
    }
    return ret;
}
