/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The front of the log-mel: where windows begin and end in a stream, whatever the arithmetic. */
#include "npu/mel/mel.h"

#include <errno.h>
#include <stdlib.h>

#define MIN_POSITIONS 50 /* of a window: 1 s */

static uint64_t window_samples(const struct npu_mel *mel)
{
    return (uint64_t)mel->window_frames * NPU_HOP;
}

static uint64_t hop_samples(const struct npu_mel *mel)
{
    return (uint64_t)mel->hop_frames * NPU_HOP;
}

int npu_mel_open(struct npu_mel **out, const struct npu_mel_params *params)
{
    static const struct npu_mel_ops *const ops[] = {
        [NPU_MEL_F32] = &npu_mel_f32,
        [NPU_MEL_S16] = &npu_mel_s16,
    };
    const unsigned n_mels = params->n_mels, arithmetic = params->arithmetic;
    unsigned window = params->window_positions, hop = params->hop_positions;
    struct npu_mel *mel;
    window = window ? window : NPU_WINDOW_POSITIONS;
    hop = hop ? hop : window;
    if ((n_mels != 80 && n_mels != 128) || arithmetic >= sizeof(ops) / sizeof(ops[0]))
        return -EINVAL;
    if (window < MIN_POSITIONS || window > NPU_WINDOW_POSITIONS || hop > window)
        return -EINVAL;
    int status = ops[arithmetic]->open(&mel, n_mels, 2 * window);
    if (status < 0)
        return status;
    mel->ops = ops[arithmetic];
    mel->n_mels = n_mels;
    mel->window_frames = 2 * window;
    mel->hop_frames = 2 * hop;
    npu_mel_reset(mel);
    *out = mel;
    return 0;
}

void npu_mel_close(struct npu_mel **mel)
{
    if (*mel)
        (*mel)->ops->close(*mel);
    *mel = NULL;
}

void npu_mel_reset(struct npu_mel *mel)
{
    mel->window = mel->pushed = mel->end = 0;
    mel->finished = false;
    mel->ops->reset(mel);
}

bool npu_mel_ready(const struct npu_mel *mel)
{
    return mel->ops->ready(mel);
}

size_t npu_mel_push(struct npu_mel *mel, const float *samples, size_t n)
{
    if (mel->finished && !npu_mel_ready(mel)) /* a new stream without a call of reset */
        npu_mel_reset(mel);
    if (mel->finished)
        return 0;
    size_t done = mel->ops->append(mel, samples, n);
    mel->pushed += done;
    return done;
}

/* After the end of the stream: complete the window under way, if one is left. */
static void pad_window(struct npu_mel *mel)
{
    uint64_t window_end = mel->window * hop_samples(mel) + window_samples(mel);
    if (window_end <= mel->end && !npu_mel_ready(mel))
        mel->ops->pad(mel, window_end == mel->end);
}

void npu_mel_finish(struct npu_mel *mel)
{
    if (mel->finished)
        return;
    mel->finished = true;
    if (mel->pushed > 0) {
        /* The first window that holds the last sample is the last one. */
        uint64_t size = window_samples(mel), hop = hop_samples(mel);
        uint64_t more = mel->pushed > size ? (mel->pushed - size + hop - 1) / hop : 0;
        mel->end = more * hop + size;
    }
    pad_window(mel);
}

int npu_mel_take(struct npu_mel *mel, float *out, struct npu_mel_window *window)
{
    if (!npu_mel_ready(mel))
        return -EAGAIN;
    mel->ops->cut(mel, out);
    uint64_t first = mel->window * hop_samples(mel), left = mel->pushed - first;
    window->first_sample = first;
    window->n_samples = (unsigned)(left < window_samples(mel) ? left : window_samples(mel));
    mel->window++;
    if (mel->finished)
        pad_window(mel);
    return 0;
}
