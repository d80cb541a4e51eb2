/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder fails in the middle of a stream: the application hears of it
 * once, upstream with its next buffer; what was done before is whole, and a
 * restart or a flush starts again. The element is linked in, and the linker puts
 * the functions below in front of the core's. */

#include <errno.h>
#include <stdio.h>

#include "npu/cpu/cpu.h"
#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/linkedin.h"

/* Long enough that context=auto cuts the last window, 200 positions. */
#define WINDOW_TIME (4 * GST_SECOND)
#define WINDOW_SAMPLES (4 * RATE)
#define N_WINDOWS 8
#define SAMPLES ((N_WINDOWS - 1) * WINDOW_SAMPLES + 9000)
#define CHUNK 3200

/* The two calls of the element, and the core's own into the backend: what comes
 * from there passes through the real encoder. */
enum
{ SUBMIT, COLLECT, RUN, N_PLACES };

enum
{ AT_ONCE, WHEN_TOLD, WHEN_CANCELLED };

typedef struct
{
  int code;                     /* 0: what the core says */
  const gchar *sentence;
} Fault;

static const Fault faults[] = {
  {-EIO, "stage 3, tile 5: the array has not answered"},
  {-ETIMEDOUT, "stage 1: no result within 5000 ms"},
  {-ENOMEM, ""},
};

static struct
{
  GMutex lock;
  GCond changed;
  /* with the lock */
  guint place, at, moment;      /* the at-th call fails; 0: none does */
  Fault fault;
  guint calls;
  gboolean inside, told, cancelled;
  int stuck;                    /* what an encoder says until it is resumed */
} plan;

static void
plan_fault (guint place, guint at, guint moment, const Fault * fault)
{
  g_mutex_lock (&plan.lock);
  plan.place = place;
  plan.at = at;
  plan.moment = moment;
  plan.fault = *fault;
  plan.calls = 0;
  plan.inside = plan.told = plan.cancelled = FALSE;
  g_mutex_unlock (&plan.lock);
}

static void
plan_none (void)
{
  plan_fault (SUBMIT, 0, AT_ONCE, &faults[0]);
}

static gboolean
is_due_locked (void)
{
  return plan.moment == AT_ONCE || (plan.moment == WHEN_TOLD && plan.told) ||
      (plan.moment == WHEN_CANCELLED && plan.cancelled);
}

/* What a call has to return; 0: call the core. */
static int
meet_fault (guint place)
{
  gint64 limit = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  int code = 0;

  g_mutex_lock (&plan.lock);
  if (place == plan.place && ++plan.calls == plan.at) {
    plan.inside = TRUE;
    g_cond_broadcast (&plan.changed);
    while (!is_due_locked () &&
        g_cond_wait_until (&plan.changed, &plan.lock, limit));
    code = plan.fault.code;
    if (place != RUN)
      plan.stuck = code;
  } else if (place != RUN) {
    code = plan.stuck;
  }
  g_mutex_unlock (&plan.lock);
  return code;
}

static void
wait_inside (void)
{
  gint64 limit = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  gboolean in_time = TRUE;

  g_mutex_lock (&plan.lock);
  while (!plan.inside && in_time)
    in_time = g_cond_wait_until (&plan.changed, &plan.lock, limit);
  g_mutex_unlock (&plan.lock);
  fail_unless (in_time, "the call has not come within a minute");
}

static void
set_flag (gboolean * flag)
{
  g_mutex_lock (&plan.lock);
  *flag = TRUE;
  g_cond_broadcast (&plan.changed);
  g_mutex_unlock (&plan.lock);
}

int __real_npu_encoder_open (struct npu_encoder **out,
    const struct npu_model *model, struct npu_device *device,
    const struct npu_encoder_params *params, struct npu_error *err);
int __wrap_npu_encoder_open (struct npu_encoder **out,
    const struct npu_model *model, struct npu_device *device,
    const struct npu_encoder_params *params, struct npu_error *err);
int __real_npu_encoder_submit_mel (struct npu_encoder *encoder,
    const float *mel, unsigned positions, uint64_t tag, uint64_t timeout_ns);
int __wrap_npu_encoder_submit_mel (struct npu_encoder *encoder,
    const float *mel, unsigned positions, uint64_t tag, uint64_t timeout_ns);
int __real_npu_encoder_collect (struct npu_encoder *encoder, float *features,
    uint64_t * tag, uint64_t timeout_ns);
int __wrap_npu_encoder_collect (struct npu_encoder *encoder, float *features,
    uint64_t * tag, uint64_t timeout_ns);
void __real_npu_encoder_get_error (struct npu_encoder *encoder,
    struct npu_error *err);
void __wrap_npu_encoder_get_error (struct npu_encoder *encoder,
    struct npu_error *err);
void __real_npu_encoder_cancel (struct npu_encoder *encoder);
void __wrap_npu_encoder_cancel (struct npu_encoder *encoder);
void __real_npu_encoder_resume (struct npu_encoder *encoder);
void __wrap_npu_encoder_resume (struct npu_encoder *encoder);
int __real_npu_cpu_run (struct npu_loaded *loaded, struct npu_run *run);
int __wrap_npu_cpu_run (struct npu_loaded *loaded, struct npu_run *run);

static void
end_fault (void)
{
  g_mutex_lock (&plan.lock);
  plan.stuck = 0;
  g_mutex_unlock (&plan.lock);
}

int
__wrap_npu_encoder_open (struct npu_encoder **out,
    const struct npu_model *model, struct npu_device *device,
    const struct npu_encoder_params *params, struct npu_error *err)
{
  end_fault ();
  return __real_npu_encoder_open (out, model, device, params, err);
}

int
__wrap_npu_encoder_submit_mel (struct npu_encoder *encoder, const float *mel,
    unsigned positions, uint64_t tag, uint64_t timeout_ns)
{
  int code = meet_fault (SUBMIT);

  return code != 0 ? code : __real_npu_encoder_submit_mel (encoder, mel,
      positions, tag, timeout_ns);
}

int
__wrap_npu_encoder_collect (struct npu_encoder *encoder, float *features,
    uint64_t * tag, uint64_t timeout_ns)
{
  int code = meet_fault (COLLECT);

  return code != 0 ? code : __real_npu_encoder_collect (encoder, features, tag,
      timeout_ns);
}

void
__wrap_npu_encoder_get_error (struct npu_encoder *encoder,
    struct npu_error *err)
{
  gboolean stuck;

  g_mutex_lock (&plan.lock);
  stuck = plan.stuck != 0;
  if (stuck)
    snprintf (err->text, sizeof (err->text), "%s", plan.fault.sentence);
  g_mutex_unlock (&plan.lock);
  if (!stuck)
    __real_npu_encoder_get_error (encoder, err);
}

void
__wrap_npu_encoder_cancel (struct npu_encoder *encoder)
{
  set_flag (&plan.cancelled);
  __real_npu_encoder_cancel (encoder);
}

void
__wrap_npu_encoder_resume (struct npu_encoder *encoder)
{
  end_fault ();
  __real_npu_encoder_resume (encoder);
}

int
__wrap_npu_cpu_run (struct npu_loaded *loaded, struct npu_run *run)
{
  int code = meet_fault (RUN);

  if (code == 0)
    return __real_npu_cpu_run (loaded, run);
  snprintf (run->err->text, sizeof (run->err->text), "%s", plan.fault.sentence);
  return code;
}

typedef struct
{
  GstHarness *h;
  GstBus *bus;
  GString *seen;                /* what came out, a letter each */
} Run;

static void
open_stream (Run * run)
{
  GstCaps *caps = gst_caps_from_string (CAPS);

  gst_harness_push_event (run->h, gst_event_new_stream_start ("audio"));
  gst_harness_push_event (run->h, gst_event_new_caps (caps));
  gst_caps_unref (caps);
  push_segment (run->h);
}

static void
open_run (Run * run, gboolean trim)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);

  g_object_set (element, "window-duration", WINDOW_TIME, NULL);
  gst_util_set_object_arg (G_OBJECT (element), "context", trim ? "auto" :
      "full");
  run->h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  run->bus = gst_bus_new ();
  gst_element_set_bus (run->h->element, run->bus);
  run->seen = record (run->h);
  open_stream (run);
}

static void
close_run (Run * run)
{
  gst_element_set_bus (run->h->element, NULL);
  gst_harness_teardown (run->h);
  gst_object_unref (run->bus);
  g_string_free (run->seen, TRUE);
}

/* Up to the first answer that is not OK, which is returned. */
static GstFlowReturn
feed (GstHarness * h, guint64 * at, guint64 end)
{
  GstFlowReturn ret = GST_FLOW_OK;

  for (; *at < end && ret == GST_FLOW_OK; *at += CHUNK)
    ret = gst_harness_push (h, make_audio (*at, MIN (CHUNK, end - *at), RATE));
  return ret;
}

/* (transfer full) */
static GPtrArray *
take_buffers (GstHarness * h)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify)
      gst_buffer_unref);
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (h)) != NULL)
    g_ptr_array_add (all, buffer);
  return all;
}

/* The whole stream, with nothing planned. (transfer full) */
static GPtrArray *
encode_all (Run * run)
{
  guint64 at = 0;

  fail_unless_equals_int (feed (run->h, &at, SAMPLES), GST_FLOW_OK);
  fail_unless (gst_harness_push_event (run->h, gst_event_new_eos ()));
  gst_event_unref (wait_event (run->h, GST_EVENT_EOS));
  return take_buffers (run->h);
}

/* (transfer full) */
static GPtrArray *
encode_reference (gboolean trim)
{
  GPtrArray *want;
  Run run;

  plan_none ();
  open_run (&run, trim);
  want = encode_all (&run);
  fail_unless_equals_int (want->len, N_WINDOWS);
  close_run (&run);
  return want;
}

/* The first n of the reference and no more. (got: transfer full) */
static void
check_equal (GPtrArray * got, GPtrArray * want, guint n)
{
  fail_unless_equals_int (got->len, n);
  for (guint i = 0; i < n; i++) {
    GstBuffer *a = got->pdata[i], *b = want->pdata[i];
    GstMapInfo map;

    fail_unless_equals_uint64 (GST_BUFFER_PTS (a), GST_BUFFER_PTS (b));
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (a),
        GST_BUFFER_DURATION (b));
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET (a), GST_BUFFER_OFFSET (b));
    gst_buffer_map (b, &map, GST_MAP_READ);
    fail_unless_equals_int (gst_buffer_get_size (a), map.size);
    fail_unless (gst_buffer_memcmp (a, 0, map.data, map.size) == 0,
        "window %u has other features", i + 1);
    gst_buffer_unmap (b, &map);
  }
  g_ptr_array_unref (got);
}

/* The one error on the bus says what failed, in which window of them (from 1),
 * and the core's sentence. */
static void
check_error (Run * run, const Fault * fault, guint window)
{
  GstMessage *message;
  GstClockTime pts = gst_util_uint64_scale ((window - 1) * WINDOW_SAMPLES,
      GST_SECOND, RATE);
  gchar *where = g_strdup_printf ("the window at %" GST_TIME_FORMAT ": ",
      GST_TIME_ARGS (pts));
  const gchar *why = fault->sentence[0] != '\0' ? fault->sentence :
      g_strerror (-fault->code);
  guint n = 0;

  while ((message = gst_bus_pop (run->bus)) != NULL) {
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      GError *error;
      gchar *debug;

      n++;
      gst_message_parse_error (message, &error, &debug);
      fail_unless (GST_MESSAGE_SRC (message) == GST_OBJECT (run->h->element));
      fail_unless (g_error_matches (error, GST_RESOURCE_ERROR,
              GST_RESOURCE_ERROR_FAILED), "%s", error->message);
      fail_unless (strstr (error->message, "encoder failed") != NULL &&
          strstr (error->message, where) != NULL &&
          strstr (error->message, why) != NULL, "%s", error->message);
      fail_unless (strstr (debug, g_strerror (-fault->code)) != NULL, "%s",
          debug);
      g_error_free (error);
      g_free (debug);
    }
    gst_message_unref (message);
  }
  g_free (where);
  fail_unless_equals_int (n, 1);
}

/* What has come out by now, with the task at rest. */
static void
check_seen (Run * run, guint n_buffers, const gchar * end)
{
  GString *want = g_string_new ("SCsG");

  for (guint i = 0; i < n_buffers; i++)
    g_string_append_c (want, 'B');
  g_string_append (want, end);
  fail_unless_equals_string (run->seen->str, want->str);
  g_string_free (want, TRUE);
  g_string_truncate (run->seen, 0);
}

/* Down to a state and up again, and all of the stream as if nothing had been. */
static void
check_restart (Run * run, GPtrArray * want, gboolean trim)
{
  plan_none ();
  fail_unless_equals_int (gst_element_set_state (run->h->element,
          GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
  open_stream (run);
  check_equal (encode_all (run), want, N_WINDOWS);
  check_seen (run, N_WINDOWS - 1, trim ? "CBE" : "BE");
  fail_unless_equals_int (count_messages (run->bus, GST_MESSAGE_ERROR), 0);
}

/* From where it restarts: with another encoder, and with the same. */
static const GstState rests[] = { GST_STATE_NULL, GST_STATE_READY };

static const guint windows[] = { 1, 2, 7 };

typedef struct
{
  GstHarness *h;
  guint64 at;
  GstFlowReturn ret;
} Upstream;

static gpointer
run_upstream (gpointer user)
{
  Upstream *upstream = user;

  upstream->ret = feed (upstream->h, &upstream->at, 20 * WINDOW_SAMPLES);
  return NULL;
}

/* Odd ones fail while upstream waits for room. */
GST_START_TEST (test_fault_in_stream)
{
  gboolean full = __i__ % 2;
  guint w = __i__ / 2 % G_N_ELEMENTS (windows);
  guint place = __i__ / 2 / G_N_ELEMENTS (windows);
  const Fault *fault = &faults[(place + w) % G_N_ELEMENTS (faults)];
  GPtrArray *want = encode_reference (FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (rests); i++) {
    Upstream upstream = { };
    GThread *thread;
    Run run;

    plan_fault (place, windows[w], full ? WHEN_TOLD : AT_ONCE, fault);
    open_run (&run, FALSE);
    upstream.h = run.h;
    thread = g_thread_new ("upstream", run_upstream, &upstream);
    if (full) {
      wait_queued (run.h, 2);
      g_usleep (20000);         /* until upstream waits, too */
      set_flag (&plan.told);
    }
    g_thread_join (thread);
    fail_unless_equals_int (upstream.ret, GST_FLOW_ERROR);
    /* no more went in than failed, waits, and is being filled */
    fail_unless (upstream.at <= (windows[w] + 4) * WINDOW_SAMPLES);
    check_error (&run, fault, windows[w]);
    fail_unless_equals_int (gst_harness_push (run.h, make_audio (upstream.at,
                CHUNK, RATE)), GST_FLOW_ERROR);
    /* that upstream ends the stream then is no second error */
    gst_harness_push_event (run.h, gst_event_new_eos ());
    check_equal (take_buffers (run.h), want, windows[w] - 1);
    fail_unless_equals_uint64 (get_stat (run.h, "windows"), windows[w] - 1);
    gst_element_set_state (run.h->element, rests[i]);
    fail_unless_equals_int (count_messages (run.bus, GST_MESSAGE_ERROR), 0);
    check_seen (&run, windows[w] - 1, "");
    check_restart (&run, want, FALSE);
    close_run (&run);
  }
  g_ptr_array_unref (want);
}

GST_END_TEST;

/* No buffer of upstream is refused for the error: EOS goes out after it. Odd
 * ones with a shorter last window, whose caps are out by then. */
GST_START_TEST (test_fault_at_end)
{
  gboolean trim = __i__ % 2;
  guint place = __i__ / 2;
  const Fault *fault = &faults[place];
  GPtrArray *want = encode_reference (trim);

  for (guint i = 0; i < G_N_ELEMENTS (rests); i++) {
    guint64 at = 0;
    Run run;

    plan_fault (place, N_WINDOWS, WHEN_TOLD, fault);
    open_run (&run, trim);
    fail_unless_equals_int (feed (run.h, &at, SAMPLES), GST_FLOW_OK);
    fail_unless (gst_harness_push_event (run.h, gst_event_new_eos ()));
    wait_inside ();
    set_flag (&plan.told);
    gst_event_unref (wait_event (run.h, GST_EVENT_EOS));
    check_error (&run, fault, N_WINDOWS);
    check_equal (take_buffers (run.h), want, N_WINDOWS - 1);
    gst_element_set_state (run.h->element, rests[i]);
    fail_unless_equals_int (count_messages (run.bus, GST_MESSAGE_ERROR), 0);
    check_seen (&run, N_WINDOWS - 1, trim ? "CE" : "E");
    check_restart (&run, want, trim);
    close_run (&run);
  }
  g_ptr_array_unref (want);
}

GST_END_TEST;

/* Until the element's task has left the call that was under way. */
static void
wait_task (GstHarness * h)
{
  GstPad *pad = gst_element_get_static_pad (h->element, "src");

  GST_PAD_STREAM_LOCK (pad);
  GST_PAD_STREAM_UNLOCK (pad);
  gst_object_unref (pad);
}

static const struct
{
  guint at;
  Fault fault;
} flushed[] = {
  {2, {0, NULL}}, {N_WINDOWS, {0, NULL}},
  {2, {-EIO, "the array is gone"}}, {N_WINDOWS, {-EIO, "the array is gone"}},
};

/* A flush comes while the call is under way. It is no error that the core gives
 * up because of it; if the core fails, the application may be told. The stream
 * after the flush is whole in both. */
GST_START_TEST (test_fault_flushed)
{
  guint place = __i__ / G_N_ELEMENTS (flushed);
  guint f = __i__ % G_N_ELEMENTS (flushed);
  gboolean last = flushed[f].at == N_WINDOWS;
  GPtrArray *want = encode_reference (TRUE);
  guint64 at = 0;
  guint n;
  Run run;

  plan_fault (place, flushed[f].at, WHEN_CANCELLED, &flushed[f].fault);
  open_run (&run, TRUE);
  fail_unless_equals_int (feed (run.h, &at, last ? SAMPLES : 3 *
          WINDOW_SAMPLES), GST_FLOW_OK);
  if (last)
    fail_unless (gst_harness_push_event (run.h, gst_event_new_eos ()));
  wait_inside ();
  fail_unless (gst_harness_push_event (run.h, gst_event_new_flush_start ()));
  wait_task (run.h);
  n = count_messages (run.bus, GST_MESSAGE_ERROR);
  fail_unless (flushed[f].fault.code == 0 ? n == 0 : n <= 1, "%u errors", n);
  check_equal (take_buffers (run.h), want, flushed[f].at - 1);
  check_seen (&run, flushed[f].at - 1, last ? "C" : "");
  plan_none ();
  while (gst_harness_events_in_queue (run.h) > 0)
    gst_event_unref (gst_harness_pull_event (run.h));
  fail_unless (gst_harness_push_event (run.h, gst_event_new_flush_stop (TRUE)));
  push_segment (run.h);
  check_equal (encode_all (&run), want, N_WINDOWS);
  fail_unless_equals_string (run.seen->str, "CsGBBBBBBBCBE");
  fail_unless_equals_int (count_messages (run.bus, GST_MESSAGE_ERROR), 0);
  close_run (&run);
  g_ptr_array_unref (want);
}

GST_END_TEST;

static Suite *
encoderfault_suite (void)
{
  Suite *s = suite_create ("encoderfault");
  TCase *tc = tcase_create ("general");

  use_small_model ("encoderfault-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_unchecked_fixture (tc, register_element, NULL);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_fault_in_stream, 0,
      N_PLACES * G_N_ELEMENTS (windows) * 2);
  tcase_add_loop_test (tc, test_fault_at_end, 0, N_PLACES * 2);
  tcase_add_loop_test (tc, test_fault_flushed, 0,
      N_PLACES * G_N_ELEMENTS (flushed));
  return s;
}

GST_CHECK_MAIN (encoderfault);
