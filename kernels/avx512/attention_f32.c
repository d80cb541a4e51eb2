/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512/init.h"
#include "kernels/avx512/math_f32.h"
#include "kernels/avx512/tile_f32.h"
#include "kernels/impl.h"

#include <assert.h>

#define NR NPU_GEMM_F32_NR_AVX512

/* s[j] becomes exp(s[j] - max) for j < n; returns 1 / their sum. s is readable up to a multiple of
 * 16. Four maxima at a time hide the latency; their order cannot show in the result. */
static float softmax_row(float *s, int n)
{
    int full = n & ~15;
    __mmask16 tail = npu_mask16(n - full);
    __m512 mx0 = _mm512_set1_ps(-INFINITY), mx1 = mx0, mx2 = mx0, mx3 = mx0;
    int j = 0;
    for (; j + 64 <= full; j += 64) {
        mx0 = _mm512_max_ps(mx0, _mm512_loadu_ps(s + j));
        mx1 = _mm512_max_ps(mx1, _mm512_loadu_ps(s + j + 16));
        mx2 = _mm512_max_ps(mx2, _mm512_loadu_ps(s + j + 32));
        mx3 = _mm512_max_ps(mx3, _mm512_loadu_ps(s + j + 48));
    }
    for (; j < full; j += 16)
        mx0 = _mm512_max_ps(mx0, _mm512_loadu_ps(s + j));
    mx1 = _mm512_mask_max_ps(mx1, tail, mx1, _mm512_maskz_loadu_ps(tail, s + full));
    mx0 = _mm512_max_ps(_mm512_max_ps(mx0, mx1), _mm512_max_ps(mx2, mx3));
    __m512 mx = _mm512_set1_ps(_mm512_reduce_max_ps(mx0));

    __m512 p = _mm512_setzero_ps();
    for (j = 0; j < full; j += 16) {
        __m512 e = npu_exp_f32_avx512(_mm512_sub_ps(_mm512_loadu_ps(s + j), mx));
        _mm512_storeu_ps(s + j, e);
        p = _mm512_add_ps(p, e);
    }
    if (tail) {
        __m512 e = npu_exp_f32_avx512(_mm512_sub_ps(_mm512_maskz_loadu_ps(tail, s + full), mx));
        _mm512_mask_storeu_ps(s + full, tail, e);
        p = _mm512_mask_add_ps(p, tail, p, e);
    }
    return 1.0f / npu_sum16_f32_avx512(p);
}

/* Up to NPU_ATTENTION_ROWS query rows. */
static void attention_rows(float *out, ptrdiff_t ldo, const float *q, ptrdiff_t ldq,
                           const float *kt, const float *v, int m, int n, float *s)
{
    _Alignas(64) float t[NPU_ATTENTION_ROWS * NR];
    float scale[NPU_ATTENTION_ROWS];
    const ptrdiff_t lds = (ptrdiff_t)NPU_ATTENTION_LDS(n);
    for (int j = 0; j < n; j += NR)
        npu_tile_f32_avx512(s + j, lds, q, ldq, kt + (size_t)j * NPU_HEAD_DIM, m, NPU_HEAD_DIM);
    for (int i = 0; i < m; i++)
        scale[i] = softmax_row(s + i * lds, n);
    for (int c = 0; c < NPU_HEAD_DIM; c += NR) {
        npu_tile_f32_avx512(t, NR, s, lds, v + (size_t)c * (size_t)n, m, n);
        for (int i = 0; i < m; i++)
            for (int l = 0; l < NR; l += 16)
                _mm512_storeu_ps(
                    out + i * ldo + c + l,
                    _mm512_mul_ps(_mm512_load_ps(t + i * NR + l), _mm512_set1_ps(scale[i])));
    }
}

void npu_attention_f32_avx512(float *out, ptrdiff_t ldo, const float *q, ptrdiff_t ldq,
                              const float *kt, const float *v, int m, int n, float *scratch)
{
    assert(m >= 1 && n >= 1 && n <= 1500);
    for (int i = 0; i < m; i += NPU_ATTENTION_ROWS) {
        int rows = m - i < NPU_ATTENTION_ROWS ? m - i : NPU_ATTENTION_ROWS;
        attention_rows(out + i * ldo, ldo, q + i * ldq, ldq, kt, v, rows, n, scratch);
    }
}
