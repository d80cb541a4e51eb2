/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avxvnni/init.h"

void npu_kernels_init_avxvnni(struct npu_kernels *k)
{
    struct npu_int_kernels *narrow = &k->width[NPU_NARROW], *wide = &k->width[NPU_WIDE];

    k->narrow_bytes = 1;
    narrow->gemm = npu_gemm_u8s8_avxvnni;
    narrow->quant = npu_quant_u8_avxvnni;
    narrow->pack_k = npu_pack_k_s8_avxvnni;
    narrow->pack_v = npu_pack_v_s8_avxvnni;
    narrow->attention = npu_attention_u8s8_avxvnni;
    wide->gemm = npu_gemm_s16s16_avxvnni;
    wide->quant = npu_quant_s16_avxvnni;
    wide->pack_k = npu_pack_k_s16_avxvnni;
    wide->pack_v = npu_pack_v_s16_avxvnni;
    wide->attention = npu_attention_s16s16_avxvnni;
}
