/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/cpu/recipe.h"

/* 12 bits each: over 512 products of the largest operands the sum stays below 2^31. */
#define WIDE_MAX 2047
/* Queries, keys and values of wide attention: 64 * 4095 * 4095 and 64 * 8191 * 4095 < 2^31. */
#define WIDE_HEAD_MAX      4095
#define WIDE_NUMERATOR_MAX 8191

/* Layers that are fragile in 8 bits come first: one in six, at least one. */
static bool is_fragile(const struct npu_program *program, const struct npu_stage *s)
{
    return s->layer < (program->n_layers + 5) / 6;
}

struct npu_cpu_recipe npu_cpu_choose_recipe(const struct npu_program *program, unsigned index,
                                            enum npu_profile profile)
{
    const struct npu_stage *s = &program->stage[index];
    struct npu_cpu_recipe r = {.integer = profile == NPU_PROFILE_INT8 && s->op != NPU_OP_NORM};

    if (s->op == NPU_OP_CONV1 || s->op == NPU_OP_CONV2 || is_fragile(program, s)) {
        r.width = r.head_width = NPU_WIDE;
        r.a_max = INT16_MAX;
        r.w_max = WIDE_MAX;
        r.qk_max = r.v_max = WIDE_HEAD_MAX;
        r.p_max = WIDE_NUMERATOR_MAX;
    } else {
        r.width = r.head_width = NPU_NARROW;
        r.asymmetric = s->op == NPU_OP_FC2; /* behind GELU, which ends at -0.17 */
        r.a_max = r.asymmetric ? 255 : 127;
        r.w_max = r.qk_max = r.v_max = 127;
        r.p_max = 255;
    }
    return r;
}
