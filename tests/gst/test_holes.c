/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Holes in the audio that the time stamps alone tell of: a click after one
 * stands in the log-mel frame of its own time. With a small random model. */

#include "tests/gst/leaks.h"
#include "tests/gst/mel_eyes.h"

/* Fewer, where a sanitizer makes all of it slow. */
#define EVERY (IN_SANITIZER ? 7 : 1)

/* In the middle of a window, across its edge, from it on, up to it. */
enum
{ WITHIN, ACROSS, FROM_EDGE, TO_EDGE, N_PLACES };

typedef struct
{
  guint hole;                   /* ms */
  guint n_holes, place, rate;
  gboolean flagged, live, shaken;
} Marks;

static const guint holes[] = { 1, 20, 39, 41, 60, 300, 900, 999 };
static const guint hole_rates[] = { 8000, 16000, 44100, 48000 };

/* By how many ms a buffer's time stamp is off; never within a ms of the one
 * before, and 10 ms at most. */
static const gint shakes[] = { 0, 9, -7, 4, -9, 2, 8, -3, 10 };

static guint
first_hole (const Marks * marks)
{
  const guint starts[N_PLACES] = { 1500, 2000 - marks->hole / 2, 2000,
    2000 - marks->hole
  };

  return starts[marks->place];
}

/* Audio with a click at a frame's centre, in buffers of 20 ms. */
static guint
push_piece (GstHarness * h, const Marks * marks, guint from, guint to,
    guint * n)
{
  guint click = (from + 3 * FRAME_MS - 1) / FRAME_MS * FRAME_MS;

  for (guint at = from; at < to; at += CHUNK_MS) {
    GstBuffer *buffer = make_quiet (at, MIN (at + CHUNK_MS, to), marks->rate,
        click);

    if (at == from && marks->flagged)
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    if (marks->shaken && *n > 0)
      GST_BUFFER_PTS (buffer) += shakes[*n % G_N_ELEMENTS (shakes)] *
          (GstClockTimeDiff) GST_MSECOND;
    (*n)++;
    push (h, buffer);
  }
  return click;
}

/* Pieces of audio and the holes between them. Returns when the clicks are, in
 * ms. */
static GArray *
push_marks (GstHarness * h, const Marks * marks)
{
  GArray *clicks = g_array_new (FALSE, FALSE, sizeof (guint));
  guint from = 0, to = first_hole (marks), n = 0;

  gst_harness_set_live (h, marks->live);
  open_stream (h, marks->rate);
  for (guint i = 0; i <= marks->n_holes; i++) {
    guint click = push_piece (h, marks, from, to, &n);

    g_array_append_val (clicks, click);
    from = to + marks->hole;
    to = from + 400;
  }
  return clicks;
}

static void
check_marks (GstHarness * h, const Marks * marks)
{
  GArray *clicks = push_marks (h, marks), *found;
  GPtrArray *windows = close_stream (h);
  /* by how many ms the line is early; steps of 1 ms are taken for rounding */
  gint lag = 0;

  found = find_clicks ();
  fail_unless_equals_int (found->len, clicks->len);
  for (guint i = 0; i < clicks->len; i++) {
    gint at = g_array_index (clicks, guint, i);
    gint frame_at = g_array_index (found, guint, i) * FRAME_MS;

    if (i > 0)
      lag = marks->hole < 5 ? lag + marks->hole : 0;
    fail_unless (lag == 0 ? frame_at == at : ABS (frame_at - (at - lag)) <=
        FRAME_MS / 2, "%u holes of %u ms, place %u, %u Hz, flagged %d, live %d:"
        " click %u of %d ms is at %d ms", marks->n_holes, marks->hole,
        marks->place, marks->rate, marks->flagged, marks->live, i, at,
        frame_at);
  }
  g_array_unref (clicks);
  g_array_unref (found);
  g_ptr_array_unref (windows);
}

/* A click after each hole, one and many, in the frame of its time stamp. */
GST_START_TEST (test_marker)
{
  GstHarness *h = start_holes (0);
  guint n = 0;

  for (guint i = 0; i < 2 * 2 * 2 * N_PLACES * G_N_ELEMENTS (hole_rates);
      i += EVERY, n++) {
    const Marks marks = {.hole = holes[__i__],.n_holes = i % 2 ? 7 : 1,
      .flagged = i / 2 % 2,.live = i / 4 % 2,.place = i / 8 % N_PLACES,
      .rate = hole_rates[i / 8 / N_PLACES]
    };

    check_marks (h, &marks);
  }
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  g_print ("holes of %u ms: %u streams\n", holes[__i__], n);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Time stamps that shake by up to 10 ms: what is short stays jitter, and no
 * click is early by more than that and its own; from 60 ms on all are filled.
 * Without a hole nothing moves. */
GST_START_TEST (test_shaken)
{
  GstHarness *h = start_holes (0);
  Marks marks = {.hole = __i__ == 0 ? 0 : holes[__i__ - 1],.n_holes = 7,
    .place = WITHIN,.rate = RATE,.shaken = TRUE
  };
  GArray *clicks, *found;

  /* a second and the shaking would be too long */
  marks.hole = MIN (marks.hole, 970);
  clicks = push_marks (h, &marks);
  g_ptr_array_unref (close_stream (h));
  found = find_clicks ();
  fail_unless_equals_int (found->len, clicks->len);
  for (guint i = 0; i < clicks->len; i++) {
    gint early = (gint) g_array_index (clicks, guint, i) -
        (gint) g_array_index (found, guint, i) * FRAME_MS;

    fail_unless (marks.hole == 0 ? early == 0 : early >= -15 &&
        early <= (marks.hole < 60 ? 55 : 15), "hole of %u ms: click %u is %d "
        "ms early", marks.hole, i, early);
  }
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  if (marks.hole == 0)
    fail_unless_equals_uint64 (get_stat (h, "silence-time"), 0);
  g_array_unref (clicks);
  g_array_unref (found);
  gst_harness_teardown (h);
}

GST_END_TEST;

static const struct
{
  guint hole, before;           /* ms, buffers */
  guint silence;                /* ms */
  guint chunk;                  /* ms in a buffer */
} limits[] = {
  /* steady once eight kept to the ms, or all for a second */
  {20, 6, 0, 20}, {39, 6, 0, 20}, {40, 6, 40, 20}, {41, 6, 41, 20},
  {20, 7, 0, 20}, {20, 8, 20, 20}, {4, 50, 0, 20}, {5, 50, 5, 20},
  {1000, 50, 1000, 20}, {1000, 1, 1000, 20}, {1001, 50, 0, 20},
  {20, 1, 20, 1000}, {20, 1, 0, 999}, {5, 3, 5, 400}, {39, 2, 0, 400},
};

/* The shortest and the longest hole, to the ms. */
GST_START_TEST (test_limits)
{
  const guint hole = limits[__i__].hole;
  const guint chunk = limits[__i__].chunk;
  const guint to = limits[__i__].before * chunk;
  GstHarness *h = start_holes (0);

  open_stream (h, RATE);
  for (guint at = 0; at < to; at += chunk)
    push (h, make_quiet (at, at + chunk, RATE, 0));
  push (h, make_quiet (to + hole, to + hole + CHUNK_MS, RATE, 0));
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_uint64 (get_stat (h, "silence-time"),
      limits[__i__].silence * GST_MSECOND);
  fail_unless_equals_uint64 (get_stat (h, "audio-time"),
      (to + CHUNK_MS + limits[__i__].silence) * GST_MSECOND);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), hole > 1000);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A decoder whose first two time stamps overlap, as that of Opus, so that all
 * others are 6 ms before the line: the holes are filled, and after the first the
 * line is that of the time stamps. */
GST_START_TEST (test_overlap)
{
  GstHarness *h = start_holes (0);
  GstBuffer *buffer;
  GArray *found;

  open_stream (h, RATE);
  for (guint i = 0; i < 30; i++) {
    guint at = (i + (i >= 15) + (i >= 20)) * CHUNK_MS;

    buffer = make_quiet (at, at + CHUNK_MS, RATE, 616);
    if (i == 0)
      GST_BUFFER_PTS (buffer) += 6 * GST_MSECOND;
    push (h, buffer);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), 6 * GST_MSECOND);
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  found = find_clicks ();
  fail_unless_equals_int (found->len, 1);
  /* the line begins at 6 ms */
  fail_unless_equals_int (g_array_index (found, guint, 0), 61);
  fail_unless_equals_uint64 (get_stat (h, "silence-time"), 34 * GST_MSECOND);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  g_array_unref (found);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
holes_suite (void)
{
  Suite *s = suite_create ("holes");
  TCase *tc = tcase_create ("general");

  use_small_model ("holes-test.safetensors");
  open_eyes ();
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 300);
  tcase_add_unchecked_fixture (tc, register_element, NULL);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_marker, 0, G_N_ELEMENTS (holes));
  tcase_add_loop_test (tc, test_shaken, 0, G_N_ELEMENTS (holes) + 1);
  tcase_add_loop_test (tc, test_limits, 0, G_N_ELEMENTS (limits));
  tcase_add_test (tc, test_overlap);
  return s;
}

GST_CHECK_MAIN (holes);
