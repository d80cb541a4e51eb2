/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_REF_FIXED_H
#define NPU_KERNELS_REF_FIXED_H
/* The terms of profile npu's contracts (kernels/kernels.h), and what two of its operations share.
 * */
#include "kernels/kernels.h"

/* a / 2^s, ties to even; -63 < s < 63, a left shift stays in range. */
static inline int64_t npu_fixed_srs(int64_t a, int s)
{
    if (s <= 0)
        return a * ((int64_t)1 << -s);
    return (a + ((int64_t)1 << (s - 1)) - 1 + ((a >> s) & 1)) >> s;
}

static inline int16_t npu_fixed_sat16(int64_t a)
{
    return (int16_t)(a > INT16_MAX ? INT16_MAX : a < -INT16_MAX ? -INT16_MAX : a);
}

static inline int npu_fixed_bitlen(uint64_t a)
{
    return a ? 64 - __builtin_clzll(a) : 0;
}

static inline int16_t npu_fixed_gelu(int32_t u, const int16_t *table, int shift)
{
    int32_t a = u < 0 ? -u : u, h = 0;
    if (a < INT16_MAX) {
        int i = a >> 5, f = a & 31;
        h = table[i] + (int32_t)npu_fixed_srs((table[i + 1] - table[i]) * f, 5);
    }
    return npu_fixed_sat16(npu_fixed_srs((u > 0 ? u : 0) - h, shift));
}

/* NPU_FIXED_SPLIT consecutive products at most: s16 x (s8 or half of s16) stays in s32. */
#define NPU_FIXED_SPLIT 256

/* s16 = 256 * high + low, both in -128 .. 128: products with s16 fit s32 over NPU_FIXED_SPLIT. */
static inline void npu_fixed_split(int16_t *high, int16_t *low, int16_t w)
{
    *low = (int16_t)((int8_t)(w & 255));
    *high = (int16_t)((w - *low) / 256);
}

#endif /* NPU_KERNELS_REF_FIXED_H */
