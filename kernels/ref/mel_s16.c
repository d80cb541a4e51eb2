/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sums of products are doubles: every one is an integer below 2^53, so they are exact and their
 * order does not matter. |hi 2^15 + lo| <= 2^30 hann[n], the window's values sum up to 200, a
 * sample is at most 2^15: the sums over all n, and all partial ones, stay below 2^52.7. */
#include "kernels/ref/fixed.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { LANES = 16, HALF = NPU_MEL_FRAME / 2 };

/* [n][frame], n = 1 .. 200; the window is zero at n = 0. */
typedef double folded[HALF + 1][LANES];

/* The cosines are even about n = 200 and the sines odd: v[n] = x[n] + sign * x[400 - n]. */
static void fold(folded v, const int16_t *x, int m, int sign)
{
    memset(v, 0, sizeof(folded));
    for (int f = 0; f < m; f++) {
        const int16_t *frame = x + NPU_MEL_HOP * f;
        for (int n = 1; n < HALF; n++)
            v[n][f] = frame[n] + sign * frame[NPU_MEL_FRAME - n];
        v[HALF][f] = frame[HALF]; /* where the sines are zero */
    }
}

/* sum[f] = SUM c[n] v[n][f] over n = first, first + 2, .. 200. */
static void half_sum(double sum[LANES], const int16_t *hi, const int16_t *lo, folded v, int first)
{
    double s[LANES] = {0};
    for (int n = first; n <= HALF; n += 2) {
        double c = hi[n] * (1 << 15) + lo[n];
        for (int f = 0; f < LANES; f++)
            s[f] += c * v[n][f];
    }
    memcpy(sum, s, sizeof(s));
}

static int32_t scale(double sum)
{
    return (int32_t)rint(sum * (1.0 / (1 << (30 - NPU_MEL_SPECTRUM_BITS))));
}

/* The real parts, or the imaginary ones (sign -1), of at most LANES frames. Bin 200 - k has the
 * constants of bin k times (-1)^n for the cosines, -(-1)^n for the sines. */
static void transform(int32_t *out, const int16_t *x, int m, int sign,
                      const struct npu_mel_tables *t)
{
    folded v;
    fold(v, x, m, sign);
    const int row = sign > 0 ? 0 : NPU_MEL_BINS;
    for (int k = 0; k <= NPU_MEL_BINS / 2; k++) {
        double even[LANES], odd[LANES];
        half_sum(even, t->hi[row + k], t->lo[row + k], v, 2);
        half_sum(odd, t->hi[row + k], t->lo[row + k], v, 1);
        for (int f = 0; f < m; f++) {
            int32_t *bins = out + (size_t)f * NPU_MEL_SPECTRUM + row;
            bins[NPU_MEL_BINS - 1 - k] = scale(sign * (even[f] - odd[f]));
            bins[k] = scale(even[f] + odd[f]);
        }
    }
}

void npu_mel_dft_s16_ref(int32_t *spectrum, const int16_t *x, int m, const struct npu_mel_tables *t)
{
    assert(m >= 1);
    for (int i = 0; i < m; i += LANES) {
        int count = m - i < LANES ? m - i : LANES;
        transform(spectrum + (size_t)i * NPU_MEL_SPECTRUM, x + (size_t)i * NPU_MEL_HOP, count, 1,
                  t);
        transform(spectrum + (size_t)i * NPU_MEL_SPECTRUM, x + (size_t)i * NPU_MEL_HOP, count, -1,
                  t);
    }
}

void npu_mel_bank_s32_ref(int64_t *sum, int32_t *exponent, const int32_t *spectrum, int m,
                          const struct npu_mel_tables *t)
{
    assert(m >= 1);
    for (int i = 0; i < m; i++, spectrum += NPU_MEL_SPECTRUM, sum += t->n_mels) {
        int64_t power[NPU_MEL_BINS], max = 0;
        for (int k = 0; k < NPU_MEL_BINS; k++) {
            int64_t re = spectrum[k], im = spectrum[NPU_MEL_BINS + k];
            power[k] = re * re + im * im;
            max = power[k] > max ? power[k] : max;
        }
        int e = npu_fixed_bitlen((uint64_t)max) - NPU_MEL_POWER_BITS;
        e = e > 0 ? e : 0;
        int64_t half = e > 0 ? (int64_t)1 << (e - 1) : 0;
        memset(sum, 0, sizeof(*sum) * (size_t)t->n_mels);
        for (int k = 0; k < NPU_MEL_BINS; k++) {
            int64_t p = (power[k] + half) >> e;
            int j = t->filter[k];
            if (j < t->n_mels)
                sum[j] += p * t->rise[k];
            if (j > 0)
                sum[j - 1] += p * t->fall[k];
        }
        exponent[i] = e;
    }
}

/* log2 of x >= 1 in units of 2^-16: error below 1.7 units. */
static int64_t log2_s64(int64_t x, const int32_t table[NPU_MEL_LOG2])
{
    int b = npu_fixed_bitlen((uint64_t)x) - 1;
    int64_t u = (b > 23 ? x >> (b - 23) : x << (23 - b)) - (1 << 23);
    int i = (int)(u >> 15), f = (int)(u >> 7) & 255;
    return b * 65536 + table[i] + (((table[i + 1] - table[i]) * f + 128) >> 8);
}

void npu_mel_log_s64_ref(int16_t *y, const int64_t *sum, const int32_t *exponent, int m, int gain,
                         const struct npu_mel_tables *t)
{
    assert(m >= 1 && gain >= NPU_MEL_GAIN_MIN && gain <= NPU_MEL_GAIN_MAX);
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < t->n_mels; j++, sum++, y++) {
            int64_t value = NPU_MEL_FLOOR;
            if (*sum > 0) {
                int64_t l =
                    log2_s64(*sum, t->log2) + (exponent[i] - 2 * gain) * 65536 + t->offset[j];
                value = ((l * NPU_MEL_LOG10_2 + (1 << 29)) >> 30) + (1 << 13);
            }
            *y = (int16_t)(value > NPU_MEL_FLOOR ? value : NPU_MEL_FLOOR);
        }
    }
}

void npu_mel_clamp_s16_ref(int16_t *y, size_t n)
{
    int max = INT16_MIN;
    for (size_t i = 0; i < n; i++)
        max = y[i] > max ? y[i] : max;
    int floor = max - NPU_MEL_RANGE;
    for (size_t i = 0; i < n; i++)
        y[i] = (int16_t)(y[i] > floor ? y[i] : floor);
}
