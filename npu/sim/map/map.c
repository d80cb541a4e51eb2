/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channels, pools, locks and buffer descriptors; addresses are memory.c. */
#include "npu/sim/map/map.h"
#include "npu/log.h"
#include "npu/sim/map/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_LIMIT (256u << 20)
#define MAX_BDS      4096 /* counted at one end: far beyond what any tile has */

struct builder {
    const struct npu_ir_array *array;
    struct npu_arena arena;
    struct npu_map_end **fifo;
    struct npu_map_pool *pool; /* [ends + 1]: no more are possible */
    struct npu_map_tile *tile;
    uint32_t n_pools;
    uint32_t *held; /* [fifos]: objects acquired at once by the current core, 0: not used */
    uint32_t *used; /* [fifos]: those that it uses */
    uint32_t n_used;
    uint32_t *acquired;  /* [ends]: the same of the core at each end */
    uint32_t *first_end; /* [fifos] index into `acquired` */
};

/* Whether the core (or mem tile) at `from` loads and stores the memory of `to`: its own, west,
 * north and south of a core; east and west of a mem tile. */
static bool reaches(const struct npu_tile *from, const struct npu_tile *to)
{
    int column = (int)to->column - (int)from->column, row = (int)to->row - (int)from->row;
    if (npu_tile_kind(from) == NPU_TILE_MEM)
        return row == 0 && column >= -1 && column <= 1;
    return (column == 0 && row >= -1 && row <= 1) || (column == -1 && row == 0);
}

/* Whether cores or mem tiles a and b reach one memory, so that a fifo between them needs no DMA:
 * then *owner_is_a says whose memory (a's, if both serve). */
static bool tiles_share(const struct npu_tile *a, const struct npu_tile *b, bool *owner_is_a)
{
    enum npu_tile_kind kind = npu_tile_kind(a);
    if (kind == NPU_TILE_SHIM || kind != npu_tile_kind(b))
        return false;
    *owner_is_a = reaches(b, a);
    return *owner_is_a || reaches(a, b);
}

static const struct npu_fifo_end *end_of(const struct npu_fifo *fifo, uint32_t end)
{
    return end == 0 ? &fifo->producer : &fifo->consumer[end - 1];
}

static bool shares_memory(const struct npu_ir_array *array, const struct npu_fifo *fifo,
                          bool *owner_is_producer)
{
    return fifo->n_consumers == 1 && !fifo->via_dma && fifo->repeat_count == 1 &&
           !fifo->has_consumer_type && fifo->producer.n_dims == 0 &&
           fifo->consumer[0].n_dims == 0 && fifo->link_in == NPU_IR_NONE &&
           fifo->link_out == NPU_IR_NONE &&
           tiles_share(&array->tile[fifo->producer.tile], &array->tile[fifo->consumer[0].tile],
                       owner_is_producer);
}

/* ---- What the cores acquire ------------------------------------------------------------------ */

static void note_acquires(struct builder *b, const struct npu_ir_region *region)
{
    for (uint32_t i = 0; i < region->n_ops; i++) {
        const struct npu_ir_op *op = &region->op[i];
        if (op->code == NPU_IR_ACQUIRE || op->code == NPU_IR_RELEASE) {
            uint32_t n = op->code == NPU_IR_ACQUIRE ? (uint32_t)op->value : 1;
            if (b->held[op->ref] == 0)
                b->used[b->n_used++] = op->ref;
            if (b->held[op->ref] < n)
                b->held[op->ref] = n;
        }
        for (uint32_t r = 0; r < op->n_regions; r++)
            note_acquires(b, &op->region[r]);
    }
}

/* acquired[] of every end whose tile has a core, and the counters of dynamic lowering: n_counters[]
 * by core. */
static void note_cores(struct builder *b, uint32_t *n_counters)
{
    const struct npu_ir_array *array = b->array;
    for (uint32_t c = 0; c < array->n_cores; c++) {
        const struct npu_ir_core *core = &array->core[c];
        b->n_used = 0;
        note_acquires(b, &core->body.region);
        n_counters[c] = b->n_used;
        for (uint32_t i = 0; i < b->n_used; i++) {
            uint32_t f = b->used[i];
            for (uint32_t e = 0; e <= array->fifo[f].n_consumers; e++)
                if (end_of(&array->fifo[f], e)->tile == core->tile)
                    b->acquired[b->first_end[f] + e] = b->held[f];
            b->held[f] = 0;
        }
    }
}

/* ---- Pools ----------------------------------------------------------------------------------- */

/* Buffers at one end: as declared, but a scalar depth at a core becomes what the core holds plus
 * one. */
static uint32_t depth_of(const struct builder *b, uint32_t f, uint32_t e)
{
    const struct npu_fifo *fifo = &b->array->fifo[f];
    const struct npu_fifo_end *end = end_of(fifo, e);
    uint32_t held = b->acquired[b->first_end[f] + e];
    if (fifo->depth_per_end || held == 0 ||
        npu_tile_kind(&b->array->tile[end->tile]) != NPU_TILE_CORE)
        return end->depth;
    return held == 1 && end->depth == 1 ? 1 : held + 1;
}

static const struct npu_ir_type *type_of(const struct npu_fifo *fifo, uint32_t e)
{
    return e == 0 ? &fifo->type : &fifo->consumer_type;
}

static uint32_t add_pool(struct builder *b, uint32_t f, uint32_t e, uint32_t tile, uint32_t depth)
{
    b->pool[b->n_pools] =
        (struct npu_map_pool){.fifo = f,
                              .end = e,
                              .tile = tile,
                              .depth = depth,
                              .bytes = npu_ir_type_bytes(type_of(&b->array->fifo[f], e)),
                              .n_parts = 1};
    return b->n_pools++;
}

/* The consumer of `fifo` on that tile, as an end; 0: none. */
static uint32_t consumer_on(const struct npu_fifo *fifo, uint32_t tile)
{
    for (uint32_t i = 0; i < fifo->n_consumers; i++)
        if (fifo->consumer[i].tile == tile)
            return i + 1;
    return 0;
}

/* An end moves `bytes` of each object of a pool. */
static void set_part(struct builder *b, uint32_t f, uint32_t e, uint32_t pool, uint64_t offset,
                     uint64_t bytes)
{
    struct npu_map_end *end = &b->fifo[f][e];
    end->pool = pool;
    end->pool_offset = offset;
    end->pool_bytes = bytes;
}

static void set_whole(struct builder *b, uint32_t f, uint32_t e, uint32_t pool)
{
    set_part(b, f, e, pool, 0, b->pool[pool].bytes);
}

/* The divided side of a link: part i reaches from its offset to the next one's, or to the end of
 * the object, whatever the size of its fifo's objects. */
static uint64_t part_bytes(const int64_t *offset, uint32_t n, uint32_t i, uint64_t elem,
                           uint64_t object)
{
    uint64_t start = (uint64_t)offset[i] * elem, end = object;
    for (uint32_t k = 0; k < n; k++) {
        uint64_t other = (uint64_t)offset[k] * elem;
        end = other > start && other < end ? other : end;
    }
    return end > start ? end - start : 0;
}

static void set_parts(struct builder *b, const struct npu_link *link, uint32_t tile, uint32_t pool,
                      uint64_t elem)
{
    bool join = link->n_in > 1;
    const int64_t *offset = join ? link->in_offset : link->out_offset;
    uint32_t n = join ? link->n_in : link->n_out;
    uint32_t n_offsets = join ? link->n_in_offsets : link->n_out_offsets;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t f = join ? link->in[i] : link->out[i];
        uint32_t e = join ? consumer_on(&b->array->fifo[f], tile) : 0;
        if (n_offsets == n)
            set_part(b, f, e, pool, (uint64_t)offset[i] * elem,
                     part_bytes(offset, n, i, elem, b->pool[pool].bytes));
        else /* reported: link-count */
            set_part(b, f, e, pool, 0, npu_ir_type_bytes(type_of(&b->array->fifo[f], e)));
    }
}

/* One pool for both sides of a link; false where the fifos do not meet in one tile. */
static bool link_pools(struct builder *b, const struct npu_link *link)
{
    const struct npu_fifo *fifo = b->array->fifo;
    uint32_t tile = fifo[link->out[0]].producer.tile;
    for (uint32_t i = 0; i < link->n_in; i++)
        if (consumer_on(&fifo[link->in[i]], tile) == 0)
            return false;
    for (uint32_t i = 0; i < link->n_out; i++)
        if (fifo[link->out[i]].producer.tile != tile)
            return false;
    uint32_t in_end = consumer_on(&fifo[link->in[0]], tile);
    bool join = link->n_in > 1;
    bool own_in =
        !join && (link->n_out > 1 || npu_ir_type_bytes(&fifo[link->in[0]].consumer_type) >=
                                         npu_ir_type_bytes(&fifo[link->out[0]].type));
    uint32_t owner = own_in ? link->in[0] : link->out[0], owner_end = own_in ? in_end : 0;
    uint32_t pool = add_pool(b, owner, owner_end, tile, depth_of(b, owner, owner_end));
    unsigned bits = npu_ir_elem_bits(type_of(&fifo[owner], owner_end)->elem);
    b->pool[pool].n_parts = join ? link->n_in : link->n_out;
    for (uint32_t i = 0; i < link->n_in; i++)
        set_whole(b, link->in[i], consumer_on(&fifo[link->in[i]], tile), pool);
    for (uint32_t i = 0; i < link->n_out; i++)
        set_whole(b, link->out[i], 0, pool);
    if (b->pool[pool].n_parts > 1)
        set_parts(b, link, tile, pool, bits < 8 ? 1 : bits / 8);
    return true;
}

static void fifo_pools(struct builder *b, uint32_t f)
{
    const struct npu_ir_array *array = b->array;
    const struct npu_fifo *fifo = &array->fifo[f];
    bool owner_is_producer;
    if (shares_memory(array, fifo, &owner_is_producer)) {
        uint32_t e = owner_is_producer ? 0 : 1;
        uint32_t pool = add_pool(b, f, e, end_of(fifo, e)->tile, fifo->producer.depth);
        set_whole(b, f, 0, pool);
        set_whole(b, f, 1, pool);
        return;
    }
    for (uint32_t e = 0; e <= fifo->n_consumers; e++) {
        const struct npu_fifo_end *end = end_of(fifo, e);
        if (b->fifo[f][e].pool == NPU_IR_NONE &&
            npu_tile_kind(&array->tile[end->tile]) != NPU_TILE_SHIM)
            set_whole(b, f, e, add_pool(b, f, e, end->tile, depth_of(b, f, e)));
    }
}

/* ---- Channels, descriptors, locks ------------------------------------------------------------ */

static uint32_t bds_of(const struct builder *b, uint32_t f, uint32_t e)
{
    const struct npu_map_end *end = &b->fifo[f][e];
    const struct npu_map_pool *pool = &b->pool[end->pool];
    uint32_t repeat = e == 0 ? b->array->fifo[f].repeat_count : 1;
    bool whole = pool->fifo == f && pool->end == e; /* all parts of a join or distribute */
    if (pool->depth == 1 && b->array->fifo[f].iter_count == 0)
        repeat = 1; /* the channel repeats the one descriptor */
    uint64_t n = (uint64_t)pool->depth * repeat * (whole ? pool->n_parts : 1);
    return n < MAX_BDS ? (uint32_t)n : MAX_BDS;
}

static void number_end(struct builder *b, uint32_t f, uint32_t e, uint32_t *odd_bds)
{
    struct npu_map_end *end = &b->fifo[f][e];
    struct npu_map_tile *tile = &b->tile[end->tile];
    end->channel = tile->n_channels[end->direction]++;
    if (end->pool == NPU_IR_NONE)
        return;
    bool odd = tile->kind == NPU_TILE_MEM && end->channel % 2;
    uint32_t *next = odd ? &odd_bds[end->tile] : &tile->n_bds;
    end->n_bds = bds_of(b, f, e);
    end->first_bd = *next + (odd ? npu_tile_limits(NPU_TILE_MEM)->bds / 2 : 0);
    *next += end->n_bds;
}

static bool number_ends(struct builder *b)
{
    const struct npu_ir_array *array = b->array;
    uint32_t *odd_bds = npu_arena_take(&b->arena, array->n_tiles, sizeof(*odd_bds));
    if (!odd_bds)
        return false;
    for (uint32_t f = 0; f < array->n_fifos; f++) {
        const struct npu_fifo *fifo = &array->fifo[f];
        bool owner_is_producer;
        if (shares_memory(array, fifo, &owner_is_producer))
            continue;
        for (uint32_t e = 0; e <= fifo->n_consumers; e++)
            number_end(b, f, e, odd_bds);
    }
    for (uint32_t t = 0; t < array->n_tiles; t++)
        b->tile[t].n_bds += odd_bds[t];
    for (uint32_t i = 0; i < b->n_pools; i++)
        if (!array->fifo[b->pool[i].fifo].disable_synchronization)
            b->tile[b->pool[i].tile].n_locks += 2 * b->pool[i].n_parts;
    return true;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void add_item(struct npu_map_item *item, uint32_t *n, const struct npu_map_item *new_item)
{
    if (item)
        item[*n] = *new_item;
    ++*n;
}

/* The items of every tile, tile after tile: pools (of the fifo declared last first, as the compiler
 * inserts them), buffers, counters. With item NULL: only counts. */
static void list_items(const struct builder *b, const uint32_t *n_counters, const uint32_t *start,
                       struct npu_map_item *item, uint32_t *count)
{
    const struct npu_ir_array *array = b->array;
    for (uint32_t i = b->n_pools; i-- > 0;) {
        const struct npu_map_pool *pool = &b->pool[i];
        for (uint32_t k = 0; k < pool->depth; k++) {
            struct npu_map_item new_item = {.bytes = pool->bytes, .address = -1, .bank = -1};
            new_item.piece =
                (struct npu_map_piece){.what = NPU_PIECE_POOL, .index = i, .object = k};
            add_item(item ? item + start[pool->tile] : NULL, &count[pool->tile], &new_item);
        }
    }
    for (uint32_t i = 0; i < array->n_buffers; i++) {
        const struct npu_buffer *buffer = &array->buffer[i];
        struct npu_map_item new_item = {.bytes = npu_ir_type_bytes(&buffer->type),
                                        .address = buffer->address,
                                        .bank = buffer->bank};
        new_item.piece = (struct npu_map_piece){.what = NPU_PIECE_BUFFER, .index = i};
        add_item(item ? item + start[buffer->tile] : NULL, &count[buffer->tile], &new_item);
    }
    for (uint32_t c = 0; c < array->n_cores; c++) {
        uint32_t tile = array->core[c].tile;
        struct npu_map_item new_item = {
            .bytes = 4 * (uint64_t)n_counters[c], .address = -1, .bank = -1};
        new_item.piece = (struct npu_map_piece){.what = NPU_PIECE_COUNTERS, .index = c};
        if (array->core[c].dynamic && n_counters[c] > 0)
            add_item(item ? item + start[tile] : NULL, &count[tile], &new_item);
    }
}

static bool place_all(struct builder *b, const uint32_t *n_counters)
{
    const struct npu_ir_array *array = b->array;
    uint32_t n_tiles = array->n_tiles;
    uint32_t *count = npu_arena_take(&b->arena, n_tiles, sizeof(*count));
    uint32_t *start = npu_arena_take(&b->arena, n_tiles + 1, sizeof(*start));
    if (!count || !start)
        return false;
    list_items(b, n_counters, NULL, NULL, count);
    for (uint32_t t = 0; t < n_tiles; t++)
        start[t + 1] = start[t] + count[t];
    struct npu_map_item *item = npu_arena_take(&b->arena, start[n_tiles], sizeof(*item));
    if (!item)
        return false;
    memset(count, 0, n_tiles * sizeof(*count));
    list_items(b, n_counters, start, item, count);
    for (uint32_t t = 0; t < n_tiles; t++) {
        struct npu_map_tile *tile = &b->tile[t];
        uint64_t stack = 0;
        if (tile->core != NPU_IR_NONE) {
            int64_t size = array->core[tile->core].stack_size;
            stack = size < 0 ? NPU_MAP_DEFAULT_STACK : (uint64_t)size;
        }
        if (!npu_map_place(&b->arena, tile, stack, array->tile[t].basic_sequential, item + start[t],
                           count[t]))
            return false;
    }
    return true;
}

static bool keep_addresses(struct builder *b)
{
    for (uint32_t i = 0; i < b->n_pools; i++) {
        b->pool[i].address = npu_arena_take(&b->arena, b->pool[i].depth, sizeof(uint64_t));
        if (!b->pool[i].address)
            return false;
    }
    for (uint32_t t = 0; t < b->array->n_tiles; t++)
        for (uint32_t i = 0; i < b->tile[t].n_pieces; i++) {
            const struct npu_map_piece *piece = &b->tile[t].piece[i];
            /* The builder owns the addresses until it returns the map. */
            if (piece->what == NPU_PIECE_POOL)
                ((uint64_t *)(uintptr_t)b->pool[piece->index].address)[piece->object] =
                    piece->address;
        }
    return true;
}

/* ---- The map --------------------------------------------------------------------------------- */

static bool start_map(struct builder *b)
{
    const struct npu_ir_array *array = b->array;
    size_t n_ends = 0;
    b->first_end = npu_arena_take(&b->arena, array->n_fifos, sizeof(uint32_t));
    b->held = npu_arena_take(&b->arena, array->n_fifos, sizeof(uint32_t));
    b->used = npu_arena_take(&b->arena, array->n_fifos, sizeof(uint32_t));
    b->fifo = npu_arena_take(&b->arena, array->n_fifos, sizeof(struct npu_map_end *));
    b->tile = npu_arena_take(&b->arena, array->n_tiles, sizeof(*b->tile));
    if (!b->first_end || !b->held || !b->used || !b->fifo || !b->tile)
        return false;
    for (uint32_t f = 0; f < array->n_fifos; f++) {
        const struct npu_fifo *fifo = &array->fifo[f];
        struct npu_map_end *end =
            npu_arena_take(&b->arena, (size_t)fifo->n_consumers + 1, sizeof(*end));
        if (!end)
            return false;
        b->fifo[f] = end;
        b->first_end[f] = (uint32_t)n_ends;
        n_ends += (size_t)fifo->n_consumers + 1;
        for (uint32_t e = 0; e <= fifo->n_consumers; e++)
            end[e] = (struct npu_map_end){.tile = end_of(fifo, e)->tile,
                                          .direction = e == 0 ? NPU_MM2S : NPU_S2MM,
                                          .channel = NPU_IR_NONE,
                                          .pool = NPU_IR_NONE};
    }
    for (uint32_t t = 0; t < array->n_tiles; t++)
        b->tile[t] = (struct npu_map_tile){
            .tile = t, .kind = npu_tile_kind(&array->tile[t]), .core = NPU_IR_NONE};
    for (uint32_t c = array->n_cores; c-- > 0;)
        b->tile[array->core[c].tile].core = c;
    b->acquired = npu_arena_take(&b->arena, n_ends, sizeof(uint32_t));
    b->pool = npu_arena_take(&b->arena, n_ends + 1, sizeof(*b->pool));
    return b->acquired && b->pool;
}

static int compare_pools(const void *a, const void *b)
{
    const struct npu_map_pool *x = a, *y = b;
    if (x->fifo != y->fifo)
        return x->fifo < y->fifo ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Sorts pools into the order of the fifos that name them: the links' pools were made first. */
static bool sort_pools(struct builder *b)
{
    struct npu_map_pool *old = npu_arena_copy(&b->arena, b->pool, b->n_pools, sizeof(*old));
    if (!old)
        return false;
    qsort(b->pool, b->n_pools, sizeof(*b->pool), compare_pools);
    for (uint32_t f = 0; f < b->array->n_fifos; f++)
        for (uint32_t e = 0; e <= b->array->fifo[f].n_consumers; e++) {
            struct npu_map_end *end = &b->fifo[f][e];
            if (end->pool == NPU_IR_NONE)
                continue;
            const struct npu_map_pool *found =
                bsearch(&old[end->pool], b->pool, b->n_pools, sizeof(*b->pool), compare_pools);
            end->pool = (uint32_t)(found - b->pool);
        }
    return true;
}

static bool build(struct builder *b)
{
    const struct npu_ir_array *array = b->array;
    uint32_t *n_counters = npu_arena_take(&b->arena, array->n_cores, sizeof(*n_counters));
    if (!n_counters || !start_map(b))
        return false;
    note_cores(b, n_counters);
    for (uint32_t i = 0; i < array->n_links; i++)
        link_pools(b, &array->link[i]);
    for (uint32_t f = 0; f < array->n_fifos; f++)
        fifo_pools(b, f);
    return sort_pools(b) && number_ends(b) && place_all(b, n_counters) && keep_addresses(b);
}

int npu_map_open(struct npu_map **out, const struct npu_ir_array *array, struct npu_error *err)
{
    struct builder b = {.array = array, .arena = {.limit = MEMORY_LIMIT}};
    struct npu_map *map = npu_arena_take(&b.arena, 1, sizeof(*map));
    struct npu_arena *memory = npu_arena_take(&b.arena, 1, sizeof(*memory));
    if (!map || !memory || !build(&b)) {
        npu_arena_free(&b.arena);
        return npu_fail(err, -ENOMEM, "device %s: no memory for the map of %u tiles and %u fifos",
                        array->device, array->n_tiles, array->n_fifos);
    }
    *map = (struct npu_map){.array = array,
                            .n_pools = b.n_pools,
                            .pool = b.pool,
                            .tile = b.tile,
                            .fifo = (const struct npu_map_end *const *)b.fifo,
                            .memory = memory};
    *memory = b.arena;
    *out = map;
    return 0;
}

void npu_map_close(struct npu_map **map)
{
    if (!*map)
        return;
    struct npu_arena arena = *(const struct npu_arena *)(*map)->memory;
    npu_arena_free(&arena);
    *map = NULL;
}
