/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/kernels.h"
#include "kernels/ref/int.h"

#include <assert.h>
#include <string.h>

typedef float v4f __attribute__((vector_size(16)));

static v4f load4(const float *p)
{
    v4f x;
    memcpy(&x, p, sizeof x);
    return x;
}

static void store4(float *p, v4f x)
{
    memcpy(p, &x, sizeof x);
}

/* dst[kk * nr + j] = src[j * ld + kk] * scale for 4 rows j and all kk < k. */
static void transpose4(float *dst, int nr, const float *src, ptrdiff_t ld, int k, float scale)
{
    int kk = 0;
    for (; kk + 4 <= k; kk += 4, dst += 4 * nr) {
        v4f r0 = load4(src + kk) * scale, r1 = load4(src + ld + kk) * scale;
        v4f r2 = load4(src + 2 * ld + kk) * scale, r3 = load4(src + 3 * ld + kk) * scale;
        v4f t0 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
        v4f t1 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
        v4f t2 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
        v4f t3 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
        store4(dst, __builtin_shufflevector(t0, t2, 0, 1, 4, 5));
        store4(dst + nr, __builtin_shufflevector(t0, t2, 2, 3, 6, 7));
        store4(dst + 2 * nr, __builtin_shufflevector(t1, t3, 0, 1, 4, 5));
        store4(dst + 3 * nr, __builtin_shufflevector(t1, t3, 2, 3, 6, 7));
    }
    for (; kk < k; kk++, dst += nr)
        for (int j = 0; j < 4; j++)
            dst[j] = src[j * ld + kk] * scale;
}

static void pack_rows(float *dst, const float *src, ptrdiff_t ld, int j0, int n_rows, int n, int k,
                      int nr, float scale)
{
    assert(nr % 4 == 0 && j0 >= 0 && j0 % 4 == 0 && n_rows >= 0 && j0 + n_rows <= n);
    int end = j0 + n_rows;
    int j = j0;
    for (; j + 4 <= end; j += 4, src += 4 * ld)
        transpose4(dst + (size_t)(j / nr) * (size_t)k * (size_t)nr + j % nr, nr, src, ld, k, scale);
    for (; j < end; j++, src += ld) {
        float *d = dst + (size_t)(j / nr) * (size_t)k * (size_t)nr + j % nr;
        for (int kk = 0; kk < k; kk++)
            d[(size_t)kk * (size_t)nr] = src[kk] * scale;
    }
    if (end == n && n % nr != 0) {
        float *d = dst + (size_t)(n / nr) * (size_t)k * (size_t)nr + n % nr;
        for (int kk = 0; kk < k; kk++, d += nr)
            memset(d, 0, (size_t)(nr - n % nr) * sizeof *d);
    }
}

size_t npu_packed_b_f32_size(int n, int k, int nr)
{
    return ((size_t)n + (size_t)nr - 1) / (size_t)nr * (size_t)nr * (size_t)k;
}

void npu_pack_b_f32(float *dst, const float *w, ptrdiff_t ldw, int j0, int n_rows, int n, int k,
                    int nr, float scale)
{
    pack_rows(dst, w, ldw, j0, n_rows, n, k, nr, scale);
}

void npu_pack_kt_f32(float *kt, const float *k, ptrdiff_t ldk, int j0, int n_rows, int n, int nr)
{
    pack_rows(kt, k, ldk, j0, n_rows, n, NPU_HEAD_DIM, nr, 1.0f);
}

void npu_pack_v_f32(float *dst, const float *v, ptrdiff_t ldv, int j0, int n_rows, int n, int nr)
{
    assert(j0 >= 0 && n_rows >= 0 && j0 + n_rows <= n && NPU_HEAD_DIM % nr == 0);
    for (int j = j0; j < j0 + n_rows; j++, v += ldv)
        for (int c = 0; c < NPU_HEAD_DIM; c += nr)
            memcpy(dst + ((size_t)(c / nr) * (size_t)n + (size_t)j) * (size_t)nr, v + c,
                   (size_t)nr * sizeof *v);
}

size_t npu_packed_b_int_size(int n, int k, int nr, int bytes)
{
    return npu_packed_b_f32_size(n, k, nr) * (size_t)bytes;
}

/* One output; NULL: zeros. */
static void pack_row_int(void *dst, const int16_t *w, int j, int k, int nr, int bytes)
{
    char *to = (char *)dst + npu_packed_b_int_at(j, 0, k, nr, bytes) * (size_t)bytes;
    int g = 4 / bytes;
    for (int kk = 0; kk < k; kk += g, to += 4 * nr) {
        if (!w) {
            memset(to, 0, 4);
        } else if (bytes == 2) {
            memcpy(to, w + kk, 4);
        } else {
            const int8_t group[4] = {(int8_t)w[kk], (int8_t)w[kk + 1], (int8_t)w[kk + 2],
                                     (int8_t)w[kk + 3]};
            memcpy(to, group, 4);
        }
    }
}

void npu_pack_b_int(void *dst, const int16_t *w, int j0, int n_rows, int n, int k, int nr,
                    int bytes)
{
    assert(j0 >= 0 && n_rows >= 0 && j0 + n_rows <= n && k % 4 == 0);
    for (int j = j0; j < j0 + n_rows; j++, w += k)
        pack_row_int(dst, w, j, k, nr, bytes);
    if (j0 + n_rows == n)
        for (int j = n; j % nr != 0; j++)
            pack_row_int(dst, NULL, j, k, nr, bytes);
}
