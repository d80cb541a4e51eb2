/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stages in f32. */
#include "npu/cpu/cpu.h"

static void gemm(const struct npu_cpu_job *job, unsigned matrix, float *c, size_t ldc,
                 const float *a, size_t lda, const float *r, size_t ldr, unsigned m, unsigned flags)
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
    const struct npu_cpu_job *job = user;
    const struct npu_program *p = &job->l->program;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);

    for (unsigned end = row + m; row < end; row += m) {
        m = end - row;
        const float *a = npu_cpu_frames(job, job->l->scratch[worker].rows, row, &m);
        gemm(job, 0, job->l->stem + (size_t)(row + 1) * p->d_model, p->d_model, a, p->n_mels, NULL,
             0, m, NPU_GEMM_GELU);
    }
}

static void run_conv2(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    size_t d = job->l->program.d_model;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);

    gemm(job, 0, job->l->residual + row * d, d, job->l->stem + 2 * row * d, 2 * d,
         job->l->weights->positions + row * d, d, m, NPU_GEMM_GELU);
}

static void run_norm_qkv(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    struct npu_cpu_loaded *l = job->l;
    const struct npu_program *p = &l->program;
    int nr = l->device->kernels.gemm_f32_nr;
    size_t d = p->d_model;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);
    float *h = l->scratch[worker].rows;
    float *kv = h + (size_t)job->rows_per_job * d;

    npu_cpu_norm_rows(job, h, row, m);
    gemm(job, 0, l->q + row * d, d, h, d, NULL, 0, m, 0);
    gemm(job, 1, kv, d, h, d, NULL, 0, m, 0);
    for (unsigned head = 0; head < p->n_heads; head++)
        npu_pack_kt_f32(l->kt + head * l->kt_size, kv + head * NPU_HEAD_DIM, (ptrdiff_t)d, (int)row,
                        (int)m, (int)job->positions, nr);
    gemm(job, 2, kv, d, h, d, NULL, 0, m, 0);
    for (unsigned head = 0; head < p->n_heads; head++)
        npu_pack_v_f32(l->v + head * l->v_size, kv + head * NPU_HEAD_DIM, (ptrdiff_t)d, (int)row,
                       (int)m, (int)job->positions, nr);
}

static void run_attention(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    struct npu_cpu_loaded *l = job->l;
    unsigned rows_index, head = npu_cpu_job_head(job, index, &rows_index);
    unsigned m, row = npu_cpu_job_rows(job, rows_index, &m);
    size_t d = l->program.d_model, at = row * d + head * NPU_HEAD_DIM;

    l->device->kernels.attention_f32(l->mixed + at, (ptrdiff_t)d, l->q + at, (ptrdiff_t)d,
                                     l->kt + head * l->kt_size, l->v + head * l->v_size, (int)m,
                                     (int)job->positions, l->scratch[worker].kernel);
}

static void run_out(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    size_t d = job->l->program.d_model;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);
    float *x = job->l->residual + row * d;
    gemm(job, 0, x, d, job->l->mixed + row * d, d, x, d, m, 0);
}

static void run_norm_fc1(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    struct npu_cpu_loaded *l = job->l;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);
    float *h = l->scratch[worker].rows;
    size_t ffn = l->program.d_ffn;

    npu_cpu_norm_rows(job, h, row, m);
    gemm(job, 0, l->ffn + row * ffn, ffn, h, l->program.d_model, NULL, 0, m, NPU_GEMM_GELU);
}

static void run_fc2(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    size_t d = job->l->program.d_model, ffn = job->l->program.d_ffn;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);
    float *x = job->l->residual + row * d;
    gemm(job, 0, x, d, job->l->ffn + row * ffn, ffn, x, d, m, 0);
}

static void run_norm(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);
    npu_cpu_norm_rows(job, job->run->features + (size_t)row * job->l->program.d_model, row, m);
}

npu_job_fn *const npu_cpu_f32_fns[NPU_OP_COUNT] = {
    [NPU_OP_CONV1] = run_conv1,       [NPU_OP_CONV2] = run_conv2,
    [NPU_OP_NORM_QKV] = run_norm_qkv, [NPU_OP_ATTENTION] = run_attention,
    [NPU_OP_OUT] = run_out,           [NPU_OP_NORM_FC1] = run_norm_fc1,
    [NPU_OP_FC2] = run_fc2,           [NPU_OP_NORM] = run_norm,
};
