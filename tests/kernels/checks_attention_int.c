/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* attention_int against ref, from the same integers in each set's own storage. */
#include "tests/kernels/checks.h"
#include "tests/kernels/kit_int.h"

#include <math.h>
#include <string.h>

enum { D = NPU_HEAD_DIM, KEYS = NPU_KEY_BLOCK };
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

enum attention_kind {
    ATTENTION_NORMAL,  /* exponents of some units */
    ATTENTION_FLAT,    /* queries of zeros, largest values: a key past the end would count fully */
    ATTENTION_PEAKED,  /* one key or two count */
    ATTENTION_TIES,    /* few different keys, among them both ends */
    ATTENTION_BLOCKS,  /* blocks of very different scales, also 0: alpha and beta reach 2^-64 */
    ATTENTION_RISING,  /* each block's maximum far above all before */
    ATTENTION_TINY,    /* denormal scales */
    ATTENTION_EXTREME, /* the largest scores that there are, of both signs */
    ATTENTION_KINDS
};

struct attention_case {
    enum npu_width width;
    enum attention_kind kind;
    int m, n, top; /* largest operand */
    enum npu_numerators numerators;
};

struct attention_data {
    int16_t *q, *k, *v; /* [m][64], [blocks * 64][64] twice */
    float *q_scale, *k_scale, *v_scale;
    int blocks;
};

static int some_operand(const struct attention_case *s)
{
    if (s->kind == ATTENTION_EXTREME)
        return kit_random() & 1 ? s->top : -s->top;
    return kit_range(-s->top, s->top);
}

static void fill_queries(struct attention_data *d, const struct attention_case *s)
{
    /* random operands make scores of about 8 * top^2 / 3 */
    float unit = 1.0f / (8.0f / 3.0f * (float)s->top * (float)s->top);
    static const float strength[ATTENTION_KINDS] = {3, 0, 400, 10, 10, 1, 0, 1};
    for (int i = 0; i < s->m; i++) {
        bool zero = s->kind == ATTENTION_FLAT || (i % 7 == 4 && s->n % 64 != 0);
        for (int c = 0; c < D; c++)
            d->q[i * D + c] = (int16_t)(zero ? 0 : some_operand(s));
        d->q_scale[i] = strength[s->kind] * unit * (1.0f + 0.5f * kit_float(KIT_NORMAL));
        if (s->kind == ATTENTION_TINY)
            d->q_scale[i] = 0x1p-140f;
        if (zero)
            d->q_scale[i] = 0.0f;
    }
}

static void fill_keys(struct attention_data *d, const struct attention_case *s)
{
    for (int j = 0; j < s->n; j++) {
        for (int c = 0; c < D; c++) {
            int v = some_operand(s);
            d->k[j * D + c] = (int16_t)some_operand(s);
            d->v[j * D + c] = (int16_t)(s->kind == ATTENTION_FLAT ? c & 1 ? s->top : -s->top : v);
        }
        /* ties: a copy of an earlier key; extremes: query 0, or its opposite */
        if (s->kind == ATTENTION_TIES && j >= 3)
            memcpy(d->k + j * D, d->k + kit_range(0, 2) * D, D * sizeof *d->k);
        if (s->kind == ATTENTION_EXTREME && j % 3 != 2)
            for (int c = 0; c < D; c++)
                d->k[j * D + c] = (int16_t)(j % 3 == 0 ? d->q[c] : -d->q[c]);
    }
}

static void fill_scales(struct attention_data *d, const struct attention_case *s)
{
    for (int b = 0; b < d->blocks; b++) {
        d->k_scale[b] = 1.0f + 0.5f * kit_float(KIT_NORMAL);
        if (s->kind == ATTENTION_BLOCKS)
            d->k_scale[b] = kit_random() % 4 == 0 ? 0.0f : ldexpf(1.0f, kit_range(-20, 12));
        if (s->kind == ATTENTION_RISING)
            d->k_scale[b] = ldexpf(1.0f, 2 * b - d->blocks);
        if (s->kind == ATTENTION_TINY)
            d->k_scale[b] = 0x1p-3f;
        for (int c = 0; c < D; c++)
            d->v_scale[b * D + c] = fabsf(kit_float(s->m & 1 ? KIT_EDGES : KIT_NORMAL));
    }
}

static void attention_fill(struct attention_data *d, const struct attention_case *s,
                           struct kit_pool *pool)
{
    d->blocks = (s->n + KEYS - 1) / KEYS;
    size_t blocks = (size_t)d->blocks, size = blocks * KEYS * D * sizeof(int16_t);
    d->q = kit_pool_get(pool, (size_t)s->m * D * sizeof *d->q);
    d->k = kit_pool_get(pool, size);
    d->v = kit_pool_get(pool, size);
    memset(d->k, 0, size);
    memset(d->v, 0, size);
    d->q_scale = kit_pool_get(pool, (size_t)s->m * sizeof(float));
    d->k_scale = kit_pool_get(pool, blocks * sizeof(float));
    d->v_scale = kit_pool_get(pool, blocks * D * sizeof(float));
    fill_queries(d, s);
    fill_keys(d, s);
    fill_scales(d, s);
}

/* What pack_k and pack_v would make of a block whose integers are known. */
static void pack_block(void *k, void *v, int32_t *offset, const struct attention_data *d, int b,
                       int n, int nr, int bytes)
{
    int16_t turned[D * KEYS];
    size_t at = (size_t)b * KEYS * D * (size_t)bytes;
    const int16_t *key = d->k + b * KEYS * D, *value = d->v + b * KEYS * D;
    for (int j = 0; j < KEYS; j++) {
        int sum = 0;
        for (int c = 0; c < D; c++) {
            turned[c * KEYS + j] = value[j * D + c];
            sum += key[j * D + c];
        }
        offset[b * KEYS + j] = b * KEYS + j >= n ? KIT_NO_SCORE : bytes == 1 ? -KIT_ZERO * sum : 0;
    }
    npu_pack_b_int((char *)k + at, key, 0, KEYS, KEYS, D, nr, bytes);
    npu_pack_b_int((char *)v + at, turned, 0, D, D, KEYS, nr, bytes);
}

static void attention_run(const struct npu_kernels *kn, const struct attention_case *s,
                          const struct attention_data *d, struct kit_matrix *out,
                          struct kit_pool *pool)
{
    int bytes = kit_operand_bytes(kn, s->width);
    size_t keys = (size_t)d->blocks * KEYS;
    ptrdiff_t ldq = D + kit_range(0, 9);
    void *q = kit_pool_get(pool, ((size_t)(s->m - 1) * (size_t)ldq + D) * (size_t)bytes);
    void *k = kit_pool_get(pool, keys * D * (size_t)bytes);
    void *v = kit_pool_get(pool, keys * D * (size_t)bytes);
    int32_t *offset = kit_pool_get(pool, keys * sizeof *offset);
    for (int i = 0; i < s->m; i++)
        for (int c = 0; c < D; c++)
            kit_activation_set(q, i * ldq + c, bytes, d->q[i * D + c], KIT_ZERO);
    for (int b = 0; b < d->blocks; b++)
        pack_block(k, v, offset, d, b, s->n, kn->int_nr, bytes);
    struct npu_attention_int_args args = {.out = out->x,
                                          .q = q,
                                          .k = k,
                                          .v = v,
                                          .q_scale = d->q_scale,
                                          .k_scale = d->k_scale,
                                          .v_scale = d->v_scale,
                                          .k_offset = offset,
                                          .ldo = out->ld,
                                          .ldq = ldq,
                                          .m = s->m,
                                          .n = s->n,
                                          .numerators = s->numerators};
    kn->width[s->width].attention(&args, kit_pool_get(pool, NPU_ATTENTION_INT_SCRATCH));
}

static bool attention_one(const struct npu_kernels *kn, const struct attention_case *s,
                          struct kit_why *why)
{
    if (kit_left_out())
        return true;
    struct npu_kernels ref;
    struct kit_pool pool = {.count = 0};
    struct attention_data d;
    struct kit_matrix o, o_ref;
    npu_kernels_choose(&ref, "ref");
    kit_matrix_open(&o, s->m, D, kit_range(1, 9));
    kit_matrix_open(&o_ref, s->m, D, 0);
    attention_fill(&d, s, &pool);
    attention_run(&ref, s, &d, &o_ref, &pool);
    attention_run(kn, s, &d, &o, &pool);
    struct kit_why inner;
    bool ok = kit_matrix_intact(&o, &inner) && kit_matrix_equal(&o, &o_ref, &inner);
    for (int i = 0; ok && i < s->m; i++)
        for (int c = 0; ok && c < D; c++)
            if (!isfinite(o_ref.x[i * o_ref.ld + c]))
                ok = kit_fail(&inner, "ref is not finite in row %d column %d", i, c);
    if (!ok)
        kit_fail(why, "m %d n %d kind %d numerators %d: %.150s", s->m, s->n, s->kind,
                 (int)s->numerators, inner.text);
    kit_matrix_close(&o);
    kit_matrix_close(&o_ref);
    kit_pool_free(&pool);
    return ok;
}

static bool attention_any(const struct npu_kernels *kn, enum npu_width width, int m, int n, int at,
                          struct kit_why *why)
{
    /* 64 * top^2 stays below 2^30, 64 * 8191 * 4095 below 2^31 */
    static const int tops[] = {4095, 2047, 4095, 127};
    struct attention_case s = {.width = width, .m = m, .n = n};
    s.kind = (enum attention_kind)(at % ATTENTION_KINDS);
    s.top = width == NPU_NARROW ? 127 : tops[at / 3 % 4];
    s.numerators = width == NPU_NARROW || at / 5 % 4 == 3 ? NPU_NUMERATORS_8 : NPU_NUMERATORS_13;
    return attention_one(kn, &s, why);
}

bool check_attention_int(const struct npu_kernels *kn, enum npu_width width, struct kit_why *why)
{
    static const int ns[] = {1,  2,  3,  15, 16, 17,  31,  32,  33,  47,
                             48, 63, 64, 65, 80, 127, 128, 129, 191, 300};
    static const int long_ns[] = {1471, 1472, 1473, 1499, 1500, 1535, 1536};
    int cases = 0;
    for (int m = 1; m <= 25; m++)
        for (int i = 0; i < COUNT(ns); i += 1 + m % 3, cases++)
            if (!attention_any(kn, width, m, ns[i], cases, why))
                return false;
    for (int kind = 0; kind < ATTENTION_KINDS; kind++)
        for (int i = 0; i < COUNT(ns); i += 2, cases++)
            if (!attention_any(kn, width, kit_range(1, 37), ns[i], kind, why))
                return false;
    for (int i = 0; i < 2 * COUNT(long_ns); i++, cases++)
        if (!attention_any(kn, width, kit_range(1, 25), long_ns[i / 2], i, why))
            return false;
    kit_fail(why, "%d shapes", cases);
    return true;
}
