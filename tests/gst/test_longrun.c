/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A day and longer, by the time stamps: nothing drifts, nothing is negative, no
 * memory is kept. The time line alone counts all of a day's buffers; the
 * element sees an hour of audio (WHISPERNPU_TEST_HOURS for more) and jumps over
 * the rest. */

#include <stdlib.h>

#include "gst/audioinput.h"
#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"

GST_DEBUG_CATEGORY (gst_whisper_npu_debug);

#define DAY (24 * 3600)

/* A quarter, where a sanitizer keeps the memory that this asks for. */
#define WINDOWS_AN_HOUR (IN_SANITIZER ? 6 : 120)

#define LOW_CAPS "audio/x-raw, format=" GST_AUDIO_NE (S16) ", rate=1000, " \
    "channels=1, layout=interleaved"

/* 2^62 ns are 146 years; the last is two days before what is refused. */
static const GstClockTime starts[] = {
  0, G_GUINT64_CONSTANT (1) << 62, G_MAXINT64 - 2 * DAY * GST_SECOND,
};

/* ---- The time line ---- */

static const gint rates[] = { 8000, 11025, 16000, 44100, 48000, 192000 };

static void
check_day (GstClockTime start, gint rate, gint other)
{
  GstNpuAudioInput *input = gst_npu_audio_input_new ();
  GstAudioInfo info;
  const guint frames = rate + 7;
  guint64 n = 0;

  gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_S16, rate, 1, NULL);
  fail_unless (gst_npu_audio_input_set_info (input, &info));
  /* a little more than a second: few time stamps are whole ns */
  for (guint64 at = 0; at < (guint64) DAY * rate; at += frames, n++) {
    GstClockTime pts = start + gst_util_uint64_scale (at, GST_SECOND, rate);
    gboolean placed;

    if (other != 0 && n % 100 == 99) {
      /* another format and back, as a player between two songs */
      gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_S16, other, 1, NULL);
      fail_unless (gst_npu_audio_input_set_info (input, &info));
      gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_S16, rate, 1, NULL);
      fail_unless (gst_npu_audio_input_set_info (input, &info));
    }
    placed = gst_npu_audio_input_place (input, pts, 0, n == 0, frames);
    fail_unless (placed == (n == 0), "%d Hz, buffer %" G_GUINT64_FORMAT
        ": a jump", rate, n);
    if (placed)
      gst_npu_audio_input_resync (input);
  }
  /* of 100 ms after the end there is exactly that much to fill */
  fail_unless_equals_uint64 (gst_npu_audio_input_frames_until (input, start +
          gst_util_uint64_scale_ceil (n * frames + rate / 10, GST_SECOND,
              rate)), rate / 10);
  for (guint64 i = 0; i <= DAY; i += 997)
    fail_unless_equals_uint64 (gst_npu_audio_input_time (input, i * RATE),
        start + i * GST_SECOND);
  gst_npu_audio_input_free (input);
}

GST_START_TEST (test_time_line)
{
  for (guint s = 0; s < G_N_ELEMENTS (starts); s++)
    check_day (starts[s], rates[__i__], 0);
  check_day (0, rates[__i__], rates[(__i__ + 1) % G_N_ELEMENTS (rates)]);
}

GST_END_TEST;

/* ---- The element ---- */

static GstHarness *
start_at (GstClockTime start, GstClockTime base)
{
  GstHarness *h = gst_harness_new ("whispernpu");
  GstCaps *caps = gst_caps_from_string (LOW_CAPS);
  GstSegment segment;

  g_object_set (h->element, "post-messages", TRUE, NULL);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = start;
  segment.base = base;
  gst_harness_push_event (h, gst_event_new_stream_start ("long"));
  gst_harness_push_event (h, gst_event_new_caps (caps));
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  gst_caps_unref (caps);
  return h;
}

/* A second of it, at 1 kHz. */
static void
push_second (GstHarness * h, GstClockTime start, guint64 number)
{
  GstBuffer *buffer = make_audio (number * 1000, 1000, 1000);

  GST_BUFFER_PTS (buffer) += start;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
}

static guint
get_hours (void)
{
  const gchar *hours = g_getenv ("WHISPERNPU_TEST_HOURS");

  return hours != NULL ? atoi (hours) : 1;
}

/* Every window of an hour in its place, to the ns. */
GST_START_TEST (test_hour)
{
  const GstClockTime start = starts[__i__];
  const guint n_windows = get_hours () * WINDOWS_AN_HOUR;
  GstHarness *h = start_at (start, 0);
  guint64 early = 0, done = 0;

  for (guint w = 0; w < n_windows; w++) {
    GstBuffer *buffer;

    /* the resampler and the last frame need a little of what comes next */
    for (; done < 30 * (w + 1) + 1 && done < 30 * n_windows; done++)
      push_second (h, start, done);
    if (w == n_windows - 1)
      gst_harness_push_event (h, gst_event_new_eos ());
    buffer = gst_harness_pull (h);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), start + w *
        (30 * GST_SECOND));
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), 30 * GST_SECOND);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), w *
        G_GUINT64_CONSTANT (1500));
    fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (buffer), w == 0);
    gst_buffer_unref (buffer);
    if (w == MIN (20, n_windows / 2))
      early = resident ();
  }
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (gst_harness_buffers_received (h), n_windows);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  fail_unless (resident () < early + MAX_GROWTH_KB, "%" G_GUINT64_FORMAT
      " kB after ten minutes, %" G_GUINT64_FORMAT " at the end", early,
      resident ());
  g_print ("%u windows from %" GST_TIME_FORMAT ": %" G_GINT64_FORMAT
      " kB more than after ten minutes\n", n_windows, GST_TIME_ARGS (start),
      (gint64) resident () - (gint64) early);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A second of audio an hour, for a day: GAPs are all that is between. */
GST_START_TEST (test_day_of_gaps)
{
  const GstClockTime start = starts[__i__];
  GstHarness *h = start_at (start, 0);

  for (guint hour = 0; hour < 24; hour++) {
    GstClockTime pts = start + hour * (3600 * GST_SECOND);
    GstBuffer *buffer;

    push_second (h, start, hour * 3600);
    gst_harness_push_event (h, gst_event_new_gap (pts + GST_SECOND,
            3599 * GST_SECOND));
    buffer = gst_harness_pull (h);
    fail_unless (buffer != NULL);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), pts);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), GST_SECOND);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), 0);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

/* What running time the messages have; NONE where there is none. */
static GstClockTime
message_time (GstBus * bus)
{
  GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);
  const GstStructure *structure;
  guint64 time = GST_CLOCK_TIME_NONE;

  fail_unless (message != NULL);
  structure = gst_message_get_structure (message);
  gst_structure_get_uint64 (structure, "running-time", &time);
  gst_message_unref (message);
  return time;
}

static const GstClockTime bases[] = {
  0, G_GUINT64_CONSTANT (1) << 62, G_MAXUINT64 - 100 * GST_SECOND,
};

/* A segment that starts at almost the end of all running time: it goes on as
 * it is, and the messages' running time is the base and what has passed. */
GST_START_TEST (test_base)
{
  const GstClockTime base = bases[__i__];
  GstHarness *h = start_at (GST_SECOND, base);
  GstBus *bus = gst_bus_new ();
  GstEvent *event;
  const GstSegment *segment;

  gst_element_set_bus (h->element, bus);
  event = wait_event (h, GST_EVENT_SEGMENT);
  gst_event_parse_segment (event, &segment);
  fail_unless_equals_uint64 (segment->base, base);
  gst_event_unref (event);
  for (guint i = 0; i < 61; i++)
    push_second (h, GST_SECOND, i);
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < 3; i++) {
    GstBuffer *buffer = gst_harness_pull (h);

    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), (1 + 30 * i) *
        GST_SECOND);
    gst_buffer_unref (buffer);
    fail_unless_equals_uint64 (message_time (bus), base + i * (30 *
            GST_SECOND));
  }
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
longrun_suite (void)
{
  Suite *s = suite_create ("longrun");
  TCase *tc = tcase_create ("general");

  use_small_model ("longrun-test.safetensors");
  GST_DEBUG_CATEGORY_INIT (gst_whisper_npu_debug, "test", 0, "element");
  suite_add_tcase (s, tc);
  watch_leaks (tc);
  tcase_set_timeout (tc, 60 + 120 * get_hours ());
  tcase_add_loop_test (tc, test_time_line, 0, G_N_ELEMENTS (rates));
  tcase_add_loop_test (tc, test_hour, 0, G_N_ELEMENTS (starts));
  tcase_add_loop_test (tc, test_day_of_gaps, 0, G_N_ELEMENTS (starts));
  tcase_add_loop_test (tc, test_base, 0, G_N_ELEMENTS (bases));
  return s;
}

GST_CHECK_MAIN (longrun);
