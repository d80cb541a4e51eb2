/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/ref/init.h"
#include "kernels/ref/gelu_f32.h"

#include <assert.h>

void npu_gemm_f32_ref(const struct npu_gemm_f32_args *args)
{
    const int nr = NPU_GEMM_F32_NR_REF;
    assert(args->m >= 1 && args->n >= 1 && args->k >= 1 && args->ldc >= args->n);
    for (int i = 0; i < args->m; i++) {
        const float *a = args->a + i * args->lda;
        for (int j0 = 0; j0 < args->n; j0 += nr) {
            const float *b = args->b + (size_t)(j0 / nr) * (size_t)args->k * (size_t)nr;
            float acc[NPU_GEMM_F32_NR_REF] = {0};
            for (int kk = 0; kk < args->k; kk++)
                for (int j = 0; j < nr; j++)
                    acc[j] = fmaf(a[kk], b[(size_t)kk * (size_t)nr + (size_t)j], acc[j]);
            for (int j = 0; j < nr && j0 + j < args->n; j++) {
                float x = acc[j];
                if (args->bias)
                    x += args->bias[j0 + j];
                if (args->flags & NPU_GEMM_GELU)
                    x = npu_gelu_f32_scalar(x);
                if (args->r)
                    x += args->r[i * args->ldr + j0 + j];
                args->c[i * args->ldc + j0 + j] = x;
            }
        }
    }
}
