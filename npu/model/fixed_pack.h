/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_FIXED_PACK_H
#define NPU_MODEL_FIXED_PACK_H
/* What npu/model/fixed.c and fixed_pack.c share. Threads: any, one at a time per struct
 * npu_fixed that is being filled. */
#include "npu/model/fixed.h"

/* Read the weights and fill `out`, whose memory is laid out. Returns as npu_fixed_open(). */
int npu_fixed_pack(struct npu_fixed *out, const struct npu_model *model, struct npu_error *err);

/* Of the weights of a stage's matrices: 8 or 16. */
unsigned npu_fixed_weight_bits(const struct npu_stage *s);

/* "layer 2 norm+qkv q" */
void npu_fixed_name(char text[64], const struct npu_stage *s, unsigned matrix);

#endif /* NPU_MODEL_FIXED_PACK_H */
