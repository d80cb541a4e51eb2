/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An encoder that works on several windows at a time: the element submits the
 * next ones before it collects the oldest, and what comes out is the same, in
 * the same order. The log-mel of a window stays until the encoder has given it
 * back, whatever ends the stream. The element is linked in; the encoder in front
 * of the core's keeps each window's pointer, as npu.h allows it to, and looks
 * there again when it is collected or resumed. */

#include <errno.h>
#include <stdio.h>

#include "npu/npu.h"
#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"
#include "tests/gst/linkedin.h"
#include "tests/gst/storm.h"

#define WINDOW_TIME GST_SECOND
#define WINDOW_SAMPLES RATE
#define POSITIONS 50
#define N_MELS 80
#define MORE 400
#define N_WINDOWS 7
#define MAX_OVERLAP 4

typedef struct
{
  const float *mel;
  unsigned positions;
  uint64_t tag;
  guint hash;                   /* of the mel, when it was submitted */
} Window;

static struct
{
  GMutex lock;
  GCond changed;
  /* with the lock */
  guint overlap;
  guint slots;                  /* no more at a time; 0: as many as come */
  gboolean closed;              /* the model is not loaded until it opens */
  guint bad;                    /* the so-many-th window fails, from 1; then all */
  GQueue windows;               /* of Window: submitted, not collected */
  guint n_submitted, most;      /* since plan() */
  int error;                    /* until resumed */
  GString *calls;               /* s and c, with the window's number */
} fake;

/* Overlap, and whether the encoder is there at once. Between streams. */
static void
plan (guint overlap, gboolean closed)
{
  g_mutex_lock (&fake.lock);
  fake.overlap = overlap;
  fake.closed = closed;
  fake.slots = fake.bad = fake.n_submitted = fake.most = 0;
  if (fake.calls == NULL)
    fake.calls = g_string_new (NULL);
  g_string_truncate (fake.calls, 0);
  g_mutex_unlock (&fake.lock);
}

static void
open_gate (void)
{
  g_mutex_lock (&fake.lock);
  fake.closed = FALSE;
  g_cond_broadcast (&fake.changed);
  g_mutex_unlock (&fake.lock);
}

static guint
hash_mel (const float *mel, unsigned positions)
{
  const guint8 *bytes = (const guint8 *) mel;
  guint hash = 2166136261u;

  for (gsize i = 0; i < 2 * positions * N_MELS * sizeof (float); i += 7)
    hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

/* In the element's threads, where libcheck's macros are not safe unless the test
 * ends with them. */
static void
check_mel (const Window * window)
{
  if (hash_mel (window->mel, window->positions) != window->hash)
    g_error ("the log-mel of a window in flight has changed");
}

int __real_npu_encoder_open (struct npu_encoder **out,
    const struct npu_model *model, struct npu_device *device,
    const struct npu_encoder_params *params, struct npu_error *err);
int __wrap_npu_encoder_open (struct npu_encoder **out,
    const struct npu_model *model, struct npu_device *device,
    const struct npu_encoder_params *params, struct npu_error *err);
void __real_npu_encoder_get_info (const struct npu_encoder *encoder,
    struct npu_encoder_info *info);
void __wrap_npu_encoder_get_info (const struct npu_encoder *encoder,
    struct npu_encoder_info *info);
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
void __real_npu_encoder_resume (struct npu_encoder *encoder);
void __wrap_npu_encoder_resume (struct npu_encoder *encoder);
void __real_npu_encoder_close (struct npu_encoder **encoder);
void __wrap_npu_encoder_close (struct npu_encoder **encoder);

int
__wrap_npu_encoder_open (struct npu_encoder **out,
    const struct npu_model *model, struct npu_device *device,
    const struct npu_encoder_params *params, struct npu_error *err)
{
  if (params->depth != 1)
    g_error ("a CPU needs one slot, not %u", params->depth);
  g_mutex_lock (&fake.lock);
  while (fake.closed)
    g_cond_wait (&fake.changed, &fake.lock);
  g_mutex_unlock (&fake.lock);
  return __real_npu_encoder_open (out, model, device, params, err);
}

void
__wrap_npu_encoder_get_info (const struct npu_encoder *encoder,
    struct npu_encoder_info *info)
{
  __real_npu_encoder_get_info (encoder, info);
  g_mutex_lock (&fake.lock);
  info->overlap = fake.overlap;
  g_mutex_unlock (&fake.lock);
}

int
__wrap_npu_encoder_submit_mel (struct npu_encoder *encoder, const float *mel,
    unsigned positions, uint64_t tag, uint64_t timeout_ns)
{
  Window *window;
  int code;

  g_mutex_lock (&fake.lock);
  code = fake.error;
  if (code == 0 && fake.bad > 0 && fake.n_submitted >= fake.bad)
    code = -EIO;
  if (code == 0 && fake.slots > 0 && fake.windows.length >= fake.slots)
    code = -EAGAIN;
  if (code == 0) {
    window = g_new (Window, 1);
    window->mel = mel;
    window->positions = positions;
    window->tag = tag;
    window->hash = hash_mel (mel, positions);
    g_queue_push_tail (&fake.windows, window);
    fake.n_submitted++;
    fake.most = MAX (fake.most, fake.windows.length);
    g_string_append_printf (fake.calls, "s%u ", (guint) tag / POSITIONS);
  }
  g_mutex_unlock (&fake.lock);
  return code;
}

/* The core gets the window now: it reads the log-mel no earlier. */
int
__wrap_npu_encoder_collect (struct npu_encoder *encoder, float *features,
    uint64_t * tag, uint64_t timeout_ns)
{
  Window *window;
  int code;

  g_mutex_lock (&fake.lock);
  window = g_queue_peek_head (&fake.windows);
  code = window == NULL ? -ENODATA : fake.error;
  if (code == 0) {
    check_mel (window);
    g_string_append_printf (fake.calls, "c%u ", (guint) window->tag /
        POSITIONS);
    if (fake.bad > 0 && fake.n_submitted - fake.windows.length + 1 == fake.bad)
      code = fake.error = -EIO;
  }
  g_mutex_unlock (&fake.lock);
  if (code == 0)
    code = __real_npu_encoder_submit_mel (encoder, window->mel,
        window->positions, window->tag, timeout_ns);
  if (code == 0)
    code = __real_npu_encoder_collect (encoder, features, tag, timeout_ns);
  g_mutex_lock (&fake.lock);
  if (code == 0)
    g_free (g_queue_pop_head (&fake.windows));
  g_mutex_unlock (&fake.lock);
  return code;
}

void
__wrap_npu_encoder_get_error (struct npu_encoder *encoder,
    struct npu_error *err)
{
  snprintf (err->text, sizeof (err->text), "the array is gone");
}

/* It may have read the windows up to here. */
static void
give_back (void)
{
  Window *window;

  g_mutex_lock (&fake.lock);
  while ((window = g_queue_pop_head (&fake.windows)) != NULL) {
    check_mel (window);
    g_free (window);
  }
  fake.error = 0;
  g_mutex_unlock (&fake.lock);
}

void
__wrap_npu_encoder_resume (struct npu_encoder *encoder)
{
  __real_npu_encoder_resume (encoder);
  give_back ();
}

void
__wrap_npu_encoder_close (struct npu_encoder **encoder)
{
  __real_npu_encoder_close (encoder);
  give_back ();
}

/* ---- Streams ---- */

static GstHarness *
open_element (gboolean trim)
{
  GstElement *element = gst_element_factory_make ("whispernpu", NULL);
  GstHarness *h;

  g_object_set (element, "window-duration", WINDOW_TIME, "max-windows", 16,
      NULL);
  gst_util_set_object_arg (G_OBJECT (element), "context", trim ? "auto" :
      "full");
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  return h;
}

static void
open_stream (GstHarness * h)
{
  GstCaps *caps = gst_caps_from_string (CAPS);

  gst_harness_push_event (h, gst_event_new_stream_start ("audio"));
  gst_harness_push_event (h, gst_event_new_caps (caps));
  gst_caps_unref (caps);
  push_segment (h);
}

/* So many whole windows after `first` others: a window's last frame sees some
 * samples of the next. */
static void
push_windows (GstHarness * h, guint first, guint n)
{
  guint from = first == 0 ? 0 : first * WINDOW_SAMPLES + MORE;

  push_audio (h, from, (first + n) * WINDOW_SAMPLES + MORE - from, 4000);
}

/* What is left after N_WINDOWS, and EOS. */
static void
push_rest (GstHarness * h)
{
  push_audio (h, N_WINDOWS * WINDOW_SAMPLES + MORE, 4000, 4000);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
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

/* N_WINDOWS windows and half of one. (transfer full) */
static GPtrArray *
encode_all (GstHarness * h, gboolean closed)
{
  push_windows (h, 0, N_WINDOWS);
  push_rest (h);
  if (closed)
    open_gate ();
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  return take_buffers (h);
}

/* One window at a time. (transfer full) */
static GPtrArray *
encode_reference (gboolean trim)
{
  GPtrArray *want;
  GstHarness *h;

  plan (1, FALSE);
  h = open_element (trim);
  open_stream (h);
  want = encode_all (h, FALSE);
  fail_unless_equals_int (want->len, N_WINDOWS + 1);
  fail_unless_equals_int (fake.most, 1);
  gst_harness_teardown (h);
  return want;
}

static void
check_equal (GstBuffer * got, GstBuffer * want)
{
  GstMapInfo map;

  fail_unless_equals_uint64 (GST_BUFFER_PTS (got), GST_BUFFER_PTS (want));
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (got),
      GST_BUFFER_DURATION (want));
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET (got), GST_BUFFER_OFFSET (want));
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET_END (got),
      GST_BUFFER_OFFSET_END (want));
  gst_buffer_map (want, &map, GST_MAP_READ);
  fail_unless_equals_int (gst_buffer_get_size (got), map.size);
  fail_unless (gst_buffer_memcmp (got, 0, map.data, map.size) == 0);
  gst_buffer_unmap (want, &map);
}

/* got: transfer full */
static void
check_all_equal (GPtrArray * got, GPtrArray * want)
{
  fail_unless_equals_int (got->len, want->len);
  for (guint i = 0; i < got->len; i++) {
    check_equal (got->pdata[i], want->pdata[i]);
    fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (got->pdata[i]), i == 0);
  }
  g_ptr_array_unref (got);
}

/* Windows `first` to `end` - 1 as they should be handed in and taken, with so
 * many at a time. */
static void
expect_calls (GString * calls, guint first, guint end, guint overlap)
{
  for (guint at = first, submitted = first; at < end; at++) {
    for (; submitted < MIN (end, at + overlap); submitted++)
      g_string_append_printf (calls, "s%u ", submitted);
    g_string_append_printf (calls, "c%u ", at);
  }
}

static void
check_calls (GString * want)
{
  g_mutex_lock (&fake.lock);
  fail_unless_equals_string (fake.calls->str, want->str);
  g_mutex_unlock (&fake.lock);
  g_string_free (want, TRUE);
}

/* All windows wait when the encoder comes: n + 1 is submitted before n is
 * collected, and as many as the encoder likes. Odd ones with a shorter last
 * window. */
GST_START_TEST (test_inflight_order)
{
  guint overlap = 1 + __i__ / 2;
  gboolean trim = __i__ % 2;
  GPtrArray *want = encode_reference (trim);
  GString *calls = g_string_new (NULL);
  GstHarness *h;

  expect_calls (calls, 0, N_WINDOWS + 1, overlap);
  plan (overlap, TRUE);
  h = open_element (trim);
  open_stream (h);
  check_all_equal (encode_all (h, TRUE), want);
  check_calls (calls);
  fail_unless_equals_int (fake.most, overlap);
  fail_unless_equals_uint64 (get_stat (h, "windows"), N_WINDOWS + 1);
  fail_unless_equals_uint64 (get_stat (h, "dropped"), 0);
  gst_harness_teardown (h);
  g_ptr_array_unref (want);
}

GST_END_TEST;

/* An encoder may have fewer slots for a while: the others wait their turn. */
GST_START_TEST (test_inflight_few_slots)
{
  GPtrArray *want = encode_reference (FALSE);
  GString *calls = g_string_new (NULL);
  GstHarness *h;

  expect_calls (calls, 0, N_WINDOWS + 1, 2);
  plan (4, TRUE);
  fake.slots = 2;
  h = open_element (FALSE);
  open_stream (h);
  check_all_equal (encode_all (h, TRUE), want);
  check_calls (calls);
  gst_harness_teardown (h);
  g_ptr_array_unref (want);
}

GST_END_TEST;

/* An event goes out between the windows it stood between, and no window after it
 * is submitted before. */
GST_START_TEST (test_inflight_event)
{
  guint overlap = __i__;
  GString *calls = g_string_new (NULL), *seen;
  GstHarness *h;

  expect_calls (calls, 0, 3, overlap);
  expect_calls (calls, 3, N_WINDOWS + 1, overlap);
  plan (overlap, TRUE);
  h = open_element (FALSE);
  seen = record (h);
  open_stream (h);
  push_windows (h, 0, 3);
  gst_harness_push_event (h, gst_event_new_tag (gst_tag_list_new
          (GST_TAG_TITLE, "four", NULL)));
  push_windows (h, 3, N_WINDOWS - 3);
  gst_harness_push_event (h, gst_event_new_eos ());
  open_gate ();
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  check_calls (calls);
  gst_harness_teardown (h);
  check_record (seen, "SCsGBBBTBBBBBE");
}

GST_END_TEST;

/* Until so many were submitted. */
static void
wait_submitted (guint n)
{
  guint submitted = 0;

  for (guint i = 0; i < 6000 && submitted < n; i++) {
    g_usleep (10000);
    g_mutex_lock (&fake.lock);
    submitted = fake.n_submitted;
    g_mutex_unlock (&fake.lock);
  }
  fail_unless_equals_int (submitted, n);
}

/* A stream of N_WINDOWS, of which the first is held downstream. */
static GstHarness *
start_held (guint overlap, GstPad ** pad, gulong * probe)
{
  GstHarness *h;

  plan (overlap, TRUE);
  h = open_element (FALSE);
  *pad = gst_element_get_static_pad (h->element, "src");
  *probe = block_buffers (*pad);
  open_stream (h);
  push_windows (h, 0, N_WINDOWS);
  open_gate ();
  wait_submitted (overlap);
  return h;
}

static const GstState rests[] = { GST_STATE_NULL, GST_STATE_READY };

/* Stopped while windows are in flight; then the stream once more. */
GST_START_TEST (test_inflight_stop)
{
  guint overlap = 1 + __i__ / 2;
  GPtrArray *want = encode_reference (FALSE);
  gulong probe;
  GstPad *pad;
  GstHarness *h = start_held (overlap, &pad, &probe);

  gst_element_set_state (h->element, rests[__i__ % 2]);
  fail_unless_equals_int (fake.windows.length, 0);
  fail_unless_equals_uint64 (get_stat (h, "dropped"), N_WINDOWS);
  fail_unless_equals_uint64 (get_stat (h, "windows"), 0);
  gst_pad_remove_probe (pad, probe);
  plan (overlap, FALSE);
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  open_stream (h);
  gst_event_unref (wait_event (h, GST_EVENT_SEGMENT));
  check_all_equal (encode_all (h, FALSE), want);
  gst_object_unref (pad);
  gst_harness_teardown (h);
  g_ptr_array_unref (want);
}

GST_END_TEST;

/* Flushed while windows are in flight; none of them comes out afterwards. */
GST_START_TEST (test_inflight_flush)
{
  guint overlap = __i__;
  GPtrArray *want = encode_reference (FALSE);
  gulong probe;
  GstPad *pad;
  GstHarness *h = start_held (overlap, &pad, &probe);

  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_pad_remove_probe (pad, probe);
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  fail_unless_equals_int (fake.windows.length, 0);
  fail_unless_equals_uint64 (get_stat (h, "dropped"), N_WINDOWS);
  push_segment (h);
  check_all_equal (encode_all (h, FALSE), want);
  fail_unless_equals_uint64 (get_stat (h, "windows"), N_WINDOWS + 1);
  gst_object_unref (pad);
  gst_harness_teardown (h);
  g_ptr_array_unref (want);
}

GST_END_TEST;

/* Downstream answers the first window with EOS: the others go, in flight or not,
 * up to the next segment; the one after it is whole. */
GST_START_TEST (test_inflight_enough)
{
  guint overlap = __i__;
  GPtrArray *want = encode_reference (FALSE);
  GString *calls = g_string_new (NULL);
  GstSegment segment;
  GstHarness *h;
  GstPad *pad;
  gulong probe;
  GstEvent *event;

  plan (overlap, TRUE);
  h = open_element (FALSE);
  pad = gst_element_get_static_pad (h->element, "src");
  probe = answer_buffers (pad, GST_FLOW_EOS);
  open_stream (h);
  gst_event_unref (wait_event (h, GST_EVENT_SEGMENT));
  push_windows (h, 0, N_WINDOWS);
  open_gate ();
  for (guint i = 0; i < 6000 && get_stat (h, "dropped") < N_WINDOWS; i++)
    g_usleep (10000);
  fail_unless_equals_uint64 (get_stat (h, "dropped"), N_WINDOWS);
  fail_unless_equals_int (fake.windows.length, 0);
  for (guint i = 0; i < overlap; i++)
    g_string_append_printf (calls, "s%u ", i);
  g_string_append (calls, "c0 ");
  check_calls (calls);
  fail_unless_equals_int (gst_harness_push (h, make_audio (N_WINDOWS *
              WINDOW_SAMPLES, 4000, RATE)), GST_FLOW_EOS);

  gst_pad_remove_probe (pad, probe);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = GST_SECOND;
  event = gst_event_new_segment (&segment);
  fail_unless (gst_harness_push_event (h, event));
  check_all_equal (encode_all (h, FALSE), want);
  fail_unless_equals_uint64 (get_stat (h, "windows"), N_WINDOWS + 1);
  gst_object_unref (pad);
  gst_harness_teardown (h);
  g_ptr_array_unref (want);
}

GST_END_TEST;

/* No peer for the first window: those in flight stay, and the next peer gets all
 * of them in order. */
GST_START_TEST (test_inflight_not_linked)
{
  guint overlap = __i__;
  GPtrArray *want = encode_reference (FALSE), *got;
  GString *calls = g_string_new (NULL);
  GstHarness *h;
  GstPad *pad;
  gulong probe;

  expect_calls (calls, 0, N_WINDOWS, overlap);
  plan (overlap, TRUE);
  h = open_element (FALSE);
  pad = gst_element_get_static_pad (h->element, "src");
  probe = answer_buffers (pad, GST_FLOW_NOT_LINKED);
  open_stream (h);
  push_windows (h, 0, N_WINDOWS);
  open_gate ();
  for (guint i = 0; i < 6000 && get_stat (h, "dropped") < 1; i++)
    g_usleep (10000);
  gst_pad_remove_probe (pad, probe);
  /* until the task has stopped */
  while (GST_PAD_TASK (pad) == NULL ||
      GST_TASK_STATE (GST_PAD_TASK (pad)) != GST_TASK_PAUSED)
    g_usleep (1000);
  gst_harness_push_upstream_event (h, gst_event_new_reconfigure ());
  for (guint i = 0; i < 6000 && get_stat (h, "windows") < N_WINDOWS - 1; i++)
    g_usleep (10000);
  check_calls (calls);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  got = take_buffers (h);
  fail_unless (got->len >= N_WINDOWS - 2 && got->len < N_WINDOWS);
  for (guint i = 0; i < got->len; i++) {
    check_equal (got->pdata[i], want->pdata[i + 1]);
    fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (got->pdata[i]), i == 0);
  }
  fail_unless_equals_uint64 (get_stat (h, "dropped"), 1);
  g_ptr_array_unref (got);
  gst_object_unref (pad);
  gst_harness_teardown (h);
  g_ptr_array_unref (want);
}

GST_END_TEST;

/* One fails: those before it come out, the error names its time, the rest go. */
GST_START_TEST (test_inflight_error)
{
  guint overlap = 1 + __i__ / 3, bad = 1 + 2 * (__i__ % 3);
  GPtrArray *want = encode_reference (FALSE), *got;
  GstBus *bus = gst_bus_new ();
  gchar *where = g_strdup_printf ("%" GST_TIME_FORMAT ": the array is gone",
      GST_TIME_ARGS ((bad - 1) * WINDOW_TIME));
  GstMessage *message;
  GError *error;
  GstHarness *h;

  plan (overlap, TRUE);
  fake.bad = bad;
  h = open_element (FALSE);
  gst_element_set_bus (h->element, bus);
  open_stream (h);
  push_windows (h, 0, N_WINDOWS);
  push_rest (h);
  open_gate ();
  message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
      GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (strstr (error->message, where) != NULL, "%s", error->message);
  g_error_free (error);
  gst_message_unref (message);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  gst_element_set_state (h->element, GST_STATE_READY);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_ERROR), 0);
  fail_unless_equals_int (fake.windows.length, 0);
  fail_unless_equals_uint64 (get_stat (h, "windows"), bad - 1);
  fail_unless_equals_uint64 (get_stat (h, "dropped"), N_WINDOWS + 2 - bad);
  got = take_buffers (h);
  fail_unless_equals_int (got->len, bad - 1);
  for (guint i = 0; i < got->len; i++)
    check_equal (got->pdata[i], want->pdata[i]);
  g_ptr_array_unref (got);

  plan (overlap, FALSE);
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  open_stream (h);
  gst_event_unref (wait_event (h, GST_EVENT_SEGMENT));
  check_all_equal (encode_all (h, FALSE), want);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_free (where);
  g_ptr_array_unref (want);
}

GST_END_TEST;

/* A window that was submitted cannot be skipped any more; those that wait can. */
GST_START_TEST (test_inflight_late)
{
  guint overlap = __i__;
  GstHarness *h;
  GstPad *pad;
  gulong probe;
  GPtrArray *got;

  plan (overlap, TRUE);
  h = open_element (FALSE);
  g_object_set (h->element, "max-windows", overlap + 1, NULL);
  gst_util_set_object_arg (G_OBJECT (h->element), "late", "drop");
  gst_pad_set_query_function (h->srcpad, live_query);
  pad = gst_element_get_static_pad (h->element, "src");
  probe = block_buffers (pad);
  open_stream (h);
  /* the task holds the first, all others may wait */
  push_windows (h, 0, 1);
  wait_queued (h, 0);
  push_windows (h, 1, overlap + 1);
  open_gate ();
  wait_submitted (overlap);
  push_windows (h, overlap + 2, 10);
  fail_unless_equals_uint64 (get_stat (h, "skipped"), 11 - overlap);
  gst_pad_remove_probe (pad, probe);
  for (guint i = 0; i < 6000 && gst_harness_buffers_received (h) < 2 * overlap +
      1; i++)
    g_usleep (10000);
  got = take_buffers (h);
  fail_unless_equals_int (got->len, 2 * overlap + 1);
  for (guint i = 0; i < got->len; i++) {
    guint want = i < overlap ? i : i + 11 - overlap;

    fail_unless_equals_uint64 (GST_BUFFER_PTS (got->pdata[i]), want *
        WINDOW_TIME);
    fail_unless_equals_int (!!GST_BUFFER_IS_DISCONT (got->pdata[i]), i == 0
        || i == overlap);
  }
  g_ptr_array_unref (got);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* ---- Storm ---- */

typedef struct
{
  GstHarness *h;
  GMutex upstream;              /* held while something is pushed */
  gint end;                     /* atomic, as the next */
  gint answer;                  /* one buffer more is answered with EOS */
  gint n_buffers;               /* atomic: taken by downstream */
} Storm;

/* Windows without end; a new segment where downstream wants no more. */
static gpointer
run_upstream (gpointer user)
{
  Storm *storm = user;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  for (guint64 at = 0; !g_atomic_int_get (&storm->end); at += 4000) {
    GstFlowReturn ret;

    g_mutex_lock (&storm->upstream);
    ret = gst_harness_push (storm->h, make_audio (at, 4000, RATE));
    if (ret == GST_FLOW_EOS) {
      segment.base++;
      gst_harness_push_event (storm->h, gst_event_new_segment (&segment));
    }
    g_mutex_unlock (&storm->upstream);
    if (ret == GST_FLOW_FLUSHING)
      g_usleep (100);
    else if (ret != GST_FLOW_OK && ret != GST_FLOW_EOS)
      g_error ("%s", gst_flow_get_name (ret));
  }
  return NULL;
}

static GstPadProbeReturn
take_or_refuse (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  Storm *storm = user;

  if (g_atomic_int_compare_and_exchange (&storm->answer, 1, 0)) {
    GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_EOS;
  } else {
    GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_OK;
    g_atomic_int_inc (&storm->n_buffers);
  }
  gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (info));
  return GST_PAD_PROBE_HANDLED;
}

static void
wait_buffers (Storm * storm, gint n)
{
  gint want = g_atomic_int_get (&storm->n_buffers) + n;

  for (guint i = 0; i < 60000 && g_atomic_int_get (&storm->n_buffers) < want;
      i++)
    g_usleep (1000);
  fail_unless (g_atomic_int_get (&storm->n_buffers) >= want);
}

/* Flushes and refusals at any moment, often both at once; after each the encoder
 * is given whole windows again, and nothing in flight is lost sight of. */
GST_START_TEST (test_inflight_storm)
{
  GRand *random = storm_random ();
  Storm storm = { };
  GThread *thread;
  GstPad *pad;

  plan (__i__, FALSE);
  storm.h = open_element (FALSE);
  pad = gst_element_get_static_pad (storm.h->element, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, take_or_refuse, &storm,
      NULL);
  open_stream (storm.h);
  thread = g_thread_new ("upstream", run_upstream, &storm);
  for (guint i = 0; i < ROUNDS (300); i++) {
    if (i % 8 == 0)
      wait_buffers (&storm, 2);
    g_usleep (g_rand_int_range (random, 0, 2000));
    if (g_rand_boolean (random))
      g_atomic_int_set (&storm.answer, 1);
    if (g_rand_boolean (random)) {
      gst_harness_push_event (storm.h, gst_event_new_flush_start ());
      g_mutex_lock (&storm.upstream);
      gst_harness_push_event (storm.h, gst_event_new_flush_stop (TRUE));
      push_segment (storm.h);
      g_mutex_unlock (&storm.upstream);
    }
  }
  g_atomic_int_set (&storm.end, 1);
  gst_harness_push_event (storm.h, gst_event_new_flush_start ());
  g_thread_join (thread);
  gst_element_set_state (storm.h->element, GST_STATE_READY);
  fail_unless_equals_int (fake.windows.length, 0);
  fail_unless_equals_uint64 (get_stat (storm.h, "windows"),
      g_atomic_int_get (&storm.n_buffers));
  fail_unless (fake.most <= (guint) __i__);
  g_rand_free (random);
  gst_object_unref (pad);
  gst_harness_teardown (storm.h);
}

GST_END_TEST;

static Suite *
inflight_suite (void)
{
  Suite *s = suite_create ("inflight");
  TCase *tc = tcase_create ("general");

  use_small_model ("inflight-test.safetensors");
  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_unchecked_fixture (tc, register_element, NULL);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_inflight_order, 0, 2 * MAX_OVERLAP);
  tcase_add_test (tc, test_inflight_few_slots);
  tcase_add_loop_test (tc, test_inflight_event, 1, MAX_OVERLAP + 1);
  tcase_add_loop_test (tc, test_inflight_stop, 0, 2 * MAX_OVERLAP);
  tcase_add_loop_test (tc, test_inflight_flush, 1, MAX_OVERLAP + 1);
  tcase_add_loop_test (tc, test_inflight_enough, 1, MAX_OVERLAP + 1);
  tcase_add_loop_test (tc, test_inflight_not_linked, 1, MAX_OVERLAP + 1);
  tcase_add_loop_test (tc, test_inflight_error, 0, 3 * MAX_OVERLAP);
  tcase_add_loop_test (tc, test_inflight_late, 1, MAX_OVERLAP + 1);
  tcase_add_loop_test (tc, test_inflight_storm, 1, MAX_OVERLAP + 1);
  return s;
}

GST_CHECK_MAIN (inflight);
