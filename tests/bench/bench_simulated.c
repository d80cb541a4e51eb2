/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder in profile npu on the simulated NPU: modelled times by stage and by length of the
 * window, and whether its features are those of the cpu. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "npu/backend.h"
#include "npu/clock.h"
#include "npu/log.h"
#include "npu/sim/backend.h"
#include "tests/bench/npu-bench.h"
#include "tests/bench/subject.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct column window_columns[] = {
    {"window", "window", "s", BASIS_GIVEN, 0, "of audio that the encoder sees"},
    {"positions", "positions", "", BASIS_GIVEN, 0, "rows of the features, 50 a second"},
    MODELLED("modelled_ms", "modelled", "ms", 3,
             "of its launches, one after the other, each with its cost"),
    MODELLED("realtime_factor", "x real time", "", 1, "window / modelled"),
    {"values", "values", "", BASIS_COUNTED, 0, "of the features"},
    {"equal", "equal", "", BASIS_COUNTED, 0, "values with the bits that the cpu gave them"},
    {"simulator_ms", "simulated in", "ms", BASIS_MEASURED, 0,
     "the simulator's own running time; it says nothing about an NPU"},
};

static const struct column stage_columns[] = {
    {"window", "window", "s", BASIS_GIVEN, 0, "the longest one of the table before"},
    {"stage", "stage", "", BASIS_GIVEN, 0, "of the encoder, over all layers"},
    MODELLED("modelled_ms", "modelled", "ms", 3, "of its launches; host work is not in it"),
    MODELLED("percent", "share", "%", 1, "of all stages' modelled time"),
    {"gmac", "work", "GMAC", BASIS_GIVEN, 3, "1e9 multiply-adds"},
    MODELLED("gmacs", "speed", "GMAC/s", 1, "work / modelled time"),
};

/* ---- The simulated side: the program of stages itself, for its stages' times under each preset --- */

struct simulated {
    struct npu_device *device;
    struct npu_model *model;
    struct npu_program program;
    struct npu_loaded *loaded;
    uint64_t before[NPU_SIM_PRESETS], op_ns[NPU_OP_COUNT][NPU_SIM_PRESETS];
};

static int simulated_open(struct simulated *s, const char *path, struct npu_error *err)
{
    struct npu_model_info info = {.n_ctx = 0};
    int ret = npu_model_open(&s->model, path, err);
    if (ret == 0)
        ret = npu_device_open(&s->device, &(struct npu_device_params){.name = "sim"}, err);
    if (ret)
        return ret;
    npu_model_get_info(s->model, &info);
    ret = npu_program_build(&s->program, &info);
    if (ret)
        return npu_fail(err, ret, "%.500s: no program for it", path);
    return s->device->backend->load(&s->loaded, s->device, &s->program, NPU_PROFILE_NPU, info.n_ctx,
                                    s->model, err);
}

static void simulated_close(struct simulated *s)
{
    if (s->loaded)
        s->device->backend->unload(s->loaded);
    npu_device_close(&s->device);
    npu_model_close(&s->model);
}

static void count_stage(void *user, unsigned stage)
{
    struct simulated *s = user;
    uint64_t now[NPU_SIM_PRESETS];
    npu_sim_get_modelled(now);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        s->op_ns[s->program.stage[stage].op][p] += now[p] - s->before[p];
    memcpy(s->before, now, sizeof(now));
}

static int simulated_encode(struct simulated *s, const float *mel, unsigned positions,
                            float *features, struct npu_error *err)
{
    atomic_bool cancel = false;
    struct npu_run run = {.positions = positions,
                          .mel = mel,
                          .features = features,
                          .cancel = &cancel,
                          .after = count_stage,
                          .user = s,
                          .err = err};
    memset(s->op_ns, 0, sizeof(s->op_ns));
    npu_sim_get_modelled(s->before);
    return s->device->backend->run(s->loaded, &run);
}

/* ms of all stages. */
static void sum_stages(const struct simulated *s, double ms[NPU_SIM_PRESETS])
{
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
        ms[p] = 0;
        for (unsigned op = 0; op < NPU_OP_COUNT; op++)
            ms[p] += (double)s->op_ns[op][p] * 1e-6;
    }
}

/* ---- Windows --------------------------------------------------------------------------------- */

/* stats: of the cpu, which has the same stages: their work. */
static void put_stages(struct table *table, const struct simulated *s,
                       const struct npu_stats *stats, unsigned seconds)
{
    double all[NPU_SIM_PRESETS];
    sum_stages(s, all);
    for (unsigned op = 0; op < NPU_OP_COUNT; op++) {
        double ms[NPU_SIM_PRESETS], share[NPU_SIM_PRESETS], speed[NPU_SIM_PRESETS], gmac = NAN;
        for (unsigned i = 0; i < stats->n_stages; i++)
            if (!strcmp(stats->stage[i].name, npu_op_name((enum npu_op)op)) &&
                stats->stage[i].gmac > 0)
                gmac = stats->stage[i].gmac;
        for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
            ms[p] = (double)s->op_ns[op][p] * 1e-6;
            share[p] = 100 * ms[p] / all[p];
            speed[p] = ms[p] > 0 ? gmac / ms[p] * 1e3 : NAN;
        }
        table_number(table, seconds);
        table_text(table, "%s", npu_op_name((enum npu_op)op));
        bench_modelled(table, ms);
        bench_modelled(table, share);
        table_number(table, gmac);
        bench_modelled(table, speed);
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
static int run_window(struct results *results, unsigned first, struct simulated *sim,
                      struct subject *cpu, const float *mel, unsigned seconds, bool last,
                      struct npu_error *err)
{
    struct table *table = &results->tables[first];
    struct npu_stats stats;
    unsigned positions = 50 * seconds;
    size_t n = (size_t)positions * cpu->info.d_model;
    float *a = calloc(n, sizeof(float)), *b = calloc(n, sizeof(float));
    npu_encoder_reset_stats(cpu->encoder);
    int ret = a && b ? subject_encode(cpu, mel, positions, b) : -ENOMEM;
    uint64_t start = npu_now_ns();
    if (ret == 0)
        ret = simulated_encode(sim, mel, positions, a, err);
    double took_ms = (double)(npu_now_ns() - start) * 1e-6;
    if (ret == 0) {
        uint64_t equal = count_equal(a, b, n);
        double ms[NPU_SIM_PRESETS], factor[NPU_SIM_PRESETS];
        sum_stages(sim, ms);
        for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
            factor[p] = seconds * 1e3 / ms[p];
        npu_encoder_get_stats(cpu->encoder, &stats);
        table_number(table, seconds);
        table_number(table, positions);
        bench_modelled(table, ms);
        bench_modelled(table, factor);
        table_number(table, (double)n);
        table_number(table, (double)equal);
        table_number(table, took_ms);
        if (last)
            put_stages(&results->tables[first + 1], sim, &stats, seconds);
        if (seconds == 30)
            memcpy(results->headlines.npu_window_ms, ms, sizeof(ms));
        if (equal != n)
            ret = -EIO;
    }
    free(a);
    free(b);
    return ret;
}

static int run_windows(const struct bench_options *options, struct results *results, unsigned first,
                       struct simulated *sim, struct subject *cpu, struct npu_error *err)
{
    static const unsigned seconds[] = {1, 5, 10, 20, 30};
    size_t n = (size_t)NPU_WINDOW_FRAMES * cpu->model_info.n_mels;
    /* A window of base takes the simulator half a minute. */
    unsigned count = options->quick && cpu->info.d_model > 128 ? 1 : COUNT(seconds);
    struct npu_error why = {""};
    float *samples = subject_audio(NPU_WINDOW_SAMPLES), *mel = calloc(n, sizeof(float));
    int ret = !samples ? -ENOENT
              : mel    ? subject_mel(cpu, samples, NPU_WINDOW_SAMPLES, mel)
                       : -ENOMEM;
    for (unsigned i = 0; i < count && ret == 0; i++) {
        bench_say(options, "comparison: npu on sim, %u s", seconds[i]);
        ret = run_window(results, first, sim, cpu, mel, seconds[i], i + 1 == count, &why);
    }
    if (count < COUNT(seconds))
        table_note(&results->tables[first],
                   "Longer windows are left out of a quick run with a model of this size.");
    if (ret)
        npu_fail(err, ret,
                 "comparison: a window on the simulated NPU failed, or is not the cpu's%s%.400s",
                 why.text[0] ? ": " : "", why.text);
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
    struct simulated sim = {.device = NULL};
    struct subject cpu = {.model = NULL};
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
    int ret = simulated_open(&sim, options->model, &why);
    if (ret == 0)
        ret = subject_open(&cpu, "cpu", "npu", options->model, &why);
    if (ret)
        table_note(&results->tables[first], "Left out: %s", why.text);
    ret = ret ? 0 : run_windows(options, results, first, &sim, &cpu, err);
    simulated_close(&sim);
    subject_close(&cpu);
    return ret;
}
