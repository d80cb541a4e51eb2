/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Audio in: conversion to 16 kHz mono float, gaps, time stamps. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "audioinput.h"

GST_DEBUG_CATEGORY_EXTERN (gst_whisper_npu_debug);
#define GST_CAT_DEFAULT gst_whisper_npu_debug

/* Time stamps less than this off the line are jitter, as audiorate and
 * audiobuffersplit have it: a hole is at least as long. */
#define JITTER (40 * GST_MSECOND)
/* But not of a source whose time stamps kept to the ms, a container's rounding,
 * for so many buffers, or for so long since the line began: there it is a step
 * of half a mel frame, because a lost packet has 20 ms. If one time stamp of
 * such a source is wrong by itself, the audio after it is less than 40 ms late.
 */
#define ROUNDING (1 * GST_MSECOND)
#define STEADY_BUFFERS 8
#define STEADY_TIME (1 * GST_SECOND)
#define STEADY_HOLE (5 * GST_MSECOND)
/* A hole up to this long is filled with silence. */
#define MAX_SILENCE (1 * GST_SECOND)
/* A jump back without a flag counts when it has lasted for this time, or is as
 * long as that itself. */
#define BACK_WAIT (1 * GST_SECOND)
/* Frames converted at once: bounds the scratch memory for any buffer size. */
#define BLOCK_FRAMES 4096

struct _GstNpuAudioInput
{
  GstAudioInfo info;
  GstAudioConverter *converter; /* NULL before the first format */
  gfloat *scratch;
  gsize scratch_size;           /* in samples */
  guint8 *silence;              /* BLOCK_FRAMES frames of it */
  gboolean unreadable;          /* what was to be converted last */

  guint64 consumed, produced;   /* frames, samples since the converter started */

  gboolean synced;              /* base is valid */
  GstClockTime base;            /* time of sample 0 */
  GstClockTime elapsed;         /* from base, at rates before this format's */
  guint64 frames;               /* since then, at this format's rate */
  GstClockTime placed_pts;      /* what resync makes the new base */
  guint64 placed_frames;
  GstClockTime back_since;      /* time stamp of the first that lay back */
  gboolean new_format;          /* as a flag: a jump back counts at once */
  GstClockTimeDiff off;         /* of the last time stamp, from the line */
  guint steady;                 /* how many kept to it, up to STEADY_BUFFERS */
  gboolean shaky;               /* one did not, and fewer than those since */
};

GstNpuAudioInput *
gst_npu_audio_input_new (void)
{
  GstNpuAudioInput *input = g_new0 (GstNpuAudioInput, 1);

  gst_audio_info_init (&input->info);
  input->back_since = GST_CLOCK_TIME_NONE;
  return input;
}

void
gst_npu_audio_input_free (GstNpuAudioInput * input)
{
  g_clear_pointer (&input->converter, gst_audio_converter_free);
  g_free (input->scratch);
  g_free (input->silence);
  g_free (input);
}

static gfloat
gst_npu_audio_input_position_weight (GstAudioChannelPosition position)
{
  switch (position) {
    case GST_AUDIO_CHANNEL_POSITION_MONO:
    case GST_AUDIO_CHANNEL_POSITION_FRONT_CENTER:
      return 1.0f;
    case GST_AUDIO_CHANNEL_POSITION_FRONT_LEFT:
    case GST_AUDIO_CHANNEL_POSITION_FRONT_RIGHT:
    case GST_AUDIO_CHANNEL_POSITION_FRONT_LEFT_OF_CENTER:
    case GST_AUDIO_CHANNEL_POSITION_FRONT_RIGHT_OF_CENTER:
    case GST_AUDIO_CHANNEL_POSITION_WIDE_LEFT:
    case GST_AUDIO_CHANNEL_POSITION_WIDE_RIGHT:
      return 0.70710678f;
    case GST_AUDIO_CHANNEL_POSITION_LFE1:
    case GST_AUDIO_CHANNEL_POSITION_LFE2:
      return 0.0f;
    default:
      return 0.5f;
  }
}

void
gst_npu_audio_input_weights (const GstAudioInfo * info, gfloat * weights)
{
  gint channels = GST_AUDIO_INFO_CHANNELS (info);
  gfloat sum = 0.0f;

  for (gint i = 0; i < channels; i++) {
    weights[i] = GST_AUDIO_INFO_IS_UNPOSITIONED (info) ? 1.0f :
        gst_npu_audio_input_position_weight (info->position[i]);
    sum += weights[i];
  }
  for (gint i = 0; i < channels; i++)
    weights[i] = sum > 0.0f ? weights[i] / sum : 1.0f / channels;
}

/* One row of G_TYPE_FLOAT: the only number type that 1.22 accepts. */
static void
gst_npu_audio_input_add_matrix (GstStructure * config,
    const GstAudioInfo * info)
{
  gfloat weights[64];
  GValue matrix = G_VALUE_INIT, row = G_VALUE_INIT, weight = G_VALUE_INIT;

  gst_npu_audio_input_weights (info, weights);
  gst_value_array_init (&matrix, 1);
  gst_value_array_init (&row, GST_AUDIO_INFO_CHANNELS (info));
  g_value_init (&weight, G_TYPE_FLOAT);
  for (gint i = 0; i < GST_AUDIO_INFO_CHANNELS (info); i++) {
    g_value_set_float (&weight, weights[i]);
    gst_value_array_append_value (&row, &weight);
  }
  gst_value_array_append_and_take_value (&matrix, &row);
  gst_structure_take_value (config, GST_AUDIO_CONVERTER_OPT_MIX_MATRIX,
      &matrix);
  g_value_unset (&weight);
}

/* NULL: it cannot do it. */
static GstAudioConverter *
gst_npu_audio_input_make_converter (const GstAudioInfo * info)
{
  GstAudioInfo mono;
  /* What audioresample does unless told otherwise: it may stand before this
   * element or not. */
  GstStructure *config = gst_structure_new ("converter",
      GST_AUDIO_CONVERTER_OPT_RESAMPLER_METHOD, GST_TYPE_AUDIO_RESAMPLER_METHOD,
      GST_AUDIO_RESAMPLER_METHOD_KAISER, NULL);

  gst_audio_resampler_options_set_quality (GST_AUDIO_RESAMPLER_METHOD_KAISER,
      GST_AUDIO_RESAMPLER_QUALITY_DEFAULT, GST_AUDIO_INFO_RATE (info),
      GST_NPU_SAMPLE_RATE, config);
  gst_audio_info_set_format (&mono, GST_AUDIO_FORMAT_F32, GST_NPU_SAMPLE_RATE,
      1, NULL);
  if (GST_AUDIO_INFO_CHANNELS (info) > 1)
    gst_npu_audio_input_add_matrix (config, info);
  return gst_audio_converter_new (0, (GstAudioInfo *) info, &mono, config);
}

/* With a new converter: a reset leaves the resampler's phase where it is, and
 * what follows would be shifted by a part of a sample. */
static void
gst_npu_audio_input_restart (GstNpuAudioInput * input)
{
  if (input->consumed > 0) {
    gst_audio_converter_free (input->converter);
    input->converter = gst_npu_audio_input_make_converter (&input->info);
  }
  input->consumed = 0;
  input->produced = 0;
}

gboolean
gst_npu_audio_input_set_info (GstNpuAudioInput * input,
    const GstAudioInfo * info)
{
  GstAudioConverter *converter = gst_npu_audio_input_make_converter (info);

  if (converter == NULL)
    return FALSE;

  if (input->converter != NULL) {
    input->elapsed += gst_util_uint64_scale (input->frames, GST_SECOND,
        GST_AUDIO_INFO_RATE (&input->info));
    input->frames = 0;
    gst_audio_converter_free (input->converter);
  }
  input->converter = converter;
  input->new_format = TRUE;
  g_free (input->silence);
  input->silence = g_malloc (BLOCK_FRAMES * (gsize) GST_AUDIO_INFO_BPF (info));
  gst_audio_format_info_fill_silence (info->finfo, input->silence,
      BLOCK_FRAMES * (gsize) GST_AUDIO_INFO_BPF (info));
  input->consumed = 0;
  input->produced = 0;
  input->info = *info;
  return TRUE;
}

const GstAudioInfo *
gst_npu_audio_input_info (const GstNpuAudioInput * input)
{
  return input->converter != NULL ? &input->info : NULL;
}

void
gst_npu_audio_input_reset (GstNpuAudioInput * input)
{
  if (input->converter != NULL)
    gst_npu_audio_input_restart (input);
  input->synced = FALSE;
  input->back_since = GST_CLOCK_TIME_NONE;
  input->elapsed = 0;
  input->frames = 0;
}

/* End of what was counted in so far. */
static GstClockTime
gst_npu_audio_input_end (const GstNpuAudioInput * input)
{
  return input->base + input->elapsed +
      gst_util_uint64_scale (input->frames, GST_SECOND,
      GST_AUDIO_INFO_RATE (&input->info));
}

guint64
gst_npu_audio_input_frames_until (const GstNpuAudioInput * input,
    GstClockTime end)
{
  if (!input->synced || end <= gst_npu_audio_input_end (input))
    return 0;
  return gst_util_uint64_scale_round (end - gst_npu_audio_input_end (input),
      GST_AUDIO_INFO_RATE (&input->info), GST_SECOND);
}

gboolean
gst_npu_audio_input_is_short (const GstNpuAudioInput * input, guint64 n_frames)
{
  return n_frames <= gst_util_uint64_scale (MAX_SILENCE,
      GST_AUDIO_INFO_RATE (&input->info), GST_SECOND);
}

static gboolean
gst_npu_audio_input_is_steady (const GstNpuAudioInput * input)
{
  return input->steady >= STEADY_BUFFERS || (!input->shaky &&
      gst_npu_audio_input_end (input) - input->base >= STEADY_TIME);
}

guint64
gst_npu_audio_input_hole (const GstNpuAudioInput * input, GstClockTime pts)
{
  guint64 n_frames = GST_CLOCK_TIME_IS_VALID (pts) ?
      gst_npu_audio_input_frames_until (input, pts) : 0;

  if (n_frames == 0 || !gst_npu_audio_input_is_short (input, n_frames))
    return 0;
  if (gst_npu_audio_input_is_steady (input) &&
      GST_CLOCK_DIFF (gst_npu_audio_input_end (input), pts) - input->off >=
      (GstClockTimeDiff) STEADY_HOLE)
    return n_frames;
  /* in frames, because time stamps are rounded */
  return n_frames >= gst_util_uint64_scale (JITTER,
      GST_AUDIO_INFO_RATE (&input->info), GST_SECOND) ? n_frames : 0;
}

/* What the last time stamp says of the source. */
static void
gst_npu_audio_input_note_off (GstNpuAudioInput * input, GstClockTimeDiff off)
{
  if (ABS (off - input->off) <= (GstClockTimeDiff) ROUNDING) {
    input->steady = MIN (input->steady + 1, STEADY_BUFFERS);
    input->shaky = input->shaky && input->steady < STEADY_BUFFERS;
  } else {
    input->steady = 1;
    input->shaky = TRUE;
  }
  input->off = off;
}

/* Whether audio with this time stamp, `off` the line, starts a new one. */
static gboolean
gst_npu_audio_input_is_elsewhere (GstNpuAudioInput * input, GstClockTime pts,
    GstClockTimeDiff off, gboolean flagged)
{
  if (off >= -(GstClockTimeDiff) JITTER) {
    input->back_since = GST_CLOCK_TIME_NONE;
    return !gst_npu_audio_input_is_short (input,
        gst_npu_audio_input_frames_until (input, pts));
  }
  if (!GST_CLOCK_TIME_IS_VALID (input->back_since))
    input->back_since = pts;
  return flagged || off <= -(GstClockTimeDiff) BACK_WAIT ||
      ABS (GST_CLOCK_DIFF (input->back_since, pts)) >=
      (GstClockTimeDiff) BACK_WAIT;
}

gboolean
gst_npu_audio_input_place (GstNpuAudioInput * input, GstClockTime pts,
    GstClockTime fallback, gboolean discont, guint64 n_frames)
{
  gboolean moved = !input->synced;

  if (!GST_CLOCK_TIME_IS_VALID (pts)) {
    pts = input->synced ? gst_npu_audio_input_end (input) : fallback;
  } else if (input->synced) {
    GstClockTimeDiff off = GST_CLOCK_DIFF (gst_npu_audio_input_end (input),
        pts);

    moved = gst_npu_audio_input_is_elsewhere (input, pts, off, discont ||
        input->new_format);
    if (!moved)
      gst_npu_audio_input_note_off (input, off);
  }
  input->new_format = FALSE;
  input->placed_pts = pts;
  input->placed_frames = n_frames;
  if (!moved)
    input->frames += n_frames;
  return moved;
}

void
gst_npu_audio_input_resync (GstNpuAudioInput * input)
{
  gst_npu_audio_input_restart (input);
  input->synced = TRUE;
  input->base = input->placed_pts;
  input->elapsed = 0;
  input->frames = input->placed_frames;
  input->back_since = GST_CLOCK_TIME_NONE;
  input->off = 0;
  input->steady = 1;
  input->shaky = FALSE;
}

GstClockTime
gst_npu_audio_input_time (const GstNpuAudioInput * input, guint64 sample)
{
  return input->base + gst_util_uint64_scale (sample, GST_SECOND,
      GST_NPU_SAMPLE_RATE);
}

/* Hands on at most `limit` samples. */
static GstFlowReturn
gst_npu_audio_input_block (GstNpuAudioInput * input, gpointer * planes,
    gsize n_frames, guint64 limit, GstNpuSamplesFunc func, gpointer user)
{
  gsize n_samples = gst_audio_converter_get_out_frames (input->converter,
      n_frames);
  gpointer out[1];

  if (n_samples > input->scratch_size) {
    g_free (input->scratch);
    input->scratch = g_new (gfloat, n_samples);
    input->scratch_size = n_samples;
  }
  out[0] = input->scratch;
  input->unreadable = !gst_audio_converter_samples (input->converter, 0, planes,
      n_frames, out, n_samples);
  if (input->unreadable)
    return GST_FLOW_ERROR;
  n_samples = MIN (n_samples, limit);
  input->consumed += n_frames;
  input->produced += n_samples;
  return n_samples > 0 ? func (user, input->scratch, n_samples) : GST_FLOW_OK;
}

/* Up to BLOCK_FRAMES. Real silence, because the converter takes stale samples where
 * it is given none (1.22). */
static GstFlowReturn
gst_npu_audio_input_silent_block (GstNpuAudioInput * input, gsize n_frames,
    guint64 limit, GstNpuSamplesFunc func, gpointer user)
{
  gpointer planes[64];

  for (guint i = 0; i < G_N_ELEMENTS (planes); i++)
    planes[i] = input->silence;
  return gst_npu_audio_input_block (input, planes, n_frames, limit, func, user);
}

gboolean
gst_npu_audio_input_accepts (const GstNpuAudioInput * input, GstBuffer * buffer)
{
  const GstAudioMeta *meta = gst_buffer_get_audio_meta (buffer);

  /* planes were checked when they were added, but may have been cut since */
  if (meta != NULL)
    return gst_audio_info_is_equal (&meta->info, &input->info) &&
        meta->samples <= gst_buffer_get_size (buffer) /
        GST_AUDIO_INFO_BPF (&input->info);
  /* Without it nothing says where planes start. */
  return input->info.layout == GST_AUDIO_LAYOUT_INTERLEAVED &&
      gst_buffer_get_size (buffer) % GST_AUDIO_INFO_BPF (&input->info) == 0;
}

gsize
gst_npu_audio_input_count (const GstNpuAudioInput * input, GstBuffer * buffer)
{
  /* planes may be padded */
  const GstAudioMeta *meta = gst_buffer_get_audio_meta (buffer);

  return meta != NULL ? meta->samples :
      gst_buffer_get_size (buffer) / GST_AUDIO_INFO_BPF (&input->info);
}

static GstFlowReturn
gst_npu_audio_input_convert_silence (GstNpuAudioInput * input,
    guint64 n_frames, GstNpuSamplesFunc func, gpointer user)
{
  GstFlowReturn ret = GST_FLOW_OK;

  while (n_frames > 0 && ret == GST_FLOW_OK) {
    gsize n = MIN (n_frames, BLOCK_FRAMES);

    ret = gst_npu_audio_input_silent_block (input, n, G_MAXUINT64, func, user);
    n_frames -= n;
  }
  return ret;
}

GstFlowReturn
gst_npu_audio_input_convert (GstNpuAudioInput * input, GstBuffer * buffer,
    GstNpuSamplesFunc func, gpointer user)
{
  GstAudioBuffer audio;
  GstFlowReturn ret = GST_FLOW_OK;
  gpointer planes[64];
  gsize step;

  /* a buffer flagged GAP is silence, whatever its memory holds */
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP))
    return gst_npu_audio_input_convert_silence (input,
        gst_npu_audio_input_count (input, buffer), func, user);
  if (!gst_audio_buffer_map (&audio, &input->info, buffer, GST_MAP_READ)) {
    input->unreadable = TRUE;
    return GST_FLOW_ERROR;
  }
  /* Bytes from one frame to the next within a plane. By the width, for
   * GST_AUDIO_BUFFER_BPS goes by the depth: 3 instead of 4 for S24_32. */
  step = GST_AUDIO_BUFFER_N_PLANES (&audio) > 1 ?
      GST_AUDIO_INFO_WIDTH (&input->info) / 8 : GST_AUDIO_BUFFER_BPF (&audio);
  for (gsize done = 0; done < GST_AUDIO_BUFFER_N_SAMPLES (&audio) &&
      ret == GST_FLOW_OK;) {
    gsize n = MIN (GST_AUDIO_BUFFER_N_SAMPLES (&audio) - done, BLOCK_FRAMES);

    for (gint i = 0; i < GST_AUDIO_BUFFER_N_PLANES (&audio); i++)
      planes[i] = (guint8 *) GST_AUDIO_BUFFER_PLANE_DATA (&audio, i) +
          done * step;
    ret = gst_npu_audio_input_block (input, planes, n, G_MAXUINT64, func, user);
    done += n;
  }
  gst_audio_buffer_unmap (&audio);
  return ret;
}

gboolean
gst_npu_audio_input_unreadable (const GstNpuAudioInput * input)
{
  return input->unreadable;
}

GstFlowReturn
gst_npu_audio_input_silence (GstNpuAudioInput * input, guint64 n_frames,
    GstNpuSamplesFunc func, gpointer user)
{
  /* the line is as late as the source now */
  if (n_frames > 0)
    input->off = 0;
  input->frames += n_frames;
  return gst_npu_audio_input_convert_silence (input, n_frames, func, user);
}

GstFlowReturn
gst_npu_audio_input_drain (GstNpuAudioInput * input, GstNpuSamplesFunc func,
    gpointer user)
{
  guint64 total;
  gsize n_frames;
  GstFlowReturn ret = GST_FLOW_OK;

  if (input->converter == NULL || !input->synced)
    return GST_FLOW_OK;
  /* Exactly as much as came in: the resampler alone would give up to one frame
   * less, and at low rates that is many samples. */
  total = gst_util_uint64_scale_round (input->consumed, GST_NPU_SAMPLE_RATE,
      GST_AUDIO_INFO_RATE (&input->info));
  n_frames = gst_audio_converter_get_max_latency (input->converter) + 1 +
      GST_AUDIO_INFO_RATE (&input->info) / GST_NPU_SAMPLE_RATE;
  n_frames = MIN (n_frames, BLOCK_FRAMES);      /* at 768 kHz it is 900 */
  if (total > input->produced)
    ret = gst_npu_audio_input_silent_block (input, n_frames,
        total - input->produced, func, user);
  gst_npu_audio_input_restart (input);
  return ret;
}
