/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_HOST_BUFFER_H
#define NPU_SIM_HOST_BUFFER_H
/* Host buffers of npu-sim: made from their description on the command line, written back to files.
 * Threads: any. Blocks: on the file. */
#include "npu/sim/engine/sim.h"
#include "npu/sim/text/design.h"

/* Make a buffer for the memref `type` (NULL: no type is known, the size comes from the file or the
 * number after "zero:"). spec: "zero", "zero:BYTES", "random", "random:SEED" (bytes, the same for
 * the same seed), else a file: NumPy's .npy (by its first bytes; C order, the element type and
 * count of the memref), anything else as raw bytes. Returns 0 and *out, whose data the caller
 * frees; -EINVAL another size or type than the memref; -errno from the file; -ENOMEM. */
int npu_sim_buffer_make(struct npu_sim_buffer *out, const struct npu_ir_type *type,
                        const char *spec, struct npu_error *err);

/* Write a buffer: as .npy with the memref's type and shape where the path ends so, else raw bytes.
 * Returns 0; -EINVAL .npy without a type, or an element type that NumPy lacks; -errno. */
int npu_sim_buffer_write(const struct npu_sim_buffer *buffer, const struct npu_ir_type *type,
                         const char *path, struct npu_error *err);

#endif /* NPU_SIM_HOST_BUFFER_H */
