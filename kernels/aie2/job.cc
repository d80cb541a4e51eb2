/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/aie2/core.hpp"

/* Each 8 values twice in each array. */
static void fill_lut(const int16_t *table, int16_t *ab, int16_t *cd)
{
    NPU_LOOP_AT_LEAST(128)
    for (unsigned row = 0; row < 128; row++) {
        aie::vector<int16_t, 8> values = aie::load_v<8>(table + 8 * row);
        aie::vector<int16_t, 16> twice = aie::concat(values, values);
        aie::store_v(ab + 16 * row, twice);
        aie::store_v(cd + 16 * row, twice);
    }
}

extern "C" void npu_job_begin(const int8_t *object, int32_t *job, int16_t *lut_ab, int16_t *lut_cd)
{
    const int32_t *words = reinterpret_cast<const int32_t *>(object);
    NPU_LOOP_AT_LEAST(64)
    for (unsigned i = 0; i < NPU_JOB_BYTES / 4; i += 16)
        aie::store_v(job + i, aie::load_v<16>(words + i));
    if (npu_core_job_of(job)->lut)
        fill_lut(npu_core_job_of(job)->table, lut_ab, lut_cd);
}
