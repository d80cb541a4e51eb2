/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512/init.h"
#include "kernels/avx512/math_f32.h"
#include "kernels/avx512/tile_f32.h"

#include <assert.h>

#define NR   NPU_GEMM_F32_NR_AVX512
#define ROWS 12 /* of the tile buffer: 1.5 KiB of stack */
/* Of B in a group of panels, 384 KiB: with the rows of a tile it fits an L2 cache of 1 MiB. */
#define GROUP_FLOATS (384 * 256)

/* Rows i0 .. i0 + m of panel columns j0 .. j0 + 32: products to result. */
static void epilogue(const struct npu_gemm_f32_args *args, const float *t, int i0, int m, int j0)
{
    for (int j = j0; j < j0 + NR && j < args->n; j += 16, t += 16) {
        __mmask16 mask = npu_mask16(args->n - j);
        __m512 bias =
            args->bias ? _mm512_maskz_loadu_ps(mask, args->bias + j) : _mm512_setzero_ps();
        for (int i = 0; i < m; i++) {
            __m512 x = _mm512_load_ps(t + i * NR);
            if (args->bias)
                x = _mm512_add_ps(x, bias);
            if (args->flags & NPU_GEMM_GELU)
                x = npu_gelu_f32_avx512_lanes(x);
            if (args->r)
                x = _mm512_add_ps(x,
                                  _mm512_maskz_loadu_ps(mask, args->r + (i0 + i) * args->ldr + j));
            _mm512_mask_storeu_ps(args->c + (i0 + i) * args->ldc + j, mask, x);
        }
    }
}

/* Groups of panels outside, rows, then the panels of the group: a group comes from memory once and
 * stays in the L2 cache, and a tile's rows of A serve the whole group. */
void npu_gemm_f32_avx512(const struct npu_gemm_f32_args *args)
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
                npu_tile_f32_avx512(t, NR, a, args->lda, args->b + (size_t)j0 * (size_t)args->k, m,
                                    args->k);
                epilogue(args, t, i0, m, j0);
            }
        }
    }
}
