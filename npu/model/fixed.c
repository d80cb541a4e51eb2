/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/model/fixed.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "npu/block.h"
#include "npu/log.h"
#include "npu/model/fixed_pack.h"

static const char *const matrix_names[NPU_STAGE_MATRICES] = {"q", "k", "v"};

/* "layer 2 norm+qkv q" */
void npu_fixed_name(char text[64], const struct npu_stage *s, unsigned matrix)
{
    bool layered = s->op != NPU_OP_CONV1 && s->op != NPU_OP_CONV2;
    int used = layered ? snprintf(text, 64, "layer %u ", s->layer) : 0;
    snprintf(text + used, 64 - (size_t)used, "%s%s%s", npu_op_name(s->op),
             s->n_matrices > 1 ? " " : "", s->n_matrices > 1 ? matrix_names[matrix] : "");
}

unsigned npu_fixed_weight_bits(const struct npu_stage *s)
{
    bool attention = s->op == NPU_OP_NORM_QKV || s->op == NPU_OP_OUT;
    return s->op == NPU_OP_CONV1 || (attention && s->layer == 0) ? 16 : 8;
}

/* From `base` (NULL: only count). Returns bytes used. */
static size_t lay_out(struct npu_fixed *out, char *base)
{
    const struct npu_program *p = &out->program;
    size_t used = 0;

    out->positions =
        npu_block_take(base, &used, (size_t)p->positions * p->d_model * sizeof(int16_t));
    out->gamma = npu_block_take(base, &used, p->d_model * sizeof(float));
    out->beta = npu_block_take(base, &used, p->d_model * sizeof(float));
    for (unsigned i = 0; i < p->n_stages; i++) {
        const struct npu_stage *s = &p->stage[i];
        struct npu_fixed_stage *st = &out->stage[i];
        if (s->norm != NPU_TENSOR_NONE && s->n_matrices)
            st->norm_mult = npu_block_take(base, &used, p->d_model * sizeof(int16_t));
        if (s->gelu)
            st->table = npu_block_take(base, &used, NPU_FIXED_GELU_ENTRIES * sizeof(int16_t));
        for (unsigned m = 0; m < s->n_matrices; m++) {
            struct npu_fixed_matrix *matrix = &st->matrix[m];
            matrix->bits = npu_fixed_weight_bits(s);
            matrix->w = npu_block_take(base, &used, (size_t)s->n * s->k * matrix->bits / 8);
            matrix->bias = npu_block_take(base, &used, s->n * sizeof(int64_t));
            matrix->mult = npu_block_take(base, &used, s->n * sizeof(int16_t));
            matrix->shift =
                npu_block_take(base, &used, (s->n + NPU_FIXED_CHANNELS - 1) / NPU_FIXED_CHANNELS);
        }
    }
    return used;
}

void npu_fixed_log_proofs(const struct npu_fixed *out)
{
    char what[64];
    for (unsigned i = 0; i < out->program.n_stages; i++) {
        for (unsigned m = 0; m < out->program.stage[i].n_matrices; m++) {
            const struct npu_fixed_matrix *matrix = &out->stage[i].matrix[m];
            npu_fixed_name(what, &out->program.stage[i], m);
            npu_log(NPU_LOG_DEBUG,
                    "profile npu: %-20s weights of %2u bits, sums up to %.4f of 2^31 (channel %u): "
                    "acc%d",
                    what, matrix->bits, matrix->bound * 0x1p-31, matrix->channel,
                    matrix->acc_shift ? 64 : 32);
        }
    }
    npu_log(NPU_LOG_DEBUG, "profile npu: residual stream at 2^-%d, up to %.4f of 2^31",
            out->residual_bits, out->residual_bound * 0x1p-31);
}

int npu_fixed_open(struct npu_fixed **out, const struct npu_program *program,
                   const struct npu_model *model, struct npu_error *err)
{
    struct npu_fixed *i = calloc(1, sizeof(*i));
    if (!i)
        return npu_fail(err, -ENOMEM, "out of memory");
    i->program = *program;
    i->stage = calloc(program->n_stages, sizeof(*i->stage));
    if (i->stage) {
        i->bytes = lay_out(i, NULL);
        i->block = npu_block_alloc(i->bytes);
    }
    int ret = 0;
    if (!i->block)
        ret = npu_fail(err, -ENOMEM, "out of memory for %zu MiB of packed weights", i->bytes >> 20);
    if (ret == 0) {
        lay_out(i, i->block);
        ret = npu_fixed_pack(i, model, err);
    }
    if (ret) {
        npu_fixed_close(&i);
        return ret;
    }
    *out = i;
    return 0;
}

void npu_fixed_close(struct npu_fixed **fixed)
{
    struct npu_fixed *i = *fixed;
    *fixed = NULL;
    if (!i)
        return;
    free(i->block);
    free(i->stage);
    free(i);
}

void npu_fixed_quantise_mel(int16_t *dst, const float *mel, size_t n)
{
    const float most = (float)NPU_FIXED_MEL_MAX;
    for (size_t i = 0; i < n; i++) {
        float x = mel[i] * (float)(1 << NPU_FIXED_MEL_BITS);
        x = x > most ? most : x < -most ? -most : x == x ? x : 0;
        dst[i] = (int16_t)rintf(x);
    }
}

static enum npu_fixed_result result_of(const struct npu_stage *s)
{
    if (s->added == NPU_BUFFER_RESIDUAL)
        return NPU_FIXED_RESIDUAL;
    if (s->added == NPU_BUFFER_POSITIONS)
        return NPU_FIXED_STEM;
    return s->gelu ? NPU_FIXED_GELU : NPU_FIXED_S16;
}

struct npu_fixed_gemm_args npu_fixed_gemm_of(const struct npu_fixed *fixed, unsigned stage,
                                             unsigned matrix, unsigned row, unsigned m)
{
    const struct npu_program *p = &fixed->program;
    const struct npu_stage *s = &p->stage[stage];
    const struct npu_fixed_stage *st = &fixed->stage[stage];
    const struct npu_fixed_matrix *w = &st->matrix[matrix];

    return (struct npu_fixed_gemm_args){
        .w = w->w,
        .bias = w->bias,
        .mult = w->mult,
        .shift = w->shift,
        .table = st->table,
        .pos = fixed->positions + npu_buffer_at(&p->buffer[NPU_BUFFER_POSITIONS], row),
        .lda = npu_stage_stride(s),
        .ldw = s->k,
        .ldc = s->n,
        .ldp = p->d_model,
        .m = (int)m,
        .n = (int)s->n,
        .k = (int)s->k,
        .acc_shift = w->acc_shift,
        .gelu_shift = st->gelu_shift,
        .result = result_of(s),
    };
}

struct npu_fixed_norm_args npu_fixed_norm_of(const struct npu_fixed *fixed, unsigned stage,
                                             unsigned m)
{
    const struct npu_program *p = &fixed->program;
    const struct npu_fixed_stage *st = &fixed->stage[stage];
    const bool last = p->stage[stage].kind == NPU_KIND_NORM;

    return (struct npu_fixed_norm_args){
        .mult = last ? NULL : st->norm_mult,
        .ldy = p->d_model,
        .ldx = p->d_model,
        .m = (int)m,
        .d = (int)p->d_model,
        .shift = last ? fixed->feature_bits : st->norm_shift,
        .inv_d = fixed->inv_d,
        .eps = fixed->eps,
        .sqrt_d = fixed->sqrt_d,
    };
}

struct npu_fixed_attention_args npu_fixed_attention_of(const struct npu_fixed *fixed,
                                                       unsigned stage, unsigned m, unsigned n)
{
    const ptrdiff_t d = fixed->program.d_model;

    return (struct npu_fixed_attention_args){
        .exp = fixed->exp,
        .ldo = d,
        .ldq = d,
        .ldk = d,
        .ldv = d,
        .m = (int)m,
        .n = (int)n,
        .qk_shift = fixed->stage[stage].qk_shift,
    };
}

void npu_fixed_features(const struct npu_fixed *fixed, float *features, const int16_t *z,
                        unsigned m)
{
    const size_t d = fixed->program.d_model;
    const float unit = 1.0f / (float)(1 << fixed->feature_bits);

    for (size_t i = 0; i < m * d; i++)
        features[i] = (float)z[i] * unit * fixed->gamma[i % d] + fixed->beta[i % d];
}
