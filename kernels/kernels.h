/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_H
#define NPU_KERNELS_H
/* Every kernel's contract. kernels/ref/ defines the result, bit for bit; an ISA version equals it
 * on every input in range, floating point included: one fma chain per product, fixed reduction
 * trees, own polynomials, no contraction that is not written (-ffp-contract=off), round to nearest
 * even, denormals kept.
 *
 * Common:  void, re-entrant, no allocation, no state; preconditions are assert()ed. Strides (ld*)
 * are in elements. Unless said, buffers need 4-byte alignment only and nothing outside the extents
 * is read or written. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* gemm_f32: C = epilogue(A x B), the rows of one or more tiles.
 * Shapes:     A f32 [m (row)][k (depth)], row i at A + i * lda; lda may be smaller than k: rows
 *             then overlap, which is how a convolution reads its input without an im2col copy.
 *             B f32 packed [ceil(n / nr)][k][nr], nr = the table's gemm_f32_nr, 64-byte aligned,
 *             columns past n are zero (npu_pack_b_f32()). C f32 [m][n]. bias f32 [n] or NULL.
 *             R f32 [m][n] or NULL, may be C itself. m, n, k >= 1; ldc, ldr >= n.
 * Arithmetic: acc = 0; for kk ascending: acc = fma(A[i][kk], B[kk][j], acc): one chain, whatever
 *             the blocking; then in this order, each only if asked for: acc + bias[j]; gelu(acc)
 *             (below); acc + R[i][j].
 * Memory:     A, B, bias do not alias C. Writes exactly m x n. Scratch: none.
 * Cost:       m*n*k fma. Meant for m of 64 to 256: A's rows and a panel of B stay in L2. */
enum npu_gemm_flags { NPU_GEMM_GELU = 1 };
struct npu_gemm_f32_args {
    float *c;
    const float *a, *b, *bias, *r;
    ptrdiff_t lda, ldc, ldr;
    int m, n, k;
    unsigned flags; /* enum npu_gemm_flags */
};
typedef void npu_gemm_f32_fn(const struct npu_gemm_f32_args *args);

/* gelu(x) = 0.5 x (1 + erf(x / sqrt 2)) by the polynomial of kernels/ref/gelu_f32.h, which states
 * its error against the exact value; tests check it. In place over n elements when called alone.
 * Any finite x; NaN gives NaN. */
typedef void npu_gelu_f32_fn(float *x, size_t n);

/* norm_f32: LayerNorm of m rows of n elements.
 * Shapes:     x f32 [m][n] stride ldx; y f32 [m][n] stride ldy, may be x; gamma, beta f32 [n]. m, n
 *             >= 1.
 * Arithmetic: 16 strided partial sums p[j % 16] += x[j] in ascending j, reduced by the fixed tree
 *             (p[i] + p[i+8]), (.. + i+4), (+2), (+1); mean = sum / n. Same shape for the squares:
 *             p[j % 16] = fma(d, d, p[j % 16]), d = x[j] - mean; var = sum / n;
 *             s = 1 / sqrt(var + 1e-5f); y[j] = fma((x[j] - mean) * s, gamma[j], beta[j]). */
typedef void npu_norm_f32_fn(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx,
                             const float *gamma, const float *beta, int m, int n);

/* attention_f32: one head, m query rows against n keys, head dimension 64; no m x n matrix leaves
 * the scratch.
 * Shapes:     q f32 [m][64] stride ldq, already scaled by 1/8; kt packed [ceil(n / nr)][64][nr] = K
 *             transposed, keys past n zero (npu_pack_kt_f32()); v packed as gemm_f32's B with k = n
 *             keys and 64 columns: [64 / nr'][n][nr'], nr' = min(nr, 64) (npu_pack_v_f32()); out
 *             f32 [m][64] stride ldo. m >= 1, 1 <= n <= 1500.
 * Arithmetic: s[j] = fma chain over the 64 dimensions, ascending; mx = max over j < n;
 *             e[j] = exp_f32(s[j] - mx); sum = 16 strided partial sums of e[j] (p[j % 16] += e[j])
 *             and the tree of norm_f32; o[c] = fma chain over j ascending of e[j] * v[j][c];
 *             out[c] = o[c] * (1 / sum).
 * exp_f32:    polynomial for x <= 0, x below -87 counts as -87; kernels/ref/exp_f32.h states the
 *             error.
 * Scratch:    npu_attention_f32_scratch(n) floats, 64-byte aligned, contents undefined after. */
typedef void npu_attention_f32_fn(float *out, ptrdiff_t ldo, const float *q, ptrdiff_t ldq,
                                  const float *kt, const float *v, int m, int n, float *scratch);
#define NPU_HEAD_DIM 64
size_t npu_attention_f32_scratch(int n);

/* ---- Integer products --------------------------------------------------------------------------
 *
 * A quantised row of activations is a row of integers q with one scale: x = scale * q; a row of
 * weights (one output) likewise. Two operand widths exist. The caller chooses how many bits its
 * integers have (7, 12, 13) so that every sum of products fits an int32 (the kernels count modulo
 * 2^32; npu/cpu proves the bound when it packs a model).
 *   wide:    activations and weights s16.
 *   narrow:  activations u8, stored as q + zero with one zero point a row (128 for a symmetric
 *            row); weights s8. Sets without byte products store both as s16 and leave the zero
 *            point out: their narrow kernels are their wide ones (`narrow_bytes` says it). The
 *            integers and so the results are the same.
 * Packed B: [ceil(n / nr)][k / g][nr][g] operands, nr = int_nr, g = 4 bytes or 2 s16, 64-byte
 * aligned, columns past n zero. k is a multiple of 4. */
enum npu_width { NPU_NARROW, NPU_WIDE, NPU_WIDTHS };

/* gemm_int: C = epilogue(A x B).
 * Shapes:     a [m][k] operands of the width, row i at lda * i operands (lda may be smaller than k,
 *             as in gemm_f32); a_scale f32 [m]; a_zero s32 [m], not read where the operands are
 *             s16; b packed; b_scale, bias f32 [n]; b_sum s32 [n] = sum over k of the weights; c
 *             f32 [m][n]; r f32 [m][n] or NULL, may be c itself. m, n >= 1, k >= 4; ldc, ldr >= n.
 * Tail:       more of k in wide operands with scales of their own: tail.a s16 [m][tail.k], tail.b
 *             packed s16, whatever the width of the rest; tail.k a multiple of 4, 0 for none.
 * Arithmetic: s = sum over k of q[i][k] * w[j][k] exactly, s' that of the tail; x = bias[j]; with a
 *             tail x = fma((float)s', tail.a_scale[i] * tail.b_scale[j], x); x = fma((float)s,
 *             a_scale[i] * b_scale[j], x); then each only if asked for: gelu(x), of
 *             kernels/ref/gelu_int.h, coarser than that of f32; x + r[i][j].
 * Memory:     a, b, bias do not alias c. Writes exactly m x n. Scratch: none. */
struct npu_gemm_tail {
    const int16_t *a;
    const void *b;
    const float *a_scale, *b_scale;
    ptrdiff_t lda;
    int k;
};
struct npu_gemm_int_args {
    float *c;
    const void *a, *b;
    const float *a_scale, *b_scale, *bias, *r;
    const int32_t *a_zero, *b_sum;
    ptrdiff_t lda, ldc, ldr;
    int m, n, k;
    unsigned flags; /* enum npu_gemm_flags */
    struct npu_gemm_tail tail;
};
typedef void npu_gemm_int_fn(const struct npu_gemm_int_args *args);

/* quant: m rows of n floats to integers.
 * symmetric:  big = max |x|; q = rint(x * (q_max / big)); scale = big / q_max; zero = 128.
 * asymmetric: lo = min(x, 0), hi = max(x, 0); zero = rint(-lo * (q_max / (hi - lo))); q =
 *             min(rint(x * (q_max / (hi - lo))) + zero, q_max) - zero; scale = (hi - lo) / q_max.
 * A row whose big, or hi - lo, is below 2^-96 gives q = 0. rint: to nearest even.
 * Shapes:     dst [m][n] operands stride ldd; x f32 [m][n] stride ldx, |x| < 2^126; scale f32 [m];
 *             zero s32 [m]. n a multiple of 16. q_max <= 127 (symmetric), 255 (asymmetric) where
 *             narrow operands are bytes; <= 32767 in s16. */
struct npu_quant_args {
    void *dst;
    const float *x;
    float *scale;
    int32_t *zero;
    ptrdiff_t ldd, ldx;
    int m, n, q_max;
    bool asymmetric;
};
typedef void npu_quant_fn(const struct npu_quant_args *args);

/* Attention takes keys and values in blocks of 64 keys, each block with scales of its own.
 * pack_k:     block of one head's K, f32 [rows][64] stride ld, 1 <= rows <= 64, symmetric to q_max
 *             with one scale for the block (0: K is zero), as packed B with n = 64 keys, k = 64
 *             dimensions; keys past `rows` are zero. offset s32 [64]: what a score starts from:
 *             minus the sum over the dimensions of zero point * q; -2^30 past `rows`.
 * pack_v:     block of one head's V likewise, symmetric with one scale for each of the 64
 *             dimensions, as packed B with n = 64 dimensions, k = 64 keys; zero past `rows`. */
#define NPU_KEY_BLOCK 64
typedef void npu_pack_k_fn(void *dst, int32_t *offset, float *scale, const float *k, ptrdiff_t ld,
                           int rows, int q_max);
typedef void npu_pack_v_fn(void *dst, float *scale, const float *v, ptrdiff_t ld, int rows,
                           int q_max);

/* attention_int: one head, m query rows against n keys; softmax in base 2 of scale * (integer
 * scores), numerators rounded to integers relative to their block's maximum.
 * Shapes:     q [m][64] operands stride ldq, symmetric; q_scale f32 [m], times 64^-1/2 * log2(e);
 *             k, k_offset [blocks][64], k_scale [blocks], v, v_scale [blocks][64] from pack_k and
 *             pack_v; out f32 [m][64] stride ldo. m >= 1, 1 <= n <= 1536, blocks = ceil(n / 64).
 * Arithmetic: per row, L[16] = O[64] = 0, M = the first block's M_b; for each block b ascending:
 *             s[j] = sum of q * k exactly; s_b = max of s[j]; c = q_scale * k_scale[b];
 *             M_b = (float)s_b * c; M' = max(M, M_b); alpha = exp2(M - M'), beta = exp2(M_b - M');
 *             p[j] = the numerator of s_b - s[j], 0 past n;
 *             a[d] = sum over j of p[j] * v[j][d], t[l] = sum of p[j], j / 4 = l, exactly;
 *             O[d] = fma((float)a[d], beta * v_scale[b][d], O[d] * alpha);
 *             L[l] = fma((float)t[l], beta, L[l] * alpha); M = M'.
 *             out[d] = O[d] * (1 / sum of L by the tree of norm_f32).
 * Numerators: of 8 bits, 0 .. 255: i = min(rint((float)(s_b - s[j]) * (c * 28)), 255), 28 steps an
 *             octave; p = rint(exp2(fma(i, -1/28, log2 255))), a table of 256 where the set has
 *             one; of 13 bits, 0 .. 8191: p = rint(exp2(fma((float)(s_b - s[j]), -c, log2 8191)));
 *             then 64 p v stays below 2^31 for |v| <= 4095. Bytes take 8 bits alone, s16 either.
 * exp2:       kernels/ref/exp2_f32.h, error and the constants stated there.
 * Scratch:    NPU_ATTENTION_INT_SCRATCH bytes, 64-byte aligned, contents undefined after. */
enum npu_numerators { NPU_NUMERATORS_8, NPU_NUMERATORS_13 };
struct npu_attention_int_args {
    float *out;
    const void *q, *k, *v;
    const float *q_scale, *k_scale, *v_scale;
    const int32_t *k_offset;
    ptrdiff_t ldo, ldq;
    int m, n;
    enum npu_numerators numerators;
};
typedef void npu_attention_int_fn(const struct npu_attention_int_args *args, void *scratch);
#define NPU_ATTENTION_INT_SCRATCH 24576

struct npu_int_kernels {
    npu_gemm_int_fn *gemm;
    npu_quant_fn *quant;
    npu_pack_k_fn *pack_k;
    npu_pack_v_fn *pack_v;
    npu_attention_int_fn *attention;
};

/* ---- Fixed point: profile npu ------------------------------------------------------------------
 *
 * `fixed` in names: integers alone, at scales that are fixed when a model is packed. What an AIE2
 * core, the simulator and the CPU compute alike. Matrices are row-major with strides in elements; a
 * core works on tiles of them in blocked layouts of its own. Packing a model proves the ranges
 * (npu/model/fixed.h); saturation is a guard that no packed model reaches.
 *   srs(a, s):  a / 2^s rounded to nearest, ties to even; s < 0 shifts left.
 *   sat16(a):   clipped to -32767 .. 32767 (symmetric).
 *   bitlen(a):  bits of a >= 0: 0 for 0, else floor(log2 a) + 1.
 *   >>:         of a negative number rounds down.
 *
 * fixed_gemm: c = result(a x w^T), one function for each pair of operand types.
 * Shapes:     a s16 or s8 [m][k], row i at a + i * lda; lda may be smaller than k (a convolution's
 *             rows overlap). w s16 or s8 [n][k] stride ldw: one row an output channel. bias s64 [n]
 *             at the accumulator's scale. mult s16 [n], 0 .. 32767; shift u8 [ceil(n / 64)], 0 ..
 *             NPU_FIXED_SHIFT_MAX, one for 64 channels from channel 0 on. c s16 or s32 [m][n]
 *             stride ldc, by the result. m, n, k >= 1; k < 65536.
 * Arithmetic: acc = bias[j] + sum over k of a[i][k] * w[j][k];
 *             acc_shift = 0: acc counts modulo 2^32 and is read as s32 (acc32; the packer proved
 *             that it fits); acc_shift 1 .. 30: acc is s64 and srs(acc, acc_shift) fits s32.
 *             requant = srs(acc32 * mult[j], shift[j / 64]), product below 2^46 in s64.
 * Results:    NPU_FIXED_S16      c s16 = sat16(requant)
 *             NPU_FIXED_S32      c s32 = requant: u of fixed_gelu
 *             NPU_FIXED_GELU     c s16 = fixed_gelu(requant) with `table` and `gelu_shift`
 *             NPU_FIXED_RESIDUAL c s32 = c + requant, the residual stream, |c| <= 2^30 before and
 *                                after
 *             NPU_FIXED_STEM     c s32 = max(u, 0) - h + pos[i][j], u = requant at the scale 2^-F
 *                                of the residual stream: a = min(32767, srs(|u|, gelu_shift)), h =
 *                                0 for a = 32767, else table[(a + 16) >> 5]; gelu_shift = F - 12,
 *                                -2 .. 2; pos s16 [m][n] stride ldp at the same scale.
 * Ranges:     s16 operands -32767 .. 32767, s8 -127 .. 127; requant fits s32.
 * Memory:     inputs do not alias c. Scratch: none. */
#define NPU_FIXED_CHANNELS  64 /* that share a shift */
#define NPU_FIXED_SHIFT_MAX 47 /* leaves nothing of a product below 2^46 */
#define NPU_FIXED_GELU_ENTRIES \
    1025 /* h of steps of 32 fine units, the last for the interpolation */
#define NPU_FIXED_EXP_ENTRIES 1024
enum npu_fixed_result {
    NPU_FIXED_S16,
    NPU_FIXED_S32,
    NPU_FIXED_GELU,
    NPU_FIXED_RESIDUAL,
    NPU_FIXED_STEM
};
struct npu_fixed_gemm_args {
    void *c;
    const void *a, *w;
    const int64_t *bias;
    const int16_t *mult;
    const uint8_t *shift;
    const int16_t *table; /* [NPU_FIXED_GELU_ENTRIES]: NPU_FIXED_GELU, NPU_FIXED_STEM */
    const int16_t *pos;   /* NPU_FIXED_STEM */
    ptrdiff_t lda, ldw, ldc, ldp;
    int m, n, k;
    int acc_shift, gelu_shift;
    enum npu_fixed_result result;
};
typedef void npu_fixed_gemm_fn(const struct npu_fixed_gemm_args *args);
npu_fixed_gemm_fn npu_fixed_gemm_s16s8_ref, npu_fixed_gemm_s16s16_ref, npu_fixed_gemm_s8s8_ref;

/* fixed_gelu: gelu(u) = max(u, 0) - h(|u|), h(a) = a / 2 * erfc(a / sqrt 2), with h from a table.
 * Shapes:     u s32 [m][n] stride ldu, -2^30 .. 2^30; g s16 [m][n] stride ldg; table s16
 *             [NPU_FIXED_GELU_ENTRIES], 0 .. 32767: h(32 i) at u's own scale.
 * Arithmetic: a = min(|u|, 32767); i = a >> 5; f = a & 31;
 *             h = table[i] + srs((table[i + 1] - table[i]) * f, 5), 0 for a = 32767;
 *             g = sat16(srs(max(u, 0) - h, shift)), shift 0 .. 15. */
struct npu_fixed_gelu_args {
    int16_t *g;
    const int32_t *u;
    const int16_t *table;
    ptrdiff_t ldg, ldu;
    int m, n, shift;
};
void npu_fixed_gelu_s32s16_ref(const struct npu_fixed_gelu_args *args);

/* fixed_norm: (x - mean) / sqrt(var + 1e-5) of each row, times a factor per channel.
 * Shapes:     x s32 [m][d] stride ldx at 2^-F, |x| <= 2^30; y s16 [m][d] stride ldy; mult s16 [d]
 *             or NULL. d a multiple of 64, 64 .. 2048; m >= 1.
 * Constants:  inv_d = rint(2^40 / d); eps = rint(d * 1e-5 * 2^2F); sqrt_d = rint(sqrt(d) * 2^10).
 * Arithmetic: sum = sum of x[i] (s64);
 *             mean = (sum * inv_d + 2^39) >> 40 exactly; without a product of more than 64 bits:
 *             hi = sum >> 16, lo = sum & 65535, (hi * inv_d + ((lo * inv_d + 2^39) >> 16)) >> 24;
 *             c[i] = x[i] - mean (s32); e = max(0, bitlen(max |c|) - 15);
 *             c16[i] = sat16(srs(c[i], e));
 *             Q = max(1, sum of c16^2 + (eps >> 2e)) (s64, below 2^42);
 *             k = (32 - bitlen(Q)) & ~1; q = Q << k, k < 0: Q >> -k; q in 2^30 .. 2^32 - 1;
 *             y0 = npu_fixed_rsqrt[(q >> 24) - 64] (kernels/ref/fixed_rsqrt.h);
 *             y1 = (y0 * (3 * 2^28 - ((y0 * y0 * q) >> 32))) >> 16;
 *             y2 = (y1 * (3 * 2^28 - ((((y1 * y1) >> 26) * q) >> 32))) >> 29 (all s64);
 *             r = y2 * sqrt_d; rb = bitlen(r); r15 = min(32767, (r + 2^(rb - 16)) >> (rb - 15));
 *             es = 53 - k / 2 - (rb - 15); t[i] = c16[i] * r15 (s32);
 *             mult:  y[i] = sat16(srs(t[i] * mult[i], es + shift))
 *             NULL:  y[i] = sat16(srs(t[i], es - shift)): the final norm, shift = 10 (9: d >
 *                    1024). */
struct npu_fixed_norm_args {
    int16_t *y;
    const int32_t *x;
    const int16_t *mult;
    ptrdiff_t ldy, ldx;
    int m, d, shift;
    int64_t inv_d, eps, sqrt_d;
};
void npu_fixed_norm_s32s16_ref(const struct npu_fixed_norm_args *args);

/* fixed_attention: one head, m query rows against n keys in one pass over blocks of 64 keys.
 * Shapes:     q s16 [m][64] stride ldq; k, v s16 [n][64] strides ldk, ldv; out s16 [m][64] stride
 *             ldo; exp s16 [NPU_FIXED_EXP_ENTRIES] = rint(32767 * 2^(-i / 64)). m >= 1, 1 <= n <=
 *             1536.
 * Arithmetic: s[j] = srs(sum over c of q[c] * k[j][c] (s64), qk_shift), qk_shift 6 .. 40: |s| <
 *             2^30, in 1/64 octaves. Blocks of 64 keys in ascending order, the last may have fewer:
 *             eb = (max of s[j] + 63) >> 6; the first block: E = eb, l = 0, O[64] = 0; another with
 *             eb > E: D = min(40, eb - E), O[c] = srs(O[c], D), l = srs(l, D), E = eb;
 *             i = 64 E - s[j]; p[j] = exp[i], 0 for i > 1023; l += sum of p[j];
 *             O[c] += srs(sum over j of p[j] * v[j][c] (s64), 10).
 *             e = bitlen(l) - 1; rec = min(32767, (2^(e + 15) + (l >> 1)) / l), rounded down;
 *             out[c] = sat16(srs(O[c] * rec (s64), 5 + e)). l and O fit s32; l >= 2^13 at the
 *             end. */
struct npu_fixed_attention_args {
    int16_t *out;
    const int16_t *q, *k, *v;
    const int16_t *exp;
    ptrdiff_t ldo, ldq, ldk, ldv;
    int m, n, qk_shift;
};
typedef void npu_fixed_attention_fn(const struct npu_fixed_attention_args *args);
npu_fixed_attention_fn npu_fixed_attention_s16_ref;

/* The kernels of profile npu that are faster with wider vectors; the others have one version. */
struct npu_fixed_kernels {
    npu_fixed_gemm_fn *gemm_s16s8, *gemm_s16s16;
    npu_fixed_attention_fn *attention;
};

/* ---- Profile npu: log-mel ----------------------------------------------------------------------
 *
 * int16 samples to int16 log-mel y (real value y * 2^-13, 1.0 = 4 decades) in four stages, each a
 * function of its own so that an NPU core's result can be compared after every one. Formulas:
 * openai/whisper's log-mel; all arithmetic is in integers, nothing saturates or overflows.
 *   dft:   400 samples -> 201 complex bins, s32 in units of 2^-8 of a sample's unit
 *   bank:  power, one exponent a frame, Slaney's triangles -> s64 [n_mels]
 *   log:   log2 by table, scale -> s16, -1.5 (log10 1e-10) at least
 *   clamp: 8 decades below the maximum of the whole window at least
 * A sample's real value is x * 2^-15 * 2^-gain, -1 .. 1 nominal; gain is the window's.
 * The functions have one version, plain C; exact, so any order of summation gives the same. */
#define NPU_MEL_FRAME         400 /* samples of a frame */
#define NPU_MEL_HOP           160 /* samples from one frame to the next */
#define NPU_MEL_BINS          201
#define NPU_MEL_SPECTRUM      (2 * NPU_MEL_BINS) /* of a frame: real parts, imaginary parts */
#define NPU_MEL_MOST          128
#define NPU_MEL_SPECTRUM_BITS 8        /* fraction bits of the spectrum */
#define NPU_MEL_POWER_BITS    36       /* of a frame's largest power, at most: two limbs of 18 */
#define NPU_MEL_LOG2          257      /* entries of the log2 table */
#define NPU_MEL_LOG10_2       10100891 /* rint(log10(2) / 4 * 2^27): 2^30 y / log2 */
#define NPU_MEL_FLOOR         (-12288) /* (log10 1e-10 + 4) / 4 */
#define NPU_MEL_RANGE         16384    /* 8 decades */
#define NPU_MEL_GAIN_MIN      (-14)    /* samples of +-1e4 */
#define NPU_MEL_GAIN_MAX      32 /* a peak below 2^-32 leaves every sum of powers below 1e-16 */

/* Row k (re) and row 201 + k (im) of the transform hold c = rint(2^30 hann[n] cos(2 pi k n / 400)),
 * and the same with -sin, as hi = clip16(rint(c / 2^15)), lo = clip16(c - 2^15 hi); hann[n] =
 * (1 - cos(2 pi n / 400)) / 2. Only c = 2^30 itself (n = 200, even k) comes out one less.
 * Bin k adds to triangle filter[k] with weight rise[k] (not where filter[k] = n_mels), and to
 * filter[k] - 1 with weight fall[k] (not where filter[k] = 0); each triangle is scaled by a factor
 * of its own so that its largest weight is 32767.
 * offset[j] = rint(65536 (-30 - 2 * 8 - log2(factor of triangle j))).
 * log2[i] = rint(65536 log2(1 + i / 256)). */
struct npu_mel_tables {
    int n_mels;
    int16_t hi[NPU_MEL_SPECTRUM][NPU_MEL_FRAME], lo[NPU_MEL_SPECTRUM][NPU_MEL_FRAME];
    uint8_t filter[NPU_MEL_BINS];
    int16_t rise[NPU_MEL_BINS], fall[NPU_MEL_BINS];
    int32_t offset[NPU_MEL_MOST];
    int32_t log2[NPU_MEL_LOG2];
};

/* n_mels: 80 or 128. */
void npu_mel_tables_init(struct npu_mel_tables *tables, int n_mels);

/* spectrum s32 [m][402] = srs((sum of x * hi << 15) + sum of x * lo, 22); frame i's samples begin
 * at x + 160 i. |re + i im| < 2^30.7: the window's values sum up to 200. */
void npu_mel_dft_s16_ref(int32_t *spectrum, const int16_t *x, int m,
                         const struct npu_mel_tables *tables);

/* p[k] = re^2 + im^2 < 2^61.3; e = max(0, bitlen(the frame's largest p) - 36);
 * p = (p + 2^(e - 1)) >> e (unchanged where e = 0), at most 2^36; sum s64 [m][n_mels] = the
 * triangles' sums of p * weight, < 2^54; exponent s32 [m] = e. */
void npu_mel_bank_s32_ref(int64_t *sum, int32_t *exponent, const int32_t *spectrum, int m,
                          const struct npu_mel_tables *tables);

/* y s16 [m][n_mels]: -12288 where sum = 0; else with b = bitlen(sum) - 1, u = the 23 bits of sum
 * after its first, i = u >> 15, f = (u >> 7) & 255:
 * l = (b << 16) + T[i] + (((T[i+1] - T[i]) f + 128) >> 8) + (e << 16) + offset[j] - (gain << 17),
 * y = max(((l * 10100891 + 2^29) >> 30) + 8192, -12288), T = log2. |l| < 2^24; y <= 32053
 * at the loudest (128 mels, gain -14), 14791 where |sample| <= 1. */
void npu_mel_log_s64_ref(int16_t *y, const int64_t *sum, const int32_t *exponent, int m, int gain,
                         const struct npu_mel_tables *tables);

/* y = max(y, (largest of all n) - 16384), in place; n = all values of a window. */
void npu_mel_clamp_s16_ref(int16_t *y, size_t n);

/* The chosen implementations. A plain value that may be copied and kept; no globals. */
struct npu_kernels {
    const char
        *name;    /* of the highest set that gave kernels (static); equal pointers: equal kernels */
    bool has_fma; /* false: ref calls the C library's software fma, a window takes minutes */
    int gemm_f32_nr; /* panel width of packed f32 B: 16, 32 or 64, divides 64 */
    npu_gemm_f32_fn *gemm_f32;
    npu_gelu_f32_fn *gelu_f32;
    npu_norm_f32_fn *norm_f32;
    npu_attention_f32_fn *attention_f32;
    int int_nr;       /* panel width of packed integer B: 16 or 32 */
    int narrow_bytes; /* of a narrow operand: 1 (u8, s8) or 2 (s16, no zero point) */
    struct npu_int_kernels width[NPU_WIDTHS];
    struct npu_fixed_kernels fixed;
};

/* A set is what one folder adds to the sets before it. The names of the sets in this build, in the
 * order in which each overwrites those before it: 0 is "ref"; NULL past the last (static). Threads:
 * any. */
const char *npu_kernels_name(int set);
/* The best kernels that this processor can run (kernels/cpu.h), of sets up to the one named; NULL,
 * "" and "auto" name the last. Sets that the processor cannot run are left out (see out->name).
 * Returns false for an unknown name, and then chooses as for "auto". Threads: any. */
bool npu_kernels_choose(struct npu_kernels *out, const char *name);
/* Why a set is left out although the processor reports its features: one sentence for a log
 * (static), or NULL. Threads: any. */
const char *npu_kernels_complaint(void);

/* Packing, plain C, the same for every ISA; nr from the table. Sizes in floats; destinations
 * 64-byte aligned. */
size_t npu_packed_b_f32_size(int n, int k, int nr);
/* In all three the source is row j0 itself, the destination the start of the whole matrix. */
/* w f32 [rows j0 .. j0 + n_rows of the torch weight [out n][in k]], row stride ldw; multiplied by
 * `scale` (a power of two: exact). j0 a multiple of 4. Pads the columns of the last panel with
 * zeros when j0 + n_rows == n. */
void npu_pack_b_f32(float *dst, const float *w, ptrdiff_t ldw, int j0, int n_rows, int n, int k,
                    int nr, float scale);
/* Rows j0 .. j0 + n_rows of one head's K, f32 [n][64] stride ldk, into kt; j0 a multiple of 4.
 * Pads the last panel. */
void npu_pack_kt_f32(float *kt, const float *k, ptrdiff_t ldk, int j0, int n_rows, int n, int nr);
/* Rows j0 .. of one head's V, f32 [n][64] stride ldv, into v. */
void npu_pack_v_f32(float *dst, const float *v, ptrdiff_t ldv, int j0, int n_rows, int n, int nr);
/* Bytes of a packed integer B whose operands take `bytes` (1 or 2) each. */
size_t npu_packed_b_int_size(int n, int k, int nr, int bytes);
/* Integer weights [n_rows][k] of the outputs j0 .. into packed B; w fits the operand. Pads the last
 * panel with zeros when j0 + n_rows == n. */
void npu_pack_b_int(void *dst, const int16_t *w, int j0, int n_rows, int n, int k, int nr,
                    int bytes);

#endif /* NPU_KERNELS_H */
