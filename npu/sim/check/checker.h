/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_CHECK_CHECKER_H
#define NPU_SIM_CHECK_CHECKER_H
/* Private to this folder. Functions that return bool return false when memory ran out, and only
 * then. Threads: a checker is one npu_design_check() on the thread that called it; checkers share
 * nothing. */
#include "npu/sim/check/check.h"
#include "npu/sim/map/map.h"
#include "npu/sim/text/arena.h"

struct npu_checker {
    const struct npu_design *design;
    const struct npu_ir_array *array;
    const struct npu_map *map;
    const struct npu_check_options *options;
    npu_check_report *report;
    void *user;
    struct npu_check_result *result;
    struct npu_arena arena;
    uint32_t n_columns; /* of the device; 0: the device is not known */
};

/* ---- finding.c ---- */

__attribute__((format(printf, 5, 6))) void
npu_checker_report(struct npu_checker *c, enum npu_severity severity, const char *rule,
                   struct npu_ir_pos pos, const char *format, ...);
#define npu_check_error(C, RULE, ...) npu_checker_report(C, NPU_SEVERITY_ERROR, RULE, __VA_ARGS__)

/* "core (0,2)", "mem tile (0,1)", "shim (0,0)". */
struct npu_tile_text {
    char text[40];
};
struct npu_tile_text npu_tile_format(const struct npu_ir_array *array, uint32_t tile);
const struct npu_fifo_end *npu_fifo_end(const struct npu_fifo *fifo, uint32_t end);

/* ---- The checks, in their order ---- */

void npu_check_device(struct npu_checker *c);    /* device.c: device, tiles, cores, host buffers */
void npu_check_memory(struct npu_checker *c);    /* memory.c: bytes, banks, locks, channels */
void npu_check_fifos(struct npu_checker *c);     /* fifo.c: ends, types, dims */
bool npu_check_links(struct npu_checker *c);     /* link.c */
bool npu_check_streams(struct npu_checker *c);   /* stream.c: a simple route */
bool npu_check_flow(struct npu_checker *c);      /* flow.c: acquires and releases */
bool npu_check_bodies(struct npu_checker *c);    /* body.c: calls, indices */
bool npu_check_sequences(struct npu_checker *c); /* sequence.c, transfer.c */
/* One transfer by itself: bounds, granule, limits of a descriptor. */
void npu_check_transfer(struct npu_checker *c, const struct npu_sequence *sequence,
                        const struct npu_ir_op *op);

#endif /* NPU_SIM_CHECK_CHECKER_H */
