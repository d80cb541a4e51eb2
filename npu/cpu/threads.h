/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_CPU_THREADS_H
#define NPU_CPU_THREADS_H
/* A pool of threads that windows share. A window is a work: stage after stage a set of jobs. Each
 * thread of the pool works, and one of the callers does, until its own work is over; the others
 * wait, so n_threads threads work at most and a pool of one has no thread. All work on the one whose
 * turn it is, as on a window alone; who finds no job left in its stage takes one of the next work in
 * line, so nobody waits for the end of a stage. Works have the same time of the threads, whatever
 * their sizes. A cancelled one waits for its own jobs that have begun, and for the one that its
 * caller is in, which may be another's. Which thread takes which job is open; jobs of a stage must
 * write disjoint memory, then the result does not depend on it. */
#include <stdatomic.h>
#include <stdbool.h>

struct npu_threads;
struct npu_work;

/* job: 0 .. npu_jobs.n - 1; worker: 0 .. n_threads - 1, for scratch: no two jobs at the same time
 * have the same one. */
typedef void npu_job_fn(void *user, unsigned job, unsigned worker);

/* The jobs of one stage. */
struct npu_jobs {
    npu_job_fn *fn;
    void *user;
    unsigned n; /* at least 1 */
};

/* Called before the first stage and after each one, while no job of the work runs: fill in the jobs
 * of the next stage. False: that was the last. Threads: the caller of npu_work_run() or one of the
 * pool's. */
typedef bool npu_stage_fn(void *user, struct npu_jobs *jobs);

/* n_threads: 1 .. 256. Returns: 0; -ENOMEM; -EAGAIN no thread to be had. Threads: control. */
int npu_threads_open(struct npu_threads **out, unsigned n_threads);
/* Every work of it is closed before. */
void npu_threads_close(struct npu_threads **threads);

/* Returns: 0; -ENOMEM. Threads: control. */
int npu_work_open(struct npu_work **out, struct npu_threads *threads);
void npu_work_close(struct npu_work **work);

/* Run all stages. A set *cancel lets the jobs that have not begun go unrun. Returns: 0; -ECANCELED
 * it gave up. Threads: completion, one at a time per work. Allocates: no. Blocks: until all jobs
 * are done; when cancelled, until those that had begun are. */
int npu_work_run(struct npu_work *work, npu_stage_fn *stage, void *user, const atomic_bool *cancel);
/* *cancel was set: a run that waits for its turn looks at it now. Threads: any. Blocks: no. */
void npu_work_wake(struct npu_work *work);

#endif /* NPU_CPU_THREADS_H */
