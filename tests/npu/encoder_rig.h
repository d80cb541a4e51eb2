/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_ENCODER_RIG_H
#define TESTS_NPU_ENCODER_RIG_H
/* Everything from a model file to an encoder, for the encoder tests; a failure to open ends the
 * program, because nothing else can be tested then. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "npu/npu.h"
#include "tests/check.h"

struct rig {
    struct npu_device *device;
    struct npu_model *model;
    struct npu_encoder *encoder;
    struct npu_model_info model_info;
    struct npu_device_info device_info;
    struct npu_encoder_info info;
};

static inline void rig_open_on(struct rig *rig, const char *device_name, const char *profile,
                               const char *path, unsigned threads, unsigned depth)
{
    struct npu_error err = {""};
    const struct npu_device_params device = {.name = device_name, .threads = threads};
    const struct npu_encoder_params encoder = {.profile = profile, .depth = depth};

    if (npu_device_open(&rig->device, &device, &err) || npu_model_open(&rig->model, path, &err) ||
        npu_encoder_open(&rig->encoder, rig->model, rig->device, &encoder, &err)) {
        check_case(false, "open", "%s", err.text);
        exit(check_finish());
    }
    npu_model_get_info(rig->model, &rig->model_info);
    npu_device_get_info(rig->device, &rig->device_info);
    npu_encoder_get_info(rig->encoder, &rig->info);
}

/* On the CPU. isa: a value for WHISPERNPU_CPU, which stays set, or NULL: as it is. */
static inline void rig_open(struct rig *rig, const char *profile, const char *path, const char *isa,
                            unsigned threads, unsigned depth)
{
    if (isa)
        setenv("WHISPERNPU_CPU", isa, 1);
    rig_open_on(rig, "cpu", profile, path, threads, depth);
}

/* Whether WHISPERNPU_CPU=isa, which stays set, runs here. Call it first: opening an encoder takes
 * seconds on an emulated processor. */
static inline bool rig_runs(const char *isa)
{
    struct npu_error err = {""};
    struct npu_device *device = NULL;
    struct npu_device_info info;

    setenv("WHISPERNPU_CPU", isa, 1);
    int code =
        npu_device_open(&device, &(struct npu_device_params){.name = "cpu", .threads = 1}, &err);
    if (code == -ENOTSUP)
        return false;
    if (code) {
        check_case(false, "open", "%s", err.text);
        exit(check_finish());
    }
    npu_device_get_info(device, &info);
    npu_device_close(&device);
    return strcmp(info.isa, isa) == 0;
}

static inline void rig_close(struct rig *rig)
{
    npu_encoder_close(&rig->encoder);
    npu_model_close(&rig->model);
    npu_device_close(&rig->device);
}

/* Processor time of all threads of this process; other processes do not change it. */
static inline uint64_t rig_cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Open a model five times and leave it open: the least time of these is short, on the clock or, where
 * the machine has other work, as processor time. any: only say it. */
static inline void rig_check_opening(struct rig *rig, const char *profile, const char *path,
                                     bool any)
{
    uint64_t best = UINT64_MAX;

    for (unsigned i = 0; i < 5; i++) {
        uint64_t begin = rig_cpu_ns();
        rig_open(rig, profile, path, NULL, 0, 1);
        uint64_t cpu = rig_cpu_ns() - begin;
        uint64_t least = cpu < rig->info.load_ns ? cpu : rig->info.load_ns;
        best = least < best ? least : best;
        if (i < 4)
            rig_close(rig);
    }
    check_case(any || best < 500000000, "base_opens_in_half_a_second",
               "%.0f ms, packed %.1f MiB, activations %.1f MiB", (double)best * 1e-6,
               (double)rig->info.weight_bytes / 1048576, (double)rig->info.scratch_bytes / 1048576);
}

static inline float *new_floats(size_t n)
{
    float *p = calloc(n, sizeof(float));
    if (!p)
        abort();
    return p;
}

/* A window of the first `positions`; features [positions][d_model]. */
static inline float *rig_encode_first(struct rig *rig, const float *mel, unsigned positions)
{
    float *features = new_floats((size_t)positions * rig->info.d_model);
    uint64_t tag = 0;
    int ret = npu_encoder_submit_mel(rig->encoder, mel, positions, 7, NPU_TIMEOUT_NONE);
    if (ret == 0)
        ret = npu_encoder_collect(rig->encoder, features, &tag, NPU_TIMEOUT_NONE);
    if (ret || tag != 7)
        check_case(false, "encode", "returned %d, tag %" PRIu64, ret, tag);
    return features;
}

static inline float *rig_encode(struct rig *rig, const float *mel)
{
    return rig_encode_first(rig, mel, rig->info.positions);
}

/* FNV-1a, 64 bit, over the bytes of n values. */
static inline uint64_t hash_values(const float *x, size_t n)
{
    const unsigned char *p = (const unsigned char *)x;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n * sizeof(float); i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static inline uint64_t hash_features(const struct npu_encoder_info *info, const float *features)
{
    return hash_values(features, (size_t)info->positions * info->d_model);
}

/* One hash for a model and a mel: every kernel set of `sets` (NULL-terminated names) that can run
 * here, with 1, 2 and 3 threads (1 if WHISPERNPU_TEST_EVERY is set), gives the stored hash. ref: run
 * that set too; a window of base takes minutes if ref is built without the processor's fused
 * multiply-add. */
static inline void check_hash(const char *what, const char *profile, const char *path,
                              const char *const *sets, const float *mel, uint64_t stored, bool ref)
{
    const unsigned most = getenv("WHISPERNPU_TEST_EVERY") ? 1 : 3; /* threads; emulators are slow */
    uint64_t first = 0;
    unsigned n = 0;
    char name[96];

    for (; *sets; sets++) {
        for (unsigned threads = 1; threads <= most; threads++) {
            struct rig rig;
            snprintf(name, sizeof(name), "%s_%s_hash_%s_%u_threads", what, profile, *sets, threads);
            if (!strcmp(*sets, "ref") && !ref) {
                check_skip(name, "ref is built without -mfma (option ref_fma)");
                continue;
            }
            if (!rig_runs(*sets)) {
                check_skip(name, "not on this processor");
                continue;
            }
            rig_open(&rig, profile, path, *sets, threads, 2);
            float *features = rig_encode(&rig, mel);
            uint64_t hash = hash_features(&rig.info, features);
            first = n++ ? first : hash;
            check_case(hash == first, name, "%016" PRIx64 ", first %016" PRIx64, hash, first);
            free(features);
            rig_close(&rig);
        }
    }
    unsetenv("WHISPERNPU_CPU");
    snprintf(name, sizeof(name), "%s_%s_hash_is_the_stored_one", what, profile);
    if (n)
        check_case(first == stored, name, "%016" PRIx64 ", stored %016" PRIx64, first, stored);
    else
        check_skip(name, "no set can run");
}

struct rig_case {
    const char *name;
    void (*run)(void);
};

/* All, or those that the command line names. */
static inline void rig_run_cases(const struct rig_case *cases, size_t n, int argc, char **argv)
{
    for (size_t i = 0; i < n; i++) {
        bool wanted = argc == 1;
        for (int a = 1; a < argc; a++)
            wanted |= !strcmp(argv[a], cases[i].name);
        if (wanted)
            cases[i].run();
    }
}

#endif /* TESTS_NPU_ENCODER_RIG_H */
