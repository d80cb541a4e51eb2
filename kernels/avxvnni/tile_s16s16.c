/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2/tile_int.h"

#define BCAST        "vpbroadcastd"
#define MAC(B, T, C) "%{vex%} vpdpwssd %%ymm" B ", %%ymm" T ", %%ymm" C "\n\t"
#define T0           "14"
#define T1           "15"
#include "kernels/avx2/tile_asm.h"

void npu_tile_s16s16_avxvnni(int32_t *t, ptrdiff_t ldt, const int32_t *init, const void *a,
                             ptrdiff_t lda, const void *b, int m, int k)
{
    tile_rows(t, ldt, init, a, lda, b, m, k / 2);
}
