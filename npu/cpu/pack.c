/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a model's weights piece by piece straight into the layout of the kernels: no second copy
 * ever exists. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/ref/int.h"
#include "npu/block.h"
#include "npu/cpu/calibrate.h"
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
        dst->b = npu_block_take(base, used, floats * sizeof(float));
        if (src->bias != NPU_TENSOR_NONE)
            dst->bias = npu_block_take(base, used, s->n * sizeof(float));
        return;
    }
    int bytes = (int)npu_cpu_operand_bytes(&w->kernels, recipe->width), tail = (int)recipe->tail;
    dst->b = npu_block_take(base, used, npu_packed_b_int_size(n, k - tail, kernels->int_nr, bytes));
    if (tail) {
        dst->tail_b =
            npu_block_take(base, used, npu_packed_b_int_size(n, tail, kernels->int_nr, 2));
        dst->tail_scale = npu_block_take(base, used, s->n * sizeof(float));
    }
    dst->bias = npu_block_take(base, used, s->n * sizeof(float));
    dst->scale = npu_block_take(base, used, s->n * sizeof(float));
    dst->sum = npu_block_take(base, used, s->n * sizeof(int32_t));
}

/* Lay the weights of all stages out from `base` (NULL: only count). Returns bytes used. */
static size_t lay_out_weights(struct npu_cpu_weights *w, char *base)
{
    const struct npu_program *p = &w->program;
    size_t used = 0;

    w->positions = npu_block_take(base, &used, (size_t)p->positions * p->d_model * sizeof(float));
    for (unsigned i = 0; i < p->n_stages; i++) {
        const struct npu_stage *s = &p->stage[i];
        struct npu_cpu_stage *st = &w->stage[i];
        if (s->norm != NPU_TENSOR_NONE) {
            st->gamma = npu_block_take(base, &used, p->d_model * sizeof(float));
            st->beta = npu_block_take(base, &used, p->d_model * sizeof(float));
        }
        st->exchange = npu_block_take(base, &used, st->recipe.tail * sizeof(*st->exchange));
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

void npu_cpu_exchange(const struct npu_cpu_stage *stage, size_t k, float *x, size_t ldx, unsigned m)
{
    size_t tail = stage->recipe.tail;
    const uint16_t *channel = stage->exchange;
    float last[NPU_CPU_TAIL_MAX];

    for (; m > 0 && tail > 0; m--, x += ldx) {
        float *end = x + k - tail;
        memcpy(last, end, tail * sizeof(*x));
        for (size_t i = 0; i < tail; i++)
            end[i] = x[channel[i]];
        for (size_t i = 0; i < tail; i++)
            x[channel[i]] = last[i];
    }
}

/* Working memory of packing. */
struct scratch {
    float *rows;   /* [ROWS + 1][max k] */
    int16_t *ints; /* [ROWS][max k] */
    int32_t zero[ROWS];
    struct npu_calibration *calibration; /* NULL: no stage has a tail */
    int64_t magnitude, tail_magnitude;   /* the largest of the stage at hand */
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
    bool queries = s->out + matrix == NPU_BUFFER_Q;
    return queries ? s->matrix[matrix].scale * LOG2_E : s->matrix[matrix].scale;
}

/* Columns first .. first + k of n_rows outputs j .. as integers; raises *magnitude to the largest.
 * sum: NULL: not asked for. */
static void pack_columns(const struct npu_kernels *kernels, struct scratch *scratch, void *dst,
                         float *scale, int32_t *sum, const struct npu_stage *s, unsigned first,
                         unsigned k, unsigned j, unsigned n_rows, int w_max, size_t bytes,
                         int64_t *magnitude)
{
    const struct npu_quant_args args = {
        .dst = scratch->ints,
        .x = scratch->rows + first,
        .scale = scale + j,
        .zero = scratch->zero,
        .ldd = k,
        .ldx = s->k,
        .m = (int)n_rows,
        .n = (int)k,
        .q_max = w_max,
    };
    kernels->width[NPU_WIDE].quant(&args);
    for (unsigned r = 0; r < n_rows; r++) {
        int32_t plain;
        int64_t largest = add_up(scratch->ints + (size_t)r * k, k, &plain);
        *magnitude = largest > *magnitude ? largest : *magnitude;
        if (sum)
            sum[j + r] = plain;
    }
    npu_pack_b_int(dst, scratch->ints, (int)j, (int)n_rows, (int)s->n, (int)k, kernels->int_nr,
                   (int)bytes);
}

/* Outputs j .. j + n_rows, read into scratch->rows. */
static void pack_outputs(struct npu_cpu_weights *w, unsigned stage, unsigned m, unsigned j,
                         unsigned n_rows, struct scratch *scratch)
{
    const struct npu_stage *s = &w->program.stage[stage];
    const struct npu_cpu_stage *st = &w->stage[stage];
    const struct npu_cpu_recipe *recipe = &st->recipe;
    const struct npu_cpu_matrix *dst = &st->matrix[m];
    const struct npu_kernels *kernels = &w->kernels;
    unsigned tail = recipe->tail;

    if (!recipe->integer) {
        npu_pack_b_f32(dst->b, scratch->rows, s->k, (int)j, (int)n_rows, (int)s->n, (int)s->k,
                       kernels->gemm_f32_nr, s->matrix[m].scale);
        return;
    }
    npu_cpu_exchange(st, s->k, scratch->rows, s->k, n_rows);
    pack_columns(kernels, scratch, dst->b, dst->scale, dst->sum, s, 0, s->k - tail, j, n_rows,
                 recipe->w_max, npu_cpu_operand_bytes(kernels, recipe->width), &scratch->magnitude);
    if (tail)
        pack_columns(kernels, scratch, dst->tail_b, dst->tail_scale, NULL, s, s->k - tail, tail, j,
                     n_rows, NPU_CPU_TAIL_W_MAX, 2, &scratch->tail_magnitude);
    for (unsigned r = j; r < j + n_rows; r++) {
        dst->scale[r] *= output_factor(s, m);
        if (tail)
            dst->tail_scale[r] *= output_factor(s, m);
    }
}

static int pack_matrix(struct npu_cpu_weights *w, unsigned stage, unsigned m,
                       const struct npu_model *model, struct scratch *scratch,
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
        if (s->taps > 1)
            reorder_taps(scratch->rows, n_rows, s->k, scratch->rows + (size_t)ROWS * s->k);
        if (scratch->calibration)
            npu_calibration_rows(scratch->calibration, m, j, n_rows, scratch->rows);
        pack_outputs(w, stage, m, j, n_rows, scratch);
    }
    if (!dst->bias)
        return 0;
    if (src->bias == NPU_TENSOR_NONE) {
        memset(dst->bias, 0, s->n * sizeof(float));
        return 0;
    }
    int ret = npu_model_read_f32(model, src->bias, s->layer, 0, s->n, dst->bias, err);
    if (ret == 0 && scratch->calibration)
        npu_calibration_bias(scratch->calibration, m, dst->bias);
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

static void exchange_bytes(void *x, size_t i, size_t j, size_t n)
{
    char tmp[4];
    memcpy(tmp, (char *)x + i * n, n);
    memcpy((char *)x + i * n, (char *)x + j * n, n);
    memcpy((char *)x + j * n, tmp, n);
}

/* Two outputs of packed B, 4 bytes at a time. */
static void exchange_packed(void *b, unsigned i, unsigned j, unsigned k, int nr, int bytes)
{
    for (int kk = 0; kk < (int)k; kk += 4 / bytes)
        exchange_bytes(b, npu_packed_b_int_at((int)i, kk, (int)k, nr, bytes) * (size_t)bytes / 4,
                       npu_packed_b_int_at((int)j, kk, (int)k, nr, bytes) * (size_t)bytes / 4, 4);
}

/* The outputs of a packed stage in the order in which `next`, which takes them as they are, wants
 * its input. */
static void exchange_outputs(struct npu_cpu_weights *w, unsigned stage,
                             const struct npu_cpu_stage *next)
{
    const struct npu_stage *s = &w->program.stage[stage];
    const struct npu_cpu_recipe *recipe = &w->stage[stage].recipe;
    const struct npu_cpu_matrix *m = &w->stage[stage].matrix[0];
    int nr = w->kernels.int_nr, bytes = (int)npu_cpu_operand_bytes(&w->kernels, recipe->width);

    for (unsigned t = 0; t < next->recipe.tail; t++) {
        unsigned i = s->n - next->recipe.tail + t, j = next->exchange[t];
        exchange_packed(m->b, i, j, s->k - recipe->tail, nr, bytes);
        exchange_bytes(m->bias, i, j, sizeof(*m->bias));
        exchange_bytes(m->scale, i, j, sizeof(*m->scale));
        exchange_bytes(m->sum, i, j, sizeof(*m->sum));
        if (!recipe->tail)
            continue;
        exchange_packed(m->tail_b, i, j, recipe->tail, nr, 2);
        exchange_bytes(m->tail_scale, i, j, sizeof(*m->tail_scale));
    }
}

static int pack_stage(struct npu_cpu_weights *w, unsigned index, const struct npu_model *model,
                      struct scratch *scratch, struct npu_error *err)
{
    const struct npu_stage *s = &w->program.stage[index];
    struct npu_cpu_stage *st = &w->stage[index];
    struct npu_calibration *calibration = scratch->calibration;
    int ret = 0;

    if (s->norm != NPU_TENSOR_NONE) {
        unsigned d = w->program.d_model;
        ret = npu_model_read_f32(model, s->norm, s->layer, 0, d, st->gamma, err);
        if (ret == 0)
            ret = npu_model_read_f32(model, s->norm + 1, s->layer, 0, d, st->beta, err);
    }
    scratch->magnitude = scratch->tail_magnitude = 0;
    if (ret == 0 && calibration)
        npu_calibration_begin(calibration, s, st->gamma, st->beta);
    if (ret == 0 && st->recipe.tail)
        npu_calibration_outliers(calibration, st->exchange, st->recipe.tail);
    if (ret == 0 && s->in == NPU_BUFFER_FFN)
        exchange_outputs(w, index - 1, st); /* of the stage before */
    for (unsigned m = 0; ret == 0 && m < s->n_matrices; m++)
        ret = pack_matrix(w, index, m, model, scratch, err);
    if (ret == 0 && calibration)
        npu_calibration_end(calibration);
    st->a_max = limit_activations(st->recipe.a_max, scratch->magnitude);
    st->tail_max = limit_activations(INT16_MAX, scratch->tail_magnitude);
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

static bool has_tails(const struct npu_cpu_weights *w)
{
    unsigned tails = 0;
    for (unsigned i = 0; i < w->program.n_stages; i++)
        tails += w->stage[i].recipe.tail;
    return tails > 0;
}

int npu_cpu_pack(struct npu_cpu_weights *w, const struct npu_model *model, struct npu_error *err)
{
    const struct npu_program *p = &w->program;
    size_t bytes = lay_out_weights(w, NULL), k = widest(p);

    if (bytes > MAX_WEIGHT_BYTES)
        return npu_fail(err, -ENOTSUP,
                        "the packed weights need %zu MiB, more than the %u MiB allowed",
                        bytes >> 20, (unsigned)(MAX_WEIGHT_BYTES >> 20));
    struct scratch scratch = {.rows = npu_block_alloc((ROWS + 1) * k * sizeof(float)),
                              .ints = npu_block_alloc(ROWS * k * sizeof(int16_t))};
    w->block = npu_block_alloc(bytes);
    int ret = 0;
    if (!w->block || !scratch.rows || !scratch.ints)
        ret = npu_fail(err, -ENOMEM, "out of memory for %zu MiB of packed weights", bytes >> 20);
    if (ret == 0) {
        w->bytes = bytes;
        lay_out_weights(w, w->block);
        ret = npu_model_read_f32(model, NPU_TENSOR_POSITIONS, 0, 0,
                                 (uint64_t)p->positions * p->d_model, w->positions, err);
    }
    if (ret == 0 && has_tails(w)) {
        scratch.calibration = npu_calibration_open(&w->kernels, p, w->positions);
        if (!scratch.calibration)
            ret = npu_fail(err, -ENOMEM, "out of memory to choose input channels");
    }
    for (unsigned i = 0; ret == 0 && i < p->n_stages; i++)
        ret = pack_stage(w, i, model, &scratch, err);
    npu_calibration_close(&scratch.calibration);
    free(scratch.rows);
    free(scratch.ints);
    return ret;
}
