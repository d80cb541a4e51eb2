/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The designs of matrix products, with random operands over their whole range. */
#include "tests/sim/designs.h"

#include <stdlib.h>
#include <string.h>

/* A, B and C of a run, filled one after the other. */
struct streams {
    uint8_t *a, *b, *c, *expected;
    size_t a_bytes, b_bytes, c_bytes;
};

static struct streams streams_new(size_t a_objects, size_t b_objects, size_t c_objects)
{
    struct streams s = {.a_bytes = a_objects * OBJECT,
                        .b_bytes = b_objects * OBJECT,
                        .c_bytes = c_objects * OBJECT};
    s.a = designs_alloc(s.a_bytes);
    s.b = designs_alloc(s.b_bytes);
    s.c = designs_alloc(s.c_bytes);
    s.expected = designs_alloc(s.c_bytes);
    return s;
}

static void streams_run(struct streams *s, const char *name, const char *design,
                        const char *sequence)
{
    const struct designs_buffer buffers[] = {
        {s->a, s->a_bytes}, {s->b, s->b_bytes}, {s->c, s->c_bytes}};
    designs_run(name, design, sequence, buffers, 3, 2, s->expected);
    free(s->a);
    free(s->b);
    free(s->c);
    free(s->expected);
}

/* One job of every result. */
static void gemm_s16s8(void)
{
    struct streams s = streams_new(88, 45, 16);
    uint8_t *a = s.a, *b = s.b, *c = s.expected;
    for (int result = NPU_FIXED_S16; result <= NPU_FIXED_STEM; result++) {
        struct designs_product p =
            designs_product_random(NPU_ARRAY_S16S8, T, T, 512, (enum npu_fixed_result)result);
        designs_product_compute(&p);
        a = designs_pack_a(a, &p, 0);
        if (result == NPU_FIXED_RESIDUAL || result == NPU_FIXED_STEM)
            a = designs_pack_operands(a, &p, 0, 0);
        b = designs_pack_b(b, &p, 0, 1);
        c = designs_pack_c(c, &p, 0, 0);
        designs_product_free(&p);
    }
    streams_run(&s, "gemm_s16s8", "gemm_s16s8", "sequence");
}

void designs_fc1_run(const char *name, const struct designs_product *p)
{
    enum { GROUPS = 6, JOBS = 8 };
    bool one = p->m == T;
    struct streams s = streams_new((size_t)p->m / T * 16, 32 * 9, (size_t)p->m / T * 32 * 2);
    uint8_t *a = s.a, *b = s.b, tile[2 * OBJECT];
    for (int row = 0; row < p->m / T; row++)
        a = designs_pack_a(a, p, row);
    /* Column c's job j makes channels of tile 4 j + c; on one core there is one column. */
    for (int i = 0; i < 32; i++) {
        int column = one ? i : i % JOBS * 4 + i / JOBS;
        b = designs_pack_b(b, p, column, 4);
        for (int row = 0; row < p->m / T; row++) {
            designs_pack_c(tile, p, row, column);
            for (size_t part = 0; part < 2; part++) {
                size_t at = ((((size_t)(i / JOBS) * GROUPS + (size_t)(row / 4)) * JOBS +
                              (size_t)(i % JOBS)) *
                                 2 +
                             part) *
                                4 +
                            (size_t)(row % 4);
                if (one)
                    at = (size_t)i * 2 + part;
                memcpy(s.expected + at * OBJECT, tile + part * OBJECT, OBJECT);
            }
        }
    }
    streams_run(&s, name, one ? "gemm_s16s8" : "encoder", "fc1");
}

static void fc1(const char *name, int m)
{
    struct designs_product p =
        designs_product_random(NPU_ARRAY_S16S8, m, 2048, 512, NPU_FIXED_GELU);
    designs_product_compute(&p);
    designs_fc1_run(name, &p);
    designs_product_free(&p);
}

static void gemm_s16s16(void)
{
    static const enum npu_fixed_result results[] = {NPU_FIXED_S16, NPU_FIXED_S32};
    struct streams s = streams_new(32, 34, 6);
    uint8_t *a = s.a, *b = s.b, *c = s.expected;
    for (int i = 0; i < 2; i++) {
        struct designs_product p = designs_product_random(NPU_ARRAY_S16S16, T, T, 512, results[i]);
        designs_product_compute(&p);
        a = designs_pack_a(a, &p, 0);
        b = designs_pack_b(b, &p, 0, 1);
        c = designs_pack_c(c, &p, 0, 0);
        designs_product_free(&p);
    }
    streams_run(&s, "gemm_s16s16", "gemm_s16s16", NULL);
}

/* 32 products n x n of whole bytes, -128 included; all three row-major. */
static void matmul(int n, const char *design)
{
    size_t count = 32 * (size_t)n * (size_t)n;
    int8_t *a = designs_alloc(count), *b = designs_alloc(count);
    int32_t *c = designs_alloc(4 * count), *expected = designs_alloc(4 * count);
    for (size_t i = 0; i < count; i++) {
        a[i] = (int8_t)kit_range(-128, 127);
        b[i] = (int8_t)kit_range(-128, 127);
    }
    for (size_t at = 0; at < count; at += (size_t)n * (size_t)n)
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                for (int k = 0; k < n; k++)
                    expected[at + (size_t)(i * n + j)] +=
                        a[at + (size_t)(i * n + k)] * b[at + (size_t)(k * n + j)];
    const struct designs_buffer buffers[] = {{a, count}, {b, count}, {c, 4 * count}};
    designs_run(design, design, NULL, buffers, 3, 2, expected);
    free(a);
    free(b);
    free(c);
    free(expected);
}

/* 256 x 256 x 256; A and C row-major. */
static void matmul_4col(void)
{
    struct designs_product p = designs_product_random(NPU_ARRAY_S8S8, 256, 256, 256, NPU_FIXED_S32);
    uint8_t *b = designs_alloc(20 * OBJECT), *to = b;
    int32_t *c = designs_alloc(65536 * sizeof(*c));
    designs_product_compute(&p);
    for (int column = 0; column < 4; column++)
        to = designs_pack_b(to, &p, column, 1);
    const struct designs_buffer buffers[] = {
        {p.a, 65536}, {b, 20 * OBJECT}, {c, 65536 * sizeof(*c)}};
    designs_run("matmul_4col", "matmul_4col", NULL, buffers, 3, 2, p.c);
    designs_product_free(&p);
    free(b);
    free(c);
}

/* Buffers as mlir/encoder.mlir says: column i of C has part p of all four rows, then the next. */
void designs_encoder_run(const char *name, const struct designs_product *p, const char *sequence)
{
    bool operands = p->result == NPU_FIXED_RESIDUAL || p->result == NPU_FIXED_STEM;
    size_t parts = (size_t)npu_array_c_objects(p->result);
    struct streams s = streams_new(operands ? 128 : 64, 36, 16 * parts);
    uint8_t *a = s.a, *b = s.b, tile[4 * OBJECT];
    for (int i = 0; i < 4; i++) {
        a = designs_pack_a(a, p, i);
        for (int column = 0; operands && column < 4; column++)
            a = designs_pack_operands(a, p, i, column);
        b = designs_pack_b(b, p, i, 4);
        for (int row = 0; row < 4; row++) {
            designs_pack_c(tile, p, row, i);
            for (size_t part = 0; part < parts; part++)
                memcpy(s.expected + (((size_t)i * parts + part) * 4 + (size_t)row) * OBJECT,
                       tile + part * OBJECT, OBJECT);
        }
    }
    streams_run(&s, name, "encoder", sequence);
}

/* One job on each of 16 cores. */
static void encoder(enum npu_fixed_result result, const char *name, const char *sequence)
{
    struct designs_product p = designs_product_random(NPU_ARRAY_S16S8, 256, 256, 512, result);
    designs_product_compute(&p);
    designs_encoder_run(name, &p, sequence);
    designs_product_free(&p);
}

void designs_gemm(void)
{
    gemm_s16s8();
    fc1("gemm_s16s8_fc1", T);
    gemm_s16s16();
    matmul(16, "matmul_16");
    matmul(32, "matmul_32");
    matmul(64, "matmul_64");
    matmul_4col();
    encoder(NPU_FIXED_S16, "encoder_s16", "sequence");
    encoder(NPU_FIXED_RESIDUAL, "encoder_residual", "out");
    if (designs_table) {
        fc1("encoder_fc1", 1536);
    } else {
        encoder(NPU_FIXED_GELU, "encoder_gelu", "sequence");
        encoder(NPU_FIXED_STEM, "encoder_stem", "out");
    }
}
