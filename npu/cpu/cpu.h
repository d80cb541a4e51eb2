/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_CPU_CPU_H
#define NPU_CPU_CPU_H
/* The CPU backend's own types. device.c opens; recipe.c chooses the arithmetic of each stage;
 * weights.c shares packed weights, pack.c reads and packs them, calibrate.c tells it which input
 * channels have outliers; load.c puts weights and working memory together; run.c executes the
 * stages, run_f32.c, run_int.c and run_fixed.c are their three arithmetics: a table of functions
 * each. */
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

/* Profile int8: what belongs to the integers of Q, K, V and FFN, which have buffers of their own. */
struct npu_cpu_int_buffers {
    float *q_scale;    /* [n_heads][the window's positions], times 64^-1/2 log2(e) */
    int32_t *k_offset; /* [n_heads][blocks][64] */
    float *k_scale;    /* [n_heads][blocks] */
    float *v_scale;    /* [n_heads][blocks][64] */
    float *ffn_scale;  /* [positions] */
    int32_t *ffn_zero; /* [positions] */
    int16_t *ffn_tail; /* [positions][NPU_CPU_TAIL_MAX] */
    float *ffn_tail_scale;
};

/* One thread's scratch. */
struct npu_cpu_scratch {
    char *row;      /* what one row is computed from, with the zeros around the window */
    float *normed;  /* f32 rows of a job */
    float *results; /* rows before they are packed or quantised: result_values */
    void *a;        /* integer rows of a job */
    float *scale;   /* [rows of a job] */
    int32_t *zero;  /* [rows of a job] */
    int16_t *tail;  /* [rows of a job][NPU_CPU_TAIL_MAX] */
    float *tail_scale;
    int32_t *no_zero; /* zero points that nobody reads: those of s16 and of queries */
    void *kernel;     /* what attention asks for */
};

struct npu_cpu_loaded {
    struct npu_loaded base;
    struct npu_cpu_device *device;
    struct npu_program program;
    unsigned positions;              /* the most of a window: what the memory below is for */
    struct npu_cpu_weights *weights; /* shared with other encoders */
    struct npu_work *turns;          /* its windows on the device's threads */

    const struct npu_cpu_profile *profile;
    /* Working memory; a shorter window uses the first rows of a buffer. An encoder's windows run
     * one after the other, so there is one set. */
    char *work;
    char *buffer[NPU_BUFFER_COUNT]; /* row 0 of each, NULL: not used; the caller's are those of
                                       the window that is computed, mel is only read */
    size_t kt_size, v_size;         /* f32: floats of a head's K and V: npu_pack_kt_f32(), _v_ */
    struct npu_cpu_int_buffers int8;
    unsigned blocks;                 /* of NPU_KEY_BLOCK positions */
    size_t result_values;            /* of struct npu_cpu_scratch */
    struct npu_cpu_scratch *scratch; /* [n_threads] */
};

/* What a thread computes at once: rows row .. row + m of a stage, of attention one head's. */
struct npu_cpu_part {
    struct npu_cpu_loaded *l;
    unsigned index; /* of the stage */
    const struct npu_stage *s;
    const struct npu_cpu_stage *w;
    const struct npu_cpu_scratch *scratch;
    unsigned positions; /* of the window */
    unsigned row, m, head;
};
typedef void npu_cpu_part_fn(const struct npu_cpu_part *part);

/* An arithmetic: what it has in the buffers, and how it computes each kind of stage. */
struct npu_cpu_profile {
    /* Of a value in a buffer of plain rows. 0: lay_out() takes memory for it, and a product's rows
     * come into scratch->results first. */
    uint8_t bytes[NPU_BUFFER_COUNT];
    /* NULL, or take what else is alive in a phase from `base` (NULL: only count), *used of which
     * are taken: npu_block_take(). */
    void (*lay_out)(struct npu_cpu_loaded *l, enum npu_phase phase, char *base, size_t *used);
    /* The same for one thread's scratch, rows: of a job; sets l->result_values. */
    void (*lay_out_scratch)(struct npu_cpu_loaded *l, struct npu_cpu_scratch *to, size_t rows,
                            char *base, size_t *used);
    npu_cpu_part_fn *run[NPU_KIND_COUNT];
};
extern const struct npu_cpu_profile npu_cpu_f32, npu_cpu_int8, npu_cpu_fixed;

/* Tiles that a thread takes at once: up to NPU_CPU_JOB_TILES, fewer where that leaves threads
 * without work. */
unsigned npu_cpu_tiles_per_job(unsigned positions, unsigned n_threads);
/* Row `row` of a buffer of plain rows. */
void *npu_cpu_row(const struct npu_cpu_loaded *l, enum npu_operand buffer, unsigned row);
/* What the part's rows are computed from: row i of it at i * npu_stage_stride() values. The caller's
 * mel is read where it is; a part with a row at an end of it has that row alone, and gets it from
 * scratch->row with zeros where the window has nothing. */
void *npu_cpu_input(const struct npu_cpu_part *part);
/* y[0 .. m] = the stage's norm of its input's rows from `row` on; y stride d_model. */
void npu_cpu_norm_rows(const struct npu_cpu_part *part, float *y, unsigned row, unsigned m);
/* NPU_KIND_NORM in f32. */
npu_cpu_part_fn npu_cpu_norm;

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
