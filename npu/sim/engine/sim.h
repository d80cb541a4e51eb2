/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_ENGINE_SIM_H
#define NPU_SIM_ENGINE_SIM_H
/* npu/sim/engine: what runs. sim.h is the door; array.h has the moving parts. build.c makes pools,
 * channels and streams of a design, lower.c flat code of bodies, which core.c, scalar.c and kernel.c
 * execute; dma.c moves data, host.c is the sequence processor, led by sequence.c (text) or words.c;
 * state.c says what waits for what, fail.c where. pattern, timing, trace and json serve them. It runs
 * designs that were checked, for backend.c and npu-sim. */

/* Running a design: fifos, links, DMA, cores and the runtime sequence, with modelled times beside
 * the real bytes. npu/sim/README.md says what is modelled and how. Deterministic: the same
 * design, constants and data give the same bytes and the same cycles. One simulator belongs to one
 * thread at a time; several may run side by side. */
#include "kernels/aie2/host/registry.h"
#include "npu/sim/engine/timing.h"
#include "npu/sim/text/design.h"

#ifdef __cplusplus
extern "C" {
#endif

struct npu_sim;
struct npu_sim_trace;

/* The kernel of a function of the design (transfer none), or NULL. */
typedef const struct npu_core_kernel *npu_sim_find_fn(void *user, const char *name);
/* Called now and then in a long run, at least every 16384 steps of cores. cycles: the latest
 * modelled one, preset published. Return false to give up (-ECANCELED). */
typedef bool npu_sim_progress_fn(void *user, uint64_t cycles, uint64_t calls);

struct npu_sim_params {
    const struct npu_design
        *design;           /* transfer none; checked (npu/sim/check); outlives the simulator */
    npu_sim_find_fn *find; /* NULL: npu_core_kernel_find */
    void *find_user;
    const struct npu_sim_timing *timing; /* [NPU_SIM_PRESETS], copied; NULL: the defaults */
    struct npu_sim_trace *trace;         /* transfer none; NULL: none */
    uint64_t most_steps;                 /* steps of cores in one launch; 0: 10^10 */
    npu_sim_progress_fn *progress;       /* NULL: none */
    void *progress_user;
};

/* Load the design into an array and let its cores run until each waits.
 * Returns 0 and *out (transfer full); -EINVAL a design that cannot be run (a core calls a function
 * without a kernel, an object that does not fit its pool ...); -ENOTSUP something
 * outside the executor's subset; -ETIME the step limit; -ENOMEM. `err` says where. Threads:
 * control. */
int npu_sim_open(struct npu_sim **out, const struct npu_sim_params *params, struct npu_error *err);
void npu_sim_close(struct npu_sim **sim);

struct npu_sim_buffer {
    void *data; /* transfer none */
    size_t bytes;
};

struct npu_sim_launch {
    const char *sequence;  /* NULL: the only one; ignored when words are given */
    const uint32_t *words; /* NULL: from the text; else instruction words of the same design */
    size_t n_words;
    const struct npu_sim_buffer *buffers; /* host buffers in the sequence's order */
    uint32_t n_buffers;
    const int64_t *scalars; /* the sequence's arguments that are no memref, in order */
    uint32_t n_scalars;
    bool keep_leftovers; /* what remains in the array is no failure: the next launch has it */
};

struct npu_sim_tile_result {
    uint32_t column, row;
    uint64_t core_cycles[NPU_SIM_PRESETS]; /* modelled cycles its core worked (no waiting) */
    uint64_t dma_cycles[NPU_SIM_PRESETS];  /* modelled cycles of its busiest DMA channel */
    uint64_t n_calls;                      /* of kernels */
    uint64_t dma_bytes;                    /* through all its channels */
};

/* A launch's time under one preset: modelled, not measured. */
struct npu_sim_modelled {
    uint64_t cycles;       /* from the first instruction to the last wait, all limits included */
    uint64_t array_cycles; /* the same before the limit of the host memory */
    uint64_t ddr_cycles;   /* what the host memory alone would need */
    double launch_us;      /* cost of a launch, on top of the cycles */
    double total_us;       /* launch and cycles at the clock of the constants */
};

#define NPU_SIM_MAX_TILES 64

/* Everything here is of this launch. */
struct npu_sim_result {
    struct npu_sim_modelled time[NPU_SIM_PRESETS];
    uint64_t ddr_read, ddr_written; /* bytes */
    uint64_t n_calls;
    uint32_t n_tiles;
    struct npu_sim_tile_result tile[NPU_SIM_MAX_TILES];
};

/* Run one sequence to its end and the array until it rests.
 * Returns 0; -EINVAL arguments, an access out of bounds, a fifth task in a queue, a BD overwritten
 * in flight and whatever else the design does wrong; -EDEADLK nothing can move: npu_sim_report()
 * says what waits for what; -EBADMSG words that are no instruction stream; -EUCLEAN ended with
 * something left in the array (also in the report), unless keep_leftovers; -ETIME the step limit;
 * -ECANCELED; -ENOMEM. `err` holds the first sentence. `result` may be NULL. After a failure other
 * than -EUCLEAN and refused arguments the array is lost and every further launch fails (-EIO), as
 * it would be on hardware: close it. The host buffers then hold whatever was written so far. */
int npu_sim_launch(struct npu_sim *sim, const struct npu_sim_launch *launch,
                   struct npu_sim_result *result, struct npu_error *err);

/* The long form of the last failure, or what the last launch left over without harm: lines, ""
 * if there was neither (transfer none, valid until the next call). */
const char *npu_sim_report(const struct npu_sim *sim);

#ifdef __cplusplus
}
#endif

#endif /* NPU_SIM_ENGINE_SIM_H */
