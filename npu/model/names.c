/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/model/names.h"

#include <stdio.h>
#include <string.h>

/* Sizes a shape is made of. */
enum size { SIZE_NONE, SIZE_D, SIZE_FFN, SIZE_MELS, SIZE_CTX, SIZE_TAPS };

static const struct {
    const char *name[NPU_NAMINGS]; /* after the prefix, or after "layers.N." / "blocks.N." */
    enum size shape[3];
} tensors[NPU_TENSOR_COUNT] = {
    [NPU_TENSOR_CONV1_WEIGHT] = {{"conv1.weight", "conv1.weight"}, {SIZE_D, SIZE_MELS, SIZE_TAPS}},
    [NPU_TENSOR_CONV1_BIAS] = {{"conv1.bias", "conv1.bias"}, {SIZE_D}},
    [NPU_TENSOR_CONV2_WEIGHT] = {{"conv2.weight", "conv2.weight"}, {SIZE_D, SIZE_D, SIZE_TAPS}},
    [NPU_TENSOR_CONV2_BIAS] = {{"conv2.bias", "conv2.bias"}, {SIZE_D}},
    [NPU_TENSOR_POSITIONS] = {{"embed_positions.weight", "positional_embedding"},
                              {SIZE_CTX, SIZE_D}},
    [NPU_TENSOR_NORM_WEIGHT] = {{"layer_norm.weight", "ln_post.weight"}, {SIZE_D}},
    [NPU_TENSOR_NORM_BIAS] = {{"layer_norm.bias", "ln_post.bias"}, {SIZE_D}},
    [NPU_TENSOR_ATTN_NORM_WEIGHT] = {{"self_attn_layer_norm.weight", "attn_ln.weight"}, {SIZE_D}},
    [NPU_TENSOR_ATTN_NORM_BIAS] = {{"self_attn_layer_norm.bias", "attn_ln.bias"}, {SIZE_D}},
    [NPU_TENSOR_Q_WEIGHT] = {{"self_attn.q_proj.weight", "attn.query.weight"}, {SIZE_D, SIZE_D}},
    [NPU_TENSOR_Q_BIAS] = {{"self_attn.q_proj.bias", "attn.query.bias"}, {SIZE_D}},
    [NPU_TENSOR_K_WEIGHT] = {{"self_attn.k_proj.weight", "attn.key.weight"}, {SIZE_D, SIZE_D}},
    [NPU_TENSOR_V_WEIGHT] = {{"self_attn.v_proj.weight", "attn.value.weight"}, {SIZE_D, SIZE_D}},
    [NPU_TENSOR_V_BIAS] = {{"self_attn.v_proj.bias", "attn.value.bias"}, {SIZE_D}},
    [NPU_TENSOR_OUT_WEIGHT] = {{"self_attn.out_proj.weight", "attn.out.weight"}, {SIZE_D, SIZE_D}},
    [NPU_TENSOR_OUT_BIAS] = {{"self_attn.out_proj.bias", "attn.out.bias"}, {SIZE_D}},
    [NPU_TENSOR_FFN_NORM_WEIGHT] = {{"final_layer_norm.weight", "mlp_ln.weight"}, {SIZE_D}},
    [NPU_TENSOR_FFN_NORM_BIAS] = {{"final_layer_norm.bias", "mlp_ln.bias"}, {SIZE_D}},
    [NPU_TENSOR_FC1_WEIGHT] = {{"fc1.weight", "mlp.0.weight"}, {SIZE_FFN, SIZE_D}},
    [NPU_TENSOR_FC1_BIAS] = {{"fc1.bias", "mlp.0.bias"}, {SIZE_FFN}},
    [NPU_TENSOR_FC2_WEIGHT] = {{"fc2.weight", "mlp.2.weight"}, {SIZE_D, SIZE_FFN}},
    [NPU_TENSOR_FC2_BIAS] = {{"fc2.bias", "mlp.2.bias"}, {SIZE_D}},
};

static bool take_prefix(const char **text, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(*text, prefix, n) != 0)
        return false;
    *text += n;
    return true;
}

/* "12." without leading zeros, below NPU_MODEL_MAX_LAYERS. */
static bool take_layer(const char **text, unsigned *layer)
{
    const char *at = *text;
    unsigned value = 0, digits = 0;
    for (; *at >= '0' && *at <= '9' && digits < 3; at++, digits++)
        value = 10 * value + (unsigned)(*at - '0');
    if (digits == 0 || *at != '.' || (digits > 1 && **text == '0') || value >= NPU_MODEL_MAX_LAYERS)
        return false;
    *layer = value;
    *text = at + 1;
    return true;
}

/* Where an encoder is: in whole models as Hugging Face saves them, as torch.compile, data parallel
 * training and trainers' classes rename them, and in multimodal models. */
static const char *const prefixes[] = {
    "encoder.", "model.", "_orig_mod.", "module.", "audio_tower.", "thinker.audio_tower.",
    "whisper.",
};

#define MAX_PREFIXES 8

size_t npu_name_prefix(const char *name)
{
    const char *rest = name;
    for (unsigned n = 0; n < MAX_PREFIXES; n++) {
        size_t i = 0;
        while (i < sizeof(prefixes) / sizeof(prefixes[0]) && !take_prefix(&rest, prefixes[i]))
            i++;
        if (i == sizeof(prefixes) / sizeof(prefixes[0]))
            break;
    }
    return (size_t)(rest - name);
}

static const char *const layers[NPU_NAMINGS] = {"layers.", "blocks."};

bool npu_name_find(const char *rest, enum npu_naming naming, enum npu_tensor *tensor,
                   unsigned *layer)
{
    unsigned first = 0, end = NPU_TENSOR_GLOBAL_COUNT, number = 0;
    if (take_prefix(&rest, layers[naming])) {
        if (!take_layer(&rest, &number))
            return false;
        first = NPU_TENSOR_GLOBAL_COUNT;
        end = NPU_TENSOR_COUNT;
    }
    for (unsigned i = first; i < end; i++) {
        if (strcmp(rest, tensors[i].name[naming]) == 0) {
            *tensor = (enum npu_tensor)i;
            *layer = number;
            return true;
        }
    }
    return false;
}

struct npu_name_text npu_name_format(const char *prefix, enum npu_tensor tensor, unsigned layer,
                                     enum npu_naming naming)
{
    struct npu_name_text out;
    const char *name = tensors[tensor].name[naming];
    if ((unsigned)tensor < NPU_TENSOR_GLOBAL_COUNT)
        snprintf(out.text, sizeof(out.text), "%s%s", prefix, name);
    else
        snprintf(out.text, sizeof(out.text), "%s%s%u.%s", prefix, layers[naming], layer, name);
    return out;
}

unsigned npu_tensor_shape(const struct npu_model_info *info, enum npu_tensor tensor,
                          uint64_t dims[3])
{
    const uint64_t sizes[] = {
        [SIZE_D] = info->d_model, [SIZE_FFN] = info->d_ffn, [SIZE_MELS] = info->n_mels,
        [SIZE_CTX] = info->n_ctx, [SIZE_TAPS] = 3,
    };
    unsigned n = 0;
    for (; n < 3 && tensors[tensor].shape[n] != SIZE_NONE; n++)
        dims[n] = sizes[tensors[tensor].shape[n]];
    return n;
}
