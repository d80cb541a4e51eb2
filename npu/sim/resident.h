/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_RESIDENT_H
#define NPU_SIM_RESIDENT_H
/* A design loaded into its own array, to be launched again and again, like a hardware context on
 * the real device. */
#include <stdatomic.h>

#include "npu/sim/engine/sim.h"

#define NPU_SIM_MAX_RESIDENTS 6 /* contexts of the driver, for all processes; here of this one */

struct npu_sim_resident;

/* Check and load a design (transfer full, even on failure). Returns 0 and *out (transfer full);
 * -ENOENT NPU_SIM_MAX_RESIDENTS are open already, including those of encoders; -EBADMSG the checker
 * refuses it; errors of npu_sim_open(). Threads: control. */
int npu_sim_resident_open(struct npu_sim_resident **out, struct npu_design *design,
                          struct npu_error *err);
void npu_sim_resident_close(struct npu_sim_resident **resident);

/* Run one of its sequences, or words. cancel: NULL, or checked while it runs. modelled_ns: out.
 * Returns 0; -ECANCELED; errors of npu_sim_launch(). After a failure the array's state is lost: the
 * next launch loads the design anew, as after a driver's reset. Threads: one at a time. */
int npu_sim_resident_launch(struct npu_sim_resident *resident, const struct npu_sim_launch *launch,
                            const atomic_bool *cancel, uint64_t *modelled_ns,
                            struct npu_error *err);

#endif /* NPU_SIM_RESIDENT_H */
