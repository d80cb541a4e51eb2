/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_AIE2_H
#define NPU_KERNELS_AIE2_H
/* The entry points that an array design calls on an AIE2 core: profile npu's operations
 * (kernels/kernels.h, "Profile npu") on tiles of 64 x 64, in the layouts that the core's products
 * read. Plain C symbols with bare pointers and int32_t, as mlir-aie calls them.
 *
 * Common:  every pointer is 32-byte aligned (aie.buffer and objectfifo objects are). Each entry
 *          point sets rounding conv_even and saturation symmetric itself and leaves them so; no
 *          other state, no allocation (on the host: threads any). Nothing outside the stated
 *          extents is read or written. Ranges are those of kernels.h. Stack: at most 2 KiB,
 *          npu_logmel_finish() 3 KiB (estimated from the source: no Peano here).
 * Layouts, blocks in row-major order, each block row-major:
 *          A16  s16 64 rows x 32 k   [16 row blocks][8 k blocks][4][4]        4096 bytes
 *          A8   s8  64 rows x 64 k   [16 row blocks][8 k blocks][4][8]        4096
 *          B8   s8  64 k x 64 n      [16 k blocks][8 n blocks][4][8]          4096, with A16: one
 *                                    B8 serves two A16, `half` 0 or 1 takes k 0..31 or 32..63 of it
 *          B88  s8  64 k x 64 n      [8 k blocks][8 n blocks][8][8]           4096, with A8
 *          B16  s16 32 k x 64 n      [8 k blocks][16 n blocks][4][4]          4096, with A16
 *          ACC  s32 64 x 64          [16 row blocks][8 n blocks][4][8]        16384
 *          ACC64 s64 64 x 64         [16 row blocks][16 n blocks][4][4]       32768
 *          R32  s32 16 rows x 64 n   row-major, part p = rows 16 p .. 16 p + 15 of a tile; 4096
 *          P16  s16 16 rows x 64 n   row-major: positions; 2048
 *          LUT  s16 [2048] twice: 1024 values in four copies, in each array two alternating every 8
 *               values; the two arrays should lie in different banks. */
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Jobs: what a core is to do, sent as one object of 4096 bytes ---- */

enum { NPU_JOB_BYTES = 4096, NPU_JOB_TABLE = 1025, NPU_JOB_NORM_D = 1280 };

struct npu_core_job {
    int32_t count[4];   /* loop counts: the design reads them from the core's copy, words 0..3 */
    int32_t result;     /* word 4: enum npu_fixed_result, for designs that branch on it */
    int32_t acc_shift;  /* ACC64 to ACC, 0..30 */
    int32_t shift;      /* requant; norm: the shift of its last step; attention: qk_shift */
    int32_t gelu_shift; /* of fixed_gelu, or of NPU_FIXED_STEM: -2..2 */
    int32_t lut;        /* 1: npu_job_begin() fills LUT with table[0 .. 1023] */
    int32_t d;          /* norm: row length, a multiple of 64, 64..1280 */
    int32_t final;      /* norm: 1 leaves `mult` out, the final norm */
    int32_t keys;       /* attention: 1 .. 64 * count[0]; the last block's others take no part */
    int32_t reserved[4];
    union { /* byte 64 */
        int32_t bias32[64];
        int64_t bias64[64];
        struct {
            int64_t inv_d, eps, sqrt_d; /* of fixed_norm */
        } norm;
    } u;
    int16_t mult[64]; /* byte 576: requant, per channel of the tile */
    int16_t
        table[1696]; /* byte 704: fixed_gelu's 1025 entries, exp's 1024, or fixed_norm's mult[d] */
};

/* Copy a job object into the core, and its table into LUT if it asks for that; lut_ab, lut_cd may
 * be any pointers if not. job: memref<1024xi32>; lut: memref<2048xi16>. */
void npu_job_begin(const int8_t *object, int32_t *job, int16_t *lut_ab, int16_t *lut_cd);

/* ---- fixed_gemm: begin, a step for every 32 or 64 k, finish for every object of results ---- */

/* ACC = bias of every channel. */
void npu_gemm_begin_s32(const int32_t *job, int32_t *acc);
void npu_gemm_begin_s64(const int32_t *job, int64_t *acc);
/* ACC += A16 x half of B8. */
void npu_gemm_step_s16s8(const int16_t *a, const int8_t *b, int32_t *acc, int32_t half);
/* ACC += A8 x B88. */
void npu_gemm_step_s8s8(const int8_t *a, const int8_t *b, int32_t *acc);
/* ACC64 += A16 x B16. */
void npu_gemm_step_s16s16(const int16_t *a, const int16_t *b, int64_t *acc);
/* ACC64 to ACC by acc_shift, in place: ACC fills the first half of the memory. */
void npu_gemm_narrow(const int32_t *job, int64_t *acc);
/* NPU_FIXED_S16: columns 32 part .. 32 part + 31 of the tile as an A16, part 0..1. */
void npu_gemm_finish_s16(const int32_t *job, const int32_t *acc, int16_t *out, int32_t part);
/* NPU_FIXED_GELU: likewise. */
void npu_gemm_finish_gelu(const int32_t *job, const int16_t *lut_ab, const int16_t *lut_cd,
                          const int32_t *acc, int16_t *out, int32_t part);
/* NPU_FIXED_S32: rows 16 part .. as R32, part 0..3. */
void npu_gemm_finish_s32(const int32_t *job, const int32_t *acc, int32_t *out, int32_t part);
/* NPU_FIXED_RESIDUAL: R32 out = R32 x + requant; x and out may be the same. */
void npu_gemm_finish_residual(const int32_t *job, const int32_t *acc, const int32_t *x,
                              int32_t *out, int32_t part);
/* NPU_FIXED_STEM: R32 out from pos P16. */
void npu_gemm_finish_stem(const int32_t *job, const int16_t *lut_ab, const int16_t *lut_cd,
                          const int32_t *acc, const int16_t *pos, int32_t *out, int32_t part);

/* ---- The products of small square matrices, without a job: n = 16, 32, 64; c = a x b, a s8 in
 * blocks [n / 4][n / 8][4][8], b s8 [n / 8][n / 8][8][8], c s32 [n / 4][n / 8][4][8] ---- */
void npu_matmul_s8s8(const int8_t *a, const int8_t *b, int32_t *c, int32_t n);

/* ---- fixed_gelu: n values u in the order in which they lie, n a multiple of 32 ---- */
void npu_gelu_s32s16(const int32_t *job, const int16_t *lut_ab, const int16_t *lut_cd,
                     const int32_t *u, int16_t *out, int32_t n);

/* ---- fixed_norm: x s32 [rows][d] to y s16 [rows][d], both row-major; d and constants from the
 * job. An A16 needs y in blocks of 4 x 4: four rows leave the core so with the fifo's
 * dimensionsToStream [<d / 4, 4>, <4, d>, <4, 1>]. y holds intermediate values meanwhile. ---- */
void npu_norm_s32s16(const int32_t *job, const int32_t *x, int16_t *y, int32_t rows);

/* ---- fixed_attention: one head's 64 queries against the keys of count[0] blocks of 64 ----
 * begin; for every block `block` = 0 ..: scores with both parts of its K, weights, values with both
 * parts of its V; then finish of both parts. `shift`, `keys` and the exp table (LUT) from the job.
 *          q0, q1  A16 of the queries' channels 0..31 and 32..63
 *          K16     s16 32 keys x 64 channels [8 key blocks][16 channel blocks][4][4], part p = keys
 *                  32 p .. 32 p + 31 of the block; the core turns the 4 x 4 blocks over itself. Out
 *                  of the two A16 of a K tile, as a GEMM leaves them, both parts come in one stream
 *                  in the order [<16, 128>, <2, 2048>, <128, 1>] (elements)
 *          v       A16 of channels 32 part .. of the block's 64 keys: as a GEMM leaves it
 *          out     A16 of channels 32 part ..: what a GEMM reads
 *          state   each query's row four times, s32 [3][16][4][4]: E, E of weights, l; 3072 bytes
 *          p       s16 64 queries x 64 keys [16][16][4][4], 8192 bytes
 *          o       s32 64 queries x 64 channels [16][16][4][4], 16384 bytes
 * One core's memory: stack 3072, job 4096, LUT 8192, q 2 x 4096 (held), K and V 2 x 4096, state
 * 3072, p 8192, o 16384, out 1 x 4096: 63488 bytes. ---- */
enum { NPU_ATTENTION_NO_OCTAVE = -(1 << 25) }; /* E before the first block: below every real one */
void npu_attention_begin(int32_t *state, int32_t *o);
/* p = 64 E - s of 32 keys, saturated, E raised to the part's maximum; part 1 lifts part 0's too. */
void npu_attention_scores(const int32_t *job, const int16_t *q0, const int16_t *q1,
                          const int16_t *k, int32_t *state, int16_t *p, int32_t block,
                          int32_t part);
/* p = exp[p]; o and l are brought to E, l gains the sums of p. */
void npu_attention_weights(const int16_t *lut_ab, const int16_t *lut_cd, int32_t *state, int16_t *p,
                           int32_t *o);
/* o += srs(p x v, 10) of 32 channels. */
void npu_attention_values(const int16_t *p, const int16_t *v, int32_t *o, int32_t part);
/* out = o / l of 32 channels. Leaves state and o as they are. */
void npu_attention_finish(const int32_t *state, const int32_t *o, int16_t *out, int32_t part);

/* ---- Log-mel (kernels.h, "Profile npu: log-mel"): 16 frames a pass ----
 * begin; dft with every one of the 104 objects of constants, in order; finish. The window's maximum
 * is known only after all passes: the host finds it, a second launch raises what lies below with
 * clamp.
 *          x        s16 [2816]: 2800 samples of 16 frames that begin every 160, 16 unused; 5632
 *                   bytes. A window's passes read them every 2560 samples
 *          c        s32 [50 steps][4 bins][4 n]: constants (hi << 15) + lo; 3200 bytes. Bins 4 i ..
 *                   4 i + 3, i = 0..25 (101..103: zeros), take four objects: real parts of even n,
 *                   of odd n, imaginary parts likewise. Bin 200 - k comes with bin k: its products
 *                   with odd n have the other sign. npu_mel_pack_constants() (mel_pack.h)
 *                   makes them
 *          blocks   s16 [even n, odd n][50 steps][4 frame blocks][4 n][4 frames], 12800 bytes
 *          spectrum s32 [26][re, im][bins k.., bins 200 - k..][4 bins][16 frames], 26624 bytes
 *          y        s16 [16 frames][n_mels]: 2560 or 4096 bytes
 *          job      struct npu_core_mel of npu_mel_pack_job(), copied by npu_job_begin
 * One core's memory: stack 4096, job 4096, x 5632, blocks 12800, c 2 x 3200, spectrum 26624, y
 * 4096 (128 mels): 63744 bytes. The stream of constants, 332800 bytes a pass, takes longer than the
 * products. ---- */
enum {
    NPU_MEL_PASS = 16, /* frames */
    NPU_MEL_X = 2816,
    NPU_MEL_CONSTANTS = 800, /* of an object */
    NPU_MEL_OBJECTS = 104,
    NPU_MEL_LUT = 528 /* 257 values of log2(1 + i / 256) less i / 256, in two copies */
};

struct npu_core_mel {
    int32_t count[4]; /* as in npu_core_job; count[0]: passes */
    int32_t n_mels;   /* 80 or 128 */
    int32_t gain;     /* of the window */
    int32_t floor;    /* clamp: least y, the window's maximum - 16384 */
    int32_t reserved0;
    int32_t lut; /* 0 */
    int32_t reserved1[7];
    int32_t offset[128];          /* byte 64 */
    int16_t rise[208], fall[208]; /* of bin k: 0 where there is no such triangle */
    uint8_t filter[224];
    int16_t log_ab[NPU_MEL_LUT], log_cd[NPU_MEL_LUT]; /* byte 1632; as LUT, ready for use */
    int32_t reserved2[88];
};

void npu_logmel_begin(const int16_t *x, int16_t *blocks);
/* object: 0 .. 103, which of the constants c is. */
void npu_logmel_dft(const int32_t *c, const int16_t *blocks, int32_t *spectrum, int32_t object);
/* y without the window's clamp. The spectrum is lost. */
void npu_logmel_finish(const int32_t *job, int32_t *spectrum, int16_t *y);
/* out = max(y, floor) of one y. */
void npu_logmel_clamp(const int32_t *job, const int16_t *y, int16_t *out);

#ifdef __cplusplus
}
#endif

#endif /* NPU_KERNELS_AIE2_H */
