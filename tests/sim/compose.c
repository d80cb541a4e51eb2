/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every transfer asks for a token and is awaited before its descriptor is written again, so a
 * sequence is rounds of at most three transfers a shim. Nothing is shared with npu/array but the
 * shape's numbers. */
#include "tests/sim/compose.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/log.h"
#include "npu/sim/map/sequence_txn.h"

enum { OBJECT = 4096, COLUMNS = 4, ROWS = 4, NAME = 96, SEQUENCES = 64 };

/* A sequence: its name, and the bytes of its buffers. */
struct sequence {
    char name[NAME];
    size_t bytes[3];
    struct npu_array_shape shape;
};

struct composed {
    char *text; /* of the memory stream */
    size_t n;
    FILE *file;
    struct sequence sequence[SEQUENCES];
    unsigned n_sequences;
    struct npu_design *design; /* parsed, and its map */
    struct npu_map *map;
};

/* The file's text without the brackets that close device and module. */
static int copy_open(FILE *to, FILE *from, const char *path, struct npu_error *err)
{
    static const size_t most = 4 << 20; /* of the parser */
    char *text = malloc(most);
    if (!text)
        return npu_fail(err, -ENOMEM, "out of memory");
    size_t n = fread(text, 1, most, from);
    int ret = ferror(from) ? npu_fail(err, -EIO, "%s: cannot be read", path) : 0;
    for (int i = 0; ret == 0 && i < 2; i++) {
        while (n > 0 && text[n - 1] != '}')
            n--;
        if (n == 0)
            ret = npu_fail(err, -EBADMSG, "%s: expected a module with a device", path);
        else
            n--;
    }
    if (ret == 0)
        fwrite(text, 1, n, to);
    free(text);
    return ret;
}

int composed_open(struct composed **out, const char *path, struct npu_error *err)
{
    FILE *from = fopen(path, "r");
    if (!from)
        return npu_fail(err, -errno, "%s: %s", path, strerror(errno));
    struct composed *t = calloc(1, sizeof(*t));
    int ret = 0;
    if (t)
        t->file = open_memstream(&t->text, &t->n);
    if (!t || !t->file)
        ret = npu_fail(err, -ENOMEM, "out of memory");
    if (ret == 0)
        ret = copy_open(t->file, from, path, err);
    fclose(from);
    if (ret)
        composed_close(&t);
    else
        *out = t;
    return ret;
}

void composed_close(struct composed **composed)
{
    struct composed *t = *composed;

    *composed = NULL;
    if (!t)
        return;
    npu_map_close(&t->map);
    npu_design_close(&t->design);
    if (t->file)
        fclose(t->file);
    free(t->text);
    free(t);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* One transfer: buffer `argument` from `offset` on, `bytes` of it, `repeat` times. */
struct move {
    const char *fifo;
    int column; /* after the fifo's name; -1: none */
    int argument;
    size_t offset, bytes;
    int repeat;
};

static void put_fifo(FILE *f, const struct move *m)
{
    fprintf(f, m->column < 0 ? "@%s" : "@%s_%d", m->fifo, m->column);
}

static void put_head(FILE *f, const struct sequence *s)
{
    fprintf(f,
            "    aie.runtime_sequence @%s(%%b0: memref<%zuxi8>, %%b1: memref<%zuxi8>, %%b2: "
            "memref<%zuxi8>) {\n",
            s->name, s->bytes[0], s->bytes[1], s->bytes[2]);
}

static void put_move(FILE *f, const struct sequence *s, const struct move *m)
{
    fprintf(f, "      aiex.npu.dma_memcpy_nd (%%b%d[0, 0, 0, %zu][%d, 1, 1, %zu][0, 0, 0, 1]) {",
            m->argument, m->offset, m->repeat, m->bytes);
    fputs("metadata = ", f);
    put_fifo(f, m);
    fprintf(f, ", id = %d : i64, issue_token = true} : memref<%zuxi8>\n", m->argument,
            s->bytes[m->argument]);
}

/* n transfers, results first, and the wait for all of them. */
static void put_round(FILE *f, const struct sequence *s, const struct move *moves, int n)
{
    for (int i = 0; i < n; i++)
        put_move(f, s, &moves[i]);
    for (int i = 0; i < n; i++) {
        fputs("      aiex.npu.dma_wait {symbol = ", f);
        put_fifo(f, &moves[i]);
        fputs("}\n", f);
    }
}

/* ---- Sequences ------------------------------------------------------------------------------- */

static void compose_gemm16(FILE *f, const struct npu_array_shape *g, struct sequence *out)
{
    const size_t tile = (size_t)g->a_objects * OBJECT;
    const size_t a = g->operands ? (size_t)g->jobs * (tile + (size_t)16 * OBJECT) : tile;
    const size_t b = (size_t)g->jobs * (size_t)(1 + g->b_objects) * OBJECT;
    const size_t c = (size_t)g->jobs * (size_t)g->c_objects * ROWS * OBJECT;

    out->bytes[0] = (size_t)g->rows * ROWS * a;
    out->bytes[1] = COLUMNS * b;
    out->bytes[2] = (size_t)g->rows * COLUMNS * c;
    put_head(f, out);
    for (int group = 0; group < g->rows; group++) {
        struct move moves[3 * COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            size_t at = (size_t)(group * COLUMNS + i);
            moves[3 * i] = (struct move){"c_l2", i, 2, at * c, c, 1};
            moves[3 * i + 1] = (struct move){"a_l2", i, 0, at * a, a, g->operands ? 1 : g->jobs};
            moves[3 * i + 2] = (struct move){"b_l2", i, 1, (size_t)i * b, b, 1};
        }
        put_round(f, out, moves, 3 * COLUMNS);
    }
    fputs("    }\n", f);
}

static void compose_gemm1(FILE *f, const struct npu_array_shape *g, struct sequence *out)
{
    const size_t rows = (size_t)g->rows, a = (size_t)g->a_objects * OBJECT;
    const size_t b = (size_t)g->jobs * (size_t)(1 + g->b_objects) * OBJECT;
    const size_t c = (size_t)g->jobs * (size_t)g->c_objects * OBJECT;

    out->bytes[0] = rows * a;
    out->bytes[1] = b;
    out->bytes[2] = rows * c;
    put_head(f, out);
    for (size_t row = 0; row < rows; row++) {
        const struct move moves[] = {
            {"c", -1, 2, row * c, c, 1}, {"a", -1, 0, row * a, a, g->jobs}, {"b", -1, 1, 0, b, 1}};
        put_round(f, out, moves, 3);
    }
    fputs("    }\n", f);
}

static void compose_rows(FILE *f, const struct npu_array_shape *s, struct sequence *out)
{
    const bool gelu = s->design == NPU_ARRAY_GELU;
    const size_t n = (size_t)s->count, in = n * (size_t)s->in_bytes, to = n * (size_t)s->out_bytes;
    const struct move moves[] = {{gelu ? "g" : "y", -1, 2, 0, to, 1},
                                 {"job", -1, 1, 0, OBJECT, 1},
                                 {gelu ? "u" : "x", -1, 0, 0, in, 1}};

    out->bytes[0] = in;
    out->bytes[1] = OBJECT;
    out->bytes[2] = to;
    put_head(f, out);
    put_round(f, out, moves, 3);
    fputs("    }\n", f);
}

static void compose_attention(FILE *f, const struct npu_array_shape *s, struct sequence *out)
{
    const size_t q = (size_t)(1 + 2 * s->tiles) * OBJECT, kv = (size_t)(4 * s->blocks) * OBJECT;
    const size_t o = (size_t)(2 * s->tiles) * OBJECT, n = (size_t)s->heads;

    out->bytes[0] = n * q;
    out->bytes[1] = n * kv;
    out->bytes[2] = n * o;
    put_head(f, out);
    for (int first = 0; first < s->heads; first += COLUMNS) {
        struct move moves[3 * COLUMNS];
        int n_moves = 0;
        for (int i = 0; i < COLUMNS && first + i < s->heads; i++) {
            size_t head = (size_t)(first + i);
            moves[n_moves++] = (struct move){"o", i, 2, head * o, o, 1};
            moves[n_moves++] = (struct move){"q", i, 0, head * q, q, 1};
            moves[n_moves++] = (struct move){"kv", i, 1, head * kv, kv, s->tiles};
        }
        put_round(f, out, moves, n_moves);
    }
    fputs("    }\n", f);
}

/* ---- The whole ------------------------------------------------------------------------------- */

static struct sequence *find(struct composed *t, const struct npu_array_shape *shape)
{
    for (unsigned i = 0; i < t->n_sequences; i++)
        if (!memcmp(&t->sequence[i].shape, shape, sizeof(*shape)))
            return &t->sequence[i];
    return NULL;
}

int composed_add(struct composed *t, const struct npu_array_shape *shape)
{
    static void (*const compose[NPU_ARRAY_DESIGNS])(FILE * f, const struct npu_array_shape *shape,
                                                    struct sequence *out) = {
        [NPU_ARRAY_GEMM16] = compose_gemm16,       [NPU_ARRAY_GEMM1] = compose_gemm1,
        [NPU_ARRAY_GELU] = compose_rows,           [NPU_ARRAY_NORM] = compose_rows,
        [NPU_ARRAY_ATTENTION] = compose_attention,
    };
    if (find(t, shape))
        return 0;
    if (t->design || t->n_sequences == SEQUENCES)
        return -ENOSPC;
    struct sequence *s = &t->sequence[t->n_sequences++];
    s->shape = *shape;
    snprintf(s->name, sizeof(s->name), "s%u", t->n_sequences);
    compose[shape->design](t->file, shape, s);
    return 0;
}

int composed_end(struct composed *t, struct npu_error *err)
{
    fputs("  }\n}\n", t->file);
    if (fflush(t->file) || ferror(t->file))
        return npu_fail(err, -ENOMEM, "out of memory");
    int ret = npu_design_parse(&t->design, t->text, t->n, "composed", err);
    return ret ? ret : npu_map_open(&t->map, &t->design->array[0], err);
}

int composed_words(struct composed *t, const struct npu_array_shape *shape, struct npu_txn **out,
                   size_t bytes[NPU_ARRAY_BUFFERS], struct npu_error *err)
{
    const struct npu_ir_array *array = &t->design->array[0];
    const struct sequence *s = find(t, shape);
    const struct npu_sequence *sequence = s ? npu_ir_find_sequence(array, s->name) : NULL;
    if (!sequence)
        return npu_fail(err, -ENOENT, "no such shape was composed");
    memcpy(bytes, s->bytes, sizeof(s->bytes));
    return npu_sequence_words(out, t->design, array, t->map, (uint32_t)(sequence - array->sequence),
                              err);
}

const char *composed_name(struct composed *t, const struct npu_array_shape *shape)
{
    const struct sequence *s = find(t, shape);
    return s ? s->name : NULL;
}

const char *composed_text(const struct composed *t)
{
    return t->text;
}
