/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Features out: the pad task that encodes and pushes what the queue holds, and
 * the src pad's events and queries. The locking is that of GStreamer's own
 * queue element. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>

#include "compat.h"
#include "element.h"

GST_DEBUG_CATEGORY_EXTERN (gst_whisper_npu_debug);
#define GST_CAT_DEFAULT gst_whisper_npu_debug

/* Wait for the weights. NULL: *ret says why. */
static struct npu_encoder *
gst_whisper_npu_wait_encoder (GstWhisperNpu * self, GstFlowReturn * ret)
{
  struct npu_encoder *encoder;

  *ret = gst_npu_queue_wait_ready (self->queue);
  g_mutex_lock (&self->lock);
  if (*ret != GST_FLOW_FLUSHING && self->load_state != GST_NPU_LOAD_DONE) {
    *ret = GST_FLOW_ERROR;
    self->src.item_posted = TRUE;       /* by the loader */
  }
  encoder = *ret == GST_FLOW_OK ? self->encoder : NULL;
  g_mutex_unlock (&self->lock);
  return encoder;
}

static GstFlowReturn
gst_whisper_npu_encoder_failed (GstWhisperNpu * self,
    struct npu_encoder *encoder, const GstNpuItem * item, int code)
{
  struct npu_error err;

  if (code == -ECANCELED)
    return GST_FLOW_FLUSHING;
  npu_encoder_get_error (encoder, &err);
  GST_ELEMENT_ERROR (self, RESOURCE, FAILED,
      ("The encoder failed in the window at %" GST_TIME_FORMAT ": %s",
          GST_TIME_ARGS (item->pts),
          err.text[0] != '\0' ? err.text : g_strerror (-code)),
      ("%s", g_strerror (-code)));
  self->src.item_posted = TRUE;
  return GST_FLOW_ERROR;
}

static GstFlowReturn
gst_whisper_npu_new_buffer (GstWhisperNpu * self, GstBuffer ** buffer)
{
  /* always ask: the call clears the flag, which a new pad has set, too */
  gboolean again = gst_pad_check_reconfigure (self->srcpad);

  if ((self->src.features.pool == NULL || again) &&
      !gst_npu_features_negotiate (&self->src.features, self->srcpad)) {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
        ("No memory for the features."), (NULL));
    self->src.item_posted = TRUE;
    return GST_FLOW_ERROR;
  }
  return gst_npu_features_acquire (&self->src.features, buffer);
}

/* A pad keeps sticky events and says nothing of their fate until data follows;
 * here that would be 30 s later, and a sink without preroll until then. */
static GstFlowReturn
gst_whisper_npu_check_caps (GstWhisperNpu * self, GstEvent * event)
{
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  return gst_pad_peer_query_accept_caps (self->srcpad, caps) ? GST_FLOW_OK :
      GST_FLOW_NOT_NEGOTIATED;
}

/* Tell downstream of buffers with so many rows, unless it knows. */
static GstFlowReturn
gst_whisper_npu_set_rows (GstWhisperNpu * self, guint rows)
{
  GstCaps *caps;
  GstEvent *event;
  GstFlowReturn ret;

  if (rows == self->src.features.rows)
    return GST_FLOW_OK;
  caps = gst_npu_features_caps (rows, self->src.features.columns,
      self->src.features.hop);
  event = gst_event_new_caps (caps);
  gst_caps_unref (caps);
  ret = gst_whisper_npu_check_caps (self, event);
  if (ret != GST_FLOW_OK) {
    gst_event_unref (event);
    return ret;
  }
  gst_npu_features_init (&self->src.features, rows, self->src.features.columns,
      self->src.features.hop);
  gst_pad_push_event (self->srcpad, event);
  return GST_FLOW_OK;
}

/* Drop the windows that were not collected. The encoder may read `mel` until it
 * was resumed, which waits for a tile. Where a flush cancels at the same time,
 * this may undo its cancel: the queue was stopped before that, and the task asks
 * the queue before it submits. */
static void
gst_whisper_npu_give_up (GstWhisperNpu * self)
{
  struct npu_encoder *encoder;

  g_mutex_lock (&self->lock);
  self->counts.dropped += self->src.windows.length;
  encoder = self->encoder;      /* lives until READY->NULL */
  g_mutex_unlock (&self->lock);
  if (encoder != NULL) {
    if (self->src.n_submitted > 0)
      npu_encoder_cancel (encoder);
    npu_encoder_resume (encoder);
  }
  self->src.n_submitted = 0;
  g_queue_clear_full (&self->src.windows, (GDestroyNotify) gst_npu_item_free);
}

/* Submit the oldest window, and those after it that the encoder works on
 * together with it, so that the device does not wait for its buffer to be
 * pushed. An event ends the row: it goes out before what comes after it. */
static int
gst_whisper_npu_submit (GstWhisperNpu * self, struct npu_encoder *encoder)
{
  GstNpuSrcSide *src = &self->src;
  struct npu_encoder_info info;
  int code = 0;

  npu_encoder_get_info (encoder, &info);
  while (code == 0 && src->n_submitted < MAX (info.overlap, 1)) {
    GstNpuItem *item = g_queue_peek_nth (&src->windows, src->n_submitted);

    if (item == NULL) {
      item = gst_npu_queue_pop_window (self->queue);
      if (item == NULL)
        break;
      g_queue_push_tail (&src->windows, item);
    }
    /* with a window to collect it must not wait: only collecting makes room */
    code = npu_encoder_submit_mel (encoder, item->mel, item->positions,
        item->first, src->n_submitted == 0 ? NPU_TIMEOUT_NONE : 0);
    if (code == 0)
      src->n_submitted++;
  }
  /* the windows before it may succeed; it is tried again after the next one */
  return src->n_submitted > 0 ? 0 : code;
}

/* The task is done with the windows that it has popped. After a stop it leaves
 * them to reset_src(), so that the stop does not wait for a tile. */
static void
gst_whisper_npu_end_row (GstWhisperNpu * self)
{
  if (!gst_npu_queue_is_stopped (self->queue))
    gst_whisper_npu_give_up (self);
}

/* Encode the oldest window into a new buffer. */
static GstFlowReturn
gst_whisper_npu_encode (GstWhisperNpu * self, GstBuffer ** out)
{
  const GstNpuItem *item = g_queue_peek_head (&self->src.windows);
  GstFlowReturn ret;
  GstBuffer *buffer = NULL;
  GstMapInfo map;
  struct npu_encoder *encoder = gst_whisper_npu_wait_encoder (self, &ret);
  int code;

  if (encoder == NULL)
    return ret;
  ret = gst_whisper_npu_set_rows (self, item->positions);
  if (ret == GST_FLOW_OK)
    ret = gst_whisper_npu_new_buffer (self, &buffer);
  if (ret != GST_FLOW_OK)
    return ret;
  /* downstream has flushed, on this thread, in answer to the caps or the query */
  if (g_queue_is_empty (&self->src.windows)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_FLUSHING;
  }
  if (!gst_buffer_map (buffer, &map, GST_MAP_WRITE)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  code = gst_whisper_npu_submit (self, encoder);
  if (code == 0)
    code = npu_encoder_collect (encoder, (float *) map.data, NULL,
        NPU_TIMEOUT_NONE);
  gst_buffer_unmap (buffer, &map);
  if (code != 0) {
    gst_buffer_unref (buffer);
    return gst_whisper_npu_encoder_failed (self, encoder, item, code);
  }
  self->src.n_submitted--;
  gst_whisper_npu_update_latency (self, encoder);
  *out = buffer;
  return GST_FLOW_OK;
}

/* What the buffer of a window says beside its features. */
static void
gst_whisper_npu_label (GstWhisperNpu * self, const GstNpuItem * item,
    GstBuffer * buffer)
{
  GST_BUFFER_PTS (buffer) = item->pts;
  GST_BUFFER_DURATION (buffer) = item->duration;
  GST_BUFFER_OFFSET (buffer) = item->first;
  GST_BUFFER_OFFSET_END (buffer) = item->end;
  if (item->discont || self->src.skipped)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  gst_npu_buffer_add_tensor (buffer, self->src.features.rows,
      self->src.features.columns);
}

static void
gst_whisper_npu_post_window (GstWhisperNpu * self, const GstNpuItem * item,
    GstBuffer * buffer)
{
  GstStructure *structure;
  struct npu_stats stats;
  GstNpuQueueInfo queue;

  gst_npu_queue_get_info (self->queue, &queue);
  g_mutex_lock (&self->lock);
  npu_encoder_get_stats (self->encoder, &stats);
  g_mutex_unlock (&self->lock);
  structure = gst_structure_new ("whispernpu",
      "timestamp", G_TYPE_UINT64, item->pts,
      "stream-time", G_TYPE_UINT64, item->stream_time,
      "running-time", G_TYPE_UINT64, item->running_time,
      "duration", G_TYPE_UINT64, item->duration,
      "offset", G_TYPE_UINT64, item->first,
      "offset-end", G_TYPE_UINT64, item->end,
      "positions", G_TYPE_UINT, self->src.features.rows,
      "discont", G_TYPE_BOOLEAN, GST_BUFFER_IS_DISCONT (buffer),
      "encode-time", G_TYPE_UINT64, (guint64) stats.last_ns,
      "queued", G_TYPE_UINT, queue.n_windows, NULL);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self), structure));
}

/* With the lock held. A window goes out (1), or was not taken (-1). */
static void
gst_whisper_npu_count (GstWhisperNpu * self, const GstNpuItem * item, gint sign)
{
  self->counts.windows += sign;
  self->counts.positions += sign * (gint64) (item->end - item->first);
  self->counts.audio_time += sign * (gint64) item->fresh;
  self->counts.dropped += sign < 0;
}

/* Takes the buffer. */
static GstFlowReturn
gst_whisper_npu_push_buffer (GstWhisperNpu * self, const GstNpuItem * item,
    GstBuffer * buffer)
{
  GstClockTime start;
  GstFlowReturn ret;

  gst_whisper_npu_label (self, item, buffer);
  if (g_atomic_int_get (&self->post_messages))
    gst_whisper_npu_post_window (self, item, buffer);
  GST_LOG_OBJECT (self, "pushing %" GST_PTR_FORMAT, buffer);
  start = gst_util_get_timestamp ();
  ret = gst_pad_push (self->srcpad, buffer);
  /* a success with a number of the peer's own */
  ret = MIN (ret, GST_FLOW_OK);
  /* the next buffer says that one is missing */
  self->src.skipped = ret != GST_FLOW_OK;
  g_mutex_lock (&self->lock);
  self->counts.push_time += gst_util_get_timestamp () - start;
  if (ret != GST_FLOW_OK)
    gst_whisper_npu_count (self, item, -1);
  g_mutex_unlock (&self->lock);
  return ret;
}

/* The oldest window. */
static GstFlowReturn
gst_whisper_npu_push_window (GstWhisperNpu * self)
{
  GstBuffer *buffer = NULL;
  GstFlowReturn ret = gst_whisper_npu_encode (self, &buffer);
  GstNpuItem *item;
  gboolean stale;

  if (ret != GST_FLOW_OK) {
    gst_whisper_npu_end_row (self);
    return ret;
  }
  item = g_queue_pop_head (&self->src.windows);
  stale = gst_npu_queue_is_stale (self->queue, item->generation);
  /* before the push: the application may read `stats` as soon as it has the
   * buffer */
  g_mutex_lock (&self->lock);
  if (!stale)
    gst_whisper_npu_count (self, item, 1);
  else
    self->counts.dropped++;
  g_mutex_unlock (&self->lock);
  if (!stale) {
    ret = gst_whisper_npu_push_buffer (self, item, buffer);
  } else {
    gst_buffer_unref (buffer);
    ret = GST_FLOW_FLUSHING;
  }
  gst_npu_item_free (item);
  /* what follows is of the stream that downstream wants no more of */
  if (ret == GST_FLOW_EOS)
    gst_whisper_npu_end_row (self);
  return ret;
}

/* An event, or the place of a skipped window. */
static GstFlowReturn
gst_whisper_npu_push_event (GstWhisperNpu * self, GstNpuItem * item)
{
  GstFlowReturn ret = GST_FLOW_OK;

  if (item->event == NULL) {
    GST_DEBUG_OBJECT (self, "skipped %" GST_TIME_FORMAT " at %"
        GST_TIME_FORMAT, GST_TIME_ARGS (item->duration),
        GST_TIME_ARGS (item->pts));
    self->src.skipped = TRUE;
    gst_pad_push_event (self->srcpad, gst_event_new_gap (item->pts,
            item->duration));
    return GST_FLOW_OK;
  }
  if (GST_EVENT_TYPE (item->event) == GST_EVENT_EOS)
    ret = GST_FLOW_EOS;
  if (GST_EVENT_TYPE (item->event) == GST_EVENT_CAPS) {
    ret = gst_whisper_npu_check_caps (self, item->event);
    gst_npu_features_init (&self->src.features, self->window_positions,
        self->src.features.columns, self->src.features.hop);
  }
  /* after a trimmed window the caps are of whole ones again */
  if (GST_EVENT_TYPE (item->event) == GST_EVENT_SEGMENT)
    ret = gst_whisper_npu_set_rows (self, self->window_positions);
  gst_pad_push_event (self->srcpad, g_steal_pointer (&item->event));
  return ret;
}

/* One item: a window that was popped with the one before it, or the next. */
static void
gst_whisper_npu_work (GstWhisperNpu * self, GstNpuOutcome * outcome)
{
  GstNpuItem *item = g_queue_peek_head (&self->src.windows);

  if (item == NULL) {
    item = gst_npu_queue_pop (self->queue);
    if (item == NULL)
      return;
    if (item->mel != NULL)
      g_queue_push_tail (&self->src.windows, item);
  }
  outcome->window = item->mel != NULL;
  outcome->generation = item->generation;
  self->src.item_posted = FALSE;
  if (outcome->window) {
    outcome->ret = gst_whisper_npu_push_window (self);
  } else {
    outcome->ret = gst_whisper_npu_push_event (self, item);
    gst_npu_item_free (item);
  }
  outcome->posted = self->src.item_posted;
}

static void
gst_whisper_npu_loop (GstPad * pad)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (gst_pad_get_parent (pad));
  GstNpuOutcome outcome = {.ret = GST_FLOW_OK };
  GstNpuVerdict verdict;

  if (self == NULL)
    return;
  gst_whisper_npu_work (self, &outcome);
  g_mutex_lock (&self->lock);
  gst_npu_queue_settle (self->queue, &outcome, &verdict);
  if (verdict.flow != GST_FLOW_OK) {
    GST_DEBUG_OBJECT (self, "task pauses: %s",
        gst_flow_get_name (verdict.flow));
    gst_pad_pause_task (self->srcpad);
  }
  g_mutex_unlock (&self->lock);

  if (verdict.report)
    GST_ELEMENT_FLOW_ERROR (self, verdict.flow);
  if (verdict.end) {
    GstEvent *eos = gst_event_new_eos ();

    gst_event_set_seqnum (eos, verdict.seqnum);
    gst_pad_push_event (self->srcpad, eos);
  }
  gst_object_unref (self);
}

/* With the task stopped. What a flush must not lose, tags for one, stays with
 * the pad if asked and goes out with the next data. */
static void
gst_whisper_npu_drop_items (GstWhisperNpu * self, gboolean keep_sticky)
{
  GQueue items;
  GstNpuItem *item;

  gst_npu_queue_take_all (self->queue, &items);
  while ((item = g_queue_pop_head (&items)) != NULL) {
    if (keep_sticky && item->event != NULL &&
        GST_EVENT_IS_STICKY (item->event) &&
        GST_EVENT_TYPE (item->event) != GST_EVENT_SEGMENT &&
        GST_EVENT_TYPE (item->event) != GST_EVENT_EOS)
      gst_pad_store_sticky_event (self->srcpad, item->event);
    gst_npu_item_free (item);
  }
}

/* Stop both sides, drop what waits and what is in the device. */
static void
gst_whisper_npu_stop (GstWhisperNpu * self)
{
  /* the queue first: the task asks it before it submits */
  gst_npu_queue_stop (self->queue);
  g_mutex_lock (&self->lock);
  if (self->encoder != NULL)
    npu_encoder_cancel (self->encoder);
  g_mutex_unlock (&self->lock);
}

/* With the task stopped: forget the stream before. */
static void
gst_whisper_npu_reset_src (GstWhisperNpu * self, gboolean keep_sticky)
{
  /* a flush and a state change may both be here */
  GST_PAD_STREAM_LOCK (self->srcpad);
  gst_whisper_npu_give_up (self);
  self->src.skipped = FALSE;
  GST_PAD_STREAM_UNLOCK (self->srcpad);
  gst_whisper_npu_drop_items (self, keep_sticky);
}

static void
gst_whisper_npu_open_queue_locked (GstWhisperNpu * self)
{
  /* small files can turn out bad before the pads are even active */
  gst_npu_queue_open (self->queue, self->load_state == GST_NPU_LOAD_FAILED);
}

static void
gst_whisper_npu_start_task (GstWhisperNpu * self)
{
  gst_pad_start_task (self->srcpad, (GstTaskFunction) gst_whisper_npu_loop,
      self->srcpad, NULL);
}

void
gst_whisper_npu_flush_start (GstWhisperNpu * self)
{
  gst_whisper_npu_stop (self);
}

void
gst_whisper_npu_flush_wait (GstWhisperNpu * self)
{
  gst_whisper_npu_stop (self);
  gst_pad_pause_task (self->srcpad);
}

void
gst_whisper_npu_flush_stop (GstWhisperNpu * self)
{
  gst_whisper_npu_reset_src (self, TRUE);
  g_mutex_lock (&self->lock);
  /* A pad that is deactivated meanwhile stops the task after this, or already
   * has. The task exists, so this only wakes it and posts nothing. */
  if (gst_pad_is_active (self->srcpad)) {
    gst_whisper_npu_open_queue_locked (self);
    gst_whisper_npu_start_task (self);
  }
  g_mutex_unlock (&self->lock);
}

void
gst_whisper_npu_restart (GstWhisperNpu * self, GstFlowReturn after)
{
  g_mutex_lock (&self->lock);
  /* the task exists, so this only wakes it and posts nothing */
  if (gst_npu_queue_reopen (self->queue, after))
    gst_whisper_npu_start_task (self);
  g_mutex_unlock (&self->lock);
}

static gboolean
gst_whisper_npu_src_activate_mode (GstPad * pad, GstObject * parent,
    GstPadMode mode, gboolean active)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (parent);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (active) {
    gst_whisper_npu_reset_src (self, TRUE);
    g_mutex_lock (&self->lock);
    gst_whisper_npu_open_queue_locked (self);
    g_mutex_unlock (&self->lock);
    gst_whisper_npu_start_task (self);  /* posts that there is one */
    return TRUE;
  }
  gst_whisper_npu_stop (self);
  if (!gst_pad_stop_task (pad))
    return FALSE;
  gst_whisper_npu_reset_src (self, FALSE);
  gst_npu_features_clear (&self->src.features);
  return TRUE;
}

static gboolean
gst_whisper_npu_src_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (parent);

  /* a new peer: data may flow again */
  if (GST_EVENT_TYPE (event) == GST_EVENT_RECONFIGURE)
    gst_whisper_npu_restart (self, GST_FLOW_NOT_LINKED);
  return gst_pad_event_default (pad, parent, event);
}

/* Answers as gst_pad_query_default (), but holds a reference to the caps: that
 * function reads the pad's caps without one (seen in 1.22), while the task may be
 * replacing them. */
static void
gst_whisper_npu_answer_caps (GstPad * pad, GstQuery * query)
{
  GstCaps *filter, *caps = gst_pad_get_current_caps (pad);

  if (caps == NULL)
    caps = gst_pad_get_pad_template_caps (pad);
  gst_query_parse_caps (query, &filter);
  if (filter != NULL) {
    GstCaps *all = caps;

    caps = gst_caps_intersect_full (filter, all, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref (all);
  }
  gst_query_set_caps_result (query, caps);
  gst_caps_unref (caps);
}

static gboolean
gst_whisper_npu_src_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY)
    return gst_whisper_npu_query_latency (GST_WHISPER_NPU (parent), query);
  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS) {
    gst_whisper_npu_answer_caps (pad, query);
    return TRUE;
  }
  return gst_pad_query_default (pad, parent, query);
}

void
gst_whisper_npu_init_src (GstWhisperNpu * self)
{
  gst_pad_use_fixed_caps (self->srcpad);
  gst_pad_set_activatemode_function (self->srcpad,
      GST_DEBUG_FUNCPTR (gst_whisper_npu_src_activate_mode));
  gst_pad_set_event_function (self->srcpad,
      GST_DEBUG_FUNCPTR (gst_whisper_npu_src_event));
  gst_pad_set_query_function (self->srcpad,
      GST_DEBUG_FUNCPTR (gst_whisper_npu_src_query));
}
