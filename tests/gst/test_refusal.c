/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Audio as applications send it by mistake: bytes, no caps, half frames, files
 * that nobody decoded. One error of the element for a stream, which names the
 * cure; and the cure works. With a small random model. */

#include <fcntl.h>
#include <unistd.h>

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/pipeline.h"

#define TO_SINK " ! whispernpu name=w ! fakesink name=out signal-handoffs=true"
#define MONO "audio/x-raw,format=S16LE,rate=16000,channels=1," \
    "layout=interleaved"
#define STEREO "audio/x-raw,format=F32LE,rate=48000,channels=2," \
    "layout=interleaved"

/* Bytes of a chunk that an application pushes; 0 ends the list. */
static const gsize odd_chunks[] = { 4063, 1697, 3200, 640, 0 };
static const gsize whole_chunks[] = { 3200, 3200, 3200, 0 };
static const gsize stereo_chunks[] = { 8000, 8004, 8000, 0 };

typedef struct
{
  const gchar *source;          /* and what comes before the element */
  const gsize *chunks;          /* NULL: the source has its data */
  const gchar *words[4];        /* of the error */
} Mistake;

static const Mistake mistakes[] = {
  {"appsrc name=in caps=" MONO, whole_chunks,
      {"format=time", "do-timestamp", "rawaudioparse"}},
  {"appsrc name=in format=default caps=" MONO, whole_chunks,
      {"format=time", "do-timestamp", "rawaudioparse"}},
  {"appsrc name=in format=buffers caps=" MONO, whole_chunks,
      {"format=time", "do-timestamp", "rawaudioparse"}},
  {"appsrc name=in caps=" MONO, odd_chunks,
      {"format=time", "do-timestamp", "rawaudioparse"}},
  {"appsrc name=in caps=" MONO " ! queue", whole_chunks,
      {"format=time", "do-timestamp", "rawaudioparse"}},
  {"appsrc name=in", whole_chunks, {"decode it first", "rawaudioparse"}},
  {"appsrc name=in format=time", whole_chunks, {"without caps", "audio/x-raw",
          "decodebin"}},
  {"appsrc name=in format=time caps=" MONO, odd_chunks,
      {" 4063 bytes", "a frame is 2 bytes", "S16LE", "rawaudioparse"}},
  {"appsrc name=in format=time do-timestamp=true caps=" MONO " ! queue",
      odd_chunks, {" 4063 bytes", "a frame is 2 bytes"}},
  {"appsrc name=in format=time caps=" STEREO, stereo_chunks,
      {" 8004 bytes", "a frame is 8 bytes", "F32LE", "channels=2"}},
  {"filesrc location=/proc/self/exe num-buffers=4", NULL,
      {"decode it first", "decodebin", "rawaudioparse"}},
  {"filesrc location=/proc/self/exe num-buffers=4 ! queue", NULL,
      {"decode it first", "decodebin"}},
  {"fdsrc num-buffers=4", NULL, {"decode it first", "decodebin"}},
};

static void
push_chunks (GstElement * pipeline, const gsize * chunks)
{
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  GstFlowReturn ret;

  for (; *chunks != 0; chunks++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, *chunks, NULL);

    gst_buffer_memset (buffer, 0, 0, *chunks);
    g_signal_emit_by_name (source, "push-buffer", buffer, &ret);
    gst_buffer_unref (buffer);
  }
  g_signal_emit_by_name (source, "end-of-stream", &ret);
  gst_object_unref (source);
}

/* Until the end, which is the error that the source or a queue posts when it
 * stops, or the EOS of a queue: errors of the element, the first of which has all
 * `words`. */
static guint
count_ours (GstElement * pipeline, const gchar * const *words)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  gboolean ended = FALSE;
  guint ours = 0;

  while (!ended) {
    GstMessage *message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
        GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
    GError *error;

    fail_unless (message != NULL, "the source goes on");
    ended = !g_str_equal (GST_OBJECT_NAME (GST_MESSAGE_SRC (message)), "w");
    if (!ended) {
      gst_message_parse_error (message, &error, NULL);
      fail_unless (error->domain == GST_STREAM_ERROR);
      for (guint i = 0; i < 4 && ours == 0 && words[i] != NULL; i++)
        fail_unless (strstr (error->message, words[i]) != NULL, "no \"%s\": %s",
            words[i], error->message);
      ours++;
      g_error_free (error);
    }
    gst_message_unref (message);
  }
  gst_object_unref (bus);
  return ours;
}

/* What came after the end; returns how many are errors of the element. */
static guint
drop_messages (GstElement * pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  guint ours = 0;

  while ((message = gst_bus_pop (bus)) != NULL) {
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR &&
        g_str_equal (GST_OBJECT_NAME (GST_MESSAGE_SRC (message)), "w"))
      ours++;
    gst_message_unref (message);
  }
  gst_object_unref (bus);
  return ours;
}

/* Also after READY, where it is news again. */
GST_START_TEST (test_one_error)
{
  const Mistake *mistake = &mistakes[__i__];
  gchar *line = g_strconcat (mistake->source, TO_SINK, NULL);
  GstElement *pipeline = launch (line);
  gint fd = open ("/dev/zero", O_RDONLY);

  if (g_str_has_prefix (line, "fdsrc")) {
    GValue item = G_VALUE_INIT;
    GstIterator *sources = gst_bin_iterate_sources (GST_BIN (pipeline));

    fail_unless_equals_int (gst_iterator_next (sources, &item),
        GST_ITERATOR_OK);
    g_object_set (g_value_get_object (&item), "fd", fd, NULL);
    g_value_unset (&item);
    gst_iterator_free (sources);
  }
  for (guint run = 0; run < 2; run++) {
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    if (mistake->chunks != NULL)
      push_chunks (pipeline, mistake->chunks);
    fail_unless_equals_int (count_ours (pipeline, mistake->words), 1);
    gst_element_set_state (pipeline, GST_STATE_READY);
    fail_unless_equals_int (drop_messages (pipeline), 0);
  }
  finish (pipeline);
  close (fd);
  g_free (line);
}

GST_END_TEST;

static void
push_format (GstHarness * h, GstFormat format)
{
  GstSegment segment;

  gst_segment_init (&segment, format);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
}

static void
push_caps (GstHarness * h, const gchar * text)
{
  GstCaps *caps = gst_caps_from_string (text);

  gst_harness_push_event (h, gst_event_new_caps (caps));
  gst_caps_unref (caps);
}

static guint
count_refusals (GstBus * bus)
{
  GQuark domain;
  gint code;

  return count_errors (bus, &domain, &code);
}

enum
{ BYTES, CAPS_REFUSED, ODD, NEGATIVE };

static void
make_mistake (GstHarness * h, guint which)
{
  GstBuffer *buffer = make_audio (0, 160, RATE);
  GstFlowReturn ret;

  if (which == BYTES)
    push_format (h, GST_FORMAT_BYTES);
  if (which == CAPS_REFUSED)
    push_caps (h, "audio/x-raw, format=S16LE, rate=16000, channels=6, " "layout=interleaved");  /* of which nobody says what they are */
  if (which == ODD)
    gst_buffer_set_size (buffer, 319);
  if (which == NEGATIVE)
    GST_BUFFER_PTS (buffer) = 0 - 20 * GST_MSECOND;
  ret = gst_harness_push (h, buffer);
  fail_unless (ret == GST_FLOW_ERROR || ret == GST_FLOW_NOT_NEGOTIATED, "%s",
      gst_flow_get_name (ret));
}

static void
correct (GstHarness * h)
{
  push_caps (h, CAPS);
  push_segment (h);
}

/* Once for a stream, however often it comes; told again after a flush and in a
 * new stream. What is right is taken in between. */
GST_START_TEST (test_once_a_stream)
{
  GstHarness *h = start ();
  GstBus *bus = gst_bus_new ();
  GstBuffer *buffer;

  gst_element_set_bus (h->element, bus);
  for (guint stream = 0; stream < 3; stream++) {
    for (guint i = 0; i < 5; i++)
      make_mistake (h, __i__);
    fail_unless_equals_int (count_refusals (bus), 1);
    for (guint which = BYTES; which <= NEGATIVE; which++) {
      make_mistake (h, which);
      correct (h);
    }
    fail_unless_equals_int (count_refusals (bus), 0);
    push_audio (h, 0, 16000, 1600);
    if (stream == 0) {
      gst_harness_push_event (h, gst_event_new_flush_start ());
      gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
      push_segment (h);
    } else if (stream == 1) {
      gst_harness_push_event (h, gst_event_new_stream_start ("another"));
      correct (h);
    }
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint stream = 1; stream < 3; stream++) {
    buffer = gst_harness_pull (h);
    check_buffer (buffer, 0, 16000);
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_int (count_refusals (bus), 0);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

static gpointer
push_odd (gpointer user)
{
  for (guint i = 0; i < 50; i++)
    make_mistake (user, ODD);
  return NULL;
}

/* From several threads at once. */
GST_START_TEST (test_threads)
{
  GstHarness *h = start ();
  GstBus *bus = gst_bus_new ();
  GThread *threads[4];

  gst_element_set_bus (h->element, bus);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("odd", push_odd, h);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  fail_unless_equals_int (count_refusals (bus), 1);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Without a segment GStreamer may warn, by how it was built, and the element
 * says what is missing, once. */
GST_START_TEST (test_no_segment)
{
  GstHarness *h = gst_harness_new ("whispernpu");
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (h->element, bus);
  gst_harness_push_event (h, gst_event_new_stream_start ("s"));
  push_caps (h, CAPS);
  _gst_check_expecting_log = TRUE;
  for (guint i = 0; i < 3; i++)
    fail_unless_equals_int (gst_harness_push (h, make_audio (0, 160, RATE)),
        GST_FLOW_NOT_NEGOTIATED);
  _gst_check_expecting_log = FALSE;
  fail_unless_equals_int (count_refusals (bus), 1);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* What the errors advise. The whole chunks are 0.3 s, the odd ones as much. */
static const Mistake cures[] = {
  {"appsrc name=in format=time caps=" MONO, whole_chunks, {NULL}},
  {"appsrc name=in format=time do-timestamp=true caps=" MONO, whole_chunks,
      {NULL}},
  {"appsrc name=in caps=" MONO " ! rawaudioparse use-sink-caps=true",
      whole_chunks, {NULL}},
  {"appsrc name=in caps=" MONO " ! rawaudioparse use-sink-caps=true",
      odd_chunks, {NULL}},
  {"appsrc name=in format=time caps=" MONO
        " ! rawaudioparse use-sink-caps=true", odd_chunks, {NULL}},
  {"filesrc location=/proc/self/exe blocksize=3200 num-buffers=3 ! queue ! "
        "rawaudioparse format=pcm pcm-format=s16le sample-rate=16000 "
        "num-channels=1", NULL, {NULL}},
};

GST_START_TEST (test_cure)
{
  const Mistake *cure = &cures[__i__];
  gchar *line = g_strconcat (cure->source, TO_SINK, NULL);
  GstElement *pipeline = launch (line);
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "w");

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  if (cure->chunks != NULL)
    push_chunks (pipeline, cure->chunks);
  wait_eos (pipeline);
  /* stamped as they come, chunks lie where the machine was quick enough */
  if (strstr (line, "do-timestamp") == NULL) {
    fail_unless_equals_uint64 (get_element_stat (element, "windows"), 1);
    fail_unless_equals_uint64 (get_element_stat (element, "audio-time"),
        300 * GST_MSECOND);
  }
  gst_object_unref (element);
  finish (pipeline);
  g_free (line);
}

GST_END_TEST;

static Suite *
refusal_suite (void)
{
  Suite *s = suite_create ("refusal");
  TCase *tc = tcase_create ("general");

  use_small_model ("refusal-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_one_error, 0, G_N_ELEMENTS (mistakes));
  tcase_add_loop_test (tc, test_once_a_stream, BYTES, NEGATIVE + 1);
  tcase_add_test (tc, test_threads);
  tcase_add_test (tc, test_no_segment);
  tcase_add_loop_test (tc, test_cure, 0, G_N_ELEMENTS (cures));
  return s;
}

GST_CHECK_MAIN (refusal);
