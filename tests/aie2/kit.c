/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/aie2/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BAND = 256 };
uint64_t kit_seed;

struct kit_buffer kit_buffer_new(size_t bytes)
{
    size_t whole = (bytes + 31) / 32 * 32 + 2 * BAND;
    unsigned char *base = aligned_alloc(32, whole);
    if (!base)
        exit(1);
    memset(base, 0xa5, whole);
    return (struct kit_buffer){base + BAND, bytes};
}

bool kit_buffer_intact(const struct kit_buffer *buffer)
{
    const unsigned char *data = buffer->data;
    size_t end = (buffer->bytes + 31) / 32 * 32 + BAND;
    for (size_t i = 1; i <= BAND; i++)
        if (data[-(ptrdiff_t)i] != 0xa5)
            return false;
    for (size_t i = buffer->bytes; i < end; i++)
        if (data[i] != 0xa5)
            return false;
    return true;
}

void kit_buffer_free(struct kit_buffer *buffer)
{
    free((unsigned char *)buffer->data - BAND);
    buffer->data = NULL;
}

void kit_start(void)
{
    const char *given = getenv("TEST_SEED");
    kit_seed = given ? strtoull(given, NULL, 0) : UINT64_C(20261121);
    printf("# TEST_SEED=%llu\n", (unsigned long long)kit_seed);
}

uint32_t kit_random(void)
{
    kit_seed = kit_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(kit_seed >> 32) ^ (uint32_t)(kit_seed >> 20);
}

int32_t kit_range(int32_t lo, int32_t hi)
{
    return (int32_t)(lo + (int64_t)(kit_random() % ((uint64_t)((int64_t)hi - lo) + 1)));
}

const char *kit_pattern_name(enum kit_pattern pattern)
{
    static const char *const names[KIT_PATTERNS] = {"zero", "random", "small",       "max",
                                                    "min",  "lowest", "alternating", "edges"};
    return names[pattern];
}

static int32_t value(enum kit_pattern pattern, size_t i, int32_t max)
{
    const int32_t edges[] = {-max - 1, -max, -1, 0, 1, max};
    switch (pattern) {
    case KIT_RANDOM:
        return kit_range(-max - 1, max);
    case KIT_SMALL:
        return kit_range(-3, 3);
    case KIT_MAX:
        return max;
    case KIT_MIN:
        return -max;
    case KIT_LOWEST:
        return -max - 1;
    case KIT_ALTERNATING:
        return i & 1 ? -max : max;
    case KIT_EDGES:
        return edges[kit_random() % 6];
    default:
        return 0;
    }
}

int16_t kit_s16(enum kit_pattern pattern, size_t i)
{
    return (int16_t)value(pattern, i, 32767);
}

int8_t kit_s8(enum kit_pattern pattern, size_t i)
{
    return (int8_t)value(pattern, i, 127);
}
