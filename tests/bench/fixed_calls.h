/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BENCH_FIXED_CALLS_H
#define TESTS_BENCH_FIXED_CALLS_H
/* The kernels of profile npu with random operands, timed by bench_clock of tests/kernels/bench.h.
 * Each returns what that does. `rows`: 1 .. 64. */
#include "kernels/kernels.h"

typedef double npu_fixed_call(const struct npu_kernels *set, int rows, int n, int k);

npu_fixed_call fixed_call_gemm_s16s8, fixed_call_gemm_gelu,
    fixed_call_gemm_s16s16;                      /* n channels, depth k */
npu_fixed_call fixed_call_attention;             /* n keys */
npu_fixed_call fixed_call_norm, fixed_call_gelu; /* n columns */

#endif /* TESTS_BENCH_FIXED_CALLS_H */
