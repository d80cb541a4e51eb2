/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The designs of log-mel: 80 channels, 16 frames a pass, then the clamp to the window's maximum. */
#include "tests/sim/designs.h"

#include "kernels/aie2/mel_pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MELS = 80, PASS_SAMPLES = 16 * NPU_MEL_HOP, X_BYTES = 2 * NPU_MEL_X, BEHIND = 1536 };

static const struct npu_mel_tables *tables(void)
{
    static struct npu_mel_tables *made;
    if (!made) {
        made = designs_alloc(sizeof(*made));
        npu_mel_tables_init(made, MELS);
    }
    return made;
}

/* y [frames][MELS] before the clamp. */
static int16_t *compute(const int16_t *x, int frames)
{
    size_t n = (size_t)frames;
    int32_t *spectrum = designs_alloc(n * NPU_MEL_SPECTRUM * sizeof(*spectrum));
    int64_t *sum = designs_alloc(n * MELS * sizeof(*sum));
    int32_t *exponent = designs_alloc(n * sizeof(*exponent));
    int16_t *y = designs_alloc(n * MELS * sizeof(*y));
    npu_mel_dft_s16_ref(spectrum, x, frames, tables());
    npu_mel_bank_s32_ref(sum, exponent, spectrum, frames, tables());
    npu_mel_log_s64_ref(y, sum, exponent, frames, 0, tables());
    free(spectrum);
    free(sum);
    free(exponent);
    return y;
}

/* The parameter object of @x; cores: how many share the passes. */
static void pack_job(uint8_t *to, int passes, int clamps, int32_t floor)
{
    struct npu_core_mel job;
    npu_mel_pack_job(&job, tables(), 0);
    job.count[0] = passes;
    job.count[1] = clamps;
    job.floor = floor;
    memcpy(to, &job, sizeof(job));
}

static void clamp(const char *name, const char *design, int16_t *y, int frames, int cores)
{
    size_t n = (size_t)frames * MELS;
    uint8_t job[X_BYTES] = {0};
    int16_t *z = designs_alloc((n + BEHIND) * sizeof(*z)), *out = designs_alloc(n * sizeof(*out));
    int16_t most = INT16_MIN;
    for (size_t i = 0; i < n; i++)
        most = y[i] > most ? y[i] : most;
    memcpy(z, y, n * sizeof(*z));
    for (size_t i = 0; i < BEHIND; i++)
        z[n + i] = 32767;
    npu_mel_clamp_s16_ref(y, n);
    pack_job(job, 0, frames / 16 / cores, most - NPU_MEL_RANGE);
    const struct designs_buffer buffers[] = {
        {job, sizeof(job)}, {z, (n + BEHIND) * sizeof(*z)}, {out, n * sizeof(*out)}};
    designs_run(name, design, "clamp", buffers, 3, 2, y);
    free(z);
    free(out);
}

void designs_mel_run(const char *name, const char *design, const int16_t *x, int frames, int cores)
{
    size_t n = (size_t)frames * MELS;
    char clamp_name[64];
    uint8_t job[X_BYTES] = {0};
    int16_t *out = designs_alloc(n * sizeof(*out)), *y = compute(x, frames);
    int32_t *c = designs_alloc((size_t)NPU_MEL_OBJECTS * NPU_MEL_CONSTANTS * sizeof(*c));
    npu_mel_pack_constants(c, tables());
    pack_job(job, frames / 16 / cores, 0, 0);
    const struct designs_buffer buffers[] = {
        {job, sizeof(job)},
        {(void *)x, ((size_t)frames / 16 * PASS_SAMPLES + NPU_MEL_X - PASS_SAMPLES) * sizeof(*x)},
        {c, (size_t)NPU_MEL_OBJECTS * NPU_MEL_CONSTANTS * sizeof(*c)},
        {out, n * sizeof(*out)}};
    designs_run(name, design, "mel", buffers, 4, 3, y);
    snprintf(clamp_name, sizeof(clamp_name), "%s_clamp", name);
    clamp(clamp_name, design, y, frames, cores);
    free(out);
    free(y);
    free(c);
}

/* Noise that fades from full scale to nothing over the frames. */
static void mel(const char *design, int frames, int cores)
{
    size_t n = (size_t)frames / 16 * PASS_SAMPLES + NPU_MEL_X - PASS_SAMPLES;
    int16_t *x = designs_alloc(n * sizeof(*x));
    for (size_t i = 0; i < n; i++) {
        int most = 32767 >> (16 * i / n);
        x[i] = (int16_t)kit_range(-most, most);
    }
    designs_mel_run(design, design, x, frames, cores);
    free(x);
}

void designs_mel(void)
{
    mel("mel", 256, 1);
    mel("mel_4core", 3008, 4);
}
