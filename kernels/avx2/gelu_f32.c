/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2/init.h"
#include "kernels/avx2/math_f32.h"

void npu_gelu_f32_avx2(float *x, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(x + i, npu_gelu_f32_avx2_lanes(_mm256_loadu_ps(x + i)));
    if (i < n) {
        __m256i mask = npu_mask8((int)(n - i));
        __m256 y = npu_gelu_f32_avx2_lanes(npu_load8_upto(x + i, (int)(n - i)));
        _mm256_maskstore_ps(x + i, mask, y);
    }
}
