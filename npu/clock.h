/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_CLOCK_H
#define NPU_CLOCK_H
/* The monotonic clock in nanoseconds, and conditions that wait by it. */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "npu/npu.h"

static inline uint64_t npu_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The time `timeout_ns` from now, or NPU_TIMEOUT_NONE where that is beyond the clock. */
static inline uint64_t npu_due_ns(uint64_t timeout_ns)
{
    uint64_t now = npu_now_ns();
    return timeout_ns > INT64_MAX - now ? NPU_TIMEOUT_NONE : now + timeout_ns;
}

static inline void npu_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

/* Wait on a condition of npu_cond_init() until `due_ns`; false when that has passed. */
static inline bool npu_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t due_ns)
{
    if (due_ns == NPU_TIMEOUT_NONE) {
        pthread_cond_wait(cond, lock);
        return true;
    }
    struct timespec t = {.tv_sec = (time_t)(due_ns / 1000000000u),
                         .tv_nsec = (long)(due_ns % 1000000000u)};
    return pthread_cond_timedwait(cond, lock, &t) != ETIMEDOUT;
}

#endif /* NPU_CLOCK_H */
