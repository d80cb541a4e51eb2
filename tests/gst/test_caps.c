/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every format, channel set, layout and rate gives the features of the same
 * audio converted before by audioconvert and audioresample with the
 * documented mix; new caps in mid-window, at each buffer, and refused ones. */

#include <math.h>

#include "tests/gst/formats.h"
#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"

#define MONO_CAPS "audio/x-raw, format=" GST_AUDIO_NE (F32) ", rate=16000, " \
    "channels=1, layout=interleaved"
#define COLUMNS 64

/* One of so many formats, where a sanitizer makes all of it slow. */
#define EVERY (IN_SANITIZER ? 11 : 1)

/* What the converter can do without rounding: eight bits fit every format. */
static gdouble
sample_value (guint64 frame, gint channel)
{
  uint64_t state = frame * 64 + channel;

  return (gdouble) ((gint64) small_model_random (&state) >> 56) / 128.0;
}

typedef struct
{
  const gchar *name;
  gint channels;
  guint64 mask;                 /* 0: unpositioned, or mono */
} Shape;

/* 5.1 and 7.1 with side speakers, in the order of the mask's bits. */
static const Shape shapes[] = {
  {"mono", 1, 0}, {"stereo", 2, 0x3}, {"5.1", 6, 0x3f}, {"7.1", 8, 0xc3f},
  {"2 unpositioned", 2, 0}, {"6 unpositioned", 6, 0}, {"8 unpositioned", 8, 0},
};

/* As gst/audioinput.h has it, written down channel by channel: FL FR FC LFE RL
 * RR SL SR, before they are made to add up to 1. */
static const gfloat surround[] =
    { 0.70710678f, 0.70710678f, 1.0f, 0.0f, 0.5f, 0.5f, 0.5f, 0.5f };

static GstAudioInfo
make_info (GstAudioFormat format, gint rate, const Shape * shape,
    gboolean planar)
{
  GstAudioInfo info;
  GstAudioChannelPosition position[64];

  for (gint c = 0; c < shape->channels; c++)
    position[c] = shape->channels == 1 ? GST_AUDIO_CHANNEL_POSITION_MONO :
        GST_AUDIO_CHANNEL_POSITION_NONE;
  if (shape->mask != 0)
    fail_unless (gst_audio_channel_positions_from_mask (shape->channels,
            shape->mask, position));
  gst_audio_info_set_format (&info, format, rate, shape->channels, position);
  if (planar)
    info.layout = GST_AUDIO_LAYOUT_NON_INTERLEAVED;
  return info;
}

/* n frames of the noise from `first` on; PTS by `at` frames of this rate. */
static GstBuffer *
make_frames (const GstAudioInfo * info, guint64 first, guint n)
{
  gint channels = GST_AUDIO_INFO_CHANNELS (info);
  const GstAudioFormatInfo *finfo = info->finfo;
  gsize total = (gsize) n * channels;
  gdouble *values = g_new (gdouble, total);
  gint32 *ints = g_new (gint32, total);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, total *
      GST_AUDIO_FORMAT_INFO_WIDTH (finfo) / 8, NULL);
  GstMapInfo map;
  gboolean planar =
      GST_AUDIO_INFO_LAYOUT (info) == GST_AUDIO_LAYOUT_NON_INTERLEAVED;

  for (guint i = 0; i < n; i++)
    for (gint c = 0; c < channels; c++) {
      gsize at = planar ? (gsize) c * n + i : (gsize) i * channels + c;

      values[at] = sample_value (first + i, c);
      ints[at] = (gint32) (values[at] * 2147483648.0);
    }
  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  finfo->pack_func (finfo, 0, finfo->unpack_format == GST_AUDIO_FORMAT_S32 ?
      (gpointer) ints : (gpointer) values, map.data, total);
  gst_buffer_unmap (buffer, &map);
  if (planar)
    gst_buffer_add_audio_meta (buffer, info, n, NULL);
  g_free (values);
  g_free (ints);
  return buffer;
}

/* ---- The reference: GStreamer's own elements ---- */

static void
set_mix (GstElement * convert, const Shape * shape)
{
  GValue matrix = G_VALUE_INIT, row = G_VALUE_INIT, weight = G_VALUE_INIT;
  gfloat sum = 0.0f;

  g_value_init (&matrix, GST_TYPE_ARRAY);
  g_value_init (&row, GST_TYPE_ARRAY);
  g_value_init (&weight, G_TYPE_FLOAT);
  for (gint c = 0; c < shape->channels; c++)
    sum += shape->mask != 0 ? surround[c] : 1.0f;
  for (gint c = 0; c < shape->channels; c++) {
    g_value_set_float (&weight, (shape->mask != 0 ? surround[c] : 1.0f) / sum);
    gst_value_array_append_value (&row, &weight);
  }
  gst_value_array_append_value (&matrix, &row);
  g_object_set_property (G_OBJECT (convert), "mix-matrix", &matrix);
  g_value_unset (&weight);
  g_value_unset (&row);
  g_value_unset (&matrix);
}

/* A tenth of a second, so that audioresample gives all of what was before. */
static GstBuffer *
make_silence (const GstAudioInfo * info)
{
  gsize n = GST_AUDIO_INFO_RATE (info) / 10;
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n * info->bpf, NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  gst_audio_format_info_fill_silence (info->finfo, map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  if (GST_AUDIO_INFO_LAYOUT (info) == GST_AUDIO_LAYOUT_NON_INTERLEAVED)
    gst_buffer_add_audio_meta (buffer, info, n, NULL);
  return buffer;
}

/* The samples at 16 kHz that audioconvert and audioresample make of `audio`
 * (transfer full), appended to `out`. */
static void
convert (const GstAudioInfo * info, const Shape * shape, GstBuffer * audio,
    GByteArray * out)
{
  GstHarness *h = gst_harness_new_parse ("audioconvert name=c ! audioresample "
      "! capsfilter caps=\"" MONO_CAPS "\"");
  GstElement *element = gst_bin_get_by_name (GST_BIN (h->element), "c");
  guint end = out->len + sizeof (gfloat) * gst_util_uint64_scale_round
      (gst_buffer_get_size (audio) / info->bpf, RATE, info->rate);
  GstBuffer *buffer;

  if (shape->channels > 1)
    set_mix (element, shape);
  gst_object_unref (element);
  gst_harness_set_src_caps (h, gst_audio_info_to_caps (info));
  fail_unless_equals_int (gst_harness_push (h, audio), GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_push (h, make_silence (info)),
      GST_FLOW_OK);
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (h)) != NULL) {
    GstMapInfo map;

    gst_buffer_map (buffer, &map, GST_MAP_READ);
    g_byte_array_append (out, map.data, map.size);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
  fail_unless (out->len >= end);
  g_byte_array_set_size (out, end);
  gst_harness_teardown (h);
}

/* ---- The element: one for all, a stream after the other ---- */

static void
open_stream (GstHarness * h, GstCaps * caps)
{
  static guint n;
  gchar *id = g_strdup_printf ("%u", n++);

  fail_unless (gst_harness_push_event (h, gst_event_new_stream_start (id)));
  fail_unless (gst_harness_push_event (h, gst_event_new_caps (caps)));
  push_segment (h);
  gst_caps_unref (caps);
  g_free (id);
}

/* The one window of a stream. */
static GstBuffer *
close_stream (GstHarness * h)
{
  GstBuffer *buffer;

  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  buffer = gst_harness_pull (h);
  fail_unless (buffer != NULL);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), 0);
  return buffer;
}

static GstBuffer *
encode (GstHarness * h, const GstAudioInfo * info, GstBuffer * audio)
{
  open_stream (h, gst_audio_info_to_caps (info));
  fail_unless_equals_int (gst_harness_push (h, audio), GST_FLOW_OK);
  return close_stream (h);
}

static GstBuffer *
encode_mono (GstHarness * h, GByteArray * samples)
{
  GstBuffer *audio = gst_buffer_new_memdup (samples->data, samples->len);

  GST_BUFFER_PTS (audio) = 0;
  open_stream (h, gst_caps_from_string (MONO_CAPS));
  fail_unless_equals_int (gst_harness_push (h, audio), GST_FLOW_OK);
  return close_stream (h);
}

/* Of the positions that hold audio; 1 where all is the same. */
static gdouble
cosine (GstBuffer * a, GstBuffer * b)
{
  GstMapInfo ma, mb;
  gdouble ab = 0.0, aa = 0.0, bb = 0.0;
  gsize n = GST_BUFFER_OFFSET_END (a) * COLUMNS;

  fail_unless_equals_uint64 (GST_BUFFER_OFFSET_END (a),
      GST_BUFFER_OFFSET_END (b));
  gst_buffer_map (a, &ma, GST_MAP_READ);
  gst_buffer_map (b, &mb, GST_MAP_READ);
  fail_unless (n * sizeof (gfloat) <= ma.size && n > 0);
  for (gsize i = 0; i < n; i++) {
    gdouble x = ((gfloat *) ma.data)[i], y = ((gfloat *) mb.data)[i];

    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  gst_buffer_unmap (a, &ma);
  gst_buffer_unmap (b, &mb);
  return ab / sqrt (aa * bb);
}

static gboolean
is_equal (GstBuffer * a, GstBuffer * b)
{
  GstMapInfo map;
  gboolean equal;

  gst_buffer_map (a, &map, GST_MAP_READ);
  equal = gst_buffer_get_size (b) == map.size &&
      gst_buffer_memcmp (b, 0, map.data, map.size) == 0;
  gst_buffer_unmap (a, &map);
  return equal;
}

/* The features of a second in this format against those of the converted
 * second; the last reference is kept, for formats often convert to the same. */
typedef struct
{
  GstHarness *h;
  GByteArray *samples;
  GstBuffer *features;          /* of `samples` */
  guint n, n_equal;
  gdouble worst;
} Matrix;

static void
compare (Matrix * matrix, GstAudioFormat format, gint rate, const Shape * shape,
    gboolean planar)
{
  GstAudioInfo info = make_info (format, rate, shape, planar);
  GstBuffer *audio = make_frames (&info, 0, rate);
  GByteArray *samples = g_byte_array_new ();
  GstBuffer *features;
  gdouble cos;

  convert (&info, shape, gst_buffer_copy (audio), samples);
  if (matrix->samples == NULL || matrix->samples->len != samples->len ||
      memcmp (matrix->samples->data, samples->data, samples->len) != 0) {
    g_clear_pointer (&matrix->samples, g_byte_array_unref);
    gst_clear_buffer (&matrix->features);
    matrix->samples = g_byte_array_ref (samples);
    matrix->features = encode_mono (matrix->h, samples);
  }
  g_byte_array_unref (samples);
  features = encode (matrix->h, &info, audio);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (features), GST_SECOND);
  cos = cosine (matrix->features, features);
  matrix->n++;
  matrix->n_equal += is_equal (matrix->features, features);
  matrix->worst = MIN (matrix->worst, cos);
  fail_unless (cos >= 0.99999, "%s, %d Hz, %s, planar %d: cosine %.9f",
      gst_audio_format_to_string (format), rate, shape->name, planar, cos);
  gst_buffer_unref (features);
}

static void
close_matrix (Matrix * matrix, const gchar * name)
{
  g_print ("%s: %u combinations, %u equal in bits, least cosine %.9f\n", name,
      matrix->n, matrix->n_equal, matrix->worst);
  g_byte_array_unref (matrix->samples);
  gst_buffer_unref (matrix->features);
  gst_harness_teardown (matrix->h);
}

/* At 16 kHz every conversion of these samples is exact: the same bits. */
GST_START_TEST (test_matrix)
{
  Matrix matrix = {.h = start_windows (2 * GST_SECOND),.worst = 1.0 };
  GArray *formats = make_formats ();

  for (guint s = 0; s < G_N_ELEMENTS (shapes); s++)
    for (guint f = 0; f < formats->len; f += EVERY)
      for (guint planar = 0; planar < 2; planar++)
        compare (&matrix, g_array_index (formats, GstAudioFormat, f), RATE,
            &shapes[s], planar);
  fail_unless_equals_int (matrix.n, (formats->len + EVERY - 1) / EVERY *
      G_N_ELEMENTS (shapes) * 2);
  fail_unless_equals_int (matrix.n_equal, matrix.n);
  g_array_unref (formats);
  close_matrix (&matrix, "formats at 16 kHz");
}

GST_END_TEST;

static const gint rates[] =
    { 8000, 11025, 22050, 32000, 44100, 48000, 88200, 96000, 176400, 192000 };

/* The two resamplers have other windows: nearly the same. */
GST_START_TEST (test_rates)
{
  static const GstAudioFormat formats[] = { GST_AUDIO_FORMAT_S16,
    GST_AUDIO_FORMAT_S24BE, GST_AUDIO_FORMAT_F64
  };
  static const guint some[] = { 0, 1, 2, 5 };
  Matrix matrix = {.h = start_windows (2 * GST_SECOND),.worst = 1.0 };

  for (guint r = 0; r < G_N_ELEMENTS (rates); r += EVERY)
    for (guint s = 0; s < G_N_ELEMENTS (some); s++)
      for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
        compare (&matrix, formats[f], rates[r], &shapes[some[s]], s % 2);
  close_matrix (&matrix, "8 to 192 kHz");
}

GST_END_TEST;

/* A second in `n` pieces, each with its own caps, is one window; its features
 * are those of the pieces converted one by one. */
static void
check_pieces (guint n, gint (*rate_of) (guint piece), gdouble least)
{
  GstHarness *h = start_windows (2 * GST_SECOND);
  GByteArray *samples = g_byte_array_new ();
  GstBuffer *features, *want;
  GArray *formats = make_formats ();

  for (guint i = 0; i < n; i++) {
    const Shape *shape = &shapes[i % G_N_ELEMENTS (shapes)];
    gint rate = rate_of (i);
    GstAudioInfo info = make_info (g_array_index (formats, GstAudioFormat,
            i % formats->len), rate, shape, (i / 3) % 2);
    GstBuffer *audio = make_frames (&info, (guint64) i * 1000, rate / n);
    GstCaps *caps = gst_audio_info_to_caps (&info);

    convert (&info, shape, gst_buffer_copy (audio), samples);
    if (i == 0)
      open_stream (h, gst_caps_ref (caps));
    else
      fail_unless (gst_harness_push_event (h, gst_event_new_caps (caps)));
    GST_BUFFER_PTS (audio) = i * (GST_SECOND / n);
    fail_unless_equals_int (gst_harness_push (h, audio), GST_FLOW_OK);
    gst_caps_unref (caps);
  }
  features = close_stream (h);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (features), 0);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (features), GST_SECOND);
  fail_unless_equals_uint64 (get_stat (h, "conversions"), n);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  fail_unless_equals_int (samples->len, RATE * sizeof (gfloat));
  want = encode_mono (h, samples);
  if (least == 1.0)
    fail_unless (is_equal (features, want));
  else
    fail_unless (cosine (features, want) >= least, "cosine %.9f",
        cosine (features, want));
  gst_buffer_unref (features);
  gst_buffer_unref (want);
  g_byte_array_unref (samples);
  g_array_unref (formats);
  gst_harness_teardown (h);
}

static gint
one_rate (guint piece)
{
  return RATE;
}

static gint
many_rates (guint piece)
{
  static const gint several[] = { 16000, 48000, 8000, 192000, 32000, 44000 };

  return several[piece % G_N_ELEMENTS (several)];
}

GST_START_TEST (test_change_in_window)
{
  check_pieces (2, one_rate, 1.0);
  check_pieces (4, many_rates, 0.99999);
}

GST_END_TEST;

/* Renegotiation at each buffer, as a switch between sources makes it. */
GST_START_TEST (test_change_at_each_buffer)
{
  check_pieces (100, one_rate, 1.0);
  check_pieces (100, many_rates, 0.999);
}

GST_END_TEST;

static const gchar *refused[] = {
  "audio/x-raw, format=S16LE, rate=999, channels=1, layout=interleaved",
  "audio/x-raw, format=S16LE, rate=768001, channels=1, layout=interleaved",
  "audio/x-raw, format=S16LE, rate=2147483647, channels=1, layout=interleaved",
  ("audio/x-raw, format=S16LE, rate=16000, channels=64, "
      "channel-mask=(bitmask)0, layout=interleaved"),
  "audio/x-raw, format=S16LE, rate=16000, channels=1, layout=diagonal",
  "audio/x-raw, format=S17LE, rate=16000, channels=1, layout=interleaved",
  "audio/x-raw, rate=16000, channels=1, layout=interleaved",
  "audio/x-opus, rate=48000, channels=2",
  "video/x-raw, format=RGB, width=16, height=16, framerate=30/1",
  /* passes the template, and says not what the channels are */
  "audio/x-raw, format=S16LE, rate=16000, channels=6, layout=interleaved",
};

#define WITH_ERROR 9

/* Who asks is told so. Audio after them is not negotiated, at most one error
 * says why, and good caps are welcome afterwards. */
GST_START_TEST (test_refused)
{
  GstHarness *h = gst_harness_new ("whispernpu");
  GstBus *bus = gst_bus_new ();
  GstCaps *caps = gst_caps_from_string (refused[__i__]);
  GQuark domain = 0;
  gint code = -1;

  fail_unless (caps != NULL);
  gst_element_set_bus (h->element, bus);
  fail_unless_equals_int (gst_pad_peer_query_accept_caps (h->srcpad, caps),
      __i__ == WITH_ERROR);
  gst_harness_push_event (h, gst_event_new_stream_start ("bad"));
  gst_harness_push_event (h, gst_event_new_caps (caps));
  fail_unless_equals_int (count_errors (bus, &domain, &code), __i__ ==
      WITH_ERROR);
  if (__i__ == WITH_ERROR) {
    fail_unless (domain == GST_STREAM_ERROR);
    fail_unless_equals_int (code, GST_STREAM_ERROR_FORMAT);
  }
  push_segment (h);
  fail_unless_equals_int (gst_harness_push (h, make_audio (0, 160, RATE)),
      GST_FLOW_NOT_NEGOTIATED);
  open_stream (h, gst_caps_from_string (CAPS));
  push_audio (h, 0, 1600, 160);
  gst_buffer_unref (close_stream (h));
  gst_caps_unref (caps);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
caps_suite (void)
{
  Suite *s = suite_create ("caps");
  TCase *tc = tcase_create ("general");

  use_small_model ("caps-test.safetensors");
  suite_add_tcase (s, tc);
  watch_leaks (tc);
  tcase_add_test (tc, test_matrix);
  tcase_add_test (tc, test_rates);
  tcase_add_test (tc, test_change_in_window);
  tcase_add_test (tc, test_change_at_each_buffer);
  tcase_add_loop_test (tc, test_refused, 0, G_N_ELEMENTS (refused));
  return s;
}

GST_CHECK_MAIN (caps);
