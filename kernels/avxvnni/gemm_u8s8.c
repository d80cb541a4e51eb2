/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avxvnni/init.h"
#include "kernels/avx2/int.h"

void npu_gemm_u8s8_avxvnni(const struct npu_gemm_int_args *args)
{
    npu_gemm_int_avx2(args, npu_tile_u8s8_avxvnni, npu_tile_s16s16_avxvnni, 1);
}
