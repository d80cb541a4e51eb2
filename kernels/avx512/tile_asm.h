/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX512_TILE_ASM_H
#define NPU_KERNELS_AVX512_TILE_ASM_H
/* 12 x 32 products in 24 of the 32 vector registers, 2 for B, 2 for the broadcasts of A, the rest
 * for what a multiply-add needs between.
 *
 * Wholly in assembly, loop included: with intrinsics gcc 12 keeps part of the accumulators on the
 * stack in every step. Per step of k 14 loads feed 24 multiply-adds: two load ports keep up with
 * two pipes, and a panel is read at 128 bytes per 12 cycles, which the L2 cache can give. The
 * accumulators go to memory once; the epilogues read them there.
 *
 * A step takes 4 bytes of every row of A: one float, two s16 or four u8, and 32 times 4 bytes of a
 * panel of B. The includer defines BCAST, the instruction that spreads 4 bytes over a register, and
 * MAC(B, T, C): C += B * T. */
#include <stddef.h>
#include <stdint.h>

#include "kernels/asm_memory.h"

/* One row and both halves of the panel; T takes turns so that loads run ahead. */
#define ROW(OFF, ADDR, T, C0, C1) \
    BCAST " " OFF ADDR ", %%zmm" T "\n\t" MAC("24", T, C0) MAC("25", T, C1)
#define LOAD_B(OFF0, OFF1)                \
    "vmovaps " OFF0 "(%[b]), %%zmm24\n\t" \
    "vmovaps " OFF1 "(%[b]), %%zmm25\n\t"
#define ROWS1(OFF) ROW(OFF, "(%[a0])", "26", "0", "1")
#define ROWS2(OFF) ROWS1(OFF) ROW(OFF, "(%[a0],%[lda])", "27", "2", "3")
#define ROWS4(OFF)                               \
    ROWS2(OFF)                                   \
    ROW(OFF, "(%[a0],%[lda],2)", "26", "4", "5") \
    ROW(OFF, "(%[a3])", "27", "6", "7")
#define ROWS8(OFF)                                 \
    ROWS4(OFF)                                     \
    ROW(OFF, "(%[a3],%[lda])", "26", "8", "9")     \
    ROW(OFF, "(%[a3],%[lda],2)", "27", "10", "11") \
    ROW(OFF, "(%[a6])", "26", "12", "13")          \
    ROW(OFF, "(%[a6],%[lda])", "27", "14", "15")
#define ROWS12(OFF)                                \
    ROWS8(OFF)                                     \
    ROW(OFF, "(%[a6],%[lda],2)", "26", "16", "17") \
    ROW(OFF, "(%[a9])", "27", "18", "19")          \
    ROW(OFF, "(%[a9],%[lda])", "26", "20", "21")   \
    ROW(OFF, "(%[a9],%[lda],2)", "27", "22", "23")

/* All rows start from the 32 values at init; the moves are register renaming. */
#define START(C0, C1) "vmovaps %%zmm0, %%zmm" C0 "\n\tvmovaps %%zmm1, %%zmm" C1 "\n\t"
#define START1        "vmovups (%[init]), %%zmm0\n\tvmovups 64(%[init]), %%zmm1\n\t"
#define START2        START1 START("2", "3")
#define START4        START2 START("4", "5") START("6", "7")
#define START8        START4 START("8", "9") START("10", "11") START("12", "13") START("14", "15")
#define START12       START8 START("16", "17") START("18", "19") START("20", "21") START("22", "23")

/* The rows of the result; t moves on by itself. */
#define STORE(C0, C1)                   \
    "vmovups %%zmm" C0 ", (%[t])\n\t"   \
    "vmovups %%zmm" C1 ", 64(%[t])\n\t" \
    "add %[ldt], %[t]\n\t"
#define STORE1  STORE("0", "1")
#define STORE2  STORE1 STORE("2", "3")
#define STORE4  STORE2 STORE("4", "5") STORE("6", "7")
#define STORE8  STORE4 STORE("8", "9") STORE("10", "11") STORE("12", "13") STORE("14", "15")
#define STORE12 STORE8 STORE("16", "17") STORE("18", "19") STORE("20", "21") STORE("22", "23")

#define NEXT_A(BYTES)                                    \
    "add $" BYTES ", %[a0]\n\tadd $" BYTES ", %[a3]\n\t" \
    "add $" BYTES ", %[a6]\n\tadd $" BYTES ", %[a9]\n\t"
#define PREFETCH_B                                       \
    "prefetcht0 1536(%[b])\n\tprefetcht0 1600(%[b])\n\t" \
    "prefetcht0 1664(%[b])\n\tprefetcht0 1728(%[b])\n\t" \
    "prefetcht0 1792(%[b])\n\tprefetcht0 1856(%[b])\n\t" \
    "prefetcht0 1920(%[b])\n\tprefetcht0 1984(%[b])\n\t"

#define DEFINE_TILE(M)                                                                             \
    static void tile##M(char *t, intptr_t ldt, const void *init, const char *a0, intptr_t lda,     \
                        const char *b, int steps)                                                  \
    {                                                                                              \
        /* only formed where the tile has the row */                                               \
        const char *a3 = M > 3 ? a0 + 3 * lda : a0, *a6 = M > 6 ? a0 + 6 * lda : a0;               \
        const char *a9 = M > 9 ? a0 + 9 * lda : a0;                                                \
        long k4 = steps >> 2, k1 = steps & 3;                                                      \
        __asm__ volatile(START##M "test %[k4], %[k4]\n\t"                                          \
                                  "jz 2f\n\t"                                                      \
                                  ".p2align 5\n"                                                   \
                                  "1:\n\t" PREFETCH_B LOAD_B("0", "64") ROWS##M("0")               \
                                      LOAD_B("128", "192") ROWS##M("4") LOAD_B("256", "320")       \
                                          ROWS##M("8") LOAD_B("384", "448") ROWS##M("12")          \
                                              NEXT_A("16") "add $512, %[b]\n\t"                    \
                                                           "dec %[k4]\n\t"                         \
                                                           "jnz 1b\n"                              \
                                                           "2:\n\t"                                \
                                                           "test %[k1], %[k1]\n\t"                 \
                                                           "jz 4f\n"                               \
                                                           "3:\n\t" LOAD_B("0", "64") ROWS##M("0") \
                                                               NEXT_A("4") "add $128, %[b]\n\t"    \
                                                                           "dec %[k1]\n\t"         \
                                                                           "jnz 3b\n"              \
                                                                           "4:\n\t" STORE##M       \
                         : [a0] "+&r"(a0), [a3] "+&r"(a3), [a6] "+&r"(a6), [a9] "+&r"(a9),         \
                           [b] "+&r"(b), [t] "+&r"(t), [k4] "+&r"(k4), [k1] "+&r"(k1)              \
                         : [lda] "r"(lda), [ldt] "r"(ldt), [init] "r"(init)                        \
                         : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", \
                           "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",    \
                           "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", \
                           "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28");                  \
    }

DEFINE_TILE(12)
DEFINE_TILE(8)
DEFINE_TILE(4)
DEFINE_TILE(2)
DEFINE_TILE(1)

/* t[i][j] = init[j] + sum over `steps` of a[i] * b[j], any m >= 1 in tiles of 12, 8, 4, 2, 1; ldt
 * and lda in bytes. */
static inline void tile_rows(void *t, ptrdiff_t ldt, const void *init, const void *a, ptrdiff_t lda,
                             const void *b, int m, int steps)
{
    char *to = t;
    const char *from = a;
    npu_asm_reads(init, 0, 1, 128);
    npu_asm_reads(a, lda, m, 4 * (size_t)steps);
    npu_asm_reads(b, 128, steps, 128);
    npu_asm_writes(t, ldt, m, 128);
    for (; m >= 12; m -= 12, to += 12 * ldt, from += 12 * lda)
        tile12(to, ldt, init, from, lda, b, steps);
    if (m & 8) {
        tile8(to, ldt, init, from, lda, b, steps);
        to += 8 * ldt;
        from += 8 * lda;
    }
    if (m & 4) {
        tile4(to, ldt, init, from, lda, b, steps);
        to += 4 * ldt;
        from += 4 * lda;
    }
    if (m & 2) {
        tile2(to, ldt, init, from, lda, b, steps);
        to += 2 * ldt;
        from += 2 * lda;
    }
    if (m & 1)
        tile1(to, ldt, init, from, lda, b, steps);
}

#endif /* NPU_KERNELS_AVX512_TILE_ASM_H */
