/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX2_INT_H
#define NPU_KERNELS_AVX2_INT_H
/* The integer kernels around the products, on 8 lanes; the folders that include this differ in
 * the products and in the operand width alone. */
#include "kernels/avx2/math_f32.h"
#include "kernels/avx2/tile_int.h"
#include "kernels/avx2/init.h"
#include "kernels/ref/exp2_f32.h"
#include "kernels/ref/gelu_int.h"
#include "kernels/ref/int.h"

#include <assert.h>

#define NPU_INT_ROWS 6 /* of a tile */

static inline __m256i npu_load8_s32(const int32_t *x)
{
    return _mm256_loadu_si256((const __m256i *)x);
}

/* The first n of 8 integers, then zeros; as npu_load8_upto(). */
static inline __m256i npu_load8_s32_upto(const int32_t *x, int n)
{
    if (n >= 8)
        return npu_load8_s32(x);
    int32_t head[8] = {0};
    for (int i = 0; i < n; i++)
        head[i] = x[i];
    return npu_load8_s32(head);
}

static inline float npu_max8_f32_avx2(__m256 x)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

/* ---- gemm ---- */

/* Entries of a table of 16 by the low 4 bits of the indices. */
static inline __m256 npu_look_up_avx2(const float c[16], __m256i i)
{
    __m256 low = _mm256_permutevar8x32_ps(_mm256_load_ps(c), i);
    __m256 high = _mm256_permutevar8x32_ps(_mm256_load_ps(c + 8), i);
    return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(i, 28)));
}

static inline __m256 npu_gelu_int_avx2(__m256 x)
{
    static const _Alignas(32) float c[4][16] = {
        {NPU_GELU_INT_C0}, {NPU_GELU_INT_C1}, {NPU_GELU_INT_C2}, {NPU_GELU_INT_C3}};
    __m256 t = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
    t = _mm256_min_ps(t, _mm256_set1_ps(NPU_GELU_INT_LIMIT));
    __m256i i = _mm256_castps_si256(
        _mm256_fmadd_ps(t, _mm256_set1_ps(NPU_GELU_INT_SCALE), _mm256_set1_ps(NPU_GELU_INT_ROUND)));
    __m256 g = npu_look_up_avx2(c[3], i);
    for (int k = 2; k >= 0; k--)
        g = _mm256_fmadd_ps(g, t, npu_look_up_avx2(c[k], i));
    return _mm256_sub_ps(_mm256_max_ps(_mm256_setzero_ps(), x), g);
}

/* Bytes of B in a group of panels: half of the L2 cache of the smallest AVX2 processors. */
#define NPU_INT_GROUP_BYTES (128 * 1024)

/* Rows i0 .. i0 + m of columns j .. j + 8, the last n - j where that is less: sums, and those of
 * the tail where there is one, to result. */
static inline void npu_epilogue_int_avx2(const struct npu_gemm_int_args *args, const int32_t *t,
                                         const int32_t *tail, int i0, int m, int j, int bytes)
{
    bool whole = j + 8 <= args->n;
    __m256i mask = npu_mask8(args->n - j);
    __m256 scale = npu_load8_upto(args->b_scale + j, args->n - j);
    __m256 bias = npu_load8_upto(args->bias + j, args->n - j);
    __m256i sum = _mm256_setzero_si256();
    __m256 tail_scale = bias;
    if (bytes == 1)
        sum = npu_load8_s32_upto(args->b_sum + j, args->n - j);
    if (args->tail.k)
        tail_scale = npu_load8_upto(args->tail.b_scale + j, args->n - j);
    for (int i = i0; i < i0 + m; i++, t += NPU_INT_NR_AVX2, tail += NPU_INT_NR_AVX2) {
        __m256i s = npu_load8_s32(t);
        if (bytes == 1)
            s = _mm256_sub_epi32(s, _mm256_mullo_epi32(sum, _mm256_set1_epi32(args->a_zero[i])));
        __m256 both = _mm256_mul_ps(_mm256_set1_ps(args->a_scale[i]), scale);
        __m256 x = bias;
        if (args->tail.k) {
            __m256 factor = _mm256_mul_ps(_mm256_set1_ps(args->tail.a_scale[i]), tail_scale);
            x = _mm256_fmadd_ps(_mm256_cvtepi32_ps(npu_load8_s32(tail)), factor, x);
        }
        x = _mm256_fmadd_ps(_mm256_cvtepi32_ps(s), both, x);
        if (args->flags & NPU_GEMM_GELU)
            x = npu_gelu_int_avx2(x);
        if (args->r)
            x = _mm256_add_ps(x, npu_load8_upto(args->r + i * args->ldr + j, args->n - j));
        if (whole)
            _mm256_storeu_ps(args->c + i * args->ldc + j, x);
        else
            _mm256_maskstore_ps(args->c + i * args->ldc + j, mask, x);
    }
}

/* The tail's sums of rows i0 .. i0 + m, panel j0. */
static inline void npu_tail_int_avx2(const struct npu_gemm_int_args *args, npu_tile_int_fn *wide,
                                     int32_t *t, int i0, int m, int j0)
{
    static const int32_t zeros[NPU_INT_NR_AVX2];
    const struct npu_gemm_tail *tail = &args->tail;
    wide(t, NPU_INT_NR_AVX2 * 4, zeros, tail->a + i0 * tail->lda, tail->lda * 2,
         (const char *)tail->b + (size_t)j0 * (size_t)tail->k * 2, m, tail->k);
}

/* Groups of panels outside, rows, then the panels of the group, as in gemm_f32. `wide`: the tile of
 * s16. */
static inline void npu_gemm_int_avx2(const struct npu_gemm_int_args *args, npu_tile_int_fn *tile,
                                     npu_tile_int_fn *wide, int bytes)
{
    static const int32_t zeros[NPU_INT_NR_AVX2];
    _Alignas(64) int32_t t[NPU_INT_ROWS * NPU_INT_NR_AVX2], rest[NPU_INT_ROWS * NPU_INT_NR_AVX2];
    assert(args->tail.k % 4 == 0);
    assert(args->m >= 1 && args->n >= 1 && args->k >= 4 && args->k % 4 == 0);
    assert(args->ldc >= args->n && (!args->r || args->ldr >= args->n));
    const int nr = NPU_INT_NR_AVX2;
    int fit = NPU_INT_GROUP_BYTES / (nr * args->k * bytes);
    int group = fit > 1 ? fit * nr : nr;
    for (int g0 = 0; g0 < args->n; g0 += group) {
        int end = args->n - g0 < group ? args->n : g0 + group;
        for (int i0 = 0; i0 < args->m; i0 += NPU_INT_ROWS) {
            int m = args->m - i0 < NPU_INT_ROWS ? args->m - i0 : NPU_INT_ROWS;
            const char *a = (const char *)args->a + i0 * args->lda * bytes;
            for (int j0 = g0; j0 < end; j0 += nr) {
                const char *b =
                    (const char *)args->b + (size_t)j0 * (size_t)args->k * (size_t)bytes;
                tile(t, nr * 4, zeros, a, args->lda * bytes, b, m, args->k);
                if (args->tail.k)
                    npu_tail_int_avx2(args, wide, rest, i0, m, j0);
                for (int j = 0; j < nr && j0 + j < args->n; j += 8)
                    npu_epilogue_int_avx2(args, t + j, rest + j, i0, m, j0 + j, bytes);
            }
        }
    }
}

/* ---- quantisation ---- */

/* 16 integers to operands by their low bits: lo is 0 .. 7, hi is 8 .. 15. */
static inline void npu_store_int_avx2(void *dst, ptrdiff_t at, int bytes, __m256i lo, __m256i hi)
{
    const __m256i low = _mm256_set1_epi32(bytes == 1 ? 0xff : 0xffff);
    __m256i w = _mm256_packus_epi32(_mm256_and_si256(lo, low), _mm256_and_si256(hi, low));
    w = _mm256_permute4x64_epi64(w, 0xd8);
    if (bytes == 1)
        _mm_storeu_si128(
            (__m128i *)((uint8_t *)dst + at),
            _mm_packus_epi16(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1)));
    else
        _mm256_storeu_si256((__m256i *)((int16_t *)dst + at), w);
}

/* rint(x * factor) of 8 floats as integers. */
static inline __m256i npu_rint_avx2(const float *x, __m256 factor)
{
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), factor));
}

/* The lanes' largest magnitudes of n floats and of `big`. */
static inline __m256 npu_largest_avx2(__m256 big, const float *x, int n)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 other = big;
    for (int j = 0; j < n; j += 16) {
        big = _mm256_max_ps(big, _mm256_andnot_ps(sign, _mm256_loadu_ps(x + j)));
        other = _mm256_max_ps(other, _mm256_andnot_ps(sign, _mm256_loadu_ps(x + j + 8)));
    }
    return _mm256_max_ps(big, other);
}

static inline void npu_quant_symmetric_avx2(const struct npu_quant_args *a, int i, int bytes)
{
    const float *x = a->x + i * a->ldx;
    float big = npu_max8_f32_avx2(npu_largest_avx2(_mm256_setzero_ps(), x, a->n));
    __m256 factor = _mm256_set1_ps(big >= NPU_QUANT_SMALLEST ? (float)a->q_max / big : 0.0f);
    __m256i zero = _mm256_set1_epi32(bytes == 1 ? NPU_SYMMETRIC_ZERO : 0);
    a->scale[i] = big / (float)a->q_max;
    a->zero[i] = NPU_SYMMETRIC_ZERO;
    for (int j = 0; j < a->n; j += 16)
        npu_store_int_avx2(a->dst, i * a->ldd + j, bytes,
                           _mm256_add_epi32(npu_rint_avx2(x + j, factor), zero),
                           _mm256_add_epi32(npu_rint_avx2(x + j + 8, factor), zero));
}

static inline void npu_quant_asymmetric_avx2(const struct npu_quant_args *a, int i, int bytes)
{
    const float *x = a->x + i * a->ldx;
    __m256 lo0 = _mm256_setzero_ps(), hi0 = lo0, lo1 = lo0, hi1 = lo0;
    for (int j = 0; j < a->n; j += 16) {
        __m256 v0 = _mm256_loadu_ps(x + j), v1 = _mm256_loadu_ps(x + j + 8);
        lo0 = _mm256_min_ps(lo0, v0);
        hi0 = _mm256_max_ps(hi0, v0);
        lo1 = _mm256_min_ps(lo1, v1);
        hi1 = _mm256_max_ps(hi1, v1);
    }
    __m256 below = _mm256_sub_ps(_mm256_setzero_ps(), _mm256_min_ps(lo0, lo1));
    float least = -npu_max8_f32_avx2(below);
    float width = npu_max8_f32_avx2(_mm256_max_ps(hi0, hi1)) - least;
    float factor = width >= NPU_QUANT_SMALLEST ? (float)a->q_max / width : 0.0f;
    int32_t zero = _mm_cvtss_si32(_mm_set_ss(-least * factor));
    a->scale[i] = width / (float)a->q_max;
    a->zero[i] = zero;
    __m256 by = _mm256_set1_ps(factor);
    __m256i top = _mm256_sub_epi32(_mm256_set1_epi32(a->q_max), _mm256_set1_epi32(zero));
    __m256i add = _mm256_set1_epi32(bytes == 1 ? zero : 0);
    for (int j = 0; j < a->n; j += 16) {
        __m256i q0 = _mm256_min_epi32(npu_rint_avx2(x + j, by), top);
        __m256i q1 = _mm256_min_epi32(npu_rint_avx2(x + j + 8, by), top);
        npu_store_int_avx2(a->dst, i * a->ldd + j, bytes, _mm256_add_epi32(q0, add),
                           _mm256_add_epi32(q1, add));
    }
}

static inline void npu_quant_avx2(const struct npu_quant_args *args, int bytes)
{
    assert(args->m >= 1 && args->n >= 16 && args->n % 16 == 0);
    assert(bytes == 2 || args->q_max <= (args->asymmetric ? 255 : 127));
    for (int i = 0; i < args->m; i++) {
        if (args->asymmetric)
            npu_quant_asymmetric_avx2(args, i, bytes);
        else
            npu_quant_symmetric_avx2(args, i, bytes);
    }
}

/* Bytes of packed B between two groups of k. */
#define NPU_GROUP_STRIDE (NPU_INT_NR_AVX2 * 4)

static inline int32_t npu_sum8_s32_avx2(__m256i x)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

/* One key's 64 integers, 4 bytes at a time to the places of output j; returns their sum. */
static inline int32_t npu_place_key_avx2(char *dst, const float *k, __m256 factor, int j, int bytes)
{
    _Alignas(64) char row[NPU_HEAD_DIM * 2];
    __m256i sum = _mm256_setzero_si256();
    for (int d = 0; d < NPU_HEAD_DIM; d += 16) {
        __m256i q0 = npu_rint_avx2(k + d, factor), q1 = npu_rint_avx2(k + d + 8, factor);
        npu_store_int_avx2(row, d, bytes, q0, q1);
        sum = _mm256_add_epi32(sum, _mm256_add_epi32(q0, q1));
    }
    int groups = NPU_HEAD_DIM * bytes / 4;
    dst +=
        (size_t)(j / NPU_INT_NR_AVX2) * (size_t)groups * NPU_GROUP_STRIDE + j % NPU_INT_NR_AVX2 * 4;
    for (int g = 0; g < groups; g++)
        memcpy(dst + g * NPU_GROUP_STRIDE, row + 4 * g, 4);
    return npu_sum8_s32_avx2(sum);
}

static inline void npu_pack_k_avx2(void *dst, int32_t *offset, float *scale, const float *k,
                                   ptrdiff_t ld, int rows, int q_max, int bytes)
{
    __m256 lanes = _mm256_setzero_ps();
    assert(rows >= 1 && rows <= NPU_KEY_BLOCK);
    for (int j = 0; j < rows; j++)
        lanes = npu_largest_avx2(lanes, k + j * ld, NPU_HEAD_DIM);
    float big = npu_max8_f32_avx2(lanes);
    __m256 factor = _mm256_set1_ps(big >= NPU_QUANT_SMALLEST ? (float)q_max / big : 0.0f);
    *scale = big / (float)q_max;
    if (rows < NPU_KEY_BLOCK)
        memset(dst, 0, (size_t)(NPU_KEY_BLOCK * NPU_HEAD_DIM * bytes));
    for (int j = 0; j < rows; j++) {
        int32_t sum = npu_place_key_avx2(dst, k + j * ld, factor, j, bytes);
        offset[j] = bytes == 1 ? -NPU_SYMMETRIC_ZERO * sum : 0;
    }
    for (int j = rows; j < NPU_KEY_BLOCK; j++)
        offset[j] = NPU_NO_SCORE;
}

/* The 8 dimensions from v of g successive keys, one group of operands a lane. */
static inline __m256i npu_group_keys_avx2(const float *v, ptrdiff_t ld, int rows, __m256 factor,
                                          int bytes)
{
    int g = 4 / bytes;
    __m256i low = _mm256_set1_epi32(bytes == 1 ? 0xff : 0xffff), group = _mm256_setzero_si256();
    for (int t = 0; t < g && t < rows; t++) {
        __m256i q = _mm256_and_si256(npu_rint_avx2(v + t * ld, factor), low);
        group = _mm256_or_si256(group, _mm256_slli_epi32(q, 8 * bytes * t));
    }
    return group;
}

static inline void npu_pack_v_avx2(void *dst, float *scale, const float *v, ptrdiff_t ld, int rows,
                                   int q_max, int bytes)
{
    const __m256 sign = _mm256_set1_ps(-0.0f), top = _mm256_set1_ps((float)q_max);
    int g = 4 / bytes, groups = NPU_KEY_BLOCK / g;
    assert(rows >= 1 && rows <= NPU_KEY_BLOCK);
    for (int d = 0; d < NPU_HEAD_DIM; d += 8, v += 8) {
        __m256 big = _mm256_setzero_ps();
        for (int j = 0; j < rows; j++)
            big = _mm256_max_ps(big, _mm256_andnot_ps(sign, _mm256_loadu_ps(v + j * ld)));
        __m256 some = _mm256_cmp_ps(big, _mm256_set1_ps(NPU_QUANT_SMALLEST), _CMP_GE_OQ);
        __m256 factor = _mm256_and_ps(_mm256_div_ps(top, big), some);
        _mm256_storeu_ps(scale + d, _mm256_div_ps(big, top));
        char *to = (char *)dst + (size_t)(d / NPU_INT_NR_AVX2) * (size_t)groups * NPU_GROUP_STRIDE +
                   d % NPU_INT_NR_AVX2 * 4;
        for (int at = 0; at < groups; at++, to += NPU_GROUP_STRIDE)
            _mm256_storeu_si256((__m256i *)to, npu_group_keys_avx2(v + at * g * ld, ld,
                                                                   rows - at * g, factor, bytes));
    }
}

#endif /* NPU_KERNELS_AVX2_INT_H */
