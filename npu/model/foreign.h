/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_FOREIGN_H
#define NPU_MODEL_FOREIGN_H
/* Files where a model is expected that cannot be read as one: remains of a download, other tools'
 * formats. Threads: any. */
#include "npu/model/file.h"

enum npu_format { NPU_FORMAT_SAFETENSORS, NPU_FORMAT_GGML, NPU_FORMAT_JSON };

/* What an opened file is, by its first bytes. Returns 0; -ENOTSUP (another kind of file, may hold a
 * model) or -EBADMSG (holds none), and the sentence says what it is and what to do; -EIO. */
int npu_foreign_check(enum npu_format *format, const struct npu_file_source *source,
                      struct npu_error *err);

#endif /* NPU_MODEL_FOREIGN_H */
