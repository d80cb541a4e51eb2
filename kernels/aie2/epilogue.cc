/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The results of fixed_gemm from a tile's accumulator, one object at a time. */
#include "kernels/aie2/gelu.hpp"

/* acc * mult of two rows of a block, 16 products of 64 bit. */
static inline aie::accum<acc64, 16> scaled(const int32_t *acc, unsigned block, unsigned rows,
                                           const aie::vector<int16_t, 16> &mult)
{
    return aie::mul<acc64>(aie::load_v<16>(acc + 32 * block + 16 * rows), mult);
}

/* The multipliers of 8 columns, for two rows. */
static inline aie::vector<int16_t, 16> multipliers(const int32_t *job, unsigned column)
{
    aie::vector<int16_t, 8> m = aie::load_v<8>(npu_core_job_of(job)->mult + 8 * column);
    return aie::concat(m, m);
}

/* 4 column blocks of ACC as an A16: every 4 x 8 block becomes two of 4 x 4. */
template <typename F>
static inline void finish_a16(const int32_t *job, const int32_t *__restrict acc,
                              int16_t *__restrict out, int32_t part, F to_s16)
{
    for (unsigned column = 0; column < 4; column++) {
        aie::vector<int16_t, 16> mult = multipliers(job, 4 * (unsigned)part + column);
        NPU_LOOP_AT_LEAST(16)
        for (unsigned row = 0; row < 16; row++) {
            unsigned block = row * 8 + 4 * (unsigned)part + column;
            aie::vector<int16_t, 32> v = aie::concat(to_s16(scaled(acc, block, 0, mult)),
                                                     to_s16(scaled(acc, block, 1, mult)));
            aie::store_v(out + (row * 8 + 2 * column) * 16, aie::filter_even(v, 4));
            aie::store_v(out + (row * 8 + 2 * column + 1) * 16, aie::filter_odd(v, 4));
        }
    }
}

/* 4 row blocks of ACC as an R32. to_s32(products, element): element = the index of the first of the
 * two rows' 8 columns in R32, P16; the second row's is 64 further. */
template <typename F>
static inline void finish_r32(const int32_t *job, const int32_t *acc, int32_t *out, int32_t part,
                              F to_s32)
{
    for (unsigned column = 0; column < 8; column++) {
        aie::vector<int16_t, 16> mult = multipliers(job, column);
        NPU_LOOP_AT_LEAST(8)
        for (unsigned pair = 0; pair < 8; pair++) {
            unsigned block = (4 * (unsigned)part + pair / 2) * 8 + column;
            unsigned element = pair * 128 + 8 * column;
            aie::vector<int32_t, 16> v = to_s32(scaled(acc, block, pair & 1, mult), element);
            aie::store_v(out + element, v.extract<8>(0));
            aie::store_v(out + element + 64, v.extract<8>(1));
        }
    }
}

template <typename T> static inline aie::vector<T, 16> two_rows(const T *p, unsigned element)
{
    return aie::concat(aie::load_v<8>(p + element), aie::load_v<8>(p + element + 64));
}

extern "C" void npu_gemm_finish_s16(const int32_t *job, const int32_t *acc, int16_t *out,
                                    int32_t part)
{
    int shift = npu_core_job_of(job)->shift;
    npu_core_set_modes();
    finish_a16(job, acc, out, part,
               [shift](const aie::accum<acc64, 16> &v) { return v.to_vector<int16_t>(shift); });
}

extern "C" void npu_gemm_finish_gelu(const int32_t *job, const int16_t *lut_ab,
                                     const int16_t *lut_cd, const int32_t *acc, int16_t *out,
                                     int32_t part)
{
    int shift = npu_core_job_of(job)->shift;
    npu_core_set_modes();
    npu_core_gelu table(job, lut_ab, lut_cd);
    finish_a16(job, acc, out, part, [shift, &table](const aie::accum<acc64, 16> &v) {
        return table.gelu(v.to_vector<int32_t>(shift));
    });
}

extern "C" void npu_gemm_finish_s32(const int32_t *job, const int32_t *acc, int32_t *out,
                                    int32_t part)
{
    int shift = npu_core_job_of(job)->shift;
    npu_core_set_modes();
    finish_r32(job, acc, out, part, [shift](const aie::accum<acc64, 16> &v, unsigned) {
        return v.to_vector<int32_t>(shift);
    });
}

extern "C" void npu_gemm_finish_residual(const int32_t *job, const int32_t *acc, const int32_t *x,
                                         int32_t *out, int32_t part)
{
    int shift = npu_core_job_of(job)->shift;
    npu_core_set_modes();
    finish_r32(job, acc, out, part, [shift, x](const aie::accum<acc64, 16> &v, unsigned element) {
        return aie::add(two_rows(x, element), v.to_vector<int32_t>(shift));
    });
}

extern "C" void npu_gemm_finish_stem(const int32_t *job, const int16_t *lut_ab,
                                     const int16_t *lut_cd, const int32_t *acc, const int16_t *pos,
                                     int32_t *out, int32_t part)
{
    int shift = npu_core_job_of(job)->shift;
    npu_core_set_modes();
    npu_core_gelu table(job, lut_ab, lut_cd);
    finish_r32(job, acc, out, part,
               [shift, pos, &table](const aie::accum<acc64, 16> &v, unsigned element) {
                   aie::accum<acc64, 16> sum(table.stem(v.to_vector<int32_t>(shift)));
                   return aie::add(sum, two_rows(pos, element)).to_vector<int32_t>(0);
               });
}
