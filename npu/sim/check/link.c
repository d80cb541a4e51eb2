/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links: where they may be, and the parts of joins and distributes. */
#include "npu/sim/check/checker.h"

#include <inttypes.h>
#include <stdlib.h>

struct part {
    uint32_t fifo;
    uint64_t offset, bytes; /* bytes: of one object of the fifo */
    uint64_t end;           /* where the next part begins, or the object ends */
};

/* The tile that all fifos of the link meet in, or NPU_IR_NONE. */
static uint32_t meeting_tile(const struct npu_checker *c, const struct npu_link *link)
{
    const struct npu_fifo *fifo = c->array->fifo;
    uint32_t tile = fifo[link->out[0]].producer.tile;
    for (uint32_t i = 1; i < link->n_out; i++)
        if (fifo[link->out[i]].producer.tile != tile)
            return NPU_IR_NONE;
    for (uint32_t i = 0; i < link->n_in; i++) {
        bool meets = false;
        for (uint32_t k = 0; k < fifo[link->in[i]].n_consumers; k++)
            meets = meets || fifo[link->in[i]].consumer[k].tile == tile;
        if (!meets)
            return NPU_IR_NONE;
    }
    return tile;
}

static bool check_place(struct npu_checker *c, const struct npu_link *link)
{
    uint32_t tile = meeting_tile(c, link);
    if (tile == NPU_IR_NONE) {
        npu_check_error(
            c, "link-tile", link->pos,
            "the fifos of this link meet in no tile: each input must end, and each output "
            "begin, in %s",
            npu_tile_format(c->array, c->array->fifo[link->out[0]].producer.tile).text);
        return false;
    }
    bool many = link->n_in > 1 || link->n_out > 1;
    enum npu_tile_kind kind = npu_tile_kind(&c->array->tile[tile]);
    if (kind == NPU_TILE_SHIM || (many && kind != NPU_TILE_MEM)) {
        npu_check_error(
            c, "link-mem", link->pos, "%s is in %s; a join or distribute needs a mem tile",
            many ? "this join or distribute" : "this link", npu_tile_format(c->array, tile).text);
        return false;
    }
    return true;
}

static bool check_counts(struct npu_checker *c, const struct npu_link *link)
{
    bool join = link->n_in > 1, distribute = link->n_out > 1;
    if (join && distribute) {
        npu_check_error(c, "link-count", link->pos,
                        "the link has %u inputs and %u outputs; one side must have one", link->n_in,
                        link->n_out);
        return false;
    }
    uint32_t in = join ? link->n_in : 0, out = distribute ? link->n_out : 0;
    if (link->n_in_offsets != in || link->n_out_offsets != out) {
        npu_check_error(c, "link-count", link->pos,
                        "the link has %u input and %u output offsets, expected %u and %u",
                        link->n_in_offsets, link->n_out_offsets, in, out);
        return false;
    }
    return true;
}

/* 1:1: the larger object is held and passes as it is, so the smaller must divide it. */
static void check_forward(struct npu_checker *c, const struct npu_link *link)
{
    const struct npu_fifo *in = &c->array->fifo[link->in[0]], *out = &c->array->fifo[link->out[0]];
    uint64_t from = npu_ir_type_bytes(&in->consumer_type), to = npu_ir_type_bytes(&out->type);
    uint64_t larger = from > to ? from : to, smaller = from > to ? to : from;
    if (larger % smaller != 0)
        npu_check_error(c, "link-size", link->pos,
                        "@%.60s hands on objects of %" PRIu64 " bytes, @%.60s takes %" PRIu64
                        "; one must divide the other",
                        in->name, from, out->name, to);
}

static int compare_parts(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* A part may be several objects: a mem tile moves it whole, and the other end fills them in turn.
 * */
static void check_part(struct npu_checker *c, const struct npu_link *link, const struct part *part,
                       const struct npu_fifo *whole)
{
    const char *name = c->array->fifo[part->fifo].name;
    uint64_t end = part->end;
    if (part->offset > end || part->bytes > end - part->offset)
        npu_check_error(c, "link-offset", link->pos,
                        "@%.60s takes bytes %" PRIu64 " .. %" PRIu64
                        " of @%.60s, but its part ends at %" PRIu64
                        "; the stock compiler says nothing",
                        name, part->offset, part->offset + part->bytes - 1, whole->name, end);
    else if ((end - part->offset) % part->bytes != 0)
        npu_check_error(c, "link-part", link->pos,
                        "the part of @%.60s in @%.60s has %" PRIu64
                        " bytes, no multiple of the %" PRIu64 " of its objects",
                        name, whole->name, end - part->offset, part->bytes);
}

/* Dimensions at the whole object are applied to each part, so they fit only equal ones. */
static void check_equal(struct npu_checker *c, const struct npu_link *link, const struct part *part,
                        uint32_t n, const struct npu_fifo *whole)
{
    bool join = link->n_in > 1, dims = join && whole->producer.n_dims > 0;
    for (uint32_t i = 0; !join && i < whole->n_consumers; i++)
        dims = dims || (whole->consumer[i].n_dims > 0 &&
                        whole->consumer[i].tile == c->array->fifo[link->out[0]].producer.tile);
    for (uint32_t i = 1; i < n && dims; i++)
        if (part[i].end - part[i].offset != part[0].end - part[0].offset) {
            npu_check_error(c, "dims-size", link->pos,
                            "@%.60s has dimensions and parts of %" PRIu64 " and %" PRIu64
                            " bytes; they apply to each part, so all must be equal",
                            whole->name, part[0].end - part[0].offset,
                            part[i].end - part[i].offset);
            return;
        }
}

static bool check_parts(struct npu_checker *c, const struct npu_link *link)
{
    bool join = link->n_in > 1;
    uint32_t n = join ? link->n_in : link->n_out;
    const struct npu_fifo *whole = &c->array->fifo[join ? link->out[0] : link->in[0]];
    const struct npu_ir_type *type = join ? &whole->type : &whole->consumer_type;
    uint64_t elem = npu_ir_elem_bits(type->elem) < 8 ? 1 : npu_ir_elem_bits(type->elem) / 8;
    struct part *part = npu_arena_take(&c->arena, n, sizeof(*part));
    if (!part)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t f = join ? link->in[i] : link->out[i];
        const struct npu_fifo *fifo = &c->array->fifo[f];
        part[i] = (struct part){
            .fifo = f,
            .offset = (uint64_t)(join ? link->in_offset[i] : link->out_offset[i]) * elem,
            .bytes = npu_ir_type_bytes(join ? &fifo->consumer_type : &fifo->type)};
    }
    qsort(part, n, sizeof(*part), compare_parts);
    if (part[0].offset != 0)
        npu_check_error(c, "link-part", link->pos,
                        "the first part of @%.60s begins at byte %" PRIu64 ", expected 0",
                        whole->name, part[0].offset);
    for (uint32_t i = 0; i < n; i++) {
        part[i].end = i + 1 < n ? part[i + 1].offset : npu_ir_type_bytes(type);
        check_part(c, link, &part[i], whole);
    }
    check_equal(c, link, part, n, whole);
    return true;
}

static void check_repeats(struct npu_checker *c, const struct npu_link *link)
{
    const struct npu_fifo *first = &c->array->fifo[link->out[0]];
    for (uint32_t i = 1; i < link->n_out; i++) {
        const struct npu_fifo *fifo = &c->array->fifo[link->out[i]];
        if (fifo->repeat_count != first->repeat_count)
            npu_check_error(
                c, "link-repeat", link->pos,
                "@%.60s repeats %u times and @%.60s %u: the outputs of a distribute must "
                "repeat equally often",
                first->name, first->repeat_count, fifo->name, fifo->repeat_count);
    }
}

static void check_twice(struct npu_checker *c)
{
    for (uint32_t f = 0; f < c->array->n_fifos; f++) {
        const struct npu_fifo *fifo = &c->array->fifo[f];
        if (fifo->link_in != NPU_IR_NONE && fifo->link_out != NPU_IR_NONE)
            npu_check_error(c, "link-twice", fifo->pos,
                            "@%.60s is in two links, at lines %u and %u; a fifo may be in one",
                            fifo->name, c->array->link[fifo->link_out].pos.line,
                            c->array->link[fifo->link_in].pos.line);
    }
}

bool npu_check_links(struct npu_checker *c)
{
    check_twice(c);
    for (uint32_t i = 0; i < c->array->n_links; i++) {
        const struct npu_link *link = &c->array->link[i];
        check_repeats(c, link);
        if (!check_place(c, link) || !check_counts(c, link))
            continue;
        if (link->n_in == 1 && link->n_out == 1)
            check_forward(c, link);
        else if (!check_parts(c, link))
            return false;
    }
    return true;
}
