/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/ref/init.h"
#include "kernels/ref/exp2_f32.h"
#include "kernels/ref/int.h"

#include <assert.h>

struct state {
    float o[NPU_HEAD_DIM], l[16], max;
};

/* 64 sums over 64 of a[] times a block of packed operands. */
static void block(uint32_t s[64], const int32_t *a, const void *packed, int b, int bytes)
{
    const char *at = (const char *)packed + (size_t)b * 64 * 64 * (size_t)bytes;
    for (int j = 0; j < 64; j += 16)
        npu_panel_int_ref(s + j, a, at + (size_t)j * 64 * (size_t)bytes, 64, bytes);
}

/* Scores of one query against the keys of block b; returns their maximum. Bytes keep their zero
 * point: the offset of the block takes it out. */
static int32_t scores(uint32_t *s, const struct npu_attention_int_args *args, int i, int b,
                      int bytes)
{
    int32_t q[NPU_HEAD_DIM], max = INT32_MIN;
    for (int d = 0; d < NPU_HEAD_DIM; d++)
        q[d] = npu_activation_at(args->q, (size_t)(i * args->ldq + d), bytes, 0);
    for (int j = 0; j < NPU_KEY_BLOCK; j++)
        s[j] = (uint32_t)args->k_offset[b * NPU_KEY_BLOCK + j];
    block(s, q, args->k, b, bytes);
    for (int j = 0; j < NPU_KEY_BLOCK; j++)
        max = (int32_t)s[j] > max ? (int32_t)s[j] : max;
    return max;
}

static void add_values(struct state *st, const struct npu_attention_int_args *args, int b,
                       const int32_t *p, float alpha, float beta, int bytes)
{
    uint32_t a[NPU_HEAD_DIM] = {0};
    block(a, p, args->v, b, bytes);
    for (int d = 0; d < NPU_HEAD_DIM; d++)
        st->o[d] = fmaf((float)(int32_t)a[d], beta * args->v_scale[b * NPU_HEAD_DIM + d],
                        st->o[d] * alpha);
    for (int l = 0; l < 16; l++) {
        int32_t sum = 0;
        for (int j = 4 * l; j < 4 * l + 4; j++)
            sum += p[j];
        st->l[l] = fmaf((float)sum, beta, st->l[l] * alpha);
    }
}

/* `below`: s_b - s[j] modulo 2^32. */
static int32_t numerator(uint32_t below, float c, enum npu_numerators kind)
{
    float distance = (float)(int32_t)below;
    if (kind == NPU_NUMERATORS_13)
        return (int32_t)rintf(npu_exp2_f32_ref(fmaf(distance, -c, NPU_NUMERATOR_LOG2_13)));
    float i = rintf(distance * (c * NPU_NUMERATOR_STEPS));
    i = i < NPU_NUMERATOR_LAST ? i : NPU_NUMERATOR_LAST;
    return (int32_t)rintf(npu_exp2_f32_ref(fmaf(i, NPU_NUMERATOR_STEP, NPU_NUMERATOR_LOG2_8)));
}

static void attention_row(const struct npu_attention_int_args *args, int i, int bytes)
{
    struct state st = {.max = 0.0f};
    for (int b = 0; b * NPU_KEY_BLOCK < args->n; b++) {
        uint32_t s[NPU_KEY_BLOCK];
        int32_t p[NPU_KEY_BLOCK];
        int32_t max = scores(s, args, i, b, bytes);
        float c = args->q_scale[i] * args->k_scale[b];
        float max_b = (float)max * c;
        float next = b == 0 || max_b > st.max ? max_b : st.max;
        float alpha = b == 0 ? 1.0f : npu_exp2_f32_ref(st.max - next);
        float beta = npu_exp2_f32_ref(max_b - next);
        for (int j = 0; j < NPU_KEY_BLOCK; j++)
            p[j] = b * NPU_KEY_BLOCK + j < args->n
                       ? numerator((uint32_t)max - s[j], c, args->numerators)
                       : 0;
        add_values(&st, args, b, p, alpha, beta, bytes);
        st.max = next;
    }
    for (int w = 8; w >= 1; w /= 2)
        for (int l = 0; l < w; l++)
            st.l[l] += st.l[l + w];
    float scale = 1.0f / st.l[0];
    for (int d = 0; d < NPU_HEAD_DIM; d++)
        args->out[i * args->ldo + d] = st.o[d] * scale;
}

static void attention(const struct npu_attention_int_args *args, int bytes)
{
    assert(args->m >= 1 && args->n >= 1 && args->n <= 1536);
    for (int i = 0; i < args->m; i++)
        attention_row(args, i, bytes);
}

void npu_attention_u8s8_ref(const struct npu_attention_int_args *args, void *scratch)
{
    (void)scratch;
    attention(args, 1);
}

void npu_attention_s16s16_ref(const struct npu_attention_int_args *args, void *scratch)
{
    (void)scratch;
    attention(args, 2);
}
