/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_ASM_MEMORY_H
#define NPU_KERNELS_ASM_MEMORY_H
/* Tell MemorySanitizer, which does not see into assembly, what the assembly reads (it reports
 * memory that was never written) and what it writes. Call the first before the assembly, the second
 * after it. Other builds compile them to nothing. */
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define NPU_ASM_MEMORY 1
#endif
#endif

#ifdef NPU_ASM_MEMORY
#include <sanitizer/msan_interface.h>
#endif

/* `rows` pieces of `bytes`, `stride` bytes apart. */
static inline void npu_asm_reads(const void *from, ptrdiff_t stride, int rows, size_t bytes)
{
#ifdef NPU_ASM_MEMORY
    for (int i = 0; i < rows; i++)
        __msan_check_mem_is_initialized((const char *)from + i * stride, bytes);
#else
    (void)from, (void)stride, (void)rows, (void)bytes;
#endif
}

static inline void npu_asm_writes(void *to, ptrdiff_t stride, int rows, size_t bytes)
{
#ifdef NPU_ASM_MEMORY
    for (int i = 0; i < rows; i++)
        __msan_unpoison((char *)to + i * stride, bytes);
#else
    (void)to, (void)stride, (void)rows, (void)bytes;
#endif
}

#endif /* NPU_KERNELS_ASM_MEMORY_H */
