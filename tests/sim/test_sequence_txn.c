/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runtime sequences as instruction words: compared with mlir-aie's words for the same text, and
 * with each other where two forms mean the same. */
#include "npu/sim/map/sequence_txn.h"
#include "tests/check.h"

#include <errno.h>
#include <inttypes.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* A device with one fifo each way through core (0, 2), `inside` more declarations, and a sequence
 * of three buffers. */
static struct npu_txn *words_of(const char *device, const char *inside, const char *sequence,
                                struct npu_error *err, int *code)
{
    static char text[16384];
    struct npu_design *design = NULL;
    struct npu_map *map = NULL;
    struct npu_txn *txn = NULL;
    int n = snprintf(
        text, sizeof(text),
        "module {\n aie.device(%s) {\n"
        "  %%t00 = aie.tile(0, 0)\n  %%t02 = aie.tile(0, 2)\n"
        "  aie.objectfifo @in0(%%t00, {%%t02}, [2, 2]) : !aie.objectfifo<memref<16xi32>>\n"
        "  aie.objectfifo @out0(%%t02, {%%t00}, [2, 2]) : !aie.objectfifo<memref<16xi32>>\n"
        "%s\n"
        "  aie.runtime_sequence @s(%%a: memref<64xi32>, %%b: memref<65536xi8>, %%c: "
        "memref<64xi32>) {\n%s\n  }\n }\n}\n",
        device, inside, sequence);
    *code = n >= (int)sizeof(text) ? -E2BIG : npu_design_parse(&design, text, (size_t)n, "t", err);
    if (*code == 0)
        *code = npu_map_open(&map, &design->array[0], err);
    if (*code == 0)
        *code = npu_sequence_words(&txn, design, &design->array[0], map, 0, err);
    npu_map_close(&map);
    npu_design_close(&design);
    return txn;
}

static const char in_and_out[] =
    "aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @out0, id = 1 : "
    "i64, issue_token = true} : memref<64xi32>\n"
    "aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @in0, id = 0 : "
    "i64, issue_token = true} : memref<64xi32>\n"
    "aiex.npu.dma_wait {symbol = @out0}\n";

/* Printed by mlir-aie's aie-translate --aie-npu-to-binary for its test add_one_objFifo. */
static const uint32_t add_one[82] = {
    0x06030100, 0x00000104, 0x00000009, 0x00000148, 0x00000001, 0x00000000, 0x0001D020, 0x00000030,
    0x00000040, 0x00000000, 0x00000000, 0x00000000, 0x80000000, 0x02000000, 0x00000000, 0x02000000,
    0x00000081, 0x00000030, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x0001D024, 0x00000000,
    0x00000002, 0x00000000, 0x00000000, 0x00000000, 0x00000003, 0x00000000, 0x0001D200, 0x00000000,
    0x00000F00, 0x00001F00, 0x0000001C, 0x00000000, 0x00000000, 0x0001D204, 0x00000000, 0x80000001,
    0x00000018, 0x00000001, 0x00000000, 0x0001D000, 0x00000030, 0x00000040, 0x00000000, 0x00000000,
    0x00000000, 0x80000000, 0x02000000, 0x00000000, 0x02000000, 0x00000081, 0x00000030, 0x00000000,
    0x00000000, 0x00000000, 0x00000000, 0x0001D004, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
    0x00000000, 0x00000003, 0x00000000, 0x0001D210, 0x00000000, 0x00000F00, 0x00001F00, 0x0000001C,
    0x00000000, 0x00000000, 0x0001D214, 0x00000000, 0x80000000, 0x00000018, 0x00000080, 0x00000010,
    0x00000000, 0x00010100};

static void test_add_one(void)
{
    struct npu_error err = {""};
    int code;
    size_t n = 0, i = 0;
    struct npu_txn *txn = words_of("npu1", "", in_and_out, &err, &code);
    const uint32_t *words = txn ? npu_txn_words(txn, &n) : NULL;
    while (i < n && i < COUNT(add_one) && words[i] == add_one[i])
        i++;
    check_case(n == COUNT(add_one) && i == n, "sequence_add_one_equals_mlir_aie_words",
               "%d, %zu words, equal up to %zu %s", code, n, i, err.text);
    npu_txn_close(&txn);
    txn = words_of("npu1_2col", "", in_and_out, &err, &code);
    words = txn ? npu_txn_words(txn, &n) : NULL;
    check_case(txn && words[1] == 0x102, "sequence_device_gives_the_header", "%d %s", code,
               err.text);
    npu_txn_close(&txn);
}

/* Files of mlir/. */
static void test_plan(void)
{
    struct npu_error err = {""};
    struct npu_design *design = NULL;
    struct npu_map *map = NULL;
    struct npu_txn *txn = NULL;
    size_t n = 0;
    const char *path = TESTS_SOURCE "/mlir/encoder.mlir";
    if (npu_design_open(&design, path, &err) == 0 &&
        npu_map_open(&map, &design->array[0], &err) == 0)
        (void)npu_sequence_words(&txn, design, &design->array[0], map, 0, &err);
    const uint32_t *words = txn ? npu_txn_words(txn, &n) : NULL;
    check_case(txn && n == 408 && words[2] == 0x2C, "sequence_of_16_cores_is_408_words",
               "%zu words %s", n, err.text);
    npu_txn_close(&txn);
    npu_map_close(&map);
    npu_design_close(&design);
}

/* Channels follow the order of declaration: z MM2S 0, o2 S2MM 0, y MM2S 1, o1 S2MM 1. */
static void test_channels(void)
{
    static const char inside[] =
        "  %t12 = aie.tile(1, 2)\n  %t10 = aie.tile(1, 0)\n"
        "  aie.objectfifo @z(%t10, {%t12}, [2, 2]) : !aie.objectfifo<memref<16xi32>>\n"
        "  aie.objectfifo @o2(%t12, {%t10}, [2, 2]) : !aie.objectfifo<memref<16xi32>>\n"
        "  aie.objectfifo @y(%t10, {%t12}, [2, 2]) : !aie.objectfifo<memref<16xi32>>\n"
        "  aie.objectfifo @o1(%t12, {%t10}, [2, 2]) : !aie.objectfifo<memref<16xi32>>\n";
    static const struct {
        const char *fifo;
        uint32_t queue;
    } cases[] = {{"z", 0x0201D214}, {"o2", 0x0201D204}, {"y", 0x0201D21C}, {"o1", 0x0201D20C}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char sequence[512], name[64];
        struct npu_error err = {""};
        int code;
        size_t n = 0;
        snprintf(sequence, sizeof(sequence),
                 "aiex.npu.dma_memcpy_nd (%%a[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = "
                 "@%s, id = 0 : i64} : memref<64xi32>\n",
                 cases[i].fifo);
        struct npu_txn *txn = words_of("npu1", inside, sequence, &err, &code);
        const uint32_t *words = txn ? npu_txn_words(txn, &n) : NULL;
        snprintf(name, sizeof(name), "sequence_channel_of_%s", cases[i].fifo);
        check_case(txn && words[n - 4] == cases[i].queue, name, "%d, queue 0x%08" PRIX32 " %s",
                   code, txn ? words[n - 4] : 0, err.text);
        npu_txn_close(&txn);
    }
}

/* Offsets count in strides: [0, 0, 2, 64] of i8 with stride 256 is byte 576. */
static void test_offset(void)
{
    struct npu_error err = {""};
    int code;
    size_t n = 0;
    struct npu_txn *txn = words_of(
        "npu1", "",
        "aiex.npu.dma_memcpy_nd (%b[0, 0, 2, 64][4, 8, 16, 32][0, 8192, 256, 1]) {metadata = @in0, "
        "id = 3 : i64} : memref<65536xi8>\n",
        &err, &code);
    const uint32_t *w = txn ? npu_txn_words(txn, &n) : NULL;
    check_case(txn && w[6] == 0x1D060 && w[24] == 1 && w[26] == 576 && w[8] == 8 * 16 * 8 &&
                   w[n - 2] == 0x00030003,
               "sequence_offset_argument_and_repeat", "%d, byte %" PRIu32 " %s", code,
               txn ? w[26] : 0, err.text);
    npu_txn_close(&txn);
}

/* burst_length of both forms: bits 30 and 31 of the descriptor's word 4. */
static void test_burst(void)
{
    static const struct {
        const char *memcpy, *task;
        uint32_t word;
    } cases[] = {{"", "", 0x80000000},
                 {", burst_length = 0 : i64", "{burst_length = 0 : i32}", 0x80000000},
                 {", burst_length = 64 : i64", "{burst_length = 64 : i32}", 0},
                 {", burst_length = 128 : i64", "{burst_length = 128 : i32}", 0x40000000},
                 {", burst_length = 256 : i64", "{burst_length = 256 : i32}", 0x80000000}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char sequence[512], name[64];
        struct npu_error err = {""};
        int code;
        size_t n = 0;
        snprintf(
            sequence, sizeof(sequence),
            "aiex.npu.dma_memcpy_nd (%%a[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = "
            "@in0, id = 0 : i64%s} : memref<64xi32>\n"
            "%%t = aiex.dma_configure_task_for @out0 { aie.dma_bd(%%c : memref<64xi32>, 0, 64) "
            "%s aie.end }\naiex.dma_start_task(%%t)\n",
            cases[i].memcpy, cases[i].task);
        struct npu_txn *txn = words_of("npu1", "", sequence, &err, &code);
        const uint32_t *w = txn ? npu_txn_words(txn, &n) : NULL;
        snprintf(name, sizeof(name), "sequence_burst_%zu_reaches_the_words", i);
        /* Two transfers without tokens: 12 + 12 + 6 words each, after 4 of the header. */
        check_case(txn && n == 64 && w[12] == cases[i].word && w[42] == cases[i].word, name,
                   "%d, 0x%08" PRIX32 " and 0x%08" PRIX32 " %s", code, txn ? w[12] : 0,
                   txn ? w[42] : 0, err.text);
        npu_txn_close(&txn);
    }
}

/* Configure writes the descriptor, start pushes it; ids from 0, free again after an await. */
static void test_tasks(void)
{
    static const char tasks[] =
        "%t0 = aiex.dma_configure_task_for @out0 { aie.dma_bd(%c : memref<64xi32>, 0, 64, [<size = "
        "1, stride = 0>, <size = 1, stride = 0>, <size = 1, stride = 0>, <size = 64, stride = 1>]) "
        "aie.end } {issue_token = true, repeat_count = 0 : i32}\n"
        "aiex.dma_start_task(%t0)\n"
        "%t1 = aiex.dma_configure_task_for @in0 { aie.dma_bd(%a : memref<64xi32>, 0, 64) "
        "aie.end }\n"
        "aiex.dma_start_task(%t1)\n"
        "aiex.dma_await_task(%t0)\n"
        "aiex.dma_free_task(%t1)\n"
        "%t2 = aiex.dma_configure_task_for @in0 { aie.dma_bd(%a : memref<64xi32>, 16, 32) "
        "aie.end } {repeat_count = 1 : i32}\n"
        "aiex.dma_start_task(%t2)\n";
    static const char same[] =
        "aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @out0, id = "
        "0 "
        ": i64} : memref<64xi32>\n"
        "aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @in0, id = 1 "
        ": i64} : memref<64xi32>\n"
        "aiex.npu.dma_wait {symbol = @out0}\n"
        "aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 16][2, 1, 1, 32][0, 0, 0, 1]) {metadata = @in0, id = "
        "0 "
        ": i64} : memref<64xi32>\n";
    struct npu_error err = {""};
    int code;
    size_t n = 0, n_same = 0;
    struct npu_txn *txn = words_of("npu1", "", tasks, &err, &code);
    struct npu_txn *other = words_of("npu1", "", same, &err, &code);
    const uint32_t *words = txn ? npu_txn_words(txn, &n) : NULL;
    const uint32_t *words_same = other ? npu_txn_words(other, &n_same) : NULL;
    check_case(txn && other && n == n_same && memcmp(words, words_same, 4 * n) == 0,
               "sequence_tasks_equal_memcpys", "%zu and %zu words %s", n, n_same, err.text);
    npu_txn_close(&txn);
    npu_txn_close(&other);
}

static void test_registers(void)
{
    static const char inside[] =
        "  %rtp = aie.buffer(%t02) {sym_name = \"rtp0\", address = 40960 : i32} : memref<16xi32>\n"
        "  %core = aie.core(%t02) { aie.end }\n";
    struct npu_error err = {""};
    int code;
    size_t n = 0;
    struct npu_txn *txn = words_of("npu1", inside,
                                   "aiex.npu.rtp_write(@rtp0, 1, 7)\n"
                                   "aiex.npu.write32 {address = 64 : ui32, column = 0 : i32, row = "
                                   "2 : i32, value = 5 : ui32}\n",
                                   &err, &code);
    const uint32_t *w = txn ? npu_txn_words(txn, &n) : NULL;
    /* The address that mlir-aie gave for word 1 of a buffer at 0xA000 of core (0, 2). */
    check_case(txn && n == 16 && w[6] == 0x0020A004 && w[8] == 7, "sequence_rtp_write_address",
               "%d, 0x%08" PRIX32 " %s", code, txn ? w[6] : 0, err.text);
    check_case(txn && w[12] == 0x00200040 && w[14] == 5, "sequence_write32_address", "%s",
               err.text);
    npu_txn_close(&txn);
}

static void test_refusals(void)
{
#define MEMCPY(shape, rest) \
    "aiex.npu.dma_memcpy_nd (%b" shape ") {metadata = @in0, " rest "} : memref<65536xi8>\n"
    static const struct {
        const char *name, *device, *sequence, *sentence;
        int code;
    } cases[] = {
        {"sequence_npu2_is_refused", "npu2", in_and_out, "t: device npu2 has no instruction words",
         -EINVAL},
        {"sequence_id_16_is_refused", "npu1",
         MEMCPY("[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]", "id = 16 : i64"),
         "t:9:1: aiex.npu.dma_memcpy_nd: expected an id from 0 to 15", -EINVAL},
        {"sequence_odd_length_is_refused", "npu1",
         MEMCPY("[0, 0, 0, 0][1, 1, 1, 62][0, 0, 0, 1]", "id = 0 : i64"),
         "t:9:1: aiex.npu.dma_memcpy_nd: transfer: size[3] of 62 elements is 62 bytes", -EINVAL},
        {"sequence_negative_offset_is_refused", "npu1",
         MEMCPY("[0, 0, 0, -4][1, 1, 1, 64][0, 0, 0, 1]", "id = 0 : i64"),
         "t:9:1: aiex.npu.dma_memcpy_nd: an offset is -4", -EINVAL},
        {"sequence_await_without_token_is_refused", "npu1",
         "%t = aiex.dma_configure_task_for @in0 { aie.dma_bd(%a : memref<64xi32>, 0, 64) aie.end "
         "}\n"
         "aiex.dma_start_task(%t)\naiex.dma_await_task(%t)\n",
         "t:11:1: aiex.dma_await_task: the task issues no token", -EINVAL},
        {"sequence_start_of_freed_task_is_refused", "npu1",
         "%t = aiex.dma_configure_task_for @in0 { aie.dma_bd(%a : memref<64xi32>, 0, 64) aie.end "
         "}\n"
         "aiex.dma_free_task(%t)\naiex.dma_start_task(%t)\n",
         "t:11:1: aiex.dma_start_task: the task was not configured before, or is freed", -EINVAL},
    };
#undef MEMCPY
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct npu_error err = {""};
        int code;
        struct npu_txn *txn = words_of(cases[i].device, "", cases[i].sequence, &err, &code);
        check_case(!txn && code == cases[i].code && strstr(err.text, cases[i].sentence) == err.text,
                   cases[i].name, "%d \"%s\"", code, err.text);
        npu_txn_close(&txn);
    }
}

int main(void)
{
    test_add_one();
    test_plan();
    test_channels();
    test_offset();
    test_burst();
    test_tasks();
    test_registers();
    test_refusals();
    return check_finish();
}
