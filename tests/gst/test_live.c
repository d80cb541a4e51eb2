/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Live: playback beside the features, a source like a microphone, a receiver of
 * RTP. Windows of a second, so that a few seconds show it. With a small random
 * model. Times are those of a test clock that goes on when told, so that a busy
 * machine changes none of them; RTP alone takes the system's, and is asked for
 * no time. */

#include <gst/check/gsttestclock.h>

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/pipeline.h"

#define WINDOW_TIME ((GstClockTimeDiff) GST_SECOND)
#define ENCODER "whispernpu name=whisper window-duration=1000000000 "
#define OUT "fakesink name=out sync=false signal-handoffs=true "

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

/* (transfer full) A clock at 0 that goes on with step() alone. */
static GstTestClock *
use_test_clock (GstElement * pipeline)
{
  GstClock *clock = gst_test_clock_new ();

  gst_pipeline_use_clock (GST_PIPELINE (pipeline), clock);
  return GST_TEST_CLOCK (clock);
}

static GstPadProbeReturn
count_buffer (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  g_atomic_int_inc ((gint *) user);
  return GST_PAD_PROBE_OK;
}

/* `count`, atomic, is of the buffers that come to this element. */
static void
count_buffers (GstElement * pipeline, const gchar * name, gint * count)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstPad *pad = gst_element_get_static_pad (element, "sink");

  *count = 0;
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count_buffer, count, NULL);
  gst_object_unref (pad);
  gst_object_unref (element);
}

/* On from time to time that somebody waits for, until buffer n has come: who
 * waits for the next one's time has sent it. */
static void
step (GstTestClock * clock, gint * count, gint n)
{
  for (guint i = 0; i < 6000 && g_atomic_int_get (count) < n; i++)
    if (gst_test_clock_timed_wait_for_multiple_pending_ids (clock, 1, 10, NULL)
        && g_atomic_int_get (count) < n)
      gst_test_clock_crank (clock);
  fail_unless (g_atomic_int_get (count) >= n, "%d of %d buffers",
      g_atomic_int_get (count), n);
}

/* On until the stream has ended. */
static void
step_to_end (GstTestClock * clock, GstElement * pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = NULL;

  for (guint i = 0; i < 6000 && message == NULL; i++) {
    if (gst_test_clock_timed_wait_for_multiple_pending_ids (clock, 1, 10, NULL))
      gst_test_clock_crank (clock);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  }
  fail_unless (message != NULL, "no EOS");
  fail_unless_equals_string (GST_MESSAGE_TYPE_NAME (message), "eos");
  gst_message_unref (message);
  gst_object_unref (bus);
}

/* A file is played and encoded: features do not come at the pace of playback,
 * and playback is on time whatever the features do. */
GST_START_TEST (test_playback_beside)
{
  const guint n_played = 35;    /* of 100 ms */
  GstElement *pipeline = launch ("audiotestsrc num-buffers=35 "
      "samplesperbuffer=1600 wave=white-noise ! audio/x-raw, rate=16000 "
      "! tee name=t "
      "t. ! queue ! fakesink name=played sync=true signal-handoffs=true "
      "t. ! queue ! " ENCODER "! " OUT);
  GstTestClock *clock = use_test_clock (pipeline);
  Seen played, seen;
  gint count;

  count_buffers (pipeline, "played", &count);
  watch (pipeline, "played", &played);
  watch (pipeline, "out", &seen);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_windows (&seen, 1);
  fail_unless_equals_uint64 (nth (&seen, 0)->arrival, 0);
  for (guint i = 1; i <= n_played; i++)
    step (clock, &count, i);
  step_to_end (clock, pipeline);
  fail_unless_equals_int (read_stat (pipeline, "dropped"), 0);
  gst_element_set_state (pipeline, GST_STATE_NULL);

  fail_unless_equals_int (played.windows->len, n_played);
  for (guint i = 0; i < n_played; i++) {
    fail_unless_equals_uint64 (nth (&played, i)->pts, i * 100 * GST_MSECOND);
    fail_unless_equals_uint64 (nth (&played, i)->arrival,
        nth (&played, i)->pts);
  }

  fail_unless_equals_int (seen.windows->len, 4);
  check_contiguous (&seen, 0);
  fail_unless_equals_uint64 (nth (&seen, 0)->pts, 0);
  fail_unless_equals_uint64 (nth (&seen, 3)->duration, WINDOW_TIME / 2);
  gst_object_unref (pipeline);
  gst_object_unref (clock);
  forget (&played);
  forget (&seen);
}

GST_END_TEST;

/* Like a microphone: a window comes with the buffer after its last, whose first
 * samples it needs, and that is within the latency. */
GST_START_TEST (test_live_source)
{
  GstElement *pipeline = launch ("audiotestsrc is-live=true num-buffers=35 "
      "samplesperbuffer=1600 wave=white-noise ! audio/x-raw, rate=16000 "
      "! " ENCODER "! " OUT);
  GstTestClock *clock = use_test_clock (pipeline);
  Seen seen;
  gboolean live = FALSE;
  GstClockTime latency, came[3];
  gint count;

  count_buffers (pipeline, "whisper", &count);
  watch (pipeline, "out", &seen);
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (gint i = 1; i <= 35; i++) {
    step (clock, &count, i);
    if (i % 10 == 1 && i > 1) {
      came[i / 10 - 1] = gst_clock_get_time (GST_CLOCK (clock));
      wait_windows (&seen, i / 10);
    }
  }
  wait_eos (pipeline);
  latency = query_latency (pipeline, &live);
  fail_unless (live);
  /* an encoder that takes seconds raises it */
  fail_unless (latency >= WINDOW_TIME && (latency < 5 * GST_SECOND ||
          read_stat (pipeline, "encode-time-max") > GST_SECOND));
  fail_unless_equals_int (read_stat (pipeline, "dropped"), 0);
  fail_unless_equals_int (read_stat (pipeline, "windows"), 4);
  gst_element_set_state (pipeline, GST_STATE_NULL);

  fail_unless_equals_int (seen.windows->len, 4);
  check_contiguous (&seen, 0);
  fail_unless_equals_uint64 (nth (&seen, 0)->pts, 0);
  fail_unless_equals_uint64 (nth (&seen, 3)->duration, WINDOW_TIME / 2);
  for (guint i = 0; i < 3; i++) {
    fail_unless_equals_uint64 (nth (&seen, i)->arrival, came[i]);
    fail_unless (came[i] >= (i + 1) * WINDOW_TIME &&
        came[i] <= i * WINDOW_TIME + latency);
  }
  gst_object_unref (pipeline);
  gst_object_unref (clock);
  forget (&seen);
}

GST_END_TEST;

static GstPadProbeReturn
note_latency (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);

  if (GST_EVENT_TYPE (event) == GST_EVENT_LATENCY)
    gst_event_parse_latency (event, user);
  return GST_PAD_PROBE_OK;
}

/* By how much a player beside the features is told to be late, with a sink of
 * the features that follows the clock or not. */
static GstClockTime
measure_player (const gchar * features_sink)
{
  gchar *text = g_strconcat ("audiotestsrc is-live=true samplesperbuffer=1600 "
      "! audio/x-raw, rate=16000 ! tee name=t "
      "t. ! queue ! fakesink name=played sync=true signal-handoffs=true "
      "t. ! queue ! " ENCODER "! ", features_sink, NULL);
  GstElement *pipeline = launch (text);
  GstElement *player = gst_bin_get_by_name (GST_BIN (pipeline), "played");
  GstPad *pad = gst_element_get_static_pad (player, "sink");
  Seen played;
  GstClockTime told = GST_CLOCK_TIME_NONE;

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, note_latency,
      &told, NULL);
  gst_object_unref (pad);
  gst_object_unref (player);
  watch (pipeline, "played", &played);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_windows (&played, 1);
  finish (pipeline);
  fail_unless (GST_CLOCK_TIME_IS_VALID (told));
  fail_unless (nth (&played, 0)->arrival - nth (&played, 0)->pts >= told);
  forget (&played);
  g_free (text);
  return told;
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
 * gives windows without a hole, as the decoder fills what is missing. Time
 * stamps are the packets' own (mode=none), for the jitter buffer would follow a
 * sender that has to wait for the processor. */
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
      "! rtpjitterbuffer mode=none latency=100 do-lost=true ! rtpopusdepay "
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

  /* a sample of 48 kHz is 21 us */
  check_contiguous (&seen, GST_MSECOND);
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
