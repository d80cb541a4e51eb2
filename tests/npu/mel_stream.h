/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_MEL_STREAM_H
#define TESTS_NPU_MEL_STREAM_H
/* Helpers of the log-mel tests: repeatable noise, files, a stream pushed in any chunking and its
 * windows, differences of two. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/npu.h"

#define FRAMES       NPU_WINDOW_FRAMES
#define WINDOW_BYTES (sizeof(float) * FRAMES * 128)

static uint64_t seed = 1;

/* splitmix64 */
static inline uint64_t random_bits(void)
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline double random_unit(void) /* -1 .. 1 */
{
    return (double)(random_bits() >> 11) / 4503599627370496.0 - 1;
}

static inline void *must_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p) {
        fprintf(stderr, "no memory for %zu bytes\n", size);
        exit(1);
    }
    return p;
}

static inline float *noise(size_t n, double amplitude)
{
    float *x = must_alloc(sizeof(*x) * n);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(amplitude * random_unit());
    return x;
}

static inline struct npu_mel *must_open(unsigned n_mels, enum npu_mel_arithmetic arithmetic)
{
    struct npu_mel *mel = NULL;
    const struct npu_mel_params params = {.n_mels = n_mels, .arithmetic = arithmetic};
    if (npu_mel_open(&mel, &params) < 0) {
        fprintf(stderr, "npu_mel_open(%u) failed\n", n_mels);
        exit(1);
    }
    return mel;
}

/* The whole of a file, or NULL. */
static inline void *read_file(const char *dir, const char *name, size_t *size)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *data = must_alloc(*size);
    if (fread(data, 1, *size, file) != *size) {
        free(data);
        data = NULL;
    }
    fclose(file);
    return data;
}

/* The samples of a 16-bit mono WAV file, or NULL. */
static inline float *read_wav(const char *dir, const char *name, size_t *n)
{
    size_t size = 0, at = 12;
    unsigned char *data = read_file(dir, name, &size);
    float *x = NULL;
    while (data && at + 8 <= size) {
        const unsigned char *c = data + at;
        size_t length = c[4] | (size_t)c[5] << 8 | (size_t)c[6] << 16 | (size_t)c[7] << 24;
        at += 8;
        if (memcmp(c, "data", 4) == 0 && length <= size - at) {
            *n = length / 2;
            x = must_alloc(sizeof(*x) * *n);
            for (size_t i = 0; i < *n; i++)
                x[i] = (float)(int16_t)(data[at + 2 * i] | data[at + 2 * i + 1] << 8) / 32768;
            break;
        }
        at += length + length % 2;
    }
    free(data);
    return x;
}

/* ---- Running a stream ---- */

struct result {
    unsigned n_windows;
    struct npu_mel_window window[8];
    float *mel[8];
    unsigned n_mels;
};

static inline void take_all(struct npu_mel *mel, struct result *result)
{
    while (npu_mel_ready(mel) && result->n_windows < 8) {
        unsigned i = result->n_windows++;
        result->mel[i] = must_alloc(WINDOW_BYTES);
        if (npu_mel_take(mel, result->mel[i], &result->window[i]) < 0)
            result->n_windows = 99;
    }
}

/* Push x in chunks: 0 at random, else that many samples; then finish. */
static inline struct result run_on(struct npu_mel *mel, unsigned n_mels, const float *x, size_t n,
                                   size_t chunk)
{
    struct result result = {.n_mels = n_mels};
    for (size_t done = 0; done < n;) {
        size_t count = chunk;
        if (chunk == 0)
            count = (size_t)1 << random_bits() % 20, count += random_bits() % count;
        count = count < n - done ? count : n - done;
        size_t taken = npu_mel_push(mel, x + done, count);
        if (taken < count && !npu_mel_ready(mel)) {
            fprintf(stderr, "push took %zu of %zu and no window waits\n", taken, count);
            exit(1);
        }
        done += taken;
        take_all(mel, &result);
    }
    npu_mel_finish(mel);
    take_all(mel, &result);
    return result;
}

static inline struct result stream_run(enum npu_mel_arithmetic arithmetic, unsigned n_mels,
                                       const float *x, size_t n, size_t chunk)
{
    struct npu_mel *mel = must_open(n_mels, arithmetic);
    struct result result = run_on(mel, n_mels, x, n, chunk);
    npu_mel_close(&mel);
    return result;
}

static inline void result_free(struct result *result)
{
    for (unsigned i = 0; i < result->n_windows && i < 8; i++)
        free(result->mel[i]);
    memset(result, 0, sizeof(*result));
}

static inline bool result_equal(const struct result *a, const struct result *b)
{
    if (a->n_windows != b->n_windows || a->n_mels != b->n_mels)
        return false;
    for (unsigned i = 0; i < a->n_windows; i++) {
        if (a->window[i].first_sample != b->window[i].first_sample ||
            a->window[i].n_samples != b->window[i].n_samples ||
            memcmp(a->mel[i], b->mel[i], sizeof(float) * FRAMES * a->n_mels) != 0)
            return false;
    }
    return true;
}

struct difference {
    double max, sum;
    size_t n;
};

static inline void difference_add(struct difference *d, double a, double b)
{
    double e = fabs(a - b);
    d->max = e > d->max || e != e ? e : d->max;
    d->sum += e * e;
    d->n++;
}

static inline double difference_rms(const struct difference *d)
{
    return sqrt(d->sum / (double)(d->n ? d->n : 1));
}

#endif /* TESTS_NPU_MEL_STREAM_H */
