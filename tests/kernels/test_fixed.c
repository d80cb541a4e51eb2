/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The definitions of profile npu (kernels/ref/fixed_*.c) against their contracts, written here
 * again with integers of 128 bits, without regard for speed, and against float64.
 *
 *     test_fixed [SEED]
 */
#include <math.h>

#include "kernels/kernels.h"
#include "kernels/ref/fixed_rsqrt.h"
#include "tests/check.h"
#include "tests/kernels/kit.h"

typedef __int128 wide;

static const struct npu_kernels *set; /* under test */

#define GUARD 3 /* guard columns */

/* a / 2^shift to nearest, ties to even. */
static wide round_even(wide a, int shift)
{
    if (shift <= 0)
        return a * ((wide)1 << -shift);
    wide unit = (wide)1 << shift, floor = a / unit - (a % unit < 0), rest = a - floor * unit;
    if (2 * rest > unit || (2 * rest == unit && (floor & 1)))
        floor++;
    return floor;
}

static int16_t clip(wide a)
{
    return (int16_t)(a > 32767 ? 32767 : a < -32767 ? -32767 : a);
}

static int length(wide a)
{
    int bits = 0;
    for (; a > 0; a /= 2)
        bits++;
    return bits;
}

static void *new_bytes(size_t n)
{
    void *p = malloc(n);
    if (!p)
        abort();
    return p;
}

/* How operands are chosen. */
enum fill { FILL_RANDOM, FILL_MOST, FILL_SIGNS, FILL_SMALL, FILLS };

static int value(enum fill fill, int most)
{
    switch (fill) {
    case FILL_RANDOM:
        return kit_range(-most, most);
    case FILL_MOST:
        return most;
    case FILL_SIGNS:
        return kit_random() & 1 << 9 ? most : -most;
    default:
        return kit_range(-3, 3);
    }
}

static void fill_s16(int16_t *x, size_t n, enum fill fill, int most)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (int16_t)value(fill, most);
}

static void fill_s8(int8_t *x, size_t n, enum fill fill)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (int8_t)value(fill, 127);
}

/* ---- gelu
 * ------------------------------------------------------------------------------------ */

static wide slow_gelu(wide u, const int16_t *table, int shift)
{
    wide a = u < 0 ? -u : u, h = 0;
    if (a < 32767)
        h = table[a / 32] + round_even((wide)(table[a / 32 + 1] - table[a / 32]) * (a % 32), 5);
    return clip(round_even((u > 0 ? u : 0) - h, shift));
}

static double gelu_h(double a)
{
    return a / 2 * erfc(a / sqrt(2));
}

static void true_table(int16_t *table, double scale)
{
    for (int i = 0; i < NPU_FIXED_GELU_ENTRIES; i++)
        table[i] = (int16_t)rint(gelu_h(32 * i * scale) / scale);
}

static void test_gelu(void)
{
    enum { N = 4096 };
    static int32_t u[N];
    static int16_t g[N], table[NPU_FIXED_GELU_ENTRIES];
    unsigned wrong = 0;
    double worst = 0;

    for (int round = 0; round < 64; round++) {
        int shift = round / 4;
        double scale = (round & 1 ? 6.0 : 11.9) / 32767;
        if (round & 2)
            true_table(table, scale);
        else
            fill_s16(table, NPU_FIXED_GELU_ENTRIES, FILL_RANDOM, 32767);
        for (int i = 0; i < NPU_FIXED_GELU_ENTRIES; i++)
            table[i] = (int16_t)abs(table[i]);
        for (int i = 0; i < N; i++)
            u[i] = i < 64 ? 32736 + i : i < 128 ? -32736 - i + 64 : kit_range(-40000, 40000);
        u[200] = 1 << 30;
        u[201] = -(1 << 30);
        u[202] = 0;
        npu_fixed_gelu_s32s16_ref(&(struct npu_fixed_gelu_args){.g = g,
                                                                .u = u,
                                                                .table = table,
                                                                .ldg = 64,
                                                                .ldu = 64,
                                                                .m = N / 64,
                                                                .n = 64,
                                                                .shift = shift});
        for (int i = 0; i < N; i++) {
            wrong += g[i] != slow_gelu(u[i], table, shift);
            if (shift == 0 && (round & 2) && abs(u[i]) < 32767) {
                double x = u[i] * scale;
                worst = fmax(worst, fabs(g[i] * scale - (fmax(x, 0) - gelu_h(fabs(x)))));
            }
        }
    }
    check_case(wrong == 0, "gelu_equals_contract", "%u values differ", wrong);
    check_case(worst > 0 && worst <= 3.7e-4, "gelu_near_float64", "max-abs %.2e", worst);
}

/* ---- gemm
 * ------------------------------------------------------------------------------------ */

struct product {
    struct npu_fixed_gemm_args args;
    bool a_bytes, w_bytes;
    size_t out; /* elements of c, guard columns and rows included */
    int32_t *before;
};

static wide operand(const void *x, bool bytes, ptrdiff_t at)
{
    return bytes ? ((const int8_t *)x)[at] : ((const int16_t *)x)[at];
}

static bool wide_result(enum npu_fixed_result result)
{
    return result == NPU_FIXED_S32 || result == NPU_FIXED_RESIDUAL || result == NPU_FIXED_STEM;
}

static int32_t get(const void *c, bool words, size_t at)
{
    return words ? ((const int32_t *)c)[at] : ((const int16_t *)c)[at];
}

static wide slow_stem(const struct npu_fixed_gemm_args *g, wide u, int i, int j)
{
    wide a = round_even(u < 0 ? -u : u, g->gelu_shift);
    wide h = a >= 32767 ? 0 : g->table[(a + 16) / 32];
    return (u > 0 ? u : 0) - h + g->pos[i * g->ldp + j];
}

static wide slow_element(const struct product *p, int i, int j, int32_t before)
{
    const struct npu_fixed_gemm_args *g = &p->args;
    wide acc = g->bias[j];
    for (int k = 0; k < g->k; k++)
        acc +=
            operand(g->a, p->a_bytes, i * g->lda + k) * operand(g->w, p->w_bytes, j * g->ldw + k);
    acc = round_even(acc, g->acc_shift);
    if (g->acc_shift == 0) { /* modulo 2^32 */
        wide period = (wide)1 << 32;
        acc = ((acc % period) + period) % period;
        acc -= acc >= period / 2 ? period : 0;
    }
    wide u = round_even(acc * g->mult[j], g->shift[j / 64]);
    switch (g->result) {
    case NPU_FIXED_S16:
        return clip(u);
    case NPU_FIXED_S32:
        return u;
    case NPU_FIXED_GELU:
        return slow_gelu(u, g->table, g->gelu_shift);
    case NPU_FIXED_RESIDUAL:
        return before + u;
    default:
        return slow_stem(g, u, i, j);
    }
}

static void call(const struct product *p)
{
    if (p->a_bytes)
        npu_fixed_gemm_s8s8_ref(&p->args);
    else if (p->w_bytes)
        set->fixed.gemm_s16s8(&p->args);
    else
        set->fixed.gemm_s16s16(&p->args);
}

/* Bits of the largest sum of products. */
static int sum_bits(const struct product *p)
{
    return (p->a_bytes ? 7 : 15) + (p->w_bytes ? 7 : 15) + length(p->args.k) + 1;
}

/* Random shape, operands and epilogue; shifts keep a requantised value within 29 bits. */
static void open_product(struct product *p, enum fill fill)
{
    struct npu_fixed_gemm_args *g = &p->args;
    static const int ms[] = {1, 2, 31, 32, 33, 65}, ns[] = {1, 15, 16, 17, 63, 64, 65, 130},
                     ks[] = {1, 3, 64, 255, 256, 257, 700};
    int types = kit_range(0, 2);

    *p = (struct product){.a_bytes = types == 2, .w_bytes = types >= 1};
    *g = (struct npu_fixed_gemm_args){.m = ms[kit_range(0, 5)],
                                      .n = ns[kit_range(0, 7)],
                                      .k = ks[kit_range(0, 6)],
                                      .result = (enum npu_fixed_result)kit_range(0, 4)};
    g->lda = kit_range(1, 2) == 1 ? g->k + 5 : (g->k + 2) / 3; /* apart, or overlapping */
    g->ldw = g->k + kit_range(0, 3);
    g->ldc = g->n + GUARD;
    g->ldp = g->n + 1;
    int over = sum_bits(p) - 30;
    g->acc_shift = over > 0 ? (over > 30 ? 30 : over) : kit_range(0, 1) * kit_range(0, 4);
    g->gelu_shift = g->result == NPU_FIXED_STEM ? kit_range(-2, 2) : kit_range(0, 15);
    size_t a = (size_t)(g->m * g->lda + g->k), w = (size_t)(g->n * g->ldw);
    int16_t *table = new_bytes(NPU_FIXED_GELU_ENTRIES * 2), *mult = new_bytes((size_t)g->n * 2);
    int16_t *pos = new_bytes((size_t)(g->m * g->ldp) * 2);
    int64_t *bias = new_bytes((size_t)g->n * 8);
    uint8_t *shift = new_bytes((size_t)g->n / 64 + 1);
    g->a = new_bytes(a * 2);
    g->w = new_bytes(w * 2);
    p->out = (size_t)((g->m + 1) * g->ldc);
    g->c = new_bytes(p->out * 4);
    p->before = new_bytes(p->out * 4);
    if (p->a_bytes)
        fill_s8((int8_t *)g->a, a, fill);
    else
        fill_s16((int16_t *)g->a, a, fill, 32767);
    if (p->w_bytes)
        fill_s8((int8_t *)g->w, w, fill == FILL_MOST ? FILL_SIGNS : fill);
    else
        fill_s16((int16_t *)g->w, w, fill, 32767);
    for (int j = 0; j < g->n; j++) {
        bias[j] = (int64_t)kit_range(-(1 << 28), 1 << 28) * ((int64_t)1 << g->acc_shift) / 2;
        mult[j] = (int16_t)(kit_range(0, 9) ? kit_range(0, 32767) : 32767);
        shift[j / 64] =
            (uint8_t)kit_range(g->result == NPU_FIXED_S16 ? 0 : 17, NPU_FIXED_SHIFT_MAX);
    }
    fill_s16(table, NPU_FIXED_GELU_ENTRIES, FILL_RANDOM, 32767);
    for (int i = 0; i < NPU_FIXED_GELU_ENTRIES; i++)
        table[i] = (int16_t)abs(table[i]);
    fill_s16(pos, (size_t)(g->m * g->ldp), FILL_RANDOM, 32767);
    for (size_t i = 0; i < p->out; i++)
        ((int32_t *)g->c)[i] = p->before[i] = kit_range(-(1 << 29), 1 << 29);
    g->table = table;
    g->mult = mult;
    g->pos = pos;
    g->bias = bias;
    g->shift = shift;
}

static void close_product(struct product *p)
{
    const void *all[] = {p->args.a,     p->args.w,   p->args.c,     p->args.bias, p->args.mult,
                         p->args.shift, p->args.pos, p->args.table, p->before};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free((void *)all[i]);
}

/* Elements that differ from the slow form, and those outside that changed. */
static unsigned count_wrong(const struct product *p)
{
    const struct npu_fixed_gemm_args *g = &p->args;
    bool words = wide_result(g->result);
    unsigned wrong = 0;
    for (int i = 0; i <= g->m; i++) {
        for (int j = 0; j < g->ldc; j++) {
            size_t at = (size_t)(i * g->ldc + j);
            int32_t before = get(p->before, words, at);
            wide expected = i < g->m && j < g->n ? slow_element(p, i, j, before) : before;
            wrong += get(g->c, words, at) != expected;
        }
    }
    return wrong;
}

static void test_gemm(void)
{
    static const char *const types[] = {"s16s16", "s16s8", "s8s8"};
    unsigned wrong[3] = {0}, results[5] = {0};
    for (int round = 0; round < 400; round++) {
        struct product p;
        open_product(&p, (enum fill)(round % FILLS));
        call(&p);
        wrong[p.a_bytes + p.w_bytes] += count_wrong(&p);
        results[p.args.result]++;
        close_product(&p);
    }
    for (int t = 0; t < 3; t++) {
        char name[64];
        snprintf(name, sizeof(name), "gemm_%s_%s_equals_contract", types[t], set->name);
        check_case(wrong[t] == 0, name, "%u values differ; results tried %u %u %u %u %u", wrong[t],
                   results[0], results[1], results[2], results[3], results[4]);
    }
}

/* The longest sums the profile has: k of the widest FC2, every product at its end. */
static void test_gemm_longest(void)
{
    enum { K = 8192 };
    static int16_t a[K], w[K];
    static int8_t w8[K];
    int16_t mult = 32767;
    uint8_t shift = 15;
    int64_t bias = 0;
    int32_t c;
    struct npu_fixed_gemm_args g = {.c = &c,
                                    .a = a,
                                    .w = w,
                                    .bias = &bias,
                                    .mult = &mult,
                                    .shift = &shift,
                                    .lda = K,
                                    .ldw = K,
                                    .ldc = 1,
                                    .m = 1,
                                    .n = 1,
                                    .k = K,
                                    .acc_shift = 13,
                                    .result = NPU_FIXED_S32};
    for (int sign = -1; sign <= 1; sign += 2) {
        for (int i = 0; i < K; i++) {
            a[i] = (int16_t)(sign * 32767);
            w[i] = 32767;
            w8[i] = (int8_t)(i & 1 ? 127 : -127);
        }
        g.w = w;
        g.acc_shift = 13;
        set->fixed.gemm_s16s16(&g);
        wide expected = round_even(round_even((wide)sign * 32767 * 32767 * K, 13) * 32767, 15);
        check_case(c == expected, "gemm_s16s16_longest_sum", "%d, expected %lld", c,
                   (long long)expected);
        /* acc32: partial sums may leave 32 bits, only the last counts. */
        g.w = w8;
        g.acc_shift = 0;
        for (int i = 0; i < K; i++)
            w8[i] = (int8_t)(i < K / 2 ? 127 : -127);
        bias = 12345;
        set->fixed.gemm_s16s8(&g);
        int expected32 = (int)round_even((wide)12345 * 32767, 15);
        check_case(c == expected32, "gemm_s16s8_partial_sums_wrap", "%d, expected %d", c,
                   expected32);
        bias = 0;
    }
}

/* The stem's GELU around the end of its table. */
static void test_stem_ends(void)
{
    enum { N = 64 };
    static int16_t a[1], w[N], mult[N], pos[N], table[NPU_FIXED_GELU_ENTRIES];
    static int64_t bias[N];
    static int32_t c[N];
    uint8_t shift = 14;
    unsigned wrong = 0;

    fill_s16(table, NPU_FIXED_GELU_ENTRIES, FILL_MOST, 1000);
    for (int gelu_shift = -2; gelu_shift <= 2; gelu_shift++) {
        for (int j = 0; j < N; j++) {
            wide end = round_even(32767, -gelu_shift);
            bias[j] = (int64_t)(j & 1 ? end : -end) + j / 2 - N / 4;
            mult[j] = 1 << 14;
            pos[j] = (int16_t)j;
        }
        struct product p = {.w_bytes = false,
                            .args = {.c = c,
                                     .a = a,
                                     .w = w,
                                     .bias = bias,
                                     .mult = mult,
                                     .shift = &shift,
                                     .table = table,
                                     .pos = pos,
                                     .lda = 1,
                                     .ldw = 1,
                                     .ldc = N,
                                     .ldp = N,
                                     .m = 1,
                                     .n = N,
                                     .k = 1,
                                     .gelu_shift = gelu_shift,
                                     .result = NPU_FIXED_STEM}};
        call(&p);
        for (int j = 0; j < N; j++)
            wrong += c[j] != slow_stem(&p.args, bias[j], 0, j);
    }
    check_case(wrong == 0, "gemm_stem_ends_equal_contract", "%u values differ", wrong);
}

/* ---- norm
 * ------------------------------------------------------------------------------------ */

static void slow_norm(int16_t *y, const struct npu_fixed_norm_args *n, const int32_t *x)
{
    wide sum = 0, most = 0, q_sum = 0, c16[2048];
    for (int i = 0; i < n->d; i++)
        sum += x[i];
    wide t = sum * n->inv_d + ((wide)1 << 39), unit = (wide)1 << 40;
    wide mean = t / unit - (t % unit < 0);
    for (int i = 0; i < n->d; i++) {
        wide c = x[i] - mean, a = c < 0 ? -c : c;
        most = a > most ? a : most;
    }
    int e = length(most) > 15 ? length(most) - 15 : 0;
    for (int i = 0; i < n->d; i++) {
        c16[i] = clip(round_even(x[i] - mean, e));
        q_sum += c16[i] * c16[i];
    }
    q_sum += n->eps / ((wide)1 << 2 * e);
    q_sum = q_sum < 1 ? 1 : q_sum;
    int k = 32 - length(q_sum);
    k -= ((k % 2) + 2) % 2;
    wide q = k >= 0 ? q_sum * ((wide)1 << k) : q_sum / ((wide)1 << -k);
    wide y0 = (wide)rint(0x1p14 / sqrt(((double)(q >> 24) + 0.5) / 256));
    wide three = (wide)3 << 28;
    wide y1 = (y0 * (three - ((y0 * y0 * q) >> 32))) >> 16;
    wide y2 = (y1 * (three - ((((y1 * y1) >> 26) * q) >> 32))) >> 29;
    wide r = y2 * n->sqrt_d;
    int rb = length(r);
    wide r15 = (r + ((wide)1 << (rb - 16))) >> (rb - 15);
    r15 = r15 > 32767 ? 32767 : r15;
    int es = 53 - k / 2 - (rb - 15);
    for (int i = 0; i < n->d; i++)
        y[i] = clip(n->mult ? round_even(c16[i] * r15 * n->mult[i], es + n->shift)
                            : round_even(c16[i] * r15, es - n->shift));
}

enum row { ROW_NORMAL, ROW_ENDS, ROW_OUTLIER, ROW_CONSTANT, ROW_ZERO, ROW_TINY, ROW_OFFSET, ROWS };

static void fill_row(int32_t *x, int d, enum row kind, int bits)
{
    int most = bits >= 30 ? 1 << 30 : 1 << bits;
    for (int i = 0; i < d; i++) {
        x[i] = kind == ROW_NORMAL   ? (kit_random() & 256 ? 1 : -1) * kit_range(0, most)
               : kind == ROW_ENDS   ? (kit_random() & 256 ? most : -most)
               : kind == ROW_TINY   ? kit_range(-2, 2)
               : kind == ROW_OFFSET ? most - kit_range(0, most / 1000)
                                    : 0;
        if (kind == ROW_CONSTANT)
            x[i] = -most;
    }
    if (kind == ROW_OUTLIER)
        x[kit_range(0, d - 1)] = most;
}

/* Largest error of z against float64 beyond its last bit and the stated relative error. */
static double norm_error(const int16_t *z, const int32_t *x, int d, int residual_bits, int z_bits)
{
    double mean = 0, var = 0, worst = 0, most = 0;
    for (int i = 0; i < d; i++)
        mean += (double)x[i] / d;
    for (int i = 0; i < d; i++) {
        double c = x[i] - mean;
        var += ldexp(c, -residual_bits) * ldexp(c, -residual_bits) / d;
        most = fmax(most, fabs(ldexp(c, -residual_bits)));
    }
    double s = 1 / sqrt(var + 1e-5);
    for (int i = 0; i < d; i++) {
        double exact = ldexp(x[i] - mean, -residual_bits) * s;
        /* The mean is whole, c16 has 15 bits; the squares are around the rounded mean. */
        double allowed = ldexp(0.5, -z_bits) + 7e-5 * fabs(exact) +
                         (ldexp(0.51, -residual_bits) + most * 0x1p-15) * s +
                         fabs(exact) * (0.125 + 0.25 / d) / ldexp(var + 1e-5, 2 * residual_bits);
        worst = fmax(worst, fabs(ldexp(z[i], -z_bits) - exact) / allowed);
    }
    return worst;
}

static void test_rsqrt(void)
{
    unsigned wrong = 0;
    for (int i = 0; i < NPU_FIXED_RSQRT_ENTRIES; i++)
        wrong += npu_fixed_rsqrt[i] != (int)rint(0x1p14 / sqrt((i + 64.5) / 256));
    check_case(wrong == 0, "rsqrt_table_is_its_formula", "%u entries differ", wrong);
}

static void test_norm(void)
{
    static const int widths[] = {64, 128, 512, 1280, 2048};
    static int32_t x[2 * 2050];
    static int16_t y[2 * 2050], expected[2048], mult[2048];
    unsigned wrong = 0, outside = 0;
    double worst = 0;

    for (int round = 0; round < 1500; round++) {
        int d = widths[round % 5], residual_bits = kit_range(10, 14);
        bool last = round % 3 == 0;
        struct npu_fixed_norm_args n = {.y = y,
                                        .x = x,
                                        .mult = last ? NULL : mult,
                                        .ldy = d + 2,
                                        .ldx = d + 1,
                                        .m = 2,
                                        .d = d,
                                        .shift = last ? (d > 1024 ? 9 : 10) : kit_range(0, 8),
                                        .inv_d = (int64_t)rint(0x1p40 / d),
                                        .eps =
                                            (int64_t)rint(d * 1e-5 * ldexp(1, 2 * residual_bits)),
                                        .sqrt_d = (int64_t)rint(sqrt(d) * 1024)};
        for (int i = 0; i < d; i++)
            mult[i] = (int16_t)kit_range(0, 32767);
        for (int r = 0; r < 2; r++)
            fill_row(x + r * n.ldx, d, (enum row)kit_range(0, ROWS - 1), kit_range(0, 30));
        memset(y, 0x5a, sizeof(y));
        npu_fixed_norm_s32s16_ref(&n);
        for (int r = 0; r < 2; r++) {
            slow_norm(expected, &n, x + r * n.ldx);
            wrong += memcmp(expected, y + r * n.ldy, (size_t)d * 2) != 0;
            outside += y[r * n.ldy + d] != 0x5a5a;
            if (last)
                worst = fmax(worst,
                             norm_error(y + r * n.ldy, x + r * n.ldx, d, residual_bits, n.shift));
        }
    }
    check_case(wrong == 0, "norm_equals_contract", "%u rows differ", wrong);
    check_case(outside == 0, "norm_writes_its_rows_only", "%u", outside);
    check_case(worst > 0.1 && worst <= 1, "norm_near_float64", "%.3f of the stated error", worst);
}

/* ---- attention
 * ------------------------------------------------------------------------------- */

static void slow_attention(int16_t *out, const struct npu_fixed_attention_args *a, int row)
{
    const int16_t *q = a->q + row * a->ldq;
    wide octave = 0, l = 0, o[64] = {0};
    for (int b = 0; b < a->n; b += 64) {
        int end = b + 64 < a->n ? b + 64 : a->n;
        wide s[64], most = 0, sum[64] = {0};
        for (int j = b; j < end; j++) {
            wide dot = 0;
            for (int c = 0; c < 64; c++)
                dot += q[c] * a->k[j * a->ldk + c];
            s[j - b] = round_even(dot, a->qk_shift);
            most = j == b || s[j - b] > most ? s[j - b] : most;
        }
        wide up = most / 64 + (most % 64 > 0);
        if (b == 0)
            octave = up;
        else if (up > octave) {
            int d = up - octave > 40 ? 40 : (int)(up - octave);
            for (int c = 0; c < 64; c++)
                o[c] = round_even(o[c], d);
            l = round_even(l, d);
            octave = up;
        }
        for (int j = b; j < end; j++) {
            wide i = 64 * octave - s[j - b];
            wide p = i > 1023 ? 0 : (wide)rint(32767 * exp2(-(double)i / 64));
            l += p;
            for (int c = 0; c < 64; c++)
                sum[c] += p * a->v[j * a->ldv + c];
        }
        for (int c = 0; c < 64; c++)
            o[c] += round_even(sum[c], 10);
    }
    int e = length(l) - 1;
    wide reciprocal = (((wide)1 << (e + 15)) + l / 2) / l;
    reciprocal = reciprocal > 32767 ? 32767 : reciprocal;
    for (int c = 0; c < 64; c++)
        out[c] = clip(round_even(o[c] * reciprocal, 5 + e));
}

enum { KEYS = 1536, QUERIES = 65, LD = 70 };
static int16_t queries[QUERIES * LD], keys[KEYS * LD], values[KEYS * LD], mixed[QUERIES * LD],
    exponentials[NPU_FIXED_EXP_ENTRIES];

/* Keys whose scores rise from block to block (far, if `steep`), so that sums are rescaled. */
static void rising_keys(int n, bool steep)
{
    for (int j = 0; j < n; j++)
        for (int c = 0; c < 64; c++)
            keys[j * LD + c] = (int16_t)(j * (steep ? 20 : 3) + kit_range(0, 100));
    for (int i = 0; i < QUERIES * LD; i++)
        queries[i] = (int16_t)kit_range(100, 32767);
}

static unsigned wrong_rows(int m, int n, int qk_shift, int rows_checked)
{
    int16_t expected[64];
    unsigned wrong = 0;
    const struct npu_fixed_attention_args args = {.out = mixed,
                                                  .q = queries,
                                                  .k = keys,
                                                  .v = values,
                                                  .exp = exponentials,
                                                  .ldo = LD,
                                                  .ldq = LD,
                                                  .ldk = LD,
                                                  .ldv = LD,
                                                  .m = m,
                                                  .n = n,
                                                  .qk_shift = qk_shift};
    memset(mixed, 0x5a, sizeof(mixed));
    set->fixed.attention(&args);
    for (int t = 0; t < rows_checked; t++) {
        int row = t == 0 ? m - 1 : kit_range(0, m - 1);
        slow_attention(expected, &args, row);
        wrong += memcmp(expected, mixed + row * LD, sizeof(expected)) != 0;
        wrong += mixed[row * LD + 64] != 0x5a5a;
    }
    return wrong;
}

static void test_attention(void)
{
    static const int ns[] = {1, 2, 63, 64, 65, 127, 128, 129, 700, 1500, 1536};
    unsigned wrong = 0, rising = 0;

    for (int i = 0; i < NPU_FIXED_EXP_ENTRIES; i++)
        exponentials[i] = (int16_t)rint(32767 * exp2(-i / 64.0));
    for (int round = 0; round < 120; round++) {
        enum fill fill = (enum fill)(round % FILLS);
        int n = ns[kit_range(0, 10)], m = kit_range(0, 2) ? kit_range(1, 5) : kit_range(63, 65);
        fill_s16(queries, QUERIES * LD, fill, 32767);
        fill_s16(keys, KEYS * LD, fill == FILL_MOST ? FILL_RANDOM : fill, 32767);
        fill_s16(values, KEYS * LD, (enum fill)kit_range(0, FILLS - 1), 32767);
        wrong += wrong_rows(m, n, kit_range(0, 2) ? kit_range(12, 26) : kit_range(6, 40), 3);
    }
    check_case(wrong == 0, "attention_equals_contract", "%u rows differ", wrong);
    for (int round = 0; round < 40; round++) {
        rising_keys(1536, round & 1);
        fill_s16(values, KEYS * LD, (enum fill)(round / 2 % FILLS), 32767);
        rising += wrong_rows(3, round & 2 ? 1536 : 1500, kit_range(8, 20), 3);
    }
    check_case(rising == 0, "attention_rescales_as_the_contract", "%u rows differ", rising);
}

/* Against the softmax in float64, of scores of a few octaves. */
static void test_attention_near(void)
{
    enum { N = 1500, SHIFT = 15 };
    double worst = 0, rms = 0;
    for (int i = 0; i < 64 * LD; i++)
        queries[i] = (int16_t)kit_range(-3000, 3000);
    for (int i = 0; i < N * LD; i++) {
        keys[i] = (int16_t)kit_range(-3000, 3000);
        values[i] = (int16_t)kit_range(-20000, 20000);
    }
    const struct npu_fixed_attention_args args = {.out = mixed,
                                                  .q = queries,
                                                  .k = keys,
                                                  .v = values,
                                                  .exp = exponentials,
                                                  .ldo = LD,
                                                  .ldq = LD,
                                                  .ldk = LD,
                                                  .ldv = LD,
                                                  .m = 64,
                                                  .n = N,
                                                  .qk_shift = SHIFT};
    set->fixed.attention(&args);
    for (int i = 0; i < 64; i++) {
        double s[N], most = -1e9, sum = 0, o[64] = {0};
        for (int j = 0; j < N; j++) {
            double dot = 0;
            for (int c = 0; c < 64; c++)
                dot += (double)queries[i * LD + c] * keys[j * LD + c];
            s[j] = ldexp(dot, -SHIFT - 6);
            most = fmax(most, s[j]);
        }
        for (int j = 0; j < N; j++) {
            double p = exp2(s[j] - most);
            sum += p;
            for (int c = 0; c < 64; c++)
                o[c] += p * values[j * LD + c];
        }
        for (int c = 0; c < 64; c++) {
            double error = fabs(mixed[i * LD + c] - o[c] / sum);
            worst = fmax(worst, error);
            rms += error * error / 4096;
        }
    }
    check_case(worst <= 200 && sqrt(rms) <= 20, "attention_near_float64",
               "max-abs %.1f, rms %.2f of values up to 20000", worst, sqrt(rms));
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    printf("# seed %llu\n", (unsigned long long)seed);
    kit_seed(seed);
    test_gelu();
    test_rsqrt();
    test_norm();
    /* Each set whose versions differ from those of the set below. */
    struct npu_kernels k, below = {.name = NULL};
    for (int i = 0; npu_kernels_name(i); i++, below = k) {
        if (!kit_kernels(&k, npu_kernels_name(i))) {
            check_skip(npu_kernels_name(i), "not on this processor");
            continue;
        }
        if (!memcmp(&k.fixed, &below.fixed, sizeof(k.fixed)))
            continue;
        set = &k;
        printf("# set %s\n", set->name);
        test_gemm();
        test_gemm_longest();
        test_stem_ends();
        test_attention();
        test_attention_near();
    }
    return check_finish();
}
