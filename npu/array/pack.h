/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_ARRAY_PACK_H
#define NPU_ARRAY_PACK_H
/* What the host sends to the kernels of a core and gets back: matrices in the layouts of aie2.h, and
 * jobs, from the very arguments of the operations in kernels.h. A tile is 64 rows or 64 channels;
 * what it has beyond the matrix is zero on the way in and left out on the way back.
 *
 * Common:  every pack function returns the byte after what it wrote, every unpack function the
 *          byte after what it read (transfer none). Objects have NPU_ARRAY_OBJECT bytes. Threads:
 *          any. Allocates: no. */
#include <stddef.h>

#include "kernels/aie2/aie2.h"
#include "kernels/kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NPU_ARRAY_TILE = 64, NPU_ARRAY_OBJECT = 4096 };

/* Row-major n_rows x n_columns (stride ld, in elements of `bytes`) as blocks of r x c; and back. */
void npu_array_block(void *blocks, const void *rows, ptrdiff_t ld, int n_rows, int n_columns, int r,
                     int c, size_t bytes);
void npu_array_unblock(void *rows, ptrdiff_t ld, const void *blocks, int n_rows, int n_columns,
                       int r, int c, size_t bytes);

/* ---- fixed_gemm ---- */

/* Types of activations and weights: which of npu_fixed_gemm_*_ref() the arguments are for. */
enum npu_array_types { NPU_ARRAY_S16S8, NPU_ARRAY_S16S16, NPU_ARRAY_S8S8 };

/* Objects of one tile: A16 or A8, B8, B16 or B88, results. */
int npu_array_a_objects(enum npu_array_types types, int k);
int npu_array_b_objects(enum npu_array_types types, int k);
int npu_array_c_objects(enum npu_fixed_result result);
/* Whether a job takes operands with its activations: the residual stream (R32) or positions (P16),
 * 4 objects a tile. */
bool npu_array_has_operands(enum npu_fixed_result result);

/* Objects of A: rows 64 row .. of g->a. */
uint8_t *npu_array_pack_a(uint8_t *to, const struct npu_fixed_gemm_args *g,
                          enum npu_array_types types, int row);
/* A job, then objects of B: channels 64 column .. of g->w. columns: of the array, all of whose
 * operands pass every core. */
uint8_t *npu_array_pack_b(uint8_t *to, const struct npu_fixed_gemm_args *g,
                          enum npu_array_types types, int column, int columns);
/* Operands of one tile: of g->c, which is the residual stream, or g->pos. */
uint8_t *npu_array_pack_operands(uint8_t *to, const struct npu_fixed_gemm_args *g, int row,
                                 int column);
/* Object `part` of a tile's results into g->c. */
const uint8_t *npu_array_unpack_c(const struct npu_fixed_gemm_args *g, const uint8_t *from, int row,
                                  int column, int part);

/* ---- Jobs of npu_norm_s32s16() and npu_gelu_s32s16(); count: objects that follow ---- */

/* n->mult NULL: the final norm. y, x and m are not looked at. */
void npu_array_norm_job(struct npu_core_job *job, const struct npu_fixed_norm_args *n, int count);
void npu_array_gelu_job(struct npu_core_job *job, const int16_t *table, int shift, int count);

/* ---- fixed_attention: one head ---- */

/* A job and the tiles of queries: 1 + 2 ceil(m / 64) objects. */
uint8_t *npu_array_pack_q(uint8_t *to, const struct npu_fixed_attention_args *a);
/* Keys and values: 4 objects for each block of 64. rows: of k and v that there are, a->n or more;
 * what comes after a->n takes no part. */
uint8_t *npu_array_pack_kv(uint8_t *to, const struct npu_fixed_attention_args *a, int rows);
/* All tiles of results into a->out: 2 ceil(m / 64) objects. */
const uint8_t *npu_array_unpack_o(const struct npu_fixed_attention_args *a, const uint8_t *from);

#ifdef __cplusplus
}
#endif

#endif /* NPU_ARRAY_PACK_H */
