/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Executes a program stage by stage; no two jobs of a stage write the same rows, so the bits do not
 * depend on the number of threads. */
#include <errno.h>
#include <string.h>

#include "npu/clock.h"
#include "npu/cpu/cpu.h"

/* A window on its way through the stages of a program. */
struct pass {
    struct npu_cpu_loaded *l;
    struct npu_run *run;
    unsigned n_begun; /* stages */
    struct npu_cpu_job job;
    uint64_t start_ns; /* of the stage under way */
};

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

const float *npu_cpu_frames(const struct npu_cpu_job *job, float *room, unsigned row, unsigned *m)
{
    size_t n_mels = job->l->program.n_mels;
    unsigned last = job->rows - 1; /* at least 1 */

    if (row > 0 && row < last) {
        *m = row + *m > last ? last - row : *m;
        return job->run->mel + (row - 1) * n_mels;
    }
    memset(room, 0, 3 * n_mels * sizeof(*room));
    memcpy(room + (row == 0) * n_mels, job->run->mel + (row == 0 ? 0 : row - 1) * n_mels,
           2 * n_mels * sizeof(*room));
    *m = 1;
    return room;
}

void npu_cpu_norm_rows(const struct npu_cpu_job *job, float *y, unsigned row, unsigned m)
{
    size_t d = job->l->program.d_model;
    job->l->device->kernels.norm_f32(y, (ptrdiff_t)d, job->l->residual + row * d, (ptrdiff_t)d,
                                     job->w->gamma, job->w->beta, (int)m, (int)d);
}

static void end_stage(struct pass *pass)
{
    unsigned index = pass->n_begun - 1;

    if (pass->run->after)
        pass->run->after(pass->run->user, index);
    uint64_t end_ns = npu_now_ns();
    pass->run->op_ns[pass->l->program.stage[index].op] += end_ns - pass->start_ns;
    pass->start_ns = end_ns;
}

static bool next_stage(void *user, struct npu_jobs *jobs)
{
    struct pass *pass = user;
    struct npu_cpu_loaded *l = pass->l;
    const struct npu_program *p = &l->program;
    const struct npu_fixed *fixed = l->weights->fixed;
    unsigned positions = pass->run->positions;

    if (pass->n_begun)
        end_stage(pass);
    if (pass->n_begun == p->n_stages)
        return false;
    unsigned i = pass->n_begun++;
    const struct npu_stage *s = &p->stage[i];
    struct npu_cpu_job *job = &pass->job;
    *job = (struct npu_cpu_job){
        .l = l,
        .run = pass->run,
        .s = s,
        .w = &l->weights->stage[i],
        .fixed = fixed ? &fixed->stage[i] : NULL,
        .positions = positions,
        .rows = npu_stage_rows(s, positions),
        .rows_per_job = npu_cpu_tiles_per_job(positions, l->device->n_threads) * NPU_TILE_ROWS};
    jobs->fn = (fixed                    ? npu_cpu_fixed_fns
                : job->w->recipe.integer ? npu_cpu_int_fns
                                         : npu_cpu_f32_fns)[s->op];
    jobs->user = job;
    jobs->n = (job->rows + job->rows_per_job - 1) / job->rows_per_job;
    if (s->op == NPU_OP_ATTENTION)
        jobs->n *= p->n_heads;
    return true;
}

int npu_cpu_run(struct npu_loaded *loaded, struct npu_run *run)
{
    struct npu_cpu_loaded *l = (struct npu_cpu_loaded *)loaded;
    bool fixed = l->weights->fixed;
    size_t row_bytes = l->program.d_model * (fixed ? sizeof(int16_t) : sizeof(float));
    char *stem = fixed ? (char *)l->fixed.stem : (char *)l->stem;
    struct pass pass = {.l = l, .run = run, .start_ns = npu_now_ns()};

    /* The frame of the second convolution's input; attention and FFN of the window before wrote
     * over it. */
    memset(stem, 0, row_bytes);
    memset(stem + (2 * (size_t)run->positions + 1) * row_bytes, 0, row_bytes);
    memset(run->op_ns, 0, sizeof(run->op_ns));

    int ret = npu_work_run(l->turns, next_stage, &pass, run->cancel);
    return atomic_load_explicit(run->cancel, memory_order_relaxed) ? -ECANCELED : ret;
}

void npu_cpu_wake(struct npu_loaded *loaded)
{
    npu_work_wake(((struct npu_cpu_loaded *)loaded)->turns);
}
