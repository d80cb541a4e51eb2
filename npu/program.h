/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_PROGRAM_H
#define NPU_PROGRAM_H
/* A model as a list of stages on named buffers, the same for every backend. The list is the only
 * description of the encoder's structure; a backend executes it and knows operations, not Whisper.
 * The sizes are those of a window of `positions`, which each run chooses: a shorter window takes
 * the first rows of the position table, and attention knows no more keys than it has positions.
 * Source: openai/whisper, model.py (AudioEncoder): two convolutions, pre-norm blocks, final norm;
 * head dimension 64. */
#include "npu/model/model.h"

#define NPU_TILE_ROWS 64 /* rows of a stage that are scheduled as one */

/* Operations by the names that statistics have for them. A backend computes a stage by its kind and
 * by what it says below, not by this. */
enum npu_op {
    NPU_OP_CONV1,     /* out[t] = gelu(W . in[t-1 .. t+1] + b), stride 1 */
    NPU_OP_CONV2,     /* out[t] = gelu(W . in[2t-1 .. 2t+1] + b) + positions[t], stride 2 */
    NPU_OP_NORM_QKV,  /* h = norm(in); q = (Wq h + bq) / 8, k = Wk h, v = Wv h + bv */
    NPU_OP_ATTENTION, /* per head: softmax(q k^T) v */
    NPU_OP_OUT,       /* out += W in + b */
    NPU_OP_NORM_FC1,  /* out = gelu(W norm(in) + b) */
    NPU_OP_FC2,       /* out += W in + b */
    NPU_OP_NORM,      /* out = norm(in) */
    NPU_OP_COUNT
};

/* What a backend has a function for. */
enum npu_kind {
    NPU_KIND_PRODUCT,   /* for each matrix: out = gelu(W x + b) + added, x from in or its norm */
    NPU_KIND_ATTENTION, /* in: Q, K, V */
    NPU_KIND_NORM,      /* out = norm(in) */
    NPU_KIND_COUNT
};

/* The buffers of a window: [rows_per_position * positions][columns], row after row unless a backend
 * keeps one in the layout that its kernels want. */
enum npu_operand {
    NPU_BUFFER_NONE,
    NPU_BUFFER_MEL,       /* the caller's */
    NPU_BUFFER_STEM,      /* between the convolutions */
    NPU_BUFFER_POSITIONS, /* the model's table: a weight */
    NPU_BUFFER_RESIDUAL,
    NPU_BUFFER_Q, /* of Q, K, V in this order */
    NPU_BUFFER_K,
    NPU_BUFFER_V,
    NPU_BUFFER_MIXED, /* attention's output */
    NPU_BUFFER_FFN,
    NPU_BUFFER_FEATURES, /* the caller's */
    NPU_BUFFER_COUNT
};

/* When a buffer has something in it. Those of different phases may share memory; in a window the
 * phases STEM, ATTENTION and FFN do not overlap. */
enum npu_phase {
    NPU_PHASE_ELSEWHERE, /* not the backend's buffer: the caller's, or a weight */
    NPU_PHASE_WINDOW,    /* always */
    NPU_PHASE_STEM,
    NPU_PHASE_ATTENTION,
    NPU_PHASE_FFN,
    NPU_PHASE_COUNT
};

struct npu_buffer_shape {
    unsigned rows_per_position, columns;
    unsigned before; /* rows of zeros before its first that a stage reads */
    enum npu_phase phase;
};

#define NPU_STAGE_MATRICES 3
#define NPU_TENSOR_NONE    (-1)

/* y[n] = scale * (W x + b): `scale` is a power of two, exact when folded into the weights. */
struct npu_stage_matrix {
    int weight, bias; /* enum npu_tensor or NPU_TENSOR_NONE */
    float scale;
};

struct npu_stage {
    enum npu_op op;
    enum npu_kind kind;
    unsigned layer; /* of the tensors below, where they belong to one */
    /* of several matrices, and of Q, K, V, the first; those of the others follow it */
    enum npu_operand in, out;
    unsigned rows_per_position; /* of out */
    unsigned n, k;              /* values of a row: of out; of what it is computed from */
    /* Row r of out comes from `taps` rows of in, the middle one step * r; a window has zeros before
     * its first row and after its last. 1 and 1, of a convolution 3 and its stride. */
    unsigned taps, step;
    int norm; /* weight tensor of the norm of the input (its bias is the next tensor), or NONE */
    bool gelu;
    enum npu_operand added; /* at last: POSITIONS, RESIDUAL (which is `out`), or NONE */
    unsigned n_matrices;
    struct npu_stage_matrix matrix[NPU_STAGE_MATRICES];
    double gmac_row, gmac_key; /* 1e9 multiply-adds for a row of out, and for a row and a key */
};

#define NPU_MAX_LAYERS 64
struct npu_program {
    unsigned n_mels, d_model, n_heads, n_layers, d_ffn;
    unsigned positions; /* rows of the position table, the most a window has */
    struct npu_buffer_shape buffer[NPU_BUFFER_COUNT];
    unsigned n_stages;
    struct npu_stage stage[3 + 5 * NPU_MAX_LAYERS];
};

/* Of a buffer for windows of `positions`: values, and those before its row `row`. */
static inline size_t npu_buffer_values(const struct npu_buffer_shape *buffer, unsigned positions)
{
    return (size_t)positions * buffer->rows_per_position * buffer->columns;
}

static inline ptrdiff_t npu_buffer_at(const struct npu_buffer_shape *buffer, unsigned row)
{
    return (ptrdiff_t)row * buffer->columns;
}

/* Of a stage in a window of `positions`: rows of out, 1e9 multiply-adds. */
static inline unsigned npu_stage_rows(const struct npu_stage *stage, unsigned positions)
{
    return stage->rows_per_position * positions;
}

static inline double npu_stage_gmac(const struct npu_stage *stage, unsigned positions)
{
    return npu_stage_rows(stage, positions) * (stage->gmac_row + stage->gmac_key * positions);
}

/* Values of in from the input of one row of out to that of the next: of a convolution they overlap.
 */
static inline ptrdiff_t npu_stage_stride(const struct npu_stage *stage)
{
    return (ptrdiff_t)stage->step * (stage->k / stage->taps);
}

/* Where the input of a row of out begins, in values from in's row 0. Negative: in the zeros. */
static inline ptrdiff_t npu_stage_at(const struct npu_stage *stage, unsigned row)
{
    return (ptrdiff_t)row * npu_stage_stride(stage) -
           (ptrdiff_t)(stage->taps / 2 * (stage->k / stage->taps));
}

/* Fill `program` for a model. Returns: 0; -ENOTSUP more layers than fit. Threads: any. */
int npu_program_build(struct npu_program *program, const struct npu_model_info *model);

/* "conv1", "norm+qkv", ...: the name of an operation in statistics and messages (static). */
const char *npu_op_name(enum npu_op op);

#endif /* NPU_PROGRAM_H */
