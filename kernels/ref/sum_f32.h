/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_REF_SUM_F32_H
#define NPU_KERNELS_REF_SUM_F32_H

/* The fixed tree over 16 strided partial sums; p is used up. */
static inline float npu_sum16_f32_ref(float p[16])
{
    for (int half = 8; half >= 1; half /= 2)
        for (int i = 0; i < half; i++)
            p[i] += p[i + half];
    return p[0];
}

#endif /* NPU_KERNELS_REF_SUM_F32_H */
