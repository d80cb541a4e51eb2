/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_DIRECT_H
#define NPU_DIRECT_H
/* Windows that the call which collects them computes, one after the other, from the submitter's
 * memory into the collector's: no thread and no copy in between. It is what an encoder is on a
 * device that gains nothing from two windows at a time; npu/launch/pipeline.h is the other way, and
 * what is said there of order, errors and cancelling holds here too. Threads: one submitter, one
 * collector, which may be the same thread; cancel and the error's sentence from any. */
#include <stdatomic.h>

#include "npu/npu.h"

struct npu_direct;

struct npu_direct_window {
    const float *mel; /* the submitter's (transfer none) */
    unsigned positions;
    uint64_t tag;
};

/* Compute a window into `features`. Gives up soon once *cancel is set. Returns 0; -ECANCELED; -EIO
 * ..., then `err` holds a sentence or "". Threads: the collector's. */
typedef int npu_direct_fn(void *user, const struct npu_direct_window *window, float *features,
                          const atomic_bool *cancel, struct npu_error *err);

/* depth: windows that may wait, 1 .. 8. Returns 0 and *out (transfer full); -ENOMEM. Threads:
 * control. */
int npu_direct_open(struct npu_direct **out, unsigned depth, npu_direct_fn *fn, void *user);
/* Nobody submits or collects any more. Threads: control. */
void npu_direct_close(struct npu_direct **direct);

/* Put a window in line; its mel is read when it is collected, and not after resume or close.
 * Returns 0; -EAGAIN as many as may wait do, for timeout_ns; -ECANCELED; the first error. */
int npu_direct_submit(struct npu_direct *direct, const struct npu_direct_window *window,
                      uint64_t timeout_ns);
/* Compute the oldest. tag may be NULL. Returns 0; -ENODATA none waits; -ECANCELED; the first
 * error. */
int npu_direct_collect(struct npu_direct *direct, float *features, uint64_t *tag);

/* Stays cancelled until npu_direct_resume(). Threads: any. Blocks: no. */
void npu_direct_cancel(struct npu_direct *direct);
/* After a cancel or an error: wait until the window that is computed was given up, drop those that
 * wait, accept windows again; else nothing. Returns how many were dropped. Threads: control or
 * streaming. */
unsigned npu_direct_resume(struct npu_direct *direct);
/* The sentence of the first error, "" none (copied). Threads: any. */
void npu_direct_get_error(struct npu_direct *direct, struct npu_error *err);

#endif /* NPU_DIRECT_H */
