/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What others make of the features: the caps rules of NNStreamer, one file for
 * each window. With a small random model. */

#include <glib/gstdio.h>
#include <stdlib.h>

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/pipeline.h"

/* 65 s of it are two windows and a sixth of one. */
#define AUDIO "audiotestsrc wave=white-noise samplesperbuffer=16000 " \
    "num-buffers=65 ! audio/x-raw, rate=16000 ! "
#define N_WINDOWS 3

/* What NNStreamer 2.6 asks of tensors on the sink pads of tensor_sink and of
 * tensor_filter (gsttensor_sink.c, tensor_filter.c). */
static const gchar *const nnstreamer_templates[] = {
  "other/tensor, framerate=(fraction)[0/1,max]; other/tensors, "
      "format=(string){static, flexible, sparse}, framerate=(fraction)[0/1,max]",
  "other/tensor, framerate=(fraction)[0/1,max]; other/tensors, "
      "format=(string){static, flexible}, framerate=(fraction)[0/1,max]",
};

/* The caps of the first features. (transfer full) */
static GstCaps *
get_caps (void)
{
  GstHarness *h = start ();
  GstCaps *caps;

  push_audio (h, 0, RATE, RATE);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_buffer_unref (gst_harness_pull (h));
  caps = gst_pad_get_current_caps (h->sinkpad);
  fail_unless (caps != NULL && gst_caps_is_fixed (caps));
  gst_harness_teardown (h);
  return caps;
}

/* A CAPS event passes a pad when the caps are a subset of what it accepts. */
GST_START_TEST (test_nnstreamer_templates)
{
  GstCaps *caps = get_caps ();

  for (guint i = 0; i < G_N_ELEMENTS (nnstreamer_templates); i++) {
    GstCaps *accepted = gst_caps_from_string (nnstreamer_templates[i]);
    GstCaps *bare = gst_caps_copy (caps);

    fail_unless (gst_caps_is_subset (caps, accepted));
    /* the field that is forgotten most easily matters */
    gst_structure_remove_field (gst_caps_get_structure (bare, 0), "framerate");
    fail_if (gst_caps_is_subset (bare, accepted));
    gst_caps_unref (bare);
    gst_caps_unref (accepted);
  }
  gst_caps_unref (caps);
}

GST_END_TEST;

/* "64:1500", innermost first, at most 16 numbers from 1 on. */
static gsize
count_elements (const gchar * dimensions, guint * rank)
{
  gchar **numbers = g_strsplit (dimensions, ":", -1);
  gsize n = 1;

  for (*rank = 0; numbers[*rank] != NULL; ++*rank) {
    guint64 number = 0;

    fail_unless (g_ascii_string_to_unsigned (numbers[*rank], 10, 1,
            G_MAXUINT32, &number, NULL), "dimensions %s", dimensions);
    n *= number;
  }
  fail_unless (*rank >= 1 && *rank <= 16);
  g_strfreev (numbers);
  return n;
}

/* A static tensor: each in a memory of its own that is as large as the caps
 * say; its type is one that NNStreamer knows. */
GST_START_TEST (test_nnstreamer_tensor)
{
  GstHarness *h = start ();
  GstBuffer *buffer;
  GstCaps *caps;
  GstStructure *s;
  gint n_tensors;
  guint rank;

  push_audio (h, 0, RATE, RATE);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  caps = gst_pad_get_current_caps (h->sinkpad);
  s = gst_caps_get_structure (caps, 0);
  fail_unless_equals_string (gst_structure_get_string (s, "format"), "static");
  fail_unless_equals_string (gst_structure_get_string (s, "types"), "float32");
  fail_unless (gst_structure_get_int (s, "num_tensors", &n_tensors));
  fail_unless_equals_int (n_tensors, 1);
  fail_unless_equals_int (gst_buffer_n_memory (buffer), n_tensors);
  fail_unless_equals_uint64 (gst_memory_get_sizes (gst_buffer_peek_memory
          (buffer, 0), NULL, NULL), 4 * count_elements (gst_structure_get_string
          (s, "dimensions"), &rank));
  fail_unless_equals_int (rank, 2);
  gst_caps_unref (caps);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

#define TENSOR(dimensions) "other/tensors, format=(string)static, " \
    "num_tensors=(int)1, types=(string)float32, dimensions=(string)" dimensions \
    ", framerate=(fraction)[0/1,max]"

/* NNStreamer offers a shape with and without the ones at its end, in either
 * order, for a string of caps is equal to itself alone. */
GST_START_TEST (test_nnstreamer_spellings)
{
  static const gchar *const offers[] = {
    TENSOR ("64:1500"), TENSOR ("64:1500") "; " TENSOR ("64:1500:1:1"),
    TENSOR ("64:1500:1:1") "; " TENSOR ("64:1500"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (offers); i++) {
    GstHarness *h = gst_harness_new ("whispernpu");

    gst_harness_set_caps_str (h, CAPS, offers[i]);
    push_audio (h, 0, RATE, RATE);
    gst_harness_push_event (h, gst_event_new_eos ());
    gst_buffer_unref (gst_harness_pull (h));
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* Who insists on another shape gets no features and one error. */
GST_START_TEST (test_other_shape)
{
  static const gchar *const shapes[] = { TENSOR ("64:1500:1:1"),
    TENSOR ("512:1500"), TENSOR ("1500:64")
  };

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    GstHarness *h = gst_harness_new ("whispernpu");
    GstBus *bus = gst_bus_new ();
    GstMessage *message;
    GError *error = NULL;

    gst_element_set_bus (h->element, bus);
    gst_harness_set_caps_str (h, CAPS, shapes[i]);
    gst_harness_push (h, make_audio (0, RATE, RATE));
    gst_harness_push_event (h, gst_event_new_eos ());
    message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
        GST_MESSAGE_ERROR);
    fail_unless (message != NULL, "no error for %s", shapes[i]);
    gst_message_parse_error (message, &error, NULL);
    fail_unless (error->domain == GST_STREAM_ERROR, "%s", error->message);
    g_error_free (error);
    gst_message_unref (message);
    fail_unless_equals_int (gst_harness_buffers_received (h), 0);
    gst_element_set_state (h->element, GST_STATE_NULL);
    fail_unless_equals_int (count_messages (bus, GST_MESSAGE_ERROR), 0);
    gst_element_set_bus (h->element, NULL);
    gst_object_unref (bus);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

static void
collect_hash (GstElement * sink, GstBuffer * buffer, GstPad * pad,
    GArray * hashes)
{
  guint hash = hash_buffer (buffer);

  g_array_append_val (hashes, hash);
}

/* A file for each window, with the bytes that another sink sees. */
GST_START_TEST (test_multifilesink)
{
  gchar *dir = g_dir_make_tmp ("whispernpu-XXXXXX", NULL);
  gchar *pattern = g_build_filename (dir, "window-%05d.f32", NULL);
  GArray *hashes = g_array_new (FALSE, FALSE, sizeof (guint));
  GstElement *pipeline = launch (AUDIO "whispernpu ! tee name=t "
      "t. ! queue ! multifilesink name=files "
      "t. ! queue ! fakesink name=sink signal-handoffs=true");
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");

  gst_child_proxy_set (GST_CHILD_PROXY (pipeline), "files::location", pattern,
      NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (collect_hash), hashes);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_eos (pipeline);
  finish (pipeline);
  gst_object_unref (sink);

  fail_unless_equals_int (hashes->len, N_WINDOWS);
  for (guint i = 0; i < N_WINDOWS; i++) {
    gchar name[] = "window-00000.f32", *path, *data;
    gsize size = 0;
    GstBuffer *buffer;

    name[11] = '0' + (gchar) i;
    path = g_build_filename (dir, name, NULL);
    fail_unless (g_file_get_contents (path, &data, &size, NULL), "%s", path);
    fail_unless_equals_uint64 (size, FEATURES_SIZE);
    buffer = gst_buffer_new_wrapped (data, size);
    fail_unless_equals_int (hash_buffer (buffer), g_array_index (hashes, guint,
            i));
    gst_buffer_unref (buffer);
    fail_unless_equals_int (g_unlink (path), 0);
    g_free (path);
  }
  /* and none else */
  fail_unless_equals_int (g_rmdir (dir), 0);
  g_array_unref (hashes);
  g_free (pattern);
  g_free (dir);
}

GST_END_TEST;

static Suite *
interop_suite (void)
{
  Suite *s = suite_create ("interop");
  TCase *tc = tcase_create ("general");

  use_small_model ("interop-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_nnstreamer_templates);
  tcase_add_test (tc, test_nnstreamer_tensor);
  tcase_add_test (tc, test_nnstreamer_spellings);
  tcase_add_test (tc, test_other_shape);
  tcase_add_test (tc, test_multifilesink);
  return s;
}

GST_CHECK_MAIN (interop);
