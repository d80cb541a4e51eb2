/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/kernels/checks.h"

#include <math.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static struct npu_kernels ref_kernels(void)
{
    struct npu_kernels ref;
    npu_kernels_choose(&ref, "ref");
    return ref;
}

/* ---- gemm ------------------------------------------------------------------------------------ */

struct gemm_shape {
    int m, n, k;
    ptrdiff_t lda;
    bool bias, r, in_place;
    unsigned flags;
    enum kit_values values;
};

/* One shape by both sets; reading past the end of A, B, bias or R is a fault. */
static bool gemm_one(const struct npu_kernels *kn, const struct gemm_shape *s, struct kit_why *why)
{
    if (kit_left_out())
        return true;
    struct npu_kernels ref = ref_kernels();
    size_t a_size = (size_t)(s->m - 1) * (size_t)s->lda + (size_t)s->k;
    size_t w_size = (size_t)s->n * (size_t)s->k;
    size_t b_size = npu_packed_b_f32_size(s->n, s->k, kn->gemm_f32_nr);
    size_t b_ref_size = npu_packed_b_f32_size(s->n, s->k, ref.gemm_f32_nr);
    float *a = kit_alloc(a_size), *w = kit_alloc(w_size), *bias = kit_alloc((size_t)s->n);
    float *b = kit_alloc(b_size), *b_ref = kit_alloc(b_ref_size);
    struct kit_matrix c, c_ref, r;
    kit_matrix_open(&c, s->m, s->n, kit_range(1, 19));
    kit_matrix_open(&c_ref, s->m, s->n, 3);
    kit_matrix_open(&r, s->m, s->n, 0);

    kit_fill(a, a_size, s->values);
    kit_fill(w, w_size, s->values);
    kit_fill(bias, (size_t)s->n, s->values);
    kit_fill(r.base, r.size, s->values);
    npu_pack_b_f32(b, w, s->k, 0, s->n, s->n, s->k, kn->gemm_f32_nr, 1.0f);
    npu_pack_b_f32(b_ref, w, s->k, 0, s->n, s->n, s->k, ref.gemm_f32_nr, 1.0f);
    if (s->in_place) {
        kit_matrix_copy(&c, &r);
        kit_matrix_copy(&c_ref, &r);
    }
    struct npu_gemm_f32_args args = {.c = c.x,
                                     .a = a,
                                     .b = b,
                                     .bias = s->bias ? bias : NULL,
                                     .r = !s->r         ? NULL
                                          : s->in_place ? c.x
                                                        : r.x,
                                     .lda = s->lda,
                                     .ldc = c.ld,
                                     .ldr = s->in_place ? c.ld : r.ld,
                                     .m = s->m,
                                     .n = s->n,
                                     .k = s->k,
                                     .flags = s->flags};
    kn->gemm_f32(&args);
    args.c = c_ref.x;
    args.b = b_ref;
    args.ldc = c_ref.ld;
    if (s->r && s->in_place) {
        args.r = c_ref.x;
        args.ldr = c_ref.ld;
    }
    ref.gemm_f32(&args);

    struct kit_why inner;
    bool ok = kit_matrix_intact(&c, &inner) && kit_matrix_equal(&c, &c_ref, &inner);
    if (!ok)
        kit_fail(why, "m %d n %d k %d lda %td flags %u%s%s%s: %.120s", s->m, s->n, s->k, s->lda,
                 s->flags, s->bias ? " bias" : "", s->r ? " r" : "", s->in_place ? " in place" : "",
                 inner.text);
    kit_free(a, a_size);
    kit_free(w, w_size);
    kit_free(bias, (size_t)s->n);
    kit_free(b, b_size);
    kit_free(b_ref, b_ref_size);
    kit_matrix_close(&c);
    kit_matrix_close(&c_ref);
    kit_matrix_close(&r);
    return ok;
}

bool check_gemm(const struct npu_kernels *kn, struct kit_why *why)
{
    /* Around every tile height and panel width, and around the unrolling by 4. */
    static const int ms[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 23, 25, 37};
    static const int ns[] = {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100};
    static const int ks[] = {1, 2, 3, 4, 5, 7, 64, 65, 131};
    int cases = 0;
    for (int i = 0; i < COUNT(ms); i++) {
        for (int j = 0; j < COUNT(ns); j++) {
            for (int l = 0; l < COUNT(ks); l++, cases++) {
                uint32_t u = kit_random();
                struct gemm_shape s = {.m = ms[i], .n = ns[j], .k = ks[l]};
                s.lda = s.k + (int)(u >> 8 & 15);
                if (u & 1) /* rows that overlap, as a convolution's do */
                    s.lda = (s.k + 2) / 3;
                s.bias = u & 2;
                s.r = u & 4;
                s.in_place = s.r && u & 8;
                s.flags = u & 16 ? NPU_GEMM_GELU : 0;
                s.values = u & 32 ? KIT_EDGES : KIT_NORMAL;
                if (!gemm_one(kn, &s, why))
                    return false;
            }
        }
    }
    kit_fail(why, "%d shapes", cases);
    return true;
}

/* ---- gelu ------------------------------------------------------------------------------------ */

static bool gelu_equal(const struct npu_kernels *kn, const struct kit_matrix *in,
                       struct kit_why *why)
{
    struct npu_kernels ref = ref_kernels();
    struct kit_matrix x, y;
    kit_matrix_open(&x, 1, in->n, 5);
    kit_matrix_open(&y, 1, in->n, 5);
    kit_matrix_copy(&x, in);
    kit_matrix_copy(&y, in);
    kn->gelu_f32(x.x, (size_t)in->n);
    ref.gelu_f32(y.x, (size_t)in->n);
    bool ok = kit_matrix_intact(&x, why) && kit_matrix_equal(&x, &y, why);
    for (int i = 0; ok && i < in->n; i++)
        if (isnan(in->x[i]) != isnan(x.x[i]))
            ok = kit_fail(why, "gelu(%a) = %a", (double)in->x[i], (double)x.x[i]);
    kit_matrix_close(&x);
    kit_matrix_close(&y);
    return ok;
}

bool check_gelu(const struct npu_kernels *kn, struct kit_why *why)
{
    bool ok = true;
    for (int n = 1; ok && n <= 67; n++) {
        struct kit_matrix in;
        kit_matrix_open(&in, 1, n, 0);
        kit_fill(in.x, (size_t)n, n & 1 ? KIT_EDGES : KIT_NORMAL);
        ok = gelu_equal(kn, &in, why);
        kit_matrix_close(&in);
    }
    /* A walk over all bit patterns: every exponent, both signs, infinities, NaN. */
    enum { CHUNK = 65536 };
    struct kit_matrix in;
    kit_matrix_open(&in, 1, CHUNK, 0);
    uint64_t bits = kit_random() % 1009;
    while (ok && bits <= UINT32_MAX) {
        for (int i = 0; i < CHUNK; i++, bits += 1009) {
            uint32_t b = (uint32_t)bits;
            memcpy(in.x + i, &b, sizeof b);
        }
        ok = gelu_equal(kn, &in, why);
    }
    kit_matrix_close(&in);
    if (ok)
        kit_fail(why, "every 1009th bit pattern");
    return ok;
}

/* ---- norm ------------------------------------------------------------------------------------ */

static bool norm_one(const struct npu_kernels *kn, int m, int n, bool in_place,
                     enum kit_values values, struct kit_why *why)
{
    if (kit_left_out())
        return true;
    struct npu_kernels ref = ref_kernels();
    struct kit_matrix x, y, y_ref;
    float *gamma = kit_alloc((size_t)n), *beta = kit_alloc((size_t)n);
    kit_matrix_open(&x, m, n, 0);
    kit_matrix_open(&y, m, n, kit_range(1, 9));
    kit_matrix_open(&y_ref, m, n, 0);
    kit_fill(x.base, x.size, values);
    kit_fill(gamma, (size_t)n, values);
    kit_fill(beta, (size_t)n, values);
    ref.norm_f32(y_ref.x, y_ref.ld, x.x, x.ld, gamma, beta, m, n);
    if (in_place)
        kit_matrix_copy(&y, &x);
    kn->norm_f32(y.x, y.ld, in_place ? y.x : x.x, in_place ? y.ld : x.ld, gamma, beta, m, n);
    struct kit_why inner;
    bool ok = kit_matrix_intact(&y, &inner) && kit_matrix_equal(&y, &y_ref, &inner);
    if (!ok)
        kit_fail(why, "m %d n %d%s: %.150s", m, n, in_place ? " in place" : "", inner.text);
    kit_free(gamma, (size_t)n);
    kit_free(beta, (size_t)n);
    kit_matrix_close(&x);
    kit_matrix_close(&y);
    kit_matrix_close(&y_ref);
    return ok;
}

bool check_norm(const struct npu_kernels *kn, struct kit_why *why)
{
    static const int ns[] = {1,  2,  7,  8,  9,   15,  16,  17,  24,  25,   31,
                             32, 33, 47, 48, 100, 384, 511, 512, 513, 1280, 1283};
    for (int i = 0; i < COUNT(ns); i++)
        for (int m = 1; m <= 5; m += 2)
            for (int v = 0; v < 4; v++)
                if (!norm_one(kn, m, ns[i], v & 1, v & 2 ? KIT_EDGES : KIT_NORMAL, why))
                    return false;
    kit_fail(why, "%d widths", COUNT(ns));
    return true;
}

/* ---- attention ------------------------------------------------------------------------------- */

/* q_max: magnitude of q: scores of some hundreds reach the clamp of exp, with 1 none does. */
static bool attention_one(const struct npu_kernels *kn, int m, int n, float q_max,
                          struct kit_why *why)
{
    if (kit_left_out())
        return true;
    enum { D = NPU_HEAD_DIM };
    struct npu_kernels ref = ref_kernels();
    size_t size = (size_t)n * D, scratch_size = npu_attention_f32_scratch(n);
    size_t kt_size = npu_packed_b_f32_size(n, D, kn->gemm_f32_nr);
    size_t kt_ref_size = npu_packed_b_f32_size(n, D, ref.gemm_f32_nr);
    ptrdiff_t ldq = D + kit_range(0, 9);
    size_t q_size = (size_t)(m - 1) * (size_t)ldq + D;
    float *q = kit_alloc(q_size), *key = kit_alloc(size), *value = kit_alloc(size);
    float *kt = kit_alloc(kt_size), *kt_ref = kit_alloc(kt_ref_size);
    float *v = kit_alloc(size), *v_ref = kit_alloc(size), *scratch = kit_alloc(scratch_size);
    struct kit_matrix o, o_ref;
    kit_matrix_open(&o, m, D, kit_range(1, 9));
    kit_matrix_open(&o_ref, m, D, 0);
    kit_fill(q, q_size, KIT_NORMAL);
    kit_fill(key, size, KIT_NORMAL);
    kit_fill(value, size, KIT_EDGES);
    for (size_t i = 0; i < q_size; i++)
        q[i] *= q_max;
    npu_pack_kt_f32(kt, key, D, 0, n, n, kn->gemm_f32_nr);
    npu_pack_kt_f32(kt_ref, key, D, 0, n, n, ref.gemm_f32_nr);
    npu_pack_v_f32(v, value, D, 0, n, n, kn->gemm_f32_nr);
    npu_pack_v_f32(v_ref, value, D, 0, n, n, ref.gemm_f32_nr);
    ref.attention_f32(o_ref.x, o_ref.ld, q, ldq, kt_ref, v_ref, m, n, scratch);
    kn->attention_f32(o.x, o.ld, q, ldq, kt, v, m, n, scratch);
    struct kit_why inner;
    bool ok = kit_matrix_intact(&o, &inner) && kit_matrix_equal(&o, &o_ref, &inner);
    if (!ok)
        kit_fail(why, "m %d n %d q %g: %.150s", m, n, (double)q_max, inner.text);
    kit_free(q, q_size);
    kit_free(key, size);
    kit_free(value, size);
    kit_free(kt, kt_size);
    kit_free(kt_ref, kt_ref_size);
    kit_free(v, size);
    kit_free(v_ref, size);
    kit_free(scratch, scratch_size);
    kit_matrix_close(&o);
    kit_matrix_close(&o_ref);
    return ok;
}

bool check_attention(const struct npu_kernels *kn, struct kit_why *why)
{
    static const int ms[] = {1, 5, 12, 13, 23, 24, 25, 49};
    static const int ns[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 300};
    static const float q_max[] = {0.0f, 1.0f, 40.0f, 0x1p-140f};
    for (int i = 0; i < COUNT(ms); i++)
        for (int j = 0; j < COUNT(ns); j++)
            if (!attention_one(kn, ms[i], ns[j], q_max[(i + j) % COUNT(q_max)], why))
                return false;
    for (int n = 1499; n <= 1500; n++)
        if (!attention_one(kn, 25, n, 1.0f, why) || !attention_one(kn, 7, n, 20.0f, why))
            return false;
    kit_fail(why, "%d shapes", COUNT(ms) * COUNT(ns) + 4);
    return true;
}
