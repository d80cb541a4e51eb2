/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whisper features in an application: decode any audio file, read every window's features.
 *     features FILE [START]
 * START: where to begin, in seconds. Exit status: 0 windows came, 1 none or not all, and a sentence
 * on stderr says why. Needs GStreamer only:
 *     cc features.c recording.c $(pkg-config --cflags --libs gstreamer-app-1.0 \
 *         gstreamer-pbutils-1.0) -lm */
#include "recording.h"
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/pbutils/pbutils.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* decodebin may only give audio: then a file without audio is an error, and no pictures are
 * decoded. Plain decodebin would let such a file end silently, or not at all. */
#define PIPELINE                                                                            \
    "filesrc name=file ! decodebin name=decoder caps=audio/x-raw expose-all-streams=false " \
    "whispernpu name=whisper ! appsink name=out sync=false max-buffers=2"

struct source {
    const char *path;
    double start; /* s */
    GstElement *pipeline, *decoder, *whisper;
    GstAppSink *out;
    GstBus *bus;
    struct recording_watch watch;
    char *missing; /* the audio format that no plugin decodes, or NULL */
};

/* ---- The audio of a file ---- */

/* Links the first pad, one of which comes for each track of audio. A chained Ogg (several files one
 * after another) changes its pads where the next file begins; "!" would link only once. */
static void link_audio(GstElement *decoder, GstPad *pad, GstElement *whisper)
{
    GstPad *sink = gst_element_get_static_pad(whisper, "sink");
    if (!gst_pad_is_linked(sink) && GST_PAD_LINK_FAILED(gst_pad_link(pad, sink)))
        GST_ELEMENT_ERROR(decoder, STREAM, FORMAT, ("Its audio cannot be taken."), (NULL));
    gst_object_unref(sink);
}

/* FALSE: it has printed a sentence to stderr. */
static gboolean open_source(struct source *source)
{
    GError *error = NULL;
    const char *refused = recording_refuse(source->path);
    if (refused) {
        fprintf(stderr, "%s: %s\n", source->path, refused);
        return FALSE;
    }
    source->pipeline = gst_parse_launch(PIPELINE, &error);
    if (error) { /* such as a missing plugin */
        fprintf(stderr, "%s\n", error->message);
        g_error_free(error);
        return FALSE;
    }
    GstElement *file = gst_bin_get_by_name(GST_BIN(source->pipeline), "file");
    source->whisper = gst_bin_get_by_name(GST_BIN(source->pipeline), "whisper");
    source->decoder = gst_bin_get_by_name(GST_BIN(source->pipeline), "decoder");
    source->out = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(source->pipeline), "out"));
    source->bus = gst_element_get_bus(source->pipeline);
    g_object_set(file, "location", source->path, NULL);
    g_signal_connect(source->decoder, "pad-added", G_CALLBACK(link_audio), source->whisper);
    recording_watch_open(&source->watch, source->pipeline, source->whisper);
    gst_object_unref(file);
    return TRUE;
}

static void close_source(struct source *source)
{
    if (source->pipeline)
        recording_watch_close(&source->watch, source->pipeline);
    g_clear_object(&source->bus);
    g_clear_object(&source->out);
    g_clear_object(&source->decoder);
    g_clear_object(&source->whisper);
    g_clear_object(&source->pipeline);
    g_free(source->missing);
}

/* A plugin is missing; for pictures or subtitles that does not matter. */
static void note_missing(struct source *source, GstMessage *message)
{
    const GstPbUtilsCapsDescriptionFlags seen = GST_PBUTILS_CAPS_DESCRIPTION_FLAG_VIDEO |
                                                GST_PBUTILS_CAPS_DESCRIPTION_FLAG_IMAGE |
                                                GST_PBUTILS_CAPS_DESCRIPTION_FLAG_SUBTITLE,
                                         heard = GST_PBUTILS_CAPS_DESCRIPTION_FLAG_AUDIO |
                                                 GST_PBUTILS_CAPS_DESCRIPTION_FLAG_CONTAINER;
    GstCaps *caps = NULL;
    GstPbUtilsCapsDescriptionFlags flags = 0;
    if (gst_structure_get(gst_message_get_structure(message), "detail", GST_TYPE_CAPS, &caps, NULL))
        flags = gst_pb_utils_get_caps_description_flags(caps);
    gst_clear_caps(&caps);
    if ((flags & seen) && !(flags & heard))
        return;
    g_free(source->missing);
    source->missing = gst_missing_plugin_message_get_description(message);
}

/* An error of decodebin itself means that the file gave no audio. */
static void report_error(const struct source *source, GstMessage *message)
{
    GError *error = NULL;
    gst_message_parse_error(message, &error, NULL);
    gboolean none = GST_MESSAGE_SRC(message) == GST_OBJECT(source->decoder) &&
                    (g_error_matches(error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN) ||
                     g_error_matches(error, GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND) ||
                     g_error_matches(error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED));
    if (none && source->missing)
        fprintf(stderr, "%s: no GStreamer plugin that is installed decodes it: %s\n", source->path,
                source->missing);
    else if (none)
        fprintf(stderr, "%s: there is no audio in it\n", source->path);
    else
        fprintf(stderr, "%s: %s (%s)\n", source->path, error->message,
                GST_MESSAGE_SRC_NAME(message));
    g_error_free(error);
}

/* ---- Its windows ---- */

/* The caps say dimensions=D:1500, innermost first: 1500 positions of D floats each. */
static gboolean read_shape(GstCaps *caps, unsigned *channels, unsigned *positions)
{
    const char *text = gst_structure_get_string(gst_caps_get_structure(caps, 0), "dimensions");
    return text && sscanf(text, "%u:%u", channels, positions) == 2;
}

/* One window. The buffer's time stamp is that of the window's first sample, and the segment tells
 * where in the file that is; its duration is that of the audio in it, so positions past
 * duration / 20 ms are padding. */
static gboolean use_window(GstSample *sample)
{
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    GstClockTime time = gst_segment_to_stream_time(gst_sample_get_segment(sample), GST_FORMAT_TIME,
                                                   GST_BUFFER_PTS(buffer));
    unsigned channels = 0, positions = 0;
    GstMapInfo map;
    if (!read_shape(gst_sample_get_caps(sample), &channels, &positions) ||
        !gst_buffer_map(buffer, &map, GST_MAP_READ))
        return FALSE;
    gboolean whole = map.size == sizeof(float) * channels * positions;
    const float *features = (const float *)map.data; /* [positions][channels], row-major */
    double squares = 0;
    for (size_t i = 0; whole && i < (size_t)channels * positions; i++)
        squares += (double)features[i] * features[i];
    printf("window at %6.2f s, %5.2f s of audio: %u positions x %u channels, rms %.4f\n",
           (double)time / GST_SECOND, (double)GST_BUFFER_DURATION(buffer) / GST_SECOND, positions,
           channels, sqrt(squares / ((double)channels * positions)));
    gst_buffer_unmap(buffer, &map);
    return whole;
}

/* The next window, or NULL at the end of the stream or after an error; *well is FALSE after an
 * error. An error comes on the bus, with or without an end of stream at the sink: check both. */
static GstSample *next_window(struct source *source, gboolean *well)
{
    GstSample *sample = NULL;
    gboolean ended = FALSE;
    *well = TRUE;
    while (!sample && !ended && *well) {
        GstMessage *message;
        ended = gst_app_sink_is_eos(source->out);
        while (*well && (message = gst_bus_pop_filtered(
                             source->bus, GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT)) != NULL) {
            if (gst_is_missing_plugin_message(message))
                note_missing(source, message);
            *well = GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR;
            if (!*well)
                report_error(source, message);
            gst_message_unref(message);
        }
        if (!ended && *well)
            sample = gst_app_sink_try_pull_sample(source->out,
                                                  (GstClockTime)(RECORDING_CHECK * GST_SECOND));
        if (!ended && *well && !sample && recording_is_stuck(&source->watch)) {
            fprintf(stderr, "%s: GStreamer finds no audio in it and does not end\n", source->path);
            *well = FALSE;
        }
    }
    return sample;
}

/* A GCompareFunc: any element is the one. */
static gint take_first(gconstpointer element, gconstpointer unused)
{
    (void)element, (void)unused;
    return 0;
}

/* Whether the paused file is a chained Ogg: its segment, which has reached the sink, is only a part
 * of it. GStreamer 1.22 may never end such a file after a seek. The decoder changes its elements
 * meanwhile, at the next link of the chain, so gst_iterator_next() alone could find none. */
static gboolean is_chained(const struct source *source)
{
    GstIterator *demuxers =
        gst_bin_iterate_all_by_element_factory_name(GST_BIN(source->decoder), "oggdemux");
    GstPad *sink = gst_element_get_static_pad(GST_ELEMENT(source->out), "sink");
    GstEvent *event = gst_pad_get_sticky_event(sink, GST_EVENT_SEGMENT, 0);
    const GstSegment *segment = NULL;
    GValue demuxer = G_VALUE_INIT;
    gboolean ogg = gst_iterator_find_custom(demuxers, take_first, &demuxer, NULL);
    if (ogg)
        g_value_unset(&demuxer);
    if (event)
        gst_event_parse_segment(event, &segment);
    gboolean part = segment && (segment->time > 0 || (GST_CLOCK_TIME_IS_VALID(segment->duration) &&
                                                      segment->duration > segment->stop));
    gst_clear_event(&event);
    gst_object_unref(sink);
    gst_iterator_free(demuxers);
    return ogg && part;
}

/* Begin in the middle. Before a seek the pipeline must know its file: paused, with data at the
 * sink. Without ACCURATE the decoder would choose where the first window begins. next_window
 * reports errors. */
static void seek(struct source *source)
{
    GstStateChangeReturn paused = gst_element_set_state(source->pipeline, GST_STATE_PAUSED);
    while (paused == GST_STATE_CHANGE_ASYNC && !recording_is_stuck(&source->watch))
        paused = gst_element_get_state(source->pipeline, NULL, NULL,
                                       (GstClockTime)(RECORDING_CHECK * GST_SECOND));
    if (paused != GST_STATE_CHANGE_SUCCESS)
        return;
    if (is_chained(source))
        GST_ELEMENT_ERROR(source->pipeline, STREAM, WRONG_TYPE,
                          ("Several files joined into one (chained Ogg): read it from its start."),
                          (NULL));
    else if (!gst_element_seek_simple(source->pipeline, GST_FORMAT_TIME,
                                      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE,
                                      (gint64)(source->start * GST_SECOND)))
        GST_ELEMENT_ERROR(source->pipeline, STREAM, FAILED, ("Cannot seek in this file."), (NULL));
}

/* All windows; FALSE: it has printed a sentence to stderr. */
static gboolean read_windows(struct source *source)
{
    unsigned n = 0;
    gboolean well = TRUE;
    GstSample *sample;
    if (source->start > 0)
        seek(source);
    gst_element_set_state(source->pipeline, GST_STATE_PLAYING);
    while (well && (sample = next_window(source, &well))) {
        well = use_window(sample);
        if (!well)
            fprintf(stderr, "%s: a window cannot be read\n", source->path);
        gst_sample_unref(sample);
        n++;
    }
    if (!well || n > 0)
        return well;
    if (source->start > 0)
        fprintf(stderr, "%s: there is no audio in it from %g s on\n", source->path, source->start);
    else
        fprintf(stderr, "%s: there is no audio in it\n", source->path);
    return FALSE;
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    char *rest = argc == 3 ? argv[2] : NULL;
    double start = argc == 3 ? g_ascii_strtod(argv[2], &rest) : 0;
    if (argc < 2 || argc > 3 || (rest && (rest == argv[2] || *rest)) ||
        !(start >= 0 && start < 1e9)) {
        fprintf(stderr, "usage: %s FILE [START]\n", argv[0]);
        return 2;
    }
    struct source source = {.path = argv[1], .start = start};
    gboolean well = open_source(&source) && read_windows(&source);
    close_source(&source);
    return well ? 0 : 1;
}
