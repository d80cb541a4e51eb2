/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The integer kernels of ref against int64 and float64 written from the contracts, without
 * packing; exp2_f32 against the C library; packing against its index formula. */
#include "kernels/ref/exp2_f32.h"
#include "kernels/ref/gelu_int.h"
#include "tests/kernels/checks.h"
#include "tests/kernels/kit_int.h"

#include <math.h>
#include <string.h>

enum { D = NPU_HEAD_DIM, KEYS = NPU_KEY_BLOCK };

bool accuracy_gelu_int(struct kit_why *why)
{
    double worst = 0;
    for (double at = -12; at <= 12; at += 3e-6) {
        float x = (float)at;
        double exact = 0.5 * (double)x * erfc(-(double)x * M_SQRT1_2);
        double error = fabs((double)npu_gelu_int_scalar(x) - exact);
        /* the one rounding of the result: half a unit in the last place */
        error -= x > 0 ? exact * 0x1p-24 : 0;
        if (!(error <= NPU_GELU_INT_MAX_ERROR))
            return kit_fail(why, "error %.3g at %a", error, (double)x);
        worst = error > worst ? error : worst;
    }
    for (float x = 256; x < 1e30f; x *= 1.7f)
        if (npu_gelu_int_scalar(x) != x || fabsf(npu_gelu_int_scalar(-x)) > 6e-6f)
            return kit_fail(why, "gelu(+-%g)", (double)x);
    if (!isnan(npu_gelu_int_scalar(NAN)) || npu_gelu_int_scalar(0.0f) != 0.0f ||
        !signbit(npu_gelu_int_scalar(-0.0f)))
        return kit_fail(why, "NaN or a zero");
    kit_fail(why, "error at most %.3g", worst);
    return true;
}

static struct npu_kernels ref_kernels(void)
{
    struct npu_kernels ref;
    npu_kernels_choose(&ref, "ref");
    return ref;
}

/* Every 499th float from `from` away from 0 to `to`, of the same sign. */
static bool exp2_range(float from, float to, double *worst, float *at)
{
    uint32_t bits, last;
    memcpy(&bits, &from, sizeof bits);
    memcpy(&last, &to, sizeof last);
    for (; bits <= last; bits += 499) {
        float x;
        memcpy(&x, &bits, sizeof x);
        double exact = exp2((double)x), error = fabs((double)npu_exp2_f32_ref(x) - exact) / exact;
        if (!(error <= *worst)) {
            *worst = error;
            *at = x;
        }
    }
    return *worst <= NPU_EXP2_F32_MAX_ERROR;
}

bool accuracy_exp2(struct kit_why *why)
{
    double worst = 0;
    float at = 0;
    if (!exp2_range(-0x1p-30f, NPU_EXP2_F32_MIN, &worst, &at) ||
        !exp2_range(0x1p-30f, 14.0f, &worst, &at))
        return kit_fail(why, "relative error %.3g at %a", worst, (double)at);
    for (int i = -64; i <= 14; i++)
        if (npu_exp2_f32_ref((float)i) != ldexpf(1.0f, i))
            return kit_fail(why, "exp2(%d) is not exact", i);
    static const float below[] = {-64.5f, -1e9f, -3.4e38f, -INFINITY};
    for (int i = 0; i < 4; i++)
        if (npu_exp2_f32_ref(below[i]) != 0x1p-64f)
            return kit_fail(why, "exp2(%g)", (double)below[i]);
    if (npu_exp2_f32_ref(-0.0f) != 1.0f)
        return kit_fail(why, "exp2(-0)");
    kit_fail(why, "relative error at most %.3g, at %a", worst, (double)at);
    return true;
}

/* ---- gemm ---- */

struct exact {
    int m, n, k;
    const int *q, *w; /* [m][k], [n][k] */
    const float *a_scale, *b_scale, *bias;
};

static bool gemm_exact(const struct exact *e, const float *c, struct kit_why *why)
{
    for (int i = 0; i < e->m; i++) {
        for (int j = 0; j < e->n; j++) {
            int64_t sum = 0;
            for (int kk = 0; kk < e->k; kk++)
                sum += (int64_t)e->q[i * e->k + kk] * e->w[j * e->k + kk];
            if (sum != (int32_t)sum)
                return kit_fail(why, "the test's own sum %lld is too large", (long long)sum);
            float want = fmaf((float)sum, e->a_scale[i] * e->b_scale[j], e->bias[j]);
            if (c[i * e->n + j] != want)
                return kit_fail(why, "row %d column %d: %a, int64 has %a", i, j,
                                (double)c[i * e->n + j], (double)want);
        }
    }
    return true;
}

static bool gemm_width(enum npu_width width, int top, struct kit_why *why)
{
    enum { M = 5, N = 37, K = 300, LDA = K + 4 };
    struct npu_kernels ref = ref_kernels();
    int bytes = kit_operand_bytes(&ref, width), q[M * K], w[N * K];
    int16_t a[M * LDA], words[N * K];
    int32_t zero[M], b_sum[N] = {0};
    float a_scale[M], b_scale[N], bias[N], c[M * N];
    struct kit_pool pool = {.count = 0};
    void *b = kit_pool_get(&pool, npu_packed_b_int_size(N, K, ref.int_nr, bytes));
    for (int i = 0; i < M * K; i++) {
        if (i % K == 0)
            zero[i / K] = kit_range(0, 255);
        q[i] = width == NPU_NARROW ? kit_range(0, 255) - zero[i / K] : kit_range(-top, top);
        kit_activation_set(a, i / K * LDA + i % K, bytes, q[i], zero[i / K]);
    }
    for (int i = 0; i < N * K; i++) {
        w[i] = kit_range(-top, top);
        words[i] = (int16_t)w[i];
        b_sum[i / K] += w[i];
    }
    npu_pack_b_int(b, words, 0, N, N, K, ref.int_nr, bytes);
    kit_fill(a_scale, M, KIT_NORMAL);
    kit_fill(b_scale, N, KIT_NORMAL);
    kit_fill(bias, N, KIT_NORMAL);
    struct npu_gemm_int_args args = {.c = c,
                                     .a = a,
                                     .b = b,
                                     .a_scale = a_scale,
                                     .b_scale = b_scale,
                                     .bias = bias,
                                     .a_zero = zero,
                                     .b_sum = b_sum,
                                     .lda = LDA,
                                     .ldc = N,
                                     .m = M,
                                     .n = N,
                                     .k = K};
    ref.width[width].gemm(&args);
    kit_pool_free(&pool);
    struct exact e = {M, N, K, q, w, a_scale, b_scale, bias};
    return gemm_exact(&e, c, why);
}

bool accuracy_gemm_int(struct kit_why *why)
{
    if (!gemm_width(NPU_NARROW, 127, why) || !gemm_width(NPU_WIDE, 2600, why))
        return false;
    kit_fail(why, "both widths, bit for bit");
    return true;
}

/* ---- quant ---- */

static const float sizes[] = {1.0f, 3e38f, 1e-25f, 1e-30f, 1e-37f, 1e-40f, 0x1p-149f};

/* One row: integers in range, and within half a step of what they stand for. Rows below
 * 2^-96 vanish. */
static bool quant_row(const struct npu_kernels *ref, enum npu_width width, bool asymmetric,
                      int q_max, float size, struct kit_why *why)
{
    enum { N = 272 };
    float x[N], scale = -1.0f;
    int16_t dst[N];
    int32_t zero = -1;
    float shift = (float)kit_range(-2, 2) * 0.25f;
    for (int j = 0; j < N; j++)
        x[j] = (kit_float(KIT_NORMAL) * 0.5f + shift) * (asymmetric ? 0.5f : 1.0f) * size;
    struct npu_quant_args args = {.dst = dst,
                                  .x = x,
                                  .scale = &scale,
                                  .zero = &zero,
                                  .ldd = N,
                                  .ldx = N,
                                  .m = 1,
                                  .n = N,
                                  .q_max = q_max,
                                  .asymmetric = asymmetric};
    ref->width[width].quant(&args);
    int least = asymmetric ? -zero : -q_max, most = asymmetric ? q_max - zero : q_max;
    if (asymmetric ? zero < 0 || zero > q_max : zero != KIT_ZERO)
        return kit_fail(why, "q_max %d size %g: zero point %d", q_max, (double)size, zero);
    for (int j = 0; j < N; j++) {
        int q = kit_activation_get(dst, j, kit_operand_bytes(ref, width), zero);
        double error = fabs((double)scale * q - (double)x[j]);
        if (q < least || q > most)
            return kit_fail(why, "q_max %d size %g: integer %d", q_max, (double)size, q);
        if (error > (double)scale * (0.5 + 1e-6 * q_max) + 0x1p-96)
            return kit_fail(why, "q_max %d size %g: %a became %d * %a", q_max, (double)size,
                            (double)x[j], q, (double)scale);
    }
    return true;
}

bool accuracy_quant(struct kit_why *why)
{
    static const int q_max[NPU_WIDTHS][2][2] = {{{127, 63}, {255, 200}},
                                                {{4095, 32767}, {4095, 8191}}};
    struct npu_kernels ref = ref_kernels();
    for (int i = 0; i < 400; i++) {
        enum npu_width width = i & 1 ? NPU_WIDE : NPU_NARROW;
        bool asymmetric = i & 2;
        float size = sizes[i / 4 % (int)(sizeof sizes / sizeof *sizes)];
        if (!quant_row(&ref, width, asymmetric, q_max[width][asymmetric][i / 24 % 2], size, why))
            return false;
    }
    kit_fail(why, "within half a step");
    return true;
}

/* ---- attention ---- */

struct head {
    enum npu_width width;
    int m, n, q_max;
    enum npu_numerators numerators;
    const float *q, *key, *value; /* [m][64], [n][64], [n][64] */
};

struct blocks {
    void *q, *k, *v, *scratch;
    float *q_scale, *k_scale, *v_scale;
    int32_t *offset, *zero;
};

/* The operands as the kernels make them of floats. */
static void quantise(const struct npu_kernels *ref, const struct head *h, struct blocks *b,
                     struct kit_pool *pool)
{
    const struct npu_int_kernels *w = &ref->width[h->width];
    int bytes = kit_operand_bytes(ref, h->width), blocks = (h->n + KEYS - 1) / KEYS;
    size_t block = KEYS * D * (size_t)bytes, count = (size_t)blocks;
    b->q = kit_pool_get(pool, (size_t)h->m * D * (size_t)bytes);
    b->k = kit_pool_get(pool, count * block);
    b->v = kit_pool_get(pool, count * block);
    b->scratch = kit_pool_get(pool, NPU_ATTENTION_INT_SCRATCH);
    b->q_scale = kit_pool_get(pool, (size_t)h->m * sizeof(float));
    b->zero = kit_pool_get(pool, (size_t)h->m * sizeof *b->zero);
    b->k_scale = kit_pool_get(pool, count * sizeof(float));
    b->v_scale = kit_pool_get(pool, count * D * sizeof(float));
    b->offset = kit_pool_get(pool, count * KEYS * sizeof *b->offset);
    struct npu_quant_args args = {.dst = b->q,
                                  .x = h->q,
                                  .scale = b->q_scale,
                                  .zero = b->zero,
                                  .ldd = D,
                                  .ldx = D,
                                  .m = h->m,
                                  .n = D,
                                  .q_max = h->q_max};
    w->quant(&args);
    for (int i = 0; i < blocks; i++) {
        int rows = h->n - i * KEYS < KEYS ? h->n - i * KEYS : KEYS;
        size_t at = (size_t)i * block;
        w->pack_k((char *)b->k + at, b->offset + i * KEYS, b->k_scale + i, h->key + i * KEYS * D, D,
                  rows, h->q_max);
        w->pack_v((char *)b->v + at, b->v_scale + i * D, h->value + i * KEYS * D, D, rows,
                  h->q_max);
    }
}

/* Row i of softmax(q . K * log2(e) / 8) V from the integers and scales, and how far the numerators'
 * rounding may move it: half a unit of the block's largest for each key, half a step of the
 * exponent where they have 8 bits, and the error of exp2 in the numerator and in one factor a
 * block. */
static void attention_row(const struct npu_kernels *ref, const struct head *h,
                          const struct blocks *b, int i, double out[D], double limit[D])
{
    static double s[1536], e[1536], slack[1536], block_max[24];
    int bytes = kit_operand_bytes(ref, h->width), blocks = (h->n + KEYS - 1) / KEYS;
    double max = -INFINITY, sum = 0;
    bool coarse = h->numerators == NPU_NUMERATORS_8;
    double p_top = coarse ? 255 : 8191, step = coarse ? exp2(0.5 / 28) - 1 : 0;
    for (int j = 0; j < h->n; j++) {
        int64_t dot = 0;
        const char *k = (const char *)b->k + (size_t)(j / KEYS) * KEYS * D * (size_t)bytes;
        for (int c = 0; c < D; c++)
            dot += kit_activation_get(b->q, i * D + c, bytes, KIT_ZERO) *
                   kit_packed_get(k, kit_packed_at(j % KEYS, c, D, ref->int_nr, bytes), bytes);
        s[j] = (double)dot * (double)b->q_scale[i] * (double)b->k_scale[j / KEYS];
        if (j % KEYS == 0 || s[j] > block_max[j / KEYS])
            block_max[j / KEYS] = s[j];
        max = s[j] > max ? s[j] : max;
    }
    for (int j = 0; j < h->n; j++) {
        e[j] = exp2(s[j] - max);
        sum += e[j];
        slack[j] = 0.5 / p_top * exp2(block_max[j / KEYS] - max) +
                   ((blocks + 2) * NPU_EXP2_F32_MAX_ERROR + step) * e[j] + 0x1p-60;
    }
    for (int c = 0; c < D; c++) {
        double values[1536];
        out[c] = 0;
        for (int j = 0; j < h->n; j++) {
            const char *v = (const char *)b->v + (size_t)(j / KEYS) * KEYS * D * (size_t)bytes;
            size_t at = kit_packed_at(c, j % KEYS, KEYS, ref->int_nr, bytes);
            values[j] = kit_packed_get(v, at, bytes) * (double)b->v_scale[j / KEYS * D + c];
            out[c] += e[j] * values[j] / sum;
        }
        limit[c] = 1e-6;
        for (int j = 0; j < h->n; j++)
            limit[c] += slack[j] * fabs(values[j] - out[c]) / sum * 1.2;
    }
}

static bool head_near(const struct head *h, double *worst, struct kit_why *why)
{
    struct npu_kernels ref = ref_kernels();
    struct kit_pool pool = {.count = 0};
    struct blocks b;
    quantise(&ref, h, &b, &pool);
    for (int i = 0; i < h->m; i++)
        b.q_scale[i] *= 0.125f * 0x1.715476p+0f; /* 64^-1/2 * log2(e) */
    float *out = kit_pool_get(&pool, (size_t)h->m * D * sizeof *out);
    struct npu_attention_int_args args = {.out = out,
                                          .q = b.q,
                                          .k = b.k,
                                          .v = b.v,
                                          .q_scale = b.q_scale,
                                          .k_scale = b.k_scale,
                                          .v_scale = b.v_scale,
                                          .k_offset = b.offset,
                                          .ldo = D,
                                          .ldq = D,
                                          .m = h->m,
                                          .n = h->n,
                                          .numerators = h->numerators};
    ref.width[h->width].attention(&args, b.scratch);
    bool ok = true;
    for (int i = 0; ok && i < h->m; i++) {
        double want[D], limit[D];
        attention_row(&ref, h, &b, i, want, limit);
        for (int c = 0; ok && c < D; c++) {
            double error = fabs((double)out[i * D + c] - want[c]);
            *worst = error > *worst ? error : *worst;
            if (!(error <= limit[c]))
                ok = kit_fail(why, "n %d row %d column %d: %.9g, float64 has %.9g, allowed %.3g",
                              h->n, i, c, (double)out[i * D + c], want[c], limit[c]);
        }
    }
    kit_pool_free(&pool);
    return ok;
}

bool accuracy_attention_int(struct kit_why *why)
{
    enum { M = 3, N = 211 };
    static const int ns[] = {1, 5, 64, 65, N};
    static const float sharp[] = {1.0f, 8.0f, 60.0f};
    static float q[M * D], key[N * D], value[N * D];
    double worst[NPU_WIDTHS] = {0};
    for (int i = 0; i < 30; i++) {
        enum npu_width width = i & 1 ? NPU_WIDE : NPU_NARROW;
        struct head h = {.width = width, .m = M, .n = ns[i / 2 % 5]};
        h.q_max = width == NPU_WIDE ? 4095 : 127;
        h.numerators = width == NPU_WIDE ? NPU_NUMERATORS_13 : NPU_NUMERATORS_8;
        h.q = q;
        h.key = key;
        h.value = value;
        kit_fill(q, M * D, KIT_NORMAL);
        kit_fill(key, N * D, KIT_NORMAL);
        kit_fill(value, N * D, KIT_NORMAL);
        for (int j = 0; j < M * D; j++)
            q[j] *= sharp[i / 10];
        for (int j = 0; j < N * D; j++) /* blocks of different sizes */
            key[j] *= (float)(1 + j / (KEYS * D) % 3);
        if (!head_near(&h, &worst[width], why))
            return false;
    }
    kit_fail(why, "error at most %.3g narrow, %.3g wide", worst[NPU_NARROW], worst[NPU_WIDE]);
    return true;
}

/* ---- packing ---- */

/* In pieces of 64 rows, as a loader packs, every operand and every padding one. */
static bool packed_b(int n, int k, int nr, int bytes, struct kit_why *why)
{
    struct kit_pool pool = {.count = 0};
    size_t count = (size_t)((n + nr - 1) / nr * nr) * (size_t)k;
    size_t size = npu_packed_b_int_size(n, k, nr, bytes);
    int16_t *w = kit_pool_get(&pool, (size_t)n * (size_t)k * sizeof *w);
    void *b = kit_pool_get(&pool, size);
    for (int i = 0; i < n * k; i++)
        w[i] = (int16_t)(bytes == 1 ? kit_range(-128, 127) : kit_range(-32768, 32767));
    for (int j = 0; j < n; j += 64)
        npu_pack_b_int(b, w + j * k, j, n - j < 64 ? n - j : 64, n, k, nr, bytes);
    bool ok = size == count * (size_t)bytes;
    if (!ok)
        kit_fail(why, "size %zu of n %d k %d nr %d bytes %d", size, n, k, nr, bytes);
    int g = 4 / bytes;
    for (size_t i = 0; ok && i < count; i++) {
        int t = (int)(i % (size_t)g), lane = (int)(i / (size_t)g) % nr;
        int group = (int)(i / (size_t)(g * nr)) % (k / g), panel = (int)(i / (size_t)(nr * k));
        int j = panel * nr + lane, kk = group * g + t;
        int want = j < n ? w[j * k + kk] : 0, got = kit_packed_get(b, i, bytes);
        if (got != want || kit_packed_at(j, kk, k, nr, bytes) != i)
            ok = kit_fail(why, "n %d k %d nr %d bytes %d operand %zu: %d, expected %d", n, k, nr,
                          bytes, i, got, want);
    }
    kit_pool_free(&pool);
    return ok;
}

bool packing_places_int(struct kit_why *why)
{
    for (int bytes = 1; bytes <= 2; bytes++) {
        for (int nr = 16; nr <= 32; nr *= 2) {
            for (int n = 62; n <= 131; n++)
                if (!packed_b(n, 4 + n % 9 * 4, nr, bytes, why))
                    return false;
            if (!packed_b(1, 4, nr, bytes, why) || !packed_b(512, 96, nr, bytes, why))
                return false;
        }
    }
    kit_fail(why, "panels of 16 and 32, bytes and words");
    return true;
}
