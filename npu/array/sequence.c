/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/array/sequence.h"

#include <errno.h>

#include "npu/array/pack.h"
#include "npu/log.h"

enum { OBJECT = NPU_ARRAY_OBJECT, OUT = NPU_ARRAY_BUFFERS - 1 };

/* Bytes of a transfer, by buffer. */
struct portion {
    size_t bytes[NPU_ARRAY_BUFFERS];
};

/* What one group of rows, or one row, moves through a column. */
static struct portion gemm_portion(const struct npu_array_shape *s)
{
    const size_t tile = (size_t)s->a_objects * OBJECT, jobs = (size_t)s->jobs;
    const size_t rows = s->design == NPU_ARRAY_GEMM16 ? NPU_ARRAY_ROWS : 1;
    const size_t operands = (size_t)4 * NPU_ARRAY_COLUMNS * OBJECT;

    return (struct portion){{s->operands ? jobs * (tile + operands) : tile,
                             jobs * (size_t)(1 + s->b_objects) * OBJECT,
                             jobs * (size_t)s->c_objects * rows * OBJECT}};
}

static struct portion head_portion(const struct npu_array_shape *s)
{
    return (struct portion){{(size_t)(1 + 2 * s->tiles) * OBJECT, (size_t)(4 * s->blocks) * OBJECT,
                             (size_t)(2 * s->tiles) * OBJECT}};
}

void npu_array_shape_bytes(const struct npu_array_shape *s, size_t bytes[NPU_ARRAY_BUFFERS])
{
    const size_t columns = s->design == NPU_ARRAY_GEMM16 ? NPU_ARRAY_COLUMNS : 1;
    const size_t rows = s->design == NPU_ARRAY_GEMM16 ? NPU_ARRAY_ROWS : 1;
    size_t n[NPU_ARRAY_BUFFERS] = {(size_t)s->rows * rows, columns, (size_t)s->rows * columns};
    struct portion portion = gemm_portion(s);

    if (s->design == NPU_ARRAY_GELU || s->design == NPU_ARRAY_NORM) {
        portion = (struct portion){{(size_t)s->in_bytes, OBJECT, (size_t)s->out_bytes}};
        n[0] = n[OUT] = (size_t)s->count;
        n[1] = 1;
    } else if (s->design == NPU_ARRAY_ATTENTION) {
        portion = head_portion(s);
        n[0] = n[1] = n[OUT] = (size_t)s->heads;
    }
    for (int i = 0; i < NPU_ARRAY_BUFFERS; i++)
        bytes[i] = n[i] * portion.bytes[i];
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

/* Transfers that are under way together, and the wait for all of them. */
struct round {
    struct npu_txn_transfer move[NPU_ARRAY_BUFFERS * NPU_ARRAY_COLUMNS];
    int n;
};

/* `bytes` of a buffer from `offset` on, `repeat` times, through a column. */
static void add(struct round *r, int column, int buffer, size_t offset, size_t bytes, int repeat)
{
    r->move[r->n++] = (struct npu_txn_transfer){
        .column = (uint8_t)column,
        .direction = buffer == OUT ? NPU_TXN_S2MM : NPU_TXN_MM2S,
        .channel = buffer == 1,
        .bd = (uint8_t)buffer,
        .token = true,
        .argument = (uint32_t)buffer,
        .offset_bytes = (uint32_t)offset,
        .element_bytes = 1,
        .size = {(uint32_t)repeat, 1, 1, (uint32_t)bytes},
        .stride = {0, 0, 0, 1},
    };
}

static int append_round(struct npu_txn *txn, const struct round *r, struct npu_error *err)
{
    int ret = 0;

    for (int i = 0; i < r->n && ret == 0; i++)
        ret = npu_txn_append_transfer(txn, &r->move[i], err);
    for (int i = 0; i < r->n && ret == 0; i++) {
        const struct npu_txn_wait wait = {.column = r->move[i].column,
                                          .direction = r->move[i].direction,
                                          .channel = r->move[i].channel,
                                          .n_columns = 1,
                                          .n_rows = 1};
        ret = npu_txn_append_wait(txn, &wait, err);
    }
    return ret;
}

/* ---- Sequences ------------------------------------------------------------------------------- */

/* A round for each group of rows, results first in every column. */
static int compose_gemm(struct npu_txn *txn, const struct npu_array_shape *s, struct npu_error *err)
{
    const int columns = s->design == NPU_ARRAY_GEMM16 ? NPU_ARRAY_COLUMNS : 1;
    const struct portion p = gemm_portion(s);
    int ret = 0;

    for (int group = 0; group < s->rows && ret == 0; group++) {
        struct round r = {.n = 0};
        for (int i = 0; i < columns; i++) {
            const size_t at = (size_t)(group * columns + i);
            add(&r, i, OUT, at * p.bytes[OUT], p.bytes[OUT], 1);
            add(&r, i, 0, at * p.bytes[0], p.bytes[0], s->operands ? 1 : s->jobs);
            add(&r, i, 1, (size_t)i * p.bytes[1], p.bytes[1], 1);
        }
        ret = append_round(txn, &r, err);
    }
    return ret;
}

/* The job before the objects that it is for. */
static int compose_rows(struct npu_txn *txn, const struct npu_array_shape *s, struct npu_error *err)
{
    struct round r = {.n = 0};

    add(&r, 0, OUT, 0, (size_t)s->count * (size_t)s->out_bytes, 1);
    add(&r, 0, 1, 0, OBJECT, 1);
    add(&r, 0, 0, 0, (size_t)s->count * (size_t)s->in_bytes, 1);
    return append_round(txn, &r, err);
}

/* A round for every four heads. */
static int compose_attention(struct npu_txn *txn, const struct npu_array_shape *s,
                             struct npu_error *err)
{
    const struct portion p = head_portion(s);
    int ret = 0;

    for (int first = 0; first < s->heads && ret == 0; first += NPU_ARRAY_COLUMNS) {
        struct round r = {.n = 0};
        for (int i = 0; i < NPU_ARRAY_COLUMNS && first + i < s->heads; i++) {
            const size_t head = (size_t)(first + i);
            add(&r, i, OUT, head * p.bytes[OUT], p.bytes[OUT], 1);
            add(&r, i, 0, head * p.bytes[0], p.bytes[0], 1);
            add(&r, i, 1, head * p.bytes[1], p.bytes[1], s->tiles);
        }
        ret = append_round(txn, &r, err);
    }
    return ret;
}

int npu_array_compose(struct npu_txn **out, const struct npu_array_shape *shape,
                      struct npu_error *err)
{
    static int (*const compose[NPU_ARRAY_DESIGNS])(
        struct npu_txn * txn, const struct npu_array_shape *shape, struct npu_error *err) = {
        [NPU_ARRAY_GEMM16] = compose_gemm,         [NPU_ARRAY_GEMM1] = compose_gemm,
        [NPU_ARRAY_GELU] = compose_rows,           [NPU_ARRAY_NORM] = compose_rows,
        [NPU_ARRAY_ATTENTION] = compose_attention,
    };
    size_t bytes[NPU_ARRAY_BUFFERS];
    struct npu_txn *txn = NULL;

    npu_array_shape_bytes(shape, bytes);
    for (int i = 0; i < NPU_ARRAY_BUFFERS; i++)
        if (bytes[i] > UINT32_MAX)
            return npu_fail(err, -EINVAL,
                            "buffer %d of a sequence has %zu bytes, expected less than "
                            "4 GiB",
                            i, bytes[i]);
    int ret = npu_txn_open(&txn, &NPU_TXN_NPU1(NPU_ARRAY_COLUMNS), err);
    if (ret == 0)
        ret = compose[shape->design](txn, shape, err);
    if (ret) {
        npu_txn_close(&txn);
        return ret;
    }
    *out = txn;
    return 0;
}
