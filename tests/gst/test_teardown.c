/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end comes while everything runs: pipelines stopped in PLAYING, elements
 * removed, a process that exits or forks. Nothing crashes, nothing waits. */

#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/pipeline.h"
#include "tests/gst/storm.h"

/* To stop what runs, in microseconds. */
#define MAX_STOP_TIME 500000

/* Before the element waits more audio than it will ever see. */
GST_START_TEST (test_teardown_playing)
{
  GRand *random = storm_random ();
  StormTimes times = {.limit = MAX_STOP_TIME };

  for (guint i = 0; i < ROUNDS (100); i++) {
    GstElement *pipeline = launch (SOURCE "! queue max-size-time=0 "
        "max-size-bytes=100000000 max-size-buffers=0 ! whispernpu ! fakesink");

    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    g_usleep (g_rand_int_range (random, 0, 15000));
    storm_time_begin (&times);
    finish (pipeline);
    storm_time_end (&times);
  }
  storm_time_check (&times, "stop");
  g_rand_free (random);
}

GST_END_TEST;

static void
note_gone (gpointer user, GObject * object)
{
  g_atomic_int_set ((gint *) user, 1);
}

/* The application takes the element out of the running pipeline and drops it:
 * it goes for good. */
GST_START_TEST (test_teardown_removed)
{
  GRand *random = storm_random ();
  StormTimes times = {.limit = MAX_STOP_TIME };

  for (guint i = 0; i < ROUNDS (50); i++) {
    GstElement *pipeline = launch (SOURCE "! whispernpu name=w ! fakesink");
    GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "w");
    gint gone = 0;

    g_object_weak_ref (G_OBJECT (element), note_gone, &gone);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    g_usleep (g_rand_int_range (random, 0, 15000));
    storm_time_begin (&times);
    fail_unless (gst_bin_remove (GST_BIN (pipeline), element));
    gst_element_set_state (element, GST_STATE_NULL);
    gst_object_unref (element);
    storm_time_end (&times);
    /* upstream's thread and messages may have held it a little longer */
    finish (pipeline);
    fail_unless_equals_int (g_atomic_int_get (&gone), 1);
  }
  storm_time_check (&times, "removal");
  g_rand_free (random);
}

GST_END_TEST;

/* An error upstream in the middle of a window: one message, and the pipeline
 * runs again from the start. */
GST_START_TEST (test_teardown_error)
{
  GstElement *pipeline = launch (SOURCE "! identity name=i ! whispernpu ! "
      "fakesink");
  GstBus *bus = gst_element_get_bus (pipeline);
  GQuark domain;
  gint code;

  for (gint after = 1; after < 1000; after = after * 3 + 7) {
    GstMessage *message;

    gst_child_proxy_set (GST_CHILD_PROXY (pipeline), "i::error-after", after,
        NULL);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
        GST_MESSAGE_ERROR);
    fail_unless (message != NULL);
    fail_unless_equals_string (GST_OBJECT_NAME (GST_MESSAGE_SRC (message)),
        "i");
    gst_message_unref (message);
    gst_element_set_state (pipeline, GST_STATE_READY);
    while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR)) != NULL) {
      /* of the source, whom nobody wants to hear any more */
      fail_if (g_str_has_prefix (GST_OBJECT_NAME (GST_MESSAGE_SRC (message)),
              "whispernpu"));
      gst_message_unref (message);
    }
  }
  gst_child_proxy_set (GST_CHILD_PROXY (pipeline), "i::error-after", -1, NULL);
  reach (pipeline, GST_STATE_PLAYING);
  g_usleep (50000);
  fail_unless_equals_int (count_errors (bus, &domain, &code), 0);
  gst_object_unref (bus);
  finish (pipeline);
}

GST_END_TEST;

/* A process is forked while the element is READY and while it plays: the child
 * leaves, the parent goes on. */
GST_START_TEST (test_teardown_fork)
{
  GstHarness *h = start ();
  GstBuffer *buffer;

  for (guint i = 0; i < 2; i++) {
    gint status;
    pid_t child;

    if (i == 1)
      push_audio (h, 0, WINDOW + 16000, 48000);
    else
      gst_element_set_state (h->element, GST_STATE_READY);
    child = fork ();
    fail_unless (child >= 0);
    if (child == 0)
      _exit (7);
    fail_unless_equals_int (waitpid (child, &status, 0), child);
    fail_unless (WIFEXITED (status) && WEXITSTATUS (status) == 7);
    if (i == 0) {
      GstCaps *caps = gst_caps_from_string (CAPS);

      gst_element_set_state (h->element, GST_STATE_PLAYING);
      gst_harness_push_event (h, gst_event_new_stream_start ("again"));
      gst_harness_push_event (h, gst_event_new_caps (caps));
      push_segment (h);
      gst_caps_unref (caps);
    }
  }
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 0, WINDOW);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

static GstPadProbeReturn
leave (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  exit (7);
}

/* A program of its own that ends in PLAYING, with exit code 7. "unref" drops
 * the pipeline before; messages that nobody took from its bus hold it and the
 * element, else GStreamer's own source would crash. */
static int
run_and_leave (const gchar * how, const gchar * delay)
{
  GstElement *pipeline = gst_parse_launch (SOURCE "! whispernpu name=w ! "
      "fakesink", NULL);
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "w");
  GstPad *pad = gst_element_get_static_pad (element, "src");

  if (g_str_equal (how, "task"))
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, leave, NULL, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_usleep (atoi (delay));
  gst_object_unref (pad);
  gst_object_unref (element);
  if (g_str_equal (how, "unref")) {
    gst_object_unref (pipeline);
    g_usleep (50000);
  }
  if (g_str_equal (how, "task"))
    pause ();                   /* the probe ends the process */
  if (g_str_equal (how, "exit"))
    exit (7);
  return 7;
}

static const gchar *const ways[] = { "exit", "return", "task", "unref" };

GST_START_TEST (test_teardown_exit)
{
  gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  GRand *random = storm_random ();
  gchar **env = g_get_environ ();
  gchar *options = g_strconcat (g_getenv ("TSAN_OPTIONS") != NULL ?
      g_getenv ("TSAN_OPTIONS") : "", ":report_thread_leaks=0", NULL);

  /* threads that run are what this is about */
  env = g_environ_setenv (env, "TSAN_OPTIONS", options, TRUE);
  for (guint i = 0; i < ROUNDS (10); i++) {
    gchar *delay = g_strdup_printf ("%d", g_rand_int_range (random, 0, 30000));
    gchar *argv[] = { self, (gchar *) "--leave", (gchar *) ways[__i__], delay,
      NULL
    };
    gchar *text;
    gint status;

    fail_unless (g_spawn_sync (NULL, argv, env, G_SPAWN_STDOUT_TO_DEV_NULL,
            NULL, NULL, NULL, &text, &status, NULL));
    fail_unless (WIFEXITED (status) && WEXITSTATUS (status) == 7,
        "after %s us: status %d\n%s", delay, status, text);
    g_free (text);
    g_free (delay);
  }
  g_free (options);
  g_strfreev (env);
  g_rand_free (random);
  g_free (self);
}

GST_END_TEST;

static Suite *
teardown_suite (void)
{
  Suite *s = suite_create ("teardown");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_teardown_playing);
  tcase_add_test (tc, test_teardown_removed);
  tcase_add_test (tc, test_teardown_error);
  tcase_add_test (tc, test_teardown_fork);
  tcase_add_loop_test (tc, test_teardown_exit, 0, G_N_ELEMENTS (ways));
  return s;
}

int
main (int argc, char **argv)
{
  use_small_model ("teardown-test.safetensors");
  if (argc == 4 && g_str_equal (argv[1], "--leave")) {
    gst_init (NULL, NULL);
    return run_and_leave (argv[2], argv[3]);
  }
  gst_check_init (&argc, &argv);
  return gst_check_run_suite (teardown_suite (), "teardown", __FILE__);
}
