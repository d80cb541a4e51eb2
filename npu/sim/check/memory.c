/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a tile has: memory, room for constants, locks, buffer descriptors, DMA channels. */
#include "npu/sim/check/checker.h"

#include <inttypes.h>
#include <stdio.h>

#define MAX_LOCK     63
#define WORD_BYTES   4   /* of a DMA and of a mem tile */
#define VECTOR_BYTES 32  /* one vector load */
#define LEAST_ROOM   512 /* bytes for constants of kernels whose size is unknown */

static void check_totals(struct npu_checker *c, const struct npu_map_tile *tile)
{
    const struct npu_tile_limits *limits = npu_tile_limits(tile->kind);
    struct npu_ir_pos pos = c->array->tile[tile->tile].pos;
    struct npu_tile_text name = npu_tile_format(c->array, tile->tile);
    static const char *const directions[] = {"input (S2MM)", "output (MM2S)"};
    if (!tile->fits && tile->kind != NPU_TILE_SHIM)
        npu_check_error(c, tile->kind == NPU_TILE_MEM ? "memory-mem" : "memory-core", pos,
                        "%s needs %" PRIu64 " bytes of its %u", name.text, tile->end,
                        limits->bytes);
    else if (tile->sequential && !c->array->tile[tile->tile].basic_sequential &&
             tile->n_pieces > 0 && tile->kind != NPU_TILE_SHIM)
        npu_checker_report(
            c, NPU_SEVERITY_WARNING, "memory-banks", pos,
            "%s: its buffers do not fit into banks of %u bytes, so they are placed one "
            "after the other, across banks",
            name.text, limits->bank_bytes);
    for (int d = 0; d < 2; d++)
        if (tile->n_channels[d] > limits->channels)
            npu_check_error(c, "channels", pos, "%s needs %u DMA channels for %s and has %u",
                            name.text, tile->n_channels[d], directions[d], limits->channels);
    if (tile->n_locks > limits->locks)
        npu_check_error(c, "locks", pos, "%s needs %u locks and has %u", name.text, tile->n_locks,
                        limits->locks);
    if (tile->n_bds > limits->bds)
        npu_check_error(c, "descriptors", pos, "%s needs %u buffer descriptors and has %u",
                        name.text, tile->n_bds, limits->bds);
}

/* On a mem tile even channels have descriptors 0 .. 23, odd ones 24 .. 47. */
static void check_halves(struct npu_checker *c)
{
    const struct npu_ir_array *array = c->array;
    for (uint32_t f = 0; f < array->n_fifos; f++)
        for (uint32_t e = 0; e <= array->fifo[f].n_consumers; e++) {
            const struct npu_map_end *end = &c->map->fifo[f][e];
            const struct npu_map_tile *tile = &c->map->tile[end->tile];
            const struct npu_tile_limits *limits = npu_tile_limits(tile->kind);
            if (tile->kind != NPU_TILE_MEM || end->n_bds == 0 || tile->n_bds > limits->bds)
                continue;
            uint32_t last = end->first_bd + end->n_bds, half = limits->bds / 2;
            if (last > half * (1 + end->channel % 2))
                npu_check_error(c, "descriptors-half", array->fifo[f].pos,
                                "@%.60s on %s, channel %u, needs buffer descriptors %u .. %u; %s "
                                "channels have %u .. %u",
                                array->fifo[f].name, npu_tile_format(array, end->tile).text,
                                end->channel, end->first_bd, last - 1,
                                end->channel % 2 ? "odd" : "even", half * (end->channel % 2),
                                half * (1 + end->channel % 2) - 1);
        }
}

/* A pool's producer lock starts with all its objects, times the repetitions of what leaves it. */
static void check_locks(struct npu_checker *c)
{
    const struct npu_ir_array *array = c->array;
    for (uint32_t f = 0; f < array->n_fifos; f++)
        for (uint32_t e = 0; e <= array->fifo[f].n_consumers; e++) {
            const struct npu_fifo *fifo = &array->fifo[f];
            const struct npu_map_end *end = &c->map->fifo[f][e];
            if (end->pool == NPU_IR_NONE || fifo->disable_synchronization)
                continue;
            uint64_t value = c->map->pool[end->pool].depth;
            value *= e == 0 ? fifo->repeat_count : 1;
            if (value > MAX_LOCK)
                npu_check_error(c, "lock-value", fifo->pos,
                                "a lock of @%.60s at %s would count to %" PRIu64 "; it has 0 .. %d",
                                fifo->name, npu_tile_format(array, end->tile).text, value,
                                MAX_LOCK);
        }
}

/* Which design node a piece stands for, and its name. */
static struct npu_ir_pos piece_name(const struct npu_checker *c, const struct npu_map_piece *piece,
                                    char *text, size_t size)
{
    const struct npu_ir_array *array = c->array;
    if (piece->what == NPU_PIECE_POOL) {
        const struct npu_fifo *fifo = &array->fifo[c->map->pool[piece->index].fifo];
        snprintf(text, size, "object %u of @%.60s", piece->object, fifo->name);
        return fifo->pos;
    }
    if (piece->what == NPU_PIECE_BUFFER) {
        snprintf(text, size, "buffer %.60s", array->buffer[piece->index].name);
        return array->buffer[piece->index].pos;
    }
    snprintf(text, size, "%s", piece->what == NPU_PIECE_STACK ? "the stack" : "the fifo counters");
    return array->pos;
}

/* Whether a DMA reads or writes the objects of a pool, and not only cores. */
static bool is_moved(const struct npu_checker *c, uint32_t pool)
{
    for (uint32_t f = 0; f < c->array->n_fifos; f++)
        for (uint32_t e = 0; e <= c->array->fifo[f].n_consumers; e++)
            if (c->map->fifo[f][e].pool == pool && c->map->fifo[f][e].channel != NPU_IR_NONE)
                return true;
    return false;
}

static void check_alignment(struct npu_checker *c, const struct npu_map_tile *tile,
                            const struct npu_map_piece *piece, struct npu_ir_pos pos,
                            const char *name)
{
    uint32_t align = tile->kind == NPU_TILE_MEM ? WORD_BYTES : VECTOR_BYTES;
    if (piece->address % WORD_BYTES != 0 && piece->what == NPU_PIECE_POOL &&
        is_moved(c, piece->index))
        npu_check_error(c, "memory-word", pos,
                        "%s on %s lies at 0x%" PRIx64 ", no multiple of the %d of a DMA's word: "
                        "the allocator aligns nothing, so make the stack and the sizes multiples",
                        name, npu_tile_format(c->array, tile->tile).text, piece->address,
                        WORD_BYTES);
    else if (piece->address % align != 0 && piece->what != NPU_PIECE_COUNTERS)
        npu_checker_report(c, NPU_SEVERITY_WARNING, "memory-align", pos,
                           "%s on %s lies at 0x%" PRIx64
                           ", no multiple of %u: the allocator aligns "
                           "nothing, so make the stack and the sizes multiples",
                           name, npu_tile_format(c->array, tile->tile).text, piece->address, align);
}

static void check_pieces(struct npu_checker *c, const struct npu_map_tile *tile)
{
    uint64_t end = 0;
    char name[96], other[96];
    for (uint32_t i = 0; i < tile->n_pieces; i++) {
        const struct npu_map_piece *piece = &tile->piece[i];
        struct npu_ir_pos pos = piece_name(c, piece, name, sizeof(name));
        bool long_stack = i > 0 && tile->piece[i - 1].what == NPU_PIECE_STACK && end > 16384;
        if (piece->address < end && !long_stack) { /* a stack over one bank is reported as such */
            struct npu_ir_pos second = piece_name(c, &tile->piece[i - 1], other, sizeof(other));
            npu_check_error(c, "memory-overlap",
                            piece->what == NPU_PIECE_BUFFER || i == 0 ? pos : second,
                            "%s at 0x%" PRIx64 " on %s begins inside of %s", name, piece->address,
                            npu_tile_format(c->array, tile->tile).text, other);
        }
        check_alignment(c, tile, piece, pos, name);
        if (piece->address + piece->bytes > end)
            end = piece->address + piece->bytes;
    }
}

/* A buffer that asks for a place gets another one if that is taken. */
static void check_places(struct npu_checker *c, const struct npu_map_tile *tile)
{
    const struct npu_tile_limits *limits = npu_tile_limits(tile->kind);
    for (uint32_t i = 0; i < tile->n_pieces; i++) {
        const struct npu_map_piece *piece = &tile->piece[i];
        if (piece->what != NPU_PIECE_BUFFER || limits->bank_bytes == 0)
            continue;
        const struct npu_buffer *buffer = &c->array->buffer[piece->index];
        uint64_t bank = piece->address / limits->bank_bytes;
        if ((buffer->address >= 0 && (uint64_t)buffer->address != piece->address) ||
            (buffer->bank >= 0 && (uint64_t)buffer->bank != bank))
            npu_checker_report(c, NPU_SEVERITY_WARNING, "buffer-place", buffer->pos,
                               "buffer %.60s lies at 0x%" PRIx64 " in bank %" PRIu64
                               " of %s: the place that it asks for is taken or does not exist",
                               buffer->name, piece->address, bank,
                               npu_tile_format(c->array, tile->tile).text);
    }
}

static bool calls(const struct npu_ir_region *region)
{
    for (uint32_t i = 0; i < region->n_ops; i++) {
        if (region->op[i].code == NPU_IR_CALL)
            return true;
        for (uint32_t r = 0; r < region->op[i].n_regions; r++)
            if (calls(&region->op[i].region[r]))
                return true;
    }
    return false;
}

/* The constants of a kernel lie above the highest buffer. */
static void check_room(struct npu_checker *c, const struct npu_ir_core *core)
{
    const struct npu_map_tile *tile = &c->map->tile[core->tile];
    uint32_t need = c->options->constant_bytes;
    uint64_t least = need ? need : LEAST_ROOM;
    if (!tile->fits || tile->room >= least || !calls(&core->body.region))
        return;
    char advice[120] = "make the buffers smaller";
    if (tile->sequential_room >= least && !tile->sequential)
        snprintf(advice, sizeof(advice),
                 "allocation_scheme = \"basic-sequential\" on the tile leaves %" PRIu64,
                 tile->sequential_room);
    npu_checker_report(c, need ? NPU_SEVERITY_ERROR : NPU_SEVERITY_WARNING, "constants-room",
                       core->pos,
                       "%s has %" PRIu64 " bytes above its highest buffer for the constants of its "
                       "kernels%s %" PRIu64 "; %s",
                       npu_tile_format(c->array, core->tile).text, tile->room,
                       need ? ", which need" : ", advised are at least", least, advice);
}

void npu_check_memory(struct npu_checker *c)
{
    for (uint32_t t = 0; t < c->array->n_tiles; t++) {
        check_totals(c, &c->map->tile[t]);
        if (c->map->tile[t].fits)
            check_pieces(c, &c->map->tile[t]);
        check_places(c, &c->map->tile[t]);
    }
    check_halves(c);
    check_locks(c);
    for (uint32_t i = 0; i < c->array->n_cores; i++)
        if (npu_tile_kind(&c->array->tile[c->array->core[i].tile]) == NPU_TILE_CORE)
            check_room(c, &c->array->core[i]);
}
