/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device, its tiles, the cores on them, the host buffers. */
#include "npu/sim/check/checker.h"

#include <stdlib.h>
#include <string.h>

#define N_ROWS           6
#define MAX_COORDINATE   127
#define PORTABLE_BUFFERS 5  /* of older toolchains */
#define MAX_BUFFERS      16 /* of the driver */

static const struct {
    const char *name;
    uint32_t n_columns;
} devices[] = {{"npu1", 4}, {"npu1_1col", 1}, {"npu1_2col", 2}, {"npu1_3col", 3}};

static void check_name(struct npu_checker *c)
{
    const char *name = c->array->device;
    c->n_columns = 0;
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
        if (strcmp(devices[i].name, name) == 0)
            c->n_columns = devices[i].n_columns;
    if (c->n_columns == 0)
        npu_check_error(c, "device-name", c->array->pos,
                        "device %.40s is not known here; npu1 (4 columns), npu1_1col, npu1_2col, "
                        "npu1_3col are%s",
                        name,
                        strcmp(name, "npu1_4col") == 0 ? "; npu1_4col was renamed to npu1" : "");
}

static void check_tiles(struct npu_checker *c)
{
    const struct npu_ir_array *array = c->array;
    uint32_t first[MAX_COORDINATE + 1][MAX_COORDINATE + 1];
    memset(first, 0xff, sizeof(first));
    for (uint32_t t = 0; t < array->n_tiles; t++) {
        const struct npu_tile *tile = &array->tile[t];
        if (c->n_columns && (tile->column >= c->n_columns || tile->row >= N_ROWS))
            npu_check_error(
                c, "tile-range", tile->pos,
                "tile (%u,%u) is outside of %s, which has columns 0 .. %u and rows 0 .. %u",
                tile->column, tile->row, array->device, c->n_columns - 1, N_ROWS - 1);
        uint32_t *old = &first[tile->column][tile->row];
        if (*old != NPU_IR_NONE)
            npu_check_error(c, "tile-twice", tile->pos,
                            "tile (%u,%u) is declared a second time; line %u has the first",
                            tile->column, tile->row, array->tile[*old].pos.line);
        else
            *old = t;
    }
}

static void check_cores(struct npu_checker *c)
{
    const struct npu_ir_array *array = c->array;
    for (uint32_t i = 0; i < array->n_cores; i++) {
        const struct npu_ir_core *core = &array->core[i];
        struct npu_tile_text tile = npu_tile_format(array, core->tile);
        uint32_t first = c->map->tile[core->tile].core;
        if (npu_tile_kind(&array->tile[core->tile]) != NPU_TILE_CORE)
            npu_check_error(c, "core-tile", core->pos, "%s has no core; rows 2 .. 5 have",
                            tile.text);
        if (first != i)
            npu_check_error(c, "core-twice", core->pos,
                            "%s has a second aie.core; line %u has the first", tile.text,
                            array->core[first].pos.line);
        if (core->stack_size < 0 && !core->empty)
            npu_checker_report(
                c, NPU_SEVERITY_NOTE, "stack-missing", core->pos,
                "%s sets no stack_size and gets 1024 bytes without a guard below its "
                "buffers",
                tile.text);
        if (core->stack_size > 16384)
            npu_check_error(
                c, "stack-bank", core->pos,
                "%s has a stack of %u bytes, more than the 16384 of one bank: the stock "
                "compiler then puts buffers into the stack",
                tile.text, (unsigned)core->stack_size);
    }
}

static void check_buffers(struct npu_checker *c)
{
    const struct npu_ir_array *array = c->array;
    for (uint32_t i = 0; i < array->n_buffers; i++) {
        const struct npu_buffer *buffer = &array->buffer[i];
        if (npu_tile_kind(&array->tile[buffer->tile]) == NPU_TILE_SHIM)
            npu_check_error(c, "buffer-tile", buffer->pos,
                            "buffer %.60s is on %s, which has no memory", buffer->name,
                            npu_tile_format(array, buffer->tile).text);
    }
}

static void check_host_buffers(struct npu_checker *c)
{
    for (uint32_t s = 0; s < c->array->n_sequences; s++) {
        const struct npu_sequence *sequence = &c->array->sequence[s];
        uint32_t n = 0;
        for (uint32_t i = 0; i < sequence->n_arguments; i++)
            n += sequence->body.slot_type[i].kind == NPU_IR_MEMREF;
        if (n > MAX_BUFFERS)
            npu_check_error(c, "host-buffers", sequence->pos,
                            "sequence @%.60s has %u host buffers; the driver takes at most %u",
                            sequence->name, n, MAX_BUFFERS);
        else if (n > PORTABLE_BUFFERS)
            npu_checker_report(
                c, NPU_SEVERITY_NOTE, "host-buffers-portable", sequence->pos,
                "sequence @%.60s has %u host buffers; toolchains before July 2026 take "
                "%u",
                sequence->name, n, PORTABLE_BUFFERS);
    }
}

void npu_check_device(struct npu_checker *c)
{
    check_name(c);
    check_tiles(c);
    check_cores(c);
    check_buffers(c);
    check_host_buffers(c);
}
