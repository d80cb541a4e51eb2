/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The designs of LayerNorm, of GELU and of both around a product. */
#include "tests/sim/designs.h"

#include <math.h>
#include <stdlib.h>

/* Constants of fixed_norm at 2^-14. */
struct norm {
    int64_t inv_d, eps, sqrt_d;
    int16_t *mult;
};

static struct norm norm_new(int d)
{
    struct norm n = {.inv_d = (int64_t)rint(0x1p40 / d),
                     .eps = (int64_t)rint(d * 1e-5 * 0x1p28),
                     .sqrt_d = (int64_t)rint(sqrt(d) * 1024)};
    n.mult = designs_alloc((size_t)d * sizeof(*n.mult));
    for (int i = 0; i < d; i++)
        n.mult[i] = (int16_t)kit_range(8192, 32767);
    return n;
}

enum { NORM_SHIFT = 8 };

static struct npu_fixed_norm_args norm_args(int16_t *y, const int32_t *x, const struct norm *n,
                                            int rows, int d)
{
    return (struct npu_fixed_norm_args){.y = y,
                                        .x = x,
                                        .mult = n->mult,
                                        .ldy = d,
                                        .ldx = d,
                                        .m = rows,
                                        .d = d,
                                        .shift = NORM_SHIFT,
                                        .inv_d = n->inv_d,
                                        .eps = n->eps,
                                        .sqrt_d = n->sqrt_d};
}

/* Rows of every size: from a few units to the whole range. */
static void fill_rows(int32_t *x, int rows, int d)
{
    for (int r = 0; r < rows; r++) {
        int32_t most = r == 0 ? 0 : 1 << (r % 31);
        for (int i = 0; i < d; i++)
            x[r * d + i] = kit_range(-most, most);
    }
}

static void layernorm(int d, const char *design)
{
    size_t count = (size_t)T * (size_t)d;
    struct norm n = norm_new(d);
    struct npu_core_job job;
    int32_t *x = designs_alloc(count * sizeof(*x));
    int16_t *y = designs_alloc(count * sizeof(*y)), *expected = designs_alloc(count * sizeof(*y));
    fill_rows(x, T, d);
    const struct npu_fixed_norm_args args = norm_args(expected, x, &n, T, d);
    npu_fixed_norm_s32s16_ref(&args);
    npu_array_norm_job(&job, &args, T / (1024 / d));
    const struct designs_buffer buffers[] = {
        {x, count * sizeof(*x)}, {&job, sizeof(job)}, {y, count * sizeof(*y)}};
    designs_run(design, design, NULL, buffers, 3, 2, expected);
    free(n.mult);
    free(x);
    free(y);
    free(expected);
}

/* h of sf = 2^-12, as the contract's table. */
static void fill_table(int16_t *table)
{
    for (int i = 0; i < NPU_FIXED_GELU_ENTRIES; i++) {
        double a = 32 * i * 0x1p-12;
        table[i] = (int16_t)rint(a / 2 * erfc(a / sqrt(2)) * 0x1p12);
    }
}

static void gelu_compute(int16_t *g, const int32_t *u, const int16_t *table, size_t n, int shift)
{
    npu_fixed_gelu_s32s16_ref(&(struct npu_fixed_gelu_args){.g = g,
                                                            .u = u,
                                                            .table = table,
                                                            .ldg = (ptrdiff_t)n,
                                                            .ldu = (ptrdiff_t)n,
                                                            .m = 1,
                                                            .n = (int)n,
                                                            .shift = shift});
}

static void gelu(int n, int vectors, const char *design)
{
    size_t count = (size_t)n * (size_t)vectors;
    int16_t table[NPU_FIXED_GELU_ENTRIES];
    struct npu_core_job job;
    int32_t *u = designs_alloc(count * sizeof(*u));
    int16_t *g = designs_alloc(count * sizeof(*g)), *expected = designs_alloc(count * sizeof(*g));
    fill_table(table);
    for (size_t i = 0; i < count; i++)
        u[i] = i % 8 ? kit_range(-40000, 40000) : kit_range(-(1 << 20), 1 << 20);
    gelu_compute(expected, u, table, count, 2);
    npu_array_gelu_job(&job, table, 2, vectors);
    const struct designs_buffer buffers[] = {
        {u, count * sizeof(*u)}, {&job, sizeof(job)}, {g, count * sizeof(*g)}};
    designs_run(design, design, NULL, buffers, 3, 2, expected);
    free(u);
    free(g);
    free(expected);
}

/* 256 positions: LayerNorm of 128, 128 x 64, GELU. */
static void chain(void)
{
    enum { ROWS = 256, D = 128 };
    struct designs_product p = designs_product_random(NPU_ARRAY_S16S8, ROWS, T, D, NPU_FIXED_S32);
    struct npu_core_job jobs[2];
    struct norm n = norm_new(D);
    uint8_t b[3 * OBJECT];
    int32_t *x = designs_alloc(ROWS * D * sizeof(*x));
    int16_t *g = designs_alloc(ROWS * T * sizeof(*g)), *expected = designs_alloc(ROWS * T * 2);
    fill_rows(x, ROWS, D);
    const struct npu_fixed_norm_args args = norm_args(p.a, x, &n, ROWS, D);
    npu_fixed_norm_s32s16_ref(&args);
    p.shift[0] = 26;
    designs_product_compute(&p);
    fill_table(p.table);
    gelu_compute(expected, p.c, p.table, ROWS * T, 2);
    npu_array_norm_job(&jobs[0], &args, ROWS / T);
    npu_array_gelu_job(&jobs[1], p.table, 2, ROWS / 16);
    designs_pack_b(b, &p, 0, 1);
    const struct designs_buffer buffers[] = {{x, ROWS * D * sizeof(*x)},
                                             {b, sizeof(b)},
                                             {jobs, sizeof(jobs)},
                                             {g, ROWS * T * sizeof(*g)}};
    designs_run("chain", "chain", NULL, buffers, 4, 3, expected);
    designs_product_free(&p);
    free(n.mult);
    free(x);
    free(g);
    free(expected);
}

void designs_rows(void)
{
    layernorm(256, "layernorm_256");
    layernorm(512, "layernorm_512");
    gelu(512, 128, "gelu_512");
    gelu(2048, 64, "gelu_2048");
    chain();
}
