/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the tensors of an encoder to a model: checks the exact shapes and derives the sizes. An
 * opened model is a few descriptors and a table of extents. */
#include "npu/model/model.h"
#include "npu/log.h"
#include "npu/model/foreign.h"
#include "npu/model/index.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct extent {
    uint64_t offset, count; /* bytes in the file; values */
    enum npu_dtype dtype;
    uint32_t source; /* which file */
};

struct npu_model {
    struct npu_file_source *sources; /* the file, or the parts that hold the encoder */
    unsigned n_sources;
    bool ggml;
    enum npu_naming naming;
    char prefix[NPU_NAME_MAX_PREFIX + 1];
    struct npu_model_identity identity;
    struct npu_model_info info;
    char *path;
    atomic_bool cancelled;
    struct extent *extents; /* [npu_slot_count(n_layers)] */
};

/* The file that a tensor is in, for messages. */
static const char *label_of(const struct npu_model *model, const struct npu_file_tensor *tensor)
{
    return model->sources[tensor->source].label;
}

/* The model's sizes, from two shapes; everything else must agree with them. */
static int derive_sizes(struct npu_model *model, const struct npu_slots *slots,
                        const struct npu_file *file, struct npu_error *err)
{
    struct npu_model_info *info = &model->info;
    const struct npu_file_tensor *conv = &file->tensors[slots->index[NPU_TENSOR_CONV1_WEIGHT]];
    const struct npu_file_tensor *positions = &file->tensors[slots->index[NPU_TENSOR_POSITIONS]];
    uint64_t d = conv->dims[0];
    if (conv->n_dims != 3 || d < 64 || d > NPU_MODEL_MAX_D_MODEL || d % 64 != 0 ||
        (conv->dims[1] != 80 && conv->dims[1] != 128))
        return npu_fail(err, -ENOTSUP,
                        "%s: tensor %s: expected shape [64 .. 2048 in steps of 64, 80 or 128, 3], "
                        "found %s",
                        label_of(model, conv), conv->name,
                        npu_shape_format(conv->n_dims, conv->dims).text);
    if (positions->n_dims != 2 || positions->dims[0] < 1 ||
        positions->dims[0] > NPU_WINDOW_POSITIONS)
        return npu_fail(err, -ENOTSUP,
                        "%s: tensor %s: expected shape [1 .. 1500, %" PRIu64 "], found %s",
                        label_of(model, positions), positions->name, d,
                        npu_shape_format(positions->n_dims, positions->dims).text);
    info->d_model = (unsigned)d;
    info->n_mels = (unsigned)conv->dims[1];
    info->n_ctx = (unsigned)positions->dims[0];
    info->n_heads = info->d_model / 64;
    info->d_ffn = 4 * info->d_model;
    return 0;
}

/* A Whisper decoder is 4 tensors and 24 per layer. ggml files do not say where they end: without
 * this count a file cut between two tensors of the decoder would pass. */
static int check_claims(const struct npu_model_info *info, const struct npu_slots *slots,
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

static int check_tensor(const struct npu_model *model, enum npu_tensor id,
                        const struct npu_file_tensor *tensor, struct npu_error *err)
{
    uint64_t dims[3];
    unsigned n = npu_tensor_shape(&model->info, id, dims);
    unsigned found = tensor->n_dims;
    /* whisper.cpp writes the biases of the convolutions as columns, [d_model, 1] */
    if (model->ggml && n == 1 && found == 2 && tensor->dims[1] == 1)
        found = 1;
    if (found != n || memcmp(dims, tensor->dims, n * sizeof(dims[0])) != 0)
        return npu_fail(err, -ENOTSUP, "%s: tensor %s: expected shape %s, found %s",
                        label_of(model, tensor), tensor->name, npu_shape_format(n, dims).text,
                        npu_shape_format(tensor->n_dims, tensor->dims).text);
    if (tensor->dtype >= NPU_DTYPE_READABLE)
        return npu_fail(err, tensor->dtype == NPU_DTYPE_UNKNOWN ? -EBADMSG : -ENOTSUP,
                        "%s: tensor %s: expected dtype F32, F16 or BF16, found %s",
                        label_of(model, tensor), tensor->name, tensor->type_name);
    return 0;
}

static int take_tensors(struct npu_model *model, const struct npu_slots *slots,
                        const struct npu_file *file, struct npu_error *err)
{
    unsigned n = npu_slot_count(slots->n_layers);
    model->extents = calloc(n, sizeof(*model->extents));
    if (!model->extents)
        return npu_fail(err, -ENOMEM, "%s: no memory for %u tensors", file->label, n);
    for (unsigned i = 0; i < n; i++) {
        const struct npu_file_tensor *tensor = &file->tensors[slots->index[i]];
        int code = check_tensor(model, npu_slot_tensor(i), tensor, err);
        if (code)
            return code;
        const struct npu_dtype_info *type = &npu_dtypes[tensor->dtype];
        uint64_t count = tensor->bytes / type->block_bytes * type->block;
        model->extents[i] = (struct extent){tensor->offset, count, tensor->dtype, tensor->source};
        model->info.n_params += count;
        model->info.load_bytes += tensor->bytes;
    }
    return 0;
}

/* Checks shapes and types of the encoder's tensors; their names are checked before. */
static int check_architecture(struct npu_model *model, const struct npu_slots *slots,
                              const struct npu_file *file, struct npu_error *err)
{
    int code = derive_sizes(model, slots, file, err);
    if (!code && model->ggml)
        code = check_claims(&model->info, slots, file, err);
    if (!code)
        code = take_tensors(model, slots, file, err);
    if (code && code != -ENOMEM && !model->ggml)
        npu_fail_more(err, code, "; the encoder taken is the one %s%s",
                      slots->prefix[0] ? "under the prefix " : "without a prefix", slots->prefix);
    return code;
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* FNV-1a, 64 bits */
static uint64_t hash(uint64_t value, const void *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        value = (value ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
    return value;
}

static void identify(struct npu_model_identity *identity, const struct stat *st)
{
    *identity = (struct npu_model_identity){
        .device = st->st_dev,
        .inode = st->st_ino,
        .size = (uint64_t)st->st_size,
        .seconds = st->st_mtim.tv_sec,
        .nanoseconds = st->st_mtim.tv_nsec,
    };
}

static void identify_parts(struct npu_model *model)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (unsigned i = 0; i < model->n_sources; i++) {
        struct npu_model_identity part;
        identify(&part, &model->sources[i].opened);
        value = hash(value, &part, sizeof(part));
    }
    model->identity.parts = value;
}

/* No complete encoder: if the file is a part of a sharded model, the sentence says so. */
static int fail_incomplete(const struct npu_file *file, enum npu_format format, const char *path,
                           struct npu_error *err)
{
    unsigned part, n_parts;
    if (format == NPU_FORMAT_JSON)
        return npu_fail_more(err, -ENOTSUP, "; it is the index of a sharded model");
    if (!npu_index_is_part(path, &part, &n_parts))
        return -ENOTSUP;
    return npu_fail(err, -ENOTSUP,
                    "%s: expected a whole encoder, found part %u of %u of a sharded model, without "
                    "a whole one: give the index (such as model.safetensors.index.json) or the "
                    "folder",
                    file->label, part, n_parts);
}

/* From the file's list of tensors to the model. Takes over *source where the model reads from it.
 * */
static int read_model(struct npu_model *model, struct npu_file_source *source,
                      enum npu_format format, struct npu_file *file, struct npu_error *err)
{
    struct npu_slots slots;
    model->ggml = format == NPU_FORMAT_GGML;
    int code = format == NPU_FORMAT_GGML   ? npu_ggml_read(file, err)
               : format == NPU_FORMAT_JSON ? npu_index_read(file, err)
                                           : npu_safetensors_read(file, err);
    if (code)
        return code;
    code = model->ggml ? npu_slots_find_ggml(&slots, file, err) : npu_slots_find(&slots, file, err);
    if (code == -ENODATA)
        return fail_incomplete(file, format, model->path, err);
    if (!code && format == NPU_FORMAT_JSON) {
        code = npu_index_open_parts(&model->sources, &model->n_sources, file, &slots, model->path,
                                    err);
        if (!code)
            identify_parts(model);
    } else if (!code) {
        model->sources = malloc(sizeof(*model->sources));
        if (!model->sources)
            return npu_fail(err, -ENOMEM, "%s: no memory", file->label);
        model->sources[0] = *source;
        model->n_sources = 1;
        source->fd = -1;
    }
    if (code)
        return code;
    model->naming = slots.naming;
    memcpy(model->prefix, slots.prefix, sizeof(model->prefix));
    model->info.n_layers = slots.n_layers;
    code = check_architecture(model, &slots, file, err);
    if (!code && !model->ggml)
        npu_log(NPU_LOG_INFO, "%s: encoder with the prefix \"%s\", %u other tensors ignored",
                file->label, slots.prefix, slots.n_ignored);
    return code;
}

static int open_model(struct npu_model *model, const char *path, struct npu_error *err)
{
    struct npu_file_source source;
    struct npu_file file;
    enum npu_format format;
    int code = npu_file_open(&source, path, err);
    if (!code)
        code = npu_foreign_check(&format, &source, err);
    if (!code) {
        model->path = malloc(strlen(path) + 1);
        if (!model->path)
            code = npu_fail(err, -ENOMEM, "%s: no memory", source.label);
    }
    if (!code) {
        strcpy(model->path, path);
        identify(&model->identity, &source.opened);
        npu_file_init(&file, &source);
        code = read_model(model, &source, format, &file, err);
        model->info.path = model->path;
        model->info.format = file.format;
        npu_file_clear(&file);
    }
    npu_file_close(&source);
    return code;
}

int npu_model_open(struct npu_model **out, const char *path, struct npu_error *err)
{
    struct npu_model *model = calloc(1, sizeof(*model));
    if (!model)
        return npu_fail(err, -ENOMEM, "%s: no memory", path);
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
    *identity = model->identity;
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
    for (unsigned i = 0; i < (*model)->n_sources; i++)
        npu_file_close(&(*model)->sources[i]);
    free((*model)->sources);
    free((*model)->extents);
    free((*model)->path);
    free(*model);
    *model = NULL;
}

static int fail_value(const struct npu_file_source *source, const char *name, enum npu_dtype dtype,
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
                    source->label, name, (double)NPU_WEIGHT_LIMIT, (double)value, first + i - 1);
}

int npu_model_read_f32(const struct npu_model *model, enum npu_tensor tensor, unsigned layer,
                       uint64_t first, uint64_t count, float *dst, struct npu_error *err)
{
    uint8_t raw[32768]; /* small enough for L1, large enough to hide the call */
    assert((unsigned)tensor < NPU_TENSOR_COUNT);
    if ((unsigned)tensor < NPU_TENSOR_GLOBAL_COUNT)
        layer = 0;
    struct npu_name_text name = npu_name_format(model->prefix, tensor, layer, model->naming);
    if (layer >= model->info.n_layers)
        return npu_fail(err, -EINVAL, "%s: tensor %s: expected a layer below %u, found %u",
                        model->path, name.text, model->info.n_layers, layer);
    const struct extent *extent = &model->extents[npu_slot((unsigned)tensor, layer)];
    const struct npu_file_source *source = &model->sources[extent->source];
    const struct npu_dtype_info *type = &npu_dtypes[extent->dtype];
    if (first > extent->count || count > extent->count - first || first % type->block != 0 ||
        count % type->block != 0)
        return npu_fail(err, -EINVAL,
                        "%s: tensor %s: expected a range of its %" PRIu64
                        " values in steps of %u, found %" PRIu64 " values from %" PRIu64,
                        source->label, name.text, extent->count, type->block, count, first);
    int code = npu_file_check_unchanged(source, name.text, err);
    size_t most = sizeof(raw) / type->block_bytes * type->block;
    while (!code && count > 0) {
        if (npu_model_is_cancelled(model))
            return npu_fail(err, -ECANCELED, "%s: tensor %s: cancelled", source->label, name.text);
        size_t n = count < most ? (size_t)count : most;
        uint64_t offset = extent->offset + first / type->block * type->block_bytes;
        code = npu_file_read(source->fd, source->label, name.text, offset, raw,
                             n / type->block * type->block_bytes, err);
        if (!code && !npu_convert(extent->dtype, raw, n, dst))
            code = fail_value(source, name.text, extent->dtype, raw, first, err);
        dst += n;
        first += n;
        count -= n;
    }
    return code;
}
