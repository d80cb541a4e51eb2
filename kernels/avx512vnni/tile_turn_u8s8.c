/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define MAC(B, C) "vpdpbusd %%zmm" B ", %%zmm26, %%zmm" C "\n\t" /* A u8, B s8 */
#define ZERO(H)                                                \
    "mov 16(%[e]), %[p]\n\tvmovdqu32 " H "(%[p]), %%zmm29\n\t" \
    "vpmulld 4(%[row])%{1to16%}, %%zmm29, %%zmm29\n\tvpsubd %%zmm29, %%zmm30, %%zmm30\n\t"
#include "kernels/avx512/tile_turn_asm.h"

DEFINE_TILE_TURN(npu_tile_turn_u8s8_avx512vnni)
