/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_REF_GELU_F32_H
#define NPU_KERNELS_REF_GELU_F32_H
/* gelu_f32(x) = 0.5 x (1 + erf(x / sqrt 2)) = max(x, 0) - t h(t), t = |x|,
 * h(t) = erfc(t / sqrt 2) / 2, which falls from 1/2 to 3.3e-8 on [0, 5.4]: a polynomial of degree
 * 15 in s = t / 2.7 - 1, |s| <= 1, fitted for least maximal error (5.4e-8 with weight sqrt(t)); t
 * beyond 5.4 counts as 5.4, where t h(t) = 1.8e-7 is what is left.
 * Error: absolute, at most NPU_GELU_F32_MAX_ERROR, and one rounding of the result for x > 0. The
 * order of max and min below is that of the vector instructions, so NaN gives NaN and -0 gives -0.
 */
#include <math.h>

#define NPU_GELU_F32_MAX_ERROR 4.0e-7

#define NPU_GELU_F32_LIMIT 5.4f
#define NPU_GELU_F32_SCALE (float)(2.0 / 5.4)
/* Coefficients of s^0 .. s^15. */
#define NPU_GELU_F32_COEFFICIENTS                                                                \
    0.0034669721499085426f, -0.028137093409895897f, 0.10255815833806992f, -0.21500089764595032f, \
        0.26726242899894714f, -0.15497110784053802f, -0.07172834873199463f, 0.2117423117160797f, \
        -0.13604736328125f, -0.04832177609205246f, 0.12166508287191391f, -0.035999149084091187f, \
        -0.04348768666386604f, 0.02610171213746071f, 0.006310715340077877f, -0.005413933657109737f

static inline float npu_gelu_f32_scalar(float x)
{
    static const float c[16] = {NPU_GELU_F32_COEFFICIENTS};
    float t = fabsf(x);
    t = t < NPU_GELU_F32_LIMIT ? t : NPU_GELU_F32_LIMIT;
    float s = fmaf(t, NPU_GELU_F32_SCALE, -1.0f);
    float h = c[15];
    for (int i = 14; i >= 0; i--)
        h = fmaf(h, s, c[i]);
    float relu = 0.0f > x ? 0.0f : x;
    return fmaf(-t, h, relu);
}

#endif /* NPU_KERNELS_REF_GELU_F32_H */
