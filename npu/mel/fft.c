/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 400 real samples are 200 complex ones, even samples real and odd ones imaginary; these go through
 * three self-sorting (Stockham) passes of radix 5, 5 and 8, then the two interleaved spectra are
 * taken apart. Each pass reads one buffer and writes the other, in order of the next pass. */
#include "npu/mel/fft.h"

#include <math.h>

#define PI 3.14159265358979323846

struct cpx {
    npu_f32x4 re, im;
};

static inline __attribute__((always_inline)) struct cpx cpx_load(const npu_f32x4 *p, int i)
{
    return (struct cpx){p[2 * i], p[2 * i + 1]};
}

static inline __attribute__((always_inline)) void cpx_store(npu_f32x4 *p, int i, struct cpx a)
{
    p[2 * i] = a.re;
    p[2 * i + 1] = a.im;
}

static inline __attribute__((always_inline)) struct cpx cpx_add(struct cpx a, struct cpx b)
{
    return (struct cpx){a.re + b.re, a.im + b.im};
}

static inline __attribute__((always_inline)) struct cpx cpx_sub(struct cpx a, struct cpx b)
{
    return (struct cpx){a.re - b.re, a.im - b.im};
}

/* a - i b */
static inline __attribute__((always_inline)) struct cpx cpx_sub_i(struct cpx a, struct cpx b)
{
    return (struct cpx){a.re + b.im, a.im - b.re};
}

/* a + i b */
static inline __attribute__((always_inline)) struct cpx cpx_add_i(struct cpx a, struct cpx b)
{
    return (struct cpx){a.re - b.im, a.im + b.re};
}

/* a s + b t */
static inline __attribute__((always_inline)) struct cpx cpx_mix(struct cpx a, float s, struct cpx b,
                                                                float t)
{
    return (struct cpx){a.re * s + b.re * t, a.im * s + b.im * t};
}

/* a w, w = (re, im) */
static inline __attribute__((always_inline)) struct cpx cpx_turn(struct cpx a, const float w[2])
{
    return (struct cpx){a.re * w[0] - a.im * w[1], a.re * w[1] + a.im * w[0]};
}

static inline __attribute__((always_inline)) void dft4(struct cpx a[4])
{
    struct cpx s02 = cpx_add(a[0], a[2]), d02 = cpx_sub(a[0], a[2]);
    struct cpx s13 = cpx_add(a[1], a[3]), d13 = cpx_sub(a[1], a[3]);
    a[0] = cpx_add(s02, s13);
    a[1] = cpx_sub_i(d02, d13);
    a[2] = cpx_sub(s02, s13);
    a[3] = cpx_add_i(d02, d13);
}

static inline __attribute__((always_inline)) void dft5(struct cpx a[5])
{
    const float c1 = 0.309016994374947424f, s1 = 0.951056516295153572f;  /* of 2 pi / 5 */
    const float c2 = -0.809016994374947424f, s2 = 0.587785252292473129f; /* of 4 pi / 5 */
    struct cpx s14 = cpx_add(a[1], a[4]), d14 = cpx_sub(a[1], a[4]);
    struct cpx s23 = cpx_add(a[2], a[3]), d23 = cpx_sub(a[2], a[3]);
    struct cpx even1 = cpx_add(a[0], cpx_mix(s14, c1, s23, c2));
    struct cpx even2 = cpx_add(a[0], cpx_mix(s14, c2, s23, c1));
    struct cpx odd1 = cpx_mix(d14, s1, d23, s2);
    struct cpx odd2 = cpx_mix(d14, s2, d23, -s1);
    a[0] = cpx_add(a[0], cpx_add(s14, s23));
    a[1] = cpx_sub_i(even1, odd1);
    a[2] = cpx_sub_i(even2, odd2);
    a[3] = cpx_add_i(even2, odd2);
    a[4] = cpx_add_i(even1, odd1);
}

/* One radix-5 pass over sub-transforms of length 5 m that lie `stride` apart, 5 m stride = 200. */
static inline __attribute__((always_inline)) void pass5(npu_f32x4 *out, const npu_f32x4 *in, int m,
                                                        int stride, const float twiddle[][4][2])
{
    for (int q = 0; q < m; q++) {
        for (int i = 0; i < stride; i++) {
            struct cpx a[5];
            for (int r = 0; r < 5; r++)
                a[r] = cpx_load(in, stride * (q + m * r) + i);
            dft5(a);
            cpx_store(out, stride * 5 * q + i, a[0]);
            for (int r = 1; r < 5; r++)
                cpx_store(out, stride * (5 * q + r) + i, cpx_turn(a[r], twiddle[q][r - 1]));
        }
    }
}

/* The last pass: 25 transforms of length 8, so no twiddles remain. */
static void pass8(npu_f32x4 *out, const npu_f32x4 *in)
{
    const float h = 0.707106781186547524f; /* cos(pi / 4) */
    const float w1[2] = {h, -h}, w3[2] = {-h, -h};
    for (int i = 0; i < 25; i++) {
        struct cpx even[4], odd[4];
        for (int r = 0; r < 4; r++) {
            even[r] = cpx_load(in, 25 * 2 * r + i);
            odd[r] = cpx_load(in, 25 * (2 * r + 1) + i);
        }
        dft4(even);
        dft4(odd);
        odd[1] = cpx_turn(odd[1], w1);
        odd[3] = cpx_turn(odd[3], w3);
        cpx_store(out, i, cpx_add(even[0], odd[0]));
        cpx_store(out, i + 25, cpx_add(even[1], odd[1]));
        cpx_store(out, i + 50, cpx_sub_i(even[2], odd[2]));
        cpx_store(out, i + 75, cpx_add(even[3], odd[3]));
        cpx_store(out, i + 100, cpx_sub(even[0], odd[0]));
        cpx_store(out, i + 125, cpx_sub(even[1], odd[1]));
        cpx_store(out, i + 150, cpx_add_i(even[2], odd[2]));
        cpx_store(out, i + 175, cpx_sub(even[3], odd[3]));
    }
}

/* z[k] = E[k] + i O[k], the spectra of the even and the odd samples; X[k] = E[k] + w^k O[k] and
 * X[200 - k] = conj(E[k] - w^k O[k]), in place. */
static void split(const struct npu_fft *fft, npu_f32x4 *z)
{
    const npu_f32x4 zero = {0, 0, 0, 0};
    struct cpx z0 = cpx_load(z, 0);
    cpx_store(z, 0, (struct cpx){z0.re + z0.im, zero});
    cpx_store(z, 200, (struct cpx){z0.re - z0.im, zero});
    z[2 * 100 + 1] = -z[2 * 100 + 1];
    for (int k = 1; k < 100; k++) {
        struct cpx a = cpx_load(z, k), b = cpx_load(z, NPU_FFT_HALF - k);
        struct cpx even = {(a.re + b.re) * 0.5f, (a.im - b.im) * 0.5f};
        struct cpx odd = {(a.im + b.im) * 0.5f, (b.re - a.re) * 0.5f};
        odd = cpx_turn(odd, fft->split[k]);
        struct cpx low = cpx_add(even, odd), high = cpx_sub(even, odd);
        cpx_store(z, k, low);
        cpx_store(z, NPU_FFT_HALF - k, (struct cpx){high.re, -high.im});
    }
}

static void set_root(float w[2], int numerator, int denominator)
{
    double angle = -2 * PI * numerator / denominator;
    w[0] = (float)cos(angle);
    w[1] = (float)sin(angle);
}

void npu_fft_init(struct npu_fft *fft)
{
    for (int q = 0; q < 40; q++)
        for (int r = 1; r < 5; r++)
            set_root(fft->pass1[q][r - 1], q * r, 200);
    for (int q = 0; q < 8; q++)
        for (int r = 1; r < 5; r++)
            set_root(fft->pass2[q][r - 1], q * r, 40);
    for (int k = 0; k < 100; k++)
        set_root(fft->split[k], k, NPU_FFT_SIZE);
}

void npu_fft_run(const struct npu_fft *fft, npu_f32x4 *spectrum, npu_f32x4 *x)
{
    pass5(spectrum, x, 40, 1, fft->pass1);
    pass5(x, spectrum, 8, 5, fft->pass2);
    pass8(spectrum, x);
    split(fft, spectrum);
}
