/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Stand-in for the part of AMD's aie_api that kernels/aie2 uses: the types of an AIE2 core and the
 * two modes that its conversions obey. Names, template parameters and results are the real
 * library's for AIE2 (architecture 20); what AIE2 lacks does not compile here either. Integers
 * only. */
#include <cassert>
#include <cstdint>
#include <type_traits>

/* Preconditions of the real library; checked where asserts are. */
#define AIE_REQUIRE(condition) assert(condition)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define AIE_INLINE inline /* their checks in everything inlined take minutes to compile */
#else
#define AIE_INLINE inline __attribute__((always_inline))
#endif

/* Tags of accumulator lanes, global as in the real library. */
struct acc32 {
};
struct acc64 {
};
struct accauto {
};

namespace aie
{

/* Numbers of the control register, AM020 and the compiler's header. */
enum class rounding_mode : unsigned {
    floor = 0,
    ceil = 1,
    symmetric_floor = 2, /* toward zero */
    symmetric_ceil = 3,  /* away from zero */
    negative_inf = 8,    /* nearest, ties to minus infinity; the next five likewise */
    positive_inf = 9,
    symmetric_zero = 10,
    symmetric_inf = 11,
    conv_even = 12,
    conv_odd = 13,
};

enum class saturation_mode : unsigned {
    none = 0,      /* keeps the low bits */
    saturate = 1,  /* to [-2^(n-1), 2^(n-1) - 1], unsigned [0, 2^n - 1] */
    symmetric = 3, /* to [-(2^(n-1) - 1), 2^(n-1) - 1], unsigned as saturate */
};

namespace host
{

/* The modes of the core that this thread plays. After reset, as on the device: floor, none. */
struct modes {
    rounding_mode rounding = rounding_mode::floor;
    saturation_mode saturation = saturation_mode::none;
};

inline thread_local modes current;

template <typename T>
inline constexpr bool is_element =
    std::is_same_v<T, int8_t> || std::is_same_v<T, uint8_t> || std::is_same_v<T, int16_t> ||
    std::is_same_v<T, uint16_t> || std::is_same_v<T, int32_t> || std::is_same_v<T, uint32_t>;

template <typename Tag> struct lane_of;
template <> struct lane_of<acc32> {
    using type = int32_t;
};
template <> struct lane_of<acc64> {
    using type = int64_t;
};
template <typename Tag> using lane = typename lane_of<Tag>::type;

/* Lane arithmetic wraps on the device; signed overflow would be undefined here. */
template <typename T> AIE_INLINE constexpr T wrap_add(T a, T b)
{
    using U = std::make_unsigned_t<T>;
    return (T)(U)((U)a + (U)b);
}
template <typename T> AIE_INLINE constexpr T wrap_sub(T a, T b)
{
    using U = std::make_unsigned_t<T>;
    return (T)(U)((U)a - (U)b);
}

} // namespace host

inline void set_rounding(rounding_mode mode)
{
    host::current.rounding = mode;
}
inline rounding_mode get_rounding()
{
    return host::current.rounding;
}
inline rounding_mode swap_rounding(rounding_mode mode)
{
    rounding_mode old = get_rounding();
    set_rounding(mode);
    return old;
}
inline void set_saturation(saturation_mode mode)
{
    host::current.saturation = mode;
}
inline saturation_mode get_saturation()
{
    return host::current.saturation;
}
inline saturation_mode swap_saturation(saturation_mode mode)
{
    saturation_mode old = get_saturation();
    set_saturation(mode);
    return old;
}

} // namespace aie
