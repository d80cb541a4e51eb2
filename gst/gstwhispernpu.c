/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-whispernpu
 * @title: whispernpu
 *
 * Turns any raw audio into the features of a Whisper encoder. Audio is mixed to
 * mono, resampled to 16 kHz and cut into windows of 30 s; the last one is
 * padded with silence. Each window gives one buffer of 1500 positions (20 ms
 * each) by as many float32 columns as the model is wide.
 *
 * The PTS of a buffer is the time of its window's first sample, its duration
 * the audio that is really in it; OFFSET and OFFSET_END count positions since
 * the last discontinuity.
 *
 * In a live pipeline with a synchronising sink behind this element, the whole
 * pipeline waits for a window. Give the sink `sync=false` where other branches
 * must not be late.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=talk.opus ! decodebin ! whispernpu ! fakesink
 * ]|
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "element.h"

GST_DEBUG_CATEGORY (gst_whisper_npu_debug);
#define GST_CAT_DEFAULT gst_whisper_npu_debug
GST_DEBUG_CATEGORY_STATIC (gst_whisper_npu_core_debug);

#define DEFAULT_DEVICE GST_WHISPER_NPU_DEVICE_AUTO
#define DEFAULT_PROFILE GST_WHISPER_NPU_PROFILE_AUTO
#define DEFAULT_THREADS 0
#define MAX_THREADS 256

enum
{
  PROP_0,
  PROP_MODEL_FILE,
  PROP_DEVICE,
  PROP_PROFILE,
  PROP_THREADS,
  PROP_ACTIVE_DEVICE,
  PROP_ACTIVE_PROFILE,
  PROP_ACTIVE_MODEL,
  PROP_STATS,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_NPU_AUDIO_INPUT_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_NPU_FEATURES_CAPS));

/* Values stay in every build; one that cannot work says so when it is used. */
static const GEnumValue device_values[] = {
  {GST_WHISPER_NPU_DEVICE_AUTO, "The fastest device that works here", "auto"},
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

G_DEFINE_TYPE (GstWhisperNpu, gst_whisper_npu, GST_TYPE_ELEMENT);
GST_ELEMENT_REGISTER_DEFINE (whispernpu, "whispernpu", GST_RANK_NONE,
    GST_TYPE_WHISPER_NPU);

/* npu_log_fn */
static void
gst_whisper_npu_log (void *user, enum npu_log_level level, const char *text)
{
  static const GstDebugLevel levels[] = {
    [NPU_LOG_ERROR] = GST_LEVEL_ERROR,
    [NPU_LOG_WARNING] = GST_LEVEL_WARNING,
    [NPU_LOG_INFO] = GST_LEVEL_INFO,
    [NPU_LOG_DEBUG] = GST_LEVEL_DEBUG,
  };

  GST_CAT_LEVEL_LOG (gst_whisper_npu_core_debug, levels[level], NULL, "%s",
      text);
}

static const gchar *
gst_whisper_npu_profile_nick (GstWhisperNpuProfile profile)
{
  return profile_values[profile].value_nick;
}

/* Post PROGRESS COMPLETE, CANCELED or ERROR for a START, once. */
static void
gst_whisper_npu_end_progress (GstWhisperNpu * self, GstProgressType type,
    const gchar * text)
{
  gboolean announced;

  g_mutex_lock (&self->lock);
  announced = self->load_announced;
  self->load_announced = FALSE;
  g_mutex_unlock (&self->lock);
  if (announced)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_progress (GST_OBJECT (self), type, "open", text));
}

static gpointer
gst_whisper_npu_load (gpointer data)
{
  GstWhisperNpu *self = data;
  struct npu_encoder *encoder;

  encoder = gst_npu_loader_load (&self->loader, GST_ELEMENT (self),
      gst_whisper_npu_profile_nick (self->opened_profile));

  g_mutex_lock (&self->lock);
  self->encoder = encoder;
  self->load_state = encoder != NULL ? GST_NPU_LOAD_DONE : GST_NPU_LOAD_FAILED;
  if (encoder == NULL && self->srcresult == GST_FLOW_OK) {
    self->srcresult = GST_FLOW_ERROR;
    self->error_posted = TRUE;
  }
  g_cond_broadcast (&self->item_add);
  g_cond_broadcast (&self->item_del);
  g_mutex_unlock (&self->lock);

  if (encoder != NULL) {
    gst_whisper_npu_end_progress (self, GST_PROGRESS_TYPE_COMPLETE,
        "The model is loaded");
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ACTIVE_PROFILE]);
  } else {
    gst_whisper_npu_end_progress (self, GST_PROGRESS_TYPE_ERROR,
        "The model could not be loaded");
  }
  return NULL;
}

static void
gst_whisper_npu_join (GstWhisperNpu * self)
{
  GThread *thread;

  g_mutex_lock (&self->lock);
  thread = g_steal_pointer (&self->load_thread);
  g_mutex_unlock (&self->lock);
  if (thread != NULL)
    g_thread_join (thread);
}

static void
gst_whisper_npu_close (GstWhisperNpu * self)
{
  struct npu_encoder *encoder;
  GstNpuLoader loader;

  gst_whisper_npu_join (self);
  g_mutex_lock (&self->lock);
  encoder = g_steal_pointer (&self->encoder);
  loader = self->loader;
  memset (&self->loader, 0, sizeof (self->loader));
  self->load_state = GST_NPU_LOAD_NONE;
  self->encode_time = GST_NPU_MIN_ENCODE_TIME;
  g_mutex_unlock (&self->lock);
  npu_encoder_close (&encoder);
  gst_npu_loader_close (&loader);
  npu_mel_close (&self->mel);
}

/* NULL->READY: everything that is quick and can go wrong. */
static gboolean
gst_whisper_npu_open (GstWhisperNpu * self)
{
  GstNpuLoader loader;
  gchar *model_file;
  const gchar *device;
  struct npu_mel_params mel_params = { 0 };
  guint threads;
  gboolean ok;

  GST_OBJECT_LOCK (self);
  model_file = g_strdup (self->model_file);
  self->opened_profile = self->profile;
  mel_params.arithmetic = self->profile == GST_WHISPER_NPU_PROFILE_NPU ?
      NPU_MEL_S16 : NPU_MEL_F32;
  device = device_values[self->device].value_nick;
  threads = self->threads;
  self->settings_changed = FALSE;
  GST_OBJECT_UNLOCK (self);

  memset (&loader, 0, sizeof (loader));
  ok = gst_npu_loader_open (&loader, GST_ELEMENT (self), model_file, device,
      threads);
  g_free (model_file);
  if (!ok)
    return FALSE;
  mel_params.n_mels = loader.model_info.n_mels;
  if (npu_mel_open (&self->mel, &mel_params) != 0) {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
        ("No memory for the log-mel front end."), (NULL));
    gst_npu_loader_close (&loader);
    return FALSE;
  }
  gst_npu_features_init (&self->features, NPU_WINDOW_POSITIONS,
      loader.model_info.d_model);
  g_mutex_lock (&self->lock);
  self->loader = loader;
  self->windows = self->positions = self->dropped = 0;
  self->audio_time = self->mel_time = 0;
  self->resyncs = self->conversions = 0;
  self->encode_time = GST_NPU_MIN_ENCODE_TIME;
  g_mutex_unlock (&self->lock);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ACTIVE_DEVICE]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ACTIVE_MODEL]);
  return TRUE;
}

/* READY->PAUSED: read the weights in a thread; the task waits for them. */
static gboolean
gst_whisper_npu_prepare (GstWhisperNpu * self)
{
  gboolean changed, load;

  GST_OBJECT_LOCK (self);
  changed = self->settings_changed;
  GST_OBJECT_UNLOCK (self);
  /* without a model the last try to apply a change has failed */
  if (changed || self->loader.model == NULL) {
    gst_whisper_npu_close (self);
    if (!gst_whisper_npu_open (self))
      return FALSE;
  }
  g_mutex_lock (&self->lock);
  load = self->load_state == GST_NPU_LOAD_NONE ||
      self->load_state == GST_NPU_LOAD_FAILED;
  g_mutex_unlock (&self->lock);
  if (!load)
    return TRUE;

  gst_whisper_npu_join (self);  /* of a load that failed */
  g_mutex_lock (&self->lock);
  self->load_state = GST_NPU_LOAD_RUNNING;
  self->load_announced = TRUE;
  g_mutex_unlock (&self->lock);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_progress (GST_OBJECT (self), GST_PROGRESS_TYPE_START,
          "open", "Loading the model"));
  self->load_thread = g_thread_new ("whispernpu-load", gst_whisper_npu_load,
      self);
  return TRUE;
}

static GstStateChangeReturn
gst_whisper_npu_change_state (GstElement * element, GstStateChange transition)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (element);
  GstStateChangeReturn ret;

  if ((transition == GST_STATE_CHANGE_NULL_TO_READY &&
          !gst_whisper_npu_open (self)) ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
          !gst_whisper_npu_prepare (self)))
    return GST_STATE_CHANGE_FAILURE;

  ret = GST_ELEMENT_CLASS (gst_whisper_npu_parent_class)->change_state (element,
      transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_whisper_npu_end_progress (self, GST_PROGRESS_TYPE_CANCELED,
        "Loading goes on without anyone waiting");
  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    gst_whisper_npu_close (self);
  return ret;
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

static void
gst_whisper_npu_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (object);

  GST_OBJECT_LOCK (self);
  self->settings_changed = TRUE;
  switch (id) {
    case PROP_MODEL_FILE:
      g_free (self->model_file);
      self->model_file = g_value_dup_string (value);
      break;
    case PROP_DEVICE:
      self->device = g_value_get_enum (value);
      break;
    case PROP_PROFILE:
      self->profile = g_value_get_enum (value);
      break;
    case PROP_THREADS:
      self->threads = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_whisper_npu_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (object);

  if (id == PROP_STATS) {
    g_value_take_boxed (value, gst_whisper_npu_stats (self));
    return;
  }
  if (id >= PROP_ACTIVE_DEVICE && id <= PROP_ACTIVE_MODEL) {
    g_value_take_string (value, gst_whisper_npu_active (self, id));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_MODEL_FILE:
      g_value_set_string (value, self->model_file);
      break;
    case PROP_DEVICE:
      g_value_set_enum (value, self->device);
      break;
    case PROP_PROFILE:
      g_value_set_enum (value, self->profile);
      break;
    case PROP_THREADS:
      g_value_set_uint (value, self->threads);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_whisper_npu_finalize (GObject * object)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (object);

  gst_npu_audio_input_free (self->input);
  gst_npu_features_clear (&self->features);
  g_free (self->model_file);
  g_cond_clear (&self->item_add);
  g_cond_clear (&self->item_del);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_whisper_npu_parent_class)->finalize (object);
}

static void
gst_whisper_npu_init (GstWhisperNpu * self)
{
  self->device = DEFAULT_DEVICE;
  self->profile = DEFAULT_PROFILE;
  self->threads = DEFAULT_THREADS;
  g_mutex_init (&self->lock);
  g_cond_init (&self->item_add);
  g_cond_init (&self->item_del);
  g_queue_init (&self->items);
  self->srcresult = GST_FLOW_FLUSHING;
  self->encode_time = GST_NPU_MIN_ENCODE_TIME;
  self->input = gst_npu_audio_input_new ();
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);

  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_whisper_npu_init_sink (self);
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);
  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_whisper_npu_init_src (self);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
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
   * The weights: a Hugging Face safetensors or whisper.cpp ggml file, or a name
   * like openai/whisper-small for what the Hugging Face cache holds. Unset:
   * $WHISPERNPU_MODEL, then default.safetensors in the user's and in the
   * installed data folder.
   *
   * Since: 0.1
   */
  properties[PROP_MODEL_FILE] = g_param_spec_string ("model-file",
      "Model file", "Weights file (safetensors or ggml), or owner/model in the "
      "Hugging Face cache; unset: the default model", NULL, flags);
  /**
   * GstWhisperNpu:device:
   *
   * What the encoder runs on. `active-device` tells what was taken.
   *
   * Since: 0.1
   */
  properties[PROP_DEVICE] = g_param_spec_enum ("device", "Device",
      "What the encoder runs on", GST_TYPE_WHISPER_NPU_DEVICE, DEFAULT_DEVICE,
      flags);
  /**
   * GstWhisperNpu:profile:
   *
   * The arithmetic. `active-profile` tells what was taken.
   *
   * Since: 0.1
   */
  properties[PROP_PROFILE] = g_param_spec_enum ("profile", "Profile",
      "Arithmetic of the encoder", GST_TYPE_WHISPER_NPU_PROFILE,
      DEFAULT_PROFILE, flags);
  /**
   * GstWhisperNpu:threads:
   *
   * Threads that work on a window; 0: one per processor this process may use.
   * The features do not depend on it.
   *
   * Since: 0.1
   */
  properties[PROP_THREADS] = g_param_spec_uint ("threads", "Threads",
      "CPU threads that work on a window (0 = one per processor)", 0,
      MAX_THREADS, DEFAULT_THREADS, flags);
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
   * * "dropped" #guint64: windows given up by a flush, a stop or an error
   * * "audio-time" #guint64: audio in the pushed windows, in ns
   * * "mel-time" #guint64: time spent in the log-mel front end, in ns
   * * "queued" #guint: windows that wait for the encoder now
   * * "resyncs" #guint64: jumps of the time stamps that ended a window
   * * "conversions" #guint64: input formats set up
   * * "device", "isa", "model" #gchararray, "threads" #guint: in use, from
   *   READY on
   *
   * and once the model is loaded:
   *
   * * "profile" #gchararray: arithmetic in use
   * * "load-time" #guint64: reading and packing the weights, in ns
   * * "encode-time" #guint64: encoding of all windows, in ns
   * * "encode-time-min", "encode-time-max" #guint64: of one window, in ns
   * * "real-time-factor" #gdouble: audio-time / encode-time
   * * "weight-bytes", "scratch-bytes" #guint64: memory held
   * * "stage-..." #guint64: time in one kind of stage of the encoder, in ns:
   *   conv1, conv2, norm-qkv, attention, out, norm-fc1, fc2, norm
   *
   * Since: 0.1
   */
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counts and times since READY, application/x-whispernpu-stats",
      GST_TYPE_STRUCTURE, flags);
}

static void
gst_whisper_npu_class_init (GstWhisperNpuClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_whisper_npu_debug, "whispernpu", 0,
      "Whisper encoder element");
  GST_DEBUG_CATEGORY_INIT (gst_whisper_npu_core_debug, "whispernpu-core", 0,
      "Whisper encoder core");
  npu_log_set (gst_whisper_npu_log, NULL);

  object_class->set_property = GST_DEBUG_FUNCPTR (gst_whisper_npu_set_property);
  object_class->get_property = GST_DEBUG_FUNCPTR (gst_whisper_npu_get_property);
  object_class->finalize = GST_DEBUG_FUNCPTR (gst_whisper_npu_finalize);
  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_whisper_npu_change_state);

  gst_whisper_npu_install_settings ();
  gst_whisper_npu_install_results ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Whisper encoder",
      "Filter/Analyzer/Audio",
      "Turns audio into Whisper encoder features, 1500 positions per 30 s",
      "The whispernpu authors");
  gst_type_mark_as_plugin_api (GST_TYPE_WHISPER_NPU_DEVICE, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_WHISPER_NPU_PROFILE, 0);
}
