/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The raw formats that a test can make samples of. */

#pragma once

#include <gst/audio/audio.h>
#include <gst/check/gstcheck.h>

/* Whether packed samples are as far apart as the format is wide: those of
 * GStreamer 1.28's S20_32 and U20_32 are three bytes apart, not four, so that
 * none of its elements reads what another program has written. */
static gboolean
format_is_sound (GstAudioFormat format)
{
  const GstAudioFormatInfo *finfo = gst_audio_format_get_info (format);
  gint width = GST_AUDIO_FORMAT_INFO_WIDTH (finfo) / 8;
  guint8 packed[2 * sizeof (gdouble)] = { 0, };
  gdouble values[2] = { 0.3, 0.3 };
  gint32 ints[2] = { 0x2ccccccc, 0x2ccccccc };

  finfo->pack_func (finfo, 0, finfo->unpack_format == GST_AUDIO_FORMAT_S32 ?
      (gpointer) ints : (gpointer) values, packed, 2);
  return memcmp (packed, packed + width, width) == 0;
}

/* Returns: (transfer full): of GstAudioFormat; a line for each that is left
 * out */
static GArray *
make_formats (void)
{
  GArray *sound = g_array_new (FALSE, FALSE, sizeof (GstAudioFormat));
  guint n;
  const GstAudioFormat *formats = gst_audio_formats_raw (&n);

  for (guint i = 0; i < n; i++)
    if (format_is_sound (formats[i]))
      g_array_append_val (sound, formats[i]);
    else
      g_print ("skip format %s: this GStreamer packs it wrongly\n",
          gst_audio_format_to_string (formats[i]));
  fail_unless (sound->len >= 30);
  return sound;
}
