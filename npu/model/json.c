/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/model/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "npu/log.h"

int npu_json_fail(const struct npu_json *json, const char *expected)
{
    char found[32];
    if (json->at >= json->end)
        snprintf(found, sizeof(found), "the %s's end", json->what);
    else if (*json->at > 32 && *json->at < 127)
        snprintf(found, sizeof(found), "'%c'", *json->at);
    else
        snprintf(found, sizeof(found), "byte 0x%02x", *json->at);
    const char *place = json->tensor[0] ? json->tensor : json->what;
    return npu_fail(json->err, -EBADMSG,
                    "%s: %s%.160s: expected %s at byte %zu of the %s, found %s", json->label,
                    json->tensor[0] ? "tensor " : "", place, expected,
                    (size_t)(json->at - json->start), json->what, found);
}

void npu_json_skip_blanks(struct npu_json *json)
{
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\t' || *json->at == '\n' || *json->at == '\r'))
        json->at++;
}

bool npu_json_accept(struct npu_json *json, char c)
{
    npu_json_skip_blanks(json);
    if (json->at >= json->end || *json->at != (uint8_t)c)
        return false;
    json->at++;
    return true;
}

int npu_json_expect(struct npu_json *json, char c)
{
    char expected[4] = {'\'', c, '\'', 0};
    return npu_json_accept(json, c) ? 0 : npu_json_fail(json, expected);
}

int npu_json_read_plain(struct npu_json *json, size_t max, struct npu_json_text *out)
{
    int code = npu_json_expect(json, '"');
    if (code)
        return code;
    out->at = json->at;
    while (json->at < json->end && *json->at != '"') {
        if (*json->at < 32 || *json->at > 126 || *json->at == '\\')
            return npu_json_fail(json, "printable ASCII without escapes in a name");
        if ((size_t)(json->at - out->at) >= max) {
            char expected[64];
            snprintf(expected, sizeof(expected), "the end of a name (%zu bytes are the most)", max);
            return npu_json_fail(json, expected);
        }
        json->at++;
    }
    out->n = (size_t)(json->at - out->at);
    code = npu_json_expect(json, '"');
    if (!code && out->n == 0)
        return npu_json_fail(json, "a name that is not empty before it");
    return code;
}

const char *npu_json_terminate(const struct npu_json_text *text)
{
    text->at[text->n] = 0;
    return (const char *)text->at;
}

bool npu_json_equals(const struct npu_json_text *text, const char *value)
{
    return text->n == strlen(value) && memcmp(text->at, value, text->n) == 0;
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Skips one escape; the backslash is already read. */
static int skip_escape(struct npu_json *json)
{
    if (json->at < json->end && *json->at == 'u') {
        json->at++;
        for (int i = 0; i < 4; i++, json->at++)
            if (json->at >= json->end || !is_hex(*json->at))
                return npu_json_fail(json, "four hex digits after \\u");
        return 0;
    }
    if (json->at >= json->end || !memchr("\"\\/bfnrt", *json->at, 8))
        return npu_json_fail(json, "a JSON escape");
    json->at++;
    return 0;
}

/* Skips one UTF-8 sequence of 2 .. 4 bytes; refuses overlong forms and surrogates. */
static int skip_utf8(struct npu_json *json)
{
    uint8_t lead = *json->at;
    size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || (size_t)(json->end - json->at) < n)
        return npu_json_fail(json, "UTF-8");
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (json->at[1] < low || json->at[1] > high)
        return npu_json_fail(json, "UTF-8");
    for (size_t i = 2; i < n; i++)
        if ((json->at[i] & 0xc0) != 0x80)
            return npu_json_fail(json, "UTF-8");
    json->at += n;
    return 0;
}

int npu_json_skip_string(struct npu_json *json)
{
    int code = npu_json_expect(json, '"');
    while (!code && json->at < json->end && *json->at != '"') {
        if (*json->at < 32)
            return npu_json_fail(json, "no control character in a string");
        if (*json->at == '\\') {
            json->at++;
            code = skip_escape(json);
        } else if (*json->at >= 0x80) {
            code = skip_utf8(json);
        } else {
            json->at++;
        }
    }
    return code ? code : npu_json_expect(json, '"');
}

int npu_json_read_integer(struct npu_json *json, uint64_t *out)
{
    npu_json_skip_blanks(json);
    const uint8_t *first = json->at;
    uint64_t value = 0;
    while (json->at < json->end && *json->at >= '0' && *json->at <= '9') {
        if (json->at > first && *first == '0')
            return npu_json_fail(json, "no digit after a leading zero");
        value = 10 * value + (uint64_t)(*json->at - '0');
        if (value > NPU_JSON_MAX_INTEGER)
            return npu_json_fail(json, "an integer up to 2^53");
        json->at++;
    }
    if (json->at == first)
        return npu_json_fail(json, "an integer");
    *out = value;
    return 0;
}

static bool accept_word(struct npu_json *json, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(json->end - json->at) < n || memcmp(json->at, word, n) != 0)
        return false;
    json->at += n;
    return true;
}

static size_t skip_digits(struct npu_json *json)
{
    const uint8_t *first = json->at;
    while (json->at < json->end && *json->at >= '0' && *json->at <= '9')
        json->at++;
    return (size_t)(json->at - first);
}

/* Skips any JSON number, with sign, fraction and exponent. */
static int skip_number(struct npu_json *json)
{
    accept_word(json, "-");
    const uint8_t *first = json->at;
    size_t n = skip_digits(json);
    if (n == 0 || (n > 1 && *first == '0'))
        return npu_json_fail(json, "a JSON value");
    if (accept_word(json, ".") && skip_digits(json) == 0)
        return npu_json_fail(json, "a digit after the point");
    if (accept_word(json, "e") || accept_word(json, "E")) {
        if (!accept_word(json, "+"))
            accept_word(json, "-");
        if (skip_digits(json) == 0)
            return npu_json_fail(json, "a digit of the exponent");
    }
    return 0;
}

static int skip_scalar(struct npu_json *json)
{
    npu_json_skip_blanks(json);
    if (json->at < json->end && *json->at == '"')
        return npu_json_skip_string(json);
    if (accept_word(json, "true") || accept_word(json, "false") || accept_word(json, "null"))
        return 0;
    return skip_number(json);
}

/* A key and its colon where an object is open. */
static int skip_key(struct npu_json *json, char open)
{
    int code = open == '{' ? npu_json_skip_string(json) : 0;
    return !code && open == '{' ? npu_json_expect(json, ':') : code;
}

int npu_json_skip_value(struct npu_json *json)
{
    char open[NPU_JSON_MAX_DEPTH];
    unsigned depth = 0;
    int code = 0;
    do { /* a value begins here */
        bool object = npu_json_accept(json, '{');
        if (object || npu_json_accept(json, '[')) {
            if (depth == NPU_JSON_MAX_DEPTH)
                return npu_json_fail(json, "at most 16 arrays and objects in each other");
            open[depth++] = object ? '{' : '[';
            if (!npu_json_accept(json, object ? '}' : ']')) {
                code = skip_key(json, open[depth - 1]);
                continue;
            }
            depth--;
        } else {
            code = skip_scalar(json);
        }
        /* and has ended here: close what ends with it, or continue with the next */
        while (!code && depth && npu_json_accept(json, open[depth - 1] == '{' ? '}' : ']'))
            depth--;
        if (!code && depth)
            code = npu_json_expect(json, ',');
        if (!code && depth)
            code = skip_key(json, open[depth - 1]);
    } while (!code && depth);
    return code;
}
