/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Designs that get stuck, or that leave data in the array: the messages, word for word. */
#include "tests/sim/rig.h"

#define N 1024
static int32_t in[N], out[N];

/* Launch once: the code, the sentence (its end after the file's name) and the report must be
 * these. */
static void expect(const char *name, const char *design, const char *const *edits, size_t a,
                   size_t b, int code, const char *sentence, const char *report)
{
    struct rig rig = {0};
    rig_fill(in, N, 1);
    bool opened = rig_open(&rig, design, edits);
    if (opened)
        rig_run(&rig, in, a * 4, out, b * 4);
    const char *said = strncmp(rig.err.text, design, strlen(design)) == 0
                           ? rig.err.text + strlen(design)
                           : rig.err.text;
    const char *told = rig.sim ? npu_sim_report(rig.sim) : "";
    bool same = rig.code == code && !strcmp(said, sentence) && (!report || !strcmp(told, report));
    check_case(same, name, "%s", same ? "" : "another code or text");
    if (!same)
        printf("# code %d, expected %d\n# said: %s\n# expected: %s\n# report:\n%s", rig.code, code,
               said, sentence, told);
    rig_close(&rig);
}

#define OUT(n) "(%b[0, 0, 0, 0][1, 1, 1, " n "][0, 0, 0, 1])"
#define IN(n)  "(%a[0, 0, 0, 0][1, 1, 1, " n "][0, 0, 0, 1])"
#define WAIT   "aiex.npu.dma_wait {symbol = @out}\n"

static void test_deadlocks(void)
{
    expect(
        "stuck_too_little_input", "copy.mlir", RIG_EDITS(IN("1024"), IN("512")), N, N, -EDEADLK,
        ": deadlock: the sequence at 27:7 waits for a token of @out, S2MM 0 of shim (0,0); in the "
        "end: MM2S 0 of shim (0,0), @in: no task is queued, 1 done since the array was loaded",
        "deadlock: the sequence at 27:7 waits for a token of @out, S2MM 0 of shim (0,0)\n"
        "  S2MM 0 of shim (0,0), @out: has 2048 of 4096 bytes, waits for words from MM2S 0 of core "
        "(0,2)\n"
        "  MM2S 0 of core (0,2), @out: waits for a full object: 0 of 2 full; filled by core (0,2)\n"
        "  core (0,2) waits to acquire 1 of @in (Consume) at 14:15: 0 of 2 full; filled by S2MM 0 "
        "of core (0,2)\n"
        "  S2MM 0 of core (0,2), @in: has 0 of 256 bytes, waits for words from MM2S 0 of shim "
        "(0,0)\n"
        "  MM2S 0 of shim (0,0), @in: no task is queued, 1 done since the array was loaded\n");
    expect(
        "stuck_part_of_an_object", "copy.mlir", RIG_EDITS(IN("1024"), IN("1000")), N, N, -EDEADLK,
        ": deadlock: the sequence at 27:7 waits for a token of @out, S2MM 0 of shim (0,0); in the "
        "end: MM2S 0 of shim (0,0), @in: no task is queued, 1 done since the array was loaded",
        "deadlock: the sequence at 27:7 waits for a token of @out, S2MM 0 of shim (0,0)\n"
        "  S2MM 0 of shim (0,0), @out: has 3840 of 4096 bytes, waits for words from MM2S 0 of core "
        "(0,2)\n"
        "  MM2S 0 of core (0,2), @out: waits for a full object: 0 of 2 full; filled by core (0,2)\n"
        "  core (0,2) waits to acquire 1 of @in (Consume) at 14:15: 0 of 2 full; filled by S2MM 0 "
        "of core (0,2)\n"
        "  S2MM 0 of core (0,2), @in: has 160 of 256 bytes, waits for words from MM2S 0 of shim "
        "(0,0)\n"
        "  MM2S 0 of shim (0,0), @in: no task is queued, 1 done since the array was loaded\n");
    expect("stuck_wait_without_token", "copy.mlir",
           RIG_EDITS(WAIT, WAIT "aiex.npu.dma_wait {symbol = @in}\n"), N, N, -EDEADLK,
           ": deadlock: the sequence at 28:1 waits for a token of @in, MM2S 0 of shim (0,0), and "
           "no task that would send one is queued; in the end: MM2S 0 of shim (0,0), @in: no task "
           "is queued, 1 done since the array was loaded",
           "deadlock: the sequence at 28:1 waits for a token of @in, MM2S 0 of shim (0,0), and no "
           "task that would send one is queued\n"
           "  MM2S 0 of shim (0,0), @in: no task is queued, 1 done since the array was loaded\n");
    expect(
        "stuck_core_ends", "copy.mlir",
        RIG_EDITS("arith.constant 9223372036854775807", "arith.constant 3"), N, N, -EDEADLK,
        ": deadlock: the sequence at 27:7 waits for a token of @out, S2MM 0 of shim (0,0); in the "
        "end: core (0,2) has reached its aie.end",
        "deadlock: the sequence at 27:7 waits for a token of @out, S2MM 0 of shim (0,0)\n"
        "  S2MM 0 of shim (0,0), @out: has 768 of 4096 bytes, waits for words from MM2S 0 of core "
        "(0,2)\n"
        "  MM2S 0 of core (0,2), @out: waits for a full object: 0 of 2 full; filled by core (0,2)\n"
        "  core (0,2) has reached its aie.end\n");
    expect(
        "stuck_in_a_circle", "cross.mlir", NULL, 16, 16, -EDEADLK,
        ": deadlock: the sequence at 60:7 waits for a token of @out, S2MM 0 of shim (0,0); a "
        "circle, it closes with: S2MM 0 of core (0,4), @x: waits for a free object: 1 of 1 full; "
        "emptied by core (0,4) (above)",
        "deadlock: the sequence at 60:7 waits for a token of @out, S2MM 0 of shim (0,0)\n"
        "  S2MM 0 of shim (0,0), @out: has 0 of 64 bytes, waits for words from MM2S 0 of core "
        "(0,4)\n"
        "  MM2S 0 of core (0,4), @out: waits for a full object: 0 of 2 full; filled by core (0,4)\n"
        "  core (0,4) waits to acquire 1 of @y (Consume) at 43:15: 0 of 1 full; filled by S2MM 1 "
        "of core (0,4)\n"
        "  S2MM 1 of core (0,4), @y: has 0 of 32 bytes, waits for words from MM2S 1 of core (0,2)\n"
        "  MM2S 1 of core (0,2), @y: waits for a full object: 0 of 1 full; filled by core (0,2)\n"
        "  core (0,2) waits to acquire 1 of @x (Produce) at 23:17: 0 of 1 full, 1 held by its "
        "reader; emptied by MM2S 0 of core (0,2)\n"
        "  MM2S 0 of core (0,2), @x: has sent 0 of 32 bytes, waits for room in S2MM 0 of core "
        "(0,4)\n"
        "  S2MM 0 of core (0,4), @x: waits for a free object: 1 of 1 full; emptied by core (0,4) "
        "(above)\n"
        "With 28 words held in each stream the sequence would end. Hardware may hold as many; a "
        "design must not need it.\n");
    expect(
        "stuck_words_in_the_stream", "slack.mlir", NULL, 80, 40, -EDEADLK,
        ": deadlock: the sequence at 36:7 waits for a token of @in, MM2S 0 of shim (0,0); in the "
        "end: MM2S 1 of shim (0,0), @go: no task is queued, 0 done since the array was loaded",
        "deadlock: the sequence at 36:7 waits for a token of @in, MM2S 0 of shim (0,0)\n"
        "  MM2S 0 of shim (0,0), @in: has sent 64 of 160 bytes, waits for room in S2MM 0 of core "
        "(0,2)\n"
        "  S2MM 0 of core (0,2), @in: waits for a free object: 2 of 2 full; emptied by core (0,2)\n"
        "  core (0,2) waits to acquire 1 of @go (Consume) at 18:15: 0 of 1 full; filled by S2MM 1 "
        "of core (0,2)\n"
        "  S2MM 1 of core (0,2), @go: has 0 of 32 bytes, waits for words from MM2S 1 of shim "
        "(0,0)\n"
        "  MM2S 1 of shim (0,0), @go: no task is queued, 0 done since the array was loaded\n"
        "With 28 words held in each stream the sequence would end. Hardware may hold as many; a "
        "design must not need it.\n");
    expect("stuck_not_with_room", "cross.mlir",
           RIG_EDITS("@x(%t2, {%t4}, [1, 1])", "@x(%t2, {%t4}, [1, 2])", "1, 1, 1, 16",
                     "1, 1, 1, 8", "1, 1, 1, 16", "1, 1, 1, 8"),
           16, 16, 0, "", "");
}

static void test_leftovers(void)
{
    expect("left_objects", "copy.mlir", RIG_EDITS(OUT("1024"), OUT("512")), N, N, -EUCLEAN,
           ": left over after the launch: @in: 1 task not finished in MM2S 0 of shim (0,0), the "
           "first has 1024 bytes to go (and more)",
           "@in: 1 task not finished in MM2S 0 of shim (0,0), the first has 1024 bytes to go\n"
           "@in: 2 of 2 objects full in core (0,2), 0 before the launch\n"
           "@out: 2 of 2 objects full in core (0,2), 0 before the launch\n");
    expect("left_part_of_an_object", "copy.mlir",
           RIG_EDITS(OUT("1024"), OUT("960"), IN("1024"), IN("1000")), N, N, -EUCLEAN,
           ": left over after the launch: @in: the sequence ends, and nothing that it waited for "
           "proves that the last transfer of MM2S 0 of shim (0,0) has finished (and more)",
           "@in: the sequence ends, and nothing that it waited for proves that the last transfer "
           "of MM2S 0 of shim (0,0) has finished\n"
           "@in: S2MM 0 of core (0,2) stopped after 160 of 256 bytes of an object\n");
    expect("left_token", "copy.mlir",
           RIG_EDITS("@in, id = 0 : i64", "@in, id = 0 : i64, issue_token = true"), N, N, 0, "",
           "@in: 1 token of MM2S 0 of shim (0,0) never waited for, without harm unless a later "
           "launch waits for one\n");
    expect("left_unproven", "copy.mlir", RIG_EDITS(WAIT, ""), N, N, -EUCLEAN,
           ": left over after the launch: @in: the sequence ends, and nothing that it waited for "
           "proves that the last transfer of MM2S 0 of shim (0,0) has finished (and more)",
           "@in: the sequence ends, and nothing that it waited for proves that the last transfer "
           "of MM2S 0 of shim (0,0) has finished\n"
           "@out: the sequence ends, and nothing that it waited for proves that the last transfer "
           "of S2MM 0 of shim (0,0) has finished\n"
           "@out: 1 token of S2MM 0 of shim (0,0) never waited for\n");
    /* The token of a result is left over, that of operands comes after it. */
    expect("left_tokens_of_both", "copy.mlir",
           RIG_EDITS(WAIT, "", "@in, id = 0 : i64", "@in, id = 0 : i64, issue_token = true"), N, N,
           -EUCLEAN,
           ": left over after the launch: @in: the sequence ends, and nothing that it waited for "
           "proves that the last transfer of MM2S 0 of shim (0,0) has finished (and more)",
           "@in: the sequence ends, and nothing that it waited for proves that the last transfer "
           "of MM2S 0 of shim (0,0) has finished\n"
           "@out: the sequence ends, and nothing that it waited for proves that the last transfer "
           "of S2MM 0 of shim (0,0) has finished\n"
           "@out: 1 token of S2MM 0 of shim (0,0) never waited for\n"
           "@in: 1 token of MM2S 0 of shim (0,0) never waited for, without harm unless a later "
           "launch waits for one\n");
}

#define OUT_LINE \
    "aiex.npu.dma_memcpy_nd " OUT("1024") " {metadata = @out, id = 1 : i64} : memref<1024xi32>\n"
#define OUT_PART(at, id)                      \
    "aiex.npu.dma_memcpy_nd (%b[0, 0, 0, " at \
    "][1, 1, 1, 128][0, 0, 0, 1]) {metadata = @out, id = " id " : i64} : memref<1024xi32>\n"

/* Errors of the sequence. */
static void test_sequence(void)
{
    expect("fault_fifth_task", "copy.mlir",
           RIG_EDITS(OUT_LINE, OUT_PART("0", "1") OUT_PART("128", "2") OUT_PART("256", "3")
                                   OUT_PART("384", "4") OUT_PART("512", "5")),
           N, N, -EINVAL,
           ":29:1: a fifth task for S2MM 0 of shim tile (0,0), @out: nothing that was waited for "
           "proves that the first of the 4 before it has finished, the hardware may lose it",
           NULL);
    expect("fault_bd_rewritten", "copy.mlir",
           RIG_EDITS(OUT_LINE, OUT_PART("0", "1") OUT_PART("128", "1")), N, N, -EINVAL,
           ":26:1: BD 1 of shim tile (0,0) is written again, and nothing that was waited for "
           "proves that the transfer of @out with it has finished",
           NULL);
    expect("fault_transfer_past_the_end", "copy.mlir",
           RIG_EDITS(IN("1024"), "(%a[0, 0, 0, 8][1, 1, 1, 1024][0, 0, 0, 1])"), N, N, -EINVAL,
           ":26:7: the transfer of @in reaches bytes 32 to 4127 of host buffer 0, which has 4096",
           NULL);
    expect("fault_transfer_not_of_words", "copy.mlir",
           RIG_EDITS("func.func private @copy64", "// func.func private @copy64", "func.call",
                     "// func.call", "%b : memref<1024xi32>", "%b : memref<4096xi8>", OUT("1024"),
                     OUT("4095"), "id = 1 : i64} : memref<1024xi32>",
                     "id = 1 : i64} : memref<4096xi8>"),
           N, N, -EINVAL, ":25:7: a transfer of 4095 bytes from byte 0: expected multiples of 4",
           NULL);
    expect("fault_buffer_too_small", "copy.mlir", NULL, N, 512, -EINVAL,
           ":24:25: host buffer 1 has 2048 bytes, %b is 4096", NULL);
    expect("fault_repeat_without_count", "copy.mlir",
           RIG_EDITS(OUT_LINE,
                     "%t0 = aiex.dma_configure_task_for @out {\n"
                     "aie.dma_bd(%b : memref<1024xi32>, 0, 256, [<size = 4, stride = 256>, <size "
                     "= 1, stride = 0>, <size = 1, stride = 0>, <size = 256, stride = 1>])\n"
                     "aie.end\n} {issue_token = true}\naiex.dma_start_task(%t0)\n"),
           N, N, -EINVAL,
           ":26:1: an outermost size of 4 in a task that runs 1 times: expected repeat_count = 3",
           NULL);
}

/* Errors of a core. */
static void test_core(void)
{
    expect("fault_index_outside", "counts.mlir",
           RIG_EDITS("%c64 = arith.constant 64", "%c64 = arith.constant 65"), 832, 256, -EINVAL,
           ":25:11: memref.store: index 64 of dimension 0 is outside of 0 to 63", NULL);
    expect("fault_release_of_none", "copy.mlir",
           RIG_EDITS("aie.objectfifo.release @in(Consume, 1)",
                     "aie.objectfifo.release @in(Consume, 2)"),
           N, N, -EINVAL, ":19:9: release of 2 objects of @in, 1 held", NULL);
    expect("fault_use_after_release", "counts.mlir",
           RIG_EDITS(
               "%n = memref.load %p[%c0] : memref<64xi32>\n        aie.objectfifo.release "
               "@in(Consume, 1)",
               "aie.objectfifo.release @in(Consume, 1)\n%n = memref.load %p[%c0] : memref<64xi32>"),
           832, 256, -EINVAL, ":22:6: memref.load uses an object of @in that was released before",
           NULL);
    expect("fault_acquire_more_than_there_is", "copy.mlir",
           RIG_EDITS("acquire @in(Consume, 1)", "acquire @in(Consume, 3)"), N, N, -EINVAL,
           ":14:15: acquire of 3 objects of @in, its pool has 2", NULL);
    expect("fault_access_beyond_what_is_held", "copy.mlir",
           RIG_EDITS("access %iv[0]", "access %iv[1]"), N, N, -EINVAL,
           ":15:14: access to object 1 of @in, 1 held", NULL);
    expect("fault_no_kernel", "copy.mlir",
           RIG_EDITS("private @copy64", "private @nobody", "call @copy64", "call @nobody"), N, N,
           -EINVAL, ":18:9: func.call: there is no kernel @nobody; name the library that has it",
           NULL);
    expect("fault_signature", "copy.mlir",
           RIG_EDITS("private @copy64", "private @add", "call @copy64", "call @add"), N, N, -EINVAL,
           ":8:23: @add: the kernel's signature is \"vppii\" (result, arguments; p memref, i "
           "integer, v none), the design's has 2 arguments",
           NULL);
    expect("fault_division_by_zero", "control.mlir",
           RIG_EDITS("%i7 = arith.constant 7", "%i7 = arith.constant 0"), 512, 512, -EINVAL,
           ":73:14: arith.remui by zero", NULL);
    expect("fault_step_of_zero", "control.mlir",
           RIG_EDITS("scf.for %j = %c8 to %c16 step %c2", "scf.for %j = %c8 to %c16 step %c0"), 512,
           512, -EINVAL, ":87:9: scf.for with a step of 0", NULL);
}

#define ENDLESS                              \
    "scf.for %it = %c0 to %cmax step %c1 {", \
        "scf.for %it = %c0 to %cmax step %c1 {\n}\nscf.for %jt = %c0 to %cmax step %c1 {"

static bool give_up(void *user, uint64_t cycles, uint64_t calls)
{
    (void)cycles;
    (void)calls;
    return ++*(int *)user < 3;
}

/* A core that never acquires, under a limit of steps; and a launch after a failed one. */
static void test_limits(void)
{
    struct rig rig = {.params = {.most_steps = 100000}};
    bool opened = rig_open(&rig, "copy.mlir", RIG_EDITS(ENDLESS));
    check_case(!opened && rig.code == -ETIME && strstr(rig.err.text, "more than 100000 steps"),
               "fault_endless_loop_stops", "%s", rig.err.text);
    rig_close(&rig);
    int asked = 0;
    rig = (struct rig){.params = {.progress = give_up, .progress_user = &asked}};
    opened = rig_open(&rig, "copy.mlir", RIG_EDITS(ENDLESS));
    check_case(!opened && rig.code == -ECANCELED && asked == 3, "fault_endless_loop_given_up", "%s",
               rig.err.text);
    rig_close(&rig);
    rig = (struct rig){0};
    bool first = rig_open(&rig, "copy.mlir", RIG_EDITS(IN("1024"), IN("512"))) &&
                 rig_run(&rig, in, sizeof(in), out, sizeof(out));
    int code = rig.code;
    bool second = rig.sim && rig_run(&rig, in, sizeof(in), out, sizeof(out));
    check_case(!first && code == -EDEADLK && !second && rig.code == -EIO,
               "fault_lost_array_refuses_launches", "%d, %s", rig.code, rig.err.text);
    rig_close(&rig);
}

int main(void)
{
    test_deadlocks();
    test_leftovers();
    test_sequence();
    test_core();
    test_limits();
    return check_finish();
}
