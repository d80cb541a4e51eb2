/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The speed of each kernel at the call sites of the tests, as the fastest of many runs. */
#include "tests/kernels/bench.h"
#include "tests/kernels/checks.h"
#include "tests/kernels/peak.h"

#include <stdio.h>
#include <string.h>

enum { D = NPU_HEAD_DIM, KEYS = 1500 };

bench_clock_fn *bench_clock = kit_fastest;

struct work {
    const struct npu_kernels *k;
    struct npu_gemm_f32_args gemm;
    float *x, *y, *kt, *v, *scratch;
    int m, n;
};

static void run_gemm(void *user)
{
    const struct work *w = user;
    w->k->gemm_f32(&w->gemm);
}

static void run_attention(void *user)
{
    const struct work *w = user;
    w->k->attention_f32(w->y, D, w->x, D, w->kt, w->v, w->m, w->n, w->scratch);
}

static void run_norm(void *user)
{
    const struct work *w = user;
    w->k->norm_f32(w->y, w->n, w->x, w->n, w->kt, w->v, w->m, w->n);
}

static void run_gelu(void *user)
{
    const struct work *w = user;
    memcpy(w->y, w->x, (size_t)w->n * sizeof *w->x);
    w->k->gelu_f32(w->y, (size_t)w->n);
}

double bench_gemm_f32(const struct npu_kernels *k, int m, int n, int kk, unsigned flags,
                      double budget)
{
    size_t b_size = npu_packed_b_f32_size(n, kk, k->gemm_f32_nr);
    size_t a_size = (size_t)m * (size_t)kk, c_size = (size_t)m * (size_t)n;
    float *a = kit_alloc(a_size), *b = kit_alloc(b_size), *c = kit_alloc(c_size);
    float *bias = kit_alloc((size_t)n);
    kit_fill(a, a_size, KIT_NORMAL);
    kit_fill(b, b_size, KIT_NORMAL);
    kit_fill(bias, (size_t)n, KIT_NORMAL);
    struct work w = {.k = k,
                     .gemm = {.c = c,
                              .a = a,
                              .b = b,
                              .bias = bias,
                              .lda = kk,
                              .ldc = n,
                              .m = m,
                              .n = n,
                              .k = kk,
                              .flags = flags}};
    double t = bench_clock(run_gemm, &w, budget);
    kit_free(a, a_size);
    kit_free(b, b_size);
    kit_free(c, c_size);
    kit_free(bias, (size_t)n);
    return t;
}

double bench_attention_f32(const struct npu_kernels *k, int m, double budget)
{
    size_t kt_size = npu_packed_b_f32_size(KEYS, D, k->gemm_f32_nr), v_size = (size_t)KEYS * D;
    size_t q_size = (size_t)m * D, scratch_size = npu_attention_f32_scratch(KEYS);
    struct work w = {.k = k,
                     .x = kit_alloc(q_size),
                     .y = kit_alloc(q_size),
                     .m = m,
                     .n = KEYS,
                     .kt = kit_alloc(kt_size),
                     .v = kit_alloc(v_size),
                     .scratch = kit_alloc(scratch_size)};
    kit_fill(w.x, q_size, KIT_NORMAL);
    kit_fill(w.kt, kt_size, KIT_NORMAL);
    kit_fill(w.v, v_size, KIT_NORMAL);
    double t = bench_clock(run_attention, &w, budget);
    kit_free(w.x, q_size);
    kit_free(w.y, q_size);
    kit_free(w.kt, kt_size);
    kit_free(w.v, v_size);
    kit_free(w.scratch, scratch_size);
    return t;
}

/* norm (m rows of n) or gelu (n elements, m = 1, a copy included). */
static double row_seconds(const struct npu_kernels *k, void (*run)(void *), int m, int n,
                          double budget)
{
    size_t size = (size_t)m * (size_t)n;
    struct work w = {.k = k,
                     .m = m,
                     .n = n,
                     .x = kit_alloc(size),
                     .y = kit_alloc(size),
                     .kt = kit_alloc((size_t)n),
                     .v = kit_alloc((size_t)n)};
    kit_fill(w.x, size, KIT_NORMAL);
    kit_fill(w.kt, (size_t)n, KIT_NORMAL);
    kit_fill(w.v, (size_t)n, KIT_NORMAL);
    double t = bench_clock(run, &w, budget);
    kit_free(w.x, size);
    kit_free(w.y, size);
    kit_free(w.kt, (size_t)n);
    kit_free(w.v, (size_t)n);
    return t;
}

double bench_norm_f32(const struct npu_kernels *k, int m, int n, double budget)
{
    return row_seconds(k, run_norm, m, n, budget);
}

double bench_gelu_f32(const struct npu_kernels *k, int n, double budget)
{
    return row_seconds(k, run_gelu, 1, n, budget);
}

void bench_report(const char *name, double gmac, double t, double t_ref, double top)
{
    printf("  %-24s %9.4f ms %8.1f GMAC/s", name, t * 1e3, gmac / t);
    if (top > 0)
        printf(" %5.1f %% of peak", 100 * gmac / t / top);
    printf("  %.1f x ref\n", t_ref / t);
    fflush(stdout);
}

void bench(const struct npu_kernels *k, const struct npu_kernels *ref, double budget)
{
    static const struct {
        int m, n, k;
        unsigned flags;
    } shapes[] = {{192, 512, 512, 0},   {192, 2048, 512, NPU_GEMM_GELU},
                  {192, 512, 2048, 0},  {192, 1536, 384, 0},
                  {192, 384, 1536, 0},  {64, 512, 512, 0},
                  {192, 5120, 1280, 0}, {192, 1280, 5120, 0}};
    char name[64];
    double top = peak_measure(k, PEAK_F32, budget).gmacs;
    printf("%s: one core", k->name);
    printf(top > 0 ? ", fma peak %.1f GMAC/s\n" : "\n", top);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int m = shapes[i].m, n = shapes[i].n, kk = shapes[i].k;
        snprintf(name, sizeof name, "gemm %d x %d x k %d%s", m, n, kk, shapes[i].flags ? " g" : "");
        double t = bench_gemm_f32(k, m, n, kk, shapes[i].flags, budget);
        /* ref by a few rows: it takes seconds for all */
        double t_ref = bench_gemm_f32(ref, 8, n, kk, shapes[i].flags, 0) * m / 8;
        bench_report(name, 1e-9 * m * n * kk, t, t_ref, top);
    }
    for (int m = 64; m <= 192; m += 64) {
        snprintf(name, sizeof name, "attention %d x %d", m, KEYS);
        bench_report(name, 2e-9 * m * KEYS * D, bench_attention_f32(k, m, budget),
                     bench_attention_f32(ref, 8, 0) * m / 8, top);
    }
    bench_report("norm 192 x 512", 1e-9 * 192 * 512, bench_norm_f32(k, 192, 512, budget),
                 bench_norm_f32(ref, 192, 512, 0), 0);
    bench_report("gelu 16384", 1e-9 * 16384, bench_gelu_f32(k, 16384, budget),
                 bench_gelu_f32(ref, 16384, 0), 0);
    bench_int(k, ref, budget);
}
