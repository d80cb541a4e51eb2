/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_CPU_H
#define NPU_KERNELS_CPU_H
/* What this processor can run. On x86 a flag says that CPUID has the instructions and that the
 * operating system saves their registers (OSXSAVE, XCR0). */

/* Each includes the flags that its kernels also need: (flags & F) == F tests for one. */
enum npu_cpu_flag {
    NPU_CPU_FMA = 1 << 0, /* fused multiply-add; on x86 with the 256-bit registers of AVX */
    NPU_CPU_AVX2 = 1 << 1 | NPU_CPU_FMA,
    NPU_CPU_AVXVNNI = 1 << 2 | NPU_CPU_AVX2,
    NPU_CPU_AVX512 = 1 << 3 | NPU_CPU_AVX2, /* F, BW, VL and DQ */
    NPU_CPU_AVX512VNNI = 1 << 4 | NPU_CPU_AVX512,
    NPU_CPU_AVX512VBMI = 1 << 5 | NPU_CPU_AVX512VNNI,
    /* AMX-INT8 with tiles of 16 x 64 bytes, the right to use them, and exact products. */
    NPU_CPU_AMX = 1 << 6 | NPU_CPU_AVX512VBMI,
    /* Why NPU_CPU_AMX is missing on a processor that has it. */
    NPU_CPU_AMX_REFUSED = 1 << 29,
    NPU_CPU_AMX_INEXACT = 1 << 30,
};

/* enum npu_cpu_flag, or'ed. The first call on a processor with AMX asks the kernel for permission
 * to use tiles, for the whole process, and multiplies once to see that they are exact. Threads:
 * any. */
unsigned npu_cpu_flags(void);

#endif /* NPU_KERNELS_CPU_H */
