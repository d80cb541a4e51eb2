/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* State changes: at random times with data flowing, from several threads, with
 * flushes, with a failing neighbour, and with models that cannot be used. */

#include <glib/gstdio.h>

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/pipeline.h"
#include "tests/gst/storm.h"

#define LIMIT_US (10 * G_USEC_PER_SEC)

/* One that has been through everything still turns audio into features. */
static void
check_works (GstElement * element)
{
  GstHarness *h = gst_harness_new_with_element (element, "sink", "src");
  GstBuffer *buffer;

  gst_harness_set_src_caps_str (h, CAPS);
  push_audio (h, 0, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 0, 16000);
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_harness_teardown (h);
}

/* Never from PLAYING that was not reached to PAUSED: a pipeline of GStreamer
 * 1.22 may then stay in between for ever, one of identity and fakesink too. */
GST_START_TEST (test_states_storm)
{
  GstElement *pipeline = launch (SOURCE "! whispernpu ! fakesink");
  GRand *random = storm_random ();
  StormTimes times = {.limit = LIMIT_US / 10 };

  for (guint i = 0; i < ROUNDS (200); i++) {
    static const GstState down[] = { GST_STATE_NULL, GST_STATE_NULL,
      GST_STATE_READY
    };

    /* half of them wait for the sink, and have data from then on */
    if (i % 2 == 0)
      reach (pipeline, GST_STATE_PLAYING);
    else
      gst_element_set_state (pipeline, GST_STATE_PLAYING);
    g_usleep (g_rand_int_range (random, 0, 8000));
    storm_time_begin (&times);
    fail_unless (gst_element_set_state (pipeline, down[g_rand_int_range (random,
                    0, G_N_ELEMENTS (down))]) != GST_STATE_CHANGE_FAILURE);
    storm_time_end (&times);
  }
  storm_time_check (&times, "down");
  g_rand_free (random);
  finish (pipeline);
}

GST_END_TEST;

typedef struct
{
  GstElement *element;
  guint seed;
  guint rounds;
} Changer;

static gpointer
change_states (gpointer user)
{
  Changer *changer = user;
  GRand *random = g_rand_new_with_seed (changer->seed);

  for (guint i = 0; i < changer->rounds; i++) {
    gst_element_set_state (changer->element, g_rand_int_range (random,
            GST_STATE_NULL, GST_STATE_PLAYING + 1));
    g_usleep (g_rand_int_range (random, 0, 3000));
  }
  g_rand_free (random);
  return NULL;
}

/* In a pipeline, where data flows, and alone. */
GST_START_TEST (test_states_three_threads)
{
  GstElement *element = __i__ == 0 ? launch (SOURCE "! whispernpu ! fakesink") :
      gst_element_factory_make ("whispernpu", NULL);
  GRand *random = storm_random ();
  Changer changers[3];
  GThread *threads[3];
  StormTimes times = {.limit = LIMIT_US };

  storm_time_begin (&times);
  for (guint i = 0; i < 3; i++) {
    changers[i] = (Changer) {
    element, g_rand_int (random), ROUNDS (70)};
    threads[i] = g_thread_new ("changer", change_states, &changers[i]);
  }
  for (guint i = 0; i < 3; i++)
    g_thread_join (threads[i]);
  storm_time_end (&times);
  storm_time_check (&times, "three threads");
  gst_element_set_state (element, GST_STATE_NULL);
  if (__i__ == 1)
    check_works (element);
  else
    reach (element, GST_STATE_PLAYING);
  g_rand_free (random);
  finish (element);
}

GST_END_TEST;

/* GStreamer's generic test of every element, and other ways up and down. */
static const gchar *const ladders[] = {
  "RPLPRN", "RPRPRN", "PN", "LN", "RNRN", "LPLPLRN", "PRLN", "RLRPN",
};

static GstState
ladder_state (gchar letter)
{
  return letter == 'N' ? GST_STATE_NULL : letter == 'R' ? GST_STATE_READY :
      letter == 'P' ? GST_STATE_PAUSED : GST_STATE_PLAYING;
}

static void
climb (GstElement * element, gboolean fails)
{
  for (guint l = 0; l < G_N_ELEMENTS (ladders); l++) {
    gboolean failed = FALSE;

    for (const gchar * step = ladders[l]; *step != '\0'; step++)
      failed |= gst_element_set_state (element, ladder_state (*step)) ==
          GST_STATE_CHANGE_FAILURE;
    fail_unless_equals_int (failed, fails);
  }
}

GST_START_TEST (test_states_alone)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);

  for (guint i = 0; i < ROUNDS (20); i++)
    climb (element, FALSE);
  g_object_set (element, "model-file", "/nowhere/at-all.safetensors", NULL);
  climb (element, TRUE);
  g_object_set (element, "model-file", NULL, NULL);
  climb (element, FALSE);
  check_works (element);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
}

GST_END_TEST;

/* Another element cannot go up: ours comes down with the pipeline. */
GST_START_TEST (test_states_neighbour_fails)
{
  GstElement *pipeline = launch ("filesrc name=f location=/nowhere/at-all ! "
      "audio/x-raw, format=S16LE, rate=16000, channels=1, layout=interleaved "
      "! whispernpu name=w ! fakesink");
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "w");
  GstState state;

  for (guint i = 0; i < 20; i++) {
    fail_unless_equals_int (gst_element_set_state (pipeline,
            GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    gst_element_set_state (pipeline, i % 2 ? GST_STATE_NULL : GST_STATE_READY);
    fail_unless_equals_int (gst_element_get_state (element, &state, NULL,
            GST_SECOND), GST_STATE_CHANGE_SUCCESS);
    fail_unless_equals_int (state, i % 2 ? GST_STATE_NULL : GST_STATE_READY);
  }
  gst_object_unref (element);
  finish (pipeline);
}

GST_END_TEST;

typedef struct
{
  GstHarness *h;
  guint seed;
  gint stop;                    /* atomic */
  GMutex stream;                /* held by a push, and by FLUSH_STOP */
  gboolean opened;              /* with it: the stream has a segment */
} Disturber;

/* A pad that was off has forgotten what the stream is. */
static void
open_stream (Disturber * disturber)
{
  GstCaps *caps = gst_caps_from_string (CAPS);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (disturber->h, gst_event_new_stream_start ("x"));
  gst_harness_push_event (disturber->h, gst_event_new_caps (caps));
  gst_harness_push_event (disturber->h, gst_event_new_segment (&segment));
  gst_caps_unref (caps);
}

static gpointer
push_always (gpointer user)
{
  Disturber *disturber = user;
  guint64 at = 0;

  while (!g_atomic_int_get (&disturber->stop)) {
    GstFlowReturn ret;

    g_mutex_lock (&disturber->stream);
    if (!disturber->opened) {
      open_stream (disturber);
      at = 0;
    }
    ret = gst_harness_push (disturber->h, make_audio (at, 48000, RATE));
    at += 48000;
    disturber->opened = ret == GST_FLOW_OK;
    g_mutex_unlock (&disturber->stream);
    if (ret != GST_FLOW_OK)
      g_usleep (500);
  }
  return NULL;
}

static gpointer
flush_always (gpointer user)
{
  Disturber *disturber = user;
  GRand *random = g_rand_new_with_seed (disturber->seed);

  while (!g_atomic_int_get (&disturber->stop)) {
    gst_harness_push_event (disturber->h, gst_event_new_flush_start ());
    g_usleep (g_rand_int_range (random, 0, 500));
    g_mutex_lock (&disturber->stream);
    gst_harness_push_event (disturber->h, gst_event_new_flush_stop (TRUE));
    disturber->opened = FALSE;
    g_mutex_unlock (&disturber->stream);
    g_usleep (g_rand_int_range (random, 0, 5000));
  }
  g_rand_free (random);
  return NULL;
}

/* Audio, flushes and state changes, each from its own thread. */
GST_START_TEST (test_states_and_flushes)
{
  GRand *random = storm_random ();
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstHarness *h = gst_harness_new_with_element (element, "sink", "src");
  GstPad *pad = gst_element_get_static_pad (element, "src");
  Disturber disturber = {.h = h,.seed = g_rand_int (random) };
  GThread *pusher, *flusher;
  StormTimes times = {.limit = LIMIT_US / 10 };

  /* a pad that goes off and on between two events has forgotten the first */
  gst_check_add_log_filter ("GStreamer", G_LOG_LEVEL_WARNING,
      g_regex_new ("misordering|before (stream-start|caps|segment)", 0, 0,
          NULL), NULL, NULL, NULL);
  g_mutex_init (&disturber.stream);
  gst_harness_set_drop_buffers (h, TRUE);
  pusher = g_thread_new ("pusher", push_always, &disturber);
  flusher = g_thread_new ("flusher", flush_always, &disturber);
  for (guint i = 0; i < ROUNDS (200); i++) {
    storm_time_begin (&times);
    gst_element_set_state (element, i % 3 == 0 ? GST_STATE_NULL :
        GST_STATE_READY);
    storm_time_end (&times);
    /* no flush has started it again */
    fail_unless_equals_int (gst_pad_get_task_state (pad), GST_TASK_STOPPED);
    gst_element_set_state (element, GST_STATE_PLAYING);
    g_usleep (g_rand_int_range (random, 0, 6000));
  }
  g_atomic_int_set (&disturber.stop, 1);
  g_thread_join (flusher);
  g_thread_join (pusher);
  gst_check_clear_log_filter ();
  g_mutex_clear (&disturber.stream);
  storm_time_check (&times, "down");
  gst_object_unref (pad);
  gst_harness_teardown (h);
  gst_element_set_state (element, GST_STATE_NULL);
  check_works (element);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
  g_rand_free (random);
}

GST_END_TEST;

/* What is wrong with a weights file; made from the good one. */
enum
{
  MISSING, FOLDER, EMPTY, FOUR_BYTES, TEXT, HEADER_CUT, DATA_CUT, TOO_LONG,
  NO_LAYERS, SHORT_CONTEXT, DEVICE_FILE, NOT_A_NUMBER, N_BAD_MODELS
};

static void
write_file (const gchar * path, const gchar * data, gsize size)
{
  fail_unless (g_file_set_contents (path, data, size, NULL));
}

static void
make_bad_model (guint how, const gchar * path)
{
  gchar *data;
  gsize size;
  static const gchar text[] = "These are not the weights of anything.\n";

  fail_unless (g_file_get_contents (model_path, &data, &size, NULL));
  switch (how) {
    case FOLDER:
      fail_unless_equals_int (g_mkdir (path, 0700), 0);
      break;
    case TEXT:
      write_file (path, text, strlen (text));
      break;
    case NO_LAYERS:
      write_file (path, "\2\0\0\0\0\0\0\0{}", 10);
      break;
    case SHORT_CONTEXT:        /* less than a window of 1 s */
      fail_unless_equals_int (test_small_model_write (path, 80, 64, 1, 49, 1),
          0);
      break;
    case EMPTY:
      write_file (path, data, 0);
      break;
    case FOUR_BYTES:
      write_file (path, data, 4);
      break;
    case HEADER_CUT:
      write_file (path, data, 100);
      break;
    case DATA_CUT:
      write_file (path, data, size / 2);
      break;
    case TOO_LONG:             /* by the NUL that GLib adds */
      write_file (path, data, size + 1);
      break;
    case NOT_A_NUMBER:
      memset (data + size - 4, 0xff, 4);
      write_file (path, data, size);
      break;
    default:
      break;
  }
  g_free (data);
}

/* Found on the way from READY to PAUSED, or just after it by the thread that
 * loads: one error, and all is well once the property is mended. */
GST_START_TEST (test_states_bad_model)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstBus *bus = gst_bus_new ();
  gchar *path = g_strdup_printf ("%s.bad%d", model_path, __i__);
  GstMessage *message;
  GQuark domain = 0;
  gint code = -1;
  gboolean failed;

  g_remove (path);
  make_bad_model (__i__, path);
  gst_element_set_bus (element, bus);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  g_object_set (element, "model-file", __i__ == DEVICE_FILE ? "/dev/zero" :
      path, NULL);
  failed = gst_element_set_state (element, GST_STATE_PAUSED) ==
      GST_STATE_CHANGE_FAILURE;
  fail_unless_equals_int (failed, __i__ != NOT_A_NUMBER);
  message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
      GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_unref (message);
  gst_element_set_state (element, GST_STATE_NULL);
  fail_unless_equals_int (count_errors (bus, &domain, &code), 0);

  g_object_set (element, "model-file", NULL, NULL);
  check_works (element);
  gst_element_set_state (element, GST_STATE_NULL);
  /* A message may hold the last of a pad, whose end is a message again: on this
   * bus GStreamer 1.26 would wait for itself. */
  gst_element_set_bus (element, NULL);
  fail_unless_equals_int (count_errors (bus, &domain, &code), 0);
  gst_object_unref (bus);
  gst_object_unref (element);
  g_remove (path);
  g_free (path);
}

GST_END_TEST;

static Suite *
states_suite (void)
{
  Suite *s = suite_create ("states");
  TCase *tc = tcase_create ("general");

  use_small_model ("states-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_states_storm);
  tcase_add_loop_test (tc, test_states_three_threads, 0, 2);
  tcase_add_test (tc, test_states_alone);
  tcase_add_test (tc, test_states_neighbour_fails);
  tcase_add_test (tc, test_states_and_flushes);
  tcase_add_loop_test (tc, test_states_bad_model, 0, N_BAD_MODELS);
  return s;
}

GST_CHECK_MAIN (states);
