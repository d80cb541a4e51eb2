/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_SIM_TEXT_LEXER_H
#define NPU_SIM_TEXT_LEXER_H
/* Words of MLIR text. The lexer never fails: anything else becomes a token of kind NPU_TOKEN_BAD
 * with a reason. Comments (//) and blanks separate words; comments and strings may hold UTF-8.
 * Threads: any, one at a time per lexer. */
#include "npu/sim/text/design.h"

#ifdef __cplusplus
extern "C" {
#endif

enum npu_token_kind {
    NPU_TOKEN_END,    /* of the text */
    NPU_TOKEN_WORD,   /* bare name, dots included: aie.tile, x, true */
    NPU_TOKEN_VALUE,  /* %name or %0; text without % */
    NPU_TOKEN_SYMBOL, /* @name or @"name"; text without @ and quotes */
    NPU_TOKEN_INT,    /* decimal or 0x..; integer */
    NPU_TOKEN_FLOAT,  /* 1.5, 1.0e-3; the text */
    NPU_TOKEN_STRING, /* text between the quotes, escapes not replaced */
    NPU_TOKEN_ARROW,  /* -> */
    NPU_TOKEN_MARK,   /* one of ( ) { } [ ] < > : , = - ? # ! ^ + * ; text[0] */
    NPU_TOKEN_BAD,    /* `reason` */
};

struct npu_token {
    enum npu_token_kind kind;
    struct npu_ir_pos pos;
    const char *text; /* into the design's text */
    size_t n;
    uint64_t integer;
    const char *reason;         /* BAD: what it is (static) */
    const char *begin, *finish; /* the whole word, marks and quotes included */
};

struct npu_lexer {
    const char *at, *end, *line_start;
    uint32_t line;
};

void npu_lexer_start(struct npu_lexer *lexer, const char *text, size_t n);
struct npu_token npu_lexer_next(struct npu_lexer *lexer);
/* One size of a shape, "64x" or "?x", at the place where the next word would begin. If there is no
 * size, false and nothing is read. *size is NPU_IR_DYNAMIC for "?", -1 where the number does not
 * fit 2^40. */
bool npu_lexer_size(struct npu_lexer *lexer, int64_t *size);

#ifdef __cplusplus
}
#endif

#endif /* NPU_SIM_TEXT_LEXER_H */
