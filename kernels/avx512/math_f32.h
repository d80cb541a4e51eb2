/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX512_MATH_F32_H
#define NPU_KERNELS_AVX512_MATH_F32_H
/* The scalar definitions of kernels/ref/ on 16 lanes, operation by operation. */
#include "kernels/ref/exp_f32.h"
#include "kernels/ref/gelu_f32.h"

#include <immintrin.h>

static inline __mmask16 npu_mask16(int n) /* the first n lanes; all from 16 on, none below 1 */
{
    return n >= 16 ? 0xffff : n <= 0 ? 0 : (__mmask16)((1u << n) - 1);
}

static inline __m512 npu_exp_f32_avx512(__m512 x)
{
    x = _mm512_max_ps(x, _mm512_set1_ps(NPU_EXP_F32_MIN));
    __m512 round = _mm512_set1_ps(NPU_EXP_F32_ROUND);
    __m512 t = _mm512_fmadd_ps(x, _mm512_set1_ps(NPU_EXP_F32_LOG2E), round);
    __m512 n = _mm512_sub_ps(t, round);
    __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-NPU_EXP_F32_LN2_HI), x);
    r = _mm512_fmadd_ps(n, _mm512_set1_ps(-NPU_EXP_F32_LN2_LO), r);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(NPU_EXP_F32_C5), r, _mm512_set1_ps(NPU_EXP_F32_C4));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(NPU_EXP_F32_C3));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(NPU_EXP_F32_C2));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(NPU_EXP_F32_C1));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
    return _mm512_castsi512_ps(
        _mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(_mm512_castps_si512(t), 23)));
}

static inline __m512 npu_gelu_f32_avx512_lanes(__m512 x)
{
    static const float c[16] = {NPU_GELU_F32_COEFFICIENTS};
    __m512 t = _mm512_min_ps(_mm512_abs_ps(x), _mm512_set1_ps(NPU_GELU_F32_LIMIT));
    __m512 s = _mm512_fmadd_ps(t, _mm512_set1_ps(NPU_GELU_F32_SCALE), _mm512_set1_ps(-1.0f));
    __m512 h = _mm512_set1_ps(c[15]);
    for (int i = 14; i >= 0; i--)
        h = _mm512_fmadd_ps(h, s, _mm512_set1_ps(c[i]));
    __m512 relu = _mm512_max_ps(_mm512_setzero_ps(), x);
    return _mm512_fnmadd_ps(t, h, relu);
}

/* The fixed tree of 16 partial sums. */
static inline float npu_sum16_f32_avx512(__m512 p)
{
    __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(p), _mm512_extractf32x8_ps(p, 1));
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}

#endif /* NPU_KERNELS_AVX512_MATH_F32_H */
