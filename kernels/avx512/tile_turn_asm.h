/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX512_TILE_TURN_ASM_H
#define NPU_KERNELS_AVX512_TILE_TURN_ASM_H
/* The code of tile_turn.h. The includer defines MAC(B, C), C += B * zmm26, and ZERO(H), which takes
 * the zero points out of zmm30, columns H .. H + 64 bytes, or nothing. */
#include "kernels/avx512/tile_turn.h"

/* zmm30 from integers to the result. */
#define EPILOGUE(H)                                                                           \
    "vmovdqa64 " H "(%[pt]), %%zmm30\n\t" ZERO(                                               \
        H) "vcvtdq2ps %%zmm30, %%zmm30\n\t"                                                   \
           "mov 24(%[e]), %[p]\n\tvmovups " H "(%[p]), %%zmm29\n\t"                           \
           "vmulps (%[row])%{1to16%}, %%zmm29, %%zmm29\n\t"                                   \
           "mov 32(%[e]), %[p]\n\tvmovups " H "(%[p]), %%zmm31\n\t"                           \
           "testb $4, 80(%[e])\n\tjz 5f\n\t"                                                  \
           "mov 40(%[e]), %[p]\n\tvmovups " H "(%[p]), %%zmm28\n\t"                           \
           "vmulps 8(%[row])%{1to16%}, %%zmm28, %%zmm28\n\t"                                  \
           "vcvtdq2ps 1536+" H "(%[pt]), %%zmm27\n\tvfmadd231ps %%zmm28, %%zmm27, %%zmm31\n"  \
           "5:\n\tvfmadd213ps %%zmm31, %%zmm29, %%zmm30\n\t"                                  \
           "testb $1, 80(%[e])\n\tjz 6f\n\tmov 48(%[e]), %[p]\n\t"                            \
           "vpandd 268(%[p])%{1to16%}, %%zmm30, %%zmm29\n\t"                                  \
           "vminps 256(%[p])%{1to16%}, %%zmm29, %%zmm29\n\t"                                  \
           "vbroadcastss 264(%[p]), %%zmm28\n\tvfmadd231ps 260(%[p])%{1to16%}, %%zmm29, "     \
           "%%zmm28\n\t"                                                                      \
           "vpermps 192(%[p]), %%zmm28, %%zmm31\n\t"                                          \
           "vpermps 128(%[p]), %%zmm28, %%zmm27\n\tvfmadd213ps %%zmm27, %%zmm29, %%zmm31\n\t" \
           "vpermps 64(%[p]), %%zmm28, %%zmm27\n\tvfmadd213ps %%zmm27, %%zmm29, %%zmm31\n\t"  \
           "vpermps (%[p]), %%zmm28, %%zmm27\n\tvfmadd213ps %%zmm27, %%zmm29, %%zmm31\n\t"    \
           "vpxord %%zmm27, %%zmm27, %%zmm27\n\tvmaxps %%zmm30, %%zmm27, %%zmm30\n\t"         \
           "vsubps %%zmm31, %%zmm30, %%zmm30\n"                                               \
           "6:\n\ttestb $2, 80(%[e])\n\tjz 7f\n\tmov 72(%[e]), %[p]\n\t"                      \
           "vaddps " H "(%[c],%[p]), %%zmm30, %%zmm30\n"                                      \
           "7:\n\tvmovups %%zmm30, " H "(%[c])\n\t"

#define ROW(AT, ADDR, C0, C1) "vpbroadcastd " AT ADDR ", %%zmm26\n\t" MAC("24", C0) MAC("25", C1)
#define STEP(B0, B1, AT)                                                                   \
    "vmovaps " B0 "(%[b]), %%zmm24\n\tvmovaps " B1                                         \
    "(%[b]), %%zmm25\n\t" ROW(AT, "(%[a0])", "0", "1") ROW(AT, "(%[a0],%[lda])", "2", "3") \
        ROW(AT, "(%[a0],%[lda],2)", "4", "5") ROW(AT, "(%[a3])", "6", "7")                 \
            ROW(AT, "(%[a3],%[lda])", "8", "9") ROW(AT, "(%[a3],%[lda],2)", "10", "11")    \
                ROW(AT, "(%[a6])", "12", "13") ROW(AT, "(%[a6],%[lda])", "14", "15")       \
                    ROW(AT, "(%[a6],%[lda],2)", "16", "17") ROW(AT, "(%[a9])", "18", "19") \
                        ROW(AT, "(%[a9],%[lda])", "20", "21")                              \
                            ROW(AT, "(%[a9],%[lda],2)", "22", "23")
#define PREFETCH                                                                  \
    "prefetcht0 1536(%[b])\n\tprefetcht0 1600(%[b])\n\tprefetcht0 1664(%[b])\n\t" \
    "prefetcht0 1728(%[b])\n\tprefetcht0 1792(%[b])\n\tprefetcht0 1856(%[b])\n\t" \
    "prefetcht0 1920(%[b])\n\tprefetcht0 1984(%[b])\n\t"
#define NEXT \
    "add $16, %[a0]\n\tadd $16, %[a3]\n\tadd $16, %[a6]\n\tadd $16, %[a9]\n\tadd $512, %[b]\n\t"
#define CLEAR(C0, C1)                                  \
    "vpxord %%zmm" C0 ", %%zmm" C0 ", %%zmm" C0 "\n\t" \
    "vpxord %%zmm" C1 ", %%zmm" C1 ", %%zmm" C1 "\n\t"
#define STORE(R, C0, C1) \
    "vmovaps %%zmm" C0 ", 128*" R "(%[t])\n\tvmovaps %%zmm" C1 ", 128*" R "+64(%[t])\n\t"

#define DEFINE_TILE_TURN(NAME)                                                                     \
    void NAME(int32_t *t, const void *a, ptrdiff_t lda, const void *b, long loops,                 \
              const struct npu_turn_avx512 *turn)                                                  \
    {                                                                                              \
        const char *a0 = a, *a3 = a0 + 3 * lda, *a6 = a0 + 6 * lda, *a9 = a0 + 9 * lda;            \
        const int32_t *pt = turn->t;                                                               \
        const struct npu_turn_row *row = turn->row;                                                \
        float *c = turn->c;                                                                        \
        const void *p;                                                                             \
        long rest = loops - NPU_TURN_ROWS;                                                         \
        npu_tile_turn_memory(t, a, lda, b, loops, turn);                                           \
        __asm__ volatile(                                                                          \
            CLEAR("0", "1") CLEAR("2", "3") CLEAR("4", "5") CLEAR("6", "7") CLEAR("8", "9")        \
                CLEAR("10", "11") CLEAR("12", "13") CLEAR("14", "15") CLEAR("16", "17")            \
                    CLEAR("18", "19") CLEAR("20", "21")                                            \
                        CLEAR("22", "23") ".p2align 5\n1:\n\t" PREFETCH STEP("0", "64", "0")       \
                            EPILOGUE("0") STEP("128", "192", "4") STEP("256", "320", "8")          \
                                EPILOGUE("64") STEP("384", "448", "12") NEXT                       \
            "add $128, %[pt]\n\tadd $16, %[row]\n\tadd 64(%[e]), %[c]\n\t"                         \
            "dec %[loops]\n\tcmp %[rest], %[loops]\n\tjnz 1b\n\t"                                  \
            "test %[loops], %[loops]\n\tjz 3f\n\t.p2align 5\n2:\n\t" PREFETCH STEP("0", "64", "0") \
                STEP("128", "192", "4") STEP("256", "320", "8") STEP("384", "448", "12") NEXT      \
            "dec %[loops]\n\tjnz 2b\n3:\n\t" STORE("0", "0", "1") STORE("1", "2", "3")             \
                STORE("2", "4", "5") STORE("3", "6", "7") STORE("4", "8", "9")                     \
                    STORE("5", "10", "11") STORE("6", "12", "13") STORE("7", "14", "15")           \
                        STORE("8", "16", "17") STORE("9", "18", "19") STORE("10", "20", "21")      \
                            STORE("11", "22", "23")                                                \
            : [a0] "+&r"(a0), [a3] "+&r"(a3), [a6] "+&r"(a6), [a9] "+&r"(a9), [b] "+&r"(b),        \
              [loops] "+&r"(loops), [pt] "+&r"(pt), [row] "+&r"(row), [c] "+&r"(c), [p] "=&r"(p)   \
            : [t] "r"(t), [lda] "r"(lda), [e] "r"(turn), [rest] "m"(rest)                          \
            : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",      \
              "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16",       \
              "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",     \
              "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");                               \
    }

#endif /* NPU_KERNELS_AVX512_TILE_TURN_ASM_H */
