/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AMX_TILE_U8S8_H
#define NPU_KERNELS_AMX_TILE_U8S8_H
/* Up to 32 x 32 products of u8 rows with one panel of packed s8, by Intel AMX.
 *
 * Proven by emulating the tile instructions (tests/amx/), and run on a processor that has them.
 *
 * Eight tiles: 0, 1 the sums of rows 0..15 and both halves of the panel, 2, 3 those of rows 16..31,
 * 4, 5 the operands A of these rows, 6, 7 both halves of B. A step takes 64 operands of every row:
 * 4 loads of 16 rows each for 4 multiplications of 16384 products. Packed B is what tdpbusd wants:
 * row g of a tile is 16 outputs' 4 operands from 4 g, so the two tiles of a step lie side by side
 * in 16 rows of 128 bytes.
 *
 * Written as assembly because then no compiler needs -mamx-*, and because one block holds
 * everything between the load of the sums and their store: nothing can be moved into it. No clobber
 * names a tile register: compilers do not use them by themselves. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/asm_memory.h"

#define NPU_AMX_ROWS  32
#define NPU_AMX_DEPTH 64 /* operands of a step, and bytes of a tile's row */

/* What ldtilecfg reads. */
struct npu_amx_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};
_Static_assert(sizeof(struct npu_amx_config) == 64, "the processor's layout");

/* Shapes the tiles for m rows, 1..32, and steps of `depth` operands, a multiple of 4 up to 64; what
 * they held is lost. Tile state is the thread's: pair it with npu_amx_close() before returning, so
 * that no other code meets it and no context switch has to save its 8 KiB. */
static inline void npu_amx_open(int m, int depth)
{
    int first = m < 16 ? m : 16, rest = m - first, groups = depth / 4;
    const int rows[8] = {first, first, rest, rest, first, rest, groups, groups};
    _Alignas(64) struct npu_amx_config config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.rows[i] = (uint8_t)rows[i];
        config.row_bytes[i] = rows[i] == 0 ? 0 : i == 4 || i == 5 ? (uint16_t)depth : 64;
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(config) : "memory");
}

static inline void npu_amx_close(void)
{
    __asm__ volatile("tilerelease" : : : "memory");
}

struct npu_amx_product {
    int32_t *t;          /* result, rows of 32 s32 */
    const int32_t *init; /* s32 [32]: what every row starts from */
    const uint8_t *a;
    const int8_t *b;    /* the panel */
    ptrdiff_t ldt, lda; /* bytes */
    long steps;         /* at least 1 */
    int m, depth;       /* as the tiles are shaped, npu_amx_open() */
    /* One more step, or NULL: contiguous rows of 64 operands, and its part of B. */
    const uint8_t *last_a;
    const int8_t *last_b;
};

#define NPU_AMX_LOAD(AT, STRIDE, TILE) "tileloadd " AT "," STRIDE "), %%tmm" TILE "\n\t"
#define NPU_AMX_MAC(B, A, C)           "tdpbusd %%tmm" B ", %%tmm" A ", %%tmm" C "\n\t"
#define NPU_AMX_STORE(TILE, AT)        "tilestored %%tmm" TILE ", " AT ",%[ldt])\n\t"

/* A stride of 0 gives every row of a tile the same start. The step after the last one takes its
 * operands elsewhere, then the loop ends for good. */
#define NPU_AMX_PRODUCT(INIT, STEP, STORE)                                                  \
    "xor %k[ldb], %k[ldb]\n\t" NPU_AMX_LOAD("(%[init]", "%[ldb]", "0")                      \
        NPU_AMX_LOAD("64(%[init]", "%[ldb]", "1") INIT                                      \
        "mov $128, %k[ldb]\n"                                                               \
        "1:\n\t" NPU_AMX_LOAD("(%[b]", "%[ldb]", "6") NPU_AMX_LOAD("(%[a0]", "%[lda]", "4") \
            NPU_AMX_LOAD("64(%[b]", "%[ldb]", "7") NPU_AMX_MAC("6", "4", "0")               \
                NPU_AMX_MAC("7", "4", "1") STEP                                             \
        "add $64, %[a0]\n\tadd $64, %[a1]\n\tadd $2048, %[b]\n\t"                           \
        "dec %[steps]\n\t"                                                                  \
        "jnz 1b\n\t"                                                                        \
        "test %[last_a], %[last_a]\n\t"                                                     \
        "jz 2f\n\t"                                                                         \
        "mov %[last_a], %[a0]\n\tlea 1024(%[last_a]), %[a1]\n\t"                            \
        "mov %[last_b], %[b]\n\t"                                                           \
        "mov $64, %k[lda]\n\tmov $1, %k[steps]\n\t"                                         \
        "xor %k[last_a], %k[last_a]\n\t"                                                    \
        "jmp 1b\n"                                                                          \
        "2:\n\t" NPU_AMX_STORE("0", "(%[t]") NPU_AMX_STORE("1", "64(%[t]") STORE
#define NPU_AMX_REST_INIT \
    NPU_AMX_LOAD("(%[init]", "%[ldb]", "2") NPU_AMX_LOAD("64(%[init]", "%[ldb]", "3")
#define NPU_AMX_REST_STEP \
    NPU_AMX_LOAD("(%[a1]", "%[lda]", "5") NPU_AMX_MAC("6", "5", "2") NPU_AMX_MAC("7", "5", "3")
#define NPU_AMX_REST_STORE                                                                  \
    "mov %[ldt], %[a0]\n\tshl $4, %[a0]\n\tadd %[a0], %[t]\n\t" NPU_AMX_STORE("2", "(%[t]") \
        NPU_AMX_STORE("3", "64(%[t]")

/* & because inputs are read after what the block has changed: without it equal values may share a
 * register, as two strides of 128 did. */
#define NPU_AMX_RUN(...)                                                                \
    __asm__ volatile(                                                                   \
        NPU_AMX_PRODUCT(__VA_ARGS__)                                                    \
        : [t] "+&r"(t), [a0] "+&r"(a0), [a1] "+&r"(a1), [lda] "+&r"(lda), [b] "+&r"(b), \
          [steps] "+&r"(steps), [last_a] "+&r"(last_a), [ldb] "=&r"(ldb)                \
        : [init] "r"(p->init), [ldt] "r"(p->ldt), [last_b] "r"(p->last_b)               \
        : "memory", "cc")

static inline void npu_amx_memory(const struct npu_amx_product *p)
{
    size_t depth = (size_t)p->depth;
    npu_asm_reads(p->init, 0, 1, 128);
    npu_asm_reads(p->a, p->lda, p->m, depth * (size_t)p->steps);
    npu_asm_reads(p->b, 0, 1, 32 * depth * (size_t)p->steps);
    if (p->last_a) {
        npu_asm_reads(p->last_a, NPU_AMX_DEPTH, p->m, NPU_AMX_DEPTH);
        npu_asm_reads(p->last_b, 0, 1, 32 * NPU_AMX_DEPTH);
    }
    npu_asm_writes(p->t, p->ldt, p->m, 128);
}

/* t[i][j] = init[j] + sum over k of a[i][kk] * b[kk][j], modulo 2^32, for the rows that the tiles
 * are shaped for: with `rest` more than 16, else up to 16. */
static inline void npu_product_u8s8_amx(const struct npu_amx_product *p, bool rest)
{
    char *t = (char *)p->t;
    const uint8_t *a0 = p->a, *a1 = rest ? a0 + 16 * p->lda : a0, *last_a = p->last_a;
    const int8_t *b = p->b;
    ptrdiff_t lda = p->lda, ldb;
    long steps = p->steps;
    npu_amx_memory(p);
    if (rest)
        NPU_AMX_RUN(NPU_AMX_REST_INIT, NPU_AMX_REST_STEP, NPU_AMX_REST_STORE);
    else
        NPU_AMX_RUN("", "", "");
}

#endif /* NPU_KERNELS_AMX_TILE_U8S8_H */
