/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_KERNELS_BENCH_H
#define TESTS_KERNELS_BENCH_H
/* Times one kernel with random operands. All return what `bench_clock` does. Threads: one. */
#include "kernels/kernels.h"
#include "tests/kernels/kit.h"

/* Call fn(user) often; returns the seconds of one call. kit_fastest() unless replaced. */
typedef double bench_clock_fn(void (*fn)(void *user), void *user, double budget);
extern bench_clock_fn *bench_clock;

double bench_gemm_f32(const struct npu_kernels *k, int m, int n, int kk, unsigned flags,
                      double budget);
/* m queries against 1500 keys, one head. */
double bench_attention_f32(const struct npu_kernels *k, int m, double budget);
double bench_norm_f32(const struct npu_kernels *k, int m, int n, double budget);
/* n values, with the copy that brings them back. */
double bench_gelu_f32(const struct npu_kernels *k, int n, double budget);

double bench_gemm_int(const struct npu_kernels *k, enum npu_width width, int m, int n, int kk,
                      unsigned flags, double budget);
double bench_quant(const struct npu_kernels *k, enum npu_width width, int m, int n, bool asymmetric,
                   double budget);
/* A block of 64 keys, or of their values. */
double bench_pack(const struct npu_kernels *k, enum npu_width width, bool values, double budget);
double bench_attention_int(const struct npu_kernels *k, enum npu_width width, int m, double budget);

#endif /* TESTS_KERNELS_BENCH_H */
