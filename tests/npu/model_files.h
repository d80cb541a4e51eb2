/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_MODEL_FILES_H
#define TESTS_NPU_MODEL_FILES_H
/* Builds small whole weights files of both formats in memory, from vectors in tests/data/ggml.
 * Every tensor repeats its vector: element i is vector[i % 512]. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/model/model.h"

#define D_MODEL       64
#define N_MELS        80
#define N_CTX         4
#define VECTOR_VALUES 512

struct bytes {
    uint8_t *at;
    size_t n, room;
};

static inline void put(struct bytes *out, const void *data, size_t n)
{
    if (out->n + n > out->room) {
        out->room = 2 * (out->n + n);
        out->at = realloc(out->at, out->room);
        assert(out->at);
    }
    if (n)
        memcpy(out->at + out->n, data, n);
    out->n += n;
}

static inline void put_text(struct bytes *out, const char *text)
{
    put(out, text, strlen(text));
}

static inline void put_u32(struct bytes *out, uint32_t value)
{
    uint8_t le[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                     (uint8_t)(value >> 24)};
    put(out, le, 4);
}

enum format { F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, N_FORMATS };

struct vector {
    const char *name, *safetensors; /* file name; dtype, NULL where safetensors has none */
    uint32_t ggml, ftype;           /* numbers of ggml */
    unsigned block_bytes, block;
    uint8_t stored[2048];
    float values[VECTOR_VALUES];
};

static struct vector vectors[N_FORMATS] = {
    [F32] = {"f32", "F32", 0, 0, 4, 1, {0}, {0}},
    [F16] = {"f16", "F16", 1, 1, 2, 1, {0}, {0}},
    [BF16] = {"bf16", "BF16", 30, 1, 2, 1, {0}, {0}},
    [Q4_0] = {"q4_0", NULL, 2, 2002, 18, 32, {0}, {0}},
    [Q4_1] = {"q4_1", NULL, 3, 2003, 20, 32, {0}, {0}},
    [Q5_0] = {"q5_0", NULL, 6, 2008, 22, 32, {0}, {0}},
    [Q5_1] = {"q5_1", NULL, 7, 2009, 24, 32, {0}, {0}},
    [Q8_0] = {"q8_0", NULL, 8, 2007, 34, 32, {0}, {0}},
};

static inline bool load_file(const char *folder, const char *name, const char *suffix, void *dst,
                             size_t n)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.%s", folder, name, suffix);
    FILE *file = fopen(path, "rb");
    bool ok = file && fread(dst, 1, n, file) == n;
    if (file)
        fclose(file);
    return ok;
}

static inline bool load_vectors(const char *folder)
{
    bool ok = true;
    for (int i = 0; i < N_FORMATS; i++) {
        struct vector *v = &vectors[i];
        ok = ok &&
             load_file(folder, v->name, "bin", v->stored,
                       VECTOR_VALUES / v->block * v->block_bytes) &&
             load_file(folder, v->name, "f32", v->values, sizeof(v->values));
    }
    return ok;
}

/* The parts of an encoder, on purpose written independently of npu/model. */
struct part {
    enum npu_tensor id;
    const char *hf, *ggml;
    unsigned dims[3];
    bool column; /* whisper.cpp writes [n, 1] */
};

static const struct part parts[NPU_TENSOR_COUNT] = {
    {NPU_TENSOR_CONV1_WEIGHT, "conv1.weight", "conv1.weight", {D_MODEL, N_MELS, 3}, false},
    {NPU_TENSOR_CONV1_BIAS, "conv1.bias", "conv1.bias", {D_MODEL}, true},
    {NPU_TENSOR_CONV2_WEIGHT, "conv2.weight", "conv2.weight", {D_MODEL, D_MODEL, 3}, false},
    {NPU_TENSOR_CONV2_BIAS, "conv2.bias", "conv2.bias", {D_MODEL}, true},
    {NPU_TENSOR_POSITIONS, "embed_positions.weight", "positional_embedding", {N_CTX, D_MODEL}, 0},
    {NPU_TENSOR_NORM_WEIGHT, "layer_norm.weight", "ln_post.weight", {D_MODEL}, false},
    {NPU_TENSOR_NORM_BIAS, "layer_norm.bias", "ln_post.bias", {D_MODEL}, false},
    {NPU_TENSOR_Q_WEIGHT,
     "layers.0.self_attn.q_proj.weight",
     "blocks.0.attn.query.weight",
     {D_MODEL, D_MODEL},
     false},
    {NPU_TENSOR_Q_BIAS, "layers.0.self_attn.q_proj.bias", "blocks.0.attn.query.bias", {D_MODEL}, 0},
    {NPU_TENSOR_K_WEIGHT,
     "layers.0.self_attn.k_proj.weight",
     "blocks.0.attn.key.weight",
     {D_MODEL, D_MODEL},
     false},
    {NPU_TENSOR_V_WEIGHT,
     "layers.0.self_attn.v_proj.weight",
     "blocks.0.attn.value.weight",
     {D_MODEL, D_MODEL},
     false},
    {NPU_TENSOR_V_BIAS, "layers.0.self_attn.v_proj.bias", "blocks.0.attn.value.bias", {D_MODEL}, 0},
    {NPU_TENSOR_OUT_WEIGHT,
     "layers.0.self_attn.out_proj.weight",
     "blocks.0.attn.out.weight",
     {D_MODEL, D_MODEL},
     false},
    {NPU_TENSOR_OUT_BIAS,
     "layers.0.self_attn.out_proj.bias",
     "blocks.0.attn.out.bias",
     {D_MODEL},
     0},
    {NPU_TENSOR_ATTN_NORM_WEIGHT,
     "layers.0.self_attn_layer_norm.weight",
     "blocks.0.attn_ln.weight",
     {D_MODEL},
     false},
    {NPU_TENSOR_ATTN_NORM_BIAS,
     "layers.0.self_attn_layer_norm.bias",
     "blocks.0.attn_ln.bias",
     {D_MODEL},
     false},
    {NPU_TENSOR_FFN_NORM_WEIGHT,
     "layers.0.final_layer_norm.weight",
     "blocks.0.mlp_ln.weight",
     {D_MODEL},
     false},
    {NPU_TENSOR_FFN_NORM_BIAS,
     "layers.0.final_layer_norm.bias",
     "blocks.0.mlp_ln.bias",
     {D_MODEL},
     false},
    {NPU_TENSOR_FC1_WEIGHT,
     "layers.0.fc1.weight",
     "blocks.0.mlp.0.weight",
     {4 * D_MODEL, D_MODEL},
     false},
    {NPU_TENSOR_FC1_BIAS, "layers.0.fc1.bias", "blocks.0.mlp.0.bias", {4 * D_MODEL}, false},
    {NPU_TENSOR_FC2_WEIGHT,
     "layers.0.fc2.weight",
     "blocks.0.mlp.2.weight",
     {D_MODEL, 4 * D_MODEL},
     false},
    {NPU_TENSOR_FC2_BIAS, "layers.0.fc2.bias", "blocks.0.mlp.2.bias", {D_MODEL}, false},
};

static inline unsigned part_count(const struct part *part)
{
    unsigned count = 1;
    for (int i = 0; i < 3 && part->dims[i]; i++)
        count *= part->dims[i];
    return count;
}

/* Parts of a file's header (whose bits are flipped), and those that may change without effect. */
struct span {
    size_t begin, end;
    bool free;
};

struct weights_file {
    struct bytes data;
    struct span spans[128];
    size_t n_spans;
    size_t offset_of[NPU_TENSOR_COUNT]; /* of the tensor's data in the file */
};

static inline void mark(struct weights_file *file, size_t begin, bool is_free)
{
    assert(file->n_spans < sizeof(file->spans) / sizeof(file->spans[0]));
    file->spans[file->n_spans++] = (struct span){begin, file->data.n, is_free};
}

static inline void put_values(struct bytes *out, const struct vector *v, unsigned count)
{
    size_t period = VECTOR_VALUES / v->block * v->block_bytes;
    size_t n = (size_t)count / v->block * v->block_bytes;
    for (; n > period; n -= period)
        put(out, v->stored, period);
    put(out, v->stored, n);
}

/* ---- safetensors: the header as text, so that tests can edit it ------------------------------ */

struct safetensors_parts {
    char header[1 << 15];
    struct bytes data;
    size_t offset_of[NPU_TENSOR_COUNT];
};

/* An entry of the header for the data from `begin` on; shape without its brackets. */
static inline void safetensors_describe(struct safetensors_parts *out, const char *name,
                                        const char *dtype, const char *shape, size_t begin)
{
    size_t used = strlen(out->header), room = sizeof(out->header) - used;
    int n = snprintf(out->header + used, room,
                     "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                     out->header[1] ? "," : "", name, dtype, shape, begin, out->data.n);
    if (n < 0 || (size_t)n >= room)
        abort();
}

/* A tensor of any kind, of zeros. */
static inline void safetensors_any(struct safetensors_parts *out, const char *name,
                                   const char *dtype, const char *shape, size_t bytes)
{
    size_t begin = out->data.n;
    for (size_t i = 0; i < bytes; i++)
        put(&out->data, "", 1);
    safetensors_describe(out, name, dtype, shape, begin);
}

static inline void safetensors_entry(struct safetensors_parts *out, const struct vector *v,
                                     const char *name, const unsigned *dims)
{
    char shape[64] = "";
    unsigned count = 1;
    for (int i = 0; i < 3 && dims[i]; i++) {
        count *= dims[i];
        snprintf(shape + strlen(shape), sizeof(shape) - strlen(shape), "%s%u", i ? "," : "",
                 dims[i]);
    }
    size_t begin = out->data.n;
    put_values(&out->data, v, count);
    safetensors_describe(out, name, v->safetensors, shape, begin);
}

static inline void safetensors_begin(struct safetensors_parts *out)
{
    memset(out, 0, sizeof(*out));
    out->header[0] = '{';
}

/* All tensors of an encoder, in Hugging Face's names or OpenAI's; `prefix` is the full prefix. */
static inline void safetensors_encoder(struct safetensors_parts *out, enum format format,
                                       const char *prefix, bool openai)
{
    char name[256];
    for (int i = 0; i < NPU_TENSOR_COUNT; i++) {
        snprintf(name, sizeof(name), "%s%s", prefix, openai ? parts[i].ggml : parts[i].hf);
        out->offset_of[parts[i].id] = out->data.n;
        safetensors_entry(out, &vectors[format], name, parts[i].dims);
    }
}

/* `prefix` comes before "encoder." and "decoder.". */
static inline void safetensors_parts_make(struct safetensors_parts *out, enum format format,
                                          const char *prefix, bool extras)
{
    static const unsigned decoder_dims[3] = {2, 3};
    char name[128];
    safetensors_begin(out);
    if (extras)
        strcat(out->header, "\"__metadata__\":{\"format\":\"pt\",\"note\":\"a \\u00e9\xc3\xa9\"}");
    snprintf(name, sizeof(name), "%sencoder.", prefix);
    safetensors_encoder(out, format, name, false);
    if (extras) {
        snprintf(name, sizeof(name), "%sdecoder.layers.0.fc1.weight", prefix);
        safetensors_entry(out, &vectors[format], name, decoder_dims);
        safetensors_entry(out, &vectors[format], "proj_out.weight", decoder_dims);
    }
    strcat(out->header, "}");
}

static inline void safetensors_join(struct weights_file *file, const struct safetensors_parts *from)
{
    memset(file, 0, sizeof(*file));
    size_t n = strlen(from->header);
    put_u32(&file->data, (uint32_t)n);
    put_u32(&file->data, 0);
    put(&file->data, from->header, n);
    mark(file, 0, false);
    for (int i = 0; i < NPU_TENSOR_COUNT; i++)
        file->offset_of[i] = file->data.n + from->offset_of[i];
    put(&file->data, from->data.at, from->data.n);
}

static inline void safetensors_make(struct weights_file *file, enum format format,
                                    const char *prefix, bool extras)
{
    struct safetensors_parts from;
    safetensors_parts_make(&from, format, prefix, extras);
    safetensors_join(file, &from);
    free(from.data.at);
}

/* ---- ggml --------------------------------------------------------------------------------------
 */

/* The format in which whisper.cpp's converter stores a part. */
static inline enum format ggml_part_format(enum format format, const struct part *part)
{
    if (!part->dims[1] || part->id == NPU_TENSOR_POSITIONS)
        return F32;
    return part->dims[2] && format >= Q4_0 ? F16 : format;
}

static inline void ggml_tensor(struct weights_file *file, const struct vector *v, const char *name,
                               const unsigned *dims, bool column)
{
    struct bytes *out = &file->data;
    uint32_t n_dims = 1;
    unsigned count = dims[0];
    for (; n_dims < 3 && dims[n_dims]; n_dims++)
        count *= dims[n_dims];
    put_u32(out, n_dims + column);
    put_u32(out, (uint32_t)strlen(name));
    put_u32(out, v->ggml);
    if (column)
        put_u32(out, 1);
    for (uint32_t i = n_dims; i-- > 0;)
        put_u32(out, dims[i]);
    put_text(out, name);
    mark(file, out->n - strlen(name) - 4 * (3 + n_dims + column), false);
    put_values(out, v, count);
}

static inline void ggml_make(struct weights_file *file, enum format format)
{
    static const char *const tokens[] = {"a", "bc", ""};
    static const unsigned decoder_dims[3] = {3, 32};
    struct bytes *out = &file->data;
    char name[128];
    memset(file, 0, sizeof(*file));
    put_u32(out, 0x67676d6c);
    mark(file, 0, false);
    put_u32(out, 51865);
    mark(file, 4, true); /* n_vocab */
    const uint32_t audio[] = {N_CTX, D_MODEL, D_MODEL / 64, 1};
    for (int i = 0; i < 4; i++)
        put_u32(out, audio[i]);
    mark(file, 8, false);
    const uint32_t text[] = {448, D_MODEL, 1};
    for (int i = 0; i < 3; i++)
        put_u32(out, text[i]);
    mark(file, 24, true);
    put_u32(out, 1);
    put_u32(out, N_MELS);
    mark(file, 36, false);
    put_u32(out, vectors[format].ftype);
    mark(file, 44, true);
    put_u32(out, N_MELS);
    put_u32(out, 201);
    mark(file, 48, false);
    for (int i = 0; i < N_MELS * 201; i++)
        put_u32(out, 0);
    size_t begin = out->n;
    put_u32(out, 3);
    for (int i = 0; i < 3; i++) {
        put_u32(out, (uint32_t)strlen(tokens[i]));
        put_text(out, tokens[i]);
    }
    mark(file, begin, true); /* a token's letters are free; its length is not, nor refused always */
    for (int i = 0; i < NPU_TENSOR_COUNT; i++) {
        const struct vector *v = &vectors[ggml_part_format(format, &parts[i])];
        snprintf(name, sizeof(name), "encoder.%s", parts[i].ggml);
        ggml_tensor(file, v, name, parts[i].dims, parts[i].column);
        file->offset_of[parts[i].id] = out->n - part_count(&parts[i]) / v->block * v->block_bytes;
    }
    for (int i = 0; i < 28; i++) { /* what a decoder of one layer has */
        snprintf(name, sizeof(name), "decoder.part.%d", i);
        ggml_tensor(file, &vectors[format], name, decoder_dims, false);
        file->spans[file->n_spans - 1].free = true;
    }
}

#endif /* TESTS_NPU_MODEL_FILES_H */
