/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_REF_FIXED_GEMM_H
#define NPU_KERNELS_REF_FIXED_GEMM_H
/* fixed_gemm, compiled once for each set that has wider vectors; integers, so the bits are the
 * same. Plain C in a shape that compilers turn into their widening dot products (pmaddwd, smlal):
 * blocks of both operands are copied to s16, weights of 16 bits as two halves of 8, and multiplied
 * in chunks of k whose sums fit an int32. */
#include "kernels/ref/fixed.h"

#include <assert.h>
#include <string.h>

enum { ROWS = 32, COLUMNS = 16, CHUNK = NPU_FIXED_SPLIT };

/* A block of operands; what lies beyond the matrix is zero. */
struct block {
    int16_t a[ROWS][CHUNK];
    int16_t w[COLUMNS][CHUNK];
    int16_t high[COLUMNS][CHUNK]; /* of 16-bit weights; then `w` holds their low halves */
};

/* s[j] = a . w[j], sums below 2^30. */
static void dot4(int32_t s[4], const int16_t *restrict a, const int16_t (*restrict w)[CHUNK])
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int i = 0; i < CHUNK; i++) {
        s0 += a[i] * w[0][i];
        s1 += a[i] * w[1][i];
        s2 += a[i] * w[2][i];
        s3 += a[i] * w[3][i];
    }
    s[0] = s0;
    s[1] = s1;
    s[2] = s2;
    s[3] = s3;
}

static void load_a(struct block *block, const struct npu_fixed_gemm_args *args, bool bytes, int i0,
                   int rows, int k0, int k)
{
    for (int i = 0; i < rows; i++) {
        ptrdiff_t at = (i0 + i) * args->lda + k0;
        if (!bytes)
            memcpy(block->a[i], (const int16_t *)args->a + at, (size_t)k * sizeof(int16_t));
        for (int kk = 0; bytes && kk < k; kk++)
            block->a[i][kk] = ((const int8_t *)args->a)[at + kk];
        memset(block->a[i] + k, 0, (size_t)(CHUNK - k) * sizeof(int16_t));
    }
}

static void load_w(struct block *block, const struct npu_fixed_gemm_args *args, bool bytes, int j0,
                   int columns, int k0, int k)
{
    if (columns < COLUMNS || k < CHUNK) {
        memset(block->w, 0, sizeof(block->w));
        memset(block->high, 0, sizeof(block->high));
    }
    for (int j = 0; j < columns; j++) {
        ptrdiff_t at = (j0 + j) * args->ldw + k0;
        for (int kk = 0; kk < k; kk++) {
            if (bytes)
                block->w[j][kk] = ((const int8_t *)args->w)[at + kk];
            else
                npu_fixed_split(&block->high[j][kk], &block->w[j][kk],
                                ((const int16_t *)args->w)[at + kk]);
        }
    }
}

static void multiply(int64_t acc[ROWS][COLUMNS], const struct block *block, bool bytes, int rows)
{
    int32_t s[4];
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < COLUMNS; j += 4) {
            dot4(s, block->a[i], &block->w[j]);
            for (int jj = 0; jj < 4; jj++)
                acc[i][j + jj] += s[jj];
            if (bytes)
                continue;
            dot4(s, block->a[i], &block->high[j]);
            for (int jj = 0; jj < 4; jj++)
                acc[i][j + jj] += (int64_t)s[jj] * 256;
        }
    }
}

static int32_t stem(const struct npu_fixed_gemm_args *args, int32_t u, int i, int j)
{
    int64_t a = npu_fixed_srs(u < 0 ? -(int64_t)u : u, args->gelu_shift);
    int32_t h = a >= INT16_MAX ? 0 : args->table[(a + 16) >> 5];
    return (u > 0 ? u : 0) - h + args->pos[i * args->ldp + j];
}

static void store(const struct npu_fixed_gemm_args *args, int64_t acc, int i, int j)
{
    ptrdiff_t at = i * args->ldc + j;
    int32_t acc32 = (int32_t)(uint32_t)(uint64_t)npu_fixed_srs(acc, args->acc_shift);
    int64_t u = npu_fixed_srs((int64_t)acc32 * args->mult[j], args->shift[j / NPU_FIXED_CHANNELS]);

    switch (args->result) {
    case NPU_FIXED_S16:
        ((int16_t *)args->c)[at] = npu_fixed_sat16(u);
        break;
    case NPU_FIXED_S32:
        ((int32_t *)args->c)[at] = (int32_t)u;
        break;
    case NPU_FIXED_GELU:
        ((int16_t *)args->c)[at] = npu_fixed_gelu((int32_t)u, args->table, args->gelu_shift);
        break;
    case NPU_FIXED_RESIDUAL:
        ((int32_t *)args->c)[at] += (int32_t)u;
        break;
    case NPU_FIXED_STEM:
        ((int32_t *)args->c)[at] = stem(args, (int32_t)u, i, j);
        break;
    }
}

static inline void npu_fixed_gemm(const struct npu_fixed_gemm_args *args, bool a_bytes,
                                  bool w_bytes)
{
    struct block block;
    int64_t acc[ROWS][COLUMNS];

    assert(args->m >= 1 && args->n >= 1 && args->k >= 1 && args->k < 65536);
    assert(args->acc_shift >= 0 && args->acc_shift <= 30);
    for (int i0 = 0; i0 < args->m; i0 += ROWS) {
        int rows = args->m - i0 < ROWS ? args->m - i0 : ROWS;
        for (int j0 = 0; j0 < args->n; j0 += COLUMNS) {
            int columns = args->n - j0 < COLUMNS ? args->n - j0 : COLUMNS;
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < COLUMNS; j++)
                    acc[i][j] = j < columns ? args->bias[j0 + j] : 0;
            for (int k0 = 0; k0 < args->k; k0 += CHUNK) {
                int k = args->k - k0 < CHUNK ? args->k - k0 : CHUNK;
                load_a(&block, args, a_bytes, i0, rows, k0, k);
                load_w(&block, args, w_bytes, j0, columns, k0, k);
                multiply(acc, &block, w_bytes, rows);
            }
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    store(args, acc[i][j], i0 + i, j0 + j);
        }
    }
}

#endif /* NPU_KERNELS_REF_FIXED_GEMM_H */
