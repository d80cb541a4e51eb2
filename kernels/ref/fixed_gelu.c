/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/ref/fixed.h"

#include <assert.h>

void npu_fixed_gelu_s32s16_ref(const struct npu_fixed_gelu_args *args)
{
    assert(args->m >= 1 && args->n >= 1 && args->shift >= 0 && args->shift <= 15);
    for (int i = 0; i < args->m; i++)
        for (int j = 0; j < args->n; j++)
            args->g[i * args->ldg + j] =
                npu_fixed_gelu(args->u[i * args->ldu + j], args->table, args->shift);
}
