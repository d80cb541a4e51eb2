/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Element by element, reductions, products of vectors, and what moves lanes. */
#include "accum.hpp"

#include <tuple>
#include <utility>

namespace aie
{

/* One bit a lane, lane 0 lowest. */
template <unsigned N> class mask
{
    static_assert(N <= 64);

  public:
    static constexpr unsigned size()
    {
        return N;
    }
    bool test(unsigned i) const
    {
        AIE_REQUIRE(i < N);
        return lanes[i];
    }
    void set(unsigned i)
    {
        AIE_REQUIRE(i < N);
        lanes[i] = true;
    }
    unsigned count() const
    {
        unsigned n = 0;
        for (unsigned i = 0; i < N; i++)
            n += lanes[i];
        return n;
    }
    bool empty() const
    {
        return count() == 0;
    }
    bool full() const
    {
        return count() == N;
    }
    static mask from_uint64(uint64_t bits)
    {
        mask out;
        for (unsigned i = 0; i < N; i++)
            out.lanes[i] = bits >> i & 1;
        return out;
    }
    static mask from_uint32(uint32_t bits)
    {
        return from_uint64(bits);
    }
    uint64_t to_uint64() const
    {
        uint64_t bits = 0;
        for (unsigned i = 0; i < N; i++)
            bits |= (uint64_t)lanes[i] << i;
        return bits;
    }
    mask operator~() const
    {
        mask out;
        for (unsigned i = 0; i < N; i++)
            out.lanes[i] = !lanes[i];
        return out;
    }
    mask operator&(const mask &other) const
    {
        mask out;
        for (unsigned i = 0; i < N; i++)
            out.lanes[i] = lanes[i] & other.lanes[i];
        return out;
    }
    mask operator|(const mask &other) const
    {
        mask out;
        for (unsigned i = 0; i < N; i++)
            out.lanes[i] = lanes[i] | other.lanes[i];
        return out;
    }

    bool lanes[N] = {};
};

template <typename T, unsigned N> AIE_INLINE vector<T, N> broadcast(T value)
{
    vector<T, N> out;
    for (unsigned i = 0; i < N; i++)
        out.data[i] = value;
    return out;
}

/* Of a vector (element type) or an accumulator (tag). */
template <typename T, unsigned N> AIE_INLINE auto zeros()
{
    if constexpr (host::is_element<T>) {
        return broadcast<T, N>(0);
    } else {
        accum<T, N> out;
        memset(out.data, 0, sizeof out.data);
        return out;
    }
}

namespace host
{
template <typename T, unsigned N, typename F>
AIE_INLINE vector<T, N> map(const vector<T, N> &a, const vector<T, N> &b, F f)
{
    vector<T, N> out;
    for (unsigned i = 0; i < N; i++)
        out.data[i] = f(a.data[i], b.data[i]);
    return out;
}
template <typename T, unsigned N, typename F>
AIE_INLINE mask<N> test(const vector<T, N> &a, const vector<T, N> &b, F f)
{
    mask<N> out;
    for (unsigned i = 0; i < N; i++)
        out.lanes[i] = f(a.data[i], b.data[i]);
    return out;
}
} // namespace host

/* Two vectors, or a vector and a value on either side. */
#define AIE_BINARY(name, result, function)                                         \
    template <typename T, unsigned N>                                              \
    AIE_INLINE result<T, N> name(const vector<T, N> &a, const vector<T, N> &b)     \
    {                                                                              \
        return function;                                                           \
    }                                                                              \
    template <typename T, unsigned N>                                              \
    AIE_INLINE result<T, N> name(const vector<T, N> &a, std::type_identity_t<T> b) \
    {                                                                              \
        return name(a, broadcast<T, N>(b));                                        \
    }                                                                              \
    template <typename T, unsigned N>                                              \
    AIE_INLINE result<T, N> name(std::type_identity_t<T> a, const vector<T, N> &b) \
    {                                                                              \
        return name(broadcast<T, N>(a), b);                                        \
    }
#define AIE_MAP(name, expression) \
    AIE_BINARY(name, vector, (host::map(a, b, [](T x, T y) { return (T)(expression); })))
template <typename T, unsigned N> using mask_of = mask<N>;
#define AIE_TEST(name, expression) \
    AIE_BINARY(name, mask_of, (host::test(a, b, [](T x, T y) { return expression; })))

AIE_MAP(add, host::wrap_add(x, y))
AIE_MAP(sub, host::wrap_sub(x, y))
AIE_MAP(max, x > y ? x : y)
AIE_MAP(min, x < y ? x : y)
AIE_MAP(bit_and, x &y)
AIE_MAP(bit_or, x | y)
AIE_MAP(bit_xor, x ^ y)
AIE_TEST(lt, x < y)
AIE_TEST(le, x <= y)
AIE_TEST(gt, x > y)
AIE_TEST(ge, x >= y)
AIE_TEST(eq, x == y)
AIE_TEST(neq, x != y)

#undef AIE_TEST
#undef AIE_MAP
#undef AIE_BINARY

template <typename T, unsigned N> AIE_INLINE vector<T, N> neg(const vector<T, N> &v)
{
    return sub(broadcast<T, N>(0), v);
}
template <typename T, unsigned N> AIE_INLINE vector<T, N> abs(const vector<T, N> &v)
{
    return max(v, neg(v)); /* the least value stays itself */
}

/* Lane of b where the mask is set, else of a. */
template <typename T, unsigned N>
AIE_INLINE vector<T, N> select(const vector<T, N> &a, const vector<T, N> &b, const mask<N> &m)
{
    vector<T, N> out;
    for (unsigned i = 0; i < N; i++)
        out.data[i] = m.lanes[i] ? b.data[i] : a.data[i];
    return out;
}
template <typename T, unsigned N>
AIE_INLINE vector<T, N> select(std::type_identity_t<T> a, const vector<T, N> &b, const mask<N> &m)
{
    return select(broadcast<T, N>(a), b, m);
}
template <typename T, unsigned N>
AIE_INLINE vector<T, N> select(const vector<T, N> &a, std::type_identity_t<T> b, const mask<N> &m)
{
    return select(a, broadcast<T, N>(b), m);
}

/* Shifts of vectors go through an accumulator: UPS and SRS, so that downshift rounds and upshift
 * saturates by the core's modes. */
namespace host
{
template <typename T> using shift_tag = std::conditional_t<sizeof(T) == 4, acc64, acc32>;
}
template <typename T, unsigned N>
AIE_INLINE vector<T, N> upshift(const vector<T, N> &v, unsigned shift)
{
    return accum<host::shift_tag<T>, N>(v, (int)shift).template to_vector<T>(0);
}
template <typename T, unsigned N>
AIE_INLINE vector<T, N> downshift(const vector<T, N> &v, unsigned shift)
{
    return accum<host::shift_tag<T>, N>(v).template to_vector<T>((int)shift);
}
template <typename T, unsigned N>
AIE_INLINE vector<T, N> logical_downshift(const vector<T, N> &v, unsigned shift)
{
    using U = std::make_unsigned_t<T>;
    return downshift(v.template cast_to<U>(), shift).template cast_to<T>();
}

template <typename T, unsigned N> AIE_INLINE T reduce_add(const vector<T, N> &v)
{
    T sum = 0;
    for (unsigned i = 0; i < N; i++)
        sum = host::wrap_add(sum, v.data[i]);
    return sum;
}
template <typename T, unsigned N> AIE_INLINE T reduce_max(const vector<T, N> &v)
{
    T best = v.data[0];
    for (unsigned i = 1; i < N; i++)
        best = v.data[i] > best ? v.data[i] : best;
    return best;
}
template <typename T, unsigned N> AIE_INLINE T reduce_min(const vector<T, N> &v)
{
    T best = v.data[0];
    for (unsigned i = 1; i < N; i++)
        best = v.data[i] < best ? v.data[i] : best;
    return best;
}

namespace host
{
/* Default accumulator of a product: 64 bit from 32 bit factors on, else 32. */
template <typename A, typename B>
using product_tag = std::conditional_t<sizeof(A) == 4 || sizeof(B) == 4, acc64, acc32>;
template <typename Tag, typename A, typename B>
using named_tag = std::conditional_t<std::is_same_v<Tag, accauto>, product_tag<A, B>, Tag>;

/* 32 x 16 and 32 x 32 bit are two and four instructions on AIE2;
 * the library hides that, exactly. */
template <typename Tag, unsigned N, typename A, typename B>
AIE_INLINE accum<Tag, N> mac(accum<Tag, N> acc, const vector<A, N> &a, const vector<B, N> &b,
                             bool minus)
{
    static_assert(sizeof(lane<Tag>) == 8 || (sizeof(A) < 4 && sizeof(B) < 4),
                  "products of 32 bit accumulate in acc64");
    using L = lane<Tag>;
    using U = std::make_unsigned_t<L>;
    for (unsigned i = 0; i < N; i++) {
        U product = (U)((U)(L)a.data[i] * (U)(L)b.data[i]);
        acc.data[i] = (L)(minus ? (U)acc.data[i] - product : (U)acc.data[i] + product);
    }
    return acc;
}
} // namespace host

template <typename Tag = accauto, typename A, typename B, unsigned N>
AIE_INLINE auto mul(const vector<A, N> &a, const vector<B, N> &b)
{
    using T = host::named_tag<Tag, A, B>;
    return host::mac(zeros<T, N>(), a, b, false);
}
template <typename Tag = accauto, typename A, typename B, unsigned N>
requires host::is_element<B> AIE_INLINE auto mul(const vector<A, N> &a, B b)
{
    return mul<Tag>(a, broadcast<B, N>(b));
}
template <typename Tag = accauto, typename A, typename B, unsigned N>
requires host::is_element<A> AIE_INLINE auto mul(A a, const vector<B, N> &b)
{
    return mul<Tag>(broadcast<A, N>(a), b);
}
template <typename Tag = accauto, typename A, typename B, unsigned N>
AIE_INLINE auto negmul(const vector<A, N> &a, const vector<B, N> &b)
{
    using T = host::named_tag<Tag, A, B>;
    return host::mac(zeros<T, N>(), a, b, true);
}
template <typename Tag, unsigned N, typename A, typename B>
AIE_INLINE accum<Tag, N> mac(const accum<Tag, N> &acc, const vector<A, N> &a, const vector<B, N> &b)
{
    return host::mac(acc, a, b, false);
}
template <typename Tag, unsigned N, typename A, typename B>
requires host::is_element<B> AIE_INLINE accum<Tag, N> mac(const accum<Tag, N> &acc,
                                                          const vector<A, N> &a, B b)
{
    return host::mac(acc, a, broadcast<B, N>(b), false);
}
template <typename Tag, unsigned N, typename A, typename B>
requires host::is_element<A> AIE_INLINE accum<Tag, N> mac(const accum<Tag, N> &acc, A a,
                                                          const vector<B, N> &b)
{
    return host::mac(acc, broadcast<A, N>(a), b, false);
}
template <typename Tag, unsigned N, typename A, typename B>
AIE_INLINE accum<Tag, N> msc(const accum<Tag, N> &acc, const vector<A, N> &a, const vector<B, N> &b)
{
    return host::mac(acc, a, b, true);
}
template <typename Tag = accauto, typename A, unsigned N>
AIE_INLINE auto mul_square(const vector<A, N> &a)
{
    return mul<Tag>(a, a);
}
template <typename Tag, unsigned N, typename A>
AIE_INLINE accum<Tag, N> mac_square(const accum<Tag, N> &acc, const vector<A, N> &a)
{
    return mac(acc, a, a);
}

template <typename Tag, unsigned N>
AIE_INLINE accum<Tag, N> add(const accum<Tag, N> &a, const accum<Tag, N> &b)
{
    accum<Tag, N> out;
    for (unsigned i = 0; i < N; i++)
        out.data[i] = host::wrap_add(a.data[i], b.data[i]);
    return out;
}
template <typename Tag, unsigned N>
AIE_INLINE accum<Tag, N> sub(const accum<Tag, N> &a, const accum<Tag, N> &b)
{
    accum<Tag, N> out;
    for (unsigned i = 0; i < N; i++)
        out.data[i] = host::wrap_sub(a.data[i], b.data[i]);
    return out;
}
template <typename Tag, unsigned N, typename T>
AIE_INLINE accum<Tag, N> add(const accum<Tag, N> &a, const vector<T, N> &v)
{
    return add(a, accum<Tag, N>(v));
}
template <typename Tag, unsigned N, typename T>
AIE_INLINE accum<Tag, N> sub(const accum<Tag, N> &a, const vector<T, N> &v)
{
    return sub(a, accum<Tag, N>(v));
}
template <typename Tag, unsigned N> AIE_INLINE accum<Tag, N> neg(const accum<Tag, N> &a)
{
    return sub(zeros<Tag, N>(), a);
}

template <typename T, typename Tag, unsigned N>
AIE_INLINE vector<T, N> to_vector(const accum<Tag, N> &a, int shift = 0)
{
    return a.template to_vector<T>(shift);
}
template <typename U, typename T, unsigned N> AIE_INLINE auto vector_cast(const vector<T, N> &v)
{
    return v.template cast_to<U>();
}
template <typename T, unsigned N> AIE_INLINE auto unpack(const vector<T, N> &v)
{
    return v.unpack();
}
template <typename T, unsigned N> AIE_INLINE auto pack(const vector<T, N> &v)
{
    return v.pack();
}

template <typename T, unsigned N, typename... Others>
AIE_INLINE auto concat(const vector<T, N> &first, const Others &...others)
{
    vector<T, N *(1 + sizeof...(Others))> out;
    out.insert(0, first);
    unsigned part = 1;
    (out.insert(part++, others), ...);
    return out;
}
template <typename Tag, unsigned N, typename... Others>
AIE_INLINE auto concat(const accum<Tag, N> &first, const Others &...others)
{
    accum<Tag, N *(1 + sizeof...(Others))> out;
    out.insert(0, first);
    unsigned part = 1;
    (out.insert(part++, others), ...);
    return out;
}

/* Lanes i % (2 chunk) < chunk, or the others, in order. */
template <typename T, unsigned N>
AIE_INLINE vector<T, N / 2> filter_even(const vector<T, N> &v, unsigned chunk = 1)
{
    vector<T, N / 2> out;
    for (unsigned i = 0; i < N / 2; i++)
        out.data[i] = v.data[i / chunk * 2 * chunk + i % chunk];
    return out;
}
template <typename T, unsigned N>
AIE_INLINE vector<T, N / 2> filter_odd(const vector<T, N> &v, unsigned chunk = 1)
{
    vector<T, N / 2> out;
    for (unsigned i = 0; i < N / 2; i++)
        out.data[i] = v.data[i / chunk * 2 * chunk + chunk + i % chunk];
    return out;
}

/* a0.. b0.. a1.. b1.. in chunks, as two vectors; and back. */
template <typename T, unsigned N>
AIE_INLINE std::pair<vector<T, N>, vector<T, N>>
interleave_zip(const vector<T, N> &a, const vector<T, N> &b, unsigned chunk)
{
    T all[2 * N];
    for (unsigned i = 0; i < N; i++) {
        all[i / chunk * 2 * chunk + i % chunk] = a.data[i];
        all[i / chunk * 2 * chunk + chunk + i % chunk] = b.data[i];
    }
    std::pair<vector<T, N>, vector<T, N>> out;
    memcpy(out.first.data, all, sizeof out.first.data);
    memcpy(out.second.data, all + N, sizeof out.second.data);
    return out;
}
template <typename T, unsigned N>
AIE_INLINE std::pair<vector<T, N>, vector<T, N>>
interleave_unzip(const vector<T, N> &a, const vector<T, N> &b, unsigned chunk)
{
    T all[2 * N];
    memcpy(all, a.data, sizeof a.data);
    memcpy(all + N, b.data, sizeof b.data);
    std::pair<vector<T, N>, vector<T, N>> out;
    for (unsigned i = 0; i < N; i++) {
        out.first.data[i] = all[i / chunk * 2 * chunk + i % chunk];
        out.second.data[i] = all[i / chunk * 2 * chunk + chunk + i % chunk];
    }
    return out;
}

/* The vector as rows x columns, row-major, turned over its diagonal. */
template <typename T, unsigned N>
AIE_INLINE vector<T, N> transpose(const vector<T, N> &v, unsigned rows, unsigned columns)
{
    AIE_REQUIRE(rows * columns == N);
    vector<T, N> out;
    for (unsigned i = 0; i < rows; i++)
        for (unsigned j = 0; j < columns; j++)
            out.data[j * rows + i] = v.data[i * columns + j];
    return out;
}

/* Lane i of the result is lane i + n (down) or i - n (up);
 * what comes in is undefined: zero here. */
template <typename T, unsigned N>
AIE_INLINE vector<T, N> shuffle_down(const vector<T, N> &v, unsigned n)
{
    vector<T, N> out;
    for (unsigned i = 0; i < N; i++)
        out.data[i] = i + n < N ? v.data[i + n] : (T)0;
    return out;
}
template <typename T, unsigned N>
AIE_INLINE vector<T, N> shuffle_up(const vector<T, N> &v, unsigned n)
{
    vector<T, N> out;
    for (unsigned i = 0; i < N; i++)
        out.data[i] = i >= n ? v.data[i - n] : (T)0;
    return out;
}
template <typename T, unsigned N>
AIE_INLINE vector<T, N> shuffle_down_rotate(const vector<T, N> &v, unsigned n)
{
    vector<T, N> out;
    for (unsigned i = 0; i < N; i++)
        out.data[i] = v.data[(i + n) % N];
    return out;
}
template <typename T, unsigned N> AIE_INLINE vector<T, N> reverse(const vector<T, N> &v)
{
    vector<T, N> out;
    for (unsigned i = 0; i < N; i++)
        out.data[i] = v.data[N - 1 - i];
    return out;
}

} // namespace aie
