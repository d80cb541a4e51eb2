/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who tells of a hole, and what else happens meanwhile, changes nothing: the
 * windows are the same, and what comes after stands at its own time. With a
 * small random model. */

#include "tests/gst/cosine.h"
#include "tests/gst/leaks.h"
#include "tests/gst/mel_eyes.h"

/* Silence that was sent, GAP events, buffers flagged GAP with noise in them or
 * without audio, and the time stamps alone. */
enum
{ SENT, EVENT, FLAGGED, EMPTY, STAMPS, STAMPS_FLAGGED, N_TELLERS };

typedef struct
{
  guint at, length;             /* ms */
} Hole;

/* Across an edge of windows, shorter than jitter, and a second, within the
 * 2.3 s that the clip has at 48 kHz. */
static const Hole told[] = {
  {300, 20}, {520, 40}, {740, 333}, {1100, 47}, {1200, 1000}, {2240, 6},
};

/* The clip's samples. (transfer full) */
static gint16 *
read_clip (gsize * n)
{
  gchar *data;
  gsize size;

  fail_unless (g_file_get_contents (TESTS_DATA "/librivox-sense-0870.wav",
          &data, &size, NULL));
  *n = (size - 44) / 2;
  memmove (data, data + 44, *n * 2);
  return (gint16 *) data;
}

/* A piece of the clip, as if it had been recorded at this rate. */
static GstBuffer *
make_speech (const gint16 * clip, guint from_ms, guint to_ms, guint rate)
{
  GstBuffer *buffer = make_quiet (from_ms, to_ms, rate, G_MAXUINT);

  gst_buffer_fill (buffer, 0, clip + frames_of (from_ms, rate),
      gst_buffer_get_size (buffer));
  return buffer;
}

static void
push_hole (GstHarness * h, const gint16 * clip, const Hole * hole, guint rate,
    guint teller)
{
  guint end = hole->at + hole->length;

  if (teller == EVENT)
    push_gap (h, hole->at, end, rate);
  for (guint at = hole->at; at < end && teller != EVENT; at += CHUNK_MS) {
    guint to = MIN (at + CHUNK_MS, end);
    GstBuffer *buffer = teller == FLAGGED ? make_speech (clip, at, to, rate) :
        make_quiet (at, to, rate, G_MAXUINT);

    if (teller == EMPTY)
      gst_buffer_set_size (buffer, 0);
    if (teller == FLAGGED || teller == EMPTY)
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_GAP);
    if (teller == EMPTY)
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DROPPABLE);
    if (teller >= STAMPS)
      gst_buffer_unref (buffer);
    else
      push (h, buffer);
  }
}

/* Speech up to `end` with holes in it. */
static void
push_speech (GstHarness * h, const gint16 * clip, guint end, guint rate,
    guint teller)
{
  guint at = 0;
  gboolean discont = FALSE;

  for (guint i = 0; i <= G_N_ELEMENTS (told); i++) {
    guint to = i < G_N_ELEMENTS (told) ? told[i].at : end;

    for (; at < to; at = MIN (at + CHUNK_MS, to)) {
      GstBuffer *buffer = make_speech (clip, at, MIN (at + CHUNK_MS, to), rate);

      if (discont && teller == STAMPS_FLAGGED)
        GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
      discont = FALSE;
      push (h, buffer);
    }
    if (i < G_N_ELEMENTS (told)) {
      push_hole (h, clip, &told[i], rate, teller);
      at += told[i].length;
      discont = TRUE;
    }
  }
}

static GPtrArray *
encode_speech (GstHarness * h, guint rate, guint teller)
{
  gsize n;
  gint16 *clip = read_clip (&n);

  open_stream (h, rate);
  push_speech (h, clip, n * 1000 / rate, rate, teller);
  g_free (clip);
  return close_stream (h);
}

static const struct
{
  guint rate;
  GstClockTime hop;
} tellings[] = {
  {8000, 0}, {16000, 0}, {44100, 0}, {48000, 0}, {16000, 300 * GST_MSECOND},
};

/* The same windows and the same bits. */
GST_START_TEST (test_tellers)
{
  const guint rate = tellings[__i__].rate;
  GstHarness *h = start_holes (tellings[__i__].hop);
  GPtrArray *want = encode_speech (h, rate, SENT);

  fail_unless (want->len > 2);
  for (guint teller = EVENT; teller < N_TELLERS; teller++) {
    GPtrArray *got = encode_speech (h, rate, teller);

    fail_unless_equals_int (got->len, want->len);
    for (guint i = 0; i < want->len; i++) {
      GstBuffer *a = want->pdata[i], *b = got->pdata[i];

      fail_unless (GST_BUFFER_PTS (a) == GST_BUFFER_PTS (b) &&
          GST_BUFFER_DURATION (a) == GST_BUFFER_DURATION (b) &&
          hash_buffer (a) == hash_buffer (b), "%u Hz, teller %u: window %u is "
          "another", rate, teller, i);
    }
    g_ptr_array_unref (got);
  }
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  g_ptr_array_unref (want);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* audiorate before the element fills the holes with its own silence. At 44.1 kHz,
 * where a frame has no whole ns, that is a frame less now and then, which the
 * small random model makes much of. */
GST_START_TEST (test_audiorate)
{
  const guint rate = tellings[__i__].rate;
  GstHarness *h = start_holes (0);
  GstHarness *filled = gst_harness_new_parse ("audiorate tolerance=1000000 "
      "! whispernpu window-duration=1000000000");
  GPtrArray *want = encode_speech (filled, rate, STAMPS);
  GPtrArray *got = encode_speech (h, rate, STAMPS);
  gdouble least = 1.0;

  fail_unless_equals_int (got->len, want->len);
  for (guint i = 0; i < want->len; i++) {
    fail_unless_equals_uint64 (GST_BUFFER_PTS (want->pdata[i]),
        GST_BUFFER_PTS (got->pdata[i]));
    least = MIN (least, least_cosine (want->pdata[i], got->pdata[i]));
  }
  g_print ("%u Hz after audiorate: least cosine %.9f\n", rate, least);
  fail_unless (least > (rate == 44100 ? 0.97 : 0.999999), "%u Hz: cosine %.9f",
      rate, least);
  g_ptr_array_unref (want);
  g_ptr_array_unref (got);
  gst_harness_teardown (filled);
  gst_harness_teardown (h);
}

GST_END_TEST;

static const struct
{
  gsize size;
  guint length;                 /* ms; 0: none is said */
  guint silence, audio;         /* ms */
} flags[] = {
  {9600, 300, 0, 1300}, {48000, 1500, 0, 2500}, {0, 300, 300, 1300},
  {0, 1000, 1000, 2000}, {0, 1500, 0, 1000}, {0, 0, 0, 1000},
};

/* At the end of the stream, where no time stamp tells of it: as much silence as
 * the buffer has, or without any what a GAP event would be. */
GST_START_TEST (test_flagged)
{
  GString *record_of_h;
  GstHarness *h = start_holes (0);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, flags[__i__].size, NULL);
  const gboolean is_long = flags[__i__].size == 0 && flags[__i__].length > 1000;
  GPtrArray *windows;

  open_stream (h, RATE);
  gst_event_unref (wait_event (h, GST_EVENT_GAP));      /* the one for preroll */
  record_of_h = record (h);
  push (h, make_quiet (0, 1000, RATE, G_MAXUINT));
  gst_buffer_memset (buffer, 0, 0x5a, -1);
  GST_BUFFER_PTS (buffer) = GST_SECOND;
  if (flags[__i__].length != 0)
    GST_BUFFER_DURATION (buffer) = flags[__i__].length * GST_MSECOND;
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_GAP);
  push (h, buffer);
  windows = close_stream (h);
  fail_unless_equals_int (strchr (record_of_h->str, 'G') != NULL, is_long);
  fail_unless_equals_uint64 (get_stat (h, "silence-time"),
      flags[__i__].silence * GST_MSECOND);
  fail_unless_equals_uint64 (get_stat (h, "audio-time"),
      flags[__i__].audio * GST_MSECOND);
  g_ptr_array_unref (windows);
  gst_harness_teardown (h);
  g_string_free (record_of_h, TRUE);
}

GST_END_TEST;

/* ---- In the midst of something else ---- */

/* The only click of the stream is at 1.7 s, after `silence` ms. */
static void
finish_click (GstHarness * h, guint rate, guint silence)
{
  GPtrArray *windows;
  GArray *found;

  push (h, make_quiet (1500, 2000, rate, 1700));
  windows = close_stream (h);
  found = find_clicks ();
  fail_unless_equals_int (found->len, 1);
  fail_unless_equals_int (g_array_index (found, guint, 0) * FRAME_MS, 1700);
  fail_unless_equals_int (windows->len, 2);
  fail_unless_equals_uint64 (get_stat (h, "audio-time"), 2 * GST_SECOND);
  fail_unless_equals_uint64 (get_stat (h, "silence-time"), silence *
      GST_MSECOND);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  g_ptr_array_unref (windows);
  g_array_unref (found);
  gst_harness_teardown (h);
}

static const struct
{
  guint gaps[2][2];             /* ms, from and to */
} parts[] = {
  {{{1000, 1200}}}, {{{1200, 1500}}}, {{{1000, 1200}, {1100, 1400}}},
  {{{1000, 1500}, {1000, 1500}}}, {{{800, 1300}, {900, 1100}}},
};

/* A hole of which events tell a part, or a part twice, is filled once. */
GST_START_TEST (test_told_in_part)
{
  GstHarness *h = start_holes (0);

  open_stream (h, RATE);
  push (h, make_quiet (0, 1000, RATE, G_MAXUINT));
  for (guint i = 0; i < 2; i++)
    if (parts[__i__].gaps[i][1] != 0)
      push_gap (h, parts[__i__].gaps[i][0], parts[__i__].gaps[i][1], RATE);
  finish_click (h, RATE, 500);
}

GST_END_TEST;

/* Another rate after the hole, or from its middle on. */
GST_START_TEST (test_new_caps)
{
  GstHarness *h = start_holes (0);
  const guint rate = __i__ % 2 == 0 ? 8000 : 48000;

  open_stream (h, 16000);
  push (h, make_quiet (0, 1000, 16000, G_MAXUINT));
  if (__i__ >= 2)
    push_gap (h, 1000, 1200, RATE);
  set_rate (h, rate);
  finish_click (h, rate, 500);
}

GST_END_TEST;

/* The end of the segment's first second is cut off: the hole is that longer. */
GST_START_TEST (test_clipped)
{
  GstHarness *h = start_holes (0);
  GstSegment segment;
  GPtrArray *windows;

  open_stream (h, RATE);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 500 * GST_MSECOND;
  segment.stop = 1700 * GST_MSECOND;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  push (h, make_quiet (0, 400, RATE, G_MAXUINT));
  push (h, make_quiet (400, 800, RATE, G_MAXUINT));
  push (h, make_quiet (1100, 1500, RATE, G_MAXUINT));
  push (h, make_quiet (1600, 2000, RATE, G_MAXUINT));
  push (h, make_quiet (2100, 2200, RATE, G_MAXUINT));
  windows = close_stream (h);
  fail_unless_equals_int (windows->len, 2);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (windows->pdata[0]),
      500 * GST_MSECOND);
  fail_unless_equals_uint64 (get_stat (h, "silence-time"), 400 * GST_MSECOND);
  fail_unless_equals_uint64 (get_stat (h, "audio-time"), 1200 * GST_MSECOND);
  g_ptr_array_unref (windows);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* None before the first audio of a stream, nor of a segment: there the line
 * starts with it, at its own time. */
GST_START_TEST (test_start)
{
  GstHarness *h = start_holes (0);
  GstSegment segment;
  GstBuffer *buffer;

  open_stream (h, RATE);
  push (h, make_quiet (300, 700, RATE, G_MAXUINT));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 700 * GST_MSECOND;
  segment.base = 700 * GST_MSECOND;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  push (h, make_quiet (900, 1000, RATE, G_MAXUINT));
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < 2; i++) {
    buffer = gst_harness_pull (h);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), (i == 0 ? 300 : 900) *
        GST_MSECOND);
    fail_unless (GST_BUFFER_IS_DISCONT (buffer));
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_uint64 (get_stat (h, "silence-time"), 0);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
tellers_suite (void)
{
  Suite *s = suite_create ("tellers");
  TCase *tc = tcase_create ("general");

  use_small_model ("tellers-test.safetensors");
  open_eyes ();
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_unchecked_fixture (tc, register_element, NULL);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_tellers, 0, G_N_ELEMENTS (tellings));
  tcase_add_loop_test (tc, test_audiorate, 0, G_N_ELEMENTS (tellings) - 1);
  tcase_add_loop_test (tc, test_flagged, 0, G_N_ELEMENTS (flags));
  tcase_add_loop_test (tc, test_told_in_part, 0, G_N_ELEMENTS (parts));
  tcase_add_loop_test (tc, test_new_caps, 0, 4);
  tcase_add_test (tc, test_clipped);
  tcase_add_test (tc, test_start);
  return s;
}

GST_CHECK_MAIN (tellers);
