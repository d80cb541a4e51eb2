/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every allocation of the core, and every start of a thread in it, fails once
 * beneath the element: the application gets one error that says so, and with
 * memory the same element works. GLib's own allocations end a program, by its
 * design. The element is linked in, and the linker puts the functions below in
 * front of the C library's. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/linkedin.h"

enum
{ MEMORY, THREAD, N_KINDS };

static const gchar *const kinds[] = { "allocation", "thread" };

/* The fewest of a whole run: device, model, weights, encoder; one thread beside
 * the caller. */
static const guint fewest[] = { 20, 1 };

/* atomic; which of them fails, from 1, and how many came */
static gint strike_at[N_KINDS], passed[N_KINDS];

static gboolean
strikes (guint kind)
{
  return g_atomic_int_add (&passed[kind], 1) + 1 ==
      g_atomic_int_get (&strike_at[kind]);
}

void *__real_malloc (size_t n);
void *__real_calloc (size_t n, size_t size);
void *__real_realloc (void *old, size_t n);
void *__real_aligned_alloc (size_t align, size_t n);
char *__real_strdup (const char *text);
int __real_pthread_create (pthread_t * thread, const pthread_attr_t * attr,
    void *(*routine) (void *), void *data);
void *__wrap_malloc (size_t n);
void *__wrap_calloc (size_t n, size_t size);
void *__wrap_realloc (void *old, size_t n);
void *__wrap_aligned_alloc (size_t align, size_t n);
char *__wrap_strdup (const char *text);
int __wrap_pthread_create (pthread_t * thread, const pthread_attr_t * attr,
    void *(*routine) (void *), void *data);

static void *
no_memory (void)
{
  errno = ENOMEM;
  return NULL;
}

void *
__wrap_malloc (size_t n)
{
  return strikes (MEMORY) ? no_memory () : __real_malloc (n);
}

void *
__wrap_calloc (size_t n, size_t size)
{
  return strikes (MEMORY) ? no_memory () : __real_calloc (n, size);
}

void *
__wrap_realloc (void *old, size_t n)
{
  return strikes (MEMORY) ? no_memory () : __real_realloc (old, n);
}

void *
__wrap_aligned_alloc (size_t align, size_t n)
{
  return strikes (MEMORY) ? no_memory () : __real_aligned_alloc (align, n);
}

char *
__wrap_strdup (const char *text)
{
  return strikes (MEMORY) ? no_memory () : __real_strdup (text);
}

int
__wrap_pthread_create (pthread_t * thread, const pthread_attr_t * attr,
    void *(*routine) (void *), void *data)
{
  return strikes (THREAD) ? EAGAIN : __real_pthread_create (thread, attr,
      routine, data);
}

typedef struct
{
  guint errors;                 /* of the element */
  guint buffers, hash;
} Outcome;

static GstPadProbeReturn
see_buffer (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  Outcome *outcome = user;

  outcome->buffers++;
  outcome->hash ^= hash_buffer (GST_PAD_PROBE_INFO_BUFFER (info));
  return GST_PAD_PROBE_OK;
}

/* Takes the message. */
static void
see_message (GstMessage * message, GstObject * element, Outcome * outcome)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR &&
      GST_MESSAGE_SRC (message) == element) {
    GError *error;

    gst_message_parse_error (message, &error, NULL);
    fail_unless (strlen (error->message) > 10, "%s", error->message);
    g_error_free (error);
    outcome->errors++;
  }
  gst_message_unref (message);
}

/* From NULL to EOS or an error, and back. */
static Outcome
run (GstElement * pipeline, Outcome * seen)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "w");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  memset (seen, 0, sizeof (*seen));
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
      GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  fail_unless (message != NULL, "neither EOS nor an error");
  see_message (message, GST_OBJECT (element), seen);
  gst_element_get_state (pipeline, NULL, NULL, GST_SECOND);
  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR)) != NULL)
    see_message (message, GST_OBJECT (element), seen);
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_NULL),
      GST_STATE_CHANGE_SUCCESS);
  gst_object_unref (bus);
  gst_object_unref (element);
  return *seen;
}

GST_START_TEST (test_nomemory)
{
  guint kind = __i__, failed = 0, n = 0;
  GstElement *pipeline = gst_parse_launch ("audiotestsrc num-buffers=12 "
      "samplesperbuffer=1600 ! audio/x-raw, rate=16000, "
      "channels=1 ! whispernpu name=w window-duration=1000000000 threads=2 ! "
      "fakesink name=out", NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");
  Outcome seen, want;
  gboolean struck = TRUE;

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, see_buffer, &seen, NULL);
  want = run (pipeline, &seen);
  fail_unless_equals_int (want.errors, 0);
  fail_unless_equals_int (want.buffers, 2);

  for (guint at = 1; struck; at++) {
    Outcome got;

    g_atomic_int_set (&passed[kind], 0);
    g_atomic_int_set (&strike_at[kind], at);
    got = run (pipeline, &seen);
    struck = (guint) g_atomic_int_get (&passed[kind]) >= at;
    g_atomic_int_set (&strike_at[kind], 0);
    n += struck;
    failed += got.errors;
    if (got.errors == 0)
      fail_unless (got.buffers == want.buffers && got.hash == want.hash,
          "%s %u: no error, %u windows", kinds[kind], at, got.buffers);
    fail_unless (got.errors <= 1, "%s %u: %u errors", kinds[kind], at,
        got.errors);
    got = run (pipeline, &seen);
    fail_unless (got.errors == 0 && got.buffers == want.buffers &&
        got.hash == want.hash, "%s %u: does not work again", kinds[kind], at);
  }
  g_print ("%u times no %s: %u errors\n", n, kinds[kind], failed);
  fail_unless (n >= fewest[kind] && failed >= fewest[kind]);
  gst_object_unref (pad);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
}

GST_END_TEST;

static Suite *
nomemory_suite (void)
{
  Suite *s = suite_create ("nomemory");
  TCase *tc = tcase_create ("general");

  use_small_model ("nomemory-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_unchecked_fixture (tc, register_element, NULL);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_nomemory, 0, N_KINDS);
  return s;
}

GST_CHECK_MAIN (nomemory);
