/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "npu/backend.h"
#include "npu/log.h"

int npu_device_open(struct npu_device **out, const struct npu_device_params *params,
                    struct npu_error *err)
{
    const char *name = params->name && params->name[0] ? params->name : "auto";

    if (params->threads > 256)
        return npu_fail(err, -EINVAL, "threads is %u, expected 0 (all) to 256", params->threads);
    if (!strcmp(name, "npu") || !strcmp(name, "sim"))
        return npu_fail(err, -ENODEV,
                        "device \"%s\" is not available in this version; use \"auto\" or \"cpu\"",
                        name);
    if (strcmp(name, "auto") != 0 && strcmp(name, "cpu") != 0)
        return npu_fail(err, -EINVAL, "unknown device \"%s\", expected auto, cpu, npu or sim",
                        name);
    return npu_backend_cpu.open(out, params, err);
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
