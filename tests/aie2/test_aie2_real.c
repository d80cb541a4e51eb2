/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The core kernels on real speech: a window goes through the base encoder in profile npu on the
 * CPU. After each stage of the stem and of layers 0 and 1 the core kernels compute two tiles of 64
 * positions again, norm and all columns, and compare them with the CPU's; also three tiles of
 * queries of every head in layers 0 and 3. */
#include "tests/aie2/attention_rig.h"
#include "tests/npu/fixed_rig.h"

enum { T = 64, ROW_A = 128, ROW_B = 1280 }; /* in the speech; after it */
#define MEL_PATH "tests/data/librivox-sense-0870.mel720.s16"

struct core {
    struct fixed_rig rig;
    int32_t *before; /* the residual stream before this stage */
    int16_t *mel;    /* [frames + 2][n_mels] */
    struct kit_buffer object, words, ab, cd, a, b, acc, out, side;
    const char *name; /* of the failing case, or NULL */
    size_t values, bad;
};

/* A stage's work for the cores. */
struct stage {
    const struct npu_fixed_matrix *matrix;
    const int16_t *a; /* row 0 of the tile */
    size_t lda;
    unsigned n, k;
    enum npu_fixed_result result;
    const struct npu_fixed_stage *packed;
    const void *expected; /* row 0 of the tile, [T][n] */
};

static void begin_job(struct core *c, const struct stage *s, unsigned n0)
{
    struct npu_core_job *job = c->object.data;
    memset(job, 0, sizeof(*job));
    job->acc_shift = s->matrix->acc_shift;
    job->shift = s->matrix->shift[n0 / NPU_FIXED_CHANNELS];
    job->gelu_shift = s->packed->gelu_shift;
    job->lut = s->result == NPU_FIXED_GELU || s->result == NPU_FIXED_STEM;
    if (job->lut)
        memcpy(job->table, s->packed->table, NPU_FIXED_GELU_ENTRIES * sizeof(int16_t));
    for (unsigned j = 0; j < T; j++) {
        job->mult[j] = s->matrix->mult[n0 + j];
        if (s->matrix->bits == 8)
            job->u.bias32[j] = (int32_t)s->matrix->bias[n0 + j];
        else
            job->u.bias64[j] = s->matrix->bias[n0 + j];
    }
    npu_job_begin(c->object.data, c->words.data, c->ab.data, c->cd.data);
}

/* 32 k from k0 on; beyond the matrix zeros. */
static void step(struct core *c, const struct stage *s, unsigned n0, unsigned k0)
{
    int16_t a[T * 32], w16[32 * T];
    int8_t w8[64 * T];
    for (unsigned i = 0; i < T; i++)
        for (unsigned kk = 0; kk < 32; kk++)
            a[i * 32 + kk] = (int16_t)(k0 + kk < s->k ? s->a[i * s->lda + k0 + kk] : 0);
    npu_array_block(c->a.data, a, 32, T, 32, 4, 4, 2);
    if (s->matrix->bits == 16) {
        const int16_t *w = s->matrix->w;
        for (unsigned j = 0; j < T; j++)
            for (unsigned kk = 0; kk < 32; kk++)
                w16[kk * T + j] = (int16_t)(k0 + kk < s->k ? w[(n0 + j) * s->k + k0 + kk] : 0);
        npu_array_block(c->b.data, w16, T, 32, T, 4, 4, 2);
        npu_gemm_step_s16s16(c->a.data, c->b.data, c->acc.data);
        return;
    }
    const int8_t *w = s->matrix->w;
    for (unsigned j = 0; j < T && k0 % 64 == 0; j++)
        for (unsigned kk = 0; kk < 64; kk++)
            w8[kk * T + j] = (int8_t)(k0 + kk < s->k ? w[(n0 + j) * s->k + k0 + kk] : 0);
    if (k0 % 64 == 0)
        npu_array_block(c->b.data, w8, T, 64, T, 4, 8, 1);
    npu_gemm_step_s16s8(c->a.data, c->b.data, c->acc.data, k0 / 32 % 2);
}

/* Rows of 64 columns from a matrix of n columns to R32, P16. */
static void gather(void *out, const void *rows, unsigned n, size_t bytes)
{
    for (unsigned i = 0; i < 16; i++)
        memcpy((char *)out + i * 64 * bytes, (const char *)rows + (size_t)i * n * bytes,
               64 * bytes);
}

static void finish32(struct core *c, const struct stage *s, unsigned row0, unsigned n0)
{
    const int32_t *expected = s->expected;
    const int32_t *got = c->out.data;
    for (int part = 0; part < 4; part++) {
        size_t at = ((size_t)row0 + 16 * (size_t)part) * s->n + n0;
        if (s->result == NPU_FIXED_STEM) {
            gather(c->side.data, c->rig.fixed->positions + at, s->n, 2);
            npu_gemm_finish_stem(c->words.data, c->ab.data, c->cd.data, c->acc.data, c->side.data,
                                 c->out.data, part);
        } else {
            gather(c->side.data, c->before + at, s->n, 4);
            npu_gemm_finish_residual(c->words.data, c->acc.data, c->side.data, c->out.data, part);
        }
        for (unsigned i = 0; i < 1024; i++)
            c->bad += got[i] != expected[((unsigned)part * 16 + i / T) * s->n + n0 + i % T];
        c->values += 1024;
    }
}

static void finish16(struct core *c, const struct stage *s, unsigned n0)
{
    const int16_t *expected = s->expected;
    int16_t got[T * 32];
    for (int part = 0; part < 2; part++) {
        if (s->result == NPU_FIXED_GELU)
            npu_gemm_finish_gelu(c->words.data, c->ab.data, c->cd.data, c->acc.data, c->out.data,
                                 part);
        else
            npu_gemm_finish_s16(c->words.data, c->acc.data, c->out.data, part);
        npu_array_unblock(got, 32, c->out.data, T, 32, 4, 4, 2);
        for (unsigned i = 0; i < T * 32; i++)
            c->bad += got[i] != expected[i / 32 * s->n + n0 + 32 * (unsigned)part + i % 32];
        c->values += T * 32;
    }
}

/* All columns of a tile of positions. */
static void run_tile(struct core *c, const struct stage *s, unsigned row0)
{
    for (unsigned n0 = 0; n0 < s->n; n0 += T) {
        begin_job(c, s, n0);
        if (s->matrix->bits == 16)
            npu_gemm_begin_s64(c->words.data, c->acc.data);
        else
            npu_gemm_begin_s32(c->words.data, c->acc.data);
        for (unsigned k0 = 0; k0 < s->k; k0 += 32)
            step(c, s, n0, k0);
        if (s->matrix->bits == 16)
            npu_gemm_narrow(c->words.data, c->acc.data);
        if (s->result == NPU_FIXED_STEM || s->result == NPU_FIXED_RESIDUAL)
            finish32(c, s, row0, n0);
        else
            finish16(c, s, n0);
    }
}

/* 64 normalised rows, two at a time as a core gets them. */
static int16_t *norm_rows(struct core *c, const struct npu_fixed_stage *packed, unsigned row0)
{
    const struct npu_fixed *in = c->rig.fixed;
    unsigned d = c->rig.program.d_model;
    int16_t *rows = malloc((size_t)T * d * sizeof(*rows));
    struct npu_core_job *job = c->object.data;
    if (!rows)
        abort();
    memset(job, 0, sizeof(*job));
    job->d = (int32_t)d;
    job->shift = packed->norm_shift;
    job->u.norm.inv_d = in->inv_d;
    job->u.norm.eps = in->eps;
    job->u.norm.sqrt_d = in->sqrt_d;
    memcpy(job->table, packed->norm_mult, d * sizeof(int16_t));
    npu_job_begin(c->object.data, c->words.data, NULL, NULL);
    for (unsigned i = 0; i < T; i += 2) {
        memcpy(c->side.data, c->before + (size_t)(row0 + i) * d, 2 * d * sizeof(int32_t));
        npu_norm_s32s16(c->words.data, c->side.data, c->out.data, 2);
        memcpy(rows + (size_t)i * d, c->out.data, 2 * d * sizeof(int16_t));
    }
    return rows;
}

/* The stage's matrices for the tile at row0. */
static void check_tile(struct core *c, const struct npu_stage *stage,
                       const struct npu_fixed_stage *packed, unsigned row0)
{
    const struct npu_cpu_loaded *l = c->rig.cpu;
    const size_t d = c->rig.program.d_model, n_mels = c->rig.program.n_mels;
    struct stage s = {.n = stage->n, .k = stage->k, .packed = packed, .lda = stage->k};
    int16_t *rows = stage->norm != NPU_TENSOR_NONE ? norm_rows(c, packed, row0) : NULL;

    for (unsigned i = 0; i < stage->n_matrices; i++) {
        s.matrix = &packed->matrix[i];
        s.expected = npu_cpu_row(l, stage->out + i, row0);
        switch (stage->op) {
        case NPU_OP_CONV1:
            s.a = c->mel + row0 * n_mels;
            s.lda = n_mels;
            s.result = NPU_FIXED_GELU;
            break;
        case NPU_OP_CONV2:
            s.a = (const int16_t *)l->buffer[NPU_BUFFER_STEM] +
                  (2 * (ptrdiff_t)row0 - 1) * (ptrdiff_t)d;
            s.lda = 2 * d;
            s.result = NPU_FIXED_STEM;
            break;
        case NPU_OP_NORM_QKV:
        case NPU_OP_NORM_FC1:
            s.a = rows;
            s.result = stage->op == NPU_OP_NORM_FC1 ? NPU_FIXED_GELU : NPU_FIXED_S16;
            break;
        default:
            s.a = npu_cpu_row(l, stage->in, row0);
            s.result = NPU_FIXED_RESIDUAL;
        }
        run_tile(c, &s, row0);
    }
    free(rows);
}

/* 64 queries from row0 on (fewer at the window's end) of one head against all keys. */
static void check_head(struct core *c, const struct npu_fixed_stage *packed, unsigned head,
                       unsigned row0)
{
    const struct npu_cpu_loaded *l = c->rig.cpu;
    const int16_t *q = npu_cpu_row(l, NPU_BUFFER_Q, row0), *k = npu_cpu_row(l, NPU_BUFFER_K, 0),
                  *v = npu_cpu_row(l, NPU_BUFFER_V, 0),
                  *mixed = npu_cpu_row(l, NPU_BUFFER_MIXED, row0);
    const unsigned positions = c->rig.program.positions;
    const size_t d = c->rig.program.d_model, at = (size_t)head * 64;
    unsigned rows = positions - row0 < T ? positions - row0 : T;
    static int16_t out[T * 64];
    struct attention_case *a = attention_case_new();

    a->n = (int)positions;
    a->qk_shift = packed->qk_shift;
    for (unsigned i = 0; i < positions; i++) {
        memcpy(a->k + i * 64, k + i * d + at, 64 * sizeof(int16_t));
        memcpy(a->v + i * 64, v + i * d + at, 64 * sizeof(int16_t));
    }
    for (unsigned i = 0; i < rows; i++)
        memcpy(a->q + i * 64, q + i * d + at, 64 * sizeof(int16_t));
    c->bad += !attention_run(a, out);
    for (unsigned i = 0; i < rows * 64; i++)
        c->bad += out[i] != mixed[(i / 64) * d + at + i % 64];
    c->values += rows * 64;
    attention_case_free(a);
}

static void check_heads(struct core *c, const struct npu_stage *stage,
                        const struct npu_fixed_stage *packed)
{
    char name[64];
    unsigned heads = c->rig.program.d_model / 64;
    c->values = c->bad = 0;
    for (unsigned head = 0; head < heads; head++) {
        check_head(c, packed, head, ROW_A);
        check_head(c, packed, head, ROW_B);
        check_head(c, packed, head, c->rig.program.positions / T * T);
    }
    snprintf(name, sizeof(name), "real_%s_layer_%u_equals_cpu", npu_op_name(stage->op),
             stage->layer);
    check_case(c->bad == 0, name, "%zu of %zu values differ, shift %d", c->bad, c->values,
               packed->qk_shift);
}

static void after(void *user, unsigned index)
{
    struct core *c = user;
    const struct npu_stage *stage = &c->rig.program.stage[index];
    const struct npu_fixed_stage *packed = &c->rig.fixed->stage[index];
    char name[64];

    if (stage->op == NPU_OP_ATTENTION && (stage->layer == 0 || stage->layer == 3))
        check_heads(c, stage, packed);

    if (stage->n_matrices && stage->layer < 2) {
        c->values = c->bad = 0;
        check_tile(c, stage, packed, ROW_A);
        check_tile(c, stage, packed, ROW_B);
        snprintf(name, sizeof(name), "real_%s_layer_%u_equals_cpu", npu_op_name(stage->op),
                 stage->layer);
        check_case(c->bad == 0 && c->values > 0, name,
                   "%zu of %zu values differ, weights of %u bits", c->bad, c->values,
                   packed->matrix[0].bits);
    }
    memcpy(c->before, c->rig.cpu->buffer[NPU_BUFFER_RESIDUAL], c->rig.values * sizeof(int32_t));
}

/* The stored clip's mel, as f32 for the run and as s16 for the cores, there with a zero frame before
 * and after. */
static float *read_mel(struct core *c)
{
    const struct npu_program *p = &c->rig.program;
    size_t n = (size_t)2 * p->positions * p->n_mels;
    float *mel = stored_mel(source_path(MEL_PATH));
    c->mel = calloc(n + 2 * p->n_mels, sizeof(*c->mel));
    if (!c->mel)
        abort();
    npu_fixed_quantise_mel(c->mel + p->n_mels, mel, n);
    return mel;
}

int main(void)
{
    static struct core c;
    atomic_bool cancel = false;
    struct kit_buffer *small[] = {&c.object, &c.words, &c.ab, &c.cd, &c.a, &c.b, &c.out, &c.side};

    fixed_rig_open(&c.rig, source_path("npu/model/whisper-base-encoder.safetensors"), 1);
    for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
        *small[i] = kit_buffer_new(4096);
    c.acc = kit_buffer_new(32768);
    c.before = calloc(c.rig.values, sizeof(*c.before));
    float *mel = read_mel(&c);
    struct npu_run run = {.positions = c.rig.program.positions,
                          .mel = mel,
                          .features = c.rig.features,
                          .cancel = &cancel,
                          .after = after,
                          .user = &c};
    int ret = c.rig.device->backend->run(c.rig.loaded, &run);
    check_case(ret == 0, "real_window_runs", "run() returned %d", ret);
    bool intact = kit_buffer_intact(&c.acc);
    for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
        intact &= kit_buffer_intact(small[i]);
        kit_buffer_free(small[i]);
    }
    check_case(intact, "real_tiles_stay_in_their_buffers", "guard bands");
    kit_buffer_free(&c.acc);
    free(c.before);
    free(c.mel);
    free(mel);
    fixed_rig_close(&c.rig);
    return check_finish();
}
