/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_KERNELS_KIT_INT_H
#define TESTS_KERNELS_KIT_INT_H
/* Integer operands in memory, written from kernels.h and not from the code under test. */
#include "kernels/kernels.h"
#include "tests/kernels/kit.h"

#define KIT_ZERO     128          /* zero point of a symmetric row */
#define KIT_NO_SCORE (-(1 << 30)) /* k_offset of a key that does not exist */

/* Allocations as by kit_alloc(), freed together. */
struct kit_pool {
    float *at[24];
    size_t size[24];
    int count;
};
/* `bytes` bytes whose end, rounded up to 4, meets a page that may not be touched. */
void *kit_pool_get(struct kit_pool *pool, size_t bytes);
void kit_pool_free(struct kit_pool *pool);

/* How a set stores operands of a width: 1 byte or 2. */
int kit_operand_bytes(const struct npu_kernels *k, enum npu_width width);
/* Index of operand kk of output j in packed B, [ceil(n / nr)][k / g][nr][g]. */
size_t kit_packed_at(int j, int kk, int k, int nr, int bytes);
int kit_packed_get(const void *b, size_t at, int bytes);
/* An activation: bytes carry the zero point. */
int kit_activation_get(const void *a, ptrdiff_t at, int bytes, int zero);
void kit_activation_set(void *a, ptrdiff_t at, int bytes, int q, int zero);

/* A matrix of operands with `pad` guard operands at least at each side, a guard row above and
 * below; the first element is 4-byte aligned, the rows after it need not be. */
struct kit_operands {
    char *base, *x;
    int m, n, bytes;
    ptrdiff_t ld;
    size_t size;
};
void kit_operands_open(struct kit_operands *o, struct kit_pool *pool, int m, int n, int pad,
                       int bytes);
bool kit_operands_intact(const struct kit_operands *o, struct kit_why *why);

#endif /* TESTS_KERNELS_KIT_INT_H */
