/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What depends on a window's length: sequences, and the jobs that count rows; and the contexts
 * that they need. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "npu/array/array.h"
#include "npu/log.h"

enum { GELU_VALUES = 2048, NORM_VALUES = 1024 }; /* of an object on the way in */

/* ---- Designs --------------------------------------------------------------------------------- */

const char *npu_array_design_name(const struct npu_program *program, enum npu_array_design design)
{
    static const char *const names[NPU_ARRAY_DESIGNS] = {
        [NPU_ARRAY_GEMM16] = "encoder",
        [NPU_ARRAY_GEMM1] = "gemm_s16s16",
        [NPU_ARRAY_GELU] = "gelu_2048",
        [NPU_ARRAY_ATTENTION] = "attention_4col",
    };
    if (design != NPU_ARRAY_NORM)
        return names[design];
    return program->d_model == 256   ? "layernorm_256"
           : program->d_model == 512 ? "layernorm_512"
                                     : NULL;
}

static bool needs(const struct npu_array_loaded *l, enum npu_array_design design)
{
    unsigned i = 0;

    while (i < l->n_sequences && l->sequence[i].shape.design != design)
        i++;
    return i < l->n_sequences;
}

int npu_array_connect(struct npu_array_loaded *l, struct npu_error *err)
{
    int ret = 0;

    for (int i = 0; i < NPU_ARRAY_DESIGNS && ret == 0; i++) {
        const enum npu_array_design design = (enum npu_array_design)i;
        const char *name = npu_array_design_name(&l->program, design);
        const struct npu_code code = {.kind = NPU_CODE_WORDS, .name = name, .program = name};
        if (!l->context[i] && needs(l, design))
            ret = npu_context_open(&l->context[i], l->device, &code, err);
    }
    return ret;
}

/* ---- Sequences ------------------------------------------------------------------------------- */

static int upload(struct npu_array_loaded *l, struct npu_array_sequence *s,
                  const struct npu_txn *txn, struct npu_error *err)
{
    size_t n = 0;
    const uint32_t *words = npu_txn_words(txn, &n);

    int ret = npu_memory_open(&s->words, l->device, NPU_MEMORY_CODE, n * sizeof(*words), err);
    if (ret)
        return ret;
    memcpy(npu_memory_map(s->words), words, n * sizeof(*words));
    return npu_memory_sync(s->words, NPU_TO_DEVICE, 0, n * sizeof(*words), err);
}

/* The sequence for a shape: one of those that are there, or a new one. */
static int get_sequence(struct npu_array_loaded *l, const struct npu_array_sequence **out,
                        const struct npu_array_shape *shape, struct npu_error *err)
{
    struct npu_txn *txn = NULL;
    unsigned i = 0;

    while (i < l->n_sequences && memcmp(&l->sequence[i].shape, shape, sizeof(*shape)) != 0)
        i++;
    struct npu_array_sequence *s = &l->sequence[i];
    *out = s;
    if (i < l->n_sequences)
        return 0;
    s->shape = *shape;
    npu_array_shape_bytes(shape, s->bytes);
    l->n_sequences++;
    int ret = npu_array_compose(&txn, shape, err);
    if (ret == 0)
        ret = upload(l, s, txn, err);
    npu_txn_close(&txn);
    return ret;
}

/* ---- Stages ---------------------------------------------------------------------------------- */

static int plan_product(struct npu_array_loaded *l, unsigned stage, unsigned matrix,
                        struct npu_error *err)
{
    struct npu_array_product *p = &l->stage[stage].product[matrix];
    const int rows = npu_array_tiles(npu_stage_rows(&l->program.stage[stage], l->planned));

    if (p->design == NPU_ARRAY_DESIGNS)
        return 0;
    p->shape.rows =
        p->design == NPU_ARRAY_GEMM16 ? (rows + NPU_ARRAY_ROWS - 1) / NPU_ARRAY_ROWS : rows;
    return get_sequence(l, &p->sequence, &p->shape, err);
}

/* A design of rows: `count` objects with a job before them. */
static int plan_rows(struct npu_array_loaded *l, enum npu_array_design design, int count,
                     int values, const struct npu_array_sequence **sequence,
                     struct npu_memory **job, struct npu_error *err)
{
    const struct npu_array_shape shape = {.design = design,
                                          .count = count,
                                          .in_bytes = values * (int)sizeof(int32_t),
                                          .out_bytes = values * (int)sizeof(int16_t)};
    int ret = 0;

    if (!*job)
        ret = npu_memory_open(job, l->device, NPU_MEMORY_DATA, sizeof(struct npu_core_job), err);
    return ret ? ret : get_sequence(l, sequence, &shape, err);
}

static int sync_job(struct npu_memory *job, struct npu_error *err)
{
    return npu_memory_sync(job, NPU_TO_DEVICE, 0, npu_memory_bytes(job), err);
}

/* GELU by itself after the one-core product. */
static int plan_gelu(struct npu_array_loaded *l, unsigned stage, struct npu_error *err)
{
    const struct npu_stage *s = &l->program.stage[stage];
    const struct npu_fixed_stage *i = &l->fixed->stage[stage];
    struct npu_array_stage *to = &l->stage[stage];
    const size_t values = (size_t)npu_stage_rows(s, l->planned) * s->n;
    const int count = (int)((values + GELU_VALUES - 1) / GELU_VALUES);

    int ret = plan_rows(l, NPU_ARRAY_GELU, count, GELU_VALUES, &to->gelu, &to->gelu_job, err);
    if (ret)
        return ret;
    npu_array_gelu_job(npu_memory_map(to->gelu_job), i->table, i->gelu_shift, count);
    return sync_job(to->gelu_job, err);
}

static int plan_norm(struct npu_array_loaded *l, unsigned stage, struct npu_error *err)
{
    const struct npu_fixed_norm_args n = npu_fixed_norm_of(l->fixed, stage, l->planned);
    struct npu_array_stage *to = &l->stage[stage];
    const int count = (int)(((size_t)n.m * (size_t)n.d + NORM_VALUES - 1) / NORM_VALUES);

    int ret = plan_rows(l, NPU_ARRAY_NORM, count, NORM_VALUES, &to->norm, &to->norm_job, err);
    if (ret)
        return ret;
    npu_array_norm_job(npu_memory_map(to->norm_job), &n, count);
    return sync_job(to->norm_job, err);
}

static int plan_attention(struct npu_array_loaded *l, unsigned stage, struct npu_error *err)
{
    const int tiles = npu_array_tiles(l->planned);
    const struct npu_array_shape shape = {.design = NPU_ARRAY_ATTENTION,
                                          .heads = (int)l->program.n_heads,
                                          .tiles = tiles,
                                          .blocks = tiles};
    return get_sequence(l, &l->stage[stage].attention, &shape, err);
}

static int plan_stage(struct npu_array_loaded *l, unsigned stage, struct npu_error *err)
{
    const struct npu_stage *s = &l->program.stage[stage];
    const struct npu_array_stage *to = &l->stage[stage];
    int ret = 0;

    for (unsigned m = 0; m < s->n_matrices && ret == 0; m++)
        ret = plan_product(l, stage, m, err);
    if (ret == 0 && s->n_matrices && to->product[0].design == NPU_ARRAY_GEMM1 &&
        npu_array_gemm_args(l, stage, 0).result == NPU_FIXED_GELU)
        ret = plan_gelu(l, stage, err);
    if (ret == 0 && s->norm != NPU_TENSOR_NONE &&
        npu_array_design_name(&l->program, NPU_ARRAY_NORM))
        ret = plan_norm(l, stage, err);
    if (ret == 0 && s->kind == NPU_KIND_ATTENTION)
        ret = plan_attention(l, stage, err);
    return ret;
}

void npu_array_unplan(struct npu_array_loaded *l)
{
    for (unsigned i = 0; i < l->n_sequences; i++)
        npu_memory_close(&l->sequence[i].words);
    l->n_sequences = 0;
    l->planned = 0;
}

int npu_array_plan(struct npu_array_loaded *l, unsigned positions, struct npu_error *err)
{
    int ret = 0;

    npu_array_unplan(l);
    l->planned = positions;
    for (unsigned i = 0; i < l->program.n_stages && ret == 0; i++)
        ret = plan_stage(l, i, err);
    if (ret)
        npu_array_unplan(l);
    return ret;
}
