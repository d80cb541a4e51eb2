/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Audio in: the sink pad's chain, events and queries. Converts, computes the
 * log-mel and queues whole windows; never waits for the encoder but for room in
 * the queue. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "element.h"

GST_DEBUG_CATEGORY_EXTERN (gst_whisper_npu_debug);
#define GST_CAT_DEFAULT gst_whisper_npu_debug

/* 16 kHz samples in an encoder position */
#define POSITION_SAMPLES (2 * NPU_HOP)
/* Silence that a trimmed window keeps after its audio, in positions. */
#define TRIM_MARGIN 64

static void
gst_whisper_npu_post_skipped (GstWhisperNpu * self,
    const GstNpuSkipped * skipped)
{
  GstMessage *message;
  guint64 windows;

  g_mutex_lock (&self->lock);
  windows = self->counts.windows;
  g_mutex_unlock (&self->lock);
  /* no window is skipped unless upstream is live */
  message = gst_message_new_qos (GST_OBJECT (self), TRUE,
      skipped->running_time, skipped->stream_time, skipped->pts,
      skipped->duration);
  gst_message_set_qos_values (message, skipped->late, 1.0, 1000000);
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS, windows,
      skipped->n_skipped);
  gst_element_post_message (GST_ELEMENT (self), message);
}

/* Queue an item (transfer full). Returns the task's result; unless that is
 * GST_FLOW_OK the item was dropped. */
static GstFlowReturn
gst_whisper_npu_enqueue (GstWhisperNpu * self, GstNpuItem * item)
{
  GstNpuPushed pushed;
  GstFlowReturn ret = gst_npu_queue_push (self->queue, item,
      item->mel != NULL ?
      gst_element_get_current_running_time (GST_ELEMENT (self)) :
      GST_CLOCK_TIME_NONE, &pushed);
  GstNpuSkipped *skipped;

  while ((skipped = g_queue_pop_head (&pushed.skipped)) != NULL) {
    gst_whisper_npu_post_skipped (self, skipped);
    g_free (skipped);
  }
  if (pushed.report)
    GST_ELEMENT_FLOW_ERROR (self, ret);
  return ret;
}

static GstFlowReturn
gst_whisper_npu_enqueue_event (GstWhisperNpu * self, GstEvent * event)
{
  GstNpuItem *item = g_new0 (GstNpuItem, 1);

  item->event = event;
  return gst_whisper_npu_enqueue (self, item);
}

/* A window is ready. */
static GstFlowReturn
gst_whisper_npu_queue_window (GstWhisperNpu * self, gboolean trim)
{
  GstNpuItem *item = g_new0 (GstNpuItem, 1);
  struct npu_mel_window window;
  GstClockTime start = gst_util_get_timestamp ();
  guint64 end;
  guint n_positions;
  GstFlowReturn ret;

  item->mel = g_new (gfloat, 2 * (gsize) self->window_positions *
      self->loader.model_info.n_mels);
  if (npu_mel_take (self->sink.mel, item->mel, &window) != 0) {
    gst_npu_item_free (item);
    return GST_FLOW_ERROR;
  }
  item->pts = gst_npu_audio_input_time (self->sink.input, window.first_sample);
  end = window.first_sample + window.n_samples;
  item->duration = gst_npu_audio_input_time (self->sink.input, end) - item->pts;
  item->fresh = gst_npu_audio_input_time (self->sink.input, end) -
      gst_npu_audio_input_time (self->sink.input, MAX (self->sink.held,
          window.first_sample));
  item->step = gst_npu_audio_input_time (self->sink.input, window.first_sample +
      (guint64) self->hop_positions * POSITION_SAMPLES) - item->pts;
  self->sink.held = end;
  /* backwards it counts from the stop, which may not be known */
  item->running_time = self->sink.segment.rate < 0.0
      && !GST_CLOCK_TIME_IS_VALID (self->sink.
      segment.stop) ? GST_CLOCK_TIME_NONE : gst_segment_to_running_time (&self->
      sink.segment, GST_FORMAT_TIME, item->pts);
  item->stream_time =
      gst_segment_to_stream_time (&self->sink.segment, GST_FORMAT_TIME,
      item->pts);
  item->first = window.first_sample / POSITION_SAMPLES;
  n_positions = (window.n_samples + POSITION_SAMPLES - 1) / POSITION_SAMPLES;
  item->end = item->first + n_positions;
  item->positions = self->window_positions;
  if (trim)
    item->positions = MIN (item->positions, n_positions + TRIM_MARGIN);
  item->discont = self->sink.discont;
  self->sink.discont = FALSE;
  g_mutex_lock (&self->lock);
  self->counts.mel_time += gst_util_get_timestamp () - start;
  g_mutex_unlock (&self->lock);
  GST_LOG_OBJECT (self, "window at %" GST_TIME_FORMAT ", %u samples",
      GST_TIME_ARGS (item->pts), window.n_samples);
  ret = gst_whisper_npu_enqueue (self, item);
  if (ret != GST_FLOW_OK)       /* one is missing before the next */
    self->sink.discont = TRUE;
  return ret;
}

/* GstNpuSamplesFunc */
static GstFlowReturn
gst_whisper_npu_samples (gpointer user, const gfloat * samples, gsize n_samples)
{
  GstWhisperNpu *self = user;
  GstFlowReturn ret = GST_FLOW_OK;

  while (n_samples > 0 && ret == GST_FLOW_OK) {
    GstClockTime start = gst_util_get_timestamp ();
    gsize done = npu_mel_push (self->sink.mel, samples, n_samples);

    g_mutex_lock (&self->lock);
    self->counts.mel_time += gst_util_get_timestamp () - start;
    g_mutex_unlock (&self->lock);
    /* a large buffer is much work that nobody wants after a flush */
    if (gst_npu_queue_is_stopped (self->queue))
      ret = GST_FLOW_FLUSHING;
    samples += done;
    n_samples -= done;
    /* A full window goes out at once, not with the sample after it. */
    while (npu_mel_ready (self->sink.mel) && ret == GST_FLOW_OK)
      ret = gst_whisper_npu_queue_window (self, FALSE);
  }
  return ret;
}

/* What is left becomes a padded window; the next one starts a new line. */
static GstFlowReturn
gst_whisper_npu_drain (GstWhisperNpu * self, gboolean trim)
{
  GstFlowReturn ret = GST_FLOW_OK;

  if (self->sink.mel == NULL || !self->sink.has_samples)
    return GST_FLOW_OK;
  ret =
      gst_npu_audio_input_drain (self->sink.input, gst_whisper_npu_samples,
      self);
  npu_mel_finish (self->sink.mel);
  while (ret == GST_FLOW_OK && npu_mel_ready (self->sink.mel))
    ret = gst_whisper_npu_queue_window (self, trim);
  npu_mel_reset (self->sink.mel);
  self->sink.held = 0;
  gst_npu_audio_input_reset (self->sink.input);
  self->sink.has_samples = FALSE;
  self->sink.discont = TRUE;
  return ret;
}

void
gst_whisper_npu_reset_sink (GstWhisperNpu * self)
{
  gst_npu_audio_input_reset (self->sink.input);
  if (self->sink.mel != NULL)
    npu_mel_reset (self->sink.mel);
  self->sink.held = 0;
  gst_segment_init (&self->sink.segment, GST_FORMAT_UNDEFINED);
  /* sinks preroll again, and need their GAP for it */
  self->sink.caps_sent = FALSE;
  self->sink.has_samples = FALSE;
  self->sink.discont = TRUE;
  self->sink.broken = FALSE;
  self->sink.warned_reverse = FALSE;
  self->sink.refused = FALSE;
}

/* Audio that runs backwards means nothing to the model: only say that time
 * passes. */
static GstFlowReturn
gst_whisper_npu_chain_reverse (GstWhisperNpu * self, GstBuffer * buffer)
{
  GstEvent *gap = NULL;

  if (!self->sink.warned_reverse) {
    self->sink.warned_reverse = TRUE;
    GST_ELEMENT_WARNING (self, STREAM, NOT_IMPLEMENTED,
        ("Audio played backwards has no features; sending gaps instead."),
        (NULL));
  }
  if (GST_BUFFER_PTS_IS_VALID (buffer))
    gap = gst_event_new_gap (GST_BUFFER_PTS (buffer),
        GST_BUFFER_DURATION (buffer));
  gst_buffer_unref (buffer);
  return gap != NULL ? gst_whisper_npu_enqueue_event (self, gap) : GST_FLOW_OK;
}

static GstFlowReturn
gst_whisper_npu_resync (GstWhisperNpu * self)
{
  gboolean again = self->sink.has_samples;
  GstFlowReturn ret = gst_whisper_npu_drain (self, FALSE);

  if (again) {
    g_mutex_lock (&self->lock);
    self->counts.resyncs++;
    g_mutex_unlock (&self->lock);
  }
  gst_npu_audio_input_resync (self->sink.input);
  return ret;
}

/* Takes the buffer; NULL if all of it is outside of the segment. */
static GstBuffer *
gst_whisper_npu_clip (GstWhisperNpu * self, GstBuffer * buffer,
    const GstAudioInfo * info)
{
  GstClockTime duration =
      gst_util_uint64_scale (gst_npu_audio_input_count (self->sink.input,
          buffer),
      GST_SECOND, GST_AUDIO_INFO_RATE (info));

  /* GStreamer would believe a wrong one, and clip more than there is */
  if (GST_BUFFER_DURATION (buffer) != duration) {
    buffer = gst_buffer_make_writable (buffer);
    GST_BUFFER_DURATION (buffer) = duration;
  }
  return gst_audio_buffer_clip (buffer, &self->sink.segment,
      GST_AUDIO_INFO_RATE (info), GST_AUDIO_INFO_BPF (info));
}

/* An error of upstream; takes the buffer. */
static GstFlowReturn
gst_whisper_npu_refuse_buffer (GstWhisperNpu * self, GstBuffer * buffer,
    const gchar * why)
{
  gst_whisper_npu_refuse (self, GST_STREAM_ERROR_FAILED, why,
      gst_info_strdup_printf ("%" GST_PTR_FORMAT, buffer));
  gst_buffer_unref (buffer);
  return GST_FLOW_ERROR;
}

/* Silence in place of what did not come. */
static GstFlowReturn
gst_whisper_npu_fill (GstWhisperNpu * self, guint64 n_frames)
{
  const GstAudioInfo *info = gst_npu_audio_input_info (self->sink.input);
  GstClockTime time = gst_util_uint64_scale (n_frames, GST_SECOND,
      GST_AUDIO_INFO_RATE (info));
  GstFlowReturn ret = gst_npu_audio_input_silence (self->sink.input, n_frames,
      gst_whisper_npu_samples, self);

  self->sink.broken = ret != GST_FLOW_OK;
  GST_LOG_OBJECT (self, "silence for %" GST_TIME_FORMAT, GST_TIME_ARGS (time));
  g_mutex_lock (&self->lock);
  self->counts.silence_time += time;
  g_mutex_unlock (&self->lock);
  return ret;
}

/* A correct buffer: it continues the line, or starts a new one. */
static GstFlowReturn
gst_whisper_npu_take (GstWhisperNpu * self, GstBuffer * buffer, gsize n_frames)
{
  GstFlowReturn ret = GST_FLOW_OK;
  guint64 hole = gst_npu_audio_input_hole (self->sink.input,
      GST_BUFFER_PTS (buffer));
  gboolean moved;

  /* after a loss the line ends: how much of the hole is lost audio is not known */
  if (hole > 0 && !self->sink.broken)
    ret = gst_whisper_npu_fill (self, hole);
  if (ret != GST_FLOW_OK)
    return ret;
  moved = gst_npu_audio_input_place (self->sink.input, GST_BUFFER_PTS (buffer),
      self->sink.segment.start, GST_BUFFER_IS_DISCONT (buffer) ||
      GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_RESYNC), n_frames);
  if (moved || self->sink.broken)
    ret = gst_whisper_npu_resync (self);
  if (ret == GST_FLOW_OK) {
    self->sink.has_samples = TRUE;
    ret = gst_npu_audio_input_convert (self->sink.input, buffer,
        gst_whisper_npu_samples, self);
  }
  self->sink.broken = ret != GST_FLOW_OK;
  return ret;
}

/* Takes the event. */
static GstFlowReturn
gst_whisper_npu_gap (GstWhisperNpu * self, GstEvent * event)
{
  GstClockTime pts, duration, end;
  guint64 n_frames;

  gst_event_parse_gap (event, &pts, &duration);
  if (!self->sink.has_samples)
    return gst_whisper_npu_enqueue_event (self, event);
  /* Of unknown length: sent on, it would overtake the audio of this window,
   * whose buffer will tell downstream the time. */
  if (!GST_CLOCK_TIME_IS_VALID (duration) || duration == 0) {
    gst_event_unref (event);
    return GST_FLOW_OK;
  }
  /* the sum must not wrap around at the end of time */
  end = pts + MIN (duration, G_MAXUINT64 - pts);
  if (GST_CLOCK_TIME_IS_VALID (self->sink.segment.stop))
    end = MIN (end, self->sink.segment.stop);
  n_frames = gst_npu_audio_input_frames_until (self->sink.input, end);
  if (!self->sink.broken
      && gst_npu_audio_input_is_short (self->sink.input, n_frames)) {
    gst_event_unref (event);
    return gst_whisper_npu_fill (self, n_frames);
  }
  gst_whisper_npu_drain (self, FALSE);
  return gst_whisper_npu_enqueue_event (self, event);
}

/* A buffer without audio that is flagged GAP: a GAP event by another name. */
static GstFlowReturn
gst_whisper_npu_chain_gap (GstWhisperNpu * self, GstBuffer * buffer)
{
  GstFlowReturn ret = GST_FLOW_OK;

  if (GST_BUFFER_PTS_IS_VALID (buffer) && GST_BUFFER_DURATION_IS_VALID (buffer))
    ret = gst_whisper_npu_gap (self, gst_event_new_gap (GST_BUFFER_PTS (buffer),
            GST_BUFFER_DURATION (buffer)));
  gst_buffer_unref (buffer);
  return ret;
}

static GstFlowReturn
gst_whisper_npu_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (parent);
  const GstAudioInfo *info = gst_npu_audio_input_info (self->sink.input);
  GstFlowReturn ret = gst_npu_queue_flow (self->queue);
  gchar *fault;
  gsize n_frames;

  if (ret == GST_FLOW_OK && (info == NULL || self->sink.mel == NULL ||
          self->sink.segment.format != GST_FORMAT_TIME)) {
    gst_whisper_npu_refuse_start (self);
    ret = GST_FLOW_NOT_NEGOTIATED;
  }
  if (ret != GST_FLOW_OK) {
    self->sink.broken = TRUE;
    gst_buffer_unref (buffer);
    return ret;
  }
  fault = gst_whisper_npu_fault (self, buffer);
  if (fault != NULL) {
    ret = gst_whisper_npu_refuse_buffer (self, buffer, fault);
    g_free (fault);
    return ret;
  }
  if (self->sink.segment.rate < 0.0)
    return gst_whisper_npu_chain_reverse (self, buffer);
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP) &&
      gst_npu_audio_input_count (self->sink.input, buffer) == 0)
    return gst_whisper_npu_chain_gap (self, buffer);
  buffer = gst_whisper_npu_clip (self, buffer, info);
  if (buffer == NULL)
    return GST_FLOW_OK;
  n_frames = gst_npu_audio_input_count (self->sink.input, buffer);
  if (n_frames > 0)
    ret = gst_whisper_npu_take (self, buffer, n_frames);
  if (ret == GST_FLOW_ERROR
      && gst_npu_audio_input_unreadable (self->sink.input))
    return gst_whisper_npu_refuse_buffer (self, buffer,
        "The memory of an audio buffer cannot be read.");
  gst_buffer_unref (buffer);
  return ret;
}

static gboolean
gst_whisper_npu_sink_caps (GstWhisperNpu * self, GstEvent * event)
{
  const GstAudioInfo *old = gst_npu_audio_input_info (self->sink.input);
  GstAudioInfo info;
  GstCaps *caps;
  gboolean ok;

  gst_event_parse_caps (event, &caps);
  ok = gst_audio_info_from_caps (&info, caps);
  if (ok && (old == NULL || !gst_audio_info_is_equal (old, &info))) {
    GST_INFO_OBJECT (self, "input is %" GST_PTR_FORMAT, caps);
    /* the time line goes on: only the resampler is emptied */
    self->sink.broken |= gst_npu_audio_input_drain (self->sink.input,
        gst_whisper_npu_samples, self) != GST_FLOW_OK;
    ok = gst_npu_audio_input_set_info (self->sink.input, &info);
    g_mutex_lock (&self->lock);
    self->counts.conversions++;
    g_mutex_unlock (&self->lock);
  }
  if (!ok)
    gst_whisper_npu_refuse (self, GST_STREAM_ERROR_FORMAT,
        "This audio cannot be converted to 16 kHz mono.",
        gst_info_strdup_printf ("caps %" GST_PTR_FORMAT, caps));
  gst_event_unref (event);
  return ok;
}

static void
gst_whisper_npu_ask_live (GstWhisperNpu * self)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (self->sinkpad, query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  gst_query_unref (query);
  gst_npu_queue_set_live (self->queue, live);
}

/* The first segment: our caps, the segment, and a GAP without length. Sinks
 * preroll on that, so a pipeline reaches PAUSED without 30 s of audio. */
static GstFlowReturn
gst_whisper_npu_open_stream (GstWhisperNpu * self, GstEvent * segment)
{
  guint32 seqnum = gst_event_get_seqnum (segment);
  GstCaps *caps = gst_npu_features_caps (self->window_positions,
      self->loader.model_info.d_model, self->hop_positions);
  GstEvent *event = gst_event_new_caps (caps);
  GstClockTime start = self->sink.segment.rate < 0.0 ? self->sink.segment.stop :
      self->sink.segment.start;
  GstFlowReturn ret;

  gst_caps_unref (caps);
  gst_event_set_seqnum (event, seqnum);
  ret = gst_whisper_npu_enqueue_event (self, event);
  if (ret == GST_FLOW_OK)
    ret = gst_whisper_npu_enqueue_event (self, gst_event_ref (segment));
  if (ret == GST_FLOW_OK) {
    event = gst_event_new_gap (GST_CLOCK_TIME_IS_VALID (start) ? start : 0, 0);
    gst_event_set_seqnum (event, seqnum);
    ret = gst_whisper_npu_enqueue_event (self, event);
  }
  gst_event_unref (segment);
  return ret;
}

static gboolean
gst_whisper_npu_sink_segment (GstWhisperNpu * self, GstEvent * event)
{
  GstSegment segment, moved;
  gboolean first = !self->sink.caps_sent;

  gst_event_copy_segment (event, &segment);
  if (segment.format != GST_FORMAT_TIME || segment.stop < segment.start) {
    gst_whisper_npu_refuse_segment (self, &segment);
    gst_event_unref (event);
    return FALSE;
  }
  moved = self->sink.segment;
  moved.position = segment.position;
  if (self->sink.segment.format == GST_FORMAT_TIME &&
      !gst_segment_is_equal (&moved, &segment))
    gst_whisper_npu_drain (self, FALSE);
  self->sink.segment = segment;
  self->sink.warned_reverse = FALSE;
  self->sink.caps_sent = TRUE;
  gst_whisper_npu_ask_live (self);
  return (first ? gst_whisper_npu_open_stream (self, event) :
      gst_whisper_npu_enqueue_event (self, event)) == GST_FLOW_OK;
}

static gboolean
gst_whisper_npu_sink_flush (GstWhisperNpu * self, GstEvent * event)
{
  gboolean ok;

  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START) {
    ok = gst_pad_push_event (self->srcpad, event);
    gst_whisper_npu_flush_start (self);
  } else {
    gst_whisper_npu_flush_wait (self);
    ok = gst_pad_push_event (self->srcpad, event);
    gst_whisper_npu_reset_sink (self);
    gst_whisper_npu_flush_stop (self);
  }
  return ok;
}

/* Audio of the old stream goes out before the new one starts. A pad repeats the
 * event of the same stream after a link: that ends nothing. */
static void
gst_whisper_npu_sink_stream_start (GstWhisperNpu * self, GstEvent * event)
{
  gchar *old_id = gst_pad_get_stream_id (self->sinkpad);
  const gchar *id;

  gst_event_parse_stream_start (event, &id);
  if (g_strcmp0 (old_id, id) != 0) {
    gst_whisper_npu_drain (self, FALSE);
    self->sink.refused = FALSE;
  }
  g_free (old_id);
  gst_whisper_npu_restart (self, GST_FLOW_EOS);
}

static gboolean
gst_whisper_npu_sink_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (parent);

  GST_DEBUG_OBJECT (self, "%" GST_PTR_FORMAT, event);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START:
    case GST_EVENT_FLUSH_STOP:
      return gst_whisper_npu_sink_flush (self, event);
    case GST_EVENT_CAPS:
      return gst_whisper_npu_sink_caps (self, event);
    case GST_EVENT_SEGMENT:
      /* downstream did not want the rest of the old one */
      if (gst_npu_queue_flow (self->queue) == GST_FLOW_EOS)
        gst_whisper_npu_drain (self, FALSE);
      gst_whisper_npu_restart (self, GST_FLOW_EOS);
      return gst_whisper_npu_sink_segment (self, event);
    case GST_EVENT_GAP:
      return gst_whisper_npu_gap (self, event) == GST_FLOW_OK;
    case GST_EVENT_STREAM_START:
      gst_whisper_npu_sink_stream_start (self, event);
      break;
    case GST_EVENT_EOS:
    case GST_EVENT_SEGMENT_DONE:
      gst_whisper_npu_drain (self, self->sink.trim);
      break;
    default:
      break;
  }
  if (!GST_EVENT_IS_SERIALIZED (event))
    return gst_pad_event_default (pad, parent, event);
  return gst_whisper_npu_enqueue_event (self, event) == GST_FLOW_OK;
}

static gboolean
gst_whisper_npu_sink_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_ALLOCATION:
      /* Upstream's own memory is right; downstream's is for features. */
      gst_query_add_allocation_meta (query, GST_AUDIO_META_API_TYPE, NULL);
      return TRUE;
    case GST_QUERY_DRAIN:
      /* no buffer of upstream is kept after its chain call */
      return TRUE;
    default:
      return gst_pad_query_default (pad, parent, query);
  }
}

static gboolean
gst_whisper_npu_sink_activate_mode (GstPad * pad, GstObject * parent,
    GstPadMode mode, gboolean active)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (parent);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (!active) {
    /* wake a chain that waits for room, then wait until it has returned */
    gst_npu_queue_stop (self->queue);
  }
  GST_PAD_STREAM_LOCK (pad);
  gst_whisper_npu_reset_sink (self);
  GST_PAD_STREAM_UNLOCK (pad);
  return TRUE;
}

void
gst_whisper_npu_init_sink (GstWhisperNpu * self)
{
  /* CAPS queries get the template: the output does not depend on the input */
  GST_PAD_SET_ACCEPT_TEMPLATE (self->sinkpad);
  gst_pad_set_activatemode_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_whisper_npu_sink_activate_mode));
  gst_pad_set_chain_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_whisper_npu_chain));
  gst_pad_set_event_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_whisper_npu_sink_event));
  gst_pad_set_query_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_whisper_npu_sink_query));
}
