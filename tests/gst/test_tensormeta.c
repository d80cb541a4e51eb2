/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tensor that a buffer's GstTensorMeta shows. Built where GStreamer has
 * that meta. With a small random model. */

#include <gst/audio/audio.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#define GST_USE_UNSTABLE_API
#include <gst/analytics/analytics.h>

#include "tests/gst/leaks.h"
#include "tests/small_model.h"

#define CAPS "audio/x-raw, format=" GST_AUDIO_NE (S16) ", rate=16000, " \
    "channels=1, layout=interleaved"
#define ROWS 1500
#define COLUMNS 64
#define RATE 16000
#define WINDOW 480000
#define WINDOW_TIME (30 * GST_SECOND)

/* Noise, another one at each time. */
static void
push_noise (GstHarness * h, GstClockTime pts, gsize n)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n * 2, NULL);
  uint64_t state = pts;
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < n; i++)
    ((gint16 *) map.data)[i] = (gint16) (small_model_random (&state) >> 50);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (n, GST_SECOND, RATE);
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
}

/* A second ahead of the windows: a window's last frames look beyond it. */
static GstHarness *
start (void)
{
  GstHarness *h = gst_harness_new ("whispernpu");

  gst_harness_set_src_caps_str (h, CAPS);
  push_noise (h, 0, RATE);
  return h;
}

/* The features of the i-th window. */
static GstBuffer *
encode (GstHarness * h, guint i)
{
  GstBuffer *buffer;

  push_noise (h, GST_SECOND + i * WINDOW_TIME, WINDOW);
  buffer = gst_harness_pull (h);
  fail_unless (buffer != NULL);
  return buffer;
}

/* The one tensor of the one meta. */
static const GstTensor *
get_tensor (GstBuffer * buffer)
{
  GstTensorMeta *meta = gst_buffer_get_tensor_meta (buffer);
  const GstTensor *tensor;

  fail_unless (meta != NULL);
  fail_unless_equals_int (gst_buffer_get_n_meta (buffer,
          GST_TENSOR_META_API_TYPE), 1);
  fail_unless_equals_uint64 (meta->num_tensors, 1);
  fail_unless_equals_int (gst_tensor_meta_get_index_from_id (meta,
          g_quark_from_string ("whisper-encoder-out")), 0);
  tensor = gst_tensor_meta_get (meta, 0);
  fail_unless (tensor != NULL && tensor->data != NULL);
  return tensor;
}

/* Wherever they lie. */
static void
check_same_bytes (GstBuffer * a, GstBuffer * b)
{
  GstMapInfo map;

  fail_unless (gst_buffer_map (a, &map, GST_MAP_READ));
  fail_unless_equals_uint64 (map.size, ROWS * COLUMNS * sizeof (gfloat));
  fail_unless_equals_uint64 (gst_buffer_get_size (b), map.size);
  fail_unless_equals_int (gst_buffer_memcmp (b, 0, map.data, map.size), 0);
  gst_buffer_unmap (a, &map);
}

GST_START_TEST (test_tensor)
{
  GstHarness *h = start ();

  /* the second time the buffer may be one that came back to the pool */
  for (guint i = 0; i < 3; i++) {
    GstBuffer *buffer = encode (h, i);
    const GstTensor *tensor = get_tensor (buffer);

    fail_unless_equals_string (g_quark_to_string (tensor->id),
        "whisper-encoder-out");
    fail_unless_equals_int (tensor->layout, GST_TENSOR_LAYOUT_CONTIGUOUS);
    fail_unless_equals_int (tensor->data_type, GST_TENSOR_DATA_TYPE_FLOAT32);
    fail_unless_equals_int (tensor->dims_order, GST_TENSOR_DIM_ORDER_ROW_MAJOR);
    fail_unless_equals_uint64 (tensor->num_dims, 2);
    fail_unless_equals_uint64 (tensor->dims[0], ROWS);
    fail_unless_equals_uint64 (tensor->dims[1], COLUMNS);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_memory_is_shared)
{
  GstHarness *h = start ();
  GstBuffer *buffer = encode (h, 0);
  GstBuffer *data = get_tensor (buffer)->data;
  GstMapInfo map, tensor_map;

  /* pushed on, the buffer must be writable as any other */
  fail_unless (data != buffer);
  fail_unless (gst_buffer_is_writable (buffer));
  fail_unless_equals_int (gst_buffer_n_memory (data),
      gst_buffer_n_memory (buffer));
  fail_unless (gst_buffer_peek_memory (data, 0) ==
      gst_buffer_peek_memory (buffer, 0));
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  fail_unless (gst_buffer_map (data, &tensor_map, GST_MAP_READ));
  fail_unless (tensor_map.data == map.data);
  gst_buffer_unmap (data, &tensor_map);
  gst_buffer_unmap (buffer, &map);
  check_same_bytes (buffer, data);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Downstream's memory may forbid to be in two buffers. */
GST_START_TEST (test_memory_not_to_share)
{
  GstHarness *h = start ();
  GstAllocationParams params;
  GstBuffer *buffer;
  GstMemory *memory;

  gst_allocation_params_init (&params);
  params.flags = GST_MEMORY_FLAG_NO_SHARE;
  gst_harness_set_propose_allocator (h, NULL, &params);
  buffer = encode (h, 0);
  memory = gst_buffer_peek_memory (buffer, 0);
  fail_unless (GST_MEMORY_IS_NO_SHARE (memory));
  fail_unless (gst_buffer_peek_memory (get_tensor (buffer)->data, 0) != memory);
  check_same_bytes (buffer, get_tensor (buffer)->data);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Who keeps a tensor's data keeps its values, whatever becomes of the buffer
 * and the windows after it. */
GST_START_TEST (test_data_outlives_buffer)
{
  GstHarness *h = start ();
  GstBuffer *buffer = encode (h, 0);
  GstBuffer *want = gst_buffer_copy_deep (buffer);
  GstBuffer *data = gst_buffer_ref (get_tensor (buffer)->data);

  gst_buffer_unref (buffer);
  for (guint i = 1; i < 4; i++)
    gst_buffer_unref (encode (h, i));
  check_same_bytes (want, data);
  gst_buffer_unref (data);
  gst_buffer_unref (want);
  gst_harness_teardown (h);
}

GST_END_TEST;

static void
count_memory (gpointer user, GstMiniObject * memory)
{
  (*(guint *) user)++;
}

/* A cycle of buffer and tensor would keep both, and the memory, for ever. */
GST_START_TEST (test_no_cycle)
{
  GstHarness *h = start ();
  GstBuffer *buffer = encode (h, 0);
  guint freed = 0;

  gst_mini_object_weak_ref (GST_MINI_OBJECT (gst_buffer_peek_memory (buffer,
              0)), count_memory, &freed);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
  fail_unless_equals_int (freed, 1);
}

GST_END_TEST;

static Suite *
tensormeta_suite (void)
{
  Suite *s = suite_create ("tensormeta");
  TCase *tc = tcase_create ("general");
  const gchar *dir = g_getenv ("WHISPERNPU_TEST_DIR");
  gchar *model_path = g_build_filename (dir != NULL ? dir : g_get_tmp_dir (),
      "tensormeta-test.safetensors", NULL);

  if (test_small_model_write (model_path, 80, COLUMNS, 1, ROWS, 1) != 0)
    g_error ("cannot write %s", model_path);
  g_setenv ("WHISPERNPU_MODEL", model_path, TRUE);
  g_free (model_path);

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_tensor);
  tcase_add_test (tc, test_memory_is_shared);
  tcase_add_test (tc, test_memory_not_to_share);
  tcase_add_test (tc, test_data_outlives_buffer);
  tcase_add_test (tc, test_no_cycle);
  return s;
}

GST_CHECK_MAIN (tensormeta);
