/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AIE2_CYCLES_H
#define NPU_KERNELS_AIE2_CYCLES_H
/* Constants of the modelled cycles of a kernel's call: estimates. Nothing here was measured on a
 * core; the product's efficiency is what upstream reports for its matrix products (mlir-aie issue
 * 2735), the rest counts issue slots of the loops as written. Threads: a struct npu_core_cycles is
 * read only while threads count with it (npu_core_cycles_use() in registry.h). */
#include <stdint.h>

/* X(name, default, unit, what it counts). The number in a name says what the price is for: 16
 * lanes, 32 bytes, 4 queries, 4 x 2 blocks. */
#define NPU_CORE_CYCLES(X)                                                                      \
    X(call, 40, "cycles", "call, modes, return")                                                \
    X(percent, 80, "%", "busy multipliers inside a product's loop")                             \
    X(blocks, 60, "cycles", "fill, drain, C in and out of 4 x 2 blocks")                        \
    X(requant_16, 6, "cycles", "per 16 lanes: load, product, SRS, store")                       \
    X(residual_16, 8, "cycles", "with the loads and the addition of the residual")              \
    X(gelu_16, 28, "cycles", "two look-ups of four values a cycle, interpolation, selects")     \
    X(stem_16, 26, "cycles", "two look-ups, interpolation, selects, residual")                  \
    X(copy_32b, 2, "cycles", "load and store of 32 bytes")                                      \
    X(narrow_16, 6, "cycles", "load, shift, store")                                             \
    X(norm_16, 10, "cycles", "per 16 lanes, three passes")                                      \
    X(norm_row, 420, "cycles", "scalar products of 64 bit, three pipelines filled and drained") \
    X(score_16, 8, "cycles", "scores: SRS, store, load, maximum, load, difference, SRS, store") \
    X(octave_4, 40, "cycles", "four queries' maxima over lanes, octaves")                       \
    X(exp_16, 12, "cycles", "one look-up of four values a cycle, select, store, sum")           \
    X(rescale_16, 5, "cycles", "load, shift, store")                                            \
    X(out_16, 14, "cycles", "product of 64 bit, four SRS, selects, store")                      \
    X(divide_4, 160, "cycles", "the long division of four queries, 16 rounds")                  \
    X(turn_32, 8, "cycles", "four loads, transposition, two stores")                            \
    X(combine, 60, "cycles", "four sums and differences of acc64, SRS, lanes, stores")          \
    X(power_16, 54, "cycles", "32 x 32 bit products in four instructions each, twice")          \
    X(bin_16, 16, "cycles", "two weights times two limbs of 32 bit")                            \
    X(log_16, 120, "cycles", "five rounds of shifts, two look-ups, product of 32 x 32 bit")     \
    X(tile, 64, "cycles", "16 x 16 values turned over")

struct npu_core_cycles {
#define NPU_CORE_CYCLES_FIELD(name, value, unit, basis) uint32_t name;
    NPU_CORE_CYCLES(NPU_CORE_CYCLES_FIELD)
#undef NPU_CORE_CYCLES_FIELD
};

#endif /* NPU_KERNELS_AIE2_CYCLES_H */
