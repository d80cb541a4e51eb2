/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the element says of its latency: that of a window, and time to encode. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "element.h"

GST_DEBUG_CATEGORY_EXTERN (gst_whisper_npu_debug);
#define GST_CAT_DEFAULT gst_whisper_npu_debug

/* A buffer leaves later than its first sample came in: by the window's own
 * length, by what the front end holds back (the resampler 32 ms at 1000 Hz, a
 * frame's right half 12.5 ms), and by the time to encode. The element announces
 * a share of the window for the encoder, and twice as much for good each time a
 * window took longer: a number that followed measurements would make a live
 * pipeline stutter with every change, one that is too small makes it late for
 * ever. Where a window takes longer than a hop the encoder cannot keep up, and
 * no latency helps. */
#define FRONT_END_TIME (50 * GST_MSECOND)
/* Of a window's length: 2 s for 30 s, 67 ms for 1 s. */
#define FIRST_ENCODE_SHARE 15

void
gst_whisper_npu_update_latency (GstWhisperNpu * self,
    struct npu_encoder *encoder)
{
  struct npu_stats stats;
  GstClockTime old, first, time, most;
  gboolean changed;

  npu_encoder_get_stats (encoder, &stats);
  g_mutex_lock (&self->lock);
  first = self->window_positions * GST_NPU_POSITION_TIME / FIRST_ENCODE_SHARE;
  most = self->hop_positions * GST_NPU_POSITION_TIME;
  most = most > first + FRONT_END_TIME ? most - FRONT_END_TIME : first;
  old = time = MAX (self->encode_time, first);
  while (time < MIN (stats.max_ns, most))
    time = MIN (2 * time, most);
  self->encode_time = time;
  changed = time != old;
  g_mutex_unlock (&self->lock);
  if (changed)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_latency (GST_OBJECT (self)));
}

gboolean
gst_whisper_npu_query_latency (GstWhisperNpu * self, GstQuery * query)
{
  gboolean live;
  guint window, hop;
  GstNpuQueueInfo info;
  GstClockTime min, max, own, queue;

  if (!gst_pad_peer_query (self->sinkpad, query))
    return FALSE;
  gst_query_parse_latency (query, &live, &min, &max);
  /* what will be in use, until something is */
  GST_OBJECT_LOCK (self);
  gst_whisper_npu_settings_positions (&self->settings,
      NPU_WINDOW_POSITIONS, &window, &hop);
  GST_OBJECT_UNLOCK (self);
  g_mutex_lock (&self->lock);
  if (self->loader.device != NULL) {
    window = self->window_positions;
    hop = self->hop_positions;
  }
  own = window * GST_NPU_POSITION_TIME;
  own += MAX (self->encode_time, own / FIRST_ENCODE_SHARE) + FRONT_END_TIME;
  g_mutex_unlock (&self->lock);
  gst_npu_queue_set_live (self->queue, live);
  gst_npu_queue_get_info (self->queue, &info);
  queue = info.max_windows * hop * GST_NPU_POSITION_TIME;
  /* an upstream that is never held back holds nothing for this element */
  if (live && info.drop)
    max = min + own + queue;
  else if (GST_CLOCK_TIME_IS_VALID (max))
    max += own + queue;
  min += own;
  gst_query_set_latency (query, live, min, max);
  return TRUE;
}
