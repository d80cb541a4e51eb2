/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In real time: playback beside the features, a source like a microphone, a
 * receiver of RTP. Windows of a second, so that a few seconds show it. With a
 * small random model. */

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/pipeline.h"

#define WINDOW_TIME ((GstClockTimeDiff) GST_SECOND)
#define ENCODER "whispernpu name=whisper window-duration=1000000000 "
#define OUT "fakesink name=out sync=false signal-handoffs=true "
/* What a busy machine may add to a time that another thread decides. */
#define PATIENCE (2 * GST_SECOND)

typedef struct
{
  GstClockTime pts, duration;
  GstClockTime arrival;         /* running time */
  guint hash;
} Window;

/* What came to a sink. */
typedef struct
{
  GMutex lock;
  GCond cond;
  GArray *windows;              /* of Window */
} Seen;

static void
see (GstElement * sink, GstBuffer * buffer, GstPad * pad, Seen * seen)
{
  Window window = { GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer),
    gst_element_get_current_running_time (sink), hash_buffer (buffer)
  };

  g_mutex_lock (&seen->lock);
  g_array_append_val (seen->windows, window);
  g_cond_broadcast (&seen->cond);
  g_mutex_unlock (&seen->lock);
}

static void
watch (GstElement * pipeline, const gchar * name, Seen * seen)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), name);

  g_mutex_init (&seen->lock);
  g_cond_init (&seen->cond);
  seen->windows = g_array_new (FALSE, FALSE, sizeof (Window));
  g_signal_connect (sink, "handoff", G_CALLBACK (see), seen);
  gst_object_unref (sink);
}

/* With the pipeline stopped. */
static void
forget (Seen * seen)
{
  g_array_unref (seen->windows);
  g_mutex_clear (&seen->lock);
  g_cond_clear (&seen->cond);
}

static Window *
nth (Seen * seen, guint i)
{
  return &g_array_index (seen->windows, Window, i);
}

/* Until n windows have come; there is no end of stream to wait for. */
static void
wait_windows (Seen * seen, guint n)
{
  gint64 end = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  gboolean in_time = TRUE;

  g_mutex_lock (&seen->lock);
  while (seen->windows->len < n && in_time)
    in_time = g_cond_wait_until (&seen->cond, &seen->lock, end);
  fail_unless (in_time, "%u of %u windows within a minute",
      seen->windows->len, n);
  g_mutex_unlock (&seen->lock);
}

static guint64
read_stat (GstElement * pipeline, const gchar * name)
{
  GstStructure *stats = NULL;
  guint64 value = 0;

  gst_child_proxy_get (GST_CHILD_PROXY (pipeline), "whisper::stats", &stats,
      NULL);
  fail_unless (gst_structure_get_uint64 (stats, name, &value), "no %s", name);
  gst_structure_free (stats);
  return value;
}

/* The least latency of what comes to the sink "out". */
static GstClockTime
query_latency (GstElement * pipeline, gboolean * live)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");
  GstQuery *query = gst_query_new_latency ();
  GstClockTime min = 0;

  fail_unless (gst_pad_peer_query (pad, query));
  gst_query_parse_latency (query, live, &min, NULL);
  gst_query_unref (query);
  gst_object_unref (pad);
  gst_object_unref (sink);
  return min;
}

/* The windows follow each other without a hole, `tolerance` aside. */
static void
check_contiguous (Seen * seen, GstClockTimeDiff tolerance)
{
  for (guint i = 1; i < seen->windows->len; i++) {
    GstClockTimeDiff step = GST_CLOCK_DIFF (nth (seen, i - 1)->pts,
        nth (seen, i)->pts);

    fail_unless (ABS (step - WINDOW_TIME) <= tolerance,
        "window %u comes %" GST_STIME_FORMAT " after the one before", i,
        GST_STIME_ARGS (step));
  }
}

/* No window may come before its end, for a live source sends no faster, nor
 * later than LATENCY allows. `early`: what comes in one buffer; audiotestsrc
 * sends it at its start, and a packet's time stamp is that of when it came. */
static void
check_arrivals (Seen * seen, GstClockTime early, GstClockTime latency)
{
  for (guint i = 0; i < seen->windows->len; i++) {
    const Window *window = nth (seen, i);
    GstClockTime age = window->arrival - window->pts;

    fail_unless (age + early >= window->duration &&
        age <= latency + PATIENCE, "window %u comes %" GST_TIME_FORMAT
        " after its start", i, GST_TIME_ARGS (age));
  }
}

/* A file is played and encoded: playback neither waits for a window nor do
 * features come at the pace of playback's end. */
GST_START_TEST (test_playback_beside)
{
  const guint n_played = 35;    /* of 100 ms */
  GstElement *pipeline = launch ("audiotestsrc num-buffers=35 "
      "samplesperbuffer=1600 wave=white-noise ! audio/x-raw, rate=16000 "
      "! tee name=t "
      "t. ! queue ! fakesink name=played sync=true signal-handoffs=true "
      "t. ! queue ! " ENCODER "! " OUT);
  Seen played, seen;
  GstClockTime start;

  watch (pipeline, "played", &played);
  watch (pipeline, "out", &seen);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_eos (pipeline);
  fail_unless_equals_int (read_stat (pipeline, "dropped"), 0);
  gst_element_set_state (pipeline, GST_STATE_NULL);

  fail_unless_equals_int (played.windows->len, n_played);
  start = nth (&played, 0)->arrival;
  for (guint i = 0; i < n_played; i++) {
    GstClockTimeDiff late = GST_CLOCK_DIFF (start + nth (&played, i)->pts,
        nth (&played, i)->arrival);

    fail_unless_equals_uint64 (nth (&played, i)->pts, i * 100 * GST_MSECOND);
    fail_unless (late < (GstClockTimeDiff) PATIENCE, "playback stops for %"
        GST_STIME_FORMAT, GST_STIME_ARGS (late));
  }

  fail_unless_equals_int (seen.windows->len, 4);
  check_contiguous (&seen, 0);
  fail_unless_equals_uint64 (nth (&seen, 0)->pts, 0);
  fail_unless_equals_uint64 (nth (&seen, 3)->duration, WINDOW_TIME / 2);
  gst_object_unref (pipeline);
  forget (&played);
  forget (&seen);
}

GST_END_TEST;

/* Like a microphone. */
GST_START_TEST (test_live_source)
{
  GstElement *pipeline = launch ("audiotestsrc is-live=true num-buffers=35 "
      "samplesperbuffer=1600 wave=white-noise ! audio/x-raw, rate=16000 "
      "! " ENCODER "! " OUT);
  Seen seen;
  gboolean live = FALSE;
  GstClockTime latency;

  watch (pipeline, "out", &seen);
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_windows (&seen, 1);
  latency = query_latency (pipeline, &live);
  fail_unless (live);
  fail_unless (latency >= WINDOW_TIME && latency < 5 * GST_SECOND);
  wait_eos (pipeline);
  fail_unless_equals_int (read_stat (pipeline, "dropped"), 0);
  fail_unless_equals_int (read_stat (pipeline, "windows"), 4);
  gst_element_set_state (pipeline, GST_STATE_NULL);

  fail_unless_equals_int (seen.windows->len, 4);
  check_contiguous (&seen, 0);
  /* when the clock was asked first */
  fail_unless (nth (&seen, 0)->pts < PATIENCE);
  fail_unless_equals_uint64 (nth (&seen, 3)->duration, WINDOW_TIME / 2);
  check_arrivals (&seen, 100 * GST_MSECOND, latency);
  gst_object_unref (pipeline);
  forget (&seen);
}

GST_END_TEST;

/* By how much a player beside the features is late, with a sink of the features
 * that follows the clock or not. */
static GstClockTime
measure_player (const gchar * features_sink)
{
  gchar *text = g_strconcat ("audiotestsrc is-live=true samplesperbuffer=1600 "
      "! audio/x-raw, rate=16000 ! tee name=t "
      "t. ! queue ! fakesink name=played sync=true signal-handoffs=true "
      "t. ! queue ! " ENCODER "! ", features_sink, NULL);
  GstElement *pipeline = launch (text);
  Seen played;
  GstClockTime late;

  watch (pipeline, "played", &played);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_windows (&played, 1);
  late = nth (&played, 0)->arrival - nth (&played, 0)->pts;
  finish (pipeline);
  forget (&played);
  g_free (text);
  return late;
}

/* What README.md says of sync=false. */
GST_START_TEST (test_sync_false)
{
  fail_unless (measure_player ("fakesink sync=true") >= WINDOW_TIME);
  fail_unless (measure_player ("fakesink sync=false") < WINDOW_TIME);
}

GST_END_TEST;

/* The port that a running receiver listens to; 0 where it cannot. */
static gint
get_port (GstElement * receiver)
{
  gint port = 0;

  if (gst_element_set_state (receiver, GST_STATE_PAUSED) !=
      GST_STATE_CHANGE_FAILURE)
    gst_child_proxy_get (GST_CHILD_PROXY (receiver), "udp::port", &port, NULL);
  return port;
}

/* Noise in Opus over RTP and a real socket, some packets lost: the receiver
 * gives windows without a hole, as the decoder fills what is missing. */
GST_START_TEST (test_rtp_opus)
{
  static const gchar *const factories[] = { "opusenc", "opusdec", "rtpopuspay",
    "rtpopusdepay", "rtpjitterbuffer", "udpsrc", "udpsink", NULL
  };
  GstElement *receiver, *sender;
  Seen seen;
  gint port;
  gboolean live = FALSE;
  GstClockTime latency;

  if (!have ("live", factories))
    return;
  receiver = launch ("udpsrc name=udp address=127.0.0.1 port=0 "
      "caps=\"application/x-rtp, media=audio, clock-rate=48000, "
      "encoding-name=OPUS, payload=96\" "
      "! rtpjitterbuffer latency=100 do-lost=true ! rtpopusdepay "
      "! opusdec plc=true ! " ENCODER "! " OUT);
  watch (receiver, "out", &seen);
  port = get_port (receiver);
  if (port == 0) {
    g_print ("skip live: no UDP socket on 127.0.0.1\n");
    finish (receiver);
    forget (&seen);
    return;
  }
  sender = launch ("audiotestsrc is-live=true wave=white-noise "
      "samplesperbuffer=960 ! audio/x-raw, rate=48000, channels=2 ! opusenc "
      "! rtpopuspay pt=96 ! identity drop-probability=0.02 "
      "! udpsink name=udp host=127.0.0.1");
  gst_child_proxy_set (GST_CHILD_PROXY (sender), "udp::port", port, NULL);
  gst_element_set_state (receiver, GST_STATE_PLAYING);
  gst_element_set_state (sender, GST_STATE_PLAYING);

  wait_windows (&seen, 4);
  latency = query_latency (receiver, &live);
  fail_unless (live);
  fail_unless (latency >= WINDOW_TIME + 100 * GST_MSECOND);
  fail_unless_equals_int (read_stat (receiver, "dropped"), 0);
  /* the first buffer is none that anything could be out of step with */
  fail_unless (read_stat (receiver, "resyncs") <= 1);
  gst_element_set_state (sender, GST_STATE_NULL);
  gst_element_set_state (receiver, GST_STATE_NULL);

  /* a sample of 48 kHz is 21 us; the jitter buffer follows the sender's clock */
  check_contiguous (&seen, 5 * GST_MSECOND);
  check_arrivals (&seen, 20 * GST_MSECOND, latency);
  for (guint i = 1; i < seen.windows->len; i++)
    fail_unless (nth (&seen, i)->hash != nth (&seen, i - 1)->hash,
        "two windows of noise are equal");
  gst_object_unref (sender);
  gst_object_unref (receiver);
  forget (&seen);
}

GST_END_TEST;

static Suite *
live_suite (void)
{
  Suite *s = suite_create ("live");
  TCase *tc = tcase_create ("general");

  use_small_model ("live-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_playback_beside);
  tcase_add_test (tc, test_live_source);
  tcase_add_test (tc, test_sync_false);
  tcase_add_test (tc, test_rtp_opus);
  return s;
}

GST_CHECK_MAIN (live);
