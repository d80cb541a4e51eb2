/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/program.h"

#include <errno.h>
#include <string.h>

_Static_assert((int)NPU_OP_COUNT <= NPU_MAX_STAGE_KINDS, "struct npu_stats has no room for these");

static void describe_buffers(struct npu_program *p)
{
    const unsigned d = p->d_model;
    const struct npu_buffer_shape buffers[NPU_BUFFER_COUNT] = {
        [NPU_BUFFER_MEL] = {2, p->n_mels, 1, NPU_PHASE_ELSEWHERE},
        [NPU_BUFFER_STEM] = {2, d, 1, NPU_PHASE_STEM},
        [NPU_BUFFER_POSITIONS] = {1, d, 0, NPU_PHASE_ELSEWHERE},
        [NPU_BUFFER_RESIDUAL] = {1, d, 0, NPU_PHASE_WINDOW},
        [NPU_BUFFER_Q] = {1, d, 0, NPU_PHASE_ATTENTION},
        [NPU_BUFFER_K] = {1, d, 0, NPU_PHASE_ATTENTION},
        [NPU_BUFFER_V] = {1, d, 0, NPU_PHASE_ATTENTION},
        [NPU_BUFFER_MIXED] = {1, d, 0, NPU_PHASE_ATTENTION},
        [NPU_BUFFER_FFN] = {1, p->d_ffn, 0, NPU_PHASE_FFN},
        [NPU_BUFFER_FEATURES] = {1, d, 0, NPU_PHASE_ELSEWHERE},
    };
    memcpy(p->buffer, buffers, sizeof(buffers));
}

/* taps, step: of the rows of in, as struct npu_stage has them. */
static struct npu_stage *add_stage(struct npu_program *p, enum npu_op op, enum npu_kind kind,
                                   enum npu_operand in, enum npu_operand out, unsigned taps,
                                   unsigned step)
{
    struct npu_stage *s = &p->stage[p->n_stages++];
    *s = (struct npu_stage){.op = op,
                            .kind = kind,
                            .in = in,
                            .out = out,
                            .rows_per_position = p->buffer[out].rows_per_position,
                            .n = p->buffer[out].columns,
                            .k = taps * p->buffer[in].columns,
                            .taps = taps,
                            .step = step,
                            .norm = NPU_TENSOR_NONE};
    return s;
}

static void add_matrix(struct npu_stage *s, int weight, int bias, float scale)
{
    s->matrix[s->n_matrices++] = (struct npu_stage_matrix){weight, bias, scale};
    s->gmac_row += 1e-9 * s->n * s->k;
}

static void add_stem(struct npu_program *p)
{
    struct npu_stage *s =
        add_stage(p, NPU_OP_CONV1, NPU_KIND_PRODUCT, NPU_BUFFER_MEL, NPU_BUFFER_STEM, 3, 1);
    s->gelu = true;
    add_matrix(s, NPU_TENSOR_CONV1_WEIGHT, NPU_TENSOR_CONV1_BIAS, 1.0f);

    s = add_stage(p, NPU_OP_CONV2, NPU_KIND_PRODUCT, NPU_BUFFER_STEM, NPU_BUFFER_RESIDUAL, 3, 2);
    s->gelu = true;
    s->added = NPU_BUFFER_POSITIONS;
    add_matrix(s, NPU_TENSOR_CONV2_WEIGHT, NPU_TENSOR_CONV2_BIAS, 1.0f);
}

static void add_attention(struct npu_program *p)
{
    struct npu_stage *s =
        add_stage(p, NPU_OP_NORM_QKV, NPU_KIND_PRODUCT, NPU_BUFFER_RESIDUAL, NPU_BUFFER_Q, 1, 1);
    s->norm = NPU_TENSOR_ATTN_NORM_WEIGHT;
    /* 64^-1/2 belongs to the scores; in Wq and bq it costs nothing and, a power of two, changes no
     * bit. */
    add_matrix(s, NPU_TENSOR_Q_WEIGHT, NPU_TENSOR_Q_BIAS, 0.125f);
    add_matrix(s, NPU_TENSOR_K_WEIGHT, NPU_TENSOR_NONE, 1.0f);
    add_matrix(s, NPU_TENSOR_V_WEIGHT, NPU_TENSOR_V_BIAS, 1.0f);

    s = add_stage(p, NPU_OP_ATTENTION, NPU_KIND_ATTENTION, NPU_BUFFER_Q, NPU_BUFFER_MIXED, 1, 1);
    s->gmac_key = 2e-9 * p->d_model;

    s = add_stage(p, NPU_OP_OUT, NPU_KIND_PRODUCT, NPU_BUFFER_MIXED, NPU_BUFFER_RESIDUAL, 1, 1);
    s->added = NPU_BUFFER_RESIDUAL;
    add_matrix(s, NPU_TENSOR_OUT_WEIGHT, NPU_TENSOR_OUT_BIAS, 1.0f);
}

static void add_ffn(struct npu_program *p)
{
    struct npu_stage *s =
        add_stage(p, NPU_OP_NORM_FC1, NPU_KIND_PRODUCT, NPU_BUFFER_RESIDUAL, NPU_BUFFER_FFN, 1, 1);
    s->norm = NPU_TENSOR_FFN_NORM_WEIGHT;
    s->gelu = true;
    add_matrix(s, NPU_TENSOR_FC1_WEIGHT, NPU_TENSOR_FC1_BIAS, 1.0f);

    s = add_stage(p, NPU_OP_FC2, NPU_KIND_PRODUCT, NPU_BUFFER_FFN, NPU_BUFFER_RESIDUAL, 1, 1);
    s->added = NPU_BUFFER_RESIDUAL;
    add_matrix(s, NPU_TENSOR_FC2_WEIGHT, NPU_TENSOR_FC2_BIAS, 1.0f);
}

static void add_layer(struct npu_program *p, unsigned layer)
{
    unsigned first = p->n_stages;

    add_attention(p);
    add_ffn(p);
    for (unsigned i = first; i < p->n_stages; i++)
        p->stage[i].layer = layer;
}

int npu_program_build(struct npu_program *program, const struct npu_model_info *model)
{
    if (model->n_layers > NPU_MAX_LAYERS)
        return -ENOTSUP;
    memset(program, 0, sizeof(*program));
    program->n_mels = model->n_mels;
    program->d_model = model->d_model;
    program->n_heads = model->n_heads;
    program->n_layers = model->n_layers;
    program->d_ffn = model->d_ffn;
    program->positions = model->n_ctx;

    describe_buffers(program);
    add_stem(program);
    for (unsigned layer = 0; layer < model->n_layers; layer++)
        add_layer(program, layer);
    struct npu_stage *s = add_stage(program, NPU_OP_NORM, NPU_KIND_NORM, NPU_BUFFER_RESIDUAL,
                                    NPU_BUFFER_FEATURES, 1, 1);
    s->norm = NPU_TENSOR_NORM_WEIGHT;
    return 0;
}

const char *npu_op_name(enum npu_op op)
{
    static const char *const names[NPU_OP_COUNT] = {
        [NPU_OP_CONV1] = "conv1",       [NPU_OP_CONV2] = "conv2",
        [NPU_OP_NORM_QKV] = "norm+qkv", [NPU_OP_ATTENTION] = "attention",
        [NPU_OP_OUT] = "out",           [NPU_OP_NORM_FC1] = "norm+fc1",
        [NPU_OP_FC2] = "fc2",           [NPU_OP_NORM] = "norm",
    };
    return names[op];
}
