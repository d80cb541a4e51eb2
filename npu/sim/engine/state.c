/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The array at rest: what waits for what, and what is left over. */
#include "npu/sim/engine/array.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    char text[48];
};

static const char *kind_of(uint32_t row)
{
    return row == 0 ? "shim" : row == 1 ? "mem" : "core";
}

static struct place channel_place(const struct npu_sim_channel *channel)
{
    struct place place;
    snprintf(place.text, sizeof(place.text), "%s %u of %s (%u,%u)", channel->mm2s ? "MM2S" : "S2MM",
             channel->number, kind_of(channel->row), channel->column, channel->row);
    return place;
}

static struct place core_place(const struct npu_sim *sim, const struct npu_sim_core *core)
{
    struct place place;
    const struct npu_tile *tile = &sim->array->tile[core->ir->tile];
    snprintf(place.text, sizeof(place.text), "core (%u,%u)", tile->column, tile->row);
    return place;
}

/* ---- Deadlock: walk from the sequence along what each actor waits for ------------------------ */

/* An actor is a channel or a core. */
struct actor {
    const struct npu_sim_channel *channel;
    const struct npu_sim_core *core;
};

struct walk {
    const struct npu_sim *sim;
    FILE *out;
    struct actor *actor; /* found so far, in the order to be told */
    uint32_t n, most;
    bool again; /* the actor being told waits for one that is on the list already */
};

/* Put an actor on the list; " (above)" if it was there. */
static const char *found(struct walk *walk, const struct npu_sim_channel *channel,
                         const struct npu_sim_core *core)
{
    for (uint32_t i = 0; i < walk->n; i++)
        if (walk->actor[i].channel == channel && walk->actor[i].core == core) {
            walk->again = true;
            return " (above)";
        }
    if (walk->n < walk->most)
        walk->actor[walk->n++] = (struct actor){channel, core};
    return "";
}

/* Who works at one side of a part of a pool; told as "filled by ..." and put on the list. */
static void tell_other_side(struct walk *walk, const struct npu_sim_pool *pool, uint32_t slice,
                            bool fillers)
{
    const struct npu_sim *sim = walk->sim;
    const char *lead = fillers ? "; filled by " : "; emptied by ";
    uint32_t n = 0;
    for (uint32_t c = 0; c < sim->n_channels; c++) {
        const struct npu_sim_channel *channel = &sim->channel[c];
        if (channel->pool != pool || channel->mm2s == fillers || slice < channel->first_slice ||
            slice >= channel->first_slice + channel->n_slices)
            continue;
        fprintf(walk->out, "%s%s%s", n++ ? " and " : lead, channel_place(channel).text,
                found(walk, channel, NULL));
    }
    for (uint32_t c = 0; c < sim->array->n_cores; c++) {
        const struct npu_sim_core *core = &sim->core[c];
        for (uint32_t p = 0; p < core->n_ports; p++) {
            if (core->port[p].pool != pool || (core->port[p].side == NPU_PRODUCE) != fillers)
                continue;
            fprintf(walk->out, "%s%s%s", n++ ? " and " : lead, core_place(sim, core).text,
                    found(walk, NULL, core));
        }
    }
    if (n == 0)
        fprintf(walk->out, "; nobody %s it", fillers ? "fills" : "empties");
}

static void tell_level(FILE *out, const struct npu_sim_pool *pool,
                       const struct npu_sim_slice *slice)
{
    fprintf(out, "%llu of %u full", (unsigned long long)(slice->n_filled - slice->n_draining),
            pool->n_slots);
    uint64_t held = slice->n_draining - slice->n_drained;
    if (held)
        fprintf(out, ", %llu held by its reader", (unsigned long long)held);
}

/* A transfer under way stands still: a source for want of room, a sink for want of words. */
static void tell_active(struct walk *walk, const struct npu_sim_channel *channel)
{
    const struct npu_sim_stream *stream = channel->stream;
    unsigned long long all = channel->walk->bytes, done = all - channel->left;
    if (!channel->mm2s) {
        fprintf(walk->out, "has %llu of %llu bytes, waits for words from %s%s\n", done, all,
                channel_place(stream->source).text, found(walk, stream->source, NULL));
        return;
    }
    fprintf(walk->out, "has sent %llu of %llu bytes, waits for room in", done, all);
    const char *lead = " ";
    for (uint32_t i = 0; i < stream->n_sinks; i++)
        if (!stream->sink[i]->active) {
            fprintf(walk->out, "%s%s%s", lead, channel_place(stream->sink[i]).text,
                    found(walk, stream->sink[i], NULL));
            lead = " and ";
        }
    fputc('\n', walk->out);
}

static void tell_channel(struct walk *walk, const struct npu_sim_channel *channel)
{
    fprintf(walk->out, "  %s, @%s: ", channel_place(channel).text, channel->fifo->name);
    if (channel->active) {
        tell_active(walk, channel);
    } else if (channel->on_shim) {
        fprintf(walk->out, "no task is queued, %u done since the array was loaded\n",
                channel->n_finished);
    } else if (channel->most_begun && channel->n_begun == channel->most_begun) {
        fprintf(walk->out, "has ended after the %u rounds of its iter_count\n",
                channel->fifo->iter_count);
    } else {
        uint32_t s = channel->first_slice + channel->slice;
        fprintf(walk->out, "waits for a %s object: ", channel->mm2s ? "full" : "free");
        tell_level(walk->out, channel->pool, &channel->pool->slice[s]);
        tell_other_side(walk, channel->pool, s, channel->mm2s);
        fputc('\n', walk->out);
    }
}

static void tell_core(struct walk *walk, const struct npu_sim_core *core)
{
    const struct npu_sim *sim = walk->sim;
    fprintf(walk->out, "  %s ", core_place(sim, core).text);
    if (!core->waits) {
        fprintf(walk->out, "%s\n", core->finished ? "has reached its aie.end" : "runs");
        return;
    }
    const struct npu_sim_port *port = core->waits;
    const struct npu_ir_pos pos = core->program.code[core->program.pc].ir->pos;
    fprintf(walk->out, "waits to acquire %u of @%s (%s) at %u:%u: ", core->waits_for,
            port->fifo->name, port->side == NPU_PRODUCE ? "Produce" : "Consume", pos.line,
            pos.column);
    tell_level(walk->out, port->pool, &port->pool->slice[0]);
    tell_other_side(walk, port->pool, 0, port->side == NPU_CONSUME);
    fputc('\n', walk->out);
}

static void tell_host(struct walk *walk)
{
    const struct npu_sim *sim = walk->sim;
    const struct npu_sim_host *host = &sim->host;
    fprintf(walk->out, "deadlock: the sequence");
    if (host->waits_at.line)
        fprintf(walk->out, " at %u:%u", host->waits_at.line, host->waits_at.column);
    else
        fprintf(walk->out, " at step %zu of its words", host->at_step);
    fprintf(walk->out, " waits for %s of @%s, %s", host->polls ? "the queue" : "a token",
            host->waits->fifo->name, channel_place(host->waits).text);
    if (host->polls)
        fprintf(walk->out, ", which has too many tasks");
    else if (host->waits->n_tasks == 0)
        fprintf(walk->out, ", and no task that would send one is queued");
    else if (!host->waits->task[host->waits->head].token)
        fprintf(walk->out, ", whose task sends none");
    fputc('\n', walk->out);
    found(walk, host->waits, NULL);
}

/* The first line and the last, where the chain ends, in one sentence. */
static void put_summary(struct npu_sim *sim, bool circle)
{
    if (!sim->err)
        return;
    const char *first = strchr(sim->report, '\n');
    size_t n = first ? (size_t)(first - sim->report) : strlen(sim->report);
    const char *last = sim->report;
    for (const char *line = sim->report; line && line[0]; line = strchr(line, '\n')) {
        line += line[0] == '\n';
        if (line[0])
            last = line;
    }
    last += strspn(last, " ");
    snprintf(sim->err->text, sizeof(sim->err->text), "%.200s: %.*s; %s: %.*s",
             sim->design->file_name, (int)(n < 400 ? n : 400), sim->report,
             circle ? "a circle, it closes with" : "in the end",
             (int)strcspn(last, "\n") < 300 ? (int)strcspn(last, "\n") : 300, last);
}

int npu_sim_report_deadlock(struct npu_sim *sim)
{
    size_t size;
    free(sim->report);
    sim->report = NULL;
    FILE *out = open_memstream(&sim->report, &size);
    struct walk walk = {.sim = sim, .out = out, .most = sim->n_channels + sim->array->n_cores};
    walk.actor = calloc(walk.most ? walk.most : 1, sizeof(*walk.actor));
    if (!out || !walk.actor) {
        if (out)
            fclose(out);
        free(walk.actor);
        return npu_sim_fail(sim, -EDEADLK, NULL, "deadlock, and no memory to tell it");
    }
    tell_host(&walk);
    for (uint32_t i = 0; i < walk.n; i++) {
        walk.again = false;
        if (walk.actor[i].channel)
            tell_channel(&walk, walk.actor[i].channel);
        else
            tell_core(&walk, walk.actor[i].core);
    }
    free(walk.actor);
    if (fclose(out) != 0)
        return npu_sim_fail(sim, -EDEADLK, NULL, "deadlock, and no memory to tell it");
    put_summary(sim, walk.again);
    return -EDEADLK;
}

/* ---- Leftovers ------------------------------------------------------------------------------- */

void npu_sim_state_note(struct npu_sim *sim)
{
    for (uint32_t p = 0; p < sim->n_pools; p++)
        for (uint32_t s = 0; s < sim->pool[p].n_slices; s++) {
            struct npu_sim_slice *slice = &sim->pool[p].slice[s];
            slice->n_start = slice->n_filled - slice->n_drained;
        }
    for (uint32_t c = 0; c < sim->array->n_cores; c++)
        for (uint32_t i = 0; i < sim->core[c].n_ports; i++)
            sim->core[c].port[i].n_held_start = sim->core[c].port[i].n_held;
    for (uint32_t c = 0; c < sim->n_channels; c++) {
        struct npu_sim_channel *channel = &sim->channel[c];
        channel->moved_start = channel->active ? channel->walk->bytes - channel->left : 0;
    }
}

static unsigned check_shim(const struct npu_sim *sim, const struct npu_sim_channel *channel,
                           FILE *out)
{
    unsigned n = 0;
    const char *name = channel->fifo->name;
    struct place place = channel_place(channel);
    if (channel->n_tasks) {
        uint64_t left =
            channel->active ? channel->left : channel->task[channel->head].pattern.bytes;
        fprintf(out, "@%s: %u task%s not finished in %s, the first has %llu bytes to go\n", name,
                channel->n_tasks, channel->n_tasks == 1 ? "" : "s", place.text,
                (unsigned long long)left);
        n++;
    } else if (channel->n_pushed != sim->host.clock.done[channel->index]) {
        fprintf(
            out,
            "@%s: the sequence ends, and nothing that it waited for proves that the last transfer "
            "of %s has finished\n",
            name, place.text);
        n++;
    }
    if (channel->n_tokens && !channel->mm2s) {
        fprintf(out, "@%s: %u token%s of %s never waited for\n", name, channel->n_tokens,
                channel->n_tokens == 1 ? "" : "s", place.text);
        n++;
    }
    return n;
}

static unsigned check_channel(const struct npu_sim *sim, const struct npu_sim_channel *channel,
                              FILE *out)
{
    if (channel->on_shim)
        return check_shim(sim, channel, out);
    uint64_t moved = channel->active ? channel->walk->bytes - channel->left : 0;
    if (moved == channel->moved_start)
        return 0;
    fprintf(out, "@%s: %s stopped after %llu of %llu bytes of an object\n", channel->fifo->name,
            channel_place(channel).text, (unsigned long long)moved,
            channel->active ? (unsigned long long)channel->walk->bytes : 0ULL);
    return 1;
}

static unsigned check_pool(const struct npu_sim *sim, const struct npu_sim_pool *pool, FILE *out)
{
    const struct npu_tile *tile = &sim->array->tile[pool->tile];
    for (uint32_t s = 0; s < pool->n_slices; s++) {
        const struct npu_sim_slice *slice = &pool->slice[s];
        uint64_t now = slice->n_filled - slice->n_drained;
        if (now == slice->n_start)
            continue;
        fprintf(out, "@%s: %llu of %u objects full in %s (%u,%u), %llu before the launch\n",
                pool->fifo->name, (unsigned long long)now, pool->n_slots, kind_of(tile->row),
                tile->column, tile->row, (unsigned long long)slice->n_start);
        return 1;
    }
    return 0;
}

static unsigned check_core(const struct npu_sim *sim, const struct npu_sim_core *core, FILE *out)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < core->n_ports; i++) {
        const struct npu_sim_port *port = &core->port[i];
        if (port->side != NPU_PRODUCE || port->n_held == port->n_held_start)
            continue;
        fprintf(out, "@%s: %s holds %u free objects, %u before the launch\n", port->fifo->name,
                core_place(sim, core).text, port->n_held, port->n_held_start);
        n++;
    }
    return n;
}

/* A token that says that operands were read stays with the controller and stops nobody: the usual
 * style of designs asks for one and waits for the result only. */
static void tell_tokens(const struct npu_sim_channel *channel, FILE *out)
{
    if (channel->on_shim && channel->mm2s && channel->n_tokens)
        fprintf(out,
                "@%s: %u token%s of %s never waited for, without harm unless a later launch waits "
                "for one\n",
                channel->fifo->name, channel->n_tokens, channel->n_tokens == 1 ? "" : "s",
                channel_place(channel).text);
}

int npu_sim_state_check(struct npu_sim *sim)
{
    size_t size;
    free(sim->report);
    sim->report = NULL;
    FILE *out = open_memstream(&sim->report, &size);
    if (!out)
        return npu_sim_fail(sim, -ENOMEM, NULL, "no memory for a report");
    unsigned n = 0;
    for (uint32_t c = 0; c < sim->n_channels; c++)
        n += check_channel(sim, &sim->channel[c], out);
    for (uint32_t p = 0; p < sim->n_pools; p++)
        n += check_pool(sim, &sim->pool[p], out);
    for (uint32_t c = 0; c < sim->array->n_cores; c++)
        n += check_core(sim, &sim->core[c], out);
    for (uint32_t c = 0; c < sim->n_channels; c++)
        tell_tokens(&sim->channel[c], out);
    if (fclose(out) != 0)
        return npu_sim_fail(sim, -ENOMEM, NULL, "no memory for a report");
    if (n == 0)
        return 0;
    if (sim->err)
        snprintf(sim->err->text, sizeof(sim->err->text),
                 "%.200s: left over after the launch: %.*s%s", sim->design->file_name,
                 (int)strcspn(sim->report, "\n"), sim->report, n > 1 ? " (and more)" : "");
    return -EUCLEAN;
}
