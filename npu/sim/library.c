/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* dlsym() returns a function's address as void *; C only allows to copy it like this. */
static void *symbol(void *library, const char *name, const char *suffix)
{
    char text[256];
    if (snprintf(text, sizeof(text), "%s%s", name, suffix) >= (int)sizeof(text))
        return NULL;
    return dlsym(library, text);
}

const struct npu_core_kernel *npu_sim_kernels_find(void *user, const char *name)
{
    struct npu_sim_kernels *kernels = user;
    for (uint32_t i = 0; i < kernels->n_found; i++)
        if (!strcmp(kernels->found[i].name, name))
            return &kernels->found[i];
    for (uint32_t i = 0; i < kernels->n_libraries; i++) {
        void *fn = symbol(kernels->library[i], name, "");
        if (!fn || kernels->n_found == NPU_SIM_LIBRARY_KERNELS)
            continue;
        struct npu_core_kernel *kernel = &kernels->found[kernels->n_found++];
        *kernel = (struct npu_core_kernel){.name = name};
        memcpy(&kernel->fn, &fn, sizeof(fn));
        void *cycles = symbol(kernels->library[i], name, "_cycles");
        memcpy(&kernel->cycles, &cycles, sizeof(cycles));
        return kernel;
    }
    return npu_core_kernel_find(name);
}

const char *npu_sim_kernels_signature(void *user, const char *name, const uint32_t **bytes)
{
    const struct npu_core_kernel *kernel = npu_sim_kernels_find(user, name);
    *bytes = kernel ? kernel->bytes : NULL;
    if (!kernel)
        return NULL;
    return kernel->args ? kernel->args : "";
}

int npu_sim_kernels_open(struct npu_sim_kernels *kernels, const struct npu_sim_options *options)
{
    for (uint32_t i = 0; i < options->n_libraries; i++) {
        char path[4096];
        /* Without a slash dlopen() looks in the system's folders. */
        snprintf(path, sizeof(path), "%s%s", strchr(options->library[i], '/') ? "" : "./",
                 options->library[i]);
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            fprintf(stderr, "npu-sim: %s\n", dlerror());
            return 2;
        }
        kernels->library[kernels->n_libraries++] = library;
    }
    return 0;
}

void npu_sim_kernels_close(struct npu_sim_kernels *kernels)
{
    while (kernels->n_libraries)
        dlclose(kernels->library[--kernels->n_libraries]);
}
