/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types, dense constants, attribute dictionaries. */
#include "npu/sim/text/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COUNT (INT64_C(1) << 40) /* elements of a memref */

void npu_ir_type_set_row_major(struct npu_ir_type *type)
{
    int64_t stride = 1;
    type->strided = false;
    type->offset = 0;
    for (uint32_t i = type->rank; i-- > 0;) {
        type->stride[i] = stride;
        stride = stride == NPU_IR_DYNAMIC || type->shape[i] == NPU_IR_DYNAMIC
                     ? NPU_IR_DYNAMIC
                     : stride * type->shape[i];
    }
}

/* i8, ui8, si8, index, f32 .. */
static bool elem_of_word(const struct npu_token *token, struct npu_ir_type *type)
{
    bool has_sign =
        token->n > 2 && (token->text[0] == 'u' || token->text[0] == 's') && token->text[1] == 'i';
    const char *word = token->text + has_sign;
    size_t n = token->n - has_sign;
    type->sign = has_sign ? token->text[0] : '\0';
    for (int i = NPU_IR_I1; i <= (has_sign ? NPU_IR_I64 : NPU_IR_F32); i++) {
        const char *name = npu_ir_elem_name((enum npu_ir_elem)i);
        if (token->kind == NPU_TOKEN_WORD && strlen(name) == n && memcmp(name, word, n) == 0) {
            type->elem = (enum npu_ir_elem)i;
            return true;
        }
    }
    return false;
}

bool npu_parser_scalar(struct npu_parser *p, struct npu_ir_type *type)
{
    *type = (struct npu_ir_type){.kind = NPU_IR_SCALAR};
    if (!elem_of_word(&p->token, type))
        return npu_parser_expected(p, "a type: i1, i8, i16, i32, i64, index, bf16, f16, f32");
    npu_parser_next(p);
    return true;
}

static bool parse_stride(struct npu_parser *p, int64_t *value)
{
    if (npu_parser_accept(p, '?')) {
        *value = NPU_IR_DYNAMIC;
        return true;
    }
    return npu_parser_integer(p, -MAX_COUNT, MAX_COUNT, "a stride or offset in elements, or '?'",
                              value);
}

static bool parse_layout(struct npu_parser *p, struct npu_ir_type *type)
{
    struct npu_ir_pos pos = p->token.pos;
    uint32_t n = 0;
    type->strided = true;
    if (!npu_parser_mark(p, '<') || !npu_parser_mark(p, '['))
        return false;
    while (!npu_parser_is(p, ']')) {
        int64_t stride;
        if ((n > 0 && !npu_parser_mark(p, ',')) || !parse_stride(p, &stride))
            return false;
        if (n == type->rank)
            break;
        type->stride[n++] = stride;
    }
    if (n != type->rank || !npu_parser_is(p, ']'))
        return npu_parser_fail(p, pos,
                               "found another number of strides, expected %u, one for each "
                               "dimension",
                               type->rank);
    npu_parser_next(p);
    if (npu_parser_accept(p, ',') && (!npu_parser_word(p, "offset") || !npu_parser_mark(p, ':') ||
                                      !parse_stride(p, &type->offset)))
        return false;
    return npu_parser_mark(p, '>');
}

/* The sizes: raw, because "64x64xi8" is no sequence of words. The current token is the "<". */
static bool parse_shape(struct npu_parser *p, struct npu_ir_type *type)
{
    int64_t count = 1, size;
    struct npu_ir_pos pos = p->token.pos;
    while (npu_lexer_size(&p->lexer, &size)) {
        if (type->rank == NPU_DESIGN_MAX_RANK)
            return npu_parser_fail(p, pos,
                                   "found a memref of more than %d dimensions, expected no more",
                                   NPU_DESIGN_MAX_RANK);
        if (size != NPU_IR_DYNAMIC &&
            (size <= 0 || __builtin_mul_overflow(count, size, &count) || count > MAX_COUNT))
            return npu_parser_fail(p, pos,
                                   "found a memref of no or too many elements, expected 1 .. "
                                   "2^40");
        type->shape[type->rank++] = size;
    }
    npu_parser_next(p);
    return true;
}

bool npu_parser_memref(struct npu_parser *p, struct npu_ir_type *type)
{
    *type = (struct npu_ir_type){.kind = NPU_IR_MEMREF};
    if (!npu_parser_is_word(p, "memref"))
        return npu_parser_expected(p, "a memref type");
    npu_parser_next(p);
    if (!npu_parser_is(p, '<'))
        return npu_parser_expected(p, "'<'");
    if (!parse_shape(p, type))
        return false;
    if (!elem_of_word(&p->token, type))
        return npu_parser_expected(p,
                                   "an element type: i1, i8, i16, i32, i64, index, bf16, f16, f32");
    npu_parser_next(p);
    npu_ir_type_set_row_major(type);
    while (npu_parser_accept(p, ',')) {
        int64_t space;
        struct npu_ir_type int_type;
        if (npu_parser_accept_word(p, "strided")) {
            if (!parse_layout(p, type))
                return false;
        } else if (!npu_parser_integer(p, 0, 15, "strided<..> or a memory space", &space) ||
                   (npu_parser_accept(p, ':') && !npu_parser_scalar(p, &int_type))) {
            return false;
        }
    }
    return npu_parser_mark(p, '>');
}

bool npu_parser_type(struct npu_parser *p, struct npu_ir_type *type)
{
    if (npu_parser_is_word(p, "memref"))
        return npu_parser_memref(p, type);
    if (!npu_parser_accept(p, '!'))
        return npu_parser_scalar(p, type);
    if (npu_parser_is_word(p, "aie.objectfifosubview")) {
        npu_parser_next(p);
        bool ok = npu_parser_mark(p, '<') && npu_parser_memref(p, type) && npu_parser_mark(p, '>');
        type->kind = NPU_IR_SUBVIEW;
        return ok;
    }
    return npu_parser_expected(p, "'aie.objectfifosubview'");
}

bool npu_parser_type_of(struct npu_parser *p, uint32_t slot, struct npu_ir_type *type)
{
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_type(p, type))
        return false;
    const struct npu_ir_type *is = &npu_parser_slot(p, slot)->type;
    if (npu_ir_type_equal(type, is))
        return true;
    struct npu_ir_type_text found = npu_ir_type_format(type), expected = npu_ir_type_format(is);
    return npu_parser_fail(p, pos, "found type %s, expected %s, the type of the value", found.text,
                           expected.text);
}

/* ---- dense<..> ------------------------------------------------------------------------------- */

static uint32_t float_bits(enum npu_ir_elem elem, double value)
{
    float f = (float)value;
    uint32_t bits;
    memcpy(&bits, &f, sizeof(bits));
    if (elem == NPU_IR_BF16) {
        bool is_nan = (bits & 0x7fffffff) > 0x7f800000;
        return is_nan ? 0x7fc0 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    }
    return bits;
}

static unsigned elem_bytes(enum npu_ir_elem elem)
{
    unsigned bits = npu_ir_elem_bits(elem);
    return bits < 8 ? 1 : bits / 8;
}

static bool dense_float(struct npu_parser *p, enum npu_ir_elem elem, uint64_t *bits)
{
    bool negative = npu_parser_accept(p, '-');
    if (elem == NPU_IR_F16)
        return npu_parser_expected(p, "no dense constant of f16, which the subset has not");
    if (p->token.kind != NPU_TOKEN_FLOAT || p->token.n >= 64)
        return npu_parser_expected(p, "a float with a point, of less than 64 characters");
    char text[64];
    memcpy(text, p->token.text, p->token.n);
    text[p->token.n] = '\0';
    double value = strtod(text, NULL);
    npu_parser_next(p);
    *bits = float_bits(elem, negative ? -value : value);
    return true;
}

static bool dense_element(struct npu_parser *p, enum npu_ir_elem elem, uint8_t *to)
{
    unsigned bytes = elem_bytes(elem), bits = npu_ir_elem_bits(elem);
    uint64_t value = 0;
    if (elem >= NPU_IR_BF16) {
        if (!dense_float(p, elem, &value))
            return false;
    } else if (npu_parser_is_word(p, "true") || npu_parser_is_word(p, "false")) {
        value = npu_parser_is_word(p, "true");
        npu_parser_next(p);
    } else {
        int64_t min = bits == 64 ? INT64_MIN : -(INT64_C(1) << (bits - 1));
        int64_t max = bits == 64 ? INT64_MAX : (INT64_C(1) << bits) - 1, found;
        if (!npu_parser_integer(p, min, max, "an element", &found))
            return false;
        value = (uint64_t)found & (elem == NPU_IR_I1 ? 1 : UINT64_MAX);
    }
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
    return true;
}

/* One level of nested lists, or an element at the innermost; `bytes` of them. */
static bool dense_list(struct npu_parser *p, const struct npu_ir_type *type, uint32_t level,
                       uint8_t *to, uint64_t bytes)
{
    if (level == type->rank)
        return dense_element(p, type->elem, to);
    uint64_t size = (uint64_t)type->shape[level];
    if (!npu_parser_mark(p, '['))
        return false;
    for (uint64_t i = 0; i < size; i++)
        if ((i > 0 && !npu_parser_mark(p, ',')) ||
            !dense_list(p, type, level + 1, to + i * (bytes / size), bytes / size))
            return false;
    return npu_parser_mark(p, ']');
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c ? strchr(digits, c | (c >= 'A' ? 0x20 : 0)) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* dense<"0x..">: the elements' bytes. */
static bool dense_hex(struct npu_parser *p, uint8_t *to, uint64_t bytes)
{
    const struct npu_token token = p->token;
    bool ok = token.n == 2 + 2 * bytes && token.text[0] == '0' && token.text[1] == 'x';
    for (uint64_t i = 0; ok && i < bytes; i++) {
        int high = hex_digit(token.text[2 + 2 * i]), low = hex_digit(token.text[3 + 2 * i]);
        ok = high >= 0 && low >= 0;
        to[i] = (uint8_t)((high & 15) << 4 | (low & 15));
    }
    npu_parser_next(p);
    return ok || npu_parser_fail(p, token.pos,
                                 "found another string, expected \"0x\" and %" PRIu64
                                 " digits for %" PRIu64 " bytes",
                                 2 * bytes, bytes);
}

bool npu_parser_dense(struct npu_parser *p, const struct npu_ir_type *type, struct npu_init *init)
{
    uint64_t bytes = npu_ir_type_bytes(type);
    struct npu_ir_pos pos = p->token.pos;
    if (!npu_parser_word(p, "dense") || !npu_parser_mark(p, '<'))
        return false;
    if (bytes == 0 || bytes > NPU_DESIGN_MAX_INIT)
        return npu_parser_fail(p, pos, "found a constant of %" PRIu64 " bytes, expected 1 .. %u",
                               bytes, NPU_DESIGN_MAX_INIT);
    uint8_t *data = npu_arena_take(&p->arena, bytes, 1);
    if (!data)
        return npu_parser_no_memory(p);
    if (p->token.kind == NPU_TOKEN_STRING) {
        if (!dense_hex(p, data, bytes))
            return false;
    } else if (npu_parser_is(p, '[')) {
        if (!dense_list(p, type, 0, data, bytes))
            return false;
    } else {
        unsigned size = elem_bytes(type->elem);
        if (!dense_element(p, type->elem, data))
            return false;
        for (uint64_t i = size; i < bytes; i++)
            data[i] = data[i - size];
    }
    *init = (struct npu_init){.data = data, .bytes = bytes};
    return npu_parser_mark(p, '>');
}

/* ---- {attributes} ---------------------------------------------------------------------------- */

/* Skips a value: balanced brackets up to "," or "}". */
static bool skip_value(struct npu_parser *p)
{
    unsigned open = 0;
    while (p->token.kind != NPU_TOKEN_END && p->token.kind != NPU_TOKEN_BAD) {
        char c = p->token.kind == NPU_TOKEN_MARK ? p->token.text[0] : ' ';
        if (open == 0 && (c == ',' || c == '}'))
            return true;
        if (strchr("([{<", c))
            open++;
        else if (strchr(")]}>", c) && open-- == 0)
            break;
        npu_parser_next(p);
    }
    return npu_parser_expected(p, "the end of an attribute");
}

bool npu_parser_int_type(struct npu_parser *p, const char *type, const char *what, int64_t value,
                         struct npu_ir_pos pos)
{
    bool written = npu_parser_accept(p, ':');
    if (written && npu_parser_accept_word(p, type))
        return true;
    if (!written && strcmp(type, "i64") == 0)
        return true;
    char expected[128];
    snprintf(expected, sizeof(expected), "%.60s of type %s, written %" PRId64 " : %s", what, type,
             value, type);
    if (written)
        return npu_parser_expected(p, expected);
    return npu_parser_fail(p, pos, "found %.60s without a type, which means i64, expected %s", what,
                           expected);
}

static bool parse_bool(struct npu_parser *p, struct npu_attribute *attribute)
{
    attribute->integer = 1;
    if (!npu_parser_accept(p, '='))
        return true;
    attribute->integer = npu_parser_is_word(p, "true");
    if (!attribute->integer && !npu_parser_is_word(p, "false"))
        return npu_parser_expected(p, "true or false");
    npu_parser_next(p);
    return true;
}

static bool parse_value(struct npu_parser *p, struct npu_attribute *attribute)
{
    switch (attribute->kind) {
    case NPU_ATTRIBUTE_BOOL:
        return parse_bool(p, attribute);
    case NPU_ATTRIBUTE_INT:
        return npu_parser_mark(p, '=') &&
               npu_parser_integer(p, attribute->min, attribute->max, attribute->name,
                                  &attribute->integer) &&
               npu_parser_int_type(p, attribute->type, attribute->name, attribute->integer,
                                   attribute->pos);
    case NPU_ATTRIBUTE_STRING:
        if (!npu_parser_mark(p, '='))
            return false;
        if (p->token.kind != NPU_TOKEN_STRING)
            return npu_parser_expected(p, "a string");
        attribute->text = npu_parser_text(p, p->token.text, p->token.n);
        npu_parser_next(p);
        return attribute->text != NULL;
    case NPU_ATTRIBUTE_SYMBOL:
        return npu_parser_mark(p, '=') && npu_parser_symbol(p, &attribute->symbol);
    default:
        return !npu_parser_accept(p, '=') || skip_value(p);
    }
}

static struct npu_attribute *find_attribute(const struct npu_token *name,
                                            struct npu_attribute *list)
{
    for (; list->name; list++)
        if (strlen(list->name) == name->n && memcmp(list->name, name->text, name->n) == 0)
            return list;
    return NULL;
}

static bool unknown_attribute(struct npu_parser *p, const struct npu_attribute *list)
{
    char expected[512] = "an attribute of the subset:";
    size_t used = strlen(expected);
    for (; list->name && used < sizeof(expected); list++)
        used += (size_t)snprintf(expected + used, sizeof(expected) - used, " %s%s", list->name,
                                 list[1].name ? "," : "");
    return npu_parser_expected(
        p, used > strlen("an attribute of the subset:") ? expected : "no attribute here");
}

bool npu_parser_attributes(struct npu_parser *p, struct npu_attribute *list)
{
    if (!npu_parser_accept(p, '{'))
        return true;
    while (!npu_parser_is(p, '}')) {
        struct npu_token name = p->token;
        struct npu_attribute *attribute = find_attribute(&name, list);
        if (name.kind != NPU_TOKEN_WORD && name.kind != NPU_TOKEN_STRING)
            return npu_parser_expected(p, "the name of an attribute, or '}'");
        if (!attribute && !memchr(name.text, '.', name.n))
            return unknown_attribute(p, list);
        npu_parser_next(p);
        if (attribute && attribute->found)
            return npu_parser_fail(p, name.pos, "found a second '%s', expected it once",
                                   attribute->name);
        if (attribute) {
            attribute->found = true;
            attribute->pos = name.pos;
            if (!parse_value(p, attribute))
                return false;
        } else if (npu_parser_accept(p, '=') && !skip_value(p)) {
            return false;
        }
        if (!npu_parser_accept(p, ','))
            break;
    }
    return npu_parser_mark(p, '}');
}
