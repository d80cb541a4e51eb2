/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX2_INIT_H
#define NPU_KERNELS_AVX2_INIT_H
/* On 256 bits: AVX2 and FMA. No byte products. */
#include "kernels/kernels.h"

npu_gemm_f32_fn npu_gemm_f32_avx2;
npu_gelu_f32_fn npu_gelu_f32_avx2;
npu_norm_f32_fn npu_norm_f32_avx2;
npu_attention_f32_fn npu_attention_f32_avx2;
npu_gemm_int_fn npu_gemm_s16s16_avx2;
npu_quant_fn npu_quant_s16_avx2;
npu_pack_k_fn npu_pack_k_s16_avx2;
npu_pack_v_fn npu_pack_v_s16_avx2;
npu_attention_int_fn npu_attention_s16s16_avx2;
npu_fixed_gemm_fn npu_fixed_gemm_s16s8_avx2, npu_fixed_gemm_s16s16_avx2;
npu_fixed_attention_fn npu_fixed_attention_s16_avx2;

void npu_kernels_init_avx2(struct npu_kernels *k);

/* Panel widths of packed B. */
#define NPU_GEMM_F32_NR_AVX2 16
#define NPU_INT_NR_AVX2      16

#endif /* NPU_KERNELS_AVX2_INIT_H */
