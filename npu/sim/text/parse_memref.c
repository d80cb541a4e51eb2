/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memref: loads, stores, and the operations that make one memref from another. Result types must be
 * those that MLIR infers. */
#include "npu/sim/text/parse.h"

#include <string.h>

static bool skip_attributes(struct npu_parser *p)
{
    return npu_parser_attributes(p, &(struct npu_attribute){0});
}

/* The current token begins a memref value. */
static bool memref_value(struct npu_parser *p, uint32_t *slot, struct npu_ir_type *type)
{
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_value(p, slot))
        return false;
    *type = npu_parser_slot(p, *slot)->type;
    return type->kind == NPU_IR_MEMREF ||
           npu_parser_fail(p, pos, "found a value of type %s, expected a memref",
                           npu_ir_type_format(type).text);
}

/* "[%i, %j]": one index for each dimension, onto `numbers`. */
static bool subscripts(struct npu_parser *p, const struct npu_ir_type *type)
{
    struct npu_ir_pos pos = p->token.pos;
    uint32_t n = 0, slot;
    if (!npu_parser_mark(p, '['))
        return false;
    for (; !npu_parser_is(p, ']'); n++)
        if ((n > 0 && !npu_parser_mark(p, ',')) || !npu_parser_value_of(p, NPU_IR_INDEX, &slot) ||
            !npu_parser_push_number(p, slot))
            return false;
    npu_parser_next(p);
    return n == type->rank || npu_parser_fail(p, pos, "found %u indices, expected %u for %s", n,
                                              type->rank, npu_ir_type_format(type).text);
}

static struct npu_ir_type element_of(const struct npu_ir_type *type)
{
    return (struct npu_ir_type){.kind = NPU_IR_SCALAR, .elem = type->elem, .sign = type->sign};
}

/* %m[%i] : memref */
static bool parse_load(struct npu_parser *p, struct npu_ir_op *op)
{
    size_t start = p->numbers.n;
    uint32_t slot;
    struct npu_ir_type type, written;
    if (!memref_value(p, &slot, &type) || !npu_parser_push_number(p, slot) ||
        !subscripts(p, &type) || !npu_parser_pop_operands(p, op, start) || !skip_attributes(p) ||
        !npu_parser_mark(p, ':') || !npu_parser_type_of(p, slot, &written))
        return false;
    type = element_of(&type);
    return npu_parser_results(p, op, &type, 1);
}

/* %v, %m[%i] : memref */
static bool parse_store(struct npu_parser *p, struct npu_ir_op *op)
{
    size_t start = p->numbers.n;
    uint32_t value, slot;
    struct npu_ir_type type, written;
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_value(p, &value) || !npu_parser_push_number(p, value) ||
        !npu_parser_mark(p, ',') || !memref_value(p, &slot, &type) ||
        !npu_parser_push_number(p, slot) || !subscripts(p, &type) ||
        !npu_parser_pop_operands(p, op, start) || !skip_attributes(p) || !npu_parser_mark(p, ':') ||
        !npu_parser_type_of(p, slot, &written))
        return false;
    type = element_of(&type);
    const struct npu_ir_type *found = &npu_parser_slot(p, value)->type;
    return npu_ir_type_equal(found, &type) ||
           npu_parser_fail(p, pos,
                           "found a value of type %s, expected %s, the element of the memref",
                           npu_ir_type_format(found).text, npu_ir_type_format(&type).text);
}

static bool result_type(struct npu_parser *p, struct npu_ir_pos *pos, struct npu_ir_type *to)
{
    if (!npu_parser_word(p, "to"))
        return false;
    *pos = p->token.pos;
    return npu_parser_memref(p, to);
}

static bool is_plain(const struct npu_ir_type *type)
{
    struct npu_ir_type plain = *type;
    npu_ir_type_set_row_major(&plain);
    plain.strided = type->strided;
    return npu_ir_type_equal(&plain, type);
}

/* %m[%shift][%size, ..] : memref<Nxi8> to memref */
static bool parse_view(struct npu_parser *p, struct npu_ir_op *op)
{
    size_t start = p->numbers.n;
    uint32_t slot, shift, n_dynamic = 0;
    struct npu_ir_type from, to;
    struct npu_ir_pos pos;
    if (!memref_value(p, &slot, &from) || !npu_parser_mark(p, '[') ||
        !npu_parser_value_of(p, NPU_IR_INDEX, &shift) || !npu_parser_mark(p, ']') ||
        !npu_parser_push_number(p, slot) || !npu_parser_push_number(p, shift) ||
        !npu_parser_mark(p, '['))
        return false;
    for (uint32_t n = 0; !npu_parser_is(p, ']'); n++)
        if ((n > 0 && !npu_parser_mark(p, ',')) || !npu_parser_value_of(p, NPU_IR_INDEX, &slot) ||
            !npu_parser_push_number(p, slot))
            return false;
    npu_parser_next(p);
    if (!npu_parser_pop_operands(p, op, start) || !skip_attributes(p) || !npu_parser_mark(p, ':') ||
        !npu_parser_type_of(p, op->operand[0], &from) || !result_type(p, &pos, &to))
        return false;
    if (from.rank != 1 || from.elem != NPU_IR_I8 || from.sign || !is_plain(&from))
        return npu_parser_fail(p, op->pos,
                               "found a view of %s, expected a memref<..xi8> without "
                               "strides",
                               npu_ir_type_format(&from).text);
    for (uint32_t i = 0; i < to.rank; i++)
        n_dynamic += to.shape[i] == NPU_IR_DYNAMIC;
    if (!is_plain(&to) || op->n_operands - 2 != n_dynamic)
        return npu_parser_fail(p, pos, "found type %s, expected no strides and a size for each '?'",
                               npu_ir_type_format(&to).text);
    return npu_parser_results(p, op, &to, 1);
}

static int64_t add_known(int64_t a, int64_t b)
{
    int64_t sum;
    if (a == NPU_IR_DYNAMIC || b == NPU_IR_DYNAMIC || __builtin_add_overflow(a, b, &sum))
        return NPU_IR_DYNAMIC;
    return sum;
}

static int64_t multiply_known(int64_t a, int64_t b)
{
    int64_t product;
    if (a == 0 || b == 0)
        return 0;
    if (a == NPU_IR_DYNAMIC || b == NPU_IR_DYNAMIC || __builtin_mul_overflow(a, b, &product))
        return NPU_IR_DYNAMIC;
    return product;
}

static int64_t known(const struct npu_ir_index *index)
{
    return index->slot == NPU_IR_NONE ? index->value : NPU_IR_DYNAMIC;
}

static bool check_inferred(struct npu_parser *p, struct npu_ir_pos pos,
                           struct npu_ir_type *inferred, const struct npu_ir_type *to)
{
    inferred->strided = true;
    bool same = to->rank == inferred->rank && to->elem == inferred->elem &&
                to->sign == inferred->sign && to->offset == inferred->offset;
    for (uint32_t i = 0; same && i < to->rank; i++)
        same = to->shape[i] == inferred->shape[i] && to->stride[i] == inferred->stride[i];
    return same || npu_parser_fail(p, pos, "found type %s, expected %s",
                                   npu_ir_type_format(to).text, npu_ir_type_format(inferred).text);
}

/* Pop `n` indices above `start`. */
static const struct npu_ir_index *pop_indices(struct npu_parser *p, size_t start)
{
    return npu_parser_pop(p, &p->indices, start, sizeof(struct npu_ir_index));
}

static bool check_sizes(struct npu_parser *p, const struct npu_ir_op *op, uint32_t rank)
{
    for (uint32_t i = 0; i < rank; i++)
        if (op->size[i].slot == NPU_IR_NONE &&
            (op->size[i].value <= 0 || op->size[i].value > INT64_C(1) << 40))
            return npu_parser_fail(p, op->pos,
                                   "found a size of no or too many elements, expected 1 .. "
                                   "2^40");
    return true;
}

/* %m[offsets][sizes][strides] : memref to memref */
static bool parse_subview(struct npu_parser *p, struct npu_ir_op *op)
{
    const struct npu_ir_index **list[] = {&op->offset, &op->size, &op->step};
    size_t start = p->numbers.n;
    uint32_t slot, n;
    struct npu_ir_type from, to;
    struct npu_ir_pos pos;
    if (!memref_value(p, &slot, &from) || !npu_parser_push_number(p, slot) ||
        !npu_parser_pop_operands(p, op, start))
        return false;
    for (int i = 0; i < 3; i++) {
        size_t first = p->indices.n;
        pos = p->token.pos;
        if (!npu_parser_indices(p, NPU_IR_INDEX, &n) || !(*list[i] = pop_indices(p, first)))
            return false;
        if (n != from.rank)
            return npu_parser_fail(p, pos, "found %u numbers, expected %u for %s", n, from.rank,
                                   npu_ir_type_format(&from).text);
    }
    if (!check_sizes(p, op, from.rank) || !skip_attributes(p) || !npu_parser_mark(p, ':') ||
        !npu_parser_type_of(p, slot, &from) || !result_type(p, &pos, &to))
        return false;
    struct npu_ir_type inferred = from;
    for (uint32_t i = 0; i < from.rank; i++) {
        inferred.offset =
            add_known(inferred.offset, multiply_known(known(&op->offset[i]), from.stride[i]));
        inferred.shape[i] = known(&op->size[i]);
        inferred.stride[i] = multiply_known(known(&op->step[i]), from.stride[i]);
    }
    return check_inferred(p, pos, &inferred, &to) && npu_parser_results(p, op, &to, 1);
}

/* %m to offset: [o], sizes: [..], strides: [..] : memref to memref */
static bool parse_reinterpret(struct npu_parser *p, struct npu_ir_op *op)
{
    static const char *const words[] = {"offset", "sizes", "strides"};
    const struct npu_ir_index **list[] = {&op->offset, &op->size, &op->step};
    size_t start = p->numbers.n;
    uint32_t slot, n[3];
    struct npu_ir_type from, to;
    struct npu_ir_pos pos = p->token.pos;
    if (!memref_value(p, &slot, &from) || !npu_parser_push_number(p, slot) ||
        !npu_parser_pop_operands(p, op, start) || !npu_parser_word(p, "to"))
        return false;
    for (int i = 0; i < 3; i++) {
        size_t first = p->indices.n;
        if ((i > 0 && !npu_parser_mark(p, ',')) || !npu_parser_word(p, words[i]) ||
            !npu_parser_mark(p, ':') || !npu_parser_indices(p, NPU_IR_INDEX, &n[i]) ||
            !(*list[i] = pop_indices(p, first)))
            return false;
    }
    if (n[0] != 1 || n[1] != n[2] || n[1] > NPU_DESIGN_MAX_RANK)
        return npu_parser_fail(p, pos,
                               "found %u offsets, %u sizes, %u strides, expected 1 and as many "
                               "sizes as strides, at most %d",
                               n[0], n[1], n[2], NPU_DESIGN_MAX_RANK);
    if (!check_sizes(p, op, n[1]) || !skip_attributes(p) || !npu_parser_mark(p, ':') ||
        !npu_parser_type_of(p, slot, &from) || !result_type(p, &pos, &to))
        return false;
    struct npu_ir_type inferred = {.kind = NPU_IR_MEMREF,
                                   .elem = from.elem,
                                   .sign = from.sign,
                                   .rank = n[1],
                                   .offset = known(&op->offset[0])};
    for (uint32_t i = 0; i < n[1]; i++) {
        inferred.shape[i] = known(&op->size[i]);
        inferred.stride[i] = known(&op->step[i]);
    }
    return check_inferred(p, pos, &inferred, &to) && npu_parser_results(p, op, &to, 1);
}

static bool compatible(int64_t a, int64_t b)
{
    return a == b || a == NPU_IR_DYNAMIC || b == NPU_IR_DYNAMIC;
}

/* %m : memref to memref */
static bool parse_cast(struct npu_parser *p, struct npu_ir_op *op)
{
    size_t start = p->numbers.n;
    uint32_t slot;
    struct npu_ir_type from, to;
    struct npu_ir_pos pos;
    if (!memref_value(p, &slot, &from) || !npu_parser_push_number(p, slot) ||
        !npu_parser_pop_operands(p, op, start) || !skip_attributes(p) || !npu_parser_mark(p, ':') ||
        !npu_parser_type_of(p, slot, &from) || !result_type(p, &pos, &to))
        return false;
    bool same = from.rank == to.rank && from.elem == to.elem && from.sign == to.sign &&
                compatible(from.offset, to.offset);
    for (uint32_t i = 0; same && i < to.rank; i++)
        same = compatible(from.shape[i], to.shape[i]) && compatible(from.stride[i], to.stride[i]);
    if (!same)
        return npu_parser_fail(p, pos,
                               "found a cast from %s to %s, expected types that differ in '?' "
                               "only",
                               npu_ir_type_format(&from).text, npu_ir_type_format(&to).text);
    return npu_parser_results(p, op, &to, 1);
}

bool npu_parser_memref_op(struct npu_parser *p, struct npu_ir_op *op)
{
    switch (op->code) {
    case NPU_IR_LOAD:
        return parse_load(p, op);
    case NPU_IR_STORE:
        return parse_store(p, op);
    case NPU_IR_VIEW:
        return parse_view(p, op);
    case NPU_IR_SUBVIEW_OF:
        return parse_subview(p, op);
    case NPU_IR_REINTERPRET_CAST:
        return parse_reinterpret(p, op);
    default:
        return parse_cast(p, op);
    }
}
