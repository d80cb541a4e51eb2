/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What depends on a window's length: sequences, the jobs that count rows, and the arrays, loaded
 * with designs that have these sequences. */
#include <errno.h>
#include <stdlib.h>

#include "npu/log.h"
#include "npu/sim/encoder.h"

enum { GELU_VALUES = 2048, NORM_VALUES = 1024 }; /* of an object on the way in */

/* ---- Designs --------------------------------------------------------------------------------- */

/* mlir/<name>.mlir; NULL: there is none for this width. */
static const char *design_name(const struct npu_sim_loaded *l, unsigned design)
{
    static const char *const names[NPU_SIM_DESIGNS] = {
        [NPU_SIM_GEMM16] = "encoder",
        [NPU_SIM_GEMM1] = "gemm_s16s16",
        [NPU_SIM_GELU] = "gelu_2048",
        [NPU_SIM_ATTENTION] = "attention_4col",
    };
    if (design != NPU_SIM_NORM)
        return names[design];
    return l->program.d_model == 256   ? "layernorm_256"
           : l->program.d_model == 512 ? "layernorm_512"
                                       : NULL;
}

static int open_texts(const struct npu_sim_loaded *l, struct npu_sim_text **text,
                      struct npu_error *err)
{
    const char *folder = getenv("WHISPERNPU_DESIGNS");
    int ret = 0;

    if (!folder || !folder[0])
        folder = NPU_SIM_DESIGN_FOLDER;
    for (unsigned i = 0; i < NPU_SIM_DESIGNS && ret == 0; i++)
        if (design_name(l, i))
            ret = npu_sim_text_open(&text[i], folder, design_name(l, i), err);
    return ret;
}

static int open_residents(struct npu_sim_loaded *l, struct npu_sim_text **text,
                          struct npu_error *err)
{
    int ret = 0;
    for (unsigned i = 0; i < NPU_SIM_DESIGNS && ret == 0; i++) {
        npu_sim_resident_close(&l->resident[i]);
        if (!text[i])
            continue;
        const char *whole = npu_sim_text_get(text[i]);
        ret = whole ? npu_sim_resident_open(&l->resident[i], whole, design_name(l, i), err)
                    : npu_fail(err, -ENOMEM, "out of memory");
    }
    return ret;
}

/* ---- Stages ---------------------------------------------------------------------------------- */

static void plan_product(struct npu_sim_loaded *l, unsigned stage, unsigned matrix,
                         struct npu_sim_text **text)
{
    struct npu_sim_product *p = &l->stage[stage].product[matrix];
    const int rows = npu_sim_tiles(npu_stage_rows(&l->program.stage[stage], l->planned));

    if (p->design == NPU_SIM_GEMM16) {
        p->shape.rows = (rows + NPU_SIM_ROWS - 1) / NPU_SIM_ROWS;
        npu_sim_compose_gemm16(text[NPU_SIM_GEMM16], &p->shape, &p->sequence);
    } else if (p->design == NPU_SIM_GEMM1) {
        p->shape.rows = rows;
        npu_sim_compose_gemm1(text[NPU_SIM_GEMM1], &p->shape, &p->sequence);
    }
}

/* A job that counts the window's objects. */
static int new_job(struct npu_core_job **job, struct npu_error *err)
{
    if (!*job)
        *job = malloc(sizeof(**job));
    return *job ? 0 : npu_fail(err, -ENOMEM, "out of memory");
}

/* GELU by itself behind the one-core product. */
static int plan_gelu(struct npu_sim_loaded *l, unsigned stage, struct npu_sim_text **text,
                     struct npu_error *err)
{
    const struct npu_stage *s = &l->program.stage[stage];
    const struct npu_integer_stage *i = &l->integer->stage[stage];
    struct npu_sim_stage *to = &l->stage[stage];
    const size_t values = (size_t)npu_stage_rows(s, l->planned) * s->n;
    const int count = (int)((values + GELU_VALUES - 1) / GELU_VALUES);

    int ret = new_job(&to->gelu_job, err);
    if (ret)
        return ret;
    npu_sim_compose_rows(text[NPU_SIM_GELU], "u", "g", count, GELU_VALUES * sizeof(int32_t),
                         GELU_VALUES * sizeof(int16_t), &to->gelu);
    npu_core_gelu_job(to->gelu_job, i->table, i->gelu_shift, count);
    return 0;
}

static int plan_norm(struct npu_sim_loaded *l, unsigned stage, struct npu_sim_text **text,
                     struct npu_error *err)
{
    const struct npu_f1_norm_args n = npu_sim_norm_args(l, stage);
    struct npu_sim_stage *to = &l->stage[stage];
    const int count = (int)(((size_t)n.m * (size_t)n.d + NORM_VALUES - 1) / NORM_VALUES);

    int ret = new_job(&to->norm_job, err);
    if (ret)
        return ret;
    npu_sim_compose_rows(text[NPU_SIM_NORM], "x", "y", count, NORM_VALUES * sizeof(int32_t),
                         NORM_VALUES * sizeof(int16_t), &to->norm);
    npu_core_norm_job(to->norm_job, &n, count);
    return 0;
}

static int plan_stage(struct npu_sim_loaded *l, unsigned stage, struct npu_sim_text **text,
                      struct npu_error *err)
{
    const struct npu_stage *s = &l->program.stage[stage];
    const struct npu_sim_stage *to = &l->stage[stage];
    const int tiles = npu_sim_tiles(l->planned);
    int ret = 0;

    for (unsigned m = 0; m < s->n_matrices; m++)
        plan_product(l, stage, m, text);
    if (s->n_matrices && to->product[0].design == NPU_SIM_GEMM1 &&
        npu_sim_result(s->op) == NPU_F1_GELU)
        ret = plan_gelu(l, stage, text, err);
    if (ret == 0 && s->norm != NPU_TENSOR_NONE && text[NPU_SIM_NORM])
        ret = plan_norm(l, stage, text, err);
    if (ret == 0 && s->op == NPU_OP_ATTENTION)
        npu_sim_compose_attention(text[NPU_SIM_ATTENTION], (int)l->program.n_heads, tiles, tiles,
                                  &l->stage[stage].attention);
    return ret;
}

int npu_sim_plan(struct npu_sim_loaded *l, unsigned positions, struct npu_error *err)
{
    struct npu_sim_text *text[NPU_SIM_DESIGNS] = {NULL};

    l->planned = positions;
    int ret = open_texts(l, text, err);
    for (unsigned i = 0; i < l->program.n_stages && ret == 0; i++)
        ret = plan_stage(l, i, text, err);
    if (ret == 0)
        ret = open_residents(l, text, err);
    for (int i = 0; i < NPU_SIM_DESIGNS; i++)
        npu_sim_text_close(&text[i]);
    if (ret)
        l->planned = 0;
    return ret;
}
