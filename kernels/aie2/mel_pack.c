/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/aie2/mel_pack.h"

#include <string.h>

enum {
    ROW = 8,
    GROUPS = 26,
    STEPS = 50
}; /* values of 128 bits; of four bins; of 4 even or odd n */

/* Both copies in each array, alternating every ROW values; the last row is filled up. */
static void fill_log(struct npu_core_mel *job, const int32_t *log2)
{
    for (int i = 0; i < NPU_MEL_LUT / 2; i++) {
        int entry = i < NPU_MEL_LOG2 ? i : NPU_MEL_LOG2 - 1;
        int16_t value = (int16_t)(log2[entry] - 256 * entry); /* 0 .. 5638 */
        int at = i / ROW * 2 * ROW + i % ROW;
        job->log_ab[at] = job->log_ab[at + ROW] = value;
        job->log_cd[at] = job->log_cd[at + ROW] = value;
    }
}

void npu_mel_pack_job(struct npu_core_mel *job, const struct npu_mel_tables *t, int gain)
{
    memset(job, 0, sizeof(*job));
    job->n_mels = t->n_mels;
    job->gain = gain;
    memcpy(job->offset, t->offset, sizeof(job->offset));
    for (int k = 0; k < NPU_MEL_BINS; k++) {
        job->filter[k] = t->filter[k];
        job->rise[k] = t->filter[k] < t->n_mels ? t->rise[k] : 0;
        job->fall[k] = t->filter[k] > 0 ? t->fall[k] : 0;
    }
    fill_log(job, t->log2);
}

/* One object: bins 4 group .. of the real or imaginary rows, even or odd n. */
static void fill_object(int32_t *c, const struct npu_mel_tables *t, int group, int row, int odd)
{
    for (int step = 0; step < STEPS; step++) {
        for (int bin = 4 * group; bin < 4 * group + 4; bin++) {
            for (int n = 8 * step + odd; n < 8 * step + 8; n += 2, c++) {
                bool used = bin <= NPU_MEL_BINS / 2;
                *c = used ? t->hi[row + bin][n] * (1 << 15) + t->lo[row + bin][n] : 0;
            }
        }
    }
}

void npu_mel_pack_constants(int32_t *c, const struct npu_mel_tables *t)
{
    for (int group = 0; group < GROUPS; group++) {
        for (int part = 0; part < 4; part++, c += NPU_MEL_CONSTANTS)
            fill_object(c, t, group, part < 2 ? 0 : NPU_MEL_BINS, part & 1);
    }
}
