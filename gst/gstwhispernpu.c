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
 * Shorter windows run with a shorter audio context of the model: the first rows
 * of its position table, and attention over the window alone. Their cost and
 * the latency fall with them; the model was trained on 30 s, and its features
 * change with what it can see. With #GstWhisperNpu:hop-duration windows
 * overlap: 30 s with a hop of 1 s encode the last 30 s again each second.
 *
 * The PTS of a buffer is the time of its window's first sample, its duration
 * the audio that is really in it, also where the next window starts before its
 * end. OFFSET is the index of its first position since the last discontinuity,
 * OFFSET_END the index after the last position that holds audio; rows beyond
 * that are of padding.
 *
 * Up to a second that is missing, as a GAP event or a jump of the time stamps
 * tells, is silence in the window; a longer hole ends it, as a jump back does.
 *
 * In a live pipeline with a synchronising sink after this element, the whole
 * pipeline waits for a window. Give the sink `sync=false` where other branches
 * must not be late.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=talk.opus ! decodebin ! whispernpu ! fakesink
 * gst-launch-1.0 -m autoaudiosrc ! whispernpu window-duration=5000000000 \
 *     late=drop post-messages=true ! fakesink
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

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_NPU_AUDIO_INPUT_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_NPU_FEATURES_CAPS));

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

static void
gst_whisper_npu_end_load (GstWhisperNpu * self, GstNpuLoadState state)
{
  if (state == GST_NPU_LOAD_DONE)
    gst_whisper_npu_end_progress (self, GST_PROGRESS_TYPE_COMPLETE,
        "The model is loaded");
  else
    gst_whisper_npu_end_progress (self, GST_PROGRESS_TYPE_ERROR,
        "The model could not be loaded");
}

/* A load that was given up in PAUSED->READY still runs, and somebody waits for
 * it again. It may end at any moment of this. */
static void
gst_whisper_npu_resume_progress (GstWhisperNpu * self)
{
  GstNpuLoadState state;

  g_mutex_lock (&self->lock);
  self->load_announced = TRUE;
  state = self->load_state;
  g_mutex_unlock (&self->lock);
  if (state != GST_NPU_LOAD_RUNNING)
    gst_whisper_npu_end_load (self, state);
}

static gpointer
gst_whisper_npu_load (gpointer data)
{
  GstWhisperNpu *self = data;
  struct npu_encoder *encoder;

  encoder = gst_npu_loader_load (&self->loader, GST_ELEMENT (self),
      gst_whisper_npu_profile_nick (self->opened_profile),
      self->window_positions);

  g_mutex_lock (&self->lock);
  self->encoder = encoder;
  self->load_state = encoder != NULL ? GST_NPU_LOAD_DONE : GST_NPU_LOAD_FAILED;
  if (encoder != NULL)
    gst_npu_queue_set_ready (self->queue, TRUE);
  else
    gst_npu_queue_fail (self->queue);
  g_mutex_unlock (&self->lock);

  gst_whisper_npu_end_load (self, encoder != NULL ? GST_NPU_LOAD_DONE :
      GST_NPU_LOAD_FAILED);
  if (encoder != NULL)
    g_object_notify (G_OBJECT (self), "active-profile");
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

  /* nobody waits for a load that still runs */
  if (self->loader.model != NULL)
    npu_model_cancel (self->loader.model);
  gst_whisper_npu_join (self);
  g_mutex_lock (&self->lock);
  encoder = g_steal_pointer (&self->encoder);
  loader = self->loader;
  memset (&self->loader, 0, sizeof (self->loader));
  self->load_state = GST_NPU_LOAD_NONE;
  self->encode_time = 0;
  g_mutex_unlock (&self->lock);
  npu_encoder_close (&encoder);
  gst_npu_loader_close (&loader);
  npu_mel_close (&self->sink.mel);
}

/* Positions of the windows that the settings ask for, if the model has as many
 * and they leave no audio out. Else posts one error and returns FALSE. */
static gboolean
gst_whisper_npu_fit_windows (GstWhisperNpu * self,
    const GstNpuSettings * settings, const struct npu_model_info *model,
    guint * window, guint * hop)
{
  const guint least = GST_SECOND / GST_NPU_POSITION_TIME;

  gst_whisper_npu_settings_positions (settings, model->n_ctx, window, hop);
  if (model->n_ctx < least) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
        ("%s: the position table has %u rows, %u ms of audio; a window has 1 s "
            "at least, %u rows. Take another model.", model->path,
            model->n_ctx, 20 * model->n_ctx, least), (NULL));
    return FALSE;
  }
  if (*window > model->n_ctx) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
        ("window-duration, %u ms, is longer than the position table of %s, %u "
            "rows, %u ms. Set window-duration=%" G_GUINT64_FORMAT " or less, "
            "or leave it unset for that.", 20 * *window, model->path,
            model->n_ctx, 20 * model->n_ctx,
            model->n_ctx * GST_NPU_POSITION_TIME), (NULL));
    return FALSE;
  }
  if (*hop > *window) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
        ("hop-duration, %u ms, is longer than window-duration, %u ms%s: the "
            "audio between two windows would be lost.", 20 * *hop,
            20 * *window, settings->window_set
            || *window == NPU_WINDOW_POSITIONS ? "" :
            " with this model's short position table"), (NULL));
    return FALSE;
  }
  return TRUE;
}

/* The log-mel front end for these windows. Posts one error on failure. */
static gboolean
gst_whisper_npu_open_mel (GstWhisperNpu * self, GstWhisperNpuProfile profile,
    guint n_mels, guint window, guint hop)
{
  const struct npu_mel_params params = {.n_mels = n_mels,
    .arithmetic = profile == GST_WHISPER_NPU_PROFILE_NPU ?
        NPU_MEL_S16 : NPU_MEL_F32,
    .window_positions = window,.hop_positions = hop
  };

  if (npu_mel_open (&self->sink.mel, &params) == 0)
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
      ("No memory for the log-mel front end."), (NULL));
  return FALSE;
}

/* NULL->READY: everything that is quick and can go wrong. */
static gboolean
gst_whisper_npu_open (GstWhisperNpu * self)
{
  GstNpuLoader loader;
  GstNpuSettings settings;
  guint window, hop, said, said_hop;
  gboolean ok, changed;

  GST_OBJECT_LOCK (self);
  settings = self->settings;
  settings.model_file = g_strdup (settings.model_file);
  self->settings_changed = FALSE;
  GST_OBJECT_UNLOCK (self);

  memset (&loader, 0, sizeof (loader));
  ok = gst_npu_loader_open (&loader, GST_ELEMENT (self), settings.model_file,
      gst_whisper_npu_device_nick (settings.device), settings.threads);
  g_free (settings.model_file);
  if (!ok)
    return FALSE;
  if (!gst_whisper_npu_fit_windows (self, &settings, &loader.model_info,
          &window, &hop) ||
      !gst_whisper_npu_open_mel (self, settings.profile,
          loader.model_info.n_mels, window, hop)) {
    gst_npu_loader_close (&loader);
    return FALSE;
  }
  gst_npu_features_init (&self->src.features, window, loader.model_info.d_model,
      hop);
  self->sink.trim = settings.context == GST_WHISPER_NPU_CONTEXT_AUTO;
  /* what a LATENCY query was answered with until now */
  gst_whisper_npu_settings_positions (&settings, NPU_WINDOW_POSITIONS, &said,
      &said_hop);
  g_mutex_lock (&self->lock);
  self->loader = loader;
  self->opened_profile = settings.profile;
  changed = said != window || said_hop != hop ||
      (self->window_positions != 0 &&
      (window != self->window_positions || hop != self->hop_positions));
  self->window_positions = window;
  self->hop_positions = hop;
  memset (&self->counts, 0, sizeof (self->counts));
  self->encode_time = 0;
  g_mutex_unlock (&self->lock);
  gst_npu_queue_reset_counts (self->queue);
  g_object_notify (G_OBJECT (self), "active-device");
  g_object_notify (G_OBJECT (self), "active-model");
  if (changed)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_latency (GST_OBJECT (self)));
  return TRUE;
}

/* READY->PAUSED: read the weights in a thread; the task waits for them. */
static gboolean
gst_whisper_npu_prepare (GstWhisperNpu * self)
{
  GstNpuLoadState state;
  gboolean changed;

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
  state = self->load_state;
  g_mutex_unlock (&self->lock);
  if (state == GST_NPU_LOAD_DONE)
    return TRUE;

  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_progress (GST_OBJECT (self), GST_PROGRESS_TYPE_START,
          "open", "Loading the model"));
  if (state == GST_NPU_LOAD_RUNNING) {
    gst_whisper_npu_resume_progress (self);
    return TRUE;
  }
  gst_whisper_npu_join (self);  /* of a load that failed */
  g_mutex_lock (&self->lock);
  self->load_state = GST_NPU_LOAD_RUNNING;
  gst_npu_queue_set_ready (self->queue, FALSE);
  self->load_announced = TRUE;
  g_mutex_unlock (&self->lock);
  self->load_thread = g_thread_new ("whispernpu-load", gst_whisper_npu_load,
      self);
  return TRUE;
}

static GstStateChangeReturn
gst_whisper_npu_change_state (GstElement * element, GstStateChange transition)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (element);
  GstStateChangeReturn ret;

  GST_DEBUG_OBJECT (self, "%s", gst_state_change_get_name (transition));
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

static void
gst_whisper_npu_finalize (GObject * object)
{
  GstWhisperNpu *self = GST_WHISPER_NPU (object);

  gst_npu_audio_input_free (self->sink.input);
  gst_npu_features_clear (&self->src.features);
  g_free (self->settings.model_file);
  gst_npu_queue_free (self->queue);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_whisper_npu_parent_class)->finalize (object);
}

static void
gst_whisper_npu_init (GstWhisperNpu * self)
{
  self->settings.device = GST_WHISPER_NPU_DEVICE_AUTO;
  self->settings.profile = GST_WHISPER_NPU_PROFILE_AUTO;
  self->settings.window_duration = GST_NPU_MAX_WINDOW_TIME;
  g_mutex_init (&self->lock);
  self->queue = gst_npu_queue_new ();
  g_queue_init (&self->src.windows);
  self->sink.input = gst_npu_audio_input_new ();
  gst_segment_init (&self->sink.segment, GST_FORMAT_UNDEFINED);

  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_whisper_npu_init_sink (self);
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);
  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_whisper_npu_init_src (self);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
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

  object_class->finalize = GST_DEBUG_FUNCPTR (gst_whisper_npu_finalize);
  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_whisper_npu_change_state);

  gst_whisper_npu_install_properties (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Whisper encoder",
      "Filter/Analyzer/Audio",
      "Turns any audio into Whisper encoder features: a row of float32 for "
      "each 20 ms, a buffer for each window of 30 s or less",
      "The whispernpu authors");
}
