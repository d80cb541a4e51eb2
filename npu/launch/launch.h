/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_LAUNCH_LAUNCH_H
#define NPU_LAUNCH_LAUNCH_H
/* npu/launch: what a device with launches needs, whichever it is. launch.h is the door: buffers,
 * contexts, launches; memory.c and context.c check and queue them for the backend's table
 * (npu/backend.h). pool.[ch] keeps buffers for use again, pipeline.[ch] runs tiles through a device
 * in one of five ways, stats.[ch] counts and sorts times. npu/array and the backends stand on it;
 * it knows neither the encoder nor a backend. */

/* Buffers, contexts and launches on a device, the same for every backend. A context is code loaded
 * on a device with a queue of its own, as a hardware context of the amdxdna driver is; launches of
 * a context run one after the other, in the order of submission. Everything is checked here;
 * backends (struct npu_launch_ops in backend.h) see correct arguments only.
 *
 * A launch that does not end by its deadline is late: it is reported as -ETIMEDOUT, those after it
 * as -EIO, and its context is lost, for nothing can stop a command on the real device. What it
 * works on stays in quarantine until it has really ended: such a buffer can be closed (its memory
 * goes when the launch has ended) but neither moved nor launched again (-EBUSY). */
#include <stdatomic.h>

#include "npu/npu.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NPU_MAX_FLIGHT  4 /* launches of a context between submission and report: amdxdna's queue */
#define NPU_MAX_SPANS   8 /* buffers of a launch */
#define NPU_MAX_RESULTS 64 /* of a context that npu_launch_wait() still knows */

/* ---- Buffers --------------------------------------------------------------------------------- */

struct npu_memory;

enum npu_memory_kind {
    NPU_MEMORY_DATA, /* operands and results */
    NPU_MEMORY_CODE, /* instruction words; on NPUs from a heap of 64 MiB */
};
enum npu_direction { NPU_TO_DEVICE, NPU_FROM_DEVICE };

/* Allocate a zeroed buffer. bytes: 1 .. 2^32. Returns 0 and *out (transfer full); -EINVAL; -ENOTSUP
 * this device takes no launches; -ENOSPC the heap of the kind is full; -ENOMEM. Threads: any.
 * The device outlives it. */
int npu_memory_open(struct npu_memory **out, struct npu_device *device, enum npu_memory_kind kind,
                    size_t bytes, struct npu_error *err);
/* Give it back; what a launch still works on goes when that has ended. Threads: any. */
void npu_memory_close(struct npu_memory **memory);
/* The host's side, 64-byte aligned (transfer none). The device sees what npu_memory_sync() moves,
 * no more: on some backends both sides are the same bytes, on others not. */
void *npu_memory_map(const struct npu_memory *memory);
size_t npu_memory_bytes(const struct npu_memory *memory);
/* Whether a launch that has not ended works on it. Threads: any. */
bool npu_memory_busy(const struct npu_memory *memory);
/* Make one side's bytes offset .. offset + bytes - 1 visible to the other. Returns 0; -EINVAL a
 * range outside the buffer; -EBUSY a launch works on it; -EIO the transfer failed or came short.
 * Threads: any, one at a time per buffer. */
int npu_memory_sync(struct npu_memory *memory, enum npu_direction direction, size_t offset,
                    size_t bytes, struct npu_error *err);

/* ---- Code ------------------------------------------------------------------------------------ */

/* What a launch works on, as the backend sees it: the bytes, and the buffer that they lie in, for
 * backends whose commands name buffers. */
struct npu_span {
    void *data; /* the device's side, of the span's first byte */
    size_t bytes;
    struct npu_memory *memory; /* transfer none */
    size_t offset;             /* of data in it */
};
struct npu_call {
    struct npu_span span[NPU_MAX_SPANS];
    unsigned n_spans;
    struct npu_span words;     /* WORDS: of memory of kind CODE; else empty */
    unsigned n_tiles;          /* as submitted */
    void *user;                /* of the launch */
    const atomic_bool *cancel; /* true: give up with -ECANCELED soon */
    struct npu_error *err;     /* out: why a function of the host failed; NULL outside of it */
    uint64_t run_ns;           /* out: wall time from its start to its end, on this host */
    uint64_t modelled_ns;      /* out: modelled time of the launch; 0: none was modelled */
};

/* A function of the host, for backends that run on it. Returns 0 or -errno.
 * Threads: the context's. */
typedef int npu_call_fn(void *user, struct npu_call *call);

enum npu_code_kind {
    NPU_CODE_HOST,   /* a function of the host */
    NPU_CODE_DESIGN, /* an array program as text, run by a sequence of its own */
    NPU_CODE_WORDS,  /* an array program by its name, run by instruction words (npu/txn/txn.h) */
};

struct npu_code {
    enum npu_code_kind kind;
    const char *name;     /* for messages (copied); NULL: "code" */
    npu_call_fn *call;    /* HOST */
    void *user;           /* HOST */
    const char *text;     /* DESIGN: MLIR-AIE text (npu/sim/DESIGNS.md); copied */
    const char *sequence; /* DESIGN: its runtime sequence; NULL: the only one; copied */
    /* WORDS: that of mlir/NAME.mlir, "encoder", without a folder; the backend knows where its form
     * of it is. Needed until npu_context_open() returns. */
    const char *program;
    const uint32_t *words; /* WORDS: of launches that bring none; copied. NULL: every launch does */
    size_t n_words;
};

/* ---- Contexts and launches ------------------------------------------------------------------- */

struct npu_context;

/* Load code. Returns 0 and *out (transfer full); -EINVAL; -ENOTSUP the device does not take this
 * kind of code; -ENOENT every context that the device has is in use (the driver's answer), or no
 * such program; -EBADMSG code that cannot be read; -ENOSPC the heap for words is full; -EAGAIN no thread to
 * be had; -ENOMEM. Threads: control. */
int npu_context_open(struct npu_context **out, struct npu_device *device,
                     const struct npu_code *code, struct npu_error *err);
/* Cancel, wait until the launches have ended and been reported, unload. A launch that has not ended
 * after `grace_ns` is left behind: it keeps its context and buffers, which go when it ends. Returns
 * 0; -ETIMEDOUT something was left behind. Threads: control, not from a completion. */
int npu_context_close(struct npu_context **context, uint64_t grace_ns);
/* End every launch with -ECANCELED as soon as can be, refuse new ones. Threads: any. Blocks: no. */
void npu_context_cancel(struct npu_context *context);
/* Wait until cancelled launches have ended and been reported, then accept launches again. Returns
 * 0; -EAGAIN not within timeout_ns; -EIO the context is lost. Threads: any but a completion. */
int npu_context_resume(struct npu_context *context, uint64_t timeout_ns);

/* Report of one launch, in the order of submission. err: "" or why. Called with no lock held.
 * Threads: completion. May submit, must not block, close or resume. */
typedef void npu_done_fn(void *user, uint64_t ticket, int result, const struct npu_call *call,
                         const struct npu_error *err);

struct npu_launch_span {
    struct npu_memory *memory; /* of the context's device (transfer none) */
    size_t offset, bytes;
};
struct npu_launch {
    struct npu_launch_span span[NPU_MAX_SPANS];
    unsigned n_spans; /* 1 .. NPU_MAX_SPANS */
    /* WORDS: what runs, of memory of kind CODE; memory NULL: the code's own words. span i is the
     * words' argument i. */
    struct npu_launch_span words;
    unsigned n_tiles; /* that the buffers hold, for host code */
    /* From its start, when those before it have ended; NPU_TIMEOUT_NONE: none. The driver's own
     * watchdog takes 2 s; 5 s lets it speak first. */
    uint64_t deadline_ns;
    /* NULL: npu_context_cancel() ends it. Else a flag that outlives the launch and alone cancels it
     * once it is queued: for a caller who passes on a wish to give up. */
    const atomic_bool *cancel;
    npu_done_fn *done; /* NULL: none */
    void *done_user;   /* for done */
    void *user;        /* the call's */
};

/* Queue a launch. Returns 0 and its ticket (1, 2, ...; may be NULL); -EINVAL; -EAGAIN
 * NPU_MAX_FLIGHT are in flight; -EBUSY a buffer in quarantine; -ECANCELED; -EIO the context is
 * lost; what the backend says. Threads: any. Blocks: no. Allocates: no. */
int npu_launch_submit(struct npu_context *context, const struct npu_launch *launch,
                      uint64_t *ticket, struct npu_error *err);
/* Wait for the report of a ticket. Returns its result: 0; -ETIMEDOUT late; -ECANCELED; -EIO ...; or
 * -EAGAIN not within timeout_ns; -EINVAL a ticket never given or older than the last
 * NPU_MAX_RESULTS. Threads: any but a completion. */
int npu_launch_wait(struct npu_context *context, uint64_t ticket, uint64_t timeout_ns,
                    struct npu_error *err);
/* run_ns and modelled_ns of a launch that has been reported, as in struct npu_call; 0 where
 * npu_launch_wait() knows the ticket no more. Threads: any. */
void npu_launch_get_times(struct npu_context *context, uint64_t ticket, uint64_t *run_ns,
                          uint64_t *modelled_ns);

#ifdef __cplusplus
}
#endif

#endif /* NPU_LAUNCH_LAUNCH_H */
