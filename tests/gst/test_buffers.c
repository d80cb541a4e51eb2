/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Buffers of every shape: what carries the same audio gives the same bits, what
 * does not fit its caps is one error. */

#include <sys/mman.h>

#include "tests/gst/harness.h"
#include "tests/gst/leaks.h"

#define TOTAL 48000             /* three seconds at 16 kHz */
#define STEREO_CAPS "audio/x-raw, format=" GST_AUDIO_NE (S16) ", rate=16000, " \
    "channels=2, channel-mask=(bitmask)3, layout=interleaved"
#define PLANAR_CAPS "audio/x-raw, format=" GST_AUDIO_NE (S16) ", rate=16000, " \
    "channels=2, channel-mask=(bitmask)3, layout=non-interleaved"

/* Of the plain stream: TOTAL frames in buffers of 1600, on time. */
static guint plain_hash;

static void
push (GstHarness * h, GstBuffer * buffer)
{
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
}

static GstBuffer *
finish (GstHarness * h)
{
  GstBuffer *buffer;

  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  gst_event_unref (wait_event (h, GST_EVENT_EOS));
  return buffer;
}

static void
measure_plain (void)
{
  GstHarness *h = start ();
  GstBuffer *buffer;

  push_audio (h, 0, TOTAL, 1600);
  buffer = finish (h);
  plain_hash = hash_buffer (buffer);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

/* ---- The same audio in other buffers ---- */

static void
push_sizes (GstHarness * h, const guint * sizes, guint n_sizes)
{
  for (guint at = 0, i = 0; at < TOTAL; i++) {
    guint n = MIN (sizes[i % n_sizes], TOTAL - at);

    push (h, make_audio (at, n, RATE));
    at += n;
  }
}

static void
one_sample (GstHarness * h)
{
  push_sizes (h, (const guint[]) { 1 }, 1);
}

static void
primes (GstHarness * h)
{
  static const guint sizes[] = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41,
    43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 997, 9973
  };

  push_sizes (h, sizes, G_N_ELEMENTS (sizes));
}

static void
whole (GstHarness * h)
{
  push_sizes (h, (const guint[]) { TOTAL }, 1);
}

static void
empty_between (GstHarness * h)
{
  for (guint at = 0; at < TOTAL; at += 1600) {
    push (h, make_audio (at, 0, RATE));
    push (h, gst_buffer_new ());
    push (h, make_audio (at, 1600, RATE));
  }
}

/* A function that changes a plain buffer; (transfer full) both ways. */
typedef GstBuffer *(*Change) (GstBuffer * buffer, guint i);

static void
push_changed (GstHarness * h, Change change)
{
  for (guint i = 0; i < TOTAL / 1600; i++)
    push (h, change (make_audio (i * 1600, 1600, RATE), i));
}

/* In three memories, cut within a sample, one of them empty. */
static GstBuffer *
cut (GstBuffer * buffer, guint i)
{
  GstBuffer *out = gst_buffer_copy_region (buffer, GST_BUFFER_COPY_ALL, 0, 333);
  GstBuffer *rest =
      gst_buffer_copy_region (buffer, GST_BUFFER_COPY_MEMORY, 333, -1);

  gst_buffer_append_memory (out, gst_allocator_alloc (NULL, 0, NULL));
  gst_buffer_unref (buffer);
  out = gst_buffer_append (out, rest);
  fail_unless_equals_int (gst_buffer_n_memory (out), 3);
  return out;
}

/* At an odd address, with bytes before and after it that do not count. */
static GstBuffer *
shift (GstBuffer * buffer, guint i)
{
  gsize size = gst_buffer_get_size (buffer);
  guint8 *bytes = g_malloc (size + 64);
  GstBuffer *out = gst_buffer_new ();

  memset (bytes, 0x55, size + 64);
  gst_buffer_extract (buffer, 0, bytes + 33, size);
  gst_buffer_copy_into (out, buffer, GST_BUFFER_COPY_METADATA, 0, -1);
  gst_buffer_append_memory (out, gst_memory_new_wrapped (0, bytes, size + 64,
          33, size, bytes, g_free));
  gst_buffer_unref (buffer);
  return out;
}

static void
unmap_bytes (gpointer bytes)
{
  munmap (bytes, 3200);
}

/* In pages that nobody may write to. */
static GstBuffer *
make_read_only (GstBuffer * buffer, guint i)
{
  GstBuffer *out = gst_buffer_new ();
  guint8 *bytes = mmap (NULL, 3200, PROT_READ | PROT_WRITE, MAP_PRIVATE |
      MAP_ANONYMOUS, -1, 0);

  fail_unless (bytes != MAP_FAILED);
  fail_unless_equals_int (gst_buffer_extract (buffer, 0, bytes, 3200), 3200);
  fail_unless_equals_int (mprotect (bytes, 3200, PROT_READ), 0);
  gst_buffer_copy_into (out, buffer, GST_BUFFER_COPY_METADATA, 0, -1);
  gst_buffer_append_memory (out, gst_memory_new_wrapped
      (GST_MEMORY_FLAG_READONLY, bytes, 3200, 0, 3200, bytes, unmap_bytes));
  gst_buffer_unref (buffer);
  return out;
}

static GstBuffer *
add_flags (GstBuffer * buffer, guint i)
{
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_LIVE |
      GST_BUFFER_FLAG_CORRUPTED | GST_BUFFER_FLAG_MARKER |
      GST_BUFFER_FLAG_HEADER | GST_BUFFER_FLAG_DROPPABLE |
      GST_BUFFER_FLAG_DELTA_UNIT | GST_BUFFER_FLAG_SYNC_AFTER);
  return buffer;
}

static GstBuffer *
flag_discont (GstBuffer * buffer, guint i)
{
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  return buffer;
}

static GstBuffer *
flag_resync (GstBuffer * buffer, guint i)
{
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_RESYNC);
  return buffer;
}

static GstBuffer *
drop_pts (GstBuffer * buffer, guint i)
{
  GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
  return buffer;
}

static GstBuffer *
drop_pts_but_first (GstBuffer * buffer, guint i)
{
  return i == 0 ? buffer : drop_pts (buffer, i);
}

static GstBuffer *
drop_every_pts_but_third (GstBuffer * buffer, guint i)
{
  return i % 3 == 2 ? buffer : drop_pts (buffer, i);
}

static GstBuffer *
only_dts (GstBuffer * buffer, guint i)
{
  GST_BUFFER_DTS (buffer) = GST_BUFFER_PTS (buffer) + GST_SECOND;
  return drop_pts (buffer, i);
}

static GstBuffer *
no_duration (GstBuffer * buffer, guint i)
{
  GST_BUFFER_DURATION (buffer) = GST_CLOCK_TIME_NONE;
  return buffer;
}

static GstBuffer *
zero_duration (GstBuffer * buffer, guint i)
{
  GST_BUFFER_DURATION (buffer) = 0;
  return buffer;
}

static GstBuffer *
double_duration (GstBuffer * buffer, guint i)
{
  GST_BUFFER_DURATION (buffer) *= 2;
  return buffer;
}

static GstBuffer *
half_duration (GstBuffer * buffer, guint i)
{
  GST_BUFFER_DURATION (buffer) /= 2;
  return buffer;
}

static GstBuffer *
wrong_offsets (GstBuffer * buffer, guint i)
{
  GST_BUFFER_OFFSET (buffer) = G_MAXUINT64 - 1 - i;
  GST_BUFFER_OFFSET_END (buffer) = 7;
  return buffer;
}

static GstBuffer *
jitter (GstBuffer * buffer, guint i)
{
  if (i % 2 == 1)
    GST_BUFFER_PTS (buffer) += (i % 4 == 1 ? 10 : -10) * GST_MSECOND;
  return buffer;
}

static GstBuffer *
add_metas (GstBuffer * buffer, guint i)
{
  GstCaps *caps = gst_caps_new_empty_simple ("timestamp/x-test");

  gst_buffer_add_reference_timestamp_meta (buffer, caps, 123456789, 0);
  gst_caps_unref (caps);
  return buffer;
}

/* The metadata of interleaved audio says what the caps say. */
static GstBuffer *
add_audio_meta (GstBuffer * buffer, guint i)
{
  GstAudioInfo info;

  gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_S16, RATE, 1, NULL);
  gst_buffer_add_audio_meta (buffer, &info, 1600, NULL);
  return buffer;
}

/* Upstream keeps the buffer and finds it as it was. */
static void
shared (GstHarness * h)
{
  for (guint i = 0; i < TOTAL / 1600; i++) {
    GstBuffer *buffer = make_audio (i * 1600, 1600, RATE);
    guint hash = hash_buffer (buffer);

    push (h, gst_buffer_ref (buffer));
    fail_unless_equals_int (hash_buffer (buffer), hash);
    fail_unless_equals_int (GST_MINI_OBJECT_REFCOUNT_VALUE (buffer), 1);
    gst_buffer_unref (buffer);
  }
}

static void
list (GstHarness * h)
{
  GstBufferList *all = gst_buffer_list_new ();

  for (guint i = 0; i < TOTAL / 1600; i++)
    gst_buffer_list_add (all, make_audio (i * 1600, 1600, RATE));
  fail_unless_equals_int (gst_pad_push_list (h->srcpad, all), GST_FLOW_OK);
}

/* Audio before the segment's start and after its stop does not exist; that
 * upstream says twice the duration clips nothing more. */
static void
clipped (GstHarness * h)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = 10 * GST_SECOND;
  segment.stop = 13 * GST_SECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  /* from 0.95 s before the audio on, to 0.15 s after it */
  for (gint i = 0; i < 41; i++) {
    GstBuffer *buffer = make_audio ((gint64) i * 1600 - 15200, 1600, RATE);

    GST_BUFFER_PTS (buffer) = (9050 + 100 * i) * GST_MSECOND;
    GST_BUFFER_DURATION (buffer) = 200 * GST_MSECOND;
    push (h, buffer);
  }
}

static const struct
{
  const gchar *name;
  void (*push) (GstHarness * h);        /* all of it, or */
  Change change;
  GstClockTime pts;             /* of the window */
} same[] = {
  {"one sample",.push = one_sample},
  {"primes",.push = primes},
  {"whole",.push = whole},
  {"empty buffers between",.push = empty_between},
  {"shared",.push = shared},
  {"buffer list",.push = list},
  {"clipped by the segment",.push = clipped,.pts = 10 * GST_SECOND},
  {"three memories",.change = cut},
  {"odd address",.change = shift},
  {"read-only memory",.change = make_read_only},
  {"unusual flags",.change = add_flags},
  {"flag DISCONT",.change = flag_discont},
  {"flag RESYNC",.change = flag_resync},
  {"no PTS",.change = drop_pts},
  {"no PTS but the first",.change = drop_pts_but_first},
  {"a PTS now and then",.change = drop_every_pts_but_third},
  {"DTS alone",.change = only_dts},
  {"PTS with jitter",.change = jitter},
  {"no duration",.change = no_duration},
  {"duration 0",.change = zero_duration},
  {"twice the duration",.change = double_duration},
  {"half the duration",.change = half_duration},
  {"wrong offsets",.change = wrong_offsets},
  {"other metadata",.change = add_metas},
  {"audio metadata",.change = add_audio_meta},
};

GST_START_TEST (test_same)
{
  GstHarness *h = start ();
  GstBuffer *buffer;

  if (same[__i__].change != NULL)
    push_changed (h, same[__i__].change);
  else
    same[__i__].push (h);
  buffer = finish (h);
  fail_unless (buffer != NULL, "%s: no window", same[__i__].name);
  fail_unless (GST_BUFFER_PTS (buffer) == same[__i__].pts &&
      GST_BUFFER_DURATION (buffer) == 3 * GST_SECOND, "%s: %" GST_TIME_FORMAT
      " long, at %" GST_TIME_FORMAT, same[__i__].name,
      GST_TIME_ARGS (GST_BUFFER_DURATION (buffer)),
      GST_TIME_ARGS (GST_BUFFER_PTS (buffer)));
  fail_unless (hash_buffer (buffer) == plain_hash, "%s: other features",
      same[__i__].name);
  gst_buffer_unref (buffer);
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), 0);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 0);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* ---- Planes ---- */

/* Both channels the same, so that the mix is the plain stream. With `pad`
 * bytes before each plane, and between them. */
static GstBuffer *
make_planes (const GstAudioInfo * info, guint at, gsize pad)
{
  GstBuffer *mono = make_audio (at, 1600, RATE);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 2 * (3200 + pad), NULL);
  gsize offsets[2] = { pad, 3200 + 2 * pad };
  GstMapInfo map;

  gst_buffer_copy_into (buffer, mono, GST_BUFFER_COPY_METADATA, 0, -1);
  gst_buffer_map (mono, &map, GST_MAP_READ);
  gst_buffer_memset (buffer, 0, 0x55, 2 * (3200 + pad));
  gst_buffer_fill (buffer, offsets[0], map.data, map.size);
  gst_buffer_fill (buffer, offsets[1], map.data, map.size);
  gst_buffer_unmap (mono, &map);
  gst_buffer_add_audio_meta (buffer, info, 1600, offsets);
  gst_buffer_unref (mono);
  return buffer;
}

static const gsize pads[] = { 0, 7, 4096 };

GST_START_TEST (test_planes)
{
  GstHarness *h = gst_harness_new ("whispernpu");
  GstCaps *caps = gst_caps_from_string (PLANAR_CAPS);
  GstAudioInfo info;
  GstBuffer *buffer;

  fail_unless (gst_audio_info_from_caps (&info, caps));
  gst_harness_set_src_caps (h, caps);
  for (guint at = 0; at < TOTAL; at += 1600)
    push (h, make_planes (&info, at, pads[__i__]));
  buffer = finish (h);
  fail_unless_equals_int (hash_buffer (buffer), plain_hash);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* ---- 64 MiB ---- */

/* In one buffer as in many; the memory for it is bounded by the queue. */
GST_START_TEST (test_large)
{
  const guint frames = (64 << 20) / 2;
  guint64 total = gst_util_uint64_scale_round (frames, RATE, 96000);
  guint hash[2] = { 0, 0 };

  for (guint i = 0; i < 2; i++) {
    GstHarness *h = gst_harness_new ("whispernpu");
    GstBuffer *audio = make_audio (0, frames, 96000);

    gst_harness_set_src_caps_str (h, "audio/x-raw, format="
        GST_AUDIO_NE (S16) ", rate=96000, channels=1, layout=interleaved");
    fail_unless_equals_int (gst_buffer_get_size (audio), 64 << 20);
    for (guint at = 0; i == 1 && at < frames; at += 1 << 20)
      push (h, gst_buffer_copy_region (audio, GST_BUFFER_COPY_MEMORY, at * 2,
              MIN (1 << 20, frames - at) * 2));
    if (i == 0)
      push (h, gst_buffer_ref (audio));
    gst_buffer_unref (audio);
    gst_harness_push_event (h, gst_event_new_eos ());
    for (guint64 at = 0; at < total; at += WINDOW) {
      GstBuffer *buffer = gst_harness_pull (h);

      check_buffer (buffer, at, MIN (WINDOW, total - at));
      hash[i] = hash[i] * 31 + hash_buffer (buffer);
      gst_buffer_unref (buffer);
    }
    gst_event_unref (wait_event (h, GST_EVENT_EOS));
    gst_harness_teardown (h);
  }
  fail_unless_equals_int (hash[0], hash[1]);
}

GST_END_TEST;

/* ---- Jumps ---- */

/* Back by ten seconds, with the flag and without: at once, and nothing is lost.
 */
GST_START_TEST (test_backwards)
{
  GstHarness *h = start ();
  GstBuffer *buffer;

  for (guint i = 0; i < 20; i++) {
    buffer = make_audio (i * 1600, 1600, RATE);
    GST_BUFFER_PTS (buffer) += 20 * GST_SECOND;
    push (h, buffer);
  }
  for (guint i = 20; i < 50; i++) {
    buffer = make_audio (i * 1600, 1600, RATE);
    GST_BUFFER_PTS (buffer) += 10 * GST_SECOND;
    if (i == 20 && __i__ == 0)
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    push (h, buffer);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 20 * RATE, 32000);
  gst_buffer_unref (buffer);
  buffer = gst_harness_pull (h);
  check_buffer (buffer, 12 * RATE, 48000);
  fail_unless (GST_BUFFER_IS_DISCONT (buffer));
  fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), 0);
  gst_buffer_unref (buffer);
  fail_unless_equals_uint64 (get_stat (h, "resyncs"), 1);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* ---- What does not fit ---- */

static void
push_odd_bytes (GstHarness * h)
{
  GstBuffer *buffer = make_audio (0, 1600, RATE);

  gst_buffer_set_size (buffer, 3199);
  gst_harness_push (h, buffer);
}

static void
push_one_byte (GstHarness * h)
{
  GstBuffer *buffer = make_audio (0, 1, RATE);

  gst_buffer_set_size (buffer, 1);
  gst_harness_push (h, buffer);
}

/* Three samples are one frame and a half. */
static void
push_half_frame (GstHarness * h)
{
  gst_harness_set_src_caps_str (h, STEREO_CAPS);
  gst_harness_push (h, make_audio (0, 3, RATE));
}

static void
push_planes_without_meta (GstHarness * h)
{
  gst_harness_set_src_caps_str (h, PLANAR_CAPS);
  gst_harness_push (h, make_audio (0, 1600, RATE));
}

static void
push_planes_as_interleaved (GstHarness * h)
{
  GstCaps *caps = gst_caps_from_string (PLANAR_CAPS);
  GstAudioInfo info;

  fail_unless (gst_audio_info_from_caps (&info, caps));
  gst_caps_unref (caps);
  gst_harness_set_src_caps_str (h, STEREO_CAPS);
  gst_harness_push (h, make_planes (&info, 0, 0));
}

static void
push_other_meta (GstHarness * h)
{
  GstBuffer *buffer = make_audio (0, 1600, RATE);
  GstAudioInfo info;

  gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_F32, 48000, 2, NULL);
  gst_buffer_add_audio_meta (buffer, &info, 400, NULL);
  gst_harness_push (h, buffer);
}

/* Cut after its metadata had been added. */
static void
push_cut_meta (GstHarness * h)
{
  GstBuffer *buffer = add_audio_meta (make_audio (0, 1600, RATE), 0);

  gst_buffer_set_size (buffer, 100);
  gst_harness_push (h, buffer);
}

/* As if it had been zero less a little. */
static void
push_negative_pts (GstHarness * h)
{
  GstBuffer *buffer = make_audio (0, 1600, RATE);

  GST_BUFFER_PTS (buffer) = 0 - 20 * GST_MSECOND;
  gst_harness_push (h, buffer);
}

/* Memory of a device that is gone: it cannot be mapped. */
typedef GstAllocator GoneAllocator;
typedef GstAllocatorClass GoneAllocatorClass;

static GType gone_allocator_get_type (void);
G_DEFINE_TYPE (GoneAllocator, gone_allocator, GST_TYPE_ALLOCATOR);

static void
gone_allocator_free (GstAllocator * allocator, GstMemory * memory)
{
  g_free (memory);
}

static gpointer
gone_allocator_map (GstMemory * memory, gsize size, GstMapFlags flags)
{
  return NULL;
}

static void
gone_allocator_class_init (GoneAllocatorClass * klass)
{
  klass->free = gone_allocator_free;
}

static void
gone_allocator_init (GoneAllocator * allocator)
{
  allocator->mem_type = "gone";
  allocator->mem_map = gone_allocator_map;
}

static void
push_gone_memory (GstHarness * h)
{
  GstAllocator *allocator = g_object_new (gone_allocator_get_type (), NULL);
  GstMemory *memory = g_new0 (GstMemory, 1);
  GstBuffer *buffer = gst_buffer_new ();

  gst_memory_init (memory, GST_MEMORY_FLAG_NO_SHARE, allocator, NULL, 3200, 0,
      0, 3200);
  gst_buffer_append_memory (buffer, memory);
  gst_harness_push (h, buffer);
  gst_object_unref (allocator);
}

static void
push_reversed_segment (GstHarness * h)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 59 * GST_SECOND;
  segment.stop = 2 * GST_SECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
}

static const struct
{
  const gchar *name;
  void (*push) (GstHarness * h);
  gint code;
} bad[] = {
  {"odd bytes", push_odd_bytes, GST_STREAM_ERROR_FAILED},
  {"one byte", push_one_byte, GST_STREAM_ERROR_FAILED},
  {"half a frame", push_half_frame, GST_STREAM_ERROR_FAILED},
  {"planes without metadata", push_planes_without_meta,
      GST_STREAM_ERROR_FAILED},
  {"planes where there should be none", push_planes_as_interleaved,
      GST_STREAM_ERROR_FAILED},
  {"metadata of another format", push_other_meta, GST_STREAM_ERROR_FAILED},
  {"cut after metadata", push_cut_meta, GST_STREAM_ERROR_FAILED},
  {"negative PTS", push_negative_pts, GST_STREAM_ERROR_FAILED},
  {"memory that cannot be read", push_gone_memory, GST_STREAM_ERROR_FAILED},
  {"segment that ends before it starts", push_reversed_segment,
      GST_STREAM_ERROR_FORMAT},
};

/* One error, whatever else comes, and no window. */
GST_START_TEST (test_bad)
{
  GstHarness *h = start ();
  GstBus *bus = gst_bus_new ();
  GQuark domain = 0;
  gint code = -1;

  gst_element_set_bus (h->element, bus);
  bad[__i__].push (h);
  fail_unless (count_errors (bus, &domain, &code) == 1, "%s: not one error",
      bad[__i__].name);
  fail_unless (domain == GST_STREAM_ERROR && code == bad[__i__].code,
      "%s: %s %d", bad[__i__].name, g_quark_to_string (domain), code);
  gst_harness_push_event (h, gst_event_new_eos ());
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
buffers_suite (void)
{
  Suite *s = suite_create ("buffers");
  TCase *tc = tcase_create ("general");

  use_small_model ("buffers-test.safetensors");
  suite_add_tcase (s, tc);
  watch_leaks (tc);
  tcase_add_checked_fixture (tc, measure_plain, NULL);
  tcase_add_loop_test (tc, test_same, 0, G_N_ELEMENTS (same));
  tcase_add_loop_test (tc, test_planes, 0, G_N_ELEMENTS (pads));
  tcase_add_loop_test (tc, test_backwards, 0, 2);
  tcase_add_loop_test (tc, test_bad, 0, G_N_ELEMENTS (bad));
  tcase_add_test (tc, test_large);
  return s;
}

GST_CHECK_MAIN (buffers);
