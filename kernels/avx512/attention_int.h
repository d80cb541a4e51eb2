/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX512_ATTENTION_INT_H
#define NPU_KERNELS_AVX512_ATTENTION_INT_H
/* attention_int on 16 lanes: 12 queries against 64 keys at a time, everything between the two
 * products in the L1 cache. */
#include "kernels/avx512/int.h"

/* Queries at a time, up to 16. */
#ifndef NPU_ATTENTION_INT_ROWS
#define NPU_ATTENTION_INT_ROWS NPU_INT_ROWS
#endif

/* For these queries, in the caller's scratch; [2]: of this block of keys and the one beside. */
struct npu_attention_avx512 {
    int32_t s[2][NPU_ATTENTION_INT_ROWS][NPU_KEY_BLOCK]; /* scores */
    int32_t a[NPU_ATTENTION_INT_ROWS][NPU_HEAD_DIM];     /* sums over the values */
    int16_t p[NPU_ATTENTION_INT_ROWS]
             [NPU_KEY_BLOCK]; /* numerators; in bytes only half of it is used */
    float o[NPU_ATTENTION_INT_ROWS][NPU_HEAD_DIM];
    float l[NPU_ATTENTION_INT_ROWS][16];
    float c[16], max[16], alpha[2][16], beta[2][16];
    int32_t block_max[16];
};
_Static_assert(sizeof(struct npu_attention_avx512) <= NPU_ATTENTION_INT_SCRATCH, "scratch");

/* Not by vreduceps: it rounds x - floor(x) down as well, which shows between -0.5 and 0. */
static inline __m512 npu_exp2_avx512(__m512 x)
{
    x = _mm512_max_ps(x, _mm512_set1_ps(NPU_EXP2_F32_MIN));
    __m512 f = _mm512_sub_ps(x, _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF));
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(NPU_EXP2_F32_C3), f, _mm512_set1_ps(NPU_EXP2_F32_C2));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(NPU_EXP2_F32_C1));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, x);
}

/* rint(exp2(x)); without the limit from below, whose results are 0 either way, and by vreduceps,
 * which is inexact between -0.5 and 0 alone, where the result is 1. */
static inline __m512i npu_numerator_avx512(__m512 x)
{
    __m512 f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(NPU_EXP2_F32_C3), f, _mm512_set1_ps(NPU_EXP2_F32_C2));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(NPU_EXP2_F32_C1));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    return _mm512_cvtps_epi32(_mm512_scalef_ps(p, x));
}

/* Four vectors of numerators to 64 operands in order. */
static inline void npu_store_numerators_avx512(void *dst, const __m512i p[4], int bytes)
{
    __m512i p01 = _mm512_packus_epi32(p[0], p[1]), p23 = _mm512_packus_epi32(p[2], p[3]);
    if (bytes == 1) {
        const __m512i order =
            _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        _mm512_store_si512(dst, _mm512_permutexvar_epi32(order, _mm512_packus_epi16(p01, p23)));
    } else {
        const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
        _mm512_store_si512(dst, _mm512_permutexvar_epi64(order, p01));
        _mm512_store_si512((char *)dst + 64, _mm512_permutexvar_epi64(order, p23));
    }
}

static inline void npu_block_maxima_avx512(struct npu_attention_avx512 *st, int b, int m)
{
    for (int i = 0; i < m; i++) {
        const int32_t *s = st->s[b & 1][i];
        __m512i low = _mm512_max_epi32(_mm512_load_si512(s), _mm512_load_si512(s + 16));
        __m512i high = _mm512_max_epi32(_mm512_load_si512(s + 32), _mm512_load_si512(s + 48));
        st->block_max[i] = _mm512_reduce_max_epi32(_mm512_max_epi32(low, high));
    }
}

/* The queries' c, maximum, alpha and beta of block b, one query a lane. */
static inline void npu_block_factors_avx512(struct npu_attention_avx512 *st, __m512 q_scale,
                                            float k_scale, int b)
{
    __m512 c = _mm512_mul_ps(q_scale, _mm512_set1_ps(k_scale));
    __m512 block = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_load_si512(st->block_max)), c);
    __m512 max = b == 0 ? block : _mm512_load_ps(st->max);
    __m512 next = _mm512_max_ps(block, max);
    _mm512_store_ps(st->c, c);
    _mm512_store_ps(st->max, next);
    _mm512_store_ps(st->alpha[b & 1], npu_exp2_avx512(_mm512_sub_ps(max, next)));
    _mm512_store_ps(st->beta[b & 1], npu_exp2_avx512(_mm512_sub_ps(block, next)));
}

/* Scores to numerators; keys past the first `valid` count nothing. */
static inline void npu_numerators_avx512(struct npu_attention_avx512 *st, int b, int m, int valid,
                                         float p_log2, int bytes)
{
    __m512 top = _mm512_set1_ps(p_log2);
    for (int i = 0; i < m; i++) {
        __m512i max = _mm512_set1_epi32(st->block_max[i]), p[4];
        __m512 c = _mm512_set1_ps(st->c[i]);
        for (int v = 0; v < 4; v++) {
            __m512i below = _mm512_sub_epi32(_mm512_load_si512(st->s[b & 1][i] + 16 * v), max);
            p[v] = npu_numerator_avx512(_mm512_fmadd_ps(_mm512_cvtepi32_ps(below), c, top));
        }
        if (valid < NPU_KEY_BLOCK)
            for (int v = 0; v < 4; v++)
                p[v] = _mm512_maskz_mov_epi32(npu_mask16(valid - 16 * v), p[v]);
        npu_store_numerators_avx512((char *)st->p + i * NPU_KEY_BLOCK * bytes, p, bytes);
        __m512i t = _mm512_add_epi32(_mm512_add_epi32(p[0], p[1]), _mm512_add_epi32(p[2], p[3]));
        __m512 l = _mm512_mul_ps(_mm512_load_ps(st->l[i]), _mm512_set1_ps(st->alpha[b & 1][i]));
        _mm512_store_ps(st->l[i], _mm512_fmadd_ps(_mm512_cvtepi32_ps(t),
                                                  _mm512_set1_ps(st->beta[b & 1][i]), l));
    }
}

/* O = O * alpha + sums * (beta * v_scale). */
static inline void npu_add_values_avx512(struct npu_attention_avx512 *st, int b, int m,
                                         const float *v_scale)
{
    for (int d = 0; d < NPU_HEAD_DIM; d += 16) {
        __m512 scale = _mm512_loadu_ps(v_scale + d);
        for (int i = 0; i < m; i++) {
            __m512 o =
                _mm512_mul_ps(_mm512_load_ps(st->o[i] + d), _mm512_set1_ps(st->alpha[b & 1][i]));
            __m512 a = _mm512_cvtepi32_ps(_mm512_load_si512(st->a[i] + d));
            __m512 factor = _mm512_mul_ps(_mm512_set1_ps(st->beta[b & 1][i]), scale);
            _mm512_store_ps(st->o[i] + d, _mm512_fmadd_ps(a, factor, o));
        }
    }
}

static inline void npu_attention_start_avx512(struct npu_attention_avx512 *st)
{
    memset(st->o, 0, sizeof st->o);
    memset(st->l, 0, sizeof st->l);
    memset(st->block_max, 0, sizeof st->block_max);
}

/* O / L to the rows of the result. */
static inline void npu_attention_finish_avx512(const struct npu_attention_int_args *args,
                                               const struct npu_attention_avx512 *st, int i0, int m)
{
    for (int i = 0; i < m; i++) {
        __m512 scale = _mm512_set1_ps(1.0f / npu_sum16_f32_avx512(_mm512_load_ps(st->l[i])));
        for (int d = 0; d < NPU_HEAD_DIM; d += 16)
            _mm512_storeu_ps(args->out + (i0 + i) * args->ldo + d,
                             _mm512_mul_ps(_mm512_load_ps(st->o[i] + d), scale));
    }
}

/* One 32-column panel of block b of packed operands. */
static inline void npu_panel_avx512(int32_t *to, npu_tile_int_fn *tile, const int32_t *init,
                                    const void *a, ptrdiff_t lda, const void *packed, int b,
                                    int panel, int m, int bytes)
{
    const char *at = (const char *)packed + (size_t)(2 * b + panel) * 32 * 64 * (size_t)bytes;
    tile(to + 32 * panel, 64 * sizeof *to, init + 32 * panel, a, lda, at, m, 64);
}

/* Queries from i0. The products of the next block stand before and after the softmax of
 * this one, which does not depend on them: so the processor has work for all its pipes. */
static inline void npu_attention_rows_avx512(const struct npu_attention_int_args *args, int i0,
                                             int m, struct npu_attention_avx512 *st,
                                             npu_tile_int_fn *tile, int bytes)
{
    static const int32_t zeros[64];
    const char *q = (const char *)args->q + i0 * args->ldq * bytes;
    const ptrdiff_t ldq = args->ldq * bytes, ldp = NPU_KEY_BLOCK * bytes;
    const int blocks = (args->n + NPU_KEY_BLOCK - 1) / NPU_KEY_BLOCK;
    __m512 q_scale = _mm512_maskz_loadu_ps(npu_mask16(m), args->q_scale + i0);
    npu_attention_start_avx512(st);
    for (int panel = 0; panel < 2; panel++)
        npu_panel_avx512(st->s[0][0], tile, args->k_offset, q, ldq, args->k, 0, panel, m, bytes);
    for (int b = 0; b < blocks; b++) {
        int next = b + 1 < blocks ? b + 1 : b;
        int32_t *s = st->s[(b + 1) & 1][0];
        const int32_t *offset = args->k_offset + next * NPU_KEY_BLOCK;
        if (b > 0)
            npu_add_values_avx512(st, b - 1, m, args->v_scale + (b - 1) * NPU_HEAD_DIM);
        if (next > b)
            npu_panel_avx512(s, tile, offset, q, ldq, args->k, next, 0, m, bytes);
        npu_block_maxima_avx512(st, b, m);
        npu_block_factors_avx512(st, q_scale, args->k_scale[b], b);
        npu_numerators_avx512(st, b, m, args->n - b * NPU_KEY_BLOCK, args->p_log2, bytes);
        if (next > b)
            npu_panel_avx512(s, tile, offset, q, ldq, args->k, next, 1, m, bytes);
        npu_panel_avx512(st->a[0], tile, zeros, st->p, ldp, args->v, b, 0, m, bytes);
        npu_panel_avx512(st->a[0], tile, zeros, st->p, ldp, args->v, b, 1, m, bytes);
    }
    npu_add_values_avx512(st, blocks - 1, m, args->v_scale + (blocks - 1) * NPU_HEAD_DIM);
    npu_attention_finish_avx512(args, st, i0, m);
}

static inline void npu_attention_int_avx512(const struct npu_attention_int_args *args,
                                            void *scratch, npu_tile_int_fn *tile, int bytes)
{
    assert(args->m >= 1 && args->n >= 1 && args->n <= 1536);
    for (int i = 0; i < args->m; i += NPU_ATTENTION_INT_ROWS)
        npu_attention_rows_avx512(
            args, i, args->m - i < NPU_ATTENTION_INT_ROWS ? args->m - i : NPU_ATTENTION_INT_ROWS,
            scratch, tile, bytes);
}

#endif /* NPU_KERNELS_AVX512_ATTENTION_INT_H */
