/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_BLOCK_H
#define NPU_BLOCK_H
/* Blocks of working memory: many arrays in one allocation. A function takes its arrays one after
 * the other: first with base NULL, to count the bytes, then with a block of that size. Threads:
 * any. */
#include <stddef.h>

#define NPU_BLOCK_ALIGN 64 /* bytes: a cache line, and the widest vector */

/* Whole cache lines. */
static inline size_t npu_block_bytes(size_t bytes)
{
    return (bytes + NPU_BLOCK_ALIGN - 1) / NPU_BLOCK_ALIGN * NPU_BLOCK_ALIGN;
}

/* The next `bytes` of a block of which *used are taken, aligned to NPU_BLOCK_ALIGN (transfer none).
 * base NULL: returns NULL and only adds to *used. */
void *npu_block_take(char *base, size_t *used, size_t bytes);

/* A block (transfer full: free()), not cleared, aligned to NPU_BLOCK_ALIGN; one of 2 MiB or more
 * lies on whole huge pages where the system has them. bytes: 1 or more. NULL: out of memory. */
void *npu_block_alloc(size_t bytes);
/* The same, all zeros. */
void *npu_block_alloc_zeroed(size_t bytes);

#endif /* NPU_BLOCK_H */
