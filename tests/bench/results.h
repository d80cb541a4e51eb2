/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BENCH_RESULTS_H
#define TESTS_BENCH_RESULTS_H
/* npu-bench's results: tables whose columns have a unit, a meaning and a source of their numbers.
 * The same tables become text, JSON, Markdown and bars. Exits when out of memory. */
#include <stdbool.h>
#include <stdio.h>

#include "npu/npu.h"
#include "npu/sim/engine/timing.h"

enum basis {
    BASIS_GIVEN,    /* asked for, or a property of machine, model or design */
    BASIS_MEASURED, /* on this host, in this run */
    BASIS_MODELLED, /* by the simulator, from its table of constants */
    BASIS_COUNTED,  /* exact: how often something happened or was equal, in this run */
    BASIS_COMPUTED, /* from this run's values and a golden's */
    BASIS_CLAIMED,  /* by the prototype's own reports */
    BASIS_COUNT
};
/* "given" ... and a sentence (static). */
const char *basis_name(enum basis basis);
const char *basis_text(enum basis basis);

struct column {
    const char *key, *title, *unit; /* unit: "" none */
    enum basis basis;
    int digits;       /* after the point */
    const char *what; /* a definition */
};

struct cell {
    char *text; /* NULL: the number; NaN: nothing */
    double number;
};

#define TABLE_PLOTS  3
#define TABLE_LABELS 4

struct plot {
    const char *column;               /* key */
    const char *labels[TABLE_LABELS]; /* keys of the columns that name a bar; NULL: none */
};

struct table {
    const char *name, *title, *about; /* static */
    const struct column *columns;     /* static */
    unsigned n_columns;
    struct cell *cells; /* row by row */
    size_t n_cells;
    char **notes;
    unsigned n_notes;
    struct plot plots[TABLE_PLOTS];
    unsigned n_plots;
};

/* Numbers that the comparison with the prototype takes from the phases, modelled ones under each
 * preset; NaN: not there. All are double. */
struct headlines {
    double norm_ms[NPU_SIM_PRESETS], gelu_ms[NPU_SIM_PRESETS],
        matmul_ms[NPU_SIM_PRESETS]; /* a launch of the design, modelled */
    double tile_sequential_us[NPU_SIM_PRESETS], tile_pipelined_us[NPU_SIM_PRESETS],
        tile_batched_us[NPU_SIM_PRESETS];  /* attention 64x64, modelled */
    double columns_gain[NPU_SIM_PRESETS];  /* of four columns over one, modelled */
    double mel_npu_ms[NPU_SIM_PRESETS];    /* a window, modelled */
    double npu_window_ms[NPU_SIM_PRESETS]; /* the encoder on the simulated NPU, 30 s, modelled */
    double stall_percent;                  /* cpu, depth 2, measured */
    double mel_cpu_ms;                     /* a window, measured */
    double real_time;                      /* profile int8 on the cpu, measured */
    double worst_mean;                     /* least mean cosine of all profiles */
    double equal_percent;                  /* tiles equal to the contract, of all */
};

struct results {
    struct table *tables;
    unsigned n_tables;
    struct headlines headlines;
};

void results_init(struct results *results);
void results_clear(struct results *results);

/* A new table, the last; the pointer holds until the next one. name, title, about, columns:
 * static. */
struct table *results_table(struct results *results, const char *name, const char *title,
                            const char *about, const struct column *columns, unsigned n_columns);
/* The next cell of the current row, which ends with the last column. */
__attribute__((format(printf, 2, 3))) void table_text(struct table *table, const char *format, ...);
void table_number(struct table *table, double number);
void table_none(struct table *table);
/* A sentence under the table: what is missing, and why. */
__attribute__((format(printf, 2, 3))) void table_note(struct table *table, const char *format, ...);
/* Bars of one column in the Markdown form. */
void table_plot(struct table *table, struct plot plot);
unsigned table_rows(const struct table *table);

/* Tables as text. definitions: with what each column means. */
void results_print(const struct results *results, bool definitions, FILE *file);
/* DIR/NAME.json, DIR/NAME.md and DIR/TABLE-COLUMN.svg for each plot; makes DIR. Returns 0; -errno
 * with a sentence. */
int results_write(const struct results *results, const char *dir, const char *name,
                  struct npu_error *err);

/* Bars as SVG. labels, values: n each; NaN: left out. */
void plot_write(FILE *file, const char *title, const char *unit, char *const *labels,
                const double *values, unsigned n);

#endif /* TESTS_BENCH_RESULTS_H */
