/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several tiles: broadcast, links, dimensions, repeats, shared memory; each result has its own
 * formula. */
#include "tests/sim/rig.h"

/* Load and launch once with up to three buffers; true if it ran. */
static bool run(struct rig *rig, const char *design, const char *const *edits,
                const struct npu_sim_buffer *buffers, uint32_t n, bool keep)
{
    return rig_open(rig, design, edits) &&
           rig_launch(rig, &(struct npu_sim_launch){
                               .buffers = buffers, .n_buffers = n, .keep_leftovers = keep});
}

static void test_broadcast(void)
{
    static int32_t in[320], out[960];
    rig_fill(in, 320, 3);
    struct npu_sim_buffer buffer[2] = {{in, sizeof(in)}, {out, sizeof(out)}};
    struct rig rig = {0};
    bool ran = run(&rig, "broadcast.mlir", NULL, buffer, 2, false);
    unsigned bad = 0;
    static const int32_t add[3] = {2, 3, 5};
    for (size_t o = 0; o < 5; o++)
        for (size_t r = 0; r < 3; r++)
            for (size_t j = 0; j < 64; j++)
                bad += out[o * 192 + r * 64 + j] != in[o * 64 + j] + add[r];
    check_case(ran && !bad, "flow_broadcast_joins", "%u words wrong %s", bad, rig.err.text);
    rig_close(&rig);
}

static void test_distribute(void)
{
    static int32_t in[960], back[480], out[320];
    rig_fill(in, 960, 5);
    struct npu_sim_buffer buffer[3] = {{in, sizeof(in)}, {back, sizeof(back)}, {out, sizeof(out)}};
    struct rig rig = {0};
    bool ran = run(&rig, "distribute.mlir", NULL, buffer, 3, false);
    unsigned bad = 0;
    for (size_t o = 0; o < 5; o++) {
        const int32_t *x = in + o * 192;
        for (size_t j = 0; j < 96; j++)
            bad += back[o * 96 + j] != x[32 + j];
        for (size_t j = 0; j < 32; j++)
            bad +=
                out[o * 64 + j] != x[j] + x[128 + j] || out[o * 64 + 32 + j] != x[j] - x[160 + j];
    }
    check_case(ran && !bad, "flow_distribute_parts", "%u words wrong %s", bad, rig.err.text);
    rig_close(&rig);
}

/* Every end's walk as nested loops over stream positions. */
static void test_dims(void)
{
    static uint8_t in[1152], out[1152];
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 7 + i / 256);
    struct npu_sim_buffer buffer[2] = {{in, sizeof(in)}, {out, sizeof(out)}};
    struct rig rig = {0};
    bool ran = run(&rig, "dims.mlir", NULL, buffer, 2, false);
    unsigned bad = 0;
    for (size_t o = 0; o < 3; o++) {
        uint8_t mem[384], stream[384], core[384];
        size_t n = 0;
        for (size_t a = 0; a < 4; a++)
            for (size_t b = 0; b < 4; b++)
                for (size_t c = 0; c < 3; c++)
                    for (size_t d = 0; d < 8; d++)
                        mem[a * 96 + b * 8 + c * 32 + d] = in[o * 384 + n++];
        n = 0;
        for (size_t a = 0; a < 3; a++)
            for (size_t b = 0; b < 16; b++)
                for (size_t c = 0; c < 8; c++)
                    stream[n++] = mem[a * 8 + b * 24 + c];
        n = 0;
        for (size_t a = 0; a < 96; a++)
            for (size_t b = 0; b < 4; b++)
                core[a * 4 + b] = stream[n++];
        for (size_t i = 0; i < 384; i++)
            bad += out[o * 384 + i] != core[i];
    }
    check_case(ran && !bad, "flow_dims_reblock", "%u bytes wrong %s", bad, rig.err.text);
    rig_close(&rig);
}

static void test_repeat(void)
{
    static int32_t in[256], out[768];
    rig_fill(in, 256, 9);
    struct npu_sim_buffer buffer[2] = {{in, sizeof(in)}, {out, sizeof(out)}};
    for (int depth = 1; depth <= 2; depth++) {
        struct rig rig = {0};
        bool ran = run(&rig, "repeat.mlir",
                       depth == 2 ? NULL
                                  : RIG_EDITS("{%mem}, 2 : i32", "{%mem}, 1 : i32",
                                              "{%core}, [2, 2]) {rep", "{%core}, [1, 2]) {rep"),
                       buffer, 2, false);
        unsigned bad = 0;
        for (size_t i = 0; i < 768; i++)
            bad += out[i] != in[i / 192 * 64 + i % 64];
        check_case(ran && !bad, depth == 1 ? "flow_repeat_depth1" : "flow_repeat_depth2",
                   "%u words wrong %s", bad, rig.err.text);
        rig_close(&rig);
        memset(out, 0, sizeof(out));
    }
}

static void test_chain(void)
{
    static int32_t in[256], out[384];
    rig_fill(in, 256, 11);
    struct npu_sim_buffer buffer[2] = {{in, sizeof(in)}, {out, sizeof(out)}};
    struct rig rig = {0};
    bool ran = run(&rig, "chain.mlir", NULL, buffer, 2, true);
    unsigned bad = 0;
    for (size_t i = 0; i < 384; i++)
        bad += out[i] != (i < 64 ? 7 + 23 : i < 128 ? 9 + 23 : in[i - 128] + 123);
    check_case(ran && !bad, "flow_chain_shared_memory_and_initial_values", "%u words wrong %s", bad,
               rig.err.text);
    rig_close(&rig);
}

static void test_parts(void)
{
    static int32_t in[320], out[320];
    rig_fill(in, 320, 13);
    struct npu_sim_buffer buffer[2] = {{in, sizeof(in)}, {out, sizeof(out)}};
    struct rig rig = {0};
    bool ran = run(&rig, "parts.mlir", NULL, buffer, 2, false);
    unsigned bad = 0;
    for (size_t i = 0; i < 320; i++)
        bad += out[i] != in[i] + (i % 64 < 32 ? 100 : 200);
    check_case(ran && !bad, "flow_parts_of_several_objects", "%u words wrong %s", bad,
               rig.err.text);
    rig_close(&rig);
}

/* Two rounds of three objects pass; then the channel has ended, for this launch and the next. */
static void test_rounds(void)
{
    static int32_t in[384], out[384];
    struct npu_sim_buffer buffer[2] = {{in, sizeof(in)}, {out, sizeof(out)}};
    static const struct {
        const char *name, *edit[4], *ended;
    } cases[] = {
        {"flow_rounds_at_a_consumer", {NULL}, "S2MM 0 of mem (0,1), @in: has ended "},
        {"flow_rounds_at_a_producer",
         {"3 : i32) {iter_count = 2 : i32}", "3 : i32)", "{%shim}, 3 : i32)",
          "{%shim}, 3 : i32) {iter_count = 2 : i32}"},
         "MM2S 0 of mem (0,1), @out: has ended "},
    };
    for (size_t i = 0; i < 2; i++) {
        const char *const edits[] = {cases[i].edit[0], cases[i].edit[1], cases[i].edit[2],
                                     cases[i].edit[3], NULL};
        struct rig rig = {0};
        rig_fill(in, 384, 15);
        memset(out, 0, sizeof(out));
        bool ran = run(&rig, "rounds.mlir", edits, buffer, 2, false);
        bool same = memcmp(in, out, sizeof(in)) == 0;
        bool again =
            ran && rig_launch(&rig, &(struct npu_sim_launch){.buffers = buffer, .n_buffers = 2});
        const char *report = rig.sim ? npu_sim_report(rig.sim) : "";
        check_case(ran && same && !again && rig.code == -EDEADLK &&
                       strstr(report, cases[i].ended) &&
                       strstr(report, "after the 2 rounds of its iter_count"),
                   cases[i].name, "%d %d %s, %s", ran, same, rig.err.text, report);
        rig_close(&rig);
    }
}

int main(void)
{
    test_broadcast();
    test_distribute();
    test_dims();
    test_repeat();
    test_chain();
    test_parts();
    test_rounds();
    return check_finish();
}
