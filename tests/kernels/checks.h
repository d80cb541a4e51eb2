/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_KERNELS_CHECKS_H
#define TESTS_KERNELS_CHECKS_H
/* One check per kernel: all that the contract promises, for a set, against ref. The self-test runs
 * the same functions with kernels that are wrong on purpose. */
#include "kernels/kernels.h"
#include "tests/kernels/kit.h"

bool check_gemm(const struct npu_kernels *k, struct kit_why *why);
bool check_gelu(const struct npu_kernels *k, struct kit_why *why);
bool check_norm(const struct npu_kernels *k, struct kit_why *why);
bool check_attention(const struct npu_kernels *k, struct kit_why *why);

bool check_gemm_int(const struct npu_kernels *k, enum npu_width width, struct kit_why *why);
bool check_quant(const struct npu_kernels *k, enum npu_width width, struct kit_why *why);
bool check_pack_k(const struct npu_kernels *k, enum npu_width width, struct kit_why *why);
bool check_pack_v(const struct npu_kernels *k, enum npu_width width, struct kit_why *why);
bool check_attention_int(const struct npu_kernels *k, enum npu_width width, struct kit_why *why);

/* Integer kernels that are wrong on purpose: the check must refuse them and name `word`. */
struct bad_int {
    const char *name, *word;
    bool (*check)(const struct npu_kernels *k, enum npu_width width, struct kit_why *why);
    enum npu_width width;
    struct npu_int_kernels kernels;
};
/* The i-th; false past the last. `good` must live as long as they are called. */
bool bad_int(int i, const struct npu_kernels *good, struct bad_int *out);

/* ref and the definitions against float64, packing against its formula; true with the largest
 * error in the text. */
bool accuracy_exp(struct kit_why *why);
bool accuracy_gelu(struct kit_why *why);
bool accuracy_gemm(struct kit_why *why);
bool accuracy_norm(struct kit_why *why);
bool accuracy_attention(struct kit_why *why);
bool accuracy_exp2(struct kit_why *why);
bool accuracy_gelu_int(struct kit_why *why);
bool accuracy_gemm_int(struct kit_why *why);
bool accuracy_quant(struct kit_why *why);
bool accuracy_attention_int(struct kit_why *why);
bool packing_places(struct kit_why *why);
bool packing_places_int(struct kit_why *why);

/* Which kernels are chosen. */
bool dispatch_names(struct kit_why *why);
bool dispatch_limits(struct kit_why *why);
bool dispatch_flags(struct kit_why *why);

/* One line: time, 1e9 multiply-adds per second, share of `top` of these (0: not known). */
void bench_report(const char *name, double gmac, double t, double t_ref, double top);
void bench_int(const struct npu_kernels *k, const struct npu_kernels *ref, double budget);
void bench(const struct npu_kernels *k, const struct npu_kernels *ref, double budget);

#endif /* TESTS_KERNELS_CHECKS_H */
