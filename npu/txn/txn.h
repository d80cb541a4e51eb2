/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NPU_TXN_TXN_H
#define NPU_TXN_TXN_H
/* npu/txn: the NPU's instruction words. txn.h is the interface and defines a stream; build.c makes
 * words from operations and transfers, decode.c reads words, steps.c follows what they do, shim.h
 * has the registers and descriptor fields. npu/array composes sequences with it, the simulator
 * executes what it reads; it depends on neither. */

/* The NPU's instruction stream ("TXN"): the words with which the host's sequence processor programs
 * the shim DMAs, starts their tasks and waits for tokens. This builds streams and reads them, those
 * of compilers too.
 *
 * Layout: mlir-aie's include/aie/Runtime/TxnEncoding.h, checked against words that its
 * aie-translate --aie-npu-to-binary printed. A stream is 32-bit words, little-endian in files: a
 * header of four (rows << 24 | generation << 16 | 1 << 8, mem-tile rows << 8 | columns, number of
 * operations, bytes of all), then the operations, each led by its number:
 *
 *   WRITE32      6 words   0     0   address    0      value  24
 *   BLOCKWRITE   4 + n     1     0   address    bytes  n data words
 *   MASKWRITE    7         3     0   address    0      value  mask  28
 *   MASKPOLL     7         4     0   address    0      value  mask  28
 *   SYNC         4         0x80  16  column << 16 | row << 8 | direction
 *                                    channel << 24 | columns << 16 | rows << 8
 *   PATCH        12        0x81  48  0 0 0 0    address  0  argument  0  byte offset  0
 *
 * An address is column << 25 | row << 20 | offset. Words 0 and 1 may also repeat the address's
 * column and row, as aie-rt and mlir-aie do in two ways; words built here do not. Only read, never
 * built: a MASKWRITE or MASKPOLL of 8 words (size 32), NOOP (1 word, 5), PREEMPT (1 word, level <<
 * 8 | 6), and format 1.0 (word 0 of the header ends in 0x0001), which mlir-aie wrote at the end of
 * 2024: WRITE32 as 0, address, value; BLOCKWRITE as 1, address, bytes, data; MASKWRITE as 3,
 * address, value, mask; PATCH as above or as 0x81, 24, address, argument, byte offset, 0.
 *
 * A transfer between host memory and the array is a BLOCKWRITE of a buffer descriptor (BD), the
 * PATCH that replaces its address by the argument's, for a token a MASKWRITE that sets the
 * channel's controller id to 15, and a WRITE32 into the channel's task queue. How each field of a
 * BD is read: npu/sim/DESIGNS.md.
 *
 * Threads: any, one at a time per object. Nothing blocks. */
#include "npu/npu.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NPU_TXN_MAX_WORDS (1U << 24) /* 64 MiB; a window's stream is under 1 MiB */
#define NPU_TXN_N_BDS     16         /* per shim tile */
#define NPU_TXN_MAX_RUNS  256        /* of a queued task: 8 bits */

struct npu_txn_device {
    uint8_t generation;    /* 3: AIE2 as in npu1 */
    uint8_t rows;          /* shim and mem tiles included */
    uint8_t columns;       /* of the partition, 1..127 */
    uint8_t mem_tile_rows; /* 1 */
};

/* The device npu1 (Phoenix, Hawk Point), or its first `n` columns (npu1_1col .. npu1_3col). */
#define NPU_TXN_NPU1(n) ((struct npu_txn_device){3, 6, n, 1})

enum npu_txn_direction {
    NPU_TXN_S2MM = 0, /* array to memory */
    NPU_TXN_MM2S = 1, /* memory to array */
};

/* ---- Operations ------------------------------------------------------------------------------ */

enum npu_txn_kind {
    NPU_TXN_WRITE32 = 0,
    NPU_TXN_BLOCKWRITE = 1,
    NPU_TXN_MASKWRITE = 3,
    NPU_TXN_MASKPOLL = 4, /* wait until the register's bits of the mask are those of the value */
    NPU_TXN_SYNC = 0x80,
    NPU_TXN_PATCH = 0x81,
    /* Without an effect here; only read, never built. */
    NPU_TXN_NOOP = 5,
    NPU_TXN_PREEMPT = 6, /* value: what may be put aside, 0..NPU_TXN_MAX_PREEMPT */
};

#define NPU_TXN_MAX_PREEMPT 3

/* Wait for one token of each named channel. */
struct npu_txn_wait {
    uint8_t column, row; /* the first tile */
    enum npu_txn_direction direction;
    uint8_t channel;           /* 0 or 1 in a shim tile, below 6 in a mem tile */
    uint8_t n_columns, n_rows; /* of tiles whose tokens are awaited; 1 and 1 for one channel */
};

struct npu_txn_op {
    enum npu_txn_kind kind;
    size_t word;          /* where it begins in the stream; set by decode, not read by append */
    uint32_t address;     /* all but SYNC */
    uint32_t value, mask; /* WRITE32; MASKWRITE and MASKPOLL with a mask */
    const uint32_t *data; /* BLOCKWRITE: n_data words (transfer none) */
    uint32_t n_data;      /* at least 1 */
    uint32_t argument, offset; /* PATCH: index of the host buffer, bytes from its start */
    struct npu_txn_wait wait;  /* SYNC */
};

/* ---- Transfers --------------------------------------------------------------------------------
 *
 * As in aiex.npu.dma_memcpy_nd: size and stride in elements, outermost dimension first. Element
 * (i0, i1, i2, i3) is offset_bytes + element_bytes * SUM i * stride after the argument's start;
 * i3 runs fastest. The outermost dimension is done by repeating the task: size[0] runs, each
 * stride[0] further. */
struct npu_txn_transfer {
    uint8_t column;
    enum npu_txn_direction direction;
    uint8_t channel;       /* 0 or 1 */
    uint8_t bd;            /* 0..15, shared by the tile's channels; free again after a wait */
    bool token;            /* send one when the last run has ended, for a wait */
    uint32_t argument;     /* index of the host buffer */
    uint32_t offset_bytes; /* of the first element, a multiple of 4; arguments 5 and on: < 2^31 */
    uint8_t element_bytes; /* 1, 2 or 4 */
    uint16_t burst_bytes;  /* longest burst to or from memory: 64, 128, 256; 0 is 256. Speed only */
    uint32_t size[4];      /* size[0] 1..256, 1..64 where stride[0] > 0; size[1] any; size[2] and
                              the words of size[3] <= 1023 unless contiguous, see canonical */
    uint32_t stride[4];    /* [0] may be 0: repeat; others positive; in words <= 2^20. Not read
                              where the size is 1. stride[3] must be 1 for 1 and 2 byte elements */
};

/* The same bytes in the same order as the hardware counts them: elements of 4 bytes, a contiguous
 * pattern (dimensions 1 to 3) folded to one dimension, strides of size-1 dimensions 0 (1 for the
 * innermost), the burst written out. What build encodes and decode returns; a fixed point.
 * Returns: 0; -EINVAL with a sentence that names the limit. `out` may be `in`. */
int npu_txn_transfer_canonical(struct npu_txn_transfer *out, const struct npu_txn_transfer *in,
                               struct npu_error *err);

/* ---- Building -------------------------------------------------------------------------------- */

struct npu_txn; /* a stream under construction */

/* An empty stream for `device`. txn: (transfer full). Returns: 0; -EINVAL; -ENOMEM. */
int npu_txn_open(struct npu_txn **txn, const struct npu_txn_device *device, struct npu_error *err);
void npu_txn_close(struct npu_txn **txn);

/* Append one operation, a transfer's three or four, a wait's one.
 * Returns: 0; -EINVAL what the format or the device cannot hold; -E2BIG over NPU_TXN_MAX_WORDS;
 * -ENOMEM. A failure leaves the stream unchanged. */
int npu_txn_append(struct npu_txn *txn, const struct npu_txn_op *op, struct npu_error *err);
int npu_txn_append_transfer(struct npu_txn *txn, const struct npu_txn_transfer *transfer,
                            struct npu_error *err);
int npu_txn_append_wait(struct npu_txn *txn, const struct npu_txn_wait *wait,
                        struct npu_error *err);
/* A transfer's two halves, for a BD that is pushed later or more than once: write and patch it; ask
 * for the token and push it. Each looks at all fields. Returns as above. */
int npu_txn_append_bd(struct npu_txn *txn, const struct npu_txn_transfer *transfer,
                      struct npu_error *err);
int npu_txn_append_push(struct npu_txn *txn, const struct npu_txn_transfer *transfer,
                        struct npu_error *err);

/* The whole stream, header included; host byte order (transfer none, valid until the next append).
 */
const uint32_t *npu_txn_words(const struct npu_txn *txn, size_t *n_words);

/* ---- Reading --------------------------------------------------------------------------------- */

/* Split `words` into its operations, every field checked against the header and the format.
 * ops: (transfer full, free() it), *n_ops of them; their `data` point into `words`.
 * Returns: 0; -EBADMSG with a sentence that names the word; -ENOMEM. */
int npu_txn_decode(struct npu_txn_op **ops, size_t *n_ops, struct npu_txn_device *device,
                   const uint32_t *words, size_t n_words, struct npu_error *err);

enum npu_txn_step_kind {
    NPU_TXN_STEP_TRANSFER, /* a task pushed into a queue, with the BD's state at that time */
    NPU_TXN_STEP_WAIT,
    NPU_TXN_STEP_WRITE, /* a register or memory word of a mem or compute tile */
    NPU_TXN_STEP_POLL,  /* wait until few tasks of a shim channel are unfinished */
};

struct npu_txn_step {
    enum npu_txn_step_kind kind;
    size_t word;   /* of the operation that does it */
    bool fresh_bd; /* TRANSFER: the BD was written since it was pushed before */
    union {
        struct npu_txn_transfer transfer; /* canonical */
        struct npu_txn_wait wait;
        struct {
            uint32_t address, value, mask; /* new = (old & ~mask) | (value & mask) */
        } write;
        struct {
            uint8_t column, channel;
            enum npu_txn_direction direction;
            uint8_t unfinished; /* at most: 4 (the queue has room), 2, 1, 0 (idle) */
        } poll;
    } u;
};

/* What the operations do, in order, by following the shim's registers: BDs, patches, controller
 * ids. Fields of a BD that the hardware ignores may have any value. 2^31 is taken off an offset of
 * argument 5 or later that is 2^31 or more: compilers since July 2026 add it for the firmware.
 * steps: (transfer full, free() it). Returns: 0; -EBADMSG with a sentence that names the word: a
 * broken stream or one for another generation, a BD pushed that was not written or patched whole, a
 * token without a controller id, any other shim register, a poll of anything but a channel's queue
 * or idle state, a BD that no transfer can describe (the sentence says which word and bits of the
 * BD and what they mean); -ENOMEM. */
int npu_txn_decode_steps(struct npu_txn_step **steps, size_t *n_steps,
                         struct npu_txn_device *device, const uint32_t *words, size_t n_words,
                         struct npu_error *err);

#ifdef __cplusplus
}
#endif
#endif /* NPU_TXN_TXN_H */
