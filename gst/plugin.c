/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * plugin-whispernpu:
 * @short_description: Whisper encoder features from any audio
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwhispernpu.h"

/* Opens no device and no file: GStreamer loads plugins only to list them, and
 * a failure here would hide the element until the registry is rebuilt. */
static gboolean
plugin_init (GstPlugin * plugin)
{
  return GST_ELEMENT_REGISTER (whispernpu, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, whispernpu,
    "Whisper encoder features from any audio", plugin_init, VERSION,
    GST_NPU_LICENSE, PACKAGE, GST_PACKAGE_ORIGIN)
