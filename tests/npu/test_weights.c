/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several loads in one process, each stopped in the middle of its file: encoders of other weights
 * open and close meanwhile, those of the same weights wait for it, share its result or load
 * themselves.
 *
 * Linked with --wrap=pread,pread64, which stop a load, and --wrap=pthread_cond_timedwait, which
 * notices that one waits. Lock order: the core's before `lock`, a leaf. */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "npu/clock.h"
#include "tests/check.h"
#include "tests/npu/encoder_input.h"
#include "tests/npu/encoder_rig.h"
#include "tests/small_model.h"

#define PATIENCE_NS UINT64_C(20000000000) /* a wait that takes longer is an error */

static char path[64];
static struct npu_device *device;
static float *mel;

/* ---- Loads in threads of their own ----------------------------------------------------------- */

/* Opens an encoder. */
struct task {
    pthread_t thread;
    const char *profile;
    struct npu_model *model;
    struct npu_encoder *encoder;
    struct npu_error err;
    bool closes;                   /* at once */
    const struct task *sleeps_for; /* as a waiter wakes only when that is done; NULL: at once */
    bool joined;

    /* lock */
    bool held;      /* reads wait */
    int read_error; /* of every read; 0: none */
    unsigned reads; /* begun */
    bool waits;     /* for another load */
    bool done;
    int result;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static _Thread_local struct task *task_here; /* NULL: none of those */

ssize_t __real_pread(int fd, void *dst, size_t n, off_t offset);
ssize_t __wrap_pread(int fd, void *dst, size_t n, off_t offset);
ssize_t __wrap_pread64(int fd, void *dst, size_t n, off_t offset);
int __real_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *due);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *due);

ssize_t __wrap_pread(int fd, void *dst, size_t n, off_t offset)
{
    struct task *t = task_here;
    int error = 0;

    if (t) {
        pthread_mutex_lock(&lock);
        t->reads++;
        pthread_cond_broadcast(&changed);
        while (t->held)
            pthread_cond_wait(&changed, &lock);
        error = t->read_error;
        pthread_mutex_unlock(&lock);
    }
    if (error) {
        errno = error;
        return -1;
    }
    return __real_pread(fd, dst, n, offset);
}

/* what the C library calls pread() where off_t was made 64 bits */
ssize_t __wrap_pread64(int fd, void *dst, size_t n, off_t offset)
{
    return __wrap_pread(fd, dst, n, offset);
}

/* Whether the event happens within PATIENCE_NS. */
enum event { READS, WAITS, DONE };
static bool task_await(const struct task *t, enum event event)
{
    uint64_t due = npu_due_ns(PATIENCE_NS);
    bool is = false, in_time = true;

    pthread_mutex_lock(&lock);
    while (!is && in_time) {
        is = event == READS ? t->reads > 0 : event == WAITS ? t->waits : t->done;
        if (!is)
            in_time = npu_cond_wait(&changed, &lock, due);
    }
    pthread_mutex_unlock(&lock);
    return is;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *due)
{
    struct task *t = task_here;

    if (!t || cond == &changed)
        return __real_pthread_cond_timedwait(cond, mutex, due);
    pthread_mutex_lock(&lock);
    t->waits = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    if (!t->sleeps_for)
        return __real_pthread_cond_timedwait(cond, mutex, due);
    pthread_mutex_unlock(mutex);
    task_await(t->sleeps_for, DONE);
    pthread_mutex_lock(mutex);
    return 0;
}

static void *task_main(void *user)
{
    struct task *t = user;
    const struct npu_encoder_params params = {.profile = t->profile, .depth = 1};

    task_here = t;
    int ret = npu_encoder_open(&t->encoder, t->model, device, &params, &t->err);
    task_here = NULL;
    if (ret == 0 && t->closes)
        npu_encoder_close(&t->encoder);
    pthread_mutex_lock(&lock);
    t->result = ret;
    t->done = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void task_start(struct task *t, const char *profile)
{
    t->profile = profile;
    if (npu_model_open(&t->model, path, &t->err) ||
        pthread_create(&t->thread, NULL, task_main, t)) {
        check_case(false, "start", "%s", t->err.text);
        exit(check_finish());
    }
}

static void task_release(struct task *t)
{
    pthread_mutex_lock(&lock);
    t->held = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int task_join(struct task *t)
{
    task_release(t);
    if (!t->joined)
        pthread_join(t->thread, NULL);
    t->joined = true;
    return t->result;
}

static void task_close(struct task *t)
{
    npu_encoder_close(&t->encoder);
    npu_model_close(&t->model);
}

static uint64_t hash_of(struct npu_encoder *encoder)
{
    struct rig rig = {.encoder = encoder};
    if (!encoder)
        return 0;
    npu_encoder_get_info(encoder, &rig.info);
    float *features = rig_encode(&rig, mel);
    uint64_t hash = hash_features(&rig.info, features);
    free(features);
    return hash;
}

/* The hash from an undisturbed encoder, and the reads of a whole load. */
static uint64_t undisturbed(const char *profile, unsigned *reads)
{
    struct task t = {.result = 0};

    task_start(&t, profile);
    task_join(&t);
    uint64_t hash = hash_of(t.encoder);
    *reads = t.reads;
    task_close(&t);
    return hash;
}

/* ---- Other weights --------------------------------------------------------------------------- */

static void *close_main(void *user)
{
    struct task *t = user;
    npu_encoder_close(&t->encoder);
    pthread_mutex_lock(&lock);
    t->done = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Whether closing waits for nothing; the caller joins the task again. */
static bool task_close_beside(struct task *t)
{
    task_join(t);
    t->done = t->joined = false;
    if (pthread_create(&t->thread, NULL, close_main, t))
        abort();
    return task_await(t, DONE);
}

static void test_others(void)
{
    struct task loaded = {.result = 0}, held = {.held = true}, again = {.result = 0},
                other = {.result = 0};

    task_start(&loaded, "int8");
    task_join(&loaded);
    task_start(&held, "npu");
    bool holds = task_await(&held, READS);

    task_start(&again, "int8");
    bool shares = task_await(&again, DONE);
    check_case(holds && shares && again.reads == 0,
               "loaded_weights_are_shared_while_others_are_loaded", "%s, %u reads",
               shares ? "opened" : "waits for them", again.reads);
    task_start(&other, "f32");
    bool beside = task_await(&other, DONE);
    check_case(holds && beside && other.reads > 0, "weights_are_loaded_while_others_are_loaded",
               "%s, %u reads", beside ? "opened" : "waits for them", other.reads);

    /* Both users of the int8 weights, so that they are freed as well. */
    bool closed = task_close_beside(&loaded) && shares && task_close_beside(&again);
    check_case(holds && closed, "weights_are_put_while_others_are_loaded", "%s",
               closed ? "closed" : "waits for them");

    int ret = task_join(&held);
    check_case(ret == 0 && hash_of(held.encoder) != 0, "a_load_that_was_held_up_goes_on", "%d, %s",
               ret, held.err.text);
    task_join(&loaded);
    task_join(&again);
    task_join(&other);
    task_close(&loaded);
    task_close(&again);
    task_close(&other);
    task_close(&held);
}

/* ---- The same weights ------------------------------------------------------------------------ */

static void test_cancelled_waiter(void)
{
    struct task first = {.held = true}, waiter = {.result = 0};

    task_start(&first, "int8");
    bool reads = task_await(&first, READS);
    task_start(&waiter, "int8");
    bool waits = task_await(&waiter, WAITS);
    npu_model_cancel(waiter.model);
    bool done = task_await(&waiter, DONE);
    int ret = task_join(&first), cancelled = task_join(&waiter);
    check_case(reads && waits && done && cancelled == -ECANCELED && waiter.err.text[0] &&
                   waiter.reads == 0,
               "a_waiter_is_cancelled_while_the_first_loads", "%s, %d, %s",
               done ? "at once" : "only after it", cancelled, waiter.err.text);
    check_case(ret == 0, "the_first_does_not_notice", "%d, %s", ret, first.err.text);
    task_close(&first);
    task_close(&waiter);
}

/* The first is cancelled or cannot read; one of those that waited loads, for all of them. */
static void check_first_fails(const char *name, int read_error, int expected)
{
    struct task first = {.held = true, .read_error = read_error}, waiter[2] = {{.result = 0}};
    unsigned whole;
    uint64_t hash = undisturbed("int8", &whole);
    bool right = true;

    task_start(&first, "int8");
    right &= task_await(&first, READS);
    for (unsigned i = 0; i < 2; i++) {
        task_start(&waiter[i], "int8");
        right &= task_await(&waiter[i], WAITS);
    }
    if (!read_error)
        npu_model_cancel(first.model);
    int ret = task_join(&first);
    for (unsigned i = 0; i < 2; i++) {
        right &= task_join(&waiter[i]) == 0;
        right &= hash_of(waiter[i].encoder) == hash;
    }
    check_case(right && ret == expected && waiter[0].reads + waiter[1].reads == whole, name,
               "the first %d, the others %d and %d (%s), %u and %u of %u reads, bits %s", ret,
               waiter[0].result, waiter[1].result, waiter[0].err.text, waiter[0].reads,
               waiter[1].reads, whole, right ? "right" : "or waits wrong");
    for (unsigned i = 0; i < 2; i++)
        task_close(&waiter[i]);
    task_close(&first);
}

/* The first has closed before those that wait wake: they get the weights nevertheless. */
static void test_waiters_share(void)
{
    struct task first = {.held = true, .closes = true}, waiter[2] = {{.result = 0}};
    unsigned whole, after;
    uint64_t hash = undisturbed("npu", &whole);
    bool right = true;

    task_start(&first, "npu");
    right &= task_await(&first, READS);
    for (unsigned i = 0; i < 2; i++) {
        waiter[i].sleeps_for = &first;
        task_start(&waiter[i], "npu");
        right &= task_await(&waiter[i], WAITS);
    }
    right &= task_join(&first) == 0;
    for (unsigned i = 0; i < 2; i++) {
        right &= task_join(&waiter[i]) == 0;
        right &= hash_of(waiter[i].encoder) == hash;
    }
    check_case(right && first.reads == whole && waiter[0].reads + waiter[1].reads == 0,
               "two_waiters_share_one_load", "%u of %u reads, then %u and %u, bits %s", first.reads,
               whole, waiter[0].reads, waiter[1].reads, right ? "right" : "or waits wrong");
    for (unsigned i = 0; i < 2; i++)
        task_close(&waiter[i]);
    task_close(&first);
    undisturbed("npu", &after);
    check_case(after == whole && after > 0, "the_last_one_frees_them", "%u of %u reads", after,
               whole);
}

int main(void)
{
    struct npu_error err = {""};
    const struct npu_device_params params = {.name = "cpu", .threads = 1};

    npu_cond_init(&changed);
    snprintf(path, sizeof(path), "test-weights-%d.safetensors", (int)getpid());
    if (test_small_model_write(path, 80, 128, 4, 150, 1) ||
        npu_device_open(&device, &params, &err)) {
        check_case(false, "open", "%s: %s", path, err.text);
        return check_finish();
    }
    mel = lcg_mel(3, 80);
    test_others();
    test_cancelled_waiter();
    check_first_fails("waiters_load_where_the_first_is_cancelled", 0, -ECANCELED);
    check_first_fails("waiters_load_where_the_first_cannot_read", EIO, -EIO);
    test_waiters_share();
    free(mel);
    npu_device_close(&device);
    unlink(path);
    return check_finish();
}
