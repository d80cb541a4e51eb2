/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tiles of attention 64 x 64 through npu/launch/pipeline.c: every strategy and depth, and every
 * size of batch, on the cpu and on the simulated NPU. Each result is compared with kernels/ref. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "npu/launch/pipeline.h"
#include "npu/log.h"
#include "npu/sim/backend.h"
#include "tests/bench/npu-bench.h"
#include "tests/sim/packed_tile.h"

enum {
    DIFFERENT = 256 /* tiles, then they come again */,
    ROUNDS = 5,
    QUICK_ROUNDS = 2,
    HEADLINE_BATCH = 16
};

/* ---- Tiles, made before the rounds ----------------------------------------------------------- */

/* Inputs and expected results of one device. */
struct tiles {
    struct tile *rows;          /* cpu */
    struct packed_tile *packed; /* sim */
    uint8_t (*expected)[TILE_OUT_BYTES];
    struct npu_kernels set;
};

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p) {
        fputs("npu-bench: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static struct tiles tiles_new(bool sim)
{
    static int16_t out[TILE_VALUES];
    struct tiles t = {.rows = allocate(DIFFERENT, sizeof(struct tile)),
                      .packed = sim ? allocate(DIFFERENT, sizeof(struct packed_tile)) : NULL,
                      .expected = allocate(DIFFERENT, TILE_OUT_BYTES)};
    npu_kernels_choose(&t.set, NULL);
    for (uint64_t i = 0; i < DIFFERENT; i++) {
        struct tile *tile = &t.rows[i];
        tile_fill_exp(tile->exp);
        tile_fill(tile, i);
        tile_compute(out, tile->exp, tile->q, tile->k, tile->v);
        if (sim) {
            packed_tile_fill(&t.packed[i], tile);
            packed_tile_a16(t.expected[i], out);
        } else {
            memcpy(t.expected[i], out, TILE_OUT_BYTES);
        }
    }
    return t;
}

static void tiles_free(struct tiles *t)
{
    free(t->rows);
    free(t->packed);
    free(t->expected);
}

/* ---- One way, one round ---------------------------------------------------------------------- */

struct way {
    enum npu_strategy strategy;
    unsigned depth, batch;
};

struct round {
    struct npu_pipeline_stats stats;
    uint64_t modelled_ns[NPU_SIM_PRESETS]; /* of its launches on the simulated NPU */
};

/* What all rounds of a way together say; round: the one with the median total. */
struct outcome {
    struct round round;
    uint64_t taken, equal;    /* of all rounds */
    double least_ms, most_ms; /* per tile, of the rounds */
};

struct user {
    const struct tiles *tiles;
    uint64_t taken, equal;
};

static void give(void *data, uint64_t number, const void **in)
{
    const struct tiles *t = ((struct user *)data)->tiles;
    uint64_t i = number % DIFFERENT;
    in[0] = t->packed ? (const void *)t->packed[i].q : t->rows[i].exp;
    in[1] = t->packed ? (const void *)t->packed[i].kv : t->rows[i].k;
}

static void take(void *data, uint64_t number, const void *out)
{
    struct user *user = data;
    user->equal += number == user->taken &&
                   !memcmp(out, user->tiles->expected[number % DIFFERENT], TILE_OUT_BYTES);
    user->taken++;
}

static struct npu_pipeline_params params_of(const struct way *way)
{
    return (struct npu_pipeline_params){
        .strategy = way->strategy,
        .depth = way->depth,
        .batch = way->batch,
        .in_bytes = {TILE_Q_BYTES, TILE_KV_BYTES},
        .n_in = 2,
        .out_bytes = TILE_OUT_BYTES,
        .deadline_ns = UINT64_C(60000000000),
    };
}

static int open_context(struct npu_context **context, struct npu_device *device,
                        struct tiles *tiles, unsigned batch, struct npu_error *err)
{
    struct npu_code code = {.name = "attention 64x64", .call = tile_call, .user = &tiles->set};
    char *text = NULL;
    if (tiles->packed) {
        text = packed_tile_design(TESTS_SOURCE, batch);
        if (!text)
            return npu_fail(err, -ENOENT, "%s/mlir/attention_64.mlir cannot be read", TESTS_SOURCE);
        code = (struct npu_code){.kind = NPU_CODE_DESIGN, .name = "attention_64", .text = text};
    }
    int ret = npu_context_open(context, device, &code, err);
    free(text);
    return ret;
}

/* Warm up, then `n` tiles that count. */
static int run_round(const char *device_name, struct tiles *tiles, const struct way *way,
                     uint64_t n, struct round *round, struct user *user, struct npu_error *err)
{
    uint64_t before[NPU_SIM_PRESETS] = {0};
    struct npu_device *device = NULL;
    struct npu_context *context = NULL;
    struct npu_pipeline *pipeline = NULL;
    struct npu_pipeline_params params = params_of(way);
    const struct npu_device_params device_params = {.name = device_name, .threads = 1};

    *user = (struct user){.tiles = tiles};
    int ret = npu_device_open(&device, &device_params, err);
    if (ret == 0)
        ret = open_context(&context, device, tiles, way->batch, err);
    params.device = device;
    params.context = context;
    if (ret == 0)
        ret = npu_pipeline_open(&pipeline, &params, err);
    for (unsigned i = 0; i < 2 && ret == 0; i++) {
        npu_pipeline_reset_stats(pipeline);
        npu_sim_get_modelled(before);
        user->taken = user->equal = 0;
        ret = npu_pipeline_run(
            pipeline,
            &(struct npu_pipeline_job){i == 0 ? 2 * way->depth * way->batch : n, give, take, user});
        if (ret)
            npu_pipeline_get_error(pipeline, err);
    }
    npu_sim_get_modelled(round->modelled_ns);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        round->modelled_ns[p] -= before[p];
    if (ret == 0)
        npu_pipeline_get_stats(pipeline, &round->stats);
    npu_pipeline_close(&pipeline);
    npu_context_close(&context, NPU_TIMEOUT_NONE);
    npu_device_close(&device);
    return ret;
}

static int by_total(const void *a, const void *b)
{
    const struct round *x = a, *y = b;
    return (x->stats.total_ns > y->stats.total_ns) - (x->stats.total_ns < y->stats.total_ns);
}

/* All ways take turns in each round, so that a change of the machine's speed hits all. */
static int run_ways(const struct bench_options *options, const char *device, struct tiles *tiles,
                    const struct way *ways, unsigned n_ways, struct outcome *out,
                    struct npu_error *err)
{
    unsigned rounds = options->quick ? QUICK_ROUNDS : ROUNDS;
    struct round *all = allocate((size_t)n_ways * rounds, sizeof(*all));
    int ret = 0;
    memset(out, 0, n_ways * sizeof(*out));
    for (unsigned r = 0; r < rounds; r++)
        for (unsigned w = 0; w < n_ways && ret == 0; w++) {
            struct user user;
            struct round *round = &all[w * rounds + r];
            ret = run_round(device, tiles, &ways[w], options->tiles, round, &user, err);
            out[w].taken += user.taken;
            out[w].equal += user.equal;
            bench_say(options, "%s: %s, depth %u, batch %u: %.4f ms a tile", device,
                      npu_strategy_name(ways[w].strategy), ways[w].depth, ways[w].batch,
                      round->stats.per_tile_ns * 1e-6);
        }
    for (unsigned w = 0; w < n_ways && ret == 0; w++) {
        qsort(all + w * rounds, rounds, sizeof(*all), by_total);
        out[w].round = all[w * rounds + (rounds - 1) / 2];
        out[w].least_ms = all[w * rounds].stats.per_tile_ns * 1e-6;
        out[w].most_ms = all[w * rounds + rounds - 1].stats.per_tile_ns * 1e-6;
        if (options->verbose)
            npu_pipeline_stats_print(&out[w].round.stats, stderr);
    }
    free(all);
    return ret;
}

/* ---- Columns --------------------------------------------------------------------------------- */

#define WAY_COLUMNS                                                                                \
    {"strategy",                                                                                   \
     "strategy",                                                                                   \
     "",                                                                                           \
     BASIS_GIVEN,                                                                                  \
     0,                                                                                            \
     "sequential: buffers made and freed for each tile; pooled: buffers from a pool; pipelined: "  \
     "the host writes and reads while the device computes; batched: several tiles a launch; "      \
     "adaptive: pipelined with as many slots as help"},                                            \
        {"depth", "depth", "slots", BASIS_GIVEN, 0, "tiles or batches in flight, at most"},        \
        {"batch", "batch", "tiles", BASIS_GIVEN, 0, "in one launch"},                              \
        {"tiles", "tiles", "", BASIS_COUNTED, 0, "collected in the round of the median total"},    \
        {"equal",                                                                                  \
         "equal",                                                                                  \
         "tiles",                                                                                  \
         BASIS_COUNTED,                                                                            \
         0,                                                                                        \
         "of all rounds, with kernels/ref's bytes and in their place; so with sequential's, too"}, \
    {                                                                                              \
        "of", "of", "tiles", BASIS_COUNTED, 0, "collected in all rounds"                           \
    }

static const struct column cpu_columns[] = {
    WAY_COLUMNS,
    {"total_ms", "total", "ms", BASIS_MEASURED, 3,
     "from the first submit to the last result, comparing each result included; median round"},
    {"per_tile_ms", "a tile", "ms", BASIS_MEASURED, 4, "total / tiles"},
    {"least_ms", "least", "ms", BASIS_MEASURED, 4, "a tile in the fastest round"},
    {"most_ms", "most", "ms", BASIS_MEASURED, 4, "a tile in the slowest round"},
    {"speedup", "x sequential", "", BASIS_MEASURED, 2,
     "sequential's fastest round over this one's: other programs disturb these least"},
    {"write_ms", "write", "ms", BASIS_MEASURED, 3,
     "the host copying operands into buffers and handing them to the device, all tiles"},
    {"compute_ms", "compute", "ms", BASIS_MEASURED, 3,
     "the launches from their start to their end on the device, all tiles"},
    {"read_ms", "read", "ms", BASIS_MEASURED, 3, "the host fetching results, all tiles"},
    {"overhead_percent", "overhead", "%", BASIS_MEASURED, 2,
     "100 (write + read) / (write + compute + read)"},
    {"stalls", "stalls", "", BASIS_MEASURED, 0,
     "waits for a result that took longer than twice the median wait"},
    {"occupancy", "in flight", "launches", BASIS_MEASURED, 2, "mean over the total time"},
    {"mean_ms", "launch mean", "ms", BASIS_MEASURED, 4, "a launch from submission to report"},
    {"std_ms", "std", "ms", BASIS_MEASURED, 4, "its standard deviation"},
    {"p50_ms", "p50", "ms", BASIS_MEASURED, 4, "half of the launches took no longer"},
    {"p95_ms", "p95", "ms", BASIS_MEASURED, 4, "95 % took no longer"},
    {"p99_ms", "p99", "ms", BASIS_MEASURED, 4, "99 % took no longer"},
    {"most_depth", "slots used", "", BASIS_COUNTED, 0, "the most at a time"},
};

static const struct column sim_columns[] = {
    WAY_COLUMNS,
    MODELLED("modelled_us", "device, a tile", "us", 2,
             "launches with their cost, one after the other, / tiles; the same at every depth, for "
             "the device takes launches in order"),
    MODELLED("bound_us", "if all overlaps, a tile", "us", 2,
             "with one slot the device's; with more the longer of the host's and the device's part "
             "of a launch, / batch: all that can overlap does. The host's copies are not in it"),
    MODELLED("bound_speedup", "x sequential", "", 2, "if all overlaps"),
    {"simulator_ms", "simulated in", "ms a tile", BASIS_MEASURED, 4,
     "the simulator's own running time; it says nothing about an NPU"},
};

static void put_way(struct table *table, const struct way *way, const struct outcome *o)
{
    table_text(table, "%s", npu_strategy_name(way->strategy));
    table_number(table, way->depth);
    table_number(table, way->batch);
    table_number(table, (double)o->round.stats.tiles);
    table_number(table, (double)o->equal);
    table_number(table, (double)o->taken);
}

static void put_cpu(struct table *table, const struct way *way, const struct outcome *o,
                    double first_ms)
{
    const struct npu_pipeline_stats *s = &o->round.stats;
    put_way(table, way, o);
    table_number(table, (double)s->total_ns * 1e-6);
    table_number(table, s->per_tile_ns * 1e-6);
    table_number(table, o->least_ms);
    table_number(table, o->most_ms);
    table_number(table, first_ms / o->least_ms);
    table_number(table, (double)s->write_ns * 1e-6);
    table_number(table, (double)s->compute_ns * 1e-6);
    table_number(table, (double)s->read_ns * 1e-6);
    table_number(table, s->overhead_percent);
    table_number(table, (double)s->stalls);
    table_number(table, s->occupancy);
    table_number(table, s->latency.mean_ns * 1e-6);
    table_number(table, s->latency.std_ns * 1e-6);
    table_number(table, (double)s->latency.p50_ns * 1e-6);
    table_number(table, (double)s->latency.p95_ns * 1e-6);
    table_number(table, (double)s->latency.p99_ns * 1e-6);
    table_number(table, s->most_depth);
}

/* us a tile under each preset if all overlaps; the launch's cost on the host can hide behind others. */
static void bound_of(const struct way *way, const struct round *round,
                     double bound[NPU_SIM_PRESETS])
{
    struct npu_sim_timing timing[NPU_SIM_PRESETS];
    const struct npu_pipeline_stats *s = &round->stats;
    npu_sim_timing_init(timing);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
        double launch = (double)round->modelled_ns[p] * 1e-3 / (double)s->launches;
        double host = timing[p].launch_host_us, device = launch - host;
        bound[p] = (way->depth == 1 ? launch : fmax(host, device)) * (double)s->launches /
                   (double)s->tiles;
    }
}

static void put_sim(struct table *table, const struct way *way, const struct outcome *o,
                    const struct way *first, const struct round *first_round)
{
    const struct npu_pipeline_stats *s = &o->round.stats;
    double tile[NPU_SIM_PRESETS], bound[NPU_SIM_PRESETS], speedup[NPU_SIM_PRESETS];
    bound_of(way, &o->round, bound);
    bound_of(first, first_round, speedup);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
        tile[p] = (double)o->round.modelled_ns[p] * 1e-3 / (double)s->tiles;
        speedup[p] /= bound[p];
    }
    put_way(table, way, o);
    bench_modelled(table, tile);
    bench_modelled(table, bound);
    bench_modelled(table, speedup);
    table_number(table, s->per_tile_ns * 1e-6);
}

/* Where the comparison with the prototype finds the way's time; NULL: not in it. */
static double *headline_of(struct headlines *h, const struct way *way)
{
    if (way->strategy == NPU_SEQUENTIAL)
        return h->tile_sequential_us;
    if (way->strategy == NPU_PIPELINED && way->depth == 2)
        return h->tile_pipelined_us;
    return way->strategy == NPU_BATCHED && way->batch == HEADLINE_BATCH ? h->tile_batched_us : NULL;
}

/* ---- Both commands --------------------------------------------------------------------------- */

static int put_table(const struct bench_options *options, struct results *results,
                     struct table *table, bool sim, const struct way *ways, unsigned n_ways,
                     struct npu_error *err)
{
    struct outcome *out = allocate(n_ways, sizeof(*out));
    struct tiles tiles = tiles_new(sim);
    struct headlines *h = &results->headlines;
    uint64_t taken = 0, equal = 0;
    int ret = run_ways(options, sim ? "sim" : "cpu", &tiles, ways, n_ways, out, err);
    for (unsigned w = 0; w < n_ways && ret == 0; w++) {
        const struct npu_pipeline_stats *s = &out[w].round.stats;
        double *headline = sim ? headline_of(h, &ways[w]) : NULL;
        if (sim)
            put_sim(table, &ways[w], &out[w], &ways[0], &out[0].round);
        else
            put_cpu(table, &ways[w], &out[w], out[0].least_ms);
        taken += out[w].taken;
        equal += out[w].equal;
        if (!sim && ways[w].strategy == NPU_PIPELINED && ways[w].depth == 2)
            h->stall_percent = 100 * (double)s->stalls / (double)s->tiles;
        if (headline)
            bound_of(&ways[w], &out[w].round, headline);
    }
    if (ret == 0 && equal != taken)
        ret = npu_fail(err, -EIO, "%s: %" PRIu64 " of %" PRIu64 " tiles are not equal", table->name,
                       taken - equal, taken);
    if (taken)
        h->equal_percent = isnan(h->equal_percent)
                               ? 100.0 * (double)equal / (double)taken
                               : fmin(h->equal_percent, 100.0 * (double)equal / (double)taken);
    tiles_free(&tiles);
    free(out);
    return ret;
}

static const char cpu_about[] =
    "Tiles of attention 64 x 64 in profile npu's arithmetic, one thread of the host computing as "
    "the device; the set is the best one here. Rounds in turns, the one with the median total is "
    "shown. Strategies are alternatives: their gains do not multiply.";
static const char sim_about[] =
    "The same tiles through mlir/attention_64.mlir, one core. What a depth or a batch would bring "
    "on an NPU is a matter of how much of a launch's cost lies on the host (constant "
    "launch_host_us) and can be hidden or shared; the model's constants decide it.";

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct command_text {
    const char *cpu, *cpu_title, *sim, *sim_title; /* names and titles of the tables */
    const char *labels[TABLE_LABELS];              /* of the bars */
};

static int run_both(const struct bench_options *options, struct results *results,
                    const struct command_text *text, const struct way *ways, unsigned n_ways,
                    struct npu_error *err)
{
    struct plot plot = {.column = "per_tile_ms"};
    int ret = 0;
    memcpy(plot.labels, text->labels, sizeof(plot.labels));
    if (bench_wants(options, "cpu")) {
        struct table *table = results_table(results, text->cpu, text->cpu_title, cpu_about,
                                            cpu_columns, COUNT(cpu_columns));
        table_plot(table, plot);
        if (!options->describe)
            ret = put_table(options, results, table, false, ways, n_ways, err);
    }
    if (bench_wants(options, "sim") && ret == 0) {
        struct table *table = results_table(results, text->sim, text->sim_title, sim_about,
                                            sim_columns, COUNT(sim_columns));
        plot.column = "bound_us";
        table_plot(table, plot);
        if (!options->describe)
            ret = put_table(options, results, table, true, ways, n_ways, err);
    }
    return ret;
}

int phase_pipeline(const struct bench_options *options, struct results *results,
                   struct npu_error *err)
{
    static const struct command_text text = {"pipeline_cpu",
                                             "Strategies and depths on this CPU",
                                             "pipeline_sim",
                                             "Strategies and depths on the simulated NPU",
                                             {"strategy", "depth", "batch"}};
    static const struct way ways[] = {
        {NPU_SEQUENTIAL, 1, 1}, {NPU_POOLED, 1, 1},    {NPU_PIPELINED, 1, 1}, {NPU_PIPELINED, 2, 1},
        {NPU_PIPELINED, 3, 1},  {NPU_PIPELINED, 4, 1}, {NPU_PIPELINED, 6, 1}, {NPU_PIPELINED, 8, 1},
        {NPU_BATCHED, 1, 4},    {NPU_BATCHED, 2, 4},   {NPU_BATCHED, 2, 16},  {NPU_ADAPTIVE, 8, 1},
    };
    return run_both(options, results, &text, ways, COUNT(ways), err);
}

int phase_batch(const struct bench_options *options, struct results *results, struct npu_error *err)
{
    static const struct command_text text = {"batch_cpu",
                                             "Tiles a launch on this CPU",
                                             "batch_sim",
                                             "Tiles a launch on the simulated NPU",
                                             {"strategy", "batch"}};
    static const struct way ways[] = {
        {NPU_SEQUENTIAL, 1, 1}, {NPU_BATCHED, 2, 1},  {NPU_BATCHED, 2, 2},  {NPU_BATCHED, 2, 4},
        {NPU_BATCHED, 2, 8},    {NPU_BATCHED, 2, 16}, {NPU_BATCHED, 2, 32}, {NPU_BATCHED, 2, 64},
    };
    return run_both(options, results, &text, ways, COUNT(ways), err);
}
