/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_FOREIGN_H
#define NPU_MODEL_FOREIGN_H
/* Files that lie where a model is expected but cannot be read as one: what a download leaves,
 * other tools' formats. Threads: any. */
#include "npu/model/file.h"

enum npu_format { NPU_FORMAT_SAFETENSORS, NPU_FORMAT_GGML, NPU_FORMAT_JSON };

/* What an opened file is, by its first bytes. Returns 0; for a file of another kind -ENOTSUP (it
 * may hold a model) or -EBADMSG (it does not), and the sentence says what it is and what to do;
 * -EIO. */
int npu_foreign_check(enum npu_format *format, const struct npu_file_source *source,
                      struct npu_error *err);

#endif /* NPU_MODEL_FOREIGN_H */
