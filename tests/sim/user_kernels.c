/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A kernel library as a user of npu-sim writes one: for tests/sim/run/copy.mlir. */
#include <stdint.h>

void copy64(const int32_t *in, int32_t *out);
uint64_t copy64_cycles(const int64_t *args);

/* Not the copy of the other tests, so that one sees which was called. */
__attribute__((visibility("default"))) void copy64(const int32_t *in, int32_t *out)
{
    for (int i = 0; i < 64; i++)
        out[i] = ~in[i];
}

__attribute__((visibility("default"))) uint64_t copy64_cycles(const int64_t *args)
{
    (void)args;
    return 1000;
}
