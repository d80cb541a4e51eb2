/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SIM_RANDOM_DESIGN_H
#define TESTS_SIM_RANDOM_DESIGN_H
/* A design drawn from a seed, as numbers and as text: up to one lane a column (fifos from a shim
 * through cores and back), and a sequence that moves objects through all lanes in rounds.
 * Independent of the simulator. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RANDOM_LANES = 4,
    RANDOM_ROUNDS = 4,
    RANDOM_MOVES = 2, /* of one end of a lane in a round */
    RANDOM_CORES = 2,
    RANDOM_TEXT = 1 << 17,
};

enum random_kind {
    RANDOM_STRAIGHT,   /* shim, core, shim */
    RANDOM_LINKED,     /* shim, mem tile, core, mem tile, shim; the mem tile may repeat objects */
    RANDOM_DISTRIBUTE, /* shim, mem tile, a part to each of two cores, joined in the mem tile */
    RANDOM_BROADCAST,  /* shim, the same to two cores, each back to the shim */
    RANDOM_CHAIN,      /* shim, core, core, shim */
    RANDOM_KINDS
};

/* Of an end of a fifo: element k of the stream is at SUM i * stride. n = 0: in order. */
struct random_dims {
    unsigned n;
    uint32_t size[4], stride[4];
};

/* A transfer, outermost first, in elements. */
struct random_move {
    uint32_t start;
    uint32_t size[4], stride[4];
    uint32_t offset[4]; /* start in strides, as dma_memcpy_nd writes it */
    unsigned bd;        /* dma_memcpy_nd: its id */
};

/* Where a lane meets the host: a fifo's end at a shim, with its own argument. */
struct random_flow {
    const char *fifo; /* without the lane's number */
    bool in;
    unsigned channel;
    uint32_t argument, n_elements; /* of the argument */
    unsigned n_moves[RANDOM_ROUNDS];
    struct random_move move[RANDOM_ROUNDS][RANDOM_MOVES];
};

struct random_lane {
    enum random_kind kind;
    unsigned column, elem_bytes;
    uint32_t object; /* elements that a core takes at a time */
    unsigned take;   /* objects that a core acquires at once */
    unsigned repeat; /* LINKED: times that the mem tile sends an object */
    uint32_t add[RANDOM_CORES];
    struct random_dims core_in[RANDOM_CORES], core_out[RANDOM_CORES];
    struct random_dims mem_in, mem_to, mem_from, mem_out; /* LINKED: into, out of, into, out of */
    unsigned n_flows;                                     /* flow[0] is the input */
    struct random_flow flow[1 + RANDOM_CORES];
};

/* A step of the sequence. */
struct random_step {
    enum { RANDOM_ISSUE, RANDOM_WAIT } what;
    unsigned lane, flow, round, move;
};

struct random_design {
    unsigned n_lanes, n_rounds, n_arguments;
    bool tasks; /* dma_configure_task_for and the rest, else dma_memcpy_nd */
    struct random_lane lane[RANDOM_LANES];
    unsigned n_steps;
    struct random_step step[2 * RANDOM_LANES * 3 * RANDOM_ROUNDS * RANDOM_MOVES];
    char text[RANDOM_TEXT];
};

/* The same design for the same seed, on every machine. */
void random_design_draw(struct random_design *design, uint64_t seed);

#endif /* TESTS_SIM_RANDOM_DESIGN_H */
