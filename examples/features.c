/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whisper features in an application: decode any audio file, read every window's features.
 *     features FILE [START]
 * START, in seconds, is where to begin. Needs GStreamer only:
 *     cc features.c $(pkg-config --cflags --libs gstreamer-app-1.0) -lm */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A file without audio is an error when decodebin may give nothing else, and none of its pictures
 * are decoded. Plain decodebin would let such a file end in silence, or not at all. */
#define PIPELINE                                                               \
    "filesrc name=file ! decodebin caps=audio/x-raw expose-all-streams=false " \
    "! whispernpu ! appsink name=out sync=false max-buffers=2"

/* The caps say dimensions=D:1500, innermost first: 1500 positions of D floats each. */
static gboolean read_shape(GstCaps *caps, unsigned *channels, unsigned *positions)
{
    const char *text = gst_structure_get_string(gst_caps_get_structure(caps, 0), "dimensions");
    return text && sscanf(text, "%u:%u", channels, positions) == 2;
}

/* One window. The buffer's time stamp is that of the window's first sample; its duration is that of
 * the audio in it, so positions past duration / 20 ms are padding. */
static gboolean use_window(GstSample *sample)
{
    GstBuffer *buffer = gst_sample_get_buffer(sample);
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
           (double)GST_BUFFER_PTS(buffer) / GST_SECOND,
           (double)GST_BUFFER_DURATION(buffer) / GST_SECOND, positions, channels,
           sqrt(squares / ((double)channels * positions)));
    gst_buffer_unmap(buffer, &map);
    return whole;
}

/* The next window, or NULL at the end of the stream or after an error; *well tells which. An error
 * message comes on the bus, with or without an end of stream at the sink after it: look at both. */
static GstSample *next_window(GstElement *pipeline, GstAppSink *out, gboolean *well)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message;
    GstSample *sample = NULL;
    gboolean ended;
    do {
        ended = gst_app_sink_is_eos(out);
        message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
        if (!ended && !message)
            sample = gst_app_sink_try_pull_sample(out, GST_SECOND / 10);
    } while (!sample && !ended && !message);
    gst_object_unref(bus);
    *well = message == NULL;
    if (message) {
        GError *error = NULL;
        gst_message_parse_error(message, &error, NULL);
        fprintf(stderr, "%s: %s\n", GST_OBJECT_NAME(message->src), error->message);
        g_error_free(error);
        gst_message_unref(message);
    }
    return sample;
}

/* Begin in the middle. Who seeks must wait until the pipeline knows its file: paused, with data at
 * the sink. Without ACCURATE the first window would begin where the decoder likes best. An error
 * is left to next_window. */
static void seek(GstElement *pipeline, double start)
{
    gst_element_set_state(pipeline, GST_STATE_PAUSED);
    if (gst_element_get_state(pipeline, NULL, NULL, GST_CLOCK_TIME_NONE) ==
            GST_STATE_CHANGE_SUCCESS &&
        !gst_element_seek_simple(pipeline, GST_FORMAT_TIME,
                                 GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE,
                                 (gint64)(start * GST_SECOND)))
        GST_ELEMENT_ERROR(pipeline, STREAM, FAILED, ("Cannot seek in this file."), (NULL));
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
    GError *error = NULL;
    GstElement *pipeline = gst_parse_launch(PIPELINE, &error);
    if (error) { /* no plugin, say */
        fprintf(stderr, "%s\n", error->message);
        g_error_free(error);
        return 1;
    }
    GstElement *file = gst_bin_get_by_name(GST_BIN(pipeline), "file");
    GstElement *out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    g_object_set(file, "location", argv[1], NULL);
    if (start > 0)
        seek(pipeline, start);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);

    gboolean well = TRUE;
    GstSample *sample;
    while (well && (sample = next_window(pipeline, GST_APP_SINK(out), &well))) {
        well = use_window(sample);
        gst_sample_unref(sample);
    }
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(file);
    gst_object_unref(out);
    gst_object_unref(pipeline);
    return well ? 0 : 1;
}
