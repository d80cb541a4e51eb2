/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MEL_F32_H
#define NPU_MEL_F32_H
/* log10 of four normal positive floats, inside the log-mel front end and its test. */
#include "npu/mel/fft.h"

/* x = 2^e m with m in [sqrt 1/2, sqrt 2); log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.1716,
 * as s + s^3/3 + .. + s^9/9, which leaves less than 2.3e-9 of the value. log10 2 is split so that
 * e times its upper part is exact. Error: below 2 units in the last place of the result for
 * x <= 0.5 or x >= 2, below 2.5e-7 of it between, where log10 1 = 0 exactly. No zero, denormal,
 * infinity or NaN. */
static inline npu_f32x4 npu_log10_f32x4(npu_f32x4 x)
{
    const int sqrt_half = 0x3f3504f3; /* bits of sqrt(1/2) */
    npu_i32x4 bits = (npu_i32x4)x - sqrt_half;
    npu_i32x4 e = bits >> 23;
    npu_f32x4 m = (npu_f32x4)((bits & 0x7fffff) + sqrt_half);
    npu_f32x4 s = (m - 1.0f) / (m + 1.0f), s2 = s * s;
    /* 2 / (ln 10 * (2 i + 1)) */
    npu_f32x4 tail = s2 * 0.0965098848f + 0.1240841376f;
    tail = tail * s2 + 0.1737177928f;
    tail = tail * s2 + 0.2895296546f;
    npu_f32x4 head = s * 0.8685889638f;
    npu_f32x4 fe = __builtin_convertvector(e, npu_f32x4);
    /* 0x1.344p-2 has 11 significant bits, e has 8: the product is exact. */
    npu_f32x4 low = fe * 4.6050390e-6f + s * s2 * tail;
    return fe * 0x1.344p-2f + (head + low);
}

#endif /* NPU_MEL_F32_H */
