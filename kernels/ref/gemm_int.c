/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/ref/init.h"
#include "kernels/ref/gelu_int.h"
#include "kernels/ref/int.h"

#include <assert.h>

enum { NR = NPU_INT_NR_REF, CHUNK = 256 };

/* One row of 16 outputs: products to result. */
static void epilogue(const struct npu_gemm_int_args *args, const uint32_t *s, const uint32_t *tail,
                     int i, int j0)
{
    for (int j = j0; j < j0 + NR && j < args->n; j++) {
        float x = args->bias[j];
        if (args->tail.k)
            x = fmaf((float)(int32_t)tail[j - j0], args->tail.a_scale[i] * args->tail.b_scale[j],
                     x);
        x = fmaf((float)(int32_t)s[j - j0], args->a_scale[i] * args->b_scale[j], x);
        if (args->flags & NPU_GEMM_GELU)
            x = npu_gelu_int_scalar(x);
        if (args->r)
            x += args->r[i * args->ldr + j];
        args->c[i * args->ldc + j] = x;
    }
}

/* s[0 .. 16] += row `at` of k operands times a panel of B. */
static void add_products(uint32_t s[NR], const void *row, size_t at, const char *panel, int k,
                         int bytes, int32_t zero)
{
    int32_t a[CHUNK];
    for (int k0 = 0; k0 < k; k0 += CHUNK) {
        int n = k - k0 < CHUNK ? k - k0 : CHUNK;
        for (int kk = 0; kk < n; kk++)
            a[kk] = npu_activation_at(row, at + (size_t)(k0 + kk), bytes, zero);
        npu_panel_int_ref(s, a, panel + (size_t)k0 * NR * (size_t)bytes, n, bytes);
    }
}

static void gemm(const struct npu_gemm_int_args *args, int bytes)
{
    const struct npu_gemm_tail *tail = &args->tail;
    assert(args->m >= 1 && args->n >= 1 && args->k >= 4 && args->k % 4 == 0 && tail->k % 4 == 0);
    assert(args->ldc >= args->n && (!args->r || args->ldr >= args->n));
    for (int j0 = 0; j0 < args->n; j0 += NR) {
        const char *panel = (const char *)args->b + (size_t)j0 * (size_t)args->k * (size_t)bytes;
        for (int i = 0; i < args->m; i++) {
            uint32_t s[NR] = {0}, t[NR] = {0};
            add_products(s, args->a, (size_t)(i * args->lda), panel, args->k, bytes,
                         bytes == 1 ? args->a_zero[i] : 0);
            if (tail->k)
                add_products(t, tail->a, (size_t)(i * tail->lda),
                             (const char *)tail->b + (size_t)j0 * (size_t)tail->k * 2, tail->k, 2,
                             0);
            epilogue(args, s, t, i, j0);
        }
    }
}

void npu_gemm_u8s8_ref(const struct npu_gemm_int_args *args)
{
    gemm(args, 1);
}

void npu_gemm_s16s16_ref(const struct npu_gemm_int_args *args)
{
    gemm(args, 2);
}
