/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/text/lexer.h"

#include <string.h>

#define MAX_SIZE (INT64_C(1) << 40)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void npu_lexer_start(struct npu_lexer *lexer, const char *text, size_t n)
{
    *lexer = (struct npu_lexer){.at = text, .end = text + n, .line_start = text, .line = 1};
}

static char peek(const struct npu_lexer *lexer, size_t ahead)
{
    return (size_t)(lexer->end - lexer->at) > ahead ? lexer->at[ahead] : '\0';
}

static void skip_blanks(struct npu_lexer *lexer)
{
    while (lexer->at < lexer->end) {
        char c = *lexer->at;
        if (c == '\n') {
            lexer->line++;
            lexer->line_start = lexer->at + 1;
        } else if (c == '/' && peek(lexer, 1) == '/') {
            const char *stop = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
            lexer->at = stop ? stop : lexer->end;
            continue;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
        lexer->at++;
    }
}

static void bad(struct npu_token *token, const char *reason)
{
    token->kind = NPU_TOKEN_BAD;
    token->reason = reason;
}

static void take_name(struct npu_lexer *lexer, struct npu_token *token)
{
    token->text = lexer->at;
    while (lexer->at < lexer->end &&
           (is_letter(*lexer->at) || is_digit(*lexer->at) || *lexer->at == '.' ||
            *lexer->at == '$' ||
            (*lexer->at == '-' && token->kind == NPU_TOKEN_VALUE && peek(lexer, 1) != '>')))
        lexer->at++;
    token->n = (size_t)(lexer->at - token->text);
    if (token->n == 0)
        bad(token, "a mark without a name after it");
}

static void take_string(struct npu_lexer *lexer, struct npu_token *token)
{
    lexer->at++;
    token->text = lexer->at;
    while (lexer->at < lexer->end && *lexer->at != '"' && *lexer->at != '\n')
        lexer->at +=
            *lexer->at == '\\' && lexer->end - lexer->at > 1 && lexer->at[1] != '\n' ? 2 : 1;
    token->n = (size_t)(lexer->at - token->text);
    if (lexer->at == lexer->end || *lexer->at != '"') {
        bad(token, "a string without an end in its line");
        return;
    }
    lexer->at++;
}

static void take_number(struct npu_lexer *lexer, struct npu_token *token)
{
    bool fits = true;
    token->kind = NPU_TOKEN_INT;
    if (*lexer->at == '0' && peek(lexer, 1) == 'x' && hex_value(peek(lexer, 2)) >= 0) {
        for (lexer->at += 2; hex_value(peek(lexer, 0)) >= 0; lexer->at++) {
            fits = fits && token->integer >> 60 == 0;
            token->integer = token->integer << 4 | (unsigned)hex_value(*lexer->at);
        }
    } else {
        for (; is_digit(peek(lexer, 0)); lexer->at++)
            fits = fits && !__builtin_mul_overflow(token->integer, 10, &token->integer) &&
                   !__builtin_add_overflow(token->integer, (uint64_t)(*lexer->at - '0'),
                                           &token->integer);
        if (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1))) {
            token->kind = NPU_TOKEN_FLOAT;
            for (lexer->at++; is_digit(peek(lexer, 0)); lexer->at++)
                continue;
            bool sign = peek(lexer, 1) == '-' || peek(lexer, 1) == '+';
            if ((peek(lexer, 0) | 0x20) == 'e' && is_digit(peek(lexer, sign ? 2 : 1)))
                for (lexer->at += sign ? 2 : 1; is_digit(peek(lexer, 0)); lexer->at++)
                    continue;
        }
    }
    if (!fits && token->kind == NPU_TOKEN_INT)
        bad(token, "a number beyond 64 bit");
    else if (is_letter(peek(lexer, 0)))
        bad(token, "a number with letters after it");
}

struct npu_token npu_lexer_next(struct npu_lexer *lexer)
{
    skip_blanks(lexer);
    struct npu_token token = {.kind = NPU_TOKEN_END,
                              .pos = {lexer->line, (uint32_t)(lexer->at - lexer->line_start) + 1},
                              .text = lexer->at,
                              .begin = lexer->at};
    char c = peek(lexer, 0);
    if (lexer->at == lexer->end) {
        token.n = 0;
    } else if (is_letter(c)) {
        token.kind = NPU_TOKEN_WORD;
        take_name(lexer, &token);
    } else if (is_digit(c)) {
        take_number(lexer, &token);
        token.n = (size_t)(lexer->at - token.text);
    } else if (c == '%' || (c == '@' && peek(lexer, 1) != '"')) {
        token.kind = c == '%' ? NPU_TOKEN_VALUE : NPU_TOKEN_SYMBOL;
        lexer->at++;
        take_name(lexer, &token);
    } else if (c == '"' || c == '@') {
        token.kind = c == '@' ? NPU_TOKEN_SYMBOL : NPU_TOKEN_STRING;
        lexer->at += c == '@';
        take_string(lexer, &token);
    } else if (c == '-' && peek(lexer, 1) == '>') {
        token.kind = NPU_TOKEN_ARROW;
        lexer->at += 2;
    } else {
        token.kind = NPU_TOKEN_MARK;
        token.n = 1;
        lexer->at++;
        if (c == '\0' || !strchr("(){}[]<>:,=-?#!^+*", c))
            bad(&token, (unsigned char)c >= 0x80 ? "a byte that is not ASCII outside of a comment"
                                                 : "a character that begins no word");
    }
    token.finish = lexer->at;
    return token;
}

bool npu_lexer_size(struct npu_lexer *lexer, int64_t *size)
{
    skip_blanks(lexer);
    size_t n = 0;
    int64_t value = 0;
    if (peek(lexer, 0) == '?') {
        n = 1;
        value = NPU_IR_DYNAMIC;
    } else {
        for (; is_digit(peek(lexer, n)); n++)
            value = value < 0 || value > MAX_SIZE / 10 ? -1 : value * 10 + (peek(lexer, n) - '0');
    }
    if (n == 0 || peek(lexer, n) != 'x')
        return false;
    lexer->at += n + 1;
    *size = value;
    return true;
}
