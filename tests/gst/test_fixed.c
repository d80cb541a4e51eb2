/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profile npu in the element: integers from the samples to the features, so the
 * bits are those of the core by itself, fed with the same samples. */

#include "tests/gst/core_features.h"
#include "tests/gst/leaks.h"

static GPtrArray *
encode (const gfloat * samples, gsize n, enum npu_mel_arithmetic arithmetic)
{
  const CoreParams how = {.profile = "npu",.arithmetic = arithmetic,.window =
        NPU_WINDOW_POSITIONS,.hop = NPU_WINDOW_POSITIONS
  };

  return core_encode (&how, samples, n);
}

GST_START_TEST (test_bits_of_the_core)
{
  const gsize n = WINDOW + 100000;
  GstHarness *h = gst_harness_new_parse ("whispernpu profile=npu");
  gfloat *samples = make_samples (n);
  GPtrArray *want = encode (samples, n, NPU_MEL_S16);

  gst_harness_set_src_caps_str (h, CAPS);
  push_audio (h, 0, n, 4800);
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < 2; i++) {
    GstBuffer *buffer = gst_harness_pull (h);

    check_buffer (buffer, i * WINDOW, i == 0 ? WINDOW : n - WINDOW);
    check_features (buffer, want, i);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
  g_free (samples);
  g_ptr_array_unref (want);
}

GST_END_TEST;

/* Overlapping windows, each with a gain of its own. */
GST_START_TEST (test_overlap)
{
  const gsize n = 112000;
  const CoreParams how = {.profile = "npu",.arithmetic = NPU_MEL_S16,.window =
        100,.hop = 75
  };
  GstHarness *h = gst_harness_new_parse ("whispernpu profile=npu "
      "window-duration=2000000000 hop-duration=1500000000");
  gfloat *samples = make_samples (n);
  GPtrArray *want = core_encode (&how, samples, n);

  /* 0 to 4.5 s, and one for the last half second */
  fail_unless_equals_int (want->len, 5);
  gst_harness_set_src_caps_str (h, CAPS);
  push_audio (h, 0, n, 4800);
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < want->len; i++) {
    GstBuffer *buffer = gst_harness_pull (h);

    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), i * 1500 * GST_MSECOND);
    check_features (buffer, want, i);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
  g_ptr_array_unref (want);
  g_free (samples);
}

GST_END_TEST;

/* Another profile while the element is open: its log-mel follows. */
GST_START_TEST (test_set_in_ready)
{
  const gsize n = 100000;
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  gfloat *samples = make_samples (n);
  GPtrArray *want = encode (samples, n, NPU_MEL_S16);
  GPtrArray *float_mel = encode (samples, n, NPU_MEL_F32);
  GstHarness *h;
  GstBuffer *buffer;

  /* or nothing could be seen here */
  fail_if (g_bytes_equal (float_mel->pdata[0], want->pdata[0]));
  gst_element_set_state (element, GST_STATE_READY);
  gst_util_set_object_arg (G_OBJECT (element), "profile", "npu");
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_harness_set_src_caps_str (h, CAPS);
  push_audio (h, 0, n, 48000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 0, n);
  check_features (buffer, want, 0);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
  gst_object_unref (element);
  g_free (samples);
  g_ptr_array_unref (want);
  g_ptr_array_unref (float_mel);
}

GST_END_TEST;

static Suite *
fixed_suite (void)
{
  Suite *suite = suite_create ("fixed");
  TCase *tcase = tcase_create ("fixed");

  use_small_model ("fixed.safetensors");
  suite_add_tcase (suite, tcase);
  watch_leaks (tcase);
  tcase_add_test (tcase, test_bits_of_the_core);
  tcase_add_test (tcase, test_overlap);
  tcase_add_test (tcase, test_set_in_ready);
  return suite;
}

GST_CHECK_MAIN (fixed);
