/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profile npu: the operations that an AIE2 core does, exactly. */
#include "npu/block.h"
#include "npu/cpu/cpu.h"

/* m normalised rows into scratch. */
static const int16_t *norm(const struct npu_cpu_part *p)
{
    struct npu_fixed_norm_args args = npu_fixed_norm_of(p->l->weights->fixed, p->index, p->m);

    args.y = p->scratch->a;
    args.x = npu_cpu_row(p->l, p->s->in, p->row);
    npu_fixed_norm_s32s16_ref(&args);
    return args.y;
}

/* What the part's rows are computed from, in integers. */
static const int16_t *input(const struct npu_cpu_part *p)
{
    if (p->s->norm != NPU_TENSOR_NONE)
        return norm(p);
    if (p->s->in != NPU_BUFFER_MEL)
        return npu_cpu_input(p);
    npu_fixed_quantise_mel(p->scratch->a, npu_cpu_input(p),
                           (p->m - 1) * (size_t)npu_stage_stride(p->s) + p->s->k);
    return p->scratch->a;
}

static void product(const struct npu_cpu_part *p)
{
    const struct npu_fixed *fixed = p->l->weights->fixed;
    const struct npu_fixed_kernels *kernels = &p->l->device->kernels.fixed;
    const int16_t *a = input(p);

    for (unsigned i = 0; i < p->s->n_matrices; i++) {
        struct npu_fixed_gemm_args args = npu_fixed_gemm_of(fixed, p->index, i, p->row, p->m);
        args.c = npu_cpu_row(p->l, p->s->out + i, p->row);
        args.a = a;
        bool narrow = fixed->stage[p->index].matrix[i].bits == 8;
        (narrow ? kernels->gemm_s16s8 : kernels->gemm_s16s16)(&args);
    }
}

static void attention(const struct npu_cpu_part *p)
{
    const struct npu_cpu_loaded *l = p->l;
    const size_t at = (size_t)p->head * NPU_HEAD_DIM;
    struct npu_fixed_attention_args args =
        npu_fixed_attention_of(l->weights->fixed, p->index, p->m, p->positions);

    args.out = (int16_t *)npu_cpu_row(l, p->s->out, p->row) + at;
    args.q = (int16_t *)npu_cpu_row(l, p->s->in, p->row) + at;
    args.k = (int16_t *)l->buffer[p->s->in + 1] + at;
    args.v = (int16_t *)l->buffer[p->s->in + 2] + at;
    l->device->kernels.fixed.attention(&args);
}

static void final_norm(const struct npu_cpu_part *p)
{
    npu_fixed_features(p->l->weights->fixed, npu_cpu_row(p->l, p->s->out, p->row), norm(p), p->m);
}

static void lay_out_scratch(struct npu_cpu_loaded *l, struct npu_cpu_scratch *to, size_t rows,
                            char *base, size_t *used)
{
    size_t normed = rows * l->program.d_model, mel = (rows + 2) * l->program.n_mels;
    to->a = npu_block_take(base, used, (normed > mel ? normed : mel) * sizeof(int16_t));
}

const struct npu_cpu_profile npu_cpu_fixed = {
    .bytes = {[NPU_BUFFER_MEL] = 4,
              [NPU_BUFFER_STEM] = 2,
              [NPU_BUFFER_RESIDUAL] = 4,
              [NPU_BUFFER_Q] = 2,
              [NPU_BUFFER_K] = 2,
              [NPU_BUFFER_V] = 2,
              [NPU_BUFFER_MIXED] = 2,
              [NPU_BUFFER_FFN] = 2,
              [NPU_BUFFER_FEATURES] = 4},
    .lay_out_scratch = lay_out_scratch,
    .run = {[NPU_KIND_PRODUCT] = product,
            [NPU_KIND_ATTENTION] = attention,
            [NPU_KIND_NORM] = final_norm},
};
