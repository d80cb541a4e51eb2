/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512vbmi/init.h"

void npu_kernels_init_avx512vbmi(struct npu_kernels *k)
{
    struct npu_int_kernels *narrow = &k->width[NPU_NARROW], *wide = &k->width[NPU_WIDE];

    narrow->attention = npu_attention_u8s8_avx512vbmi;
    wide->attention = npu_attention_s16s16_avx512vbmi;
}
