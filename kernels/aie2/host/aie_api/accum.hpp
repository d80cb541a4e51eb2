/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Accumulators of 32 and 64 bit lanes, and the two conversions: UPS (vector to accumulator, shifted
 * left) and SRS (accumulator to vector: shifted right, rounded, saturated by the core's modes). */
#include "vector.hpp"

#include <limits>

namespace aie
{

namespace host
{

/* One lane of SRS: to 2^-shift, rounded. A negative shift (the hardware knows down to -4, the
 * lookups of aie_api use -4..-2) multiplies. */
template <rounding_mode mode> AIE_INLINE int64_t round_shift(int64_t a, int shift)
{
    if (shift <= 0)
        return (int64_t)((uint64_t)a << -shift);
    int64_t r = a >> shift;
    uint64_t rest = (uint64_t)a & (((uint64_t)1 << shift) - 1);
    uint64_t half = (uint64_t)1 << (shift - 1);
    bool up = false; /* r is the floor: from here up or not */
    if constexpr (mode == rounding_mode::ceil)
        up = rest != 0;
    else if constexpr (mode == rounding_mode::symmetric_floor)
        up = rest != 0 && a < 0;
    else if constexpr (mode == rounding_mode::symmetric_ceil)
        up = rest != 0 && a > 0;
    else if constexpr (mode == rounding_mode::negative_inf)
        up = rest > half;
    else if constexpr (mode == rounding_mode::positive_inf)
        up = rest >= half;
    else if constexpr (mode == rounding_mode::symmetric_zero)
        up = rest > half || (rest == half && a < 0);
    else if constexpr (mode == rounding_mode::symmetric_inf)
        up = rest > half || (rest == half && a > 0);
    else if constexpr (mode == rounding_mode::conv_even)
        up = rest + (uint64_t)(r & 1) > half; /* rest <= 2^63 - 1: no wrap */
    else if constexpr (mode == rounding_mode::conv_odd)
        up = rest + (uint64_t)(~r & 1) > half;
    return r + up;
}

template <typename T> AIE_INLINE T saturate(int64_t v, saturation_mode mode)
{
    if (mode == saturation_mode::none)
        return (T)v;
    constexpr int64_t hi = std::numeric_limits<T>::max();
    int64_t lo = std::numeric_limits<T>::min();
    if (mode == saturation_mode::symmetric && std::is_signed_v<T>)
        lo = -hi;
    return (T)(v < lo ? lo : v > hi ? hi : v);
}

template <rounding_mode mode, typename T, typename L>
inline void srs_lanes(T *out, const L *in, unsigned n, int shift)
{
    saturation_mode saturation = current.saturation;
    for (unsigned i = 0; i < n; i++)
        out[i] = saturate<T>(round_shift<mode>(in[i], shift), saturation);
}

template <typename T, typename L> inline void srs(T *out, const L *in, unsigned n, int shift)
{
    AIE_REQUIRE(shift >= -4 && shift <= 63);
    switch (current.rounding) {
    case rounding_mode::floor:
        break;
    case rounding_mode::ceil:
        return srs_lanes<rounding_mode::ceil>(out, in, n, shift);
    case rounding_mode::symmetric_floor:
        return srs_lanes<rounding_mode::symmetric_floor>(out, in, n, shift);
    case rounding_mode::symmetric_ceil:
        return srs_lanes<rounding_mode::symmetric_ceil>(out, in, n, shift);
    case rounding_mode::negative_inf:
        return srs_lanes<rounding_mode::negative_inf>(out, in, n, shift);
    case rounding_mode::positive_inf:
        return srs_lanes<rounding_mode::positive_inf>(out, in, n, shift);
    case rounding_mode::symmetric_zero:
        return srs_lanes<rounding_mode::symmetric_zero>(out, in, n, shift);
    case rounding_mode::symmetric_inf:
        return srs_lanes<rounding_mode::symmetric_inf>(out, in, n, shift);
    case rounding_mode::conv_even:
        return srs_lanes<rounding_mode::conv_even>(out, in, n, shift);
    case rounding_mode::conv_odd:
        return srs_lanes<rounding_mode::conv_odd>(out, in, n, shift);
    }
    srs_lanes<rounding_mode::floor>(out, in, n, shift);
}

} // namespace host

template <typename Tag, unsigned N> class accum
{
  public:
    using value_type = Tag;
    using lane_type = host::lane<Tag>;

  private:
    static_assert(sizeof(lane_type) * N == 32 || sizeof(lane_type) * N == 64 ||
                      sizeof(lane_type) * N == 128 || sizeof(lane_type) * N == 256 ||
                      sizeof(lane_type) * N == 512,
                  "AIE2 accumulators have 256, 512 or 1024 bits, or are a few of 1024");

  public:
    static constexpr unsigned size()
    {
        return N;
    }
    static constexpr unsigned accum_bits()
    {
        return 8 * sizeof(lane_type);
    }
    static constexpr unsigned bits()
    {
        return N * accum_bits();
    }

    accum() = default;
    template <typename T> explicit accum(const vector<T, N> &v, int shift = 0)
    {
        from_vector(v, shift);
    }

    /* UPS. AIE2 has it for 8 and 16 bit lanes into both, for 32 bit into acc64; 32 bit into acc32
     * is a register move without a shift. The value must fit. */
    template <typename T> AIE_INLINE void from_vector(const vector<T, N> &v, int shift = 0)
    {
        AIE_REQUIRE(shift >= 0 && shift < (int)accum_bits());
        AIE_REQUIRE(!(sizeof(T) == 4 && accum_bits() == 32) || shift == 0);
        using U = std::make_unsigned_t<lane_type>;
        for (unsigned i = 0; i < N; i++) {
            data[i] = (lane_type)((U)(lane_type)v.data[i] << shift);
            AIE_REQUIRE(shift == 0 || data[i] >> shift == (lane_type)v.data[i]);
        }
    }

    /* SRS. acc32 to 8 and 16 bit, acc64 to 16 and 32 bit; acc32 to 32 bit is a register move
     * without a shift. (The real library also has 8 bit from acc64, by way of 16 bit and pack.) */
    template <typename T> AIE_INLINE vector<T, N> to_vector(int shift = 0) const
    {
        static_assert(sizeof(T) > 1 || sizeof(lane_type) == 4, "go by 16 bit and pack");
        vector<T, N> out;
        if constexpr (sizeof(T) == 4 && sizeof(lane_type) == 4) {
            AIE_REQUIRE(shift == 0);
            (void)shift;
            memcpy(out.data, data, sizeof out.data);
        } else {
            host::srs(out.data, data, N, shift);
        }
        return out;
    }

    template <unsigned M> AIE_INLINE accum<Tag, M> extract(unsigned part) const
    {
        static_assert(M <= N);
        AIE_REQUIRE((part + 1) * M <= N);
        accum<Tag, M> out;
        memcpy(out.data, data + part * M, sizeof out.data);
        return out;
    }
    template <unsigned M> AIE_INLINE accum &insert(unsigned part, const accum<Tag, M> &a)
    {
        static_assert(M <= N);
        AIE_REQUIRE((part + 1) * M <= N);
        memcpy(data + part * M, a.data, sizeof a.data);
        return *this;
    }
    template <unsigned M> AIE_INLINE accum<Tag, M> grow() const
    {
        static_assert(M >= N);
        accum<Tag, M> out;
        memset(out.data, 0, sizeof out.data);
        out.insert(0, *this);
        return out;
    }
    /* The same bits as other lanes: 16 x acc64 are 32 x acc32, low half first. */
    template <typename Tag2> AIE_INLINE auto cast_to() const
    {
        accum<Tag2, N * sizeof(lane_type) / sizeof(host::lane<Tag2>)> out;
        memcpy(out.data, data, sizeof data);
        return out;
    }

    lane_type data[N];
};

} // namespace aie
