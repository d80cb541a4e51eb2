/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2/tile_int.h"

/* The pair of sums goes through ymm15, so one register is left for the broadcasts; the processor
 * renames both. */
#define BCAST "vpbroadcastd"
#define MAC(B, T, C)                               \
    "vpmaddwd %%ymm" B ", %%ymm" T ", %%ymm15\n\t" \
    "vpaddd %%ymm15, %%ymm" C ", %%ymm" C "\n\t"
#define T0 "14"
#define T1 "14"
#include "kernels/avx2/tile_asm.h"

void npu_tile_s16s16_avx2(int32_t *t, ptrdiff_t ldt, const int32_t *init, const void *a,
                          ptrdiff_t lda, const void *b, int m, int k)
{
    tile_rows(t, ldt, init, a, lda, b, m, k / 2);
}
