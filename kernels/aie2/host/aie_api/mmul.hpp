/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Matrix products of blocks: C[M][N] += A[M][K] B[K][N], all row-major, in the shapes that one AIE2
 * instruction does. Sums wrap in the accumulator's width. */
#include "accum.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace aie
{

namespace host
{

template <unsigned M, unsigned K, unsigned N>
inline constexpr unsigned shape = M * 10000 + K * 100 + N;

/* Bits of the accumulator of a native shape; 0: no native shape. */
template <unsigned M, unsigned K, unsigned N, typename A, typename B> constexpr unsigned mmul_bits()
{
    constexpr unsigned s = shape<M, K, N>;
    if (sizeof(A) == 1 && sizeof(B) == 1)
        return s == shape<4, 8, 8> || s == shape<2, 8, 8> ? 32 : 0;
    if (sizeof(A) == 2 && sizeof(B) == 1)
        return s == shape<4, 4, 8> || s == shape<2, 8, 8> ? 32 : s == shape<4, 8, 4> ? 64 : 0;
    if (sizeof(A) == 2 && sizeof(B) == 2)
        return s == shape<4, 2, 8> ? 32 : s == shape<4, 4, 4> || s == shape<2, 4, 8> ? 64 : 0;
    if (sizeof(A) == 4 && sizeof(B) == 2)
        return s == shape<4, 2, 4> || s == shape<4, 4, 4> || s == shape<2, 4, 8> ? 64 : 0;
    return 0;
}

/* The definition. */
template <unsigned M, unsigned K, unsigned N, typename A, typename B, typename L>
inline void mac_blocks(L *c, const A *a, const B *b)
{
    using U = std::make_unsigned_t<L>;
    for (unsigned i = 0; i < M; i++)
        for (unsigned k = 0; k < K; k++)
            for (unsigned j = 0; j < N; j++)
                c[i * N + j] = (L)((U)c[i * N + j] + (U)(L)a[i * K + k] * (U)(L)b[k * N + j]);
}

#if defined(__SSE2__)
/* The three shapes of the GEMM kernels with pmaddwd, which adds two products of 16 bit; only
 * -32768 * -32768 twice wraps its 32 bit sum, as acc32 does. */

AIE_INLINE __m128i load16(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}
AIE_INLINE void store16(void *p, __m128i v)
{
    _mm_storeu_si128((__m128i *)p, v);
}
/* Sign extension of the low or high 8 bytes, already interleaved. */
AIE_INLINE __m128i extend_lo(__m128i v)
{
    return _mm_srai_epi16(_mm_unpacklo_epi8(v, v), 8);
}
AIE_INLINE __m128i extend_hi(__m128i v)
{
    return _mm_srai_epi16(_mm_unpackhi_epi8(v, v), 8);
}
/* Rows k and k + 1 of 8 bytes: the pairs of columns 0..3 and 4..7 in 16 bit. */
AIE_INLINE void pair_rows(const int8_t *b, __m128i *lo, __m128i *hi)
{
    __m128i rows = load16(b);
    __m128i mixed = _mm_unpacklo_epi8(rows, _mm_srli_si128(rows, 8));
    *lo = extend_lo(mixed);
    *hi = extend_hi(mixed);
}
template <int pair> AIE_INLINE __m128i spread(__m128i row)
{
    return _mm_shuffle_epi32(row, pair * 0x55);
}
AIE_INLINE void mac_half(int32_t *c, __m128i a, __m128i b)
{
    store16(c, _mm_add_epi32(load16(c), _mm_madd_epi16(a, b)));
}

template <>
inline void mac_blocks<4, 8, 8, int8_t, int8_t, int32_t>(int32_t *c, const int8_t *a,
                                                         const int8_t *b)
{
    __m128i lo[4], hi[4];
    for (int k = 0; k < 4; k++)
        pair_rows(b + 16 * k, &lo[k], &hi[k]);
    for (int i = 0; i < 4; i++) {
        __m128i row = extend_lo(_mm_loadl_epi64((const __m128i *)(a + 8 * i)));
        __m128i a0 = spread<0>(row), a1 = spread<1>(row), a2 = spread<2>(row), a3 = spread<3>(row);
        __m128i s =
            _mm_add_epi32(_mm_add_epi32(_mm_madd_epi16(a0, lo[0]), _mm_madd_epi16(a1, lo[1])),
                          _mm_add_epi32(_mm_madd_epi16(a2, lo[2]), _mm_madd_epi16(a3, lo[3])));
        __m128i t =
            _mm_add_epi32(_mm_add_epi32(_mm_madd_epi16(a0, hi[0]), _mm_madd_epi16(a1, hi[1])),
                          _mm_add_epi32(_mm_madd_epi16(a2, hi[2]), _mm_madd_epi16(a3, hi[3])));
        store16(c + 8 * i, _mm_add_epi32(load16(c + 8 * i), s));
        store16(c + 8 * i + 4, _mm_add_epi32(load16(c + 8 * i + 4), t));
    }
}

template <>
inline void mac_blocks<4, 4, 8, int16_t, int8_t, int32_t>(int32_t *c, const int16_t *a,
                                                          const int8_t *b)
{
    __m128i lo[2], hi[2];
    for (int k = 0; k < 2; k++)
        pair_rows(b + 16 * k, &lo[k], &hi[k]);
    for (int i = 0; i < 4; i++) {
        __m128i row = _mm_loadl_epi64((const __m128i *)(a + 4 * i));
        __m128i a0 = spread<0>(row), a1 = spread<1>(row);
        mac_half(c + 8 * i, a0, lo[0]);
        mac_half(c + 8 * i, a1, lo[1]);
        mac_half(c + 8 * i + 4, a0, hi[0]);
        mac_half(c + 8 * i + 4, a1, hi[1]);
    }
}

/* acc64: sums of two products, then four lanes to two of 64 bit. A sum of -2^31 is one that
 * wrapped, from +2^31: -32768 * 32767 twice is the least. */
AIE_INLINE void mac_wide(__m128i *c01, __m128i *c23, __m128i a, __m128i b)
{
    __m128i p = _mm_madd_epi16(a, b);
    __m128i wrapped = _mm_cmpeq_epi32(p, _mm_set1_epi32(INT32_MIN));
    __m128i sign = _mm_andnot_si128(wrapped, _mm_srai_epi32(p, 31));
    *c01 = _mm_add_epi64(*c01, _mm_unpacklo_epi32(p, sign));
    *c23 = _mm_add_epi64(*c23, _mm_unpackhi_epi32(p, sign));
}

template <>
inline void mac_blocks<4, 4, 4, int16_t, int16_t, int64_t>(int64_t *c, const int16_t *a,
                                                           const int16_t *b)
{
    __m128i rows01 = load16(b), rows23 = load16(b + 8);
    __m128i b01 = _mm_unpacklo_epi16(rows01, _mm_srli_si128(rows01, 8));
    __m128i b23 = _mm_unpacklo_epi16(rows23, _mm_srli_si128(rows23, 8));
    for (int i = 0; i < 4; i++) {
        __m128i row = _mm_loadl_epi64((const __m128i *)(a + 4 * i));
        __m128i s0 = load16(c + 4 * i), s1 = load16(c + 4 * i + 2);
        mac_wide(&s0, &s1, spread<0>(row), b01);
        mac_wide(&s0, &s1, spread<1>(row), b23);
        store16(c + 4 * i, s0);
        store16(c + 4 * i + 2, s1);
    }
}
#endif

} // namespace host

template <unsigned M_, unsigned K_, unsigned N_, typename TypeA, typename TypeB = TypeA,
          typename Tag = accauto>
class mmul
{
    static constexpr unsigned bits = host::mmul_bits<M_, K_, N_, TypeA, TypeB>();
    static_assert(bits != 0, "AIE2 has no such matrix product in one instruction");
    static_assert(!std::is_same_v<Tag, acc32> || bits == 32, "this shape accumulates in 64 bit");
    static_assert(!std::is_same_v<Tag, acc64> || bits == 64, "this shape accumulates in 32 bit");

  public:
    static constexpr unsigned M = M_, K = K_, N = N_;
    static constexpr unsigned size_A = M * K, size_B = K * N, size_C = M * N;
    using accum_type = accum<std::conditional_t<bits == 32, acc32, acc64>, size_C>;

    static constexpr unsigned size()
    {
        return size_C;
    }

    mmul() = default; /* counts as zero until the first product */
    mmul(const accum_type &acc) : sum(acc), zero(false)
    {
    }
    template <typename T>
    mmul(const vector<T, size_C> &v, int shift = 0) : sum(v, shift), zero(false)
    {
    }

    AIE_INLINE void mac(const vector<TypeA, size_A> &a, const vector<TypeB, size_B> &b)
    {
        if (zero)
            memset(sum.data, 0, sizeof sum.data);
        zero = false;
        host::mac_blocks<M, K, N>(sum.data, a.data, b.data);
    }
    AIE_INLINE void mul(const vector<TypeA, size_A> &a, const vector<TypeB, size_B> &b)
    {
        zero = true;
        mac(a, b);
    }
    AIE_INLINE accum_type to_accum() const
    {
        return sum;
    }
    operator accum_type() const
    {
        return sum;
    }
    template <typename T> AIE_INLINE vector<T, size_C> to_vector(int shift = 0) const
    {
        return sum.template to_vector<T>(shift);
    }

  private:
    accum_type sum;
    bool zero = true;
};

} // namespace aie
