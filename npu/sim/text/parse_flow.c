/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* scf: loops, branches, and the values that their regions carry. */
#include "npu/sim/text/parse.h"

#include <string.h>

/* The types on the stack `types` from `start` on; stable until the next push. */
static const struct npu_ir_type *types_from(const struct npu_parser *p, size_t start)
{
    return (const struct npu_ir_type *)p->types.data + start;
}

static bool define_slot(struct npu_parser *p, const struct npu_token *name, uint32_t slot)
{
    struct npu_name value = {.text = name->text,
                             .n = (uint32_t)name->n,
                             .kind = NPU_NAME_SLOT,
                             .index = slot,
                             .count = 1,
                             .pos = name->pos};
    return npu_parser_define(p, value);
}

/* Pop the slots above `start` as the arguments of a region. */
static bool pop_arguments(struct npu_parser *p, size_t start, struct npu_ir_region *region)
{
    region->n_arguments = (uint32_t)(p->numbers.n - start);
    region->argument = npu_parser_pop(p, &p->numbers, start, sizeof(uint32_t));
    return region->argument != NULL;
}

/* Types in "(..)", or one without: onto the stack `types`. */
static bool parse_types(struct npu_parser *p, uint32_t *n)
{
    struct npu_ir_type type;
    *n = 0;
    if (!npu_parser_accept(p, '(')) {
        *n = 1;
        return npu_parser_type(p, &type) && npu_parser_push(p, &p->types, &type, sizeof(type));
    }
    while (!npu_parser_is(p, ')')) {
        if ((*n > 0 && !npu_parser_mark(p, ',')) || !npu_parser_type(p, &type) ||
            !npu_parser_push(p, &p->types, &type, sizeof(type)))
            return false;
        ++*n;
    }
    return npu_parser_mark(p, ')');
}

static bool same_types(struct npu_parser *p, struct npu_ir_pos pos, const char *what,
                       const uint32_t *slot, uint32_t n_slots, const struct npu_ir_type *type,
                       uint32_t n)
{
    if (n_slots != n)
        return npu_parser_fail(p, pos, "found %u values for %s, expected %u", n_slots, what, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct npu_ir_type *found = &npu_parser_slot(p, slot[i])->type;
        if (!npu_ir_type_equal(found, &type[i]))
            return npu_parser_fail(p, pos, "found type %s for value %u of %s, expected %s",
                                   npu_ir_type_format(found).text, i, what,
                                   npu_ir_type_format(&type[i]).text);
    }
    return true;
}

/* The operation that must end a region, and the values it passes on from operand `first`. */
static bool check_end(struct npu_parser *p, const struct npu_ir_op *op,
                      const struct npu_ir_region *region, enum npu_ir_code code, uint32_t first,
                      const struct npu_ir_type *type, uint32_t n)
{
    const struct npu_ir_op *last = region->n_ops ? &region->op[region->n_ops - 1] : NULL;
    bool ends = last && (last->code == NPU_IR_YIELD || last->code == NPU_IR_CONDITION ||
                         last->code == NPU_IR_END);
    if (ends && last->code != code)
        return npu_parser_fail(p, last->pos, "found %s, expected %s at the end of this region",
                               npu_ir_code_name(last->code), npu_ir_code_name(code));
    if (!ends && n == 0 && code == NPU_IR_YIELD)
        return true;
    if (!ends)
        return npu_parser_fail(p, op->pos,
                               "found a region without an end, expected %s at the end of "
                               "each region of this %s",
                               npu_ir_code_name(code), npu_ir_code_name(op->code));
    return same_types(p, last->pos, npu_ir_code_name(code), last->operand + first,
                      last->n_operands - first, type, n);
}

/* "(%a = %x, ..)" after iter_args or scf.while: pushes the initial values onto `numbers`, makes
 * the arguments' slots (consecutive from *first_slot), and names them once all are known. */
static bool parse_carried(struct npu_parser *p, uint32_t *first_slot, uint32_t *n)
{
    *n = 0;
    size_t values = p->numbers.n;
    if (!npu_parser_mark(p, '('))
        return false;
    while (!npu_parser_is(p, ')')) {
        struct npu_token name = p->token;
        uint32_t slot;
        if (*n > 0) {
            if (!npu_parser_mark(p, ','))
                return false;
            name = p->token;
        }
        if (name.kind != NPU_TOKEN_VALUE)
            return npu_parser_expected(p, "the %name of a carried value");
        npu_parser_next(p);
        if (!npu_parser_mark(p, '=') || !npu_parser_value(p, &slot) ||
            !npu_parser_push_number(p, slot) ||
            !npu_parser_push(p, &p->carried, &name, sizeof(name)))
            return false;
        ++*n;
    }
    npu_parser_next(p);
    *first_slot = (uint32_t)p->slots.n;
    for (uint32_t i = 0; i < *n; i++) {
        uint32_t slot, from = ((const uint32_t *)p->numbers.data)[values + i];
        struct npu_ir_type type = npu_parser_slot(p, from)->type;
        struct npu_token name = ((const struct npu_token *)p->carried.data)[p->carried.n - *n + i];
        if (!npu_parser_new_slot(p, &type, &slot) || !define_slot(p, &name, slot))
            return false;
    }
    p->carried.n -= *n;
    return true;
}

static bool push_range(struct npu_parser *p, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!npu_parser_push_number(p, first + i))
            return false;
    return true;
}

/* %i = %lower to %upper step %step [iter_args(..) -> (types)] [: type] { .. } */
static bool parse_for(struct npu_parser *p, struct npu_ir_op *op)
{
    struct npu_token iv = p->token;
    size_t names = p->names.n, start = p->numbers.n, types = p->types.n;
    uint32_t bound[3], first = 0, n = 0, n_types = 0, slot;
    struct npu_ir_region region = {0};
    struct npu_ir_type type = {.kind = NPU_IR_SCALAR, .elem = NPU_IR_INDEX};
    struct npu_ir_pos pos;

    if (iv.kind != NPU_TOKEN_VALUE)
        return npu_parser_expected(p, "the %name of the loop's variable");
    npu_parser_next(p);
    if (!npu_parser_mark(p, '='))
        return false;
    pos = p->token.pos;
    if (!npu_parser_value(p, &bound[0]) || !npu_parser_word(p, "to") ||
        !npu_parser_value(p, &bound[1]) || !npu_parser_word(p, "step") ||
        !npu_parser_value(p, &bound[2]))
        return false;
    for (int i = 0; i < 3; i++)
        if (!npu_parser_push_number(p, bound[i]))
            return false;
    if (npu_parser_accept_word(p, "iter_args") &&
        (!parse_carried(p, &first, &n) || !npu_parser_arrow(p) || !parse_types(p, &n_types)))
        return false;
    if (npu_parser_accept(p, ':') && !npu_parser_scalar(p, &type))
        return false;
    const struct npu_ir_type three[3] = {type, type, type};
    if (!npu_parser_pop_operands(p, op, start) ||
        !same_types(p, pos, "the bounds and the step", bound, 3, three, 3) ||
        !same_types(p, pos, "iter_args", op->operand + 3, n, types_from(p, types), n_types) ||
        !npu_parser_new_slot(p, &type, &slot) || !define_slot(p, &iv, slot) ||
        !npu_parser_push_number(p, slot) || !push_range(p, first, n) ||
        !pop_arguments(p, start, &region) || !npu_parser_mark(p, '{') ||
        !npu_parser_region(p, names, &region) ||
        !check_end(p, op, &region, NPU_IR_YIELD, 0, types_from(p, types), n_types))
        return false;
    op->n_regions = 1;
    op->region = npu_arena_copy(&p->arena, &region, 1, sizeof(region));
    bool ok = op->region ? npu_parser_results(p, op, types_from(p, types), n_types)
                         : npu_parser_no_memory(p);
    p->types.n = types;
    return ok && npu_parser_attributes(p, &(struct npu_attribute){0});
}

/* One region without arguments that yields the types above `types`. */
static bool parse_branch(struct npu_parser *p, const struct npu_ir_op *op, size_t types, uint32_t n)
{
    struct npu_ir_region region = {0};
    return npu_parser_mark(p, '{') && pop_arguments(p, p->numbers.n, &region) &&
           npu_parser_region(p, p->names.n, &region) &&
           check_end(p, op, &region, NPU_IR_YIELD, 0, types_from(p, types), n) &&
           npu_parser_push(p, &p->regions, &region, sizeof(region));
}

static bool end_branches(struct npu_parser *p, struct npu_ir_op *op, size_t regions, size_t types,
                         uint32_t n_types)
{
    op->n_regions = (uint32_t)(p->regions.n - regions);
    op->region = npu_parser_pop(p, &p->regions, regions, sizeof(struct npu_ir_region));
    bool ok = op->region && npu_parser_results(p, op, types_from(p, types), n_types);
    p->types.n = types;
    return ok && npu_parser_attributes(p, &(struct npu_attribute){0});
}

static bool arrow_types(struct npu_parser *p, uint32_t *n)
{
    *n = 0;
    if (p->token.kind != NPU_TOKEN_ARROW)
        return true;
    npu_parser_next(p);
    return parse_types(p, n);
}

/* %c [-> (types)] { .. } [else { .. }] */
static bool parse_if(struct npu_parser *p, struct npu_ir_op *op)
{
    size_t start = p->numbers.n, types = p->types.n, regions = p->regions.n;
    uint32_t condition, n;
    if (!npu_parser_value_of(p, NPU_IR_I1, &condition) || !npu_parser_push_number(p, condition) ||
        !npu_parser_pop_operands(p, op, start) || !arrow_types(p, &n) ||
        !parse_branch(p, op, types, n))
        return false;
    if (npu_parser_accept_word(p, "else")) {
        if (!parse_branch(p, op, types, n))
            return false;
    } else {
        struct npu_ir_region none = {0};
        if (n > 0)
            return npu_parser_expected(p, "'else', because this scf.if has results");
        none.op = npu_arena_take(&p->arena, 0, 1);
        if (!none.op || !npu_parser_push(p, &p->regions, &none, sizeof(none)))
            return npu_parser_no_memory(p);
    }
    return end_branches(p, op, regions, types, n);
}

/* %i [-> types] case 0 { .. } .. default { .. } */
static bool parse_switch(struct npu_parser *p, struct npu_ir_op *op)
{
    size_t start = p->numbers.n, types = p->types.n, regions = p->regions.n, values = p->wide.n;
    const struct npu_ir_region none = {0};
    uint32_t index, n;
    if (!npu_parser_value_of(p, NPU_IR_INDEX, &index) || !npu_parser_push_number(p, index) ||
        !npu_parser_pop_operands(p, op, start) ||
        !npu_parser_attributes(p, &(struct npu_attribute){0}) || !arrow_types(p, &n) ||
        !npu_parser_push(p, &p->regions, &none, sizeof(none)))
        return false;
    while (npu_parser_accept_word(p, "case")) {
        int64_t value;
        struct npu_ir_pos pos = p->token.pos;
        if (!npu_parser_integer(p, INT64_MIN, INT64_MAX, "the value of a case", &value))
            return false;
        if (p->wide.n - values == 256)
            return npu_parser_fail(p, pos, "found more than 256 cases, expected no more");
        for (size_t i = values; i < p->wide.n; i++)
            if (((const int64_t *)p->wide.data)[i] == value)
                return npu_parser_fail(p, pos, "found a second case of this value, expected one");
        if (!npu_parser_push(p, &p->wide, &value, sizeof(value)) || !parse_branch(p, op, types, n))
            return false;
    }
    if (!npu_parser_word(p, "default") || !parse_branch(p, op, types, n))
        return false;
    p->regions.n--;
    ((struct npu_ir_region *)p->regions.data)[regions] =
        ((const struct npu_ir_region *)p->regions.data)[p->regions.n];
    op->n_list = (uint32_t)(p->wide.n - values);
    op->list = npu_parser_pop(p, &p->wide, values, sizeof(int64_t));
    return op->list && end_branches(p, op, regions, types, n);
}

/* ^name(%a : type, ..): before the second region of scf.while. */
static bool parse_block(struct npu_parser *p, const struct npu_ir_type *type, uint32_t n)
{
    uint32_t i = 0;
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_mark(p, '^'))
        return false;
    if (p->token.kind != NPU_TOKEN_WORD)
        return npu_parser_expected(p, "the name of a block");
    npu_parser_next(p);
    if (!npu_parser_mark(p, '('))
        return false;
    while (!npu_parser_is(p, ')')) {
        struct npu_ir_type found;
        uint32_t slot;
        if (i > 0 && !npu_parser_mark(p, ','))
            return false;
        struct npu_token name = p->token;
        if (name.kind != NPU_TOKEN_VALUE)
            return npu_parser_expected(p, "the %name of an argument");
        npu_parser_next(p);
        if (!npu_parser_mark(p, ':') || !npu_parser_type(p, &found))
            return false;
        if (i >= n || !npu_ir_type_equal(&found, &type[i]))
            return npu_parser_fail(p, name.pos,
                                   "found another argument of the block, expected the %u "
                                   "types that scf.condition hands on",
                                   n);
        if (!npu_parser_new_slot(p, &found, &slot) || !define_slot(p, &name, slot) ||
            !npu_parser_push_number(p, slot))
            return false;
        i++;
    }
    if (i != n)
        return npu_parser_fail(p, pos, "found %u arguments of the block, expected %u", i, n);
    npu_parser_next(p);
    return npu_parser_mark(p, ':');
}

/* [(%a = %x, ..)] : (types) -> types { .. scf.condition } do { [^bb0(..):] .. } */
static bool parse_while(struct npu_parser *p, struct npu_ir_op *op)
{
    size_t names = p->names.n, start = p->numbers.n, types = p->types.n;
    uint32_t first = 0, n = 0, n_in = 0, n_out = 0;
    struct npu_ir_region region[2] = {{0}, {0}};
    struct npu_ir_pos pos = p->token.pos;
    if (npu_parser_is(p, '(') && !parse_carried(p, &first, &n))
        return false;
    if (!npu_parser_pop_operands(p, op, start) || !npu_parser_mark(p, ':') ||
        !parse_types(p, &n_in) || !npu_parser_arrow(p) || !parse_types(p, &n_out) ||
        !same_types(p, pos, "scf.while", op->operand, n, types_from(p, types), n_in) ||
        !push_range(p, first, n) || !pop_arguments(p, start, &region[0]) ||
        !npu_parser_mark(p, '{') || !npu_parser_region(p, names, &region[0]) ||
        !check_end(p, op, &region[0], NPU_IR_CONDITION, 1, types_from(p, types) + n_in, n_out) ||
        !npu_parser_word(p, "do") || !npu_parser_mark(p, '{'))
        return false;
    if ((n_out > 0 || npu_parser_is(p, '^')) && !parse_block(p, types_from(p, types) + n_in, n_out))
        return false;
    if (!pop_arguments(p, start, &region[1]) || !npu_parser_region(p, names, &region[1]) ||
        !check_end(p, op, &region[1], NPU_IR_YIELD, 0, types_from(p, types), n_in))
        return false;
    op->n_regions = 2;
    op->region = npu_arena_copy(&p->arena, region, 2, sizeof(region[0]));
    bool ok = op->region ? npu_parser_results(p, op, types_from(p, types) + n_in, n_out)
                         : npu_parser_no_memory(p);
    p->types.n = types;
    return ok && npu_parser_attributes(p, &(struct npu_attribute){0});
}

/* [%a, %b : type, type], as operands after those above `start` on `numbers`. */
static bool parse_yield(struct npu_parser *p, struct npu_ir_op *op, size_t start)
{
    struct npu_ir_type type;
    size_t first = p->numbers.n;
    if (p->token.kind == NPU_TOKEN_VALUE && !npu_parser_values(p, ':'))
        return false;
    uint32_t n = (uint32_t)(p->numbers.n - first), skip = (uint32_t)(first - start);
    if (!npu_parser_pop_operands(p, op, start))
        return false;
    if (n > 0 && !npu_parser_mark(p, ':'))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if ((i > 0 && !npu_parser_mark(p, ',')) ||
            !npu_parser_type_of(p, op->operand[skip + i], &type))
            return false;
    return true;
}

static bool parse_condition(struct npu_parser *p, struct npu_ir_op *op)
{
    size_t start = p->numbers.n;
    uint32_t slot;
    return npu_parser_mark(p, '(') && npu_parser_value_of(p, NPU_IR_I1, &slot) &&
           npu_parser_push_number(p, slot) && npu_parser_mark(p, ')') && parse_yield(p, op, start);
}

bool npu_parser_flow_op(struct npu_parser *p, struct npu_ir_op *op)
{
    switch (op->code) {
    case NPU_IR_FOR:
        return parse_for(p, op);
    case NPU_IR_IF:
        return parse_if(p, op);
    case NPU_IR_WHILE:
        return parse_while(p, op);
    case NPU_IR_INDEX_SWITCH:
        return parse_switch(p, op);
    case NPU_IR_YIELD:
        return parse_yield(p, op, p->numbers.n);
    default:
        return parse_condition(p, op);
    }
}
