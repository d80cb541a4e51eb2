/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/ref/init.h"

void npu_kernels_init_ref(struct npu_kernels *k)
{
    struct npu_int_kernels *narrow = &k->width[NPU_NARROW], *wide = &k->width[NPU_WIDE];

    k->gemm_f32_nr = NPU_GEMM_F32_NR_REF;
    k->gemm_f32 = npu_gemm_f32_ref;
    k->gelu_f32 = npu_gelu_f32_ref;
    k->norm_f32 = npu_norm_f32_ref;
    k->attention_f32 = npu_attention_f32_ref;

    k->int_nr = NPU_INT_NR_REF;
    k->narrow_bytes = 1;
    narrow->gemm = npu_gemm_u8s8_ref;
    narrow->quant = npu_quant_u8_ref;
    narrow->pack_k = npu_pack_k_s8_ref;
    narrow->pack_v = npu_pack_v_s8_ref;
    narrow->attention = npu_attention_u8s8_ref;
    wide->gemm = npu_gemm_s16s16_ref;
    wide->quant = npu_quant_s16_ref;
    wide->pack_k = npu_pack_k_s16_ref;
    wide->pack_v = npu_pack_v_s16_ref;
    wide->attention = npu_attention_s16s16_ref;

    k->fixed.gemm_s16s8 = npu_fixed_gemm_s16s8_ref;
    k->fixed.gemm_s16s16 = npu_fixed_gemm_s16s16_ref;
    k->fixed.attention = npu_fixed_attention_s16_ref;
}
