/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_MAP_MAP_H
#define NPU_SIM_MAP_MAP_H
/* npu/sim/map: where the stock compiler places a design. map.h is the interface; map.c places
 * channels, pools, locks and descriptors, memory.[ch] addresses, limits.c has the tiles' resources,
 * draw.c draws it all. sequence_txn.[ch] makes the instruction words of a sequence. The checks, the
 * executor and npu-sim use it; nothing here judges a design. */

/* Where the stock compiler puts a design: DMA channels, objectfifo pools, locks, buffer descriptors
 * and buffer addresses per tile. A model of mlir-aie 5ff2ab97d (March 2026): channels per tile and
 * direction in the order in which the fifos are declared; buffers bank-aware, largest first, round
 * robin over the banks, or one after the other where a tile's do not fit that way. A design that
 * breaks limits gets a map too, whose numbers exceed them; npu/sim/check judges. Threads: a map may
 * be read by any number of threads. */
#include "npu/sim/text/design.h"

#ifdef __cplusplus
extern "C" {
#endif

enum npu_direction { NPU_S2MM, NPU_MM2S }; /* stream to memory, memory to stream */

enum npu_tile_kind { NPU_TILE_SHIM, NPU_TILE_MEM, NPU_TILE_CORE };

/* What a tile of this kind has (npu1 = AIE2). */
struct npu_tile_limits {
    uint32_t bytes, bank_bytes; /* data memory: 0, 524288, 65536; 0, 65536, 16384 */
    uint32_t channels;          /* per direction: 2, 6, 2 */
    uint32_t bds, locks;        /* 16, 48, 16; 16, 64, 16 */
    uint32_t bd_dims;           /* addressing dimensions of a buffer descriptor: 3, 4, 3 */
    uint32_t max_wrap, max_step, max_words; /* of one dimension; words of one transfer */
};
/* By row: 0 shim, 1 mem tile, else core. */
enum npu_tile_kind npu_tile_kind(const struct npu_tile *tile);
const struct npu_tile_limits *npu_tile_limits(enum npu_tile_kind kind); /* static */

/* One end of a fifo: end 0 is the producer, end 1 + i consumer i. */
struct npu_map_end {
    uint32_t tile;
    enum npu_direction direction; /* producer MM2S, consumer S2MM */
    uint32_t channel;             /* NPU_IR_NONE: both ends share memory, no DMA */
    uint32_t pool;                /* whose objects it moves; NPU_IR_NONE at a shim tile */
    uint64_t pool_offset; /* bytes: first byte of this fifo's part in the pool's object (joins
                                     and distributes at a mem tile, else 0) */
    uint64_t pool_bytes;  /* bytes of the part, one object of the fifo or several */
    uint32_t n_bds,
        first_bd; /* buffer descriptors; 0 at a shim tile, where the sequence has them */
};

/* A ring of `depth` objects in one tile's memory: of one fifo end, of both ends of a fifo in shared
 * memory, or of the two sides of a link. */
struct npu_map_pool {
    uint32_t fifo; /* the fifo that names the pool (of a link: the side with the larger object) */
    uint32_t end;  /* which end of it */
    uint32_t tile, depth;
    uint64_t bytes;          /* of one object */
    uint32_t n_parts;        /* lock pairs: 1, or the parts of a join or distribute */
    const uint64_t *address; /* [depth] bytes in the tile's memory */
};

/* A piece of a tile's memory. */
struct npu_map_piece {
    uint64_t address, bytes;
    enum { NPU_PIECE_STACK, NPU_PIECE_POOL, NPU_PIECE_BUFFER, NPU_PIECE_COUNTERS } what;
    uint32_t index, object; /* pool and object in it; aie.buffer */
};

struct npu_map_tile {
    uint32_t tile; /* index in struct npu_ir_array */
    enum npu_tile_kind kind;
    uint32_t core;          /* the core on it, or NPU_IR_NONE */
    uint32_t n_channels[2]; /* in use, by enum npu_direction; may exceed the limits */
    uint32_t n_bds, n_locks;
    uint64_t used; /* bytes: stack and everything placed */
    uint64_t end;  /* first byte above the highest piece: a kernel's constants come after it */
    uint64_t room; /* bytes for a kernel's constants: from `end` up */
    uint64_t sequential_room; /* the same if the tile were allocated basic-sequential */
    bool fits;                /* false: more than the memory; addresses then run past its end */
    bool sequential;          /* allocated one after the other: asked for, or the fallback */
    uint32_t n_pieces;
    const struct npu_map_piece *piece; /* sorted by address */
};

struct npu_map {
    const struct npu_ir_array *array;
    uint32_t n_pools;
    const struct npu_map_pool *pool;
    const struct npu_map_tile *tile;       /* [array->n_tiles] */
    const struct npu_map_end *const *fifo; /* fifo[f][end] */
    void *memory;                          /* private */
};

/* `array` must outlive the map (transfer none). Returns 0 and *out (transfer full), or -ENOMEM.
 * Never blocks. Threads: any. */
int npu_map_open(struct npu_map **out, const struct npu_ir_array *array, struct npu_error *err);
void npu_map_close(struct npu_map **map);

/* The array drawn as text of at most 100 columns: tiles, memory bars, channels, fifos (transfer
 * full: free()). NULL: no memory. */
char *npu_map_draw(const struct npu_map *map);

#ifdef __cplusplus
}
#endif

#endif /* NPU_SIM_MAP_MAP_H */
