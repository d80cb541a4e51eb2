/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The properties: what can be set, what can be read. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "element.h"

GST_DEBUG_CATEGORY_EXTERN (gst_whisper_npu_debug);
#define GST_CAT_DEFAULT gst_whisper_npu_debug

#define DEFAULT_THREADS 0
#define MAX_THREADS 256
#define MAX_MAX_WINDOWS 16
#define MIN_WINDOW_TIME (1 * GST_SECOND)

enum
{
  PROP_0,
  /* settings */
  PROP_MODEL_FILE,
  PROP_DEVICE,
  PROP_PROFILE,
  PROP_THREADS,
  PROP_WINDOW_DURATION,
  PROP_HOP_DURATION,
  PROP_CONTEXT,
  /* behaviour */
  PROP_LATE,
  PROP_MAX_WINDOWS,
  PROP_POST_MESSAGES,
  /* results */
  PROP_ACTIVE_DEVICE,
  PROP_ACTIVE_PROFILE,
  PROP_ACTIVE_MODEL,
  PROP_STATS,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

/* Values stay in every build; one that cannot work says so when it is used. */
static const GEnumValue device_values[] = {
  {GST_WHISPER_NPU_DEVICE_AUTO,
        "The fastest device that works here, in this version the processor",
      "auto"},
  {GST_WHISPER_NPU_DEVICE_CPU, "This machine's processor", "cpu"},
  {GST_WHISPER_NPU_DEVICE_NPU, "AMD Ryzen AI NPU (not in this version)", "npu"},
  {GST_WHISPER_NPU_DEVICE_SIM, "NPU simulator (not in this version)", "sim"},
  {0, NULL, NULL}
};

static const GEnumValue profile_values[] = {
  {GST_WHISPER_NPU_PROFILE_AUTO, "The device's best; int8 on a processor",
      "auto"},
  {GST_WHISPER_NPU_PROFILE_INT8, "8 and 16 bit integers, nearly lossless",
      "int8"},
  {GST_WHISPER_NPU_PROFILE_F32, "Exact to float precision", "f32"},
  {GST_WHISPER_NPU_PROFILE_NPU, "Integers only, as the kernels for an NPU "
        "compute; slow on a processor", "npu"},
  {0, NULL, NULL}
};

static const GEnumValue context_values[] = {
  {GST_WHISPER_NPU_CONTEXT_FULL, "Every window has its whole length, padded "
        "with silence", "full"},
  {GST_WHISPER_NPU_CONTEXT_AUTO, "The last window at EOS is trimmed to its "
        "audio and 64 positions", "auto"},
  {0, NULL, NULL}
};

static const GEnumValue late_values[] = {
  {GST_WHISPER_NPU_LATE_WAIT, "Hold upstream back until there is room", "wait"},
  {GST_WHISPER_NPU_LATE_DROP, "Skip the oldest waiting window of a live stream",
      "drop"},
  {0, NULL, NULL}
};

#define GST_TYPE_WHISPER_NPU_DEVICE (gst_whisper_npu_device_get_type ())
static GType
gst_whisper_npu_device_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstWhisperNpuDevice",
            device_values));
  return type;
}

#define GST_TYPE_WHISPER_NPU_PROFILE (gst_whisper_npu_profile_get_type ())
static GType
gst_whisper_npu_profile_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstWhisperNpuProfile",
            profile_values));
  return type;
}

#define GST_TYPE_WHISPER_NPU_CONTEXT (gst_whisper_npu_context_get_type ())
static GType
gst_whisper_npu_context_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstWhisperNpuContext",
            context_values));
  return type;
}

#define GST_TYPE_WHISPER_NPU_LATE (gst_whisper_npu_late_get_type ())
static GType
gst_whisper_npu_late_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstWhisperNpuLate",
            late_values));
  return type;
}

const gchar *
gst_whisper_npu_device_nick (GstWhisperNpuDevice device)
{
  return device_values[device].value_nick;
}

const gchar *
gst_whisper_npu_profile_nick (GstWhisperNpuProfile profile)
{
  return profile_values[profile].value_nick;
}

static guint
gst_whisper_npu_to_positions (GstClockTime time)
{
  return (time + GST_NPU_POSITION_TIME / 2) / GST_NPU_POSITION_TIME;
}

void
gst_whisper_npu_settings_positions (const GstNpuSettings * settings,
    guint most, guint * window, guint * hop)
{
  *window = gst_whisper_npu_to_positions (settings->window_duration);
  if (!settings->window_set)
    *window = MIN (*window, most);
  *hop = settings->hop_duration == 0 ? *window :
      MAX (1, gst_whisper_npu_to_positions (settings->hop_duration));
}

/* What is in use, "" while nothing is. (transfer full) */
static gchar *
gst_whisper_npu_active (GstWhisperNpu * self, guint id)
{
  const gchar *text = NULL;
  gchar *copy;

  g_mutex_lock (&self->lock);
  if (id == PROP_ACTIVE_DEVICE && self->loader.device != NULL)
    text = self->loader.device_info.name;
  if (id == PROP_ACTIVE_MODEL && self->loader.model != NULL)
    text = self->loader.model_info.path;
  if (id == PROP_ACTIVE_PROFILE && self->encoder != NULL) {
    struct npu_encoder_info info;

    npu_encoder_get_info (self->encoder, &info);
    text = info.profile;
  }
  copy = g_strdup (text != NULL ? text : "");
  g_mutex_unlock (&self->lock);
  return copy;
}

/* What is read when the element is opened. */
static void
gst_whisper_npu_set_setting (GstWhisperNpu * self, guint id,
    const GValue * value)
{
  GstNpuSettings *settings = &self->settings;
  guint window, hop, new_window, new_hop;

  GST_OBJECT_LOCK (self);
  gst_whisper_npu_settings_positions (settings, NPU_WINDOW_POSITIONS,
      &window, &hop);
  self->settings_changed = TRUE;
  switch (id) {
    case PROP_MODEL_FILE:
      g_free (settings->model_file);
      settings->model_file = g_value_dup_string (value);
      break;
    case PROP_DEVICE:
      settings->device = g_value_get_enum (value);
      break;
    case PROP_PROFILE:
      settings->profile = g_value_get_enum (value);
      break;
    case PROP_THREADS:
      settings->threads = g_value_get_uint (value);
      break;
    case PROP_WINDOW_DURATION:
      settings->window_duration = g_value_get_uint64 (value);
      settings->window_set = TRUE;
      break;
    case PROP_HOP_DURATION:
      settings->hop_duration = g_value_get_uint64 (value);
      break;
    case PROP_CONTEXT:
      settings->context = g_value_get_enum (value);
      break;
  }
  gst_whisper_npu_settings_positions (settings, NPU_WINDOW_POSITIONS,
      &new_window, &new_hop);
  GST_OBJECT_UNLOCK (self);
  if (new_window != window || new_hop != hop)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_latency (GST_OBJECT (self)));
}

/* Both are part of the latency, and upstream may wait for them to change. */
static void
gst_whisper_npu_set_queue (GstWhisperNpu * self, guint id, const GValue * value)
{
  gboolean changed;

  if (id == PROP_LATE)
    changed = gst_npu_queue_set_drop (self->queue,
        g_value_get_enum (value) == GST_WHISPER_NPU_LATE_DROP);
  else
    changed = gst_npu_queue_set_max_windows (self->queue,
        g_value_get_uint (value));
  if (changed)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_latency (GST_OBJECT (self)));
}

static void
gst_whisper_npu_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (object);

  switch (id) {
    case PROP_MODEL_FILE:
    case PROP_DEVICE:
    case PROP_PROFILE:
    case PROP_THREADS:
    case PROP_WINDOW_DURATION:
    case PROP_HOP_DURATION:
    case PROP_CONTEXT:
      gst_whisper_npu_set_setting (self, id, value);
      break;
    case PROP_LATE:
    case PROP_MAX_WINDOWS:
      gst_whisper_npu_set_queue (self, id, value);
      break;
    case PROP_POST_MESSAGES:
      g_atomic_int_set (&self->post_messages, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
}

static void
gst_whisper_npu_get_setting (GstWhisperNpu * self, guint id, GValue * value)
{
  const GstNpuSettings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_MODEL_FILE:
      g_value_set_string (value, settings->model_file);
      break;
    case PROP_DEVICE:
      g_value_set_enum (value, settings->device);
      break;
    case PROP_PROFILE:
      g_value_set_enum (value, settings->profile);
      break;
    case PROP_THREADS:
      g_value_set_uint (value, settings->threads);
      break;
    case PROP_WINDOW_DURATION:
      g_value_set_uint64 (value, settings->window_duration);
      break;
    case PROP_HOP_DURATION:
      g_value_set_uint64 (value, settings->hop_duration);
      break;
    case PROP_CONTEXT:
      g_value_set_enum (value, settings->context);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_whisper_npu_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (object);
  GstNpuQueueInfo queue;

  switch (id) {
    case PROP_MODEL_FILE:
    case PROP_DEVICE:
    case PROP_PROFILE:
    case PROP_THREADS:
    case PROP_WINDOW_DURATION:
    case PROP_HOP_DURATION:
    case PROP_CONTEXT:
      gst_whisper_npu_get_setting (self, id, value);
      break;
    case PROP_LATE:
      gst_npu_queue_get_info (self->queue, &queue);
      g_value_set_enum (value, queue.drop ? GST_WHISPER_NPU_LATE_DROP :
          GST_WHISPER_NPU_LATE_WAIT);
      break;
    case PROP_MAX_WINDOWS:
      gst_npu_queue_get_info (self->queue, &queue);
      g_value_set_uint (value, queue.max_windows);
      break;
    case PROP_POST_MESSAGES:
      g_value_set_boolean (value, g_atomic_int_get (&self->post_messages));
      break;
    case PROP_ACTIVE_DEVICE:
    case PROP_ACTIVE_PROFILE:
    case PROP_ACTIVE_MODEL:
      g_value_take_string (value, gst_whisper_npu_active (self, id));
      break;
    case PROP_STATS:
      g_value_take_boxed (value, gst_whisper_npu_stats (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
}

/* The settings: read in NULL->READY, or in READY->PAUSED after a change. */
static void
gst_whisper_npu_install_settings (void)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;

  /**
   * GstWhisperNpu:model-file:
   *
   * The weights: a Hugging Face safetensors file or a whisper.cpp ggml file,
   * also a whole model that holds a Whisper encoder among other things; the
   * index of a sharded model (*.safetensors.index.json); a folder with
   * model.safetensors or such an index; or a name like openai/whisper-small for
   * what the Hugging Face cache holds. Unset: $WHISPERNPU_MODEL, then
   * default.safetensors in the user's and in the installed data folder.
   *
   * Since: 0.1
   */
  properties[PROP_MODEL_FILE] = g_param_spec_string ("model-file",
      "Model file", "Weights file (safetensors or ggml), index of a sharded "
      "model, folder of one, or owner/model in the Hugging Face cache; unset: "
      "the default model", NULL, flags);
  /**
   * GstWhisperNpu:device:
   *
   * What the encoder runs on. `active-device` tells what was taken. `npu` and
   * `sim` are not in this version: the element does not open with them, and its
   * error says so.
   *
   * Since: 0.1
   */
  properties[PROP_DEVICE] = g_param_spec_enum ("device", "Device",
      "What the encoder runs on", GST_TYPE_WHISPER_NPU_DEVICE,
      GST_WHISPER_NPU_DEVICE_AUTO, flags);
  /**
   * GstWhisperNpu:profile:
   *
   * The arithmetic. `active-profile` tells what was taken.
   *
   * Since: 0.1
   */
  properties[PROP_PROFILE] = g_param_spec_enum ("profile", "Profile",
      "Arithmetic of the encoder", GST_TYPE_WHISPER_NPU_PROFILE,
      GST_WHISPER_NPU_PROFILE_AUTO, flags);
  /**
   * GstWhisperNpu:threads:
   *
   * Threads that work on a window; 0: one per processor this process may use,
   * by its affinity mask and the CPU quotas of its control groups. The features
   * do not depend on it.
   *
   * Since: 0.1
   */
  properties[PROP_THREADS] = g_param_spec_uint ("threads", "Threads",
      "CPU threads that work on a window (0 = one per processor it may use)", 0,
      MAX_THREADS, DEFAULT_THREADS, flags);
}

/* More settings: how the audio is cut. */
static void
gst_whisper_npu_install_windows (void)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;

  /**
   * GstWhisperNpu:window-duration:
   *
   * How much audio the encoder sees at once, in ns, rounded to 20 ms. Less than
   * 30 s is Whisper with a shorter audio context: buffers of 50 positions per
   * second of the window, so the caps say another size. Decides the latency.
   *
   * Unset it is 30 s, or less where the model's position table is shorter (400
   * rows are 8 s): `window-positions` in #GstWhisperNpu:stats is what is in
   * use. Set to more than the table, 30 s included, it is an error when the
   * element opens.
   *
   * Since: 0.1
   */
  properties[PROP_WINDOW_DURATION] = g_param_spec_uint64 ("window-duration",
      "Window duration", "Audio that is encoded at once, in ns, rounded to "
      "20 ms; the model was trained on 30 s; unset: that, or what a model with "
      "a shorter position table allows", MIN_WINDOW_TIME,
      GST_NPU_MAX_WINDOW_TIME, GST_NPU_MAX_WINDOW_TIME, flags);
  /**
   * GstWhisperNpu:hop-duration:
   *
   * From the start of a window to that of the next, in ns, rounded to 20 ms;
   * 0: a window. Less than a window makes them overlap: each is encoded whole,
   * so a hop of a tenth costs ten times as much. More than a window is an error
   * when the element opens. At the end of a stream there is one more window if
   * the ones before did not hold all the audio.
   *
   * Since: 0.1
   */
  properties[PROP_HOP_DURATION] = g_param_spec_uint64 ("hop-duration",
      "Hop duration", "From the start of a window to that of the next, in ns, "
      "rounded to 20 ms; 0 = a window, less makes them overlap", 0,
      GST_NPU_MAX_WINDOW_TIME, 0, flags);
  /**
   * GstWhisperNpu:context:
   *
   * `full`: a short last window is padded with silence to the whole length, as
   * Whisper was trained. `auto`: at EOS and SEGMENT_DONE it is trimmed to its
   * audio and 64 positions of silence, which costs less; new caps come before
   * its buffer, and those of whole windows before the segment of a next stream.
   *
   * Since: 0.1
   */
  properties[PROP_CONTEXT] = g_param_spec_enum ("context", "Context",
      "Length of the last window, which is seldom full",
      GST_TYPE_WHISPER_NPU_CONTEXT, GST_WHISPER_NPU_CONTEXT_FULL, flags);
}

/* What a running element can be told. */
static void
gst_whisper_npu_install_behaviour (void)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_PLAYING;

  /**
   * GstWhisperNpu:late:
   *
   * What happens when a window is full and `max-windows` others still wait for
   * the encoder. `wait`: upstream waits too; nothing is lost, and a live source
   * may drop audio of its own. `drop`: where upstream is live, the window that
   * has waited longest is skipped; a GAP event stands in its place, a QOS
   * message tells the application, `stats` counts it as "skipped", and the next
   * buffer is a DISCONT. The greatest latency that is announced is then the
   * element's own, as upstream is never held back. Where upstream is not live,
   * `drop` waits too.
   *
   * Since: 0.1
   */
  properties[PROP_LATE] = g_param_spec_enum ("late", "When late",
      "What to do when windows come faster than they are encoded and "
      "max-windows wait",
      GST_TYPE_WHISPER_NPU_LATE, GST_WHISPER_NPU_LATE_WAIT, flags);
  /**
   * GstWhisperNpu:max-windows:
   *
   * Windows that may wait for the encoder before `late` says what to do; one
   * more is being filled and one encoded. Each takes 0.96 MB (80 mel bands) or
   * 1.5 MB (128) of memory for 30 s. Part of the greatest latency that is
   * announced.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_WINDOWS] = g_param_spec_uint ("max-windows",
      "Maximum windows", "Windows that may wait for the encoder", 1,
      MAX_MAX_WINDOWS, GST_NPU_DEFAULT_MAX_WINDOWS, flags);
  /**
   * GstWhisperNpu:post-messages:
   *
   * Post an element message for each window, just before its buffer is pushed:
   * a structure whispernpu with
   *
   * * "timestamp" #guint64: PTS of the buffer
   * * "stream-time", "running-time" #guint64: the same in these times
   * * "duration" #guint64: of the audio in it, in ns
   * * "offset", "offset-end" #guint64: its positions, counted since the last
   *   discontinuity
   * * "positions" #guint: rows of the buffer, padding included
   * * "discont" #gboolean: does not continue the window before
   * * "encode-time" #guint64: that the encoder took, in ns
   * * "queued" #guint: windows that wait for the encoder
   *
   * Since: 0.1
   */
  properties[PROP_POST_MESSAGES] = g_param_spec_boolean ("post-messages",
      "Post messages",
      "Post an element message \"whispernpu\" for each window: "
      "timestamp, stream-time, running-time, duration, encode-time (ns), "
      "offset, offset-end, positions, discont, queued", FALSE, flags);
}

static void
gst_whisper_npu_install_results (void)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  /**
   * GstWhisperNpu:active-device:
   *
   * Since: 0.1
   */
  properties[PROP_ACTIVE_DEVICE] = g_param_spec_string ("active-device",
      "Active device", "Device in use, from READY on, else empty", "", flags);
  /**
   * GstWhisperNpu:active-profile:
   *
   * Since: 0.1
   */
  properties[PROP_ACTIVE_PROFILE] = g_param_spec_string ("active-profile",
      "Active profile", "Arithmetic in use, once the model is loaded, else "
      "empty", "", flags);
  /**
   * GstWhisperNpu:active-model:
   *
   * Since: 0.1
   */
  properties[PROP_ACTIVE_MODEL] = g_param_spec_string ("active-model",
      "Active model", "Weights file in use, from READY on, else empty", "",
      flags);
  /**
   * GstWhisperNpu:stats:
   *
   * What was done since READY, a structure application/x-whispernpu-stats:
   *
   * * "windows" #guint64: windows encoded and pushed
   * * "positions" #guint64: positions of real audio in them, 20 ms each
   * * "dropped" #guint64: windows given up by a flush, a stop or an error, or
   *   that downstream did not take
   * * "skipped" #guint64: windows skipped for being late
   * * "resyncs" #guint64: jumps of the time stamps that ended a window
   * * "conversions" #guint64: input formats set up
   * * "queued", "queued-max" #guint: windows that wait for the encoder now, and
   *   the most that ever did
   * * "audio-time" #guint64: audio in the pushed windows, in ns; where they
   *   overlap it counts once, "positions" count each time
   * * "silence-time" #guint64: silence put in place of what did not come, told
   *   of by a GAP event or a jump of the time stamps, in ns
   * * "mel-time" #guint64: time spent in the log-mel front end, in ns
   * * "blocked-time" #guint64: time upstream had to wait for room, in ns
   * * "push-time" #guint64: time downstream took for the buffers, in ns
   * * "device", "isa", "model" #gchararray, "threads" #guint: in use, from
   *   READY on
   * * "window-positions", "hop-positions" #guint: in use, from READY on
   * * "device-note" #gchararray: a sentence where the device is slower than it
   *   could be, and why, as a processor without fused multiply-add; else empty.
   *   From READY on
   *
   * and once the model is loaded:
   *
   * * "profile" #gchararray: arithmetic in use
   * * "load-time" #guint64: reading and packing the weights, in ns
   * * "encode-time" #guint64: encoding of all windows, in ns
   * * "encode-time-min", "encode-time-max", "encode-time-last" #guint64: of one
   *   window, in ns
   * * "real-time-factor" #gdouble: audio-time / encode-time
   * * "weight-bytes", "scratch-bytes" #guint64: memory held
   * * "stage-..." #guint64: time in one kind of stage of the encoder, in ns:
   *   conv1, conv2, norm-qkv, attention, out, norm-fc1, fc2, norm
   *
   * A flush clears none of them.
   *
   * Since: 0.1
   */
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counts, and times in ns, since READY; application/x-whispernpu-stats",
      GST_TYPE_STRUCTURE, flags);
}

void
gst_whisper_npu_install_properties (GObjectClass * klass)
{
  klass->set_property = GST_DEBUG_FUNCPTR (gst_whisper_npu_set_property);
  klass->get_property = GST_DEBUG_FUNCPTR (gst_whisper_npu_get_property);
  gst_whisper_npu_install_settings ();
  gst_whisper_npu_install_windows ();
  gst_whisper_npu_install_behaviour ();
  gst_whisper_npu_install_results ();
  g_object_class_install_properties (klass, N_PROPERTIES, properties);
  gst_type_mark_as_plugin_api (GST_TYPE_WHISPER_NPU_DEVICE, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_WHISPER_NPU_PROFILE, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_WHISPER_NPU_CONTEXT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_WHISPER_NPU_LATE, 0);
}
