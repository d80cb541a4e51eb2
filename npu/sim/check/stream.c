/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams between neighbouring switches after a simple route: along the column of the source to the
 * row of the destination, sideways there (a mem tile's switch has no sideways ports: then along row
 * 0 or 2), and along the destination's column. The stock router may find another way, or none. */
#include "npu/sim/check/checker.h"

#include <stdlib.h>
#include <string.h>

#define SIDE     8 /* columns and rows that are counted: no device here has more */
#define MAX_UP   6
#define MAX_DOWN 4
#define MAX_SIDE 4

enum direction { UP, DOWN, EAST, WEST, N_DIRECTIONS };

struct streams {
    uint32_t count[SIDE][SIDE][N_DIRECTIONS]; /* leaving switch [column][row] */
    uint32_t used_by[SIDE][SIDE]
                    [N_DIRECTIONS]; /* the fifo that was counted last, plus 1: a broadcast
                                                   takes a port once */
};

static void take(struct streams *s, uint32_t column, uint32_t row, enum direction d, uint32_t fifo)
{
    if (s->used_by[column][row][d] == fifo + 1)
        return;
    s->used_by[column][row][d] = fifo + 1;
    s->count[column][row][d]++;
}

static void move_row(struct streams *s, uint32_t column, uint32_t *row, uint32_t to, uint32_t fifo)
{
    while (*row != to) {
        take(s, column, *row, *row < to ? UP : DOWN, fifo);
        *row += *row < to ? 1 : (uint32_t)-1;
    }
}

static void route(struct streams *s, const struct npu_tile *from, const struct npu_tile *to,
                  uint32_t fifo)
{
    uint32_t column = from->column, row = from->row;
    if (from->column != to->column) {
        uint32_t across = to->row >= 2 ? to->row : from->row;
        if (from->row == 0 || to->row == 0)
            across = 0;
        move_row(s, column, &row, across == 1 ? 2 : across, fifo);
        while (column != to->column) {
            take(s, column, row, column < to->column ? EAST : WEST, fifo);
            column += column < to->column ? 1 : (uint32_t)-1;
        }
    }
    move_row(s, column, &row, to->row, fifo);
}

bool npu_check_streams(struct npu_checker *c)
{
    static const char *const names[] = {"up", "down", "east", "west"};
    static const uint32_t most[] = {MAX_UP, MAX_DOWN, MAX_SIDE, MAX_SIDE};
    const struct npu_ir_array *array = c->array;
    struct streams *s = npu_arena_take(&c->arena, 1, sizeof(*s));
    if (!s)
        return false;
    for (uint32_t t = 0; t < array->n_tiles; t++)
        if (array->tile[t].column >= SIDE || array->tile[t].row >= SIDE)
            return true; /* outside of every device: reported elsewhere */
    for (uint32_t f = 0; f < array->n_fifos; f++)
        for (uint32_t e = 1; e <= array->fifo[f].n_consumers; e++)
            if (c->map->fifo[f][e].channel != NPU_IR_NONE)
                route(s, &array->tile[array->fifo[f].producer.tile],
                      &array->tile[array->fifo[f].consumer[e - 1].tile], f);
    for (uint32_t column = 0; column < SIDE; column++)
        for (uint32_t row = 0; row < SIDE; row++)
            for (int d = 0; d < N_DIRECTIONS; d++)
                if (s->count[column][row][d] > most[d])
                    npu_checker_report(
                        c, NPU_SEVERITY_WARNING, "streams", array->pos,
                        "%u streams leave switch (%u,%u) going %s on the straight way; it "
                        "has %u ports, so the router must find a detour",
                        s->count[column][row][d], column, row, names[d], most[d]);
    return true;
}
