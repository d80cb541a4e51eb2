/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fixed_gemm on a core against kernels/ref: tiles of 64 x 64, every kind of product with every
 * result, over the patterns of operands, shifts at both ends, saturating results. --bench: products
 * a second. */
#include "kernels/kernels.h"
#include "npu/array/pack.h"
#include "npu/clock.h"
#include "tests/aie2/kit.h"
#include "tests/check.h"

enum { T = 64, K_MAX = 256 };
enum kind { S16S8, S16S16, S8S8, KINDS };
static const char *const kind_names[KINDS] = {"s16s8", "s16s16", "s8s8"};
static const char *const result_names[] = {"s16", "s32", "gelu", "residual", "stem"};

struct tile {
    enum kind kind;
    enum npu_fixed_result result;
    int k, shift, acc_shift, gelu_shift;
    enum kit_pattern pattern_a, pattern_w;
    bool negligible; /* multipliers 0 and 32767 only */
};

/* Operands row-major as the reference reads them, and what goes to and comes from the core. */
struct data {
    int16_t a16[T * K_MAX], w16[T * K_MAX];
    int8_t a8[T * K_MAX], w8[T * K_MAX];
    int64_t bias[T];
    int16_t pos[T * T];
    int32_t x[T * T];
    int16_t expected16[T * T], got16[T * T];
    int32_t expected32[T * T], got32[T * T];
    struct npu_core_job job;
    struct kit_buffer object, words, ab, cd, a, b, acc, out, side;
};

static void fill(struct data *d, const struct tile *t)
{
    for (size_t i = 0; i < T * (size_t)t->k; i++) {
        d->a16[i] = kit_s16(t->pattern_a, i);
        d->a8[i] = kit_s8(t->pattern_a, i);
        d->w16[i] = kit_s16(t->pattern_w, i / 3);
        d->w8[i] = kit_s8(t->pattern_w, i / 3);
    }
    struct npu_core_job *job = &d->job;
    memset(job, 0x5a, sizeof(*job));
    job->acc_shift = t->acc_shift;
    job->shift = t->shift;
    job->gelu_shift = t->gelu_shift;
    job->lut = t->result == NPU_FIXED_GELU || t->result == NPU_FIXED_STEM;
    for (int j = 0; j < T; j++) {
        d->bias[j] = kit_range(INT32_MIN, INT32_MAX);
        if (t->kind == S16S16)
            job->u.bias64[j] = d->bias[j] *= 32;
        else
            job->u.bias32[j] = (int32_t)d->bias[j];
        job->mult[j] = (int16_t)(t->negligible ? j % 2 * 32767 : kit_range(0, 32767));
    }
    for (int i = 0; i < NPU_FIXED_GELU_ENTRIES; i++)
        job->table[i] = (int16_t)kit_range(0, 32767);
    for (int i = 0; i < T * T; i++) {
        d->pos[i] = kit_s16(KIT_EDGES, (size_t)i);
        d->x[i] = kit_range(-(1 << 30), 1 << 30);
    }
}

static void reference(struct data *d, const struct tile *t)
{
    const uint8_t shift = (uint8_t)t->shift;
    bool is16 = t->result == NPU_FIXED_S16 || t->result == NPU_FIXED_GELU;
    struct npu_fixed_gemm_args args = {
        .c = is16 ? (void *)d->expected16 : (void *)d->expected32,
        .a = t->kind == S8S8 ? (const void *)d->a8 : (const void *)d->a16,
        .w = t->kind == S16S16 ? (const void *)d->w16 : (const void *)d->w8,
        .bias = d->bias,
        .mult = d->job.mult,
        .shift = &shift,
        .table = d->job.table,
        .pos = d->pos,
        .lda = t->k,
        .ldw = t->k,
        .ldc = T,
        .ldp = T,
        .m = T,
        .n = T,
        .k = t->k,
        .acc_shift = t->acc_shift,
        .gelu_shift = t->gelu_shift,
        .result = t->result};
    memcpy(d->expected32, d->x, sizeof(d->x));
    static npu_fixed_gemm_fn *const fns[KINDS] = {
        npu_fixed_gemm_s16s8_ref, npu_fixed_gemm_s16s16_ref, npu_fixed_gemm_s8s8_ref};
    fns[t->kind](&args);
}

/* w [n][k] from column k0 on as rows of k. */
static void turn(void *out, const struct data *d, const struct tile *t, int k0, int depth)
{
    for (int kk = 0; kk < depth; kk++)
        for (int j = 0; j < T; j++) {
            if (t->kind == S16S16)
                ((int16_t *)out)[kk * T + j] = d->w16[j * t->k + k0 + kk];
            else
                ((int8_t *)out)[kk * T + j] = d->w8[j * t->k + k0 + kk];
        }
}

static void steps(struct data *d, const struct tile *t)
{
    int16_t w[T * T];
    for (int k0 = 0; k0 < t->k; k0 += t->kind == S8S8 ? 64 : 32) {
        switch (t->kind) {
        case S16S8:
            npu_array_block(d->a.data, d->a16 + k0, t->k, T, 32, 4, 4, 2);
            if (k0 % 64 == 0) {
                memset(w, 0x77, sizeof(w));
                turn(w, d, t, k0, t->k - k0 < 64 ? 32 : 64);
                npu_array_block(d->b.data, w, T, 64, T, 4, 8, 1);
            }
            npu_gemm_step_s16s8(d->a.data, d->b.data, d->acc.data, k0 / 32 % 2);
            break;
        case S16S16:
            npu_array_block(d->a.data, d->a16 + k0, t->k, T, 32, 4, 4, 2);
            turn(w, d, t, k0, 32);
            npu_array_block(d->b.data, w, T, 32, T, 4, 4, 2);
            npu_gemm_step_s16s16(d->a.data, d->b.data, d->acc.data);
            break;
        default:
            npu_array_block(d->a.data, d->a8 + k0, t->k, T, 64, 4, 8, 1);
            turn(w, d, t, k0, 64);
            npu_array_block(d->b.data, w, T, 64, T, 8, 8, 1);
            npu_gemm_step_s8s8(d->a.data, d->b.data, d->acc.data);
            break;
        }
    }
}

static void finish16(struct data *d, const struct tile *t)
{
    for (int part = 0; part < 2; part++) {
        if (t->result == NPU_FIXED_S16)
            npu_gemm_finish_s16(d->words.data, d->acc.data, d->out.data, part);
        else
            npu_gemm_finish_gelu(d->words.data, d->ab.data, d->cd.data, d->acc.data, d->out.data,
                                 part);
        npu_array_unblock(d->got16 + 32 * part, T, d->out.data, T, 32, 4, 4, 2);
    }
}

static void finish32(struct data *d, const struct tile *t)
{
    for (int part = 0; part < 4; part++) {
        if (t->result == NPU_FIXED_S32) {
            npu_gemm_finish_s32(d->words.data, d->acc.data, d->out.data, part);
        } else if (t->result == NPU_FIXED_RESIDUAL) {
            memcpy(d->side.data, d->x + 1024 * part, 4096);
            npu_gemm_finish_residual(d->words.data, d->acc.data, d->side.data,
                                     part & 1 ? d->out.data : d->side.data, part);
            if (!(part & 1))
                memcpy(d->out.data, d->side.data, 4096);
        } else {
            memcpy(d->side.data, d->pos + 1024 * part, 2048);
            npu_gemm_finish_stem(d->words.data, d->ab.data, d->cd.data, d->acc.data, d->side.data,
                                 d->out.data, part);
        }
        memcpy(d->got32 + 1024 * part, d->out.data, 4096);
    }
}

/* One tile through the core; NULL or what differs. */
static const char *run(struct data *d, const struct tile *t)
{
    static char why[200];
    bool is16 = t->result == NPU_FIXED_S16 || t->result == NPU_FIXED_GELU;
    fill(d, t);
    reference(d, t);
    memcpy(d->object.data, &d->job, sizeof(d->job));
    npu_job_begin(d->object.data, d->words.data, d->ab.data, d->cd.data);
    if (t->kind == S16S16)
        npu_gemm_begin_s64(d->words.data, d->acc.data);
    else
        npu_gemm_begin_s32(d->words.data, d->acc.data);
    steps(d, t);
    if (t->kind == S16S16)
        npu_gemm_narrow(d->words.data, d->acc.data);
    (is16 ? finish16 : finish32)(d, t);
    for (int i = 0; i < T * T; i++) {
        int32_t got = is16 ? d->got16[i] : d->got32[i];
        int32_t expected = is16 ? d->expected16[i] : d->expected32[i];
        if (got == expected)
            continue;
        snprintf(why, sizeof(why),
                 "k %d, a %s, w %s, shift %d, %d, %d: [%d][%d] is %d, expected %d", t->k,
                 kit_pattern_name(t->pattern_a), kit_pattern_name(t->pattern_w), t->shift,
                 t->acc_shift, t->gelu_shift, i / T, i % T, got, expected);
        return why;
    }
    const struct kit_buffer *all[] = {&d->object, &d->words, &d->ab,  &d->cd,  &d->a,
                                      &d->b,      &d->acc,   &d->out, &d->side};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (!kit_buffer_intact(all[i]))
            return "wrote outside a buffer";
    return NULL;
}

static void open_data(struct data *d)
{
    d->object = kit_buffer_new(4096);
    d->words = kit_buffer_new(4096);
    d->ab = kit_buffer_new(4096);
    d->cd = kit_buffer_new(4096);
    d->a = kit_buffer_new(4096);
    d->b = kit_buffer_new(4096);
    d->acc = kit_buffer_new(32768);
    d->out = kit_buffer_new(4096);
    d->side = kit_buffer_new(4096);
}

static void close_data(struct data *d)
{
    struct kit_buffer *all[] = {&d->object, &d->words, &d->ab,  &d->cd,  &d->a,
                                &d->b,      &d->acc,   &d->out, &d->side};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        kit_buffer_free(all[i]);
}

/* All patterns and shifts of one kind and result. */
static void check_result(struct data *d, enum kind kind, enum npu_fixed_result result)
{
    static const int shifts16[] = {0, 1, 14, 22, 30, 37, 46, 47};
    static const int shifts32[] = {17, 18, 24, 31, 32, 46, 47}; /* requant stays below 2^30 */
    bool is16 = result == NPU_FIXED_S16;
    const int *shifts = is16 ? shifts16 : shifts32;
    int n_shifts = is16 ? 8 : 7, n = 0;
    const char *why = NULL;
    char name[64], tiles[32];

    for (int p = 0; p < KIT_PATTERNS * KIT_PATTERNS && !why; p++) {
        struct tile t = {.kind = kind,
                         .result = result,
                         .pattern_a = (enum kit_pattern)(p / KIT_PATTERNS),
                         .pattern_w = (enum kit_pattern)(p % KIT_PATTERNS)};
        t.k = kind == S8S8 ? 64 * (1 + p % 4) : 32 * (1 + p % 8);
        t.shift = shifts[p % n_shifts];
        t.acc_shift =
            kind == S16S16 ? 9 + p % 3 : 0; /* 256 products, a bias of 36 bits: below 2^40 */
        t.gelu_shift = result == NPU_FIXED_STEM ? p % 5 - 2 : p % 16;
        t.negligible = p % 7 == 0;
        why = run(d, &t);
        n++;
    }
    snprintf(name, sizeof(name), "gemm_%s_%s_equals_ref", kind_names[kind], result_names[result]);
    snprintf(tiles, sizeof(tiles), "%d tiles", n);
    check_case(!why, name, "%s", why ? why : tiles);
}

/* The products of small squares against scalar sums. */
static void check_matmul(struct data *d, int n)
{
    static int8_t a[T * T], b[T * T];
    static int32_t c[T * T];
    const char *why = NULL;
    char name[64], text[80];

    for (int p = 0; p < KIT_PATTERNS * KIT_PATTERNS && !why; p++) {
        for (int i = 0; i < n * n; i++) {
            a[i] = kit_s8((enum kit_pattern)(p / KIT_PATTERNS), (size_t)i);
            b[i] = kit_s8((enum kit_pattern)(p % KIT_PATTERNS), (size_t)i / 3);
        }
        struct kit_buffer out = kit_buffer_new((size_t)(4 * n * n));
        npu_array_block(d->a.data, a, n, n, n, 4, 8, 1);
        npu_array_block(d->b.data, b, n, n, n, 8, 8, 1);
        npu_matmul_s8s8(d->a.data, d->b.data, out.data, n);
        npu_array_unblock(c, n, out.data, n, n, 4, 8, 4);
        for (int i = 0; i < n * n && !why; i++) {
            int32_t sum = 0;
            for (int k = 0; k < n; k++)
                sum += a[i / n * n + k] * b[k * n + i % n];
            snprintf(text, sizeof(text), "[%d][%d] is %d, expected %d", i / n, i % n, c[i], sum);
            why = c[i] == sum ? NULL : text;
        }
        if (!kit_buffer_intact(&out))
            why = "wrote outside the result";
        kit_buffer_free(&out);
    }
    snprintf(name, sizeof(name), "matmul_%d_equals_scalar_sums", n);
    check_case(!why, name, "%s", why ? why : "");
}

static double now(void)
{
    return (double)npu_now_ns() * 1e-9;
}

static void bench(struct data *d)
{
    memset(d->a.data, 1, 4096);
    memset(d->b.data, 2, 4096);
    memset(d->acc.data, 0, 32768);
    for (int kind = 0; kind < KINDS; kind++) {
        double start = now(), seconds;
        long n = 0;
        do {
            for (int i = 0; i < 500; i++) {
                if (kind == S16S8)
                    npu_gemm_step_s16s8(d->a.data, d->b.data, d->acc.data, i & 1);
                else if (kind == S16S16)
                    npu_gemm_step_s16s16(d->a.data, d->b.data, d->acc.data);
                else
                    npu_gemm_step_s8s8(d->a.data, d->b.data, d->acc.data);
            }
            n += 500;
            seconds = now() - start;
        } while (seconds < 0.5);
        printf("%-8s %6.2f GMAC/s\n", kind_names[kind],
               (double)n * T * T * (kind == S8S8 ? 64 : 32) / seconds * 1e-9);
    }
}

int main(int argc, char **argv)
{
    static struct data data;
    open_data(&data);
    if (argc > 1 && strcmp(argv[1], "--bench") == 0) {
        bench(&data);
        close_data(&data);
        return 0;
    }
    kit_start();
    for (int kind = 0; kind < KINDS; kind++)
        for (int result = NPU_FIXED_S16; result <= NPU_FIXED_STEM; result++)
            check_result(&data, (enum kind)kind, (enum npu_fixed_result)result);
    for (int n = 16; n <= 64; n *= 2)
        check_matmul(&data, n);
    close_data(&data);
    return check_finish();
}
