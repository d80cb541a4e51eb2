/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX512_TILE_TURN_H
#define NPU_KERNELS_AVX512_TILE_TURN_H
/* 12 x 32 products as in tile_asm.h, with the epilogue of the previous tile between their
 * instructions: the products keep two of the four vector pipes busy, and if the epilogue came after
 * them the two would overlap only as far as the processor looks ahead.
 *
 * A loop of four steps of k takes one row of the epilogue along; 12 such loops, then plain ones.
 * Registers: 0 - 23 sums, 24 and 25 values of B, 26 of A, 27 - 31 the epilogue. */
#include <stddef.h>
#include <stdint.h>

#include "kernels/asm_memory.h"

#define NPU_TURN_ROWS 12

/* What a row's results need. */
struct npu_turn_row {
    float a_scale;
    int32_t a_zero;
    float tail_scale;
    int32_t unused;
};

/* Tables and numbers of GELU, at the offsets that EPILOGUE (tile_turn_asm.h) reads. */
struct npu_turn_constants {
    float c[4][16];
    float limit, scale, round;
    uint32_t magnitude; /* bits of a float but its sign */
};

enum npu_turn_flags { NPU_TURN_GELU = 1, NPU_TURN_RESIDUAL = 2, NPU_TURN_TAIL = 4 };

/* The epilogue of a tile. */
struct npu_turn_avx512 {
    const int32_t *t; /* [12][32] sums, then those of the tail */
    const struct npu_turn_row *row;
    const int32_t *b_sum; /* these four from the tile's first column */
    const float *b_scale, *bias, *tail_scale;
    const struct npu_turn_constants *constants;
    float *c;
    ptrdiff_t ldc;      /* bytes */
    ptrdiff_t residual; /* bytes from an element of c to that of r */
    long flags;         /* enum npu_turn_flags */
};
_Static_assert(sizeof(void *) != 8 || (offsetof(struct npu_turn_avx512, b_sum) == 16 &&
                                       offsetof(struct npu_turn_avx512, constants) == 48 &&
                                       offsetof(struct npu_turn_avx512, flags) == 80),
               "offsets in EPILOGUE");

/* t[i][j] = sum over 4 * loops steps of a[i] * b[j]; loops >= 12; t rows of 32 s32, 64-byte
 * aligned; lda in bytes. */
typedef void npu_tile_turn_fn(int32_t *t, const void *a, ptrdiff_t lda, const void *b, long loops,
                              const struct npu_turn_avx512 *turn);

/* Its reads and writes. */
static inline void npu_tile_turn_memory(int32_t *t, const void *a, ptrdiff_t lda, const void *b,
                                        long loops, const struct npu_turn_avx512 *turn)
{
    const int rows = NPU_TURN_ROWS;
    npu_asm_reads(a, lda, rows, 16 * (size_t)loops);
    npu_asm_reads(b, 512, (int)loops, 512);
    npu_asm_reads(turn->t, 128, turn->flags & NPU_TURN_TAIL ? 2 * rows : rows, 128);
    npu_asm_reads(turn->row, 16, rows, 12);
    npu_asm_reads(turn->b_scale, 0, 1, 128);
    npu_asm_reads(turn->bias, 0, 1, 128);
    if (turn->flags & NPU_TURN_TAIL)
        npu_asm_reads(turn->tail_scale, 0, 1, 128);
    if (turn->flags & NPU_TURN_RESIDUAL)
        npu_asm_reads((const char *)turn->c + turn->residual, turn->ldc, rows, 128);
    npu_asm_writes(turn->c, turn->ldc, rows, 128);
    npu_asm_writes(t, 128, rows, 128);
}

npu_tile_turn_fn npu_tile_turn_u8s8_avx512vnni, npu_tile_turn_s16s16_avx512vnni;

#endif /* NPU_KERNELS_AVX512_TILE_TURN_H */
