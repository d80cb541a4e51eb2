/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_ENCODER_H
#define NPU_SIM_ENCODER_H
/* The whole encoder in profile npu on device "sim": every stage of a program as launches of the
 * designs of mlir/, with sequences composed for the model's sizes; README.md of this folder says
 * which stage runs on which design and what is left to the host. compose.c writes sequences,
 * load.c packs the weights, plan.c prepares for windows of a length, run.c runs one. */
#include "kernels/aie2/operands.h"
#include "npu/backend.h"
#include "npu/model/integer.h"
#include "npu/sim/resident.h"

/* ---- Designs and their sequences (compose.c) ------------------------------------------------- */

/* A design that an encoder uses, each in an array of its own. */
enum npu_sim_design {
    NPU_SIM_GEMM16,    /* encoder.mlir: s16 x s8 on 16 cores */
    NPU_SIM_GEMM1,     /* gemm_s16s16.mlir: 64-bit sums, one core */
    NPU_SIM_GELU,      /* gelu_2048.mlir */
    NPU_SIM_NORM,      /* layernorm_256.mlir or layernorm_512.mlir; absent for other widths */
    NPU_SIM_ATTENTION, /* attention_4col.mlir */
    NPU_SIM_DESIGNS
};

enum { NPU_SIM_COLUMNS = 4, NPU_SIM_ROWS = 4, NPU_SIM_NAME = 48, NPU_SIM_BUFFERS = 3 };

/* A sequence: what it is called, and the bytes of its buffers in their order. */
struct npu_sim_sequence {
    char name[NPU_SIM_NAME];
    size_t bytes[NPU_SIM_BUFFERS];
};

/* The sizes that a sequence of a matrix product is composed for. */
struct npu_sim_gemm_shape {
    int rows;      /* tiles of 64 rows; 16 cores: groups of 4 tiles */
    int jobs;      /* of one column of cores: tiles of 64 channels, one core; groups of 4, 16 */
    int a_objects; /* of one tile of rows */
    int b_objects; /* of one tile of channels */
    int c_objects; /* of one tile of results */
    bool operands; /* the residual stream or positions come with the activations */
};

/* A design's text with sequences behind its own; composing one that is there already only fills
 * `out`. Offsets and sizes on the streams are those that run.c packs by:
 *   gemm16     A [group][row] of all jobs' objects, sent once if they have operands, else once a
 *              job; B [column][job] of a job and its objects; C [group][column][job][part][row]
 *   gemm1      A [row] of a tile's objects, sent once a job; B [job]; C [row][job][part]
 *   rows       objects in, a job, objects out: LayerNorm and GELU
 *   attention  Q [head] of a job and its tiles; KV [head] of blocks, sent once a tile; O [head] */
struct npu_sim_text;
/* Returns 0 and *out (transfer full); -errno of reading FOLDER/NAME.mlir; -EBADMSG no design;
 * -ENOMEM. */
int npu_sim_text_open(struct npu_sim_text **out, const char *folder, const char *name,
                      struct npu_error *err);
void npu_sim_text_close(struct npu_sim_text **text);
void npu_sim_compose_gemm16(struct npu_sim_text *text, const struct npu_sim_gemm_shape *shape,
                            struct npu_sim_sequence *out);
void npu_sim_compose_gemm1(struct npu_sim_text *text, const struct npu_sim_gemm_shape *shape,
                           struct npu_sim_sequence *out);
/* in, result: names of the fifos; count: objects. */
void npu_sim_compose_rows(struct npu_sim_text *text, const char *in, const char *result, int count,
                          size_t in_bytes, size_t out_bytes, struct npu_sim_sequence *out);
/* tiles of queries, blocks of keys. */
void npu_sim_compose_attention(struct npu_sim_text *text, int heads, int tiles, int blocks,
                               struct npu_sim_sequence *out);
/* The whole text (transfer none), or NULL: out of memory since it was opened. */
const char *npu_sim_text_get(struct npu_sim_text *text);

/* ---- A loaded model -------------------------------------------------------------------------- */

struct npu_sim_product {
    enum npu_sim_design design; /* NPU_SIM_DESIGNS: none, the host computes it */
    uint8_t *b;                 /* weights and jobs as the design takes them */
    struct npu_sim_gemm_shape shape;
    struct npu_sim_sequence sequence;
};

/* Sequences and jobs of what a stage does not have are zero. */
struct npu_sim_stage {
    struct npu_sim_product product[NPU_STAGE_MATRICES];
    struct npu_sim_sequence gelu; /* behind a product that leaves it out */
    struct npu_sim_sequence norm, attention;
    struct npu_core_job *gelu_job, *norm_job; /* norm_job NULL: the host normalises */
};

struct npu_sim_loaded {
    struct npu_loaded base;
    struct npu_program program;
    unsigned positions; /* of the longest window */
    unsigned planned;   /* that sequences, jobs and arrays are made for; 0: none */
    struct npu_integer *integer;
    struct npu_kernels kernels; /* of the host, for what runs there */
    struct npu_sim_resident *resident[NPU_SIM_DESIGNS];
    struct npu_sim_stage *stage; /* [program.n_stages] */

    /* Working memory of a window, row-major as in profile npu on the CPU; what a design reads or
     * writes where it is has room for whole objects. */
    char *work;
    int16_t *mel;           /* [2 positions + 2][n_mels] */
    int32_t *residual;      /* [positions][d_model] */
    int16_t *stem;          /* [2 positions + 1][d_model], the first row always zero */
    int16_t *rows;          /* [positions][d_model], normalised */
    int16_t *q, *k, *v;     /* [positions][d_model] */
    int16_t *mixed;         /* [positions][d_model] */
    int16_t *ffn;           /* [positions][d_ffn] */
    int32_t *u;             /* results that an operation of its own goes on with */
    uint8_t *in, *kv, *out; /* streams */
};

/* struct npu_backend's load(), unload() and run(). A window of another length than the one before
 * makes a new plan, which allocates and takes some milliseconds. */
int npu_sim_load(struct npu_loaded **out, struct npu_device *device,
                 const struct npu_program *program, enum npu_profile profile, unsigned positions,
                 const struct npu_model *model, struct npu_error *err);
void npu_sim_unload(struct npu_loaded *loaded);
int npu_sim_run(struct npu_loaded *loaded, struct npu_run *run);

/* Sequences, jobs and arrays for windows of `positions`. Returns 0; -errno of reading the designs;
 * what npu_sim_resident_open() says; -ENOMEM; after a failure there is no plan. */
int npu_sim_plan(struct npu_sim_loaded *l, unsigned positions, struct npu_error *err);

/* The product of a stage's matrix for the planned window, but for a, lda and c; its norm. */
struct npu_f1_gemm_args npu_sim_gemm_args(const struct npu_sim_loaded *l, unsigned stage,
                                          unsigned matrix);
struct npu_f1_norm_args npu_sim_norm_args(const struct npu_sim_loaded *l, unsigned stage);
/* What becomes of an operation's sums. */
enum npu_f1_result npu_sim_result(enum npu_op op);

/* Tiles of 64 rows or channels. */
static inline int npu_sim_tiles(unsigned n)
{
    return (int)((n + NPU_CORE_TILE - 1) / NPU_CORE_TILE);
}

#endif /* NPU_SIM_ENCODER_H */
