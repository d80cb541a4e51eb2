/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loops of npu_gemm_int_avx512() around 32 x 32 tiles. The epilogue of a tile comes after the
 * products of the next one: the vector pipes work on it while the tile unit multiplies.
 *
 * Tiles are shaped once at the start, and again where the last rows are fewer than 32, at most
 * twice per group of panels. Intel's optimisation manual gives an ldtilecfg about 200 cycles and a
 * tilerelease about 13; the 1024 x 1024 x 64 products of a small call take the tile unit 65536. */
#include "kernels/amx/init.h"
#include "kernels/amx/tile_u8s8.h"
#include "kernels/avx512/int.h"

/* A tile of sums whose epilogue is still to be done; m = 0: no tile. */
struct sums {
    _Alignas(64) int32_t t[NPU_AMX_ROWS * NPU_INT_NR_AVX512];
    int i0, m, j0;
};

/* The last k % 64 operands of every row, after zeros: so a step of 64 ends where the row ends, and
 * the rows of B that it meets twice count once. */
static void copy_last(uint8_t last[][NPU_AMX_DEPTH], const uint8_t *a, ptrdiff_t lda, int m, int k)
{
    size_t n = (size_t)(k % NPU_AMX_DEPTH), zeros = NPU_AMX_DEPTH - n;
    for (int i = 0; i < m; i++) {
        memset(last[i], 0, zeros);
        memcpy(last[i] + zeros, a + i * lda + k - (ptrdiff_t)n, n);
    }
}

/* A tail is short: the vector pipes compute it. */
static void finish(const struct npu_gemm_int_args *args, struct sums *sums)
{
    _Alignas(64) int32_t rest[NPU_AMX_ROWS * NPU_INT_NR_AVX512];
    if (sums->m > 0 && args->tail.k)
        npu_tail_int_avx512(args, npu_tile_s16s16_avx512vnni, rest, sums->i0, sums->m, sums->j0);
    if (sums->m > 0)
        npu_epilogue_int_avx512(args, sums->t, rest, sums->i0, sums->m, sums->j0, 1);
    sums->m = 0;
}

/* Rows i0 .. of the panels j0 .. end. Returns which of `sums` is free; the epilogue of the other is
 * still to be done. */
static int rows(const struct npu_gemm_int_args *args, struct sums sums[2], int turn, int i0, int j0,
                int end)
{
    static const int32_t zeros[NPU_INT_NR_AVX512];
    _Alignas(64) uint8_t last[NPU_AMX_ROWS][NPU_AMX_DEPTH];
    const int nr = NPU_INT_NR_AVX512, k = args->k;
    int m = args->m - i0 < NPU_AMX_ROWS ? args->m - i0 : NPU_AMX_ROWS;
    struct npu_amx_product p = {.init = zeros,
                                .a = (const uint8_t *)args->a + i0 * args->lda,
                                .ldt = nr * (ptrdiff_t)sizeof(int32_t),
                                .lda = args->lda,
                                .steps = k < NPU_AMX_DEPTH ? 1 : k / NPU_AMX_DEPTH,
                                .m = m,
                                .depth = k < NPU_AMX_DEPTH ? k : NPU_AMX_DEPTH};
    bool more = k > NPU_AMX_DEPTH && k % NPU_AMX_DEPTH != 0;
    if (more) {
        copy_last(last, p.a, p.lda, m, k);
        p.last_a = last[0];
    }
    for (; j0 < end; j0 += nr, turn ^= 1) {
        p.b = (const int8_t *)args->b + (size_t)j0 * (size_t)k;
        if (more)
            p.last_b = p.b + (ptrdiff_t)(k - NPU_AMX_DEPTH) * nr;
        p.t = sums[turn].t;
        npu_product_u8s8_amx(&p, m > 16);
        sums[turn].i0 = i0;
        sums[turn].m = m;
        sums[turn].j0 = j0;
        finish(args, &sums[turn ^ 1]);
    }
    return turn;
}

void npu_gemm_u8s8_amx(const struct npu_gemm_int_args *args)
{
    struct sums sums[2];
    assert(args->m >= 1 && args->n >= 1 && args->k >= 4 && args->k % 4 == 0);
    assert(args->ldc >= args->n && (!args->r || args->ldr >= args->n));
    int depth = args->k < NPU_AMX_DEPTH ? args->k : NPU_AMX_DEPTH;
    int group = npu_int_group_avx512(args, 1), shaped = 0, turn = 0;
    sums[0].m = sums[1].m = 0;
    for (int g0 = 0; g0 < args->n; g0 += group) {
        int end = args->n - g0 < group ? args->n : g0 + group;
        for (int i0 = 0; i0 < args->m; i0 += NPU_AMX_ROWS) {
            int m = args->m - i0 < NPU_AMX_ROWS ? args->m - i0 : NPU_AMX_ROWS;
            if (m != shaped)
                npu_amx_open(m, depth);
            shaped = m;
            turn = rows(args, sums, turn, i0, g0, end);
        }
    }
    npu_amx_close();
    finish(args, &sums[turn ^ 1]);
}
