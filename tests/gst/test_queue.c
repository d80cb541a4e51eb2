/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The queue between the two threads, alone: bound, skipped windows, flush, end
 * of a stream, errors, and both threads at once. */

#include <gst/check/gstcheck.h>

#include "gst/queue.h"
#include "tests/gst/leaks.h"
#include "tests/gst/storm.h"

#define STEP GST_SECOND

/* The n-th window of a second. */
static GstNpuItem *
make_window (guint n)
{
  GstNpuItem *item = g_new0 (GstNpuItem, 1);

  item->mel = g_new0 (gfloat, 1);
  item->pts = item->running_time = item->stream_time = n * STEP;
  item->duration = item->fresh = item->step = STEP;
  item->first = n;
  return item;
}

static GstNpuItem *
make_event (GstEvent * event)
{
  GstNpuItem *item = g_new0 (GstNpuItem, 1);

  item->event = event;
  return item;
}

static GstEvent *
make_segment (void)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  return gst_event_new_segment (&segment);
}

/* Nothing to post may come of it. */
static GstFlowReturn
push (GstNpuQueue * queue, GstNpuItem * item)
{
  GstNpuPushed pushed;
  GstFlowReturn ret = gst_npu_queue_push (queue, item, GST_CLOCK_TIME_NONE,
      &pushed);

  fail_if (pushed.report);
  fail_unless_equals_int (pushed.skipped.length, 0);
  return ret;
}

static GstNpuQueue *
open_queue (void)
{
  GstNpuQueue *queue = gst_npu_queue_new ();

  gst_npu_queue_open (queue, FALSE);
  return queue;
}

static GstNpuQueueInfo
info_of (GstNpuQueue * queue)
{
  GstNpuQueueInfo info;

  gst_npu_queue_get_info (queue, &info);
  return info;
}

/* What comes next: a window by its number, "event", or "place" with where it
 * starts and ends. */
static void
check_next (GstNpuQueue * queue, const gchar * want)
{
  GstNpuItem *item = gst_npu_queue_pop (queue);
  gchar *got;

  fail_unless (item != NULL, "nothing, not %s", want);
  if (item->mel != NULL)
    got = g_strdup_printf ("%" G_GUINT64_FORMAT, item->first);
  else if (item->event != NULL)
    got = g_strdup (GST_EVENT_TYPE_NAME (item->event));
  else
    got = g_strdup_printf ("place %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
        item->pts / STEP, (item->pts + item->duration) / STEP);
  fail_unless_equals_string (got, want);
  g_free (got);
  gst_npu_item_free (item);
}

static GstNpuVerdict
settle (GstNpuQueue * queue, GstFlowReturn ret, gboolean window, guint stops)
{
  GstNpuOutcome outcome = {.ret = ret,.window = window,.generation = stops };
  GstNpuVerdict verdict;

  gst_npu_queue_settle (queue, &outcome, &verdict);
  return verdict;
}

/* ---- A thread that pushes, or waits ---- */

typedef struct
{
  GstNpuQueue *queue;
  guint n;
  gint done;                    /* atomic */
  GstFlowReturn ret;
  guint n_told;                 /* what push() said is to be posted */
  GThread *thread;
} Pusher;

static gpointer
run_windows (gpointer user)
{
  Pusher *pusher = user;

  for (guint i = 0; i < pusher->n && pusher->ret == GST_FLOW_OK; i++) {
    GstNpuPushed pushed;

    pusher->ret = gst_npu_queue_push (pusher->queue, make_window (i),
        GST_CLOCK_TIME_NONE, &pushed);
    pusher->n_told += pushed.report + pushed.skipped.length;
    g_atomic_int_inc (&pusher->done);
  }
  return NULL;
}

static void
start_windows (Pusher * pusher, GstNpuQueue * queue, guint n)
{
  *pusher = (Pusher) {
  .queue = queue,.n = n};
  pusher->thread = g_thread_new ("pusher", run_windows, pusher);
}

/* Until so many pushes have returned. */
static void
wait_pushed (Pusher * pusher, gint want)
{
  for (guint i = 0; i < 6000 && g_atomic_int_get (&pusher->done) < want; i++)
    g_usleep (10000);
  fail_unless_equals_int (g_atomic_int_get (&pusher->done), want);
}

static const guint bounds[] = { 1, 2, 5, 16 };

/* One window more than may wait holds the pusher, whatever stands in between;
 * room lets it go, and so does a higher bound. */
GST_START_TEST (test_bound)
{
  guint bound = bounds[__i__];
  GstNpuQueue *queue = open_queue ();
  gchar *first_left = g_strdup_printf ("%u", bound + 2);
  Pusher pusher;

  fail_unless_equals_int (gst_npu_queue_set_max_windows (queue, bound),
      bound != GST_NPU_DEFAULT_MAX_WINDOWS);
  fail_if (gst_npu_queue_set_max_windows (queue, bound));
  start_windows (&pusher, queue, bound + 4);
  wait_pushed (&pusher, bound);
  g_usleep (20000);             /* in which it would push another */
  wait_pushed (&pusher, bound);
  check_next (queue, "0");
  wait_pushed (&pusher, bound + 1);
  fail_unless_equals_int (info_of (queue).queued_max, bound);
  fail_unless (gst_npu_queue_set_max_windows (queue, bound + 3));
  g_thread_join (pusher.thread);
  fail_unless_equals_int (pusher.ret, GST_FLOW_OK);
  fail_unless_equals_int (info_of (queue).n_windows, bound + 3);
  fail_unless_equals_int (info_of (queue).queued_max, bound + 3);
  fail_unless (info_of (queue).blocked_time > 0);
  for (guint i = 1; i < bound + 2; i++)
    gst_npu_item_free (gst_npu_queue_pop (queue));
  check_next (queue, first_left);
  gst_npu_queue_reset_counts (queue);
  fail_unless_equals_int (info_of (queue).queued_max, 0);
  fail_unless_equals_uint64 (info_of (queue).blocked_time, 0);
  g_free (first_left);
  gst_npu_queue_free (queue);
}

GST_END_TEST;

static gpointer
run_event (gpointer user)
{
  Pusher *pusher = user;
  GstNpuPushed pushed;

  pusher->ret = gst_npu_queue_push (pusher->queue,
      make_event (gst_event_new_gap (0, 0)), GST_CLOCK_TIME_NONE, &pushed);
  g_atomic_int_inc (&pusher->done);
  return NULL;
}

/* Events have a bound of their own. */
GST_START_TEST (test_bound_of_items)
{
  GstNpuQueue *queue = open_queue ();
  Pusher pusher = {.queue = queue };

  for (guint i = 0; i < GST_NPU_MAX_ITEMS; i++)
    fail_unless_equals_int (push (queue, make_event (gst_event_new_gap (i,
                    0))), GST_FLOW_OK);
  pusher.thread = g_thread_new ("pusher", run_event, &pusher);
  g_usleep (20000);
  fail_unless_equals_int (g_atomic_int_get (&pusher.done), 0);
  check_next (queue, "gap");
  g_thread_join (pusher.thread);
  fail_unless_equals_int (pusher.ret, GST_FLOW_OK);
  fail_unless_equals_int (info_of (queue).n_windows, 0);
  gst_npu_queue_free (queue);
}

GST_END_TEST;

/* Push, and look at the window that was skipped for it. */
static void
push_over (GstNpuQueue * queue, guint n, guint skipped_window,
    guint64 n_skipped)
{
  GstNpuPushed pushed;
  GstNpuSkipped *skipped;

  fail_unless_equals_int (gst_npu_queue_push (queue, make_window (n),
          100 * STEP, &pushed), GST_FLOW_OK);
  fail_unless_equals_int (pushed.skipped.length, 1);
  skipped = g_queue_pop_head (&pushed.skipped);
  fail_unless_equals_uint64 (skipped->pts, skipped_window * STEP);
  fail_unless_equals_uint64 (skipped->running_time, skipped_window * STEP);
  fail_unless_equals_uint64 (skipped->stream_time, skipped_window * STEP);
  fail_unless_equals_uint64 (skipped->duration, STEP);
  fail_unless_equals_int64 (skipped->late, (99 - (gint64) skipped_window) *
      STEP);
  fail_unless_equals_uint64 (skipped->n_skipped, n_skipped);
  g_free (skipped);
}

/* Live, and told to drop: nothing waits, the oldest windows go, places next to
 * each other are one, and an event parts them. */
GST_START_TEST (test_skip)
{
  GstNpuQueue *queue = open_queue ();

  fail_unless (gst_npu_queue_set_drop (queue, TRUE));
  fail_if (gst_npu_queue_set_drop (queue, TRUE));
  gst_npu_queue_set_live (queue, TRUE);
  push (queue, make_window (0));
  push (queue, make_window (1));
  for (guint i = 2; i < 2 * GST_NPU_MAX_ITEMS; i++)
    push_over (queue, i, i - 2, i - 1);
  push (queue, make_event (gst_event_new_gap (0, 0)));
  for (guint i = 0; i < 3; i++)
    push_over (queue, 400 + i, 398 + i, 399 + i);
  fail_unless_equals_int (info_of (queue).n_windows, 2);
  fail_unless_equals_int (info_of (queue).queued_max, 2);
  fail_unless_equals_uint64 (info_of (queue).skipped, 401);
  fail_unless_equals_uint64 (info_of (queue).dropped, 0);
  fail_unless_equals_uint64 (info_of (queue).blocked_time, 0);
  check_next (queue, "place 0-400");
  check_next (queue, "gap");
  check_next (queue, "place 400-401");
  check_next (queue, "401");
  check_next (queue, "402");
  gst_npu_queue_free (queue);
}

GST_END_TEST;

/* Live and one window may wait. */
static GstNpuQueue *
open_dropping (void)
{
  GstNpuQueue *queue = open_queue ();

  gst_npu_queue_set_max_windows (queue, 1);
  gst_npu_queue_set_drop (queue, TRUE);
  gst_npu_queue_set_live (queue, TRUE);
  return queue;
}

static void
push_and_free (GstNpuQueue * queue, GstNpuItem * item)
{
  GstNpuPushed pushed;

  fail_unless_equals_int (gst_npu_queue_push (queue, item, 100 * STEP,
          &pushed), GST_FLOW_OK);
  g_queue_clear_full (&pushed.skipped, g_free);
}

/* Of a window that overlaps the next, the place ends where that starts. Time that
 * jumps back makes no place longer. */
GST_START_TEST (test_skip_places)
{
  GstNpuQueue *queue = open_dropping ();
  GstNpuItem *item = make_window (5);

  item->duration = 30 * STEP;
  push (queue, item);
  push_and_free (queue, make_window (2));
  check_next (queue, "place 5-6");
  push_and_free (queue, make_window (9));
  check_next (queue, "place 2-3");
  push_and_free (queue, make_window (1));
  push_and_free (queue, make_window (14));
  check_next (queue, "place 9-10");
  check_next (queue, "14");
  push (queue, make_window (20));
  push_and_free (queue, make_window (25));
  push_and_free (queue, make_window (30));
  check_next (queue, "place 20-26");
  check_next (queue, "30");
  gst_npu_queue_free (queue);
}

GST_END_TEST;

/* Late is what is known to be: not without a clock, nor without a running time.
 * What a window holds is told whole, though its place is shorter. */
GST_START_TEST (test_skip_unknown)
{
  GstNpuQueue *queue = open_dropping ();
  GstNpuItem *items[2] = { make_window (5), make_window (6) };
  GstNpuPushed pushed;
  GstNpuSkipped *skipped;

  items[0]->duration = 30 * STEP;
  items[1]->running_time = GST_CLOCK_TIME_NONE;
  push (queue, items[0]);
  for (guint i = 0; i < 2; i++) {
    gst_npu_queue_push (queue, i == 0 ? items[1] : make_window (7),
        i == 0 ? GST_CLOCK_TIME_NONE : 100 * STEP, &pushed);
    skipped = g_queue_pop_head (&pushed.skipped);
    fail_unless (skipped != NULL);
    fail_unless_equals_uint64 (skipped->duration, i == 0 ? 30 * STEP : STEP);
    fail_unless_equals_int64 (skipped->late, 0);
    g_free (skipped);
  }
  gst_npu_queue_free (queue);
}

GST_END_TEST;

/* Both are needed to skip; else the pusher waits. Either order lets it go. */
GST_START_TEST (test_skip_needs_both)
{
  GstNpuQueue *queue = open_queue ();
  Pusher pusher;

  gst_npu_queue_set_drop (queue, __i__);
  gst_npu_queue_set_live (queue, !__i__);
  start_windows (&pusher, queue, 3);
  wait_pushed (&pusher, 2);
  g_usleep (20000);
  wait_pushed (&pusher, 2);
  fail_unless_equals_uint64 (info_of (queue).skipped, 0);
  check_next (queue, "0");
  g_thread_join (pusher.thread);
  gst_npu_queue_free (queue);
}

GST_END_TEST;

static gpointer
run_pop (gpointer user)
{
  return gst_npu_queue_pop (user);
}

static gpointer
run_wait_ready (gpointer user)
{
  return GINT_TO_POINTER (gst_npu_queue_wait_ready (user));
}

/* A stop ends every wait, and what was there before is stale. */
GST_START_TEST (test_stop)
{
  GstNpuQueue *queue = open_queue (), *empty = open_queue ();
  GThread *pop = g_thread_new ("pop", run_pop, empty), *ready;
  GQueue items;
  Pusher pusher;

  gst_npu_queue_set_ready (empty, FALSE);
  ready = g_thread_new ("ready", run_wait_ready, empty);
  start_windows (&pusher, queue, 9);
  wait_pushed (&pusher, 2);
  push (queue, make_event (gst_event_new_gap (0, 0)));
  g_usleep (20000);             /* until all of them wait */
  fail_if (gst_npu_queue_is_stopped (queue));
  gst_npu_queue_stop (queue);
  gst_npu_queue_stop (empty);
  g_thread_join (pusher.thread);
  fail_unless_equals_int (pusher.ret, GST_FLOW_FLUSHING);
  fail_unless (g_thread_join (pop) == NULL);
  fail_unless_equals_int (GPOINTER_TO_INT (g_thread_join (ready)),
      GST_FLOW_FLUSHING);
  fail_unless (gst_npu_queue_is_stopped (queue));
  fail_unless_equals_int (gst_npu_queue_flow (queue), GST_FLOW_FLUSHING);
  fail_unless (gst_npu_queue_pop (queue) == NULL);
  fail_unless (gst_npu_queue_pop_window (queue) == NULL);
  fail_unless_equals_int (push (queue, make_event (make_segment ())),
      GST_FLOW_FLUSHING);
  fail_unless (gst_npu_queue_is_stale (queue, 0));
  fail_if (gst_npu_queue_is_stale (queue, 1));
  gst_npu_queue_take_all (queue, &items);
  fail_unless_equals_int (items.length, 3);
  g_queue_clear_full (&items, (GDestroyNotify) gst_npu_item_free);
  fail_unless_equals_int (info_of (queue).n_windows, 0);
  /* two that waited, one that was to be pushed */
  fail_unless_equals_uint64 (info_of (queue).dropped, 3);

  gst_npu_queue_open (queue, FALSE);
  fail_unless_equals_int (push (queue, make_window (7)), GST_FLOW_OK);
  check_next (queue, "7");
  /* of an item from before: no matter how it ended */
  fail_unless_equals_int (settle (queue, GST_FLOW_ERROR, TRUE, 0).flow,
      GST_FLOW_OK);
  gst_npu_queue_free (queue);
  gst_npu_queue_free (empty);
}

GST_END_TEST;

/* After EOS nothing is taken until the next stream; one that has come before EOS
 * was pushed keeps the task going. */
GST_START_TEST (test_eos)
{
  GstNpuQueue *queue = open_queue ();
  GstNpuVerdict verdict;

  fail_unless_equals_int (push (queue, make_event (gst_event_new_eos ())),
      GST_FLOW_OK);
  fail_unless_equals_int (gst_npu_queue_flow (queue), GST_FLOW_EOS);
  check_next (queue, "eos");
  verdict = settle (queue, GST_FLOW_EOS, FALSE, 0);
  fail_unless_equals_int (verdict.flow, GST_FLOW_EOS);
  fail_if (verdict.end || verdict.report);
  fail_unless_equals_int (push (queue, make_window (0)), GST_FLOW_EOS);
  fail_if (gst_npu_queue_reopen (queue, GST_FLOW_NOT_LINKED));
  fail_unless (gst_npu_queue_reopen (queue, GST_FLOW_EOS));
  fail_unless_equals_int (gst_npu_queue_flow (queue), GST_FLOW_OK);

  push (queue, make_event (gst_event_new_eos ()));
  check_next (queue, "eos");
  fail_if (gst_npu_queue_reopen (queue, GST_FLOW_EOS));
  push (queue, make_event (gst_event_new_stream_start ("next")));
  fail_unless_equals_int (settle (queue, GST_FLOW_EOS, FALSE, 0).flow,
      GST_FLOW_OK);
  check_next (queue, "stream-start");
  gst_npu_queue_free (queue);
}

GST_END_TEST;

/* Downstream has enough: what waits goes, up to what begins something new. */
GST_START_TEST (test_unwanted)
{
  GstEvent *begins[] = { gst_event_new_stream_start ("next"), make_segment (),
    gst_event_new_eos ()
  };
  const gchar *names[] = { "stream-start", "segment", "eos" };

  for (guint i = 0; i < G_N_ELEMENTS (begins); i++) {
    GstNpuQueue *queue = open_queue ();

    push (queue, make_window (0));
    push (queue, make_event (gst_event_new_gap (0, 0)));
    push (queue, make_window (1));
    push (queue, make_event (begins[i]));
    fail_unless_equals_int (settle (queue, GST_FLOW_EOS, TRUE, 0).flow,
        GST_FLOW_OK);
    fail_unless_equals_uint64 (info_of (queue).dropped, 2);
    fail_unless_equals_int (info_of (queue).n_windows, 0);
    check_next (queue, names[i]);
    fail_unless_equals_int (push (queue, make_window (2)), GST_FLOW_OK);
    gst_npu_queue_free (queue);
  }
}

GST_END_TEST;

/* The same with nothing new there: windows are refused until it comes,
 * events pass. */
GST_START_TEST (test_unwanted_refuses)
{
  GstNpuQueue *queue = open_queue ();

  push (queue, make_window (0));
  settle (queue, GST_FLOW_EOS, TRUE, 0);
  fail_unless_equals_int (gst_npu_queue_flow (queue), GST_FLOW_EOS);
  fail_unless_equals_int (push (queue, make_window (1)), GST_FLOW_EOS);
  fail_unless_equals_uint64 (info_of (queue).dropped, 2);
  fail_unless_equals_int (push (queue, make_event (gst_event_new_gap (0, 0))),
      GST_FLOW_OK);
  /* the task has not stopped for it */
  fail_if (gst_npu_queue_reopen (queue, GST_FLOW_EOS));
  fail_unless_equals_int (gst_npu_queue_flow (queue), GST_FLOW_OK);
  fail_unless_equals_int (push (queue, make_window (2)), GST_FLOW_OK);
  check_next (queue, "gap");
  check_next (queue, "2");
  gst_npu_queue_free (queue);
}

GST_END_TEST;

static const struct
{
  GstFlowReturn ret;
  gboolean posted, fatal;
} failures[] = {
  {GST_FLOW_ERROR, FALSE, TRUE}, {GST_FLOW_ERROR, TRUE, TRUE},
  {GST_FLOW_NOT_NEGOTIATED, FALSE, TRUE}, {GST_FLOW_NOT_LINKED, FALSE, TRUE},
  {GST_FLOW_FLUSHING, FALSE, FALSE},
};

/* An item fails after EOS was queued: the application hears of it from the task,
 * once, and EOS goes out with the seqnum of the one that was queued. */
GST_START_TEST (test_error_after_eos)
{
  GstNpuQueue *queue = open_queue ();
  GstEvent *eos = gst_event_new_eos ();
  GstNpuOutcome outcome = {.ret = failures[__i__].ret,.window = TRUE,
    .posted = failures[__i__].posted
  };
  GstNpuVerdict verdict;

  gst_event_set_seqnum (eos, 77);
  push (queue, make_event (eos));
  gst_npu_queue_settle (queue, &outcome, &verdict);
  fail_unless_equals_int (verdict.flow, failures[__i__].ret);
  fail_unless_equals_int (verdict.end, failures[__i__].fatal);
  fail_unless_equals_int (verdict.report, failures[__i__].fatal
      && !failures[__i__].posted);
  fail_unless_equals_int (verdict.seqnum, 77);
  fail_if (settle (queue, failures[__i__].ret, TRUE, 0).report);
  fail_unless_equals_int (push (queue, make_window (0)), failures[__i__].ret);
  gst_npu_queue_free (queue);
}

GST_END_TEST;

/* An item fails, and then EOS comes: the application hears of it from push(),
 * once. */
GST_START_TEST (test_eos_after_error)
{
  GstNpuQueue *queue = open_queue ();
  GstNpuOutcome outcome = {.ret = failures[__i__].ret,.window = TRUE,
    .posted = failures[__i__].posted
  };
  GstNpuVerdict verdict;
  GstNpuPushed pushed;

  gst_npu_queue_settle (queue, &outcome, &verdict);
  fail_if (verdict.end || verdict.report);
  fail_unless_equals_int (gst_npu_queue_push (queue,
          make_event (gst_event_new_eos ()), GST_CLOCK_TIME_NONE, &pushed),
      failures[__i__].ret);
  fail_unless_equals_int (pushed.report, failures[__i__].fatal
      && !failures[__i__].posted);
  fail_unless_equals_int (push (queue, make_event (gst_event_new_eos ())),
      failures[__i__].ret);
  gst_npu_queue_free (queue);
}

GST_END_TEST;

/* A new peer takes what was kept for it: sticky events, not EOS nor windows. */
GST_START_TEST (test_not_linked)
{
  GstNpuQueue *queue = open_queue ();
  GstNpuPushed pushed;

  push (queue, make_window (0));
  settle (queue, GST_FLOW_NOT_LINKED, TRUE, 0);
  fail_unless (gst_npu_queue_pop (queue) == NULL);
  fail_unless (gst_npu_queue_pop_window (queue) == NULL);
  fail_unless_equals_int (push (queue, make_window (1)), GST_FLOW_NOT_LINKED);
  fail_unless_equals_int (push (queue, make_event (make_segment ())),
      GST_FLOW_OK);
  fail_unless_equals_int (push (queue, make_event (gst_event_new_gap (0, 0))),
      GST_FLOW_NOT_LINKED);
  fail_if (gst_npu_queue_reopen (queue, GST_FLOW_EOS));
  fail_unless (gst_npu_queue_reopen (queue, GST_FLOW_NOT_LINKED));
  fail_if (gst_npu_queue_reopen (queue, GST_FLOW_NOT_LINKED));
  check_next (queue, "0");
  check_next (queue, "segment");
  settle (queue, GST_FLOW_NOT_LINKED, FALSE, 0);
  fail_unless_equals_int (gst_npu_queue_push (queue,
          make_event (gst_event_new_eos ()), GST_CLOCK_TIME_NONE, &pushed),
      GST_FLOW_NOT_LINKED);
  fail_unless (pushed.report);
  gst_npu_queue_free (queue);
}

GST_END_TEST;

/* The encoder comes, or never will. */
GST_START_TEST (test_ready)
{
  GstNpuQueue *queue = open_queue ();
  GThread *thread;
  GstNpuPushed pushed;

  fail_unless_equals_int (gst_npu_queue_wait_ready (queue), GST_FLOW_OK);
  gst_npu_queue_set_ready (queue, FALSE);
  thread = g_thread_new ("ready", run_wait_ready, queue);
  g_usleep (20000);             /* until it waits */
  gst_npu_queue_set_ready (queue, TRUE);
  fail_unless_equals_int (GPOINTER_TO_INT (g_thread_join (thread)),
      GST_FLOW_OK);

  gst_npu_queue_set_ready (queue, FALSE);
  thread = g_thread_new ("ready", run_wait_ready, queue);
  gst_npu_queue_fail (queue);
  fail_unless_equals_int (GPOINTER_TO_INT (g_thread_join (thread)),
      GST_FLOW_ERROR);
  fail_unless_equals_int (gst_npu_queue_push (queue,
          make_event (gst_event_new_eos ()), GST_CLOCK_TIME_NONE, &pushed),
      GST_FLOW_ERROR);
  fail_if (pushed.report);

  /* of a queue that is stopped it says nothing; who opens it does */
  gst_npu_queue_stop (queue);
  gst_npu_queue_fail (queue);
  fail_unless_equals_int (gst_npu_queue_wait_ready (queue), GST_FLOW_FLUSHING);
  gst_npu_queue_open (queue, TRUE);
  fail_unless_equals_int (push (queue, make_window (0)), GST_FLOW_ERROR);
  fail_unless_equals_int (push (queue, make_event (gst_event_new_eos ())),
      GST_FLOW_ERROR);
  gst_npu_queue_free (queue);
}

GST_END_TEST;

/* Only windows, and none from beyond an event. */
GST_START_TEST (test_pop_window)
{
  GstNpuQueue *queue = open_queue ();
  GstNpuItem *item;

  gst_npu_queue_set_max_windows (queue, 3);
  fail_unless (gst_npu_queue_pop_window (queue) == NULL);
  push (queue, make_window (0));
  push (queue, make_event (gst_event_new_gap (0, 0)));
  push (queue, make_window (1));
  item = gst_npu_queue_pop_window (queue);
  fail_unless (item != NULL && item->mel != NULL && item->first == 0);
  gst_npu_item_free (item);
  fail_unless (gst_npu_queue_pop_window (queue) == NULL);
  fail_unless_equals_int (info_of (queue).n_windows, 1);
  check_next (queue, "gap");
  item = gst_npu_queue_pop_window (queue);
  fail_unless (item != NULL && item->first == 1);
  gst_npu_item_free (item);
  fail_unless_equals_int (info_of (queue).n_windows, 0);
  gst_npu_queue_free (queue);
}

GST_END_TEST;

/* ---- Two threads, and a third that gets in their way ---- */

typedef struct
{
  GstNpuQueue *queue;
  guint32 seed;
  gint end;                     /* atomic */
  guint n_events, n_windows;    /* pushed with GST_FLOW_OK */
  guint n_refused;              /* windows */
  guint n_skipped;              /* as push() told */
} Storm;

static gpointer
run_storm_push (gpointer user)
{
  Storm *storm = user;
  GRand *random = g_rand_new_with_seed (storm->seed);

  for (guint i = 0; !g_atomic_int_get (&storm->end); i++) {
    gboolean window = g_rand_int_range (random, 0, 3) > 0;
    GstNpuItem *item = window ? make_window (i) :
        make_event (gst_event_new_gap (i, 0));
    GstNpuPushed pushed;
    GstFlowReturn ret = gst_npu_queue_push (storm->queue, item, 0, &pushed);

    storm->n_skipped += pushed.skipped.length;
    g_queue_clear_full (&pushed.skipped, g_free);
    if (ret == GST_FLOW_OK)
      *(window ? &storm->n_windows : &storm->n_events) += 1;
    else
      storm->n_refused += window;
  }
  g_rand_free (random);
  return NULL;
}

/* Pops `n` items. Numbers rise, whatever was skipped or dropped; returns how many
 * windows came. */
static guint
pop_some (Storm * storm, guint n, guint64 * last)
{
  guint n_windows = 0;

  for (guint i = 0; i < n; i++) {
    GstNpuItem *item = i % 2 ? gst_npu_queue_pop (storm->queue) :
        gst_npu_queue_pop_window (storm->queue);
    guint64 number = 0;

    if (item == NULL)
      continue;
    if (item->event != NULL)
      gst_event_parse_gap (item->event, &number, NULL);
    else
      number = item->pts / STEP;
    fail_unless (*last == G_MAXUINT64 || number > *last,
        "%" G_GUINT64_FORMAT " after %" G_GUINT64_FORMAT, number, *last);
    *last = number;
    n_windows += item->mel != NULL;
    gst_npu_item_free (item);
  }
  return n_windows;
}

/* Every window is popped, skipped, dropped or still there. */
GST_START_TEST (test_storm)
{
  GRand *random = storm_random ();
  Storm storm = {.queue = open_queue (),.seed = g_rand_int (random) };
  GThread *thread = g_thread_new ("push", run_storm_push, &storm);
  guint64 last = G_MAXUINT64;
  guint n_popped = 0;
  GstNpuQueueInfo info;

  for (guint i = 0; i < ROUNDS (2000); i++) {
    gst_npu_queue_set_max_windows (storm.queue, g_rand_int_range (random, 1,
            17));
    gst_npu_queue_set_drop (storm.queue, g_rand_boolean (random));
    gst_npu_queue_set_live (storm.queue, g_rand_boolean (random));
    n_popped += pop_some (&storm, g_rand_int_range (random, 0, 40), &last);
    if (g_rand_int_range (random, 0, 4) == 0) {
      GQueue items;

      gst_npu_queue_stop (storm.queue);
      gst_npu_queue_take_all (storm.queue, &items);
      g_queue_clear_full (&items, (GDestroyNotify) gst_npu_item_free);
      gst_npu_queue_open (storm.queue, FALSE);
    }
  }
  g_atomic_int_set (&storm.end, 1);
  gst_npu_queue_stop (storm.queue);
  g_thread_join (thread);
  info = info_of (storm.queue);
  fail_unless (n_popped > 0 && storm.n_events > 0);
  fail_unless_equals_uint64 (info.skipped, storm.n_skipped);
  fail_unless_equals_uint64 (n_popped + info.skipped + info.dropped +
      info.n_windows, storm.n_windows + storm.n_refused);
  g_rand_free (random);
  gst_npu_queue_free (storm.queue);
}

GST_END_TEST;

/* Nothing lost, nothing twice, in order: no bound is ever passed. */
GST_START_TEST (test_two_threads)
{
  const guint n = ROUNDS (20000);
  GstNpuQueue *queue = open_queue ();
  Pusher pusher;

  start_windows (&pusher, queue, n);
  for (guint i = 0; i < n; i++) {
    GstNpuItem *item = gst_npu_queue_pop (queue);

    fail_unless (item != NULL && item->mel != NULL);
    fail_unless_equals_uint64 (item->first, i);
    gst_npu_item_free (item);
    settle (queue, GST_FLOW_OK, TRUE, 0);
  }
  g_thread_join (pusher.thread);
  fail_unless_equals_int (pusher.ret, GST_FLOW_OK);
  fail_unless_equals_int (pusher.n_told, 0);
  fail_unless (info_of (queue).queued_max <= GST_NPU_DEFAULT_MAX_WINDOWS);
  gst_npu_queue_free (queue);
}

GST_END_TEST;

static Suite *
queue_suite (void)
{
  Suite *s = suite_create ("queue");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  watch_leaks (tc);
  tcase_add_loop_test (tc, test_bound, 0, G_N_ELEMENTS (bounds));
  tcase_add_test (tc, test_bound_of_items);
  tcase_add_test (tc, test_skip);
  tcase_add_test (tc, test_skip_places);
  tcase_add_test (tc, test_skip_unknown);
  tcase_add_loop_test (tc, test_skip_needs_both, 0, 2);
  tcase_add_test (tc, test_stop);
  tcase_add_test (tc, test_eos);
  tcase_add_test (tc, test_unwanted);
  tcase_add_test (tc, test_unwanted_refuses);
  tcase_add_loop_test (tc, test_error_after_eos, 0, G_N_ELEMENTS (failures));
  tcase_add_loop_test (tc, test_eos_after_error, 0, G_N_ELEMENTS (failures));
  tcase_add_test (tc, test_not_linked);
  tcase_add_test (tc, test_ready);
  tcase_add_test (tc, test_pop_window);
  tcase_add_test (tc, test_two_threads);
  tcase_add_test (tc, test_storm);
  return s;
}

GST_CHECK_MAIN (queue);
