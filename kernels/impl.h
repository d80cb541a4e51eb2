/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_IMPL_H
#define NPU_KERNELS_IMPL_H
/* Shared by kernels.c, the folders of the sets and the tests; private to them. */
#include "kernels/kernels.h"

/* Fills in set 0 (ref), then over it, in ascending order, each of the sets 1 .. last whose needs
 * are among `flags` (enum npu_cpu_flag). The table is complete for any flags; the caller makes sure
 * that this processor can run it. A larger `last` means the last set. */
void npu_kernels_init(struct npu_kernels *out, unsigned flags, int last);

/* Query rows that one pass of attention_f32 takes; the scratch holds their scores. */
#define NPU_ATTENTION_ROWS 24
/* Row stride of the scores of n keys: whole 64-key panels, and 16 more so that the rows of a block
 * do not share the sets of the L1 cache. */
#define NPU_ATTENTION_LDS(n) (((size_t)(n) + 63) / 64 * 64 + 16)

#endif /* NPU_KERNELS_IMPL_H */
