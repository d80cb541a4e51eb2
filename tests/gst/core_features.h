/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_GST_CORE_FEATURES_H
#define TESTS_GST_CORE_FEATURES_H
/* The features of the core by itself, to compare with the element's. */

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

typedef struct
{
  const gchar *profile;
  enum npu_mel_arithmetic arithmetic;
  guint window, hop;            /* positions */
  guint last;                   /* positions of the last window; 0: window */
} CoreParams;

/* Each window's features of n samples, as a GBytes. (transfer full) */
static GPtrArray *
core_encode (const CoreParams * how, const gfloat * samples, gsize n)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify)
      g_bytes_unref);
  struct npu_model *model;
  struct npu_device *device;
  struct npu_encoder *encoder;
  struct npu_device_params device_params = {.name = "cpu",.threads = 1 };
  struct npu_encoder_params params = {.profile = how->profile };
  struct npu_mel_params mel_params = {.n_mels = 80,.arithmetic =
        how->arithmetic,.window_positions = how->window,.hop_positions =
        how->hop
  };
  struct npu_mel *front;
  struct npu_mel_window window;
  gfloat *mel = g_new (gfloat, 2 * how->window * 80);
  gsize done = 0;
  gboolean finished = FALSE;

  fail_unless_equals_int (npu_model_open (&model, model_path, NULL), 0);
  fail_unless_equals_int (npu_device_open (&device, &device_params, NULL), 0);
  fail_unless_equals_int (npu_encoder_open (&encoder, model, device, &params,
          NULL), 0);
  fail_unless_equals_int (npu_mel_open (&front, &mel_params), 0);
  while (!finished || npu_mel_ready (front)) {
    if (npu_mel_ready (front)) {
      guint rows = how->window;
      gfloat *features;

      fail_unless_equals_int (npu_mel_take (front, mel, &window), 0);
      if (finished && !npu_mel_ready (front) && how->last != 0)
        rows = how->last;
      features = g_new (gfloat, rows * 64);
      fail_unless_equals_int (npu_encoder_submit_mel (encoder, mel, rows, 0,
              NPU_TIMEOUT_NONE), 0);
      fail_unless_equals_int (npu_encoder_collect (encoder, features, NULL,
              NPU_TIMEOUT_NONE), 0);
      g_ptr_array_add (all, g_bytes_new_take (features, rows * 64 * 4));
    } else if (done < n) {
      done += npu_mel_push (front, samples + done, n - done);
    } else {
      npu_mel_finish (front);
      finished = TRUE;
    }
  }
  npu_mel_close (&front);
  npu_encoder_close (&encoder);
  npu_device_close (&device);
  npu_model_close (&model);
  g_free (mel);
  return all;
}

/* Bit for bit the core's window i. */
static void
check_features (GstBuffer * buffer, GPtrArray * want, guint i)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (want->pdata[i], &size);

  fail_unless_equals_int (gst_buffer_get_size (buffer), size);
  fail_unless (gst_buffer_memcmp (buffer, 0, data, size) == 0, "window %u", i);
}

#endif /* TESTS_GST_CORE_FEATURES_H */
