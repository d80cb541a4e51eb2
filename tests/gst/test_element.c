/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element between two harness pads: caps, events, time stamps, windows,
 * flushes, errors. With a small random model. */

#include <gst/audio/audio.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#include "tests/small_model.h"

#define RATE 16000
#define CAPS "audio/x-raw, format=" GST_AUDIO_NE (S16) ", rate=16000, " \
    "channels=1, layout=interleaved"
#define CAPS_48K "audio/x-raw, format=" GST_AUDIO_NE (S16) ", rate=48000, " \
    "channels=1, layout=interleaved"
#define OUT_CAPS "other/tensors, format=(string)static, num_tensors=(int)1, " \
    "types=(string)float32, dimensions=(string)64:1500, " \
    "framerate=(fraction)1/30"
#define FEATURES_SIZE (1500 * 64 * 4)
#define WINDOW 480000

static gchar *model_path;

static GstHarness *
start (void)
{
  GstHarness *h = gst_harness_new ("whispernpu");

  gst_harness_set_src_caps_str (h, CAPS);
  return h;
}

/* n frames from `at` on, the same noise at the same place each time. */
static GstBuffer *
make_audio (guint64 at, gsize n, guint rate)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n * 2, NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < n; i++) {
    uint64_t state = at + i;

    ((gint16 *) map.data)[i] = (gint16) (small_model_random (&state) >> 50);
  }
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (at, GST_SECOND, rate);
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (n, GST_SECOND, rate);
  return buffer;
}

static void
push_audio (GstHarness * h, guint64 at, gsize total, gsize chunk)
{
  for (gsize done = 0; done < total;) {
    gsize n = MIN (chunk, total - done);

    fail_unless_equals_int (gst_harness_push (h, make_audio (at + done, n,
                RATE)), GST_FLOW_OK);
    done += n;
  }
}

static guint
hash_buffer (GstBuffer * buffer)
{
  GstMapInfo map;
  guint hash = 2166136261u;

  gst_buffer_map (buffer, &map, GST_MAP_READ);
  for (gsize i = 0; i < map.size; i++)
    hash = (hash ^ map.data[i]) * 16777619u;
  gst_buffer_unmap (buffer, &map);
  return hash;
}

static void
check_buffer (GstBuffer * buffer, guint64 at, guint64 samples)
{
  fail_unless (buffer != NULL);
  fail_unless_equals_int (gst_buffer_get_size (buffer), FEATURES_SIZE);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer),
      gst_util_uint64_scale (at, GST_SECOND, RATE));
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer),
      gst_util_uint64_scale (at + samples, GST_SECOND, RATE) -
      gst_util_uint64_scale (at, GST_SECOND, RATE));
}

static guint64
get_stat (GstHarness * h, const gchar * name)
{
  GstStructure *stats;
  guint64 value = 0;

  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (stats != NULL);
  fail_unless (gst_structure_get_uint64 (stats, name, &value), "no %s", name);
  gst_structure_free (stats);
  return value;
}

/* Wait for the next event of a type; the others are dropped. */
static GstEvent *
wait_event (GstHarness * h, GstEventType type)
{
  GstEvent *event;

  while ((event = gst_harness_pull_event (h)) != NULL &&
      GST_EVENT_TYPE (event) != type)
    gst_event_unref (event);
  fail_unless (event != NULL, "no %s event", gst_event_type_get_name (type));
  return event;
}

/* The first error on the bus and how many there were. */
static guint
count_errors (GstBus * bus, GQuark * domain, gint * code)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR)) != NULL) {
    GError *error;

    gst_message_parse_error (message, &error, NULL);
    fail_unless (strlen (error->message) > 10, "%s", error->message);
    if (n++ == 0) {
      *domain = error->domain;
      *code = error->code;
    }
    g_error_free (error);
    gst_message_unref (message);
  }
  return n;
}

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

  for (guint i = 0; i < 10; i++) {
    GstBuffer *buffer = make_audio (i * 50000, 50000, RATE);

    GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
    gst_harness_push (h, buffer);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint at = 0; at < 500000; at += WINDOW) {
    GstBuffer *buffer = gst_harness_pull (h);

    check_buffer (buffer, at, MIN (WINDOW, 500000 - at));
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

static void
push_segment (GstHarness * h)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
}

static void
flush_and_restart (GstHarness * h)
{
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  push_segment (h);
}

/* Whenever the flush comes, what came before it is gone, what comes after is
 * whole. */
GST_START_TEST (test_flush)
{
  GstHarness *h = start ();
  GstBuffer *buffer;
  guint hash;

  push_audio (h, 0, 500000, 50000);
  buffer = gst_harness_pull (h);
  hash = hash_buffer (buffer);
  gst_buffer_unref (buffer);
  for (guint i = 0; i < 20; i++) {
    flush_and_restart (h);
    push_audio (h, 16000 * i, 16000 + WINDOW * (i % 3), 50000);
    g_usleep (i * 500);
  }
  flush_and_restart (h);
  while ((buffer = gst_harness_try_pull (h)) != NULL)
    gst_buffer_unref (buffer);
  push_audio (h, 0, 500000, 50000);
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 0, WINDOW);
  fail_unless_equals_int (hash_buffer (buffer), hash);
  fail_unless (GST_BUFFER_IS_DISCONT (buffer));
  gst_buffer_unref (buffer);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, WINDOW, 20000);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

static GstPadProbeReturn
hold (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  return GST_PAD_PROBE_OK;
}

/* An EOS that waits behind a window goes with the flush. */
GST_START_TEST (test_flush_drops_eos)
{
  GstHarness *h = start ();
  GstPad *pad = gst_element_get_static_pad (h->element, "src");
  gulong probe;
  GstBuffer *buffer;

  /* downstream takes its time with the first window */
  probe = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK |
      GST_PAD_PROBE_TYPE_BUFFER, hold, NULL, NULL);
  push_audio (h, 0, 500000, 50000);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_pad_remove_probe (pad, probe);
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  push_segment (h);
  push_audio (h, 16000, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 16000, 16000);
  gst_buffer_unref (buffer);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_object_unref (pad);
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

GST_START_TEST (test_latency)
{
  GstHarness *h = start ();
  GstQuery *query = gst_query_new_latency ();
  GstClockTime min, max;
  gboolean live;
  const GstClockTime own = 32050 * GST_MSECOND;

  gst_harness_set_upstream_latency (h, 10 * GST_MSECOND);
  fail_unless (gst_pad_peer_query (h->sinkpad, query));
  gst_query_parse_latency (query, &live, &min, &max);
  fail_unless (live);
  fail_unless_equals_uint64 (min, own + 10 * GST_MSECOND);
  fail_unless (max == GST_CLOCK_TIME_NONE || max >= min + 60 * GST_SECOND);
  gst_query_unref (query);
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

GST_START_TEST (test_properties)
{
  GstHarness *h = start ();
  gchar *device, *profile, *model;
  GstStructure *stats;

  push_audio (h, 0, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_buffer_unref (gst_harness_pull (h));
  g_object_get (h->element, "active-device", &device, "active-profile",
      &profile, "active-model", &model, "stats", &stats, NULL);
  fail_unless_equals_string (device, "cpu");
  fail_unless_equals_string (profile, "f32");
  fail_unless_equals_string (model, model_path);
  fail_unless_equals_string (gst_structure_get_name (stats),
      "application/x-whispernpu-stats");
  fail_unless (gst_structure_has_field_typed (stats, "stage-attention",
          G_TYPE_UINT64));
  gst_structure_free (stats);
  fail_unless_equals_uint64 (get_stat (h, "windows"), 1);
  fail_unless_equals_uint64 (get_stat (h, "positions"), 50);
  fail_unless_equals_uint64 (get_stat (h, "audio-time"), GST_SECOND);
  fail_unless (get_stat (h, "encode-time") > 0);
  fail_unless (get_stat (h, "mel-time") > 0);
  fail_unless (get_stat (h, "load-time") > 0);
  g_free (device);
  g_free (profile);
  g_free (model);
  gst_harness_teardown (h);
}

GST_END_TEST;

static const struct
{
  const gchar *property, *value;
  gint code;                    /* 0: of STREAM, WRONG_TYPE */
} failures[] = {
  {"model-file", "/nowhere/at-all.safetensors", GST_RESOURCE_ERROR_NOT_FOUND},
  {"model-file", "nobody/no-such-model", GST_RESOURCE_ERROR_NOT_FOUND},
  {"model-file", "/proc/self/exe", 0},
  {"device", "npu", GST_RESOURCE_ERROR_NOT_FOUND},
  {"device", "sim", GST_RESOURCE_ERROR_NOT_FOUND},
};

/* One error, from NULL->READY, and the element can be used afterwards. */
GST_START_TEST (test_failures)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstBus *bus = gst_bus_new ();
  GQuark domain = 0;
  gint code = -1;

  gst_element_set_bus (element, bus);
  gst_util_set_object_arg (G_OBJECT (element), failures[__i__].property,
      failures[__i__].value);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  fail_unless_equals_int (count_errors (bus, &domain, &code), 1);
  if (failures[__i__].code != 0) {
    fail_unless (domain == GST_RESOURCE_ERROR);
    fail_unless_equals_int (code, failures[__i__].code);
  } else {
    fail_unless (domain == GST_STREAM_ERROR);
    fail_unless_equals_int (code, GST_STREAM_ERROR_WRONG_TYPE);
  }
  g_object_set (element, "model-file", NULL, "device", 0, NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
}

GST_END_TEST;

static Suite *
element_suite (void)
{
  Suite *s = suite_create ("element");
  TCase *tc = tcase_create ("general");
  const gchar *dir = g_getenv ("WHISPERNPU_TEST_DIR");

  model_path = g_build_filename (dir != NULL ? dir : g_get_tmp_dir (),
      "element-test.safetensors", NULL);
  if (test_small_model_write (model_path, 80, 64, 1, 1500, 1) != 0)
    g_error ("cannot write %s", model_path);
  g_setenv ("WHISPERNPU_MODEL", model_path, TRUE);

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_events_in_order);
  tcase_add_loop_test (tc, test_eos, 0, G_N_ELEMENTS (eos_samples));
  tcase_add_test (tc, test_chunking);
  tcase_add_test (tc, test_no_pts);
  tcase_add_test (tc, test_discont);
  tcase_add_test (tc, test_gap);
  tcase_add_test (tc, test_gap_is_silence);
  tcase_add_test (tc, test_caps_change);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_flush_drops_eos);
  tcase_add_test (tc, test_new_stream);
  tcase_add_test (tc, test_latency);
  tcase_add_test (tc, test_reverse);
  tcase_add_test (tc, test_properties);
  tcase_add_loop_test (tc, test_failures, 0, G_N_ELEMENTS (failures));
  return s;
}

GST_CHECK_MAIN (element);
