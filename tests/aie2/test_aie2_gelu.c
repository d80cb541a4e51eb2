/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fixed_gelu on a core against kernels/ref: every value of the table's range, the ends, all shifts,
 * tables as real ones and of random numbers; and the look-up table's copies. */
#include "kernels/kernels.h"
#include "tests/aie2/kit.h"
#include "tests/check.h"

#include <math.h>

struct data {
    struct npu_core_job job;
    struct kit_buffer object, words, ab, cd;
};

static void begin(struct data *d)
{
    d->job.lut = 1;
    memcpy(d->object.data, &d->job, sizeof(d->job));
    npu_job_begin(d->object.data, d->words.data, d->ab.data, d->cd.data);
}

/* h(a) = a / 2 erfc(a / sqrt 2) in steps of 32 fine units, `range` = 32768 units. */
static void real_table(struct data *d, double range)
{
    double unit = range / 32768;
    for (int i = 0; i < NPU_FIXED_GELU_ENTRIES; i++) {
        double a = 32 * i * unit;
        d->job.table[i] = (int16_t)lrint(a / 2 * erfc(a / sqrt(2)) / unit);
    }
}

static void random_table(struct data *d)
{
    for (int i = 0; i < NPU_FIXED_GELU_ENTRIES; i++)
        d->job.table[i] = (int16_t)kit_range(0, 32767);
}

/* n values; NULL or what differs. */
static const char *run(struct data *d, const int32_t *values, int n)
{
    static char why[160];
    static int16_t expected[8192];
    const char *result = NULL;
    struct kit_buffer u = kit_buffer_new((size_t)n * 4), out = kit_buffer_new((size_t)n * 2);
    struct npu_fixed_gelu_args args = {.g = expected,
                                       .u = values,
                                       .table = d->job.table,
                                       .ldg = n,
                                       .ldu = n,
                                       .m = 1,
                                       .n = n,
                                       .shift = d->job.gelu_shift};
    npu_fixed_gelu_s32s16_ref(&args);
    memcpy(u.data, values, (size_t)n * 4);
    npu_gelu_s32s16(d->words.data, d->ab.data, d->cd.data, u.data, out.data, n);
    for (int i = 0; i < n && !result; i++) {
        if (((int16_t *)out.data)[i] == expected[i])
            continue;
        snprintf(why, sizeof(why), "shift %d: gelu(%d) is %d, expected %d", d->job.gelu_shift,
                 values[i], ((int16_t *)out.data)[i], expected[i]);
        result = why;
    }
    if (!kit_buffer_intact(&u) || !kit_buffer_intact(&out))
        result = "wrote outside a buffer";
    kit_buffer_free(&u);
    kit_buffer_free(&out);
    return result;
}

/* All of -65536 .. 65535. */
static const char *run_all(struct data *d)
{
    static int32_t values[8192];
    const char *why = NULL;
    for (int start = -65536; start < 65536 && !why; start += 8192) {
        for (int i = 0; i < 8192; i++)
            values[i] = start + i;
        why = run(d, values, 8192);
    }
    return why;
}

static void check_table(struct data *d, const char *name, bool real)
{
    const char *why = NULL;
    for (int shift = 0; shift <= 15 && !why; shift += 3) {
        real ? real_table(d, 6 + shift / 2.5) : random_table(d);
        d->job.gelu_shift = shift;
        begin(d);
        why = run_all(d);
    }
    check_case(!why, name, "%s", why ? why : "131072 values, shifts 0 to 15");
}

static void check_far(struct data *d)
{
    static const int sizes[] = {32, 512, 2048}; /* the latter two are the prototype's kernels */
    static int32_t values[2048];
    const char *why = NULL;
    for (int round = 0; round < 30 && !why; round++) {
        random_table(d);
        d->job.gelu_shift = round % 16;
        begin(d);
        for (int i = 0; i < 2048; i++) {
            int bits = kit_range(0, 30);
            values[i] =
                i % 7 == 0 ? (i & 1 ? -(1 << 30) : 1 << 30) : kit_range(-(1 << bits), 1 << bits);
        }
        why = run(d, values, sizes[round % 3]);
    }
    check_case(!why, "gelu_far_values_equal_ref", "%s", why ? why : "up to 2^30");
}

static void check_copies(struct data *d)
{
    int bad = 0;
    random_table(d);
    begin(d);
    for (int i = 0; i < 1024; i++)
        for (int copy = 0; copy < 4; copy++) {
            const int16_t *lut = copy & 1 ? d->cd.data : d->ab.data;
            bad += lut[i / 8 * 16 + copy / 2 * 8 + i % 8] != d->job.table[i];
        }
    bad += memcmp(d->words.data, &d->job, sizeof(d->job)) != 0;
    bad +=
        !kit_buffer_intact(&d->ab) || !kit_buffer_intact(&d->cd) || !kit_buffer_intact(&d->words);
    check_case(bad == 0, "job_begin_table_is_copied_four_times", "%d differ", bad);
}

static void check_no_table(struct data *d)
{
    struct kit_buffer ab = kit_buffer_new(0);
    d->job.lut = 0;
    memcpy(d->object.data, &d->job, sizeof(d->job));
    npu_job_begin(d->object.data, d->words.data, ab.data, ab.data);
    check_case(kit_buffer_intact(&ab) && memcmp(d->words.data, &d->job, sizeof(d->job)) == 0,
               "job_begin_without_table_leaves_lut_alone", "it was written");
    kit_buffer_free(&ab);
}

int main(void)
{
    static struct data data;
    kit_start();
    struct kit_buffer *buffers[] = {&data.object, &data.words, &data.ab, &data.cd};
    for (int i = 0; i < 4; i++)
        *buffers[i] = kit_buffer_new(4096);
    check_copies(&data);
    check_no_table(&data);
    check_table(&data, "gelu_real_table_equals_ref", true);
    check_table(&data, "gelu_random_table_equals_ref", false);
    check_far(&data);
    for (int i = 0; i < 4; i++)
        kit_buffer_free(buffers[i]);
    return check_finish();
}
