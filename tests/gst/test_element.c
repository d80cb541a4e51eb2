/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element itself: properties, errors when it is opened, latency. With a
 * small random model. */

#include <math.h>

#include "tests/gst/leaks.h"
#include "tests/gst/slow_element.h"
#include "tests/gst/storm.h"

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
  fail_unless_equals_string (profile, "int8");
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
  /* nothing is in use any more */
  gst_element_set_state (h->element, GST_STATE_NULL);
  g_object_get (h->element, "active-device", &device, "active-profile",
      &profile, "active-model", &model, NULL);
  fail_unless_equals_string (device, "");
  fail_unless_equals_string (profile, "");
  fail_unless_equals_string (model, "");
  g_free (device);
  g_free (profile);
  g_free (model);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Mean cosine of a buffer's positions to those of another. */
static gdouble
compare_features (GstBuffer * buffer, GstBuffer * other)
{
  const gsize d = FEATURES_SIZE / 1500 / sizeof (gfloat);
  GstMapInfo x, y;
  gdouble sum = 0;

  gst_buffer_map (buffer, &x, GST_MAP_READ);
  gst_buffer_map (other, &y, GST_MAP_READ);
  for (gsize t = 0; t < 1500; t++) {
    const gfloat *a = (gfloat *) x.data + t * d, *b = (gfloat *) y.data + t * d;
    gdouble ab = 0, aa = 0, bb = 0;

    for (gsize i = 0; i < d; i++) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
    sum += ab / sqrt (aa * bb) / 1500;
  }
  gst_buffer_unmap (buffer, &x);
  gst_buffer_unmap (other, &y);
  return sum;
}

GST_START_TEST (test_profiles)
{
  static const gchar *const names[] = { "f32", "int8", "npu" };
  GstBuffer *features[G_N_ELEMENTS (names)];

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElement *element = gst_element_factory_make ("whispernpu", NULL);
    GstHarness *h;
    gchar *profile;

    gst_util_set_object_arg (G_OBJECT (element), "profile", names[i]);
    h = gst_harness_new_with_element (element, "sink", "src");
    gst_object_unref (element);
    gst_harness_set_src_caps_str (h, CAPS);
    push_audio (h, 0, 16000, 16000);
    gst_harness_push_event (h, gst_event_new_eos ());
    features[i] = gst_harness_pull (h);
    check_buffer (features[i], 0, 16000);
    g_object_get (h->element, "active-profile", &profile, NULL);
    fail_unless_equals_string (profile, names[i]);
    g_free (profile);
    gst_harness_teardown (h);
  }
  for (guint i = 1; i < G_N_ELEMENTS (names); i++) {
    gdouble cosine = compare_features (features[i], features[0]);

    fail_unless (cosine > 0.999, "%s: %f", names[i], cosine);
    fail_unless (hash_buffer (features[i]) != hash_buffer (features[i - 1]));
  }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    gst_buffer_unref (features[i]);
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

/* A setting that cannot work, found only on the way to PAUSED: each try fails
 * with one error, until the setting is mended. */
GST_START_TEST (test_reopen_fails)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstBus *bus = gst_bus_new ();
  GQuark domain = 0;
  gint code = -1;

  gst_element_set_bus (element, bus);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  g_object_set (element, "model-file", "/nowhere/at-all.safetensors", NULL);
  for (guint i = 0; i < 3; i++) {
    fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
        GST_STATE_CHANGE_FAILURE);
    fail_unless_equals_int (count_errors (bus, &domain, &code), 1);
    fail_unless_equals_int (code, GST_RESOURCE_ERROR_NOT_FOUND);
  }
  g_object_set (element, "model-file", NULL, NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
}

GST_END_TEST;

static void
get_latency (GstHarness * h, GstClockTime * min, GstClockTime * max)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live;

  fail_unless (gst_pad_peer_query (h->sinkpad, query));
  gst_query_parse_latency (query, &live, min, max);
  fail_unless (live);
  gst_query_unref (query);
}

/* A microphone: 10 ms, and room for 20. */
static gboolean
live_source_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gst_query_set_latency (query, TRUE, 10 * GST_MSECOND, 20 * GST_MSECOND);
  return TRUE;
}

GST_START_TEST (test_latency)
{
  GstHarness *h = start ();
  GstBus *bus = gst_bus_new ();
  GstClockTime min, max;
  const GstClockTime own = 32050 * GST_MSECOND;

  gst_element_set_bus (h->element, bus);
  gst_pad_set_query_function (h->srcpad, live_source_query);
  get_latency (h, &min, &max);
  fail_unless_equals_uint64 (min, own + 10 * GST_MSECOND);
  fail_unless_equals_uint64 (max, own + 60 * GST_SECOND + 20 * GST_MSECOND);
  /* fast enough: the same after a window, and no word about it */
  push_audio (h, 0, WINDOW + 16000, 48000);
  gst_buffer_unref (gst_harness_pull (h));
  if (get_stat (h, "encode-time-max") <= 2 * GST_SECOND) {
    get_latency (h, &min, &max);
    fail_unless_equals_uint64 (min, own + 10 * GST_MSECOND);
    fail_unless_equals_int (count_messages (bus, GST_MESSAGE_LATENCY), 0);
  }
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A flush and a stop do not wait for the window that is being encoded. */
GST_START_TEST (test_encode_cancelled)
{
  guint layers = find_layers ();
  StormTimes times = {.limit = G_USEC_PER_SEC / 4 };

  for (guint i = 0; i < 2; i++) {
    GstHarness *h = start_slow (layers, NULL);

    push_audio (h, 0, WINDOW + 16000, 48000);
    wait_loaded (h->element);
    g_usleep (200000);
    storm_time_begin (&times);
    if (i == 0)
      gst_harness_push_event (h, gst_event_new_flush_start ());
    else
      gst_element_set_state (h->element, GST_STATE_NULL);
    storm_time_end (&times);
    if (i == 0) {
      gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
      push_segment (h);
      gst_harness_push_event (h, gst_event_new_eos ());
      gst_event_unref (wait_event (h, GST_EVENT_EOS));
    }
    fail_unless_equals_int (gst_harness_buffers_received (h), 0);
    gst_harness_teardown (h);
  }
  storm_time_check (&times, "cancel");
}

GST_END_TEST;

/* The weights turn out bad while nothing else happens: told once, and not
 * again by what comes later. */
GST_START_TEST (test_load_error)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstBus *bus = gst_bus_new ();
  gchar *bad = g_strconcat (model_path, ".bad", NULL), *data;
  gsize size;
  guint layers = __i__ == 0 ? 1 : 32;   /* fails before, after activation */
  GstHarness *h;
  GstMessage *message;
  GQuark domain;
  gint code;

  fail_unless_equals_int (test_small_model_write (bad, 80, 64, layers, 1500,
          1), 0);
  fail_unless (g_file_get_contents (bad, &data, &size, NULL));
  /* in the final norm, which is read first, or in the last layer before it */
  memset (data + size - (__i__ == 0 ? 4 : 2 * 64 * 4 + 4), 0xff, 4);
  fail_unless (g_file_set_contents (bad, data, size, NULL));
  g_free (data);
  gst_element_set_bus (element, bus);
  g_object_set (element, "model-file", bad, NULL);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_harness_set_src_caps_str (h, CAPS);
  message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
      GST_MESSAGE_PROGRESS | GST_MESSAGE_ERROR);
  while (message != NULL && GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR) {
    gst_message_unref (message);
    message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
        GST_MESSAGE_PROGRESS | GST_MESSAGE_ERROR);
  }
  fail_unless (message != NULL);
  gst_message_unref (message);
  g_usleep (100000);
  fail_unless_equals_int (gst_harness_push (h, make_audio (0, 16000, RATE)),
      GST_FLOW_ERROR);
  fail_if (gst_harness_push_event (h, gst_event_new_eos ()));
  fail_unless_equals_int (count_errors (bus, &domain, &code), 0);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (h);
  gst_object_unref (element);
  gst_object_unref (bus);
  remove (bad);
  g_free (bad);
}

GST_END_TEST;

static GstHarness *
encode_slowly (guint layers, GstBus * bus)
{
  GstHarness *h = start_slow (layers, bus);

  gst_pad_set_query_function (h->srcpad, live_source_query);
  push_audio (h, 0, 2 * WINDOW + 16000, 48000);
  gst_buffer_unref (gst_harness_pull (h));
  gst_buffer_unref (gst_harness_pull (h));
  return h;
}

/* What is announced covers the slowest window so far, in doublings of 2 s, and
 * each doubling is told to the pipeline. */
GST_START_TEST (test_latency_grows)
{
  GstBus *bus = gst_bus_new ();
  GstHarness *h;
  GstClockTime min, max, allowed = 2 * GST_SECOND, slowest;
  guint layers = find_layers (), doublings = 0, messages;

  h = encode_slowly (layers, bus);
  while (get_stat (h, "encode-time-max") <= 2 * GST_SECOND && layers < 32) {
    /* the machine has got faster since the layers were counted */
    gst_element_set_bus (h->element, NULL);
    gst_harness_teardown (h);
    gst_bus_set_flushing (bus, TRUE);
    gst_bus_set_flushing (bus, FALSE);
    layers = MIN (2 * layers, 32);
    h = encode_slowly (layers, bus);
  }
  slowest = get_stat (h, "encode-time-max");
  for (; allowed < slowest; allowed *= 2)
    doublings++;
  allowed = MIN (allowed, 29950 * GST_MSECOND);
  fail_unless (doublings > 0 || layers == 32, "%u layers in %" GST_TIME_FORMAT,
      layers, GST_TIME_ARGS (slowest));
  get_latency (h, &min, &max);
  fail_unless_equals_uint64 (min, 30060 * GST_MSECOND + allowed);
  fail_unless_equals_uint64 (max, min + 60 * GST_SECOND + 10 * GST_MSECOND);
  /* one window may bring more than one doubling, but no other message */
  messages = count_messages (bus, GST_MESSAGE_LATENCY);
  fail_unless (messages <= doublings && (messages > 0) == (doublings > 0),
      "%u messages, %u doublings", messages, doublings);
  /* another device or model: all that was measured is void */
  gst_element_set_state (h->element, GST_STATE_NULL);
  get_latency (h, &min, &max);
  fail_unless_equals_uint64 (min, 32060 * GST_MSECOND);
  gst_element_set_bus (h->element, NULL);
  gst_harness_teardown (h);
  gst_object_unref (bus);
}

GST_END_TEST;

static Suite *
element_suite (void)
{
  Suite *s = suite_create ("element");
  TCase *tc = tcase_create ("general");

  use_small_model ("element-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_properties);
  tcase_add_test (tc, test_profiles);
  tcase_add_loop_test (tc, test_failures, 0, G_N_ELEMENTS (failures));
  tcase_add_test (tc, test_reopen_fails);
  tcase_add_test (tc, test_latency);
  tcase_add_loop_test (tc, test_load_error, 0, 2);
  tcase_add_test (tc, test_encode_cancelled);
  tcase_add_test (tc, test_latency_grows);
  return s;
}

GST_CHECK_MAIN (element);
