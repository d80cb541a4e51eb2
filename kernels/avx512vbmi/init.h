/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX512VBMI_INIT_H
#define NPU_KERNELS_AVX512VBMI_INIT_H
/* Attention with table look-ups of AVX-512 VBMI; operands packed by avx512vnni. */
#include "kernels/kernels.h"

npu_attention_int_fn npu_attention_u8s8_avx512vbmi, npu_attention_s16s16_avx512vbmi;

void npu_kernels_init_avx512vbmi(struct npu_kernels *k);

#endif /* NPU_KERNELS_AVX512VBMI_INIT_H */
