/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/map/sequence_txn.h"

#include "npu/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tasks of a sequence: dense by the slot that holds one. */
struct task {
    struct npu_txn_transfer transfer;
    bool configured, freed, awaited;
};

struct writer {
    const struct npu_design *design;
    const struct npu_ir_array *array;
    const struct npu_map *map;
    const struct npu_sequence *sequence;
    const struct npu_ir_op *op; /* being written */
    struct npu_txn *txn;
    struct task *task; /* [n_slots] */
    uint16_t *used;    /* [128] BD ids in use by tasks, a bit each, by column */
    struct npu_error *err;
};

/* The device of a name as in aie.device(..): npu1, npu1_1col .. npu1_3col. Returns 0 or -EINVAL. */
static int device_of(struct npu_txn_device *out, const char *name)
{
    static const char *const names[] = {"npu1_1col", "npu1_2col", "npu1_3col", "npu1"};
    for (uint8_t i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = NPU_TXN_NPU1((uint8_t)(i + 1));
            return 0;
        }
    return -EINVAL;
}

/* Puts the position of the operation before `inner`. */
static int fail_at(const struct writer *w, int code, const char *inner)
{
    return npu_fail(w->err, code, "%s:%" PRIu32 ":%" PRIu32 ": %s: %s", w->design->file_name,
                    w->op->pos.line, w->op->pos.column, npu_ir_code_name(w->op->code), inner);
}

/* Column, direction and channel of the end of `fifo` that lies in a shim tile. */
static int find_shim_end(struct writer *w, uint32_t fifo, struct npu_txn_transfer *t)
{
    const struct npu_fifo *f = &w->array->fifo[fifo];
    char text[256];
    for (uint32_t e = 0; e <= f->n_consumers; e++) {
        const struct npu_map_end *end = &w->map->fifo[fifo][e];
        const struct npu_tile *tile = &w->array->tile[end->tile];
        if (tile->row != 0)
            continue;
        if (tile->column > 127 || end->channel > 1) {
            snprintf(text, sizeof(text),
                     "@%.100s uses channel %" PRIu32 " of tile (%" PRIu32
                     ", 0), expected 0 or 1 of a column up to 127",
                     f->name, end->channel, tile->column);
            return fail_at(w, -EINVAL, text);
        }
        t->column = (uint8_t)tile->column;
        t->direction = e == 0 ? NPU_TXN_MM2S : NPU_TXN_S2MM;
        t->channel = (uint8_t)end->channel;
        return 0;
    }
    snprintf(text, sizeof(text), "no end of @%.100s is in a shim tile", f->name);
    return fail_at(w, -EINVAL, text);
}

/* The host buffer of an argument's slot, and the bytes of its elements. */
static int find_argument(struct writer *w, uint32_t slot, struct npu_txn_transfer *t)
{
    const struct npu_sequence *s = w->sequence;
    unsigned index = 0;
    if (slot >= s->n_arguments || s->body.slot_type[slot].kind != NPU_IR_MEMREF)
        return fail_at(w, -ENOTSUP, "expected an argument of the sequence as its buffer");
    for (uint32_t i = 0; i < slot; i++)
        index += s->body.slot_type[i].kind == NPU_IR_MEMREF;
    unsigned bits = npu_ir_elem_bits(s->body.slot_type[slot].elem);
    t->argument = index;
    t->element_bytes = (uint8_t)(bits < 8 ? 1 : bits / 8);
    return 0;
}

static int literal(struct writer *w, const struct npu_ir_index *index, int64_t low, int64_t high,
                   const char *what, uint32_t *out)
{
    char text[160];
    if (index->slot != NPU_IR_NONE) {
        snprintf(text, sizeof(text), "%s is known at run time only, expected a constant", what);
        return fail_at(w, -ENOTSUP, text);
    }
    if (index->value < low || index->value > high) {
        snprintf(text, sizeof(text), "%s is %" PRId64 ", expected %" PRId64 " to %" PRId64, what,
                 index->value, low, high);
        return fail_at(w, -EINVAL, text);
    }
    *out = (uint32_t)index->value;
    return 0;
}

static int set_start(struct writer *w, uint64_t elements, struct npu_txn_transfer *t)
{
    if (elements > UINT32_MAX / t->element_bytes)
        return fail_at(w, -EINVAL, "starts 4 GiB or more after the buffer's first byte");
    t->offset_bytes = (uint32_t)elements * t->element_bytes;
    return 0;
}

/* Sizes and strides of dims [0, n) into the innermost of the transfer's four. */
static int read_dims(struct writer *w, const struct npu_ir_bd *bd, struct npu_txn_transfer *t)
{
    uint32_t n = bd->n_dims, skip = 4 - n;
    int code = 0;
    for (uint32_t d = 0; d < 4; d++) {
        t->size[d] = 1;
        t->stride[d] = d == 3;
    }
    for (uint32_t d = 0; d < n && code == 0; d++) {
        code = literal(w, &bd->size[d], 1, UINT32_MAX, "a size", &t->size[skip + d]);
        /* Of size 1 it may be any constant. */
        if (code == 0 && (t->size[skip + d] > 1 || bd->stride[d].slot != NPU_IR_NONE))
            code = literal(w, &bd->stride[d], 0, UINT32_MAX, "a stride", &t->stride[skip + d]);
    }
    return code;
}

static int read_memcpy(struct writer *w, struct npu_txn_transfer *t)
{
    const struct npu_ir_bd *bd = &w->op->bd[0];
    uint64_t start = 0;
    uint32_t offset = 0;
    int code = find_shim_end(w, w->op->ref, t);
    if (code == 0)
        code = find_argument(w, bd->memref, t);
    if (code == 0)
        code = read_dims(w, bd, t);
    for (unsigned d = 0; d < 4 && code == 0; d++) {
        /* Offsets count in strides, as the compiler implements it. */
        bool counts = bd->stride[d].value > 0;
        code = literal(w, &bd->offset[d], 0, counts ? UINT32_MAX : INT64_MAX, "an offset", &offset);
        if (code == 0 && offset && counts) {
            uint64_t product = (uint64_t)offset * (uint64_t)bd->stride[d].value;
            if (product > UINT32_MAX)
                return fail_at(w, -EINVAL, "an offset is 4 GiB or more");
            start += product;
        }
    }
    if (code == 0)
        code = set_start(w, start, t);
    if (code)
        return code;
    if (bd->id < 0 || bd->id > 15)
        return fail_at(w, -EINVAL, "expected an id from 0 to 15");
    t->bd = (uint8_t)bd->id;
    t->burst_bytes = (uint16_t)bd->burst_length;
    t->token = t->direction == NPU_TXN_S2MM || w->op->token;
    return 0;
}

/* The lowest BD id that no task of the column uses. */
static int take_bd(struct writer *w, const struct npu_ir_bd *bd, struct npu_txn_transfer *t)
{
    unsigned id = 0;
    if (bd->id > 15)
        return fail_at(w, -EINVAL, "expected a bd_id from 0 to 15");
    if (bd->id >= 0)
        id = (unsigned)bd->id;
    else
        while (id < NPU_TXN_N_BDS && w->used[t->column] >> id & 1)
            id++;
    if (id == NPU_TXN_N_BDS)
        return fail_at(w, -EINVAL, "all 16 buffer descriptors of the shim tile are in use");
    w->used[t->column] |= (uint16_t)(1U << id);
    t->bd = (uint8_t)id;
    return 0;
}

/* A task's descriptor: at most three dimensions and the iteration. */
static int read_task(struct writer *w, struct npu_txn_transfer *t)
{
    const struct npu_ir_op *op = w->op;
    const struct npu_ir_bd *bd = &op->bd[0];
    int code = 0;
    if (op->n_bds != 1)
        return fail_at(w, -ENOTSUP, "expected one aie.dma_bd, a chain has no words here");
    if (bd->n_dims > 4)
        return fail_at(w, -EINVAL, "expected at most 4 dimensions");
    code = find_shim_end(w, op->ref, t);
    if (code == 0)
        code = find_argument(w, bd->memref, t);
    if (code == 0)
        code = read_dims(w, bd, t);
    if (code == 0)
        code = set_start(w, (uint64_t)bd->start, t);
    if (code)
        return code;
    uint64_t length = (uint64_t)npu_ir_bd_length(bd, &w->sequence->body.slot_type[bd->memref]);
    if (op->repeat < 0 || op->repeat > 255)
        return fail_at(w, -EINVAL, "expected a repeat_count from 0 to 255");
    uint32_t runs = (uint32_t)op->repeat + 1;
    if (bd->n_dims == 0 && (length < 1 || length > UINT32_MAX))
        return fail_at(w, -EINVAL, "expected a length of 1 to 2^32 - 1 elements");
    if (bd->n_dims == 0)
        t->size[3] = (uint32_t)length;
    else if (t->size[0] > 1 && t->stride[0] > 0 && t->size[0] != runs)
        return fail_at(w, -ENOTSUP,
                       "expected repeat_count + 1 runs where the outermost of four "
                       "dimensions has more than one and a stride");
    else if ((uint64_t)t->size[1] * t->size[2] * t->size[3] != length)
        return fail_at(w, -EINVAL, "the length is not the product of the three innermost sizes");
    t->size[0] = runs;
    t->burst_bytes = (uint16_t)bd->burst_length;
    t->token = op->token;
    return take_bd(w, bd, t);
}

static int write_wait(struct writer *w, const struct npu_txn_transfer *t)
{
    const struct npu_txn_wait wait = {.column = t->column,
                                      .direction = t->direction,
                                      .channel = t->channel,
                                      .n_columns = 1,
                                      .n_rows = 1};
    return npu_txn_append_wait(w->txn, &wait, w->err);
}

static int write_task_op(struct writer *w)
{
    const struct npu_ir_op *op = w->op;
    bool configure = op->code == NPU_IR_TASK_CONFIGURE;
    uint32_t slot = configure ? op->result[0] : op->operand[0];
    struct task *task = &w->task[slot];
    int code = 0;
    if (op->code == NPU_IR_TASK_FREE && task->awaited)
        return 0; /* it is free */
    if (!configure && (!task->configured || task->freed))
        return fail_at(w, -EINVAL, "the task was not configured before, or is freed");
    switch (op->code) {
    case NPU_IR_TASK_CONFIGURE:
        *task = (struct task){.configured = true};
        code = read_task(w, &task->transfer);
        return code ? code : npu_txn_append_bd(w->txn, &task->transfer, w->err);
    case NPU_IR_TASK_START:
        return npu_txn_append_push(w->txn, &task->transfer, w->err);
    case NPU_IR_TASK_AWAIT:
        if (!task->transfer.token)
            return fail_at(w, -EINVAL, "the task issues no token");
        code = write_wait(w, &task->transfer);
        task->awaited = true;
        break;
    default:
        break;
    }
    task->freed = true;
    w->used[task->transfer.column] &= (uint16_t) ~(1U << task->transfer.bd);
    return code;
}

/* The address of a register or a word of data, from the three numbers of write32. */
static int find_address(struct writer *w, const int64_t *list, uint32_t *address)
{
    int64_t column = list[1] < 0 ? 0 : list[1], row = list[2] < 0 ? 0 : list[2];
    bool tile = list[1] >= 0 || list[2] >= 0;
    if (list[0] < 0 || list[0] > (tile ? 0xFFFFF : (int64_t)UINT32_MAX) || column > 127 || row > 31)
        return fail_at(w, -EINVAL, "no tile has this address");
    *address = (uint32_t)(list[0] | column << 25 | row << 20);
    return 0;
}

static int write_register(struct writer *w)
{
    const struct npu_ir_op *op = w->op;
    struct npu_txn_op write = {.kind = NPU_TXN_WRITE32};
    int code;
    if (op->code == NPU_IR_RTP_WRITE) {
        const struct npu_buffer *buffer = &w->array->buffer[op->ref];
        const struct npu_map_tile *m = &w->map->tile[buffer->tile];
        const struct npu_tile *tile = &w->array->tile[buffer->tile];
        if (op->list[0] < 0 || (uint64_t)op->list[0] >= npu_ir_type_bytes(&buffer->type) / 4)
            return fail_at(w, -EINVAL, "the index lies outside of the buffer");
        for (uint32_t i = 0; i < m->n_pieces; i++)
            if (m->piece[i].what == NPU_PIECE_BUFFER && m->piece[i].index == op->ref)
                write.address = (uint32_t)m->piece[i].address;
        int64_t list[3] = {write.address + 4 * op->list[0], tile->column, tile->row};
        code = find_address(w, list, &write.address);
        write.value = (uint32_t)op->list[1];
    } else {
        code = find_address(w, op->list, &write.address);
        write.value = (uint32_t)op->list[3];
        if (op->code == NPU_IR_MASKWRITE32) {
            write.kind = NPU_TXN_MASKWRITE;
            write.mask = (uint32_t)op->list[4];
        }
    }
    return code ? code : npu_txn_append(w->txn, &write, w->err);
}

static int write_sync(struct writer *w)
{
    const int64_t *list = w->op->list;
    for (unsigned i = 0; i < 6; i++)
        if (list[i] < 0 || list[i] > 127)
            return fail_at(w, -EINVAL, "expected numbers from 0 to 127");
    const struct npu_txn_wait wait = {.column = (uint8_t)list[0],
                                      .row = (uint8_t)list[1],
                                      .direction = (enum npu_txn_direction)list[2],
                                      .channel = (uint8_t)list[3],
                                      .n_columns = (uint8_t)list[4],
                                      .n_rows = (uint8_t)list[5]};
    return npu_txn_append_wait(w->txn, &wait, w->err);
}

static int write_op(struct writer *w)
{
    struct npu_txn_transfer t = {0};
    int code;
    switch (w->op->code) {
    case NPU_IR_CONSTANT: /* used as literals */
        return 0;
    case NPU_IR_MEMCPY:
        code = read_memcpy(w, &t);
        return code ? code : npu_txn_append_transfer(w->txn, &t, w->err);
    case NPU_IR_WAIT:
        code = find_shim_end(w, w->op->ref, &t);
        return code ? code : write_wait(w, &t);
    case NPU_IR_SYNC:
        return write_sync(w);
    case NPU_IR_TASK_CONFIGURE:
    case NPU_IR_TASK_START:
    case NPU_IR_TASK_AWAIT:
    case NPU_IR_TASK_FREE:
        return write_task_op(w);
    case NPU_IR_RTP_WRITE:
    case NPU_IR_WRITE32:
    case NPU_IR_MASKWRITE32:
        return write_register(w);
    default:
        return fail_at(w, -ENOTSUP, "has no instruction words");
    }
}

/* Puts the position before an error of npu/txn. */
static int write_ops(struct writer *w)
{
    const struct npu_ir_region *region = &w->sequence->body.region;
    struct npu_error *outer = w->err;
    int code = 0;
    for (uint32_t i = 0; i < region->n_ops && code == 0; i++) {
        struct npu_error inner = {""};
        w->op = &region->op[i];
        w->err = &inner;
        code = write_op(w);
        w->err = outer;
        size_t n = strlen(w->design->file_name);
        if (code && strncmp(inner.text, w->design->file_name, n) == 0 && inner.text[n] == ':')
            code = npu_fail(outer, code, "%s", inner.text);
        else if (code)
            code = fail_at(w, code, inner.text);
    }
    return code;
}

int npu_sequence_words(struct npu_txn **out, const struct npu_design *design,
                       const struct npu_ir_array *array, const struct npu_map *map,
                       uint32_t sequence, struct npu_error *err)
{
    struct npu_txn_device device;
    if (device_of(&device, array->device))
        return npu_fail(err, -EINVAL,
                        "%s: device %s has no instruction words here, expected npu1 or npu1_1col "
                        "to npu1_3col",
                        design->file_name, array->device);
    const struct npu_sequence *s = &array->sequence[sequence];
    struct writer w = {.design = design, .array = array, .map = map, .sequence = s, .err = err};
    int code = npu_txn_open(&w.txn, &device, err);
    if (code)
        return code;
    w.task = calloc(s->body.n_slots + 1, sizeof(*w.task));
    w.used = calloc(128, sizeof(*w.used));
    if (!w.task || !w.used)
        code = npu_fail(err, -ENOMEM, "%s: no memory for the words", design->file_name);
    else
        code = write_ops(&w);
    free(w.task);
    free(w.used);
    if (code)
        npu_txn_close(&w.txn);
    else
        *out = w.txn;
    return code;
}
