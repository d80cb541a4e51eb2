/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The claims of the prototype's reports, why they did not hold, and this run's figures instead. */
#include <math.h>

#include "tests/bench/npu-bench.h"

static const struct column columns[] = {
    {"subject", "subject", "", BASIS_GIVEN, 0, "what the claim is about"},
    {"claim", "the prototype", "", BASIS_CLAIMED, 0, "as its reports or logs had it"},
    {"why", "what was the matter", "", BASIS_GIVEN, 0, "found by reading its source and logs"},
    {"here_pessimistic", "here, pessimistic", "", BASIS_GIVEN, 4,
     "if it is modelled, the next column under that preset"},
    {"here", "here", "", BASIS_GIVEN, 4,
     "this run's number, if it is modelled of preset published; the last column says of which "
     "kind"},
    {"here_best", "here, best", "", BASIS_GIVEN, 4, "if it is modelled, under that preset"},
    {"unit", "unit", "", BASIS_GIVEN, 0, "of the number"},
    {"kind", "kind", "", BASIS_GIVEN, 0, "where the number comes from, and what it is"},
};

static void put_text(struct table *table, const char *subject, const char *claim, const char *why)
{
    table_text(table, "%s", subject);
    table_text(table, "%s", claim);
    table_text(table, "%s", why);
}

static void put_kind(struct table *table, const char *unit, const char *kind)
{
    table_text(table, "%s", unit);
    table_text(table, "%s", kind);
}

static void put(struct table *table, const char *subject, const char *claim, const char *why,
                double here, const char *unit, const char *kind)
{
    put_text(table, subject, claim, why);
    table_none(table);
    table_number(table, here);
    table_none(table);
    put_kind(table, unit, kind);
}

/* here: over `share`, or over that preset's own where `over` is not NULL. */
static void put_modelled(struct table *table, const char *subject, const char *claim,
                         const char *why, const double here[NPU_SIM_PRESETS],
                         const double over[NPU_SIM_PRESETS], double share, const char *unit,
                         const char *kind)
{
    double number[NPU_SIM_PRESETS];
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        number[p] = here[p] / (over ? over[p] : share);
    put_text(table, subject, claim, why);
    bench_modelled(table, number);
    put_kind(table, unit, kind);
}

static void put_kernels(struct table *table, const struct headlines *h)
{
    put_modelled(table, "attention 64x64, one tile", "2.233 ms",
                 "measured on an NPU, but scalar code with a scale fixed in the design: "
                 "correlation 0.12 to 0.18, later 0.85",
                 h->tile_sequential_us, NULL, 1e3, "ms",
                 "modelled: one tile a launch, the launch included");
    put_modelled(table, "LayerNorm, one row of 256", "0.166 ms",
                 "gamma in the wrong unit: results were -2 to 1", h->norm_ms, NULL, 64, "ms",
                 "modelled: 64 rows in one launch, its share");
    put_modelled(table, "GELU, 512 values", "0.142 ms", "a table for inputs of -1 to 1 alone",
                 h->gelu_ms, NULL, 128, "ms", "modelled: 128 vectors in one launch, its share");
    put_modelled(table, "matrix product 16x16", "0.493 ms",
                 "compiled without optimisation; partial sums were clamped to 8 bits", h->matmul_ms,
                 NULL, 32, "ms", "modelled: 32 products in one launch, its share");
    put_modelled(table, "log-mel", "304.7 ms for 11 s",
                 "measured on an NPU, but another transform: HTK filters, no logarithm; 9 to 10 "
                 "times slower than its CPU",
                 h->mel_npu_ms, NULL, 1, "ms", "modelled: 30 s on four cores");
    put(table, "log-mel on the CPU", "28 to 31 ms for 11 s", "a library's, the yardstick",
        h->mel_cpu_ms, "ms", "measured: 30 s on one thread");
}

static void put_pipeline(struct table *table, const struct headlines *h)
{
    put_modelled(table, "pipelining, depth 2", "1.66 x",
                 "gains of three alternatives were multiplied; its logs show 1.08 x",
                 h->tile_sequential_us, h->tile_pipelined_us, 1, "x", "modelled: if all overlaps");
    put_modelled(table, "several tiles a launch", "1.16 x",
                 "no tiles shared a launch: each was written, run and read in turn",
                 h->tile_sequential_us, h->tile_batched_us, 1, "x",
                 "modelled: 16 tiles a launch, depth 2");
    put(table, "pipeline stalls", "0", "only waits above 10 ms counted; a tile took 2",
        h->stall_percent, "%",
        "measured: cpu, depth 2: tiles whose wait was more than twice the median");
    put(table, "results of the pipeline", "correlation above 0.99",
        "no log shows it; all slots shared one buffer, and one tile of ten was wrong (mean 0.909)",
        h->equal_percent, "%", "counted: tiles equal bit by bit, least of all tables");
    put_modelled(table, "four columns", "4 x",
                 "the sequence waited for each column before it began the next, so they took turns",
                 h->columns_gain, NULL, 1, "x", "modelled: four columns over one");
}

static void put_encoder(struct table *table, const struct headlines *h, const char *model)
{
    char kind[256];
    snprintf(kind, sizeof(kind),
             "measured: all of %.100s, profile int8, on this CPU; not on an NPU", model);
    put(table, "encoder, times real time", "14 x, 26.9 x, 220 x",
        "constants and projections: what ran was 1/593 of the encoder's work, with random weights",
        h->real_time, "x", kind);
    snprintf(kind, sizeof(kind), "modelled: a window of 30 s of %.100s, launch after launch",
             model);
    put_modelled(table, "encoder, a window of 30 s", "445.7 ms for 11 s",
                 "140.4 times the 3.17 ms of one tile with random weights; no window was ever "
                 "encoded",
                 h->npu_window_ms, NULL, 1, "ms", kind);
    put(table, "encoder's features", "not compared",
        "accuracy was a phase that never ran; activity (values that are not zero) stood for it",
        h->worst_mean, "cosine", "computed: least mean of the profiles, against float64");
}

int phase_prototype(const struct bench_options *options, struct results *results,
                    struct npu_error *err)
{
    struct table *table = results_table(
        results, "prototype", "What the prototype claimed",
        "An earlier Python project for the same NPU (Unicorn-Amanuensis, autumn 2025) reported "
        "these figures. Beside them is what this run says on the same subject; no NPU was used for "
        "it, so the two columns are never measurements of one thing.",
        columns, sizeof(columns) / sizeof(columns[0]));
    (void)err;
    if (options->describe)
        return 0;
    put_kernels(table, &results->headlines);
    put_pipeline(table, &results->headlines);
    put_encoder(table, &results->headlines, bench_file_name(options->model));
    return 0;
}
