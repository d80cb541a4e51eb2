/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Integer kernels that are wrong on purpose, made from ref, for the self-test of the checks. */
#include "tests/kernels/checks.h"
#include "tests/kernels/kit_int.h"

#include <math.h>
#include <string.h>

static const struct npu_kernels *good;

static void flip(void *x)
{
    *(unsigned char *)x ^= 1; /* the last bit of a float, little endian */
}

static volatile char sink;

/* ---- gemm ---- */

static const struct npu_int_kernels *narrow(void)
{
    return &good->width[NPU_NARROW];
}

static const struct npu_int_kernels *wide(void)
{
    return &good->width[NPU_WIDE];
}

static void gemm_zero_ignored(const struct npu_gemm_int_args *args)
{
    struct npu_gemm_int_args other = *args;
    int32_t zeros[64];
    for (int i = 0; i < 64; i++)
        zeros[i] = KIT_ZERO;
    other.a_zero = zeros;
    narrow()->gemm(&other);
}

static void gemm_first_zero_for_all(const struct npu_gemm_int_args *args)
{
    struct npu_gemm_int_args other = *args;
    int32_t zeros[64];
    for (int i = 0; i < 64; i++)
        zeros[i] = args->a_zero[0];
    other.a_zero = zeros;
    narrow()->gemm(&other);
}

static int saturated(int64_t x, int64_t lo, int64_t hi)
{
    return (int)(x < lo ? lo : x > hi ? hi : x);
}

/* c from sums by `sum`, where neither gelu nor a residual is asked for. */
static void gemm_by(const struct npu_gemm_int_args *args, int width,
                    int32_t (*sum)(const struct npu_gemm_int_args *args, int i, int j))
{
    good->width[width].gemm(args);
    if (args->flags || args->r || args->tail.k || args->k > 100)
        return;
    for (int i = 0; i < args->m; i++)
        for (int j = 0; j < args->n; j++)
            args->c[i * args->ldc + j] =
                fmaf((float)sum(args, i, j), args->a_scale[i] * args->b_scale[j], args->bias[j]);
}

/* Pairs of bytes to 16 bits with saturation, as vpmaddubsw does. */
static int32_t sum_of_saturated_pairs(const struct npu_gemm_int_args *args, int i, int j)
{
    const uint8_t *a = (const uint8_t *)args->a + i * args->lda;
    uint32_t sum = 0;
    for (int kk = 0; kk < args->k; kk += 2) {
        size_t at = kit_packed_at(j, kk, args->k, good->int_nr, 1);
        int pair =
            a[kk] * kit_packed_get(args->b, at, 1) + a[kk + 1] * kit_packed_get(args->b, at + 1, 1);
        sum += (uint32_t)saturated(pair, INT16_MIN, INT16_MAX);
    }
    return (int32_t)(sum - (uint32_t)args->a_zero[i] * (uint32_t)args->b_sum[j]);
}

static int32_t sum_off_by_one(const struct npu_gemm_int_args *args, int i, int j)
{
    const uint8_t *a = (const uint8_t *)args->a + i * args->lda;
    int32_t sum = i > 20 && j > 60 && i == args->m - 1;
    for (int kk = 0; kk < args->k; kk++)
        sum += (a[kk] - args->a_zero[i]) *
               kit_packed_get(args->b, kit_packed_at(j, kk, args->k, good->int_nr, 1), 1);
    return sum;
}

static void gemm_off_by_one(const struct npu_gemm_int_args *args)
{
    gemm_by(args, NPU_NARROW, sum_off_by_one);
}

static void gemm_pairs_saturate(const struct npu_gemm_int_args *args)
{
    gemm_by(args, NPU_NARROW, sum_of_saturated_pairs);
}

/* Sums that stop at the ends of int32, as vpdpwssds does. */
static int32_t sum_saturated(const struct npu_gemm_int_args *args, int i, int j)
{
    int sum = 0;
    for (int kk = 0; kk < args->k; kk += 2) {
        size_t at = kit_packed_at(j, kk, args->k, good->int_nr, 2);
        int64_t pair = sum;
        for (int t = 0; t < 2; t++)
            pair += (int64_t)kit_activation_get(args->a, i * args->lda + kk + t, 2, 0) *
                    kit_packed_get(args->b, at + (size_t)t, 2);
        sum = saturated(pair, INT32_MIN, INT32_MAX);
    }
    return sum;
}

static void gemm_sums_saturate(const struct npu_gemm_int_args *args)
{
    gemm_by(args, NPU_WIDE, sum_saturated);
}

static void gemm_past_row(const struct npu_gemm_int_args *args)
{
    narrow()->gemm(args);
    args->c[args->n] = 0.0f;
}

static void gemm_row_below(const struct npu_gemm_int_args *args)
{
    wide()->gemm(args);
    args->c[args->m * args->ldc] = 0.0f;
}

static void gemm_a_reads_on(const struct npu_gemm_int_args *args)
{
    narrow()->gemm(args);
    sink = ((const char *)args->a)[(args->m - 1) * args->lda + args->k];
}

static void gemm_b_reads_on(const struct npu_gemm_int_args *args)
{
    wide()->gemm(args);
    sink = ((const char *)args->b)[npu_packed_b_int_size(args->n, args->k, good->int_nr, 2)];
}

static void gemm_sum_reads_on(const struct npu_gemm_int_args *args)
{
    narrow()->gemm(args);
    sink = *(const char *)(args->b_sum + args->n);
}

static void gemm_wide_reads_zero(const struct npu_gemm_int_args *args)
{
    wide()->gemm(args);
    sink = *(const volatile char *)args->a_zero;
}

static void gemm_residual_twice(const struct npu_gemm_int_args *args)
{
    wide()->gemm(args);
    if (args->r && args->r == args->c)
        wide()->gemm(args);
}

static void gemm_without_tail(const struct npu_gemm_int_args *args)
{
    struct npu_gemm_int_args other = *args;
    other.tail.k = 0;
    narrow()->gemm(&other);
}

/* Swaps the two scales of a row. */
static void gemm_tail_by_wrong_scale(const struct npu_gemm_int_args *args)
{
    struct npu_gemm_int_args other = *args;
    if (args->tail.k)
        other.tail.a_scale = args->a_scale;
    wide()->gemm(&other);
}

/* Reads one operand past the last of the last row. */
static void gemm_tail_reads_on(const struct npu_gemm_int_args *args)
{
    const struct npu_gemm_tail *tail = &args->tail;
    narrow()->gemm(args);
    if (tail->k)
        sink = *(const volatile char *)(tail->a + (args->m - 1) * tail->lda + tail->k);
}

/* ---- quant, pack ---- */

/* Halves away from zero. */
static void quant_halves_up(const struct npu_quant_args *args)
{
    wide()->quant(args);
    if (args->asymmetric)
        return;
    for (int i = 0; i < args->m; i++) {
        float big = 0.0f;
        for (int j = 0; j < args->n; j++)
            big = fmaxf(big, fabsf(args->x[i * args->ldx + j]));
        float factor = big > 0.0f ? (float)args->q_max / big : 0.0f;
        for (int j = 0; j < args->n; j++)
            kit_activation_set(args->dst, i * args->ldd + j, 2,
                               (int)roundf(args->x[i * args->ldx + j] * factor), 0);
    }
}

/* rint(x) + zero may be q_max + 1. */
static void quant_unclamped(const struct npu_quant_args *args)
{
    wide()->quant(args);
    for (int i = 0; args->asymmetric && i < args->m; i++) {
        float lo = 0.0f, hi = 0.0f;
        for (int j = 0; j < args->n; j++) {
            lo = fminf(lo, args->x[i * args->ldx + j]);
            hi = fmaxf(hi, args->x[i * args->ldx + j]);
        }
        float factor = hi - lo > 0.0f ? (float)args->q_max / (hi - lo) : 0.0f;
        for (int j = 0; j < args->n; j++)
            kit_activation_set(args->dst, i * args->ldd + j, 2,
                               (int)rintf(args->x[i * args->ldx + j] * factor), 0);
    }
}

static void quant_past_row(const struct npu_quant_args *args)
{
    narrow()->quant(args);
    ((char *)args->dst)[args->n] = 0;
}

static void quant_scale_bit(const struct npu_quant_args *args)
{
    narrow()->quant(args);
    flip(args->scale + args->m - 1);
}

static void quant_zero_ignored(const struct npu_quant_args *args)
{
    narrow()->quant(args);
    args->zero[0] = KIT_ZERO;
}

static void quant_reads_on(const struct npu_quant_args *args)
{
    narrow()->quant(args);
    sink = *(const char *)(args->x + (args->m - 1) * args->ldx + args->n);
}

static void pack_k_no_mask(void *dst, int32_t *offset, float *scale, const float *k, ptrdiff_t ld,
                           int rows, int q_max)
{
    narrow()->pack_k(dst, offset, scale, k, ld, rows, q_max);
    for (int j = rows; j < NPU_KEY_BLOCK; j++)
        offset[j] = 0;
}

static void pack_k_reads_on(void *dst, int32_t *offset, float *scale, const float *k, ptrdiff_t ld,
                            int rows, int q_max)
{
    wide()->pack_k(dst, offset, scale, k, ld, rows, q_max);
    sink = *(const char *)(k + (rows - 1) * ld + NPU_HEAD_DIM);
}

static void pack_v_dirty_end(void *dst, float *scale, const float *v, ptrdiff_t ld, int rows,
                             int q_max)
{
    narrow()->pack_v(dst, scale, v, ld, rows, q_max);
    if (rows < NPU_KEY_BLOCK)
        ((char *)dst)[kit_packed_at(5, rows, NPU_KEY_BLOCK, good->int_nr, 1)] = 1;
}

static void pack_v_past_end(void *dst, float *scale, const float *v, ptrdiff_t ld, int rows,
                            int q_max)
{
    wide()->pack_v(dst, scale, v, ld, rows, q_max);
    ((char *)dst)[NPU_KEY_BLOCK * NPU_HEAD_DIM * 2] = 0;
}

/* ---- attention ---- */

static void attention_no_mask(const struct npu_attention_int_args *args, void *scratch)
{
    struct npu_attention_int_args other = *args;
    other.n = (args->n + NPU_KEY_BLOCK - 1) / NPU_KEY_BLOCK * NPU_KEY_BLOCK;
    narrow()->attention(&other, scratch);
}

static void attention_last_key_lost(const struct npu_attention_int_args *args, void *scratch)
{
    struct npu_attention_int_args other = *args;
    other.n -= args->n > 1 && args->n % NPU_KEY_BLOCK != 1;
    wide()->attention(&other, scratch);
}

static void attention_one_scale(const struct npu_attention_int_args *args, void *scratch)
{
    struct npu_attention_int_args other = *args;
    float scales[64];
    for (int i = 0; i < 64; i++)
        scales[i] = args->k_scale[0];
    other.k_scale = scales;
    narrow()->attention(&other, scratch);
}

static void attention_one_bit(const struct npu_attention_int_args *args, void *scratch)
{
    wide()->attention(args, scratch);
    flip(args->out + (args->m - 1) * args->ldo + NPU_HEAD_DIM - 1);
}

static void attention_past_row(const struct npu_attention_int_args *args, void *scratch)
{
    narrow()->attention(args, scratch);
    args->out[NPU_HEAD_DIM] = 0.0f;
}

static void attention_past_scratch(const struct npu_attention_int_args *args, void *scratch)
{
    wide()->attention(args, scratch);
    ((char *)scratch)[NPU_ATTENTION_INT_SCRATCH] = 0;
}

static void attention_q_reads_on(const struct npu_attention_int_args *args, void *scratch)
{
    wide()->attention(args, scratch);
    sink = ((const char *)args->q)[((args->m - 1) * args->ldq + NPU_HEAD_DIM) * 2 + 3];
}

static void attention_scale_reads_on(const struct npu_attention_int_args *args, void *scratch)
{
    narrow()->attention(args, scratch);
    sink = *(const char *)(args->q_scale + args->m);
}

bool bad_int(int i, const struct npu_kernels *kernels, struct bad_int *out)
{
    static const struct bad_int all[] = {
#define BAD(check, kernel, width, word, field)             \
    {                                                      \
        "selftest_" #kernel "_caught", word, check, width, \
        {                                                  \
            .field = kernel                                \
        }                                                  \
    }
        BAD(check_gemm_int, gemm_off_by_one, NPU_NARROW, "expected", gemm),
        BAD(check_gemm_int, gemm_zero_ignored, NPU_NARROW, "expected", gemm),
        BAD(check_gemm_int, gemm_first_zero_for_all, NPU_NARROW, "expected", gemm),
        BAD(check_gemm_int, gemm_pairs_saturate, NPU_NARROW, "expected", gemm),
        BAD(check_gemm_int, gemm_sums_saturate, NPU_WIDE, "expected", gemm),
        BAD(check_gemm_int, gemm_residual_twice, NPU_WIDE, "expected", gemm),
        BAD(check_gemm_int, gemm_without_tail, NPU_NARROW, "expected", gemm),
        BAD(check_gemm_int, gemm_tail_by_wrong_scale, NPU_WIDE, "expected", gemm),
        BAD(check_gemm_int, gemm_past_row, NPU_NARROW, "wrote outside", gemm),
        BAD(check_gemm_int, gemm_row_below, NPU_WIDE, "wrote outside", gemm),
        BAD(check_gemm_int, gemm_a_reads_on, NPU_NARROW, "died of", gemm),
        BAD(check_gemm_int, gemm_b_reads_on, NPU_WIDE, "died of", gemm),
        BAD(check_gemm_int, gemm_sum_reads_on, NPU_NARROW, "died of", gemm),
        BAD(check_gemm_int, gemm_tail_reads_on, NPU_NARROW, "died of", gemm),
        BAD(check_gemm_int, gemm_wide_reads_zero, NPU_WIDE, "died of", gemm),
        BAD(check_quant, quant_halves_up, NPU_WIDE, "expected", quant),
        BAD(check_quant, quant_unclamped, NPU_WIDE, "expected", quant),
        BAD(check_quant, quant_scale_bit, NPU_NARROW, "expected", quant),
        BAD(check_quant, quant_zero_ignored, NPU_NARROW, "expected", quant),
        BAD(check_quant, quant_past_row, NPU_NARROW, "wrote outside", quant),
        BAD(check_quant, quant_reads_on, NPU_NARROW, "died of", quant),
        BAD(check_pack_k, pack_k_no_mask, NPU_NARROW, "expected", pack_k),
        BAD(check_pack_k, pack_k_reads_on, NPU_WIDE, "died of", pack_k),
        BAD(check_pack_v, pack_v_dirty_end, NPU_NARROW, "expected", pack_v),
        BAD(check_pack_v, pack_v_past_end, NPU_WIDE, "wrote outside", pack_v),
        BAD(check_attention_int, attention_no_mask, NPU_NARROW, "expected", attention),
        BAD(check_attention_int, attention_last_key_lost, NPU_WIDE, "expected", attention),
        BAD(check_attention_int, attention_one_scale, NPU_NARROW, "expected", attention),
        BAD(check_attention_int, attention_one_bit, NPU_WIDE, "expected", attention),
        BAD(check_attention_int, attention_past_row, NPU_NARROW, "wrote outside", attention),
        BAD(check_attention_int, attention_past_scratch, NPU_WIDE, "died of", attention),
        BAD(check_attention_int, attention_q_reads_on, NPU_WIDE, "died of", attention),
        BAD(check_attention_int, attention_scale_reads_on, NPU_NARROW, "died of", attention),
    };
    if (i >= (int)(sizeof all / sizeof *all))
        return false;
    good = kernels;
    *out = all[i];
    return true;
}
