/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_LIBRARY_H
#define NPU_SIM_LIBRARY_H
/* Where npu-sim finds the kernels of a design's functions: in the user's shared libraries, then
 * among the built-in core kernels. Threads: one at a time per struct npu_sim_kernels, which
 * remembers what was found. Blocks: on the library files. */
#include "kernels/aie2/host/registry.h"
#include "npu/sim/options.h"
#include "npu/sim/text/design.h"

#define NPU_SIM_LIBRARY_KERNELS 256 /* functions found in libraries */

struct npu_sim_kernels {
    void *library[NPU_SIM_LIBRARIES];
    uint32_t n_libraries, n_found;
    struct npu_core_kernel found[NPU_SIM_LIBRARY_KERNELS];
};

/* Load the libraries of the options. 0, or the exit code with the reason printed. */
int npu_sim_kernels_open(struct npu_sim_kernels *kernels, const struct npu_sim_options *options);
void npu_sim_kernels_close(struct npu_sim_kernels *kernels);
/* `user` is a struct npu_sim_kernels: npu_sim_find_fn, and the checker's `kernel`. A library has no
 * signatures ("") and no extents: there the design is trusted. */
const struct npu_core_kernel *npu_sim_kernels_find(void *user, const char *name);
const char *npu_sim_kernels_signature(void *user, const char *name, const uint32_t **bytes);

#endif /* NPU_SIM_LIBRARY_H */
