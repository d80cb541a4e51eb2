/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_NPU_H
#define NPU_NPU_H
/* The core of whispernpu: Whisper encoder features from 16 kHz audio, without GStreamer or GLib.
 *
 * Words:    sample = one 16 kHz mono value; frame = one log-mel column, 10 ms; position = one
 *           encoder row, 20 ms; window = what one encoder pass sees, 30 s = 480 000 samples =
 *           3000 frames = 1500 positions, or less; features = f32 [positions][d_model], row-major.
 * Errors:   functions that can fail return 0 or -errno and leave their outputs untouched on
 *           failure; where a `struct npu_error *` is offered (may be NULL) it then holds one
 *           sentence for a person.
 * Handles:  open(T **out, ...) gives (transfer full); close(T **) takes it back, sets NULL,
 *           accepts NULL.
 * Threads:  control = open, configure, close, one thread at a time per object; streaming = the
 *           data path, one thread at a time per object unless said; completion = threads of the
 *           core itself. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NPU_SAMPLE_RATE      16000
#define NPU_HOP              160    /* samples per frame */
#define NPU_WINDOW_SAMPLES   480000 /* 30 s */
#define NPU_WINDOW_FRAMES    3000
#define NPU_WINDOW_POSITIONS 1500
#define NPU_TIMEOUT_NONE     UINT64_MAX /* wait for ever */

/* A sentence that says what failed, where, and what was expected; empty when nothing failed. */
struct npu_error {
    char text[1024];
};

/* ---- Log ------------------------------------------------------------------------------------- */

enum npu_log_level { NPU_LOG_ERROR, NPU_LOG_WARNING, NPU_LOG_INFO, NPU_LOG_DEBUG };

/* `text` has no trailing newline and is valid during the call only (transfer none).
 * Threads:  any, with no lock of the core held: a callback may call the core. */
typedef void npu_log_fn(void *user, enum npu_log_level level, const char *text);

/* Send the core's messages to `fn` (NULL, the default: errors and warnings as lines on stderr, the
 * rest nowhere). Process-wide.
 * Threads:  any; a message under way on another thread may still reach the old function. */
void npu_log_set(npu_log_fn *fn, void *user);

/* ---- Model: a weights file ------------------------------------------------------------------- */

struct npu_model; /* a checked header and an open file, or a few of a sharded model; no weights in
                     memory. Immutable: any thread reads it */

struct npu_model_info {
    const char *path;    /* the file, as opened (transfer none, lives as long as the model) */
    const char *format;  /* "safetensors" or "ggml" (static) */
    uint64_t n_params;   /* encoder parameters, position table included */
    uint64_t load_bytes; /* encoder bytes in the file, or in all parts */
    unsigned n_mels;     /* 80 or 128 */
    unsigned n_ctx;      /* positions of the table: 1500 in OpenAI's models, fewer in some made of
                            them; 1 .. 1500 */
    unsigned d_model;    /* 384 .. 1280 in OpenAI's models; any multiple of 64 up to 2048 */
    unsigned n_heads;    /* d_model / 64 */
    unsigned n_layers;   /* 1 .. 64 */
    unsigned d_ffn;      /* 4 * d_model */
};

/* Find the weights file that `name` means. Nothing is ever downloaded.
 * name:     NULL or "": the first that exists of $WHISPERNPU_MODEL,
 *           $XDG_DATA_HOME/whispernpu/default.safetensors (~/.local/share when unset), each of
 *           data_dirs + "/default.safetensors". A set $WHISPERNPU_MODEL that names no file or
 *           folder is an error, never skipped.
 *           A path of a file: that. Of a folder: model.safetensors in it, else
 *           model.safetensors.index.json, else the one *.safetensors.index.json.
 *           "owner/model" where nothing of that name exists: the folder of the current snapshot of
 *           that model in the Hugging Face cache, or of the only one where refs/main is missing.
 *           The cache is where huggingface_hub has it: $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE,
 *           $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub, the first that
 *           is set, with "~" and $VARIABLES in it replaced.
 * data_dirs: NULL-terminated list of folders in order of preference (transfer none), may be NULL.
 * path:     (transfer full) free() it.
 * Returns:  0; -ENOENT nothing found (`err` lists where it looked and what to do); -ENOMEM.
 * Threads:  any. */
int npu_model_find(char **path, const char *name, const char *const *data_dirs,
                   struct npu_error *err);

/* Open a safetensors file (F32, F16, BF16), the index of a sharded one with the parts beside it
 * that hold the encoder, or a whisper.cpp ggml file (f32, f16, q8_0, q5_0, q5_1, q4_0, q4_1), and
 * check every header field, name, shape and extent against the file. In safetensors files the one
 * complete Whisper encoder is taken, in Hugging Face's names or OpenAI's, under any stack of the
 * prefixes "encoder.", "model.", "_orig_mod.", "module.", "audio_tower.", "thinker.audio_tower.",
 * "whisper.", or none; tensors outside of its prefix are ignored, others inside are refused. Reads
 * no weights yet.
 * Returns:  0; -ENOENT, -EACCES, -EIO from the file or a part; -EBADMSG not a weights file or
 *           damaged; -ENOTSUP a file of a known kind that is not a Whisper encoder this core can
 *           run, none complete in it, or two; -ENOMEM. `err` says file, tensor, expected, found,
 *           and the prefix that was taken.
 * Threads:  control. Blocks: on the file. */
int npu_model_open(struct npu_model **out, const char *path, struct npu_error *err);
void npu_model_get_info(const struct npu_model *model, struct npu_model_info *info);
/* Nobody wants its weights any more: an npu_encoder_open() that reads them gives up with
 * -ECANCELED, as does every later one. Other models of the same file are not touched.
 * Threads:  any. Blocks: no. */
void npu_model_cancel(struct npu_model *model);
void npu_model_close(struct npu_model **model);

/* ---- Device ---------------------------------------------------------------------------------- */

struct npu_device; /* an opened backend instance */

struct npu_device_info {
    const char *name; /* "cpu" (static) */
    const char *isa;  /* cpu: the kernel set in use, a folder of kernels/ such as "avx2" (static) */
    const char *note; /* a sentence for the user when something is less than it could be, else ""
                         (static) */
    unsigned threads; /* cpu: threads that work on a window */
};

struct npu_device_params {
    /* "auto", "cpu", "npu" (XRT), "sim"; -ENODEV where npu_device_list() says so */
    const char *name;
    /* 1 .. 256; 0: one for each processor that the calling thread may run on (its affinity mask),
     * and no more than the CPU quota of the process's control group, or of one above it, gives
     * (versions 1 and 2, rounded up), at most 256 */
    unsigned threads;
};

/* Open a device; opens of the same kind share one instance and its threads, counted. The kernel set
 * is the best that processor and operating system allow, lowered by WHISPERNPU_CPU=SET (ref, avx2
 * ...); empty or "auto": not lowered.
 * Returns:  0; -ENODEV no such device here; -EINVAL, also where WHISPERNPU_CPU is no such name;
 *           -ENOTSUP where it names a set that this machine cannot run; -ENOMEM; -EAGAIN no thread
 *           to be had.
 * Threads:  control. */
int npu_device_open(struct npu_device **out, const struct npu_device_params *params,
                    struct npu_error *err);
void npu_device_get_info(const struct npu_device *device, struct npu_device_info *info);

/* One row for every device name there is but "auto". */
struct npu_device_entry {
    const char *name; /* for npu_device_params (static) */
    bool available;
    const char *why; /* not available: a sentence; else "" (static) */
};
/* Fill at most `n` entries (may be NULL with n = 0).
 * Returns:  how many there are.
 * Threads:  any. */
size_t npu_device_list(struct npu_device_entry *entries, size_t n);
void npu_device_close(struct npu_device **device); /* every encoder on it is closed first */

/* ---- Log-mel front end ----------------------------------------------------------------------- */

struct npu_mel; /* streaming log-mel: samples in any chunking give the same bits */

struct npu_mel_window {
    uint64_t first_sample; /* index of the window's first sample since open or reset */
    unsigned n_samples;    /* real samples in it, at least 1; the rest is zero padding */
};

/* f32:      frame by frame as the samples come, each once.
 * s16:      the integer log-mel of profile npu (contract in kernels/kernels.h, "log-mel"). The
 *           samples become 16-bit integers with one power-of-two gain for the window, so nothing is
 *           computed before it is whole. The gain is 1 where every sample that the window's frames
 *           see is an exact multiple of 2^-15 in -1 .. 1 - 2^-15, as from a 16-bit source; else it
 *           brings the largest of them into [0.5, 1) (down for samples beyond 1; at most 2^32), and
 *           they are rounded to nearest, ties to even, what would be 2^15 to 2^15 - 1. Of windows
 *           that overlap, the frames they share are computed again where the gains differ. The
 *           values that come out are multiples of 2^-13 and take no other arithmetic: the same bits
 *           on every machine. */
enum npu_mel_arithmetic { NPU_MEL_F32, NPU_MEL_S16 };

struct npu_mel_params {
    unsigned n_mels; /* 80 or 128 */
    enum npu_mel_arithmetic arithmetic;
    unsigned window_positions; /* 50 .. 1500, 1 s .. 30 s; 0: 1500 */
    unsigned hop_positions;    /* from a window's start to the next one's: 1 .. window_positions, 0:
                                  that; windows overlap where it is less */
};

/* Returns:  0; -EINVAL; -ENOMEM.
 * Threads:  control; the first call in f32 plans the transform under a process-wide lock. */
int npu_mel_open(struct npu_mel **out, const struct npu_mel_params *params);
void npu_mel_close(struct npu_mel **mel);

/* Append up to n samples (nominal range -1 .. 1; NaN counts as 0, values beyond +-1e4 as +-1e4) and
 * compute every frame whose 400 samples are known (s16: none yet). Stops when a whole window waits
 * to be taken.
 * Returns:  samples consumed, < n only if npu_mel_ready() is then true.
 * Threads:  streaming. Allocates: no. */
size_t npu_mel_push(struct npu_mel *mel, const float *samples, size_t n);

/* End of the stream: samples that no window has held yet become one more, at its regular place, hop
 * after the one before: it holds all samples from there on, padded with zeros to the window's
 * length and reflected at its end as openai/whisper does. Nothing comes where every sample was in a
 * window; a window that was waiting for samples past its end comes first. Take windows until not
 * ready, then reset. */
void npu_mel_finish(struct npu_mel *mel);
bool npu_mel_ready(const struct npu_mel *mel);

/* Cut the waiting window: frames normalised by the window's own maximum,
 * (max(y, ymax - 8) + 4) / 4.
 * out:      f32 [2 * window_positions][n_mels], frame-major.
 * Returns:  0; -EAGAIN none waits.
 * Threads:  streaming. Blocks: no; in s16 the window is computed here, in some tens of ms. */
int npu_mel_take(struct npu_mel *mel, float *out, struct npu_mel_window *window);
void npu_mel_reset(struct npu_mel *mel); /* forget everything; sample indices start at 0 again */

/* ---- Encoder --------------------------------------------------------------------------------- */

struct npu_encoder;

struct npu_encoder_params {
    const char *profile; /* "auto" (cpu: int8; sim: npu); "int8": 8 and 16 bit integers and f32;
                            "f32"; "npu": integers only, as the kernels for an NPU compute
                            (npu/model/FIXED.md) */
    unsigned depth;      /* windows that may be in flight: 1 .. 8; 0: 2 */
    unsigned positions;  /* the most that a window has: 1 .. the model's n_ctx; 0: that. Working
                            memory is as large; the packed weights do not depend on it and are
                            shared by encoders of any. */
};

struct npu_encoder_info {
    const char *profile;    /* "int8", "f32", "npu" (static) */
    unsigned overlap;       /* windows in flight that make progress together: worth submitting
                               before the oldest is collected; 1: each has the device alone */
    unsigned positions;     /* the most rows of a window's features */
    unsigned d_model;       /* columns */
    uint64_t load_ns;       /* reading and packing the weights */
    uint64_t weight_bytes;  /* packed */
    uint64_t scratch_bytes; /* activations, and where windows overlap their mels and features */
};

/* Read the model's weights, check every value (finite, |w| < 1e4), pack them for the device. The
 * model may be closed afterwards; the device may not.
 * Returns:  0; -EINVAL; -ENOTSUP profile, or a model whose proven bounds the integers of "npu" do
 *           not hold (`err` names stage and channel); -EBADMSG bad value or the file changed (`err`
 *           names file and tensor); -EIO; -ENOMEM; -ECANCELED by npu_model_cancel().
 * Threads:  control. Blocks: on the file. */
int npu_encoder_open(struct npu_encoder **out, const struct npu_model *model,
                     struct npu_device *device, const struct npu_encoder_params *params,
                     struct npu_error *err);
void npu_encoder_get_info(const struct npu_encoder *encoder, struct npu_encoder_info *info);
void npu_encoder_close(struct npu_encoder **encoder); /* cancels what is in flight */

/* Hand in one window. The core reads it where it is: the caller neither changes nor frees it until
 * the window is collected, or dropped by npu_encoder_resume() or npu_encoder_close().
 * mel:       f32 [2 * positions][n_mels], frame-major, finite, as npu_mel_take() writes it, or the
 *            first rows of that (transfer none).
 * positions: 1 .. npu_encoder_info.positions. A shorter window is Whisper with a shorter audio
 *            context: the first rows of the position table, and attention over as many keys.
 *            Its features do not depend on how many positions the encoder was opened for, nor on
 *            the windows before it; its cost falls linearly, that of attention with the square.
 * tag:       comes back with the result.
 * Returns:   0; -EINVAL positions; -EAGAIN no slot free within timeout_ns; -ECANCELED cancelled;
 *            the first error of an earlier window.
 * Threads:   streaming (one submitter). */
int npu_encoder_submit_mel(struct npu_encoder *encoder, const float *mel, unsigned positions,
                           uint64_t tag, uint64_t timeout_ns);

/* The oldest result, in the order of submission. Where no two windows overlap (the CPU) this call
 * computes it, on the calling thread with those of the device, straight into `features`; on the
 * others it waits.
 * features: f32 [positions][d_model] of that window, written by this call (transfer none): who
 *           submits windows of several lengths knows it from the order or by the tag, or has room
 *           for npu_encoder_info.positions rows.
 * tag:      may be NULL.
 * timeout_ns: of the wait; a window that is computed takes what it takes.
 * Returns:  0; -EAGAIN not ready within timeout_ns; -ENODATA nothing in flight; -ECANCELED
 *           cancelled; -EIO ...
 * Threads:  streaming (one collector, may be another thread than the submitter). */
int npu_encoder_collect(struct npu_encoder *encoder, float *features, uint64_t *tag,
                        uint64_t timeout_ns);

/* The sentence of the first error since the opening or the last resume, "" for none (copied).
 * Threads:  any. */
void npu_encoder_get_error(struct npu_encoder *encoder, struct npu_error *err);

/* Give up everything in flight: a running window stops at the next tile, waiters wake with
 * -ECANCELED, results are dropped. The encoder stays cancelled until npu_encoder_resume().
 * Threads:  any. Blocks: no. */
void npu_encoder_cancel(struct npu_encoder *encoder);
/* Wait until the cancelled work has stopped, then accept windows again.
 * Threads:  control or streaming. Blocks: for one tile at most, its own or another encoder's. */
void npu_encoder_resume(struct npu_encoder *encoder);

/* ---- Statistics ------------------------------------------------------------------------------ */

#define NPU_MAX_STAGE_KINDS 8

struct npu_stage_stats {
    const char *name; /* "conv1", "conv2", "norm+qkv", "attention", "out", "norm+fc1", "fc2", "norm"
                         (static) */
    uint64_t total_ns;    /* wall time of this kind of stage over all windows */
    uint64_t modelled_ns; /* on a simulated NPU: modelled time of its launches, preset published of
                             npu/sim/engine/timing.h; else 0 */
    double gmac;          /* 1e9 multiply-adds done */
};

struct npu_stats {
    uint64_t windows;                 /* completed */
    uint64_t cancelled;               /* given up */
    uint64_t total_ns;                /* wall time of completed windows inside the device */
    uint64_t last_ns, min_ns, max_ns; /* of one window; 0 when none */
    uint64_t modelled_ns; /* on a simulated NPU: modelled time of launches, as above; else 0 */
    unsigned n_stages;
    struct npu_stage_stats stage[NPU_MAX_STAGE_KINDS];
};

/* Threads: any. */
void npu_encoder_get_stats(struct npu_encoder *encoder, struct npu_stats *stats);
void npu_encoder_reset_stats(struct npu_encoder *encoder);

#ifdef __cplusplus
}
#endif
#endif /* NPU_NPU_H */
