/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_CPU_CPU_H
#define NPU_CPU_CPU_H
/* The CPU backend's own types: device.c opens, pack.c reads and packs the weights, run.c executes
 * the stages. */
#include "kernels/kernels.h"
#include "npu/backend.h"
#include "npu/cpu/threads.h"

struct npu_cpu_device {
    struct npu_device base;
    struct npu_kernels kernels;
    struct npu_threads *threads;
    unsigned n_threads;
};

/* A stage's weights, pointers into npu_cpu_loaded.weights. */
struct npu_cpu_matrix {
    float *b;    /* packed by npu_pack_b_f32() */
    float *bias; /* [n], NULL: none */
};
struct npu_cpu_stage {
    struct npu_cpu_matrix matrix[NPU_STAGE_MATRICES];
    float *gamma, *beta; /* [k], of the norm before */
};

struct npu_cpu_loaded {
    struct npu_loaded base;
    struct npu_cpu_device *device;
    struct npu_program program;

    float *weights;   /* one block for all stages and the position table */
    float *positions; /* [positions][d_model] */
    struct npu_cpu_stage *stage;

    /* Working memory. One window runs at a time on all threads, so there is one set; what a window
     * in flight needs of its own (mel, features) belongs to the encoder's slot. stem, {q, kt, v,
     * mixed} and ffn are alive one after the other and share `work`. */
    float *work;
    float *residual; /* [positions][d_model] */
    float *stem;     /* [frames + 2][d_model], zero row first and last */
    float *q;        /* [positions][d_model] */
    float *kt, *v;   /* [n_heads] of kt_size, v_size floats: npu_pack_kt_f32(), npu_pack_v_f32() */
    float *mixed;    /* [positions][d_model] */
    float *ffn;      /* [positions][d_ffn] */
    size_t kt_size, v_size;
    float *scratch;      /* [n_threads][scratch_size] */
    size_t scratch_size; /* floats, multiple of 16 */
    unsigned tiles_per_job;
};

int npu_cpu_load(struct npu_loaded **out, struct npu_device *device,
                 const struct npu_program *program, const struct npu_model *model,
                 struct npu_error *err);
void npu_cpu_unload(struct npu_loaded *loaded);
int npu_cpu_run(struct npu_loaded *loaded, struct npu_run *run);

/* Rows of the largest job: keeps a job's rows of A and one panel of B inside a 1 to 2 MiB L2 cache.
 */
#define NPU_CPU_JOB_TILES 3

#endif /* NPU_CPU_CPU_H */
