/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_REF_FIXED_ATTENTION_H
#define NPU_KERNELS_REF_FIXED_ATTENTION_H
/* fixed_attention, compiled once for each set that has wider vectors; integers, so the bits are the
 * same. */
#include "kernels/ref/fixed.h"

#include <assert.h>
#include <string.h>

enum { ROWS = 64, KEYS = NPU_KEY_BLOCK, HEAD = NPU_HEAD_DIM, O_SHIFT = 10, D_MAX = 40 };

/* Keys as they are, values transposed, both as halves of 8 bits: 64 products with s16 fit s32. */
struct block {
    int16_t k_high[KEYS][HEAD], k_low[KEYS][HEAD];
    int16_t v_high[HEAD][KEYS], v_low[HEAD][KEYS];
};

/* One query row on its way through the blocks. */
struct row {
    int32_t octave, l; /* E and l of the contract */
    int32_t o[HEAD];
};

static void load_block(struct block *block, const struct npu_fixed_attention_args *args, int j0,
                       int keys)
{
    if (keys < KEYS)
        memset(block, 0, sizeof(*block));
    for (int j = 0; j < keys; j++) {
        const int16_t *k = args->k + (j0 + j) * args->ldk, *v = args->v + (j0 + j) * args->ldv;
        for (int c = 0; c < HEAD; c++) {
            npu_fixed_split(&block->k_high[j][c], &block->k_low[j][c], k[c]);
            npu_fixed_split(&block->v_high[c][j], &block->v_low[c][j], v[c]);
        }
    }
}

/* sum[j] = x . rows[j], all of 64. */
static void dots(int64_t *restrict sum, const int16_t *restrict x, const int16_t (*high)[64],
                 const int16_t (*low)[64])
{
    for (int j = 0; j < 64; j++) {
        int32_t s = 0, t = 0;
        for (int i = 0; i < 64; i++) {
            s += x[i] * high[j][i];
            t += x[i] * low[j][i];
        }
        sum[j] = (int64_t)s * 256 + t;
    }
}

static void rescale(struct row *row, int32_t octave)
{
    int d = octave - row->octave < D_MAX ? octave - row->octave : D_MAX;
    for (int c = 0; c < HEAD; c++)
        row->o[c] = (int32_t)npu_fixed_srs(row->o[c], d);
    row->l = (int32_t)npu_fixed_srs(row->l, d);
    row->octave = octave;
}

static void attend(struct row *row, const struct npu_fixed_attention_args *args, const int16_t *q,
                   const struct block *block, int keys, bool first)
{
    int64_t sum[64];
    int32_t s[KEYS], most = INT32_MIN;
    int16_t p[KEYS] = {0};

    dots(sum, q, block->k_high, block->k_low);
    for (int j = 0; j < keys; j++) {
        s[j] = (int32_t)npu_fixed_srs(sum[j], args->qk_shift);
        most = s[j] > most ? s[j] : most;
    }
    int32_t octave = (most + 63) >> 6;
    if (first)
        *row = (struct row){.octave = octave};
    else if (octave > row->octave)
        rescale(row, octave);
    for (int j = 0; j < keys; j++) {
        int32_t i = 64 * row->octave - s[j];
        p[j] = i < NPU_FIXED_EXP_ENTRIES ? args->exp[i] : 0;
        row->l += p[j];
    }
    dots(sum, p, block->v_high, block->v_low);
    for (int c = 0; c < HEAD; c++)
        row->o[c] += (int32_t)npu_fixed_srs(sum[c], O_SHIFT);
}

static void finish(int16_t *out, const struct row *row)
{
    int e = npu_fixed_bitlen((uint64_t)row->l) - 1;
    int64_t reciprocal = ((INT64_C(1) << (e + 15)) + (row->l >> 1)) / row->l;
    reciprocal = reciprocal > INT16_MAX ? INT16_MAX : reciprocal;
    for (int c = 0; c < HEAD; c++)
        out[c] = npu_fixed_sat16(npu_fixed_srs(row->o[c] * reciprocal, 15 + e - O_SHIFT));
}

static inline void npu_fixed_attention(const struct npu_fixed_attention_args *args)
{
    struct block block;
    struct row row[ROWS];

    assert(args->m >= 1 && args->n >= 1 && args->n <= 1536);
    assert(args->qk_shift >= 6 && args->qk_shift <= 40);
    for (int i0 = 0; i0 < args->m; i0 += ROWS) {
        int rows = args->m - i0 < ROWS ? args->m - i0 : ROWS;
        for (int j0 = 0; j0 < args->n; j0 += KEYS) {
            int keys = args->n - j0 < KEYS ? args->n - j0 : KEYS;
            load_block(&block, args, j0, keys);
            for (int i = 0; i < rows; i++)
                attend(&row[i], args, args->q + (i0 + i) * args->ldq, &block, keys, j0 == 0);
        }
        for (int i = 0; i < rows; i++)
            finish(args->out + (i0 + i) * args->ldo, &row[i]);
    }
}

#endif /* NPU_KERNELS_REF_FIXED_ATTENTION_H */
