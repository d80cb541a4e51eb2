/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_LAUNCH_POOL_H
#define NPU_LAUNCH_POOL_H
/* Buffers of a device that are used again: size classes of equal buffers, four to an octave from
 * 4096 bytes up (at most a quarter is lost), under a bound on the sum of all. A buffer that comes
 * back while a late launch works on it waits in quarantine and counts as used until then. */
#include "npu/launch/launch.h"

struct npu_pool;

struct npu_pool_params {
    uint64_t max_bytes;   /* of all its buffers together; 0: no bound */
    unsigned max_buffers; /* 1 .. NPU_POOL_BUFFERS; 0: NPU_POOL_BUFFERS */
};
#define NPU_POOL_BUFFERS 256

struct npu_pool_stats {
    unsigned buffers, used, quarantined; /* used has those in quarantine, too */
    uint64_t bytes;                      /* of all its buffers, used or not */
};

/* The device outlives the pool. Returns 0 and *out (transfer full); -EINVAL; -ENOMEM. Threads:
 * control. */
int npu_pool_open(struct npu_pool **out, struct npu_device *device,
                  const struct npu_pool_params *params, struct npu_error *err);
/* Every buffer is back (one still used would be lost to its user's npu_pool_unref()). */
void npu_pool_close(struct npu_pool **pool);

/* A buffer of at least `bytes`, its contents whatever was left in it. Within the bound one is made if
 * none is idle; else waits for one to come back. Returns 0 and *out (transfer full:
 * npu_pool_unref()); -EAGAIN none within timeout_ns; -ENOSPC it could never fit the bound; what npu_memory_open() says. Threads: any. */
int npu_pool_acquire(struct npu_pool *pool, size_t bytes, uint64_t timeout_ns,
                     struct npu_memory **out, struct npu_error *err);
/* Give an acquired buffer back and set NULL. Accepts NULL. Threads: any. */
void npu_pool_unref(struct npu_pool *pool, struct npu_memory **memory);

/* Free what is idle. Threads: any. */
void npu_pool_trim(struct npu_pool *pool);
/* Bytes that a buffer of `bytes` takes: its class's. */
uint64_t npu_pool_class_bytes(size_t bytes);

/* What is there now; only tests ask. Threads: any. */
void npu_pool_get_stats(struct npu_pool *pool, struct npu_pool_stats *stats);

#endif /* NPU_LAUNCH_POOL_H */
