/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The instruction stream: words compared with those of mlir-aie's own translator, addresses with a
 * plain loop over the elements, and refusals. */
#include "npu/txn/txn.h"
#include "tests/check.h"

#include <errno.h>
#include <inttypes.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct npu_txn_device npu1 = NPU_TXN_NPU1(4);

/* xorshift64*: the tests' own numbers. */
static uint64_t random_state;

static uint32_t draw(uint32_t n)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545F4914F6CDD1DULL) >> 32) % n;
}

static struct npu_txn *open_stream(const struct npu_txn_device *device)
{
    struct npu_txn *txn = NULL;
    struct npu_error err = {""};
    if (npu_txn_open(&txn, device, &err))
        check_case(false, "open", "%s", err.text);
    return txn;
}

static bool transfer_equal(const struct npu_txn_transfer *a, const struct npu_txn_transfer *b)
{
    return a->column == b->column && a->direction == b->direction && a->channel == b->channel &&
           a->bd == b->bd && a->token == b->token && a->argument == b->argument &&
           a->offset_bytes == b->offset_bytes && a->element_bytes == b->element_bytes &&
           a->burst_bytes == b->burst_bytes && memcmp(a->size, b->size, sizeof(a->size)) == 0 &&
           memcmp(a->stride, b->stride, sizeof(a->stride)) == 0;
}

/* 64 x i32 linear, of column `column`. */
static struct npu_txn_transfer linear(unsigned column, enum npu_txn_direction direction,
                                      unsigned bd, unsigned argument, uint32_t n)
{
    return (struct npu_txn_transfer){.column = (uint8_t)column,
                                     .direction = direction,
                                     .bd = (uint8_t)bd,
                                     .token = direction == NPU_TXN_S2MM,
                                     .argument = argument,
                                     .element_bytes = 4,
                                     .size = {1, 1, 1, n},
                                     .stride = {0, 0, 0, 1}};
}

/* ---- Words of others ------------------------------------------------------------------------- */

/* mlir-aie's test add_one_objFifo, by its aie-translate --aie-npu-to-binary. */
static const uint32_t add_one[82] = {
    0x06030100, 0x00000104, 0x00000009, 0x00000148,
    /* out: BD 1, argument 2 */
    0x00000001, 0x00000000, 0x0001D020, 0x00000030, 0x00000040, 0x00000000, 0x00000000, 0x00000000,
    0x80000000, 0x02000000, 0x00000000, 0x02000000, 0x00000081, 0x00000030, 0x00000000, 0x00000000,
    0x00000000, 0x00000000, 0x0001D024, 0x00000000, 0x00000002, 0x00000000, 0x00000000, 0x00000000,
    0x00000003, 0x00000000, 0x0001D200, 0x00000000, 0x00000F00, 0x00001F00, 0x0000001C, 0x00000000,
    0x00000000, 0x0001D204, 0x00000000, 0x80000001, 0x00000018,
    /* in: BD 0, argument 0 */
    0x00000001, 0x00000000, 0x0001D000, 0x00000030, 0x00000040, 0x00000000, 0x00000000, 0x00000000,
    0x80000000, 0x02000000, 0x00000000, 0x02000000, 0x00000081, 0x00000030, 0x00000000, 0x00000000,
    0x00000000, 0x00000000, 0x0001D004, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
    0x00000003, 0x00000000, 0x0001D210, 0x00000000, 0x00000F00, 0x00001F00, 0x0000001C, 0x00000000,
    0x00000000, 0x0001D214, 0x00000000, 0x80000000, 0x00000018,
    /* wait for out */
    0x00000080, 0x00000010, 0x00000000, 0x00010100};

static const struct npu_txn_wait wait_out = {.n_columns = 1, .n_rows = 1};

static void test_add_one(void)
{
    struct npu_txn *txn = open_stream(&npu1);
    struct npu_txn_transfer out = linear(0, NPU_TXN_S2MM, 1, 2, 64);
    struct npu_txn_transfer in = linear(0, NPU_TXN_MM2S, 0, 0, 64);
    struct npu_error err = {""};
    in.token = true;
    int code = npu_txn_append_transfer(txn, &out, &err);
    if (code == 0)
        code = npu_txn_append_transfer(txn, &in, &err);
    if (code == 0)
        code = npu_txn_append_wait(txn, &wait_out, &err);
    size_t n, i = 0;
    const uint32_t *words = npu_txn_words(txn, &n);
    while (i < n && i < COUNT(add_one) && words[i] == add_one[i])
        i++;
    check_case(code == 0 && n == COUNT(add_one) && i == n, "txn_add_one_equals_mlir_aie_words",
               "%zu words of 82, equal up to %zu %s", n, i, err.text);
    npu_txn_close(&txn);
}

static void test_add_one_steps(void)
{
    struct npu_txn_step *steps = NULL;
    struct npu_txn_device device;
    struct npu_error err = {""};
    size_t n = 0;
    int code = npu_txn_decode_steps(&steps, &n, &device, add_one, COUNT(add_one), &err);
    struct npu_txn_transfer out = linear(0, NPU_TXN_S2MM, 1, 2, 64);
    struct npu_txn_transfer in = linear(0, NPU_TXN_MM2S, 0, 0, 64);
    in.token = true;
    in.burst_bytes = out.burst_bytes = 256;
    bool ok = code == 0 && n == 3 && device.rows == 6 && device.columns == 4 &&
              device.generation == 3 && device.mem_tile_rows == 1 &&
              steps[0].kind == NPU_TXN_STEP_TRANSFER && steps[0].word == 35 &&
              transfer_equal(&steps[0].u.transfer, &out) &&
              steps[1].kind == NPU_TXN_STEP_TRANSFER && steps[1].word == 72 &&
              transfer_equal(&steps[1].u.transfer, &in) && steps[2].kind == NPU_TXN_STEP_WAIT &&
              steps[2].word == 78 && memcmp(&steps[2].u.wait, &wait_out, sizeof(wait_out)) == 0;
    check_case(ok, "txn_add_one_words_give_its_steps", "code %d, %zu steps %s", code, n, err.text);
    free(steps);
}

/* One transfer's words by place: BD words 0, 3..6, patch offset, queue word. */
static void test_values(void)
{
    static const struct {
        const char *name;
        struct npu_txn_transfer transfer;
        uint32_t bd[5], offset, queue; /* BD words 0, 3, 4, 5, 6 */
    } cases[] = {
        {"txn_4d_i32_equals_mlir_aie_words",
         {.direction = NPU_TXN_MM2S,
          .element_bytes = 4,
          .size = {1, 4, 4, 4},
          .stride = {0, 4, 16, 1}},
         {64, 0x00400000, 0x8040000F, 0x02000003, 0},
         0,
         0},
        {"txn_repeated_i8_equals_mlir_aie_words",
         {.direction = NPU_TXN_S2MM,
          .token = true,
          .offset_bytes = 8192,
          .element_bytes = 1,
          .size = {4, 8, 64, 128},
          .stride = {0, 16384, 256, 1}},
         {0x4000, 0x02000000, 0x8400003F, 0x02000FFF, 0},
         0x2000,
         0x80030000},
        {"txn_iteration_equals_hand_made_words", /* from the fields: 3 runs, 4096 bytes apart */
         {.direction = NPU_TXN_MM2S,
          .bd = 5,
          .element_bytes = 2,
          .size = {3, 1, 1, 1024},
          .stride = {2048, 0, 0, 1}},
         {512, 0, 0x80000000, 0x02000000, 0x002003FF},
         0,
         0x00020005},
        /* Bits 30 and 31 of word 4 as mlir-aie writes them for its burst_length. */
        {"txn_burst_of_64_equals_mlir_aie_words",
         {.direction = NPU_TXN_MM2S,
          .element_bytes = 4,
          .burst_bytes = 64,
          .size = {1, 4, 4, 4},
          .stride = {0, 4, 16, 1}},
         {64, 0x00400000, 0x0040000F, 0x02000003, 0},
         0,
         0},
        {"txn_burst_of_128_equals_mlir_aie_words",
         {.direction = NPU_TXN_S2MM,
          .element_bytes = 4,
          .burst_bytes = 128,
          .size = {1, 1, 1, 64},
          .stride = {0, 0, 0, 1}},
         {64, 0, 0x40000000, 0x02000000, 0},
         0,
         0},
        {"txn_burst_of_256_equals_mlir_aie_words",
         {.direction = NPU_TXN_S2MM,
          .element_bytes = 4,
          .burst_bytes = 256,
          .size = {1, 1, 1, 64},
          .stride = {0, 0, 0, 1}},
         {64, 0, 0x80000000, 0x02000000, 0},
         0,
         0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct npu_txn *txn = open_stream(&npu1);
        struct npu_error err = {""};
        int code = npu_txn_append_transfer(txn, &cases[i].transfer, &err);
        size_t n;
        const uint32_t *w = npu_txn_words(txn, &n), *bd = w + 8;
        bool ok = code == 0 && bd[0] == cases[i].bd[0] &&
                  memcmp(bd + 3, cases[i].bd + 1, 16) == 0 && w[26] == cases[i].offset &&
                  w[n - 2] == cases[i].queue;
        check_case(ok, cases[i].name, "%08X %08X %08X %08X %08X, patch %08X, queue %08X %s", bd[0],
                   bd[3], bd[4], bd[5], bd[6], w[26], w[n - 2], err.text);
        npu_txn_close(&txn);
    }
}

/* Sizes that were seen: one transfer each way with one token is 300 bytes; two transfers, one token
 * and a wait in each of four columns are 1152; three transfers and a wait there are 0x2C operations
 * in 408 words. */
static void test_sizes(void)
{
    struct npu_txn *one = open_stream(&npu1), *plan = open_stream(&npu1);
    struct npu_txn *four = open_stream(&npu1);
    struct npu_error err = {""};
    int code = 0;
    for (unsigned column = 0; column < 4; column++) {
        struct npu_txn_transfer c = linear(column, NPU_TXN_S2MM, 0, 2, 4096);
        struct npu_txn_transfer a = linear(column, NPU_TXN_MM2S, 1, 0, 4096);
        struct npu_txn_transfer b = linear(column, NPU_TXN_MM2S, 2, 1, 4096);
        struct npu_txn_wait wait = {.column = (uint8_t)column, .n_columns = 1, .n_rows = 1};
        b.channel = 1;
        code |= npu_txn_append_transfer(plan, &c, &err) | npu_txn_append_transfer(plan, &a, &err) |
                npu_txn_append_transfer(plan, &b, &err) | npu_txn_append_wait(plan, &wait, &err);
        code |= npu_txn_append_transfer(four, &c, &err) | npu_txn_append_transfer(four, &a, &err) |
                npu_txn_append_wait(four, &wait, &err);
        if (column == 0)
            code |= npu_txn_append_transfer(one, &c, &err) |
                    npu_txn_append_transfer(one, &a, &err) | npu_txn_append_wait(one, &wait, &err);
    }
    size_t n, n_plan;
    const uint32_t *words = npu_txn_words(one, &n);
    check_case(code == 0 && n == 75 && words[3] == 300, "txn_one_in_one_out_is_300_bytes",
               "%zu words, %" PRIu32 " bytes %s", n, words[3], err.text);
    words = npu_txn_words(four, &n);
    check_case(words[2] == 32 && words[3] == 1152, "txn_four_columns_are_1152_bytes",
               "%" PRIu32 " operations, %" PRIu32 " bytes", words[2], words[3]);
    words = npu_txn_words(plan, &n_plan);
    check_case(n_plan == 408 && words[2] == 0x2C, "txn_plan_is_408_words_of_44_operations",
               "%zu words, %" PRIu32 " operations", n_plan, words[2]);
    npu_txn_close(&one);
    npu_txn_close(&four);
    npu_txn_close(&plan);
    static const uint32_t second[] = {0, 0x101, 0x102, 0x103, 0x104};
    bool ok = true;
    for (unsigned columns = 1; columns <= 4; columns++) {
        struct npu_txn_device device = NPU_TXN_NPU1((uint8_t)columns);
        struct npu_txn *txn = open_stream(&device);
        words = npu_txn_words(txn, &n);
        ok = ok && n == 4 && words[0] == 0x06030100 && words[1] == second[columns] &&
             words[2] == 0 && words[3] == 16;
        npu_txn_close(&txn);
    }
    check_case(ok, "txn_headers_of_npu1_and_its_columns", "empty stream of %zu words", n);
}

/* ---- Round trips ----------------------------------------------------------------------------- */

/* A legal transfer, all fields drawn. */
static struct npu_txn_transfer draw_transfer(void)
{
    struct npu_txn_transfer t = {.column = (uint8_t)draw(4),
                                 .direction = (enum npu_txn_direction)draw(2),
                                 .channel = (uint8_t)draw(2),
                                 .bd = (uint8_t)draw(16),
                                 .token = draw(2) != 0,
                                 .argument = draw(5),
                                 .offset_bytes = 4 * draw(1U << 28),
                                 .element_bytes = (uint8_t)(1U << draw(3)),
                                 .burst_bytes = (uint16_t)(draw(4) ? 64U << draw(3) : 0)};
    unsigned per_word = 4 / t.element_bytes;
    t.size[3] = per_word * (1 + draw(draw(2) ? 1023 : 4));
    t.size[2] = 1 + draw(draw(2) ? 1023 : 3);
    t.size[1] = 1 + draw(draw(2) ? 300 : 3);
    t.stride[3] = per_word == 1 && draw(4) == 0 ? 1 + draw(1U << 20) : 1;
    if (draw(4)) {
        t.stride[2] = per_word * (1 + draw(1U << (1 + draw(20))));
        t.stride[1] = per_word * (1 + draw(1U << (1 + draw(20))));
    } else { /* contiguous, the whole or the inner two dimensions */
        t.stride[2] = t.size[3];
        t.stride[1] = t.size[3] * t.size[2] + (draw(2) ? per_word : 0);
        t.size[2] = t.stride[1] / per_word > 1U << 20 ? 1 : t.size[2];
        t.stride[1] = t.stride[1] / per_word > 1U << 20 ? per_word : t.stride[1];
    }
    t.stride[0] = draw(2) ? per_word * draw((1U << 20) + 1) : 0;
    t.size[0] = draw(2) ? 1 : 1 + draw(t.stride[0] ? 64 : 256);
    return t;
}

/* Byte of the n-th word that `t` moves, of all runs; its own arithmetic. */
static uint64_t nth_word(const struct npu_txn_transfer *t, uint64_t n)
{
    uint64_t element = n * 4 / t->element_bytes, at = 0;
    for (int d = 3; d >= 0; d--) {
        at += element % t->size[d] * t->stride[d];
        element /= t->size[d];
    }
    return t->offset_bytes + at * t->element_bytes;
}

static uint64_t count_words(const struct npu_txn_transfer *t)
{
    return (uint64_t)t->size[0] * t->size[1] * t->size[2] * t->size[3] * t->element_bytes / 4;
}

/* `got` moves the words of `drawn` in its order: ends, corners and some between. */
static bool moves_the_same(const struct npu_txn_transfer *drawn, const struct npu_txn_transfer *got)
{
    uint64_t n = count_words(drawn);
    if (count_words(got) != n || nth_word(drawn, n - 1) != nth_word(got, n - 1))
        return false;
    for (unsigned i = 0; i < 64; i++) {
        uint64_t at = i < 32 ? i : (uint64_t)draw(UINT32_MAX) % n;
        if (at < n && nth_word(drawn, at) != nth_word(got, at))
            return false;
    }
    return drawn->column == got->column && drawn->direction == got->direction &&
           drawn->channel == got->channel && drawn->bd == got->bd && drawn->token == got->token &&
           drawn->argument == got->argument && got->element_bytes == 4 &&
           got->burst_bytes == (drawn->burst_bytes ? drawn->burst_bytes : 256);
}

static bool wait_equal(const struct npu_txn_wait *a, const struct npu_txn_wait *b)
{
    return a->column == b->column && a->row == b->row && a->direction == b->direction &&
           a->channel == b->channel && a->n_columns == b->n_columns && a->n_rows == b->n_rows;
}

/* Streams of random transfers and waits: decoded, they move the same words; built again from what
 * was decoded, they are the same stream. */
static void test_round_trip_transfers(uint64_t seed)
{
    enum { STREAMS = 400, LENGTH = 40 };
    const char *why = "";
    unsigned stream = 0;
    random_state = seed;
    for (; stream < STREAMS && !why[0]; stream++) {
        struct npu_txn *txn = open_stream(&npu1), *again = open_stream(&npu1);
        struct npu_txn_step *steps = NULL;
        struct npu_txn_transfer drawn[LENGTH];
        struct npu_txn_device device;
        struct npu_error err = {""};
        size_t n_words, n_again, n_steps = 0;
        for (unsigned i = 0; i < LENGTH && !why[0]; i++) {
            drawn[i] = draw_transfer();
            if (npu_txn_append_transfer(txn, &drawn[i], &err))
                why = err.text;
        }
        const uint32_t *words = npu_txn_words(txn, &n_words);
        if (!why[0] && npu_txn_decode_steps(&steps, &n_steps, &device, words, n_words, &err))
            why = err.text;
        if (!why[0] && n_steps != LENGTH)
            why = "number of steps";
        for (unsigned i = 0; i < LENGTH && !why[0]; i++) {
            struct npu_txn_transfer canonical;
            if (steps[i].kind != NPU_TXN_STEP_TRANSFER ||
                !moves_the_same(&drawn[i], &steps[i].u.transfer))
                why = "other words moved";
            else if (npu_txn_transfer_canonical(&canonical, &drawn[i], &err) ||
                     !transfer_equal(&canonical, &steps[i].u.transfer))
                why = "not the canonical form";
            else if (npu_txn_append_transfer(again, &steps[i].u.transfer, &err))
                why = err.text;
        }
        const uint32_t *words_again = npu_txn_words(again, &n_again);
        if (!why[0] && (n_words != n_again || memcmp(words, words_again, 4 * n_words) != 0))
            why = "built again, another stream";
        if (why[0])
            check_case(false, "txn_transfers_decode_as_built", "seed 0x%" PRIX64 " stream %u: %s",
                       seed, stream, why);
        free(steps);
        npu_txn_close(&txn);
        npu_txn_close(&again);
    }
    if (!why[0])
        check_case(true, "txn_transfers_decode_as_built",
                   "%u streams of %u transfers, seed 0x%" PRIX64, stream, LENGTH, seed);
}

static struct npu_txn_op draw_op(uint32_t *data)
{
    static const enum npu_txn_kind kinds[] = {NPU_TXN_WRITE32,   NPU_TXN_BLOCKWRITE,
                                              NPU_TXN_MASKWRITE, NPU_TXN_SYNC,
                                              NPU_TXN_PATCH,     NPU_TXN_MASKPOLL};
    struct npu_txn_op op = {.kind = kinds[draw(6)]};
    op.address = draw(4) << 25 | draw(6) << 20 | 4 * draw((1U << 18) - 16);
    op.value = draw(UINT32_MAX);
    op.mask = draw(UINT32_MAX);
    op.argument = draw(UINT32_MAX);
    op.offset = draw(UINT32_MAX);
    op.n_data = 1 + draw(16);
    op.data = data;
    for (unsigned i = 0; i < op.n_data; i++)
        data[i] = draw(UINT32_MAX);
    uint8_t column = (uint8_t)draw(4), row = (uint8_t)draw(6);
    op.wait = (struct npu_txn_wait){.column = column,
                                    .row = row,
                                    .direction = (enum npu_txn_direction)draw(2),
                                    .channel = (uint8_t)draw(row == 1 ? 6 : 2),
                                    .n_columns = (uint8_t)(1 + draw(4U - column)),
                                    .n_rows = (uint8_t)(1 + draw(6U - row))};
    return op;
}

static bool op_equal(const struct npu_txn_op *a, const struct npu_txn_op *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case NPU_TXN_SYNC:
        return wait_equal(&a->wait, &b->wait);
    case NPU_TXN_BLOCKWRITE:
        return a->address == b->address && a->n_data == b->n_data &&
               memcmp(a->data, b->data, 4 * a->n_data) == 0;
    case NPU_TXN_PATCH:
        return a->address == b->address && a->argument == b->argument && a->offset == b->offset;
    default:
        return a->address == b->address && a->value == b->value &&
               (a->kind == NPU_TXN_WRITE32 || a->mask == b->mask);
    }
}

static void test_round_trip_ops(uint64_t seed)
{
    enum { STREAMS = 400, LENGTH = 60 };
    static uint32_t data[LENGTH][16];
    const char *why = "";
    unsigned stream = 0;
    random_state = seed;
    for (; stream < STREAMS && !why[0]; stream++) {
        struct npu_txn *txn = open_stream(&npu1);
        struct npu_txn_op drawn[LENGTH], *ops = NULL;
        struct npu_txn_device device;
        struct npu_error err = {""};
        size_t n_words, n_ops = 0;
        for (unsigned i = 0; i < LENGTH && !why[0]; i++) {
            drawn[i] = draw_op(data[i]);
            if (npu_txn_append(txn, &drawn[i], &err))
                why = err.text;
        }
        const uint32_t *words = npu_txn_words(txn, &n_words);
        if (!why[0] && npu_txn_decode(&ops, &n_ops, &device, words, n_words, &err))
            why = err.text;
        if (!why[0] && n_ops != LENGTH)
            why = "number of operations";
        for (unsigned i = 0; i < LENGTH && !why[0]; i++)
            if (!op_equal(&drawn[i], &ops[i]))
                why = "another operation";
        if (why[0])
            check_case(false, "txn_operations_decode_as_built", "seed 0x%" PRIX64 " stream %u: %s",
                       seed, stream, why);
        free(ops);
        npu_txn_close(&txn);
    }
    if (!why[0])
        check_case(true, "txn_operations_decode_as_built",
                   "%u streams of %u operations, seed 0x%" PRIX64, stream, LENGTH, seed);
}

/* ---- What is refused ------------------------------------------------------------------------- */

static void test_transfer_limits(void)
{
#define SHAPE(bytes, s0, s1, s2, s3, t0, t1, t2, t3)                                             \
    {                                                                                            \
        .direction = NPU_TXN_MM2S, .element_bytes = bytes, .size = {s0, s1, s2, s3}, .stride = { \
            t0,                                                                                  \
            t1,                                                                                  \
            t2,                                                                                  \
            t3                                                                                   \
        }                                                                                        \
    }
    static const struct {
        const char *name, *sentence; /* NULL: legal */
        struct npu_txn_transfer transfer;
    } cases[] = {
        {"txn_wrap_1023_words_is_taken", NULL, SHAPE(4, 1, 1, 2, 1023, 0, 0, 2000, 1)},
        {"txn_wrap_1024_words_is_refused", "size[3] is 1024 words",
         SHAPE(4, 1, 1, 2, 1024, 0, 0, 2000, 1)},
        {"txn_wrap_counts_words_of_bytes", NULL, SHAPE(1, 1, 1, 2, 4092, 0, 0, 8000, 1)},
        {"txn_wrap_1023_rows_is_taken", NULL, SHAPE(4, 1, 1, 1023, 1, 0, 0, 2, 1)},
        {"txn_wrap_1024_rows_is_refused", "size[2] is 1024 rows",
         SHAPE(4, 1, 1, 1024, 1, 0, 0, 2, 1)},
        {"txn_outermost_run_may_be_long", NULL, SHAPE(4, 1, 100000, 2, 2, 0, 64, 4, 1)},
        {"txn_contiguous_has_no_wrap", NULL, SHAPE(1, 1, 4, 2048, 8192, 0, 1 << 24, 8192, 1)},
        {"txn_length_of_33_bits_is_refused", "length has 32 bits",
         SHAPE(4, 1, 1U << 31, 2, 1, 0, 8, 4, 1)},
        {"txn_step_2_20_is_taken", NULL, SHAPE(4, 1, 1, 2, 1, 0, 0, 1 << 20, 1)},
        {"txn_step_over_2_20_is_refused", "stride[2] is 1048577 words",
         SHAPE(4, 1, 1, 2, 1, 0, 0, (1 << 20) + 1, 1)},
        {"txn_iteration_step_over_2_20_is_refused", "stride[0] is 1048577 words",
         SHAPE(4, 2, 1, 1, 4, (1 << 20) + 1, 0, 0, 1)},
        {"txn_step_of_32_bits_is_refused", "stride[1] is 4294967295 words",
         SHAPE(4, 1, 2, 1, 4, 0, UINT32_MAX, 0, 1)},
        {"txn_64_iterations_are_taken", NULL, SHAPE(4, 64, 1, 1, 4, 8, 0, 0, 1)},
        {"txn_65_iterations_are_refused", "at most 64", SHAPE(4, 65, 1, 1, 4, 8, 0, 0, 1)},
        {"txn_256_repeats_are_taken", NULL, SHAPE(4, 256, 1, 1, 4, 0, 0, 0, 1)},
        {"txn_257_repeats_are_refused", "257 runs, a task has at most 256",
         SHAPE(4, 257, 1, 1, 4, 0, 0, 0, 1)},
        {"txn_odd_bytes_are_refused", "size[3] of 6 elements is 6 bytes, no multiple of 4",
         SHAPE(1, 1, 1, 1, 6, 0, 0, 0, 1)},
        {"txn_odd_stride_is_refused", "stride[2] is 6 bytes", SHAPE(2, 1, 1, 2, 2, 0, 0, 3, 1)},
        {"txn_strided_bytes_are_refused", "stride[3] is 4, expected 1",
         SHAPE(1, 1, 1, 1, 4, 0, 0, 0, 4)},
        {"txn_inner_repeat_is_refused", "stride[1] is 0", SHAPE(4, 1, 2, 1, 4, 0, 0, 0, 1)},
        {"txn_size_0_is_refused", "size[2] is 0", SHAPE(4, 1, 1, 0, 4, 0, 0, 0, 1)},
        {"txn_elements_of_8_bytes_are_refused", "elements of 8 bytes",
         SHAPE(8, 1, 1, 1, 4, 0, 0, 0, 1)},
        {"txn_odd_offset_is_refused",
         "starts at byte 2",
         {.element_bytes = 2, .offset_bytes = 2, .size = {1, 1, 1, 2}, .stride = {0, 0, 0, 1}}},
#define BURST(bytes) \
    {.element_bytes = 4, .burst_bytes = bytes, .size = {1, 1, 1, 2}, .stride = {0, 0, 0, 1}}
        {"txn_burst_of_32_is_refused", "bursts of 32 bytes, expected 64, 128 or 256", BURST(32)},
        {"txn_burst_of_192_is_refused", "bursts of 192 bytes", BURST(192)},
        {"txn_burst_of_512_is_refused", "bursts of 512 bytes", BURST(512)},
#undef BURST
        {"txn_argument_5_beyond_2_gib_is_refused",
         "starts at byte 2147483648 of argument 5",
         {.element_bytes = 4,
          .argument = 5,
          .offset_bytes = 1U << 31,
          .size = {1, 1, 1, 2},
          .stride = {0, 0, 0, 1}}},
        {"txn_bd_16_is_refused",
         "BD id 16",
         {.element_bytes = 4, .bd = 16, .size = {1, 1, 1, 2}, .stride = {0, 0, 0, 1}}},
        {"txn_channel_2_is_refused",
         "channel 2",
         {.element_bytes = 4, .channel = 2, .size = {1, 1, 1, 2}, .stride = {0, 0, 0, 1}}},
        {"txn_direction_2_is_refused",
         "direction 2",
         {.element_bytes = 4,
          .direction = (enum npu_txn_direction)2,
          .size = {1, 1, 1, 2},
          .stride = {0, 0, 0, 1}}},
        {"txn_column_4_of_npu1_is_refused",
         "the device has 4 columns",
         {.element_bytes = 4, .column = 4, .size = {1, 1, 1, 2}, .stride = {0, 0, 0, 1}}},
    };
#undef SHAPE
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct npu_txn *txn = open_stream(&npu1);
        struct npu_error err = {""};
        size_t n;
        int code = npu_txn_append_transfer(txn, &cases[i].transfer, &err);
        const uint32_t *words = npu_txn_words(txn, &n);
        if (!cases[i].sentence)
            check_case(code == 0 && n > 4, cases[i].name, "%d %s", code, err.text);
        else
            check_case(code == -EINVAL && strstr(err.text, cases[i].sentence) && n == 4 &&
                           words[2] == 0 && words[3] == 16,
                       cases[i].name, "%d \"%s\", %zu words", code, err.text, n);
        npu_txn_close(&txn);
    }
}

static void test_append_limits(void)
{
    static const uint32_t data[8];
    static const struct {
        const char *name, *sentence;
        struct npu_txn_op op;
    } cases[] = {
        {"txn_append_column_4", "tile (4, 0)", {.kind = NPU_TXN_WRITE32, .address = 4 << 25}},
        {"txn_append_row_6", "tile (0, 6)", {.kind = NPU_TXN_MASKWRITE, .address = 6 << 20}},
        {"txn_append_odd_address", "whole words", {.kind = NPU_TXN_WRITE32, .address = 2}},
        {"txn_append_over_the_tile",
         "whole words",
         {.kind = NPU_TXN_BLOCKWRITE, .address = 0xFFFF8, .data = data, .n_data = 3}},
        {"txn_append_empty_blockwrite", "0 data words", {.kind = NPU_TXN_BLOCKWRITE}},
        {"txn_append_unknown_operation", "number 0x2", {.kind = (enum npu_txn_kind)2}},
        {"txn_append_large_operation", "number 0x100", {.kind = (enum npu_txn_kind)256}},
        {"txn_append_wait_for_no_tile", "wait: 0 x 0", {.kind = NPU_TXN_SYNC}},
        {"txn_append_wait_beyond",
         "wait: 2 x 1 tiles from (3, 0)",
         {.kind = NPU_TXN_SYNC, .wait = {.column = 3, .n_columns = 2, .n_rows = 1}}},
        {"txn_append_wait_channel_2",
         "channel 2 of tile (0, 0), which has 2",
         {.kind = NPU_TXN_SYNC, .wait = {.channel = 2, .n_columns = 1, .n_rows = 1}}},
        {"txn_append_wait_direction_2",
         "direction 2",
         {.kind = NPU_TXN_SYNC,
          .wait = {.direction = (enum npu_txn_direction)2, .n_columns = 1, .n_rows = 1}}},
    };
    struct npu_txn *txn = open_stream(&npu1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct npu_error err = {""};
        size_t n;
        int code = npu_txn_append(txn, &cases[i].op, &err);
        npu_txn_words(txn, &n);
        check_case(code == -EINVAL && strstr(err.text, cases[i].sentence) && n == 4, cases[i].name,
                   "%d \"%s\", %zu words", code, err.text, n);
    }
    npu_txn_close(&txn);
    struct npu_txn_device none = {.generation = 3, .rows = 6, .mem_tile_rows = 1};
    struct npu_error err = {""};
    int code = npu_txn_open(&txn, &none, &err);
    check_case(code == -EINVAL && !txn && strstr(err.text, "0 columns"), "txn_open_no_columns",
               "%d \"%s\"", code, err.text);
}

/* A transfer that fits only in part leaves the stream unchanged. */
static void test_full(void)
{
    enum { BLOCK = 1 << 18, LEFT = 20 };
    uint32_t *data = calloc(BLOCK, sizeof(*data));
    struct npu_txn *txn = open_stream(&npu1);
    struct npu_txn_op op = {.kind = NPU_TXN_BLOCKWRITE, .data = data, .n_data = BLOCK};
    struct npu_txn_transfer transfer = linear(0, NPU_TXN_MM2S, 0, 0, 64);
    struct npu_error err = {""};
    size_t n, n_before;
    int code = 0;
    for (unsigned i = 0; i < NPU_TXN_MAX_WORDS / BLOCK - 1 && code == 0; i++)
        code = npu_txn_append(txn, &op, &err);
    npu_txn_words(txn, &n);
    op.n_data = (uint32_t)(NPU_TXN_MAX_WORDS - n - 4 - LEFT);
    if (code == 0)
        code = npu_txn_append(txn, &op, &err);
    npu_txn_words(txn, &n_before);
    if (code == 0)
        code = npu_txn_append_transfer(txn, &transfer, &err);
    const uint32_t *words = npu_txn_words(txn, &n);
    check_case(code == -E2BIG && n == NPU_TXN_MAX_WORDS - LEFT && n == n_before &&
                   words[2] == NPU_TXN_MAX_WORDS / BLOCK && words[3] == 4 * n,
               "txn_transfer_fits_whole_or_not", "%d \"%s\", %zu words, %" PRIu32 " operations",
               code, err.text, n, words[2]);
    npu_txn_close(&txn);
    free(data);
}

/* The worked example with one word changed. */
static void test_changed_word(void)
{
    static const struct {
        unsigned word;
        uint32_t value;
        const char *sentence;
    } cases[] = {
        {0, 0x06030200, "word 0: format 0.2"},
        {0, 0x00030100, "0 rows"},
        {1, 0x00000100, "0 columns"},
        {1, 0x00010104, "words 0 and 1"},
        {1, 0x00000604, "6 of mem tiles"},
        {2, 0x00000008, "word 2: 8 operations, but 8 of them end at word 78 of 82"},
        {2, 0x0000000A, "word 2: 10 operations, but 9 of them end at word 82 of 82"},
        {2, 0x7FFFFFFF, "word 2: 2147483647 operations cannot fit"},
        {3, 0x00000144, "word 3: 324 bytes, but the stream has 328"},
        {4, 0x00000002, "word 4: operation 0x2"},
        {5, 0x00000100, "word 5: 0x00000100"},
        {6, 0x0801D020, "word 6: address 0x0801D020 is tile (4, 0)"},
        {6, 0x0061D020, "word 6: address 0x0061D020 is tile (0, 6)"},
        {6, 0x0001D022, "word 6: address 0x0001D022"},
        {6, 0x0001D200, "word 4: control register 0x1D200"},
        {6, 0x0001D220, "word 4: register 0x1D220"},
        {6, 0x0001D024, "word 35: BD 1 of shim tile (0, 0) is pushed but was not written"},
        {7, 0x00000010, "word 7: BLOCKWRITE of 16 bytes"},
        {7, 0x00000031, "word 7: BLOCKWRITE of 49 bytes"},
        {7, 0x00001000, "word 4: BLOCKWRITE of 1024 words, but only 78"},
        {8, 0, "word 35: BD 1 of shim tile (0, 0) as pushed is no transfer"},
        {11, 0x00300001, "its word 0 (the length, 64), expected a multiple of the wraps"},
        {15, 0, "its word 7 (0x00000000), bit 25 (a valid BD): 0, expected 1"},
        {17, 0x2C, "word 17: PATCH of 44 bytes"},
        {18, 1, "word 18: 0x00000001, expected 0 in a PATCH"},
        {22, 0x0001D028, "word 16: PATCH of address 0x0001D028"},
        {22, 0x0001D044, "word 16: PATCH of BD 2"},
        {26, 2, "as pushed is no transfer: transfer: starts at byte 2"},
        {30, 0x0001D208, "word 35: a token of a channel whose controller id"},
        {32, 0x00000E00, "word 35: a token of a channel whose controller id is 14"},
        {34, 0x18, "word 34: MASKWRITE of 24 bytes"},
        {36, 1, "word 36: 0x00000001, expected 0 in a WRITE32"},
        {37, 0x0001D200, "word 35: control register 0x1D200"},
        {39, 0x80000002, "word 35: BD 2 of shim tile (0, 0) is pushed but was not written"},
        {39, 0x80000011, "word 35: queue word 0x80000011"},
        {40, 0x1C, "word 40: WRITE32 of 28 bytes"},
        {79, 0x14, "word 79: SYNC of 20 bytes"},
        {80, 2, "word 80: 0x00000002"},
        {80, 0x00040000, "word 80: waits for 1 x 1 tiles from (4, 0)"},
        {81, 0x02010100, "word 81: 0x02010100"},
        {81, 0x00010000, "word 81: 0x00010000"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint32_t words[COUNT(add_one)];
        struct npu_txn_step *steps = NULL;
        struct npu_txn_device device;
        struct npu_error err = {""};
        size_t n = 0;
        char name[64];
        memcpy(words, add_one, sizeof(words));
        words[cases[i].word] = cases[i].value;
        int code = npu_txn_decode_steps(&steps, &n, &device, words, COUNT(words), &err);
        snprintf(name, sizeof(name), "txn_word_%u_as_%08X_is_refused", cases[i].word,
                 cases[i].value);
        check_case(code == -EBADMSG && !steps && strstr(err.text, cases[i].sentence), name,
                   "%d \"%s\", expected \"%s\"", code, err.text, cases[i].sentence);
        free(steps);
    }
}

/* All prefixes, with the old and a matching byte count; all single bits changed: one error or a
 * whole list, never both, never neither. */
static void test_damaged(void)
{
    unsigned refused = 0, taken = 0, wrong = 0;
    for (size_t length = 0; length < COUNT(add_one); length++)
        for (unsigned matching = 0; matching < 2; matching++) {
            uint32_t *words = malloc(4 * length + 1);
            struct npu_txn_step *steps = NULL;
            struct npu_txn_device device;
            struct npu_error err = {""};
            size_t n = 0;
            memcpy(words, add_one, 4 * length);
            if (matching && length >= 4)
                words[3] = (uint32_t)(4 * length);
            int code = npu_txn_decode_steps(&steps, &n, &device, words, length, &err);
            if (code != -EBADMSG || steps || err.text[0] == 0)
                wrong++;
            refused++;
            free(steps);
            free(words);
        }
    check_case(wrong == 0, "txn_every_prefix_is_refused", "%u of %u not", wrong, refused);
    refused = 0;
    for (unsigned bit = 0; bit < 32 * COUNT(add_one); bit++) {
        uint32_t words[COUNT(add_one)];
        struct npu_txn_step *steps = NULL;
        struct npu_txn_device device;
        struct npu_error err = {""};
        size_t n = 0;
        memcpy(words, add_one, sizeof(words));
        words[bit / 32] ^= 1U << bit % 32;
        int code = npu_txn_decode_steps(&steps, &n, &device, words, COUNT(words), &err);
        /* Bit 9 makes the address of a push one of a BD's word. */
        size_t expected = bit == 32 * 37 + 9 || bit == 32 * 74 + 9 ? 2 : 3;
        if (code ? code != -EBADMSG || steps || err.text[0] == 0 : !steps || n != expected)
            wrong++;
        refused += code != 0;
        taken += code == 0;
        free(steps);
    }
    check_case(wrong == 0 && refused > 1800 && taken > 100, "txn_every_bit_is_refused_or_taken",
               "%u refused, %u taken, %u neither", refused, taken, wrong);
}

/* A run-time parameter is a plain write into a core's memory. */
static void test_parameter_write(void)
{
    struct npu_txn *txn = open_stream(&npu1);
    struct npu_txn_op op = {.kind = NPU_TXN_WRITE32, .address = 0x0020A004, .value = 7};
    struct npu_txn_step *steps = NULL;
    struct npu_txn_device device;
    struct npu_error err = {""};
    size_t n = 0, n_words;
    int code = npu_txn_append(txn, &op, &err);
    const uint32_t *words = npu_txn_words(txn, &n_words);
    if (code == 0)
        code = npu_txn_decode_steps(&steps, &n, &device, words, n_words, &err);
    check_case(code == 0 && n == 1 && steps[0].kind == NPU_TXN_STEP_WRITE &&
                   steps[0].u.write.address == 0x0020A004 && steps[0].u.write.value == 7 &&
                   steps[0].u.write.mask == UINT32_MAX,
               "txn_write_to_a_core_is_a_step", "%d %s", code, err.text);
    free(steps);
    npu_txn_close(&txn);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 0x74786E5EED;
    test_add_one();
    test_add_one_steps();
    test_values();
    test_sizes();
    test_round_trip_transfers(seed);
    test_round_trip_ops(seed);
    test_transfer_limits();
    test_append_limits();
    test_full();
    test_changed_word();
    test_damaged();
    test_parameter_write();
    return check_finish();
}
