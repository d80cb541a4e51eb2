/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_GST_SLOW_ELEMENT_H
#define TESTS_GST_SLOW_ELEMENT_H
/* Elements that take long for a window: the slowest kernels, one thread. */

#include "tests/gst/harness.h"

/* An element of the slowest kernels with a model of so many layers. */
static GstHarness *
start_slow (guint layers, GstBus * bus)
{
  gchar *path = g_strconcat (model_path, ".slow", NULL);
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstHarness *h;

  fail_unless_equals_int (test_small_model_write (path, 80, 64, layers, 1500,
          1), 0);
  gst_element_set_bus (element, bus);
  g_object_set (element, "model-file", path, "threads", 1, NULL);
  g_setenv ("WHISPERNPU_CPU", "ref", TRUE);
  h = gst_harness_new_with_element (element, "sink", "src");
  g_unsetenv ("WHISPERNPU_CPU");
  gst_object_unref (element);
  gst_harness_set_src_caps_str (h, CAPS);
  g_free (path);
  return h;
}

/* How many make a window take more than 2 s; there can be 32. With a sanitizer
 * one takes seconds. */
static guint
find_layers (void)
{
  GstHarness *h;
  guint layers;

  if (IN_SANITIZER)
    return 1;
  h = start_slow (1, NULL);
  push_audio (h, 0, WINDOW + 16000, 48000);
  gst_buffer_unref (gst_harness_pull (h));
  layers = 2600 * GST_MSECOND / get_stat (h, "encode-time-max") + 1;
  gst_harness_teardown (h);
  return MIN (layers, 32);
}

static void
wait_loaded (GstElement * element)
{
  gchar *profile = NULL;

  for (guint i = 0; i < 2000 && (profile == NULL || *profile == '\0'); i++) {
    g_free (profile);
    g_usleep (10000);
    g_object_get (element, "active-profile", &profile, NULL);
  }
  fail_unless (*profile != '\0');
  g_free (profile);
}

#endif /* TESTS_GST_SLOW_ELEMENT_H */
