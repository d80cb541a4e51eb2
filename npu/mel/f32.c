/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streaming log-mel in f32. Frame t is centred at sample 160 t and covers [160 t - 200, 160 t +
 * 200). Frames are computed in blocks of four, one in each vector lane, and of two at the end of a
 * window, so that nothing of the next window is computed before this one is taken. A frame has the
 * same bits in every lane. */
#include "npu/mel/f32.h"
#include "npu/mel/mel.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef NPU_HAVE_FFTW
#include <fftw3.h>
#include <pthread.h>
#endif

#define PI         3.14159265358979323846
#define LANES      NPU_FFT_LANES
#define BINS       (NPU_FFT_BINS - 1) /* bin 200, 8 kHz, is the foot of the last filter */
#define BLOCK_SIZE ((LANES - 1) * NPU_HOP + NPU_FFT_SIZE)
#define MAX_MELS   NPU_MEL_MAX_MELS
/* Floats from one lane's spectrum to the next: 402 are used, 64-byte alignment is kept. */
#define SPECTRUM_STRIDE 416

struct mel_f32 {
    struct npu_mel base;
    float samples[BLOCK_SIZE] __attribute__((aligned(64))); /* of the block under way */
    npu_f32x4 work[NPU_FFT_SIZE];
    npu_f32x4 spectrum[LANES * SPECTRUM_STRIDE / 4];
    npu_f32x4 power[BINS];
    npu_f32x4 log_mel[MAX_MELS];
    float hann[NPU_FFT_SIZE] __attribute__((aligned(64)));
    /* Bin k lies between the edges j and j + 1: it feeds filter j on its rising side and filter
     * j - 1 on its falling side. Segment j has the bins first[j] .. first[j + 1]. */
    float rise[BINS], fall[BINS];
    int first[MAX_MELS + 2];
#ifdef NPU_HAVE_FFTW
    fftwf_plan plan; /* the process's own, never destroyed */
#else
    struct npu_fft fft;
#endif
    npu_f32x4 max;      /* of the block's frames */
    unsigned n_samples; /* in `samples`; starts at NPU_MEL_MARGIN, the reflected ones */
    unsigned n_frames;  /* of the window under way */
    float *frames;      /* [window_frames][n_mels], log10, unclamped */
    float frame_max[NPU_WINDOW_FRAMES]; /* of each */
};

/* ---- Tables ---- */

/* The Slaney scale: 200/3 Hz a mel up to 1000 Hz = 15 mel, then 27 steps for a factor of 6.4. */
static double hz_from_mel(double mel)
{
    return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

static void init_bank(struct mel_f32 *mel, int n)
{
    const double top = 15 + log(8.0) * 27 / log(6.4); /* 8000 Hz */
    double edge[MAX_MELS + 2];
    for (int j = 0; j < n + 2; j++)
        edge[j] = hz_from_mel(top * j / (n + 1));
    int k = 0;
    for (int j = 0; j < n + 1; j++) {
        mel->first[j] = k;
        for (; k < BINS && (j == n || k * 40.0 < edge[j + 1]); k++) {
            double x = (k * 40.0 - edge[j]) / (edge[j + 1] - edge[j]);
            /* Each triangle has the area 1 over its base in Hz; what lies outside is left out. */
            mel->rise[k] = j < n ? (float)(x * 2 / (edge[j + 2] - edge[j])) : 0;
            mel->fall[k] = j > 0 ? (float)((1 - x) * 2 / (edge[j + 1] - edge[j - 1])) : 0;
        }
    }
    mel->first[n + 1] = k;
}

#ifdef NPU_HAVE_FFTW
/* FFTW's planner is not thread-safe, its execution is. ESTIMATE gives the same plan in every
 * process. */
static int init_transform(struct mel_f32 *mel)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static fftwf_plan plan;
    pthread_mutex_lock(&lock);
    if (!plan)
        plan = fftwf_plan_dft_r2c_1d(NPU_FFT_SIZE, (float *)mel->work,
                                     (fftwf_complex *)mel->spectrum, FFTW_ESTIMATE);
    mel->plan = plan;
    pthread_mutex_unlock(&lock);
    return mel->plan ? 0 : -ENOMEM;
}
#else
static int init_transform(struct mel_f32 *mel)
{
    npu_fft_init(&mel->fft);
    return 0;
}
#endif

static void close_f32(struct npu_mel *base)
{
    struct mel_f32 *mel = (struct mel_f32 *)base;
    free(mel->frames);
    free(mel);
}

static void reset_f32(struct npu_mel *base)
{
    struct mel_f32 *mel = (struct mel_f32 *)base;
    mel->n_samples = NPU_MEL_MARGIN;
    mel->n_frames = 0;
}

static int open_f32(struct npu_mel **out, unsigned n_mels, unsigned window_frames)
{
    /* aligned_alloc() wants whole multiples of the alignment; a frame's row is one already. */
    struct mel_f32 *mel = aligned_alloc(64, (sizeof(*mel) + 63) / 64 * 64);
    if (!mel)
        return -ENOMEM;
    memset(mel, 0, sizeof(*mel));
    mel->frames = aligned_alloc(64, sizeof(float) * window_frames * n_mels);
    int status = mel->frames ? init_transform(mel) : -ENOMEM;
    if (status < 0) {
        close_f32(&mel->base);
        return status;
    }
    for (int i = 0; i < NPU_FFT_SIZE; i++)
        mel->hann[i] = (float)(0.5 - 0.5 * cos(2 * PI * i / NPU_FFT_SIZE));
    init_bank(mel, (int)n_mels);
    *out = &mel->base;
    return 0;
}

/* ---- Four frames ---- */

static inline __attribute__((always_inline)) void transpose(npu_f32x4 out[4], npu_f32x4 a,
                                                            npu_f32x4 b, npu_f32x4 c, npu_f32x4 d)
{
    npu_f32x4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    npu_f32x4 ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    npu_f32x4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    npu_f32x4 cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    out[0] = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    out[1] = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    out[2] = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    out[3] = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/* C has no ?: for vectors; a comparison gives all ones where it holds. */
static inline __attribute__((always_inline)) npu_f32x4 vector_max(npu_f32x4 a, npu_f32x4 b)
{
    npu_i32x4 mask = a > b;
    return (npu_f32x4)((mask & (npu_i32x4)a) | (~mask & (npu_i32x4)b));
}

/* p is a multiple of 16 bytes: so are NPU_HOP and SPECTRUM_STRIDE floats. */
static inline __attribute__((always_inline)) npu_f32x4 load(const float *p)
{
    return *(const npu_f32x4 *)(const void *)p;
}

#ifdef NPU_HAVE_FFTW
static void compute_power(struct mel_f32 *mel)
{
    float *spectrum = (float *)mel->spectrum;
    for (int lane = 0; lane < LANES; lane++) {
        const float *frame = mel->samples + NPU_HOP * lane;
        for (int i = 0; i < NPU_FFT_SIZE; i += 4)
            mel->work[i / 4] = load(frame + i) * load(mel->hann + i);
        fftwf_execute_dft_r2c(mel->plan, (float *)mel->work,
                              (fftwf_complex *)(spectrum + SPECTRUM_STRIDE * lane));
    }
    for (int k = 0; k < BINS; k += 2) {
        const float *bin = spectrum + 2 * k;
        npu_f32x4 part[4]; /* re, im of bin k, re, im of bin k + 1; a frame in each lane */
        transpose(part, load(bin), load(bin + SPECTRUM_STRIDE), load(bin + 2 * SPECTRUM_STRIDE),
                  load(bin + 3 * SPECTRUM_STRIDE));
        mel->power[k] = part[0] * part[0] + part[1] * part[1];
        mel->power[k + 1] = part[2] * part[2] + part[3] * part[3];
    }
}
#else
static void compute_power(struct mel_f32 *mel)
{
    for (int i = 0; i < NPU_FFT_SIZE; i += 4) {
        const float *p = mel->samples + i;
        npu_f32x4 hann = load(mel->hann + i);
        transpose(mel->work + i, load(p) * hann, load(p + NPU_HOP) * hann,
                  load(p + 2 * NPU_HOP) * hann, load(p + 3 * NPU_HOP) * hann);
    }
    npu_fft_run(&mel->fft, mel->spectrum, mel->work);
    for (int k = 0; k < BINS; k++) {
        npu_f32x4 re = mel->spectrum[2 * k], im = mel->spectrum[2 * k + 1];
        mel->power[k] = re * re + im * im;
    }
}
#endif

static void compute_bank(struct mel_f32 *mel)
{
    const npu_f32x4 zero = {0, 0, 0, 0};
    const npu_f32x4 floor = {1e-10f, 1e-10f, 1e-10f, 1e-10f};
    npu_f32x4 max = {-10, -10, -10, -10}; /* no value is less than log10 1e-10 */
    npu_f32x4 before = zero;              /* the rising side of filter j - 1 */
    for (int j = 0; j <= (int)mel->base.n_mels; j++) {
        npu_f32x4 rise = zero, fall = zero;
        for (int k = mel->first[j]; k < mel->first[j + 1]; k++) {
            rise += mel->power[k] * mel->rise[k];
            fall += mel->power[k] * mel->fall[k];
        }
        if (j > 0) {
            npu_f32x4 value = npu_log10_f32x4(vector_max(before + fall, floor));
            mel->log_mel[j - 1] = value;
            max = vector_max(value, max);
        }
        before = rise;
    }
    mel->max = max;
}

/* Frames of the block under way, 2 or 4, and the samples they see. */
static unsigned block_frames(const struct mel_f32 *mel)
{
    unsigned left = mel->base.window_frames - mel->n_frames;
    return left < LANES ? left : LANES;
}

static unsigned block_samples(const struct mel_f32 *mel)
{
    return (block_frames(mel) - 1) * NPU_HOP + NPU_FFT_SIZE;
}

/* Compute the block whose samples are complete and keep those that the next one shares. The next
 * block overwrites the results of lanes without a frame. */
static void compute_block(struct mel_f32 *mel)
{
    const unsigned n = block_frames(mel);
    if (mel->base.window == 0 && mel->n_frames == 0) {
        for (int i = 1; i <= NPU_MEL_MARGIN; i++)
            mel->samples[NPU_MEL_MARGIN - i] = mel->samples[NPU_MEL_MARGIN + i];
    }
    compute_power(mel);
    compute_bank(mel);
    float *row = mel->frames + (size_t)mel->n_frames * mel->base.n_mels;
    for (unsigned i = 0; i < mel->base.n_mels; i += 4) {
        npu_f32x4 lane[4];
        transpose(lane, mel->log_mel[i], mel->log_mel[i + 1], mel->log_mel[i + 2],
                  mel->log_mel[i + 3]);
        for (unsigned f = 0; f < n; f++)
            memcpy(row + f * mel->base.n_mels + i, &lane[f], sizeof(lane[f]));
    }
    for (unsigned f = 0; f < n; f++)
        mel->frame_max[mel->n_frames + f] = mel->max[f];
    mel->n_frames += n;
    mel->n_samples = NPU_FFT_SIZE - NPU_HOP;
    memmove(mel->samples, mel->samples + (size_t)n * NPU_HOP, sizeof(float) * mel->n_samples);
}

/* ---- The stream ---- */

static bool ready_f32(const struct npu_mel *base)
{
    return ((const struct mel_f32 *)base)->n_frames == base->window_frames;
}

static size_t append_f32(struct npu_mel *base, const float *samples, size_t n)
{
    struct mel_f32 *mel = (struct mel_f32 *)base;
    size_t done = 0;
    while (done < n && !ready_f32(base)) {
        size_t count = block_samples(mel) - mel->n_samples;
        count = count < n - done ? count : n - done;
        float *to = mel->samples + mel->n_samples;
        for (size_t i = 0; i < count; i++)
            to[i] = npu_mel_clean(samples[done + i]);
        done += count;
        mel->n_samples += (unsigned)count;
        if (mel->n_samples == block_samples(mel))
            compute_block(mel);
    }
    return done;
}

static void pad_f32(struct npu_mel *base, bool last)
{
    struct mel_f32 *mel = (struct mel_f32 *)base;
    while (!ready_f32(base)) {
        unsigned n = block_samples(mel);
        memset(mel->samples + mel->n_samples, 0, sizeof(float) * (n - mel->n_samples));
        if (last && mel->n_frames + block_frames(mel) == base->window_frames) {
            float *end = mel->samples + n - NPU_MEL_LOOK_AHEAD;
            for (int i = 0; i < NPU_MEL_LOOK_AHEAD; i++)
                end[i] = end[-2 - i];
        }
        mel->n_samples = n;
        compute_block(mel);
    }
}

static void cut_f32(struct npu_mel *base, float *out)
{
    struct mel_f32 *mel = (struct mel_f32 *)base;
    float max = mel->frame_max[0];
    for (unsigned i = 1; i < base->window_frames; i++)
        max = mel->frame_max[i] > max ? mel->frame_max[i] : max;
    const float floor = max - 8;
    const size_t n = (size_t)base->window_frames * base->n_mels;
    for (size_t i = 0; i < n; i++) {
        float y = mel->frames[i];
        out[i] = ((y > floor ? y : floor) + 4) * 0.25f;
    }
    const unsigned hop = base->hop_frames;
    mel->n_frames = base->window_frames - hop;
    memmove(mel->frames, mel->frames + (size_t)hop * base->n_mels,
            sizeof(float) * mel->n_frames * base->n_mels);
    memmove(mel->frame_max, mel->frame_max + hop, sizeof(float) * mel->n_frames);
}

const struct npu_mel_ops npu_mel_f32 = {
    .open = open_f32,
    .close = close_f32,
    .reset = reset_f32,
    .append = append_f32,
    .ready = ready_f32,
    .pad = pad_f32,
    .cut = cut_f32,
};
