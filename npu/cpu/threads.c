/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lock order: `turn` (held for a whole round, so that encoders on one device take turns stage by
 * stage), then `lock`, a leaf; no job takes either. */
#include "npu/cpu/threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Looks at the next round before a worker sleeps: about 20 us, longer than the gap between two
 * stages of a window, far shorter than the gap between two windows of a live stream. */
#define SPIN_ROUNDS 1000

struct worker {
    struct npu_threads *pool;
    pthread_t thread;
    unsigned index;
};

struct npu_threads {
    unsigned n_threads;

    pthread_mutex_t turn;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    bool ending;       /* lock */
    atomic_uint round; /* written under lock, read by spinners without */
    atomic_uint busy;  /* workers that have not finished the round; to 0 under lock */

    /* The round's work: written before `round` rises, constant until `busy` is 0. */
    npu_job_fn *fn;
    void *user;
    const atomic_bool *cancel;
    unsigned n_jobs;
    atomic_uint next_job;

    struct worker worker[];
};

static inline void spin_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void work(struct npu_threads *pool, unsigned index)
{
    for (;;) {
        if (pool->cancel && atomic_load_explicit(pool->cancel, memory_order_relaxed))
            return;
        unsigned job = atomic_fetch_add_explicit(&pool->next_job, 1, memory_order_relaxed);
        if (job >= pool->n_jobs)
            return;
        pool->fn(pool->user, job, index);
    }
}

/* Wait for a round other than `seen`; false when the pool ends. */
static bool wait_round(struct npu_threads *pool, unsigned seen, unsigned *round)
{
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        *round = atomic_load_explicit(&pool->round, memory_order_acquire);
        if (*round != seen)
            return true;
        spin_pause();
    }
    pthread_mutex_lock(&pool->lock);
    while (atomic_load_explicit(&pool->round, memory_order_acquire) == seen && !pool->ending)
        pthread_cond_wait(&pool->wake, &pool->lock);
    *round = atomic_load_explicit(&pool->round, memory_order_acquire);
    bool ending = *round == seen;
    pthread_mutex_unlock(&pool->lock);
    return !ending;
}

static void *worker_main(void *data)
{
    struct worker *worker = data;
    struct npu_threads *pool = worker->pool;
    unsigned seen = 0;

    while (wait_round(pool, seen, &seen)) {
        work(pool, worker->index);
        if (atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->lock);
        }
    }
    return NULL;
}

int npu_threads_open(struct npu_threads **out, unsigned n_threads)
{
    struct npu_threads *pool = calloc(1, sizeof(*pool) + n_threads * sizeof(pool->worker[0]));
    if (!pool)
        return -ENOMEM;
    pthread_mutex_init(&pool->turn, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (pool->n_threads = 1; pool->n_threads < n_threads; pool->n_threads++) {
        struct worker *worker = &pool->worker[pool->n_threads];
        *worker = (struct worker){.pool = pool, .index = pool->n_threads};
        int ret = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (ret) {
            npu_threads_close(&pool);
            return -ret;
        }
        char name[16];
        snprintf(name, sizeof(name), "npu-cpu-%u", worker->index);
        pthread_setname_np(worker->thread, name);
    }
    *out = pool;
    return 0;
}

void npu_threads_close(struct npu_threads **threads)
{
    struct npu_threads *pool = *threads;
    *threads = NULL;
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 1; i < pool->n_threads; i++)
        pthread_join(pool->worker[i].thread, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->turn);
    free(pool);
}

/* The caller has done its share: wait for the workers. */
static void wait_workers(struct npu_threads *pool)
{
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        if (atomic_load_explicit(&pool->busy, memory_order_acquire) == 0)
            return;
        spin_pause();
    }
    pthread_mutex_lock(&pool->lock);
    while (atomic_load_explicit(&pool->busy, memory_order_acquire) > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void npu_threads_run(struct npu_threads *pool, unsigned n_jobs, npu_job_fn *fn, void *user,
                     const atomic_bool *cancel)
{
    pthread_mutex_lock(&pool->turn);
    pool->fn = fn;
    pool->user = user;
    pool->cancel = cancel;
    pool->n_jobs = n_jobs;
    atomic_store_explicit(&pool->next_job, 0, memory_order_relaxed);
    if (pool->n_threads > 1) {
        atomic_store_explicit(&pool->busy, pool->n_threads - 1, memory_order_relaxed);
        pthread_mutex_lock(&pool->lock);
        atomic_fetch_add_explicit(&pool->round, 1, memory_order_release);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
    }
    work(pool, 0);
    if (pool->n_threads > 1)
        wait_workers(pool);
    pthread_mutex_unlock(&pool->turn);
}
