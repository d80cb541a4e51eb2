/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_AIE2_ATTENTION_RIG_H
#define TESTS_AIE2_ATTENTION_RIG_H
/* One head's 64 queries through the core's entry points and through kernels/ref. */
#include "kernels/kernels.h"
#include "npu/array/pack.h"
#include "tests/aie2/kit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ATTENTION_KEYS = 1536 };

struct attention_case {
    int16_t q[64 * 64], k[ATTENTION_KEYS * 64], v[ATTENTION_KEYS * 64]; /* row-major */
    int n, qk_shift;
    int16_t beyond; /* what K and V hold in the last block from key n on */
};

static struct attention_case *attention_case_new(void)
{
    struct attention_case *c = calloc(1, sizeof(*c));
    if (!c)
        exit(1);
    return c;
}

static void attention_case_free(struct attention_case *c)
{
    free(c);
}

static void attention_exp(int16_t *table)
{
    for (int i = 0; i < NPU_FIXED_EXP_ENTRIES; i++)
        table[i] = (int16_t)lrint(32767 * exp2(-i / 64.0));
}

enum {
    OBJECT,
    JOB,
    LUT_AB,
    LUT_CD,
    Q0,
    Q1,
    KEYS,
    VALUES,
    STATE,
    P,
    O,
    OUT0,
    OUT1,
    ATTENTION_BUFFERS
};

/* A core's memory, and one pass over a block of 64 keys. */
static void attention_block(const struct kit_buffer *b, const struct attention_case *c, int block)
{
    int16_t k[64 * 64], v[64 * 64];
    int keys = c->n - 64 * block < 64 ? c->n - 64 * block : 64;
    for (int i = 0; i < 64 * 64; i++) {
        k[i] = i / 64 < keys ? c->k[block * 64 * 64 + i] : c->beyond;
        v[i] = i / 64 < keys ? c->v[block * 64 * 64 + i] : c->beyond;
    }
    for (int part = 0; part < 2; part++) {
        npu_array_block(b[KEYS].data, k + part * 32 * 64, 64, 32, 64, 4, 4, 2);
        npu_attention_scores(b[JOB].data, b[Q0].data, b[Q1].data, b[KEYS].data, b[STATE].data,
                             b[P].data, block, part);
    }
    npu_attention_weights(b[LUT_AB].data, b[LUT_CD].data, b[STATE].data, b[P].data, b[O].data);
    for (int part = 0; part < 2; part++) {
        npu_array_block(b[VALUES].data, v + part * 32, 64, 64, 32, 4, 4, 2);
        npu_attention_values(b[P].data, b[VALUES].data, b[O].data, part);
    }
}

static void attention_core(const struct kit_buffer *b, const struct attention_case *c, int16_t *out)
{
    struct npu_core_job job;
    memset(&job, 0x5a, sizeof(job));
    job.count[0] = (c->n + 63) / 64;
    job.keys = c->n;
    job.shift = c->qk_shift;
    job.lut = 1;
    attention_exp(job.table);
    memcpy(b[OBJECT].data, &job, sizeof(job));
    npu_job_begin(b[OBJECT].data, b[JOB].data, b[LUT_AB].data, b[LUT_CD].data);
    npu_array_block(b[Q0].data, c->q, 64, 64, 32, 4, 4, 2);
    npu_array_block(b[Q1].data, c->q + 32, 64, 64, 32, 4, 4, 2);
    npu_attention_begin(b[STATE].data, b[O].data);
    for (int block = 0; block < job.count[0]; block++)
        attention_block(b, c, block);
    for (int part = 0; part < 2; part++) {
        npu_attention_finish(b[STATE].data, b[O].data, b[OUT0 + part].data, part);
        npu_array_unblock(out + 32 * part, 64, b[OUT0 + part].data, 64, 32, 4, 4, 2);
    }
}

/* The 64 queries on a core, out [64][64]; returns whether nothing outside its buffers was
 * written. */
static bool attention_run(const struct attention_case *c, int16_t *out)
{
    static const size_t bytes[ATTENTION_BUFFERS] = {4096, 4096, 4096, 4096,  4096, 4096, 4096,
                                                    4096, 3072, 8192, 16384, 4096, 4096};
    struct kit_buffer b[ATTENTION_BUFFERS];
    bool intact = true;
    for (int i = 0; i < ATTENTION_BUFFERS; i++)
        b[i] = kit_buffer_new(bytes[i]);
    attention_core(b, c, out);
    for (int i = 0; i < ATTENTION_BUFFERS; i++) {
        intact &= kit_buffer_intact(&b[i]);
        kit_buffer_free(&b[i]);
    }
    return intact;
}

#endif /* TESTS_AIE2_ATTENTION_RIG_H */
