/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_MODEL_JSON_H
#define NPU_MODEL_JSON_H
/* A reader of the JSON in weights files. Its errors name the byte and what was expected there. It
 * neither allocates nor recurses. All functions but the predicates return 0 or -EBADMSG with the
 * sentence in `err`, and skip blanks first. Threads: any, one per reader. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npu/npu.h"

#define NPU_JSON_MAX_BYTES   (UINT64_C(16) << 20)
#define NPU_JSON_MAX_INTEGER (UINT64_C(1) << 53) /* what every JSON reader keeps exactly */
#define NPU_JSON_MAX_DEPTH   16

struct npu_json {
    const char *label;  /* of the file */
    const char *what;   /* "header" or "index": which part of the file the text is */
    const char *tensor; /* being read, "" between tensors */
    struct npu_error *err;
    uint8_t *start, *at, *end;
};

/* A piece of the text, between its quotes. */
struct npu_json_text {
    uint8_t *at;
    size_t n;
};

/* "PATH: tensor NAME: expected EXPECTED at byte N of the header, found ...". Returns -EBADMSG. */
int npu_json_fail(const struct npu_json *json, const char *expected);

void npu_json_skip_blanks(struct npu_json *json);
/* Skip `c` if it comes next; returns whether it did. */
bool npu_json_accept(struct npu_json *json, char c);
int npu_json_expect(struct npu_json *json, char c);

/* A string of 1 .. max bytes of printable ASCII without escapes: names and keys. */
int npu_json_read_plain(struct npu_json *json, size_t max, struct npu_json_text *out);
/* The same as a C string inside the text: its closing quote, already read, becomes the NUL. */
const char *npu_json_terminate(const struct npu_json_text *text);
bool npu_json_equals(const struct npu_json_text *text, const char *value);

/* 0 or a digit 1 .. 9 and more digits, up to 2^53: no sign, fraction, exponent, leading zero. */
int npu_json_read_integer(struct npu_json *json, uint64_t *out);

/* Skip any string; refuses control characters, wrong escapes and wrong UTF-8. */
int npu_json_skip_string(struct npu_json *json);
/* Skip any value; arrays and objects are nested at most NPU_JSON_MAX_DEPTH deep. */
int npu_json_skip_value(struct npu_json *json);

#endif /* NPU_MODEL_JSON_H */
