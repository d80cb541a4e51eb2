/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_LOG_H
#define NPU_LOG_H
/* Logging inside the core (npu_log_set() chooses where it goes), and struct npu_error. Threads:
 * any. */
#include "npu/npu.h"

__attribute__((format(printf, 2, 3))) void npu_log(enum npu_log_level level, const char *format,
                                                   ...);

/* Fill `err` (may be NULL) and return `code`, so that a failure is one line:
 * return npu_fail(err, -EBADMSG, "%s: header of %" PRIu64 " bytes, ...", path, n); */
__attribute__((format(printf, 3, 4))) int npu_fail(struct npu_error *err, int code,
                                                   const char *format, ...);

/* Append to the sentence in `err` (may be NULL) and return `code`; what has no room is cut. */
__attribute__((format(printf, 3, 4))) int npu_fail_more(struct npu_error *err, int code,
                                                        const char *format, ...);

#endif /* NPU_LOG_H */
