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

/* f32 [rows][columns]; a convolution takes rows before and after its input as zeros. */
enum npu_operand {
    NPU_BUFFER_NONE,
    NPU_BUFFER_MEL,      /* [2 positions][n_mels] */
    NPU_BUFFER_STEM,     /* [2 positions][d_model], between the convolutions */
    NPU_BUFFER_RESIDUAL, /* [positions][d_model] */
    NPU_BUFFER_QKV, /* three of [positions][d_model]; K and V in the layout the backend's attention
                       wants */
    NPU_BUFFER_MIXED,    /* [positions][d_model], attention's output */
    NPU_BUFFER_FFN,      /* [positions][d_ffn] */
    NPU_BUFFER_FEATURES, /* [positions][d_model] */
    NPU_BUFFER_COUNT
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
    unsigned layer; /* of the tensors below, where they belong to one */
    enum npu_operand in, out;
    unsigned rows_per_position; /* of out */
    unsigned n, k;              /* one matrix: outputs, inputs; 0 where the stage has none */
    int norm; /* weight tensor of the norm before the matrices (its bias is the next tensor), or
                 NONE */
    unsigned n_matrices;
    struct npu_stage_matrix matrix[NPU_STAGE_MATRICES];
    double gmac_row, gmac_key; /* 1e9 multiply-adds for a row of out, and for a row and a key */
};

#define NPU_MAX_LAYERS 64
struct npu_program {
    unsigned n_mels, d_model, n_heads, n_layers, d_ffn;
    unsigned positions; /* rows of the position table, the most a window has */
    unsigned n_stages;
    struct npu_stage stage[3 + 5 * NPU_MAX_LAYERS];
};

/* Of a stage in a window of `positions`: rows of out, 1e9 multiply-adds. */
static inline unsigned npu_stage_rows(const struct npu_stage *stage, unsigned positions)
{
    return stage->rows_per_position * positions;
}

static inline double npu_stage_gmac(const struct npu_stage *stage, unsigned positions)
{
    return npu_stage_rows(stage, positions) * (stage->gmac_row + stage->gmac_key * positions);
}

/* Fill `program` for a model. Returns: 0; -ENOTSUP more layers than fit. Threads: any. */
int npu_program_build(struct npu_program *program, const struct npu_model_info *model);

/* "conv1", "norm+qkv", ...: the name of an operation in statistics and messages (static). */
const char *npu_op_name(enum npu_op op);

#endif /* NPU_PROGRAM_H */
