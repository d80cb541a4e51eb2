/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/npu/fake.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "npu/array/array.h"
#include "npu/backend.h"
#include "npu/log.h"
#include "tests/npu/wire.h"

#define DELAY_NS 3000000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
/* all below: lock */
static enum fake_point fault_point;
static enum fake_kind fault_kind;
static unsigned fault_nth, passed;
static bool struck, holding;
static uint64_t jitter_ns, random_state = 1;

static atomic_uint n_contexts, n_buffers, n_word_launches;
static atomic_bool is_near;
static atomic_ullong code_bytes;

static void sleep_ns(uint64_t ns)
{
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    nanosleep(&t, NULL);
}

/* Pass a point: returns FAKE_KINDS, or the fault that strikes here; delays have passed already. */
static enum fake_kind pass(enum fake_point point)
{
    enum fake_kind kind = FAKE_KINDS;

    pthread_mutex_lock(&lock);
    if (point == fault_point && (++passed == fault_nth || fault_nth == 0)) {
        struck = true;
        kind = fault_kind;
    }
    if (kind == FAKE_HANG)
        holding = true;
    while (kind == FAKE_HANG && holding)
        pthread_cond_wait(&released, &lock);
    pthread_mutex_unlock(&lock);
    if (kind == FAKE_DELAY)
        sleep_ns(DELAY_NS);
    return kind;
}

static uint64_t jitter(void)
{
    pthread_mutex_lock(&lock);
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    uint64_t ns = jitter_ns ? (random_state >> 33) % jitter_ns : 0;
    pthread_mutex_unlock(&lock);
    return ns;
}

void fake_set_fault(enum fake_point point, enum fake_kind kind, unsigned nth)
{
    pthread_mutex_lock(&lock);
    fault_point = point;
    fault_kind = kind;
    fault_nth = nth;
    passed = 0;
    struck = false;
    pthread_mutex_unlock(&lock);
}

bool fake_struck(void)
{
    pthread_mutex_lock(&lock);
    bool is = struck;
    pthread_mutex_unlock(&lock);
    return is;
}

void fake_release(void)
{
    pthread_mutex_lock(&lock);
    holding = false;
    pthread_cond_broadcast(&released);
    pthread_mutex_unlock(&lock);
}

void fake_set_jitter(uint64_t ns)
{
    pthread_mutex_lock(&lock);
    jitter_ns = ns;
    pthread_mutex_unlock(&lock);
}

unsigned fake_word_launches(void)
{
    return atomic_load(&n_word_launches);
}

void fake_set_near(bool near)
{
    atomic_store(&is_near, near);
}

unsigned fake_buffers(void)
{
    return atomic_load(&n_buffers);
}

static int fake_memory_open(struct npu_memory *memory)
{
    enum fake_kind kind = pass(FAKE_ALLOC);
    size_t bytes = (memory->bytes + 63) / 64 * 64;

    if (kind == FAKE_ERROR)
        return -ENOMEM;
    memory->host = aligned_alloc(64, bytes);
    memory->remote = atomic_load(&is_near) ? memory->host : aligned_alloc(64, bytes);
    if (!memory->host || !memory->remote) {
        free(memory->host);
        free(memory->remote == memory->host ? NULL : memory->remote);
        return -ENOMEM;
    }
    memset(memory->host, 0, bytes);
    memset(memory->remote, 0, bytes);
    atomic_fetch_add(&n_buffers, 1);
    return 0;
}

static void fake_memory_close(struct npu_memory *memory)
{
    if (memory->remote != memory->host)
        free(memory->remote);
    free(memory->host);
    atomic_fetch_sub(&n_buffers, 1);
}

static int64_t fake_memory_sync(struct npu_memory *memory, enum npu_direction direction,
                                size_t offset, size_t bytes)
{
    char *host = (char *)memory->host + offset, *remote = (char *)memory->remote + offset;
    enum fake_kind kind = pass(direction == NPU_TO_DEVICE ? FAKE_WRITE : FAKE_READ);

    if (kind == FAKE_ERROR)
        return -EIO;
    if (kind == FAKE_SHORT)
        bytes /= 2;
    if (remote == host)
        return (int64_t)bytes;
    memcpy(direction == NPU_TO_DEVICE ? remote : host, direction == NPU_TO_DEVICE ? host : remote,
           bytes);
    return (int64_t)bytes;
}

struct fake_context {
    npu_call_fn *call; /* NULL: words */
    void *user;
    unsigned begun; /* the context's lock */
    atomic_uint run;
};

static int fake_context_open(void **state, struct npu_device *device, const struct npu_code *code,
                             struct npu_error *err)
{
    (void)device;
    if (code->kind == NPU_CODE_DESIGN)
        return npu_fail(err, -ENOTSUP, "device fake takes no designs as text");
    if (pass(FAKE_OPEN) == FAKE_ERROR)
        return npu_fail(err, -EIO, "injected: open");
    struct fake_context *c = calloc(1, sizeof(*c));
    if (!c)
        return npu_fail(err, -ENOMEM, "out of memory");
    c->call = code->kind == NPU_CODE_HOST ? code->call : NULL;
    c->user = code->user;
    *state = c;
    return 0;
}

static int fake_begin(void *state, struct npu_call *call, struct npu_error *err)
{
    struct fake_context *c = state;

    (void)call;
    if (pass(FAKE_BEGIN) == FAKE_ERROR)
        return npu_fail(err, -EIO, "injected: begin");
    /* The driver's queue: a fifth command would block. */
    if (c->begun - atomic_load(&c->run) >= NPU_MAX_FLIGHT)
        return npu_fail(err, -EPROTO, "a fifth command");
    c->begun++;
    return 0;
}

static int fake_run(void *state, struct npu_call *call, struct npu_error *err)
{
    struct fake_context *c = state;
    uint64_t ns = jitter();
    int ret = 0;

    if (ns)
        sleep_ns(ns);
    enum fake_kind kind = pass(FAKE_RUN);
    if (kind == FAKE_ERROR)
        ret = npu_fail(err, -EIO, "injected: run");
    else if (!c->call)
        ret = wire_run(call, err);
    else {
        call->err = err;
        ret = c->call(c->user, call);
        call->err = NULL;
    }
    atomic_fetch_add(&n_word_launches, !c->call);
    if (ret == 0 && kind == FAKE_SHORT)
        ret = npu_fail(err, -EIO, "injected: run came short");
    atomic_fetch_add(&c->run, 1);
    return ret;
}

static struct npu_launch_ops ops = {
    .max_contexts = 6,
    .n_contexts = &n_contexts,
    .code_heap = 1 << 20,
    .code_bytes = &code_bytes,
    .deadline_ns = NPU_TIMEOUT_NONE,
    .memory_open = fake_memory_open,
    .memory_close = fake_memory_close,
    .memory_sync = fake_memory_sync,
    .context_open = fake_context_open,
    .context_close = free,
    .begin = fake_begin,
    .run = fake_run,
};

static int fake_open(struct npu_device **out, const struct npu_device_params *params,
                     struct npu_error *err);

static void fake_get_info(const struct npu_device *device, struct npu_device_info *info)
{
    (void)device;
    *info = (struct npu_device_info){.name = "fake", .isa = "", .note = "", .threads = 1};
}

static void fake_close(struct npu_device *device)
{
    free(device);
}

static const struct npu_backend backend = {
    .name = "fake",
    .open = fake_open,
    .get_info = fake_get_info,
    .close = fake_close,
    .best_profile = NPU_PROFILE_NPU,
    .load = npu_array_load,
    .unload = npu_array_unload,
    .overlaps = true,
    .run = npu_array_run,
    .launch = &ops,
};

static int fake_open(struct npu_device **out, const struct npu_device_params *params,
                     struct npu_error *err)
{
    (void)params;
    struct npu_device *device = calloc(1, sizeof(*device));
    if (!device)
        return npu_fail(err, -ENOMEM, "out of memory");
    device->backend = &backend;
    *out = device;
    return 0;
}

void fake_set_deadline(uint64_t ns)
{
    ops.deadline_ns = ns;
}

int fake_register(void)
{
    return npu_backend_register(&backend);
}
