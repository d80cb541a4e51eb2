/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2/init.h"

void npu_kernels_init_avx2(struct npu_kernels *k)
{
    struct npu_int_kernels *narrow = &k->width[NPU_NARROW], *wide = &k->width[NPU_WIDE];

    k->gemm_f32_nr = NPU_GEMM_F32_NR_AVX2;
    k->gemm_f32 = npu_gemm_f32_avx2;
    k->gelu_f32 = npu_gelu_f32_avx2;
    k->norm_f32 = npu_norm_f32_avx2;
    k->attention_f32 = npu_attention_f32_avx2;

    k->int_nr = NPU_INT_NR_AVX2;
    k->narrow_bytes = 2;
    wide->gemm = npu_gemm_s16s16_avx2;
    wide->quant = npu_quant_s16_avx2;
    wide->pack_k = npu_pack_k_s16_avx2;
    wide->pack_v = npu_pack_v_s16_avx2;
    wide->attention = npu_attention_s16s16_avx2;
    *narrow = *wide;

    k->fixed.gemm_s16s8 = npu_fixed_gemm_s16s8_avx2;
    k->fixed.gemm_s16s16 = npu_fixed_gemm_s16s16_avx2;
    k->fixed.attention = npu_fixed_attention_s16_avx2;
}
