/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* arith, memref and the flat form of scf. Integers are held sign-extended, i1 as 0 or 1; they wrap
 * at the width of their type, index does not (no design can tell). */
#include "npu/sim/engine/array.h"

#include <errno.h>
#include <string.h>

static int64_t wrap(int64_t value, unsigned bits)
{
    if (bits >= 64)
        return value;
    if (bits == 1)
        return value & 1;
    return (int64_t)((uint64_t)value << (64 - bits)) >> (64 - bits);
}

static unsigned bits_of(const struct npu_sim_program *program, uint32_t slot)
{
    enum npu_ir_elem elem = program->body->slot_type[slot].elem;
    return elem == NPU_IR_INDEX ? 64 : npu_ir_elem_bits(elem);
}

static uint64_t as_unsigned(int64_t value, unsigned bits)
{
    return bits >= 64 ? (uint64_t)value : (uint64_t)value & (((uint64_t)1 << bits) - 1);
}

/* ---- arith ----------------------------------------------------------------------------------- */

static int64_t divide_floor(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

static int64_t divide_ceil(int64_t a, int64_t b)
{
    return a / b + (a % b != 0 && (a % b < 0) == (b < 0));
}

/* b is not 0; INT64_MIN / -1 wraps. */
static int64_t divide(enum npu_ir_code code, int64_t a, int64_t b, unsigned bits)
{
    uint64_t ua = as_unsigned(a, bits), ub = as_unsigned(b, bits);
    switch (code) {
    case NPU_IR_DIVUI:
        return (int64_t)(ua / ub);
    case NPU_IR_REMUI:
        return (int64_t)(ua % ub);
    case NPU_IR_CEILDIVUI:
        return (int64_t)(ua / ub + (ua % ub != 0));
    default:
        break;
    }
    if (b == -1)
        return code == NPU_IR_REMSI ? 0 : (int64_t)(0 - (uint64_t)a);
    switch (code) {
    case NPU_IR_DIVSI:
        return a / b;
    case NPU_IR_REMSI:
        return a % b;
    case NPU_IR_CEILDIVSI:
        return divide_ceil(a, b);
    default:
        return divide_floor(a, b);
    }
}

/* A shift by the width or more is poison in MLIR; here as an endless shift. */
static int64_t shift(enum npu_ir_code code, int64_t a, int64_t b, unsigned bits)
{
    uint64_t n = as_unsigned(b, bits);
    if (n >= bits)
        return code == NPU_IR_SHRSI && a < 0 ? -1 : 0;
    if (code == NPU_IR_SHLI)
        return (int64_t)((uint64_t)a << n);
    return code == NPU_IR_SHRSI ? a >> n : (int64_t)(as_unsigned(a, bits) >> n);
}

static int64_t binary(enum npu_ir_code code, int64_t a, int64_t b, unsigned bits)
{
    uint64_t ua = as_unsigned(a, bits), ub = as_unsigned(b, bits);
    switch (code) {
    case NPU_IR_ADDI:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case NPU_IR_SUBI:
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case NPU_IR_MULI:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case NPU_IR_MINSI:
        return a < b ? a : b;
    case NPU_IR_MAXSI:
        return a > b ? a : b;
    case NPU_IR_MINUI:
        return ua < ub ? a : b;
    case NPU_IR_MAXUI:
        return ua > ub ? a : b;
    case NPU_IR_ANDI:
        return a & b;
    case NPU_IR_ORI:
        return a | b;
    case NPU_IR_XORI:
        return a ^ b;
    default:
        return shift(code, a, b, bits);
    }
}

static bool compare(int64_t predicate, int64_t a, int64_t b, unsigned bits)
{
    uint64_t ua = as_unsigned(a, bits), ub = as_unsigned(b, bits);
    switch (predicate) {
    case NPU_IR_EQ:
        return a == b;
    case NPU_IR_NE:
        return a != b;
    case NPU_IR_SLT:
        return a < b;
    case NPU_IR_SLE:
        return a <= b;
    case NPU_IR_SGT:
        return a > b;
    case NPU_IR_SGE:
        return a >= b;
    case NPU_IR_ULT:
        return ua < ub;
    case NPU_IR_ULE:
        return ua <= ub;
    case NPU_IR_UGT:
        return ua > ub;
    default:
        return ua >= ub;
    }
}

static int execute_arith(struct npu_sim *sim, struct npu_sim_program *program,
                         const struct npu_ir_op *op)
{
    struct npu_sim_value *value = program->value;
    uint32_t to = op->result[0];
    unsigned bits = bits_of(program, to);
    int64_t a = op->n_operands > 0 ? value[op->operand[0]].i : 0;
    int64_t b = op->n_operands > 1 ? value[op->operand[1]].i : 0, r = a;
    switch (op->code) {
    case NPU_IR_CONSTANT:
        r = op->value;
        break;
    case NPU_IR_DIVSI:
    case NPU_IR_DIVUI:
    case NPU_IR_REMSI:
    case NPU_IR_REMUI:
    case NPU_IR_CEILDIVSI:
    case NPU_IR_CEILDIVUI:
    case NPU_IR_FLOORDIVSI:
        if (b == 0)
            return npu_sim_fail(sim, -EINVAL, &op->pos, "%s by zero", npu_ir_code_name(op->code));
        r = divide(op->code, a, b, bits);
        break;
    case NPU_IR_CMPI:
        r = compare(op->value, a, b, bits_of(program, op->operand[0]));
        break;
    case NPU_IR_SELECT:
        value[to] = a ? value[op->operand[1]] : value[op->operand[2]];
        return 1;
    case NPU_IR_INDEX_CAST:
    case NPU_IR_EXTSI:
        if (bits_of(program, op->operand[0]) == 1)
            r = -a; /* an i1 is held as 0 or 1, its sign extension is 0 or -1 */
        break;
    case NPU_IR_INDEX_CASTUI:
    case NPU_IR_EXTUI:
        r = (int64_t)as_unsigned(a, bits_of(program, op->operand[0]));
        break;
    case NPU_IR_TRUNCI:
        break;
    default:
        r = binary(op->code, a, b, bits);
    }
    value[to].i = wrap(r, bits);
    return 1;
}

/* ---- memref ---------------------------------------------------------------------------------- */

void npu_sim_memref_init(struct npu_sim_memref *memref, const struct npu_ir_type *type,
                         uint8_t *base, uint64_t extent)
{
    unsigned bits = npu_ir_elem_bits(type->elem);
    *memref = (struct npu_sim_memref){.base = base,
                                      .extent = extent,
                                      .offset = type->offset == NPU_IR_DYNAMIC ? 0 : type->offset,
                                      .rank = type->rank,
                                      .elem_bytes = bits < 8 ? 1 : bits / 8};
    for (uint32_t d = 0; d < type->rank; d++) {
        memref->size[d] = type->shape[d];
        memref->stride[d] = type->stride[d];
    }
}

int npu_sim_memref_alive(struct npu_sim *sim, const struct npu_ir_op *op,
                         const struct npu_sim_memref *memref)
{
    const struct npu_sim_port *port = memref->port;
    if (!port)
        return 0;
    const struct npu_sim_slice *slice = &port->pool->slice[0];
    uint64_t released = port->side == NPU_PRODUCE ? slice->n_filled : slice->n_drained;
    if (memref->object < released)
        return npu_sim_fail(sim, -EINVAL, &op->pos,
                            "%s uses an object of @%s that was released before",
                            npu_ir_code_name(op->code), port->fifo->name);
    return 0;
}

/* Offsets, sizes and strides: what no design needs is out of range, and sums of a memref's six
 * dimensions stay far from overflow. */
static bool in_range(int64_t value)
{
    return value >= -((int64_t)1 << 40) && value <= (int64_t)1 << 40;
}

/* *sum += a * b; false, and *sum means nothing, out of range. */
static bool add_product(int64_t *sum, int64_t a, int64_t b)
{
    int64_t product;
    return !__builtin_mul_overflow(a, b, &product) && !__builtin_add_overflow(*sum, product, sum) &&
           in_range(*sum);
}

/* The byte address of an element; indices checked against the sizes, the address against the
 * memory behind. */
static int address(struct npu_sim *sim, const struct npu_sim_program *program,
                   const struct npu_ir_op *op, const struct npu_sim_memref *memref,
                   const uint32_t *index, uint8_t **to)
{
    int code = npu_sim_memref_alive(sim, op, memref);
    if (code)
        return code;
    int64_t at = memref->offset;
    bool reached = true;
    for (uint32_t d = 0; d < memref->rank; d++) {
        int64_t i = program->value[index[d]].i;
        if (i < 0 || i >= memref->size[d])
            return npu_sim_fail(
                sim, -EINVAL, &op->pos, "%s: index %lld of dimension %u is outside of 0 to %lld",
                npu_ir_code_name(op->code), (long long)i, d, (long long)memref->size[d] - 1);
        reached = reached && add_product(&at, i, memref->stride[d]);
    }
    if (!reached)
        return npu_sim_fail(sim, -EINVAL, &op->pos,
                            "%s: the element lies 2^40 elements or more away",
                            npu_ir_code_name(op->code));
    if (at < 0 || (uint64_t)at >= memref->extent / memref->elem_bytes)
        return npu_sim_fail(sim, -EINVAL, &op->pos, "%s: element %lld lies outside of %llu bytes",
                            npu_ir_code_name(op->code), (long long)at,
                            (unsigned long long)memref->extent);
    *to = memref->base + at * memref->elem_bytes;
    return 0;
}

static int execute_load(struct npu_sim *sim, struct npu_sim_program *program,
                        const struct npu_ir_op *op)
{
    const struct npu_sim_memref *memref = &program->value[op->operand[0]].m;
    uint8_t *from;
    int code = address(sim, program, op, memref, op->operand + 1, &from);
    if (code)
        return code;
    int64_t raw = 0;
    memcpy(&raw, from, memref->elem_bytes);
    program->value[op->result[0]].i = wrap(raw, bits_of(program, op->result[0]));
    return 1;
}

static int execute_store(struct npu_sim *sim, struct npu_sim_program *program,
                         const struct npu_ir_op *op)
{
    const struct npu_sim_memref *memref = &program->value[op->operand[1]].m;
    uint8_t *to;
    int code = address(sim, program, op, memref, op->operand + 2, &to);
    if (code)
        return code;
    memcpy(to, &program->value[op->operand[0]].i, memref->elem_bytes);
    return 1;
}

static int64_t index_of(const struct npu_sim_program *program, const struct npu_ir_index *index)
{
    return index->slot == NPU_IR_NONE ? index->value : program->value[index->slot].i;
}

/* memref.view: bytes seen as another type from a byte shift on. */
static int execute_view(struct npu_sim *sim, struct npu_sim_program *program,
                        const struct npu_ir_op *op)
{
    const struct npu_sim_memref from = program->value[op->operand[0]].m;
    struct npu_sim_memref *to = &program->value[op->result[0]].m;
    int64_t at;
    if (__builtin_add_overflow(program->value[op->operand[1]].i, from.offset, &at))
        at = -1;
    if (at < 0 || (uint64_t)at > from.extent)
        return npu_sim_fail(sim, -EINVAL, &op->pos, "memref.view from byte %lld of %llu",
                            (long long)at, (unsigned long long)from.extent);
    npu_sim_memref_init(to, &program->body->slot_type[op->result[0]], from.base + at,
                        from.extent - (uint64_t)at);
    to->port = from.port;
    to->object = from.object;
    uint32_t dynamic = 2;
    for (uint32_t d = 0; d < to->rank; d++)
        if (to->size[d] == NPU_IR_DYNAMIC && dynamic < op->n_operands)
            to->size[d] = program->value[op->operand[dynamic++]].i;
    int64_t stride = 1;
    for (uint32_t d = to->rank; d-- > 0;) {
        to->stride[d] = stride;
        if (to->size[d] < 0 || to->size[d] > ((int64_t)1 << 40) / stride)
            return npu_sim_fail(sim, -EINVAL, &op->pos, "memref.view with a size of %lld",
                                (long long)to->size[d]);
        stride *= to->size[d] ? to->size[d] : 1;
    }
    return 1;
}

static int execute_subview(struct npu_sim *sim, struct npu_sim_program *program,
                           const struct npu_ir_op *op)
{
    const struct npu_sim_memref from = program->value[op->operand[0]].m;
    const struct npu_ir_type *type = &program->body->slot_type[op->result[0]];
    struct npu_sim_memref to = from;
    bool cast = op->code == NPU_IR_REINTERPRET_CAST;
    uint32_t rank = cast ? type->rank : from.rank, kept = 0;
    if (cast)
        to.offset = index_of(program, &op->offset[0]);
    /* A subview may drop dimensions of size 1: as many as the result's type has fewer. */
    uint32_t drop = cast || type->rank >= rank ? 0 : rank - type->rank;
    for (uint32_t d = 0; d < rank; d++) {
        int64_t size = index_of(program, &op->size[d]), step = index_of(program, &op->step[d]);
        int64_t offset = cast ? 0 : index_of(program, &op->offset[d]), stride = 0;
        if (size < 0 || !in_range(size) || !in_range(step) || !in_range(offset))
            return npu_sim_fail(sim, -EINVAL, &op->pos, "%s: offset %lld, size %lld, stride %lld",
                                npu_ir_code_name(op->code), (long long)offset, (long long)size,
                                (long long)step);
        if (!add_product(&stride, step, cast ? 1 : from.stride[d]) ||
            (!cast && !add_product(&to.offset, offset, from.stride[d])))
            return npu_sim_fail(sim, -EINVAL, &op->pos,
                                "%s: offset %lld or stride %lld times %lld, expected less than "
                                "2^40 elements",
                                npu_ir_code_name(op->code), (long long)offset, (long long)step,
                                (long long)(cast ? 1 : from.stride[d]));
        if (drop > 0 && size == 1) {
            drop--;
            continue;
        }
        to.size[kept] = size;
        to.stride[kept++] = stride;
    }
    if (!in_range(to.offset))
        return npu_sim_fail(sim, -EINVAL, &op->pos, "%s: offset %lld", npu_ir_code_name(op->code),
                            (long long)to.offset);
    to.rank = kept;
    program->value[op->result[0]].m = to;
    return 1;
}

/* ---- The door -------------------------------------------------------------------------------- */

static int execute_control(struct npu_sim *sim, struct npu_sim_program *program,
                           const struct npu_sim_code *code)
{
    struct npu_sim_value *value = program->value;
    switch (code->op) {
    case NPU_SIM_JUMP:
        program->pc = code->target;
        break;
    case NPU_SIM_UNLESS:
        if (!value[code->a].i)
            program->pc = code->target;
        break;
    case NPU_SIM_UNEQUAL:
        if (value[code->a].i != code->imm)
            program->pc = code->target;
        break;
    case NPU_SIM_FOR_CHECK:
        if (value[code->a].i <= 0)
            return npu_sim_fail(sim, -EINVAL, &code->ir->pos, "scf.for with a step of %lld",
                                (long long)value[code->a].i);
        break;
    case NPU_SIM_FOR_TEST:
        if (value[code->a].i >= value[code->b].i)
            program->pc = code->target;
        break;
    case NPU_SIM_FOR_NEXT:
        /* Past the largest number no bound is below: the loop ends. */
        if (__builtin_add_overflow(value[code->a].i, value[code->b].i, &value[code->a].i))
            value[code->a].i = INT64_MAX;
        break;
    default:
        for (uint32_t i = 0; i < code->n; i++)
            program->scratch[i] = value[code->from[i]];
        for (uint32_t i = 0; i < code->n; i++)
            value[code->to[i]] = program->scratch[i];
    }
    return 1;
}

int npu_sim_execute(struct npu_sim *sim, struct npu_sim_program *program)
{
    const struct npu_sim_code *code = &program->code[program->pc];
    const struct npu_ir_op *op = code->ir;
    if (code->op > NPU_IR_TRUNCI && code->op < NPU_IR_LOAD)
        return 0;
    if (code->op > NPU_IR_CAST && code->op < NPU_SIM_JUMP)
        return 0;
    program->pc++;
    if (code->op >= NPU_SIM_JUMP)
        return execute_control(sim, program, code);
    switch (op->code) {
    case NPU_IR_LOAD:
        return execute_load(sim, program, op);
    case NPU_IR_STORE:
        return execute_store(sim, program, op);
    case NPU_IR_VIEW:
        return execute_view(sim, program, op);
    case NPU_IR_SUBVIEW_OF:
    case NPU_IR_REINTERPRET_CAST:
        return execute_subview(sim, program, op);
    case NPU_IR_CAST:
        program->value[op->result[0]].m = program->value[op->operand[0]].m;
        return 1;
    default:
        return execute_arith(sim, program, op);
    }
}
