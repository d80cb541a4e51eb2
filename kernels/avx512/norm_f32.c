/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/impl.h"
#include "kernels/avx512/math_f32.h"

#include <assert.h>

/* Lanes past n add +0 to sums that are never -0: the bits are those of leaving them out. */
static void norm_row(float *y, const float *x, const float *gamma, const float *beta, int n)
{
    int full = n & ~15;
    __mmask16 tail = npu_mask16(n - full);
    __m512 p = _mm512_setzero_ps(), q = _mm512_setzero_ps();
    for (int j = 0; j < full; j += 16)
        p = _mm512_add_ps(p, _mm512_loadu_ps(x + j));
    p = _mm512_add_ps(p, _mm512_maskz_loadu_ps(tail, x + full));
    __m512 mean = _mm512_set1_ps(npu_sum16_f32_avx512(p) / (float)n);
    for (int j = 0; j < full; j += 16) {
        __m512 d = _mm512_sub_ps(_mm512_loadu_ps(x + j), mean);
        q = _mm512_fmadd_ps(d, d, q);
    }
    __m512 d = _mm512_maskz_sub_ps(tail, _mm512_maskz_loadu_ps(tail, x + full), mean);
    q = _mm512_fmadd_ps(d, d, q);
    float var = npu_sum16_f32_avx512(q) / (float)n;
    __m512 s = _mm512_set1_ps(1.0f / sqrtf(var + 1e-5f));
    for (int j = 0; j < n; j += 16) {
        __mmask16 mask = npu_mask16(n - j);
        d = _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + j), mean);
        d = _mm512_fmadd_ps(_mm512_mul_ps(d, s), _mm512_maskz_loadu_ps(mask, gamma + j),
                            _mm512_maskz_loadu_ps(mask, beta + j));
        _mm512_mask_storeu_ps(y + j, mask, d);
    }
}

void npu_norm_f32_avx512(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx, const float *gamma,
                         const float *beta, int m, int n)
{
    assert(m >= 1 && n >= 1);
    for (int i = 0; i < m; i++)
        norm_row(y + i * ldy, x + i * ldx, gamma, beta, n);
}
