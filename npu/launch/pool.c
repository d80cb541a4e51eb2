/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lock order: a pool's `lock` is a leaf but for the backend's allocation, which is done under it so
 * that the bound is true at any time. */
#include "npu/launch/pool.h"

#include <stdlib.h>

#include "npu/clock.h"
#include "npu/log.h"

#define LEAST_BYTES 4096
#define RETRY_NS    5000000 /* between looks at buffers in quarantine, which nobody announces */

struct item {
    struct npu_memory *memory; /* NULL: free row */
    size_t bytes;              /* of its class */
    bool used;                 /* by who acquired it */
    bool quarantined;
};

struct npu_pool {
    struct npu_device *device;
    uint64_t max_bytes;
    unsigned max_buffers;

    pthread_mutex_t lock;
    pthread_cond_t came_back;
    /* all below: lock */
    struct item item[NPU_POOL_BUFFERS];
    struct npu_pool_stats stats;
};

/* The class's size: 4, 5, 6 or 7 times a power of two. */
static size_t class_bytes(size_t bytes)
{
    size_t step = LEAST_BYTES / 4;

    if (bytes <= LEAST_BYTES)
        return LEAST_BYTES;
    while (step * 8 < bytes)
        step *= 2;
    return (bytes + step - 1) / step * step;
}

int npu_pool_open(struct npu_pool **out, struct npu_device *device,
                  const struct npu_pool_params *params, struct npu_error *err)
{
    if (params->max_buffers > NPU_POOL_BUFFERS)
        return npu_fail(err, -EINVAL, "a pool of %u buffers, expected at most %d",
                        params->max_buffers, NPU_POOL_BUFFERS);
    struct npu_pool *p = calloc(1, sizeof(*p));
    if (!p)
        return npu_fail(err, -ENOMEM, "out of memory");
    p->device = device;
    p->max_bytes = params->max_bytes ? params->max_bytes : UINT64_MAX;
    p->max_buffers = params->max_buffers ? params->max_buffers : NPU_POOL_BUFFERS;
    pthread_mutex_init(&p->lock, NULL);
    npu_cond_init(&p->came_back);
    *out = p;
    return 0;
}

void npu_pool_close(struct npu_pool **pool)
{
    struct npu_pool *p = *pool;

    *pool = NULL;
    if (!p)
        return;
    for (unsigned i = 0; i < NPU_POOL_BUFFERS; i++)
        npu_memory_close(&p->item[i].memory);
    pthread_cond_destroy(&p->came_back);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void free_item_locked(struct npu_pool *p, struct item *item)
{
    npu_memory_close(&item->memory);
    p->stats.buffers--;
    p->stats.bytes -= item->bytes;
}

static void end_use_locked(struct npu_pool *p, struct item *item)
{
    p->stats.used--;
    pthread_cond_broadcast(&p->came_back);
}

uint64_t npu_pool_class_bytes(size_t bytes)
{
    return class_bytes(bytes);
}

/* Let go of buffers whose late launches have ended. */
static void look_at_quarantine_locked(struct npu_pool *p)
{
    for (unsigned i = 0; i < NPU_POOL_BUFFERS && p->stats.quarantined; i++) {
        struct item *item = &p->item[i];
        if (item->memory && item->quarantined && !npu_memory_busy(item->memory)) {
            item->quarantined = false;
            p->stats.quarantined--;
            end_use_locked(p, item);
        }
    }
}

static struct item *find_idle_locked(struct npu_pool *p, size_t bytes)
{
    for (unsigned i = 0; i < NPU_POOL_BUFFERS; i++) {
        struct item *item = &p->item[i];
        if (item->memory && item->bytes == bytes && !item->used && !item->quarantined)
            return item;
    }
    return NULL;
}

static bool fits_locked(const struct npu_pool *p, size_t bytes)
{
    return p->stats.buffers < p->max_buffers && bytes <= p->max_bytes - p->stats.bytes;
}

/* Free idle buffers of other classes until `bytes` fit; only if that is enough. */
static void make_room_locked(struct npu_pool *p, size_t bytes)
{
    uint64_t idle_bytes = 0;
    unsigned idle = 0;

    for (unsigned i = 0; i < NPU_POOL_BUFFERS; i++) {
        const struct item *item = &p->item[i];
        if (item->memory && !item->used && !item->quarantined) {
            idle_bytes += item->bytes;
            idle++;
        }
    }
    if (p->stats.buffers - idle >= p->max_buffers ||
        bytes > p->max_bytes - (p->stats.bytes - idle_bytes))
        return;
    for (unsigned i = 0; i < NPU_POOL_BUFFERS && !fits_locked(p, bytes); i++) {
        struct item *item = &p->item[i];
        if (item->memory && item->bytes != bytes && !item->used && !item->quarantined) {
            free_item_locked(p, item);
        }
    }
}

/* A new idle buffer; the bound has been looked at. */
static int make_locked(struct npu_pool *p, size_t bytes, struct item **out, struct npu_error *err)
{
    struct item *item = p->item;

    while (item->memory)
        item++;
    struct npu_memory *memory;
    int ret = npu_memory_open(&memory, p->device, NPU_MEMORY_DATA, bytes, err);
    if (ret)
        return ret;
    *item = (struct item){.memory = memory, .bytes = bytes};
    p->stats.buffers++;
    p->stats.bytes += bytes;
    *out = item;
    return 0;
}

static void begin_use_locked(struct npu_pool *p, struct item *item)
{
    item->used = true;
    p->stats.used++;
}

void npu_pool_trim(struct npu_pool *p)
{
    pthread_mutex_lock(&p->lock);
    look_at_quarantine_locked(p);
    for (unsigned i = 0; i < NPU_POOL_BUFFERS; i++) {
        struct item *item = &p->item[i];
        if (item->memory && !item->used && !item->quarantined)
            free_item_locked(p, item);
    }
    pthread_mutex_unlock(&p->lock);
}

/* An idle buffer, old or new. Returns 0 and *out; -EAGAIN one has to come back first; an error. */
static int try_acquire_locked(struct npu_pool *p, size_t class, struct item **out,
                              struct npu_error *err)
{
    look_at_quarantine_locked(p);
    *out = find_idle_locked(p, class);
    if (*out)
        return 0;
    if (!fits_locked(p, class))
        make_room_locked(p, class);
    if (!fits_locked(p, class))
        return -EAGAIN;
    return make_locked(p, class, out, err);
}

int npu_pool_acquire(struct npu_pool *p, size_t bytes, uint64_t timeout_ns, struct npu_memory **out,
                     struct npu_error *err)
{
    uint64_t due_ns = npu_due_ns(timeout_ns);
    size_t class = class_bytes(bytes);
    struct item *item;

    if (bytes == 0 || class > p->max_bytes)
        return npu_fail(err, bytes ? -ENOSPC : -EINVAL, "a buffer of %zu bytes from a pool of %llu",
                        bytes, (unsigned long long)p->max_bytes);
    pthread_mutex_lock(&p->lock);
    int ret = try_acquire_locked(p, class, &item, err);
    while (ret == -EAGAIN && npu_now_ns() < due_ns) {
        uint64_t until = p->stats.quarantined ? npu_due_ns(RETRY_NS) : due_ns;
        npu_cond_wait(&p->came_back, &p->lock, until < due_ns ? until : due_ns);
        ret = try_acquire_locked(p, class, &item, err);
    }
    if (ret == 0) {
        begin_use_locked(p, item);
        *out = item->memory;
    } else if (ret == -EAGAIN) {
        npu_fail(err, ret, "no buffer of %zu bytes came back in time; %u of %u are used", class,
                 p->stats.used, p->stats.buffers);
    }
    pthread_mutex_unlock(&p->lock);
    return ret;
}

static struct item *item_of_locked(struct npu_pool *p, const struct npu_memory *memory)
{
    for (unsigned i = 0; i < NPU_POOL_BUFFERS; i++)
        if (p->item[i].memory == memory)
            return &p->item[i];
    return NULL;
}

void npu_pool_unref(struct npu_pool *p, struct npu_memory **memory)
{
    struct npu_memory *m = *memory;

    *memory = NULL;
    if (!m)
        return;
    pthread_mutex_lock(&p->lock);
    struct item *item = item_of_locked(p, m);
    if (item && item->used) {
        item->used = false;
        if (npu_memory_busy(m)) {
            item->quarantined = true;
            p->stats.quarantined++;
            pthread_cond_broadcast(&p->came_back); /* who waits has to look now and then */
        } else {
            end_use_locked(p, item);
        }
    }
    pthread_mutex_unlock(&p->lock);
}

void npu_pool_get_stats(struct npu_pool *p, struct npu_pool_stats *stats)
{
    pthread_mutex_lock(&p->lock);
    look_at_quarantine_locked(p);
    *stats = p->stats;
    pthread_mutex_unlock(&p->lock);
}
