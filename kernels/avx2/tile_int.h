/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX2_TILE_INT_H
#define NPU_KERNELS_AVX2_TILE_INT_H
#include <stddef.h>
#include <stdint.h>

/* Raw products of m rows and one 16-output panel: t[i][j] = init[j] + sum over k of a[i][kk] *
 * b[kk][j], modulo 2^32. ldt and lda in bytes; t rows of 16 s32; init s32 [16]; b 64-byte aligned;
 * k operands, a multiple of what 4 bytes hold. Rows: any m >= 1, in tiles of 6, 4, 2, 1. */
typedef void npu_tile_int_fn(int32_t *t, ptrdiff_t ldt, const int32_t *init, const void *a,
                             ptrdiff_t lda, const void *b, int m, int k);
npu_tile_int_fn npu_tile_s16s16_avx2, npu_tile_s16s16_avxvnni, npu_tile_u8s8_avxvnni;

#endif /* NPU_KERNELS_AVX2_TILE_INT_H */
