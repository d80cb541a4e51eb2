/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A window in profile npu: launches of designs, and what the host does between them. */
#include <errno.h>
#include <string.h>

#include "npu/clock.h"
#include "npu/log.h"
#include "npu/sim/encoder.h"

enum { OBJECT = NPU_CORE_OBJECT, TILE = NPU_CORE_TILE };

/* A stage of a window. */
struct job {
    struct npu_sim_loaded *l;
    struct npu_run *run;
    unsigned index; /* of the stage */
    const struct npu_stage *s;
    const struct npu_sim_stage *w;
    const struct npu_integer_stage *i;
};

static int launch(const struct job *job, enum npu_sim_design design,
                  const struct npu_sim_sequence *sequence, void *in, void *second, void *out)
{
    void *const data[NPU_SIM_BUFFERS] = {in, second, out};
    struct npu_sim_buffer buffers[NPU_SIM_BUFFERS];
    uint64_t modelled_ns = 0;

    for (int i = 0; i < NPU_SIM_BUFFERS; i++)
        buffers[i] = (struct npu_sim_buffer){data[i], sequence->bytes[i]};
    int ret =
        npu_sim_resident_launch(job->l->resident[design], sequence->name, buffers, NPU_SIM_BUFFERS,
                                job->run->cancel, &modelled_ns, job->run->err);
    job->run->op_modelled_ns[job->s->op] += modelled_ns;
    return ret;
}

/* ---- Products -------------------------------------------------------------------------------- */

/* With operands, the activations stand before those of every job. */
static void pack_gemm16(uint8_t *to, const struct npu_f1_gemm_args *g,
                        const struct npu_sim_gemm_shape *shape)
{
    for (int row = 0; row < shape->rows * NPU_SIM_ROWS; row++) {
        const uint8_t *tile = to;
        size_t bytes = (size_t)shape->a_objects * OBJECT;
        to = npu_core_pack_a(to, g, NPU_CORE_S16S8, row);
        for (int j = 0; shape->operands && j < shape->jobs; j++) {
            if (j > 0) {
                memcpy(to, tile, bytes);
                to += bytes;
            }
            for (int i = 0; i < NPU_SIM_COLUMNS; i++)
                to = npu_core_pack_operands(to, g, row, NPU_SIM_COLUMNS * j + i);
        }
    }
}

static int gemm16(const struct job *job, const struct npu_sim_product *p,
                  const struct npu_f1_gemm_args *g)
{
    const struct npu_sim_gemm_shape *shape = &p->shape;
    const uint8_t *from = job->l->out;

    pack_gemm16(job->l->in, g, shape);
    int ret = launch(job, NPU_SIM_GEMM16, &p->sequence, job->l->in, p->b, job->l->out);
    if (ret)
        return ret;
    for (int group = 0; group < shape->rows; group++)
        for (int column = 0; column < NPU_SIM_COLUMNS; column++)
            for (int j = 0; j < shape->jobs; j++)
                for (int part = 0; part < shape->c_objects; part++)
                    for (int row = 0; row < NPU_SIM_ROWS; row++)
                        from = npu_core_unpack_c(g, from, group * NPU_SIM_ROWS + row,
                                                 NPU_SIM_COLUMNS * j + column, part);
    return 0;
}

static int gemm1(const struct job *job, const struct npu_sim_product *p,
                 const struct npu_f1_gemm_args *g)
{
    const struct npu_sim_gemm_shape *shape = &p->shape;
    const uint8_t *from = job->l->out;
    uint8_t *to = job->l->in;

    for (int row = 0; row < shape->rows; row++)
        to = npu_core_pack_a(to, g, NPU_CORE_S16S16, row);
    int ret = launch(job, NPU_SIM_GEMM1, &p->sequence, job->l->in, p->b, job->l->out);
    if (ret)
        return ret;
    for (int row = 0; row < shape->rows; row++)
        for (int j = 0; j < shape->jobs; j++)
            for (int part = 0; part < shape->c_objects; part++)
                from = npu_core_unpack_c(g, from, row, j, part);
    return 0;
}

/* The one-core design ends at s16 or s32; GELU has a design of its own, the host adds. */
static int gemm1_then(const struct job *job, const struct npu_sim_product *p,
                      const struct npu_f1_gemm_args *g)
{
    struct npu_f1_gemm_args sums = *g;
    const size_t n = (size_t)g->m * (size_t)g->n;

    if (g->result == NPU_F1_S16)
        return gemm1(job, p, g);
    sums.result = NPU_F1_S32;
    sums.c = job->l->u;
    int ret = gemm1(job, p, &sums);
    if (ret)
        return ret;
    if (g->result == NPU_F1_RESIDUAL) {
        for (size_t i = 0; i < n; i++)
            ((int32_t *)g->c)[i] += job->l->u[i];
        return 0;
    }
    ret = launch(job, NPU_SIM_GELU, &job->w->gelu, job->l->u, job->w->gelu_job, job->l->out);
    if (ret == 0)
        memcpy(g->c, job->l->out, n * sizeof(int16_t));
    return ret;
}

/* m rows of `a` (stride lda) through a matrix of the stage. */
static int gemm(const struct job *job, unsigned matrix, void *c, const int16_t *a, size_t lda)
{
    const struct npu_sim_product *p = &job->w->product[matrix];
    struct npu_f1_gemm_args g = npu_sim_gemm_args(job->l, job->index, matrix);

    g.c = c;
    g.a = a;
    g.lda = (ptrdiff_t)lda;
    if (p->design == NPU_SIM_GEMM16)
        return gemm16(job, p, &g);
    if (p->design == NPU_SIM_GEMM1)
        return gemm1_then(job, p, &g);
    (job->i->matrix[matrix].bits == 8 ? job->l->kernels.f1.gemm_s16s8
                                      : job->l->kernels.f1.gemm_s16s16)(&g);
    return 0;
}

/* ---- Stages ---------------------------------------------------------------------------------- */

/* The residual stream, normalised, into `rows`. */
static int norm(const struct job *job)
{
    struct npu_sim_loaded *l = job->l;

    if (job->w->norm_job)
        return launch(job, NPU_SIM_NORM, &job->w->norm, l->residual, job->w->norm_job, l->rows);
    const struct npu_f1_norm_args args = npu_sim_norm_args(l, job->index);
    npu_f1_norm_s32s16_ref(&args);
    return 0;
}

static int conv1(const struct job *job)
{
    struct npu_sim_loaded *l = job->l;
    const struct npu_program *p = &l->program;

    npu_integer_quantise_mel(l->mel, job->run->mel, (2 * (size_t)l->planned + 2) * p->n_mels);
    return gemm(job, 0, l->stem + p->d_model, l->mel, p->n_mels);
}

static int conv2(const struct job *job)
{
    return gemm(job, 0, job->l->residual, job->l->stem, 2 * (size_t)job->l->program.d_model);
}

static int norm_qkv(const struct job *job)
{
    struct npu_sim_loaded *l = job->l;
    int16_t *const to[] = {l->q, l->k, l->v};

    int ret = norm(job);
    for (unsigned i = 0; i < 3 && ret == 0; i++)
        ret = gemm(job, i, to[i], l->rows, l->program.d_model);
    return ret;
}

static struct npu_f1_attention_args head_args(const struct job *job, unsigned head)
{
    struct npu_sim_loaded *l = job->l;
    const ptrdiff_t d = l->program.d_model, at = (ptrdiff_t)head * TILE;

    return (struct npu_f1_attention_args){.out = l->mixed + at,
                                          .q = l->q + at,
                                          .k = l->k + at,
                                          .v = l->v + at,
                                          .exp = l->integer->exp,
                                          .ldo = d,
                                          .ldq = d,
                                          .ldk = d,
                                          .ldv = d,
                                          .m = (int)l->planned,
                                          .n = (int)l->planned,
                                          .qk_shift = job->i->qk_shift};
}

static int attention(const struct job *job)
{
    struct npu_sim_loaded *l = job->l;
    uint8_t *q = l->in, *kv = l->kv;
    const uint8_t *o = l->out;

    for (unsigned head = 0; head < l->program.n_heads; head++) {
        const struct npu_f1_attention_args a = head_args(job, head);
        q = npu_core_pack_q(q, &a);
        kv = npu_core_pack_kv(kv, &a, a.n);
    }
    int ret = launch(job, NPU_SIM_ATTENTION, &job->w->attention, l->in, l->kv, l->out);
    for (unsigned head = 0; head < l->program.n_heads && ret == 0; head++) {
        const struct npu_f1_attention_args a = head_args(job, head);
        o = npu_core_unpack_o(&a, o);
    }
    return ret;
}

static int out(const struct job *job)
{
    return gemm(job, 0, job->l->residual, job->l->mixed, job->s->k);
}

static int norm_fc1(const struct job *job)
{
    int ret = norm(job);
    return ret ? ret : gemm(job, 0, job->l->ffn, job->l->rows, job->s->k);
}

static int fc2(const struct job *job)
{
    return gemm(job, 0, job->l->residual, job->l->ffn, job->s->k);
}

/* The only floats: z 2^-feature_bits gamma + beta, the product rounded before the sum. */
static int final_norm(const struct job *job)
{
    const struct npu_integer *integer = job->l->integer;
    const size_t d = job->l->program.d_model, n = job->l->planned * d;
    const float unit = 1.0f / (float)(1 << integer->feature_bits);

    int ret = norm(job);
    for (size_t i = 0; i < n && ret == 0; i++)
        job->run->features[i] =
            (float)job->l->rows[i] * unit * integer->gamma[i % d] + integer->beta[i % d];
    return ret;
}

static int (*const stage_fns[NPU_OP_COUNT])(const struct job *job) = {
    [NPU_OP_CONV1] = conv1,       [NPU_OP_CONV2] = conv2,
    [NPU_OP_NORM_QKV] = norm_qkv, [NPU_OP_ATTENTION] = attention,
    [NPU_OP_OUT] = out,           [NPU_OP_NORM_FC1] = norm_fc1,
    [NPU_OP_FC2] = fc2,           [NPU_OP_NORM] = final_norm,
};

int npu_sim_run(struct npu_loaded *loaded, struct npu_run *run)
{
    struct npu_sim_loaded *l = (struct npu_sim_loaded *)loaded;
    uint64_t start = npu_now_ns();

    int ret = 0;

    memset(run->op_ns, 0, sizeof(run->op_ns));
    memset(run->op_modelled_ns, 0, sizeof(run->op_modelled_ns));
    if (l->planned != run->positions)
        ret = npu_sim_plan(l, run->positions, run->err);
    for (unsigned i = 0; ret == 0 && i < l->program.n_stages; i++) {
        const struct npu_stage *s = &l->program.stage[i];
        const struct job job = {
            .l = l, .run = run, .index = i, .s = s, .w = &l->stage[i], .i = &l->integer->stage[i]};
        ret = stage_fns[s->op](&job);
        if (ret) /* -ECANCELED, too: every launch looks */
            break;
        if (run->after)
            run->after(run->user, i);
        uint64_t end = npu_now_ns();
        run->op_ns[s->op] += end - start;
        start = end;
    }
    /* The sentence is in run->err. */
    return ret == 0 || ret == -ECANCELED || ret == -ENOMEM ? ret : -EIO;
}
