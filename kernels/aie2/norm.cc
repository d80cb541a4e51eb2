/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fixed_norm: sums and extremes in one pass over the row, centred values and their squares in a
 * second, the result in a third; between them about a dozen scalar products of 64 bit. */
#include "kernels/aie2/core.hpp"
#include "kernels/ref/fixed_rsqrt.h"

static inline int bit_length(uint64_t v)
{
    uint32_t high = (uint32_t)(v >> 32), low = (uint32_t)v;
    return high ? 64 - __builtin_clz(high) : low ? 32 - __builtin_clz(low) : 0;
}

/* The 16 lanes added up. */
static inline int64_t total(const aie::accum<acc64, 16> &acc)
{
    alignas(aie::vector_decl_align) int32_t words[32];
    int64_t sum = 0;
    aie::store_v(words, acc.cast_to<acc32>().to_vector<int32_t>());
    for (unsigned i = 0; i < 32; i += 2)
        sum += (int64_t)((uint64_t)(uint32_t)words[i + 1] << 32 | (uint32_t)words[i]);
    return sum;
}

/* The mean, and in *magnitude the largest distance from it. */
static inline int32_t mean_of(const npu_core_job *job, const int32_t *__restrict x, int32_t d,
                              uint32_t *magnitude)
{
    aie::accum<acc64, 16> sums = aie::zeros<acc64, 16>();
    aie::vector<int32_t, 16> least = aie::load_v<16>(x), most = least;
    NPU_LOOP_AT_LEAST(4)
    for (int32_t i = 0; i < d; i += 16) {
        aie::vector<int32_t, 16> v = aie::load_v<16>(x + i);
        sums = aie::add(sums, v);
        least = aie::min(least, v);
        most = aie::max(most, v);
    }
    int64_t sum = total(sums), hi = sum >> 16, lo = sum & 65535, inv_d = job->u.norm.inv_d;
    int32_t mean = (int32_t)((hi * inv_d + ((lo * inv_d + ((int64_t)1 << 39)) >> 16)) >> 24);
    int32_t above = aie::reduce_max(most) - mean, below = mean - aie::reduce_min(least);
    *magnitude = (uint32_t)(above > below ? above : below);
    return mean;
}

/* y = the centred values in 16 bits, 2^e times smaller; returns the sum of their squares. */
static inline int64_t centre(const int32_t *__restrict x, int16_t *__restrict y, int32_t d,
                             int32_t mean, int e)
{
    aie::accum<acc64, 16> squares = aie::zeros<acc64, 16>();
    NPU_LOOP_AT_LEAST(4)
    for (int32_t i = 0; i < d; i += 16) {
        aie::accum<acc64, 16> c(aie::sub(aie::load_v<16>(x + i), mean));
        aie::vector<int16_t, 16> c16 = c.to_vector<int16_t>(e);
        squares = aie::mac(squares, c16, c16);
        aie::store_v(y + i, c16);
    }
    return total(squares);
}

/* 15 bits of sqrt(d) / sqrt(squares) in *factor; returns the shift that belongs to them. */
static inline int scale_of(int64_t squares, int64_t sqrt_d, int16_t *factor)
{
    constexpr int64_t three = (int64_t)3 << 28; /* two Newton steps of 1 / sqrt */
    int k = (32 - bit_length((uint64_t)squares)) & ~1;
    int64_t q = k >= 0 ? squares << k : squares >> -k;
    int64_t y0 = npu_fixed_rsqrt[(q >> 24) - 64];
    int64_t y1 = (y0 * (three - ((y0 * y0 * q) >> 32))) >> 16;
    int64_t y2 = (y1 * (three - ((((y1 * y1) >> 26) * q) >> 32))) >> 29;
    int64_t r = y2 * sqrt_d;
    int bits = bit_length((uint64_t)r);
    int64_t top = (r + ((int64_t)1 << (bits - 16))) >> (bits - 15);
    *factor = (int16_t)(top > 32767 ? 32767 : top);
    return 53 - k / 2 - (bits - 15);
}

/* In place: y = c16 * factor [* mult] at the shift. */
static inline void scale_row(int16_t *y, const int16_t *__restrict mult, int32_t d, int16_t factor,
                             int shift)
{
    NPU_LOOP_AT_LEAST(4)
    for (int32_t i = 0; i < d; i += 16) {
        aie::accum<acc32, 16> t = aie::mul<acc32>(aie::load_v<16>(y + i), factor);
        aie::accum<acc64, 16> v =
            aie::mul<acc64>(t.to_vector<int32_t>(), aie::load_v<16>(mult + i));
        aie::store_v(y + i, v.to_vector<int16_t>(shift));
    }
}

static inline void scale_final(int16_t *y, int32_t d, int16_t factor, int shift)
{
    NPU_LOOP_AT_LEAST(4)
    for (int32_t i = 0; i < d; i += 16)
        aie::store_v(y + i,
                     aie::mul<acc32>(aie::load_v<16>(y + i), factor).to_vector<int16_t>(shift));
}

extern "C" void npu_norm_s32s16(const int32_t *words, const int32_t *x, int16_t *y, int32_t rows)
{
    const npu_core_job *job = npu_core_job_of(words);
    int32_t d = job->d;
    npu_core_set_modes();
    for (int32_t row = 0; row < rows; row++, x += d, y += d) {
        uint32_t magnitude;
        int32_t mean = mean_of(job, x, d, &magnitude);
        int e = bit_length(magnitude) - 15;
        e = e > 0 ? e : 0;
        int64_t squares = centre(x, y, d, mean, e) + (job->u.norm.eps >> (2 * e));
        int16_t factor;
        int shift = scale_of(squares > 1 ? squares : 1, job->u.norm.sqrt_d, &factor);
        if (job->final)
            scale_final(y, d, factor, shift - job->shift);
        else
            scale_row(y, job->table, d, factor, shift + job->shift);
    }
}
