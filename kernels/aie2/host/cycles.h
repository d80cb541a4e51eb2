/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AIE2_CYCLES_H
#define NPU_KERNELS_AIE2_CYCLES_H
/* Constants of the modelled cycles of a kernel's call: estimates. Nothing here was measured on a core;
 * the product's efficiency is what upstream reports for its matrix products (mlir-aie issue 2735), the
 * rest counts issue slots of the loops as written. */
enum npu_core_cycles {
    NPU_CYCLES_CALL = 40,       /* call, modes, return */
    NPU_CYCLES_PERCENT = 80,    /* busy multipliers inside a product's loop */
    NPU_CYCLES_BLOCKS = 60,     /* fill, drain, C in and out of 4 x 2 blocks */
    NPU_CYCLES_REQUANT_16 = 6,  /* per 16 lanes: load, product, SRS, store */
    NPU_CYCLES_RESIDUAL_16 = 8, /* with the loads and the addition of the residual */
    NPU_CYCLES_GELU_16 = 28,    /* two look-ups of four values a cycle, interpolation, selects */
    NPU_CYCLES_STEM_16 = 26,
    NPU_CYCLES_COPY_32B = 2, /* load and store of 32 bytes */
    NPU_CYCLES_NARROW_16 = 6,
    NPU_CYCLES_NORM_16 = 10,   /* per 16 lanes, three passes */
    NPU_CYCLES_NORM_ROW = 420, /* scalar products of 64 bit, three pipelines filled and drained */
    NPU_CYCLES_SCORE_16 = 8,   /* scores: SRS, store, load, maximum, load, difference, SRS, store */
    NPU_CYCLES_OCTAVE_4 = 40,  /* four queries' maxima over lanes, octaves */
    NPU_CYCLES_EXP_16 = 12,    /* one look-up of four values a cycle, select, store, sum */
    NPU_CYCLES_RESCALE_16 = 5,
    NPU_CYCLES_OUT_16 = 14,    /* product of 64 bit, four SRS, selects, store */
    NPU_CYCLES_DIVIDE_4 = 160, /* the long division of four queries, 16 rounds */
    NPU_CYCLES_TURN_32 = 8,    /* four loads, transposition, two stores */
    NPU_CYCLES_COMBINE = 60,   /* four sums and differences of acc64, SRS, lanes, stores */
    NPU_CYCLES_POWER_16 = 54,  /* 32 x 32 bit products in four instructions each, twice */
    NPU_CYCLES_BIN_16 = 16,    /* two weights times two limbs of 32 bit */
    NPU_CYCLES_LOG_16 = 120,   /* five rounds of shifts, two look-ups, product of 32 x 32 bit */
    NPU_CYCLES_TILE = 64       /* 16 x 16 values turned over */
};

#endif /* NPU_KERNELS_AIE2_CYCLES_H */
