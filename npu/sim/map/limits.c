/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tiles have. */
#include "npu/sim/map/map.h"

/* AM020 chapters 2, 3 and 5; AIETargetModel.h of mlir-aie. */
static const struct npu_tile_limits limits[] = {
    [NPU_TILE_SHIM] = {.channels = 2,
                       .bds = 16,
                       .locks = 16,
                       .bd_dims = 3,
                       .max_wrap = 1023,
                       .max_step = 1 << 20,
                       .max_words = UINT32_MAX},
    [NPU_TILE_MEM] = {.bytes = 524288,
                      .bank_bytes = 65536,
                      .channels = 6,
                      .bds = 48,
                      .locks = 64,
                      .bd_dims = 4,
                      .max_wrap = 1023,
                      .max_step = 1 << 17,
                      .max_words = 131071},
    [NPU_TILE_CORE] = {.bytes = 65536,
                       .bank_bytes = 16384,
                       .channels = 2,
                       .bds = 16,
                       .locks = 16,
                       .bd_dims = 3,
                       .max_wrap = 255,
                       .max_step = 1 << 13,
                       .max_words = 16383},
};

enum npu_tile_kind npu_tile_kind(const struct npu_tile *tile)
{
    return tile->row == 0 ? NPU_TILE_SHIM : tile->row == 1 ? NPU_TILE_MEM : NPU_TILE_CORE;
}

const struct npu_tile_limits *npu_tile_limits(enum npu_tile_kind kind)
{
    return &limits[kind];
}
