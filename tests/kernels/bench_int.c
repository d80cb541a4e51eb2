/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The speed of the integer kernels. */
#include "tests/kernels/bench.h"
#include "tests/kernels/checks.h"
#include "tests/kernels/kit_int.h"
#include "tests/kernels/peak.h"

#include <math.h>
#include <stdio.h>

enum { D = NPU_HEAD_DIM, KEYS = 1500, BLOCKS = (KEYS + NPU_KEY_BLOCK - 1) / NPU_KEY_BLOCK };

struct work {
    const struct npu_int_kernels *k;
    struct npu_gemm_int_args gemm;
    struct npu_quant_args quant;
    struct npu_attention_int_args attention;
    void *scratch, *packed;
    float *x, *scale;
    int32_t *offset;
    int top;
};

static void run_gemm(void *user)
{
    const struct work *w = user;
    w->k->gemm(&w->gemm);
}

static void run_quant(void *user)
{
    const struct work *w = user;
    w->k->quant(&w->quant);
}

static void run_attention(void *user)
{
    const struct work *w = user;
    w->k->attention(&w->attention, w->scratch);
}

static void run_pack_k(void *user)
{
    const struct work *w = user;
    w->k->pack_k(w->packed, w->offset, w->scale, w->x, D, NPU_KEY_BLOCK, w->top);
}

static void run_pack_v(void *user)
{
    const struct work *w = user;
    w->k->pack_v(w->packed, w->scale, w->x, D, NPU_KEY_BLOCK, w->top);
}

static int top_of(enum npu_width width)
{
    return width == NPU_NARROW ? 127 : 4095;
}

static float *floats(struct kit_pool *pool, size_t n)
{
    float *x = kit_pool_get(pool, n * sizeof *x);
    kit_fill(x, n, KIT_NORMAL);
    return x;
}

/* m rows of n floats as symmetric operands, and their scales. */
static void *operands(const struct npu_kernels *k, enum npu_width width, int m, int n,
                      struct work *w, struct kit_pool *pool)
{
    size_t size = (size_t)m * (size_t)n;
    w->k = &k->width[width];
    w->top = top_of(width);
    w->quant = (struct npu_quant_args){
        .dst = kit_pool_get(pool, size * (size_t)kit_operand_bytes(k, width)),
        .x = floats(pool, size),
        .scale = floats(pool, (size_t)m),
        .zero = kit_pool_get(pool, (size_t)m * sizeof(int32_t)),
        .ldd = n,
        .ldx = n,
        .m = m,
        .n = n,
        .q_max = w->top};
    w->k->quant(&w->quant);
    return w->quant.dst;
}

double bench_gemm_int(const struct npu_kernels *k, enum npu_width width, int m, int n, int kk,
                      unsigned flags, double budget)
{
    struct kit_pool pool = {.count = 0};
    struct work w;
    int bytes = kit_operand_bytes(k, width), top = top_of(width);
    int16_t *weights = kit_pool_get(&pool, (size_t)n * (size_t)kk * sizeof *weights);
    void *b = kit_pool_get(&pool, npu_packed_b_int_size(n, kk, k->int_nr, bytes));
    for (int i = 0; i < n * kk; i++)
        weights[i] = (int16_t)kit_range(-top, top);
    npu_pack_b_int(b, weights, 0, n, n, kk, k->int_nr, bytes);
    void *a = operands(k, width, m, kk, &w, &pool);
    w.gemm = (struct npu_gemm_int_args){
        .c = floats(&pool, (size_t)m * (size_t)n),
        .a = a,
        .b = b,
        .a_scale = w.quant.scale,
        .b_scale = floats(&pool, (size_t)n),
        .bias = floats(&pool, (size_t)n),
        .a_zero = w.quant.zero,
        .b_sum = kit_pool_get(&pool, (size_t)n * sizeof(int32_t)), /* any values */
        .lda = kk,
        .ldc = n,
        .m = m,
        .n = n,
        .k = kk,
        .flags = flags};
    double t = bench_clock(run_gemm, &w, budget);
    kit_pool_free(&pool);
    return t;
}

double bench_quant(const struct npu_kernels *k, enum npu_width width, int m, int n, bool asymmetric,
                   double budget)
{
    struct kit_pool pool = {.count = 0};
    struct work w;
    operands(k, width, m, n, &w, &pool);
    w.quant.asymmetric = asymmetric;
    double t = bench_clock(run_quant, &w, budget);
    kit_pool_free(&pool);
    return t;
}

double bench_pack(const struct npu_kernels *k, enum npu_width width, bool values, double budget)
{
    struct kit_pool pool = {.count = 0};
    struct work w = {.k = &k->width[width],
                     .packed = kit_pool_get(&pool, NPU_KEY_BLOCK * D * sizeof(int16_t)),
                     .offset = kit_pool_get(&pool, NPU_KEY_BLOCK * sizeof(int32_t)),
                     .scale = floats(&pool, D),
                     .x = floats(&pool, NPU_KEY_BLOCK * D),
                     .top = top_of(width)};
    double t = bench_clock(values ? run_pack_v : run_pack_k, &w, budget);
    kit_pool_free(&pool);
    return t;
}

double bench_attention_int(const struct npu_kernels *k, enum npu_width width, int m, double budget)
{
    struct kit_pool pool = {.count = 0};
    struct work w;
    size_t block = NPU_KEY_BLOCK * D * (size_t)kit_operand_bytes(k, width);
    void *q = operands(k, width, m, D, &w, &pool);
    char *key = kit_pool_get(&pool, BLOCKS * block), *value = kit_pool_get(&pool, BLOCKS * block);
    float *k_scale = floats(&pool, BLOCKS), *v_scale = floats(&pool, BLOCKS * D);
    int32_t *offset = kit_pool_get(&pool, BLOCKS * NPU_KEY_BLOCK * sizeof *offset);
    for (int b = 0; b < BLOCKS; b++) {
        int rows = KEYS - b * NPU_KEY_BLOCK < NPU_KEY_BLOCK ? KEYS - b * NPU_KEY_BLOCK : 64;
        const float *x = floats(&pool, NPU_KEY_BLOCK * D);
        size_t at = (size_t)b * block;
        w.k->pack_k(key + at, offset + b * NPU_KEY_BLOCK, k_scale + b, x, D, rows, w.top);
        w.k->pack_v(value + at, v_scale + b * D, x, D, rows, w.top);
        pool.count--;
        kit_free(pool.at[pool.count], pool.size[pool.count]);
    }
    w.scratch = kit_pool_get(&pool, NPU_ATTENTION_INT_SCRATCH);
    w.attention = (struct npu_attention_int_args){
        .out = floats(&pool, (size_t)m * D),
        .q = q,
        .k = key,
        .v = value,
        .q_scale = w.quant.scale,
        .k_scale = k_scale,
        .v_scale = v_scale,
        .k_offset = offset,
        .ldo = D,
        .ldq = D,
        .m = m,
        .n = KEYS,
        .numerators = width == NPU_NARROW ? NPU_NUMERATORS_8 : NPU_NUMERATORS_13};
    double t = bench_clock(run_attention, &w, budget);
    kit_pool_free(&pool);
    return t;
}

static void bench_gemms(const struct npu_kernels *k, const struct npu_kernels *ref,
                        enum npu_width width, double top, double budget)
{
    static const struct {
        int m, n, k;
        unsigned flags;
    } shapes[] = {{192, 512, 512, 0},  {192, 2048, 512, NPU_GEMM_GELU},
                  {192, 512, 2048, 0}, {192, 1536, 384, 0},
                  {192, 384, 1536, 0}, {64, 512, 512, 0}};
    char name[64];
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int m = shapes[i].m, n = shapes[i].n, kk = shapes[i].k;
        snprintf(name, sizeof name, "gemm %d x %d x k %d%s", m, n, kk, shapes[i].flags ? " g" : "");
        /* ref by a few rows: it takes seconds for all */
        bench_report(name, 1e-9 * m * n * kk,
                     bench_gemm_int(k, width, m, n, kk, shapes[i].flags, budget),
                     bench_gemm_int(ref, width, 8, n, kk, shapes[i].flags, 0) * m / 8, top);
    }
}

void bench_int(const struct npu_kernels *k, const struct npu_kernels *ref, double budget)
{
    static const char *const names[NPU_WIDTHS] = {"narrow", "wide"};
    char name[64];
    for (int i = 0; i < NPU_WIDTHS; i++) {
        enum npu_width width = (enum npu_width)i;
        double top = peak_measure(k, (enum peak_kind)width, budget).gmacs;
        printf("%s, %s operands of %d: one core", k->name, names[i], kit_operand_bytes(k, width));
        printf(top > 0 ? ", peak %.1f GMAC/s\n" : "\n", top);
        bench_gemms(k, ref, width, top, budget);
        for (int m = 64; m <= 192; m += 64) {
            snprintf(name, sizeof name, "attention %d x %d", m, KEYS);
            bench_report(name, 2e-9 * m * KEYS * D, bench_attention_int(k, width, m, budget),
                         bench_attention_int(ref, width, 8, 0) * m / 8, top);
        }
        bench_report("quant 192 x 512", 1e-9 * 192 * 512,
                     bench_quant(k, width, 192, 512, false, budget),
                     bench_quant(ref, width, 192, 512, false, 0), 0);
        bench_report("quant asymmetric", 1e-9 * 192 * 512,
                     bench_quant(k, width, 192, 512, true, budget),
                     bench_quant(ref, width, 192, 512, true, 0), 0);
        bench_report("pack_k 64 x 64", 1e-9 * 64 * 64, bench_pack(k, width, false, budget),
                     bench_pack(ref, width, false, 0), 0);
        bench_report("pack_v 64 x 64", 1e-9 * 64 * 64, bench_pack(k, width, true, budget),
                     bench_pack(ref, width, true, 0), 0);
    }
}
