/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_ENGINE_PATTERN_H
#define NPU_SIM_ENGINE_PATTERN_H
/* The order in which a DMA touches memory: nested loops over bytes, walked in pieces of any size.
 * Private to the simulator. Threads: any; a pattern that is built may be shared, a cursor and the
 * bytes it moves are one thread's at a time. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NPU_PATTERN_DIMS 9

/* `run` bytes in one piece at each point of n_dims loops, the outermost first. Built by
 * npu_pattern_init() and _wrap(), then read only. */
struct npu_pattern {
    uint32_t n_dims;
    uint64_t size[NPU_PATTERN_DIMS];
    int64_t stride[NPU_PATTERN_DIMS]; /* bytes */
    uint64_t run;                     /* bytes, > 0 */
    uint64_t bytes;                   /* all of it: run * product of sizes */
    int64_t offset;                   /* bytes from the base to the first one */
};

/* Where a walk stands. All zero: at the beginning. */
struct npu_cursor {
    uint64_t index[NPU_PATTERN_DIMS];
    uint64_t in_run;
    int64_t at; /* bytes from base + offset to the run under way */
};

/* A pattern of elements: sizes (> 0) and strides in elements of elem_bytes, outermost first,
 * neighbouring loops that touch one piece of memory are folded into the run. n_dims = 0 or all
 * sizes 1: one element. Returns false if the sizes exceed 2^40 bytes, a stride 2^40, or the offset or
 * the way from the first byte to the last 2^60 bytes. */
bool npu_pattern_init(struct npu_pattern *pattern, uint32_t n_dims, const int64_t *size,
                      const int64_t *stride, uint32_t elem_bytes, int64_t offset_bytes);
/* `bytes` in a row from offset. */
void npu_pattern_linear(struct npu_pattern *pattern, uint64_t bytes, int64_t offset_bytes);
/* The lowest and one past the highest byte touched, from the base. */
void npu_pattern_extent(const struct npu_pattern *pattern, int64_t *low, int64_t *high);

/* The address of the next bytes if at least n of them lie in one piece, else NULL;
 * moves nothing. */
uint8_t *npu_pattern_piece(const struct npu_pattern *pattern, const struct npu_cursor *cursor,
                           uint8_t *base, uint64_t n);
/* Move n bytes from the pattern to `out`, or from `in` to the pattern; NULL: only pass over them.
 * The caller sees to it that n bytes are left. */
void npu_pattern_gather(const struct npu_pattern *pattern, struct npu_cursor *cursor,
                        const uint8_t *base, uint8_t *out, uint64_t n);
void npu_pattern_scatter(const struct npu_pattern *pattern, struct npu_cursor *cursor,
                         uint8_t *base, const uint8_t *in, uint64_t n);

#endif /* NPU_SIM_ENGINE_PATTERN_H */
