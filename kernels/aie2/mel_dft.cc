/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The transform of 16 frames: constants of 32 bit times samples of 16, sums in acc64. */
#include "kernels/aie2/mel.hpp"

using product = aie::mmul<4, 4, 4, int32_t, int16_t, acc64>;

/* 8 samples of four frames at a time, turned over: even n apart from odd n. */
extern "C" void npu_logmel_begin(const int16_t *x, int16_t *blocks)
{
    int16_t *even = blocks, *odd = blocks + MEL_STEPS * MEL_STEP;
    for (unsigned step = 0; step < MEL_STEPS; step++, x += 8) {
        NPU_LOOP_AT_LEAST(4)
        for (unsigned block = 0; block < 4; block++) {
            const int16_t *frame = x + block * 4 * MEL_HOP;
            auto v = aie::concat(aie::load_v<8>(frame), aie::load_v<8>(frame + MEL_HOP),
                                 aie::load_v<8>(frame + 2 * MEL_HOP),
                                 aie::load_v<8>(frame + 3 * MEL_HOP));
            auto turned = aie::transpose(v, 4, 8);
            aie::store_v(even, aie::filter_even(turned, 4));
            aie::store_v(odd, aie::filter_odd(turned, 4));
            even += 16;
            odd += 16;
        }
    }
}

/* Four blocks of 4 bins x 4 frames as 4 bins x 16 frames. */
static inline void store_bins(int32_t *to, const mel_lanes &f0, const mel_lanes &f4,
                              const mel_lanes &f8, const mel_lanes &f12)
{
    auto [low01, low23] = aie::interleave_zip(f0, f4, 4);
    auto [high01, high23] = aie::interleave_zip(f8, f12, 4);
    auto [bin0, bin1] = aie::interleave_zip(low01, high01, 8);
    auto [bin2, bin3] = aie::interleave_zip(low23, high23, 8);
    aie::store_v(to, bin0);
    aie::store_v(to + 16, bin1);
    aie::store_v(to + 32, bin2);
    aie::store_v(to + 48, bin3);
}

/* The sums of even n wait in `bins` as acc64, which takes just the place of the results. */
static inline void combine(int32_t *bins, const product *odd, bool imaginary)
{
    constexpr int shift = 22;
    mel_lanes plus[4], minus[4];
    for (unsigned i = 0; i < 4; i++) {
        mel_acc even = npu_core_load_acc64(bins + 32 * i), sum = odd[i].to_accum();
        plus[i] = aie::add(even, sum).to_vector<int32_t>(shift);
        minus[i] =
            (imaginary ? aie::sub(sum, even) : aie::sub(even, sum)).to_vector<int32_t>(shift);
    }
    store_bins(bins, plus[0], plus[1], plus[2], plus[3]);
    store_bins(bins + MEL_BINS_4, minus[0], minus[1], minus[2], minus[3]);
}

extern "C" void npu_logmel_dft(const int32_t *c, const int16_t *blocks, int32_t *spectrum,
                               int32_t object)
{
    int32_t *bins = spectrum + (object >> 1) * MEL_PART;
    const int16_t *__restrict b = blocks + (object & 1) * MEL_STEPS * MEL_STEP;
    const int32_t *__restrict a = c;
    product sums[4];
    npu_core_set_modes();
    NPU_LOOP_AT_LEAST(50)
    for (unsigned step = 0; step < MEL_STEPS; step++) {
        auto constants = aie::load_v<16>(a);
        sums[0].mac(constants, aie::load_v<16>(b));
        sums[1].mac(constants, aie::load_v<16>(b + 16));
        sums[2].mac(constants, aie::load_v<16>(b + 32));
        sums[3].mac(constants, aie::load_v<16>(b + 48));
        a += 16;
        b += MEL_STEP;
    }
    if (object & 1) {
        combine(bins, sums, object & 2);
        return;
    }
    for (unsigned i = 0; i < 4; i++)
        npu_core_store_acc64(bins + 32 * i, sums[i].to_accum());
}
