/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aie.objectfifo and aie.objectfifo.link. */
#include "npu/sim/text/parse.h"

#include <inttypes.h>
#include <string.h>

#define MAX_DEPTH     1024
#define MAX_CONSUMERS 64 /* a device has fewer tiles */
#define MAX_STRIDE    (INT64_C(1) << 40)

/* "size = 4" or "4" */
static bool named_number(struct npu_parser *p, const char *name, int64_t min, int64_t max,
                         int64_t *value)
{
    if (npu_parser_accept_word(p, name) && !npu_parser_mark(p, '='))
        return false;
    return npu_parser_integer(p, min, max, name, value);
}

bool npu_parser_dims(struct npu_parser *p, uint32_t *n)
{
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_mark(p, '['))
        return false;
    for (*n = 0; !npu_parser_is(p, ']'); ++*n) {
        struct npu_dim dim;
        if ((*n > 0 && !npu_parser_mark(p, ',')) || !npu_parser_mark(p, '<') ||
            !named_number(p, "size", 1, MAX_STRIDE, &dim.size) || !npu_parser_mark(p, ',') ||
            !named_number(p, "stride", 0, MAX_STRIDE, &dim.stride) || !npu_parser_mark(p, '>') ||
            !npu_parser_push(p, &p->dims, &dim, sizeof(dim)))
            return false;
        if (*n == NPU_DESIGN_MAX_DIMS)
            return npu_parser_fail(p, pos, "found more than %d dimensions, expected no more",
                                   NPU_DESIGN_MAX_DIMS);
    }
    return npu_parser_mark(p, ']');
}

/* %tile [dimensionsToStream [..]] */
static bool parse_end(struct npu_parser *p, const char *dims_word, struct npu_fifo_end *end)
{
    size_t start = p->dims.n;
    *end = (struct npu_fifo_end){.pos = p->token.pos};
    if (!npu_parser_tile(p, &end->tile))
        return false;
    if (!npu_parser_accept_word(p, dims_word))
        return true;
    if (!npu_parser_dims(p, &end->n_dims))
        return false;
    p->dims.n = start;
    if (end->n_dims)
        memcpy(end->dim, (const struct npu_dim *)p->dims.data + start,
               end->n_dims * sizeof(end->dim[0]));
    return true;
}

static bool parse_consumers(struct npu_parser *p, struct npu_fifo *fifo, size_t start)
{
    struct npu_fifo_end end;
    if (!npu_parser_mark(p, '{'))
        return false;
    do {
        if (!parse_end(p, "dimensionsFromStream", &end) ||
            !npu_parser_push(p, &p->ends, &end, sizeof(end)))
            return false;
        if (p->ends.n - start > MAX_CONSUMERS)
            return npu_parser_fail(p, end.pos, "found more than %d consumers, expected no more",
                                   MAX_CONSUMERS);
    } while (npu_parser_accept(p, ','));
    fifo->n_consumers = (uint32_t)(p->ends.n - start);
    return npu_parser_mark(p, '}');
}

/* "2 : i32" or "[2, 3, 4]": the producer, then each consumer. */
static bool parse_depths(struct npu_parser *p, struct npu_fifo *fifo, size_t first_consumer)
{
    struct npu_fifo_end *consumer = (struct npu_fifo_end *)p->ends.data + first_consumer;
    struct npu_ir_pos pos = p->token.pos;
    int64_t depth;
    fifo->depth_per_end = npu_parser_accept(p, '[');
    if (!fifo->depth_per_end) {
        if (!npu_parser_integer(p, 1, MAX_DEPTH, "a depth", &depth) ||
            !npu_parser_int_type(p, "i32", "a depth", depth, pos))
            return false;
        fifo->producer.depth = (uint32_t)depth;
        for (uint32_t i = 0; i < fifo->n_consumers; i++)
            consumer[i].depth = (uint32_t)depth;
        return true;
    }
    uint32_t n = 0;
    for (; !npu_parser_is(p, ']'); n++) {
        if ((n > 0 && !npu_parser_mark(p, ',')) ||
            !npu_parser_integer(p, 1, MAX_DEPTH, "a depth", &depth))
            return false;
        if (n <= fifo->n_consumers)
            *(n == 0 ? &fifo->producer.depth : &consumer[n - 1].depth) = (uint32_t)depth;
    }
    npu_parser_next(p);
    return n == fifo->n_consumers + 1 ||
           npu_parser_fail(p, pos,
                           "found %u depths, expected %u: the producer's and each consumer's", n,
                           fifo->n_consumers + 1);
}

/* !aie.objectfifo<memref<..>> */
static bool fifo_type(struct npu_parser *p, struct npu_ir_type *type)
{
    if (!npu_parser_mark(p, '!') || !npu_parser_word(p, "aie.objectfifo") ||
        !npu_parser_mark(p, '<'))
        return false;
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_memref(p, type) || !npu_parser_mark(p, '>'))
        return false;
    return (npu_ir_type_count(type) > 0 && !type->strided) ||
           npu_parser_fail(p, pos, "found %s, expected a memref of fixed sizes without strides",
                           npu_ir_type_format(type).text);
}

/* = [dense<..> : memref<..>, ..] */
static bool parse_inits(struct npu_parser *p, struct npu_fifo *fifo)
{
    size_t start = p->inits.n;
    if (npu_parser_accept(p, '=')) {
        if (!npu_parser_mark(p, '['))
            return false;
        do {
            struct npu_init init;
            struct npu_ir_type type;
            struct npu_ir_pos pos = p->token.pos;
            if (!npu_parser_dense(p, &fifo->type, &init) || !npu_parser_mark(p, ':') ||
                !npu_parser_memref(p, &type) || !npu_parser_push(p, &p->inits, &init, sizeof(init)))
                return false;
            if (!npu_ir_type_equal(&type, &fifo->type))
                return npu_parser_fail(p, pos, "found an initial value of type %s, expected %s",
                                       npu_ir_type_format(&type).text,
                                       npu_ir_type_format(&fifo->type).text);
        } while (npu_parser_accept(p, ','));
        if (!npu_parser_mark(p, ']'))
            return false;
    }
    fifo->n_init = (uint32_t)(p->inits.n - start);
    fifo->init = npu_parser_pop(p, &p->inits, start, sizeof(struct npu_init));
    return fifo->init != NULL;
}

static bool fifo_attributes(struct npu_parser *p, struct npu_fifo *fifo)
{
    struct npu_attribute list[] = {
        {.name = "via_DMA", .kind = NPU_ATTRIBUTE_BOOL},
        {.name = "disable_synchronization", .kind = NPU_ATTRIBUTE_BOOL},
        {.name = "repeat_count", .kind = NPU_ATTRIBUTE_INT, .type = "i32", .min = 1, .max = 1024},
        {.name = "iter_count", .kind = NPU_ATTRIBUTE_INT, .type = "i32", .min = 1, .max = 256},
        {0}};
    if (!npu_parser_attributes(p, list))
        return false;
    fifo->via_dma = list[0].integer;
    fifo->disable_synchronization = list[1].integer;
    fifo->repeat_count = list[2].found ? (uint32_t)list[2].integer : 1;
    fifo->iter_count = (uint32_t)list[3].integer;
    return true;
}

/* @name(%producer, {%consumer, ..}, depth) {..} : type [-> type] [= [..]] */
bool npu_parser_fifo(struct npu_parser *p)
{
    struct npu_fifo fifo = {.link_in = NPU_IR_NONE, .link_out = NPU_IR_NONE};
    size_t start = p->ends.n;
    struct npu_token name = p->token;
    if (name.kind != NPU_TOKEN_SYMBOL)
        return npu_parser_expected(p, "the @name of the objectfifo");
    fifo.pos = name.pos;
    fifo.name = npu_parser_text(p, name.text, name.n);
    npu_parser_next(p);
    if (!fifo.name ||
        !npu_parser_define_symbol(p, name.text, name.n, name.pos, NPU_SYMBOL_FIFO,
                                  (uint32_t)p->fifos.n) ||
        !npu_parser_mark(p, '(') || !parse_end(p, "dimensionsToStream", &fifo.producer) ||
        !npu_parser_mark(p, ',') || !parse_consumers(p, &fifo, start) || !npu_parser_mark(p, ',') ||
        !parse_depths(p, &fifo, start) || !npu_parser_mark(p, ')') || !fifo_attributes(p, &fifo) ||
        !npu_parser_mark(p, ':') || !fifo_type(p, &fifo.type))
        return false;
    fifo.consumer = npu_parser_pop(p, &p->ends, start, sizeof(struct npu_fifo_end));
    fifo.consumer_type = fifo.type;
    if (p->token.kind == NPU_TOKEN_ARROW) {
        fifo.has_consumer_type = true;
        npu_parser_next(p);
        if (!fifo_type(p, &fifo.consumer_type))
            return false;
    }
    return fifo.consumer && parse_inits(p, &fifo) &&
           npu_parser_push(p, &p->fifos, &fifo, sizeof(fifo));
}

/* "[@a, @b]": symbol numbers. */
static bool parse_symbols(struct npu_parser *p, const uint32_t **list, uint32_t *n)
{
    size_t start = p->numbers.n;
    if (!npu_parser_mark(p, '['))
        return false;
    do {
        uint32_t symbol;
        if (!npu_parser_symbol(p, &symbol) || !npu_parser_push_number(p, symbol))
            return false;
    } while (npu_parser_accept(p, ','));
    *n = (uint32_t)(p->numbers.n - start);
    *list = npu_parser_pop(p, &p->numbers, start, sizeof(uint32_t));
    return *list && npu_parser_mark(p, ']');
}

static bool parse_offsets(struct npu_parser *p, const int64_t **list, uint32_t *n)
{
    size_t start = p->wide.n;
    if (!npu_parser_mark(p, '['))
        return false;
    while (!npu_parser_is(p, ']')) {
        int64_t value;
        if ((p->wide.n > start && !npu_parser_mark(p, ',')) ||
            !npu_parser_integer(p, 0, MAX_STRIDE, "an offset in elements", &value) ||
            !npu_parser_push(p, &p->wide, &value, sizeof(value)))
            return false;
    }
    *n = (uint32_t)(p->wide.n - start);
    *list = npu_parser_pop(p, &p->wide, start, sizeof(int64_t));
    return *list && npu_parser_mark(p, ']');
}

/* [@in, ..] -> [@out, ..] ([offsets] [offsets]) */
bool npu_parser_link(struct npu_parser *p)
{
    struct npu_link link = {.pos = p->token.pos};
    return parse_symbols(p, &link.in, &link.n_in) && npu_parser_arrow(p) &&
           parse_symbols(p, &link.out, &link.n_out) && npu_parser_mark(p, '(') &&
           parse_offsets(p, &link.in_offset, &link.n_in_offsets) &&
           parse_offsets(p, &link.out_offset, &link.n_out_offsets) && npu_parser_mark(p, ')') &&
           npu_parser_attributes(p, &(struct npu_attribute){0}) &&
           npu_parser_push(p, &p->links, &link, sizeof(link));
}
