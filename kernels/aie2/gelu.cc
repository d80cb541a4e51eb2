/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/aie2/gelu.hpp"

extern "C" void npu_gelu_s32s16(const int32_t *job, const int16_t *lut_ab, const int16_t *lut_cd,
                                const int32_t *u, int16_t *out, int32_t n)
{
    npu_core_set_modes();
    npu_core_gelu table(job, lut_ab, lut_cd);
    NPU_LOOP_AT_LEAST(2)
    for (int32_t i = 0; i < n; i += 16)
        aie::store_v(out + i, table.gelu(aie::load_v<16>(u + i)));
}
