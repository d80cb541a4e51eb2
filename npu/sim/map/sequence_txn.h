/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_MAP_SEQUENCE_TXN_H
#define NPU_SIM_MAP_SEQUENCE_TXN_H
/* A runtime sequence as instruction words, and back from a word's channel to the fifo it feeds.
 * Threads: any. Nothing blocks. */
#include "npu/sim/map/map.h"
#include "npu/txn/txn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The stream of `sequence` (index in `array`): what the stock compiler makes of dma_memcpy_nd,
 * dma_wait, the task forms with one descriptor each, rtp_write, write32, maskwrite32 and sync.
 * Host buffer i is the i-th memref argument. A descriptor of a task that names no id gets the
 * lowest that is free on its tile at that point.
 * out: (transfer full). Returns: 0; -EINVAL a transfer that a descriptor cannot hold; -ENOTSUP an
 * operation or value that has no words (loops, chains of descriptors, run-time sizes); -ENOMEM.
 * Sentences begin with file:line:column. */
int npu_sequence_words(struct npu_txn **out, const struct npu_design *design,
                       const struct npu_ir_array *array, const struct npu_map *map,
                       uint32_t sequence, struct npu_error *err);

#ifdef __cplusplus
}
#endif
#endif /* NPU_SIM_MAP_SEQUENCE_TXN_H */
