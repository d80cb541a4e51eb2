/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/sim/engine/timing.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LINES 10000 /* of a file of constants */

/* pess, publ, best: the value under each preset. */
#define ROWS(field, pess, publ, best, lo, hi, u, why)                                      \
    {                                                                                      \
        .name = #field, .unit = u, .basis = why, .value = {pess, publ, best}, .least = lo, \
        .most = hi, .offset = offsetof(struct npu_sim_timing, field)                       \
    }
#define ROW(field, def, lo, hi, u, why) ROWS(field, def, def, def, lo, hi, u, why)

/* XE: measured on a Phoenix by the xdna-emu project (phase 2c, 2d: its findings of 2026-05-27 and
 * -30); AM020: AMD's architecture manual; open-xdna: measured on a 8845HS by that project. Three
 * sources are those of pessimistic, published, best. */
static const struct npu_sim_constant rows[] = {
    ROW(clock_mhz, 1000, 1, 10000, "MHz",
        "AM020; XE saw 1028 in every mode but a low one (800); any other is an assumption"),
    ROWS(ddr_gb_per_s, 20, 40, 64, 0.001, 10000, "GB/s",
         "guesses, shared memory of a laptop; 64: what four shim tiles can take at 1 GHz"),
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
    ROW(task_read, 325, 0, 1e6, "cycles", "XE phase 2c"),
    ROW(task_write, 179, 0, 1e6, "cycles", "XE phase 2c"),
    ROW(task_first_read, 1330, 0, 1e7, "cycles",
        "XE phase 2c, first task of a channel in a launch"),
    ROW(task_first_write, 341, 0, 1e7, "cycles",
        "XE phase 2c, first task of a channel in a launch"),
    ROW(task_decay_read, 0.31, 0, 1, "factor",
        "XE phase 2d: tasks of 64 words take 1739, 804, 497, 422 ..; none seen for writes"),
    ROWS(dispatch_idle, 3050, 3050, 100, 0, 1e6, "cycles",
         "XE phase 2c, push to push where the channel was idle; as a register write"),
    ROWS(dispatch_busy, 3050, 520, 100, 0, 1e6, "cycles",
         "as idle, which XE phase 2d suspects; XE phase 2c; as a register write"),
    ROW(sequence_blockwrite, 203, 0, 1e6, "cycles", "XE, 8 words"),
    ROW(sequence_patch, 100, 0, 1e6, "cycles", "guess, as a register write"),
    ROW(sequence_push, 100, 0, 1e6, "cycles", "XE, a register write"),
    ROW(sequence_mask, 210, 0, 1e6, "cycles", "XE, a masked write"),
    ROW(sequence_write, 100, 0, 1e6, "cycles", "XE, a register write"),
    ROW(sequence_wait, 100, 0, 1e6, "cycles", "guess, after the token's arrival"),
    ROWS(launch_host_us, 140, 110, 37, 0, 1e6, "us",
         "with the firmware's: 148, most of mlir-aie #2944; 127.5 in all for 4096 bytes, "
         "open-xdna; 45, an "
         "empty kernel, mlir-aie #2381"),
    ROW(launch_firmware, 8000, 0, 1e9, "cycles", "XE"),
    ROWS(core_acquire, 35, 25, 17, 0, 1e6, "cycles", "guesses, half of 30 to 60 for a pair"),
    ROWS(core_release, 25, 20, 13, 0, 1e6, "cycles", "guesses, half of 30 to 60 for a pair"),
    ROWS(core_operation, 3, 1, 1, 0, 1e6, "cycles", "guesses, a scalar operation or a branch"),
    ROW(kernel_unknown, 100, 0, 1e9, "cycles", "guess, a kernel that models no cycles"),
    ROW(kernel_scale, 1, 0, 1000, "factor",
        "on a kernel's own cycles; bank conflicts may add 10 %"),
#define NPU_CORE_ROW(field, pess, publ, best, u, why)         \
    {.name = "kernel_" #field,                                \
     .unit = u,                                               \
     .basis = why,                                            \
     .value = {pess, publ, best},                             \
     .least = 1,                                              \
     .most = 1e6,                                             \
     .offset = offsetof(struct npu_sim_timing, kernel.field), \
     .whole = true},
#define NPU_CORE_SLOTS(field, slots, what) \
    NPU_CORE_ROW(field, slots, slots, slots, "slots", "guess: " what)
    NPU_CORE_CYCLES(NPU_CORE_ROW, NPU_CORE_SLOTS)};

const char *npu_sim_preset_name(enum npu_sim_preset preset)
{
    static const char *const names[NPU_SIM_PRESETS] = {"pessimistic", "published", "best"};
    return names[preset];
}

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

void npu_sim_timing_init(struct npu_sim_timing timing[NPU_SIM_PRESETS])
{
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            put(&timing[p], &rows[i], rows[i].value[p]);
}

static int refuse(struct npu_error *err, const char *text, const char *why)
{
    if (err)
        snprintf(err->text, sizeof(err->text), "constant \"%.200s\": %s", text, why);
    return -EINVAL;
}

int npu_sim_timing_set(struct npu_sim_timing timing[NPU_SIM_PRESETS], const char *text,
                       struct npu_error *err)
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
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        put(&timing[p], row, value);
    return 0;
}

int npu_sim_timing_read(struct npu_sim_timing timing[NPU_SIM_PRESETS], const char *path,
                        struct npu_error *err)
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
