/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Goes through a program's stages in order and packs each with the bounds of the stages before it.
 * Only one stage's matrices are in memory as f64 at a time. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "npu/block.h"
#include "npu/log.h"
#include "npu/model/fixed_matrix.h"
#include "npu/model/fixed_pack.h"

#define ROWS           64 /* that are read at a time */
#define S16            32767.0
#define NORM_SLACK     1.0005 /* LayerNorm's output may exceed sqrt(d) by its rounding */
#define PROOF_SLACK    1.001
#define RESIDUAL_BITS  14
#define RESIDUAL_LEAST 10
#define POSITION_MAX   2.0  /* of the position table, and GELU takes a little */
#define LEAST_BOUND    1e-9 /* so that no scale is zero */
#define LOG2_E         1.4426950408889634
#define OCTAVE_STEP    0x1p-6 /* of scores */
#define QK_SHIFT_MIN   6
#define QK_SHIFT_MAX   40

/* Memory of packing. Vectors hold the longest row or column of the program. */
struct packing {
    struct npu_fixed *out;
    const struct npu_model *model;
    struct npu_error *err;
    unsigned d;
    float *rows; /* [ROWS][longest row] */
    double *w;   /* one stage's matrices */

    double *gamma, *beta;
    double *g;      /* column factors of the norm's output */
    double *factor; /* the same in integers: y = rint(factor z) */
    double *unit;   /* y's channels are worth unit[k] z */
    double *bias, *sy, *bound, *scale;
    double *reals;      /* bounds of a stage's outputs, real */
    double *x_max;      /* of a stage's inputs, integers */
    double *value_max;  /* of V and attention's output, real, by channel */
    double *value_unit; /* their scales */
    double *value_bias; /* what V's bias adds to attention's output */
    double norm_scale;

    /* Of the residual stream, in units of 2^-RESIDUAL_BITS. */
    double residual, largest;
    const struct npu_stage *largest_what;
    unsigned largest_channel;
};

/* ---- Reading --------------------------------------------------------------------------------- */

static int read_vector(struct packing *p, int tensor, unsigned layer, unsigned n, double *dst)
{
    if (tensor == NPU_TENSOR_NONE) {
        memset(dst, 0, n * sizeof(*dst));
        return 0;
    }
    int ret = npu_model_read_f32(p->model, (enum npu_tensor)tensor, layer, 0, n, p->rows, p->err);
    for (unsigned i = 0; ret == 0 && i < n; i++)
        dst[i] = (double)p->rows[i];
    return ret;
}

/* Matrix m of a stage as f64 [n][k]; a convolution's taps [in][3] come out as [3][in], the order in
 * which its input lies in memory. */
static int read_matrix(struct packing *p, const struct npu_stage *s, unsigned m, double *dst)
{
    bool taps = s->op == NPU_OP_CONV1 || s->op == NPU_OP_CONV2;
    unsigned channels = s->k / 3;

    for (unsigned j = 0; j < s->n; j += ROWS) {
        unsigned n_rows = s->n - j < ROWS ? s->n - j : ROWS;
        int ret = npu_model_read_f32(p->model, (enum npu_tensor)s->matrix[m].weight, s->layer,
                                     (uint64_t)j * s->k, (uint64_t)n_rows * s->k, p->rows, p->err);
        if (ret)
            return ret;
        for (unsigned r = 0; r < n_rows; r++) {
            const float *row = p->rows + (size_t)r * s->k;
            for (unsigned i = 0; i < s->k; i++)
                *dst++ = (double)(taps ? row[3 * (i % channels) + i / channels] : row[i]);
        }
    }
    return 0;
}

/* ---- Bounds ---------------------------------------------------------------------------------- */

static double largest_of(const double *x, unsigned n)
{
    double most = LEAST_BOUND;
    for (unsigned i = 0; i < n; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

static void fill(double *x, unsigned n, double value)
{
    for (unsigned i = 0; i < n; i++)
        x[i] = value;
}

/* sum |w| x_max + |bias| of each output. */
static void bound_by_max(double *bound, const double *w, const double *bias, unsigned n, unsigned k,
                         double x_max)
{
    for (unsigned j = 0; j < n; j++) {
        double sum = 0;
        for (unsigned i = 0; i < k; i++)
            sum += fabs(w[(size_t)j * k + i]);
        bound[j] = sum * x_max + fabs(bias[j]);
    }
}

/* sum x^2, n a multiple of 8. Pairwise in blocks of 128 and 8 lanes, the order of NumPy's
 * reductions: where a weight is half of its row's largest, the last bit of a bound decides to which
 * side it is rounded, and so the integers are those of a model packed with NumPy. */
static double sum_squares(const double *x, unsigned n)
{
    if (n > 128) {
        unsigned half = n / 16 * 8;
        return sum_squares(x, half) + sum_squares(x + half, n - half);
    }
    double r[8] = {0};
    for (unsigned i = 0; i < n; i++)
        r[i % 8] += x[i] * x[i];
    return ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
}

/* |w| sqrt(k) + |bias| of each output. */
static void bound_by_norm(double *bound, const double *w, const double *bias, unsigned n,
                          unsigned k)
{
    for (unsigned j = 0; j < n; j++)
        bound[j] = sqrt(sum_squares(w + (size_t)j * k, k)) * sqrt(k) + fabs(bias[j]);
}

/* Largest integer that output j of a packed matrix gives, its rounding included. */
static double output_max(const struct npu_fixed_matrix *m, const double *bound, unsigned j)
{
    return ldexp(bound[j] * m->mult[j], -m->acc_shift - m->shift[j / NPU_FIXED_CHANNELS]) + 1;
}

/* The residual stream grows by the largest output of a matrix. */
static void grow_residual(struct packing *p, const struct npu_stage *s,
                          const struct npu_fixed_matrix *m)
{
    double most = 0;
    unsigned channel = 0;
    for (unsigned j = 0; j < s->n; j++) {
        if (output_max(m, p->bound, j) > most) {
            most = output_max(m, p->bound, j);
            channel = j;
        }
    }
    p->residual += most;
    if (most > p->largest) {
        p->largest = most;
        p->largest_what = s;
        p->largest_channel = channel;
    }
}

/* ---- Norms ----------------------------------------------------------------------------------- */

/* w x + b of x = z gamma + beta as w' z + b'. */
static void fold_norm(const struct packing *p, double *w, double *bias, unsigned n)
{
    for (unsigned j = 0; j < n; j++) {
        double *row = w + (size_t)j * p->d, sum = 0;
        for (unsigned i = 0; i < p->d; i++) {
            sum += row[i] * p->beta[i];
            row[i] *= p->gamma[i];
        }
        bias[j] += sum;
    }
}

/* The norm's multipliers from p->g, and what follows for the matrix after it. */
static void pack_norm(struct packing *p, struct npu_fixed_stage *st)
{
    double root = sqrt(p->d);
    p->norm_scale = largest_of(p->g, p->d) * root * NORM_SLACK / S16;
    for (unsigned i = 0; i < p->d; i++)
        p->scale[i] = p->g[i] / p->norm_scale;
    st->norm_shift = npu_fixed_multipliers(st->norm_mult, p->scale, p->d);
    for (unsigned i = 0; i < p->d; i++) {
        p->factor[i] = ldexp(st->norm_mult[i], -st->norm_shift);
        p->unit[i] = p->factor[i] * p->norm_scale;
        p->x_max[i] = p->factor[i] * root + 1;
    }
}

/* Matrix m of a stage after a norm: w' z as (w' / unit) y. */
static int pack_after_norm(struct packing *p, const struct npu_stage *s, struct npu_fixed_stage *st,
                           unsigned m, double *w, const double *bias)
{
    const struct npu_fixed_input input = {
        .max = p->x_max, .factor = p->factor, .norm = sqrt(p->d) * PROOF_SLACK};
    char what[64];
    for (unsigned j = 0; j < s->n; j++)
        for (unsigned i = 0; i < s->k; i++)
            w[(size_t)j * s->k + i] /= p->unit[i];
    npu_fixed_name(what, s, m);
    return npu_fixed_pack_matrix(&st->matrix[m], w, bias, s->n, s->k, p->norm_scale, p->sy, &input,
                                 p->bound, p->scale, what, p->err);
}

static int read_norm(struct packing *p, const struct npu_stage *s)
{
    int ret = read_vector(p, s->norm, s->layer, p->d, p->gamma);
    return ret ? ret : read_vector(p, s->norm + 1, s->layer, p->d, p->beta);
}

/* ---- GELU ------------------------------------------------------------------------------------ */

/* Outputs up to `most`: the fine grid of u holds 6 to 12 in 15 bits. Returns its step. */
static double pack_gelu(struct npu_fixed_stage *st, double most)
{
    double scale = most / S16;
    int shift = (int)floor(log2(scale * S16 / 6));
    st->gelu_shift = shift < 0 ? 0 : shift > 15 ? 15 : shift;
    double fine = ldexp(scale, -st->gelu_shift);
    npu_fixed_gelu_table(st->table, 32 * fine, fine);
    return fine;
}

/* The next stage's inputs: this stage's outputs after GELU. */
static void keep_gelu_max(struct packing *p, const struct npu_fixed_stage *st, unsigned n)
{
    for (unsigned j = 0; j < n; j++)
        p->x_max[j] =
            fmin(ldexp(output_max(&st->matrix[0], p->bound, j), -st->gelu_shift) + 1, S16);
}

/* ---- Stages ---------------------------------------------------------------------------------- */

/* A matrix whose inputs are x_max[i % period] at scale sx and whose output adds to the residual
 * stream or is it. p->bias holds its bias. */
static int pack_into_residual(struct packing *p, const struct npu_stage *s,
                              struct npu_fixed_stage *st, double *w, double sx, unsigned period)
{
    const struct npu_fixed_input input = {.max = p->x_max};
    char what[64];
    npu_fixed_name(what, s, 0);
    for (unsigned i = period; i < s->k; i++)
        p->x_max[i] = p->x_max[i - period];
    fill(p->sy, s->n, ldexp(1, -RESIDUAL_BITS));
    int ret = npu_fixed_pack_matrix(&st->matrix[0], w, p->bias, s->n, s->k, sx, p->sy, &input,
                                    p->bound, p->scale, what, p->err);
    if (ret == 0)
        grow_residual(p, s, &st->matrix[0]);
    return ret;
}

static int pack_stem(struct packing *p)
{
    const struct npu_stage *s = p->out->program.stage;
    struct npu_fixed_stage *st = p->out->stage;
    const double mel_scale = ldexp(1, -NPU_FIXED_MEL_BITS);
    const struct npu_fixed_input mel = {.max = p->x_max};
    char what[64];

    int ret = read_matrix(p, s, 0, p->w);
    if (ret == 0)
        ret = read_vector(p, s->matrix[0].bias, 0, s->n, p->bias);
    if (ret)
        return ret;
    bound_by_max(p->reals, p->w, p->bias, s->n, s->k, NPU_FIXED_MEL_MAX * mel_scale);
    double most = largest_of(p->reals, s->n);
    fill(p->sy, s->n, pack_gelu(st, most));
    fill(p->x_max, s->k, NPU_FIXED_MEL_MAX);
    npu_fixed_name(what, s, 0);
    ret = npu_fixed_pack_matrix(&st->matrix[0], p->w, p->bias, s->n, s->k, mel_scale, p->sy, &mel,
                                p->bound, p->scale, what, p->err);
    if (ret)
        return ret;
    keep_gelu_max(p, st, s->n);

    s++;
    st++;
    ret = read_matrix(p, s, 0, p->w);
    if (ret == 0)
        ret = read_vector(p, s->matrix[0].bias, 0, s->n, p->bias);
    if (ret)
        return ret;
    p->residual = ldexp(POSITION_MAX, RESIDUAL_BITS);
    return pack_into_residual(p, s, st, p->w, most / S16, p->d);
}

/* The scales of V and attention's output, one for each channel, from the output projection wo f64
 * [d][d], which is overwritten for 8 bits. */
static void choose_value_units(struct packing *p, double *wo, unsigned bits)
{
    unsigned d = p->d;
    double most = 0;

    if (bits == 8) {
        for (unsigned j = 0; j < d; j++)
            for (unsigned i = 0; i < d; i++)
                wo[(size_t)j * d + i] *= p->value_max[i];
        npu_fixed_column_factors(p->g, wo, d, d, p->scale);
        for (unsigned i = 0; i < d; i++)
            p->value_unit[i] = p->value_max[i] / p->g[i];
    } else {
        fill(p->value_unit, d, largest_of(p->value_max, d));
    }
    for (unsigned i = 0; i < d; i++)
        most = fmax(most, p->value_max[i] / p->value_unit[i]);
    for (unsigned i = 0; i < d; i++)
        p->value_unit[i] = p->value_unit[i] * most / S16;
}

/* The scales of Q (into p->sy) and K such that a score's unit is 2^-6 octaves after a shift.
 * query, key: their bounds. */
static int choose_score_units(struct packing *p, const struct npu_stage *s, int *shift,
                              const double *query, const double *key, double *key_unit)
{
    double most_query = largest_of(query, p->d);
    *key_unit = largest_of(key, p->d) / S16;
    double unit = most_query / S16 * *key_unit / 8 * LOG2_E;
    *shift = (int)floor(log2(OCTAVE_STEP / unit));
    if (*shift < QK_SHIFT_MIN) {
        unsigned channel = 0;
        while (query[channel] < most_query)
            channel++;
        return npu_fail(p->err, -ENOTSUP,
                        "layer %u attention, channel %u: the bound of queries times keys is %.3g, "
                        "profile npu holds scores up to %.3g",
                        s->layer, channel, most_query * largest_of(key, p->d),
                        8 * S16 * S16 * OCTAVE_STEP / LOG2_E * ldexp(1, -QK_SHIFT_MIN));
    }
    *shift = *shift > QK_SHIFT_MAX ? QK_SHIFT_MAX : *shift;
    fill(p->sy, p->d, OCTAVE_STEP / (ldexp(1, *shift) * *key_unit / 8 * LOG2_E));
    return 0;
}

/* Q, K, V of the norm before and the output projection into p->w; p->bias: Q's, p->reals: zero,
 * p->value_bias: V's. */
static int read_attention(struct packing *p, const struct npu_stage *qkv,
                          const struct npu_stage *out)
{
    size_t dd = (size_t)p->d * p->d;
    int ret = read_norm(p, qkv);
    for (unsigned m = 0; ret == 0 && m < 3; m++)
        ret = read_matrix(p, qkv, m, p->w + m * dd);
    if (ret == 0)
        ret = read_matrix(p, out, 0, p->w + 3 * dd);
    if (ret == 0)
        ret = read_vector(p, qkv->matrix[0].bias, qkv->layer, p->d, p->bias);
    if (ret == 0)
        ret = read_vector(p, qkv->matrix[2].bias, qkv->layer, p->d, p->value_bias);
    return ret;
}

/* bound f64 [3][d] of Q, K, V; p->bias: Q's. */
static int pack_qkv(struct packing *p, const struct npu_stage *s, struct npu_fixed_stage *st,
                    int *qk_shift, const double *bound)
{
    size_t dd = (size_t)p->d * p->d;
    double key_unit;

    if (npu_fixed_weight_bits(s) == 8)
        npu_fixed_column_factors(p->g, p->w, 3 * p->d, p->d, p->scale);
    else
        fill(p->g, p->d, 1);
    pack_norm(p, st);
    int ret = choose_score_units(p, s, qk_shift, bound, bound + p->d, &key_unit);
    if (ret == 0)
        ret = pack_after_norm(p, s, st, 0, p->w, p->bias);
    if (ret)
        return ret;
    fill(p->bias, p->d, 0);
    fill(p->sy, p->d, key_unit);
    ret = pack_after_norm(p, s, st, 1, p->w + dd, p->bias);
    if (ret)
        return ret;
    memcpy(p->sy, p->value_unit, p->d * sizeof(*p->sy));
    return pack_after_norm(p, s, st, 2, p->w + 2 * dd, p->bias);
}

/* Bound of attention's output in integers: V's, the division's rounding (2^-12 of it), and that of
 * 24 rescaled blocks of keys, at most 3. */
static void keep_value_max(struct packing *p, const struct npu_fixed_matrix *v)
{
    for (unsigned i = 0; i < p->d; i++)
        p->x_max[i] = fmin(output_max(v, p->bound, i) * (1 + 0x1p-12) + 3, S16);
}

static int pack_attention(struct packing *p, unsigned index)
{
    const struct npu_stage *qkv = &p->out->program.stage[index], *out = qkv + 2;
    struct npu_fixed_stage *st = &p->out->stage[index];
    unsigned d = p->d;
    double *wo = p->w + 3 * (size_t)d * d, *bound = p->reals;

    int ret = read_attention(p, qkv, out);
    if (ret)
        return ret;
    fold_norm(p, p->w, p->bias, d);
    fill(bound, d, 0);
    fold_norm(p, p->w + (size_t)d * d, bound, d); /* K's constant: not needed */
    fold_norm(p, p->w + 2 * (size_t)d * d, p->value_bias, d);
    bound_by_norm(bound, p->w, p->bias, d, d);
    fill(p->sy, 2 * d, 0);
    bound_by_norm(bound + d, p->w + (size_t)d * d, p->sy, 2 * d, d);
    double least = largest_of(bound + 2 * d, d) * 1e-3;
    for (unsigned i = 0; i < d; i++)
        p->value_max[i] = fmax(bound[2 * d + i], least);
    choose_value_units(p, wo, npu_fixed_weight_bits(out));
    ret = pack_qkv(p, qkv, st, &st[1].qk_shift, bound);
    if (ret)
        return ret;
    keep_value_max(p, &st->matrix[2]);

    ret = read_matrix(p, out, 0, wo);
    if (ret == 0)
        ret = read_vector(p, out->matrix[0].bias, out->layer, d, p->bias);
    if (ret)
        return ret;
    for (unsigned j = 0; j < d; j++)
        for (unsigned i = 0; i < d; i++)
            p->bias[j] += wo[(size_t)j * d + i] * p->value_bias[i];
    for (unsigned j = 0; j < d; j++)
        for (unsigned i = 0; i < d; i++)
            wo[(size_t)j * d + i] *= p->value_unit[i];
    return pack_into_residual(p, out, &st[2], wo, 1, d);
}

static int pack_ffn(struct packing *p, unsigned index)
{
    const struct npu_stage *fc1 = &p->out->program.stage[index], *fc2 = fc1 + 1;
    struct npu_fixed_stage *st = &p->out->stage[index];

    int ret = read_norm(p, fc1);
    if (ret == 0)
        ret = read_matrix(p, fc1, 0, p->w);
    if (ret == 0)
        ret = read_vector(p, fc1->matrix[0].bias, fc1->layer, fc1->n, p->bias);
    if (ret)
        return ret;
    fold_norm(p, p->w, p->bias, fc1->n);
    npu_fixed_column_factors(p->g, p->w, fc1->n, fc1->k, p->scale);
    pack_norm(p, st);
    bound_by_norm(p->reals, p->w, p->bias, fc1->n, fc1->k);
    double most = largest_of(p->reals, fc1->n), unit = most / S16;
    fill(p->sy, fc1->n, pack_gelu(st, most));
    ret = pack_after_norm(p, fc1, st, 0, p->w, p->bias);
    if (ret)
        return ret;
    keep_gelu_max(p, st, fc1->n);

    ret = read_matrix(p, fc2, 0, p->w);
    if (ret == 0)
        ret = read_vector(p, fc2->matrix[0].bias, fc2->layer, fc2->n, p->bias);
    if (ret)
        return ret;
    for (size_t i = 0; i < (size_t)fc2->n * fc2->k; i++)
        p->w[i] *= unit;
    return pack_into_residual(p, fc2, &st[1], p->w, 1, fc2->k);
}

static int pack_positions(struct packing *p)
{
    const struct npu_program *program = &p->out->program;
    for (unsigned t = 0; t < program->positions; t++) {
        int ret = npu_model_read_f32(p->model, NPU_TENSOR_POSITIONS, 0, (uint64_t)t * p->d, p->d,
                                     p->rows, p->err);
        if (ret)
            return ret;
        for (unsigned i = 0; i < p->d; i++) {
            double x = rint(ldexp((double)p->rows[i], RESIDUAL_BITS));
            if (fabs(x) > S16)
                return npu_fail(p->err, -ENOTSUP,
                                "position %u, channel %u: %.4g, profile npu holds less than 2", t,
                                i, (double)p->rows[i]);
            p->out->positions[(size_t)t * p->d + i] = (int16_t)x;
        }
    }
    return 0;
}

/* ---- The residual stream's format ------------------------------------------------------------ */

/* Reduces the 14 fraction bits of the packed model to fewer. */
static void lower_residual(struct npu_fixed *out, int bits)
{
    int less = RESIDUAL_BITS - bits;
    for (unsigned i = 0; i < out->program.n_stages; i++) {
        const struct npu_stage *s = &out->program.stage[i];
        if (s->out != NPU_BUFFER_RESIDUAL || s->n_matrices == 0)
            continue;
        uint8_t *shift = out->stage[i].matrix[0].shift;
        for (unsigned j = 0; j < (s->n + NPU_FIXED_CHANNELS - 1) / NPU_FIXED_CHANNELS; j++)
            shift[j] = (uint8_t)(shift[j] + less > NPU_FIXED_SHIFT_MAX ? NPU_FIXED_SHIFT_MAX
                                                                       : shift[j] + less);
    }
    for (size_t i = 0; less > 0 && i < (size_t)out->program.positions * out->program.d_model; i++)
        out->positions[i] = (int16_t)rint(ldexp(out->positions[i], -less));
}

static int choose_residual(struct packing *p)
{
    struct npu_fixed *out = p->out;
    int bits = RESIDUAL_BITS;
    char what[64];
    while (bits >= RESIDUAL_LEAST &&
           ldexp(p->residual, bits - RESIDUAL_BITS) > NPU_FIXED_RESIDUAL_MAX)
        bits--;
    npu_fixed_name(what, p->largest_what, 0);
    if (bits < RESIDUAL_LEAST)
        return npu_fail(p->err, -ENOTSUP,
                        "%s, channel %u: adds up to %.4g to the residual stream, in all %.4g; "
                        "profile npu holds %.4g",
                        what, p->largest_channel, ldexp(p->largest, -RESIDUAL_BITS),
                        ldexp(p->residual, -RESIDUAL_BITS),
                        ldexp(NPU_FIXED_RESIDUAL_MAX, -RESIDUAL_LEAST));
    lower_residual(out, bits);
    out->residual_bits = bits;
    out->residual_bound = ldexp(p->residual, bits - RESIDUAL_BITS);
    out->stage[1].gelu_shift = bits - 12;
    npu_fixed_gelu_table(out->stage[1].table, 0x1p-7, ldexp(1, -bits));
    out->inv_d = (int64_t)rint(0x1p40 / p->d);
    out->eps = (int64_t)rint(ldexp(p->d * 1e-5, 2 * bits));
    out->sqrt_d = (int64_t)rint(sqrt(p->d) * 1024);
    out->feature_bits = p->d > 1024 ? 9 : 10;
    for (int i = 0; i < NPU_FIXED_EXP_ENTRIES; i++)
        out->exp[i] = (int16_t)rint(S16 * exp2(-i / 64.0));
    return 0;
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* Working memory; returns it (to be freed) or NULL. */
static char *lay_out_packing(struct packing *p)
{
    const struct npu_program *program = &p->out->program;
    size_t d = p->d, longest = 3 * d > 3 * program->n_mels ? 3 * d : 3 * program->n_mels;
    size_t matrices = 4 * d * d > longest * d ? 4 * d * d : longest * d;
    double **vectors[] = {&p->gamma, &p->beta,      &p->g,          &p->factor,    &p->unit,
                          &p->bias,  &p->sy,        &p->bound,      &p->scale,     &p->reals,
                          &p->x_max, &p->value_max, &p->value_unit, &p->value_bias};
    size_t used = 0;
    char *block = NULL;

    longest = longest > program->d_ffn ? longest : program->d_ffn;
    for (int pass = 0; pass < 2; pass++) {
        used = 0;
        p->rows = npu_block_take(block, &used, ROWS * longest * sizeof(float));
        p->w = npu_block_take(block, &used, matrices * sizeof(double));
        for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
            *vectors[i] = npu_block_take(block, &used, longest * sizeof(double));
        if (pass == 0 && !(block = npu_block_alloc(used)))
            return NULL;
    }
    return block;
}

int npu_fixed_pack(struct npu_fixed *out, const struct npu_model *model, struct npu_error *err)
{
    struct packing p = {.out = out, .model = model, .err = err, .d = out->program.d_model};
    const struct npu_stage *stage = out->program.stage;
    char *memory = lay_out_packing(&p);
    if (!memory)
        return npu_fail(err, -ENOMEM, "out of memory for packing");

    int ret = pack_positions(&p);
    if (ret == 0)
        ret = pack_stem(&p);
    for (unsigned i = 0; ret == 0 && i < out->program.n_stages; i++) {
        if (stage[i].op == NPU_OP_NORM_QKV)
            ret = pack_attention(&p, i);
        else if (stage[i].op == NPU_OP_NORM_FC1)
            ret = pack_ffn(&p, i);
    }
    if (ret == 0)
        ret = npu_model_read_f32(model, NPU_TENSOR_NORM_WEIGHT, 0, 0, p.d, out->gamma, err);
    if (ret == 0)
        ret = npu_model_read_f32(model, NPU_TENSOR_NORM_BIAS, 0, 0, p.d, out->beta, err);
    if (ret == 0)
        ret = choose_residual(&p);
    free(memory);
    return ret;
}
