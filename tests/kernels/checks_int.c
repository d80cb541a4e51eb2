/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gemm_int, quant, pack_k and pack_v against ref. Sets store narrow operands differently, so the
 * integers that they stand for are compared, and the results, not the memory. */
#include "tests/kernels/checks.h"
#include "tests/kernels/kit_int.h"

#include <math.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define PICK(array)  ((array)[kit_random() % COUNT(array)])

static struct npu_kernels ref_kernels(void)
{
    struct npu_kernels ref;
    npu_kernels_choose(&ref, "ref");
    return ref;
}

/* ---- gemm ------------------------------------------------------------------------------------ */

enum operands {
    OPERANDS_RANDOM,  /* the whole byte; 13 bits and sign */
    OPERANDS_CORNERS, /* the ends of the type and about 0, mixed */
    OPERANDS_EXTREME, /* one end everywhere: the largest sums there are */
    OPERANDS_KINDS
};

struct gemm_shape {
    enum npu_width width;
    int m, n, k, tail;
    ptrdiff_t lda, tail_lda;
    enum operands operands;
    enum kit_values values;
    bool r, in_place;
    unsigned flags;
};

struct gemm_data {
    void *a[2], *b[2]; /* of ref and of the set under test */
    int16_t *w;
    float *a_scale, *b_scale, *bias, *r;
    int32_t *zero, *no_zero, *b_sum; /* no_zero: reading it is a fault */
    int16_t *tail_a;
    void *tail_b[2];
    float *tail_a_scale, *tail_b_scale;
};

/* Bytes as stored, wide integers as they are. */
static int some_activation(const struct gemm_shape *s, int extreme)
{
    static const int bytes[] = {0, 1, 127, 128, 254, 255};
    static const int words[] = {-32768, -32767, -1, 0, 1, 32767};
    if (s->operands == OPERANDS_EXTREME)
        return extreme;
    if (s->operands == OPERANDS_CORNERS)
        return s->width == NPU_NARROW ? PICK(bytes) : PICK(words);
    return s->width == NPU_NARROW ? kit_range(0, 255) : kit_range(-4095, 4095);
}

static int some_weight(const struct gemm_shape *s, int extreme)
{
    static const int bytes[] = {-128, -127, -1, 0, 1, 127};
    static const int words[] = {-32768, -32767, -1, 0, 1, 32767};
    if (s->operands == OPERANDS_EXTREME)
        return extreme;
    if (s->operands == OPERANDS_CORNERS)
        return s->width == NPU_NARROW ? PICK(bytes) : PICK(words);
    return s->width == NPU_NARROW ? kit_range(-127, 127) : kit_range(-4095, 4095);
}

/* Rows that overlap share one zero point, others have their own. */
static void fill_zeros(struct gemm_data *d, const struct gemm_shape *s)
{
    static const int corners[] = {0, 1, 127, 128, 254, 255};
    for (int i = 0; i < s->m; i++) {
        d->zero[i] = s->operands == OPERANDS_RANDOM ? kit_range(0, 255) : PICK(corners);
        if (s->lda < s->k)
            d->zero[i] = d->zero[0];
    }
}

/* The same integers in both sets' memory, between the rows too; now and then a row of zeros. */
static void fill_a(struct gemm_data *d, const struct gemm_shape *s, int bytes_ref, int bytes)
{
    static const int ends[] = {-32768, 32767, -32767};
    int extreme = s->width == NPU_WIDE ? PICK(ends) : kit_random() & 1 ? 255 : 0;
    ptrdiff_t size = (s->m - 1) * s->lda + s->k;
    for (ptrdiff_t at = 0; at < size; at++) {
        ptrdiff_t row = at / s->lda < s->m ? at / s->lda : s->m - 1;
        int32_t zero = s->width == NPU_NARROW ? d->zero[row] : 0;
        int q = some_activation(s, extreme) - zero;
        if (s->lda >= s->k && s->operands == OPERANDS_RANDOM && row % 5 == 3)
            q = 0;
        kit_activation_set(d->a[0], at, bytes_ref, q, zero);
        kit_activation_set(d->a[1], at, bytes, q, zero);
    }
}

static void fill_w(struct gemm_data *d, const struct gemm_shape *s)
{
    static const int bytes[] = {-128, 127}, words[] = {-32768, -32767, 32767};
    for (int j = 0; j < s->n; j++) {
        int extreme = s->width == NPU_NARROW ? PICK(bytes) : PICK(words);
        uint32_t sum = 0;
        for (int kk = 0; kk < s->k; kk++) {
            int w = some_weight(s, extreme);
            d->w[(ptrdiff_t)j * s->k + kk] = (int16_t)w;
            sum += (uint32_t)w;
        }
        d->b_sum[j] = (int32_t)sum;
    }
}

/* Wide operands, whatever the width of the rest. */
static void fill_tail(struct gemm_data *d, const struct gemm_shape *s, const struct npu_kernels *kn,
                      const struct npu_kernels *ref, struct kit_pool *pool)
{
    struct gemm_shape t = {.width = NPU_WIDE, .operands = s->operands};
    size_t a = (size_t)(s->m - 1) * (size_t)s->tail_lda + (size_t)s->tail;
    size_t w = (size_t)s->n * (size_t)s->tail;
    int16_t *weights = kit_pool_get(pool, w * sizeof *weights);
    d->tail_a = kit_pool_get(pool, a * sizeof *d->tail_a);
    d->tail_b[0] = kit_pool_get(pool, npu_packed_b_int_size(s->n, s->tail, ref->int_nr, 2));
    d->tail_b[1] = kit_pool_get(pool, npu_packed_b_int_size(s->n, s->tail, kn->int_nr, 2));
    d->tail_a_scale = kit_pool_get(pool, (size_t)s->m * sizeof(float));
    d->tail_b_scale = kit_pool_get(pool, (size_t)s->n * sizeof(float));
    kit_fill(d->tail_a_scale, (size_t)s->m, s->values);
    kit_fill(d->tail_b_scale, (size_t)s->n, s->values);
    for (size_t i = 0; i < a; i++)
        d->tail_a[i] = (int16_t)some_activation(&t, -32768);
    for (size_t i = 0; i < w; i++)
        weights[i] = (int16_t)some_weight(&t, -32768);
    npu_pack_b_int(d->tail_b[0], weights, 0, s->n, s->n, s->tail, ref->int_nr, 2);
    npu_pack_b_int(d->tail_b[1], weights, 0, s->n, s->n, s->tail, kn->int_nr, 2);
}

static void gemm_fill(struct gemm_data *d, const struct gemm_shape *s, const struct npu_kernels *kn,
                      const struct npu_kernels *ref, struct kit_pool *pool)
{
    int bytes_ref = kit_operand_bytes(ref, s->width), bytes = kit_operand_bytes(kn, s->width);
    size_t m = (size_t)s->m, n = (size_t)s->n, a = (m - 1) * (size_t)s->lda + (size_t)s->k;
    d->a[0] = kit_pool_get(pool, a * (size_t)bytes_ref);
    d->a[1] = kit_pool_get(pool, a * (size_t)bytes);
    d->b[0] = kit_pool_get(pool, npu_packed_b_int_size(s->n, s->k, ref->int_nr, bytes_ref));
    d->b[1] = kit_pool_get(pool, npu_packed_b_int_size(s->n, s->k, kn->int_nr, bytes));
    d->w = kit_pool_get(pool, n * (size_t)s->k * sizeof *d->w);
    d->a_scale = kit_pool_get(pool, m * sizeof(float));
    d->b_scale = kit_pool_get(pool, n * sizeof(float));
    d->bias = kit_pool_get(pool, n * sizeof(float));
    d->r = kit_pool_get(pool, m * n * sizeof(float));
    d->zero = kit_pool_get(pool, m * sizeof *d->zero);
    d->no_zero = kit_pool_get(pool, 0);
    d->b_sum = kit_pool_get(pool, n * sizeof *d->b_sum);
    kit_fill(d->a_scale, m, s->values);
    kit_fill(d->b_scale, n, s->values);
    kit_fill(d->bias, n, s->values);
    kit_fill(d->r, m * n, s->values);
    fill_zeros(d, s);
    fill_a(d, s, bytes_ref, bytes);
    fill_w(d, s);
    npu_pack_b_int(d->b[0], d->w, 0, s->n, s->n, s->k, ref->int_nr, bytes_ref);
    npu_pack_b_int(d->b[1], d->w, 0, s->n, s->n, s->k, kn->int_nr, bytes);
    if (s->tail)
        fill_tail(d, s, kn, ref, pool);
}

/* One set's result in c; `set` is 0 for ref. */
static void gemm_run(const struct npu_kernels *kn, int set, const struct gemm_shape *s,
                     const struct gemm_data *d, struct kit_matrix *c)
{
    struct npu_gemm_int_args args = {.c = c->x,
                                     .a = d->a[set],
                                     .b = d->b[set],
                                     .a_scale = d->a_scale,
                                     .b_scale = d->b_scale,
                                     .bias = d->bias,
                                     .b_sum = d->b_sum,
                                     .lda = s->lda,
                                     .ldc = c->ld,
                                     .m = s->m,
                                     .n = s->n,
                                     .k = s->k,
                                     .flags = s->flags};
    args.a_zero = kit_operand_bytes(kn, s->width) == 1 ? d->zero : d->no_zero;
    if (s->tail)
        args.tail = (struct npu_gemm_tail){.a = d->tail_a,
                                           .b = d->tail_b[set],
                                           .a_scale = d->tail_a_scale,
                                           .b_scale = d->tail_b_scale,
                                           .lda = s->tail_lda,
                                           .k = s->tail};
    if (s->r) {
        args.r = s->in_place ? c->x : d->r;
        args.ldr = s->in_place ? c->ld : s->n;
    }
    if (s->in_place)
        for (int i = 0; i < s->m; i++)
            memcpy(c->x + i * c->ld, d->r + (ptrdiff_t)i * s->n, (size_t)s->n * sizeof(float));
    kn->width[s->width].gemm(&args);
}

static bool gemm_one(const struct npu_kernels *kn, const struct gemm_shape *s, struct kit_why *why)
{
    if (kit_left_out())
        return true;
    struct npu_kernels ref = ref_kernels();
    struct kit_pool pool = {.count = 0};
    struct kit_matrix c, c_ref;
    struct gemm_data d;
    gemm_fill(&d, s, kn, &ref, &pool);
    kit_matrix_open(&c, s->m, s->n, kit_range(1, 19));
    kit_matrix_open(&c_ref, s->m, s->n, 3);
    gemm_run(&ref, 0, s, &d, &c_ref);
    gemm_run(kn, 1, s, &d, &c);
    struct kit_why inner;
    bool ok = kit_matrix_intact(&c, &inner) && kit_matrix_equal(&c, &c_ref, &inner);
    if (!ok)
        kit_fail(why, "m %d n %d k %d lda %td tail %d flags %u operands %d%s%s: %.120s", s->m, s->n,
                 s->k, s->lda, s->tail, s->flags, s->operands, s->r ? " r" : "",
                 s->in_place ? " in place" : "", inner.text);
    kit_matrix_close(&c);
    kit_matrix_close(&c_ref);
    kit_pool_free(&pool);
    return ok;
}

static struct gemm_shape some_shape(enum npu_width width, int m, int n, int k)
{
    uint32_t u = kit_random();
    struct gemm_shape s = {.width = width, .m = m, .n = n, .k = k};
    s.lda = u & 1 ? k : k + (int)(u >> 8 & 15);
    if (u & 2) /* rows that overlap, as a convolution's do */
        s.lda = (k + 2) / 3;
    s.r = u & 4;
    s.in_place = s.r && u & 8;
    s.flags = u & 16 ? NPU_GEMM_GELU : 0;
    s.values = (u & 0x60) == 0x60 ? KIT_EDGES : KIT_NORMAL;
    s.operands = (u >> 16) % OPERANDS_KINDS;
    if ((u >> 20) % 3 == 0) {
        static const int tails[] = {4, 8, 16, 20, 32, 64};
        s.tail = PICK(tails);
        s.tail_lda = s.tail + kit_range(0, 5);
    }
    return s;
}

bool check_gemm_int(const struct npu_kernels *kn, enum npu_width width, struct kit_why *why)
{
    /* Around tiles of 1, 2, 4, 6, 8, 12, 16 and 32 rows, panels of 16 and 32, and the unrolling. */
    static const int ms[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  11, 12,
                             13, 15, 16, 17, 18, 23, 24, 25, 31, 33, 37};
    static const int ns[] = {1, 7, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100};
    static const int ks[] = {4, 8, 12, 16, 20, 60, 64, 68, 132};
    static const struct {
        int m, n, k;
    } large[] = {{13, 225, 2048},
                 {25, 33, 512},
                 {12, 32, 512},
                 {7, 97, 2048},
                 {1, 31, 2052},
                 {24, 64, 2044},
                 {5, 65, 516},
                 {37, 17, 256},
                 /* whole tiles in a row, also across groups of panels, and rows left over */
                 {24, 64, 192},
                 {37, 96, 512},
                 {24, 96, 208},
                 {26, 480, 1024},
                 {25, 64, 96},
                 {36, 32, 224},
                 {13, 128, 480},
                 {48, 256, 2048}};
    /* the longest k with 255 * 128 * k below 2^31 */
    enum { LONGEST = 65792 };
    int cases = 0;
    for (int i = 0; i < COUNT(ms); i++) {
        for (int j = 0; j < COUNT(ns); j++) {
            for (int l = (i + 2 * j) % 3; l < COUNT(ks); l += 3, cases++) {
                struct gemm_shape s = some_shape(width, ms[i], ns[j], ks[l]);
                if (!gemm_one(kn, &s, why))
                    return false;
            }
        }
    }
    for (int i = 0; i < 4 * COUNT(large); i++, cases++) {
        struct gemm_shape s = some_shape(width, large[i / 4].m, large[i / 4].n, large[i / 4].k);
        if (i & 1) { /* as a whole window's */
            s.lda = s.k;
            s.in_place = s.r;
        }
        if (!gemm_one(kn, &s, why))
            return false;
    }
    for (int i = 0; i < 4; i++, cases++) {
        struct gemm_shape s = {.width = width, .m = 3, .n = 5, .k = LONGEST, .lda = LONGEST};
        s.operands = i < 3 ? OPERANDS_EXTREME : OPERANDS_CORNERS;
        if (!gemm_one(kn, &s, why))
            return false;
    }
    kit_fail(why, "%d shapes", cases);
    return true;
}

/* ---- quant ----------------------------------------------------------------------------------- */

enum row_kind {
    ROW_NORMAL,
    ROW_ZEROS, /* of both signs */
    ROW_ONE,   /* one value and zeros */
    ROW_EDGES,
    ROW_HUGE,
    ROW_SMALL, /* down to the last denormal: the inverse of the scale is not finite any more */
    ROW_TIES,  /* half integers times the scale */
    ROW_NEGATIVE,
    ROW_POSITIVE,
    ROW_CONSTANT,
    ROW_TOP, /* both ends round up: one too many for q_max */
    ROW_KINDS
};

/* Row of n floats; steps: how many steps of the scale there are from 0 to the largest. */
static void fill_row(float *x, int n, enum row_kind kind, int steps)
{
    float constant = kit_float(KIT_NORMAL), small = ldexpf(1.0f, kit_range(-149, -100));
    for (int j = 0; j < n; j++) {
        float u = kit_float(KIT_NORMAL);
        switch (kind) {
        case ROW_ZEROS:
            u = kit_random() & 1 ? 0.0f : -0.0f;
            break;
        case ROW_ONE:
            u = 0.0f;
            break;
        case ROW_EDGES:
            u = kit_float(KIT_EDGES);
            break;
        case ROW_HUGE:
            u *= 1.6e38f;
            break;
        case ROW_SMALL:
            u *= small;
            break;
        case ROW_TIES:
            u = (float)kit_range(-2 * steps, 2 * steps) * 0.5f;
            break;
        case ROW_NEGATIVE:
            u = -fabsf(u) - 0.01f;
            break;
        case ROW_POSITIVE:
            u = fabsf(u) + 0.01f;
            break;
        case ROW_CONSTANT:
            u = constant;
            break;
        default:
            break;
        }
        x[j] = u;
    }
    int at = kit_range(0, n - 1), other = (at + n / 2) % n;
    if (kind == ROW_ONE)
        x[at] = constant;
    if (kind == ROW_TIES) {
        x[at] = (float)(steps - steps / 2); /* one step is 1, symmetric or not */
        x[other] = -(float)(steps / 2);
        for (int j = 0; j < n; j++)
            x[j] = fminf(fmaxf(x[j], x[other]), x[at]);
        if (kit_random() & 1)
            x[at] = (float)steps;
    }
    if (kind == ROW_TOP) {
        for (int j = 0; j < n; j++)
            x[j] *= 0.5f;
        x[at] = (float)steps / 2 + 0.5f * (float)(steps % 2 == 0);
        x[other] = x[at] - (float)steps;
    }
}

struct quant_case {
    enum npu_width width;
    int m, n, q_max;
    bool asymmetric;
    enum row_kind kind; /* of the first row; the others follow */
};

static bool quant_same(const struct quant_case *s, const struct kit_operands *q,
                       const struct kit_operands *q_ref, const int32_t *zero, struct kit_why *why)
{
    for (int i = 0; i < s->m; i++) {
        for (int j = 0; j < s->n; j++) {
            int got = kit_activation_get(q->x, i * q->ld + j, q->bytes, zero[i]);
            int want = kit_activation_get(q_ref->x, i * q_ref->ld + j, q_ref->bytes, zero[i]);
            if (got != want)
                return kit_fail(why, "row %d column %d: %d, expected %d", i, j, got, want);
        }
    }
    return true;
}

static void quant_run(const struct npu_kernels *kn, const struct quant_case *s, const float *x,
                      ptrdiff_t ldx, struct kit_operands *q, struct kit_matrix *scale,
                      struct kit_matrix *zero)
{
    struct npu_quant_args args = {.dst = q->x,
                                  .x = x,
                                  .scale = scale->x,
                                  .zero = (int32_t *)(void *)zero->x,
                                  .ldd = q->ld,
                                  .ldx = ldx,
                                  .m = s->m,
                                  .n = s->n,
                                  .q_max = s->q_max,
                                  .asymmetric = s->asymmetric};
    kn->width[s->width].quant(&args);
}

static bool quant_one(const struct npu_kernels *kn, const struct quant_case *s, struct kit_why *why)
{
    if (kit_left_out())
        return true;
    struct npu_kernels ref = ref_kernels();
    struct kit_pool pool = {.count = 0};
    struct kit_operands q, q_ref;
    struct kit_matrix scale, scale_ref, zero, zero_ref;
    ptrdiff_t ldx = s->n + kit_range(0, 9);
    size_t x_size = (size_t)(s->m - 1) * (size_t)ldx + (size_t)s->n;
    float *x = kit_pool_get(&pool, x_size * sizeof *x);
    kit_operands_open(&q, &pool, s->m, s->n, kit_range(1, 17), kit_operand_bytes(kn, s->width));
    kit_operands_open(&q_ref, &pool, s->m, s->n, 0, kit_operand_bytes(&ref, s->width));
    kit_matrix_open(&scale, 1, s->m, 3);
    kit_matrix_open(&scale_ref, 1, s->m, 0);
    kit_matrix_open(&zero, 1, s->m, 3);
    kit_matrix_open(&zero_ref, 1, s->m, 0);
    for (int i = 0; i < s->m; i++)
        fill_row(x + i * ldx, s->n, (s->kind + (unsigned)i) % ROW_KINDS, s->q_max);
    quant_run(&ref, s, x, ldx, &q_ref, &scale_ref, &zero_ref);
    quant_run(kn, s, x, ldx, &q, &scale, &zero);
    struct kit_why inner;
    bool ok = kit_operands_intact(&q, &inner) && kit_matrix_intact(&scale, &inner) &&
              kit_matrix_intact(&zero, &inner) && kit_matrix_equal(&scale, &scale_ref, &inner) &&
              kit_matrix_equal(&zero, &zero_ref, &inner) &&
              quant_same(s, &q, &q_ref, (const int32_t *)(const void *)zero_ref.x, &inner);
    if (!ok)
        kit_fail(why, "m %d n %d q_max %d%s kind %d: %.150s", s->m, s->n, s->q_max,
                 s->asymmetric ? " asymmetric" : "", s->kind, inner.text);
    kit_matrix_close(&scale);
    kit_matrix_close(&scale_ref);
    kit_matrix_close(&zero);
    kit_matrix_close(&zero_ref);
    kit_pool_free(&pool);
    return ok;
}

bool check_quant(const struct npu_kernels *kn, enum npu_width width, struct kit_why *why)
{
    static const int ns[] = {16, 32, 48, 64, 80, 96, 112, 240, 256, 512, 1280};
    static const int ms[] = {1, 2, 3, 5, 13};
    /* largest integer by [width][asymmetric] */
    static const int q_max[NPU_WIDTHS][2][3] = {{{127, 63, 1}, {255, 254, 127}},
                                                {{2047, 4095, 32767}, {4095, 8191, 32767}}};
    int cases = 0;
    for (int i = 0; i < COUNT(ns); i++) {
        for (int kind = 0; kind < ROW_KINDS; kind++) {
            for (int asymmetric = 0; asymmetric < 2; asymmetric++, cases++) {
                struct quant_case s = {.width = width,
                                       .m = ms[cases % COUNT(ms)],
                                       .n = ns[i],
                                       .q_max = q_max[width][asymmetric][cases / 2 % 3],
                                       .asymmetric = asymmetric,
                                       .kind = kind};
                if (!quant_one(kn, &s, why))
                    return false;
            }
        }
    }
    kit_fail(why, "%d matrices", cases);
    return true;
}

/* ---- pack_k, pack_v -------------------------------------------------------------------------- */

enum { KEYS = NPU_KEY_BLOCK, D = NPU_HEAD_DIM };

struct pack_case {
    enum npu_width width;
    int rows, q_max;
    bool values; /* V, else K */
};

struct packed {
    struct kit_operands b;
    struct kit_matrix offset, scale;
};

static void pack_run(const struct npu_kernels *kn, const struct pack_case *s, const float *x,
                     ptrdiff_t ld, struct packed *p, struct kit_pool *pool)
{
    const struct npu_int_kernels *w = &kn->width[s->width];
    /* 64-byte aligned: guards of a whole row, the end at the page's */
    kit_operands_open(&p->b, pool, 1, KEYS * D, 0, kit_operand_bytes(kn, s->width));
    kit_matrix_open(&p->offset, 1, KEYS, 3);
    kit_matrix_open(&p->scale, 1, s->values ? D : 1, 3);
    if (s->values)
        w->pack_v(p->b.x, p->scale.x, x, ld, s->rows, s->q_max);
    else
        w->pack_k(p->b.x, (int32_t *)(void *)p->offset.x, p->scale.x, x, ld, s->rows, s->q_max);
}

/* The integers of both, and the offsets that belong to them. */
static bool pack_same(const struct pack_case *s, const struct packed *p, int nr,
                      const struct packed *p_ref, int nr_ref, struct kit_why *why)
{
    for (int j = 0; j < KEYS; j++) {
        int32_t offset, sum = 0;
        for (int d = 0; d < D; d++) {
            int want = kit_packed_get(p_ref->b.x, kit_packed_at(j, d, D, nr_ref, p_ref->b.bytes),
                                      p_ref->b.bytes);
            int got = kit_packed_get(p->b.x, kit_packed_at(j, d, D, nr, p->b.bytes), p->b.bytes);
            sum += want;
            if (got != want)
                return kit_fail(why, "output %d operand %d: %d, expected %d", j, d, got, want);
        }
        if (s->values)
            continue;
        memcpy(&offset, p->offset.x + j, sizeof offset);
        int32_t want = j >= s->rows ? KIT_NO_SCORE : p->b.bytes == 1 ? -KIT_ZERO * sum : 0;
        if (offset != want)
            return kit_fail(why, "offset of key %d: %d, expected %d", j, offset, want);
    }
    return true;
}

/* Every kind of row in turn, of very different sizes in one block. */
static void fill_block(float *x, ptrdiff_t ld, const struct pack_case *s, int kind)
{
    for (int j = 0; j < s->rows; j++)
        fill_row(x + j * ld, D, kind < ROW_KINDS ? kind : (kind + j) % ROW_KINDS, s->q_max);
}

static bool pack_one(const struct npu_kernels *kn, const struct pack_case *s, int kind,
                     struct kit_why *why)
{
    if (kit_left_out())
        return true;
    struct npu_kernels ref = ref_kernels();
    struct kit_pool pool = {.count = 0};
    struct packed p, p_ref;
    ptrdiff_t ld = D + kit_range(0, 9);
    float *x = kit_pool_get(&pool, ((size_t)(s->rows - 1) * (size_t)ld + D) * sizeof *x);
    fill_block(x, ld, s, kind);
    pack_run(&ref, s, x, ld, &p_ref, &pool);
    pack_run(kn, s, x, ld, &p, &pool);
    struct kit_why inner;
    bool ok = kit_operands_intact(&p.b, &inner) && kit_matrix_intact(&p.offset, &inner) &&
              kit_matrix_intact(&p.scale, &inner) &&
              kit_matrix_equal(&p.scale, &p_ref.scale, &inner) &&
              pack_same(s, &p, kn->int_nr, &p_ref, ref.int_nr, &inner);
    if (!ok)
        kit_fail(why, "rows %d q_max %d kind %d: %.150s", s->rows, s->q_max, kind, inner.text);
    kit_matrix_close(&p.offset);
    kit_matrix_close(&p.scale);
    kit_matrix_close(&p_ref.offset);
    kit_matrix_close(&p_ref.scale);
    kit_pool_free(&pool);
    return ok;
}

static bool check_pack(const struct npu_kernels *kn, enum npu_width width, bool values,
                       struct kit_why *why)
{
    static const int rows[] = {1, 2, 3, 15, 16, 17, 28, 31, 32, 33, 47, 48, 49, 63, 64};
    static const int q_max[NPU_WIDTHS][3] = {{127, 63, 1}, {4095, 2047, 32767}};
    int cases = 0;
    for (int i = 0; i < COUNT(rows); i++) {
        for (int kind = 0; kind <= ROW_KINDS; kind++, cases++) {
            struct pack_case s = {.width = width,
                                  .rows = rows[i],
                                  .q_max = q_max[width][cases % 3],
                                  .values = values};
            if (!pack_one(kn, &s, kind, why))
                return false;
        }
    }
    kit_fail(why, "%d blocks", cases);
    return true;
}

bool check_pack_k(const struct npu_kernels *kn, enum npu_width width, struct kit_why *why)
{
    return check_pack(kn, width, false, why);
}

bool check_pack_v(const struct npu_kernels *kn, enum npu_width width, struct kit_why *why)
{
    return check_pack(kn, width, true, why);
}
