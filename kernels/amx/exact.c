/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/amx/tile_u8s8.h"
#include "kernels/impl.h"

#include <string.h>

enum { M = 27, N = 32, K = 128 };

static int32_t exact(const uint8_t *a, const int8_t *b, int j)
{
    int32_t sum = 0;
    for (int k = 0; k < K; k++)
        sum += a[k] * b[(k / 4 * N + j) * 4 + k % 4];
    return sum;
}

bool npu_exact_amx(void)
{
    _Alignas(64) uint8_t a[M][K];
    _Alignas(64) int8_t b[K * N];
    _Alignas(64) int32_t t[M + 1][N];
    int32_t init[N];
    uint32_t random = 1;
    for (int i = 0; i < M; i++)
        for (int k = 0; k < K; k++, random = random * 1664525 + 1013904223)
            a[i][k] = random >> 30 ? (uint8_t)(random >> 16) : 255;
    for (int k = 0; k < K * N; k++, random = random * 1664525 + 1013904223)
        b[k] = random >> 30 ? (int8_t)(random >> 16) : -128;
    for (int j = 0; j < N; j++)
        init[j] = j - (1 << 30);
    memset(t, 0x5a, sizeof t);
    const struct npu_amx_product p = {.t = t[0],
                                      .init = init,
                                      .a = a[0],
                                      .b = b,
                                      .ldt = sizeof t[0],
                                      .lda = K,
                                      .steps = K / NPU_AMX_DEPTH};
    npu_amx_open(M, NPU_AMX_DEPTH);
    npu_product_u8s8_amx(&p, true);
    npu_amx_close();
    bool ok = t[M][0] == 0x5a5a5a5a;
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++)
            ok = ok && t[i][j] == init[j] + exact(a[i], b, j);
    return ok;
}
