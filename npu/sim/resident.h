/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_RESIDENT_H
#define NPU_SIM_RESIDENT_H
/* A design loaded into an array of its own, ready to be launched again and again, as a hardware
 * context holds one on the real device. */
#include <stdatomic.h>

#include "npu/sim/engine/sim.h"

#define NPU_SIM_MAX_RESIDENTS 6 /* contexts of the driver, for all processes; here of this one */

struct npu_sim_resident;

/* Check and load a design (transfer full, of a failure, too). Returns 0 and *out (transfer full);
 * -ENOENT NPU_SIM_MAX_RESIDENTS are open already, those of encoders among them; -EBADMSG the checker
 * refuses it; what npu_sim_open() says. Threads: control. */
int npu_sim_resident_open(struct npu_sim_resident **out, struct npu_design *design,
                          struct npu_error *err);
void npu_sim_resident_close(struct npu_sim_resident **resident);

/* Run one of its sequences, or words. cancel: NULL, or looked at while it runs. modelled_ns: out.
 * Returns 0; -ECANCELED; what npu_sim_launch() says. A failure takes the state of the array with
 * it: the next launch finds the design freshly loaded, as after a driver's reset. Threads: one at a
 * time. */
int npu_sim_resident_launch(struct npu_sim_resident *resident, const struct npu_sim_launch *launch,
                            const atomic_bool *cancel, uint64_t *modelled_ns,
                            struct npu_error *err);

#endif /* NPU_SIM_RESIDENT_H */
