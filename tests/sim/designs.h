/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SIM_DESIGNS_H
#define TESTS_SIM_DESIGNS_H
/* Shared by the tests of mlir/: a design run from its text and from its instruction words, operands
 * in the layouts of kernels/aie2/aie2.h, jobs. */
#include "kernels/kernels.h"
#include "npu/array/pack.h"
#include "tests/aie2/kit.h"

enum { T = 64, OBJECT = 4096 };

struct designs_buffer {
    void *data;
    size_t bytes;
};

/* calloc that exits when out of memory; host buffers need no alignment of 32 bytes. */
void *designs_alloc(size_t bytes);

/* Run sequence `sequence` (NULL: the only one) of mlir/<design>.mlir: twice in one array from the
 * text, once in a fresh one from its instruction words. `out` is the buffer that must then equal
 * `expected`; the others must be as before. Three cases named after `name`. */
void designs_run(const char *name, const char *design, const char *sequence,
                 const struct designs_buffer *buffers, uint32_t n_buffers, uint32_t out,
                 const void *expected);

/* Instead of cases: one row of the table of designs for each design run. */
extern bool designs_table;
struct npu_sim_result;
struct designs_row {
    const char *design, *sequence; /* sequence: NULL: the only one */
    uint32_t cores;
    uint64_t l1, l2, room; /* bytes: of the fullest core and mem tile; left for constants */
    const struct npu_sim_result *result;
};
extern void (*designs_row)(const struct designs_row *row); /* prints it, unless replaced */
void designs_table_head(void);
/* The count line; the program's exit code. */
int designs_finish(void);

/* One matrix product as kernels.h states it; all buffers belong to it. */
struct designs_product {
    enum npu_array_types kind;
    int m, n, k; /* multiples of 64 */
    enum npu_fixed_result result;
    int acc_shift, gelu_shift;
    void *a, *w;                 /* [m][k], [n][k] */
    int64_t *bias;               /* [n] */
    int16_t *mult, *table, *pos; /* [n], [NPU_FIXED_GELU_ENTRIES], [m][n] */
    uint8_t *shift;              /* [n / 64] */
    int32_t *x;                  /* [m][n]: residual */
    void *c;                     /* [m][n]: the reference's result */
};
/* All operands random in the ranges of the contract, with every channel's result in use. */
struct designs_product designs_product_random(enum npu_array_types kind, int m, int n, int k,
                                              enum npu_fixed_result result);
/* As the kernels take it (pointers into p). */
struct npu_fixed_gemm_args designs_product_args(const struct designs_product *p);
/* Fill c. */
void designs_product_compute(struct designs_product *p);
void designs_product_free(struct designs_product *p);

/* Objects of A of rows 64 row .., of B (job first) of channels 64 column ..; both return the byte
 * after what they wrote. `columns`: of the array, for the count of operands. */
uint8_t *designs_pack_a(uint8_t *to, const struct designs_product *p, int row);
uint8_t *designs_pack_b(uint8_t *to, const struct designs_product *p, int column, int columns);
/* Operands (4 objects) and results (2 or 4 objects) of a tile. */
uint8_t *designs_pack_operands(uint8_t *to, const struct designs_product *p, int row, int column);
uint8_t *designs_pack_c(uint8_t *to, const struct designs_product *p, int row, int column);

/* One head's attention: m queries, n keys. */
struct designs_head {
    int m, n, qk_shift;
    ptrdiff_t ld;             /* of all four */
    const int16_t *q, *k, *v; /* [m][64], [n][64] */
    const int16_t *out;       /* [m][64]: the reference's result */
    bool owned;               /* by this struct; k and v then have whole blocks of 64 rows */
};
struct designs_head designs_head_random(int queries, int keys);
void designs_head_compute(struct designs_head *h);
void designs_head_free(struct designs_head *h);
/* Job and queries, keys and values, results as the designs of attention stream them; each returns
 * the byte after them. */
uint8_t *designs_pack_q(uint8_t *to, const struct designs_head *h);
uint8_t *designs_pack_kv(uint8_t *to, const struct designs_head *h);
uint8_t *designs_pack_o(uint8_t *to, const struct designs_head *h);
/* designs_run() with `n` heads of one shape, one after the other in each buffer. */
void designs_heads_run(const char *name, const char *design, const char *sequence,
                       struct designs_head *heads, int n);

/* 16-bit samples through the sequences @mel and @clamp of a design: x has 160 a frame and 256 after
 * the last; frames a multiple of 16 times the cores. */
void designs_mel_run(const char *name, const char *design, const int16_t *x, int frames, int cores);

/* The tests, by file. */
void designs_gemm(void);
void designs_rows(void);
void designs_heads(void);
void designs_mel(void);
void designs_real(void); /* with the base model and real speech */

/* A product of 256 x 256, K = 512, through the encoder's array; c is expected. */
void designs_encoder_run(const char *name, const struct designs_product *p, const char *sequence);
/* One of n = 2048, k = 512 with GELU through the sequences @fc1: m = 1536 the encoder's, m = 64
 * that of gemm_s16s8; c is expected. */
void designs_fc1_run(const char *name, const struct designs_product *p);

#endif /* TESTS_SIM_DESIGNS_H */
