/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bound of the queue and what happens at it: max-windows, late, and audio
 * that comes while the model is being loaded. With small random models. */

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"

typedef struct
{
  GstHarness *h;
  guint windows;
} Feeder;

/* So many windows and one second more, in a thread that may be held back. */
static gpointer
feed_windows (gpointer user)
{
  const Feeder *feeder = user;

  push_audio (feeder->h, 0, feeder->windows * (gsize) WINDOW + 16000, 48000);
  return NULL;
}

static guint
get_count (GstHarness * h, const gchar * name)
{
  GstStructure *stats;
  guint value = 0;

  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint (stats, name, &value), "no %s", name);
  gst_structure_free (stats);
  return value;
}

static GstClockTime
get_max_latency (GstHarness * h)
{
  GstQuery *query = gst_query_new_latency ();
  GstClockTime max;

  fail_unless (gst_pad_peer_query (h->sinkpad, query));
  gst_query_parse_latency (query, NULL, NULL, &max);
  gst_query_unref (query);
  return max;
}

/* Until the encoder is through with the first window. */
static void
wait_first_window (GstHarness * h)
{
  for (guint i = 0; i < 6000 && get_stat (h, "windows") == 0; i++)
    g_usleep (10000);
  fail_unless_equals_uint64 (get_stat (h, "windows"), 1);
}

/* Until upstream has filled one window more than may wait, and stands still:
 * once may be a busy machine's doing. */
static void
wait_held_back (GstHarness * h)
{
  guint64 before = 0;

  for (guint still = 0; still < 3; still++) {
    guint64 now = get_stat (h, "mel-time");

    if (now != before)
      still = 0;
    before = now;
    g_usleep (200000);
  }
}

static const guint bounds[] = { 1, 2, 5, 16 };

/* As many wait as may, upstream is held back by the next, more room lets it go
 * on at once, and the pipeline hears that the element can hold more. */
GST_START_TEST (test_max_windows)
{
  guint bound = bounds[__i__], more = MIN (bound + 1, 16), messages;
  GstHarness *h = start ();
  GstBus *bus = gst_bus_new ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe = block_buffers (pad);
  Feeder feeder = {.h = h,.windows = bound + 3 };
  GThread *thread;

  gst_element_set_bus (h->element, bus);
  gst_pad_set_query_function (h->srcpad, live_query);
  g_object_set (h->element, "max-windows", bound, NULL);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_LATENCY),
      bound != 2);
  fail_unless_equals_uint64 (get_max_latency (h), 32050 * GST_MSECOND +
      bound * 30 * GST_SECOND);
  thread = g_thread_new ("feeder", feed_windows, &feeder);
  wait_queued (h, bound);
  wait_held_back (h);
  wait_queued (h, bound);
  g_object_set (h->element, "max-windows", more, NULL);
  wait_queued (h, more);
  /* a slow encoder may have told of itself too */
  messages = count_messages (bus, GST_MESSAGE_LATENCY);
  fail_unless (messages >= (more != bound));
  if (get_stat (h, "encode-time-max") <= 2 * GST_SECOND)
    fail_unless_equals_int (messages, more != bound);
  fail_unless_equals_int (get_count (h, "queued-max"), more);

  gst_pad_remove_probe (pad, probe);
  g_thread_join (thread);
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < bound + 3; i++) {
    GstBuffer *buffer = gst_harness_pull (h);

    check_buffer (buffer, i * WINDOW, WINDOW);
    gst_buffer_unref (buffer);
  }
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_uint64 (get_stat (h, "skipped"), 0);
  if (bound < 16)
    fail_unless (get_stat (h, "blocked-time") >= 100 * GST_MSECOND);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* The QOS messages of windows 1 to n, each when the clock said 200 s. */
static void
check_qos (GstBus * bus, guint n)
{
  for (guint i = 1; i <= n; i++) {
    GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_QOS);
    gboolean live;
    guint64 running_time, stream_time, pts, duration, processed, dropped;
    gint64 jitter;
    GstFormat format;

    fail_unless (message != NULL, "%u messages", i - 1);
    gst_message_parse_qos (message, &live, &running_time, &stream_time, &pts,
        &duration);
    gst_message_parse_qos_values (message, &jitter, NULL, NULL);
    gst_message_parse_qos_stats (message, &format, &processed, &dropped);
    fail_unless (live);
    fail_unless_equals_uint64 (pts, i * 30 * GST_SECOND);
    fail_unless_equals_uint64 (running_time, i * 30 * GST_SECOND);
    fail_unless_equals_uint64 (stream_time, i * 30 * GST_SECOND);
    fail_unless_equals_uint64 (duration, 30 * GST_SECOND);
    fail_unless_equals_int64 (jitter, (200 - 30 * ((gint64) i + 1)) *
        GST_SECOND);
    fail_unless_equals_int (format, GST_FORMAT_BUFFERS);
    fail_unless_equals_uint64 (processed, 1);
    fail_unless_equals_uint64 (dropped, i);
    gst_message_unref (message);
  }
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_QOS), 0);
}

/* Live and late: upstream is never held back, the oldest that wait go, and all
 * can see where. */
GST_START_TEST (test_drop_live)
{
  GString *seen;
  GstHarness *h = start_recorded (&seen);
  GstBus *bus = gst_bus_new ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe = block_buffers (pad);
  GstClockTime pts, duration;
  GstEvent *gap;

  gst_harness_use_testclock (h);
  gst_harness_set_time (h, 200 * GST_SECOND);
  gst_element_set_bus (h->element, bus);
  gst_util_set_object_arg (G_OBJECT (h->element), "late", "drop");
  gst_event_unref (wait_event (h, GST_EVENT_GAP));
  push_audio (h, 0, WINDOW + 16000, 48000);
  wait_first_window (h);
  /* all this from the test's own thread: nothing may block it */
  push_audio (h, WINDOW + 16000, 6 * WINDOW, 48000);
  wait_queued (h, 2);
  check_qos (bus, 4);
  fail_unless_equals_uint64 (get_stat (h, "skipped"), 4);

  gst_pad_remove_probe (pad, probe);
  gap = wait_event (h, GST_EVENT_GAP);
  gst_event_parse_gap (gap, &pts, &duration);
  fail_unless_equals_uint64 (pts, 30 * GST_SECOND);
  fail_unless_equals_uint64 (duration, 120 * GST_SECOND);
  gst_event_unref (gap);
  for (guint i = 0; i < 4; i++) {
    static const guint at[] = { 0, 5, 6, 7 };
    GstBuffer *buffer = gst_harness_pull (h);

    /* not before one of the two has left, or the rest would push it out */
    if (i == 1)
      gst_harness_push_event (h, gst_event_new_eos ());
    check_buffer (buffer, at[i] * WINDOW, at[i] < 7 ? WINDOW : 16000);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), at[i] * 1500);
    fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (buffer), i < 2);
    gst_buffer_unref (buffer);
  }
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_uint64 (get_stat (h, "windows"), 4);
  fail_unless_equals_uint64 (get_stat (h, "dropped"), 0);
  fail_unless_equals_uint64 (get_stat (h, "blocked-time"), 0);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_harness_teardown (h);
  check_record (seen, "SCsGBGBBBE");
}

GST_END_TEST;

/* `late` is asked again where upstream already waits. An element that drops holds
 * no more than its own, whatever upstream could. */
GST_START_TEST (test_late_changes)
{
  GstHarness *h = start ();
  GstBus *bus = gst_bus_new ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe = block_buffers (pad);
  Feeder feeder = {.h = h,.windows = 8 };
  GThread *thread;

  gst_element_set_bus (h->element, bus);
  gst_harness_set_upstream_latency (h, 40 * GST_MSECOND);
  gst_harness_set_live (h, TRUE);
  push_segment (h);
  fail_unless_equals_uint64 (get_max_latency (h), GST_CLOCK_TIME_NONE);
  thread = g_thread_new ("feeder", feed_windows, &feeder);
  wait_queued (h, 2);
  wait_held_back (h);
  fail_unless_equals_uint64 (get_stat (h, "skipped"), 0);
  count_messages (bus, GST_MESSAGE_LATENCY);
  gst_util_set_object_arg (G_OBJECT (h->element), "late", "drop");
  g_thread_join (thread);
  fail_unless (get_stat (h, "skipped") >= 4);
  fail_unless (count_messages (bus, GST_MESSAGE_LATENCY) >= 1);
  fail_unless (get_max_latency (h) >= (40 + 32050 + 60000) * GST_MSECOND);
  if (get_stat (h, "encode-time-max") <= 2 * GST_SECOND)
    fail_unless_equals_uint64 (get_max_latency (h), (40 + 32050 + 60000) *
        GST_MSECOND);
  gst_pad_remove_probe (pad, probe);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* ---- Events ---- */

enum
{ GAPS, REVERSE, TAGS, N_FLOODS };

typedef struct
{
  GstHarness *h;
  guint kind;
  gint sent;                    /* atomic */
} Flood;

#define FLOOD 1000

static gpointer
flood (gpointer user)
{
  Flood *flood = user;
  gboolean ok = TRUE;

  for (guint i = 0; i < FLOOD && ok; i++) {
    GstBuffer *buffer;

    if (flood->kind == GAPS)
      ok = gst_harness_push_event (flood->h, gst_event_new_gap (i *
              GST_SECOND, GST_SECOND));
    else if (flood->kind == TAGS)
      ok = gst_harness_push_event (flood->h,
          gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "t", NULL)));
    else {
      buffer = make_audio ((FLOOD - i) * 160, 160, RATE);
      ok = gst_harness_push (flood->h, buffer) == GST_FLOW_OK;
    }
    if (ok)
      g_atomic_int_inc (&flood->sent);
  }
  return NULL;
}

static GstPadProbeReturn
count_probe (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  GstEventType type = GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info));

  if (type == GST_EVENT_GAP || type == GST_EVENT_TAG)
    g_atomic_int_inc ((gint *) user);
  return GST_PAD_PROBE_OK;
}

/* Events without a window are bounded too: upstream is held back by them, a
 * flush frees it, and without one all of them go on. */
GST_START_TEST (test_event_flood)
{
  gboolean flush = __i__ >= N_FLOODS;
  GstHarness *h = start ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gint sent = -1, came = 0;
  gulong probe;
  Flood user = {.h = h,.kind = __i__ % N_FLOODS };
  GstSegment segment;
  GThread *thread;

  gst_event_unref (wait_event (h, GST_EVENT_GAP));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = user.kind == REVERSE ? -1.0 : 1.0;
  segment.stop = FLOOD * GST_SECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  gst_event_unref (wait_event (h, GST_EVENT_SEGMENT));
  probe = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK |
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hold, NULL, NULL);
  gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      count_probe, &came, NULL);
  thread = g_thread_new ("flood", flood, &user);
  while (sent != g_atomic_int_get (&user.sent) || sent < 200) {
    sent = g_atomic_int_get (&user.sent);
    g_usleep (200000);
  }
  fail_unless (sent <= 201, "%d came in", sent);
  if (flush) {
    gst_harness_push_event (h, gst_event_new_flush_start ());
    g_thread_join (thread);
    /* the task may take a few before it hears of it */
    fail_unless (g_atomic_int_get (&user.sent) < FLOOD / 2, "%d came in",
        g_atomic_int_get (&user.sent));
    gst_pad_remove_probe (pad, probe);
    gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  } else {
    gst_pad_remove_probe (pad, probe);
    g_thread_join (thread);
    gst_harness_push_event (h, gst_event_new_eos ());
    gst_event_unref (wait_event (h, GST_EVENT_EOS));
    fail_unless_equals_int (g_atomic_int_get (&came), FLOOD);
  }
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A file can wait, whatever `late` says; and by default everything does. */
GST_START_TEST (test_wait)
{
  GstHarness *h = gst_harness_new ("whispernpu");
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe = block_buffers (pad);
  Feeder feeder = {.h = h,.windows = 5 };
  GThread *thread;

  gst_harness_set_live (h, __i__ == 0);
  gst_harness_set_src_caps_str (h, CAPS);
  if (__i__ == 1)
    gst_util_set_object_arg (G_OBJECT (h->element), "late", "drop");
  thread = g_thread_new ("feeder", feed_windows, &feeder);
  wait_queued (h, 2);
  g_usleep (100000);
  wait_queued (h, 2);
  gst_pad_remove_probe (pad, probe);
  g_thread_join (thread);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (gst_harness_buffers_received (h), 6);
  fail_unless_equals_uint64 (get_stat (h, "skipped"), 0);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

static gboolean
is_loaded (GstHarness * h)
{
  gchar *profile;
  gboolean loaded;

  g_object_get (h->element, "active-profile", &profile, NULL);
  loaded = *profile != '\0';
  g_free (profile);
  return loaded;
}

/* Audio comes before the weights are there: it waits, nothing is lost. */
GST_START_TEST (test_audio_while_loading)
{
  gchar *path = g_strconcat (model_path, ".large", NULL);
  gboolean early = FALSE;

  /* 13 million weights take longer than a second of audio to go in */
  fail_unless_equals_int (test_small_model_write (path, 80, 512, 4, 1500, 1),
      0);
  for (guint i = 0; i < 5 && !early; i++) {
    GstElement *element = gst_element_factory_make ("whispernpu", NULL);
    GstHarness *h;
    GstBuffer *buffer;

    g_object_set (element, "model-file", path, NULL);
    h = gst_harness_new_with_element (element, "sink", "src");
    gst_object_unref (element);
    gst_harness_set_src_caps_str (h, CAPS);
    push_audio (h, 0, 16000, 16000);
    early = !is_loaded (h);
    push_audio (h, 16000, 16000, 16000);
    gst_harness_push_event (h, gst_event_new_eos ());
    buffer = gst_harness_pull (h);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), 0);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), 2 * GST_SECOND);
    gst_buffer_unref (buffer);
    fail_unless (is_loaded (h));
    fail_unless_equals_uint64 (get_stat (h, "dropped"), 0);
    gst_harness_teardown (h);
  }
  fail_unless (early, "the model was always there first");
  remove (path);
  g_free (path);
}

GST_END_TEST;

/* The PROGRESS messages up to COMPLETE: an end for each START. How many. */
static guint
count_progress (GstBus * bus)
{
  GstProgressType type = GST_PROGRESS_TYPE_ERROR;
  guint n = 0;

  while (type != GST_PROGRESS_TYPE_COMPLETE) {
    GstMessage *message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
        GST_MESSAGE_PROGRESS);

    fail_unless (message != NULL, "message %u does not come", n);
    gst_message_parse_progress (message, &type, NULL, NULL);
    gst_message_unref (message);
    fail_unless_equals_int (type == GST_PROGRESS_TYPE_START, n % 2 == 0);
    fail_unless (type != GST_PROGRESS_TYPE_ERROR);
    n++;
  }
  return n;
}

/* Given up and wanted again while it loads. */
GST_START_TEST (test_progress_again)
{
  gchar *path = g_strconcat (model_path, ".large", NULL);
  guint messages = 0;

  fail_unless_equals_int (test_small_model_write (path, 80, 512, 4, 1500, 1),
      0);
  for (guint i = 0; i < 5 && messages != 4; i++) {
    GstElement *element = gst_element_factory_make ("whispernpu", NULL);
    GstBus *bus = gst_bus_new ();

    gst_element_set_bus (element, bus);
    g_object_set (element, "model-file", path, NULL);
    gst_element_set_state (element, GST_STATE_PAUSED);
    gst_element_set_state (element, GST_STATE_READY);
    gst_element_set_state (element, GST_STATE_PAUSED);
    messages = count_progress (bus);
    gst_element_set_state (element, GST_STATE_NULL);
    fail_unless_equals_int (count_messages (bus, GST_MESSAGE_PROGRESS), 0);
    gst_element_set_bus (element, NULL);
    gst_object_unref (bus);
    gst_object_unref (element);
  }
  fail_unless (messages == 4, "the model was always there first");
  remove (path);
  g_free (path);
}

GST_END_TEST;

/* NULL does not wait for the rest of the weights, and that is no error. */
GST_START_TEST (test_load_cancelled)
{
  gchar *path = g_strconcat (model_path, ".large", NULL);
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstBus *bus = gst_bus_new ();
  guint64 load = 0, least = G_MAXUINT64;
  GstStructure *stats;

  fail_unless_equals_int (test_small_model_write (path, 80, 512, 8, 1500, 1),
      0);
  gst_element_set_bus (element, bus);
  g_object_set (element, "model-file", path, NULL);
  gst_element_set_state (element, GST_STATE_PAUSED);
  count_progress (bus);
  g_object_get (element, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "load-time", &load);
  gst_structure_free (stats);
  gst_element_set_state (element, GST_STATE_NULL);
  for (guint i = 0; i < 5; i++) {
    GstClockTime start = gst_util_get_timestamp ();

    gst_element_set_state (element, GST_STATE_PAUSED);
    gst_element_set_state (element, GST_STATE_NULL);
    least = MIN (least, gst_util_get_timestamp () - start);
  }
  fail_unless (load > 0);
  fail_unless (least < load / 3, "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
      " ns", least, load);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_ERROR), 0);
  /* and what was given up can be had later */
  gst_element_set_state (element, GST_STATE_PAUSED);
  fail_unless (count_progress (bus) >= 2);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
  remove (path);
  g_free (path);
}

GST_END_TEST;

static Suite *
late_suite (void)
{
  Suite *s = suite_create ("late");
  TCase *tc = tcase_create ("general");

  use_small_model ("late-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_max_windows, 0, G_N_ELEMENTS (bounds));
  tcase_add_test (tc, test_drop_live);
  tcase_add_loop_test (tc, test_wait, 0, 2);
  tcase_add_test (tc, test_late_changes);
  tcase_add_loop_test (tc, test_event_flood, 0, 2 * N_FLOODS);
  tcase_add_test (tc, test_audio_while_loading);
  tcase_add_test (tc, test_progress_again);
  tcase_add_test (tc, test_load_cancelled);
  return s;
}

GST_CHECK_MAIN (late);
