/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A queue of launches: one thread runs them in order, another reports them, so that a deadline is
 * kept whatever the backend does. Lock order: a context's `lock`, then what the backend's begin()
 * takes; run() and reports go without it. */
#include "npu/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/backend.h"
#include "npu/log.h"
#include "npu/txn/txn.h"

enum phase { WAITING, RUNNING, ENDED };

struct entry {
    struct npu_call call;
    struct npu_memory *memory[NPU_MAX_SPANS];
    struct npu_memory *words; /* NULL: none */
    npu_done_fn *done;
    void *done_user;
    uint64_t deadline_ns, due_ns; /* due_ns: from its start on */
    enum phase phase;
    int result;
    struct npu_error err;
};

struct report {
    int result;
    uint64_t run_ns, modelled_ns;
    struct npu_error err;
};

struct npu_context {
    const struct npu_launch_ops *ops;
    struct npu_device *device;
    void *state;
    enum npu_code_kind kind;
    struct npu_memory *words; /* WORDS: the code's own; NULL: none */
    char name[64];
    pthread_t runner, reporter;
    atomic_bool cancel; /* what a running call looks at */

    pthread_mutex_t lock;
    pthread_cond_t work, ended_one, changed; /* for the runner, the reporter, everybody else */
    /* all below: lock */
    struct entry ring[NPU_MAX_FLIGHT];
    struct report report[NPU_MAX_RESULTS];
    uint64_t submitted, ended, reported; /* launches; entry = number % NPU_MAX_FLIGHT */
    bool cancelled, lost, closing, runner_gone;
    bool reporting;   /* a report is being taken */
    bool left_behind; /* closed; the running launch is given up */
    bool orphan;      /* the runner frees the context */
};

static struct entry *entry_of(struct npu_context *c, uint64_t number)
{
    return &c->ring[number % NPU_MAX_FLIGHT];
}

static void drop_memories(struct entry *e)
{
    for (unsigned i = 0; i < e->call.n_spans; i++)
        npu_memory_drop(e->memory[i]);
    if (e->words)
        npu_memory_drop(e->words);
}

/* ---- The two threads ------------------------------------------------------------------------- */

static void free_context(struct npu_context *c)
{
    c->ops->context_close(c->state);
    npu_memory_close(&c->words);
    if (c->ops->max_contexts)
        atomic_fetch_sub(c->ops->n_contexts, 1);
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->ended_one);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* Run the oldest launch that has not ended; called and returns with the lock held. */
static void run_one_locked(struct npu_context *c)
{
    struct entry *e = entry_of(c, c->ended);

    if (c->cancelled && !c->ops->begin) {
        e->result = npu_fail(&e->err, -ECANCELED, "%s: cancelled before its start", c->name);
    } else {
        e->phase = RUNNING;
        e->due_ns =
            e->deadline_ns == NPU_TIMEOUT_NONE ? NPU_TIMEOUT_NONE : npu_due_ns(e->deadline_ns);
        if (e->due_ns != NPU_TIMEOUT_NONE)
            pthread_cond_signal(&c->ended_one);
        /* One of its own: a late launch is reported while it still writes to its call. */
        struct npu_call call = e->call;
        pthread_mutex_unlock(&c->lock);
        struct npu_error err = {""};
        uint64_t start = npu_now_ns();
        int result = c->ops->run(c->state, &call, &err);
        call.run_ns = npu_now_ns() - start;
        pthread_mutex_lock(&c->lock);
        if (!c->lost) { /* else it has been reported */
            e->call = call;
            e->result = result;
            e->err = err;
            if (result && !err.text[0])
                npu_fail(&e->err, result, "%s: launch %llu failed: %s", c->name,
                         (unsigned long long)(c->ended + 1), strerror(-result));
        }
    }
    e->phase = ENDED;
    drop_memories(e);
    c->ended++;
    pthread_cond_signal(&c->ended_one);
    pthread_cond_broadcast(&c->changed);
}

static void *runner_main(void *data)
{
    struct npu_context *c = data;

    pthread_mutex_lock(&c->lock);
    while (!c->lost && !(c->closing && c->ended == c->submitted)) {
        if (c->ended < c->submitted)
            run_one_locked(c);
        else
            pthread_cond_wait(&c->work, &c->lock);
    }
    c->runner_gone = true;
    bool last = c->orphan;
    pthread_cond_signal(&c->ended_one);
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    if (last)
        free_context(c);
    return NULL;
}

/* The running launch is late: the context is lost, and with it those after. */
static void lose_locked(struct npu_context *c)
{
    struct entry *e = entry_of(c, c->reported);

    c->lost = true;
    c->cancelled = true;
    atomic_store(&c->cancel, true); /* for host code that looks at it */
    if (c->left_behind)
        e->result = npu_fail(&e->err, -ETIMEDOUT, "%s: launch %llu had not ended at the close",
                             c->name, (unsigned long long)(c->reported + 1));
    else
        e->result =
            npu_fail(&e->err, -ETIMEDOUT,
                     "%s: launch %llu did not end within %.3f s; its buffers stay in "
                     "quarantine until it has",
                     c->name, (unsigned long long)(c->reported + 1), (double)e->deadline_ns * 1e-9);
    for (uint64_t i = c->reported + 1; i < c->submitted; i++) {
        struct entry *after = entry_of(c, i);
        after->phase = ENDED;
        after->result = npu_fail(&after->err, -EIO, "%s: launch %llu came after one that is late",
                                 c->name, (unsigned long long)(i + 1));
        drop_memories(after);
    }
    pthread_cond_signal(&c->work);
}

/* Report the oldest launch; called and returns with the lock held. */
static void report_locked(struct npu_context *c)
{
    struct entry *e = entry_of(c, c->reported);
    struct report *r = &c->report[c->reported % NPU_MAX_RESULTS];
    npu_done_fn *done = e->done;
    void *done_user = e->done_user;
    struct npu_call call = e->call;

    r->result = e->result;
    r->run_ns = e->call.run_ns;
    r->modelled_ns = e->call.modelled_ns;
    r->err = e->err;
    struct npu_error err = e->err;
    int result = e->result;
    uint64_t ticket = ++c->reported;
    pthread_cond_broadcast(&c->changed);
    if (!done)
        return;
    c->reporting = true;
    pthread_mutex_unlock(&c->lock);
    done(done_user, ticket, result, &call, &err);
    pthread_mutex_lock(&c->lock);
    c->reporting = false;
    pthread_cond_broadcast(&c->changed);
}

static void *reporter_main(void *data)
{
    struct npu_context *c = data;

    pthread_mutex_lock(&c->lock);
    for (;;) {
        struct entry *e = entry_of(c, c->reported);
        bool any = c->reported < c->submitted;
        if (!any && c->closing)
            break;
        if (any && (e->phase == ENDED || c->lost)) {
            report_locked(c);
            continue;
        }
        uint64_t due_ns = any && e->phase == RUNNING ? e->due_ns : NPU_TIMEOUT_NONE;
        if (any && e->phase == RUNNING && (c->left_behind || npu_now_ns() >= due_ns))
            lose_locked(c);
        else
            npu_cond_wait(&c->ended_one, &c->lock, due_ns);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static int check_words(const struct npu_code *code, struct npu_error *err)
{
    struct npu_txn_device device;
    struct npu_txn_op *ops = NULL;
    size_t n_ops = 0;

    if (!code->program || !code->program[0] || strchr(code->program, '/'))
        return npu_fail(err, -EINVAL, "\"%s\" names no array program, expected one as \"encoder\"",
                        code->program ? code->program : "");
    if (!code->words)
        return 0;
    int ret = npu_txn_decode(&ops, &n_ops, &device, code->words, code->n_words, err);
    free(ops);
    return ret;
}

static int check_code(const struct npu_code *code, struct npu_error *err)
{
    switch (code->kind) {
    case NPU_CODE_HOST:
        return code->call ? 0 : npu_fail(err, -EINVAL, "code of the host without a function");
    case NPU_CODE_DESIGN:
        return code->text ? 0 : npu_fail(err, -EINVAL, "a design without text");
    case NPU_CODE_WORDS:
        return check_words(code, err);
    }
    return npu_fail(err, -EINVAL, "code of kind %d, expected host, design or words",
                    (int)code->kind);
}

/* The code's own words into memory of the device. */
static int copy_words(struct npu_context *c, const struct npu_code *code, struct npu_error *err)
{
    const size_t bytes = code->n_words * sizeof(*code->words);

    if (code->kind != NPU_CODE_WORDS || !code->words)
        return 0;
    int ret = npu_memory_open(&c->words, c->device, NPU_MEMORY_CODE, bytes, err);
    if (ret)
        return ret;
    memcpy(npu_memory_map(c->words), code->words, bytes);
    return npu_memory_sync(c->words, NPU_TO_DEVICE, 0, bytes, err);
}

static int take_context(const struct npu_backend *backend, struct npu_error *err)
{
    const struct npu_launch_ops *ops = backend->launch;

    if (ops->max_contexts && atomic_fetch_add(ops->n_contexts, 1) >= ops->max_contexts) {
        atomic_fetch_sub(ops->n_contexts, 1);
        return npu_fail(err, -ENOENT, "all %u contexts of device %s are in use", ops->max_contexts,
                        backend->name);
    }
    return 0;
}

static int start_threads(struct npu_context *c, struct npu_error *err)
{
    int ret = pthread_create(&c->runner, NULL, runner_main, c);
    if (ret)
        return npu_fail(err, -ret, "%s: cannot start the queue's thread", c->name);
    ret = pthread_create(&c->reporter, NULL, reporter_main, c);
    if (ret) {
        pthread_mutex_lock(&c->lock);
        c->closing = true;
        pthread_cond_signal(&c->work);
        pthread_mutex_unlock(&c->lock);
        pthread_join(c->runner, NULL);
        return npu_fail(err, -ret, "%s: cannot start the reporting thread", c->name);
    }
    pthread_setname_np(c->runner, "npu-queue");
    pthread_setname_np(c->reporter, "npu-report");
    return 0;
}

int npu_context_open(struct npu_context **out, struct npu_device *device,
                     const struct npu_code *code, struct npu_error *err)
{
    const struct npu_launch_ops *ops = device->backend->launch;
    void *state;

    if (!ops)
        return npu_fail(err, -ENOTSUP, "device %s takes no launches", device->backend->name);
    int ret = check_code(code, err);
    if (ret == 0)
        ret = take_context(device->backend, err);
    if (ret)
        return ret;
    ret = ops->context_open(&state, device, code, err);
    struct npu_context *c = ret ? NULL : calloc(1, sizeof(*c));
    if (ret == 0 && !c) {
        ops->context_close(state);
        ret = npu_fail(err, -ENOMEM, "out of memory");
    }
    if (ret) {
        if (ops->max_contexts)
            atomic_fetch_sub(ops->n_contexts, 1);
        return ret;
    }
    c->ops = ops;
    c->device = device;
    c->state = state;
    c->kind = code->kind;
    snprintf(c->name, sizeof(c->name), "%s", code->name ? code->name : "code");
    pthread_mutex_init(&c->lock, NULL);
    npu_cond_init(&c->work);
    npu_cond_init(&c->ended_one);
    npu_cond_init(&c->changed);
    ret = copy_words(c, code, err);
    if (ret == 0)
        ret = start_threads(c, err);
    if (ret) {
        free_context(c);
        return ret;
    }
    *out = c;
    return 0;
}

static void cancel_locked(struct npu_context *c)
{
    c->cancelled = true;
    atomic_store(&c->cancel, true);
    pthread_cond_broadcast(&c->changed);
}

int npu_context_close(struct npu_context **context, uint64_t grace_ns)
{
    struct npu_context *c = *context;
    uint64_t due_ns = npu_due_ns(grace_ns);

    *context = NULL;
    if (!c)
        return 0;
    pthread_mutex_lock(&c->lock);
    cancel_locked(c);
    c->closing = true;
    pthread_cond_signal(&c->work);
    pthread_cond_signal(&c->ended_one);
    while (!c->runner_gone && npu_cond_wait(&c->changed, &c->lock, due_ns))
        ;
    c->left_behind = !c->runner_gone;
    pthread_cond_signal(&c->ended_one);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->reporter, NULL);
    pthread_mutex_lock(&c->lock);
    c->orphan = !c->runner_gone;
    bool orphan = c->orphan;
    pthread_t runner = c->runner;
    char name[sizeof(c->name)];
    memcpy(name, c->name, sizeof(name));
    pthread_mutex_unlock(&c->lock);
    if (orphan) { /* it may be gone by now */
        pthread_detach(runner);
        npu_log(NPU_LOG_WARNING, "%s: closed with a launch that does not end", name);
        return -ETIMEDOUT;
    }
    pthread_join(runner, NULL);
    free_context(c);
    return 0;
}

void npu_context_cancel(struct npu_context *context)
{
    pthread_mutex_lock(&context->lock);
    cancel_locked(context);
    pthread_mutex_unlock(&context->lock);
}

int npu_context_resume(struct npu_context *c, uint64_t timeout_ns)
{
    uint64_t due_ns = npu_due_ns(timeout_ns);
    int ret = 0;

    pthread_mutex_lock(&c->lock);
    /* What is late may never end, but has been reported. */
    while (c->cancelled && ret == 0 &&
           (c->reporting || c->reported < c->submitted || (!c->lost && c->ended < c->submitted)))
        if (!npu_cond_wait(&c->changed, &c->lock, due_ns))
            ret = -EAGAIN;
    if (c->lost)
        ret = -EIO;
    if (ret == 0 && c->cancelled) {
        c->cancelled = false;
        atomic_store(&c->cancel, false);
    }
    pthread_mutex_unlock(&c->lock);
    return ret;
}

/* ---- Launches -------------------------------------------------------------------------------- */

/* what: "buffer 0", or "words". */
static int check_span(const struct npu_context *c, const struct npu_launch_span *s,
                      const char *what, struct npu_error *err)
{
    if (!s->memory || s->memory->device->backend != c->device->backend)
        return npu_fail(err, -EINVAL, "%s: %s belongs to another device than the context", c->name,
                        what);
    if (s->bytes == 0 || s->offset > s->memory->bytes || s->bytes > s->memory->bytes - s->offset)
        return npu_fail(err, -EINVAL, "%s: %s: bytes %zu .. %zu of %zu", c->name, what, s->offset,
                        s->offset + s->bytes, s->memory->bytes);
    return 0;
}

/* Of a launch that brings words of its own, or has to. */
static int check_launch_words(const struct npu_context *c, const struct npu_launch *launch,
                              struct npu_error *err)
{
    const struct npu_launch_span *s = &launch->words;

    if (c->kind != NPU_CODE_WORDS)
        return s->memory
                   ? npu_fail(err, -EINVAL, "%s: its code takes no instruction words", c->name)
                   : 0;
    if (!s->memory)
        return c->words ? 0 : npu_fail(err, -EINVAL, "%s: a launch without words", c->name);
    int ret = check_span(c, s, "words", err);
    if (ret == 0 && (s->memory->kind != NPU_MEMORY_CODE || s->offset % 4 || s->bytes % 4))
        ret = npu_fail(err, -EINVAL,
                       "%s: words at byte %zu, %zu bytes, of %s; expected words of 32 "
                       "bits in memory of kind code",
                       c->name, s->offset, s->bytes,
                       s->memory->kind == NPU_MEMORY_CODE ? "code" : "data");
    return ret;
}

static int check_launch(const struct npu_context *c, const struct npu_launch *launch,
                        struct npu_error *err)
{
    if (launch->n_spans < 1 || launch->n_spans > NPU_MAX_SPANS)
        return npu_fail(err, -EINVAL, "%s: %u buffers, expected 1 to %d", c->name, launch->n_spans,
                        NPU_MAX_SPANS);
    int ret = 0;
    for (unsigned i = 0; i < launch->n_spans && ret == 0; i++) {
        char what[24];
        snprintf(what, sizeof(what), "buffer %u", i);
        ret = check_span(c, &launch->span[i], what, err);
    }
    return ret ? ret : check_launch_words(c, launch, err);
}

static int check_state_locked(struct npu_context *c, struct npu_error *err)
{
    if (c->lost)
        return npu_fail(err, -EIO, "%s: the context is lost since a launch is late", c->name);
    if (c->cancelled)
        return npu_fail(err, -ECANCELED, "%s: cancelled", c->name);
    if (c->submitted - c->reported == NPU_MAX_FLIGHT)
        return npu_fail(err, -EAGAIN, "%s: %d launches are in flight", c->name, NPU_MAX_FLIGHT);
    return 0;
}

static void fill_span(struct npu_span *to, const struct npu_launch_span *from)
{
    *to = (struct npu_span){.data = (char *)from->memory->remote + from->offset,
                            .bytes = from->bytes,
                            .memory = from->memory,
                            .offset = from->offset};
    npu_memory_hold(from->memory);
}

static void fill_entry(struct npu_context *c, struct entry *e, const struct npu_launch *launch)
{
    *e = (struct entry){
        .done = launch->done, .done_user = launch->done_user, .deadline_ns = launch->deadline_ns};
    e->call.n_spans = launch->n_spans;
    e->call.n_tiles = launch->n_tiles;
    e->call.user = launch->user;
    e->call.cancel = launch->cancel ? launch->cancel : &c->cancel;
    for (unsigned i = 0; i < launch->n_spans; i++) {
        e->memory[i] = launch->span[i].memory;
        fill_span(&e->call.span[i], &launch->span[i]);
    }
    if (c->kind != NPU_CODE_WORDS)
        return;
    struct npu_launch_span words = launch->words;
    if (!words.memory)
        words = (struct npu_launch_span){c->words, 0, c->words->bytes};
    e->words = words.memory;
    fill_span(&e->call.words, &words);
}

int npu_launch_submit(struct npu_context *c, const struct npu_launch *launch, uint64_t *ticket,
                      struct npu_error *err)
{
    int ret = check_launch(c, launch, err);
    if (ret)
        return ret;
    pthread_mutex_lock(&c->lock);
    ret = check_state_locked(c, err);
    if (ret == 0) {
        struct entry *e = entry_of(c, c->submitted);
        fill_entry(c, e, launch);
        if (c->ops->begin)
            ret = c->ops->begin(c->state, &e->call, err);
        if (ret) {
            drop_memories(e);
        } else {
            c->submitted++;
            if (ticket)
                *ticket = c->submitted;
            pthread_cond_signal(&c->work);
        }
    }
    pthread_mutex_unlock(&c->lock);
    return ret;
}

int npu_launch_wait(struct npu_context *c, uint64_t ticket, uint64_t timeout_ns,
                    struct npu_error *err)
{
    uint64_t due_ns = npu_due_ns(timeout_ns);
    int ret = 0;

    pthread_mutex_lock(&c->lock);
    if (ticket == 0 || ticket > c->submitted || ticket + NPU_MAX_RESULTS <= c->reported)
        ret = npu_fail(err, -EINVAL, "%s: no launch %llu to wait for", c->name,
                       (unsigned long long)ticket);
    while (ret == 0 && c->reported < ticket)
        if (!npu_cond_wait(&c->changed, &c->lock, due_ns) && c->reported < ticket)
            ret = npu_fail(err, -EAGAIN, "%s: launch %llu has not ended yet", c->name,
                           (unsigned long long)ticket);
    if (ret == 0) {
        const struct report *r = &c->report[(ticket - 1) % NPU_MAX_RESULTS];
        ret = r->result;
        if (ret && err)
            *err = r->err;
    }
    pthread_mutex_unlock(&c->lock);
    return ret;
}

void npu_launch_get_times(struct npu_context *c, uint64_t ticket, uint64_t *run_ns,
                          uint64_t *modelled_ns)
{
    pthread_mutex_lock(&c->lock);
    bool known = ticket > 0 && ticket <= c->reported && ticket + NPU_MAX_RESULTS > c->reported;
    const struct report *r = &c->report[(ticket - 1) % NPU_MAX_RESULTS];
    *run_ns = known ? r->run_ns : 0;
    *modelled_ns = known ? r->modelled_ns : 0;
    pthread_mutex_unlock(&c->lock);
}
