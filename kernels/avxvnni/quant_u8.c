/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avxvnni/init.h"
#include "kernels/avx2/int.h"

void npu_quant_u8_avxvnni(const struct npu_quant_args *args)
{
    npu_quant_avx2(args, 1);
}

void npu_pack_k_s8_avxvnni(void *dst, int32_t *offset, float *scale, const float *k, ptrdiff_t ld,
                           int rows, int q_max)
{
    npu_pack_k_avx2(dst, offset, scale, k, ld, rows, q_max, 1);
}

void npu_pack_v_s8_avxvnni(void *dst, float *scale, const float *v, ptrdiff_t ld, int rows,
                           int q_max)
{
    npu_pack_v_avx2(dst, scale, v, ld, rows, q_max, 1);
}
