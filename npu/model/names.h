/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_NAMES_H
#define NPU_MODEL_NAMES_H
/* Names and shapes of a Whisper encoder's tensors. A name is a prefix, which says where in a file
 * the encoder is, and the rest, which says which of its tensors it is. Threads: any. */
#include "npu/model/model.h"

#define NPU_MODEL_MAX_LAYERS  64u
#define NPU_MODEL_MAX_D_MODEL 2048u
#define NPU_LAYER_TENSORS     ((unsigned)NPU_TENSOR_COUNT - NPU_TENSOR_GLOBAL_COUNT)
#define NPU_MODEL_MAX_SLOTS   (NPU_TENSOR_GLOBAL_COUNT + NPU_MODEL_MAX_LAYERS * NPU_LAYER_TENSORS)

/* Hugging Face's names ("layers.0.fc1.weight"); OpenAI's own, which ggml files have too
 * ("blocks.0.mlp.0.weight"). */
enum npu_naming { NPU_NAMING_HF, NPU_NAMING_OPENAI, NPU_NAMINGS };

#define NPU_NAME_MAX_PREFIX 160

/* Bytes of `name` that are a prefix: as many as there are of "encoder.", "model.", "_orig_mod.",
 * "module.", "audio_tower.", "thinker.audio_tower.", "whisper.", in any order, 8 at most. They sum
 * up to NPU_NAME_MAX_PREFIX at most. No name of an encoder's tensor begins with one of them. */
size_t npu_name_prefix(const char *name);

/* Whether `rest`, a name without its prefix, is an encoder's tensor in that naming, and which; the
 * names of the convolutions are the same in both. Layers are below NPU_MODEL_MAX_LAYERS. */
bool npu_name_find(const char *rest, enum npu_naming naming, enum npu_tensor *tensor,
                   unsigned *layer);

struct npu_name_text {
    char text[NPU_NAME_MAX_PREFIX + 64];
};
/* The name such a tensor has in a file. */
struct npu_name_text npu_name_format(const char *prefix, enum npu_tensor tensor, unsigned layer,
                                     enum npu_naming naming);

/* Dimensions of a tensor in torch's order; returns how many, 1 .. 3. */
unsigned npu_tensor_shape(const struct npu_model_info *info, enum npu_tensor tensor,
                          uint64_t dims[3]);

/* Place of a tensor in tables of all of them, and how many there are. */
static inline unsigned npu_slot(unsigned tensor, unsigned layer)
{
    return tensor < NPU_TENSOR_GLOBAL_COUNT ? tensor : tensor + layer * NPU_LAYER_TENSORS;
}

static inline unsigned npu_slot_count(unsigned n_layers)
{
    return NPU_TENSOR_GLOBAL_COUNT + n_layers * NPU_LAYER_TENSORS;
}

static inline enum npu_tensor npu_slot_tensor(unsigned slot)
{
    if (slot >= NPU_TENSOR_GLOBAL_COUNT)
        slot = NPU_TENSOR_GLOBAL_COUNT + (slot - NPU_TENSOR_GLOBAL_COUNT) % NPU_LAYER_TENSORS;
    return (enum npu_tensor)slot;
}

static inline unsigned npu_slot_layer(unsigned slot)
{
    return slot < NPU_TENSOR_GLOBAL_COUNT ? 0
                                          : (slot - NPU_TENSOR_GLOBAL_COUNT) / NPU_LAYER_TENSORS;
}

#endif /* NPU_MODEL_NAMES_H */
