/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_NPU_ELEMENT_H__
#define __GST_NPU_ELEMENT_H__

/* The element's inside, shared by gstwhispernpu.c (states), properties.c,
 * sinkside.c (audio in, the upstream thread), refusal.c (what is wrong with
 * that audio, in words), queue.c (between the threads), srcside.c (the pad task
 * that encodes and pushes) and stats.c (what was done).
 *
 * Lock order, outermost first; nothing is pushed, posted or queried with the
 * last two held:
 *   1. sink pad STREAM_LOCK  the upstream thread
 *   2. src pad STREAM_LOCK   the task; never together with 1, but by
 *                            FLUSH_STOP which restarts the task
 *   3. self->lock            queue, flow state, loader state, counters
 *   4. object lock           properties; never together with 3
 * The task pauses, and is started again, with 3 held: else a new stream could
 * come between the decision and the pause, and wait for ever. */

#include "audioinput.h"
#include "features.h"
#include "gstwhispernpu.h"
#include "modelloader.h"

G_BEGIN_DECLS

/* Items in the queue, windows and events: as many as GStreamer's queue holds. */
#define GST_NPU_MAX_ITEMS 200
/* Windows that wait for the encoder; one more is being filled and one encoded.
 * Two keep a device busy. */
#define GST_NPU_DEFAULT_MAX_WINDOWS 2
#define GST_NPU_MAX_WINDOW_TIME (30 * GST_SECOND)
#define GST_NPU_POSITION_TIME (20 * GST_MSECOND)

typedef enum
{
  GST_NPU_LOAD_NONE,
  GST_NPU_LOAD_RUNNING,
  GST_NPU_LOAD_DONE,
  GST_NPU_LOAD_FAILED,
} GstNpuLoadState;

/* An element of the queue: an event, a window, or the place of a window that
 * was skipped, which has neither `event` nor `mel`. */
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
  guint generation;             /* a flush makes it stale */
} GstNpuItem;

/* The settings: read when the element is opened. */
typedef struct
{
  gchar *model_file;            /* NULL: the default model */
  GstWhisperNpuDevice device;
  GstWhisperNpuProfile profile;
  guint threads;                /* 0: all */
  GstClockTime window_duration;
  gboolean window_set;          /* else it gives way to a short model */
  GstClockTime hop_duration;    /* 0: a window */
  GstWhisperNpuContext context;
} GstNpuSettings;

/* For `stats`, where each is documented; times in ns. */
typedef struct
{
  guint64 windows, positions, dropped, skipped, resyncs, conversions;
  guint64 audio_time, silence_time, mel_time, blocked_time, push_time;
  guint queued_max;
} GstNpuCounts;

struct _GstWhisperNpu
{
  GstElement element;

  GstPad *sinkpad, *srcpad;

  /* (object lock) */
  GstNpuSettings settings;
  gboolean settings_changed;    /* since the loader was opened */

  gint post_messages;           /* atomic */

  /* upstream thread (sink pad STREAM_LOCK) */
  GstNpuAudioInput *input;
  GstSegment segment;
  struct npu_mel *mel;          /* made in NULL->READY */
  GstWhisperNpuProfile opened_profile;  /* that `mel` was made for */
  gboolean trim;                /* the last window, context=auto */
  guint64 held;                 /* samples up to which windows reached */
  gboolean caps_sent;           /* and the GAP that lets sinks preroll */
  gboolean has_samples;         /* came in since the last drain */
  gboolean broken;              /* audio was lost behind the last sample */
  gboolean discont;             /* of the next window */
  gboolean warned_reverse;      /* once per segment */
  gboolean refused;             /* an error of this stream was posted */

  /* the task (src pad STREAM_LOCK) */
  GstNpuFeatures features;
  gboolean skipped;             /* a window, just before the next one */
  gboolean item_posted;         /* the application knows why this item failed */

  /* Written by state changes while neither thread runs, and under the lock */
  GstNpuLoader loader;
  guint window_positions, hop_positions;

  GMutex lock;
  GCond item_add;               /* an item, the model, or the flow state */
  GCond item_del;               /* room, or the flow state */
  GQueue items;                 /* of GstNpuItem */
  guint n_windows;              /* among items */
  guint max_windows;
  GstWhisperNpuLate late;
  gboolean live;                /* upstream said so when last asked */
  GstFlowReturn srcresult;      /* of the task; not OK stops both sides */
  gboolean eos;                 /* EOS was queued */
  gboolean unexpected;          /* downstream wants no more of this stream */
  gboolean error_posted;        /* the application knows of srcresult */
  guint generation;             /* number of flushes */
  guint32 eos_seqnum;           /* of the last EOS that was queued */
  GstNpuLoadState load_state;
  GThread *load_thread;
  gboolean load_announced;      /* PROGRESS START without an end as yet */
  struct npu_encoder *encoder;  /* once DONE, until READY->NULL */

  /* for LATENCY, once a window took longer than was allowed for */
  GstClockTime encode_time;

  GstNpuCounts counts;          /* since NULL->READY */
};

/* properties.c */
void gst_whisper_npu_install_properties (GObjectClass * klass);
const gchar *gst_whisper_npu_device_nick (GstWhisperNpuDevice device);
const gchar *gst_whisper_npu_profile_nick (GstWhisperNpuProfile profile);
/* Positions of a window, and from one to the next, as the settings have them
 * and with a model of `most` positions. The element's own settings are read
 * with the object lock held. */
void gst_whisper_npu_settings_positions (const GstNpuSettings * settings,
    guint most, guint * window, guint * hop);

/* queue.c */
void gst_whisper_npu_item_free (GstNpuItem * item);
/* Queue an item (transfer full); it waits for room, or a window is skipped for
 * another. Returns the task's result, and the item was dropped unless that is
 * GST_FLOW_OK. */
GstFlowReturn gst_whisper_npu_enqueue (GstWhisperNpu * self, GstNpuItem * item);
GstFlowReturn gst_whisper_npu_enqueue_event (GstWhisperNpu * self,
    GstEvent * event);
/* With the task stopped. What a flush must not lose, tags for one, stays with
 * the pad if asked and goes out with the next data. */
void gst_whisper_npu_drop_items (GstWhisperNpu * self, gboolean keep_sticky);
/* With the lock held. Downstream answered a window with EOS: skip to what it
 * must see all the same, or refuse more until that comes. */
void gst_whisper_npu_skip_stream (GstWhisperNpu * self);
/* A result that ends the stream for the application too. */
gboolean gst_whisper_npu_is_fatal (GstFlowReturn ret);

/* srcside.c */
void gst_whisper_npu_init_src (GstWhisperNpu * self);
void gst_whisper_npu_flush_start (GstWhisperNpu * self);
void gst_whisper_npu_flush_stop (GstWhisperNpu * self);
/* A new stream after EOS: run the task again. */
void gst_whisper_npu_restart (GstWhisperNpu * self, GstFlowReturn after);

/* sinkside.c */
void gst_whisper_npu_init_sink (GstWhisperNpu * self);
void gst_whisper_npu_reset_sink (GstWhisperNpu * self);

/* refusal.c, on the upstream thread. Post an error of upstream, but no second one
 * until a flush, READY or a new stream: a pad sends an event that was refused
 * again with each buffer. `code` is a GstStreamError; `debug` (transfer full, may
 * be NULL). */
void gst_whisper_npu_refuse (GstWhisperNpu * self, gint code,
    const gchar * text, gchar * debug);
/* `segment` cannot be used: not of times, or ends before it starts. */
void gst_whisper_npu_refuse_segment (GstWhisperNpu * self,
    const GstSegment * segment);
/* A buffer came before caps or segment; nothing is posted where both are there. */
void gst_whisper_npu_refuse_start (GstWhisperNpu * self);
/* What is wrong with a buffer, NULL for nothing. (transfer full) */
gchar *gst_whisper_npu_fault (GstWhisperNpu * self, GstBuffer * buffer);

/* stats.c: (transfer full) */
GstStructure *gst_whisper_npu_stats (GstWhisperNpu * self);

G_END_DECLS

#endif /* __GST_NPU_ELEMENT_H__ */
