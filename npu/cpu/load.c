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

/* Q, K, V and FFN in f32, from `base` (NULL: only count). Returns bytes used. */
static size_t lay_out_f32(struct npu_cpu_loaded *l, char *base)
{
    const struct npu_program *p = &l->program;
    size_t rows = (size_t)l->positions * p->d_model * sizeof(float), used = 0, ffn_used = 0;
    int padded = (int)(l->blocks * NPU_KEY_BLOCK);

    l->kt_size = npu_packed_b_f32_size(padded, NPU_HEAD_DIM, l->device->kernels.gemm_f32_nr);
    l->v_size = (size_t)padded * NPU_HEAD_DIM;
    l->mixed = npu_block_take(base, &used, rows);
    l->q = npu_block_take(base, &used, rows);
    l->kt = npu_block_take(base, &used, p->n_heads * l->kt_size * sizeof(float));
    l->v = npu_block_take(base, &used, p->n_heads * l->v_size * sizeof(float));
    l->ffn = npu_block_take(base, &ffn_used, (size_t)l->positions * p->d_ffn * sizeof(float));
    return max_size(used, ffn_used);
}

/* The same in integers; operands at most 2 bytes. */
static size_t lay_out_int(struct npu_cpu_loaded *l, char *base)
{
    const struct npu_program *p = &l->program;
    struct npu_cpu_int_buffers *i = &l->int8;
    size_t rows = (size_t)l->positions * p->d_model, used = 0, ffn_used = 0;
    size_t blocks = (size_t)p->n_heads * l->blocks;

    l->mixed = npu_block_take(base, &used, rows * sizeof(float));
    i->q = npu_block_take(base, &used, rows * 2);
    i->q_scale = npu_block_take(base, &used, p->n_heads * l->positions * sizeof(float));
    i->k = npu_block_take(base, &used, blocks * NPU_KEY_BLOCK * NPU_HEAD_DIM * 2);
    i->v = npu_block_take(base, &used, blocks * NPU_KEY_BLOCK * NPU_HEAD_DIM * 2);
    i->k_offset = npu_block_take(base, &used, blocks * NPU_KEY_BLOCK * sizeof(int32_t));
    i->k_scale = npu_block_take(base, &used, blocks * sizeof(float));
    i->v_scale = npu_block_take(base, &used, blocks * NPU_HEAD_DIM * sizeof(float));
    i->ffn = npu_block_take(base, &ffn_used, (size_t)l->positions * p->d_ffn * 2);
    i->ffn_scale = npu_block_take(base, &ffn_used, l->positions * sizeof(float));
    i->ffn_zero = npu_block_take(base, &ffn_used, l->positions * sizeof(int32_t));
    i->ffn_tail =
        npu_block_take(base, &ffn_used, (size_t)l->positions * NPU_CPU_TAIL_MAX * sizeof(int16_t));
    i->ffn_tail_scale = npu_block_take(base, &ffn_used, l->positions * sizeof(float));
    return max_size(used, ffn_used);
}

/* The same in profile npu. */
static size_t lay_out_npu(struct npu_cpu_loaded *l, char *base)
{
    const struct npu_program *p = &l->program;
    struct npu_cpu_fixed_buffers *b = &l->fixed;
    size_t rows = (size_t)l->positions * p->d_model * sizeof(int16_t), used = 0, ffn_used = 0;

    b->mixed = npu_block_take(base, &used, rows);
    b->q = npu_block_take(base, &used, rows);
    b->k = npu_block_take(base, &used, rows);
    b->v = npu_block_take(base, &used, rows);
    b->ffn = npu_block_take(base, &ffn_used, (size_t)l->positions * p->d_ffn * sizeof(int16_t));
    return max_size(used, ffn_used);
}

/* One thread's scratch, from `base` (NULL: only count). Returns bytes used. */
static size_t lay_out_scratch(struct npu_cpu_loaded *l, enum npu_profile profile,
                              struct npu_cpu_scratch *to, char *base)
{
    const struct npu_program *p = &l->program;
    unsigned tiles = npu_cpu_tiles_per_job(l->positions, l->device->n_threads);
    size_t job_rows = (size_t)tiles * NPU_TILE_ROWS, used = 0;
    size_t k = max_size(3 * p->d_model, 3 * p->n_mels);

    if (profile == NPU_PROFILE_NPU) { /* normalised rows, or those of mel */
        size_t values = max_size(job_rows * p->d_model, (job_rows + 2) * p->n_mels);
        to->a = npu_block_take(base, &used, values * sizeof(int16_t));
        return used;
    }
    if (profile == NPU_PROFILE_F32) { /* normalised rows, and one of K or V before packing */
        to->rows = npu_block_take(base, &used, 2 * job_rows * p->d_model * sizeof(float));
        to->kernel = npu_block_take(base, &used,
                                    npu_attention_f32_scratch((int)l->positions) * sizeof(float));
        return used;
    }
    size_t floats = max_size(job_rows * p->d_model, (size_t)NPU_CPU_INT_ROWS * p->d_ffn);
    to->rows = npu_block_take(base, &used, floats * sizeof(float));
    to->a = npu_block_take(base, &used, job_rows * k * 2);
    to->scale = npu_block_take(base, &used, job_rows * sizeof(float));
    to->zero = npu_block_take(base, &used, job_rows * sizeof(int32_t));
    to->tail = npu_block_take(base, &used, job_rows * NPU_CPU_TAIL_MAX * sizeof(int16_t));
    to->tail_scale = npu_block_take(base, &used, job_rows * sizeof(float));
    to->tail_zero = npu_block_take(base, &used, job_rows * sizeof(int32_t));
    to->kernel = npu_block_take(base, &used, NPU_ATTENTION_INT_SCRATCH);
    return used;
}

static size_t (*const lay_outs[NPU_PROFILE_COUNT])(struct npu_cpu_loaded *, char *) = {
    [NPU_PROFILE_F32] = lay_out_f32,
    [NPU_PROFILE_INT8] = lay_out_int,
    [NPU_PROFILE_NPU] = lay_out_npu,
};

static int alloc_work(struct npu_cpu_loaded *l, enum npu_profile profile, struct npu_error *err)
{
    const struct npu_program *p = &l->program;
    unsigned n_threads = l->device->n_threads;
    size_t stem_bytes = profile == NPU_PROFILE_NPU ? sizeof(int16_t) : sizeof(float);
    struct npu_cpu_scratch unused;

    l->blocks = (l->positions + NPU_KEY_BLOCK - 1) / NPU_KEY_BLOCK;
    l->scratch = calloc(n_threads, sizeof(*l->scratch));

    size_t residual = npu_block_bytes((size_t)l->positions * p->d_model * sizeof(float));
    size_t stem = npu_block_bytes((size_t)(2 * l->positions + 2) * p->d_model * stem_bytes);
    size_t work = max_size(stem, lay_outs[profile](l, NULL));
    size_t scratch = lay_out_scratch(l, profile, &unused, NULL);
    size_t bytes = residual + work + n_threads * scratch;
    l->work = npu_block_alloc_zeroed(bytes);
    if (!l->work || !l->scratch)
        return npu_fail(err, -ENOMEM, "out of memory for %zu MiB of activations", bytes >> 20);
    l->base.scratch_bytes = bytes;
    l->residual = (float *)l->work;
    l->stem = (float *)(l->work + residual);
    l->fixed.residual = (int32_t *)l->work;
    l->fixed.stem = (int16_t *)(l->work + residual);
    lay_outs[profile](l, l->work + residual);
    for (unsigned i = 0; i < n_threads; i++)
        lay_out_scratch(l, profile, &l->scratch[i], l->work + residual + work + i * scratch);
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

    int ret = npu_cpu_weights_get(&l->weights, &l->device->kernels, program, profile, model, err);
    if (ret == 0)
        l->base.weight_bytes = l->weights->bytes;
    if (ret == 0)
        ret = alloc_work(l, profile, err);
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
