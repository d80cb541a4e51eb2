/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_AMX_EMULATOR_H
#define TESTS_AMX_EMULATOR_H
/* Intel AMX's tile instructions on processors without AMX: there each of them raises SIGILL, and
 * the handler does what the instruction would have done, by Intel's Software Developer's Manual, or
 * says which of its rules is broken. All of AMX-TILE and AMX-INT8: ldtilecfg, sttilecfg, tileloadd,
 * tileloaddt1, tilestored, tilezero, tilerelease, tdpbssd, tdpbsud, tdpbusd, tdpbuud.
 *
 * Stricter than the processor in two places: a start row other than 0, which only an interrupted
 * instruction leaves, and tiles that are still configured when the function returns, are failures.
 * Prefixes before the VEX prefix are not understood. Says nothing about time. */
#include "tests/kernels/kit.h"

/* Run fn(user, why) with tiles, unconfigured at first. A broken rule ends fn there and is the
 * failure's text; memory faults are the caller's (kit_guarded()). Threads: one at a time. */
bool amx_run(kit_check_fn *fn, void *user, struct kit_why *why);

/* Instructions executed since amx_run() began. */
struct amx_counts {
    unsigned long configs, releases, loads, stores, zeros, products;
    unsigned long macs; /* multiplications of bytes */
};
struct amx_counts amx_counts(void);

/* A tile unit that is wrong on purpose, until the next call. */
enum amx_fault {
    AMX_FAULT_NONE,
    AMX_FAULT_SIGNED,    /* the left operand's bytes are signed, always */
    AMX_FAULT_SHORT,     /* the last row of the right operand is left out */
    AMX_FAULT_ONE_BIT,   /* the last sum of a tile is one too large now and then */
    AMX_FAULT_FORGETFUL, /* sums do not start from what the tile held */
    AMX_FAULTS
};
void amx_set_fault(enum amx_fault fault);

#endif /* TESTS_AMX_EMULATOR_H */
