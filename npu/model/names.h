/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_NAMES_H
#define NPU_MODEL_NAMES_H
/* What a Whisper encoder consists of: names and shapes. Threads: any. */
#include "npu/model/model.h"

#define NPU_MODEL_MAX_LAYERS  64u
#define NPU_MODEL_MAX_D_MODEL 2048u
#define NPU_LAYER_TENSORS     ((unsigned)NPU_TENSOR_COUNT - NPU_TENSOR_GLOBAL_COUNT)

enum npu_name_kind { NPU_NAME_ENCODER, NPU_NAME_IGNORED, NPU_NAME_UNKNOWN };

/* What a file's `name` means; `tensor` and `layer` are set for NPU_NAME_ENCODER only. The decoder
 * is ignored: one name each for what it has, by prefix. */
enum npu_name_kind npu_name_classify(const char *name, bool ggml, enum npu_tensor *tensor,
                                     unsigned *layer);

struct npu_name_text {
    char text[96];
};
/* The name such a tensor has in a file of that kind (with "model." for safetensors). */
struct npu_name_text npu_name_format(enum npu_tensor tensor, unsigned layer, bool ggml);

/* Dimensions of a tensor in torch's order; returns how many, 1 .. 3. */
unsigned npu_tensor_shape(const struct npu_model_info *info, enum npu_tensor tensor,
                          uint64_t dims[3]);

#endif /* NPU_MODEL_NAMES_H */
