/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stand-in for aie_api: conversions at their ties and ends, products against scalar sums,
 * look-ups, what moves lanes, the modes, and the table of entry points. Expected values are written
 * out or come from plain loops in 128 bit. */
#include "kernels/aie2/host/registry.h"

extern "C" {
#include "tests/aie2/kit.h"
}
#include "tests/check.h"

#include <aie_api/aie.hpp>

#include <thread>

namespace
{

using aie::rounding_mode;
using aie::saturation_mode;

constexpr rounding_mode all_modes[] = {
    rounding_mode::floor,          rounding_mode::ceil,          rounding_mode::symmetric_floor,
    rounding_mode::symmetric_ceil, rounding_mode::negative_inf,  rounding_mode::positive_inf,
    rounding_mode::symmetric_zero, rounding_mode::symmetric_inf, rounding_mode::conv_even,
    rounding_mode::conv_odd};
const char *const mode_names[] = {
    "floor",        "ceil",           "symmetric_floor", "symmetric_ceil", "negative_inf",
    "positive_inf", "symmetric_zero", "symmetric_inf",   "conv_even",      "conv_odd"};

/* Quarters: a / 4 for these a, in every mode. */
constexpr int quarters[12] = {-7, -6, -5, -3, -2, -1, 1, 2, 3, 5, 6, 7};
constexpr int rounded[10][12] = {
    {-2, -2, -2, -1, -1, -1, 0, 0, 0, 1, 1, 1}, {-1, -1, -1, 0, 0, 0, 1, 1, 1, 2, 2, 2},
    {-1, -1, -1, 0, 0, 0, 0, 0, 0, 1, 1, 1},    {-2, -2, -2, -1, -1, -1, 1, 1, 1, 2, 2, 2},
    {-2, -2, -1, -1, -1, 0, 0, 0, 1, 1, 1, 2},  {-2, -1, -1, -1, 0, 0, 0, 1, 1, 1, 2, 2},
    {-2, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 2},   {-2, -2, -1, -1, -1, 0, 0, 1, 1, 1, 2, 2},
    {-2, -2, -1, -1, 0, 0, 0, 0, 1, 1, 2, 2},   {-2, -1, -1, -1, -1, 0, 0, 1, 1, 1, 1, 2}};

template <typename Tag, typename T> T srs_one(aie::host::lane<Tag> a, int shift)
{
    auto acc = aie::zeros<Tag, 16>();
    acc.data[5] = a;
    return acc.template to_vector<T>(shift)[5];
}

void check_ties()
{
    aie::set_saturation(saturation_mode::saturate);
    for (int m = 0; m < 10; m++) {
        int bad = 0;
        char name[64];
        aie::set_rounding(all_modes[m]);
        for (int i = 0; i < 12; i++) {
            int64_t a = quarters[i];
            bad += srs_one<acc32, int16_t>((int32_t)a, 2) != rounded[m][i];
            bad += srs_one<acc32, int8_t>((int32_t)a, 2) != rounded[m][i];
            bad += srs_one<acc64, int16_t>(a, 2) != rounded[m][i];
            bad += srs_one<acc64, int32_t>(a, 2) != rounded[m][i];
            /* The same fractions as high bits of the accumulator. */
            bad += srs_one<acc64, int32_t>(a * (INT64_C(1) << 59), 61) != rounded[m][i];
            bad += srs_one<acc32, int16_t>((int32_t)(a * (1 << 28)), 30) != rounded[m][i];
            bad += srs_one<acc64, int32_t>(a, 0) != a; /* whole numbers are no ties */
            bad += srs_one<acc64, int32_t>(a * 4, 2) != a;
        }
        snprintf(name, sizeof name, "srs_%s_ties_as_tabled", mode_names[m]);
        check_case(bad == 0, name, "%d of 96 differ", bad);
    }
}

/* Nearest even by remainder, in 128 bit. */
int64_t nearest_even(int64_t a, int shift)
{
    __int128 one = (__int128)1 << shift, r = a >= 0 ? a / one : -((-(__int128)a + one - 1) / one);
    __int128 rest = (__int128)a - r * one;
    if (2 * rest > one || (2 * rest == one && (r & 1)))
        r++;
    return (int64_t)r;
}

void check_every_shift()
{
    int bad = 0;
    aie::set_rounding(rounding_mode::conv_even);
    aie::set_saturation(saturation_mode::symmetric);
    for (int shift = 0; shift <= 63; shift++) {
        for (int i = 0; i < 400; i++) {
            int64_t a = (int64_t)((uint64_t)kit_random() << 32 | kit_random());
            if (i % 4 == 0 && shift > 0) /* a tie */
                a = (int64_t)(((uint64_t)a >> (shift - 1) | 1) << (shift - 1));
            if (i == 1 || i == 2)
                a = i == 1 ? INT64_MIN : INT64_MAX;
            int64_t r = nearest_even(a, shift);
            int64_t expected = r > INT32_MAX ? INT32_MAX : r < -INT32_MAX ? -INT32_MAX : r;
            bad += srs_one<acc64, int32_t>(a, shift) != expected;
        }
    }
    check_case(bad == 0, "srs_every_shift_equals_128_bit", "%d of 25600 differ", bad);
}

template <typename Tag, typename T> int saturation_errors()
{
    constexpr int64_t hi = std::numeric_limits<T>::max(), lo = std::numeric_limits<T>::min();
    constexpr int64_t one = 1;
    const int64_t values[] = {lo - 2,
                              lo - 1,
                              lo,
                              lo + 1,
                              -1,
                              0,
                              1,
                              hi - 1,
                              hi,
                              hi + 1,
                              hi + 2,
                              5 * hi,
                              std::numeric_limits<aie::host::lane<Tag>>::max(),
                              std::numeric_limits<aie::host::lane<Tag>>::min()};
    int bad = 0;
    for (int64_t value : values) {
        auto lane = (aie::host::lane<Tag>)value;
        if (lane != value)
            continue;
        aie::set_saturation(saturation_mode::none);
        bad += srs_one<Tag, T>(lane, 0) != (T)(uint64_t)value;
        aie::set_saturation(saturation_mode::saturate);
        bad += srs_one<Tag, T>(lane, 0) != (T)(value > hi ? hi : value < lo ? lo : value);
        aie::set_saturation(saturation_mode::symmetric);
        int64_t least = lo == 0 ? 0 : lo + one;
        bad += srs_one<Tag, T>(lane, 0) != (T)(value > hi ? hi : value < least ? least : value);
    }
    return bad;
}

void check_saturation()
{
    aie::set_rounding(rounding_mode::floor);
    int bad = saturation_errors<acc32, int8_t>() + saturation_errors<acc32, uint8_t>() +
              saturation_errors<acc32, int16_t>() + saturation_errors<acc32, uint16_t>();
    check_case(bad == 0, "srs_from_acc32_saturates_at_the_ends", "%d differ", bad);
    bad = saturation_errors<acc64, int16_t>() + saturation_errors<acc64, uint16_t>() +
          saturation_errors<acc64, int32_t>() + saturation_errors<acc64, uint32_t>();
    check_case(bad == 0, "srs_from_acc64_saturates_at_the_ends", "%d differ", bad);
    aie::set_saturation(saturation_mode::saturate);
    aie::set_rounding(rounding_mode::conv_even);
    bad = srs_one<acc32, int16_t>((32767 << 4) + 8, 4) != 32767; /* rounds up, then saturates */
    bad += srs_one<acc64, int32_t>(INT64_C(3), -3) != 24;
    bad += srs_one<acc64, int16_t>(INT64_C(30000), -2) != 32767;
    check_case(bad == 0, "srs_rounds_before_it_saturates", "%d differ", bad);
}

void check_ups()
{
    int bad = 0;
    aie::set_rounding(rounding_mode::conv_even);
    aie::set_saturation(saturation_mode::saturate);
    for (int shift = 0; shift <= 14; shift++) {
        aie::vector<int16_t, 32> v;
        aie::vector<int32_t, 16> w;
        for (unsigned i = 0; i < 32; i++)
            v[i] = kit_s16(KIT_EDGES, i);
        for (unsigned i = 0; i < 16; i++)
            w[i] = i % 4 == 0 ? INT32_MIN : i % 4 == 1 ? INT32_MAX : (int32_t)kit_random();
        aie::accum<acc32, 32> narrow(v, shift);
        aie::accum<acc64, 16> wide(w, 2 * shift);
        for (unsigned i = 0; i < 32; i++)
            bad += narrow.data[i] != v.data[i] * (1 << shift);
        for (unsigned i = 0; i < 16; i++)
            bad += wide.data[i] != w.data[i] * (INT64_C(1) << 2 * shift);
        bad += memcmp(narrow.to_vector<int16_t>(shift).data, v.data, sizeof v.data) != 0;
        bad += memcmp(wide.to_vector<int32_t>(2 * shift).data, w.data, sizeof w.data) != 0;
        aie::accum<acc64, 32> sixteen(v, shift);
        bad += memcmp(sixteen.to_vector<int16_t>(shift).data, v.data, sizeof v.data) != 0;
        bad += memcmp(wide.cast_to<acc32>().to_vector<int32_t>().data, wide.data,
                      sizeof wide.data) != 0;
    }
    check_case(bad == 0, "ups_and_srs_return_what_went_in", "%d differ", bad);
}

template <typename T> T operand(kit_pattern pattern, size_t i)
{
    if constexpr (sizeof(T) == 1)
        return kit_s8(pattern, i);
    else if constexpr (sizeof(T) == 2)
        return kit_s16(pattern, i);
    else
        return pattern == KIT_LOWEST ? INT32_MIN : pattern == KIT_MAX ? INT32_MAX : (T)kit_random();
}

/* Sums start near the accumulator's end and wrap. */
template <unsigned M, unsigned K, unsigned N, typename A, typename B>
void check_mmul(const char *name)
{
    using MMUL = aie::mmul<M, K, N, A, B>;
    using L = typename MMUL::accum_type::lane_type;
    int bad = 0;
    for (int p = 0; p < KIT_PATTERNS * KIT_PATTERNS; p++) {
        aie::vector<A, MMUL::size_A> a;
        aie::vector<B, MMUL::size_B> b;
        typename MMUL::accum_type start;
        for (unsigned i = 0; i < MMUL::size_A; i++)
            a[i] = operand<A>((kit_pattern)(p / KIT_PATTERNS), i);
        for (unsigned i = 0; i < MMUL::size_B; i++)
            b[i] = operand<B>((kit_pattern)(p % KIT_PATTERNS), i);
        for (unsigned i = 0; i < MMUL::size_C; i++)
            start.data[i] = i % 3 == 0   ? std::numeric_limits<L>::max() - (L)i
                            : i % 3 == 1 ? std::numeric_limits<L>::min()
                                         : (L)kit_random();
        MMUL sum(start), fresh, product;
        sum.mac(a, b);
        sum.mac(a, b);
        fresh.mac(a, b);
        product.mul(a, b);
        for (unsigned i = 0; i < M; i++)
            for (unsigned j = 0; j < N; j++) {
                __int128 dot = 0;
                for (unsigned k = 0; k < K; k++)
                    dot += (__int128)a.data[i * K + k] * b.data[k * N + j];
                bad += fresh.to_accum().data[i * N + j] != (L)dot;
                bad += product.to_accum().data[i * N + j] != (L)dot;
                bad += sum.to_accum().data[i * N + j] != (L)(start.data[i * N + j] + 2 * dot);
            }
    }
    check_case(bad == 0, name, "%d differ", bad);
}

void check_products()
{
    int bad = 0;
    for (int round = 0; round < 200; round++) {
        aie::vector<int32_t, 16> w;
        aie::vector<int16_t, 16> a, b;
        for (unsigned i = 0; i < 16; i++) {
            w[i] = i % 3 ? (int32_t)kit_random() : i % 2 ? INT32_MIN : INT32_MAX;
            a[i] = kit_s16(KIT_EDGES, i);
            b[i] = kit_s16(round % 2 ? KIT_LOWEST : KIT_RANDOM, i);
        }
        aie::accum<acc64, 16> wide = aie::mul<acc64>(w, a);
        aie::accum<acc32, 16> narrow = aie::mul(a, b);
        aie::accum<acc64, 16> more = aie::mac(wide, a, b), less = aie::msc(wide, a, b);
        aie::accum<acc64, 16> both = aie::add(more, w);
        aie::vector<int32_t, 16> x = aie::shuffle_down_rotate(w, 1);
        aie::accum<acc64, 16> widest = aie::mac(wide, w, x);
        for (unsigned i = 0; i < 16; i++) {
            int64_t product = (int64_t)w.data[i] * a.data[i],
                    small = (int64_t)a.data[i] * b.data[i];
            bad += wide.data[i] != product;
            bad += narrow.data[i] != (int32_t)small;
            bad += more.data[i] != product + small;
            bad += less.data[i] != product - small;
            bad += both.data[i] != product + small + w.data[i];
            __int128 sum = (__int128)w.data[i] * w.data[(i + 1) % 16] + product;
            bad += widest.data[i] != (int64_t)sum;
        }
        bad += aie::mac(aie::mul<acc64>(a, b), a, b).data[3] != 2 * (int64_t)a.data[3] * b.data[3];
        bad += aie::mul(a, (int16_t)7).data[9] != 7 * a.data[9];
    }
    check_case(bad == 0, "products_of_vectors_equal_scalars", "%d differ", bad);
}

void check_elementwise()
{
    int bad = 0;
    aie::vector<int16_t, 16> a, b;
    for (unsigned i = 0; i < 16; i++) {
        a[i] = (int16_t)(i * 4001 - 30000);
        b[i] = kit_s16(KIT_EDGES, i);
    }
    auto sum = aie::add(a, b), difference = aie::sub(a, b), least = aie::min(a, b),
         most = aie::max(a, b);
    auto lower = aie::lt(a, b);
    auto chosen = aie::select(a, b, lower);
    auto bits = aie::bit_and((int16_t)31, a);
    for (unsigned i = 0; i < 16; i++) {
        int16_t x = a.data[i], y = b.data[i];
        bad += sum[i] != (int16_t)(x + y) || difference[i] != (int16_t)(x - y);
        bad += least[i] != (x < y ? x : y) || most[i] != (x > y ? x : y);
        bad += lower.test(i) != (x < y) || chosen[i] != (x < y ? y : x);
        bad += aie::ge(a, b).test(i) == (x < y) || aie::eq(a, a[i]).test(i) != true;
        bad += bits[i] != (x & 31) || aie::abs(a)[i] != (x < 0 ? -x : x) || aie::neg(a)[i] != -x;
        bad +=
            aie::bit_or(a, b)[i] != (int16_t)(x | y) || aie::bit_xor(a, b)[i] != (int16_t)(x ^ y);
    }
    bad += aie::reduce_max(a) != 30015 || aie::reduce_min(a) != -30000;
    aie::vector<int32_t, 16> c = aie::broadcast<int32_t, 16>(7);
    c[2] = -100;
    bad += aie::reduce_add(c) != 5 || aie::reduce_max(c) != 7 || aie::reduce_min(c) != -100;
    aie::set_rounding(rounding_mode::floor);
    aie::set_saturation(saturation_mode::saturate);
    bad += aie::downshift(c, 3)[2] != -13 || aie::upshift(c, 26)[2] != INT32_MIN;
    bad += aie::logical_downshift(c, 28)[2] != 15;
    aie::set_rounding(rounding_mode::conv_even);
    bad += aie::downshift(c, 3)[2] != -12 || aie::downshift(c, 3)[0] != 1;
    check_case(bad == 0, "lane_by_lane_functions_equal_scalars", "%d differ", bad);
}

template <typename T, unsigned N> aie::vector<T, N> count(int first)
{
    aie::vector<T, N> v;
    for (unsigned i = 0; i < N; i++)
        v[i] = (T)(first + (int)i);
    return v;
}

template <typename T, unsigned N>
int differ(const aie::vector<T, N> &v, std::initializer_list<int> expected)
{
    int bad = expected.size() != N, i = 0;
    for (int value : expected)
        bad += v.data[i++] != (T)value;
    return bad;
}

void check_lanes()
{
    auto a = count<int32_t, 8>(0), b = count<int32_t, 8>(8);
    auto zipped = aie::interleave_zip(a, b, 2);
    int bad = differ(zipped.first, {0, 1, 8, 9, 2, 3, 10, 11}) +
              differ(zipped.second, {4, 5, 12, 13, 6, 7, 14, 15});
    auto back = aie::interleave_unzip(zipped.first, zipped.second, 2);
    bad += differ(back.first, {0, 1, 2, 3, 4, 5, 6, 7}) +
           differ(back.second, {8, 9, 10, 11, 12, 13, 14, 15});
    bad +=
        differ(aie::filter_even(a, 1), {0, 2, 4, 6}) + differ(aie::filter_odd(a, 2), {2, 3, 6, 7});
    bad += differ(aie::transpose(a, 2, 4), {0, 4, 1, 5, 2, 6, 3, 7});
    bad += differ(aie::shuffle_down(a, 3).extract<4>(0), {3, 4, 5, 6});
    bad += differ(aie::shuffle_up(a, 3).extract<4>(1), {1, 2, 3, 4});
    bad += differ(aie::shuffle_down_rotate(a, 5), {5, 6, 7, 0, 1, 2, 3, 4});
    bad += differ(aie::reverse(a), {7, 6, 5, 4, 3, 2, 1, 0});
    bad += differ(aie::concat(b.extract<4>(1), a.extract<4>(0)), {12, 13, 14, 15, 0, 1, 2, 3});
    bad += differ(a.insert(1, b.extract<4>(0)), {0, 1, 2, 3, 8, 9, 10, 11});
    auto c = count<int16_t, 8>(-4);
    bad += differ(c.grow<16>().extract<8>(0), {-4, -3, -2, -1, 0, 1, 2, 3});
    bad += differ(c.grow_replicate<16>().extract<8>(1), {-4, -3, -2, -1, 0, 1, 2, 3});
    bad += differ(c.cast_to<uint8_t>(),
                  {252, 255, 253, 255, 254, 255, 255, 255, 0, 0, 1, 0, 2, 0, 3, 0});
    auto d = count<int8_t, 16>(-8);
    bad += d.unpack()[0] != -8 || d.unpack().pack()[15] != 7;
    c.push(9);
    bad += differ(c, {9, -4, -3, -2, -1, 0, 1, 2});
    check_case(bad == 0, "lanes_move_as_written_out", "%d differ", bad);
}

/* 64 values in the four copies, of which copy `broken` is wrong; -1: all are right. */
template <typename V> void fill_copies(V *ab, V *cd, int broken)
{
    constexpr int row = 16 / sizeof(V);
    for (int i = 0; i < 64; i++)
        for (int copy = 0; copy < 4; copy++) {
            V *half = copy & 1 ? cd : ab;
            half[i / row * 2 * row + copy / 2 * row + i % row] = (V)(copy == broken ? -1 : 100 * i);
        }
}

template <typename V> int lookup_errors()
{
    using table = aie::lut<4, V>;
    alignas(32) V ab[128], cd[128];
    int bad = 0;
    fill_copies(ab, cd, -1);
    table lut(64, ab, cd);
    aie::parallel_lookup<int16_t, table> plain(lut), stepped(lut, 3, 32);
    aie::parallel_lookup<int16_t, table, aie::lut_oor_policy::truncate> wrapped(lut);
    auto keys = count<int16_t, 32>(-8);
    auto high = count<int16_t, 16>(56);
    for (unsigned i = 0; i < 32; i++) {
        int key = keys.data[i];
        bad += plain.fetch(keys)[i] != 100 * (key < 0 ? 0 : key);
        bad += wrapped.fetch(keys)[i] != 100 * (key & 63);
    }
    for (unsigned i = 0; i < 16; i++) {
        bad += plain.fetch(high)[i] != 100 * (56 + (int)i > 63 ? 63 : 56 + (int)i);
        auto at = aie::broadcast<int16_t, 16>((int16_t)(8 * (int)i - 8 * 40));
        bad += stepped.fetch(at)[i] != 100 * ((int)i - 8 < 0 ? 0 : (int)i - 8);
    }
    for (int broken = 0; broken < 4; broken++) {
        fill_copies(ab, cd, broken);
        int seen = 0;
        for (unsigned i = 0; i < 16; i++)
            seen += plain.fetch(high)[i] == (V)-1;
        bad += seen != 4; /* every copy serves a quarter of the lanes */
    }
    return bad;
}

void check_lookups()
{
    aie::set_rounding(rounding_mode::conv_even);
    aie::set_saturation(saturation_mode::symmetric);
    int bad = lookup_errors<int16_t>();
    check_case(bad == 0, "lookup_of_16_bit_values_takes_index_and_copy", "%d differ", bad);
    bad = lookup_errors<int32_t>();
    check_case(bad == 0, "lookup_of_32_bit_values_takes_index_and_copy", "%d differ", bad);
}

void check_modes()
{
    npu_core_modes_set({12, 3});
    int bad = aie::get_rounding() != rounding_mode::conv_even ||
              aie::get_saturation() != saturation_mode::symmetric;
    npu_core_modes fresh = {99, 99};
    std::thread([&fresh] { fresh = npu_core_modes_get(); }).join();
    bad += fresh.rounding != 0 || fresh.saturation != 0;
    aie::set_rounding(rounding_mode::ceil);
    bad += npu_core_modes_get().rounding != 1 || npu_core_modes_get().saturation != 3;
    bad += aie::swap_rounding(rounding_mode::floor) != rounding_mode::ceil;
    check_case(bad == 0, "modes_belong_to_the_thread_and_start_as_reset", "%d differ", bad);
}

/* aie2.h declares the functions of the table, with the table's arguments. */
void check_registry(const char *header)
{
    FILE *file = fopen(header, "r");
    char line[256], text[2048] = "";
    int bad = 0;
    uint32_t declared = 0, n;
    const npu_core_kernel *all = npu_core_kernels(&n);
    while (file && fgets(line, sizeof line, file)) {
        bool starts = strncmp(line, "void npu_", 9) == 0 || strncmp(line, "int32_t npu_", 12) == 0;
        if (!starts && !text[0])
            continue;
        strncat(text, line, sizeof text - strlen(text) - 1);
        if (!strchr(text, ';'))
            continue;
        char signature[16] = {text[0] == 'v' ? 'v' : 'i'}, *name = strstr(text, "npu_");
        int arguments = 1;
        *strchr(name, '(') = '\0';
        for (char *part = strtok(name + strlen(name) + 1, ","); part; part = strtok(nullptr, ","))
            signature[arguments++] = strchr(part, '*') ? 'p' : 'i';
        const npu_core_kernel *kernel = npu_core_kernel_find(name);
        if (!kernel || strcmp(kernel->args, signature) != 0) {
            printf("# %s is declared %s, the table has %s\n", name, signature,
                   kernel ? kernel->args : "nothing");
            bad++;
        }
        declared++;
        text[0] = '\0';
    }
    if (file)
        fclose(file);
    for (uint32_t i = 0; i < n; i++)
        bad += !all[i].fn || !all[i].bytes || !all[i].cycles ||
               npu_core_kernel_find(all[i].name) != &all[i];
    bad += npu_core_kernel_find("npu_gemm_step") != nullptr || npu_core_kernel_find("") != nullptr;
    check_case(bad == 0 && declared == n && n > 0, "registry_has_what_aie2_h_declares",
               "%u declared, %u in the table, %d wrong", declared, n, bad);
}

} // namespace

int main(int argc, char **argv)
{
    kit_start();
    check_ties();
    check_every_shift();
    check_saturation();
    check_ups();
    check_mmul<4, 8, 8, int8_t, int8_t>("mmul_4x8x8_s8s8_equals_scalar_sums");
    check_mmul<4, 4, 8, int16_t, int8_t>("mmul_4x4x8_s16s8_equals_scalar_sums");
    check_mmul<4, 4, 4, int16_t, int16_t>("mmul_4x4x4_s16s16_equals_scalar_sums");
    check_mmul<4, 2, 8, int16_t, int16_t>("mmul_4x2x8_s16s16_equals_scalar_sums");
    check_mmul<2, 4, 8, int16_t, int16_t>("mmul_2x4x8_s16s16_equals_scalar_sums");
    check_mmul<4, 4, 4, int32_t, int16_t>("mmul_4x4x4_s32s16_equals_scalar_sums");
    check_products();
    check_elementwise();
    check_lanes();
    check_lookups();
    check_modes();
    if (argc > 1)
        check_registry(argv[1]);
    else
        check_skip("registry_has_what_aie2_h_declares", "no path of aie2.h given");
    return check_finish();
}
