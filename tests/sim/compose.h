/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SIM_COMPOSE_H
#define TESTS_SIM_COMPOSE_H
/* A design of mlir/ with runtime sequences added as text: the reference for npu/array's words. The
 * simulator reads the text and makes words of it. Threads: one at a time. */
#include "npu/array/sequence.h"

struct composed;

/* The design in the file `path`. Returns 0 and *out (transfer full), or -errno. */
int composed_open(struct composed **out, const char *path, struct npu_error *err);
void composed_close(struct composed **composed);
/* A sequence for a shape; an existing one is not added again. Returns 0; -ENOSPC: more than a
 * design may have, or after the end. */
int composed_add(struct composed *composed, const struct npu_array_shape *shape);
/* No more sequences: parse the text. Returns 0 or the error of npu_design_parse(). */
int composed_end(struct composed *composed, struct npu_error *err);
/* Its words (transfer full) and the bytes of its buffers. Returns 0; -ENOENT; errors of
 * npu_sequence_words(). */
int composed_words(struct composed *composed, const struct npu_array_shape *shape,
                   struct npu_txn **out, size_t bytes[NPU_ARRAY_BUFFERS], struct npu_error *err);
/* The sequence's name in the text, and the text (transfer none). */
const char *composed_name(struct composed *composed, const struct npu_array_shape *shape);
const char *composed_text(const struct composed *composed);

#endif /* TESTS_SIM_COMPOSE_H */
