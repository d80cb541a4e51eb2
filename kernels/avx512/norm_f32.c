/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512/init.h"
#include "kernels/avx512/math_f32.h"

#include <assert.h>

/* Rows at a time: each is two chains of additions, and four hide their latency. */
#define ROWS 4

/* Lanes past n add +0 to sums that are never -0: the bits are those of leaving them out. */
static inline void row_means(__m512 mean[], const float *x, ptrdiff_t ldx, int n, int rows)
{
    int full = n & ~15;
    __mmask16 tail = npu_mask16(n - full);
    __m512 p[ROWS];
    for (int i = 0; i < rows; i++)
        p[i] = _mm512_setzero_ps();
    for (int j = 0; j < full; j += 16)
        for (int i = 0; i < rows; i++)
            p[i] = _mm512_add_ps(p[i], _mm512_loadu_ps(x + i * ldx + j));
    for (int i = 0; i < rows; i++) {
        p[i] = _mm512_add_ps(p[i], _mm512_maskz_loadu_ps(tail, x + i * ldx + full));
        mean[i] = _mm512_set1_ps(npu_sum16_f32_avx512(p[i]) / (float)n);
    }
}

static inline void row_factors(__m512 s[], const __m512 mean[], const float *x, ptrdiff_t ldx,
                               int n, int rows)
{
    int full = n & ~15;
    __mmask16 tail = npu_mask16(n - full);
    __m512 q[ROWS];
    for (int i = 0; i < rows; i++)
        q[i] = _mm512_setzero_ps();
    for (int j = 0; j < full; j += 16) {
        for (int i = 0; i < rows; i++) {
            __m512 d = _mm512_sub_ps(_mm512_loadu_ps(x + i * ldx + j), mean[i]);
            q[i] = _mm512_fmadd_ps(d, d, q[i]);
        }
    }
    for (int i = 0; i < rows; i++) {
        __m512 d = _mm512_maskz_loadu_ps(tail, x + i * ldx + full);
        d = _mm512_maskz_sub_ps(tail, d, mean[i]);
        float var = npu_sum16_f32_avx512(_mm512_fmadd_ps(d, d, q[i])) / (float)n;
        s[i] = _mm512_set1_ps(1.0f / sqrtf(var + 1e-5f));
    }
}

static inline __m512 norm_lanes(__m512 x, __m512 mean, __m512 s, __m512 gamma, __m512 beta)
{
    return _mm512_fmadd_ps(_mm512_mul_ps(_mm512_sub_ps(x, mean), s), gamma, beta);
}

static inline void norm_rows(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx,
                             const float *gamma, const float *beta, int n, int rows)
{
    int full = n & ~15;
    __mmask16 tail = npu_mask16(n - full);
    __m512 mean[ROWS], s[ROWS];
    row_means(mean, x, ldx, n, rows);
    row_factors(s, mean, x, ldx, n, rows);
    for (int j = 0; j < full; j += 16) {
        __m512 g = _mm512_loadu_ps(gamma + j), b = _mm512_loadu_ps(beta + j);
        for (int i = 0; i < rows; i++)
            _mm512_storeu_ps(y + i * ldy + j,
                             norm_lanes(_mm512_loadu_ps(x + i * ldx + j), mean[i], s[i], g, b));
    }
    if (!tail)
        return;
    __m512 g = _mm512_maskz_loadu_ps(tail, gamma + full);
    __m512 b = _mm512_maskz_loadu_ps(tail, beta + full);
    for (int i = 0; i < rows; i++) {
        __m512 last = _mm512_maskz_loadu_ps(tail, x + i * ldx + full);
        _mm512_mask_storeu_ps(y + i * ldy + full, tail, norm_lanes(last, mean[i], s[i], g, b));
    }
}

void npu_norm_f32_avx512(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx, const float *gamma,
                         const float *beta, int m, int n)
{
    int i = 0;
    assert(m >= 1 && n >= 1);
    for (; i + ROWS <= m; i += ROWS)
        norm_rows(y + i * ldy, ldy, x + i * ldx, ldx, gamma, beta, n, ROWS);
    for (; i < m; i++)
        norm_rows(y + i * ldy, ldy, x + i * ldx, ldx, gamma, beta, n, 1);
}
