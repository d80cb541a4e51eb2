/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_CPU_THREADS_H
#define NPU_CPU_THREADS_H
/* A pool of threads that work through the jobs of one stage. The caller works too, so a pool of one
 * has no thread. Which thread takes which job is open; jobs must write disjoint memory, then the
 * result does not depend on it. */
#include <stdatomic.h>
#include <stdbool.h>

struct npu_threads;

/* job: 0 .. n_jobs - 1; worker: 0 .. n_threads - 1, for per-thread scratch. */
typedef void npu_job_fn(void *user, unsigned job, unsigned worker);

/* n_threads: 1 .. 256. Returns: 0; -ENOMEM; -EAGAIN no thread to be had. Threads: control. */
int npu_threads_open(struct npu_threads **out, unsigned n_threads);
void npu_threads_close(struct npu_threads **threads);

/* Run all jobs and wait for them; a set *cancel (may be NULL) lets the remaining jobs go unrun.
 * Threads: completion; callers at the same time take turns. Allocates: no. Blocks: until the jobs
 * are done. */
void npu_threads_run(struct npu_threads *threads, unsigned n_jobs, npu_job_fn *fn, void *user,
                     const atomic_bool *cancel);

#endif /* NPU_CPU_THREADS_H */
