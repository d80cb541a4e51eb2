/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings, and the names of places in them. */
#include "npu/sim/check/checker.h"

#include <stdarg.h>
#include <stdio.h>

const char *npu_severity_name(enum npu_severity severity)
{
    static const char *const names[] = {"error", "warning", "note"};
    return names[severity];
}

void npu_checker_report(struct npu_checker *c, enum npu_severity severity, const char *rule,
                        struct npu_ir_pos pos, const char *format, ...)
{
    uint32_t *counts[] = {&c->result->n_errors, &c->result->n_warnings, &c->result->n_notes};
    ++*counts[severity];
    if (!c->report)
        return;
    char text[640];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct npu_finding finding = {.rule = rule, .severity = severity, .pos = pos, .text = text};
    c->report(c->user, &finding);
}

struct npu_tile_text npu_tile_format(const struct npu_ir_array *array, uint32_t tile)
{
    static const char *const kinds[] = {"shim", "mem tile", "core"};
    const struct npu_tile *t = &array->tile[tile];
    struct npu_tile_text out;
    snprintf(out.text, sizeof(out.text), "%s (%u,%u)", kinds[npu_tile_kind(t)], t->column, t->row);
    return out;
}

const struct npu_fifo_end *npu_fifo_end(const struct npu_fifo *fifo, uint32_t end)
{
    return end == 0 ? &fifo->producer : &fifo->consumer[end - 1];
}
