/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/npu/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "npu/backend.h"
#include "npu/log.h"
#include "npu/txn/txn.h"

enum { PENDING = 64 };

struct wire {
    const struct npu_txn_transfer *pending[PENDING];
    unsigned n;
    unsigned char *data; /* what went in and has not come out */
    size_t bytes;
};

static int check_span(const struct npu_span *s, enum npu_memory_kind kind, struct npu_error *err)
{
    if (!s->memory || s->memory->kind != kind || s->offset + s->bytes > s->memory->bytes ||
        s->data != (char *)s->memory->remote + s->offset || s->memory->launches == 0)
        return npu_fail(err, -EPROTO, "a span of %zu bytes is not in its buffer", s->bytes);
    return 0;
}

static int check_transfer(const struct npu_call *call, const struct npu_txn_transfer *t,
                          struct npu_error *err)
{
    const uint64_t run = (uint64_t)t->size[3] * 4, step = (uint64_t)t->stride[0] * 4;

    if (t->size[1] != 1 || t->size[2] != 1 || t->stride[3] != 1)
        return npu_fail(err, -EPROTO, "a transfer that is not contiguous");
    if (t->argument >= call->n_spans ||
        t->offset_bytes + (t->size[0] - 1) * step + run > call->span[t->argument].bytes)
        return npu_fail(err, -EPROTO, "a transfer past the end of argument %u", t->argument);
    return 0;
}

static size_t bytes_of(const struct npu_txn_transfer *t)
{
    return (size_t)t->size[0] * t->size[3] * 4;
}

/* Input: its runs in order. */
static int take_in(struct wire *w, const struct npu_call *call, const struct npu_txn_transfer *t)
{
    const unsigned char *from = (unsigned char *)call->span[t->argument].data + t->offset_bytes;
    const size_t run = (size_t)t->size[3] * 4;
    unsigned char *data = realloc(w->data, w->bytes + bytes_of(t));
    if (!data)
        return -ENOMEM;
    w->data = data;
    for (uint32_t i = 0; i < t->size[0]; i++, w->bytes += run)
        memcpy(data + w->bytes, from + (size_t)i * t->stride[0] * 4, run);
    return 0;
}

/* Word `at` of the output; sum 0: unchanged. */
static uint32_t mixed(const struct wire *w, size_t at, uint64_t sum)
{
    uint32_t word = 0;

    if (4 * at < w->bytes)
        memcpy(&word, w->data + 4 * at, 4);
    return sum ? (word ^ (uint32_t)(sum >> at % 32)) & 0x03FFFFFF : word;
}

static void give_out(const struct wire *w, const struct npu_call *call,
                     const struct npu_txn_transfer *t, size_t *at, uint64_t sum)
{
    unsigned char *to = (unsigned char *)call->span[t->argument].data + t->offset_bytes;

    for (uint32_t i = 0; i < t->size[0]; i++)
        for (uint32_t j = 0; j < t->size[3]; j++, ++*at) {
            uint32_t word = mixed(w, *at, sum);
            memcpy(to + ((size_t)i * t->stride[0] + j) * 4, &word, 4);
        }
}

/* 0 where the output is as large as the input. */
static uint64_t sum_of(const struct wire *w)
{
    uint64_t sum = 1;
    size_t out = 0;

    for (unsigned i = 0; i < w->n; i++)
        out += w->pending[i]->direction == NPU_TXN_S2MM ? bytes_of(w->pending[i]) : 0;
    for (size_t i = 0; i < w->bytes; i += 4) {
        uint32_t word;
        memcpy(&word, w->data + i, 4);
        sum = (sum ^ word) * UINT64_C(0x100000001b3);
    }
    return out == w->bytes ? 0 : sum;
}

static int settle(struct wire *w, const struct npu_call *call)
{
    size_t at = 0;
    int ret = 0;

    for (unsigned i = 0; i < w->n && ret == 0; i++)
        if (w->pending[i]->direction == NPU_TXN_MM2S)
            ret = take_in(w, call, w->pending[i]);
    const uint64_t sum = ret ? 0 : sum_of(w);
    for (unsigned i = 0; i < w->n && ret == 0; i++)
        if (w->pending[i]->direction == NPU_TXN_S2MM)
            give_out(w, call, w->pending[i], &at, sum);
    w->n = 0;
    w->bytes = 0;
    return ret;
}

static int step(struct wire *w, const struct npu_call *call, const struct npu_txn_step *s,
                struct npu_error *err)
{
    if (s->kind == NPU_TXN_STEP_WAIT)
        return settle(w, call);
    if (s->kind != NPU_TXN_STEP_TRANSFER || w->n == PENDING)
        return npu_fail(err, -EPROTO, "a step of kind %d, or too many transfers", (int)s->kind);
    w->pending[w->n++] = &s->u.transfer;
    return check_transfer(call, &s->u.transfer, err);
}

int wire_run(struct npu_call *call, struct npu_error *err)
{
    struct npu_txn_step *steps = NULL;
    struct npu_txn_device device;
    struct wire w = {.n = 0};
    size_t n_steps = 0;

    int ret = check_span(&call->words, NPU_MEMORY_CODE, err);
    for (unsigned i = 0; i < call->n_spans && ret == 0; i++)
        ret = check_span(&call->span[i], NPU_MEMORY_DATA, err);
    if (ret == 0)
        ret = npu_txn_decode_steps(&steps, &n_steps, &device, call->words.data,
                                   call->words.bytes / sizeof(uint32_t), err);
    for (size_t i = 0; i < n_steps && ret == 0; i++)
        ret = step(&w, call, &steps[i], err);
    free(w.data);
    free(steps);
    return ret;
}
