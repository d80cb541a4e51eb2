/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds and opens device and model, and turns the core's errors into
 * GStreamer's. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "modelloader.h"

GST_DEBUG_CATEGORY_EXTERN (gst_whisper_npu_debug);
#define GST_CAT_DEFAULT gst_whisper_npu_debug

/* (transfer full) NULL where the loader cannot say. */
static gchar *
gst_npu_loader_plugin_dir (void)
{
  static const char anchor;     /* any address inside this library */
  Dl_info info;
  char *file;
  gchar *dir;

  if (dladdr (&anchor, &info) == 0 || info.dli_fname == NULL)
    return NULL;
  file = realpath (info.dli_fname, NULL);
  if (file == NULL)
    return NULL;
  dir = g_path_get_dirname (file);
  free (file);
  return dir;
}

gchar **
gst_npu_loader_data_dirs (void)
{
  GPtrArray *dirs = g_ptr_array_new ();
  gchar *plugin_dir = gst_npu_loader_plugin_dir ();

  /* An installed plugin finds the data of its own prefix, wherever that was
   * moved to. */
  if (plugin_dir != NULL && *GST_NPU_DATA_RELATIVE != '\0')
    g_ptr_array_add (dirs, g_canonicalize_filename (GST_NPU_DATA_RELATIVE,
            plugin_dir));
  g_ptr_array_add (dirs, g_strdup (GST_NPU_DATA_DIR));
  /* The build tree serves only the plugin that lies in it: an installed one
   * must not depend on a folder of whoever built it. */
  if (plugin_dir != NULL) {
    char *build_dir = realpath (GST_NPU_BUILD_DIR, NULL);

    if (build_dir != NULL && g_str_equal (build_dir, plugin_dir))
      g_ptr_array_add (dirs, g_strdup (build_dir));
    free (build_dir);
  }
  g_ptr_array_add (dirs, NULL);
  g_free (plugin_dir);
  return (gchar **) g_ptr_array_free (dirs, FALSE);
}

/* One error for a person: the core's sentence says file, expected, found. */
static void
gst_npu_loader_post (GstElement * element, int code, const gchar * what,
    const struct npu_error *err)
{
  const gchar *text = err->text[0] != '\0' ? err->text : g_strerror (-code);

  switch (-code) {
    case ENOENT:
    case ENODEV:
      GST_ELEMENT_ERROR (element, RESOURCE, NOT_FOUND, ("%s", text),
          ("%s: %s", what, g_strerror (-code)));
      break;
    case EACCES:
    case EISDIR:
      GST_ELEMENT_ERROR (element, RESOURCE, OPEN_READ, ("%s", text),
          ("%s: %s", what, g_strerror (-code)));
      break;
    case EIO:
      GST_ELEMENT_ERROR (element, RESOURCE, READ, ("%s", text),
          ("%s: %s", what, g_strerror (-code)));
      break;
    case EBADMSG:
      GST_ELEMENT_ERROR (element, STREAM, WRONG_TYPE, ("%s", text),
          ("%s: %s", what, g_strerror (-code)));
      break;
    case ENOTSUP:
    case EINVAL:
      GST_ELEMENT_ERROR (element, LIBRARY, SETTINGS, ("%s", text),
          ("%s: %s", what, g_strerror (-code)));
      break;
    case ENOMEM:
    case EAGAIN:
      GST_ELEMENT_ERROR (element, RESOURCE, NO_SPACE_LEFT, ("%s", text),
          ("%s: %s", what, g_strerror (-code)));
      break;
    default:
      GST_ELEMENT_ERROR (element, RESOURCE, FAILED, ("%s", text),
          ("%s: %s", what, g_strerror (-code)));
      break;
  }
}

static gboolean
gst_npu_loader_open_device (GstNpuLoader * loader, GstElement * element,
    const gchar * device, guint threads)
{
  struct npu_error err = { "" };
  struct npu_device_params params = {.name = device,.threads = threads };
  int code = npu_device_open (&loader->device, &params, &err);

  if (code != 0) {
    gst_npu_loader_post (element, code, "opening the device", &err);
    return FALSE;
  }
  npu_device_get_info (loader->device, &loader->device_info);
  return TRUE;
}

static gboolean
gst_npu_loader_open_model (GstNpuLoader * loader, GstElement * element,
    const gchar * model_file)
{
  struct npu_error err = { "" };
  gchar **dirs = gst_npu_loader_data_dirs ();
  char *path = NULL;
  int code = npu_model_find (&path, model_file, (const char *const *) dirs,
      &err);

  g_strfreev (dirs);
  if (code != 0) {
    gst_npu_loader_post (element, code, "finding the model", &err);
    return FALSE;
  }
  code = npu_model_open (&loader->model, path, &err);
  if (code != 0) {
    gst_npu_loader_post (element, code, "opening the model", &err);
    free (path);
    return FALSE;
  }
  free (path);
  npu_model_get_info (loader->model, &loader->model_info);
  return TRUE;
}

gboolean
gst_npu_loader_open (GstNpuLoader * loader, GstElement * element,
    const gchar * model_file, const gchar * device, guint threads)
{
  if (!gst_npu_loader_open_device (loader, element, device, threads) ||
      !gst_npu_loader_open_model (loader, element, model_file)) {
    gst_npu_loader_close (loader);
    return FALSE;
  }
  GST_INFO_OBJECT (element, "model %s (%s, %u mels, %u x %u layers), device "
      "%s, kernels %s, %u threads", loader->model_info.path,
      loader->model_info.format, loader->model_info.n_mels,
      loader->model_info.d_model, loader->model_info.n_layers,
      loader->device_info.name, loader->device_info.isa,
      loader->device_info.threads);
  if (loader->device_info.note[0] != '\0') {
    GST_WARNING_OBJECT (element, "%s", loader->device_info.note);
    GST_ELEMENT_INFO (element, RESOURCE, SETTINGS, ("%s",
            loader->device_info.note), (NULL));
  }
  return TRUE;
}

void
gst_npu_loader_close (GstNpuLoader * loader)
{
  npu_model_close (&loader->model);
  npu_device_close (&loader->device);
  memset (loader, 0, sizeof (*loader));
}

struct npu_encoder *
gst_npu_loader_load (const GstNpuLoader * loader, GstElement * element,
    const gchar * profile, guint positions)
{
  struct npu_error err = { "" };
  /* On the CPU a window occupies every thread, and a second slot is memory for
   * nothing; other devices have as many as the core thinks best. */
  struct npu_encoder_params params = {.profile = profile,
    .depth = g_str_equal (loader->device_info.name, "cpu") ? 1 : 0,
    .positions = positions
  };
  struct npu_encoder *encoder = NULL;
  int code = npu_encoder_open (&encoder, loader->model, loader->device,
      &params, &err);

  if (code == -ECANCELED) {
    GST_DEBUG_OBJECT (element, "%s", err.text);
    return NULL;
  }
  if (code != 0) {
    gst_npu_loader_post (element, code, "loading the weights", &err);
    return NULL;
  }
  return encoder;
}
