/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX2_TILE_ASM_H
#define NPU_KERNELS_AVX2_TILE_ASM_H
/* 6 x 16 products in 12 of the 16 vector registers, 2 for B, the rest for the broadcasts of A and
 * what a multiply-add needs between.
 *
 * Wholly in assembly, loop included: gcc 12 spills the accumulators of the same loop written with
 * intrinsics. The only memory operands of the loop are 2 loads of B and 6 broadcasts a step, for 12
 * multiply-adds. A panel is read at 64 bytes per 6 cycles.
 *
 * A step takes 4 bytes of every row of A: one float, two s16 or four u8, and 16 times 4 bytes of a
 * panel of B. The includer defines BCAST, the instruction that spreads 4 bytes over a register,
 * MAC(B, T, C): C += B * T, and T0 and T1, the registers that take turns for the broadcasts. */
#include <stddef.h>
#include <stdint.h>

#include "kernels/asm_memory.h"

/* One row and both halves of the panel. */
#define ROW(OFF, ADDR, T, C0, C1) \
    BCAST " " OFF ADDR ", %%ymm" T "\n\t" MAC("12", T, C0) MAC("13", T, C1)
#define LOAD_B(OFF0, OFF1)                \
    "vmovaps " OFF0 "(%[b]), %%ymm12\n\t" \
    "vmovaps " OFF1 "(%[b]), %%ymm13\n\t"
#define ROWS1(OFF) ROW(OFF, "(%[a0])", T0, "0", "1")
#define ROWS2(OFF) ROWS1(OFF) ROW(OFF, "(%[a0],%[lda])", T1, "2", "3")
#define ROWS4(OFF)                             \
    ROWS2(OFF)                                 \
    ROW(OFF, "(%[a0],%[lda],2)", T0, "4", "5") \
    ROW(OFF, "(%[a3])", T1, "6", "7")
#define ROWS6(OFF)                           \
    ROWS4(OFF)                               \
    ROW(OFF, "(%[a3],%[lda])", T0, "8", "9") \
    ROW(OFF, "(%[a3],%[lda],2)", T1, "10", "11")

/* All rows start from the 16 values at init; the moves are register renaming. */
#define START(C0, C1) "vmovaps %%ymm0, %%ymm" C0 "\n\tvmovaps %%ymm1, %%ymm" C1 "\n\t"
#define START1        "vmovups (%[init]), %%ymm0\n\tvmovups 32(%[init]), %%ymm1\n\t"
#define START2        START1 START("2", "3")
#define START4        START2 START("4", "5") START("6", "7")
#define START6        START4 START("8", "9") START("10", "11")

/* The rows of the result; t moves on by itself. */
#define STORE(C0, C1)                   \
    "vmovups %%ymm" C0 ", (%[t])\n\t"   \
    "vmovups %%ymm" C1 ", 32(%[t])\n\t" \
    "add %[ldt], %[t]\n\t"
#define STORE1 STORE("0", "1")
#define STORE2 STORE1 STORE("2", "3")
#define STORE4 STORE2 STORE("4", "5") STORE("6", "7")
#define STORE6 STORE4 STORE("8", "9") STORE("10", "11")

#define NEXT_A(BYTES) "add $" BYTES ", %[a0]\n\tadd $" BYTES ", %[a3]\n\t"
#define PREFETCH_B                                       \
    "prefetcht0 1024(%[b])\n\tprefetcht0 1088(%[b])\n\t" \
    "prefetcht0 1152(%[b])\n\tprefetcht0 1216(%[b])\n\t"

#define DEFINE_TILE(M)                                                                           \
    static void tile##M(char *t, intptr_t ldt, const void *init, const char *a0, intptr_t lda,   \
                        const char *b, int steps)                                                \
    {                                                                                            \
        const char *a3 = M > 3 ? a0 + 3 * lda : a0; /* only formed where the tile has the row */ \
        long k4 = steps >> 2, k1 = steps & 3;                                                    \
        __asm__ volatile(                                                                        \
            START##M "test %[k4], %[k4]\n\t"                                                     \
                     "jz 2f\n\t"                                                                 \
                     ".p2align 5\n"                                                              \
                     "1:\n\t" PREFETCH_B LOAD_B("0", "32") ROWS##M("0") LOAD_B("64", "96")       \
                         ROWS##M("4") LOAD_B("128", "160") ROWS##M("8") LOAD_B("192", "224")     \
                             ROWS##M("12") NEXT_A("16") "add $256, %[b]\n\t"                     \
                                                        "dec %[k4]\n\t"                          \
                                                        "jnz 1b\n"                               \
                                                        "2:\n\t"                                 \
                                                        "test %[k1], %[k1]\n\t"                  \
                                                        "jz 4f\n"                                \
                                                        "3:\n\t" LOAD_B("0", "32") ROWS##M("0")  \
                                                            NEXT_A("4") "add $64, %[b]\n\t"      \
                                                                        "dec %[k1]\n\t"          \
                                                                        "jnz 3b\n"               \
                                                                        "4:\n\t" STORE##M        \
            : [a0] "+&r"(a0), [a3] "+&r"(a3), [b] "+&r"(b), [t] "+&r"(t), [k4] "+&r"(k4),        \
              [k1] "+&r"(k1)                                                                     \
            : [lda] "r"(lda), [ldt] "r"(ldt), [init] "r"(init)                                   \
            : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",    \
              "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");             \
    }

DEFINE_TILE(6)
DEFINE_TILE(4)
DEFINE_TILE(2)
DEFINE_TILE(1)

/* t[i][j] = init[j] + sum over `steps` of a[i] * b[j], any m >= 1 in tiles of 6, 4, 2, 1; ldt and
 * lda in bytes. */
static inline void tile_rows(void *t, ptrdiff_t ldt, const void *init, const void *a, ptrdiff_t lda,
                             const void *b, int m, int steps)
{
    static const struct {
        int m;
        void (*run)(char *t, intptr_t ldt, const void *init, const char *a, intptr_t lda,
                    const char *b, int steps);
    } tiles[] = {{6, tile6}, {4, tile4}, {2, tile2}, {1, tile1}};
    char *to = t;
    const char *from = a;
    npu_asm_reads(init, 0, 1, 64);
    npu_asm_reads(a, lda, m, 4 * (size_t)steps);
    npu_asm_reads(b, 64, steps, 64);
    npu_asm_writes(t, ldt, m, 64);
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        for (; m >= tiles[i].m; m -= tiles[i].m) {
            tiles[i].run(to, ldt, init, from, lda, b, steps);
            to += tiles[i].m * ldt;
            from += tiles[i].m * lda;
        }
    }
}

#endif /* NPU_KERNELS_AVX2_TILE_ASM_H */
