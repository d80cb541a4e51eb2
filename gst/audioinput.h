/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_NPU_AUDIO_INPUT_H__
#define __GST_NPU_AUDIO_INPUT_H__

#include <gst/gst.h>
#include <gst/audio/audio.h>

G_BEGIN_DECLS

/* Any raw audio in, 16 kHz mono float out, and where on the time line it lies.
 * Words: frame = one value per channel at the input's rate; sample = one value
 * at 16 kHz. One streaming thread at a time. */

#define GST_NPU_SAMPLE_RATE 16000

/* Rates beyond cost seconds of set-up in the converter, or abort it; 64
 * channels trip an assertion of the converter before GStreamer 1.28. */
#define GST_NPU_AUDIO_INPUT_CAPS \
    "audio/x-raw, format=(string)" GST_AUDIO_FORMATS_ALL ", " \
    "rate=(int)[1000,768000], channels=(int)[1,63], " \
    "layout=(string){interleaved,non-interleaved}"

typedef struct _GstNpuAudioInput GstNpuAudioInput;

/* Takes samples in order; anything but GST_FLOW_OK stops the conversion. */
typedef GstFlowReturn (*GstNpuSamplesFunc) (gpointer user,
    const gfloat * samples, gsize n_samples);

GstNpuAudioInput *gst_npu_audio_input_new (void);
void gst_npu_audio_input_free (GstNpuAudioInput * input);

/* Set up for a format. Drain before; the time line goes on. FALSE: the
 * converter cannot do it. */
gboolean gst_npu_audio_input_set_info (GstNpuAudioInput * input,
    const GstAudioInfo * info);
/* NULL before the first format. */
const GstAudioInfo *gst_npu_audio_input_info (const GstNpuAudioInput * input);

/* Forget time line and history, keep the format. */
void gst_npu_audio_input_reset (GstNpuAudioInput * input);

/* Returns the frames of silence that are missing before audio that starts at
 * `pts`: a hole that only the time stamps tell of. A hole is at most 1 s, and at
 * least 40 ms, as time stamps may jitter by less. Where the last eight time
 * stamps, or all in a second since the line began, kept to the ms, a step of
 * 5 ms is a hole. 0: no hole, or `pts` is NONE. Hand the frames to silence(),
 * then place the audio. */
guint64 gst_npu_audio_input_hole (const GstNpuAudioInput * input,
    GstClockTime pts);
/* Place `n_frames` that start at `pts` (NONE: they continue the line, or start at
 * `fallback`), and count them in. Returns FALSE if they are on the line; what
 * hole() does not fill is jitter. TRUE if they are elsewhere: drain and call
 * resync before converting. Elsewhere is more than a second later, or more than
 * 40 ms earlier: at once if `discont`, if the format is new or if it is a second
 * or more, else when it has been so for a second. */
gboolean gst_npu_audio_input_place (GstNpuAudioInput * input, GstClockTime pts,
    GstClockTime fallback, gboolean discont, guint64 n_frames);
void gst_npu_audio_input_resync (GstNpuAudioInput * input);

/* Time of a sample counted since the last resync. */
GstClockTime gst_npu_audio_input_time (const GstNpuAudioInput * input,
    guint64 sample);

/* Silent frames that fill the line up to `end`; 0: nothing to fill, or no line
 * yet. */
guint64 gst_npu_audio_input_frames_until (const GstNpuAudioInput * input,
    GstClockTime end);
/* Up to a second, which is filled; a longer hole ends the line. */
gboolean gst_npu_audio_input_is_short (const GstNpuAudioInput * input,
    guint64 n_frames);

/* Whole frames of the format, or its GstAudioMeta; planes need that. What this
 * refuses must not be clipped nor converted: it would be a critical warning. */
gboolean gst_npu_audio_input_accepts (const GstNpuAudioInput * input,
    GstBuffer * buffer);
/* Frames in it. */
gsize gst_npu_audio_input_count (const GstNpuAudioInput * input,
    GstBuffer * buffer);
/* A buffer flagged GAP is silence, whatever its memory holds. Returns
 * GST_FLOW_ERROR with gst_npu_audio_input_unreadable() where the buffer's memory
 * cannot be read or converted; else what `func` returned, which may be a number
 * of the peer's own. */
GstFlowReturn gst_npu_audio_input_convert (GstNpuAudioInput * input,
    GstBuffer * buffer, GstNpuSamplesFunc func, gpointer user);
gboolean gst_npu_audio_input_unreadable (const GstNpuAudioInput * input);
/* Frames of silence that continue the line; counts them in. */
GstFlowReturn gst_npu_audio_input_silence (GstNpuAudioInput * input,
    guint64 n_frames, GstNpuSamplesFunc func, gpointer user);
/* What the resampler still holds. */
GstFlowReturn gst_npu_audio_input_drain (GstNpuAudioInput * input,
    GstNpuSamplesFunc func, gpointer user);

/* Fill `weights` (one per channel, sum 1) as the element mixes to mono: without
 * positions all equal; else centre 1, left and right -3 dB, surrounds -6 dB,
 * LFE 0, then normalised. */
void gst_npu_audio_input_weights (const GstAudioInfo * info, gfloat * weights);

G_END_DECLS

#endif /* __GST_NPU_AUDIO_INPUT_H__ */
