/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A window in profile npu: launches of designs, and what the host does between them. */
#include <errno.h>
#include <string.h>

#include "npu/array/array.h"
#include "npu/clock.h"
#include "npu/log.h"

enum { OBJECT = NPU_ARRAY_OBJECT, TILE = NPU_ARRAY_TILE };

/* A stage of a window. */
struct job {
    struct npu_array_loaded *l;
    struct npu_run *run;
    unsigned index; /* of the stage */
    const struct npu_stage *s;
    const struct npu_array_stage *w;
    const struct npu_fixed_stage *fixed;
};

/* Run a sequence on work `in`, what the device has already as `second`, and work `out`. */
static int launch(const struct job *job, const struct npu_array_sequence *sequence,
                  enum npu_array_work in, struct npu_memory *second, enum npu_array_work out)
{
    struct npu_array_loaded *l = job->l;
    struct npu_error *err = job->run->err;
    struct npu_context **context = &l->context[sequence->shape.design];
    const struct npu_launch launch = {
        .span = {{l->work[in], 0, sequence->bytes[0]},
                 {second, 0, sequence->bytes[1]},
                 {l->work[out], 0, sequence->bytes[2]}},
        .n_spans = NPU_ARRAY_BUFFERS,
        .words = {sequence->words, 0, npu_memory_bytes(sequence->words)},
        .n_tiles = 1,
        .deadline_ns = l->device->backend->launch->deadline_ns,
        .cancel = job->run->cancel,
    };
    uint64_t ticket = 0, run_ns, modelled_ns;

    int ret = npu_memory_sync(l->work[in], NPU_TO_DEVICE, 0, sequence->bytes[0], err);
    if (ret == 0)
        ret = npu_launch_submit(*context, &launch, &ticket, err);
    if (ret)
        return ret;
    ret = npu_launch_wait(*context, ticket, NPU_TIMEOUT_NONE, err);
    npu_launch_get_times(*context, ticket, &run_ns, &modelled_ns);
    job->run->op_modelled_ns[job->s->op] += modelled_ns;
    if (ret == -ETIMEDOUT) /* late: the context is lost */
        npu_context_close(context, 0);
    return ret ? ret : npu_memory_sync(l->work[out], NPU_FROM_DEVICE, 0, sequence->bytes[2], err);
}

static void *host_side(const struct job *job, enum npu_array_work work)
{
    return npu_memory_map(job->l->work[work]);
}

/* ---- Products -------------------------------------------------------------------------------- */

/* With operands, the activations stand before those of every job. */
static void pack_gemm16(uint8_t *to, const struct npu_fixed_gemm_args *g,
                        const struct npu_array_shape *shape)
{
    for (int row = 0; row < shape->rows * NPU_ARRAY_ROWS; row++) {
        const uint8_t *tile = to;
        size_t bytes = (size_t)shape->a_objects * OBJECT;
        to = npu_array_pack_a(to, g, NPU_ARRAY_S16S8, row);
        for (int j = 0; shape->operands && j < shape->jobs; j++) {
            if (j > 0) {
                memcpy(to, tile, bytes);
                to += bytes;
            }
            for (int i = 0; i < NPU_ARRAY_COLUMNS; i++)
                to = npu_array_pack_operands(to, g, row, NPU_ARRAY_COLUMNS * j + i);
        }
    }
}

static int gemm16(const struct job *job, const struct npu_array_product *p,
                  const struct npu_fixed_gemm_args *g)
{
    const struct npu_array_shape *shape = &p->shape;
    const uint8_t *from = host_side(job, NPU_ARRAY_OUT);

    pack_gemm16(host_side(job, NPU_ARRAY_IN), g, shape);
    int ret = launch(job, p->sequence, NPU_ARRAY_IN, p->b, NPU_ARRAY_OUT);
    if (ret)
        return ret;
    for (int group = 0; group < shape->rows; group++)
        for (int column = 0; column < NPU_ARRAY_COLUMNS; column++)
            for (int j = 0; j < shape->jobs; j++)
                for (int part = 0; part < shape->c_objects; part++)
                    for (int row = 0; row < NPU_ARRAY_ROWS; row++)
                        from = npu_array_unpack_c(g, from, group * NPU_ARRAY_ROWS + row,
                                                  NPU_ARRAY_COLUMNS * j + column, part);
    return 0;
}

static int gemm1(const struct job *job, const struct npu_array_product *p,
                 const struct npu_fixed_gemm_args *g)
{
    const struct npu_array_shape *shape = &p->shape;
    const uint8_t *from = host_side(job, NPU_ARRAY_OUT);
    uint8_t *to = host_side(job, NPU_ARRAY_IN);

    for (int row = 0; row < shape->rows; row++)
        to = npu_array_pack_a(to, g, NPU_ARRAY_S16S16, row);
    int ret = launch(job, p->sequence, NPU_ARRAY_IN, p->b, NPU_ARRAY_OUT);
    if (ret)
        return ret;
    for (int row = 0; row < shape->rows; row++)
        for (int j = 0; j < shape->jobs; j++)
            for (int part = 0; part < shape->c_objects; part++)
                from = npu_array_unpack_c(g, from, row, j, part);
    return 0;
}

/* The one-core design ends at s16 or s32; GELU has a design of its own, the host adds. */
static int gemm1_then(const struct job *job, const struct npu_array_product *p,
                      const struct npu_fixed_gemm_args *g)
{
    struct npu_fixed_gemm_args sums = *g;
    const size_t n = (size_t)g->m * (size_t)g->n;

    if (g->result == NPU_FIXED_S16)
        return gemm1(job, p, g);
    sums.result = NPU_FIXED_S32;
    sums.c = job->l->u;
    int ret = gemm1(job, p, &sums);
    if (ret)
        return ret;
    if (g->result == NPU_FIXED_RESIDUAL) {
        for (size_t i = 0; i < n; i++)
            ((int32_t *)g->c)[i] += job->l->u[i];
        return 0;
    }
    ret = launch(job, job->w->gelu, NPU_ARRAY_U, job->w->gelu_job, NPU_ARRAY_OUT);
    if (ret == 0)
        memcpy(g->c, host_side(job, NPU_ARRAY_OUT), n * sizeof(int16_t));
    return ret;
}

/* The rows of `a` through a matrix of the stage, into its buffer. */
static int gemm(const struct job *job, unsigned matrix, const int16_t *a)
{
    const struct npu_array_product *p = &job->w->product[matrix];
    struct npu_fixed_gemm_args g = npu_array_gemm_args(job->l, job->index, matrix);

    g.c = job->l->buffer[job->s->out + matrix];
    g.a = a;
    if (p->design == NPU_ARRAY_GEMM16)
        return gemm16(job, p, &g);
    if (p->design == NPU_ARRAY_GEMM1)
        return gemm1_then(job, p, &g);
    (job->fixed->matrix[matrix].bits == 8 ? job->l->kernels.fixed.gemm_s16s8
                                          : job->l->kernels.fixed.gemm_s16s16)(&g);
    return 0;
}

/* ---- Stages ---------------------------------------------------------------------------------- */

/* The residual stream, normalised, into `rows`. */
static int norm(const struct job *job)
{
    struct npu_array_loaded *l = job->l;

    if (job->w->norm_job)
        return launch(job, job->w->norm, NPU_ARRAY_RESIDUAL, job->w->norm_job, NPU_ARRAY_NORMED);
    struct npu_fixed_norm_args args = npu_fixed_norm_of(l->fixed, job->index, l->planned);
    args.y = l->rows;
    args.x = (const int32_t *)l->buffer[job->s->in];
    npu_fixed_norm_s32s16_ref(&args);
    return 0;
}

/* The window's mel in integers, zeros after it: a longer window left its own there. */
static void quantise_mel(const struct job *job)
{
    struct npu_array_loaded *l = job->l;
    const struct npu_buffer_shape *b = &l->program.buffer[NPU_BUFFER_MEL];
    const size_t n = npu_buffer_values(b, l->planned);
    int16_t *mel = (int16_t *)l->buffer[NPU_BUFFER_MEL];

    npu_fixed_quantise_mel(mel, job->run->mel, n);
    memset(mel + n, 0, b->before * b->columns * sizeof(*mel));
}

static int product(const struct job *job)
{
    const struct npu_array_loaded *l = job->l;
    const int16_t *a = l->rows;
    int ret = 0;

    if (job->s->in == NPU_BUFFER_MEL)
        quantise_mel(job);
    if (job->s->norm != NPU_TENSOR_NONE)
        ret = norm(job);
    else
        a = (const int16_t *)l->buffer[job->s->in] + npu_stage_at(job->s, 0);
    for (unsigned i = 0; i < job->s->n_matrices && ret == 0; i++)
        ret = gemm(job, i, a);
    return ret;
}

static struct npu_fixed_attention_args head_args(const struct job *job, unsigned head)
{
    const struct npu_array_loaded *l = job->l;
    const size_t at = (size_t)head * TILE;
    struct npu_fixed_attention_args args =
        npu_fixed_attention_of(l->fixed, job->index, l->planned, l->planned);

    args.out = (int16_t *)l->buffer[job->s->out] + at;
    args.q = (const int16_t *)l->buffer[job->s->in] + at;
    args.k = (const int16_t *)l->buffer[job->s->in + 1] + at;
    args.v = (const int16_t *)l->buffer[job->s->in + 2] + at;
    return args;
}

static int attention(const struct job *job)
{
    struct npu_array_loaded *l = job->l;
    uint8_t *q = host_side(job, NPU_ARRAY_IN), *kv = host_side(job, NPU_ARRAY_KV);
    const uint8_t *o = host_side(job, NPU_ARRAY_OUT);

    for (unsigned head = 0; head < l->program.n_heads; head++) {
        const struct npu_fixed_attention_args a = head_args(job, head);
        q = npu_array_pack_q(q, &a);
        kv = npu_array_pack_kv(kv, &a, a.n);
    }
    int ret = npu_memory_sync(l->work[NPU_ARRAY_KV], NPU_TO_DEVICE, 0, job->w->attention->bytes[1],
                              job->run->err);
    if (ret == 0)
        ret = launch(job, job->w->attention, NPU_ARRAY_IN, l->work[NPU_ARRAY_KV], NPU_ARRAY_OUT);
    for (unsigned head = 0; head < l->program.n_heads && ret == 0; head++) {
        const struct npu_fixed_attention_args a = head_args(job, head);
        o = npu_array_unpack_o(&a, o);
    }
    return ret;
}

static int final_norm(const struct job *job)
{
    int ret = norm(job);
    if (ret == 0)
        npu_fixed_features(job->l->fixed, job->run->features, job->l->rows, job->l->planned);
    return ret;
}

static int (*const stage_fns[NPU_KIND_COUNT])(const struct job *job) = {
    [NPU_KIND_PRODUCT] = product,
    [NPU_KIND_ATTENTION] = attention,
    [NPU_KIND_NORM] = final_norm,
};

int npu_array_run(struct npu_loaded *loaded, struct npu_run *run)
{
    struct npu_array_loaded *l = (struct npu_array_loaded *)loaded;
    uint64_t start = npu_now_ns();

    int ret = 0;

    memset(run->op_ns, 0, sizeof(run->op_ns));
    memset(run->op_modelled_ns, 0, sizeof(run->op_modelled_ns));
    if (l->planned != run->positions)
        ret = npu_array_plan(l, run->positions, run->err);
    if (ret == 0)
        ret = npu_array_connect(l, run->err);
    for (unsigned i = 0; ret == 0 && i < l->program.n_stages; i++) {
        const struct npu_stage *s = &l->program.stage[i];
        const struct job job = {.l = l,
                                .run = run,
                                .index = i,
                                .s = s,
                                .w = &l->stage[i],
                                .fixed = &l->fixed->stage[i]};
        ret = stage_fns[s->kind](&job);
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
