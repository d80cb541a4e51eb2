/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Vector registers: 128, 256, 512 or 1024 bits of 8, 16 or 32 bit integers. */
#include "types.hpp"

#include <cstring>

namespace aie
{

inline constexpr unsigned vector_decl_align = 32; /* bytes, of loads and stores on AIE2 */

namespace host
{
/* pack and unpack know 8 and 16 bits only; from 16 to 32 and back lanes go through accumulators. */
template <typename T> struct wider;
template <> struct wider<int8_t> {
    using type = int16_t;
};
template <> struct wider<uint8_t> {
    using type = uint16_t;
};
template <typename T> struct narrower;
template <> struct narrower<int16_t> {
    using type = int8_t;
};
template <> struct narrower<uint16_t> {
    using type = uint8_t;
};
} // namespace host

template <typename T, unsigned N> class vector
{
    static_assert(host::is_element<T>, "AIE2 vectors here hold 8, 16 or 32 bit integers");
    static_assert(sizeof(T) * N == 16 || sizeof(T) * N == 32 || sizeof(T) * N == 64 ||
                      sizeof(T) * N == 128,
                  "AIE2 vectors have 128, 256, 512 or 1024 bits");

  public:
    using value_type = T;

    static constexpr unsigned size()
    {
        return N;
    }
    static constexpr unsigned type_bits()
    {
        return 8 * sizeof(T);
    }
    static constexpr unsigned bits()
    {
        return N * type_bits();
    }
    static constexpr unsigned bytes()
    {
        return bits() / 8;
    }
    static constexpr bool is_signed()
    {
        return std::is_signed_v<T>;
    }

    vector() = default; /* undefined lanes, as a register */

    template <typename... Values>
    requires(sizeof...(Values) == N - 1) explicit vector(T first, Values... rest)
        : data{first, (T)rest...}
    {
    }

    T operator[](unsigned i) const
    {
        return get(i);
    }
    T &operator[](unsigned i)
    {
        AIE_REQUIRE(i < N);
        return data[i];
    }
    T get(unsigned i) const
    {
        AIE_REQUIRE(i < N);
        return data[i];
    }
    void set(T value, unsigned i)
    {
        AIE_REQUIRE(i < N);
        data[i] = value;
    }
    /* Shift all lanes up by one and put a value in lane 0. */
    vector &push(T value)
    {
        memmove(data + 1, data, sizeof data - sizeof(T));
        data[0] = value;
        return *this;
    }

    template <unsigned M> AIE_INLINE vector<T, M> extract(unsigned part) const
    {
        static_assert(M <= N);
        AIE_REQUIRE((part + 1) * M <= N);
        vector<T, M> out;
        memcpy(out.data, data + part * M, sizeof out.data);
        return out;
    }
    template <unsigned M> AIE_INLINE vector &insert(unsigned part, const vector<T, M> &v)
    {
        static_assert(M <= N);
        AIE_REQUIRE((part + 1) * M <= N);
        memcpy(data + part * M, v.data, sizeof v.data);
        return *this;
    }
    /* The lanes beyond the vector's own are undefined on the device; zero here. */
    template <unsigned M> AIE_INLINE vector<T, M> grow(unsigned part = 0) const
    {
        static_assert(M >= N);
        vector<T, M> out;
        memset(out.data, 0, sizeof out.data);
        out.insert(part, *this);
        return out;
    }
    template <unsigned M> AIE_INLINE vector<T, M> grow_replicate() const
    {
        static_assert(M >= N);
        vector<T, M> out;
        for (unsigned part = 0; part < M / N; part++)
            out.insert(part, *this);
        return out;
    }
    template <unsigned M> AIE_INLINE vector<T, M> grow_extract(unsigned part) const
    {
        if constexpr (M > N)
            return grow<M>();
        else
            return extract<M>(part);
    }
    template <typename U> AIE_INLINE auto cast_to() const
    {
        vector<U, N * sizeof(T) / sizeof(U)> out;
        memcpy(out.data, data, sizeof data);
        return out;
    }
    AIE_INLINE auto unpack() const
    {
        using U = typename host::wider<T>::type;
        vector<U, N> out;
        for (unsigned i = 0; i < N; i++)
            out.data[i] = (U)data[i];
        return out;
    }
    /* The lanes must fit: pack's result for others depends on modes that are not modelled. */
    AIE_INLINE auto pack() const
    {
        using U = typename host::narrower<T>::type;
        vector<U, N> out;
        for (unsigned i = 0; i < N; i++) {
            AIE_REQUIRE(data[i] == (T)(U)data[i]);
            out.data[i] = (U)data[i];
        }
        return out;
    }

    T data[N];
};

template <unsigned N, typename T> AIE_INLINE vector<T, N> load_v(const T *p)
{
    constexpr unsigned align =
        sizeof(T) * N < vector_decl_align ? sizeof(T) * N : vector_decl_align;
    AIE_REQUIRE((uintptr_t)p % align == 0);
    vector<T, N> out;
    memcpy(out.data, __builtin_assume_aligned(p, align), sizeof out.data);
    return out;
}

template <typename T, unsigned N> AIE_INLINE void store_v(T *p, const vector<T, N> &v)
{
    constexpr unsigned align =
        sizeof(T) * N < vector_decl_align ? sizeof(T) * N : vector_decl_align;
    AIE_REQUIRE((uintptr_t)p % align == 0);
    memcpy(__builtin_assume_aligned(p, align), v.data, sizeof v.data);
}

/* aligned: the alignment in elements that the caller promises. */
template <unsigned N, typename T>
AIE_INLINE vector<T, N> load_unaligned_v(const T *p, unsigned aligned = 1)
{
    AIE_REQUIRE((uintptr_t)p % (aligned * sizeof(T)) == 0);
    (void)aligned;
    vector<T, N> out;
    memcpy(out.data, p, sizeof out.data);
    return out;
}

template <typename T, unsigned N>
AIE_INLINE void store_unaligned_v(T *p, const vector<T, N> &v, unsigned aligned = 1)
{
    AIE_REQUIRE((uintptr_t)p % (aligned * sizeof(T)) == 0);
    (void)aligned;
    memcpy(p, v.data, sizeof v.data);
}

} // namespace aie
