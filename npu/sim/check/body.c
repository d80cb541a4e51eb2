/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Core bodies without their fifos: calls compared with declarations and kernels, constant indices,
 * steps. */
#include "npu/sim/check/checker.h"

#include <inttypes.h>
#include <string.h>

struct known {
    bool is;
    bool shifted; /* a memref that a cast made from one with an offset */
    int64_t value;
};

struct body {
    struct npu_checker *c;
    const struct npu_ir_core *core;
    struct known *slot;
    bool *called; /* [functions] */
};

static const struct npu_ir_type *type_of(const struct body *b, uint32_t slot)
{
    return &b->core->body.slot_type[slot];
}

/* Compares a call with the declared function; kernels get bare pointers. */
static void check_call(struct body *b, const struct npu_ir_op *op)
{
    const struct npu_function *function = &b->c->array->function[op->ref];
    if (op->n_operands != function->n_arguments) {
        npu_check_error(b->c, "call-signature", op->pos,
                        "@%.60s takes %u arguments, this call gives %u", function->name,
                        function->n_arguments, op->n_operands);
        return;
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        const struct npu_ir_type *found = type_of(b, op->operand[i]),
                                 *want = &function->argument[i];
        if (!npu_ir_type_equal(found, want))
            npu_check_error(b->c, "call-signature", op->pos,
                            "argument %u of @%.60s is %s, this call gives %s", i, function->name,
                            npu_ir_type_format(want).text, npu_ir_type_format(found).text);
    }
    for (uint32_t i = 0; i < op->n_operands; i++)
        if (b->slot[op->operand[i]].shifted)
            npu_checker_report(
                b->c, NPU_SEVERITY_WARNING, "call-offset", op->pos,
                "argument %u of @%.60s was cast from a memref with an offset: calls pass "
                "bare pointers, which may lose it (not verified); give the offset as a "
                "number",
                i, function->name);
    bool result = op->n_results > 0;
    if (result != function->has_result ||
        (result && !npu_ir_type_equal(type_of(b, op->result[0]), &function->result)))
        npu_check_error(b->c, "call-signature", op->pos, "@%.60s returns %s, this call takes %s",
                        function->name,
                        function->has_result ? npu_ir_type_format(&function->result).text
                                             : "nothing",
                        result ? npu_ir_type_format(type_of(b, op->result[0])).text : "nothing");
    if (!b->core->link_with && !function->link_with)
        npu_checker_report(b->c, NPU_SEVERITY_WARNING, "link-with", op->pos,
                           "%s calls @%.60s, but neither the core nor the function says link_with",
                           npu_tile_format(b->c->array, b->core->tile).text, function->name);
}

static void note_cast(struct body *b, const struct npu_ir_op *op)
{
    const struct npu_ir_type *from = type_of(b, op->operand[0]), *to = type_of(b, op->result[0]);
    b->slot[op->result[0]].shifted =
        b->slot[op->operand[0]].shifted || (from->offset != 0 && to->offset == 0);
}

static void check_step(struct body *b, const struct npu_ir_op *op)
{
    const struct known *step = &b->slot[op->operand[2]];
    if (step->is && step->value <= 0)
        npu_check_error(b->c, "for-step", op->pos, "the step is %" PRId64 ", expected more than 0",
                        step->value);
}

/* Indices that are constants, of a load or store: operand `first` is the first index. */
static void check_indices(struct body *b, const struct npu_ir_op *op, uint32_t first)
{
    const struct npu_ir_type *type = type_of(b, op->operand[first - 1]);
    for (uint32_t i = 0; i < type->rank; i++) {
        const struct known *index = &b->slot[op->operand[first + i]];
        if (index->is && (index->value < 0 ||
                          (type->shape[i] != NPU_IR_DYNAMIC && index->value >= type->shape[i])))
            npu_check_error(
                b->c, "index-range", op->pos, "index %u of this %s is %" PRId64 " in a %s", i,
                npu_ir_code_name(op->code), index->value, npu_ir_type_format(type).text);
    }
}

static void check_view(struct body *b, const struct npu_ir_op *op)
{
    const struct npu_ir_type *from = type_of(b, op->operand[0]), *to = type_of(b, op->result[0]);
    const struct known *shift = &b->slot[op->operand[1]];
    uint64_t bytes = npu_ir_type_bytes(to), have = npu_ir_type_bytes(from);
    int64_t start = shift->is ? shift->value : 0;
    if (start < 0 || (have && ((uint64_t)start > have || bytes > have - (uint64_t)start)))
        npu_check_error(b->c, "index-range", op->pos,
                        "this memref.view takes %" PRIu64 " bytes at %" PRId64 " of %" PRIu64,
                        bytes, start, have);
}

static bool literal(const struct body *b, const struct npu_ir_index *index, int64_t *value)
{
    if (index->slot != NPU_IR_NONE && !b->slot[index->slot].is)
        return false;
    *value = index->slot == NPU_IR_NONE ? index->value : b->slot[index->slot].value;
    return true;
}

static void check_subview(struct body *b, const struct npu_ir_op *op)
{
    const struct npu_ir_type *from = type_of(b, op->operand[0]);
    for (uint32_t i = 0; i < from->rank; i++) {
        int64_t offset, size, step, last;
        if (!literal(b, &op->offset[i], &offset) || !literal(b, &op->size[i], &size) ||
            !literal(b, &op->step[i], &step) || from->shape[i] == NPU_IR_DYNAMIC)
            continue;
        bool overflow = size < 1 || __builtin_mul_overflow(size - 1, step, &last) ||
                        __builtin_add_overflow(last, offset, &last);
        if (overflow || offset < 0 || offset >= from->shape[i] || last < 0 ||
            last >= from->shape[i])
            npu_check_error(b->c, "index-range", op->pos,
                            "this memref.subview takes %" PRId64 " of dimension %u from %" PRId64
                            " by %" PRId64 ", which has %" PRId64,
                            size, i, offset, step, from->shape[i]);
    }
}

static void walk(struct body *b, const struct npu_ir_region *region)
{
    for (uint32_t i = 0; i < region->n_ops; i++) {
        const struct npu_ir_op *op = &region->op[i];
        switch (op->code) {
        case NPU_IR_CONSTANT:
            b->slot[op->result[0]] = (struct known){.is = true, .value = op->value};
            break;
        case NPU_IR_CALL:
            b->called[op->ref] = true;
            check_call(b, op);
            break;
        case NPU_IR_CAST:
            note_cast(b, op);
            break;
        case NPU_IR_FOR:
            check_step(b, op);
            break;
        case NPU_IR_LOAD:
            check_indices(b, op, 1);
            break;
        case NPU_IR_STORE:
            check_indices(b, op, 2);
            break;
        case NPU_IR_VIEW:
            check_view(b, op);
            break;
        case NPU_IR_SUBVIEW_OF:
            check_subview(b, op);
            break;
        default:
            break;
        }
        for (uint32_t r = 0; r < op->n_regions; r++)
            walk(b, &op->region[r]);
    }
}

/* ---- Kernels --------------------------------------------------------------------------------- */

static char kind_of(const struct npu_ir_type *type)
{
    if (type->kind == NPU_IR_MEMREF)
        return 'p';
    return type->elem == NPU_IR_I32 || type->elem == NPU_IR_INDEX ? 'i' : '?';
}

static bool is_half(const struct npu_ir_type *type)
{
    return type->kind == NPU_IR_SCALAR && (type->elem == NPU_IR_BF16 || type->elem == NPU_IR_F16);
}

/* A host kernel can take integers of any width and f32 by value. */
static void check_values(struct npu_checker *c, const struct npu_function *function)
{
    const struct npu_ir_type *half =
        function->has_result && is_half(&function->result) ? &function->result : NULL;
    for (uint32_t i = 0; i < function->n_arguments && !half; i++)
        half = is_half(&function->argument[i]) ? &function->argument[i] : NULL;
    if (half)
        npu_check_error(c, "kernel-signature", function->pos,
                        "@%.60s passes %s by value, which is not executed: expected integers and "
                        "f32",
                        function->name, npu_ir_elem_name(half->elem));
}

static void check_missing(struct npu_checker *c, const struct npu_function *function)
{
    if (c->options->kernels_elsewhere)
        npu_checker_report(c, NPU_SEVERITY_WARNING, "kernel-elsewhere", function->pos,
                           "no kernel that is known is called %.60s: its arguments are not "
                           "checked, and a misspelt name is found by the linker alone",
                           function->name);
    else
        npu_check_error(c, "kernel-unknown", function->pos, "no kernel is called %.60s",
                        function->name);
}

static void check_kernel(struct npu_checker *c, const struct npu_function *function)
{
    const uint32_t *bytes = NULL;
    const char *args = c->options->kernel(c->options->user, function->name, &bytes);
    if (!args) {
        check_missing(c, function);
        return;
    }
    if (!args[0]) { /* of a library */
        check_values(c, function);
        return;
    }
    char found[72] = {function->has_result ? kind_of(&function->result) : 'v'};
    uint32_t n = function->n_arguments < 64 ? function->n_arguments : 64;
    for (uint32_t i = 0; i < n; i++)
        found[1 + i] = kind_of(&function->argument[i]);
    if (strcmp(found, args) != 0) {
        npu_check_error(
            c, "kernel-signature", function->pos,
            "@%.60s is declared as %s, the kernel is %s (v nothing, i i32, p memref, ? another "
            "type; the result first)",
            function->name, found, args);
        return;
    }
    for (uint32_t i = 0, pointer = 0; i < n && bytes; i++) {
        if (args[1 + i] != 'p')
            continue;
        uint64_t have = npu_ir_type_bytes(&function->argument[i]);
        if (have != 0 && have < bytes[pointer])
            npu_check_error(c, "kernel-extent", function->pos,
                            "argument %u of @%.60s has %" PRIu64 " bytes, the kernel uses %u", i,
                            function->name, have, bytes[pointer]);
        pointer++;
    }
}

bool npu_check_bodies(struct npu_checker *c)
{
    bool *called = npu_arena_take(&c->arena, c->array->n_functions, sizeof(*called));
    if (!called)
        return false;
    for (uint32_t i = 0; i < c->array->n_cores; i++) {
        const struct npu_ir_core *core = &c->array->core[i];
        struct body b = {.c = c, .core = core, .called = called};
        b.slot = npu_arena_take(&c->arena, core->body.n_slots, sizeof(*b.slot));
        if (!b.slot)
            return false;
        for (uint32_t k = 0; k < core->body.n_captures; k++) {
            const struct npu_ir_capture *capture = &core->body.capture[k];
            b.slot[capture->slot] =
                (struct known){.is = capture->buffer == NPU_IR_NONE, .value = capture->value};
        }
        walk(&b, &core->body.region);
    }
    for (uint32_t i = 0; c->options->kernel && i < c->array->n_functions; i++)
        if (called[i])
            check_kernel(c, &c->array->function[i]);
    return true;
}
