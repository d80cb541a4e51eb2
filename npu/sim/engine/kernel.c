/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls from a core into a kernel compiled for the host: bare pointers and scalars, as the
 * compiler's bare-pointer convention passes them. */
#include "npu/sim/check/check.h"
#include "npu/sim/engine/array.h"
#include "npu/sim/engine/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR_BYTES 32 /* alignment of a core's vector load */

static ffi_type *ffi_of(const struct npu_ir_type *type)
{
    if (type->kind == NPU_IR_MEMREF)
        return &ffi_type_pointer;
    switch (type->elem) {
    case NPU_IR_I1:
    case NPU_IR_I8:
        return &ffi_type_sint8;
    case NPU_IR_I16:
        return &ffi_type_sint16;
    case NPU_IR_I32:
    case NPU_IR_INDEX: /* 32 bit on a core */
        return &ffi_type_sint32;
    case NPU_IR_I64:
        return &ffi_type_sint64;
    case NPU_IR_F32:
        return &ffi_type_float;
    default:
        return NULL;
    }
}

/* The kernel's own signature, where it has one, must be what the design says. */
static bool signature_fits(const struct npu_function *function, const char *args)
{
    if (!args)
        return true;
    if (strlen(args) != 1 + (size_t)function->n_arguments ||
        (args[0] == 'i') != function->has_result)
        return false;
    for (uint32_t i = 0; i < function->n_arguments; i++)
        if ((args[1 + i] == 'p') != (function->argument[i].kind == NPU_IR_MEMREF))
            return false;
    return true;
}

/* The kernel's own extents count pointers only; without them the design's types say it. */
static void set_needs(struct npu_sim_kernel *kernel, const struct npu_core_kernel *entry)
{
    const struct npu_function *function = kernel->function;
    for (uint32_t i = 0, pointer = 0; i < function->n_arguments; i++)
        if (function->argument[i].kind == NPU_IR_MEMREF)
            kernel->need[i] = entry->bytes ? entry->bytes[pointer++]
                                           : (uint32_t)npu_ir_type_bytes(&function->argument[i]);
}

static int prepare(struct npu_sim *sim, struct npu_sim_kernel *kernel)
{
    const struct npu_function *function = kernel->function;
    uint32_t n = function->n_arguments ? function->n_arguments : 1;
    kernel->types = calloc(n, sizeof(*kernel->types));
    kernel->pointers = calloc(n, sizeof(*kernel->pointers));
    kernel->arguments = calloc(n, sizeof(*kernel->arguments));
    kernel->values = calloc(n, sizeof(*kernel->values));
    kernel->room = calloc(n, sizeof(*kernel->room));
    kernel->need = calloc(n, sizeof(*kernel->need));
    if (!kernel->types || !kernel->pointers || !kernel->arguments || !kernel->values ||
        !kernel->room || !kernel->need)
        return npu_sim_fail(sim, -ENOMEM, NULL, "no memory for a call");
    ffi_type *result = &ffi_type_void;
    if (function->has_result)
        result = ffi_of(&function->result);
    bool known = result != NULL;
    for (uint32_t i = 0; i < function->n_arguments; i++) {
        kernel->types[i] = ffi_of(&function->argument[i]);
        kernel->pointers[i] = &kernel->arguments[i];
        known = known && kernel->types[i];
    }
    if (!known || ffi_prep_cif(&kernel->cif, FFI_DEFAULT_ABI, function->n_arguments, result,
                               kernel->types) != FFI_OK)
        return npu_sim_fail(sim, -ENOTSUP, &function->pos,
                            "@%s: expected memrefs, integers and f32 as arguments", function->name);
    return 0;
}

int npu_sim_kernel_open(struct npu_sim *sim, const struct npu_ir_op *op,
                        struct npu_sim_kernel *kernel)
{
    if (kernel->entry)
        return 0;
    const struct npu_function *function = kernel->function;
    const struct npu_core_kernel *entry = sim->find(sim->find_user, function->name);
    if (!entry)
        return npu_sim_fail(sim, -EINVAL, &op->pos,
                            "func.call: there is no kernel @%s; name the library that has it",
                            function->name);
    if (!signature_fits(function, entry->args))
        return npu_sim_fail(sim, -EINVAL, &function->pos,
                            "@%s: the kernel's signature is \"%s\" (result, arguments; p memref, i "
                            "integer, v none), the design's has %u argument%s%s",
                            function->name, entry->args, function->n_arguments,
                            function->n_arguments == 1 ? "" : "s",
                            function->has_result ? " and a result" : "");
    int code = prepare(sim, kernel);
    if (code)
        return code;
    set_needs(kernel, entry);
    kernel->entry = entry;
    return 0;
}

void npu_sim_kernel_close(struct npu_sim_kernel *kernel)
{
    free(kernel->types);
    free(kernel->pointers);
    free(kernel->arguments);
    free(kernel->values);
    free(kernel->room);
    free(kernel->need);
}

/* A memref argument: the address of its first element, with the kernel's least extent from there. */
static int pass_memref(struct npu_sim *sim, const struct npu_ir_op *op,
                       struct npu_sim_kernel *kernel, uint32_t i,
                       const struct npu_sim_memref *memref)
{
    int code = npu_sim_memref_alive(sim, op, memref);
    if (code)
        return code;
    int64_t at = memref->offset * (int64_t)memref->elem_bytes;
    uint64_t need = kernel->need[i];
    if (at < 0 || (uint64_t)at > memref->extent || memref->extent - (uint64_t)at < need)
        return npu_sim_fail(sim, -EINVAL, &op->pos,
                            "func.call @%s: argument %u has %lld bytes, the kernel uses %llu",
                            kernel->function->name, i, (long long)memref->extent - (long long)at,
                            (unsigned long long)need);
    if (kernel->entry->bytes && at % VECTOR_BYTES != 0)
        return npu_sim_fail(
            sim, -EINVAL, &op->pos,
            "func.call @%s: argument %u begins at byte %lld, the kernel's vector loads "
            "want a multiple of %d",
            kernel->function->name, i, (long long)at, VECTOR_BYTES);
    kernel->room[i] = memref->extent - (uint64_t)at;
    kernel->arguments[i].p = memref->base + at;
    kernel->values[i] = (int64_t)(intptr_t)kernel->arguments[i].p;
    return 0;
}

static void pass_scalar(struct npu_sim_kernel *kernel, uint32_t i, int64_t value)
{
    union npu_sim_argument *to = &kernel->arguments[i];
    kernel->values[i] = value;
    switch (kernel->types[i]->size) {
    case 1:
        to->i8 = (int8_t)value;
        break;
    case 2:
        to->i16 = (int16_t)value;
        break;
    case 4: /* f32 too: its bits */
        to->i32 = (int32_t)value;
        break;
    default:
        to->i64 = value;
    }
}

/* Before the call: cycles() may read what the call changes. */
static void add_cost(struct npu_sim *sim, struct npu_sim_core *core,
                     const struct npu_sim_kernel *kernel)
{
    struct npu_sim_time cost = sim->cost.kernel_unknown;
    for (unsigned p = 0; p < NPU_SIM_PRESETS && kernel->entry->cycles; p++) {
        npu_core_cycles_use(&sim->timing[p].kernel);
        cost.of[p] = kernel->entry->cycles(kernel->values) * sim->cost.kernel_scale.of[p];
    }
    npu_core_cycles_use(NULL);
    npu_sim_time_add(&core->clock.time, &cost);
    npu_sim_time_add(&core->busy, &cost);
}

int npu_sim_kernel_call(struct npu_sim *sim, struct npu_sim_core *core,
                        struct npu_sim_kernel *kernel, const struct npu_ir_op *op)
{
    struct npu_sim_value *value = core->program.value;
    for (uint32_t i = 0; i < op->n_operands; i++) {
        const struct npu_sim_value *from = &value[op->operand[i]];
        int code = 0;
        if (kernel->function->argument[i].kind == NPU_IR_MEMREF)
            code = pass_memref(sim, op, kernel, i, &from->m);
        else
            pass_scalar(kernel, i, from->i);
        if (code)
            return code;
    }
    const char *why = NULL;
    if (kernel->entry->refuse)
        why = kernel->entry->refuse(kernel->values, kernel->room);
    if (why)
        return npu_sim_fail(sim, -EINVAL, &op->pos, "func.call @%s: %s", kernel->function->name,
                            why);
    const struct npu_sim_time begin = core->clock.time;
    add_cost(sim, core, kernel);
    union {
        ffi_arg whole;
        int64_t i;
    } result = {0};
    npu_core_modes_set(core->modes);
    ffi_call(&kernel->cif, kernel->entry->fn, &result, kernel->pointers);
    core->modes = npu_core_modes_get();
    if (op->n_results) {
        unsigned bits = npu_ir_elem_bits(kernel->function->result.elem);
        uint64_t raw = (uint64_t)result.i;
        value[op->result[0]].i =
            bits == 1 ? (int64_t)(raw & 1)
                      : (bits >= 64 ? (int64_t)raw : (int64_t)(raw << (64 - bits)) >> (64 - bits));
    }
    npu_sim_trace_call(sim->trace, core, kernel->function->name, &begin, &core->clock.time);
    core->n_calls++;
    return 0;
}

/* Here and not with the checks, which link no kernels. */
const char *npu_check_core_kernel(void *user, const char *name, const uint32_t **bytes)
{
    const struct npu_core_kernel *kernel = npu_core_kernel_find(name);
    (void)user;
    if (kernel)
        *bytes = kernel->bytes;
    return kernel ? kernel->args : NULL;
}
