/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DMA channels and the streams between them. A transfer (one buffer descriptor) takes its lock,
 * moves, gives its lock; a stream moves as much as its source and every sink can at once. */
#include "npu/sim/engine/array.h"
#include "npu/sim/engine/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct npu_sim_time at_once;

/* ---- Beginning and ending a transfer --------------------------------------------------------- */

static bool begin_pool(struct npu_sim *sim, struct npu_sim_channel *channel)
{
    struct npu_sim_pool *pool = channel->pool;
    struct npu_sim_slice *slice = &pool->slice[channel->first_slice + channel->slice];
    const struct npu_sim_stamp *since = NULL;
    uint64_t object;
    if (channel->mm2s) {
        if (slice->n_filled == slice->n_draining)
            return false;
        object = slice->n_draining++;
        since = &slice->filled_at[object % pool->n_slots];
    } else {
        if (slice->n_filling - slice->n_drained == pool->n_slots)
            return false;
        object = slice->n_filling++;
        since = &slice->drained_at[object % pool->n_slots];
    }
    npu_sim_stamp_merge(&channel->clock, since);
    npu_sim_time_add(&channel->clock.time, &sim->cost.lock);
    npu_sim_time_add(&channel->clock.time, &sim->cost.bd_start);
    channel->n_begun++;
    channel->walk = &channel->pattern[channel->slice];
    channel->base = pool->data + object % pool->n_slots * pool->pitch;
    channel->left = channel->walk->bytes;
    return true;
}

/* A launch's first tasks on a channel take longer: reads less and less so, of writes the first. */
static void warm_up(const struct npu_sim *sim, struct npu_sim_channel *channel)
{
    if (channel->n_this_launch++ == 0) {
        npu_sim_time_add(&channel->clock.time, &sim->cost.channel_start);
        channel->warm_up = channel->mm2s ? sim->cost.task_first_read : sim->cost.task_first_write;
    }
    npu_sim_time_add(&channel->clock.time, &channel->warm_up);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        channel->warm_up.of[p] =
            channel->mm2s ? channel->warm_up.of[p] * sim->cost.task_decay_read.of[p] / 1000 : 0;
}

static bool begin_task(struct npu_sim *sim, struct npu_sim_channel *channel)
{
    if (channel->n_tasks == 0)
        return false;
    const struct npu_sim_task *task = &channel->task[channel->head];
    npu_sim_time_raise(&channel->clock.time, &task->ready);
    npu_sim_time_add(&channel->clock.time,
                     channel->mm2s ? &sim->cost.task_read : &sim->cost.task_write);
    warm_up(sim, channel);
    channel->walk = &task->pattern;
    channel->base = task->base;
    channel->left = task->pattern.bytes;
    return true;
}

static bool begin(struct npu_sim *sim, struct npu_sim_channel *channel)
{
    if (channel->active)
        return true;
    if (channel->most_begun && channel->n_begun == channel->most_begun)
        return false;
    channel->cursor = (struct npu_cursor){0};
    channel->active = channel->on_shim ? begin_task(sim, channel) : begin_pool(sim, channel);
    channel->began = channel->clock.time;
    return channel->active;
}

static void end_pool(struct npu_sim *sim, struct npu_sim_channel *channel,
                     const struct npu_sim_time *latency)
{
    struct npu_sim_pool *pool = channel->pool;
    struct npu_sim_slice *slice = &pool->slice[channel->first_slice + channel->slice];
    npu_sim_time_add(&channel->clock.time, &sim->cost.bd_chain);
    if (channel->mm2s && ++channel->repeat < channel->n_repeats) {
        /* The same object once more: its own descriptor, whose lock is there already. */
        npu_sim_time_add(&channel->clock.time, &sim->cost.bd_start);
        channel->left = channel->walk->bytes;
        channel->active = true;
        return;
    }
    channel->repeat = 0;
    struct npu_sim_stamp *at;
    if (channel->mm2s)
        at = &slice->drained_at[slice->n_drained++ % pool->n_slots];
    else
        at = &slice->filled_at[slice->n_filled++ % pool->n_slots];
    *at = channel->clock;
    npu_sim_time_add(&at->time, &sim->cost.lock);
    npu_sim_time_add(&at->time, latency);
    channel->slice = (channel->slice + 1) % channel->n_slices;
}

static int end_task(struct npu_sim *sim, struct npu_sim_channel *channel,
                    const struct npu_sim_time *latency)
{
    const struct npu_sim_task *task = &channel->task[channel->head];
    if (task->token) {
        if (channel->n_tokens == channel->most_tokens) {
            uint32_t most = channel->most_tokens ? channel->most_tokens * 2 : 8;
            struct npu_sim_stamp *more = realloc(channel->token, most * sizeof(*more));
            if (!more)
                return npu_sim_fail(sim, -ENOMEM, NULL, "no memory for tokens");
            channel->token = more;
            channel->most_tokens = most;
        }
        channel->token[channel->n_tokens] = channel->clock;
        npu_sim_time_add(&channel->token[channel->n_tokens++].time, latency);
    }
    if (channel->mm2s)
        sim->ddr_read += task->pattern.bytes;
    else
        sim->ddr_written += task->pattern.bytes;
    channel->head = (channel->head + 1) % NPU_SIM_TASKS;
    channel->n_tasks--;
    return 0;
}

static int end(struct npu_sim *sim, struct npu_sim_channel *channel,
               const struct npu_sim_time *latency)
{
    channel->active = false;
    npu_sim_trace_transfer(sim->trace, channel, &channel->began, &channel->clock.time);
    if (channel->on_shim)
        return end_task(sim, channel, latency);
    end_pool(sim, channel, latency);
    channel->began = channel->clock.time;
    return 0;
}

void npu_sim_task_push(struct npu_sim *sim, struct npu_sim_channel *channel,
                       const struct npu_sim_task *task)
{
    (void)sim;
    channel->task[(channel->head + channel->n_tasks) % NPU_SIM_TASKS] = *task;
    channel->n_tasks++;
    channel->n_pushed++;
}

/* ---- Moving ---------------------------------------------------------------------------------- */

/* Bytes that a sink can take now: of its transfer, and what may wait before it. */
static uint64_t room_of(const struct npu_sim *sim, const struct npu_sim_channel *sink,
                        const struct npu_sim_residue *residue)
{
    return (sink->active ? sink->left : 0) + sim->slack_bytes - residue->n;
}

static void take(struct npu_sim_channel *sink, const uint8_t *from, uint64_t n)
{
    npu_pattern_scatter(sink->walk, &sink->cursor, sink->base, from, n);
    sink->left -= n;
    sink->bytes += n;
}

/* Into the transfer, the rest (only with slack) before it. */
static void deliver(struct npu_sim_channel *sink, struct npu_sim_residue *residue,
                    const uint8_t *from, uint64_t n)
{
    uint64_t now = sink->active ? (n < sink->left ? n : sink->left) : 0;
    if (now)
        take(sink, from, now);
    if (n > now) {
        memcpy(residue->data + residue->n, from + now, n - now);
        residue->n += (uint32_t)(n - now);
    }
}

/* What waits before a sink goes first, into as many transfers as can begin: afterwards either
 * nothing waits or no transfer is under way. 1: something moved. */
static int drain(struct npu_sim *sim, struct npu_sim_channel *sink, struct npu_sim_residue *residue)
{
    int moved = 0;
    while (residue->n && begin(sim, sink)) {
        uint32_t n = residue->n < sink->left ? residue->n : (uint32_t)sink->left;
        take(sink, residue->data, n);
        memmove(residue->data, residue->data + n, residue->n - n);
        residue->n -= n;
        if (sink->left == 0 && sink->on_shim)
            sink->clock.done[sink->index] = ++sink->n_finished;
        int code = sink->left == 0 ? end(sim, sink, &at_once) : 0;
        if (code)
            return code;
        moved = 1;
    }
    return moved;
}

/* The slowest end's. */
static struct npu_sim_time word_time(const struct npu_sim *sim, const struct npu_sim_stream *stream)
{
    struct npu_sim_time word = sim->cost.stream_word;
    if (stream->source->on_shim)
        npu_sim_time_raise(&word, &sim->cost.shim_read_word);
    for (uint32_t i = 0; i < stream->n_sinks; i++)
        if (stream->sink[i]->on_shim)
            npu_sim_time_raise(&word, &sim->cost.shim_write_word);
    return word;
}

/* Modelled time of n bytes between the source and its sinks; they stand at the same time after. */
static struct npu_sim_time advance(struct npu_sim *sim, struct npu_sim_stream *stream, uint64_t n)
{
    struct npu_sim_channel *source = stream->source;
    struct npu_sim_time taken = word_time(sim, stream);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        taken.of[p] *= (n + 3) / 4;
    for (uint32_t i = 0; i < stream->n_sinks; i++)
        if (stream->sink[i]->active)
            npu_sim_time_raise(&source->clock.time, &stream->sink[i]->clock.time);
    npu_sim_time_add(&source->clock.time, &taken);
    npu_sim_time_add(&source->busy, &taken);
    return taken;
}

static int move(struct npu_sim *sim, struct npu_sim_stream *stream, uint64_t n)
{
    struct npu_sim_channel *source = stream->source;
    const struct npu_sim_time taken = advance(sim, stream, n);
    uint8_t *from = npu_pattern_piece(source->walk, &source->cursor, source->base, n);
    npu_pattern_gather(source->walk, &source->cursor, source->base, from ? NULL : sim->chunk, n);
    source->left -= n;
    source->bytes += n;
    /* The last word has left: from here on its receiver knows that the task is over. */
    if (source->on_shim && source->left == 0)
        source->clock.done[source->index] = ++source->n_finished;
    for (uint32_t i = 0; i < stream->n_sinks; i++) {
        struct npu_sim_channel *sink = stream->sink[i];
        npu_sim_stamp_merge(&sink->clock, &source->clock);
        npu_sim_time_add(&sink->busy, &taken);
        deliver(sink, &stream->residue[i], from ? from : sim->chunk, n);
        if (!sink->active || sink->left > 0)
            continue;
        if (sink->on_shim)
            sink->clock.done[sink->index] = ++sink->n_finished;
        int code = end(sim, sink, &stream->latency[i]);
        if (code)
            return code;
    }
    return source->left == 0 ? end(sim, source, &at_once) : 0;
}

int npu_sim_stream_turn(struct npu_sim *sim, struct npu_sim_stream *stream)
{
    int moved = 0;
    for (;;) {
        bool ready = begin(sim, stream->source);
        uint64_t n = ready ? stream->source->left : 0;
        for (uint32_t i = 0; i < stream->n_sinks; i++) {
            int code = drain(sim, stream->sink[i], &stream->residue[i]);
            if (code < 0)
                return code;
            moved |= code;
            begin(sim, stream->sink[i]);
            uint64_t room = room_of(sim, stream->sink[i], &stream->residue[i]);
            if (room < n)
                n = room;
        }
        if (n > sim->chunk_bytes)
            n = sim->chunk_bytes;
        if (n == 0)
            return moved;
        int code = move(sim, stream, n);
        if (code)
            return code;
        moved = 1;
    }
}
