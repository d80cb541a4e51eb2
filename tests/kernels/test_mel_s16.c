/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The four stages of the integer log-mel against plain sums written from the contract's words, and
 * their tables against long double. --seed N repeats a run. */
#include "kernels/kernels.h"
#include "tests/check.h"
#include "tests/kernels/kit.h"

#include <math.h>
#include <stdint.h>
#include <time.h>

#define BINS  NPU_MEL_BINS
#define GUARD 77

static struct npu_mel_tables tables[2]; /* 80, 128 */

/* ---- Tables ---- */

/* c = rint(2^30 hann[n] cos) in long double; `middle` = the least distance to the middle between
 * two integers. */
static long double constant(int row, int n, long double *middle)
{
    static long double cosine[400], sine[400];
    for (int i = 0; i < 400 && row == 0 && n == 0; i++) {
        cosine[i] = cosl(2 * acosl(-1) * i / 400);
        sine[i] = sinl(2 * acosl(-1) * i / 400);
    }
    int i = row % BINS * n % 400;
    long double c = (1 - cosine[n]) / 2 * (row < BINS ? cosine[i] : -sine[i]) * 0x1p30L;
    *middle = fminl(*middle, fabsl(fabsl(c - floorl(c)) - 0.5L));
    return rintl(c);
}

static void test_transform_tables(void)
{
    const struct npu_mel_tables *t = &tables[0];
    long double middle = 1;
    int wrong = 0, clipped = 0;
    for (int row = 0; row < NPU_MEL_SPECTRUM; row++) {
        for (int n = 0; n < 400; n++) {
            long double want = constant(row, n, &middle);
            long got = t->hi[row][n] * 32768L + t->lo[row][n];
            bool top = want == 0x1p30L;
            clipped += top;
            wrong += got != (long)want - top || t->lo[row][n] != (top ? 32767 : t->lo[row][n]) ||
                     (!top && labs(t->lo[row][n]) > 16384);
        }
    }
    check_case(wrong == 0 && clipped == 101 && middle > 3e-5L, "tables_transform_exact",
               "%d wrong, %d clipped, nearest middle %.2Le", wrong, clipped, middle);
}

static double mel_from_hz(double hz)
{
    return hz < 1000 ? hz * 3 / 200 : 15 + 27 * log(hz / 1000) / log(6.4);
}

/* Corner j of the triangles by bisection, so that the inverse is not written twice. */
static double edge(int j, int n_mels)
{
    double low = 0, high = 8001, mel = mel_from_hz(8000) * j / (n_mels + 1);
    for (int i = 0; i < 80; i++) {
        double middle = (low + high) / 2;
        if (mel_from_hz(middle) < mel)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Weight of bin k in triangle j as the tables have it. */
static int weight(const struct npu_mel_tables *t, int j, int k)
{
    return t->filter[k] == j ? t->rise[k] : t->filter[k] == j + 1 ? t->fall[k] : 0;
}

static void test_bank_tables(const struct npu_mel_tables *t)
{
    int wrong = 0, offsets = 0;
    for (int j = 0; j < t->n_mels; j++) {
        double a = edge(j, t->n_mels), b = edge(j + 1, t->n_mels), c = edge(j + 2, t->n_mels);
        double row[BINS], peak = 0;
        for (int k = 0; k < BINS; k++) {
            row[k] = fmax(0, fmin((k * 40 - a) / (b - a), (c - k * 40) / (c - b))) * 2 / (c - a);
            peak = row[k] > peak ? row[k] : peak;
        }
        for (int k = 0; k < BINS; k++)
            wrong += weight(t, j, k) != (int)rint(row[k] * 32767 / peak);
        offsets += t->offset[j] != (int)rint(65536 * (-46 - log2(32767 / peak)));
    }
    int logs = 0;
    for (int i = 0; i < NPU_MEL_LOG2; i++)
        logs += t->log2[i] != (int)rintl(65536 * log2l(1 + i / 256.0L));
    check_case(wrong == 0 && offsets == 0 && logs == 0,
               t->n_mels == 80 ? "tables_bank_80" : "tables_bank_128",
               "%d weights, %d offsets, %d logarithms wrong", wrong, offsets, logs);
}

/* ---- Transform ---- */

/* a / 2^s, ties to even, from the quotient and the remainder. */
static int64_t srs(int64_t a, int s)
{
    int64_t unit = (int64_t)1 << s, q = a / unit - (a % unit < 0), rest = a - q * unit;
    return q + (rest * 2 > unit || (rest * 2 == unit && q % 2 != 0));
}

static int32_t plain_bin(const int16_t *x, int row, const struct npu_mel_tables *t)
{
    int64_t hi = 0, lo = 0;
    for (int n = 0; n < 400; n++) {
        hi += x[n] * t->hi[row][n];
        lo += x[n] * t->lo[row][n];
    }
    return (int32_t)srs(hi * 32768 + lo, 22);
}

/* m frames in x against plain sums, and nothing written past them: how many differ. */
static int compare_transform(const int16_t *x, int m, const struct npu_mel_tables *t)
{
    static int32_t spectrum[40 * NPU_MEL_SPECTRUM];
    int wrong = 0;
    memset(spectrum, GUARD, sizeof(spectrum));
    npu_mel_dft_s16_ref(spectrum, x, m, t);
    for (int i = 0; i < m; i++) {
        for (int row = 0; row < NPU_MEL_SPECTRUM; row++) {
            wrong += spectrum[i * NPU_MEL_SPECTRUM + row] != plain_bin(x + 160 * i, row, t);
        }
    }
    for (int i = m * NPU_MEL_SPECTRUM; i < 40 * NPU_MEL_SPECTRUM; i++)
        wrong += spectrum[i] != GUARD * 0x01010101;
    return wrong;
}

static void test_transform_random(void)
{
    static const int frames[] = {1, 2, 15, 16, 17, 31, 33};
    int16_t x[160 * 33 + 400];
    int wrong = 0;
    for (int i = 0; i < 7; i++) {
        int limit = i % 2 ? 32767 : 300;
        for (size_t n = 0; n < sizeof(x) / sizeof(x[0]); n++)
            x[n] = (int16_t)kit_range(-limit - i % 2, limit);
        wrong += compare_transform(x, frames[i], &tables[0]);
    }
    check_case(wrong == 0, "transform_random_exact", "%d differ", wrong);
}

/* Samples with the signs of one row's constants give that bin the largest sum there is. */
static void test_transform_largest(void)
{
    int64_t largest = 0;
    int wrong = 0;
    for (int row = 0; row < NPU_MEL_SPECTRUM; row++) {
        for (int flip = 0; flip < (row % 8 == 0 ? 2 : 1); flip++) {
            int16_t x[400];
            int32_t spectrum[NPU_MEL_SPECTRUM];
            for (int n = 0; n < 400; n++)
                x[n] = (tables[0].hi[row][n] < 0) == flip ? INT16_MAX : INT16_MIN;
            npu_mel_dft_s16_ref(spectrum, x, 1, &tables[0]);
            wrong += spectrum[row] != plain_bin(x, row, &tables[0]);
            largest = llabs(spectrum[row]) > largest ? llabs(spectrum[row]) : largest;
        }
    }
    /* 200 * 2^15 * 2^8 = 1677721600: the window's values sum up to 200. */
    check_case(wrong == 0 && largest > 1677000000 && largest <= 1677721600,
               "transform_largest_sums_fit", "%d differ, largest bin %lld = 2^%.3f", wrong,
               (long long)largest, log2((double)largest));
}

/* Sums that end in exactly one half: a sample of +-2^14 times a constant whose lowest bit is
 * 2^7. */
static void test_transform_ties(void)
{
    const struct npu_mel_tables *t = &tables[0];
    int wrong = 0, ties[2] = {0}; /* to be rounded down, up */
    for (int i = 0; i < 800; i += 5) {
        int16_t x[400] = {0};
        int32_t spectrum[NPU_MEL_SPECTRUM];
        x[i / 2] = i % 2 ? 1 << 14 : -(1 << 14);
        npu_mel_dft_s16_ref(spectrum, x, 1, t);
        for (int row = 0; row < NPU_MEL_SPECTRUM; row++) {
            int64_t sum = x[i / 2] * (t->hi[row][i / 2] * INT64_C(32768) + t->lo[row][i / 2]);
            if ((sum & ((1 << 22) - 1)) == 1 << 21)
                ties[sum >> 22 & 1]++;
            wrong += spectrum[row] != srs(sum, 22);
        }
    }
    check_case(wrong == 0 && ties[0] > 50 && ties[1] > 50, "transform_ties_to_even",
               "%d differ, %d and %d ties", wrong, ties[0], ties[1]);
}

/* ---- Power and bank ---- */

static void plain_bank(__int128 *sum, int *exponent, const int32_t *spectrum,
                       const struct npu_mel_tables *t)
{
    __int128 power[BINS], max = 0;
    for (int k = 0; k < BINS; k++) {
        power[k] =
            (__int128)spectrum[k] * spectrum[k] + (__int128)spectrum[BINS + k] * spectrum[BINS + k];
        max = power[k] > max ? power[k] : max;
    }
    for (*exponent = 0; max >> *exponent >= (__int128)1 << 36;)
        ++*exponent;
    for (int j = 0; j < t->n_mels; j++) {
        sum[j] = 0;
        for (int k = 0; k < BINS; k++) {
            __int128 half = *exponent ? (__int128)1 << (*exponent - 1) : 0;
            sum[j] += ((power[k] + half) >> *exponent) * weight(t, j, k);
        }
    }
}

/* Spectra of `bits` bits; 31: every bin at the largest magnitude that a frame of samples gives. */
static void test_bank(const struct npu_mel_tables *t)
{
    enum { M = 3 };
    static int32_t spectrum[M * NPU_MEL_SPECTRUM], exponent[M + 1];
    static int64_t sum[(M + 1) * NPU_MEL_MOST];
    __int128 largest = 0, want[NPU_MEL_MOST];
    int wrong = 0, most = 0;
    for (int bits = 0; bits <= 31; bits++) {
        for (int i = 0; i < M * NPU_MEL_SPECTRUM; i++) {
            int limit = bits < 31 ? (int)((1u << bits) - 1) : 1186328507; /* 200 * 2^23 / sqrt 2 */
            spectrum[i] = bits == 31 ? limit : kit_range(-limit, limit);
        }
        memset(sum, GUARD, sizeof(sum));
        memset(exponent, GUARD, sizeof(exponent));
        npu_mel_bank_s32_ref(sum, exponent, spectrum, M, t);
        for (int i = 0; i < M; i++) {
            int e;
            plain_bank(want, &e, spectrum + i * NPU_MEL_SPECTRUM, t);
            wrong += exponent[i] != e;
            most = e > most ? e : most;
            for (int j = 0; j < t->n_mels; j++) {
                wrong += sum[i * t->n_mels + j] != want[j];
                largest = want[j] > largest ? want[j] : largest;
            }
        }
        wrong += exponent[M] != GUARD * 0x01010101 ||
                 sum[M * t->n_mels] != GUARD * INT64_C(0x0101010101010101);
    }
    check_case(wrong == 0 && most == 26 && largest < (__int128)1 << 54,
               t->n_mels == 80 ? "bank_80_exact" : "bank_128_exact",
               "%d differ, exponents up to %d, sums up to 2^%.3f", wrong, most,
               log2((double)largest));
}

/* ---- Logarithm ---- */

/* Against the real number: half a unit of rounding, and the table's error. */
static void test_log(const struct npu_mel_tables *t)
{
    double worst = 0;
    int floors = 0, wrong = 0;
    for (int i = 0; i < 20000; i++) {
        int64_t sum[NPU_MEL_MOST + 1];
        int32_t exponent = kit_range(0, 26);
        int16_t y[NPU_MEL_MOST + 1];
        int gain = kit_range(NPU_MEL_GAIN_MIN, NPU_MEL_GAIN_MAX), j = kit_range(0, t->n_mels - 1);
        memset(sum, 0, sizeof(sum));
        y[t->n_mels] = GUARD;
        sum[j] = (int64_t)exp2(kit_range(0, 53999) / 1000.0);
        npu_mel_log_s64_ref(y, sum, &exponent, 1, gain, t);
        double value =
            log10((double)sum[j]) + log10(2) * (exponent - 2 * gain + t->offset[j] / 65536.0);
        double want = fmax((value + 4) * 2048, NPU_MEL_FLOOR);
        if (want < INT16_MAX) /* no frame of samples gives more */
            worst = fmax(worst, fabs(y[j] - want));
        floors += want == NPU_MEL_FLOOR;
        for (int other = 0; other < t->n_mels; other++)
            wrong += other != j && y[other] != NPU_MEL_FLOOR;
        wrong += y[t->n_mels] != GUARD;
    }
    check_case(wrong == 0 && floors > 1000 && worst < 0.56,
               t->n_mels == 80 ? "log_80_near_real" : "log_128_near_real",
               "%d zeros above the floor, %d floors, error at most %.4f of 2^-13", wrong, floors,
               worst);
}

/* Every integer of the formula, at the places where table entries and octaves meet. */
static void test_log_corners(void)
{
    const struct npu_mel_tables *t = &tables[0];
    int wrong = 0, n = 0;
    for (int b = 0; b < 54; b++) {
        for (int i = 0; i <= 256; i++) {
            for (int d = -1; d <= 1; d++, n++) {
                int64_t sum[80] = {(int64_t)(((__int128)(256 + i) << b) / 256) + d};
                int32_t zero = 0;
                int16_t y[80];
                if (sum[0] < 1)
                    continue;
                npu_mel_log_s64_ref(y, sum, &zero, 1, -12, t);
                __int128 fraction = (__int128)sum[0] << 60;
                int top = 0;
                while (fraction >> (top + 1))
                    top++;
                int u = (int)(fraction >> (top - 23)) & 0x7fffff, at = u >> 15;
                int64_t step = (t->log2[at + 1] - t->log2[at]) * (u >> 7 & 255) + 128;
                int64_t l =
                    (top - 60) * 65536 + t->log2[at] + step / 256 + t->offset[0] + 24 * 65536;
                int64_t want =
                    (int64_t)floor((double)(l * 10100891 + (1 << 29)) / (1 << 30)) + 8192;
                wrong += y[0] != (want > -12288 ? want : -12288);
            }
        }
    }
    check_case(wrong == 0, "log_corners_exact", "%d of %d differ", wrong, n);
}

static void test_clamp(void)
{
    int16_t y[6] = {-12288, 5000, 3999, -11385, -11384, -11383}, one = -12288;
    npu_mel_clamp_s16_ref(y, 5);
    npu_mel_clamp_s16_ref(&one, 1);
    check_case(y[0] == -11384 && y[1] == 5000 && y[2] == 3999 && y[3] == -11384 && y[4] == -11384 &&
                   y[5] == -11383 && one == -12288,
               "clamp_8_decades", "%d %d %d %d %d %d, alone %d", y[0], y[1], y[2], y[3], y[4], y[5],
               one);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 2 && strcmp(argv[1], "--seed") == 0 ? strtoull(argv[2], NULL, 0) : 1;
    printf("seed %llu\n", (unsigned long long)seed);
    kit_seed(seed);
    npu_mel_tables_init(&tables[0], 80);
    npu_mel_tables_init(&tables[1], 128);
    test_transform_tables();
    test_transform_random();
    test_transform_largest();
    test_transform_ties();
    for (int i = 0; i < 2; i++) {
        test_bank_tables(&tables[i]);
        test_bank(&tables[i]);
        test_log(&tables[i]);
    }
    test_log_corners();
    test_clamp();
    return check_finish();
}
