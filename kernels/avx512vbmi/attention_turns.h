/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* attention_int of either width: 16 queries against blocks of 64 keys. This block's softmax runs
 * between the instructions of the products of the next block's scores and of the last block's
 * values (tile_attention.h).
 *
 * The includer defines OPERAND, CONSTANTS (a struct for the tiles), TILE_SCORES, TILE_VALUES and
 * UNITS, the factor of npu_vbmi_factors.unit, and softmax(). */
#include "kernels/avx512/attention_int.h"
#include "kernels/avx512vbmi/tile_attention.h"

enum {
    QUERIES = 16,
    KEYS = NPU_KEY_BLOCK,
    DIM = NPU_HEAD_DIM,
    PANEL = NPU_INT_NR_AVX512,
    BYTES = sizeof(OPERAND)
};

/* For these queries, in the caller's scratch; [2]: of a block of keys and the one beside, factors
 * also of the one before. */
struct state {
    int32_t s[2][QUERIES][KEYS];
    int32_t top[2][QUERIES]; /* the largest, by panel */
    float o[QUERIES][DIM];
    float l[QUERIES][16], unread[2][16];
    OPERAND p[2][QUERIES][KEYS];
    OPERAND q[QUERIES][DIM];
    struct npu_vbmi_factors f[4];
    float q_scale[16], max[16];
    CONSTANTS constants;
};
_Static_assert(sizeof(struct state) <= NPU_ATTENTION_INT_SCRATCH, "scratch");
_Static_assert(offsetof(struct npu_vbmi_factors, unit) == 64, "tile_attention.h");
_Static_assert(offsetof(struct npu_vbmi_factors, alpha) == 128, "tile_attention.h");
_Static_assert(offsetof(struct npu_vbmi_factors, beta) == 192, "tile_attention.h");

/* Of the 8 queries from i; loads no wider than the earlier stores: wider ones would have to wait.
 * */
static inline __m256i find_maxima(const struct state *st, int i)
{
    return _mm256_max_epi32(_mm256_load_si256((const __m256i *)(st->top[0] + i)),
                            _mm256_load_si256((const __m256i *)(st->top[1] + i)));
}

/* The queries' factors of block b from its scores' maxima, one query a lane. */
static void find_factors(struct state *st, float k_scale, int b)
{
    struct npu_vbmi_factors *f = &st->f[b & 3];
    __m512i most = _mm512_inserti64x4(_mm512_castsi256_si512(find_maxima(st, 0)),
                                      find_maxima(st, NPU_VBMI_ROWS), 1);
    __m512 c = _mm512_mul_ps(_mm512_load_ps(st->q_scale), _mm512_set1_ps(k_scale));
    __m512 block = _mm512_mul_ps(_mm512_cvtepi32_ps(most), c);
    __m512 max = b == 0 ? block : _mm512_load_ps(st->max);
    __m512 next = _mm512_max_ps(block, max);
    _mm512_store_si512(f->max, most);
    _mm512_store_ps(f->unit, _mm512_mul_ps(c, _mm512_set1_ps(UNITS)));
    _mm512_store_ps(st->max, next);
    _mm512_store_ps(f->alpha, npu_exp2_avx512(_mm512_sub_ps(max, next)));
    _mm512_store_ps(f->beta, npu_exp2_avx512(_mm512_sub_ps(block, next)));
}

/* The two queries of block b from i. */
static inline struct npu_vbmi_turn turn_of(struct state *st, int b, int i, int n)
{
    const char *f = (const char *)&st->f[b & 3] + 4 * i;
    return (struct npu_vbmi_turn){.s = st->s[b & 1][i],
                                  .p = st->p[b & 1][i],
                                  .l = st->l[i],
                                  .f = (const struct npu_vbmi_factors *)f,
                                  .constants = &st->constants,
                                  .valid = npu_mask64(n - b * KEYS)};
}

/* Queries of no keys for the first and the last product: beside block b's numerators, and sums that
 * nobody reads. */
static inline struct npu_vbmi_turn idle_turn(struct state *st, int b)
{
    struct npu_vbmi_turn turn = turn_of(st, b, 0, b * KEYS);
    turn.p = st->p[(b & 1) ^ 1][0];
    turn.l = st->unread[0];
    turn.valid = 0;
    return turn;
}

/* Part 0 .. 3 of block b's scores; the softmax of two other queries on the way. */
static inline void scores(struct state *st, const struct npu_attention_int_args *args, int b,
                          int part, const struct npu_vbmi_turn *turn)
{
    int i = part / 2 * NPU_VBMI_ROWS, panel = part % 2;
    TILE_SCORES(st->s[b & 1][i] + panel * PANEL, st->top[panel] + i,
                args->k_offset + b * KEYS + panel * PANEL, st->q[i],
                (const char *)args->k + (2 * b + panel) * PANEL * DIM * BYTES,
                (const char *)args->k + (4 * (b + 1) + part) * 16 * DIM * BYTES, turn);
}

/* Part 0 .. 3 of block b's values likewise. */
static inline void values(struct state *st, const struct npu_attention_int_args *args, int b,
                          int part, const struct npu_vbmi_turn *turn)
{
    int i = part / 2 * NPU_VBMI_ROWS, panel = part % 2;
    const char *g = (const char *)&st->f[b & 3] + 4 * i;
    TILE_VALUES(st->o[i] + panel * PANEL, (const struct npu_vbmi_factors *)g,
                args->v_scale + b * DIM + panel * PANEL, st->p[b & 1][i],
                (const char *)args->v + (2 * b + panel) * PANEL * KEYS * BYTES,
                (const char *)args->v + (4 * (b + 1) + part) * 16 * KEYS * BYTES, turn);
}

/* Softmax of two queries alone, where no product has room for it. */
static void softmax(const struct npu_vbmi_turn *t);

static void start(struct state *st, const struct npu_attention_int_args *args, int i0, int m)
{
    for (int i = 0; i < QUERIES; i++) {
        /* not by memset(), which takes as long as a product */
        for (int d = 0; d < DIM; d += 16) {
            _mm512_store_ps(st->o[i] + d, _mm512_setzero_ps());
            __asm__ volatile("" ::: "memory");
        }
        _mm512_store_ps(st->l[i], _mm512_setzero_ps());
        memset(st->q[i], 0, sizeof st->q[i]); /* queries past the last are computed as well */
        if (i < m)
            memcpy(st->q[i], (const OPERAND *)args->q + (i0 + i) * args->ldq, sizeof st->q[i]);
    }
    _mm512_store_ps(st->q_scale, _mm512_maskz_loadu_ps(npu_mask16(m), args->q_scale + i0));
}

static void finish(const struct state *st, const struct npu_attention_int_args *args, int i0, int m)
{
    for (int i = 0; i < m; i++) {
        __m512 scale = _mm512_set1_ps(1.0f / npu_sum16_f32_avx512(_mm512_load_ps(st->l[i])));
        for (int d = 0; d < DIM; d += 16)
            _mm512_storeu_ps(args->out + (i0 + i) * args->ldo + d,
                             _mm512_mul_ps(_mm512_load_ps(st->o[i] + d), scale));
    }
}

/* Queries i0 .. i0 + m, at most 16, against all blocks. */
static void rows(struct state *st, const struct npu_attention_int_args *args, int i0, int m)
{
    const int blocks = (args->n + KEYS - 1) / KEYS;
    start(st, args, i0, m);
    struct npu_vbmi_turn idle = idle_turn(st, 0);
    for (int part = 0; part < 4; part++)
        scores(st, args, 0, part, &idle);
    find_factors(st, args->k_scale[0], 0);
    for (int b = 0; b < blocks; b++) {
        for (int part = 0; part < 4; part++) {
            struct npu_vbmi_turn turn = turn_of(st, b, 2 * part, args->n);
            if (b + 1 < blocks)
                scores(st, args, b + 1, part, &turn);
            else
                softmax(&turn);
        }
        for (int part = 0; part < 4; part++) {
            if (part == 2 && b + 1 < blocks)
                find_factors(st, args->k_scale[b + 1], b + 1);
            struct npu_vbmi_turn turn = turn_of(st, b, 8 + 2 * part, args->n);
            if (b > 0)
                values(st, args, b - 1, part, &turn);
            else
                softmax(&turn);
        }
    }
    idle = idle_turn(st, blocks - 1);
    for (int part = 0; part < 4; part++)
        values(st, args, blocks - 1, part, &idle);
    finish(st, args, i0, m);
}

static void all_rows(struct state *st, const struct npu_attention_int_args *args)
{
    assert(args->m >= 1 && args->n >= 1 && args->n <= 1536);
    for (int i = 0; i < args->m; i += QUERIES)
        rows(st, args, i, args->m - i < QUERIES ? args->m - i : QUERIES);
}
