/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two streaming threads count: "locked" under a GMutex, which ThreadSanitizer must accept with
 * tests/tsan/glib.c loaded; "racing" without one, which it must still report. */
#include <gst/gst.h>
#include <string.h>

struct tally {
    GMutex lock;
    gboolean locked;
    gulong count;
};

static void count_up(gpointer data)
{
    struct tally *tally = data;
    for (int i = 0; i < 1000; i++) {
        if (tally->locked)
            g_mutex_lock(&tally->lock);
        tally->count++;
        if (tally->locked)
            g_mutex_unlock(&tally->lock);
    }
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    struct tally tally = {.locked = argc > 1 && strcmp(argv[1], "locked") == 0};
    GRecMutex locks[2];
    GstTask *tasks[2];
    g_mutex_init(&tally.lock);
    for (int i = 0; i < 2; i++) {
        g_rec_mutex_init(&locks[i]);
        tasks[i] = gst_task_new(count_up, &tally, NULL);
        gst_task_set_lock(tasks[i], &locks[i]);
        gst_task_start(tasks[i]);
    }
    g_usleep(100000);
    for (int i = 0; i < 2; i++) {
        gst_task_join(tasks[i]);
        gst_object_unref(tasks[i]);
        g_rec_mutex_clear(&locks[i]);
    }
    g_print("counted %lu\n", tally.count);
    g_mutex_clear(&tally.lock);
    return tally.count > 0 ? 0 : 1;
}
