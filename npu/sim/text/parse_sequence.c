/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations of a runtime sequence. */
#include "npu/sim/text/parse.h"

#include <string.h>

#define INT_ATTRIBUTE(NAME, TYPE, MIN, MAX)                                           \
    {                                                                                 \
        .name = NAME, .kind = NPU_ATTRIBUTE_INT, .type = TYPE, .min = MIN, .max = MAX \
    }
#define ID_MAX 1023 /* of a buffer descriptor; the checker knows the hardware's limit */

static bool push_bd(struct npu_parser *p, struct npu_ir_op *op, const struct npu_ir_bd *bd)
{
    op->n_bds = 1;
    op->bd = npu_arena_copy(&p->arena, bd, 1, sizeof(*bd));
    return op->bd || npu_parser_no_memory(p);
}

/* "%a" that must be a memref argument of the sequence. */
static bool argument_value(struct npu_parser *p, uint32_t *slot)
{
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_value(p, slot))
        return false;
    const struct npu_ir_type *type = &npu_parser_slot(p, *slot)->type;
    return type->kind == NPU_IR_MEMREF ||
           npu_parser_fail(p, pos, "found a value of type %s, expected a memref argument",
                           npu_ir_type_format(type).text);
}

static bool four_indices(struct npu_parser *p, struct npu_ir_index *to)
{
    struct npu_ir_pos pos = p->token.pos;
    size_t start = p->indices.n;
    uint32_t n;
    if (!npu_parser_indices(p, NPU_IR_I64, &n))
        return false;
    p->indices.n = start;
    if (n != 4)
        return npu_parser_fail(p, pos, "found %u numbers, expected 4, the outermost first", n);
    memcpy(to, (const struct npu_ir_index *)p->indices.data + start, 4 * sizeof(*to));
    return true;
}

static bool burst_allowed(struct npu_parser *p, const struct npu_attribute *attribute)
{
    int64_t n = attribute->integer;
    return n == 0 || n == 64 || n == 128 || n == 256 ||
           npu_parser_fail(p, attribute->pos,
                           "found a burst_length of %d, expected 0, 64, 128 or 256", (int)n);
}

/* (%a[offsets][sizes][strides]) {metadata = @f, id = 0 : i64, ..} : memref */
static bool parse_memcpy(struct npu_parser *p, struct npu_ir_op *op)
{
    struct npu_ir_bd bd = {.pos = op->pos, .memcpy = true, .n_dims = 4};
    struct npu_ir_type type;
    struct npu_attribute list[] = {{.name = "metadata", .kind = NPU_ATTRIBUTE_SYMBOL},
                                   INT_ATTRIBUTE("id", "i64", 0, ID_MAX),
                                   {.name = "issue_token", .kind = NPU_ATTRIBUTE_BOOL},
                                   INT_ATTRIBUTE("burst_length", "i64", 0, 256),
                                   {0}};
    if (!npu_parser_mark(p, '(') || !argument_value(p, &bd.memref) || !four_indices(p, bd.offset) ||
        !four_indices(p, bd.size) || !four_indices(p, bd.stride) || !npu_parser_mark(p, ')') ||
        !npu_parser_attributes(p, list) || !npu_parser_mark(p, ':') ||
        !npu_parser_type_of(p, bd.memref, &type) || !burst_allowed(p, &list[3]))
        return false;
    if (!list[0].found || !list[1].found)
        return npu_parser_fail(p, op->pos, "found no %s, expected {metadata = @fifo, id = N : i64}",
                               list[0].found ? "id" : "metadata");
    op->ref = list[0].symbol;
    op->token = list[2].integer;
    bd.id = list[1].integer;
    bd.burst_length = list[3].integer;
    return push_bd(p, op, &bd) && npu_parser_results(p, op, NULL, 0);
}

/* {symbol = @f} */
static bool parse_wait(struct npu_parser *p, struct npu_ir_op *op)
{
    struct npu_attribute list[] = {{.name = "symbol", .kind = NPU_ATTRIBUTE_SYMBOL}, {0}};
    if (!npu_parser_is(p, '{'))
        return npu_parser_expected(p, "'{symbol = @fifo}'");
    if (!npu_parser_attributes(p, list))
        return false;
    if (!list[0].found)
        return npu_parser_fail(p, op->pos, "found no symbol, expected {symbol = @fifo}");
    op->ref = list[0].symbol;
    return true;
}

static bool push_wide(struct npu_parser *p, int64_t value)
{
    return npu_parser_push(p, &p->wide, &value, sizeof(value));
}

static bool pop_list(struct npu_parser *p, struct npu_ir_op *op, size_t start)
{
    op->n_list = (uint32_t)(p->wide.n - start);
    op->list = npu_parser_pop(p, &p->wide, start, sizeof(int64_t));
    return op->list != NULL;
}

/* "(%a, 3, %b)" of constants: literals, or values that an arith.constant made. */
static bool constants(struct npu_parser *p, uint32_t n, int64_t min, int64_t max)
{
    for (uint32_t i = 0; i < n; i++) {
        int64_t value;
        uint32_t slot;
        struct npu_ir_pos pos;
        if (i > 0 && !npu_parser_mark(p, ','))
            return false;
        pos = p->token.pos;
        if (p->token.kind != NPU_TOKEN_VALUE) {
            if (!npu_parser_integer(p, min, max, "a value", &value) || !push_wide(p, value))
                return false;
            continue;
        }
        if (!npu_parser_value(p, &slot))
            return false;
        const struct npu_slot *from = npu_parser_slot(p, slot);
        if (!from->constant || from->type.elem != NPU_IR_I32)
            return npu_parser_fail(
                p, pos, "found a value of type %s%s, expected an arith.constant of i32",
                npu_ir_type_format(&from->type).text, from->constant ? "" : " that is no constant");
        if (!push_wide(p, from->value))
            return false;
    }
    return true;
}

/* ": i32, i32" after SSA operands. */
static bool skip_types(struct npu_parser *p, uint32_t n)
{
    if (!npu_parser_accept(p, ':'))
        return true;
    for (uint32_t i = 0; i < n; i++)
        if ((i > 0 && !npu_parser_mark(p, ',')) || !npu_parser_word(p, "i32"))
            return false;
    return true;
}

/* {column = .., ..}, or the newer (%column, %row, ..) : i32, .. */
static bool parse_sync(struct npu_parser *p, struct npu_ir_op *op)
{
    size_t start = p->wide.n;
    struct npu_attribute list[] = {INT_ATTRIBUTE("column", "i32", 0, 127),
                                   INT_ATTRIBUTE("row", "i32", 0, 31),
                                   INT_ATTRIBUTE("direction", "i32", 0, 1),
                                   INT_ATTRIBUTE("channel", "i32", 0, 15),
                                   INT_ATTRIBUTE("column_num", "i32", 1, 127),
                                   INT_ATTRIBUTE("row_num", "i32", 1, 31),
                                   {0}};
    if (npu_parser_accept(p, '('))
        return constants(p, 6, 0, 127) && npu_parser_mark(p, ')') && skip_types(p, 6) &&
               pop_list(p, op, start);
    if (!npu_parser_attributes(p, list))
        return false;
    for (int i = 0; i < 6; i++) {
        if (!list[i].found)
            return npu_parser_fail(p, op->pos,
                                   "found no %s, expected column, row, direction, channel, "
                                   "column_num and row_num",
                                   list[i].name);
        if (!push_wide(p, list[i].integer))
            return false;
    }
    return pop_list(p, op, start);
}

/* (@buffer, index, value) */
static bool parse_rtp_write(struct npu_parser *p, struct npu_ir_op *op)
{
    size_t start = p->wide.n;
    return npu_parser_mark(p, '(') && npu_parser_symbol(p, &op->ref) && npu_parser_mark(p, ',') &&
           constants(p, 2, INT32_MIN, UINT32_MAX) && npu_parser_mark(p, ')') && skip_types(p, 1) &&
           pop_list(p, op, start);
}

/* {address = N : ui32, column = .., row = .., value = ..
 * [, mask = ..]} or (%address, %value) {..} */
static bool parse_write(struct npu_parser *p, struct npu_ir_op *op, bool masked)
{
    size_t start = p->wide.n;
    uint32_t n_values = masked ? 3 : 2;
    struct npu_attribute list[] = {INT_ATTRIBUTE("column", "i32", 0, 127),
                                   INT_ATTRIBUTE("row", "i32", 0, 31),
                                   INT_ATTRIBUTE("address", "ui32", 0, UINT32_MAX),
                                   INT_ATTRIBUTE("value", "ui32", 0, UINT32_MAX),
                                   INT_ATTRIBUTE("mask", "ui32", 0, UINT32_MAX),
                                   {0}};
    int64_t operand[3] = {0, 0, 0};
    bool operands = npu_parser_accept(p, '(');
    if (operands) {
        if (!constants(p, n_values, INT32_MIN, UINT32_MAX) || !npu_parser_mark(p, ')'))
            return false;
        memcpy(operand, (const int64_t *)p->wide.data + start, n_values * sizeof(operand[0]));
        p->wide.n = start;
        list[2].name = NULL; /* only column and row remain attributes */
    } else {
        list[masked ? 5 : 4].name = NULL;
    }
    if (!npu_parser_attributes(p, list) || (operands && !skip_types(p, n_values)))
        return false;
    for (uint32_t i = 0; !operands && i < n_values; i++) {
        if (!list[2 + i].found)
            return npu_parser_fail(p, op->pos, "found no %s, expected {address, value%s}",
                                   list[2 + i].name, masked ? ", mask" : "");
        operand[i] = list[2 + i].integer;
    }
    if (list[0].found != list[1].found)
        return npu_parser_fail(p, op->pos, "found one of column and row, expected both or none");
    if (!push_wide(p, (uint32_t)operand[0]) ||
        !push_wide(p, list[0].found ? list[0].integer : -1) ||
        !push_wide(p, list[1].found ? list[1].integer : -1) ||
        !push_wide(p, (uint32_t)operand[1]) || (masked && !push_wide(p, (uint32_t)operand[2])))
        return false;
    return pop_list(p, op, start);
}

/* Epoch E1: ", offset, length, [<size = , stride = >, ..]", each optional in order. */
static bool bd_positions(struct npu_parser *p, struct npu_ir_bd *bd)
{
    size_t start = p->dims.n;
    uint32_t n;
    if (!npu_parser_accept(p, ','))
        return true;
    if (!npu_parser_integer(p, 0, INT64_C(1) << 40, "an offset in elements", &bd->start))
        return false;
    if (!npu_parser_accept(p, ','))
        return true;
    if (!npu_parser_integer(p, 0, INT64_C(1) << 40, "a length in elements", &bd->length))
        return false;
    if (!npu_parser_accept(p, ','))
        return true;
    if (!npu_parser_dims(p, &n))
        return false;
    p->dims.n = start;
    bd->n_dims = n;
    for (uint32_t i = 0; i < n; i++) {
        struct npu_dim dim = ((const struct npu_dim *)p->dims.data)[start + i];
        bd->size[i] = (struct npu_ir_index){.slot = NPU_IR_NONE, .value = dim.size};
        bd->stride[i] = (struct npu_ir_index){.slot = NPU_IR_NONE, .value = dim.stride};
    }
    return true;
}

static bool bd_list(struct npu_parser *p, struct npu_ir_index *to, uint32_t *n)
{
    size_t start = p->indices.n;
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_mark(p, '=') || !npu_parser_indices(p, NPU_IR_I64, n))
        return false;
    p->indices.n = start;
    if (*n == 0 || *n > NPU_DESIGN_MAX_DIMS)
        return npu_parser_fail(p, pos, "found %u dimensions, expected 1 .. %d", *n,
                               NPU_DESIGN_MAX_DIMS);
    memcpy(to, (const struct npu_ir_index *)p->indices.data + start, *n * sizeof(*to));
    return true;
}

/* Epochs E2, E3: "offset = 0 len = 64 sizes = [..] strides = [..]". */
static bool bd_words(struct npu_parser *p, struct npu_ir_bd *bd)
{
    uint32_t n_sizes = 0, n = 0;
    struct npu_ir_pos pos = p->token.pos;
    if (npu_parser_accept_word(p, "offset") &&
        (!npu_parser_mark(p, '=') ||
         !npu_parser_integer(p, 0, INT64_C(1) << 40, "an offset in elements", &bd->start)))
        return false;
    if (npu_parser_accept_word(p, "len") &&
        (!npu_parser_mark(p, '=') ||
         !npu_parser_integer(p, 0, INT64_C(1) << 40, "a length in elements", &bd->length)))
        return false;
    if (npu_parser_accept_word(p, "sizes") && !bd_list(p, bd->size, &n_sizes))
        return false;
    if (npu_parser_accept_word(p, "strides") && !bd_list(p, bd->stride, &n))
        return false;
    if (n != n_sizes)
        return npu_parser_fail(p, pos, "found %u sizes and %u strides, expected the same number",
                               n_sizes, n);
    if (n)
        bd->n_dims = n;
    return true;
}

/* aie.dma_bd(%a : memref ..) {bd_id, burst_length} */
static bool parse_bd(struct npu_parser *p, struct npu_ir_bd *bd)
{
    struct npu_ir_type type;
    struct npu_attribute list[] = {INT_ATTRIBUTE("bd_id", "i32", 0, ID_MAX),
                                   INT_ATTRIBUTE("burst_length", "i32", 0, 256),
                                   {0}};
    bd->pos = p->token.pos;
    bd->length = -1;
    if (!npu_parser_word(p, "aie.dma_bd") || !npu_parser_mark(p, '(') ||
        !argument_value(p, &bd->memref) || !npu_parser_mark(p, ':') ||
        !npu_parser_type_of(p, bd->memref, &type) || !bd_positions(p, bd) || !bd_words(p, bd) ||
        !npu_parser_mark(p, ')') || !npu_parser_attributes(p, list) || !burst_allowed(p, &list[1]))
        return false;
    bd->id = list[0].found ? list[0].integer : -1;
    bd->burst_length = list[1].integer;
    return true;
}

/* @f { aie.dma_bd(..) aie.end } {issue_token = true, repeat_count = 0 : i32} */
static bool parse_configure(struct npu_parser *p, struct npu_ir_op *op)
{
    struct npu_ir_bd bd = {0};
    struct npu_ir_type type = {.kind = NPU_IR_TASK, .elem = NPU_IR_INDEX};
    struct npu_attribute list[] = {{.name = "issue_token", .kind = NPU_ATTRIBUTE_BOOL},
                                   INT_ATTRIBUTE("repeat_count", "i32", 0, 65535),
                                   {0}};
    if (!npu_parser_symbol(p, &op->ref) || !npu_parser_mark(p, '{') || !parse_bd(p, &bd) ||
        !npu_parser_word(p, "aie.end") || !npu_parser_mark(p, '}') ||
        !npu_parser_attributes(p, list))
        return false;
    op->token = list[0].integer;
    op->repeat = list[1].integer;
    return push_bd(p, op, &bd) && npu_parser_results(p, op, &type, 1);
}

/* (%t) */
static bool parse_task(struct npu_parser *p, struct npu_ir_op *op)
{
    size_t start = p->numbers.n;
    uint32_t slot;
    if (!npu_parser_mark(p, '('))
        return false;
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_value(p, &slot))
        return false;
    if (npu_parser_slot(p, slot)->type.kind != NPU_IR_TASK)
        return npu_parser_fail(p, pos,
                               "found a value that is no task, expected the result of "
                               "aiex.dma_configure_task_for");
    return npu_parser_push_number(p, slot) && npu_parser_mark(p, ')') &&
           npu_parser_pop_operands(p, op, start);
}

bool npu_parser_sequence_op(struct npu_parser *p, struct npu_ir_op *op)
{
    switch (op->code) {
    case NPU_IR_MEMCPY:
        return parse_memcpy(p, op);
    case NPU_IR_WAIT:
        return parse_wait(p, op);
    case NPU_IR_SYNC:
        return parse_sync(p, op);
    case NPU_IR_TASK_CONFIGURE:
        return parse_configure(p, op);
    case NPU_IR_RTP_WRITE:
        return parse_rtp_write(p, op);
    case NPU_IR_WRITE32:
        return parse_write(p, op, false);
    case NPU_IR_MASKWRITE32:
        return parse_write(p, op, true);
    default:
        return parse_task(p, op);
    }
}
