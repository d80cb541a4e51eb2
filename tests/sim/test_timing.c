/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The timing model compared with sums by hand, the table of constants, the trace. */
#include "npu/sim/engine/trace.h"
#include "npu/sim/map/map.h"
#include "npu/sim/map/sequence_txn.h"
#include "tests/sim/rig.h"

#include <math.h>
#include <unistd.h>

#define N 1024
static int32_t in[N], out[N];

#define KERNEL 100 /* modelled cycles of copy64, rig.h */

/* Modelled cycles of copy.mlir for n words each way. */
static double cycles_of(const struct npu_sim_timing *timing, const char *const *edits, size_t n,
                        struct npu_sim_result *result)
{
    struct rig rig = {.params = {.timing = timing}};
    rig_fill(in, N, 1);
    bool ran = rig_open(&rig, "copy.mlir", edits) && rig_run(&rig, in, n * 4, out, n * 4);
    if (!ran)
        printf("# %s\n", rig.err.text);
    *result = rig.result;
    rig_close(&rig);
    return ran ? (double)result->cycles : -1;
}

#define BUFFERS(n)                                                                        \
    "%a : memref<1024xi32>, %b : memref<1024xi32>",                                       \
        "%a : memref<" n "xi32>, %b : memref<" n "xi32>", "1, 1, 1, 1024", "1, 1, 1, " n, \
        "memref<1024xi32>", "memref<" n "xi32>", "1, 1, 1, 1024", "1, 1, 1, " n,          \
        "memref<1024xi32>", "memref<" n "xi32>"

/* One object from end to end, every step of it in its order. */
static double one_object(const struct npu_sim_timing *t)
{
    double write_pushed =
        t->sequence_blockwrite + t->sequence_patch + t->sequence_push + t->sequence_mask;
    double read_pushed =
        write_pushed + t->sequence_blockwrite + t->sequence_patch + t->sequence_push;
    double latency = t->route_base + 2 * t->route_hop;
    double sent = read_pushed + t->task_read + t->channel_start + t->task_first_read +
                  64 * fmax(t->shim_read_word, t->stream_word);
    double full = sent + t->bd_chain + t->lock + latency;
    double done = full + 2 * t->core_acquire + KERNEL * t->kernel_scale + 2 * t->core_release;
    double back = done + t->lock + t->bd_start + 64 * fmax(t->shim_write_word, t->stream_word);
    return back + latency + t->sequence_wait;
}

static void test_one_object(void)
{
    struct npu_sim_result result;
    struct npu_sim_timing t;
    npu_sim_timing_init(&t);
    double seen = cycles_of(&t, RIG_EDITS(BUFFERS("64")), 64, &result);
    check_case(seen == ceil(one_object(&t)), "timing_one_object", "%g modelled, by hand %g", seen,
               one_object(&t));
    const char *const changes[] = {
        "shim_read_word=3.5",   "stream_word=2",      "route_hop=9",      "route_base=13",
        "bd_start=31",          "bd_chain=37",        "lock=7",           "task_read=1000",
        "task_first_read=5000", "sequence_patch=201", "sequence_push=77", "sequence_mask=11",
        "sequence_wait=3",      "core_acquire=101",   "core_release=57",  "sequence_blockwrite=5",
        "kernel_scale=1.1"};
    bool same = true;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        double before = one_object(&t);
        same &= npu_sim_timing_set(&t, changes[i], NULL) == 0 && one_object(&t) != before;
        seen = cycles_of(&t, RIG_EDITS(BUFFERS("64")), 64, &result);
        if (seen != ceil(one_object(&t) - 1e-6)) {
            printf("# %s: %g modelled, by hand %g\n", changes[i], seen, one_object(&t));
            same = false;
        }
    }
    check_case(same, "timing_every_constant_counts", "%zu constants changed in turn",
               sizeof(changes) / sizeof(changes[0]));
}

/* The time of eight more objects shows what the pipeline waits for. */
static double slope(const struct npu_sim_timing *t, const char *const *few, const char *const *many)
{
    struct npu_sim_result result;
    double short_run = cycles_of(t, few, 512, &result);
    return cycles_of(t, many, 1024, &result) - short_run;
}

static void test_slopes(void)
{
    struct npu_sim_timing t;
    npu_sim_timing_init(&t);
    /* The core: two acquires, the kernel, two releases, and add, jump, compare of the loop. */
    double core = 8 * (2 * t.core_acquire + KERNEL + 2 * t.core_release + 3 * t.core_operation);
    double seen = slope(&t, RIG_EDITS(BUFFERS("512")), NULL);
    check_case(fabs(seen - core) <= 1, "timing_bound_by_core", "%g modelled, by hand %g", seen,
               core);
    /* One object at the core's input: transfer and work take turns. */
    double turns =
        8 * (t.lock + t.bd_start + 64 * t.shim_read_word + t.bd_chain + t.lock + t.route_base +
             2 * t.route_hop + 2 * t.core_acquire + KERNEL + t.core_release);
    seen = slope(&t, RIG_EDITS("{%core}, [2, 2]", "{%core}, [2, 1]", BUFFERS("512")),
                 RIG_EDITS("{%core}, [2, 2]", "{%core}, [2, 1]"));
    check_case(fabs(seen - turns) <= 1, "timing_depth1_takes_turns", "%g modelled, by hand %g",
               seen, turns);
    npu_sim_timing_set(&t, "stream_word=10", NULL);
    double stream = 8 * (640 + t.bd_chain + t.lock + t.bd_start);
    seen = slope(&t, RIG_EDITS(BUFFERS("512")), NULL);
    check_case(fabs(seen - stream) <= 1, "timing_bound_by_stream", "%g modelled, by hand %g", seen,
               stream);
}

static void test_result(void)
{
    struct npu_sim_result r;
    struct npu_sim_timing t;
    npu_sim_timing_init(&t);
    double seen = cycles_of(&t, NULL, N, &r);
    bool ok = r.ddr_read == 4096 && r.ddr_written == 4096 && r.n_calls == 16 && r.n_tiles == 2;
    ok &= r.ddr_cycles == 512; /* 4096 bytes at 8 bytes a cycle of one shim tile, each way */
    ok &= r.array_cycles == r.cycles && r.launch_us == 68;
    ok &= fabs(r.total_us - (68 + seen / 1000)) < 1e-9;
    const struct npu_sim_tile_result *core = &r.tile[1];
    ok &= core->column == 0 && core->row == 2 && core->n_calls == 16 && core->dma_bytes == 8192;
    ok &= core->core_cycles >= 16 * (100 + 90) && core->core_cycles < 16 * (100 + 90) + 64;
    ok &= core->dma_cycles == (uint64_t)(1024 * 1.05);
    check_case(ok, "timing_result_counts", "%llu cycles of core, %llu of DMA",
               (unsigned long long)core->core_cycles, (unsigned long long)core->dma_cycles);
    struct rig rig = {0};
    ok = rig_open(&rig, "copy.mlir", NULL) && rig_run(&rig, in, sizeof(in), out, sizeof(out));
    struct npu_sim_result first = rig.result;
    ok = ok && rig_run(&rig, in, sizeof(in), out, sizeof(out));
    check_case(ok && rig.result.n_calls == 16 && rig.result.ddr_read == 4096 &&
                   rig.result.tile[1].core_cycles <= first.tile[1].core_cycles + 8 &&
                   rig.result.cycles == first.cycles,
               "timing_second_launch_counts_anew", "%llu and %llu cycles of core",
               (unsigned long long)first.tile[1].core_cycles,
               (unsigned long long)rig.result.tile[1].core_cycles);
    rig_close(&rig);
    npu_sim_timing_set(&t, "ddr_gb_per_s=0.5", NULL);
    cycles_of(&t, NULL, N, &r);
    check_case(r.cycles == 16384 && r.array_cycles == (uint64_t)seen, "timing_bound_by_memory",
               "%llu modelled, 8192 bytes at half a byte a cycle", (unsigned long long)r.cycles);
}

/* The same sequence as text and as words: the same bytes, the same cycles. */
static void test_words(void)
{
    struct rig text = {0}, words = {0};
    static int32_t other[N];
    struct npu_sim_buffer buffer[2] = {{in, sizeof(in)}, {other, sizeof(other)}};
    struct npu_map *map = NULL;
    struct npu_txn *txn = NULL;
    rig_fill(in, N, 8);
    bool ok =
        rig_open(&text, "copy.mlir", NULL) && rig_run(&text, in, sizeof(in), out, sizeof(out));
    ok = ok && rig_open(&words, "copy.mlir", NULL);
    ok = ok && npu_map_open(&map, &words.design->array[0], &words.err) == 0;
    ok = ok &&
         npu_sequence_words(&txn, words.design, &words.design->array[0], map, 0, &words.err) == 0;
    size_t n = 0;
    const uint32_t *word = ok ? npu_txn_words(txn, &n) : NULL;
    ok = ok &&
         rig_launch(&words, &(struct npu_sim_launch){
                                .words = word, .n_words = n, .buffers = buffer, .n_buffers = 2});
    check_case(ok && !memcmp(out, other, sizeof(out)) && !memcmp(out, in, sizeof(in)) &&
                   text.result.cycles == words.result.cycles,
               "timing_words_same_as_text", "%llu and %llu modelled cycles %s",
               (unsigned long long)text.result.cycles, (unsigned long long)words.result.cycles,
               words.err.text);
    npu_txn_close(&txn);
    npu_map_close(&map);
    rig_close(&text);
    rig_close(&words);
}

static void test_table(void)
{
    struct npu_sim_timing t, before;
    struct npu_error err = {""};
    memset(&t, 0, sizeof(t)); /* with the padding, for memcmp() */
    npu_sim_timing_init(&t);
    memcpy(&before, &t, sizeof(t));
    static const char *const bad[] = {"lock",     "lock=",     "lock=x", "lock=1x",
                                      "nobody=1", "lock=-1",   "=1",     "clock_mhz=0",
                                      "lock=nan", "lock=1e99", "locks=1"};
    bool ok = true;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err.text[0] = '\0';
        ok &= npu_sim_timing_set(&t, bad[i], &err) == -EINVAL &&
              (strstr(err.text, "expected") || strstr(err.text, "no constant"));
    }
    ok &= !memcmp(&t, &before, sizeof(t));
    ok &= npu_sim_timing_set(&t, "lock = 2.5", NULL) == 0 && t.lock == 2.5;
    check_case(ok, "timing_table_refuses_bad_values", "%zu of them", sizeof(bad) / sizeof(bad[0]));
    char path[] = "/tmp/whispernpu-timing-XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = "# a comment\n\n lock = 4 # more\nbd_start=9\nbd_chain=z\n";
    ok = fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)(sizeof(text) - 1);
    ok = ok && npu_sim_timing_read(&t, path, &err) == -EINVAL && strstr(err.text, ":5: ");
    check_case(ok && t.lock == 4 && t.bd_start == 9, "timing_table_reads_a_file", "%s", err.text);
    if (fd >= 0)
        close(fd);
    unlink(path);
}

/* A trace holds each kernel call once, in its place. */
static void test_trace(void)
{
    char path[] = "/tmp/whispernpu-trace-XXXXXX", text[65536];
    int fd = mkstemp(path);
    struct rig rig = {0};
    bool ok = fd >= 0 && npu_sim_trace_open(&rig.params.trace, 0) == 0;
    ok = ok && rig_open(&rig, "copy.mlir", NULL) && rig_run(&rig, in, sizeof(in), out, sizeof(out));
    ok = ok &&
         npu_sim_trace_write(rig.params.trace, &rig.design->array[0], path, 1000, &rig.err) == 0;
    ssize_t n = ok ? read(fd, text, sizeof(text) - 1) : 0;
    text[n > 0 ? n : 0] = '\0';
    unsigned calls = 0, transfers = 0, waits = 0, open = 0, close_ = 0;
    double last = -1;
    for (const char *at = text; (at = strstr(at, "{\"ph\":\"X\"")); at++) {
        double begin = 0, length = 0;
        char line[512];
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
        sscanf(strstr(line, "\"ts\":") + 5, "%lf", &begin);
        sscanf(strstr(line, "\"dur\":") + 6, "%lf", &length);
        transfers += strstr(line, "\"cat\":\"dma\"") != NULL;
        waits += strstr(line, "\"cat\":\"wait\"") && strstr(line, "\"fifo\":\"in\"");
        if (!strstr(line, "\"name\":\"copy64\""))
            continue;
        calls++;
        ok &= fabs(length - 0.1) < 1e-6 && begin >= last + 0.1; /* us at 1 GHz */
        last = begin;
    }
    for (const char *at = text; *at; at++) {
        open += *at == '{' || *at == '[';
        close_ += *at == '}' || *at == ']';
    }
    /* 16 objects through two ends at the core, a task at each end of the shim. */
    check_case(ok && calls == 16 && transfers == 34 && waits >= 1 && open == close_,
               "timing_trace_has_every_call", "%u calls, %u transfers, %u waits", calls, transfers,
               waits);
    npu_sim_trace_close(&rig.params.trace);
    rig_close(&rig);
    if (fd >= 0)
        close(fd);
    unlink(path);
}

int main(void)
{
    test_one_object();
    test_slopes();
    test_result();
    test_words();
    test_table();
    test_trace();
    return check_finish();
}
