/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/ref/init.h"
#include "kernels/ref/sum_f32.h"

#include <assert.h>
#include <math.h>

void npu_norm_f32_ref(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx, const float *gamma,
                      const float *beta, int m, int n)
{
    assert(m >= 1 && n >= 1);
    for (int i = 0; i < m; i++, x += ldx, y += ldy) {
        float p[16] = {0}, q[16] = {0};
        for (int j = 0; j < n; j++)
            p[j % 16] += x[j];
        float mean = npu_sum16_f32_ref(p) / (float)n;
        for (int j = 0; j < n; j++) {
            float d = x[j] - mean;
            q[j % 16] = fmaf(d, d, q[j % 16]);
        }
        float var = npu_sum16_f32_ref(q) / (float)n;
        float s = 1.0f / sqrtf(var + 1e-5f);
        for (int j = 0; j < n; j++)
            y[j] = fmaf((x[j] - mean) * s, gamma[j], beta[j]);
    }
}
