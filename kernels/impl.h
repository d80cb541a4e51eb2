/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_IMPL_H
#define NPU_KERNELS_IMPL_H
/* What kernels.c, the folders of the sets and the tests share, and nobody else sees. */
#include "kernels/kernels.h"

/* Set 0 (ref) and over it, in ascending order, each of the sets 1 .. last whose needs `flags` (enum
 * npu_cpu_flag) hold. Any flags give a whole table; whether this processor can run it is the
 * caller's business. last: at most the number of sets less one is used. */
void npu_kernels_init(struct npu_kernels *out, unsigned flags, int last);

/* Query rows that one pass of attention_f32 takes; the scratch holds their scores. */
#define NPU_ATTENTION_ROWS 24
/* Row stride of the scores of n keys: whole 64-key panels, and 16 more so that the rows of a block
 * do not share the sets of the L1 cache. */
#define NPU_ATTENTION_LDS(n) (((size_t)(n) + 63) / 64 * 64 + 16)

#endif /* NPU_KERNELS_IMPL_H */
