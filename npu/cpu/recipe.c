/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/cpu/recipe.h"

/* 12 bits each: over 512 products of the largest operands the sum stays below 2^31. */
#define WIDE_MAX 2047
/* Queries, keys and values of wide attention: 64 * 4095 * 4095 and 64 * 8191 * 4095 < 2^31. */
#define WIDE_HEAD_MAX 4095

/* The layers that are fragile in 8 bits come first: the very first one in everything; then Q, K, V
 * and FC1 of the first quarter and the output projection of the first half, whose inputs have
 * outliers. */
static bool is_wide(const struct npu_program *program, const struct npu_stage *s)
{
    unsigned quarter = (program->n_layers + 3) / 4, half = (program->n_layers + 1) / 2;
    if (s->op == NPU_OP_CONV1 || s->op == NPU_OP_CONV2 || s->layer == 0)
        return true;
    if (s->op == NPU_OP_OUT)
        return s->layer < half;
    return s->op != NPU_OP_FC2 && s->layer < quarter;
}

struct npu_cpu_recipe npu_cpu_choose_recipe(const struct npu_program *program, unsigned index,
                                            enum npu_profile profile)
{
    const struct npu_stage *s = &program->stage[index];
    bool wide = is_wide(program, s), wide_heads = s->layer == 0;

    return (struct npu_cpu_recipe){
        .integer = profile == NPU_PROFILE_INT8 && s->op != NPU_OP_NORM,
        .width = wide ? NPU_WIDE : NPU_NARROW,
        .asymmetric = !wide,
        .a_max = wide ? INT16_MAX : 255,
        .w_max = wide ? WIDE_MAX : 127,
        .head_width = wide_heads ? NPU_WIDE : NPU_NARROW,
        .qk_max = wide_heads ? WIDE_HEAD_MAX : 127,
        .v_max = wide_heads ? WIDE_HEAD_MAX : 127,
        .numerators = wide_heads ? NPU_NUMERATORS_13 : NPU_NUMERATORS_8,
    };
}
