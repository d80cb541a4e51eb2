/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_CLOSENESS_H
#define TESTS_NPU_CLOSENESS_H
/* How close features are to others: the cosine of each position, and figures over many. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "tests/check.h"

struct closeness {
    double *cosine; /* sorted by closeness_finish() */
    size_t n;
    bool finite;
    double mean, p1, worst, bad; /* bad: share of positions below 0.99 */
};

static inline void closeness_init(struct closeness *c, size_t most)
{
    *c = (struct closeness){.cosine = malloc(most * sizeof(double)), .finite = true};
    if (!c->cosine)
        abort();
}

/* Of two rows; 1 where both are zero, 0 where one is or a value is not finite. */
static inline double closeness_cosine(const float *x, const float *y, size_t d)
{
    double xy = 0, xx = 0, yy = 0;
    for (size_t j = 0; j < d; j++) {
        xy += (double)x[j] * y[j];
        xx += (double)x[j] * x[j];
        yy += (double)y[j] * y[j];
    }
    if (xx == 0 && yy == 0)
        return 1;
    double cosine = xy / (sqrt(xx) * sqrt(yy));
    return isfinite(cosine) ? cosine : 0;
}

/* `rows` positions of y [rows][d] against x's positions 0, step, 2 step ..., the last at most
 * `last`. Returns the mean of these alone. */
static inline double closeness_add(struct closeness *c, const float *x, const float *y, size_t rows,
                                   size_t step, size_t last, size_t d)
{
    double sum = 0;
    for (size_t r = 0; r < rows; r++) {
        size_t at = r * step < last ? r * step : last;
        double cosine = closeness_cosine(x + at * d, y + r * d, d);
        for (size_t j = 0; j < d; j++)
            c->finite &= isfinite(x[at * d + j]) && isfinite(y[r * d + j]);
        c->cosine[c->n++] = cosine;
        sum += cosine;
    }
    return sum / (double)rows;
}

static inline int closeness_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Compute the figures and free the rest. The 1st percentile of n is number n / 100 from below. */
static inline void closeness_finish(struct closeness *c)
{
    double sum = 0;
    size_t bad = 0;
    qsort(c->cosine, c->n, sizeof(double), closeness_order);
    for (size_t i = 0; i < c->n; i++) {
        sum += c->cosine[i];
        bad += c->cosine[i] < 0.99;
    }
    c->mean = sum / (double)c->n;
    c->p1 = c->cosine[c->n / 100];
    c->worst = c->cosine[0];
    c->bad = (double)bad / (double)c->n;
    free(c->cosine);
}

#define CLOSENESS_FORMAT  "%zu positions: cosine mean %.6f, p1 %.6f, worst %.5f, %.3f %% below 0.99"
#define CLOSENESS_ARGS(c) (c).n, (c).mean, (c).p1, (c).worst, 100 * (c).bad

#endif /* TESTS_NPU_CLOSENESS_H */
