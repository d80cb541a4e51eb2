/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_SIGNALS_H
#define TESTS_NPU_SIGNALS_H
/* Synthetic audio, 16 kHz, -1 .. 1. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* White, uniform over the whole range. */
static inline void signal_noise(float *x, size_t n)
{
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)((int32_t)(state >> 8) - (1 << 23)) * 0x1p-23f;
    }
}

/* A note from sample `at`: an attack of 10 ms, then twelve harmonics; the higher ones are softer
 * and decay faster. */
static inline void signal_add_note(float *x, size_t n, size_t at, size_t length, float hz)
{
    for (size_t i = 0; i < length && at + i < n; i++) {
        float t = (float)i / 16000, attack = t < 0.01f ? t * 100 : 1, sum = 0;
        for (int h = 1; h <= 12 && h * hz < 8000; h++)
            sum += sinf(6.2831853f * fmodf((float)h * hz * t, 1)) * expf(-t * (float)h) / (float)h;
        x[at + i] += 0.12f * attack * sum;
    }
}

/* Chords of four notes, twice a second, over a melody of eighths. */
static inline void signal_music(float *x, size_t n)
{
    static const int chords[4][4] = {{0, 4, 7, 12}, {-3, 0, 4, 9}, {-7, -3, 0, 5}, {-5, -1, 2, 7}};
    memset(x, 0, n * sizeof(*x));
    for (size_t beat = 0; beat * 8000 < n; beat++)
        for (int i = 0; i < 4; i++)
            signal_add_note(x, n, beat * 8000, 8000,
                            220 * exp2f((float)chords[beat / 4 % 4][i] / 12));
    for (size_t step = 0; step * 4000 < n; step++)
        signal_add_note(x, n, step * 4000, 6000,
                        880 * exp2f((float)chords[step / 8 % 4][step * 7 % 4] / 12));
    for (size_t i = 0; i < n; i++)
        x[i] = fmaxf(-1, fminf(1, x[i]));
}

#endif /* TESTS_NPU_SIGNALS_H */
