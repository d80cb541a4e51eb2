/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_BACKEND_H
#define NPU_BACKEND_H
/* The private table that a backend fills. The front (device.c, encoder.c) has checked every
 * argument before a backend sees it; a backend never checks again. */
#include <stdatomic.h>

#include "npu/launch/launch.h"
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
    unsigned positions;        /* of this window: 1 .. those that load() was told */
    const float *mel;          /* [2 positions][n_mels]; nothing around it is read */
    float *features;           /* [positions][d_model] */
    const atomic_bool *cancel; /* looked at between tiles */
    /* NULL, or called after each stage of the program by one of the threads that run it, while no
     * other looks at the buffers, so that a test can read them. */
    void (*after)(void *user, unsigned stage);
    void *user;
    struct npu_error *err;        /* NULL, or out: why it failed */
    uint64_t op_ns[NPU_OP_COUNT]; /* out: wall time per kind of stage */
    /* out: modelled time per kind of stage, launches included; 0: none was modelled */
    uint64_t op_modelled_ns[NPU_OP_COUNT];
};

/* A device's buffer; npu/launch/memory.c owns all but what is said to be the backend's. */
struct npu_memory {
    const struct npu_launch_ops *ops;
    struct npu_device *device;
    enum npu_memory_kind kind;
    size_t bytes;
    void *host;       /* backend: 64-byte aligned */
    void *remote;     /* backend: the device's side; may be host itself */
    atomic_uint refs; /* the owner's and one for each launch that has not ended */
    atomic_uint launches;
};
/* For npu/launch/context.c: a launch begins and ends to work on it. */
void npu_memory_hold(struct npu_memory *memory);
void npu_memory_drop(struct npu_memory *memory);

/* Buffers, contexts and launches of a backend; npu/launch/launch.h has the contracts. Neither a
 * buffer nor a context's state may need the device after its close: a launch that hangs outlives
 * it. */
struct npu_launch_ops {
    unsigned max_contexts;   /* at a time; 0: no limit */
    atomic_uint *n_contexts; /* of all devices of the backend */
    uint64_t code_heap;      /* bytes of NPU_MEMORY_CODE at a time; 0: no limit */
    atomic_ullong *code_bytes;
    /* What a launch of the encoder may take; NPU_TIMEOUT_NONE: whatever it takes, the backend ends
     * every launch itself. */
    uint64_t deadline_ns;
    /* Fill host and remote, zeroed. Returns 0; -ENOMEM. */
    int (*memory_open)(struct npu_memory *memory);
    void (*memory_close)(struct npu_memory *memory);
    /* Returns the bytes moved, or -errno. */
    int64_t (*memory_sync)(struct npu_memory *memory, enum npu_direction direction, size_t offset,
                           size_t bytes);
    int (*context_open)(void **state, struct npu_device *device, const struct npu_code *code,
                        struct npu_error *err);
    void (*context_close)(void *state);
    /* NULL, or hand the call to the device's own queue. Called in order with the context's lock
     * held: must not block, keeps no pointer to the call. A call begun is always run afterwards. */
    int (*begin)(void *state, struct npu_call *call, struct npu_error *err);
    /* Until the call has ended. Returns 0 or -errno. Threads: the context's. */
    int (*run)(void *state, struct npu_call *call, struct npu_error *err);
};

struct npu_backend {
    const char *name;
    enum npu_profile best_profile; /* what "auto" takes */
    /* Threads: control. Return 0 or -errno, as npu_device_open() says. */
    int (*open)(struct npu_device **out, const struct npu_device_params *params,
                struct npu_error *err);
    void (*get_info)(const struct npu_device *device, struct npu_device_info *info);
    void (*close)(struct npu_device *device);
    /* Read, check and pack the weights of `program` from `model`, and make room for windows of up
     * to `positions` <= program->positions; packed weights do not depend on it. Threads:
     * control. */
    int (*load)(struct npu_loaded **out, struct npu_device *device,
                const struct npu_program *program, enum npu_profile profile, unsigned positions,
                const struct npu_model *model, struct npu_error *err);
    void (*unload)(struct npu_loaded *loaded);
    /* What the host does for a window runs beside what the device does for another, so windows are
     * handed to a thread of the encoder. False: the call that collects a window computes it. */
    bool overlaps;
    /* Run the program once; one run at a time per loaded program. Returns 0; -ECANCELED; -EIO;
     * -ENOMEM. Threads: completion (overlaps), else streaming. Allocates: no; the simulator does. */
    int (*run)(struct npu_loaded *loaded, struct npu_run *run);
    /* NULL, or: the *cancel of a run was set; where it waits, it looks at it now. Threads: any.
     * Blocks: no. */
    void (*wake)(struct npu_loaded *loaded);
    const struct npu_launch_ops *launch; /* NULL: takes no launches */
};

extern const struct npu_backend npu_backend_cpu;
extern const struct npu_launch_ops npu_host_launch_ops;

/* Make a backend known to npu_device_open() under its name: the core itself links the cpu only, the
 * simulator (C++) and test devices are registered by the programs that link them. The name of a
 * built-in device ("sim") may be taken, once. Returns 0; -EEXIST; -ENOSPC more than 4. Threads:
 * any; never unregistered. */
int npu_backend_register(const struct npu_backend *backend);

#endif /* NPU_BACKEND_H */
