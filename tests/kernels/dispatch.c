/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which kernels are chosen: for this processor, for a name, and for any flags. */
#include "kernels/cpu.h"
#include "kernels/impl.h"
#include "tests/kernels/checks.h"

#include <limits.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* What each set of this build needs, independent of kernels.c; cpuid: where the processor says so.
 * */
static const struct need {
    const char *set;
    unsigned flags; /* enum npu_cpu_flag */
    unsigned leaf, subleaf, reg, bit;
} needs[] = {
    {.set = "ref"},
#if defined(__x86_64__)
    {"avx2", NPU_CPU_AVX2, 7, 0, 1, 5},
    {"avxvnni", NPU_CPU_AVXVNNI, 7, 1, 0, 4},
    {"avx512", NPU_CPU_AVX512, 7, 0, 1, 16},
    {"avx512vnni", NPU_CPU_AVX512VNNI, 7, 0, 2, 11},
    {"avx512vbmi", NPU_CPU_AVX512VBMI, 7, 0, 2, 1},
    {"amx", NPU_CPU_AMX, 7, 0, 3, 25},
#endif
};
enum { SETS = sizeof needs / sizeof *needs };

/* What the processor reports, read independently of cpu.c. */
static bool processor_names(const struct need *need)
{
#if defined(__x86_64__)
    unsigned r[4];
    return need->leaf == 0 ||
           (__get_cpuid_count(need->leaf, need->subleaf, &r[0], &r[1], &r[2], &r[3]) &&
            r[need->reg] >> need->bit & 1);
#else
    return need->leaf == 0;
#endif
}

static int set_of(const char *name)
{
    int set = 0;
    while (set < SETS && strcmp(needs[set].set, name) != 0)
        set++;
    return set;
}

bool dispatch_names(struct kit_why *why)
{
    static const char *const unknown[] = {"sse9", "avx", "avx2 ", "AVX2", "avx512vnn"};
    static const char *const best[] = {NULL, "", "auto"};
    struct npu_kernels k, all;
    int n = 0;

    for (; npu_kernels_name(n); n++)
        if (n >= SETS || strcmp(needs[n].set, npu_kernels_name(n)) != 0)
            return kit_fail(why, "set %d is %s, which this test does not expect there", n,
                            npu_kernels_name(n));
    if (n != SETS || npu_kernels_name(-1))
        return kit_fail(why, "%d sets have names, expected %d", n, SETS);
    npu_kernels_choose(&all, needs[SETS - 1].set);
    for (size_t i = 0; i < sizeof best / sizeof *best; i++)
        if (!npu_kernels_choose(&k, best[i]) || k.name != all.name)
            return kit_fail(why, "%s chose %s, the best is %s", best[i] ? best[i] : "NULL", k.name,
                            all.name);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (npu_kernels_choose(&k, unknown[i]) || k.name != all.name)
            return kit_fail(why, "the name %s chose %s", unknown[i], k.name);
    kit_fail(why, "best here: %s", all.name);
    return true;
}

bool dispatch_limits(struct kit_why *why)
{
    struct npu_kernels k, lower = {.name = "ref"};
    for (int i = 0; i < SETS; i++, lower = k) {
        if (!npu_kernels_choose(&k, needs[i].set))
            return kit_fail(why, "%s is unknown", needs[i].set);
        int got = set_of(k.name);
        if (got > i || !processor_names(&needs[got]))
            return kit_fail(why, "%s chose %s", needs[i].set, k.name);
        if (got < i && k.name != lower.name)
            return kit_fail(why, "%s chose %s, the set below %s", needs[i].set, k.name, lower.name);
        if (got < i && processor_names(&needs[i]) && !npu_kernels_complaint())
            return kit_fail(why, "%s chose %s without a complaint, and the processor has it",
                            needs[i].set, k.name);
    }
    kit_fail(why, "%d names", SETS);
    return true;
}

static bool is_whole(const struct npu_kernels *k)
{
    bool all = k->gemm_f32 && k->gelu_f32 && k->norm_f32 && k->attention_f32 &&
               k->fixed.gemm_s16s8 && k->fixed.gemm_s16s16 && k->fixed.attention;
    for (int w = 0; w < NPU_WIDTHS; w++)
        all = all && k->width[w].gemm && k->width[w].quant && k->width[w].pack_k &&
              k->width[w].pack_v && k->width[w].attention;
    return all && k->gemm_f32_nr >= 16 && 64 % k->gemm_f32_nr == 0 &&
           (k->int_nr == 16 || k->int_nr == 32) && (k->narrow_bytes == 1 || k->narrow_bytes == 2);
}

static bool are_same(const struct npu_kernels *a, const struct npu_kernels *b)
{
    return a->name == b->name && a->gemm_f32_nr == b->gemm_f32_nr && a->gemm_f32 == b->gemm_f32 &&
           a->gelu_f32 == b->gelu_f32 && a->norm_f32 == b->norm_f32 &&
           a->attention_f32 == b->attention_f32 && a->int_nr == b->int_nr &&
           a->narrow_bytes == b->narrow_bytes && !memcmp(a->width, b->width, sizeof a->width) &&
           !memcmp(&a->fixed, &b->fixed, sizeof a->fixed);
}

/* Also for sets that this processor cannot run: filling in the table must run everywhere. */
bool dispatch_flags(struct kit_why *why)
{
    unsigned every = NPU_CPU_FMA;
    for (int i = 0; i < SETS; i++)
        every |= needs[i].flags;
    for (unsigned flags = 0; flags <= every; flags++) {
        struct npu_kernels k, expected;
        int highest = 0;
        for (int i = 0; i < SETS; i++)
            highest = (flags & needs[i].flags) == needs[i].flags ? i : highest;
        npu_kernels_init(&k, flags, INT_MAX);
        npu_kernels_init(&expected, every, highest);
        if (strcmp(k.name, needs[highest].set) != 0 || !are_same(&k, &expected))
            return kit_fail(why, "flags 0x%x gave %s, not all of %s", flags, k.name,
                            needs[highest].set);
        if (!is_whole(&k) || k.has_fma != ((flags & NPU_CPU_FMA) != 0))
            return kit_fail(why, "flags 0x%x: %s lacks a kernel, its panels or fma", flags, k.name);
    }
    kit_fail(why, "%u words of flags", every + 1);
    return true;
}
