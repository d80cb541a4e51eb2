/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Features out: caps and buffers. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "features.h"

/* The encoder stores whole cache lines. */
#define FEATURES_ALIGN 63

GstCaps *
gst_npu_features_caps (guint rows, guint columns, guint hop)
{
  /* Innermost first, and as a string: without the type "512:1500" would be
   * parsed as a flag set. */
  gchar *dimensions = g_strdup_printf ("%u:%u", columns, rows);
  GstCaps *caps = gst_caps_new_simple ("other/tensors",
      "format", G_TYPE_STRING, "static", "num_tensors", G_TYPE_INT, 1,
      "types", G_TYPE_STRING, "float32", "dimensions", G_TYPE_STRING,
      dimensions, "framerate", GST_TYPE_FRACTION, 50, hop, NULL);

  g_free (dimensions);
  return caps;
}

void
gst_npu_features_init (GstNpuFeatures * features, guint rows, guint columns,
    guint hop)
{
  if (features->rows == rows && features->columns == columns &&
      features->hop == hop)
    return;
  gst_npu_features_clear (features);
  features->rows = rows;
  features->columns = columns;
  features->hop = hop;
}

void
gst_npu_features_clear (GstNpuFeatures * features)
{
  if (features->pool != NULL)
    gst_buffer_pool_set_active (features->pool, FALSE);
  gst_clear_object (&features->pool);
}

/* Activate the pool with our size; FALSE if it cannot have that. */
static gboolean
gst_npu_features_configure (GstBufferPool * pool, GstCaps * caps, guint size,
    guint min, GstAllocator * allocator, GstAllocationParams * params)
{
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, caps, size, min, 0);
  gst_buffer_pool_config_set_allocator (config, allocator, params);
  return gst_buffer_pool_set_config (pool, config) &&
      gst_buffer_pool_set_active (pool, TRUE);
}

gboolean
gst_npu_features_negotiate (GstNpuFeatures * features, GstPad * pad)
{
  GstCaps *caps = gst_npu_features_caps (features->rows, features->columns,
      features->hop);
  guint size = features->rows * features->columns * sizeof (gfloat);
  GstQuery *query = gst_query_new_allocation (caps, TRUE);
  GstAllocator *allocator = NULL;
  GstAllocationParams params;
  GstBufferPool *pool = NULL;
  guint pool_size = 0, min = 0, max = 0;
  gboolean ok = FALSE;

  gst_npu_features_clear (features);
  gst_allocation_params_init (&params);
  /* a peer that does not answer is no error */
  if (gst_pad_peer_query (pad, query)) {
    if (gst_query_get_n_allocation_params (query) > 0)
      gst_query_parse_nth_allocation_param (query, 0, &allocator, &params);
    if (gst_query_get_n_allocation_pools (query) > 0)
      gst_query_parse_nth_allocation_pool (query, 0, &pool, &pool_size, &min,
          &max);
  }
  params.align = MAX (params.align, FEATURES_ALIGN);

  /* A pool with a limit could block the task where a flush does not reach it;
   * a pool of another size would need a copy. */
  if (pool != NULL && pool_size == size && max == 0)
    ok = gst_npu_features_configure (pool, caps, size, min, allocator, &params);
  if (!ok) {
    gst_clear_object (&pool);
    pool = gst_buffer_pool_new ();
    ok = gst_npu_features_configure (pool, caps, size, 0, allocator, &params);
  }
  if (ok)
    features->pool = gst_object_ref (pool);
  gst_clear_object (&pool);
  gst_clear_object (&allocator);
  gst_query_unref (query);
  gst_caps_unref (caps);
  return ok;
}

GstFlowReturn
gst_npu_features_acquire (GstNpuFeatures * features, GstBuffer ** buffer)
{
  return gst_buffer_pool_acquire_buffer (features->pool, buffer, NULL);
}
