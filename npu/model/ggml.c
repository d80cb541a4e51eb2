/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* whisper.cpp's ggml-*.bin, little-endian: magic, eleven i32 of sizes, the mel filters, the tokens,
 * then tensors to the end of the file, each a small header and its data, unaligned. The reader
 * skips filters and tokens. Layout: whisper.cpp, models/convert-pt-to-ggml.py. */
#include "npu/log.h"
#include "npu/model/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define N_FFT_BINS      201
#define MAX_TOKENS      (1u << 18) /* Whisper has 51 866 */
#define MAX_TOKEN_BYTES 1024u
#define MAX_NAME        128u
#define QUANT_VERSION   2u /* of ggml's block layouts; version 1 ordered the nibbles differently */

struct stream {
    const struct npu_file *file;
    struct npu_error *err;
    uint64_t at;        /* of the next byte */
    uint64_t buffer_at; /* of buffer[0] */
    uint32_t n_buffered;
    const char *tensor; /* being read, "" before the tensors */
    uint8_t buffer[8192];
};

static int cut(const struct stream *stream, uint64_t n, const char *what)
{
    return npu_fail(stream->err, -EBADMSG,
                    "%s: %s%s%s%s: expected %" PRIu64 " bytes at %" PRIu64
                    ", found the end of the file at %" PRIu64,
                    stream->file->label, stream->tensor[0] ? "tensor " : "", stream->tensor,
                    stream->tensor[0] ? ": " : "", what, n, stream->at, stream->file->size);
}

/* n <= MAX_NAME */
static int take(struct stream *stream, void *dst, size_t n, const char *what)
{
    uint64_t left = stream->file->size - stream->at;
    if (n > left)
        return cut(stream, n, what);
    bool inside =
        stream->at >= stream->buffer_at && stream->at + n <= stream->buffer_at + stream->n_buffered;
    if (!inside) {
        size_t fill = left < sizeof(stream->buffer) ? (size_t)left : sizeof(stream->buffer);
        stream->n_buffered = 0;
        int code = npu_file_read(stream->file->fd, stream->file->label, what, stream->at,
                                 stream->buffer, fill, stream->err);
        if (code)
            return code;
        stream->buffer_at = stream->at;
        stream->n_buffered = (uint32_t)fill;
    }
    memcpy(dst, stream->buffer + (stream->at - stream->buffer_at), n);
    stream->at += n;
    return 0;
}

static int skip(struct stream *stream, uint64_t n, const char *what)
{
    if (n > stream->file->size - stream->at)
        return cut(stream, n, what);
    stream->at += n;
    return 0;
}

/* A number of the header; the format's i32 are never negative, so low .. high catches those too. */
static int take_number(struct stream *stream, const char *what, uint32_t low, uint32_t high,
                       uint32_t *out)
{
    uint8_t bytes[4] = {0};
    int code = take(stream, bytes, 4, what);
    if (code)
        return code;
    uint32_t value = npu_load_le32(bytes);
    if (value < low || value > high)
        return npu_fail(stream->err, -EBADMSG, "%s: %s%s%s%s: expected %u .. %u, found %u",
                        stream->file->label, stream->tensor[0] ? "tensor " : "", stream->tensor,
                        stream->tensor[0] ? ": " : "", what, low, high, value);
    *out = value;
    return 0;
}

/* ftype is the type of most tensors; each tensor also has its own. Refuses formats whose blocks
 * have no reader or had another layout. */
static int check_ftype(const struct stream *stream, uint32_t ftype)
{
    uint32_t version = ftype / 1000, type = ftype % 1000;
    bool plain = type <= 1;
    bool blocks = type == 2 || type == 3 || (type >= 7 && type <= 9);
    if (!plain && !blocks)
        return npu_fail(stream->err, -ENOTSUP,
                        "%s: ftype: expected 0 (f32), 1 (f16), 2 (q4_0), 3 (q4_1), 7 (q8_0), 8 "
                        "(q5_0) or 9 (q5_1), found %u",
                        stream->file->label, type);
    if (version != (blocks ? QUANT_VERSION : 0))
        return npu_fail(stream->err, -ENOTSUP,
                        "%s: ftype: expected block layout version %u, found %u; quantise the model "
                        "again",
                        stream->file->label, blocks ? QUANT_VERSION : 0, version);
    return 0;
}

/* In Whisper's header eleven numbers come next, in that of whisper.cpp's voice activity detectors
 * the length of a name and the name, "silero-16k". A length below 64 is no vocabulary. */
static int check_kind(struct stream *stream)
{
    uint64_t start = stream->at;
    uint32_t length = 0;
    char name[64] = "";
    int code = take_number(stream, "n_vocab", 0, UINT32_MAX, &length);
    bool named = !code && length >= 4 && length < sizeof(name) &&
                 stream->file->size - stream->at >= length &&
                 !take(stream, name, length, "name of a model");
    for (uint32_t i = 0; named && i < length; i++)
        named = name[i] > 32 && name[i] < 127;
    if (named)
        return npu_fail(stream->err, -ENOTSUP,
                        "%s: expected a Whisper model, found a ggml file of another kind, named "
                        "%s%s; give a ggml-*.bin of a Whisper size",
                        stream->file->label, name,
                        strncmp(name, "silero", 6) == 0 ? " (a voice activity detector)" : "");
    stream->at = start;
    return code;
}

static int read_sizes(struct stream *stream, struct npu_file_claims *claims)
{
    uint32_t ignored, ftype = 0;
    const struct {
        const char *name;
        uint32_t low, high;
        uint32_t *out;
    } fields[] = {
        {"n_vocab", 1, MAX_TOKENS, &ignored},
        {"n_audio_ctx", 1, NPU_WINDOW_POSITIONS, &claims->n_ctx},
        {"n_audio_state", 64, 2048, &claims->d_model},
        {"n_audio_head", 1, 32, &claims->n_heads},
        {"n_audio_layer", 1, 64, &claims->n_layers},
        {"n_text_ctx", 1, 65536, &ignored},
        {"n_text_state", 1, 65536, &ignored},
        {"n_text_head", 1, 1024, &ignored},
        {"n_text_layer", 0, 64, &claims->n_decoder_layers},
        {"n_mels", 80, 128, &claims->n_mels},
        {"ftype", 0, 99999, &ftype},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !code; i++)
        code = take_number(stream, fields[i].name, fields[i].low, fields[i].high, fields[i].out);
    if (code == -EBADMSG)
        npu_fail_more(stream->err, code, "; a ggml file of another model has other numbers there");
    return code ? code : check_ftype(stream, ftype);
}

static int skip_filters_and_tokens(struct stream *stream, uint32_t n_mels)
{
    uint32_t n_mel, n_bins, n_tokens, n_bytes;
    int code = take_number(stream, "n_mel of the filters", n_mels, n_mels, &n_mel);
    if (!code)
        code = take_number(stream, "n_fft of the filters", N_FFT_BINS, N_FFT_BINS, &n_bins);
    if (!code)
        code = skip(stream, (uint64_t)n_mels * N_FFT_BINS * 4, "filters");
    if (!code)
        code = take_number(stream, "number of tokens", 0, MAX_TOKENS, &n_tokens);
    for (uint32_t i = 0; !code && i < n_tokens; i++) {
        code = take_number(stream, "length of a token", 0, MAX_TOKEN_BYTES, &n_bytes);
        if (!code)
            code = skip(stream, n_bytes, "token");
    }
    return code;
}

/* ggml's own numbers of its types */
static const struct {
    uint32_t number;
    enum npu_dtype dtype;
} types[] = {
    {0, NPU_DTYPE_F32},  {1, NPU_DTYPE_F16},  {2, NPU_DTYPE_Q4_0}, {3, NPU_DTYPE_Q4_1},
    {6, NPU_DTYPE_Q5_0}, {7, NPU_DTYPE_Q5_1}, {8, NPU_DTYPE_Q8_0}, {30, NPU_DTYPE_BF16},
};

static int find_type(const struct stream *stream, uint32_t number, enum npu_dtype *out)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].number == number) {
            *out = types[i].dtype;
            return 0;
        }
    }
    return npu_fail(stream->err, -ENOTSUP,
                    "%s: tensor %s: expected type 0 (f32), 1 (f16), 2 (q4_0), 3 (q4_1), 6 (q5_0), "
                    "7 (q5_1), 8 (q8_0) or 30 (bf16), found %u",
                    stream->file->label, stream->tensor, number);
}

static int take_name(struct stream *stream, struct npu_file *file, uint32_t length,
                     const char **out)
{
    char name[MAX_NAME];
    int code = take(stream, name, length, "name of a tensor");
    if (code)
        return code;
    for (uint32_t i = 0; i < length; i++)
        if (name[i] < 33 || name[i] > 126)
            return npu_fail(stream->err, -EBADMSG,
                            "%s: name of a tensor at %" PRIu64
                            ": expected printable ASCII, found byte 0x%02x",
                            stream->file->label, stream->at - length + i, (uint8_t)name[i]);
    *out = npu_file_keep_name(file, name, length);
    return *out ? 0 : npu_fail(stream->err, -ENOMEM, "%s: no memory for names", file->label);
}

static int read_tensor(struct npu_file *file, struct stream *stream)
{
    struct npu_file_tensor tensor = {.count = 1};
    uint32_t n_dims, length, type, dims[NPU_FILE_MAX_DIMS] = {0};
    stream->tensor = "";
    int code = take_number(stream, "n_dims of a tensor", 0, NPU_FILE_MAX_DIMS, &n_dims);
    if (!code)
        code = take_number(stream, "length of a tensor's name", 1, MAX_NAME, &length);
    if (!code)
        code = take_number(stream, "type of a tensor", 0, UINT32_MAX, &type);
    for (uint32_t i = 0; !code && i < n_dims; i++)
        code = take_number(stream, "dimension of a tensor", 1, 1u << 31, &dims[i]);
    if (!code)
        code = take_name(stream, file, length, &tensor.name);
    if (code)
        return code;
    stream->tensor = tensor.name;
    code = find_type(stream, type, &tensor.dtype);
    tensor.n_dims = n_dims;
    for (uint32_t i = 0; i < n_dims; i++) { /* the file has the fastest first */
        tensor.dims[i] = dims[n_dims - 1 - i];
        tensor.count = npu_file_multiply(tensor.count, dims[i]);
    }
    tensor.offset = stream->at;
    if (!code)
        code = npu_file_tensor_bytes(file, &tensor, &tensor.bytes, stream->err);
    if (!code)
        code = skip(stream, tensor.bytes, "data");
    if (!code)
        code = npu_file_add(file, &tensor, stream->err);
    stream->tensor = "";
    return code;
}

int npu_ggml_read(struct npu_file *file, struct npu_error *err)
{
    struct stream stream = {.file = file, .err = err, .tensor = ""};
    uint32_t magic;
    file->format = "ggml";
    file->max_tensors = NPU_FILE_MAX_GGML_TENSORS;
    int code = take_number(&stream, "magic", NPU_GGML_MAGIC, NPU_GGML_MAGIC, &magic);
    if (!code)
        code = check_kind(&stream);
    if (!code)
        code = read_sizes(&stream, &file->claims);
    if (!code)
        code = skip_filters_and_tokens(&stream, file->claims.n_mels);
    while (!code && stream.at < file->size)
        code = read_tensor(file, &stream);
    if (!code && file->n_tensors == 0)
        return npu_fail(err, -ENOTSUP,
                        "%s: expected a Whisper model, found a ggml file without tensors, like "
                        "whisper.cpp's for-tests-ggml-*.bin, which test its reader alone; give a "
                        "whole ggml-*.bin",
                        file->label);
    return code ? code : npu_file_check_names(file, err);
}
