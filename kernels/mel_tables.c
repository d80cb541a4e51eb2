/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The constants of the integer log-mel, the same for every implementation. */
#include "kernels/kernels.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

static int16_t clip16(double x)
{
    return (int16_t)fmin(fmax(rint(x), INT16_MIN), INT16_MAX);
}

/* The argument is reduced in integers, so cosine and window err by less than 2^-50; no product, in
 * units of 2^-30, is nearer than 3.5e-5 to the middle between two integers: every C library rounds
 * alike. */
static void init_transform(struct npu_mel_tables *t)
{
    double cosine[NPU_MEL_FRAME];
    for (int i = 0; i < NPU_MEL_FRAME; i++)
        cosine[i] = cos(2 * PI * i / NPU_MEL_FRAME);
    for (int k = 0; k < NPU_MEL_BINS; k++) {
        for (int n = 0; n < NPU_MEL_FRAME; n++) {
            int i = k * n % NPU_MEL_FRAME;
            /* -sin a = cos (a + 1/4 turn) */
            int turned = (i + NPU_MEL_FRAME / 4) % NPU_MEL_FRAME;
            double hann = 0.5 - 0.5 * cosine[n];
            double re = rint(hann * cosine[i] * 0x1p30), im = rint(hann * cosine[turned] * 0x1p30);
            t->hi[k][n] = clip16(re * 0x1p-15);
            t->lo[k][n] = clip16(re - t->hi[k][n] * 0x1p15);
            t->hi[NPU_MEL_BINS + k][n] = clip16(im * 0x1p-15);
            t->lo[NPU_MEL_BINS + k][n] = clip16(im - t->hi[NPU_MEL_BINS + k][n] * 0x1p15);
        }
    }
}

/* The Slaney scale: 200/3 Hz a mel up to 1000 Hz = 15 mel, then 27 steps for a factor of 6.4. */
static double hz_from_mel(double mel)
{
    return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

/* Height at bin k of the triangle from edge[0] over edge[1] to edge[2], in Hz; its peak is 1. */
static double triangle(const double *edge, int k)
{
    double rise = (k * 40.0 - edge[0]) / (edge[1] - edge[0]);
    double fall = (edge[2] - k * 40.0) / (edge[2] - edge[1]);
    return fmax(0, fmin(rise, fall));
}

static void init_bank(struct npu_mel_tables *t)
{
    const double top = 15 + log(8.0) * 27 / log(6.4); /* 8000 Hz */
    const int n = t->n_mels;
    double edge[NPU_MEL_MOST + 2];
    for (int j = 0; j < n + 2; j++)
        edge[j] = hz_from_mel(top * j / (n + 1));
    for (int k = 0, j = 0; k < NPU_MEL_BINS; k++) {
        while (j < n && k * 40.0 >= edge[j + 1])
            j++;
        t->filter[k] = (uint8_t)j;
    }
    for (int j = 0; j < n; j++) {
        double peak = 0;
        for (int k = 0; k < NPU_MEL_BINS; k++) {
            double height = triangle(edge + j, k);
            peak = height > peak ? height : peak; /* fmax() here stops gcc 12 for aarch64 */
        }
        for (int k = 0; k < NPU_MEL_BINS; k++) {
            int16_t weight = clip16(triangle(edge + j, k) / peak * INT16_MAX);
            if (t->filter[k] == j)
                t->rise[k] = weight;
            if (t->filter[k] == j + 1)
                t->fall[k] = weight;
        }
        /* Slaney's triangles have the area 1 over their base in Hz. */
        double scale = INT16_MAX / (peak * 2 / (edge[j + 2] - edge[j]));
        t->offset[j] = (int32_t)rint(65536 * (-30 - 2 * NPU_MEL_SPECTRUM_BITS - log2(scale)));
    }
}

void npu_mel_tables_init(struct npu_mel_tables *t, int n_mels)
{
    assert(n_mels == 80 || n_mels == 128);
    memset(t, 0, sizeof(*t));
    t->n_mels = n_mels;
    init_transform(t);
    init_bank(t);
    for (int i = 0; i < NPU_MEL_LOG2; i++)
        t->log2[i] = (int32_t)rint(65536 * log2(1 + i / 256.0));
}
