/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx512vnni/init.h"
#include "kernels/avx512/attention_int.h"

void npu_attention_u8s8_avx512vnni(const struct npu_attention_int_args *args, void *scratch)
{
    npu_attention_int_avx512(args, scratch, npu_tile_u8s8_avx512vnni, 1);
}
