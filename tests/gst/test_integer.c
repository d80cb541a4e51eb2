/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profile npu in the element: integers from the samples to the features, so the
 * bits are those of the core by itself, fed with the same samples. */

#include "npu/npu.h"
#include "tests/gst/harness.h"

/* The same samples as make_audio() gives from 0 on. */
static gfloat *
make_samples (gsize n)
{
  gfloat *samples = g_new (gfloat, n);

  for (gsize i = 0; i < n; i++) {
    uint64_t state = i;

    samples[i] = (gint16) (small_model_random (&state) >> 50) / 32768.0f;
  }
  return samples;
}

/* The features of n samples by the core alone. (transfer full) */
static gchar *
encode (const gfloat * samples, gsize n, enum npu_mel_arithmetic arithmetic)
{
  guint windows = (n + WINDOW - 1) / WINDOW;
  gchar *features = g_malloc (windows * FEATURES_SIZE);
  struct npu_model *model;
  struct npu_device *device;
  struct npu_encoder *encoder;
  struct npu_device_params device_params = {.name = "cpu",.threads = 1 };
  struct npu_encoder_params params = {.profile = "npu" };
  struct npu_mel_params mel_params = {.n_mels = 80,.arithmetic = arithmetic };
  struct npu_mel *front;
  struct npu_mel_window window;
  gfloat *mel = g_new (gfloat, NPU_WINDOW_FRAMES * 80);
  gsize done;

  fail_unless_equals_int (npu_model_open (&model, model_path, NULL), 0);
  fail_unless_equals_int (npu_device_open (&device, &device_params, NULL), 0);
  fail_unless_equals_int (npu_encoder_open (&encoder, model, device, &params,
          NULL), 0);
  fail_unless_equals_int (npu_mel_open (&front, &mel_params), 0);
  done = npu_mel_push (front, samples, n);
  for (guint i = 0; i < windows; i++) {
    if (done == n)
      npu_mel_finish (front);
    fail_unless_equals_int (npu_mel_take (front, mel, &window), 0);
    fail_unless_equals_int (npu_encoder_submit_mel (encoder, mel,
            NPU_WINDOW_POSITIONS, i, NPU_TIMEOUT_NONE), 0);
    fail_unless_equals_int (npu_encoder_collect (encoder,
            (gfloat *) (features + i * FEATURES_SIZE), NULL, NPU_TIMEOUT_NONE),
        0);
    done += npu_mel_push (front, samples + done, n - done);
  }
  npu_mel_close (&front);
  npu_encoder_close (&encoder);
  npu_device_close (&device);
  npu_model_close (&model);
  g_free (mel);
  return features;
}

GST_START_TEST (test_bits_of_the_core)
{
  const gsize n = WINDOW + 100000;
  GstHarness *h = gst_harness_new_parse ("whispernpu profile=npu");
  gfloat *samples = make_samples (n);
  gchar *want = encode (samples, n, NPU_MEL_S16);

  gst_harness_set_src_caps_str (h, CAPS);
  push_audio (h, 0, n, 4800);
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint i = 0; i < 2; i++) {
    GstBuffer *buffer = gst_harness_pull (h);

    check_buffer (buffer, i * WINDOW, i == 0 ? WINDOW : n - WINDOW);
    fail_unless_equals_int (gst_buffer_memcmp (buffer, 0,
            want + i * FEATURES_SIZE, FEATURES_SIZE), 0);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
  g_free (samples);
  g_free (want);
}

GST_END_TEST;

/* Another profile while the element is open: its log-mel follows. */
GST_START_TEST (test_set_in_ready)
{
  const gsize n = 100000;
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  gfloat *samples = make_samples (n);
  gchar *want = encode (samples, n, NPU_MEL_S16);
  gchar *float_mel = encode (samples, n, NPU_MEL_F32);
  GstHarness *h;
  GstBuffer *buffer;

  /* or nothing could be seen here */
  fail_if (memcmp (float_mel, want, FEATURES_SIZE) == 0);
  gst_element_set_state (element, GST_STATE_READY);
  gst_util_set_object_arg (G_OBJECT (element), "profile", "npu");
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_harness_set_src_caps_str (h, CAPS);
  push_audio (h, 0, n, 48000);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 0, n);
  fail_unless_equals_int (gst_buffer_memcmp (buffer, 0, want, FEATURES_SIZE),
      0);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
  gst_object_unref (element);
  g_free (samples);
  g_free (want);
  g_free (float_mel);
}

GST_END_TEST;

static Suite *
integer_suite (void)
{
  Suite *suite = suite_create ("integer");
  TCase *tcase = tcase_create ("integer");

  use_small_model ("integer.safetensors");
  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_bits_of_the_core);
  tcase_add_test (tcase, test_set_in_ready);
  return suite;
}

GST_CHECK_MAIN (integer);
