/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_NPU_QUEUE_H__
#define __GST_NPU_QUEUE_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* Windows and events on their way from the upstream thread to the task, in
 * order, and what each of the two must know of the other: that downstream has
 * failed, that a flush is under way, that the stream has ended. The queue knows
 * no element: what is to be posted or pushed comes back to the caller.
 *
 * Threads: one pushes, one pops; all else any thread may call. Only push(),
 * pop() and wait_ready() block, and stop() ends that. */
typedef struct _GstNpuQueue GstNpuQueue;

/* Items that wait, windows and events: as many as GStreamer's queue holds. */
#define GST_NPU_MAX_ITEMS 200
/* Windows that wait. Two keep a device busy. */
#define GST_NPU_DEFAULT_MAX_WINDOWS 2

/* An event, a window, or the place of a window that was skipped, which has
 * neither `event` nor `mel`. */
typedef struct
{
  GstEvent *event;
  gfloat *mel;                  /* [2 * positions or more][n_mels] */
  guint positions;              /* rows that the features will have */
  GstClockTime pts, duration;   /* of the audio that is in the window */
  GstClockTime fresh;           /* what of it no earlier window held */
  GstClockTime step;            /* until the next window starts */
  GstClockTime running_time, stream_time;       /* of pts */
  guint64 first, end;           /* positions since resync */
  gboolean discont;
  guint generation;             /* push() writes it; a stop makes it stale */
} GstNpuItem;

void gst_npu_item_free (GstNpuItem * item);

/* A window that gave up its place. */
typedef struct
{
  GstClockTime pts, duration, running_time, stream_time;
  GstClockTimeDiff late;        /* after its last sample; 0: not known */
  guint64 n_skipped;            /* this one included */
} GstNpuSkipped;

/* What the caller of push() has to post. */
typedef struct
{
  gboolean report;              /* as an error: why the task has stopped */
  GQueue skipped;               /* of GstNpuSkipped, g_free() each */
} GstNpuPushed;

/* What became of an item that the task had popped. */
typedef struct
{
  GstFlowReturn ret;
  gboolean window;
  guint generation;             /* the item's */
  gboolean posted;              /* the application knows why it failed */
} GstNpuOutcome;

/* What the task has to do now. */
typedef struct
{
  GstFlowReturn flow;           /* anything but OK: pause */
  gboolean report;              /* post `flow` as an error */
  gboolean end;                 /* push EOS, with this seqnum */
  guint32 seqnum;
} GstNpuVerdict;

typedef struct
{
  guint n_windows, max_windows;
  gboolean drop, live;
  /* since reset_counts() */
  guint64 dropped;              /* windows that the queue gave up */
  guint64 skipped;
  guint64 blocked_time;         /* that push() waited, in ns */
  guint queued_max;             /* the most windows that waited at a time */
} GstNpuQueueInfo;

/* Stopped, and ready. */
GstNpuQueue *gst_npu_queue_new (void);
void gst_npu_queue_free (GstNpuQueue * queue);

void gst_npu_queue_get_info (GstNpuQueue * queue, GstNpuQueueInfo * info);
void gst_npu_queue_reset_counts (GstNpuQueue * queue);
/* Both return whether that is a change; a push() that waits looks at them anew.
 * drop: a window that is one too many takes the place of the one that has waited
 * longest, where upstream is live. */
gboolean gst_npu_queue_set_max_windows (GstNpuQueue * queue, guint max_windows);
gboolean gst_npu_queue_set_drop (GstNpuQueue * queue, gboolean drop);
void gst_npu_queue_set_live (GstNpuQueue * queue, gboolean live);

/* ---- The upstream thread ---- */

/* Queue an item (transfer full). Waits for room, or skips windows for it. Returns
 * what the task came to; unless that is GST_FLOW_OK the item was freed. now: the
 * running time, for `late`; NONE if not known. */
GstFlowReturn gst_npu_queue_push (GstNpuQueue * queue, GstNpuItem * item,
    GstClockTime now, GstNpuPushed * pushed);
/* What a buffer of upstream is answered: the task's result, or GST_FLOW_EOS after
 * EOS and where downstream wants no more of this stream. */
GstFlowReturn gst_npu_queue_flow (GstNpuQueue * queue);
gboolean gst_npu_queue_is_stopped (GstNpuQueue * queue);

/* ---- The task ---- */

/* Wait for the next item. (transfer full) NULL: settle() says what to do. */
GstNpuItem *gst_npu_queue_pop (GstNpuQueue * queue);
/* The next item if it is there and a window. (transfer full) NULL: neither. */
GstNpuItem *gst_npu_queue_pop_window (GstNpuQueue * queue);
/* Wait until the encoder is there. Returns the flow. */
GstFlowReturn gst_npu_queue_wait_ready (GstNpuQueue * queue);
/* A stop came after that item. */
gboolean gst_npu_queue_is_stale (GstNpuQueue * queue, guint generation);
/* After each pop(). Where downstream answered a window with EOS, what waits is
 * dropped up to the event that begins something new; without one, push() refuses
 * windows until it comes. */
void gst_npu_queue_settle (GstNpuQueue * queue, const GstNpuOutcome * outcome,
    GstNpuVerdict * verdict);

/* ---- Who starts and stops them ---- */

/* GST_FLOW_FLUSHING for both sides, until open(); all items are stale. */
void gst_npu_queue_stop (GstNpuQueue * queue);
/* A new stream. failed: there is no encoder, and the application knows. */
void gst_npu_queue_open (GstNpuQueue * queue, gboolean failed);
/* A new stream after GST_FLOW_EOS, or a new peer after GST_FLOW_NOT_LINKED.
 * Returns whether that is what the task had stopped for: start it again. */
gboolean gst_npu_queue_reopen (GstNpuQueue * queue, GstFlowReturn after);
/* Not ready: wait_ready() waits. */
void gst_npu_queue_set_ready (GstNpuQueue * queue, gboolean ready);
/* There will be no encoder, and the application knows: ready, and both sides get
 * GST_FLOW_ERROR if the queue is open. */
void gst_npu_queue_fail (GstNpuQueue * queue);
/* Move all items to `items`, which is initialised here (transfer full); the
 * windows among them count as dropped. Stopped only. */
void gst_npu_queue_take_all (GstNpuQueue * queue, GQueue * items);

G_END_DECLS

#endif /* __GST_NPU_QUEUE_H__ */
