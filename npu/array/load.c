/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What does not depend on a window's length: packed weights, and the working memory of the longest
 * window. */
#include <errno.h>
#include <stdlib.h>

#include "npu/array/array.h"
#include "npu/block.h"
#include "npu/log.h"

enum { SEQUENCES = NPU_STAGE_MATRICES + 3 }; /* of a stage */
#define CLOSE_NS UINT64_C(5000000000)        /* a launch that hangs longer is left to the device */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* ---- Weights --------------------------------------------------------------------------------- */

/* As s16 (transfer full), or NULL: out of memory. */
static int16_t *widen(const int8_t *w, size_t n)
{
    int16_t *wide = malloc(n * sizeof(*wide));
    for (size_t i = 0; wide && i < n; i++)
        wide[i] = w[i];
    return wide;
}

/* Weights and jobs as the design takes them, column by column of the array, on the device. */
static int pack_weights(struct npu_array_loaded *l, struct npu_array_product *p,
                        const struct npu_fixed_gemm_args *g, struct npu_error *err)
{
    const int columns = p->design == NPU_ARRAY_GEMM16 ? NPU_ARRAY_COLUMNS : 1;
    size_t bytes[NPU_ARRAY_BUFFERS];

    npu_array_shape_bytes(&p->shape, bytes);
    int ret = npu_memory_open(&p->b, l->device, NPU_MEMORY_DATA, bytes[1], err);
    if (ret)
        return ret;
    l->base.weight_bytes += bytes[1];
    uint8_t *to = npu_memory_map(p->b);
    for (int column = 0; column < columns; column++)
        for (int j = 0; j < p->shape.jobs; j++)
            to = npu_array_pack_b(to, g, npu_array_types_of(p->design), columns * j + column,
                                  columns);
    return npu_memory_sync(p->b, NPU_TO_DEVICE, 0, bytes[1], err);
}

static int load_product(struct npu_array_loaded *l, unsigned stage, unsigned matrix,
                        struct npu_error *err)
{
    struct npu_array_product *p = &l->stage[stage].product[matrix];
    const struct npu_fixed_matrix *w = &l->fixed->stage[stage].matrix[matrix];
    struct npu_fixed_gemm_args g = npu_array_gemm_args(l, stage, matrix);
    int16_t *wide = NULL;

    if (p->design == NPU_ARRAY_DESIGNS)
        return 0;
    g.result = npu_array_result_on(p->design, g.result);
    if (p->design == NPU_ARRAY_GEMM1 && w->bits == 8) {
        wide = widen(w->w, (size_t)g.n * (size_t)g.k);
        if (!wide)
            return npu_fail(err, -ENOMEM, "out of memory");
        g.w = wide;
    }
    int ret = pack_weights(l, p, &g, err);
    free(wide);
    return ret;
}

static int load_weights(struct npu_array_loaded *l, struct npu_error *err)
{
    int ret = 0;
    for (unsigned i = 0; i < l->program.n_stages; i++)
        for (unsigned m = 0; m < l->program.stage[i].n_matrices && ret == 0; m++)
            ret = load_product(l, i, m, err);
    return ret;
}

/* ---- Working memory -------------------------------------------------------------------------- */

static void take_room(size_t bytes[NPU_ARRAY_WORKS], const struct npu_array_sequence *s,
                      enum npu_array_work in, enum npu_array_work out)
{
    if (!s)
        return;
    bytes[in] = larger(bytes[in], s->bytes[0]);
    bytes[out] = larger(bytes[out], s->bytes[2]);
}

/* What launches read and write, by the plan. */
static void find_room(const struct npu_array_loaded *l, size_t bytes[NPU_ARRAY_WORKS])
{
    const size_t values = npu_buffer_values(&l->program.buffer[NPU_BUFFER_RESIDUAL], l->positions);

    bytes[NPU_ARRAY_RESIDUAL] = values * sizeof(int32_t);
    bytes[NPU_ARRAY_NORMED] = values * sizeof(*l->rows);
    for (unsigned i = 0; i < l->program.n_stages; i++) {
        const struct npu_stage *s = &l->program.stage[i];
        const struct npu_array_stage *st = &l->stage[i];
        for (unsigned m = 0; m < s->n_matrices; m++) {
            take_room(bytes, st->product[m].sequence, NPU_ARRAY_IN, NPU_ARRAY_OUT);
            if (st->product[m].design == NPU_ARRAY_GEMM1)
                bytes[NPU_ARRAY_U] =
                    larger(bytes[NPU_ARRAY_U],
                           (size_t)npu_stage_rows(s, l->positions) * s->n * sizeof(*l->u));
        }
        take_room(bytes, st->gelu, NPU_ARRAY_U, NPU_ARRAY_OUT);
        take_room(bytes, st->norm, NPU_ARRAY_RESIDUAL, NPU_ARRAY_NORMED);
        take_room(bytes, st->attention, NPU_ARRAY_IN, NPU_ARRAY_OUT);
        if (st->attention)
            bytes[NPU_ARRAY_KV] = larger(bytes[NPU_ARRAY_KV], st->attention->bytes[1]);
    }
}

static int open_work(struct npu_array_loaded *l, struct npu_error *err)
{
    size_t bytes[NPU_ARRAY_WORKS] = {0};
    int ret = 0;

    find_room(l, bytes);
    for (int i = 0; i < NPU_ARRAY_WORKS && ret == 0; i++) {
        if (bytes[i] == 0)
            continue;
        l->base.scratch_bytes += bytes[i];
        ret = npu_memory_open(&l->work[i], l->device, NPU_MEMORY_DATA, bytes[i], err);
    }
    if (ret)
        return ret;
    l->buffer[NPU_BUFFER_RESIDUAL] = npu_memory_map(l->work[NPU_ARRAY_RESIDUAL]);
    l->rows = npu_memory_map(l->work[NPU_ARRAY_NORMED]);
    if (l->work[NPU_ARRAY_U])
        l->u = npu_memory_map(l->work[NPU_ARRAY_U]);
    return 0;
}

/* Zeros before a buffer stand after it as well. */
static size_t lay_out(struct npu_array_loaded *l, char *base)
{
    size_t used = 0;

    for (unsigned i = 0; i < NPU_BUFFER_COUNT; i++) {
        const struct npu_buffer_shape *b = &l->program.buffer[i];
        size_t zeros = (size_t)b->before * b->columns;
        if (i == NPU_BUFFER_RESIDUAL || (b->phase == NPU_PHASE_ELSEWHERE && i != NPU_BUFFER_MEL))
            continue;
        int16_t *rows = npu_block_take(
            base, &used, (npu_buffer_values(b, l->positions) + 2 * zeros) * sizeof(int16_t));
        l->buffer[i] = (char *)(rows ? rows + zeros : NULL);
    }
    return used;
}

/* What the host alone works on. */
static int alloc_block(struct npu_array_loaded *l, struct npu_error *err)
{
    size_t bytes = lay_out(l, NULL);

    l->block = npu_block_alloc_zeroed(bytes);
    if (!l->block)
        return npu_fail(err, -ENOMEM, "out of memory for %zu MiB of activations", bytes >> 20);
    l->base.scratch_bytes += bytes;
    lay_out(l, l->block);
    return 0;
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static int load(struct npu_array_loaded *l, const struct npu_model *model, struct npu_error *err)
{
    l->stage = calloc(l->program.n_stages, sizeof(*l->stage));
    if (!l->stage)
        return npu_fail(err, -ENOMEM, "out of memory");
    int ret = npu_fixed_open(&l->fixed, &l->program, model, err);
    if (ret)
        return ret;
    npu_fixed_log_proofs(l->fixed);
    l->base.weight_bytes = l->fixed->bytes;
    l->sequence = calloc(l->program.n_stages * SEQUENCES, sizeof(*l->sequence));
    if (!l->sequence)
        return npu_fail(err, -ENOMEM, "out of memory");
    npu_array_choose(l);
    ret = load_weights(l, err);
    if (ret == 0)
        ret = npu_array_plan(l, l->positions, err);
    if (ret == 0)
        ret = npu_array_connect(l, err);
    if (ret == 0)
        ret = open_work(l, err);
    if (ret == 0)
        ret = alloc_block(l, err);
    return ret;
}

int npu_array_load(struct npu_loaded **out, struct npu_device *device,
                   const struct npu_program *program, enum npu_profile profile, unsigned positions,
                   const struct npu_model *model, struct npu_error *err)
{
    if (profile != NPU_PROFILE_NPU)
        return npu_fail(err, -ENOTSUP, "device %s computes profile npu only",
                        device->backend->name);
    struct npu_array_loaded *l = calloc(1, sizeof(*l));
    if (!l)
        return npu_fail(err, -ENOMEM, "out of memory");
    l->base.backend = device->backend;
    l->device = device;
    l->program = *program;
    l->positions = positions;
    npu_kernels_choose(&l->kernels, NULL);
    int ret = load(l, model, err);
    if (ret) {
        npu_array_unload(&l->base);
        return ret;
    }
    *out = &l->base;
    return 0;
}

void npu_array_unload(struct npu_loaded *loaded)
{
    struct npu_array_loaded *l = (struct npu_array_loaded *)loaded;

    for (int i = 0; i < NPU_ARRAY_DESIGNS; i++)
        npu_context_close(&l->context[i], CLOSE_NS);
    if (l->sequence)
        npu_array_unplan(l);
    for (unsigned i = 0; l->stage && i < l->program.n_stages; i++) {
        for (unsigned m = 0; m < NPU_STAGE_MATRICES; m++)
            npu_memory_close(&l->stage[i].product[m].b);
        npu_memory_close(&l->stage[i].gelu_job);
        npu_memory_close(&l->stage[i].norm_job);
    }
    for (int i = 0; i < NPU_ARRAY_WORKS; i++)
        npu_memory_close(&l->work[i]);
    free(l->stage);
    free(l->sequence);
    npu_fixed_close(&l->fixed);
    free(l->block);
    free(l);
}
