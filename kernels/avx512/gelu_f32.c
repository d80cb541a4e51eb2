/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512/init.h"
#include "kernels/avx512/math_f32.h"

void npu_gelu_f32_avx512(float *x, size_t n)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(x + i, npu_gelu_f32_avx512_lanes(_mm512_loadu_ps(x + i)));
    __mmask16 mask = npu_mask16((int)(n - i));
    if (mask) {
        __m512 y = npu_gelu_f32_avx512_lanes(_mm512_maskz_loadu_ps(mask, x + i));
        _mm512_mask_storeu_ps(x + i, mask, y);
    }
}
