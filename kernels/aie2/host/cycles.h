/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AIE2_CYCLES_H
#define NPU_KERNELS_AIE2_CYCLES_H
/* Constants of the modelled cycles of a kernel's call, each under three presets: pessimistic,
 * published, best. Nothing here was measured on a core by this project.
 *
 * A product is its call, its multiply-adds at `percent` of the core's peak, and `blocks` for each 4
 * x 2 blocks of C. `percent` is the multipliers' use inside the loop alone: filling, draining, and
 * loading and storing C count once, in `blocks`. published: with 95 and 40 an int8 product of 64^3
 * takes 1758 cycles (AMD's tutorial for the XD100: 1750) and an int16 one of 32^3 899 (870 on a
 * 8845HS, by the open-xdna project); best: no stall in the loop (Peano's test gemm-nopresched.mir:
 * 16 products in 16 cycles), and what the best published whole array needs (16 to 25, arXiv
 * 2512.13282); pessimistic: 80 is what upstream reports of a whole kernel (mlir-aie issue 2735),
 * here of the loop alone, which with 60 is slower than the slowest published one of ordinary care.
 *
 * Everything else is issue slots of the loops as written, for 16 lanes, 32 bytes ..., times
 * `loops`: what a compiler takes of a perfect schedule. published: Peano's test
 * TanhTemplated-swp.ll takes 19 cycles for 18 slots; pessimistic: loops of published kernels reach
 * 1 to 2 times the slots where the compiler pipelines them. Where it does not, nothing here bounds
 * them: mlir-air's pull request 2006 found 17 to 27 cycles for 6 slots, before it rewrote them.
 *
 * Threads: a struct npu_core_cycles is read only while threads count with it
 * (npu_core_cycles_use() in registry.h). */
#include <stdint.h>

/* X(name, pessimistic, published, best, unit, source of each) and, the same under every preset,
 * S(name, slots, what they are). A name's number is what it is a price for: 16 lanes, 32 bytes, 4
 * queries, 4 x 2 blocks. */
#define NPU_CORE_CYCLES(X, S)                                                                  \
    X(call, 40, 40, 40, "cycles", "guess: call, modes, return")                                \
    X(percent, 80, 95, 100, "%",                                                               \
      "multipliers in use inside a product's loop: mlir-aie #2735 of the whole kernel; AMD's " \
      "XD100 tutorial and open-xdna; Peano's test gemm-nopresched.mir")                        \
    X(blocks, 60, 40, 20, "cycles",                                                            \
      "fill, drain, C in and out of 4 x 2 blocks: guess; AMD's XD100 tutorial and open-xdna; " \
      "arXiv 2512.13282")                                                                      \
    X(loops, 200, 105, 100, "%",                                                               \
      "element-wise loops, of their issue slots: published kernels take up to twice; Peano's " \
      "test TanhTemplated-swp.ll; all slots filled")                                           \
    S(requant_16, 6, "per 16 lanes: load, product, SRS, store")                                \
    S(residual_16, 8, "with the loads and the addition of the residual")                       \
    S(gelu_16, 28, "two look-ups of four values a cycle, interpolation, selects")              \
    S(stem_16, 26, "two look-ups, interpolation, selects, residual")                           \
    S(copy_32b, 2, "load and store of 32 bytes")                                               \
    S(narrow_16, 6, "load, shift, store")                                                      \
    S(norm_16, 10, "per 16 lanes, three passes")                                               \
    S(norm_row, 420, "scalar products of 64 bit, three pipelines filled and drained")          \
    S(score_16, 8, "scores: SRS, store, load, maximum, load, difference, SRS, store")          \
    S(octave_4, 40, "four queries' maxima over lanes, octaves")                                \
    S(exp_16, 12, "one look-up of four values a cycle, select, store, sum")                    \
    S(rescale_16, 5, "load, shift, store")                                                     \
    S(out_16, 14, "product of 64 bit, four SRS, selects, store")                               \
    S(divide_4, 160, "the long division of four queries, 16 rounds")                           \
    S(turn_32, 8, "four loads, transposition, two stores")                                     \
    S(combine, 60, "four sums and differences of acc64, SRS, lanes, stores")                   \
    S(power_16, 54, "32 x 32 bit products in four instructions each, twice")                   \
    S(bin_16, 16, "two weights times two limbs of 32 bit")                                     \
    S(log_16, 120, "five rounds of shifts, two look-ups, product of 32 x 32 bit")              \
    S(tile, 64, "16 x 16 values turned over")

struct npu_core_cycles {
#define NPU_CORE_FACTOR(name, pessimistic, published, best, unit, basis) uint32_t name;
#define NPU_CORE_SLOTS(name, slots, what)                                uint32_t name;
    NPU_CORE_CYCLES(NPU_CORE_FACTOR, NPU_CORE_SLOTS)
#undef NPU_CORE_FACTOR
#undef NPU_CORE_SLOTS
};

#endif /* NPU_KERNELS_AIE2_CYCLES_H */
