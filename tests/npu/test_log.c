/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log callbacks run with no lock of the core held: one that opens, lists and closes devices, a
 * model and encoders at every message returns, whatever the message is about. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "kernels/kernels.h"
#include "npu/launch/pipeline.h"
#include "tests/check.h"
#include "tests/small_model.h"

#define PATIENCE_S 100

static char model_path[64];

/* Every message that the core has, by a piece of it. */
static struct message {
    const char *piece;
    bool here; /* whether this machine can provoke it */
    unsigned seen, failed;
} messages[] = {
    {"cpu: kernel set", true, 0, 0},
    {"cpu: no fused multiply-add", true, 0, 0},
    {"cpu: the kernel refuses|cpu: AMX products", true, 0, 0},
    {"encoder with the prefix", true, 0, 0},
    {"weights of", true, 0, 0},
    {"residual stream", true, 0, 0},
    {"closed with a launch that does not end", true, 0, 0},
    {"pipeline: depth 1 ->", true, 0, 0},
};
enum { MESSAGES = sizeof(messages) / sizeof(messages[0]) };

/* ---- The callback ---------------------------------------------------------------------------- */

static int use_device(unsigned threads)
{
    struct npu_device_entry entry[8];
    struct npu_device_info info;
    struct npu_device *device;
    struct npu_error err;

    if (npu_device_list(entry, 8) < 2)
        return -EINVAL;
    int ret = npu_device_open(&device, &(struct npu_device_params){"cpu", threads}, &err);
    if (ret == 0)
        npu_device_get_info(device, &info);
    if (ret == 0)
        npu_device_close(&device);
    return ret;
}

static int use_encoder(const char *profile, unsigned threads)
{
    const struct npu_encoder_params params = {.profile = profile, .depth = 1};
    struct npu_device *device = NULL;
    struct npu_model *model = NULL;
    struct npu_encoder *encoder = NULL;
    struct npu_error err;

    int ret = npu_device_open(&device, &(struct npu_device_params){"cpu", threads}, &err);
    if (ret == 0)
        ret = npu_model_open(&model, model_path, &err);
    if (ret == 0)
        ret = npu_encoder_open(&encoder, model, device, &params, &err);
    npu_encoder_close(&encoder);
    npu_model_close(&model);
    npu_device_close(&device);
    return ret;
}

/* Whether the text has one of the pieces between bars. */
static bool matches(const char *pieces, const char *text)
{
    char copy[128], *rest = copy, *piece;
    snprintf(copy, sizeof(copy), "%s", pieces);
    while ((piece = strsep(&rest, "|")))
        if (strstr(text, piece))
            return true;
    return false;
}

static void callback(void *user, enum npu_log_level level, const char *text)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static _Thread_local bool inside;
    unsigned failed = 0;

    if (inside)
        return; /* of what the callback does itself */
    inside = true;
    for (unsigned threads = 0; threads <= 3; threads++)
        failed += use_device(threads) != 0;
    failed += use_encoder("int8", 2) != 0;
    failed += use_encoder("npu", 2) != 0;
    npu_log_set(callback, user);
    inside = false;

    bool known = false;
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < MESSAGES; i++) {
        if (!matches(messages[i].piece, text))
            continue;
        known = true;
        messages[i].seen++;
        messages[i].failed += failed;
    }
    pthread_mutex_unlock(&lock);
    if (!known)
        check_case(false, "log_message_is_one_this_test_knows", "%s", text);
}

/* ---- Provoking messages ---------------------------------------------------------------------- */

static void fail(const char *what)
{
    check_case(false, "log_message_can_be_provoked", "%s", what);
}

/* Each on a number of threads that no device has yet. */
static void provoke_device(unsigned threads)
{
    if (use_device(threads))
        fail("device");
}

static atomic_bool released;

/* Ignores cancel until released. */
static int deaf(void *user, struct npu_call *call)
{
    (void)user, (void)call;
    while (!atomic_load(&released))
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    return 0;
}

static int copy(void *user, struct npu_call *call)
{
    (void)user;
    memcpy(call->span[1].data, call->span[0].data, call->span[1].bytes);
    return 0;
}

static struct npu_context *open_context(struct npu_device *device, npu_call_fn *call)
{
    const struct npu_code code = {.kind = NPU_CODE_HOST, .name = "test", .call = call};
    struct npu_context *context = NULL;
    struct npu_error err;
    if (npu_context_open(&context, device, &code, &err))
        fail("context");
    return context;
}

static void provoke_context(struct npu_device *device)
{
    struct npu_context *context = open_context(device, deaf);
    struct npu_memory *memory = NULL;
    struct npu_error err;

    if (npu_memory_open(&memory, device, NPU_MEMORY_DATA, 64, &err))
        fail("memory");
    const struct npu_launch launch = {
        .span = {{memory, 0, 64}}, .n_spans = 1, .deadline_ns = NPU_TIMEOUT_NONE};
    if (npu_launch_submit(context, &launch, NULL, &err))
        fail("launch");
    while (!npu_memory_busy(memory))
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    nanosleep(&(struct timespec){.tv_nsec = 20000000},
              NULL); /* it runs, or is cancelled in the queue */
    npu_context_close(&context, 0);
    atomic_store(&released, true);
    npu_memory_close(&memory);
}

/* An adaptive pipeline whose device waits for the host grows; its reporter says so. */
static void provoke_pipeline(struct npu_device *device)
{
    struct npu_context *context = open_context(device, copy);
    const struct npu_pipeline_params params = {
        .device = device,
        .context = context,
        .strategy = NPU_ADAPTIVE,
        .depth = 4,
        .in_bytes = {64},
        .n_in = 1,
        .out_bytes = 64,
        .deadline_ns = NPU_TIMEOUT_NONE,
    };
    struct npu_pipeline *pipeline = NULL;
    struct npu_error err;
    char in[64] = {0}, out[64];
    const void *parts[] = {in};

    if (npu_pipeline_open(&pipeline, &params, &err))
        fail("pipeline");
    for (unsigned i = 0; i < 40; i++)
        if (npu_pipeline_submit(pipeline, parts, i, NPU_TIMEOUT_NONE) ||
            npu_pipeline_collect(pipeline, out, NULL, NPU_TIMEOUT_NONE))
            fail("tile");
    npu_pipeline_close(&pipeline);
    npu_context_close(&context, NPU_TIMEOUT_NONE);
}

static void *provoke_all(void *data)
{
    struct npu_device *device = NULL;
    struct npu_error err;

    provoke_device(5);
    if (use_encoder("npu", 8))
        fail("encoder");
    if (npu_device_open(&device, &(struct npu_device_params){"cpu", 4}, &err))
        fail("device");
    provoke_context(device);
    provoke_pipeline(device);
    npu_device_close(&device);
    sem_post(data);
    return NULL;
}

/* What depends on the processor. */
static void expect(void)
{
    struct npu_kernels kernels;

    npu_kernels_choose(&kernels, NULL);
    messages[1].here = !kernels.has_fma;
    messages[2].here = npu_kernels_complaint() != NULL;
}

int main(void)
{
    pthread_t thread;
    struct timespec due;
    sem_t ended;

    snprintf(model_path, sizeof(model_path), "test-log-%d.safetensors", (int)getpid());
    if (test_small_model_write(model_path, 80, 64, 1, 60, 1)) {
        check_case(false, "write_small_model", "%s", model_path);
        return check_finish();
    }
    expect();
    sem_init(&ended, 0, 0);
    npu_log_set(callback, NULL);
    pthread_create(&thread, NULL, provoke_all, &ended);
    clock_gettime(CLOCK_REALTIME, &due);
    due.tv_sec += PATIENCE_S;
    int ret;
    while ((ret = sem_timedwait(&ended, &due)) && errno == EINTR)
        ;
    unlink(model_path);
    if (ret) { /* a thread hangs */
        check_case(false, "log_callback_returns", "not within %d s", PATIENCE_S);
        int code = check_finish();
        fflush(stdout);
        _exit(code);
    }
    pthread_join(thread, NULL);
    npu_log_set(NULL, NULL);
    for (unsigned i = 0; i < MESSAGES; i++) {
        char name[96];
        snprintf(name, sizeof(name), "log_callback_uses_the_core_at \"%s\"", messages[i].piece);
        if (messages[i].here)
            check_case(messages[i].seen && !messages[i].failed, name, "%u times, %u failures",
                       messages[i].seen, messages[i].failed);
        else
            check_skip(name, "nothing to say on this processor");
    }
    sem_destroy(&ended);
    return check_finish();
}
