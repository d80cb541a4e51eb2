/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hugging Face safetensors: u64 length of the header, the header in JSON, the data.
 *
 *   {"__metadata__": {"key": "text", ...},
 *    "name": {"dtype": "F16", "shape": [512, 80, 3], "data_offsets": [begin, end]}, ...}
 *
 * Only this subset of JSON exists here: anything else, a key twice, a number that is no plain
 * integer, a hole or an overlap in the data is refused. No recursion: the depth is that of the
 * code.
 */
#include "npu/log.h"
#include "npu/model/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER_BYTES  (UINT64_C(16) << 20)
#define MAX_METADATA_KEYS 256
#define MAX_INTEGER       (UINT64_C(1) << 53) /* what every JSON reader keeps exactly */

struct json {
    const struct npu_file *file;
    const uint8_t *start, *at, *end;
    const char *tensor; /* being read, "" between tensors */
    struct npu_error *err;
};

struct json_text {
    const uint8_t *at;
    size_t n;
};

static int json_fail(const struct json *json, const char *expected)
{
    char found[32];
    if (json->at >= json->end)
        snprintf(found, sizeof(found), "the header's end");
    else if (*json->at > 32 && *json->at < 127)
        snprintf(found, sizeof(found), "'%c'", *json->at);
    else
        snprintf(found, sizeof(found), "byte 0x%02x", *json->at);
    return npu_fail(json->err, -EBADMSG,
                    "%s: %s%s%sexpected %s at byte %zu of the header, found %s", json->file->label,
                    json->tensor[0] ? "tensor " : "header: ", json->tensor,
                    json->tensor[0] ? ": " : "", expected, (size_t)(json->at - json->start), found);
}

static void json_skip_blanks(struct json *json)
{
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\t' || *json->at == '\n' || *json->at == '\r'))
        json->at++;
}

static bool json_accept(struct json *json, char c)
{
    json_skip_blanks(json);
    if (json->at >= json->end || *json->at != (uint8_t)c)
        return false;
    json->at++;
    return true;
}

static int json_expect(struct json *json, char c)
{
    char expected[4] = {'\'', c, '\'', 0};
    return json_accept(json, c) ? 0 : json_fail(json, expected);
}

/* A string of printable ASCII without escapes: names and keys. */
static int json_read_plain(struct json *json, size_t max, struct json_text *out)
{
    int code = json_expect(json, '"');
    if (code)
        return code;
    out->at = json->at;
    while (json->at < json->end && *json->at != '"') {
        if (*json->at < 32 || *json->at > 126 || *json->at == '\\')
            return json_fail(json, "printable ASCII without escapes in a name");
        if ((size_t)(json->at - out->at) >= max)
            return json_fail(json, "the end of a name (128 bytes are the most)");
        json->at++;
    }
    out->n = (size_t)(json->at - out->at);
    code = json_expect(json, '"');
    if (!code && out->n == 0)
        return json_fail(json, "a name that is not empty before it");
    return code;
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Past one escape; the backslash is already taken. */
static int json_skip_escape(struct json *json)
{
    if (json->at < json->end && *json->at == 'u') {
        json->at++;
        for (int i = 0; i < 4; i++, json->at++)
            if (json->at >= json->end || !is_hex(*json->at))
                return json_fail(json, "four hex digits after \\u");
        return 0;
    }
    if (json->at >= json->end || !memchr("\"\\/bfnrt", *json->at, 8))
        return json_fail(json, "a JSON escape");
    json->at++;
    return 0;
}

/* Past one UTF-8 sequence of 2 .. 4 bytes; overlong forms and surrogates are refused. */
static int json_skip_utf8(struct json *json)
{
    uint8_t lead = *json->at;
    size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || (size_t)(json->end - json->at) < n)
        return json_fail(json, "UTF-8");
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (json->at[1] < low || json->at[1] > high)
        return json_fail(json, "UTF-8");
    for (size_t i = 2; i < n; i++)
        if ((json->at[i] & 0xc0) != 0x80)
            return json_fail(json, "UTF-8");
    json->at += n;
    return 0;
}

/* Past any JSON string: the values of the metadata, which nobody here reads. */
static int json_skip_string(struct json *json)
{
    int code = json_expect(json, '"');
    while (!code && json->at < json->end && *json->at != '"') {
        if (*json->at < 32)
            return json_fail(json, "no control character in a string");
        if (*json->at == '\\') {
            json->at++;
            code = json_skip_escape(json);
        } else if (*json->at >= 0x80) {
            code = json_skip_utf8(json);
        } else {
            json->at++;
        }
    }
    return code ? code : json_expect(json, '"');
}

/* 0 or a digit 1 .. 9 and more digits, up to 2^53: no sign, fraction, exponent, leading zero. */
static int json_read_integer(struct json *json, uint64_t *out)
{
    json_skip_blanks(json);
    const uint8_t *first = json->at;
    uint64_t value = 0;
    while (json->at < json->end && *json->at >= '0' && *json->at <= '9') {
        if (json->at > first && *first == '0')
            return json_fail(json, "no digit after a leading zero");
        value = 10 * value + (uint64_t)(*json->at - '0');
        if (value > MAX_INTEGER)
            return json_fail(json, "an integer up to 2^53");
        json->at++;
    }
    if (json->at == first)
        return json_fail(json, "an integer");
    *out = value;
    return 0;
}

/* [a, b, ...] of at most `max` integers. */
static int json_read_integers(struct json *json, unsigned max, uint64_t *out, unsigned *n)
{
    int code = json_expect(json, '[');
    *n = 0;
    if (code || json_accept(json, ']'))
        return code;
    do {
        if (*n == max)
            return json_fail(json, max == 2 ? "two integers" : "at most four dimensions");
        code = json_read_integer(json, &out[(*n)++]);
    } while (!code && json_accept(json, ','));
    return code ? code : json_expect(json, ']');
}

static bool text_equals(const struct json_text *text, const char *value)
{
    return text->n == strlen(value) && memcmp(text->at, value, text->n) == 0;
}

static int read_metadata(struct json *json)
{
    struct json_text keys[MAX_METADATA_KEYS];
    unsigned n_keys = 0;
    int code = json_expect(json, '{');
    if (code || json_accept(json, '}'))
        return code;
    do {
        if (n_keys == MAX_METADATA_KEYS)
            return json_fail(json, "at most 256 entries of __metadata__");
        struct json_text *key = &keys[n_keys];
        code = json_read_plain(json, NPU_FILE_NAME_SIZE - 1, key);
        for (unsigned i = 0; i < n_keys && !code; i++)
            if (keys[i].n == key->n && memcmp(keys[i].at, key->at, key->n) == 0)
                return json_fail(json, "no key of __metadata__ twice");
        n_keys++;
        if (!code)
            code = json_expect(json, ':');
        if (!code)
            code = json_skip_string(json);
    } while (!code && json_accept(json, ','));
    return code ? code : json_expect(json, '}');
}

/* Every type that safetensors knows; those without a reader may only belong to the decoder. */
static const struct {
    const char *name;
    enum npu_dtype dtype;
} dtype_names[] = {
    {"F32", NPU_DTYPE_F32},        {"F16", NPU_DTYPE_F16},        {"BF16", NPU_DTYPE_BF16},
    {"BOOL", NPU_DTYPE_OTHER8},    {"U8", NPU_DTYPE_OTHER8},      {"I8", NPU_DTYPE_OTHER8},
    {"F8_E4M3", NPU_DTYPE_OTHER8}, {"F8_E5M2", NPU_DTYPE_OTHER8}, {"I16", NPU_DTYPE_OTHER16},
    {"U16", NPU_DTYPE_OTHER16},    {"I32", NPU_DTYPE_OTHER32},    {"U32", NPU_DTYPE_OTHER32},
    {"I64", NPU_DTYPE_OTHER64},    {"U64", NPU_DTYPE_OTHER64},    {"F64", NPU_DTYPE_OTHER64},
};

static int read_dtype(struct json *json, struct npu_file_tensor *tensor)
{
    struct json_text name;
    int code = json_read_plain(json, 16, &name);
    if (code)
        return code;
    for (size_t i = 0; i < sizeof(dtype_names) / sizeof(dtype_names[0]); i++) {
        if (text_equals(&name, dtype_names[i].name)) {
            tensor->dtype = dtype_names[i].dtype;
            return 0;
        }
    }
    return npu_fail(json->err, -EBADMSG,
                    "%s: tensor %s: expected dtype F32, F16 or BF16, found %.*s", json->file->label,
                    json->tensor, (int)name.n, (const char *)name.at);
}

static int read_offsets(struct json *json, struct npu_file_tensor *tensor)
{
    uint64_t offsets[2];
    unsigned n;
    uint64_t data_bytes = json->file->size - (uint64_t)(json->end - json->start) - 8;
    int code = json_read_integers(json, 2, offsets, &n);
    if (code)
        return code;
    if (n != 2)
        return json_fail(json, "two integers");
    if (offsets[0] > offsets[1] || offsets[1] > data_bytes)
        return npu_fail(json->err, -EBADMSG,
                        "%s: tensor %s: expected data_offsets inside the file's %" PRIu64
                        " bytes of data, found [%" PRIu64 ", %" PRIu64 "]",
                        json->file->label, tensor->name, data_bytes, offsets[0], offsets[1]);
    tensor->offset = json->file->size - data_bytes + offsets[0];
    tensor->bytes = offsets[1] - offsets[0];
    return 0;
}

enum { SEEN_DTYPE = 1, SEEN_SHAPE = 2, SEEN_OFFSETS = 4, SEEN_ALL = 7 };

static int read_tensor_field(struct json *json, struct npu_file_tensor *tensor, unsigned *seen)
{
    struct json_text key = {0};
    int code = json_read_plain(json, 16, &key);
    if (code)
        return code;
    unsigned bit = text_equals(&key, "dtype")          ? SEEN_DTYPE
                   : text_equals(&key, "shape")        ? SEEN_SHAPE
                   : text_equals(&key, "data_offsets") ? SEEN_OFFSETS
                                                       : 0;
    if (bit == 0 || *seen & bit)
        return npu_fail(json->err, -EBADMSG,
                        "%s: tensor %s: expected dtype, shape and data_offsets once each, found "
                        "%.*s%s",
                        json->file->label, json->tensor, (int)key.n, (const char *)key.at,
                        bit ? " again" : "");
    *seen |= bit;
    code = json_expect(json, ':');
    if (code)
        return code;
    if (bit == SEEN_DTYPE)
        return read_dtype(json, tensor);
    if (bit == SEEN_SHAPE)
        return json_read_integers(json, NPU_FILE_MAX_DIMS, tensor->dims, &tensor->n_dims);
    return read_offsets(json, tensor);
}

static int read_tensor(struct npu_file *file, struct json *json, const struct json_text *name)
{
    struct npu_file_tensor tensor = {.dtype = NPU_DTYPE_F32};
    memcpy(tensor.name, name->at, name->n);
    json->tensor = tensor.name;
    unsigned seen = 0;
    int code = json_expect(json, '{');
    if (!code) {
        do
            code = read_tensor_field(json, &tensor, &seen);
        while (!code && json_accept(json, ','));
    }
    if (!code)
        code = json_expect(json, '}');
    if (!code && seen != SEEN_ALL)
        code = npu_fail(json->err, -EBADMSG,
                        "%s: tensor %s: expected dtype, shape and data_offsets, found no %s",
                        file->label, tensor.name,
                        !(seen & SEEN_DTYPE)   ? "dtype"
                        : !(seen & SEEN_SHAPE) ? "shape"
                                               : "data_offsets");
    if (!code)
        code = npu_file_add(file, &tensor, json->err);
    json->tensor = "";
    return code;
}

static int read_header(struct npu_file *file, struct json *json)
{
    bool metadata = false;
    if (json->at >= json->end || *json->at != '{')
        return json_fail(json, "'{'");
    json->at++;
    int code = 0;
    if (!json_accept(json, '}')) {
        do {
            struct json_text name;
            code = json_read_plain(json, NPU_FILE_NAME_SIZE - 1, &name);
            if (!code)
                code = json_expect(json, ':');
            if (!code && text_equals(&name, "__metadata__")) {
                if (metadata)
                    return json_fail(json, "__metadata__ once");
                metadata = true;
                code = read_metadata(json);
            } else if (!code) {
                code = read_tensor(file, json, &name);
            }
        } while (!code && json_accept(json, ','));
        if (!code)
            code = json_expect(json, '}');
    }
    while (!code && json->at < json->end)
        if (*json->at++ != ' ') {
            json->at--;
            code = json_fail(json, "nothing but blanks after the last '}'");
        }
    return code;
}

static int compare_offsets(const void *a, const void *b)
{
    const struct npu_file_tensor *left = a, *right = b;
    return (left->offset > right->offset) - (left->offset < right->offset);
}

/* safetensors' own rule: in order of offset every tensor begins where the last one ended, and the
 * last one ends the file. Empty tensors do not exist (no dimension is 0). */
static int check_extents(struct npu_file *file, uint64_t data, struct npu_error *err)
{
    if (file->n_tensors)
        qsort(file->tensors, file->n_tensors, sizeof(file->tensors[0]), compare_offsets);
    uint64_t next = data;
    for (size_t i = 0; i < file->n_tensors; i++) {
        const struct npu_file_tensor *tensor = &file->tensors[i];
        if (tensor->offset != next)
            return npu_fail(err, -EBADMSG,
                            "%s: tensor %s: expected data at %" PRIu64 ", found %" PRIu64
                            " (a %s in the data)",
                            file->label, tensor->name, next - data, tensor->offset - data,
                            tensor->offset > next ? "hole" : "tensor over another");
        next += tensor->bytes;
    }
    if (next != file->size)
        return npu_fail(err, -EBADMSG,
                        "%s: expected %" PRIu64 " bytes as the header describes, found %" PRIu64,
                        file->label, next, file->size);
    return 0;
}

int npu_safetensors_read(struct npu_file *file, struct npu_error *err)
{
    uint8_t prefix[8];
    file->format = "safetensors";
    int code = npu_file_read(file->fd, file->label, "length of the header", 0, prefix, 8, err);
    if (code)
        return code;
    uint64_t length = npu_load_le64(prefix);
    uint64_t most = file->size - 8 < MAX_HEADER_BYTES ? file->size - 8 : MAX_HEADER_BYTES;
    if (length < 2 || length > most)
        return npu_fail(err, -EBADMSG,
                        "%s: expected a safetensors header of 2 .. %" PRIu64
                        " bytes, found a length of %" PRIu64,
                        file->label, most, length);
    uint8_t *header = malloc((size_t)length);
    if (!header)
        return npu_fail(err, -ENOMEM, "%s: no memory for a header of %" PRIu64 " bytes",
                        file->label, length);
    struct json json = {file, header, header, header + length, "", err};
    code = npu_file_read(file->fd, file->label, "header", 8, header, (size_t)length, err);
    if (!code)
        code = read_header(file, &json);
    free(header);
    if (!code)
        code = npu_file_check_names(file, err);
    return code ? code : check_extents(file, 8 + length, err);
}
