/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many elements in one process: each gives what it would give alone, and the
 * weights are there once. */

#include <malloc.h>
#include <sys/wait.h>

#include "tests/gst/leaks.h"
#include "tests/gst/slow_element.h"
#include "tests/gst/storm.h"

#define MAX_ELEMENTS 16
#define SAMPLES (2 * WINDOW + 16000)

typedef struct
{
  GstHarness *h;
  guint hash;                   /* of all features */
  guint n;                      /* buffers */
} Stream;

static gpointer
run_stream (gpointer user)
{
  Stream *stream = user;
  GstBuffer *buffer;

  for (guint64 at = 0; at < SAMPLES; at += 16000)
    gst_harness_push (stream->h, make_audio (at, 16000, RATE));
  gst_harness_push_event (stream->h, gst_event_new_eos ());
  for (stream->n = 0; stream->n < 3; stream->n++) {
    buffer = gst_harness_pull (stream->h);
    if (buffer == NULL)
      break;
    stream->hash = stream->hash * 31 + hash_buffer (buffer);
    gst_buffer_unref (buffer);
  }
  return NULL;
}

static void
run_streams (Stream * streams, guint n)
{
  GThread *threads[MAX_ELEMENTS];

  for (guint i = 0; i < n; i++)
    streams[i].h = start ();
  for (guint i = 0; i < n; i++)
    threads[i] = g_thread_new ("stream", run_stream, &streams[i]);
  for (guint i = 0; i < n; i++) {
    g_thread_join (threads[i]);
    fail_unless_equals_int (streams[i].n, 3);
    gst_harness_teardown (streams[i].h);
  }
}

static const guint counts[] = { 1, 2, 8, MAX_ELEMENTS };

GST_START_TEST (test_many_streams)
{
  Stream alone[1] = { }, streams[MAX_ELEMENTS] = { };

  run_streams (alone, 1);
  run_streams (streams, counts[__i__]);
  for (guint i = 0; i < counts[__i__]; i++)
    fail_unless_equals_int (streams[i].hash, alone[0].hash);
}

GST_END_TEST;

static guint64
held_bytes (void)
{
  malloc_trim (0);
  return resident () * 1024;
}

typedef struct
{
  guint64 weights;              /* bytes, as the element says */
  guint64 before, one, all, after;      /* held with 0, 1, 16 and 0 elements */
} Held;

static Held
hold_elements (guint layers)
{
  gchar *path = g_strconcat (model_path, ".wide", NULL);
  GstElement *elements[MAX_ELEMENTS];
  Held held;

  fail_unless_equals_int (test_small_model_write (path, 80, 256, layers, 1500,
          1), 0);
  held.before = held_bytes ();
  for (guint i = 0; i < MAX_ELEMENTS; i++) {
    elements[i] = gst_element_factory_make ("whispernpu", NULL);
    g_object_set (elements[i], "model-file", path, NULL);
    fail_unless_equals_int (gst_element_set_state (elements[i],
            GST_STATE_PAUSED), GST_STATE_CHANGE_SUCCESS);
    wait_loaded (elements[i]);
    if (i == 0)
      held.one = held_bytes ();
  }
  held.all = held_bytes ();
  held.weights = get_element_stat (elements[0], "weight-bytes");
  for (guint i = 0; i < MAX_ELEMENTS; i++) {
    gst_element_set_state (elements[i], GST_STATE_NULL);
    gst_object_unref (elements[i]);
  }
  held.after = held_bytes ();
  g_printerr ("%u layers: weights %" G_GUINT64_FORMAT " bytes; resident %"
      G_GUINT64_FORMAT ", with one element %" G_GUINT64_FORMAT ", with 16 %"
      G_GUINT64_FORMAT ", after %" G_GUINT64_FORMAT "\n", layers, held.weights,
      held.before, held.one, held.all, held.after);
  remove (path);
  g_free (path);
  return held;
}

/* Sixteen elements of one file hold its weights once: what fifteen more cost
 * does not grow with the layers. The last one gives the weights back. */
GST_START_TEST (test_many_share_weights)
{
  Held few, many;
  guint64 more;

  /* large blocks go back to the system when they are freed */
  mallopt (M_MMAP_THRESHOLD, 1 << 20);
  few = hold_elements (1);
  many = hold_elements (9);
  more = many.weights - few.weights;
  fail_unless (more > 5000000);
  fail_unless (many.one > many.before + many.weights);
  fail_unless (many.all - many.one < few.all - few.one + 3 * more);
  fail_unless (many.after < many.one - many.weights / 2);
}

GST_END_TEST;

/* All that one element gives for `samples` of make_audio(), one after the
 * other. */
static GByteArray *
encode_alone (guint64 samples)
{
  GByteArray *all = g_byte_array_new ();
  GstHarness *h = start ();

  push_audio (h, 0, samples, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  for (guint64 at = 0; at < samples; at += WINDOW) {
    GstBuffer *buffer = gst_harness_pull (h);
    GstMapInfo map;

    check_buffer (buffer, at, MIN (WINDOW, samples - at));
    gst_buffer_map (buffer, &map, GST_MAP_READ);
    g_byte_array_append (all, map.data, map.size);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
  return all;
}

static void
write_audio (const gchar * path, guint64 samples)
{
  GstBuffer *buffer = make_audio (0, samples, RATE);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_READ);
  fail_unless (g_file_set_contents (path, (const gchar *) map.data, map.size,
          NULL));
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
}

/* Encodes a file of samples into another. */
static GPid
start_process (const gchar * program, const gchar * from, const gchar * to)
{
  gchar *text = g_strdup_printf ("'%s' -q filesrc 'location=%s' ! "
      "rawaudioparse pcm-format=%s sample-rate=16000 num-channels=1 ! "
      "whispernpu ! filesink 'location=%s'", program, from,
      G_BYTE_ORDER == G_LITTLE_ENDIAN ? "s16le" : "s16be", to);
  gchar **env = g_environ_unsetenv (g_get_environ (), "GST_TRACERS"), **argv;
  GError *error = NULL;
  GPid process;

  fail_unless (g_shell_parse_argv (text, NULL, &argv, NULL));
  fail_unless (g_spawn_async (NULL, argv, env, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
          NULL, &process, &error), "%s", error != NULL ? error->message : "");
  g_strfreev (argv);
  g_strfreev (env);
  g_free (text);
  return process;
}

#define N_PROCESSES 4

/* Elements in several processes at once share the machine and the weights
 * file, and nothing else. */
GST_START_TEST (test_many_processes)
{
  gchar *program = g_find_program_in_path ("gst-launch-1.0");
  gchar *audio = g_strconcat (model_path, ".audio", NULL);
  gchar *paths[N_PROCESSES];
  GPid processes[N_PROCESSES];
  GByteArray *want;

  if (program == NULL || IN_SANITIZER) {
    g_print ("skip many_processes: %s\n", program == NULL ?
        "there is no gst-launch-1.0" : "gst-launch-1.0 has no sanitizer, the "
        "plugin has");
    g_free (program);
    g_free (audio);
    return;
  }
  write_audio (audio, SAMPLES);
  for (guint i = 0; i < N_PROCESSES; i++) {
    paths[i] = g_strdup_printf ("%s.features%u", model_path, i);
    remove (paths[i]);
    processes[i] = start_process (program, audio, paths[i]);
  }
  want = encode_alone (SAMPLES);
  for (guint i = 0; i < N_PROCESSES; i++) {
    gchar *data;
    gsize size;
    int status = -1;

    fail_unless (waitpid (processes[i], &status, 0) == processes[i]);
    fail_unless (g_spawn_check_wait_status (status, NULL), "status %d", status);
    g_spawn_close_pid (processes[i]);
    fail_unless (g_file_get_contents (paths[i], &data, &size, NULL));
    fail_unless_equals_int (size, want->len);
    fail_unless (memcmp (data, want->data, size) == 0, "process %u", i + 1);
    g_free (data);
    remove (paths[i]);
    g_free (paths[i]);
  }
  remove (audio);
  g_byte_array_unref (want);
  g_free (audio);
  g_free (program);
}

GST_END_TEST;

static Suite *
many_suite (void)
{
  Suite *s = suite_create ("many");
  TCase *tc = tcase_create ("general");

  use_small_model ("many-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_many_streams, 0, G_N_ELEMENTS (counts));
  tcase_add_test (tc, test_many_processes);
  /* a sanitizer keeps what was freed */
#if !IN_SANITIZER
  tcase_add_test (tc, test_many_share_weights);
#endif
  return s;
}

GST_CHECK_MAIN (many);
