/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/amx/init.h"

void npu_kernels_init_amx(struct npu_kernels *k)
{
    struct npu_int_kernels *narrow = &k->width[NPU_NARROW];

    narrow->gemm = npu_gemm_u8s8_amx;
    narrow->attention = npu_attention_u8s8_amx;
}
