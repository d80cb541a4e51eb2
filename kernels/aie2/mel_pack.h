/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AIE2_MEL_PACK_H
#define NPU_KERNELS_AIE2_MEL_PACK_H
/* What the host sends to the core's log-mel kernels, from the tables of kernels.h. Threads: any. */
#include "kernels/aie2/aie2.h"
#include "kernels/kernels.h"

/* The job of a window: n_mels and all tables, gain -14..32.
 * count and floor are left 0: the caller's. */
void npu_mel_pack_job(struct npu_core_mel *job, const struct npu_mel_tables *tables, int gain);

/* All objects of constants in order, s32 [NPU_MEL_OBJECTS][NPU_MEL_CONSTANTS]: 332800 bytes, the
 * same for every pass. */
void npu_mel_pack_constants(int32_t *c, const struct npu_mel_tables *tables);

#endif /* NPU_KERNELS_AIE2_MEL_PACK_H */
