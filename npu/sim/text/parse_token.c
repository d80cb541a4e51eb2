/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failing, lists, and the words of the text. */
#include "npu/sim/text/parse.h"
#include "npu/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool npu_parser_fail(struct npu_parser *p, struct npu_ir_pos pos, const char *format, ...)
{
    if (p->code)
        return false;
    char text[768];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    p->code = npu_fail(p->err, -EBADMSG, "%s:%u:%u: %s", p->file_name, pos.line, pos.column, text);
    return false;
}

bool npu_parser_no_memory(struct npu_parser *p)
{
    struct npu_ir_pos pos = p->token.pos;
    if (p->code)
        return false;
    if (p->arena.limit && p->arena.total > p->arena.limit / 2)
        p->code = npu_fail(p->err, -E2BIG, "%s:%u:%u: the design needs more than %u MiB",
                           p->file_name, pos.line, pos.column, NPU_DESIGN_MAX_BYTES >> 20);
    else
        p->code = npu_fail(p->err, -ENOMEM, "%s:%u:%u: no memory for the design", p->file_name,
                           pos.line, pos.column);
    return false;
}

/* A token in a message: the word itself, cut, in quotes. */
static void describe(const struct npu_token *token, char *text, size_t size)
{
    size_t n = (size_t)(token->finish - token->begin);
    char word[48];
    size_t used = 0;
    for (size_t i = 0; i < n && i < 40; i++) {
        unsigned char c = (unsigned char)token->begin[i];
        word[used++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    memcpy(word + used, n > 40 ? ".." : "", n > 40 ? 3 : 1);
    if (token->kind == NPU_TOKEN_END)
        snprintf(text, size, "the end of the text");
    else if (token->kind == NPU_TOKEN_BAD)
        snprintf(text, size, "%s ('%s')", token->reason, word);
    else
        snprintf(text, size, "'%s'", word);
}

bool npu_parser_expected(struct npu_parser *p, const char *expected)
{
    char found[160];
    const char *hint = npu_parser_stage(&p->token);
    describe(&p->token, found, sizeof(found));
    return npu_parser_fail(p, p->token.pos, "found %s, expected %s%s%s", found, expected,
                           hint ? "; " : "", hint ? hint : "");
}

bool npu_parser_push(struct npu_parser *p, struct npu_list *list, const void *element, size_t size)
{
    if (list->n == list->allocated) {
        size_t n = list->allocated ? 2 * list->allocated : 16;
        void *data = realloc(list->data, n * size);
        if (!data)
            return npu_parser_no_memory(p);
        list->data = data;
        list->allocated = n;
    }
    memcpy((uint8_t *)list->data + list->n * size, element, size);
    list->n++;
    return true;
}

void *npu_parser_pop(struct npu_parser *p, struct npu_list *list, size_t start, size_t size)
{
    const uint8_t *from = list->data ? (const uint8_t *)list->data + start * size : NULL;
    void *copy = npu_arena_copy(&p->arena, from, list->n - start, size);
    if (!copy)
        npu_parser_no_memory(p);
    list->n = start;
    return copy;
}

char *npu_parser_text(struct npu_parser *p, const char *text, size_t n)
{
    char *copy = npu_arena_take(&p->arena, n + 1, 1);
    if (!copy) {
        npu_parser_no_memory(p);
        return NULL;
    }
    memcpy(copy, text, n);
    return copy;
}

void npu_parser_next(struct npu_parser *p)
{
    p->token = npu_lexer_next(&p->lexer);
}

bool npu_parser_is(const struct npu_parser *p, char mark)
{
    return p->token.kind == NPU_TOKEN_MARK && p->token.text[0] == mark;
}

bool npu_parser_is_word(const struct npu_parser *p, const char *word)
{
    return p->token.kind == NPU_TOKEN_WORD && strlen(word) == p->token.n &&
           memcmp(word, p->token.text, p->token.n) == 0;
}

bool npu_parser_accept(struct npu_parser *p, char mark)
{
    if (!npu_parser_is(p, mark))
        return false;
    npu_parser_next(p);
    return true;
}

bool npu_parser_accept_word(struct npu_parser *p, const char *word)
{
    if (!npu_parser_is_word(p, word))
        return false;
    npu_parser_next(p);
    return true;
}

bool npu_parser_mark(struct npu_parser *p, char mark)
{
    const char expected[] = {'\'', mark, '\'', '\0'};
    return npu_parser_accept(p, mark) || npu_parser_expected(p, expected);
}

bool npu_parser_word(struct npu_parser *p, const char *word)
{
    char expected[64];
    if (npu_parser_accept_word(p, word))
        return true;
    snprintf(expected, sizeof(expected), "'%s'", word);
    return npu_parser_expected(p, expected);
}

bool npu_parser_arrow(struct npu_parser *p)
{
    if (p->token.kind != NPU_TOKEN_ARROW)
        return npu_parser_expected(p, "'->'");
    npu_parser_next(p);
    return true;
}

bool npu_parser_integer(struct npu_parser *p, int64_t min, int64_t max, const char *what,
                        int64_t *value)
{
    char expected[128];
    snprintf(expected, sizeof(expected), "%s, a number in %" PRId64 " .. %" PRId64, what, min, max);
    struct npu_ir_pos pos = p->token.pos;
    bool negative = npu_parser_accept(p, '-');
    if (p->token.kind != NPU_TOKEN_INT)
        return npu_parser_expected(p, expected);
    uint64_t n = p->token.integer;
    uint64_t largest = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    int64_t found = (int64_t)(negative ? 0 - n : n);
    if (n > largest || found < min || found > max)
        return npu_parser_fail(p, pos, "found %s%" PRIu64 ", expected %s", negative ? "-" : "", n,
                               expected);
    npu_parser_next(p);
    *value = found;
    return true;
}

bool npu_parser_enter(struct npu_parser *p)
{
    if (p->depth == NPU_DESIGN_MAX_DEPTH)
        return npu_parser_fail(p, p->token.pos, "found a nesting deeper than %d, expected no more",
                               NPU_DESIGN_MAX_DEPTH);
    p->depth++;
    return true;
}

void npu_parser_leave(struct npu_parser *p)
{
    p->depth--;
}
