/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_OPTIONS_H
#define NPU_SIM_OPTIONS_H
/* npu-sim's command line. Threads: only one (getopt keeps state); both functions print. */
#include "npu/sim/engine/timing.h"

#include <stdbool.h>
#include <stdint.h>

#define NPU_SIM_LIBRARIES 8

struct npu_sim_output {
    uint32_t buffer;
    const char *path;
};

struct npu_sim_options {
    const char *design, *sequence, *insts, *write_insts, *trace;
    char **buffer;
    uint32_t n_buffers, n_launches, n_libraries, n_outputs, n_values;
    const char *library[NPU_SIM_LIBRARIES];
    struct npu_sim_output output[16];
    int64_t value[16];
    uint64_t most_steps;
    bool cycles, keep, quiet, check_only, map;
    struct npu_sim_timing timing[NPU_SIM_PRESETS];
};

/* Print `err` for the user; the exit code 2. */
int npu_sim_complain(const struct npu_error *err);

/* Read the command line into *options (zeroed before; points into argv). -1: go on; else the exit
 * code: --help and --list-constants are done, or an error was printed. */
int npu_sim_options_parse(struct npu_sim_options *options, int argc, char **argv);

#endif /* NPU_SIM_OPTIONS_H */
