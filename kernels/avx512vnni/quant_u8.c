/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512vnni/init.h"
#include "kernels/avx512/int.h"

void npu_quant_u8_avx512vnni(const struct npu_quant_args *args)
{
    npu_quant_avx512(args, 1);
}

void npu_pack_k_s8_avx512vnni(void *dst, int32_t *offset, float *scale, const float *k,
                              ptrdiff_t ld, int rows, int q_max)
{
    npu_pack_k_avx512(dst, offset, scale, k, ld, rows, q_max, 1);
}

void npu_pack_v_s8_avx512vnni(void *dst, float *scale, const float *v, ptrdiff_t ld, int rows,
                              int q_max)
{
    npu_pack_v_avx512(dst, scale, v, ld, rows, q_max, 1);
}
