/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading: words to operations, operations to what they make the shim DMAs do. */
#include "npu/txn.h"

#include "npu/log.h"
#include "npu/txn_shim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Operations ------------------------------------------------------------------------------ */

struct reader {
    const uint32_t *words;
    size_t n_words, at;
    struct npu_txn_device device;
    struct npu_error *err;
};

static int read_header(struct reader *r, size_t *n_ops)
{
    const uint32_t *w = r->words;
    if (r->n_words < TXN_HEADER_WORDS || r->n_words > NPU_TXN_MAX_WORDS)
        return npu_fail(r->err, -EBADMSG,
                        "instruction stream of %zu words, expected 4 (the header) to %u",
                        r->n_words, NPU_TXN_MAX_WORDS);
    if ((w[0] & 0xFFFF) != 0x0100)
        return npu_fail(r->err, -EBADMSG, "word 0: format %" PRIu32 ".%" PRIu32 ", expected 0.1",
                        w[0] & 0xFF, w[0] >> 8 & 0xFF);
    r->device = (struct npu_txn_device){.generation = w[0] >> 16 & 0xFF,
                                        .rows = (uint8_t)(w[0] >> 24),
                                        .columns = w[1] & 0xFF,
                                        .mem_tile_rows = w[1] >> 8 & 0xFF};
    if (w[1] >> 16 || r->device.columns < 1 || r->device.columns > 127 || r->device.rows < 1 ||
        r->device.rows > 32 || r->device.mem_tile_rows >= r->device.rows)
        return npu_fail(
            r->err, -EBADMSG,
            "words 0 and 1 (0x%08" PRIX32 " 0x%08" PRIX32
            "): %u rows, %u of mem tiles, %u columns; expected 1..32 rows, fewer of mem "
            "tiles, 1..127 columns",
            w[0], w[1], r->device.rows, r->device.mem_tile_rows, r->device.columns);
    if (w[3] != 4 * r->n_words)
        return npu_fail(r->err, -EBADMSG, "word 3: %" PRIu32 " bytes, but the stream has %zu", w[3],
                        4 * r->n_words);
    /* The shortest operation has 4 words. */
    if (w[2] > (r->n_words - TXN_HEADER_WORDS) / 4)
        return npu_fail(r->err, -EBADMSG,
                        "word 2: %" PRIu32 " operations cannot fit into %zu words", w[2],
                        r->n_words - TXN_HEADER_WORDS);
    *n_ops = w[2];
    r->at = TXN_HEADER_WORDS;
    return 0;
}

static int check_room(const struct reader *r, size_t n, const char *name)
{
    if (r->n_words - r->at < n)
        return npu_fail(r->err, -EBADMSG, "word %zu: %s of %zu words, but only %zu are left", r->at,
                        name, n, r->n_words - r->at);
    return 0;
}

static int check_zero(const struct reader *r, const uint8_t *places, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++)
        if (r->words[r->at + places[i]])
            return npu_fail(r->err, -EBADMSG, "word %zu: 0x%08" PRIX32 ", expected 0 in a %s",
                            r->at + places[i], r->words[r->at + places[i]], name);
    return 0;
}

static int check_size(const struct reader *r, unsigned place, uint32_t bytes, const char *name)
{
    if (r->words[r->at + place] != bytes)
        return npu_fail(r->err, -EBADMSG, "word %zu: %s of %" PRIu32 " bytes, expected %" PRIu32,
                        r->at + place, name, r->words[r->at + place], bytes);
    return 0;
}

/* The address at `place`, for `bytes` from there. */
static int check_address(const struct reader *r, unsigned place, uint64_t bytes)
{
    uint32_t address = r->words[r->at + place];
    unsigned column = address_column(address), row = address_row(address);
    if (column >= r->device.columns || row >= r->device.rows)
        return npu_fail(r->err, -EBADMSG,
                        "word %zu: address 0x%08" PRIX32 " is tile (%u, %u), the header says %u "
                        "columns and %u rows",
                        r->at + place, address, column, row, r->device.columns, r->device.rows);
    if (address % 4 || (address & ADDRESS_OFFSET_MASK) + bytes > ADDRESS_OFFSET_MASK + 1)
        return npu_fail(r->err, -EBADMSG,
                        "word %zu: address 0x%08" PRIX32 " and %" PRIu64
                        " bytes, expected whole words of one tile",
                        r->at + place, address, bytes);
    return 0;
}

static int read_write32(struct reader *r, struct npu_txn_op *op)
{
    static const uint8_t zero[] = {1, 3};
    const uint32_t *w = r->words + r->at;
    int code = check_room(r, 6, "WRITE32");
    if (code == 0)
        code = check_zero(r, zero, 2, "WRITE32");
    if (code == 0)
        code = check_size(r, 5, 24, "WRITE32");
    if (code == 0)
        code = check_address(r, 2, 4);
    if (code)
        return code;
    op->address = w[2];
    op->value = w[4];
    r->at += 6;
    return 0;
}

static int read_maskwrite(struct reader *r, struct npu_txn_op *op)
{
    static const uint8_t zero[] = {1, 3};
    const uint32_t *w = r->words + r->at;
    int code = check_room(r, 7, "MASKWRITE");
    if (code == 0)
        code = check_zero(r, zero, 2, "MASKWRITE");
    if (code == 0)
        code = check_size(r, 6, 28, "MASKWRITE");
    if (code == 0)
        code = check_address(r, 2, 4);
    if (code)
        return code;
    op->address = w[2];
    op->value = w[4];
    op->mask = w[5];
    r->at += 7;
    return 0;
}

static int read_blockwrite(struct reader *r, struct npu_txn_op *op)
{
    const uint32_t *w = r->words + r->at;
    int code = check_room(r, 5, "BLOCKWRITE");
    if (code)
        return code;
    uint32_t bytes = w[3];
    if (bytes % 4 || bytes < 20)
        return npu_fail(r->err, -EBADMSG,
                        "word %zu: BLOCKWRITE of %" PRIu32
                        " bytes, expected a multiple of 4 and at least 20",
                        r->at + 3, bytes);
    code = check_room(r, bytes / 4, "BLOCKWRITE");
    if (code == 0)
        code = check_address(r, 2, bytes - 16);
    if (code)
        return code;
    if (w[1] && w[1] != (address_row(w[2]) << 8 | address_column(w[2])))
        return npu_fail(r->err, -EBADMSG,
                        "word %zu: 0x%08" PRIX32 ", expected 0 or the tile of address 0x%08" PRIX32,
                        r->at + 1, w[1], w[2]);
    op->address = w[2];
    op->data = w + 4;
    op->n_data = bytes / 4 - 4;
    r->at += bytes / 4;
    return 0;
}

static int read_patch(struct reader *r, struct npu_txn_op *op)
{
    static const uint8_t zero[] = {2, 3, 4, 5, 7, 9, 11};
    const uint32_t *w = r->words + r->at;
    int code = check_room(r, 12, "PATCH");
    if (code == 0)
        code = check_size(r, 1, 48, "PATCH");
    if (code == 0)
        code = check_zero(r, zero, sizeof(zero), "PATCH");
    if (code == 0)
        code = check_address(r, 6, 8);
    if (code)
        return code;
    op->address = w[6];
    op->argument = w[8];
    op->offset = w[10];
    r->at += 12;
    return 0;
}

static int read_sync(struct reader *r, struct npu_txn_op *op)
{
    const uint32_t *w = r->words + r->at;
    int code = check_room(r, 4, "SYNC");
    if (code == 0)
        code = check_size(r, 1, 16, "SYNC");
    if (code)
        return code;
    if (w[2] >> 24 || (w[2] & 0xFF) > 1)
        return npu_fail(r->err, -EBADMSG,
                        "word %zu: 0x%08" PRIX32 ", expected column << 16 | row << 8 | direction "
                        "(0 or 1)",
                        r->at + 2, w[2]);
    struct npu_txn_wait wait = {.column = w[2] >> 16 & 0xFF,
                                .row = w[2] >> 8 & 0xFF,
                                .direction = (enum npu_txn_direction)(w[2] & 0xFF),
                                .channel = (uint8_t)(w[3] >> 24),
                                .n_columns = w[3] >> 16 & 0xFF,
                                .n_rows = w[3] >> 8 & 0xFF};
    unsigned n_channels = wait.row >= 1 && wait.row <= r->device.mem_tile_rows ? 6 : 2;
    if (w[3] & 0xFF || wait.n_columns < 1 || wait.n_rows < 1 || wait.channel >= n_channels)
        return npu_fail(r->err, -EBADMSG,
                        "word %zu: 0x%08" PRIX32 ", expected channel << 24 | columns << 16 | rows "
                        "<< 8 with a channel below %u and 1 or more of both",
                        r->at + 3, w[3], n_channels);
    if (wait.column + wait.n_columns > r->device.columns || wait.row + wait.n_rows > r->device.rows)
        return npu_fail(r->err, -EBADMSG,
                        "word %zu: waits for %u x %u tiles from (%u, %u), the header says %u "
                        "columns and %u rows",
                        r->at + 2, wait.n_columns, wait.n_rows, wait.column, wait.row,
                        r->device.columns, r->device.rows);
    op->wait = wait;
    r->at += 4;
    return 0;
}

static int read_op(struct reader *r, struct npu_txn_op *op)
{
    uint32_t number = r->words[r->at];
    *op = (struct npu_txn_op){.kind = (enum npu_txn_kind)number, .word = r->at};
    switch (number) {
    case NPU_TXN_WRITE32:
        return read_write32(r, op);
    case NPU_TXN_BLOCKWRITE:
        return read_blockwrite(r, op);
    case NPU_TXN_MASKWRITE:
        return read_maskwrite(r, op);
    case NPU_TXN_SYNC:
        return read_sync(r, op);
    case NPU_TXN_PATCH:
        return read_patch(r, op);
    default:
        return npu_fail(r->err, -EBADMSG,
                        "word %zu: operation 0x%" PRIX32 ", expected 0 (WRITE32), 1 (BLOCKWRITE), "
                        "3 (MASKWRITE), 0x80 (SYNC) or 0x81 (PATCH)",
                        r->at, number);
    }
}

int npu_txn_decode(struct npu_txn_op **ops, size_t *n_ops, struct npu_txn_device *device,
                   const uint32_t *words, size_t n_words, struct npu_error *err)
{
    struct reader r = {.words = words, .n_words = n_words, .err = err};
    size_t n = 0, i = 0;
    int code = read_header(&r, &n);
    if (code)
        return code;
    struct npu_txn_op *list = calloc(n + 1, sizeof(*list));
    if (!list)
        return npu_fail(err, -ENOMEM, "instruction stream: no memory for %zu operations", n);
    for (; i < n && r.at < n_words && code == 0; i++)
        code = read_op(&r, &list[i]);
    if (code == 0 && (i < n || r.at < n_words))
        code = npu_fail(err, -EBADMSG,
                        "word 2: %zu operations, but %zu of them end at word %zu of %zu", n, i,
                        r.at, n_words);
    if (code) {
        free(list);
        return code;
    }
    *ops = list;
    *n_ops = n;
    *device = r.device;
    return 0;
}

/* ---- What they do ---------------------------------------------------------------------------- */

struct bd_state {
    uint32_t data[SHIM_BD_WORDS];
    uint32_t argument, offset;
    bool written, patched;
};

struct shim_state {
    struct bd_state bd[NPU_TXN_N_BDS];
    bool has_controller[2][SHIM_N_CHANNELS]; /* by direction */
};

struct follower {
    struct npu_txn_step *steps;
    size_t n_steps, capacity;
    struct shim_state *shims; /* of each column */
    struct npu_error *err;
};

static struct npu_txn_step *append_step(struct follower *f, enum npu_txn_step_kind kind,
                                        size_t word, int *code)
{
    if (f->n_steps == f->capacity) {
        size_t capacity = 2 * f->capacity + 64;
        struct npu_txn_step *steps = realloc(f->steps, capacity * sizeof(*steps));
        if (!steps) {
            *code =
                npu_fail(f->err, -ENOMEM, "instruction stream: no memory for %zu steps", capacity);
            return NULL;
        }
        f->steps = steps;
        f->capacity = capacity;
    }
    struct npu_txn_step *step = &f->steps[f->n_steps++];
    memset(step, 0, sizeof(*step));
    step->kind = kind;
    step->word = word;
    *code = 0;
    return step;
}

static int append_write(struct follower *f, size_t word, uint32_t address, uint32_t value,
                        uint32_t mask)
{
    int code;
    struct npu_txn_step *step = append_step(f, NPU_TXN_STEP_WRITE, word, &code);
    if (!step)
        return code;
    step->u.write.address = address;
    step->u.write.value = value;
    step->u.write.mask = mask;
    return 0;
}

/* Channel and direction of a register among the controls (base SHIM_CONTROL_BASE) or queues. */
static bool find_channel(uint32_t offset, uint32_t base, enum npu_txn_direction *direction,
                         unsigned *channel)
{
    uint32_t place = offset - base;
    if (offset < base || place > 0x18 || place % 8)
        return false;
    *direction = place >= SHIM_MM2S ? NPU_TXN_MM2S : NPU_TXN_S2MM;
    *channel = place / 8 % 2;
    return true;
}

static int refuse_register(struct follower *f, const struct npu_txn_op *op, const char *expected)
{
    return npu_fail(
        f->err, -EBADMSG, "word %zu: register 0x%05" PRIX32 " of shim tile (%u, 0), expected %s",
        op->word, op->address & ADDRESS_OFFSET_MASK, address_column(op->address), expected);
}

static int follow_blockwrite(struct follower *f, const struct npu_txn_op *op)
{
    uint32_t offset = op->address & ADDRESS_OFFSET_MASK, n = op->n_data;
    int code = 0;
    if (address_row(op->address) > 0) {
        for (uint32_t i = 0; i < n && code == 0; i++)
            code = append_write(f, op->word, op->address + 4 * i, op->data[i], UINT32_MAX);
        return code;
    }
    uint32_t place = offset - SHIM_BD_BASE;
    if (offset < SHIM_BD_BASE || place % SHIM_BD_BYTES || n % SHIM_BD_WORDS ||
        place / SHIM_BD_BYTES + n / SHIM_BD_WORDS > NPU_TXN_N_BDS)
        return refuse_register(f, op, "whole BDs of 8 words at 0x1D000 to 0x1D1FF");
    for (uint32_t i = 0; i < n / SHIM_BD_WORDS; i++) {
        struct bd_state *bd = &f->shims[address_column(op->address)].bd[place / SHIM_BD_BYTES + i];
        *bd = (struct bd_state){.written = true};
        memcpy(bd->data, op->data + SHIM_BD_WORDS * i, sizeof(bd->data));
    }
    return 0;
}

static int follow_patch(struct follower *f, const struct npu_txn_op *op)
{
    uint32_t offset = op->address & ADDRESS_OFFSET_MASK, place = offset - SHIM_BD_BASE;
    if (address_row(op->address) > 0 || offset < SHIM_BD_BASE ||
        place >= NPU_TXN_N_BDS * SHIM_BD_BYTES || place % SHIM_BD_BYTES != 4)
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: PATCH of address 0x%08" PRIX32
                        ", expected word 1 of a BD of a shim tile",
                        op->word, op->address);
    struct bd_state *bd = &f->shims[address_column(op->address)].bd[place / SHIM_BD_BYTES];
    if (!bd->written)
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: PATCH of BD %u of shim tile (%u, 0), which was "
                        "not written before",
                        op->word, place / SHIM_BD_BYTES, address_column(op->address));
    bd->patched = true;
    bd->argument = op->argument;
    bd->offset = op->offset;
    return 0;
}

static int follow_maskwrite(struct follower *f, const struct npu_txn_op *op)
{
    enum npu_txn_direction direction;
    unsigned channel;
    if (address_row(op->address) > 0)
        return append_write(f, op->word, op->address, op->value, op->mask);
    if (!find_channel(op->address & ADDRESS_OFFSET_MASK, SHIM_CONTROL_BASE, &direction, &channel) ||
        op->mask != CONTROLLER_MASK || op->value != CONTROLLER_VALUE)
        return refuse_register(f, op,
                               "the controller id 15 (value 0xF00, mask 0x1F00) of a channel");
    f->shims[address_column(op->address)].has_controller[direction][channel] = true;
    return 0;
}

/* Sizes, strides and burst of a BD as written. */
static int decode_bd(struct npu_txn_transfer *t, const uint32_t *bd, const char **why)
{
    uint32_t wrap[2] = {bd[3] >> BD_WRAP_SHIFT & BD_WRAP_MAX, bd[4] >> BD_WRAP_SHIFT & BD_WRAP_MAX};
    uint32_t step[3] = {(bd[3] & BD_STEP_MAX) + 1, (bd[4] & BD_STEP_MAX) + 1,
                        (bd[5] & BD_STEP_MAX) + 1};
    uint32_t inner = wrap[0] * wrap[1], burst = bd[4] >> BD_BURST_SHIFT;
    *why = "a length above 0, an address left to the patch, cache and valid bits as mlir-aie sets "
           "them";
    if (bd[0] == 0 || bd[1] || bd[2] || bd[3] >> 30 || (bd[5] & ~BD_STEP_MAX) != BD_AXI_CACHE ||
        bd[6] >> 26 || bd[7] != BD_VALID)
        return -EBADMSG;
    *why = "bursts of 64, 128 or 256 bytes, 0 to 2 in bits 30 and 31 of word 4";
    if (burst > BD_BURST_MAX)
        return -EBADMSG;
    t->burst_bytes = (uint16_t)(BD_BURST_BYTES << burst);
    t->size[0] = (bd[6] >> BD_WRAP_SHIFT) + 1;
    /* An iteration that wraps after every run never adds its step. */
    t->stride[0] = t->size[0] > 1 ? (bd[6] & BD_STEP_MAX) + 1 : 0;
    *why = "steps of 0 in a linear BD and in dimensions of size 1";
    if (wrap[0] == 0) {
        t->size[1] = t->size[2] = t->stride[3] = 1;
        t->stride[1] = t->stride[2] = 0;
        t->size[3] = bd[0];
        return wrap[1] || step[0] > 1 || step[1] > 1 || step[2] > 1 ? -EBADMSG : 0;
    }
    *why = "a length that is a multiple of both wraps";
    if (inner == 0 || bd[0] % inner)
        return -EBADMSG;
    *t = (struct npu_txn_transfer){
        .burst_bytes = t->burst_bytes,
        .size = {t->size[0], bd[0] / inner, wrap[1], wrap[0]},
        .stride = {t->stride[0], step[2], step[1], step[0]},
    };
    *why = "steps of 0 in dimensions of size 1";
    for (unsigned d = 1; d < 3; d++)
        if (t->size[d] == 1) {
            if (t->stride[d] > 1)
                return -EBADMSG;
            t->stride[d] = 0;
        }
    return 0;
}

/* A push into a queue: the task that the BD, the controller id and the word describe. */
static int follow_push(struct follower *f, const struct npu_txn_op *op,
                       enum npu_txn_direction direction, unsigned channel)
{
    unsigned column = address_column(op->address), id = op->value & 0xF;
    const struct shim_state *shim = &f->shims[column];
    const struct bd_state *bd = &shim->bd[id];
    uint32_t runs = (op->value >> QUEUE_REPEAT_SHIFT & QUEUE_REPEAT_MAX) + 1;
    struct npu_txn_transfer t = {0};
    const char *why = NULL;
    int code;

    if (op->value & ~QUEUE_USED)
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: queue word 0x%08" PRIX32
                        ", expected bit 31 token, bits 16..23 repeat, a BD id 0..15",
                        op->word, op->value);
    if (!bd->written || !bd->patched)
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: BD %u of shim tile (%u, 0) is pushed but was "
                        "not %s before",
                        op->word, id, column, bd->written ? "patched" : "written");
    if ((op->value & QUEUE_TOKEN) && !shim->has_controller[direction][channel])
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: a token of a channel whose controller id was "
                        "not set before",
                        op->word);
    if (decode_bd(&t, bd->data, &why))
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: BD %u of shim tile (%u, 0) as pushed is no "
                        "transfer, expected %s",
                        op->word, id, column, why);
    if (t.size[0] > 1 && t.size[0] != runs)
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: %" PRIu32 " runs of BD %u, whose iteration wraps at %" PRIu32,
                        op->word, runs, id, t.size[0]);
    t.column = (uint8_t)column;
    t.direction = direction;
    t.channel = (uint8_t)channel;
    t.bd = (uint8_t)id;
    t.token = (op->value & QUEUE_TOKEN) != 0;
    t.argument = bd->argument;
    t.offset_bytes = bd->offset;
    t.element_bytes = 4;
    t.size[0] = runs;
    struct npu_error inner = {""};
    code = npu_txn_transfer_canonical(&t, &t, &inner);
    if (code)
        return npu_fail(f->err, -EBADMSG, "word %zu: BD %u of shim tile (%u, 0): %s", op->word, id,
                        column, inner.text);
    struct npu_txn_step *step = append_step(f, NPU_TXN_STEP_TRANSFER, op->word, &code);
    if (!step)
        return code;
    step->u.transfer = t;
    return 0;
}

static int follow_write32(struct follower *f, const struct npu_txn_op *op)
{
    enum npu_txn_direction direction;
    unsigned channel;
    if (address_row(op->address) > 0)
        return append_write(f, op->word, op->address, op->value, UINT32_MAX);
    if (!find_channel(op->address & ADDRESS_OFFSET_MASK, SHIM_QUEUE_BASE, &direction, &channel))
        return refuse_register(f, op, "a task queue (0x1D204, 0x1D20C, 0x1D214, 0x1D21C)");
    return follow_push(f, op, direction, channel);
}

static int follow(struct follower *f, const struct npu_txn_op *op)
{
    int code;
    struct npu_txn_step *step;
    switch (op->kind) {
    case NPU_TXN_WRITE32:
        return follow_write32(f, op);
    case NPU_TXN_BLOCKWRITE:
        return follow_blockwrite(f, op);
    case NPU_TXN_MASKWRITE:
        return follow_maskwrite(f, op);
    case NPU_TXN_PATCH:
        return follow_patch(f, op);
    case NPU_TXN_SYNC:
        break;
    }
    step = append_step(f, NPU_TXN_STEP_WAIT, op->word, &code);
    if (!step)
        return code;
    step->u.wait = op->wait;
    return 0;
}

int npu_txn_decode_steps(struct npu_txn_step **steps, size_t *n_steps,
                         struct npu_txn_device *device, const uint32_t *words, size_t n_words,
                         struct npu_error *err)
{
    struct npu_txn_op *ops = NULL;
    struct npu_txn_device d;
    size_t n_ops = 0;
    int code = npu_txn_decode(&ops, &n_ops, &d, words, n_words, err);
    if (code)
        return code;
    struct follower f = {.err = err};
    f.steps = calloc(64, sizeof(*f.steps));
    f.capacity = 64;
    f.shims = calloc(d.columns, sizeof(*f.shims));
    if (!f.steps || !f.shims)
        code = npu_fail(err, -ENOMEM, "instruction stream: no memory for its steps");
    for (size_t i = 0; i < n_ops && code == 0; i++)
        code = follow(&f, &ops[i]);
    free(ops);
    free(f.shims);
    if (code) {
        free(f.steps);
        return code;
    }
    *steps = f.steps;
    *n_steps = f.n_steps;
    *device = d;
    return 0;
}
