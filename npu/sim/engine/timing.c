/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/engine/timing.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LINES 10000 /* of a file of constants */

#define ROW(field, def, lo, hi, u, why)                                                 \
    {                                                                                   \
        .name = #field, .unit = u, .basis = why, .value = def, .least = lo, .most = hi, \
        .offset = offsetof(struct npu_sim_timing, field)                                \
    }

/* XE: measured on a Phoenix by the xdna-emu project; AM020: AMD's architecture manual. */
static const struct npu_sim_constant rows[] = {
    ROW(clock_mhz, 1000, 1, 10000, "MHz", "AM020 quotes 1 GHz; drivers set 800, 1024, 1309, 1600"),
    ROW(ddr_gb_per_s, 40, 0.001, 10000, "GB/s", "guess, shared memory of a laptop"),
    ROW(shim_bytes_per_cycle, 8, 0.001, 1024, "bytes/cycle", "AM020 ch. 3"),
    ROW(shim_read_word, 1.05, 0, 1000, "cycles/word", "XE"),
    ROW(shim_write_word, 1.0, 0, 1000, "cycles/word", "XE"),
    ROW(stream_word, 1.0, 0, 1000, "cycles/word", "AM020, XE; strided patterns too"),
    ROW(route_base, 4, 0, 100000, "cycles", "AM020 ch. 2"),
    ROW(route_hop, 4, 0, 100000, "cycles", "AM020 ch. 2; a hop is one tile"),
    ROW(bd_start, 4, 0, 100000, "cycles", "XE"),
    ROW(bd_chain, 2, 0, 100000, "cycles", "XE"),
    ROW(channel_start, 2, 0, 100000, "cycles", "XE"),
    ROW(lock, 1, 0, 100000, "cycles", "XE"),
    ROW(task_read, 325, 0, 1e6, "cycles", "XE"),
    ROW(task_write, 179, 0, 1e6, "cycles", "XE"),
    ROW(task_first_read, 1330, 0, 1e7, "cycles", "XE, first task of a channel in a launch"),
    ROW(task_first_write, 341, 0, 1e7, "cycles", "XE, first task of a channel in a launch"),
    ROW(sequence_blockwrite, 203, 0, 1e6, "cycles", "XE, 8 words"),
    ROW(sequence_patch, 100, 0, 1e6, "cycles", "guess, as a register write"),
    ROW(sequence_push, 100, 0, 1e6, "cycles", "XE, a register write"),
    ROW(sequence_mask, 210, 0, 1e6, "cycles", "XE, a masked write"),
    ROW(sequence_write, 100, 0, 1e6, "cycles", "XE, a register write"),
    ROW(sequence_wait, 100, 0, 1e6, "cycles", "guess, after the token's arrival"),
    ROW(launch_host_us, 60, 0, 1e6, "us", "published launch times, 45 to 150"),
    ROW(launch_firmware, 8000, 0, 1e9, "cycles", "XE"),
    ROW(core_acquire, 25, 0, 1e6, "cycles", "guess, half of 30 to 60 for a pair"),
    ROW(core_release, 20, 0, 1e6, "cycles", "guess, half of 30 to 60 for a pair"),
    ROW(core_operation, 1, 0, 1e6, "cycles", "guess, a scalar operation or a branch"),
    ROW(kernel_unknown, 100, 0, 1e9, "cycles", "guess, a kernel that models no cycles"),
    ROW(kernel_scale, 1, 0, 1000, "factor",
        "on a kernel's own cycles; bank conflicts may add 10 %"),
#define NPU_CORE_CYCLES_ROW(field, def, u, why)               \
    {.name = "kernel_" #field,                                \
     .unit = u,                                               \
     .basis = "guess: " why,                                  \
     .value = def,                                            \
     .least = 1,                                              \
     .most = 1e6,                                             \
     .offset = offsetof(struct npu_sim_timing, kernel.field), \
     .whole = true},
    NPU_CORE_CYCLES(NPU_CORE_CYCLES_ROW)};

const struct npu_sim_constant *npu_sim_constants(size_t *n)
{
    *n = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

double npu_sim_timing_get(const struct npu_sim_timing *timing, const struct npu_sim_constant *row)
{
    const char *at = (const char *)timing + row->offset;
    uint32_t whole;
    double value;
    if (row->whole) {
        memcpy(&whole, at, sizeof(whole));
        return whole;
    }
    memcpy(&value, at, sizeof(value));
    return value;
}

static void put(struct npu_sim_timing *timing, const struct npu_sim_constant *row, double value)
{
    char *at = (char *)timing + row->offset;
    uint32_t whole = (uint32_t)value;
    if (row->whole)
        memcpy(at, &whole, sizeof(whole));
    else
        memcpy(at, &value, sizeof(value));
}

void npu_sim_timing_init(struct npu_sim_timing *timing)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        put(timing, &rows[i], rows[i].value);
}

static int refuse(struct npu_error *err, const char *text, const char *why)
{
    if (err)
        snprintf(err->text, sizeof(err->text), "constant \"%.200s\": %s", text, why);
    return -EINVAL;
}

int npu_sim_timing_set(struct npu_sim_timing *timing, const char *text, struct npu_error *err)
{
    const char *equal = strchr(text, '=');
    if (!equal)
        return refuse(err, text, "expected name=value");
    size_t n = (size_t)(equal - text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    const struct npu_sim_constant *row = NULL;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !row; i++)
        if (strlen(rows[i].name) == n && !strncmp(rows[i].name, text, n))
            row = &rows[i];
    if (!row)
        return refuse(err, text, "no constant of that name");
    char *end;
    double value = strtod(equal + 1, &end);
    while (isspace((unsigned char)*end))
        end++;
    if (end == equal + 1 || *end || !isfinite(value))
        return refuse(err, text, "expected a number after '='");
    if (value < row->least || value > row->most) {
        char why[128];
        snprintf(why, sizeof(why), "expected %g to %g %s", row->least, row->most, row->unit);
        return refuse(err, text, why);
    }
    if (row->whole && value != floor(value))
        return refuse(err, text, "expected a whole number");
    put(timing, row, value);
    return 0;
}

int npu_sim_timing_read(struct npu_sim_timing *timing, const char *path, struct npu_error *err)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        int code = -errno;
        if (err)
            snprintf(err->text, sizeof(err->text), "%.500s: %s", path, strerror(-code));
        return code;
    }
    char line[512];
    int code = 0;
    for (unsigned number = 1; !code && fgets(line, sizeof(line), file); number++) {
        if (number > MOST_LINES || strlen(line) == sizeof(line) - 1) {
            code = -EINVAL;
            if (err)
                snprintf(err->text, sizeof(err->text),
                         "%.500s:%u: expected lines of at most %zu bytes, %d of them", path, number,
                         sizeof(line) - 2, MOST_LINES);
            break;
        }
        line[strcspn(line, "#\n")] = '\0';
        char *begin = line + strspn(line, " \t\r");
        if (!*begin)
            continue;
        struct npu_error inner = {""};
        code = npu_sim_timing_set(timing, begin, &inner);
        if (code && err)
            snprintf(err->text, sizeof(err->text), "%.300s:%u: %.600s", path, number, inner.text);
    }
    if (!code && ferror(file)) {
        code = -EIO;
        if (err)
            snprintf(err->text, sizeof(err->text), "%.500s: read error", path);
    }
    fclose(file);
    return code;
}
