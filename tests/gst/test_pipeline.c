/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element in whole pipelines: preroll after a tee, state changes, loading
 * that fails, a stop in the middle, leaks. With a small random model. */

#include <glib/gstdio.h>

#include "tests/gst/leaks.h"
#include "tests/gst/pipeline.h"
#include "tests/small_model.h"

static gchar *model_path;

/* The other branch's queue holds one second: without an early GAP our sink
 * would wait for 30 s that never come. */
GST_START_TEST (test_tee_preroll)
{
  GstElement *pipeline = launch (SOURCE "num-buffers=400 ! tee name=t "
      "t. ! queue ! fakesink t. ! queue ! whispernpu ! fakesink");

  /* again each time */
  reach (pipeline, GST_STATE_PAUSED);
  reach (pipeline, GST_STATE_READY);
  reach (pipeline, GST_STATE_PAUSED);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_eos (pipeline);
  finish (pipeline);
}

GST_END_TEST;

GST_START_TEST (test_seek)
{
  GstElement *pipeline = launch (SOURCE "num-buffers=2000 ! whispernpu ! "
      "fakesink");

  reach (pipeline, GST_STATE_PAUSED);
  for (guint i = 0; i < 20; i++) {
    fail_unless (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
            GST_SEEK_FLAG_FLUSH, (i % 5) * 10 * GST_SECOND));
    fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL,
            20 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  }
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_eos (pipeline);
  finish (pipeline);
}

GST_END_TEST;

/* The PROGRESS messages of a load: START, then COMPLETE or CANCELED. */
GST_START_TEST (test_progress)
{
  GstElement *pipeline = launch (SOURCE "num-buffers=10 ! whispernpu ! "
      "fakesink");
  GstBus *bus = gst_element_get_bus (pipeline);
  static const GstProgressType want[] = { GST_PROGRESS_TYPE_START,
    GST_PROGRESS_TYPE_COMPLETE
  };

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  for (guint i = 0; i < 2; i++) {
    GstProgressType type;
    GstMessage *message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
        GST_MESSAGE_PROGRESS);

    fail_unless (message != NULL);
    gst_message_parse_progress (message, &type, NULL, NULL);
    fail_unless_equals_int (type, want[i]);
    gst_message_unref (message);
  }
  gst_object_unref (bus);
  finish (pipeline);
}

GST_END_TEST;

/* A stop in the middle of it: for each START there is exactly one end. */
GST_START_TEST (test_progress_ends)
{
  GstElement *pipeline = launch (SOURCE "num-buffers=10 ! whispernpu ! "
      "fakesink");
  GstBus *bus = gst_element_get_bus (pipeline);
  guint starts = 0, ends = 0;

  for (guint i = 0; i < 20; i++) {
    GstMessage *message;

    gst_element_set_state (pipeline, GST_STATE_PAUSED);
    g_usleep (i * 200);
    gst_element_set_state (pipeline, GST_STATE_READY);
    /* the thread that loads may be about to say that it has */
    while ((message = gst_bus_timed_pop_filtered (bus,
                starts == ends ? 0 : 20 * GST_SECOND,
                GST_MESSAGE_PROGRESS)) != NULL) {
      GstProgressType type;

      gst_message_parse_progress (message, &type, NULL, NULL);
      if (type == GST_PROGRESS_TYPE_START)
        starts++;
      else
        ends++;
      fail_unless (ends <= starts);
      gst_message_unref (message);
    }
    fail_unless_equals_int (starts, ends);
    gst_element_set_state (pipeline, GST_STATE_NULL);
  }
  fail_unless_equals_int (starts, 20);
  gst_object_unref (bus);
  finish (pipeline);
}

GST_END_TEST;

/* A NaN among the weights passes the header check: the one error comes from
 * the loading thread, and nothing hangs. */
GST_START_TEST (test_load_fails)
{
  gchar *bad = g_strconcat (model_path, ".bad", NULL), *data;
  gsize size;
  GstElement *pipeline;
  GstBus *bus;
  GstMessage *message;
  guint ours = 0;

  fail_unless (g_file_get_contents (model_path, &data, &size, NULL));
  memset (data + size - 4, 0xff, 4);
  fail_unless (g_file_set_contents (bad, data, size, NULL));
  g_free (data);
  pipeline = launch (SOURCE "num-buffers=100 ! whispernpu name=w ! fakesink");
  gst_child_proxy_set (GST_CHILD_PROXY (pipeline), "w::model-file", bad, NULL);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
      GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_element_set_state (pipeline, GST_STATE_READY);
  do {
    if (g_str_has_prefix (GST_OBJECT_NAME (GST_MESSAGE_SRC (message)), "w"))
      ours++;
    gst_message_unref (message);
  } while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR)) != NULL);
  fail_unless_equals_int (ours, 1);
  gst_object_unref (bus);
  finish (pipeline);
  g_unlink (bad);
  g_free (bad);
}

GST_END_TEST;

static GstPadProbeReturn
refuse (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_ERROR;
  gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (info));
  return GST_PAD_PROBE_HANDLED;
}

/* Downstream refuses the first features after EOS was queued: an error and no
 * endless wait. */
GST_START_TEST (test_downstream_error)
{
  GstElement *pipeline = launch (SOURCE "num-buffers=10 ! whispernpu name=w "
      "! fakesink");
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "w");
  GstPad *pad = gst_element_get_static_pad (element, "src");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, refuse, NULL, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
      GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_unref (message);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_object_unref (element);
  finish (pipeline);
}

GST_END_TEST;

/* That nothing is left after each test of all these programs is worth as much
 * as what the tracer sees: here an element, while it is there. */
GST_START_TEST (test_leaks_are_seen)
{
  GstTracer *tracer = find_leaks_tracer ();
  GstElement *element =
      gst_object_ref_sink (gst_element_factory_make ("whispernpu", NULL));
  GString *text = g_string_new (NULL);

  fail_unless (tracer != NULL);
  /* and its two pads */
  fail_unless_equals_int (count_live_objects (tracer, text), 3);
  fail_unless (strstr (text->str, "GstWhisperNpu") != NULL, "%s", text->str);
  gst_object_unref (element);
  fail_unless_equals_int (count_live_objects (tracer, text), 0);
  g_string_free (text, TRUE);
  gst_object_unref (tracer);
}

GST_END_TEST;

static Suite *
pipeline_suite (void)
{
  Suite *s = suite_create ("pipeline");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_tee_preroll);
  tcase_add_test (tc, test_seek);
  tcase_add_test (tc, test_progress);
  tcase_add_test (tc, test_progress_ends);
  tcase_add_test (tc, test_load_fails);
  tcase_add_test (tc, test_downstream_error);
  tcase_add_test (tc, test_leaks_are_seen);
  return s;
}

int
main (int argc, char **argv)
{
  const gchar *dir = g_getenv ("WHISPERNPU_TEST_DIR");

  model_path = g_build_filename (dir != NULL ? dir : g_get_tmp_dir (),
      "pipeline-test.safetensors", NULL);
  g_setenv ("WHISPERNPU_MODEL", model_path, TRUE);
  if (test_small_model_write (model_path, 80, 64, 1, 1500, 2) != 0)
    g_error ("cannot write %s", model_path);
  gst_check_init (&argc, &argv);
  return gst_check_run_suite (pipeline_suite (), "pipeline", __FILE__);
}
