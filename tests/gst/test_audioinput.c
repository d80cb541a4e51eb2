/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conversion to 16 kHz mono: every format, layout and channel set gives the
 * expected samples, in any chunking; the mix weights; the time line. */

#include <math.h>

#include <gst/check/gstcheck.h>

#include "gst/audioinput.h"
#include "tests/gst/formats.h"
#include "tests/gst/leaks.h"
#include "tests/sanitizer.h"

/* One of so many formats, where a sanitizer makes all of it slow. */
#define EVERY (IN_SANITIZER ? 3 : 1)

GST_DEBUG_CATEGORY (gst_whisper_npu_debug);

static GstFlowReturn
collect (gpointer user, const gfloat * samples, gsize n)
{
  g_array_append_vals (user, samples, n);
  return GST_FLOW_OK;
}

/* Buffer of n frames in `info`'s format, the same ramp in every channel. */
static GstBuffer *
make_buffer (const GstAudioInfo * info, guint first, guint n)
{
  gint channels = GST_AUDIO_INFO_CHANNELS (info);
  const GstAudioFormatInfo *finfo = info->finfo;
  gsize width = GST_AUDIO_INFO_WIDTH (info) / 8;
  gdouble *values = g_new (gdouble, (gsize) n * channels);
  gint32 *ints = g_new (gint32, (gsize) n * channels);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n * width * channels,
      NULL);
  GstMapInfo map;
  gboolean planar =
      GST_AUDIO_INFO_LAYOUT (info) == GST_AUDIO_LAYOUT_NON_INTERLEAVED;

  for (guint i = 0; i < n; i++)
    for (gint c = 0; c < channels; c++) {
      gdouble v = (((first + i) % 200) - 100.0) / 128.0;
      gsize at = planar ? (gsize) c * n + i : (gsize) i * channels + c;

      values[at] = v;
      ints[at] = (gint32) (v * 2147483648.0);
    }
  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  finfo->pack_func (finfo, 0, finfo->unpack_format == GST_AUDIO_FORMAT_S32 ?
      (gpointer) ints : (gpointer) values, map.data, n * channels);
  gst_buffer_unmap (buffer, &map);
  if (planar)
    gst_buffer_add_audio_meta (buffer, info, n, NULL);
  g_free (values);
  g_free (ints);
  return buffer;
}

static GArray *
convert (const GstAudioInfo * info, guint total, guint chunk)
{
  GstNpuAudioInput *input = gst_npu_audio_input_new ();
  GArray *out = g_array_new (FALSE, FALSE, sizeof (gfloat));

  fail_unless (gst_npu_audio_input_set_info (input, info));
  for (guint done = 0; done < total;) {
    guint n = MIN (chunk, total - done);
    GstBuffer *buffer = make_buffer (info, done, n);

    if (gst_npu_audio_input_place (input, GST_CLOCK_TIME_NONE, 0, FALSE, n))
      gst_npu_audio_input_resync (input);
    fail_unless_equals_int (gst_npu_audio_input_convert (input, buffer, collect,
            out), GST_FLOW_OK);
    gst_buffer_unref (buffer);
    done += n;
  }
  gst_npu_audio_input_drain (input, collect, out);
  gst_npu_audio_input_free (input);
  return out;
}

/* As long as a window may be, or so few that all of it waits in the resampler:
 * what was drained leaves nothing behind, not even the phase. */
GST_START_TEST (test_restart)
{
  static const gint rates[] = { 1000, 8000, 11025, 44100, 48000, 768000 };
  static const guint totals[] = { 50, 10007 };

  for (guint r = 0; r < G_N_ELEMENTS (rates); r++) {
    GstNpuAudioInput *input = gst_npu_audio_input_new ();
    GArray *out[2];
    GstAudioInfo info;

    gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_S16, rates[r], 1, NULL);
    fail_unless (gst_npu_audio_input_set_info (input, &info));
    for (guint t = 0; t < G_N_ELEMENTS (totals); t++) {
      for (guint i = 0; i < 2; i++) {
        GstBuffer *buffer = make_buffer (&info, 0, totals[t]);

        out[i] = g_array_new (FALSE, FALSE, sizeof (gfloat));
        fail_unless (gst_npu_audio_input_place (input, 0, 0, FALSE, totals[t]));
        gst_npu_audio_input_resync (input);
        gst_npu_audio_input_convert (input, buffer, collect, out[i]);
        gst_npu_audio_input_drain (input, collect, out[i]);
        gst_npu_audio_input_reset (input);
        gst_buffer_unref (buffer);
      }
      fail_unless_equals_int (out[0]->len, out[1]->len);
      fail_unless (memcmp (out[0]->data, out[1]->data, out[0]->len *
              sizeof (gfloat)) == 0, "%d Hz, %u frames: other samples the "
          "second time", rates[r], totals[t]);
      g_array_unref (out[0]);
      g_array_unref (out[1]);
    }
    gst_npu_audio_input_free (input);
  }
}

GST_END_TEST;

static const struct
{
  gint channels;
  guint64 mask;
} layouts[] = {
  {1, 0}, {2, 0x3}, {2, 0}, {6, 0x3f}, {6, 0}, {63, 0},
};

GST_START_TEST (test_formats)
{
  GArray *formats = make_formats ();

  for (guint f = 0; f < formats->len; f += EVERY)
    for (guint l = 0; l < G_N_ELEMENTS (layouts); l++)
      for (guint planar = 0; planar < 2; planar++) {
        GstAudioFormat format = g_array_index (formats, GstAudioFormat, f);
        GstAudioInfo info;
        GstAudioChannelPosition position[64];
        GArray *out;
        guint total;

        if (layouts[l].mask != 0)
          gst_audio_channel_positions_from_mask (layouts[l].channels,
              layouts[l].mask, position);
        else
          for (gint c = 0; c < layouts[l].channels; c++)
            position[c] = layouts[l].channels == 1 ?
                GST_AUDIO_CHANNEL_POSITION_MONO :
                GST_AUDIO_CHANNEL_POSITION_NONE;
        gst_audio_info_set_format (&info, format, 16000, layouts[l].channels,
            position);
        if (planar)
          info.layout = GST_AUDIO_LAYOUT_NON_INTERLEAVED;
        /* a buffer of more than a block of the converter, where it is cheap */
        total = layouts[l].channels == 2 ? 5000 : 1000;
        out = convert (&info, total, total - 333);
        fail_unless_equals_int (out->len, total);
        for (guint i = 0; i < out->len; i++) {
          gfloat want = ((i % 200) - 100.0f) / 128.0f;

          fail_unless (fabsf (g_array_index (out, gfloat, i) - want) < 1e-5f,
              "%s, %d channels, mask 0x%x, planar %u, sample %u: %g, not %g",
              gst_audio_format_to_string (format), layouts[l].channels,
              (guint) layouts[l].mask, planar, i, g_array_index (out, gfloat,
                  i), want);
        }
        g_array_unref (out);
      }
  g_array_unref (formats);
}

GST_END_TEST;

GST_START_TEST (test_chunking)
{
  static const gint rates[] = { 1000, 8000, 16000, 44100, 48000, 768000 };
  static const guint chunks[] = { 7, 997, 4096, 20011 };

  for (guint r = 0; r < G_N_ELEMENTS (rates); r++) {
    GstAudioInfo info;
    GArray *whole;

    gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_S16, rates[r], 2, NULL);
    whole = convert (&info, 50000, 50000);
    fail_unless (ABS ((gint64) whole->len - 50000 * G_GINT64_CONSTANT (16000) /
            rates[r]) <= 1, "rate %d: %u samples", rates[r], whole->len);
    for (guint c = 0; c < G_N_ELEMENTS (chunks); c++) {
      GArray *out = convert (&info, 50000, chunks[c]);

      fail_unless_equals_int (out->len, whole->len);
      fail_unless (memcmp (out->data, whole->data, out->len *
              sizeof (gfloat)) == 0, "rate %d, chunk %u: other samples",
          rates[r], chunks[c]);
      g_array_unref (out);
    }
    g_array_unref (whole);
  }
}

GST_END_TEST;

GST_START_TEST (test_weights)
{
  GstAudioInfo info;
  GstAudioChannelPosition position[6];
  gfloat w[6];
  const gfloat sum = 1.0f + 2 * 0.70710678f + 2 * 0.5f;

  /* FL FR FC LFE RL RR */
  gst_audio_channel_positions_from_mask (6, 0x3f, position);
  gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_F32, 48000, 6, position);
  gst_npu_audio_input_weights (&info, w);
  fail_unless (fabsf (w[0] - 0.70710678f / sum) < 1e-6f);
  fail_unless (w[1] == w[0]);
  fail_unless (fabsf (w[2] - 1.0f / sum) < 1e-6f);
  fail_unless (w[3] == 0.0f);
  fail_unless (fabsf (w[4] - 0.5f / sum) < 1e-6f);
  fail_unless (w[5] == w[4]);

  for (guint i = 0; i < 6; i++)
    position[i] = GST_AUDIO_CHANNEL_POSITION_NONE;
  gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_F32, 48000, 6, position);
  gst_npu_audio_input_weights (&info, w);
  for (guint i = 0; i < 6; i++)
    fail_unless (fabsf (w[i] - 1.0f / 6) < 1e-6f);

  /* nothing but LFE is still audio */
  position[0] = GST_AUDIO_CHANNEL_POSITION_LFE1;
  position[1] = GST_AUDIO_CHANNEL_POSITION_LFE2;
  gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_F32, 48000, 2, position);
  gst_npu_audio_input_weights (&info, w);
  fail_unless (w[0] == 0.5f && w[1] == 0.5f);
}

GST_END_TEST;

GST_START_TEST (test_timeline)
{
  GstNpuAudioInput *input = gst_npu_audio_input_new ();
  GstAudioInfo info;

  gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_S16, 48000, 1, NULL);
  fail_unless (gst_npu_audio_input_set_info (input, &info));
  /* the first buffer always starts a line */
  fail_unless (gst_npu_audio_input_place (input, 5 * GST_SECOND, 0, TRUE,
          48000));
  gst_npu_audio_input_resync (input);
  fail_unless_equals_uint64 (gst_npu_audio_input_time (input, 16000),
      6 * GST_SECOND);
  /* a DISCONT flag, jitter, and no time at all go on */
  fail_if (gst_npu_audio_input_place (input, 6 * GST_SECOND, 0, TRUE, 48000));
  fail_if (gst_npu_audio_input_place (input, 7 * GST_SECOND + 10 * GST_MSECOND,
          0, TRUE, 48000));
  fail_if (gst_npu_audio_input_place (input, GST_CLOCK_TIME_NONE, 0, FALSE,
          48000));
  fail_unless_equals_uint64 (gst_npu_audio_input_frames_until (input,
          9 * GST_SECOND + 500 * GST_MSECOND), 24000);
  fail_unless_equals_uint64 (gst_npu_audio_input_frames_until (input,
          8 * GST_SECOND), 0);
  /* a hole is what the line lacks before a time stamp, if it is no jitter */
  fail_unless_equals_uint64 (gst_npu_audio_input_hole (input, 9 * GST_SECOND +
          39 * GST_MSECOND), 0);
  fail_unless_equals_uint64 (gst_npu_audio_input_hole (input, 9 * GST_SECOND +
          40 * GST_MSECOND), 48 * 40);
  fail_unless_equals_uint64 (gst_npu_audio_input_hole (input, 10 *
          GST_SECOND), 48000);
  fail_unless_equals_uint64 (gst_npu_audio_input_hole (input, 10 * GST_SECOND +
          GST_MSECOND), 0);
  fail_unless_equals_uint64 (gst_npu_audio_input_hole (input, 8 * GST_SECOND),
      0);
  fail_unless_equals_uint64 (gst_npu_audio_input_hole (input,
          GST_CLOCK_TIME_NONE), 0);
  /* another rate: the line goes on */
  gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_S16, 8000, 1, NULL);
  fail_unless (gst_npu_audio_input_set_info (input, &info));
  fail_if (gst_npu_audio_input_place (input, 9 * GST_SECOND, 0, FALSE, 8000));
  /* a flagged jump is one */
  fail_unless (gst_npu_audio_input_place (input, 20 * GST_SECOND, 0, TRUE,
          8000));
  gst_npu_audio_input_resync (input);
  fail_unless_equals_uint64 (gst_npu_audio_input_time (input, 0),
      20 * GST_SECOND);
  gst_npu_audio_input_free (input);
}

GST_END_TEST;

static Suite *
audioinput_suite (void)
{
  Suite *s = suite_create ("audioinput");
  TCase *tc = tcase_create ("general");

  GST_DEBUG_CATEGORY_INIT (gst_whisper_npu_debug, "whispernpu", 0, "element");
  suite_add_tcase (s, tc);
  watch_leaks (tc);
  tcase_add_test (tc, test_formats);
  tcase_add_test (tc, test_chunking);
  tcase_add_test (tc, test_restart);
  tcase_add_test (tc, test_weights);
  tcase_add_test (tc, test_timeline);
  return s;
}

GST_CHECK_MAIN (audioinput);
