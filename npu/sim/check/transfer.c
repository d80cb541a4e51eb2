/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One transfer of a runtime sequence by itself: bounds, granule, what a shim descriptor can hold.
 * */
#include "npu/sim/check/checker.h"

#include <inttypes.h>
#include <stdlib.h>

#define GRANULE     4
#define MAX_WRAP    1023
#define MAX_STEP    (INT64_C(1) << 20) /* words */
#define MAX_ROUNDS  64                 /* of the iteration register */
#define MAX_REPEATS 65                 /* where the stock verifier stops, of the queue's 256 */
#define MAX_RUNS    256                /* of a queued task */
#define MAX_ID      15
#define MAX_SIZE    (INT64_C(1) << 40)

/* A transfer in elements: `size` and `stride` outermost first, dimension 0 the iteration (for a
 * task its number of runs, whatever was written). */
struct pattern {
    int64_t start, size[4], stride[4];
    int64_t outermost; /* size as written */
    bool linear;
};

static uint64_t elem_bytes(const struct npu_ir_type *type)
{
    unsigned bits = npu_ir_elem_bits(type->elem);
    return bits < 8 ? 1 : bits / 8;
}

static bool add_product(int64_t a, int64_t b, int64_t *sum)
{
    int64_t product;
    return !__builtin_mul_overflow(a, b, &product) && !__builtin_add_overflow(*sum, product, sum);
}

/* The sizes and strides as written; false where a value is known at run time only, or where what
 * was written is no pattern (reported). */
static bool read_dims(struct npu_checker *c, const struct npu_ir_bd *bd, struct pattern *p)
{
    if (bd->n_dims > 4) {
        npu_check_error(c, "transfer-dims", bd->pos,
                        "the transfer has %u dimensions; at most 4 fit", bd->n_dims);
        return false;
    }
    for (uint32_t i = 0; i < bd->n_dims; i++) {
        uint32_t to = 4 - bd->n_dims + i;
        if (bd->size[i].slot != NPU_IR_NONE || bd->stride[i].slot != NPU_IR_NONE ||
            (bd->memcpy && bd->offset[i].slot != NPU_IR_NONE)) {
            npu_checker_report(
                c, NPU_SEVERITY_NOTE, "transfer-unknown", bd->pos,
                "this transfer takes a number from an argument: its bounds are checked when it "
                "runs; the stock compiler of March 2026 takes constants only, and there are no "
                "instruction words for it");
            return false;
        }
        p->size[to] = bd->size[i].value;
        p->stride[to] = bd->stride[i].value;
        if (p->size[to] < 1 || p->size[to] > MAX_SIZE || p->stride[to] < 0) {
            npu_check_error(c, "transfer-dims", bd->pos,
                            "dimension %u of the transfer has size %" PRId64 " and stride %" PRId64
                            ", expected a size of 1 .. 2^40 and no negative stride",
                            i, p->size[to], p->stride[to]);
            return false;
        }
    }
    return true;
}

/* As written, including dimensions of size 1: the stock verifier checks those too. */
static void check_strides(struct npu_checker *c, const struct npu_ir_bd *bd,
                          const struct pattern *p, uint64_t elem)
{
    for (int i = 0; i < 3; i++)
        if (p->stride[i] % (int64_t)(GRANULE / elem) != 0)
            npu_check_error(c, "transfer-granule", bd->pos,
                            "dimension %d of the transfer steps %" PRId64 " elements of %" PRIu64
                            " bytes, no multiple of %d",
                            i, p->stride[i], elem, GRANULE);
}

/* The offsets of a memcpy count in strides. */
static bool read_offsets(struct npu_checker *c, const struct npu_ir_bd *bd, struct pattern *p)
{
    for (uint32_t i = 0; i < 4; i++) {
        if (bd->offset[i].value < 0) {
            npu_check_error(c, "transfer-bounds", bd->pos,
                            "dimension %u of the transfer has an offset of %" PRId64
                            ", expected 0 or more",
                            i, bd->offset[i].value);
            return false;
        }
        if (!add_product(bd->offset[i].value, bd->stride[i].value, &p->start))
            p->start = -1;
    }
    return true;
}

/* Only repeat_count says how often a task runs, as in the stock compiler; the length is that of one
 * run. */
static bool read_task(struct npu_checker *c, const struct npu_ir_op *op,
                      const struct npu_ir_type *type, struct pattern *p)
{
    const struct npu_ir_bd *bd = &op->bd[0];
    int64_t length = npu_ir_bd_length(bd, type), runs = op->repeat + 1, one = 1;
    p->start = bd->start;
    if (bd->n_dims == 0)
        p->size[3] = length;
    for (int i = 1; i < 4; i++)
        if (__builtin_mul_overflow(one, p->size[i], &one))
            one = -1;
    if (length < 1)
        npu_check_error(c, "transfer-dims", bd->pos,
                        "the transfer has a length of %" PRId64 " elements, expected 1 or more",
                        length);
    else if (one != length)
        npu_check_error(c, "transfer-dims", bd->pos,
                        "the transfer has a length of %" PRId64 " elements, but its %sdimensions "
                        "make %" PRId64 ": the length is that of one run",
                        length, bd->n_dims > 3 ? "three innermost " : "", one);
    if (length < 1 || one != length)
        return false;
    if (p->size[0] > 1 && p->stride[0] > 0 && p->size[0] != runs)
        npu_check_error(c, "transfer-rounds", bd->pos,
                        "the outermost dimension has size %" PRId64 ", but the task runs %" PRId64
                        " times: expected repeat_count = %" PRId64 "; with another number the "
                        "next start goes on where this one stopped, which is not executed here",
                        p->size[0], runs, p->size[0] - 1);
    else if (p->size[0] > 1 && p->stride[0] == 0 && p->size[0] != runs)
        npu_checker_report(c, NPU_SEVERITY_WARNING, "task-repeat", bd->pos,
                           "the outermost dimension repeats %" PRId64 " times with stride 0, but "
                           "only repeat_count counts: the task runs %" PRId64 " times",
                           p->size[0], runs);
    if (p->size[0] == 1)
        p->stride[0] = 0;
    if (p->stride[0] == 0)
        p->size[0] = runs;
    return true;
}

/* The literal pattern of a transfer; false for the same reasons as read_dims(). */
static bool read_pattern(struct npu_checker *c, const struct npu_ir_op *op,
                         const struct npu_ir_type *type, struct pattern *p)
{
    const struct npu_ir_bd *bd = &op->bd[0];
    *p = (struct pattern){.size = {1, 1, 1, 1}, .stride = {0, 0, 0, 1}};
    if (!read_dims(c, bd, p))
        return false;
    p->outermost = p->size[0];
    check_strides(c, bd, p, elem_bytes(type));
    return bd->memcpy ? read_offsets(c, bd, p) : read_task(c, op, type, p);
}

/* One run, perhaps repeated: what the stock compiler takes for linear as it is written. */
static bool is_linear(const struct npu_ir_bd *bd, const struct pattern *p)
{
    bool one_row = p->size[1] == 1 && p->size[2] == 1;
    return bd->memcpy ? one_row && p->stride[1] == 0 && p->stride[2] == 0 && p->stride[3] == 1
                      : one_row;
}

/* The stock compiler forgets the innermost stride of a task that it takes for linear. */
static void check_task_stride(struct npu_checker *c, const struct npu_ir_bd *bd,
                              const struct pattern *p)
{
    if (!bd->memcpy && p->linear && p->size[3] > 1 && p->stride[3] > 1)
        npu_check_error(c, "task-stride", bd->pos,
                        "only the innermost dimension of this task is over 1, with a stride of "
                        "%" PRId64 ": the stock compiler says nothing and moves neighbours; write "
                        "[<size = %" PRId64 ", stride = %" PRId64 ">, <size = 1, stride = 1>]",
                        p->stride[3], p->size[3], p->stride[3]);
}

static void check_bounds(struct npu_checker *c, const struct npu_sequence *sequence,
                         const struct npu_ir_bd *bd, const struct pattern *p)
{
    const struct npu_ir_type *type = &sequence->body.slot_type[bd->memref];
    int64_t last = p->start, count = (int64_t)npu_ir_type_count(type);
    bool fits = p->start >= 0;
    for (int i = 0; i < 4; i++)
        fits = fits && add_product(p->size[i] - 1, p->stride[i], &last);
    if (!fits || last >= count)
        npu_check_error(c, "transfer-bounds", bd->pos,
                        "the transfer reaches element %" PRId64 " of %%%.60s, which has %" PRId64
                        "; the stock compiler says nothing",
                        fits ? last : -1, sequence->argument_name[bd->memref], count);
}

static void check_granule(struct npu_checker *c, const struct npu_ir_bd *bd,
                          const struct pattern *p, uint64_t elem)
{
    uint64_t run = (uint64_t)p->size[3] * elem, start = (uint64_t)p->start * elem;
    if (run % GRANULE != 0)
        npu_check_error(c, "transfer-granule", bd->pos,
                        "the transfer has runs of %" PRIu64 " bytes, no multiple of %d", run,
                        GRANULE);
    if (start % GRANULE != 0)
        npu_check_error(c, "transfer-granule", bd->pos,
                        "the transfer starts at byte %" PRIu64 ", no multiple of %d", start,
                        GRANULE);
    if (elem < GRANULE && p->stride[3] != 1 && p->size[3] > 1)
        npu_check_error(c, "transfer-granule", bd->pos,
                        "the innermost stride is %" PRId64 "; elements of %" PRIu64 " bytes need 1",
                        p->stride[3], elem);
}

static void check_fields(struct npu_checker *c, const struct npu_ir_bd *bd, const struct pattern *p,
                         uint64_t elem)
{
    int64_t words = elem < GRANULE ? p->size[3] * (int64_t)elem / GRANULE : p->size[3];
    if (!p->linear && (words > MAX_WRAP || p->size[2] > MAX_WRAP))
        npu_check_error(
            c, "transfer-wrap", bd->pos,
            "the transfer repeats %" PRId64 " words or %" PRId64
            " rows; at most %d fit unless it is one run, written [n, 1, 1, N][.., 0, 0, 1]",
            words, p->size[2], MAX_WRAP);
    for (int i = 0; i < 4; i++)
        if ((p->size[i] > 1 || i == 3) && p->stride[i] / (int64_t)(GRANULE / elem) > MAX_STEP)
            npu_check_error(c, "transfer-step", bd->pos,
                            "dimension %d of the transfer steps %" PRId64 " words; at most %" PRId64
                            " fit",
                            i, p->stride[i] / (int64_t)(GRANULE / elem), MAX_STEP);
    for (int i = 1; i < 4; i++)
        if (p->size[i] > 1 && p->stride[i] == 0)
            npu_check_error(c, "transfer-stride", bd->pos,
                            "dimension %d of the transfer repeats with stride 0, which only the "
                            "outermost may",
                            i);
}

static void check_rounds(struct npu_checker *c, const struct npu_ir_op *op, const struct pattern *p)
{
    int64_t most = p->stride[0] > 0 ? MAX_ROUNDS : MAX_REPEATS;
    if (p->outermost > most)
        npu_check_error(c, "transfer-rounds", op->pos,
                        "the outermost dimension has size %" PRId64 " and stride %" PRId64
                        "; at most %" PRId64 " fit",
                        p->outermost, p->stride[0], most);
    if (op->repeat + 1 > MAX_RUNS)
        npu_check_error(c, "transfer-rounds", op->pos,
                        "the task runs %" PRId64 " times; at most %d fit", op->repeat + 1,
                        MAX_RUNS);
}

/* The shim's end of the fifo, or NPU_IR_NONE. */
static uint32_t shim_end(const struct npu_checker *c, uint32_t f)
{
    const struct npu_fifo *fifo = &c->array->fifo[f];
    for (uint32_t e = 0; e <= fifo->n_consumers; e++)
        if (npu_tile_kind(&c->array->tile[npu_fifo_end(fifo, e)->tile]) == NPU_TILE_SHIM)
            return e;
    return NPU_IR_NONE;
}

/* Whole objects, as the array takes and gives them. */
static void check_objects(struct npu_checker *c, const struct npu_ir_op *op,
                          const struct pattern *p, uint64_t elem)
{
    const struct npu_fifo *fifo = &c->array->fifo[op->ref];
    uint32_t end = shim_end(c, op->ref);
    uint64_t bytes = npu_ir_type_bytes(end == 0 ? &fifo->consumer_type : &fifo->type);
    uint64_t total = elem;
    for (int i = 0; i < 4; i++)
        if (__builtin_mul_overflow(total, (uint64_t)p->size[i], &total))
            return;
    if (total % bytes != 0)
        npu_check_error(c, "transfer-objects", op->pos,
                        "the transfer has %" PRIu64 " bytes, %" PRIu64
                        " objects of @%.60s and %" PRIu64 " bytes: it never ends",
                        total, total / bytes, fifo->name, total % bytes);
}

void npu_check_transfer(struct npu_checker *c, const struct npu_sequence *sequence,
                        const struct npu_ir_op *op)
{
    const struct npu_ir_bd *bd = &op->bd[0];
    const struct npu_ir_type *type = &sequence->body.slot_type[bd->memref];
    uint64_t elem = elem_bytes(type);
    struct pattern p;
    if (bd->id > MAX_ID)
        npu_check_error(c, "descriptor-id", op->pos,
                        "buffer descriptor %" PRId64
                        " does not exist, a shim has 0 .. %d; the stock "
                        "compiler writes it over the channel registers",
                        bd->id, MAX_ID);
    if (shim_end(c, op->ref) == NPU_IR_NONE) {
        npu_check_error(c, "transfer-shim", op->pos, "@%.60s has no end at a shim",
                        c->array->fifo[op->ref].name);
        return;
    }
    if (npu_ir_elem_bits(type->elem) > 32) {
        npu_check_error(c, "transfer-element", op->pos,
                        "%%%.60s has elements of %u bits; a transfer has at most 32",
                        sequence->argument_name[bd->memref], npu_ir_elem_bits(type->elem));
        return;
    }
    uint32_t errors = c->result->n_errors;
    if (!read_pattern(c, op, type, &p))
        return;
    p.linear = is_linear(bd, &p);
    check_bounds(c, sequence, bd, &p);
    if (c->result->n_errors > errors)
        return; /* the numbers below are in range only for what the argument holds */
    check_granule(c, bd, &p, elem);
    check_task_stride(c, bd, &p);
    check_fields(c, bd, &p, elem);
    check_rounds(c, op, &p);
    if (c->result->n_errors == errors)
        check_objects(c, op, &p, elem);
}
