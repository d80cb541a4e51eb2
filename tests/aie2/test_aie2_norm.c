/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fixed_norm on a core against kernels/ref: every width, with multipliers and as the final norm,
 * rows of all magnitudes and shapes. */
#include "kernels/kernels.h"
#include "tests/aie2/kit.h"
#include "tests/check.h"

#include <math.h>

enum { ROWS = 4 };
enum shape { EQUAL, ZERO, SPIKE, SWING, STEP, RANDOM, EXTREMES, RAMP, SHAPES };

/* Row i of d values, magnitude up to 2^bits. */
static void fill_row(int32_t *x, int d, enum shape shape, int bits)
{
    int32_t most = bits ? (int32_t)(UINT32_C(1) << bits) : 0;
    int32_t level = kit_range(-most, most);
    int spike = kit_range(0, d - 1);
    for (int i = 0; i < d; i++) {
        switch (shape) {
        case EQUAL:
            x[i] = level;
            break;
        case SPIKE:
            x[i] = i == spike ? most : 0;
            break;
        case SWING:
            x[i] = i & 1 ? most : -most;
            break;
        case STEP:
            x[i] = i < d / 2 ? most : most - 1;
            break;
        case RANDOM:
            x[i] = kit_range(-most, most);
            break;
        case EXTREMES:
            x[i] = i % 16 == 15 ? -most : i % 16 == 0 ? most : kit_range(-most, most);
            break;
        case RAMP:
            x[i] = (int32_t)((int64_t)most * (2 * i - d) / d);
            break;
        default:
            x[i] = 0;
        }
    }
}

static void fill_job(struct npu_core_job *job, int d, int fraction, bool final)
{
    memset(job, 0x5a, sizeof(*job));
    job->d = d;
    job->final = final;
    job->lut = 0;
    job->shift = final ? 10 : kit_range(0, 16);
    job->u.norm.inv_d = llrint(ldexp(1, 40) / d);
    job->u.norm.eps = llrint(ldexp(d * 1e-5, 2 * fraction));
    job->u.norm.sqrt_d = llrint(ldexp(sqrt(d), 10));
    for (int i = 0; i < d; i++)
        job->table[i] = (int16_t)(i % 5 ? kit_range(0, 32767) : 32767);
}

/* Four rows of one shape and magnitude; NULL or what differs. */
static const char *run(int d, enum shape shape, int bits, bool final)
{
    static char why[160];
    static int16_t expected[ROWS * NPU_JOB_NORM_D];
    const char *result = NULL;
    struct kit_buffer object = kit_buffer_new(4096), words = kit_buffer_new(4096);
    struct kit_buffer x = kit_buffer_new((size_t)(ROWS * d) * 4);
    struct kit_buffer y = kit_buffer_new((size_t)(ROWS * d) * 2);
    struct npu_core_job job;

    fill_job(&job, d, bits % 3 ? 14 : 10, final);
    memcpy(object.data, &job, sizeof(job));
    npu_job_begin(object.data, words.data, NULL, NULL);
    for (int i = 0; i < ROWS; i++)
        fill_row((int32_t *)x.data + i * d, d, shape, bits);
    struct npu_fixed_norm_args args = {.y = expected,
                                       .x = x.data,
                                       .mult = final ? NULL : job.table,
                                       .ldy = d,
                                       .ldx = d,
                                       .m = ROWS,
                                       .d = d,
                                       .shift = job.shift,
                                       .inv_d = job.u.norm.inv_d,
                                       .eps = job.u.norm.eps,
                                       .sqrt_d = job.u.norm.sqrt_d};
    npu_fixed_norm_s32s16_ref(&args);
    npu_norm_s32s16(words.data, x.data, y.data, ROWS);
    for (int i = 0; i < ROWS * d && !result; i++) {
        if (((int16_t *)y.data)[i] == expected[i])
            continue;
        snprintf(why, sizeof(why), "d %d, shape %d, 2^%d: [%d][%d] is %d, expected %d", d, shape,
                 bits, i / d, i % d, ((int16_t *)y.data)[i], expected[i]);
        result = why;
    }
    if (!kit_buffer_intact(&x) || !kit_buffer_intact(&y) || !kit_buffer_intact(&words))
        result = "wrote outside a buffer";
    kit_buffer_free(&object);
    kit_buffer_free(&words);
    kit_buffer_free(&x);
    kit_buffer_free(&y);
    return result;
}

static void check_width(int d, bool final)
{
    const char *why = NULL;
    char name[64];
    for (int shape = 0; shape < SHAPES && !why; shape++)
        for (int bits = 0; bits <= 30 && !why; bits++)
            why = run(d, (enum shape)shape, bits, final);
    snprintf(name, sizeof(name), "norm_%d_%s_equals_ref", d, final ? "final" : "scaled");
    check_case(!why, name, "%s", why ? why : "992 rows");
}

int main(void)
{
    kit_start();
    for (int d = 64; d <= NPU_JOB_NORM_D; d += 64) {
        check_width(d, false);
        check_width(d, true);
    }
    return check_finish();
}
