/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element between two harness pads: what comes out for which audio and
 * which events, window by window. With a small random model. */

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"

GST_START_TEST (test_events_in_order)
{
  static const GstEventType want[] = { GST_EVENT_STREAM_START, GST_EVENT_CAPS,
    GST_EVENT_SEGMENT, GST_EVENT_GAP, GST_EVENT_TAG, GST_EVENT_EOS
  };
  GstHarness *h = start ();
  GstCaps *caps, *want_caps = gst_caps_from_string (OUT_CAPS);
  GstEvent *eos = gst_event_new_eos ();
  guint32 seqnum = gst_event_get_seqnum (eos);

  gst_harness_push_event (h, gst_event_new_tag (gst_tag_list_new_empty ()));
  gst_harness_push_event (h, eos);
  for (guint i = 0; i < G_N_ELEMENTS (want); i++) {
    GstEvent *event = gst_harness_pull_event (h);

    fail_unless (event != NULL);
    fail_unless_equals_string (GST_EVENT_TYPE_NAME (event),
        gst_event_type_get_name (want[i]));
    if (want[i] == GST_EVENT_CAPS) {
      gst_event_parse_caps (event, &caps);
      fail_unless (gst_caps_is_equal (caps, want_caps));
    }
    if (want[i] == GST_EVENT_EOS)
      fail_unless_equals_int (gst_event_get_seqnum (event), seqnum);
    gst_event_unref (event);
  }
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  gst_caps_unref (want_caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

static const guint eos_samples[] = { 1, 479999, 480000, 480001, 960000 };

GST_START_TEST (test_eos)
{
  guint total = eos_samples[__i__];
  GstHarness *h = start ();

  push_audio (h, 0, total, 48611);
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint at = 0; at < total; at += WINDOW) {
    GstBuffer *buffer = gst_harness_pull (h);
    guint n = MIN (WINDOW, total - at);

    check_buffer (buffer, at, n);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), at / 320);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET_END (buffer),
        at / 320 + (n + 319) / 320);
    fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (buffer), at == 0);
    gst_buffer_unref (buffer);
  }
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), 0);
  fail_unless_equals_uint64 (get_stat (h, "windows"), (total + WINDOW - 1) /
      WINDOW);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_chunking)
{
  static const guint chunks[] = { 500000, 160, 10007, 17 };
  guint want[2] = { 0, 0 };

  for (guint c = 0; c < G_N_ELEMENTS (chunks); c++) {
    GstHarness *h = start ();

    push_audio (h, 0, 500000, chunks[c]);
    gst_harness_push_event (h, gst_event_new_eos ());
    for (guint i = 0; i < 2; i++) {
      GstBuffer *buffer = gst_harness_pull (h);
      guint hash = hash_buffer (buffer);

      if (c == 0)
        want[i] = hash;
      fail_unless_equals_int (hash, want[i]);
      gst_buffer_unref (buffer);
    }
    gst_harness_teardown (h);
  }
  fail_unless (want[0] != want[1]);
}

GST_END_TEST;

/* Without time stamps the line starts with the segment and counts on. */
GST_START_TEST (test_no_pts)
{
  GstHarness *h = start ();
  GstSegment segment;
  const guint64 first = 5 * RATE;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = 5 * GST_SECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  for (guint i = 0; i < 10; i++) {
    GstBuffer *buffer = make_audio (i * 50000, 50000, RATE);

    GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
    gst_harness_push (h, buffer);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint at = 0; at < 500000; at += WINDOW) {
    GstBuffer *buffer = gst_harness_pull (h);

    check_buffer (buffer, first + at, MIN (WINDOW, 500000 - at));
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_discont)
{
  GstHarness *h = start ();
  GstBuffer *buffer = make_audio (16000, 16000, RATE);

  push_audio (h, 0, 16000, 16000);
  /* a flag alone costs nothing */
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  gst_harness_push (h, buffer);
  /* a jump by 8 s does */
  buffer = make_audio (160000, 8000, RATE);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  gst_harness_push (h, buffer);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 0, 32000);
  gst_buffer_unref (buffer);
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 160000, 8000);
  fail_unless (GST_BUFFER_IS_DISCONT (buffer));
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), 0);
  gst_buffer_unref (buffer);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 1);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_gap)
{
  GstHarness *h = start ();
  GstBuffer *buffer;
  GstEvent *event;
  GstClockTime pts, duration;

  gst_event_unref (wait_event (h, GST_EVENT_GAP));      /* the one for preroll */
  push_audio (h, 0, 16000, 16000);
  /* half a second is silence in the window */
  gst_harness_push_event (h, gst_event_new_gap (GST_SECOND, GST_SECOND / 2));
  push_audio (h, 24000, 16000, 16000);
  /* ten seconds end it */
  gst_harness_push_event (h, gst_event_new_gap (2500 * GST_MSECOND,
          10 * GST_SECOND));
  push_audio (h, 200000, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 0, 40000);
  gst_buffer_unref (buffer);
  event = wait_event (h, GST_EVENT_GAP);
  gst_event_parse_gap (event, &pts, &duration);
  fail_unless_equals_uint64 (pts, 2500 * GST_MSECOND);
  fail_unless_equals_uint64 (duration, 10 * GST_SECOND);
  gst_event_unref (event);
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 200000, 16000);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A short gap gives the same features as silence in buffers. */
GST_START_TEST (test_gap_is_silence)
{
  guint hash[2];

  for (guint i = 0; i < 2; i++) {
    GstHarness *h = start ();
    GstBuffer *buffer;

    push_audio (h, 0, 16000, 16000);
    if (i == 0) {
      gst_harness_push_event (h, gst_event_new_gap (GST_SECOND,
              GST_SECOND / 2));
    } else {
      buffer = make_audio (16000, 8000, RATE);
      gst_buffer_memset (buffer, 0, 0, 16000);
      gst_harness_push (h, buffer);
    }
    push_audio (h, 24000, 16000, 16000);
    gst_harness_push_event (h, gst_event_new_eos ());
    buffer = gst_harness_pull (h);
    hash[i] = hash_buffer (buffer);
    gst_buffer_unref (buffer);
    gst_harness_teardown (h);
  }
  fail_unless_equals_int (hash[0], hash[1]);
}

GST_END_TEST;

GST_START_TEST (test_caps_change)
{
  GstHarness *h = start ();
  GstCaps *caps = gst_caps_from_string (CAPS_48K);
  GstBuffer *buffer;

  push_audio (h, 0, 16000, 16000);
  fail_unless (gst_harness_push_event (h, gst_event_new_caps (caps)));
  gst_caps_unref (caps);
  gst_harness_push (h, make_audio (48000, 96000, 48000));
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 0, 48000);
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), 0);
  fail_unless_equals_uint64 (get_stat (h, "conversions"), 2);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* After EOS a new stream runs, even if it comes before the EOS went out. */
GST_START_TEST (test_new_stream)
{
  GstHarness *h = start ();
  GstSegment segment;
  GstBuffer *buffer;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  for (guint i = 0; i < 3; i++) {
    push_audio (h, 0, 16000, 16000);
    gst_harness_push_event (h, gst_event_new_eos ());
    gst_harness_push_event (h, gst_event_new_stream_start ("again"));
    gst_harness_push_event (h, gst_event_new_segment (&segment));
  }
  for (guint i = 0; i < 3; i++) {
    buffer = gst_harness_pull (h);
    check_buffer (buffer, 0, 16000);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Backwards: gaps instead of features, and one warning. */
GST_START_TEST (test_reverse)
{
  GstHarness *h = start ();
  GstSegment segment;
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GstEvent *event;
  GstClockTime pts;

  gst_element_set_bus (h->element, bus);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = -1.0;
  segment.stop = 10 * GST_SECOND;
  gst_event_unref (wait_event (h, GST_EVENT_GAP));
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  push_audio (h, 16000, 16000, 16000);
  push_audio (h, 0, 16000, 16000);
  for (guint i = 0; i < 2; i++) {
    event = wait_event (h, GST_EVENT_GAP);
    gst_event_parse_gap (event, &pts, NULL);
    fail_unless_equals_uint64 (pts, (1 - i) * GST_SECOND);
    gst_event_unref (event);
  }
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  fail_unless (message != NULL);
  gst_message_unref (message);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING) == NULL);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A GAP that does not say how long it is lies within the window that is being
 * filled: sent on at once it would overtake audio that came before it. */
GST_START_TEST (test_gap_in_window)
{
  GString *seen;
  GstHarness *h = start_recorded (&seen);
  GstBuffer *buffer;

  push_audio (h, 0, 16000, 16000);
  fail_unless (gst_harness_push_event (h, gst_event_new_gap (GST_SECOND,
              GST_CLOCK_TIME_NONE)));
  fail_unless (gst_harness_push_event (h, gst_event_new_gap (GST_SECOND, 0)));
  push_audio (h, 16000, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 0, 32000);
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_harness_teardown (h);
  /* the one GAP is that for preroll */
  check_record (seen, "SCsGBE");
}

GST_END_TEST;

/* Without EOS between them too, two streams share no window. */
GST_START_TEST (test_stream_change)
{
  GString *seen;
  GstHarness *h = start_recorded (&seen);
  GstBuffer *buffer;

  push_audio (h, 0, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_stream_start ("another"));
  push_segment (h);
  push_audio (h, 16000, 8000, 8000);
  /* the same stream once more, as after a link, changes nothing */
  gst_harness_push_event (h, gst_event_new_stream_start ("another"));
  push_segment (h);
  push_audio (h, 24000, 8000, 8000);
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < 2; i++) {
    buffer = gst_harness_pull (h);
    check_buffer (buffer, 16000 * i, 16000);
    fail_unless (GST_BUFFER_IS_DISCONT (buffer));
    gst_buffer_unref (buffer);
  }
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_harness_teardown (h);
  check_record (seen, "SCsGBSsSsBE");
}

GST_END_TEST;

GST_START_TEST (test_bytes_segment)
{
  GstHarness *h = start ();
  GstBus *bus = gst_bus_new ();
  GstSegment segment;
  GQuark domain = 0;
  gint code = -1;

  gst_element_set_bus (h->element, bus);
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  fail_unless_equals_int (gst_harness_push (h, make_audio (0, 160, RATE)),
      GST_FLOW_ERROR);
  fail_unless_equals_int (count_errors (bus, &domain, &code), 1);
  fail_unless (domain == GST_STREAM_ERROR);
  fail_unless_equals_int (code, GST_STREAM_ERROR_FORMAT);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Planes without the metadata that says where they are. */
GST_START_TEST (test_bad_audio)
{
  GstHarness *h = gst_harness_new ("whispernpu");
  GstBus *bus = gst_bus_new ();
  GQuark domain = 0;
  gint code = -1;

  gst_element_set_bus (h->element, bus);
  gst_harness_set_src_caps_str (h, "audio/x-raw, format=" GST_AUDIO_NE (S16)
      ", rate=16000, channels=2, channel-mask=(bitmask)3, "
      "layout=non-interleaved");
  fail_unless_equals_int (gst_harness_push (h, make_audio (0, 1600, RATE)),
      GST_FLOW_ERROR);
  fail_unless_equals_int (count_errors (bus, &domain, &code), 1);
  fail_unless (domain == GST_STREAM_ERROR);
  fail_unless_equals_int (code, GST_STREAM_ERROR_FAILED);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

static GstPadProbeReturn
count_query (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  GstQueryType type = GST_QUERY_TYPE (GST_PAD_PROBE_INFO_QUERY (info));

  if (type == GST_QUERY_ALLOCATION || type == GST_QUERY_DRAIN)
    ++ * (guint *) user;
  return GST_PAD_PROBE_OK;
}

/* Upstream hears nothing of what downstream wants for features, and downstream
 * is asked nothing about audio. */
GST_START_TEST (test_upstream_queries)
{
  GstHarness *h = start ();
  GstCaps *caps = gst_caps_from_string (CAPS);
  GstQuery *query = gst_query_new_allocation (caps, TRUE);
  guint asked = 0;

  gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM,
      count_query, &asked, NULL);
  fail_unless (gst_pad_peer_query (h->srcpad, query));
  fail_unless_equals_int (gst_query_get_n_allocation_pools (query), 0);
  fail_unless_equals_int (gst_query_get_n_allocation_params (query), 0);
  fail_unless (gst_query_find_allocation_meta (query, GST_AUDIO_META_API_TYPE,
          NULL));
  gst_query_unref (query);
  query = gst_query_new_drain ();
  fail_unless (gst_pad_peer_query (h->srcpad, query));
  gst_query_unref (query);
  gst_caps_unref (caps);
  gst_element_set_state (h->element, GST_STATE_NULL);
  fail_unless_equals_int (asked, 0);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Ten minutes: every window in its place, and no memory for those that are
 * gone. A window's log-mel is 940 kB, its features are 375. */
GST_START_TEST (test_long_stream)
{
  GstHarness *h = start ();
  guint64 early = 0, at = 0;

  for (guint i = 0; i < 20; i++) {
    guint64 end = MIN ((i + 1) * (guint64) WINDOW + 16000, 20 * WINDOW);
    GstBuffer *buffer;

    push_audio (h, at, end - at, 16000);
    at = end;
    if (i == 19)
      gst_harness_push_event (h, gst_event_new_eos ());
    buffer = gst_harness_pull (h);
    check_buffer (buffer, (guint64) i * WINDOW, WINDOW);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), i * 1500);
    gst_buffer_unref (buffer);
    if (i == 3)
      early = resident ();
  }
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (gst_harness_buffers_received (h), 20);
  fail_unless_equals_uint64 (get_stat (h, "windows"), 20);
  fail_unless_equals_uint64 (get_stat (h, "positions"), 30000);
  fail_unless_equals_uint64 (get_stat (h, "audio-time"), 600 * GST_SECOND);
  fail_unless_equals_uint64 (get_stat (h, "dropped"), 0);
  fail_unless (resident () < early + MAX_GROWTH_KB, "%" G_GUINT64_FORMAT
      " kB after 2 minutes, %" G_GUINT64_FORMAT " after 10", early,
      resident ());
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
stream_suite (void)
{
  Suite *s = suite_create ("stream");
  TCase *tc = tcase_create ("general");

  use_small_model ("stream-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_events_in_order);
  tcase_add_loop_test (tc, test_eos, 0, G_N_ELEMENTS (eos_samples));
  tcase_add_test (tc, test_chunking);
  tcase_add_test (tc, test_no_pts);
  tcase_add_test (tc, test_discont);
  tcase_add_test (tc, test_gap);
  tcase_add_test (tc, test_gap_is_silence);
  tcase_add_test (tc, test_gap_in_window);
  tcase_add_test (tc, test_caps_change);
  tcase_add_test (tc, test_new_stream);
  tcase_add_test (tc, test_stream_change);
  tcase_add_test (tc, test_long_stream);
  tcase_add_test (tc, test_reverse);
  tcase_add_test (tc, test_bytes_segment);
  tcase_add_test (tc, test_bad_audio);
  tcase_add_test (tc, test_upstream_queries);
  return s;
}

GST_CHECK_MAIN (stream);
