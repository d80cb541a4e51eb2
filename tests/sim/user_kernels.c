/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A kernel library as a user of npu-sim writes one: for tests/sim/run/copy.mlir and scalars.mlir.
 * */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

void copy64(const int32_t *in, int32_t *out);
uint64_t copy64_cycles(const int64_t *args);
int64_t mix(int32_t *out, bool flag, int8_t byte, int16_t half, int32_t word, int64_t two,
            int32_t index, float real);
int8_t low8(int32_t word);
int16_t low16(int32_t word);

/* Differs from the copy of the other tests, to show which was called. */
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

/* Every argument into its own word; returns the long one plus 1. */
__attribute__((visibility("default"))) int64_t mix(int32_t *out, bool flag, int8_t byte,
                                                   int16_t half, int32_t word, int64_t two,
                                                   int32_t index, float real)
{
    const int32_t words[] = {flag, byte, half, word, (int32_t)two, (int32_t)(two >> 32), index};
    memset(out, 0, 64 * sizeof(*out));
    memcpy(out, words, sizeof(words));
    memcpy(out + 7, &real, sizeof(real));
    return two + 1;
}

__attribute__((visibility("default"))) int8_t low8(int32_t word)
{
    return (int8_t)word;
}

__attribute__((visibility("default"))) int16_t low16(int32_t word)
{
    return (int16_t)word;
}
