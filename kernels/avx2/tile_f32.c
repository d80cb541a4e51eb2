/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2/tile_f32.h"

#define BCAST        "vbroadcastss"
#define MAC(B, T, C) "vfmadd231ps %%ymm" B ", %%ymm" T ", %%ymm" C "\n\t"
#define T0           "14"
#define T1           "15"
#include "kernels/avx2/tile_asm.h"

void npu_tile_f32_avx2(float *t, ptrdiff_t ldt, const float *a, ptrdiff_t lda, const float *b,
                       int m, int k)
{
    static const float zeros[16];
    tile_rows(t, ldt * 4, zeros, a, lda * 4, b, m, k);
}
