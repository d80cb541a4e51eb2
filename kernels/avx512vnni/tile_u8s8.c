/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512/tile_int.h"

#define BCAST        "vpbroadcastd"
#define MAC(B, T, C) "vpdpbusd %%zmm" B ", %%zmm" T ", %%zmm" C "\n\t" /* T u8, B s8 */
#include "kernels/avx512/tile_asm.h"

void npu_tile_u8s8_avx512vnni(int32_t *t, ptrdiff_t ldt, const int32_t *init, const void *a,
                              ptrdiff_t lda, const void *b, int m, int k)
{
    tile_rows(t, ldt, init, a, lda, b, m, k / 4);
}
