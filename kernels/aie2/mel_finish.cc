/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Power, block exponent, triangles and logarithm of 16 frames; the window's clamp. Rounding is
 * floor and SRS keeps the low bits here: both are what the formulas ask for. */
#include "kernels/aie2/mel.hpp"

static constexpr int limb_bits = 18; /* of a power's low half */
static constexpr int32_t limb_mask = (1 << limb_bits) - 1;
static constexpr int norm_bits = 26; /* from 62 bits to 36 */

static inline void set_exact_modes()
{
    aie::set_rounding(aie::rounding_mode::floor);
    aie::set_saturation(aie::saturation_mode::none);
}

/* Calls f(re, im) for every group of 16 x (re, im), pads and duplicates too. */
template <typename F> static inline void each_bin(int32_t *spectrum, F f)
{
    for (unsigned group = 0; group < MEL_GROUPS; group++, spectrum += MEL_GROUP) {
        NPU_LOOP_AT_LEAST(8)
        for (unsigned i = 0; i < MEL_PART; i += 16)
            f(spectrum + i, spectrum + MEL_PART + i);
    }
}

static inline mel_acc power_of(const mel_lanes &re, const mel_lanes &im)
{
    return aie::mac(aie::mul<acc64>(re, re), im, im);
}

/* e = max(0, bits of the largest power - 36) of each frame; powers below 2^31 need none. */
static inline mel_lanes exponents(int32_t *spectrum)
{
    mel_lanes most = aie::zeros<int32_t, 16>();
    each_bin(spectrum, [&most](int32_t *re, int32_t *im) {
        mel_acc power = power_of(aie::load_v<16>(re), aie::load_v<16>(im));
        most = aie::max(most, power.to_vector<int32_t>(31));
    });
    alignas(aie::vector_decl_align) int32_t e[16];
    aie::store_v(e, most);
    for (unsigned i = 0; i < 16; i++) {
        int bits = e[i] ? 32 - __builtin_clz((uint32_t)e[i]) : 0;
        e[i] = bits > 5 ? bits - 5 : 0;
    }
    return aie::load_v<16>(e);
}

/* Every (re, im) becomes the two limbs of the frame's scaled power. Lanes differ in e, but SRS has
 * one shift for all: re and im are first multiplied by 2^a, a = (26 - e) / 2 rounded down, |re|,
 * |im| < 2^31 still; then the power's shift is 26 - e % 2. */
static inline void scale_powers(int32_t *spectrum, const mel_lanes &exponent)
{
    alignas(aie::vector_decl_align) int32_t e[16];
    alignas(aie::vector_decl_align) int16_t factors[16];
    alignas(aie::vector_decl_align) int32_t halves[16];
    uint32_t odds = 0;
    aie::store_v(e, exponent);
    for (unsigned i = 0; i < 16; i++) {
        factors[i] = (int16_t)(1 << ((norm_bits - e[i]) >> 1));
        halves[i] = 1 << (norm_bits - 1 - (e[i] & 1));
        odds |= (uint32_t)(e[i] & 1) << i;
    }
    const auto factor = aie::load_v<16>(factors);
    const mel_lanes half = aie::load_v<16>(halves);
    const auto odd = aie::mask<16>::from_uint32(odds);
    each_bin(spectrum, [&](int32_t *re, int32_t *im) {
        mel_lanes x = aie::mul<acc64>(aie::load_v<16>(re), factor).to_vector<int32_t>(0);
        mel_lanes y = aie::mul<acc64>(aie::load_v<16>(im), factor).to_vector<int32_t>(0);
        mel_acc power = aie::add(power_of(x, y), half);
        mel_lanes low = aie::select(power.to_vector<int32_t>(norm_bits),
                                    power.to_vector<int32_t>(norm_bits - 1), odd);
        mel_lanes high = aie::select(power.to_vector<int32_t>(norm_bits + limb_bits),
                                     power.to_vector<int32_t>(norm_bits + limb_bits - 1), odd);
        aie::store_v(re, high);
        aie::store_v(im, aie::bit_and(limb_mask, low));
    });
}

/* A triangle's sums of high and low limbs. */
struct triangle {
    mel_acc high = aie::zeros<acc64, 16>(), low = aie::zeros<acc64, 16>();

    void add(const mel_lanes &power_high, const mel_lanes &power_low, int16_t weight)
    {
        high = aie::mac(high, power_high, weight);
        low = aie::mac(low, power_low, weight);
    }
};

class logarithm
{
    using table = aie::lut<4, int16_t>;
    static constexpr int half_bits = 27; /* a sum, below 2^54, is taken in two halves */

  public:
    logarithm(const npu_core_mel *mel_job, const mel_lanes &exponent)
        : lookup(table(257, mel_job->log_ab, mel_job->log_cd)), job(mel_job),
          octaves(aie::sub(exponent, 2 * mel_job->gain))
    {
    }

    /* y of triangle j. */
    aie::vector<int16_t, 16> of(const triangle &sum, unsigned j)
    {
        constexpr int32_t log10_2 = 10100891; /* rint(log10(2) / 4 * 2^27) */
        mel_lanes bits, top = normalise(sum, &bits);
        auto empty = aie::eq(top, (int32_t)0);
        mel_acc scaled = aie::mul<acc64>(log2(top, bits, j), log10_2);
        scaled = aie::add(scaled, aie::broadcast<int32_t, 16>(1 << 29));
        mel_lanes y = aie::add(scaled.to_vector<int32_t>(30), (int32_t)8192);
        y = aie::max(aie::select(y, least, empty), least);
        return mel_acc(y).to_vector<int16_t>(0);
    }

  private:
    static constexpr int32_t least = -12288;

    /* 27 bits from the sum's first one on, 0 for an empty sum; *bits = bits of the sum - 1. */
    static mel_lanes normalise(const triangle &sum, mel_lanes *bits)
    {
        constexpr int32_t nine = (1 << (half_bits - limb_bits)) - 1;
        mel_acc upper = aie::add(sum.high, sum.low.to_vector<int32_t>(limb_bits));
        mel_lanes low = aie::bit_and(limb_mask, sum.low.to_vector<int32_t>(0));
        mel_lanes top = upper.to_vector<int32_t>(half_bits - limb_bits);
        mel_lanes rest = aie::bit_and(nine, upper.to_vector<int32_t>(0));
        rest = aie::add(aie::upshift(rest, limb_bits), low);

        auto small = aie::eq(top, (int32_t)0);
        top = aie::select(top, rest, small);
        rest = aie::select(rest, (int32_t)0, small);
        *bits = aie::select(aie::broadcast<int32_t, 16>(2 * half_bits - 1), half_bits - 1, small);
        lift<16>(&top, &rest, bits), lift<8>(&top, &rest, bits), lift<4>(&top, &rest, bits);
        lift<2>(&top, &rest, bits), lift<1>(&top, &rest, bits);
        return top;
    }

    /* Both halves up by n bits where the first n are zero. */
    template <int n> static void lift(mel_lanes *top, mel_lanes *rest, mel_lanes *bits)
    {
        constexpr int32_t below = 1 << (half_bits - n);
        auto room = aie::lt(*top, below);
        mel_lanes lifted = aie::add(aie::upshift(*top, n), aie::downshift(*rest, half_bits - n));
        mel_lanes left = aie::upshift(aie::bit_and(below - 1, *rest), n);
        *top = aie::select(*top, lifted, room);
        *rest = aie::select(*rest, left, room);
        *bits = aie::select(*bits, aie::sub(*bits, (int32_t)n), room);
    }

    /* l of the contract. Of the 23 bits after the first one 8 are the index, 8 interpolate. */
    mel_lanes log2(const mel_lanes &top, const mel_lanes &bits, unsigned j)
    {
        mel_lanes mantissa = aie::sub(top, (int32_t)(1 << (half_bits - 1)));
        auto index = mel_acc(mantissa).to_vector<int16_t>(18);
        auto fraction =
            mel_acc(aie::bit_and((int32_t)((1 << 18) - 1), mantissa)).to_vector<int16_t>(10);
        auto here = lookup.fetch(index), next = lookup.fetch(aie::add(index, (int16_t)1));
        auto slope = aie::add(aie::sub(next, here), (int16_t)256);
        aie::accum<acc32, 16> part = aie::mul<acc32>(slope, fraction);
        part = aie::add(part, aie::broadcast<int16_t, 16>(128));
        mel_acc l(aie::add(bits, octaves), 16);
        l = aie::mac(aie::add(l, here), index, (int16_t)256);
        l = aie::add(l, part.to_vector<int16_t>(8));
        return aie::add(l, aie::broadcast<int32_t, 16>(job->offset[j])).to_vector<int32_t>(0);
    }

    aie::parallel_lookup<int16_t, table, aie::lut_oor_policy::saturate> lookup;
    const npu_core_mel *job;
    mel_lanes octaves; /* what the frame's exponent and the window's gain add to log2 */
};

/* 16 mels x 16 frames to 16 frames x 16 mels: four times every second lane of the other half. */
static inline void store_mels(int16_t *y, unsigned n_mels, const int16_t *tile)
{
    aie::vector<int16_t, 16> row[16], next[16];
    for (unsigned i = 0; i < 16; i++)
        row[i] = aie::load_v<16>(tile + 16 * i);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 8; i++) {
            auto [first, second] = aie::interleave_zip(row[i], row[i + 8], 1);
            next[2 * i] = first;
            next[2 * i + 1] = second;
        }
        for (unsigned i = 0; i < 16; i++)
            row[i] = next[i];
    }
    for (unsigned i = 0; i < 16; i++)
        aie::store_v(y + i * n_mels, row[i]);
}

/* The triangles' values in order, 16 at a time to y. */
class results
{
  public:
    results(const npu_core_mel *mel_job, const mel_lanes &exponent, int16_t *to)
        : log(mel_job, exponent), n_mels((unsigned)mel_job->n_mels), y(to)
    {
    }
    void push(const triangle &sum)
    {
        aie::store_v(tile + 16 * (j % 16), log.of(sum, j));
        if (++j % 16 == 0)
            store_mels(y + j - 16, n_mels, tile);
    }
    bool full() const
    {
        return j == n_mels;
    }

  private:
    logarithm log;
    unsigned n_mels, j = 0;
    int16_t *y;
    alignas(aie::vector_decl_align) int16_t tile[256];
};

extern "C" void npu_logmel_finish(const int32_t *words, int32_t *spectrum, int16_t *y)
{
    const npu_core_mel *job = npu_core_mel_of(words);
    set_exact_modes();
    mel_lanes exponent = exponents(spectrum);
    scale_powers(spectrum, exponent);
    results out(job, exponent, y);
    triangle falling, rising; /* filter - 1, filter */
    unsigned filter = 0;
    for (unsigned k = 0; k < MEL_BINS; k++) {
        for (; filter < job->filter[k]; filter++) {
            if (filter > 0)
                out.push(falling);
            falling = rising;
            rising = triangle();
        }
        const int32_t *at = spectrum + mel_bin_at(k);
        mel_lanes high = aie::load_v<16>(at), low = aie::load_v<16>(at + MEL_PART);
        rising.add(high, low, job->rise[k]);
        falling.add(high, low, job->fall[k]);
    }
    for (; !out.full(); filter++) {
        if (filter > 0)
            out.push(falling);
        falling = rising;
        rising = triangle();
    }
    npu_core_set_modes();
}

extern "C" void npu_logmel_clamp(const int32_t *job, const int16_t *y, int16_t *out)
{
    int16_t floor = (int16_t)npu_core_mel_of(job)->floor;
    unsigned n = NPU_MEL_PASS * (unsigned)npu_core_mel_of(job)->n_mels;
    npu_core_set_modes();
    NPU_LOOP_AT_LEAST(40)
    for (unsigned i = 0; i < n; i += 32)
        aie::store_v(out + i, aie::max(aie::load_v<32>(y + i), floor));
}
