/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The `stats` property; its fields are documented where it is installed. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "element.h"

/* With the lock held. */
static void
gst_whisper_npu_add_encoder_stats (GstWhisperNpu * self, GstStructure * stats)
{
  struct npu_encoder_info info;
  struct npu_stats core;

  npu_encoder_get_info (self->encoder, &info);
  npu_encoder_get_stats (self->encoder, &core);
  gst_structure_set (stats, "profile", G_TYPE_STRING, info.profile,
      "load-time", G_TYPE_UINT64, (guint64) info.load_ns,
      "encode-time", G_TYPE_UINT64, (guint64) core.total_ns,
      "encode-time-min", G_TYPE_UINT64, (guint64) core.min_ns,
      "encode-time-max", G_TYPE_UINT64, (guint64) core.max_ns,
      "encode-time-last", G_TYPE_UINT64, (guint64) core.last_ns,
      "real-time-factor", G_TYPE_DOUBLE, core.total_ns == 0 ? 0.0 :
      (gdouble) self->counts.audio_time / core.total_ns,
      "weight-bytes", G_TYPE_UINT64, (guint64) info.weight_bytes,
      "scratch-bytes", G_TYPE_UINT64, (guint64) info.scratch_bytes, NULL);
  for (guint i = 0; i < core.n_stages; i++) {
    gchar *name = g_strdup_printf ("stage-%s", core.stage[i].name);

    /* "norm+qkv" would not survive a structure's string form */
    gst_structure_set (stats, g_strdelimit (name, "+", '-'), G_TYPE_UINT64,
        (guint64) core.stage[i].total_ns, NULL);
    g_free (name);
  }
}

GstStructure *
gst_whisper_npu_stats (GstWhisperNpu * self)
{
  const GstNpuCounts *counts = &self->counts;
  GstNpuQueueInfo queue;
  GstStructure *stats;

  gst_npu_queue_get_info (self->queue, &queue);
  g_mutex_lock (&self->lock);
  stats = gst_structure_new ("application/x-whispernpu-stats",
      "windows", G_TYPE_UINT64, counts->windows,
      "positions", G_TYPE_UINT64, counts->positions,
      "dropped", G_TYPE_UINT64, counts->dropped + queue.dropped,
      "skipped", G_TYPE_UINT64, queue.skipped,
      "resyncs", G_TYPE_UINT64, counts->resyncs,
      "conversions", G_TYPE_UINT64, counts->conversions,
      "queued", G_TYPE_UINT, queue.n_windows,
      "queued-max", G_TYPE_UINT, queue.queued_max,
      "audio-time", G_TYPE_UINT64, counts->audio_time,
      "silence-time", G_TYPE_UINT64, counts->silence_time,
      "mel-time", G_TYPE_UINT64, counts->mel_time,
      "blocked-time", G_TYPE_UINT64, queue.blocked_time,
      "push-time", G_TYPE_UINT64, counts->push_time, NULL);
  if (self->loader.device != NULL)
    gst_structure_set (stats,
        "device", G_TYPE_STRING, self->loader.device_info.name,
        "isa", G_TYPE_STRING, self->loader.device_info.isa,
        "threads", G_TYPE_UINT, self->loader.device_info.threads,
        "model", G_TYPE_STRING, self->loader.model_info.path,
        "window-positions", G_TYPE_UINT, self->window_positions,
        "hop-positions", G_TYPE_UINT, self->hop_positions,
        "device-note", G_TYPE_STRING, self->loader.device_info.note, NULL);
  if (self->encoder != NULL)
    gst_whisper_npu_add_encoder_stats (self, stats);
  g_mutex_unlock (&self->lock);
  return stats;
}
