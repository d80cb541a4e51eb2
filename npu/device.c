/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lock order: `lock` is a leaf. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "npu/backend.h"
#include "npu/log.h"

#define MAX_REGISTERED 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct npu_backend *registered[MAX_REGISTERED]; /* lock */
static size_t n_registered;                                  /* lock */

/* Names that are always known, with or without a backend. */
static const struct npu_device_entry absent[] = {
    {"npu", false, "the XRT backend is not part of this version"},
    {"sim", false, "the simulator is not linked into this program"},
};

static const struct npu_backend *find_locked(const char *name)
{
    if (!strcmp(name, npu_backend_cpu.name))
        return &npu_backend_cpu;
    for (size_t i = 0; i < n_registered; i++)
        if (!strcmp(name, registered[i]->name))
            return registered[i];
    return NULL;
}

int npu_backend_register(const struct npu_backend *backend)
{
    int ret = 0;

    pthread_mutex_lock(&lock);
    if (find_locked(backend->name) || !strcmp(backend->name, "auto"))
        ret = -EEXIST;
    else if (n_registered == MAX_REGISTERED)
        ret = -ENOSPC;
    else
        registered[n_registered++] = backend;
    pthread_mutex_unlock(&lock);
    return ret;
}

static size_t add_entry(struct npu_device_entry *entries, size_t n, size_t at,
                        struct npu_device_entry entry)
{
    if (at < n)
        entries[at] = entry;
    return at + 1;
}

size_t npu_device_list(struct npu_device_entry *entries, size_t n)
{
    size_t count = add_entry(entries, n, 0, (struct npu_device_entry){"cpu", true, ""});

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < n_registered; i++)
        count =
            add_entry(entries, n, count, (struct npu_device_entry){registered[i]->name, true, ""});
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        if (!find_locked(absent[i].name))
            count = add_entry(entries, n, count, absent[i]);
    pthread_mutex_unlock(&lock);
    return count;
}

int npu_device_open(struct npu_device **out, const struct npu_device_params *params,
                    struct npu_error *err)
{
    const char *name = params->name && params->name[0] ? params->name : "auto";

    if (params->threads > 256)
        return npu_fail(err, -EINVAL, "threads is %u, expected 0 (all) to 256", params->threads);
    if (!strcmp(name, "auto"))
        name = "cpu";
    pthread_mutex_lock(&lock);
    const struct npu_backend *backend = find_locked(name);
    pthread_mutex_unlock(&lock);
    if (backend)
        return backend->open(out, params, err);
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        if (!strcmp(name, absent[i].name))
            return npu_fail(
                err, -ENODEV,
                "device \"%s\" is not available in this version; use \"auto\" or \"cpu\"", name);
    return npu_fail(err, -EINVAL, "unknown device \"%s\", expected auto, cpu, npu or sim", name);
}

void npu_device_get_info(const struct npu_device *device, struct npu_device_info *info)
{
    device->backend->get_info(device, info);
}

void npu_device_close(struct npu_device **device)
{
    if (*device)
        (*device)->backend->close(*device);
    *device = NULL;
}
