/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_GST_LEAKS_H
#define TESTS_GST_LEAKS_H
/* After every test of a program: none of its objects is left, says GStreamer's
 * leaks tracer, which the build starts for all of them (GST_TRACERS=leaks). A
 * test that leaks fails, and it alone. */

#include <gst/check/gstcheck.h>

/* (transfer full) NULL where a program was started without it. */
static GstTracer *
find_leaks_tracer (void)
{
  GList *tracers = gst_tracing_get_active_tracers ();
  GstTracer *found = NULL;

  for (GList * at = tracers; at != NULL; at = at->next)
    if (g_str_equal (G_OBJECT_TYPE_NAME (at->data), "GstLeaksTracer"))
      found = gst_object_ref (at->data);
  g_list_free_full (tracers, gst_object_unref);
  return found;
}

/* How many objects are alive; `text` names them. */
static guint
count_live_objects (GstTracer * tracer, GString * text)
{
  GstStructure *info = NULL;
  const GValue *list;
  guint n;

  g_string_truncate (text, 0);
  g_signal_emit_by_name (tracer, "get-live-objects", &info);
  list = gst_structure_get_value (info, "live-objects-list");
  n = gst_value_list_get_size (list);
  for (guint i = 0; i < n; i++) {
    const GstStructure *object =
        gst_value_get_structure (gst_value_list_get_value (list, i));
    const GValue *value = gst_structure_get_value (object, "object");
    gchar *name = g_strdup_value_contents (value);

    g_string_append_printf (text, "%s\n", name);
    g_free (name);
    /* the structure drops references that are not its own */
    if (G_VALUE_HOLDS_OBJECT (value))
      g_object_ref (g_value_get_object (value));
    else if (G_VALUE_HOLDS_BOXED (value))
      gst_mini_object_ref (g_value_get_boxed (value));
  }
  gst_structure_free (info);
  return n;
}

/* Objects that were there when the present test began: a test that failed leaves
 * its own where all run in one process (CK_FORK=no). */
static guint n_left_before;

static void
remember_left (void)
{
  GstTracer *tracer = find_leaks_tracer ();
  GString *text = g_string_new (NULL);

  n_left_before = tracer != NULL ? count_live_objects (tracer, text) : 0;
  if (n_left_before > 0)
    g_printerr ("%u objects are left by a test that failed before: leaks are "
        "not looked for\n", n_left_before);
  g_string_free (text, TRUE);
  g_clear_pointer (&tracer, gst_object_unref);
}

/* A thread that was stopped may drop its last reference a little later. */
static void
check_leaks (void)
{
  GstTracer *tracer = find_leaks_tracer ();
  GString *text = g_string_new (NULL);
  guint n = 0;

  if (n_left_before > 0)
    g_clear_pointer (&tracer, gst_object_unref);
  for (guint i = 0; tracer != NULL && i < 200; i++) {
    n = count_live_objects (tracer, text);
    if (n == 0)
      break;
    g_usleep (10000);
  }
  fail_unless (n == 0, "%u objects are left:\n%s", n, text->str);
  g_string_free (text, TRUE);
  g_clear_pointer (&tracer, gst_object_unref);
}

static void
watch_leaks (TCase * tc)
{
  tcase_add_checked_fixture (tc, remember_left, check_leaks);
}

#endif /* TESTS_GST_LEAKS_H */
