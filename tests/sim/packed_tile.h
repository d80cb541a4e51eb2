/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SIM_PACKED_TILE_H
#define TESTS_SIM_PACKED_TILE_H
/* Tiles of tests/npu/attention_tile.h as mlir/attention_64.mlir streams them. */
#include <stdio.h>
#include <stdlib.h>

#include "npu/array/pack.h"
#include "tests/npu/attention_tile.h"

struct packed_tile {
    uint8_t q[TILE_Q_BYTES], kv[TILE_KV_BYTES];
};

/* rows [64][64] as two A16. */
static inline void packed_tile_a16(uint8_t *to, const int16_t *rows)
{
    for (int part = 0; part < 2; part++)
        npu_array_block(to + part * 4096, rows + 32 * part, 64, 64, 32, 4, 4, 2);
}

/* Parameters and operands as kernels/aie2/aie2.h lays them out. */
static inline void packed_tile_fill(struct packed_tile *to, const struct tile *tile)
{
    const struct npu_fixed_attention_args args = {.q = tile->q,
                                                  .k = tile->k,
                                                  .v = tile->v,
                                                  .exp = tile->exp,
                                                  .ldq = 64,
                                                  .ldk = 64,
                                                  .ldv = 64,
                                                  .m = 64,
                                                  .n = 64,
                                                  .qk_shift = TILE_QK_SHIFT};
    npu_array_pack_q(to->q, &args);
    npu_array_pack_kv(to->kv, &args, 64);
}

/* The text of the design with `n` blocks in its sequence instead of the file's 16; NULL: the file
 * is missing. */
static inline char *packed_tile_design(const char *source, unsigned n)
{
    static const unsigned sizes[] = {196608, 262144, 131072};
    char path[512];
    snprintf(path, sizeof(path), "%s/mlir/attention_64.mlir", source);
    FILE *file = fopen(path, "r");
    char *text = file ? calloc(1, 65536) : NULL, *to = text ? calloc(1, 65536) : NULL;
    if (to)
        text[fread(text, 1, 65535, file)] = '\0';
    if (file)
        fclose(file);
    size_t at = 0;
    for (const char *from = text; to && *from && at < 65000;) {
        unsigned i = 0;
        char number[16];
        for (; i < 3; i++) {
            snprintf(number, sizeof(number), "%u", sizes[i]);
            if (!strncmp(from, number, 6))
                break;
        }
        if (i < 3) {
            at += (size_t)sprintf(to + at, "%u", sizes[i] / 16 * n);
            from += 6;
        } else {
            to[at++] = *from++;
        }
    }
    free(text);
    return to;
}

#endif /* TESTS_SIM_PACKED_TILE_H */
