/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_CONVERT_H
#define NPU_MODEL_CONVERT_H
/* The number formats of weights files, and their way to f32. Sources are little-endian bytes at any
 * alignment. All functions are re-entrant and do not allocate. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum npu_dtype {
    NPU_DTYPE_F32,
    NPU_DTYPE_F16,
    NPU_DTYPE_BF16,
    /* ggml blocks of 32 values, ggml/src/ggml-common.h; h = f16, low nibbles hold values 0 .. 15 */
    NPU_DTYPE_Q4_0, /* h d, 16 bytes of nibbles: (q - 8) * d */
    NPU_DTYPE_Q4_1, /* h d, h m, 16 bytes of nibbles: q * d + m */
    NPU_DTYPE_Q5_0, /* h d, u32 fifth bits, 16 bytes of nibbles: (q - 16) * d */
    NPU_DTYPE_Q5_1, /* h d, h m, u32 fifth bits, 16 bytes of nibbles: q * d + m */
    NPU_DTYPE_Q8_0, /* h d, 32 signed bytes: q * d */
    NPU_DTYPE_READABLE,
    /* formats that tensors of other things in a file may have; they are sized, never read */
    NPU_DTYPE_OTHER8 = NPU_DTYPE_READABLE,
    NPU_DTYPE_OTHER16,
    NPU_DTYPE_OTHER32,
    NPU_DTYPE_OTHER64,
    NPU_DTYPE_UNKNOWN, /* not even sized: the file says how many bytes there are */
    NPU_DTYPE_COUNT
};

struct npu_dtype_info {
    const char *name;
    unsigned block;       /* values that are stored together: 1 or 32 */
    unsigned block_bytes; /* and their bytes */
};
extern const struct npu_dtype_info npu_dtypes[NPU_DTYPE_COUNT];

#define NPU_WEIGHT_LIMIT 1e4f /* |w| of every sane weight is below; the readers refuse others */

/* Convert `count` values, a multiple of the block. dst has 4-byte alignment and does not overlap
 * src. Returns whether every value is finite and below NPU_WEIGHT_LIMIT; where it is not, dst is
 * garbage. */
bool npu_convert(enum npu_dtype dtype, const uint8_t *src, size_t count, float *dst);

/* Value `index` alone, infinities and NaN kept, for messages about what npu_convert() refused. */
float npu_convert_one(enum npu_dtype dtype, const uint8_t *src, size_t index);

static inline uint16_t npu_load_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t npu_load_le32(const uint8_t *p)
{
    return npu_load_le16(p) | (uint32_t)npu_load_le16(p + 2) << 16;
}

static inline uint64_t npu_load_le64(const uint8_t *p)
{
    return npu_load_le32(p) | (uint64_t)npu_load_le32(p + 4) << 32;
}

#endif /* NPU_MODEL_CONVERT_H */
