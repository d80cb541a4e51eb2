/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_TEXT_DESIGN_H
#define NPU_SIM_TEXT_DESIGN_H
/* npu/sim/text: from the text of a design to plain structs. design.h is the interface: the structs;
 * lexer.[ch] cuts the text into words, parse.h and parse_*.c read it by the grammar of
 * npu/sim/DESIGNS.md, one file for each kind of thing, ir.c has the names and sizes of types and
 * operations, arena.[ch] a design's memory. Everything else in npu/sim starts from a design;
 * nothing here knows what is done with it. */

/* An array design (a module of the MLIR-AIE subset that npu/sim/DESIGNS.md states) as plain
 * structs. npu_design_parse() makes it, nothing changes it afterwards, npu_design_close() frees all
 * of it at once: every pointer below is owned by the design (transfer none) and lives as long.
 * References are indices into the arrays of struct npu_ir_array; NPU_IR_NONE means "none". Threads:
 * a parsed design may be read by any number of threads. The parser proves the structure (names,
 * operand counts, types that an operation needs in order to be read); npu/sim/check proves the
 * rest: limits, and types across operations. Run a design only if npu_design_check() found no
 * error. */
#include "npu/npu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NPU_IR_NONE    UINT32_MAX
#define NPU_IR_DYNAMIC INT64_MIN /* a size, offset or stride that is known at run time only ("?") */

/* Limits of what is read; more is an error with a position. */
#define NPU_DESIGN_MAX_TEXT      (4u << 20)   /* bytes of text */
#define NPU_DESIGN_MAX_BYTES     (256u << 20) /* memory of one design */
#define NPU_DESIGN_MAX_DEPTH     64           /* nested regions, lists, types */
#define NPU_DESIGN_MAX_NODES     1024         /* tiles, fifos, cores .. of each kind in a device */
#define NPU_DESIGN_MAX_SEQUENCES 64           /* of a device, and devices of a module */
#define NPU_DESIGN_MAX_RANK      6
#define NPU_DESIGN_MAX_DIMS      8            /* of a dimensions transform or a buffer descriptor */
#define NPU_DESIGN_MAX_INIT      (512u << 10) /* bytes of one initial value: a mem tile */

struct npu_ir_pos {
    uint32_t line, column; /* from 1; the column counts bytes */
};

/* ---- Types ----------------------------------------------------------------------------------- */

enum npu_ir_elem {
    NPU_IR_I1,
    NPU_IR_I8,
    NPU_IR_I16,
    NPU_IR_I32,
    NPU_IR_I64,
    NPU_IR_INDEX, /* 32 bit on a core, 64 in a runtime sequence; held as int64 */
    NPU_IR_BF16,
    NPU_IR_F16,
    NPU_IR_F32,
};

enum npu_ir_kind {
    NPU_IR_SCALAR,
    NPU_IR_MEMREF,
    NPU_IR_SUBVIEW, /* !aie.objectfifosubview<memref<..>>: what acquire returns in epochs E1, E2 */
    NPU_IR_TILE,    /* index */
    NPU_IR_TASK,    /* index: the result of dma_configure_task */
};

struct npu_ir_type {
    enum npu_ir_kind kind;
    enum npu_ir_elem elem; /* of a scalar, or of the memref's elements */
    char sign;             /* 'u' or 's' for ui8, si32 ..; 0: signless, as arith wants it */
    uint32_t rank;         /* of the memref */
    int64_t shape[NPU_DESIGN_MAX_RANK];  /* > 0, or NPU_IR_DYNAMIC */
    bool strided;                        /* the type wrote strided<[..], offset: ..> */
    int64_t stride[NPU_DESIGN_MAX_RANK]; /* elements; row-major strides if not `strided` */
    int64_t offset;                      /* elements; 0 if not `strided` */
};

/* Bits of one element: 1, 8, 16, 32, 64; index: 32. */
unsigned npu_ir_elem_bits(enum npu_ir_elem elem);
/* "i8", "index", "bf16" ... (static). */
const char *npu_ir_elem_name(enum npu_ir_elem elem);
/* Elements of a memref or subview of static shape, 0 if a size is dynamic.
 * At most 2^40 (parser). */
uint64_t npu_ir_type_count(const struct npu_ir_type *type);
/* Bytes of the same; i1 counts as a byte. */
uint64_t npu_ir_type_bytes(const struct npu_ir_type *type);
/* The type as the text writes it, cut to the size. */
struct npu_ir_type_text {
    char text[160];
};
struct npu_ir_type_text npu_ir_type_format(const struct npu_ir_type *type);
bool npu_ir_type_equal(const struct npu_ir_type *a, const struct npu_ir_type *b);

/* ---- Operations ---------------------------------------------------------------------------------
 * The body of a core or of a runtime sequence is a tree of operations. Values are slots, dense
 * numbers from 0 in that core or sequence; every slot is written by exactly one place (an
 * operation's result, a region's argument, a capture), whose type is slot_type[]. Integers wrap at
 * their width. */

enum npu_ir_code {
    /* arith: result[0] = f(operand[0], operand[1]) of slot_type[result[0]] unless said */
    NPU_IR_CONSTANT, /* value: sign-extended (i1: 0 or 1); floats: the bits of f32 */
    NPU_IR_ADDI,
    NPU_IR_SUBI,
    NPU_IR_MULI,
    NPU_IR_DIVSI,
    NPU_IR_DIVUI,
    NPU_IR_REMSI,
    NPU_IR_REMUI,
    NPU_IR_CEILDIVSI,
    NPU_IR_CEILDIVUI,
    NPU_IR_FLOORDIVSI,
    NPU_IR_MINSI,
    NPU_IR_MINUI,
    NPU_IR_MAXSI,
    NPU_IR_MAXUI,
    NPU_IR_ANDI,
    NPU_IR_ORI,
    NPU_IR_XORI,
    NPU_IR_SHLI,
    NPU_IR_SHRSI,
    NPU_IR_SHRUI,
    NPU_IR_CMPI,       /* value: enum npu_ir_predicate; the operands' type is that of operand[0] */
    NPU_IR_SELECT,     /* operand: i1, if true, if false */
    NPU_IR_INDEX_CAST, /* one operand, sign-extended or truncated */
    NPU_IR_INDEX_CASTUI,
    NPU_IR_EXTSI,
    NPU_IR_EXTUI,
    NPU_IR_TRUNCI,

    /* scf */
    NPU_IR_FOR,   /* operand: lower, upper, step, initial values; region[0] arguments: induction
                     variable, carried values; results: the last carried values. Signed compare */
    NPU_IR_IF,    /* operand: i1; region[0] then, region[1] else (no operations if not written) */
    NPU_IR_WHILE, /* operand: initial values; region[0] before (ends in CONDITION), [1] after */
    NPU_IR_INDEX_SWITCH, /* operand: index; region[0] default, region[1 + i] case list[i] */
    NPU_IR_YIELD,        /* operands: values of the enclosing region */
    NPU_IR_CONDITION,    /* operand: i1, then the values for `after`, or the results at the end */

    /* memref */
    NPU_IR_LOAD,             /* operand: memref, one index per dimension */
    NPU_IR_STORE,            /* operand: value, memref, one index per dimension */
    NPU_IR_VIEW,             /* operand: memref<Nxi8>, byte shift, dynamic sizes in order */
    NPU_IR_SUBVIEW_OF,       /* memref.subview: operand[0] the source; offset, size, step below */
    NPU_IR_REINTERPRET_CAST, /* operand[0] the source; offset[0] (one), size, step (strides) */
    NPU_IR_CAST,             /* memref.cast */

    NPU_IR_CALL, /* ref: function; operands its arguments; results its result, if any */

    /* objectfifo */
    NPU_IR_ACQUIRE, /* ref: fifo, port, value: count >= 1 held afterwards. E1, E2: one result of
                       kind NPU_IR_SUBVIEW; E3: `value` ones of NPU_IR_MEMREF, the oldest first */
    NPU_IR_ACCESS,  /* operand[0]: subview; value: which object, 0 = oldest held */
    NPU_IR_RELEASE, /* ref: fifo, port, value: count >= 1 given back, the oldest first */
    NPU_IR_END,     /* aie.end, the last of a core */

    /* runtime sequence */
    NPU_IR_MEMCPY, /* aiex.npu.dma_memcpy_nd: bd[0], ref: fifo, token */
    NPU_IR_WAIT,   /* aiex.npu.dma_wait: ref: fifo */
    NPU_IR_SYNC,   /* aiex.npu.sync: list = column, row, direction, channel, columns, rows */
    NPU_IR_TASK_CONFIGURE, /* result[0]: the task; ref: fifo; bd[0 .. n_bds); token, repeat */
    NPU_IR_TASK_START,     /* operand[0]: the task */
    NPU_IR_TASK_AWAIT,
    NPU_IR_TASK_FREE,
    NPU_IR_RTP_WRITE,   /* ref: buffer; list = index of the 32-bit word, value */
    NPU_IR_WRITE32,     /* list = address, column, row (-1 each: not written), value */
    NPU_IR_MASKWRITE32, /* list = address, column, row, value, mask */
    NPU_IR_N_CODES
};

enum npu_ir_predicate { /* MLIR's order */
                        NPU_IR_EQ,
                        NPU_IR_NE,
                        NPU_IR_SLT,
                        NPU_IR_SLE,
                        NPU_IR_SGT,
                        NPU_IR_SGE,
                        NPU_IR_ULT,
                        NPU_IR_ULE,
                        NPU_IR_UGT,
                        NPU_IR_UGE,
};

enum npu_port { NPU_PRODUCE, NPU_CONSUME };

/* A literal, or the slot of a value. A value that an arith.constant made is a literal here. */
struct npu_ir_index {
    uint32_t slot; /* NPU_IR_NONE: literal */
    int64_t value;
};

struct npu_ir_region;

/* One buffer descriptor in the terms of the text; elements of the host argument,
 * outermost first. */
struct npu_ir_bd {
    struct npu_ir_pos pos;
    uint32_t memref; /* slot of the host argument */
    bool memcpy;     /* dma_memcpy_nd: offset/size/stride [4]. Else aie.dma_bd: start, length and,
                             if n_dims > 0, size/stride[n_dims] */
    struct npu_ir_index offset[4];
    int64_t start, length; /* dma_bd only, elements; length -1: not written, npu_ir_bd_length() */
    uint32_t n_dims;
    struct npu_ir_index size[NPU_DESIGN_MAX_DIMS], stride[NPU_DESIGN_MAX_DIMS];
    int64_t id;           /* memcpy: `id`; dma_bd: `bd_id`; -1: not written, the compiler assigns */
    int64_t burst_length; /* bytes: 64, 128, 256; 0: longest */
};

/* Elements of one run of an aie.dma_bd of an argument of that type: as written, or as many as the
 * argument has, wherever the transfer starts (the stock compiler's rule). */
int64_t npu_ir_bd_length(const struct npu_ir_bd *bd, const struct npu_ir_type *type);

struct npu_ir_op {
    enum npu_ir_code code;
    enum npu_port port; /* ACQUIRE, RELEASE */
    bool token;         /* MEMCPY, TASK_CONFIGURE: issue_token as written (default false) */
    struct npu_ir_pos pos;
    uint32_t ref; /* see each code */
    uint32_t n_operands, n_results, n_regions, n_list, n_bds;
    const uint32_t *operand, *result; /* slots */
    int64_t value;
    int64_t repeat; /* TASK_CONFIGURE: repeat_count, runs - 1 */
    const int64_t *list;
    const struct npu_ir_region *region;
    /* SUBVIEW_OF: as many each as the source has dimensions. REINTERPRET_CAST: one offset, as many
     * sizes and strides as the result has dimensions. */
    const struct npu_ir_index *offset, *size, *step;
    const struct npu_ir_bd *bd;
};

struct npu_ir_region {
    uint32_t n_arguments, n_ops;
    const uint32_t *argument; /* slots */
    const struct npu_ir_op *op;
};

/* A slot that is filled before the body starts. */
struct npu_ir_capture {
    uint32_t slot;
    uint32_t buffer; /* the aie.buffer, or NPU_IR_NONE: a constant of the device, `value` */
    int64_t value;
};

struct npu_ir_body {
    struct npu_ir_region region;
    uint32_t n_slots, n_captures;
    const struct npu_ir_type *slot_type; /* [n_slots] */
    const struct npu_ir_capture *capture;
};

/* ---- The array ------------------------------------------------------------------------------- */

struct npu_tile {
    struct npu_ir_pos pos;
    const char *name;      /* of its SSA value, without % */
    uint32_t column, row;  /* as written: the checker proves that the device has it */
    bool basic_sequential; /* allocation_scheme = "basic-sequential" */
};

/* An initial value: `bytes` of elements in row-major order, little endian; i1 as a byte. */
struct npu_init {
    const uint8_t *data;
    uint64_t bytes;
};

struct npu_buffer {
    struct npu_ir_pos pos;
    const char *name; /* sym_name, or the SSA name */
    uint32_t tile;
    struct npu_ir_type type; /* static memref */
    int64_t address;         /* bytes, -1: allocated */
    int64_t bank;            /* mem_bank, -1: any */
    struct npu_init init; /* data NULL: zero is not promised, the simulator's memory starts as 0 */
};

struct npu_dim {
    int64_t size, stride; /* elements, outermost first */
};

struct npu_fifo_end {
    struct npu_ir_pos pos;
    uint32_t tile;
    uint32_t depth; /* as declared, >= 1; the number of buffers: struct npu_map_pool */
    uint32_t n_dims;
    struct npu_dim
        dim[NPU_DESIGN_MAX_DIMS]; /* producer: dimensionsToStream, consumer: FromStream */
};

struct npu_fifo {
    struct npu_ir_pos pos;
    const char *name; /* without @ */
    struct npu_fifo_end producer;
    uint32_t n_consumers; /* >= 1; more: broadcast */
    const struct npu_fifo_end *consumer;
    bool depth_per_end; /* depths written as an array */
    bool via_dma, disable_synchronization;
    uint32_t repeat_count; /* >= 1; 1 if not written */
    uint32_t iter_count;   /* 0: endless */
    bool has_consumer_type;
    struct npu_ir_type type;          /* one object, static memref */
    struct npu_ir_type consumer_type; /* the same as `type` if not written */
    uint32_t n_init;
    const struct npu_init *init; /* of the first n_init objects */
    uint32_t link_in, link_out;  /* the link that reads / that writes this fifo, or NPU_IR_NONE */
};

struct npu_link {
    struct npu_ir_pos pos;
    uint32_t n_in, n_out; /* >= 1 */
    const uint32_t *in, *out;
    uint32_t n_in_offsets, n_out_offsets;  /* as written, 0 for [] */
    const int64_t *in_offset, *out_offset; /* elements of the one object of the other side */
};

struct npu_function {
    struct npu_ir_pos pos;
    const char *name;
    uint32_t n_arguments;
    const struct npu_ir_type *argument; /* scalar or memref */
    bool has_result;
    struct npu_ir_type result; /* scalar */
    const char *link_with;     /* or NULL */
};

struct npu_ir_core {
    struct npu_ir_pos pos;
    uint32_t tile;
    int64_t stack_size;    /* bytes, -1: not written, the compiler takes 1024 */
    bool dynamic;          /* dynamic_objfifo_lowering = true */
    const char *link_with; /* or NULL */
    bool empty;            /* only aie.end */
    struct npu_ir_body body;
};

struct npu_sequence {
    struct npu_ir_pos pos;
    const char *name;     /* "sequence" if not written */
    uint32_t n_arguments; /* the slots 0 .. n_arguments - 1; host buffer i = i-th memref of them */
    const char *const *argument_name; /* without % */
    struct npu_ir_body body;
};

struct npu_ir_array { /* one aie.device */
    struct npu_ir_pos pos;
    const char *device; /* "npu1" ... as written */
    const char *name;   /* "main" if not written */
    uint32_t n_tiles, n_buffers, n_fifos, n_links, n_functions, n_cores, n_sequences;
    const struct npu_tile *tile; /* each in the order of the text */
    const struct npu_buffer *buffer;
    const struct npu_fifo *fifo;
    const struct npu_link *link;
    const struct npu_function *function;
    const struct npu_ir_core *core;
    const struct npu_sequence *sequence;
};

struct npu_design {
    const char *file_name;
    uint32_t n_arrays; /* >= 1; more than one is an error of the checker */
    const struct npu_ir_array *array;
    void *memory; /* private to the parser */
};

/* Read `n` bytes of text (transfer none, not kept; no NUL needed). `file_name` (copied) begins
 * every error: "file:line:column: found .., expected ..". Returns 0 and *out (transfer full);
 * -EBADMSG text that is no design of the subset; -E2BIG more than the limits above; -ENOMEM. Never
 * blocks. Threads: any. */
int npu_design_parse(struct npu_design **out, const char *text, size_t n, const char *file_name,
                     struct npu_error *err);
/* The same for a file: also -ENOENT, -EACCES, -EISDIR, -EIO. Blocks: on the file. */
int npu_design_open(struct npu_design **out, const char *path, struct npu_error *err);
void npu_design_close(struct npu_design **design);

/* The runtime sequence of that name, with name NULL the only one (transfer none, lives as long as
 * the design). NULL: not found, or name is NULL and there are several. Threads: any. */
const struct npu_sequence *npu_ir_find_sequence(const struct npu_ir_array *array, const char *name);

/* "scf.for", "aie.objectfifo.acquire" ... (static). */
const char *npu_ir_code_name(enum npu_ir_code code);

#ifdef __cplusplus
}
#endif

#endif /* NPU_SIM_TEXT_DESIGN_H */
