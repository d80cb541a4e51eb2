/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profile f32. */
#include "npu/block.h"
#include "npu/cpu/cpu.h"

/* The part's rows of K or V, into the layout that attention wants. */
static void pack(const struct npu_cpu_part *p, enum npu_operand to)
{
    const struct npu_cpu_loaded *l = p->l;
    int nr = l->device->kernels.gemm_f32_nr, n = (int)p->positions;

    for (unsigned head = 0; head < l->program.n_heads; head++) {
        const float *from = p->scratch->results + head * NPU_HEAD_DIM;
        float *packed = (float *)l->buffer[to];
        if (to == NPU_BUFFER_K)
            npu_pack_kt_f32(packed + head * l->kt_size, from, p->s->n, (int)p->row, (int)p->m, n,
                            nr);
        else
            npu_pack_v_f32(packed + head * l->v_size, from, p->s->n, (int)p->row, (int)p->m, n, nr);
    }
}

static void multiply(const struct npu_cpu_part *p, unsigned matrix, const float *a)
{
    const struct npu_cpu_matrix *w = &p->w->matrix[matrix];
    const struct npu_stage *s = p->s;
    enum npu_operand to = s->out + matrix;
    bool packed = p->l->profile->bytes[to] == 0;
    const struct npu_gemm_f32_args args = {
        .c = packed ? p->scratch->results : npu_cpu_row(p->l, to, p->row),
        .a = a,
        .b = w->b,
        .bias = w->bias,
        .r = s->added ? npu_cpu_row(p->l, s->added, p->row) : NULL,
        .lda = npu_stage_stride(s),
        .ldc = s->n,
        .ldr = s->n,
        .m = (int)p->m,
        .n = (int)s->n,
        .k = (int)s->k,
        .flags = s->gelu ? NPU_GEMM_GELU : 0,
    };
    p->l->device->kernels.gemm_f32(&args);
    if (packed)
        pack(p, to);
}

static void product(const struct npu_cpu_part *p)
{
    const float *a = p->scratch->normed;

    if (p->s->norm == NPU_TENSOR_NONE)
        a = npu_cpu_input(p);
    else
        npu_cpu_norm_rows(p, p->scratch->normed, p->row, p->m);
    for (unsigned i = 0; i < p->s->n_matrices; i++)
        multiply(p, i, a);
}

static void attention(const struct npu_cpu_part *p)
{
    const struct npu_cpu_loaded *l = p->l;
    ptrdiff_t d = l->program.d_model, at = p->head * NPU_HEAD_DIM;
    float *out = npu_cpu_row(l, p->s->out, p->row);
    const float *q = npu_cpu_row(l, p->s->in, p->row);

    l->device->kernels.attention_f32(out + at, d, q + at, d,
                                     (float *)l->buffer[NPU_BUFFER_K] + p->head * l->kt_size,
                                     (float *)l->buffer[NPU_BUFFER_V] + p->head * l->v_size,
                                     (int)p->m, (int)p->positions, p->scratch->kernel);
}

static void lay_out(struct npu_cpu_loaded *l, enum npu_phase phase, char *base, size_t *used)
{
    int padded = (int)(l->blocks * NPU_KEY_BLOCK);
    size_t heads = l->program.n_heads;

    if (phase != NPU_PHASE_ATTENTION)
        return;
    l->kt_size = npu_packed_b_f32_size(padded, NPU_HEAD_DIM, l->device->kernels.gemm_f32_nr);
    l->v_size = (size_t)padded * NPU_HEAD_DIM;
    l->buffer[NPU_BUFFER_K] = npu_block_take(base, used, heads * l->kt_size * sizeof(float));
    l->buffer[NPU_BUFFER_V] = npu_block_take(base, used, heads * l->v_size * sizeof(float));
}

static void lay_out_scratch(struct npu_cpu_loaded *l, struct npu_cpu_scratch *to, size_t rows,
                            char *base, size_t *used)
{
    l->result_values = rows * l->program.d_model;
    to->normed = npu_block_take(base, used, rows * l->program.d_model * sizeof(float));
    to->results = npu_block_take(base, used, l->result_values * sizeof(float));
    to->kernel =
        npu_block_take(base, used, npu_attention_f32_scratch((int)l->positions) * sizeof(float));
}

const struct npu_cpu_profile npu_cpu_f32 = {
    .bytes = {[NPU_BUFFER_MEL] = 4,
              [NPU_BUFFER_STEM] = 4,
              [NPU_BUFFER_POSITIONS] = 4,
              [NPU_BUFFER_RESIDUAL] = 4,
              [NPU_BUFFER_Q] = 4,
              [NPU_BUFFER_MIXED] = 4,
              [NPU_BUFFER_FFN] = 4,
              [NPU_BUFFER_FEATURES] = 4},
    .lay_out = lay_out,
    .lay_out_scratch = lay_out_scratch,
    .run = {[NPU_KIND_PRODUCT] = product,
            [NPU_KIND_ATTENTION] = attention,
            [NPU_KIND_NORM] = npu_cpu_norm},
};
