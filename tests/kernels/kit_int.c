/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/kernels/kit_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD_BYTE 0xa5

void *kit_pool_get(struct kit_pool *pool, size_t bytes)
{
    if (pool->count == sizeof pool->at / sizeof *pool->at) {
        fprintf(stderr, "kit_pool_get: more than %d allocations\n", pool->count);
        exit(1);
    }
    pool->size[pool->count] = (bytes + sizeof(float) - 1) / sizeof(float);
    pool->at[pool->count] = kit_alloc(pool->size[pool->count]);
    return pool->at[pool->count++];
}

void kit_pool_free(struct kit_pool *pool)
{
    while (pool->count > 0) {
        pool->count--;
        kit_free(pool->at[pool->count], pool->size[pool->count]);
    }
}

int kit_operand_bytes(const struct npu_kernels *k, enum npu_width width)
{
    return width == NPU_NARROW ? k->narrow_bytes : 2;
}

size_t kit_packed_at(int j, int kk, int k, int nr, int bytes)
{
    int g = 4 / bytes;
    size_t group = (size_t)(j / nr) * (size_t)(k / g) + (size_t)(kk / g);
    return (group * (size_t)nr + (size_t)(j % nr)) * (size_t)g + (size_t)(kk % g);
}

int kit_packed_get(const void *b, size_t at, int bytes)
{
    int16_t word;
    if (bytes == 1)
        return ((const int8_t *)b)[at];
    memcpy(&word, (const char *)b + 2 * at, sizeof word);
    return word;
}

int kit_activation_get(const void *a, ptrdiff_t at, int bytes, int zero)
{
    int16_t word;
    if (bytes == 1)
        return ((const uint8_t *)a)[at] - zero;
    memcpy(&word, (const char *)a + 2 * at, sizeof word);
    return word;
}

void kit_activation_set(void *a, ptrdiff_t at, int bytes, int q, int zero)
{
    int16_t word = (int16_t)q;
    if (bytes == 1)
        ((uint8_t *)a)[at] = (uint8_t)(q + zero);
    else
        memcpy((char *)a + 2 * at, &word, sizeof word);
}

void kit_operands_open(struct kit_operands *o, struct kit_pool *pool, int m, int n, int pad,
                       int bytes)
{
    o->m = m;
    o->n = n;
    o->bytes = bytes;
    o->ld = n + 2 * pad;
    size_t before = ((size_t)o->ld + (size_t)pad + 3) / 4 * 4;
    o->size = (before + (size_t)(m + 1) * (size_t)o->ld) * (size_t)bytes;
    o->base = kit_pool_get(pool, o->size);
    o->x = o->base + before * (size_t)bytes;
    memset(o->base, GUARD_BYTE, o->size);
}

bool kit_operands_intact(const struct kit_operands *o, struct kit_why *why)
{
    ptrdiff_t first = o->x - o->base, row_bytes = o->ld * o->bytes;
    for (ptrdiff_t i = 0; i < (ptrdiff_t)o->size; i++) {
        ptrdiff_t row = i >= first ? (i - first) / row_bytes : -1;
        ptrdiff_t byte = i >= first ? (i - first) % row_bytes : i - first;
        bool inside = row >= 0 && row < o->m && byte < (ptrdiff_t)o->n * o->bytes;
        if (!inside && (uint8_t)o->base[i] != GUARD_BYTE)
            return kit_fail(why, "wrote outside: row %td byte %td of %d x %d operands of %d", row,
                            byte, o->m, o->n, o->bytes);
    }
    return true;
}
