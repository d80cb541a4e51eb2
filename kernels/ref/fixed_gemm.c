/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/ref/fixed_gemm.h"

void npu_fixed_gemm_s16s8_ref(const struct npu_fixed_gemm_args *args)
{
    npu_fixed_gemm(args, false, true);
}

void npu_fixed_gemm_s16s16_ref(const struct npu_fixed_gemm_args *args)
{
    npu_fixed_gemm(args, false, false);
}

void npu_fixed_gemm_s8s8_ref(const struct npu_fixed_gemm_args *args)
{
    npu_fixed_gemm(args, true, true);
}
