/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX2_MATH_F32_H
#define NPU_KERNELS_AVX2_MATH_F32_H
/* The scalar definitions of kernels/ref/ on 8 lanes, operation by operation. */
#include "kernels/ref/exp_f32.h"
#include "kernels/ref/gelu_f32.h"

#include <immintrin.h>

static inline __m256i npu_mask8(int n) /* the first n lanes; all from 8 on, none below 1 */
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* The first n of 8 floats, then zeros; not by a masked load, which emulators (QEMU 7.2) carry out
 * as a whole one that may touch the next page. */
static inline __m256 npu_load8_upto(const float *x, int n)
{
    if (n >= 8)
        return _mm256_loadu_ps(x);
    float head[8] = {0};
    for (int i = 0; i < n; i++)
        head[i] = x[i];
    return _mm256_loadu_ps(head);
}

static inline __m256 npu_exp_f32_avx2(__m256 x)
{
    x = _mm256_max_ps(x, _mm256_set1_ps(NPU_EXP_F32_MIN));
    __m256 round = _mm256_set1_ps(NPU_EXP_F32_ROUND);
    __m256 t = _mm256_fmadd_ps(x, _mm256_set1_ps(NPU_EXP_F32_LOG2E), round);
    __m256 n = _mm256_sub_ps(t, round);
    __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-NPU_EXP_F32_LN2_HI), x);
    r = _mm256_fmadd_ps(n, _mm256_set1_ps(-NPU_EXP_F32_LN2_LO), r);
    __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(NPU_EXP_F32_C5), r, _mm256_set1_ps(NPU_EXP_F32_C4));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(NPU_EXP_F32_C3));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(NPU_EXP_F32_C2));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(NPU_EXP_F32_C1));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
    return _mm256_castsi256_ps(
        _mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(t), 23)));
}

static inline __m256 npu_gelu_f32_avx2_lanes(__m256 x)
{
    static const float c[16] = {NPU_GELU_F32_COEFFICIENTS};
    __m256 t = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
    t = _mm256_min_ps(t, _mm256_set1_ps(NPU_GELU_F32_LIMIT));
    __m256 s = _mm256_fmadd_ps(t, _mm256_set1_ps(NPU_GELU_F32_SCALE), _mm256_set1_ps(-1.0f));
    __m256 h = _mm256_set1_ps(c[15]);
    for (int i = 14; i >= 0; i--)
        h = _mm256_fmadd_ps(h, s, _mm256_set1_ps(c[i]));
    __m256 relu = _mm256_max_ps(_mm256_setzero_ps(), x);
    return _mm256_fnmadd_ps(t, h, relu);
}

/* The fixed tree of 16 partial sums: lo is 0 .. 7, hi is 8 .. 15. */
static inline float npu_sum16_f32_avx2(__m256 lo, __m256 hi)
{
    __m256 s8 = _mm256_add_ps(lo, hi);
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}

#endif /* NPU_KERNELS_AVX2_MATH_F32_H */
