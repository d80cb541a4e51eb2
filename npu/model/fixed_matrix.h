/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_FIXED_MATRIX_H
#define NPU_MODEL_FIXED_MATRIX_H
/* What npu/model/fixed.c packs a model with: one matrix, column factors, tables.
 * A real number is integer * scale. Threads: any; nothing is kept between calls. Nothing blocks. */
#include "npu/model/fixed.h"

/* Bounds of a matrix's input x; the tighter one is used. */
struct npu_fixed_input {
    const double *max; /* [k]: of each integer, its rounding included */
    /* After a LayerNorm, or NULL: x[i] = rint(factor[i] z[i]) with |z| <= norm. */
    const double *factor;
    double norm;
};

/* Pack w f64 [n][k] (overwritten) and bias f64 [n] for integer x of scale sx and integer y of scale
 * sy[n]. dst: bits, and memory at w, bias, mult, shift. bound, scale f64 [n] (out): of the
 * accumulators, of the weights. Returns 0; -ENOTSUP with the sentence about `what`. */
int npu_fixed_pack_matrix(struct npu_fixed_matrix *dst, double *w, const double *bias, unsigned n,
                          unsigned k, double sx, const double *sy, const struct npu_fixed_input *x,
                          double *bound, double *scale, const char *what, struct npu_error *err);

/* Real ratios r[n] > 0 as integers of 15 bits and one shift: mult = rint(r 2^shift), the largest
 * in 2^14 .. 32767. Returns the shift. */
int npu_fixed_multipliers(int16_t *mult, const double *r, unsigned n);

/* Column factors: x[k] * g[k] with w[n][k] / g[k]. g = c^a, c the root mean square of a column, a
 * the one of 0, 1/4 .. 1 that gives weights of 8 bits the least sum of squared rounding errors.
 * w f64 [n][k]. g f64 [k] (out), geometric mean 1. scratch: k doubles. */
void npu_fixed_column_factors(double *g, const double *w, unsigned n, unsigned k, double *scratch);

/* h(a) = a / 2 erfc(a / sqrt 2), the even part of gelu(x) = max(x, 0) - h(|x|): rint(h(i step) /
 * scale) for i = 0 .. NPU_FIXED_GELU_ENTRIES - 1. */
void npu_fixed_gelu_table(int16_t *table, double step, double scale);

#endif /* NPU_MODEL_FIXED_MATRIX_H */
