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
    unsigned n_begun;         /* stages */
    struct npu_cpu_part part; /* of the stage under way: what is the same in all of them */
    npu_cpu_part_fn *fn;
    unsigned rows, rows_per_job, rows_per_part;
    uint64_t start_ns; /* of the stage under way */
};

unsigned npu_cpu_tiles_per_job(unsigned positions, unsigned n_threads)
{
    unsigned tiles = (positions + NPU_TILE_ROWS - 1) / NPU_TILE_ROWS;
    unsigned per_job = tiles / (4 * n_threads);
    return per_job < 1 ? 1 : per_job > NPU_CPU_JOB_TILES ? NPU_CPU_JOB_TILES : per_job;
}

/* ---- What stages read and write --------------------------------------------------------------- */

void *npu_cpu_row(const struct npu_cpu_loaded *l, enum npu_operand buffer, unsigned row)
{
    return l->buffer[buffer] +
           npu_buffer_at(&l->program.buffer[buffer], row) * l->profile->bytes[buffer];
}

/* The caller's memory has no zeros around it: whether `row` needs some. */
static bool is_at_end(const struct npu_cpu_part *p, unsigned row)
{
    const struct npu_buffer_shape *in = &p->l->program.buffer[p->s->in];
    unsigned middle = p->s->step * row, half = p->s->taps / 2;

    return in->phase == NPU_PHASE_ELSEWHERE &&
           (middle < half || middle + half >= in->rows_per_position * p->positions);
}

/* A row at an end, into scratch. */
static void *copy_row(const struct npu_cpu_part *p)
{
    const struct npu_buffer_shape *in = &p->l->program.buffer[p->s->in];
    size_t bytes = (size_t)in->columns * p->l->profile->bytes[p->s->in];
    unsigned half = p->s->taps / 2, n_rows = in->rows_per_position * p->positions;

    for (unsigned i = 0; i < p->s->taps; i++) {
        unsigned at = p->s->step * p->row + i; /* the row of in, and half */
        char *to = p->scratch->row + i * bytes;
        if (at < half || at - half >= n_rows)
            memset(to, 0, bytes);
        else
            memcpy(to, npu_cpu_row(p->l, p->s->in, at - half), bytes);
    }
    return p->scratch->row;
}

void *npu_cpu_input(const struct npu_cpu_part *p)
{
    if (is_at_end(p, p->row))
        return copy_row(p);
    return p->l->buffer[p->s->in] + npu_stage_at(p->s, p->row) * p->l->profile->bytes[p->s->in];
}

void npu_cpu_norm_rows(const struct npu_cpu_part *p, float *y, unsigned row, unsigned m)
{
    ptrdiff_t d = p->l->program.d_model;
    p->l->device->kernels.norm_f32(y, d, npu_cpu_row(p->l, p->s->in, row), d, p->w->gamma,
                                   p->w->beta, (int)m, (int)d);
}

void npu_cpu_norm(const struct npu_cpu_part *p)
{
    npu_cpu_norm_rows(p, npu_cpu_row(p->l, p->s->out, p->row), p->row, p->m);
}

/* ---- Jobs ------------------------------------------------------------------------------------ */

/* How many of `most` rows from p->row on are a part. */
static unsigned take_rows(const struct npu_cpu_part *p, unsigned most)
{
    unsigned n = 1;

    if (!is_at_end(p, p->row))
        while (n < most && !is_at_end(p, p->row + n))
            n++;
    return n;
}

/* A job is a block of whole tiles, of attention one of a head. */
static void run_job(void *user, unsigned index, unsigned worker)
{
    const struct pass *pass = user;
    struct npu_cpu_part p = pass->part;
    unsigned per_head = (pass->rows + pass->rows_per_job - 1) / pass->rows_per_job;
    unsigned first = index % per_head * pass->rows_per_job, left = pass->rows - first;
    unsigned end = first + (left < pass->rows_per_job ? left : pass->rows_per_job);

    p.scratch = &p.l->scratch[worker];
    p.head = index / per_head;
    for (p.row = first; p.row < end; p.row += p.m) {
        left = end - p.row;
        p.m = take_rows(&p, left < pass->rows_per_part ? left : pass->rows_per_part);
        pass->fn(&p);
    }
}

/* Rows that a part may have: fewer than a job where results wait in scratch. */
static unsigned rows_per_part(const struct pass *pass)
{
    const struct npu_stage *s = pass->part.s;
    const struct npu_cpu_loaded *l = pass->l;
    unsigned most = pass->rows_per_job;

    for (unsigned i = 0; i < s->n_matrices; i++)
        if (l->profile->bytes[s->out + i] == 0 && most > l->result_values / s->n)
            most = (unsigned)(l->result_values / s->n);
    return most;
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
    unsigned positions = pass->run->positions;

    if (pass->n_begun)
        end_stage(pass);
    if (pass->n_begun == p->n_stages)
        return false;
    unsigned i = pass->n_begun++;
    const struct npu_stage *s = &p->stage[i];
    pass->part = (struct npu_cpu_part){
        .l = l, .index = i, .s = s, .w = &l->weights->stage[i], .positions = positions};
    pass->fn = l->profile->run[s->kind];
    pass->rows = npu_stage_rows(s, positions);
    pass->rows_per_job = npu_cpu_tiles_per_job(positions, l->device->n_threads) * NPU_TILE_ROWS;
    pass->rows_per_part = rows_per_part(pass);
    jobs->fn = run_job;
    jobs->user = pass;
    jobs->n = (pass->rows + pass->rows_per_job - 1) / pass->rows_per_job;
    if (s->kind == NPU_KIND_ATTENTION)
        jobs->n *= p->n_heads;
    return true;
}

/* Other buffers of the window before were where the zeros are. */
static void clear_zeros(struct npu_cpu_loaded *l)
{
    for (unsigned i = 0; i < NPU_BUFFER_COUNT; i++) {
        const struct npu_buffer_shape *b = &l->program.buffer[i];
        size_t bytes = (size_t)b->before * b->columns * l->profile->bytes[i];
        if (bytes && b->phase != NPU_PHASE_ELSEWHERE)
            memset(l->buffer[i] - bytes, 0, bytes);
    }
}

int npu_cpu_run(struct npu_loaded *loaded, struct npu_run *run)
{
    struct npu_cpu_loaded *l = (struct npu_cpu_loaded *)loaded;
    struct pass pass = {.l = l, .run = run, .start_ns = npu_now_ns()};

    l->buffer[NPU_BUFFER_MEL] = (char *)run->mel;
    l->buffer[NPU_BUFFER_FEATURES] = (char *)run->features;
    clear_zeros(l);
    memset(run->op_ns, 0, sizeof(run->op_ns));

    int ret = npu_work_run(l->turns, next_stage, &pass, run->cancel);
    return atomic_load_explicit(run->cancel, memory_order_relaxed) ? -ECANCELED : ret;
}

void npu_cpu_wake(struct npu_loaded *loaded)
{
    npu_work_wake(((struct npu_cpu_loaded *)loaded)->turns);
}
