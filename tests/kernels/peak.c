/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/kernels/peak.h"
#include "tests/kernels/kit.h"

#include <string.h>

#if defined(__x86_64__)
/* Twelve independent chains of a multiply-add, or four tiles of sums, and nothing else. */
#define FOUR(STEP, R, A, B, C, D) STEP(R, A) STEP(R, B) STEP(R, C) STEP(R, D)
#define TWELVE(STEP, R)               \
    FOUR(STEP, R, "0", "1", "2", "3") \
    FOUR(STEP, R, "4", "5", "6", "7") FOUR(STEP, R, "8", "9", "10", "11")
#define PEAK(NAME, STEP, R)                                                                      \
    static void NAME(void *user)                                                                 \
    {                                                                                            \
        long n = *(long *)user;                                                                  \
        __asm__ volatile("1:\n\t" TWELVE(STEP, R) "dec %0\n\tjnz 1b"                             \
                         : "+r"(n)                                                               \
                         :                                                                       \
                         : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", \
                           "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm15");                  \
    }
#define FMA(R, C)        "vfmadd231ps %%" R "15, %%" R "15, %%" R C "\n\t"
#define BYTES_EVEX(R, C) "vpdpbusd %%" R "15, %%" R "15, %%" R C "\n\t"
#define WORDS_EVEX(R, C) "vpdpwssd %%" R "15, %%" R "15, %%" R C "\n\t"
#define BYTES_VEX(R, C)  "%{vex%} vpdpbusd %%" R "15, %%" R "15, %%" R C "\n\t"
#define WORDS_VEX(R, C)  "%{vex%} vpdpwssd %%" R "15, %%" R "15, %%" R C "\n\t"
#define WORDS_ADD(R, C)                            \
    "vpmaddwd %%" R "15, %%" R "15, %%" R "12\n\t" \
    "vpaddd %%" R "12, %%" R C ", %%" R C "\n\t"
PEAK(fma_zmm, FMA, "zmm")
PEAK(fma_ymm, FMA, "ymm")
PEAK(bytes_zmm, BYTES_EVEX, "zmm")
PEAK(words_zmm, WORDS_EVEX, "zmm")
PEAK(bytes_ymm, BYTES_VEX, "ymm")
PEAK(words_ymm, WORDS_VEX, "ymm")
PEAK(add_zmm, WORDS_ADD, "zmm")
PEAK(add_ymm, WORDS_ADD, "ymm")

/* Compilers use no tile register by themselves and need not know them: no clobber names one. */
static void bytes_tile(void *user)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = 64;
        config.rows[i] = 16;
    }
    long n = *(long *)user;
    __asm__ volatile("ldtilecfg %1\n\t"
                     "tilezero %%tmm0\n\ttilezero %%tmm1\n\ttilezero %%tmm2\n\ttilezero %%tmm3\n\t"
                     "tilezero %%tmm4\n\ttilezero %%tmm5\n\ttilezero %%tmm6\n\ttilezero %%tmm7\n\t"
                     "1:\n\t"
                     "tdpbusd %%tmm6, %%tmm4, %%tmm0\n\ttdpbusd %%tmm7, %%tmm4, %%tmm1\n\t"
                     "tdpbusd %%tmm6, %%tmm5, %%tmm2\n\ttdpbusd %%tmm7, %%tmm5, %%tmm3\n\t"
                     "dec %0\n\tjnz 1b\n\t"
                     "tilerelease"
                     : "+r"(n)
                     : "m"(config)
                     : "cc", "memory");
}
#endif

struct peak peak_measure(const struct npu_kernels *set, enum peak_kind kind, double budget)
{
    struct peak peak = {"-", 0};
#if defined(__x86_64__)
    static const struct loop {
        const char *op;
        void (*run)(void *user);
        int macs; /* of one round */
    } fma_256 = {"vfmadd231ps-ymm", fma_ymm, 12 * 8},
      fma_512 = {"vfmadd231ps-zmm", fma_zmm, 12 * 16},
      add_256 = {"vpmaddwd+vpaddd-ymm", add_ymm, 12 * 16},
      add_512 = {"vpmaddwd+vpaddd-zmm", add_zmm, 12 * 32},
      bytes_256 = {"vpdpbusd-ymm", bytes_ymm, 12 * 32},
      words_256 = {"vpdpwssd-ymm", words_ymm, 12 * 16},
      bytes_512 = {"vpdpbusd-zmm", bytes_zmm, 12 * 64},
      words_512 = {"vpdpwssd-zmm", words_zmm, 12 * 32},
      tiles = {"tdpbusd", bytes_tile, 4 * 16 * 16 * 64};
    static const struct {
        const char *set;
        const struct loop *loop[PEAK_KINDS];
    } sets[] = {
        {"avx2", {&add_256, &add_256, &fma_256}},
        {"avxvnni", {&bytes_256, &words_256, &fma_256}},
        {"avx512", {&add_512, &add_512, &fma_512}},
        {"avx512vnni", {&bytes_512, &words_512, &fma_512}},
        {"avx512vbmi", {&bytes_512, &words_512, &fma_512}},
        {"amx", {&tiles, &words_512, &fma_512}},
    };
    const struct loop *loop = NULL;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        loop = strcmp(sets[i].set, set->name) ? loop : sets[i].loop[kind];
    long n = 50000;
    if (loop) {
        peak.op = loop->op;
        peak.gmacs = 1e-9 * (double)n * loop->macs / kit_fastest(loop->run, &n, budget);
    }
#endif
    return peak;
}
