/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_GST_PIPELINE_H
#define TESTS_GST_PIPELINE_H
/* What the tests with whole pipelines share. */

#include <gst/check/gstcheck.h>

#define SOURCE "audiotestsrc wave=white-noise samplesperbuffer=4410 "

static GstElement *
launch (const gchar * description)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (description, &error);

  fail_unless (error == NULL, "%s", error != NULL ? error->message : "");
  return pipeline;
}

/* All of them, NULL after the last. */
static gboolean
have (const gchar * test, const gchar * const *factories)
{
  for (; *factories != NULL; factories++) {
    GstElementFactory *factory = gst_element_factory_find (*factories);

    if (factory == NULL) {
      g_print ("skip %s: no element %s here\n", test, *factories);
      return FALSE;
    }
    gst_object_unref (factory);
  }
  return TRUE;
}

/* Wait for EOS; an error fails the test. */
static void
wait_eos (GstElement * pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  fail_unless (message != NULL, "no EOS within a minute");
  fail_unless_equals_string (GST_MESSAGE_TYPE_NAME (message), "eos");
  gst_message_unref (message);
  gst_object_unref (bus);
}

static void
reach (GstElement * pipeline, GstState state)
{
  gst_element_set_state (pipeline, state);
  fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL,
          20 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
}

static void
finish (GstElement * pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

#endif /* TESTS_GST_PIPELINE_H */
