/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2/init.h"
#include "kernels/ref/fixed_attention.h"

void npu_fixed_attention_s16_avx2(const struct npu_fixed_attention_args *args)
{
    npu_fixed_attention(args);
}
