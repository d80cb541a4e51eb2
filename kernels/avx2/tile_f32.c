/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 6 x 16 f32 products in 12 of the 16 vector registers, 2 for B, 2 for the broadcasts of A.
 * Wholly in assembly for the reason given in kernels/avx512/tile_f32.c: gcc 12 spills the
 * accumulators of the same loop written with intrinsics. */
#include "kernels/avx2/tile_f32.h"

#include <stdint.h>

/* One row and both halves of the panel; T takes turns so that loads run ahead. */
#define ROW(OFF, ADDR, T, C0, C1)                      \
    "vbroadcastss " OFF ADDR ", %%ymm" T "\n\t"        \
    "vfmadd231ps %%ymm12, %%ymm" T ", %%ymm" C0 "\n\t" \
    "vfmadd231ps %%ymm13, %%ymm" T ", %%ymm" C1 "\n\t"
#define LOAD_B(OFF0, OFF1)                \
    "vmovaps " OFF0 "(%[b]), %%ymm12\n\t" \
    "vmovaps " OFF1 "(%[b]), %%ymm13\n\t"
#define ROWS1(OFF) ROW(OFF, "(%[a0])", "14", "0", "1")
#define ROWS2(OFF) ROWS1(OFF) ROW(OFF, "(%[a0],%[lda])", "15", "2", "3")
#define ROWS4(OFF)                               \
    ROWS2(OFF)                                   \
    ROW(OFF, "(%[a0],%[lda],2)", "14", "4", "5") \
    ROW(OFF, "(%[a3])", "15", "6", "7")
#define ROWS6(OFF)                             \
    ROWS4(OFF)                                 \
    ROW(OFF, "(%[a3],%[lda])", "14", "8", "9") \
    ROW(OFF, "(%[a3],%[lda],2)", "15", "10", "11")

#define ZERO(C) "vxorps %%ymm" C ", %%ymm" C ", %%ymm" C "\n\t"
#define ZERO2   ZERO("0") ZERO("1")
#define ZERO4   ZERO2 ZERO("2") ZERO("3")
#define ZERO8   ZERO4 ZERO("4") ZERO("5") ZERO("6") ZERO("7")
#define ZERO12  ZERO8 ZERO("8") ZERO("9") ZERO("10") ZERO("11")

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

#define DEFINE_TILE(M, ROWS, CLEAR, SAVE)                                                          \
    static void tile##M(float *t, intptr_t ldt, const float *a, intptr_t lda, const float *b,      \
                        int k)                                                                     \
    {                                                                                              \
        const char *a0 = (const char *)a;                                                          \
        const char *a3 = M > 3 ? a0 + 3 * lda : a0; /* only formed where the tile has the row */   \
        long k4 = k >> 2, k1 = k & 3;                                                              \
        __asm__ volatile(                                                                          \
            CLEAR "test %[k4], %[k4]\n\t"                                                          \
                  "jz 2f\n\t"                                                                      \
                  ".p2align 5\n"                                                                   \
                  "1:\n\t" PREFETCH_B LOAD_B("0", "32") ROWS("0") LOAD_B("64", "96") ROWS("4")     \
                      LOAD_B("128", "160") ROWS("8") LOAD_B("192", "224") ROWS("12")               \
                          NEXT_A("16") "add $256, %[b]\n\t"                                        \
                                       "dec %[k4]\n\t"                                             \
                                       "jnz 1b\n"                                                  \
                                       "2:\n\t"                                                    \
                                       "test %[k1], %[k1]\n\t"                                     \
                                       "jz 4f\n"                                                   \
                                       "3:\n\t" LOAD_B("0", "32") ROWS("0")                        \
                                           NEXT_A("4") "add $64, %[b]\n\t"                         \
                                                       "dec %[k1]\n\t"                             \
                                                       "jnz 3b\n"                                  \
                                                       "4:\n\t" SAVE                               \
            : [a0] "+r"(a0), [a3] "+r"(a3), [b] "+r"(b), [t] "+r"(t), [k4] "+r"(k4), [k1] "+r"(k1) \
            : [lda] "r"(lda), [ldt] "r"(ldt)                                                       \
            : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",      \
              "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");               \
    }

DEFINE_TILE(6, ROWS6, ZERO12, STORE6)
DEFINE_TILE(4, ROWS4, ZERO8, STORE4)
DEFINE_TILE(2, ROWS2, ZERO4, STORE2)
DEFINE_TILE(1, ROWS1, ZERO2, STORE1)

void npu_tile_f32_avx2(float *t, ptrdiff_t ldt, const float *a, ptrdiff_t lda, const float *b,
                       int m, int k)
{
    static const struct {
        int m;
        void (*run)(float *t, intptr_t ldt, const float *a, intptr_t lda, const float *b, int k);
    } tiles[] = {{6, tile6}, {4, tile4}, {2, tile2}, {1, tile1}};
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        for (; m >= tiles[i].m; m -= tiles[i].m) {
            tiles[i].run(t, ldt * 4, a, lda * 4, b, k);
            t += tiles[i].m * ldt;
            a += tiles[i].m * lda;
        }
    }
}
