/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernels of every set that runs here, one thread, at sizes of the base model. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "npu/launch/stats.h"
#include "tests/bench/fixed_calls.h"
#include "tests/bench/npu-bench.h"
#include "tests/kernels/bench.h"
#include "tests/kernels/peak.h"

enum { ROWS = 64, REF_ROWS = 8, LONGEST = 3 /* s of one kernel, then it ends early */ };

static const struct column columns[] = {
    {"profile", "profile", "", BASIS_GIVEN, 0, "the arithmetic that the kernel belongs to"},
    {"kernel", "kernel", "", BASIS_GIVEN, 0,
     "the operation; narrow: u8 x s8, or the same numbers in 16 bits where a set has no such "
     "products; "
     "wide: s16 x s16; npu's have their operands' types"},
    {"shape", "shape", "", BASIS_GIVEN, 0,
     "rows x columns x depth, rows x keys, or rows x values; ref has fewer rows, as it is slow"},
    {"isa", "set", "", BASIS_GIVEN, 0,
     "the kernel set; a set that has no version of its own uses the one below it"},
    {"iterations", "calls", "", BASIS_COUNTED, 0, "timed, after two that were not"},
    {"mean_us", "mean", "us", BASIS_MEASURED, 2, "of the calls' times, processor time of a thread"},
    {"std_us", "std", "us", BASIS_MEASURED, 2, "standard deviation, with n - 1"},
    {"min_us", "min", "us", BASIS_MEASURED, 2, "the fastest call"},
    {"max_us", "max", "us", BASIS_MEASURED, 2, "the slowest call"},
    {"p50_us", "p50", "us", BASIS_MEASURED, 2, "the median: half of the calls took no longer"},
    {"p95_us", "p95", "us", BASIS_MEASURED, 2, "95 % of the calls took no longer"},
    {"p99_us", "p99", "us", BASIS_MEASURED, 2, "99 % of the calls took no longer"},
    {"gmacs", "speed", "GMAC/s", BASIS_MEASURED, 1,
     "1e9 multiply-adds a second at the median; none for kernels that hardly multiply"},
    {"peak_percent", "of peak", "%", BASIS_MEASURED, 1,
     "of what one core gives of the instruction that the set multiplies with, in loops of nothing "
     "else, in this run; none where the instruction is not known"},
    {"times_ref", "x ref", "", BASIS_MEASURED, 1,
     "median time for a row of ref over that of this set"},
};

/* ---- The clock ------------------------------------------------------------------------------- */

static struct npu_series series;
static uint64_t least_ns, most_ns;
static unsigned iterations;

static uint64_t thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A bench_clock_fn: every call's time goes into `series`. */
static double keep_times(void (*fn)(void *user), void *user, double budget)
{
    struct npu_summary summary;
    (void)budget;
    memset(&series, 0, sizeof(series));
    least_ns = UINT64_MAX;
    most_ns = 0;
    fn(user);
    fn(user);
    uint64_t start = thread_ns();
    while (series.n < 3 ||
           (series.n < iterations && thread_ns() - start < LONGEST * UINT64_C(1000000000))) {
        uint64_t begin = thread_ns();
        fn(user);
        uint64_t took = thread_ns() - begin;
        npu_series_add(&series, took);
        least_ns = took < least_ns ? took : least_ns;
        most_ns = took > most_ns ? took : most_ns;
    }
    npu_series_summarise(&series, &summary);
    return 1e-9 * (double)summary.p50_ns;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* One kernel at one size; it uses the members that it needs. */
struct job {
    const char *profile, *kernel;
    double (*time)(const struct npu_kernels *set, const struct job *job, int rows);
    int n, k;    /* columns and depth; k = 0: neither */
    double macs; /* of one row */
    enum npu_width width;
    unsigned flags;
    bool rows_fixed; /* a block of 64 */
    bool only_ref;   /* there is one version */
    npu_fixed_call *fixed;
};

static double time_gemm_f32(const struct npu_kernels *set, const struct job *job, int rows)
{
    return bench_gemm_f32(set, rows, job->n, job->k, job->flags, 0);
}

static double time_attention_f32(const struct npu_kernels *set, const struct job *job, int rows)
{
    (void)job;
    return bench_attention_f32(set, rows, 0);
}

static double time_norm_f32(const struct npu_kernels *set, const struct job *job, int rows)
{
    return bench_norm_f32(set, rows, job->n, 0);
}

static double time_gelu_f32(const struct npu_kernels *set, const struct job *job, int rows)
{
    return bench_gelu_f32(set, rows * job->n, 0);
}

static double time_gemm_int(const struct npu_kernels *set, const struct job *job, int rows)
{
    return bench_gemm_int(set, job->width, rows, job->n, job->k, job->flags, 0);
}

static double time_attention_int(const struct npu_kernels *set, const struct job *job, int rows)
{
    return bench_attention_int(set, job->width, rows, 0);
}

static double time_quant(const struct npu_kernels *set, const struct job *job, int rows)
{
    return bench_quant(set, job->width, rows, job->n, job->flags, 0);
}

static double time_pack(const struct npu_kernels *set, const struct job *job, int rows)
{
    (void)rows;
    return bench_pack(set, job->width, job->flags, 0);
}

static double time_fixed(const struct npu_kernels *set, const struct job *job, int rows)
{
    return job->fixed(set, rows, job->n, job->k);
}

#define GEMM(p, name, fn, columns, depth, ...)                              \
    {                                                                       \
        .profile = p, .kernel = name, .time = fn, .n = columns, .k = depth, \
        .macs = (double)(columns) * (depth), __VA_ARGS__                    \
    }
#define KEYS(p, name, fn, ...)                                                                    \
    {                                                                                             \
        .profile = p, .kernel = name, .time = fn, .n = 1500, .macs = 2.0 * 1500 * 64, __VA_ARGS__ \
    }
#define VALUES(p, name, fn, columns, ...)                                   \
    {                                                                       \
        .profile = p, .kernel = name, .time = fn, .n = columns, __VA_ARGS__ \
    }

static const struct job jobs[] = {
    GEMM("f32", "gemm", time_gemm_f32, 512, 512, .flags = 0),
    GEMM("f32", "gemm, gelu", time_gemm_f32, 2048, 512, .flags = NPU_GEMM_GELU),
    GEMM("f32", "gemm", time_gemm_f32, 512, 2048, .flags = 0),
    KEYS("f32", "attention", time_attention_f32, .flags = 0),
    VALUES("f32", "norm", time_norm_f32, 512, .flags = 0),
    VALUES("f32", "gelu", time_gelu_f32, 2048, .flags = 0),
    GEMM("int8", "gemm narrow", time_gemm_int, 512, 512, .width = NPU_NARROW),
    GEMM("int8", "gemm narrow, gelu", time_gemm_int, 2048, 512, .width = NPU_NARROW,
         .flags = NPU_GEMM_GELU),
    GEMM("int8", "gemm narrow", time_gemm_int, 512, 2048, .width = NPU_NARROW),
    KEYS("int8", "attention narrow", time_attention_int, .width = NPU_NARROW),
    VALUES("int8", "quant narrow", time_quant, 512, .width = NPU_NARROW),
    VALUES("int8", "quant narrow, asymmetric", time_quant, 512, .width = NPU_NARROW, .flags = 1),
    VALUES("int8", "pack_k narrow", time_pack, 64, .width = NPU_NARROW, .rows_fixed = true),
    VALUES("int8", "pack_v narrow", time_pack, 64, .width = NPU_NARROW, .flags = 1,
           .rows_fixed = true),
    GEMM("int8", "gemm wide", time_gemm_int, 512, 512, .width = NPU_WIDE),
    GEMM("int8", "gemm wide, gelu", time_gemm_int, 2048, 512, .width = NPU_WIDE,
         .flags = NPU_GEMM_GELU),
    KEYS("int8", "attention wide", time_attention_int, .width = NPU_WIDE),
    VALUES("int8", "quant wide", time_quant, 512, .width = NPU_WIDE),
    VALUES("int8", "pack_k wide", time_pack, 64, .width = NPU_WIDE, .rows_fixed = true),
    VALUES("int8", "pack_v wide", time_pack, 64, .width = NPU_WIDE, .flags = 1, .rows_fixed = true),
    GEMM("npu", "gemm s16 s8", time_fixed, 512, 512, .fixed = fixed_call_gemm_s16s8),
    GEMM("npu", "gemm s16 s8, gelu", time_fixed, 2048, 512, .fixed = fixed_call_gemm_gelu),
    GEMM("npu", "gemm s16 s16", time_fixed, 512, 512, .fixed = fixed_call_gemm_s16s16),
    KEYS("npu", "attention s16", time_fixed, .fixed = fixed_call_attention),
    VALUES("npu", "norm s32 s16", time_fixed, 512, .fixed = fixed_call_norm, .only_ref = true),
    VALUES("npu", "gelu s32 s16", time_fixed, 2048, .fixed = fixed_call_gelu, .only_ref = true),
};

/* GMAC/s; NaN: not known. Measured once. */
static double peak_of(const struct npu_kernels *set, const struct job *job)
{
    static double peaks[16][PEAK_KINDS]; /* by set */
    size_t at = 0;
    if (!strcmp(job->profile, "npu"))
        return NAN;
    enum peak_kind kind = strcmp(job->profile, "f32") ? (enum peak_kind)job->width : PEAK_F32;
    while (npu_kernels_name((int)at) != set->name)
        at++;
    assert(at < sizeof(peaks) / sizeof(peaks[0]));
    double *peak = &peaks[at][kind];
    if (*peak == 0)
        *peak = peak_measure(set, kind, 0.05).gmacs;
    return *peak > 0 ? *peak : NAN;
}

static void put_row(struct table *table, const struct npu_kernels *set, const struct job *job,
                    double *ref_row_us)
{
    struct npu_summary s;
    bool is_ref = !strcmp(set->name, "ref");
    int rows = is_ref && !job->rows_fixed ? REF_ROWS : ROWS;
    job->time(set, job, rows);
    npu_series_summarise(&series, &s);
    double row_us = 1e-3 * (double)s.p50_ns / rows;
    if (is_ref)
        *ref_row_us = row_us;
    table_text(table, "%s", job->profile);
    table_text(table, "%s", job->kernel);
    if (job->k)
        table_text(table, "%d x %d x %d", rows, job->n, job->k);
    else
        table_text(table, "%d x %d", rows, job->n);
    table_text(table, "%s", set->name);
    table_number(table, (double)s.n);
    table_number(table, 1e-3 * s.mean_ns);
    table_number(table, 1e-3 * s.std_ns);
    table_number(table, 1e-3 * (double)least_ns);
    table_number(table, 1e-3 * (double)most_ns);
    table_number(table, 1e-3 * (double)s.p50_ns);
    table_number(table, 1e-3 * (double)s.p95_ns);
    table_number(table, 1e-3 * (double)s.p99_ns);
    double gmacs = job->macs > 0 ? 1e-3 * job->macs / row_us : NAN;
    table_number(table, gmacs);
    table_number(table, 100 * gmacs / peak_of(set, job));
    table_number(table, *ref_row_us / row_us);
}

/* Whether the set's version differs from that of the set below. */
static bool is_own(const struct npu_kernels *set, const struct npu_kernels *below,
                   const struct job *job)
{
    const struct npu_int_kernels *i = &set->width[job->width], *j = &below->width[job->width];
    if (job->only_ref)
        return false;
    if (job->time == time_fixed)
        return memcmp(&set->fixed, &below->fixed, sizeof(set->fixed)) != 0;
    if (job->time == time_gemm_int)
        return i->gemm != j->gemm;
    if (job->time == time_attention_int)
        return i->attention != j->attention;
    if (job->time == time_quant)
        return i->quant != j->quant;
    if (job->time == time_pack)
        return job->flags ? i->pack_v != j->pack_v : i->pack_k != j->pack_k;
    if (job->time == time_gemm_f32)
        return set->gemm_f32 != below->gemm_f32;
    if (job->time == time_attention_f32)
        return set->attention_f32 != below->attention_f32;
    if (job->time == time_norm_f32)
        return set->norm_f32 != below->norm_f32;
    return set->gelu_f32 != below->gelu_f32;
}

static void put_rows(struct table *table, const struct bench_options *options,
                     const struct job *job)
{
    struct npu_kernels below;
    double ref_row_us = NAN;
    for (int i = 0; npu_kernels_name(i); i++) {
        struct npu_kernels set;
        if (!kit_kernels(&set, npu_kernels_name(i)) || (i > 0 && !is_own(&set, &below, job)))
            continue;
        below = set;
        bench_say(options, "kernels: %s %s, %s", job->profile, job->kernel, set.name);
        put_row(table, &set, job, &ref_row_us);
    }
}

static struct table *new_table(struct results *results, const char *profile)
{
    static const char about[] =
        "One thread, random operands, 64 rows at the sizes of Whisper base. The times are "
        "processor time of the thread, so that other programs on the machine count less. Every "
        "set gives ref's results bit by bit (tests/kernels).";
    struct table *table =
        !strcmp(profile, "f32")
            ? results_table(results, "kernels_f32", "Kernels of profile f32 on this CPU", about,
                            columns, sizeof(columns) / sizeof(columns[0]))
        : !strcmp(profile, "int8")
            ? results_table(results, "kernels_int8", "Kernels of profile int8 on this CPU", about,
                            columns, sizeof(columns) / sizeof(columns[0]))
            : results_table(results, "kernels_npu", "Kernels of profile npu on this CPU", about,
                            columns, sizeof(columns) / sizeof(columns[0]));
    table_plot(table, (struct plot){"gmacs", {"kernel", "shape", "isa"}});
    return table;
}

int phase_kernels(const struct bench_options *options, struct results *results,
                  struct npu_error *err)
{
    struct table *table = NULL;
    const char *last = "";
    (void)err;
    if (!bench_wants(options, "cpu"))
        return 0;
    iterations = options->iterations ? options->iterations : options->quick ? 10 : 100;
    bench_clock = keep_times;
    for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
        if (strcmp(jobs[i].profile, last) != 0)
            table = new_table(results, jobs[i].profile);
        last = jobs[i].profile;
        if (!options->describe)
            put_rows(table, options, &jobs[i]);
    }
    return 0;
}
