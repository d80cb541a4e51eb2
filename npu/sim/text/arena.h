/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_TEXT_ARENA_H
#define NPU_SIM_TEXT_ARENA_H
/* Memory that is freed all at once. Threads: one at a time per arena. */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct npu_arena_chunk;

struct npu_arena {
    struct npu_arena_chunk *first; /* newest */
    uint8_t *at, *end;
    size_t total, limit; /* bytes taken from the system, and at most; limit 0: no limit */
};

/* Zeroed, aligned to 16 bytes (transfer none: the arena owns it). NULL: no memory, or the limit.
 * bytes 0 gives a pointer that is not NULL. */
void *npu_arena_take(struct npu_arena *arena, size_t n, size_t size);
/* A copy of `n` elements of `size` bytes. */
void *npu_arena_copy(struct npu_arena *arena, const void *from, size_t n, size_t size);
void npu_arena_free(struct npu_arena *arena); /* everything; the arena is empty then */

#ifdef __cplusplus
}
#endif

#endif /* NPU_SIM_TEXT_ARENA_H */
