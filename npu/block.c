/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/block.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

void *npu_block_take(char *base, size_t *used, size_t bytes)
{
    char *at = base ? base + *used : NULL;

    *used += npu_block_bytes(bytes);
    return at;
}

void *npu_block_alloc(size_t bytes)
{
    /* Whole huge pages: fewer TLB misses while panels stream. */
    const size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : NPU_BLOCK_ALIGN;
    const size_t whole = (bytes + align - 1) / align * align;

    if (whole < bytes) /* rounding up overflowed */
        return NULL;
    void *block = aligned_alloc(align, whole);
    if (block && bytes >= HUGE_PAGE)
        madvise(block, bytes, MADV_HUGEPAGE);
    return block;
}

void *npu_block_alloc_zeroed(size_t bytes)
{
    void *block = npu_block_alloc(bytes);

    if (block)
        memset(block, 0, bytes);
    return block;
}
