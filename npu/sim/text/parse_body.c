/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bodies: statements, regions, and the parts of every operation's text. */
#include "npu/sim/text/parse.h"

#include <string.h>

struct result_name {
    const char *text;
    size_t n;
    uint32_t count;
    struct npu_ir_pos pos;
};

/* The code of an operation's name; NPU_IR_N_CODES: not of the subset. */
static enum npu_ir_code code_of(const struct npu_token *name)
{
    for (int i = 0; i < NPU_IR_N_CODES; i++) {
        const char *known = npu_ir_code_name((enum npu_ir_code)i);
        if (strlen(known) == name->n && memcmp(known, name->text, name->n) == 0)
            return (enum npu_ir_code)i;
    }
    return NPU_IR_N_CODES;
}

bool npu_parser_push_number(struct npu_parser *p, uint32_t number)
{
    return npu_parser_push(p, &p->numbers, &number, sizeof(number));
}

bool npu_parser_pop_operands(struct npu_parser *p, struct npu_ir_op *op, size_t start)
{
    op->n_operands = (uint32_t)(p->numbers.n - start);
    op->operand = npu_parser_pop(p, &p->numbers, start, sizeof(uint32_t));
    return op->operand != NULL;
}

bool npu_parser_results(struct npu_parser *p, struct npu_ir_op *op, const struct npu_ir_type *type,
                        uint32_t n)
{
    size_t start = p->numbers.n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot;
        if (!npu_parser_new_slot(p, &type[i], &slot) || !npu_parser_push_number(p, slot))
            return false;
    }
    op->n_results = n;
    op->result = npu_parser_pop(p, &p->numbers, start, sizeof(uint32_t));
    return op->result != NULL;
}

bool npu_parser_values(struct npu_parser *p, char end)
{
    for (bool first = true; !npu_parser_is(p, end); first = false) {
        uint32_t slot;
        if ((!first && !npu_parser_mark(p, ',')) || !npu_parser_value(p, &slot) ||
            !npu_parser_push_number(p, slot))
            return false;
    }
    return true;
}

bool npu_parser_value_of(struct npu_parser *p, enum npu_ir_elem elem, uint32_t *slot)
{
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_value(p, slot))
        return false;
    const struct npu_ir_type *type = &npu_parser_slot(p, *slot)->type;
    if (type->kind == NPU_IR_SCALAR && type->elem == elem)
        return true;
    return npu_parser_fail(p, pos, "found a value of type %s, expected %s",
                           npu_ir_type_format(type).text, npu_ir_elem_name(elem));
}

static bool parse_index(struct npu_parser *p, enum npu_ir_elem elem, struct npu_ir_index *index)
{
    struct npu_ir_pos pos = p->token.pos;
    *index = (struct npu_ir_index){.slot = NPU_IR_NONE};
    if (p->token.kind != NPU_TOKEN_VALUE)
        return npu_parser_integer(p, INT64_MIN + 1, INT64_MAX, "a literal or a value",
                                  &index->value);
    if (!npu_parser_value(p, &index->slot))
        return false;
    const struct npu_slot *slot = npu_parser_slot(p, index->slot);
    if (slot->type.kind != NPU_IR_SCALAR || slot->type.elem != elem || slot->type.sign)
        return npu_parser_fail(p, pos, "found a value of type %s, expected %s",
                               npu_ir_type_format(&slot->type).text, npu_ir_elem_name(elem));
    if (p->in_sequence && slot->constant)
        *index = (struct npu_ir_index){.slot = NPU_IR_NONE, .value = slot->value};
    return true;
}

bool npu_parser_indices(struct npu_parser *p, enum npu_ir_elem elem, uint32_t *n)
{
    if (!npu_parser_mark(p, '['))
        return false;
    for (*n = 0; !npu_parser_is(p, ']'); ++*n) {
        struct npu_ir_index index;
        if ((*n > 0 && !npu_parser_mark(p, ',')) || !parse_index(p, elem, &index) ||
            !npu_parser_push(p, &p->indices, &index, sizeof(index)))
            return false;
    }
    return npu_parser_mark(p, ']');
}

bool npu_parser_constant(struct npu_parser *p, struct npu_ir_type *type, int64_t *value)
{
    struct npu_ir_pos pos = p->token.pos;
    *type = (struct npu_ir_type){.kind = NPU_IR_SCALAR, .elem = NPU_IR_I1};
    if (npu_parser_is_word(p, "true") || npu_parser_is_word(p, "false")) {
        *value = npu_parser_is_word(p, "true");
        npu_parser_next(p);
        return true;
    }
    if (!npu_parser_integer(p, INT64_MIN, INT64_MAX, "an integer constant", value) ||
        !npu_parser_mark(p, ':') || !npu_parser_scalar(p, type))
        return false;
    if (type->elem > NPU_IR_INDEX || type->sign)
        return npu_parser_fail(p, pos, "found a constant of type %s, expected an integer type",
                               npu_ir_elem_name(type->elem));
    unsigned bits = type->elem == NPU_IR_INDEX ? 64 : npu_ir_elem_bits(type->elem);
    if (bits == 64)
        return true;
    if (*value < -(INT64_C(1) << (bits - 1)) || *value >= INT64_C(1) << bits)
        return npu_parser_fail(p, pos, "found a constant that %s does not hold, expected %u bits",
                               npu_ir_elem_name(type->elem), bits);
    *value = bits == 1 ? *value & 1 : (int64_t)((uint64_t)*value << (64 - bits)) >> (64 - bits);
    return true;
}

/* "%a, %b:2 =" before an operation, onto the stack `results`. */
static bool parse_result_names(struct npu_parser *p)
{
    while (p->token.kind == NPU_TOKEN_VALUE) {
        struct result_name name = {p->token.text, p->token.n, 1, p->token.pos};
        npu_parser_next(p);
        if (npu_parser_accept(p, ':')) {
            int64_t count;
            if (!npu_parser_integer(p, 1, 256, "the number of results", &count))
                return false;
            name.count = (uint32_t)count;
        }
        if (!npu_parser_push(p, &p->results, &name, sizeof(name)))
            return false;
        if (!npu_parser_accept(p, ','))
            return npu_parser_mark(p, '=');
    }
    return npu_parser_expected(p, "the name of a result");
}

static bool define_results(struct npu_parser *p, const struct npu_ir_op *op, size_t start)
{
    uint32_t slot = op->n_results ? op->result[0] : 0, named = 0;
    size_t n = p->results.n;
    for (size_t i = start; i < n; i++) {
        struct result_name name = ((const struct result_name *)p->results.data)[i];
        named += name.count;
        if (named > op->n_results)
            return npu_parser_fail(p, name.pos, "found a name for result %u of %s, which has %u",
                                   named, npu_ir_code_name(op->code), op->n_results);
        struct npu_name value = {.text = name.text,
                                 .n = (uint32_t)name.n,
                                 .kind = NPU_NAME_SLOT,
                                 .index = slot,
                                 .count = name.count,
                                 .pos = name.pos};
        if (!npu_parser_define(p, value))
            return false;
        slot += name.count;
    }
    if (n > start && named < op->n_results)
        return npu_parser_fail(p, op->pos, "found names for %u results, expected %u", named,
                               op->n_results);
    p->results.n = start;
    return true;
}

static bool statement(struct npu_parser *p)
{
    struct npu_ir_op op = {.pos = p->token.pos, .ref = NPU_IR_NONE};
    size_t start = p->results.n;
    if (p->token.kind == NPU_TOKEN_VALUE && !parse_result_names(p))
        return false;
    op.pos = p->token.pos;
    op.code = p->token.kind == NPU_TOKEN_WORD ? code_of(&p->token) : NPU_IR_N_CODES;
    bool of_sequence = op.code >= NPU_IR_MEMCPY && op.code < NPU_IR_N_CODES;
    if (op.code == NPU_IR_N_CODES ||
        (p->in_sequence ? !of_sequence && op.code != NPU_IR_CONSTANT : of_sequence))
        return npu_parser_expected(
            p, p->in_sequence ? "an operation of a runtime sequence (npu/sim/DESIGNS.md)"
                              : "an operation of a core (npu/sim/DESIGNS.md)");
    npu_parser_next(p);
    bool ok = of_sequence ? npu_parser_sequence_op(p, &op) : npu_parser_core_op(p, &op);
    return ok && define_results(p, &op, start) && npu_parser_push(p, &p->ops, &op, sizeof(op));
}

bool npu_parser_region(struct npu_parser *p, size_t first_name, struct npu_ir_region *region)
{
    size_t start = p->ops.n;
    bool ended = false;
    if (!npu_parser_enter(p))
        return false;
    while (!npu_parser_is(p, '}')) {
        if (ended)
            return npu_parser_expected(p, "'}' after the operation that ends the region");
        if (!statement(p))
            return false;
        enum npu_ir_code code = ((const struct npu_ir_op *)p->ops.data)[p->ops.n - 1].code;
        ended = code == NPU_IR_YIELD || code == NPU_IR_CONDITION || code == NPU_IR_END;
    }
    npu_parser_next(p);
    npu_parser_leave(p);
    npu_parser_forget(p, first_name);
    region->n_ops = (uint32_t)(p->ops.n - start);
    region->op = npu_parser_pop(p, &p->ops, start, sizeof(struct npu_ir_op));
    return region->op != NULL;
}

void npu_parser_begin_body(struct npu_parser *p, bool in_sequence)
{
    p->slots.n = p->captures.n = 0;
    p->in_sequence = in_sequence;
    p->body++;
}

bool npu_parser_end_body(struct npu_parser *p, struct npu_ir_region region,
                         struct npu_ir_body *body)
{
    size_t n_slots = p->slots.n;
    struct npu_ir_type *type = npu_arena_take(&p->arena, n_slots, sizeof(*type));
    if (!type)
        return npu_parser_no_memory(p);
    for (size_t i = 0; i < n_slots; i++)
        type[i] = npu_parser_slot(p, (uint32_t)i)->type;
    *body = (struct npu_ir_body){.region = region,
                                 .n_slots = (uint32_t)n_slots,
                                 .n_captures = (uint32_t)p->captures.n,
                                 .slot_type = type};
    body->capture = npu_parser_pop(p, &p->captures, 0, sizeof(struct npu_ir_capture));
    return body->capture != NULL;
}

static bool resolve_op(struct npu_parser *p, struct npu_ir_op *op)
{
    switch (op->code) {
    case NPU_IR_CALL:
        return npu_parser_resolve(p, op->pos, NPU_SYMBOL_FUNCTION, &op->ref);
    case NPU_IR_RTP_WRITE:
        return npu_parser_resolve(p, op->pos, NPU_SYMBOL_BUFFER, &op->ref);
    case NPU_IR_ACQUIRE:
    case NPU_IR_RELEASE:
    case NPU_IR_MEMCPY:
    case NPU_IR_WAIT:
    case NPU_IR_TASK_CONFIGURE:
        return npu_parser_resolve(p, op->pos, NPU_SYMBOL_FIFO, &op->ref);
    default:
        return true;
    }
}

bool npu_parser_resolve_region(struct npu_parser *p, const struct npu_ir_region *region)
{
    for (uint32_t i = 0; i < region->n_ops; i++) {
        /* The parser owns the arena's memory until it returns the design. */
        struct npu_ir_op *op = (struct npu_ir_op *)(uintptr_t)&region->op[i];
        if (!resolve_op(p, op))
            return false;
        for (uint32_t r = 0; r < op->n_regions; r++)
            if (!npu_parser_resolve_region(p, &op->region[r]))
                return false;
    }
    return true;
}
