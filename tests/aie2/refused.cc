// SPDX-License-Identifier: LGPL-2.1-or-later
// What AIE2 lacks must not compile against the stand-in either: every CASE but 0 is refused.
#include <aie_api/aie.hpp>

void f()
{
#if CASE == 0
    aie::mmul<4, 8, 8, int8_t, int8_t> c;
    aie::vector<int32_t, 16> v;
    aie::accum<acc64, 16> a(v);
#elif CASE == 1  // no such product
    aie::mmul<8, 8, 8, int16_t, int16_t> c;
#elif CASE == 2  // accumulates in 64 bit
    aie::mmul<4, 4, 4, int16_t, int16_t, acc32> c;
#elif CASE == 3  // no vectors of 64 bit lanes
    aie::vector<int64_t, 8> v;
#elif CASE == 4  // no vectors of 48 bytes
    aie::vector<int16_t, 24> v;
#elif CASE == 5  // nothing wider to unpack 32 bit into
    aie::vector<int32_t, 16> v;
    v.unpack();
#elif CASE == 6  // products of 32 bit need acc64
    aie::vector<int32_t, 16> v;
    aie::vector<int16_t, 16> w;
    aie::mul<acc32>(v, w);
#elif CASE == 7  // no pack from 32 bit
    aie::vector<int32_t, 16> v;
    v.pack();
#elif CASE == 8  // no accumulators of 48 bytes
    aie::accum<acc32, 12> a;
#elif CASE == 9  // no table of one access
    aie::lut<1, int16_t> l(1, nullptr, nullptr);
#elif CASE == 10 // no floating point here
    aie::vector<float, 16> v;
#endif
}
