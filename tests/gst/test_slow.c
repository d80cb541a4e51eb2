/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the element says of a processor that is too slow for it. Encodes
 * nothing, for it also runs on an emulated processor. */

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"

static gboolean
processor_has_fma (void)
{
#if defined (__x86_64__)
  return __builtin_cpu_supports ("fma") != 0;
#else
  return TRUE;
#endif
}

/* Where there is no fused multiply-add, the element says once how slow that
 * is: when the device is opened, and not again with every stream. */
GST_START_TEST (test_slow_note)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GstHarness *h;

  gst_element_set_bus (element, bus);
  h = gst_harness_new_with_element (element, "sink", "src");
  for (guint i = 0; i < 2; i++) {
    gst_harness_set_src_caps_str (h, CAPS);
    push_audio (h, 0, 16000, 16000);
    gst_element_set_state (element, GST_STATE_READY);
    gst_element_set_state (element, GST_STATE_PLAYING);
    gst_harness_push_event (h, gst_event_new_stream_start ("again"));
  }
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_INFO);
  fail_unless_equals_int (message == NULL, processor_has_fma ());
  if (message != NULL) {
    GError *info;

    gst_message_parse_info (message, &info, NULL);
    fail_unless (info->domain == GST_RESOURCE_ERROR);
    fail_unless (strstr (info->message, "minutes") != NULL, "%s",
        info->message);
    g_error_free (info);
    gst_message_unref (message);
  }
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_INFO), 0);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_WARNING), 0);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (h);
  gst_object_unref (element);
  gst_object_unref (bus);
}

GST_END_TEST;

static Suite *
slow_suite (void)
{
  Suite *s = suite_create ("slow");
  TCase *tc = tcase_create ("general");

  use_small_model ("slow-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_slow_note);
  return s;
}

GST_CHECK_MAIN (slow);
