/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aie.device and the operations directly in it. */
#include "npu/sim/text/parse.h"

#include <string.h>

#define MAX_COORDINATE 127

/* The token before "=", if there was one. */
struct result {
    bool named;
    struct npu_token token;
};

static bool define_result(struct npu_parser *p, const struct result *result,
                          enum npu_name_kind kind, uint32_t index)
{
    if (!result->named)
        return true;
    struct npu_name name = {.text = result->token.text,
                            .n = (uint32_t)result->token.n,
                            .kind = kind,
                            .index = index,
                            .count = 1,
                            .pos = result->token.pos};
    return npu_parser_define(p, name);
}

/* (column, row) {allocation_scheme = "..", controller_id = ..} */
static bool parse_tile(struct npu_parser *p, const struct result *result)
{
    struct npu_tile tile = {.pos = p->token.pos, .name = ""};
    struct npu_attribute list[] = {{.name = "allocation_scheme", .kind = NPU_ATTRIBUTE_STRING},
                                   {.name = "controller_id", .kind = NPU_ATTRIBUTE_SKIP},
                                   {0}};
    int64_t column, row;
    if (!npu_parser_mark(p, '(') ||
        !npu_parser_integer(p, 0, MAX_COORDINATE, "a column", &column) ||
        !npu_parser_mark(p, ',') || !npu_parser_integer(p, 0, MAX_COORDINATE, "a row", &row) ||
        !npu_parser_mark(p, ')') || !npu_parser_attributes(p, list))
        return false;
    tile.column = (uint32_t)column;
    tile.row = (uint32_t)row;
    tile.basic_sequential = list[0].found && strcmp(list[0].text, "basic-sequential") == 0;
    if (list[0].found && !tile.basic_sequential && strcmp(list[0].text, "bank-aware") != 0)
        return npu_parser_fail(p, list[0].pos,
                               "found allocation_scheme \"%.40s\", expected "
                               "\"bank-aware\" or \"basic-sequential\"",
                               list[0].text);
    if (result->named)
        tile.name = npu_parser_text(p, result->token.text, result->token.n);
    return tile.name && define_result(p, result, NPU_NAME_TILE, (uint32_t)p->tiles.n) &&
           npu_parser_push(p, &p->tiles, &tile, sizeof(tile));
}

/* (%tile) {sym_name = ".."} : memref [= dense<..>] */
static bool parse_buffer(struct npu_parser *p, const struct result *result)
{
    struct npu_buffer buffer = {.pos = p->token.pos, .name = ""};
    struct npu_attribute list[] = {
        {.name = "sym_name", .kind = NPU_ATTRIBUTE_STRING},
        {.name = "address",
         .kind = NPU_ATTRIBUTE_INT,
         .type = "i32",
         .min = 0,
         .max = (1 << 20) - 1},
        {.name = "mem_bank", .kind = NPU_ATTRIBUTE_INT, .type = "i32", .min = 0, .max = 15},
        {0}};
    if (!npu_parser_mark(p, '(') || !npu_parser_tile(p, &buffer.tile) || !npu_parser_mark(p, ')') ||
        !npu_parser_attributes(p, list) || !npu_parser_mark(p, ':'))
        return false;
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_memref(p, &buffer.type))
        return false;
    if (npu_ir_type_count(&buffer.type) == 0 || buffer.type.strided)
        return npu_parser_fail(p, pos, "found %s, expected a memref of fixed sizes without strides",
                               npu_ir_type_format(&buffer.type).text);
    buffer.address = list[1].found ? list[1].integer : -1;
    buffer.bank = list[2].found ? list[2].integer : -1;
    if (list[0].found)
        buffer.name = list[0].text;
    else if (result->named)
        buffer.name = npu_parser_text(p, result->token.text, result->token.n);
    if (!buffer.name ||
        (npu_parser_accept(p, '=') && !npu_parser_dense(p, &buffer.type, &buffer.init)))
        return false;
    uint32_t index = (uint32_t)p->buffers.n;
    return (!list[0].found || npu_parser_define_symbol(p, buffer.name, strlen(buffer.name),
                                                       list[0].pos, NPU_SYMBOL_BUFFER, index)) &&
           define_result(p, result, NPU_NAME_BUFFER, index) &&
           npu_parser_push(p, &p->buffers, &buffer, sizeof(buffer));
}

/* The result type after "->": "()" or a scalar, in brackets or not. */
static bool function_result(struct npu_parser *p, struct npu_function *function)
{
    if (p->token.kind != NPU_TOKEN_ARROW)
        return true;
    npu_parser_next(p);
    bool list = npu_parser_accept(p, '(');
    if (list && npu_parser_accept(p, ')'))
        return true;
    function->has_result = true;
    return npu_parser_scalar(p, &function->result) && (!list || npu_parser_mark(p, ')'));
}

/* private @name(types) [-> type] [attributes {link_with = ".."}] */
static bool parse_function(struct npu_parser *p)
{
    struct npu_function function = {.pos = p->token.pos};
    struct npu_attribute list[] = {{.name = "link_with", .kind = NPU_ATTRIBUTE_STRING},
                                   {.name = "link_with_mode", .kind = NPU_ATTRIBUTE_STRING},
                                   {0}};
    size_t start = p->types.n;
    if (!npu_parser_word(p, "private"))
        return false;
    struct npu_token name = p->token;
    if (name.kind != NPU_TOKEN_SYMBOL)
        return npu_parser_expected(p, "the @name of the function");
    function.pos = name.pos;
    function.name = npu_parser_text(p, name.text, name.n);
    npu_parser_next(p);
    if (!function.name || !npu_parser_mark(p, '('))
        return false;
    while (!npu_parser_is(p, ')')) {
        struct npu_ir_type type;
        if (p->types.n > start && !npu_parser_mark(p, ','))
            return false;
        if (p->token.kind == NPU_TOKEN_VALUE) { /* "%name : type", the name is ignored */
            npu_parser_next(p);
            if (!npu_parser_mark(p, ':'))
                return false;
        }
        struct npu_ir_pos pos = p->token.pos;
        if (!npu_parser_type(p, &type) || !npu_parser_push(p, &p->types, &type, sizeof(type)))
            return false;
        if (type.kind == NPU_IR_SUBVIEW)
            return npu_parser_fail(p, pos,
                                   "found an objectfifosubview, expected a scalar or memref");
    }
    npu_parser_next(p);
    function.n_arguments = (uint32_t)(p->types.n - start);
    function.argument = npu_parser_pop(p, &p->types, start, sizeof(struct npu_ir_type));
    if (!function.argument || !function_result(p, &function) ||
        (npu_parser_accept_word(p, "attributes") && !npu_parser_attributes(p, list)))
        return false;
    function.link_with = list[0].text;
    return npu_parser_define_symbol(p, name.text, name.n, name.pos, NPU_SYMBOL_FUNCTION,
                                    (uint32_t)p->functions.n) &&
           npu_parser_push(p, &p->functions, &function, sizeof(function));
}

/* (%tile) { .. aie.end } {attributes} */
static bool parse_core(struct npu_parser *p, const struct result *result)
{
    struct npu_ir_core core = {.pos = p->token.pos};
    struct npu_ir_region region = {0};
    struct npu_attribute list[] = {
        {.name = "stack_size", .kind = NPU_ATTRIBUTE_INT, .type = "i32", .min = 0, .max = 1 << 20},
        {.name = "dynamic_objfifo_lowering", .kind = NPU_ATTRIBUTE_BOOL},
        {.name = "link_with", .kind = NPU_ATTRIBUTE_STRING},
        {0}};
    npu_parser_begin_body(p, false);
    if (!npu_parser_mark(p, '(') || !npu_parser_tile(p, &core.tile) || !npu_parser_mark(p, ')') ||
        !npu_parser_mark(p, '{') || !npu_parser_region(p, p->names.n, &region))
        return false;
    const struct npu_ir_op *last = region.n_ops ? &region.op[region.n_ops - 1] : NULL;
    if (!last || last->code != NPU_IR_END)
        return npu_parser_fail(p, core.pos,
                               "found a core without an end, expected aie.end as its last "
                               "operation");
    if (!npu_parser_end_body(p, region, &core.body) || !npu_parser_attributes(p, list))
        return false;
    core.empty = region.n_ops == 1;
    core.stack_size = list[0].found ? list[0].integer : -1;
    core.dynamic = list[1].integer;
    core.link_with = list[2].text;
    return define_result(p, result, NPU_NAME_CORE, 0) &&
           npu_parser_push(p, &p->cores, &core, sizeof(core));
}

/* "(%a : type, ..)" of a sequence: names and slots from 0. */
static bool sequence_arguments(struct npu_parser *p, struct npu_sequence *sequence,
                               struct npu_ir_region *region)
{
    size_t numbers = p->numbers.n, texts = p->texts.n;
    if (!npu_parser_mark(p, '('))
        return false;
    while (!npu_parser_is(p, ')')) {
        struct npu_ir_type type;
        uint32_t slot;
        if (p->numbers.n > numbers && !npu_parser_mark(p, ','))
            return false;
        struct npu_token name = p->token;
        if (name.kind != NPU_TOKEN_VALUE)
            return npu_parser_expected(p, "the %name of an argument");
        npu_parser_next(p);
        if (!npu_parser_mark(p, ':'))
            return false;
        struct npu_ir_pos pos = p->token.pos;
        if (!npu_parser_type(p, &type) || !npu_parser_new_slot(p, &type, &slot) ||
            !npu_parser_push_number(p, slot))
            return false;
        if (type.kind == NPU_IR_SUBVIEW ||
            (type.kind == NPU_IR_MEMREF && (npu_ir_type_count(&type) == 0 || type.strided)))
            return npu_parser_fail(p, pos,
                                   "found %s, expected a scalar or a memref of fixed sizes "
                                   "without strides",
                                   npu_ir_type_format(&type).text);
        const char *text = npu_parser_text(p, name.text, name.n);
        struct npu_name value = {.text = name.text,
                                 .n = (uint32_t)name.n,
                                 .kind = NPU_NAME_SLOT,
                                 .index = slot,
                                 .count = 1,
                                 .pos = name.pos};
        if (!text || !npu_parser_push(p, &p->texts, &text, sizeof(text)) ||
            !npu_parser_define(p, value))
            return false;
    }
    npu_parser_next(p);
    sequence->n_arguments = region->n_arguments = (uint32_t)(p->numbers.n - numbers);
    region->argument = npu_parser_pop(p, &p->numbers, numbers, sizeof(uint32_t));
    sequence->argument_name = npu_parser_pop(p, &p->texts, texts, sizeof(char *));
    return region->argument && sequence->argument_name;
}

/* [@name](%a : memref, ..) { .. } */
static bool parse_sequence(struct npu_parser *p)
{
    struct npu_sequence sequence = {.pos = p->token.pos, .name = "sequence"};
    struct npu_ir_region region = {0};
    size_t names = p->names.n;
    npu_parser_begin_body(p, true);
    if (p->token.kind == NPU_TOKEN_SYMBOL) {
        sequence.name = npu_parser_text(p, p->token.text, p->token.n);
        npu_parser_next(p);
    }
    return sequence.name &&
           npu_parser_define_symbol(p, sequence.name, strlen(sequence.name), sequence.pos,
                                    NPU_SYMBOL_SEQUENCE, (uint32_t)p->sequences.n) &&
           sequence_arguments(p, &sequence, &region) && npu_parser_mark(p, '{') &&
           npu_parser_region(p, names, &region) && npu_parser_end_body(p, region, &sequence.body) &&
           npu_parser_attributes(p, &(struct npu_attribute){0}) &&
           npu_parser_push(p, &p->sequences, &sequence, sizeof(sequence));
}

/* A constant of the device, which cores may use. */
static bool parse_constant(struct npu_parser *p, const struct result *result)
{
    struct npu_ir_type type;
    int64_t value;
    if (!npu_parser_constant(p, &type, &value) || !define_result(p, result, NPU_NAME_CONSTANT, 0))
        return false;
    if (result->named) {
        struct npu_name *name = npu_parser_find(p, result->token.text, result->token.n);
        name->value = value;
        name->elem = type.elem;
    }
    return true;
}

/* No device has so many; more would only cost time. */
static bool check_counts(struct npu_parser *p)
{
    const struct {
        const struct npu_list *list;
        uint32_t most;
        const char *what;
    } counts[] = {{&p->tiles, NPU_DESIGN_MAX_NODES, "tiles"},
                  {&p->buffers, NPU_DESIGN_MAX_NODES, "buffers"},
                  {&p->fifos, NPU_DESIGN_MAX_NODES, "objectfifos"},
                  {&p->links, NPU_DESIGN_MAX_NODES, "links"},
                  {&p->functions, NPU_DESIGN_MAX_NODES, "functions"},
                  {&p->cores, NPU_DESIGN_MAX_NODES, "cores"},
                  {&p->sequences, NPU_DESIGN_MAX_SEQUENCES, "sequences"}};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        if (counts[i].list->n > counts[i].most)
            return npu_parser_fail(p, p->token.pos, "found more than %u %s, expected no more",
                                   counts[i].most, counts[i].what);
    return true;
}

static bool element(struct npu_parser *p)
{
    struct result result = {.named = p->token.kind == NPU_TOKEN_VALUE, .token = p->token};
    if (result.named) {
        npu_parser_next(p);
        if (!npu_parser_mark(p, '='))
            return false;
        if (npu_parser_accept_word(p, "aie.tile"))
            return parse_tile(p, &result);
        if (npu_parser_accept_word(p, "aie.buffer"))
            return parse_buffer(p, &result);
        if (npu_parser_accept_word(p, "aie.core"))
            return parse_core(p, &result);
        if (npu_parser_accept_word(p, "arith.constant"))
            return parse_constant(p, &result);
        return npu_parser_expected(p, "aie.tile, aie.buffer, aie.core or arith.constant");
    }
    if (npu_parser_accept_word(p, "aie.objectfifo"))
        return npu_parser_fifo(p);
    if (npu_parser_accept_word(p, "aie.objectfifo.link"))
        return npu_parser_link(p);
    if (npu_parser_accept_word(p, "aie.core"))
        return parse_core(p, &result);
    if (npu_parser_accept_word(p, "func.func"))
        return parse_function(p);
    if (npu_parser_accept_word(p, "aie.runtime_sequence"))
        return parse_sequence(p);
    if (npu_parser_accept_word(p, "aie.tile"))
        return parse_tile(p, &result);
    if (npu_parser_accept_word(p, "aie.buffer"))
        return parse_buffer(p, &result);
    return npu_parser_expected(p, "an operation of a device: aie.tile, aie.buffer, aie.objectfifo, "
                                  "aie.objectfifo.link, func.func, aie.core, aie.runtime_sequence "
                                  "(npu/sim/DESIGNS.md)");
}

/* Symbols of links into indices, and the links into their fifos. */
static bool resolve_link(struct npu_parser *p, uint32_t index)
{
    const struct npu_link *link = (const struct npu_link *)p->links.data + index;
    for (uint32_t side = 0; side < 2; side++) {
        /* The parser owns the arena's memory until it returns the design. */
        uint32_t *list = (uint32_t *)(uintptr_t)(side ? link->out : link->in);
        for (uint32_t i = 0; i < (side ? link->n_out : link->n_in); i++) {
            if (!npu_parser_resolve(p, link->pos, NPU_SYMBOL_FIFO, &list[i]))
                return false;
            struct npu_fifo *fifo = (struct npu_fifo *)p->fifos.data + list[i];
            uint32_t *to = side ? &fifo->link_out : &fifo->link_in;
            if (*to != NPU_IR_NONE)
                return npu_parser_fail(p, link->pos,
                                       "found @%.60s on the same side of two links, "
                                       "expected it in one",
                                       fifo->name);
            *to = index;
        }
    }
    return true;
}

static bool resolve_all(struct npu_parser *p)
{
    for (uint32_t i = 0; i < p->links.n; i++)
        if (!resolve_link(p, i))
            return false;
    for (uint32_t i = 0; i < p->cores.n; i++)
        if (!npu_parser_resolve_region(p, &((struct npu_ir_core *)p->cores.data)[i].body.region))
            return false;
    for (uint32_t i = 0; i < p->sequences.n; i++)
        if (!npu_parser_resolve_region(p,
                                       &((struct npu_sequence *)p->sequences.data)[i].body.region))
            return false;
    return true;
}

static bool collect(struct npu_parser *p, struct npu_ir_array *array)
{
    array->n_tiles = (uint32_t)p->tiles.n;
    array->n_buffers = (uint32_t)p->buffers.n;
    array->n_fifos = (uint32_t)p->fifos.n;
    array->n_links = (uint32_t)p->links.n;
    array->n_functions = (uint32_t)p->functions.n;
    array->n_cores = (uint32_t)p->cores.n;
    array->n_sequences = (uint32_t)p->sequences.n;
    array->tile = npu_parser_pop(p, &p->tiles, 0, sizeof(struct npu_tile));
    array->buffer = npu_parser_pop(p, &p->buffers, 0, sizeof(struct npu_buffer));
    array->fifo = npu_parser_pop(p, &p->fifos, 0, sizeof(struct npu_fifo));
    array->link = npu_parser_pop(p, &p->links, 0, sizeof(struct npu_link));
    array->function = npu_parser_pop(p, &p->functions, 0, sizeof(struct npu_function));
    array->core = npu_parser_pop(p, &p->cores, 0, sizeof(struct npu_ir_core));
    array->sequence = npu_parser_pop(p, &p->sequences, 0, sizeof(struct npu_sequence));
    return p->code == 0;
}

/* (npu1) [@name] { .. } */
bool npu_parser_array(struct npu_parser *p)
{
    struct npu_ir_array array = {.pos = p->token.pos, .name = "main"};
    size_t names = p->names.n;
    npu_parser_reset_symbols(p);
    if (!npu_parser_mark(p, '('))
        return false;
    array.pos = p->token.pos;
    if (p->token.kind != NPU_TOKEN_WORD)
        return npu_parser_expected(p, "the name of a device");
    array.device = npu_parser_text(p, p->token.text, p->token.n);
    npu_parser_next(p);
    if (!array.device || !npu_parser_mark(p, ')'))
        return false;
    if (p->token.kind == NPU_TOKEN_SYMBOL) {
        array.name = npu_parser_text(p, p->token.text, p->token.n);
        npu_parser_next(p);
    }
    if (!array.name || !npu_parser_mark(p, '{'))
        return false;
    while (!npu_parser_is(p, '}'))
        if (!element(p) || !check_counts(p))
            return false;
    npu_parser_next(p);
    npu_parser_forget(p, names);
    return npu_parser_attributes(p, &(struct npu_attribute){0}) && resolve_all(p) &&
           collect(p, &array) && npu_parser_push(p, &p->arrays, &array, sizeof(array));
}
