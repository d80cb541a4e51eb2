/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVXVNNI_INIT_H
#define NPU_KERNELS_AVXVNNI_INIT_H
/* On 256 bits with the products of AVX-VNNI; panels as in avx2. */
#include "kernels/kernels.h"

npu_gemm_int_fn npu_gemm_u8s8_avxvnni, npu_gemm_s16s16_avxvnni;
npu_quant_fn npu_quant_u8_avxvnni, npu_quant_s16_avxvnni;
npu_pack_k_fn npu_pack_k_s8_avxvnni, npu_pack_k_s16_avxvnni;
npu_pack_v_fn npu_pack_v_s8_avxvnni, npu_pack_v_s16_avxvnni;
npu_attention_int_fn npu_attention_u8s8_avxvnni, npu_attention_s16s16_avxvnni;

void npu_kernels_init_avxvnni(struct npu_kernels *k);

#endif /* NPU_KERNELS_AVXVNNI_INIT_H */
