/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2/init.h"
#include "kernels/avx2/math_f32.h"

#include <assert.h>

/* d = x - mean of 8 elements, +0 past n: adding +0 to a sum that is never -0 leaves its bits. */
static __m256 centre_upto(const float *x, __m256 mean, int j, int n)
{
    if (j + 8 <= n)
        return _mm256_sub_ps(_mm256_loadu_ps(x + j), mean);
    __m256i mask = npu_mask8(n - j);
    return _mm256_and_ps(_mm256_sub_ps(npu_load8_upto(x + j, n - j), mean),
                         _mm256_castsi256_ps(mask));
}

static void norm_row(float *y, const float *x, const float *gamma, const float *beta, int n)
{
    __m256 p0 = _mm256_setzero_ps(), p1 = p0, q0 = p0, q1 = p0;
    for (int j = 0; j < n; j += 16) {
        p0 = _mm256_add_ps(p0, npu_load8_upto(x + j, n - j));
        p1 = _mm256_add_ps(p1, npu_load8_upto(x + j + 8, n - j - 8));
    }
    __m256 mean = _mm256_set1_ps(npu_sum16_f32_avx2(p0, p1) / (float)n);
    for (int j = 0; j < n; j += 16) {
        __m256 d0 = centre_upto(x, mean, j, n), d1 = centre_upto(x, mean, j + 8, n);
        q0 = _mm256_fmadd_ps(d0, d0, q0);
        q1 = _mm256_fmadd_ps(d1, d1, q1);
    }
    float var = npu_sum16_f32_avx2(q0, q1) / (float)n;
    __m256 s = _mm256_set1_ps(1.0f / sqrtf(var + 1e-5f));
    for (int j = 0; j < n; j += 8) {
        __m256 d = _mm256_mul_ps(centre_upto(x, mean, j, n), s);
        d = _mm256_fmadd_ps(d, npu_load8_upto(gamma + j, n - j), npu_load8_upto(beta + j, n - j));
        if (j + 8 <= n)
            _mm256_storeu_ps(y + j, d);
        else
            _mm256_maskstore_ps(y + j, npu_mask8(n - j), d);
    }
}

void npu_norm_f32_avx2(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx, const float *gamma,
                       const float *beta, int m, int n)
{
    assert(m >= 1 && n >= 1);
    for (int i = 0; i < m; i++)
        norm_row(y + i * ldy, x + i * ldx, gamma, beta, n);
}
