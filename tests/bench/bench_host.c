/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This machine, this program and the model; the simulator's constants. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "kernels/kernels.h"
#include "npu/sim/engine/timing.h"
#include "tests/bench/npu-bench.h"
#include "tests/kernels/kit.h"

static const struct column host_columns[] = {
    {"what", "what", "", BASIS_GIVEN, 0, "a property"},
    {"value", "value", "", BASIS_GIVEN, 0, "as the system says; the load when the run began"},
};

/* The first "model name" of the processors. */
static void put_processor(struct table *table)
{
    char line[256], *colon;
    FILE *file = fopen("/proc/cpuinfo", "r");
    table_text(table, "processor");
    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, "model name", 10) || !(colon = strchr(line, ':')))
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        table_text(table, "%s", colon + 2);
        fclose(file);
        return;
    }
    if (file)
        fclose(file);
    table_text(table, "not named by /proc/cpuinfo");
}

static void put_sets(struct table *table)
{
    char names[128] = "";
    for (int i = 0; npu_kernels_name(i); i++) {
        struct npu_kernels set;
        if (kit_kernels(&set, npu_kernels_name(i)))
            snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
                     names[0] ? ", " : "", set.name);
    }
    table_text(table, "kernel sets that run here");
    table_text(table, "%s", names);
}

static void put_load(struct table *table, const struct bench_options *options)
{
    double load[1] = {0};
    cpu_set_t set;
    CPU_ZERO(&set);
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
    table_text(table, "CPUs this process may use");
    table_text(table, "%d", n);
    table_text(table, "load before the run");
    if (getloadavg(load, 1) != 1) {
        table_none(table);
        return;
    }
    table_text(table, "%.2f", load[0]);
    if (n && load[0] > 0.2 * n)
        table_note(table, "The machine was busy: measured wall times are too long, and comparisons "
                          "of them are worth little.");
    if (options->quick)
        table_note(table, "This was a quick run: too few repetitions for its times to be quoted.");
}

int phase_host(const struct bench_options *options, struct results *results, struct npu_error *err)
{
    char when[64] = "";
    time_t now = time(NULL);
    struct utsname system;
    struct table *table = results_table(results, "host", "This machine",
                                        "Where everything called measured was "
                                        "measured. No NPU was used.",
                                        host_columns, 2);
    (void)err;
    put_processor(table);
    put_load(table, options);
    put_sets(table);
    if (uname(&system) == 0) {
        table_text(table, "system");
        table_text(table, "%s %s %s", system.sysname, system.release, system.machine);
    }
    table_text(table, "compiler");
    table_text(table, "%s%s",
#ifdef __clang__
               "clang ",
#else
               "gcc ",
#endif
               __VERSION__);
    table_text(table, "assertions");
#ifdef NDEBUG
    table_text(table, "left out");
#else
    table_text(table, "compiled in: times are too long");
#endif
    table_text(table, "weights file");
    table_text(table, "%s", bench_file_name(options->model));
    strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", gmtime(&now));
    table_text(table, "date");
    table_text(table, "%s", when);
    return 0;
}

static const struct column constant_columns[] = {
    {"name", "constant", "", BASIS_GIVEN, 0, "as npu-sim --list-constants has it"},
    {"pessimistic", "pessimistic", "", BASIS_GIVEN, 3, "the value of that preset"},
    {"published", "published", "", BASIS_GIVEN, 3, "the value of that preset, the default"},
    {"best", "best", "", BASIS_GIVEN, 3, "the value of that preset"},
    {"unit", "unit", "", BASIS_GIVEN, 0, "of the value"},
    {"basis", "where from", "", BASIS_GIVEN, 0,
     "in the presets' order: a published measurement (XE: on a Phoenix, by the xdna-emu project), "
     "a "
     "manual (AM020: AMD's), "
     "or a guess"},
};

int phase_constants(const struct bench_options *options, struct results *results,
                    struct npu_error *err)
{
    size_t n;
    const struct npu_sim_constant *rows = npu_sim_constants(&n);
    struct table *table = results_table(
        results, "constants", "Constants of the simulated NPU",
        "Every modelled number of this report comes from these and from the simulated work; "
        "npu/sim/README.md says how. None was checked on an NPU by this project.",
        constant_columns, 6);
    (void)err;
    for (size_t i = 0; i < n && !options->describe; i++) {
        table_text(table, "%s", rows[i].name);
        bench_modelled(table, rows[i].value);
        table_text(table, "%s", rows[i].unit);
        table_text(table, "%s", rows[i].basis);
    }
    return 0;
}
