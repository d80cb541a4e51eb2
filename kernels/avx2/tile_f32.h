/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX2_TILE_F32_H
#define NPU_KERNELS_AVX2_TILE_F32_H
#include <stddef.h>

/* Raw products of m rows and one 16-column panel: t[i][j] = fma chain over k of a[i][kk] *
 * b[kk][j], from +0. a rows stride lda, t rows stride ldt (elements); b 64-byte aligned.
 * Rows: any m >= 1, in tiles of 6, 4, 2, 1. */
void npu_tile_f32_avx2(float *t, ptrdiff_t ldt, const float *a, ptrdiff_t lda, const float *b,
                       int m, int k);

#endif /* NPU_KERNELS_AVX2_TILE_F32_H */
