/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_KERNELS_REF_GELU_INT_H
#define NPU_KERNELS_REF_GELU_INT_H
/* The GELU of gemm_int, whose results are about to become integers: 0.5 x (1 + erf(x / sqrt 2)) =
 * max(x, 0) - g(t), t = |x|, g(t) = t erfc(t / sqrt 2) / 2, a cubic in t for each third around
 * i / 3, i = 0 .. 15, fitted for least maximal error. t beyond 5.15 counts as 5.15, where g is
 * 1.3e-6. Tables of 16, because they fit a vector register of 512 bits or two of 256.
 * Error: absolute, at most NPU_GELU_INT_MAX_ERROR, and the roundings of the result; exactly 0 at 0.
 * The order of max and min below is that of the vector instructions, so NaN gives NaN and -0 gives
 * -0. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define NPU_GELU_INT_MAX_ERROR 6.0e-6

#define NPU_GELU_INT_LIMIT 5.15f
#define NPU_GELU_INT_SCALE 3.0f
#define NPU_GELU_INT_ROUND 0x1.8p23f /* added: the sum's low bits are an integer, 0 .. 15 */
#define NPU_GELU_INT_C3                                                                            \
    0.021134642884135246f, 0.08080391585826874f, 0.12522441148757935f, 0.12031581997871399f,       \
        0.08086961507797241f, 0.0340493842959404f, 0.0003733769408427179f, -0.014469870366156101f, \
        -0.015655407682061195f, -0.011079130694270134f, -0.00612702826038003f,                     \
        -0.0028029780369251966f, -0.0010888867545872927f, -0.00036443606950342655f,                \
        -0.0001060291615431197f, -2.7327832867740653e-05f
#define NPU_GELU_INT_C2                                                                           \
    -0.4009762406349182f, -0.4358135759830475f, -0.4985078275203705f, -0.4824877977371216f,       \
        -0.34270021319389343f, -0.13244903087615967f, 0.05125053972005844f, 0.14631222188472748f, \
        0.1544281244277954f, 0.11533591896295547f, 0.0683848187327385f, 0.03363146260380745f,     \
        0.01402648538351059f, 0.005026374477893114f, 0.0015608782414346933f,                      \
        0.0004277736588846892f
#define NPU_GELU_INT_C1                                                                           \
    0.500055730342865f, 0.5072614550590515f, 0.5372474193572998f, 0.5207188725471497f,            \
        0.355094850063324f, 0.03974447399377823f, -0.294717937707901f, -0.497820645570755f,       \
        -0.5161945223808289f, -0.4048246443271637f, -0.25637608766555786f, -0.13521511852741241f, \
        -0.06044880300760269f, -0.023169202730059624f, -0.00767414690926671f,                     \
        -0.002235282678157091f
#define NPU_GELU_INT_C0                                                                       \
    0.0f, -0.0005139115382917225f, -0.005382452625781298f, 0.00011028783046640456f,           \
        0.06571246683597565f, 0.22369082272052765f, 0.4269486963748932f, 0.5717166066169739f, \
        0.5854501724243164f, 0.4796365201473236f, 0.32311245799064636f, 0.1822591871023178f,  \
        0.087186798453331f, 0.03570181876420975f, 0.012603064998984337f, 0.003899481613188982f

static inline float npu_gelu_int_scalar(float x)
{
    static const float c3[16] = {NPU_GELU_INT_C3}, c2[16] = {NPU_GELU_INT_C2};
    static const float c1[16] = {NPU_GELU_INT_C1}, c0[16] = {NPU_GELU_INT_C0};
    float t = fabsf(x);
    t = t < NPU_GELU_INT_LIMIT ? t : NPU_GELU_INT_LIMIT;
    float sum = fmaf(t, NPU_GELU_INT_SCALE, NPU_GELU_INT_ROUND);
    uint32_t i;
    memcpy(&i, &sum, sizeof i);
    i &= 15;
    float g = fmaf(fmaf(fmaf(c3[i], t, c2[i]), t, c1[i]), t, c0[i]);
    float relu = 0.0f > x ? 0.0f : x;
    return relu - g;
}

#endif /* NPU_KERNELS_REF_GELU_INT_H */
