/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A runtime sequence executed from instruction words (npu/txn/txn.h): the same transfers and
 * waits, found by their channel numbers. */
#include "npu/sim/engine/array.h"

#include <errno.h>

static int turn_transfer(struct npu_sim *sim, const struct npu_txn_step *step)
{
    const struct npu_txn_transfer *from = &step->u.transfer;
    struct npu_sim_channel *channel =
        npu_sim_channel_at(sim, from->column, 0, from->direction == NPU_TXN_MM2S, from->channel);
    if (!channel)
        return npu_sim_fail(
            sim, -EINVAL, NULL,
            "a task for %s %u of shim tile (%u,0), which no fifo of the design uses",
            from->direction == NPU_TXN_MM2S ? "MM2S" : "S2MM", from->channel, from->column);
    struct npu_sim_task task = {.buffer = from->argument, .token = from->token};
    int64_t size[4], stride[4];
    for (unsigned d = 0; d < 4; d++) {
        size[d] = from->size[d];
        stride[d] = from->stride[d];
    }
    if (!npu_pattern_init(&task.pattern, 4, size, stride, from->element_bytes, from->offset_bytes))
        return npu_sim_fail(sim, -EINVAL, NULL, "the sizes of the transfer are out of range");
    int code = step->fresh_bd ? npu_sim_host_claim(sim, NULL, from->column, from->bd) : 0;
    return code ? code : npu_sim_host_push(sim, NULL, channel, from->bd, &task);
}

static int turn_wait(struct npu_sim *sim, const struct npu_txn_wait *wait)
{
    const int64_t field[6] = {wait->column,  wait->row,       wait->direction,
                              wait->channel, wait->n_columns, wait->n_rows};
    struct npu_sim_channel *channel[NPU_SIM_SHIM_CHANNELS];
    int n = npu_sim_host_sync_channels(sim, NULL, field, channel, NPU_SIM_SHIM_CHANNELS);
    return n < 0 ? n : npu_sim_host_wait(sim, NULL, channel, (uint32_t)n);
}

static int turn_poll(struct npu_sim *sim, const struct npu_txn_step *step)
{
    const bool mm2s = step->u.poll.direction == NPU_TXN_MM2S;
    struct npu_sim_channel *channel =
        npu_sim_channel_at(sim, step->u.poll.column, 0, mm2s, step->u.poll.channel);
    if (!channel)
        return npu_sim_fail(sim, -EINVAL, NULL,
                            "a poll of %s %u of shim tile (%u,0), which no fifo of the design uses",
                            mm2s ? "MM2S" : "S2MM", step->u.poll.channel, step->u.poll.column);
    return npu_sim_host_poll(sim, channel, step->u.poll.unfinished);
}

int npu_sim_words_turn(struct npu_sim *sim)
{
    struct npu_sim_host *host = &sim->host;
    if (host->at_step == host->n_steps) {
        host->running = false;
        return 1;
    }
    const struct npu_txn_step *step = &host->step[host->at_step];
    int code;
    switch (step->kind) {
    case NPU_TXN_STEP_TRANSFER:
        code = turn_transfer(sim, step);
        break;
    case NPU_TXN_STEP_POLL:
        code = turn_poll(sim, step);
        break;
    case NPU_TXN_STEP_WAIT:
        code = turn_wait(sim, &step->u.wait);
        break;
    default:
        code = npu_sim_host_poke(sim, NULL, step->u.write.address >> 25,
                                 step->u.write.address >> 20 & 31, step->u.write.address & 0xFFFFF,
                                 step->u.write.value, step->u.write.mask);
    }
    if (code > 0)
        host->at_step++;
    return code;
}
