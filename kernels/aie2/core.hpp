/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What every entry point shares: modes, loop hints, the job's type. */
#include "kernels/aie2/aie2.h"

#include <aie_api/aie.hpp>

/* The least trip count of the loop that follows, so that Peano pipelines it. */
#if defined(__AIECC__)
#define NPU_PRAGMA(text)       _Pragma(#text)
#define NPU_LOOP_AT_LEAST(min) NPU_PRAGMA(clang loop min_iteration_count(min))
#else
#define NPU_LOOP_AT_LEAST(min)
#endif

static_assert(sizeof(npu_core_job) == NPU_JOB_BYTES, "a job is one object");

static inline void npu_core_set_modes()
{
    aie::set_rounding(aie::rounding_mode::conv_even);
    aie::set_saturation(aie::saturation_mode::symmetric);
}

static inline const npu_core_job *npu_core_job_of(const int32_t *words)
{
    return reinterpret_cast<const npu_core_job *>(words);
}

/* 16 x acc64 in memory: their bits as 32 x s32, low halves first. */
static inline aie::accum<acc64, 16> npu_core_load_acc64(const int32_t *p)
{
    aie::accum<acc32, 32> bits(aie::load_v<32>(p));
    return bits.cast_to<acc64>();
}

static inline void npu_core_store_acc64(int32_t *p, const aie::accum<acc64, 16> &acc)
{
    aie::store_v(p, acc.cast_to<acc32>().to_vector<int32_t>());
}
