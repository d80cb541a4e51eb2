/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_GST_MEL_EYES_H
#define TESTS_GST_MEL_EYES_H
/* Where a click stands in the log-mel that the encoder is given, window after
 * window of a second. The element is linked in, and the linker puts the eyes in
 * front of npu_encoder_submit_mel(). */

#include <math.h>

#include "npu/npu.h"
#include "tests/gst/harness.h"
#include "tests/gst/linkedin.h"

#define N_MELS 80
#define FRAME_MS 10
#define CHUNK_MS 20
/* A frame's bins added up: the frames beside a click have 40 less, and what a
 * resampler spreads over others still less. */
#define CLICK_LEVEL 30.0f

/* ---- What the encoder sees ---- */

static struct
{
  GMutex lock;
  GArray *rows;                 /* of gfloat, one for each frame */
} seen;

static void
open_eyes (void)
{
  seen.rows = g_array_new (FALSE, FALSE, sizeof (gfloat));
}

int __real_npu_encoder_submit_mel (struct npu_encoder *encoder,
    const float *mel, unsigned positions, uint64_t tag, uint64_t timeout_ns);
int __wrap_npu_encoder_submit_mel (struct npu_encoder *encoder,
    const float *mel, unsigned positions, uint64_t tag, uint64_t timeout_ns);

int
__wrap_npu_encoder_submit_mel (struct npu_encoder *encoder, const float *mel,
    unsigned positions, uint64_t tag, uint64_t timeout_ns)
{
  g_mutex_lock (&seen.lock);
  for (guint row = 0; row < 2 * positions; row++) {
    gfloat sum = 0.0f;

    for (guint bin = 0; bin < N_MELS; bin++)
      sum += mel[row * N_MELS + bin];
    g_array_append_val (seen.rows, sum);
  }
  g_mutex_unlock (&seen.lock);
  return __real_npu_encoder_submit_mel (encoder, mel, positions, tag,
      timeout_ns);
}

/* The frames of the clicks, of a line that began at 0. Between streams. */
static GArray *
find_clicks (void)
{
  GArray *found = g_array_new (FALSE, FALSE, sizeof (guint));
  const gfloat *rows = (const gfloat *) seen.rows->data;
  guint n = seen.rows->len;
  gfloat most = -INFINITY;

  for (guint i = 0; i < n; i++)
    most = MAX (most, rows[i]);
  for (guint i = 0; i < n; i++) {
    gboolean peak = rows[i] > most - CLICK_LEVEL;

    for (guint j = MAX (i, 3) - 3; peak && j < MIN (i + 4, n); j++)
      peak = j < i ? rows[j] < rows[i] : rows[j] <= rows[i];
    if (peak)
      g_array_append_val (found, i);
  }
  return found;
}

/* ---- The element: one for all, a stream after the other ---- */

static GstHarness *
start_holes (GstClockTime hop)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstHarness *h;

  g_object_set (element, "window-duration", GST_SECOND, "hop-duration", hop,
      NULL);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  return h;
}

static void
set_rate (GstHarness * h, guint rate)
{
  gchar *text = g_strdup_printf ("audio/x-raw, format=" GST_AUDIO_NE (S16)
      ", rate=%u, channels=1, layout=interleaved", rate);
  GstCaps *caps = gst_caps_from_string (text);

  fail_unless (gst_harness_push_event (h, gst_event_new_caps (caps)));
  gst_caps_unref (caps);
  g_free (text);
}

static void
open_stream (GstHarness * h, guint rate)
{
  static guint n;
  gchar *id = g_strdup_printf ("%u", n++);

  g_mutex_lock (&seen.lock);
  g_array_set_size (seen.rows, 0);
  g_mutex_unlock (&seen.lock);
  fail_unless (gst_harness_push_event (h, gst_event_new_stream_start (id)));
  set_rate (h, rate);
  push_segment (h);
  g_free (id);
}

/* All windows of a stream; they follow each other. (transfer full) */
static GPtrArray *
close_stream (GstHarness * h)
{
  GPtrArray *windows = g_ptr_array_new_with_free_func ((GDestroyNotify)
      gst_buffer_unref);
  GstBuffer *buffer;

  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  while ((buffer = gst_harness_try_pull (h)) != NULL) {
    fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (buffer),
        windows->len == 0);
    g_ptr_array_add (windows, buffer);
  }
  return windows;
}

static void
push (GstHarness * h, GstBuffer * buffer)
{
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
}

static guint64
frames_of (guint ms, guint rate)
{
  return gst_util_uint64_scale (ms, rate, 1000);
}

/* From a frame to another. */
static void
push_gap (GstHarness * h, guint from_ms, guint to_ms, guint rate)
{
  GstClockTime pts = gst_util_uint64_scale (frames_of (from_ms, rate),
      GST_SECOND, rate);

  fail_unless (gst_harness_push_event (h, gst_event_new_gap (pts,
              gst_util_uint64_scale (frames_of (to_ms, rate), GST_SECOND,
                  rate) - pts)));
}

/* Silence from one ms to the other, and a click in it if that lies within. */
static GstBuffer *
make_quiet (guint from_ms, guint to_ms, guint rate, guint click_ms)
{
  guint64 first = frames_of (from_ms, rate), end = frames_of (to_ms, rate);
  guint64 click = gst_util_uint64_scale_round (click_ms, rate, 1000);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, (end - first) * 2, NULL);
  const gint16 loud = 32767;

  gst_buffer_memset (buffer, 0, 0, -1);
  if (click >= first && click < end)
    gst_buffer_fill (buffer, (click - first) * 2, &loud, 2);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (first, GST_SECOND, rate);
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (end, GST_SECOND, rate) -
      GST_BUFFER_PTS (buffer);
  return buffer;
}

#endif /* TESTS_GST_MEL_EYES_H */
