/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AMX_INIT_H
#define NPU_KERNELS_AMX_INIT_H
/* Byte products by the tiles of AMX-INT8; operands packed by avx512vnni. */
#include "kernels/kernels.h"

npu_gemm_int_fn npu_gemm_u8s8_amx;
npu_attention_int_fn npu_attention_u8s8_amx;
/* Compares the kernels above with plain C on a few numbers. Needs the processor's features of the
 * set and the right to use tiles. */
bool npu_exact_amx(void);

void npu_kernels_init_amx(struct npu_kernels *k);

#endif /* NPU_KERNELS_AMX_INIT_H */
