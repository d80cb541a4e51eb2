/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_CPU_RECIPE_H
#define NPU_CPU_RECIPE_H
/* Which integers each stage of a program computes with. The table of what was tried is in
 * npu/cpu/INT8.md. */
#include "kernels/kernels.h"
#include "npu/backend.h"

#define NPU_CPU_TAIL_MAX   64   /* channels */
#define NPU_CPU_TAIL_W_MAX 2047 /* the largest weight of a tail */

struct npu_cpu_recipe {
    bool integer;         /* false: f32 */
    enum npu_width width; /* of the operands */
    bool asymmetric;      /* activations with a zero point */
    int a_max; /* activations -a_max .. a_max, asymmetric 0 .. a_max; a wide stage may have to do
                  with less so that no sum overflows */
    int w_max; /* weights -w_max .. w_max */
    unsigned tail; /* input channels that are wide in a narrow stage: those with the largest values
                      in silence. A multiple of 16; 0: none */

    /* The layer's attention; the stage that makes Q, K and V has these too. */
    enum npu_width head_width;
    int qk_max; /* queries and keys */
    int v_max;  /* values */
    enum npu_numerators numerators;
};

/* The recipe of stage `index`. */
struct npu_cpu_recipe npu_cpu_choose_recipe(const struct npu_program *program, unsigned index,
                                            enum npu_profile profile);

#endif /* NPU_CPU_RECIPE_H */
