/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Flushes at random times, from another thread than the audio comes from, and
 * mostly while a window is being encoded: upstream is let go at once, and what
 * came in before a flush never comes out after it. */

#include "tests/gst/leaks.h"
#include "tests/gst/slow_element.h"
#include "tests/gst/storm.h"

/* Between the audio of one round and that of the next; no round gets so far. */
#define ROUND_TIME (1000 * GST_SECOND)
#define ROUND_SAMPLES (1000 * (guint64) RATE)
/* Upstream must be free again within this time, and the next stream may begin
 * after two threads have ended a step of the encoder; in microseconds. */
#define MAX_RETURN_TIME 100000
#define MAX_RESTART_TIME 200000

typedef struct
{
  GstHarness *h;
  guint window;                 /* samples of one */
  guint n_rounds;
  GMutex lock;
  GCond changed;

  /* with the lock */
  guint round;                  /* of the audio that upstream sends */
  gboolean window_in;           /* a whole window of this round is in */
  gboolean idle;                /* upstream has nothing more to send */
  gboolean refused;             /* a chain call has */
  GstFlowReturn refusal;        /* anything but FLUSHING is wrong */

  /* in the task of the element, or while that stands */
  guint flushes_out;
  gboolean segment_out;         /* since the last flush */
  gboolean buffer_out;
  guint buffers, stale, unordered;
} Storm;

/* Odd rounds send one window and wait, so that the one thing a flush can drop
 * is what is being encoded; even ones send until they are refused. */
static GstFlowReturn
send_round (Storm * storm, guint round)
{
  /* the last frame of a window needs a little of what comes after it */
  guint64 at = round * ROUND_SAMPLES, chunk = storm->window / 30 * 31 / 8;
  guint64 end = at + 8 * chunk;
  GstFlowReturn ret = GST_FLOW_OK;

  for (guint i = 0; ret == GST_FLOW_OK; i++) {
    if (round % 2 == 1 && at >= end)
      return ret;
    ret = gst_harness_push (storm->h, make_audio (at, chunk, RATE));
    at += chunk;
    if (i == 7) {
      g_mutex_lock (&storm->lock);
      storm->window_in = TRUE;
      g_cond_broadcast (&storm->changed);
      g_mutex_unlock (&storm->lock);
    }
  }
  return ret;
}

static gpointer
upstream (gpointer user)
{
  Storm *storm = user;

  for (guint round = 0; round < storm->n_rounds; round++) {
    GstFlowReturn ret = send_round (storm, round);

    g_mutex_lock (&storm->lock);
    if (ret != GST_FLOW_OK) {
      storm->refused = TRUE;
      if (ret != GST_FLOW_FLUSHING)
        storm->refusal = ret;
    }
    storm->idle = TRUE;
    storm->window_in = TRUE;
    g_cond_broadcast (&storm->changed);
    while (storm->round == round)
      g_cond_wait (&storm->changed, &storm->lock);
    g_mutex_unlock (&storm->lock);
  }
  return NULL;
}

static GstPadProbeReturn
watch (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  Storm *storm = user;
  GstBuffer *buffer;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    buffer = GST_PAD_PROBE_INFO_BUFFER (info);
    storm->buffers++;
    storm->stale += GST_BUFFER_PTS (buffer) / ROUND_TIME != storm->flushes_out;
    storm->unordered += !storm->segment_out ||
        GST_BUFFER_IS_DISCONT (buffer) == storm->buffer_out;
    storm->buffer_out = TRUE;
    return GST_PAD_PROBE_DROP;
  }
  switch (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info))) {
    case GST_EVENT_FLUSH_STOP:
      storm->flushes_out++;
      storm->segment_out = storm->buffer_out = FALSE;
      break;
    case GST_EVENT_SEGMENT:
      storm->segment_out = TRUE;
      break;
    default:
      break;
  }
  return GST_PAD_PROBE_OK;
}

typedef struct
{
  StormTimes start, chain, stop;
  guint encoding;               /* flushes that stopped the encoder */
} FlushTimes;

/* One flush, `delay` us after a window went in and later on a busy machine.
 * Returns whether it may have come too late to stop the encoder. */
static gboolean
flush_round (Storm * storm, FlushTimes * times, guint delay)
{
  guint64 dropped = get_stat (storm->h, "dropped");
  gboolean odd, late;

  g_mutex_lock (&storm->lock);
  odd = storm->round % 2;
  while (!storm->window_in || (odd && !storm->idle))
    g_cond_wait (&storm->changed, &storm->lock);
  g_mutex_unlock (&storm->lock);
  g_usleep (delay);

  storm_time_begin (&times->start);
  storm_time_begin (&times->chain);
  gst_harness_push_event (storm->h, gst_event_new_flush_start ());
  storm_time_end (&times->start);
  g_mutex_lock (&storm->lock);
  while (!storm->idle)
    g_cond_wait (&storm->changed, &storm->lock);
  if (storm->refused)
    storm_time_end (&times->chain);
  g_mutex_unlock (&storm->lock);

  storm_time_begin (&times->stop);
  gst_harness_push_event (storm->h, gst_event_new_flush_stop (TRUE));
  storm_time_end (&times->stop);
  late = odd && get_stat (storm->h, "dropped") == dropped;
  times->encoding += odd && !late;
  push_segment (storm->h);
  g_mutex_lock (&storm->lock);
  storm->round++;
  storm->window_in = storm->idle = storm->refused = FALSE;
  g_cond_broadcast (&storm->changed);
  g_mutex_unlock (&storm->lock);
  return late;
}

/* Takes the harness. Delays are random, up to `max_delay` us, and less after one
 * that was late: a busy machine adds its own. */
static void
run_storm (GstHarness * h, guint window, guint n_rounds, guint max_delay)
{
  Storm storm = {.h = h,.window = window,.n_rounds = n_rounds,.refusal =
        GST_FLOW_FLUSHING
  };
  FlushTimes times = {.start.limit = MAX_RETURN_TIME,
    .chain.limit = MAX_RETURN_TIME,.stop.limit = MAX_RESTART_TIME
  };
  GRand *random = storm_random ();
  GThread *thread;
  guint64 windows;
  guint most = max_delay;

  g_mutex_init (&storm.lock);
  g_cond_init (&storm.changed);
  storm.segment_out = TRUE;
  gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM |
      GST_PAD_PROBE_TYPE_EVENT_FLUSH, watch, &storm, NULL);
  wait_loaded (h->element);
  thread = g_thread_new ("upstream", upstream, &storm);
  for (guint i = 0; i < n_rounds; i++)
    most =
        flush_round (&storm, &times, g_rand_int_range (random, 0,
            most + 1)) ? most / 2 : MIN (most + max_delay / 16, max_delay);
  g_thread_join (thread);
  windows = get_stat (h, "windows");

  g_printerr ("%u flushes, %u buffers, %u of %u stopped the encoder\n",
      n_rounds, storm.buffers, times.encoding, n_rounds / 2);
  storm_time_check (&times.start, "FLUSH_START");
  storm_time_check (&times.chain, "chain");
  storm_time_check (&times.stop, "FLUSH_STOP");
  fail_unless_equals_int (storm.refusal, GST_FLOW_FLUSHING);
  fail_unless_equals_int (storm.flushes_out, n_rounds);
  fail_unless_equals_int (storm.stale, 0);
  fail_unless_equals_int (storm.unordered, 0);
  fail_unless (times.encoding * (IN_SANITIZER ? 25 : 4) >= n_rounds / 2,
      "%u of %u flushes came while " "a window was encoded", times.encoding,
      n_rounds / 2);
  fail_unless (storm.buffers <= windows);
  g_rand_free (random);
  g_cond_clear (&storm.changed);
  g_mutex_clear (&storm.lock);
  gst_harness_teardown (h);
}

static GstHarness *
start_model (const gchar * path, const gchar * profile, guint seconds)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstHarness *h;

  g_object_set (element, "model-file", path, "window-duration",
      seconds * GST_SECOND, NULL);
  gst_util_set_object_arg (G_OBJECT (element), "profile", profile);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  gst_harness_set_src_caps_str (h, CAPS);
  return h;
}

/* Windows of 6 s. Some come out before the flush, most do not. */
GST_START_TEST (test_flush_storm)
{
  gchar *path = g_strconcat (model_path, ".layers", NULL);
  GstHarness *h;
  guint64 time;

  fail_unless_equals_int (test_small_model_write (path, 80, 64, 12, 1500, 1),
      0);
  h = start_model (path, "auto", 6);
  push_audio (h, 0, 13 * RATE, 16000);
  gst_buffer_unref (gst_harness_pull (h));
  gst_buffer_unref (gst_harness_pull (h));
  time = get_stat (h, "encode-time-min") / 1000;
  g_printerr ("a window takes %u us\n", (guint) time);
  gst_harness_teardown (h);
  run_storm (start_model (path, "auto", 6), 6 * RATE, ROUNDS (500),
      MAX (time * 3 / 4, 1));
  g_free (path);
}

GST_END_TEST;

/* The slowest kernels there are and the base model, where the steps between
 * two looks at a flush are longest. */
GST_START_TEST (test_flush_storm_slow)
{
  static const gchar *const profiles[] = { "int8", "f32", "npu" };
  GstHarness *h;

  g_unsetenv ("WHISPERNPU_MODEL");
  g_setenv ("WHISPERNPU_CPU", "ref", TRUE);
  h = start_model (NULL, profiles[__i__], 30);
  g_unsetenv ("WHISPERNPU_CPU");
  g_setenv ("WHISPERNPU_MODEL", model_path, TRUE);
  run_storm (h, WINDOW, 6, 300000);
}

GST_END_TEST;

/* Audio without the segment that must come after a flush: GStreamer warns,
 * the element refuses it, and goes on when there is one. */
GST_START_TEST (test_flush_no_segment)
{
  GstHarness *h = start ();
  GstBuffer *buffer;

  push_audio (h, 0, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_check_add_log_filter ("GStreamer", G_LOG_LEVEL_WARNING,
      g_regex_new ("before segment", 0, 0, NULL), NULL, NULL, NULL);
  fail_unless_equals_int (gst_harness_push (h, make_audio (0, 16000, RATE)),
      GST_FLOW_NOT_NEGOTIATED);
  gst_check_clear_log_filter ();
  push_segment (h);
  push_audio (h, 32000, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 32000, 16000);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A stop without a start is wrong; still nothing from before it comes after
 * it, where there is no segment: GStreamer would warn. */
GST_START_TEST (test_flush_stop_alone)
{
  GstHarness *h = start ();
  GstBuffer *buffer;

  for (guint i = 0; i < 30; i++) {
    push_audio (h, 0, WINDOW + 16000, WINDOW + 16000);
    g_usleep (i * 200);
    gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
    g_usleep (5000);
    push_segment (h);
  }
  while ((buffer = gst_harness_try_pull (h)) != NULL)
    gst_buffer_unref (buffer);
  push_audio (h, 32000, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 32000, 16000);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
flush_suite (void)
{
  Suite *s = suite_create ("flush");
  TCase *tc = tcase_create ("general");

  use_small_model ("flush-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_flush_storm);
  tcase_add_test (tc, test_flush_no_segment);
  tcase_add_test (tc, test_flush_stop_alone);
#if !IN_SANITIZER
  tcase_add_loop_test (tc, test_flush_storm_slow, 0, 3);
#endif
  return s;
}

GST_CHECK_MAIN (flush);
