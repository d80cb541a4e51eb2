/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/cpu.h"
#include "kernels/impl.h"
#include "kernels/ref/init.h"
#if defined(__x86_64__)
#include "kernels/amx/init.h"
#include "kernels/avx2/init.h"
#include "kernels/avx512/init.h"
#include "kernels/avx512vbmi/init.h"
#include "kernels/avx512vnni/init.h"
#include "kernels/avxvnni/init.h"
#endif

#include <string.h>

/* Each writes its kernels over those of the sets before it. */
static const struct set {
    const char *name;
    unsigned needs; /* enum npu_cpu_flag */
    void (*init)(struct npu_kernels *k);
} sets[] = {
    {"ref", 0, npu_kernels_init_ref},
#if defined(__x86_64__)
    {"avx2", NPU_CPU_AVX2, npu_kernels_init_avx2},
    {"avxvnni", NPU_CPU_AVXVNNI, npu_kernels_init_avxvnni},
    {"avx512", NPU_CPU_AVX512, npu_kernels_init_avx512},
    {"avx512vnni", NPU_CPU_AVX512VNNI, npu_kernels_init_avx512vnni},
    {"avx512vbmi", NPU_CPU_AVX512VBMI, npu_kernels_init_avx512vbmi},
    {"amx", NPU_CPU_AMX, npu_kernels_init_amx},
#endif
};
enum { SETS = sizeof(sets) / sizeof(sets[0]) };

void npu_kernels_init(struct npu_kernels *out, unsigned flags, int last)
{
    *out = (struct npu_kernels){.has_fma = (flags & NPU_CPU_FMA) != 0};
    for (int i = 0; i < SETS && i <= last; i++) {
        if ((flags & sets[i].needs) != sets[i].needs)
            continue;
        sets[i].init(out);
        out->name = sets[i].name;
    }
}

bool npu_kernels_choose(struct npu_kernels *out, const char *name)
{
    int last = 0;
    bool is_best = !name || !*name || !strcmp(name, "auto");
    while (last < SETS && (is_best || strcmp(name, sets[last].name) != 0))
        last++;
    npu_kernels_init(out, npu_cpu_flags(), last);
    return is_best || last < SETS;
}

const char *npu_kernels_name(int set)
{
    return set >= 0 && set < SETS ? sets[set].name : NULL;
}

const char *npu_kernels_complaint(void)
{
    unsigned flags = npu_cpu_flags();
    if (flags & NPU_CPU_AMX_REFUSED)
        return "the kernel refuses the use of AMX tiles; without them";
    if (flags & NPU_CPU_AMX_INEXACT)
        return "AMX products are not exact on this machine; without them";
    return NULL;
}

size_t npu_attention_f32_scratch(int n)
{
    return NPU_ATTENTION_ROWS * NPU_ATTENTION_LDS(n);
}
