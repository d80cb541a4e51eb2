/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_KERNELS_PEAK_H
#define TESTS_KERNELS_PEAK_H
/* Peak rate of one core for the instruction that a kernel set multiplies with: for the shares of
 * tests/kernels --bench and the rooflines of tests/bench/run. */
#include "kernels/kernels.h"

enum peak_kind { PEAK_NARROW = NPU_NARROW, PEAK_WIDE = NPU_WIDE, PEAK_F32, PEAK_KINDS };

struct peak {
    const char *op; /* the instruction (static), "-" where not known */
    double gmacs;   /* 1e9 multiply-adds per second; 0 where not known */
};

/* The fastest of many loops of independent multiply-adds, for about `budget` seconds. The
 * set must be one that can run here. */
struct peak peak_measure(const struct npu_kernels *set, enum peak_kind kind, double budget);

#endif /* TESTS_KERNELS_PEAK_H */
