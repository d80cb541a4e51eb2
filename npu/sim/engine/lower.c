/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of a body made flat: a core can then stop at any operation and go on later. */
#include "npu/sim/engine/array.h"

#include <errno.h>
#include <stdlib.h>

struct lowering {
    struct npu_sim *sim;
    struct npu_sim_program *program;
    npu_sim_link_fn *link;
    void *user;
};

static int lower_region(struct lowering *at, const struct npu_ir_region *region);

/* Append; the index of the new step, or -ENOMEM. */
static int64_t emit(struct lowering *at, struct npu_sim_code code)
{
    struct npu_sim_program *program = at->program;
    if (program->n == program->most) {
        uint32_t most = program->most ? program->most * 2 : 64;
        struct npu_sim_code *more = realloc(program->code, most * sizeof(*more));
        if (!more)
            return npu_sim_fail(at->sim, -ENOMEM, NULL, "no memory for a program");
        program->code = more;
        program->most = most;
    }
    program->code[program->n] = code;
    return program->n++;
}

static int emit_step(struct lowering *at, struct npu_sim_code code)
{
    int64_t index = emit(at, code);
    return index < 0 ? (int)index : 0;
}

static int emit_move(struct lowering *at, const struct npu_ir_op *op, const uint32_t *to,
                     const uint32_t *from, uint32_t n)
{
    if (n == 0)
        return 0;
    return emit_step(
        at, (struct npu_sim_code){.op = NPU_SIM_MOVE, .n = n, .to = to, .from = from, .ir = op});
}

static void land(struct lowering *at, int64_t jump)
{
    at->program->code[jump].target = at->program->n;
}

/* The values that the region's last operation yields, onto `to`. */
static int emit_yield(struct lowering *at, const struct npu_ir_region *region, const uint32_t *to)
{
    if (region->n_ops == 0 || region->op[region->n_ops - 1].code != NPU_IR_YIELD)
        return 0;
    const struct npu_ir_op *yield = &region->op[region->n_ops - 1];
    return emit_move(at, yield, to, yield->operand, yield->n_operands);
}

static int lower_for(struct lowering *at, const struct npu_ir_op *op)
{
    const struct npu_ir_region *body = &op->region[0];
    uint32_t induction = body->argument[0], n = op->n_results;
    int code = emit_step(
        at, (struct npu_sim_code){.op = NPU_SIM_FOR_CHECK, .a = op->operand[2], .ir = op});
    if (!code)
        code = emit_move(at, op, body->argument, op->operand, 1);
    if (!code)
        code = emit_move(at, op, body->argument + 1, op->operand + 3, n);
    if (code)
        return code;
    int64_t test =
        emit(at, (struct npu_sim_code){
                     .op = NPU_SIM_FOR_TEST, .a = induction, .b = op->operand[1], .ir = op});
    if (test < 0)
        return (int)test;
    code = lower_region(at, body);
    if (!code)
        code = emit_yield(at, body, body->argument + 1);
    if (!code)
        code = emit_step(
            at, (struct npu_sim_code){
                    .op = NPU_SIM_FOR_NEXT, .a = induction, .b = op->operand[2], .ir = op});
    if (!code)
        code = emit_step(
            at, (struct npu_sim_code){.op = NPU_SIM_JUMP, .target = (uint32_t)test, .ir = op});
    if (code)
        return code;
    land(at, test);
    return emit_move(at, op, op->result, body->argument + 1, n);
}

static int lower_if(struct lowering *at, const struct npu_ir_op *op)
{
    int64_t skip =
        emit(at, (struct npu_sim_code){.op = NPU_SIM_UNLESS, .a = op->operand[0], .ir = op});
    if (skip < 0)
        return (int)skip;
    int code = lower_region(at, &op->region[0]);
    if (!code)
        code = emit_yield(at, &op->region[0], op->result);
    if (code)
        return code;
    int64_t end = emit(at, (struct npu_sim_code){.op = NPU_SIM_JUMP, .ir = op});
    if (end < 0)
        return (int)end;
    land(at, skip);
    if (op->n_regions > 1) {
        code = lower_region(at, &op->region[1]);
        if (!code)
            code = emit_yield(at, &op->region[1], op->result);
        if (code)
            return code;
    }
    land(at, end);
    return 0;
}

static int lower_while(struct lowering *at, const struct npu_ir_op *op)
{
    const struct npu_ir_region *before = &op->region[0], *after = &op->region[1];
    int code = emit_move(at, op, before->argument, op->operand, before->n_arguments);
    if (code)
        return code;
    uint32_t top = at->program->n;
    code = lower_region(at, before);
    if (code)
        return code;
    const struct npu_ir_op *condition = &before->op[before->n_ops - 1];
    if (before->n_ops == 0 || condition->code != NPU_IR_CONDITION)
        return npu_sim_fail(at->sim, -EINVAL, &op->pos, "scf.while without scf.condition");
    int64_t end = emit(at, (struct npu_sim_code){
                               .op = NPU_SIM_UNLESS, .a = condition->operand[0], .ir = condition});
    if (end < 0)
        return (int)end;
    code = emit_move(at, op, after->argument, condition->operand + 1, condition->n_operands - 1);
    if (!code)
        code = lower_region(at, after);
    if (!code)
        code = emit_yield(at, after, before->argument);
    if (!code)
        code = emit_step(at, (struct npu_sim_code){.op = NPU_SIM_JUMP, .target = top, .ir = op});
    if (code)
        return code;
    land(at, end);
    return emit_move(at, op, op->result, condition->operand + 1, op->n_results);
}

static int lower_switch(struct lowering *at, const struct npu_ir_op *op)
{
    /* Chained tests; the jumps of the cases to the end are threaded through their targets. */
    int64_t last = -1;
    for (uint32_t i = 0; i <= op->n_list; i++) {
        const struct npu_ir_region *region = &op->region[i < op->n_list ? 1 + i : 0];
        int64_t next = -1;
        if (i < op->n_list) {
            next = emit(
                at, (struct npu_sim_code){
                        .op = NPU_SIM_UNEQUAL, .a = op->operand[0], .imm = op->list[i], .ir = op});
            if (next < 0)
                return (int)next;
        }
        int code = lower_region(at, region);
        if (!code)
            code = emit_yield(at, region, op->result);
        if (code)
            return code;
        if (i == op->n_list)
            break;
        int64_t jump =
            emit(at, (struct npu_sim_code){.op = NPU_SIM_JUMP, .target = (uint32_t)last, .ir = op});
        if (jump < 0)
            return (int)jump;
        last = jump;
        land(at, next);
    }
    while (last >= 0) {
        uint32_t before = at->program->code[last].target;
        land(at, last);
        last = before == UINT32_MAX ? -1 : (int64_t)before;
    }
    return 0;
}

static int lower_plain(struct lowering *at, const struct npu_ir_op *op)
{
    void *link = NULL;
    if (op->code == NPU_IR_ACQUIRE || op->code == NPU_IR_RELEASE || op->code == NPU_IR_CALL) {
        int code = at->link ? at->link(at->sim, at->user, op, &link)
                            : npu_sim_fail(at->sim, -EINVAL, &op->pos, "%s outside of a core",
                                           npu_ir_code_name(op->code));
        if (code)
            return code;
    }
    return emit_step(at, (struct npu_sim_code){.op = op->code, .ir = op, .link = link});
}

static int lower_region(struct lowering *at, const struct npu_ir_region *region)
{
    for (uint32_t i = 0; i < region->n_ops; i++) {
        const struct npu_ir_op *op = &region->op[i];
        int code;
        switch (op->code) {
        case NPU_IR_FOR:
            code = lower_for(at, op);
            break;
        case NPU_IR_IF:
            code = lower_if(at, op);
            break;
        case NPU_IR_WHILE:
            code = lower_while(at, op);
            break;
        case NPU_IR_INDEX_SWITCH:
            code = lower_switch(at, op);
            break;
        case NPU_IR_YIELD:
        case NPU_IR_CONDITION:
            code = 0;
            break;
        default:
            code = lower_plain(at, op);
        }
        if (code)
            return code;
    }
    return 0;
}

static void set_captures(struct npu_sim *sim, struct npu_sim_program *program)
{
    const struct npu_ir_body *body = program->body;
    for (uint32_t i = 0; i < body->n_captures; i++) {
        const struct npu_ir_capture *capture = &body->capture[i];
        struct npu_sim_value *value = &program->value[capture->slot];
        value->i = capture->value;
        if (capture->buffer == NPU_IR_NONE)
            continue;
        npu_sim_memref_init(&value->m, &body->slot_type[capture->slot],
                            sim->buffer[capture->buffer].data, sim->buffer[capture->buffer].bytes);
    }
}

int npu_sim_lower(struct npu_sim *sim, struct npu_sim_program *program,
                  const struct npu_ir_body *body, npu_sim_link_fn *link, void *user)
{
    *program = (struct npu_sim_program){.body = body};
    uint32_t n = body->n_slots ? body->n_slots : 1;
    program->value = calloc(n, sizeof(*program->value));
    program->scratch = calloc(n, sizeof(*program->scratch));
    if (!program->value || !program->scratch)
        return npu_sim_fail(sim, -ENOMEM, NULL, "no memory for a program");
    struct lowering at = {sim, program, link, user};
    int code = lower_region(&at, &body->region);
    if (!code)
        code = emit_step(&at, (struct npu_sim_code){.op = NPU_IR_END});
    if (!code)
        set_captures(sim, program);
    return code;
}

void npu_sim_program_close(struct npu_sim_program *program)
{
    free(program->code);
    free(program->value);
    free(program->scratch);
    *program = (struct npu_sim_program){0};
}
