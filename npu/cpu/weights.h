/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_CPU_WEIGHTS_H
#define NPU_CPU_WEIGHTS_H
/* A model's weights as the kernels want them, packed once a process: encoders of the same file,
 * profile and kernel set share them. */
#include "npu/cpu/recipe.h"
#include "npu/model/fixed.h"

/* A stage's weights, pointers into npu_cpu_weights.block. */
struct npu_cpu_matrix {
    void *b;           /* packed by npu_pack_b_f32() or npu_pack_b_int() */
    float *bias;       /* [n]; f32: NULL: none */
    float *scale;      /* [n]; integer: of the weights of an output */
    int32_t *sum;      /* [n]; integer: of the weights of an output */
    void *tail_b;      /* of a stage with a tail: packed s16 */
    float *tail_scale; /* [n] */
};
struct npu_cpu_stage {
    struct npu_cpu_recipe recipe;
    int a_max;          /* recipe.a_max, or less so that no sum of products can overflow */
    int tail_max;       /* the same for the tail */
    uint16_t *exchange; /* [recipe.tail]: input channel exchange[i] takes the place of channel
                           k - tail + i, and that one its place */
    struct npu_cpu_matrix matrix[NPU_STAGE_MATRICES];
    float *gamma, *beta; /* [d_model], of the norm before */
};

enum npu_cpu_weights_state {
    NPU_CPU_WEIGHTS_LOADING,
    NPU_CPU_WEIGHTS_READY,
    NPU_CPU_WEIGHTS_FAILED, /* empty, found by nobody, until the last that waited has seen it */
};

struct npu_cpu_weights {
    struct npu_program program;
    struct npu_kernels kernels;
    char *block; /* all stages' weights and the position table */
    size_t bytes;
    float *positions;            /* [positions][d_model] */
    struct npu_cpu_stage *stage; /* [program.n_stages] */
    struct npu_fixed *fixed;     /* profile npu: instead of these three */

    /* of weights.c, under its lock */
    struct npu_model_identity identity;
    enum npu_profile profile;
    enum npu_cpu_weights_state state;
    unsigned users; /* with those that wait for them */
    struct npu_cpu_weights *next;
};

/* The packed weights of a model, read where nobody has them yet. Immutable until the last put.
 * Where another thread loads the same, waits for it, and loads them itself if that one fails;
 * others load side by side. Returns 0, or -errno as npu_encoder_open() says. Threads: any, several
 * at once; while one waits, npu_model_cancel() is seen within some 10 ms. Blocks: on the file, and
 * on another load of the same weights. */
int npu_cpu_weights_get(struct npu_cpu_weights **out, const struct npu_kernels *kernels,
                        const struct npu_program *program, enum npu_profile profile,
                        const struct npu_model *model, struct npu_error *err);
/* Frees them with the last one. Threads: any. Blocks: no, not on loads either. */
void npu_cpu_weights_put(struct npu_cpu_weights **weights);

/* Read, check and pack all weights into one block: block, bytes, positions, stage. Of weights.c. */
int npu_cpu_pack(struct npu_cpu_weights *w, const struct npu_model *model, struct npu_error *err);

/* The input channels of a stage's tail to the ends of m rows of k, stride ldx. */
void npu_cpu_exchange(const struct npu_cpu_stage *stage, size_t k, float *x, size_t ldx,
                      unsigned m);

/* Of one operand in memory. */
static inline size_t npu_cpu_operand_bytes(const struct npu_kernels *kernels, enum npu_width width)
{
    return width == NPU_NARROW ? (size_t)kernels->narrow_bytes : 2;
}

#endif /* NPU_CPU_WEIGHTS_H */
