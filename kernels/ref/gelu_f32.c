/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/ref/init.h"
#include "kernels/ref/gelu_f32.h"

void npu_gelu_f32_ref(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = npu_gelu_f32_scalar(x[i]);
}
