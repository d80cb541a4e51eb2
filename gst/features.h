/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_NPU_FEATURES_H__
#define __GST_NPU_FEATURES_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* What the src pad can carry; the CAPS event fixes `dimensions`. */
#define GST_NPU_FEATURES_CAPS \
    "other/tensors, format=(string)static, num_tensors=(int)1, " \
    "types=(string)float32, framerate=(fraction)[0/1,max]"

/* Buffers for features, f32 [rows][columns]. One streaming thread at a time. */
typedef struct
{
  guint rows, columns;
  guint hop;                    /* positions from a buffer to the next */
  GstBufferPool *pool;          /* owned, active, or NULL before negotiation */
} GstNpuFeatures;

/* hop: positions from a buffer to the next, 20 ms each. (transfer full) */
GstCaps *gst_npu_features_caps (guint rows, guint columns, guint hop);

void gst_npu_features_init (GstNpuFeatures * features, guint rows,
    guint columns, guint hop);
void gst_npu_features_clear (GstNpuFeatures * features);

/* Ask downstream for its wishes on memory and set up a pool; never blocks on
 * anything but the query. */
gboolean gst_npu_features_negotiate (GstNpuFeatures * features, GstPad * pad);

GstFlowReturn gst_npu_features_acquire (GstNpuFeatures * features,
    GstBuffer ** buffer);

G_END_DECLS

#endif /* __GST_NPU_FEATURES_H__ */
