/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the element tells of itself: statistics, messages, debug lines, and what
 * gst-inspect reads. With a small random model. */

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"

static const struct
{
  const gchar *name;
  GType type;
  gboolean loaded;              /* there once the model is loaded, else before */
} fields[] = {
  {"windows", G_TYPE_UINT64, FALSE},
  {"positions", G_TYPE_UINT64, FALSE},
  {"dropped", G_TYPE_UINT64, FALSE},
  {"skipped", G_TYPE_UINT64, FALSE},
  {"resyncs", G_TYPE_UINT64, FALSE},
  {"conversions", G_TYPE_UINT64, FALSE},
  {"queued", G_TYPE_UINT, FALSE},
  {"queued-max", G_TYPE_UINT, FALSE},
  {"audio-time", G_TYPE_UINT64, FALSE},
  {"silence-time", G_TYPE_UINT64, FALSE},
  {"mel-time", G_TYPE_UINT64, FALSE},
  {"blocked-time", G_TYPE_UINT64, FALSE},
  {"push-time", G_TYPE_UINT64, FALSE},
  {"device", G_TYPE_STRING, FALSE},
  {"isa", G_TYPE_STRING, FALSE},
  {"threads", G_TYPE_UINT, FALSE},
  {"model", G_TYPE_STRING, FALSE},
  {"window-positions", G_TYPE_UINT, FALSE},
  {"hop-positions", G_TYPE_UINT, FALSE},
  {"device-note", G_TYPE_STRING, FALSE},
  {"profile", G_TYPE_STRING, TRUE},
  {"load-time", G_TYPE_UINT64, TRUE},
  {"encode-time", G_TYPE_UINT64, TRUE},
  {"encode-time-min", G_TYPE_UINT64, TRUE},
  {"encode-time-max", G_TYPE_UINT64, TRUE},
  {"encode-time-last", G_TYPE_UINT64, TRUE},
  {"real-time-factor", G_TYPE_DOUBLE, TRUE},
  {"weight-bytes", G_TYPE_UINT64, TRUE},
  {"scratch-bytes", G_TYPE_UINT64, TRUE},
  {"stage-conv1", G_TYPE_UINT64, TRUE},
  {"stage-conv2", G_TYPE_UINT64, TRUE},
  {"stage-norm-qkv", G_TYPE_UINT64, TRUE},
  {"stage-attention", G_TYPE_UINT64, TRUE},
  {"stage-out", G_TYPE_UINT64, TRUE},
  {"stage-norm-fc1", G_TYPE_UINT64, TRUE},
  {"stage-fc2", G_TYPE_UINT64, TRUE},
  {"stage-norm", G_TYPE_UINT64, TRUE},
};

static GstStructure *
get_stats (GstElement * element)
{
  GstStructure *stats;

  g_object_get (element, "stats", &stats, NULL);
  return stats;
}

/* Every field that is documented is there with its type, and no other. */
GST_START_TEST (test_stats_fields)
{
  GstHarness *h = start ();
  GstStructure *stats;
  GstStructure *again;
  gchar *text;

  push_audio (h, 0, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_buffer_unref (gst_harness_pull (h));
  stats = get_stats (h->element);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    fail_unless (gst_structure_has_field_typed (stats, fields[i].name,
            fields[i].type), "%s", fields[i].name);
  fail_unless_equals_int (gst_structure_n_fields (stats),
      G_N_ELEMENTS (fields));
  /* it can be printed and read back */
  text = gst_structure_to_string (stats);
  again = gst_structure_from_string (text, NULL);
  fail_unless (again != NULL && gst_structure_is_equal (stats, again), "%s",
      text);
  g_free (text);
  gst_structure_free (again);
  gst_structure_free (stats);

  gst_element_set_state (h->element, GST_STATE_NULL);
  gst_element_set_state (h->element, GST_STATE_READY);
  stats = get_stats (h->element);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    fail_unless_equals_int (gst_structure_has_field (stats, fields[i].name),
        !fields[i].loaded);
  gst_structure_free (stats);
  gst_harness_teardown (h);
}

GST_END_TEST;

static guint64
number (const GstStructure * stats, const gchar * name)
{
  guint64 value = 0;

  fail_unless (gst_structure_get_uint64 (stats, name, &value), "no %s", name);
  return value;
}

static GstPadProbeReturn
take_time (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  g_usleep (50000);
  return GST_PAD_PROBE_OK;
}

/* The numbers agree with what was done, and with each other. */
GST_START_TEST (test_stats_values)
{
  GstHarness *h = start ();
  GstStructure *stats;
  guint64 stages = 0, encode;
  gdouble factor;

  gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, take_time, NULL,
      NULL);
  push_audio (h, 0, 2 * WINDOW + 16000, 48000);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  stats = get_stats (h->element);
  fail_unless_equals_uint64 (number (stats, "windows"), 3);
  fail_unless_equals_uint64 (number (stats, "positions"), 3050);
  fail_unless_equals_uint64 (number (stats, "audio-time"), 61 * GST_SECOND);
  fail_unless_equals_uint64 (number (stats, "conversions"), 1);
  fail_unless (number (stats, "push-time") >= 150 * GST_MSECOND);
  fail_unless (number (stats, "push-time") < 60 * GST_SECOND);
  encode = number (stats, "encode-time");
  fail_unless (number (stats, "encode-time-min") > 0);
  fail_unless (number (stats, "encode-time-min") <=
      number (stats, "encode-time-last"));
  fail_unless (number (stats, "encode-time-last") <=
      number (stats, "encode-time-max"));
  fail_unless (3 * number (stats, "encode-time-min") <= encode);
  fail_unless (3 * number (stats, "encode-time-max") >= encode);
  fail_unless (gst_structure_get_double (stats, "real-time-factor", &factor));
  fail_unless (ABS (factor * encode / (61.0 * GST_SECOND) - 1) < 1e-9);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (g_str_has_prefix (fields[i].name, "stage-"))
      stages += number (stats, fields[i].name);
  fail_unless (stages > encode / 4 && stages <= encode);
  gst_structure_free (stats);
  gst_harness_teardown (h);
}

GST_END_TEST;

static gboolean
processor_is_slow (void)
{
#if defined (__x86_64__)
  return !__builtin_cpu_supports ("fma");
#else
  return FALSE;
#endif
}

/* There is something to say of a slow processor alone, whether it was asked for
 * or is the best there is. */
GST_START_TEST (test_stats_device_note)
{
  static const gchar *const devices[] = { "auto", "cpu" };

  for (guint i = 0; i < 2; i++) {
    GstElement *element = gst_element_factory_make ("whispernpu", NULL);
    GstStructure *stats;

    gst_util_set_object_arg (G_OBJECT (element), "device", devices[i]);
    gst_element_set_state (element, GST_STATE_READY);
    stats = get_stats (element);
    fail_unless_equals_string (gst_structure_get_string (stats, "device"),
        "cpu");
    fail_unless_equals_int (*gst_structure_get_string (stats, "device-note") !=
        '\0', processor_is_slow ());
    gst_structure_free (stats);
    gst_element_set_state (element, GST_STATE_NULL);
    gst_object_unref (element);
  }
}

GST_END_TEST;

/* A device that cannot be opened says so where it is listed, and when it is
 * used; all others can. */
GST_START_TEST (test_device_values)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS
      (element), "device");
  GEnumClass *values = G_PARAM_SPEC_ENUM (spec)->enum_class;
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (element, bus);
  for (guint i = 0; i < values->n_values; i++) {
    gboolean absent = strstr (values->values[i].value_name,
        "not in this version") != NULL;
    GstMessage *message;

    g_object_set (element, "device", values->values[i].value, NULL);
    fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
        absent ? GST_STATE_CHANGE_FAILURE : GST_STATE_CHANGE_SUCCESS);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    fail_unless_equals_int (message != NULL, absent);
    if (message != NULL) {
      GError *error;

      gst_message_parse_error (message, &error, NULL);
      fail_unless (strstr (error->message, "not available in this version") !=
          NULL && strstr (error->message, values->values[i].value_nick) != NULL,
          "%s", error->message);
      g_error_free (error);
      gst_message_unref (message);
    }
    gst_element_set_state (element, GST_STATE_NULL);
  }
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
}

GST_END_TEST;

static GstStructure *
pop_window_message (GstBus * bus)
{
  GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);
  GstStructure *structure;

  if (message == NULL)
    return NULL;
  structure = gst_structure_copy (gst_message_get_structure (message));
  gst_message_unref (message);
  fail_unless_equals_string (gst_structure_get_name (structure), "whispernpu");
  return structure;
}

/* One for each window, before its buffer and with the same numbers; none when
 * nobody asked. */
GST_START_TEST (test_post_messages)
{
  GstHarness *h = start ();
  GstBus *bus = gst_bus_new ();
  GstSegment segment;

  gst_element_set_bus (h->element, bus);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = 10 * GST_SECOND;
  segment.base = 3 * GST_SECOND;
  segment.time = 7 * GST_SECOND;
  g_object_set (h->element, "post-messages", TRUE, NULL);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  push_audio (h, 160000, WINDOW + 8000, 48000);
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < 2; i++) {
    GstBuffer *buffer = gst_harness_pull (h);
    GstStructure *window = pop_window_message (bus);
    guint positions = 0, queued = 99;
    gboolean discont;

    fail_unless (window != NULL);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), (10 + 30 * i) *
        GST_SECOND);
    fail_unless_equals_uint64 (number (window, "timestamp"),
        GST_BUFFER_PTS (buffer));
    fail_unless_equals_uint64 (number (window, "running-time"), (3 + 30 * i) *
        GST_SECOND);
    fail_unless_equals_uint64 (number (window, "stream-time"), (7 + 30 * i) *
        GST_SECOND);
    fail_unless_equals_uint64 (number (window, "duration"),
        GST_BUFFER_DURATION (buffer));
    fail_unless_equals_uint64 (number (window, "offset"),
        GST_BUFFER_OFFSET (buffer));
    fail_unless_equals_uint64 (number (window, "offset-end"),
        GST_BUFFER_OFFSET_END (buffer));
    fail_unless (gst_structure_get_uint (window, "positions", &positions));
    fail_unless_equals_int (positions, 1500);
    fail_unless (gst_structure_get_boolean (window, "discont", &discont));
    fail_unless_equals_int (discont, i == 0);
    fail_unless (number (window, "encode-time") > 0);
    fail_unless (number (window, "encode-time") < 60 * GST_SECOND);
    fail_unless (gst_structure_get_uint (window, "queued", &queued));
    fail_unless (queued <= 1);
    gst_structure_free (window);
    gst_buffer_unref (buffer);
  }
  fail_unless (pop_window_message (bus) == NULL);
  g_object_set (h->element, "post-messages", FALSE, NULL);
  gst_harness_push_event (h, gst_event_new_stream_start ("second"));
  push_segment (h);
  push_audio (h, 0, 16000, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_buffer_unref (gst_harness_pull (h));
  fail_unless (pop_window_message (bus) == NULL);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

static void
note_line (GstDebugCategory * category, GstDebugLevel level,
    const gchar * file, const gchar * function, gint line, GObject * object,
    GstDebugMessage * message, gpointer user)
{
  if (g_str_equal (gst_debug_category_get_name (category), "whispernpu") &&
      strstr (gst_debug_message_get (message), "->") != NULL)
    g_string_append_printf (user, "%s ", gst_debug_message_get (message));
}

/* One line for each change of state, with its name. */
GST_START_TEST (test_state_lines)
{
  GString *seen = g_string_new (NULL);
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);

  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (note_line, seen, NULL);
  gst_debug_set_active (TRUE);
  gst_debug_set_threshold_for_name ("whispernpu", GST_LEVEL_DEBUG);
  gst_element_set_state (element, GST_STATE_PLAYING);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_debug_unset_threshold_for_name ("whispernpu");
  gst_debug_remove_log_function (note_line);
  gst_debug_add_log_function (gst_debug_log_default, NULL, NULL);
  fail_unless_equals_string (seen->str, "NULL->READY READY->PAUSED "
      "PAUSED->PLAYING PLAYING->PAUSED PAUSED->READY READY->NULL ");
  g_string_free (seen, TRUE);
  gst_object_unref (element);
}

GST_END_TEST;

/* What gst-inspect prints needs neither model nor device, and every property
 * says what it is, what it can be, and when it may be changed. */
GST_START_TEST (test_inspect)
{
  GstElement *element;
  GParamSpec **specs;
  guint n;

  g_setenv ("WHISPERNPU_MODEL", "/nowhere/at-all.safetensors", TRUE);
  element = gst_element_factory_make ("whispernpu", NULL);
  g_setenv ("WHISPERNPU_MODEL", model_path, TRUE);
  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
  for (guint i = 0; i < n; i++) {
    GValue value = G_VALUE_INIT;

    if (specs[i]->owner_type != G_OBJECT_TYPE (element))
      continue;
    fail_unless (strlen (g_param_spec_get_blurb (specs[i])) >= 20, "%s",
        specs[i]->name);
    g_value_init (&value, specs[i]->value_type);
    g_object_get_property (G_OBJECT (element), specs[i]->name, &value);
    if (specs[i]->flags & G_PARAM_WRITABLE) {
      fail_unless (g_param_value_defaults (specs[i], &value), "%s",
          specs[i]->name);
      fail_unless (specs[i]->flags & (GST_PARAM_MUTABLE_READY |
              GST_PARAM_MUTABLE_PLAYING), "%s", specs[i]->name);
    }
    g_value_unset (&value);
  }
  g_free (specs);
  gst_object_unref (element);
}

GST_END_TEST;

static Suite *
visibility_suite (void)
{
  Suite *s = suite_create ("visibility");
  TCase *tc = tcase_create ("general");

  use_small_model ("visibility-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_stats_fields);
  tcase_add_test (tc, test_stats_values);
  tcase_add_test (tc, test_stats_device_note);
  tcase_add_test (tc, test_device_values);
  tcase_add_test (tc, test_post_messages);
  /* GStreamer never frees its lists of log functions */
#if !defined (__SANITIZE_ADDRESS__)
  tcase_add_test (tc, test_state_lines);
#endif
  tcase_add_test (tc, test_inspect);
  return s;
}

GST_CHECK_MAIN (visibility);
