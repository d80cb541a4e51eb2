/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_ARRAY_SEQUENCE_H
#define NPU_ARRAY_SEQUENCE_H
/* Instruction words that feed a design and take its results, for a shape. Every design of the
 * encoder has the same channels in each column's shim that it uses: buffer 0 goes in at MM2S 0,
 * buffer 1 at MM2S 1, buffer 2 comes out at S2MM 0. A column holds three transfers at a time, in
 * descriptors 0 to 2; all are awaited before the next three. */
#include <stddef.h>

#include "npu/npu.h"
#include "npu/txn/txn.h"

/* The designs of mlir/ that an encoder uses. */
enum npu_array_design {
    NPU_ARRAY_GEMM16,    /* encoder.mlir: s16 x s8 on 16 cores */
    NPU_ARRAY_GEMM1,     /* gemm_s16s16.mlir: 64-bit sums, one core */
    NPU_ARRAY_GELU,      /* gelu_2048.mlir */
    NPU_ARRAY_NORM,      /* layernorm_256.mlir or layernorm_512.mlir; absent for other widths */
    NPU_ARRAY_ATTENTION, /* attention_4col.mlir */
    NPU_ARRAY_DESIGNS    /* none of them: the host computes it */
};

enum { NPU_ARRAY_COLUMNS = 4, NPU_ARRAY_ROWS = 4, NPU_ARRAY_BUFFERS = 3 };

/* What a sequence is composed for; what its design does not have is 0. Offsets and sizes on the
 * streams:
 *   GEMM16      A [group][row] of all jobs' objects, sent once if they have operands, else once a
 *               job; B [column][job] of a job and its objects; C [group][column][job][part][row]
 *   GEMM1       A [row] of a tile's objects, sent once a job; B [job]; C [row][job][part]
 *   GELU, NORM  objects in, a job, objects out
 *   ATTENTION   Q [head] of a job and its tiles; KV [head] of blocks, sent once a tile; O [head] */
struct npu_array_shape {
    enum npu_array_design design;
    /* products */
    int rows;      /* tiles of 64 rows; 16 cores: groups of 4 tiles */
    int jobs;      /* of one column of cores: tiles of 64 channels, one core; groups of 4, 16 */
    int a_objects; /* of one tile of rows */
    int b_objects; /* of one tile of channels */
    int c_objects; /* of one tile of results */
    int operands;  /* 1: the residual stream or positions come with the activations */
    /* GELU, NORM */
    int count;               /* objects */
    int in_bytes, out_bytes; /* of an object */
    /* attention */
    int heads;
    int tiles;  /* of queries */
    int blocks; /* of keys */
};

/* Bytes of the sequence's buffers, in their order. */
void npu_array_shape_bytes(const struct npu_array_shape *shape, size_t bytes[NPU_ARRAY_BUFFERS]);

/* The words for a shape, for the whole of npu1. out: (transfer full). Returns 0; -EINVAL a shape
 * that the descriptors do not hold; -ENOMEM. Threads: any. */
int npu_array_compose(struct npu_txn **out, const struct npu_array_shape *shape,
                      struct npu_error *err);

#endif /* NPU_ARRAY_SEQUENCE_H */
