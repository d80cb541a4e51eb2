/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX512VNNI_INIT_H
#define NPU_KERNELS_AVX512VNNI_INIT_H
/* On 512 bits with the products of AVX-512 VNNI; panels as in avx512. */
#include "kernels/kernels.h"

npu_gemm_int_fn npu_gemm_u8s8_avx512vnni, npu_gemm_s16s16_avx512vnni;
npu_quant_fn npu_quant_u8_avx512vnni, npu_quant_s16_avx512vnni;
npu_pack_k_fn npu_pack_k_s8_avx512vnni, npu_pack_k_s16_avx512vnni;
npu_pack_v_fn npu_pack_v_s8_avx512vnni, npu_pack_v_s16_avx512vnni;
npu_attention_int_fn npu_attention_u8s8_avx512vnni, npu_attention_s16s16_avx512vnni;

void npu_kernels_init_avx512vnni(struct npu_kernels *k);

#endif /* NPU_KERNELS_AVX512VNNI_INIT_H */
