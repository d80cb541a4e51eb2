/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lock order: `lock` is a leaf, held for bookkeeping alone: weights are read, packed and freed
 * without it, so that neither a put nor a load of other weights waits for a load. */
#include "npu/cpu/weights.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "npu/clock.h"
#include "npu/log.h"

/* How often who waits for another's load looks whether his own model was cancelled:
 * npu_model_cancel() sets a flag that signals nobody. */
#define LOOK_NS UINT64_C(10000000)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t load_ended; /* with lock; of the monotonic clock, which no initialiser has */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct npu_cpu_weights *all; /* lock; loading or ready */

static void init_once(void)
{
    npu_cond_init(&load_ended);
}

static struct npu_cpu_weights *find_locked(const struct npu_model_identity *identity,
                                           enum npu_profile profile, const char *set)
{
    struct npu_cpu_weights *w = all;
    while (w && (w->profile != profile || w->kernels.name != set ||
                 memcmp(&w->identity, identity, sizeof(*identity)) != 0))
        w = w->next;
    return w;
}

/* An entry that says that the caller loads these; NULL: out of memory. */
static struct npu_cpu_weights *insert_locked(const struct npu_model_identity *identity,
                                             const struct npu_kernels *kernels,
                                             const struct npu_program *program,
                                             enum npu_profile profile)
{
    struct npu_cpu_weights *w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    w->program = *program;
    w->kernels = *kernels;
    w->profile = profile;
    w->identity = *identity;
    w->state = NPU_CPU_WEIGHTS_LOADING;
    w->users = 1;
    w->next = all;
    all = w;
    return w;
}

static void remove_locked(struct npu_cpu_weights *w)
{
    struct npu_cpu_weights **at = &all;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
}

/* Become a user of weights that are loaded, or that another caller loads. Who waits is a user too, so
 * the weights stay even if the other caller releases them at once. Returns 0; -EAGAIN that load failed;
 * -ECANCELED this model was cancelled meanwhile. */
static int join_locked(struct npu_cpu_weights *w, const struct npu_model *model)
{
    w->users++;
    while (w->state == NPU_CPU_WEIGHTS_LOADING && !npu_model_is_cancelled(model))
        npu_cond_wait(&load_ended, &lock, npu_due_ns(LOOK_NS));
    if (w->state == NPU_CPU_WEIGHTS_READY)
        return 0;
    int ret = w->state == NPU_CPU_WEIGHTS_FAILED ? -EAGAIN : -ECANCELED;
    if (--w->users == 0)
        free(w); /* nothing was left in it */
    return ret;
}

/* Free all but the entry itself. */
static void clear(struct npu_cpu_weights *w)
{
    npu_fixed_close(&w->fixed);
    free(w->block);
    free(w->stage);
}

static int load(struct npu_cpu_weights *w, const struct npu_model *model, struct npu_error *err)
{
    const struct npu_program *program = &w->program;

    w->stage = calloc(program->n_stages, sizeof(*w->stage));
    if (!w->stage)
        return npu_fail(err, -ENOMEM, "out of memory");
    if (w->profile == NPU_PROFILE_NPU) {
        int ret = npu_fixed_open(&w->fixed, program, model, err);
        w->bytes = ret ? 0 : w->fixed->bytes;
        return ret;
    }
    for (unsigned i = 0; i < program->n_stages; i++)
        w->stage[i].recipe = npu_cpu_choose_recipe(program, i, w->profile);
    return npu_cpu_pack(w, model, err);
}

/* Tell who waits what came of a load; one that failed loses its entry before they try. */
static void finish(struct npu_cpu_weights *w, bool ready)
{
    bool last = false;

    if (!ready)
        clear(w);
    pthread_mutex_lock(&lock);
    w->state = ready ? NPU_CPU_WEIGHTS_READY : NPU_CPU_WEIGHTS_FAILED;
    if (!ready) {
        remove_locked(w);
        last = --w->users == 0;
    }
    pthread_cond_broadcast(&load_ended);
    pthread_mutex_unlock(&lock);
    if (last)
        free(w);
}

int npu_cpu_weights_get(struct npu_cpu_weights **out, const struct npu_kernels *kernels,
                        const struct npu_program *program, enum npu_profile profile,
                        const struct npu_model *model, struct npu_error *err)
{
    struct npu_model_identity identity;
    struct npu_model_info info;
    struct npu_cpu_weights *w;
    int ret;

    pthread_once(&once, init_once);
    npu_model_get_identity(model, &identity);
    pthread_mutex_lock(&lock);
    do {
        w = find_locked(&identity, profile, kernels->name);
        ret = w ? join_locked(w, model) : 0;
    } while (ret == -EAGAIN);
    bool loads = !w;
    if (loads)
        w = insert_locked(&identity, kernels, program, profile);
    pthread_mutex_unlock(&lock);

    if (ret) {
        npu_model_get_info(model, &info);
        return npu_fail(err, ret, "%s: cancelled while another encoder loads it", info.path);
    }
    if (!w)
        return npu_fail(err, -ENOMEM, "out of memory");
    if (loads) {
        ret = load(w, model, err);
        finish(w, ret == 0);
        if (ret == 0 && w->fixed)
            npu_fixed_log_proofs(w->fixed);
    }
    if (ret == 0)
        *out = w;
    return ret;
}

void npu_cpu_weights_put(struct npu_cpu_weights **weights)
{
    struct npu_cpu_weights *w = *weights;
    *weights = NULL;
    if (!w)
        return;
    pthread_mutex_lock(&lock);
    bool last = --w->users == 0;
    if (last)
        remove_locked(w);
    pthread_mutex_unlock(&lock);
    if (!last)
        return;
    clear(w);
    free(w);
}
