/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_AIE2_KIT_H
#define TESTS_AIE2_KIT_H
/* What the tests of the core kernels share: buffers between guard bands, numbers, layouts. */
#include "kernels/aie2/aie2.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A 32-byte aligned buffer, filled with a pattern, between two guard bands. */
struct kit_buffer {
    void *data;
    size_t bytes;
};
struct kit_buffer kit_buffer_new(size_t bytes); /* exits when out of memory; transfer full */
bool kit_buffer_intact(const struct kit_buffer *buffer);
void kit_buffer_free(struct kit_buffer *buffer);

extern uint64_t kit_seed; /* of kit_random(); TEST_SEED or a constant, printed by kit_start() */
void kit_start(void);
uint32_t kit_random(void);
int32_t kit_range(int32_t lo, int32_t hi); /* lo .. hi, both included */

/* How operands are filled. */
enum kit_pattern {
    KIT_ZERO,
    KIT_RANDOM,      /* the whole range of the type */
    KIT_SMALL,       /* -3 .. 3 */
    KIT_MAX,         /* 32767, 127 */
    KIT_MIN,         /* -32767, -127 */
    KIT_LOWEST,      /* -32768, -128: beyond profile npu, yet the products are exact */
    KIT_ALTERNATING, /* max, min, max .. */
    KIT_EDGES,       /* random among lowest, min, -1, 0, 1, max */
    KIT_PATTERNS
};
const char *kit_pattern_name(enum kit_pattern pattern);
int16_t kit_s16(enum kit_pattern pattern, size_t i);
int8_t kit_s8(enum kit_pattern pattern, size_t i);

#endif /* TESTS_AIE2_KIT_H */
