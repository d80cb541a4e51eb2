/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_SLOTS_H
#define NPU_MODEL_SLOTS_H
/* From the tensors of a file to those of the encoder in it. Threads: any. */
#include "npu/model/file.h"
#include "npu/model/names.h"

/* An encoder in a file: which tensor of the list each of its own is. */
struct npu_slots {
    int index[NPU_MODEL_MAX_SLOTS]; /* into file->tensors, for npu_slot(); -1: missing */
    unsigned n_layers;
    unsigned n_ignored; /* tensors of the file that are not the encoder's */
    enum npu_naming naming;
    char prefix[NPU_NAME_MAX_PREFIX + 1]; /* that all its names begin with; may be "" */
};

/* Find the one complete encoder in a list of tensors with names of any kind: the tensors with one
 * prefix and one naming that are exactly an encoder's. Looks at names alone. On failure *slots is
 * garbage. Returns 0; -ENODATA no encoder is complete (`err` names the most complete one and what
 * it lacks); -ENOTSUP several are complete, or the encoder's prefix has another tensor too. */
int npu_slots_find(struct npu_slots *slots, const struct npu_file *file, struct npu_error *err);

/* The same in a ggml file, which has an encoder, a decoder and nothing else; n_ignored are the
 * decoder's. Returns 0; -ENOTSUP. */
int npu_slots_find_ggml(struct npu_slots *slots, const struct npu_file *file,
                        struct npu_error *err);

#endif /* NPU_MODEL_SLOTS_H */
