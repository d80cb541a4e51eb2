/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_REF_INT_H
#define NPU_KERNELS_REF_INT_H
/* Places of operands in memory and the exact sum of products, for the reference and for packing. */
#include <stddef.h>
#include <stdint.h>

#define NPU_SYMMETRIC_ZERO 128
#define NPU_QUANT_SMALLEST 0x1p-96f /* a row below this counts as zero: q_max / big stays finite */
#define NPU_NO_SCORE       (-(1 << 30)) /* k_offset of a key that does not exist */

/* Index of B[j][kk] in packed B. */
static inline size_t npu_packed_b_int_at(int j, int kk, int k, int nr, int bytes)
{
    int g = 4 / bytes;
    return ((size_t)(j / nr) * (size_t)(k / g) + (size_t)(kk / g)) * (size_t)(nr * g) +
           (size_t)(j % nr * g + kk % g);
}

static inline void npu_weight_set(void *b, size_t at, int bytes, int32_t w)
{
    if (bytes == 1)
        ((int8_t *)b)[at] = (int8_t)w;
    else
        ((int16_t *)b)[at] = (int16_t)w;
}

/* The integer of an activation; bytes carry the zero point. */
static inline int32_t npu_activation_at(const void *a, size_t at, int bytes, int32_t zero)
{
    return bytes == 1 ? ((const uint8_t *)a)[at] - zero : ((const int16_t *)a)[at];
}

/* s[j] += sum over kk < k of a[kk] * B[j][kk] for the 16 outputs of one panel with nr = 16; `a`
 * without zero points. Modulo 2^32, as the instructions count. */
static inline void npu_panel_int_ref(uint32_t s[16], const int32_t *a, const void *panel, int k,
                                     int bytes)
{
    if (bytes == 1) {
        const int8_t *b = panel;
        for (int kk = 0; kk < k; kk += 4, b += 64)
            for (int j = 0; j < 16; j++)
                for (int t = 0; t < 4; t++)
                    s[j] += (uint32_t)(a[kk + t] * b[4 * j + t]);
    } else {
        const int16_t *b = panel;
        for (int kk = 0; kk < k; kk += 2, b += 32)
            for (int j = 0; j < 16; j++)
                for (int t = 0; t < 2; t++)
                    s[j] += (uint32_t)(a[kk + t] * b[2 * j + t]);
    }
}

#endif /* NPU_KERNELS_REF_INT_H */
