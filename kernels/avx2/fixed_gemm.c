/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2/init.h"
#include "kernels/ref/fixed_gemm.h"

void npu_fixed_gemm_s16s8_avx2(const struct npu_fixed_gemm_args *args)
{
    npu_fixed_gemm(args, false, true);
}

void npu_fixed_gemm_s16s16_avx2(const struct npu_fixed_gemm_args *args)
{
    npu_fixed_gemm(args, false, false);
}
