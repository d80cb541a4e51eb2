/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fixed_gemm on a tile of 64 x 64: products into an accumulator in the core's memory. */
#include "kernels/aie2/core.hpp"

enum { ROW_BLOCKS = 16, K_BLOCKS = 8 }; /* of a tile; of an object of A */

/* 4 x 2 blocks of C stay in registers over the k of one object. NB: column blocks of the tile; B's
 * blocks lie [k][NB]. */
template <typename MMUL, unsigned NB, typename TA, typename TB, typename Load, typename Store>
static inline void multiply(const TA *__restrict a, const TB *__restrict b, Load load, Store store)
{
    for (unsigned row = 0; row < ROW_BLOCKS; row += 4) {
        for (unsigned column = 0; column < NB; column += 2) {
            unsigned at[4];
            for (unsigned i = 0; i < 4; i++)
                at[i] = (row + i) * NB + column;
            MMUL c00(load(at[0])), c01(load(at[0] + 1)), c10(load(at[1])), c11(load(at[1] + 1));
            MMUL c20(load(at[2])), c21(load(at[2] + 1)), c30(load(at[3])), c31(load(at[3] + 1));
            const TA *pa = a + row * K_BLOCKS * MMUL::size_A;
            const TB *pb = b + column * MMUL::size_B;
            NPU_LOOP_AT_LEAST(8)
            for (unsigned k = 0; k < K_BLOCKS; k++) {
                auto a0 = aie::load_v<MMUL::size_A>(pa);
                auto a1 = aie::load_v<MMUL::size_A>(pa + K_BLOCKS * MMUL::size_A);
                auto a2 = aie::load_v<MMUL::size_A>(pa + 2 * K_BLOCKS * MMUL::size_A);
                auto a3 = aie::load_v<MMUL::size_A>(pa + 3 * K_BLOCKS * MMUL::size_A);
                auto b0 = aie::load_v<MMUL::size_B>(pb);
                auto b1 = aie::load_v<MMUL::size_B>(pb + MMUL::size_B);
                c00.mac(a0, b0);
                c01.mac(a0, b1);
                c10.mac(a1, b0);
                c11.mac(a1, b1);
                c20.mac(a2, b0);
                c21.mac(a2, b1);
                c30.mac(a3, b0);
                c31.mac(a3, b1);
                pa += MMUL::size_A;
                pb += NB * MMUL::size_B;
            }
            store(at[0], c00), store(at[0] + 1, c01), store(at[1], c10), store(at[1] + 1, c11);
            store(at[2], c20), store(at[2] + 1, c21), store(at[3], c30), store(at[3] + 1, c31);
        }
    }
}

/* Blocks 4 x 8 of ACC are vectors of 32 x s32. */
template <typename MMUL, typename TA, typename TB>
static inline void multiply_s32(const TA *a, const TB *b, int32_t *acc)
{
    multiply<MMUL, 8>(
        a, b, [acc](unsigned at) { return aie::load_v<32>(acc + 32 * at); },
        [acc](unsigned at, const MMUL &c) {
            aie::store_v(acc + 32 * at, c.template to_vector<int32_t>());
        });
}

/* Blocks 4 x 4 of ACC64 */
static inline aie::accum<acc64, 16> load_acc64(const int64_t *acc, unsigned block)
{
    return npu_core_load_acc64(reinterpret_cast<const int32_t *>(acc) + 32 * block);
}

static inline void store_acc64(int64_t *acc, unsigned block, const aie::accum<acc64, 16> &c)
{
    npu_core_store_acc64(reinterpret_cast<int32_t *>(acc) + 32 * block, c);
}

extern "C" void npu_gemm_begin_s32(const int32_t *job, int32_t *acc)
{
    const int32_t *bias = npu_core_job_of(job)->u.bias32;
    for (unsigned column = 0; column < 8; column++) {
        aie::vector<int32_t, 8> b = aie::load_v<8>(bias + 8 * column);
        aie::vector<int32_t, 32> block = aie::concat(b, b, b, b);
        NPU_LOOP_AT_LEAST(16)
        for (unsigned row = 0; row < ROW_BLOCKS; row++)
            aie::store_v(acc + (row * 8 + column) * 32, block);
    }
}

extern "C" void npu_gemm_begin_s64(const int32_t *job, int64_t *acc)
{
    const int32_t *bias = reinterpret_cast<const int32_t *>(npu_core_job_of(job)->u.bias64);
    for (unsigned column = 0; column < 16; column++) {
        aie::vector<int32_t, 8> b = aie::load_v<8>(bias + 8 * column);
        aie::vector<int32_t, 32> block = aie::concat(b, b, b, b);
        NPU_LOOP_AT_LEAST(16)
        for (unsigned row = 0; row < ROW_BLOCKS; row++)
            aie::store_v(reinterpret_cast<int32_t *>(acc) + (row * 16 + column) * 32, block);
    }
}

extern "C" void npu_gemm_step_s16s8(const int16_t *a, const int8_t *b, int32_t *acc, int32_t half)
{
    npu_core_set_modes();
    multiply_s32<aie::mmul<4, 4, 8, int16_t, int8_t>>(a, b + 2048 * half, acc);
}

extern "C" void npu_gemm_step_s8s8(const int8_t *a, const int8_t *b, int32_t *acc)
{
    npu_core_set_modes();
    multiply_s32<aie::mmul<4, 8, 8, int8_t, int8_t>>(a, b, acc);
}

extern "C" void npu_gemm_step_s16s16(const int16_t *a, const int16_t *b, int64_t *acc)
{
    using MMUL = aie::mmul<4, 4, 4, int16_t, int16_t, acc64>;
    npu_core_set_modes();
    multiply<MMUL, 16>(
        a, b, [acc](unsigned at) { return load_acc64(acc, at); },
        [acc](unsigned at, const MMUL &c) { store_acc64(acc, at, c.to_accum()); });
}

/* Two blocks 4 x 4 of 64 bit become one of 4 x 8: reading stays ahead of writing. */
extern "C" void npu_gemm_narrow(const int32_t *job, int64_t *acc)
{
    int shift = npu_core_job_of(job)->acc_shift;
    npu_core_set_modes();
    NPU_LOOP_AT_LEAST(128)
    for (unsigned block = 0; block < ROW_BLOCKS * 8; block++) {
        auto left = load_acc64(acc, 2 * block).to_vector<int32_t>(shift);
        auto right = load_acc64(acc, 2 * block + 1).to_vector<int32_t>(shift);
        auto [rows01, rows23] = aie::interleave_zip(left, right, 4);
        aie::store_v(reinterpret_cast<int32_t *>(acc) + 32 * block, aie::concat(rows01, rows23));
    }
}

/* Pairs of column blocks: n / 8 is even. */
extern "C" void npu_matmul_s8s8(const int8_t *a, const int8_t *b, int32_t *c, int32_t n)
{
    using MMUL = aie::mmul<4, 8, 8, int8_t, int8_t>;
    unsigned blocks = (unsigned)n / 8;
    npu_core_set_modes();
    for (unsigned row = 0; row < 2 * blocks; row++) {
        for (unsigned column = 0; column < blocks; column += 2) {
            MMUL c0, c1;
            NPU_LOOP_AT_LEAST(2)
            for (unsigned k = 0; k < blocks; k++) {
                auto a0 = aie::load_v<32>(a + (row * blocks + k) * 32);
                const int8_t *pb = b + (k * blocks + column) * 64;
                c0.mac(a0, aie::load_v<64>(pb));
                c1.mac(a0, aie::load_v<64>(pb + 64));
            }
            int32_t *pc = c + (row * blocks + column) * 32;
            aie::store_v(pc, c0.to_vector<int32_t>());
            aie::store_v(pc + 32, c1.to_vector<int32_t>());
        }
    }
}
