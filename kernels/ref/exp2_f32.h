/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_REF_EXP2_F32_H
#define NPU_KERNELS_REF_EXP2_F32_H
/* exp2_f32(x) for x <= 14; x below -64 counts as -64.
 * Method: 2^floor(x) times a polynomial of degree 3 in f = x - floor(x), fitted for least maximal
 * relative error with the value 1 at f = 0. Numerators of 8 to 13 bits need no more.
 * Error: relative, at most NPU_EXP2_F32_MAX_ERROR; exp2_f32(whole number) is exact. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define NPU_EXP2_F32_MAX_ERROR 8.6e-5

#define NPU_EXP2_F32_MIN -64.0f
#define NPU_EXP2_F32_C1  0x1.63e65ap-1f
#define NPU_EXP2_F32_C2  0x1.d23778p-3f
#define NPU_EXP2_F32_C3  0x1.3baac6p-4f

/* Numerators of attention_int. */
#define NPU_NUMERATOR_STEPS   28.0f
#define NPU_NUMERATOR_STEP    (-1.0f / 28.0f)
#define NPU_NUMERATOR_LAST    255.0f
#define NPU_NUMERATOR_LOG2_8  0x1.ffa37cp+2f /* log2 255 */
#define NPU_NUMERATOR_LOG2_13 0x1.9ffe8ep+3f /* log2 8191 */

static inline float npu_exp2_f32_ref(float x)
{
    x = x > NPU_EXP2_F32_MIN ? x : NPU_EXP2_F32_MIN;
    float n = floorf(x), f = x - n;
    float p = fmaf(NPU_EXP2_F32_C3, f, NPU_EXP2_F32_C2);
    p = fmaf(p, f, NPU_EXP2_F32_C1);
    p = fmaf(p, f, 1.0f);
    uint32_t bits;
    memcpy(&bits, &p, sizeof bits);
    bits += (uint32_t)(int32_t)n << 23; /* 1 <= p < 2 and n >= -64: no borrow from the sign */
    memcpy(&p, &bits, sizeof p);
    return p;
}

#endif /* NPU_KERNELS_REF_EXP2_F32_H */
