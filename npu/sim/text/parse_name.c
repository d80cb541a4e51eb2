/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SSA names (a stack, found by hash) and symbols (one table a device). */
#include "npu/sim/text/parse.h"

#include <inttypes.h>
#include <string.h>

/* FNV-1a with a start that a text's author cannot know, so that no text can fill only few buckets.
 * */
static uint32_t hash_text(const struct npu_parser *p, const char *text, size_t n)
{
    uint32_t hash = p->hash_start;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    return hash ^ hash >> 15;
}

static struct npu_name *name_at(struct npu_parser *p, uint32_t index)
{
    return (struct npu_name *)p->names.data + index;
}

struct npu_name *npu_parser_find(struct npu_parser *p, const char *text, size_t n)
{
    uint32_t hash = hash_text(p, text, n);
    uint32_t i = p->name_bucket[hash % NPU_PARSER_BUCKETS];
    for (; i != NPU_IR_NONE; i = name_at(p, i)->next) {
        struct npu_name *name = name_at(p, i);
        if (name->hash == hash && name->n == n && memcmp(name->text, text, n) == 0)
            return name;
    }
    return NULL;
}

bool npu_parser_define(struct npu_parser *p, struct npu_name name)
{
    const struct npu_name *old = npu_parser_find(p, name.text, name.n);
    if (old)
        return npu_parser_fail(
            p, name.pos, "found a second '%%%.*s', expected a new name: line %u has the first",
            (int)(name.n < 60 ? name.n : 60), name.text, old->pos.line);
    name.hash = hash_text(p, name.text, name.n);
    uint32_t *bucket = &p->name_bucket[name.hash % NPU_PARSER_BUCKETS];
    name.next = *bucket;
    name.captured_by = NPU_IR_NONE;
    if (!npu_parser_push(p, &p->names, &name, sizeof(name)))
        return false;
    *bucket = (uint32_t)(p->names.n - 1);
    return true;
}

void npu_parser_forget(struct npu_parser *p, size_t n_names)
{
    while (p->names.n > n_names) {
        const struct npu_name *name = name_at(p, (uint32_t)--p->names.n);
        p->name_bucket[name->hash % NPU_PARSER_BUCKETS] = name->next;
    }
}

/* The name of the current token, "%x" or "%x#1"; consumed. */
static struct npu_name *take_name(struct npu_parser *p, const char *what, uint32_t *which,
                                  struct npu_ir_pos *pos)
{
    if (p->token.kind != NPU_TOKEN_VALUE) {
        npu_parser_expected(p, what);
        return NULL;
    }
    struct npu_token token = p->token;
    struct npu_name *name = npu_parser_find(p, token.text, token.n);
    if (!name) {
        npu_parser_fail(p, token.pos, "found '%%%.*s', which nothing defines before, expected %s",
                        (int)(token.n < 60 ? token.n : 60), token.text, what);
        return NULL;
    }
    *pos = token.pos;
    *which = 0;
    npu_parser_next(p);
    if (npu_parser_accept(p, '#')) {
        int64_t n;
        if (!npu_parser_integer(p, 0, (int64_t)name->count - 1, "the number of a result", &n))
            return NULL;
        *which = (uint32_t)n;
    } else if (name->count > 1) {
        npu_parser_fail(p, token.pos,
                        "found '%%%.*s', a group of %u results, expected '#' and one of "
                        "them",
                        (int)(token.n < 60 ? token.n : 60), token.text, name->count);
        return NULL;
    }
    return name;
}

bool npu_parser_tile(struct npu_parser *p, uint32_t *tile)
{
    uint32_t which;
    struct npu_ir_pos pos;
    const struct npu_name *name = take_name(p, "a tile (%name of an aie.tile)", &which, &pos);
    if (!name)
        return false;
    if (name->kind != NPU_NAME_TILE)
        return npu_parser_fail(p, pos,
                               "found '%%%.*s', which is no tile, expected the %%name of an "
                               "aie.tile",
                               (int)(name->n < 60 ? name->n : 60), name->text);
    *tile = name->index;
    return true;
}

bool npu_parser_new_slot(struct npu_parser *p, const struct npu_ir_type *type, uint32_t *slot)
{
    struct npu_slot new_slot = {.type = *type};
    *slot = (uint32_t)p->slots.n;
    return npu_parser_push(p, &p->slots, &new_slot, sizeof(new_slot));
}

struct npu_slot *npu_parser_slot(struct npu_parser *p, uint32_t slot)
{
    return (struct npu_slot *)p->slots.data + slot;
}

/* A slot of the current body for something that the device defined. */
static bool capture(struct npu_parser *p, struct npu_name *name, uint32_t *slot)
{
    if (name->captured_by == p->body) {
        *slot = name->captured_slot;
        return true;
    }
    bool buffer = name->kind == NPU_NAME_BUFFER;
    struct npu_ir_type type = {.kind = NPU_IR_SCALAR, .elem = name->elem};
    if (buffer)
        type = ((const struct npu_buffer *)p->buffers.data)[name->index].type;
    if (!npu_parser_new_slot(p, &type, slot))
        return false;
    npu_parser_slot(p, *slot)->constant = !buffer;
    npu_parser_slot(p, *slot)->value = name->value;
    name->captured_by = p->body;
    name->captured_slot = *slot;
    struct npu_ir_capture new_capture = {
        .slot = *slot, .buffer = buffer ? name->index : NPU_IR_NONE, .value = name->value};
    return npu_parser_push(p, &p->captures, &new_capture, sizeof(new_capture));
}

bool npu_parser_value(struct npu_parser *p, uint32_t *slot)
{
    uint32_t which;
    struct npu_ir_pos pos;
    struct npu_name *name = take_name(p, "a value (%name)", &which, &pos);
    if (!name)
        return false;
    switch (name->kind) {
    case NPU_NAME_SLOT:
        *slot = name->index + which;
        return true;
    case NPU_NAME_BUFFER:
    case NPU_NAME_CONSTANT:
        return capture(p, name, slot);
    default:
        return npu_parser_fail(p, pos, "found '%%%.*s', a %s, expected a value",
                               (int)(name->n < 60 ? name->n : 60), name->text,
                               name->kind == NPU_NAME_TILE ? "tile" : "core");
    }
}

static struct npu_symbol *symbol_at(struct npu_parser *p, uint32_t index)
{
    return (struct npu_symbol *)p->symbols.data + index;
}

static bool intern(struct npu_parser *p, const char *text, size_t n, struct npu_ir_pos pos,
                   uint32_t *symbol)
{
    uint32_t hash = hash_text(p, text, n);
    uint32_t *bucket = &p->symbol_bucket[hash % NPU_PARSER_BUCKETS];
    for (uint32_t i = *bucket; i != NPU_IR_NONE; i = symbol_at(p, i)->next) {
        const struct npu_symbol *old = symbol_at(p, i);
        if (old->hash == hash && strlen(old->name) == n && memcmp(old->name, text, n) == 0) {
            *symbol = i;
            return true;
        }
    }
    struct npu_symbol new_symbol = {.name = npu_parser_text(p, text, n),
                                    .hash = hash,
                                    .next = *bucket,
                                    .index = NPU_IR_NONE,
                                    .pos = pos};
    if (!new_symbol.name || !npu_parser_push(p, &p->symbols, &new_symbol, sizeof(new_symbol)))
        return false;
    *symbol = *bucket = (uint32_t)(p->symbols.n - 1);
    return true;
}

bool npu_parser_symbol(struct npu_parser *p, uint32_t *symbol)
{
    if (p->token.kind != NPU_TOKEN_SYMBOL)
        return npu_parser_expected(p, "a symbol (@name)");
    if (!intern(p, p->token.text, p->token.n, p->token.pos, symbol))
        return false;
    npu_parser_next(p);
    return true;
}

bool npu_parser_define_symbol(struct npu_parser *p, const char *text, size_t n,
                              struct npu_ir_pos pos, enum npu_symbol_kind kind, uint32_t index)
{
    uint32_t number;
    if (!intern(p, text, n, pos, &number))
        return false;
    struct npu_symbol *symbol = symbol_at(p, number);
    if (symbol->kind != NPU_SYMBOL_UNKNOWN)
        return npu_parser_fail(p, pos,
                               "found a second '@%s', expected a new name: line %u has the first",
                               symbol->name, symbol->pos.line);
    symbol->kind = kind;
    symbol->index = index;
    symbol->pos = pos;
    return true;
}

bool npu_parser_resolve(struct npu_parser *p, struct npu_ir_pos pos, enum npu_symbol_kind kind,
                        uint32_t *ref)
{
    static const char *const names[] = {"nothing that this device defines", "an aie.objectfifo",
                                        "a func.func", "an aie.buffer", "an aie.runtime_sequence"};
    const struct npu_symbol *symbol = symbol_at(p, *ref);
    if (symbol->kind != kind)
        return npu_parser_fail(p, pos, "found '@%.60s', %s, expected %s of this device",
                               symbol->name, names[symbol->kind], names[kind]);
    *ref = symbol->index;
    return true;
}

void npu_parser_reset_symbols(struct npu_parser *p)
{
    p->symbols.n = 0;
    memset(p->symbol_bucket, 0xff, sizeof(p->symbol_bucket));
}
