/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder in profile npu on the simulated NPU: modelled times by stage and by length of the
 * window, and whether its features are those of the cpu. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "npu/clock.h"
#include "npu/log.h"
#include "tests/bench/npu-bench.h"
#include "tests/bench/subject.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct column window_columns[] = {
    {"window", "window", "s", BASIS_GIVEN, 0, "of audio that the encoder sees"},
    {"positions", "positions", "", BASIS_GIVEN, 0, "rows of the features, 50 a second"},
    {"modelled_ms", "modelled", "ms", BASIS_MODELLED, 3,
     "of its launches, one after the other, each with its cost"},
    {"realtime_factor", "x real time", "", BASIS_MODELLED, 1, "window / modelled"},
    {"values", "values", "", BASIS_COUNTED, 0, "of the features"},
    {"equal", "equal", "", BASIS_COUNTED, 0, "values with the bits that the cpu gave them"},
    {"simulator_ms", "simulated in", "ms", BASIS_MEASURED, 0,
     "the simulator's own running time; it says nothing about an NPU"},
};

static const struct column stage_columns[] = {
    {"window", "window", "s", BASIS_GIVEN, 0, "the longest one of the table before"},
    {"stage", "stage", "", BASIS_GIVEN, 0, "of the encoder, over all layers"},
    {"modelled_ms", "modelled", "ms", BASIS_MODELLED, 3, "of its launches; host work is not in it"},
    {"percent", "share", "%", BASIS_MODELLED, 1, "of all stages' modelled time"},
    {"gmac", "work", "GMAC", BASIS_GIVEN, 3, "1e9 multiply-adds"},
    {"gmacs", "speed", "GMAC/s", BASIS_MODELLED, 1, "work / modelled time"},
};

static void put_stages(struct table *table, const struct npu_stats *stats, unsigned seconds)
{
    for (unsigned i = 0; i < stats->n_stages; i++) {
        const struct npu_stage_stats *stage = &stats->stage[i];
        double ms = (double)stage->modelled_ns * 1e-6;
        bool speed = stage->gmac > 0 && ms > 0;
        table_number(table, seconds);
        table_text(table, "%s", stage->name);
        table_number(table, ms);
        table_number(table, 100 * (double)stage->modelled_ns / (double)stats->modelled_ns);
        table_number(table, stage->gmac > 0 ? stage->gmac : NAN);
        table_number(table, speed ? stage->gmac / ms * 1e3 : NAN);
    }
}

static uint64_t count_equal(const float *a, const float *b, size_t n)
{
    uint64_t equal = 0;
    for (size_t i = 0; i < n; i++)
        equal += !memcmp(&a[i], &b[i], sizeof(float));
    return equal;
}

/* One window on both devices. first: the index of the windows' table, the stages' follows. */
static int run_window(struct results *results, unsigned first, struct subject *sim,
                      struct subject *cpu, const float *mel, unsigned seconds, bool last)
{
    struct table *table = &results->tables[first];
    struct npu_stats stats;
    unsigned positions = 50 * seconds;
    size_t n = (size_t)positions * sim->info.d_model;
    float *a = calloc(n, sizeof(float)), *b = calloc(n, sizeof(float));
    int ret = a && b ? subject_encode(cpu, mel, positions, b) : -ENOMEM;
    npu_encoder_reset_stats(sim->encoder);
    uint64_t start = npu_now_ns();
    if (ret == 0)
        ret = subject_encode(sim, mel, positions, a);
    double took_ms = (double)(npu_now_ns() - start) * 1e-6;
    if (ret == 0) {
        uint64_t equal = count_equal(a, b, n);
        npu_encoder_get_stats(sim->encoder, &stats);
        double ms = (double)stats.modelled_ns * 1e-6;
        table_number(table, seconds);
        table_number(table, positions);
        table_number(table, ms);
        table_number(table, seconds * 1e3 / ms);
        table_number(table, (double)n);
        table_number(table, (double)equal);
        table_number(table, took_ms);
        if (last)
            put_stages(&results->tables[first + 1], &stats, seconds);
        if (seconds == 30)
            results->headlines.npu_window_ms = ms;
        if (equal != n)
            ret = -EIO;
    }
    free(a);
    free(b);
    return ret;
}

static int run_windows(const struct bench_options *options, struct results *results, unsigned first,
                       struct subject *sim, struct subject *cpu, struct npu_error *err)
{
    static const unsigned seconds[] = {1, 5, 10, 20, 30};
    size_t n = (size_t)NPU_WINDOW_FRAMES * sim->model_info.n_mels;
    /* A window of base takes the simulator half a minute. */
    unsigned count = options->quick && sim->info.d_model > 128 ? 1 : COUNT(seconds);
    float *samples = subject_audio(NPU_WINDOW_SAMPLES), *mel = calloc(n, sizeof(float));
    int ret = !samples ? -ENOENT
              : mel    ? subject_mel(sim, samples, NPU_WINDOW_SAMPLES, mel)
                       : -ENOMEM;
    for (unsigned i = 0; i < count && ret == 0; i++) {
        bench_say(options, "comparison: npu on sim, %u s", seconds[i]);
        ret = run_window(results, first, sim, cpu, mel, seconds[i], i + 1 == count);
    }
    if (count < COUNT(seconds))
        table_note(&results->tables[first],
                   "Longer windows are left out of a quick run with a model of this size.");
    if (ret)
        npu_fail(err, ret, "comparison: a window on the simulated NPU failed, or is not the cpu's");
    free(samples);
    free(mel);
    return ret;
}

int phase_simulated(const struct bench_options *options, struct results *results,
                    struct npu_error *err)
{
    static const char about[] =
        "Profile npu: every stage as launches of the designs in mlir/ (npu/sim/README.md has which "
        "runs on how many cores, and what the host does). Each design has an array of its own; "
        "loading arrays, the host's work and overlap between launches are not modelled.";
    unsigned first = results->n_tables;
    struct subject sim = {.model = NULL}, cpu = {.model = NULL};
    struct npu_error why = {""};
    if (!bench_wants(options, "sim"))
        return 0;
    struct table *table = results_table(results, "encoder_sim", "The encoder on the simulated NPU",
                                        about, window_columns, COUNT(window_columns));
    table_plot(table, (struct plot){"modelled_ms", {"window"}});
    table = results_table(results, "stages_sim", "Where the simulated NPU's time goes", about,
                          stage_columns, COUNT(stage_columns));
    table_plot(table, (struct plot){"modelled_ms", {"stage"}});
    if (options->describe)
        return 0;
    int ret = subject_open(&sim, "sim", "npu", options->model, &why);
    if (ret == 0)
        ret = subject_open(&cpu, "cpu", "npu", options->model, &why);
    if (ret)
        table_note(&results->tables[first], "Left out: %s", why.text);
    ret = ret ? 0 : run_windows(options, results, first, &sim, &cpu, err);
    subject_close(&sim);
    subject_close(&cpu);
    return ret;
}
