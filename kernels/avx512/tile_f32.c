/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512/tile_f32.h"

#define BCAST        "vbroadcastss"
#define MAC(B, T, C) "vfmadd231ps %%zmm" B ", %%zmm" T ", %%zmm" C "\n\t"
#include "kernels/avx512/tile_asm.h"

void npu_tile_f32_avx512(float *t, ptrdiff_t ldt, const float *a, ptrdiff_t lda, const float *b,
                         int m, int k)
{
    static const float zeros[32];
    tile_rows(t, ldt * 4, zeros, a, lda * 4, b, m, k);
}
