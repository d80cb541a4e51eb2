/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens with the same kernels and number of threads share one pool, so that many streams do not
 * fight over the processors. Lock order: `lock` is a leaf; nothing is logged with it held. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "npu/cpu/cpu.h"
#include "npu/cpu/processors.h"
#include "npu/log.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct npu_cpu_device *all; /* lock */

/* The kernel set: the machine's best, lowered by WHISPERNPU_CPU. */
static void choose_kernels(struct npu_kernels *kernels)
{
    const char *wish = getenv("WHISPERNPU_CPU");
    enum npu_isa best = npu_kernels_detect(), limit = best;

    if (!npu_kernels_parse(wish, &limit)) {
        npu_log(NPU_LOG_WARNING,
                "WHISPERNPU_CPU=%s is not one of ref, avx2, avxvnni, avx512, avx512vnni, "
                "avx512vbmi, amx; ignored",
                wish);
        limit = best;
    }
    npu_kernels_init(kernels, limit);
    if (limit > best)
        npu_log(NPU_LOG_WARNING, "WHISPERNPU_CPU=%s is not possible on this machine; using %s",
                wish, kernels->name);
    const char *complaint = npu_kernels_complaint();
    if (complaint)
        npu_log(NPU_LOG_WARNING, "cpu: %s", complaint);
}

/* The open device with these threads and kernels, or NULL; called with the lock held. */
static struct npu_cpu_device *find_locked(unsigned n_threads, enum npu_isa isa)
{
    struct npu_cpu_device *dev = all;
    while (dev && (dev->n_threads != n_threads || dev->kernels.isa != isa))
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
    int ret = 0;

    if (count < 0)
        return npu_fail(err, count, "out of memory");
    choose_kernels(&kernels);
    pthread_mutex_lock(&lock);
    struct npu_cpu_device *dev = find_locked(n_threads, kernels.isa);
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
