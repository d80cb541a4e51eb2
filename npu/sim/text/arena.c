/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/text/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT   16
#define CHUNK_BYTES 65536

struct npu_arena_chunk {
    alignas(ALIGNMENT) struct npu_arena_chunk *next;
    uint8_t data[];
};

static uint8_t *chunk_add(struct npu_arena *arena, size_t bytes)
{
    if (arena->limit && (bytes > arena->limit || arena->total > arena->limit - bytes))
        return NULL;
    struct npu_arena_chunk *chunk = calloc(1, sizeof(*chunk) + bytes);
    if (!chunk)
        return NULL;
    chunk->next = arena->first;
    arena->first = chunk;
    arena->total += bytes;
    return chunk->data;
}

void *npu_arena_take(struct npu_arena *arena, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
        return NULL;
    bytes = bytes ? (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
    if (bytes > CHUNK_BYTES / 4)
        return chunk_add(arena, bytes);
    if ((size_t)(arena->end - arena->at) < bytes) {
        uint8_t *data = chunk_add(arena, CHUNK_BYTES);
        if (!data)
            return NULL;
        arena->at = data;
        arena->end = data + CHUNK_BYTES;
    }
    void *taken = arena->at;
    arena->at += bytes;
    return taken;
}

void *npu_arena_copy(struct npu_arena *arena, const void *from, size_t n, size_t size)
{
    void *to = npu_arena_take(arena, n, size);
    if (to && n)
        memcpy(to, from, n * size);
    return to;
}

void npu_arena_free(struct npu_arena *arena)
{
    while (arena->first) {
        struct npu_arena_chunk *next = arena->first->next;
        free(arena->first);
        arena->first = next;
    }
    *arena = (struct npu_arena){.limit = arena->limit};
}
