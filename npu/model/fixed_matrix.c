/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/model/fixed_matrix.h"

#include <errno.h>
#include <math.h>

#include "npu/log.h"

#define ACC_LIMIT 0x1p31
/* Largest bias in an accumulator: a row of weights near zero would have a scale near zero. */
#define BIAS_MAX_8  0x1p30
#define BIAS_MAX_16 0x1p44

/* One row to integers of `most` in place; returns its scale. */
static double quantise_row(double *w, unsigned k, int most, double least)
{
    double big = 1e-30;
    for (unsigned i = 0; i < k; i++)
        big = fabs(w[i]) > big ? fabs(w[i]) : big;
    double scale = big / most > least ? big / most : least;
    for (unsigned i = 0; i < k; i++) {
        double q = rint(w[i] / scale);
        w[i] = q > most ? most : q < -most ? -most : q;
    }
    return scale;
}

/* The largest |w x| of a row of integers. Rounding of x after a norm adds sum |w| / 2. */
static double bound_row(const double *w, unsigned k, const struct npu_fixed_input *x)
{
    double by_max = 0, squares = 0, sum = 0;
    for (unsigned i = 0; i < k; i++)
        by_max += fabs(w[i]) * x->max[i];
    if (!x->factor)
        return by_max;
    for (unsigned i = 0; i < k; i++) {
        double f = w[i] * x->factor[i];
        squares += f * f;
        sum += fabs(w[i]);
    }
    double by_norm = sqrt(squares) * x->norm + sum / 2;
    return by_norm < by_max ? by_norm : by_max;
}

static void store_row(const struct npu_fixed_matrix *dst, const double *w, unsigned row, unsigned k)
{
    size_t at = (size_t)row * k;
    for (unsigned i = 0; i < k; i++) {
        if (dst->bits == 8)
            ((int8_t *)dst->w)[at + i] = (int8_t)w[i];
        else
            ((int16_t *)dst->w)[at + i] = (int16_t)w[i];
    }
}

/* Largest bound, and the shift that brings it below 2^31. */
static void choose_accumulator(struct npu_fixed_matrix *dst, const double *bound, unsigned n)
{
    dst->bound = 0;
    for (unsigned j = 0; j < n; j++) {
        if (bound[j] > dst->bound) {
            dst->bound = bound[j];
            dst->channel = j;
        }
    }
    dst->acc_shift = 0;
    if (dst->bound >= ACC_LIMIT)
        dst->acc_shift = (int)ceil(log2(dst->bound / ACC_LIMIT) + 1e-9);
}

int npu_fixed_multipliers(int16_t *mult, const double *r, unsigned n)
{
    double most = 1e-300, top = 0;
    for (unsigned j = 0; j < n; j++)
        most = r[j] > most ? r[j] : most;
    int shift = 14 - (int)floor(log2(most));
    for (unsigned j = 0; j < n; j++)
        top = fmax(top, rint(ldexp(r[j], shift)));
    if (top > INT16_MAX)
        shift--;
    for (unsigned j = 0; j < n; j++)
        mult[j] = (int16_t)rint(ldexp(r[j], shift));
    return shift;
}

/* scale[n]: of the weights. */
static int pack_multipliers(struct npu_fixed_matrix *dst, const double *scale, unsigned n,
                            double sx, const double *sy, const char *what, struct npu_error *err)
{
    double ratio[NPU_FIXED_CHANNELS];
    for (unsigned j = 0; j < n; j += NPU_FIXED_CHANNELS) {
        unsigned count = n - j < NPU_FIXED_CHANNELS ? n - j : NPU_FIXED_CHANNELS;
        for (unsigned i = 0; i < count; i++)
            ratio[i] = ldexp(sx * scale[j + i] / sy[j + i], dst->acc_shift);
        int shift = npu_fixed_multipliers(dst->mult + j, ratio, count);
        if (shift < 0)
            return npu_fail(err, -ENOTSUP,
                            "%s, channels %u to %u: an accumulator's unit is 2^%d of the output's, "
                            "profile npu holds 2^14 at most",
                            what, j, j + count - 1, 14 - shift);
        /* Larger shifts leave nothing of any product either. */
        dst->shift[j / NPU_FIXED_CHANNELS] =
            (uint8_t)(shift > NPU_FIXED_SHIFT_MAX ? NPU_FIXED_SHIFT_MAX : shift);
    }
    return 0;
}

int npu_fixed_pack_matrix(struct npu_fixed_matrix *dst, double *w, const double *bias, unsigned n,
                          unsigned k, double sx, const double *sy, const struct npu_fixed_input *x,
                          double *bound, double *scale, const char *what, struct npu_error *err)
{
    int most = dst->bits == 8 ? INT8_MAX : INT16_MAX;

    for (unsigned j = 0; j < n; j++) {
        double *row = w + (size_t)j * k;
        double least = fabs(bias[j]) / (sx * (dst->bits == 8 ? BIAS_MAX_8 : BIAS_MAX_16));
        scale[j] = quantise_row(row, k, most, least);
        dst->bias[j] = (int64_t)rint(bias[j] / (sx * scale[j]));
        store_row(dst, row, j, k);
        bound[j] = bound_row(row, k, x) + fabs((double)dst->bias[j]);
    }
    choose_accumulator(dst, bound, n);
    return pack_multipliers(dst, scale, n, sx, sy, what, err);
}

/* Expected squared rounding error with factors g, without constant factors: each output's step, and
 * each column's weight. */
static double expected_error(const double *g, const double *w, unsigned n, unsigned k)
{
    double steps = 0, columns = 0;
    for (unsigned j = 0; j < n; j++) {
        double big = 0;
        for (unsigned i = 0; i < k; i++) {
            double a = fabs(w[(size_t)j * k + i]) / g[i];
            big = a > big ? a : big;
        }
        steps += (big / INT8_MAX) * (big / INT8_MAX);
    }
    for (unsigned i = 0; i < k; i++)
        columns += g[i] * g[i];
    return steps * columns;
}

/* g = c^power over its geometric mean. */
static void raise_columns(double *g, const double *c, unsigned k, double power)
{
    double logs = 0;
    for (unsigned i = 0; i < k; i++) {
        g[i] = pow(c[i], power);
        logs += log(g[i]);
    }
    double mean = exp(logs / k);
    for (unsigned i = 0; i < k; i++)
        g[i] /= mean;
}

void npu_fixed_column_factors(double *g, const double *w, unsigned n, unsigned k, double *scratch)
{
    double *c = scratch, big = 0, least = 0;
    unsigned best = 0;

    for (unsigned i = 0; i < k; i++)
        c[i] = 0;
    for (unsigned j = 0; j < n; j++)
        for (unsigned i = 0; i < k; i++)
            c[i] += w[(size_t)j * k + i] * w[(size_t)j * k + i];
    for (unsigned i = 0; i < k; i++) {
        c[i] = sqrt(c[i] / n);
        big = c[i] > big ? c[i] : big;
    }
    for (unsigned i = 0; i < k; i++)
        c[i] = fmax(c[i], fmax(big * 1e-3, 1e-30));
    for (unsigned power = 0; power <= 4; power++) {
        raise_columns(g, c, k, power / 4.0);
        double error = expected_error(g, w, n, k);
        if (power == 0 || error < least) {
            least = error;
            best = power;
        }
    }
    raise_columns(g, c, k, best / 4.0);
}

void npu_fixed_gelu_table(int16_t *table, double step, double scale)
{
    for (int i = 0; i < NPU_FIXED_GELU_ENTRIES; i++) {
        double a = i * step;
        table[i] = (int16_t)rint(a * 0.5 * (1 - erf(a / sqrt(2))) / scale);
    }
}
