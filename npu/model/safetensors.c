/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hugging Face safetensors: u64 length of the header, the header in JSON, the data.
 *
 *   {"__metadata__": {"key": "text", ...},
 *    "name": {"dtype": "F16", "shape": [512, 80, 3], "data_offsets": [begin, end]}, ...}
 *
 * Only this subset of JSON is read: anything else, a key twice, a number that is no plain integer,
 * a hole or an overlap in the data is refused. A tensor may have any rank and type as long as its
 * bytes are in the file: it may belong to another part of the model.
 */
#include "npu/log.h"
#include "npu/model/file.h"
#include "npu/model/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_METADATA_KEYS      256
#define MAX_METADATA_KEY_BYTES 128

static int read_metadata(struct npu_json *json)
{
    struct npu_json_text keys[MAX_METADATA_KEYS];
    unsigned n_keys = 0;
    int code = npu_json_expect(json, '{');
    if (code || npu_json_accept(json, '}'))
        return code;
    do {
        if (n_keys == MAX_METADATA_KEYS)
            return npu_json_fail(json, "at most 256 entries of __metadata__");
        struct npu_json_text *key = &keys[n_keys];
        code = npu_json_read_plain(json, MAX_METADATA_KEY_BYTES, key);
        for (unsigned i = 0; i < n_keys && !code; i++)
            if (keys[i].n == key->n && memcmp(keys[i].at, key->at, key->n) == 0)
                return npu_json_fail(json, "no key of __metadata__ twice");
        n_keys++;
        if (!code)
            code = npu_json_expect(json, ':');
        if (!code)
            code = npu_json_skip_string(json);
    } while (!code && npu_json_accept(json, ','));
    return code ? code : npu_json_expect(json, '}');
}

/* Every safetensors type whose size is whole bytes; tensors of types without a reader may only
 * belong to something else in the file. */
static const struct {
    const char *name;
    enum npu_dtype dtype;
} dtype_names[] = {
    {"F32", NPU_DTYPE_F32},        {"F16", NPU_DTYPE_F16},
    {"BF16", NPU_DTYPE_BF16},      {"BOOL", NPU_DTYPE_OTHER8},
    {"U8", NPU_DTYPE_OTHER8},      {"I8", NPU_DTYPE_OTHER8},
    {"F8_E4M3", NPU_DTYPE_OTHER8}, {"F8_E5M2", NPU_DTYPE_OTHER8},
    {"F8_E8M0", NPU_DTYPE_OTHER8}, {"F8_E4M3FNUZ", NPU_DTYPE_OTHER8},
    {"I16", NPU_DTYPE_OTHER16},    {"F8_E5M2FNUZ", NPU_DTYPE_OTHER8},
    {"U16", NPU_DTYPE_OTHER16},    {"I32", NPU_DTYPE_OTHER32},
    {"U32", NPU_DTYPE_OTHER32},    {"I64", NPU_DTYPE_OTHER64},
    {"U64", NPU_DTYPE_OTHER64},    {"F64", NPU_DTYPE_OTHER64},
    {"C64", NPU_DTYPE_OTHER64},
};

static int read_dtype(struct npu_json *json, struct npu_file_tensor *tensor)
{
    struct npu_json_text name;
    int code = npu_json_read_plain(json, NPU_FILE_MAX_TYPE, &name);
    if (code)
        return code;
    memcpy(tensor->type_name, name.at, name.n);
    tensor->dtype = NPU_DTYPE_UNKNOWN;
    for (size_t i = 0; i < sizeof(dtype_names) / sizeof(dtype_names[0]); i++)
        if (npu_json_equals(&name, dtype_names[i].name))
            tensor->dtype = dtype_names[i].dtype;
    return 0;
}

/* [a, b, ...]: every dimension counts, the first few are kept. */
static int read_shape(struct npu_json *json, struct npu_file_tensor *tensor)
{
    int code = npu_json_expect(json, '[');
    tensor->count = 1;
    if (code || npu_json_accept(json, ']'))
        return code;
    do {
        uint64_t dim = 0;
        code = npu_json_read_integer(json, &dim);
        if (tensor->n_dims < NPU_FILE_MAX_DIMS)
            tensor->dims[tensor->n_dims] = dim;
        tensor->n_dims++;
        tensor->count = npu_file_multiply(tensor->count, dim);
    } while (!code && npu_json_accept(json, ','));
    return code ? code : npu_json_expect(json, ']');
}

static int read_two_integers(struct npu_json *json, uint64_t out[2])
{
    int code = npu_json_expect(json, '[');
    if (!code)
        code = npu_json_read_integer(json, &out[0]);
    if (!code && !npu_json_accept(json, ','))
        code = npu_json_fail(json, "two integers, with ',' between them,");
    if (!code)
        code = npu_json_read_integer(json, &out[1]);
    if (!code && !npu_json_accept(json, ']'))
        code = npu_json_fail(json, "two integers and ']'");
    return code;
}

static int read_offsets(struct npu_json *json, const struct npu_file *file,
                        struct npu_file_tensor *tensor)
{
    uint64_t offsets[2];
    uint64_t data_bytes = file->size - (uint64_t)(json->end - json->start) - 8;
    int code = read_two_integers(json, offsets);
    if (code)
        return code;
    if (offsets[0] > offsets[1] || offsets[1] > data_bytes)
        return npu_fail(json->err, -EBADMSG,
                        "%s: tensor %.160s: expected data_offsets inside the file's %" PRIu64
                        " bytes of data, found [%" PRIu64 ", %" PRIu64 "]%s",
                        file->label, tensor->name, data_bytes, offsets[0], offsets[1],
                        offsets[0] > offsets[1] ? "" : "; if its download was cut, fetch it again");
    tensor->offset = file->size - data_bytes + offsets[0];
    tensor->bytes = offsets[1] - offsets[0];
    return 0;
}

enum { SEEN_DTYPE = 1, SEEN_SHAPE = 2, SEEN_OFFSETS = 4, SEEN_ALL = 7 };

static int read_tensor_field(struct npu_json *json, const struct npu_file *file,
                             struct npu_file_tensor *tensor, unsigned *seen)
{
    struct npu_json_text key = {0};
    int code = npu_json_read_plain(json, 16, &key);
    if (code)
        return code;
    unsigned bit = npu_json_equals(&key, "dtype")          ? SEEN_DTYPE
                   : npu_json_equals(&key, "shape")        ? SEEN_SHAPE
                   : npu_json_equals(&key, "data_offsets") ? SEEN_OFFSETS
                                                           : 0;
    if (bit == 0 || *seen & bit)
        return npu_fail(
            json->err, -EBADMSG,
            "%s: tensor %.160s: expected dtype, shape and data_offsets once each, found "
            "%.*s%s",
            json->label, json->tensor, (int)key.n, (const char *)key.at, bit ? " again" : "");
    *seen |= bit;
    code = npu_json_expect(json, ':');
    if (code)
        return code;
    if (bit == SEEN_DTYPE)
        return read_dtype(json, tensor);
    if (bit == SEEN_SHAPE)
        return read_shape(json, tensor);
    return read_offsets(json, file, tensor);
}

static int read_tensor(struct npu_file *file, struct npu_json *json,
                       const struct npu_json_text *name)
{
    struct npu_file_tensor tensor = {.name = npu_json_terminate(name)};
    json->tensor = tensor.name;
    unsigned seen = 0;
    int code = npu_json_expect(json, '{');
    if (!code) {
        do
            code = read_tensor_field(json, file, &tensor, &seen);
        while (!code && npu_json_accept(json, ','));
    }
    if (!code)
        code = npu_json_expect(json, '}');
    if (!code && seen != SEEN_ALL)
        code = npu_fail(json->err, -EBADMSG,
                        "%s: tensor %.160s: expected dtype, shape and data_offsets, found no %s",
                        file->label, tensor.name,
                        !(seen & SEEN_DTYPE)   ? "dtype"
                        : !(seen & SEEN_SHAPE) ? "shape"
                                               : "data_offsets");
    if (!code)
        code = npu_file_add(file, &tensor, json->err);
    json->tensor = "";
    return code;
}

static int read_header(struct npu_file *file, struct npu_json *json)
{
    bool metadata = false;
    if (json->at >= json->end || *json->at != '{')
        return npu_json_fail(json, "'{'");
    json->at++;
    int code = 0;
    if (!npu_json_accept(json, '}')) {
        do {
            struct npu_json_text name;
            code = npu_json_read_plain(json, NPU_FILE_MAX_NAME, &name);
            if (!code)
                code = npu_json_expect(json, ':');
            if (!code && npu_json_equals(&name, "__metadata__")) {
                if (metadata)
                    return npu_json_fail(json, "__metadata__ once");
                metadata = true;
                code = read_metadata(json);
            } else if (!code) {
                code = read_tensor(file, json, &name);
            }
        } while (!code && npu_json_accept(json, ','));
        if (!code)
            code = npu_json_expect(json, '}');
    }
    while (!code && json->at < json->end)
        if (*json->at++ != ' ') {
            json->at--;
            code = npu_json_fail(json, "only blanks after the last '}'");
        }
    return code;
}

static int compare_offsets(const void *a, const void *b)
{
    const struct npu_file_tensor *left = a, *right = b;
    if (left->offset != right->offset)
        return left->offset > right->offset ? 1 : -1;
    return (left->bytes > right->bytes) - (left->bytes < right->bytes);
}

/* safetensors' own rule: in order of offset every tensor begins where the previous one ended, and
 * the last one ends the file. Empty ones come before the one at the same offset. */
static int check_extents(struct npu_file *file, uint64_t data, struct npu_error *err)
{
    if (file->n_tensors)
        qsort(file->tensors, file->n_tensors, sizeof(file->tensors[0]), compare_offsets);
    uint64_t next = data;
    for (size_t i = 0; i < file->n_tensors; i++) {
        const struct npu_file_tensor *tensor = &file->tensors[i];
        if (tensor->offset != next)
            return npu_fail(err, -EBADMSG,
                            "%s: tensor %.160s: expected data at %" PRIu64 ", found %" PRIu64
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
    uint64_t most = file->size - 8 < NPU_JSON_MAX_BYTES ? file->size - 8 : NPU_JSON_MAX_BYTES;
    if (length < 2 || length > most)
        return npu_fail(err, -EBADMSG,
                        "%s: expected a safetensors header of 2 .. %" PRIu64
                        " bytes, found a length of %" PRIu64,
                        file->label, most, length);
    file->text = malloc((size_t)length);
    if (!file->text)
        return npu_fail(err, -ENOMEM, "%s: no memory for a header of %" PRIu64 " bytes",
                        file->label, length);
    struct npu_json json = {file->label, "header",           "", err, file->text,
                            file->text,  file->text + length};
    code = npu_file_read(file->fd, file->label, "header", 8, file->text, (size_t)length, err);
    if (!code)
        code = read_header(file, &json);
    if (!code)
        code = npu_file_check_names(file, err);
    return code ? code : check_extents(file, 8 + length, err);
}
