/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element's two threads: flushes, back-pressure, what downstream refuses,
 * new streams after an EOS. With a small random model. */

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/storm.h"

/* Nothing in this takes longer than one tile of the encoder; in microseconds. */
#define SHORT_TIME G_USEC_PER_SEC

static void
flush_and_restart (GstHarness * h)
{
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  push_segment (h);
}

/* Whenever the flush comes, what came before it is gone, what comes after is
 * whole. */
GST_START_TEST (test_flush)
{
  GstHarness *h = start ();
  GstBuffer *buffer;
  guint hash;

  push_audio (h, 0, 500000, 50000);
  buffer = gst_harness_pull (h);
  hash = hash_buffer (buffer);
  gst_buffer_unref (buffer);
  for (guint i = 0; i < 20; i++) {
    flush_and_restart (h);
    push_audio (h, 16000 * i, 16000 + WINDOW * (i % 3), 50000);
    g_usleep (i * 500);
  }
  flush_and_restart (h);
  while ((buffer = gst_harness_try_pull (h)) != NULL)
    gst_buffer_unref (buffer);
  push_audio (h, 0, 500000, 50000);
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 0, WINDOW);
  fail_unless_equals_int (hash_buffer (buffer), hash);
  fail_unless (GST_BUFFER_IS_DISCONT (buffer));
  gst_buffer_unref (buffer);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, WINDOW, 20000);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A flush drops an EOS that waits after a window. */
GST_START_TEST (test_flush_drops_eos)
{
  GstHarness *h = start ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe;
  GstBuffer *buffer;

  /* downstream takes its time with the first window */
  probe = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK |
      GST_PAD_PROBE_TYPE_BUFFER, hold, NULL, NULL);
  push_audio (h, 0, 500000, 50000);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_pad_remove_probe (pad, probe);
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  push_segment (h);
  push_audio (h, 16000, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 16000, 16000);
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Push audio until the element wants no more; its answer, in the end. */
typedef struct
{
  GstHarness *h;
  guint64 from, to;
  gint pushed;                  /* buffers, atomic */
  GstFlowReturn ret;            /* once joined */
} Feeder;

static gpointer
feed (gpointer user)
{
  Feeder *feeder = user;

  for (guint64 at = feeder->from; at < feeder->to &&
      feeder->ret == GST_FLOW_OK; at += 16000) {
    feeder->ret = gst_harness_push (feeder->h, make_audio (at, 16000, RATE));
    g_atomic_int_inc (&feeder->pushed);
  }
  return NULL;
}

enum
{ GO_ON, FLUSH, STOP, SINK_OFF };

/* Downstream holds the first window, two more wait and the fourth is being
 * filled: what goes beyond it blocks, nothing before, and whatever ends the
 * wait ends it at once. */
GST_START_TEST (test_back_pressure)
{
  GstHarness *h = start ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  Feeder feeder = {.h = h,.from = 4 * WINDOW,.to = 4 * WINDOW + 48000 };
  gulong probe = block_buffers (pad);
  StormTimes times = {.limit = SHORT_TIME };
  GThread *thread;

  push_audio (h, 0, WINDOW, 48000);
  wait_queued (h, 0);
  push_audio (h, WINDOW, 3 * WINDOW, 48000);
  wait_queued (h, 2);
  thread = g_thread_new ("feeder", feed, &feeder);
  g_usleep (300000);
  fail_unless_equals_int (g_atomic_int_get (&feeder.pushed), 0);
  wait_queued (h, 2);

  storm_time_begin (&times);
  if (__i__ == GO_ON)
    gst_pad_remove_probe (pad, probe);
  else if (__i__ == FLUSH)
    gst_harness_push_event (h, gst_event_new_flush_start ());
  else if (__i__ == STOP)
    gst_element_set_state (h->element, GST_STATE_NULL);
  else
    gst_pad_set_active (GST_PAD_PEER (h->srcpad), FALSE);
  g_thread_join (thread);
  storm_time_end (&times);
  if (__i__ != GO_ON)
    storm_time_check (&times, "end");
  fail_unless_equals_int (feeder.ret, __i__ == GO_ON ? GST_FLOW_OK :
      GST_FLOW_FLUSHING);
  fail_unless_equals_int (feeder.pushed, __i__ == GO_ON ? 3 : 1);

  if (__i__ == GO_ON) {
    gst_harness_push_event (h, gst_event_new_eos ());
    for (guint i = 0; i < 5; i++) {
      GstBuffer *buffer = gst_harness_pull (h);

      check_buffer (buffer, i * WINDOW, i < 4 ? WINDOW : 48000);
      fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (buffer), i == 0);
      gst_buffer_unref (buffer);
    }
    fail_unless_equals_uint64 (get_stat (h, "dropped"), 0);
    fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  } else if (__i__ == FLUSH) {
    GstBuffer *buffer;

    gst_pad_remove_probe (pad, probe);
    gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
    push_segment (h);
    push_audio (h, 16000, 16000, 16000);
    gst_harness_push_event (h, gst_event_new_eos ());
    buffer = gst_harness_pull (h);
    check_buffer (buffer, 16000, 16000);
    gst_buffer_unref (buffer);
  }
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* The source pad alone is switched off: its task ends whether it waits for
 * audio or has some. */
GST_START_TEST (test_pad_off)
{
  GstHarness *h = start ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  StormTimes times = {.limit = SHORT_TIME };

  if (__i__ == 1)
    push_audio (h, 0, 2 * WINDOW + 16000, 48000);
  storm_time_begin (&times);
  fail_unless (gst_pad_set_active (pad, FALSE));
  storm_time_end (&times);
  storm_time_check (&times, "pad off");
  fail_unless_equals_int (gst_harness_push (h, make_audio (0, 160, RATE)),
      GST_FLOW_FLUSHING);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Two streams wait while downstream holds a window: the first EOS does
 * not keep the second stream back. */
GST_START_TEST (test_stream_after_eos)
{
  GString *seen;
  GstHarness *h = start_recorded (&seen);
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe = block_buffers (pad);

  for (guint i = 0; i < 2; i++) {
    push_audio (h, 0, 16000, 16000);
    gst_harness_push_event (h, gst_event_new_eos ());
    if (i == 0) {
      gst_harness_push_event (h, gst_event_new_stream_start ("second"));
      push_segment (h);
    }
  }
  gst_pad_remove_probe (pad, probe);
  for (guint i = 0; i < 2; i++)
    gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (gst_harness_buffers_received (h), 2);
  gst_object_unref (pad);
  gst_harness_teardown (h);
  check_record (seen, "SCsGBESsBE");
}

GST_END_TEST;

static gint task_pauses;        /* atomic */

static void
delay_pause (GstDebugCategory * category, GstDebugLevel level,
    const gchar * file, const gchar * function, gint line, GObject * object,
    GstDebugMessage * message, gpointer user)
{
  if (g_str_has_prefix (gst_debug_message_get (message), "task pauses")) {
    g_atomic_int_inc (&task_pauses);
    g_usleep (100000);
  }
}

/* A new stream comes just when the task is about to stop after EOS. */
GST_START_TEST (test_restart_race)
{
  GstHarness *h = start ();

  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (delay_pause, NULL, NULL);
  gst_debug_set_active (TRUE);
  gst_debug_set_threshold_for_name ("whispernpu", GST_LEVEL_DEBUG);
  for (gint i = 0; i < 3; i++) {
    push_audio (h, 0, 16000, 16000);
    gst_harness_push_event (h, gst_event_new_eos ());
    gst_buffer_unref (gst_harness_pull (h));
    for (guint n = 0; n < 2000 && g_atomic_int_get (&task_pauses) <= i; n++)
      g_usleep (10000);
    fail_unless_equals_int (g_atomic_int_get (&task_pauses), i + 1);
    gst_harness_push_event (h, gst_event_new_stream_start ("again"));
    push_segment (h);
  }
  gst_debug_unset_threshold_for_name ("whispernpu");
  gst_debug_remove_log_function (delay_pause);
  gst_debug_add_log_function (gst_debug_log_default, NULL, NULL);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Push second by second from `at` on, until the answer is no longer OK. */
static GstFlowReturn
push_until_refused (GstHarness * h, guint64 at)
{
  GstFlowReturn ret = GST_FLOW_OK;

  for (guint i = 0; i < 300 && ret == GST_FLOW_OK; i++) {
    ret = gst_harness_push (h, make_audio (at + i * 16000, 16000, RATE));
    g_usleep (10000);
  }
  return ret;
}

/* Downstream has seen enough: upstream learns it, may still send its EOS, and
 * the next stream is welcome, or the next segment of the same. */
GST_START_TEST (test_downstream_eos)
{
  GstHarness *h = start ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe = answer_buffers (pad, GST_FLOW_EOS);
  GstBuffer *buffer;

  fail_unless_equals_int (push_until_refused (h, 0), GST_FLOW_EOS);
  if (__i__ == 0) {
    fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
    gst_event_unref (wait_event (h, GST_EVENT_EOS));
    gst_harness_push_event (h, gst_event_new_stream_start ("again"));
  }
  gst_pad_remove_probe (pad, probe);
  push_segment (h);
  push_audio (h, 16000, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 16000, 16000);
  fail_unless (GST_BUFFER_IS_DISCONT (buffer));
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Downstream has seen enough of a stream while the next already waits. */
GST_START_TEST (test_downstream_eos_skips)
{
  GString *seen;
  GstHarness *h = start_recorded (&seen);
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe = block_buffers (pad), eos;
  GstBuffer *buffer;

  push_audio (h, 0, 2 * WINDOW + 16000, 48000);
  gst_harness_push_event (h, gst_event_new_stream_start ("second"));
  push_segment (h);
  push_audio (h, 16000, 16000, 16000);
  eos = answer_buffers (pad, GST_FLOW_EOS);
  gst_pad_remove_probe (pad, probe);
  for (guint i = 0; i < 2000 && strchr (seen->str + 1, 'S') == NULL; i++)
    g_usleep (10000);
  gst_pad_remove_probe (pad, eos);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 16000, 16000);
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  /* one was refused, two waited for the same */
  fail_unless_equals_uint64 (get_stat (h, "windows"), 1);
  fail_unless_equals_uint64 (get_stat (h, "positions"), 50);
  fail_unless_equals_uint64 (get_stat (h, "audio-time"), GST_SECOND);
  fail_unless_equals_uint64 (get_stat (h, "dropped"), 3);
  gst_object_unref (pad);
  gst_harness_teardown (h);
  check_record (seen, "SCsGSsBE");
}

GST_END_TEST;

static const GstFlowReturn refusals[] = { GST_FLOW_ERROR, GST_FLOW_NOT_LINKED,
  GST_FLOW_NOT_NEGOTIATED, GST_FLOW_NOT_SUPPORTED, GST_FLOW_CUSTOM_ERROR,
  GST_FLOW_CUSTOM_ERROR_1, GST_FLOW_CUSTOM_ERROR_2, -50, G_MININT
};

/* Downstream fails when upstream has nothing left but its EOS: no chain call
 * can hand the failure on, so it is an error message, one. */
GST_START_TEST (test_error_before_eos)
{
  GstHarness *h = start ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  GstBus *bus = gst_bus_new ();
  GQuark domain;
  gint code;

  gst_element_set_bus (h->element, bus);
  answer_buffers (pad, refusals[__i__]);
  /* the last frame of a window needs a little of what comes after it */
  push_audio (h, 0, WINDOW + 200, WINDOW + 200);
  for (guint i = 0; i < 2000 && gst_pad_get_task_state (pad) !=
      GST_TASK_PAUSED; i++)
    g_usleep (10000);
  fail_if (gst_harness_push_event (h, gst_event_new_eos ()));
  fail_unless_equals_int (count_errors (bus, &domain, &code), 1);
  fail_unless (domain == GST_STREAM_ERROR);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Downstream fails while the EOS waits: EOS goes out nevertheless, and is the
 * one that upstream sent. */
GST_START_TEST (test_error_after_eos)
{
  GstHarness *h = start ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe = block_buffers (pad);
  GstBus *bus = gst_bus_new ();
  GstEvent *sent = gst_event_new_eos (), *came;
  GQuark domain;
  gint code;

  gst_element_set_bus (h->element, bus);
  push_audio (h, 0, WINDOW + 16000, 48000);
  fail_unless (gst_harness_push_event (h, gst_event_ref (sent)));
  answer_buffers (pad, refusals[__i__]);
  gst_pad_remove_probe (pad, probe);
  came = wait_event (h, GST_EVENT_EOS);
  fail_unless_equals_int (gst_event_get_seqnum (came),
      gst_event_get_seqnum (sent));
  gst_event_unref (came);
  gst_event_unref (sent);
  fail_unless_equals_int (count_errors (bus, &domain, &code), 1);
  fail_unless_equals_uint64 (get_stat (h, "windows"), 0);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

static const GstFlowReturn ends[] = { GST_FLOW_EOS, GST_FLOW_FLUSHING };

/* Downstream wants no more while the EOS waits: no error. EOS goes out after it,
 * but not to a peer that says it is flushing. */
GST_START_TEST (test_end_after_eos)
{
  GString *seen;
  GstHarness *h = start_recorded (&seen);
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe = block_buffers (pad);
  GstBus *bus = gst_bus_new ();
  GQuark domain;
  gint code;

  gst_element_set_bus (h->element, bus);
  push_audio (h, 0, WINDOW + 16000, 48000);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  answer_buffers (pad, ends[__i__]);
  gst_pad_remove_probe (pad, probe);
  for (guint i = 0; i < 2000 && gst_pad_get_task_state (pad) !=
      GST_TASK_PAUSED; i++)
    g_usleep (10000);
  fail_unless_equals_int (gst_pad_get_task_state (pad), GST_TASK_PAUSED);
  fail_unless_equals_int (count_errors (bus, &domain, &code), 0);
  fail_unless_equals_uint64 (get_stat (h, "windows"), 0);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_harness_teardown (h);
  check_record (seen, ends[__i__] == GST_FLOW_EOS ? "SCsGE" : "SCsG");
}

GST_END_TEST;

static const GstFlowReturn successes[] = { GST_FLOW_OK,
  GST_FLOW_CUSTOM_SUCCESS, GST_FLOW_CUSTOM_SUCCESS_1, GST_FLOW_CUSTOM_SUCCESS_2,
  1, 77, G_MAXINT
};

/* Downstream takes each window with a success of its own, also those that are
 * queued when the EOS is: all goes on, and upstream hears OK. */
GST_START_TEST (test_success)
{
  GString *seen;
  GstHarness *h = start_recorded (&seen);
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  GstBus *bus = gst_bus_new ();
  GQuark domain;
  gint code;
  gulong probe;

  gst_element_set_bus (h->element, bus);
  answer_buffers (pad, successes[__i__]);
  push_audio (h, 0, 3 * WINDOW + 200, 48000);
  for (guint i = 0; i < 2000 && get_stat (h, "windows") < 3; i++)
    g_usleep (10000);
  fail_unless_equals_uint64 (get_stat (h, "windows"), 3);
  probe = block_buffers (pad);
  push_audio (h, 3 * WINDOW + 200, WINDOW + 16000, 48000);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  gst_pad_remove_probe (pad, probe);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (count_errors (bus, &domain, &code), 0);
  fail_unless_equals_uint64 (get_stat (h, "windows"), 5);
  fail_unless_equals_uint64 (get_stat (h, "dropped"), 0);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_harness_teardown (h);
  check_record (seen, "SCsGE");
}

GST_END_TEST;

/* Nobody downstream: that is not an error, whatever upstream says meanwhile,
 * and nothing is lost of that when somebody comes. */
GST_START_TEST (test_not_linked)
{
  GString *seen;
  GstHarness *h = start_recorded (&seen);
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe = answer_buffers (pad, GST_FLOW_NOT_LINKED);
  GstBuffer *buffer;

  fail_unless_equals_int (push_until_refused (h, 0), GST_FLOW_NOT_LINKED);
  gst_harness_push_event (h,
      gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "t", NULL)));
  fail_unless_equals_int (push_until_refused (h, 0), GST_FLOW_NOT_LINKED);
  gst_pad_remove_probe (pad, probe);
  gst_harness_push_upstream_event (h, gst_event_new_reconfigure ());
  push_audio (h, 4 * WINDOW, WINDOW + 16000, 48000);
  gst_harness_push_event (h, gst_event_new_eos ());
  /* a window is missing before the first that comes */
  buffer = gst_harness_pull (h);
  fail_unless (GST_BUFFER_IS_DISCONT (buffer));
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_object_unref (pad);
  gst_harness_teardown (h);
  fail_unless (g_str_has_prefix (seen->str, "SCsGTB"), "%s", seen->str);
  g_string_free (seen, TRUE);
}

GST_END_TEST;

/* Downstream wants another width: known before the first window is full. */
GST_START_TEST (test_caps_refused)
{
  GstHarness *h = gst_harness_new ("whispernpu");
  GstBus *bus = gst_bus_new ();
  GQuark domain;
  gint code;

  gst_element_set_bus (h->element, bus);
  gst_harness_set_sink_caps_str (h, "other/tensors, format=(string)static, "
      "num_tensors=(int)1, types=(string)float32, "
      "dimensions=(string)512:1500, framerate=(fraction)1/30");
  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < 2000 && gst_pad_get_task_state (GST_PAD_PEER
          (h->sinkpad)) != GST_TASK_PAUSED; i++)
    g_usleep (10000);
  fail_unless_equals_int (gst_harness_push (h, make_audio (0, 16000, RATE)),
      GST_FLOW_NOT_NEGOTIATED);
  gst_harness_push_event (h, gst_event_new_eos ());
  fail_unless_equals_int (count_errors (bus, &domain, &code), 1);
  fail_unless (domain == GST_STREAM_ERROR);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

static GstPadProbeReturn
hold_and_tell (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  g_atomic_int_set ((gint *) user, 1);
  return GST_PAD_PROBE_OK;
}

static void
read_stats (GObject * pad, GParamSpec * pspec, gpointer user)
{
  GstStructure *stats;

  g_object_get (user, "stats", &stats, NULL);
  gst_structure_free (stats);
}

/* A flush keeps what is sticky, and pads tell of new caps: an application may
 * look at the element then. */
GST_START_TEST (test_flush_tells_caps)
{
  GstHarness *h = gst_harness_new ("whispernpu");
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  GString *seen;
  gint held = 0;
  gulong probe = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK |
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hold_and_tell, &held, NULL);

  g_signal_connect (pad, "notify::caps", G_CALLBACK (read_stats), h->element);
  gst_harness_set_src_caps_str (h, CAPS);
  gst_harness_push_event (h,
      gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "t", NULL)));
  /* the task is in its first event, the others wait */
  while (!g_atomic_int_get (&held))
    g_usleep (1000);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_pad_remove_probe (pad, probe);
  seen = record (h);
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  push_segment (h);
  push_audio (h, 0, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_object_unref (pad);
  gst_harness_teardown (h);
  /* the tag survived; the segment before the flush did not */
  fail_unless (strchr (seen->str, 'T') != NULL, "%s", seen->str);
  fail_unless (strchr (seen->str, 's') == strrchr (seen->str, 's'), "%s",
      seen->str);
  g_string_free (seen, TRUE);
}

GST_END_TEST;

static Suite *
flow_suite (void)
{
  Suite *s = suite_create ("flow");
  TCase *tc = tcase_create ("general");

  use_small_model ("flow-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_flush_drops_eos);
  tcase_add_test (tc, test_flush_tells_caps);
  tcase_add_loop_test (tc, test_back_pressure, GO_ON, SINK_OFF + 1);
  tcase_add_loop_test (tc, test_pad_off, 0, 2);
  tcase_add_test (tc, test_stream_after_eos);
  /* GStreamer never frees its lists of log functions */
#if !defined (__SANITIZE_ADDRESS__)
  tcase_add_test (tc, test_restart_race);
#endif
  tcase_add_loop_test (tc, test_downstream_eos, 0, 2);
  tcase_add_test (tc, test_downstream_eos_skips);
  tcase_add_loop_test (tc, test_error_after_eos, 0, G_N_ELEMENTS (refusals));
  tcase_add_loop_test (tc, test_error_before_eos, 0, G_N_ELEMENTS (refusals));
  tcase_add_loop_test (tc, test_end_after_eos, 0, G_N_ELEMENTS (ends));
  tcase_add_loop_test (tc, test_success, 0, G_N_ELEMENTS (successes));
  tcase_add_test (tc, test_not_linked);
  tcase_add_test (tc, test_caps_refused);
  return s;
}

GST_CHECK_MAIN (flow);
