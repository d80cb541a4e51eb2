/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WHISPER_NPU_H__
#define __GST_WHISPER_NPU_H__

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_WHISPER_NPU (gst_whisper_npu_get_type ())
G_DECLARE_FINAL_TYPE (GstWhisperNpu, gst_whisper_npu, GST, WHISPER_NPU,
    GstElement)

GST_ELEMENT_REGISTER_DECLARE (whispernpu);

/**
 * GstWhisperNpuDevice:
 * @GST_WHISPER_NPU_DEVICE_AUTO: the fastest that works here, in this version the
 *   processor
 * @GST_WHISPER_NPU_DEVICE_CPU: this machine's processor
 * @GST_WHISPER_NPU_DEVICE_NPU: an AMD Ryzen AI NPU through XRT; not in this
 *   version
 * @GST_WHISPER_NPU_DEVICE_SIM: the NPU's simulator; not in this version
 *
 * Since: 0.1
 */
typedef enum
{
  GST_WHISPER_NPU_DEVICE_AUTO,
  GST_WHISPER_NPU_DEVICE_CPU,
  GST_WHISPER_NPU_DEVICE_NPU,
  GST_WHISPER_NPU_DEVICE_SIM,
} GstWhisperNpuDevice;

/**
 * GstWhisperNpuProfile:
 * @GST_WHISPER_NPU_PROFILE_AUTO: the device's best
 * @GST_WHISPER_NPU_PROFILE_INT8: 8 and 16 bit integers, nearly lossless
 * @GST_WHISPER_NPU_PROFILE_F32: exact to float precision
 * @GST_WHISPER_NPU_PROFILE_NPU: integers only, what the kernels for an NPU compute
 *
 * Since: 0.1
 */
typedef enum
{
  GST_WHISPER_NPU_PROFILE_AUTO,
  GST_WHISPER_NPU_PROFILE_INT8,
  GST_WHISPER_NPU_PROFILE_F32,
  GST_WHISPER_NPU_PROFILE_NPU,
} GstWhisperNpuProfile;

/**
 * GstWhisperNpuContext:
 * @GST_WHISPER_NPU_CONTEXT_FULL: every window has its whole length
 * @GST_WHISPER_NPU_CONTEXT_AUTO: the last window of a stream is as short as its
 *   audio allows
 *
 * Since: 0.1
 */
typedef enum
{
  GST_WHISPER_NPU_CONTEXT_FULL,
  GST_WHISPER_NPU_CONTEXT_AUTO,
} GstWhisperNpuContext;

/**
 * GstWhisperNpuLate:
 * @GST_WHISPER_NPU_LATE_WAIT: hold upstream back
 * @GST_WHISPER_NPU_LATE_DROP: skip windows of a live stream
 *
 * Since: 0.1
 */
typedef enum
{
  GST_WHISPER_NPU_LATE_WAIT,
  GST_WHISPER_NPU_LATE_DROP,
} GstWhisperNpuLate;

G_END_DECLS

#endif /* __GST_WHISPER_NPU_H__ */
