/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The front of the log-mel: where windows begin and end in a stream, whatever the arithmetic. */
#include "npu/mel.h"

#include <errno.h>
#include <stdlib.h>

int npu_mel_open(struct npu_mel **out, unsigned n_mels, enum npu_mel_arithmetic arithmetic)
{
    static const struct npu_mel_ops *const ops[] = {
        [NPU_MEL_F32] = &npu_mel_f32,
        [NPU_MEL_S16] = &npu_mel_s16,
    };
    struct npu_mel *mel;
    if ((n_mels != 80 && n_mels != 128) || (unsigned)arithmetic >= sizeof(ops) / sizeof(ops[0]))
        return -EINVAL;
    int status = ops[arithmetic]->open(&mel, n_mels);
    if (status < 0)
        return status;
    mel->ops = ops[arithmetic];
    mel->n_mels = n_mels;
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
    if (mel->finished && !npu_mel_ready(mel)) /* a new stream, though nobody called reset */
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
    uint64_t window_end = (mel->window + 1) * NPU_WINDOW_SAMPLES;
    if (window_end <= mel->end && !npu_mel_ready(mel))
        mel->ops->pad(mel, window_end == mel->end);
}

void npu_mel_finish(struct npu_mel *mel)
{
    if (mel->finished)
        return;
    mel->finished = true;
    mel->end = (mel->pushed + NPU_WINDOW_SAMPLES - 1) / NPU_WINDOW_SAMPLES * NPU_WINDOW_SAMPLES;
    pad_window(mel);
}

int npu_mel_take(struct npu_mel *mel, float *out, struct npu_mel_window *window)
{
    if (!npu_mel_ready(mel))
        return -EAGAIN;
    mel->ops->cut(mel, out);
    uint64_t first = mel->window * NPU_WINDOW_SAMPLES, left = mel->pushed - first;
    window->first_sample = first;
    window->n_samples = left < NPU_WINDOW_SAMPLES ? (unsigned)left : NPU_WINDOW_SAMPLES;
    mel->window++;
    if (mel->finished)
        pad_window(mel);
    return 0;
}
