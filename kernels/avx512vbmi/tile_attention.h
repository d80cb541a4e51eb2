/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AVX512VBMI_TILE_ATTENTION_H
#define NPU_KERNELS_AVX512VBMI_TILE_ATTENTION_H
/* The two products of attention_int in bytes, 8 queries x 32 columns x 64 deep, with the softmax of
 * two other queries between their instructions.
 *
 * A product keeps the two pipes that multiply busy and leaves two idle; softmax is the other way
 * round. One after the other they overlap only as far as the processor looks ahead. So each step of
 * 16 multiply-adds is followed by an eighth of a query's numerators, in assembly, because no
 * compiler keeps that order. Registers: 0 - 15 sums, 16 and 17 values of B, 18 and 19 of A, 20 - 25
 * softmax, 27 an order, 28 - 31 the table of numerators. */
#include <stdint.h>

#include "kernels/asm_memory.h"

#define NPU_VBMI_ROWS 8 /* of a tile */

/* What a block's softmax needs of each of 16 queries. */
struct npu_vbmi_factors {
    int32_t max[16]; /* the largest score */
    float unit[16];  /* what an integer of score is worth: steps of the table, octaves if wide */
    float alpha[16], beta[16];
};

struct npu_vbmi_constants {
    uint8_t table[256];
    int32_t order[16]; /* of dwords after packing four vectors to bytes */
    float last;        /* entry of the table */
    int32_t ones;      /* four bytes of 1 */
};

/* Two queries whose numerators are made on the way. */
struct npu_vbmi_turn {
    const int32_t *s;                 /* [2][64] */
    void *p;                          /* [2][64] operands */
    float *l;                         /* [2][16] */
    const struct npu_vbmi_factors *f; /* from the first of the two */
    const void *constants;
    uint64_t valid; /* a bit a key */
};

/* Reads and writes of a product with 8 rows of `a` and of a turn; depth: bytes of a row of a. */
static inline void npu_vbmi_memory(const void *a, const void *b, size_t depth,
                                   const struct npu_vbmi_turn *turn)
{
    npu_asm_reads(a, (ptrdiff_t)depth, NPU_VBMI_ROWS, depth);
    npu_asm_reads(b, 0, 1, 32 * depth);
    if (turn->valid) { /* otherwise nobody reads its results */
        npu_asm_reads(turn->s, 256, 2, 256);
        npu_asm_reads(turn->l, 64, 2, 64);
        npu_asm_reads(turn->f->max, 0, 1, 8);
        npu_asm_reads(turn->f->unit, 0, 1, 8);
        npu_asm_reads(turn->f->alpha, 0, 1, 8);
        npu_asm_reads(turn->f->beta, 0, 1, 8);
    }
    npu_asm_writes(turn->p, (ptrdiff_t)depth, 2, depth);
    npu_asm_writes(turn->l, 64, 2, 64);
}

/* What scores read and write besides. */
static inline void npu_vbmi_score_memory(int32_t *t, int32_t *top, const int32_t *init)
{
    npu_asm_reads(init, 0, 1, 128);
    npu_asm_writes(t, 256, NPU_VBMI_ROWS, 128);
    npu_asm_writes(top, 0, 1, 4 * NPU_VBMI_ROWS);
}

/* What values read and write besides. */
static inline void npu_vbmi_value_memory(float *o, const struct npu_vbmi_factors *g,
                                         const float *scale)
{
    npu_asm_reads(scale, 0, 1, 128);
    npu_asm_reads(g->alpha, 0, 1, 4 * NPU_VBMI_ROWS);
    npu_asm_reads(g->beta, 0, 1, 4 * NPU_VBMI_ROWS);
    npu_asm_reads(o, 256, NPU_VBMI_ROWS, 128);
    npu_asm_writes(o, 256, NPU_VBMI_ROWS, 128);
}

/* The eighths of a query: distances, as floats, times the steps, at most the last entry, to
 * integers, to bytes in order, through the table, sums. */
#define SOFTMAX0                                                               \
    "vpbroadcastd (%[f]), %%zmm20\n\tvbroadcastss 64(%[f]), %%zmm21\n\t"       \
    "vpsubd (%[s]), %%zmm20, %%zmm22\n\tvpsubd 64(%[s]), %%zmm20, %%zmm23\n\t" \
    "vpsubd 128(%[s]), %%zmm20, %%zmm24\n\tvpsubd 192(%[s]), %%zmm20, %%zmm25\n\t"
#define SOFTMAX1                                                   \
    "vcvtdq2ps %%zmm22, %%zmm22\n\tvcvtdq2ps %%zmm23, %%zmm23\n\t" \
    "vcvtdq2ps %%zmm24, %%zmm24\n\tvcvtdq2ps %%zmm25, %%zmm25\n\t"
#define SOFTMAX2                                                               \
    "vmulps %%zmm21, %%zmm22, %%zmm22\n\tvmulps %%zmm21, %%zmm23, %%zmm23\n\t" \
    "vmulps %%zmm21, %%zmm24, %%zmm24\n\tvmulps %%zmm21, %%zmm25, %%zmm25\n\t"
#define SOFTMAX3                                                               \
    "vminps %%zmm26, %%zmm22, %%zmm22\n\tvminps %%zmm26, %%zmm23, %%zmm23\n\t" \
    "vminps %%zmm26, %%zmm24, %%zmm24\n\tvminps %%zmm26, %%zmm25, %%zmm25\n\t"
#define SOFTMAX4                                                   \
    "vcvtps2dq %%zmm22, %%zmm22\n\tvcvtps2dq %%zmm23, %%zmm23\n\t" \
    "vcvtps2dq %%zmm24, %%zmm24\n\tvcvtps2dq %%zmm25, %%zmm25\n\t"
#define SOFTMAX5                                                                     \
    "vpackssdw %%zmm23, %%zmm22, %%zmm22\n\tvpackssdw %%zmm25, %%zmm24, %%zmm24\n\t" \
    "vpackuswb %%zmm24, %%zmm22, %%zmm22\n\tvpermd %%zmm22, %%zmm27, %%zmm22\n\t"
#define SOFTMAX6                                                                  \
    "vpmovb2m %%zmm22, %%k1\n\t"                                                  \
    "vmovdqa64 %%zmm22, %%zmm23\n\tvpermi2b %%zmm29, %%zmm28, %%zmm22\n\t"        \
    "vpermi2b %%zmm31, %%zmm30, %%zmm23\n\tvmovdqu8 %%zmm23, %%zmm22%{%%k1%}\n\t" \
    "vmovdqu8 %%zmm22, %%zmm22%{%%k2%}%{z%}\n\tvmovdqa64 %%zmm22, (%[p])\n\t"
#define SOFTMAX7                                                                 \
    "vpxord %%zmm23, %%zmm23, %%zmm23\n\t"                                       \
    "vpdpbusd 324(%[constants])%{1to16%}, %%zmm22, %%zmm23\n\t"                  \
    "vmovaps (%[l]), %%zmm24\n\tvmulps 128(%[f])%{1to16%}, %%zmm24, %%zmm24\n\t" \
    "vcvtdq2ps %%zmm23, %%zmm23\n\t"                                             \
    "vfmadd231ps 192(%[f])%{1to16%}, %%zmm23, %%zmm24\n\tvmovaps %%zmm24, (%[l])\n\t"

/* 4 bytes of 8 rows of A against 32 columns. */
#define MAC(T, C0, C1)                              \
    "vpdpbusd %%zmm16, %%zmm" T ", %%zmm" C0 "\n\t" \
    "vpdpbusd %%zmm17, %%zmm" T ", %%zmm" C1 "\n\t"
#define ROW(AT, T, C0, C1) "vpbroadcastd " AT "(%[a]), %%zmm" T "\n\t" MAC(T, C0, C1)
#define STEP(I, PART)                                                                 \
    "vmovaps 128*" #I "(%[b]), %%zmm16\n\tvmovaps 128*" #I "+64(%[b]), %%zmm17\n\t"   \
    "prefetcht0 64*" #I "(%[next])\n\t" ROW("4*" #I, "18", "0", "1")                  \
        ROW("64+4*" #I, "19", "2", "3") ROW("128+4*" #I, "18", "4", "5")              \
            ROW("192+4*" #I, "19", "6", "7") ROW("256+4*" #I, "18", "8", "9")         \
                ROW("320+4*" #I, "19", "10", "11") ROW("384+4*" #I, "18", "12", "13") \
                    ROW("448+4*" #I, "19", "14", "15") PART

/* Twice half of the depth and one query. */
#define PRODUCT                                                                                 \
    "vmovdqa64 (%[constants]), %%zmm28\n\tvmovdqa64 64(%[constants]), %%zmm29\n\t"              \
    "vmovdqa64 128(%[constants]), %%zmm30\n\tvmovdqa64 192(%[constants]), %%zmm31\n\t"          \
    "vmovdqa64 256(%[constants]), %%zmm27\n\tvbroadcastss 320(%[constants]), %%zmm26\n\t"       \
    "kmovq %[valid], %%k2\n\tmov $2, %[count]\n\t.p2align 5\n"                                  \
    "1:\n\t" STEP(0, SOFTMAX0) STEP(1, SOFTMAX1) STEP(2, SOFTMAX2) STEP(3, SOFTMAX3)            \
        STEP(4, SOFTMAX4) STEP(5, SOFTMAX5) STEP(6, SOFTMAX6)                                   \
            STEP(7, SOFTMAX7) "add $32, %[a]\n\tadd $1024, %[b]\n\tadd $256, %[s]\n\tadd $64, " \
                              "%[p]\n\tadd $64, %[l]\n\t"                                       \
                              "add $4, %[f]\n\tdec %[count]\n\tjnz 1b\n\t"

#define PRODUCT_CLOBBERS                                                                          \
    "memory", "cc", "k1", "k2", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",   \
        "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17",   \
        "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", \
        "xmm28", "xmm29", "xmm30", "xmm31"

#define START_SCORES(C0, C1) "vmovaps %%zmm0, %%zmm" C0 "\n\tvmovaps %%zmm1, %%zmm" C1 "\n\t"
#define STORE_SCORES(R, C0, C1)                                                           \
    "vmovaps %%zmm" C0 ", 256*" R "(%[t])\n\tvmovaps %%zmm" C1 ", 256*" R "+64(%[t])\n\t" \
    "vpmaxsd %%zmm" C0 ", %%zmm" C1 ", %%zmm" C1 "\n\t"
/* The larger of the low and the high halves of A and B; U: what halves. */
#define FOLD(U, A, B)                                                                    \
    "vpunpckl" U " %%zmm" B ", %%zmm" A ", %%zmm20\n\tvpunpckh" U " %%zmm" B ", %%zmm" A \
    ", %%zmm" A "\n\tvpmaxsd %%zmm20, %%zmm" A ", %%zmm" A "\n\t"
/* The maxima of 8 vectors. */
#define STORE_TOP                                                                      \
    FOLD("dq", "1", "3")                                                               \
    FOLD("dq", "5", "7")                                                               \
    FOLD("dq", "9", "11")                                                              \
    FOLD("dq", "13", "15")                                                             \
    FOLD("qdq", "1", "5")                                                              \
    FOLD("qdq", "9", "13")                                                             \
    "vshufi32x4 $0x88, %%zmm9, %%zmm1, %%zmm20\n\tvshufi32x4 $0xdd, %%zmm9, %%zmm1, "  \
    "%%zmm1\n\t"                                                                       \
    "vpmaxsd %%zmm20, %%zmm1, %%zmm1\n\tvshufi32x4 $0xb1, %%zmm1, %%zmm1, %%zmm20\n\t" \
    "vpmaxsd %%zmm20, %%zmm1, %%zmm1\n\tvshufi32x4 $0x08, %%zmm1, %%zmm1, %%zmm1\n\t"  \
    "vmovdqa32 %%ymm1, (%[top])\n\t"

/* t[i][j] = init[j] + sum of a[i] * b[j], rows of 64 sums; top[i]: the largest of each row. */
static inline void npu_tile_scores_vbmi(int32_t *t, int32_t *top, const int32_t *init,
                                        const uint8_t *a, const void *b, const void *next,
                                        const struct npu_vbmi_turn *turn)
{
    const int32_t *s = turn->s;
    const struct npu_vbmi_factors *f = turn->f;
    char *p = turn->p;
    float *l = turn->l;
    long count;
    npu_vbmi_memory(a, b, 64, turn);
    npu_vbmi_score_memory(t, top, init);
    __asm__ volatile("vmovups (%[init]), %%zmm0\n\tvmovups 64(%[init]), %%zmm1\n\t" START_SCORES(
                         "2", "3") START_SCORES("4", "5") START_SCORES("6", "7")
                         START_SCORES("8", "9") START_SCORES("10", "11") START_SCORES("12", "13")
                             START_SCORES("14", "15") PRODUCT STORE_SCORES("0", "0", "1")
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

#define ZERO(C0, C1)                                                                            \
    "vpxord %%zmm" C0 ", %%zmm" C0 ", %%zmm" C0 "\n\tvpxord %%zmm" C1 ", %%zmm" C1 ", %%zmm" C1 \
    "\n\t"
#define ADD(AT, ROW, SCALE, C)                                                             \
    "vcvtdq2ps %%zmm" C ", %%zmm" C "\n\tvmulps 192+4*" ROW "(%[g])%{1to16%}, %%zmm" SCALE \
    ", %%zmm18\n\tvmovaps " AT "+256*" ROW "(%[o]), %%zmm19\n\tvmulps 128+4*" ROW          \
    "(%[g])%{1to16%}, %%zmm19, %%zmm19\n\tvfmadd231ps %%zmm18, %%zmm" C                    \
    ", %%zmm19\n\tvmovaps %%zmm19, " AT "+256*" ROW "(%[o])\n\t"
#define ADD_ROW(ROW, C0, C1) ADD("0", ROW, "16", C0) ADD("64", ROW, "17", C1)

/* o[i][j] = o[i][j] * alpha[i] + sum of a[i] * b[j] * (beta[i] * scale[j]), rows of 64 results; g:
 * alpha and beta from the tile's first query. */
static inline void npu_tile_values_vbmi(float *o, const struct npu_vbmi_factors *g,
                                        const float *scale, const uint8_t *a, const void *b,
                                        const void *next, const struct npu_vbmi_turn *turn)
{
    const int32_t *s = turn->s;
    const struct npu_vbmi_factors *f = turn->f;
    char *p = turn->p;
    float *l = turn->l;
    long count;
    npu_vbmi_memory(a, b, 64, turn);
    npu_vbmi_value_memory(o, g, scale);
    __asm__ volatile(ZERO("0", "1") ZERO("2", "3") ZERO("4", "5") ZERO("6", "7") ZERO("8", "9")
                         ZERO("10", "11") ZERO("12", "13") ZERO("14", "15") PRODUCT
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

#endif /* NPU_KERNELS_AVX512VBMI_TILE_ATTENTION_H */
