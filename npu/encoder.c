/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Windows in, features out, in order: a ring of slots that the submitter fills, one executor thread
 * runs through the backend and the collector empties. A slot owns its mel and features, so no
 * window ever sees another's. Lock order: `lock` is a leaf; the backend runs without it. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "npu/backend.h"
#include "npu/log.h"

#define MAX_DEPTH     8
#define DEFAULT_DEPTH 2

struct slot {
    float *mel;      /* [frames + 2][n_mels], framed by zero rows */
    float *features; /* [positions][d_model] */
    uint64_t tag;
};

struct npu_encoder {
    struct npu_program program;
    struct npu_loaded *loaded;
    uint64_t load_ns;
    enum npu_profile profile;
    unsigned depth;
    struct slot slot[MAX_DEPTH];
    float *slot_memory;
    size_t slot_bytes;
    pthread_t executor;
    atomic_bool stop_run; /* the backend's cancel flag; follows `cancelled` or `ending` */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* all below: lock */
    bool executor_started, ending, cancelled, running;
    int error;                                /* of the first failed window, until resume */
    uint64_t submitted, completed, collected; /* windows; slot = number % depth */
    struct npu_stats stats;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Wait on `changed` until `deadline_ns`; false when it has passed. */
static bool wait_changed(struct npu_encoder *e, uint64_t deadline_ns)
{
    if (deadline_ns == NPU_TIMEOUT_NONE) {
        pthread_cond_wait(&e->changed, &e->lock);
        return true;
    }
    struct timespec t = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                         .tv_nsec = (long)(deadline_ns % 1000000000u)};
    return pthread_cond_timedwait(&e->changed, &e->lock, &t) != ETIMEDOUT;
}

static uint64_t deadline_after(uint64_t timeout_ns)
{
    uint64_t now = now_ns();
    return timeout_ns > INT64_MAX - now ? NPU_TIMEOUT_NONE : now + timeout_ns;
}

static void count_window(struct npu_stats *stats, const struct npu_run *run, uint64_t ns)
{
    stats->windows++;
    stats->total_ns += ns;
    stats->last_ns = ns;
    if (stats->min_ns == 0 || ns < stats->min_ns)
        stats->min_ns = ns;
    if (ns > stats->max_ns)
        stats->max_ns = ns;
    for (unsigned op = 0; op < NPU_OP_COUNT; op++)
        stats->stage[op].total_ns += run->op_ns[op];
}

static void add_gmac(struct npu_encoder *e)
{
    for (unsigned i = 0; i < e->program.n_stages; i++)
        e->stats.stage[e->program.stage[i].op].gmac += e->program.stage[i].gmac;
}

/* Run the oldest submitted window; called and returns with the lock held. */
static void run_next_locked(struct npu_encoder *e)
{
    struct slot *slot = &e->slot[e->completed % e->depth];
    struct npu_run run = {.mel = slot->mel, .features = slot->features, .cancel = &e->stop_run};

    e->running = true;
    pthread_mutex_unlock(&e->lock);
    uint64_t start = now_ns();
    int ret = e->loaded->backend->run(e->loaded, &run);
    uint64_t ns = now_ns() - start;
    pthread_mutex_lock(&e->lock);
    e->running = false;

    if (e->cancelled || ret == -ECANCELED) {
        e->stats.cancelled++;
    } else if (ret) {
        e->error = ret;
    } else {
        e->completed++;
        count_window(&e->stats, &run, ns);
        add_gmac(e);
    }
    pthread_cond_broadcast(&e->changed);
}

static void *executor_main(void *data)
{
    struct npu_encoder *e = data;

    pthread_mutex_lock(&e->lock);
    while (!e->ending) {
        if (e->submitted > e->completed && !e->cancelled && !e->error)
            run_next_locked(e);
        else
            pthread_cond_wait(&e->changed, &e->lock);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

static int alloc_slots(struct npu_encoder *e)
{
    const struct npu_program *p = &e->program;
    size_t mel = ((size_t)(p->frames + 2) * p->n_mels + 15) / 16 * 16;
    size_t features = ((size_t)p->positions * p->d_model + 15) / 16 * 16;

    e->slot_bytes = e->depth * (mel + features) * sizeof(float);
    e->slot_memory = aligned_alloc(64, e->slot_bytes);
    if (!e->slot_memory)
        return -ENOMEM;
    memset(e->slot_memory, 0, e->slot_bytes);
    for (unsigned i = 0; i < e->depth; i++) {
        e->slot[i].mel = e->slot_memory + i * (mel + features);
        e->slot[i].features = e->slot[i].mel + mel;
    }
    return 0;
}

static const char *const profile_names[NPU_PROFILE_COUNT] = {
    [NPU_PROFILE_F32] = "f32",
    [NPU_PROFILE_INT8] = "int8",
    [NPU_PROFILE_NPU] = "npu",
};

static int check_params(struct npu_encoder *e, const struct npu_device *device,
                        const struct npu_encoder_params *params, struct npu_error *err)
{
    const char *name = params->profile && params->profile[0] ? params->profile : "auto";
    unsigned profile = 0;

    if (params->depth > MAX_DEPTH)
        return npu_fail(err, -EINVAL, "depth is %u, expected 1 to %d", params->depth, MAX_DEPTH);
    e->depth = params->depth ? params->depth : DEFAULT_DEPTH;
    while (profile < NPU_PROFILE_COUNT && strcmp(name, profile_names[profile]) != 0)
        profile++;
    if (!strcmp(name, "auto"))
        profile = device->backend->best_profile;
    if (profile == NPU_PROFILE_COUNT)
        return npu_fail(err, -ENOTSUP, "unknown profile \"%s\", expected auto, int8, f32 or npu",
                        name);
    e->profile = (enum npu_profile)profile;
    return 0;
}

static void init_sync(struct npu_encoder *e)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, &attr);
    pthread_condattr_destroy(&attr);
}

static int start(struct npu_encoder *e, const struct npu_model *model, struct npu_device *device,
                 struct npu_error *err)
{
    struct npu_model_info info;
    uint64_t begin = now_ns();

    npu_model_get_info(model, &info);
    int ret = npu_program_build(&e->program, &info);
    if (ret)
        return npu_fail(err, ret, "%s: %u layers, expected at most %d", info.path, info.n_layers,
                        NPU_MAX_LAYERS);
    ret = device->backend->load(&e->loaded, device, &e->program, e->profile, model, err);
    if (ret)
        return ret;
    ret = alloc_slots(e);
    if (ret)
        return npu_fail(err, ret, "out of memory for %u windows in flight", e->depth);
    ret = pthread_create(&e->executor, NULL, executor_main, e);
    if (ret)
        return npu_fail(err, -ret, "cannot start the encoder's thread");
    pthread_setname_np(e->executor, "npu-encoder");
    e->executor_started = true;
    e->load_ns = now_ns() - begin;
    return 0;
}

int npu_encoder_open(struct npu_encoder **out, const struct npu_model *model,
                     struct npu_device *device, const struct npu_encoder_params *params,
                     struct npu_error *err)
{
    struct npu_encoder *e = calloc(1, sizeof(*e));
    if (!e)
        return npu_fail(err, -ENOMEM, "out of memory");
    int ret = check_params(e, device, params, err);
    if (ret) {
        free(e);
        return ret;
    }
    init_sync(e);
    npu_encoder_reset_stats(e);
    ret = start(e, model, device, err);
    if (ret) {
        npu_encoder_close(&e);
        return ret;
    }
    *out = e;
    return 0;
}

void npu_encoder_get_info(const struct npu_encoder *e, struct npu_encoder_info *info)
{
    *info = (struct npu_encoder_info){
        .profile = profile_names[e->profile],
        .positions = e->program.positions,
        .d_model = e->program.d_model,
        .load_ns = e->load_ns,
        .weight_bytes = e->loaded->weight_bytes,
        .scratch_bytes = e->loaded->scratch_bytes + e->slot_bytes,
    };
}

void npu_encoder_close(struct npu_encoder **encoder)
{
    struct npu_encoder *e = *encoder;
    *encoder = NULL;
    if (!e)
        return;
    atomic_store(&e->stop_run, true);
    pthread_mutex_lock(&e->lock);
    e->ending = true;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    if (e->executor_started)
        pthread_join(e->executor, NULL);
    if (e->loaded)
        e->loaded->backend->unload(e->loaded);
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    free(e->slot_memory);
    free(e);
}

int npu_encoder_submit_mel(struct npu_encoder *e, const float *mel, uint64_t tag,
                           uint64_t timeout_ns)
{
    uint64_t deadline = deadline_after(timeout_ns);
    const struct npu_program *p = &e->program;
    int ret = 0;

    pthread_mutex_lock(&e->lock);
    while (!e->cancelled && !e->error && e->submitted - e->collected >= e->depth && ret == 0)
        if (!wait_changed(e, deadline) && e->submitted - e->collected >= e->depth)
            ret = -EAGAIN;
    if (e->cancelled)
        ret = -ECANCELED;
    else if (e->error)
        ret = e->error;
    if (ret == 0) {
        struct slot *slot = &e->slot[e->submitted % e->depth];
        memcpy(slot->mel + p->n_mels, mel, (size_t)p->frames * p->n_mels * sizeof(float));
        slot->tag = tag;
        e->submitted++;
        pthread_cond_broadcast(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
    return ret;
}

int npu_encoder_collect(struct npu_encoder *e, float *features, uint64_t *tag, uint64_t timeout_ns)
{
    uint64_t deadline = deadline_after(timeout_ns);
    int ret = 0;

    pthread_mutex_lock(&e->lock);
    while (!e->cancelled && e->collected == e->completed && ret == 0) {
        if (e->error)
            ret = e->error;
        else if (e->collected == e->submitted)
            ret = -ENODATA;
        else if (!wait_changed(e, deadline) && e->collected == e->completed)
            ret = -EAGAIN;
    }
    if (e->cancelled)
        ret = -ECANCELED;
    if (ret == 0) {
        const struct slot *slot = &e->slot[e->collected % e->depth];
        memcpy(features, slot->features,
               (size_t)e->program.positions * e->program.d_model * sizeof(float));
        if (tag)
            *tag = slot->tag;
        e->collected++;
        pthread_cond_broadcast(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
    return ret;
}

void npu_encoder_cancel(struct npu_encoder *e)
{
    pthread_mutex_lock(&e->lock);
    e->cancelled = true;
    atomic_store(&e->stop_run, true);
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

void npu_encoder_resume(struct npu_encoder *e)
{
    pthread_mutex_lock(&e->lock);
    while (e->running && e->cancelled)
        pthread_cond_wait(&e->changed, &e->lock);
    if (e->cancelled || e->error) {
        e->submitted = e->completed = e->collected = 0;
        e->error = 0;
        e->cancelled = false;
        atomic_store(&e->stop_run, false);
    }
    pthread_mutex_unlock(&e->lock);
}

void npu_encoder_get_stats(struct npu_encoder *e, struct npu_stats *stats)
{
    pthread_mutex_lock(&e->lock);
    *stats = e->stats;
    pthread_mutex_unlock(&e->lock);
}

void npu_encoder_reset_stats(struct npu_encoder *e)
{
    pthread_mutex_lock(&e->lock);
    memset(&e->stats, 0, sizeof(e->stats));
    e->stats.n_stages = NPU_OP_COUNT;
    for (unsigned op = 0; op < NPU_OP_COUNT; op++)
        e->stats.stage[op].name = npu_op_name(op);
    pthread_mutex_unlock(&e->lock);
}
