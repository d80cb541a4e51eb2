/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recording.h"
#include <stdlib.h>
#include <string.h>

#define PATIENCE "30" /* s */

/* ---- Files joined into one ---- */

/* Offset of the next `what` in data[at..size), or `size`. */
static gsize find(const char *data, gsize at, gsize size, const char *what, gsize n)
{
    while (at < size && size - at >= n) {
        const char *found = memchr(data + at, what[0], size - at - n + 1);
        if (!found)
            break;
        at = (gsize)(found - data);
        if (memcmp(found, what, n) == 0)
            return at;
        at++;
    }
    return size;
}

/* Each stream of an Ogg file begins with a page that says so (RFC 3533: "OggS", version 0, flags
 * with 2 for a beginning, 8 bytes, the serial number). GStreamer takes pages of one number for one
 * stream. */
static gboolean has_serial_twice(const char *data, gsize size)
{
    GHashTable *serials = g_hash_table_new(NULL, NULL);
    gboolean twice = FALSE;
    for (gsize at = find(data, 0, size, "OggS", 5); !twice && size - at >= 18;
         at = find(data, at + 5, size, "OggS", 5))
        if (data[at + 5] & 2) {
            guint32 serial;
            memcpy(&serial, data + at + 14, sizeof(serial));
            twice = !g_hash_table_add(serials, GUINT_TO_POINTER(serial));
        }
    g_hash_table_destroy(serials);
    return twice;
}

/* FLAC begins with "fLaC" and STREAMINFO (RFC 9639): block type 0, 0x80 if it is the last, 34
 * bytes. */
static gboolean has_flac_twice(const char *data, gsize size)
{
    unsigned n = 0;
    for (gsize at = find(data, 0, size, "fLaC", 4); n < 2 && size - at >= 8;
         at = find(data, at + 4, size, "fLaC", 4))
        n += (data[at + 4] & 0x7f) == 0 && memcmp(data + at + 5, "\0\0\x22", 3) == 0;
    return n == 2;
}

const char *recording_refuse(const char *path)
{
    const char *why = NULL;
    GMappedFile *file = NULL;
    if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
        file = g_mapped_file_new(path, FALSE, NULL);
    if (!file) /* filesrc says what is wrong, or reads a pipe */
        return NULL;
    const char *data = g_mapped_file_get_contents(file);
    gsize size = g_mapped_file_get_length(file);
    if (size >= 4 && memcmp(data, "OggS", 4) == 0 && has_serial_twice(data, size))
        why =
            "several Ogg files joined into one with the same serial number, which GStreamer takes "
            "for one stream: read the parts one by one, or what \"ffmpeg -i FILE OUT.wav\" writes";
    else if (size >= 4 && (memcmp(data, "fLaC", 4) == 0 || memcmp(data, "ID3", 3) == 0) &&
             has_flac_twice(data, size))
        why = "several FLAC files joined into one, which GStreamer takes for one stream: read the "
              "parts one by one";
    g_mapped_file_unref(file);
    return why;
}

/* ---- A file that gives no data ---- */

static GstPadProbeReturn note_data(GstPad *pad, GstPadProbeInfo *info, gpointer moved)
{
    (void)pad;
    (void)info;
    g_atomic_int_set((int *)moved, 1);
    return GST_PAD_PROBE_OK;
}

void recording_watch_open(struct recording_watch *watch, GstElement *pipeline, GstElement *audio)
{
    const char *patience = g_getenv("WHISPERNPU_TEST_PATIENCE"); /* s */
    GstElement *file = gst_bin_get_by_name(GST_BIN(pipeline), "file");
    watch->file = gst_element_get_static_pad(file, "src");
    watch->audio = gst_element_get_static_pad(audio, "sink");
    watch->moved = g_new0(int, 1);
    watch->limit = (int)(atoi(patience ? patience : PATIENCE) / RECORDING_CHECK);
    gst_pad_add_probe(watch->file, GST_PAD_PROBE_TYPE_BUFFER, note_data, watch->moved, g_free);
    gst_object_unref(file);
}

/* Counts checks, not seconds: a program that was stopped, or waited for a CPU, has not waited
 * for data. Once the audio is found, the encoder may hold the file back for as long as it likes. */
gboolean recording_is_stuck(struct recording_watch *watch)
{
    if (g_atomic_int_exchange(watch->moved, 0) || gst_pad_is_linked(watch->audio))
        watch->idle = 0;
    else
        watch->stuck |= ++watch->idle >= watch->limit;
    return watch->stuck;
}

static void stop(GstElement *pipeline, gpointer unused)
{
    (void)unused;
    gst_element_set_state(pipeline, GST_STATE_NULL);
}

void recording_watch_close(struct recording_watch *watch, GstElement *pipeline)
{
    if (watch->stuck)
        gst_element_call_async(pipeline, stop, NULL, NULL);
    else
        stop(pipeline, NULL);
    g_clear_object(&watch->file);
    g_clear_object(&watch->audio);
}
