/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lock order: `lock` is a leaf; a window is computed without it. */
#include "npu/direct.h"

#include <stdbool.h>
#include <stdlib.h>

#include "npu/clock.h"

struct npu_direct {
    npu_direct_fn *fn;
    void *user;
    unsigned depth;
    atomic_bool cancel; /* written under the lock, read by who computes */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* all below: lock */
    uint64_t n_given, n_taken; /* windows since the opening */
    unsigned n_calls;          /* that wait or compute */
    unsigned cancels;
    int error; /* the first */
    struct npu_error err;
    struct npu_direct_window window[]; /* [depth], by number */
};

int npu_direct_open(struct npu_direct **out, unsigned depth, npu_direct_fn *fn, void *user)
{
    struct npu_direct *d = calloc(1, sizeof(*d) + depth * sizeof(d->window[0]));
    if (!d)
        return -ENOMEM;
    d->fn = fn;
    d->user = user;
    d->depth = depth;
    pthread_mutex_init(&d->lock, NULL);
    npu_cond_init(&d->changed);
    *out = d;
    return 0;
}

void npu_direct_close(struct npu_direct **direct)
{
    struct npu_direct *d = *direct;

    *direct = NULL;
    if (!d)
        return;
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static int stopped_locked(const struct npu_direct *d)
{
    return atomic_load(&d->cancel) ? -ECANCELED : d->error;
}

int npu_direct_submit(struct npu_direct *d, const struct npu_direct_window *window,
                      uint64_t timeout_ns)
{
    const uint64_t due_ns = npu_due_ns(timeout_ns);
    bool in_time = true;

    pthread_mutex_lock(&d->lock);
    d->n_calls++;
    while (!stopped_locked(d) && d->n_given - d->n_taken == d->depth && in_time)
        in_time = npu_cond_wait(&d->changed, &d->lock, due_ns);
    int ret = stopped_locked(d);
    if (ret == 0 && d->n_given - d->n_taken == d->depth)
        ret = -EAGAIN;
    if (ret == 0)
        d->window[d->n_given++ % d->depth] = *window;
    d->n_calls--;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    return ret;
}

int npu_direct_collect(struct npu_direct *d, float *features, uint64_t *tag)
{
    struct npu_error err = {""};

    pthread_mutex_lock(&d->lock);
    int ret = stopped_locked(d);
    if (ret == 0 && d->n_given == d->n_taken)
        ret = -ENODATA;
    if (ret) {
        pthread_mutex_unlock(&d->lock);
        return ret;
    }
    const struct npu_direct_window window = d->window[d->n_taken % d->depth];
    d->n_calls++;
    pthread_mutex_unlock(&d->lock);
    ret = d->fn(d->user, &window, features, &d->cancel, &err);
    pthread_mutex_lock(&d->lock);
    d->n_taken++;
    if (ret && atomic_load(&d->cancel)) {
        ret = -ECANCELED;
    } else if (ret) {
        d->error = ret;
        d->err = err;
    }
    d->n_calls--;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    if (ret == 0 && tag)
        *tag = window.tag;
    return ret;
}

void npu_direct_cancel(struct npu_direct *d)
{
    pthread_mutex_lock(&d->lock);
    atomic_store(&d->cancel, true);
    d->cancels++;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

unsigned npu_direct_resume(struct npu_direct *d)
{
    pthread_mutex_lock(&d->lock);
    unsigned cancels = d->cancels;
    unsigned n_dropped = 0;
    if (stopped_locked(d)) {
        atomic_store(&d->cancel, true);
        pthread_cond_broadcast(&d->changed);
        while (d->n_calls > 0)
            pthread_cond_wait(&d->changed, &d->lock);
        n_dropped = (unsigned)(d->n_given - d->n_taken);
        d->n_taken = d->n_given;
        d->error = 0;
        d->err.text[0] = '\0';
        atomic_store(&d->cancel, d->cancels != cancels); /* again meanwhile: that one stays */
    }
    pthread_mutex_unlock(&d->lock);
    return n_dropped;
}

void npu_direct_get_error(struct npu_direct *d, struct npu_error *err)
{
    pthread_mutex_lock(&d->lock);
    *err = d->err;
    pthread_mutex_unlock(&d->lock);
}
