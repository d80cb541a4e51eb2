/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_NPU_MODEL_LOADER_H__
#define __GST_NPU_MODEL_LOADER_H__

#include <gst/gst.h>

#include "npu/npu.h"

G_BEGIN_DECLS

/* Device, model and encoder of one element. The element's state changes call
 * open and close; load may run in a thread of its own in between. */
typedef struct
{
  struct npu_device *device;
  struct npu_model *model;
  struct npu_device_info device_info;   /* of `device` */
  struct npu_model_info model_info;     /* of `model` */
} GstNpuLoader;

/* Open the device, find the model and check its header: milliseconds, reads no
 * weights. On failure posts exactly one error on `element`, keeps nothing and
 * returns FALSE. model_file NULL: the default model. */
gboolean gst_npu_loader_open (GstNpuLoader * loader, GstElement * element,
    const gchar * model_file, const gchar * device, guint threads);
void gst_npu_loader_close (GstNpuLoader * loader);

/* Read the weights; a fraction of a second to seconds. positions: of the
 * longest window. On failure posts one error on `element` and returns NULL; after
 * npu_model_cancel() posts none. */
struct npu_encoder *gst_npu_loader_load (const GstNpuLoader * loader,
    GstElement * element, const gchar * profile, guint positions);

/* The folders where a default model may lie, in order of preference, found
 * relative to this plugin's own file. (transfer full), g_strfreev() */
gchar **gst_npu_loader_data_dirs (void);

G_END_DECLS

#endif /* __GST_NPU_MODEL_LOADER_H__ */
