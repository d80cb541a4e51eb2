/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel sets that can run here, the best last, and the peak of one core for each:
 *     set NAME narrow OP X wide OP X f32 OP X
 * OP: the instruction that it multiplies with, X: 1e9 multiply-adds per second, 0 unknown. */
#include "tests/kernels/kit.h"
#include "tests/kernels/peak.h"

#include <stdio.h>

int main(void)
{
    static const char *const names[PEAK_KINDS] = {
        [PEAK_NARROW] = "narrow", [PEAK_WIDE] = "wide", [PEAK_F32] = "f32"};
    for (int i = 0; npu_kernels_name(i); i++) {
        struct npu_kernels kernels;
        if (!kit_kernels(&kernels, npu_kernels_name(i)))
            continue;
        printf("set %s", kernels.name);
        for (int kind = 0; kind < PEAK_KINDS; kind++) {
            struct peak peak = peak_measure(&kernels, (enum peak_kind)kind, 0.1);
            printf(" %s %s %.1f", names[kind], peak.op, peak.gmacs);
        }
        printf("\n");
    }
    return 0;
}
