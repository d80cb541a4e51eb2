/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The conformance suite over the backends of the core and the fake device, and the list of devices.
 * The simulator's is tests/sim/test_backend.c. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "npu/backend.h"
#include "npu/log.h"
#include "tests/check.h"
#include "tests/npu/backend_suite.h"
#include "tests/npu/fake.h"

static int copy_call(void *user, struct npu_call *call)
{
    (void)user;
    if (call->n_spans != 2 || call->span[0].bytes != call->span[1].bytes)
        return -EINVAL;
    memcpy(call->span[1].data, call->span[0].data, call->span[0].bytes);
    return 0;
}

static int slow_call(void *user, struct npu_call *call)
{
    (void)user;
    while (!atomic_load(call->cancel))
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    return -ECANCELED;
}

static int fail_call(void *user, struct npu_call *call)
{
    (void)user, (void)call;
    return -EILSEQ;
}

/* Ignores cancel. */
static atomic_bool released;

static int deaf_call(void *user, struct npu_call *call)
{
    (void)user, (void)call;
    while (!atomic_load(&released))
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    return 0;
}

static void release(void)
{
    atomic_store(&released, true);
}

static void test_list(void)
{
    struct npu_device_entry entry[8];
    size_t n = npu_device_list(entry, 8);
    bool cpu = false, npu = false, fake = false, whys = true;

    for (size_t i = 0; i < n && i < 8; i++) {
        cpu |= !strcmp(entry[i].name, "cpu") && entry[i].available;
        fake |= !strcmp(entry[i].name, "fake") && entry[i].available;
        npu |= !strcmp(entry[i].name, "npu") && !entry[i].available;
        whys = whys && entry[i].available == !entry[i].why[0];
    }
    check_case(n == 4 && cpu && npu && fake && whys, "list_says_what_is_there", "%zu entries", n);
    check_case(npu_device_list(NULL, 0) == n, "list_counts_without_room", "%s", "");
    check_case(fake_register() == -EEXIST, "second_of_a_name_refused", "%s", "");
    struct npu_device *device = NULL;
    struct npu_error err = {""};
    int ret = npu_device_open(&device, &(struct npu_device_params){.name = "sim"}, &err);
    check_case(ret == -ENODEV && err.text[0], "absent_device_refused", "%d %s", ret, err.text);
    ret = npu_device_open(&device, &(struct npu_device_params){.name = "tpu"}, &err);
    check_case(ret == -EINVAL && err.text[0], "unknown_device_refused", "%d %s", ret, err.text);
}

static void count_message(void *user, enum npu_log_level level, const char *text)
{
    (void)level, (void)text;
    ++*(unsigned *)user;
}

/* What a message of each level prints to stderr. */
static void log_all(char *text, size_t size)
{
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);

    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    for (enum npu_log_level level = NPU_LOG_ERROR; level <= NPU_LOG_DEBUG; level++)
        npu_log(level, "level %d", (int)level);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void test_log(void)
{
    unsigned n = 0;
    char text[256];

    log_all(text, sizeof(text));
    check_case(!strcmp(text, "whispernpu: error: level 0\nwhispernpu: warning: level 1\n"),
               "log_default_is_warnings_on_stderr", "%zu bytes", strlen(text));
    npu_log_set(count_message, &n);
    log_all(text, sizeof(text));
    npu_log_set(NULL, NULL);
    check_case(n == 4 && !text[0], "log_function_has_all_and_stderr_nothing", "%u, \"%s\"", n,
               text);
}

int main(void)
{
    struct backend_rig cpu = {
        .device = "cpu",
        .copy = {.name = "copy", .call = copy_call},
        .slow = {.name = "slow", .call = slow_call},
        .fail = {.name = "fail", .call = fail_call},
    };
    struct backend_rig fake = cpu;

    if (fake_register() != 0)
        return 1;
    fake.device = "fake";
    fake.max_contexts = 6;
    fake.code_heap = 1 << 20;
    fake.far = true;
    fake.program = "any";
    test_list();
    test_log();
    backend_suite(&cpu);
    backend_suite(&fake);
    fake.slow = (struct npu_code){.name = "deaf", .call = deaf_call};
    fake.slow_is_deaf = true;
    fake.release = release;
    backend_late(&fake);
    check_case(fake_buffers() == 0, "fake_buffers_all_freed", "%u left", fake_buffers());
    return check_finish();
}
