/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packets that do not come, lost by a network or never sent for silence: the
 * decoders tell of them by time stamps alone. With a small random model. */

#include "tests/gst/cosine.h"
#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/pipeline.h"

#define CHUNK 320
#define SILENCE (2 * RATE)

#define G711 "audioresample ! audio/x-raw, rate=8000 ! mulawenc " \
    "! rtppcmupay min-ptime=20000000 max-ptime=20000000 " \
    "! identity name=network ! rtppcmudepay ! mulawdec "
#define OPUS "audioresample ! audio/x-raw, rate=48000 ! opusenc ! rtpopuspay " \
    "! identity name=network ! rtpopusdepay ! opusdec "
#define OPUS_DTX "audioresample ! audio/x-raw, rate=48000 " \
    "! opusenc dtx=true audio-type=voice bitrate=24000 " \
    "! identity name=network ! opusdec "

static const struct
{
  const gchar *name, *line;
  const gchar *factories[6];
  gboolean dtx;                 /* what is lost: the empty packets */
} codecs[] = {
  {"G.711", G711, {"mulawenc", "mulawdec", "rtppcmupay", "rtppcmudepay"},
      FALSE},
  {"Opus", OPUS, {"opusenc", "opusdec", "rtpopuspay", "rtpopusdepay"}, FALSE},
  {"Opus DTX", OPUS_DTX, {"opusenc", "opusdec"}, TRUE},
};

typedef struct
{
  gboolean dtx;
  guint seen, lost;
} Network;

/* One packet now and then, and two and five in a row. */
static gboolean
is_lost (Network * network, GstBuffer * packet)
{
  guint n = network->seen++;

  if (network->dtx)
    return gst_buffer_get_size (packet) < 3;
  return n > 12 && (n % 31 == 0 || n % 47 < 2 || n % 101 < 5);
}

static GstPadProbeReturn
carry (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  Network *network = user;

  if (!is_lost (network, GST_PAD_PROBE_INFO_BUFFER (info)))
    return GST_PAD_PROBE_OK;
  network->lost++;
  return GST_PAD_PROBE_DROP;
}

/* Speech, silence and speech again. */
static void
push_talk (GstHarness * h)
{
  gchar *clip;
  gsize size, n;
  GstBuffer *all;

  fail_unless (g_file_get_contents (TESTS_DATA "/librivox-sense-0870.wav",
          &clip, &size, NULL));
  n = (size - 44) / 2;
  all = gst_buffer_new_allocate (NULL, (2 * n + SILENCE) * 2, NULL);
  gst_buffer_memset (all, 0, 0, -1);
  gst_buffer_fill (all, 0, clip + 44, n * 2);
  gst_buffer_fill (all, (n + SILENCE) * 2, clip + 44, n * 2);
  for (gsize at = 0; at + CHUNK <= 2 * n + SILENCE; at += CHUNK) {
    GstBuffer *buffer = gst_buffer_copy_region (all, GST_BUFFER_COPY_MEMORY,
        at * 2, CHUNK * 2);

    GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (at, GST_SECOND, RATE);
    GST_BUFFER_DURATION (buffer) = 20 * GST_MSECOND;
    fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  }
  gst_buffer_unref (all);
  g_free (clip);
}

/* What comes out after a codec, and what in between. (transfer full) */
static GPtrArray *
talk (guint codec, const gchar * between, Network * network)
{
  gchar *line = g_strconcat (codecs[codec].line, "! ", between,
      "whispernpu name=whisper window-duration=4000000000", NULL);
  GstHarness *h = gst_harness_new_parse (line);
  GstElement *element = gst_bin_get_by_name (GST_BIN (h->element), "network");
  GstPad *pad = gst_element_get_static_pad (element, "src");
  GPtrArray *windows = g_ptr_array_new_with_free_func ((GDestroyNotify)
      gst_buffer_unref);
  GstBuffer *buffer;

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, carry, network, NULL);
  gst_object_unref (pad);
  gst_object_unref (element);
  gst_harness_set_src_caps_str (h, CAPS);
  push_talk (h);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  while ((buffer = gst_harness_try_pull (h)) != NULL)
    g_ptr_array_add (windows, buffer);
  element = gst_bin_get_by_name (GST_BIN (h->element), "whisper");
  fail_unless_equals_uint64 (get_element_stat (element, "resyncs"), 0);
  gst_object_unref (element);
  gst_harness_teardown (h);
  g_free (line);
  return windows;
}

/* One line, and the features as after audiorate, which fills by itself. */
GST_START_TEST (test_loss)
{
  Network lossy = {.dtx = codecs[__i__].dtx }, again = lossy;
  GPtrArray *got, *want;
  gdouble cosine, least = 1.0;

  if (!have (codecs[__i__].name, codecs[__i__].factories))
    return;
  got = talk (__i__, "", &lossy);
  want = talk (__i__, "audiorate tolerance=1000000 ! ", &again);
  fail_unless (lossy.lost >= 20 && lossy.lost == again.lost, "%u of %u lost",
      lossy.lost, lossy.seen);
  /* 16.2 s */
  fail_unless_equals_int (got->len, 5);
  fail_unless_equals_int (want->len, 5);
  for (guint i = 0; i < got->len; i++) {
    fail_unless_equals_uint64 (GST_BUFFER_PTS (got->pdata[i]), i * 4 *
        GST_SECOND);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (got->pdata[i]),
        GST_BUFFER_DURATION (want->pdata[i]));
    cosine = least_cosine (got->pdata[i], want->pdata[i]);
    /* the Opus decoder's first two time stamps overlap, up to the first hole
     * the line is 6.5 ms late */
    fail_unless (cosine > 0.97, "%s, window %u: cosine %.9f",
        codecs[__i__].name, i, cosine);
    if (i > 0)
      least = MIN (least, cosine);
  }
  g_print ("%s, %u of %u packets lost: least cosine %.9f\n",
      codecs[__i__].name, lossy.lost, lossy.seen, least);
  fail_unless (least > 0.9999, "%s: cosine %.9f", codecs[__i__].name, least);
  g_ptr_array_unref (got);
  g_ptr_array_unref (want);
}

GST_END_TEST;

static Suite *
loss_suite (void)
{
  Suite *s = suite_create ("loss");
  TCase *tc = tcase_create ("general");

  use_small_model ("loss-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_loss, 0, G_N_ELEMENTS (codecs));
  return s;
}

GST_CHECK_MAIN (loss);
