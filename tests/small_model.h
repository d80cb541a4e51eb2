/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SMALL_MODEL_H
#define TESTS_SMALL_MODEL_H
/* Writes a small random Whisper encoder as a Hugging Face safetensors file (F32), so that tests run
 * in milliseconds and need no downloaded weights. The same arguments give the same bytes. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct small_model_tensor {
    char name[128];
    unsigned n_dims;
    unsigned shape[3];
    bool near_one; /* a norm's weight: 1 + noise instead of noise */
};

struct small_model_writer {
    FILE *file;
    uint64_t state;  /* of the random numbers */
    uint64_t offset; /* bytes of tensor data described so far */
    char *header;
    size_t header_size, header_used;
    bool body; /* second pass: write the data instead of describing it */
};

/* splitmix64 */
static inline uint64_t small_model_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* About N(0, 0.05): twelve uniform numbers, added; no libm, so the bytes are the same everywhere.
 */
static inline float small_model_noise(uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (double)(small_model_random(state) >> 11) / 9007199254740992.0;
    return (float)((sum - 6.0) * 0.05);
}

static inline uint64_t small_model_count(const struct small_model_tensor *tensor)
{
    uint64_t count = 1;
    for (unsigned i = 0; i < tensor->n_dims; i++)
        count *= tensor->shape[i];
    return count;
}

static inline int small_model_describe(struct small_model_writer *writer,
                                       const struct small_model_tensor *tensor)
{
    uint64_t end = writer->offset + 4 * small_model_count(tensor);
    char shape[48] = "";
    for (unsigned i = 0; i < tensor->n_dims; i++)
        snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%s%u", i ? "," : "",
                 tensor->shape[i]);
    int n = snprintf(
        writer->header + writer->header_used, writer->header_size - writer->header_used,
        ",\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}",
        tensor->name, shape, writer->offset, end);
    if (n < 0 || (size_t)n >= writer->header_size - writer->header_used)
        return -ENOMEM;
    writer->header_used += (size_t)n;
    writer->offset = end;
    return 0;
}

static inline int small_model_fill(struct small_model_writer *writer,
                                   const struct small_model_tensor *tensor)
{
    float buffer[256];
    uint64_t left = small_model_count(tensor);
    while (left > 0) {
        size_t n = left < 256 ? (size_t)left : 256;
        for (size_t i = 0; i < n; i++)
            buffer[i] = (tensor->near_one ? 1.0f : 0.0f) + small_model_noise(&writer->state);
        if (fwrite(buffer, sizeof buffer[0], n, writer->file) != n)
            return -EIO;
        left -= n;
    }
    return 0;
}

static inline int small_model_put(struct small_model_writer *writer, const char *prefix,
                                  const char *name, unsigned d0, unsigned d1, unsigned d2)
{
    struct small_model_tensor tensor = {.n_dims = d2 ? 3 : d1 ? 2 : 1, .shape = {d0, d1, d2}};
    snprintf(tensor.name, sizeof tensor.name, "model.encoder.%s%s", prefix, name);
    tensor.near_one = strstr(tensor.name, "norm.weight") != NULL;
    return writer->body ? small_model_fill(writer, &tensor) : small_model_describe(writer, &tensor);
}

static inline int small_model_put_layer(struct small_model_writer *writer, unsigned layer,
                                        unsigned d)
{
    static const char *const square[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                         "self_attn.out_proj"};
    static const char *const norm[] = {"self_attn_layer_norm", "final_layer_norm"};
    char prefix[32];
    char name[64];
    int err = 0;
    snprintf(prefix, sizeof prefix, "layers.%u.", layer);
    for (int i = 0; i < 4 && !err; i++) {
        snprintf(name, sizeof name, "%s.weight", square[i]);
        err = small_model_put(writer, prefix, name, d, d, 0);
        snprintf(name, sizeof name, "%s.bias", square[i]);
        if (!err && i != 1) /* the keys have no bias */
            err = small_model_put(writer, prefix, name, d, 0, 0);
    }
    for (int i = 0; i < 2 && !err; i++) {
        snprintf(name, sizeof name, "%s.weight", norm[i]);
        err = small_model_put(writer, prefix, name, d, 0, 0);
        snprintf(name, sizeof name, "%s.bias", norm[i]);
        if (!err)
            err = small_model_put(writer, prefix, name, d, 0, 0);
    }
    if (!err)
        err = small_model_put(writer, prefix, "fc1.weight", 4 * d, d, 0);
    if (!err)
        err = small_model_put(writer, prefix, "fc1.bias", 4 * d, 0, 0);
    if (!err)
        err = small_model_put(writer, prefix, "fc2.weight", d, 4 * d, 0);
    if (!err)
        err = small_model_put(writer, prefix, "fc2.bias", d, 0, 0);
    return err;
}

static inline int small_model_put_all(struct small_model_writer *writer, unsigned n_mels,
                                      unsigned d, unsigned n_layers, unsigned n_ctx)
{
    int err = small_model_put(writer, "", "conv1.weight", d, n_mels, 3);
    if (!err)
        err = small_model_put(writer, "", "conv1.bias", d, 0, 0);
    if (!err)
        err = small_model_put(writer, "", "conv2.weight", d, d, 3);
    if (!err)
        err = small_model_put(writer, "", "conv2.bias", d, 0, 0);
    if (!err)
        err = small_model_put(writer, "", "embed_positions.weight", n_ctx, d, 0);
    for (unsigned i = 0; i < n_layers && !err; i++)
        err = small_model_put_layer(writer, i, d);
    if (!err)
        err = small_model_put(writer, "", "layer_norm.weight", d, 0, 0);
    if (!err)
        err = small_model_put(writer, "", "layer_norm.bias", d, 0, 0);
    return err;
}

/* Header, padded with blanks to 8 bytes; the caller writes the data next. */
static inline int small_model_put_header(struct small_model_writer *writer)
{
    size_t used = writer->header_used;
    writer->header[0] = '{'; /* over the first comma */
    writer->header[used++] = '}';
    while (used % 8)
        writer->header[used++] = ' ';
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)used >> (8 * i));
    if (fwrite(length, 1, 8, writer->file) != 8 ||
        fwrite(writer->header, 1, used, writer->file) != used)
        return -EIO;
    return 0;
}

/* n_mels 80 or 128, d_model a multiple of 64, n_layers 1 .. 32, n_ctx 1500 for what Whisper calls a
 * model. Values are about N(0, 0.05), the norms' weights 1 + that. Returns 0 or -errno. */
__attribute__((unused)) static int test_small_model_write(const char *path, unsigned n_mels,
                                                          unsigned d_model, unsigned n_layers,
                                                          unsigned n_ctx, unsigned seed)
{
    static char header[1 << 17]; /* 32 layers need 64 KiB */
    struct small_model_writer writer = {
        .state = seed, .header = header, .header_size = sizeof header - 16};
    int err = small_model_put_all(&writer, n_mels, d_model, n_layers, n_ctx);
    if (err)
        return err;
    writer.file = fopen(path, "wb");
    if (!writer.file)
        return -errno;
    writer.body = true;
    err = small_model_put_header(&writer);
    if (!err)
        err = small_model_put_all(&writer, n_mels, d_model, n_layers, n_ctx);
    if (fclose(writer.file) != 0 && !err)
        err = -EIO;
    return err;
}

#endif /* TESTS_SMALL_MODEL_H */
