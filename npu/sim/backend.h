/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_BACKEND_H
#define NPU_SIM_BACKEND_H
/* Device "sim": launches of array designs in the simulator, with the limits of the amdxdna driver
 * on the first generation of NPUs: 6 contexts (an encoder's designs take 4 or 5), 4 launches in
 * flight each, 64 MiB of code, and a device's side of every buffer. It needs C++ and libffi, so the
 * core does not link it: a program that links npu_sim registers it. Each context has its own array.
 * Every launch returns its modelled time (struct npu_call); all other times are the simulator's own
 * running time. Encoders of profile npu run on it (npu/array/array.h). Array programs of kind WORDS
 * are the designs of mlir/, or of the folder that WHISPERNPU_DESIGNS names. */
#include "npu/sim/engine/timing.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Register "sim" for npu_device_open(). Returns 0; -EEXIST it is registered already. Threads: any.
 * */
int npu_sim_backend_register(void);

/* Modelled time of all launches of device "sim" in this process that succeeded, launches included,
 * under each preset: that of some launches is the difference of two calls, if no others run. What a
 * launch and the statistics say is of preset published. Threads: any. */
void npu_sim_get_modelled(uint64_t ns[NPU_SIM_PRESETS]);

#ifdef __cplusplus
}
#endif

#endif /* NPU_SIM_BACKEND_H */
