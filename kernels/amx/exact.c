/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/amx/init.h"
#include "kernels/amx/tile_u8s8.h"

#include <string.h>

/* Whole and part tiles of rows, panels and depth; sums below 2^24, whole numbers as floats. */
enum { M = 43, N = 33, K = 112, PANELS = (N + 31) / 32 };

struct operands {
    _Alignas(64) uint8_t a[M][K];
    _Alignas(64) int8_t b[PANELS * 32 * K];
};

/* Random bytes, a quarter of them the largest and the smallest. */
static void fill(struct operands *o)
{
    uint32_t random = 1;
    for (int i = 0; i < M; i++)
        for (int k = 0; k < K; k++, random = random * 1664525 + 1013904223)
            o->a[i][k] = random >> 30 ? (uint8_t)(random >> 16) : 255;
    for (int at = 0; at < PANELS * 32 * K; at++, random = random * 1664525 + 1013904223)
        o->b[at] = random >> 30 ? (int8_t)(random >> 16) : -128;
}

/* The first `depth` products of row i and column j. */
static int32_t exact(const struct operands *o, int i, int j, int depth)
{
    const int8_t *panel = o->b + j / 32 * 32 * K;
    int32_t sum = 0;
    for (int k = 0; k < depth; k++)
        sum += o->a[i][k] * panel[(k / 4 * 32 + j % 32) * 4 + k % 4];
    return sum;
}

static bool gemm_is_exact(const struct operands *o)
{
    float c[M][N], a_scale[M], b_scale[N];
    int32_t zeros[M + N] = {0};
    float bias[N] = {0};
    for (int i = 0; i < M; i++)
        a_scale[i] = 1.0f;
    for (int j = 0; j < N; j++)
        b_scale[j] = 1.0f;
    npu_gemm_u8s8_amx(&(struct npu_gemm_int_args){.c = c[0],
                                                  .a = o->a,
                                                  .b = o->b,
                                                  .a_scale = a_scale,
                                                  .b_scale = b_scale,
                                                  .bias = bias,
                                                  .a_zero = zeros,
                                                  .b_sum = zeros,
                                                  .lda = K,
                                                  .ldc = N,
                                                  .m = M,
                                                  .n = N,
                                                  .k = K});
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++)
            if (c[i][j] != (float)exact(o, i, j, K))
                return false;
    return true;
}

/* As attention uses the tiles: one block of rows, sums that start from an offset. */
static bool offsets_are_exact(const struct operands *o)
{
    enum { ROWS = 11 };
    _Alignas(64) int32_t t[ROWS + 1][32];
    int32_t init[32];
    for (int j = 0; j < 32; j++)
        init[j] = j - (1 << 30);
    memset(t, 0x5a, sizeof t);
    const struct npu_amx_product p = {.t = t[0],
                                      .init = init,
                                      .a = o->a[0],
                                      .b = o->b,
                                      .ldt = sizeof t[0],
                                      .lda = K,
                                      .steps = 1,
                                      .m = ROWS,
                                      .depth = NPU_AMX_DEPTH};
    npu_amx_open(ROWS, NPU_AMX_DEPTH);
    npu_product_u8s8_amx(&p, false);
    npu_amx_close();
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < 32; j++)
            if (t[i][j] != init[j] + exact(o, i, j, NPU_AMX_DEPTH))
                return false;
    return t[ROWS][0] == 0x5a5a5a5a;
}

bool npu_exact_amx(void)
{
    struct operands o;
    fill(&o);
    return gemm_is_exact(&o) && offsets_are_exact(&o);
}
