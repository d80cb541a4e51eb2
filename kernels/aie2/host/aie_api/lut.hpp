/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Table look-ups of several lanes at a time. The hardware reads four values a cycle, each from its
 * own copy. So a table of 16 or 32 bit values is stored four times: twice in `ab`, the copies
 * alternating every 128 bits, and twice in `cd`, which should lie in another bank. */
#include "ops.hpp"

namespace aie
{

enum class lut_oor_policy {
    saturate, /* an index beyond the table takes its nearest end */
    truncate, /* the high bits of the index are dropped */
};

template <unsigned Parallel, typename Offset, typename Slope = Offset> struct lut {
    static_assert(Parallel == 4, "AIE2 has the form of four accesses only");
    using offset_type = Offset;
    using slope_type = Slope;

    /* n values; both pointers 32-byte aligned. */
    lut(unsigned n_values, const void *ab_copies, const void *cd_copies)
        : n(n_values), ab(ab_copies), cd(cd_copies)
    {
        AIE_REQUIRE((uintptr_t)ab % vector_decl_align == 0 &&
                    (uintptr_t)cd % vector_decl_align == 0);
    }

    unsigned n;
    const void *ab, *cd;
};

/* Value of index (input >> step_bits) + bias. The shift is an SRS with the core's rounding mode, as
 * in the real library: with another mode than floor the low step_bits of the input must be zero. */
template <typename T, typename Lut, lut_oor_policy policy = lut_oor_policy::saturate>
struct parallel_lookup {
    static_assert(host::is_element<T>, "keys are integers of 8, 16 or 32 bits");
    using V = typename Lut::offset_type;
    static_assert(sizeof(V) == 2 || sizeof(V) == 4, "values here are of 16 or 32 bits");

    parallel_lookup(const Lut &table, unsigned step_bits = 0, unsigned bias = 0)
        : lut(table), step(step_bits), base(bias)
    {
        AIE_REQUIRE(std::is_signed_v<T> || bias == 0);
        AIE_REQUIRE(policy == lut_oor_policy::saturate || (table.n & (table.n - 1)) == 0);
    }

    template <unsigned N> AIE_INLINE vector<V, N> fetch(const vector<T, N> &input) const
    {
        static_assert(N == 16 || N == 32, "the real library does 16 or 32 keys");
        constexpr unsigned row = 16 / sizeof(V); /* values of 128 bits */
        int32_t at[N];
        int64_t keys[N];
        for (unsigned i = 0; i < N; i++)
            keys[i] = input.data[i];
        host::srs(at, keys, N, (int)step);
        vector<V, N> out;
        for (unsigned i = 0; i < N; i++) {
            int64_t index = (int64_t)at[i] + base;
            if (policy == lut_oor_policy::truncate)
                index &= lut.n - 1;
            else
                index = index < 0 ? 0 : index >= lut.n ? lut.n - 1 : index;
            /* Lanes take the copies in turn, so that one bad copy shows. */
            const V *copies = (const V *)(i & 1 ? lut.cd : lut.ab);
            out.data[i] = copies[index / row * 2 * row + (i >> 1 & 1) * row + index % row];
        }
        return out;
    }

  private:
    Lut lut;
    unsigned step, base;
};

} // namespace aie
