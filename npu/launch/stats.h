/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_LAUNCH_STATS_H
#define NPU_LAUNCH_STATS_H
/* What a pipeline measures, with definitions. All times are wall times of the host unless a field
 * says "modelled". Threads: any, one at a time per value. */
#include <stdio.h>

#include "npu/npu.h"

/* ---- A series of durations ------------------------------------------------------------------- */

#define NPU_SERIES_KEPT 4096

/* Mean and deviation of all values, and the last NPU_SERIES_KEPT of them.
 * A plain value, zero = empty. */
struct npu_series {
    uint64_t n;
    double mean, m2; /* Welford's running mean and sum of squared deviations */
    uint64_t kept[NPU_SERIES_KEPT];
};

struct npu_summary {
    uint64_t n;
    double mean_ns, std_ns; /* of all; std with n - 1, 0 for less than two */
    /* Of the last NPU_SERIES_KEPT: the smallest kept value that at least 50, 95,
     * 99 % do not exceed. */
    uint64_t p50_ns, p95_ns, p99_ns;
    uint64_t above_twice_median; /* of the last NPU_SERIES_KEPT */
};

void npu_series_add(struct npu_series *series, uint64_t ns);
/* An empty series gives zeros. Allocates: no; sorts a copy on the stack (32 KiB). */
void npu_series_summarise(const struct npu_series *series, struct npu_summary *summary);

/* ---- A pipeline's statistics ----------------------------------------------------------------- */

struct npu_pipeline_stats {
    const char *strategy;       /* its name (static) */
    uint64_t tiles;             /* collected */
    uint64_t launches;          /* ended well */
    uint64_t errors;            /* launches, transfers and buffers that failed */
    uint64_t cancelled;         /* tiles given up by cancel, error or close */
    uint64_t total_ns;          /* from the first submit's begin to the last collect's end */
    double per_tile_ns;         /* total_ns / tiles; 0 when none */
    uint64_t write_ns;          /* copying operands into buffers and moving them to the device */
    uint64_t compute_ns;        /* launches that ended well, from start to end on the device */
    uint64_t read_ns;           /* moving results from the device and copying them out */
    uint64_t modelled_ns;       /* sum of the launches' modelled times; 0: none was modelled */
    double overhead_percent;    /* 100 (write + read) / (write + compute + read) */
    struct npu_summary latency; /* a launch: from its submission to its report */
    struct npu_summary wait;    /* a collect: from its begin to the result's being there */
    uint64_t stalls;            /* waits longer than twice the median wait, of the last 4096 */
    double occupancy; /* launches in flight, mean over total_ns by time; at most NPU_MAX_FLIGHT */
    unsigned depth, most_depth; /* slots in use: allowed now, the most so far */
    uint64_t grown, shrunk;     /* changes of depth */
    char why[160];              /* the last change of depth, a sentence; "" none */
};

/* A table of all fields, one a line, with units. */
void npu_pipeline_stats_print(const struct npu_pipeline_stats *stats, FILE *file);

#endif /* NPU_LAUNCH_STATS_H */
