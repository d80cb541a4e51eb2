/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Layouts of the log-mel kernels (aie2.h). A lane is a frame in all but the transform's
 * products. */
#include "kernels/aie2/core.hpp"

#include <cstddef>

enum {
    MEL_HOP = 160,
    MEL_STEPS = 50,            /* of 8 samples, 4 even and 4 odd n */
    MEL_STEP = 64,             /* samples of a step and parity, 16 frames */
    MEL_BINS_4 = 64,           /* words of 4 bins x 16 frames */
    MEL_PART = 2 * MEL_BINS_4, /* bins k .. and 200 - k .., real or imaginary */
    MEL_GROUP = 2 * MEL_PART,  /* both */
    MEL_GROUPS = 26,
    MEL_BINS = 201
};

using mel_lanes = aie::vector<int32_t, 16>;
using mel_acc = aie::accum<acc64, 16>;

static_assert(sizeof(npu_core_mel) == NPU_JOB_BYTES, "a job is one object");
static_assert(offsetof(npu_core_mel, lut) == offsetof(npu_core_job, lut), "npu_job_begin reads it");
static_assert(offsetof(npu_core_mel, log_ab) % aie::vector_decl_align == 0 &&
                  offsetof(npu_core_mel, log_cd) % aie::vector_decl_align == 0,
              "look-ups read whole rows");

static inline const npu_core_mel *npu_core_mel_of(const int32_t *words)
{
    return reinterpret_cast<const npu_core_mel *>(words);
}

/* The real parts of bin k; the imaginary ones follow MEL_PART later. */
static inline unsigned mel_bin_at(unsigned k)
{
    unsigned mirror = k > MEL_BINS / 2, i = mirror ? MEL_BINS - 1 - k : k;
    return i / 4 * MEL_GROUP + mirror * MEL_BINS_4 + i % 4 * 16;
}
