/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/ref/init.h"
#include "kernels/ref/exp_f32.h"
#include "kernels/ref/sum_f32.h"

#include <assert.h>

/* s[j] = q . key j for the keys of whole panels; returns the maximum over the n real ones. */
static float attention_scores(float *s, const float *q, const float *kt, int n)
{
    const int nr = NPU_GEMM_F32_NR_REF;
    float mx = -INFINITY;
    for (int j = 0; j < n; j++) {
        const float *b = kt + (size_t)(j / nr) * NPU_HEAD_DIM * (size_t)nr + j % nr;
        float acc = 0.0f;
        for (int d = 0; d < NPU_HEAD_DIM; d++)
            acc = fmaf(q[d], b[d * nr], acc);
        s[j] = acc;
        mx = mx > acc ? mx : acc;
    }
    return mx;
}

void npu_attention_f32_ref(float *out, ptrdiff_t ldo, const float *q, ptrdiff_t ldq,
                           const float *kt, const float *v, int m, int n, float *scratch)
{
    const int nr = NPU_GEMM_F32_NR_REF;
    assert(m >= 1 && n >= 1 && n <= 1500);
    for (int i = 0; i < m; i++, q += ldq, out += ldo) {
        float mx = attention_scores(scratch, q, kt, n);
        float p[16] = {0};
        for (int j = 0; j < n; j++) {
            scratch[j] = npu_exp_f32_ref(scratch[j] - mx);
            p[j % 16] += scratch[j];
        }
        float scale = 1.0f / npu_sum16_f32_ref(p);
        for (int c0 = 0; c0 < NPU_HEAD_DIM; c0 += nr) {
            const float *b = v + (size_t)c0 * (size_t)n;
            float acc[NPU_GEMM_F32_NR_REF] = {0};
            for (int j = 0; j < n; j++)
                for (int c = 0; c < nr; c++)
                    acc[c] = fmaf(scratch[j], b[(size_t)j * (size_t)nr + (size_t)c], acc[c]);
            for (int c = 0; c < nr; c++)
                out[c0 + c] = acc[c] * scale;
        }
    }
}
