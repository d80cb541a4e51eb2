/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/ref/init.h"
#include "kernels/ref/int.h"

#include <assert.h>
#include <math.h>

static float largest(const float *x, ptrdiff_t step, int n)
{
    float big = 0.0f;
    for (int i = 0; i < n; i++)
        big = fmaxf(big, fabsf(x[i * step]));
    return big;
}

static void store(void *dst, size_t at, int bytes, int32_t q, int32_t zero)
{
    if (bytes == 1)
        ((uint8_t *)dst)[at] = (uint8_t)(q + zero);
    else
        ((int16_t *)dst)[at] = (int16_t)q;
}

static void quant_symmetric(const struct npu_quant_args *a, int i, int bytes)
{
    const float *x = a->x + i * a->ldx;
    float big = largest(x, 1, a->n),
          factor = big >= NPU_QUANT_SMALLEST ? (float)a->q_max / big : 0.0f;
    a->scale[i] = big / (float)a->q_max;
    a->zero[i] = NPU_SYMMETRIC_ZERO;
    for (int j = 0; j < a->n; j++)
        store(a->dst, (size_t)(i * a->ldd + j), bytes, (int32_t)rintf(x[j] * factor),
              NPU_SYMMETRIC_ZERO);
}

static void quant_asymmetric(const struct npu_quant_args *a, int i, int bytes)
{
    const float *x = a->x + i * a->ldx;
    float lo = 0.0f, hi = 0.0f;
    for (int j = 0; j < a->n; j++) {
        lo = fminf(lo, x[j]);
        hi = fmaxf(hi, x[j]);
    }
    float width = hi - lo, factor = width >= NPU_QUANT_SMALLEST ? (float)a->q_max / width : 0.0f;
    int32_t zero = (int32_t)rintf(-lo * factor);
    a->scale[i] = width / (float)a->q_max;
    a->zero[i] = zero;
    for (int j = 0; j < a->n; j++) {
        int32_t u = (int32_t)rintf(x[j] * factor) + zero;
        store(a->dst, (size_t)(i * a->ldd + j), bytes, (u < a->q_max ? u : a->q_max) - zero, zero);
    }
}

static void quant(const struct npu_quant_args *args, int bytes)
{
    assert(args->m >= 1 && args->n >= 16 && args->n % 16 == 0);
    for (int i = 0; i < args->m; i++) {
        if (args->asymmetric)
            quant_asymmetric(args, i, bytes);
        else
            quant_symmetric(args, i, bytes);
    }
}

void npu_quant_u8_ref(const struct npu_quant_args *args)
{
    assert(args->q_max <= (args->asymmetric ? 255 : 127));
    quant(args, 1);
}

void npu_quant_s16_ref(const struct npu_quant_args *args)
{
    quant(args, 2);
}

static void pack_k(void *dst, int32_t *offset, float *scale, const float *k, ptrdiff_t ld, int rows,
                   int q_max, int bytes)
{
    const int nr = NPU_INT_NR_REF, dim = NPU_HEAD_DIM;
    float big = 0.0f;
    assert(rows >= 1 && rows <= NPU_KEY_BLOCK);
    for (int j = 0; j < rows; j++)
        big = fmaxf(big, largest(k + j * ld, 1, dim));
    float factor = big >= NPU_QUANT_SMALLEST ? (float)q_max / big : 0.0f;
    *scale = big / (float)q_max;
    for (int j = 0; j < NPU_KEY_BLOCK; j++) {
        int32_t sum = 0;
        for (int d = 0; d < dim; d++) {
            int32_t q = j < rows ? (int32_t)rintf(k[j * ld + d] * factor) : 0;
            npu_weight_set(dst, npu_packed_b_int_at(j, d, dim, nr, bytes), bytes, q);
            sum += q;
        }
        offset[j] = j >= rows ? NPU_NO_SCORE : bytes == 1 ? -NPU_SYMMETRIC_ZERO * sum : 0;
    }
}

static void pack_v(void *dst, float *scale, const float *v, ptrdiff_t ld, int rows, int q_max,
                   int bytes)
{
    const int nr = NPU_INT_NR_REF, keys = NPU_KEY_BLOCK;
    assert(rows >= 1 && rows <= NPU_KEY_BLOCK);
    for (int d = 0; d < NPU_HEAD_DIM; d++) {
        float big = largest(v + d, ld, rows),
              factor = big >= NPU_QUANT_SMALLEST ? (float)q_max / big : 0.0f;
        scale[d] = big / (float)q_max;
        for (int j = 0; j < keys; j++) {
            int32_t q = j < rows ? (int32_t)rintf(v[j * ld + d] * factor) : 0;
            npu_weight_set(dst, npu_packed_b_int_at(d, j, keys, nr, bytes), bytes, q);
        }
    }
}

void npu_pack_k_s8_ref(void *dst, int32_t *offset, float *scale, const float *k, ptrdiff_t ld,
                       int rows, int q_max)
{
    pack_k(dst, offset, scale, k, ld, rows, q_max, 1);
}

void npu_pack_k_s16_ref(void *dst, int32_t *offset, float *scale, const float *k, ptrdiff_t ld,
                        int rows, int q_max)
{
    pack_k(dst, offset, scale, k, ld, rows, q_max, 2);
}

void npu_pack_v_s8_ref(void *dst, float *scale, const float *v, ptrdiff_t ld, int rows, int q_max)
{
    pack_v(dst, scale, v, ld, rows, q_max, 1);
}

void npu_pack_v_s16_ref(void *dst, float *scale, const float *v, ptrdiff_t ld, int rows, int q_max)
{
    pack_v(dst, scale, v, ld, rows, q_max, 2);
}
