/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libFuzzer target of the element: any sequence of caps, buffers, events, queries and settings
 * gives features that are in order, or an error message; never a critical warning, a hang or a lost
 * EOS. Built on demand in a build with clang, gst/ and the log-mel with the fuzzer's instruments:
 *
 *   ninja -C build-clang tests/fuzz/fuzz_element
 *   build-clang/tests/fuzz/fuzz_element -max_len=1024 -max_total_time=60 NEW tests/fuzz/element
 *
 * An input is a byte of settings, two of caps and a list of operations: a byte that chooses one,
 * and the bytes that it reads. After the end all bytes are 0. */
#include "gst/gstwhispernpu.h"
#include "tests/small_model.h"

#include <gst/audio/audio.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define D_MODEL     64
#define MAX_SECONDS 70 /* of audio in an input */
#define MAX_OPS     100
#define PATIENCE    (30 * G_TIME_SPAN_SECOND)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reader {
    const uint8_t *data;
    size_t left;
};

/* Downstream: what it received, and how it answers. */
struct peer {
    GMutex lock;
    GCond changed;
    bool eos, failed; /* EOS came; an error message was posted, or none will be */
    bool has_segment;
    guint positions;           /* by the caps; 0: none yet */
    guint64 last_pts, last_of; /* of the buffer before, where one came since the last resync */
    bool has_last;
    guint n_buffers, refuse_at; /* refuse_at: answers `answer` to that buffer; 0: never */
    GstFlowReturn answer;
};

/* The current input. */
struct run {
    struct reader in;
    GstElement *element;
    GstPad *src, *sink;
    GstAudioInfo info;
    GstClockTime next; /* end of the last buffer */
    double seconds;    /* of audio so far */
    struct peer peer;
};

static GstElement *element; /* the same for all inputs, NULL between them */

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

static unsigned read_byte(struct reader *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->data++;
}

static uint64_t read_number(struct reader *in, unsigned n_bytes)
{
    uint64_t value = 0;
    while (n_bytes--)
        value = value << 8 | read_byte(in);
    return value;
}

/* A time near `here`, a round one, or any at all; may be NONE. */
static GstClockTime read_time(struct reader *in, GstClockTime here)
{
    unsigned how = read_byte(in);
    switch (how % 8) {
    case 0:
        return here;
    case 1:
        return GST_CLOCK_TIME_NONE;
    case 2:
        return here + read_number(in, 2) * GST_MSECOND;
    case 3:
        return here - read_number(in, 2) * GST_MSECOND;
    case 4:
        return (how >> 3) * GST_SECOND;
    case 5:
        return G_MAXUINT64 - read_number(in, 5);
    case 6:
        return (UINT64_C(1) << (how >> 3) % 64) + (how & 7);
    default:
        return read_number(in, 8);
    }
}

static GstClockTime read_valid_time(struct reader *in, GstClockTime here)
{
    GstClockTime time = read_time(in, here);
    return GST_CLOCK_TIME_IS_VALID(time) ? time : 0;
}

/* ---- Downstream ---- */

static void check_values(GstBuffer *buffer)
{
    GstMapInfo map;
    CHECK(gst_buffer_map(buffer, &map, GST_MAP_READ));
    for (size_t i = 0; i < map.size / sizeof(float); i++)
        CHECK(isfinite(((const float *)map.data)[i]));
    gst_buffer_unmap(buffer, &map);
}

static GstFlowReturn peer_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
    struct peer *peer = gst_pad_get_element_private(pad);
    GstClockTime pts = GST_BUFFER_PTS(buffer), duration = GST_BUFFER_DURATION(buffer);
    GstFlowReturn ret;
    check_values(buffer);
    g_mutex_lock(&peer->lock);
    CHECK(peer->has_segment && !peer->eos && peer->positions > 0);
    CHECK(gst_buffer_get_size(buffer) == peer->positions * D_MODEL * sizeof(float));
    CHECK(GST_CLOCK_TIME_IS_VALID(pts) && duration > 0 && duration <= 30 * GST_SECOND);
    CHECK(pts + duration > pts);
    CHECK(GST_BUFFER_OFFSET_END(buffer) > GST_BUFFER_OFFSET(buffer));
    CHECK(peer->has_last || GST_BUFFER_IS_DISCONT(buffer));
    if (!GST_BUFFER_IS_DISCONT(buffer))
        CHECK(pts > peer->last_pts && GST_BUFFER_OFFSET(buffer) > peer->last_of);
    peer->has_last = true;
    peer->last_pts = pts;
    peer->last_of = GST_BUFFER_OFFSET(buffer);
    ret = ++peer->n_buffers == peer->refuse_at ? peer->answer : GST_FLOW_OK;
    /* a failed peer has reported that itself, one being shut down gets no EOS */
    if (ret == GST_FLOW_ERROR || ret == GST_FLOW_FLUSHING)
        peer->failed = true;
    g_cond_broadcast(&peer->changed);
    g_mutex_unlock(&peer->lock);
    gst_buffer_unref(buffer);
    return ret;
}

static guint caps_positions(GstEvent *event)
{
    GstCaps *caps;
    guint columns, rows;
    gst_event_parse_caps(event, &caps);
    CHECK(gst_caps_is_fixed(caps));
    CHECK(sscanf(gst_structure_get_string(gst_caps_get_structure(caps, 0), "dimensions"), "%u:%u",
                 &columns, &rows) == 2);
    CHECK(columns == D_MODEL && rows >= 1 && rows <= 1500);
    return rows;
}

static gboolean peer_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
    struct peer *peer = gst_pad_get_element_private(pad);
    GstClockTime pts;
    g_mutex_lock(&peer->lock);
    switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_STREAM_START:
        peer->eos = false;
        break;
    case GST_EVENT_CAPS:
        peer->positions = caps_positions(event);
        break;
    case GST_EVENT_SEGMENT:
        peer->has_segment = true;
        break;
    case GST_EVENT_GAP:
        CHECK(!peer->eos);
        gst_event_parse_gap(event, &pts, NULL);
        CHECK(GST_CLOCK_TIME_IS_VALID(pts));
        break;
    case GST_EVENT_FLUSH_STOP:
        peer->eos = peer->has_segment = peer->has_last = false;
        break;
    case GST_EVENT_EOS:
        peer->eos = true;
        break;
    default:
        break;
    }
    g_cond_broadcast(&peer->changed);
    g_mutex_unlock(&peer->lock);
    gst_event_unref(event);
    return TRUE;
}

static GstBusSyncReply see_message(GstBus *bus, GstMessage *message, gpointer user)
{
    struct peer *peer = user;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        g_mutex_lock(&peer->lock);
        peer->failed = true;
        g_cond_broadcast(&peer->changed);
        g_mutex_unlock(&peer->lock);
    }
    gst_message_unref(message);
    return GST_BUS_DROP;
}

static bool has_failed(struct run *run)
{
    bool failed;
    g_mutex_lock(&run->peer.lock);
    failed = run->peer.failed;
    g_mutex_unlock(&run->peer.lock);
    return failed;
}

/* ---- Operations ---- */

static void do_caps(struct run *run)
{
    static const int rates[] = {16000, 48000, 44100, 8000, 1000, 22050, 768000, 192000};
    static const int channels[] = {1, 2, 6, 8, 3, 63, 12, 64};
    guint n_formats;
    const GstAudioFormat *formats = gst_audio_formats_raw(&n_formats);
    unsigned how = read_byte(&run->in), shape = read_byte(&run->in);
    int rate = shape & 0x40 ? (int)read_number(&run->in, 3) : rates[shape % 8];
    int n = channels[shape / 8 % 8];
    GstCaps *caps =
        gst_caps_new_simple("audio/x-raw", "format", G_TYPE_STRING,
                            gst_audio_format_to_string(formats[how % n_formats]), "rate",
                            G_TYPE_INT, rate, "channels", G_TYPE_INT, n, "layout", G_TYPE_STRING,
                            shape & 0x80 ? "non-interleaved" : "interleaved", NULL);
    GstAudioInfo info;
    if (n > 1)
        gst_caps_set_simple(caps, "channel-mask", GST_TYPE_BITMASK,
                            how & 0x40 || n > 28 ? 0 : gst_audio_channel_get_fallback_mask(n),
                            NULL);
    if (gst_pad_push_event(run->src, gst_event_new_caps(caps)) &&
        gst_audio_info_from_caps(&info, caps))
        run->info = info;
    gst_caps_unref(caps);
}

/* The input's own bytes, or a pattern that is no good number in some format. */
static void fill(struct run *run, guint8 *bytes, size_t size, unsigned pattern)
{
    static const guint8 words[][8] = {
        {0},
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
        {0, 0, 0xc0, 0x7f, 0, 0, 0xf8, 0x7f},
        {0xff, 0xff, 0x7f, 0x7f, 0xff, 0xff, 0xef, 0x7f},
        {0x80, 0, 0, 0, 0x80, 0, 0, 0x80},
        {1, 0, 0, 0, 1, 0, 0x80, 0xff},
        {0x34, 0x12, 0xcd, 0x3c, 0x21, 0x43, 0x45, 0x3e},
    };
    if (pattern % 8 == 7)
        for (size_t i = 0; i < size && run->in.left > 0; i++)
            bytes[i] = (guint8)read_byte(&run->in);
    else
        for (size_t i = 0; i < size; i++)
            bytes[i] = words[pattern % 8][i % 8];
}

static void add_meta(struct run *run, GstBuffer *buffer, size_t frames, unsigned how)
{
    GstAudioInfo info = run->info;
    if (how & 1)
        info.layout ^= 1;
    if (how & 2)
        gst_audio_info_set_format(&info, GST_AUDIO_FORMAT_F64, info.rate + 1, MIN(info.channels, 2),
                                  NULL);
    if (how & 4)
        frames /= 2;
    if (GST_AUDIO_INFO_IS_VALID(&info) && frames * (size_t)info.bpf <= gst_buffer_get_size(buffer))
        gst_buffer_add_audio_meta(buffer, &info, frames, NULL);
}

static GstMemory *make_memory(const guint8 *bytes, size_t size)
{
    guint8 *copy = g_memdup2(bytes, size);
    return gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, copy, size, 0, size, copy, g_free);
}

/* Of the right size or not, in one piece or three. */
static GstBuffer *make_buffer(struct run *run, size_t frames, unsigned how)
{
    size_t size = frames * (size_t)run->info.bpf + (how & 1 ? how >> 4 : 0), half = size / 2 - 1;
    guint8 *bytes = g_malloc0(size);
    GstBuffer *buffer = gst_buffer_new();
    fill(run, bytes, size, how >> 1);
    if (how & 0x40 && size > 3) {
        gst_buffer_append_memory(buffer, make_memory(bytes, half));
        gst_buffer_append_memory(buffer, make_memory(bytes + half, size - half));
        gst_buffer_append_memory(buffer, gst_allocator_alloc(NULL, 0, NULL));
    } else if (size > 0) {
        gst_buffer_append_memory(buffer, make_memory(bytes, size));
    }
    g_free(bytes);
    return buffer;
}

/* Without caps the element refuses, so any shape will do. */
static void do_buffer(struct run *run)
{
    unsigned how = read_byte(&run->in), what = read_byte(&run->in);
    size_t frames = how & 0x80 ? read_number(&run->in, 2) : (how & 0x7f) * 7;
    int rate = MAX(run->info.rate, 1000);
    GstBuffer *buffer;
    if (run->info.bpf == 0)
        gst_audio_info_set_format(&run->info, GST_AUDIO_FORMAT_S16, 16000, 1, NULL);
    run->seconds += (double)frames / rate;
    if (run->seconds > MAX_SECONDS || frames * (size_t)run->info.bpf > 4 << 20)
        return;
    buffer = make_buffer(run, frames, what);
    GST_BUFFER_PTS(buffer) = read_time(&run->in, run->next);
    GST_BUFFER_DURATION(buffer) =
        how & 1 ? read_time(&run->in, 0) : gst_util_uint64_scale(frames, GST_SECOND, (guint64)rate);
    if (how & 2)
        GST_BUFFER_FLAG_SET(buffer, read_number(&run->in, 2) << 4);
    if (run->info.layout == GST_AUDIO_LAYOUT_NON_INTERLEAVED || (what & 0x80))
        add_meta(run, buffer, frames, what & 0x80 ? read_byte(&run->in) : 0);
    if (GST_BUFFER_PTS_IS_VALID(buffer))
        run->next = GST_BUFFER_PTS(buffer);
    run->next += gst_util_uint64_scale(frames, GST_SECOND, (guint64)rate);
    GstFlowReturn ret = gst_pad_push(run->src, buffer);
    if (ret == GST_FLOW_ERROR)
        CHECK(has_failed(run));
}

static void do_segment(struct run *run)
{
    static const double rates[] = {1.0, -1.0, 0.5, 2.0, -1e-9, 1e9};
    GstSegment segment;
    unsigned how = read_byte(&run->in);
    gst_segment_init(&segment, how % 16 == 15 ? GST_FORMAT_BYTES : GST_FORMAT_TIME);
    segment.rate = rates[(how >> 4) % 6];
    if (how & 1)
        segment.start = segment.position = segment.time = read_valid_time(&run->in, run->next);
    if (how & 2)
        segment.stop = read_time(&run->in, run->next);
    if (how & 4)
        segment.base = read_time(&run->in, 0);
    if (how & 8)
        segment.position = read_time(&run->in, 0);
    if (how & 1)
        run->next = segment.start;
    gst_pad_push_event(run->src, gst_event_new_segment(&segment));
}

static void do_gap(struct run *run)
{
    GstClockTime pts = read_valid_time(&run->in, run->next);
    GstClockTime duration = read_time(&run->in, 0);
    run->seconds += 1.0; /* as much as is filled, at most */
    if (run->seconds > MAX_SECONDS)
        return;
    if (gst_pad_push_event(run->src, gst_event_new_gap(pts, duration)) &&
        GST_CLOCK_TIME_IS_VALID(duration))
        run->next = pts + duration;
}

static void do_flush(struct run *run)
{
    unsigned how = read_byte(&run->in);
    if (!(how & 1))
        gst_pad_push_event(run->src, gst_event_new_flush_start());
    if (!(how & 2))
        gst_pad_push_event(run->src, gst_event_new_flush_stop(how & 4 ? FALSE : TRUE));
    if (!(how & 8)) {
        GstSegment segment;
        gst_segment_init(&segment, GST_FORMAT_TIME);
        gst_pad_push_event(run->src, gst_event_new_segment(&segment));
        run->next = 0;
    }
}

static void do_event(struct run *run)
{
    unsigned how = read_byte(&run->in);
    GstEvent *event;
    switch (how % 6) {
    case 0:
        event = gst_event_new_eos();
        break;
    case 1:
        event = gst_event_new_stream_start(how & 0x80 ? "one" : "another");
        break;
    case 2:
        event = gst_event_new_segment_done(GST_FORMAT_TIME, (gint64)run->next);
        break;
    case 3:
        event = gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "x", NULL));
        break;
    case 4:
        event = gst_event_new_custom(how & 0x80 ? GST_EVENT_CUSTOM_DOWNSTREAM_OOB
                                                : GST_EVENT_CUSTOM_DOWNSTREAM,
                                     gst_structure_new_empty("x"));
        break;
    default:
        gst_pad_push_event(
            run->sink, how & 0x80 ? gst_event_new_reconfigure()
                                  : gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.0, 1, run->next));
        return;
    }
    gst_pad_push_event(run->src, event);
}

static void do_query(struct run *run)
{
    unsigned how = read_byte(&run->in);
    GstCaps *caps = gst_caps_new_empty_simple(how & 0x40 ? "audio/x-raw" : "other/tensors");
    GstQuery *query;
    GstStructure *stats;
    switch (how % 6) {
    case 0:
        query = gst_query_new_latency();
        break;
    case 1:
        query = gst_query_new_drain();
        break;
    case 2:
        query = gst_query_new_caps(caps);
        break;
    case 3:
        query = gst_query_new_accept_caps(caps);
        break;
    case 4:
        query = gst_query_new_position(GST_FORMAT_TIME);
        break;
    default:
        g_object_get(run->element, "stats", &stats, NULL);
        CHECK(stats != NULL);
        gst_structure_free(stats);
        query = gst_query_new_duration(GST_FORMAT_TIME);
        break;
    }
    gst_pad_peer_query(how & 0x80 ? run->sink : run->src, query);
    gst_query_unref(query);
    gst_caps_unref(caps);
}

static void do_state(struct run *run)
{
    unsigned how = read_byte(&run->in);
    if (how & 1) /* int8 or f32: the same time for this model */
        g_object_set(run->element, "profile", (int)(how >> 1) % 3, NULL);
    if (how & 8)
        g_object_set(run->element, "late", (int)(how >> 4) % 2, "max-windows", 1 + (how >> 5) % 4,
                     NULL);
    gst_element_set_state(run->element, how & 0x80 ? GST_STATE_READY : GST_STATE_PLAYING);
    gst_element_set_state(run->element, GST_STATE_PAUSED);
}

static void do_answer(struct run *run)
{
    static const GstFlowReturn answers[] = {GST_FLOW_EOS, GST_FLOW_ERROR, GST_FLOW_NOT_LINKED,
                                            GST_FLOW_FLUSHING, GST_FLOW_NOT_NEGOTIATED};
    unsigned how = read_byte(&run->in);
    g_mutex_lock(&run->peer.lock);
    run->peer.answer = answers[how % 5];
    run->peer.refuse_at = run->peer.n_buffers + 1 + (how >> 4) % 4;
    g_mutex_unlock(&run->peer.lock);
}

/* ---- One input ---- */

/* Mostly short windows, because they are cheap. */
static void set_up(unsigned how)
{
    static const guint64 windows[] = {1000, 1000, 1500, 30000};
    const guint64 window = windows[how % 4] * GST_MSECOND;
    const guint64 hops[] = {0, 0, window / 2, window - 300 * GST_MSECOND};
    g_object_set(element, "window-duration", window, "hop-duration", hops[how >> 2 & 3], "context",
                 (int)(how >> 4 & 1), "late", (int)(how >> 5 & 1), "post-messages",
                 (int)(how >> 6 & 1), "max-windows", 1 + (how >> 7), "profile", 0, NULL);
}

/* Upstream answers the latency query as live. */
static gboolean src_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
    if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
        return gst_pad_query_default(pad, parent, query);
    gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
    return TRUE;
}

static void open_run(struct run *run)
{
    GstPad *pad;
    GstBus *bus = gst_bus_new();
    g_mutex_init(&run->peer.lock);
    g_cond_init(&run->peer.changed);
    gst_bus_set_sync_handler(bus, see_message, &run->peer, NULL);
    gst_element_set_bus(element, bus);
    gst_object_unref(bus);
    run->element = element;
    run->src = gst_pad_new("src", GST_PAD_SRC);
    run->sink = gst_pad_new("sink", GST_PAD_SINK);
    gst_pad_set_query_function(run->src, src_query);
    gst_pad_set_element_private(run->sink, &run->peer);
    gst_pad_set_chain_function(run->sink, peer_chain);
    gst_pad_set_event_function(run->sink, peer_event);
    gst_pad_set_active(run->src, TRUE);
    gst_pad_set_active(run->sink, TRUE);
    pad = gst_element_get_static_pad(element, "sink");
    CHECK(gst_pad_link(run->src, pad) == GST_PAD_LINK_OK);
    gst_object_unref(pad);
    pad = gst_element_get_static_pad(element, "src");
    CHECK(gst_pad_link(pad, run->sink) == GST_PAD_LINK_OK);
    gst_object_unref(pad);
    CHECK(gst_element_set_state(element, GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE);
}

/* Down to NULL, where the loading thread is joined: memory that GLib frees when a thread ends would
 * look like a leak. */
static void close_run(struct run *run)
{
    GstPad *pad = gst_element_get_static_pad(element, "sink");
    gst_element_set_state(element, GST_STATE_NULL);
    gst_pad_unlink(run->src, pad);
    gst_object_unref(pad);
    pad = gst_element_get_static_pad(element, "src");
    gst_pad_unlink(pad, run->sink);
    gst_object_unref(pad);
    gst_pad_set_active(run->src, FALSE);
    gst_pad_set_active(run->sink, FALSE);
    gst_object_unref(run->src);
    gst_object_unref(run->sink);
    gst_element_set_bus(element, NULL);
    g_mutex_clear(&run->peer.lock);
    g_cond_clear(&run->peer.changed);
}

/* An accepted EOS comes out, after everything before it, or an error says why not. */
static void finish_run(struct run *run)
{
    gint64 end = g_get_monotonic_time() + PATIENCE;
    if (!gst_pad_push_event(run->src, gst_event_new_eos()))
        return;
    g_mutex_lock(&run->peer.lock);
    while (!run->peer.eos && !run->peer.failed)
        CHECK(g_cond_wait_until(&run->peer.changed, &run->peer.lock, end));
    g_mutex_unlock(&run->peer.lock);
}

/* Warnings are about order, which the inputs break on purpose; anything worse ends the run. */
static void see_log(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer user)
{
    if (!(level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR)))
        return;
    fprintf(stderr, "%s: %s\n", domain, text);
    abort(); /* GLib's own trap leaves no artifact */
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char path[64];
    int fd = memfd_create("model", 0);
    g_setenv("GST_REGISTRY_DISABLE", "yes", TRUE);
    gst_init(NULL, NULL);
    g_log_set_default_handler(see_log, NULL);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd < 0 || test_small_model_write(path, 80, D_MODEL, 1, 1500, 1) != 0)
        abort();
    element = g_object_new(GST_TYPE_WHISPER_NPU, "model-file", path, "threads", 1, NULL);
    gst_object_ref_sink(element);
    /* for the same reason, threads of a pool do not end for want of work */
    g_thread_pool_set_max_idle_time(0);
    g_thread_pool_set_max_unused_threads(-1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const operations[])(struct run *) = {
        do_buffer, do_caps,  do_segment, do_gap,    do_flush,  do_event,
        do_query,  do_state, do_answer,  do_buffer, do_buffer, do_gap,
    };
    struct run run = {.in = {data, size}};
    GstSegment segment;
    set_up(read_byte(&run.in));
    open_run(&run);
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(run.src, gst_event_new_stream_start("one"));
    do_caps(&run);
    gst_pad_push_event(run.src, gst_event_new_segment(&segment));
    for (unsigned i = 0; i < MAX_OPS && run.in.left > 0; i++)
        operations[read_byte(&run.in) % G_N_ELEMENTS(operations)](&run);
    finish_run(&run);
    close_run(&run);
    return 0;
}
