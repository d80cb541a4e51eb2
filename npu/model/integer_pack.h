/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_INTEGER_PACK_H
#define NPU_MODEL_INTEGER_PACK_H
/* What npu/model/integer.c and integer_pack.c share. Threads: any, one at a time per struct
 * npu_integer that is being filled. */
#include "npu/model/integer.h"

/* Read the weights and fill `out`, whose memory is laid out. Returns as npu_integer_open(). */
int npu_integer_pack(struct npu_integer *out, const struct npu_model *model, struct npu_error *err);

/* Of the weights of a stage's matrices: 8 or 16. */
unsigned npu_integer_weight_bits(const struct npu_stage *s);

/* "layer 2 norm+qkv q" */
void npu_integer_name(char text[64], const struct npu_stage *s, unsigned matrix);

#endif /* NPU_MODEL_INTEGER_PACK_H */
