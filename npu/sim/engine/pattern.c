/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/engine/pattern.h"

#include <string.h>

#define MOST_BYTES ((int64_t)1 << 40)
#define MOST_REACH ((int64_t)1 << 60) /* from the first byte to the last */

bool npu_pattern_init(struct npu_pattern *pattern, uint32_t n_dims, const int64_t *size,
                      const int64_t *stride, uint32_t elem_bytes, int64_t offset_bytes)
{
    if (n_dims > NPU_PATTERN_DIMS)
        return false;
    int64_t bytes = elem_bytes, reach = 0;
    if (offset_bytes > MOST_REACH || offset_bytes < -MOST_REACH)
        return false;
    for (uint32_t d = 0; d < n_dims; d++) {
        if (size[d] <= 0 || size[d] > MOST_BYTES / bytes || stride[d] > MOST_BYTES ||
            stride[d] < -MOST_BYTES)
            return false;
        bytes *= size[d];
        /* One step more than the last element needs, as the cursor takes it. */
        int64_t step = (stride[d] < 0 ? -stride[d] : stride[d]) * (int64_t)elem_bytes, whole;
        if (size[d] > 1 && (__builtin_mul_overflow(size[d], step, &whole) || whole > MOST_REACH ||
                            (reach += whole) > MOST_REACH))
            return false;
    }
    *pattern =
        (struct npu_pattern){.run = elem_bytes, .bytes = (uint64_t)bytes, .offset = offset_bytes};
    /* From the innermost loop outwards: a loop that continues the run joins it, one that continues
     * the loop inside of it joins that. */
    uint32_t n = 0;
    uint64_t sizes[NPU_PATTERN_DIMS];
    int64_t strides[NPU_PATTERN_DIMS];
    for (uint32_t d = n_dims; d-- > 0;) {
        int64_t step = stride[d] * (int64_t)elem_bytes;
        if (size[d] == 1)
            continue;
        if (n == 0 && step == (int64_t)pattern->run) {
            pattern->run *= (uint64_t)size[d];
        } else if (n > 0 && step == strides[n - 1] * (int64_t)sizes[n - 1]) {
            sizes[n - 1] *= (uint64_t)size[d];
        } else {
            sizes[n] = (uint64_t)size[d];
            strides[n++] = step;
        }
    }
    pattern->n_dims = n;
    for (uint32_t d = 0; d < n; d++) {
        pattern->size[d] = sizes[n - 1 - d];
        pattern->stride[d] = strides[n - 1 - d];
    }
    return true;
}

void npu_pattern_linear(struct npu_pattern *pattern, uint64_t bytes, int64_t offset_bytes)
{
    *pattern = (struct npu_pattern){.run = bytes, .bytes = bytes, .offset = offset_bytes};
}

void npu_pattern_extent(const struct npu_pattern *pattern, int64_t *low, int64_t *high)
{
    *low = pattern->offset;
    *high = pattern->offset + (int64_t)pattern->run;
    for (uint32_t d = 0; d < pattern->n_dims; d++) {
        int64_t last = (int64_t)(pattern->size[d] - 1) * pattern->stride[d];
        if (last < 0)
            *low += last;
        else
            *high += last;
    }
}

static void next_run(const struct npu_pattern *pattern, struct npu_cursor *cursor)
{
    cursor->in_run = 0;
    for (uint32_t d = pattern->n_dims; d-- > 0;) {
        cursor->at += pattern->stride[d];
        if (++cursor->index[d] < pattern->size[d])
            return;
        cursor->at -= (int64_t)pattern->size[d] * pattern->stride[d];
        cursor->index[d] = 0;
    }
}

uint8_t *npu_pattern_piece(const struct npu_pattern *pattern, const struct npu_cursor *cursor,
                           uint8_t *base, uint64_t n)
{
    if (pattern->run - cursor->in_run < n)
        return NULL;
    return base + pattern->offset + cursor->at + cursor->in_run;
}

/* Copies of the short runs that re-blocking makes; a call of memcpy for each would take most of the
 * time. */
static inline void copy_run(uint8_t *to, const uint8_t *from, uint64_t n)
{
    if (n == 8)
        memcpy(to, from, 8);
    else if (n == 4)
        memcpy(to, from, 4);
    else if (n == 16)
        memcpy(to, from, 16);
    else
        memcpy(to, from, n);
}

void npu_pattern_gather(const struct npu_pattern *pattern, struct npu_cursor *cursor,
                        const uint8_t *base, uint8_t *out, uint64_t n)
{
    while (n > 0) {
        uint64_t part = pattern->run - cursor->in_run;
        if (part > n)
            part = n;
        if (out) {
            copy_run(out, base + pattern->offset + cursor->at + cursor->in_run, part);
            out += part;
        }
        n -= part;
        cursor->in_run += part;
        if (cursor->in_run == pattern->run)
            next_run(pattern, cursor);
    }
}

void npu_pattern_scatter(const struct npu_pattern *pattern, struct npu_cursor *cursor,
                         uint8_t *base, const uint8_t *in, uint64_t n)
{
    while (n > 0) {
        uint64_t part = pattern->run - cursor->in_run;
        if (part > n)
            part = n;
        if (in) {
            copy_run(base + pattern->offset + cursor->at + cursor->in_run, in, part);
            in += part;
        }
        n -= part;
        cursor->in_run += part;
        if (cursor->in_run == pattern->run)
            next_run(pattern, cursor);
    }
}
