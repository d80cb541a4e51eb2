/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_ENGINE_ARRAY_H
#define NPU_SIM_ENGINE_ARRAY_H
/* The array at work: memories, locks, DMA channels, streams, cores and the sequence. Private to the
 * executor; sim.h is the door. Threads: one at a time per array.
 *
 * Semantics: actors (cores, channels, the sequence) block only where they acquire, where a stream
 * cannot move, and where the sequence waits for a token. One port of a fifo has one user, so the
 * array is a Kahn network and any order of turns gives the same bytes. Modelled time needs no event
 * queue for the same reason: whatever moves carries a stamp, and an action begins at the latest
 * stamp of what it needed. No turn depends on a time, so a stamp holds one for each preset of the
 * constants, and one run models all of them.
 * The sequence takes its next step only when the array can go no further: a word that it writes
 * into a running core's memory lands where every earlier datum has already been used. */
#include "npu/sim/engine/pattern.h"
#include "npu/sim/engine/sim.h"
#include "npu/sim/engine/timing.h"
#include "npu/sim/map/map.h"
#include "npu/sim/text/design.h"
#include "npu/txn/txn.h"

#include <ffi.h>

#define NPU_SIM_COLUMNS       8
#define NPU_SIM_SHIM_CHANNELS (NPU_SIM_COLUMNS * 4) /* index: column * 4 + mm2s * 2 + number */
#define NPU_SIM_QUEUE         4 /* tasks a channel queues; one more is lost on the hardware */
#define NPU_SIM_TASKS         5 /* with the one that runs */
#define NPU_SIM_SHIM_BDS      16
#define NPU_SIM_MC            1000 /* milli-cycles in a cycle, the unit of modelled time */

/* Milli-cycles under each preset: since the array was loaded, or how long something takes. */
struct npu_sim_time {
    uint64_t of[NPU_SIM_PRESETS];
};

/* What is known when something happens: the modelled time, and how many tasks of each shim channel
 * have finished by then whatever the order of turns (each count is the length of a prefix). A task
 * that the sequence's own stamp does not count may still be running on the hardware. */
struct npu_sim_stamp {
    struct npu_sim_time time;
    uint32_t done[NPU_SIM_SHIM_CHANNELS];
};

/* A part of every object of a pool, guarded by its own lock pair: the whole object, or what one
 * channel of a join or distribute fills or sends. Counts run on for ever; object k lies in slot
 * k % n_slots. */
struct npu_sim_slice {
    uint32_t offset, bytes;
    uint64_t n_filling, n_filled;                 /* acquired, released by the producing side */
    uint64_t n_draining, n_drained;               /* by the consuming side */
    uint64_t n_start;                             /* full at the start: initial values */
    struct npu_sim_stamp *filled_at, *drained_at; /* [n_slots] */
};

struct npu_sim_pool {
    const struct npu_fifo *fifo;
    uint32_t tile, n_slots, bytes, n_slices;
    uint32_t pitch; /* bytes from one object to the next: each begins as aligned as a buffer does */
    uint8_t *data;
    struct npu_sim_slice *slice;
};

/* A core's end of a fifo. */
struct npu_sim_port {
    const struct npu_fifo *fifo;
    struct npu_sim_pool *pool;
    enum npu_port side;
    uint32_t n_held, n_held_start;
};

struct npu_sim_task {
    struct npu_pattern pattern;
    uint8_t *base;
    uint32_t buffer; /* host buffer */
    bool token;
    struct npu_sim_time ready; /* when it was pushed */
};

struct npu_sim_channel {
    const struct npu_fifo *fifo;
    uint32_t tile, column, row, number;
    bool mm2s, on_shim;
    struct npu_sim_stream *stream;
    /* at a pool */
    struct npu_sim_pool *pool;
    uint32_t first_slice, n_slices, slice; /* slice: the one whose turn it is, from first_slice */
    uint32_t n_repeats, repeat;            /* MM2S: how often each object is sent */
    struct npu_pattern *pattern;           /* [n_slices] */
    uint64_t n_begun, most_begun; /* transfers, and where iter_count ends them (0: never) */
    /* at the host */
    uint32_t index; /* in npu_sim_stamp.done */
    struct npu_sim_task task[NPU_SIM_TASKS];
    uint32_t head, n_tasks, n_pushed, n_finished, n_this_launch;
    struct npu_sim_time warm_up; /* what the next task's start takes on top */
    uint32_t room_until; /* n_pushed up to which a poll has shown that the queue takes more */
    struct npu_sim_stamp *token; /* not yet waited for, oldest first */
    uint32_t n_tokens, most_tokens;
    /* the transfer under way */
    bool active;
    const struct npu_pattern *walk;
    struct npu_cursor cursor;
    uint8_t *base;
    uint64_t left;
    struct npu_sim_stamp clock;
    struct npu_sim_time began, busy;
    uint64_t bytes;
    uint64_t moved_start; /* bytes of the transfer under way that had moved before the launch */
};

/* Words under way beyond what the receiving transfer took. None in an ordinary run; see slack. */
struct npu_sim_residue {
    uint8_t *data; /* [slack_bytes] */
    uint32_t n;
};

struct npu_sim_stream {
    struct npu_sim_channel *source;
    struct npu_sim_channel **sink;
    struct npu_sim_residue *residue; /* [n_sinks] */
    uint32_t n_sinks;
    struct npu_sim_time *latency; /* [n_sinks] */
};

struct npu_sim_memref {
    uint8_t *base;
    uint64_t extent; /* bytes from base that may be touched */
    int64_t offset;  /* elements */
    uint32_t rank, elem_bytes;
    int64_t size[NPU_DESIGN_MAX_RANK], stride[NPU_DESIGN_MAX_RANK]; /* elements */
    const struct npu_sim_port *port;                                /* NULL: no object of a fifo */
    uint64_t object;                                                /* its number in the pool */
};

struct npu_sim_value {
    int64_t i; /* scalar; a subview: the number of its oldest object; a task: its configuration */
    struct npu_sim_memref m;
};

enum npu_sim_step { /* the flat form of scf; everything else is enum npu_ir_code */
                    NPU_SIM_JUMP = NPU_IR_N_CODES,
                    NPU_SIM_UNLESS,    /* jump if operand a is 0 */
                    NPU_SIM_UNEQUAL,   /* jump if operand a is not imm */
                    NPU_SIM_FOR_CHECK, /* a: step slot: error unless > 0 */
                    NPU_SIM_FOR_TEST,  /* jump unless a < b */
                    NPU_SIM_FOR_NEXT,  /* a += b */
                    NPU_SIM_MOVE,      /* to[i] = from[i], all at once */
};

struct npu_sim_code {
    uint32_t op; /* enum npu_ir_code or npu_sim_step */
    uint32_t a, b, target, n;
    const uint32_t *to, *from;
    int64_t imm;
    const struct npu_ir_op *ir;
    void *link; /* ACQUIRE, RELEASE: struct npu_sim_port; CALL: struct npu_sim_kernel */
};

struct npu_sim_program {
    struct npu_sim_code *code;
    uint32_t n, most;
    const struct npu_ir_body *body;
    struct npu_sim_value *value;   /* [n_slots] */
    struct npu_sim_value *scratch; /* [n_slots], of MOVE */
    uint32_t pc;
};

union npu_sim_argument {
    void *p;
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    float f32;
};

struct npu_sim_kernel {
    const struct npu_function *function;
    const struct npu_core_kernel *entry;
    ffi_cif cif;
    ffi_type **types;                  /* [n_arguments] */
    uint32_t *need;                    /* [n_arguments], least bytes from a pointer */
    void **pointers;                   /* [n_arguments], for ffi_call */
    union npu_sim_argument *arguments; /* [n_arguments] */
    int64_t *values;                   /* [n_arguments], for cycles() and refuse() */
    uint64_t *room;                    /* [n_arguments], bytes from a pointer, for refuse() */
};

struct npu_sim_core {
    const struct npu_ir_core *ir;
    struct npu_sim_program program;
    struct npu_sim_port *port;
    uint32_t n_ports;
    bool finished;
    const struct npu_sim_port *waits; /* what the last turn stopped at */
    uint32_t waits_for;               /* objects */
    struct npu_sim_stamp clock;
    struct npu_sim_time busy;
    uint64_t n_calls;
    struct npu_core_modes modes; /* rounding and saturation: a core keeps them from call to call */
};

struct npu_sim_buffer_memory {
    uint8_t *data;
    uint64_t bytes;
};

/* The task that last used a shim BD. */
struct npu_sim_bd {
    const struct npu_sim_channel *user; /* NULL: none yet */
    uint32_t serial;                    /* free when this many of the user's tasks have finished */
};

/* The host: the sequence processor at work on the text or on words. */
struct npu_sim_host {
    const struct npu_sequence *sequence; /* NULL: words */
    struct npu_sim_program program;
    const struct npu_txn_step *step; /* [n_steps_left], the next one first */
    size_t n_steps, at_step;
    bool running;
    struct npu_sim_channel *waits; /* for a token of it, or for its tasks */
    bool polls;                    /* for its tasks */
    struct npu_ir_pos waits_at;    /* line 0: words */
    struct npu_sim_stamp clock;
    struct npu_sim_time dispatch; /* before it no further push */
    const struct npu_sim_buffer *buffer;
    uint32_t n_buffers;
    struct npu_sim_bd bd[NPU_SIM_COLUMNS][NPU_SIM_SHIM_BDS];
};

struct npu_sim_cost { /* struct npu_sim_timing in milli-cycles */
    struct npu_sim_time shim_read_word, shim_write_word, stream_word, route_base, route_hop,
        bd_start, bd_chain, channel_start, lock, task_read, task_write, task_first_read,
        task_first_write, dispatch_idle, dispatch_busy, sequence_blockwrite, sequence_patch,
        sequence_push, sequence_mask, sequence_write, sequence_wait, core_acquire, core_release,
        core_operation, kernel_unknown;
    struct npu_sim_time kernel_scale, task_decay_read; /* of 1000 */
};

struct npu_sim {
    const struct npu_design *design;
    const struct npu_ir_array *array;
    struct npu_map *map;
    struct npu_sim_timing timing[NPU_SIM_PRESETS];
    struct npu_sim_cost cost;
    struct npu_sim_trace *trace;
    npu_sim_find_fn *find;
    void *find_user;
    npu_sim_progress_fn *progress;
    void *progress_user;
    struct npu_sim_pool *pool;
    struct npu_sim_channel *channel;
    struct npu_sim_stream *stream;
    struct npu_sim_core *core;
    struct npu_sim_kernel *kernel; /* [n_functions] of the array */
    struct npu_sim_buffer_memory *buffer;
    uint32_t n_pools, n_channels, n_streams;
    struct npu_sim_host host;
    uint8_t *chunk; /* room for one piece of a transfer */
    uint64_t chunk_bytes;
    uint32_t slack_bytes; /* 0; more while looking whether buffering would end a deadlock */
    uint64_t n_steps, most_steps;
    uint64_t ddr_read, ddr_written;
    bool lost; /* a run failed: the array's state means nothing any more */
    char *report;
    struct npu_error *err; /* of the call under way, may be NULL */
};

/* ---- fail.c ---- */

/* Put "file:line:column: sentence" (pos NULL: the file alone) into sim->err; returns code. */
__attribute__((format(printf, 4, 5))) int
npu_sim_fail(struct npu_sim *sim, int code, const struct npu_ir_pos *pos, const char *format, ...);

/* ---- Time ---- */

static inline void npu_sim_time_add(struct npu_sim_time *to, const struct npu_sim_time *more)
{
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        to->of[p] += more->of[p];
}

/* Not before `least`. */
static inline void npu_sim_time_raise(struct npu_sim_time *to, const struct npu_sim_time *least)
{
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        to->of[p] = to->of[p] > least->of[p] ? to->of[p] : least->of[p];
}

static inline void npu_sim_stamp_merge(struct npu_sim_stamp *to, const struct npu_sim_stamp *from)
{
    npu_sim_time_raise(&to->time, &from->time);
    for (unsigned i = 0; i < NPU_SIM_SHIM_CHANNELS; i++)
        to->done[i] = to->done[i] > from->done[i] ? to->done[i] : from->done[i];
}

/* ---- build.c ---- */

/* Pools, channels and streams of sim->array. 0 or -errno. */
int npu_sim_build(struct npu_sim *sim);
void npu_sim_unbuild(struct npu_sim *sim);
/* The pool at which a core of `tile` stands at this end of the fifo, or NULL. */
struct npu_sim_pool *npu_sim_pool_find(const struct npu_sim *sim, uint32_t fifo, uint32_t tile,
                                       enum npu_port side);
/* The shim channel of a fifo, or by its place; NULL: none. */
struct npu_sim_channel *npu_sim_channel_of_fifo(const struct npu_sim *sim, uint32_t fifo);
struct npu_sim_channel *npu_sim_channel_at(const struct npu_sim *sim, uint32_t column, uint32_t row,
                                           bool mm2s, uint32_t number);

/* ---- lower.c ---- */

/* Make the flat code of a body. `link` gives ACQUIRE, RELEASE and CALL their struct. */
typedef int npu_sim_link_fn(struct npu_sim *sim, void *user, const struct npu_ir_op *op,
                            void **link);
int npu_sim_lower(struct npu_sim *sim, struct npu_sim_program *program,
                  const struct npu_ir_body *body, npu_sim_link_fn *link, void *user);
void npu_sim_program_close(struct npu_sim_program *program);

/* ---- scalar.c ---- */

/* Execute an arith or memref operation or a step of control; 1: done, 0: not one of those,
 * < 0: error. */
int npu_sim_execute(struct npu_sim *sim, struct npu_sim_program *program);

void npu_sim_memref_init(struct npu_sim_memref *memref, const struct npu_ir_type *type,
                         uint8_t *base, uint64_t extent);
/* An error if the object of the memref has been released. */
int npu_sim_memref_alive(struct npu_sim *sim, const struct npu_ir_op *op,
                         const struct npu_sim_memref *memref);

/* ---- core.c ---- */

int npu_sim_cores_open(struct npu_sim *sim);
void npu_sim_cores_close(struct npu_sim *sim);
/* Run until it blocks or ends. 1: something happened, 0: nothing, < 0: error. */
int npu_sim_core_turn(struct npu_sim *sim, struct npu_sim_core *core);

/* ---- dma.c ---- */

int npu_sim_stream_turn(struct npu_sim *sim, struct npu_sim_stream *stream);
/* Queue a task; the caller has seen to room. */
void npu_sim_task_push(struct npu_sim *sim, struct npu_sim_channel *channel,
                       const struct npu_sim_task *task);

/* ---- kernel.c ---- */

int npu_sim_kernel_open(struct npu_sim *sim, const struct npu_ir_op *op,
                        struct npu_sim_kernel *kernel);
void npu_sim_kernel_close(struct npu_sim_kernel *kernel);
int npu_sim_kernel_call(struct npu_sim *sim, struct npu_sim_core *core,
                        struct npu_sim_kernel *kernel, const struct npu_ir_op *op);

/* ---- host.c: what both forms of a sequence do; pos NULL: words ---- */

/* Write a BD (bd < 0: whichever the compiler picks): an error if a transfer may still use it. */
int npu_sim_host_claim(struct npu_sim *sim, const struct npu_ir_pos *pos, uint32_t column,
                       int64_t bd);
/* Queue a task on a channel with that BD. The pattern is checked against the buffer. */
int npu_sim_host_push(struct npu_sim *sim, const struct npu_ir_pos *pos,
                      struct npu_sim_channel *channel, int64_t bd, struct npu_sim_task *task);
/* Take one token of each of n channels, or wait: 1, 0. */
int npu_sim_host_wait(struct npu_sim *sim, const struct npu_ir_pos *pos,
                      struct npu_sim_channel *const *channel, uint32_t n);
/* A poll: wait until at most `unfinished` of the channel's tasks are unfinished; this proves that the
 * older ones have ended and that the queue has room: 1, 0. */
int npu_sim_host_poll(struct npu_sim *sim, struct npu_sim_channel *channel, uint32_t unfinished);
/* The shim channels that a sync names, at most `most`; their number or an error. */
int npu_sim_host_sync_channels(struct npu_sim *sim, const struct npu_ir_pos *pos,
                               const int64_t field[6], struct npu_sim_channel **channel,
                               uint32_t most);
/* Write a word of a tile's memory, by the address that the compiler gives it. */
int npu_sim_host_poke(struct npu_sim *sim, const struct npu_ir_pos *pos, uint32_t column,
                      uint32_t row, uint64_t address, uint32_t value, uint32_t mask);

/* ---- sequence.c, words.c: one step. 1: something happened, 0: it waits, < 0: error ---- */

int npu_sim_sequence_turn(struct npu_sim *sim);
int npu_sim_words_turn(struct npu_sim *sim);

/* ---- state.c ---- */

/* Write what waits for what into sim->report, the first line into sim->err. */
int npu_sim_report_deadlock(struct npu_sim *sim);
/* Remember what the array holds now as its start state; say what it holds beyond that: an error, or
 * in sim->report alone where it harms nobody. */
void npu_sim_state_note(struct npu_sim *sim);
int npu_sim_state_check(struct npu_sim *sim);

#endif /* NPU_SIM_ENGINE_ARRAY_H */
