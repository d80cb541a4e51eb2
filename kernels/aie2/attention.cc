/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fixed_attention on a core: 64 queries, blocks of 64 keys. The values of a query's row are stored
 * four times, in the order of the rows in the 4 x 4 blocks of products, so that lanes need no
 * shuffle to meet their row's value. */
#include "kernels/aie2/core.hpp"

enum {
    ROW_BLOCKS = 16, /* of 4 queries */
    PART_KEYS = 32,
    PART_BLOCKS = 8,     /* key blocks of a K16, channel blocks of a V part */
    CHANNEL_BLOCKS = 16, /* also key blocks of a whole block of keys */
    BLOCK = 16,          /* values of a block */
    ROWS = ROW_BLOCKS * BLOCK
};
enum { OCTAVE = 0, BEFORE = ROWS, SUM = 2 * ROWS }; /* parts of state */

static constexpr int32_t no_octave = NPU_ATTENTION_NO_OCTAVE;
static constexpr int32_t masked = -(1 << 30); /* below every score; 64 E - masked fits s32 */

using product = aie::mmul<4, 4, 4, int16_t, int16_t, acc64>;
using lanes = aie::vector<int32_t, 16>;

extern "C" void npu_attention_begin(int32_t *state, int32_t *o)
{
    for (unsigned i = 0; i < ROWS; i += 16) {
        aie::store_v(state + OCTAVE + i, aie::broadcast<int32_t, 16>(no_octave));
        aie::store_v(state + BEFORE + i, aie::broadcast<int32_t, 16>(no_octave));
        aie::store_v(state + SUM + i, aie::zeros<int32_t, 16>());
    }
    NPU_LOOP_AT_LEAST(256)
    for (unsigned i = 0; i < ROW_BLOCKS * CHANNEL_BLOCKS * BLOCK; i += 16)
        aie::store_v(o + i, aie::zeros<int32_t, 16>());
}

/* 2 x 4 blocks of scores into s [2][PART_BLOCKS]: q of two row blocks, k of four key blocks, 32
 * channels, then 32 more. */
static inline void score_blocks(const int16_t *const q[2], const int16_t *__restrict k, int shift,
                                int32_t *__restrict s)
{
    product c00, c01, c02, c03, c10, c11, c12, c13;
    for (unsigned half = 0; half < 2; half++) {
        const int16_t *__restrict a = q[half];
        const int16_t *__restrict b = k + half * PART_BLOCKS * BLOCK;
        NPU_LOOP_AT_LEAST(8)
        for (unsigned channel = 0; channel < PART_BLOCKS; channel++) {
            auto a0 = aie::load_v<BLOCK>(a), a1 = aie::load_v<BLOCK>(a + PART_BLOCKS * BLOCK);
            auto b0 = aie::transpose(aie::load_v<BLOCK>(b), 4, 4);
            auto b1 = aie::transpose(aie::load_v<BLOCK>(b + CHANNEL_BLOCKS * BLOCK), 4, 4);
            auto b2 = aie::transpose(aie::load_v<BLOCK>(b + 2 * CHANNEL_BLOCKS * BLOCK), 4, 4);
            auto b3 = aie::transpose(aie::load_v<BLOCK>(b + 3 * CHANNEL_BLOCKS * BLOCK), 4, 4);
            c00.mac(a0, b0), c01.mac(a0, b1), c02.mac(a0, b2), c03.mac(a0, b3);
            c10.mac(a1, b0), c11.mac(a1, b1), c12.mac(a1, b2), c13.mac(a1, b3);
            a += BLOCK;
            b += BLOCK;
        }
    }
    aie::store_v(s, c00.to_vector<int32_t>(shift));
    aie::store_v(s + BLOCK, c01.to_vector<int32_t>(shift));
    aie::store_v(s + 2 * BLOCK, c02.to_vector<int32_t>(shift));
    aie::store_v(s + 3 * BLOCK, c03.to_vector<int32_t>(shift));
    s += PART_BLOCKS * BLOCK;
    aie::store_v(s, c10.to_vector<int32_t>(shift));
    aie::store_v(s + BLOCK, c11.to_vector<int32_t>(shift));
    aie::store_v(s + 2 * BLOCK, c12.to_vector<int32_t>(shift));
    aie::store_v(s + 3 * BLOCK, c13.to_vector<int32_t>(shift));
}

/* Keys from `valid` on take no part. */
static inline void mask_keys(int32_t *s, int32_t valid)
{
    for (int32_t key = 0; key < PART_KEYS; key += 4) {
        int32_t left = valid - key;
        uint32_t row = left >= 4 ? 0 : left <= 0 ? 15 : 15u << left & 15;
        auto out = aie::mask<16>::from_uint32(row * 0x1111);
        lanes v = aie::load_v<16>(s + 4 * key);
        aie::store_v(s + 4 * key, aie::select(v, masked, out));
    }
}

/* ceil(m / 64) of each row's largest score, in all four lanes of the row. */
static inline lanes octaves(const int32_t *s)
{
    lanes most = aie::load_v<16>(s);
    NPU_LOOP_AT_LEAST(7)
    for (unsigned i = 1; i < PART_BLOCKS; i++)
        most = aie::max(most, aie::load_v<16>(s + i * BLOCK));
    most = aie::transpose(most, 4, 4);
    most = aie::max(most, aie::shuffle_down_rotate(most, 8));
    most = aie::max(most, aie::shuffle_down_rotate(most, 4));
    aie::accum<acc64, 16> twice(aie::transpose(most, 4, 4), 1);
    /* (2 m + 63) / 128 rounded to nearest is ceil(m / 64); it never ties. */
    return aie::add(twice, aie::broadcast<int32_t, 16>(63)).to_vector<int32_t>(7);
}

/* One row block's scores into p, relative to the octave reached so far. */
static inline void index_row(const int32_t *__restrict s, int32_t *octave, int16_t *p, int32_t part)
{
    lanes old = aie::load_v<16>(octave);
    lanes reached = aie::max(old, octaves(s));
    aie::store_v(octave, reached);
    aie::accum<acc64, 16> top(reached, 6);
    int16_t *here = p + part * PART_BLOCKS * BLOCK;
    NPU_LOOP_AT_LEAST(8)
    for (unsigned i = 0; i < PART_BLOCKS; i++) {
        auto index = aie::sub(top, aie::load_v<16>(s + i * BLOCK));
        aie::store_v(here + i * BLOCK, index.to_vector<int16_t>(0));
    }
    if (part == 0 || aie::lt(old, reached).empty())
        return;
    aie::accum<acc64, 16> rise(aie::sub(reached, old), 6);
    NPU_LOOP_AT_LEAST(8)
    for (unsigned i = 0; i < PART_BLOCKS; i++) {
        auto index = aie::add(rise, aie::load_v<16>(p + i * BLOCK));
        aie::store_v(p + i * BLOCK, index.to_vector<int16_t>(0));
    }
}

extern "C" void npu_attention_scores(const int32_t *job, const int16_t *q0, const int16_t *q1,
                                     const int16_t *k, int32_t *state, int16_t *p, int32_t block,
                                     int32_t part)
{
    alignas(aie::vector_decl_align) int32_t s[2 * PART_BLOCKS * BLOCK];
    int shift = npu_core_job_of(job)->shift;
    int32_t valid = npu_core_job_of(job)->keys - (2 * block + part) * PART_KEYS;
    npu_core_set_modes();
    for (unsigned row = 0; row < ROW_BLOCKS; row += 2) {
        const unsigned at = row * PART_BLOCKS * BLOCK;
        const int16_t *const q[2] = {q0 + at, q1 + at};
        score_blocks(q, k, shift, s);
        score_blocks(q, k + 4 * CHANNEL_BLOCKS * BLOCK, shift, s + 4 * BLOCK);
        for (unsigned i = 0; i < 2; i++) {
            int32_t *scores = s + i * PART_BLOCKS * BLOCK;
            if (valid < PART_KEYS)
                mask_keys(scores, valid);
            index_row(scores, state + OCTAVE + (row + i) * BLOCK,
                      p + (row + i) * CHANNEL_BLOCKS * BLOCK, part);
        }
    }
}

/* Blocks of o and one of sums, four rows of them, by every row's own shift. */
static inline void rescale_rows(const int32_t *octave, const int32_t *before, int32_t *o,
                                int32_t *sum)
{
    for (unsigned row = 0; row < 4; row++) {
        int32_t rise = octave[4 * row] - before[4 * row];
        int shift = rise < 40 ? rise : 40;
        auto mine = aie::mask<16>::from_uint32(15u << 4 * row);
        if (shift == 0)
            continue;
        NPU_LOOP_AT_LEAST(16)
        for (unsigned i = 0; i < CHANNEL_BLOCKS; i++) {
            lanes v = aie::load_v<16>(o + i * BLOCK);
            lanes scaled = aie::accum<acc64, 16>(v).to_vector<int32_t>(shift);
            aie::store_v(o + i * BLOCK, aie::select(v, scaled, mine));
        }
        lanes l = aie::load_v<16>(sum);
        lanes scaled = aie::accum<acc64, 16>(l).to_vector<int32_t>(shift);
        aie::store_v(sum, aie::select(l, scaled, mine));
    }
}

extern "C" void npu_attention_weights(const int16_t *lut_ab, const int16_t *lut_cd, int32_t *state,
                                      int16_t *p, int32_t *o)
{
    using table = aie::lut<4, int16_t>;
    constexpr int16_t entries = 1024;
    aie::parallel_lookup<int16_t, table, aie::lut_oor_policy::truncate> lookup(
        table(entries, lut_ab, lut_cd));
    const auto ones = aie::broadcast<int16_t, BLOCK>(1);
    npu_core_set_modes();
    for (unsigned row = 0; row < ROW_BLOCKS; row++) {
        int32_t *octave = state + OCTAVE + row * BLOCK, *before = state + BEFORE + row * BLOCK;
        int32_t *sum = state + SUM + row * BLOCK;
        lanes reached = aie::load_v<16>(octave), old = aie::load_v<16>(before);
        if (before[0] != no_octave && !aie::lt(old, reached).empty())
            rescale_rows(octave, before, o + row * CHANNEL_BLOCKS * BLOCK, sum);
        aie::store_v(before, reached);
        product sums(aie::accum<acc64, 16>(aie::load_v<16>(sum)));
        NPU_LOOP_AT_LEAST(8)
        for (unsigned i = 0; i < CHANNEL_BLOCKS; i += 2, p += 2 * BLOCK) {
            auto index = aie::load_v<2 * BLOCK>(p);
            auto weight = lookup.fetch(index);
            weight = aie::select(weight, (int16_t)0, aie::ge(index, entries));
            aie::store_v(p, weight);
            sums.mac(weight.extract<BLOCK>(0), ones);
            sums.mac(weight.extract<BLOCK>(1), ones);
        }
        aie::store_v(sum, sums.to_vector<int32_t>(0));
    }
}

static inline void add_values(int32_t *o, const product &c)
{
    aie::store_v(o, aie::add(aie::load_v<BLOCK>(o), c.to_vector<int32_t>(10)));
}

extern "C" void npu_attention_values(const int16_t *p, const int16_t *v, int32_t *o, int32_t part)
{
    constexpr unsigned row_of_p = CHANNEL_BLOCKS * BLOCK;
    npu_core_set_modes();
    for (unsigned row = 0; row < ROW_BLOCKS; row += 4) {
        for (unsigned column = 0; column < PART_BLOCKS; column += 2) {
            product c00, c01, c10, c11, c20, c21, c30, c31;
            const int16_t *__restrict a = p + row * row_of_p;
            const int16_t *__restrict b = v + column * BLOCK;
            NPU_LOOP_AT_LEAST(16)
            for (unsigned key = 0; key < CHANNEL_BLOCKS; key++) {
                auto a0 = aie::load_v<BLOCK>(a), a1 = aie::load_v<BLOCK>(a + row_of_p);
                auto a2 = aie::load_v<BLOCK>(a + 2 * row_of_p);
                auto a3 = aie::load_v<BLOCK>(a + 3 * row_of_p);
                auto b0 = aie::load_v<BLOCK>(b), b1 = aie::load_v<BLOCK>(b + BLOCK);
                c00.mac(a0, b0), c01.mac(a0, b1), c10.mac(a1, b0), c11.mac(a1, b1);
                c20.mac(a2, b0), c21.mac(a2, b1), c30.mac(a3, b0), c31.mac(a3, b1);
                a += BLOCK;
                b += PART_BLOCKS * BLOCK;
            }
            int32_t *to =
                o + (row * CHANNEL_BLOCKS + PART_BLOCKS * (unsigned)part + column) * BLOCK;
            add_values(to, c00), add_values(to + BLOCK, c01);
            add_values(to + row_of_p, c10), add_values(to + row_of_p + BLOCK, c11);
            add_values(to + 2 * row_of_p, c20), add_values(to + 2 * row_of_p + BLOCK, c21);
            add_values(to + 3 * row_of_p, c30), add_values(to + 3 * row_of_p + BLOCK, c31);
        }
    }
}

/* min(32767, (2^(e + 15) + (l >> 1)) / l) of 16 lanes by long division, 2^e <= l < 2^(e + 1). The
 * remainder stays at or below l < 2^26, so that nothing overflows; l = 2^e ends in 32768,
 * saturated. */
static inline aie::vector<int16_t, 16> reciprocals(const lanes &l, const lanes &power)
{
    const lanes one = aie::broadcast<int32_t, 16>(1);
    lanes rest = power, quotient = aie::zeros<int32_t, 16>();
    NPU_LOOP_AT_LEAST(15)
    for (unsigned bit = 0; bit < 15; bit++) {
        rest = aie::add(rest, rest);
        auto fits = aie::ge(rest, l);
        rest = aie::select(rest, aie::sub(rest, l), fits);
        quotient = aie::add(quotient, quotient);
        quotient = aie::select(quotient, aie::add(quotient, one), fits);
    }
    /* rest + (l >> 1) >= l, with l >> 1 = (l - l % 2) / 2 */
    lanes twice = aie::add(aie::add(rest, rest), aie::sub(l, aie::bit_and((int32_t)1, l)));
    auto up = aie::ge(twice, aie::add(l, l));
    quotient = aie::select(quotient, aie::add(quotient, one), up);
    return aie::accum<acc64, 16>(quotient).to_vector<int16_t>(0);
}

extern "C" void npu_attention_finish(const int32_t *state, const int32_t *o, int16_t *out,
                                     int32_t part)
{
    npu_core_set_modes();
    for (unsigned row = 0; row < ROW_BLOCKS; row++) {
        const int32_t *sum = state + SUM + row * BLOCK;
        alignas(aie::vector_decl_align) int32_t power[BLOCK];
        int shift[4]; /* 15 + e - 10 */
        for (unsigned i = 0; i < 4; i++) {
            int e = 31 - __builtin_clz((uint32_t)sum[4 * i]);
            shift[i] = 5 + e;
            for (unsigned j = 0; j < 4; j++)
                power[4 * i + j] = 1 << e;
        }
        auto reciprocal = reciprocals(aie::load_v<16>(sum), aie::load_v<16>(power));
        const int32_t *from = o + (row * CHANNEL_BLOCKS + PART_BLOCKS * (unsigned)part) * BLOCK;
        for (unsigned i = 0; i < PART_BLOCKS; i++, out += BLOCK) {
            auto scaled = aie::mul<acc64>(aie::load_v<16>(from + i * BLOCK), reciprocal);
            auto v = scaled.to_vector<int16_t>(shift[0]);
            for (unsigned j = 1; j < 4; j++)
                v = aie::select(v, scaled.to_vector<int16_t>(shift[j]),
                                aie::mask<16>::from_uint32(15u << 4 * j));
            aie::store_v(out, v);
        }
    }
}
