/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations of a core: arith, func.call, objectfifo; scf is parse_flow.c,
 * memref parse_memref.c. */
#include "npu/sim/text/parse.h"

#include <string.h>

static const struct npu_attribute no_attributes[1];

static bool skip_attributes(struct npu_parser *p)
{
    struct npu_attribute none = no_attributes[0];
    return npu_parser_attributes(p, &none);
}

static bool is_integer(const struct npu_ir_type *type)
{
    return type->kind == NPU_IR_SCALAR && type->elem <= NPU_IR_INDEX && !type->sign;
}

/* ": type" after the operands `from` .. `to`, all of that integer type. */
static bool operand_type(struct npu_parser *p, const uint32_t *slot, uint32_t n,
                         struct npu_ir_type *type)
{
    if (!skip_attributes(p) || !npu_parser_mark(p, ':'))
        return false;
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_type_of(p, slot[0], type))
        return false;
    for (uint32_t i = 1; i < n; i++) {
        const struct npu_ir_type *other = &npu_parser_slot(p, slot[i])->type;
        if (!npu_ir_type_equal(other, type))
            return npu_parser_fail(p, pos, "found operands of types %s and %s, expected the same",
                                   npu_ir_type_format(type).text, npu_ir_type_format(other).text);
    }
    return true;
}

static bool parse_n_values(struct npu_parser *p, struct npu_ir_op *op, uint32_t n)
{
    size_t start = p->numbers.n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot;
        if ((i > 0 && !npu_parser_mark(p, ',')) || !npu_parser_value(p, &slot) ||
            !npu_parser_push_number(p, slot))
            return false;
    }
    return npu_parser_pop_operands(p, op, start);
}

/* "overflow<nsw, nuw>": promises that nothing wraps, which changes no result. */
static bool skip_overflow(struct npu_parser *p)
{
    if (!npu_parser_accept_word(p, "overflow"))
        return true;
    if (!npu_parser_mark(p, '<'))
        return false;
    do {
        if (!npu_parser_accept_word(p, "nsw") && !npu_parser_accept_word(p, "nuw") &&
            !npu_parser_word(p, "none"))
            return false;
    } while (npu_parser_accept(p, ','));
    return npu_parser_mark(p, '>');
}

static bool parse_binary(struct npu_parser *p, struct npu_ir_op *op)
{
    struct npu_ir_type type;
    if (!parse_n_values(p, op, 2) || !skip_overflow(p) || !operand_type(p, op->operand, 2, &type))
        return false;
    if (!is_integer(&type))
        return npu_parser_fail(p, op->pos, "found operands of type %s, expected integers or index",
                               npu_ir_type_format(&type).text);
    return npu_parser_results(p, op, &type, 1);
}

static bool parse_compare(struct npu_parser *p, struct npu_ir_op *op)
{
    static const char *const predicates[] = {"eq",  "ne",  "slt", "sle", "sgt",
                                             "sge", "ult", "ule", "ugt", "uge"};
    struct npu_ir_type type;
    if (p->token.kind == NPU_TOKEN_STRING) /* "eq", as older printers write it */
        p->token.kind = NPU_TOKEN_WORD;
    for (op->value = 0; op->value < 10; op->value++)
        if (npu_parser_accept_word(p, predicates[op->value]))
            break;
    if (op->value == 10)
        return npu_parser_expected(p, "eq, ne, slt, sle, sgt, sge, ult, ule, ugt or uge");
    if (!npu_parser_mark(p, ',') || !parse_n_values(p, op, 2) ||
        !operand_type(p, op->operand, 2, &type))
        return false;
    if (!is_integer(&type))
        return npu_parser_fail(p, op->pos, "found operands of type %s, expected integers or index",
                               npu_ir_type_format(&type).text);
    type = (struct npu_ir_type){.kind = NPU_IR_SCALAR, .elem = NPU_IR_I1};
    return npu_parser_results(p, op, &type, 1);
}

static bool parse_select(struct npu_parser *p, struct npu_ir_op *op)
{
    struct npu_ir_type type;
    size_t start = p->numbers.n;
    uint32_t slot[3];
    if (!npu_parser_value_of(p, NPU_IR_I1, &slot[0]) || !npu_parser_mark(p, ',') ||
        !npu_parser_value(p, &slot[1]) || !npu_parser_mark(p, ',') ||
        !npu_parser_value(p, &slot[2]))
        return false;
    for (int i = 0; i < 3; i++)
        if (!npu_parser_push_number(p, slot[i]))
            return false;
    return npu_parser_pop_operands(p, op, start) && operand_type(p, op->operand + 1, 2, &type) &&
           npu_parser_results(p, op, &type, 1);
}

static bool cast_allowed(enum npu_ir_code code, enum npu_ir_elem from, enum npu_ir_elem to)
{
    if (code == NPU_IR_INDEX_CAST || code == NPU_IR_INDEX_CASTUI)
        return (from == NPU_IR_INDEX) != (to == NPU_IR_INDEX);
    if (from == NPU_IR_INDEX || to == NPU_IR_INDEX)
        return false;
    return code == NPU_IR_TRUNCI ? to < from : to > from;
}

static bool parse_cast(struct npu_parser *p, struct npu_ir_op *op)
{
    struct npu_ir_type from, to;
    if (!parse_n_values(p, op, 1) || !operand_type(p, op->operand, 1, &from) ||
        !npu_parser_word(p, "to"))
        return false;
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_scalar(p, &to))
        return false;
    if (!is_integer(&from) || !is_integer(&to) || !cast_allowed(op->code, from.elem, to.elem))
        return npu_parser_fail(p, pos, "found a cast from %s to %s, expected what %s does",
                               npu_ir_type_format(&from).text, npu_ir_type_format(&to).text,
                               npu_ir_code_name(op->code));
    return npu_parser_results(p, op, &to, 1);
}

static bool parse_constant(struct npu_parser *p, struct npu_ir_op *op)
{
    struct npu_ir_type type;
    if (!skip_attributes(p) || !npu_parser_constant(p, &type, &op->value) ||
        !npu_parser_results(p, op, &type, 1))
        return false;
    npu_parser_slot(p, op->result[0])->constant = true;
    npu_parser_slot(p, op->result[0])->value = op->value;
    return true;
}

/* @f(%a, %b) : (types) -> () | type */
static bool parse_call(struct npu_parser *p, struct npu_ir_op *op)
{
    size_t start = p->numbers.n;
    struct npu_ir_type type;
    if (!npu_parser_symbol(p, &op->ref) || !npu_parser_mark(p, '(') || !npu_parser_values(p, ')') ||
        !npu_parser_mark(p, ')') || !npu_parser_pop_operands(p, op, start) || !skip_attributes(p) ||
        !npu_parser_mark(p, ':') || !npu_parser_mark(p, '('))
        return false;
    for (uint32_t i = 0; i < op->n_operands; i++)
        if ((i > 0 && !npu_parser_mark(p, ',')) || !npu_parser_type_of(p, op->operand[i], &type))
            return false;
    if (!npu_parser_mark(p, ')') || !npu_parser_arrow(p))
        return false;
    bool list = npu_parser_accept(p, '(');
    if (list && npu_parser_accept(p, ')'))
        return npu_parser_results(p, op, NULL, 0);
    return npu_parser_scalar(p, &type) && (!list || npu_parser_mark(p, ')')) &&
           npu_parser_results(p, op, &type, 1);
}

/* @f(Produce, 1) */
static bool parse_port(struct npu_parser *p, struct npu_ir_op *op)
{
    if (!npu_parser_symbol(p, &op->ref) || !npu_parser_mark(p, '('))
        return false;
    op->port = npu_parser_is_word(p, "Produce") ? NPU_PRODUCE : NPU_CONSUME;
    if (!npu_parser_accept_word(p, "Produce") && !npu_parser_accept_word(p, "Consume"))
        return npu_parser_expected(p, "Produce or Consume");
    return npu_parser_mark(p, ',') &&
           npu_parser_integer(p, 1, 4096, "the number of objects", &op->value) &&
           npu_parser_mark(p, ')') && skip_attributes(p);
}

static bool parse_acquire(struct npu_parser *p, struct npu_ir_op *op)
{
    struct npu_ir_type type;
    size_t start = p->types.n;
    if (!parse_port(p, op) || !npu_parser_mark(p, ':'))
        return false;
    struct npu_ir_pos pos = p->token.pos;
    if (npu_parser_is(p, '!'))
        return npu_parser_type(p, &type) && npu_parser_results(p, op, &type, 1);
    do {
        if (!npu_parser_memref(p, &type) || !npu_parser_push(p, &p->types, &type, sizeof(type)))
            return false;
    } while (npu_parser_accept(p, ','));
    uint32_t n = (uint32_t)(p->types.n - start);
    p->types.n = start;
    if (n != op->value)
        return npu_parser_fail(p, pos, "found %u types, expected %u, one for each object", n,
                               (unsigned)op->value);
    return npu_parser_results(p, op, (const struct npu_ir_type *)p->types.data + start, n);
}

/* %s[0] : !aie.objectfifosubview<T> -> T */
static bool parse_access(struct npu_parser *p, struct npu_ir_op *op)
{
    struct npu_ir_type from, to;
    if (!parse_n_values(p, op, 1) || !npu_parser_mark(p, '[') ||
        !npu_parser_integer(p, 0, 4095, "the number of an object", &op->value) ||
        !npu_parser_mark(p, ']') || !operand_type(p, op->operand, 1, &from) || !npu_parser_arrow(p))
        return false;
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_memref(p, &to))
        return false;
    if (from.kind != NPU_IR_SUBVIEW)
        return npu_parser_fail(p, op->pos, "found an access to %s, expected an objectfifosubview",
                               npu_ir_type_format(&from).text);
    from.kind = NPU_IR_MEMREF;
    if (!npu_ir_type_equal(&from, &to))
        return npu_parser_fail(p, pos, "found type %s, expected %s, the element of the subview",
                               npu_ir_type_format(&to).text, npu_ir_type_format(&from).text);
    return npu_parser_results(p, op, &to, 1);
}

bool npu_parser_core_op(struct npu_parser *p, struct npu_ir_op *op)
{
    switch (op->code) {
    case NPU_IR_CONSTANT:
        return parse_constant(p, op);
    case NPU_IR_CMPI:
        return parse_compare(p, op);
    case NPU_IR_SELECT:
        return parse_select(p, op);
    case NPU_IR_INDEX_CAST:
    case NPU_IR_INDEX_CASTUI:
    case NPU_IR_EXTSI:
    case NPU_IR_EXTUI:
    case NPU_IR_TRUNCI:
        return parse_cast(p, op);
    case NPU_IR_CALL:
        return parse_call(p, op);
    case NPU_IR_ACQUIRE:
        return parse_acquire(p, op);
    case NPU_IR_RELEASE:
        return parse_port(p, op);
    case NPU_IR_ACCESS:
        return parse_access(p, op);
    case NPU_IR_END:
        return true;
    default:
        break;
    }
    if (op->code < NPU_IR_CMPI)
        return parse_binary(p, op);
    return op->code <= NPU_IR_CONDITION ? npu_parser_flow_op(p, op) : npu_parser_memref_op(p, op);
}
