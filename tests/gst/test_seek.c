/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seeks: whatever is sought, and when, features lie in the segment that was
 * sent before them, in order, and audio played backwards is told of. */

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/pipeline.h"
#include "tests/gst/storm.h"

typedef struct
{
  /* upstream's thread */
  guint reversed_in;            /* segments of negative rate with audio */
  gboolean reverse, audio_in;   /* since the last segment */
  GQueue segments;              /* that came in and not out; with the lock */
  GMutex lock;

  /* the element's task */
  GstSegment segment;
  GstClockTime end;             /* of the last buffer of this segment */
  guint segments_out, buffers, gaps;
  guint in_segment;             /* buffers since the last */
  guint whole;                  /* segments done after 2 buffers and 40 s */
  gint done;                    /* segments, atomic */
  guint strange_segments, outside, unordered, reversed;
} Watch;

static GstPadProbeReturn
watch_audio (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  Watch *watch = user;
  const GstSegment *segment;
  GstEvent *event;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    watch->reversed_in += watch->reverse && !watch->audio_in;
    watch->audio_in = TRUE;
    return GST_PAD_PROBE_OK;
  }
  event = GST_PAD_PROBE_INFO_EVENT (info);
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
    gst_event_parse_segment (event, &segment);
    watch->reverse = segment->rate < 0;
    watch->audio_in = FALSE;
    g_mutex_lock (&watch->lock);
    g_queue_push_tail (&watch->segments, gst_event_ref (event));
    g_mutex_unlock (&watch->lock);
  }
  return GST_PAD_PROBE_OK;
}

/* It is one that came in, unchanged; those before it were flushed. */
static void
check_segment (Watch * watch, GstEvent * event)
{
  GstEvent *in = NULL;
  GstSegment sent;

  g_mutex_lock (&watch->lock);
  do {
    if (in != NULL)
      gst_event_unref (in);
    in = g_queue_pop_head (&watch->segments);
  } while (in != NULL &&
      gst_event_get_seqnum (in) != gst_event_get_seqnum (event));
  g_mutex_unlock (&watch->lock);
  gst_event_copy_segment (event, &watch->segment);
  watch->segments_out++;
  watch->in_segment = 0;
  watch->end = 0;
  if (in == NULL) {
    watch->strange_segments++;
    return;
  }
  gst_event_copy_segment (in, &sent);
  watch->strange_segments += !gst_segment_is_equal (&sent, &watch->segment);
  gst_event_unref (in);
}

static gboolean
is_outside (const GstSegment * segment, GstClockTime start, GstClockTime end)
{
  return start < segment->start || end < start ||
      (GST_CLOCK_TIME_IS_VALID (segment->stop) && end > segment->stop);
}

static GstPadProbeReturn
watch_features (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  Watch *watch = user;
  GstClockTime pts, duration;
  GstEvent *event;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

    pts = GST_BUFFER_PTS (buffer);
    watch->buffers++;
    watch->in_segment++;
    watch->outside += is_outside (&watch->segment, pts, pts +
        GST_BUFFER_DURATION (buffer));
    watch->unordered += pts < watch->end;
    watch->reversed += watch->segment.rate < 0;
    watch->end = pts + GST_BUFFER_DURATION (buffer);
    return GST_PAD_PROBE_OK;
  }
  event = GST_PAD_PROBE_INFO_EVENT (info);
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    check_segment (watch, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT_DONE) {
    watch->whole += watch->in_segment == 2 && watch->end == 40 * GST_SECOND;
    g_atomic_int_inc (&watch->done);
  }
  if (GST_EVENT_TYPE (event) == GST_EVENT_GAP) {
    gst_event_parse_gap (event, &pts, &duration);
    watch->gaps += watch->segment.rate < 0;
    watch->outside += is_outside (&watch->segment, pts, pts + duration);
  }
  return GST_PAD_PROBE_OK;
}

/* From the first event on. */
static void
watch_element (Watch * watch, GstElement * element)
{
  GstPad *pad;

  memset (watch, 0, sizeof (*watch));
  g_mutex_init (&watch->lock);
  g_queue_init (&watch->segments);
  pad = gst_element_get_static_pad (element, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM, watch_audio,
      watch, NULL);
  gst_object_unref (pad);
  pad = gst_element_get_static_pad (element, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM, watch_features,
      watch, NULL);
  gst_object_unref (pad);
}

/* With the pipeline in NULL. */
static void
end_watch (Watch * watch)
{
  g_queue_clear_full (&watch->segments, (GDestroyNotify) gst_event_unref);
  g_mutex_clear (&watch->lock);
  fail_unless_equals_int (watch->strange_segments, 0);
  fail_unless_equals_int (watch->outside, 0);
  fail_unless_equals_int (watch->unordered, 0);
  fail_unless_equals_int (watch->reversed, 0);
}

/* Far from any end, for only a flush brings a source back from there. */
static void
seek_anywhere (GstElement * pipeline, GRand * random)
{
  static const gdouble rates[] = { 1, 1, 1, 0.5, 2, -1 };
  gdouble rate = rates[g_rand_int_range (random, 0, G_N_ELEMENTS (rates))];
  GstSeekFlags flags = GST_SEEK_FLAG_NONE;
  GstClockTime start = g_rand_int_range (random, 0, 1000) * GST_MSECOND * 777;

  if (g_rand_boolean (random))
    flags |= GST_SEEK_FLAG_FLUSH;
  if (g_rand_boolean (random))
    flags |= GST_SEEK_FLAG_SEGMENT;
  /* It waits for the source, that may wait for room, and that for a sink which
   * a flush has set back to PAUSED: with the seek under way it stays there. */
  if (!(flags & GST_SEEK_FLAG_FLUSH))
    fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL,
            60 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  fail_unless (gst_element_seek (pipeline, rate, GST_FORMAT_TIME, flags,
          GST_SEEK_TYPE_SET, start, GST_SEEK_TYPE_SET, start +
          3600 * GST_SECOND));
}

static void
wait_message (GstElement * pipeline, GstMessageType type)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
      type | GST_MESSAGE_ERROR);

  fail_unless (message != NULL, "no %s", gst_message_type_get_name (type));
  fail_unless_equals_string (GST_MESSAGE_TYPE_NAME (message),
      gst_message_type_get_name (type));
  gst_message_unref (message);
  gst_object_unref (bus);
}

static GstBusSyncReply
count_warning (GstBus * bus, GstMessage * message, gpointer user)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING)
    g_atomic_int_inc ((gint *) user);
  return GST_BUS_PASS;
}

/* From 10 to 75 s, and all of it comes: no flush cuts it short. */
static void
seek_known_place (GstElement * pipeline, gdouble rate)
{
  fail_unless (gst_element_seek (pipeline, rate, GST_FORMAT_TIME,
          GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, 10 * GST_SECOND,
          GST_SEEK_TYPE_SET, 75 * GST_SECOND));
  wait_message (pipeline, GST_MESSAGE_EOS);
}

/* In PLAYING, for in PAUSED one without a flush waits for the sink; then two
 * last to a known place: backwards, told of whatever became of those before,
 * and forwards, whose windows all come. */
GST_START_TEST (test_seek_storm)
{
  GstElement *pipeline = launch (SOURCE "! whispernpu name=w ! fakesink");
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "w");
  GstBus *bus = gst_element_get_bus (pipeline);
  GRand *random = storm_random ();
  Watch watch;
  gint warnings = 0;

  watch_element (&watch, element);
  gst_bus_set_sync_handler (bus, count_warning, &warnings, NULL);
  reach (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < ROUNDS (200); i++) {
    seek_anywhere (pipeline, random);
    g_usleep (g_rand_int_range (random, 0, 20000));
  }
  seek_known_place (pipeline, -1.0);
  seek_known_place (pipeline, 1.0);
  fail_unless_equals_int (watch.in_segment, 3);
  fail_unless_equals_uint64 (watch.end, 75 * GST_SECOND);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_printerr ("%u segments, %u buffers, %u gaps, %d of %u reverse told of\n",
      watch.segments_out, watch.buffers, watch.gaps, warnings,
      watch.reversed_in);
  /* a flush may come between the first buffer and the warning */
  fail_unless (warnings > 0 && warnings <= (gint) watch.reversed_in);
  fail_unless (watch.gaps > 0);
  fail_unless (watch.buffers >= 3);
  end_watch (&watch);
  g_rand_free (random);
  gst_object_unref (bus);
  gst_object_unref (element);
  finish (pipeline);
}

GST_END_TEST;

/* Each reverse segment gives a GAP a buffer, and one warning in all. */
GST_START_TEST (test_seek_reverse)
{
  GstHarness *h = gst_harness_new ("whispernpu");
  GstBus *bus = gst_bus_new ();
  GstSegment segment;
  Watch watch;

  gst_element_set_bus (h->element, bus);
  watch_element (&watch, h->element);
  gst_harness_set_src_caps_str (h, CAPS);
  for (guint i = 0; i < 4; i++) {
    gst_segment_init (&segment, GST_FORMAT_TIME);
    segment.rate = i % 2 == 0 ? -1.0 - i : 1.0;
    segment.base = i * 10 * GST_SECOND;
    segment.stop = 10 * GST_SECOND;
    gst_harness_push_event (h, gst_event_new_segment (&segment));
    for (guint n = 0; n < 5; n++)
      push_audio (h, (i % 2 == 0 ? 4 - n : n) * 16000, 16000, 16000);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_element_set_bus (h->element, NULL);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_WARNING), 2);
  fail_unless_equals_int (watch.gaps, 10);
  fail_unless_equals_int (watch.buffers, 2);
  gst_harness_teardown (h);
  end_watch (&watch);
  gst_object_unref (bus);
}

GST_END_TEST;

/* Rate, base and applied rate are downstream's affair: they pass unchanged, and
 * a segment that only says where the position is ends no window. */
GST_START_TEST (test_seek_segment_fields)
{
  GstHarness *h = gst_harness_new ("whispernpu");
  GstSegment segment;
  GstBuffer *buffer;
  Watch watch;

  watch_element (&watch, h->element);
  gst_harness_set_src_caps_str (h, CAPS);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = 2.0;
  segment.applied_rate = 0.5;
  segment.base = 7 * GST_SECOND;
  segment.offset = GST_SECOND;
  segment.start = GST_SECOND / 2;
  segment.time = 3 * GST_SECOND;
  segment.stop = 5 * GST_SECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  push_audio (h, 0, 32000, 16000);
  segment.position = 2 * GST_SECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  push_audio (h, 32000, 5 * 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  /* clipped at both ends */
  check_buffer (buffer, 8000, 72000);
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (watch.segments_out, 3);
  fail_unless_equals_int (watch.buffers, 1);
  gst_harness_teardown (h);
  end_watch (&watch);
}

GST_END_TEST;

/* SEGMENT_DONE ends the window as EOS does and comes behind it, and the next
 * segment goes on without EOS, whenever it comes. */
GST_START_TEST (test_seek_segment_done)
{
  GstElement *pipeline = launch (SOURCE "! whispernpu name=w ! fakesink");
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "w");
  GstSeekFlags flags = GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_SEGMENT;
  Watch watch;

  watch_element (&watch, element);
  reach (pipeline, GST_STATE_PAUSED);
  for (gint i = 0; i < 6; i++) {
    fail_unless (gst_element_seek (pipeline, 1.0, GST_FORMAT_TIME, flags,
            GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_SET, 40 * GST_SECOND));
    flags = GST_SEEK_FLAG_SEGMENT;
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    /* the source says so when its last audio is in */
    wait_message (pipeline, GST_MESSAGE_SEGMENT_DONE);
    for (guint n = 0; i % 2 == 0 && n < 2000 &&
        g_atomic_int_get (&watch.done) <= i; n++)
      g_usleep (10000);
  }
  for (guint n = 0; n < 2000 && g_atomic_int_get (&watch.done) < 6; n++)
    g_usleep (10000);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  fail_unless_equals_int (watch.done, 6);
  fail_unless_equals_int (watch.whole, 6);
  end_watch (&watch);
  gst_object_unref (element);
  finish (pipeline);
}

GST_END_TEST;

static Suite *
seek_suite (void)
{
  Suite *s = suite_create ("seek");
  TCase *tc = tcase_create ("general");

  use_small_model ("seek-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_seek_storm);
  tcase_add_test (tc, test_seek_reverse);
  tcase_add_test (tc, test_seek_segment_fields);
  tcase_add_test (tc, test_seek_segment_done);
  return s;
}

GST_CHECK_MAIN (seek);
