/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading: from operations to the steps of the shim DMAs. Registers and fields: aie-rt's
 * xaiemlgbl_params.h; npu/sim/DESIGNS.md has the table of a BD's fields. */
#include "npu/txn/txn.h"

#include "npu/log.h"
#include "npu/txn/shim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bd_state {
    uint32_t data[SHIM_BD_WORDS];
    uint8_t written; /* a bit for each word */
    bool patched;    /* the address is the argument's, whatever words 1 and 2 hold */
    bool fresh;      /* written or patched since it was pushed */
    uint32_t argument, offset;
};

struct shim_state {
    struct bd_state bd[NPU_TXN_N_BDS];
    uint32_t control[2][SHIM_N_CHANNELS]; /* registers, by direction; 0 after a reset */
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

/* ---- Buffer descriptors ---------------------------------------------------------------------- */

/* Fields of a BD that the hardware acts on in a way that no transfer has. */
static const struct bd_field {
    uint8_t word, low, bits;
    uint8_t expected; /* of the field */
    const char *meaning;
} refused_fields[] = {
    {2, 30, 1, 0, "a packet header on the stream"},
    {3, 30, 1, 0, "secure access"},
    {5, 28, 4, 0, "the stream id that chooses an address space"},
    {7, 12, 1, 0, "a lock taken before the transfer"},
    {7, 18, 7, 0, "a value given to a lock after the transfer"},
    {7, 25, 1, 1, "a valid BD"},
    {7, 26, 1, 0, "a next BD, and chains are not modelled"},
    {7, 31, 1, 0, "no TLAST at the end of the stream"},
};

enum { WHY_BYTES = 192 };

static int check_fields(const uint32_t *bd, char why[WHY_BYTES])
{
    for (size_t i = 0; i < sizeof(refused_fields) / sizeof(*refused_fields); i++) {
        const struct bd_field *field = &refused_fields[i];
        uint32_t value = bd[field->word] >> field->low & ((1U << field->bits) - 1);
        char bits[16];
        if (value == field->expected)
            continue;
        if (field->bits == 1)
            snprintf(bits, sizeof(bits), "bit %u", field->low);
        else
            snprintf(bits, sizeof(bits), "bits %u..%u", field->low, field->low + field->bits - 1);
        snprintf(why, WHY_BYTES, "its word %u (0x%08" PRIX32 "), %s (%s): %" PRIu32 ", expected %u",
                 field->word, bd[field->word], bits, field->meaning, value, field->expected);
        return -EBADMSG;
    }
    return 0;
}

/* Dimensions 1 to 3 of a run: counters of words. A counter never ends if its wrap is 0 or more than
 * the length reaches; the dimensions outside of it then move nothing. */
static int decode_dimensions(struct npu_txn_transfer *t, const uint32_t *bd, char why[WHY_BYTES])
{
    uint32_t length = bd[0], wrap[2], step[3];
    for (unsigned i = 0; i < 2; i++)
        wrap[i] = bd[3 + i] >> BD_WRAP_SHIFT & BD_WRAP_MAX;
    for (unsigned i = 0; i < 3; i++)
        step[i] = (bd[3 + i] & BD_STEP_MAX) + 1;
    uint32_t plane = wrap[0] * wrap[1];
    for (unsigned d = 1; d < 4; d++) {
        t->size[d] = 1;
        t->stride[d] = d == 3;
    }
    if (length == 0) {
        snprintf(why, WHY_BYTES, "its word 0 (the length) is 0, expected 1 word or more");
        return -EBADMSG;
    }
    if (wrap[0] == 0 || length <= wrap[0]) {
        unsigned d = step[0] == 1 || length <= BD_WRAP_MAX ? 3 : 1; /* 1 may be of any size */
        t->size[d] = length;
        t->stride[d] = step[0];
        return 0;
    }
    if (length % wrap[0] || (plane && length > plane && length % plane)) {
        snprintf(why, WHY_BYTES,
                 "its word 0 (the length, %" PRIu32
                 "), expected a multiple of the wraps in its words 3 and 4, %" PRIu32
                 " and %" PRIu32,
                 length, wrap[0], wrap[1]);
        return -EBADMSG;
    }
    t->size[3] = wrap[0];
    t->stride[3] = step[0];
    if (plane == 0) {
        t->size[1] = length / wrap[0];
        t->stride[1] = step[1];
        return 0;
    }
    t->size[2] = length > plane ? wrap[1] : length / wrap[0];
    t->stride[2] = step[1];
    t->size[1] = length > plane ? length / plane : 1;
    t->stride[1] = step[2];
    return 0;
}

/* The runs of a task: each adds the iteration's step, beginning at the BD's counter, which keeps
 * its value after the last run. *first: words from the address to the first run. */
static int decode_iteration(struct npu_txn_transfer *t, uint32_t *bd, uint32_t runs,
                            uint64_t *first, char why[WHY_BYTES])
{
    uint32_t wrap = (bd[6] >> BD_WRAP_SHIFT & BD_ITERATION_MAX) + 1;
    uint32_t current = bd[6] >> BD_CURRENT_SHIFT, step = (bd[6] & BD_STEP_MAX) + 1;
    if (current >= wrap) {
        snprintf(why, WHY_BYTES,
                 "its word 6 (0x%08" PRIX32 "), bits 26..31 (the iteration to begin with): %" PRIu32
                 ", expected less than the %" PRIu32 " of bits 20..25",
                 bd[6], current, wrap);
        return -EBADMSG;
    }
    if (wrap > 1 && current + runs > wrap) {
        snprintf(why, WHY_BYTES,
                 "its word 6 (0x%08" PRIX32 ") begins at iteration %" PRIu32 " of %" PRIu32
                 ", expected no more runs than are left, found %" PRIu32,
                 bd[6], current, wrap, runs);
        return -EBADMSG;
    }
    t->size[0] = runs;
    t->stride[0] = wrap > 1 && runs > 1 ? step : 0;
    *first = (uint64_t)current * step;
    bd[6] = (bd[6] & ((1U << BD_CURRENT_SHIFT) - 1)) | (current + runs) % wrap << BD_CURRENT_SHIFT;
    return 0;
}

static int decode_bd(struct npu_txn_transfer *t, struct bd_state *bd, uint32_t runs,
                     char why[WHY_BYTES])
{
    struct npu_error inner = {""};
    uint64_t first = 0;
    int code = check_fields(bd->data, why);
    if (code == 0)
        code = decode_dimensions(t, bd->data, why);
    if (code == 0)
        code = decode_iteration(t, bd->data, runs, &first, why);
    if (code)
        return code;
    if (bd->offset + 4 * first > UINT32_MAX) {
        snprintf(why, WHY_BYTES, "it starts 4 GiB or more after the argument's first byte");
        return -EBADMSG;
    }
    uint32_t burst =
        bd->data[4] >> BD_BURST_SHIFT; /* 3 is reserved: speed only, so no reason to refuse */
    t->burst_bytes = (uint16_t)(BD_BURST_BYTES << (burst < BD_BURST_MAX ? burst : BD_BURST_MAX));
    t->element_bytes = 4;
    t->argument = bd->argument;
    t->offset_bytes = bd->offset + (uint32_t)(4 * first);
    if (npu_txn_transfer_canonical(t, t, &inner)) {
        snprintf(why, WHY_BYTES, "%s", inner.text);
        return -EBADMSG;
    }
    return 0;
}

/* ---- Registers of a shim tile ---------------------------------------------------------------- */

static int refuse_register(struct follower *f, size_t word, uint32_t address, const char *expected)
{
    return npu_fail(f->err, -EBADMSG,
                    "word %zu: register 0x%05" PRIX32 " of shim tile (%u, 0), expected %s", word,
                    address & ADDRESS_OFFSET_MASK, address_column(address), expected);
}

/* A push into a queue: the task that the BD, the control register and the word describe. */
static int push(struct follower *f, size_t word, uint32_t address, enum npu_txn_direction direction,
                unsigned channel, uint32_t value)
{
    unsigned column = address_column(address), id = value & 0xF;
    struct shim_state *shim = &f->shims[column];
    struct bd_state *bd = &shim->bd[id];
    uint32_t controller = shim->control[direction][channel] & CONTROLLER_FIELD;
    struct npu_txn_transfer t = {.column = (uint8_t)column,
                                 .direction = direction,
                                 .channel = (uint8_t)channel,
                                 .bd = (uint8_t)id,
                                 .token = (value & QUEUE_TOKEN) != 0};
    char why[WHY_BYTES];
    int code;

    if (value & ~QUEUE_USED)
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: queue word 0x%08" PRIX32
                        ", expected bit 31 token, bits 16..23 repeat, a BD id 0..15",
                        word, value);
    if (bd->written != 0xFF || !bd->patched)
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: BD %u of shim tile (%u, 0) is pushed but was "
                        "not %s before",
                        word, id, column, bd->written != 0xFF ? "written" : "patched");
    if (t.token && controller != CONTROLLER_VALUE)
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: a token of a channel whose controller id is %" PRIu32
                        ", expected 15, set before, or it is lost",
                        word, controller >> CONTROLLER_SHIFT);
    if (decode_bd(&t, bd, (value >> QUEUE_REPEAT_SHIFT & QUEUE_REPEAT_MAX) + 1, why))
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: BD %u of shim tile (%u, 0) as pushed is no transfer: %s", word,
                        id, column, why);
    struct npu_txn_step *step = append_step(f, NPU_TXN_STEP_TRANSFER, word, &code);
    if (!step)
        return code;
    step->u.transfer = t;
    step->fresh_bd = bd->fresh;
    bd->fresh = false;
    return 0;
}

/* The firmware's patch replaces the address's bits, so a later write to them undoes it. */
static void write_bd(struct bd_state *bd, unsigned i, uint32_t value, uint32_t mask)
{
    bd->data[i] = (bd->data[i] & ~mask) | (value & mask);
    bd->fresh = true;
    if (mask == UINT32_MAX)
        bd->written |= (uint8_t)(1U << i);
    if ((i == 1 && mask & BD_ADDRESS_LOW) || (i == 2 && mask & BD_ADDRESS_HIGH))
        bd->patched = false;
}

static int write_control(struct follower *f, size_t word, uint32_t address, uint32_t *control,
                         uint32_t value, uint32_t mask)
{
    uint32_t now = (*control & ~mask) | (value & mask);
    if (now & ~CONTROLLER_FIELD)
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: control register 0x%05" PRIX32
                        " of shim tile (%u, 0) becomes 0x%08" PRIX32
                        ", expected bits 8..15 alone, the controller id; bits 1..3 and 16..17 are "
                        "pauses, tasks out of order and an end by TLAST",
                        word, address & ADDRESS_OFFSET_MASK, address_column(address), now);
    *control = now;
    return 0;
}

/* One word written into a shim tile. */
static int write_shim(struct follower *f, size_t word, uint32_t address, uint32_t value,
                      uint32_t mask)
{
    uint32_t offset = address & ADDRESS_OFFSET_MASK, place = offset - SHIM_BD_BASE;
    struct shim_state *shim = &f->shims[address_column(address)];
    if (offset >= SHIM_BD_BASE && place < NPU_TXN_N_BDS * SHIM_BD_BYTES) {
        write_bd(&shim->bd[place / SHIM_BD_BYTES], place % SHIM_BD_BYTES / 4, value, mask);
        return 0;
    }
    place = offset - SHIM_CONTROL_BASE;
    if (offset < SHIM_CONTROL_BASE || place >= 2 * SHIM_MM2S)
        return refuse_register(f, word, address,
                               "a BD (0x1D000 to 0x1D1FF), or a channel's control register or task "
                               "queue (0x1D200 to 0x1D21F)");
    enum npu_txn_direction direction = place >= SHIM_MM2S ? NPU_TXN_MM2S : NPU_TXN_S2MM;
    unsigned channel = place / 8 % 2;
    if (place % 8 == 0)
        return write_control(f, word, address, &shim->control[direction][channel], value, mask);
    if (mask != UINT32_MAX)
        return refuse_register(f, word, address, "a whole word written into a task queue");
    return push(f, word, address, direction, channel, value);
}

/* ---- Operations ------------------------------------------------------------------------------ */

static int follow_write(struct follower *f, const struct npu_txn_op *op, uint32_t address,
                        uint32_t value, uint32_t mask)
{
    return address_row(address) > 0 ? append_write(f, op->word, address, value, mask)
                                    : write_shim(f, op->word, address, value, mask);
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
    bd->patched = bd->fresh = true;
    bd->written |= 1U << 1; /* word 2 has other fields beside the address */
    bd->argument = op->argument;
    bd->offset = op->offset;
    /* The firmware maps the first five arguments itself; for others the offset carries the map. */
    if (op->argument >= FIRMWARE_ARGUMENTS && op->offset >= ARGUMENT_MAP)
        bd->offset -= ARGUMENT_MAP;
    return 0;
}

/* A poll of a channel's status: of its queue's size, or of its idle state. */
static int follow_poll(struct follower *f, const struct npu_txn_op *op)
{
    static const struct {
        uint32_t mask;
        uint8_t unfinished;
    } known[] = {{STATUS_QUEUE_FULL, 4},
                 {STATUS_QUEUE_OVER_1, 2},
                 {STATUS_QUEUE_OVER_0, 1},
                 {STATUS_BUSY, 0}};
    uint32_t place = (op->address & ADDRESS_OFFSET_MASK) - SHIM_STATUS_BASE;
    size_t i = 0;
    int code;
    while (i < 4 && known[i].mask != op->mask)
        i++;
    if (address_row(op->address) > 0 || place >= 2 * SHIM_STATUS_MM2S || place % 4 || i == 4 ||
        op->value & op->mask)
        return npu_fail(f->err, -EBADMSG,
                        "word %zu: MASKPOLL of address 0x%08" PRIX32 " for 0x%08" PRIX32
                        " under mask 0x%08" PRIX32
                        ", expected a DMA status of a shim tile (0x1D220 to 0x1D22C), 0, and a "
                        "mask of its queue's size (0x400000, 0x600000, 0x700000) or idle "
                        "(0x78003C)",
                        op->word, op->address, op->value, op->mask);
    struct npu_txn_step *step = append_step(f, NPU_TXN_STEP_POLL, op->word, &code);
    if (!step)
        return code;
    step->u.poll.column = (uint8_t)address_column(op->address);
    step->u.poll.direction = place >= SHIM_STATUS_MM2S ? NPU_TXN_MM2S : NPU_TXN_S2MM;
    step->u.poll.channel = place / 4 % 2;
    step->u.poll.unfinished = known[i].unfinished;
    return 0;
}

static int follow(struct follower *f, const struct npu_txn_op *op)
{
    int code = 0;
    switch (op->kind) {
    case NPU_TXN_WRITE32:
        return follow_write(f, op, op->address, op->value, UINT32_MAX);
    case NPU_TXN_BLOCKWRITE:
        for (uint32_t i = 0; i < op->n_data && code == 0; i++)
            code = follow_write(f, op, op->address + 4 * i, op->data[i], UINT32_MAX);
        return code;
    case NPU_TXN_MASKWRITE:
        return follow_write(f, op, op->address, op->value, op->mask);
    case NPU_TXN_PATCH:
        return follow_patch(f, op);
    case NPU_TXN_MASKPOLL:
        return follow_poll(f, op);
    case NPU_TXN_NOOP:
    case NPU_TXN_PREEMPT:
        return 0;
    case NPU_TXN_SYNC:
        break;
    }
    struct npu_txn_step *step = append_step(f, NPU_TXN_STEP_WAIT, op->word, &code);
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
    if (d.generation != 3)
        code = npu_fail(err, -EBADMSG, "word 0: device generation %u, expected 3 (AIE2 as in npu1)",
                        d.generation);
    else if (!f.steps || !f.shims)
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
