/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/launch/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void npu_series_add(struct npu_series *s, uint64_t ns)
{
    s->kept[s->n % NPU_SERIES_KEPT] = ns;
    s->n++;
    double delta = (double)ns - s->mean;
    s->mean += delta / (double)s->n;
    s->m2 += delta * ((double)ns - s->mean);
}

static int compare_ns(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The nearest rank: n sorted values, percent 1 .. 100. */
static uint64_t rank_of(const uint64_t *sorted, uint64_t n, uint64_t percent)
{
    return sorted[(n * percent + 99) / 100 - 1];
}

void npu_series_summarise(const struct npu_series *s, struct npu_summary *summary)
{
    uint64_t sorted[NPU_SERIES_KEPT];
    uint64_t n = s->n < NPU_SERIES_KEPT ? s->n : NPU_SERIES_KEPT;

    *summary = (struct npu_summary){.n = s->n, .mean_ns = s->mean};
    if (n == 0)
        return;
    if (s->n > 1)
        summary->std_ns = sqrt(s->m2 / (double)(s->n - 1));
    memcpy(sorted, s->kept, n * sizeof(sorted[0]));
    qsort(sorted, n, sizeof(sorted[0]), compare_ns);
    summary->p50_ns = rank_of(sorted, n, 50);
    summary->p95_ns = rank_of(sorted, n, 95);
    summary->p99_ns = rank_of(sorted, n, 99);
    for (uint64_t i = 0; i < n; i++)
        summary->above_twice_median += sorted[i] > 2 * summary->p50_ns;
}

static void print_summary(FILE *file, const char *name, const struct npu_summary *s)
{
    fprintf(file, "%-16s mean %.3f ms, std %.3f, p50 %.3f, p95 %.3f, p99 %.3f (n %" PRIu64 ")\n",
            name, s->mean_ns * 1e-6, s->std_ns * 1e-6, (double)s->p50_ns * 1e-6,
            (double)s->p95_ns * 1e-6, (double)s->p99_ns * 1e-6, s->n);
}

void npu_pipeline_stats_print(const struct npu_pipeline_stats *s, FILE *file)
{
    fprintf(file, "%-16s %s\n", "strategy", s->strategy);
    fprintf(file, "%-16s %" PRIu64 "\n", "tiles", s->tiles);
    fprintf(file, "%-16s %" PRIu64 "\n", "launches", s->launches);
    fprintf(file, "%-16s %" PRIu64 "\n", "errors", s->errors);
    fprintf(file, "%-16s %" PRIu64 " tiles\n", "cancelled", s->cancelled);
    fprintf(file, "%-16s %.3f ms\n", "total", (double)s->total_ns * 1e-6);
    fprintf(file, "%-16s %.3f ms\n", "per tile", s->per_tile_ns * 1e-6);
    fprintf(file, "%-16s %.3f ms (host)\n", "write", (double)s->write_ns * 1e-6);
    fprintf(file, "%-16s %.3f ms (device)\n", "compute", (double)s->compute_ns * 1e-6);
    fprintf(file, "%-16s %.3f ms (host)\n", "read", (double)s->read_ns * 1e-6);
    if (s->modelled_ns)
        fprintf(file, "%-16s %.3f ms (modelled)\n", "device time", (double)s->modelled_ns * 1e-6);
    fprintf(file, "%-16s %.2f %%\n", "overhead", s->overhead_percent);
    print_summary(file, "latency", &s->latency);
    print_summary(file, "wait", &s->wait);
    fprintf(file, "%-16s %" PRIu64 " waits above twice the median\n", "stalls", s->stalls);
    fprintf(file, "%-16s %.2f launches in flight\n", "occupancy", s->occupancy);
    fprintf(file, "%-16s %u, at most %u, grown %" PRIu64 ", shrunk %" PRIu64 " times%s%s\n",
            "depth", s->depth, s->most_depth, s->grown, s->shrunk, s->why[0] ? ": " : "", s->why);
}
