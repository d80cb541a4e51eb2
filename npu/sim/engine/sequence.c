/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A runtime sequence executed from the design's text. */
#include "npu/sim/engine/array.h"

#include <errno.h>
#include <string.h>

static int64_t index_of(const struct npu_sim *sim, const struct npu_ir_index *index)
{
    return index->slot == NPU_IR_NONE ? index->value : sim->host.program.value[index->slot].i;
}

static int channel_of(struct npu_sim *sim, const struct npu_ir_op *op, uint32_t fifo,
                      struct npu_sim_channel **out)
{
    *out = npu_sim_channel_of_fifo(sim, fifo);
    if (!*out)
        return npu_sim_fail(sim, -EINVAL, &op->pos, "@%s has no end at a shim tile",
                            sim->array->fifo[fifo].name);
    return 0;
}

/* Host buffers are the memref arguments, in order. */
static uint32_t buffer_of(const struct npu_sim *sim, uint32_t slot)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < slot; i++)
        n += sim->host.sequence->body.slot_type[i].kind == NPU_IR_MEMREF;
    return n;
}

static int make_pattern(struct npu_sim *sim, const struct npu_ir_bd *bd, uint32_t n,
                        const int64_t *size, const int64_t *stride, uint32_t elem_bytes,
                        int64_t offset, struct npu_sim_task *task)
{
    for (uint32_t d = 0; d < n; d++)
        if (size[d] > 1 && stride[d] < 0)
            return npu_sim_fail(sim, -EINVAL, &bd->pos, "a stride of %lld: expected 0 or more",
                                (long long)stride[d]);
    if (offset < -((int64_t)1 << 40) || offset > (int64_t)1 << 40 ||
        !npu_pattern_init(&task->pattern, n, size, stride, elem_bytes, offset * elem_bytes))
        return npu_sim_fail(sim, -EINVAL, &bd->pos, "the sizes of the transfer are out of range");
    if (task->pattern.bytes % 4 != 0 || task->pattern.offset % 4 != 0)
        return npu_sim_fail(sim, -EINVAL, &bd->pos,
                            "a transfer of %llu bytes from byte %lld: expected multiples of 4",
                            (unsigned long long)task->pattern.bytes,
                            (long long)task->pattern.offset);
    return 0;
}

static uint32_t elem_bytes_of(const struct npu_sim *sim, const struct npu_ir_bd *bd)
{
    unsigned bits = npu_ir_elem_bits(sim->host.sequence->body.slot_type[bd->memref].elem);
    return bits < 8 ? 1 : bits / 8;
}

/* dma_memcpy_nd: the offsets count in strides, as mlir-aie computes them. */
static int memcpy_task(struct npu_sim *sim, const struct npu_ir_bd *bd, struct npu_sim_task *task)
{
    int64_t size[4], stride[4], offset = 0;
    for (unsigned d = 0; d < 4; d++) {
        int64_t part, at = index_of(sim, &bd->offset[d]);
        size[d] = index_of(sim, &bd->size[d]);
        stride[d] = index_of(sim, &bd->stride[d]);
        if (at < 0)
            return npu_sim_fail(sim, -EINVAL, &bd->pos, "an offset of %lld: expected 0 or more",
                                (long long)at);
        if (__builtin_mul_overflow(at, stride[d], &part) ||
            __builtin_add_overflow(offset, part, &offset))
            return npu_sim_fail(sim, -EINVAL, &bd->pos, "the offset of the transfer overflows");
    }
    return make_pattern(sim, bd, 4, size, stride, elem_bytes_of(sim, bd), offset, task);
}

/* aie.dma_bd: `length` elements a run in up to three dimensions; a fourth, the outermost, is
 * stepped by the task's repeats, and its size says nothing where the step is 0. */
static int bd_task(struct npu_sim *sim, const struct npu_ir_op *op, const struct npu_ir_bd *bd,
                   struct npu_sim_task *task)
{
    int64_t size[NPU_DESIGN_MAX_DIMS + 1] = {op->repeat + 1}, stride[NPU_DESIGN_MAX_DIMS + 1] = {0};
    int64_t length = npu_ir_bd_length(bd, &sim->host.sequence->body.slot_type[bd->memref]), run = 1;
    uint32_t n = 1, d = 0;
    if (bd->n_dims == 4) {
        int64_t outer = index_of(sim, &bd->size[0]);
        stride[0] = outer == 1 ? 0 : index_of(sim, &bd->stride[0]);
        if (stride[0] != 0 && outer != size[0])
            return npu_sim_fail(
                sim, -EINVAL, &bd->pos,
                "an outermost size of %lld in a task that runs %lld times: expected "
                "repeat_count = %lld",
                (long long)outer, (long long)size[0], (long long)outer - 1);
        d = 1;
    }
    for (; d < bd->n_dims; d++) {
        size[n] = index_of(sim, &bd->size[d]);
        stride[n] = index_of(sim, &bd->stride[d]);
        if (__builtin_mul_overflow(run, size[n], &run))
            run = -1;
        n++;
    }
    if (bd->n_dims == 0) {
        size[n] = run = length;
        stride[n++] = 1;
    }
    if (run != length)
        return npu_sim_fail(sim, -EINVAL, &bd->pos,
                            "a length of %lld elements, but the sizes make %lld", (long long)length,
                            (long long)run);
    return make_pattern(sim, bd, n, size, stride, elem_bytes_of(sim, bd), bd->start, task);
}

static int turn_memcpy(struct npu_sim *sim, const struct npu_ir_op *op)
{
    struct npu_sim_channel *channel;
    struct npu_sim_task task = {.buffer = buffer_of(sim, op->bd[0].memref)};
    int code = channel_of(sim, op, op->ref, &channel);
    if (!code)
        code = memcpy_task(sim, &op->bd[0], &task);
    if (!code)
        code = npu_sim_host_claim(sim, &op->pos, channel->column, op->bd[0].id);
    if (code)
        return code;
    task.token = op->token || !channel->mm2s; /* S2MM always sends one */
    return npu_sim_host_push(sim, &op->pos, channel, op->bd[0].id, &task);
}

/* The configuration in a task's slot; its operation lives as long as the design. */
static const struct npu_ir_op *configuration(const struct npu_sim *sim, const struct npu_ir_op *op)
{
    return (const struct npu_ir_op *)(intptr_t)sim->host.program.value[op->operand[0]].i;
}

static int turn_configure(struct npu_sim *sim, const struct npu_ir_op *op)
{
    struct npu_sim_channel *channel;
    int code = channel_of(sim, op, op->ref, &channel);
    if (code)
        return code;
    if (op->n_bds != 1)
        return npu_sim_fail(
            sim, -ENOTSUP, &op->pos,
            "a task of %u buffer descriptors: expected one, chains are not executed", op->n_bds);
    sim->host.program.value[op->result[0]].i = (int64_t)(intptr_t)op;
    code = npu_sim_host_claim(sim, &op->pos, channel->column, op->bd[0].id);
    return code ? code : 1;
}

static int turn_start(struct npu_sim *sim, const struct npu_ir_op *op)
{
    const struct npu_ir_op *from = configuration(sim, op);
    struct npu_sim_channel *channel;
    if (!from)
        return npu_sim_fail(sim, -EINVAL, &op->pos, "a task that was never configured");
    struct npu_sim_task task = {.buffer = buffer_of(sim, from->bd[0].memref), .token = from->token};
    int code = channel_of(sim, op, from->ref, &channel);
    if (!code)
        code = bd_task(sim, from, &from->bd[0], &task);
    return code ? code : npu_sim_host_push(sim, &op->pos, channel, from->bd[0].id, &task);
}

static int turn_await(struct npu_sim *sim, const struct npu_ir_op *op)
{
    const struct npu_ir_op *from = configuration(sim, op);
    struct npu_sim_channel *channel;
    if (!from || !from->token)
        return npu_sim_fail(sim, -EINVAL, &op->pos, "a wait for a task without issue_token");
    int code = channel_of(sim, op, from->ref, &channel);
    return code ? code : npu_sim_host_wait(sim, &op->pos, &channel, 1);
}

static int turn_wait(struct npu_sim *sim, const struct npu_ir_op *op)
{
    struct npu_sim_channel *channel[NPU_SIM_SHIM_CHANNELS];
    int n = 1, code = 0;
    if (op->code == NPU_IR_WAIT)
        code = channel_of(sim, op, op->ref, &channel[0]);
    else
        n = npu_sim_host_sync_channels(sim, &op->pos, op->list, channel, NPU_SIM_SHIM_CHANNELS);
    if (code || n < 0)
        return code ? code : n;
    return npu_sim_host_wait(sim, &op->pos, channel, (uint32_t)n);
}

static int turn_rtp(struct npu_sim *sim, const struct npu_ir_op *op)
{
    const struct npu_sim_buffer_memory *buffer = &sim->buffer[op->ref];
    int64_t word = op->list[0];
    if (word < 0 || (uint64_t)word >= buffer->bytes / 4)
        return npu_sim_fail(sim, -EINVAL, &op->pos, "word %lld of a buffer of %llu bytes",
                            (long long)word, (unsigned long long)buffer->bytes);
    uint32_t value = (uint32_t)op->list[1];
    memcpy(buffer->data + word * 4, &value, 4);
    npu_sim_time_add(&sim->host.clock.time, &sim->cost.sequence_write);
    return 1;
}

static int turn_poke(struct npu_sim *sim, const struct npu_ir_op *op)
{
    const int64_t *list = op->list;
    bool masked = op->code == NPU_IR_MASKWRITE32;
    uint32_t address = (uint32_t)list[0], column = address >> 25, row = address >> 20 & 31;
    if (list[1] >= 0 && list[2] >= 0) {
        column = (uint32_t)list[1];
        row = (uint32_t)list[2];
    }
    return npu_sim_host_poke(sim, &op->pos, column, row, address & 0xFFFFF, (uint32_t)list[3],
                             masked ? (uint32_t)list[4] : UINT32_MAX);
}

int npu_sim_sequence_turn(struct npu_sim *sim)
{
    struct npu_sim_program *program = &sim->host.program;
    int code = npu_sim_execute(sim, program);
    if (code)
        return code;
    const struct npu_ir_op *op = program->code[program->pc].ir;
    switch (program->code[program->pc].op) {
    case NPU_IR_END:
        sim->host.running = false;
        return 1;
    case NPU_IR_MEMCPY:
        code = turn_memcpy(sim, op);
        break;
    case NPU_IR_WAIT:
    case NPU_IR_SYNC:
        code = turn_wait(sim, op);
        break;
    case NPU_IR_TASK_CONFIGURE:
        code = turn_configure(sim, op);
        break;
    case NPU_IR_TASK_START:
        code = turn_start(sim, op);
        break;
    case NPU_IR_TASK_AWAIT:
        code = turn_await(sim, op);
        break;
    case NPU_IR_TASK_FREE:
        code = 1;
        break;
    case NPU_IR_RTP_WRITE:
        code = turn_rtp(sim, op);
        break;
    case NPU_IR_WRITE32:
    case NPU_IR_MASKWRITE32:
        code = turn_poke(sim, op);
        break;
    default:
        return npu_sim_fail(sim, -ENOTSUP, &op->pos, "%s in a runtime sequence",
                            npu_ir_code_name(op->code));
    }
    if (code > 0)
        program->pc++;
    return code;
}
