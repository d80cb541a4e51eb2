/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MEL_MEL_H
#define NPU_MEL_MEL_H
/* npu/mel: the log-mel front end. mel.c implements npu/npu.h's part: samples in, windows out,
 * whatever the arithmetic; mel.h is the table that an arithmetic fills. f32.[ch] computes as
 * openai/whisper does, with FFTW or with fft.[ch]; s16.c in the integers of profile npu, by the
 * kernels of kernels/kernels.h. Nothing here knows the encoder. */

/* The private table that an arithmetic of the log-mel fills. The front (mel.c) counts samples and
 * windows; an arithmetic keeps the samples of the current window and makes its frames. Frame t of
 * a window is centred at the window's sample 160 t and covers 200 samples before it and 199 after,
 * so the last frame needs NPU_MEL_LOOK_AHEAD samples past the window. Windows that overlap share
 * frames. */
#include "npu/npu.h"

#define NPU_MEL_MARGIN       200                        /* samples of a frame before its centre */
#define NPU_MEL_LOOK_AHEAD   (NPU_MEL_MARGIN - NPU_HOP) /* samples past a window that it needs */
#define NPU_MEL_SAMPLE_LIMIT 1e4f
#define NPU_MEL_MAX_MELS     128

struct npu_mel_ops {
    /* (transfer full); the front fills in the first member. Returns 0; -ENOMEM. */
    int (*open)(struct npu_mel **out, unsigned n_mels, unsigned window_frames);
    void (*close)(struct npu_mel *mel);
    void (*reset)(struct npu_mel *mel);
    /* Take up to n samples, until the window is whole; returns how many. The first samples of a
     * stream are reflected at sample 0. */
    size_t (*append)(struct npu_mel *mel, const float *samples, size_t n);
    bool (*ready)(const struct npu_mel *mel);
    /* Complete the window with zeros, its look-ahead by reflection if it is the stream's last. */
    void (*pad)(struct npu_mel *mel, bool last);
    /* Write the whole window and begin the next one with what both need. */
    void (*cut)(struct npu_mel *mel, float *out);
};

/* First member of every arithmetic's state. */
struct npu_mel {
    const struct npu_mel_ops *ops;
    unsigned n_mels;
    unsigned window_frames, hop_frames; /* even; the hop at most the window */
    uint64_t window;                    /* index of the window under way */
    uint64_t pushed;                    /* real samples since reset */
    uint64_t end;                       /* after finish: where the last window ends; else 0 */
    bool finished;
};

extern const struct npu_mel_ops npu_mel_f32, npu_mel_s16;

/* A sample as the arithmetics get it: finite, at most the limit. */
static inline float npu_mel_clean(float x)
{
    x = x > NPU_MEL_SAMPLE_LIMIT ? NPU_MEL_SAMPLE_LIMIT : x;
    x = x < -NPU_MEL_SAMPLE_LIMIT ? -NPU_MEL_SAMPLE_LIMIT : x;
    return x == x ? x : 0;
}

#endif /* NPU_MEL_MEL_H */
