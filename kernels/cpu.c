/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/cpu.h"

#if defined(__x86_64__)
#include "kernels/amx/init.h"

#include <cpuid.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Registers that the operating system saves, bits of XCR0. */
enum {
    SAVES_YMM = 0x06,      /* XMM and the upper halves of YMM */
    SAVES_ZMM = 0xe6,      /* and opmask, both parts of ZMM */
    SAVES_TILES = 3 << 17, /* XTILECFG, XTILEDATA */
};

static bool is_saved(uint32_t registers)
{
    uint32_t a, b, c, d, lo, hi;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return false;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (lo & registers) == registers;
}

/* Of the 256-bit registers. */
static unsigned flags_256(void)
{
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_AVX) || !(c & bit_FMA) || !is_saved(SAVES_YMM))
        return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2))
        return NPU_CPU_FMA;
    if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & 1u << 4)) /* avx_vnni */
        return NPU_CPU_AVX2;
    return NPU_CPU_AVXVNNI;
}

/* Of the 512-bit registers. Needs AVX2. */
static unsigned flags_512(void)
{
    const uint32_t need = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
    uint32_t a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & need) != need || !is_saved(SAVES_ZMM))
        return 0;
    if (!(c & bit_AVX512VNNI))
        return NPU_CPU_AVX512;
    return c & bit_AVX512VBMI ? NPU_CPU_AVX512VBMI : NPU_CPU_AVX512VNNI;
}

/* AMX-INT8 with tiles of 16 rows of 64 bytes. */
static bool has_tiles(void)
{
    const uint32_t need = 1u << 24 | 1u << 25; /* amx-tile, amx-int8 */
    uint32_t a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & need) != need || !is_saved(SAVES_TILES))
        return false;
    if (!__get_cpuid_count(0x1d, 1, &a, &b, &c, &d)) /* palette 1: bytes a row, tiles, rows */
        return false;
    if ((b & 0xffff) != 64 || b >> 16 < 8 || (c & 0xffff) < 16)
        return false;
    return __get_cpuid_count(0x1e, 0, &a, &b, &c, &d) && (b & 0xff) >= 16 &&
           (b >> 8 & 0xffff) >= 64; /* tile unit: rows and bytes a row of B */
}

/* Linux gives tile registers to processes that ask. The right holds for the whole process,
 * including threads that already run; a thread without it dies of SIGILL at its first tile
 * instruction. Linux refuses where a thread has an alternate signal stack too small for the tiles.
 * */
static bool ask_for_tiles(void)
{
#if defined(__linux__)
    const long request = 0x1023, tile_data = 18; /* ARCH_REQ_XCOMP_PERM, since Linux 5.16 */
    return syscall(SYS_arch_prctl, request, tile_data) == 0;
#else
    return false;
#endif
}

/* Needs NPU_CPU_AVX512VBMI, because the set's kernels are tried. */
static unsigned flags_amx(void)
{
    if (!has_tiles())
        return 0;
    if (!ask_for_tiles())
        return NPU_CPU_AMX_REFUSED;
    return npu_exact_amx() ? NPU_CPU_AMX : NPU_CPU_AMX_INEXACT;
}

static bool has(unsigned flags, enum npu_cpu_flag flag)
{
    return (flags & flag) == (unsigned)flag;
}

/* Threads that call this at the same time get the same answer. */
unsigned npu_cpu_flags(void)
{
    static atomic_uint known;
    const unsigned is_known = 1u << 31;
    unsigned flags = atomic_load(&known);
    if (flags)
        return flags & ~is_known;
    flags = flags_256();
    if (has(flags, NPU_CPU_AVX2))
        flags |= flags_512();
    if (has(flags, NPU_CPU_AVX512VBMI))
        flags |= flags_amx();
    atomic_store(&known, flags | is_known);
    return flags;
}

#else

unsigned npu_cpu_flags(void)
{
#if defined(__FP_FAST_FMAF) || defined(__aarch64__)
    return NPU_CPU_FMA;
#else
    return 0;
#endif
}
#endif
