/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ref against plain float64 written from the formulas, without packing; the definitions against the
 * C library's double functions; packing against its index formula. */
#include "kernels/ref/exp_f32.h"
#include "kernels/ref/gelu_f32.h"
#include "tests/kernels/checks.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { D = NPU_HEAD_DIM };

bool accuracy_exp(struct kit_why *why)
{
    double worst = 0;
    float at = 0;
    /* Floats of -87 .. -2^-40, every 97th: 5.6 million. */
    uint32_t bits, last;
    float low = NPU_EXP_F32_MIN, high = -0x1p-40f;
    memcpy(&bits, &high, sizeof bits);
    memcpy(&last, &low, sizeof last);
    for (; bits <= last; bits += 97) {
        float x;
        memcpy(&x, &bits, sizeof x);
        double exact = exp((double)x);
        double error = fabs((double)npu_exp_f32_ref(x) - exact) / exact;
        if (!(error <= worst)) {
            worst = error;
            at = x;
        }
    }
    if (!(worst <= NPU_EXP_F32_MAX_ERROR))
        return kit_fail(why, "relative error %.3g at %a", worst, (double)at);
    float same = npu_exp_f32_ref(NPU_EXP_F32_MIN);
    if (npu_exp_f32_ref(0.0f) != 1.0f || npu_exp_f32_ref(-0.0f) != 1.0f ||
        npu_exp_f32_ref(-FLT_MAX) != same || npu_exp_f32_ref(-INFINITY) != same ||
        !(same >= FLT_MIN))
        return kit_fail(why, "0, or far below -87");
    kit_fail(why, "relative error at most %.3g, at %a", worst, (double)at);
    return true;
}

bool accuracy_gelu(struct kit_why *why)
{
    double worst = 0, worst_ratio = 0;
    for (double at = -12; at <= 12; at += 2e-6) {
        float x = (float)at;
        /* erfc keeps the digits that 1 + erf would lose */
        double exact = 0.5 * (double)x * erfc(-(double)x * M_SQRT1_2);
        double error = fabs((double)npu_gelu_f32_scalar(x) - exact);
        /* the one rounding of the result: half a unit in the last place */
        error -= x > 0 ? exact * 0x1p-24 : 0;
        if (!(error <= NPU_GELU_F32_MAX_ERROR))
            return kit_fail(why, "error %.3g at %a", error, (double)x);
        worst = error > worst ? error : worst;
        if (fabs((double)x) > 1e-30 && error / fabs((double)x) > worst_ratio)
            worst_ratio = error / fabs((double)x);
    }
    for (float x = 12; x < 1e30f; x *= 1.7f)
        if (npu_gelu_f32_scalar(x) != x || fabsf(npu_gelu_f32_scalar(-x)) > 4e-7f)
            return kit_fail(why, "gelu(+-%g)", (double)x);
    if (!isnan(npu_gelu_f32_scalar(NAN)) || npu_gelu_f32_scalar(0.0f) != 0.0f ||
        !signbit(npu_gelu_f32_scalar(-0.0f)))
        return kit_fail(why, "NaN or a zero");
    kit_fail(why, "error at most %.3g, and %.3g |x|", worst, worst_ratio);
    return true;
}

/* Relative to the sum of magnitudes: k roundings and a margin. */
static bool near(float got, double want, double magnitude, double steps, struct kit_why *why)
{
    double error = fabs((double)got - want), limit = magnitude * steps * 0x1p-24 + 1e-6;
    if (error <= limit)
        return true;
    return kit_fail(why, "got %.9g, float64 has %.12g, allowed %.3g", (double)got, want, limit);
}

bool accuracy_gemm(struct kit_why *why)
{
    enum { M = 9, N = 37, K = 150, LDA = 50 };
    struct npu_kernels ref;
    npu_kernels_choose(&ref, "ref");
    size_t b_size = npu_packed_b_f32_size(N, K, ref.gemm_f32_nr);
    float a[(M - 1) * LDA + K], w[N * K], bias[N], r[M * N], c[M * N], *b = kit_alloc(b_size);
    kit_fill(a, sizeof a / sizeof *a, KIT_NORMAL);
    kit_fill(w, N * K, KIT_NORMAL);
    kit_fill(bias, N, KIT_NORMAL);
    kit_fill(r, M * N, KIT_NORMAL);
    npu_pack_b_f32(b, w, K, 0, N, N, K, ref.gemm_f32_nr, 0.125f);
    struct npu_gemm_f32_args args = {.c = c,
                                     .a = a,
                                     .b = b,
                                     .bias = bias,
                                     .r = r,
                                     .lda = LDA,
                                     .ldc = N,
                                     .ldr = N,
                                     .m = M,
                                     .n = N,
                                     .k = K,
                                     .flags = NPU_GEMM_GELU};
    ref.gemm_f32(&args);
    kit_free(b, b_size);
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            double sum = 0, size = 3;
            for (int k = 0; k < K; k++) {
                double p = (double)a[i * LDA + k] * (double)w[j * K + k] * 0.125;
                sum += p;
                size += fabs(p);
            }
            sum += (double)bias[j];
            sum = 0.5 * sum * (1 + erf(sum * M_SQRT1_2)) + (double)r[i * N + j];
            if (!near(c[i * N + j], sum, size, 20, why))
                return false;
        }
    }
    kit_fail(why, "%d x %d x %d, rows overlapping, bias, gelu, residual", M, N, K);
    return true;
}

bool accuracy_norm(struct kit_why *why)
{
    enum { M = 4, N = 389 };
    struct npu_kernels ref;
    npu_kernels_choose(&ref, "ref");
    float x[M * N], y[M * N], gamma[N], beta[N];
    kit_fill(x, M * N, KIT_NORMAL);
    kit_fill(gamma, N, KIT_NORMAL);
    kit_fill(beta, N, KIT_NORMAL);
    for (int j = 0; j < N; j++)
        x[j] += 3.0f;
    ref.norm_f32(y, N, x, N, gamma, beta, M, N);
    for (int i = 0; i < M; i++) {
        double sum = 0, squares = 0;
        for (int j = 0; j < N; j++)
            sum += (double)x[i * N + j];
        for (int j = 0; j < N; j++)
            squares += pow((double)x[i * N + j] - sum / N, 2);
        double s = 1 / sqrt(squares / N + 1e-5);
        for (int j = 0; j < N; j++) {
            double want = ((double)x[i * N + j] - sum / N) * s * (double)gamma[j] + (double)beta[j];
            if (!near(y[i * N + j], want, 4, 20, why))
                return false;
        }
    }
    kit_fail(why, "%d x %d", M, N);
    return true;
}

/* softmax(q . K) V of one query row, two passes in float64. */
static void attention_row(double out[D], const float *q, const float *key, const float *value,
                          int n)
{
    double mx = -INFINITY, sum = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int j = 0; j < n; j++) {
            double s = 0;
            for (int d = 0; d < D; d++)
                s += (double)q[d] * (double)key[j * D + d];
            if (pass == 0) {
                mx = s > mx ? s : mx;
                continue;
            }
            double e = exp(s - mx);
            sum += e;
            for (int d = 0; d < D; d++)
                out[d] += e * (double)value[j * D + d];
        }
    }
    for (int d = 0; d < D; d++)
        out[d] /= sum;
}

bool accuracy_attention(struct kit_why *why)
{
    enum { M = 3, N = 211 };
    struct npu_kernels ref;
    npu_kernels_choose(&ref, "ref");
    size_t kt_size = npu_packed_b_f32_size(N, D, ref.gemm_f32_nr);
    size_t scratch_size = npu_attention_f32_scratch(N);
    float q[M * D], key[N * D], value[N * D], out[M * D];
    float *kt = kit_alloc(kt_size), *v = kit_alloc(N * D), *scratch = kit_alloc(scratch_size);
    kit_fill(q, M * D, KIT_NORMAL);
    kit_fill(key, N * D, KIT_NORMAL);
    kit_fill(value, N * D, KIT_NORMAL);
    npu_pack_kt_f32(kt, key, D, 0, N, N, ref.gemm_f32_nr);
    npu_pack_v_f32(v, value, D, 0, N, N, ref.gemm_f32_nr);
    ref.attention_f32(out, D, q, D, kt, v, M, N, scratch);
    kit_free(kt, kt_size);
    kit_free(v, N * D);
    kit_free(scratch, scratch_size);
    for (int i = 0; i < M; i++) {
        double want[D] = {0};
        attention_row(want, q + i * D, key, value, N);
        for (int d = 0; d < D; d++)
            if (!near(out[i * D + d], want[d], 1, 60, why))
                return false;
    }
    kit_fail(why, "%d rows, %d keys", M, N);
    return true;
}

/* Packed in pieces of 64 rows, as a loader does, element by element against the layout's formula.
 */
static bool packed_b(int n, int k, int nr, struct kit_why *why)
{
    size_t size = npu_packed_b_f32_size(n, k, nr);
    struct kit_matrix w;
    float *b = kit_alloc(size);
    kit_matrix_open(&w, n, k, 3);
    for (int j = 0; j < n; j++)
        kit_fill(w.x + j * w.ld, (size_t)k, KIT_NORMAL);
    for (int j = 0; j < n; j += 64)
        npu_pack_b_f32(b, w.x + j * w.ld, w.ld, j, n - j < 64 ? n - j : 64, n, k, nr, 0.25f);
    bool ok = size == (size_t)((n + nr - 1) / nr * nr) * (size_t)k;
    if (!ok)
        kit_fail(why, "size %zu of n %d k %d nr %d", size, n, k, nr);
    for (size_t i = 0; ok && i < size; i++) {
        int panel = (int)(i / (size_t)(k * nr)), kk = (int)(i / (size_t)nr) % k;
        int j = panel * nr + (int)(i % (size_t)nr);
        float want = j < n ? w.x[j * w.ld + kk] * 0.25f : 0.0f;
        if (memcmp(&b[i], &want, sizeof want) != 0)
            ok = kit_fail(why, "n %d k %d nr %d: element %zu", n, k, nr, i);
    }
    kit_matrix_close(&w);
    kit_free(b, size);
    return ok;
}

static bool packed_v(int n, int nr, struct kit_why *why)
{
    size_t size = (size_t)n * D;
    float *v = kit_alloc(size), *packed = kit_alloc(size);
    kit_fill(v, size, KIT_NORMAL);
    for (int j = 0; j < n; j += 50)
        npu_pack_v_f32(packed, v + j * D, D, j, n - j < 50 ? n - j : 50, n, nr);
    bool ok = true;
    for (int j = 0; ok && j < n; j++)
        for (int c = 0; ok && c < D; c++)
            if (packed[(c / nr * n + j) * nr + c % nr] != v[j * D + c])
                ok = kit_fail(why, "v: n %d nr %d row %d column %d", n, nr, j, c);
    kit_free(v, size);
    kit_free(packed, size);
    return ok;
}

bool packing_places(struct kit_why *why)
{
    for (int nr = 16; nr <= 64; nr *= 2) {
        for (int n = 62; n <= 131; n++)
            if (!packed_b(n, 1 + n % 9, nr, why) || !packed_v(n, nr, why))
                return false;
        if (!packed_b(1, 1, nr, why) || !packed_b(512, 96, nr, why))
            return false;
    }
    kit_fail(why, "panels of 16, 32, 64");
    return true;
}
