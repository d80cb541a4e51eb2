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
  /* Not the buffer itself: meta -> tensor -> buffer -> meta would be a cycle
   * that is never freed. The memory is shared, nothing is copied. */
  GstBuffer *data = gst_buffer_copy_region (buffer, GST_BUFFER_COPY_MEMORY, 0,
      -1);
  GstTensor *tensor = gst_tensor_new_simple (g_quark_from_static_string
      (GST_NPU_TENSOR_ID), GST_TENSOR_DATA_TYPE_FLOAT32, data,
      GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims);
  GstTensor **tensors = g_new (GstTensor *, 1);

  tensors[0] = tensor;
  gst_tensor_meta_set (gst_buffer_add_tensor_meta (buffer), 1, tensors);
#else
  (void) buffer;
  (void) rows;
  (void) columns;
#endif
}

#endif /* __GST_NPU_COMPAT_H__ */
