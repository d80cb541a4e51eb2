/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_MODEL_H
#define NPU_MODEL_MODEL_H
/* How backends read an opened model: tensors by meaning, as f32, in pieces.
 * npu_model_open() and the rest of the life cycle are in npu/npu.h. Threads: an opened model is
 * immutable but for npu_model_cancel(); npu_model_read_f32() uses pread() and may be called from
 * any thread. */
#include "npu/npu.h"

/* Shapes are torch's, row-major [out][in]. */
enum npu_tensor {
    NPU_TENSOR_CONV1_WEIGHT, /* [d_model][n_mels][3] */
    NPU_TENSOR_CONV1_BIAS,   /* [d_model] */
    NPU_TENSOR_CONV2_WEIGHT, /* [d_model][d_model][3] */
    NPU_TENSOR_CONV2_BIAS,   /* [d_model] */
    NPU_TENSOR_POSITIONS,    /* [n_ctx][d_model] */
    NPU_TENSOR_NORM_WEIGHT,  /* [d_model], the final norm */
    NPU_TENSOR_NORM_BIAS,    /* [d_model] */
    NPU_TENSOR_GLOBAL_COUNT,
    /* one each per layer */
    NPU_TENSOR_ATTN_NORM_WEIGHT = NPU_TENSOR_GLOBAL_COUNT, /* [d_model] */
    NPU_TENSOR_ATTN_NORM_BIAS,                             /* [d_model] */
    NPU_TENSOR_Q_WEIGHT,                                   /* [d_model][d_model] */
    NPU_TENSOR_Q_BIAS,                                     /* [d_model] */
    NPU_TENSOR_K_WEIGHT,                                   /* [d_model][d_model], no bias */
    NPU_TENSOR_V_WEIGHT,                                   /* [d_model][d_model] */
    NPU_TENSOR_V_BIAS,                                     /* [d_model] */
    NPU_TENSOR_OUT_WEIGHT,                                 /* [d_model][d_model] */
    NPU_TENSOR_OUT_BIAS,                                   /* [d_model] */
    NPU_TENSOR_FFN_NORM_WEIGHT,                            /* [d_model] */
    NPU_TENSOR_FFN_NORM_BIAS,                              /* [d_model] */
    NPU_TENSOR_FC1_WEIGHT,                                 /* [d_ffn][d_model] */
    NPU_TENSOR_FC1_BIAS,                                   /* [d_ffn] */
    NPU_TENSOR_FC2_WEIGHT,                                 /* [d_model][d_ffn] */
    NPU_TENSOR_FC2_BIAS,                                   /* [d_model] */
    NPU_TENSOR_COUNT
};

/* Identity of one version of a file: equal bytes mean the same file, unchanged. For a sharded model
 * it is the index's, and `parts` is a hash of those of the opened parts (else 0). */
struct npu_model_identity {
    uint64_t device, inode, size;
    int64_t seconds, nanoseconds; /* of the last change */
    uint64_t parts;
};
void npu_model_get_identity(const struct npu_model *model, struct npu_model_identity *identity);

/* Whether npu_model_cancel() was called. Threads: any. Blocks: no. */
bool npu_model_is_cancelled(const struct npu_model *model);

/* Read elements first .. first + count of a tensor (flattened, row-major) as f32; f16, bf16 and
 * quantised blocks are converted, every value is checked: finite, |w| < 1e4. `layer` is ignored for
 * global tensors. For block-quantised tensors `first` and `count` must be multiples of 32 (a row
 * always is). Returns: 0; -EINVAL beyond the tensor; -EBADMSG bad value; -EIO the file shrank or
 * could not be read; -ECANCELED; -ENOMEM never. dst holds garbage on failure. Allocates: no.
 * Blocks: on the file. */
int npu_model_read_f32(const struct npu_model *model, enum npu_tensor tensor, unsigned layer,
                       uint64_t first, uint64_t count, float *dst, struct npu_error *err);

#endif /* NPU_MODEL_MODEL_H */
