/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/ref/fixed.h"
#include "kernels/ref/fixed_rsqrt.h"

#include <assert.h>
#include <stddef.h>

#define D_MAX 2048

/* 15 bits of sqrt(d) / sqrt(Q) in *r15; returns the shift es. */
static int scale_of(int64_t squares, int64_t sqrt_d, int32_t *r15)
{
    int k = (32 - npu_fixed_bitlen((uint64_t)squares)) & ~1;
    int64_t q = k >= 0 ? squares << k : squares >> -k;
    int64_t y0 = npu_fixed_rsqrt[(q >> 24) - 64];
    int64_t y1 = (y0 * (3 * (INT64_C(1) << 28) - ((y0 * y0 * q) >> 32))) >> 16;
    int64_t y2 = (y1 * (3 * (INT64_C(1) << 28) - ((((y1 * y1) >> 26) * q) >> 32))) >> 29;
    int64_t r = y2 * sqrt_d;
    int rb = npu_fixed_bitlen((uint64_t)r);
    int64_t top = (r + (INT64_C(1) << (rb - 16))) >> (rb - 15);
    *r15 = (int32_t)(top > INT16_MAX ? INT16_MAX : top);
    return 53 - k / 2 - (rb - 15);
}

static int32_t mean_of(const int32_t *x, int d, int64_t inv_d)
{
    int64_t sum = 0;
    for (int i = 0; i < d; i++)
        sum += x[i];
    int64_t hi = sum >> 16, lo = sum & 65535;
    return (int32_t)((hi * inv_d + ((lo * inv_d + (INT64_C(1) << 39)) >> 16)) >> 24);
}

static void norm_row(const struct npu_fixed_norm_args *args, int16_t *y, const int32_t *x)
{
    int16_t c16[D_MAX];
    int32_t mean = mean_of(x, args->d, args->inv_d), r15;
    uint32_t most = 0;
    int64_t squares = 0;

    for (int i = 0; i < args->d; i++) {
        int32_t c = x[i] - mean;
        uint32_t magnitude = c < 0 ? 0u - (uint32_t)c : (uint32_t)c;
        most = magnitude > most ? magnitude : most;
    }
    int e = npu_fixed_bitlen(most) - 15;
    e = e > 0 ? e : 0;
    for (int i = 0; i < args->d; i++) {
        c16[i] = npu_fixed_sat16(npu_fixed_srs(x[i] - mean, e));
        squares += c16[i] * c16[i];
    }
    squares += args->eps >> (2 * e);
    int es = scale_of(squares > 1 ? squares : 1, args->sqrt_d, &r15);
    for (int i = 0; i < args->d; i++) {
        int32_t t = c16[i] * r15;
        y[i] = args->mult
                   ? npu_fixed_sat16(npu_fixed_srs((int64_t)t * args->mult[i], es + args->shift))
                   : npu_fixed_sat16(npu_fixed_srs(t, es - args->shift));
    }
}

void npu_fixed_norm_s32s16_ref(const struct npu_fixed_norm_args *args)
{
    assert(args->m >= 1 && args->d >= 64 && args->d <= D_MAX && args->d % 64 == 0);
    for (int i = 0; i < args->m; i++)
        norm_row(args, args->y + i * args->ldy, args->x + i * args->ldx);
}
