/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/bench/subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "npu/clock.h"
#include "tests/npu/encoder_input.h"

const char *const subject_profiles[SUBJECT_PROFILES] = {"f32", "int8", "npu"};

int subject_open(struct subject *s, const char *device, const char *profile, const char *model,
                 struct npu_error *err)
{
    *s = (struct subject){.model = NULL};
    int ret = npu_model_open(&s->model, model, err);
    if (ret == 0)
        ret = npu_device_open(&s->device, &(struct npu_device_params){.name = device}, err);
    uint64_t start = npu_now_ns();
    if (ret == 0)
        ret = npu_encoder_open(&s->encoder, s->model, s->device,
                               &(struct npu_encoder_params){.profile = profile, .depth = 1}, err);
    if (ret)
        return ret;
    s->open_ms = (double)(npu_now_ns() - start) * 1e-6;
    npu_model_get_info(s->model, &s->model_info);
    npu_device_get_info(s->device, &s->device_info);
    npu_encoder_get_info(s->encoder, &s->info);
    return 0;
}

void subject_close(struct subject *s)
{
    npu_encoder_close(&s->encoder);
    npu_device_close(&s->device);
    npu_model_close(&s->model);
}

int subject_encode(struct subject *s, const float *mel, unsigned positions, float *features)
{
    int ret = npu_encoder_submit_mel(s->encoder, mel, positions, 0, NPU_TIMEOUT_NONE);
    return ret ? ret : npu_encoder_collect(s->encoder, features, NULL, NPU_TIMEOUT_NONE);
}

enum npu_mel_arithmetic subject_arithmetic(const char *profile)
{
    return strcmp(profile, "npu") ? NPU_MEL_F32 : NPU_MEL_S16;
}

struct npu_mel_params subject_mel_params(const struct subject *s)
{
    return (struct npu_mel_params){.n_mels = s->model_info.n_mels,
                                   .arithmetic = subject_arithmetic(s->info.profile)};
}

int subject_mel(const struct subject *s, const float *samples, size_t n, float *mel)
{
    struct npu_mel *front = NULL;
    struct npu_mel_window window;
    const struct npu_mel_params params = subject_mel_params(s);
    int ret = npu_mel_open(&front, &params);
    if (ret)
        return ret;
    npu_mel_push(front, samples, n < NPU_WINDOW_SAMPLES ? n : NPU_WINDOW_SAMPLES);
    npu_mel_finish(front);
    ret = npu_mel_take(front, mel, &window);
    npu_mel_close(&front);
    return ret;
}

float *subject_audio(size_t n)
{
    static const char path[] = TESTS_SOURCE "/tests/data/librivox-sense-0870.wav";
    size_t clip = 0;
    if (access(path, R_OK))
        return NULL;
    float *samples = wav_samples(path, &clip), *all = malloc(n * sizeof(*all));
    for (size_t i = 0; all && i < n; i++)
        all[i] = samples[i % clip];
    free(samples);
    return all;
}
