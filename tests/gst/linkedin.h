/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element as a part of the test program, for tests that put something
 * between it and what it calls. */

#pragma once

#include <gst/check/gstcheck.h>

GST_PLUGIN_STATIC_DECLARE (whispernpu);

/* Once for all tests, and for good: other plugins are there before the tracer
 * of leaks is. */
static void
register_element (void)
{
  GstElementFactory *factory;
  GstPlugin *plugin;

  GST_PLUGIN_STATIC_REGISTER (whispernpu);
  factory = gst_element_factory_find ("whispernpu");
  plugin = gst_plugin_feature_get_plugin (GST_PLUGIN_FEATURE (factory));
  /* not the one of the build tree */
  fail_unless (gst_plugin_get_filename (plugin) == NULL);
  GST_OBJECT_FLAG_SET (factory, GST_OBJECT_FLAG_MAY_BE_LEAKED);
  GST_OBJECT_FLAG_SET (plugin, GST_OBJECT_FLAG_MAY_BE_LEAKED);
  gst_object_unref (plugin);
  gst_object_unref (factory);
}
