/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/cpu/recipe.h"

/* 12 bits each: over 512 products of the largest operands the sum stays below 2^31. */
#define WIDE_MAX 2047
/* Queries, keys and values of wide attention: 64 * 4095 * 4095 and 64 * 8191 * 4095 < 2^31. */
#define WIDE_HEAD_MAX 4095

/* The first layer is fragile in 8 bits in everything. */
static bool is_wide(const struct npu_stage *s)
{
    return s->taps > 1 || s->layer == 0;
}

/* After it the channels with outliers are few: the rest of a row keeps a scale that fits it. */
static unsigned count_tail(const struct npu_stage *s)
{
    unsigned most = s->k / 4 / 16 * 16, tail = s->in == NPU_BUFFER_FFN ? NPU_CPU_TAIL_MAX : 32;
    return tail < most ? tail : most;
}

struct npu_cpu_recipe npu_cpu_choose_recipe(const struct npu_program *program, unsigned index,
                                            enum npu_profile profile)
{
    const struct npu_stage *s = &program->stage[index];
    bool integer = profile == NPU_PROFILE_INT8 && s->kind != NPU_KIND_NORM;
    bool wide = is_wide(s), wide_heads = s->layer == 0;

    return (struct npu_cpu_recipe){
        .integer = integer,
        .width = wide ? NPU_WIDE : NPU_NARROW,
        .asymmetric = !wide,
        .a_max = wide ? INT16_MAX : 255,
        .w_max = wide ? WIDE_MAX : 127,
        .tail = integer && !wide && s->n_matrices ? count_tail(s) : 0,
        .head_width = wide_heads ? NPU_WIDE : NPU_NARROW,
        .qk_max = wide_heads ? WIDE_HEAD_MAX : 127,
        .v_max = wide_heads ? WIDE_HEAD_MAX : 127,
        .numerators = wide_heads ? NPU_NUMERATORS_13 : NPU_NUMERATORS_8,
    };
}
