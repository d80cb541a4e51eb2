/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a model's weights piece by piece straight into the layout of the kernels: no second copy
 * ever exists. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "npu/cpu/weights.h"
#include "npu/log.h"

#define MAX_WEIGHT_BYTES ((uint64_t)4 << 30)
#define ROWS             64 /* outputs that are read and packed at a time */
#define LOG2_E           1.44269504088896340736f

static void lay_out_matrix(struct npu_cpu_weights *w, const struct npu_stage *s,
                           const struct npu_stage_matrix *src, struct npu_cpu_matrix *dst,
                           const struct npu_cpu_recipe *recipe, char *base, size_t *used)
{
    const struct npu_kernels *kernels = &w->kernels;
    int n = (int)s->n, k = (int)s->k;

    if (!recipe->integer) {
        size_t floats = npu_packed_b_f32_size(n, k, kernels->gemm_f32_nr);
        dst->b = npu_cpu_carve(base, used, floats * sizeof(float));
        if (src->bias != NPU_TENSOR_NONE)
            dst->bias = npu_cpu_carve(base, used, s->n * sizeof(float));
        return;
    }
    int bytes = (int)npu_cpu_operand_bytes(&w->kernels, recipe->width);
    dst->b = npu_cpu_carve(base, used, npu_packed_b_int_size(n, k, kernels->int_nr, bytes));
    dst->bias = npu_cpu_carve(base, used, s->n * sizeof(float));
    dst->scale = npu_cpu_carve(base, used, s->n * sizeof(float));
    dst->sum = npu_cpu_carve(base, used, s->n * sizeof(int32_t));
}

/* Lay the weights of all stages out from `base` (NULL: only count). Returns bytes used. */
static size_t lay_out_weights(struct npu_cpu_weights *w, char *base)
{
    const struct npu_program *p = &w->program;
    size_t used = 0;

    w->positions = npu_cpu_carve(base, &used, (size_t)p->positions * p->d_model * sizeof(float));
    for (unsigned i = 0; i < p->n_stages; i++) {
        const struct npu_stage *s = &p->stage[i];
        struct npu_cpu_stage *st = &w->stage[i];
        if (s->norm != NPU_TENSOR_NONE) {
            st->gamma = npu_cpu_carve(base, &used, p->d_model * sizeof(float));
            st->beta = npu_cpu_carve(base, &used, p->d_model * sizeof(float));
        }
        for (unsigned m = 0; m < s->n_matrices; m++)
            lay_out_matrix(w, s, &s->matrix[m], &st->matrix[m], &st->recipe, base, &used);
    }
    return used;
}

/* torch's convolution rows [in][3] to the order in which the input rows lie in memory, [3][in].
 * `tmp`: one row. */
static void reorder_taps(float *rows, unsigned n_rows, unsigned k, float *tmp)
{
    unsigned channels = k / 3;
    for (unsigned r = 0; r < n_rows; r++, rows += k) {
        for (unsigned c = 0; c < channels; c++)
            for (unsigned t = 0; t < 3; t++)
                tmp[t * channels + c] = rows[3 * c + t];
        memcpy(rows, tmp, k * sizeof(float));
    }
}

/* Working memory of packing. */
struct scratch {
    float *rows;   /* [ROWS + 1][max k] */
    int16_t *ints; /* [ROWS][max k] */
    int32_t zero[ROWS];
};

/* The sums of one output's integers; returns the sum of their magnitudes. */
static int64_t add_up(const int16_t *w, unsigned k, int32_t *sum)
{
    int32_t plain = 0, magnitude = 0; /* k < 2^16 */
    for (unsigned i = 0; i < k; i++) {
        plain += w[i];
        magnitude += w[i] < 0 ? -w[i] : w[i];
    }
    *sum = plain;
    return magnitude;
}

/* The factor of a matrix's outputs; the scores of integer attention are in base 2. */
static float output_factor(const struct npu_stage *s, unsigned matrix)
{
    bool queries = s->op == NPU_OP_NORM_QKV && matrix == 0;
    return queries ? s->matrix[matrix].scale * LOG2_E : s->matrix[matrix].scale;
}

/* Outputs j .. j + n_rows, read into scratch->rows; raises *magnitude to the largest. */
static void pack_outputs(struct npu_cpu_weights *w, unsigned stage, unsigned m, unsigned j,
                         unsigned n_rows, struct scratch *scratch, int64_t *magnitude)
{
    const struct npu_stage *s = &w->program.stage[stage];
    const struct npu_cpu_recipe *recipe = &w->stage[stage].recipe;
    const struct npu_cpu_matrix *dst = &w->stage[stage].matrix[m];
    const struct npu_kernels *kernels = &w->kernels;

    if (!recipe->integer) {
        npu_pack_b_f32(dst->b, scratch->rows, s->k, (int)j, (int)n_rows, (int)s->n, (int)s->k,
                       kernels->gemm_f32_nr, s->matrix[m].scale);
        return;
    }
    const struct npu_quant_args args = {
        .dst = scratch->ints,
        .x = scratch->rows,
        .scale = dst->scale + j,
        .zero = scratch->zero,
        .ldd = s->k,
        .ldx = s->k,
        .m = (int)n_rows,
        .n = (int)s->k,
        .q_max = recipe->w_max,
    };
    kernels->width[NPU_WIDE].quant(&args);
    for (unsigned r = 0; r < n_rows; r++) {
        int64_t sum = add_up(scratch->ints + (size_t)r * s->k, s->k, &dst->sum[j + r]);
        *magnitude = sum > *magnitude ? sum : *magnitude;
        dst->scale[j + r] *= output_factor(s, m);
    }
    npu_pack_b_int(dst->b, scratch->ints, (int)j, (int)n_rows, (int)s->n, (int)s->k,
                   kernels->int_nr, (int)npu_cpu_operand_bytes(&w->kernels, recipe->width));
}

static int pack_matrix(struct npu_cpu_weights *w, unsigned stage, unsigned m,
                       const struct npu_model *model, struct scratch *scratch, int64_t *magnitude,
                       struct npu_error *err)
{
    const struct npu_stage *s = &w->program.stage[stage];
    const struct npu_cpu_matrix *dst = &w->stage[stage].matrix[m];
    const struct npu_stage_matrix *src = &s->matrix[m];

    for (unsigned j = 0; j < s->n; j += ROWS) {
        unsigned n_rows = s->n - j < ROWS ? s->n - j : ROWS;
        int ret = npu_model_read_f32(model, src->weight, s->layer, (uint64_t)j * s->k,
                                     (uint64_t)n_rows * s->k, scratch->rows, err);
        if (ret)
            return ret;
        if (s->op == NPU_OP_CONV1 || s->op == NPU_OP_CONV2)
            reorder_taps(scratch->rows, n_rows, s->k, scratch->rows + (size_t)ROWS * s->k);
        pack_outputs(w, stage, m, j, n_rows, scratch, magnitude);
    }
    if (!dst->bias)
        return 0;
    if (src->bias == NPU_TENSOR_NONE) {
        memset(dst->bias, 0, s->n * sizeof(float));
        return 0;
    }
    int ret = npu_model_read_f32(model, src->bias, s->layer, 0, s->n, dst->bias, err);
    float factor = w->stage[stage].recipe.integer ? output_factor(s, m) : src->scale;
    for (unsigned j = 0; ret == 0 && j < s->n; j++)
        dst->bias[j] *= factor;
    return ret;
}

/* The largest activations with which no sum of products leaves the range of int32: every partial
 * sum is at most a_max times the sum of an output's weights' magnitudes. */
static int limit_activations(int a_max, int64_t magnitude)
{
    int64_t limit = magnitude > 0 ? INT32_MAX / magnitude : a_max;
    return limit < a_max ? (int)limit : a_max;
}

static int pack_stage(struct npu_cpu_weights *w, unsigned index, const struct npu_model *model,
                      struct scratch *scratch, struct npu_error *err)
{
    const struct npu_stage *s = &w->program.stage[index];
    struct npu_cpu_stage *st = &w->stage[index];
    int64_t magnitude = 0;
    int ret = 0;

    if (s->norm != NPU_TENSOR_NONE) {
        unsigned d = w->program.d_model;
        ret = npu_model_read_f32(model, s->norm, s->layer, 0, d, st->gamma, err);
        if (ret == 0)
            ret = npu_model_read_f32(model, s->norm + 1, s->layer, 0, d, st->beta, err);
    }
    for (unsigned m = 0; ret == 0 && m < s->n_matrices; m++)
        ret = pack_matrix(w, index, m, model, scratch, &magnitude, err);
    st->a_max = limit_activations(st->recipe.a_max, magnitude);
    return ret;
}

/* Columns of the widest matrix. */
static unsigned widest(const struct npu_program *p)
{
    unsigned k = 0;
    for (unsigned i = 0; i < p->n_stages; i++)
        k = p->stage[i].k > k ? p->stage[i].k : k;
    return k;
}

int npu_cpu_pack(struct npu_cpu_weights *w, const struct npu_model *model, struct npu_error *err)
{
    const struct npu_program *p = &w->program;
    size_t bytes = lay_out_weights(w, NULL), k = widest(p);

    if (bytes > MAX_WEIGHT_BYTES)
        return npu_fail(err, -ENOTSUP,
                        "the packed weights need %zu MiB, more than the %u MiB allowed",
                        bytes >> 20, (unsigned)(MAX_WEIGHT_BYTES >> 20));
    struct scratch scratch = {.rows = npu_cpu_alloc((ROWS + 1) * k * sizeof(float)),
                              .ints = npu_cpu_alloc(ROWS * k * sizeof(int16_t))};
    w->block = npu_cpu_alloc(bytes);
    int ret = 0;
    if (!w->block || !scratch.rows || !scratch.ints)
        ret = npu_fail(err, -ENOMEM, "out of memory for %zu MiB of packed weights", bytes >> 20);
    if (ret == 0) {
        w->bytes = bytes;
        lay_out_weights(w, w->block);
        ret = npu_model_read_f32(model, NPU_TENSOR_POSITIONS, 0, 0,
                                 (uint64_t)p->positions * p->d_model, w->positions, err);
    }
    for (unsigned i = 0; ret == 0 && i < p->n_stages; i++)
        ret = pack_stage(w, i, model, &scratch, err);
    free(scratch.rows);
    free(scratch.ints);
    return ret;
}
