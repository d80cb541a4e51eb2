/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Executes a program stage by stage; no two jobs of a stage write the same rows, so the bits do not
 * depend on the number of threads. */
#include <errno.h>
#include <string.h>

#include "npu/clock.h"
#include "npu/cpu/cpu.h"

unsigned npu_cpu_tiles_per_job(unsigned positions, unsigned n_threads)
{
    unsigned tiles = (positions + NPU_TILE_ROWS - 1) / NPU_TILE_ROWS;
    unsigned per_job = tiles / (4 * n_threads);
    return per_job < 1 ? 1 : per_job > NPU_CPU_JOB_TILES ? NPU_CPU_JOB_TILES : per_job;
}

unsigned npu_cpu_job_rows(const struct npu_cpu_job *job, unsigned index, unsigned *n_rows)
{
    unsigned row = index * job->rows_per_job, left = job->rows - row;
    *n_rows = left < job->rows_per_job ? left : job->rows_per_job;
    return row;
}

unsigned npu_cpu_job_head(const struct npu_cpu_job *job, unsigned index, unsigned *rows_index)
{
    unsigned jobs_per_head = (job->rows + job->rows_per_job - 1) / job->rows_per_job;
    *rows_index = index % jobs_per_head;
    return index / jobs_per_head;
}

void npu_cpu_norm_rows(const struct npu_cpu_job *job, float *y, unsigned row, unsigned m)
{
    size_t d = job->l->program.d_model;
    job->l->device->kernels.norm_f32(y, (ptrdiff_t)d, job->l->residual + row * d, (ptrdiff_t)d,
                                     job->w->gamma, job->w->beta, (int)m, (int)d);
}

int npu_cpu_run(struct npu_loaded *loaded, struct npu_run *run)
{
    struct npu_cpu_loaded *l = (struct npu_cpu_loaded *)loaded;
    const struct npu_program *p = &l->program;
    const struct npu_integer *integer = l->weights->integer;
    size_t row_bytes = p->d_model * (integer ? sizeof(int16_t) : sizeof(float));
    unsigned tiles_per_job = npu_cpu_tiles_per_job(run->positions, l->device->n_threads);
    char *stem = integer ? (char *)l->npu.stem : (char *)l->stem;

    /* The frame of the second convolution's input; attention and FFN of the window before wrote
     * over it. */
    memset(stem, 0, row_bytes);
    memset(stem + (2 * (size_t)run->positions + 1) * row_bytes, 0, row_bytes);
    memset(run->op_ns, 0, sizeof(run->op_ns));

    uint64_t start = npu_now_ns();
    for (unsigned i = 0; i < p->n_stages; i++) {
        const struct npu_stage *s = &p->stage[i];
        struct npu_cpu_job job = {.l = l,
                                  .run = run,
                                  .s = s,
                                  .w = &l->weights->stage[i],
                                  .i = integer ? &integer->stage[i] : NULL,
                                  .positions = run->positions,
                                  .rows = npu_stage_rows(s, run->positions),
                                  .rows_per_job = tiles_per_job * NPU_TILE_ROWS};
        npu_job_fn *fn = (integer                 ? npu_cpu_npu_fns
                          : job.w->recipe.integer ? npu_cpu_int_fns
                                                  : npu_cpu_f32_fns)[s->op];
        unsigned n_jobs = (job.rows + job.rows_per_job - 1) / job.rows_per_job;
        if (s->op == NPU_OP_ATTENTION)
            n_jobs *= p->n_heads;
        npu_threads_run(l->device->threads, n_jobs, fn, &job, run->cancel);
        if (atomic_load_explicit(run->cancel, memory_order_relaxed))
            return -ECANCELED;
        if (run->after)
            run->after(run->user, i);
        uint64_t end = npu_now_ns();
        run->op_ns[s->op] += end - start;
        start = end;
    }
    return 0;
}
