/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2/init.h"
#include "kernels/avx2/math_f32.h"
#include "kernels/avx2/tile_f32.h"
#include "kernels/impl.h"

#include <assert.h>

#define NR NPU_GEMM_F32_NR_AVX2

/* The maximum of n scores; four at a time hide the latency, their order cannot show. */
static float max_row(const float *s, int n)
{
    __m256 mx[4];
    for (int i = 0; i < 4; i++)
        mx[i] = _mm256_set1_ps(-INFINITY);
    int j = 0;
    for (; j + 32 <= n; j += 32)
        for (int i = 0; i < 4; i++)
            mx[i] = _mm256_max_ps(mx[i], _mm256_loadu_ps(s + j + 8 * i));
    for (; j + 8 <= n; j += 8)
        mx[0] = _mm256_max_ps(mx[0], _mm256_loadu_ps(s + j));
    __m256i tail = npu_mask8(n - j);
    mx[1] = _mm256_max_ps(
        mx[1], _mm256_blendv_ps(mx[1], _mm256_maskload_ps(s + j, tail), _mm256_castsi256_ps(tail)));
    __m256 m8 = _mm256_max_ps(_mm256_max_ps(mx[0], mx[1]), _mm256_max_ps(mx[2], mx[3]));
    __m128 m4 = _mm_max_ps(_mm256_castps256_ps128(m8), _mm256_extractf128_ps(m8, 1));
    m4 = _mm_max_ps(m4, _mm_movehl_ps(m4, m4));
    return _mm_cvtss_f32(_mm_max_ss(m4, _mm_movehdup_ps(m4)));
}

/* s[j] becomes exp(s[j] - max) for j < n; returns 1 / their sum. Whatever lies between n and the
 * next multiple of 16 (scores of padding keys, 0) may change and is never counted. */
static float softmax_row(float *s, int n)
{
    __m256 mx = _mm256_set1_ps(max_row(s, n));
    __m256 p0 = _mm256_setzero_ps(), p1 = p0;
    int j = 0;
    for (; j + 16 <= n; j += 16) {
        __m256 e0 = npu_exp_f32_avx2(_mm256_sub_ps(_mm256_loadu_ps(s + j), mx));
        __m256 e1 = npu_exp_f32_avx2(_mm256_sub_ps(_mm256_loadu_ps(s + j + 8), mx));
        _mm256_storeu_ps(s + j, e0);
        _mm256_storeu_ps(s + j + 8, e1);
        p0 = _mm256_add_ps(p0, e0);
        p1 = _mm256_add_ps(p1, e1);
    }
    if (j < n) {
        __m256 keep0 = _mm256_castsi256_ps(npu_mask8(n - j));
        __m256 keep1 = _mm256_castsi256_ps(npu_mask8(n - j - 8));
        __m256 e0 = npu_exp_f32_avx2(_mm256_sub_ps(_mm256_loadu_ps(s + j), mx));
        __m256 e1 = npu_exp_f32_avx2(_mm256_sub_ps(_mm256_loadu_ps(s + j + 8), mx));
        _mm256_storeu_ps(s + j, e0);
        _mm256_storeu_ps(s + j + 8, e1);
        p0 = _mm256_add_ps(p0, _mm256_and_ps(e0, keep0));
        p1 = _mm256_add_ps(p1, _mm256_and_ps(e1, keep1));
    }
    return 1.0f / npu_sum16_f32_avx2(p0, p1);
}

/* Up to NPU_ATTENTION_ROWS query rows. */
static void attention_rows(float *out, ptrdiff_t ldo, const float *q, ptrdiff_t ldq,
                           const float *kt, const float *v, int m, int n, float *s)
{
    _Alignas(64) float t[NPU_ATTENTION_ROWS * NR];
    float scale[NPU_ATTENTION_ROWS];
    const ptrdiff_t lds = (ptrdiff_t)NPU_ATTENTION_LDS(n);
    for (int j = 0; j < n; j += NR)
        npu_tile_f32_avx2(s + j, lds, q, ldq, kt + (size_t)j * NPU_HEAD_DIM, m, NPU_HEAD_DIM);
    for (int i = 0; i < m; i++)
        scale[i] = softmax_row(s + i * lds, n);
    for (int c = 0; c < NPU_HEAD_DIM; c += NR) {
        npu_tile_f32_avx2(t, NR, s, lds, v + (size_t)c * (size_t)n, m, n);
        for (int i = 0; i < m; i++) {
            __m256 x = _mm256_set1_ps(scale[i]);
            for (int l = 0; l < NR; l += 8)
                _mm256_storeu_ps(out + i * ldo + c + l,
                                 _mm256_mul_ps(_mm256_load_ps(t + i * NR + l), x));
        }
    }
}

void npu_attention_f32_avx2(float *out, ptrdiff_t ldo, const float *q, ptrdiff_t ldq,
                            const float *kt, const float *v, int m, int n, float *scratch)
{
    assert(m >= 1 && n >= 1 && n <= 1500);
    for (int i = 0; i < m; i += NPU_ATTENTION_ROWS) {
        int rows = m - i < NPU_ATTENTION_ROWS ? m - i : NPU_ATTENTION_ROWS;
        attention_rows(out + i * ldo, ldo, q + i * ldq, ldq, kt, v, rows, n, scratch);
    }
}
