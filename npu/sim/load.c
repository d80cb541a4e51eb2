/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What does not depend on a window's length: which design computes what, and packed weights; and
 * the working memory of the longest window. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "npu/log.h"
#include "npu/sim/encoder.h"

enum { MOST_REPEATS = 64 }; /* of a transfer, outermost */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* ---- Operations as kernels.h states them ------------------------------------------------------ */

enum npu_f1_result npu_sim_result(enum npu_op op)
{
    static const enum npu_f1_result results[NPU_OP_COUNT] = {
        [NPU_OP_CONV1] = NPU_F1_GELU,    [NPU_OP_CONV2] = NPU_F1_STEM,
        [NPU_OP_NORM_QKV] = NPU_F1_S16,  [NPU_OP_OUT] = NPU_F1_RESIDUAL,
        [NPU_OP_NORM_FC1] = NPU_F1_GELU, [NPU_OP_FC2] = NPU_F1_RESIDUAL,
    };
    return results[op];
}

struct npu_f1_gemm_args npu_sim_gemm_args(const struct npu_sim_loaded *l, unsigned stage,
                                          unsigned matrix)
{
    const struct npu_stage *s = &l->program.stage[stage];
    const struct npu_integer_stage *i = &l->integer->stage[stage];
    const struct npu_integer_matrix *w = &i->matrix[matrix];

    return (struct npu_f1_gemm_args){.w = w->w,
                                     .bias = w->bias,
                                     .mult = w->mult,
                                     .shift = w->shift,
                                     .table = i->table,
                                     .pos = l->integer->positions,
                                     .ldw = s->k,
                                     .ldc = s->n,
                                     .ldp = l->program.d_model,
                                     .m = (int)npu_stage_rows(s, l->planned),
                                     .n = (int)s->n,
                                     .k = (int)s->k,
                                     .acc_shift = w->acc_shift,
                                     .gelu_shift = i->gelu_shift,
                                     .result = npu_sim_result(s->op)};
}

struct npu_f1_norm_args npu_sim_norm_args(const struct npu_sim_loaded *l, unsigned stage)
{
    const struct npu_integer_stage *i = &l->integer->stage[stage];
    const ptrdiff_t d = l->program.d_model;
    const bool last = l->program.stage[stage].op == NPU_OP_NORM;

    return (struct npu_f1_norm_args){.y = l->rows,
                                     .x = l->residual,
                                     .mult = last ? NULL : i->norm_mult,
                                     .ldy = d,
                                     .ldx = d,
                                     .m = (int)l->planned,
                                     .d = (int)d,
                                     .shift = last ? l->integer->feature_bits : i->norm_shift,
                                     .inv_d = l->integer->inv_d,
                                     .eps = l->integer->eps,
                                     .sqrt_d = l->integer->sqrt_d};
}

/* ---- Weights --------------------------------------------------------------------------------- */

/* The sums of the 16 cores have 32 bits; the one core has 64, but no positions. */
static enum npu_sim_design choose_design(const struct npu_integer_matrix *w,
                                         const struct npu_f1_gemm_args *g)
{
    if (w->bits == 8 && w->acc_shift == 0)
        return NPU_SIM_GEMM16;
    if (g->result == NPU_F1_STEM || npu_sim_tiles((unsigned)g->n) > MOST_REPEATS)
        return NPU_SIM_DESIGNS;
    return NPU_SIM_GEMM1;
}

/* But for the rows. */
static struct npu_sim_gemm_shape shape_of(const struct npu_f1_gemm_args *g,
                                          enum npu_sim_design design)
{
    const bool many = design == NPU_SIM_GEMM16;
    const enum npu_core_product product = many ? NPU_CORE_S16S8 : NPU_CORE_S16S16;
    const int columns = npu_sim_tiles((unsigned)g->n);

    return (struct npu_sim_gemm_shape){
        .jobs = many ? (columns + NPU_SIM_COLUMNS - 1) / NPU_SIM_COLUMNS : columns,
        .a_objects = npu_core_a_objects(product, g->k),
        .b_objects = npu_core_b_objects(product, g->k),
        .c_objects = npu_core_c_objects(g->result),
        .operands = many && npu_core_has_operands(g->result),
    };
}

/* As s16 (transfer full), or NULL: out of memory. */
static int16_t *widen(const int8_t *w, size_t n)
{
    int16_t *wide = malloc(n * sizeof(*wide));
    for (size_t i = 0; wide && i < n; i++)
        wide[i] = w[i];
    return wide;
}

/* Weights and jobs as the design takes them, column by column of the array. */
static int pack_weights(struct npu_sim_loaded *l, struct npu_sim_product *p,
                        const struct npu_f1_gemm_args *g, struct npu_error *err)
{
    const bool many = p->design == NPU_SIM_GEMM16;
    const enum npu_core_product product = many ? NPU_CORE_S16S8 : NPU_CORE_S16S16;
    const int columns = many ? NPU_SIM_COLUMNS : 1;
    const size_t bytes =
        (size_t)(columns * p->shape.jobs * (1 + p->shape.b_objects)) * NPU_CORE_OBJECT;

    p->b = malloc(bytes);
    if (!p->b)
        return npu_fail(err, -ENOMEM, "out of memory for %zu bytes of weights", bytes);
    l->base.weight_bytes += bytes;
    uint8_t *to = p->b;
    for (int column = 0; column < columns; column++)
        for (int j = 0; j < p->shape.jobs; j++)
            to = npu_core_pack_b(to, g, product, columns * j + column, columns);
    return 0;
}

static int load_product(struct npu_sim_loaded *l, unsigned stage, unsigned matrix,
                        struct npu_error *err)
{
    struct npu_sim_product *p = &l->stage[stage].product[matrix];
    const struct npu_integer_matrix *w = &l->integer->stage[stage].matrix[matrix];
    struct npu_f1_gemm_args g = npu_sim_gemm_args(l, stage, matrix);
    int16_t *wide = NULL;

    p->design = choose_design(w, &g);
    if (p->design == NPU_SIM_DESIGNS)
        return 0;
    if (p->design == NPU_SIM_GEMM1 && g.result != NPU_F1_S16)
        g.result = NPU_F1_S32;
    if (p->design == NPU_SIM_GEMM1 && w->bits == 8) {
        wide = widen(w->w, (size_t)g.n * (size_t)g.k);
        if (!wide)
            return npu_fail(err, -ENOMEM, "out of memory");
        g.w = wide;
    }
    p->shape = shape_of(&g, p->design);
    int ret = pack_weights(l, p, &g, err);
    free(wide);
    return ret;
}

static int load_weights(struct npu_sim_loaded *l, struct npu_error *err)
{
    int ret = 0;
    for (unsigned i = 0; i < l->program.n_stages; i++)
        for (unsigned m = 0; m < l->program.stage[i].n_matrices && ret == 0; m++)
            ret = load_product(l, i, m, err);
    return ret;
}

/* ---- Working memory -------------------------------------------------------------------------- */

/* Bytes of the streams and of what a design reads or writes where it is, by the plan. */
struct room {
    size_t in, kv, out, u, x, y;
};

static struct room find_room(const struct npu_sim_loaded *l)
{
    const size_t values = (size_t)l->positions * l->program.d_model;
    struct room r = {.x = values * sizeof(int32_t), .y = values * sizeof(int16_t)};

    for (unsigned i = 0; i < l->program.n_stages; i++) {
        const struct npu_stage *s = &l->program.stage[i];
        const struct npu_sim_stage *st = &l->stage[i];
        for (unsigned m = 0; m < s->n_matrices; m++) {
            const struct npu_sim_product *p = &st->product[m];
            r.in = larger(r.in, p->sequence.bytes[0]);
            r.out = larger(r.out, p->sequence.bytes[2]);
            if (p->design == NPU_SIM_GEMM1)
                r.u = larger(r.u, (size_t)npu_stage_rows(s, l->positions) * s->n * sizeof(*l->u));
        }
        r.u = larger(r.u, st->gelu.bytes[0]);
        r.out = larger(r.out, st->gelu.bytes[2]);
        r.x = larger(r.x, st->norm.bytes[0]);
        r.y = larger(r.y, st->norm.bytes[2]);
        r.in = larger(r.in, st->attention.bytes[0]);
        r.kv = larger(r.kv, st->attention.bytes[1]);
        r.out = larger(r.out, st->attention.bytes[2]);
    }
    return r;
}

/* Hand out `bytes` of the block, 64-byte aligned; base NULL: only count. */
static void *carve(char *base, size_t *used, size_t bytes)
{
    char *at = base ? base + *used : NULL;
    *used += (bytes + 63) / 64 * 64;
    return at;
}

static size_t lay_out(struct npu_sim_loaded *l, char *base)
{
    const struct npu_program *p = &l->program;
    const struct room room = find_room(l);
    const size_t rows = (size_t)l->positions * p->d_model * sizeof(int16_t);
    const size_t framed = 2 * (size_t)l->positions + 2;
    size_t used = 0;

    l->mel = carve(base, &used, framed * p->n_mels * sizeof(*l->mel));
    l->residual = carve(base, &used, room.x);
    l->stem = carve(base, &used, (framed - 1) * p->d_model * sizeof(*l->stem));
    l->rows = carve(base, &used, room.y);
    l->q = carve(base, &used, rows);
    l->k = carve(base, &used, rows);
    l->v = carve(base, &used, rows);
    l->mixed = carve(base, &used, rows);
    l->ffn = carve(base, &used, (size_t)l->positions * p->d_ffn * sizeof(*l->ffn));
    l->u = carve(base, &used, room.u);
    l->in = carve(base, &used, room.in);
    l->kv = carve(base, &used, room.kv);
    l->out = carve(base, &used, room.out);
    return used;
}

static int alloc_work(struct npu_sim_loaded *l, struct npu_error *err)
{
    size_t bytes = lay_out(l, NULL);

    l->work = aligned_alloc(64, bytes);
    if (!l->work)
        return npu_fail(err, -ENOMEM, "out of memory for %zu MiB of activations", bytes >> 20);
    memset(l->work, 0, bytes);
    l->base.scratch_bytes = bytes;
    lay_out(l, l->work);
    return 0;
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static int load(struct npu_sim_loaded *l, const struct npu_model *model, struct npu_error *err)
{
    l->stage = calloc(l->program.n_stages, sizeof(*l->stage));
    if (!l->stage)
        return npu_fail(err, -ENOMEM, "out of memory");
    int ret = npu_integer_open(&l->integer, &l->program, model, err);
    if (ret)
        return ret;
    npu_integer_log_proofs(l->integer);
    l->base.weight_bytes = l->integer->bytes;
    ret = load_weights(l, err);
    if (ret == 0)
        ret = npu_sim_plan(l, l->positions, err);
    if (ret == 0)
        ret = alloc_work(l, err);
    return ret;
}

int npu_sim_load(struct npu_loaded **out, struct npu_device *device,
                 const struct npu_program *program, enum npu_profile profile, unsigned positions,
                 const struct npu_model *model, struct npu_error *err)
{
    if (profile != NPU_PROFILE_NPU)
        return npu_fail(err, -ENOTSUP, "device sim computes profile npu only");
    struct npu_sim_loaded *l = calloc(1, sizeof(*l));
    if (!l)
        return npu_fail(err, -ENOMEM, "out of memory");
    l->base.backend = device->backend;
    l->program = *program;
    l->positions = positions;
    npu_kernels_choose(&l->kernels, NULL);
    int ret = load(l, model, err);
    if (ret) {
        npu_sim_unload(&l->base);
        return ret;
    }
    *out = &l->base;
    return 0;
}

void npu_sim_unload(struct npu_loaded *loaded)
{
    struct npu_sim_loaded *l = (struct npu_sim_loaded *)loaded;

    for (int i = 0; i < NPU_SIM_DESIGNS; i++)
        npu_sim_resident_close(&l->resident[i]);
    for (unsigned i = 0; l->stage && i < l->program.n_stages; i++) {
        for (unsigned m = 0; m < NPU_STAGE_MATRICES; m++)
            free(l->stage[i].product[m].b);
        free(l->stage[i].gelu_job);
        free(l->stage[i].norm_job);
    }
    free(l->stage);
    npu_integer_close(&l->integer);
    free(l->work);
    free(l);
}
