/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lock order: a pool's `lock` is a leaf; jobs and stage functions run without it. */
#include "npu/cpu/threads.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "npu/clock.h"

/* Looks for new jobs before a thread sleeps: about 20 us, longer than the gap between two stages of
 * a window, far shorter than the gap between two windows of a live stream. */
#define SPIN_ROUNDS 1000

/* A work is in turn until it has had this much time of each thread more than the one that has had
 * least. Short enough that a small window gets on beside a large one, whose stages may take a tenth
 * of a second; long enough that what a stage leaves in the caches is there for the next one. */
#define TURN_NS UINT64_C(8000000)

struct worker {
    struct npu_threads *pool;
    pthread_t thread;
    unsigned index;
};

struct npu_threads {
    unsigned n_threads;

    pthread_mutex_t lock;
    pthread_cond_t wake; /* for workers */
    /* all below: lock; the atomics are written under it and read without */
    bool ending;
    bool seated;             /* a caller works, as worker 0 */
    bool watched;            /* a caller looks for new jobs and does not sleep yet */
    unsigned n_asleep;       /* workers that wait for `wake` */
    uint64_t served_ns;      /* the least of works that ran so far; never falls */
    struct npu_work *all;    /* works that run */
    struct npu_work *inturn; /* NULL, or the one of them whose turn it is */
    atomic_uint n_works;     /* in `all` */
    atomic_uint n_changes;   /* of anything that somebody might wait for */

    struct worker worker[];
};

struct npu_work {
    struct npu_threads *pool;
    pthread_cond_t changed; /* for the caller */
    npu_stage_fn *stage;
    void *user;
    const atomic_bool *cancel;

    /* all below: the pool's lock; `jobs` is constant while anybody works on it */
    struct npu_work *next;
    struct npu_jobs jobs;
    atomic_uint next_job; /* taken without the lock by who works on it */
    unsigned n_working;   /* threads that run its jobs or its stage function */
    uint64_t served_ns;   /* time of all threads that its jobs have had, or were given credit for */
    atomic_bool finished; /* read without the lock by its caller */
};

static inline void spin_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static bool is_cancelled(const struct npu_work *work)
{
    return atomic_load_explicit(work->cancel, memory_order_relaxed);
}

/* ---- Under the lock -------------------------------------------------------------------------- */

static bool is_finished(const struct npu_work *work)
{
    return atomic_load_explicit(&work->finished, memory_order_relaxed);
}

static bool has_jobs_locked(const struct npu_work *work)
{
    return !is_finished(work) && !is_cancelled(work) &&
           atomic_load_explicit(&work->next_job, memory_order_relaxed) < work->jobs.n;
}

/* Whether its caller can go. */
static bool is_over_locked(const struct npu_work *work)
{
    return work->n_working == 0 && (is_finished(work) || is_cancelled(work));
}

static void call_locked(struct npu_work *work)
{
    atomic_fetch_add_explicit(&work->pool->n_changes, 1, memory_order_relaxed);
    pthread_cond_signal(&work->changed);
}

/* Where the next job is to be had: at the work in turn; while that has none left in a stage, at the
 * one that has been served least. NULL: nowhere. */
static struct npu_work *choose_locked(struct npu_threads *pool)
{
    const uint64_t turn_ns = TURN_NS * pool->n_threads;
    struct npu_work *least = NULL, *now = pool->inturn;
    uint64_t served_ns = UINT64_MAX;

    for (struct npu_work *work = pool->all; work; work = work->next) {
        if (work->n_working == 0 && is_cancelled(work))
            pthread_cond_signal(&work->changed); /* in case that nobody woke it */
        if (work->served_ns < served_ns)
            served_ns = work->served_ns;
        if (has_jobs_locked(work) && (!least || work->served_ns < least->served_ns))
            least = work;
    }
    if (pool->all && served_ns > pool->served_ns)
        pool->served_ns = served_ns;
    if (!least)
        return NULL;
    if (!now || now->served_ns >= least->served_ns + turn_ns)
        pool->inturn = now = least;
    return has_jobs_locked(now) ? now : least;
}

/* Let a caller work, where none does and there are jobs: that of the next in line. */
static void offer_seat_locked(struct npu_threads *pool)
{
    struct npu_work *next = pool->seated ? NULL : choose_locked(pool);
    if (next)
        call_locked(next);
}

/* There are new jobs. */
static void announce_locked(struct npu_threads *pool, unsigned n_jobs)
{
    atomic_fetch_add_explicit(&pool->n_changes, 1, memory_order_relaxed);
    for (unsigned i = 0; i < n_jobs && i < pool->n_asleep; i++)
        pthread_cond_signal(&pool->wake);
    offer_seat_locked(pool);
}

/* Look for changes without the lock for a while. False: there was none. */
static bool spin_locked(struct npu_threads *pool)
{
    unsigned seen = atomic_load_explicit(&pool->n_changes, memory_order_relaxed);

    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        if (atomic_load_explicit(&pool->n_changes, memory_order_relaxed) != seen)
            break;
        spin_pause();
    }
    pthread_mutex_lock(&pool->lock);
    return atomic_load_explicit(&pool->n_changes, memory_order_relaxed) != seen;
}

/* The last that worked on a stage without jobs left gets the next one's; called and returns with
 * the lock held. */
static void next_stage_locked(struct npu_work *work)
{
    struct npu_threads *pool = work->pool;
    struct npu_jobs jobs;

    pthread_mutex_unlock(&pool->lock);
    bool more = work->stage(work->user, &jobs);
    pthread_mutex_lock(&pool->lock);
    atomic_store_explicit(&work->finished, !more, memory_order_relaxed);
    if (!more)
        return;
    work->jobs = jobs;
    atomic_store_explicit(&work->next_job, 0, memory_order_relaxed);
    announce_locked(pool, jobs.n);
}

/* Take jobs until none is left, the work is cancelled, `due_ns` has come while there are others, or
 * the caller's own work needs it no more. Without the lock. */
static void take_jobs(struct npu_work *work, unsigned worker, const struct npu_work *own,
                      uint64_t due_ns)
{
    const struct npu_jobs jobs = work->jobs;

    while (!is_cancelled(work)) {
        unsigned job = atomic_fetch_add_explicit(&work->next_job, 1, memory_order_relaxed);
        if (job >= jobs.n)
            return;
        jobs.fn(jobs.user, job, worker);
        if (own && own != work && (is_cancelled(own) || is_finished(own)))
            return;
        if (atomic_load_explicit(&work->pool->n_works, memory_order_relaxed) > 1 &&
            npu_now_ns() >= due_ns)
            return;
    }
}

/* Some jobs of a work: of one that is not in turn one. `own` is the caller's work, NULL for a
 * worker. Called and returns with the lock held. */
static void serve_locked(struct npu_work *work, unsigned worker, const struct npu_work *own)
{
    struct npu_threads *pool = work->pool;
    const uint64_t begin_ns = npu_now_ns();
    const uint64_t due_ns = begin_ns + (work == pool->inturn ? TURN_NS : 0);

    work->n_working++;
    pthread_mutex_unlock(&pool->lock);
    take_jobs(work, worker, own, due_ns);
    pthread_mutex_lock(&pool->lock);
    work->served_ns += npu_now_ns() - begin_ns;
    if (work->n_working == 1 && !is_cancelled(work) && !has_jobs_locked(work))
        next_stage_locked(work);
    work->n_working--;
    if (is_over_locked(work))
        call_locked(work);
}

/* ---- Workers --------------------------------------------------------------------------------- */

static void *worker_main(void *data)
{
    struct worker *worker = data;
    struct npu_threads *pool = worker->pool;

    pthread_mutex_lock(&pool->lock);
    while (!pool->ending) {
        struct npu_work *work = choose_locked(pool);
        if (work) {
            serve_locked(work, worker->index, NULL);
        } else if (!spin_locked(pool)) {
            pool->n_asleep++;
            pthread_cond_wait(&pool->wake, &pool->lock);
            pool->n_asleep--;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Threads meet at the lock between jobs and hold it for less than 1 us; one that finds it taken
 * gets it sooner by looking again than by sleeping. */
static void init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
    pthread_mutex_init(lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

/* n_begun: workers that run, and one for the caller. */
static void close_with(struct npu_threads *pool, unsigned n_begun)
{
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    atomic_fetch_add_explicit(&pool->n_changes, 1, memory_order_relaxed);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 1; i < n_begun; i++)
        pthread_join(pool->worker[i].thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

int npu_threads_open(struct npu_threads **out, unsigned n_threads)
{
    struct npu_threads *pool = calloc(1, sizeof(*pool) + n_threads * sizeof(pool->worker[0]));
    if (!pool)
        return -ENOMEM;
    init_lock(&pool->lock);
    pthread_cond_init(&pool->wake, NULL);
    pool->n_threads = n_threads;
    for (unsigned i = 1; i < n_threads; i++) {
        struct worker *worker = &pool->worker[i];
        *worker = (struct worker){.pool = pool, .index = i};
        int ret = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (ret) {
            close_with(pool, i);
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
    if (pool)
        close_with(pool, pool->n_threads);
}

/* ---- Callers --------------------------------------------------------------------------------- */

int npu_work_open(struct npu_work **out, struct npu_threads *threads)
{
    struct npu_work *work = calloc(1, sizeof(*work));
    if (!work)
        return -ENOMEM;
    work->pool = threads;
    pthread_cond_init(&work->changed, NULL);
    *out = work;
    return 0;
}

void npu_work_close(struct npu_work **work)
{
    if (*work) {
        pthread_cond_destroy(&(*work)->changed);
        free(*work);
    }
    *work = NULL;
}

static void enter_locked(struct npu_work *work, const struct npu_jobs *jobs)
{
    struct npu_threads *pool = work->pool;

    work->jobs = *jobs;
    atomic_store_explicit(&work->next_job, 0, memory_order_relaxed);
    atomic_store_explicit(&work->finished, false, memory_order_relaxed);
    /* who was away gets no more than one turn for it */
    if (work->served_ns + TURN_NS * pool->n_threads < pool->served_ns)
        work->served_ns = pool->served_ns - TURN_NS * pool->n_threads;
    work->next = pool->all;
    pool->all = work;
    atomic_fetch_add_explicit(&pool->n_works, 1, memory_order_relaxed);
    announce_locked(pool, jobs->n);
}

static void leave_locked(struct npu_work *work)
{
    struct npu_threads *pool = work->pool;
    struct npu_work **at = &pool->all;

    while (*at != work)
        at = &(*at)->next;
    *at = work->next;
    if (pool->inturn == work)
        pool->inturn = NULL;
    atomic_fetch_sub_explicit(&pool->n_works, 1, memory_order_relaxed);
    offer_seat_locked(pool); /* it may have been this one's */
}

/* The caller has no job to take now: until something has changed for it. */
static void await_locked(struct npu_work *work)
{
    struct npu_threads *pool = work->pool;

    if (!pool->seated && !pool->watched) {
        pool->watched = true;
        bool changed = spin_locked(pool);
        pool->watched = false;
        if (changed || is_over_locked(work))
            return;
    }
    pthread_cond_wait(&work->changed, &pool->lock);
}

int npu_work_run(struct npu_work *work, npu_stage_fn *stage, void *user, const atomic_bool *cancel)
{
    struct npu_threads *pool = work->pool;
    struct npu_jobs jobs;

    if (!stage(user, &jobs))
        return 0;
    work->stage = stage;
    work->user = user;
    work->cancel = cancel;
    pthread_mutex_lock(&pool->lock);
    enter_locked(work, &jobs);
    while (!is_over_locked(work)) {
        struct npu_work *next = pool->seated ? NULL : choose_locked(pool);
        if (next) {
            pool->seated = true;
            serve_locked(next, 0, work);
            pool->seated = false;
        } else {
            await_locked(work);
        }
    }
    leave_locked(work);
    bool finished = is_finished(work);
    pthread_mutex_unlock(&pool->lock);
    return finished ? 0 : -ECANCELED;
}

void npu_work_wake(struct npu_work *work)
{
    pthread_mutex_lock(&work->pool->lock);
    call_locked(work);
    pthread_mutex_unlock(&work->pool->lock);
}
