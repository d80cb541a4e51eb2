/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses in a tile's memory as mlir-aie gives them: bank-aware (what asks for an address, then
 * what asks for a bank, then the rest, largest first, round robin over the banks), or one after the
 * other, largest first, where bank-aware does not fit or the tile asks for that. Neither aligns. */
#include "npu/sim/map/memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BANKS 8

struct banks {
    unsigned n;
    uint64_t next[MAX_BANKS], end[MAX_BANKS];
};

/* Largest first; among equals the order in which the compiler meets them. */
static int compare_size(const void *a, const void *b)
{
    const struct npu_map_item *x = *(struct npu_map_item *const *)a;
    const struct npu_map_item *y = *(struct npu_map_item *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

static int compare_address(const void *a, const void *b)
{
    const struct npu_map_piece *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static bool place_in(struct banks *banks, unsigned bank, struct npu_map_item *item)
{
    uint64_t end = npu_map_add(banks->next[bank], item->bytes);
    if (end > banks->end[bank])
        return false;
    item->piece.address = banks->next[bank];
    banks->next[bank] = end;
    return true;
}

/* Places an item at the address or bank it names; false: it names none, or the place is taken. */
static bool place_named(struct banks *banks, struct npu_map_item *item)
{
    if (item->address >= 0) {
        for (unsigned i = 0; i < banks->n; i++) {
            uint64_t first = i ? banks->end[i - 1] : 0, address = (uint64_t)item->address;
            if (address < first || address >= banks->end[i])
                continue;
            if (address < banks->next[i])
                return false;
            item->piece.address = address;
            banks->next[i] = npu_map_add(address, item->bytes);
            return true;
        }
        item->piece.address = (uint64_t)item->address;
        return true;
    }
    return item->bank >= 0 && item->bank < banks->n && place_in(banks, (unsigned)item->bank, item);
}

static bool place_banks(const struct npu_tile_limits *limits, uint64_t stack,
                        struct npu_map_item *item, struct npu_map_item *const *by_size, size_t n)
{
    struct banks banks = {.n = limits->bytes / limits->bank_bytes};
    unsigned at = 0;
    for (unsigned i = 0; i < banks.n; i++) {
        banks.next[i] = (uint64_t)i * limits->bank_bytes + (i ? 0 : stack);
        banks.end[i] = (uint64_t)(i + 1) * limits->bank_bytes;
    }
    for (size_t i = 0; i < n; i++)
        item[i].placed = place_named(&banks, &item[i]);
    for (size_t i = 0; i < n; i++) {
        for (unsigned tries = 0; tries < banks.n && !by_size[i]->placed; tries++) {
            by_size[i]->placed = place_in(&banks, at, by_size[i]);
            at = (at + 1) % banks.n;
        }
        if (!by_size[i]->placed)
            return false;
    }
    return true;
}

/* Returns the end of the highest item. */
static uint64_t place_sequential(uint64_t stack, struct npu_map_item *const *by_size, size_t n,
                                 bool keep)
{
    uint64_t address = stack;
    for (size_t i = 0; i < n; i++) {
        if (keep)
            by_size[i]->piece.address = address;
        address = npu_map_add(address, by_size[i]->bytes);
    }
    return address;
}

static bool collect(struct npu_arena *arena, struct npu_map_tile *tile, uint64_t stack,
                    const struct npu_map_item *item, size_t n)
{
    struct npu_map_piece *piece = npu_arena_take(arena, n + 1, sizeof(*piece));
    uint32_t used = 0;
    if (!piece)
        return false;
    if (stack)
        piece[used++] = (struct npu_map_piece){.bytes = stack, .what = NPU_PIECE_STACK};
    for (size_t i = 0; i < n; i++) {
        piece[used] = item[i].piece;
        piece[used++].bytes = item[i].bytes;
    }
    qsort(piece, used, sizeof(*piece), compare_address);
    tile->piece = piece;
    tile->n_pieces = used;
    for (uint32_t i = 0; i < used; i++) {
        uint64_t end = npu_map_add(piece[i].address, piece[i].bytes);
        tile->used = npu_map_add(tile->used, piece[i].bytes);
        if (end > tile->end)
            tile->end = end;
    }
    return true;
}

bool npu_map_place(struct npu_arena *arena, struct npu_map_tile *tile, uint64_t stack,
                   bool sequential, struct npu_map_item *item, size_t n)
{
    const struct npu_tile_limits *limits = npu_tile_limits(tile->kind);
    struct npu_map_item **by_size = malloc((n + 1) * sizeof(struct npu_map_item *));
    if (!by_size)
        return false;
    for (size_t i = 0; i < n; i++)
        by_size[i] = &item[i];
    qsort(by_size, n, sizeof(struct npu_map_item *), compare_size);
    uint64_t end = place_sequential(stack, by_size, n, false);
    tile->sequential_room = end < limits->bytes ? limits->bytes - end : 0;
    tile->sequential =
        sequential || limits->bank_bytes == 0 || !place_banks(limits, stack, item, by_size, n);
    if (tile->sequential)
        place_sequential(stack, by_size, n, true);
    bool ok = collect(arena, tile, stack, item, n);
    free(by_size);
    tile->room = tile->end < limits->bytes ? limits->bytes - tile->end : 0;
    tile->fits = tile->end <= limits->bytes;
    return ok;
}
