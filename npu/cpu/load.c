/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program with its packed weights and its own working memory. */
#include <errno.h>
#include <stdlib.h>

#include "npu/block.h"
#include "npu/cpu/cpu.h"
#include "npu/log.h"

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

static const struct npu_cpu_profile *const profiles[NPU_PROFILE_COUNT] = {
    [NPU_PROFILE_F32] = &npu_cpu_f32,
    [NPU_PROFILE_INT8] = &npu_cpu_int8,
    [NPU_PROFILE_NPU] = &npu_cpu_fixed,
};

/* The buffers of a phase from `base` (NULL: only count). Returns bytes used. */
static size_t lay_out_phase(struct npu_cpu_loaded *l, enum npu_phase phase, char *base)
{
    size_t used = 0;

    for (unsigned i = 0; i < NPU_BUFFER_COUNT; i++) {
        const struct npu_buffer_shape *b = &l->program.buffer[i];
        size_t bytes = l->profile->bytes[i], before = (size_t)b->before * b->columns * bytes;
        if (b->phase != phase || bytes == 0)
            continue;
        char *memory =
            npu_block_take(base, &used, before + npu_buffer_values(b, l->positions) * bytes);
        l->buffer[i] = memory ? memory + before : NULL;
    }
    if (l->profile->lay_out)
        l->profile->lay_out(l, phase, base, &used);
    return used;
}

/* Phases after the first share memory. */
static size_t lay_out_buffers(struct npu_cpu_loaded *l, char *base)
{
    size_t window = lay_out_phase(l, NPU_PHASE_WINDOW, base), most = 0;

    for (unsigned i = NPU_PHASE_WINDOW + 1; i < NPU_PHASE_COUNT; i++)
        most = max_size(most, lay_out_phase(l, (enum npu_phase)i, base ? base + window : NULL));
    return window + most;
}

/* One thread's scratch, from `base` (NULL: only count). Returns bytes used. */
static size_t lay_out_scratch(struct npu_cpu_loaded *l, struct npu_cpu_scratch *to, char *base)
{
    unsigned tiles = npu_cpu_tiles_per_job(l->positions, l->device->n_threads);
    size_t used = 0;

    to->row = npu_block_take(base, &used, 3 * l->program.n_mels * sizeof(float));
    l->profile->lay_out_scratch(l, to, (size_t)tiles * NPU_TILE_ROWS, base, &used);
    return used;
}

static int alloc_work(struct npu_cpu_loaded *l, struct npu_error *err)
{
    unsigned n_threads = l->device->n_threads;
    struct npu_cpu_scratch unused;

    l->blocks = (l->positions + NPU_KEY_BLOCK - 1) / NPU_KEY_BLOCK;
    l->scratch = calloc(n_threads, sizeof(*l->scratch));
    size_t buffers = lay_out_buffers(l, NULL), scratch = lay_out_scratch(l, &unused, NULL);
    size_t bytes = buffers + n_threads * scratch;
    l->work = npu_block_alloc_zeroed(bytes);
    if (!l->work || !l->scratch)
        return npu_fail(err, -ENOMEM, "out of memory for %zu MiB of activations", bytes >> 20);
    l->base.scratch_bytes = bytes;
    lay_out_buffers(l, l->work);
    l->buffer[NPU_BUFFER_POSITIONS] = (char *)l->weights->positions;
    for (unsigned i = 0; i < n_threads; i++)
        lay_out_scratch(l, &l->scratch[i], l->work + buffers + i * scratch);
    return 0;
}

int npu_cpu_load(struct npu_loaded **out, struct npu_device *device,
                 const struct npu_program *program, enum npu_profile profile, unsigned positions,
                 const struct npu_model *model, struct npu_error *err)
{
    struct npu_cpu_loaded *l = calloc(1, sizeof(*l));
    if (!l)
        return npu_fail(err, -ENOMEM, "out of memory");
    l->base.backend = &npu_backend_cpu;
    l->device = (struct npu_cpu_device *)device;
    l->program = *program;
    l->positions = positions;
    l->profile = profiles[profile];

    int ret = npu_cpu_weights_get(&l->weights, &l->device->kernels, program, profile, model, err);
    if (ret == 0)
        l->base.weight_bytes = l->weights->bytes;
    if (ret == 0)
        ret = alloc_work(l, err);
    if (ret == 0 && npu_work_open(&l->turns, l->device->threads))
        ret = npu_fail(err, -ENOMEM, "out of memory");
    if (ret) {
        npu_cpu_unload(&l->base);
        return ret;
    }
    *out = &l->base;
    return 0;
}

void npu_cpu_unload(struct npu_loaded *loaded)
{
    struct npu_cpu_loaded *l = (struct npu_cpu_loaded *)loaded;
    npu_work_close(&l->turns);
    npu_cpu_weights_put(&l->weights);
    free(l->work);
    free(l->scratch);
    free(l);
}
