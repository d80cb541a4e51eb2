/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Acquires and releases of each core: by the right core, and so that the stock compiler follows.
 * The state is how many objects of each fifo the core holds; acquire(N) means "hold N". */
#include "npu/sim/check/checker.h"

#include <inttypes.h>
#include <stdlib.h>

struct held { /* a fifo and how many of its objects are held */
    uint32_t fifo, count;
};

/* A growing array; `failed` stays set. */
struct held_list {
    struct held *data;
    size_t n, allocated;
    bool *failed;
};

struct flow {
    struct npu_checker *c;
    const struct npu_ir_core *core;
    uint32_t *held;     /* [fifos] */
    uint32_t *other;    /* [fifos] of the current branch, valid where mark[] says so */
    uint64_t *mark;     /* [fifos] */
    uint64_t *acquired; /* [fifos] mark of the region of a branch that acquired it */
    uint64_t next_mark;
    struct held_list log;  /* what was held before each change */
    struct held_list ends; /* stack: what branches hold at their ends */
    bool failed;
    bool *constant;                   /* [slots] */
    const struct npu_ir_op **subview; /* [slots] the acquire that gave it */
};

static void push(struct held_list *list, uint32_t fifo, uint32_t count)
{
    if (list->n == list->allocated) {
        size_t n = list->allocated ? 2 * list->allocated : 256;
        struct held *data = realloc(list->data, n * sizeof(*data));
        if (!data) {
            *list->failed = true;
            return;
        }
        list->data = data;
        list->allocated = n;
    }
    list->data[list->n++] = (struct held){.fifo = fifo, .count = count};
}

static void set_held(struct flow *w, uint32_t fifo, uint32_t count)
{
    push(&w->log, fifo, w->held[fifo]);
    w->held[fifo] = count;
}

/* Restores what was held when the log had `start` entries. */
static void undo(struct flow *w, size_t start)
{
    while (w->log.n > start) {
        const struct held *old = &w->log.data[--w->log.n];
        w->held[old->fifo] = old->count;
    }
}

static const char *fifo_name(const struct flow *w, uint32_t fifo)
{
    return w->c->array->fifo[fifo].name;
}

static struct npu_tile_text core_name(const struct flow *w)
{
    return npu_tile_format(w->c->array, w->core->tile);
}

/* The end of the fifo that this core may use in this way, or NPU_IR_NONE. */
static uint32_t own_end(const struct flow *w, const struct npu_ir_op *op)
{
    const struct npu_fifo *fifo = &w->c->array->fifo[op->ref];
    if (op->port == NPU_PRODUCE)
        return fifo->producer.tile == w->core->tile ? 0 : NPU_IR_NONE;
    for (uint32_t i = 0; i < fifo->n_consumers; i++)
        if (fifo->consumer[i].tile == w->core->tile)
            return i + 1;
    return NPU_IR_NONE;
}

static uint32_t check_end(struct flow *w, const struct npu_ir_op *op)
{
    uint32_t end = own_end(w, op);
    if (end == NPU_IR_NONE)
        npu_check_error(w->c, "fifo-port", op->pos, "%s is no %s of @%.60s", core_name(w).text,
                        op->port == NPU_PRODUCE ? "producer" : "consumer", fifo_name(w, op->ref));
    return end;
}

static void check_type(struct flow *w, const struct npu_ir_op *op, uint32_t end)
{
    const struct npu_fifo *fifo = &w->c->array->fifo[op->ref];
    const struct npu_ir_type *type = end == 0 ? &fifo->type : &fifo->consumer_type;
    for (uint32_t i = 0; i < op->n_results; i++) {
        struct npu_ir_type found = w->core->body.slot_type[op->result[i]];
        found.kind = NPU_IR_MEMREF;
        if (!npu_ir_type_equal(&found, type)) {
            npu_check_error(w->c, "fifo-type", op->pos,
                            "@%.60s has objects of %s, this acquires %s", fifo->name,
                            npu_ir_type_format(type).text, npu_ir_type_format(&found).text);
            return;
        }
    }
}

static void acquire(struct flow *w, const struct npu_ir_op *op)
{
    uint32_t end = check_end(w, op), n = (uint32_t)op->value;
    for (uint32_t i = 0; i < op->n_results; i++)
        w->subview[op->result[i]] = op;
    if (end == NPU_IR_NONE)
        return;
    check_type(w, op, end);
    uint32_t depth = w->c->map->pool[w->c->map->fifo[op->ref][end].pool].depth;
    if (n > depth)
        npu_check_error(w->c, "acquire-depth", op->pos,
                        "%s acquires %u objects of @%.60s, which has %u there: it waits for ever",
                        core_name(w).text, n, fifo_name(w, op->ref), depth);
    if (n > w->held[op->ref])
        set_held(w, op->ref, n);
}

static void release(struct flow *w, const struct npu_ir_op *op)
{
    uint32_t n = (uint32_t)op->value, held = w->held[op->ref];
    if (check_end(w, op) == NPU_IR_NONE)
        return;
    if (n > held)
        npu_check_error(
            w->c, "release-held", op->pos,
            "%s releases %u objects of @%.60s and holds %u; the stock compiler says nothing",
            core_name(w).text, n, fifo_name(w, op->ref), held);
    set_held(w, op->ref, n > held ? 0 : held - n);
}

/* Judges by what the acquire asked for, as the stock verifier does, not by what the core holds. */
static void check_access(struct flow *w, const struct npu_ir_op *op)
{
    const struct npu_ir_op *from = w->subview[op->operand[0]];
    if (!from)
        npu_check_error(w->c, "access-held", op->pos,
                        "this subview comes through a loop or a branch: access the result of "
                        "aie.objectfifo.acquire itself");
    else if (op->value >= from->value)
        npu_check_error(w->c, "access-held", op->pos,
                        "object %" PRId64 " of @%.60s is accessed, but the acquire at line %u "
                        "holds %" PRId64 ", numbered from 0",
                        op->value, fifo_name(w, from->ref), from->pos.line, from->value);
}

/* ---- Loops ----------------------------------------------------------------------------------- */

/* An end with one object always uses the same buffer. */
static bool rotates(const struct flow *w, const struct npu_ir_op *op)
{
    uint32_t end = own_end(w, op);
    return end == NPU_IR_NONE || w->c->map->pool[w->c->map->fifo[op->ref][end].pool].depth > 1;
}

/* The first acquire in the region, however deep, of any end or of one with several objects. */
static const struct npu_ir_op *first_acquire(const struct flow *w,
                                             const struct npu_ir_region *region, bool any)
{
    const struct npu_ir_op *found = NULL;
    for (uint32_t i = 0; i < region->n_ops && !found; i++) {
        const struct npu_ir_op *op = &region->op[i];
        found = op->code == NPU_IR_ACQUIRE && (any || rotates(w, op)) ? op : NULL;
        for (uint32_t r = 0; r < op->n_regions && !found; r++)
            found = first_acquire(w, &op->region[r], any);
    }
    return found;
}

/* Without dynamic lowering the compiler unrolls loops in order to rotate buffers. */
static void check_lowering(struct flow *w, const struct npu_ir_op *op)
{
    bool is_while = op->code == NPU_IR_WHILE, known = !is_while;
    const struct npu_ir_op *first = NULL;
    for (uint32_t i = 0; i < 3 && known; i++)
        known = w->constant[op->operand[i]];
    if (w->core->dynamic || known)
        return;
    for (uint32_t r = 0; r < op->n_regions && !first; r++)
        first = first_acquire(w, &op->region[r], !is_while);
    if (first)
        npu_check_error(
            w->c, "dynamic-loop", op->pos,
            "this loop runs a number of times known at run time only and acquires @%.60s: "
            "without dynamic_objfifo_lowering = true on the core the stock compiler %s",
            fifo_name(w, first->ref), is_while ? "never rotates the buffers" : "crashes");
}

static void walk(struct flow *w, const struct npu_ir_region *region);

/* Pushes what differs from `start` after a turn onto `ends`; true where something does. */
static bool note_changes(struct flow *w, size_t start)
{
    size_t first = w->ends.n;
    uint64_t mark = ++w->next_mark;
    bool changed = false;
    for (size_t i = start; i < w->log.n && !w->failed; i++) {
        uint32_t fifo = w->log.data[i].fifo;
        if (w->mark[fifo] == mark)
            continue;
        w->mark[fifo] = mark;
        push(&w->ends, fifo, w->held[fifo]);
        changed = changed || w->log.data[i].count != w->held[fifo];
    }
    if (!changed)
        w->ends.n = first;
    return changed;
}

/* The stock compiler counts what is held in the order of the text,
 * so each turn must end as it began. */
static void check_turns(struct flow *w, const struct npu_ir_op *op)
{
    size_t start = w->log.n, first = w->ends.n, end;
    for (uint32_t r = 0; r < op->n_regions; r++)
        walk(w, &op->region[r]);
    if (w->failed || !note_changes(w, start))
        return;
    undo(w, start);
    for (size_t i = first; i < w->ends.n && !w->failed; i++) {
        struct held after = w->ends.data[i];
        if (w->held[after.fifo] != after.count)
            npu_check_error(
                w->c, "acquire-balance", op->pos,
                "%s holds %u objects of @%.60s before each turn of this loop and %u after "
                "it",
                core_name(w).text, w->held[after.fifo], fifo_name(w, after.fifo), after.count);
    }
    end = w->ends.n;
    for (size_t i = first; i < end && !w->failed; i++)
        set_held(w, w->ends.data[i].fifo, w->ends.data[i].count);
    w->ends.n = first;
}

/* ---- Branches -------------------------------------------------------------------------------- */

/* Mark the fifos that the region acquires; report those that another region of the branch did. */
static void note_siblings(struct flow *w, const struct npu_ir_op *branch,
                          const struct npu_ir_region *region, uint64_t first, uint64_t mark)
{
    for (uint32_t i = 0; i < region->n_ops; i++) {
        const struct npu_ir_op *op = &region->op[i];
        if (op->code == NPU_IR_ACQUIRE) {
            if (w->acquired[op->ref] >= first && w->acquired[op->ref] < mark)
                npu_check_error(
                    w->c, "acquire-siblings", op->pos,
                    "@%.60s is acquired in two regions of the %s at line %u: the stock "
                    "compiler drops the second acquire; acquire before it and branch only "
                    "around the call",
                    fifo_name(w, op->ref), npu_ir_code_name(branch->code), branch->pos.line);
            w->acquired[op->ref] = mark;
        }
        for (uint32_t r = 0; r < op->n_regions; r++)
            note_siblings(w, branch, &op->region[r], first, mark);
    }
}

static void report_branch(struct flow *w, const struct npu_ir_op *op, uint32_t fifo, uint32_t a,
                          uint32_t b)
{
    if (a != b)
        npu_check_error(w->c, "acquire-balance", op->pos,
                        "the branches of this %s leave %s with %u or %u objects of @%.60s",
                        npu_ir_code_name(op->code), core_name(w).text, a, b, fifo_name(w, fifo));
}

/* Compare the ends of region `r` (ends[second ..]) with those of region 0 (ends[first .. second));
 * a fifo that one of them leaves alone is held as before. */
static void compare_ends(struct flow *w, const struct npu_ir_op *op, size_t first, size_t second,
                         size_t last)
{
    uint64_t mark = ++w->next_mark;
    for (size_t i = second; i < last; i++) {
        uint32_t fifo = w->ends.data[i].fifo;
        w->mark[fifo] = mark;
        w->other[fifo] = w->ends.data[i].count;
    }
    for (size_t i = first; i < second; i++) {
        uint32_t fifo = w->ends.data[i].fifo;
        report_branch(w, op, fifo, w->ends.data[i].count,
                      w->mark[fifo] == mark ? w->other[fifo] : w->held[fifo]);
        w->mark[fifo] = 0;
    }
    for (size_t i = second; i < last; i++) {
        uint32_t fifo = w->ends.data[i].fifo;
        if (w->mark[fifo] == mark)
            report_branch(w, op, fifo, w->held[fifo], w->ends.data[i].count);
    }
}

static void check_branches(struct flow *w, const struct npu_ir_op *op)
{
    size_t start = w->log.n, first = w->ends.n, second = first;
    uint64_t siblings = w->next_mark + 1;
    for (uint32_t r = 0; r < op->n_regions; r++)
        note_siblings(w, op, &op->region[r], siblings, ++w->next_mark);
    for (uint32_t r = 0; r < op->n_regions && !w->failed; r++) {
        walk(w, &op->region[r]);
        note_changes(w, start);
        undo(w, start);
        if (r == 0)
            second = w->ends.n;
        else
            compare_ends(w, op, first, second, w->ends.n);
        w->ends.n = second;
    }
    for (size_t i = first; i < second && !w->failed; i++)
        set_held(w, w->ends.data[i].fifo, w->ends.data[i].count);
    w->ends.n = first;
}

static void walk(struct flow *w, const struct npu_ir_region *region)
{
    for (uint32_t i = 0; i < region->n_ops && !w->failed; i++) {
        const struct npu_ir_op *op = &region->op[i];
        switch (op->code) {
        case NPU_IR_CONSTANT:
            w->constant[op->result[0]] = true;
            break;
        case NPU_IR_ACQUIRE:
            acquire(w, op);
            break;
        case NPU_IR_ACCESS:
            check_access(w, op);
            break;
        case NPU_IR_RELEASE:
            release(w, op);
            break;
        case NPU_IR_FOR:
        case NPU_IR_WHILE:
            check_lowering(w, op);
            check_turns(w, op);
            break;
        case NPU_IR_IF:
        case NPU_IR_INDEX_SWITCH:
            check_branches(w, op);
            break;
        default:
            break;
        }
    }
}

/* ---- Cores ----------------------------------------------------------------------------------- */

static void check_core(struct flow *w, const struct npu_ir_core *core)
{
    const struct npu_ir_body *body = &core->body;
    w->core = core;
    w->constant = npu_arena_take(&w->c->arena, body->n_slots, sizeof(bool));
    w->subview = npu_arena_take(&w->c->arena, body->n_slots, sizeof(*w->subview));
    w->failed = w->failed || !w->constant || !w->subview;
    for (uint32_t i = 0; i < body->n_captures && !w->failed; i++)
        w->constant[body->capture[i].slot] = body->capture[i].buffer == NPU_IR_NONE;
    if (!w->failed)
        walk(w, &body->region);
    undo(w, 0);
}

/* A core's end of a fifo that no core uses stops the fifo, and a broadcast with it. */
static void check_used(struct npu_checker *c, const bool *used, const uint32_t *first_end)
{
    for (uint32_t f = 0; f < c->array->n_fifos; f++) {
        const struct npu_fifo *fifo = &c->array->fifo[f];
        for (uint32_t e = 0; e <= fifo->n_consumers; e++) {
            uint32_t tile = npu_fifo_end(fifo, e)->tile,
                     link = e == 0 ? fifo->link_out : fifo->link_in;
            if (c->map->tile[tile].kind == NPU_TILE_CORE && link == NPU_IR_NONE &&
                !used[first_end[f] + e])
                npu_checker_report(
                    c, NPU_SEVERITY_WARNING, "fifo-unused", npu_fifo_end(fifo, e)->pos,
                    "%s never %s @%.60s, which then stops after its buffers%s",
                    npu_tile_format(c->array, tile).text, e == 0 ? "fills" : "empties", fifo->name,
                    fifo->n_consumers > 1 ? ", for all its consumers" : "");
        }
    }
}

static void note_used(const struct npu_checker *c, const struct npu_ir_core *core,
                      const struct npu_ir_region *region, bool *used, const uint32_t *first_end)
{
    for (uint32_t i = 0; i < region->n_ops; i++) {
        const struct npu_ir_op *op = &region->op[i];
        if (op->code == NPU_IR_RELEASE) {
            const struct npu_fifo *fifo = &c->array->fifo[op->ref];
            for (uint32_t e = 0; e <= fifo->n_consumers; e++)
                if (npu_fifo_end(fifo, e)->tile == core->tile &&
                    (e == 0) == (op->port == NPU_PRODUCE))
                    used[first_end[op->ref] + e] = true;
        }
        for (uint32_t r = 0; r < op->n_regions; r++)
            note_used(c, core, &op->region[r], used, first_end);
    }
}

static bool check_ends(struct npu_checker *c)
{
    uint32_t *first_end = npu_arena_take(&c->arena, c->array->n_fifos, sizeof(*first_end)), n = 0;
    if (!first_end)
        return false;
    for (uint32_t f = 0; f < c->array->n_fifos; f++) {
        first_end[f] = n;
        n += c->array->fifo[f].n_consumers + 1;
    }
    bool *used = npu_arena_take(&c->arena, n, sizeof(*used));
    if (!used)
        return false;
    for (uint32_t i = 0; i < c->array->n_cores; i++)
        note_used(c, &c->array->core[i], &c->array->core[i].body.region, used, first_end);
    check_used(c, used, first_end);
    return true;
}

bool npu_check_flow(struct npu_checker *c)
{
    uint32_t n = c->array->n_fifos;
    struct flow w = {.c = c};
    w.held = npu_arena_take(&c->arena, n, sizeof(*w.held));
    w.other = npu_arena_take(&c->arena, n, sizeof(*w.other));
    w.mark = npu_arena_take(&c->arena, n, sizeof(*w.mark));
    w.acquired = npu_arena_take(&c->arena, n, sizeof(*w.acquired));
    if (!w.held || !w.other || !w.mark || !w.acquired)
        return false;
    w.log.failed = w.ends.failed = &w.failed;
    for (uint32_t i = 0; i < c->array->n_cores && !w.failed; i++)
        if (npu_tile_kind(&c->array->tile[c->array->core[i].tile]) == NPU_TILE_CORE)
            check_core(&w, &c->array->core[i]);
    free(w.log.data);
    free(w.ends.data);
    return !w.failed && check_ends(c);
}
