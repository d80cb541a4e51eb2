/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_ARRAY_ARRAY_H
#define NPU_ARRAY_ARRAY_H
/* The whole encoder in profile npu on an array of AIE2 cores, the same for every NPU device: which
 * design of mlir/ computes which stage, and in which order what is packed, launched and unpacked.
 * array.h is the door; sequence.[ch] composes instruction words, pack.[ch] has the layouts of the
 * streams, stage.c what a stage is, load.c packs the weights, plan.c prepares for windows of a
 * length, run.c runs one.
 * It knows launches of kind WORDS (npu/launch/launch.h) and neither the simulator nor a driver.
 *
 * A backend that takes such launches has npu_array_load(), npu_array_unload() and npu_array_run()
 * as its own load(), unload() and run(). Each design gets a context of its own, opened at load. */
#include "npu/array/pack.h"
#include "npu/array/sequence.h"
#include "npu/backend.h"
#include "npu/model/fixed.h"

/* Composed, in memory of the device. */
struct npu_array_sequence {
    struct npu_array_shape shape;
    size_t bytes[NPU_ARRAY_BUFFERS];
    struct npu_memory *words;
};

struct npu_array_product {
    enum npu_array_design design;
    struct npu_memory *b;         /* weights and jobs as the design takes them; on the device */
    struct npu_array_shape shape; /* but for the rows */
    const struct npu_array_sequence *sequence;
};

/* Sequences and jobs of what a stage does not have are NULL. */
struct npu_array_stage {
    struct npu_array_product product[NPU_STAGE_MATRICES];
    const struct npu_array_sequence *gelu; /* after a product that leaves it out */
    const struct npu_array_sequence *norm, *attention;
    struct npu_memory *gelu_job, *norm_job; /* norm_job NULL: the host normalises */
};

/* Working memory that launches read and write: what a design reads or writes where it is has room
 * for whole objects. */
enum npu_array_work {
    NPU_ARRAY_IN,
    NPU_ARRAY_KV,
    NPU_ARRAY_OUT,
    NPU_ARRAY_U,        /* s32: results that an operation of its own goes on with */
    NPU_ARRAY_RESIDUAL, /* s32 [positions][d_model] */
    NPU_ARRAY_NORMED,   /* s16 [positions][d_model], of a norm */
    NPU_ARRAY_WORKS
};

struct npu_array_loaded {
    struct npu_loaded base;
    struct npu_device *device;
    struct npu_program program;
    unsigned positions; /* of the longest window */
    unsigned planned;   /* that sequences and jobs are made for; 0: none */
    struct npu_fixed *fixed;
    struct npu_kernels kernels;                     /* of the host, for what runs there */
    struct npu_array_stage *stage;                  /* [program.n_stages] */
    struct npu_context *context[NPU_ARRAY_DESIGNS]; /* NULL: no stage needs it, or it was lost */

    struct npu_array_sequence *sequence; /* [n_sequences], all different; room for every stage's */
    unsigned n_sequences;

    struct npu_memory *work[NPU_ARRAY_WORKS];
    /* A window's rows, row-major as in profile npu on the CPU: row 0 of each buffer, s16 but for the
     * residual stream; NULL: the caller's or a weight. Mel is in integers. Rows of zeros stand
     * before row 0 where a stage reads them. All are on the host, the residual stream is the host's
     * side of `work`. */
    char *buffer[NPU_BUFFER_COUNT];
    int16_t *rows; /* [positions][d_model], normalised: the host's side of `work` */
    int32_t *u;    /* the host's side of `work` */
    char *block;
};

/* struct npu_backend's load(), unload() and run(). A window of another length than the one before
 * makes a new plan, which allocates. A launch that is late takes its context with it; the next
 * window opens it anew. */
int npu_array_load(struct npu_loaded **out, struct npu_device *device,
                   const struct npu_program *program, enum npu_profile profile, unsigned positions,
                   const struct npu_model *model, struct npu_error *err);
void npu_array_unload(struct npu_loaded *loaded);
int npu_array_run(struct npu_loaded *loaded, struct npu_run *run);

/* ---- Inside ---------------------------------------------------------------------------------- */

/* stage.c: which design computes each product, and its shape but for the rows. Looks at the integer
 * model's numbers, not at its weights. */
void npu_array_choose(struct npu_array_loaded *l);
/* The product of a stage's matrix for the planned window, but for a and c. */
struct npu_fixed_gemm_args npu_array_gemm_args(const struct npu_array_loaded *l, unsigned stage,
                                               unsigned matrix);
/* What becomes of a product's sums on a design: that of one core ends at s16 or s32. */
enum npu_fixed_result npu_array_result_on(enum npu_array_design design,
                                          enum npu_fixed_result result);
enum npu_array_types npu_array_types_of(enum npu_array_design design);

/* plan.c: sequences and jobs for windows of `positions`, designs being chosen. Returns 0; what
 * npu_memory_open(), npu_memory_sync() and npu_array_compose() say; after a failure there is no
 * plan. */
int npu_array_plan(struct npu_array_loaded *l, unsigned positions, struct npu_error *err);
void npu_array_unplan(struct npu_array_loaded *l);
/* The design's file in mlir/, without suffix; NULL: no design has this width. */
const char *npu_array_design_name(const struct npu_program *program, enum npu_array_design design);
/* plan.c: open the contexts that the plan needs and that are not open. */
int npu_array_connect(struct npu_array_loaded *l, struct npu_error *err);

/* Tiles of 64 rows or channels. */
static inline int npu_array_tiles(unsigned n)
{
    return (int)((n + NPU_ARRAY_TILE - 1) / NPU_ARRAY_TILE);
}

#endif /* NPU_ARRAY_ARRAY_H */
