/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a model's weights piece by piece straight into the layout of the kernels: no second copy
 * ever exists. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "npu/cpu/cpu.h"
#include "npu/log.h"

#define ALIGN_FLOATS     16 /* 64 bytes */
#define MAX_WEIGHT_BYTES ((uint64_t)4 << 30)

static size_t align_floats(size_t n)
{
    return (n + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
}

static float *alloc_floats(size_t n)
{
    size_t page = 2u << 20; /* whole huge pages: fewer TLB misses while panels stream */
    size_t bytes = n * sizeof(float);
    size_t align = bytes >= page ? page : 64;
    float *p = aligned_alloc(align, (bytes + align - 1) / align * align);
    if (p && bytes >= page)
        madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

/* Hand out the next n floats of the block; with base NULL only counts. */
static float *carve(float *base, size_t *used, size_t n)
{
    float *p = base ? base + *used : NULL;
    *used += align_floats(n);
    return p;
}

/* Lay the weights of all stages out from `base` (NULL: only count). Returns floats used. */
static size_t lay_out_weights(struct npu_cpu_loaded *l, float *base)
{
    const struct npu_program *p = &l->program;
    int nr = l->device->kernels.gemm_f32_nr;
    size_t used = 0;

    l->positions = carve(base, &used, (size_t)p->positions * p->d_model);
    for (unsigned i = 0; i < p->n_stages; i++) {
        const struct npu_stage *s = &p->stage[i];
        struct npu_cpu_stage *w = &l->stage[i];
        if (s->norm != NPU_TENSOR_NONE) {
            w->gamma = carve(base, &used, p->d_model);
            w->beta = carve(base, &used, p->d_model);
        }
        for (unsigned m = 0; m < s->n_matrices; m++) {
            w->matrix[m].b = carve(base, &used, npu_packed_b_f32_size((int)s->n, (int)s->k, nr));
            if (s->matrix[m].bias != NPU_TENSOR_NONE)
                w->matrix[m].bias = carve(base, &used, s->n);
        }
    }
    return used;
}

/* torch's convolution rows [in][3] to the order in which the input rows lie in memory, [3][in].
 * `tmp`: one row. */
static void reorder_taps(float *rows, unsigned n_rows, unsigned k, float *tmp)
{
    unsigned channels = k / 3;
    for (unsigned r = 0; r < n_rows; r++, rows += k) {
        for (unsigned c = 0; c < channels; c++)
            for (unsigned t = 0; t < 3; t++)
                tmp[t * channels + c] = rows[3 * c + t];
        memcpy(rows, tmp, k * sizeof(float));
    }
}

/* One matrix, 64 rows at a time. `rows` holds 65 x k floats. */
static int pack_matrix(const struct npu_cpu_matrix *dst, const struct npu_stage *s,
                       const struct npu_stage_matrix *src, const struct npu_model *model, int nr,
                       float *rows, struct npu_error *err)
{
    bool conv = s->op == NPU_OP_CONV1 || s->op == NPU_OP_CONV2;

    for (unsigned j = 0; j < s->n; j += 64) {
        unsigned n_rows = s->n - j < 64 ? s->n - j : 64;
        int ret = npu_model_read_f32(model, src->weight, s->layer, (uint64_t)j * s->k,
                                     (uint64_t)n_rows * s->k, rows, err);
        if (ret)
            return ret;
        if (conv)
            reorder_taps(rows, n_rows, s->k, rows + (size_t)64 * s->k);
        npu_pack_b_f32(dst->b, rows, s->k, (int)j, (int)n_rows, (int)s->n, (int)s->k, nr,
                       src->scale);
    }
    if (!dst->bias)
        return 0;
    int ret = npu_model_read_f32(model, src->bias, s->layer, 0, s->n, dst->bias, err);
    for (unsigned j = 0; ret == 0 && j < s->n; j++)
        dst->bias[j] *= src->scale;
    return ret;
}

static int pack_stage(struct npu_cpu_loaded *l, unsigned index, const struct npu_model *model,
                      float *rows, struct npu_error *err)
{
    const struct npu_stage *s = &l->program.stage[index];
    struct npu_cpu_stage *w = &l->stage[index];
    int ret = 0;

    if (s->norm != NPU_TENSOR_NONE) {
        unsigned d = l->program.d_model;
        ret = npu_model_read_f32(model, s->norm, s->layer, 0, d, w->gamma, err);
        if (ret == 0)
            ret = npu_model_read_f32(model, s->norm + 1, s->layer, 0, d, w->beta, err);
    }
    for (unsigned m = 0; ret == 0 && m < s->n_matrices; m++)
        ret = pack_matrix(&w->matrix[m], s, &s->matrix[m], model, l->device->kernels.gemm_f32_nr,
                          rows, err);
    return ret;
}

static int pack_weights(struct npu_cpu_loaded *l, const struct npu_model *model,
                        struct npu_error *err)
{
    const struct npu_program *p = &l->program;
    size_t floats = lay_out_weights(l, NULL);

    if (floats * sizeof(float) > MAX_WEIGHT_BYTES)
        return npu_fail(err, -ENOTSUP,
                        "the packed weights need %zu MiB, more than the %u MiB allowed",
                        floats * sizeof(float) >> 20, (unsigned)(MAX_WEIGHT_BYTES >> 20));
    unsigned max_k = 3 * p->d_model > p->d_ffn ? 3 * p->d_model : p->d_ffn;
    if (3 * p->n_mels > max_k)
        max_k = 3 * p->n_mels;
    float *rows = alloc_floats((size_t)65 * max_k);
    l->weights = alloc_floats(floats);
    if (!l->weights || !rows) {
        free(rows);
        return npu_fail(err, -ENOMEM, "out of memory for %zu MiB of packed weights",
                        floats * sizeof(float) >> 20);
    }
    l->base.weight_bytes = floats * sizeof(float);
    lay_out_weights(l, l->weights);

    int ret = npu_model_read_f32(model, NPU_TENSOR_POSITIONS, 0, 0,
                                 (uint64_t)p->positions * p->d_model, l->positions, err);
    for (unsigned i = 0; ret == 0 && i < p->n_stages; i++)
        ret = pack_stage(l, i, model, rows, err);
    free(rows);
    return ret;
}

/* Tiles that a thread takes at once: up to NPU_CPU_JOB_TILES, fewer where that leaves threads
 * without work. */
static unsigned choose_tiles_per_job(unsigned positions, unsigned n_threads)
{
    unsigned tiles = (positions + NPU_TILE_ROWS - 1) / NPU_TILE_ROWS;
    unsigned per_job = tiles / (4 * n_threads);
    return per_job < 1 ? 1 : per_job > NPU_CPU_JOB_TILES ? NPU_CPU_JOB_TILES : per_job;
}

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

static int alloc_work(struct npu_cpu_loaded *l, struct npu_error *err)
{
    const struct npu_program *p = &l->program;
    int nr = l->device->kernels.gemm_f32_nr;
    size_t rows = align_floats((size_t)p->positions * p->d_model);
    unsigned padded = (p->positions + NPU_TILE_ROWS - 1) / NPU_TILE_ROWS * NPU_TILE_ROWS;
    unsigned n_threads = l->device->n_threads;

    l->tiles_per_job = choose_tiles_per_job(p->positions, n_threads);
    l->kt_size = npu_packed_b_f32_size((int)padded, NPU_HEAD_DIM, nr);
    l->v_size = (size_t)padded * NPU_HEAD_DIM;

    size_t stem = (size_t)(p->frames + 2) * p->d_model;
    size_t qkv = 2 * rows + p->n_heads * (l->kt_size + l->v_size);
    size_t ffn = (size_t)p->positions * p->d_ffn;
    size_t work = align_floats(max_size(max_size(stem, qkv), ffn));
    /* A job's normalised rows and one of K or V before packing. */
    size_t scratch = 2 * (size_t)l->tiles_per_job * NPU_TILE_ROWS * p->d_model;
    l->scratch_size = align_floats(max_size(scratch, npu_attention_f32_scratch((int)p->positions)));

    size_t floats = rows + work + n_threads * l->scratch_size;
    l->work = alloc_floats(floats);
    if (!l->work)
        return npu_fail(err, -ENOMEM, "out of memory for %zu MiB of activations",
                        floats * sizeof(float) >> 20);
    memset(l->work, 0, floats * sizeof(float));
    l->base.scratch_bytes = floats * sizeof(float);
    l->residual = l->work;
    l->stem = l->ffn = l->q = l->residual + rows;
    l->mixed = l->q + rows;
    l->kt = l->mixed + rows;
    l->v = l->kt + p->n_heads * l->kt_size;
    l->scratch = l->residual + rows + work;
    return 0;
}

int npu_cpu_load(struct npu_loaded **out, struct npu_device *device,
                 const struct npu_program *program, const struct npu_model *model,
                 struct npu_error *err)
{
    struct npu_cpu_loaded *l = calloc(1, sizeof(*l));
    struct npu_cpu_stage *stage = calloc(program->n_stages, sizeof(*stage));
    if (!l || !stage) {
        free(l);
        free(stage);
        return npu_fail(err, -ENOMEM, "out of memory");
    }
    l->base.backend = &npu_backend_cpu;
    l->device = (struct npu_cpu_device *)device;
    l->program = *program;
    l->stage = stage;

    int ret = pack_weights(l, model, err);
    if (ret == 0)
        ret = alloc_work(l, err);
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
    free(l->weights);
    free(l->work);
    free(l->stage);
    free(l);
}
