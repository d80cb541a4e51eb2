/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_INDEX_H
#define NPU_MODEL_INDEX_H
/* Sharded checkpoints: an index in JSON that says in which safetensors file, a part, each tensor
 * is. Parts are in the folder of the index; the name of one is never a path (but a part may be a
 * symbolic link to elsewhere, as in Hugging Face's cache). */
#include "npu/model/slots.h"

#define NPU_INDEX_MAX_SOURCES 256u /* parts that hold tensors of one encoder */

/* Read an index into a list of names and parts. Returns 0; -EBADMSG damaged, or a part's name that
 * is a path; -ENOTSUP JSON that is no index; -EIO; -ENOMEM. */
int npu_index_read(struct npu_file *file, struct npu_error *err);

/* Open the parts that hold tensors of the encoder and complete these in the list: type, shape,
 * place, and `source`, the part's place in *sources. `path` is the index's. On success *sources
 * is (transfer full): close each and free() it. Returns 0; -ENOENT, -EACCES a part is missing or
 * not readable (`err` names it); -EBADMSG a damaged part, or one whose contents differ from the
 * index; -ENOTSUP; -EIO; -ENOMEM. */
int npu_index_open_parts(struct npu_file_source **sources, unsigned *n_sources,
                         struct npu_file *file, const struct npu_slots *slots, const char *path,
                         struct npu_error *err);

/* Whether a path ends like that of a part, "...-00001-of-00003.safetensors", and of which. */
bool npu_index_is_part(const char *path, unsigned *part, unsigned *n_parts);

#endif /* NPU_MODEL_INDEX_H */
