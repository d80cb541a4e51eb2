/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define MAC(B, C) "vpdpwssd %%zmm" B ", %%zmm26, %%zmm" C "\n\t"
#define ZERO(H)   /* no zero points */
#include "kernels/avx512/tile_turn_asm.h"

DEFINE_TILE_TURN(npu_tile_turn_s16s16_avx512vnni)
