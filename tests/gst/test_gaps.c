/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time without audio: GAP events of any length, lost buffers, a source whose
 * clock drifts. Nothing that came is lost or moved, and no memory is kept. */

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"

/* The samples that the windows hold, in the order in which they were pushed. */
typedef struct
{
  guint64 samples;              /* so far */
  guint windows;
  GstClockTime last;            /* PTS of the last window */
} Seen;

/* Takes a window and says which sample it starts with. */
static guint64
see (Seen * seen, GstBuffer * buffer)
{
  guint64 first = seen->samples;
  GstClockTime pts = GST_BUFFER_PTS (buffer);

  /* a slow clock may set it back, where a new line begins */
  fail_unless (GST_BUFFER_IS_DISCONT (buffer) || pts > seen->last,
      "%" GST_TIME_FORMAT " after %" GST_TIME_FORMAT, GST_TIME_ARGS (pts),
      GST_TIME_ARGS (seen->last));
  seen->last = pts;
  seen->windows++;
  seen->samples += gst_util_uint64_scale_round (GST_BUFFER_DURATION (buffer),
      RATE, GST_SECOND);
  return first;
}

static GstHarness *
start_seconds (void)
{
  GstHarness *h = start_windows (GST_SECOND);

  gst_harness_set_src_caps_str (h, CAPS);
  return h;
}

static void
push_gap (GstHarness * h, GstClockTime pts, GstClockTime duration)
{
  fail_unless (gst_harness_push_event (h, gst_event_new_gap (pts, duration)));
}

/* ---- Events ---- */

/* Up to a second is silence in the window, a frame more ends it. */
GST_START_TEST (test_longest_silence)
{
  GString *seen;
  GstHarness *h = start_recorded (&seen);
  GstBuffer *buffer;
  const guint64 frames = RATE + __i__;
  const GstClockTime length = gst_util_uint64_scale_ceil (frames, GST_SECOND,
      RATE);

  push_audio (h, 0, RATE, RATE);
  push_gap (h, GST_SECOND, length);
  push_audio (h, RATE + frames, RATE, RATE);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 0, __i__ == 0 ? 3 * RATE : RATE);
  gst_buffer_unref (buffer);
  if (__i__ == 1) {
    buffer = gst_harness_pull (h);
    check_buffer (buffer, RATE + frames, RATE);
    fail_unless (GST_BUFFER_IS_DISCONT (buffer));
    gst_buffer_unref (buffer);
  }
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_harness_teardown (h);
  check_record (seen, __i__ == 0 ? "SCsGBE" : "SCsGBGBE");
}

GST_END_TEST;

/* A gap that goes on after the end of the segment is silence up to there. */
GST_START_TEST (test_until_stop)
{
  GstHarness *h = start_seconds ();
  GstBuffer *buffer;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.stop = 1500 * GST_MSECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  push_audio (h, 0, RATE + 1600, 1600);
  /* the second is all after it */
  push_gap (h, 1100 * GST_MSECOND, (__i__ + 1) * 900 * GST_MSECOND);
  push_gap (h, 2 * GST_SECOND, 500 * GST_MSECOND);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_buffer_unref (gst_harness_pull (h));
  buffer = gst_harness_pull (h);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), GST_SECOND);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), 500 * GST_MSECOND);
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET_END (buffer), 75);
  gst_buffer_unref (buffer);
  fail_unless_equals_uint64 (get_stat (h, "audio-time"), segment.stop);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A hundred gaps of lengths that are no whole frames are the silence that a
 * source would have sent: the same bits, and no frame too many or too few. */
GST_START_TEST (test_many_short)
{
  guint hash[2];

  for (guint events = 0; events < 2; events++) {
    GstHarness *h = start ();
    GstBuffer *buffer;

    for (guint i = 0; i < 100; i++) {
      /* audio, then nothing up to the next multiple of 33.3 ms */
      guint64 at = gst_util_uint64_scale_round (i, RATE, 30);
      guint64 next = gst_util_uint64_scale_round (i + 1, RATE, 30);
      GstClockTime end = gst_util_uint64_scale (i + 1, GST_SECOND, 30);

      fail_unless_equals_int (gst_harness_push (h, make_audio (at, 112, RATE)),
          GST_FLOW_OK);
      at += 112;
      if (events) {
        GstClockTime pts = gst_util_uint64_scale (at, GST_SECOND, RATE);

        push_gap (h, pts, end - pts);
      } else {
        buffer = make_audio (at, next - at, RATE);
        gst_buffer_memset (buffer, 0, 0, -1);
        fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
      }
    }
    gst_harness_push_event (h, gst_event_new_eos ());
    buffer = gst_harness_pull (h);
    /* the last gap ends at 3.33 s, between two frames */
    check_buffer (buffer, 0, 53333);
    hash[events] = hash_buffer (buffer);
    gst_buffer_unref (buffer);
    fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
    gst_harness_teardown (h);
  }
  fail_unless_equals_int (hash[0], hash[1]);
}

GST_END_TEST;

/* An hour of nothing costs nothing, ten times over. */
GST_START_TEST (test_hours)
{
  GString *seen;
  GstHarness *h = start_recorded (&seen);
  const guint64 hour = 3600 * RATE;
  guint64 early = 0;

  for (guint i = 0; i < 10; i++) {
    GstBuffer *buffer;
    GstEvent *event;
    GstClockTime pts, duration;

    push_audio (h, i * (hour + RATE), RATE, RATE);
    push_gap (h, (i * 3601 + 1) * GST_SECOND, 3600 * GST_SECOND);
    buffer = gst_harness_pull (h);
    check_buffer (buffer, i * (hour + RATE), RATE);
    fail_unless (GST_BUFFER_IS_DISCONT (buffer));
    gst_buffer_unref (buffer);
    do {
      event = wait_event (h, GST_EVENT_GAP);
      gst_event_parse_gap (event, &pts, &duration);
      gst_event_unref (event);
    } while (duration == 0);    /* the one for preroll */
    fail_unless_equals_uint64 (pts, (i * 3601 + 1) * GST_SECOND);
    fail_unless_equals_uint64 (duration, 3600 * GST_SECOND);
    if (i == 1)
      early = resident ();
  }
  fail_unless (resident () < early + MAX_GROWTH_KB, "%" G_GUINT64_FORMAT
      " kB after two gaps, %" G_GUINT64_FORMAT " after ten", early,
      resident ());
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_uint64 (get_stat (h, "windows"), 10);
  gst_harness_teardown (h);
  check_record (seen, "SCsGBGBGBGBGBGBGBGBGBGBGE");
}

GST_END_TEST;

/* Nothing but gaps: all go on, no window is made. */
GST_START_TEST (test_only_gaps)
{
  GString *seen;
  GstHarness *h = start_recorded (&seen);

  for (guint i = 0; i < 1000; i++)
    push_gap (h, i * GST_SECOND, GST_SECOND);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  fail_unless_equals_uint64 (get_stat (h, "windows"), 0);
  gst_harness_teardown (h);
  fail_unless_equals_int (seen->len, strlen ("SCsG") + 1000 + strlen ("E"));
  g_string_free (seen, TRUE);
}

GST_END_TEST;

static const struct
{
  GstClockTime pts, duration;
  guint samples;                /* of the window */
  const gchar *record;
} odd_gaps[] = {
  /* over already, and within what is there */
  {0, GST_SECOND / 2, 16000, "SCsGBE"},
  {GST_SECOND / 2, GST_SECOND / 4, 16000, "SCsGBE"},
  /* from the middle of the audio on: what is new of it is 100 ms */
  {GST_SECOND / 2, 600 * GST_MSECOND, 17600, "SCsGBE"},
  /* to the end of time, and beyond it */
  {GST_SECOND, G_MAXUINT64 - 1, 16000, "SCsGBGE"},
  {G_MAXUINT64 - 1, GST_SECOND, 16000, "SCsGBGE"},
  {G_MAXUINT64 - 1, G_MAXUINT64 - 1, 16000, "SCsGBGE"},
};

GST_START_TEST (test_odd)
{
  GString *seen;
  GstHarness *h = start_recorded (&seen);
  GstBuffer *buffer;

  push_audio (h, 0, RATE, RATE);
  push_gap (h, odd_gaps[__i__].pts, odd_gaps[__i__].duration);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 0, odd_gaps[__i__].samples);
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_harness_teardown (h);
  check_record (seen, odd_gaps[__i__].record);
}

GST_END_TEST;

/* ---- Buffers that do not come, and clocks that do not agree ---- */

#define CHUNK 320               /* 20 ms */

/* Where the time stamps put buffer i, and whether it comes at all. */
typedef struct
{
  const gchar *name;
  gint64 step_ns;               /* from buffer to buffer, by their PTS */
  guint lost;                   /* one of so many is; 0: none */
  gboolean flag;                /* DISCONT after a loss */
  GstClockTime off;             /* at most, of a window's PTS */
  guint resyncs, slack;         /* expected, about */
  GstClockTime silence;         /* in place of what did not come */
} Source;

/* Two minutes each. What is more than 40 ms late by its time stamp has silence
 * before it; what is more than 40 ms early is a jump when it has stayed for a
 * second, in which more is added to it. Losses are 20 ms of 200. */
static const Source sources[] = {
  {"exact", 20 * GST_MSECOND, 0, FALSE, 0, 0, 0, 0},
  {"1 % fast", 20200 * GST_USECOND, 0, FALSE, 41 * GST_MSECOND, 0, 0,
      1160 * GST_MSECOND},
  {"1 % slow", 19800 * GST_USECOND, 0, FALSE, 61 * GST_MSECOND, 23, 3, 0},
  {"100 ppm fast", 20002 * GST_USECOND, 0, FALSE, 41 * GST_MSECOND, 0, 0, 0},
  {"losses, flagged", 20 * GST_MSECOND, 10, TRUE, 0, 0, 0,
      599 * 20 * GST_MSECOND},
  {"losses", 20 * GST_MSECOND, 10, FALSE, 0, 0, 0, 599 * 20 * GST_MSECOND},
};

/* Where nothing is filled in: the time of the source's sample. */
static GstClockTime
time_of_sample (GArray * sent, guint64 sample)
{
  return g_array_index (sent, GstClockTime, MIN (sample / CHUNK,
          sent->len - 1)) + gst_util_uint64_scale (sample % CHUNK, GST_SECOND,
      RATE);
}

/* Each window's PTS is that of its first sample at the source, no sample is
 * lost, and the windows follow each other. Where silence is filled in, one line
 * goes to the end, and that is the source's. */
GST_START_TEST (test_source)
{
  const Source *source = &sources[__i__];
  GstHarness *h = start_seconds ();
  Seen seen = { 0, };
  GArray *sent = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  GstClockTime last, end = 0;
  guint64 resyncs;

  for (guint i = 0; i < 6000; i++) {
    GstClockTime pts = i * source->step_ns;
    GstBuffer *buffer;
    gboolean after = source->lost != 0 && i % source->lost == 0 && i > 0;

    if (source->lost != 0 && i % source->lost == source->lost - 1)
      continue;
    buffer = make_audio ((guint64) i * CHUNK, CHUNK, RATE);
    GST_BUFFER_PTS (buffer) = pts;
    if (after && source->flag)
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
    g_array_append_val (sent, pts);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  for (GstBuffer * buffer; (buffer = gst_harness_try_pull (h)) != NULL;) {
    guint64 first = see (&seen, buffer);
    GstClockTime want = source->silence != 0 ? (seen.windows - 1) *
        GST_SECOND : time_of_sample (sent, first);

    fail_unless (ABS (GST_CLOCK_DIFF (want, GST_BUFFER_PTS (buffer))) <=
        (gint64) (source->silence != 0 ? 0 : source->off),
        "%s: window %u is at %" GST_TIME_FORMAT ", its audio at %"
        GST_TIME_FORMAT, source->name, seen.windows,
        GST_TIME_ARGS (GST_BUFFER_PTS (buffer)), GST_TIME_ARGS (want));
    end = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer);
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_uint64 (get_stat (h, "silence-time"), source->silence);
  fail_unless_equals_uint64 (seen.samples, (guint64) sent->len * CHUNK +
      gst_util_uint64_scale (source->silence, RATE, GST_SECOND));
  last = g_array_index (sent, GstClockTime, sent->len - 1);
  fail_unless (ABS (GST_CLOCK_DIFF (last + 20 * GST_MSECOND, end)) <=
      (gint64) source->off, "%s: ends at %" GST_TIME_FORMAT, source->name,
      GST_TIME_ARGS (end));
  resyncs = get_stat (h, "resyncs");
  fail_unless (resyncs + source->slack >= source->resyncs &&
      resyncs <= source->resyncs + source->slack, "%s: %" G_GUINT64_FORMAT
      " resyncs", source->name, resyncs);
  g_array_unref (sent);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
gaps_suite (void)
{
  Suite *s = suite_create ("gaps");
  TCase *tc = tcase_create ("general");

  use_small_model ("gaps-test.safetensors");
  suite_add_tcase (s, tc);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_until_stop, 0, 2);
  tcase_add_loop_test (tc, test_longest_silence, 0, 2);
  tcase_add_test (tc, test_many_short);
  tcase_add_test (tc, test_hours);
  tcase_add_test (tc, test_only_gaps);
  tcase_add_loop_test (tc, test_odd, 0, G_N_ELEMENTS (odd_gaps));
  tcase_add_loop_test (tc, test_source, 0, G_N_ELEMENTS (sources));
  return s;
}

GST_CHECK_MAIN (gaps);
