/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profile int8 at the ends of its range: weights for which sums of products reach the largest
 * possible values, and the proof of the bounds at load.
 *
 *     test_int8_range [CASE...]     all cases, or those named: extremes bounds
 *
 * TEST_SOURCE_ROOT (environment) is the project's folder. */
#include <fnmatch.h>
#include <math.h>
#include <unistd.h>

#include "kernels/ref/int.h"
#include "npu/cpu/cpu.h"
#include "npu/npu.h"
#include "tests/check.h"
#include "tests/npu/closeness.h"
#include "tests/npu/encoder_input.h"
#include "tests/npu/encoder_rig.h"
#include "tests/small_model.h"

#define BASE_PATH "npu/model/whisper-base-encoder.safetensors"
#define MATRICES  "*[!m].weight" /* not *norm.weight */
#define LARGEST   9999.0f        /* weights stay below 1e4 */

static char model_path[64];

/* A new value for element `column` of `row` of a tensor whose value was `old`. */
typedef float edit_fn(unsigned row, unsigned column, unsigned columns, float old);
struct edit {
    const char *pattern; /* of the tensor's name, fnmatch(3) */
    edit_fn *value;
};

static float zero(unsigned row, unsigned column, unsigned columns, float old)
{
    return 0;
}

/* Rows of one sign; in half of them half of the weights are 0, so that sums that wrapped would no
 * longer be proportional to the right ones. */
static float one_sign(unsigned row, unsigned column, unsigned columns, float old)
{
    if (row % 2 && column >= columns / 2)
        return 0;
    return (row % 4 < 2 ? 0.004f : -0.004f) * (float)(1 + row % 7);
}

static float one_huge(unsigned row, unsigned column, unsigned columns, float old)
{
    return column == row * 37 % columns ? (old < 0 ? -8.0f : 8.0f) : 0.02f * old;
}

static float largest(unsigned row, unsigned column, unsigned columns, float old)
{
    return old < 0 ? -LARGEST : LARGEST;
}

static float all_largest(unsigned row, unsigned column, unsigned columns, float old)
{
    return LARGEST;
}

/* For queries whose keys are huge, so that the softmax still weighs many keys: if one key takes all
 * the weight, the last bits decide which. */
static float vanishing(unsigned row, unsigned column, unsigned columns, float old)
{
    return old < 0 ? -1e-7f : 1e-7f;
}

static float soft(unsigned row, unsigned column, unsigned columns, float old)
{
    return 0.01f * old;
}

static float thousandfold(unsigned row, unsigned column, unsigned columns, float old)
{
    return 1000 * old;
}

static float hundred(unsigned row, unsigned column, unsigned columns, float old)
{
    return 100;
}

static void edit_tensor(FILE *file, long at, unsigned rows, unsigned columns, edit_fn *value)
{
    size_t n = (size_t)rows * columns;
    float *x = new_floats(n);
    bool good = !fseek(file, at, SEEK_SET) && fread(x, sizeof(*x), n, file) == n;
    for (size_t i = 0; i < n; i++)
        x[i] = value((unsigned)(i / columns), (unsigned)(i % columns), columns, x[i]);
    good = good && !fseek(file, at, SEEK_SET) && fwrite(x, sizeof(*x), n, file) == n;
    if (!good)
        check_case(false, "edit", "%s at %ld", model_path, at);
    free(x);
}

/* The tensors of the small model's file that match, by its header. */
static unsigned edit_matching(FILE *file, char *header, const struct edit *edit)
{
    static const char prefix[] = "\"model.encoder.";
    long data = 8 + (long)strlen(header);
    unsigned edited = 0;

    for (char *p = header; (p = strstr(p, prefix)); p++) {
        char name[128];
        unsigned long offset;
        unsigned shape[3] = {1, 1, 1};
        const char *dims = strstr(p, "\"shape\":["), *offsets = strstr(p, "\"data_offsets\":[");
        if (sscanf(p + sizeof(prefix) - 1, "%127[^\"]", name) != 1 ||
            fnmatch(edit->pattern, name, 0))
            continue;
        sscanf(dims + 9, "%u,%u,%u", &shape[0], &shape[1], &shape[2]);
        sscanf(offsets + 16, "%lu", &offset);
        edit_tensor(file, data + (long)offset, shape[0], shape[1] * shape[2], edit->value);
        edited++;
    }
    return edited;
}

/* A small model of four layers, so that both widths occur, with these edits in turn. */
static void write_model(const struct edit *edits)
{
    uint8_t length[8];
    int err = test_small_model_write(model_path, 80, 128, 4, 150, 1);
    FILE *file = err ? NULL : fopen(model_path, "r+b");
    size_t n = file && fread(length, 1, 8, file) == 8 ? length[0] | (size_t)length[1] << 8 : 0;
    char *header = calloc(n + 1, 1);

    if (!n || !header || fread(header, 1, n, file) != n) {
        check_case(false, "write_model", "%s", model_path);
        exit(check_finish());
    }
    for (; edits->pattern; edits++)
        if (!edit_matching(file, header, edits))
            check_case(false, "edit", "no tensor matches %s", edits->pattern);
    free(header);
    fclose(file);
}

enum input { RANDOM, ONES };
struct extreme {
    const char *name;
    enum input input;
    bool finite_only; /* softmax weighs one key alone: results need not be close */
    struct edit edits[6];
};

static const struct extreme extremes[] = {
    {"one_sign", RANDOM, false, {{MATRICES, one_sign}}},
    {"one_sign_constant_input", ONES, false, {{MATRICES, one_sign}}},
    /* Every activation after a norm is the same: each sum is the largest its weights allow. Only
     * layers 0, wide, and 1, mostly narrow, add to the result. */
    {"one_sign_constant_norms",
     ONES,
     false,
     {{MATRICES, one_sign},
      {"layers.[23].*[!m].weight", zero},
      {"layers.*norm.weight", zero},
      {"layers.*norm.bias", hundred},
      {"layers.*.q_proj.weight", soft}}},
    {"one_huge_weight_a_row",
     RANDOM,
     false,
     {{MATRICES, one_huge}, {"layers.*.q_proj.weight", soft}}},
    {"gamma_huge",
     RANDOM,
     false,
     {{"layers.*norm.weight", thousandfold},
      {"layers.*.q_proj.weight", vanishing},
      {"layers.*.q_proj.bias", zero}}},
    {"beta_huge",
     RANDOM,
     false,
     {{"layers.*norm.bias", hundred}, {"layers.*.q_proj.weight", soft}}},
    {"weights_1e4",
     RANDOM,
     false,
     {{"layers.*.q_proj.bias", zero}, {MATRICES, largest}, {"layers.*.q_proj.weight", vanishing}}},
    {"weights_1e4_one_sign", ONES, true, {{MATRICES, all_largest}}},
    {"weights_1e4_everywhere", RANDOM, true, {{"*", largest}}},
    {"matrices_zero", RANDOM, false, {{MATRICES, zero}}},
    {"all_zero", RANDOM, false, {{"*", zero}}},
};

static void test_extremes(void)
{
    for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
        const struct extreme *e = &extremes[i];
        struct rig int8, f32;
        struct closeness c;
        char name[96];
        float *mel = lcg_mel(3, 80);
        for (size_t j = 0; e->input == ONES && j < (size_t)NPU_WINDOW_FRAMES * 80; j++)
            mel[j] = 1;
        write_model(e->edits);
        rig_open(&int8, "int8", model_path, NULL, 2, 1);
        rig_open(&f32, "f32", model_path, NULL, 2, 1);
        float *x = rig_encode(&int8, mel), *y = rig_encode(&f32, mel);
        closeness_init(&c, int8.info.positions);
        closeness_add(&c, x, y, int8.info.positions, 1, int8.info.positions - 1, 128);
        closeness_finish(&c);
        snprintf(name, sizeof(name), "%s_%s", e->name, e->finite_only ? "finite" : "near_f32");
        check_case(c.finite && (e->finite_only || c.worst >= 0.999), name, CLOSENESS_FORMAT,
                   CLOSENESS_ARGS(c));
        free(x);
        free(y);
        free(mel);
        rig_close(&int8);
        rig_close(&f32);
    }
}

static int operand_at(const void *b, size_t at, int bytes)
{
    return bytes == 1 ? ((const int8_t *)b)[at] : ((const int16_t *)b)[at];
}

/* The sum of magnitudes of output j in a packed matrix of k; *plain: their sum. */
static int64_t magnitude_of(const void *b, unsigned j, unsigned k, int nr, int bytes,
                            int64_t *plain)
{
    int64_t magnitude = 0;
    *plain = 0;
    for (unsigned i = 0; i < k; i++) {
        int v = operand_at(b, npu_packed_b_int_at((int)j, (int)i, (int)k, nr, bytes), bytes);
        *plain += v;
        magnitude += v < 0 ? -v : v;
    }
    return magnitude;
}

/* The largest sums of magnitudes over a stage, of the tail's weights too; *sums: cleared unless
 * each b_sum is the plain sum. */
static void largest_magnitudes(const struct npu_cpu_weights *weights, unsigned stage, int64_t *most,
                               int64_t *most_of_tail, bool *sums)
{
    const struct npu_stage *s = &weights->program.stage[stage];
    const struct npu_cpu_stage *w = &weights->stage[stage];
    int bytes = (int)npu_cpu_operand_bytes(&weights->kernels, w->recipe.width);
    int nr = weights->kernels.int_nr;
    unsigned tail = w->recipe.tail;
    int64_t plain;

    *most = *most_of_tail = 0;
    for (unsigned m = 0; m < s->n_matrices; m++) {
        const struct npu_cpu_matrix *matrix = &w->matrix[m];
        for (unsigned j = 0; j < s->n; j++) {
            int64_t rest = tail ? magnitude_of(matrix->tail_b, j, tail, nr, 2, &plain) : 0;
            int64_t main = magnitude_of(matrix->b, j, s->k - tail, nr, bytes, &plain);
            *sums &= plain == matrix->sum[j];
            *most = main > *most ? main : *most;
            *most_of_tail = rest > *most_of_tail ? rest : *most_of_tail;
        }
    }
}

/* The largest activation that a bound allows, or all that were asked for. */
static bool is_as_fine_as(int64_t a_max, int64_t wanted, int64_t magnitude)
{
    return a_max == wanted || (a_max + 1) * magnitude > INT32_MAX;
}

/* Every input channel stays in its place or is exchanged with one other. */
static bool is_exchange(const struct npu_cpu_stage *w, unsigned k)
{
    unsigned tail = w->recipe.tail;
    bool good = true;
    for (unsigned i = 0; i < tail; i++) {
        unsigned at = w->exchange[i];
        good &= at == k - tail + i || at < k - tail;
        for (unsigned j = 0; j < i; j++)
            good &= w->exchange[j] != at;
    }
    return good;
}

/* Scores lie above that of a key past the end, also as differences; sums of numerator times value
 * fit. */
static bool head_sums_fit(const struct npu_cpu_recipe *r)
{
    int64_t score = (int64_t)NPU_HEAD_DIM * r->qk_max * r->qk_max;
    int64_t numerator = r->numerators == NPU_NUMERATORS_8 ? 255 : 8191;
    return score < -(int64_t)NPU_NO_SCORE && score - NPU_NO_SCORE <= INT32_MAX &&
           (int64_t)NPU_KEY_BLOCK * numerator * r->v_max <= INT32_MAX;
}

/* No sum of products of a stage can leave int32, and activations are as fine as that allows. */
static void check_bounds(const char *what, const char *path, bool limits)
{
    struct npu_model *model;
    struct npu_model_info info;
    struct npu_program program;
    struct npu_kernels kernels;
    struct npu_cpu_weights *w = NULL;
    struct npu_error err;
    unsigned stages = 0, limited = 0, tails = 0;
    bool bounded = true, fine = true, heads = true, sums = true, exchanges = true;
    char name[96];

    if (npu_model_open(&model, path, &err)) {
        check_case(false, what, "%s", err.text);
        return;
    }
    npu_model_get_info(model, &info);
    npu_program_build(&program, &info);
    npu_kernels_choose(&kernels, NULL);
    if (npu_cpu_weights_get(&w, &kernels, &program, NPU_PROFILE_INT8, model, &err))
        check_case(false, what, "%s", err.text);
    for (unsigned i = 0; w && i < program.n_stages; i++) {
        const struct npu_cpu_recipe *r = &w->stage[i].recipe;
        int64_t a_max = w->stage[i].a_max;
        if (!r->integer)
            continue;
        if (program.stage[i].op == NPU_OP_ATTENTION) {
            heads &= head_sums_fit(r);
            continue;
        }
        int64_t magnitude, rest, tail_max = w->stage[i].tail_max;
        largest_magnitudes(w, i, &magnitude, &rest, &sums);
        bounded &= a_max * magnitude <= INT32_MAX && tail_max * rest <= INT32_MAX;
        fine &=
            is_as_fine_as(a_max, r->a_max, magnitude) && is_as_fine_as(tail_max, INT16_MAX, rest);
        exchanges &= is_exchange(&w->stage[i], program.stage[i].k);
        tails += r->tail > 0;
        limited += a_max < r->a_max;
        stages++;
    }
    snprintf(name, sizeof(name), "%s_sums_fit_32_bits", what);
    check_case(stages == 2 + 4 * program.n_layers && bounded && heads && sums, name,
               "%u stages, %u of them with less than their recipe's activations%s%s%s", stages,
               limited, bounded ? "" : ", products too large", heads ? "" : ", attention too large",
               sums ? "" : ", b_sum is not the sum");
    snprintf(name, sizeof(name), "%s_activations_are_no_coarser_than_needed", what);
    check_case(fine && (limited > 0 || !limits), name, "%u limited", limited);
    snprintf(name, sizeof(name), "%s_channels_are_exchanged", what);
    check_case(exchanges && tails == 4 * (program.n_layers - 1), name, "%u stages with a tail",
               tails);
    npu_cpu_weights_put(&w);
    npu_model_close(&model);
}

static void test_bounds(void)
{
    check_bounds("base", source_path(BASE_PATH), true);
    for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
        write_model(extremes[i].edits);
        check_bounds(extremes[i].name, model_path, !strncmp(extremes[i].name, "one_sign", 8));
    }
}

int main(int argc, char **argv)
{
    static const struct rig_case cases[] = {{"extremes", test_extremes}, {"bounds", test_bounds}};
    snprintf(model_path, sizeof(model_path), "test-int8-%d.safetensors", (int)getpid());
    rig_run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    unlink(model_path);
    return check_finish();
}
