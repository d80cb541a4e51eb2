/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_MEL_REFERENCE_H
#define TESTS_NPU_MEL_REFERENCE_H
/* Log-mel by direct sums in double, written independently of the front end. */
#include "tests/npu/mel_stream.h"

#define PI 3.14159265358979323846

/* Sample i of a stream of n: reflected at 0 and at `end`, where its last window ends, zero between.
 */
static inline double stream_sample(const float *x, int64_t n, int64_t end, int64_t i)
{
    i = i < 0 ? -i : i;
    i = i >= end ? 2 * end - 2 - i : i;
    return i < n ? x[i] : 0;
}

/* Power of all bins of one frame. */
static inline void reference_power(double power[201], const float *x, size_t n, int64_t end,
                                   int64_t frame)
{
    static double table[400];
    if (table[0] == 0) {
        for (int i = 0; i < 400; i++)
            table[i] = cos(2 * PI * i / 400);
    }
    double v[400], any = 0;
    for (int i = 0; i < 400; i++) {
        v[i] = stream_sample(x, (int64_t)n, end, frame * 160 - 200 + i) * (1 - table[i]) / 2;
        any += fabs(v[i]);
    }
    for (int k = 0; k < 201; k++) {
        double re = 0, im = 0;
        for (int i = 0, at = 0; i < 400 && any > 0; i++, at = at + k >= 400 ? at + k - 400 : at + k)
            re += v[i] * table[at], im += v[i] * table[at >= 100 ? at - 100 : at + 300];
        power[k] = re * re + im * im;
    }
}

static inline double reference_mel(double hz)
{
    return hz < 1000 ? hz * 3 / 200 : 15 + 27 * log(hz / 1000) / log(6.4);
}

static inline double reference_hz(double mel)
{
    double low = 0, high = 8000.001; /* by bisection, so that the inverse is not written twice */
    for (int i = 0; i < 80; i++) {
        double middle = (low + high) / 2;
        if (reference_mel(middle) < mel)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* weight [n_mels][201], dense */
static inline double *reference_bank(unsigned n_mels)
{
    double *weight = must_alloc(sizeof(double) * n_mels * 201);
    double step = reference_mel(8000) / (n_mels + 1);
    for (unsigned i = 0; i < n_mels; i++) {
        double a = reference_hz(step * i), b = reference_hz(step * (i + 1));
        double c = reference_hz(step * (i + 2));
        for (int k = 0; k < 201; k++) {
            double f = k * 40.0, up = (f - a) / (b - a), down = (c - f) / (c - b);
            weight[i * 201 + k] = fmax(0, fmin(up, down)) * 2 / (c - a);
        }
    }
    return weight;
}

/* The window of `frames` from frame `first` of a stream whose last window ends at `end`,
 * [frames][n_mels]. */
static inline void reference_frames(double *out, unsigned n_mels, const float *x, size_t n,
                                    int64_t end, int64_t first, int frames)
{
    double *weight = reference_bank(n_mels), power[201], max = -99;
    for (int t = 0; t < frames; t++) {
        reference_power(power, x, n, end, first + t);
        for (unsigned i = 0; i < n_mels; i++) {
            double sum = 0;
            for (int k = 0; k < 201; k++)
                sum += weight[i * 201 + k] * power[k];
            double y = log10(fmax(sum, 1e-10));
            max = fmax(max, y);
            out[t * n_mels + i] = y;
        }
    }
    for (size_t i = 0; i < (size_t)frames * n_mels; i++)
        out[i] = (fmax(out[i], max - 8) + 4) / 4;
    free(weight);
}

/* Window number `window` of consecutive windows of 30 s, [FRAMES][n_mels]. */
static inline void reference_window(double *out, unsigned n_mels, const float *x, size_t n,
                                    int window)
{
    int64_t end = ((int64_t)n + NPU_WINDOW_SAMPLES - 1) / NPU_WINDOW_SAMPLES * NPU_WINDOW_SAMPLES;
    reference_frames(out, n_mels, x, n, end, (int64_t)window * FRAMES, FRAMES);
}

#endif /* TESTS_NPU_MEL_REFERENCE_H */
