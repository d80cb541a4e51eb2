/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runtime sequences as text. Every transfer asks for a token and is awaited before its descriptor
 * is written again, so a sequence is rounds of at most three transfers a shim. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/log.h"
#include "npu/sim/encoder.h"

enum { OBJECT = NPU_CORE_OBJECT };

struct npu_sim_text {
    char *text; /* of the memory stream */
    size_t n;
    FILE *file;
    bool ended; /* text has the closing brackets */
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

int npu_sim_text_open(struct npu_sim_text **out, const char *folder, const char *name,
                      struct npu_error *err)
{
    char path[1024];
    int n = snprintf(path, sizeof(path), "%s/%s.mlir", folder, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return npu_fail(err, -ENAMETOOLONG, "%s: the name is too long", folder);
    FILE *from = fopen(path, "r");
    if (!from) {
        int code = -errno;
        return npu_fail(err, code, "%s: %s; WHISPERNPU_DESIGNS names the folder of the designs",
                        path, strerror(-code));
    }
    struct npu_sim_text *t = calloc(1, sizeof(*t));
    int ret = 0;
    if (t)
        t->file = open_memstream(&t->text, &t->n);
    if (!t || !t->file)
        ret = npu_fail(err, -ENOMEM, "out of memory");
    if (ret == 0)
        ret = copy_open(t->file, from, path, err);
    fclose(from);
    if (ret) {
        npu_sim_text_close(&t);
        return ret;
    }
    *out = t;
    return 0;
}

void npu_sim_text_close(struct npu_sim_text **text)
{
    struct npu_sim_text *t = *text;

    *text = NULL;
    if (!t)
        return;
    if (t->file)
        fclose(t->file);
    free(t->text);
    free(t);
}

const char *npu_sim_text_get(struct npu_sim_text *t)
{
    if (!t->ended)
        fputs("  }\n}\n", t->file);
    t->ended = true;
    return fflush(t->file) || ferror(t->file) ? NULL : t->text;
}

/* Whether there is a sequence of this name. */
static bool has(struct npu_sim_text *t, const char *name)
{
    char head[NPU_SIM_NAME + 32];

    snprintf(head, sizeof(head), "aie.runtime_sequence @%s(", name);
    return fflush(t->file) == 0 && strstr(t->text, head);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* One transfer: buffer `argument` from `offset` on, `bytes` of it, `repeat` times. */
struct move {
    const char *fifo;
    int column; /* behind the fifo's name; -1: none */
    int argument;
    size_t offset, bytes;
    int repeat;
};

static void put_fifo(FILE *f, const struct move *m)
{
    fprintf(f, m->column < 0 ? "@%s" : "@%s_%d", m->fifo, m->column);
}

static void put_head(FILE *f, const struct npu_sim_sequence *s)
{
    fprintf(f,
            "    aie.runtime_sequence @%s(%%b0: memref<%zuxi8>, %%b1: memref<%zuxi8>, %%b2: "
            "memref<%zuxi8>) {\n",
            s->name, s->bytes[0], s->bytes[1], s->bytes[2]);
}

static void put_move(FILE *f, const struct npu_sim_sequence *s, const struct move *m)
{
    fprintf(f, "      aiex.npu.dma_memcpy_nd (%%b%d[0, 0, 0, %zu][%d, 1, 1, %zu][0, 0, 0, 1]) {",
            m->argument, m->offset, m->repeat, m->bytes);
    fputs("metadata = ", f);
    put_fifo(f, m);
    fprintf(f, ", id = %d : i64, issue_token = true} : memref<%zuxi8>\n", m->argument,
            s->bytes[m->argument]);
}

/* n transfers, results first, and the wait for all of them. */
static void put_round(FILE *f, const struct npu_sim_sequence *s, const struct move *moves, int n)
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

void npu_sim_compose_gemm16(struct npu_sim_text *t, const struct npu_sim_gemm_shape *g,
                            struct npu_sim_sequence *out)
{
    const size_t tile = (size_t)g->a_objects * OBJECT;
    const size_t a = g->operands ? (size_t)g->jobs * (tile + (size_t)16 * OBJECT) : tile;
    const size_t b = (size_t)g->jobs * (size_t)(1 + g->b_objects) * OBJECT;
    const size_t c = (size_t)g->jobs * (size_t)g->c_objects * NPU_SIM_ROWS * OBJECT;
    const size_t rows = (size_t)g->rows * NPU_SIM_ROWS, cores = (size_t)g->rows * NPU_SIM_COLUMNS;

    *out = (struct npu_sim_sequence){.bytes = {rows * a, NPU_SIM_COLUMNS * b, cores * c}};
    snprintf(out->name, sizeof(out->name), "gemm_%d_%d_%d_%d%s", g->rows, g->jobs, g->b_objects,
             g->c_objects, g->operands ? "_operands" : "");
    if (has(t, out->name))
        return;
    put_head(t->file, out);
    for (int group = 0; group < g->rows; group++) {
        struct move moves[3 * NPU_SIM_COLUMNS];
        for (int i = 0; i < NPU_SIM_COLUMNS; i++) {
            size_t at = (size_t)(group * NPU_SIM_COLUMNS + i);
            moves[3 * i] = (struct move){"c_l2", i, 2, at * c, c, 1};
            moves[3 * i + 1] = (struct move){"a_l2", i, 0, at * a, a, g->operands ? 1 : g->jobs};
            moves[3 * i + 2] = (struct move){"b_l2", i, 1, (size_t)i * b, b, 1};
        }
        put_round(t->file, out, moves, 3 * NPU_SIM_COLUMNS);
    }
    fputs("    }\n", t->file);
}

void npu_sim_compose_gemm1(struct npu_sim_text *t, const struct npu_sim_gemm_shape *g,
                           struct npu_sim_sequence *out)
{
    const size_t rows = (size_t)g->rows, a = (size_t)g->a_objects * OBJECT;
    const size_t b = (size_t)g->jobs * (size_t)(1 + g->b_objects) * OBJECT;
    const size_t c = (size_t)g->jobs * (size_t)g->c_objects * OBJECT;

    *out = (struct npu_sim_sequence){.bytes = {rows * a, b, rows * c}};
    snprintf(out->name, sizeof(out->name), "gemm_%d_%d_%d_%d", g->rows, g->jobs, g->b_objects,
             g->c_objects);
    if (has(t, out->name))
        return;
    put_head(t->file, out);
    for (size_t row = 0; row < rows; row++) {
        const struct move moves[] = {
            {"c", -1, 2, row * c, c, 1}, {"a", -1, 0, row * a, a, g->jobs}, {"b", -1, 1, 0, b, 1}};
        put_round(t->file, out, moves, 3);
    }
    fputs("    }\n", t->file);
}

void npu_sim_compose_rows(struct npu_sim_text *t, const char *in, const char *result, int count,
                          size_t in_bytes, size_t out_bytes, struct npu_sim_sequence *out)
{
    const size_t n = (size_t)count;

    *out = (struct npu_sim_sequence){.bytes = {n * in_bytes, OBJECT, n * out_bytes}};
    snprintf(out->name, sizeof(out->name), "rows_%d", count);
    if (has(t, out->name))
        return;
    const struct move moves[] = {{result, -1, 2, 0, n * out_bytes, 1},
                                 {"job", -1, 1, 0, OBJECT, 1},
                                 {in, -1, 0, 0, n * in_bytes, 1}};
    put_head(t->file, out);
    put_round(t->file, out, moves, 3);
    fputs("    }\n", t->file);
}

void npu_sim_compose_attention(struct npu_sim_text *t, int heads, int tiles, int blocks,
                               struct npu_sim_sequence *out)
{
    const size_t q = (size_t)(1 + 2 * tiles) * OBJECT, kv = (size_t)(4 * blocks) * OBJECT;
    const size_t o = (size_t)(2 * tiles) * OBJECT, n = (size_t)heads;

    *out = (struct npu_sim_sequence){.bytes = {n * q, n * kv, n * o}};
    snprintf(out->name, sizeof(out->name), "heads_%d_%d_%d", heads, tiles, blocks);
    if (has(t, out->name))
        return;
    put_head(t->file, out);
    for (int first = 0; first < heads; first += NPU_SIM_COLUMNS) {
        struct move moves[3 * NPU_SIM_COLUMNS];
        int n_moves = 0;
        for (int i = 0; i < NPU_SIM_COLUMNS && first + i < heads; i++) {
            size_t head = (size_t)(first + i);
            moves[n_moves++] = (struct move){"o", i, 2, head * o, o, 1};
            moves[n_moves++] = (struct move){"q", i, 0, head * q, q, 1};
            moves[n_moves++] = (struct move){"kv", i, 1, head * kv, kv, tiles};
        }
        put_round(t->file, out, moves, n_moves);
    }
    fputs("    }\n", t->file);
}
