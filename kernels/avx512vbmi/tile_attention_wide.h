/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX512VBMI_TILE_ATTENTION_WIDE_H
#define NPU_KERNELS_AVX512VBMI_TILE_ATTENTION_WIDE_H
/* tile_attention.h for s16 operands and numerators of 13 bits: twice as many steps, a sixteenth
 * of a query after each. Registers: 0 - 15 sums, 16 and 17 values of B, 18 and 19 of A, 20 - 31
 * softmax. */
#include "kernels/avx512vbmi/tile_attention.h"

struct npu_vbmi_wide_constants {
    int64_t order[8];          /* of qwords after packing two vectors to s16 */
    int32_t even[16], odd[16]; /* dwords of two vectors */
    float log2_top, c3, c2, c1, one;
    int32_t ones; /* two s16 of 1 */
};

#define WIDE_BELOW(AT0, AT1) \
    "vpsubd " AT0 "(%[s]), %%zmm20, %%zmm22\n\tvpsubd " AT1 "(%[s]), %%zmm20, %%zmm23\n\t"
#define WIDE_EXPONENT                                               \
    "vcvtdq2ps %%zmm22, %%zmm22\n\tvcvtdq2ps %%zmm23, %%zmm23\n\t"  \
    "vfnmadd213ps 192(%[constants])%{1to16%}, %%zmm21, %%zmm22\n\t" \
    "vfnmadd213ps 192(%[constants])%{1to16%}, %%zmm21, %%zmm23\n\t"
#define WIDE_FRACTION                                                      \
    "vreduceps $1, %%zmm22, %%zmm24\n\tvreduceps $1, %%zmm23, %%zmm25\n\t" \
    "vbroadcastss 196(%[constants]), %%zmm26\n\tvmovaps %%zmm26, %%zmm27\n\t"
#define WIDE_FMA(AT)                                                  \
    "vfmadd213ps " AT "(%[constants])%{1to16%}, %%zmm24, %%zmm26\n\t" \
    "vfmadd213ps " AT "(%[constants])%{1to16%}, %%zmm25, %%zmm27\n\t"
#define WIDE_ROUND(R0, R1)                                                           \
    "vscalefps %%zmm22, %%zmm26, %%zmm26\n\tvscalefps %%zmm23, %%zmm27, %%zmm27\n\t" \
    "vcvtps2dq %%zmm26, %%zmm" R0 "\n\tvcvtps2dq %%zmm27, %%zmm" R1 "\n\t"
#define WIDE_STORE                                                                           \
    "vmovdqa64 (%[constants]), %%zmm31\n\t"                                                  \
    "vpermq %%zmm28, %%zmm31, %%zmm28\n\tvpermq %%zmm30, %%zmm31, %%zmm30\n\t"               \
    "vmovdqu16 %%zmm28, %%zmm28%{%%k1%}%{z%}\n\tvmovdqu16 %%zmm30, %%zmm30%{%%k2%}%{z%}\n\t" \
    "vmovdqa64 %%zmm28, (%[p])\n\tvmovdqa64 %%zmm30, 64(%[p])\n\t"
#define WIDE_SUMS                                                                     \
    "vpbroadcastd 212(%[constants]), %%zmm20\n\t"                                     \
    "vpmaddwd %%zmm20, %%zmm28, %%zmm28\n\tvpmaddwd %%zmm20, %%zmm30, %%zmm30\n\t"    \
    "vmovdqa64 64(%[constants]), %%zmm22\n\tvmovdqa64 128(%[constants]), %%zmm23\n\t" \
    "vpermi2d %%zmm30, %%zmm28, %%zmm22\n\tvpermi2d %%zmm30, %%zmm28, %%zmm23\n\t"    \
    "vpaddd %%zmm23, %%zmm22, %%zmm22\n\tvcvtdq2ps %%zmm22, %%zmm22\n\t"              \
    "vmovaps (%[l]), %%zmm24\n\tvmulps 128(%[f])%{1to16%}, %%zmm24, %%zmm24\n\t"      \
    "vfmadd231ps 192(%[f])%{1to16%}, %%zmm22, %%zmm24\n\tvmovaps %%zmm24, (%[l])\n\t"

#define WIDE_MAC(T, C0, C1)                         \
    "vpdpwssd %%zmm16, %%zmm" T ", %%zmm" C0 "\n\t" \
    "vpdpwssd %%zmm17, %%zmm" T ", %%zmm" C1 "\n\t"
#define WIDE_ROW(AT, T, C0, C1) "vpbroadcastd " AT "(%[a]), %%zmm" T "\n\t" WIDE_MAC(T, C0, C1)
#define WIDE_STEP(I, PART)                                                                      \
    "vmovaps 128*" #I "(%[b]), %%zmm16\n\tvmovaps 128*" #I "+64(%[b]), %%zmm17\n\t"             \
    "prefetcht0 64*" #I "(%[next])\n\t" WIDE_ROW("4*" #I, "18", "0", "1")                       \
        WIDE_ROW("128+4*" #I, "19", "2", "3") WIDE_ROW("256+4*" #I, "18", "4", "5")             \
            WIDE_ROW("384+4*" #I, "19", "6", "7") WIDE_ROW("512+4*" #I, "18", "8", "9")         \
                WIDE_ROW("640+4*" #I, "19", "10", "11") WIDE_ROW("768+4*" #I, "18", "12", "13") \
                    WIDE_ROW("896+4*" #I, "19", "14", "15") PART

/* Twice half of the depth and one query. */
#define WIDE_PRODUCT                                                                              \
    "kmovq %[valid], %%k1\n\tkshiftrq $32, %%k1, %%k2\n\tmov $2, %[count]\n\t.p2align 5\n"        \
    "1:\n\t" WIDE_STEP(                                                                           \
        0, "vpbroadcastd (%[f]), %%zmm20\n\tvbroadcastss 64(%[f]), %%zmm21\n\t" WIDE_BELOW(       \
               "0", "64")) WIDE_STEP(1, WIDE_EXPONENT) WIDE_STEP(2, WIDE_FRACTION)                \
        WIDE_STEP(3, WIDE_FMA("200")) WIDE_STEP(4, WIDE_FMA("204")) WIDE_STEP(5, WIDE_FMA("208")) \
            WIDE_STEP(6, WIDE_ROUND("28", "29"))                                                  \
                WIDE_STEP(7, WIDE_BELOW("128", "192") "vpackssdw %%zmm29, %%zmm28, %%zmm28\n\t")  \
                    WIDE_STEP(8, WIDE_EXPONENT) WIDE_STEP(9, WIDE_FRACTION) WIDE_STEP(            \
                        10, WIDE_FMA("200")) WIDE_STEP(11, WIDE_FMA("204"))                       \
                        WIDE_STEP(12, WIDE_FMA("208")) WIDE_STEP(                                 \
                            13, WIDE_ROUND("30", "31") "vpackssdw %%zmm31, %%zmm30, %%zmm30\n\t") \
                            WIDE_STEP(14, WIDE_STORE) WIDE_STEP(                                  \
                                15, WIDE_SUMS) "add $64, %[a]\n\tadd $2048, %[b]\n\tadd $256, "   \
                                               "%[s]\n\tadd $128, %[p]\n\tadd $64, %[l]\n\t"      \
                                               "add $1024, %[next]\n\tadd $4, %[f]\n\tdec "       \
                                               "%[count]\n\tjnz 1b\n\t"

/* t[i][j] = init[j] + sum of a[i] * b[j], rows of 64 sums; top[i]: the largest of each row. */
static inline void npu_tile_scores_wide_vbmi(int32_t *t, int32_t *top, const int32_t *init,
                                             const int16_t *a, const void *b, const void *next,
                                             const struct npu_vbmi_turn *turn)
{
    const int32_t *s = turn->s;
    const struct npu_vbmi_factors *f = turn->f;
    char *p = turn->p;
    float *l = turn->l;
    long count;
    npu_vbmi_memory(a, b, 128, turn);
    npu_vbmi_score_memory(t, top, init);
    __asm__ volatile("vmovups (%[init]), %%zmm0\n\tvmovups 64(%[init]), %%zmm1\n\t" START_SCORES(
                         "2", "3") START_SCORES("4", "5") START_SCORES("6", "7")
                         START_SCORES("8", "9") START_SCORES("10", "11") START_SCORES("12", "13")
                             START_SCORES("14", "15") WIDE_PRODUCT STORE_SCORES("0", "0", "1")
                                 STORE_SCORES("1", "2", "3") STORE_SCORES("2", "4", "5")
                                     STORE_SCORES("3", "6", "7") STORE_SCORES("4", "8", "9")
                                         STORE_SCORES("5", "10", "11") STORE_SCORES("6", "12", "13")
                                             STORE_SCORES("7", "14", "15") STORE_TOP
                     : [a] "+&r"(a), [b] "+&r"(b), [next] "+&r"(next), [s] "+&r"(s), [p] "+&r"(p),
                       [l] "+&r"(l), [f] "+&r"(f), [count] "=&r"(count)
                     : [t] "r"(t), [top] "r"(top), [init] "r"(init), [valid] "r"(turn->valid),
                       [constants] "r"(turn->constants)
                     : PRODUCT_CLOBBERS);
}

/* o[i][j] = o[i][j] * alpha[i] + sum of a[i] * b[j] * (beta[i] * scale[j]), rows of 64 results; g:
 * alpha and beta from the tile's first query. */
static inline void npu_tile_values_wide_vbmi(float *o, const struct npu_vbmi_factors *g,
                                             const float *scale, const int16_t *a, const void *b,
                                             const void *next, const struct npu_vbmi_turn *turn)
{
    const int32_t *s = turn->s;
    const struct npu_vbmi_factors *f = turn->f;
    char *p = turn->p;
    float *l = turn->l;
    long count;
    npu_vbmi_memory(a, b, 128, turn);
    npu_vbmi_value_memory(o, g, scale);
    __asm__ volatile(ZERO("0", "1") ZERO("2", "3") ZERO("4", "5") ZERO("6", "7") ZERO("8", "9")
                         ZERO("10", "11") ZERO("12", "13") ZERO("14", "15") WIDE_PRODUCT
                     "vmovups (%[scale]), %%zmm16\n\tvmovups 64(%[scale]), %%zmm17\n\t" ADD_ROW(
                         "0", "0", "1") ADD_ROW("1", "2", "3") ADD_ROW("2", "4", "5")
                         ADD_ROW("3", "6", "7") ADD_ROW("4", "8", "9") ADD_ROW("5", "10", "11")
                             ADD_ROW("6", "12", "13") ADD_ROW("7", "14", "15")
                     : [a] "+&r"(a), [b] "+&r"(b), [next] "+&r"(next), [s] "+&r"(s), [p] "+&r"(p),
                       [l] "+&r"(l), [f] "+&r"(f), [count] "=&r"(count)
                     : [o] "r"(o), [g] "r"(g), [scale] "r"(scale), [valid] "r"(turn->valid),
                       [constants] "r"(turn->constants)
                     : PRODUCT_CLOBBERS);
}

#endif /* NPU_KERNELS_AVX512VBMI_TILE_ATTENTION_WIDE_H */
