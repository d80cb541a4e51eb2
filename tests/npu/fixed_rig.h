/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_FIXED_RIG_H
#define TESTS_NPU_FIXED_RIG_H
/* Profile npu on the CPU with visible buffers: the residual stream after every stage that changes
 * it, the final norm's integers, and how many values reached the ends of 16 bits. */
#include <math.h>
#include <stdatomic.h>

#include "npu/cpu/cpu.h"
#include "tests/check.h"
#include "tests/npu/encoder_input.h"

struct fixed_rig {
    struct npu_device *device;
    struct npu_model *model;
    struct npu_loaded *loaded;
    const struct npu_cpu_loaded *cpu;
    const struct npu_fixed *fixed;
    struct npu_program program;
    unsigned positions; /* of a window: the model's, or less */
    size_t values;      /* of one state */

    unsigned n_states;
    int32_t *states; /* [n_states][positions][d_model], the last one z */
    float *features;
    size_t at_the_ends; /* 16-bit values of +-32767 in all buffers */
    unsigned state;
};

/* A failure ends the program. */
static inline void fixed_rig_open(struct fixed_rig *r, const char *path, unsigned threads)
{
    struct npu_error err = {""};
    const struct npu_device_params device = {.name = "cpu", .threads = threads};
    struct npu_model_info info;

    *r = (struct fixed_rig){.n_states = 0};
    if (npu_device_open(&r->device, &device, &err) || npu_model_open(&r->model, path, &err)) {
        check_case(false, "open", "%s", err.text);
        exit(check_finish());
    }
    npu_model_get_info(r->model, &info);
    if (npu_program_build(&r->program, &info) ||
        r->device->backend->load(&r->loaded, r->device, &r->program, NPU_PROFILE_NPU,
                                 r->program.positions, r->model, &err)) {
        check_case(false, "load", "%s", err.text);
        exit(check_finish());
    }
    r->cpu = (const struct npu_cpu_loaded *)r->loaded;
    r->fixed = r->cpu->weights->fixed;
    r->n_states = 2 + 2 * r->program.n_layers;
    r->positions = r->program.positions;
    r->values = (size_t)r->positions * r->program.d_model;
    r->states = calloc(r->n_states * r->values, sizeof(*r->states));
    r->features = calloc(r->values, sizeof(*r->features));
    if (!r->states || !r->features)
        abort();
}

/* Windows of fewer positions from now on. */
static inline void fixed_rig_shorten(struct fixed_rig *r, unsigned positions)
{
    r->positions = positions;
    r->values = (size_t)positions * r->program.d_model;
}

static inline void fixed_rig_close(struct fixed_rig *r)
{
    free(r->states);
    free(r->features);
    r->device->backend->unload(r->loaded);
    npu_model_close(&r->model);
    npu_device_close(&r->device);
}

static inline void fixed_rig_count(struct fixed_rig *r, const int16_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        r->at_the_ends += x[i] >= 32767 || x[i] <= -32767;
}

static inline void fixed_rig_after(void *user, unsigned stage)
{
    struct fixed_rig *r = user;
    const struct npu_stage *s = &r->program.stage[stage];

    if (s->out == NPU_BUFFER_RESIDUAL)
        memcpy(r->states + r->state++ * r->values, r->cpu->buffer[s->out],
               r->values * sizeof(int32_t));
    else if (s->out != NPU_BUFFER_FEATURES)
        for (unsigned i = 0; i < s->n_matrices || i == 0; i++)
            fixed_rig_count(r, (const int16_t *)r->cpu->buffer[s->out + i],
                            npu_buffer_values(&r->program.buffer[s->out + i], r->positions));
}

/* z from the last residual state; returns whether the features follow from it. */
static inline bool fixed_rig_add_z(struct fixed_rig *r)
{
    const struct npu_fixed *in = r->fixed;
    unsigned d = r->program.d_model;
    int16_t *z = malloc(r->values * sizeof(*z));
    int32_t *last = r->states + (size_t)(r->n_states - 1) * r->values;
    bool same = true;
    if (!z)
        abort();
    npu_fixed_norm_s32s16_ref(&(struct npu_fixed_norm_args){.y = z,
                                                            .x = last - r->values,
                                                            .ldy = d,
                                                            .ldx = d,
                                                            .m = (int)r->positions,
                                                            .d = (int)d,
                                                            .shift = in->feature_bits,
                                                            .inv_d = in->inv_d,
                                                            .eps = in->eps,
                                                            .sqrt_d = in->sqrt_d});
    fixed_rig_count(r, z, r->values);
    for (size_t i = 0; i < r->values; i++) {
        float product = ldexpf(z[i], -in->feature_bits) * in->gamma[i % d];
        same &= r->features[i] == product + in->beta[i % d];
        last[i] = z[i];
    }
    free(z);
    return same;
}

/* mel s16 [frames][n_mels]; fills states and features, counts on. Returns whether the features
 * follow from z. */
static inline bool fixed_rig_run(struct fixed_rig *r, const int16_t *mel)
{
    const struct npu_program *p = &r->program;
    atomic_bool cancel = false;
    size_t n = (size_t)2 * r->positions * p->n_mels;
    float *values = malloc(n * sizeof(*values));
    struct npu_run run = {.positions = r->positions,
                          .mel = values,
                          .features = r->features,
                          .cancel = &cancel,
                          .after = fixed_rig_after,
                          .user = r};
    if (!values)
        abort();
    for (size_t i = 0; i < n; i++)
        values[i] = mel[i] * 0x1p-13f;
    r->state = 0;
    int ret = r->device->backend->run(r->loaded, &run);
    free(values);
    return ret == 0 && fixed_rig_add_z(r);
}

/* As tests/npu/fixed_reference.py computes it. */
static inline uint64_t fixed_rig_hash(const struct fixed_rig *r, unsigned state)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < r->values; i++)
        hash += (uint64_t)(uint32_t)r->states[state * r->values + i] * (2 * i + 1) *
                UINT64_C(0x9e3779b97f4a7c15);
    return hash;
}

/* "h00" .. or "z" */
static inline void fixed_rig_name(const struct fixed_rig *r, unsigned state, char name[16])
{
    if (state + 1 == r->n_states)
        strcpy(name, "z");
    else
        snprintf(name, 16, "h%02u", state);
}

#endif /* TESTS_NPU_FIXED_RIG_H */
