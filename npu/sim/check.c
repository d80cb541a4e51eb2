/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of the checks, and the reporting. */
#include "npu/sim/checker.h"
#include "npu/log.h"

#include <errno.h>
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

struct npu_tile_text npu_tile_format(const struct npu_array *array, uint32_t tile)
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

static bool check_array(struct npu_checker *c)
{
    npu_check_device(c);
    npu_check_memory(c);
    npu_check_fifos(c);
    return npu_check_links(c) && npu_check_streams(c) && npu_check_flow(c) && npu_check_bodies(c) &&
           npu_check_sequences(c);
}

int npu_design_check(const struct npu_design *design, const struct npu_check_options *options,
                     npu_check_report *report, void *user, struct npu_check_result *result,
                     struct npu_error *err)
{
    static const struct npu_check_options no_options;
    struct npu_check_result counted = {0};
    struct npu_checker c = {.design = design,
                            .options = options ? options : &no_options,
                            .report = report,
                            .user = user,
                            .result = &counted};
    if (design->n_arrays > 1)
        npu_check_error(
            &c, "one-device", design->array[1].pos,
            "the module has %u devices; the stock compiler keeps tables from one to the "
            "next and crashes: write one device per module",
            design->n_arrays);
    for (uint32_t i = 0; i < design->n_arrays; i++) {
        struct npu_map *map = NULL;
        c.array = &design->array[i];
        int code = npu_map_open(&map, c.array, err);
        if (code)
            return code;
        c.map = map;
        bool ok = check_array(&c);
        npu_map_close(&map);
        npu_arena_free(&c.arena);
        if (!ok)
            return npu_fail(err, -ENOMEM, "%s: no memory to check the design", design->file_name);
    }
    *result = counted;
    return 0;
}
