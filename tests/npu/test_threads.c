/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool of threads that windows share. The test has its own clock, on which a job takes 1 ms, so
 * the counts do not depend on the machine's load. Where something must not wait for a job, the test
 * holds that job until it has ended; it fails after PATIENCE_S. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "npu/cpu/threads.h"
#include "tests/check.h"

#define PATIENCE_S  60
#define JOB_NS      1000000
#define TURN_JOBS   8 /* npu/cpu/threads.c */
#define MAX_WORKS   8
#define MAX_THREADS 8

int __real_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);

static atomic_ullong clock_ns; /* of the pool */

int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
    unsigned long long ns = atomic_load(&clock_ns);
    t->tv_sec = (time_t)(ns / 1000000000);
    t->tv_nsec = (long)(ns % 1000000000);
    return 0;
}

int __real_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock);

static atomic_uint n_sleeping; /* threads and callers of a pool */

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock)
{
    atomic_fetch_add(&n_sleeping, 1);
    int ret = __real_pthread_cond_wait(cond, lock);
    atomic_fetch_sub(&n_sleeping, 1);
    return ret;
}

/* False: not within PATIENCE_S. */
static bool wait_sem(sem_t *sem)
{
    struct timespec due;
    __real_clock_gettime(CLOCK_REALTIME, &due);
    due.tv_sec += PATIENCE_S;
    while (sem_timedwait(sem, &due))
        if (errno != EINTR)
            return false;
    return true;
}

/* After a failed test some threads never end. */
static void give_up(const char *name, const char *why)
{
    check_case(false, name, "%s", why);
    int code = check_finish();
    fflush(stdout);
    _exit(code);
}

/* Waits until n threads and callers have nothing to do; all others are held meanwhile. */
static void await_sleeping(unsigned n)
{
    for (unsigned ms = 0; atomic_load(&n_sleeping) != n; ms++) {
        if (ms == PATIENCE_S * 1000)
            give_up("sleep", "a thread without a job does not sleep");
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static struct npu_threads *pool_open(unsigned n_threads)
{
    struct npu_threads *pool;
    if (npu_threads_open(&pool, n_threads))
        give_up("open", "npu_threads_open() failed");
    return pool;
}

/* ---- A work and its caller ------------------------------------------------------------------- */

struct rig;

struct run {
    struct rig *rig;
    struct npu_work *work;
    pthread_t thread, caller; /* the same */
    atomic_bool cancel;
    sem_t ended;
    int result;
    unsigned n_stages, n_jobs; /* a stage */
    npu_job_fn *job;
    bool rising;                   /* stage i has i + 1 jobs */
    unsigned stage;                /* begun */
    atomic_uint n_running, n_done; /* jobs */
    unsigned jobs_done_when_ended; /* of the whole rig */
    atomic_bool wrong;
};

struct rig {
    struct npu_threads *pool;
    unsigned n_threads;
    struct run run[MAX_WORKS];
    atomic_bool busy[MAX_THREADS];
    atomic_uint n_jobs_done;  /* of all */
    sem_t in_anothers, go_on; /* for in_anothers_job() */
    struct run *last;         /* whose job was the last that began; of one thread */
    unsigned n_changes;       /* of it */

    /* A job that is held ends when the gate opens. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n_held; /* lock */
    bool open;       /* lock */
};

static void rig_open(struct rig *rig, unsigned n_threads)
{
    *rig = (struct rig){.pool = pool_open(n_threads), .n_threads = n_threads};
    pthread_mutex_init(&rig->lock, NULL);
    pthread_cond_init(&rig->changed, NULL);
}

static void rig_close(struct rig *rig)
{
    npu_threads_close(&rig->pool);
    pthread_cond_destroy(&rig->changed);
    pthread_mutex_destroy(&rig->lock);
}

static bool next_stage(void *user, struct npu_jobs *jobs)
{
    struct run *run = user;
    unsigned done = 0;

    for (unsigned i = 0; i < run->stage; i++)
        done += run->rising ? i + 1 : run->n_jobs;
    if (atomic_load(&run->n_running) != 0 || atomic_load(&run->n_done) != done)
        atomic_store(&run->wrong, true); /* jobs of the stage before are left */
    if (run->stage == run->n_stages) {
        run->jobs_done_when_ended = atomic_load(&run->rig->n_jobs_done);
        return false;
    }
    *jobs = (struct npu_jobs){run->job, run, run->rising ? run->stage + 1 : run->n_jobs};
    run->stage++;
    return true;
}

static void begin_job(struct run *run, unsigned worker)
{
    atomic_fetch_add(&run->n_running, 1);
    if (worker >= run->rig->n_threads || atomic_exchange(&run->rig->busy[worker], true))
        atomic_store(&run->wrong, true); /* another has this worker's scratch */
}

static void end_job(struct run *run, unsigned worker)
{
    atomic_store(&run->rig->busy[worker], false);
    atomic_fetch_add(&clock_ns, JOB_NS);
    atomic_fetch_add(&run->rig->n_jobs_done, 1);
    atomic_fetch_add(&run->n_done, 1);
    atomic_fetch_sub(&run->n_running, 1);
}

static void plain_job(void *user, unsigned job, unsigned worker)
{
    begin_job(user, worker);
    end_job(user, worker);
}

static void *run_main(void *data)
{
    struct run *run = data;
    run->caller = pthread_self();
    run->result = npu_work_run(run->work, next_stage, run, &run->cancel);
    if (atomic_load(&run->n_running))
        atomic_store(&run->wrong, true); /* its memory is in use */
    sem_post(&run->ended);
    return NULL;
}

static struct run *run_begin(struct rig *rig, unsigned i, unsigned n_stages, unsigned n_jobs,
                             npu_job_fn *job)
{
    struct run *run = &rig->run[i];
    *run = (struct run){.rig = rig, .n_stages = n_stages, .n_jobs = n_jobs, .job = job};
    run->rising = n_jobs == 0;
    sem_init(&run->ended, 0, 0);
    if (npu_work_open(&run->work, rig->pool))
        give_up("open", "npu_work_open() failed");
    pthread_create(&run->thread, NULL, run_main, run);
    return run;
}

/* False: it does not end. */
static bool run_end(struct run *run)
{
    if (!wait_sem(&run->ended))
        return false;
    pthread_join(run->thread, NULL);
    sem_destroy(&run->ended);
    npu_work_close(&run->work);
    return true;
}

/* ---- Jobs that are held ---------------------------------------------------------------------- */

static void hold(struct rig *rig)
{
    pthread_mutex_lock(&rig->lock);
    rig->n_held++;
    pthread_cond_broadcast(&rig->changed);
    while (!rig->open)
        __real_pthread_cond_wait(&rig->changed, &rig->lock);
    pthread_mutex_unlock(&rig->lock);
}

static void await_held(struct rig *rig, unsigned n)
{
    struct timespec due;
    __real_clock_gettime(CLOCK_REALTIME, &due);
    due.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&rig->lock);
    while (rig->n_held < n)
        if (pthread_cond_timedwait(&rig->changed, &rig->lock, &due) == ETIMEDOUT)
            give_up("hold", "the jobs that the test holds back do not begin");
    pthread_mutex_unlock(&rig->lock);
}

static void open_gate(struct rig *rig)
{
    pthread_mutex_lock(&rig->lock);
    rig->open = true;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

static void held_job(void *user, unsigned job, unsigned worker)
{
    struct run *run = user;
    begin_job(run, worker);
    hold(run->rig);
    end_job(run, worker);
}

/* Holds only the job that worker 0 takes; others end after that has begun, so that it gets one. */
static void held_job_of_caller(void *user, unsigned job, unsigned worker)
{
    struct run *run = user;
    begin_job(run, worker);
    if (worker == 0)
        hold(run->rig);
    else
        await_held(run->rig, 1);
    end_job(run, worker);
}

static void held_job_of_worker(void *user, unsigned job, unsigned worker)
{
    struct run *run = user;
    begin_job(run, worker);
    if (worker != 0)
        hold(run->rig);
    else
        await_held(run->rig, 1);
    end_job(run, worker);
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* Stages of 1, 2, ... jobs by several callers at once: each job once, stage after stage, no two of
 * the same worker at the same time. */
static void test_jobs(void)
{
    static const unsigned threads[] = {1, 2, 3, MAX_THREADS};
    enum { STAGES = 40 };

    for (unsigned t = 0; t < sizeof(threads) / sizeof(threads[0]); t++) {
        for (unsigned n = 1; n <= MAX_WORKS; n = n == 1 ? 3 : n == 3 ? MAX_WORKS : n + 1) {
            struct rig rig;
            char name[64];
            bool right = true;
            snprintf(name, sizeof(name), "threads_%u_with_%u_works_run_each_job_once", threads[t],
                     n);
            rig_open(&rig, threads[t]);
            for (unsigned i = 0; i < n; i++)
                run_begin(&rig, i, STAGES, 0, plain_job);
            for (unsigned i = 0; i < n; i++) {
                if (!run_end(&rig.run[i]))
                    give_up(name, "a work does not end");
                right &= rig.run[i].result == 0 && !rig.run[i].wrong &&
                         rig.run[i].n_done == STAGES * (STAGES + 1) / 2;
            }
            check_case(right, name, "%u jobs", rig.n_jobs_done);
            rig_close(&rig);
        }
    }
}

/* Jobs of others hold all threads; a caller that waits for a turn leaves at once. */
static void test_cancel_in_line(void)
{
    for (unsigned n_threads = 1; n_threads <= 2; n_threads++) {
        struct rig rig;
        const char *name = "threads_cancelled_in_line_waits_for_nobodys_job";
        rig_open(&rig, n_threads);
        struct run *other = run_begin(&rig, 0, 2, 2, held_job);
        await_held(&rig, n_threads);
        for (unsigned i = 0; i < 2; i++) { /* in the queue, and before it */
            struct run *run = run_begin(&rig, 1, 2, 2, plain_job);
            if (i == 0)
                await_sleeping(1);
            atomic_store(&run->cancel, true);
            npu_work_wake(run->work);
            if (!run_end(run))
                give_up(name, "it waits for the held jobs of another work");
            check_case(run->result == -ECANCELED && run->n_done == 0 && other->n_done == 0, name,
                       "%u threads: returned %d, %u own jobs done", n_threads, run->result,
                       run->n_done);
        }
        open_gate(&rig);
        if (!run_end(other))
            give_up(name, "the other work does not end");
        check_case(other->result == 0 && other->n_done == 4, "threads_go_on_after_a_cancel",
                   "returned %d, %u jobs", other->result, other->n_done);
        rig_close(&rig);
    }
}

/* Running jobs end, no other begins. */
static void test_cancel_running(void)
{
    for (unsigned n_threads = 1; n_threads <= 3; n_threads++) {
        struct rig rig;
        const char *name = "threads_cancelled_ends_with_its_running_jobs";
        rig_open(&rig, n_threads);
        struct run *run = run_begin(&rig, 0, 3, 20, held_job);
        await_held(&rig, n_threads);
        atomic_store(&run->cancel, true);
        npu_work_wake(run->work);
        open_gate(&rig);
        if (!run_end(run))
            give_up(name, "it does not end");
        check_case(run->result == -ECANCELED && run->n_done == n_threads && !run->wrong, name,
                   "%u threads: returned %d, %u jobs done", n_threads, run->result, run->n_done);
        rig_close(&rig);
    }
}

/* Jobs of the second work, for the caller of the first: the first one ends when the test says so. */
static void in_anothers_job(void *user, unsigned job, unsigned worker)
{
    struct run *run = user;
    begin_job(run, worker);
    if (run == &run->rig->run[0] && run->stage == 1)
        hold(run->rig);
    if (run == &run->rig->run[1] && pthread_equal(pthread_self(), run->rig->run[0].caller)) {
        sem_post(&run->rig->in_anothers);
        wait_sem(&run->rig->go_on);
        run->rig->n_changes++;
    }
    end_job(run, worker);
}

/* A caller that is in another's job when its own work is cancelled ends that job and leaves. */
static void test_cancel_in_anothers(void)
{
    const char *name = "threads_cancelled_takes_no_more_of_anothers_jobs";
    struct rig rig;

    rig_open(&rig, 1);
    sem_init(&rig.in_anothers, 0, 0);
    sem_init(&rig.go_on, 0, 0);
    struct run *run = run_begin(&rig, 0, 50, 20, in_anothers_job);
    await_held(&rig, 1);
    struct run *other = run_begin(&rig, 1, 50, 20, in_anothers_job);
    await_sleeping(1);
    open_gate(&rig);
    if (!wait_sem(&rig.in_anothers))
        give_up(name, "the first caller takes no job of the second work");
    atomic_store(&run->cancel, true);
    npu_work_wake(run->work);
    sem_post(&rig.go_on);
    if (!run_end(run))
        give_up(name, "it does not end");
    check_case(run->result == -ECANCELED && rig.n_changes == 1, name,
               "returned %d after %u of another's jobs", run->result, rig.n_changes);
    if (!run_end(other))
        give_up(name, "the other does not end");
    check_case(other->result == 0 && other->n_done == 50 * 20 && !other->wrong,
               "threads_go_on_after_a_helper_left", "%u jobs", other->n_done);
    sem_destroy(&rig.in_anothers);
    sem_destroy(&rig.go_on);
    rig_close(&rig);
}

/* The last job of a stage is held, by the caller or by a thread of the pool; the others do all of
 * another work meanwhile. */
static void test_no_waiting(void)
{
    static const struct {
        const char *name;
        npu_job_fn *job;
    } rows[] = {{"threads_end_anothers_work_while_a_caller_is_in_its_job", held_job_of_caller},
                {"threads_end_anothers_work_while_a_worker_is_in_its_job", held_job_of_worker}};

    for (unsigned i = 0; i < 2; i++) {
        struct rig rig;
        rig_open(&rig, 2);
        struct run *slow = run_begin(&rig, 0, 1, 2, rows[i].job);
        await_held(&rig, 1);
        struct run *run = run_begin(&rig, 1, 30, 3, plain_job);
        if (!run_end(run))
            give_up(rows[i].name, "it waits for the end of another's stage");
        check_case(run->result == 0 && run->n_done == 90 && !run->wrong, rows[i].name,
                   "%u jobs of it, %u of the other", run->n_done, slow->n_done);
        open_gate(&rig);
        if (!run_end(slow))
            give_up(rows[i].name, "the other does not end");
        rig_close(&rig);
    }
}

/* Holds the first one until all works are in the queue. */
static void gathering_job(void *user, unsigned job, unsigned worker)
{
    struct run *run = user;
    begin_job(run, worker);
    if (run == &run->rig->run[0] && run->stage == 1)
        hold(run->rig);
    end_job(run, worker);
}

/* Equal loads side by side: when the first ends, the others have done 95 % of their jobs. One
 * thread, because of several one might get less time from the machine. */
static void test_equal(void)
{
    enum { STAGES = 44, JOBS = 15 };

    for (unsigned n = 2; n <= MAX_WORKS; n *= 2) {
        struct rig rig;
        char name[64];
        unsigned first = UINT32_MAX, last = 0;
        bool right = true;

        snprintf(name, sizeof(name), "threads_end_%u_equal_works_together", n);
        rig_open(&rig, 1);
        run_begin(&rig, 0, STAGES, JOBS, gathering_job);
        await_held(&rig, 1);
        for (unsigned i = 1; i < n; i++)
            run_begin(&rig, i, STAGES, JOBS, gathering_job);
        await_sleeping(n - 1);
        open_gate(&rig);
        for (unsigned i = 0; i < n; i++) {
            if (!run_end(&rig.run[i]))
                give_up(name, "a work does not end");
            unsigned ended = rig.run[i].jobs_done_when_ended;
            right &= rig.run[i].result == 0 && !rig.run[i].wrong;
            first = ended < first ? ended : first;
            last = ended > last ? ended : last;
        }
        check_case(right && (last - first) * 20 <= last, name,
                   "the first after %u of %u jobs, the last after %u", first, n * STAGES * JOBS,
                   last);
        rig_close(&rig);
    }
}

static void counting_job(void *user, unsigned job, unsigned worker)
{
    struct run *run = user;
    run->rig->n_changes += run->rig->last != run;
    run->rig->last = run;
    gathering_job(user, job, worker);
}

/* A thread stays with a work for a turn, whatever the length of its stages: what a stage has left in
 * the caches is there for the next. */
static void test_stays(void)
{
    enum { STAGES = 80, JOBS = 2, WORKS = 4 };
    const char *name = "threads_stay_for_a_turn";
    struct rig rig;

    rig_open(&rig, 1);
    run_begin(&rig, 0, STAGES, JOBS, counting_job);
    await_held(&rig, 1);
    for (unsigned i = 1; i < WORKS; i++)
        run_begin(&rig, i, STAGES, JOBS, counting_job);
    await_sleeping(WORKS - 1);
    open_gate(&rig);
    for (unsigned i = 0; i < WORKS; i++)
        if (!run_end(&rig.run[i]))
            give_up(name, "a work does not end");
    check_case(rig.n_changes >= WORKS && rig.n_changes <= WORKS * STAGES * JOBS / TURN_JOBS + WORKS,
               name, "%u changes in %u jobs of stages of %u", rig.n_changes, WORKS * STAGES * JOBS,
               JOBS);
    rig_close(&rig);
}

/* A stage of many jobs does not keep a small work waiting: that one has a turn for each of the
 * other's. */
static void test_turns(void)
{
    enum { STAGES = 10, JOBS = 2000 };
    const char *name = "threads_turns_bound_what_a_small_work_waits";
    struct rig rig;

    rig_open(&rig, 1);
    struct run *large = run_begin(&rig, 0, 2, JOBS, gathering_job);
    await_held(&rig, 1);
    struct run *small = run_begin(&rig, 1, STAGES, 1, plain_job);
    await_sleeping(1);
    open_gate(&rig);
    if (!run_end(small) || !run_end(large))
        give_up(name, "a work does not end");
    check_case(small->jobs_done_when_ended <= (STAGES + 2) * (TURN_JOBS + 1), name,
               "%u jobs of the large one before the small one's end",
               small->jobs_done_when_ended - STAGES);
    rig_close(&rig);
}

static double cpu_ms(void)
{
    struct timespec t;
    __real_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* In processor time, which other processes do not change. */
static void test_idle(void)
{
    struct rig rig;

    rig_open(&rig, MAX_THREADS);
    for (unsigned i = 0; i < 3; i++)
        run_begin(&rig, i, 10, 30, plain_job);
    for (unsigned i = 0; i < 3; i++)
        if (!run_end(&rig.run[i]))
            give_up("threads_sleep_without_work", "a work does not end");
    double before = cpu_ms();
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    double idle = cpu_ms() - before;
    struct run *held = run_begin(&rig, 0, 1, 1, held_job);
    await_held(&rig, 1);
    before = cpu_ms();
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    double waiting = cpu_ms() - before;
    open_gate(&rig);
    run_end(held);
    check_case(idle < 30 && waiting < 30, "threads_sleep_without_work",
               "%.2f ms of processor time in 300 ms, %.2f ms beside a job that waits", idle,
               waiting);
    rig_close(&rig);
}

int main(void)
{
    test_jobs();
    test_cancel_in_line();
    test_cancel_running();
    test_cancel_in_anothers();
    test_no_waiting();
    test_equal();
    test_stays();
    test_turns();
    test_idle();
    return check_finish();
}
