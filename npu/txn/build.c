/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Building: from transfers to canonical form, buffer descriptors, operations and words. */
#include "npu/txn/txn.h"

#include "npu/log.h"
#include "npu/txn/shim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct npu_txn {
    struct npu_txn_device device;
    uint32_t *words;
    size_t n_words, capacity;
};

/* ---- Canonical transfers --------------------------------------------------------------------- */

static int check_place(const struct npu_txn_transfer *t, struct npu_error *err)
{
    if (t->column > 127)
        return npu_fail(err, -EINVAL, "transfer: column %u, expected 0..127", t->column);
    if (t->direction != NPU_TXN_S2MM && t->direction != NPU_TXN_MM2S)
        return npu_fail(err, -EINVAL, "transfer: direction %u, expected 0 (S2MM) or 1 (MM2S)",
                        (unsigned)t->direction);
    if (t->channel >= SHIM_N_CHANNELS)
        return npu_fail(err, -EINVAL, "transfer: channel %u, a shim tile has 0 and 1", t->channel);
    if (t->bd >= NPU_TXN_N_BDS)
        return npu_fail(err, -EINVAL,
                        "transfer: BD id %u, a shim tile has 0..15; 16 would lie on the channel "
                        "registers",
                        t->bd);
    if (t->element_bytes != 1 && t->element_bytes != 2 && t->element_bytes != 4)
        return npu_fail(err, -EINVAL, "transfer: elements of %u bytes, expected 1, 2 or 4",
                        t->element_bytes);
    if (t->offset_bytes % 4)
        return npu_fail(err, -EINVAL, "transfer: starts at byte %" PRIu32 ", no multiple of 4",
                        t->offset_bytes);
    if (t->burst_bytes != 0 && t->burst_bytes != 64 && t->burst_bytes != 128 &&
        t->burst_bytes != 256)
        return npu_fail(err, -EINVAL, "transfer: bursts of %u bytes, expected 64, 128 or 256",
                        t->burst_bytes);
    if (t->argument >= FIRMWARE_ARGUMENTS && t->offset_bytes >= ARGUMENT_MAP)
        return npu_fail(err, -EINVAL,
                        "transfer: starts at byte %" PRIu32 " of argument %" PRIu32
                        ", one of those after the first %u, whose patches have room for 2^31",
                        t->offset_bytes, t->argument, FIRMWARE_ARGUMENTS);
    return 0;
}

static int refuse_step(unsigned d, uint64_t stride, struct npu_error *err)
{
    return npu_fail(err, -EINVAL,
                    "transfer: stride[%u] is %" PRIu64
                    " words, a BD's step has 20 bits, at most 1048576",
                    d, stride);
}

/* Dimension `d` of `t` in words. */
static int count_words(struct npu_txn_transfer *t, unsigned d, struct npu_error *err)
{
    uint64_t size = t->size[d], stride = t->stride[d], bytes = t->element_bytes;
    if (size == 0)
        return npu_fail(err, -EINVAL, "transfer: size[%u] is 0, expected 1 or more", d);
    if (d == 3) {
        if (size * bytes % 4)
            return npu_fail(err, -EINVAL,
                            "transfer: size[3] of %" PRIu64 " elements is %" PRIu64
                            " bytes, no multiple of 4",
                            size, size * bytes);
        if (bytes < 4 && stride != 1)
            return npu_fail(err, -EINVAL,
                            "transfer: stride[3] is %" PRIu64
                            ", expected 1 for elements of %" PRIu64 " bytes",
                            stride, bytes);
        size = size * bytes / 4;
        stride = size == 1 || bytes < 4 ? 1 : stride;
    } else {
        stride = size == 1 ? 0 : stride * bytes;
        if (stride % 4)
            return npu_fail(err, -EINVAL,
                            "transfer: stride[%u] is %" PRIu64 " bytes, no multiple of 4", d,
                            stride);
        stride /= 4;
    }
    if (stride == 0 && size > 1 && d > 0)
        return npu_fail(err, -EINVAL,
                        "transfer: stride[%u] is 0, which only dimension 0 can repeat", d);
    if (stride > UINT32_MAX)
        return refuse_step(d, stride, err);
    t->size[d] = (uint32_t)size;
    t->stride[d] = (uint32_t)stride;
    return 0;
}

/* Fold contiguous dimensions of 1 to 3 (already in words). */
static int fold(struct npu_txn_transfer *t, struct npu_error *err)
{
    uint64_t row = t->size[3], plane = row * t->size[2];
    if (plane > UINT32_MAX || plane * t->size[1] > UINT32_MAX)
        return npu_fail(err, -EINVAL,
                        "transfer: a run of %" PRIu32 " x %" PRIu32 " x %" PRIu32
                        " words, a BD's length has 32 bits",
                        t->size[1], t->size[2], t->size[3]);
    if (t->stride[3] == 1 && (t->size[2] == 1 || t->stride[2] == row) &&
        (t->size[1] == 1 || t->stride[1] == plane)) {
        t->size[3] = (uint32_t)(plane * t->size[1]);
        t->size[1] = t->size[2] = 1;
        t->stride[1] = t->stride[2] = 0;
        t->stride[3] = 1;
        return 0;
    }
    for (unsigned d = 1; d < 4; d++)
        if (t->stride[d] > BD_STEP_MAX + 1)
            return refuse_step(d, t->stride[d], err);
    for (unsigned d = 2; d < 4; d++)
        if (t->size[d] > BD_WRAP_MAX)
            return npu_fail(err, -EINVAL,
                            "transfer: size[%u] is %" PRIu32
                            " %s, a BD's wrap has 10 bits, at most 1023, and the pattern is not "
                            "contiguous",
                            d, t->size[d], d == 3 ? "words" : "rows");
    return 0;
}

int npu_txn_transfer_canonical(struct npu_txn_transfer *out, const struct npu_txn_transfer *in,
                               struct npu_error *err)
{
    struct npu_txn_transfer t = *in;
    int code = check_place(&t, err);
    for (unsigned d = 0; d < 4 && code == 0; d++)
        code = count_words(&t, d, err);
    if (code == 0)
        code = fold(&t, err);
    if (code)
        return code;
    if (t.size[0] > NPU_TXN_MAX_RUNS)
        return npu_fail(err, -EINVAL,
                        "transfer: size[0] is %" PRIu32 " runs, a task has at most %u", t.size[0],
                        NPU_TXN_MAX_RUNS);
    if (t.stride[0] > 0 && t.size[0] > BD_ITERATION_MAX + 1)
        return npu_fail(err, -EINVAL,
                        "transfer: size[0] is %" PRIu32
                        " with a stride, a BD's iteration has 6 bits, at most 64",
                        t.size[0]);
    if (t.stride[0] > BD_STEP_MAX + 1)
        return refuse_step(0, t.stride[0], err);
    t.element_bytes = 4;
    if (t.burst_bytes == 0)
        t.burst_bytes = BD_BURST_BYTES << BD_BURST_MAX;
    *out = t;
    return 0;
}

/* ---- Words ----------------------------------------------------------------------------------- */

/* Room for `n` more words; NULL on failure. */
static uint32_t *append_words(struct npu_txn *txn, size_t n, struct npu_error *err, int *code)
{
    if (n > NPU_TXN_MAX_WORDS - txn->n_words) {
        *code = npu_fail(err, -E2BIG, "instruction stream: over %u words", NPU_TXN_MAX_WORDS);
        return NULL;
    }
    if (txn->n_words + n > txn->capacity) {
        size_t capacity = 2 * txn->capacity + n;
        uint32_t *words = realloc(txn->words, capacity * sizeof(*words));
        if (!words) {
            *code = npu_fail(err, -ENOMEM, "instruction stream: no memory for %zu words", capacity);
            return NULL;
        }
        txn->words = words;
        txn->capacity = capacity;
    }
    uint32_t *first = txn->words + txn->n_words;
    memset(first, 0, n * sizeof(*first));
    txn->n_words += n;
    txn->words[2]++;
    txn->words[3] = (uint32_t)(4 * txn->n_words);
    *code = 0;
    return first;
}

int npu_txn_open(struct npu_txn **txn, const struct npu_txn_device *device, struct npu_error *err)
{
    if (device->columns < 1 || device->columns > 127 || device->rows < 1 || device->rows > 32 ||
        device->mem_tile_rows >= device->rows)
        return npu_fail(err, -EINVAL,
                        "instruction stream: a device of %u columns and %u rows, %u of mem tiles; "
                        "expected 1..127 and 1..32, fewer of mem tiles than rows",
                        device->columns, device->rows, device->mem_tile_rows);
    struct npu_txn *t = calloc(1, sizeof(*t));
    uint32_t *words = calloc(256, sizeof(*words));
    if (!t || !words) {
        free(t);
        free(words);
        return npu_fail(err, -ENOMEM, "instruction stream: no memory");
    }
    words[0] = (uint32_t)device->rows << 24 | (uint32_t)device->generation << 16 | 1U << 8;
    words[1] = (uint32_t)device->mem_tile_rows << 8 | device->columns;
    words[3] = 4 * TXN_HEADER_WORDS;
    *t = (struct npu_txn){
        .device = *device, .words = words, .n_words = TXN_HEADER_WORDS, .capacity = 256};
    *txn = t;
    return 0;
}

void npu_txn_close(struct npu_txn **txn)
{
    if (!*txn)
        return;
    free((*txn)->words);
    free(*txn);
    *txn = NULL;
}

const uint32_t *npu_txn_words(const struct npu_txn *txn, size_t *n_words)
{
    *n_words = txn->n_words;
    return txn->words;
}

static int check_address(const struct npu_txn *txn, uint32_t address, uint64_t bytes,
                         struct npu_error *err)
{
    unsigned column = address_column(address), row = address_row(address);
    if (column >= txn->device.columns || row >= txn->device.rows)
        return npu_fail(err, -EINVAL,
                        "operation: address 0x%08" PRIX32 " is tile (%u, %u), the device has %u "
                        "columns and %u rows",
                        address, column, row, txn->device.columns, txn->device.rows);
    if (address % 4 || (address & ADDRESS_OFFSET_MASK) + bytes > ADDRESS_OFFSET_MASK + 1)
        return npu_fail(err, -EINVAL,
                        "operation: address 0x%08" PRIX32 " and %" PRIu64
                        " bytes, expected whole words of one tile",
                        address, bytes);
    return 0;
}

int npu_txn_append_wait(struct npu_txn *txn, const struct npu_txn_wait *w, struct npu_error *err)
{
    if (w->n_columns < 1 || w->n_rows < 1 || w->column + w->n_columns > txn->device.columns ||
        w->row + w->n_rows > txn->device.rows)
        return npu_fail(err, -EINVAL,
                        "wait: %u x %u tiles from (%u, %u), the device has %u columns and %u rows",
                        w->n_columns, w->n_rows, w->column, w->row, txn->device.columns,
                        txn->device.rows);
    if (w->direction != NPU_TXN_S2MM && w->direction != NPU_TXN_MM2S)
        return npu_fail(err, -EINVAL, "wait: direction %u, expected 0 (S2MM) or 1 (MM2S)",
                        (unsigned)w->direction);
    unsigned n_channels = w->row >= 1 && w->row <= txn->device.mem_tile_rows ? 6 : 2;
    if (w->channel >= n_channels)
        return npu_fail(err, -EINVAL, "wait: channel %u of tile (%u, %u), which has %u", w->channel,
                        w->column, w->row, n_channels);
    int code;
    uint32_t *p = append_words(txn, 4, err, &code);
    if (!p)
        return code;
    p[0] = NPU_TXN_SYNC;
    p[1] = 16;
    p[2] = (uint32_t)w->column << 16 | (uint32_t)w->row << 8 | (uint32_t)w->direction;
    p[3] = (uint32_t)w->channel << 24 | (uint32_t)w->n_columns << 16 | (uint32_t)w->n_rows << 8;
    return 0;
}

static int append_blockwrite(struct npu_txn *txn, const struct npu_txn_op *op,
                             struct npu_error *err)
{
    if (op->n_data < 1 || op->n_data > NPU_TXN_MAX_WORDS - 4)
        return npu_fail(err, -EINVAL, "blockwrite: %" PRIu32 " data words, expected 1..%u",
                        op->n_data, NPU_TXN_MAX_WORDS - 4);
    int code = check_address(txn, op->address, 4ULL * op->n_data, err);
    uint32_t *p = code ? NULL : append_words(txn, 4 + op->n_data, err, &code);
    if (!p)
        return code;
    p[0] = NPU_TXN_BLOCKWRITE;
    p[2] = op->address;
    p[3] = 4 * (4 + op->n_data);
    memcpy(p + 4, op->data, 4 * op->n_data);
    return 0;
}

int npu_txn_append(struct npu_txn *txn, const struct npu_txn_op *op, struct npu_error *err)
{
    static const uint8_t n_words[256] = {[NPU_TXN_WRITE32] = 6,
                                         [NPU_TXN_MASKWRITE] = 7,
                                         [NPU_TXN_MASKPOLL] = 7,
                                         [NPU_TXN_PATCH] = 12};
    if (op->kind == NPU_TXN_SYNC)
        return npu_txn_append_wait(txn, &op->wait, err);
    if (op->kind == NPU_TXN_BLOCKWRITE)
        return append_blockwrite(txn, op, err);
    if ((unsigned)op->kind > 255 || n_words[op->kind] == 0)
        return npu_fail(err, -EINVAL, "operation: number 0x%X is unknown", (unsigned)op->kind);
    int code = check_address(txn, op->address, 4, err);
    uint32_t *p = code ? NULL : append_words(txn, n_words[op->kind], err, &code);
    if (!p)
        return code;
    p[0] = op->kind;
    if (op->kind == NPU_TXN_PATCH) {
        p[1] = 48;
        p[6] = op->address;
        p[8] = op->argument;
        p[10] = op->offset;
        return 0;
    }
    p[2] = op->address;
    p[4] = op->value;
    if (op->kind == NPU_TXN_MASKWRITE || op->kind == NPU_TXN_MASKPOLL)
        p[5] = op->mask;
    p[n_words[op->kind] - 1] = 4U * n_words[op->kind];
    return 0;
}

/* ---- Transfers ------------------------------------------------------------------------------- */

/* The descriptor of a canonical transfer; words 1 and 2, the address, stay 0 for the patch. */
static void encode_bd(uint32_t *bd, const struct npu_txn_transfer *t)
{
    bool linear = t->size[1] == 1 && t->size[2] == 1 && t->stride[3] == 1;
    memset(bd, 0, SHIM_BD_WORDS * sizeof(*bd));
    bd[0] = t->size[1] * t->size[2] * t->size[3];
    bd[4] = (t->burst_bytes / BD_BURST_BYTES >> 1) << BD_BURST_SHIFT; /* 1, 2, 4 to 0, 1, 2 */
    bd[5] = BD_AXI_CACHE;
    bd[7] = BD_VALID;
    if (!linear) {
        bd[3] = t->size[3] << BD_WRAP_SHIFT | (t->stride[3] - 1);
        bd[4] |= t->size[2] << BD_WRAP_SHIFT | (t->size[2] > 1 ? t->stride[2] - 1 : 0);
        bd[5] |= t->size[1] > 1 ? t->stride[1] - 1 : 0;
    }
    if (t->size[0] > 1 && t->stride[0] > 0)
        bd[6] = (t->size[0] - 1) << BD_WRAP_SHIFT | (t->stride[0] - 1);
}

/* Append all `n` operations, or none where one fails. */
static int append_all(struct npu_txn *txn, const struct npu_txn_op *ops, unsigned n,
                      struct npu_error *err)
{
    size_t n_words = txn->n_words;
    uint32_t n_ops = txn->words[2];
    int code = 0;
    for (unsigned i = 0; i < n && code == 0; i++)
        code = npu_txn_append(txn, &ops[i], err);
    if (code) {
        txn->n_words = n_words;
        txn->words[2] = n_ops;
        txn->words[3] = (uint32_t)(4 * n_words);
    }
    return code;
}

/* Which halves of a transfer. */
enum { HALF_BD = 1, HALF_PUSH = 2 };

static int append_halves(struct npu_txn *txn, const struct npu_txn_transfer *transfer,
                         unsigned halves, struct npu_error *err)
{
    struct npu_txn_transfer t;
    int code = npu_txn_transfer_canonical(&t, transfer, err);
    if (code)
        return code;
    uint32_t bd[SHIM_BD_WORDS], base = SHIM_BD_BASE + SHIM_BD_BYTES * t.bd;
    uint32_t channel = (t.direction == NPU_TXN_MM2S ? SHIM_MM2S : 0) + 8U * t.channel;
    struct npu_txn_op ops[4];
    unsigned n = 0;
    encode_bd(bd, &t);
    if (halves & HALF_BD) {
        ops[n++] = (struct npu_txn_op){.kind = NPU_TXN_BLOCKWRITE,
                                       .address = shim_address(t.column, base),
                                       .data = bd,
                                       .n_data = SHIM_BD_WORDS};
        ops[n++] = (struct npu_txn_op){.kind = NPU_TXN_PATCH,
                                       .address = shim_address(t.column, base + 4),
                                       .argument = t.argument,
                                       .offset = t.offset_bytes};
    }
    if (halves & HALF_PUSH && t.token)
        ops[n++] =
            (struct npu_txn_op){.kind = NPU_TXN_MASKWRITE,
                                .address = shim_address(t.column, SHIM_CONTROL_BASE + channel),
                                .value = CONTROLLER_VALUE,
                                .mask = CONTROLLER_MASK};
    if (halves & HALF_PUSH)
        ops[n++] = (struct npu_txn_op){.kind = NPU_TXN_WRITE32,
                                       .address = shim_address(t.column, SHIM_QUEUE_BASE + channel),
                                       .value = (t.token ? QUEUE_TOKEN : 0) |
                                                (t.size[0] - 1) << QUEUE_REPEAT_SHIFT | t.bd};
    return append_all(txn, ops, n, err);
}

int npu_txn_append_transfer(struct npu_txn *txn, const struct npu_txn_transfer *transfer,
                            struct npu_error *err)
{
    return append_halves(txn, transfer, HALF_BD | HALF_PUSH, err);
}

int npu_txn_append_bd(struct npu_txn *txn, const struct npu_txn_transfer *transfer,
                      struct npu_error *err)
{
    return append_halves(txn, transfer, HALF_BD, err);
}

int npu_txn_append_push(struct npu_txn *txn, const struct npu_txn_transfer *transfer,
                        struct npu_error *err)
{
    return append_halves(txn, transfer, HALF_PUSH, err);
}
