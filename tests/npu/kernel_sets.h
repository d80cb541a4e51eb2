/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_KERNEL_SETS_H
#define TESTS_NPU_KERNEL_SETS_H
/* The kernel sets on which a profile's bits are compared. */
#include <assert.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/impl.h"

static inline bool kernel_sets_differ(const char *profile, const struct npu_kernels *a,
                                      const struct npu_kernels *b)
{
    if (!strcmp(profile, "npu"))
        return memcmp(&a->fixed, &b->fixed, sizeof(a->fixed)) != 0;
    if (!strcmp(profile, "int8") && memcmp(a->width, b->width, sizeof(a->width)) != 0)
        return true;
    return a->gemm_f32 != b->gemm_f32 || a->gelu_f32 != b->gelu_f32 || a->norm_f32 != b->norm_f32 ||
           a->attention_f32 != b->attention_f32;
}

/* Names of the sets with a kernel of the profile other than that of the set below, whether this
 * processor has them or not; NULL at the end. Valid until the next call. */
static inline const char *const *kernel_sets(const char *profile)
{
    static const char *names[32];
    struct npu_kernels k, below = {.name = NULL};
    size_t n = 0;
    for (int i = 0; npu_kernels_name(i); i++, below = k) {
        npu_kernels_init(&k, ~0u, i);
        if (kernel_sets_differ(profile, &k, &below))
            names[n++] = k.name;
        assert(n < sizeof(names) / sizeof(names[0]));
    }
    names[n] = NULL;
    return names;
}

#endif /* TESTS_NPU_KERNEL_SETS_H */
