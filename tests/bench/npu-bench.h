/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BENCH_NPU_BENCH_H
#define TESTS_BENCH_NPU_BENCH_H
/* The phases of npu-bench. Each adds its tables to `results`; with `describe` set they stay empty.
 * Returns 0, also where something was left out for a reason that a note gives; -errno with a
 * sentence where the phase found an error: results that are wrong, a file that cannot be read. */
#include "npu/npu.h"
#include "npu/sim/engine/timing.h"
#include "tests/bench/results.h"

#define MOST_LENGTHS 16

struct bench_options {
    bool quick, verbose;
    bool describe;                             /* for --help: no row, only what the columns mean */
    unsigned tiles;                            /* of attention 64x64 a round */
    unsigned iterations;                       /* timed calls a kernel, windows a profile */
    unsigned lengths[MOST_LENGTHS], n_lengths; /* s of audio, ascending */
    const char *output_dir;                    /* NULL: none */
    const char *device;                        /* NULL: those that there are */
    char *model;                               /* path */
};

typedef int bench_phase(const struct bench_options *options, struct results *results,
                        struct npu_error *err);

bench_phase phase_host;       /* what this machine and this program are */
bench_phase phase_constants;  /* of the simulator */
bench_phase phase_kernels;    /* the cpu's kernel table */
bench_phase phase_designs;    /* the array designs in the simulator, with the columns */
bench_phase phase_pipeline;   /* strategies and depths */
bench_phase phase_batch;      /* tiles a launch */
bench_phase phase_accuracy;   /* profiles against float64 */
bench_phase phase_comparison; /* windows, stages and lengths by profile and device; log-mel */
bench_phase phase_simulated;  /* of that: the encoder on the simulated NPU */
bench_phase phase_prototype;  /* the prototype's claims, with this run's headlines */

/* A modelled number is three: columns KEY_pessimistic, KEY (of preset published) and KEY_best. All
 * but `digits` are string literals. */
#define MODELLED(key, title, unit, digits, what)                                             \
    {key "_pessimistic",                                                                     \
     title ", pessimistic",                                                                  \
     unit,                                                                                   \
     BASIS_MODELLED,                                                                         \
     digits,                                                                                 \
     "the next column under preset pessimistic"},                                            \
        {key, title ", published", unit, BASIS_MODELLED, digits, what "; preset published"}, \
    {                                                                                        \
        key "_best", title ", best", unit, BASIS_MODELLED, digits,                           \
            "the column before under preset best"                                            \
    }
/* The cells of these. */
void bench_modelled(struct table *table, const double number[NPU_SIM_PRESETS]);

/* Whether the device was asked for: by its name, or because none was named. */
bool bench_wants(const struct bench_options *options, const char *device);
/* A progress line on standard error, with --verbose or on a terminal. */
__attribute__((format(printf, 2, 3))) void bench_say(const struct bench_options *options,
                                                     const char *format, ...);
/* The last part of a path (transfer none). */
const char *bench_file_name(const char *path);

#endif /* TESTS_BENCH_NPU_BENCH_H */
