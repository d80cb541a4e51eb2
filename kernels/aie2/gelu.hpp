/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The two table forms of GELU (fixed_gelu, NPU_FIXED_STEM) on 16 values at a time. */
#include "kernels/aie2/core.hpp"

class npu_core_gelu
{
    using table = aie::lut<4, int16_t>;
    using fine = aie::parallel_lookup<int16_t, table, aie::lut_oor_policy::saturate>;
    static constexpr int16_t last = 1023, end = 32767; /* entries in LUT; largest |u| looked up */

  public:
    npu_core_gelu(const int32_t *words, const int16_t *lut_ab, const int16_t *lut_cd)
        : lookup(table(last + 1, lut_ab, lut_cd), 5), job(npu_core_job_of(words))
    {
    }

    /* fixed_gelu */
    aie::vector<int16_t, 16> gelu(const aie::vector<int32_t, 16> &u)
    {
        aie::vector<int16_t, 16> a = magnitude(u, 0);
        aie::vector<int16_t, 16> f = aie::bit_and((int16_t)31, a);
        aie::vector<int16_t, 16> low = aie::sub(a, f); /* 32 i: the lookup's shift is exact */
        aie::vector<int16_t, 16> t = lookup.fetch(low);
        aie::vector<int16_t, 16> next = after(low);
        aie::accum<acc32, 16> step = aie::mul(aie::sub(next, t), f);
        return positive(u, cut(aie::add(t, step.to_vector<int16_t>(5)), a))
            .to_vector<int16_t>(job->gelu_shift);
    }

    /* NPU_FIXED_STEM without the positions, the nearest entry */
    aie::vector<int32_t, 16> stem(const aie::vector<int32_t, 16> &u)
    {
        aie::vector<int16_t, 16> a = magnitude(u, job->gelu_shift);
        aie::vector<int16_t, 16> f = aie::bit_and((int16_t)31, a);
        aie::vector<int16_t, 16> low = aie::sub(a, f);
        aie::vector<int16_t, 16> here = lookup.fetch(low), next = after(low);
        aie::vector<int16_t, 16> h = aie::select(here, next, aie::ge(f, (int16_t)16));
        return positive(u, cut(h, a)).to_vector<int32_t>(0);
    }

  private:
    /* min(32767, srs(|u|, shift)): saturation is the minimum. */
    static aie::vector<int16_t, 16> magnitude(const aie::vector<int32_t, 16> &u, int shift)
    {
        aie::accum<acc64, 16> a(aie::abs(u), shift < 0 ? -shift : 0);
        return a.to_vector<int16_t>(shift < 0 ? 0 : shift);
    }

    /* The entry after 32 i. After the last in LUT comes entry 1024, whose key wraps to a negative
     * one: what the look-up then gives, entry 0, is replaced. */
    aie::vector<int16_t, 16> after(const aie::vector<int16_t, 16> &low)
    {
        aie::vector<int16_t, 16> next = lookup.fetch(aie::add(low, (int16_t)32));
        return aie::select(next, job->table[last + 1], aie::eq(low, (int16_t)(last * 32)));
    }

    /* 0 beyond the table */
    static aie::vector<int16_t, 16> cut(const aie::vector<int16_t, 16> &h,
                                        const aie::vector<int16_t, 16> &a)
    {
        return aie::select(h, (int16_t)0, aie::eq(a, end));
    }

    /* max(u, 0) - h */
    static aie::accum<acc64, 16> positive(const aie::vector<int32_t, 16> &u,
                                          const aie::vector<int16_t, 16> &h)
    {
        aie::accum<acc64, 16> sum(aie::max(u, (int32_t)0));
        return aie::sub(sum, h);
    }

    fine lookup;
    const npu_core_job *job;
};
