/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks of working memory: the count equals what is taken, and nothing overlaps. */
#include <malloc.h>
#include <stdint.h>

#include "npu/block.h"
#include "tests/check.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const size_t sizes[] = {1, 63, 64, 65, 0, 4096, 7, 1000001};

static size_t lay_out(char *base, char *part[COUNT(sizes)])
{
    size_t used = 0;
    for (size_t i = 0; i < COUNT(sizes); i++)
        part[i] = npu_block_take(base, &used, sizes[i]);
    return used;
}

static void test_take(void)
{
    char *part[COUNT(sizes)], *none[COUNT(sizes)];
    size_t bytes = lay_out(NULL, none), i = 0;
    bool counted = true, apart = true;
    char *block = npu_block_alloc(bytes);

    if (!block)
        exit(1);
    bool same = lay_out(block, part) == bytes;
    for (i = 0; i < COUNT(sizes); i++) {
        counted = counted && !none[i];
        apart = apart && (uintptr_t)part[i] % NPU_BLOCK_ALIGN == 0 &&
                (i == 0 || part[i] >= part[i - 1] + sizes[i - 1]);
        memset(part[i], (int)i, sizes[i]); /* a sanitizer sees what is outside */
    }
    apart = apart && part[COUNT(sizes) - 1] + sizes[COUNT(sizes) - 1] <= block + bytes;
    check_case(same && counted, "block_counts_what_it_hands_out", "%zu bytes", bytes);
    check_case(apart, "block_parts_are_aligned_and_apart", "%zu parts", COUNT(sizes));
    free(block);
}

static void test_alloc(void)
{
    static const size_t bytes[] = {1, 64, 100, ((size_t)2 << 20) - 1, (size_t)2 << 20, 5000001};
    bool aligned = true, zeros = true;

    for (size_t i = 0; i < COUNT(bytes); i++) {
        unsigned char *block = npu_block_alloc_zeroed(bytes[i]);
        if (!block)
            exit(1);
        aligned = aligned && (uintptr_t)block % NPU_BLOCK_ALIGN == 0;
        for (size_t j = 0; j < bytes[i]; j++)
            zeros = zeros && block[j] == 0;
        free(block);
    }
    check_case(aligned, "block_is_aligned", "%zu sizes", COUNT(bytes));
    check_case(zeros, "block_zeroed_is_zero", "%zu sizes", COUNT(bytes));
    check_case(!npu_block_alloc(SIZE_MAX) && !npu_block_alloc_zeroed(SIZE_MAX - 100),
               "block_of_nearly_all_memory_is_none", "%s", "");
}

int main(void)
{
#ifdef M_PERTURB
    mallopt(M_PERTURB, 0x5A); /* new memory is not zero */
#endif
    test_take();
    test_alloc();
    return check_finish();
}
