/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_ENGINE_JSON_H
#define NPU_SIM_ENGINE_JSON_H
/* Writing JSON (RFC 8259). */
#include <stdio.h>

/* `text`, any bytes of UTF-8, as a string with its quotes. Errors: those of `file`. Threads: as
 * `file`. */
void npu_sim_json_string(FILE *file, const char *text);

#endif /* NPU_SIM_ENGINE_JSON_H */
