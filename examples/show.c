/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows what whispernpu does with audio files: where and how fast it ran, and a picture.
 *     show [-o FOLDER] FILE...
 * For each file one pipeline decodes it into the element and also into this program, which computes
 * the picture's log-mel with the core's own front end. */
#include "examples/picture.h"
#include "examples/recording.h"
#include "npu/npu.h"
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/pbutils/pbutils.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIPELINE                                                                            \
    "filesrc name=file ! decodebin name=decoder caps=audio/x-raw expose-all-streams=false " \
    "tee name=both "                                                                        \
    "both. ! queue ! whispernpu name=whisper ! appsink name=out sync=false max-buffers=2 "  \
    "both. ! queue ! audioconvert ! audioresample "                                         \
    "! audio/x-raw,format=F32LE,rate=16000,channels=1 "                                     \
    "! appsink name=pcm sync=false async=false emit-signals=true"

#define POSITION_SAMPLES (NPU_WINDOW_SAMPLES / NPU_WINDOW_POSITIONS)

/* The current file. The mel side belongs to the streaming thread of the sink "pcm" until the end of
 * the stream, to the main thread afterwards. */
struct show {
    GstElement *pipeline, *whisper, *decoder;
    GstAppSink *out;
    GstElement *pcm;
    const char *path;
    struct recording_watch watch;
    struct npu_mel *mel;
    unsigned n_mels;
    float *mel_window; /* [NPU_WINDOW_FRAMES][n_mels] */
    struct picture_strip mel_strip, features_strip;
    unsigned channels, positions; /* of the features, from the caps */
    unsigned windows, padded;
    double end;     /* s, where the audio of the last window ends */
    gchar *missing; /* the audio format that no plugin decodes, or NULL */
};

struct totals {
    unsigned files, failed, windows;
    double audio, encode; /* s */
};

static bool complain(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    return false;
}

/* ---- The log-mel beside the element ---- */

static void add_mel_windows(struct show *show)
{
    struct npu_mel_window window;
    while (npu_mel_take(show->mel, show->mel_window, &window) == 0) {
        unsigned positions = (window.n_samples + POSITION_SAMPLES - 1) / POSITION_SAMPLES;
        for (unsigned p = 0; p < positions; p++) {
            float column[128], *frames = show->mel_window + (size_t)2 * p * show->n_mels;
            for (unsigned m = 0; m < show->n_mels; m++)
                column[m] = 0.5f * (frames[m] + frames[show->n_mels + m]);
            picture_strip_add(&show->mel_strip, column);
        }
    }
}

static GstFlowReturn on_pcm(GstAppSink *sink, struct show *show)
{
    GstSample *sample = gst_app_sink_pull_sample(sink);
    GstMapInfo map;
    if (!sample)
        return GST_FLOW_EOS;
    if (gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ)) {
        const float *samples = (const float *)map.data;
        for (size_t n = map.size / sizeof(float), done; n > 0; samples += done, n -= done) {
            done = npu_mel_push(show->mel, samples, n);
            add_mel_windows(show);
        }
        gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
    }
    gst_sample_unref(sample);
    return GST_FLOW_OK;
}

/* ---- The features ---- */

static void show_progress(const struct show *show, bool last)
{
    gint64 duration = 0;
    bool terminal = isatty(STDERR_FILENO);
    if (show->windows < 2 || (!terminal && !last && show->windows % 10 != 0))
        return;
    fprintf(stderr, "%s%s: %.0f s", terminal ? "\r" : "", show->path, show->end);
    if (gst_element_query_duration(show->pipeline, GST_FORMAT_TIME, &duration) && duration > 0)
        fprintf(stderr, " of %.0f s", (double)duration / GST_SECOND);
    fputs(!terminal || last ? "\n" : "  ", stderr);
}

static bool add_features(struct show *show, GstSample *sample)
{
    GstStructure *caps = gst_caps_get_structure(gst_sample_get_caps(sample), 0);
    const char *shape = gst_structure_get_string(caps, "dimensions");
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    GstMapInfo map;
    if (!shape || sscanf(shape, "%u:%u", &show->channels, &show->positions) != 2)
        return complain(show->path, "the features have no known shape");
    if (!show->features_strip.data && !picture_strip_open(&show->features_strip, show->channels))
        return complain(show->path, "out of memory");
    if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
        return complain(show->path, "the features cannot be read");
    bool whole = map.size == sizeof(float) * show->channels * show->positions;
    double seconds = (double)GST_BUFFER_DURATION(buffer) / GST_SECOND;
    /* Only positions that hold audio; the last window is padded. */
    unsigned real = (unsigned)(seconds * NPU_SAMPLE_RATE / POSITION_SAMPLES + 0.999);
    for (unsigned p = 0; whole && p < real && p < show->positions; p++)
        picture_strip_add(&show->features_strip,
                          (const float *)map.data + (size_t)p * show->channels);
    gst_buffer_unmap(buffer, &map);
    show->windows++;
    show->padded += real < show->positions;
    show->end = (double)gst_segment_to_stream_time(gst_sample_get_segment(sample), GST_FORMAT_TIME,
                                                   GST_BUFFER_PTS(buffer)) /
                    GST_SECOND +
                seconds;
    return whole || complain(show->path, "the features are not of the size that the caps say");
}

/* ---- A file ---- */

/* Links the first pad, one of which comes for each track of audio. A chained Ogg changes its pads
 * where the next file in it begins. */
static void link_audio(GstElement *decoder, GstPad *pad, GstElement *both)
{
    GstPad *sink = gst_element_get_static_pad(both, "sink");
    if (!gst_pad_is_linked(sink) && GST_PAD_LINK_FAILED(gst_pad_link(pad, sink)))
        GST_ELEMENT_ERROR(decoder, STREAM, FORMAT, ("its audio cannot be taken"), (NULL));
    gst_object_unref(sink);
}

/* A plugin is missing; for pictures or subtitles that does not matter. */
static void note_missing(struct show *show, GstMessage *message)
{
    GstCaps *caps = NULL;
    GstPbUtilsCapsDescriptionFlags flags = 0;
    if (gst_structure_get(gst_message_get_structure(message), "detail", GST_TYPE_CAPS, &caps, NULL))
        flags = gst_pb_utils_get_caps_description_flags(caps);
    gst_clear_caps(&caps);
    bool seen =
        flags & (GST_PBUTILS_CAPS_DESCRIPTION_FLAG_VIDEO | GST_PBUTILS_CAPS_DESCRIPTION_FLAG_IMAGE |
                 GST_PBUTILS_CAPS_DESCRIPTION_FLAG_SUBTITLE);
    if (seen && !(flags & (GST_PBUTILS_CAPS_DESCRIPTION_FLAG_AUDIO |
                           GST_PBUTILS_CAPS_DESCRIPTION_FLAG_CONTAINER)))
        return;
    g_free(show->missing);
    show->missing = gst_missing_plugin_message_get_description(message);
}

/* An error of decodebin itself means that the file gave no audio. */
static bool report_error(const struct show *show, GstMessage *message)
{
    GError *error = NULL;
    gst_message_parse_error(message, &error, NULL);
    bool none = GST_MESSAGE_SRC(message) == GST_OBJECT(show->decoder) &&
                (g_error_matches(error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN) ||
                 g_error_matches(error, GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND) ||
                 g_error_matches(error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED));
    if (none && show->missing)
        fprintf(stderr,
                "%s: no GStreamer plugin that is installed decodes it: %s; on Debian try "
                "gstreamer1.0-libav or gstreamer1.0-plugins-bad\n",
                show->path, show->missing);
    else if (none)
        complain(show->path, "there is no audio in it");
    else
        fprintf(stderr, "%s: %s (%s)\n", show->path, error->message,
                GST_MESSAGE_SRC(message) ? GST_MESSAGE_SRC_NAME(message) : "pipeline");
    g_error_free(error);
    return false;
}

/* Take every window until the end of the stream; false after an error, which it has printed. */
static bool read_windows(struct show *show)
{
    GstBus *bus = gst_element_get_bus(show->pipeline);
    bool well = true, done = false;
    while (well && !done) {
        GstSample *sample =
            gst_app_sink_try_pull_sample(show->out, (GstClockTime)(RECORDING_CHECK * GST_SECOND));
        if (sample) {
            well = add_features(show, sample);
            gst_sample_unref(sample);
            show_progress(show, false);
            continue;
        }
        GstMessage *message =
            gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR | GST_MESSAGE_EOS | GST_MESSAGE_ELEMENT);
        if (!message) {
            if (recording_is_stuck(&show->watch))
                well = complain(show->path, "GStreamer finds no audio in it and does not end");
            continue;
        }
        if (gst_is_missing_plugin_message(message))
            note_missing(show, message);
        done = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
            well = report_error(show, message);
        gst_message_unref(message);
    }
    gst_object_unref(bus);
    show_progress(show, true);
    if (well && show->windows == 0)
        return complain(show->path, "there is no audio in it");
    return well;
}

/* The picture's mel bands are the model's: 80 or, for large-v3, 128. */
static bool open_mel(struct show *show)
{
    gchar *path = NULL;
    struct npu_model *model = NULL;
    struct npu_model_info info;
    struct npu_error error = {""};
    g_object_get(show->whisper, "active-model", &path, NULL);
    int code = path ? npu_model_open(&model, path, &error) : -1;
    g_free(path);
    if (code < 0)
        return complain(show->path, error.text[0] ? error.text : "the element has no model");
    npu_model_get_info(model, &info);
    show->n_mels = info.n_mels;
    npu_model_close(&model);
    const struct npu_mel_params params = {.n_mels = show->n_mels, .arithmetic = NPU_MEL_F32};
    show->mel_window = malloc(sizeof(float) * NPU_WINDOW_FRAMES * show->n_mels);
    if (!show->mel_window || !picture_strip_open(&show->mel_strip, show->n_mels) ||
        npu_mel_open(&show->mel, &params) < 0)
        return complain(show->path, "out of memory");
    g_signal_connect(show->pcm, "new-sample", G_CALLBACK(on_pcm), show);
    return true;
}

static bool open_pipeline(struct show *show)
{
    GError *error = NULL;
    const char *refused = recording_refuse(show->path);
    if (refused)
        return complain(show->path, refused);
    show->pipeline = gst_parse_launch(PIPELINE, &error);
    if (error) {
        complain(show->path, error->message);
        g_error_free(error);
        return false;
    }
    GstElement *file = gst_bin_get_by_name(GST_BIN(show->pipeline), "file");
    g_object_set(file, "location", show->path, NULL);
    gst_object_unref(file);
    show->decoder = gst_bin_get_by_name(GST_BIN(show->pipeline), "decoder");
    GstElement *both = gst_bin_get_by_name(GST_BIN(show->pipeline), "both");
    g_signal_connect(show->decoder, "pad-added", G_CALLBACK(link_audio), both);
    recording_watch_open(&show->watch, show->pipeline, both);
    gst_object_unref(both); /* the pipeline keeps it */
    show->whisper = gst_bin_get_by_name(GST_BIN(show->pipeline), "whisper");
    show->out = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(show->pipeline), "out"));
    show->pcm = gst_bin_get_by_name(GST_BIN(show->pipeline), "pcm");
    return true;
}

/* In READY the element knows its model and no data flows yet: set up the mel then. */
static bool start(struct show *show)
{
    if (gst_element_set_state(show->pipeline, GST_STATE_READY) != GST_STATE_CHANGE_FAILURE) {
        if (!open_mel(show))
            return false;
        if (gst_element_set_state(show->pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE)
            return true;
    }
    GstBus *bus = gst_element_get_bus(show->pipeline);
    GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    gst_object_unref(bus);
    if (!message)
        return complain(show->path, "the pipeline does not start");
    report_error(show, message);
    gst_message_unref(message);
    return false;
}

static void close_show(struct show *show)
{
    if (show->pcm)
        g_signal_handlers_disconnect_by_data(show->pcm, show);
    if (show->pipeline)
        recording_watch_close(&show->watch, show->pipeline);
    g_clear_object(&show->decoder);
    g_clear_object(&show->whisper);
    g_clear_object(&show->out);
    g_clear_object(&show->pcm);
    g_clear_object(&show->pipeline);
    npu_mel_close(&show->mel);
    picture_strip_close(&show->mel_strip);
    picture_strip_close(&show->features_strip);
    free(show->mel_window);
    g_free(show->missing);
}

/* ---- The report ---- */

static guint64 stat_ns(const GstStructure *stats, const char *name)
{
    guint64 value = 0;
    gst_structure_get_uint64(stats, name, &value);
    return value;
}

static void print_report(struct show *show, struct totals *totals)
{
    gchar *device = NULL, *profile = NULL, *model = NULL;
    GstStructure *stats = NULL;
    guint threads = 0;
    g_object_get(show->whisper, "active-device", &device, "active-profile", &profile,
                 "active-model", &model, "stats", &stats, NULL);
    gst_structure_get_uint(stats, "threads", &threads);
    const char *isa = gst_structure_get_string(stats, "isa");
    double load = (double)stat_ns(stats, "load-time") / 1e9;
    double encode = (double)stat_ns(stats, "encode-time") / 1e9;
    if (totals->windows > 0)
        putchar('\n');
    printf("file          %s\n", show->path);
    printf("duration      %.2f s\n", show->end);
    printf("windows       %u of 30 s", show->windows);
    if (show->padded > 1)
        printf(", %u padded\n", show->padded);
    else
        puts(show->padded ? ", the last padded" : "");
    printf("features      float32 [%u positions][%u channels] per window\n", show->positions,
           show->channels);
    printf("model         %s\n", model);
    printf("device        %s, profile %s, ISA %s, %u thread%s\n", device, profile,
           isa ? isa : "unknown", threads, threads == 1 ? "" : "s");
    printf("load time     %.3f s\n", load);
    printf("encode time   %.3f s, %.3f s per window\n", encode, encode / show->windows);
    printf("speed         %.1f times real time; a full window %.1f times\n", show->end / encode,
           30 * show->windows / encode);
    totals->windows += show->windows;
    totals->audio += show->end;
    totals->encode += encode;
    g_free(device);
    g_free(profile);
    g_free(model);
    gst_structure_free(stats);
}

static bool write_picture(struct show *show, const char *folder)
{
    gchar *name = g_path_get_basename(show->path);
    gchar *file = g_strconcat(name, ".png", NULL);
    gchar *path = g_build_filename(folder, file, NULL);
    npu_mel_finish(show->mel);
    add_mel_windows(show);
    bool well = picture_write(path, &show->mel_strip, &show->features_strip);
    if (well)
        printf("picture       %s (log-mel above features, time to the right)\n", path);
    g_free(path);
    g_free(file);
    g_free(name);
    return well;
}

static bool show_file(const char *path, const char *folder, struct totals *totals)
{
    struct show show = {.path = path};
    bool well = open_pipeline(&show) && start(&show) && read_windows(&show);
    if (well) {
        print_report(&show, totals);
        well = write_picture(&show, folder);
    }
    close_show(&show);
    fflush(stdout);
    return well;
}

int main(int argc, char **argv)
{
    const char *folder = ".";
    int option;
    gst_init(&argc, &argv);
    while ((option = getopt(argc, argv, "o:")) != -1) {
        if (option != 'o')
            return 2;
        folder = optarg;
    }
    if (optind >= argc) {
        fprintf(stderr, "usage: %s [-o FOLDER] FILE...\n", argv[0]);
        return 2;
    }
    struct totals totals = {0};
    for (int i = optind; i < argc; i++) {
        totals.files++;
        totals.failed += !show_file(argv[i], folder, &totals);
    }
    if (totals.files > 1)
        printf("\n%u files, %u failed: %.1f s of audio in %u windows, encoded in %.1f s\n",
               totals.files, totals.failed, totals.audio, totals.windows, totals.encode);
    return totals.failed ? 1 : 0;
}
