/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The queue between the two threads: its bound, and what happens at it. The
 * locking is that of GStreamer's own queue element. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "element.h"

void
gst_whisper_npu_item_free (GstNpuItem * item)
{
  if (item->event != NULL)
    gst_event_unref (item->event);
  g_free (item->mel);
  g_free (item);
}

void
gst_whisper_npu_drop_items (GstWhisperNpu * self, gboolean keep_sticky)
{
  GQueue items;
  GstNpuItem *item;

  g_mutex_lock (&self->lock);
  items = self->items;
  g_queue_init (&self->items);
  self->counts.dropped += self->n_windows;
  self->n_windows = 0;
  g_mutex_unlock (&self->lock);

  while ((item = g_queue_pop_head (&items)) != NULL) {
    /* a pad tells the application of new caps: no lock here */
    if (keep_sticky && item->event != NULL &&
        GST_EVENT_IS_STICKY (item->event) &&
        GST_EVENT_TYPE (item->event) != GST_EVENT_SEGMENT &&
        GST_EVENT_TYPE (item->event) != GST_EVENT_EOS)
      gst_pad_store_sticky_event (self->srcpad, item->event);
    gst_whisper_npu_item_free (item);
  }
}

void
gst_whisper_npu_skip_stream (GstWhisperNpu * self)
{
  GstNpuItem *item;

  while ((item = g_queue_peek_head (&self->items)) != NULL &&
      (item->event == NULL ||
          (GST_EVENT_TYPE (item->event) != GST_EVENT_STREAM_START &&
              GST_EVENT_TYPE (item->event) != GST_EVENT_SEGMENT &&
              GST_EVENT_TYPE (item->event) != GST_EVENT_EOS))) {
    if (item->mel != NULL) {
      self->n_windows--;
      self->counts.dropped++;
    }
    gst_whisper_npu_item_free (g_queue_pop_head (&self->items));
  }
  self->unexpected = item == NULL;
}

/* With the lock held. The window that has waited longest gives up its place;
 * places next to each other become one, so that no stream fills the queue with
 * them. Returns the message that says so. (transfer full) */
static GstMessage *
gst_whisper_npu_skip_window (GstWhisperNpu * self, GstClockTime now)
{
  GList *link = self->items.head;
  GstNpuItem *item, *before;
  GstMessage *message;
  GstClockTimeDiff late = 0;

  while (((GstNpuItem *) link->data)->mel == NULL)
    link = link->next;
  item = link->data;
  self->n_windows--;
  self->counts.skipped++;
  if (GST_CLOCK_TIME_IS_VALID (now) &&
      GST_CLOCK_TIME_IS_VALID (item->running_time))
    late = GST_CLOCK_DIFF (item->running_time + item->duration, now);
  message = gst_message_new_qos (GST_OBJECT (self), self->live,
      item->running_time, item->stream_time, item->pts, item->duration);
  gst_message_set_qos_values (message, late, 1.0, 1000000);
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS,
      self->counts.windows, self->counts.skipped);

  g_clear_pointer (&item->mel, g_free);
  /* what comes later is in the next window too */
  item->duration = MIN (item->duration, item->step);
  before = link->prev != NULL ? link->prev->data : NULL;
  if (before != NULL && before->event == NULL && before->mel == NULL) {
    /* what lies between the two is as empty */
    if (before->pts <= item->pts)
      before->duration = item->pts + item->duration - before->pts;
    gst_whisper_npu_item_free (item);
    g_queue_delete_link (&self->items, link);
  }
  return message;
}

/* With the lock held. Wait for room for one more item, or make some. */
static void
gst_whisper_npu_make_room (GstWhisperNpu * self, gboolean window,
    GstClockTime now, GQueue * messages)
{
  while (self->srcresult == GST_FLOW_OK &&
      (self->items.length >= GST_NPU_MAX_ITEMS ||
          (window && self->n_windows >= self->max_windows))) {
    GstClockTime start;

    if (window && self->n_windows >= self->max_windows && self->live &&
        self->late == GST_WHISPER_NPU_LATE_DROP) {
      g_queue_push_tail (messages, gst_whisper_npu_skip_window (self, now));
      continue;
    }
    start = gst_util_get_timestamp ();
    g_cond_wait (&self->item_del, &self->lock);
    self->counts.blocked_time += gst_util_get_timestamp () - start;
  }
}

/* With the lock held. What to do with an item: GST_FLOW_OK is to queue it. */
static GstFlowReturn
gst_whisper_npu_admit (GstWhisperNpu * self, const GstNpuItem * item)
{
  if (item->event == NULL && self->srcresult == GST_FLOW_OK && self->unexpected)
    return GST_FLOW_EOS;
  /* As in GStreamer's queue: what is sticky is no reason to fail, the next
   * window is. It goes out if a new peer comes. */
  if (item->event != NULL && GST_EVENT_IS_STICKY (item->event) &&
      GST_EVENT_TYPE (item->event) != GST_EVENT_EOS &&
      self->srcresult != GST_FLOW_FLUSHING &&
      self->items.length < GST_NPU_MAX_ITEMS)
    return GST_FLOW_OK;
  return self->srcresult;
}

gboolean
gst_whisper_npu_is_fatal (GstFlowReturn ret)
{
  return ret == GST_FLOW_NOT_LINKED || ret < GST_FLOW_EOS;
}

GstFlowReturn
gst_whisper_npu_enqueue (GstWhisperNpu * self, GstNpuItem * item)
{
  GstFlowReturn ret;
  GQueue messages = G_QUEUE_INIT;
  GstClockTime now = GST_CLOCK_TIME_NONE;
  gboolean report = FALSE;

  if (item->event == NULL)
    now = gst_element_get_current_running_time (GST_ELEMENT (self));
  g_mutex_lock (&self->lock);
  gst_whisper_npu_make_room (self, item->event == NULL, now, &messages);
  ret = gst_whisper_npu_admit (self, item);
  if (item->event != NULL && GST_EVENT_TYPE (item->event) == GST_EVENT_EOS &&
      ret != GST_FLOW_FLUSHING) {
    self->eos = TRUE;
    self->eos_seqnum = gst_event_get_seqnum (item->event);
    /* no chain call will hand on why the task has stopped */
    report = gst_whisper_npu_is_fatal (ret) && !self->error_posted;
    self->error_posted |= report;
  }
  if (ret == GST_FLOW_OK) {
    item->generation = self->generation;
    if (item->event == NULL) {
      self->n_windows++;
      self->counts.queued_max = MAX (self->counts.queued_max, self->n_windows);
    }
    g_queue_push_tail (&self->items, item);
    g_cond_broadcast (&self->item_add);
  } else if (item->event == NULL) {
    self->counts.dropped++;
  }
  g_mutex_unlock (&self->lock);

  while (!g_queue_is_empty (&messages))
    gst_element_post_message (GST_ELEMENT (self), g_queue_pop_head (&messages));
  if (report)
    GST_ELEMENT_FLOW_ERROR (self, ret);
  if (ret != GST_FLOW_OK)
    gst_whisper_npu_item_free (item);
  return ret;
}

GstFlowReturn
gst_whisper_npu_enqueue_event (GstWhisperNpu * self, GstEvent * event)
{
  GstNpuItem *item = g_new0 (GstNpuItem, 1);

  item->event = event;
  return gst_whisper_npu_enqueue (self, item);
}
