/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Downstream is lost in the middle of a stream: it is unlinked, or answers a
 * window with anything but OK. Upstream hears of it, the windows before are
 * there once each, and all goes on when downstream is back. */

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"

enum
{ UNLINK, REFUSE };

static const struct
{
  guint how;
  GstFlowReturn flow;           /* what chain says in the end */
  guint errors;                 /* of ours, once EOS came */
} losses[] = {
  {UNLINK, GST_FLOW_NOT_LINKED, 1},
  {REFUSE, GST_FLOW_NOT_LINKED, 1},
  {REFUSE, GST_FLOW_EOS, 0},
  {REFUSE, GST_FLOW_ERROR, 1},
  {REFUSE, GST_FLOW_NOT_NEGOTIATED, 1},
  {REFUSE, GST_FLOW_FLUSHING, 0},
  {REFUSE, GST_FLOW_NOT_SUPPORTED, 1},
  {REFUSE, GST_FLOW_CUSTOM_ERROR, 1},
  {REFUSE, GST_FLOW_CUSTOM_ERROR_1, 1},
  {REFUSE, GST_FLOW_CUSTOM_ERROR_2, 1},
  {REFUSE, -50, 1},
};

static const guint windows[] = { 1, 2, 7 };

typedef struct
{
  guint how, at;                /* from this window on, from 1 */
  GstFlowReturn flow;
  gint back;                    /* atomic; downstream is there again */
  guint seen;
} Loss;

static GstPadProbeReturn
lose (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  Loss *loss = user;

  if (g_atomic_int_get (&loss->back) || ++loss->seen < loss->at)
    return GST_PAD_PROBE_OK;
  if (loss->how == REFUSE) {
    GST_PAD_PROBE_INFO_FLOW_RETURN (info) = loss->flow;
    gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (info));
    return GST_PAD_PROBE_HANDLED;
  }
  if (loss->seen == loss->at) {
    GstPad *peer = gst_pad_get_peer (pad);

    fail_unless (gst_pad_unlink (pad, peer));
    gst_object_unref (peer);
  }
  return GST_PAD_PROBE_OK;
}

/* Second by second, so that the answer is found in the midst of a window. */
static GstFlowReturn
push_until_lost (GstHarness * h, guint64 * at)
{
  GstFlowReturn ret = GST_FLOW_OK;

  for (; *at < 20 * WINDOW && ret == GST_FLOW_OK; *at += 16000)
    ret = gst_harness_push (h, make_audio (*at, 16000, RATE));
  return ret;
}

/* The windows of a harness, in order and each once, from `next` on. */
static guint
check_windows (GstHarness * h, GstClockTime next)
{
  GstBuffer *buffer;
  guint n = 0;

  while ((buffer = gst_harness_try_pull (h)) != NULL) {
    fail_unless (GST_BUFFER_PTS (buffer) >= next);
    next = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer);
    n++;
    gst_buffer_unref (buffer);
  }
  return n;
}

GST_START_TEST (test_downstream_lost)
{
  guint index = __i__ / G_N_ELEMENTS (windows);
  Loss loss = {.how = losses[index].how,.flow = losses[index].flow,
    .at = windows[__i__ % G_N_ELEMENTS (windows)]
  };
  GstHarness *h = start ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  GstBus *bus = gst_bus_new ();
  GstEvent *event;
  GQuark domain;
  gint code;
  guint64 at = 0;

  gst_element_set_bus (h->element, bus);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, lose, &loss, NULL);
  fail_unless_equals_int (push_until_lost (h, &at), losses[index].flow);
  /* no more went in than was lost, waits, and is being filled */
  fail_unless (at <= (loss.at + 5) * (guint64) WINDOW);
  fail_unless_equals_int (count_errors (bus, &domain, &code), 0);
  fail_unless_equals_int (check_windows (h, 0), loss.at - 1);

  /* upstream ends the stream, as it does after a refusal */
  gst_harness_push_event (h, gst_event_new_eos ());
  fail_unless_equals_int (count_errors (bus, &domain, &code),
      losses[index].errors);

  /* and seeks, with a new peer */
  g_atomic_int_set (&loss.back, 1);
  if (loss.how == UNLINK)
    fail_unless_equals_int (gst_pad_link (pad, h->sinkpad), GST_PAD_LINK_OK);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  while ((event = gst_harness_try_pull_event (h)) != NULL)
    gst_event_unref (event);
  /* what waited may have met the new peer first, in order still */
  check_windows (h, (loss.at - 1) * (30 * GST_SECOND));
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  push_segment (h);
  push_audio (h, 0, 2 * WINDOW + 16000, 48000);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (check_windows (h, 0), 3);
  fail_unless_equals_int (count_errors (bus, &domain, &code), 0);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A new peer in the middle of a stream, as in an application that changes its
 * sink: RECONFIGURE lets the windows go on, with caps and segment before. */
GST_START_TEST (test_downstream_relinked)
{
  Loss loss = {.how = UNLINK,.at = windows[__i__] };
  GstHarness *h = start ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  guint64 at = 0;
  guint n;

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, lose, &loss, NULL);
  fail_unless_equals_int (push_until_lost (h, &at), GST_FLOW_NOT_LINKED);
  n = check_windows (h, 0);
  g_atomic_int_set (&loss.back, 1);
  fail_unless_equals_int (gst_pad_link (pad, h->sinkpad), GST_PAD_LINK_OK);
  push_audio (h, at, 3 * WINDOW, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (n, loss.at - 1);
  /* all but the one that met nobody, and what upstream was not rid of */
  fail_unless (check_windows (h, loss.at * (30 * GST_SECOND)) >= 3);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* What is left of a window when the peer goes stays a window of its own: the
 * audio after the loss, here less than a second of it, starts a new one,
 * whether a GAP says so or not. */
GST_START_TEST (test_downstream_line)
{
  Loss loss = {.how = UNLINK,.at = 1 };
  GstHarness *h = start_windows (4 * GST_SECOND);
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  const guint64 lost = 66000, found = 70400;
  GstFlowReturn ret = GST_FLOW_OK;
  GstBuffer *buffer;

  gst_harness_set_src_caps_str (h, CAPS);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, lose, &loss, NULL);
  /* the first window goes out in the midst of the last buffer */
  push_audio (h, 0, 4 * RATE, RATE);
  push_audio (h, 4 * RATE, lost - 4 * RATE, 4096);
  for (guint i = 0; i < 6000 && ret == GST_FLOW_OK; i++) {
    g_usleep (10000);
    ret = gst_harness_push (h, make_audio (lost, 0, RATE));
  }
  fail_unless_equals_int (ret, GST_FLOW_NOT_LINKED);
  fail_unless_equals_uint64 (get_stat (h, "dropped"), 1);
  fail_unless_equals_uint64 (get_stat (h, "windows"), 0);

  g_atomic_int_set (&loss.back, 1);
  fail_unless_equals_int (gst_pad_link (pad, h->sinkpad), GST_PAD_LINK_OK);
  if (__i__ == 1)
    gst_harness_push_event (h, gst_event_new_gap (4125 * GST_MSECOND,
            275 * GST_MSECOND));
  push_audio (h, found, RATE, 1000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), 4 * GST_SECOND);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), 125 * GST_MSECOND);
  gst_buffer_unref (buffer);
  buffer = gst_harness_pull (h);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), 4400 * GST_MSECOND);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), GST_SECOND);
  fail_unless (GST_BUFFER_IS_DISCONT (buffer));
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_uint64 (get_stat (h, "windows"), 2);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), __i__ == 0);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
downstream_suite (void)
{
  Suite *s = suite_create ("downstream");
  TCase *tc = tcase_create ("general");

  use_small_model ("downstream-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_downstream_lost, 0,
      G_N_ELEMENTS (losses) * G_N_ELEMENTS (windows));
  tcase_add_loop_test (tc, test_downstream_relinked, 0, G_N_ELEMENTS (windows));
  tcase_add_loop_test (tc, test_downstream_line, 0, 2);
  return s;
}

GST_CHECK_MAIN (downstream);
