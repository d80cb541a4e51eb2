/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The queue between the two threads: its bound, and what happens at it. The
 * flow state is that of GStreamer's own queue element.
 *
 * Lock order: `lock` is a leaf. Nothing is called with it held but what frees an
 * item. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "queue.h"

struct _GstNpuQueue
{
  GMutex lock;                  /* of all below */
  GCond item_add;               /* an item, `ready`, or `flow` */
  GCond item_del;               /* room, or `flow` */

  GQueue items;                 /* of GstNpuItem */
  guint n_windows;              /* among them */
  guint max_windows;
  gboolean drop, live;

  GstFlowReturn flow;           /* of the task; not OK stops both sides */
  gboolean ready;               /* the encoder is there, or nobody loads one */
  gboolean eos;                 /* EOS was queued */
  guint32 eos_seqnum;           /* of the last one */
  gboolean unwanted;            /* downstream wants no more of this stream */
  gboolean error_posted;        /* the application knows of `flow` */
  guint generation;             /* number of stops */

  guint64 dropped, skipped, blocked_time;
  guint queued_max;
};

void
gst_npu_item_free (GstNpuItem * item)
{
  if (item->event != NULL)
    gst_event_unref (item->event);
  g_free (item->mel);
  g_free (item);
}

static gboolean
gst_npu_item_is_window (const GstNpuItem * item)
{
  return item->mel != NULL;
}

static gboolean
gst_npu_item_is_event (const GstNpuItem * item, GstEventType type)
{
  return item->event != NULL && GST_EVENT_TYPE (item->event) == type;
}

GstNpuQueue *
gst_npu_queue_new (void)
{
  GstNpuQueue *queue = g_new0 (GstNpuQueue, 1);

  g_mutex_init (&queue->lock);
  g_cond_init (&queue->item_add);
  g_cond_init (&queue->item_del);
  g_queue_init (&queue->items);
  queue->max_windows = GST_NPU_DEFAULT_MAX_WINDOWS;
  queue->flow = GST_FLOW_FLUSHING;
  queue->ready = TRUE;
  return queue;
}

void
gst_npu_queue_free (GstNpuQueue * queue)
{
  g_queue_clear_full (&queue->items, (GDestroyNotify) gst_npu_item_free);
  g_cond_clear (&queue->item_add);
  g_cond_clear (&queue->item_del);
  g_mutex_clear (&queue->lock);
  g_free (queue);
}

static void
gst_npu_queue_wake_locked (GstNpuQueue * queue)
{
  g_cond_broadcast (&queue->item_add);
  g_cond_broadcast (&queue->item_del);
}

void
gst_npu_queue_get_info (GstNpuQueue * queue, GstNpuQueueInfo * info)
{
  g_mutex_lock (&queue->lock);
  info->n_windows = queue->n_windows;
  info->max_windows = queue->max_windows;
  info->drop = queue->drop;
  info->live = queue->live;
  info->dropped = queue->dropped;
  info->skipped = queue->skipped;
  info->blocked_time = queue->blocked_time;
  info->queued_max = queue->queued_max;
  g_mutex_unlock (&queue->lock);
}

void
gst_npu_queue_reset_counts (GstNpuQueue * queue)
{
  g_mutex_lock (&queue->lock);
  queue->dropped = queue->skipped = queue->blocked_time = 0;
  queue->queued_max = 0;
  g_mutex_unlock (&queue->lock);
}

gboolean
gst_npu_queue_set_max_windows (GstNpuQueue * queue, guint max_windows)
{
  gboolean changed;

  g_mutex_lock (&queue->lock);
  changed = queue->max_windows != max_windows;
  queue->max_windows = max_windows;
  g_cond_broadcast (&queue->item_del);
  g_mutex_unlock (&queue->lock);
  return changed;
}

gboolean
gst_npu_queue_set_drop (GstNpuQueue * queue, gboolean drop)
{
  gboolean changed;

  g_mutex_lock (&queue->lock);
  changed = queue->drop != drop;
  queue->drop = drop;
  g_cond_broadcast (&queue->item_del);
  g_mutex_unlock (&queue->lock);
  return changed;
}

void
gst_npu_queue_set_live (GstNpuQueue * queue, gboolean live)
{
  g_mutex_lock (&queue->lock);
  queue->live = live;
  g_mutex_unlock (&queue->lock);
}

/* A result that ends the stream for the application too. */
static gboolean
gst_npu_queue_is_fatal (GstFlowReturn ret)
{
  return ret == GST_FLOW_NOT_LINKED || ret < GST_FLOW_EOS;
}

/* The window that has waited longest gives up its place; places next to each
 * other become one, so that no stream fills the queue with them. (transfer
 * full) */
static GstNpuSkipped *
gst_npu_queue_skip_window_locked (GstNpuQueue * queue, GstClockTime now)
{
  GstNpuSkipped *skipped = g_new0 (GstNpuSkipped, 1);
  GList *link = queue->items.head;
  GstNpuItem *item, *before;

  while (!gst_npu_item_is_window (link->data))
    link = link->next;
  item = link->data;
  queue->n_windows--;
  skipped->pts = item->pts;
  skipped->duration = item->duration;
  skipped->running_time = item->running_time;
  skipped->stream_time = item->stream_time;
  skipped->n_skipped = ++queue->skipped;
  if (GST_CLOCK_TIME_IS_VALID (now) &&
      GST_CLOCK_TIME_IS_VALID (item->running_time))
    skipped->late = GST_CLOCK_DIFF (item->running_time + item->duration, now);

  g_clear_pointer (&item->mel, g_free);
  /* the audio after that is in the next window too */
  item->duration = MIN (item->duration, item->step);
  before = link->prev != NULL ? link->prev->data : NULL;
  if (before != NULL && before->event == NULL &&
      !gst_npu_item_is_window (before)) {
    /* the time between the two has no features either */
    if (before->pts <= item->pts)
      before->duration = item->pts + item->duration - before->pts;
    gst_npu_item_free (item);
    g_queue_delete_link (&queue->items, link);
  }
  return skipped;
}

/* Wait for room for one more item, or make some. */
static void
gst_npu_queue_make_room_locked (GstNpuQueue * queue, gboolean window,
    GstClockTime now, GQueue * skipped)
{
  while (queue->flow == GST_FLOW_OK &&
      (queue->items.length >= GST_NPU_MAX_ITEMS ||
          (window && queue->n_windows >= queue->max_windows))) {
    GstClockTime start;

    if (window && queue->n_windows >= queue->max_windows && queue->live &&
        queue->drop) {
      g_queue_push_tail (skipped, gst_npu_queue_skip_window_locked (queue,
              now));
      continue;
    }
    start = gst_util_get_timestamp ();
    g_cond_wait (&queue->item_del, &queue->lock);
    queue->blocked_time += gst_util_get_timestamp () - start;
  }
}

/* GST_FLOW_OK: the item is to be queued. */
static GstFlowReturn
gst_npu_queue_admit_locked (const GstNpuQueue * queue, const GstNpuItem * item)
{
  if (item->event == NULL && queue->flow == GST_FLOW_OK && queue->unwanted)
    return GST_FLOW_EOS;
  /* As in GStreamer's queue: a sticky event does not fail, the next window
   * does. The event goes out if a new peer comes. */
  if (item->event != NULL && GST_EVENT_IS_STICKY (item->event) &&
      !gst_npu_item_is_event (item, GST_EVENT_EOS) &&
      queue->flow != GST_FLOW_FLUSHING &&
      queue->items.length < GST_NPU_MAX_ITEMS)
    return GST_FLOW_OK;
  return queue->flow;
}

GstFlowReturn
gst_npu_queue_push (GstNpuQueue * queue, GstNpuItem * item, GstClockTime now,
    GstNpuPushed * pushed)
{
  gboolean window = gst_npu_item_is_window (item);
  GstFlowReturn ret;

  pushed->report = FALSE;
  g_queue_init (&pushed->skipped);
  g_mutex_lock (&queue->lock);
  gst_npu_queue_make_room_locked (queue, window, now, &pushed->skipped);
  ret = gst_npu_queue_admit_locked (queue, item);
  if (gst_npu_item_is_event (item, GST_EVENT_EOS) && ret != GST_FLOW_FLUSHING) {
    queue->eos = TRUE;
    queue->eos_seqnum = gst_event_get_seqnum (item->event);
    /* no buffer follows whose answer could say why the task has stopped */
    pushed->report = gst_npu_queue_is_fatal (ret) && !queue->error_posted;
    queue->error_posted |= pushed->report;
  }
  if (ret == GST_FLOW_OK) {
    item->generation = queue->generation;
    queue->n_windows += window;
    queue->queued_max = MAX (queue->queued_max, queue->n_windows);
    g_queue_push_tail (&queue->items, item);
    g_cond_broadcast (&queue->item_add);
  } else {
    queue->dropped += window;
  }
  g_mutex_unlock (&queue->lock);
  if (ret != GST_FLOW_OK)
    gst_npu_item_free (item);
  return ret;
}

GstFlowReturn
gst_npu_queue_flow (GstNpuQueue * queue)
{
  GstFlowReturn ret;

  g_mutex_lock (&queue->lock);
  ret = queue->flow;
  if (ret == GST_FLOW_OK && (queue->eos || queue->unwanted))
    ret = GST_FLOW_EOS;
  g_mutex_unlock (&queue->lock);
  return ret;
}

gboolean
gst_npu_queue_is_stopped (GstNpuQueue * queue)
{
  gboolean stopped;

  g_mutex_lock (&queue->lock);
  stopped = queue->flow == GST_FLOW_FLUSHING;
  g_mutex_unlock (&queue->lock);
  return stopped;
}

/* (transfer full) */
static GstNpuItem *
gst_npu_queue_take_locked (GstNpuQueue * queue)
{
  GstNpuItem *item = g_queue_pop_head (&queue->items);

  queue->n_windows -= gst_npu_item_is_window (item);
  g_cond_broadcast (&queue->item_del);
  return item;
}

GstNpuItem *
gst_npu_queue_pop (GstNpuQueue * queue)
{
  GstNpuItem *item = NULL;

  g_mutex_lock (&queue->lock);
  while (g_queue_is_empty (&queue->items) && queue->flow == GST_FLOW_OK)
    g_cond_wait (&queue->item_add, &queue->lock);
  if (queue->flow == GST_FLOW_OK)
    item = gst_npu_queue_take_locked (queue);
  g_mutex_unlock (&queue->lock);
  return item;
}

GstNpuItem *
gst_npu_queue_pop_window (GstNpuQueue * queue)
{
  GstNpuItem *item;

  g_mutex_lock (&queue->lock);
  item = g_queue_peek_head (&queue->items);
  if (item != NULL && gst_npu_item_is_window (item) &&
      queue->flow == GST_FLOW_OK)
    gst_npu_queue_take_locked (queue);
  else
    item = NULL;
  g_mutex_unlock (&queue->lock);
  return item;
}

GstFlowReturn
gst_npu_queue_wait_ready (GstNpuQueue * queue)
{
  GstFlowReturn ret;

  g_mutex_lock (&queue->lock);
  while (!queue->ready && queue->flow == GST_FLOW_OK)
    g_cond_wait (&queue->item_add, &queue->lock);
  ret = queue->flow;
  g_mutex_unlock (&queue->lock);
  return ret;
}

gboolean
gst_npu_queue_is_stale (GstNpuQueue * queue, guint generation)
{
  gboolean stale;

  g_mutex_lock (&queue->lock);
  stale = generation != queue->generation;
  g_mutex_unlock (&queue->lock);
  return stale;
}

/* Drop what waits, up to what downstream must see all the same. */
static void
gst_npu_queue_skip_stream_locked (GstNpuQueue * queue)
{
  GstNpuItem *item;

  while ((item = g_queue_peek_head (&queue->items)) != NULL &&
      !gst_npu_item_is_event (item, GST_EVENT_STREAM_START) &&
      !gst_npu_item_is_event (item, GST_EVENT_SEGMENT) &&
      !gst_npu_item_is_event (item, GST_EVENT_EOS)) {
    queue->dropped += gst_npu_item_is_window (item);
    gst_npu_item_free (gst_npu_queue_take_locked (queue));
  }
  queue->unwanted = item == NULL;
}

/* What the outcome of an item means for the task. */
static GstFlowReturn
gst_npu_queue_judge_locked (GstNpuQueue * queue, const GstNpuOutcome * outcome)
{
  GstFlowReturn ret = outcome->ret;

  /* a stop, or a failed load, has set the state meanwhile */
  if (outcome->generation != queue->generation || queue->flow != GST_FLOW_OK)
    return queue->flow;
  if (ret == GST_FLOW_EOS && outcome->window) {
    gst_npu_queue_skip_stream_locked (queue);
    ret = GST_FLOW_OK;
  } else if (ret == GST_FLOW_EOS && (!queue->eos ||
          !g_queue_is_empty (&queue->items))) {
    ret = GST_FLOW_OK;          /* a new stream has come after the EOS */
  }
  queue->error_posted |= outcome->posted;
  queue->flow = ret;
  return ret;
}

void
gst_npu_queue_settle (GstNpuQueue * queue, const GstNpuOutcome * outcome,
    GstNpuVerdict * verdict)
{
  g_mutex_lock (&queue->lock);
  verdict->flow = gst_npu_queue_judge_locked (queue, outcome);
  /* after EOS nobody upstream hears of it */
  verdict->end = queue->eos && gst_npu_queue_is_fatal (verdict->flow);
  verdict->report = verdict->end && !queue->error_posted;
  queue->error_posted |= verdict->report;
  verdict->seqnum = queue->eos_seqnum;
  g_cond_broadcast (&queue->item_del);
  g_mutex_unlock (&queue->lock);
}

void
gst_npu_queue_stop (GstNpuQueue * queue)
{
  g_mutex_lock (&queue->lock);
  queue->flow = GST_FLOW_FLUSHING;
  queue->generation++;
  gst_npu_queue_wake_locked (queue);
  g_mutex_unlock (&queue->lock);
}

void
gst_npu_queue_open (GstNpuQueue * queue, gboolean failed)
{
  g_mutex_lock (&queue->lock);
  queue->eos = FALSE;
  queue->unwanted = FALSE;
  queue->error_posted = failed;
  queue->flow = failed ? GST_FLOW_ERROR : GST_FLOW_OK;
  g_mutex_unlock (&queue->lock);
}

gboolean
gst_npu_queue_reopen (GstNpuQueue * queue, GstFlowReturn after)
{
  gboolean restart;

  g_mutex_lock (&queue->lock);
  restart = queue->flow == after;
  if (restart)
    queue->flow = GST_FLOW_OK;
  if (after == GST_FLOW_EOS && queue->flow == GST_FLOW_OK) {
    queue->eos = FALSE;
    queue->unwanted = FALSE;
  }
  g_mutex_unlock (&queue->lock);
  return restart;
}

void
gst_npu_queue_set_ready (GstNpuQueue * queue, gboolean ready)
{
  g_mutex_lock (&queue->lock);
  queue->ready = ready;
  gst_npu_queue_wake_locked (queue);
  g_mutex_unlock (&queue->lock);
}

void
gst_npu_queue_fail (GstNpuQueue * queue)
{
  g_mutex_lock (&queue->lock);
  queue->ready = TRUE;
  if (queue->flow == GST_FLOW_OK) {
    queue->flow = GST_FLOW_ERROR;
    queue->error_posted = TRUE;
  }
  gst_npu_queue_wake_locked (queue);
  g_mutex_unlock (&queue->lock);
}

void
gst_npu_queue_take_all (GstNpuQueue * queue, GQueue * items)
{
  g_mutex_lock (&queue->lock);
  *items = queue->items;
  g_queue_init (&queue->items);
  queue->dropped += queue->n_windows;
  queue->n_windows = 0;
  g_mutex_unlock (&queue->lock);
}
