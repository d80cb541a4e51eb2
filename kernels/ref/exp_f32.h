/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_REF_EXP_F32_H
#define NPU_KERNELS_REF_EXP_F32_H
/* exp_f32(x) for x <= 0; x below -87 counts as -87, so the result is never a denormal.
 * Method: x = n ln 2 + r, |r| <= 0.3467, n by adding 1.5 * 2^23 (round to nearest even in the low
 * mantissa bits); ln 2 in two parts; e^r by a polynomial of degree 5 fitted for least maximal
 * relative error (9.2e-8); times 2^n by adding n to the exponent field: the polynomial lies in
 * [0.70, 1.42] and n >= -126, so the field neither borrows nor overflows.
 * Error: relative, at most NPU_EXP_F32_MAX_ERROR over [-87, 0]; exp_f32(+-0) = 1 exactly. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define NPU_EXP_F32_MAX_ERROR 2.0e-7

#define NPU_EXP_F32_MIN    -87.0f
#define NPU_EXP_F32_LOG2E  0x1.715476p+0f
#define NPU_EXP_F32_ROUND  0x1.8p+23f
#define NPU_EXP_F32_LN2_HI 0x1.62e400p-1f /* 11 bits and zeros: n * LN2_HI is exact */
#define NPU_EXP_F32_LN2_LO 0x1.7f7d1cp-20f
#define NPU_EXP_F32_C1     0x1.fffff6p-1f
#define NPU_EXP_F32_C2     0x1.fffdc4p-2f
#define NPU_EXP_F32_C3     0x1.555a6ep-3f
#define NPU_EXP_F32_C4     0x1.573ad0p-5f
#define NPU_EXP_F32_C5     0x1.0fa7d8p-7f

static inline float npu_exp_f32_ref(float x)
{
    x = x > NPU_EXP_F32_MIN ? x : NPU_EXP_F32_MIN;
    float t = fmaf(x, NPU_EXP_F32_LOG2E, NPU_EXP_F32_ROUND);
    float n = t - NPU_EXP_F32_ROUND;
    float r = fmaf(n, -NPU_EXP_F32_LN2_LO, fmaf(n, -NPU_EXP_F32_LN2_HI, x));
    float p = fmaf(NPU_EXP_F32_C5, r, NPU_EXP_F32_C4);
    p = fmaf(p, r, NPU_EXP_F32_C3);
    p = fmaf(p, r, NPU_EXP_F32_C2);
    p = fmaf(p, r, NPU_EXP_F32_C1);
    p = fmaf(p, r, 1.0f);
    uint32_t bits, shift;
    memcpy(&bits, &p, sizeof bits);
    memcpy(&shift, &t, sizeof shift);
    bits += shift << 23; /* the constant's own bits leave at the top; n stays, modulo 2^32 */
    memcpy(&p, &bits, sizeof p);
    return p;
}

#endif /* NPU_KERNELS_REF_EXP_F32_H */
