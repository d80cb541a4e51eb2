/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What upstream did wrong, said once for a stream, with what mends it. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "element.h"

GST_DEBUG_CATEGORY_EXTERN (gst_whisper_npu_debug);
#define GST_CAT_DEFAULT gst_whisper_npu_debug

/* Of audio: what is later is a negative GstClockTimeDiff, and the end of a
 * window could come before its start. */
#define MAX_TIME G_MAXINT64

void
gst_whisper_npu_refuse (GstWhisperNpu * self, gint code, const gchar * text,
    gchar * debug)
{
  if (self->sink.refused) {
    GST_DEBUG_OBJECT (self, "again: %s (%s)", text, debug);
    g_free (debug);
    return;
  }
  self->sink.refused = TRUE;
  gst_element_message_full (GST_ELEMENT (self), GST_MESSAGE_ERROR,
      GST_STREAM_ERROR, code, g_strdup (text), debug, __FILE__, GST_FUNCTION,
      __LINE__);
}

void
gst_whisper_npu_refuse_segment (GstWhisperNpu * self,
    const GstSegment * segment)
{
  const gchar *text;

  if (segment->format == GST_FORMAT_TIME)
    text = "The audio's segment ends before it starts.";
  else if (gst_npu_audio_input_info (self->sink.input) == NULL)
    text = "What comes in is no audio but bytes of a file: decode it first, as "
        "\"filesrc ! decodebin ! whispernpu\" does; samples without a header "
        "need rawaudioparse in front of whispernpu.";
  else
    text = "The audio comes without times: set format=time on appsrc, with "
        "do-timestamp=true where it is live, or put \"rawaudioparse "
        "use-sink-caps=true\" in front of whispernpu.";
  gst_whisper_npu_refuse (self, GST_STREAM_ERROR_FORMAT, text,
      gst_info_strdup_printf ("%" GST_SEGMENT_FORMAT, segment));
}

void
gst_whisper_npu_refuse_start (GstWhisperNpu * self)
{
  if (gst_npu_audio_input_info (self->sink.input) == NULL)
    gst_whisper_npu_refuse (self, GST_STREAM_ERROR_FORMAT,
        "The audio comes without caps: set them on its source, as appsrc "
        "caps=audio/x-raw,format=S16LE,rate=16000,channels=1,"
        "layout=interleaved, or decode it first with decodebin.", NULL);
  else if (self->sink.segment.format != GST_FORMAT_TIME)
    gst_whisper_npu_refuse (self, GST_STREAM_ERROR_FORMAT,
        "The audio comes without a segment: its source must send a SEGMENT "
        "event, of format time, before it.", NULL);
}

/* A buffer that gst_npu_audio_input_accepts() refused. */
static gchar *
gst_whisper_npu_misfit (const GstAudioInfo * info, GstBuffer * buffer)
{
  const GstAudioMeta *meta = gst_buffer_get_audio_meta (buffer);
  gsize size = gst_buffer_get_size (buffer);
  const gchar *format = GST_AUDIO_INFO_NAME (info);

  if (meta != NULL && gst_audio_info_is_equal (&meta->info, info))
    return g_strdup_printf ("An audio buffer has %" G_GSIZE_FORMAT " bytes, "
        "and metadata that says %" G_GSIZE_FORMAT " frames of %d bytes.", size,
        meta->samples, GST_AUDIO_INFO_BPF (info));
  if (meta != NULL)
    return g_strdup_printf ("An audio buffer is of %s, %d Hz, %d channels by "
        "its metadata, and of %s, %d Hz, %d channels by the caps, or in "
        "another layout.", GST_AUDIO_INFO_NAME (&meta->info),
        GST_AUDIO_INFO_RATE (&meta->info),
        GST_AUDIO_INFO_CHANNELS (&meta->info), format,
        GST_AUDIO_INFO_RATE (info), GST_AUDIO_INFO_CHANNELS (info));
  if (info->layout != GST_AUDIO_LAYOUT_INTERLEAVED)
    return g_strdup ("An audio buffer of layout=non-interleaved has no "
        "GstAudioMeta to say where its planes are.");
  return g_strdup_printf ("An audio buffer has %" G_GSIZE_FORMAT " bytes, and "
      "a frame is %d bytes (%s, channels=%d): send whole frames, or put "
      "\"rawaudioparse use-sink-caps=true\" in front of whispernpu.", size,
      GST_AUDIO_INFO_BPF (info), format, GST_AUDIO_INFO_CHANNELS (info));
}

gchar *
gst_whisper_npu_fault (GstWhisperNpu * self, GstBuffer * buffer)
{
  if (!gst_npu_audio_input_accepts (self->sink.input, buffer))
    return gst_whisper_npu_misfit (gst_npu_audio_input_info (self->sink.input),
        buffer);
  if ((GST_BUFFER_PTS_IS_VALID (buffer) ? GST_BUFFER_PTS (buffer) :
          self->sink.segment.start) > MAX_TIME)
    return g_strdup ("A time stamp is too large, more than 292 years; it may "
        "have been negative.");
  return NULL;
}
