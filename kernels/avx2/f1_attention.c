/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/avx2/init.h"
#include "kernels/ref/f1_attention.h"

void npu_f1_attention_s16_avx2(const struct npu_f1_attention_args *args)
{
    npu_f1_attention(args);
}
