/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_MAP_MEMORY_H
#define NPU_SIM_MAP_MEMORY_H
/* Private to *.c. Threads: any, one at a time per arena. Nothing blocks. */
#include "npu/sim/map/map.h"
#include "npu/sim/text/arena.h"

#define NPU_MAP_DEFAULT_STACK 1024 /* bytes where the core says nothing */

/* Something to place: `address` >= 0 asks for that place, `bank` >= 0 for that bank. */
struct npu_map_item {
    uint64_t bytes;
    int64_t address, bank;
    bool placed;
    struct npu_map_piece piece;
};

/* Place `n` items in the order in which the compiler meets them, and fill the tile's memory numbers
 * and pieces; n_pieces, kind and core are set. False: no memory. */
bool npu_map_place(struct npu_arena *arena, struct npu_map_tile *tile, uint64_t stack,
                   bool sequential, struct npu_map_item *item, size_t n);

/* a + b, or UINT64_MAX. */
static inline uint64_t npu_map_add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

#endif /* NPU_SIM_MAP_MEMORY_H */
