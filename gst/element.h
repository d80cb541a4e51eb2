/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_NPU_ELEMENT_H__
#define __GST_NPU_ELEMENT_H__

/* The element's inside, shared by gstwhispernpu.c (states), properties.c,
 * sinkside.c (audio in, the upstream thread), refusal.c (what is wrong with
 * that audio, in words), srcside.c (the pad task that encodes and pushes),
 * latency.c and stats.c (what was done). Between the two threads is queue.c.
 *
 * Lock order, outermost first; nothing is pushed, posted or queried with one of
 * the last three held:
 *   1. sink pad STREAM_LOCK  the upstream thread
 *   2. src pad STREAM_LOCK   the task, or who resets its side while it stands
 *                            still; never together with 1, but by FLUSH_STOP
 *   3. self->lock            model, encoder, counters, and whether the task runs
 *   4. the queue's own, an encoder's own, the pads' object locks: leaves
 *   5. object lock           properties; never together with 3 or 4
 * The task pauses, and is started again, with 3 held, after the queue was asked
 * with 3 held: else a new stream could come between the answer and the pause,
 * and wait for ever. */

#include "audioinput.h"
#include "features.h"
#include "gstwhispernpu.h"
#include "modelloader.h"
#include "queue.h"

G_BEGIN_DECLS

#define GST_NPU_MAX_WINDOW_TIME (30 * GST_SECOND)
#define GST_NPU_POSITION_TIME (20 * GST_MSECOND)

typedef enum
{
  GST_NPU_LOAD_NONE,
  GST_NPU_LOAD_RUNNING,
  GST_NPU_LOAD_DONE,
  GST_NPU_LOAD_FAILED,
} GstNpuLoadState;

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

/* For `stats`, where each is documented; times in ns. What happens at the queue
 * is counted there. */
typedef struct
{
  guint64 windows, positions, dropped, resyncs, conversions;
  guint64 audio_time, silence_time, mel_time, push_time;
} GstNpuCounts;

/* Of the upstream thread, or the holder of the sink pad's STREAM_LOCK; but for
 * `mel` and `trim`, which state changes write while that pad is inactive. */
typedef struct
{
  GstNpuAudioInput *input;
  GstSegment segment;
  struct npu_mel *mel;          /* made in NULL->READY */
  gboolean trim;                /* the last window, context=auto */
  guint64 held;                 /* samples up to which windows reached */
  gboolean caps_sent;           /* and the GAP that lets sinks preroll */
  gboolean has_samples;         /* came in since the last drain */
  gboolean broken;              /* audio was lost after the last sample */
  gboolean discont;             /* of the next window */
  gboolean warned_reverse;      /* once per segment */
  gboolean refused;             /* an error of this stream was posted */
} GstNpuSinkSide;

/* Of the task, or the holder of the src pad's STREAM_LOCK; but for `features`,
 * whose size state changes write while that pad is inactive. */
typedef struct
{
  GstNpuFeatures features;
  GQueue windows;               /* of GstNpuItem: popped, not yet collected */
  guint n_submitted;            /* the first of them: the encoder reads `mel` */
  gboolean skipped;             /* a window, just before the next one */
  gboolean item_posted;         /* the application knows why this item failed */
} GstNpuSrcSide;

struct _GstWhisperNpu
{
  GstElement element;

  GstPad *sinkpad, *srcpad;     /* set once */

  /* (object lock) */
  GstNpuSettings settings;
  gboolean settings_changed;    /* since the loader was opened */

  gint post_messages;           /* atomic */

  GstNpuSinkSide sink;
  GstNpuSrcSide src;
  GstNpuQueue *queue;           /* set once; has a lock of its own */

  /* Written by state changes while neither thread runs, and with the lock held:
   * the two threads read them without. */
  GstNpuLoader loader;
  guint window_positions, hop_positions;
  GstWhisperNpuProfile opened_profile;

  GMutex lock;                  /* of all below */
  GstNpuLoadState load_state;
  GThread *load_thread;
  gboolean load_announced;      /* PROGRESS START was posted, its end was not */
  struct npu_encoder *encoder;  /* once DONE, until READY->NULL */
  GstClockTime encode_time;     /* announced, once a window took longer; else 0 */
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

/* srcside.c */
void gst_whisper_npu_init_src (GstWhisperNpu * self);
/* Both sides give up; returns at once, though a tile may be under way. */
void gst_whisper_npu_flush_start (GstWhisperNpu * self);
/* Until the task stands still; also where no flush_start came before. */
void gst_whisper_npu_flush_wait (GstWhisperNpu * self);
void gst_whisper_npu_flush_stop (GstWhisperNpu * self);
/* A new stream after EOS: run the task again. */
void gst_whisper_npu_restart (GstWhisperNpu * self, GstFlowReturn after);

/* latency.c */
/* After a window: tell the pipeline where one took longer than was announced. */
void gst_whisper_npu_update_latency (GstWhisperNpu * self,
    struct npu_encoder *encoder);
gboolean gst_whisper_npu_query_latency (GstWhisperNpu * self, GstQuery * query);

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
