/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading: from words to operations. */
#include "npu/txn/txn.h"

#include "npu/log.h"
#include "npu/txn/shim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Operations ------------------------------------------------------------------------------ */

struct reader {
    const uint32_t *words;
    size_t n_words, at;
    bool compact; /* format 1.0 */
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
    if ((w[0] & 0xFFFF) != 0x0100 && (w[0] & 0xFFFF) != 0x0001)
        return npu_fail(r->err, -EBADMSG,
                        "word 0: format %" PRIu32 ".%" PRIu32 ", expected 0.1 or 1.0", w[0] & 0xFF,
                        w[0] >> 8 & 0xFF);
    r->compact = (w[0] & 0xFFFF) == 0x0001;
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
    /* The shortest operation has 1 word. */
    if (w[2] > r->n_words - TXN_HEADER_WORDS)
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

/* The operation's number, to which a writer may add the tile: in format 0.1 the column in bits
 * 8..15 and the row in bits 16..23, of a BLOCKWRITE the column again in bits 24..31. */
static int check_number(const struct reader *r, uint32_t address, const char *name)
{
    uint32_t word = r->words[r->at], column = address_column(address), row = address_row(address);
    uint32_t repeat = column << 8 | row << 16;
    if ((word & 0xFF) == NPU_TXN_BLOCKWRITE)
        repeat |= column << 24;
    bool known = word <= 0xFF;
    if (!r->compact)
        known = known || word >> 8 == repeat >> 8 || word >> 8 == (repeat & 0xFFFFFF) >> 8;
    if (known)
        return 0;
    return npu_fail(r->err, -EBADMSG,
                    "word %zu: 0x%08" PRIX32
                    ", expected the number of a %s, alone or with the tile "
                    "of address 0x%08" PRIX32,
                    r->at, word, name, address);
}

/* WRITE32 (without a mask), MASKWRITE or MASKPOLL. */
static int read_write(struct reader *r, struct npu_txn_op *op, const char *name, bool masked)
{
    static const uint8_t zero[] = {1, 3};
    const uint32_t *w = r->words + r->at;
    unsigned place = r->compact ? 1 : 2, value = r->compact ? 2 : 4;
    size_t n = r->compact ? (masked ? 4 : 3) : (masked ? 7 : 6);
    int code = check_room(r, n, name);
    if (code == 0 && !r->compact)
        code = check_zero(r, zero, 2, name);
    /* aie-rt's have one word more after their size. */
    if (code == 0 && masked && !r->compact && w[6] == 32) {
        n = 8;
        code = check_room(r, n, name);
    } else if (code == 0 && !r->compact) {
        code = check_size(r, (unsigned)n - 1, (uint32_t)(4 * n), name);
    }
    if (code == 0)
        code = check_address(r, place, 4);
    if (code == 0)
        code = check_number(r, w[place], name);
    if (code)
        return code;
    op->address = w[place];
    op->value = w[value];
    op->mask = masked ? w[value + 1] : 0;
    r->at += n;
    return 0;
}

static int read_blockwrite(struct reader *r, struct npu_txn_op *op)
{
    const uint32_t *w = r->words + r->at;
    unsigned place = r->compact ? 1 : 2, header = r->compact ? 3 : 4;
    int code = check_room(r, header + 1, "BLOCKWRITE");
    if (code)
        return code;
    uint32_t bytes = w[place + 1];
    if (bytes % 4 || bytes < 4 * (header + 1))
        return npu_fail(r->err, -EBADMSG,
                        "word %zu: BLOCKWRITE of %" PRIu32
                        " bytes, expected a multiple of 4 and at least %u",
                        r->at + place + 1, bytes, 4 * (header + 1));
    code = check_room(r, bytes / 4, "BLOCKWRITE");
    if (code == 0)
        code = check_address(r, place, bytes - 4 * header);
    if (code == 0)
        code = check_number(r, w[place], "BLOCKWRITE");
    if (code)
        return code;
    uint32_t row = address_row(w[place]);
    if (!r->compact && w[1] && w[1] != row && w[1] != (row << 8 | address_column(w[place])))
        return npu_fail(r->err, -EBADMSG,
                        "word %zu: 0x%08" PRIX32 ", expected 0 or the tile of address 0x%08" PRIX32,
                        r->at + 1, w[1], w[place]);
    op->address = w[place];
    op->data = w + header;
    op->n_data = bytes / 4 - header;
    r->at += bytes / 4;
    return 0;
}

/* 12 words, or in the compact format 6 with the same five numbers. */
static int read_patch(struct reader *r, struct npu_txn_op *op)
{
    static const uint8_t zero[] = {2, 3, 4, 5, 7, 9, 11}, zero_short[] = {5};
    const uint32_t *w = r->words + r->at;
    int code = check_room(r, 6, "PATCH");
    bool is_short = code == 0 && r->compact && w[1] == 24;
    if (code == 0 && !is_short)
        code = check_room(r, 12, "PATCH");
    if (code == 0 && !is_short)
        code = check_size(r, 1, 48, "PATCH");
    if (code == 0)
        code = is_short ? check_zero(r, zero_short, 1, "PATCH")
                        : check_zero(r, zero, sizeof(zero), "PATCH");
    if (code == 0)
        code = check_address(r, is_short ? 2 : 6, 8);
    if (code == 0)
        code = check_number(r, w[is_short ? 2 : 6], "PATCH");
    if (code)
        return code;
    op->address = w[is_short ? 2 : 6];
    op->argument = w[is_short ? 3 : 8];
    op->offset = w[is_short ? 4 : 10];
    r->at += is_short ? 6 : 12;
    return 0;
}

static int read_sync(struct reader *r, struct npu_txn_op *op)
{
    const uint32_t *w = r->words + r->at;
    int code = check_room(r, 4, "SYNC");
    if (code == 0)
        code = check_size(r, 1, 16, "SYNC");
    if (code == 0)
        code = check_number(r, 0, "SYNC");
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

/* A point where the firmware may save the array's state and restore it; this changes no result. */
static int read_preempt(struct reader *r, struct npu_txn_op *op)
{
    uint32_t level = r->words[r->at] >> 8;
    if (level > NPU_TXN_MAX_PREEMPT)
        return npu_fail(r->err, -EBADMSG,
                        "word %zu: PREEMPT of level %" PRIu32 ", expected 0..%d (nothing, mem "
                        "tiles, cores, registers)",
                        r->at, level, NPU_TXN_MAX_PREEMPT);
    op->value = level;
    r->at++;
    return 0;
}

/* Operations of the firmware that do more than a sequence of transfers can. */
static int refuse_op(const struct reader *r)
{
    static const struct {
        uint8_t number;
        const char *what;
    } known[] = {
        {2, "BLOCKSET: many registers set to one value"},
        {7, "MASKPOLL_BUSY: a wait for a register's value"},
        {8, "LOADPDI: another array program, and this one stays; give the words of a sequence "
            "without aiex.npu.load_pdi or aiex.configure"},
        {9, "LOAD_PM_START: another program of the cores"},
        {10, "CREATE_SCRATCHPAD: numbers that come with a launch"},
        {11, "UPDATE_STATE_TABLE: numbers that come with a launch"},
        {12, "UPDATE_REG: numbers that come with a launch"},
        {13, "UPDATE_SCRATCH: numbers that come with a launch"},
        {14, "CONFIG_SHIMDMA_BD: a BD with a host address in it"},
        {15, "CONFIG_SHIMDMA_DMABUF_BD: a BD with a host address in it"},
        {0x82, "READ_REGS: registers read for the host"},
        {0x83, "RECORD_TIMER: a time kept for the host"},
        {0x84, "MERGE_SYNC: a wait for many columns' tokens"},
    };
    uint32_t number = r->words[r->at] & 0xFF;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (known[i].number == number)
            return npu_fail(r->err, -EBADMSG,
                            "word %zu: operation 0x%" PRIX32 " (%s), which is not modelled", r->at,
                            number, known[i].what);
    return npu_fail(
        r->err, -EBADMSG,
        "word %zu: operation 0x%" PRIX32 ", expected 0 (WRITE32), 1 (BLOCKWRITE), "
        "3 (MASKWRITE), 4 (MASKPOLL), 5 (NOOP), 6 (PREEMPT), 0x80 (SYNC) or 0x81 (PATCH)",
        r->at, number);
}

static int read_op(struct reader *r, struct npu_txn_op *op)
{
    uint32_t number = r->words[r->at] & 0xFF;
    *op = (struct npu_txn_op){.kind = (enum npu_txn_kind)number, .word = r->at};
    switch (number) {
    case NPU_TXN_WRITE32:
        return read_write(r, op, "WRITE32", false);
    case NPU_TXN_BLOCKWRITE:
        return read_blockwrite(r, op);
    case NPU_TXN_MASKWRITE:
        return read_write(r, op, "MASKWRITE", true);
    case NPU_TXN_MASKPOLL:
        return read_write(r, op, "MASKPOLL", true);
    case NPU_TXN_SYNC:
        return read_sync(r, op);
    case NPU_TXN_PATCH:
        return read_patch(r, op);
    case NPU_TXN_NOOP:
        r->at++;
        return 0;
    case NPU_TXN_PREEMPT:
        return read_preempt(r, op);
    default:
        return refuse_op(r);
    }
}

/* Room for one more operation at `n`, of `most`. */
static int grow(struct npu_txn_op **list, size_t *capacity, size_t n, size_t most,
                struct npu_error *err)
{
    if (n < *capacity)
        return 0;
    size_t more = 2 * *capacity + 64 < most ? 2 * *capacity + 64 : most;
    struct npu_txn_op *grown = realloc(*list, more * sizeof(*grown));
    if (!grown)
        return npu_fail(err, -ENOMEM, "instruction stream: no memory for %zu operations", more);
    *list = grown;
    *capacity = more;
    return 0;
}

int npu_txn_decode(struct npu_txn_op **ops, size_t *n_ops, struct npu_txn_device *device,
                   const uint32_t *words, size_t n_words, struct npu_error *err)
{
    struct reader r = {.words = words, .n_words = n_words, .err = err};
    size_t n = 0, i = 0, capacity = 0;
    struct npu_txn_op *list = NULL;
    int code = read_header(&r, &n);
    if (code)
        return code;
    code = grow(&list, &capacity, 0, n + 1, err);
    for (; i < n && r.at < n_words && code == 0; i++) {
        code = grow(&list, &capacity, i, n + 1, err);
        if (code == 0)
            code = read_op(&r, &list[i]);
    }
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
