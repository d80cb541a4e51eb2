/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The map as text for a terminal: the array, its fifos, the memory of each tile. */
#include "npu/sim/map/map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH   100 /* columns of text */
#define GROUP   4   /* array columns beside each other */
#define BOX     22  /* characters inside of a tile's frame */
#define BAR     22
#define N_LINES 5 /* of a tile, without the frame's bottom */

struct grid { /* tile index by place, NPU_IR_NONE: not declared */
    uint32_t n_columns, n_rows;
    uint32_t *tile;
};

static const char *const kinds[] = {"shim", "mem", "core"};

static char letter(const struct npu_map_piece *piece)
{
    static const char letters[] = {[NPU_PIECE_STACK] = 's',
                                   [NPU_PIECE_POOL] = 'f',
                                   [NPU_PIECE_BUFFER] = 'b',
                                   [NPU_PIECE_COUNTERS] = 'c'};
    return letters[piece->what];
}

/* Each character stands for an equal part of the memory and shows what has the most bytes of it. */
static void draw_bar(const struct npu_map_tile *tile, char *bar)
{
    uint64_t total = npu_tile_limits(tile->kind)->bytes;
    memset(bar, total ? '.' : ' ', BAR);
    bar[BAR] = '\0';
    for (uint32_t cell = 0; cell < BAR && total; cell++) {
        uint64_t first = total * cell / BAR, end = total * (cell + 1) / BAR, most = 0;
        for (uint32_t i = 0; i < tile->n_pieces && tile->piece[i].address < end; i++) {
            const struct npu_map_piece *piece = &tile->piece[i];
            uint64_t last =
                piece->address + piece->bytes < end ? piece->address + piece->bytes : end;
            uint64_t start = piece->address > first ? piece->address : first;
            if (last > start && last - start > most) {
                most = last - start;
                bar[cell] = letter(piece);
            }
        }
    }
}

static void box_line(const struct npu_map *map, const struct npu_map_tile *tile, int line,
                     char *text, size_t size)
{
    const struct npu_tile_limits *limits = npu_tile_limits(tile->kind);
    const struct npu_tile *at = &map->array->tile[tile->tile];
    char bar[BAR + 1];
    switch (line) {
    case 1:
        snprintf(text, size, "%-4s (%u,%u)%s", kinds[tile->kind], at->column, at->row,
                 tile->sequential && limits->bytes && tile->n_pieces ? " sequential" : "");
        break;
    case 2:
        if (limits->bytes)
            snprintf(text, size, "%6" PRIu64 " bytes, %3" PRIu64 " %%", tile->used,
                     tile->used * 100 / limits->bytes);
        else
            snprintf(text, size, "no memory");
        break;
    case 3:
        draw_bar(tile, bar);
        snprintf(text, size, "%s", bar);
        break;
    case 4:
        snprintf(text, size, "S2MM %u/%u  MM2S %u/%u", tile->n_channels[NPU_S2MM], limits->channels,
                 tile->n_channels[NPU_MM2S], limits->channels);
        break;
    default:
        if (tile->kind == NPU_TILE_SHIM)
            snprintf(text, size, "bds by the sequence");
        else
            snprintf(text, size, "bds %u/%u  locks %u/%u", tile->n_bds, limits->bds, tile->n_locks,
                     limits->locks);
        break;
    }
}

static void draw_row(FILE *f, const struct npu_map *map, const struct grid *grid, uint32_t first,
                     uint32_t row)
{
    uint32_t last = first + GROUP < grid->n_columns ? first + GROUP : grid->n_columns;
    while (last > first && grid->tile[row * grid->n_columns + last - 1] == NPU_IR_NONE)
        last--;
    for (int line = 0; line <= N_LINES + 1; line++) {
        for (uint32_t column = first; column < last; column++) {
            uint32_t t = grid->tile[row * grid->n_columns + column];
            char text[128] = "";
            if (t != NPU_IR_NONE && line > 0 && line <= N_LINES)
                box_line(map, &map->tile[t], line, text, sizeof(text));
            if (t == NPU_IR_NONE)
                fprintf(f, "%*s", BOX + 2, "");
            else if (line == 0 || line == N_LINES + 1)
                fprintf(f, "+%.*s+", BOX, "----------------------------------------");
            else
                fprintf(f, "|%-*.*s|", BOX, BOX, text);
            fputs(column + 1 < last ? " " : "\n", f);
        }
    }
}

static bool row_is_empty(const struct grid *grid, uint32_t first, uint32_t row)
{
    for (uint32_t column = first; column < first + GROUP && column < grid->n_columns; column++)
        if (grid->tile[row * grid->n_columns + column] != NPU_IR_NONE)
            return false;
    return true;
}

static bool draw_tiles(FILE *f, const struct npu_map *map)
{
    const struct npu_ir_array *array = map->array;
    struct grid grid = {0};
    for (uint32_t t = 0; t < array->n_tiles; t++) {
        if (array->tile[t].column >= grid.n_columns)
            grid.n_columns = array->tile[t].column + 1;
        if (array->tile[t].row >= grid.n_rows)
            grid.n_rows = array->tile[t].row + 1;
    }
    size_t n = (size_t)grid.n_columns * grid.n_rows;
    grid.tile = malloc((n + 1) * sizeof(*grid.tile));
    if (!grid.tile)
        return false;
    memset(grid.tile, 0xff, n * sizeof(*grid.tile));
    for (uint32_t t = array->n_tiles; t-- > 0;)
        grid.tile[array->tile[t].row * grid.n_columns + array->tile[t].column] = t;
    for (uint32_t first = 0; first < grid.n_columns; first += GROUP)
        for (uint32_t row = grid.n_rows; row-- > 0;)
            if (!row_is_empty(&grid, first, row))
                draw_row(f, map, &grid, first, row);
    free(grid.tile);
    fputs("memory from low to high addresses: s stack, f fifo objects, b buffers, c counters, . "
          "free\n",
          f);
    return true;
}

/* "mem (0,1) S2MM 2 x2": place, channel, buffers. */
static void end_text(const struct npu_map *map, uint32_t fifo, uint32_t e, char *text, size_t size)
{
    const struct npu_map_end *end = &map->fifo[fifo][e];
    const struct npu_tile *tile = &map->array->tile[end->tile];
    char channel[24] = "shared", buffers[24] = "";
    if (end->channel != NPU_IR_NONE)
        snprintf(channel, sizeof(channel), "%s %u", end->direction == NPU_S2MM ? "S2MM" : "MM2S",
                 end->channel);
    if (end->pool != NPU_IR_NONE)
        snprintf(buffers, sizeof(buffers), " x%u", map->pool[end->pool].depth);
    snprintf(text, size, "%s (%u,%u) %s%s", kinds[npu_tile_kind(tile)], tile->column, tile->row,
             channel, buffers);
}

/* Append a piece of a list to the line, or begin a new one that starts at `indent`. */
static void add_wrapped(FILE *f, int *column, int indent, const char *text)
{
    int n = (int)strlen(text);
    if (*column > indent && *column + n > WIDTH) {
        fprintf(f, "\n%*s", indent, "");
        *column = indent;
        for (; *text == ' '; text++)
            n--;
    }
    fputs(text, f);
    *column += n;
}

static void draw_fifos(FILE *f, const struct npu_map *map)
{
    const struct npu_ir_array *array = map->array;
    fprintf(f, "\nfifos (from -> to; DMA channel, x buffers)\n");
    for (uint32_t i = 0; i < array->n_fifos; i++) {
        const struct npu_fifo *fifo = &array->fifo[i];
        char text[128], item[160];
        int column = fprintf(f, "  @%-14.40s %7" PRIu64 " bytes  ", fifo->name,
                             npu_ir_type_bytes(&fifo->type));
        const int indent = column;
        end_text(map, i, 0, text, sizeof(text));
        snprintf(item, sizeof(item), "%s ->", text);
        add_wrapped(f, &column, indent, item);
        for (uint32_t e = 1; e <= fifo->n_consumers; e++) {
            end_text(map, i, e, text, sizeof(text));
            snprintf(item, sizeof(item), " %s%s", text, e < fifo->n_consumers ? "," : "");
            add_wrapped(f, &column, indent, item);
        }
        fputc('\n', f);
    }
}

static void draw_links(FILE *f, const struct npu_map *map)
{
    const struct npu_ir_array *array = map->array;
    for (uint32_t i = 0; i < array->n_links; i++) {
        const struct npu_link *link = &array->link[i];
        int column = fprintf(f, "  %s", i == 0 ? "links  " : "       ");
        char item[80];
        for (uint32_t k = 0; k < link->n_in + link->n_out; k++) {
            uint32_t fifo = k >= link->n_in ? link->out[k - link->n_in] : link->in[k];
            snprintf(item, sizeof(item), "%s@%.40s",
                     k == link->n_in ? " -> "
                     : k             ? ", "
                                     : "",
                     array->fifo[fifo].name);
            add_wrapped(f, &column, 9, item);
        }
        fputc('\n', f);
    }
}

static void piece_text(const struct npu_map *map, const struct npu_map_piece *piece, char *text,
                       size_t size)
{
    const struct npu_ir_array *array = map->array;
    char name[64];
    if (piece->what == NPU_PIECE_POOL)
        snprintf(name, sizeof(name), "@%.40s[%u]", array->fifo[map->pool[piece->index].fifo].name,
                 piece->object);
    else if (piece->what == NPU_PIECE_BUFFER)
        snprintf(name, sizeof(name), "%.40s", array->buffer[piece->index].name);
    else
        snprintf(name, sizeof(name), "%s", piece->what == NPU_PIECE_STACK ? "stack" : "counters");
    snprintf(text, size, "  0x%05" PRIx64 " %s %" PRIu64, piece->address, name, piece->bytes);
}

static void draw_memory(FILE *f, const struct npu_map *map)
{
    fprintf(
        f,
        "\nmemory (address, what, bytes; room: what is left above for the constants of kernels)\n");
    for (uint32_t t = 0; t < map->array->n_tiles; t++) {
        const struct npu_map_tile *tile = &map->tile[t];
        const struct npu_tile *at = &map->array->tile[t];
        if (tile->n_pieces == 0)
            continue;
        int column = fprintf(f, "  %-4s (%u,%u)", kinds[tile->kind], at->column, at->row);
        for (uint32_t i = 0; i < tile->n_pieces; i++) {
            char text[128];
            piece_text(map, &tile->piece[i], text, sizeof(text));
            add_wrapped(f, &column, 14, text);
        }
        char room[40];
        snprintf(room, sizeof(room), tile->fits ? "  room %" PRIu64 : "  does not fit", tile->room);
        add_wrapped(f, &column, 14, room);
        fputc('\n', f);
    }
}

char *npu_map_draw(const struct npu_map *map)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return NULL;
    fprintf(f, "device %.40s @%.40s: %u tiles, %u fifos, %u cores\n", map->array->device,
            map->array->name, map->array->n_tiles, map->array->n_fifos, map->array->n_cores);
    bool ok = draw_tiles(f, map);
    draw_fifos(f, map);
    draw_links(f, map);
    draw_memory(f, map);
    ok = fclose(f) == 0 && ok;
    if (!ok) {
        free(text);
        return NULL;
    }
    return text;
}
