/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a sentence of the executor says it happened. */
#include "npu/sim/engine/array.h"

#include <stdarg.h>
#include <stdio.h>

int npu_sim_fail(struct npu_sim *sim, int code, const struct npu_ir_pos *pos, const char *format,
                 ...)
{
    struct npu_error *err = sim->err;
    if (!err)
        return code;
    size_t n = 0, most = sizeof(err->text);
    const struct npu_sim_host *host = &sim->host;
    if (pos)
        n = (size_t)snprintf(err->text, most, "%.300s:%u:%u: ", sim->design->file_name, pos->line,
                             pos->column);
    else if (host->running && !host->sequence && host->at_step < host->n_steps)
        n = (size_t)snprintf(err->text, most,
                             "instruction word %zu: ", host->step[host->at_step].word);
    else
        n = (size_t)snprintf(err->text, most, "%.300s: ", sim->design->file_name);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text + n, most - n, format, args);
    va_end(args);
    return code;
}
