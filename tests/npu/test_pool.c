/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool of buffers, on the fake device. */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "npu/clock.h"
#include "npu/launch/pool.h"
#include "tests/check.h"
#include "tests/npu/fake.h"

#define MS UINT64_C(1000000)

static struct npu_device *device;

static struct npu_pool *pool_open(uint64_t max_bytes, unsigned max_buffers)
{
    struct npu_pool *pool = NULL;
    struct npu_error err = {""};
    const struct npu_pool_params params = {.max_bytes = max_bytes, .max_buffers = max_buffers};
    if (npu_pool_open(&pool, device, &params, &err)) {
        check_case(false, "pool_opens", "%s", err.text);
        exit(check_finish());
    }
    return pool;
}

static struct npu_pool_stats stats_of(struct npu_pool *pool)
{
    struct npu_pool_stats stats;
    npu_pool_get_stats(pool, &stats);
    return stats;
}

static void test_classes(void)
{
    static const struct {
        size_t bytes, class;
    } rows[] = {{1, 4096},      {4096, 4096},      {4097, 5120},      {5120, 5120},
                {5121, 6144},   {8192, 8192},      {8193, 10240},     {12288, 12288},
                {16384, 16384}, {960000, 1048576}, {3072000, 3145728}};
    bool right = true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        right = right && npu_pool_class_bytes(rows[i].bytes) == rows[i].class;
    check_case(right, "classes_are_quarters_of_octaves", "%s", "");
    bool little = true;
    for (size_t bytes = 4096; bytes < 200000; bytes += 77)
        little = little && npu_pool_class_bytes(bytes) >= bytes &&
                 npu_pool_class_bytes(bytes) <= bytes + bytes / 4;
    check_case(little, "classes_lose_a_quarter_at_most", "%s", "");
}

static void test_reuse(void)
{
    struct npu_pool *pool = pool_open(0, 0);
    struct npu_memory *a, *b;
    struct npu_error err = {""};
    bool same = true;

    fake_set_fault(FAKE_ALLOC, FAKE_ERROR, 3);
    for (unsigned i = 0; i < 100; i++) {
        same = same && npu_pool_acquire(pool, 5000, 0, &a, &err) == 0 &&
               npu_pool_acquire(pool, 5100, 0, &b, &err) == 0 && a != b &&
               npu_memory_bytes(a) == 5120;
        npu_pool_unref(pool, &a);
        npu_pool_unref(pool, &b);
    }
    struct npu_pool_stats stats = stats_of(pool);
    check_case(same && !fake_struck() && fake_buffers() == 2, "buffers_are_used_again",
               "%u buffers", fake_buffers());
    fake_set_fault(FAKE_NOWHERE, FAKE_ERROR, 0);
    check_case(stats.used == 0 && stats.buffers == 2 && stats.bytes == 10240, "bytes_are_counted",
               "%llu", (unsigned long long)stats.bytes);
    npu_pool_trim(pool);
    check_case(fake_buffers() == 0 && stats_of(pool).bytes == 0, "trim_frees_the_idle", "%s", "");
    npu_pool_close(&pool);
}

static void test_bound(void)
{
    struct npu_pool *pool = pool_open(3 * 4096, 0);
    struct npu_memory *m[3] = {NULL}, *more = NULL;
    struct npu_error err = {""};

    for (unsigned i = 0; i < 3; i++)
        npu_pool_acquire(pool, 4096, 0, &m[i], &err);
    uint64_t start = npu_now_ns();
    int ret = npu_pool_acquire(pool, 4096, 20 * MS, &more, &err);
    check_case(ret == -EAGAIN && !more && npu_now_ns() - start >= 20 * MS && m[2],
               "full_pool_waits_its_timeout", "%d %s", ret, err.text);
    ret = npu_pool_acquire(pool, 4 * 4096, 0, &more, &err);
    check_case(ret == -ENOSPC, "more_than_the_bound_refused", "%d %s", ret, err.text);
    npu_pool_unref(pool, &m[0]);
    npu_pool_unref(pool, &m[1]);
    ret = npu_pool_acquire(pool, 8192, 0, &more, &err);
    check_case(ret == 0 && fake_buffers() == 2 && stats_of(pool).bytes == 12288,
               "idle_of_other_classes_make_room", "%d, %llu bytes", ret,
               (unsigned long long)stats_of(pool).bytes);
    ret = npu_pool_acquire(pool, 4096, 0, &m[0], &err);
    check_case(ret == -EAGAIN && fake_buffers() == 2, "bound_is_never_passed", "%d %s", ret,
               err.text);
    npu_pool_unref(pool, &more);
    npu_pool_unref(pool, &m[2]);
    npu_pool_close(&pool);
    struct npu_pool_params many = {.max_buffers = NPU_POOL_BUFFERS + 1};
    check_case(npu_pool_open(&pool, device, &many, &err) == -EINVAL, "too_many_buffers_refused",
               "%s", err.text);
}

/* Eight threads on three buffers: no two share one, all make progress. */
enum { THREADS = 8, ROUNDS = 300 };
static struct npu_pool *shared;
static atomic_uint disturbed, failed;

static void *use_pool(void *data)
{
    unsigned char mark = (unsigned char)(uintptr_t)data;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct npu_memory *m;
        if (npu_pool_acquire(shared, 4096, 60000 * MS, &m, NULL)) {
            atomic_fetch_add(&failed, 1);
            continue;
        }
        unsigned char *p = npu_memory_map(m);
        memset(p, mark, 4096);
        for (unsigned j = 0; j < 4096; j += 64)
            if (p[j] != mark)
                atomic_fetch_add(&disturbed, 1);
        npu_pool_unref(shared, &m);
    }
    return NULL;
}

static void test_threads(void)
{
    pthread_t thread[THREADS];
    shared = pool_open(0, 3);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, use_pool, (void *)(i + 1));
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    struct npu_pool_stats stats = stats_of(shared);
    check_case(!disturbed && !failed && stats.buffers <= 3 && stats.used == 0,
               "threads_share_buffers_in_turn", "%u disturbed, %u failed, %u buffers",
               (unsigned)disturbed, (unsigned)failed, stats.buffers);
    npu_pool_close(&shared);
}

static int hang_call(void *user, struct npu_call *call)
{
    (void)user, (void)call;
    return 0;
}

/* A buffer returned while a late launch uses it is not given out before that launch has ended. */
static void test_quarantine(void)
{
    struct npu_pool *pool = pool_open(0, 1);
    struct npu_memory *m = NULL, *again = NULL;
    struct npu_context *c = NULL;
    struct npu_error err = {""};
    uint64_t ticket = 0;

    fake_set_fault(FAKE_RUN, FAKE_HANG, 1);
    int ret = npu_context_open(&c, device, &(struct npu_code){.call = hang_call}, &err);
    if (ret == 0)
        ret = npu_pool_acquire(pool, 4096, 0, &m, &err);
    struct npu_launch launch = {.span = {{m, 0, 4096}}, .n_spans = 1, .deadline_ns = 10 * MS};
    if (ret == 0)
        ret = npu_launch_submit(c, &launch, &ticket, &err);
    if (ret == 0)
        ret = npu_launch_wait(c, ticket, NPU_TIMEOUT_NONE, &err);
    npu_pool_unref(pool, &m);
    struct npu_pool_stats stats = stats_of(pool);
    int second = npu_pool_acquire(pool, 4096, 20 * MS, &again, &err);
    check_case(ret == -ETIMEDOUT && stats.quarantined == 1 && stats.used == 1 && second == -EAGAIN,
               "late_buffer_is_not_handed_out", "%d, %d %s", ret, second, err.text);
    fake_release();
    ret = npu_pool_acquire(pool, 4096, 60000 * MS, &again, &err);
    check_case(ret == 0 && stats_of(pool).quarantined == 0 && !npu_memory_busy(again),
               "quarantine_ends", "%d %s", ret, err.text);
    fake_set_fault(FAKE_NOWHERE, FAKE_ERROR, 0);
    npu_pool_unref(pool, &again);
    npu_context_close(&c, NPU_TIMEOUT_NONE);
    npu_pool_close(&pool);
}

static void test_allocation_failure(void)
{
    struct npu_pool *pool = pool_open(0, 0);
    struct npu_memory *m[2] = {NULL};
    struct npu_error err = {""};

    fake_set_fault(FAKE_ALLOC, FAKE_ERROR, 2);
    npu_pool_acquire(pool, 4096, 0, &m[0], &err);
    int ret = npu_pool_acquire(pool, 4096, 0, &m[1], &err);
    check_case(ret == -ENOMEM && !m[1] && stats_of(pool).buffers == 1 && stats_of(pool).used == 1,
               "failed_allocation_reported", "%d %s", ret, err.text);
    ret = npu_pool_acquire(pool, 4096, 0, &m[1], &err);
    check_case(ret == 0, "pool_lives_on", "%d", ret);
    npu_pool_unref(pool, &m[0]);
    npu_pool_unref(pool, &m[1]);
    fake_set_fault(FAKE_NOWHERE, FAKE_ERROR, 0);
    npu_pool_close(&pool);
}

int main(void)
{
    struct npu_error err = {""};
    if (fake_register() ||
        npu_device_open(&device, &(struct npu_device_params){.name = "fake"}, &err))
        return 1;
    test_classes();
    test_reuse();
    test_bound();
    test_threads();
    test_quarantine();
    test_allocation_failure();
    check_case(fake_buffers() == 0, "no_buffer_left", "%u", fake_buffers());
    npu_device_close(&device);
    return check_finish();
}
