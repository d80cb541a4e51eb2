/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512vnni/init.h"
#include "kernels/avx512/int.h"

void npu_gemm_s16s16_avx512vnni(const struct npu_gemm_int_args *args)
{
    npu_gemm_turns_avx512(args, npu_tile_s16s16_avx512vnni, npu_tile_s16s16_avx512vnni,
                          npu_tile_turn_s16s16_avx512vnni, 2);
}
