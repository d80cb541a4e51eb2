/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_ENCODER_INPUT_H
#define TESTS_NPU_ENCODER_INPUT_H
/* Inputs of the encoder tests: mels stored, computed from audio, or from a formula. Frame-major f32
 * [3000][n_mels], to be freed; a file that is missing or short ends the program with a failed case.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/npu.h"
#include "tests/check.h"

/* FNV-1a of the features of the stored mel (base) and of lcg_mel(3) (small): constants, so that a
 * change of a single bit anywhere in the arithmetic shows. A commit that changes the arithmetic on
 * purpose changes them too. */
#define NPU_TEST_HASH_BASE  UINT64_C(0xf9cad6da0101c29d)
#define NPU_TEST_HASH_SMALL UINT64_C(0xc587ab2dde8fd5b9)
/* The same of profile int8; the small model has enough layers for both widths. */
#define NPU_TEST_HASH_INT8_BASE  UINT64_C(0x2efa0f098dcb5ac4)
#define NPU_TEST_HASH_INT8_SMALL UINT64_C(0x56ea2cc8b51dd38a)
/* Of profile npu, a smaller model: fixed_model_write(80, 128, 4, 150, 1). */
#define NPU_TEST_HASH_NPU_SMALL UINT64_C(0x407c3f590d2a66e1)

/* `path` below the project's folder; the result is valid until the fourth call after this one. */
static inline const char *source_path(const char *path)
{
    static char full[4][1024];
    static unsigned next;
    const char *root = getenv("TEST_SOURCE_ROOT");
    char *p = full[next++ % 4];
    snprintf(p, sizeof(full[0]), "%s/%s", root ? root : ".", path);
    return p;
}

/* The first n bytes of a file. */
static inline void *read_file(const char *path, size_t n)
{
    FILE *file = fopen(path, "rb");
    void *p = malloc(n);
    if (!file || !p || fread(p, 1, n, file) != n) {
        check_case(false, "read", "%s: less than %zu bytes", path, n);
        exit(check_finish());
    }
    fclose(file);
    return p;
}

static inline float *new_mel(unsigned n_mels)
{
    float *mel = malloc((size_t)NPU_WINDOW_FRAMES * n_mels * sizeof(float));
    if (!mel)
        abort();
    return mel;
}

/* The formula of tests/data/make_encoder_golden.py. */
static inline float *lcg_mel(uint32_t seed, unsigned n_mels)
{
    float *mel = new_mel(n_mels);
    for (size_t i = 0; i < (size_t)NPU_WINDOW_FRAMES * n_mels; i++) {
        seed = seed * 1664525u + 1013904223u;
        mel[i] = (float)((int32_t)(seed >> 8) - (1 << 23)) * 0x1p-23f;
    }
    return mel;
}

/* [720][80] of round(16384 x); the later frames repeat the last value. */
static inline float *stored_mel(const char *path)
{
    int16_t *q = read_file(path, 720 * 80 * sizeof(*q));
    float *mel = new_mel(80);
    for (size_t i = 0; i < (size_t)NPU_WINDOW_FRAMES * 80; i++)
        mel[i] = q[i < 720 * 80 ? i : 720 * 80 - 1] * 0x1p-14f;
    free(q);
    return mel;
}

/* A golden mel, [80][3000]. */
static inline float *golden_mel(const char *path)
{
    float *g = read_file(path, (size_t)80 * NPU_WINDOW_FRAMES * sizeof(float)), *mel = new_mel(80);
    for (size_t t = 0; t < NPU_WINDOW_FRAMES; t++)
        for (size_t m = 0; m < 80; m++)
            mel[t * 80 + m] = g[m * NPU_WINDOW_FRAMES + t];
    free(g);
    return mel;
}

/* Position a RIFF file after the header of its "data" chunk. */
static inline bool seek_wav_data(FILE *file)
{
    unsigned char head[8];
    if (!file || fseek(file, 12, SEEK_SET))
        return false;
    while (fread(head, 1, 8, file) == 8) {
        if (!memcmp(head, "data", 4))
            return true;
        long size = head[4] | head[5] << 8 | head[6] << 16;
        if (fseek(file, size + (size & 1), SEEK_CUR))
            return false;
    }
    return false;
}

/* The samples of a 16 kHz mono s16 file, at most a window; to be freed. */
static inline float *wav_samples(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    int16_t *pcm = malloc(NPU_WINDOW_SAMPLES * sizeof(*pcm));
    float *samples = malloc(NPU_WINDOW_SAMPLES * sizeof(*samples));

    if (!seek_wav_data(file) || !pcm || !samples) {
        check_case(false, "read", "%s", path);
        exit(check_finish());
    }
    *n = fread(pcm, sizeof(pcm[0]), NPU_WINDOW_SAMPLES, file);
    fclose(file);
    for (size_t i = 0; i < *n; i++)
        samples[i] = pcm[i] / 32768.0f;
    free(pcm);
    return samples;
}

/* First window of n samples, pushed `chunk` at a time. */
static inline float *samples_mel_in(enum npu_mel_arithmetic arithmetic, const float *samples,
                                    size_t n, size_t chunk, unsigned n_mels)
{
    struct npu_mel *front;
    struct npu_mel_window window;
    float *mel = new_mel(n_mels);

    const struct npu_mel_params params = {.n_mels = n_mels, .arithmetic = arithmetic};
    if (npu_mel_open(&front, &params)) {
        check_case(false, "mel", "cannot open");
        exit(check_finish());
    }
    for (size_t at = 0; at < n; at += chunk)
        npu_mel_push(front, samples + at, n - at < chunk ? n - at : chunk);
    npu_mel_finish(front);
    if (npu_mel_take(front, mel, &window))
        check_case(false, "mel", "no window of %zu samples", n);
    npu_mel_close(&front);
    return mel;
}

static inline float *samples_mel(const float *samples, size_t n, size_t chunk, unsigned n_mels)
{
    return samples_mel_in(NPU_MEL_F32, samples, n, chunk, n_mels);
}

/* First window of a 16 kHz mono s16 file. */
static inline float *wav_mel(const char *path, unsigned n_mels)
{
    size_t n;
    float *samples = wav_samples(path, &n), *mel = samples_mel(samples, n, n, n_mels);
    free(samples);
    return mel;
}

#endif /* TESTS_NPU_ENCODER_INPUT_H */
