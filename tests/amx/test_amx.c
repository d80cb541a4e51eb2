/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_amx [--seed N]: the kernel set "amx" equals ref bit for bit, and the emulator refuses what
 * the processor would. On a processor without AMX the tile instructions are emulated, which proves
 * results and rules but nothing about time. */
#include "kernels/amx/init.h"
#include "kernels/cpu.h"
#include "kernels/impl.h"
#include "tests/amx/rules.h"
#include "tests/check.h"
#include "tests/kernels/checks.h"
#include "tests/kernels/kit_int.h"

#include <limits.h>
#include <time.h>

static bool is_native; /* the processor has tiles, the kernel grants them */

struct call {
    kit_check_fn *fn;
    void *user;
};

static bool run_tiles(void *user, struct kit_why *why)
{
    const struct call *call = user;
    return is_native ? call->fn(call->user, why) : amx_run(call->fn, call->user, why);
}

/* fn with tiles; signals, broken rules and tiles that stay configured are failures. */
static bool with_tiles(kit_check_fn *fn, void *user, struct kit_why *why)
{
    struct call call = {fn, user};
    return kit_guarded(run_tiles, &call, why);
}

/* ---- Kernels ---------------------------------------------------------------------------------
 */

/* More rows and panels than the suite has: whole and part tiles in turn, more than one group of
 * panels, the lengths of Whisper's convolutions. Scales of 1: the sums themselves are compared. */
static bool gemm_sums(const struct npu_kernels *kn, int m, int n, int k, struct kit_why *why)
{
    struct kit_pool pool = {.count = 0};
    struct kit_matrix c;
    ptrdiff_t lda = m % 2 ? k : (k + 2) / 3;
    size_t a_size = (size_t)(m - 1) * (size_t)lda + (size_t)k, w_size = (size_t)n * (size_t)k;
    uint8_t *a = kit_pool_get(&pool, a_size);
    int16_t *w = kit_pool_get(&pool, w_size * sizeof *w);
    void *b = kit_pool_get(&pool, npu_packed_b_int_size(n, k, kn->int_nr, 1));
    float *a_scale = kit_pool_get(&pool, (size_t)m * 4),
          *b_scale = kit_pool_get(&pool, (size_t)n * 4);
    float *bias = kit_pool_get(&pool, (size_t)n * 4);
    int32_t *zero = kit_pool_get(&pool, (size_t)m * 4), *b_sum = kit_pool_get(&pool, (size_t)n * 4);
    kit_matrix_open(&c, m, n, 5);
    for (size_t i = 0; i < a_size; i++)
        a[i] = (uint8_t)kit_random();
    for (size_t i = 0; i < w_size; i++)
        w[i] = (int16_t)kit_range(-128, 127);
    for (int i = 0; i < m; i++) {
        a_scale[i] = 1.0f;
        zero[i] = 0;
    }
    for (int j = 0; j < n; j++) {
        b_scale[j] = 1.0f;
        bias[j] = 0.0f;
        b_sum[j] = 77; /* times zero */
    }
    npu_pack_b_int(b, w, 0, n, n, k, kn->int_nr, 1);
    struct npu_gemm_int_args args = {.c = c.x,
                                     .a = a,
                                     .b = b,
                                     .a_scale = a_scale,
                                     .b_scale = b_scale,
                                     .bias = bias,
                                     .a_zero = zero,
                                     .b_sum = b_sum,
                                     .lda = lda,
                                     .ldc = c.ld,
                                     .m = m,
                                     .n = n,
                                     .k = k};
    kn->width[NPU_NARROW].gemm(&args);
    bool ok = kit_matrix_intact(&c, why);
    for (int i = 0; ok && i < m; i++) {
        for (int j = 0; ok && j < n; j++) {
            int32_t sum = 0;
            for (int kk = 0; kk < k; kk++)
                sum += a[i * lda + kk] * w[(ptrdiff_t)j * k + kk];
            if (c.x[i * c.ld + j] != (float)sum)
                ok = kit_fail(why, "m %d n %d k %d, row %d column %d: %.1f, expected %d", m, n, k,
                              i, j, (double)c.x[i * c.ld + j], sum);
        }
    }
    kit_matrix_close(&c);
    kit_pool_free(&pool);
    return ok;
}

static bool gemm_many_rows(void *user, struct kit_why *why)
{
    static const struct {
        int m, n, k;
    } shapes[] = {{64, 64, 240}, {65, 96, 384},   {96, 33, 64},    {97, 31, 68},   {113, 65, 124},
                  {70, 40, 60},  {49, 230, 2048}, {35, 225, 2052}, {64, 32, 1536}, {128, 32, 128}};
    enum { N = sizeof shapes / sizeof *shapes };
    for (int i = 0; i < N; i++)
        if (!gemm_sums(user, shapes[i].m, shapes[i].n, shapes[i].k, why))
            return false;
    kit_fail(why, "%d shapes", N);
    return true;
}

static bool gemm_narrow(void *user, struct kit_why *why)
{
    return check_gemm_int(user, NPU_NARROW, why);
}

static bool attention_narrow(void *user, struct kit_why *why)
{
    return check_attention_int(user, NPU_NARROW, why);
}

static bool quant_narrow(void *user, struct kit_why *why)
{
    return check_quant(user, NPU_NARROW, why);
}

static bool packs_narrow(void *user, struct kit_why *why)
{
    return check_pack_k(user, NPU_NARROW, why) && check_pack_v(user, NPU_NARROW, why);
}

static bool gemm_wide(void *user, struct kit_why *why)
{
    return check_gemm_int(user, NPU_WIDE, why);
}

static bool exact(void *user, struct kit_why *why)
{
    (void)user;
    return npu_exact_amx() || kit_fail(why, "a product differs from plain C");
}

/* Work of one call, for the counts below. */
static bool gemm_of_base(void *user, struct kit_why *why)
{
    return gemm_sums(user, 64, 512, 512, why);
}

static const struct {
    const char *name;
    kit_check_fn *run;
    bool has_tiles; /* a bad tile unit shows */
} kernel_checks[] = {
    {"exact", exact, true},
    {"gemm_u8s8_equals_ref", gemm_narrow, true},
    {"gemm_u8s8_many_rows_exact", gemm_many_rows, true},
    {"attention_u8s8_equals_ref", attention_narrow, true},
    {"quant_u8_equals_ref", quant_narrow, false},
    {"packs_s8_equal_ref", packs_narrow, false},
    {"gemm_s16s16_equals_ref", gemm_wide, false},
};
enum { N_KERNEL_CHECKS = sizeof kernel_checks / sizeof *kernel_checks };

static void test_kernels(struct npu_kernels *amx)
{
    for (int i = 0; i < N_KERNEL_CHECKS; i++) {
        struct kit_why why;
        char name[64];
        snprintf(name, sizeof name, "amx_%s", kernel_checks[i].name);
        bool ok = with_tiles(kernel_checks[i].run, amx, &why);
        struct amx_counts n = amx_counts();
        check_case(ok, name, "%s; %s, %lu products of tiles", why.text,
                   is_native ? "native" : "emulated", n.products);
    }
}

/* No waste: each product is part of the result, one load a product, one configuration. */
static void test_counts(struct npu_kernels *amx)
{
    struct kit_why why;
    bool ok = with_tiles(gemm_of_base, amx, &why);
    struct amx_counts n = amx_counts();
    const unsigned long panels = 64 / 32 * (512 / 32), steps = panels * (512 / 64);
    ok = ok && n.macs == 64ul * 512 * 512 && n.products == 4 * steps &&
         n.loads == 4 * steps + 4 * panels && n.stores == 4 * panels && n.configs == 1 &&
         n.releases == 1;
    check_case(ok, "amx_gemm_64_512_512_wastes_no_product",
               "%s %lu products, %lu loads, %lu stores, %lu configurations, %lu releases", why.text,
               n.products, n.loads, n.stores, n.configs, n.releases);
}

/* A wrong tile unit shows in every check that uses it. */
static void test_faults(struct npu_kernels *amx)
{
    static const char *const names[AMX_FAULTS] = {
        [AMX_FAULT_SIGNED] = "signed",
        [AMX_FAULT_SHORT] = "short",
        [AMX_FAULT_ONE_BIT] = "one_bit",
        [AMX_FAULT_FORGETFUL] = "forgetful",
    };
    for (int fault = AMX_FAULT_NONE + 1; fault < AMX_FAULTS; fault++) {
        for (int i = 0; i < N_KERNEL_CHECKS && kernel_checks[i].has_tiles; i++) {
            struct kit_why why;
            char name[96];
            snprintf(name, sizeof name, "amx_%s_notices_%s_products", kernel_checks[i].name,
                     names[fault]);
            amx_set_fault((enum amx_fault)fault);
            bool passed = with_tiles(kernel_checks[i].run, amx, &why);
            amx_set_fault(AMX_FAULT_NONE);
            check_case(!passed, name, "%s", passed ? "nothing noticed" : why.text);
        }
    }
}

static void report(bool ok, const char *name, const char *text)
{
    check_case(ok, name, "%s", text);
}

int main(int argc, char **argv)
{
    uint64_t seed = (uint64_t)time(NULL);
    if (argc == 3 && !strcmp(argv[1], "--seed"))
        seed = strtoull(argv[2], NULL, 0);
    else if (argc != 1) {
        fprintf(stderr, "usage: %s [--seed N]\n", argv[0]);
        return 2;
    }
    kit_seed(seed);
    printf("# seed %llu\n", (unsigned long long)seed);
    struct npu_kernels amx;
    npu_kernels_init(&amx, NPU_CPU_AMX, INT_MAX);
    unsigned flags = npu_cpu_flags();
    is_native = (flags & NPU_CPU_AMX) == NPU_CPU_AMX;
    if ((flags & NPU_CPU_AVX512VBMI) != NPU_CPU_AVX512VBMI) {
        check_skip("amx", "this processor has no AVX-512 VBMI, which the kernels use beside tiles");
        return check_finish();
    }
    test_kernels(&amx);
    if (is_native) {
        check_skip("amx_emulator", "this processor has tiles itself");
        return check_finish();
    }
    test_counts(&amx);
    test_faults(&amx);
    amx_test_rules(report);
    return check_finish();
}
