/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sequence processor: descriptors, queues, tokens, words into tile memories. */
#include "npu/sim/engine/array.h"
#include "npu/sim/engine/trace.h"

#include <errno.h>
#include <string.h>

int npu_sim_host_claim(struct npu_sim *sim, const struct npu_ir_pos *pos, uint32_t column,
                       int64_t bd)
{
    struct npu_sim_host *host = &sim->host;
    npu_sim_time_add(&host->clock.time, &sim->cost.sequence_blockwrite);
    npu_sim_time_add(&host->clock.time, &sim->cost.sequence_patch);
    if (bd < 0)
        return 0;
    if (bd >= NPU_SIM_SHIM_BDS || column >= NPU_SIM_COLUMNS)
        return npu_sim_fail(sim, -EINVAL, pos, "BD %lld of shim tile (%u,0): expected 0 to %u",
                            (long long)bd, column, NPU_SIM_SHIM_BDS - 1);
    const struct npu_sim_bd *at = &host->bd[column][bd];
    if (at->user && (int32_t)(at->serial - host->clock.done[at->user->index]) > 0)
        return npu_sim_fail(
            sim, -EINVAL, pos,
            "BD %lld of shim tile (%u,0) is written again, and nothing that was waited "
            "for proves that the transfer of @%s with it has finished",
            (long long)bd, column, at->user->fifo->name);
    return 0;
}

static int check_extent(struct npu_sim *sim, const struct npu_ir_pos *pos,
                        const struct npu_sim_channel *channel, struct npu_sim_task *task)
{
    const struct npu_sim_host *host = &sim->host;
    if (task->buffer >= host->n_buffers)
        return npu_sim_fail(sim, -EINVAL, pos, "@%s: host buffer %u of %u", channel->fifo->name,
                            task->buffer, host->n_buffers);
    const struct npu_sim_buffer *buffer = &host->buffer[task->buffer];
    int64_t low, high;
    npu_pattern_extent(&task->pattern, &low, &high);
    if (low < 0 || (uint64_t)high > buffer->bytes)
        return npu_sim_fail(
            sim, -EINVAL, pos,
            "the transfer of @%s reaches bytes %lld to %lld of host buffer %u, which "
            "has %zu",
            channel->fifo->name, (long long)low, (long long)high - 1, task->buffer, buffer->bytes);
    task->base = buffer->data;
    return 0;
}

/* The write that queues a task. The sequence processor takes its time from one to the next, more
 * of it after a channel that was idle; its other writes do not wait. What a channel has not finished
 * now waits for steps of the sequence yet to come, so it is busy at any time. */
static void dispatch(struct npu_sim *sim, const struct npu_sim_channel *channel)
{
    struct npu_sim_host *host = &sim->host;
    npu_sim_time_raise(&host->clock.time, &host->dispatch);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
        bool idle = channel->n_tasks == 0 && channel->clock.time.of[p] <= host->clock.time.of[p];
        host->dispatch.of[p] = host->clock.time.of[p] + (idle ? sim->cost.dispatch_idle.of[p]
                                                              : sim->cost.dispatch_busy.of[p]);
    }
    npu_sim_time_add(&host->clock.time, &sim->cost.sequence_push);
}

int npu_sim_host_push(struct npu_sim *sim, const struct npu_ir_pos *pos,
                      struct npu_sim_channel *channel, int64_t bd, struct npu_sim_task *task)
{
    struct npu_sim_host *host = &sim->host;
    int code = check_extent(sim, pos, channel, task);
    if (code)
        return code;
    uint32_t in_flight = channel->n_pushed - host->clock.done[channel->index];
    if (in_flight >= NPU_SIM_QUEUE && (int32_t)(channel->room_until - channel->n_pushed) <= 0)
        return npu_sim_fail(
            sim, -EINVAL, pos,
            "a fifth task for %s %u of shim tile (%u,0), @%s: nothing that was waited "
            "for proves that the first of the %u before it has finished, the hardware "
            "may lose it",
            channel->mm2s ? "MM2S" : "S2MM", channel->number, channel->column, channel->fifo->name,
            in_flight);
    const struct npu_sim_time since = host->clock.time;
    if (task->token)
        npu_sim_time_add(&host->clock.time, &sim->cost.sequence_mask);
    dispatch(sim, channel);
    npu_sim_trace_host(sim->trace, "push", channel->fifo->name, &since, &host->clock.time);
    task->ready = host->clock.time;
    npu_sim_task_push(sim, channel, task);
    if (bd >= 0)
        host->bd[channel->column][bd] = (struct npu_sim_bd){channel, channel->n_pushed};
    return 1;
}

int npu_sim_host_wait(struct npu_sim *sim, const struct npu_ir_pos *pos,
                      struct npu_sim_channel *const *channel, uint32_t n)
{
    struct npu_sim_host *host = &sim->host;
    for (uint32_t i = 0; i < n; i++) {
        if (channel[i]->n_tokens)
            continue;
        host->waits = channel[i];
        host->polls = false;
        host->waits_at = pos ? *pos : (struct npu_ir_pos){0, 0};
        return 0;
    }
    host->waits = NULL;
    const struct npu_sim_time since = host->clock.time;
    for (uint32_t i = 0; i < n; i++) {
        npu_sim_stamp_merge(&host->clock, &channel[i]->token[0]);
        channel[i]->n_tokens--;
        memmove(channel[i]->token, channel[i]->token + 1,
                channel[i]->n_tokens * sizeof(*channel[i]->token));
    }
    npu_sim_time_add(&host->clock.time, &sim->cost.sequence_wait);
    if (n)
        npu_sim_trace_host(sim->trace, "wait", channel[0]->fifo->name, &since, &host->clock.time);
    return 1;
}

int npu_sim_host_poll(struct npu_sim *sim, struct npu_sim_channel *channel, uint32_t unfinished)
{
    struct npu_sim_host *host = &sim->host;
    uint32_t *done = &host->clock.done[channel->index];
    if (channel->n_pushed - channel->n_finished > unfinished) {
        host->waits = channel;
        host->polls = true;
        host->waits_at = (struct npu_ir_pos){0, 0};
        return 0;
    }
    host->waits = NULL;
    /* The channel's clock alone: which other tasks had ended by then is not known. */
    if (channel->n_finished)
        npu_sim_time_raise(&host->clock.time, &channel->clock.time);
    if (channel->n_pushed > unfinished && (int32_t)(channel->n_pushed - unfinished - *done) > 0)
        *done = channel->n_pushed - unfinished;
    /* The one that runs is not in the queue. */
    channel->room_until = channel->n_pushed + NPU_SIM_QUEUE - (unfinished > 0 ? unfinished - 1 : 0);
    const struct npu_sim_time since = host->clock.time;
    npu_sim_time_add(&host->clock.time, &sim->cost.sequence_wait);
    npu_sim_trace_host(sim->trace, "poll", channel->fifo->name, &since, &host->clock.time);
    return 1;
}

int npu_sim_host_sync_channels(struct npu_sim *sim, const struct npu_ir_pos *pos,
                               const int64_t field[6], struct npu_sim_channel **channel,
                               uint32_t most)
{
    uint32_t n = 0;
    for (int64_t c = field[0]; c < field[0] + field[4]; c++)
        for (int64_t r = field[1]; r < field[1] + field[5]; r++) {
            struct npu_sim_channel *at =
                c < 0 || r != 0 || c >= NPU_SIM_COLUMNS
                    ? NULL
                    : npu_sim_channel_at(sim, (uint32_t)c, 0, field[2] != 0, (uint32_t)field[3]);
            if (!at || n == most)
                return npu_sim_fail(
                    sim, -EINVAL, pos,
                    "a wait for %s %lld of tile (%lld,%lld): no fifo uses that channel "
                    "of a shim tile",
                    field[2] ? "MM2S" : "S2MM", (long long)field[3], (long long)c, (long long)r);
            channel[n++] = at;
        }
    return (int)n;
}

/* The memory at an address of a tile: `bytes` of them, or NULL. */
static uint8_t *memory_at(struct npu_sim *sim, uint32_t tile, uint64_t address, uint64_t bytes)
{
    const struct npu_map_tile *map = &sim->map->tile[tile];
    for (uint32_t i = 0; i < map->n_pieces; i++) {
        const struct npu_map_piece *piece = &map->piece[i];
        if (address < piece->address || address + bytes > piece->address + piece->bytes)
            continue;
        uint64_t at = address - piece->address;
        if (piece->what == NPU_PIECE_BUFFER)
            return sim->buffer[piece->index].data + at;
        if (piece->what == NPU_PIECE_POOL) {
            struct npu_sim_pool *pool = &sim->pool[piece->index];
            return pool->data + (uint64_t)piece->object * pool->pitch + at;
        }
    }
    return NULL;
}

/* What stands at an address that is no memory, as aie-rt's xaiemlgbl_params.h has it. */
static const char *register_at(uint32_t row, uint64_t address)
{
    static const struct {
        bool mem; /* of a mem tile, else of a core tile */
        uint32_t first, last;
        const char *what;
    } places[] = {
        {true, 0xA0000, 0xA05FF, "a buffer descriptor"},
        {true, 0xA0600, 0xA06FF, "a DMA channel"},
        {true, 0xB0000, 0xB0FFF, "the stream switch"},
        {true, 0xC0000, 0xC04FF, "a lock"},
        {true, 0x91000, 0x94FFF, "events, counters and trace"},
        {false, 0x1D000, 0x1DDFF, "a buffer descriptor"},
        {false, 0x1DE00, 0x1DFFF, "a DMA channel"},
        {false, 0x1F000, 0x1FFFF, "a lock"},
        {false, 0x11000, 0x14FFF, "events, counters and trace"},
        {false, 0x31000, 0x31FFF, "events, counters and trace"},
        {false, 0x32000, 0x32FFF, "the core's control"},
        {false, 0x34000, 0x34FFF, "events, counters and trace"},
        {false, 0x3F000, 0x3FFFF, "the stream switch"},
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
        if (places[i].mem == (row == 1) && address >= places[i].first && address <= places[i].last)
            return places[i].what;
    return NULL;
}

int npu_sim_host_poke(struct npu_sim *sim, const struct npu_ir_pos *pos, uint32_t column,
                      uint32_t row, uint64_t address, uint32_t value, uint32_t mask)
{
    npu_sim_time_add(&sim->host.clock.time,
                     mask == UINT32_MAX ? &sim->cost.sequence_write : &sim->cost.sequence_mask);
    const char *what = register_at(row, address);
    uint8_t *to = NULL;
    for (uint32_t t = 0; t < sim->array->n_tiles && !to; t++)
        if (sim->array->tile[t].column == column && sim->array->tile[t].row == row)
            to = memory_at(sim, t, address, 4);
    if (!to)
        return npu_sim_fail(
            sim, -ENOTSUP, pos,
            "a write to address 0x%llX of tile (%u,%u)%s%s%s: expected a word of a buffer or "
            "of a fifo's object, registers are not modelled",
            (unsigned long long)address, column, row, what ? " (" : "", what ? what : "",
            what ? ")" : "");
    uint32_t old;
    memcpy(&old, to, 4);
    old = (old & ~mask) | (value & mask);
    memcpy(to, &old, 4);
    return 1;
}
