/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX512_INT_H
#define NPU_KERNELS_AVX512_INT_H
/* The integer kernels around the products, on 16 lanes; the folders that include this differ in
 * the products and in the operand width alone. */
#include "kernels/avx512/math_f32.h"
#include "kernels/avx512/tile_int.h"
#include "kernels/avx512/tile_turn.h"
#include "kernels/avx512/init.h"
#include "kernels/ref/exp2_f32.h"
#include "kernels/ref/gelu_int.h"
#include "kernels/ref/int.h"

#include <assert.h>

#define NPU_INT_ROWS 12 /* of a tile */

/* ---- gemm ---- */

static inline __m512 npu_gelu_int_avx512(__m512 x)
{
    static const _Alignas(64) float c[4][16] = {
        {NPU_GELU_INT_C0}, {NPU_GELU_INT_C1}, {NPU_GELU_INT_C2}, {NPU_GELU_INT_C3}};
    __m512 t = _mm512_min_ps(_mm512_abs_ps(x), _mm512_set1_ps(NPU_GELU_INT_LIMIT));
    __m512i i = _mm512_castps_si512(
        _mm512_fmadd_ps(t, _mm512_set1_ps(NPU_GELU_INT_SCALE), _mm512_set1_ps(NPU_GELU_INT_ROUND)));
    __m512 g = _mm512_permutexvar_ps(i, _mm512_load_ps(c[3]));
    for (int k = 2; k >= 0; k--)
        g = _mm512_fmadd_ps(g, t, _mm512_permutexvar_ps(i, _mm512_load_ps(c[k])));
    return _mm512_sub_ps(_mm512_max_ps(_mm512_setzero_ps(), x), g);
}

/* Bytes of B in a group of panels: with the rows of a tile they fit an L2 cache of 1 MiB. */
#define NPU_INT_GROUP_BYTES (384 * 1024)

/* Rows i0 .. i0 + m of panel columns j0 .. j0 + 32: sums, and those of the tail where there is one,
 * to result. */
static inline void npu_epilogue_int_avx512(const struct npu_gemm_int_args *args, const int32_t *t,
                                           const int32_t *tail, int i0, int m, int j0, int bytes)
{
    for (int j = j0; j < j0 + NPU_INT_NR_AVX512 && j < args->n; j += 16, t += 16, tail += 16) {
        __mmask16 mask = npu_mask16(args->n - j);
        __m512 bias = _mm512_maskz_loadu_ps(mask, args->bias + j);
        __m512 scale = _mm512_maskz_loadu_ps(mask, args->b_scale + j), tail_scale = bias;
        if (args->tail.k)
            tail_scale = _mm512_maskz_loadu_ps(mask, args->tail.b_scale + j);
        __m512i sum = _mm512_setzero_si512();
        if (bytes == 1)
            sum = _mm512_maskz_loadu_epi32(mask, args->b_sum + j);
        for (int i = 0; i < m; i++) {
            __m512i s = _mm512_load_si512(t + i * NPU_INT_NR_AVX512);
            if (bytes == 1)
                s = _mm512_sub_epi32(
                    s, _mm512_mullo_epi32(sum, _mm512_set1_epi32(args->a_zero[i0 + i])));
            __m512 both = _mm512_mul_ps(_mm512_set1_ps(args->a_scale[i0 + i]), scale);
            __m512 x = bias;
            if (args->tail.k) {
                __m512i rest = _mm512_load_si512(tail + i * NPU_INT_NR_AVX512);
                __m512 factor =
                    _mm512_mul_ps(_mm512_set1_ps(args->tail.a_scale[i0 + i]), tail_scale);
                x = _mm512_fmadd_ps(_mm512_cvtepi32_ps(rest), factor, x);
            }
            x = _mm512_fmadd_ps(_mm512_cvtepi32_ps(s), both, x);
            if (args->flags & NPU_GEMM_GELU)
                x = npu_gelu_int_avx512(x);
            if (args->r)
                x = _mm512_add_ps(x,
                                  _mm512_maskz_loadu_ps(mask, args->r + (i0 + i) * args->ldr + j));
            _mm512_mask_storeu_ps(args->c + (i0 + i) * args->ldc + j, mask, x);
        }
    }
}

/* Columns of a group of panels. */
static inline int npu_int_group_avx512(const struct npu_gemm_int_args *args, int bytes)
{
    int fit = NPU_INT_GROUP_BYTES / (NPU_INT_NR_AVX512 * args->k * bytes);
    return fit > 1 ? fit * NPU_INT_NR_AVX512 : NPU_INT_NR_AVX512;
}

/* The tail's sums of rows i0 .. i0 + m, panel j0. */
static inline void npu_tail_int_avx512(const struct npu_gemm_int_args *args, npu_tile_int_fn *wide,
                                       int32_t *t, int i0, int m, int j0)
{
    static const int32_t zeros[NPU_INT_NR_AVX512];
    const struct npu_gemm_tail *tail = &args->tail;
    wide(t, NPU_INT_NR_AVX512 * 4, zeros, tail->a + i0 * tail->lda, tail->lda * 2,
         (const char *)tail->b + (size_t)j0 * (size_t)tail->k * 2, m, tail->k);
}

/* Groups of panels outside, rows, then the panels of the group, as in gemm_f32. `wide`: the tile of
 * s16. */
static inline void npu_gemm_int_avx512(const struct npu_gemm_int_args *args, npu_tile_int_fn *tile,
                                       npu_tile_int_fn *wide, int bytes)
{
    static const int32_t zeros[NPU_INT_NR_AVX512];
    _Alignas(64) int32_t t[NPU_INT_ROWS * NPU_INT_NR_AVX512];
    _Alignas(64) int32_t rest[NPU_INT_ROWS * NPU_INT_NR_AVX512];
    assert(args->m >= 1 && args->n >= 1 && args->k >= 4 && args->k % 4 == 0);
    assert(args->tail.k % 4 == 0);
    assert(args->ldc >= args->n && (!args->r || args->ldr >= args->n));
    const int nr = NPU_INT_NR_AVX512;
    int group = npu_int_group_avx512(args, bytes);
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
                    npu_tail_int_avx512(args, wide, rest, i0, m, j0);
                npu_epilogue_int_avx512(args, t, rest, i0, m, j0, bytes);
            }
        }
    }
}

/* ---- gemm whose epilogues run between the next tile's products ---- */

/* A tile whose epilogue is still to be done; rows = 0: no tile. */
struct npu_pending_avx512 {
    _Alignas(64) int32_t t[2][NPU_INT_ROWS * NPU_INT_NR_AVX512]; /* sums, those of the tail */
    int i0, rows, j0;
};

static inline void npu_pending_finish_avx512(const struct npu_gemm_int_args *args,
                                             struct npu_pending_avx512 *p, int bytes)
{
    if (p->rows > 0)
        npu_epilogue_int_avx512(args, p->t[0], p->t[1], p->i0, p->rows, p->j0, bytes);
    p->rows = 0;
}

static inline void npu_turn_rows_avx512(const struct npu_gemm_int_args *args,
                                        struct npu_turn_row row[NPU_TURN_ROWS], int i0, int m,
                                        int bytes)
{
    for (int i = 0; i < m; i++)
        row[i] = (struct npu_turn_row){args->a_scale[i0 + i], bytes == 1 ? args->a_zero[i0 + i] : 0,
                                       args->tail.k ? args->tail.a_scale[i0 + i] : 0.0f, 0};
}

static inline struct npu_turn_avx512 npu_turn_of_avx512(const struct npu_gemm_int_args *args,
                                                        const struct npu_pending_avx512 *p,
                                                        const struct npu_turn_row *row)
{
    static const _Alignas(64) struct npu_turn_constants constants = {
        {{NPU_GELU_INT_C0}, {NPU_GELU_INT_C1}, {NPU_GELU_INT_C2}, {NPU_GELU_INT_C3}},
        NPU_GELU_INT_LIMIT,
        NPU_GELU_INT_SCALE,
        NPU_GELU_INT_ROUND,
        0x7fffffff};
    float *c = args->c + p->i0 * args->ldc + p->j0;
    const float *r = args->r ? args->r + p->i0 * args->ldr + p->j0 : c;
    return (struct npu_turn_avx512){
        .t = p->t[0],
        .row = row,
        .b_sum = args->b_sum + p->j0,
        .b_scale = args->b_scale + p->j0,
        .bias = args->bias + p->j0,
        .tail_scale = args->tail.k ? args->tail.b_scale + p->j0 : NULL,
        .constants = &constants,
        .c = c,
        .ldc = args->ldc * (ptrdiff_t)sizeof(float),
        .residual = (ptrdiff_t)((intptr_t)r - (intptr_t)c),
        .flags = (args->flags & NPU_GEMM_GELU ? NPU_TURN_GELU : 0) |
                 (args->r ? NPU_TURN_RESIDUAL : 0) | (args->tail.k ? NPU_TURN_TAIL : 0),
    };
}

/* Whether tiles are large enough for a turn and whole. */
static inline bool npu_can_turn_avx512(const struct npu_gemm_int_args *args, int bytes)
{
    return args->n % NPU_INT_NR_AVX512 == 0 && args->k * bytes % 16 == 0 &&
           args->k * bytes / 16 >= NPU_TURN_ROWS && (!args->r || args->ldr == args->ldc);
}

/* As npu_gemm_int_avx512(), for VNNI. */
static inline void npu_gemm_turns_avx512(const struct npu_gemm_int_args *args,
                                         npu_tile_int_fn *tile, npu_tile_int_fn *wide,
                                         npu_tile_turn_fn *with_turn, int bytes)
{
    static const int32_t zeros[NPU_INT_NR_AVX512];
    struct npu_pending_avx512 pending[2];
    struct npu_turn_row row[2][NPU_TURN_ROWS];
    const int nr = NPU_INT_NR_AVX512, group = npu_int_group_avx512(args, bytes);
    int now = 0, rows = 0;
    if (!npu_can_turn_avx512(args, bytes)) {
        npu_gemm_int_avx512(args, tile, wide, bytes);
        return;
    }
    pending[0].rows = pending[1].rows = 0;
    for (int g0 = 0; g0 < args->n; g0 += group) {
        int end = args->n - g0 < group ? args->n : g0 + group;
        for (int i0 = 0; i0 < args->m; i0 += NPU_INT_ROWS, rows ^= 1) {
            int m = args->m - i0 < NPU_INT_ROWS ? args->m - i0 : NPU_INT_ROWS;
            const char *a = (const char *)args->a + i0 * args->lda * bytes;
            npu_turn_rows_avx512(args, row[rows], i0, m, bytes);
            for (int j0 = g0; j0 < end; j0 += nr, now ^= 1) {
                struct npu_pending_avx512 *p = &pending[now], *last = &pending[now ^ 1];
                const char *b =
                    (const char *)args->b + (size_t)j0 * (size_t)args->k * (size_t)bytes;
                if (m == NPU_TURN_ROWS && last->rows == NPU_TURN_ROWS) {
                    const struct npu_turn_avx512 turn =
                        npu_turn_of_avx512(args, last, row[last->i0 == i0 ? rows : rows ^ 1]);
                    with_turn(p->t[0], a, args->lda * bytes, b, args->k * bytes / 16, &turn);
                    last->rows = 0;
                } else {
                    npu_pending_finish_avx512(args, last, bytes);
                    tile(p->t[0], nr * 4, zeros, a, args->lda * bytes, b, m, args->k);
                }
                if (args->tail.k)
                    npu_tail_int_avx512(args, wide, p->t[1], i0, m, j0);
                p->i0 = i0;
                p->rows = m;
                p->j0 = j0;
            }
        }
    }
    npu_pending_finish_avx512(args, &pending[now ^ 1], bytes);
}

/* ---- quantisation ---- */

static inline void npu_store_int_avx512(void *dst, ptrdiff_t at, int bytes, __m512i q, int32_t zero)
{
    if (bytes == 1)
        _mm_storeu_si128((__m128i *)((uint8_t *)dst + at),
                         _mm512_cvtepi32_epi8(_mm512_add_epi32(q, _mm512_set1_epi32(zero))));
    else
        _mm256_storeu_si256((__m256i *)((int16_t *)dst + at), _mm512_cvtepi32_epi16(q));
}

/* rint(x * factor) as integers. */
static inline __m512i npu_rint_avx512(__m512 x, __m512 factor)
{
    return _mm512_cvtps_epi32(_mm512_mul_ps(x, factor));
}

/* Four maxima at a time hide the latency; their order cannot show in the result. */
static inline float npu_largest_avx512(const float *x, int n)
{
    __m512 big[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                     _mm512_setzero_ps()};
    int j = 0;
    for (; j + 64 <= n; j += 64)
        for (int v = 0; v < 4; v++)
            big[v] = _mm512_max_ps(big[v], _mm512_abs_ps(_mm512_loadu_ps(x + j + 16 * v)));
    for (; j < n; j += 16)
        big[0] = _mm512_max_ps(big[0], _mm512_abs_ps(_mm512_loadu_ps(x + j)));
    return _mm512_reduce_max_ps(
        _mm512_max_ps(_mm512_max_ps(big[0], big[1]), _mm512_max_ps(big[2], big[3])));
}

/* The least and the largest of x and 0, in the same way. */
static inline void npu_range_avx512(const float *x, int n, float *least, float *most)
{
    __m512 lo[4], hi[4];
    int j = 0;
    for (int v = 0; v < 4; v++)
        lo[v] = hi[v] = _mm512_setzero_ps();
    for (; j + 64 <= n; j += 64) {
        for (int v = 0; v < 4; v++) {
            __m512 y = _mm512_loadu_ps(x + j + 16 * v);
            lo[v] = _mm512_min_ps(lo[v], y);
            hi[v] = _mm512_max_ps(hi[v], y);
        }
    }
    for (; j < n; j += 16) {
        __m512 y = _mm512_loadu_ps(x + j);
        lo[0] = _mm512_min_ps(lo[0], y);
        hi[0] = _mm512_max_ps(hi[0], y);
    }
    *least = _mm512_reduce_min_ps(
        _mm512_min_ps(_mm512_min_ps(lo[0], lo[1]), _mm512_min_ps(lo[2], lo[3])));
    *most = _mm512_reduce_max_ps(
        _mm512_max_ps(_mm512_max_ps(hi[0], hi[1]), _mm512_max_ps(hi[2], hi[3])));
}

static inline void npu_quant_symmetric_avx512(const struct npu_quant_args *a, int i, int bytes)
{
    const float *x = a->x + i * a->ldx;
    float big = npu_largest_avx512(x, a->n);
    __m512 factor = _mm512_set1_ps(big >= NPU_QUANT_SMALLEST ? (float)a->q_max / big : 0.0f);
    a->scale[i] = big / (float)a->q_max;
    a->zero[i] = NPU_SYMMETRIC_ZERO;
    for (int j = 0; j < a->n; j += 16)
        npu_store_int_avx512(a->dst, i * a->ldd + j, bytes,
                             npu_rint_avx512(_mm512_loadu_ps(x + j), factor), NPU_SYMMETRIC_ZERO);
}

static inline void npu_quant_asymmetric_avx512(const struct npu_quant_args *a, int i, int bytes)
{
    const float *x = a->x + i * a->ldx;
    float least, most;
    npu_range_avx512(x, a->n, &least, &most);
    float width = most - least;
    float factor = width >= NPU_QUANT_SMALLEST ? (float)a->q_max / width : 0.0f;
    int32_t zero = (int32_t)rintf(-least * factor);
    a->scale[i] = width / (float)a->q_max;
    a->zero[i] = zero;
    __m512i top = _mm512_set1_epi32(a->q_max - zero);
    for (int j = 0; j < a->n; j += 16) {
        __m512i q = npu_rint_avx512(_mm512_loadu_ps(x + j), _mm512_set1_ps(factor));
        npu_store_int_avx512(a->dst, i * a->ldd + j, bytes, _mm512_min_epi32(q, top), zero);
    }
}

static inline void npu_quant_avx512(const struct npu_quant_args *args, int bytes)
{
    assert(args->m >= 1 && args->n >= 16 && args->n % 16 == 0);
    for (int i = 0; i < args->m; i++) {
        if (args->asymmetric)
            npu_quant_asymmetric_avx512(args, i, bytes);
        else
            npu_quant_symmetric_avx512(args, i, bytes);
    }
}

/* Bytes of packed B between two groups of k. */
#define NPU_GROUP_STRIDE (NPU_INT_NR_AVX512 * 4)

/* One key's 64 integers, 4 bytes at a time to the places of output j; returns their sum. */
static inline int32_t npu_place_key_avx512(char *dst, const float *k, __m512 factor, int j,
                                           int bytes)
{
    _Alignas(64) char row[NPU_HEAD_DIM * 2];
    __m512i sum = _mm512_setzero_si512();
    for (int d = 0; d < NPU_HEAD_DIM; d += 16) {
        __m512i q = npu_rint_avx512(_mm512_loadu_ps(k + d), factor);
        npu_store_int_avx512(row, d, bytes, q, 0);
        sum = _mm512_add_epi32(sum, q);
    }
    int groups = NPU_HEAD_DIM * bytes / 4;
    dst += (size_t)(j / NPU_INT_NR_AVX512) * (size_t)groups * NPU_GROUP_STRIDE +
           j % NPU_INT_NR_AVX512 * 4;
    for (int g = 0; g < groups; g++)
        memcpy(dst + g * NPU_GROUP_STRIDE, row + 4 * g, 4);
    return _mm512_reduce_add_epi32(sum);
}

static inline void npu_pack_k_avx512(void *dst, int32_t *offset, float *scale, const float *k,
                                     ptrdiff_t ld, int rows, int q_max, int bytes)
{
    float big = 0.0f;
    assert(rows >= 1 && rows <= NPU_KEY_BLOCK);
    for (int j = 0; j < rows; j++)
        big = fmaxf(big, npu_largest_avx512(k + j * ld, NPU_HEAD_DIM));
    __m512 factor = _mm512_set1_ps(big >= NPU_QUANT_SMALLEST ? (float)q_max / big : 0.0f);
    *scale = big / (float)q_max;
    if (rows < NPU_KEY_BLOCK)
        memset(dst, 0, (size_t)(NPU_KEY_BLOCK * NPU_HEAD_DIM * bytes));
    for (int j = 0; j < rows; j++) {
        int32_t sum = npu_place_key_avx512(dst, k + j * ld, factor, j, bytes);
        offset[j] = bytes == 1 ? -NPU_SYMMETRIC_ZERO * sum : 0;
    }
    for (int j = rows; j < NPU_KEY_BLOCK; j++)
        offset[j] = NPU_NO_SCORE;
}

/* The 16 dimensions from d of g successive keys, one group of operands a lane. */
static inline __m512i npu_group_keys_avx512(const float *v, ptrdiff_t ld, int rows, __m512 factor,
                                            int bytes)
{
    int g = 4 / bytes;
    __m512i low = _mm512_set1_epi32(bytes == 1 ? 0xff : 0xffff), group = _mm512_setzero_si512();
    for (int t = 0; t < g && t < rows; t++) {
        __m512i q = npu_rint_avx512(_mm512_loadu_ps(v + t * ld), factor);
        q = _mm512_slli_epi32(_mm512_and_si512(q, low), (unsigned)(8 * bytes * t));
        group = _mm512_or_si512(group, q);
    }
    return group;
}

static inline void npu_pack_v_avx512(void *dst, float *scale, const float *v, ptrdiff_t ld,
                                     int rows, int q_max, int bytes)
{
    int g = 4 / bytes, groups = NPU_KEY_BLOCK / g;
    assert(rows >= 1 && rows <= NPU_KEY_BLOCK);
    for (int d = 0; d < NPU_HEAD_DIM; d += 16, v += 16) {
        __m512 big = _mm512_setzero_ps(), top = _mm512_set1_ps((float)q_max);
        for (int j = 0; j < rows; j++)
            big = _mm512_max_ps(big, _mm512_abs_ps(_mm512_loadu_ps(v + j * ld)));
        __mmask16 some = _mm512_cmp_ps_mask(big, _mm512_set1_ps(NPU_QUANT_SMALLEST), _CMP_GE_OQ);
        __m512 factor = _mm512_maskz_div_ps(some, top, big);
        _mm512_storeu_ps(scale + d, _mm512_div_ps(big, top));
        char *to = (char *)dst +
                   (size_t)(d / NPU_INT_NR_AVX512) * (size_t)groups * NPU_GROUP_STRIDE +
                   d % NPU_INT_NR_AVX512 * 4;
        for (int at = 0; at < groups; at++, to += NPU_GROUP_STRIDE)
            _mm512_storeu_si512(
                to, npu_group_keys_avx512(v + at * g * ld, ld, rows - at * g, factor, bytes));
    }
}

#endif /* NPU_KERNELS_AVX512_INT_H */
