/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples that are no good numbers: the features are finite and have the bits
 * of the same audio with the documented replacement, which npu_mel_push() says:
 * NaN counts as 0, what lies beyond +-1e4 as +-1e4. */

#include <math.h>

#include "tests/gst/core_features.h"
#include "tests/gst/leaks.h"

#define FRAMES 16000            /* a second at 16 kHz */
#define LIMIT 1e4

/* One of so many densities, where a sanitizer makes all of it slow. */
#define EVERY (IN_SANITIZER ? 3 : 1)

#define AUDIO_CAPS(format, channels) "audio/x-raw, format=" format ", " \
    "rate=16000, channels=" channels ", layout=interleaved"

/* Noise of about a quarter of full scale. */
static gdouble
noise (guint i)
{
  uint64_t state = i;

  return (gdouble) ((gint64) small_model_random (&state) >> 40) / (1 << 25);
}

/* ---- One stream of one second, its features as (transfer full) ---- */

static GstHarness *
start_element (const gchar * profile, GstClockTime window)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstHarness *h;

  gst_util_set_object_arg (G_OBJECT (element), "profile", profile);
  g_object_set (element, "window-duration", window, NULL);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  return h;
}

static void
check_finite (GstBuffer * buffer)
{
  GstMapInfo map;

  fail_unless (buffer != NULL);
  gst_buffer_map (buffer, &map, GST_MAP_READ);
  for (gsize i = 0; i < map.size / sizeof (gfloat); i++)
    fail_unless (isfinite (((gfloat *) map.data)[i]), "value %zu of the "
        "features is %g", i, ((gfloat *) map.data)[i]);
  gst_buffer_unmap (buffer, &map);
}

static GstBuffer *
encode (const gchar * caps, const gchar * profile, gconstpointer data,
    gsize size)
{
  GstHarness *h = start_element (profile, 2 * GST_SECOND);
  GstBuffer *buffer = gst_buffer_new_memdup (data, size);

  gst_harness_set_src_caps_str (h, caps);
  GST_BUFFER_PTS (buffer) = 0;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_finite (buffer);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), GST_SECOND);
  gst_harness_teardown (h);
  return buffer;
}

/* Both profiles, for each has a log-mel of its own. */
static void
check_same (const gchar * name, const gchar * caps, gconstpointer data,
    gsize size, const gchar * good_caps, gconstpointer good, gsize good_size)
{
  static const gchar *profiles[] = { "f32", "npu" };

  for (guint p = 0; p < G_N_ELEMENTS (profiles); p++) {
    GstBuffer *a = encode (caps, profiles[p], data, size);
    GstBuffer *b = encode (good_caps, profiles[p], good, good_size);

    fail_unless (hash_buffer (a) == hash_buffer (b), "%s, profile %s: not the "
        "features of the replacement", name, profiles[p]);
    gst_buffer_unref (a);
    gst_buffer_unref (b);
  }
}

/* ---- Floats: one value now and then, and what it stands for ---- */

static const struct
{
  const gchar *name;
  gfloat value, replacement;
} floats[] = {
  {"NaN", NAN, 0.0f},
  {"-NaN", -NAN, 0.0f},
  {"Inf", INFINITY, LIMIT},
  {"-Inf", -INFINITY, -LIMIT},
  {"FLT_MAX", G_MAXFLOAT, LIMIT},
  {"-FLT_MAX", -G_MAXFLOAT, -LIMIT},
  {"just beyond", 10000.001f, LIMIT},
  /* is not replaced, but far below what log-mel can show */
  {"denormal", 1e-40f, 0.0f},
  {"-denormal", -1e-45f, 0.0f},
};

/* every: of how many samples one is bad; 1: there is nothing else. */
static void
fill_floats (gfloat * samples, gfloat value, guint every)
{
  for (guint i = 0; i < FRAMES; i++)
    samples[i] = i % every == every - 1 ? value : noise (i);
}

GST_START_TEST (test_float)
{
  static const guint everies[] = { 1, 2, 1000, FRAMES };
  gfloat *bad = g_new (gfloat, FRAMES), *good = g_new (gfloat, FRAMES);

  for (guint e = 0; e < G_N_ELEMENTS (everies); e += EVERY) {
    fill_floats (bad, floats[__i__].value, everies[e]);
    fill_floats (good, floats[__i__].replacement, everies[e]);
    check_same (floats[__i__].name, AUDIO_CAPS (GST_AUDIO_NE (F32), "1"), bad,
        FRAMES * sizeof (gfloat), AUDIO_CAPS (GST_AUDIO_NE (F32), "1"), good,
        FRAMES * sizeof (gfloat));
  }
  g_free (bad);
  g_free (good);
}

GST_END_TEST;

/* A double that no float holds is an infinity among floats. */
GST_START_TEST (test_double)
{
  static const gdouble values[] = { 1e300, -1e300, NAN, INFINITY, 1e-310 };
  static const gfloat replacements[] = { LIMIT, -LIMIT, 0, LIMIT, 0 };
  gdouble *bad = g_new (gdouble, FRAMES);
  gfloat *good = g_new (gfloat, FRAMES);

  for (guint i = 0; i < FRAMES; i++) {
    bad[i] = i % 100 == 0 ? values[__i__] : (gfloat) noise (i);
    good[i] = i % 100 == 0 ? replacements[__i__] : noise (i);
  }
  check_same ("double", AUDIO_CAPS (GST_AUDIO_NE (F64), "1"), bad, FRAMES *
      sizeof (gdouble), AUDIO_CAPS (GST_AUDIO_NE (F32), "1"), good,
      FRAMES * sizeof (gfloat));
  g_free (bad);
  g_free (good);
}

GST_END_TEST;

/* One channel is bad: the mix is replaced where it is, and only there. */
GST_START_TEST (test_channel)
{
  gfloat *bad = g_new (gfloat, 2 * FRAMES), *good = g_new (gfloat, FRAMES);

  for (guint i = 0; i < FRAMES; i++) {
    bad[2 * i] = noise (i);
    bad[2 * i + 1] = i % 100 == 0 ? NAN : noise (i);
    good[i] = i % 100 == 0 ? 0 : noise (i);
  }
  check_same ("NaN in a channel", AUDIO_CAPS (GST_AUDIO_NE (F32), "2, "
          "channel-mask=(bitmask)3"), bad, 2 * FRAMES * sizeof (gfloat),
      AUDIO_CAPS (GST_AUDIO_NE (F32), "1"), good, FRAMES * sizeof (gfloat));
  g_free (bad);
  g_free (good);
}

GST_END_TEST;

/* A resampler spreads what is bad over its length, and keeps nothing of it: the
 * windows after the one with the bad sample are those of good audio. */
GST_START_TEST (test_resampled)
{
  static const gfloat values[] = { NAN, INFINITY, -G_MAXFLOAT };
  const guint n = 3 * 48000;
  gfloat *samples = g_new (gfloat, n);
  guint hash[2][3];

  for (guint bad = 0; bad < 2; bad++) {
    GstHarness *h = start_element ("f32", GST_SECOND);
    GstBuffer *buffer;

    gst_harness_set_src_caps_str (h, "audio/x-raw, format=" GST_AUDIO_NE (F32)
        ", rate=48000, channels=1, layout=interleaved");
    for (guint i = 0; i < n; i++)
      samples[i] = bad && i == 1000 ? values[__i__] : noise (i);
    buffer = gst_buffer_new_memdup (samples, n * sizeof (gfloat));
    GST_BUFFER_PTS (buffer) = 0;
    fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
    gst_harness_push_event (h, gst_event_new_eos ());
    for (guint w = 0; w < 3; w++) {
      buffer = gst_harness_pull (h);
      check_finite (buffer);
      hash[bad][w] = hash_buffer (buffer);
      gst_buffer_unref (buffer);
    }
    gst_harness_teardown (h);
  }
  fail_unless (hash[0][0] != hash[1][0]);
  fail_unless_equals_int (hash[0][1], hash[1][1]);
  fail_unless_equals_int (hash[0][2], hash[1][2]);
  g_free (samples);
}

GST_END_TEST;

/* ---- Integers: the ends of their ranges are full scale, no more ---- */

GST_START_TEST (test_int_min)
{
  gint16 *s16 = g_new (gint16, FRAMES);
  gint32 *s32 = g_new (gint32, FRAMES);
  gfloat *good = g_new (gfloat, FRAMES);

  for (guint i = 0; i < FRAMES; i++) {
    s16[i] = i % 7 < 3 ? G_MININT16 : 0;
    s32[i] = i % 7 < 3 ? G_MININT32 : 0;
    good[i] = i % 7 < 3 ? -1.0f : 0.0f;
  }
  check_same ("S16", AUDIO_CAPS (GST_AUDIO_NE (S16), "1"), s16, 2 * FRAMES,
      AUDIO_CAPS (GST_AUDIO_NE (F32), "1"), good, 4 * FRAMES);
  check_same ("S32", AUDIO_CAPS (GST_AUDIO_NE (S32), "1"), s32, 4 * FRAMES,
      AUDIO_CAPS (GST_AUDIO_NE (F32), "1"), good, 4 * FRAMES);
  g_free (s16);
  g_free (s32);
  g_free (good);
}

GST_END_TEST;

/* ---- Unusual, and nothing to replace: as the core has it ---- */

enum
{ ZERO, DC, CLIPPED, BEYOND };

GST_START_TEST (test_level)
{
  static const CoreParams how = {.profile = "f32",.arithmetic =
        NPU_MEL_F32,.window = 100,.hop = 100
  };
  gfloat *samples = g_new (gfloat, FRAMES);
  GPtrArray *want;
  GstBuffer *buffer;

  for (guint i = 0; i < FRAMES; i++) {
    gdouble wave = 3.0 * sin (i * 0.2);

    samples[i] = __i__ == ZERO ? 0.0 : __i__ == DC ? 0.5 :
        __i__ == CLIPPED ? CLAMP (wave, -1.0, 1.0) : 100.0 * noise (i);
  }
  buffer = encode (AUDIO_CAPS (GST_AUDIO_NE (F32), "1"), "f32", samples,
      FRAMES * sizeof (gfloat));
  want = core_encode (&how, samples, FRAMES);
  check_features (buffer, want, 0);
  gst_buffer_unref (buffer);
  g_ptr_array_unref (want);
  g_free (samples);
}

GST_END_TEST;

static Suite *
samples_suite (void)
{
  Suite *s = suite_create ("samples");
  TCase *tc = tcase_create ("general");

  use_small_model ("samples-test.safetensors");
  suite_add_tcase (s, tc);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_float, 0, G_N_ELEMENTS (floats));
  tcase_add_loop_test (tc, test_double, 0, 5);
  tcase_add_test (tc, test_channel);
  tcase_add_loop_test (tc, test_resampled, 0, 3);
  tcase_add_test (tc, test_int_min);
  tcase_add_loop_test (tc, test_level, ZERO, BEYOND + 1);
  return s;
}

GST_CHECK_MAIN (samples);
