/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/cpu/calibrate.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "npu/block.h"
#include "npu/cpu/weights.h"

/* 32 to 1500 positions choose equally good channels; 64 take a thirtieth of a window. */
#define POSITIONS 64
/* Every value of the log-mel spectrogram of silence. */
#define SILENCE (-1.5f)

struct npu_calibration {
    const struct npu_kernels *kernels;
    const struct npu_program *program;
    const float *table; /* the positions' */
    unsigned positions;
    void *block;
    float *buffer[NPU_BUFFER_COUNT]; /* of `positions`; NULL: not needed here */
    float *norm;                     /* [positions][d_model] */
    float *sums;                     /* [positions][d_model]: what is added to the residual */
    float *panel;                    /* rows as gemm_f32 wants them */
    float *kt, *v, *scratch;

    /* of the stage at hand */
    const struct npu_stage *stage;
    const float *a;
    size_t lda;
    unsigned rows;
};

static void lay_out_buffers(struct npu_calibration *c, char *base, size_t *used)
{
    for (unsigned i = 0; i < NPU_BUFFER_COUNT; i++) {
        const struct npu_buffer_shape *b = &c->program->buffer[i];
        size_t zeros = (size_t)b->before * b->columns; /* on both sides */
        size_t values = npu_buffer_values(b, c->positions) + 2 * zeros;
        if (i == NPU_BUFFER_POSITIONS || i == NPU_BUFFER_FEATURES)
            continue;
        float *memory = npu_block_take(base, used, values * sizeof(float));
        c->buffer[i] = memory ? memory + zeros : NULL;
    }
}

static size_t lay_out(struct npu_calibration *c, char *base)
{
    const struct npu_program *p = c->program;
    size_t d = p->d_model, n = c->positions, k = 3 * d > p->d_ffn ? 3 * d : p->d_ffn, used = 0;
    int nr = c->kernels->gemm_f32_nr;
    size_t widest = k > 3 * p->n_mels ? k : 3 * p->n_mels;

    lay_out_buffers(c, base, &used);
    c->norm = npu_block_take(base, &used, n * d * sizeof(float));
    c->sums = npu_block_take(base, &used, n * d * sizeof(float));
    c->panel = npu_block_take(base, &used, (NPU_CALIBRATION_ROWS + 64) * widest * sizeof(float));
    c->kt = npu_block_take(base, &used,
                           npu_packed_b_f32_size((int)n, NPU_HEAD_DIM, nr) * sizeof(float));
    c->v = npu_block_take(base, &used, n * NPU_HEAD_DIM * sizeof(float));
    c->scratch = npu_block_take(base, &used, npu_attention_f32_scratch((int)n) * sizeof(float));
    return used;
}

struct npu_calibration *npu_calibration_open(const struct npu_kernels *kernels,
                                             const struct npu_program *program,
                                             const float *positions)
{
    struct npu_calibration *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->table = positions;
    c->kernels = kernels;
    c->program = program;
    c->positions = program->positions < POSITIONS ? program->positions : POSITIONS;
    size_t bytes = lay_out(c, NULL);
    c->block = npu_block_alloc(bytes);
    if (!c->block) {
        free(c);
        return NULL;
    }
    memset(c->block, 0, bytes);
    lay_out(c, c->block);
    for (size_t i = 0; i < npu_buffer_values(&program->buffer[NPU_BUFFER_MEL], c->positions); i++)
        c->buffer[NPU_BUFFER_MEL][i] = SILENCE;
    return c;
}

void npu_calibration_close(struct npu_calibration **calibration)
{
    struct npu_calibration *c = *calibration;
    *calibration = NULL;
    if (!c)
        return;
    free(c->block);
    free(c);
}

void npu_calibration_begin(struct npu_calibration *c, const struct npu_stage *stage,
                           const float *gamma, const float *beta)
{
    size_t d = c->program->d_model;

    c->stage = stage;
    c->rows = npu_stage_rows(stage, c->positions);
    c->lda = (size_t)npu_stage_stride(stage);
    if (stage->norm == NPU_TENSOR_NONE) {
        c->a = c->buffer[stage->in] + npu_stage_at(stage, 0);
        return;
    }
    c->a = c->norm;
    c->kernels->norm_f32(c->norm, (ptrdiff_t)d, c->buffer[stage->in], (ptrdiff_t)d, gamma, beta,
                         (int)c->positions, (int)d);
}

/* Where a matrix's outputs go before bias, GELU and residual. */
static float *output(struct npu_calibration *c, unsigned matrix)
{
    return c->stage->added ? c->sums : c->buffer[c->stage->out + matrix];
}

void npu_calibration_rows(struct npu_calibration *c, unsigned matrix, unsigned j, unsigned n_rows,
                          const float *rows)
{
    const struct npu_stage *s = c->stage;
    npu_pack_b_f32(c->panel, rows, s->k, 0, (int)n_rows, (int)n_rows, (int)s->k,
                   c->kernels->gemm_f32_nr, 1.0f);
    const struct npu_gemm_f32_args args = {
        .c = output(c, matrix) + j,
        .a = c->a,
        .b = c->panel,
        .lda = (ptrdiff_t)c->lda,
        .ldc = (ptrdiff_t)s->n,
        .m = (int)c->rows,
        .n = (int)n_rows,
        .k = (int)s->k,
    };
    c->kernels->gemm_f32(&args);
}

void npu_calibration_bias(struct npu_calibration *c, unsigned matrix, const float *bias)
{
    const struct npu_stage *s = c->stage;
    float *y = output(c, matrix);
    for (size_t i = 0; i < c->rows; i++)
        for (size_t j = 0; j < s->n; j++)
            y[i * s->n + j] += bias[j];
}

static void attend(struct npu_calibration *c)
{
    float *const *in = &c->buffer[c->stage->in], *out = c->buffer[c->stage->out];
    ptrdiff_t d = c->program->d_model;
    int n = (int)c->positions, nr = c->kernels->gemm_f32_nr;

    for (ptrdiff_t at = 0; at < d; at += NPU_HEAD_DIM) {
        npu_pack_kt_f32(c->kt, in[1] + at, d, 0, n, n, nr);
        npu_pack_v_f32(c->v, in[2] + at, d, 0, n, n, nr < NPU_HEAD_DIM ? nr : NPU_HEAD_DIM);
        c->kernels->attention_f32(out + at, d, in[0] + at, d, c->kt, c->v, n, n, c->scratch);
    }
}

void npu_calibration_end(struct npu_calibration *c)
{
    const struct npu_stage *s = c->stage;
    size_t n = (size_t)c->rows * s->n;

    if (s->kind == NPU_KIND_ATTENTION)
        attend(c);
    if (s->kind != NPU_KIND_PRODUCT)
        return;
    float *y = output(c, 0);
    for (size_t i = 0; i < n && s->matrix[0].scale != 1; i++)
        y[i] *= s->matrix[0].scale; /* 64^-1/2 of the queries */
    if (s->gelu)
        c->kernels->gelu_f32(y, n);
    const float *before = s->added == NPU_BUFFER_POSITIONS ? c->table : c->buffer[s->added];
    for (size_t i = 0; i < n && s->added; i++)
        c->buffer[s->out][i] = before[i] + y[i];
}

/* The nth largest of k magnitudes, n >= 1: the largest that n values reach. */
static float nth_largest(const float *x, size_t k, unsigned n)
{
    float at = INFINITY;
    for (unsigned found = 0; found < n;) {
        float next = -1.0f;
        for (size_t j = 0; j < k; j++)
            next = x[j] < at && x[j] > next ? x[j] : next;
        at = next;
        for (size_t j = 0; j < k; j++)
            found += x[j] == at;
    }
    return at;
}

void npu_calibration_outliers(const struct npu_calibration *c, uint16_t *channel, unsigned n)
{
    size_t k = c->stage->k, main = k - n;
    float *big = c->panel; /* free before the first rows */
    memset(big, 0, k * sizeof(*big));
    for (size_t i = 0; i < c->positions; i++)
        for (size_t j = 0; j < k; j++)
            big[j] = fminf(fmaxf(big[j], fabsf(c->a[i * c->lda + j])), FLT_MAX);

    /* What is chosen is marked by -1; of equals the first ones. */
    float least = nth_largest(big, k, n);
    unsigned count = 0;
    for (size_t j = 0; j < k; j++)
        count += big[j] > least;
    for (size_t j = 0; j < k; j++) {
        bool equal = big[j] == least && count < n;
        count += equal;
        if (big[j] > least || equal)
            big[j] = -1.0f;
    }
    size_t next = 0;
    for (unsigned i = 0; i < n; i++) {
        channel[i] = (uint16_t)(main + i);
        if (big[main + i] < 0)
            continue;
        while (big[next] >= 0)
            next++;
        channel[i] = (uint16_t)next++;
    }
}
