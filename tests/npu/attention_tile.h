/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_ATTENTION_TILE_H
#define TESTS_NPU_ATTENTION_TILE_H
/* Attention 64 x 64 as a tile for pipelines: random operands by number, and the host function that
 * computes tiles by kernels/ref, the contract itself, or another set. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/kernels.h"
#include "npu/launch/launch.h"

/* Rows that are computed: all, or fewer where the test is about who moves tiles and a sanitizer makes
 * arithmetic slow; those below are Q's. */
#ifndef TILE_ROWS
#define TILE_ROWS 64
#endif

enum {
    TILE_VALUES = 64 * 64,
    TILE_Q_BYTES = 4096 + 2 * TILE_VALUES, /* exponentials, then Q */
    TILE_KV_BYTES = 4 * TILE_VALUES,       /* K, V */
    TILE_OUT_BYTES = 2 * TILE_VALUES,
    TILE_QK_SHIFT = 19,
};

/* Operands of one tile, row-major. */
struct tile {
    int16_t exp[2048], q[TILE_VALUES]; /* the first NPU_FIXED_EXP_ENTRIES of exp */
    int16_t k[TILE_VALUES], v[TILE_VALUES];
};

static inline void tile_fill_exp(int16_t *exp)
{
    for (int i = 0; i < NPU_FIXED_EXP_ENTRIES; i++)
        exp[i] = (int16_t)rint(32767 * exp2(-i / 64.0));
}

/* Everything but exp, from the number alone. */
static inline void tile_fill(struct tile *tile, uint64_t number)
{
    uint64_t x = number * 0x9e3779b97f4a7c15u + 0x1234567;
    for (int i = 0; i < TILE_VALUES; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        tile->q[i] = (int16_t)((int)(x & 0xffff) - 32768 + ((x & 0xffff) == 0));
        tile->k[i] = (int16_t)((int)(x >> 16 & 0x3fff) - 8192);
        tile->v[i] = (int16_t)((int)(x >> 32 & 0xffff) - 32768 + ((x >> 32 & 0xffff) == 0));
    }
}

static inline void tile_compute_with(npu_fixed_attention_fn *attention, int16_t *out,
                                     const int16_t *exp, const int16_t *q, const int16_t *k,
                                     const int16_t *v)
{
    attention(&(struct npu_fixed_attention_args){.out = out,
                                                 .q = q,
                                                 .k = k,
                                                 .v = v,
                                                 .exp = exp,
                                                 .ldo = 64,
                                                 .ldq = 64,
                                                 .ldk = 64,
                                                 .ldv = 64,
                                                 .m = TILE_ROWS,
                                                 .n = 64,
                                                 .qk_shift = TILE_QK_SHIFT});
    memcpy(out + TILE_ROWS * 64, q + TILE_ROWS * 64, (64 - TILE_ROWS) * 64 * sizeof(*out));
}

static inline void tile_compute(int16_t *out, const int16_t *exp, const int16_t *q,
                                const int16_t *k, const int16_t *v)
{
    tile_compute_with(npu_fixed_attention_s16_ref, out, exp, q, k, v);
}

/* user: const struct npu_kernels *, the set that computes; NULL: ref. */
static inline int tile_call(void *user, struct npu_call *call)
{
    const struct npu_kernels *set = user;
    if (call->n_spans != 3 || call->n_tiles == 0 ||
        call->span[0].bytes < (size_t)call->n_tiles * TILE_Q_BYTES ||
        call->span[1].bytes < (size_t)call->n_tiles * TILE_KV_BYTES ||
        call->span[2].bytes < (size_t)call->n_tiles * TILE_OUT_BYTES)
        return -EINVAL;
    for (unsigned t = 0; t < call->n_tiles; t++) {
        const int16_t *q = (const int16_t *)call->span[0].data + t * (TILE_Q_BYTES / 2);
        const int16_t *kv = (const int16_t *)call->span[1].data + t * (TILE_KV_BYTES / 2);
        int16_t *out = (int16_t *)call->span[2].data + t * (TILE_OUT_BYTES / 2);
        if (atomic_load(call->cancel))
            return -ECANCELED;
        tile_compute_with(set ? set->fixed.attention : npu_fixed_attention_s16_ref, out, q,
                          q + 2048, kv, kv + TILE_VALUES);
    }
    return 0;
}

/* A pipeline's inputs and expected results: user of tile_give and tile_take. */
struct tile_flow {
    struct tile tile;                 /* the one given last; exp by tile_fill_exp() */
    int16_t (*expected)[TILE_VALUES]; /* (transfer none): by number */
    uint64_t taken, wrong;
};

static inline void tile_give(void *user, uint64_t number, const void **in)
{
    struct tile_flow *flow = user;
    tile_fill(&flow->tile, number);
    in[0] = flow->tile.exp;
    in[1] = flow->tile.k;
}

static inline void tile_take(void *user, uint64_t number, const void *out)
{
    struct tile_flow *flow = user;
    flow->wrong +=
        number != flow->taken || memcmp(out, flow->expected[number], TILE_OUT_BYTES) != 0;
    flow->taken++;
}

#endif /* TESTS_NPU_ATTENTION_TILE_H */
