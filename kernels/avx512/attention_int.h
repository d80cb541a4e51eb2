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

#define NPU_ATTENTION_TURN 3 /* queries whose softmax runs between two products */

/* For these queries, in the caller's scratch; [2]: of this block of keys and the one beside. */
struct npu_attention_avx512 {
    int32_t s[2][NPU_ATTENTION_INT_ROWS][NPU_KEY_BLOCK]; /* scores */
    int32_t a[NPU_ATTENTION_INT_ROWS][NPU_HEAD_DIM];     /* sums over the values */
    int16_t p[2][NPU_ATTENTION_INT_ROWS]
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
static inline __m512i npu_rint_exp2_avx512(__m512 x)
{
    __m512 f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(NPU_EXP2_F32_C3), f, _mm512_set1_ps(NPU_EXP2_F32_C2));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(NPU_EXP2_F32_C1));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    return _mm512_cvtps_epi32(_mm512_scalef_ps(p, x));
}

/* 64 s32 of 0 .. 255 to bytes in order. */
static inline __m512i npu_pack_bytes_avx512(const __m512i x[4])
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i low = _mm512_packs_epi32(x[0], x[1]), high = _mm512_packs_epi32(x[2], x[3]);
    return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high));
}

/* The first `valid` of 64 bytes. */
static inline __mmask64 npu_mask64(int valid)
{
    return valid >= 64 ? ~0ull : (1ull << valid) - 1;
}

#if defined(__AVX512VBMI__)
/* The numerators of 8 bits by the table of 256. */
struct npu_numerator_table {
    __m512i quarter[4];
};
static inline struct npu_numerator_table npu_numerator_table(void)
{
    _Alignas(64) uint8_t p[256];
    struct npu_numerator_table table;
    for (int i = 0; i < 256; i += 16) {
        const __m512 ramp = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        __m512 x = _mm512_fmadd_ps(_mm512_add_ps(ramp, _mm512_set1_ps((float)i)),
                                   _mm512_set1_ps(NPU_NUMERATOR_STEP),
                                   _mm512_set1_ps(NPU_NUMERATOR_LOG2_8));
        _mm_store_si128((__m128i *)(p + i), _mm512_cvtepi32_epi8(npu_rint_exp2_avx512(x)));
    }
    for (int i = 0; i < 4; i++)
        table.quarter[i] = _mm512_load_si512(p + 64 * i);
    return table;
}

static inline __m512i npu_look_up_avx512(const struct npu_numerator_table *t, __m512i i)
{
    __m512i low = _mm512_permutex2var_epi8(t->quarter[0], i, t->quarter[1]);
    __m512i high = _mm512_permutex2var_epi8(t->quarter[2], i, t->quarter[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(i), low, high);
}
#else
struct npu_numerator_table {
    char unused;
};
static inline struct npu_numerator_table npu_numerator_table(void)
{
    return (struct npu_numerator_table){0};
}
#endif

/* One query's numerators of 8 bits, in order; `steps` of the table for an integer of score. */
static inline __m512i npu_numerators_8_avx512(const int32_t *s, __m512i max, __m512 steps,
                                              const struct npu_numerator_table *table)
{
    __m512i x[4];
    for (int v = 0; v < 4; v++) {
        __m512i below = _mm512_sub_epi32(max, _mm512_load_si512(s + 16 * v));
        __m512 i = _mm512_mul_ps(_mm512_cvtepi32_ps(below), steps);
        x[v] = _mm512_cvtps_epi32(_mm512_min_ps(i, _mm512_set1_ps(NPU_NUMERATOR_LAST)));
    }
#if defined(__AVX512VBMI__)
    return npu_look_up_avx512(table, npu_pack_bytes_avx512(x));
#else
    for (int v = 0; v < 4; v++) {
        __m512 i = _mm512_cvtepi32_ps(x[v]);
        x[v] = npu_rint_exp2_avx512(_mm512_fmadd_ps(i, _mm512_set1_ps(NPU_NUMERATOR_STEP),
                                                    _mm512_set1_ps(NPU_NUMERATOR_LOG2_8)));
    }
    return npu_pack_bytes_avx512(x);
#endif
}

/* 64 s32 of 0 .. 32767 to s16 in order. */
static inline void npu_pack_words_avx512(__m512i out[2], const __m512i x[4])
{
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    out[0] = _mm512_permutexvar_epi64(order, _mm512_packs_epi32(x[0], x[1]));
    out[1] = _mm512_permutexvar_epi64(order, _mm512_packs_epi32(x[2], x[3]));
}

/* One query's numerators of 13 bits, in order. */
static inline void npu_numerators_13_avx512(__m512i out[2], const int32_t *s, __m512i max, __m512 c)
{
    __m512i x[4];
    for (int v = 0; v < 4; v++) {
        __m512i below = _mm512_sub_epi32(max, _mm512_load_si512(s + 16 * v));
        x[v] = npu_rint_exp2_avx512(
            _mm512_fnmadd_ps(_mm512_cvtepi32_ps(below), c, _mm512_set1_ps(NPU_NUMERATOR_LOG2_13)));
    }
    npu_pack_words_avx512(out, x);
}

/* Sums of four neighbours: of bytes, and of s16 in two vectors. */
static inline __m512i npu_sum_bytes_avx512(__m512i p)
{
    __m512i pairs = _mm512_maddubs_epi16(p, _mm512_set1_epi8(1));
    return _mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
}

static inline __m512i npu_sum_words_avx512(const __m512i p[2])
{
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i ones = _mm512_set1_epi16(1), odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    __m512i low = _mm512_madd_epi16(p[0], ones), high = _mm512_madd_epi16(p[1], ones);
    return _mm512_add_epi32(_mm512_permutex2var_epi32(low, even, high),
                            _mm512_permutex2var_epi32(low, odd, high));
}

/* The largest of a query's 64 scores, 16 lanes of it. */
static inline __m512i npu_row_maxima_avx512(const int32_t *s)
{
    __m512i low = _mm512_max_epi32(_mm512_load_si512(s), _mm512_load_si512(s + 16));
    __m512i high = _mm512_max_epi32(_mm512_load_si512(s + 32), _mm512_load_si512(s + 48));
    return _mm512_max_epi32(low, high);
}

/* Of four queries at a time, so that one reduction serves all; rows past m hold anything. */
static inline void npu_block_maxima_avx512(struct npu_attention_avx512 *st, int b, int m)
{
    for (int i = 0; i < m; i += 4) {
        const int32_t(*s)[NPU_KEY_BLOCK] = &st->s[b & 1][i];
        __m512i r0 = npu_row_maxima_avx512(s[0]), r1 = npu_row_maxima_avx512(s[1]);
        __m512i r2 = npu_row_maxima_avx512(s[2]), r3 = npu_row_maxima_avx512(s[3]);
        __m512i r01 =
            _mm512_max_epi32(_mm512_unpacklo_epi32(r0, r1), _mm512_unpackhi_epi32(r0, r1));
        __m512i r23 =
            _mm512_max_epi32(_mm512_unpacklo_epi32(r2, r3), _mm512_unpackhi_epi32(r2, r3));
        __m512i x =
            _mm512_max_epi32(_mm512_unpacklo_epi64(r01, r23), _mm512_unpackhi_epi64(r01, r23));
        x = _mm512_max_epi32(x, _mm512_shuffle_i32x4(x, x, 0x4e));
        x = _mm512_max_epi32(x, _mm512_shuffle_i32x4(x, x, 0xb1));
        _mm_store_si128((__m128i *)(st->block_max + i), _mm512_castsi512_si128(x));
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

/* L = L * alpha + t * beta of query i. */
static inline void npu_add_sums_avx512(struct npu_attention_avx512 *st, int b, int i, __m512i t)
{
    __m512 l = _mm512_mul_ps(_mm512_load_ps(st->l[i]), _mm512_set1_ps(st->alpha[b & 1][i]));
    __m512 beta = _mm512_set1_ps(st->beta[b & 1][i]);
    _mm512_store_ps(st->l[i], _mm512_fmadd_ps(_mm512_cvtepi32_ps(t), beta, l));
}

/* Scores of the queries first .. end to numerators in bytes; keys past the first `valid` count
 * nothing. */
static inline void npu_numerator_bytes_avx512(struct npu_attention_avx512 *st, int b, int first,
                                              int end, int valid,
                                              const struct npu_numerator_table *table)
{
    for (int i = first; i < end; i++) {
        __m512i p = npu_numerators_8_avx512(st->s[b & 1][i], _mm512_set1_epi32(st->block_max[i]),
                                            _mm512_set1_ps(st->c[i] * NPU_NUMERATOR_STEPS), table);
        p = _mm512_maskz_mov_epi8(npu_mask64(valid), p);
        _mm512_store_si512((char *)st->p[b & 1] + i * NPU_KEY_BLOCK, p);
        npu_add_sums_avx512(st, b, i, npu_sum_bytes_avx512(p));
    }
}

/* The same in s16. */
static inline void npu_numerator_words_avx512(struct npu_attention_avx512 *st, int b, int first,
                                              int end, int valid, enum npu_numerators kind,
                                              const struct npu_numerator_table *table)
{
    for (int i = first; i < end; i++) {
        const int32_t *s = st->s[b & 1][i];
        __m512i max = _mm512_set1_epi32(st->block_max[i]), p[2];
        __m512 c = _mm512_set1_ps(st->c[i]);
        if (kind == NPU_NUMERATORS_8) {
            __m512 steps = _mm512_mul_ps(c, _mm512_set1_ps(NPU_NUMERATOR_STEPS));
            __m512i bytes = npu_numerators_8_avx512(s, max, steps, table);
            p[0] = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(bytes));
            p[1] = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(bytes, 1));
        } else {
            npu_numerators_13_avx512(p, s, max, c);
        }
        for (int v = 0; v < 2; v++) {
            __mmask32 mask = (__mmask32)npu_mask64(valid > 32 * v ? valid - 32 * v : 0);
            p[v] = _mm512_maskz_mov_epi16(mask, p[v]);
            _mm512_store_si512(st->p[b & 1][i] + 32 * v, p[v]);
        }
        npu_add_sums_avx512(st, b, i, npu_sum_words_avx512(p));
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

/* What stays the same over the blocks of a call for up to 12 queries. */
struct npu_attention_call {
    const struct npu_attention_int_args *args;
    const struct npu_numerator_table *table;
    struct npu_attention_avx512 *st;
    npu_tile_int_fn *tile;
    const char *q;
    int m, bytes;
};

/* Scores of block b, one of two panels. */
static inline void npu_scores_avx512(const struct npu_attention_call *c, int b, int panel)
{
    npu_panel_avx512(c->st->s[b & 1][0], c->tile, c->args->k_offset + b * NPU_KEY_BLOCK, c->q,
                     c->args->ldq * c->bytes, c->args->k, b, panel, c->m, c->bytes);
}

/* Sums over the values of block b, one of two panels. */
static inline void npu_values_avx512(const struct npu_attention_call *c, int b, int panel)
{
    static const int32_t zeros[NPU_HEAD_DIM];
    npu_panel_avx512(c->st->a[0], c->tile, zeros, c->st->p[b & 1], NPU_KEY_BLOCK * c->bytes,
                     c->args->v, b, panel, c->m, c->bytes);
}

/* Numerators of block b, one of four turns of queries. */
static inline void npu_turn_avx512(const struct npu_attention_call *c, int b, int turn)
{
    int first = turn * NPU_ATTENTION_TURN, end = first + NPU_ATTENTION_TURN;
    int valid = c->args->n - b * NPU_KEY_BLOCK;
    end = end < c->m ? end : c->m;
    if (c->bytes == 1)
        npu_numerator_bytes_avx512(c->st, b, first, end, valid, c->table);
    else
        npu_numerator_words_avx512(c->st, b, first, end, valid, c->args->numerators, c->table);
}

/* All blocks. Between two products (the next block's scores, the last block's values) comes a turn
 * of this block's softmax: neither needs the other, and a turn is short enough for the processor to
 * look past it and keep all its pipes busy. */
static inline void npu_attention_rows_avx512(const struct npu_attention_call *c, int i0)
{
    const struct npu_attention_int_args *args = c->args;
    const int blocks = (args->n + NPU_KEY_BLOCK - 1) / NPU_KEY_BLOCK;
    __m512 q_scale = _mm512_maskz_loadu_ps(npu_mask16(c->m), args->q_scale + i0);
    npu_attention_start_avx512(c->st);
    npu_scores_avx512(c, 0, 0);
    npu_scores_avx512(c, 0, 1);
    for (int b = 0; b < blocks; b++) {
        npu_block_maxima_avx512(c->st, b, c->m);
        npu_block_factors_avx512(c->st, q_scale, args->k_scale[b], b);
        for (int panel = 0; panel < 2; panel++) {
            if (b + 1 < blocks)
                npu_scores_avx512(c, b + 1, panel);
            npu_turn_avx512(c, b, 2 * panel);
            if (b > 0)
                npu_values_avx512(c, b - 1, panel);
            npu_turn_avx512(c, b, 2 * panel + 1);
        }
        if (b > 0)
            npu_add_values_avx512(c->st, b - 1, c->m, args->v_scale + (b - 1) * NPU_HEAD_DIM);
    }
    npu_values_avx512(c, blocks - 1, 0);
    npu_values_avx512(c, blocks - 1, 1);
    npu_add_values_avx512(c->st, blocks - 1, c->m, args->v_scale + (blocks - 1) * NPU_HEAD_DIM);
    npu_attention_finish_avx512(args, c->st, i0, c->m);
}

static inline void npu_attention_int_avx512(const struct npu_attention_int_args *args,
                                            void *scratch, npu_tile_int_fn *tile, int bytes)
{
    const struct npu_numerator_table table = npu_numerator_table();
    struct npu_attention_call call = {args, &table, scratch, tile, NULL, 0, bytes};
    assert(args->m >= 1 && args->n >= 1 && args->n <= 1536);
    for (int i = 0; i < args->m; i += NPU_INT_ROWS) {
        call.q = (const char *)args->q + i * args->ldq * bytes;
        call.m = args->m - i < NPU_INT_ROWS ? args->m - i : NPU_INT_ROWS;
        npu_attention_rows_avx512(&call, i);
    }
}

#endif /* NPU_KERNELS_AVX512_ATTENTION_INT_H */
