/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shorter windows, overlapping ones, and a trimmed last one: caps, times,
 * counts, and the bits of the core. With a small random model. */

#include "tests/gst/core_features.h"
#include "tests/gst/leaks.h"

static GstElement *
make_element (GstClockTime window, GstClockTime hop, const gchar * context)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);

  g_object_set (element, "window-duration", window, "hop-duration", hop, NULL);
  gst_util_set_object_arg (G_OBJECT (element), "context", context);
  return element;
}

/* Takes the element; from its first event on in `seen`. */
static GstHarness *
start_element (GstElement * element, GString ** seen)
{
  GstHarness *h = gst_harness_new_with_element (element, "sink", "src");

  gst_object_unref (element);
  *seen = record (h);
  gst_harness_set_src_caps_str (h, CAPS);
  return h;
}

static void
check_caps (GstHarness * h, guint positions, gint numerator, gint denominator)
{
  GstCaps *caps = gst_pad_get_current_caps (h->sinkpad);
  GstStructure *s = gst_caps_get_structure (caps, 0);
  gchar *dimensions = g_strdup_printf ("64:%u", positions);
  gint n, d;

  fail_unless (gst_caps_is_fixed (caps));
  fail_unless_equals_string (gst_structure_get_string (s, "dimensions"),
      dimensions);
  fail_unless (gst_structure_get_fraction (s, "framerate", &n, &d));
  fail_unless_equals_int (n, numerator);
  fail_unless_equals_int (d, denominator);
  g_free (dimensions);
  gst_caps_unref (caps);
}

/* Where a window lies and how much audio is in it, in samples. */
static void
check_window (GstBuffer * buffer, guint64 at, guint64 samples)
{
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer),
      gst_util_uint64_scale (at, GST_SECOND, RATE));
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer),
      gst_util_uint64_scale (at + samples, GST_SECOND, RATE) -
      GST_BUFFER_PTS (buffer));
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), at / 320);
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET_END (buffer),
      at / 320 + (samples + 319) / 320);
  fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (buffer), at == 0);
}

static const struct
{
  GstClockTime window, hop;
  guint positions, step;        /* what that is */
  gint numerator, denominator;
  guint total;                  /* samples */
  guint n_windows;
} cases[] = {
  /* *INDENT-OFF* */
  {30 * GST_SECOND, 0, 1500, 1500, 1, 30, 500000, 2},
  {5 * GST_SECOND, 0, 250, 250, 1, 5, 200000, 3},
  {1 * GST_SECOND, 0, 50, 50, 1, 1, 48000, 3},
  /* rounded to 20 ms, up and down */
  {1291 * GST_MSECOND, 0, 65, 65, 10, 13, 41601, 3},
  {29989 * GST_MSECOND, 0, 1499, 1499, 50, 1499, 479999, 2},
  /* overlap: 0 to 8 s whole, then one for the last half second */
  {5 * GST_SECOND, 1 * GST_SECOND, 250, 50, 1, 1, 200000, 9},
  /* nothing is left over */
  {5 * GST_SECOND, 2 * GST_SECOND, 250, 100, 1, 2, 176000, 4},
  {2 * GST_SECOND, 999 * GST_MSECOND, 100, 50, 1, 1, 32000, 1},
  {1 * GST_SECOND, 5 * GST_MSECOND, 50, 1, 50, 1, 16640, 3},
  {30 * GST_SECOND, 1 * GST_SECOND, 1500, 50, 1, 1, 512000, 3},
  {30 * GST_SECOND, 30 * GST_SECOND, 1500, 1500, 1, 30, 16000, 1},
  /* *INDENT-ON* */
};

/* Each window where it belongs, with the bits of the core, and each second of
 * audio counted once. */
GST_START_TEST (test_windows)
{
  const CoreParams how = {.profile = "int8",.arithmetic = NPU_MEL_F32,.window =
        cases[__i__].positions,.hop = cases[__i__].step
  };
  const guint total = cases[__i__].total;
  GString *seen;
  GstHarness *h = start_element (make_element (cases[__i__].window,
          cases[__i__].hop, "full"), &seen);
  gfloat *samples = make_samples (total);
  GPtrArray *want = core_encode (&how, samples, total);
  GstStructure *stats;
  guint in_use = 0;
  guint64 positions = 0;

  fail_unless_equals_int (want->len, cases[__i__].n_windows);
  push_audio (h, 0, total, 4801);
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < want->len; i++) {
    GstBuffer *buffer = gst_harness_pull (h);
    guint at = i * how.hop * 320;

    check_window (buffer, at, MIN (how.window * 320, total - at));
    check_features (buffer, want, i);
    positions += GST_BUFFER_OFFSET_END (buffer) - GST_BUFFER_OFFSET (buffer);
    gst_buffer_unref (buffer);
  }
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), 0);
  fail_unless_equals_uint64 (get_stat (h, "audio-time"),
      gst_util_uint64_scale (total, GST_SECOND, RATE));
  fail_unless_equals_uint64 (get_stat (h, "positions"), positions);
  g_object_get (h->element, "stats", &stats, NULL);
  gst_structure_get_uint (stats, "window-positions", &in_use);
  fail_unless_equals_int (in_use, how.window);
  gst_structure_get_uint (stats, "hop-positions", &in_use);
  fail_unless_equals_int (in_use, how.hop);
  gst_structure_free (stats);
  /* the caps went out once and are still the same */
  check_caps (h, how.window, cases[__i__].numerator, cases[__i__].denominator);
  gst_harness_teardown (h);
  g_ptr_array_unref (want);
  g_free (samples);
  fail_unless (g_str_has_prefix (seen->str, "SCsGB"), "%s", seen->str);
  fail_unless (strchr (seen->str + 2, 'C') == NULL, "%s", seen->str);
  g_string_free (seen, TRUE);
}

GST_END_TEST;

static const struct
{
  GstClockTime window;
  guint total;                  /* samples */
  guint last;                   /* positions of the last window */
} trims[] = {
  {30 * GST_SECOND, 24000, 75 + 64},
  {30 * GST_SECOND, 1, 1 + 64},
  {30 * GST_SECOND, WINDOW + 16000, 50 + 64},
  {5 * GST_SECOND, 100000, 63 + 64},
  /* too long to be trimmed, and just not */
  {30 * GST_SECOND, 1436 * 320, 1500},
  {30 * GST_SECOND, 1435 * 320, 1499},
  {30 * GST_SECOND, WINDOW, 1500},
};

/* A stream's last window is as short as its audio allows, with caps of its own;
 * the next stream has the old ones again. */
GST_START_TEST (test_trim)
{
  const guint window = trims[__i__].window / (20 * GST_MSECOND);
  const guint last = trims[__i__].last, total = trims[__i__].total;
  const CoreParams how = {.profile = "int8",.arithmetic = NPU_MEL_F32,.window =
        window,.hop = window,.last = last
  };
  GString *seen, *expected = g_string_new ("SCsG");
  GstHarness *h = start_element (make_element (trims[__i__].window, 0, "auto"),
      &seen);
  gfloat *samples = make_samples (total);
  GPtrArray *want = core_encode (&how, samples, total);

  for (guint stream = 0; stream < 2; stream++) {
    if (stream > 0) {
      gst_harness_push_event (h, gst_event_new_stream_start ("second"));
      push_segment (h);
      g_string_append (expected, last < window ? "SCs" : "Ss");
    }
    push_audio (h, 0, total, 48000);
    gst_harness_push_event (h, gst_event_new_eos ());
    for (guint i = 0; i < want->len; i++) {
      GstBuffer *buffer = gst_harness_pull (h);
      guint at = i * window * 320;
      gboolean short_one = i + 1 == want->len && last < window;

      check_window (buffer, at, MIN (window * 320, total - at));
      check_features (buffer, want, i);
      gst_buffer_unref (buffer);
      g_string_append (expected, short_one ? "CB" : "B");
    }
    gst_event_unref (wait_event (h, GST_EVENT_EOS));
    g_string_append_c (expected, 'E');
    check_caps (h, last, 1, window / 50);
  }
  gst_harness_teardown (h);
  g_ptr_array_unref (want);
  g_free (samples);
  check_record (seen, expected->str);
  g_string_free (expected, TRUE);
}

GST_END_TEST;

/* Windows that end for another reason keep their length. */
GST_START_TEST (test_no_trim_at_gap)
{
  GString *seen;
  GstHarness *h = start_element (make_element (5 * GST_SECOND, 0, "auto"),
      &seen);
  GstBuffer *buffer;

  push_audio (h, 0, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_gap (GST_SECOND, 60 * GST_SECOND));
  buffer = gst_harness_pull (h);
  fail_unless_equals_int (gst_buffer_get_size (buffer), 250 * 64 * 4);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
  fail_unless (g_str_has_prefix (seen->str, "SCsGB"), "%s", seen->str);
  g_string_free (seen, TRUE);
}

GST_END_TEST;

/* Segments that are played one after the other: each ends in a trimmed one. */
GST_START_TEST (test_trim_at_segment_done)
{
  GString *seen;
  GstHarness *h = start_element (make_element (5 * GST_SECOND, 0, "auto"),
      &seen);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  for (guint i = 0; i < 2; i++) {
    push_audio (h, 0, 16000, 16000);
    gst_harness_push_event (h, gst_event_new_segment_done (GST_FORMAT_TIME,
            GST_SECOND));
    segment.base += GST_SECOND;
    gst_harness_push_event (h, gst_event_new_segment (&segment));
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < 2; i++) {
    GstBuffer *buffer = gst_harness_pull (h);

    fail_unless_equals_int (gst_buffer_get_size (buffer), (50 + 64) * 64 * 4);
    gst_buffer_unref (buffer);
  }
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_harness_teardown (h);
  check_record (seen, "SCsGCBCsCBCsE");
}

GST_END_TEST;

/* A flush after a trimmed window: the next is a whole one with its caps. */
GST_START_TEST (test_flush_after_trim)
{
  GString *seen;
  GstHarness *h = start_element (make_element (5 * GST_SECOND, 0, "auto"),
      &seen);
  GstBuffer *buffer;

  push_audio (h, 0, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  fail_unless_equals_int (gst_buffer_get_size (buffer), (50 + 64) * 64 * 4);
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  push_segment (h);
  push_audio (h, 0, 80000 + 16000, 48000);
  buffer = gst_harness_pull (h);
  fail_unless_equals_int (gst_buffer_get_size (buffer), 250 * 64 * 4);
  gst_buffer_unref (buffer);
  check_caps (h, 250, 1, 5);
  gst_harness_teardown (h);
  g_string_free (seen, TRUE);
}

GST_END_TEST;

/* Downstream takes whole windows only: one error, as for any other caps. */
GST_START_TEST (test_trim_refused)
{
  GstElement *element = make_element (5 * GST_SECOND, 0, "auto");
  GstHarness *h = gst_harness_new_with_element (element, "sink", "src");
  GstBus *bus = gst_bus_new ();
  GstMessage *message;

  gst_element_set_bus (element, bus);
  gst_harness_set_sink_caps_str (h, "other/tensors, format=(string)static, "
      "num_tensors=(int)1, types=(string)float32, "
      "dimensions=(string)64:250, framerate=(fraction)1/5");
  gst_harness_set_src_caps_str (h, CAPS);
  push_audio (h, 0, 80000 + 16000, 48000);
  gst_harness_push_event (h, gst_event_new_eos ());
  message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
      GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_unref (message);
  fail_unless_equals_int (gst_harness_buffers_received (h), 1);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_ERROR), 0);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A hop beyond the window would lose audio. */
GST_START_TEST (test_hop_too_long)
{
  GstElement *element = make_element (5 * GST_SECOND, 6 * GST_SECOND, "full");
  GstBus *bus = gst_bus_new ();
  GQuark domain = 0;
  gint code = -1;

  gst_element_set_bus (element, bus);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  fail_unless_equals_int (count_errors (bus, &domain, &code), 1);
  fail_unless (domain == GST_LIBRARY_ERROR);
  fail_unless_equals_int (code, GST_LIBRARY_ERROR_SETTINGS);
  g_object_set (element, "window-duration", 6 * GST_SECOND, NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
}

GST_END_TEST;

static void
check_latency (GstHarness * h, GstClockTime want_min, GstClockTime want_queue)
{
  GstQuery *query = gst_query_new_latency ();
  GstClockTime min, max;

  fail_unless (gst_pad_peer_query (h->sinkpad, query));
  gst_query_parse_latency (query, NULL, &min, &max);
  fail_unless_equals_uint64 (min, want_min);
  fail_unless_equals_uint64 (max, want_min + want_queue);
  gst_query_unref (query);
}

/* The latency is that of the settings until the element opens, of what is in
 * use afterwards; each change is told. */
GST_START_TEST (test_latency)
{
  GstHarness *h = gst_harness_new ("whispernpu");
  GstBus *bus = gst_bus_new ();
  GstBuffer *buffer;

  gst_element_set_bus (h->element, bus);
  gst_pad_set_query_function (h->srcpad, live_query);
  gst_element_set_state (h->element, GST_STATE_NULL);
  g_object_set (h->element, "window-duration", 6 * GST_SECOND, NULL);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_LATENCY), 1);
  check_latency (h, 6450 * GST_MSECOND, 12 * GST_SECOND);
  g_object_set (h->element, "hop-duration", 1 * GST_SECOND, NULL);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_LATENCY), 1);
  check_latency (h, 6450 * GST_MSECOND, 2 * GST_SECOND);
  g_object_set (h->element, "hop-duration", 1001 * GST_MSECOND, NULL);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_LATENCY), 0);
  gst_element_set_state (h->element, GST_STATE_READY);
  gst_bus_set_flushing (bus, TRUE);
  gst_bus_set_flushing (bus, FALSE);
  /* set now, in use from READY->PAUSED on */
  g_object_set (h->element, "window-duration", 3 * GST_SECOND, NULL);
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_LATENCY), 2);
  check_latency (h, 3250 * GST_MSECOND, 2 * GST_SECOND);
  gst_harness_set_src_caps_str (h, CAPS);
  push_audio (h, 0, 3 * RATE + 1000, 16000);
  buffer = gst_harness_pull (h);
  fail_unless_equals_int (gst_buffer_get_size (buffer), 150 * 64 * 4);
  gst_buffer_unref (buffer);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Of overlapping windows a skipped one leaves a GAP up to the next start. */
GST_START_TEST (test_skip_overlapping)
{
  GString *seen;
  GstHarness *h = start_element (make_element (2 * GST_SECOND, GST_SECOND,
          "full"), &seen);
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe = block_buffers (pad);
  GstClockTime pts, duration;
  GstEvent *gap;

  gst_util_set_object_arg (G_OBJECT (h->element), "late", "drop");
  gst_event_unref (wait_event (h, GST_EVENT_GAP));
  push_audio (h, 0, 2 * RATE + 1000, 16000);
  wait_queued (h, 0);
  push_audio (h, 2 * RATE + 1000, 5 * RATE, 16000);
  wait_queued (h, 2);
  fail_unless_equals_uint64 (get_stat (h, "skipped"), 3);
  gst_pad_remove_probe (pad, probe);
  gap = wait_event (h, GST_EVENT_GAP);
  gst_event_parse_gap (gap, &pts, &duration);
  fail_unless_equals_uint64 (pts, GST_SECOND);
  fail_unless_equals_uint64 (duration, 3 * GST_SECOND);
  gst_event_unref (gap);
  for (guint i = 0; i < 3; i++) {
    static const guint at[] = { 0, 4, 5 };
    GstBuffer *buffer = gst_harness_pull (h);

    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), at[i] * GST_SECOND);
    gst_buffer_unref (buffer);
  }
  gst_object_unref (pad);
  gst_harness_teardown (h);
  g_string_free (seen, TRUE);
}

GST_END_TEST;

/* A model with a position table of so many rows, instead of the small one. */
static void
use_table (guint rows)
{
  fail_unless_equals_int (test_small_model_write (model_path, 80, 64, 1, rows,
          1), 0);
}

static const struct
{
  guint rows;                   /* of the position table */
  GstClockTime window, hop;     /* 0: not set */
  const gchar *context;
  guint positions, step, last;  /* what that is; last 0: as positions */
} tables[] = {
  /* *INDENT-OFF* */
  {400, 0, 0, "full", 400, 400, 0},
  {400, 8 * GST_SECOND, 0, "full", 400, 400, 0},
  {400, 5 * GST_SECOND, 0, "full", 250, 250, 0},
  {400, 0, 2 * GST_SECOND, "full", 400, 100, 0},
  {400, 0, 0, "auto", 400, 400, 100 + 64},
  {50, 0, 0, "full", 50, 50, 0},
  {1499, 0, 0, "full", 1499, 1499, 0},
  {1499, 29980 * GST_MSECOND, 0, "full", 1499, 1499, 0},
  /* *INDENT-ON* */
};

/* A model with a short table: windows are as long as it allows, unless they are
 * set to be shorter, and have the bits of the core. */
GST_START_TEST (test_short_table)
{
  const guint total = 10 * RATE;
  CoreParams how = {.profile = "int8",.arithmetic = NPU_MEL_F32,
    .window = tables[__i__].positions,.hop = tables[__i__].step,
    .last = tables[__i__].last
  };
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GString *seen;
  GstHarness *h;
  GstClockTime window;
  gfloat *samples = make_samples (total);
  GPtrArray *want;
  GstStructure *stats;
  guint in_use = 0;

  use_table (tables[__i__].rows);
  if (tables[__i__].window != 0)
    g_object_set (element, "window-duration", tables[__i__].window, NULL);
  if (tables[__i__].hop != 0)
    g_object_set (element, "hop-duration", tables[__i__].hop, NULL);
  gst_util_set_object_arg (G_OBJECT (element), "context",
      tables[__i__].context);
  h = start_element (element, &seen);
  want = core_encode (&how, samples, total);
  push_audio (h, 0, total, 48000);
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < want->len; i++) {
    GstBuffer *buffer = gst_harness_pull (h);

    check_features (buffer, want, i);
    gst_buffer_unref (buffer);
  }
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), 0);
  g_object_get (h->element, "stats", &stats, "window-duration", &window, NULL);
  gst_structure_get_uint (stats, "window-positions", &in_use);
  fail_unless_equals_int (in_use, how.window);
  gst_structure_get_uint (stats, "hop-positions", &in_use);
  fail_unless_equals_int (in_use, how.hop);
  gst_structure_free (stats);
  /* the property says what was set, and its default else */
  fail_unless_equals_uint64 (window, tables[__i__].window != 0 ?
      tables[__i__].window : 30 * GST_SECOND);
  gst_harness_teardown (h);
  g_ptr_array_unref (want);
  g_free (samples);
  g_string_free (seen, TRUE);
  use_table (1500);
}

GST_END_TEST;

static const struct
{
  guint rows;
  GstClockTime window, hop;     /* 0: not set */
  GstClockTime cure;            /* a window-duration that works; 0: none does */
  const gchar *words[4];
} short_tables[] = {
  /* *INDENT-OFF* */
  {400, 8020 * GST_MSECOND, 0, 8 * GST_SECOND,
    {"window-duration, 8020 ms", "400 rows, 8000 ms", "=8000000000 or less",
      "unset"}},
  {400, 30 * GST_SECOND, 0, 8 * GST_SECOND,
    {"window-duration, 30000 ms", "400 rows, 8000 ms", "=8000000000 or less"}},
  {1499, 30 * GST_SECOND, 0, 29980 * GST_MSECOND,
    {"window-duration, 30000 ms", "1499 rows", "=29980000000 or less"}},
  {400, 0, 8020 * GST_MSECOND, 0,
    {"hop-duration, 8020 ms", "8000 ms with this model's short position"}},
  {49, 0, 0, 0, {"49 rows, 980 ms", "1 s at least, 50 rows", "another model"}},
  {49, 1 * GST_SECOND, 0, 0, {"49 rows", "another model"}},
  /* *INDENT-ON* */
};

/* What a short table cannot do is one error with the numbers and the cure. */
GST_START_TEST (test_short_table_refused)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error;

  use_table (short_tables[__i__].rows);
  gst_element_set_bus (element, bus);
  if (short_tables[__i__].window != 0)
    g_object_set (element, "window-duration", short_tables[__i__].window, NULL);
  if (short_tables[__i__].hop != 0)
    g_object_set (element, "hop-duration", short_tables[__i__].hop, NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_LIBRARY_ERROR,
          GST_LIBRARY_ERROR_SETTINGS), "%s", error->message);
  for (guint i = 0; i < 4 && short_tables[__i__].words[i] != NULL; i++)
    fail_unless (strstr (error->message, short_tables[__i__].words[i]), "%s",
        error->message);
  g_error_free (error);
  gst_message_unref (message);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_ERROR), 0);
  if (short_tables[__i__].cure != 0)
    g_object_set (element, "window-duration", short_tables[__i__].cure, NULL);
  else
    use_table (1500);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
  use_table (1500);
}

GST_END_TEST;

/* An element that opens for the first time tells of the shorter windows, and of
 * no others. */
GST_START_TEST (test_short_table_told)
{
  static const guint rows[] = { 400, 1500 };

  for (guint i = 0; i < 2; i++) {
    GstElement *element = gst_element_factory_make ("whispernpu", NULL);
    GstBus *bus = gst_bus_new ();

    use_table (rows[i]);
    gst_element_set_bus (element, bus);
    gst_element_set_state (element, GST_STATE_READY);
    fail_unless_equals_int (count_messages (bus, GST_MESSAGE_LATENCY), i == 0);
    gst_element_set_state (element, GST_STATE_NULL);
    gst_element_set_bus (element, NULL);
    gst_object_unref (bus);
    gst_object_unref (element);
  }
}

GST_END_TEST;

/* 30 s until the model is known, then less, which is told. */
GST_START_TEST (test_short_table_latency)
{
  GstHarness *h = gst_harness_new ("whispernpu");
  GstBus *bus = gst_bus_new ();

  gst_element_set_state (h->element, GST_STATE_NULL);
  use_table (400);
  gst_element_set_bus (h->element, bus);
  gst_pad_set_query_function (h->srcpad, live_query);
  check_latency (h, 32050 * GST_MSECOND, 60 * GST_SECOND);
  gst_element_set_state (h->element, GST_STATE_READY);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_LATENCY), 1);
  check_latency (h, 8 * GST_SECOND + 8 * GST_SECOND / 15 + 50 * GST_MSECOND,
      16 * GST_SECOND);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  use_table (1500);
}

GST_END_TEST;

static Suite *
windows_suite (void)
{
  Suite *s = suite_create ("windows");
  TCase *tc = tcase_create ("general");

  use_small_model ("windows-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_windows, 0, G_N_ELEMENTS (cases));
  tcase_add_loop_test (tc, test_trim, 0, G_N_ELEMENTS (trims));
  tcase_add_test (tc, test_no_trim_at_gap);
  tcase_add_test (tc, test_trim_at_segment_done);
  tcase_add_test (tc, test_flush_after_trim);
  tcase_add_test (tc, test_trim_refused);
  tcase_add_test (tc, test_hop_too_long);
  tcase_add_test (tc, test_latency);
  tcase_add_test (tc, test_skip_overlapping);
  tcase_add_loop_test (tc, test_short_table, 0, G_N_ELEMENTS (tables));
  tcase_add_loop_test (tc, test_short_table_refused, 0,
      G_N_ELEMENTS (short_tables));
  tcase_add_test (tc, test_short_table_told);
  tcase_add_test (tc, test_short_table_latency);
  return s;
}

GST_CHECK_MAIN (windows);
