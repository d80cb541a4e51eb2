/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drawing a design, and writing it as text. */
#include "tests/sim/random_design.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* xorshift64*: the tests' own numbers. */
static uint64_t state;

static uint32_t draw(uint32_t n)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 0x2545F4914F6CDD1DULL) >> 32) % n;
}

/* A divisor of n, at most `most`. */
static uint32_t divisor(uint32_t n, uint32_t most)
{
    uint32_t found[64], count = 0;
    for (uint32_t d = 1; d <= n && d <= most && count < 64; d++)
        if (n % d == 0)
            found[count++] = d;
    return found[draw(count)];
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* A permutation of an object: loops of its row-major order, swapped. Elements of less than a word
 * keep runs of whole words innermost. */
static void draw_dims(struct random_dims *dims, uint32_t object, unsigned elem_bytes, unsigned most)
{
    unsigned per = 4 / elem_bytes;
    *dims = (struct random_dims){0};
    if (draw(2))
        return;
    uint32_t inner = per * divisor(object / per, 64), middle = divisor(object / inner, 64);
    uint32_t outer = object / inner / middle;
    const uint32_t size[3] = {outer, middle, inner}, stride[3] = {middle * inner, inner, 1};
    static const uint8_t orders[][3] = {{1, 0, 2}, {0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
    const uint8_t *order = orders[draw(per == 1 ? 4 : 2)];
    if (outer > 255 || most < 3)
        return;
    for (unsigned d = 0; d < 3; d++) {
        dims->size[d] = size[order[d]];
        dims->stride[d] = stride[order[d]];
    }
    dims->n = 3;
}

/* `total` elements of a buffer in an order of its own. */
static void draw_move(struct random_move *m, uint32_t total, unsigned elem_bytes, bool task)
{
    const uint32_t per = 4 / elem_bytes, words = total / per;
    *m = (struct random_move){0};
    m->size[0] = draw(2) ? 1 : divisor(words, 6);
    uint32_t left = words / m->size[0];
    bool linear = left > 1023 || draw(4) == 0;
    uint32_t inner = linear ? left : divisor(left, 1023);
    m->size[3] = per * inner;
    m->size[2] = divisor(left / inner, 1023);
    m->size[1] = left / inner / m->size[2];
    m->stride[3] = 1;
    if (per == 1 && !linear && draw(3) == 0)
        m->stride[3] = 1 + draw(4);
    /* The stock compiler misreads a task with a step in its only dimension. */
    if (task && m->size[1] == 1 && m->size[2] == 1)
        m->stride[3] = 1;
    uint32_t span = (m->size[3] - 1) * m->stride[3] + 1;
    span = (span + per - 1) / per * per;
    for (int d = 2; d >= 0; d--) {
        bool repeats = d == 0 && draw(3) == 0;
        if (m->size[d] == 1 || repeats)
            continue;
        /* Often the next place, sometimes with a gap, sometimes over what was there. */
        uint32_t way = draw(4);
        m->stride[d] = way == 0 ? per * (1 + draw(9)) : span + (way == 1 ? per * draw(9) : 0);
        span = m->stride[d] * (m->size[d] - 1) + span;
    }
    for (unsigned d = 0; d < 4; d++) {
        m->offset[d] = m->stride[d] == 0 || draw(2) ? 0 : draw(4) * (d == 3 ? per : 1);
        m->start += m->offset[d] * m->stride[d];
    }
}

static uint32_t reach(const struct random_move *m)
{
    uint32_t last = m->start;
    for (unsigned d = 0; d < 4; d++)
        last += (m->size[d] - 1) * m->stride[d];
    return last + 1;
}

/* The moves of a round's `objects` objects of `object` elements. */
static void draw_round(struct random_flow *f, unsigned round, uint32_t objects, uint32_t object,
                       const struct random_lane *lane, bool tasks)
{
    uint32_t first = objects > 1 && draw(3) == 0 ? 1 + draw(objects - 1) : objects;
    f->n_moves[round] = first < objects ? 2 : 1;
    for (unsigned i = 0; i < f->n_moves[round]; i++) {
        struct random_move *m = &f->move[round][i];
        draw_move(m, (i ? objects - first : first) * object, lane->elem_bytes, tasks);
        if (reach(m) > f->n_elements)
            f->n_elements = reach(m);
    }
}

static void draw_lane(struct random_design *design, struct random_lane *lane, unsigned column)
{
    static const char *const names[][1 + RANDOM_CORES] = {[RANDOM_STRAIGHT] = {"a", "z"},
                                                          [RANDOM_LINKED] = {"a", "z"},
                                                          [RANDOM_DISTRIBUTE] = {"a", "z"},
                                                          [RANDOM_BROADCAST] = {"a", "y", "z"},
                                                          [RANDOM_CHAIN] = {"a", "z"}};
    lane->kind = (enum random_kind)draw(RANDOM_KINDS);
    lane->column = column;
    lane->elem_bytes = 1U << draw(3);
    lane->object = 4 / lane->elem_bytes * (draw(3) ? 4 * (1 + draw(12)) : 1 + draw(40));
    lane->take = 1 + draw(2);
    lane->repeat = lane->kind == RANDOM_LINKED ? 1 + draw(3) : 1;
    for (unsigned i = 0; i < RANDOM_CORES; i++) {
        lane->add[i] = 1 + draw(100);
        draw_dims(&lane->core_in[i], lane->object, lane->elem_bytes, 3);
        draw_dims(&lane->core_out[i], lane->object, lane->elem_bytes, 3);
    }
    draw_dims(&lane->mem_in, lane->object, lane->elem_bytes, 4);
    draw_dims(&lane->mem_to, lane->object, lane->elem_bytes, 4);
    draw_dims(&lane->mem_from, lane->object, lane->elem_bytes, 4);
    draw_dims(&lane->mem_out, lane->object, lane->elem_bytes, 4);
    unsigned parts = lane->kind == RANDOM_DISTRIBUTE ? RANDOM_CORES : 1;
    lane->n_flows = lane->kind == RANDOM_BROADCAST ? 3 : 2;
    for (unsigned i = 0; i < lane->n_flows; i++) {
        struct random_flow *f = &lane->flow[i];
        f->fifo = names[lane->kind][i];
        f->in = i == 0;
        f->channel = i == 2;
        f->argument = design->n_arguments++;
    }
    for (unsigned round = 0; round < design->n_rounds; round++) {
        uint32_t objects = lane->take * (1 + draw(4));
        for (unsigned i = 0; i < lane->n_flows; i++)
            draw_round(&lane->flow[i], round, i ? objects * lane->repeat : objects,
                       parts * lane->object, lane, design->tasks);
    }
    for (unsigned i = 0; i < lane->n_flows; i++)
        lane->flow[i].n_elements = (lane->flow[i].n_elements + 3) / 4 * 4 + 4 * draw(3);
}

/* A round's transfers in any order, then its waits; those of one fifo in the order of issue. */
static void draw_steps(struct random_design *d, unsigned round)
{
    unsigned first = d->n_steps;
    for (unsigned what = RANDOM_ISSUE; what <= RANDOM_WAIT; what++, first = d->n_steps) {
        for (unsigned l = 0; l < d->n_lanes; l++)
            for (unsigned f = 0; f < d->lane[l].n_flows; f++)
                for (unsigned m = 0; m < d->lane[l].flow[f].n_moves[round]; m++)
                    if (what == RANDOM_ISSUE || !d->lane[l].flow[f].in)
                        d->step[d->n_steps++] = (struct random_step){what, l, f, round, m};
        for (unsigned i = first; i < d->n_steps; i++) {
            unsigned j = first + draw(d->n_steps - first);
            struct random_step a = d->step[i], b = d->step[j];
            if (a.lane == b.lane && a.flow == b.flow)
                continue;
            d->step[i] = b;
            d->step[j] = a;
        }
        /* Swaps may have exchanged two transfers of one fifo. */
        for (unsigned i = first; i < d->n_steps; i++)
            for (unsigned j = i + 1; j < d->n_steps; j++)
                if (d->step[i].lane == d->step[j].lane && d->step[i].flow == d->step[j].flow &&
                    d->step[i].move > d->step[j].move) {
                    d->step[i].move = 0;
                    d->step[j].move = 1;
                }
    }
}

/* Ids of a round's descriptors: of each column its own, from any first. */
static void draw_ids(struct random_design *d, unsigned round)
{
    for (unsigned l = 0; l < d->n_lanes; l++) {
        unsigned id = draw(16);
        for (unsigned f = 0; f < d->lane[l].n_flows; f++)
            for (unsigned m = 0; m < d->lane[l].flow[f].n_moves[round]; m++)
                d->lane[l].flow[f].move[round][m].bd = id++ % 16;
    }
}

/* ---- Text ------------------------------------------------------------------------------------ */

struct writer {
    char *text;
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(w->text + w->n, RANDOM_TEXT - w->n, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= RANDOM_TEXT - w->n)
        abort();
    w->n += (size_t)n;
}

static void put_dims(struct writer *w, const struct random_dims *dims, const char *name)
{
    if (dims->n == 0)
        return;
    put(w, " %s [", name);
    for (unsigned d = 0; d < dims->n; d++)
        put(w, "%s<size = %" PRIu32 ", stride = %" PRIu32 ">", d ? ", " : "", dims->size[d],
            dims->stride[d]);
    put(w, "]");
}

/* An end of a fifo: its tile, its dimensions or NULL, its depth. */
struct end {
    const char *tile;
    const struct random_dims *dims;
    unsigned depth;
};

static void put_fifo(struct writer *w, const struct random_lane *lane, const char *name,
                     struct end from, struct end to, const struct end *also, uint32_t elements,
                     const char *attributes)
{
    static const struct random_dims none;
    unsigned c = lane->column;
    put(w, "    aie.objectfifo @%s%u(%%%s%u", name, c, from.tile, c);
    put_dims(w, from.dims ? from.dims : &none, "dimensionsToStream");
    put(w, ", {%%%s%u", to.tile, c);
    put_dims(w, to.dims ? to.dims : &none, "dimensionsFromStream");
    if (also) {
        put(w, ", %%%s%u", also->tile, c);
        put_dims(w, also->dims ? also->dims : &none, "dimensionsFromStream");
    }
    put(w, "}, [%u, %u", from.depth, to.depth);
    if (also)
        put(w, ", %u", also->depth);
    put(w, "])%s : !aie.objectfifo<memref<%" PRIu32 "xi%u>>\n", attributes, elements,
        8 * lane->elem_bytes);
}

static unsigned depth(const struct random_lane *lane)
{
    return lane->take + draw(3);
}

static void put_fifos(struct writer *w, const struct random_lane *lane)
{
    const uint32_t n = lane->object;
    const unsigned c = lane->column;
    struct end shim = {"shim", NULL, 2}, mem = {"mem", NULL, 1 + draw(3)};
    struct end in[2], out[2];
    for (unsigned i = 0; i < 2; i++) {
        const char *tile = i ? "far" : "core";
        in[i] = (struct end){tile, &lane->core_in[i], depth(lane)};
        out[i] = (struct end){tile, &lane->core_out[i], depth(lane)};
    }
    char attributes[64] = "";
    switch (lane->kind) {
    case RANDOM_LINKED:
        snprintf(attributes, sizeof(attributes), " {repeat_count = %u : i32}", lane->repeat);
        put_fifo(w, lane, "a", shim, (struct end){"mem", &lane->mem_in, mem.depth}, NULL, n, "");
        put_fifo(w, lane, "b", (struct end){"mem", &lane->mem_to, mem.depth}, in[0], NULL, n,
                 lane->repeat > 1 ? attributes : "");
        put_fifo(w, lane, "y", out[0], (struct end){"mem", &lane->mem_from, mem.depth}, NULL, n,
                 "");
        put_fifo(w, lane, "z", (struct end){"mem", &lane->mem_out, mem.depth}, shim, NULL, n, "");
        put(w, "    aie.objectfifo.link [@a%u] -> [@b%u] ([] [])\n", c, c);
        put(w, "    aie.objectfifo.link [@y%u] -> [@z%u] ([] [])\n", c, c);
        break;
    case RANDOM_DISTRIBUTE:
        put_fifo(w, lane, "a", shim, mem, NULL, 2 * n, "");
        put_fifo(w, lane, "b", mem, in[0], NULL, n, "");
        put_fifo(w, lane, "c", mem, in[1], NULL, n, "");
        put_fifo(w, lane, "x", out[0], mem, NULL, n, "");
        put_fifo(w, lane, "y", out[1], mem, NULL, n, "");
        put_fifo(w, lane, "z", mem, shim, NULL, 2 * n, "");
        put(w, "    aie.objectfifo.link [@a%u] -> [@b%u, @c%u] ([] [0, %" PRIu32 "])\n", c, c, c,
            n);
        put(w, "    aie.objectfifo.link [@x%u, @y%u] -> [@z%u] ([0, %" PRIu32 "] [])\n", c, c, c,
            n);
        break;
    case RANDOM_BROADCAST:
        put_fifo(w, lane, "a", shim, in[0], &in[1], n, "");
        put_fifo(w, lane, "y", out[0], shim, NULL, n, "");
        put_fifo(w, lane, "z", out[1], shim, NULL, n, "");
        break;
    case RANDOM_CHAIN:
        put_fifo(w, lane, "a", shim, in[0], NULL, n, "");
        put_fifo(w, lane, "m", out[0], in[1], NULL, n, draw(2) ? " {via_DMA = true}" : "");
        put_fifo(w, lane, "z", out[1], shim, NULL, n, "");
        break;
    default:
        put_fifo(w, lane, "a", shim, in[0], NULL, n, "");
        put_fifo(w, lane, "z", out[0], shim, NULL, n, "");
    }
}

/* Acquire `take` objects of a fifo as %<name>0, ... */
static void put_acquire(struct writer *w, const struct random_lane *lane, const char *fifo,
                        const char *port, const char *name)
{
    unsigned c = lane->column;
    char type[48];
    snprintf(type, sizeof(type), "memref<%" PRIu32 "xi%u>", lane->object, 8 * lane->elem_bytes);
    if (draw(2)) {
        put(w, "        %%%s0%s = aie.objectfifo.acquire @%s%u(%s, %u) : %s%s%s\n", name,
            lane->take > 1 ? (strcmp(name, "i") ? ", %o1" : ", %i1") : "", fifo, c, port,
            lane->take, type, lane->take > 1 ? ", " : "", lane->take > 1 ? type : "");
        return;
    }
    put(w, "        %%%sv = aie.objectfifo.acquire @%s%u(%s, %u) : !aie.objectfifosubview<%s>\n",
        name, fifo, c, port, lane->take, type);
    for (unsigned i = 0; i < lane->take; i++)
        put(w,
            "        %%%s%u = aie.objectfifo.subview.access %%%sv[%u] : "
            "!aie.objectfifosubview<%s> -> %s\n",
            name, i, name, i, type, type);
}

/* out[i] = in[i] + add, forever. */
static void put_core(struct writer *w, const struct random_lane *lane, unsigned core,
                     const char *in, const char *out)
{
    unsigned c = lane->column, bits = 8 * lane->elem_bytes;
    put(w, "    aie.core(%%%s%u) {\n", core ? "far" : "core", c);
    put(w, "      %%c0 = arith.constant 0 : index\n      %%c1 = arith.constant 1 : index\n");
    put(w, "      %%cn = arith.constant %" PRIu32 " : index\n", lane->object);
    put(w, "      %%cmax = arith.constant 9223372036854775807 : index\n");
    put(w, "      %%add = arith.constant %" PRIu32 " : i%u\n", lane->add[core], bits);
    put(w, "      scf.for %%turn = %%c0 to %%cmax step %%c1 {\n");
    put_acquire(w, lane, in, "Consume", "i");
    put_acquire(w, lane, out, "Produce", "o");
    for (unsigned i = 0; i < lane->take; i++) {
        put(w, "        scf.for %%j = %%c0 to %%cn step %%c1 {\n");
        put(w, "          %%v = memref.load %%i%u[%%j] : memref<%" PRIu32 "xi%u>\n", i,
            lane->object, bits);
        put(w, "          %%s = arith.addi %%v, %%add : i%u\n", bits);
        put(w, "          memref.store %%s, %%o%u[%%j] : memref<%" PRIu32 "xi%u>\n        }\n", i,
            lane->object, bits);
    }
    put(w, "        aie.objectfifo.release @%s%u(Consume, %u)\n", in, c, lane->take);
    put(w, "        aie.objectfifo.release @%s%u(Produce, %u)\n", out, c, lane->take);
    put(w, "      }\n      aie.end\n    } {dynamic_objfifo_lowering = true, stack_size = 1024 : "
           "i32}\n");
}

static void put_cores(struct writer *w, const struct random_lane *lane)
{
    static const char *const fifos[][RANDOM_CORES][2] = {
        [RANDOM_STRAIGHT] = {{"a", "z"}},
        [RANDOM_LINKED] = {{"b", "y"}},
        [RANDOM_DISTRIBUTE] = {{"b", "x"}, {"c", "y"}},
        [RANDOM_BROADCAST] = {{"a", "y"}, {"a", "z"}},
        [RANDOM_CHAIN] = {{"a", "m"}, {"m", "z"}}};
    for (unsigned core = 0; core < RANDOM_CORES; core++)
        if (fifos[lane->kind][core][0])
            put_core(w, lane, core, fifos[lane->kind][core][0], fifos[lane->kind][core][1]);
}

static void put_memcpy(struct writer *w, const struct random_lane *lane,
                       const struct random_flow *f, const struct random_move *m)
{
    put(w, "      aiex.npu.dma_memcpy_nd (%%h%" PRIu32 "[", f->argument);
    for (unsigned d = 0; d < 4; d++)
        put(w, "%s%" PRIu32, d ? ", " : "", m->offset[d]);
    for (unsigned d = 0; d < 4; d++)
        put(w, "%s%" PRIu32, d ? ", " : "][", m->size[d]);
    for (unsigned d = 0; d < 4; d++)
        put(w, "%s%" PRIu32, d ? ", " : "][", m->stride[d]);
    put(w, "]) {metadata = @%s%u, id = %u : i64%s} : memref<%" PRIu32 "xi%u>\n", f->fifo,
        lane->column, m->bd, f->in ? "" : ", issue_token = true", f->n_elements,
        8 * lane->elem_bytes);
}

static void put_task(struct writer *w, const struct random_lane *lane, const struct random_flow *f,
                     const struct random_move *m, const char *name)
{
    uint32_t run = m->size[1] * m->size[2] * m->size[3];
    put(w,
        "      %%%s = aiex.dma_configure_task_for @%s%u { aie.dma_bd(%%h%" PRIu32
        " : memref<%" PRIu32 "xi%u>, %" PRIu32 ", %" PRIu32,
        name, f->fifo, lane->column, f->argument, f->n_elements, 8 * lane->elem_bytes, m->start,
        run);
    if (m->stride[0] || m->size[1] > 1 || m->size[2] > 1) {
        put(w, ", [");
        for (unsigned d = m->stride[0] ? 0 : 1; d < 4; d++)
            put(w, "<size = %" PRIu32 ", stride = %" PRIu32 ">%s", m->size[d], m->stride[d],
                d < 3 ? ", " : "]");
    }
    put(w, ") aie.end } {repeat_count = %" PRIu32 " : i32%s}\n      aiex.dma_start_task(%%%s)\n",
        m->size[0] - 1, f->in ? "" : ", issue_token = true", name);
}

static void put_sequence(struct writer *w, const struct random_design *d)
{
    put(w, "    aie.runtime_sequence @s(");
    for (unsigned l = 0; l < d->n_lanes; l++)
        for (unsigned i = 0; i < d->lane[l].n_flows; i++) {
            const struct random_flow *f = &d->lane[l].flow[i];
            put(w, "%s%%h%" PRIu32 " : memref<%" PRIu32 "xi%u>", f->argument ? ", " : "",
                f->argument, f->n_elements, 8 * d->lane[l].elem_bytes);
        }
    put(w, ") {\n");
    for (unsigned i = 0; i < d->n_steps; i++) {
        const struct random_step *s = &d->step[i];
        const struct random_lane *lane = &d->lane[s->lane];
        const struct random_flow *f = &lane->flow[s->flow];
        char name[32];
        snprintf(name, sizeof(name), "t%u_%u_%u_%u", s->round, s->lane, s->flow, s->move);
        if (s->what == RANDOM_ISSUE && d->tasks)
            put_task(w, lane, f, &f->move[s->round][s->move], name);
        else if (s->what == RANDOM_ISSUE)
            put_memcpy(w, lane, f, &f->move[s->round][s->move]);
        else if (d->tasks)
            put(w, "      aiex.dma_await_task(%%%s)\n", name);
        else
            put(w, "      aiex.npu.dma_wait {symbol = @%s%u}\n", f->fifo, lane->column);
        /* The input is free again when all results of the round have come out. */
        bool last = i + 1 == d->n_steps || d->step[i + 1].round != s->round;
        for (unsigned j = 0; d->tasks && last && j < d->n_steps; j++) {
            const struct random_step *in = &d->step[j];
            if (in->round == s->round && in->what == RANDOM_ISSUE &&
                d->lane[in->lane].flow[in->flow].in)
                put(w, "      aiex.dma_free_task(%%t%u_%u_%u_%u)\n", in->round, in->lane, in->flow,
                    in->move);
        }
    }
    put(w, "    }\n");
}

static void write_text(struct random_design *d)
{
    struct writer w = {d->text, 0};
    put(&w, "module {\n  aie.device(npu1) {\n");
    for (unsigned l = 0; l < d->n_lanes; l++) {
        unsigned c = d->lane[l].column;
        put(&w, "    %%shim%u = aie.tile(%u, 0)\n    %%mem%u = aie.tile(%u, 1)\n", c, c, c, c);
        put(&w, "    %%core%u = aie.tile(%u, %u)\n", c, c, 2 + draw(2));
        put(&w, "    %%far%u = aie.tile(%u, %u)\n", c, draw(2) ? c : (c + 1) % 4, 4 + c % 2);
    }
    for (unsigned l = 0; l < d->n_lanes; l++)
        put_fifos(&w, &d->lane[l]);
    for (unsigned l = 0; l < d->n_lanes; l++)
        put_cores(&w, &d->lane[l]);
    put_sequence(&w, d);
    put(&w, "  }\n}\n");
}

void random_design_draw(struct random_design *d, uint64_t seed)
{
    memset(d, 0, sizeof(*d));
    state = seed * 0x9E3779B97F4A7C15ULL | 1;
    for (unsigned i = 0; i < 8; i++)
        draw(2);
    d->n_lanes = 1 + draw(RANDOM_LANES);
    d->n_rounds = 1 + draw(RANDOM_ROUNDS);
    d->tasks = draw(2);
    unsigned first = draw(RANDOM_LANES);
    for (unsigned l = 0; l < d->n_lanes; l++)
        draw_lane(d, &d->lane[l], (first + l) % RANDOM_LANES);
    for (unsigned round = 0; round < d->n_rounds; round++) {
        draw_ids(d, round);
        draw_steps(d, round);
    }
    write_text(d);
}
