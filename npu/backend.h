/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_BACKEND_H
#define NPU_BACKEND_H
/* The private table that a backend fills. The front (device.c, encoder.c) has checked every
 * argument before a backend sees it; a backend never checks again. */
#include <stdatomic.h>

#include "npu/program.h"

struct npu_backend;

/* An arithmetic with a written contract; npu/npu.h has the words. */
enum npu_profile { NPU_PROFILE_F32, NPU_PROFILE_INT8, NPU_PROFILE_NPU, NPU_PROFILE_COUNT };

/* First member of every backend's device. */
struct npu_device {
    const struct npu_backend *backend;
};

/* First member of every backend's loaded program: packed weights and working memory. */
struct npu_loaded {
    const struct npu_backend *backend;
    uint64_t weight_bytes, scratch_bytes;
};

/* One pass over one window. */
struct npu_run {
    const float *mel;          /* [frames + 2][n_mels], first and last row zero */
    float *features;           /* [positions][d_model] */
    const atomic_bool *cancel; /* looked at between tiles */
    /* NULL, or called after each stage of the program by the thread that runs it, while no other
     * looks at the buffers: for whoever wants to see them. */
    void (*after)(void *user, unsigned stage);
    void *user;
    uint64_t op_ns[NPU_OP_COUNT]; /* out: wall time per kind of stage */
};

struct npu_backend {
    const char *name;
    enum npu_profile best_profile; /* what "auto" takes */
    /* Threads: control. Return 0 or -errno, as npu_device_open() says. */
    int (*open)(struct npu_device **out, const struct npu_device_params *params,
                struct npu_error *err);
    void (*get_info)(const struct npu_device *device, struct npu_device_info *info);
    void (*close)(struct npu_device *device);
    /* Read, check and pack the weights of `program` from `model`. Threads: control. */
    int (*load)(struct npu_loaded **out, struct npu_device *device,
                const struct npu_program *program, enum npu_profile profile,
                const struct npu_model *model, struct npu_error *err);
    void (*unload)(struct npu_loaded *loaded);
    /* Run the program once; one run at a time per loaded program. Returns 0; -ECANCELED; -EIO.
     * Threads: completion (the encoder's executor). Allocates: no. */
    int (*run)(struct npu_loaded *loaded, struct npu_run *run);
};

extern const struct npu_backend npu_backend_cpu;

#endif /* NPU_BACKEND_H */
