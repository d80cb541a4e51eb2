/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types and names of the parsed form, and look-ups in it. */
#include "npu/sim/text/design.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned bits;
} elems[] = {
    [NPU_IR_I1] = {"i1", 1},      [NPU_IR_I8] = {"i8", 8},    [NPU_IR_I16] = {"i16", 16},
    [NPU_IR_I32] = {"i32", 32},   [NPU_IR_I64] = {"i64", 64}, [NPU_IR_INDEX] = {"index", 32},
    [NPU_IR_BF16] = {"bf16", 16}, [NPU_IR_F16] = {"f16", 16}, [NPU_IR_F32] = {"f32", 32},
};

unsigned npu_ir_elem_bits(enum npu_ir_elem elem)
{
    return elems[elem].bits;
}

const char *npu_ir_elem_name(enum npu_ir_elem elem)
{
    return elems[elem].name;
}

uint64_t npu_ir_type_count(const struct npu_ir_type *type)
{
    uint64_t count = 1;
    for (uint32_t i = 0; i < type->rank; i++) {
        if (type->shape[i] == NPU_IR_DYNAMIC)
            return 0;
        count *= (uint64_t)type->shape[i];
    }
    return count;
}

uint64_t npu_ir_type_bytes(const struct npu_ir_type *type)
{
    unsigned bits = npu_ir_elem_bits(type->elem);
    return npu_ir_type_count(type) * (bits < 8 ? 1 : bits / 8);
}

int64_t npu_ir_bd_length(const struct npu_ir_bd *bd, const struct npu_ir_type *type)
{
    return bd->length >= 0 ? bd->length : (int64_t)npu_ir_type_count(type);
}

static size_t append_size(char *text, size_t size, size_t used, int64_t value, const char *after)
{
    if (used >= size)
        return used;
    int n = value == NPU_IR_DYNAMIC
                ? snprintf(text + used, size - used, "?%s", after)
                : snprintf(text + used, size - used, "%" PRId64 "%s", value, after);
    return used + (size_t)n;
}

struct npu_ir_type_text npu_ir_type_format(const struct npu_ir_type *type)
{
    struct npu_ir_type_text out = {""};
    const size_t size = sizeof(out.text);
    const char sign[] = {type->sign, '\0'};
    if (type->kind == NPU_IR_TILE || type->kind == NPU_IR_TASK) {
        snprintf(out.text, size, "index");
        return out;
    }
    if (type->kind == NPU_IR_SCALAR) {
        snprintf(out.text, size, "%s%s", sign, npu_ir_elem_name(type->elem));
        return out;
    }
    bool subview = type->kind == NPU_IR_SUBVIEW;
    size_t used =
        (size_t)snprintf(out.text, size, "%smemref<", subview ? "!aie.objectfifosubview<" : "");
    for (uint32_t i = 0; i < type->rank; i++)
        used = append_size(out.text, size, used, type->shape[i], "x");
    if (used < size)
        used += (size_t)snprintf(out.text + used, size - used, "%s%s%s", sign,
                                 npu_ir_elem_name(type->elem), type->strided ? ", strided<[" : "");
    if (type->strided) {
        for (uint32_t i = 0; i < type->rank; i++)
            used = append_size(out.text, size, used, type->stride[i],
                               i + 1 < type->rank ? ", " : "], offset: ");
        used = append_size(out.text, size, used, type->offset, ">");
    }
    if (used < size)
        snprintf(out.text + used, size - used, "%s", subview ? ">>" : ">");
    return out;
}

bool npu_ir_type_equal(const struct npu_ir_type *a, const struct npu_ir_type *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == NPU_IR_TILE || a->kind == NPU_IR_TASK)
        return true;
    if (a->elem != b->elem || a->sign != b->sign)
        return false;
    if (a->kind == NPU_IR_SCALAR)
        return true;
    if (a->rank != b->rank || a->strided != b->strided || a->offset != b->offset)
        return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i] || a->stride[i] != b->stride[i])
            return false;
    return true;
}

static const char *const code_names[NPU_IR_N_CODES] = {
    [NPU_IR_CONSTANT] = "arith.constant",
    [NPU_IR_ADDI] = "arith.addi",
    [NPU_IR_SUBI] = "arith.subi",
    [NPU_IR_MULI] = "arith.muli",
    [NPU_IR_DIVSI] = "arith.divsi",
    [NPU_IR_DIVUI] = "arith.divui",
    [NPU_IR_REMSI] = "arith.remsi",
    [NPU_IR_REMUI] = "arith.remui",
    [NPU_IR_CEILDIVSI] = "arith.ceildivsi",
    [NPU_IR_CEILDIVUI] = "arith.ceildivui",
    [NPU_IR_FLOORDIVSI] = "arith.floordivsi",
    [NPU_IR_MINSI] = "arith.minsi",
    [NPU_IR_MINUI] = "arith.minui",
    [NPU_IR_MAXSI] = "arith.maxsi",
    [NPU_IR_MAXUI] = "arith.maxui",
    [NPU_IR_ANDI] = "arith.andi",
    [NPU_IR_ORI] = "arith.ori",
    [NPU_IR_XORI] = "arith.xori",
    [NPU_IR_SHLI] = "arith.shli",
    [NPU_IR_SHRSI] = "arith.shrsi",
    [NPU_IR_SHRUI] = "arith.shrui",
    [NPU_IR_CMPI] = "arith.cmpi",
    [NPU_IR_SELECT] = "arith.select",
    [NPU_IR_INDEX_CAST] = "arith.index_cast",
    [NPU_IR_INDEX_CASTUI] = "arith.index_castui",
    [NPU_IR_EXTSI] = "arith.extsi",
    [NPU_IR_EXTUI] = "arith.extui",
    [NPU_IR_TRUNCI] = "arith.trunci",
    [NPU_IR_FOR] = "scf.for",
    [NPU_IR_IF] = "scf.if",
    [NPU_IR_WHILE] = "scf.while",
    [NPU_IR_INDEX_SWITCH] = "scf.index_switch",
    [NPU_IR_YIELD] = "scf.yield",
    [NPU_IR_CONDITION] = "scf.condition",
    [NPU_IR_LOAD] = "memref.load",
    [NPU_IR_STORE] = "memref.store",
    [NPU_IR_VIEW] = "memref.view",
    [NPU_IR_SUBVIEW_OF] = "memref.subview",
    [NPU_IR_REINTERPRET_CAST] = "memref.reinterpret_cast",
    [NPU_IR_CAST] = "memref.cast",
    [NPU_IR_CALL] = "func.call",
    [NPU_IR_ACQUIRE] = "aie.objectfifo.acquire",
    [NPU_IR_ACCESS] = "aie.objectfifo.subview.access",
    [NPU_IR_RELEASE] = "aie.objectfifo.release",
    [NPU_IR_END] = "aie.end",
    [NPU_IR_MEMCPY] = "aiex.npu.dma_memcpy_nd",
    [NPU_IR_WAIT] = "aiex.npu.dma_wait",
    [NPU_IR_SYNC] = "aiex.npu.sync",
    [NPU_IR_TASK_CONFIGURE] = "aiex.dma_configure_task_for",
    [NPU_IR_TASK_START] = "aiex.dma_start_task",
    [NPU_IR_TASK_AWAIT] = "aiex.dma_await_task",
    [NPU_IR_TASK_FREE] = "aiex.dma_free_task",
    [NPU_IR_RTP_WRITE] = "aiex.npu.rtp_write",
    [NPU_IR_WRITE32] = "aiex.npu.write32",
    [NPU_IR_MASKWRITE32] = "aiex.npu.maskwrite32",
};

const char *npu_ir_code_name(enum npu_ir_code code)
{
    return (unsigned)code < NPU_IR_N_CODES ? code_names[code] : "?";
}

const struct npu_sequence *npu_ir_find_sequence(const struct npu_ir_array *array, const char *name)
{
    if (!name && array->n_sequences != 1)
        return NULL;
    for (uint32_t i = 0; i < array->n_sequences; i++)
        if (!name || strcmp(array->sequence[i].name, name) == 0)
            return &array->sequence[i];
    return NULL;
}
