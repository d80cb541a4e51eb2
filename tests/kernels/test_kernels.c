/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_kernels [--seed N] [--bench [SECONDS]]: every kernel of every instruction set that this
 * processor has, up to WHISPERNPU_CPU, equals ref bit for bit; ref is right; the checks themselves
 * catch bad kernels. --bench measures instead. */
#include "tests/check.h"
#include "tests/kernels/checks.h"

#include <signal.h>
#include <time.h>

struct check {
    const char *name;
    bool (*run)(const struct npu_kernels *k, struct kit_why *why);
    bool (*run_int)(const struct npu_kernels *k, enum npu_width width, struct kit_why *why);
    enum npu_width width;
};

static const struct check checks[] = {
    {.name = "gemm", .run = check_gemm},
    {.name = "gelu", .run = check_gelu},
    {.name = "norm", .run = check_norm},
    {.name = "attention", .run = check_attention},
    {"gemm_narrow", NULL, check_gemm_int, NPU_NARROW},
    {"gemm_wide", NULL, check_gemm_int, NPU_WIDE},
    {"quant_narrow", NULL, check_quant, NPU_NARROW},
    {"quant_wide", NULL, check_quant, NPU_WIDE},
    {"pack_k_narrow", NULL, check_pack_k, NPU_NARROW},
    {"pack_k_wide", NULL, check_pack_k, NPU_WIDE},
    {"pack_v_narrow", NULL, check_pack_v, NPU_NARROW},
    {"pack_v_wide", NULL, check_pack_v, NPU_WIDE},
    {"attention_narrow", NULL, check_attention_int, NPU_NARROW},
    {"attention_wide", NULL, check_attention_int, NPU_WIDE},
};
enum { N_CHECKS = sizeof checks / sizeof *checks };

struct call {
    const struct check *check;
    const struct npu_kernels *k;
    bool (*plain)(struct kit_why *why);
};

static bool run_call(void *user, struct kit_why *why)
{
    const struct call *call = user;
    if (call->plain)
        return call->plain(why);
    if (call->check->run_int)
        return call->check->run_int(call->k, call->check->width, why);
    return call->check->run(call->k, why);
}

/* ---- The self-test: kernels that are wrong on purpose ------------------------------------------
 */

static struct npu_kernels good; /* the bad ones are made from it */

static void flip(float *x)
{
    uint32_t bits;
    memcpy(&bits, x, sizeof bits);
    bits ^= 1;
    memcpy(x, &bits, sizeof bits);
}

static void gemm_one_bit(const struct npu_gemm_f32_args *args)
{
    good.gemm_f32(args);
    if (args->m > 20 && args->n > 60)
        flip(&args->c[(args->m - 1) * args->ldc + args->n - 1]);
}

static void gemm_past_row(const struct npu_gemm_f32_args *args)
{
    good.gemm_f32(args);
    args->c[args->n] = 0.0f;
}

static void gemm_before_row(const struct npu_gemm_f32_args *args)
{
    good.gemm_f32(args);
    args->c[-1] = 0.0f;
}

static void gemm_row_above(const struct npu_gemm_f32_args *args)
{
    good.gemm_f32(args);
    args->c[-args->ldc] = 0.0f;
}

static void gemm_row_below(const struct npu_gemm_f32_args *args)
{
    good.gemm_f32(args);
    args->c[args->m * args->ldc] = 0.0f;
}

static void gemm_reads_on(const struct npu_gemm_f32_args *args)
{
    good.gemm_f32(args);
    volatile float sink = args->a[(args->m - 1) * args->lda + args->k];
    (void)sink;
}

static void gemm_dies(const struct npu_gemm_f32_args *args)
{
    raise(args->m > 0 ? SIGILL : SIGSEGV);
}

static void gelu_one_bit(float *x, size_t n)
{
    good.gelu_f32(x, n);
    flip(&x[n / 2]);
}

static void norm_one_bit(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx, const float *gamma,
                         const float *beta, int m, int n)
{
    good.norm_f32(y, ldy, x, ldx, gamma, beta, m, n);
    flip(&y[n - 1]);
}

static void attention_one_bit(float *out, ptrdiff_t ldo, const float *q, ptrdiff_t ldq,
                              const float *kt, const float *v, int m, int n, float *scratch)
{
    good.attention_f32(out, ldo, q, ldq, kt, v, m, n, scratch);
    flip(&out[(m - 1) * ldo + NPU_HEAD_DIM - 1]);
}

static void attention_past_row(float *out, ptrdiff_t ldo, const float *q, ptrdiff_t ldq,
                               const float *kt, const float *v, int m, int n, float *scratch)
{
    good.attention_f32(out, ldo, q, ldq, kt, v, m, n, scratch);
    out[NPU_HEAD_DIM] = 0.0f;
}

static unsigned every = 1;

/* A check must refuse k; its reason must contain `word`. */
static void must_catch(const char *name, const struct check *check, const struct npu_kernels *k,
                       const char *word)
{
    struct kit_why why;
    struct call call = {.check = check, .k = k};
    kit_thin(1); /* each is bad in one shape only */
    bool passed = kit_guarded(run_call, &call, &why);
    kit_thin(every);
    bool ok = !passed && strstr(why.text, word) != NULL;
    check_case(ok, name, "%s%s",
               passed ? "a bad kernel passed" : "caught: ", passed ? "" : why.text);
}

static void self_test(void)
{
    static const struct {
        const char *name, *word;
        npu_gemm_f32_fn *gemm;
    } gemms[] = {{"selftest_gemm_one_bit_caught", "expected", gemm_one_bit},
                 {"selftest_gemm_past_row_caught", "wrote outside", gemm_past_row},
                 {"selftest_gemm_before_row_caught", "wrote outside", gemm_before_row},
                 {"selftest_gemm_row_above_caught", "wrote outside", gemm_row_above},
                 {"selftest_gemm_row_below_caught", "wrote outside", gemm_row_below},
                 {"selftest_gemm_read_past_end_caught", "died of", gemm_reads_on},
                 {"selftest_gemm_illegal_instruction_caught", "died of", gemm_dies}};
    for (size_t i = 0; i < sizeof gemms / sizeof *gemms; i++) {
        struct npu_kernels bad = good;
        bad.gemm_f32 = gemms[i].gemm;
        must_catch(gemms[i].name, &checks[0], &bad, gemms[i].word);
    }
    struct npu_kernels bad = good;
    bad.gelu_f32 = gelu_one_bit;
    bad.norm_f32 = norm_one_bit;
    bad.attention_f32 = attention_one_bit;
    must_catch("selftest_gelu_one_bit_caught", &checks[1], &bad, "expected");
    must_catch("selftest_norm_one_bit_caught", &checks[2], &bad, "expected");
    must_catch("selftest_attention_one_bit_caught", &checks[3], &bad, "expected");
    bad.attention_f32 = attention_past_row;
    must_catch("selftest_attention_past_row_caught", &checks[3], &bad, "wrote outside");
}

static void self_test_int(void)
{
    struct bad_int wrong;
    for (int i = 0; bad_int(i, &good, &wrong); i++) {
        struct npu_kernels bad = good;
        struct npu_int_kernels *to = &bad.width[wrong.width];
        struct check check = {.run_int = wrong.check, .width = wrong.width};
        to->gemm = wrong.kernels.gemm ? wrong.kernels.gemm : to->gemm;
        to->quant = wrong.kernels.quant ? wrong.kernels.quant : to->quant;
        to->pack_k = wrong.kernels.pack_k ? wrong.kernels.pack_k : to->pack_k;
        to->pack_v = wrong.kernels.pack_v ? wrong.kernels.pack_v : to->pack_v;
        to->attention = wrong.kernels.attention ? wrong.kernels.attention : to->attention;
        must_catch(wrong.name, &check, &bad, wrong.word);
    }
}

/* ---- The program -------------------------------------------------------------------------------
 */

static void run_plain(void)
{
    static const struct {
        const char *name;
        bool (*run)(struct kit_why *why);
    } plain[] = {{"dispatch_names_are_the_sets", dispatch_names},
                 {"dispatch_limit_never_exceeded", dispatch_limits},
                 {"dispatch_any_flags_give_the_highest_set", dispatch_flags},
                 {"packing_every_place", packing_places},
                 {"exp_against_float64", accuracy_exp},
                 {"gelu_against_float64", accuracy_gelu},
                 {"gemm_ref_against_float64", accuracy_gemm},
                 {"norm_ref_against_float64", accuracy_norm},
                 {"attention_ref_against_float64", accuracy_attention},
                 {"packing_int_every_place", packing_places_int},
                 {"exp2_against_float64", accuracy_exp2},
                 {"gelu_int_against_float64", accuracy_gelu_int},
                 {"gemm_int_ref_against_int64", accuracy_gemm_int},
                 {"quant_ref_within_half_a_step", accuracy_quant},
                 {"attention_int_ref_against_float64", accuracy_attention_int}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        struct kit_why why;
        struct call call = {.plain = plain[i].run};
        bool ok = kit_guarded(run_call, &call, &why);
        check_case(ok, plain[i].name, "%s", why.text);
    }
}

/* allowed: the set is not above WHISPERNPU_CPU. */
static void run_set(const char *set, bool allowed)
{
    struct npu_kernels k;
    bool runs = allowed && kit_kernels(&k, set);
    for (int i = 0; i < N_CHECKS; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s_%s_equals_ref", checks[i].name, set);
        if (!runs) {
            check_skip(name, "this processor or WHISPERNPU_CPU does not allow it");
            continue;
        }
        struct kit_why why;
        struct call call = {.check = &checks[i], .k = &k};
        bool ok = kit_guarded(run_call, &call, &why);
        check_case(ok, name, "%s", why.text);
    }
}

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [--seed N] [--bench [SECONDS per kernel]]\n", program);
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t seed = (uint64_t)time(NULL);
    double budget = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 0);
        else if (!strcmp(argv[i], "--bench"))
            budget = i + 1 < argc ? atof(argv[++i]) : 0.3;
        else
            return usage(argv[0]);
    }
    const char *cpu = getenv("WHISPERNPU_CPU"), *set;
    struct npu_kernels k;
    if (!npu_kernels_choose(&k, cpu)) {
        fprintf(stderr, "WHISPERNPU_CPU=%s is not known\n", cpu);
        return 2;
    }
    if (getenv("WHISPERNPU_TEST_EVERY"))
        every = (unsigned)strtoul(getenv("WHISPERNPU_TEST_EVERY"), NULL, 10);
    kit_seed(seed);
    kit_thin(every);
    npu_kernels_choose(&good, "ref");
    bool allowed = !cpu || strcmp(cpu, "ref") != 0;
    if (budget > 0) {
        for (int i = 1; (set = npu_kernels_name(i)) && allowed; i++) {
            if (kit_kernels(&k, set))
                bench(&k, &good, budget);
            allowed = !cpu || strcmp(cpu, set) != 0;
        }
        return 0;
    }
    printf("# seed %llu, one of %u shapes\n", (unsigned long long)seed, every);
    run_plain();
    self_test();
    self_test_int();
    for (int i = 1; (set = npu_kernels_name(i)); i++) {
        run_set(set, allowed);
        allowed = allowed && (!cpu || strcmp(cpu, set) != 0);
    }
    return check_finish();
}
