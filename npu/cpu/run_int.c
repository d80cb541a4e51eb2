/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profile int8: rows are quantised where they are needed, products are exact, sums, softmax
 * statistics, norms and the residual stream are f32. */
#include "npu/block.h"
#include "npu/cpu/cpu.h"

/* Integer rows with their scales and zero points. */
struct rows {
    void *a;
    float *scale;
    int32_t *zero;
    size_t ld;     /* operands */
    int16_t *tail; /* of a stage with one, stride its length */
    float *tail_scale;
    int32_t *no_zero; /* room for zero points that nobody reads */
};

static const struct npu_int_kernels *kernels_of(const struct npu_cpu_part *p, enum npu_width width)
{
    return &p->l->device->kernels.width[width];
}

/* Operands n into a buffer. */
static void *operand(const struct npu_cpu_part *p, void *buffer, enum npu_width width, size_t n)
{
    return (char *)buffer + n * npu_cpu_operand_bytes(&p->l->device->kernels, width);
}

/* The rows from `i` on. */
static struct rows rows_from(const struct npu_cpu_part *p, const struct rows *rows, size_t i)
{
    return (struct rows){operand(p, rows->a, p->w->recipe.width, i * rows->ld),
                         rows->scale + i,
                         rows->zero + i,
                         rows->ld,
                         rows->tail + i * p->w->recipe.tail,
                         rows->tail_scale + i,
                         rows->no_zero};
}

static struct rows scratch_rows(const struct npu_cpu_part *p)
{
    const struct npu_cpu_scratch *s = p->scratch;
    return (struct rows){s->a, s->scale, s->zero, p->s->k, s->tail, s->tail_scale, s->no_zero};
}

/* The part's rows of the FFN buffer, as the stage that reads it wants them. */
static struct rows ffn_rows(const struct npu_cpu_part *reader)
{
    const struct npu_cpu_int_buffers *i = &reader->l->int8;
    const struct rows all = {reader->l->buffer[NPU_BUFFER_FFN],
                             i->ffn_scale,
                             i->ffn_zero,
                             reader->s->k,
                             i->ffn_tail,
                             i->ffn_tail_scale,
                             reader->scratch->no_zero};
    return rows_from(reader, &all, reader->row);
}

/* ---- Quantising ------------------------------------------------------------------------------ */

/* m rows of what the stage reads from x, stride ldx, to its integers. */
static void quant(const struct npu_cpu_part *p, const struct rows *to, const float *x,
                  ptrdiff_t ldx, unsigned m)
{
    size_t tail = p->w->recipe.tail, n = p->s->k - tail;
    const struct npu_quant_args args = {
        .dst = to->a,
        .x = x,
        .scale = to->scale,
        .zero = to->zero,
        .ldd = (ptrdiff_t)to->ld,
        .ldx = ldx,
        .m = (int)m,
        .n = (int)n,
        .q_max = p->w->a_max,
        .asymmetric = p->w->recipe.asymmetric,
    };
    if (tail) {
        const struct npu_quant_args rest = {
            .dst = to->tail,
            .x = x + n,
            .scale = to->tail_scale,
            .zero = to->no_zero,
            .ldd = (ptrdiff_t)tail,
            .ldx = ldx,
            .m = (int)m,
            .n = (int)tail,
            .q_max = p->w->tail_max,
        };
        kernels_of(p, NPU_WIDE)->quant(&rest);
    }
    kernels_of(p, p->w->recipe.width)->quant(&args);
}

/* Norm and quantise, a few rows at a time while they are in the L1 cache. */
static struct rows norm_quant(const struct npu_cpu_part *p)
{
    enum { STEP = 8 };
    struct rows rows = scratch_rows(p);

    for (unsigned i = 0; i < p->m; i += STEP) {
        unsigned n = p->m - i < STEP ? p->m - i : STEP;
        struct rows at = rows_from(p, &rows, i);
        npu_cpu_norm_rows(p, p->scratch->normed, p->row + i, n);
        npu_cpu_exchange(p->w, p->s->k, p->scratch->normed, p->s->k, n);
        quant(p, &at, p->scratch->normed, p->s->k, n);
    }
    return rows;
}

/* What the part's rows are computed from. */
static struct rows input(const struct npu_cpu_part *p)
{
    if (p->s->norm != NPU_TENSOR_NONE)
        return norm_quant(p);
    if (p->s->in == NPU_BUFFER_FFN)
        return ffn_rows(p);
    struct rows rows = scratch_rows(p);
    float *x = npu_cpu_input(p);
    ptrdiff_t stride = npu_stage_stride(p->s);
    npu_cpu_exchange(p->w, p->s->k, x, (size_t)stride, p->m); /* rows that overlap have no tail */
    quant(p, &rows, x, stride, p->m);
    return rows;
}

/* Queries, with a scale a row and head. */
static void quant_q(const struct npu_cpu_part *p)
{
    const struct npu_cpu_recipe *r = &p->w->recipe;
    const struct npu_program *program = &p->l->program;
    struct npu_quant_args args = {.zero = p->scratch->no_zero,
                                  .ldd = (ptrdiff_t)program->d_model,
                                  .ldx = (ptrdiff_t)program->d_model,
                                  .m = (int)p->m,
                                  .n = NPU_HEAD_DIM,
                                  .q_max = r->qk_max};
    for (unsigned head = 0; head < program->n_heads; head++) {
        size_t at = (size_t)p->row * program->d_model + head * NPU_HEAD_DIM;
        args.dst = operand(p, p->l->buffer[NPU_BUFFER_Q], r->head_width, at);
        args.x = p->scratch->results + head * NPU_HEAD_DIM;
        args.scale = p->l->int8.q_scale + (size_t)head * p->positions + p->row;
        kernels_of(p, r->head_width)->quant(&args);
    }
}

/* Keys or values, whole blocks of one head after the other. */
static void pack_blocks(const struct npu_cpu_part *p, enum npu_operand to)
{
    const struct npu_cpu_int_buffers *i8 = &p->l->int8;
    const struct npu_cpu_recipe *r = &p->w->recipe;
    const struct npu_int_kernels *kernels = kernels_of(p, r->head_width);
    const struct npu_program *program = &p->l->program;

    for (unsigned i = 0; i < p->m; i += NPU_KEY_BLOCK) {
        int rows = p->m - i < NPU_KEY_BLOCK ? (int)(p->m - i) : NPU_KEY_BLOCK;
        for (unsigned head = 0; head < program->n_heads; head++) {
            const float *x =
                p->scratch->results + (size_t)i * program->d_model + head * NPU_HEAD_DIM;
            size_t b = (size_t)head * p->l->blocks + (p->row + i) / NPU_KEY_BLOCK;
            void *dst =
                operand(p, p->l->buffer[to], r->head_width, b * NPU_KEY_BLOCK * NPU_HEAD_DIM);
            if (to == NPU_BUFFER_K)
                kernels->pack_k(dst, i8->k_offset + b * NPU_KEY_BLOCK, i8->k_scale + b, x,
                                (ptrdiff_t)program->d_model, rows, r->qk_max);
            else
                kernels->pack_v(dst, i8->v_scale + b * NPU_HEAD_DIM, x, (ptrdiff_t)program->d_model,
                                rows, r->v_max);
        }
    }
}

/* The part's results into a buffer of integers. Those of FFN are the next stage's, whose scales
 * need whole rows; the order of this one's outputs is the one that stage wants. */
static void keep(const struct npu_cpu_part *p, enum npu_operand to)
{
    struct npu_cpu_part next = *p;

    if (to == NPU_BUFFER_Q) {
        quant_q(p);
    } else if (to == NPU_BUFFER_K || to == NPU_BUFFER_V) {
        pack_blocks(p, to);
    } else {
        next.s++; /* in a program its reader follows */
        next.w++;
        struct rows rows = ffn_rows(&next);
        quant(&next, &rows, p->scratch->results, next.s->k, p->m);
    }
}

/* ---- Stages ---------------------------------------------------------------------------------- */

static void multiply(const struct npu_cpu_part *p, unsigned matrix, const struct rows *a)
{
    const struct npu_cpu_matrix *w = &p->w->matrix[matrix];
    const struct npu_stage *s = p->s;
    enum npu_operand to = s->out + matrix;
    bool in_integers = p->l->profile->bytes[to] == 0;
    const struct npu_gemm_int_args args = {
        .c = in_integers ? p->scratch->results : npu_cpu_row(p->l, to, p->row),
        .a = a->a,
        .b = w->b,
        .a_scale = a->scale,
        .b_scale = w->scale,
        .bias = w->bias,
        .r = s->added ? npu_cpu_row(p->l, s->added, p->row) : NULL,
        .a_zero = a->zero,
        .b_sum = w->sum,
        .lda = (ptrdiff_t)a->ld,
        .ldc = s->n,
        .ldr = s->n,
        .m = (int)p->m,
        .n = (int)s->n,
        .k = (int)(s->k - p->w->recipe.tail),
        .flags = s->gelu ? NPU_GEMM_GELU : 0,
        .tail = {.a = a->tail,
                 .b = w->tail_b,
                 .a_scale = a->tail_scale,
                 .b_scale = w->tail_scale,
                 .lda = (ptrdiff_t)p->w->recipe.tail,
                 .k = (int)p->w->recipe.tail},
    };
    kernels_of(p, p->w->recipe.width)->gemm(&args);
    if (in_integers)
        keep(p, to);
}

static void product(const struct npu_cpu_part *p)
{
    struct rows a = input(p);
    for (unsigned i = 0; i < p->s->n_matrices; i++)
        multiply(p, i, &a);
}

static void attention(const struct npu_cpu_part *p)
{
    const struct npu_cpu_loaded *l = p->l;
    const struct npu_cpu_int_buffers *from = &l->int8;
    enum npu_width width = p->w->recipe.head_width;
    size_t d = l->program.d_model, b = (size_t)p->head * l->blocks, at = p->head * NPU_HEAD_DIM;
    const struct npu_attention_int_args args = {
        .out = (float *)npu_cpu_row(l, p->s->out, p->row) + at,
        .q = operand(p, l->buffer[NPU_BUFFER_Q], width, p->row * d + at),
        .k = operand(p, l->buffer[NPU_BUFFER_K], width, b * NPU_KEY_BLOCK * NPU_HEAD_DIM),
        .v = operand(p, l->buffer[NPU_BUFFER_V], width, b * NPU_KEY_BLOCK * NPU_HEAD_DIM),
        .q_scale = from->q_scale + (size_t)p->head * p->positions + p->row,
        .k_scale = from->k_scale + b,
        .v_scale = from->v_scale + b * NPU_HEAD_DIM,
        .k_offset = from->k_offset + b * NPU_KEY_BLOCK,
        .ldo = (ptrdiff_t)d,
        .ldq = (ptrdiff_t)d,
        .m = (int)p->m,
        .n = (int)p->positions,
        .numerators = p->w->recipe.numerators,
    };
    kernels_of(p, width)->attention(&args, p->scratch->kernel);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void lay_out_attention(struct npu_cpu_loaded *l, char *base, size_t *used)
{
    const struct npu_program *p = &l->program;
    struct npu_cpu_int_buffers *i = &l->int8;
    size_t blocks = (size_t)p->n_heads * l->blocks;

    l->buffer[NPU_BUFFER_Q] =
        npu_block_take(base, used, (size_t)l->positions * p->d_model * sizeof(int16_t));
    i->q_scale = npu_block_take(base, used, p->n_heads * l->positions * sizeof(float));
    for (unsigned to = NPU_BUFFER_K; to <= NPU_BUFFER_V; to++)
        l->buffer[to] =
            npu_block_take(base, used, blocks * NPU_KEY_BLOCK * NPU_HEAD_DIM * sizeof(int16_t));
    i->k_offset = npu_block_take(base, used, blocks * NPU_KEY_BLOCK * sizeof(int32_t));
    i->k_scale = npu_block_take(base, used, blocks * sizeof(float));
    i->v_scale = npu_block_take(base, used, blocks * NPU_HEAD_DIM * sizeof(float));
}

/* Operands have at most 2 bytes. */
static void lay_out(struct npu_cpu_loaded *l, enum npu_phase phase, char *base, size_t *used)
{
    struct npu_cpu_int_buffers *i = &l->int8;
    size_t rows = l->positions;

    if (phase == NPU_PHASE_ATTENTION)
        lay_out_attention(l, base, used);
    if (phase != NPU_PHASE_FFN)
        return;
    l->buffer[NPU_BUFFER_FFN] =
        npu_block_take(base, used, rows * l->program.d_ffn * sizeof(int16_t));
    i->ffn_scale = npu_block_take(base, used, rows * sizeof(float));
    i->ffn_zero = npu_block_take(base, used, rows * sizeof(int32_t));
    i->ffn_tail = npu_block_take(base, used, rows * NPU_CPU_TAIL_MAX * sizeof(int16_t));
    i->ffn_tail_scale = npu_block_take(base, used, rows * sizeof(float));
}

static void lay_out_scratch(struct npu_cpu_loaded *l, struct npu_cpu_scratch *to, size_t rows,
                            char *base, size_t *used)
{
    const struct npu_program *p = &l->program;
    size_t k = 3 * (p->d_model > p->n_mels ? p->d_model : p->n_mels);
    size_t values = rows * p->d_model, wide = (size_t)NPU_CPU_INT_ROWS * p->d_ffn;

    l->result_values = values > wide ? values : wide;
    to->results = npu_block_take(base, used, l->result_values * sizeof(float));
    to->normed = to->results; /* in integers before there are results */
    to->a = npu_block_take(base, used, rows * k * sizeof(int16_t));
    to->scale = npu_block_take(base, used, rows * sizeof(float));
    to->zero = npu_block_take(base, used, rows * sizeof(int32_t));
    to->tail = npu_block_take(base, used, rows * NPU_CPU_TAIL_MAX * sizeof(int16_t));
    to->tail_scale = npu_block_take(base, used, rows * sizeof(float));
    to->no_zero = npu_block_take(base, used, rows * sizeof(int32_t));
    to->kernel = npu_block_take(base, used, NPU_ATTENTION_INT_SCRATCH);
}

const struct npu_cpu_profile npu_cpu_int8 = {
    .bytes = {[NPU_BUFFER_MEL] = 4,
              [NPU_BUFFER_STEM] = 4,
              [NPU_BUFFER_POSITIONS] = 4,
              [NPU_BUFFER_RESIDUAL] = 4,
              [NPU_BUFFER_MIXED] = 4,
              [NPU_BUFFER_FEATURES] = 4},
    .lay_out = lay_out,
    .lay_out_scratch = lay_out_scratch,
    .run = {[NPU_KIND_PRODUCT] = product,
            [NPU_KIND_ATTENTION] = attention,
            [NPU_KIND_NORM] = npu_cpu_norm},
};
