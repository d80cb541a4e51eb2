/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_GST_STORM_H
#define TESTS_GST_STORM_H
/* What the storms share: how often, by which random numbers, and how long an
 * answer may take. */

#include <time.h>

#include <gst/check/gstcheck.h>

#include "tests/sanitizer.h"

/* Of a storm's rounds, a tenth where a sanitizer slows everything down. */
#define ROUNDS(n) (IN_SANITIZER ? ((n) + 9) / 10 : (n))

/* (transfer full) WHISPERNPU_TEST_SEED repeats what a log tells of. */
static GRand *
storm_random (void)
{
  const gchar *text = g_getenv ("WHISPERNPU_TEST_SEED");
  guint32 seed = text != NULL ? (guint32) g_ascii_strtoull (text, NULL, 10) :
      g_random_int ();

  g_printerr ("WHISPERNPU_TEST_SEED=%u\n", seed);
  return g_rand_new_with_seed (seed);
}

/* How long answers took, in microseconds. */
typedef struct
{
  gint64 limit;
  gint64 wall, cpu;             /* when the present one began */
  gint ticks;
  guint n, n_late;
  gint64 longest_wall, longest_cpu;
} StormTimes;

/* Of all threads of this process. */
static gint64
storm_cpu_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static gint storm_ticks;        /* atomic */

static gpointer
tick (gpointer user)
{
  for (;;) {
    g_usleep (1000);
    g_atomic_int_inc (&storm_ticks);
  }
  return NULL;
}

/* A clock of a millisecond and more: it stands still while this machine has no
 * time for this process. */
static gint
storm_get_ticks (void)
{
  static gsize started;

  if (g_once_init_enter (&started)) {
    g_thread_unref (g_thread_new ("ticks", tick, NULL));
    g_once_init_leave (&started, 1);
  }
  return g_atomic_int_get (&storm_ticks);
}

static void
storm_time_begin (StormTimes * times)
{
  times->ticks = storm_get_ticks ();
  times->wall = g_get_monotonic_time ();
  times->cpu = storm_cpu_time ();
}

/* Others may be busy on this machine: late is what took longer than the limit,
 * with as much work of this process in it, or ten times as many ticks. */
static void
storm_time_end (StormTimes * times)
{
  gint64 wall = g_get_monotonic_time () - times->wall;
  gint64 cpu = storm_cpu_time () - times->cpu;
  gint64 idle = (gint64) (storm_get_ticks () - times->ticks) * 1000;

  times->n++;
  times->n_late += MIN (wall, cpu) > times->limit || idle > 10 * times->limit;
  times->longest_wall = MAX (times->longest_wall, wall);
  times->longest_cpu = MAX (times->longest_cpu, cpu);
}

static void
storm_time_check (const StormTimes * times, const gchar * what)
{
  g_printerr ("%s: %u times, %u late, at most %" G_GINT64_FORMAT " us, work %"
      G_GINT64_FORMAT " us\n", what, times->n, times->n_late,
      times->longest_wall, times->longest_cpu);
  fail_unless (IN_SANITIZER || times->n_late == 0, "%s: %u of %u times took "
      "more than %" G_GINT64_FORMAT " us", what, times->n_late, times->n,
      times->limit);
}

#endif /* TESTS_GST_STORM_H */
