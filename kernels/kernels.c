/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/impl.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdatomic.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

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

/* AVX-VNNI, CPUID leaf 7, subleaf 1, EAX bit 4. */
static bool cpu_has_avx_vnni(void)
{
    uint32_t a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
}

/* AMX-INT8 with tiles of 16 rows of 64 bytes that the operating system saves. */
static bool cpu_has_amx_int8(void)
{
    const uint32_t need = 1u << 24 | 1u << 25; /* amx-tile, amx-int8 */
    const uint64_t tiles = 3u << 17;           /* XTILECFG, XTILEDATA */
    uint32_t a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & need) != need)
        return false;
    if ((read_xcr0() & tiles) != tiles)
        return false;
    if (!__get_cpuid_count(0x1d, 1, &a, &b, &c, &d)) /* palette 1: bytes a row, tiles, rows */
        return false;
    if ((b & 0xffff) != 64 || b >> 16 < 8 || (c & 0xffff) < 16)
        return false;
    return __get_cpuid_count(0x1e, 0, &a, &b, &c, &d) && (b & 0xff) >= 16 &&
           (b >> 8 & 0xffff) >= 64; /* tile unit: rows and bytes a row of B */
}

/* Linux gives tile registers to processes that ask. A granted right is the whole process's, threads
 * that run already included; a thread without it dies of SIGILL at its first tile instruction. It
 * is refused where a thread has an alternate signal stack too small for the tiles. */
static bool ask_for_tiles(void)
{
#if defined(__linux__)
    const long request = 0x1023, tile_data = 18; /* ARCH_REQ_XCOMP_PERM, since Linux 5.16 */
    return syscall(SYS_arch_prctl, request, tile_data) == 0;
#else
    return false;
#endif
}

enum amx { AMX_UNKNOWN, AMX_ABSENT, AMX_REFUSED, AMX_INEXACT, AMX_USABLE };

/* Needs avx512vbmi. Threads that come here at once find the same. */
static enum amx amx_state(void)
{
    static atomic_int known = AMX_UNKNOWN;
    enum amx state = (enum amx)atomic_load(&known);
    if (state != AMX_UNKNOWN)
        return state;
    if (!cpu_has_amx_int8())
        state = AMX_ABSENT;
    else if (!ask_for_tiles())
        state = AMX_REFUSED;
    else
        state = npu_exact_amx() ? AMX_USABLE : AMX_INEXACT;
    atomic_store(&known, state);
    return state;
}

static bool cpu_has_avx512(uint32_t leaf7_ebx)
{
    const uint32_t need = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
    return (leaf7_ebx & need) == need &&
           (read_xcr0() & 0xe6) == 0xe6; /* and opmask, both halves of ZMM */
}

enum npu_isa npu_kernels_detect(void)
{
    uint32_t a, b, c, d;
    if (!cpu_has_fma() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2))
        return NPU_ISA_REF;
    if (!cpu_has_avx512(b))
        return cpu_has_avx_vnni() ? NPU_ISA_AVXVNNI : NPU_ISA_AVX2;
    if (!(c & bit_AVX512VNNI))
        return NPU_ISA_AVX512;
    if (!(c & bit_AVX512VBMI))
        return NPU_ISA_AVX512VNNI;
    return amx_state() == AMX_USABLE ? NPU_ISA_AMX : NPU_ISA_AVX512VBMI;
}

const char *npu_kernels_complaint(void)
{
    if (npu_kernels_detect() != NPU_ISA_AVX512VBMI)
        return NULL;
    switch (amx_state()) {
    case AMX_REFUSED:
        return "the kernel refuses the use of AMX tiles; without them";
    case AMX_INEXACT:
        return "AMX products are not exact on this machine; without them";
    default:
        return NULL;
    }
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

const char *npu_kernels_complaint(void)
{
    return NULL;
}
#endif

#define F32(upper, lower)                                                     \
    .gemm_f32_nr = NPU_GEMM_F32_NR_##upper, .gemm_f32 = npu_gemm_f32_##lower, \
    .gelu_f32 = npu_gelu_f32_##lower, .norm_f32 = npu_norm_f32_##lower,       \
    .attention_f32 = npu_attention_f32_##lower
#define INT(act, wgt, isa)                                                              \
    {                                                                                   \
        npu_gemm_##act##wgt##_##isa, npu_quant_##act##_##isa, npu_pack_k_##wgt##_##isa, \
            npu_pack_v_##wgt##_##isa, npu_attention_##act##wgt##_##isa                  \
    }
/* Byte products and s16 products, or s16 products for both. */
#define BYTES(upper, isa)                            \
    .int_nr = NPU_INT_NR_##upper, .narrow_bytes = 1, \
    .width = {[NPU_NARROW] = INT(u8, s8, isa), [NPU_WIDE] = INT(s16, s16, isa)}
#define WORDS(upper, isa)                            \
    .int_nr = NPU_INT_NR_##upper, .narrow_bytes = 2, \
    .width = {[NPU_NARROW] = INT(s16, s16, isa), [NPU_WIDE] = INT(s16, s16, isa)}

#define F1(isa) \
    .f1 = {npu_f1_gemm_s16s8_##isa, npu_f1_gemm_s16s16_##isa, npu_f1_attention_s16_##isa}

static const struct npu_kernels kernels_table[] = {
    [NPU_ISA_REF] = {.name = "ref", F32(REF, ref), BYTES(REF, ref), F1(ref)},
#if defined(__x86_64__)
    [NPU_ISA_AVX2] = {.name = "avx2", F32(AVX2, avx2), WORDS(AVX2, avx2), F1(avx2)},
    [NPU_ISA_AVXVNNI] = {.name = "avxvnni", F32(AVX2, avx2), BYTES(AVX2, avxvnni), F1(avx2)},
    [NPU_ISA_AVX512] = {.name = "avx512", F32(AVX512, avx512), WORDS(AVX512, avx512), F1(avx2)},
    [NPU_ISA_AVX512VNNI] = {.name = "avx512vnni",
                            F32(AVX512, avx512),
                            BYTES(AVX512, avx512vnni),
                            F1(avx2)},
    [NPU_ISA_AVX512VBMI] =
        {.name = "avx512vbmi",
         F32(AVX512, avx512),
         F1(avx2),
         .int_nr = NPU_INT_NR_AVX512,
         .narrow_bytes = 1,
         .width = {[NPU_NARROW] = {npu_gemm_u8s8_avx512vnni, npu_quant_u8_avx512vnni,
                                   npu_pack_k_s8_avx512vnni, npu_pack_v_s8_avx512vnni,
                                   npu_attention_u8s8_avx512vbmi},
                   [NPU_WIDE] = {npu_gemm_s16s16_avx512vnni, npu_quant_s16_avx512vnni,
                                 npu_pack_k_s16_avx512vnni, npu_pack_v_s16_avx512vnni,
                                 npu_attention_s16s16_avx512vbmi}}},
    [NPU_ISA_AMX] = {.name = "amx",
                     F32(AVX512, avx512),
                     F1(avx2),
                     .int_nr = NPU_INT_NR_AVX512,
                     .narrow_bytes = 1,
                     .width = {[NPU_NARROW] = {npu_gemm_u8s8_amx, npu_quant_u8_avx512vnni,
                                               npu_pack_k_s8_avx512vnni, npu_pack_v_s8_avx512vnni,
                                               npu_attention_u8s8_amx},
                               [NPU_WIDE] = INT(s16, s16, avx512vnni)}},
#endif
};

const struct npu_kernels *npu_kernels_row(enum npu_isa isa)
{
    const size_t rows = sizeof(kernels_table) / sizeof(kernels_table[0]);
    return (size_t)isa < rows ? &kernels_table[isa] : NULL;
}

/* Whether a set below the best one can run here: the sets are no chain. */
static bool is_possible(enum npu_isa isa)
{
#if defined(__x86_64__)
    return isa != NPU_ISA_AVXVNNI || cpu_has_avx_vnni();
#else
    return isa == NPU_ISA_REF;
#endif
}

void npu_kernels_init(struct npu_kernels *out, enum npu_isa limit)
{
    enum npu_isa isa = npu_kernels_detect();
    isa = isa < limit ? isa : limit;
    while (!is_possible(isa))
        isa--;
    *out = kernels_table[isa];
    out->isa = isa;
    out->has_fma = isa != NPU_ISA_REF || cpu_has_fma();
}

bool npu_kernels_parse(const char *name, enum npu_isa *out)
{
    static const char *const names[NPU_ISA_COUNT] = {
        "ref", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512vbmi", "amx"};
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
