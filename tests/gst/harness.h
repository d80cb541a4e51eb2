/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_GST_HARNESS_H
#define TESTS_GST_HARNESS_H
/* What the tests with GstHarness share: the small model, audio, and eyes for
 * buffers, events, messages and statistics. */

#include <gst/audio/audio.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#include "tests/sanitizer.h"
#include "tests/small_model.h"

#define RATE 16000
#define CAPS "audio/x-raw, format=" GST_AUDIO_NE (S16) ", rate=16000, " \
    "channels=1, layout=interleaved"
#define CAPS_48K "audio/x-raw, format=" GST_AUDIO_NE (S16) ", rate=48000, " \
    "channels=1, layout=interleaved"
#define OUT_CAPS "other/tensors, format=(string)static, num_tensors=(int)1, " \
    "types=(string)float32, dimensions=(string)64:1500, " \
    "framerate=(fraction)1/30"
#define FEATURES_SIZE (1500 * 64 * 4)
#define WINDOW 480000

/* What every test of a program loads; written by use_small_model(). */
static gchar *model_path;

/* Make a small random model the default of this process. */
static void
use_small_model (const gchar * name)
{
  const gchar *dir = g_getenv ("WHISPERNPU_TEST_DIR");

  model_path = g_build_filename (dir != NULL ? dir : g_get_tmp_dir (), name,
      NULL);
  if (test_small_model_write (model_path, 80, 64, 1, 1500, 1) != 0)
    g_error ("cannot write %s", model_path);
  g_setenv ("WHISPERNPU_MODEL", model_path, TRUE);
}

static GstHarness *
start (void)
{
  GstHarness *h = gst_harness_new ("whispernpu");

  gst_harness_set_src_caps_str (h, CAPS);
  return h;
}

/* With windows of this length, for short ones are cheap; no caps yet. */
static GstHarness *
start_windows (GstClockTime window)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstHarness *h;

  g_object_set (element, "window-duration", window, NULL);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  return h;
}

/* n frames from `at` on, the same noise at the same place each time. */
static GstBuffer *
make_audio (guint64 at, gsize n, guint rate)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n * 2, NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < n; i++) {
    uint64_t state = at + i;

    ((gint16 *) map.data)[i] = (gint16) (small_model_random (&state) >> 50);
  }
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (at, GST_SECOND, rate);
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (n, GST_SECOND, rate);
  return buffer;
}

static void
push_audio (GstHarness * h, guint64 at, gsize total, gsize chunk)
{
  for (gsize done = 0; done < total;) {
    gsize n = MIN (chunk, total - done);

    fail_unless_equals_int (gst_harness_push (h, make_audio (at + done, n,
                RATE)), GST_FLOW_OK);
    done += n;
  }
}

static guint
hash_buffer (GstBuffer * buffer)
{
  GstMapInfo map;
  guint hash = 2166136261u;

  gst_buffer_map (buffer, &map, GST_MAP_READ);
  for (gsize i = 0; i < map.size; i++)
    hash = (hash ^ map.data[i]) * 16777619u;
  gst_buffer_unmap (buffer, &map);
  return hash;
}

static void
check_buffer (GstBuffer * buffer, guint64 at, guint64 samples)
{
  fail_unless (buffer != NULL);
  fail_unless_equals_int (gst_buffer_get_size (buffer), FEATURES_SIZE);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer),
      gst_util_uint64_scale (at, GST_SECOND, RATE));
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer),
      gst_util_uint64_scale (at + samples, GST_SECOND, RATE) -
      gst_util_uint64_scale (at, GST_SECOND, RATE));
}

static guint64
get_element_stat (GstElement * element, const gchar * name)
{
  GstStructure *stats;
  guint64 value = 0;

  g_object_get (element, "stats", &stats, NULL);
  fail_unless (stats != NULL);
  fail_unless (gst_structure_get_uint64 (stats, name, &value), "no %s", name);
  gst_structure_free (stats);
  return value;
}

static guint64
get_stat (GstHarness * h, const gchar * name)
{
  return get_element_stat (h->element, name);
}

/* Wait for the next event of a type; the others are dropped. */
static GstEvent *
wait_event (GstHarness * h, GstEventType type)
{
  GstEvent *event;

  while ((event = gst_harness_pull_event (h)) != NULL &&
      GST_EVENT_TYPE (event) != type)
    gst_event_unref (event);
  fail_unless (event != NULL, "no %s event", gst_event_type_get_name (type));
  return event;
}

/* The first error on the bus and how many there were. Each message is taken: a
 * bus that drops what was not asked for holds its lock meanwhile, and the last
 * reference to a linked pad may go with it, which posts on that bus: from
 * GStreamer 1.26 on this waits for ever. */
static guint
count_errors (GstBus * bus, GQuark * domain, gint * code)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop (bus)) != NULL) {
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      GError *error;

      gst_message_parse_error (message, &error, NULL);
      fail_unless (strlen (error->message) > 10, "%s", error->message);
      if (n++ == 0) {
        *domain = error->domain;
        *code = error->code;
      }
      g_error_free (error);
    }
    gst_message_unref (message);
  }
  return n;
}

static void
push_segment (GstHarness * h)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
}

/* Takes all messages of a type off the bus. */
static guint
count_messages (GstBus * bus, GstMessageType type)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop (bus)) != NULL) {
    if (GST_MESSAGE_TYPE (message) & type)
      n++;
    gst_message_unref (message);
  }
  return n;
}

static GstPadProbeReturn
record_item (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  static const struct
  {
    GstEventType type;
    gchar letter;
  } letters[] = {
    {GST_EVENT_STREAM_START, 'S'}, {GST_EVENT_CAPS, 'C'},
    {GST_EVENT_SEGMENT, 's'}, {GST_EVENT_GAP, 'G'}, {GST_EVENT_TAG, 'T'},
    {GST_EVENT_EOS, 'E'},
  };
  GString *seen = user;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER)
    g_string_append_c (seen, 'B');
  else
    for (guint i = 0; i < G_N_ELEMENTS (letters); i++)
      if (letters[i].type == GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)))
        g_string_append_c (seen, letters[i].letter);
  return GST_PAD_PROBE_OK;
}

/* What the element pushes from now on, a letter each: B for a buffer, and
 * S(tream-start) C(aps) s(egment) G(ap) T(ag) E(os). Read it after EOS. */
static GString *
record (GstHarness * h)
{
  GString *seen = g_string_new (NULL);

  gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM,
      record_item, seen, NULL);
  return seen;
}

/* From the first event on. */
static GstHarness *
start_recorded (GString ** seen)
{
  GstHarness *h = gst_harness_new ("whispernpu");

  *seen = record (h);
  gst_harness_set_src_caps_str (h, CAPS);
  return h;
}

static void
check_record (GString * seen, const gchar * want)
{
  fail_unless_equals_string (seen->str, want);
  g_string_free (seen, TRUE);
}

static GstPadProbeReturn
hold (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  return GST_PAD_PROBE_OK;
}

/* A busy machine with sanitizers takes its time for 16 windows. */
static void
wait_queued (GstHarness * h, guint want)
{
  guint queued = want + 1;

  for (guint i = 0; i < 6000 && queued != want; i++) {
    GstStructure *stats;

    g_usleep (10000);
    g_object_get (h->element, "stats", &stats, NULL);
    gst_structure_get_uint (stats, "queued", &queued);
    gst_structure_free (stats);
  }
  fail_unless_equals_int (queued, want);
}

static gulong
block_buffers (GstPad * pad)
{
  return gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK |
      GST_PAD_PROBE_TYPE_BUFFER, hold, NULL, NULL);
}

/* In place of what is downstream: answers each buffer with `user`. */
static GstPadProbeReturn
answer (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GPOINTER_TO_INT (user);
  gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (info));
  return GST_PAD_PROBE_HANDLED;
}

static gulong
answer_buffers (GstPad * pad, GstFlowReturn ret)
{
  return gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, answer,
      GINT_TO_POINTER (ret), NULL);
}

/* What it may grow by where nothing is kept; a sanitizer keeps all of it. */
#define MAX_GROWTH_KB (IN_SANITIZER ? 1000000 : 3000)

/* Memory of this process, in kB. */
static guint64
resident (void)
{
  gchar *text, *line;
  guint64 size;

  fail_unless (g_file_get_contents ("/proc/self/status", &text, NULL, NULL));
  line = strstr (text, "VmRSS:");
  fail_unless (line != NULL);
  size = g_ascii_strtoull (line + 6, NULL, 10);
  g_free (text);
  return size;
}

/* The answers of a live source that can hold nothing back itself. */
static gboolean
live_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gst_query_set_latency (query, TRUE, 0, 0);
  return TRUE;
}

#endif /* TESTS_GST_HARNESS_H */
