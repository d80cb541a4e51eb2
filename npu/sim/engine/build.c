/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the parsed design and its map to pools, channels, streams and memories. */
#include "npu/sim/engine/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN \
    64 /* bytes; a core's vector loads want the alignment that the array's allocator gives */

static int fail_memory(struct npu_sim *sim)
{
    return npu_sim_fail(sim, -ENOMEM, NULL, "no memory for the array");
}

/* ---- Pools ----------------------------------------------------------------------------------- */

static const struct npu_fifo_end *end_of(const struct npu_fifo *fifo, uint32_t end)
{
    return end == 0 ? &fifo->producer : &fifo->consumer[end - 1];
}

/* The parts of a pool: what the ends of its divided side move. Fills offset and bytes, sorted. */
static uint32_t collect_parts(const struct npu_sim *sim, uint32_t pool, struct npu_sim_slice *slice,
                              uint32_t most)
{
    uint32_t n = 0;
    const struct npu_map_pool *at = &sim->map->pool[pool];
    for (uint32_t f = 0; f < sim->array->n_fifos; f++)
        for (uint32_t e = 0; e <= sim->array->fifo[f].n_consumers; e++) {
            const struct npu_map_end *end = &sim->map->fifo[f][e];
            if (end->pool != pool || end->pool_bytes == at->bytes || n == most)
                continue;
            uint32_t i = n++;
            for (; i > 0 && slice[i - 1].offset > end->pool_offset; i--)
                slice[i] = slice[i - 1];
            slice[i] = (struct npu_sim_slice){.offset = (uint32_t)end->pool_offset,
                                              .bytes = (uint32_t)end->pool_bytes};
        }
    return n;
}

static int build_slices(struct npu_sim *sim, uint32_t index, struct npu_sim_pool *pool)
{
    const struct npu_map_pool *from = &sim->map->pool[index];
    pool->n_slices = from->n_parts;
    pool->slice = calloc(from->n_parts, sizeof(*pool->slice));
    if (!pool->slice)
        return fail_memory(sim);
    if (from->n_parts == 1) {
        pool->slice[0].bytes = pool->bytes;
    } else if (collect_parts(sim, index, pool->slice, from->n_parts) != from->n_parts) {
        return npu_sim_fail(sim, -EINVAL, &pool->fifo->pos,
                            "@%s: expected %u parts in the joined or distributed object",
                            pool->fifo->name, from->n_parts);
    }
    for (uint32_t s = 0; s < pool->n_slices; s++) {
        struct npu_sim_slice *slice = &pool->slice[s];
        if ((uint64_t)slice->offset + slice->bytes > pool->bytes)
            return npu_sim_fail(
                sim, -EINVAL, &pool->fifo->pos, "@%s: part %u ends at byte %llu of an object of %u",
                pool->fifo->name, s, (unsigned long long)slice->offset + slice->bytes, pool->bytes);
        slice->filled_at = calloc(pool->n_slots, sizeof(*slice->filled_at));
        slice->drained_at = calloc(pool->n_slots, sizeof(*slice->drained_at));
        if (!slice->filled_at || !slice->drained_at)
            return fail_memory(sim);
    }
    return 0;
}

/* Initial values belong to the producer's pool. */
static void fill_initial(struct npu_sim_pool *pool)
{
    const struct npu_fifo *fifo = pool->fifo;
    for (uint32_t i = 0; i < fifo->n_init && i < pool->n_slots; i++) {
        uint64_t bytes = fifo->init[i].bytes < pool->bytes ? fifo->init[i].bytes : pool->bytes;
        if (fifo->init[i].data)
            memcpy(pool->data + (uint64_t)i * pool->pitch, fifo->init[i].data, bytes);
        for (uint32_t s = 0; s < pool->n_slices; s++) {
            pool->slice[s].n_filling++;
            pool->slice[s].n_filled++;
        }
    }
}

static int build_pools(struct npu_sim *sim)
{
    sim->n_pools = sim->map->n_pools;
    sim->pool = calloc(sim->n_pools ? sim->n_pools : 1, sizeof(*sim->pool));
    if (!sim->pool)
        return fail_memory(sim);
    for (uint32_t p = 0; p < sim->n_pools; p++) {
        const struct npu_map_pool *from = &sim->map->pool[p];
        struct npu_sim_pool *pool = &sim->pool[p];
        *pool = (struct npu_sim_pool){.fifo = &sim->array->fifo[from->fifo],
                                      .tile = from->tile,
                                      .n_slots = from->depth,
                                      .bytes = (uint32_t)from->bytes};
        if (!from->depth || !from->bytes || from->bytes * from->depth > (64u << 20))
            return npu_sim_fail(sim, -EINVAL, &pool->fifo->pos, "@%s: a pool of %u x %llu bytes",
                                pool->fifo->name, from->depth, (unsigned long long)from->bytes);
        pool->pitch = (pool->bytes + ALIGN - 1) / ALIGN * ALIGN;
        pool->data = aligned_alloc(ALIGN, (size_t)pool->pitch * from->depth);
        if (!pool->data)
            return fail_memory(sim);
        memset(pool->data, 0, (size_t)pool->pitch * from->depth);
        if (from->bytes > sim->chunk_bytes)
            sim->chunk_bytes = from->bytes;
        int code = build_slices(sim, p, pool);
        if (code)
            return code;
        if (from->end == 0 && pool->fifo->n_init)
            fill_initial(pool);
    }
    return 0;
}

/* ---- Channels and streams -------------------------------------------------------------------- */

/* The order in which a channel walks through each of its parts. */
static int build_patterns(struct npu_sim *sim, struct npu_sim_channel *channel,
                          const struct npu_fifo_end *end, uint32_t elem_bytes)
{
    channel->pattern = calloc(channel->n_slices, sizeof(*channel->pattern));
    if (!channel->pattern)
        return fail_memory(sim);
    int64_t size[NPU_DESIGN_MAX_DIMS], stride[NPU_DESIGN_MAX_DIMS];
    for (uint32_t d = 0; d < end->n_dims; d++) {
        size[d] = end->dim[d].size;
        stride[d] = end->dim[d].stride;
    }
    for (uint32_t s = 0; s < channel->n_slices; s++) {
        const struct npu_sim_slice *slice = &channel->pool->slice[channel->first_slice + s];
        struct npu_pattern *pattern = &channel->pattern[s];
        if (end->n_dims == 0) {
            npu_pattern_linear(pattern, slice->bytes, slice->offset);
            continue;
        }
        int64_t low, high;
        if (!npu_pattern_init(pattern, end->n_dims, size, stride, elem_bytes, slice->offset) ||
            pattern->bytes != slice->bytes)
            return npu_sim_fail(sim, -EINVAL, &end->pos,
                                "@%s: the dimensions do not cover the %u bytes of one transfer",
                                channel->fifo->name, slice->bytes);
        npu_pattern_extent(pattern, &low, &high);
        if (low < 0 || high > (int64_t)channel->pool->bytes)
            return npu_sim_fail(sim, -EINVAL, &end->pos,
                                "@%s: the dimensions reach bytes %lld to %lld of an object of %u",
                                channel->fifo->name, (long long)low, (long long)high,
                                channel->pool->bytes);
    }
    return 0;
}

static int find_slices(struct npu_sim *sim, struct npu_sim_channel *channel,
                       const struct npu_map_end *end)
{
    struct npu_sim_pool *pool = channel->pool;
    if (pool->n_slices == 1 || end->pool_bytes == pool->bytes) {
        channel->n_slices = pool->n_slices;
        return 0;
    }
    for (uint32_t s = 0; s < pool->n_slices; s++)
        if (pool->slice[s].offset == end->pool_offset) {
            channel->first_slice = s;
            channel->n_slices = 1;
            return 0;
        }
    return npu_sim_fail(sim, -EINVAL, &channel->fifo->pos, "@%s: no such part of @%s",
                        channel->fifo->name, pool->fifo->name);
}

static int build_channel(struct npu_sim *sim, struct npu_sim_channel *channel, uint32_t f,
                         uint32_t e)
{
    const struct npu_fifo *fifo = &sim->array->fifo[f];
    const struct npu_map_end *end = &sim->map->fifo[f][e];
    const struct npu_tile *tile = &sim->array->tile[end->tile];
    *channel = (struct npu_sim_channel){.fifo = fifo,
                                        .tile = end->tile,
                                        .column = tile->column,
                                        .row = tile->row,
                                        .number = end->channel,
                                        .mm2s = e == 0,
                                        .on_shim = end->pool == NPU_IR_NONE,
                                        .n_repeats = e == 0 ? fifo->repeat_count : 1};
    if (channel->on_shim) {
        if (tile->column >= NPU_SIM_COLUMNS || end->channel > 1)
            return npu_sim_fail(sim, -EINVAL, &fifo->pos,
                                "@%s: shim tile (%u,%u) has no channel %u", fifo->name,
                                tile->column, tile->row, end->channel);
        channel->index = tile->column * 4 + (uint32_t)channel->mm2s * 2 + end->channel;
        return 0;
    }
    channel->pool = &sim->pool[end->pool];
    int code = find_slices(sim, channel, end);
    if (code)
        return code;
    /* A round is once through the ring. */
    if (npu_tile_kind(tile) == NPU_TILE_MEM)
        channel->most_begun =
            (uint64_t)fifo->iter_count * channel->pool->n_slots * channel->n_slices;
    const struct npu_ir_type *type = e == 0 ? &fifo->type : &fifo->consumer_type;
    unsigned bits = npu_ir_elem_bits(type->elem);
    return build_patterns(sim, channel, end_of(fifo, e), bits < 8 ? 1 : bits / 8);
}

static uint64_t distance(const struct npu_sim_channel *a, const struct npu_sim_channel *b)
{
    uint32_t columns = a->column > b->column ? a->column - b->column : b->column - a->column;
    uint32_t rows = a->row > b->row ? a->row - b->row : b->row - a->row;
    return columns + rows;
}

static int build_stream(struct npu_sim *sim, struct npu_sim_stream *stream, uint32_t f)
{
    const struct npu_fifo *fifo = &sim->array->fifo[f];
    uint32_t n = fifo->n_consumers;
    stream->n_sinks = n;
    stream->sink = calloc(n, sizeof(struct npu_sim_channel *));
    stream->latency = calloc(n, sizeof(*stream->latency));
    stream->residue = calloc(n, sizeof(*stream->residue));
    if (!stream->sink || !stream->latency || !stream->residue)
        return fail_memory(sim);
    for (uint32_t e = 0; e <= n; e++) {
        struct npu_sim_channel *channel = &sim->channel[sim->n_channels++];
        int code = build_channel(sim, channel, f, e);
        if (code)
            return code;
        channel->stream = stream;
        if (e == 0)
            stream->source = channel;
        else
            stream->sink[e - 1] = channel;
    }
    for (uint32_t i = 0; i < n; i++)
        for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
            stream->latency[i].of[p] =
                sim->cost.route_base.of[p] +
                sim->cost.route_hop.of[p] * distance(stream->source, stream->sink[i]);
    return 0;
}

static int build_streams(struct npu_sim *sim)
{
    uint32_t n_ends = 0;
    for (uint32_t f = 0; f < sim->array->n_fifos; f++)
        n_ends += 1 + sim->array->fifo[f].n_consumers;
    sim->channel = calloc(n_ends ? n_ends : 1, sizeof(*sim->channel));
    sim->stream = calloc(sim->array->n_fifos ? sim->array->n_fifos : 1, sizeof(*sim->stream));
    if (!sim->channel || !sim->stream)
        return fail_memory(sim);
    for (uint32_t f = 0; f < sim->array->n_fifos; f++) {
        if (sim->map->fifo[f][0].channel == NPU_IR_NONE)
            continue;
        int code = build_stream(sim, &sim->stream[sim->n_streams++], f);
        if (code)
            return code;
    }
    return 0;
}

/* ---- Buffers and the door -------------------------------------------------------------------- */

static int build_buffers(struct npu_sim *sim)
{
    uint32_t n = sim->array->n_buffers;
    sim->buffer = calloc(n ? n : 1, sizeof(*sim->buffer));
    if (!sim->buffer)
        return fail_memory(sim);
    for (uint32_t b = 0; b < n; b++) {
        const struct npu_buffer *from = &sim->array->buffer[b];
        uint64_t bytes = npu_ir_type_bytes(&from->type);
        if (!bytes || bytes > (64u << 20))
            return npu_sim_fail(sim, -EINVAL, &from->pos, "buffer %s: %llu bytes", from->name,
                                (unsigned long long)bytes);
        sim->buffer[b].data = aligned_alloc(ALIGN, (bytes + ALIGN - 1) / ALIGN * ALIGN);
        if (!sim->buffer[b].data)
            return fail_memory(sim);
        sim->buffer[b].bytes = bytes;
        memset(sim->buffer[b].data, 0, bytes);
        if (from->init.data)
            memcpy(sim->buffer[b].data, from->init.data,
                   from->init.bytes < bytes ? from->init.bytes : bytes);
    }
    return 0;
}

int npu_sim_build(struct npu_sim *sim)
{
    sim->chunk_bytes = 4096; /* between two shim tiles there is no pool */
    int code = build_pools(sim);
    if (!code)
        code = build_streams(sim);
    if (!code)
        code = build_buffers(sim);
    if (!code) {
        sim->chunk = malloc(sim->chunk_bytes);
        if (!sim->chunk)
            code = fail_memory(sim);
    }
    return code;
}

void npu_sim_unbuild(struct npu_sim *sim)
{
    for (uint32_t p = 0; sim->pool && p < sim->n_pools; p++) {
        for (uint32_t s = 0; sim->pool[p].slice && s < sim->pool[p].n_slices; s++) {
            free(sim->pool[p].slice[s].filled_at);
            free(sim->pool[p].slice[s].drained_at);
        }
        free(sim->pool[p].slice);
        free(sim->pool[p].data);
    }
    for (uint32_t c = 0; c < sim->n_channels; c++) {
        free(sim->channel[c].pattern);
        free(sim->channel[c].token);
    }
    for (uint32_t s = 0; s < sim->n_streams; s++) {
        struct npu_sim_stream *stream = &sim->stream[s];
        for (uint32_t i = 0; stream->residue && i < stream->n_sinks; i++)
            free(stream->residue[i].data);
        free(stream->residue);
        free(stream->latency);
        free(stream->sink);
    }
    for (uint32_t b = 0; sim->buffer && b < sim->array->n_buffers; b++)
        free(sim->buffer[b].data);
    free(sim->pool);
    free(sim->channel);
    free(sim->stream);
    free(sim->buffer);
    free(sim->chunk);
}

struct npu_sim_pool *npu_sim_pool_find(const struct npu_sim *sim, uint32_t fifo, uint32_t tile,
                                       enum npu_port side)
{
    const struct npu_fifo *from = &sim->array->fifo[fifo];
    const struct npu_map_end *end = sim->map->fifo[fifo];
    if (side == NPU_PRODUCE)
        return from->producer.tile == tile && end[0].pool != NPU_IR_NONE ? &sim->pool[end[0].pool]
                                                                         : NULL;
    for (uint32_t i = 0; i < from->n_consumers; i++)
        if (from->consumer[i].tile == tile && end[1 + i].pool != NPU_IR_NONE)
            return &sim->pool[end[1 + i].pool];
    return NULL;
}

struct npu_sim_channel *npu_sim_channel_of_fifo(const struct npu_sim *sim, uint32_t fifo)
{
    for (uint32_t c = 0; c < sim->n_channels; c++)
        if (sim->channel[c].on_shim && sim->channel[c].fifo == &sim->array->fifo[fifo])
            return &sim->channel[c];
    return NULL;
}

struct npu_sim_channel *npu_sim_channel_at(const struct npu_sim *sim, uint32_t column, uint32_t row,
                                           bool mm2s, uint32_t number)
{
    for (uint32_t c = 0; c < sim->n_channels; c++) {
        struct npu_sim_channel *channel = &sim->channel[c];
        if (channel->column == column && channel->row == row && channel->mm2s == mm2s &&
            channel->number == number)
            return channel;
    }
    return NULL;
}
