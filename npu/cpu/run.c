/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Executes a program stage by stage; the jobs of a stage are blocks of whole tiles (attention:
 * blocks of one head), no two write the same rows, so the bits do not depend on the number of
 * threads. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "npu/cpu/cpu.h"

struct job {
    struct npu_cpu_loaded *l;
    const struct npu_run *run;
    const struct npu_stage *s;
    const struct npu_cpu_stage *w;
    unsigned rows_per_job;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* First row and number of rows of a job. */
static unsigned job_rows(const struct job *job, unsigned index, unsigned *n_rows)
{
    unsigned row = index * job->rows_per_job, left = job->s->rows - row;
    *n_rows = left < job->rows_per_job ? left : job->rows_per_job;
    return row;
}

static void gemm(const struct job *job, unsigned matrix, float *c, size_t ldc, const float *a,
                 size_t lda, const float *r, size_t ldr, unsigned m, unsigned flags)
{
    const struct npu_cpu_matrix *w = &job->w->matrix[matrix];
    const struct npu_gemm_f32_args args = {
        .c = c,
        .a = a,
        .b = w->b,
        .bias = w->bias,
        .r = r,
        .lda = (ptrdiff_t)lda,
        .ldc = (ptrdiff_t)ldc,
        .ldr = (ptrdiff_t)ldr,
        .m = (int)m,
        .n = (int)job->s->n,
        .k = (int)job->s->k,
        .flags = flags,
    };
    job->l->device->kernels.gemm_f32(&args);
}

static void run_conv1(void *user, unsigned index, unsigned worker)
{
    const struct job *job = user;
    const struct npu_program *p = &job->l->program;
    unsigned m, row = job_rows(job, index, &m);

    /* Row t of the framed input is frame t - 1, so frames t-1 .. t+1 lie in one piece from there.
     */
    gemm(job, 0, job->l->stem + (size_t)(row + 1) * p->d_model, p->d_model,
         job->run->mel + (size_t)row * p->n_mels, p->n_mels, NULL, 0, m, NPU_GEMM_GELU);
}

static void run_conv2(void *user, unsigned index, unsigned worker)
{
    const struct job *job = user;
    size_t d = job->l->program.d_model;
    unsigned m, row = job_rows(job, index, &m);

    gemm(job, 0, job->l->residual + row * d, d, job->l->stem + 2 * row * d, 2 * d,
         job->l->positions + row * d, d, m, NPU_GEMM_GELU);
}

static void norm_rows(const struct job *job, float *y, unsigned row, unsigned m)
{
    size_t d = job->l->program.d_model;
    job->l->device->kernels.norm_f32(y, (ptrdiff_t)d, job->l->residual + row * d, (ptrdiff_t)d,
                                     job->w->gamma, job->w->beta, (int)m, (int)d);
}

static void run_norm_qkv(void *user, unsigned index, unsigned worker)
{
    const struct job *job = user;
    struct npu_cpu_loaded *l = job->l;
    const struct npu_program *p = &l->program;
    int nr = l->device->kernels.gemm_f32_nr;
    size_t d = p->d_model;
    unsigned m, row = job_rows(job, index, &m);
    float *h = l->scratch + worker * l->scratch_size;
    float *kv = h + (size_t)job->rows_per_job * d;

    norm_rows(job, h, row, m);
    gemm(job, 0, l->q + row * d, d, h, d, NULL, 0, m, 0);
    gemm(job, 1, kv, d, h, d, NULL, 0, m, 0);
    for (unsigned head = 0; head < p->n_heads; head++)
        npu_pack_kt_f32(l->kt + head * l->kt_size, kv + head * NPU_HEAD_DIM, (ptrdiff_t)d, (int)row,
                        (int)m, (int)p->positions, nr);
    gemm(job, 2, kv, d, h, d, NULL, 0, m, 0);
    for (unsigned head = 0; head < p->n_heads; head++)
        npu_pack_v_f32(l->v + head * l->v_size, kv + head * NPU_HEAD_DIM, (ptrdiff_t)d, (int)row,
                       (int)m, (int)p->positions, nr);
}

static void run_attention(void *user, unsigned index, unsigned worker)
{
    const struct job *job = user;
    struct npu_cpu_loaded *l = job->l;
    unsigned blocks = (job->s->rows + job->rows_per_job - 1) / job->rows_per_job;
    unsigned head = index / blocks;
    unsigned m, row = job_rows(job, index % blocks, &m);
    size_t d = l->program.d_model, at = row * d + head * NPU_HEAD_DIM;

    l->device->kernels.attention_f32(l->mixed + at, (ptrdiff_t)d, l->q + at, (ptrdiff_t)d,
                                     l->kt + head * l->kt_size, l->v + head * l->v_size, (int)m,
                                     (int)l->program.positions,
                                     l->scratch + worker * l->scratch_size);
}

static void run_out(void *user, unsigned index, unsigned worker)
{
    const struct job *job = user;
    size_t d = job->l->program.d_model;
    unsigned m, row = job_rows(job, index, &m);
    float *x = job->l->residual + row * d;
    gemm(job, 0, x, d, job->l->mixed + row * d, d, x, d, m, 0);
}

static void run_norm_fc1(void *user, unsigned index, unsigned worker)
{
    const struct job *job = user;
    struct npu_cpu_loaded *l = job->l;
    unsigned m, row = job_rows(job, index, &m);
    float *h = l->scratch + worker * l->scratch_size;
    size_t ffn = l->program.d_ffn;

    norm_rows(job, h, row, m);
    gemm(job, 0, l->ffn + row * ffn, ffn, h, l->program.d_model, NULL, 0, m, NPU_GEMM_GELU);
}

static void run_fc2(void *user, unsigned index, unsigned worker)
{
    const struct job *job = user;
    size_t d = job->l->program.d_model, ffn = job->l->program.d_ffn;
    unsigned m, row = job_rows(job, index, &m);
    float *x = job->l->residual + row * d;
    gemm(job, 0, x, d, job->l->ffn + row * ffn, ffn, x, d, m, 0);
}

static void run_norm(void *user, unsigned index, unsigned worker)
{
    const struct job *job = user;
    unsigned m, row = job_rows(job, index, &m);
    norm_rows(job, job->run->features + (size_t)row * job->l->program.d_model, row, m);
}

int npu_cpu_run(struct npu_loaded *loaded, struct npu_run *run)
{
    static npu_job_fn *const fns[NPU_OP_COUNT] = {
        [NPU_OP_CONV1] = run_conv1,       [NPU_OP_CONV2] = run_conv2,
        [NPU_OP_NORM_QKV] = run_norm_qkv, [NPU_OP_ATTENTION] = run_attention,
        [NPU_OP_OUT] = run_out,           [NPU_OP_NORM_FC1] = run_norm_fc1,
        [NPU_OP_FC2] = run_fc2,           [NPU_OP_NORM] = run_norm,
    };
    struct npu_cpu_loaded *l = (struct npu_cpu_loaded *)loaded;
    const struct npu_program *p = &l->program;
    size_t row_bytes = p->d_model * sizeof(float);

    /* The frame of the second convolution's input; attention and FFN of the window before wrote
     * over it. */
    memset(l->stem, 0, row_bytes);
    memset(l->stem + (size_t)(p->frames + 1) * p->d_model, 0, row_bytes);
    memset(run->op_ns, 0, sizeof(run->op_ns));

    uint64_t start = now_ns();
    for (unsigned i = 0; i < p->n_stages; i++) {
        const struct npu_stage *s = &p->stage[i];
        struct job job = {.l = l,
                          .run = run,
                          .s = s,
                          .w = &l->stage[i],
                          .rows_per_job = l->tiles_per_job * NPU_TILE_ROWS};
        unsigned n_jobs = (s->rows + job.rows_per_job - 1) / job.rows_per_job;
        if (s->op == NPU_OP_ATTENTION)
            n_jobs *= p->n_heads;
        npu_threads_run(l->device->threads, n_jobs, fns[s->op], &job, run->cancel);
        if (atomic_load_explicit(run->cancel, memory_order_relaxed))
            return -ECANCELED;
        uint64_t end = now_ns();
        run->op_ns[s->op] += end - start;
        start = end;
    }
    return 0;
}
