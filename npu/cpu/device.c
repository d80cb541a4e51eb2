/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "npu/cpu/cpu.h"
#include "npu/log.h"

/* CPUs that this process may run on, at least 1. */
static unsigned count_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n > 256 ? 256 : (unsigned)n;
}

/* The kernel set: the machine's best, lowered by WHISPERNPU_CPU. */
static void choose_kernels(struct npu_kernels *kernels)
{
    const char *wish = getenv("WHISPERNPU_CPU");
    enum npu_isa best = npu_kernels_detect(), limit = best;

    if (!npu_kernels_parse(wish, &limit)) {
        npu_log(NPU_LOG_WARNING, "WHISPERNPU_CPU=%s is not one of ref, avx2, avx512; ignored",
                wish);
        limit = best;
    }
    npu_kernels_init(kernels, limit);
    if (limit > best)
        npu_log(NPU_LOG_WARNING, "WHISPERNPU_CPU=%s is not possible on this machine; using %s",
                wish, kernels->name);
}

static int cpu_open(struct npu_device **out, const struct npu_device_params *params,
                    struct npu_error *err)
{
    struct npu_cpu_device *dev = calloc(1, sizeof(*dev));
    if (!dev)
        return npu_fail(err, -ENOMEM, "out of memory");
    dev->base.backend = &npu_backend_cpu;
    choose_kernels(&dev->kernels);
    dev->n_threads = params->threads ? params->threads : count_cpus();
    int ret = npu_threads_open(&dev->threads, dev->n_threads);
    if (ret) {
        free(dev);
        return npu_fail(err, ret, "cannot start %u threads", params->threads);
    }
    npu_log(NPU_LOG_INFO, "cpu: kernel set %s, %u threads", dev->kernels.name, dev->n_threads);
    if (!dev->kernels.has_fma)
        npu_log(NPU_LOG_WARNING, "cpu: no fused multiply-add here; one 30 s window takes minutes");
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
                    : "This processor (or WHISPERNPU_CPU) gives no fused multiply-add: "
                      "a 30 s window takes minutes instead of a fraction of a second.",
    };
}

static void cpu_close(struct npu_device *device)
{
    struct npu_cpu_device *dev = (struct npu_cpu_device *)device;
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
};
