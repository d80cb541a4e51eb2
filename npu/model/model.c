/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a list of named tensors to a model: the exact set of names, the exact shapes, sizes derived
 * from them. An opened model is a descriptor and a table of extents. */
#include "npu/model/model.h"
#include "npu/log.h"
#include "npu/model/file.h"
#include "npu/model/names.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct extent {
    uint64_t offset, count; /* bytes in the file; values */
    enum npu_dtype dtype;
};

struct npu_model {
    int fd;
    bool ggml;
    struct stat opened; /* to notice that the file changed */
    struct npu_model_info info;
    char *path;
    char label[320];
    atomic_bool cancelled;
    struct extent *extents; /* [GLOBAL_COUNT + n_layers * NPU_LAYER_TENSORS] */
};

/* Place of a tensor in tables of all of them. */
static unsigned slot_of(unsigned tensor, unsigned layer)
{
    return tensor < NPU_TENSOR_GLOBAL_COUNT ? tensor : tensor + layer * NPU_LAYER_TENSORS;
}

static unsigned count_slots(unsigned n_layers)
{
    return NPU_TENSOR_GLOBAL_COUNT + n_layers * NPU_LAYER_TENSORS;
}

#define MAX_SLOTS (NPU_TENSOR_GLOBAL_COUNT + NPU_MODEL_MAX_LAYERS * NPU_LAYER_TENSORS)

/* Index into the file's list for each slot, or -1. */
struct slots {
    int index[MAX_SLOTS];
    unsigned n_layers;
    unsigned n_ignored; /* tensors of the decoder */
};

static int fill_slots(struct slots *slots, const struct npu_file *file, bool ggml,
                      struct npu_error *err)
{
    for (unsigned i = 0; i < MAX_SLOTS; i++)
        slots->index[i] = -1;
    slots->n_layers = 0;
    slots->n_ignored = 0;
    for (size_t i = 0; i < file->n_tensors; i++) {
        const char *name = file->tensors[i].name;
        enum npu_tensor tensor;
        unsigned layer;
        enum npu_name_kind kind = npu_name_classify(name, ggml, &tensor, &layer);
        if (kind == NPU_NAME_UNKNOWN)
            return npu_fail(err, -ENOTSUP,
                            "%s: tensor %s: expected tensors of a Whisper model only, such as %s, "
                            "found this one",
                            file->label, name,
                            npu_name_format(NPU_TENSOR_CONV1_WEIGHT, 0, ggml).text);
        if (kind == NPU_NAME_IGNORED) {
            slots->n_ignored++;
            continue;
        }
        int *index = &slots->index[slot_of(tensor, layer)];
        if (*index >= 0)
            return npu_fail(err, -EBADMSG,
                            "%s: tensor %s: expected one of that meaning, found %s too",
                            file->label, name, file->tensors[*index].name);
        *index = (int)i;
        if ((unsigned)tensor >= NPU_TENSOR_GLOBAL_COUNT && layer >= slots->n_layers)
            slots->n_layers = layer + 1;
    }
    return 0;
}

static int check_complete(const struct slots *slots, const struct npu_file *file, bool ggml,
                          struct npu_error *err)
{
    unsigned n_layers = slots->n_layers ? slots->n_layers : 1;
    for (unsigned layer = 0; layer < n_layers; layer++) {
        for (unsigned i = layer ? NPU_TENSOR_GLOBAL_COUNT : 0; i < NPU_TENSOR_COUNT; i++)
            if (slots->index[slot_of(i, layer)] < 0)
                return npu_fail(err, -ENOTSUP,
                                "%s: tensor %s: expected in an encoder of %u layer%s, found none "
                                "of that name among %zu tensors",
                                file->label, npu_name_format((enum npu_tensor)i, layer, ggml).text,
                                n_layers, n_layers > 1 ? "s" : "", file->n_tensors);
    }
    return 0;
}

/* Sizes that only this model knows, from two shapes; everything else must agree with them. */
static int derive_sizes(struct npu_model_info *info, const struct slots *slots,
                        const struct npu_file *file, struct npu_error *err)
{
    const struct npu_file_tensor *conv = &file->tensors[slots->index[NPU_TENSOR_CONV1_WEIGHT]];
    const struct npu_file_tensor *positions = &file->tensors[slots->index[NPU_TENSOR_POSITIONS]];
    uint64_t d = conv->dims[0];
    if (conv->n_dims != 3 || d < 64 || d > NPU_MODEL_MAX_D_MODEL || d % 64 != 0 ||
        (conv->dims[1] != 80 && conv->dims[1] != 128))
        return npu_fail(err, -ENOTSUP,
                        "%s: tensor %s: expected shape [64 .. 2048 in steps of 64, 80 or 128, 3], "
                        "found %s",
                        file->label, conv->name, npu_shape_format(conv->n_dims, conv->dims).text);
    if (positions->n_dims != 2 || positions->dims[0] > NPU_WINDOW_POSITIONS)
        return npu_fail(err, -ENOTSUP,
                        "%s: tensor %s: expected shape [1 .. 1500, %" PRIu64 "], found %s",
                        file->label, positions->name, d,
                        npu_shape_format(positions->n_dims, positions->dims).text);
    info->d_model = (unsigned)d;
    info->n_mels = (unsigned)conv->dims[1];
    info->n_ctx = (unsigned)positions->dims[0];
    info->n_heads = info->d_model / 64;
    info->d_ffn = 4 * info->d_model;
    info->n_layers = slots->n_layers;
    return 0;
}

/* A Whisper decoder is 4 tensors and 24 per layer. ggml files do not say where they end: without
 * this count a file cut between two tensors of the decoder would pass. */
static int check_claims(const struct npu_model_info *info, const struct slots *slots,
                        const struct npu_file *file, struct npu_error *err)
{
    const struct npu_file_claims *claims = &file->claims;
    const struct {
        const char *name;
        unsigned claimed, derived;
    } fields[] = {
        {"n_mels", claims->n_mels, info->n_mels},
        {"n_audio_ctx", claims->n_ctx, info->n_ctx},
        {"n_audio_state", claims->d_model, info->d_model},
        {"n_audio_head", claims->n_heads, info->n_heads},
        {"n_audio_layer", claims->n_layers, info->n_layers},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (fields[i].claimed != fields[i].derived)
            return npu_fail(err, -EBADMSG,
                            "%s: %s: expected %u from the shapes of the tensors, found %u in the "
                            "header",
                            file->label, fields[i].name, fields[i].derived, fields[i].claimed);
    unsigned n = claims->n_decoder_layers ? 4 + 24 * claims->n_decoder_layers : 0;
    if (slots->n_ignored != n)
        return npu_fail(err, -EBADMSG,
                        "%s: n_text_layer: expected %u tensors for the decoder's %u layers, found "
                        "%u",
                        file->label, n, claims->n_decoder_layers, slots->n_ignored);
    return 0;
}

static int check_tensor(const struct npu_model_info *info, const struct npu_file *file, bool ggml,
                        enum npu_tensor id, const struct npu_file_tensor *tensor,
                        struct npu_error *err)
{
    uint64_t dims[3];
    unsigned n = npu_tensor_shape(info, id, dims);
    unsigned found = tensor->n_dims;
    /* whisper.cpp writes the biases of the convolutions as columns, [d_model, 1] */
    if (ggml && n == 1 && found == 2 && tensor->dims[1] == 1)
        found = 1;
    if (found != n || memcmp(dims, tensor->dims, n * sizeof(dims[0])) != 0)
        return npu_fail(err, -ENOTSUP, "%s: tensor %s: expected shape %s, found %s", file->label,
                        tensor->name, npu_shape_format(n, dims).text,
                        npu_shape_format(tensor->n_dims, tensor->dims).text);
    if (tensor->dtype >= NPU_DTYPE_READABLE)
        return npu_fail(err, -ENOTSUP, "%s: tensor %s: expected dtype F32, F16 or BF16, found %s",
                        file->label, tensor->name, npu_dtypes[tensor->dtype].name);
    return 0;
}

static int take_tensors(struct npu_model *model, const struct slots *slots,
                        const struct npu_file *file, struct npu_error *err)
{
    unsigned n = count_slots(slots->n_layers);
    model->extents = calloc(n, sizeof(*model->extents));
    if (!model->extents)
        return npu_fail(err, -ENOMEM, "%s: no memory for %u tensors", file->label, n);
    for (unsigned i = 0; i < n; i++) {
        const struct npu_file_tensor *tensor = &file->tensors[slots->index[i]];
        unsigned id =
            i < NPU_TENSOR_GLOBAL_COUNT
                ? i
                : NPU_TENSOR_GLOBAL_COUNT + (i - NPU_TENSOR_GLOBAL_COUNT) % NPU_LAYER_TENSORS;
        int code = check_tensor(&model->info, file, model->ggml, (enum npu_tensor)id, tensor, err);
        if (code)
            return code;
        const struct npu_dtype_info *type = &npu_dtypes[tensor->dtype];
        uint64_t count = tensor->bytes / type->block_bytes * type->block;
        model->extents[i] = (struct extent){tensor->offset, count, tensor->dtype};
        model->info.n_params += count;
        model->info.load_bytes += tensor->bytes;
    }
    return 0;
}

static int check_architecture(struct npu_model *model, const struct npu_file *file,
                              struct npu_error *err)
{
    struct slots slots;
    int code = fill_slots(&slots, file, model->ggml, err);
    if (!code)
        code = check_complete(&slots, file, model->ggml, err);
    if (!code)
        code = derive_sizes(&model->info, &slots, file, err);
    if (!code && model->ggml)
        code = check_claims(&model->info, &slots, file, err);
    return code ? code : take_tensors(model, &slots, file, err);
}

/* The path for messages: its last 300 bytes, so that the rest of a sentence always fits. */
static void set_label(char *label, size_t size, const char *path)
{
    size_t n = strlen(path);
    if (n <= 300)
        snprintf(label, size, "%s", path);
    else
        snprintf(label, size, "...%s", path + n - 300);
}

/* O_NONBLOCK: a FIFO must be refused, not waited for. */
static int open_regular(struct npu_model *model, const char *path, struct npu_error *err)
{
    model->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (model->fd < 0 || fstat(model->fd, &model->opened) != 0) {
        int code = errno == ENOENT || errno == ENOTDIR ? -ENOENT
                   : errno == EACCES || errno == EPERM ? -EACCES
                   : errno == ENOMEM                   ? -ENOMEM
                                                       : -EIO;
        return npu_fail(err, code, "%s: expected a weights file, found: %s", model->label,
                        strerror(errno));
    }
    if (!S_ISREG(model->opened.st_mode))
        return npu_fail(err, -EBADMSG, "%s: expected a weights file, found %s", model->label,
                        S_ISDIR(model->opened.st_mode) ? "a folder" : "no regular file");
    if (model->opened.st_size < 10 || (uint64_t)model->opened.st_size > NPU_FILE_MAX_BYTES)
        return npu_fail(err, -EBADMSG,
                        "%s: expected a weights file of 10 bytes .. 8 GiB, found %lld bytes",
                        model->label, (long long)model->opened.st_size);
    return 0;
}

/* ggml by its magic; safetensors by the brace behind its length; the rest by what people try. */
static int detect_format(struct npu_model *model, struct npu_error *err)
{
    uint8_t head[9];
    int code = npu_file_read(model->fd, model->label, "start", 0, head, sizeof(head), err);
    if (code)
        return code;
    model->ggml = npu_load_le32(head) == NPU_GGML_MAGIC;
    if (model->ggml || head[8] == '{')
        return 0;
    if (head[0] == '{')
        return npu_fail(err, -ENOTSUP,
                        "%s: expected the weights in one file, found JSON: an index of a sharded "
                        "model or a configuration; save the model as one model.safetensors",
                        model->label);
    if (memcmp(head, "PK\003\004", 4) == 0)
        return npu_fail(err, -ENOTSUP,
                        "%s: expected safetensors or ggml, found a ZIP archive such as PyTorch's "
                        ".pt, which can run code; convert it to safetensors",
                        model->label);
    if (memcmp(head, "GGUF", 4) == 0)
        return npu_fail(err, -ENOTSUP, "%s: expected safetensors or whisper.cpp's ggml, found GGUF",
                        model->label);
    return npu_fail(err, -EBADMSG,
                    "%s: expected a safetensors or ggml file, found one that starts with %02x %02x "
                    "%02x %02x %02x %02x %02x %02x",
                    model->label, head[0], head[1], head[2], head[3], head[4], head[5], head[6],
                    head[7]);
}

static int open_model(struct npu_model *model, const char *path, struct npu_error *err)
{
    struct npu_file file = {0};
    set_label(model->label, sizeof(model->label), path);
    model->path = malloc(strlen(path) + 1);
    if (!model->path)
        return npu_fail(err, -ENOMEM, "%s: no memory", model->label);
    strcpy(model->path, path);
    int code = open_regular(model, path, err);
    if (!code)
        code = detect_format(model, err);
    if (code)
        return code;
    file.fd = model->fd;
    file.size = (uint64_t)model->opened.st_size;
    memcpy(file.label, model->label, sizeof(file.label));
    code = model->ggml ? npu_ggml_read(&file, err) : npu_safetensors_read(&file, err);
    if (!code)
        code = check_architecture(model, &file, err);
    free(file.tensors);
    model->info.path = model->path;
    model->info.format = file.format;
    return code;
}

int npu_model_open(struct npu_model **out, const char *path, struct npu_error *err)
{
    struct npu_model *model = calloc(1, sizeof(*model));
    if (!model)
        return npu_fail(err, -ENOMEM, "%s: no memory", path);
    model->fd = -1;
    int code = open_model(model, path, err);
    if (code) {
        npu_model_close(&model);
        return code;
    }
    *out = model;
    return 0;
}

void npu_model_get_identity(const struct npu_model *model, struct npu_model_identity *identity)
{
    *identity = (struct npu_model_identity){
        .device = model->opened.st_dev,
        .inode = model->opened.st_ino,
        .size = (uint64_t)model->opened.st_size,
        .seconds = model->opened.st_mtim.tv_sec,
        .nanoseconds = model->opened.st_mtim.tv_nsec,
    };
}

void npu_model_get_info(const struct npu_model *model, struct npu_model_info *info)
{
    *info = model->info;
}

void npu_model_cancel(struct npu_model *model)
{
    atomic_store(&model->cancelled, true);
}

bool npu_model_is_cancelled(const struct npu_model *model)
{
    return atomic_load(&model->cancelled);
}

void npu_model_close(struct npu_model **model)
{
    if (!*model)
        return;
    if ((*model)->fd >= 0)
        close((*model)->fd);
    free((*model)->extents);
    free((*model)->path);
    free(*model);
    *model = NULL;
}

/* The header was checked once; a file that was written to since may be anything. */
static int check_unchanged(const struct npu_model *model, const char *name, struct npu_error *err)
{
    struct stat now;
    if (fstat(model->fd, &now) != 0)
        return npu_fail(err, -EIO, "%s: tensor %s: %s", model->label, name, strerror(errno));
    if (now.st_size < model->opened.st_size)
        return npu_fail(err, -EIO,
                        "%s: tensor %s: expected a file of %lld bytes as when it was opened, found "
                        "%lld",
                        model->label, name, (long long)model->opened.st_size,
                        (long long)now.st_size);
    if (now.st_size != model->opened.st_size ||
        now.st_mtim.tv_sec != model->opened.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != model->opened.st_mtim.tv_nsec)
        return npu_fail(err, -EBADMSG,
                        "%s: tensor %s: expected the file as it was opened, found it rewritten",
                        model->label, name);
    return 0;
}

static int fail_value(const struct npu_model *model, const char *name, enum npu_dtype dtype,
                      const uint8_t *raw, uint64_t first, struct npu_error *err)
{
    size_t i = 0;
    float value;
    /* npu_convert() said that there is one */
    do
        value = npu_convert_one(dtype, raw, i++);
    while (value > -NPU_WEIGHT_LIMIT && value < NPU_WEIGHT_LIMIT);
    return npu_fail(err, -EBADMSG,
                    "%s: tensor %s: expected finite values below %g, found %g at element %" PRIu64,
                    model->label, name, (double)NPU_WEIGHT_LIMIT, (double)value, first + i - 1);
}

int npu_model_read_f32(const struct npu_model *model, enum npu_tensor tensor, unsigned layer,
                       uint64_t first, uint64_t count, float *dst, struct npu_error *err)
{
    uint8_t raw[32768]; /* small enough for L1, large enough to hide the call */
    assert((unsigned)tensor < NPU_TENSOR_COUNT);
    if ((unsigned)tensor < NPU_TENSOR_GLOBAL_COUNT)
        layer = 0;
    struct npu_name_text name = npu_name_format(tensor, layer, model->ggml);
    if (layer >= model->info.n_layers)
        return npu_fail(err, -EINVAL, "%s: tensor %s: expected a layer below %u, found %u",
                        model->label, name.text, model->info.n_layers, layer);
    const struct extent *extent = &model->extents[slot_of((unsigned)tensor, layer)];
    const struct npu_dtype_info *type = &npu_dtypes[extent->dtype];
    if (first > extent->count || count > extent->count - first || first % type->block != 0 ||
        count % type->block != 0)
        return npu_fail(err, -EINVAL,
                        "%s: tensor %s: expected a range of its %" PRIu64
                        " values in steps of %u, found %" PRIu64 " values from %" PRIu64,
                        model->label, name.text, extent->count, type->block, count, first);
    int code = check_unchanged(model, name.text, err);
    size_t most = sizeof(raw) / type->block_bytes * type->block;
    while (!code && count > 0) {
        if (npu_model_is_cancelled(model))
            return npu_fail(err, -ECANCELED, "%s: tensor %s: cancelled", model->label, name.text);
        size_t n = count < most ? (size_t)count : most;
        uint64_t offset = extent->offset + first / type->block * type->block_bytes;
        code = npu_file_read(model->fd, model->label, name.text, offset, raw,
                             n / type->block * type->block_bytes, err);
        if (!code && !npu_convert(extent->dtype, raw, n, dst))
            code = fail_value(model, name.text, extent->dtype, raw, first, err);
        dst += n;
        first += n;
        count -= n;
    }
    return code;
}
