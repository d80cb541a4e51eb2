/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Slots form a ring of groups of tiles: the submitter fills, the completion threads launch what is
 * ready, the collector empties. Lock order: a pipeline's `lock`, then its context's. Copies,
 * transfers and buffers are made without the lock by the thread that owns the slot at that time:
 * the submitter (`writing`), the device, the collector (`reading`). */
#include "npu/launch/pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "npu/clock.h"
#include "npu/log.h"

#define DEFAULT_DEPTH   2
#define ADAPTIVE_WINDOW 8 /* reports between decisions */

struct slot {
    struct npu_memory *memory[NPU_MAX_SPANS]; /* parts, result; NULL: none now */
    size_t bytes[NPU_MAX_SPANS];              /* of them that the group's tiles use */
    unsigned n_tiles, n_taken;
    uint64_t tag[NPU_PIPELINE_BATCH];
    uint64_t launch_ns;
};

struct npu_pipeline {
    struct npu_pipeline_params params; /* with defaults filled in */
    unsigned n_memories;
    bool keeps; /* slots keep their buffers */
    uint64_t slot_bytes;
    struct npu_pool *own_pool;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* all below: lock, but for a slot's contents */
    struct slot slot[NPU_PIPELINE_DEPTH];
    uint64_t filled, launched, reported, completed, collected; /* groups; slot = number % depth */
    unsigned limit;                                            /* slots that may be in use */
    bool writing, reading, cancelled;
    uint64_t cancels;
    int error;
    uint64_t error_group; /* the first that will not be collected */
    struct npu_error err;
    uint64_t memory_limit;
    unsigned n_seen,
        n_starved; /* reports since the last decision, those that left the device idle */

    struct npu_pipeline_stats stats;
    struct npu_series latency, wait;
    uint64_t begin_ns, end_ns;        /* first submit, last collect; 0: none */
    uint64_t flight_ns, flight_at_ns; /* sum of launches in flight times ns; up to when */
};

static const char *const names[NPU_STRATEGY_COUNT] = {
    [NPU_SEQUENTIAL] = "sequential", [NPU_POOLED] = "pooled",     [NPU_PIPELINED] = "pipelined",
    [NPU_BATCHED] = "batched",       [NPU_ADAPTIVE] = "adaptive",
};

const char *npu_strategy_name(enum npu_strategy strategy)
{
    return names[strategy];
}

static struct slot *slot_of(struct npu_pipeline *p, uint64_t group)
{
    return &p->slot[group % p->params.depth];
}

/* ---- Buffers --------------------------------------------------------------------------------- */

static size_t memory_bytes(const struct npu_pipeline *p, unsigned i)
{
    size_t tile = i < p->params.n_in ? p->params.in_bytes[i] : p->params.out_bytes;
    return tile * p->params.batch;
}

static void release_buffers(struct npu_pipeline *p, struct slot *slot)
{
    for (unsigned i = 0; i < p->n_memories; i++)
        if (p->params.strategy == NPU_SEQUENTIAL)
            npu_memory_close(&slot->memory[i]);
        else
            npu_pool_unref(p->params.pool, &slot->memory[i]);
}

static int take_buffers(struct npu_pipeline *p, struct slot *slot, uint64_t due_ns,
                        struct npu_error *err)
{
    int ret = 0;

    for (unsigned i = 0; i < p->n_memories && ret == 0; i++) {
        uint64_t now = npu_now_ns();
        uint64_t left = due_ns == NPU_TIMEOUT_NONE ? due_ns : due_ns > now ? due_ns - now : 0;
        if (slot->memory[i])
            continue;
        if (p->params.strategy == NPU_SEQUENTIAL)
            ret = npu_memory_open(&slot->memory[i], p->params.device, NPU_MEMORY_DATA,
                                  memory_bytes(p, i), err);
        else
            ret = npu_pool_acquire(p->params.pool, memory_bytes(p, i), left, &slot->memory[i], err);
    }
    if (ret)
        release_buffers(p, slot);
    return ret;
}

/* ---- Under the lock -------------------------------------------------------------------------- */

/* The first error stands; results of groups before the first that failed can be collected. */
static void fail_locked(struct npu_pipeline *p, int error, uint64_t group,
                        const struct npu_error *err)
{
    p->stats.errors++;
    if (!p->error) {
        p->error = error;
        p->err = *err;
        p->error_group = group;
    }
    if (group < p->error_group)
        p->error_group = group;
    pthread_cond_broadcast(&p->changed);
}

static unsigned used_locked(const struct npu_pipeline *p)
{
    const struct slot *open = &p->slot[p->filled % p->params.depth];
    uint64_t groups = p->filled - p->collected;
    /* With every slot in use the ring's next one is the oldest, not an open one. */
    return (unsigned)groups + (groups < p->params.depth && (open->n_tiles > 0 || p->writing));
}

static unsigned open_tiles_locked(const struct npu_pipeline *p)
{
    return p->filled - p->collected < p->params.depth ? p->slot[p->filled % p->params.depth].n_tiles
                                                      : 0;
}

/* Sum up the time that launches were in flight; called before their number changes. */
static void count_flight_locked(struct npu_pipeline *p)
{
    uint64_t now = npu_now_ns();
    if (p->flight_at_ns)
        p->flight_ns += (p->launched - p->reported) * (now - p->flight_at_ns);
    p->flight_at_ns = now;
}

static npu_done_fn on_done;

static void launch_ready_locked(struct npu_pipeline *p)
{
    while (!p->cancelled && p->launched < p->filled && p->launched - p->reported < NPU_MAX_FLIGHT &&
           !(p->error && p->launched >= p->error_group)) {
        struct slot *slot = slot_of(p, p->launched);
        struct npu_launch launch = {.n_spans = p->n_memories,
                                    .n_tiles = slot->n_tiles,
                                    .deadline_ns = p->params.deadline_ns,
                                    .done = on_done,
                                    .done_user = p};
        struct npu_error err = {""};
        for (unsigned i = 0; i < p->n_memories; i++)
            launch.span[i] = (struct npu_launch_span){slot->memory[i], 0, slot->bytes[i]};
        slot->launch_ns = npu_now_ns();
        int ret = npu_launch_submit(p->params.context, &launch, NULL, &err);
        if (ret) {
            fail_locked(p, ret, p->launched, &err);
            return;
        }
        count_flight_locked(p);
        p->launched++;
    }
}

/* ---- Adaptive depth -------------------------------------------------------------------------- */

static unsigned most_slots_locked(const struct npu_pipeline *p)
{
    uint64_t most = p->memory_limit ? p->memory_limit / p->slot_bytes : p->params.depth;
    return most < 1 ? 1 : most > p->params.depth ? p->params.depth : (unsigned)most;
}

/* Under the memory limit whatever happens; one slot more where the device was idle at half of the
 * last reports while every slot was in use. True: changed, `why` says so. */
static bool adapt_locked(struct npu_pipeline *p)
{
    unsigned most = most_slots_locked(p), old = p->limit;

    if (p->limit > most) {
        p->limit = most;
        p->stats.shrunk++;
        snprintf(p->stats.why, sizeof(p->stats.why),
                 "%u -> %u: the memory limit of %llu bytes holds %u slots of %llu", old, p->limit,
                 (unsigned long long)p->memory_limit, most, (unsigned long long)p->slot_bytes);
    } else if (p->n_seen >= ADAPTIVE_WINDOW) {
        if (p->limit < most && 2 * p->n_starved >= p->n_seen) {
            p->limit++;
            p->stats.grown++;
            snprintf(p->stats.why, sizeof(p->stats.why),
                     "%u -> %u: the device was left idle by %u of the last %u launches", old,
                     p->limit, p->n_starved, p->n_seen);
        }
        p->n_seen = p->n_starved = 0;
    }
    if (p->limit > p->stats.most_depth)
        p->stats.most_depth = p->limit;
    return p->limit != old;
}

/* ---- Completion ------------------------------------------------------------------------------ */

static void on_done(void *user, uint64_t ticket, int result, const struct npu_call *call,
                    const struct npu_error *err)
{
    struct npu_pipeline *p = user;
    char why[sizeof(p->stats.why)] = "";

    (void)ticket;
    pthread_mutex_lock(&p->lock);
    count_flight_locked(p);
    uint64_t group = p->reported++;
    if (p->cancelled || (p->error && group >= p->error_group)) {
        /* nobody wants it */
    } else if (result) {
        fail_locked(p, result, group, err);
    } else {
        npu_series_add(&p->latency, npu_now_ns() - slot_of(p, group)->launch_ns);
        p->stats.launches++;
        p->stats.compute_ns += call->run_ns;
        p->stats.modelled_ns += call->modelled_ns;
        if (p->params.done)
            p->params.done(p->params.user, call);
        p->completed++;
    }
    if (p->params.strategy == NPU_ADAPTIVE) {
        p->n_seen++;
        p->n_starved +=
            p->launched == p->reported && p->filled == p->launched && used_locked(p) >= p->limit;
        if (adapt_locked(p))
            memcpy(why, p->stats.why, sizeof(why));
    }
    launch_ready_locked(p);
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    if (why[0])
        npu_log(NPU_LOG_DEBUG, "pipeline: depth %s", why);
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static int check_params(struct npu_pipeline_params *q, struct npu_error *err)
{
    bool one = q->strategy == NPU_SEQUENTIAL || q->strategy == NPU_POOLED;

    if ((unsigned)q->strategy >= NPU_STRATEGY_COUNT)
        return npu_fail(err, -EINVAL, "strategy %d, expected 0 to %d", (int)q->strategy,
                        NPU_STRATEGY_COUNT - 1);
    if (q->depth == 0)
        q->depth = one ? 1 : q->strategy == NPU_ADAPTIVE ? NPU_PIPELINE_DEPTH : DEFAULT_DEPTH;
    if (q->batch == 0)
        q->batch = 1;
    if (q->depth > (one ? 1 : NPU_PIPELINE_DEPTH))
        return npu_fail(err, -EINVAL, "depth is %u, expected 1 to %d for strategy %s", q->depth,
                        one ? 1 : NPU_PIPELINE_DEPTH, names[q->strategy]);
    if (q->batch > (q->strategy == NPU_BATCHED ? NPU_PIPELINE_BATCH : 1))
        return npu_fail(err, -EINVAL, "batch is %u, expected 1 to %d for strategy %s", q->batch,
                        q->strategy == NPU_BATCHED ? NPU_PIPELINE_BATCH : 1, names[q->strategy]);
    if (q->n_in < 1 || q->n_in > NPU_PIPELINE_PARTS)
        return npu_fail(err, -EINVAL, "%u parts, expected 1 to %d", q->n_in, NPU_PIPELINE_PARTS);
    for (unsigned i = 0; i < q->n_in; i++)
        if (q->in_bytes[i] == 0)
            return npu_fail(err, -EINVAL, "part %u has no bytes", i);
    if (q->out_bytes == 0)
        return npu_fail(err, -EINVAL, "a result of no bytes");
    return 0;
}

static int prepare_buffers(struct npu_pipeline *p, struct npu_error *err)
{
    int ret = 0;

    if (!p->params.pool && p->params.strategy != NPU_SEQUENTIAL) {
        ret = npu_pool_open(&p->own_pool, p->params.device, &(struct npu_pool_params){0}, err);
        p->params.pool = p->own_pool;
    }
    for (unsigned i = 0; i < p->params.depth && p->keeps && ret == 0; i++)
        ret = take_buffers(p, &p->slot[i], 0, err);
    if (p->params.strategy == NPU_POOLED && ret == 0) {
        ret = take_buffers(p, &p->slot[0], 0, err);
        release_buffers(p, &p->slot[0]);
    }
    return ret;
}

int npu_pipeline_open(struct npu_pipeline **out, const struct npu_pipeline_params *params,
                      struct npu_error *err)
{
    struct npu_pipeline_params filled = *params;
    int ret = check_params(&filled, err);
    if (ret)
        return ret;
    struct npu_pipeline *p = calloc(1, sizeof(*p));
    if (!p)
        return npu_fail(err, -ENOMEM, "out of memory");
    p->params = filled;
    p->n_memories = filled.n_in + 1;
    p->keeps = filled.strategy == NPU_PIPELINED || filled.strategy == NPU_BATCHED;
    p->memory_limit = filled.memory_limit;
    p->limit = filled.strategy == NPU_ADAPTIVE ? 1 : filled.depth;
    for (unsigned i = 0; i < p->n_memories; i++)
        p->slot_bytes += npu_pool_class_bytes(memory_bytes(p, i));
    pthread_mutex_init(&p->lock, NULL);
    npu_cond_init(&p->changed);
    npu_pipeline_reset_stats(p);
    ret = prepare_buffers(p, err);
    if (ret) {
        npu_pipeline_close(&p);
        return ret;
    }
    *out = p;
    return 0;
}

/* Wait for reports and calls under way; the pipeline is cancelled or failed. */
static void quiesce_locked(struct npu_pipeline *p)
{
    while (p->writing || p->reading || p->reported < p->launched)
        pthread_cond_wait(&p->changed, &p->lock);
}

/* Drop every group that has not been collected. */
static void drop_groups_locked(struct npu_pipeline *p)
{
    for (unsigned i = 0; i < p->params.depth; i++) {
        struct slot *slot = &p->slot[i];
        p->stats.cancelled += slot->n_tiles - slot->n_taken;
        slot->n_tiles = slot->n_taken = 0;
        if (!p->keeps)
            release_buffers(p, slot);
    }
    p->filled = p->launched = p->reported = p->completed = p->collected = 0;
}

void npu_pipeline_close(struct npu_pipeline **pipeline)
{
    struct npu_pipeline *p = *pipeline;

    *pipeline = NULL;
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->cancelled = true;
    npu_context_cancel(p->params.context);
    pthread_cond_broadcast(&p->changed);
    quiesce_locked(p);
    pthread_mutex_unlock(&p->lock);
    /* Waits until the last report has left on_done(). */
    npu_context_resume(p->params.context, NPU_TIMEOUT_NONE);
    for (unsigned i = 0; i < p->params.depth; i++)
        release_buffers(p, &p->slot[i]);
    npu_pool_close(&p->own_pool);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void npu_pipeline_cancel(struct npu_pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    p->cancelled = true;
    p->cancels++;
    npu_context_cancel(p->params.context);
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

int npu_pipeline_resume(struct npu_pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    if (!p->cancelled && !p->error) {
        pthread_mutex_unlock(&p->lock);
        return 0;
    }
    uint64_t cancels = p->cancels;
    p->cancelled = true;
    npu_context_cancel(p->params.context);
    pthread_cond_broadcast(&p->changed);
    quiesce_locked(p);
    pthread_mutex_unlock(&p->lock);
    int ret = npu_context_resume(p->params.context, NPU_TIMEOUT_NONE);
    pthread_mutex_lock(&p->lock);
    quiesce_locked(p); /* a call that came between */
    drop_groups_locked(p);
    p->cancelled = p->cancels != cancels; /* again meanwhile: that one stays */
    p->error = 0;
    p->err.text[0] = '\0';
    if (ret) {
        p->error = ret;
        p->error_group = 0;
        npu_fail(&p->err, ret, "the context is lost");
    }
    if (p->cancelled)
        npu_context_cancel(p->params.context);
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return ret;
}

/* ---- In -------------------------------------------------------------------------------------- */

/* Room for one more tile: in the open group, or in a slot. */
static bool has_room_locked(const struct npu_pipeline *p)
{
    if (p->writing)
        return false;
    return open_tiles_locked(p) > 0 || p->filled - p->collected < p->limit;
}

static int stopped_locked(const struct npu_pipeline *p)
{
    return p->cancelled ? -ECANCELED : p->error;
}

/* Copy a tile into place `at` of a slot; only where the slot has one place may it be short. */
static void write_tile(struct npu_pipeline *p, struct slot *slot,
                       const struct npu_pipeline_tile *tile, unsigned at)
{
    for (unsigned i = 0; i < p->n_memories; i++)
        slot->bytes[i] = memory_bytes(p, i);
    if (tile->out_bytes)
        slot->bytes[p->params.n_in] = tile->out_bytes;
    for (unsigned i = 0; i < p->params.n_in; i++) {
        size_t stride = p->params.in_bytes[i];
        size_t bytes = tile->in_bytes[i] ? tile->in_bytes[i] : stride;
        memcpy((char *)npu_memory_map(slot->memory[i]) + at * stride, tile->in[i], bytes);
        if (bytes < stride)
            slot->bytes[i] = bytes;
    }
}

/* Fill the places after the last tile with copies of it, and move all to the device. */
static int send_slot(struct npu_pipeline *p, struct slot *slot, unsigned n_tiles,
                     struct npu_error *err)
{
    int ret = 0;

    for (unsigned i = 0; i < p->params.n_in && ret == 0; i++) {
        size_t stride = p->params.in_bytes[i];
        char *base = npu_memory_map(slot->memory[i]);
        for (unsigned t = n_tiles; t < p->params.batch; t++)
            memcpy(base + t * stride, base + (n_tiles - 1) * stride, stride);
        ret = npu_memory_sync(slot->memory[i], NPU_TO_DEVICE, 0, slot->bytes[i], err);
    }
    return ret;
}

/* End the open group, whose slot this thread owns, after `ret` of what it did. */
static void end_writing_locked(struct npu_pipeline *p, int ret, bool full,
                               const struct npu_error *err, uint64_t begin_ns)
{
    p->writing = false;
    p->stats.write_ns += npu_now_ns() - begin_ns;
    if (ret)
        fail_locked(p, ret, p->filled, err);
    else if (full)
        p->filled++;
    launch_ready_locked(p);
    pthread_cond_broadcast(&p->changed);
}

static bool fits(const struct npu_pipeline *p, const struct npu_pipeline_tile *tile)
{
    bool is_short = tile->out_bytes > 0, fits = tile->out_bytes <= p->params.out_bytes;

    for (unsigned i = 0; i < p->params.n_in; i++) {
        is_short |= tile->in_bytes[i] > 0;
        fits &= tile->in_bytes[i] <= p->params.in_bytes[i];
    }
    return fits && !(is_short && p->params.batch > 1);
}

int npu_pipeline_submit(struct npu_pipeline *p, const void *const *in, uint64_t tag,
                        uint64_t timeout_ns)
{
    struct npu_pipeline_tile tile = {.tag = tag};

    memcpy(tile.in, in, p->params.n_in * sizeof(*in));
    return npu_pipeline_submit_tile(p, &tile, timeout_ns);
}

int npu_pipeline_submit_tile(struct npu_pipeline *p, const struct npu_pipeline_tile *tile,
                             uint64_t timeout_ns)
{
    uint64_t due_ns = npu_due_ns(timeout_ns), first_ns = npu_now_ns();
    struct npu_error err = {""};
    int ret = 0;

    if (!fits(p, tile))
        return -EINVAL;
    pthread_mutex_lock(&p->lock);
    while (!stopped_locked(p) && !has_room_locked(p) && ret == 0)
        if (!npu_cond_wait(&p->changed, &p->lock, due_ns) && !has_room_locked(p))
            ret = -EAGAIN;
    if (stopped_locked(p))
        ret = stopped_locked(p);
    if (ret) {
        pthread_mutex_unlock(&p->lock);
        return ret;
    }
    if (!p->begin_ns)
        p->begin_ns = first_ns;
    p->writing = true;
    struct slot *slot = slot_of(p, p->filled);
    unsigned at = slot->n_tiles;
    bool full = at + 1 == p->params.batch;
    pthread_mutex_unlock(&p->lock);

    uint64_t begin_ns = npu_now_ns();
    if (at == 0)
        ret = take_buffers(p, slot, due_ns, &err);
    bool no_buffer = ret == -EAGAIN; /* of a pool that others use, too */
    if (ret == 0) {
        write_tile(p, slot, tile, at);
        if (full)
            ret = send_slot(p, slot, at + 1, &err);
    }
    pthread_mutex_lock(&p->lock);
    if (ret == 0) {
        slot->tag[at] = tile->tag;
        slot->n_tiles++;
    }
    end_writing_locked(p, no_buffer ? 0 : ret, full && ret == 0, &err, begin_ns);
    pthread_mutex_unlock(&p->lock);
    return ret;
}

/* ---- Out ------------------------------------------------------------------------------------- */

/* Launch the open group as it is; called and returns with the lock held. */
static void flush_locked(struct npu_pipeline *p)
{
    struct slot *slot = slot_of(p, p->filled);
    struct npu_error err = {""};
    uint64_t begin_ns = npu_now_ns();

    p->writing = true;
    pthread_mutex_unlock(&p->lock);
    int ret = send_slot(p, slot, slot->n_tiles, &err);
    pthread_mutex_lock(&p->lock);
    end_writing_locked(p, ret, true, &err, begin_ns);
}

/* The oldest result is there, nobody reads it, and it is before the first error. */
static bool can_collect_locked(const struct npu_pipeline *p)
{
    return p->collected < p->completed && !p->reading &&
           !(p->error && p->collected >= p->error_group);
}

/* Wait until the oldest result is there. */
static int await_locked(struct npu_pipeline *p, uint64_t due_ns)
{
    for (;;) {
        if (p->cancelled)
            return -ECANCELED;
        if (can_collect_locked(p))
            return 0;
        if (p->error && p->collected >= p->error_group)
            return p->error;
        bool none = p->filled == p->collected && !p->writing;
        if (none && open_tiles_locked(p) == 0)
            return p->error ? p->error : -ENODATA;
        if (none && !p->error)
            flush_locked(p);
        else if (none)
            return p->error;
        else if (!npu_cond_wait(&p->changed, &p->lock, due_ns) && !can_collect_locked(p))
            return p->cancelled ? -ECANCELED : -EAGAIN;
    }
}

static void end_reading_locked(struct npu_pipeline *p, struct slot *slot)
{
    p->stats.tiles++;
    if (++slot->n_taken < slot->n_tiles)
        return;
    slot->n_tiles = slot->n_taken = 0;
    if (!p->keeps)
        release_buffers(p, slot);
    p->collected++;
    if (p->params.strategy == NPU_ADAPTIVE && p->stats.shrunk)
        npu_pool_trim(p->params.pool);
}

int npu_pipeline_collect(struct npu_pipeline *p, void *out, uint64_t *tag, uint64_t timeout_ns)
{
    uint64_t due_ns = npu_due_ns(timeout_ns), begin_ns = npu_now_ns();
    struct npu_error err = {""};

    pthread_mutex_lock(&p->lock);
    int ret = await_locked(p, due_ns);
    if (ret) {
        pthread_mutex_unlock(&p->lock);
        return ret;
    }
    struct slot *slot = slot_of(p, p->collected);
    unsigned at = slot->n_taken;
    uint64_t read_ns = npu_now_ns();
    npu_series_add(&p->wait, read_ns - begin_ns);
    p->reading = true;
    pthread_mutex_unlock(&p->lock);

    struct npu_memory *memory = slot->memory[p->n_memories - 1];
    size_t bytes = slot->bytes[p->n_memories - 1] / p->params.batch;
    if (at == 0)
        ret = npu_memory_sync(memory, NPU_FROM_DEVICE, 0, slot->n_tiles * bytes, &err);
    if (ret == 0) {
        memcpy(out, (const char *)npu_memory_map(memory) + at * bytes, bytes);
        if (tag)
            *tag = slot->tag[at];
    }
    pthread_mutex_lock(&p->lock);
    p->reading = false;
    p->end_ns = npu_now_ns();
    p->stats.read_ns += p->end_ns - read_ns;
    if (ret)
        fail_locked(p, ret, p->collected, &err);
    else
        end_reading_locked(p, slot);
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return ret;
}

int npu_pipeline_run(struct npu_pipeline *p, const struct npu_pipeline_job *job)
{
    uint64_t given = 0, taken = 0;
    void *out = malloc(p->params.out_bytes);
    int ret = 0;

    if (!out) {
        struct npu_error err;
        ret =
            npu_fail(&err, -ENOMEM, "out of memory for a result of %zu bytes", p->params.out_bytes);
        pthread_mutex_lock(&p->lock);
        fail_locked(p, ret, p->filled, &err);
        pthread_mutex_unlock(&p->lock);
    }
    while (taken < job->n && ret == 0) {
        const void *in[NPU_PIPELINE_PARTS];
        if (given < job->n) {
            job->give(job->user, given, in);
            ret = npu_pipeline_submit(p, in, given, 0);
            given += ret == 0;
            if (ret == 0)
                continue;
            if (ret != -EAGAIN || given == taken)
                break;
        }
        ret = npu_pipeline_collect(p, out, NULL, NPU_TIMEOUT_NONE);
        if (ret == 0)
            job->take(job->user, taken++, out);
    }
    /* Results before an error. */
    while (ret && taken < given && npu_pipeline_collect(p, out, NULL, NPU_TIMEOUT_NONE) == 0)
        job->take(job->user, taken++, out);
    free(out);
    return ret;
}

/* ---- Looking at it --------------------------------------------------------------------------- */

void npu_pipeline_get_error(struct npu_pipeline *p, struct npu_error *err)
{
    pthread_mutex_lock(&p->lock);
    *err = p->err;
    pthread_mutex_unlock(&p->lock);
}

void npu_pipeline_set_memory_limit(struct npu_pipeline *p, uint64_t bytes)
{
    pthread_mutex_lock(&p->lock);
    p->memory_limit = bytes;
    if (p->params.strategy == NPU_ADAPTIVE)
        adapt_locked(p);
    pthread_mutex_unlock(&p->lock);
}

uint64_t npu_pipeline_slot_bytes(const struct npu_pipeline *p)
{
    return p->slot_bytes;
}

void npu_pipeline_get_stats(struct npu_pipeline *p, struct npu_pipeline_stats *stats)
{
    pthread_mutex_lock(&p->lock);
    count_flight_locked(p);
    *stats = p->stats;
    stats->strategy = names[p->params.strategy];
    stats->depth = p->limit;
    if (p->begin_ns && p->end_ns > p->begin_ns)
        stats->total_ns = p->end_ns - p->begin_ns;
    if (stats->tiles)
        stats->per_tile_ns = (double)stats->total_ns / (double)stats->tiles;
    uint64_t moving = stats->write_ns + stats->read_ns, all = moving + stats->compute_ns;
    if (all)
        stats->overhead_percent = 100.0 * (double)moving / (double)all;
    npu_series_summarise(&p->latency, &stats->latency);
    npu_series_summarise(&p->wait, &stats->wait);
    stats->stalls = stats->wait.above_twice_median;
    if (stats->total_ns)
        stats->occupancy = (double)p->flight_ns / (double)stats->total_ns;
    pthread_mutex_unlock(&p->lock);
}

void npu_pipeline_reset_stats(struct npu_pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    memset(&p->stats, 0, sizeof(p->stats));
    memset(&p->latency, 0, sizeof(p->latency));
    memset(&p->wait, 0, sizeof(p->wait));
    p->stats.most_depth = p->limit;
    p->begin_ns = p->end_ns = 0;
    p->flight_ns = p->flight_at_ns = 0;
    pthread_mutex_unlock(&p->lock);
}
