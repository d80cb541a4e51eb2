/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_BACKEND_SUITE_H
#define TESTS_NPU_BACKEND_SUITE_H
/* What npu/launch/launch.h promises of every backend; no case depends on which one it tests. */
#include <errno.h>

#include "npu/clock.h"
#include "npu/launch/launch.h"
#include "npu/txn/txn.h"
#include "tests/check.h"

/* A backend under test, and what it runs. */
struct backend_rig {
    const char *device;
    unsigned max_contexts; /* 0: no limit */
    uint64_t code_heap;    /* 0: no limit */
    bool far;              /* the device's side of a buffer is separate memory */
    struct npu_code copy;  /* span 1 = span 0, BACKEND_BYTES each; in order of submission */
    struct npu_code slow;  /* the same spans; ends when cancelled, no sooner */
    struct npu_code fail;  /* the same spans; ends with an error of its own */
    const char *program;   /* runs backend_words() of 2 spans as copy; NULL: takes no words */
    bool slow_is_deaf;     /* only `release` ends slow */
    void (*release)(void);
};
#define BACKEND_BYTES 256

#define SECOND  UINT64_C(1000000000)
#define MS      UINT64_C(1000000)
#define PATIENT (60 * SECOND) /* what takes longer is an error of the test */

struct bench {
    const struct backend_rig *rig;
    struct npu_device *device;
    struct npu_memory *in[NPU_MAX_FLIGHT], *out[NPU_MAX_FLIGHT];
    struct npu_error err;
};

static bool report(const struct backend_rig *rig, bool ok, const char *name, int got,
                   const struct npu_error *err)
{
    char full[128];
    snprintf(full, sizeof(full), "%s_%s", rig->device, name);
    return check_case(ok, full, "last %d %s", got, err ? err->text : "");
}

static int bench_open(struct bench *b, const struct backend_rig *rig)
{
    *b = (struct bench){.rig = rig};
    int ret = npu_device_open(
        &b->device, &(struct npu_device_params){.name = rig->device, .threads = 1}, &b->err);
    for (unsigned i = 0; i < NPU_MAX_FLIGHT && ret == 0; i++) {
        ret = npu_memory_open(&b->in[i], b->device, NPU_MEMORY_DATA, BACKEND_BYTES, &b->err);
        if (ret == 0)
            ret = npu_memory_open(&b->out[i], b->device, NPU_MEMORY_DATA, BACKEND_BYTES, &b->err);
    }
    return ret;
}

static void bench_close(struct bench *b)
{
    for (unsigned i = 0; i < NPU_MAX_FLIGHT; i++) {
        npu_memory_close(&b->in[i]);
        npu_memory_close(&b->out[i]);
    }
    npu_device_close(&b->device);
}

static void fill(struct npu_memory *memory, unsigned seed)
{
    unsigned char *p = npu_memory_map(memory);
    for (unsigned i = 0; i < BACKEND_BYTES; i++)
        p[i] = (unsigned char)(seed * 31 + i * 7 + (i >> 3));
}

static struct npu_launch launch_of(struct bench *b, unsigned slot)
{
    return (struct npu_launch){
        .span = {{b->in[slot], 0, BACKEND_BYTES}, {b->out[slot], 0, BACKEND_BYTES}},
        .n_spans = 2,
        .n_tiles = 1,
        .deadline_ns = NPU_TIMEOUT_NONE,
    };
}

static bool equal(struct npu_memory *a, struct npu_memory *b)
{
    return !memcmp(npu_memory_map(a), npu_memory_map(b), BACKEND_BYTES);
}

/* Write, launch, wait, read, 40 times through 4 slots, 4 in flight. */
static void test_results(const struct backend_rig *rig)
{
    struct bench b;
    struct npu_context *c = NULL;
    uint64_t ticket[NPU_MAX_FLIGHT], last = 0;
    bool right = true, ordered = true;

    int ret = bench_open(&b, rig);
    if (ret == 0)
        ret = npu_context_open(&c, b.device, &rig->copy, &b.err);
    for (unsigned i = 0; i < 40 + NPU_MAX_FLIGHT && ret == 0; i++) {
        unsigned slot = i % NPU_MAX_FLIGHT;
        if (i >= NPU_MAX_FLIGHT) {
            ret = npu_launch_wait(c, ticket[slot], PATIENT, &b.err);
            if (ret == 0)
                ret = npu_memory_sync(b.out[slot], NPU_FROM_DEVICE, 0, BACKEND_BYTES, &b.err);
            fill(b.in[slot], i - NPU_MAX_FLIGHT);
            right = right && equal(b.in[slot], b.out[slot]);
        }
        if (i >= 40 || ret)
            continue;
        struct npu_launch launch = launch_of(&b, slot);
        fill(b.in[slot], i);
        ret = npu_memory_sync(b.in[slot], NPU_TO_DEVICE, 0, BACKEND_BYTES, &b.err);
        if (ret == 0)
            ret = npu_launch_submit(c, &launch, &ticket[slot], &b.err);
        ordered = ordered && ticket[slot] == last + 1;
        last = ticket[slot];
    }
    report(rig, ret == 0 && right, "launches_give_their_own_results", ret, &b.err);
    report(rig, ret == 0 && ordered, "tickets_count_from_1", (int)last, NULL);
    npu_context_close(&c, PATIENT);
    bench_close(&b);
}

/* Where the device's side is separate memory, it does not see what is not synced. */
static void test_sync(const struct backend_rig *rig)
{
    struct bench b;
    struct npu_context *c = NULL;
    uint64_t ticket;

    int ret = bench_open(&b, rig);
    if (ret == 0)
        ret = npu_context_open(&c, b.device, &rig->copy, &b.err);
    struct npu_launch launch = launch_of(&b, 0);
    if (ret == 0) {
        fill(b.in[0], 1);
        /* the second half is not synced */
        ret = npu_memory_sync(b.in[0], NPU_TO_DEVICE, 0, BACKEND_BYTES / 2, &b.err);
        if (ret == 0)
            ret = npu_launch_submit(c, &launch, &ticket, &b.err);
        if (ret == 0)
            ret = npu_launch_wait(c, ticket, PATIENT, &b.err);
        const char *out = npu_memory_map(b.out[0]), *in = npu_memory_map(b.in[0]);
        bool unseen = rig->far ? out[1] == 0 : out[1] == in[1];
        if (ret == 0)
            ret = npu_memory_sync(b.out[0], NPU_FROM_DEVICE, 0, BACKEND_BYTES, &b.err);
        bool half = !memcmp(in, out, BACKEND_BYTES / 2);
        const char zero[BACKEND_BYTES / 2] = {0};
        const char *rest = rig->far ? zero : in + BACKEND_BYTES / 2;
        half = half && !memcmp(out + BACKEND_BYTES / 2, rest, BACKEND_BYTES / 2);
        report(rig, ret == 0 && unseen && half, "sync_moves_what_it_says", ret, &b.err);
    } else {
        report(rig, false, "sync_moves_what_it_says", ret, &b.err);
    }
    npu_context_close(&c, PATIENT);
    bench_close(&b);
}

static void test_arguments(const struct backend_rig *rig)
{
    struct bench b;
    struct npu_context *c = NULL;
    struct npu_memory *m = NULL;

    int ret = bench_open(&b, rig);
    if (ret == 0)
        ret = npu_context_open(&c, b.device, &rig->copy, &b.err);
    if (!report(rig, ret == 0, "opens", ret, &b.err)) {
        bench_close(&b);
        return;
    }
    ret = npu_memory_open(&m, b.device, NPU_MEMORY_DATA, 0, &b.err);
    report(rig, ret == -EINVAL && !m, "no_bytes_refused", ret, &b.err);
    ret = npu_memory_open(&m, b.device, (enum npu_memory_kind)7, 64, &b.err);
    report(rig, ret == -EINVAL && !m, "unknown_kind_refused", ret, &b.err);
    ret = npu_memory_sync(b.in[0], NPU_TO_DEVICE, 1, BACKEND_BYTES, &b.err);
    report(rig, ret == -EINVAL, "sync_behind_the_end_refused", ret, &b.err);
    ret = npu_memory_sync(b.in[0], NPU_TO_DEVICE, SIZE_MAX, 2, &b.err);
    report(rig, ret == -EINVAL, "sync_that_wraps_refused", ret, &b.err);
    report(rig, (uintptr_t)npu_memory_map(b.in[0]) % 64 == 0, "map_is_aligned", 0, NULL);

    struct npu_launch launch = launch_of(&b, 0);
    launch.n_spans = 0;
    ret = npu_launch_submit(c, &launch, NULL, &b.err);
    report(rig, ret == -EINVAL, "no_buffers_refused", ret, &b.err);
    launch = launch_of(&b, 0);
    launch.span[1].memory = NULL;
    ret = npu_launch_submit(c, &launch, NULL, &b.err);
    report(rig, ret == -EINVAL, "missing_buffer_refused", ret, &b.err);
    launch = launch_of(&b, 0);
    launch.span[1].offset = 1;
    ret = npu_launch_submit(c, &launch, NULL, &b.err);
    report(rig, ret == -EINVAL, "span_behind_the_end_refused", ret, &b.err);
    ret = npu_launch_wait(c, 1, 0, &b.err);
    report(rig, ret == -EINVAL, "ticket_never_given_refused", ret, &b.err);
    struct npu_context *none = NULL;
    ret = npu_context_open(&none, b.device, &(struct npu_code){.kind = NPU_CODE_HOST}, &b.err);
    report(rig, ret == -EINVAL && !none, "host_code_without_function_refused", ret, &b.err);
    ret = npu_context_open(&none, b.device, &(struct npu_code){.kind = NPU_CODE_DESIGN}, &b.err);
    report(rig, ret == -EINVAL && !none, "design_without_text_refused", ret, &b.err);
    npu_context_close(&c, PATIENT);
    bench_close(&b);
}

/* ---- Instruction words ----------------------------------------------------------------------- */

/* Words that copy argument `from` to the other of two: in at MM2S 0, out at S2MM 0 of column 0. */
static struct npu_txn *copy_words(unsigned from)
{
    const struct npu_txn_transfer out = {.direction = NPU_TXN_S2MM,
                                         .bd = 1,
                                         .token = true,
                                         .argument = 1 - from,
                                         .element_bytes = 4,
                                         .size = {1, 1, 1, BACKEND_BYTES / 4},
                                         .stride = {0, 0, 0, 1}};
    struct npu_txn_transfer in = out;
    const struct npu_txn_wait wait = {.direction = NPU_TXN_S2MM, .n_columns = 1, .n_rows = 1};
    struct npu_txn *txn = NULL;

    in.direction = NPU_TXN_MM2S;
    in.bd = 0;
    in.token = false;
    in.argument = from;
    if (npu_txn_open(&txn, &NPU_TXN_NPU1(1), NULL) || npu_txn_append_transfer(txn, &out, NULL) ||
        npu_txn_append_transfer(txn, &in, NULL) || npu_txn_append_wait(txn, &wait, NULL))
        abort();
    return txn;
}

/* A context of the rig's program; with the words of `txn`, or none. */
static int open_words(struct npu_context **c, struct bench *b, const struct npu_txn *txn)
{
    struct npu_code code = {.kind = NPU_CODE_WORDS, .name = "words", .program = b->rig->program};

    if (txn)
        code.words = npu_txn_words(txn, &code.n_words);
    return npu_context_open(c, b->device, &code, &b->err);
}

/* Words of a launch, in the middle of a buffer of their own. */
static int make_words(struct npu_launch_span *span, struct bench *b, enum npu_memory_kind kind,
                      const struct npu_txn *txn)
{
    size_t n = 0;
    const uint32_t *words = npu_txn_words(txn, &n);

    *span = (struct npu_launch_span){.offset = 64, .bytes = 4 * n};
    int ret = npu_memory_open(&span->memory, b->device, kind, 128 + 4 * n, &b->err);
    if (ret)
        return ret;
    memcpy((char *)npu_memory_map(span->memory) + 64, words, 4 * n);
    return npu_memory_sync(span->memory, NPU_TO_DEVICE, 0, 128 + 4 * n, &b->err);
}

/* Fill one of slot 0's buffers, run, and see whether the other has the same bytes then. */
static bool copies(struct bench *b, struct npu_context *c, const struct npu_launch_span *words,
                   bool backwards, int *ret)
{
    struct npu_memory *from = backwards ? b->out[0] : b->in[0];
    struct npu_memory *to = backwards ? b->in[0] : b->out[0];
    struct npu_launch launch = launch_of(b, 0);
    uint64_t ticket = 0;

    if (words)
        launch.words = *words;
    fill(from, backwards ? 5 : 11);
    memset(npu_memory_map(to), 0, BACKEND_BYTES);
    *ret = npu_memory_sync(from, NPU_TO_DEVICE, 0, BACKEND_BYTES, &b->err);
    if (*ret == 0)
        *ret = npu_launch_submit(c, &launch, &ticket, &b->err);
    if (*ret == 0)
        *ret = npu_launch_wait(c, ticket, PATIENT, &b->err);
    if (*ret == 0)
        *ret = npu_memory_sync(to, NPU_FROM_DEVICE, 0, BACKEND_BYTES, &b->err);
    return *ret == 0 && equal(from, to);
}

static void refuse_code(struct bench *b)
{
    static const uint32_t none[] = {1, 2, 3, 4};
    static const struct {
        const char *name;
        struct npu_code code;
        int ret;
    } cases[] = {
        {"words_without_program_refused", {.kind = NPU_CODE_WORDS}, -EINVAL},
        {"program_in_a_folder_refused", {.kind = NPU_CODE_WORDS, .program = "../x"}, -EINVAL},
        {"words_that_are_none_refused",
         {.kind = NPU_CODE_WORDS, .program = "x", .words = none, .n_words = 4},
         -EBADMSG},
        {"unknown_kind_of_code_refused", {.kind = (enum npu_code_kind)9}, -EINVAL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct npu_context *c = NULL;
        b->err.text[0] = '\0';
        int ret = npu_context_open(&c, b->device, &cases[i].code, &b->err);
        report(b->rig, ret == cases[i].ret && !c && b->err.text[0], cases[i].name, ret, &b->err);
    }
}

/* c: takes words with each launch, has no words of its own. */
static void refuse_launches(struct bench *b, struct npu_context *c, struct npu_launch_span good,
                            const struct npu_txn *txn)
{
    struct npu_launch_span data = {.memory = NULL};
    struct npu_launch launch = launch_of(b, 0);
    struct npu_context *other = NULL;

    int ret = npu_launch_submit(c, &launch, NULL, &b->err);
    report(b->rig, ret == -EINVAL, "launch_without_words_refused", ret, &b->err);
    launch.words = good;
    launch.words.bytes = npu_memory_bytes(good.memory);
    ret = npu_launch_submit(c, &launch, NULL, &b->err);
    report(b->rig, ret == -EINVAL, "words_past_the_end_refused", ret, &b->err);
    launch.words = good;
    launch.words.offset += 2;
    ret = npu_launch_submit(c, &launch, NULL, &b->err);
    report(b->rig, ret == -EINVAL, "words_at_half_a_word_refused", ret, &b->err);
    ret = make_words(&data, b, NPU_MEMORY_DATA, txn);
    launch.words = data;
    if (ret == 0)
        ret = npu_launch_submit(c, &launch, NULL, &b->err);
    report(b->rig, ret == -EINVAL, "words_in_data_memory_refused", ret, &b->err);
    npu_memory_close(&data.memory);
    ret = npu_context_open(&other, b->device, &b->rig->copy, &b->err);
    launch.words = good;
    if (ret == 0)
        ret = npu_launch_submit(other, &launch, NULL, &b->err);
    report(b->rig, ret == -EINVAL, "words_for_other_code_refused", ret, &b->err);
    npu_context_close(&other, PATIENT);
}

static void test_words(const struct backend_rig *rig)
{
    struct npu_txn *forth = copy_words(0), *back = copy_words(1);
    struct npu_context *own = NULL, *bring = NULL;
    struct npu_launch_span words = {.memory = NULL};
    struct bench b;
    uint64_t run_ns = 1, modelled_ns = 1;

    int ret = bench_open(&b, rig);
    if (ret == 0)
        refuse_code(&b);
    if (ret == 0 && !rig->program) {
        b.rig = &(struct backend_rig){.program = "any"};
        ret = open_words(&own, &b, forth);
        report(rig, ret == -ENOTSUP && !own, "takes_no_words_and_says_so", ret, &b.err);
    } else if (ret == 0) {
        ret = open_words(&own, &b, forth);
        bool ok = ret == 0 && copies(&b, own, NULL, false, &ret);
        report(rig, ok, "words_of_the_code_run", ret, &b.err);
        ret = open_words(&bring, &b, NULL);
        if (ret == 0)
            ret = make_words(&words, &b, NPU_MEMORY_CODE, back);
        ok = ret == 0 && copies(&b, own, &words, true, &ret) && copies(&b, own, NULL, false, &ret);
        report(rig, ok, "words_of_a_launch_go_before_the_codes", ret, &b.err);
        ok = ret == 0 && copies(&b, bring, &words, true, &ret);
        report(rig, ok, "words_of_a_launch_run", ret, &b.err);
        if (ret == 0)
            refuse_launches(&b, bring, words, back);
        npu_launch_get_times(bring, 1, &run_ns, &modelled_ns);
        report(rig, run_ns > 1, "times_of_a_launch_are_known", (int)run_ns, NULL);
        npu_launch_get_times(bring, 2, &run_ns, &modelled_ns);
        report(rig, run_ns == 0 && modelled_ns == 0, "times_of_no_launch_are_0", (int)run_ns, NULL);
    }
    npu_memory_close(&words.memory);
    npu_context_close(&own, PATIENT);
    npu_context_close(&bring, PATIENT);
    npu_txn_close(&forth);
    npu_txn_close(&back);
    bench_close(&b);
}

static void test_contexts(const struct backend_rig *rig)
{
    struct bench b;
    struct npu_context *c[9] = {NULL};
    unsigned n = 0, limit = rig->max_contexts ? rig->max_contexts : 9;

    int ret = bench_open(&b, rig);
    while (ret == 0 && n < 9) {
        ret = npu_context_open(&c[n], b.device, &rig->copy, &b.err);
        n += ret == 0;
    }
    report(rig, n == limit && (n == 9 || ret == -ENOENT), "contexts_have_their_limit", (int)n,
           &b.err);
    npu_context_close(&c[0], PATIENT);
    ret = npu_context_open(&c[0], b.device, &rig->copy, &b.err);
    report(rig, ret == 0, "closed_context_makes_room", ret, &b.err);
    for (unsigned i = 0; i < 9; i++)
        npu_context_close(&c[i], PATIENT);
    bench_close(&b);
}

static void test_heap(const struct backend_rig *rig)
{
    struct bench b;
    struct npu_memory *m[2] = {NULL, NULL};
    size_t half = rig->code_heap ? (size_t)rig->code_heap / 2 + 1 : 4096;

    bench_open(&b, rig);
    int first = npu_memory_open(&m[0], b.device, NPU_MEMORY_CODE, half, &b.err);
    int second = npu_memory_open(&m[1], b.device, NPU_MEMORY_CODE, half, &b.err);
    report(rig, first == 0 && second == (rig->code_heap ? -ENOSPC : 0), "code_has_its_heap", second,
           &b.err);
    npu_memory_close(&m[0]);
    npu_memory_close(&m[1]);
    first = npu_memory_open(&m[0], b.device, NPU_MEMORY_CODE, half, &b.err);
    report(rig, first == 0, "closed_code_makes_room", first, &b.err);
    npu_memory_close(&m[0]);
    bench_close(&b);
}

static void test_error(const struct backend_rig *rig)
{
    struct bench b;
    struct npu_context *c = NULL;
    uint64_t ticket = 0;

    int ret = bench_open(&b, rig);
    if (ret == 0)
        ret = npu_context_open(&c, b.device, &rig->fail, &b.err);
    struct npu_launch launch = launch_of(&b, 0);
    if (ret == 0)
        ret = npu_launch_submit(c, &launch, &ticket, &b.err);
    b.err.text[0] = '\0';
    if (ret == 0)
        ret = npu_launch_wait(c, ticket, PATIENT, &b.err);
    report(rig, ticket == 1 && ret < 0 && ret != -EAGAIN && ret != -ETIMEDOUT && b.err.text[0],
           "error_comes_with_a_sentence", ret, &b.err);
    npu_context_close(&c, PATIENT);
    bench_close(&b);
}

/* Four in flight, the fifth refused; cancel ends them; resume takes new ones. */
static void test_cancel(const struct backend_rig *rig)
{
    struct bench b;
    struct npu_context *c = NULL;
    uint64_t ticket[NPU_MAX_FLIGHT + 1] = {0};

    int ret = bench_open(&b, rig);
    if (ret == 0)
        ret = npu_context_open(&c, b.device, &rig->slow, &b.err);
    for (unsigned i = 0; i < NPU_MAX_FLIGHT && ret == 0; i++) {
        struct npu_launch launch = launch_of(&b, i);
        ret = npu_launch_submit(c, &launch, &ticket[i], &b.err);
    }
    if (!report(rig, ret == 0, "four_fit_the_queue", ret, &b.err)) {
        npu_context_close(&c, PATIENT);
        bench_close(&b);
        return;
    }
    struct npu_launch launch = launch_of(&b, 0);
    ret = npu_launch_submit(c, &launch, NULL, &b.err);
    report(rig, ret == -EAGAIN, "fifth_in_flight_refused", ret, &b.err);
    ret = npu_memory_sync(b.in[0], NPU_TO_DEVICE, 0, BACKEND_BYTES, &b.err);
    report(rig, ret == -EBUSY, "sync_under_a_launch_refused", ret, &b.err);
    ret = npu_launch_wait(c, ticket[0], 5 * MS, &b.err);
    report(rig, ret == -EAGAIN, "wait_has_its_timeout", ret, &b.err);
    npu_context_cancel(c);
    ret = npu_launch_submit(c, &launch, NULL, &b.err);
    report(rig, ret == -ECANCELED, "cancelled_takes_none", ret, &b.err);
    bool all = true;
    for (unsigned i = 0; i < NPU_MAX_FLIGHT; i++) {
        ret = npu_launch_wait(c, ticket[i], PATIENT, &b.err);
        all = all && ret == -ECANCELED;
    }
    report(rig, all, "cancel_ends_all", ret, &b.err);
    ret = npu_context_resume(c, PATIENT);
    bool busy = false;
    for (unsigned i = 0; i < NPU_MAX_FLIGHT; i++)
        busy = busy || npu_memory_busy(b.in[i]) || npu_memory_busy(b.out[i]);
    report(rig, ret == 0 && !busy, "resume_waits_for_the_end", ret, NULL);
    ret = npu_launch_submit(c, &launch, &ticket[0], &b.err);
    report(rig, ret == 0 && ticket[0] == NPU_MAX_FLIGHT + 1, "resumed_takes_more", ret, &b.err);
    ret = npu_launch_wait(c, ticket[0], 5 * MS, &b.err);
    report(rig, ret == -EAGAIN, "resumed_runs_on", ret, &b.err);
    ret = npu_context_close(&c, PATIENT);
    report(rig, ret == 0, "close_cancels", ret, NULL);
    report(rig, !npu_memory_busy(b.in[0]), "closed_context_leaves_buffers", 0, NULL);
    bench_close(&b);
}

struct seen {
    pthread_mutex_t lock;
    unsigned n;
    uint64_t ticket[NPU_MAX_FLIGHT];
    int result[NPU_MAX_FLIGHT];
};

static void on_done(void *user, uint64_t ticket, int result, const struct npu_call *call,
                    const struct npu_error *err)
{
    struct seen *seen = user;

    (void)call, (void)err;
    pthread_mutex_lock(&seen->lock);
    if (seen->n < NPU_MAX_FLIGHT) {
        seen->ticket[seen->n] = ticket;
        seen->result[seen->n] = result;
    }
    seen->n++;
    pthread_mutex_unlock(&seen->lock);
}

/* A launch that exceeds its deadline: reported in time, later ones fail, buffers in quarantine. */
static void backend_late(const struct backend_rig *rig)
{
    struct bench b;
    struct npu_context *c = NULL;
    struct seen seen = {.lock = PTHREAD_MUTEX_INITIALIZER};
    uint64_t ticket[3] = {0};

    int ret = bench_open(&b, rig);
    if (ret == 0)
        ret = npu_context_open(&c, b.device, &rig->slow, &b.err);
    uint64_t start = npu_now_ns();
    for (unsigned i = 0; i < 3 && ret == 0; i++) {
        struct npu_launch launch = launch_of(&b, i);
        launch.deadline_ns = 20 * MS;
        launch.done = on_done;
        launch.done_user = &seen;
        ret = npu_launch_submit(c, &launch, &ticket[i], &b.err);
    }
    if (ret == 0)
        ret = npu_launch_wait(c, ticket[0], PATIENT, &b.err);
    report(rig, ret == -ETIMEDOUT && npu_now_ns() - start >= 20 * MS, "late_launch_reported", ret,
           &b.err);
    ret = c ? npu_launch_wait(c, ticket[2], PATIENT, &b.err) : -1;
    report(rig, ret == -EIO, "those_behind_a_late_one_fail", ret, &b.err);
    struct npu_launch launch = launch_of(&b, 3);
    ret = c ? npu_launch_submit(c, &launch, NULL, &b.err) : -1;
    report(rig, ret == -EIO, "lost_context_takes_none", ret, &b.err);
    if (rig->slow_is_deaf) {
        ret = npu_memory_sync(b.in[0], NPU_TO_DEVICE, 0, BACKEND_BYTES, &b.err);
        report(rig, ret == -EBUSY && npu_memory_busy(b.in[0]) && !npu_memory_busy(b.in[1]),
               "late_buffers_in_quarantine", ret, &b.err);
        npu_memory_close(&b.in[0]); /* freed by the launch: leak checkers see it */
        ret = npu_context_close(&c, 5 * MS);
        report(rig, ret == -ETIMEDOUT, "close_leaves_what_hangs", ret, NULL);
        rig->release();
        for (unsigned i = 0; i < 1000 && npu_memory_busy(b.out[0]); i++)
            nanosleep(&(struct timespec){.tv_nsec = 10 * (long)MS}, NULL);
        report(rig, !npu_memory_busy(b.out[0]), "quarantine_ends_with_the_launch", 0, NULL);
    }
    npu_context_close(&c, PATIENT);
    pthread_mutex_lock(&seen.lock);
    report(rig,
           seen.n == 3 && seen.ticket[0] == 1 && seen.ticket[1] == 2 && seen.ticket[2] == 3 &&
               seen.result[0] == -ETIMEDOUT && seen.result[1] == -EIO && seen.result[2] == -EIO,
           "reports_come_once_in_order", (int)seen.n, NULL);
    pthread_mutex_unlock(&seen.lock);
    bench_close(&b);
}

static void backend_suite(const struct backend_rig *rig)
{
    test_arguments(rig);
    test_results(rig);
    test_sync(rig);
    test_contexts(rig);
    test_heap(rig);
    test_error(rig);
    test_cancel(rig);
    test_words(rig);
    backend_late(rig);
}

#endif /* TESTS_NPU_BACKEND_SUITE_H */
