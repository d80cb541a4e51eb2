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

/* copy.mlir for n words each way; timing: [NPU_SIM_PRESETS] or NULL. False: it did not run. */
static bool run_copy(const struct npu_sim_timing *timing, const char *const *edits, size_t n,
                     struct npu_sim_result *result)
{
    struct rig rig = {.params = {.timing = timing}};
    rig_fill(in, N, 1);
    bool ran = rig_open(&rig, "copy.mlir", edits) && rig_run(&rig, in, n * 4, out, n * 4);
    if (!ran)
        printf("# %s\n", rig.err.text);
    *result = rig.result;
    rig_close(&rig);
    return ran;
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
        t->sequence_blockwrite + t->sequence_patch + t->sequence_mask + t->sequence_push;
    /* Not sooner after the push before, to a channel that was idle. */
    double read_pushed = fmax(write_pushed + t->sequence_blockwrite + t->sequence_patch,
                              write_pushed - t->sequence_push + t->dispatch_idle) +
                         t->sequence_push;
    double latency = t->route_base + 2 * t->route_hop;
    double sent = read_pushed + t->task_read + t->channel_start + t->task_first_read +
                  64 * fmax(t->shim_read_word, t->stream_word);
    double full = sent + t->bd_chain + t->lock + latency;
    double done = full + 2 * t->core_acquire + KERNEL * t->kernel_scale + 2 * t->core_release;
    double back = done + t->lock + t->bd_start + 64 * fmax(t->shim_write_word, t->stream_word);
    return back + latency + t->sequence_wait;
}

/* One run against the sum under each preset. */
static bool one_object_as_by_hand(const struct npu_sim_timing *t, const char *what)
{
    struct npu_sim_result result;
    bool same = run_copy(t, RIG_EDITS(BUFFERS("64")), 64, &result);
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
        double hand = one_object(&t[p]), seen = (double)result.time[p].cycles;
        if (seen == ceil(hand - 1e-6))
            continue;
        printf("# %s, %s: %g modelled, by hand %g\n", what,
               npu_sim_preset_name((enum npu_sim_preset)p), seen, hand);
        same = false;
    }
    return same;
}

static void test_one_object(void)
{
    struct npu_sim_timing t[NPU_SIM_PRESETS];
    npu_sim_timing_init(t);
    check_case(one_object_as_by_hand(t, "defaults"), "timing_one_object", "%g, %g, %g by hand",
               one_object(&t[0]), one_object(&t[1]), one_object(&t[2]));
    const char *const changes[] = {"shim_read_word=3.5",
                                   "stream_word=2",
                                   "route_hop=9",
                                   "route_base=13",
                                   "bd_start=31",
                                   "bd_chain=37",
                                   "lock=7",
                                   "task_read=1000",
                                   "task_first_read=5000",
                                   "dispatch_idle=400",
                                   "sequence_patch=201",
                                   "sequence_push=77",
                                   "sequence_mask=11",
                                   "sequence_wait=3",
                                   "core_acquire=101",
                                   "core_release=57",
                                   "sequence_blockwrite=5",
                                   "kernel_scale=1.1"};
    bool same = true;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        double before = one_object(&t[NPU_SIM_PUBLISHED]);
        same &= npu_sim_timing_set(t, changes[i], NULL) == 0 &&
                one_object(&t[NPU_SIM_PUBLISHED]) != before;
        same &= one_object_as_by_hand(t, changes[i]);
    }
    check_case(same, "timing_every_constant_counts", "%zu constants changed in turn",
               sizeof(changes) / sizeof(changes[0]));
}

/* What eight objects more take tells what the pipeline waits for. */
struct slope {
    double of[NPU_SIM_PRESETS];
};

static struct slope slope(const struct npu_sim_timing *t, const char *const *few,
                          const char *const *many)
{
    struct npu_sim_result short_run, long_run;
    struct slope s = {{NAN, NAN, NAN}};
    bool ran = run_copy(t, few, 512, &short_run) && run_copy(t, many, 1024, &long_run);
    for (unsigned p = 0; p < NPU_SIM_PRESETS && ran; p++)
        s.of[p] = (double)long_run.time[p].cycles - (double)short_run.time[p].cycles;
    return s;
}

static void check_slope(const char *name, struct slope seen, struct slope hand)
{
    bool same = true;
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        same &= fabs(seen.of[p] - hand.of[p]) <= 1;
    check_case(same, name, "%g, %g, %g modelled, by hand %g, %g, %g", seen.of[0], seen.of[1],
               seen.of[2], hand.of[0], hand.of[1], hand.of[2]);
}

static void test_slopes(void)
{
    struct npu_sim_timing t[NPU_SIM_PRESETS];
    struct slope core, turns, stream;
    npu_sim_timing_init(t);
    for (const struct npu_sim_timing *at = t; at < t + NPU_SIM_PRESETS; at++) {
        /* The core: two acquires, the kernel, two releases, and add, jump, compare of the loop. */
        core.of[at - t] =
            8 * (2 * at->core_acquire + KERNEL + 2 * at->core_release + 3 * at->core_operation);
        /* One object at the core's input: transfer and work take turns. */
        turns.of[at - t] = 8 * (at->lock + at->bd_start + 64 * at->shim_read_word + at->bd_chain +
                                at->lock + at->route_base + 2 * at->route_hop +
                                2 * at->core_acquire + KERNEL + at->core_release);
        stream.of[at - t] = 8 * (640 + at->bd_chain + at->lock + at->bd_start);
    }
    check_slope("timing_bound_by_core", slope(t, RIG_EDITS(BUFFERS("512")), NULL), core);
    check_slope("timing_depth1_takes_turns",
                slope(t, RIG_EDITS("{%core}, [2, 2]", "{%core}, [2, 1]", BUFFERS("512")),
                      RIG_EDITS("{%core}, [2, 2]", "{%core}, [2, 1]")),
                turns);
    npu_sim_timing_set(t, "stream_word=10", NULL);
    check_slope("timing_bound_by_stream", slope(t, RIG_EDITS(BUFFERS("512")), NULL), stream);
}

/* ---- The shim's tasks ------------------------------------------------------------------------ */

#define TASKS 4

/* Two tasks for the result, then TASKS tasks of 64 words on one channel, all pushed before a wait.
 * The second of the result comes to a channel that is busy without end. */
static bool run_tasks(const struct npu_sim_timing *t, struct npu_sim_result *result)
{
    static const char out_task[] = "aiex.npu.dma_memcpy_nd (%%b[0, 0, 0, %u][1, 1, 1, 128]"
                                   "[0, 0, 0, 1]) {metadata = @out, id = %u : i64} : "
                                   "memref<256xi32>\n";
    static const char in_task[] = "aiex.npu.dma_memcpy_nd (%%a[0, 0, 0, %u][1, 1, 1, 64]"
                                  "[0, 0, 0, 1]) {metadata = @in, id = %u : i64} : "
                                  "memref<256xi32>\n";
    char outs[512], ins[1024];
    size_t n = 0;
    n += (size_t)snprintf(outs, sizeof(outs), out_task, 0u, 0u);
    snprintf(outs + n, sizeof(outs) - n, out_task, 128u, 1u);
    n = 0;
    for (unsigned i = 0; i < TASKS; i++)
        n += (size_t)snprintf(ins + n, sizeof(ins) - n, in_task, 64 * i, 2 + i);
    return run_copy(t,
                    RIG_EDITS("%a : memref<1024xi32>, %b : memref<1024xi32>",
                              "%a : memref<256xi32>, %b : memref<256xi32>",
                              "aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 1024][0, 0, 0, 1]) "
                              "{metadata = @out, id = 1 : i64} : memref<1024xi32>",
                              outs,
                              "aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 1024][0, 0, 0, 1]) "
                              "{metadata = @in, id = 0 : i64} : memref<1024xi32>",
                              ins, "aiex.npu.dma_wait {symbol = @out}",
                              "aiex.npu.dma_wait {symbol = @out}\n"
                              "aiex.npu.dma_wait {symbol = @out}"),
                    256, result);
}

/* When the last of the tasks has been sent: each begins after its push and after the one before. */
static double tasks_sent(const struct npu_sim_timing *t)
{
    double set_up = t->sequence_blockwrite + t->sequence_patch;
    double clock = 0, next = 0, sent = 0;
    for (unsigned i = 0; i < 2; i++) {
        clock = fmax(clock + set_up + t->sequence_mask, next);
        next = clock + (i == 0 ? t->dispatch_idle : t->dispatch_busy);
        clock += t->sequence_push;
    }
    for (unsigned i = 0; i < TASKS; i++) {
        clock = fmax(clock + set_up, next);
        next = clock + (sent <= clock ? t->dispatch_idle : t->dispatch_busy);
        clock += t->sequence_push;
        sent = fmax(sent, clock) + t->task_read + (i ? 0 : t->channel_start) +
               t->task_first_read * pow(t->task_decay_read, i) + 64 * t->shim_read_word;
    }
    return sent;
}

/* Reads warm up; a push takes longer where the channel was idle, at the time of each preset. */
static void test_tasks(void)
{
    struct npu_sim_timing t[NPU_SIM_PRESETS];
    /* Published pushes are of two kinds, and here both happen; of the others all are of one. */
    static const char *const changes[] = {"lock=1", "dispatch_busy=900", "dispatch_idle=1500",
                                          "task_decay_read=0.9", "task_first_read=9000"};
    bool same = true;
    npu_sim_timing_init(t);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct npu_sim_result result;
        same &= npu_sim_timing_set(t, changes[i], NULL) == 0 && run_tasks(t, &result);
        for (unsigned p = 0; p < NPU_SIM_PRESETS && same; p++) {
            const struct npu_sim_timing *at = &t[p];
            double latency = at->route_base + 2 * at->route_hop;
            /* The last object's way is that of one object, see there. */
            double hand = tasks_sent(at) + at->bd_chain + at->lock + 2 * latency +
                          2 * at->core_acquire + KERNEL + 2 * at->core_release + at->lock +
                          at->bd_start + 64 * at->shim_write_word + at->sequence_wait;
            double seen = (double)result.time[p].cycles;
            if (fabs(seen - hand) <= 1)
                continue;
            printf("# %s, %s: %g modelled, by hand %g\n", changes[i],
                   npu_sim_preset_name((enum npu_sim_preset)p), seen, hand);
            same = false;
        }
    }
    check_case(same, "timing_tasks_warm_up_and_pushes_take_turns", "%u tasks", TASKS);
}

/* The rest between two launches is longer than a push's: the second one's first push is on time. */
static void test_first_push(void)
{
    struct npu_sim_timing t[NPU_SIM_PRESETS];
    npu_sim_timing_init(t);
    npu_sim_timing_set(t, "dispatch_idle=100000", NULL);
    struct rig rig = {.params = {.timing = t}};
    bool ok = rig_open(&rig, "copy.mlir", NULL) && rig_run(&rig, in, sizeof(in), out, sizeof(out));
    struct npu_sim_result first = rig.result;
    ok = ok && rig_run(&rig, in, sizeof(in), out, sizeof(out));
    check_case(ok && !memcmp(first.time, rig.result.time, sizeof(first.time)),
               "timing_first_push_waits_for_none", "%llu and %llu cycles",
               (unsigned long long)first.time[NPU_SIM_PUBLISHED].cycles,
               (unsigned long long)rig.result.time[NPU_SIM_PUBLISHED].cycles);
    rig_close(&rig);
}

/* ---- Presets --------------------------------------------------------------------------------- */

/* One run models each preset as a run of its own would (test_random: of designs drawn). */
static void test_presets(void)
{
    struct npu_sim_timing t[NPU_SIM_PRESETS], alone[NPU_SIM_PRESETS];
    struct npu_sim_result all, one;
    npu_sim_timing_init(t);
    bool same = run_copy(t, NULL, N, &all);
    const struct npu_sim_modelled *time = all.time;
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
        for (unsigned q = 0; q < NPU_SIM_PRESETS; q++)
            alone[q] = t[p];
        same &= run_copy(alone, NULL, N, &one);
        for (unsigned q = 0; q < NPU_SIM_PRESETS; q++)
            same &= !memcmp(&one.time[q], &time[p], sizeof(time[p])) &&
                    one.tile[1].core_cycles[q] == all.tile[1].core_cycles[p];
    }
    check_case(same, "timing_presets_as_runs_of_their_own", "%llu cycles published",
               (unsigned long long)time[NPU_SIM_PUBLISHED].cycles);
    check_case(time[NPU_SIM_BEST].total_us < time[NPU_SIM_PUBLISHED].total_us &&
                   time[NPU_SIM_PUBLISHED].total_us < time[NPU_SIM_PESSIMISTIC].total_us,
               "timing_presets_in_order", "best %g, published %g, pessimistic %g us",
               time[NPU_SIM_BEST].total_us, time[NPU_SIM_PUBLISHED].total_us,
               time[NPU_SIM_PESSIMISTIC].total_us);
}

/* No constant of a preset lies outside of the other two: a bound is one for every design. */
static void test_bounds(void)
{
    size_t n, wrong = 0;
    const struct npu_sim_constant *row = npu_sim_constants(&n);
    struct npu_sim_timing t[NPU_SIM_PRESETS];
    npu_sim_timing_init(t);
    for (size_t i = 0; i < n; i++) {
        double worst = row[i].value[NPU_SIM_PESSIMISTIC], best = row[i].value[NPU_SIM_BEST];
        double published = row[i].value[NPU_SIM_PUBLISHED];
        bool more_is_better =
            !strcmp(row[i].name, "ddr_gb_per_s") || !strcmp(row[i].name, "kernel_percent");
        bool good = more_is_better ? worst <= published && published <= best
                                   : best <= published && published <= worst;
        for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
            good &= npu_sim_timing_get(&t[p], &row[i]) == row[i].value[p] &&
                    row[i].value[p] >= row[i].least && row[i].value[p] <= row[i].most;
        if (!good || !row[i].basis[0])
            printf("# %s\n", row[i].name);
        wrong += !good || !row[i].basis[0];
    }
    check_case(n > 50 && wrong == 0, "timing_constants_in_order", "%zu of %zu out of order", wrong,
               n);
}

/* ---- Results --------------------------------------------------------------------------------- */

static void test_result(void)
{
    struct npu_sim_result r;
    struct npu_sim_timing t[NPU_SIM_PRESETS];
    npu_sim_timing_init(t);
    bool ok = run_copy(t, NULL, N, &r) && r.ddr_read == 4096 && r.ddr_written == 4096 &&
              r.n_calls == 16 && r.n_tiles == 2;
    const struct npu_sim_tile_result *core = &r.tile[1];
    ok &= core->column == 0 && core->row == 2 && core->n_calls == 16 && core->dma_bytes == 8192;
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++) {
        static const double launch_us[] = {148, 118, 45};
        const struct npu_sim_modelled *time = &r.time[p];
        double object = 100 + 2 * (t[p].core_acquire + t[p].core_release);
        ok &= time->ddr_cycles == 512; /* 4096 bytes at 8 a cycle of one shim tile, each way */
        ok &= time->array_cycles == time->cycles && time->launch_us == launch_us[p];
        ok &= fabs(time->total_us - (launch_us[p] + (double)time->cycles / 1000)) < 1e-9;
        ok &= (double)core->core_cycles[p] >= 16 * object &&
              (double)core->core_cycles[p] < 16 * object + 64 * t[p].core_operation;
        ok &= core->dma_cycles[p] == (uint64_t)(1024 * 1.05);
    }
    const uint64_t seen = r.time[NPU_SIM_PUBLISHED].cycles;
    check_case(ok, "timing_result_counts", "%llu cycles of core, %llu of DMA",
               (unsigned long long)core->core_cycles[NPU_SIM_PUBLISHED],
               (unsigned long long)core->dma_cycles[NPU_SIM_PUBLISHED]);
    struct rig rig = {0};
    ok = rig_open(&rig, "copy.mlir", NULL) && rig_run(&rig, in, sizeof(in), out, sizeof(out));
    struct npu_sim_result first = rig.result;
    ok = ok && rig_run(&rig, in, sizeof(in), out, sizeof(out));
    check_case(ok && rig.result.n_calls == 16 && rig.result.ddr_read == 4096 &&
                   rig.result.tile[1].core_cycles[0] <= first.tile[1].core_cycles[0] + 24 &&
                   !memcmp(rig.result.time, first.time, sizeof(first.time)),
               "timing_second_launch_counts_anew", "%llu and %llu cycles of core",
               (unsigned long long)first.tile[1].core_cycles[0],
               (unsigned long long)rig.result.tile[1].core_cycles[0]);
    rig_close(&rig);
    npu_sim_timing_set(t, "ddr_gb_per_s=0.5", NULL);
    const struct npu_sim_modelled *time = &r.time[NPU_SIM_PUBLISHED];
    ok = run_copy(t, NULL, N, &r);
    check_case(ok && time->cycles == 16384 && time->array_cycles == seen, "timing_bound_by_memory",
               "%llu modelled, 8192 bytes at half a byte a cycle",
               (unsigned long long)time->cycles);
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
                   !memcmp(text.result.time, words.result.time, sizeof(text.result.time)),
               "timing_words_same_as_text", "%llu and %llu modelled cycles %s",
               (unsigned long long)text.result.time[NPU_SIM_PUBLISHED].cycles,
               (unsigned long long)words.result.time[NPU_SIM_PUBLISHED].cycles, words.err.text);
    npu_txn_close(&txn);
    npu_map_close(&map);
    rig_close(&text);
    rig_close(&words);
}

static void test_table(void)
{
    struct npu_sim_timing t[NPU_SIM_PRESETS], before[NPU_SIM_PRESETS];
    struct npu_error err = {""};
    memset(t, 0, sizeof(t)); /* with the padding, for memcmp() */
    npu_sim_timing_init(t);
    memcpy(before, t, sizeof(t));
    static const char *const bad[] = {"lock",     "lock=",     "lock=x", "lock=1x",
                                      "nobody=1", "lock=-1",   "=1",     "clock_mhz=0",
                                      "lock=nan", "lock=1e99", "locks=1"};
    bool ok = true;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err.text[0] = '\0';
        ok &= npu_sim_timing_set(t, bad[i], &err) == -EINVAL &&
              (strstr(err.text, "expected") || strstr(err.text, "no constant"));
    }
    ok &= !memcmp(t, before, sizeof(t));
    ok &= npu_sim_timing_set(t, "lock = 2.5", NULL) == 0;
    for (unsigned p = 0; p < NPU_SIM_PRESETS; p++)
        ok &= t[p].lock == 2.5;
    check_case(ok, "timing_table_refuses_bad_values", "%zu of them", sizeof(bad) / sizeof(bad[0]));
    char path[] = "/tmp/whispernpu-timing-XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = "# a comment\n\n lock = 4 # more\nbd_start=9\nbd_chain=z\n";
    ok = fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)(sizeof(text) - 1);
    ok = ok && npu_sim_timing_read(t, path, &err) == -EINVAL && strstr(err.text, ":5: ");
    check_case(ok && t[0].lock == 4 && t[2].bd_start == 9, "timing_table_reads_a_file", "%s",
               err.text);
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
    test_tasks();
    test_first_push();
    test_presets();
    test_bounds();
    test_result();
    test_words();
    test_table();
    test_trace();
    return check_finish();
}
