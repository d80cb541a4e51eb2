/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens with the same kernels and number of threads share one pool, so that many streams do not
 * fight over the processors. Lock order: `lock` is a leaf; nothing is logged with it held. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/cpu/cpu.h"
#include "npu/cpu/processors.h"
#include "npu/log.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct npu_cpu_device *all; /* lock */

/* The names of WHISPERNPU_CPU, for a sentence. */
struct set_names {
    char text[256];
};
static struct set_names list_sets(void)
{
    struct set_names names = {""};
    for (int i = 0; npu_kernels_name(i); i++) {
        size_t used = strlen(names.text);
        snprintf(names.text + used, sizeof(names.text) - used, "%s%s", i ? ", " : "",
                 npu_kernels_name(i));
    }
    return names;
}

/* The kernel set: the machine's best, or what WHISPERNPU_CPU names. A name that means nothing here
 * is an error: it is set to measure or to compare, and another set would give a false result. */
static int choose_kernels(struct npu_kernels *kernels, struct npu_error *err)
{
    const char *wish = getenv("WHISPERNPU_CPU");

    if (!npu_kernels_choose(kernels, wish))
        return npu_fail(err, -EINVAL,
                        "WHISPERNPU_CPU=%s is no kernel set; expected %s, or auto or nothing for "
                        "this machine's best",
                        wish, list_sets().text);
    if (wish && *wish && strcmp(wish, "auto") != 0 && strcmp(wish, kernels->name) != 0) {
        struct npu_kernels best;
        npu_kernels_choose(&best, NULL);
        return npu_fail(err, -ENOTSUP,
                        "WHISPERNPU_CPU=%s is not possible on this machine, whose best is %s; "
                        "leave it unset for that, or name a lower one",
                        wish, best.name);
    }
    return 0;
}

/* The open device with these threads and kernels, or NULL; called with the lock held. */
static struct npu_cpu_device *find_locked(unsigned n_threads, const char *set)
{
    struct npu_cpu_device *dev = all;
    while (dev && (dev->n_threads != n_threads || dev->kernels.name != set))
        dev = dev->next;
    return dev;
}

static int create_locked(struct npu_cpu_device **out, const struct npu_kernels *kernels,
                         unsigned n_threads, struct npu_error *err)
{
    struct npu_cpu_device *dev = calloc(1, sizeof(*dev));
    if (!dev)
        return npu_fail(err, -ENOMEM, "out of memory");
    dev->base.backend = &npu_backend_cpu;
    dev->kernels = *kernels;
    dev->n_threads = n_threads;
    int ret = npu_threads_open(&dev->threads, n_threads);
    if (ret) {
        free(dev);
        return npu_fail(err, ret, "cannot start %u threads", n_threads);
    }
    dev->next = all;
    all = dev;
    *out = dev;
    return 0;
}

static void log_kernels(const struct npu_kernels *kernels, unsigned n_threads)
{
    const char *complaint = npu_kernels_complaint();
    if (complaint)
        npu_log(NPU_LOG_WARNING, "cpu: %s", complaint);
    npu_log(NPU_LOG_INFO, "cpu: kernel set %s, %u threads", kernels->name, n_threads);
    if (!kernels->has_fma)
        npu_log(NPU_LOG_WARNING, "cpu: no fused multiply-add here; one 30 s window takes minutes");
}

static int cpu_open(struct npu_device **out, const struct npu_device_params *params,
                    struct npu_error *err)
{
    int count = params->threads ? (int)params->threads : npu_processors_count("");
    unsigned n_threads = (unsigned)count;
    struct npu_kernels kernels;

    if (count < 0)
        return npu_fail(err, count, "out of memory");
    int ret = choose_kernels(&kernels, err);
    if (ret)
        return ret;
    pthread_mutex_lock(&lock);
    struct npu_cpu_device *dev = find_locked(n_threads, kernels.name);
    bool is_new = !dev;
    if (is_new)
        ret = create_locked(&dev, &kernels, n_threads, err);
    if (ret == 0)
        dev->users++;
    pthread_mutex_unlock(&lock);
    if (ret)
        return ret;
    if (is_new)
        log_kernels(&kernels, n_threads);
    *out = &dev->base;
    return 0;
}

static void cpu_get_info(const struct npu_device *device, struct npu_device_info *info)
{
    const struct npu_cpu_device *dev = (const struct npu_cpu_device *)device;
    *info = (struct npu_device_info){
        .name = "cpu",
        .isa = dev->kernels.name,
        .threads = dev->n_threads,
        .note = dev->kernels.has_fma
                    ? ""
                    : "This processor has no fused multiply-add: "
                      "a 30 s window takes minutes instead of a fraction of a second.",
    };
}

static void cpu_close(struct npu_device *device)
{
    struct npu_cpu_device *dev = (struct npu_cpu_device *)device, **at = &all;

    pthread_mutex_lock(&lock);
    bool last = --dev->users == 0;
    while (last && *at != dev)
        at = &(*at)->next;
    if (last)
        *at = dev->next;
    pthread_mutex_unlock(&lock);
    if (!last)
        return;
    npu_threads_close(&dev->threads);
    free(dev);
}

const struct npu_backend npu_backend_cpu = {
    .name = "cpu",
    .best_profile = NPU_PROFILE_INT8,
    .open = cpu_open,
    .get_info = cpu_get_info,
    .close = cpu_close,
    .load = npu_cpu_load,
    .unload = npu_cpu_unload,
    .run = npu_cpu_run,
    .wake = npu_cpu_wake,
    .launch = &npu_host_launch_ops,
};
