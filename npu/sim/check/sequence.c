/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of a runtime sequence: task queues, descriptors in flight, tokens. A token wait on a
 * channel retires the token's task and everything before it there. A task that another channel's
 * wait may have ended is "perhaps" over: each task has the number of waits before its push. */
#include "npu/sim/check/checker.h"

#include <inttypes.h>
#include <stdlib.h>

#define QUEUE_DEPTH 4
#define MAX_BDS     16
#define MAX_ROW     5
#define TILE_MASK   0xFFFFF /* of the addresses in a tile */

struct task {
    struct npu_ir_pos pos;
    uint32_t next;    /* in the channel's queue, NPU_IR_NONE */
    uint32_t n_waits; /* of the whole sequence, before it was pushed */
    int64_t id;       /* buffer descriptor, -1: all were in use */
    uint32_t shim;    /* tile */
    bool token, retired, freed;
};

struct channel {          /* of a fifo's shim end */
    uint32_t first, last; /* tasks not retired, NPU_IR_NONE */
    uint32_t n, n_tokens;
    uint32_t recent[QUEUE_DEPTH]; /* n_waits of the last tasks pushed, a ring */
    uint32_t n_pushed;
    bool failed, warned;
};

/* What a dma_configure_task_for made. */
struct made {
    const struct npu_ir_op *op;
    uint32_t task;  /* as started last, NPU_IR_NONE */
    int64_t id;     /* buffer descriptor, its own or the compiler's choice; -1: all in use */
    uint32_t ended; /* line where it was given back, 0: not yet */
    bool awaited;   /* at that line, not freed */
};

struct state {
    struct npu_checker *c;
    const struct npu_sequence *sequence;
    struct task *task; /* [operations] */
    uint32_t n_tasks, n_waits;
    struct channel *channel; /* [fifos] */
    uint32_t *by_id;         /* [tiles][16] the task that uses it, NPU_IR_NONE */
    uint32_t *used;          /* [tiles] descriptors that tasks have, a bit each */
    struct made *made;       /* [slots] */
};

static const char *name_of(const struct state *s, uint32_t fifo)
{
    return s->c->array->fifo[fifo].name;
}

static uint32_t shim_of(const struct state *s, uint32_t f, bool *reads)
{
    const struct npu_fifo *fifo = &s->c->array->fifo[f];
    for (uint32_t e = 0; e <= fifo->n_consumers; e++) {
        uint32_t tile = npu_fifo_end(fifo, e)->tile;
        *reads = e == 0;
        if (npu_tile_kind(&s->c->array->tile[tile]) == NPU_TILE_SHIM)
            return tile;
    }
    return NPU_IR_NONE;
}

static void free_bd(struct state *s, struct task *task)
{
    if (task->freed)
        return;
    task->freed = true;
    if (task->id >= 0 && task->id < MAX_BDS) {
        uint32_t *user = &s->by_id[task->shim * MAX_BDS + (uint32_t)task->id];
        if (*user == (uint32_t)(task - s->task))
            *user = NPU_IR_NONE;
    }
}

/* Retire the oldest tasks of the channel up to the first with a token, inclusive; false: no task
 * has one. */
static bool retire(struct state *s, struct channel *channel)
{
    uint32_t i = channel->first;
    if (channel->n_tokens == 0)
        return false;
    while (!s->task[i].token)
        i = s->task[i].next;
    channel->n_tokens--;
    for (bool last = false; !last;) {
        struct task *task = &s->task[channel->first];
        last = channel->first == i;
        task->retired = true;
        free_bd(s, task);
        channel->first = task->next;
        channel->n--;
    }
    if (channel->first == NPU_IR_NONE)
        channel->last = NPU_IR_NONE;
    return true;
}

static void check_queue(struct state *s, const struct npu_ir_op *op, uint32_t fifo)
{
    struct channel *channel = &s->channel[fifo];
    if (channel->n < QUEUE_DEPTH)
        return;
    /* The number of waits only grows, so the oldest of the last tasks decides for all of them. */
    bool sure = channel->recent[channel->n_pushed % QUEUE_DEPTH] == s->n_waits;
    if (sure && !channel->failed)
        npu_check_error(s->c, "queue-depth", op->pos,
                        "@%.60s has %u transfers that nothing waited for; a channel queues %d and "
                        "drops the next in silence",
                        name_of(s, fifo), channel->n, QUEUE_DEPTH);
    else if (!sure && !channel->warned)
        npu_checker_report(s->c, NPU_SEVERITY_WARNING, "queue-perhaps", op->pos,
                           "@%.60s has %u transfers without a token of their own; a channel queues "
                           "%d, so the waits on other fifos must have ended the older ones",
                           name_of(s, fifo), channel->n, QUEUE_DEPTH);
    *(sure ? &channel->failed : &channel->warned) = true;
}

static void check_bd(struct state *s, const struct npu_ir_op *op, const struct task *task)
{
    struct npu_tile_text shim = npu_tile_format(s->c->array, task->shim);
    if (task->id < 0 || task->id >= MAX_BDS)
        return; /* the compiler's choice; or reported as such */
    uint32_t *user = &s->by_id[task->shim * MAX_BDS + (uint32_t)task->id];
    if (*user != NPU_IR_NONE) {
        const struct task *old = &s->task[*user];
        bool sure = old->n_waits == s->n_waits;
        npu_checker_report(s->c, sure ? NPU_SEVERITY_ERROR : NPU_SEVERITY_WARNING,
                           sure ? "descriptor-reuse" : "descriptor-perhaps", op->pos,
                           "buffer descriptor %" PRId64 " of %s is in use since line %u%s",
                           task->id, shim.text, old->pos.line,
                           sure
                               ? ", and nothing waited since; the stock compiler says nothing"
                               : ", unless the waits on other fifos since then mean that it ended");
    }
    *user = (uint32_t)(task - s->task);
}

static uint32_t push_task(struct state *s, const struct npu_ir_op *op, struct npu_ir_pos pos,
                          int64_t id, bool memcpy)
{
    bool reads;
    uint32_t shim = shim_of(s, op->ref, &reads), i = s->n_tasks;
    struct channel *channel = &s->channel[op->ref];
    if (shim == NPU_IR_NONE)
        return NPU_IR_NONE;
    struct task *task = &s->task[s->n_tasks++];
    *task = (struct task){.pos = pos,
                          .next = NPU_IR_NONE,
                          .n_waits = s->n_waits,
                          .id = id,
                          .shim = shim,
                          .token = op->token || (memcpy && !reads)};
    struct npu_ir_op at = *op;
    at.pos = pos;
    check_queue(s, &at, op->ref);
    check_bd(s, &at, task);
    if (channel->last == NPU_IR_NONE)
        channel->first = i;
    else
        s->task[channel->last].next = i;
    channel->last = i;
    channel->n++;
    channel->n_tokens += task->token;
    channel->recent[channel->n_pushed++ % QUEUE_DEPTH] = s->n_waits;
    return i;
}

static void wait_fifo(struct state *s, const struct npu_ir_op *op, uint32_t fifo)
{
    struct channel *channel = &s->channel[fifo];
    if (!retire(s, channel))
        npu_check_error(
            s->c, "wait-token", op->pos,
            "no transfer of @%.60s in flight issues a token, so this waits for ever; the "
            "stock compiler says nothing",
            name_of(s, fifo));
    s->n_waits++;
}

/* The fifo whose shim end has that channel, or NPU_IR_NONE. */
static uint32_t fifo_at(const struct state *s, int64_t column, int64_t row, int64_t direction,
                        int64_t channel)
{
    const struct npu_ir_array *array = s->c->array;
    for (uint32_t f = 0; f < array->n_fifos; f++)
        for (uint32_t e = 0; e <= array->fifo[f].n_consumers; e++) {
            const struct npu_map_end *end = &s->c->map->fifo[f][e];
            const struct npu_tile *tile = &array->tile[end->tile];
            if (npu_tile_kind(tile) == NPU_TILE_SHIM && (int64_t)tile->column == column &&
                row == 0 && (int64_t)end->direction == direction &&
                (int64_t)end->channel == channel)
                return f;
        }
    return NPU_IR_NONE;
}

/* The raw form: the same channel of a rectangle of tiles. */
static void wait_channels(struct state *s, const struct npu_ir_op *op)
{
    const int64_t *list = op->list;
    for (int64_t column = list[0]; column < list[0] + list[4]; column++)
        for (int64_t row = list[1]; row < list[1] + list[5]; row++) {
            uint32_t fifo = fifo_at(s, column, row, list[2], list[3]);
            if (fifo == NPU_IR_NONE) {
                npu_check_error(s->c, "wait-channel", op->pos,
                                "no fifo uses %s channel %" PRId64 " of tile (%" PRId64 ",%" PRId64
                                "), so this waits for ever",
                                list[2] ? "MM2S" : "S2MM", list[3], column, row);
                return;
            }
            wait_fifo(s, op, fifo);
        }
}

/* An await gives the descriptor back, and a free after it does nothing. Nothing may follow a free,
 * and no start may follow either: another task may have the descriptor by then. */
static bool is_over(struct state *s, const struct npu_ir_op *op, const struct made *made)
{
    if (made->ended == 0 || (made->awaited && op->code != NPU_IR_TASK_START))
        return false;
    npu_check_error(s->c, "task-order", op->pos,
                    "this task was %s at line %u, which gave its buffer descriptor back: configure "
                    "it again",
                    made->awaited ? "awaited" : "freed", made->ended);
    return true;
}

static void give_back(struct state *s, const struct npu_ir_op *op, struct made *made)
{
    if (made->ended)
        return;
    made->ended = op->pos.line;
    made->awaited = op->code == NPU_IR_TASK_AWAIT;
    if (made->id >= 0 && made->id < MAX_BDS)
        s->used[s->task[made->task].shim] &= ~(1U << made->id);
}

static void await(struct state *s, const struct npu_ir_op *op, const struct made *made)
{
    const struct task *task = &s->task[made->task];
    if (!made->op->token)
        npu_check_error(s->c, "task-token", op->pos,
                        "the task of line %u has no issue_token, so this waits for ever",
                        made->op->pos.line);
    else if (task->retired)
        npu_check_error(s->c, "wait-token", op->pos, "the token of this task was taken before");
    else
        while (!task->retired && retire(s, &s->channel[made->op->ref]))
            continue;
    s->n_waits++;
}

static void check_task(struct state *s, const struct npu_ir_op *op)
{
    struct made *made = &s->made[op->operand[0]];
    if (is_over(s, op, made))
        return;
    if (op->code == NPU_IR_TASK_START) {
        if (made->task != NPU_IR_NONE && !s->task[made->task].retired)
            npu_check_error(s->c, "task-order", op->pos, "this task was started at line %u already",
                            s->task[made->task].pos.line);
        else
            made->task = push_task(s, made->op, op->pos, made->id, false);
        return;
    }
    if (made->task == NPU_IR_NONE) {
        npu_check_error(s->c, "task-order", op->pos, "this task was not started");
        return;
    }
    if (op->code == NPU_IR_TASK_FREE)
        free_bd(s, &s->task[made->task]);
    else
        await(s, op, made);
    give_back(s, op, made);
}

static void check_rtp(struct state *s, const struct npu_ir_op *op)
{
    const struct npu_buffer *buffer = &s->c->array->buffer[op->ref];
    uint64_t words = npu_ir_type_bytes(&buffer->type) / 4;
    if (op->list[0] < 0 || (uint64_t)op->list[0] >= words)
        npu_check_error(s->c, "rtp-range", op->pos,
                        "word %" PRId64 " is outside of buffer %.60s, which has %" PRIu64 " words",
                        op->list[0], buffer->name, words);
    const struct npu_map_tile *tile = &s->c->map->tile[buffer->tile];
    for (uint32_t i = 0; i < tile->n_pieces; i++)
        if (tile->piece[i].what == NPU_PIECE_BUFFER && tile->piece[i].index == op->ref &&
            tile->piece[i].address % 4 != 0)
            npu_check_error(s->c, "rtp-range", op->pos,
                            "buffer %.60s lies at 0x%" PRIx64 ", and only whole words are written: "
                            "expected a multiple of 4",
                            buffer->name, tile->piece[i].address);
}

/* Whether the word is in a buffer or object, which the sequence may write. */
static bool is_memory(const struct npu_checker *c, int64_t column, int64_t row, uint64_t address)
{
    for (uint32_t t = 0; t < c->array->n_tiles; t++) {
        if (c->array->tile[t].column != column || c->array->tile[t].row != row)
            continue;
        for (uint32_t i = 0; i < c->map->tile[t].n_pieces; i++) {
            const struct npu_map_piece *piece = &c->map->tile[t].piece[i];
            if ((piece->what == NPU_PIECE_BUFFER || piece->what == NPU_PIECE_POOL) &&
                address >= piece->address && address + 4 <= piece->address + piece->bytes)
                return true;
        }
    }
    return false;
}

/* The address is within a tile that is given beside it, or contains the tile. */
static void check_write(struct npu_checker *c, const struct npu_ir_op *op)
{
    bool named = op->list[1] >= 0;
    uint64_t address = (uint64_t)op->list[0], offset = named ? address : address & TILE_MASK;
    int64_t column = named ? op->list[1] : (int64_t)(address >> 25);
    int64_t row = named ? op->list[2] : (int64_t)(address >> 20 & 31);
    if (offset > TILE_MASK || offset % 4 != 0 || row > MAX_ROW ||
        (c->n_columns && column >= c->n_columns))
        npu_check_error(
            c, "write-range", op->pos,
            "address 0x%" PRIx64 " of tile (%" PRId64 ",%" PRId64
            ") does not exist on %s: expected a multiple of 4 up to 0x%x of a tile that it has",
            offset, column, row, c->array->device, TILE_MASK);
    else if (!is_memory(c, column, row, offset))
        npu_checker_report(c, NPU_SEVERITY_WARNING, "write-register", op->pos,
                           "address 0x%" PRIx64 " of tile (%" PRId64 ",%" PRId64
                           ") is no word of a buffer or of a fifo's object: it becomes an "
                           "instruction, but is not executed here",
                           offset, column, row);
}

/* The compiler numbers the descriptor of a task where it is configured: the lowest free one. */
static void configure(struct state *s, const struct npu_ir_op *op)
{
    bool reads;
    uint32_t shim = shim_of(s, op->ref, &reads);
    struct made *made = &s->made[op->result[0]];
    npu_check_transfer(s->c, s->sequence, op);
    *made = (struct made){.op = op, .task = NPU_IR_NONE, .id = op->bd[0].id};
    if (shim == NPU_IR_NONE || made->id >= MAX_BDS) /* reported */
        return;
    int lowest = __builtin_ffs((int)~s->used[shim]) - 1;
    if (made->id < 0 && lowest < MAX_BDS)
        made->id = lowest;
    else if (made->id >= 0 && s->used[shim] >> made->id & 1)
        npu_check_error(s->c, "descriptor-reuse", op->pos,
                        "buffer descriptor %" PRId64 " of %s is another task's, which was neither "
                        "awaited nor freed",
                        made->id, npu_tile_format(s->c->array, shim).text);
    if (made->id >= 0)
        s->used[shim] |= 1U << made->id;
    else if (lowest == MAX_BDS) {
        s->used[shim] |= 1U << MAX_BDS; /* once a shim */
        npu_check_error(s->c, "descriptors-live", op->pos,
                        "%s has more than %d tasks that are neither awaited nor freed",
                        npu_tile_format(s->c->array, shim).text, MAX_BDS);
    }
}

static void check_op(struct state *s, const struct npu_ir_op *op)
{
    switch (op->code) {
    case NPU_IR_MEMCPY:
        npu_check_transfer(s->c, s->sequence, op);
        push_task(s, op, op->pos, op->bd[0].id, true);
        break;
    case NPU_IR_TASK_CONFIGURE:
        configure(s, op);
        break;
    case NPU_IR_WAIT:
        wait_fifo(s, op, op->ref);
        break;
    case NPU_IR_SYNC:
        wait_channels(s, op);
        break;
    case NPU_IR_TASK_START:
    case NPU_IR_TASK_AWAIT:
    case NPU_IR_TASK_FREE:
        check_task(s, op);
        break;
    case NPU_IR_RTP_WRITE:
        check_rtp(s, op);
        break;
    case NPU_IR_WRITE32:
    case NPU_IR_MASKWRITE32:
        check_write(s->c, op);
        break;
    default:
        break;
    }
}

/* Without a wait a result may still be moving when the host reads it; operands have been read once
 * the result was waited for. */
static void check_results(struct state *s)
{
    for (uint32_t f = 0; f < s->c->array->n_fifos; f++) {
        bool reads = false;
        uint32_t i = s->channel[f].last;
        if (i == NPU_IR_NONE || shim_of(s, f, &reads) == NPU_IR_NONE)
            continue;
        if (reads && s->channel[f].n_tokens > 0)
            npu_checker_report(s->c, NPU_SEVERITY_NOTE, "token-unclaimed", s->task[i].pos,
                               "nothing waits for %u token%s of @%.60s: without harm unless a "
                               "later launch waits for one",
                               s->channel[f].n_tokens, s->channel[f].n_tokens == 1 ? "" : "s",
                               name_of(s, f));
        if (!reads)
            npu_checker_report(
                s->c, NPU_SEVERITY_WARNING, "wait-missing", s->task[i].pos,
                "nothing waits for this transfer of @%.60s: the host may read its buffer "
                "too early",
                name_of(s, f));
    }
}

static bool check_sequence(struct npu_checker *c, const struct npu_sequence *sequence)
{
    const struct npu_ir_region *region = &sequence->body.region;
    const struct npu_ir_array *array = c->array;
    uint32_t n_slots = sequence->body.n_slots;
    struct state s = {.c = c, .sequence = sequence};
    s.task = npu_arena_take(&c->arena, region->n_ops, sizeof(*s.task));
    s.channel = npu_arena_take(&c->arena, array->n_fifos, sizeof(*s.channel));
    s.by_id = npu_arena_take(&c->arena, array->n_tiles, MAX_BDS * sizeof(*s.by_id));
    s.used = npu_arena_take(&c->arena, array->n_tiles, sizeof(*s.used));
    s.made = npu_arena_take(&c->arena, n_slots, sizeof(*s.made));
    if (!s.task || !s.channel || !s.by_id || !s.used || !s.made)
        return false;
    for (uint32_t f = 0; f < array->n_fifos; f++)
        s.channel[f] = (struct channel){.first = NPU_IR_NONE, .last = NPU_IR_NONE};
    for (uint32_t i = 0; i < array->n_tiles * MAX_BDS; i++)
        s.by_id[i] = NPU_IR_NONE;
    for (uint32_t i = 0; i < region->n_ops; i++)
        check_op(&s, &region->op[i]);
    check_results(&s);
    return true;
}

bool npu_check_sequences(struct npu_checker *c)
{
    for (uint32_t i = 0; i < c->array->n_sequences; i++)
        if (!check_sequence(c, &c->array->sequence[i]))
            return false;
    return true;
}
