/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_NPU_COMPAT_H__
#define __GST_NPU_COMPAT_H__

/* Everything that depends on GStreamer's version; no other file looks at it.
 * Oldest supported: 1.22. GstTensorMeta: 1.26. */

#include <gst/gst.h>

#ifdef HAVE_ANALYTICS
/* the library has no stable API promise yet and says so with a #warning */
#define GST_USE_UNSTABLE_API
#include <gst/analytics/analytics.h>
#endif

#define GST_NPU_TENSOR_ID "whisper-encoder-out"

/* Say what the buffer holds, f32 [rows][columns], for consumers that read
 * tensors from metadata instead of caps. */
static inline void
gst_npu_buffer_add_tensor (GstBuffer * buffer, gsize rows, gsize columns)
{
#ifdef HAVE_ANALYTICS
  gsize dims[2] = { rows, columns };
  guint n = gst_buffer_n_memory (buffer);
  GstTensor **tensors = g_new (GstTensor *, 1);
  /* Not the buffer itself: meta -> tensor -> buffer -> meta would be a cycle
   * that is never freed. Nor gst_buffer_copy_region(): its result keeps a
   * pool's buffer alive, which makes the same cycle, and makes the buffer not
   * writable, so that it takes no meta. The memory is shared, nothing is
   * copied; a pool does not use it again while anybody holds the tensor. */
  GstBuffer *data = gst_buffer_new ();

  for (guint i = 0; i < n; i++) {
    GstMemory *memory = gst_buffer_peek_memory (buffer, i);

    gst_buffer_append_memory (data, GST_MEMORY_IS_NO_SHARE (memory) ?
        gst_memory_copy (memory, 0, -1) : gst_memory_ref (memory));
  }
  tensors[0] = gst_tensor_new_simple (g_quark_from_static_string
      (GST_NPU_TENSOR_ID), GST_TENSOR_DATA_TYPE_FLOAT32, data,
      GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims);
  gst_tensor_meta_set (gst_buffer_add_tensor_meta (buffer), 1, tensors);
#else
  (void) buffer;
  (void) rows;
  (void) columns;
#endif
}

#endif /* __GST_NPU_COMPAT_H__ */
