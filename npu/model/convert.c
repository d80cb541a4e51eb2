/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Weights to f32. The loops over plain values are written so that a compiler vectorises them for
 * the baseline of its target. Denormals survive even where the calling thread flushes them (an f16
 * denormal is a normal f32, and an integer conversion makes it). */
#include "npu/model/convert.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

const struct npu_dtype_info npu_dtypes[NPU_DTYPE_COUNT] = {
    [NPU_DTYPE_F32] = {"F32", 1, 4},
    [NPU_DTYPE_F16] = {"F16", 1, 2},
    [NPU_DTYPE_BF16] = {"BF16", 1, 2},
    [NPU_DTYPE_Q4_0] = {"q4_0", 32, 18},
    [NPU_DTYPE_Q4_1] = {"q4_1", 32, 20},
    [NPU_DTYPE_Q5_0] = {"q5_0", 32, 22},
    [NPU_DTYPE_Q5_1] = {"q5_1", 32, 24},
    [NPU_DTYPE_Q8_0] = {"q8_0", 32, 34},
    [NPU_DTYPE_OTHER8] = {"an 8-bit type", 1, 1},
    [NPU_DTYPE_OTHER16] = {"a 16-bit type", 1, 2},
    [NPU_DTYPE_OTHER32] = {"a 32-bit type", 1, 4},
    [NPU_DTYPE_OTHER64] = {"a 64-bit type", 1, 8},
    [NPU_DTYPE_UNKNOWN] = {"an unknown type", 1, 0},
};

#define LIMIT_BITS   0x461c4000 /* NPU_WEIGHT_LIMIT; infinities and NaN compare above it */
#define BITS_NO_SIGN 0x7fffffffu

static inline float float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint32_t bits_from_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* Negative when the value is out of range; the sign bits of many can be or-ed. */
static inline int32_t range_sign(uint32_t bits)
{
    return LIMIT_BITS - 1 - (int32_t)(bits & BITS_NO_SIGN);
}

/* Exact for all finite values. Infinities and NaN become 65536 and more, which the range check
 * refuses: so the loop needs no third case. */
static inline uint32_t half_to_bits(uint32_t half)
{
    uint32_t magnitude = half & 0x7fff;
    uint32_t normal = (magnitude << 13) + ((127u - 15u) << 23);
    uint32_t denormal = bits_from_float((float)(int32_t)magnitude * 0x1p-24f);
    uint32_t is_denormal = (uint32_t) - (int32_t)(magnitude < 0x400);
    return ((denormal & is_denormal) | (normal & ~is_denormal)) | (half & 0x8000) << 16;
}

static float half_to_float(uint16_t half)
{
    if ((half & 0x7c00) == 0x7c00)
        return float_from_bits((uint32_t)(half & 0x8000) << 16 | 0x7f800000u |
                               (uint32_t)(half & 0x3ff) << 13);
    return float_from_bits(half_to_bits(half));
}

static bool convert_f32(const uint8_t *restrict src, size_t count, float *restrict dst)
{
    int32_t signs = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, src + 4 * i, sizeof(bits));
        bits = le32toh(bits);
        signs |= range_sign(bits);
        dst[i] = float_from_bits(bits);
    }
    return signs >= 0;
}

static bool convert_f16(const uint8_t *restrict src, size_t count, float *restrict dst)
{
    int32_t signs = 0;
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, src + 2 * i, sizeof(half));
        uint32_t bits = half_to_bits(le16toh(half));
        signs |= range_sign(bits);
        dst[i] = float_from_bits(bits);
    }
    return signs >= 0;
}

static bool convert_bf16(const uint8_t *restrict src, size_t count, float *restrict dst)
{
    int32_t signs = 0;
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, src + 2 * i, sizeof(half));
        uint32_t bits = (uint32_t)le16toh(half) << 16;
        signs |= range_sign(bits);
        dst[i] = float_from_bits(bits);
    }
    return signs >= 0;
}

/* One block of 4-bit values and their fifth bits (0 for 4-bit formats): (q + bias) * d + m. A
 * format without m passes -0, which changes no bit of any sum. */
static void unpack_nibbles(const uint8_t *nibbles, uint32_t fifth, int bias, float d, float m,
                           float *dst)
{
    for (unsigned i = 0; i < 16; i++) {
        int low = (int)((nibbles[i] & 15u) | (fifth >> i & 1) << 4);
        int high = (int)((nibbles[i] >> 4u) | (fifth >> (i + 16) & 1) << 4);
        dst[i] = (float)(low + bias) * d + m;
        dst[i + 16] = (float)(high + bias) * d + m;
    }
}

static void unpack_block(enum npu_dtype dtype, const uint8_t *src, float *dst)
{
    float d = half_to_float(npu_load_le16(src));
    switch (dtype) {
    case NPU_DTYPE_Q4_0:
        unpack_nibbles(src + 2, 0, -8, d, -0.0f, dst);
        break;
    case NPU_DTYPE_Q4_1:
        unpack_nibbles(src + 4, 0, 0, d, half_to_float(npu_load_le16(src + 2)), dst);
        break;
    case NPU_DTYPE_Q5_0:
        unpack_nibbles(src + 6, npu_load_le32(src + 2), -16, d, -0.0f, dst);
        break;
    case NPU_DTYPE_Q5_1:
        unpack_nibbles(src + 8, npu_load_le32(src + 4), 0, d, half_to_float(npu_load_le16(src + 2)),
                       dst);
        break;
    default:
        assert(dtype == NPU_DTYPE_Q8_0);
        for (unsigned i = 0; i < 32; i++)
            dst[i] = (float)(int8_t)src[2 + i] * d;
        break;
    }
}

static bool convert_blocks(enum npu_dtype dtype, const uint8_t *src, size_t count, float *dst)
{
    int32_t signs = 0;
    for (size_t done = 0; done < count; done += 32) {
        unpack_block(dtype, src, dst + done);
        for (unsigned i = 0; i < 32; i++)
            signs |= range_sign(bits_from_float(dst[done + i]));
        src += npu_dtypes[dtype].block_bytes;
    }
    return signs >= 0;
}

bool npu_convert(enum npu_dtype dtype, const uint8_t *src, size_t count, float *dst)
{
    assert(dtype < NPU_DTYPE_READABLE && count % npu_dtypes[dtype].block == 0);
    switch (dtype) {
    case NPU_DTYPE_F32:
        return convert_f32(src, count, dst);
    case NPU_DTYPE_F16:
        return convert_f16(src, count, dst);
    case NPU_DTYPE_BF16:
        return convert_bf16(src, count, dst);
    default:
        return convert_blocks(dtype, src, count, dst);
    }
}

float npu_convert_one(enum npu_dtype dtype, const uint8_t *src, size_t index)
{
    assert(dtype < NPU_DTYPE_READABLE);
    float block[32];
    switch (dtype) {
    case NPU_DTYPE_F32:
        return float_from_bits(npu_load_le32(src + 4 * index));
    case NPU_DTYPE_F16:
        return half_to_float(npu_load_le16(src + 2 * index));
    case NPU_DTYPE_BF16:
        return float_from_bits((uint32_t)npu_load_le16(src + 2 * index) << 16);
    default:
        unpack_block(dtype, src + index / 32 * npu_dtypes[dtype].block_bytes, block);
        return block[index % 32];
    }
}
