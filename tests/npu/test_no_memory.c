/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every allocation and every start of a thread that the core makes, from opening a device to
 * closing it, fails once: one error with a sentence, no crash, no leak (sanitizers check), and the
 * next attempt works. Prints where it struck and the result.
 *
 *     test_no_memory [STRIDE]      of the allocations every STRIDE-th; default 1
 *
 * Linked with --wrap=malloc,calloc,realloc,aligned_alloc,strdup,pthread_create. With TESTS_SIM the
 * encoder runs on device "sim" instead. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "npu/launch/pipeline.h"
#include "tests/check.h"
#include "tests/npu/attention_tile.h"
#include "tests/npu/fixed_model.h"
#include "tests/npu/model_files.h"
#ifdef TESTS_SIM
#include "npu/sim/backend.h"
#endif

#define SECOND UINT64_C(1000000000)

/* ---- What fails ------------------------------------------------------------------------------ */

enum what { MEMORY, THREAD, N_WHATS };
static const char *const what_names[] = {"allocation", "thread"};

static atomic_bool counting;
static atomic_uint passed[N_WHATS], strike_at[N_WHATS]; /* strike_at 0: never */
static atomic_bool struck;

/* Whether this one fails. */
static bool strikes(enum what what)
{
    if (!atomic_load(&counting))
        return false;
    bool now = atomic_fetch_add(&passed[what], 1) + 1 == atomic_load(&strike_at[what]);
    if (now)
        atomic_store(&struck, true);
    return now;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
char *__real_strdup(const char *text);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                          void *data);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
char *__wrap_strdup(const char *text);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                          void *data);

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *__wrap_malloc(size_t n)
{
    return strikes(MEMORY) ? no_memory() : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return strikes(MEMORY) ? no_memory() : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t n)
{
    return strikes(MEMORY) ? no_memory() : __real_realloc(old, n);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return strikes(MEMORY) ? no_memory() : __real_aligned_alloc(align, n);
}

char *__wrap_strdup(const char *text)
{
    return strikes(MEMORY) ? no_memory() : __real_strdup(text);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                          void *data)
{
    return strikes(THREAD) ? EAGAIN : __real_pthread_create(thread, attr, start, data);
}

/* ---- Outcomes -------------------------------------------------------------------------------- */

/* The step at which a scenario got an error. */
struct outcome {
    const char *step; /* static */
    int error;        /* 0: none */
    int again;        /* after a resume; -ENOENT: it was not open */
    bool sentence, right;
};

enum { STEPS = 32 };
struct tally {
    struct outcome kind[STEPS];
    unsigned n[STEPS], used;
};

static void tally_add(struct tally *t, const struct outcome *o)
{
    unsigned i = 0;
    while (i < t->used && (strcmp(t->kind[i].step, o->step) != 0 || t->kind[i].error != o->error ||
                           t->kind[i].again != o->again))
        i++;
    if (i == STEPS)
        return;
    if (i == t->used) {
        t->kind[i] = *o;
        t->used++;
    }
    t->n[i]++;
}

static void tally_print(const struct tally *t, const char *scenario, enum what what)
{
    for (unsigned i = 0; i < t->used; i++) {
        const struct outcome *o = &t->kind[i];
        printf("# %s: %s, in %s: %u x -> %d %s, then %s\n", scenario, what_names[what], o->step,
               t->n[i], o->error, o->error ? strerror(-o->error) : "equal",
               o->again == -ENOENT ? "not open"
               : o->again          ? strerror(-o->again)
                                   : "goes on");
    }
}

typedef struct outcome scenario_fn(void *user);

static unsigned stride = 1;

/* The scenario once without a fault, then with each allocation and thread of that run failing;
 * stride: only every stride-th allocation. */
static void fail_each(const char *name, scenario_fn *scenario, void *user)
{
    for (enum what what = 0; what < N_WHATS; what++) {
        struct tally tally = {.used = 0};
        unsigned bad = 0, n, step = what == MEMORY ? stride : 1;
        char case_name[96];

        atomic_store(&passed[what], 0);
        struct outcome first = scenario(user);
        n = atomic_load(&passed[what]);
        for (unsigned i = 1; i <= n; i += step) {
            atomic_store(&passed[what], 0);
            atomic_store(&struck, false);
            atomic_store(&strike_at[what], i);
            struct outcome o = scenario(user);
            atomic_store(&strike_at[what], 0);
            int expected = what == MEMORY ? -ENOMEM : -EAGAIN;
            bool fine = atomic_load(&struck) && o.error == expected && o.sentence && o.right &&
                        (o.again == 0 || o.again == -ENOENT);
            if (!fine && bad++ < 5)
                printf("# %s: %s %u, %s in %s: %d, then %d%s%s\n", name, what_names[what], i,
                       atomic_load(&struck) ? "struck" : "not reached", o.step, o.error, o.again,
                       o.sentence ? "" : ", no sentence", o.right ? "" : ", wrong result");
            tally_add(&tally, &o);
        }
        struct outcome last = scenario(user);
        tally_print(&tally, name, what);
        snprintf(case_name, sizeof(case_name), "%s_%s_fails_once", name, what_names[what]);
        check_case(n > 0 && bad == 0 && first.error == 0 && first.right && last.error == 0 &&
                       last.right,
                   case_name, "1 in %u of %u, %u not as expected; without one %d and %d", step, n,
                   bad, first.error, last.error);
    }
}

#ifndef TESTS_SIM
/* ---- A pipeline ------------------------------------------------------------------------------ */

enum { TILES = 12 };
static int16_t expected_tiles[TILES][TILE_VALUES];

struct run {
    enum npu_strategy strategy;
    unsigned depth, batch;
    struct tile_flow flow;
};

static int run_tiles(struct npu_pipeline *pipeline, struct run *run)
{
    run->flow.taken = 0;
    int ret = npu_pipeline_run(pipeline,
                               &(struct npu_pipeline_job){TILES, tile_give, tile_take, &run->flow});
    return ret ? ret : run->flow.taken == TILES ? 0 : -ENODATA;
}

static struct outcome pipeline_scenario(void *user)
{
    struct run *run = user;
    struct npu_device *device = NULL;
    struct npu_context *context = NULL;
    struct npu_pool *pool = NULL;
    struct npu_pipeline *pipeline = NULL;
    struct npu_error err = {""};
    struct outcome o = {.step = "device", .again = -ENOENT};

    run->flow.wrong = 0;
    atomic_store(&counting, true);
    o.error =
        npu_device_open(&device, &(struct npu_device_params){.name = "cpu", .threads = 2}, &err);
    if (o.error == 0) {
        o.step = "context";
        o.error = npu_context_open(
            &context, device, &(struct npu_code){.name = "attention", .call = tile_call}, &err);
    }
    if (o.error == 0) {
        o.step = "pool";
        o.error = npu_pool_open(&pool, device, &(struct npu_pool_params){0}, &err);
    }
    const struct npu_pipeline_params params = {
        .device = device,
        .context = context,
        .pool = run->strategy == NPU_POOLED ? NULL : pool, /* or one of its own */
        .strategy = run->strategy,
        .depth = run->depth,
        .batch = run->batch,
        .in_bytes = {TILE_Q_BYTES, TILE_KV_BYTES},
        .n_in = 2,
        .out_bytes = TILE_OUT_BYTES,
        .deadline_ns = 60 * SECOND,
    };
    if (o.error == 0) {
        o.step = "pipeline";
        o.error = npu_pipeline_open(&pipeline, &params, &err);
    }
    if (o.error == 0) {
        o.step = "run";
        o.error = run_tiles(pipeline, run);
        o.again = 0;
        if (o.error) {
            npu_pipeline_get_error(pipeline, &err);
            o.again = npu_pipeline_resume(pipeline);
            if (o.again == 0)
                o.again = run_tiles(pipeline, run);
        }
    }
    npu_pipeline_close(&pipeline);
    npu_pool_close(&pool);
    npu_context_close(&context, NPU_TIMEOUT_NONE);
    npu_device_close(&device);
    atomic_store(&counting, false);
    o.sentence = err.text[0] != '\0';
    o.right = run->flow.wrong == 0;
    return o;
}

static void test_pipelines(void)
{
    static struct run runs[] = {{.strategy = NPU_SEQUENTIAL, .depth = 1, .batch = 1},
                                {.strategy = NPU_POOLED, .depth = 1, .batch = 1},
                                {.strategy = NPU_PIPELINED, .depth = 3, .batch = 1},
                                {.strategy = NPU_BATCHED, .depth = 2, .batch = 4},
                                {.strategy = NPU_ADAPTIVE, .depth = 4, .batch = 1}};
    char name[64];
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        tile_fill_exp(runs[i].flow.tile.exp);
        runs[i].flow.expected = expected_tiles;
        snprintf(name, sizeof(name), "pipeline_%s", npu_strategy_name(runs[i].strategy));
        for (unsigned t = 0; t < TILES && i == 0; t++) {
            tile_fill(&runs[0].flow.tile, t);
            tile_compute(expected_tiles[t], runs[0].flow.tile.exp, runs[0].flow.tile.q,
                         runs[0].flow.tile.k, runs[0].flow.tile.v);
        }
        fail_each(name, pipeline_scenario, &runs[i]);
    }
}

#endif

/* ---- An encoder ------------------------------------------------------------------------------ */

enum { POSITIONS = 10, D = 64, MELS = 80 };

struct encoder_run {
    const char *device, *profile;
    const char *model; /* a name for npu_model_find() */
    float mel[2 * POSITIONS * MELS], expected[POSITIONS * D], features[POSITIONS * D];
};

/* Three windows. */
static int encode(struct npu_encoder *encoder, struct encoder_run *run, bool *right)
{
    int ret = 0;
    for (unsigned i = 0; i < 3 && ret == 0; i++) {
        ret = npu_encoder_submit_mel(encoder, run->mel, POSITIONS, i, NPU_TIMEOUT_NONE);
        if (ret == 0)
            ret = npu_encoder_collect(encoder, run->features, NULL, NPU_TIMEOUT_NONE);
        if (ret == 0)
            *right &= memcmp(run->features, run->expected, sizeof(run->expected)) == 0;
    }
    return ret;
}

static struct outcome encoder_scenario(void *user)
{
    struct encoder_run *run = user;
    struct npu_device *device = NULL;
    struct npu_model *model = NULL;
    struct npu_encoder *encoder = NULL;
    struct npu_error err = {""};
    struct outcome o = {.step = "device", .again = -ENOENT, .right = true};
    char *path = NULL;

    atomic_store(&counting, true);
    o.error = npu_device_open(&device,
                              &(struct npu_device_params){.name = run->device, .threads = 2}, &err);
    if (o.error == 0) {
        o.step = "search";
        o.error = npu_model_find(&path, run->model, NULL, &err);
    }
    if (o.error == 0) {
        o.step = "model";
        o.error = npu_model_open(&model, path, &err);
    }
    if (o.error == 0) {
        o.step = "encoder";
        o.error = npu_encoder_open(
            &encoder, model, device,
            &(struct npu_encoder_params){.profile = run->profile, .depth = 2}, &err);
    }
    if (o.error == 0) {
        o.step = "windows";
        o.error = encode(encoder, run, &o.right);
        o.again = 0;
        if (o.error) {
            npu_encoder_get_error(encoder, &err);
            npu_encoder_resume(encoder);
            o.again = encode(encoder, run, &o.right);
        }
    }
    npu_encoder_close(&encoder);
    npu_model_close(&model);
    npu_device_close(&device);
    free(path);
    atomic_store(&counting, false);
    o.sentence = err.text[0] != '\0';
    return o;
}

#ifndef TESTS_SIM
/* The small model as the one part of a sharded one: a folder with an index and a link to it. */
static const char *sharded_path(void)
{
    static char path[64];
    snprintf(path, sizeof(path), "test-sharded-%d", (int)getpid());
    return path;
}

static void write_sharded(void)
{
    char path[128], target[128];
    bool ok = mkdir(sharded_path(), 0700) == 0;
    snprintf(path, sizeof(path), "%s/part", sharded_path());
    snprintf(target, sizeof(target), "../%s", fixed_model_path());
    ok = ok && symlink(target, path) == 0;
    snprintf(path, sizeof(path), "%s/model.safetensors.index.json", sharded_path());
    FILE *file = fopen(path, "wb");
    for (int i = 0; file && i < NPU_TENSOR_COUNT; i++)
        fprintf(file, "%s\"model.encoder.%s\":\"part\"", i ? "," : "{\"weight_map\":{",
                parts[i].hf);
    if (!ok || !file || fputs("}}", file) < 0 || fclose(file))
        fixed_model_fail("cannot be sharded");
}

static void remove_sharded(void)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/part", sharded_path());
    unlink(path);
    snprintf(path, sizeof(path), "%s/model.safetensors.index.json", sharded_path());
    unlink(path);
    rmdir(sharded_path());
}
#endif

static void test_encoder(const char *device, const char *profile, const char *kind,
                         const char *model)
{
    static struct encoder_run run;
    char name[64];

    run = (struct encoder_run){.device = "cpu", .profile = profile, .model = model};
    for (size_t i = 0; i < sizeof(run.mel) / sizeof(run.mel[0]); i++)
        run.mel[i] = (float)((int)(i * 7919 % 2001) - 1000) * 0x1p-10f;
    encoder_scenario(&run); /* for what to expect */
    memcpy(run.expected, run.features, sizeof(run.expected));
    run.device = device;
    snprintf(name, sizeof(name), "%s_%sencoder_%s", device, kind, profile);
    fail_each(name, encoder_scenario, &run);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        stride = (unsigned)strtoul(argv[1], NULL, 10);
    if (stride < 1)
        return 2;
    fixed_model_write(MELS, D, 1, POSITIONS, 3);
#ifdef TESTS_SIM
    if (npu_sim_backend_register())
        return 2;
    test_encoder("sim", "npu", "", fixed_model_path());
#else
    test_pipelines();
    test_encoder("cpu", "f32", "", fixed_model_path());
    test_encoder("cpu", "int8", "", fixed_model_path());
    test_encoder("cpu", "npu", "", fixed_model_path());
    write_sharded();
    test_encoder("cpu", "f32", "sharded_", sharded_path());
    remove_sharded();
#endif
    fixed_model_remove();
    return check_finish();
}
