/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The time line: what is missing is counted on, what jitters is smoothed, what
 * jumps ahead is silence, what jumps back starts a new line, and nothing drifts.
 * With a small random model. */

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"

/* One second windows: all of this is about times, not features. */
static GstHarness *
start_seconds (void)
{
  GstHarness *h = start_windows (GST_SECOND);

  gst_harness_set_src_caps_str (h, CAPS);
  return h;
}

static void
push_at (GstHarness * h, guint64 at, gsize n, GstClockTime pts)
{
  GstBuffer *buffer = make_audio (at, n, RATE);

  GST_BUFFER_PTS (buffer) = pts;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
}

static void
finish_seconds (GstHarness * h)
{
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
}

static void
check_next (GstHarness * h, GstClockTime pts, guint64 offset, gboolean discont)
{
  GstBuffer *buffer = gst_harness_try_pull (h);

  fail_unless (buffer != NULL);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), pts);
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), offset);
  fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (buffer), discont);
  gst_buffer_unref (buffer);
}

/* Only one buffer in ten says when it is: the others follow each other. */
GST_START_TEST (test_some_pts)
{
  GstHarness *h = start_seconds ();

  for (guint i = 0; i < 100; i++)
    push_at (h, i * 1600, 1600, i % 10 == 0 ?
        (7 + i / 10) * GST_SECOND : (gint64) GST_CLOCK_TIME_NONE);
  finish_seconds (h);
  for (guint i = 0; i < 10; i++)
    check_next (h, (7 + i) * GST_SECOND, 50 * i, i == 0);
  fail_unless (gst_harness_try_pull (h) == NULL);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  gst_harness_teardown (h);
}

GST_END_TEST;

static const gint few_rates[] = { 1000, 8000, 16000, 44100, 48000, 96000 };

/* So little that the resampler has kept all of it. At the end of the stream it
 * is a window, and a new segment's time line does not begin with it. */
GST_START_TEST (test_few_frames)
{
  gint rate = few_rates[__i__];
  gchar *caps = g_strdup_printf ("audio/x-raw, format=" GST_AUDIO_NE (S16)
      ", rate=%d, channels=1, layout=interleaved", rate);
  GstHarness *h = start_windows (GST_SECOND);
  guint few = MAX (rate / 2000, 1);
  GstSegment segment;
  GstBuffer *buffer;

  gst_harness_set_src_caps_str (h, caps);
  fail_unless_equals_int (gst_harness_push (h, make_audio (0, few, rate)),
      GST_FLOW_OK);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 10 * GST_SECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  buffer = make_audio (0, few, rate);
  GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  finish_seconds (h);
  check_next (h, 0, 0, TRUE);
  check_next (h, 10 * GST_SECOND, 0, TRUE);
  fail_unless (gst_harness_try_pull (h) == NULL);
  gst_harness_teardown (h);
  g_free (caps);
}

GST_END_TEST;

/* A buffer without a time after a jump belongs to the new line. */
GST_START_TEST (test_no_pts_after_jump)
{
  GstHarness *h = start_seconds ();
  GstBuffer *buffer = make_audio (0, 8000, RATE);

  push_at (h, 0, 16000, 0);
  GST_BUFFER_PTS (buffer) = 100 * GST_SECOND;
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  push_at (h, 8000, 8000, GST_CLOCK_TIME_NONE);
  push_at (h, 16000, 16000, GST_CLOCK_TIME_NONE);
  finish_seconds (h);
  check_next (h, 0, 0, TRUE);
  check_next (h, 100 * GST_SECOND, 0, TRUE);
  check_next (h, 101 * GST_SECOND, 50, FALSE);
  fail_unless (gst_harness_try_pull (h) == NULL);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Time stamps that are up to 30 ms off in turns, as of a sound card, then stay
 * 30 ms late: no window is cut short, and the line is that of the samples. */
GST_START_TEST (test_jitter)
{
  GstHarness *h = start_seconds ();

  for (guint i = 0; i < 100; i++)
    push_at (h, i * 1600, 1600, GST_SECOND + i * 100 * GST_MSECOND +
        (i < 50 ? i * 7 % 61 : 60) * GST_MSECOND - (i == 0 ? 0 :
            30 * GST_MSECOND));
  finish_seconds (h);
  for (guint i = 0; i < 10; i++)
    check_next (h, (1 + i) * GST_SECOND, 50 * i, i == 0);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A jump of a fifth of a second that stays is that much silence, at once. */
GST_START_TEST (test_jump_stays)
{
  GstHarness *h = start_seconds ();

  for (guint i = 0; i < 100; i++)
    push_at (h, i * 1600, 1600, i * 100 * GST_MSECOND + (i < 45 ? 0 :
            200 * GST_MSECOND));
  finish_seconds (h);
  for (guint i = 0; i < 11; i++)
    check_next (h, i * GST_SECOND, 50 * i, i == 0);
  fail_unless (gst_harness_try_pull (h) == NULL);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  fail_unless_equals_uint64 (get_stat (h, "silence-time"), 200 * GST_MSECOND);
  fail_unless_equals_uint64 (get_stat (h, "audio-time"), 10200 * GST_MSECOND);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* One buffer that is a fifth of a second ahead: it is taken at its word, and
 * what follows is a jump back that stays. */
GST_START_TEST (test_jump_goes)
{
  GstHarness *h = start_seconds ();

  for (guint i = 0; i < 50; i++)
    push_at (h, i * 1600, 1600, i * 100 * GST_MSECOND + (i == 25 ?
            200 * GST_MSECOND : 0));
  finish_seconds (h);
  for (guint i = 0; i < 4; i++)
    check_next (h, i * GST_SECOND, 50 * i, i == 0);
  /* a second after the first that was back, at 2.6 s */
  check_next (h, 3600 * GST_MSECOND, 0, TRUE);
  check_next (h, 4600 * GST_MSECOND, 50, FALSE);
  fail_unless (gst_harness_try_pull (h) == NULL);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 1);
  fail_unless_equals_uint64 (get_stat (h, "silence-time"), 200 * GST_MSECOND);
  gst_harness_teardown (h);
}

GST_END_TEST;

static const struct
{
  guint jump;                   /* ms */
  gboolean flagged;
  guint waited;                 /* ms until the new line; 9999: no new line */
} back[] = {
  {39, FALSE, 9999}, {39, TRUE, 9999}, {40, FALSE, 9999}, {40, TRUE, 9999},
  {41, FALSE, 1000}, {41, TRUE, 0}, {300, FALSE, 1000}, {300, TRUE, 0},
  {999, FALSE, 1000}, {999, TRUE, 0}, {1000, FALSE, 0}, {1500, TRUE, 0},
};

/* Jumps back end the window: with a flag or from a second on at once, else
 * when they have stayed for a second. */
GST_START_TEST (test_jump_back)
{
  const GstClockTime jump = back[__i__].jump * GST_MSECOND;
  const GstClockTime waited = back[__i__].waited * GST_MSECOND;
  GstHarness *h = start_seconds ();
  GstBuffer *buffer;
  GstClockTime begin = 0;

  for (guint i = 0; i < 50; i++) {
    buffer = make_audio (i * 1600, 1600, RATE);
    if (i >= 20)
      GST_BUFFER_PTS (buffer) -= jump;
    if (i == 20 && back[__i__].flagged)
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  }
  finish_seconds (h);
  while ((buffer = gst_harness_try_pull (h)) != NULL) {
    if (GST_BUFFER_IS_DISCONT (buffer))
      begin = GST_BUFFER_PTS (buffer);
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_uint64 (begin, back[__i__].waited == 9999 ? 0 :
      2 * GST_SECOND - jump + waited);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"),
      back[__i__].waited != 9999);
  fail_unless_equals_uint64 (get_stat (h, "silence-time"), 0);
  fail_unless_equals_uint64 (get_stat (h, "audio-time"), 5 * GST_SECOND);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Half a second that is a fifth of one back, and that again later: neither
 * stays. */
GST_START_TEST (test_jump_back_goes)
{
  GstHarness *h = start_seconds ();

  for (guint i = 0; i < 50; i++)
    push_at (h, i * 1600, 1600, i * 100 * GST_MSECOND - (i >= 20 &&
            i % 20 < 5 ? 200 * GST_MSECOND : 0));
  finish_seconds (h);
  for (guint i = 0; i < 5; i++)
    check_next (h, i * GST_SECOND, 50 * i, i == 0);
  fail_unless (gst_harness_try_pull (h) == NULL);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  fail_unless_equals_uint64 (get_stat (h, "silence-time"), 0);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* With a new format it is another source: a jump back counts at once. */
GST_START_TEST (test_jump_back_format)
{
  GstHarness *h = start_seconds ();
  GstCaps *caps = gst_caps_from_string (CAPS_48K);
  GstBuffer *buffer = make_audio (0, 48000, 48000);

  push_audio (h, 0, 16000, 1600);
  fail_unless (gst_harness_push_event (h, gst_event_new_caps (caps)));
  GST_BUFFER_PTS (buffer) = 800 * GST_MSECOND;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  finish_seconds (h);
  check_next (h, 0, 0, TRUE);
  check_next (h, 800 * GST_MSECOND, 0, TRUE);
  fail_unless (gst_harness_try_pull (h) == NULL);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 1);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A segment that says only where it stands now ends no window; one with
 * another base does. */
GST_START_TEST (test_segment_update)
{
  GstHarness *h = start_seconds ();
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  push_at (h, 0, 8000, 0);
  segment.position = GST_SECOND / 2;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  push_at (h, 8000, 16000, GST_SECOND / 2);
  segment.base = 5 * GST_SECOND;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  push_at (h, 24000, 8000, 1500 * GST_MSECOND);
  finish_seconds (h);
  check_next (h, 0, 0, TRUE);
  check_next (h, GST_SECOND, 50, FALSE);
  check_next (h, 1500 * GST_MSECOND, 0, TRUE);
  fail_unless (gst_harness_try_pull (h) == NULL);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* What lies outside the segment is cut off before it is counted. */
GST_START_TEST (test_segment_clips)
{
  GstHarness *h = start_seconds ();
  GstSegment segment;
  GstBuffer *buffer;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 1250 * GST_MSECOND;
  segment.stop = 2750 * GST_MSECOND;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  push_audio (h, 0, 4 * RATE, 16000);
  finish_seconds (h);
  check_next (h, 1250 * GST_MSECOND, 0, TRUE);
  buffer = gst_harness_pull (h);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), 2250 * GST_MSECOND);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), GST_SECOND / 2);
  gst_buffer_unref (buffer);
  fail_unless (gst_harness_try_pull (h) == NULL);
  gst_harness_teardown (h);
}

GST_END_TEST;

static const gint odd_rates[] = { 44100, 11025, 22050, 7350 };

/* Ten minutes in buffers whose length in ns is never whole: the PTS that upstream
 * rounds down each time never make the line drift. */
GST_START_TEST (test_rounded_pts)
{
  const guint rate = odd_rates[__i__];
  GstHarness *h = start_seconds ();
  gchar *caps = g_strdup_printf ("audio/x-raw, format=" GST_AUDIO_NE (S16)
      ", rate=%u, channels=1, layout=interleaved", rate);
  guint64 at = 0, n = 0;

  gst_harness_set_src_caps_str (h, caps);
  while (at < 600 * (guint64) rate) {
    GstBuffer *buffer = make_audio (at, 1009, rate);

    fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
    at += 1009;
    for (; (buffer = gst_harness_try_pull (h)) != NULL; n++) {
      fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), n * GST_SECOND);
      fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), GST_SECOND);
      fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), n * 50);
      gst_buffer_unref (buffer);
    }
  }
  finish_seconds (h);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  fail_unless_equals_uint64 (get_stat (h, "audio-time"),
      gst_util_uint64_scale (gst_util_uint64_scale_round (at, RATE, rate),
          GST_SECOND, RATE));
  g_free (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
time_suite (void)
{
  Suite *s = suite_create ("time");
  TCase *tc = tcase_create ("general");

  use_small_model ("time-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_some_pts);
  tcase_add_loop_test (tc, test_few_frames, 0, G_N_ELEMENTS (few_rates));
  tcase_add_test (tc, test_no_pts_after_jump);
  tcase_add_test (tc, test_jitter);
  tcase_add_test (tc, test_jump_stays);
  tcase_add_test (tc, test_jump_goes);
  tcase_add_loop_test (tc, test_jump_back, 0, G_N_ELEMENTS (back));
  tcase_add_test (tc, test_jump_back_goes);
  tcase_add_test (tc, test_jump_back_format);
  tcase_add_test (tc, test_segment_update);
  tcase_add_test (tc, test_segment_clips);
  tcase_add_loop_test (tc, test_rounded_pts, 0, G_N_ELEMENTS (odd_rates));
  return s;
}

GST_CHECK_MAIN (time);
