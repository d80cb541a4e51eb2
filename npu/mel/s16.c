/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log-mel in integers, a window at a time: the gain is known only after the last sample. */
#include "kernels/kernels.h"
#include "npu/mel/mel.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Samples that the frames of the longest window see: before, in and after it. */
#define SPAN  (NPU_MEL_MARGIN + NPU_WINDOW_SAMPLES + NPU_MEL_LOOK_AHEAD)
#define BLOCK 48 /* frames between two stages: 150 KiB, inside the L2 cache */

_Static_assert(NPU_MEL_HOP == NPU_HOP && NPU_MEL_FRAME == 2 * NPU_MEL_MARGIN &&
                   NPU_MEL_MOST == NPU_MEL_MAX_MELS,
               "the kernels' frames are the front's");

struct mel_s16 {
    struct npu_mel base;
    unsigned n_samples;  /* in `samples`; starts at NPU_MEL_MARGIN, the reflected ones */
    float samples[SPAN]; /* clean */
    int16_t x[SPAN];
    int16_t y[NPU_WINDOW_FRAMES * NPU_MEL_MOST]; /* [frames][n_mels], unclamped */
    int16_t clamped[NPU_WINDOW_FRAMES * NPU_MEL_MOST];
    unsigned n_frames; /* in `y`, left by the window before, at its gain */
    int gain;
    int32_t spectrum[BLOCK * NPU_MEL_SPECTRUM], exponent[BLOCK];
    int64_t sum[BLOCK * NPU_MEL_MOST];
    struct npu_mel_tables tables;
};

static unsigned span(const struct npu_mel *base)
{
    return NPU_MEL_MARGIN + base->window_frames * NPU_HOP + NPU_MEL_LOOK_AHEAD;
}

static int open_s16(struct npu_mel **out, unsigned n_mels, unsigned window_frames)
{
    (void)window_frames; /* memory is for the longest; pages that a shorter one never touches cost
                            nothing */
    struct mel_s16 *mel = malloc(sizeof(*mel));
    if (!mel)
        return -ENOMEM;
    npu_mel_tables_init(&mel->tables, (int)n_mels);
    *out = &mel->base;
    return 0;
}

static void close_s16(struct npu_mel *base)
{
    free(base);
}

static void reset_s16(struct npu_mel *base)
{
    struct mel_s16 *mel = (struct mel_s16 *)base;
    mel->n_samples = NPU_MEL_MARGIN;
    mel->n_frames = 0;
    mel->gain = 0;
}

static bool ready_s16(const struct npu_mel *base)
{
    return ((const struct mel_s16 *)base)->n_samples == span(base);
}

static size_t append_s16(struct npu_mel *base, const float *samples, size_t n)
{
    struct mel_s16 *mel = (struct mel_s16 *)base;
    size_t room = span(base) - mel->n_samples, count = n < room ? n : room;
    for (size_t i = 0; i < count; i++)
        mel->samples[mel->n_samples + i] = npu_mel_clean(samples[i]);
    mel->n_samples += (unsigned)count;
    return count;
}

static void pad_s16(struct npu_mel *base, bool last)
{
    struct mel_s16 *mel = (struct mel_s16 *)base;
    memset(mel->samples + mel->n_samples, 0, sizeof(float) * (span(base) - mel->n_samples));
    if (last) {
        float *end = mel->samples + span(base) - NPU_MEL_LOOK_AHEAD;
        for (int i = 0; i < NPU_MEL_LOOK_AHEAD; i++)
            end[i] = end[-2 - i];
    }
    mel->n_samples = span(base);
}

/* The window's gain as a power of two, see npu.h. */
static int choose_gain(const float *samples, unsigned n)
{
    float peak = 0;
    bool exact = true;
    for (unsigned i = 0; i < n; i++) {
        float x = samples[i] * 32768, size = fabsf(samples[i]);
        exact &= x >= INT16_MIN && x <= INT16_MAX && x == rintf(x);
        peak = size > peak ? size : peak;
    }
    int exponent; /* peak is in [0.5, 1) * 2^exponent */
    frexpf(peak, &exponent);
    if (exact)
        return 0;
    return -exponent < NPU_MEL_GAIN_MAX ? -exponent : NPU_MEL_GAIN_MAX;
}

static void quantise(int16_t *x, const float *samples, unsigned n, int gain)
{
    const float scale = ldexpf(1, 15 + gain);
    for (unsigned i = 0; i < n; i++) {
        float scaled = rintf(samples[i] * scale);
        x[i] = (int16_t)(scaled < INT16_MAX ? scaled : INT16_MAX);
    }
}

static void cut_s16(struct npu_mel *base, float *out)
{
    struct mel_s16 *mel = (struct mel_s16 *)base;
    const size_t n_mels = base->n_mels;
    if (base->window == 0) {
        for (int i = 1; i <= NPU_MEL_MARGIN; i++)
            mel->samples[NPU_MEL_MARGIN - i] = mel->samples[NPU_MEL_MARGIN + i];
    }
    const int gain = choose_gain(mel->samples, span(base));
    const int n_frames = (int)base->window_frames,
              n_kept = gain == mel->gain ? (int)mel->n_frames : 0;
    quantise(mel->x, mel->samples, span(base), gain);
    for (int i = n_kept; i < n_frames; i += BLOCK) {
        int m = n_frames - i < BLOCK ? n_frames - i : BLOCK;
        npu_mel_dft_s16_ref(mel->spectrum, mel->x + (size_t)i * NPU_HOP, m, &mel->tables);
        npu_mel_bank_s32_ref(mel->sum, mel->exponent, mel->spectrum, m, &mel->tables);
        npu_mel_log_s64_ref(mel->y + (size_t)i * n_mels, mel->sum, mel->exponent, m, gain,
                            &mel->tables);
    }
    const size_t n = base->window_frames * n_mels, hop = base->hop_frames;
    memcpy(mel->clamped, mel->y, sizeof(int16_t) * n);
    npu_mel_clamp_s16_ref(mel->clamped, n);
    for (size_t i = 0; i < n; i++)
        out[i] = mel->clamped[i] * 0x1p-13f;
    mel->gain = gain;
    mel->n_frames = base->window_frames - base->hop_frames;
    memmove(mel->y, mel->y + hop * n_mels, sizeof(int16_t) * mel->n_frames * n_mels);
    mel->n_samples = span(base) - base->hop_frames * NPU_HOP;
    memmove(mel->samples, mel->samples + hop * NPU_HOP, sizeof(float) * mel->n_samples);
}

const struct npu_mel_ops npu_mel_s16 = {
    .open = open_s16,
    .close = close_s16,
    .reset = reset_s16,
    .append = append_s16,
    .ready = ready_s16,
    .pad = pad_s16,
    .cut = cut_s16,
};
