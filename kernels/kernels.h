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
 * then overlap, which is how a convolution reads its input without an im2col copy. B f32 packed
 * [ceil(n / nr)][k][nr], nr = the table's gemm_f32_nr, 64-byte aligned, columns past n are zero
 *             (npu_pack_b_f32()). C f32 [m][n]. bias f32 [n] or NULL. R f32 [m][n] or NULL, may be
 * C itself. m >= 1, n >= 1, k >= 1; ldc, ldr >= n. Arithmetic: acc = 0; for kk ascending: acc =
 * fma(A[i][kk], B[kk][j], acc): one chain, whatever the blocking. then in this order, each only if
 * asked for: acc + bias[j]; gelu(acc) (below); acc + R[i][j]. Memory:     A, B, bias do not alias
 * C. Writes exactly m x n. Scratch:    none. Cost:       m*n*k fma. Meant for m about 64..256 so
 * that A's rows and one panel of B stay in L2. */
enum npu_gemm_flags { NPU_GEMM_GELU = 1 };
struct npu_gemm_f32_args {
    float *c;
    const float *a, *b, *bias, *r;
    ptrdiff_t lda, ldc, ldr;
    int m, n, k;
    unsigned flags; /* enum npu_gemm_flags */
};
typedef void npu_gemm_f32_fn(const struct npu_gemm_f32_args *args);

/* gelu(x) = 0.5 x (1 + erf(x / sqrt 2)) by an own polynomial or rational form whose error against
 * the exact value is stated in kernels/ref/gelu_f32.h; the tests hold it to that. In place over n
 * elements when called alone. Any finite x; NaN gives NaN. */
typedef void npu_gelu_f32_fn(float *x, size_t n);

/* norm_f32: LayerNorm of m rows of n elements.
 * Arithmetic: 16 strided partial sums p[j % 16] += x[j] in ascending j, reduced by the fixed tree
 *             (p[i] + p[i+8]), (.. + i+4), (+2), (+1); mean = sum / n. Same shape for the squares:
 *             p[j % 16] = fma(d, d, p[j % 16]), d = x[j] - mean; var = sum / n;
 *             s = 1 / sqrt(var + 1e-5f); y[j] = fma((x[j] - mean) * s, gamma[j], beta[j]).
 * Shapes:     x f32 [m][n] stride ldx; y f32 [m][n] stride ldy, may be x; gamma, beta f32 [n]. m, n
 * >= 1. */
typedef void npu_norm_f32_fn(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx,
                             const float *gamma, const float *beta, int m, int n);

/* attention_f32: one head, m query rows against n keys, head dimension 64; no m x n matrix leaves
 * the scratch. Shapes:     q f32 [m][64] stride ldq, already scaled by 1/8; kt packed [ceil(n /
 * nr)][64][nr] = K transposed, keys past n zero (npu_pack_kt_f32()); v packed as gemm_f32's B with
 * k = n keys and 64 columns: [64 / nr'][n][nr'], nr' = min(nr, 64) (npu_pack_v_f32()); out f32
 * [m][64] stride ldo. m >= 1, 1 <= n <= 1500. Arithmetic: s[j] = fma chain over the 64 dimensions,
 * ascending; mx = max over j < n; e[j] = exp_f32(s[j] - mx); sum = 16 strided partial sums of e[j]
 * (p[j % 16] += e[j]) and the tree of norm_f32; o[c] = fma chain over j ascending of e[j] *
 * v[j][c]; out[c] = o[c] * (1 / sum). exp_f32:    own polynomial for x <= 0, x below -87 counts as
 * -87; error stated in kernels/ref/exp_f32.h. Scratch:    npu_attention_f32_scratch(n) floats,
 * 64-byte aligned, from the caller; contents undefined after. */
typedef void npu_attention_f32_fn(float *out, ptrdiff_t ldo, const float *q, ptrdiff_t ldq,
                                  const float *kt, const float *v, int m, int n, float *scratch);
#define NPU_HEAD_DIM 64
size_t npu_attention_f32_scratch(int n);

/* The chosen implementations. A plain value: copy it, keep it, no globals. */
enum npu_isa { NPU_ISA_REF, NPU_ISA_AVX2, NPU_ISA_AVX512, NPU_ISA_COUNT };
struct npu_kernels {
    enum npu_isa isa;
    const char *name; /* "ref", "avx2", "avx512" (static) */
    bool has_fma;     /* false: ref calls the C library's software fma, a window takes minutes */
    int gemm_f32_nr;  /* panel width of packed B: 16, 32 or 64, divides 64 */
    npu_gemm_f32_fn *gemm_f32;
    npu_gelu_f32_fn *gelu_f32;
    npu_norm_f32_fn *norm_f32;
    npu_attention_f32_fn *attention_f32;
};

/* The best set that processor and operating system allow (CPUID, OSXSAVE, XCR0), not above `limit`.
 * Threads: any. */
enum npu_isa npu_kernels_detect(void);
void npu_kernels_init(struct npu_kernels *out, enum npu_isa limit);
/* "ref" ... -> isa; NULL, "" or "auto" -> the best; returns false for a name not known. */
bool npu_kernels_parse(const char *name, enum npu_isa *out);

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

#endif /* NPU_KERNELS_H */
