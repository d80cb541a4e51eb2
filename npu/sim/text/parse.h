/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_TEXT_PARSE_H
#define NPU_SIM_TEXT_PARSE_H
/* Private to parse*.c: the state of one npu_design_parse() and its shared functions. Those that
 * return bool return false after a failure, with npu_error and `code` set, once. Threads: a parser
 * stays on the thread that called; parsers share nothing. */
#include "npu/sim/text/arena.h"
#include "npu/sim/text/lexer.h"

/* A list under construction; as a stack it serves nested lists:
 * each level copies its own tail out. */
struct npu_list {
    void *data;
    size_t n, allocated; /* elements */
};

enum npu_name_kind {
    NPU_NAME_SLOT,     /* index: first slot of the group */
    NPU_NAME_TILE,     /* index */
    NPU_NAME_BUFFER,   /* index */
    NPU_NAME_CORE,     /* the result of aie.core: nothing may use it */
    NPU_NAME_CONSTANT, /* arith.constant of the device: value, type */
};

/* One SSA name in scope. */
struct npu_name {
    const char *text;       /* into the design's text */
    uint32_t n, hash, next; /* next: the older name in the same bucket, NPU_IR_NONE */
    enum npu_name_kind kind;
    uint32_t index, count; /* count: values of the group, 1 unless written %x:2 */
    int64_t value;
    enum npu_ir_elem elem;
    uint32_t captured_by, captured_slot; /* the last body that captured it */
    struct npu_ir_pos pos;
};

enum npu_symbol_kind {
    NPU_SYMBOL_UNKNOWN,
    NPU_SYMBOL_FIFO,
    NPU_SYMBOL_FUNCTION,
    NPU_SYMBOL_BUFFER,
    NPU_SYMBOL_SEQUENCE,
};

struct npu_symbol {   /* of the current device, defined or used */
    const char *name; /* in the arena */
    uint32_t hash, next, index;
    enum npu_symbol_kind kind;
    struct npu_ir_pos pos; /* of the first use or the definition */
};

struct npu_slot {
    struct npu_ir_type type;
    bool constant;
    int64_t value;
};

#define NPU_PARSER_BUCKETS 16384

struct npu_parser {
    struct npu_lexer lexer;
    struct npu_token token;
    struct npu_arena arena;
    struct npu_error *err;
    const char *file_name;
    int code;
    unsigned depth;
    bool in_sequence;
    uint32_t hash_start;
    uint32_t body; /* number of the current body, counts up */
    uint32_t name_bucket[NPU_PARSER_BUCKETS], symbol_bucket[NPU_PARSER_BUCKETS];
    struct npu_list names, symbols, results;
    struct npu_list slots, captures; /* of the current body */
    struct npu_list ops, numbers, indices, dims, ends, inits, types, regions, wide, carried,
        texts; /* stacks */
    struct npu_list tiles, buffers, fifos, links, functions, cores, sequences, arrays;
};

/* ---- parse_token.c: failing, memory, words --------------------------------------------------- */

__attribute__((format(printf, 3, 4))) bool
npu_parser_fail(struct npu_parser *p, struct npu_ir_pos pos, const char *format, ...);
bool npu_parser_no_memory(struct npu_parser *p);
/* "found X, expected `expected`" at the current token, with advice where it is an operation of
 * another stage of the compiler. */
bool npu_parser_expected(struct npu_parser *p, const char *expected);
/* ---- parse_stage.c: advice about an operation of another stage (static), or NULL. */
const char *npu_parser_stage(const struct npu_token *token);
/* Append one element; &list->data[n - 1] is stable until the next push. */
bool npu_parser_push(struct npu_parser *p, struct npu_list *list, const void *element, size_t size);
/* Move the elements from `start` on into the arena; NULL only on failure. */
void *npu_parser_pop(struct npu_parser *p, struct npu_list *list, size_t start, size_t size);
char *npu_parser_text(struct npu_parser *p, const char *text, size_t n); /* NUL-terminated copy */

void npu_parser_next(struct npu_parser *p);
bool npu_parser_is(const struct npu_parser *p, char mark);
bool npu_parser_is_word(const struct npu_parser *p, const char *word);
bool npu_parser_accept(struct npu_parser *p, char mark);
bool npu_parser_accept_word(struct npu_parser *p, const char *word);
bool npu_parser_mark(struct npu_parser *p, char mark);
bool npu_parser_word(struct npu_parser *p, const char *word);
bool npu_parser_arrow(struct npu_parser *p);
/* A signed literal in min .. max. */
bool npu_parser_integer(struct npu_parser *p, int64_t min, int64_t max, const char *what,
                        int64_t *value);
/* Enter and leave a nesting: fails beyond NPU_DESIGN_MAX_DEPTH. */
bool npu_parser_enter(struct npu_parser *p);
void npu_parser_leave(struct npu_parser *p);

/* ---- parse_name.c: SSA names and symbols ----------------------------------------------------- */

/* Bring a name into scope; fails if it exists. `name` without hash and next. */
bool npu_parser_define(struct npu_parser *p, struct npu_name name);
/* Forget every name from number `n_names` on. */
void npu_parser_forget(struct npu_parser *p, size_t n_names);
struct npu_name *npu_parser_find(struct npu_parser *p, const char *text, size_t n);
/* The name of the current token; fails if it is unknown or of another kind. Consumes it. */
bool npu_parser_tile(struct npu_parser *p, uint32_t *tile);
/* A value: its slot in the current body (captures what the device defined). */
bool npu_parser_value(struct npu_parser *p, uint32_t *slot);
bool npu_parser_new_slot(struct npu_parser *p, const struct npu_ir_type *type, uint32_t *slot);
struct npu_slot *npu_parser_slot(struct npu_parser *p, uint32_t slot);
/* The symbol of the current token, as a number that npu_parser_resolve() understands. */
bool npu_parser_symbol(struct npu_parser *p, uint32_t *symbol);
bool npu_parser_define_symbol(struct npu_parser *p, const char *text, size_t n,
                              struct npu_ir_pos pos, enum npu_symbol_kind kind, uint32_t index);
/* Turn a symbol number into the index of what it names. */
bool npu_parser_resolve(struct npu_parser *p, struct npu_ir_pos pos, enum npu_symbol_kind kind,
                        uint32_t *ref);
void npu_parser_reset_symbols(struct npu_parser *p);

/* ---- parse_type.c: types, constants, attributes ---------------------------------------------- */

bool npu_parser_type(struct npu_parser *p, struct npu_ir_type *type);
bool npu_parser_scalar(struct npu_parser *p, struct npu_ir_type *type);
bool npu_parser_memref(struct npu_parser *p, struct npu_ir_type *type);
/* ": i32" after an integer, or nothing, which means i64: must be `type`. `what`, whose `value` was
 * read at `pos`, is for the sentence. */
bool npu_parser_int_type(struct npu_parser *p, const char *type, const char *what, int64_t value,
                         struct npu_ir_pos pos);
/* A type that must equal that of the slot, as MLIR demands. */
bool npu_parser_type_of(struct npu_parser *p, uint32_t slot, struct npu_ir_type *type);
void npu_ir_type_set_row_major(struct npu_ir_type *type);
/* dense<..> for a static memref type; at the word "dense". */
bool npu_parser_dense(struct npu_parser *p, const struct npu_ir_type *type, struct npu_init *init);

enum npu_attribute_kind {
    NPU_ATTRIBUTE_INT,    /* integer of the type */
    NPU_ATTRIBUTE_BOOL,   /* true, false, or the name alone */
    NPU_ATTRIBUTE_STRING, /* text */
    NPU_ATTRIBUTE_SYMBOL, /* symbol number */
    NPU_ATTRIBUTE_SKIP,   /* ignored */
};

/* One attribute that an operation understands, and what was found. */
struct npu_attribute {
    const char *name; /* NULL ends a list */
    enum npu_attribute_kind kind;
    int64_t min, max; /* INT */
    const char *type; /* INT: "i64", which need not be written, "i32" or "ui32" */
    bool found;
    int64_t integer;
    uint32_t symbol;
    const char *text; /* in the arena */
    struct npu_ir_pos pos;
};

/* "{...}" if there is one. Unknown names fail, except those with a dialect prefix, which MLIR
 * attaches to anything. */
bool npu_parser_attributes(struct npu_parser *p, struct npu_attribute *list);

/* ---- parse_body.c, parse_op.c, parse_sequence.c: operations ---------------------------------- */

/* The operations of a region up to its "}", which is consumed; "{" is consumed before, arguments
 * are defined before. `first_name`: the names to forget at its end. */
bool npu_parser_region(struct npu_parser *p, size_t first_name, struct npu_ir_region *region);
/* Start a body: no slots, no captures. */
void npu_parser_begin_body(struct npu_parser *p, bool in_sequence);
bool npu_parser_end_body(struct npu_parser *p, struct npu_ir_region region,
                         struct npu_ir_body *body);
/* Everything of an operation after its name; results go into op->result. */
bool npu_parser_core_op(struct npu_parser *p, struct npu_ir_op *op);
bool npu_parser_flow_op(struct npu_parser *p, struct npu_ir_op *op);
bool npu_parser_memref_op(struct npu_parser *p, struct npu_ir_op *op);
bool npu_parser_sequence_op(struct npu_parser *p, struct npu_ir_op *op);
/* arith.constant after its name: type and value. */
bool npu_parser_constant(struct npu_parser *p, struct npu_ir_type *type, int64_t *value);
/* Make the op's results of these types. */
bool npu_parser_results(struct npu_parser *p, struct npu_ir_op *op, const struct npu_ir_type *type,
                        uint32_t n);
/* "%a, %b" up to `end` (not consumed) onto the stack `numbers`. */
bool npu_parser_values(struct npu_parser *p, char end);
/* "[1, %x]": literals and values of that type; pushes `*n` onto `indices`. In a sequence a value
 * that an arith.constant made becomes a literal. */
bool npu_parser_indices(struct npu_parser *p, enum npu_ir_elem elem, uint32_t *n);
/* "%x" that must be a scalar of integer type, or of exactly this one. */
bool npu_parser_value_of(struct npu_parser *p, enum npu_ir_elem elem, uint32_t *slot);
/* Push a slot onto the stack `numbers`; pop those above `start` as the op's operands. */
bool npu_parser_push_number(struct npu_parser *p, uint32_t number);
bool npu_parser_pop_operands(struct npu_parser *p, struct npu_ir_op *op, size_t start);
/* Turn the symbols in a body into indices. */
bool npu_parser_resolve_region(struct npu_parser *p, const struct npu_ir_region *region);

/* ---- parse_array.c, parse_fifo.c: the device ------------------------------------------------- */

bool npu_parser_array(struct npu_parser *p);
bool npu_parser_fifo(struct npu_parser *p);
bool npu_parser_link(struct npu_parser *p);
/* "[<size = 4, stride = 1>, <4, 1>]": pushes onto `dims`. */
bool npu_parser_dims(struct npu_parser *p, uint32_t *n);

#endif /* NPU_SIM_TEXT_PARSE_H */
