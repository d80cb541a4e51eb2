/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a stage is on the array: which design computes it. */
#include "npu/array/array.h"

enum { MOST_REPEATS = 64 }; /* of a transfer, outermost */

struct npu_fixed_gemm_args npu_array_gemm_args(const struct npu_array_loaded *l, unsigned stage,
                                               unsigned matrix)
{
    return npu_fixed_gemm_of(l->fixed, stage, matrix, 0,
                             npu_stage_rows(&l->program.stage[stage], l->planned));
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
