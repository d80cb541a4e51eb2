/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/impl.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* The register state that the operating system saves: XCR0. Only valid where
 * CPUID says OSXSAVE. */
static uint64_t read_xcr0(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

static bool cpu_has_fma(void)
{
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return false;
    const uint32_t need = bit_FMA | bit_AVX | bit_OSXSAVE;
    return (c & need) == need && (read_xcr0() & 0x06) == 0x06; /* XMM, YMM */
}

enum npu_isa npu_kernels_detect(void)
{
    uint32_t a, b, c, d;
    if (!cpu_has_fma() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2))
        return NPU_ISA_REF;
    const uint32_t need = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
    if ((b & need) == need && (read_xcr0() & 0xe6) == 0xe6) /* and opmask, both halves of ZMM */
        return NPU_ISA_AVX512;
    return NPU_ISA_AVX2;
}

#else

static bool cpu_has_fma(void)
{
#if defined(__FP_FAST_FMAF) || defined(__aarch64__)
    return true;
#else
    return false;
#endif
}

enum npu_isa npu_kernels_detect(void)
{
    return NPU_ISA_REF;
}
#endif

#define ROW(upper, lower)                                                             \
    {                                                                                 \
        NPU_ISA_##upper, #lower, true, NPU_GEMM_F32_NR_##upper, npu_gemm_f32_##lower, \
            npu_gelu_f32_##lower, npu_norm_f32_##lower, npu_attention_f32_##lower     \
    }

/* In rising order of enum npu_isa. */
static const struct npu_kernels kernels_table[] = {
    ROW(REF, ref),
#if defined(__x86_64__)
    ROW(AVX2, avx2),
    ROW(AVX512, avx512),
#endif
};

void npu_kernels_init(struct npu_kernels *out, enum npu_isa limit)
{
    enum npu_isa best = npu_kernels_detect();
    *out = kernels_table[best < limit ? best : limit];
    if (out->isa == NPU_ISA_REF)
        out->has_fma = cpu_has_fma();
}

bool npu_kernels_parse(const char *name, enum npu_isa *out)
{
    static const char *const names[NPU_ISA_COUNT] = {"ref", "avx2", "avx512"};
    if (!name || !*name || !strcmp(name, "auto")) {
        *out = npu_kernels_detect();
        return true;
    }
    for (int i = 0; i < NPU_ISA_COUNT; i++) {
        if (!strcmp(name, names[i])) {
            *out = (enum npu_isa)i;
            return true;
        }
    }
    return false;
}

size_t npu_attention_f32_scratch(int n)
{
    return NPU_ATTENTION_ROWS * NPU_ATTENTION_LDS(n);
}
