/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avxvnni/init.h"
#include "kernels/avx2/attention_int.h"

void npu_attention_s16s16_avxvnni(const struct npu_attention_int_args *args, void *scratch)
{
    npu_attention_int_avx2(args, scratch, npu_tile_s16s16_avxvnni, 2);
}
