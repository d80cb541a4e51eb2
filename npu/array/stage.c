/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a stage is on the array: its operations with the arguments of kernels.h, and which design
 * computes them. */
#include "npu/array/array.h"

enum { MOST_REPEATS = 64 }; /* of a transfer, outermost */

/* ---- Operations as kernels.h states them ------------------------------------------------------ */

enum npu_fixed_result npu_array_result(enum npu_op op)
{
    static const enum npu_fixed_result results[NPU_OP_COUNT] = {
        [NPU_OP_CONV1] = NPU_FIXED_GELU,    [NPU_OP_CONV2] = NPU_FIXED_STEM,
        [NPU_OP_NORM_QKV] = NPU_FIXED_S16,  [NPU_OP_OUT] = NPU_FIXED_RESIDUAL,
        [NPU_OP_NORM_FC1] = NPU_FIXED_GELU, [NPU_OP_FC2] = NPU_FIXED_RESIDUAL,
    };
    return results[op];
}

struct npu_fixed_gemm_args npu_array_gemm_args(const struct npu_array_loaded *l, unsigned stage,
                                               unsigned matrix)
{
    const struct npu_stage *s = &l->program.stage[stage];
    const struct npu_fixed_stage *i = &l->fixed->stage[stage];
    const struct npu_fixed_matrix *w = &i->matrix[matrix];

    return (struct npu_fixed_gemm_args){.w = w->w,
                                        .bias = w->bias,
                                        .mult = w->mult,
                                        .shift = w->shift,
                                        .table = i->table,
                                        .pos = l->fixed->positions,
                                        .ldw = s->k,
                                        .ldc = s->n,
                                        .ldp = l->program.d_model,
                                        .m = (int)npu_stage_rows(s, l->planned),
                                        .n = (int)s->n,
                                        .k = (int)s->k,
                                        .acc_shift = w->acc_shift,
                                        .gelu_shift = i->gelu_shift,
                                        .result = npu_array_result(s->op)};
}

struct npu_fixed_norm_args npu_array_norm_args(const struct npu_array_loaded *l, unsigned stage)
{
    const struct npu_fixed_stage *i = &l->fixed->stage[stage];
    const ptrdiff_t d = l->program.d_model;
    const bool last = l->program.stage[stage].op == NPU_OP_NORM;

    return (struct npu_fixed_norm_args){.y = l->rows,
                                        .x = l->residual,
                                        .mult = last ? NULL : i->norm_mult,
                                        .ldy = d,
                                        .ldx = d,
                                        .m = (int)l->planned,
                                        .d = (int)d,
                                        .shift = last ? l->fixed->feature_bits : i->norm_shift,
                                        .inv_d = l->fixed->inv_d,
                                        .eps = l->fixed->eps,
                                        .sqrt_d = l->fixed->sqrt_d};
}

/* ---- Designs --------------------------------------------------------------------------------- */

/* The sums of the 16 cores have 32 bits; the one core has 64, but no positions. */
static enum npu_array_design choose_design(const struct npu_fixed_matrix *w,
                                           const struct npu_fixed_gemm_args *g)
{
    if (w->bits == 8 && w->acc_shift == 0)
        return NPU_ARRAY_GEMM16;
    if (g->result == NPU_FIXED_STEM || npu_array_tiles((unsigned)g->n) > MOST_REPEATS)
        return NPU_ARRAY_DESIGNS;
    return NPU_ARRAY_GEMM1;
}

enum npu_array_types npu_array_types_of(enum npu_array_design design)
{
    return design == NPU_ARRAY_GEMM16 ? NPU_ARRAY_S16S8 : NPU_ARRAY_S16S16;
}

enum npu_fixed_result npu_array_result_on(enum npu_array_design design,
                                          enum npu_fixed_result result)
{
    return design == NPU_ARRAY_GEMM1 && result != NPU_FIXED_S16 ? NPU_FIXED_S32 : result;
}

static struct npu_array_shape shape_of(const struct npu_fixed_gemm_args *g,
                                       enum npu_array_design design)
{
    const bool many = design == NPU_ARRAY_GEMM16;
    const enum npu_fixed_result result = npu_array_result_on(design, g->result);
    const int columns = npu_array_tiles((unsigned)g->n);

    return (struct npu_array_shape){
        .design = design,
        .jobs = many ? (columns + NPU_ARRAY_COLUMNS - 1) / NPU_ARRAY_COLUMNS : columns,
        .a_objects = npu_array_a_objects(npu_array_types_of(design), g->k),
        .b_objects = npu_array_b_objects(npu_array_types_of(design), g->k),
        .c_objects = npu_array_c_objects(result),
        .operands = many && npu_array_has_operands(result),
    };
}

void npu_array_choose(struct npu_array_loaded *l)
{
    for (unsigned i = 0; i < l->program.n_stages; i++)
        for (unsigned m = 0; m < l->program.stage[i].n_matrices; m++) {
            struct npu_array_product *p = &l->stage[i].product[m];
            const struct npu_fixed_gemm_args g = npu_array_gemm_args(l, i, m);
            p->design = choose_design(&l->fixed->stage[i].matrix[m], &g);
            if (p->design != NPU_ARRAY_DESIGNS)
                p->shape = shape_of(&g, p->design);
        }
}
