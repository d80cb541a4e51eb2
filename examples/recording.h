/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef EXAMPLES_RECORDING_H
#define EXAMPLES_RECORDING_H
/* A file that a pipeline reads: whether GStreamer can read all of it, and whether it still does. */
#include <gst/gst.h>

/* Why a file is refused before it is played, a sentence; NULL: it is not refused. Refuses joined
 * files that GStreamer would read in part, or with wrong times, without an error. */
const char *recording_refuse(const char *path);

/* Belongs to the thread that waits for the pipeline. */
struct recording_watch {
    GstPad *file, *audio; /* where data come from, and where the audio in them goes */
    int *moved;           /* atomic, the probe's at `file`: data came since the last check */
    int idle, limit;      /* checks without data, and how many are too many */
    gboolean stuck;
};

/* How long, in s, the thread waits between two checks. */
#define RECORDING_CHECK 0.1

/* Watch the element "file" of a pipeline whose decoded audio goes to the element `audio`. */
void recording_watch_open(struct recording_watch *watch, GstElement *pipeline, GstElement *audio);

/* TRUE, and stays TRUE, when 30 s of checks saw no data from the file and its audio is not found.
 * */
gboolean recording_is_stuck(struct recording_watch *watch);

/* Stop the pipeline; if it is stuck, in another thread, which may take for ever. */
void recording_watch_close(struct recording_watch *watch, GstElement *pipeline);

#endif
