/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The proofs of profile npu's packing: the worst inputs of a stage, made from the packed weights,
 * stay below the bounds and come near them; a model that cannot be proven is refused with one
 * sentence.
 *
 *     test_fixed_proofs [CASE...]  all cases, or those named: worst wide refused pieces base tiny
 *
 * TEST_SOURCE_ROOT (environment) is the project's folder. */
#include <errno.h>
#include <math.h>
#include <unistd.h>

#include "npu/model/fixed_matrix.h"
#include "tests/npu/encoder_input.h"
#include "tests/npu/encoder_rig.h"
#include "tests/npu/fixed_model.h"

#define BASE_PATH "npu/model/whisper-base-encoder.safetensors"
#define TINY_PATH "../shared/data/weights/whisper-tiny.en-encoder.safetensors"

struct packed {
    struct npu_model *model;
    struct npu_fixed *fixed;
    const struct npu_program *program;
};

static int pack(struct packed *p, const char *path, struct npu_error *err)
{
    struct npu_model_info info;
    struct npu_program program;

    *p = (struct packed){.model = NULL};
    if (npu_model_open(&p->model, path, err)) {
        check_case(false, "open", "%s", err->text);
        exit(check_finish());
    }
    npu_model_get_info(p->model, &info);
    int ret = npu_program_build(&program, &info);
    if (ret == 0)
        ret = npu_fixed_open(&p->fixed, &program, p->model, err);
    if (ret == 0)
        p->program = &p->fixed->program;
    return ret;
}

static void unpack(struct packed *p)
{
    npu_fixed_close(&p->fixed);
    npu_model_close(&p->model);
}

static int weight(const struct npu_fixed_matrix *m, size_t at)
{
    return m->bits == 8 ? ((const int8_t *)m->w)[at] : ((const int16_t *)m->w)[at];
}

static int16_t rounded(double x)
{
    return (int16_t)fmax(-32767, fmin(32767, rint(x)));
}

/* The largest sum of output j: x = sign(w) max. */
static void worst_by_max(int16_t *x, const struct npu_fixed_matrix *m, unsigned j, unsigned k,
                         const int16_t *max, unsigned period)
{
    for (unsigned i = 0; i < k; i++) {
        int w = weight(m, (size_t)j * k + i), sign = m->bias[j] < 0 ? -1 : 1;
        x[i] = (int16_t)(w * sign < 0 ? -max[i % period] : max[i % period]);
    }
}

/* The same after a norm: the row z of length sqrt(d) in the direction of the weights. */
static void worst_by_norm(int16_t *x, const struct npu_fixed_stage *st,
                          const struct npu_fixed_matrix *m, unsigned j, unsigned d)
{
    double squares = 0, sign = m->bias[j] < 0 ? -1 : 1;
    for (unsigned i = 0; i < d; i++) {
        double z = weight(m, (size_t)j * d + i) * ldexp(st->norm_mult[i], -st->norm_shift);
        squares += z * z;
    }
    for (unsigned i = 0; i < d; i++) {
        double factor = ldexp(st->norm_mult[i], -st->norm_shift);
        double z = weight(m, (size_t)j * d + i) * factor * sqrt(d / squares);
        x[i] = rounded(sign * z * factor);
    }
}

static __int128 sum_of(const struct npu_fixed_matrix *m, const int16_t *x, unsigned j, unsigned k)
{
    __int128 sum = m->bias[j];
    for (unsigned i = 0; i < k; i++)
        sum += (__int128)weight(m, (size_t)j * k + i) * x[i];
    return sum;
}

/* Compares the kernel's output j for x with that of an exact sum. */
static bool kernel_is_exact(const struct npu_fixed_matrix *m, const int16_t *x, unsigned j,
                            unsigned k, int32_t *out)
{
    uint8_t shift = m->shift[j / 64];
    struct npu_fixed_gemm_args g = {.c = out,
                                    .a = x,
                                    .bias = m->bias + j,
                                    .mult = m->mult + j,
                                    .w = (const char *)m->w + (size_t)j * k * m->bits / 8,
                                    .shift = &shift,
                                    .lda = k,
                                    .ldw = k,
                                    .ldc = 1,
                                    .m = 1,
                                    .n = 1,
                                    .k = (int)k,
                                    .acc_shift = m->acc_shift,
                                    .result = NPU_FIXED_S32};
    (m->bits == 8 ? npu_fixed_gemm_s16s8_ref : npu_fixed_gemm_s16s16_ref)(&g);
    double exact = ldexp((double)sum_of(m, x, j, k) * m->mult[j], -m->acc_shift - shift);
    /* Rounded once, or twice where the accumulator is shifted. */
    double allowed = 0.5001 + (m->acc_shift ? ldexp(0.5 * m->mult[j], -shift) : 0);
    return fabs(exact - *out) <= allowed;
}

struct worst {
    double nearest; /* of the sums to their bounds, over all stages the least of the largest */
    unsigned beyond, inexact, outputs, wide;
    char least[64];
};

/* All outputs of a matrix; x_max: of its inputs, with period; NULL: they come from the stage's
 * norm. max (out, or NULL): the largest |requantised| of each output. */
static void check_matrix(struct worst *worst, const struct npu_stage *s,
                         const struct npu_fixed_stage *st, unsigned m, const int16_t *x_max,
                         unsigned period, double *max)
{
    const struct npu_fixed_matrix *matrix = &st->matrix[m];
    int16_t *x = malloc(s->k * sizeof(*x));
    double nearest = 0;
    if (!x)
        abort();
    for (unsigned j = 0; j < s->n; j++) {
        int32_t out;
        if (x_max)
            worst_by_max(x, matrix, j, s->k, x_max, period);
        else
            worst_by_norm(x, st, matrix, j, s->k);
        double sum = fabs((double)sum_of(matrix, x, j, s->k));
        worst->beyond += sum > matrix->bound;
        worst->inexact += !kernel_is_exact(matrix, x, j, s->k, &out);
        nearest = fmax(nearest, sum / matrix->bound);
        if (max)
            max[j] = abs(out);
    }
    worst->outputs += s->n;
    worst->wide += matrix->acc_shift > 0;
    /* Where the accumulator has 32 bits the bound must be below its end, else it must need more. */
    worst->beyond += (matrix->acc_shift == 0) != (matrix->bound < 0x1p31);
    if (nearest < worst->nearest) {
        worst->nearest = nearest;
        snprintf(worst->least, sizeof(worst->least), "layer %u %s %u", s->layer, npu_op_name(s->op),
                 m);
    }
    free(x);
}

static void gelu_max(int16_t *x_max, const double *max, unsigned n, int shift)
{
    for (unsigned j = 0; j < n; j++)
        x_max[j] = (int16_t)fmin(32767, ldexp(max[j], -shift) + 1);
}

static double largest_of(const double *x, unsigned n)
{
    double most = 0;
    for (unsigned i = 0; i < n; i++)
        most = fmax(most, x[i]);
    return most;
}

static double largest_position(const struct packed *p)
{
    int most = 0;
    for (size_t i = 0; i < (size_t)p->program->positions * p->program->d_model; i++) {
        int value = abs(p->fixed->positions[i]);
        most = value > most ? value : most;
    }
    return most;
}

static void check_model(const char *what, const char *path, unsigned least_wide)
{
    struct packed p;
    struct npu_error err = {""};
    struct worst worst = {.nearest = 1};
    char name[96];
    double residual;

    if (pack(&p, path, &err)) {
        check_case(false, what, "%s", err.text);
        return;
    }
    unsigned d = p.program->d_model, n = p.program->d_ffn;
    double *max = calloc(n, sizeof(*max));
    int16_t *x_max = calloc(n, sizeof(*x_max));
    if (!max || !x_max)
        abort();
    residual = largest_position(&p);
    for (unsigned i = 0; i < p.program->n_stages; i++) {
        const struct npu_stage *s = &p.program->stage[i];
        const struct npu_fixed_stage *st = &p.fixed->stage[i];
        if (s->op == NPU_OP_CONV1) {
            int16_t mel = NPU_FIXED_MEL_MAX;
            check_matrix(&worst, s, st, 0, &mel, 1, max);
            gelu_max(x_max, max, s->n, st->gelu_shift);
        } else if (s->op == NPU_OP_NORM_QKV) {
            for (unsigned m = 0; m < 3; m++)
                check_matrix(&worst, s, st, m, NULL, 0, max); /* V's stay in max */
            gelu_max(x_max, max, d, 0);
        } else if (s->op == NPU_OP_NORM_FC1) {
            check_matrix(&worst, s, st, 0, NULL, 0, max);
            gelu_max(x_max, max, s->n, st->gelu_shift);
        } else if (s->n_matrices) {
            check_matrix(&worst, s, st, 0, x_max, s->op == NPU_OP_FC2 ? n : d, max);
            residual += largest_of(max, s->n);
        }
    }
    snprintf(name, sizeof(name), "%s_worst_inputs_stay_below_bounds", what);
    check_case(worst.beyond == 0, name, "%u of %u outputs beyond", worst.beyond, worst.outputs);
    snprintf(name, sizeof(name), "%s_bounds_are_near", what);
    check_case(worst.nearest > 0.95, name, "%s reaches %.3f of its bound", worst.least,
               worst.nearest);
    snprintf(name, sizeof(name), "%s_kernels_are_exact_on_worst_inputs", what);
    check_case(worst.inexact == 0, name, "%u of %u outputs wrong", worst.inexact, worst.outputs);
    snprintf(name, sizeof(name), "%s_accumulators_of_64_bits", what);
    check_case(worst.wide >= least_wide, name, "%u matrices, at least %u expected", worst.wide,
               least_wide);
    snprintf(name, sizeof(name), "%s_residual_stream_stays_below_its_bound", what);
    check_case(residual <= p.fixed->residual_bound && residual >= 0.98 * p.fixed->residual_bound &&
                   p.fixed->residual_bound <= NPU_FIXED_RESIDUAL_MAX,
               name, "%.0f of %.0f", residual, p.fixed->residual_bound);
    free(max);
    free(x_max);
    unpack(&p);
}

static void test_worst(void)
{
    fixed_model_write(80, 192, 2, 64, 3);
    check_model("small", fixed_model_path(), 5);
    fixed_model_remove();
}

/* Equal weights everywhere in FC2: the sums of 8-bit weights leave 32 bits. */
static void test_wide(void)
{
    fixed_model_write(80, 192, 2, 64, 3);
    fixed_model_change("layers.1.fc2.weight", 0, 0.01f);
    check_model("equal_weights", fixed_model_path(), 6);
    fixed_model_remove();
}

static void test_base(void)
{
    check_model("base", source_path(BASE_PATH), 5);
}

static void test_tiny(void)
{
    if (access(source_path(TINY_PATH), R_OK))
        check_skip("tiny.en_worst_inputs", "no ../shared/data beside the project");
    else
        check_model("tiny.en", source_path(TINY_PATH), 5);
}

static void test_refused(void)
{
    static const struct {
        const char *name, *tensor;
        float factor;
        const char *also; /* times 20000 */
        const char *says;
    } cases[] = {
        {"residual_by_fc2", "layers.1.fc2.weight", 30000, NULL, "layer 1 fc2, channel "},
        {"residual_by_out", "layers.0.self_attn.out_proj.weight", 30000, NULL,
         "layer 0 out, channel "},
        {"scores", "layers.0.self_attn.q_proj.weight", 20000, "layers.0.self_attn.k_proj.weight",
         "layer 0 attention, channel "},
        {"multiplier", "layers.1.fc2.weight", 30000, "layers.1.fc1.weight",
         "layer 1 fc2, channels "},
        {"position", "embed_positions.weight", 100, NULL, "position 0, channel "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct packed p;
        struct npu_error err = {""};
        char name[96];
        fixed_model_write(80, 128, 2, 64, 3);
        fixed_model_change(cases[i].tensor, cases[i].factor, 0);
        if (cases[i].also)
            fixed_model_change(cases[i].also, 20000, 0);
        int ret = pack(&p, fixed_model_path(), &err);
        snprintf(name, sizeof(name), "refused_for_its_%s", cases[i].name);
        check_case(ret == -ENOTSUP && strstr(err.text, cases[i].says) && !strchr(err.text, '\n'),
                   name, "%d, \"%s\"", ret, err.text);
        unpack(&p);
        fixed_model_remove();
    }
    /* Zero weights, with or without a bias, are no reason to refuse. */
    static const char *const zero[] = {"layers.0.self_attn.k_proj.weight", "layers.1.fc1.weight",
                                       "layers.0.self_attn.v_proj.weight", "conv1.weight",
                                       "layers.1.final_layer_norm.weight"};
    for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++) {
        struct packed p;
        struct npu_error err = {""};
        fixed_model_write(80, 128, 2, 64, 3);
        fixed_model_change(zero[i], 0, 0);
        int ret = pack(&p, fixed_model_path(), &err);
        check_case(ret == 0, "zero_weights_are_packed", "%s: %d, \"%s\"", zero[i], ret, err.text);
        unpack(&p);
        fixed_model_remove();
    }
}

/* One matrix at a time: cases that real and random weights rarely contain. */
static void test_pieces(void)
{
    static const double ratios[] = {1.0, 0.99999, 0.5, 0x1p-20, 3000};
    static const int shifts[] = {14, 14, 15, 34, 3};
    static const int mults[] = {16384, 16384, 16384, 16384, 24000};
    for (int i = 0; i < 5; i++) {
        int16_t m;
        int shift = npu_fixed_multipliers(&m, &ratios[i], 1);
        check_case(shift == shifts[i] && m == mults[i], "multiplier", "%g is %d / 2^%d", ratios[i],
                   m, shift);
    }
    /* Ties of weights go to the even integer; half of the largest is one. */
    double w[] = {127, 63.5, -62.5, 0.5, -1.5, 126.5}, bias = 0, unit = 1, bound, scale;
    int8_t packed[6];
    int64_t packed_bias;
    int16_t mult;
    uint8_t shift;
    static const double x_max[6] = {1, 1, 1, 1, 1, 1};
    static const int8_t even[6] = {127, 64, -62, 0, -2, 126};
    struct npu_fixed_matrix m = {
        .bits = 8, .w = packed, .bias = &packed_bias, .mult = &mult, .shift = &shift};
    int ret =
        npu_fixed_pack_matrix(&m, w, &bias, 1, 6, 1, &unit, &(struct npu_fixed_input){.max = x_max},
                              &bound, &scale, "ties", NULL);
    check_case(ret == 0 && !memcmp(packed, even, 6), "ties_of_weights_go_to_even",
               "%d: %d %d %d %d %d %d", ret, packed[0], packed[1], packed[2], packed[3], packed[4],
               packed[5]);
    /* A column without weights is worth a thousandth of the largest. */
    double columns[] = {8, 0, 8, 0}, g[2], scratch[2];
    npu_fixed_column_factors(g, columns, 2, 2, scratch);
    double powers[] = {1, pow(1e3, .25), pow(1e3, .5), pow(1e3, .75), 1e3}, nearest = 1;
    for (int i = 0; i < 5; i++)
        nearest = fmin(nearest, fabs(g[0] / g[1] / powers[i] - 1));
    check_case(nearest < 1e-9 && fabs(g[0] * g[1] - 1) < 1e-9, "column_without_weights", "%g %g",
               g[0], g[1]);
}

int main(int argc, char **argv)
{
    static const struct rig_case cases[] = {
        {"worst", test_worst},   {"wide", test_wide}, {"refused", test_refused},
        {"pieces", test_pieces}, {"base", test_base}, {"tiny", test_tiny},
    };
    rig_run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    return check_finish();
}
