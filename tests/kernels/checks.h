/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_KERNELS_CHECKS_H
#define TESTS_KERNELS_CHECKS_H
/* One check per kernel: everything that the contract promises about the set given, against ref. The
 * same functions take the deliberately bad kernels of the self-test. */
#include "kernels/kernels.h"
#include "tests/kernels/kit.h"

bool check_gemm(const struct npu_kernels *k, struct kit_why *why);
bool check_gelu(const struct npu_kernels *k, struct kit_why *why);
bool check_norm(const struct npu_kernels *k, struct kit_why *why);
bool check_attention(const struct npu_kernels *k, struct kit_why *why);

/* ref and the definitions against float64, packing against its formula; true with the largest
 * error in the text. */
bool accuracy_exp(struct kit_why *why);
bool accuracy_gelu(struct kit_why *why);
bool accuracy_gemm(struct kit_why *why);
bool accuracy_norm(struct kit_why *why);
bool accuracy_attention(struct kit_why *why);
bool packing_places(struct kit_why *why);
bool dispatch_limits(struct kit_why *why);

void bench(const struct npu_kernels *k, const struct npu_kernels *ref, double budget);

#endif /* TESTS_KERNELS_CHECKS_H */
