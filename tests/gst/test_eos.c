/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a stream: however much audio there was, whatever the encoder is
 * doing, all of it comes out, then EOS, once. */

#include "tests/gst/leaks.h"
#include "tests/gst/slow_element.h"
#include "tests/gst/storm.h"

/* For an event that only has to be queued, in microseconds. */
#define MAX_QUEUE_TIME 100000

typedef struct
{
  GMutex lock;
  GCond changed;
  /* with the lock, of the present stream */
  guint buffers, eos, after_eos;
  GstClockTime next;            /* end of the last buffer */
  gboolean broken;              /* a buffer did not begin there */
} Watch;

static GstPadProbeReturn
watch_end (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  Watch *watch = user;
  GstPadProbeReturn ret = GST_PAD_PROBE_OK;

  g_mutex_lock (&watch->lock);
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

    watch->broken |= GST_BUFFER_PTS (buffer) != watch->next;
    watch->next = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer);
    watch->buffers++;
    watch->after_eos += watch->eos > 0;
    ret = GST_PAD_PROBE_DROP;
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS) {
    watch->eos++;
    g_cond_broadcast (&watch->changed);
  }
  g_mutex_unlock (&watch->lock);
  return ret;
}

static void
begin_watch (Watch * watch, GstHarness * h)
{
  memset (watch, 0, sizeof (*watch));
  g_mutex_init (&watch->lock);
  g_cond_init (&watch->changed);
  gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM, watch_end,
      watch, NULL);
}

/* With the harness torn down. */
static void
end_watch (Watch * watch)
{
  g_cond_clear (&watch->changed);
  g_mutex_clear (&watch->lock);
}

/* All of the stream is out, and its EOS; ready for the next. */
static void
check_end (Watch * watch, guint64 samples)
{
  gint64 limit = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  gboolean in_time = TRUE;

  g_mutex_lock (&watch->lock);
  while (watch->eos == 0 && in_time)
    in_time = g_cond_wait_until (&watch->changed, &watch->lock, limit);
  g_mutex_unlock (&watch->lock);
  fail_unless (in_time, "no EOS within a minute");
  g_usleep (200);               /* for a second EOS, were there one */
  g_mutex_lock (&watch->lock);
  fail_unless_equals_int (watch->eos, 1);
  fail_unless_equals_int (watch->after_eos, 0);
  fail_unless_equals_int (watch->broken, 0);
  fail_unless_equals_int (watch->buffers, (samples + WINDOW - 1) / WINDOW);
  fail_unless_equals_uint64 (watch->next, gst_util_uint64_scale (samples,
          GST_SECOND, RATE));
  watch->buffers = watch->eos = watch->next = 0;
  g_mutex_unlock (&watch->lock);
}

/* 100 streams one after another, of lengths around none, one and two windows,
 * each ended at another moment of the encoder's work. */
GST_START_TEST (test_eos_storm)
{
  GstHarness *h = start ();
  GRand *random = storm_random ();
  StormTimes times = {.limit = MAX_QUEUE_TIME };
  Watch watch;

  begin_watch (&watch, h);
  for (guint i = 0; i < ROUNDS (100); i++) {
    guint64 samples = g_rand_int_range (random, 0, 3) * WINDOW;
    gint more = g_rand_int_range (random, -3, 4);

    if (g_rand_boolean (random))
      samples += g_rand_int_range (random, 0, WINDOW);
    samples += more > 0 || samples > 0 ? more : 0;
    push_audio (h, 0, samples, 48611);
    g_usleep (g_rand_int_range (random, 0, 10000));
    storm_time_begin (&times);
    fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
    storm_time_end (&times);
    /* what comes after it is refused and changes nothing */
    fail_unless_equals_int (gst_harness_push (h, make_audio (samples, 16000,
                RATE)), GST_FLOW_EOS);
    fail_if (gst_harness_push_event (h, gst_event_new_eos ()));
    check_end (&watch, samples);
    gst_harness_push_event (h, gst_event_new_stream_start ("next"));
    push_segment (h);
  }
  storm_time_check (&times, "EOS");
  gst_harness_teardown (h);
  end_watch (&watch);
  g_rand_free (random);
}

GST_END_TEST;

/* The encoder takes long: the event is queued at once nevertheless, and comes
 * out after the last window; after a flush or a stop it does not come. */
enum
{ WAIT, FLUSH, STOP };

GST_START_TEST (test_eos_slow)
{
  GstHarness *h = start_slow (__i__ == WAIT ? 1 : find_layers (), NULL);
  StormTimes times = {.limit = MAX_QUEUE_TIME };
  Watch watch;

  begin_watch (&watch, h);
  wait_loaded (h->element);
  push_audio (h, 0, WINDOW + 16000, 48000);
  storm_time_begin (&times);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  storm_time_end (&times);
  storm_time_check (&times, "EOS");
  if (__i__ == WAIT) {
    check_end (&watch, WINDOW + 16000);
  } else if (__i__ == FLUSH) {
    gst_harness_push_event (h, gst_event_new_flush_start ());
    gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
    push_segment (h);
    gst_harness_push_event (h, gst_event_new_eos ());
    check_end (&watch, 0);
  } else {
    gst_element_set_state (h->element, GST_STATE_NULL);
    fail_unless_equals_int (watch.eos, 0);
    fail_unless_equals_int (watch.buffers, 0);
  }
  gst_harness_teardown (h);
  end_watch (&watch);
}

GST_END_TEST;

/* All of a short stream is in before the weights are. */
GST_START_TEST (test_eos_while_loading)
{
  for (guint i = 0; i < 10; i++) {
    GstHarness *h = gst_harness_new ("whispernpu");
    Watch watch;

    begin_watch (&watch, h);
    gst_harness_set_src_caps_str (h, CAPS);
    push_audio (h, 0, i * 1600, 1600);
    fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
    check_end (&watch, i * 1600);
    gst_harness_teardown (h);
    end_watch (&watch);
  }
}

GST_END_TEST;

static Suite *
eos_suite (void)
{
  Suite *s = suite_create ("eos");
  TCase *tc = tcase_create ("general");

  use_small_model ("eos-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  watch_leaks (tc);
  tcase_add_test (tc, test_eos_storm);
  tcase_add_loop_test (tc, test_eos_slow, WAIT, STOP + 1);
  tcase_add_test (tc, test_eos_while_loading);
  return s;
}

GST_CHECK_MAIN (eos);
