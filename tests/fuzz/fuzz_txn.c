/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libFuzzer target of the instruction stream's decoder: any words give steps or one error, and
 * decoded steps can be built again and decode to the same. Not part of the build; from the source
 * root:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_txn.c \
 *       npu/txn/{build,decode,steps}.c npu/log.c -o fuzz_txn -lpthread
 *   ./fuzz_txn -max_len=8192 -max_total_time=60 NEW tests/fuzz/txn
 *
 * A corpus: tests/fuzz/txn, a stream that mlir-aie made. The target fills in the header's length,
 * so that inputs get past it. */
#include "npu/txn/txn.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Build the steps again; writes into shims do not occur among them. */
static struct npu_txn *build(const struct npu_txn_step *steps, size_t n_steps,
                             const struct npu_txn_device *device)
{
    struct npu_txn *txn = NULL;
    struct npu_error err = {""};
    if (npu_txn_open(&txn, device, &err))
        abort();
    for (size_t i = 0; i < n_steps; i++) {
        const struct npu_txn_step *s = &steps[i];
        const struct npu_txn_op write = {.kind = NPU_TXN_MASKWRITE,
                                         .address = s->u.write.address,
                                         .value = s->u.write.value,
                                         .mask = s->u.write.mask};
        /* A poll's mask is of its unfinished tasks alone. */
        static const uint32_t masks[5] = {0x78003C, 0x700000, 0x600000, 0, 0x400000};
        const struct npu_txn_op poll = {
            .kind = NPU_TXN_MASKPOLL,
            .address = (uint32_t)s->u.poll.column << 25 |
                       (0x1D220U + 8U * s->u.poll.direction + 4U * s->u.poll.channel),
            .mask = masks[s->u.poll.unfinished % 5]};
        int code = s->kind == NPU_TXN_STEP_TRANSFER
                       ? npu_txn_append_transfer(txn, &s->u.transfer, &err)
                   : s->kind == NPU_TXN_STEP_WAIT ? npu_txn_append_wait(txn, &s->u.wait, &err)
                   : s->kind == NPU_TXN_STEP_POLL ? npu_txn_append(txn, &poll, &err)
                                                  : npu_txn_append(txn, &write, &err);
        if (code)
            abort();
    }
    return txn;
}

static void check_again(const struct npu_txn_step *steps, size_t n_steps,
                        const struct npu_txn_device *device)
{
    struct npu_txn *txn = build(steps, n_steps, device);
    struct npu_txn_step *again = NULL;
    struct npu_txn_device same;
    struct npu_error err = {""};
    size_t n_words, n_again = 0;
    const uint32_t *words = npu_txn_words(txn, &n_words);
    if (npu_txn_decode_steps(&again, &n_again, &same, words, n_words, &err) || n_again != n_steps)
        abort();
    for (size_t i = 0; i < n_steps; i++)
        if (again[i].kind != steps[i].kind ||
            memcmp(&again[i].u, &steps[i].u, sizeof(steps[i].u)) != 0)
            abort();
    free(again);
    npu_txn_close(&txn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct npu_txn_step *steps = NULL;
    struct npu_txn_device device;
    struct npu_error err = {""};
    size_t n = size / 4, n_steps = 0;
    uint32_t *words = malloc(4 * n); /* a separate block, so that reads past its end are seen */
    if (!words)
        return 0;
    memcpy(words, data, 4 * n);
    /* Bit 0 of the last byte after whole words: the header is the input's. */
    if (n >= 4 && !(size % 4 && data[size - 1] & 1))
        words[3] = (uint32_t)(4 * n);
    if (npu_txn_decode_steps(&steps, &n_steps, &device, words, n, &err) == 0)
        check_again(steps, n_steps, &device);
    else if (err.text[0] == 0 || steps)
        abort();
    free(steps);
    free(words);
    return 0;
}
