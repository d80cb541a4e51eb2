/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_ENGINE_TIMING_H
#define NPU_SIM_ENGINE_TIMING_H
/* The constants of the timing model, all of them: every modelled cycle of the simulator comes from
 * this table; what a core kernel costs is counted with its `kernel` (kernels/aie2/host/cycles.h).
 * No NPU was at hand: a constant is a published measurement, a document's number or a guess, and
 * `basis` says which. Each has three values, of three presets: a design's time is expected between
 * best and pessimistic, and published is what published programs of ordinary care reach.
 * tests/sim/test_published.c holds the model against what others measured. */
#include <stddef.h>

#include "kernels/aie2/host/cycles.h"
#include "npu/npu.h"

#ifdef __cplusplus
extern "C" {
#endif

enum npu_sim_preset {
    NPU_SIM_PESSIMISTIC,
    NPU_SIM_PUBLISHED, /* the default, wherever a single number is kept */
    NPU_SIM_BEST,
    NPU_SIM_PRESETS
};
/* "pessimistic", "published", "best" (static). */
const char *npu_sim_preset_name(enum npu_sim_preset preset);

/* One value of each constant. Cycles are cycles of the array clock unless the unit says else. */
struct npu_sim_timing {
    double clock_mhz;
    double ddr_gb_per_s;         /* host memory, reads and writes together */
    double shim_bytes_per_cycle; /* a shim tile to or from memory, each way */
    double shim_read_word, shim_write_word, stream_word; /* cycles per 4 bytes */
    double route_base, route_hop;                        /* latency of a stream */
    double bd_start, bd_chain, channel_start, lock;
    double task_read, task_write, task_first_read, task_first_write;
    double task_decay_read; /* of task_first_read, from each task of a launch to the next */
    double dispatch_idle, dispatch_busy; /* from a push to the next one, by the first's channel */
    double sequence_blockwrite, sequence_patch, sequence_push, sequence_mask, sequence_write,
        sequence_wait;
    double launch_host_us, launch_firmware;
    double core_acquire, core_release, core_operation, kernel_unknown;
    double kernel_scale; /* on what kernels say of their own cycles */
    struct npu_core_cycles
        kernel; /* what they count with; in the table with "kernel_" before the name */
};

/* A row of the table, for listings. */
struct npu_sim_constant {
    const char *name, *unit;
    const char *basis;             /* where the values come from, in their order (static) */
    double value[NPU_SIM_PRESETS]; /* defaults */
    double least, most;            /* accepted, inclusive */
    size_t offset;                 /* in struct npu_sim_timing, of a double .. */
    bool whole;                    /* .. or, true, of a uint32_t */
};

/* The rows; *n of them (static). Threads: any. */
const struct npu_sim_constant *npu_sim_constants(size_t *n);

/* Every constant at its default under every preset. */
void npu_sim_timing_init(struct npu_sim_timing timing[NPU_SIM_PRESETS]);

double npu_sim_timing_get(const struct npu_sim_timing *timing, const struct npu_sim_constant *row);

/* Set one constant by a text "name=value", under every preset: what is known is no matter of
 * opinion. Returns 0; -EINVAL with a sentence in `err` (no such name, no number, out of range) and
 * `timing` untouched. */
int npu_sim_timing_set(struct npu_sim_timing timing[NPU_SIM_PRESETS], const char *text,
                       struct npu_error *err);

/* Read "name = value" lines ('#' begins a comment, empty lines allowed) from a file. Returns 0;
 * -errno from the file; -EINVAL with file and line in `err`, `timing` then holds the lines before.
 */
int npu_sim_timing_read(struct npu_sim_timing timing[NPU_SIM_PRESETS], const char *path,
                        struct npu_error *err);

#ifdef __cplusplus
}
#endif

#endif /* NPU_SIM_ENGINE_TIMING_H */
