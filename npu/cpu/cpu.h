/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_CPU_CPU_H
#define NPU_CPU_CPU_H
/* The CPU backend's own types. device.c opens; recipe.c chooses the arithmetic of each stage;
 * weights.c shares packed weights, pack.c reads and packs them, calibrate.c tells it which input
 * channels have outliers; load.c puts weights and working memory together; run.c executes the
 * stages, run_f32.c, run_int.c and run_fixed.c are their three arithmetics. */
#include "kernels/kernels.h"
#include "npu/backend.h"
#include "npu/cpu/recipe.h"
#include "npu/cpu/threads.h"
#include "npu/cpu/weights.h"

struct npu_cpu_device {
    struct npu_device base;
    struct npu_kernels kernels;
    struct npu_threads *threads;
    unsigned n_threads;

    /* of device.c, under its lock */
    unsigned users;
    struct npu_cpu_device *next;
};

/* Q, K and V of one window in integers, and what goes on from there. */
struct npu_cpu_int_buffers {
    void *q;           /* [positions][d_model] operands */
    float *q_scale;    /* [n_heads][the window's positions], times 64^-1/2 log2(e) */
    char *k, *v;       /* [n_heads][blocks] of 64 x 64 operands */
    int32_t *k_offset; /* [n_heads][blocks][64] */
    float *k_scale;    /* [n_heads][blocks] */
    float *v_scale;    /* [n_heads][blocks][64] */
    void *ffn;         /* [positions][d_ffn] operands */
    float *ffn_scale;  /* [positions] */
    int32_t *ffn_zero; /* [positions] */
    int16_t *ffn_tail; /* [positions][NPU_CPU_TAIL_MAX] */
    float *ffn_tail_scale;
};

/* What profile npu works on. */
struct npu_cpu_fixed_buffers {
    int32_t *residual;  /* [positions][d_model] */
    int16_t *stem;      /* [2 positions + 2][d_model], zero row first and last */
    int16_t *q, *k, *v; /* [positions][d_model] */
    int16_t *mixed;     /* [positions][d_model] */
    int16_t *ffn;       /* [positions][d_ffn] */
};

/* One thread's scratch. */
struct npu_cpu_scratch {
    float *rows;   /* f32 rows of a job */
    void *a;       /* integer rows of a job */
    float *scale;  /* [rows of a job] */
    int32_t *zero; /* [rows of a job] */
    int16_t *tail; /* [rows of a job][NPU_CPU_TAIL_MAX], with scales and the zero points that s16
                      operands do not need */
    float *tail_scale;
    int32_t *tail_zero;
    void *kernel; /* what attention asks for */
};

struct npu_cpu_loaded {
    struct npu_loaded base;
    struct npu_cpu_device *device;
    struct npu_program program;
    unsigned positions;              /* the most of a window: what the memory below is for */
    struct npu_cpu_weights *weights; /* shared with other encoders */
    struct npu_work *turns;          /* its windows on the device's threads */

    /* Working memory; a shorter window uses the first rows of a buffer. An encoder's windows run
     * one after the other, so there is one set; what a window in flight needs of its own (mel,
     * features) belongs to the encoder's slot. stem, {q, k, v, mixed} and ffn are alive one after the other
     * and share `work`. */
    char *work;
    float *residual; /* [positions][d_model] */
    float *stem;     /* [2 positions + 2][d_model], zero row first and last */
    float *mixed;    /* [positions][d_model] */
    float *q;        /* f32: [positions][d_model] */
    float *kt;       /* f32: [n_heads] of kt_size floats: npu_pack_kt_f32() */
    float *v;        /* f32: [n_heads] of v_size floats: npu_pack_v_f32() */
    float *ffn;      /* f32: [positions][d_ffn] */
    size_t kt_size, v_size;
    struct npu_cpu_int_buffers int8;
    struct npu_cpu_fixed_buffers fixed;
    unsigned blocks;                 /* of NPU_KEY_BLOCK positions */
    struct npu_cpu_scratch *scratch; /* [n_threads] */
};

/* Jobs of one stage of one window: blocks of whole tiles, attention: blocks of one head. */
struct npu_cpu_job {
    struct npu_cpu_loaded *l;
    const struct npu_run *run;
    const struct npu_stage *s;
    const struct npu_cpu_stage *w;
    const struct npu_fixed_stage *fixed; /* profile npu */
    unsigned positions, rows;            /* of this window */
    unsigned rows_per_job;
};
/* Tiles that a thread takes at once: up to NPU_CPU_JOB_TILES, fewer where that leaves threads
 * without work. */
unsigned npu_cpu_tiles_per_job(unsigned positions, unsigned n_threads);
/* First row and number of rows of a job. */
unsigned npu_cpu_job_rows(const struct npu_cpu_job *job, unsigned index, unsigned *n_rows);
/* Head of an attention job, and the index of its rows' job. */
unsigned npu_cpu_job_head(const struct npu_cpu_job *job, unsigned index, unsigned *rows_index);
/* Where the input of conv1's rows from `row` begins: of each the frame before, its own and the one
 * after. They are the window's own where it has all three; a row at an end of the window has a frame
 * of zeros and lies in `room` ([3][n_mels]). *m: in, rows that are asked for; out, rows that lie
 * together. */
const float *npu_cpu_frames(const struct npu_cpu_job *job, float *room, unsigned row, unsigned *m);
/* y[0 .. m] = norm of the residual rows from `row`; y stride d_model. */
void npu_cpu_norm_rows(const struct npu_cpu_job *job, float *y, unsigned row, unsigned m);
extern npu_job_fn *const npu_cpu_f32_fns[NPU_OP_COUNT], *const npu_cpu_int_fns[NPU_OP_COUNT],
                                                            *const npu_cpu_fixed_fns[NPU_OP_COUNT];

int npu_cpu_load(struct npu_loaded **out, struct npu_device *device,
                 const struct npu_program *program, enum npu_profile profile, unsigned positions,
                 const struct npu_model *model, struct npu_error *err);
void npu_cpu_unload(struct npu_loaded *loaded);
int npu_cpu_run(struct npu_loaded *loaded, struct npu_run *run);
void npu_cpu_wake(struct npu_loaded *loaded);

/* Rows of the largest job: keeps a job's rows of A and one panel of B inside a 1 to 2 MiB L2 cache.
 */
#define NPU_CPU_JOB_TILES 3
/* Rows that integer stages with wide f32 results take at a time, for the same reason. */
#define NPU_CPU_INT_ROWS 96

#endif /* NPU_CPU_CPU_H */
