/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the checker's rules begin and end: pieces of text, and the rules that they break. */
#include "npu/sim/check/check.h"
#include "npu/sim/map/sequence_txn.h"
#include "tests/check.h"

#define M     "memref<64xi32>"
#define FIFO  "!aie.objectfifo<" M ">\n"
#define TILES "%s = aie.tile(0, 0)\n%m = aie.tile(0, 1)\n%n = aie.tile(1, 1)\n%k = aie.tile(0, 2)\n"
#define FIFOS \
    "aie.objectfifo @in(%s, {%k}, [2, 3]) : " FIFO "aie.objectfifo @out(%k, {%s}, [2, 2]) : " FIFO
#define ACQUIRE(V, N) \
    "%" V " = aie.objectfifo.acquire @in(Consume, " N ") : !aie.objectfifosubview<" M ">\n"
#define SUBVIEW "!aie.objectfifosubview<" M ">"
#define ACCESS(V, S, N) \
    "%" V " = aie.objectfifo.subview.access %" S "[" N "] : " SUBVIEW " -> " M "\n"
#define TAKE(V) ACQUIRE(V, "1")
#define GIVE    "aie.objectfifo.release @in(Consume, 1)\n"
#define FILL                                            \
    "%z = aie.objectfifo.acquire @out(Produce, 1) : " M \
    "\naie.objectfifo.release @out(Produce, 1)\n"

#define CORE_HEAD                                                                            \
    "%acc = aie.buffer(%k) : " M "\n%raw = aie.buffer(%k) : memref<64xi8>\naie.core(%k) {\n" \
    "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n"                       \
    "%c63 = arith.constant 63 : index\n%c64 = arith.constant 64 : index\n"                   \
    "%minus = arith.constant -1 : index\n%zero = arith.constant 0 : i32\n"                   \
    "%w = memref.load %acc[%c0] : " M "\n%n0 = arith.index_cast %w : i32 to index\n"         \
    "%yes = arith.cmpi eq, %w, %zero : i32\n" FILL

static const struct {
    const char *name, *text, *rules; /* the rules in the order of the findings, each with a blank */
} bodies[] = {
    {"release_in_both_branches", TAKE("x") "scf.if %yes {\n" GIVE "} else {\n" GIVE "}\n", ""},
    {"release_in_then_only", TAKE("x") "scf.if %yes {\n" GIVE "}\n", "acquire-balance "},
    {"release_in_else_only", TAKE("x") "scf.if %yes {\n} else {\n" GIVE "}\n", "acquire-balance "},
    {"release_in_every_case",
     TAKE("x") "scf.index_switch %n0\ncase 1 {\n" GIVE "}\ncase 2 {\n" GIVE "}\ndefault {\n" GIVE
               "}\n",
     ""},
    {"release_in_one_case",
     TAKE("x") "scf.index_switch %n0\ncase 1 {\n" GIVE "}\ncase 2 {\n}\ndefault {\n}\n",
     "acquire-balance "},
    {"acquire_in_one_branch", "scf.if %yes {\n" TAKE("x") GIVE "}\n" TAKE("y") GIVE, ""},
    {"acquire_in_nested_branches",
     "scf.if %yes {\nscf.if %yes {\n" TAKE("x") GIVE "}\n} else {\n" TAKE("y") GIVE "}\n",
     "acquire-siblings "},
    {"acquire_in_two_branches_behind_each_other",
     "scf.if %yes {\n" TAKE("x") GIVE "}\nscf.if %yes {\n" TAKE("y") GIVE "}\n", ""},
    {"acquire_in_two_cases",
     "scf.index_switch %n0\ncase 1 {\n" TAKE("x") GIVE "}\ncase 2 {\n" TAKE("y") GIVE
     "}\ndefault {\n}\n",
     "acquire-siblings "},
    {"loop_of_constant_count", "scf.for %i = %c0 to %c1 step %c1 {\n" TAKE("x") GIVE "}\n", ""},
    {"loop_of_run_time_count", "scf.for %i = %c0 to %n0 step %c1 {\n" TAKE("x") GIVE "}\n",
     "dynamic-loop "},
    {"loop_of_run_time_count_without_acquire",
     "scf.for %i = %c0 to %n0 step %c1 {\n}\n" TAKE("x") GIVE, ""},
    {"while_with_acquire",
     "scf.while : () -> () {\nscf.condition(%yes)\n} do {\n" TAKE("x") GIVE "}\n", "dynamic-loop "},
    {"window_that_slides",
     TAKE("x") "scf.for %i = %c0 to %c1 step %c1 {\n" ACQUIRE("y", "2") GIVE "}\n" GIVE, ""},
    {"window_that_starts_empty",
     "scf.for %i = %c0 to %c1 step %c1 {\n" ACQUIRE("y", "2") GIVE "}\n" GIVE, "acquire-balance "},
    {"release_in_a_loop", TAKE("x") "scf.for %i = %c0 to %c1 step %c1 {\n" GIVE "}\n",
     "acquire-balance "},
    {"release_twice", TAKE("x") GIVE GIVE, "release-held "},
    {"acquire_all", ACQUIRE("x", "3") "aie.objectfifo.release @in(Consume, 3)\n", ""},
    {"acquire_more", ACQUIRE("x", "4") "aie.objectfifo.release @in(Consume, 4)\n",
     "acquire-depth "},
    {"access_last_of_two",
     ACQUIRE("x", "2") ACCESS("p", "x", "1") "aie.objectfifo.release @in(Consume, 2)\n", ""},
    {"access_beyond_two",
     ACQUIRE("x", "2") ACCESS("p", "x", "2") "aie.objectfifo.release @in(Consume, 2)\n",
     "access-held "},
    /* The core holds two, the second acquire asks for one of them. */
    {"access_beyond_the_later_acquire", ACQUIRE("x", "2") TAKE("y") ACCESS("p", "y", "1") GIVE GIVE,
     "access-held "},
    {"access_in_a_branch", TAKE("x") "scf.if %yes {\n" ACCESS("p", "x", "1") "}\n" GIVE,
     "access-held "},
    {"access_of_a_producer",
     "%y = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<" M
     ">\n" ACCESS("p", "y", "1") "aie.objectfifo.release @out(Produce, 1)\n" TAKE("x") GIVE,
     "access-held "},
    {"access_through_a_branch",
     TAKE("x") "%s2 = scf.if %yes -> (" SUBVIEW ") {\nscf.yield %x : " SUBVIEW
               "\n} else {\nscf.yield %x : " SUBVIEW "\n}\n" ACCESS("p", "s2", "0") GIVE,
     "access-held "},
    {"index_last", TAKE("x") "%v = memref.load %acc[%c63] : " M "\n" GIVE, ""},
    {"index_over", TAKE("x") "%v = memref.load %acc[%c64] : " M "\n" GIVE, "index-range "},
    {"index_negative", TAKE("x") "%v = memref.load %acc[%minus] : " M "\n" GIVE, "index-range "},
    {"store_over", TAKE("x") "memref.store %zero, %acc[%c64] : " M "\n" GIVE, "index-range "},
    {"view_whole",
     TAKE("x") "%v = memref.view %raw[%c0][] : memref<64xi8> to memref<16xi32>\n" GIVE, ""},
    {"view_over", TAKE("x") "%v = memref.view %raw[%c1][] : memref<64xi8> to memref<16xi32>\n" GIVE,
     "index-range "},
    {"subview_over",
     TAKE("x") "%v = memref.subview %acc[32][33][1] : " M
               " to memref<33xi32, strided<[1], offset: 32>>\n" GIVE,
     "index-range "},
};

#define AT(OFFSETS, SIZES, STRIDES, MORE)                                      \
    "aiex.npu.dma_memcpy_nd(%a" OFFSETS SIZES STRIDES ") {metadata = @in" MORE \
    "} : memref<4096xi32>\n"
#define IN(OFFSET, SIZES, STRIDES, MORE) AT("[0, 0, 0, " OFFSET "]", SIZES, STRIDES, MORE)
#define PIECE(ID, MORE)                  IN("0", "[1, 1, 1, 64]", "[0, 0, 0, 1]", ", id = " ID " : i64" MORE)

#define ONE(OFFSET, SIZES, STRIDES) IN(OFFSET, SIZES, STRIDES, ", id = 0 : i64")
#define TOKEN                       ", issue_token = true"
#define WAIT                        "aiex.npu.dma_wait {symbol = @in}\n"
/* A task started and awaited: by its fifo, by itself; with its own descriptor and by its fifo. */
#define WAITED(V)  TASK(V, "64", "") "aiex.dma_start_task(%" V ")\n" WAIT
#define AWAITED(V) TASK(V, "64", "") "aiex.dma_start_task(%" V ")\naiex.dma_await_task(%" V ")\n"
#define OWN(V, ID)                                                                                \
    "%" V                                                                                         \
    " = aiex.dma_configure_task_for @in {\naie.dma_bd(%a : memref<4096xi32>, 0, 64) {bd_id = " ID \
    " : i32}\naie.end } {issue_token = true}\naiex.dma_start_task(%" V ")\n" WAIT
#define FIVE(T, N) T(N "0") T(N "1") T(N "2") T(N "3") T(N "4")
#define FIFTEEN(T) FIVE(T, "a") FIVE(T, "b") FIVE(T, "c")
/* Of bytes: %b. */
#define BYTES(SIZES, STRIDES)                                                                   \
    "aiex.npu.dma_memcpy_nd(%b[0, 0, 0, 0]" SIZES STRIDES ") {metadata = @in, id = 0 : i64} : " \
    "memref<4096xi8>\n"
/* A task with these words in aie.dma_bd and after it, started and awaited. */
#define RUN_OF(ARGUMENT, BD, MORE)                                    \
    "%t = aiex.dma_configure_task_for @in {\naie.dma_bd(" ARGUMENT BD \
    ")\naie.end } {issue_token = true" MORE                           \
    "}\naiex.dma_start_task(%t)\naiex.dma_await_task(%t)\n"
#define RUN(BD, MORE)   RUN_OF("%a : memref<4096xi32>", BD, MORE)
#define TIMES(REPEATED) ", repeat_count = " REPEATED " : i32"
#define TASK(V, LENGTH, DIMS)                                                                 \
    "%" V                                                                                     \
    " = aiex.dma_configure_task_for @in {\naie.dma_bd(%a : memref<4096xi32>, 0, " LENGTH DIMS \
    ")\naie.end } {issue_token = true}\n"

static const struct {
    const char *name, *text, *rules;
} sequences[] = {
    {"four_transfers", PIECE("0", "") PIECE("1", "") PIECE("2", "") PIECE("3", ""), ""},
    {"five_transfers", PIECE("0", "") PIECE("1", "") PIECE("2", "") PIECE("3", "") PIECE("4", ""),
     "queue-depth "},
    {"four_and_four_after_waits",
     PIECE("0", TOKEN) PIECE("1", TOKEN) PIECE("2", TOKEN) PIECE("3", TOKEN)
         WAIT WAIT WAIT WAIT PIECE("0", TOKEN) PIECE("1", TOKEN) PIECE("2", TOKEN)
             PIECE("3", TOKEN),
     "token-unclaimed "},
    {"wait_retires_what_was_before",
     PIECE("0", "") PIECE("1", "") PIECE("2", TOKEN) PIECE("3", "") WAIT PIECE("0", "")
         PIECE("1", ""),
     ""},
    {"wait_retires_nothing_behind", PIECE("0", TOKEN) PIECE("1", "") WAIT PIECE("1", ""),
     "descriptor-perhaps "},
    {"second_wait", PIECE("0", TOKEN) WAIT WAIT, "wait-token "},
    {"last_element", ONE("4032", "[1, 1, 1, 64]", "[0, 0, 0, 1]"), ""},
    {"one_element_over", ONE("4033", "[1, 1, 1, 64]", "[0, 0, 0, 1]"), "transfer-bounds "},
    {"negative_start", ONE("-1", "[1, 1, 1, 64]", "[0, 0, 0, 1]"), "transfer-bounds "},
    {"negative_offset_of_a_repeat",
     AT("[-1, 0, 0, 0]", "[2, 1, 1, 64]", "[0, 0, 0, 1]", ", id = 0 : i64"), "transfer-bounds "},
    {"negative_offset_that_another_makes_good",
     AT("[0, 0, 1, -64]", "[1, 1, 1, 64]", "[0, 0, 64, 1]", ", id = 0 : i64"), "transfer-bounds "},
    {"far_offset_of_a_repeat",
     AT("[1099511627776, 0, 0, 0]", "[2, 1, 1, 64]", "[0, 0, 0, 1]", ", id = 0 : i64"), ""},
    {"odd_stride_of_one_round", BYTES("[1, 1, 1, 256]", "[3, 0, 0, 1]"), "transfer-granule "},
    {"odd_stride_of_one_plane", BYTES("[1, 1, 1, 256]", "[0, 6, 0, 1]"), "transfer-granule "},
    {"odd_stride_of_one_row", BYTES("[1, 2, 1, 256]", "[0, 256, 5, 1]"), "transfer-granule "},
    {"even_strides_of_one_round", BYTES("[1, 1, 1, 256]", "[8, 0, 0, 1]"), ""},
    {"odd_stride_of_one_round_of_a_task",
     RUN_OF("%b : memref<4096xi8>",
            ", 0, 256, [<size = 1, stride = 3>, <size = 1, stride = 0>, "
            "<size = 1, stride = 0>, <size = 256, stride = 1>]",
            ""),
     "transfer-granule "},
    {"long_stride_of_one_word", ONE("0", "[1, 1, 64, 1]", "[0, 0, 1, 1048577]"), "transfer-step "},
    {"long_stride_of_one_row", ONE("0", "[1, 2, 1, 64]", "[0, 64, 99999999999, 1]"), ""},
    {"rows_of_1023", ONE("0", "[1, 1, 64, 33]", "[0, 0, 64, 1]"), ""},
    {"linear_run_is_not_limited", ONE("0", "[1, 1, 1, 4096]", "[0, 0, 0, 1]"), ""},
    {"repeated_run_is_not_limited", ONE("0", "[65, 1, 1, 4096]", "[0, 0, 0, 1]"), ""},
    {"66_repeats", ONE("0", "[66, 1, 1, 4096]", "[0, 0, 0, 1]"), "transfer-rounds "},
    {"64_rounds", ONE("0", "[64, 1, 1, 64]", "[63, 0, 0, 1]"), ""},
    {"run_with_a_written_stride", ONE("0", "[1, 1, 1, 4096]", "[0, 0, 64, 1]"), "transfer-wrap "},
    {"two_long_rows", ONE("0", "[1, 1, 2, 2048]", "[0, 0, 2048, 1]"), "transfer-wrap "},
    {"part_of_an_object", ONE("0", "[1, 1, 1, 65]", "[0, 0, 0, 1]"), "transfer-objects "},
    {"three_objects", ONE("0", "[1, 3, 1, 64]", "[0, 64, 0, 1]"), ""},
    {"task_of_a_whole_argument",
     "%t = aiex.dma_configure_task_for @in {\naie.dma_bd(%a : memref<4096xi32>)\naie.end } "
     "{issue_token = "
     "true}\naiex.dma_start_task(%t)\naiex.dma_await_task(%t)\n",
     ""},
    {"task_with_another_length",
     TASK("t", "128",
          ", [<size = 64, stride = 1>]") "aiex.dma_start_task(%t)\naiex.dma_await_task(%t)\n",
     "transfer-dims "},
    {"task_without_length_from_the_middle", RUN(", 64", ""), "transfer-bounds "},
    {"task_of_no_length", RUN(", 0, 0", ""), "transfer-dims "},
    {"task_length_of_one_run",
     RUN(", 0, 64, [<size = 4, stride = 64>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
         "<size = 64, stride = 1>]",
         TIMES("3")),
     ""},
    {"task_length_of_all_runs",
     RUN(", 0, 256, [<size = 4, stride = 64>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
         "<size = 64, stride = 1>]",
         TIMES("3")),
     "transfer-dims "},
    {"task_length_of_three_dimensions",
     RUN(", 0, 256, [<size = 4, stride = 128>, <size = 4, stride = 32>, <size = 16, stride = 1>]",
         TIMES("3")),
     ""},
    {"task_length_of_two_of_three_dimensions",
     RUN(", 0, 64, [<size = 4, stride = 128>, <size = 4, stride = 32>, <size = 16, stride = 1>]",
         TIMES("3")),
     "transfer-dims "},
    {"task_without_length_and_all_of_it",
     RUN_OF("%b : memref<4096xi8>", " sizes = [2, 2048] strides = [2048, 1]", ""), ""},
    {"task_without_length_and_half_of_it",
     RUN_OF("%b : memref<4096xi8>", " sizes = [2, 1024] strides = [2048, 1]", ""),
     "transfer-dims "},
    {"task_with_too_few_runs",
     RUN(", 0, 64, [<size = 4, stride = 64>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
         "<size = 64, stride = 1>]",
         TIMES("1")),
     "transfer-rounds "},
    {"task_with_one_run",
     RUN(", 0, 64, [<size = 4, stride = 64>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
         "<size = 64, stride = 1>]",
         ""),
     "transfer-rounds "},
    {"task_with_too_many_runs",
     RUN(", 0, 64, [<size = 4, stride = 64>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
         "<size = 64, stride = 1>]",
         TIMES("7")),
     "transfer-rounds "},
    {"task_that_repeats_as_often_as_it_says",
     RUN(", 0, 64, [<size = 4, stride = 0>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
         "<size = 64, stride = 1>]",
         TIMES("3")),
     ""},
    {"task_that_repeats_otherwise",
     RUN(", 0, 64, [<size = 4, stride = 0>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
         "<size = 64, stride = 1>]",
         TIMES("6")),
     "task-repeat "},
    {"task_of_256_runs", RUN(", 0, 64", TIMES("255")), ""},
    {"task_of_257_runs", RUN(", 0, 64", TIMES("256")), "transfer-rounds "},
    {"task_of_64_rounds",
     RUN(", 0, 64, [<size = 64, stride = 63>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
         "<size = 64, stride = 1>]",
         TIMES("63")),
     ""},
    {"task_of_65_rounds",
     RUN(", 0, 64, [<size = 65, stride = 60>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
         "<size = 64, stride = 1>]",
         TIMES("64")),
     "transfer-rounds "},
    /* 16 words a run: an object only after four. */
    {"task_of_two_quarters",
     RUN(", 0, 16, [<size = 2, stride = 16>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
         "<size = 16, stride = 1>]",
         TIMES("1")),
     "transfer-objects "},
    {"task_of_12_quarters",
     RUN(", 0, 16, [<size = 12, stride = 16>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
         "<size = 16, stride = 1>]",
         TIMES("11")),
     ""},
    {"task_of_one_long_row_with_a_written_stride",
     RUN(", 0, 4096, [<size = 1, stride = 64>, <size = 1, stride = 64>, <size = 4096, stride = 1>]",
         ""),
     ""},
    {"task_of_strided_words", RUN(", 0, 64, [<size = 64, stride = 4>]", ""), "task-stride "},
    {"task_of_strided_words_in_four_dimensions",
     RUN(", 0, 64, [<size = 2, stride = 256>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
         "<size = 64, stride = 4>]",
         TIMES("1")),
     "task-stride "},
    {"task_of_strided_rows_of_one_word",
     RUN(", 0, 64, [<size = 64, stride = 4>, <size = 1, stride = 1>]", ""), ""},
    {"task_of_two_strided_rows",
     RUN(", 0, 64, [<size = 2, stride = 256>, <size = 32, stride = 4>]", ""), ""},
    {"task_of_one_word_with_a_stride", RUN(", 0, 1, [<size = 1, stride = 4>]", TIMES("63")), ""},
    {"memcpy_of_strided_words", ONE("0", "[1, 1, 1, 64]", "[0, 0, 0, 4]"), ""},
    {"task_freed_after_its_await", RUN(", 0, 64", "") "aiex.dma_free_task(%t)\n", ""},
    {"task_started_after_its_await", RUN(", 0, 64", "") "aiex.dma_start_task(%t)\n", "task-order "},
    {"task_started_after_its_free",
     TASK("t", "64",
          "") "aiex.dma_start_task(%t)\naiex.dma_free_task(%t)\naiex.dma_start_task(%t)\n",
     "task-order token-unclaimed "},
    {"task_awaited_after_its_free",
     TASK("t", "64",
          "") "aiex.dma_start_task(%t)\naiex.dma_free_task(%t)\naiex.dma_await_task(%t)\n",
     "task-order token-unclaimed "},
    {"task_freed_twice",
     TASK("t", "64",
          "") "aiex.dma_start_task(%t)\naiex.dma_free_task(%t)\naiex.dma_free_task(%t)\n",
     "task-order token-unclaimed "},
    {"task_started_again_after_a_wait",
     TASK("t", "64", "") "aiex.dma_start_task(%t)\n" WAIT "aiex.dma_start_task(%t)\n"
                         "aiex.dma_await_task(%t)\n",
     ""},
    /* A wait by its fifo gives no descriptor back. */
    {"seventeen_tasks_waited_for", FIFTEEN(WAITED) WAITED("t15") WAITED("t16"),
     "descriptors-live "},
    {"seventeen_tasks_awaited", FIFTEEN(AWAITED) AWAITED("t15") AWAITED("t16"), ""},
    {"sixteen_tasks_and_one_of_its_own", OWN("u", "9") FIFTEEN(WAITED), ""},
    {"seventeen_tasks_and_one_of_its_own", OWN("u", "9") FIFTEEN(WAITED) WAITED("t15"),
     "descriptors-live "},
    {"two_tasks_of_one_descriptor", OWN("u", "9") OWN("v", "9"), "descriptor-reuse "},
    {"task_of_the_descriptor_of_another", WAITED("t") OWN("v", "0"), "descriptor-reuse "},
    {"task_of_a_descriptor_given_back", AWAITED("t") OWN("v", "0"), ""},
    {"task_beside_a_transfer_of_its_descriptor",
     PIECE("0", TOKEN) TASK("t", "64", "") "aiex.dma_start_task(%t)\n" WAIT
                                           "aiex.dma_await_task(%t)\n",
     "descriptor-reuse "},
    {"task_beside_a_transfer_of_another",
     PIECE("1", TOKEN) TASK("t", "64", "") "aiex.dma_start_task(%t)\n" WAIT
                                           "aiex.dma_await_task(%t)\n",
     ""},
    {"task_started_twice",
     TASK("t", "64",
          "") "aiex.dma_start_task(%t)\naiex.dma_start_task(%t)\naiex.dma_await_task(%t)\n",
     "task-order "},
    {"task_awaited_twice",
     TASK("t", "64",
          "") "aiex.dma_start_task(%t)\naiex.dma_await_task(%t)\naiex.dma_await_task(%t)\n",
     "wait-token "},
    {"sync_is_a_wait",
     PIECE("0", TOKEN) "aiex.npu.sync {channel = 0 : i32, column = 0 : i32, column_num = 1 : i32, "
                       "direction "
                       "= 1 : i32, row = 0 : i32, row_num = 1 : i32}\n" PIECE("0", ""),
     ""},
    {"sync_of_two_columns_of_which_one_has_no_fifo",
     PIECE("0", TOKEN) "aiex.npu.sync {channel = 0 : i32, column = 0 : i32, column_num = 2 : i32, "
                       "direction = 1 : i32, row = 0 : i32, row_num = 1 : i32}\n",
     "wait-channel "},
    {"sync_of_two_rows",
     PIECE("0", TOKEN) "aiex.npu.sync {channel = 0 : i32, column = 0 : i32, column_num = 1 : i32, "
                       "direction = 1 : i32, row = 0 : i32, row_num = 2 : i32}\n",
     "wait-channel "},
};

#define CORE_FIFO(DIMS, SIZE)                                               \
    "aie.objectfifo @in(%s, {%k dimensionsFromStream " DIMS "}, [1, 1]) : " \
    "!aie.objectfifo<memref<" SIZE                                          \
    "xi32>>\naie.core(%k) {\n%x = aie.objectfifo.acquire @in(Consume, "     \
    "1) : memref<" SIZE "xi32>\n" GIVE "aie.end } {stack_size = 1024 : i32}\n"
#define ONES "dense<1> : " M
/* From a core to the shim, with initial values. */
#define INIT(DEPTH, VALUES)                                                        \
    "aie.objectfifo @out(%k, {%s}, " DEPTH ") : !aie.objectfifo<" M "> = [" VALUES \
    "]\naie.core(%k) {\n%x = aie.objectfifo.acquire @out(Produce, 1) : " M         \
    "\naie.objectfifo.release @out(Produce, 1)\naie.end } {stack_size = "          \
    "1024 : i32}\n"
/* A core with a fifo of that depth and a loop that may run %n times, or while %yes. */
#define LOOPED(DEPTH, LOOP)                                                                    \
    "aie.objectfifo @in(%s, {%k}, " DEPTH ") : " FIFO "%acc = aie.buffer(%k) : " M             \
    "\naie.core(%k) {\n%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n"       \
    "%zero = arith.constant 0 : i32\n%w = memref.load %acc[%c0] : " M                          \
    "\n%n0 = arith.index_cast %w : i32 to index\n%yes = arith.cmpi eq, %w, %zero : i32\n" LOOP \
    "aie.end } {stack_size = 1024 : i32}\n"
#define WHILE(DEPTH) \
    LOOPED(DEPTH, "scf.while : () -> () {\nscf.condition(%yes)\n} do {\n" TAKE("x") GIVE "}\n")
/* From a core to the next, with more attributes, the first with a stack of STACK. */
#define NEAR(MORE, STACK)                                                                         \
    "%l = aie.tile(0, 3)\naie.objectfifo @near(%k, {%l}, [1, 1]) {" MORE                          \
    "repeat_count = 1 : i32} : " FIFO "aie.core(%k) {\n%x = aie.objectfifo.acquire "              \
    "@near(Produce, 1) : " M "\naie.objectfifo.release @near(Produce, 1)\naie.end } "             \
    "{stack_size = " STACK " : i32}\naie.core(%l) {\n%x = aie.objectfifo.acquire @near(Consume, " \
    "1) : " M "\naie.objectfifo.release @near(Consume, 1)\naie.end } {stack_size = 1024 : i32}\n"
/* A buffer into which the sequence writes a word. */
#define WRITTEN(WRITE)                                                                    \
    "%w = aie.buffer(%k) {sym_name = \"w\", address = 4096 : i32} : " M                   \
    "\naie.core(%k) {\naie.end } {stack_size = 1024 : i32}\naie.runtime_sequence(%a : " M \
    ") {\n" WRITE "\n}\n"
#define POKED(ADDRESS)                                                                            \
    "%w = aie.buffer(%k) {sym_name = \"w\", address = " ADDRESS " : i32} : " M                    \
    "\naie.core(%k) {\naie.end } {stack_size = 1024 : i32}\naie.runtime_sequence(%a : " M ") {\n" \
    "aiex.npu.rtp_write(@w, 1, 7)\n}\n"
#define ACROSS(N)                                                                           \
    "aie.objectfifo @a" N "(%s, {%m}, 2 : i32) : " FIFO "aie.objectfifo @b" N               \
    "(%m, {%n}, 2 : i32) {via_DMA = true} : " FIFO "aie.objectfifo.link [@a" N "] -> [@b" N \
    "] ([] [])\n"

/* Two cores' objects of A and B words, joined, with dimensions at the joined object of 32. */
#define PART(F, T, N)                                                                        \
    "aie.objectfifo @" F "(%" T ", {%m}, [2, 2]) : !aie.objectfifo<memref<" N                \
    "xi32>>\naie.core(%" T ") {\n%x = aie.objectfifo.acquire @" F "(Produce, 1) : memref<" N \
    "xi32>\naie.objectfifo.release @" F "(Produce, 1)\naie.end } {stack_size = 1024 : i32}\n"
#define JOIN(DIMS, A, B, OFFSETS)                                                              \
    "%l = aie.tile(0, 3)\n" PART("p", "k", A) PART(                                            \
        "q", "l",                                                                              \
        B) "aie.objectfifo @all(%m dimensionsToStream " DIMS ", {%s}, 2 : i32) : "             \
           "!aie.objectfifo<memref<32xi32>>\naie.objectfifo.link [@p, @q] -> [@all] (" OFFSETS \
           " [])\n"

static const struct {
    const char *name, *text, *rules;
} devices[] = {
    {"while_with_one_object", WHILE("[2, 1]"), ""},
    {"while_with_one_of_a_scalar_depth", WHILE("1 : i32"), ""},
    {"while_with_two_objects", WHILE("[2, 2]"), "dynamic-loop "},
    {"while_with_two_of_a_scalar_depth", WHILE("2 : i32"), "dynamic-loop "},
    /* Unrolling fails for any number of objects. */
    {"for_of_run_time_count_with_one_object",
     LOOPED("[2, 1]", "scf.for %i = %c0 to %n0 step %c1 {\n" TAKE("x") GIVE "}\n"),
     "dynamic-loop "},
    {"rounds_of_a_mem_tile_that_consumes",
     "aie.objectfifo @in(%s, {%m}, 2 : i32) {iter_count = 2 : i32} : " FIFO
     "aie.objectfifo @on(%m, {%s}, 2 : i32) : " FIFO "aie.objectfifo.link [@in] -> [@on] ([] [])\n",
     ""},
    {"rounds_of_a_mem_tile_that_produces",
     "aie.objectfifo @in(%s, {%m}, 2 : i32) : " FIFO
     "aie.objectfifo @on(%m, {%s}, 2 : i32) {iter_count = 2 : i32} : " FIFO
     "aie.objectfifo.link [@in] -> [@on] ([] [])\n",
     ""},
    /* Each repetition is a descriptor of its own in a chain that ends: 25 on an even channel. */
    {"rounds_and_repetitions_of_one_object",
     "aie.objectfifo @in(%s, {%m}, 1 : i32) : " FIFO
     "aie.objectfifo @on(%m, {%s}, 1 : i32) {iter_count = 2 : i32, repeat_count = 25 : i32} : " FIFO
     "aie.objectfifo.link [@in] -> [@on] ([] [])\n",
     "descriptors-half "},
    {"repetitions_of_one_object",
     "aie.objectfifo @in(%s, {%m}, 1 : i32) : " FIFO
     "aie.objectfifo @on(%m, {%s}, 1 : i32) {repeat_count = 25 : i32} : " FIFO
     "aie.objectfifo.link [@in] -> [@on] ([] [])\n",
     ""},
    {"parts_of_two_objects", JOIN("[<4, 4>, <4, 1>]", "8", "8", "[0, 16]"), ""},
    {"parts_of_different_numbers_of_objects", JOIN("[<4, 4>, <4, 1>]", "8", "16", "[0, 16]"), ""},
    {"part_of_one_and_a_third_objects", JOIN("[<4, 4>, <4, 1>]", "12", "16", "[0, 16]"),
     "link-part "},
    {"dims_of_unequal_parts_of_objects", JOIN("[<4, 4>, <4, 1>]", "8", "8", "[0, 24]"),
     "dims-size "},
    {"initial_values_for_all", INIT("[2, 2]", ONES ", " ONES), ""},
    {"initial_values_for_one_of_two", INIT("[2, 2]", ONES), "fifo-init "},
    {"initial_values_for_three_of_two", INIT("[2, 2]", ONES ", " ONES ", " ONES), "fifo-init "},
    {"initial_value_of_a_scalar_depth", INIT("1 : i32", ONES), ""},
    {"initial_value_for_one_of_a_scalar_depth", INIT("2 : i32", ONES), "fifo-init "},
    {"objects_of_a_dma_at_half_a_word", NEAR("via_DMA = true, ", "1026"), "memory-word "},
    {"objects_of_a_dma_at_a_word", NEAR("via_DMA = true, ", "1028"), "memory-align "},
    {"objects_of_cores_at_half_a_word", NEAR("", "1026"), "memory-align "},
    {"objects_of_a_mem_tile_at_half_a_word",
     "%odd = aie.buffer(%m) {address = 0 : i32} : memref<6xi8>\n"
     "aie.objectfifo @in(%s, {%m}, 8 : i32) : " FIFO "aie.objectfifo @on(%m, {%s}, 8 : i32) : " FIFO
     "aie.objectfifo.link [@in] -> [@on] ([] [])\n",
     "memory-word "},
    {"write_by_tile_into_a_buffer",
     WRITTEN(
         "aiex.npu.write32 {address = 4100 : ui32, column = 0 : i32, row = 2 : i32, value = 5 : "
         "ui32}"),
     ""},
    {"write_by_address_into_a_buffer",
     WRITTEN("aiex.npu.write32 {address = 2101252 : ui32, value = "
             "5 : ui32}"),
     ""},
    {"write_before_a_buffer",
     WRITTEN(
         "aiex.npu.write32 {address = 4092 : ui32, column = 0 : i32, row = 2 : i32, value = 5 : "
         "ui32}"),
     "write-register "},
    {"write_by_address_to_another_row",
     WRITTEN("aiex.npu.write32 {address = 3149828 : ui32, value = 5 : ui32}"), "write-register "},
    {"write_at_half_a_word",
     WRITTEN(
         "aiex.npu.write32 {address = 4098 : ui32, column = 0 : i32, row = 2 : i32, value = 5 : "
         "ui32}"),
     "write-range "},
    {"write_over_a_tile",
     WRITTEN("aiex.npu.write32 {address = 1048576 : ui32, column = 0 : i32, row = 2 : i32, value = "
             "5 : ui32}"),
     "write-range "},
    {"mask_to_row_6",
     WRITTEN(
         "aiex.npu.maskwrite32 {address = 4096 : ui32, column = 0 : i32, row = 6 : i32, value = "
         "5 : ui32, mask = 1 : ui32}"),
     "write-range "},
    {"write_by_address_to_column_4",
     WRITTEN("aiex.npu.write32 {address = 136318976 : ui32, value = 5 : ui32}"), "write-range "},
    {"host_word_in_a_buffer", POKED("4096"), ""},
    {"host_word_at_half_a_word", POKED("4098"), "memory-align rtp-range "},
    {"dims_to_the_last_element", CORE_FIFO("[<2, 1>, <32, 2>]", "64"), ""},
    {"dims_one_element_over", CORE_FIFO("[<2, 2>, <32, 2>]", "64"), "dims-range "},
    {"dims_outermost_of_two", CORE_FIFO("[<512, 2>, <2, 1>]", "1024"), "dims-wrap "},
    {"dims_outermost_of_three", CORE_FIFO("[<512, 2>, <1, 1>, <2, 1>]", "1024"), ""},
    {"dims_255", CORE_FIFO("[<4, 255>, <255, 1>]", "1020"), ""},
    {"dims_256", CORE_FIFO("[<4, 256>, <256, 1>]", "1024"), "dims-wrap "},
    /* Rows of what the stock compiler said to broken designs. */
    {"mem_tile_depth_120",
     "aie.objectfifo @in(%s, {%m}, 120 : i32) : " FIFO
     "aie.objectfifo @on(%m, {%s}, 120 : i32) : " FIFO
     "aie.objectfifo.link [@in] -> [@on] ([] [])\n",
     "descriptors lock-value lock-value "},
    {"seven_inputs_of_a_mem_tile",
     ACROSS("0") ACROSS("1") ACROSS("2") ACROSS("3") ACROSS("4") ACROSS("5") ACROSS("6"),
     "channels channels channels channels fifo-unlinked fifo-unlinked fifo-unlinked fifo-unlinked "
     "fifo-unlinked fifo-unlinked fifo-unlinked streams@(0,0) streams@(0,1) streams@(0,2) "
     "streams@(1,2) "},
    {"bytes_in_rows_of_8192",
     "aie.objectfifo @in(%s, {%k}, [2, 2]) : " FIFO "aie.core(%k) {\n" TAKE("x") GIVE
     "aie.end } {stack_size = 1024 : i32}\naie.runtime_sequence(%a : memref<65536xi8>) {\n"
     "aiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 8, 8192][0, 0, 8192, 1]) {metadata = @in, id = 0 "
     ": i64} "
     ": memref<65536xi8>\n}\n",
     "transfer-wrap "},
    {"bytes_no_multiple_of_4",
     "aie.objectfifo @in(%s, {%k}, [2, 2]) : " FIFO "aie.core(%k) {\n" TAKE("x") GIVE
     "aie.end } {stack_size = 1024 : i32}\naie.runtime_sequence(%a : memref<65536xi8>) {\n"
     "aiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 1, 254][0, 0, 0, 1]) {metadata = @in, id = 0 : "
     "i64} "
     ": memref<65536xi8>\n}\n",
     "transfer-granule "},
    {"dims_of_equal_parts", JOIN("[<4, 4>, <4, 1>]", "16", "16", "[0, 16]"), ""},
    {"dims_of_unequal_parts", JOIN("[<4, 4>, <4, 1>]", "24", "8", "[0, 24]"), "dims-size "},
    {"dims_of_a_larger_object",
     "aie.objectfifo @in(%s, {%m}, 2 : i32) : " FIFO
     "aie.objectfifo @on(%m dimensionsToStream [<4, 8>, <8, 1>], {%s}, 2 : i32) : "
     "!aie.objectfifo<memref<32xi32>>\naie.objectfifo.link [@in] -> [@on] ([] [])\n",
     "dims-size "},
    {"consumer_objects",
     "aie.objectfifo @in(%s, {%k}, [2, 2]) : "
     "!aie.objectfifo<" M "> -> "
     "!aie.objectfifo<memref<32xi32>>\naie.core(%k) {\n%x = aie.objectfifo.acquire @in(Consume, 1) "
     ": "
     "memref<32xi32>\n" GIVE "aie.end } {stack_size = 1024 : i32}\n"
     "aie.runtime_sequence(%a : memref<96xi32>) {\naiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 1, "
     "96][0, "
     "0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<96xi32>\n}\n",
     ""},
    {"mem_tiles_meet_in_row_2", ACROSS("0") ACROSS("1"), "fifo-unlinked fifo-unlinked "},
    {"five_streams_east", ACROSS("0") ACROSS("1") ACROSS("2") ACROSS("3") ACROSS("4"),
     "channels fifo-unlinked fifo-unlinked fifo-unlinked fifo-unlinked fifo-unlinked "
     "streams@(0,2) streams@(1,2) "},
};

struct seen {
    char rules[512], text[1024];
};

static void report(void *user, const struct npu_finding *finding)
{
    struct seen *seen = user;
    size_t used = strlen(seen->rules);
    const char *place =
        strcmp(finding->rule, "streams") == 0 ? strstr(finding->text, "switch (") : NULL;
    snprintf(seen->rules + used, sizeof(seen->rules) - used, "%s%s%.*s ", finding->rule,
             place ? "@" : "", place ? 5 : 0, place ? place + 7 : "");
    used = strlen(seen->text);
    snprintf(seen->text + used, sizeof(seen->text) - used, " %u: %.200s.", finding->pos.line,
             finding->text);
}

/* Accepted designs have instruction words: returns the first sequence without words, or NULL. */
static const char *without_words(const struct npu_design *design, struct npu_error *err)
{
    const struct npu_ir_array *array = &design->array[0];
    struct npu_map *map = NULL;
    const char *name = NULL;
    if (npu_map_open(&map, array, err))
        return "no map";
    for (uint32_t i = 0; i < array->n_sequences && !name; i++) {
        struct npu_txn *txn = NULL;
        if (npu_sequence_words(&txn, design, array, map, i, err))
            name = array->sequence[i].name;
        npu_txn_close(&txn);
    }
    npu_map_close(&map);
    return name;
}

static void check(const char *name, const char *text, const char *rules)
{
    struct npu_design *design = NULL;
    struct npu_error err = {""};
    struct npu_check_result result;
    struct seen seen = {"", ""};
    char full[120];
    snprintf(full, sizeof(full), "rule_%s", name);
    int code = npu_design_parse(&design, text, strlen(text), "t", &err);
    if (code == 0)
        code = npu_design_check(design, NULL, report, &seen, &result, &err);
    const char *none = code == 0 && result.n_errors == 0 ? without_words(design, &err) : NULL;
    check_case(code == 0 && strcmp(seen.rules, rules) == 0 && !none, full,
               "found \"%s\", expected \"%s\"%s%s", seen.rules, rules, seen.text, err.text);
    npu_design_close(&design);
}

int main(void)
{
    static char text[16384];
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char *at = stpcpy(text, "aie.device(npu1) {\n" TILES FIFOS CORE_HEAD);
        strcpy(stpcpy(at, bodies[i].text), "aie.end } {stack_size = 1024 : i32}\n}\n");
        check(bodies[i].name, text, bodies[i].rules);
    }
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        char *at =
            stpcpy(text, "aie.device(npu1) {\n" TILES FIFOS "aie.core(%k) {\n" FILL TAKE("x") GIVE
                   "aie.end } {stack_size = 1024 : i32}\naie.runtime_sequence(%a : "
                   "memref<4096xi32>, %b : memref<4096xi8>) {\n");
        strcpy(stpcpy(at, sequences[i].text), "}\n}\n");
        check(sequences[i].name, text, sequences[i].rules);
    }
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        strcpy(stpcpy(stpcpy(text, "aie.device(npu1) {\n" TILES), devices[i].text), "}\n");
        check(devices[i].name, text, devices[i].rules);
    }
    return check_finish();
}
