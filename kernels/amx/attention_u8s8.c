/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 16 queries against 64 keys at a time with the softmax of avx512. The products of the next block's
 * scores start before this block's softmax, those of this block's values after it, and their sums
 * are used one block later. So the vector pipes never wait for the tile unit, and each side loads
 * what the other stored long before.
 *
 * One shape of the tiles serves both products: 16 queries x 64 dimensions by 64 x 32 keys, and 16
 * queries x 64 keys by 64 x 32 dimensions. ldtilecfg, about 200 cycles, runs once per call and
 * again for a last group of fewer queries. */
#define NPU_ATTENTION_INT_ROWS 16
#include "kernels/amx/init.h"
#include "kernels/amx/tile_u8s8.h"
#include "kernels/avx512/attention_int.h"

static void tile(int32_t *t, ptrdiff_t ldt, const int32_t *init, const void *a, ptrdiff_t lda,
                 const void *b, int m, int k)
{
    const struct npu_amx_product p = {.t = t,
                                      .ldt = ldt,
                                      .init = init,
                                      .a = a,
                                      .lda = lda,
                                      .b = b,
                                      .steps = k / NPU_AMX_DEPTH,
                                      .m = m,
                                      .depth = NPU_AMX_DEPTH};
    npu_product_u8s8_amx(&p, false);
}

static void scores(const struct npu_attention_int_args *args, struct npu_attention_avx512 *st,
                   int i0, int m, int b)
{
    const char *q = (const char *)args->q + i0 * args->ldq;
    for (int panel = 0; panel < 2; panel++)
        npu_panel_avx512(st->s[b & 1][0], tile, args->k_offset + b * NPU_KEY_BLOCK, q, args->ldq,
                         args->k, b, panel, m, 1);
}

static void rows(const struct npu_attention_int_args *args, int i0, int m,
                 struct npu_attention_avx512 *st, const struct npu_numerator_table *table)
{
    static const int32_t zeros[NPU_HEAD_DIM];
    const int blocks = (args->n + NPU_KEY_BLOCK - 1) / NPU_KEY_BLOCK;
    __m512 q_scale = _mm512_maskz_loadu_ps(npu_mask16(m), args->q_scale + i0);
    npu_attention_start_avx512(st);
    scores(args, st, i0, m, 0);
    for (int b = 0; b < blocks; b++) {
        if (b + 1 < blocks)
            scores(args, st, i0, m, b + 1);
        npu_block_maxima_avx512(st, b, m);
        npu_block_factors_avx512(st, q_scale, args->k_scale[b], b);
        npu_numerator_bytes_avx512(st, b, 0, m, args->n - b * NPU_KEY_BLOCK, table);
        if (b > 0)
            npu_add_values_avx512(st, b - 1, m, args->v_scale + (b - 1) * NPU_HEAD_DIM);
        for (int panel = 0; panel < 2; panel++)
            npu_panel_avx512(st->a[0], tile, zeros, st->p[b & 1], NPU_KEY_BLOCK, args->v, b, panel,
                             m, 1);
    }
    npu_add_values_avx512(st, blocks - 1, m, args->v_scale + (blocks - 1) * NPU_HEAD_DIM);
    npu_attention_finish_avx512(args, st, i0, m);
}

void npu_attention_u8s8_amx(const struct npu_attention_int_args *args, void *scratch)
{
    const struct npu_numerator_table table = npu_numerator_table();
    int shaped = 0;
    assert(args->m >= 1 && args->n >= 1 && args->n <= 1536);
    for (int i = 0; i < args->m; i += NPU_ATTENTION_INT_ROWS) {
        int m = args->m - i < NPU_ATTENTION_INT_ROWS ? args->m - i : NPU_ATTENTION_INT_ROWS;
        if (m != shaped)
            npu_amx_open(m, NPU_AMX_DEPTH);
        shaped = m;
        rows(args, i, m, scratch, &table);
    }
    npu_amx_close();
}
