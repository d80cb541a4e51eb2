/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Buffers of a device, and the host's own kind of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "npu/backend.h"
#include "npu/block.h"
#include "npu/log.h"

#define MAX_BYTES ((uint64_t)1 << 32)

/* Take `bytes` of the code heap; false when they are not there. */
static bool take_heap(const struct npu_launch_ops *ops, size_t bytes)
{
    unsigned long long had = atomic_load(ops->code_bytes);
    do {
        if (had + bytes > ops->code_heap)
            return false;
    } while (!atomic_compare_exchange_weak(ops->code_bytes, &had, had + bytes));
    return true;
}

static bool in_heap(const struct npu_launch_ops *ops, enum npu_memory_kind kind)
{
    return kind == NPU_MEMORY_CODE && ops->code_heap != 0;
}

int npu_memory_open(struct npu_memory **out, struct npu_device *device, enum npu_memory_kind kind,
                    size_t bytes, struct npu_error *err)
{
    const struct npu_launch_ops *ops = device->backend->launch;

    if (!ops)
        return npu_fail(err, -ENOTSUP, "device %s has no buffers", device->backend->name);
    if (bytes == 0 || bytes > MAX_BYTES)
        return npu_fail(err, -EINVAL, "a buffer of %zu bytes, expected 1 to 2^32", bytes);
    if (kind != NPU_MEMORY_DATA && kind != NPU_MEMORY_CODE)
        return npu_fail(err, -EINVAL, "a buffer of kind %d, expected data or code", (int)kind);
    if (in_heap(ops, kind) && !take_heap(ops, bytes))
        return npu_fail(err, -ENOSPC, "%zu bytes of code do not fit the heap of %llu", bytes,
                        (unsigned long long)ops->code_heap);
    struct npu_memory *m = calloc(1, sizeof(*m));
    int ret = -ENOMEM;
    if (m) {
        *m = (struct npu_memory){.ops = ops, .device = device, .kind = kind, .bytes = bytes};
        atomic_init(&m->refs, 1);
        ret = ops->memory_open(m);
    }
    if (ret) {
        free(m);
        if (in_heap(ops, kind))
            atomic_fetch_sub(ops->code_bytes, bytes);
        return npu_fail(err, ret, "no memory for a buffer of %zu bytes", bytes);
    }
    *out = m;
    return 0;
}

static void unref(struct npu_memory *m)
{
    if (atomic_fetch_sub(&m->refs, 1) != 1)
        return;
    if (in_heap(m->ops, m->kind))
        atomic_fetch_sub(m->ops->code_bytes, m->bytes);
    m->ops->memory_close(m);
    free(m);
}

void npu_memory_close(struct npu_memory **memory)
{
    if (*memory)
        unref(*memory);
    *memory = NULL;
}

void npu_memory_hold(struct npu_memory *memory)
{
    atomic_fetch_add(&memory->refs, 1);
    atomic_fetch_add(&memory->launches, 1);
}

void npu_memory_drop(struct npu_memory *memory)
{
    atomic_fetch_sub(&memory->launches, 1);
    unref(memory);
}

void *npu_memory_map(const struct npu_memory *memory)
{
    return memory->host;
}

size_t npu_memory_bytes(const struct npu_memory *memory)
{
    return memory->bytes;
}

bool npu_memory_busy(const struct npu_memory *memory)
{
    return atomic_load(&memory->launches) != 0;
}

int npu_memory_sync(struct npu_memory *memory, enum npu_direction direction, size_t offset,
                    size_t bytes, struct npu_error *err)
{
    const char *to = direction == NPU_TO_DEVICE ? "to" : "from";

    if (direction != NPU_TO_DEVICE && direction != NPU_FROM_DEVICE)
        return npu_fail(err, -EINVAL, "direction %d, expected to or from device", (int)direction);
    if (offset > memory->bytes || bytes > memory->bytes - offset)
        return npu_fail(err, -EINVAL, "bytes %zu .. %zu of a buffer of %zu", offset, offset + bytes,
                        memory->bytes);
    if (npu_memory_busy(memory))
        return npu_fail(err, -EBUSY, "a launch works on the buffer that is to move %s the device",
                        to);
    int64_t moved = memory->ops->memory_sync(memory, direction, offset, bytes);
    if (moved < 0)
        return npu_fail(err, (int)moved, "moving %zu bytes %s the device failed: %s", bytes, to,
                        strerror((int)-moved));
    if ((uint64_t)moved != bytes)
        return npu_fail(err, -EIO, "%lld of %zu bytes moved %s the device", (long long)moved, bytes,
                        to);
    return 0;
}

/* ---- The host as a device -------------------------------------------------------------------- */

static int host_memory_open(struct npu_memory *memory)
{
    memory->host = npu_block_alloc_zeroed(memory->bytes);
    if (!memory->host)
        return -ENOMEM;
    memory->remote = memory->host;
    return 0;
}

static void host_memory_close(struct npu_memory *memory)
{
    free(memory->host);
}

static int64_t host_memory_sync(struct npu_memory *memory, enum npu_direction direction,
                                size_t offset, size_t bytes)
{
    (void)memory, (void)direction, (void)offset;
    return (int64_t)bytes;
}

struct host_context {
    npu_call_fn *call;
    void *user;
};

static int host_context_open(void **state, struct npu_device *device, const struct npu_code *code,
                             struct npu_error *err)
{
    if (code->kind != NPU_CODE_HOST)
        return npu_fail(err, -ENOTSUP, "device %s runs functions of the host only",
                        device->backend->name);
    struct host_context *c = malloc(sizeof(*c));
    if (!c)
        return npu_fail(err, -ENOMEM, "out of memory");
    *c = (struct host_context){code->call, code->user};
    *state = c;
    return 0;
}

static int host_run(void *state, struct npu_call *call, struct npu_error *err)
{
    struct host_context *c = state;
    call->err = err;
    int ret = c->call(c->user, call);
    call->err = NULL;
    if (ret && !err->text[0])
        npu_fail(err, ret, "the function returned %d (%s)", ret, strerror(-ret));
    return ret;
}

const struct npu_launch_ops npu_host_launch_ops = {
    .deadline_ns = NPU_TIMEOUT_NONE,
    .memory_open = host_memory_open,
    .memory_close = host_memory_close,
    .memory_sync = host_memory_sync,
    .context_open = host_context_open,
    .context_close = free,
    .run = host_run,
};
