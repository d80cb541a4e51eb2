/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_REF_INIT_H
#define NPU_KERNELS_REF_INIT_H
/* Every kernel in plain C. kernels/kernels.h declares those of profile npu. */
#include "kernels/kernels.h"

npu_gemm_f32_fn npu_gemm_f32_ref;
npu_gelu_f32_fn npu_gelu_f32_ref;
npu_norm_f32_fn npu_norm_f32_ref;
npu_attention_f32_fn npu_attention_f32_ref;
npu_gemm_int_fn npu_gemm_u8s8_ref, npu_gemm_s16s16_ref;
npu_quant_fn npu_quant_u8_ref, npu_quant_s16_ref;
npu_pack_k_fn npu_pack_k_s8_ref, npu_pack_k_s16_ref;
npu_pack_v_fn npu_pack_v_s8_ref, npu_pack_v_s16_ref;
npu_attention_int_fn npu_attention_u8s8_ref, npu_attention_s16s16_ref;

void npu_kernels_init_ref(struct npu_kernels *k);

/* Panel widths of packed B. */
#define NPU_GEMM_F32_NR_REF 16
#define NPU_INT_NR_REF      16

#endif /* NPU_KERNELS_REF_INIT_H */
