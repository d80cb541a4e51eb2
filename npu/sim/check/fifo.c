/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each objectfifo by itself: its ends, its object, its dimensions transforms. */
#include "npu/sim/check/checker.h"

#include <inttypes.h>

#define GRANULE 4 /* bytes of one stream word */

static uint64_t elem_bytes(const struct npu_ir_type *type)
{
    unsigned bits = npu_ir_elem_bits(type->elem);
    return bits < 8 ? 1 : bits / 8;
}

static void check_attributes(struct npu_checker *c, const struct npu_fifo *fifo)
{
    enum npu_tile_kind producer = npu_tile_kind(&c->array->tile[fifo->producer.tile]);
    uint64_t bytes = npu_ir_type_bytes(&fifo->type);
    uint64_t consumer_bytes = npu_ir_type_bytes(&fifo->consumer_type);
    if (producer == NPU_TILE_SHIM && fifo->n_init > 0)
        npu_check_error(
            c, "fifo-init", fifo->pos,
            "@%.60s has initial values, but its producer is a shim, which has no memory",
            fifo->name);
    else if (fifo->n_init > 0 && fifo->n_init != fifo->producer.depth)
        npu_check_error(c, "fifo-init", fifo->pos,
                        "@%.60s has %u initial values and %u objects: expected one for each",
                        fifo->name, fifo->n_init, fifo->producer.depth);
    if (producer == NPU_TILE_SHIM && fifo->repeat_count > 1)
        npu_check_error(c, "fifo-repeat", fifo->pos,
                        "@%.60s has repeat_count %u, but its producer is a shim: repeat in the "
                        "transfer of the sequence",
                        fifo->name, fifo->repeat_count);
    bool mem = producer == NPU_TILE_MEM;
    for (uint32_t i = 0; i < fifo->n_consumers; i++)
        mem = mem || npu_tile_kind(&c->array->tile[fifo->consumer[i].tile]) == NPU_TILE_MEM;
    if (fifo->iter_count > 0 && !mem)
        npu_check_error(c, "fifo-iter", fifo->pos,
                        "@%.60s has iter_count %u, but none of its ends is in a mem tile, whose "
                        "channels alone count their rounds",
                        fifo->name, fifo->iter_count);
    if (bytes % consumer_bytes != 0)
        npu_check_error(c, "fifo-ratio", fifo->pos,
                        "@%.60s has objects of %" PRIu64
                        " bytes, no multiple of the consumer's %" PRIu64,
                        fifo->name, bytes, consumer_bytes);
    if (fifo->disable_synchronization)
        npu_checker_report(c, NPU_SEVERITY_WARNING, "fifo-no-locks", fifo->pos,
                           "@%.60s has disable_synchronization: what its ends read depends on time",
                           fifo->name);
}

static void check_consumers(struct npu_checker *c, const struct npu_fifo *fifo)
{
    for (uint32_t i = 1; i < fifo->n_consumers; i++)
        for (uint32_t j = 0; j < i; j++)
            if (fifo->consumer[i].tile == fifo->consumer[j].tile)
                npu_check_error(c, "fifo-consumers", fifo->consumer[i].pos,
                                "@%.60s lists %s twice as a consumer", fifo->name,
                                npu_tile_format(c->array, fifo->consumer[i].tile).text);
}

/* A mem tile has no program: a link must take what comes in. */
static void check_linked(struct npu_checker *c, uint32_t f)
{
    const struct npu_fifo *fifo = &c->array->fifo[f];
    for (uint32_t e = 0; e <= fifo->n_consumers; e++) {
        uint32_t tile = npu_fifo_end(fifo, e)->tile, link = e == 0 ? fifo->link_out : fifo->link_in;
        if (npu_tile_kind(&c->array->tile[tile]) == NPU_TILE_MEM && link == NPU_IR_NONE &&
            fifo->n_init == 0)
            npu_checker_report(c, NPU_SEVERITY_WARNING, "fifo-unlinked", fifo->pos,
                               "@%.60s %s %s, but no link takes it on", fifo->name,
                               e == 0 ? "comes from" : "ends in",
                               npu_tile_format(c->array, tile).text);
    }
}

static void check_object(struct npu_checker *c, uint32_t f, uint32_t e)
{
    const struct npu_fifo *fifo = &c->array->fifo[f];
    const struct npu_map_end *end = &c->map->fifo[f][e];
    const struct npu_ir_type *type = e == 0 ? &fifo->type : &fifo->consumer_type;
    uint64_t bytes = npu_ir_type_bytes(type);
    enum npu_tile_kind kind = c->map->tile[end->tile].kind;
    if (bytes % GRANULE != 0 && e == 0)
        npu_check_error(c, "fifo-granule", fifo->pos,
                        "@%.60s has objects of %" PRIu64
                        " bytes, no multiple of the %d of a stream "
                        "word",
                        fifo->name, bytes, GRANULE);
    if (end->pool != NPU_IR_NONE && c->map->pool[end->pool].n_parts == 1 &&
        bytes / GRANULE > npu_tile_limits(kind)->max_words)
        npu_check_error(c, "fifo-length", fifo->pos,
                        "@%.60s has objects of %" PRIu64
                        " words; one transfer at %s has at most %u",
                        fifo->name, bytes / GRANULE, npu_tile_format(c->array, end->tile).text,
                        npu_tile_limits(kind)->max_words);
}

/* Number `i` of the sizes in stream words, where it is the innermost. */
static int64_t wrap_of(const struct npu_fifo_end *end, uint32_t i, uint64_t elem)
{
    bool innermost = i + 1 == end->n_dims;
    return innermost && elem < GRANULE ? end->dim[i].size * (int64_t)elem / GRANULE
                                       : end->dim[i].size;
}

static void check_dim(struct npu_checker *c, const struct npu_fifo *fifo,
                      const struct npu_fifo_end *end, uint32_t i, uint64_t elem)
{
    const struct npu_tile_limits *limits =
        npu_tile_limits(npu_tile_kind(&c->array->tile[end->tile]));
    const struct npu_dim *dim = &end->dim[i];
    struct npu_tile_text tile = npu_tile_format(c->array, end->tile);
    bool innermost = i + 1 == end->n_dims;
    bool implied = i == 0 && end->n_dims == limits->bd_dims; /* follows from the length */
    uint64_t step = (uint64_t)dim->stride * elem;
    if (!implied && wrap_of(end, i, elem) > limits->max_wrap)
        npu_check_error(c, "dims-wrap", end->pos,
                        "dimension %u of @%.60s at %s repeats %" PRId64 " times; at most %u fit", i,
                        fifo->name, tile.text, wrap_of(end, i, elem), limits->max_wrap);
    if (dim->size > 1 && step / GRANULE > limits->max_step)
        npu_check_error(c, "dims-step", end->pos,
                        "dimension %u of @%.60s at %s steps %" PRIu64 " words; at most %u fit", i,
                        fifo->name, tile.text, step / GRANULE, limits->max_step);
    if (elem >= GRANULE)
        return;
    if (innermost && (dim->stride != 1 || (uint64_t)dim->size * elem % GRANULE != 0))
        npu_check_error(c, "dims-granule", end->pos,
                        "the innermost dimension of @%.60s at %s has size %" PRId64
                        " and stride %" PRId64 "; elements of %" PRIu64
                        " bytes need stride 1 and a multiple of %d bytes",
                        fifo->name, tile.text, dim->size, dim->stride, elem, GRANULE);
    if (!innermost && step % GRANULE != 0)
        npu_check_error(c, "dims-granule", end->pos,
                        "dimension %u of @%.60s at %s steps %" PRIu64 " bytes, no multiple of %d",
                        i, fifo->name, tile.text, step, GRANULE);
}

/* Elements that one descriptor of an end moves: a joined or distributed object is moved part by
 * part, and the compiler gives each part's descriptor the same dimensions. */
static uint64_t descriptor_count(const struct npu_checker *c, uint32_t f, uint32_t e,
                                 const struct npu_ir_type *type)
{
    uint64_t count = npu_ir_type_count(type);
    const struct npu_map_end *end = &c->map->fifo[f][e];
    if (end->pool == NPU_IR_NONE)
        return count;
    const struct npu_map_pool *pool = &c->map->pool[end->pool];
    count = end->pool_bytes / elem_bytes(type);
    return end->pool_bytes == pool->bytes ? count / pool->n_parts : count;
}

static void check_dims(struct npu_checker *c, uint32_t f, uint32_t e)
{
    const struct npu_fifo *fifo = &c->array->fifo[f];
    const struct npu_fifo_end *end = npu_fifo_end(fifo, e);
    const struct npu_ir_type *type = e == 0 ? &fifo->type : &fifo->consumer_type;
    enum npu_tile_kind kind = npu_tile_kind(&c->array->tile[end->tile]);
    struct npu_tile_text tile = npu_tile_format(c->array, end->tile);
    uint64_t product = 1, last = 0, elem = elem_bytes(type);
    if (end->n_dims == 0)
        return;
    if (kind == NPU_TILE_SHIM) {
        npu_check_error(c, "dims-shim", end->pos,
                        "@%.60s has dimensions at %s: give them in the transfer of the sequence",
                        fifo->name, tile.text);
        return;
    }
    if (end->n_dims > npu_tile_limits(kind)->bd_dims)
        npu_check_error(c, "dims-count", end->pos,
                        "@%.60s has %u dimensions at %s, whose descriptors have %u", fifo->name,
                        end->n_dims, tile.text, npu_tile_limits(kind)->bd_dims);
    for (uint32_t i = 0; i < end->n_dims; i++) {
        check_dim(c, fifo, end, i, elem);
        if (__builtin_mul_overflow(product, (uint64_t)end->dim[i].size, &product))
            product = UINT64_MAX;
        uint64_t reach;
        if (__builtin_mul_overflow((uint64_t)(end->dim[i].size - 1), (uint64_t)end->dim[i].stride,
                                   &reach) ||
            __builtin_add_overflow(last, reach, &last))
            last = UINT64_MAX;
    }
    uint64_t count = descriptor_count(c, f, e, type);
    if (product != count)
        npu_check_error(c, "dims-size", end->pos,
                        "the dimensions of @%.60s at %s take %" PRIu64
                        " elements of a transfer of %" PRIu64,
                        fifo->name, tile.text, product, count);
    else if (last >= count)
        npu_check_error(c, "dims-range", end->pos,
                        "the dimensions of @%.60s at %s reach element %" PRIu64
                        " of a transfer of %" PRIu64,
                        fifo->name, tile.text, last, count);
}

void npu_check_fifos(struct npu_checker *c)
{
    for (uint32_t f = 0; f < c->array->n_fifos; f++) {
        const struct npu_fifo *fifo = &c->array->fifo[f];
        check_attributes(c, fifo);
        check_consumers(c, fifo);
        check_linked(c, f);
        for (uint32_t e = 0; e <= fifo->n_consumers; e++) {
            if (c->map->fifo[f][e].channel == NPU_IR_NONE)
                continue;
            check_object(c, f, e);
            check_dims(c, f, e);
        }
    }
}
