/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2/init.h"
#include "kernels/avx2/math_f32.h"
#include "kernels/avx2/tile_f32.h"

#include <assert.h>

#define NR   NPU_GEMM_F32_NR_AVX2
#define ROWS 6 /* of the tile buffer: 384 bytes of stack */
/* Of B in a group of panels, 128 KiB: half of the L2 cache of the smallest AVX2 processors. */
#define GROUP_FLOATS (128 * 256)

static __m256 finish(const struct npu_gemm_f32_args *args, __m256 x, __m256 bias)
{
    if (args->bias)
        x = _mm256_add_ps(x, bias);
    if (args->flags & NPU_GEMM_GELU)
        x = npu_gelu_f32_avx2_lanes(x);
    return x;
}

/* Rows i0 .. i0 + m of columns j .. j + 8, the last n - j where that is less. */
static void epilogue(const struct npu_gemm_f32_args *args, const float *t, int i0, int m, int j)
{
    bool whole = j + 8 <= args->n;
    __m256i mask = npu_mask8(args->n - j);
    __m256 bias = args->bias ? npu_load8_upto(args->bias + j, args->n - j) : _mm256_setzero_ps();
    for (int i = i0; i < i0 + m; i++, t += NR) {
        __m256 x = finish(args, _mm256_load_ps(t), bias);
        float *c = args->c + i * args->ldc + j;
        const float *r = args->r ? args->r + i * args->ldr + j : NULL;
        if (r)
            x = _mm256_add_ps(x, npu_load8_upto(r, args->n - j));
        if (whole)
            _mm256_storeu_ps(c, x);
        else
            _mm256_maskstore_ps(c, mask, x);
    }
}

/* Groups of panels outside, rows, then the panels of the group: a group comes from memory once and
 * stays in the L2 cache, and a tile's rows of A serve the whole group. */
void npu_gemm_f32_avx2(const struct npu_gemm_f32_args *args)
{
    _Alignas(64) float t[ROWS * NR];
    assert(args->m >= 1 && args->n >= 1 && args->k >= 1 && args->ldc >= args->n);
    assert(!args->r || args->ldr >= args->n);
    int fit = GROUP_FLOATS / NR / args->k;
    int group = fit > 1 ? fit * NR : NR;
    for (int g0 = 0; g0 < args->n; g0 += group) {
        int end = args->n - g0 < group ? args->n : g0 + group;
        for (int i0 = 0; i0 < args->m; i0 += ROWS) {
            int m = args->m - i0 < ROWS ? args->m - i0 : ROWS;
            const float *a = args->a + i0 * args->lda;
            for (int j0 = g0; j0 < end; j0 += NR) {
                npu_tile_f32_avx2(t, NR, a, args->lda, args->b + (size_t)j0 * (size_t)args->k, m,
                                  args->k);
                for (int j = 0; j < NR && j0 + j < args->n; j += 8)
                    epilogue(args, t + j, i0, m, j0 + j);
            }
        }
    }
}
