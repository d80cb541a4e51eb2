/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_NPU_WIRE_H
#define TESTS_NPU_WIRE_H
/* A device that computes nothing: it follows instruction words and copies its input to its output.
 * If their sizes differ, each word is mixed with a sum over all input and stays below 2^26, because
 * the host computes with it. */
#include "npu/launch/launch.h"

/* Run call->words on call->span. Every transfer between two waits is one stream: all that goes in,
 * in order, then all that comes out. Returns 0; -EPROTO a call that a driver would refuse: a span
 * whose bytes are not those of its buffer, words outside of code memory, a transfer past its span
 * or one that is not contiguous; errors of npu_txn_decode_steps(). */
int wire_run(struct npu_call *call, struct npu_error *err);

#endif /* TESTS_NPU_WIRE_H */
