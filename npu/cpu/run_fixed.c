/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stages in profile npu: the operations an AIE2 core does, exactly. */
#include <string.h>

#include "npu/cpu/cpu.h"

/* m rows of `a` (stride lda) through a matrix of the stage; the rest is in `more`. */
static void gemm(const struct npu_cpu_job *job, unsigned matrix, void *c, const int16_t *a,
                 size_t lda, unsigned m, struct npu_fixed_gemm_args more)
{
    const struct npu_fixed_matrix *w = &job->fixed->matrix[matrix];
    const struct npu_fixed_kernels *kernels = &job->l->device->kernels.fixed;

    more.c = c;
    more.a = a;
    more.w = w->w;
    more.bias = w->bias;
    more.mult = w->mult;
    more.shift = w->shift;
    more.table = job->fixed->table;
    more.lda = (ptrdiff_t)lda;
    more.ldw = job->s->k;
    more.ldc = job->s->n;
    more.m = (int)m;
    more.n = (int)job->s->n;
    more.k = (int)job->s->k;
    more.acc_shift = w->acc_shift;
    more.gelu_shift = job->fixed->gelu_shift;
    (w->bits == 8 ? kernels->gemm_s16s8 : kernels->gemm_s16s16)(&more);
}

/* m normalised rows of the residual stream from `row`; mult NULL: the final norm. */
static void norm(const struct npu_cpu_job *job, int16_t *y, unsigned row, unsigned m,
                 const int16_t *mult, int shift)
{
    const struct npu_fixed *fixed = job->l->weights->fixed;
    size_t d = job->l->program.d_model;
    const struct npu_fixed_norm_args args = {
        .y = y,
        .x = job->l->fixed.residual + row * d,
        .mult = mult,
        .ldy = (ptrdiff_t)d,
        .ldx = (ptrdiff_t)d,
        .m = (int)m,
        .d = (int)d,
        .shift = shift,
        .inv_d = fixed->inv_d,
        .eps = fixed->eps,
        .sqrt_d = fixed->sqrt_d,
    };
    npu_fixed_norm_s32s16_ref(&args);
}

/* Frames row - 1 .. row + m of the window, in integers; it has zeros around it. */
static void quantise_frames(const struct npu_cpu_job *job, int16_t *to, unsigned row, unsigned m)
{
    size_t n_mels = job->l->program.n_mels;
    unsigned before = row == 0, after = row + m == job->rows, n = m + 2 - before - after;

    memset(to, 0, before * n_mels * sizeof(*to));
    npu_fixed_quantise_mel(to + before * n_mels, job->run->mel + (row + before - 1) * n_mels,
                           n * n_mels);
    memset(to + (before + n) * n_mels, 0, after * n_mels * sizeof(*to));
}

/* GELU of the first convolution; a row's input is the rows before, at and after it. */
static void conv1(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    const struct npu_program *p = &job->l->program;
    int16_t *mel = job->l->scratch[worker].a;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);

    quantise_frames(job, mel, row, m);
    gemm(job, 0, job->l->fixed.stem + (size_t)(row + 1) * p->d_model, mel, p->n_mels, m,
         (struct npu_fixed_gemm_args){.result = NPU_FIXED_GELU});
}

static void conv2(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    size_t d = job->l->program.d_model;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);
    (void)worker;

    gemm(job, 0, job->l->fixed.residual + row * d, job->l->fixed.stem + 2 * row * d, 2 * d, m,
         (struct npu_fixed_gemm_args){.result = NPU_FIXED_STEM,
                                      .pos = job->l->weights->fixed->positions + row * d,
                                      .ldp = (ptrdiff_t)d});
}

static void norm_qkv(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    const struct npu_cpu_fixed_buffers *b = &job->l->fixed;
    int16_t *const to[] = {b->q, b->k, b->v};
    unsigned m, row = npu_cpu_job_rows(job, index, &m);
    size_t d = job->l->program.d_model;
    int16_t *rows = job->l->scratch[worker].a;

    norm(job, rows, row, m, job->fixed->norm_mult, job->fixed->norm_shift);
    for (unsigned i = 0; i < 3; i++)
        gemm(job, i, to[i] + row * d, rows, d, m,
             (struct npu_fixed_gemm_args){.result = NPU_FIXED_S16});
}

static void attention(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    const struct npu_cpu_fixed_buffers *b = &job->l->fixed;
    unsigned rows_index, head = npu_cpu_job_head(job, index, &rows_index), m;
    unsigned row = npu_cpu_job_rows(job, rows_index, &m);
    ptrdiff_t d = job->l->program.d_model;
    size_t at = (size_t)head * NPU_HEAD_DIM;
    (void)worker;

    const struct npu_fixed_attention_args args = {
        .out = b->mixed + row * (size_t)d + at,
        .q = b->q + row * (size_t)d + at,
        .k = b->k + at,
        .v = b->v + at,
        .exp = job->l->weights->fixed->exp,
        .ldo = d,
        .ldq = d,
        .ldk = d,
        .ldv = d,
        .m = (int)m,
        .n = (int)job->positions,
        .qk_shift = job->fixed->qk_shift,
    };
    job->l->device->kernels.fixed.attention(&args);
}

static void add_rows(const struct npu_cpu_job *job, unsigned index, const int16_t *a)
{
    unsigned m, row = npu_cpu_job_rows(job, index, &m);
    gemm(job, 0, job->l->fixed.residual + (size_t)row * job->s->n, a + (size_t)row * job->s->k,
         job->s->k, m, (struct npu_fixed_gemm_args){.result = NPU_FIXED_RESIDUAL});
}

static void out(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    (void)worker;
    add_rows(job, index, job->l->fixed.mixed);
}

static void norm_fc1(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    int16_t *rows = job->l->scratch[worker].a;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);

    norm(job, rows, row, m, job->fixed->norm_mult, job->fixed->norm_shift);
    gemm(job, 0, job->l->fixed.ffn + (size_t)row * job->s->n, rows, job->s->k, m,
         (struct npu_fixed_gemm_args){.result = NPU_FIXED_GELU});
}

static void fc2(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    (void)worker;
    add_rows(job, index, job->l->fixed.ffn);
}

/* The only floats: z 2^-feature_bits gamma + beta, the product rounded before the sum. */
static void final_norm(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    const struct npu_fixed *fixed = job->l->weights->fixed;
    int16_t *z = job->l->scratch[worker].a;
    unsigned m, row = npu_cpu_job_rows(job, index, &m), d = job->l->program.d_model;
    float *to = job->run->features + (size_t)row * d;
    float unit = 1.0f / (float)(1 << fixed->feature_bits);

    norm(job, z, row, m, NULL, fixed->feature_bits);
    for (size_t i = 0; i < (size_t)m * d; i++)
        to[i] = (float)z[i] * unit * fixed->gamma[i % d] + fixed->beta[i % d];
}

npu_job_fn *const npu_cpu_fixed_fns[NPU_OP_COUNT] = {
    [NPU_OP_CONV1] = conv1,       [NPU_OP_CONV2] = conv2,
    [NPU_OP_NORM_QKV] = norm_qkv, [NPU_OP_ATTENTION] = attention,
    [NPU_OP_OUT] = out,           [NPU_OP_NORM_FC1] = norm_fc1,
    [NPU_OP_FC2] = fc2,           [NPU_OP_NORM] = final_norm,
};
