/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The designs with the base model's weights and real speech, compared with the buffers of profile
 * npu on the CPU for the same window. */
#include "tests/npu/fixed_rig.h"
#include "tests/sim/designs.h"

enum { D = 512, FFN = 2048, POSITIONS = 1500, LATE = 3 };

/* Copies of the buffers at the stages that are used here. */
struct seen {
    const struct npu_cpu_loaded *cpu;
    const struct npu_program *program;
    atomic_bool cancel;
    int32_t *stem, *before_out, *after_out; /* residual streams: [POSITIONS][D] */
    int16_t *q[2], *k[2], *v[2], *mixed[2]; /* of layers 0 and LATE */
    int16_t *mixed1, *ffn1;                 /* of layer 1 */
};

static void keep(void *to, const void *from, size_t bytes)
{
    void **place = to;
    *place = designs_alloc(bytes);
    memcpy(*place, from, bytes);
}

static void after(void *user, unsigned index)
{
    struct seen *s = user;
    const struct npu_stage *stage = &s->program->stage[index];
    char *const *b = s->cpu->buffer;
    const size_t residual = (size_t)POSITIONS * D * 4, rows = (size_t)POSITIONS * D * 2;
    unsigned which = stage->layer == LATE;

    if (stage->op == NPU_OP_CONV2)
        keep(&s->stem, b[NPU_BUFFER_RESIDUAL], residual);
    if (stage->op == NPU_OP_NORM_QKV && (stage->layer == 0 || stage->layer == LATE)) {
        keep(&s->q[which], b[NPU_BUFFER_Q], rows);
        keep(&s->k[which], b[NPU_BUFFER_K], rows);
        keep(&s->v[which], b[NPU_BUFFER_V], rows);
    }
    if (stage->op == NPU_OP_ATTENTION && (stage->layer == 0 || stage->layer == LATE))
        keep(&s->mixed[which], b[NPU_BUFFER_MIXED], rows);
    if (stage->op == NPU_OP_ATTENTION && stage->layer == LATE)
        atomic_store(&s->cancel, true);
    if (stage->layer != 1)
        return;
    if (stage->op == NPU_OP_ATTENTION) {
        keep(&s->mixed1, b[NPU_BUFFER_MIXED], rows);
        keep(&s->before_out, b[NPU_BUFFER_RESIDUAL], residual);
    }
    if (stage->op == NPU_OP_OUT)
        keep(&s->after_out, b[NPU_BUFFER_RESIDUAL], residual);
    if (stage->op == NPU_OP_NORM_FC1)
        keep(&s->ffn1, b[NPU_BUFFER_FFN], (size_t)POSITIONS * FFN * 2);
}

static unsigned find_stage(const struct fixed_rig *r, enum npu_op op, unsigned layer)
{
    unsigned i = 0;
    while (r->program.stage[i].op != op || r->program.stage[i].layer != layer)
        i++;
    return i;
}

/* The norm before stage `i` of rows of the residual stream. */
static struct npu_fixed_norm_args norm_args(const struct fixed_rig *r, unsigned i, int16_t *y,
                                            const int32_t *x, int rows)
{
    const struct npu_fixed *in = r->fixed;
    return (struct npu_fixed_norm_args){.y = y,
                                        .x = x,
                                        .mult = in->stage[i].norm_mult,
                                        .ldy = D,
                                        .ldx = D,
                                        .m = rows,
                                        .d = D,
                                        .shift = in->stage[i].norm_shift,
                                        .inv_d = in->inv_d,
                                        .eps = in->eps,
                                        .sqrt_d = in->sqrt_d};
}

/* The norm's result for these rows; transfer full. */
static int16_t *norm_rows(const struct fixed_rig *r, unsigned i, const int32_t *x, int rows)
{
    int16_t *y = designs_alloc((size_t)rows * D * sizeof(*y));
    const struct npu_fixed_norm_args args = norm_args(r, i, y, x, rows);
    npu_fixed_norm_s32s16_ref(&args);
    return y;
}

/* n channels of a stage's matrix applied to rows `a`; all but c belongs to others. */
static struct designs_product product_of(const struct fixed_rig *r, unsigned i, unsigned matrix,
                                         int16_t *a, int m, int n, enum npu_fixed_result result)
{
    const struct npu_fixed_matrix *w = &r->fixed->stage[i].matrix[matrix];
    return (struct designs_product){.kind = w->bits == 16 ? NPU_ARRAY_S16S16 : NPU_ARRAY_S16S8,
                                    .m = m,
                                    .n = n,
                                    .k = (int)r->program.stage[i].k,
                                    .result = result,
                                    .acc_shift = w->acc_shift,
                                    .gelu_shift = r->fixed->stage[i].gelu_shift,
                                    .a = a,
                                    .w = w->w,
                                    .bias = w->bias,
                                    .mult = w->mult,
                                    .shift = w->shift,
                                    .table = r->fixed->stage[i].table,
                                    .c = designs_alloc((size_t)m * (size_t)n * 4)};
}

static void layernorm(const struct fixed_rig *r, const struct seen *s)
{
    unsigned i = find_stage(r, NPU_OP_NORM_QKV, 0);
    struct npu_core_job job;
    int16_t *expected = norm_rows(r, i, s->stem, T), y[T * D];
    const struct npu_fixed_norm_args args = norm_args(r, i, y, s->stem, T);
    npu_array_norm_job(&job, &args, T / 2);
    const struct designs_buffer buffers[] = {
        {s->stem, T * D * 4}, {&job, sizeof(job)}, {y, sizeof(y)}};
    designs_run("real_layernorm_512", "layernorm_512", NULL, buffers, 3, 2, expected);
    free(expected);
}

/* Layer 0's Q: 64 channels as s16, the next 64 as s32. */
static void layer0_q(const struct fixed_rig *r, const struct seen *s)
{
    unsigned i = find_stage(r, NPU_OP_NORM_QKV, 0);
    int16_t *a = norm_rows(r, i, s->stem, T);
    struct designs_product p = product_of(r, i, 0, a, T, D, NPU_FIXED_S16);
    uint8_t *streams = designs_alloc(72 * OBJECT), c[6 * OBJECT], expected[6 * OBJECT];
    uint8_t *b = streams + 32 * OBJECT;
    designs_product_compute(&p);
    bool same = memcmp(p.c, s->q[0], T * D * 2) == 0;
    designs_pack_a(designs_pack_a(streams, &p, 0), &p, 0);
    b = designs_pack_b(b, &p, 0, 1);
    designs_pack_c(expected, &p, 0, 0);
    p.result = NPU_FIXED_S32;
    designs_product_compute(&p);
    designs_pack_b(b, &p, 1, 1);
    designs_pack_c(expected + 2 * OBJECT, &p, 0, 1);
    const struct designs_buffer buffers[] = {
        {streams, 32 * OBJECT}, {streams + 32 * OBJECT, 34 * OBJECT}, {c, sizeof(c)}};
    designs_run(same ? "real_gemm_s16s16" : "real_gemm_s16s16_whose_ref_is_not_the_encoder",
                same ? "gemm_s16s16" : "none", NULL, buffers, 3, 2, expected);
    free(p.c);
    free(a);
    free(streams);
}

static void attention(const struct fixed_rig *r, const struct seen *s)
{
    const unsigned layers[] = {0, LATE};
    struct designs_head heads[4];
    for (unsigned i = 0; i < 4; i++) {
        unsigned which = i / 2, stage = find_stage(r, NPU_OP_ATTENTION, layers[which]);
        size_t at = (size_t)(3 * i + which) % 8 * 64; /* heads 0, 3, 7, 2 */
        heads[i] = (struct designs_head){.m = 128,
                                         .n = POSITIONS,
                                         .qk_shift = r->fixed->stage[stage].qk_shift,
                                         .ld = D,
                                         .q = s->q[which] + at,
                                         .k = s->k[which] + at,
                                         .v = s->v[which] + at,
                                         .out = s->mixed[which] + at};
    }
    designs_heads_run("real_attention_4col", "attention_4col", NULL, heads, 4);
    heads[3].m = 256;
    designs_heads_run("real_attention", "attention", "sequence", &heads[3], 1);
}

/* Layer 1, output projection and residual of 256 positions and channels on 16 cores. */
static void out(const struct fixed_rig *r, const struct seen *s)
{
    unsigned i = find_stage(r, NPU_OP_OUT, 1);
    struct designs_product p = product_of(r, i, 0, s->mixed1, 256, 256, NPU_FIXED_RESIDUAL);
    p.x = designs_alloc(256 * 256 * sizeof(*p.x));
    for (int row = 0; row < 256; row++) {
        memcpy(p.x + row * 256, s->before_out + row * D, 256 * 4);
        memcpy((int32_t *)p.c + row * 256, s->after_out + row * D, 256 * 4);
    }
    designs_encoder_run("real_encoder_out", &p, "out");
    free(p.x);
    free(p.c);
}

/* Layer 1, norm and FC1 with GELU: 64 positions on one core, all on 16. */
static void fc1(const struct fixed_rig *r, const struct seen *s)
{
    unsigned i = find_stage(r, NPU_OP_NORM_FC1, 1);
    int16_t *a = designs_alloc((size_t)1536 * D * sizeof(*a));
    const struct npu_fixed_norm_args norm = norm_args(r, i, a, s->after_out, POSITIONS);
    struct designs_product p = product_of(r, i, 0, a, 1536, FFN, NPU_FIXED_GELU);
    /* Rows past the last position are zero in the input; their results equal the reference's
     * too. */
    npu_fixed_norm_s32s16_ref(&norm);
    memset(a + POSITIONS * D, 0, 36 * D * sizeof(*a));
    struct designs_product rest = p;
    rest.a = a + POSITIONS * D;
    rest.m = 36;
    rest.c = (int16_t *)p.c + POSITIONS * FFN;
    designs_product_compute(&rest);
    memcpy(p.c, s->ffn1, (size_t)POSITIONS * FFN * 2);
    designs_fc1_run("real_encoder_fc1", &p);
    p.m = T;
    designs_fc1_run("real_gemm_s16s8_fc1", &p);
    free(p.c);

    /* GELU by itself: 64 vectors of 2048, or 128 of 512, are 64 or 32 positions. */
    struct designs_product u = product_of(r, i, 0, a, T, FFN, NPU_FIXED_S32);
    struct npu_core_job job;
    int16_t *g = designs_alloc((size_t)T * FFN * 2);
    designs_product_compute(&u);
    npu_array_gelu_job(&job, p.table, p.gelu_shift, T);
    struct designs_buffer buffers[] = {
        {u.c, (size_t)T * FFN * 4}, {&job, sizeof(job)}, {g, (size_t)T * FFN * 2}};
    designs_run("real_gelu_2048", "gelu_2048", NULL, buffers, 3, 2, s->ffn1);
    job.count[0] = 128;
    buffers[0].bytes /= 2;
    buffers[2].bytes /= 2;
    designs_run("real_gelu_512", "gelu_512", NULL, buffers, 3, 2, s->ffn1);
    free(u.c);
    free(g);
    free(a);
}

/* The clip from its first sample, reflected before it as in a window; silence follows. */
static void logmel(void)
{
    enum { FRAMES = 3008, FRONT = NPU_MEL_FRAME / 2, N = FRAMES * NPU_MEL_HOP + 256 };
    size_t n;
    float *samples = wav_samples(source_path("tests/data/librivox-sense-0870.wav"), &n);
    int16_t *x = designs_alloc(N * sizeof(*x));
    for (int i = 0; i < N; i++) {
        size_t at = (size_t)(i < FRONT ? FRONT - i : i - FRONT);
        x[i] = (int16_t)(at < n ? samples[at] * 32768 : 0);
    }
    designs_mel_run("real_mel_4core", "mel_4core", x, FRAMES, 4);
    designs_mel_run("real_mel", "mel", x + 100 * NPU_MEL_HOP, 256, 1);
    free(samples);
    free(x);
}

void designs_real(void)
{
    struct fixed_rig r;
    float *mel = stored_mel(source_path("tests/data/librivox-sense-0870.mel720.s16"));
    fixed_rig_open(&r, source_path("npu/model/whisper-base-encoder.safetensors"), 0);
    struct seen s = {.cpu = r.cpu, .program = &r.program};
    struct npu_run run = {.positions = r.program.positions,
                          .mel = mel,
                          .features = r.features,
                          .cancel = &s.cancel,
                          .after = after,
                          .user = &s};
    (void)r.device->backend->run(r.loaded, &run); /* ends early: cancelled when all is seen */
    layernorm(&r, &s);
    layer0_q(&r, &s);
    attention(&r, &s);
    out(&r, &s);
    fc1(&r, &s);
    logmel();
    void *const all[] = {s.stem, s.before_out, s.after_out, s.q[0],     s.q[1],   s.k[0], s.k[1],
                         s.v[0], s.v[1],       s.mixed[0],  s.mixed[1], s.mixed1, s.ffn1, mel};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        free(all[i]);
    fixed_rig_close(&r);
}
