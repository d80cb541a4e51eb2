/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/bench/fixed_calls.h"

#include <math.h>
#include <stdlib.h>

#include "tests/kernels/bench.h"

static void *new_bytes(size_t n)
{
    void *p = aligned_alloc(64, (n + 63) / 64 * 64);
    if (!p)
        exit(1);
    return p;
}

static int16_t *words(size_t n, int most)
{
    int16_t *x = new_bytes(n * sizeof(*x));
    for (size_t i = 0; i < n; i++)
        x[i] = (int16_t)kit_range(-most, most);
    return x;
}

/* ---- Products -------------------------------------------------------------------------------- */

struct product {
    npu_fixed_gemm_fn *fn;
    struct npu_fixed_gemm_args args;
};

static void run_product(void *user)
{
    const struct product *p = user;
    p->fn(&p->args);
}

/* wide: weights of 16 bits, and sums of 64. */
static double time_product(npu_fixed_gemm_fn *fn, bool wide, int m, int n, int k,
                           enum npu_fixed_result result)
{
    size_t a_size = (size_t)m * (size_t)k, w_size = (size_t)n * (size_t)k;
    int16_t *a = words(a_size, 32767), *w = words(w_size, 32767), *mult = words((size_t)n, 8000);
    int16_t *table = words(NPU_FIXED_GELU_ENTRIES, 16383), *c = words((size_t)m * (size_t)n, 1);
    int64_t *bias = new_bytes((size_t)n * sizeof(*bias));
    uint8_t *shift = new_bytes((size_t)n / NPU_FIXED_CHANNELS + 1);
    for (size_t i = 0; !wide && i < w_size; i++)
        ((int8_t *)w)[i] = (int8_t)kit_range(-127, 127);
    for (int i = 0; i < n; i++) {
        mult[i] = (int16_t)(16384 + mult[i]);
        bias[i] = kit_range(-1000000, 1000000);
        shift[i / NPU_FIXED_CHANNELS] = 28;
    }
    for (int i = 0; i < NPU_FIXED_GELU_ENTRIES; i++)
        table[i] = (int16_t)(table[i] + 16383);
    struct product p = {fn,
                        {.c = c,
                         .a = a,
                         .w = w,
                         .bias = bias,
                         .mult = mult,
                         .shift = shift,
                         .table = table,
                         .lda = k,
                         .ldw = k,
                         .ldc = n,
                         .m = m,
                         .n = n,
                         .k = k,
                         .acc_shift = wide ? 8 : 0,
                         .gelu_shift = 3,
                         .result = result}};
    double t = bench_clock(run_product, &p, 0);
    void *const all[] = {a, w, mult, table, c, bias, shift};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
    return t;
}

double fixed_call_gemm_s16s8(const struct npu_kernels *set, int rows, int n, int k)
{
    return time_product(set->fixed.gemm_s16s8, false, rows, n, k, NPU_FIXED_S16);
}

double fixed_call_gemm_gelu(const struct npu_kernels *set, int rows, int n, int k)
{
    return time_product(set->fixed.gemm_s16s8, false, rows, n, k, NPU_FIXED_GELU);
}

double fixed_call_gemm_s16s16(const struct npu_kernels *set, int rows, int n, int k)
{
    return time_product(set->fixed.gemm_s16s16, true, rows, n, k, NPU_FIXED_S16);
}

/* ---- The others ------------------------------------------------------------------------------ */

struct attention {
    npu_fixed_attention_fn *fn;
    struct npu_fixed_attention_args args;
};

static void run_attention(void *user)
{
    const struct attention *a = user;
    a->fn(&a->args);
}

double fixed_call_attention(const struct npu_kernels *set, int rows, int n, int k)
{
    enum { D = 64 };
    int16_t *q = words((size_t)rows * D, 32767), *keys = words((size_t)n * D, 6000);
    int16_t *v = words((size_t)n * D, 32767), *out = words((size_t)rows * D, 1);
    int16_t *table = words(NPU_FIXED_EXP_ENTRIES, 1);
    (void)k;
    for (int i = 0; i < NPU_FIXED_EXP_ENTRIES; i++)
        table[i] = (int16_t)rint(32767 * exp2(-i / 64.0));
    struct attention a = {set->fixed.attention,
                          {.out = out,
                           .q = q,
                           .k = keys,
                           .v = v,
                           .exp = table,
                           .ldo = D,
                           .ldq = D,
                           .ldk = D,
                           .ldv = D,
                           .m = rows,
                           .n = n,
                           .qk_shift = 19}};
    double t = bench_clock(run_attention, &a, 0);
    free(q);
    free(keys);
    free(v);
    free(out);
    free(table);
    return t;
}

static int32_t *rows_of_s32(size_t n, int most)
{
    int32_t *x = new_bytes(n * sizeof(*x));
    for (size_t i = 0; i < n; i++)
        x[i] = kit_range(-most, most);
    return x;
}

static void run_norm(void *user)
{
    npu_fixed_norm_s32s16_ref(user);
}

double fixed_call_norm(const struct npu_kernels *set, int rows, int n, int k)
{
    int32_t *x = rows_of_s32((size_t)rows * (size_t)n, 1 << 20);
    int16_t *y = words((size_t)rows * (size_t)n, 1), *mult = words((size_t)n, 32767);
    (void)set, (void)k;
    struct npu_fixed_norm_args args = {.y = y,
                                       .x = x,
                                       .mult = mult,
                                       .ldy = n,
                                       .ldx = n,
                                       .m = rows,
                                       .d = n,
                                       .shift = 10,
                                       .inv_d = (int64_t)rint(0x1p40 / n),
                                       .eps = (int64_t)rint(n * 1e-5 * 0x1p28),
                                       .sqrt_d = (int64_t)rint(sqrt(n) * 1024)};
    double t = bench_clock(run_norm, &args, 0);
    free(x);
    free(y);
    free(mult);
    return t;
}

static void run_gelu(void *user)
{
    npu_fixed_gelu_s32s16_ref(user);
}

double fixed_call_gelu(const struct npu_kernels *set, int rows, int n, int k)
{
    int32_t *u = rows_of_s32((size_t)rows * (size_t)n, 40000);
    int16_t *g = words((size_t)rows * (size_t)n, 1), *table = words(NPU_FIXED_GELU_ENTRIES, 16383);
    (void)set, (void)k;
    for (int i = 0; i < NPU_FIXED_GELU_ENTRIES; i++)
        table[i] = (int16_t)(table[i] + 16383);
    struct npu_fixed_gelu_args args = {
        .g = g, .u = u, .table = table, .ldg = n, .ldu = n, .m = rows, .n = n, .shift = 2};
    double t = bench_clock(run_gelu, &args, 0);
    free(u);
    free(g);
    free(table);
    return t;
}
