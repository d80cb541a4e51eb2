/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AIE2_REGISTRY_H
#define NPU_KERNELS_AIE2_REGISTRY_H
/* The core kernels as host code, by name, for code that plays the cores. */
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct npu_core_kernel {
    const char *name;
    void (*fn)(void);      /* cast to what `args` says */
    const char *args;      /* result, then arguments: 'v' void, 'i' int32_t, 'p' pointer: "vpppi" */
    const uint32_t *bytes; /* per pointer argument, in order: the least extent, 32-byte aligned */
    /* Modelled core cycles of one call. Arguments in order, pointers as host addresses of what the
     * call reads. */
    uint64_t (*cycles)(const int64_t *args);
    /* What is wrong with a call, or NULL: numbers, or a job, that would make the kernel read or
     * write outside its operands. A core has no such check. args as above; room: bytes at each
     * pointer, 0 for a number. The text is static. The member is NULL where no extent depends on
     * them. */
    const char *(*refuse)(const int64_t *args, const uint64_t *room);
};

/* A core's kernel, or NULL for an unknown name. Static. Threads: any. */
const struct npu_core_kernel *npu_core_kernel_find(const char *name);
/* All of them, in no order; *n receives the count. Static. Threads: any. */
const struct npu_core_kernel *npu_core_kernels(uint32_t *n);

/* The constants with which cycles() counts on this thread from now on (transfer none; NULL: the
 * published values of cycles.h). */
struct npu_core_cycles;
void npu_core_cycles_use(const struct npu_core_cycles *constants);
/* Modelled cycles of a product with this thread's constants: multiply-adds, the core's most in a
 * cycle (1 or more), groups of 4 x 2 blocks of C. */
uint64_t npu_core_product_cycles(uint64_t macs, uint64_t rate, uint64_t groups);
/* .. and of a call whose element-wise loops have so many issue slots. */
uint64_t npu_core_loop_cycles(uint64_t slots);

/* The modes of the core that the calling thread plays: a core keeps them from call to call. A
 * thread that plays several cores sets and gets them around each call. Numbers as in AM020
 * (kernels/aie2/host/aie_api/types.hpp); { 0, 0 } after reset. */
struct npu_core_modes {
    uint32_t rounding, saturation;
};
struct npu_core_modes npu_core_modes_get(void);
void npu_core_modes_set(struct npu_core_modes modes);

#ifdef __cplusplus
}
#endif

#endif /* NPU_KERNELS_AIE2_REGISTRY_H */
