/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_FIXED_H
#define NPU_MODEL_FIXED_H
/* A model packed for profile npu: integers only, for the operations npu_fixed_* of
 * kernels/kernels.h.
 *
 * Every scale follows from the weights by an inequality, so that no input saturates and there is
 * nothing to calibrate: a row that leaves a LayerNorm without gamma and beta has at most the norm
 * sqrt(d_model), so output n of a matrix after it is at most |W[n]| sqrt(d_model) + |b[n]|, and so
 * on from stage to stage. Gamma and beta of the norms are folded into the matrices after them, the
 * biases of K (it shifts all scores of a query) and V (it passes through the softmax, into the
 * output projection's bias) fall away. The largest sum of products that can occur is proven for
 * each output channel: where it does not fit 32 bits, the stage accumulates in 64.
 *
 * All packing is float64 and ends in rint() of values with an error of some 1e-15. The order of
 * summation matters only for ties; those that real weights have (half of a row's largest weight)
 * are computed by one multiplication and one division, correctly rounded. */
#include "kernels/kernels.h"
#include "npu/program.h"

#define NPU_FIXED_MEL_BITS     13        /* fraction bits of mel */
#define NPU_FIXED_MEL_MAX      20480     /* 2.5: the proofs' bound of |mel| */
#define NPU_FIXED_RESIDUAL_MAX (1 << 30) /* of |residual stream|: x - mean then fits s32 */

/* One matrix: y = requant(bias + w x), as npu_fixed_gemm_*. */
struct npu_fixed_matrix {
    unsigned bits;  /* of a weight: 8 (s8) or 16 (s16) */
    void *w;        /* [n][k] */
    int64_t *bias;  /* [n] */
    int16_t *mult;  /* [n] */
    uint8_t *shift; /* [ceil(n / 64)] */
    int acc_shift;  /* 0: acc32 is proven; else acc64 */

    /* The proof: no accumulator is ever larger than `bound`; `channel` comes nearest to it. */
    double bound;
    unsigned channel;
};

struct npu_fixed_stage {
    struct npu_fixed_matrix matrix[NPU_STAGE_MATRICES];
    int16_t *norm_mult; /* [d_model], of the norm before; NULL: none, or the final one */
    int norm_shift;
    int16_t *table; /* of a GELU: [NPU_FIXED_GELU_ENTRIES] */
    int gelu_shift;
    int qk_shift; /* attention */
};

struct npu_fixed {
    struct npu_program program;
    struct npu_fixed_stage *stage; /* [program.n_stages] */
    int16_t *positions;            /* [positions][d_model] at 2^-residual_bits */
    float *gamma, *beta;           /* [d_model]: features = z 2^-feature_bits gamma + beta */
    int residual_bits;             /* fraction bits: 14, less for models with large bounds */
    int feature_bits;              /* of z: 10; 9 where d_model > 1024 */
    double residual_bound;         /* of |residual stream|, in its integers */
    int64_t inv_d, eps, sqrt_d;    /* npu_fixed_norm_args */
    int16_t exp[NPU_FIXED_EXP_ENTRIES];
    size_t bytes; /* of all above */
    char *block;
};

/* Read and pack a model (transfer full). Immutable afterwards.
 * Returns:  0; -ENOTSUP a bound that no number format of the profile holds, the sentence names
 * stage, channel and bound; else as npu_model_read_f32(); -ENOMEM.
 * Threads:  control. Blocks: on the file. */
int npu_fixed_open(struct npu_fixed **out, const struct npu_program *program,
                   const struct npu_model *model, struct npu_error *err);
void npu_fixed_close(struct npu_fixed **fixed);
/* Log the table of proofs at level debug. Not while a thread waits for these weights: a log
 * callback may ask for them too. */
void npu_fixed_log_proofs(const struct npu_fixed *fixed);

/* mel as f32 to s16 at 2^-NPU_FIXED_MEL_BITS, rint; |x| > 2.5 is clipped, NaN is 0. n values. */
void npu_fixed_quantise_mel(int16_t *dst, const float *mel, size_t n);

/* What a stage hands to its operation, but for the operands themselves (a, c; y, x; out, q, k, v):
 * rows row .. row + m of a matrix's product, m rows of its norm, m queries of one head against n
 * keys. Threads: any. */
struct npu_fixed_gemm_args npu_fixed_gemm_of(const struct npu_fixed *fixed, unsigned stage,
                                             unsigned matrix, unsigned row, unsigned m);
struct npu_fixed_norm_args npu_fixed_norm_of(const struct npu_fixed *fixed, unsigned stage,
                                             unsigned m);
struct npu_fixed_attention_args npu_fixed_attention_of(const struct npu_fixed *fixed,
                                                       unsigned stage, unsigned m, unsigned n);

/* m rows of the final norm as features: z 2^-feature_bits gamma + beta, the product rounded before
 * the sum. After mel the only floats of the profile. */
void npu_fixed_features(const struct npu_fixed *fixed, float *features, const int16_t *z,
                        unsigned m);

#endif /* NPU_MODEL_FIXED_H */
