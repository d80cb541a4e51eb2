/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One core: what its program can do, what the sequence can do, what stays from launch to launch. */
#include "npu/sim/map/sequence_txn.h"
#include "tests/sim/rig.h"

#define N 1024

static int32_t in[N], out[N], expected[N];

static void fresh(void)
{
    rig_fill(in, N, 1);
    memset(out, 0xEE, sizeof(out));
    memset(expected, 0xEE, sizeof(expected));
}

/* Load, run once with the first a and b words of in and out, compare all of out. */
static void compare(const char *name, const char *design, const char *const *edits, size_t a,
                    size_t b)
{
    struct rig rig = {0};
    memset(out, 0xEE, sizeof(out));
    bool ran = rig_open(&rig, design, edits) && rig_run(&rig, in, a * 4, out, b * 4);
    size_t at = 0;
    while (at < N && out[at] == expected[at])
        at++;
    check_case(ran && at == N, name, "%s, %zu of %u words right", ran ? "ran" : rig.err.text, at,
               N);
    rig_close(&rig);
}

static void test_copy(void)
{
    fresh();
    memcpy(expected, in, sizeof(in));
    compare("run_copy_depth2", "copy.mlir", NULL, N, N);
    compare("run_copy_depth1", "copy.mlir",
            RIG_EDITS("{%core}, [2, 2]", "{%core}, [2, 1]", "{%shim}, [2, 2]", "{%shim}, [1, 2]"),
            N, N);
    compare("run_copy_e3_two_at_once", "copy_e3.mlir", NULL, N, N);
    fresh();
    for (int o = 0; o < 7; o++)
        for (int j = 0; j < 64; j++)
            expected[o * 64 + j] = in[o * 64 + j] + in[o * 64 + 64 + j];
    struct rig rig = {.code = 0};
    struct npu_sim_buffer buffer[2] = {{in, 512 * 4}, {out, 448 * 4}};
    bool ran = rig_open(&rig, "window.mlir", NULL) &&
               rig_launch(&rig, &(struct npu_sim_launch){
                                    .buffers = buffer, .n_buffers = 2, .keep_leftovers = true});
    check_case(ran && !memcmp(out, expected, sizeof(out)), "run_window_acquires_one_new", "%s",
               rig.err.text);
    rig_close(&rig);
}

#define OUT_LINE                                                                                   \
    "aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 1024][0, 0, 0, 1]) {metadata = @out, id = 1 " \
    ": "                                                                                           \
    "i64} : memref<1024xi32>"
#define IN_LINE                                                                                   \
    "aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 1024][0, 0, 0, 1]) {metadata = @in, id = 0 " \
    ": "                                                                                          \
    "i64} : memref<1024xi32>"
#define OUT_PART(at, n, id)                                                                        \
    "aiex.npu.dma_memcpy_nd (%b[" at "][1, 1, 1, " n "][0, 0, 256, 1]) {metadata = @out, id = " id \
    " : i64} : memref<1024xi32>\n"
#define WAIT "aiex.npu.dma_wait {symbol = @out}\n"

static void test_tasks(void)
{
    fresh();
    memcpy(expected, in, sizeof(in));
    compare("run_tasks_four_queued", "copy.mlir",
            RIG_EDITS(OUT_LINE,
                      OUT_PART("0, 0, 0, 0", "256", "1") OUT_PART("0, 0, 0, 256", "256", "2")
                          OUT_PART("0, 0, 2, 0", "256", "3") OUT_PART("9, 7, 2, 256", "256", "4"),
                      WAIT, WAIT WAIT WAIT WAIT),
            N, N);
    compare(
        "run_tasks_task_form", "copy.mlir",
        RIG_EDITS(OUT_LINE,
                  "%t0 = aiex.dma_configure_task_for @out {\n"
                  "aie.dma_bd(%b : memref<1024xi32>, 0, 512, [<size = 1, stride = 0>, <size = 1, "
                  "stride = 0>, <size = 2, stride = 256>, <size = 256, stride = 1>])\naie.end\n"
                  "} {issue_token = true, repeat_count = 0 : i32}\n"
                  "%t1 = aiex.dma_configure_task_for @out {\n"
                  "aie.dma_bd(%b : memref<1024xi32>, 512, 512)\naie.end\n} {issue_token = true}\n"
                  "aiex.dma_start_task(%t0)\naiex.dma_start_task(%t1)\n",
                  WAIT, "aiex.dma_await_task(%t0)\naiex.dma_await_task(%t1)\n"),
        N, N);
    /* Eight tasks, two at a time: what was waited for proves that the queue and the BDs are
     * free. */
    compare("run_tasks_bd_reused_after_wait", "copy.mlir",
            RIG_EDITS(OUT_LINE,
                      OUT_PART("0, 0, 0, 0", "128", "1") OUT_PART("0, 0, 0, 128", "128", "2"), WAIT,
                      WAIT WAIT OUT_PART("0, 0, 1, 0", "128", "1") OUT_PART(
                          "0, 0, 1, 128", "128", "2") WAIT WAIT OUT_PART("0, 0, 2, 0", "256", "1")
                          WAIT OUT_PART("0, 0, 3, 0", "256", "1") WAIT),
            N, N);
}

/* The launch once more from instruction words, with n words of `out`. */
static bool run_words(struct rig *rig, size_t n)
{
    struct npu_map *map = NULL;
    struct npu_txn *txn = NULL;
    const struct npu_ir_array *array = &rig->design->array[0];
    struct npu_sim_buffer buffer[2] = {{in, sizeof(in)}, {out, n * 4}};
    bool ran = npu_map_open(&map, array, &rig->err) == 0 &&
               npu_sequence_words(&txn, rig->design, array, map, 0, &rig->err) == 0;
    if (ran) {
        struct npu_sim_launch launch = {.buffers = buffer, .n_buffers = 2};
        launch.words = npu_txn_words(txn, &launch.n_words);
        ran = rig_launch(rig, &launch);
    }
    npu_txn_close(&txn);
    npu_map_close(&map);
    return ran;
}

/* What a task reads, from its text and from its words: `runs` of [planes][rows][columns] words with
 * these steps, each run `step` further. */
static void test_task_forms(void)
{
    static const struct {
        const char *name, *bd, *more;
        size_t runs, step, planes, plane, rows, row, columns, column;
    } cases[] = {
        {"run_task_of_a_whole_argument", "", "", 1, 0, 1, 0, 1, 0, 1024, 1},
        {"run_task_of_three_dimensions",
         ", 0, 256, [<size = 2, stride = 512>, <size = 2, stride = 128>, <size = 64, stride = 1>]",
         "{repeat_count = 3 : i32}", 4, 0, 2, 512, 2, 128, 64, 1},
        {"run_task_of_four_dimensions",
         ", 0, 256, [<size = 2, stride = 512>, <size = 1, stride = 3>, <size = 4, stride = 128>, "
         "<size = 64, stride = 2>]",
         "{repeat_count = 1 : i32}", 2, 512, 1, 0, 4, 128, 64, 2},
        {"run_task_repeats_as_repeat_count_says",
         ", 0, 128, [<size = 2, stride = 0>, <size = 1, stride = 0>, <size = 2, stride = 512>, "
         "<size = 64, stride = 1>]",
         "{repeat_count = 2 : i32}", 3, 0, 1, 0, 2, 512, 64, 1},
        {"run_task_of_rows_of_one_word",
         ", 0, 128, [<size = 128, stride = 8>, <size = 1, stride = 1>]", "", 1, 0, 1, 0, 128, 8, 1,
         1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char task[512], output[256], name[80];
        size_t n = 0;
        fresh();
        for (size_t r = 0; r < cases[i].runs; r++)
            for (size_t p = 0; p < cases[i].planes; p++)
                for (size_t y = 0; y < cases[i].rows; y++)
                    for (size_t x = 0; x < cases[i].columns; x++)
                        expected[n++] = in[r * cases[i].step + p * cases[i].plane +
                                           y * cases[i].row + x * cases[i].column];
        snprintf(task, sizeof(task),
                 "%%t = aiex.dma_configure_task_for @in {\naie.dma_bd(%%a : memref<1024xi32>%s)\n"
                 "aie.end\n} %s\naiex.dma_start_task(%%t)\n",
                 cases[i].bd, cases[i].more);
        snprintf(output, sizeof(output),
                 "%%b : memref<%zuxi32>) {\naiex.npu.dma_memcpy_nd (%%b[0, 0, 0, 0][1, 1, 1, %zu]"
                 "[0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<%zuxi32>",
                 n, n, n);
        const char *const edits[] = {IN_LINE, task, OUT_LINE, "", "%b : memref<1024xi32>) {",
                                     output,  NULL};
        compare(cases[i].name, "copy.mlir", edits, N, n);
        struct rig rig = {0};
        memset(out, 0xEE, sizeof(out));
        bool ran = rig_open(&rig, "copy.mlir", edits) && run_words(&rig, n);
        snprintf(name, sizeof(name), "%s_as_words", cases[i].name);
        check_case(ran && !memcmp(out, expected, sizeof(out)), name, "%s", rig.err.text);
        rig_close(&rig);
    }
}

/* The order of a shim pattern, its formula written out. */
static void test_patterns(void)
{
    fresh();
    size_t n = 0;
    for (int repeat = 0; repeat < 2; repeat++)
        for (int r = 0; r < 16; r++)
            for (int p = 0; p < 2; p++)
                for (int c = 0; c < 16; c++)
                    expected[n++] = in[32 + p * 256 + r * 16 + c];
    compare("run_pattern_read_repeats", "copy.mlir",
            RIG_EDITS("(%a[0, 0, 0, 0][1, 1, 1, 1024][0, 0, 0, 1])",
                      "(%a[5, 0, 0, 32][2, 16, 2, 16][0, 16, 256, 1])"),
            N, N);
    for (int o = 0; o < 4; o++)
        for (int i = 0; i < 256; i++)
            expected[(o % 2) * 512 + (o / 2) * 256 + i] = in[o * 256 + i];
    compare("run_pattern_write_scatters", "copy.mlir",
            RIG_EDITS("(%b[0, 0, 0, 0][1, 1, 1, 1024][0, 0, 0, 1])",
                      "(%b[0, 0, 0, 0][2, 2, 4, 64][256, 512, 64, 1])"),
            N, N);
}

/* Words that push one descriptor twice, the second time while the first may still run: half of the
 * input, two times. */
static void test_words(void)
{
    const char *const *edits = RIG_EDITS(
        IN_LINE, "%t = aiex.dma_configure_task_for @in { aie.dma_bd(%a : memref<1024xi32>, 512, "
                 "512) aie.end }\n aiex.dma_start_task(%t)\n aiex.dma_start_task(%t)");
    struct rig rig = {0};
    struct npu_map *map = NULL;
    struct npu_txn *txn = NULL;
    struct npu_sim_buffer buffer[2] = {{in, sizeof(in)}, {out, sizeof(out)}};
    struct npu_sim_launch launch = {.buffers = buffer, .n_buffers = 2};

    fresh();
    for (size_t i = 0; i < N; i++)
        expected[i] = in[512 + i % 512];
    bool ok = rig_open(&rig, "copy.mlir", edits) &&
              npu_map_open(&map, &rig.design->array[0], &rig.err) == 0 &&
              npu_sequence_words(&txn, rig.design, &rig.design->array[0], map, 0, &rig.err) == 0;
    if (ok)
        launch.words = npu_txn_words(txn, &launch.n_words);
    ok = ok && rig_launch(&rig, &launch) && memcmp(out, expected, sizeof(out)) == 0;
    check_case(ok, "run_words_push_a_descriptor_twice", "%d %s", rig.code, rig.err.text);
    npu_txn_close(&txn);
    npu_map_close(&map);
    rig_close(&rig);
}

struct polled {
    const char *name, *sentence;
    uint32_t mask;      /* of the poll before the fifth and each later one; 0: none */
    unsigned n_ids;     /* a transfer's descriptor is its number modulo this, */
    unsigned fifth;     /* but for the fifth */
    unsigned out_after; /* the transfer in after which the one out is pushed */
    int code;
};

/* Seven transfers of half the input without a token, more than a queue takes. */
static int run_polled(const struct polled *c, struct rig *rig)
{
    static const struct npu_txn_device device = NPU_TXN_NPU1(1);
    struct npu_txn *txn = NULL;
    struct npu_txn_transfer t = {.direction = NPU_TXN_MM2S,
                                 .element_bytes = 4,
                                 .size = {1, 1, 1, 512},
                                 .stride = {0, 0, 0, 1}};
    const struct npu_txn_op poll = {.kind = NPU_TXN_MASKPOLL, .address = 0x1D228, .mask = c->mask};
    const struct npu_txn_wait wait = {.n_columns = 1, .n_rows = 1};
    struct npu_sim_buffer buffer[2] = {{in, sizeof(in)}, {out, sizeof(out)}};
    struct npu_sim_launch launch = {.buffers = buffer, .n_buffers = 2};

    fresh();
    bool ok = rig_open(rig, "copy.mlir", NULL) && npu_txn_open(&txn, &device, &rig->err) == 0;
    for (unsigned i = 0; i < 7 && ok; i++) {
        if (i >= 4 && c->mask)
            ok = npu_txn_append(txn, &poll, &rig->err) == 0;
        const struct npu_txn_transfer whole = {.direction = NPU_TXN_S2MM,
                                               .bd = 15,
                                               .token = true,
                                               .argument = 1,
                                               .element_bytes = 4,
                                               .size = {7, 1, 1, 512},
                                               .stride = {0, 0, 0, 1}};
        t.bd = (uint8_t)(i == 4 ? c->fifth : i % c->n_ids);
        t.offset_bytes = i % 2 ? 2048 : 0;
        ok = ok && npu_txn_append_transfer(txn, &t, &rig->err) == 0;
        if (i == c->out_after)
            ok = ok && npu_txn_append_transfer(txn, &whole, &rig->err) == 0;
    }
    ok = ok && npu_txn_append_wait(txn, &wait, &rig->err) == 0;
    rig->code = ok ? 0 : -EINVAL;
    if (ok) {
        launch.words = npu_txn_words(txn, &launch.n_words);
        if (rig_launch(rig, &launch) && (memcmp(out, in, 2048) || out[512] != (int32_t)0xEEEEEEEE))
            rig->code = -EILSEQ;
    }
    npu_txn_close(&txn);
    return rig->code;
}

static void test_polls(void)
{
    static const struct polled cases[] = {
        {"run_without_polls_a_fifth_is_lost", "a fifth task for MM2S 0", 0, 7, 4, 3, -EINVAL},
        {"run_polls_make_room", "", 0x400000, 7, 4, 4, 0},
        {"run_polls_of_a_full_queue_free_no_descriptor", "word 155: BD 0 of shim tile (0,0)",
         0x400000, 7, 0, 4, -EINVAL},
        {"run_polls_free_descriptors", "", 0x600000, 4, 0, 3, 0},
        {"run_polls_free_not_the_newest", "word 192: BD 3 of shim tile (0,0)", 0x600000, 4, 3, 3,
         -EINVAL},
        {"run_polls_of_an_empty_queue", "", 0x700000, 4, 2, 3, 0},
        {"run_polls_of_a_channel_at_rest", "", 0x78003C, 4, 3, 3, 0},
        {"run_polls_for_ever",
         "words waits for the queue of @in, MM2S 0 of shim (0,0), which has too many tasks; in the",
         0x600000, 4, 0, 4, -EDEADLK},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rig rig = {0};
        int code = run_polled(&cases[i], &rig);
        check_case(code == cases[i].code && strstr(rig.err.text, cases[i].sentence), cases[i].name,
                   "%d %s", code, rig.err.text);
        rig_close(&rig);
    }
}

/* How many objects a job has comes with its data: 3, 0, 5, 1. */
static void test_counts(void)
{
    static const int32_t counts[] = {3, 0, 5, 1};
    fresh();
    memset(in, 0, sizeof(in));
    for (size_t i = 0; i < 256; i++)
        expected[i] = 0;
    size_t object = 0;
    for (int job = 0; job < 4; job++) {
        in[object++ * 64] = counts[job];
        for (int i = 0; i < counts[job]; i++, object++)
            for (size_t j = 0; j < 64; j++) {
                in[object * 64 + j] = job * 1000 + i * 100 + (int32_t)j;
                expected[(size_t)job * 64 + j] += in[object * 64 + j];
            }
    }
    compare("run_counts_from_data", "counts.mlir", NULL, 832, 256);
    compare("run_counts_from_kernel", "counts.mlir",
            RIG_EDITS("%n = memref.load %p[%c0] : memref<64xi32>",
                      "%n = func.call @first(%p) : (memref<64xi32>) -> i32"),
            832, 256);
}

static int32_t halvings(int32_t x)
{
    int32_t n = 0;
    for (; x > 0; x /= 2)
        n++;
    return n;
}

static void test_control(void)
{
    static const int32_t xs[8] = {0, 1, 2, 5, 200, 129, 7, 1 << 20};
    fresh();
    for (size_t i = 0; i < 8; i++)
        in[i * 64] = xs[i];
    struct rig rig = {0};
    memset(out, 0, sizeof(out));
    bool ran = rig_open(&rig, "control.mlir", NULL) && rig_run(&rig, in, 2048, out, 2048);
    unsigned bad = 0;
    for (size_t i = 0; i < 8; i++) {
        int32_t x = xs[i];
        const int32_t want[8] = {
            x % 2 ? 7 : 1,     halvings(x), x % 2 ? x * 7 : -x, x == 2 ? 22 : x == 5 ? 55 : 100,
            x % 2 ? x % 7 : 0, (int8_t)x,   in[i * 64 + 18],    in[i * 64 + 3 + 28]};
        for (size_t j = 0; j < 8; j++)
            if (out[i * 64 + j] != want[j]) {
                printf("# x %d, word %zu: %d, expected %d\n", x, j, out[i * 64 + j], want[j]);
                bad++;
            }
        for (size_t j = 8; j < 16; j++)
            bad += out[i * 64 + j] != (j % 2 ? 0 : (int32_t)j);
    }
    check_case(ran && !bad, "run_control_computes", "%u words wrong %s", bad, rig.err.text);
    rig_close(&rig);
}

/* A buffer, the core's modes and a word of the host stay from launch to launch, and end with the
 * simulator. */
static void test_state(void)
{
    bool ok = true;
    struct rig rig = {0};
    for (int context = 0; context < 2; context++) {
        ok &= rig_open(&rig, "memory.mlir", NULL);
        int32_t sum = 0;
        for (int launch = 0; ok && launch < 4; launch++) {
            int32_t a[64], b[64];
            for (int j = 0; j < 64; j++)
                a[j] = launch + 1;
            struct npu_sim_buffer buffer[2] = {{a, 256}, {b, 256}};
            ok &= rig_launch(&rig,
                             &(struct npu_sim_launch){.sequence = launch == 2 ? "written" : "plain",
                                                      .buffers = buffer,
                                                      .n_buffers = 2});
            sum += launch + 1;
            ok &= b[0] == launch; /* the mode, counted up by each call */
            ok &= b[1] == sum + (launch < 2 ? 3 : 1000);
        }
        rig_close(&rig);
    }
    check_case(ok, "run_state_stays_between_launches", "%s", rig.err.text);
}

/* What memory.mlir leaves out: bytes seen as words, words by address, numbers as arguments. */
static void test_params(void)
{
    static int32_t bytes[64], result[96];
    rig_fill(bytes, 64, 4);
    struct npu_sim_buffer buffer[2] = {{bytes, 256}, {result, sizeof(result)}};
    const int64_t at = 64;
    struct rig rig = {0};
    bool ran =
        rig_open(&rig, "params.mlir", NULL) &&
        rig_launch(&rig, &(struct npu_sim_launch){
                             .buffers = buffer, .n_buffers = 2, .scalars = &at, .n_scalars = 1});
    unsigned bad = 0;
    for (size_t object = 0; object < 6; object++)
        for (size_t part = 0; part < 2; part++)
            for (size_t n = 0; n < 8; n++) {
                /* The joined object's parts leave as [4][2] of their [2][4]. */
                size_t word = n % 2 * 4 + n / 2;
                int32_t x = bytes[16 + object % 2 * 16 + 2 + word];
                int32_t want = part == 0 ? (int32_t)((uint32_t)x + 100) : x ^ 0x123F;
                bad += result[object * 16 + part * 8 + n] != want;
            }
    check_case(ran && !bad, "run_params_views_addresses_repeats", "%u words wrong %s", bad,
               rig.err.text);
    bool refused =
        rig.sim && !rig_launch(&rig, &(struct npu_sim_launch){.buffers = buffer, .n_buffers = 2});
    check_case(refused && rig.code == -EINVAL && strstr(rig.err.text, "%at is missing"),
               "run_params_number_missing", "%s", rig.err.text);
    refused =
        rig.sim && !rig_launch(&rig, &(struct npu_sim_launch){.buffers = buffer,
                                                              .n_buffers = 2,
                                                              .scalars = (const int64_t[]){64, 0},
                                                              .n_scalars = 2});
    check_case(refused && rig.code == -EINVAL && strstr(rig.err.text, "expected 2 and 1"),
               "run_params_one_too_many", "%s", rig.err.text);
    refused =
        rig.sim && !rig_launch(&rig, &(struct npu_sim_launch){.buffers = buffer,
                                                              .n_buffers = 2,
                                                              .scalars = (const int64_t[]){-64},
                                                              .n_scalars = 1});
    check_case(refused && rig.code == -EINVAL && strstr(rig.err.text, "an offset of -64: expected"),
               "run_params_negative_offset", "%s", rig.err.text);
    rig_close(&rig);
}

/* Writes outside of memory: the sentence says what is there. */
static void test_registers(void)
{
    static const struct {
        unsigned address, row;
        const char *sentence;
    } cases[] = {
        {0xA0000, 1, "address 0xA0000 of tile (0,1) (a buffer descriptor): expected a word of a"},
        {0xA060C, 1, "(a DMA channel)"},
        {0xC0010, 1, "(a lock)"},
        {0xB0000, 1, "(the stream switch)"},
        {0x940D0, 1, "(events, counters and trace)"},
        {0x1D020, 2, "tile (0,2) (a buffer descriptor)"},
        {0x1DE04, 2, "(a DMA channel)"},
        {0x1F010, 2, "(a lock)"},
        {0x32000, 2, "(the core's control)"},
        {0x3F000, 2, "(the stream switch)"},
        {0x340D0, 2, "(events, counters and trace)"},
        {0x140D0, 2, "(events, counters and trace)"},
        {0x31500, 2, "(events, counters and trace)"},
        {0xF000, 2, "address 0xF000 of tile (0,2): expected a word of a buffer"},
    };
    unsigned bad = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rig rig = {0};
        char write[512];
        snprintf(write, sizeof(write),
                 "aiex.npu.write32 {address = %u : ui32, column = 0 : i32, row = %u : i32, value = "
                 "1 : ui32}\n%s",
                 cases[i].address, cases[i].row, IN_LINE);
        bool ran = rig_open(&rig, "copy.mlir", RIG_EDITS(IN_LINE, write)) &&
                   rig_run(&rig, in, sizeof(in), out, sizeof(out));
        if (ran || rig.code != -ENOTSUP || !strstr(rig.err.text, cases[i].sentence)) {
            printf("# \"%s\", expected \"%s\"\n", rig.err.text, cases[i].sentence);
            bad++;
        }
        rig_close(&rig);
    }
    check_case(!bad, "run_register_is_named", "%u not", bad);
}

/* Numbers whose products do not fit 64 bits, most of them 0 in what is left of them. */
static void test_range(void)
{
#define BIG "1099511627776" /* 2^40 */
    static const char call[] = "func.call @copy64(%i, %o) : (memref<64xi32>, memref<64xi32>) -> ()";
    static const char bytes[] =
        "%by = aie.buffer(%core) {sym_name = \"by\"} : memref<64xi8>\n %k = aie.core";
    static const char index[] = "%at = arith.constant 16777216 : index\n"; /* 2^24 */
    static const char cast[] =
        "%m = memref.reinterpret_cast %i to offset: [0], sizes: [" BIG "], strides: [" BIG
        "] : memref<64xi32> to memref<" BIG "xi32, strided<[" BIG "]>>\n";
    static const struct {
        const char *name, *sentence, *make, *use; /* use NULL: make is the input's transfer */
    } cases[] = {
        {"run_range_load", "memref.load: the element lies 2^40 elements or more away", cast,
         "%v = memref.load %m[%at] : memref<" BIG "xi32, strided<[" BIG "]>>"},
        {"run_range_store", "memref.store: the element lies 2^40 elements or more away", cast,
         "%v = arith.constant 1 : i32\n memref.store %v, %m[%at] : memref<" BIG
         "xi32, strided<[" BIG "]>>"},
        {"run_range_load_sum", "memref.load: the element lies 2^40 elements or more away",
         "%m = memref.reinterpret_cast %i to offset: [0], sizes: [8, 8], strides: [" BIG ", -" BIG
         "] : memref<64xi32> to memref<8x8xi32, strided<[" BIG ", -" BIG "]>>\n"
         "%two = arith.constant 2 : index\n",
         "%v = memref.load %m[%two, %two] : memref<8x8xi32, strided<[" BIG ", -" BIG "]>>"},
        {"run_range_subview_offset",
         "memref.subview: offset 16777216 or stride 1 times " BIG ", expected less", cast,
         "%s = memref.subview %m[%at][1][1] : memref<" BIG "xi32, strided<[" BIG
         "]>> to memref<1xi32, strided<[" BIG "], offset: ?>>"},
        {"run_range_subview_stride",
         "memref.subview: offset 0 or stride 16777216 times " BIG ", expected less", cast,
         "%s = memref.subview %m[0][1][%at] : memref<" BIG "xi32, strided<[" BIG
         "]>> to memref<1xi32, strided<[?]>>"},
        {"run_range_cast_offset", "memref.reinterpret_cast: offset 9223372036854775807",
         "%m = memref.reinterpret_cast %i to offset: [%cmax], sizes: [4], strides: [1] : "
         "memref<64xi32> to memref<4xi32, strided<[1], offset: ?>>\n",
         ""},
        {"run_range_view_shift", "memref.view from byte -1 of 64",
         "%five = arith.constant 5 : index\n"
         "%m = memref.reinterpret_cast %by to offset: [%five], sizes: [8], strides: [1] : "
         "memref<64xi8> to memref<8xi8, strided<[1], offset: ?>>\n"
         "%p = memref.cast %m : memref<8xi8, strided<[1], offset: ?>> to memref<8xi8>\n",
         "%w = memref.view %p[%cmax][] : memref<8xi8> to memref<1xi32>"},
        {"run_range_transfer", "the sizes of the transfer are out of range", NULL,
         "(%a[0, 0, 0, 0][1073741824, 1, 1, 4][" BIG ", 0, 0, 1])"},
        {"run_range_transfer_sum", "the sizes of the transfer are out of range", NULL,
         "(%a[0, 0, 0, 0][262144, 262144, 1, 4][" BIG ", " BIG ", " BIG ", 1])"},
    };
#undef BIG
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rig rig = {0};
        char body[1024];
        snprintf(body, sizeof(body), "%s%s%s", index, cases[i].make ? cases[i].make : "",
                 cases[i].use ? cases[i].use : "");
        bool ran = rig_open(&rig, "copy.mlir",
                            cases[i].make ? RIG_EDITS(call, body, "%k = aie.core", bytes)
                                          : RIG_EDITS("(%a[0, 0, 0, 0][1, 1, 1, 1024][0, 0, 0, 1])",
                                                      cases[i].use)) &&
                   rig_run(&rig, in, sizeof(in), out, sizeof(out));
        check_case(!ran && rig.code == -EINVAL && strstr(rig.err.text, cases[i].sentence),
                   cases[i].name, "%d \"%s\"", rig.code, rig.err.text);
        rig_close(&rig);
    }
}

/* The same bytes and cycles twice. */
static void test_determinism(void)
{
    struct npu_sim_result result[2];
    struct rig rig = {0};
    bool ok = true;
    for (int i = 0; i < 2; i++) {
        fresh();
        ok &= rig_open(&rig, "copy.mlir", NULL) && rig_run(&rig, in, sizeof(in), out, sizeof(out));
        result[i] = rig.result;
        rig_close(&rig);
    }
    check_case(ok && !memcmp(&result[0], &result[1], sizeof(result[0])) &&
                   result[0].time[NPU_SIM_BEST].cycles > 0,
               "run_twice_same_cycles", "%llu modelled cycles",
               (unsigned long long)result[0].time[NPU_SIM_PUBLISHED].cycles);
}

int main(void)
{
    test_copy();
    test_tasks();
    test_task_forms();
    test_patterns();
    test_words();
    test_polls();
    test_counts();
    test_control();
    test_state();
    test_params();
    test_registers();
    test_range();
    test_determinism();
    return check_finish();
}
