/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stages in integers: rows are quantised where they are needed, products are exact, sums,
 * softmax statistics, norms and the residual stream are f32. */
#include "npu/cpu/cpu.h"

/* Integer rows with their scales and zero points. */
struct rows {
    void *a;
    float *scale;
    int32_t *zero;
    size_t ld;     /* operands */
    int16_t *tail; /* of a stage with one, stride its length */
    float *tail_scale;
    int32_t *no_zero; /* room for the zero points that s16 operands do not need */
};

static const struct npu_int_kernels *kernels_of(const struct npu_cpu_job *job)
{
    return &job->l->device->kernels.width[job->w->recipe.width];
}

static const struct npu_int_kernels *head_kernels_of(const struct npu_cpu_job *job)
{
    return &job->l->device->kernels.width[job->w->recipe.head_width];
}

/* Operands n into a buffer. */
static void *operand(const struct npu_cpu_job *job, void *buffer, enum npu_width width, size_t n)
{
    return (char *)buffer + n * npu_cpu_operand_bytes(&job->l->device->kernels, width);
}

static struct rows scratch_rows(const struct npu_cpu_scratch *scratch, size_t n)
{
    return (struct rows){scratch->a,    scratch->scale,      scratch->zero,     n,
                         scratch->tail, scratch->tail_scale, scratch->tail_zero};
}

/* The rows from `i` on. */
static struct rows rows_from(const struct npu_cpu_job *job, const struct rows *rows, size_t i)
{
    return (struct rows){operand(job, rows->a, job->w->recipe.width, i * rows->ld),
                         rows->scale + i,
                         rows->zero + i,
                         rows->ld,
                         rows->tail + i * job->w->recipe.tail,
                         rows->tail_scale + i,
                         rows->no_zero};
}

/* m rows of the stage's input, stride ldx, in the order that quant() wants. */
static void exchange(const struct npu_cpu_job *job, float *x, size_t ldx, unsigned m)
{
    npu_cpu_exchange(job->w, job->s->k, x, ldx, m);
}

/* m rows of n from x, stride ldx, to the stage's integers. */
static void quant(const struct npu_cpu_job *job, const struct rows *to, const float *x, size_t ldx,
                  unsigned m, size_t n)
{
    size_t tail = job->w->recipe.tail;
    const struct npu_quant_args args = {
        .dst = to->a,
        .x = x,
        .scale = to->scale,
        .zero = to->zero,
        .ldd = (ptrdiff_t)to->ld,
        .ldx = (ptrdiff_t)ldx,
        .m = (int)m,
        .n = (int)(n - tail),
        .q_max = job->w->a_max,
        .asymmetric = job->w->recipe.asymmetric,
    };
    if (tail) {
        const struct npu_quant_args rest = {
            .dst = to->tail,
            .x = x + n - tail,
            .scale = to->tail_scale,
            .zero = to->no_zero,
            .ldd = (ptrdiff_t)tail,
            .ldx = (ptrdiff_t)ldx,
            .m = (int)m,
            .n = (int)tail,
            .q_max = job->w->tail_max,
        };
        job->l->device->kernels.width[NPU_WIDE].quant(&rest);
    }
    kernels_of(job)->quant(&args);
}

static void gemm(const struct npu_cpu_job *job, unsigned matrix, float *c, size_t ldc,
                 const struct rows *a, const float *r, unsigned m, unsigned flags)
{
    const struct npu_cpu_matrix *w = &job->w->matrix[matrix];
    const struct npu_gemm_int_args args = {
        .c = c,
        .a = a->a,
        .b = w->b,
        .a_scale = a->scale,
        .b_scale = w->scale,
        .bias = w->bias,
        .r = r,
        .a_zero = a->zero,
        .b_sum = w->sum,
        .lda = (ptrdiff_t)a->ld,
        .ldc = (ptrdiff_t)ldc,
        .ldr = (ptrdiff_t)ldc,
        .m = (int)m,
        .n = (int)job->s->n,
        .k = (int)(job->s->k - job->w->recipe.tail),
        .flags = flags,
        .tail = {.a = a->tail,
                 .b = w->tail_b,
                 .a_scale = a->tail_scale,
                 .b_scale = w->tail_scale,
                 .lda = (ptrdiff_t)job->w->recipe.tail,
                 .k = (int)job->w->recipe.tail},
    };
    kernels_of(job)->gemm(&args);
}

/* Norm and quantise, a few rows at a time while they are in the L1 cache. */
static struct rows norm_quant(const struct npu_cpu_job *job, const struct npu_cpu_scratch *scratch,
                              unsigned row, unsigned m)
{
    enum { STEP = 8 };
    size_t d = job->l->program.d_model;
    struct rows rows = scratch_rows(scratch, d);

    for (unsigned i = 0; i < m; i += STEP) {
        unsigned n = m - i < STEP ? m - i : STEP;
        struct rows at = rows_from(job, &rows, i);
        npu_cpu_norm_rows(job, scratch->rows, row + i, n);
        exchange(job, scratch->rows, d, n);
        quant(job, &at, scratch->rows, d, n, d);
    }
    return rows;
}

static void run_conv1(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    const struct npu_program *p = &job->l->program;
    const struct npu_cpu_scratch *scratch = &job->l->scratch[worker];
    unsigned m, n, row = npu_cpu_job_rows(job, index, &m);
    struct rows a = scratch_rows(scratch, job->s->k);

    for (unsigned i = 0; i < m; i += n) {
        struct rows at = rows_from(job, &a, i);
        n = m - i;
        const float *x = npu_cpu_frames(job, scratch->rows, row + i, &n);
        quant(job, &at, x, p->n_mels, n, job->s->k);
    }
    gemm(job, 0, job->l->stem + (size_t)(row + 1) * p->d_model, p->d_model, &a, NULL, m,
         NPU_GEMM_GELU);
}

static void run_conv2(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    size_t d = job->l->program.d_model;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);
    struct rows a = scratch_rows(&job->l->scratch[worker], job->s->k);

    quant(job, &a, job->l->stem + 2 * row * d, 2 * d, m, job->s->k);
    gemm(job, 0, job->l->residual + row * d, d, &a, job->l->weights->positions + row * d, m,
         NPU_GEMM_GELU);
}

/* The rows' queries, with a scale a row and head. */
static void quant_q(const struct npu_cpu_job *job, const struct npu_cpu_scratch *scratch,
                    unsigned row, unsigned m)
{
    const struct npu_cpu_int_buffers *to = &job->l->int8;
    const struct npu_program *p = &job->l->program;
    struct npu_quant_args args = {.zero = scratch->zero,
                                  .ldd = (ptrdiff_t)p->d_model,
                                  .ldx = (ptrdiff_t)p->d_model,
                                  .m = (int)m,
                                  .n = NPU_HEAD_DIM,
                                  .q_max = job->w->recipe.qk_max};
    for (unsigned head = 0; head < p->n_heads; head++) {
        size_t at = (size_t)row * p->d_model + head * NPU_HEAD_DIM;
        args.dst = operand(job, to->q, job->w->recipe.head_width, at);
        args.x = scratch->rows + head * NPU_HEAD_DIM;
        args.scale = to->q_scale + (size_t)head * job->positions + row;
        head_kernels_of(job)->quant(&args);
    }
}

/* The rows' keys or values, whole blocks of one head after the other. */
static void pack_blocks(const struct npu_cpu_job *job, const struct npu_cpu_scratch *scratch,
                        unsigned row, unsigned m, bool keys)
{
    const struct npu_cpu_int_buffers *to = &job->l->int8;
    const struct npu_int_kernels *kernels = head_kernels_of(job);
    const struct npu_cpu_recipe *r = &job->w->recipe;
    const struct npu_program *p = &job->l->program;
    for (unsigned i = 0; i < m; i += NPU_KEY_BLOCK) {
        int rows = m - i < NPU_KEY_BLOCK ? (int)(m - i) : NPU_KEY_BLOCK;
        for (unsigned head = 0; head < p->n_heads; head++) {
            const float *x = scratch->rows + (size_t)i * p->d_model + head * NPU_HEAD_DIM;
            size_t b = (size_t)head * job->l->blocks + (row + i) / NPU_KEY_BLOCK;
            size_t at = b * NPU_KEY_BLOCK * NPU_HEAD_DIM;
            if (keys)
                kernels->pack_k(operand(job, to->k, r->head_width, at),
                                to->k_offset + b * NPU_KEY_BLOCK, to->k_scale + b, x,
                                (ptrdiff_t)p->d_model, rows, r->qk_max);
            else
                kernels->pack_v(operand(job, to->v, r->head_width, at),
                                to->v_scale + b * NPU_HEAD_DIM, x, (ptrdiff_t)p->d_model, rows,
                                r->v_max);
        }
    }
}

static void run_norm_qkv(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    const struct npu_cpu_scratch *scratch = &job->l->scratch[worker];
    size_t d = job->l->program.d_model;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);
    struct rows a = norm_quant(job, scratch, row, m);

    gemm(job, 1, scratch->rows, d, &a, NULL, m, 0);
    pack_blocks(job, scratch, row, m, true);
    gemm(job, 2, scratch->rows, d, &a, NULL, m, 0);
    pack_blocks(job, scratch, row, m, false);
    gemm(job, 0, scratch->rows, d, &a, NULL, m, 0);
    quant_q(job, scratch, row, m);
}

static void run_attention(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    struct npu_cpu_loaded *l = job->l;
    const struct npu_cpu_int_buffers *from = &l->int8;
    enum npu_width width = job->w->recipe.head_width;
    unsigned rows_index, head = npu_cpu_job_head(job, index, &rows_index);
    unsigned m, row = npu_cpu_job_rows(job, rows_index, &m);
    size_t d = l->program.d_model, b = (size_t)head * l->blocks;
    size_t at = row * d + head * NPU_HEAD_DIM;
    const struct npu_attention_int_args args = {
        .out = l->mixed + at,
        .q = operand(job, from->q, width, at),
        .k = operand(job, from->k, width, b * NPU_KEY_BLOCK * NPU_HEAD_DIM),
        .v = operand(job, from->v, width, b * NPU_KEY_BLOCK * NPU_HEAD_DIM),
        .q_scale = from->q_scale + (size_t)head * job->positions + row,
        .k_scale = from->k_scale + b,
        .v_scale = from->v_scale + b * NPU_HEAD_DIM,
        .k_offset = from->k_offset + b * NPU_KEY_BLOCK,
        .ldo = (ptrdiff_t)d,
        .ldq = (ptrdiff_t)d,
        .m = (int)m,
        .n = (int)job->positions,
        .numerators = job->w->recipe.numerators,
    };
    head_kernels_of(job)->attention(&args, l->scratch[worker].kernel);
}

static void run_out(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    size_t d = job->l->program.d_model;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);
    struct rows a = scratch_rows(&job->l->scratch[worker], d);
    float *x = job->l->residual + row * d;

    exchange(job, job->l->mixed + row * d, d, m);
    quant(job, &a, job->l->mixed + row * d, d, m, d);
    gemm(job, 0, x, d, &a, x, m, 0);
}

/* FC2's input from `row`. */
static struct rows ffn_rows(const struct npu_cpu_job *fc2, const struct npu_cpu_scratch *scratch,
                            size_t row)
{
    const struct npu_cpu_int_buffers *i = &fc2->l->int8;
    size_t ffn = fc2->l->program.d_ffn;
    return (struct rows){operand(fc2, i->ffn, fc2->w->recipe.width, row * ffn),
                         i->ffn_scale + row,
                         i->ffn_zero + row,
                         ffn,
                         i->ffn_tail + row * fc2->w->recipe.tail,
                         i->ffn_tail_scale + row,
                         scratch->tail_zero};
}

/* The next stage's integers come from here, for its scales need whole rows; the order of this one's
 * outputs is the one that stage wants. */
static void run_norm_fc1(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    struct npu_cpu_loaded *l = job->l;
    const struct npu_cpu_scratch *scratch = &l->scratch[worker];
    size_t ffn = l->program.d_ffn;
    struct npu_cpu_job fc2 = *job;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);

    fc2.s++; /* in a program FC2 follows FC1 */
    fc2.w++;
    for (unsigned end = row + m; row < end; row += NPU_CPU_INT_ROWS) {
        unsigned n = end - row < NPU_CPU_INT_ROWS ? end - row : NPU_CPU_INT_ROWS;
        struct rows a = norm_quant(job, scratch, row, n);
        struct rows to = ffn_rows(&fc2, scratch, row);
        gemm(job, 0, scratch->rows, ffn, &a, NULL, n, NPU_GEMM_GELU);
        quant(&fc2, &to, scratch->rows, ffn, n, ffn);
    }
}

static void run_fc2(void *user, unsigned index, unsigned worker)
{
    const struct npu_cpu_job *job = user;
    struct npu_cpu_loaded *l = job->l;
    size_t d = l->program.d_model;
    unsigned m, row = npu_cpu_job_rows(job, index, &m);
    struct rows a = ffn_rows(job, &l->scratch[worker], row);
    float *x = l->residual + row * d;

    gemm(job, 0, x, d, &a, x, m, 0);
}

npu_job_fn *const npu_cpu_int_fns[NPU_OP_COUNT] = {
    [NPU_OP_CONV1] = run_conv1,       [NPU_OP_CONV2] = run_conv2,
    [NPU_OP_NORM_QKV] = run_norm_qkv, [NPU_OP_ATTENTION] = run_attention,
    [NPU_OP_OUT] = run_out,           [NPU_OP_NORM_FC1] = run_norm_fc1,
    [NPU_OP_FC2] = run_fc2,
};
