/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX2_ATTENTION_INT_H
#define NPU_KERNELS_AVX2_ATTENTION_INT_H
/* attention_int on 8 lanes: 12 queries against 64 keys at a time, everything between the two
 * products in the L1 cache.
 *
 * The products run at their peak; the time of the rest adds to theirs: 16 registers do not hold a
 * tile and a softmax side by side, and a tile waiting for its pipes fills the processor's queues.
 * 6 queries at a time, smaller turns and longer runs of equal steps differ by less than the noise
 * (3 %). */
#include "kernels/avx2/int.h"

#define NPU_QUERIES 12 /* two tiles of products: the second finds its panel in the L1 cache */
#define NPU_LANES   16 /* NPU_QUERIES in whole vectors */

/* For up to 12 queries, in the caller's scratch; [2]: of this block of keys and the one beside. */
struct npu_attention_avx2 {
    int32_t s[2][NPU_QUERIES][NPU_KEY_BLOCK]; /* scores */
    int32_t a[NPU_QUERIES][NPU_HEAD_DIM];     /* sums over the values */
    int16_t p[NPU_QUERIES][NPU_KEY_BLOCK];    /* numerators; in bytes only half of it is used */
    float o[NPU_QUERIES][NPU_HEAD_DIM];
    float l[NPU_QUERIES][16];
    float c[NPU_LANES], max[NPU_LANES], alpha[NPU_LANES], beta[NPU_LANES];
    int32_t block_max[NPU_LANES];
};
_Static_assert(sizeof(struct npu_attention_avx2) <= NPU_ATTENTION_INT_SCRATCH, "scratch");

static inline __m256 npu_exp2_avx2(__m256 x)
{
    x = _mm256_max_ps(x, _mm256_set1_ps(NPU_EXP2_F32_MIN));
    __m256 n = _mm256_round_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    __m256 f = _mm256_sub_ps(x, n);
    __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(NPU_EXP2_F32_C3), f, _mm256_set1_ps(NPU_EXP2_F32_C2));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(NPU_EXP2_F32_C1));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(1.0f));
    __m256i shift = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), shift));
}

static inline int32_t npu_max8_s32_avx2(__m256i x)
{
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1)));
}

/* Of the queries first .. end. */
static inline void npu_block_maxima_avx2(struct npu_attention_avx2 *st, int b, int first, int end)
{
    for (int i = first; i < end; i++) {
        const int32_t *s = st->s[b & 1][i];
        __m256i max = npu_load8_s32(s);
        for (int v = 1; v < 8; v++)
            max = _mm256_max_epi32(max, npu_load8_s32(s + 8 * v));
        st->block_max[i] = npu_max8_s32_avx2(max);
    }
}

/* The queries' c, maximum, alpha and beta of block b, one query a lane. */
static inline void npu_block_factors_avx2(struct npu_attention_avx2 *st, const float *q_scale,
                                          float k_scale, int b)
{
    for (int i = 0; i < NPU_LANES; i += 8) {
        __m256 c = _mm256_mul_ps(_mm256_loadu_ps(q_scale + i), _mm256_set1_ps(k_scale));
        __m256 block = _mm256_mul_ps(_mm256_cvtepi32_ps(npu_load8_s32(st->block_max + i)), c);
        __m256 max = b == 0 ? block : _mm256_load_ps(st->max + i);
        __m256 next = _mm256_max_ps(block, max);
        _mm256_store_ps(st->c + i, c);
        _mm256_store_ps(st->max + i, next);
        _mm256_store_ps(st->alpha + i, npu_exp2_avx2(_mm256_sub_ps(max, next)));
        _mm256_store_ps(st->beta + i, npu_exp2_avx2(_mm256_sub_ps(block, next)));
    }
}

/* 32 numerators, four vectors, to operands in order. */
static inline void npu_store_numerators_avx2(void *dst, const __m256i p[4], int bytes)
{
    __m256i p01 = _mm256_packus_epi32(p[0], p[1]), p23 = _mm256_packus_epi32(p[2], p[3]);
    if (bytes == 1) {
        const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        _mm256_store_si256(dst, _mm256_permutevar8x32_epi32(_mm256_packus_epi16(p01, p23), order));
    } else {
        _mm256_store_si256(dst, _mm256_permute4x64_epi64(p01, 0xd8));
        _mm256_store_si256((__m256i *)dst + 1, _mm256_permute4x64_epi64(p23, 0xd8));
    }
}

/* Eight keys' numerators: `below` is s_b - s[j]. */
static inline __m256i npu_numerator_avx2(__m256i below, __m256 c, enum npu_numerators kind)
{
    __m256 x = _mm256_cvtepi32_ps(below);
    if (kind == NPU_NUMERATORS_8) {
        __m256 i = _mm256_mul_ps(x, _mm256_mul_ps(c, _mm256_set1_ps(NPU_NUMERATOR_STEPS)));
        i = _mm256_round_ps(i, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        i = _mm256_min_ps(i, _mm256_set1_ps(NPU_NUMERATOR_LAST));
        x = _mm256_fmadd_ps(i, _mm256_set1_ps(NPU_NUMERATOR_STEP),
                            _mm256_set1_ps(NPU_NUMERATOR_LOG2_8));
    } else {
        x = _mm256_fnmadd_ps(x, c, _mm256_set1_ps(NPU_NUMERATOR_LOG2_13));
    }
    return _mm256_cvtps_epi32(npu_exp2_avx2(x));
}

/* Sums of four neighbours of 32 in four vectors. */
static inline __m256i npu_sum_fours_avx2(const __m256i p[4])
{
    __m256i low = _mm256_hadd_epi32(p[0], p[1]), high = _mm256_hadd_epi32(p[2], p[3]);
    return _mm256_permutevar8x32_epi32(_mm256_hadd_epi32(low, high),
                                       _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* Scores of query i to numerators; keys past the first `valid` count nothing. t becomes the sums of
 * four neighbours. */
static inline void npu_numerators_avx2(struct npu_attention_avx2 *st, int b, int i, int valid,
                                       enum npu_numerators kind, int bytes, __m256i t[2])
{
    const __m256i max = _mm256_set1_epi32(st->block_max[i]);
    const __m256 c = _mm256_set1_ps(st->c[i]);
    char *to = (char *)st->p + i * NPU_KEY_BLOCK * bytes;
    for (int j = 0; j < NPU_KEY_BLOCK; j += 32) {
        __m256i p[4];
        for (int v = 0; v < 4; v++) {
            __m256i s = npu_load8_s32(st->s[b & 1][i] + j + 8 * v);
            p[v] = npu_numerator_avx2(_mm256_sub_epi32(max, s), c, kind);
        }
        if (valid < NPU_KEY_BLOCK)
            for (int v = 0; v < 4; v++)
                p[v] = _mm256_and_si256(p[v], npu_mask8(valid - j - 8 * v));
        npu_store_numerators_avx2(to + j * bytes, p, bytes);
        t[j / 32] = npu_sum_fours_avx2(p);
    }
}

/* The numerators of the queries first .. end, and L = L * alpha + their sums * beta. */
static inline void npu_softmax_int_avx2(struct npu_attention_avx2 *st, int b, int first, int end,
                                        int valid, enum npu_numerators kind, int bytes)
{
    for (int i = first; i < end; i++) {
        __m256i t[2];
        npu_numerators_avx2(st, b, i, valid, kind, bytes, t);
        __m256 alpha = _mm256_set1_ps(st->alpha[i]);
        __m256 beta = _mm256_set1_ps(st->beta[i]);
        for (int v = 0; v < 2; v++) {
            __m256 l = _mm256_mul_ps(_mm256_load_ps(st->l[i] + 8 * v), alpha);
            _mm256_store_ps(st->l[i] + 8 * v, _mm256_fmadd_ps(_mm256_cvtepi32_ps(t[v]), beta, l));
        }
    }
}

/* O = O * alpha + sums * (beta * v_scale). The 8 vectors of v_scale stay in registers. */
static inline void npu_add_values_avx2(struct npu_attention_avx2 *st, const float *v_scale, int m)
{
    __m256 scale[NPU_HEAD_DIM / 8];
    for (int v = 0; v < NPU_HEAD_DIM / 8; v++)
        scale[v] = _mm256_loadu_ps(v_scale + 8 * v);
    for (int i = 0; i < m; i++) {
        __m256 alpha = _mm256_set1_ps(st->alpha[i]), beta = _mm256_set1_ps(st->beta[i]);
        for (int v = 0; v < NPU_HEAD_DIM / 8; v++) {
            __m256 o = _mm256_mul_ps(_mm256_load_ps(st->o[i] + 8 * v), alpha);
            __m256 a = _mm256_cvtepi32_ps(npu_load8_s32(st->a[i] + 8 * v));
            o = _mm256_fmadd_ps(a, _mm256_mul_ps(beta, scale[v]), o);
            _mm256_store_ps(st->o[i] + 8 * v, o);
        }
    }
}

/* One 16-column panel of block b of packed operands. */
static inline void npu_panel_avx2(int32_t *to, npu_tile_int_fn *tile, const int32_t *init,
                                  const void *a, ptrdiff_t lda, const void *packed, int b,
                                  int panel, int m, int bytes)
{
    const char *at = (const char *)packed + (size_t)(4 * b + panel) * 16 * 64 * (size_t)bytes;
    tile(to + 16 * panel, 64 * sizeof *to, init + 16 * panel, a, lda, at, m, 64);
}

static inline int npu_first_avx2(int m, int quarter) /* of a quarter of m queries */
{
    return m * quarter / 4;
}

/* Up to 12 queries from i0. Products and work that does not depend on them take turns, panel by
 * panel: the scores of the next block with the softmax of this one, the values of this one with the
 * maxima of the next. So the processor has work for all its pipes. */
static inline void npu_attention_rows_avx2(const struct npu_attention_int_args *args, int i0, int m,
                                           struct npu_attention_avx2 *st, npu_tile_int_fn *tile,
                                           int bytes)
{
    static const int32_t zeros[64];
    const char *q = (const char *)args->q + i0 * args->ldq * bytes;
    const ptrdiff_t ldq = args->ldq * bytes, ldp = NPU_KEY_BLOCK * bytes;
    const int blocks = (args->n + NPU_KEY_BLOCK - 1) / NPU_KEY_BLOCK;
    float q_scale[NPU_LANES] = {0};
    memcpy(q_scale, args->q_scale + i0, (size_t)m * sizeof *q_scale);
    memset(st->o, 0, sizeof st->o);
    memset(st->l, 0, sizeof st->l);
    memset(st->block_max, 0, sizeof st->block_max);
    for (int p = 0; p < 4; p++)
        npu_panel_avx2(st->s[0][0], tile, args->k_offset, q, ldq, args->k, 0, p, m, bytes);
    npu_block_maxima_avx2(st, 0, 0, m);
    for (int b = 0; b < blocks; b++) {
        int next = b + 1;
        int32_t *s = st->s[next & 1][0];
        const int32_t *offset = args->k_offset + next * NPU_KEY_BLOCK;
        npu_block_factors_avx2(st, q_scale, args->k_scale[b], b);
        for (int p = 0; p < 4; p++) {
            npu_softmax_int_avx2(st, b, npu_first_avx2(m, p), npu_first_avx2(m, p + 1),
                                 args->n - b * NPU_KEY_BLOCK,
                                 bytes == 1 ? NPU_NUMERATORS_8 : args->numerators, bytes);
            if (next < blocks)
                npu_panel_avx2(s, tile, offset, q, ldq, args->k, next, p, m, bytes);
        }
        for (int p = 0; p < 4; p++) {
            npu_panel_avx2(st->a[0], tile, zeros, st->p, ldp, args->v, b, p, m, bytes);
            if (next < blocks)
                npu_block_maxima_avx2(st, next, npu_first_avx2(m, p), npu_first_avx2(m, p + 1));
        }
        npu_add_values_avx2(st, args->v_scale + b * NPU_HEAD_DIM, m);
    }
    for (int i = 0; i < m; i++) {
        float sum = npu_sum16_f32_avx2(_mm256_load_ps(st->l[i]), _mm256_load_ps(st->l[i] + 8));
        __m256 scale = _mm256_set1_ps(1.0f / sum);
        for (int d = 0; d < NPU_HEAD_DIM; d += 8)
            _mm256_storeu_ps(args->out + (i0 + i) * args->ldo + d,
                             _mm256_mul_ps(_mm256_load_ps(st->o[i] + d), scale));
    }
}

static inline void npu_attention_int_avx2(const struct npu_attention_int_args *args, void *scratch,
                                          npu_tile_int_fn *tile, int bytes)
{
    assert(args->m >= 1 && args->n >= 1 && args->n <= 1536);
    for (int i = 0; i < args->m; i += NPU_QUERIES)
        npu_attention_rows_avx2(args, i, args->m - i < NPU_QUERIES ? args->m - i : NPU_QUERIES,
                                scratch, tile, bytes);
}

#endif /* NPU_KERNELS_AVX2_ATTENTION_INT_H */
