/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The features that an application maps lie where the encoder wrote them: the
 * address that npu_encoder_collect() was given is the one that appsink's sample
 * has, in one memory. That it writes there itself, tests/npu shows. */

#include "npu/npu.h"
#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/linkedin.h"
#include "tests/gst/pipeline.h"

#define N_WINDOWS 5

static struct
{
  GMutex lock;
  const float *at[N_WINDOWS + 1];       /* lock */
  guint n;                      /* lock */
} written;

int __real_npu_encoder_collect (struct npu_encoder *encoder, float *features,
    uint64_t * tag, uint64_t timeout_ns);
int __wrap_npu_encoder_collect (struct npu_encoder *encoder, float *features,
    uint64_t * tag, uint64_t timeout_ns);

int
__wrap_npu_encoder_collect (struct npu_encoder *encoder, float *features,
    uint64_t * tag, uint64_t timeout_ns)
{
  g_mutex_lock (&written.lock);
  if (written.n <= N_WINDOWS)
    written.at[written.n++] = features;
  g_mutex_unlock (&written.lock);
  return __real_npu_encoder_collect (encoder, features, tag, timeout_ns);
}

static const gchar *const needed[] = { "audiotestsrc", "appsink", "queue",
  NULL
};

/* Straight into the sink, and through a thread of its own. All samples are held,
 * so that no memory comes twice. */
GST_START_TEST (test_nocopy)
{
  GstElement *pipeline, *out;
  GstSample *samples[N_WINDOWS];
  gchar *text;

  if (!have ("test_nocopy", needed))
    return;
  written.n = 0;
  text = g_strdup_printf (SOURCE "num-buffers=%u ! audio/x-raw,rate=44100 ! "
      "whispernpu window-duration=1000000000 ! %s appsink name=out sync=false",
      N_WINDOWS * 10, __i__ ? "queue !" : "");
  pipeline = launch (text);
  out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < N_WINDOWS; i++) {
    GstBuffer *buffer;
    GstMemory *memory;
    GstMapInfo map;

    g_signal_emit_by_name (out, "pull-sample", &samples[i]);
    fail_unless (samples[i] != NULL);
    buffer = gst_sample_get_buffer (samples[i]);
    fail_unless_equals_int (gst_buffer_n_memory (buffer), 1);
    memory = gst_buffer_peek_memory (buffer, 0);
    fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
    fail_unless (map.memory == memory);
    fail_unless_equals_int (map.size, 50 * 64 * sizeof (float));
    g_mutex_lock (&written.lock);
    fail_unless (written.n > i);
    fail_unless (written.at[i] == (const float *) map.data,
        "window %u was written to %p and is read at %p", i, written.at[i],
        map.data);
    g_mutex_unlock (&written.lock);
    gst_buffer_unmap (buffer, &map);
  }
  for (guint i = 0; i < N_WINDOWS; i++)
    gst_sample_unref (samples[i]);
  g_free (text);
  gst_object_unref (out);
  finish (pipeline);
}

GST_END_TEST;

static Suite *
nocopy_suite (void)
{
  Suite *s = suite_create ("nocopy");
  TCase *tc = tcase_create ("general");

  use_small_model ("nocopy-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_add_unchecked_fixture (tc, register_element, NULL);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_nocopy, 0, 2);
  return s;
}

GST_CHECK_MAIN (nocopy);
