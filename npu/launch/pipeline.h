/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_LAUNCH_PIPELINE_H
#define NPU_LAUNCH_PIPELINE_H
/* Tiles in, results out, in order: the one executor of launches. A tile is whatever one result
 * needs (a 64 x 64 tile of attention, a whole window); its buffers belong to a slot from the first
 * byte written to the last byte read, so no tile ever sees another's.
 *
 * The first error ends it: results before it can still be collected, then every call returns it
 * until npu_pipeline_resume(). Threads: one submitter, one collector, which may be the same thread;
 * cancel and statistics from any. */
#include "npu/launch/launch.h"
#include "npu/launch/pool.h"
#include "npu/launch/stats.h"

struct npu_pipeline;

enum npu_strategy {
    NPU_SEQUENTIAL, /* one tile at a time, buffers made and freed for each: the reference */
    NPU_POOLED,     /* one tile at a time, buffers from the pool */
    NPU_PIPELINED,  /* `depth` slots with buffers of their own; the host writes and reads while the
                       device computes */
    NPU_BATCHED,    /* `batch` tiles a launch, `depth` slots */
    NPU_ADAPTIVE, /* pipelined with 1 .. `depth` slots: more while the device waits for the host */
    NPU_STRATEGY_COUNT
};
/* "sequential", "pooled", "pipelined", "batched", "adaptive" (static). */
const char *npu_strategy_name(enum npu_strategy strategy);

#define NPU_PIPELINE_PARTS (NPU_MAX_SPANS - 1)
#define NPU_PIPELINE_DEPTH 8
#define NPU_PIPELINE_BATCH 64

struct npu_pipeline_params {
    struct npu_device *device;   /* (transfer none), and */
    struct npu_context *context; /* a context of it that nobody else launches on (transfer none) */
    struct npu_pool *pool;       /* (transfer none); NULL: one of its own */
    enum npu_strategy strategy;
    unsigned depth; /* 1 .. 8; sequential and pooled: 1; 0: 2, or 1, or (adaptive) 8 */
    unsigned batch; /* batched: 1 .. NPU_PIPELINE_BATCH, buffers hold that many tiles one after the
                       other; a launch with fewer repeats its last; else 1 or 0 */
    /* Buffers of a launch, in this order: the parts, then the results. */
    size_t in_bytes[NPU_PIPELINE_PARTS]; /* of a tile */
    unsigned n_in;
    size_t out_bytes;      /* of a tile's result */
    uint64_t deadline_ns;  /* of a launch; NPU_TIMEOUT_NONE: none, then close waits for ever */
    uint64_t memory_limit; /* adaptive: of all slots' buffers together; 0: none */
    /* NULL, or called for each launch that ended well before its result can be collected. Threads:
     * completion. Must not block or call the pipeline. */
    void (*done)(void *user, const struct npu_call *call);
    void *user; /* for done */
};

/* Returns 0 and *out (transfer full); -EINVAL; -ENOMEM or what allocating buffers says. Threads:
 * control. */
int npu_pipeline_open(struct npu_pipeline **out, const struct npu_pipeline_params *params,
                      struct npu_error *err);
/* Cancels what is in flight and waits for its reports. The context stays. Threads: control. */
void npu_pipeline_close(struct npu_pipeline **pipeline);

/* Hand in one tile; it is copied. in: a pointer for each part (transfer none). tag: comes back with
 * the result. Returns 0; -EAGAIN no slot free within timeout_ns; -ECANCELED; the first error. */
int npu_pipeline_submit(struct npu_pipeline *pipeline, const void *const *in, uint64_t tag,
                        uint64_t timeout_ns);
/* The same for a tile that is shorter than the pipeline's: of each part the first in_bytes are used
 * (0: all), of the result the first out_bytes. The
 * launch's spans are as long as that, and no more is moved. Returns also -EINVAL longer, or the
 * pipeline batches. */
struct npu_pipeline_tile {
    const void *in[NPU_PIPELINE_PARTS]; /* (transfer none) */
    size_t in_bytes[NPU_PIPELINE_PARTS], out_bytes;
    uint64_t tag;
};
int npu_pipeline_submit_tile(struct npu_pipeline *pipeline, const struct npu_pipeline_tile *tile,
                             uint64_t timeout_ns);
/* The oldest result. out: the tile's out_bytes, written by this call (transfer none); tag may be
 * NULL. A batch that is not full is launched when there is nothing else to wait for. Returns 0;
 * -EAGAIN not ready within timeout_ns; -ENODATA nothing was submitted that has not been collected;
 * -ECANCELED; the first error. */
int npu_pipeline_collect(struct npu_pipeline *pipeline, void *out, uint64_t *tag,
                         uint64_t timeout_ns);

/* Give up everything in flight. Stays cancelled until npu_pipeline_resume(). Threads: any. Blocks:
 * no. */
void npu_pipeline_cancel(struct npu_pipeline *pipeline);
/* After a cancel or an error: drop what is in flight, wait for its end and for calls under way,
 * accept tiles again; else nothing. Returns 0; -EIO the context is lost, and so is the pipeline.
 * Threads: control or streaming. */
int npu_pipeline_resume(struct npu_pipeline *pipeline);

/* The sentence of the first error, "" none (copied). Threads: any. */
void npu_pipeline_get_error(struct npu_pipeline *pipeline, struct npu_error *err);
/* Adaptive: a new limit; takes effect as slots come back, at least one slot stays. Threads: any. */
void npu_pipeline_set_memory_limit(struct npu_pipeline *pipeline, uint64_t bytes);
/* Bytes of the buffers of one slot. */
uint64_t npu_pipeline_slot_bytes(const struct npu_pipeline *pipeline);
/* Threads: any. */
void npu_pipeline_get_stats(struct npu_pipeline *pipeline, struct npu_pipeline_stats *stats);
void npu_pipeline_reset_stats(struct npu_pipeline *pipeline);

/* Run tiles 0 .. n - 1 from one thread: fill, steady, drain. give() sets the parts' pointers of a
 * tile, valid until its return to the pipeline; take() gets a result, valid during the call.
 * Returns 0 or the first error; the tiles before it were taken. */
struct npu_pipeline_job {
    uint64_t n;
    void (*give)(void *user, uint64_t tile, const void **in);
    void (*take)(void *user, uint64_t tile, const void *out);
    void *user;
};
int npu_pipeline_run(struct npu_pipeline *pipeline, const struct npu_pipeline_job *job);

#endif /* NPU_LAUNCH_PIPELINE_H */
