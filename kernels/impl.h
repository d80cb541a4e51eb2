/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_IMPL_H
#define NPU_KERNELS_IMPL_H
/* The implementations behind the table, one set per folder; only kernels.c, the folders
 * themselves and tests include this. */
#include "kernels/kernels.h"

/* Query rows that one pass of attention_f32 takes; the scratch holds their scores. */
#define NPU_ATTENTION_ROWS 24
/* Row stride of the scores of n keys: whole 64-key panels, and 16 more so that the rows of a block
 * do not share the sets of the L1 cache. */
#define NPU_ATTENTION_LDS(n) (((size_t)(n) + 63) / 64 * 64 + 16)

#define NPU_DECL_KERNELS(isa)                                                              \
    void npu_gemm_f32_##isa(const struct npu_gemm_f32_args *args);                         \
    void npu_gelu_f32_##isa(float *x, size_t n);                                           \
    void npu_norm_f32_##isa(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx,        \
                            const float *gamma, const float *beta, int m, int n);          \
    void npu_attention_f32_##isa(float *out, ptrdiff_t ldo, const float *q, ptrdiff_t ldq, \
                                 const float *kt, const float *v, int m, int n, float *scratch)

/* Integer kernels of one operand width: `act` u8 or s16, `wgt` s8 or s16. */
#define NPU_DECL_INT_KERNELS(act, wgt, isa)                                                        \
    void npu_gemm_##act##wgt##_##isa(const struct npu_gemm_int_args *args);                        \
    void npu_quant_##act##_##isa(const struct npu_quant_args *args);                               \
    void npu_pack_k_##wgt##_##isa(void *dst, int32_t *offset, float *scale, const float *k,        \
                                  ptrdiff_t ld, int rows, int q_max);                              \
    void npu_pack_v_##wgt##_##isa(void *dst, float *scale, const float *v, ptrdiff_t ld, int rows, \
                                  int q_max);                                                      \
    void npu_attention_##act##wgt##_##isa(const struct npu_attention_int_args *args, void *scratch)

NPU_DECL_KERNELS(ref);
NPU_DECL_INT_KERNELS(u8, s8, ref);
NPU_DECL_INT_KERNELS(s16, s16, ref);
#if defined(__x86_64__)
NPU_DECL_KERNELS(avx2);
NPU_DECL_INT_KERNELS(s16, s16, avx2);
NPU_DECL_INT_KERNELS(u8, s8, avxvnni);
NPU_DECL_INT_KERNELS(s16, s16, avxvnni);
NPU_DECL_KERNELS(avx512);
NPU_DECL_INT_KERNELS(s16, s16, avx512);
NPU_DECL_INT_KERNELS(u8, s8, avx512vnni);
NPU_DECL_INT_KERNELS(s16, s16, avx512vnni);
void npu_attention_u8s8_avx512vbmi(const struct npu_attention_int_args *args, void *scratch);
void npu_attention_s16s16_avx512vbmi(const struct npu_attention_int_args *args, void *scratch);
void npu_gemm_u8s8_amx(const struct npu_gemm_int_args *args);
void npu_attention_u8s8_amx(const struct npu_attention_int_args *args, void *scratch);
/* The kernels above on a few numbers against plain C. Needs AMX and the right to use it. */
bool npu_exact_amx(void);
npu_f1_gemm_fn npu_f1_gemm_s16s8_avx2, npu_f1_gemm_s16s16_avx2;
npu_f1_attention_fn npu_f1_attention_s16_avx2;
#endif

/* The table's row, whether this processor can run it or not, for tests; NULL on architectures
 * without it. */
const struct npu_kernels *npu_kernels_row(enum npu_isa isa);

/* Panel widths of packed B. ref uses the one of its table row. */
#define NPU_GEMM_F32_NR_REF    16
#define NPU_GEMM_F32_NR_AVX2   16
#define NPU_GEMM_F32_NR_AVX512 32
#define NPU_INT_NR_REF         16
#define NPU_INT_NR_AVX2        16
#define NPU_INT_NR_AVX512      32

#endif /* NPU_KERNELS_IMPL_H */
