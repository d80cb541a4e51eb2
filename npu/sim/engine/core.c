/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cores: they run their flat program until an acquire cannot be met. */
#include "npu/sim/engine/array.h"
#include "npu/sim/engine/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_STEPS (1u << 14)

/* ---- Opening --------------------------------------------------------------------------------- */

static int find_port(struct npu_sim *sim, struct npu_sim_core *core, const struct npu_ir_op *op,
                     struct npu_sim_port **out)
{
    const struct npu_fifo *fifo = &sim->array->fifo[op->ref];
    for (uint32_t i = 0; i < core->n_ports; i++)
        if (core->port[i].fifo == fifo && core->port[i].side == op->port) {
            *out = &core->port[i];
            return 0;
        }
    struct npu_sim_pool *pool = npu_sim_pool_find(sim, op->ref, core->ir->tile, op->port);
    if (!pool || pool->n_slices != 1)
        return npu_sim_fail(sim, -EINVAL, &op->pos, "@%s has no %s end on this core's tile",
                            fifo->name, op->port == NPU_PRODUCE ? "Produce" : "Consume");
    struct npu_sim_port *port = &core->port[core->n_ports++];
    *port = (struct npu_sim_port){.fifo = fifo, .pool = pool, .side = op->port};
    *out = port;
    return 0;
}

static int link_op(struct npu_sim *sim, void *user, const struct npu_ir_op *op, void **link)
{
    struct npu_sim_core *core = user;
    if (op->code == NPU_IR_CALL) {
        *link = &sim->kernel[op->ref];
        return npu_sim_kernel_open(sim, op, &sim->kernel[op->ref]);
    }
    struct npu_sim_port *port = NULL;
    int code = find_port(sim, core, op, &port);
    if (code)
        return code;
    if (op->code == NPU_IR_ACQUIRE && op->value > port->pool->n_slots)
        return npu_sim_fail(sim, -EINVAL, &op->pos,
                            "acquire of %lld objects of @%s, its pool has %u", (long long)op->value,
                            port->fifo->name, port->pool->n_slots);
    *link = port;
    return 0;
}

int npu_sim_cores_open(struct npu_sim *sim)
{
    const struct npu_ir_array *array = sim->array;
    sim->core = calloc(array->n_cores ? array->n_cores : 1, sizeof(*sim->core));
    sim->kernel = calloc(array->n_functions ? array->n_functions : 1, sizeof(*sim->kernel));
    if (!sim->core || !sim->kernel)
        return npu_sim_fail(sim, -ENOMEM, NULL, "no memory for the cores");
    for (uint32_t i = 0; i < array->n_functions; i++)
        sim->kernel[i].function = &array->function[i];
    for (uint32_t i = 0; i < array->n_cores; i++) {
        struct npu_sim_core *core = &sim->core[i];
        core->ir = &array->core[i];
        /* One port for each end of a fifo at most; never moved, the program points at them. */
        core->port = calloc(array->n_fifos ? 2 * (size_t)array->n_fifos : 1, sizeof(*core->port));
        if (!core->port)
            return npu_sim_fail(sim, -ENOMEM, NULL, "no memory for the cores");
        int code = npu_sim_lower(sim, &core->program, &core->ir->body, link_op, core);
        if (code)
            return code;
    }
    return 0;
}

void npu_sim_cores_close(struct npu_sim *sim)
{
    for (uint32_t i = 0; sim->core && i < sim->array->n_cores; i++) {
        npu_sim_program_close(&sim->core[i].program);
        free(sim->core[i].port);
    }
    for (uint32_t i = 0; sim->kernel && i < sim->array->n_functions; i++)
        npu_sim_kernel_close(&sim->kernel[i]);
    free(sim->core);
    free(sim->kernel);
}

/* ---- Fifo operations ------------------------------------------------------------------------- */

static void give_objects(struct npu_sim_core *core, const struct npu_ir_op *op,
                         struct npu_sim_port *port, uint64_t oldest)
{
    struct npu_sim_value *value = core->program.value;
    const struct npu_ir_type *type =
        port->side == NPU_PRODUCE ? &port->fifo->type : &port->fifo->consumer_type;
    for (uint32_t i = 0; i < op->n_results; i++) {
        struct npu_sim_value *to = &value[op->result[i]];
        to->i = (int64_t)oldest;
        npu_sim_memref_init(
            &to->m, type, port->pool->data + (oldest + i) % port->pool->n_slots * port->pool->pitch,
            port->pool->bytes);
        to->m.port = port;
        to->m.object = oldest + i;
    }
}

static void work(struct npu_sim_core *core, const struct npu_sim_time *cost)
{
    npu_sim_time_add(&core->clock.time, cost);
    npu_sim_time_add(&core->busy, cost);
}

/* Hold op->value objects. 1: done, 0: not enough of them yet. */
static int acquire(struct npu_sim *sim, struct npu_sim_core *core, const struct npu_ir_op *op,
                   struct npu_sim_port *port)
{
    struct npu_sim_slice *slice = &port->pool->slice[0];
    uint32_t n_slots = port->pool->n_slots;
    uint64_t wanted = (uint64_t)op->value > port->n_held ? (uint64_t)op->value - port->n_held : 0;
    uint64_t there = port->side == NPU_PRODUCE ? n_slots - (slice->n_filling - slice->n_drained)
                                               : slice->n_filled - slice->n_draining;
    if (there < wanted) {
        core->waits = port;
        core->waits_for = (uint32_t)wanted;
        return 0;
    }
    core->waits = NULL;
    const struct npu_sim_time since = core->clock.time;
    for (uint64_t i = 0; i < wanted; i++) {
        if (port->side == NPU_PRODUCE)
            npu_sim_stamp_merge(&core->clock, &slice->drained_at[slice->n_filling++ % n_slots]);
        else
            npu_sim_stamp_merge(&core->clock, &slice->filled_at[slice->n_draining++ % n_slots]);
    }
    npu_sim_trace_wait(sim->trace, core, port->fifo->name, &since, &core->clock.time);
    work(core, &sim->cost.core_acquire);
    port->n_held += (uint32_t)wanted;
    give_objects(core, op, port, port->side == NPU_PRODUCE ? slice->n_filled : slice->n_drained);
    return 1;
}

static int release(struct npu_sim *sim, struct npu_sim_core *core, const struct npu_ir_op *op,
                   struct npu_sim_port *port)
{
    struct npu_sim_slice *slice = &port->pool->slice[0];
    if (op->value > port->n_held)
        return npu_sim_fail(sim, -EINVAL, &op->pos, "release of %lld objects of @%s, %u held",
                            (long long)op->value, port->fifo->name, port->n_held);
    work(core, &sim->cost.core_release);
    for (int64_t i = 0; i < op->value; i++) {
        if (port->side == NPU_PRODUCE)
            slice->filled_at[slice->n_filled++ % port->pool->n_slots] = core->clock;
        else
            slice->drained_at[slice->n_drained++ % port->pool->n_slots] = core->clock;
    }
    port->n_held -= (uint32_t)op->value;
    return 1;
}

static int access_object(struct npu_sim *sim, struct npu_sim_core *core, const struct npu_ir_op *op)
{
    struct npu_sim_value *value = core->program.value;
    const struct npu_sim_value *from = &value[op->operand[0]];
    const struct npu_sim_port *port = from->m.port;
    if (!port)
        return npu_sim_fail(sim, -EINVAL, &op->pos, "access to objects that were never acquired");
    const struct npu_sim_slice *slice = &port->pool->slice[0];
    uint64_t oldest = port->side == NPU_PRODUCE ? slice->n_filled : slice->n_drained;
    uint64_t object = (uint64_t)from->i + (uint64_t)op->value;
    if (op->value < 0 || object >= oldest + port->n_held)
        return npu_sim_fail(sim, -EINVAL, &op->pos, "access to object %lld of @%s, %u held",
                            (long long)op->value, port->fifo->name, port->n_held);
    struct npu_sim_value *to = &value[op->result[0]];
    npu_sim_memref_init(&to->m, &core->program.body->slot_type[op->result[0]],
                        port->pool->data + object % port->pool->n_slots * port->pool->pitch,
                        port->pool->bytes);
    to->m.port = port;
    to->m.object = object;
    return 1;
}

/* ---- Running --------------------------------------------------------------------------------- */

static int step(struct npu_sim *sim, struct npu_sim_core *core)
{
    struct npu_sim_program *program = &core->program;
    int code = npu_sim_execute(sim, program);
    if (code) {
        work(core, &sim->cost.core_operation);
        return code;
    }
    const struct npu_sim_code *at = &program->code[program->pc];
    switch (at->op) {
    case NPU_IR_ACQUIRE:
        code = acquire(sim, core, at->ir, at->link);
        break;
    case NPU_IR_RELEASE:
        code = release(sim, core, at->ir, at->link);
        break;
    case NPU_IR_ACCESS:
        code = access_object(sim, core, at->ir);
        break;
    case NPU_IR_CALL:
        code = npu_sim_kernel_call(sim, core, at->link, at->ir);
        code = code ? code : 1;
        break;
    case NPU_IR_END:
        core->finished = true;
        return 0;
    default:
        return npu_sim_fail(sim, -ENOTSUP, &at->ir->pos, "%s on a core",
                            npu_ir_code_name((enum npu_ir_code)at->op));
    }
    if (code > 0)
        program->pc++;
    return code;
}

static int check_budget(struct npu_sim *sim, const struct npu_sim_core *core)
{
    if (sim->n_steps > sim->most_steps)
        return npu_sim_fail(
            sim, -ETIME, &core->ir->pos,
            "the cores took more than %llu steps: an endless loop without an acquire?",
            (unsigned long long)sim->most_steps);
    if (sim->n_steps % PROGRESS_STEPS == 0 && sim->progress) {
        uint64_t calls = 0;
        for (uint32_t i = 0; i < sim->array->n_cores; i++)
            calls += sim->core[i].n_calls;
        if (!sim->progress(sim->progress_user, core->clock.time.of[NPU_SIM_PUBLISHED] / NPU_SIM_MC,
                           calls))
            return npu_sim_fail(sim, -ECANCELED, NULL, "given up");
    }
    return 0;
}

int npu_sim_core_turn(struct npu_sim *sim, struct npu_sim_core *core)
{
    int moved = 0;
    while (!core->finished) {
        int code = step(sim, core);
        if (code < 0)
            return code;
        if (code == 0)
            return moved;
        moved = 1;
        sim->n_steps++;
        code = check_budget(sim, core);
        if (code)
            return code;
    }
    return moved;
}
