/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BENCH_SUBJECT_H
#define TESTS_BENCH_SUBJECT_H
/* An encoder on a device in a profile, and audio for it. */
#include "npu/npu.h"

struct subject {
    struct npu_model *model;
    struct npu_device *device;
    struct npu_encoder *encoder;
    struct npu_model_info model_info;
    struct npu_device_info device_info;
    struct npu_encoder_info info;
    double open_ms; /* the encoder alone */
};

#define SUBJECT_PROFILES 3
extern const char *const subject_profiles[SUBJECT_PROFILES]; /* "f32", "int8", "npu" */

/* Returns 0, or the error of opening. subject_close() in any case. */
int subject_open(struct subject *s, const char *device, const char *profile, const char *model,
                 struct npu_error *err);
void subject_close(struct subject *s);
/* The first `positions` of a window. features: [positions][d_model]. Returns 0 or the encoder's
 * error. */
int subject_encode(struct subject *s, const float *mel, unsigned positions, float *features);
/* The log-mel that a profile takes. */
enum npu_mel_arithmetic subject_arithmetic(const char *profile);
/* For npu_mel_open(), for windows of 30 s. */
struct npu_mel_params subject_mel_params(const struct subject *s);
/* The first window of `n` samples, f32 [3000][n_mels]. Returns 0 or the front end's error. */
int subject_mel(const struct subject *s, const float *samples, size_t n, float *mel);

/* The project's own clip, repeated: `n` samples (transfer full: free()). NULL: missing. */
float *subject_audio(size_t n);

#endif /* TESTS_BENCH_SUBJECT_H */
