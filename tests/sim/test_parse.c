/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From text to design: what is read, and the one error of each wrong text. */
#include "npu/sim/text/design.h"
#include "tests/check.h"

#include <errno.h>
#include <inttypes.h>

#define DEVICE(BODY) "aie.device(npu1) {\n" BODY "\n}\n"
#define TILES        "%s = aie.tile(0, 0)\n%k = aie.tile(0, 2)\n"
#define CORE(BODY) \
    DEVICE(TILES "aie.core(%k) {\n%c0 = arith.constant 0 : index\n" BODY "\naie.end }")
#define SEQUENCE(BODY) DEVICE("aie.runtime_sequence(%a : memref<64xi32>) {\n" BODY "\n}")
#define FIFO(TEXT)     DEVICE(TILES "aie.objectfifo @f" TEXT)
#define BUFFER(TEXT)   DEVICE(TILES "%b = aie.buffer(%k) " TEXT)

static int parse(struct npu_design **design, const char *text, size_t n, struct npu_error *err)
{
    *design = NULL;
    *err = (struct npu_error){""};
    return npu_design_parse(design, text, n, "t", err);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static const struct {
    const char *name, *text, *error; /* the error's beginning */
} errors[] = {
    {"empty", "", "t:1:1: found the end of the text, expected 'aie.device'"},
    {"other_op", "builtin.x", "t:1:1: found 'builtin.x', expected 'aie.device'"},
    {"no_brace", "module", "t:1:7: found the end of the text, expected '{'"},
    {"rest", DEVICE("") "x", "t:4:1: found 'x', expected the end of the text"},
    {"open", "aie.device(npu1) {\n",
     "t:2:1: found the end of the text, expected an operation of a "},
    {"not_ascii", "module {\n  \xc3\xa4 }",
     "t:2:3: found a byte that is not ASCII outside of a comment"},
    {"string_end", DEVICE(TILES "%b = aie.buffer(%k) {sym_name = \"x"),
     "t:4:33: found a string without an end in its line"},
    {"number_64_bit", DEVICE("%k = aie.tile(18446744073709551616, 0)"),
     "t:2:15: found a number beyond 64 bit"},
    {"number_hex_64_bit", DEVICE("%k = aie.tile(0x10000000000000000, 0)"),
     "t:2:15: found a number beyond 64 bit"},
    {"number_letters", DEVICE("%k = aie.tile(0b, 0)"), "t:2:15: found a number with letters after"},
    {"mark_alone", DEVICE("% = aie.tile(0, 0)"), "t:2:1: found a mark without a name after it"},
    {"device_op", DEVICE("aie.flow(%a, DMA : 0, %b, DMA : 0)"),
     "t:2:1: found 'aie.flow', expected an operation of a device: aie.tile"},
    {"tile_range", DEVICE("%k = aie.tile(0, 128)"),
     "t:2:18: found 128, expected a row, a number in 0 .. 127"},
    {"name_twice", DEVICE(TILES "%k = aie.tile(1, 2)"),
     "t:4:1: found a second '%k', expected a new name: line 3 has the first"},
    {"symbol_twice",
     FIFO("(%s, {%k}, 2 : i32) : !aie.objectfifo<memref<4xi8>>\nfunc.func private @f()"),
     "t:5:19: found a second '@f', expected a new name: line 4 has the first"},
    {"no_tile", DEVICE("aie.core(%k) { aie.end }"),
     "t:2:10: found '%k', which nothing defines before, expected a tile"},
    {"not_a_tile", DEVICE(TILES "%b = aie.buffer(%k) : memref<4xi8>\naie.core(%b) { aie.end }"),
     "t:5:10: found '%b', which is no tile"},
    {"fifo_depths", FIFO("(%s, {%k}, [2, 2, 2]) : !aie.objectfifo<memref<4xi8>>"),
     "t:4:29: found 3 depths, expected 2: the producer's and each consumer's"},
    {"fifo_depth_0", FIFO("(%s, {%k}, 0 : i32) : !aie.objectfifo<memref<4xi8>>"),
     "t:4:29: found 0, expected a depth, a number in 1 .. 1024"},
    {"fifo_attribute", FIFO("(%s, {%k}, 2 : i32) {plio = true} : !aie.objectfifo<memref<4xi8>>"),
     "t:4:39: found 'plio', expected an attribute of the subset: via_DMA, "},
    {"fifo_dynamic", FIFO("(%s, {%k}, 2 : i32) : !aie.objectfifo<memref<?xi8>>"),
     "t:4:56: found memref<?xi8>, expected a memref of fixed sizes"},
    {"fifo_dims",
     FIFO("(%s, {%k dimensionsFromStream [<1, 1>, <1, 1>, <1, 1>, <1, 1>, <1, 1>, <1, 1>, <1, 1>, "
          "<1, 1>, <1, 1>]}, 2 : i32) : !aie.objectfifo<memref<4xi8>>"),
     "t:4:48: found more than 8 dimensions"},
    {"link_unknown", DEVICE("aie.objectfifo.link [@a] -> [@b] ([] [])"),
     "t:2:21: found '@a', nothing that this device defines, expected an aie.objectfifo"},
    {"memref_huge", BUFFER(": memref<1048576x1048577xi8>"),
     "t:4:29: found a memref of no or too many elements, expected 1 .. 2^40"},
    {"memref_zero", BUFFER(": memref<0xi8>"), "t:4:29: found a memref of no or too many elements"},
    {"memref_rank", BUFFER(": memref<1x1x1x1x1x1x1xi8>"),
     "t:4:29: found a memref of more than 6 dimensions"},
    {"memref_element", BUFFER(": memref<4xf64>"), "t:4:32: found 'f64', expected an element type"},
    {"memref_number", BUFFER(": memref<99999999999999999999999xi8>"),
     "t:4:29: found a memref of no or too many elements"},
    {"dense_count", BUFFER(": memref<2xi8> = dense<[1]>"), "t:4:46: found ']', expected ','"},
    {"dense_range", BUFFER(": memref<2xi8> = dense<[1, 256]>"),
     "t:4:48: found 256, expected an element, a number in -128 .. 255"},
    {"dense_hex", BUFFER(": memref<2xi8> = dense<\"0x01\">"),
     "t:4:44: found another string, expected \"0x\" and 4 digits for 2 bytes"},
    {"dense_large", BUFFER(": memref<1048576xi8> = dense<0>"),
     "t:4:44: found a constant of 1048576 bytes, expected 1 .. 524288"},
    {"core_end", DEVICE(TILES "aie.core(%k) { }"), "t:4:9: found a core without an end"},
    {"core_after_end", DEVICE(TILES "aie.core(%k) { aie.end\n aie.end }"),
     "t:5:2: found 'aie.end', expected '}' after the operation that ends"},
    {"core_op", CORE("vector.load"), "t:6:1: found 'vector.load', expected an operation of a core"},
    {"core_sequence_op", CORE("aiex.npu.dma_wait {symbol = @f}"),
     "t:6:1: found 'aiex.npu.dma_wait', expected an operation of a core"},
    {"core_attribute", DEVICE(TILES "aie.core(%k) { aie.end } {stack = 4 : i32}"),
     "t:4:27: found 'stack', expected an attribute of the subset: stack_size, "},
    {"value_unknown", CORE("%x = arith.addi %c0, %y : index"),
     "t:6:22: found '%y', which nothing defines before, expected a value"},
    {"value_out_of_sight",
     CORE("scf.for %i = %c0 to %c0 step %c0 { %x = arith.constant 1 : i32 }\n"
          "%y = arith.addi %x, %x : i32"),
     "t:7:17: found '%x', which nothing defines before"},
    {"value_type", CORE("%x = arith.addi %c0, %c0 : i32"),
     "t:6:28: found type i32, expected index, the type of the value"},
    {"value_types", CORE("%i = arith.constant 1 : i32\n%x = arith.addi %c0, %i : index"),
     "t:7:27: found operands of types index and i32, expected the same"},
    {"results_many", CORE("%x, %y = arith.addi %c0, %c0 : index"),
     "t:6:5: found a name for result 2 of arith.addi, which has 1"},
    {"results_group", CORE("%x:2 = arith.constant 1 : i32"), "t:6:1: found a name for result 2"},
    {"constant_range", CORE("%x = arith.constant 256 : i8"),
     "t:6:21: found a constant that i8 does not hold, expected 8 bits"},
    {"constant_float", CORE("%x = arith.constant 1 : f32"),
     "t:6:21: found a constant of type f32, expected an integer type"},
    {"compare_predicate", CORE("%x = arith.cmpi lt, %c0, %c0 : index"),
     "t:6:17: found 'lt', expected eq, ne, slt"},
    {"cast_direction", CORE("%x = arith.constant 1 : i32\n%y = arith.extsi %x : i32 to i16"),
     "t:7:30: found a cast from i32 to i16, expected what arith.extsi does"},
    {"for_bounds", CORE("%i = arith.constant 1 : i32\nscf.for %j = %c0 to %i step %c0 { }"),
     "t:7:14: found type i32 for value 1 of the bounds and the step, expected index"},
    {"for_no_yield",
     CORE("%r = scf.for %j = %c0 to %c0 step %c0 iter_args(%x = %c0) -> (index) { }"),
     "t:6:6: found a region without an end, expected scf.yield at the end of each region"},
    {"for_yield_type",
     CORE("%i = arith.constant 1 : i32\n%r = scf.for %j = %c0 to %c0 step %c0 iter_args(%x = %c0) "
          "-> "
          "(index) {\nscf.yield %i : i32 }"),
     "t:8:1: found type i32 for value 0 of scf.yield, expected index"},
    {"if_type", CORE("scf.if %c0 { }"), "t:6:8: found a value of type index, expected i1"},
    {"if_else",
     CORE("%t = arith.constant true\n%r = scf.if %t -> (index) { scf.yield %c0 : index }"),
     "t:8:1: found 'aie.end', expected 'else'"},
    {"if_end", CORE("%t = arith.constant true\nscf.if %t { aie.end }"),
     "t:7:13: found aie.end, expected scf.yield at the end of this region"},
    {"switch_twice", CORE("scf.index_switch %c0\ncase 1 { }\ncase 1 { }\ndefault { }"),
     "t:8:6: found a second case of this value"},
    {"switch_default", CORE("scf.index_switch %c0\ncase 1 { }"),
     "t:8:1: found 'aie.end', expected 'default'"},
    {"while_types", CORE("scf.while (%x = %c0) : (i32) -> (i32) { }"),
     "t:6:11: found type index for value 0 of scf.while, expected i32"},
    {"call_unknown", CORE("func.call @g() : () -> ()"),
     "t:6:1: found '@g', nothing that this device defines, expected a func.func"},
    {"acquire_port", CORE("aie.objectfifo.acquire @f(Use, 1) : memref<4xi8>"),
     "t:6:27: found 'Use', expected Produce or Consume"},
    {"acquire_count", CORE("%x = aie.objectfifo.acquire @f(Consume, 2) : memref<4xi8>"),
     "t:6:46: found 1 types, expected 2, one for each object"},
    {"acquire_0", CORE("%x = aie.objectfifo.acquire @f(Consume, 0) : memref<4xi8>"),
     "t:6:41: found 0, expected the number of objects, a number in 1 .. 4096"},
    {"arith_unsigned",
     DEVICE(
         TILES
         "%b = aie.buffer(%k) : memref<4xui8>\naie.core(%k) {\n%c = arith.constant 0 : "
         "index\n%x = memref.load %b[%c] : memref<4xui8>\n%y = arith.addi %x, %x : ui8\naie.end }"),
     "t:8:6: found operands of type ui8, expected integers or index"},
    {"load_other_sign",
     DEVICE(TILES "%b = aie.buffer(%k) : memref<4xui8>\naie.core(%k) {\n%c = arith.constant 0 : "
                  "index\n%x = memref.load %b[%c] : memref<4xi8>\naie.end }"),
     "t:7:27: found type memref<4xi8>, expected memref<4xui8>, the type of the value"},
    {"access_type",
     CORE("%x = aie.objectfifo.acquire @f(Consume, 1) : !aie.objectfifosubview<memref<4xi8>>\n%y = "
          "aie.objectfifo.subview.access %x[0] : !aie.objectfifosubview<memref<4xi8>> -> "
          "memref<8xi8>"),
     "t:7:84: found type memref<8xi8>, expected memref<4xi8>, the element of the subview"},
    {"load_indices",
     DEVICE(TILES "%b = aie.buffer(%k) : memref<4x4xi8>\naie.core(%k) {\n%c = arith.constant 0 : "
                  "index\n%x = memref.load %b[%c] : memref<4x4xi8>\naie.end }"),
     "t:7:20: found 1 indices, expected 2 for memref<4x4xi8>"},
    {"view_source",
     DEVICE(TILES "%b = aie.buffer(%k) : memref<4xi32>\naie.core(%k) {\n%c = arith.constant 0 : "
                  "index\n%x = memref.view %b[%c][] : memref<4xi32> to memref<4xi32>\naie.end }"),
     "t:7:6: found a view of memref<4xi32>, expected a memref<..xi8> without strides"},
    {"subview_type",
     DEVICE(TILES
            "%b = aie.buffer(%k) : memref<64xi8>\naie.core(%k) {\n%c = arith.constant 0 : "
            "index\n%x = memref.subview %b[%c][32][1] : memref<64xi8> to memref<32xi8>\naie.end "
            "}"),
     "t:7:54: found type memref<32xi8>, expected memref<32xi8, strided<[1], offset: ?>>"},
    {"sequence_name", DEVICE("aiex.runtime_sequence(%a : memref<4xi32>) { }"),
     "t:2:1: found 'aiex.runtime_sequence', expected an operation of a device"},
    {"sequence_op", SEQUENCE("scf.for"),
     "t:3:1: found 'scf.for', expected an operation of a runtime"},
    {"memcpy_dims",
     SEQUENCE(
         "aiex.npu.dma_memcpy_nd(%a[0, 0, 0][1, 1, 1, 4][0, 0, 0, 1]) {metadata = @f, id = 0 : "
         "i64} : memref<64xi32>"),
     "t:3:26: found 3 numbers, expected 4, the outermost first"},
    {"memcpy_metadata",
     SEQUENCE("aiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 1, 4][0, 0, 0, 1]) {id = 0 : i64} : "
              "memref<64xi32>"),
     "t:3:1: found no metadata, expected {metadata = @fifo, id = N : i64}"},
    {"memcpy_fifo",
     SEQUENCE(
         "aiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 1, 4][0, 0, 0, 1]) {metadata = @f, id = 0 : "
         "i64} : memref<64xi32>"),
     "t:3:1: found '@f', nothing that this device defines, expected an aie.objectfifo"},
    {"wait_symbol", SEQUENCE("aiex.npu.dma_wait {}"), "t:3:1: found no symbol, expected {symbol"},
    {"task_type", SEQUENCE("aiex.dma_start_task(%a)"), "t:3:21: found a value that is no task"},
    {"task_chain",
     SEQUENCE("%t = aiex.dma_configure_task_for @f { aie.dma_bd(%a : memref<64xi32>)\n aie.next_bd "
              "^bb1 }"),
     "t:4:2: found 'aie.next_bd', expected 'aie.end'"},
    {"memcpy_offset_of_index",
     SEQUENCE("%o = arith.constant 0 : index\naiex.npu.dma_memcpy_nd(%a[0, 0, 0, %o][1, 1, 1, 64]"
              "[0, 0, 0, 1]) {metadata = @f, id = 0 : i64} : memref<64xi32>"),
     "t:4:36: found a value of type index, expected i64"},
    {"memcpy_size_of_i32",
     SEQUENCE("%n = arith.constant 64 : i32\naiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 1, %n]"
              "[0, 0, 0, 1]) {metadata = @f, id = 0 : i64} : memref<64xi32>"),
     "t:4:48: found a value of type i32, expected i64"},
    {"subview_offset_of_i64",
     DEVICE(TILES "%b = aie.buffer(%k) : memref<64xi8>\naie.core(%k) {\n%c = arith.constant 0 : "
                  "i64\n%x = memref.subview %b[%c][32][1] : memref<64xi8> to memref<32xi8, "
                  "strided<[1], offset: ?>>\naie.end }"),
     "t:7:24: found a value of type i64, expected index"},
    {"sync_operand_of_i64",
     SEQUENCE("%c = arith.constant 0 : i64\naiex.npu.sync(%c, %c, %c, %c, %c, %c) : i64, i64, i64, "
              "i64, i64, i64"),
     "t:4:15: found a value of type i64, expected an arith.constant of i32"},
    {"write_operand_types",
     SEQUENCE("%c = arith.constant 0 : i32\naiex.npu.write32(%c, %c) {column = 0 : i32, row = 2 : "
              "i32} : i64, i64"),
     "t:4:62: found 'i64', expected 'i32'"},
    {"write_column",
     SEQUENCE("aiex.npu.write32 {address = 4 : ui32, value = 4 : ui32, row = 1 : i32}"),
     "t:3:1: found one of column and row, expected both or none"},
};

/* ---- Types of attributes --------------------------------------------------------------------- */

#define SYNC(NAME, MORE) SEQUENCE("aiex.npu.sync {" NAME " = #" MORE "}")
#define MEMCPY(MORE)                                                                             \
    DEVICE(TILES "aie.objectfifo @f(%s, {%k}, [2, 2]) : !aie.objectfifo<memref<4xi32>>\n"        \
                 "aie.runtime_sequence(%a : memref<64xi32>) {\naiex.npu.dma_memcpy_nd(%a[0, 0, " \
                 "0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @f, " MORE "} : memref<64xi32>\n}")
#define TASK(BD, MORE)                                                                            \
    DEVICE(TILES "aie.objectfifo @f(%s, {%k}, [2, 2]) : !aie.objectfifo<memref<4xi32>>\n"         \
                 "aie.runtime_sequence(%a : memref<64xi32>) {\n%t = aiex.dma_configure_task_for " \
                 "@f {\naie.dma_bd(%a : memref<64xi32>, 0, 64) " BD "\naie.end } " MORE "\n}")

/* '#' stands for the number. */
static const struct {
    const char *name, *of, *value, *type, *text;
} attributes[] = {
    {"buffer_address", "address", "16", "i32",
     DEVICE(TILES "%b = aie.buffer(%k) {address = #} : memref<4xi32>")},
    {"buffer_bank", "mem_bank", "2", "i32",
     DEVICE(TILES "%b = aie.buffer(%k) {mem_bank = #} : memref<4xi32>")},
    {"fifo_depth", "a depth", "2", "i32", FIFO("(%s, {%k}, #) : !aie.objectfifo<memref<4xi32>>")},
    {"fifo_repeat", "repeat_count", "2", "i32",
     FIFO("(%s, {%k}, [2, 2]) {repeat_count = #} : !aie.objectfifo<memref<4xi32>>")},
    {"fifo_iter", "iter_count", "2", "i32",
     FIFO("(%s, {%k}, [2, 2]) {iter_count = #} : !aie.objectfifo<memref<4xi32>>")},
    {"core_stack", "stack_size", "4096", "i32",
     DEVICE(TILES "aie.core(%k) {\naie.end } {stack_size = #}")},
    {"memcpy_id", "id", "2", "i64", MEMCPY("id = #")},
    {"memcpy_burst", "burst_length", "64", "i64", MEMCPY("id = 0, burst_length = #")},
    {"task_bd", "bd_id", "2", "i32", TASK("{bd_id = #}", "")},
    {"task_burst", "burst_length", "128", "i32", TASK("{burst_length = #}", "")},
    {"task_repeat", "repeat_count", "3", "i32", TASK("", "{repeat_count = #}")},
    {"sync_column", "column", "0", "i32",
     SYNC("column", ", row = 0 : i32, direction = 0 : i32, channel = 0 : i32, column_num = 1 : "
                    "i32, row_num = 1 : i32")},
    {"sync_row", "row", "0", "i32",
     SYNC("row", ", column = 0 : i32, direction = 0 : i32, channel = 0 : i32, column_num = 1 : "
                 "i32, row_num = 1 : i32")},
    {"sync_direction", "direction", "1", "i32",
     SYNC("direction", ", column = 0 : i32, row = 0 : i32, channel = 0 : i32, column_num = 1 : "
                       "i32, row_num = 1 : i32")},
    {"sync_channel", "channel", "1", "i32",
     SYNC("channel", ", column = 0 : i32, row = 0 : i32, direction = 0 : i32, column_num = 1 : "
                     "i32, row_num = 1 : i32")},
    {"sync_columns", "column_num", "1", "i32",
     SYNC("column_num", ", column = 0 : i32, row = 0 : i32, direction = 0 : i32, channel = 0 : "
                        "i32, row_num = 1 : i32")},
    {"sync_rows", "row_num", "1", "i32",
     SYNC("row_num", ", column = 0 : i32, row = 0 : i32, direction = 0 : i32, channel = 0 : i32, "
                     "column_num = 1 : i32")},
    {"write_address", "address", "64", "ui32",
     SEQUENCE("aiex.npu.write32 {address = #, value = 1 : ui32}")},
    {"write_value", "value", "5", "ui32",
     SEQUENCE("aiex.npu.write32 {address = 64 : ui32, value = #}")},
    {"write_column", "column", "1", "i32",
     SEQUENCE("aiex.npu.write32 {address = 64 : ui32, value = 1 : ui32, row = 2 : i32, column = "
              "#}")},
    {"write_row", "row", "2", "i32",
     SEQUENCE("aiex.npu.write32 {address = 64 : ui32, value = 1 : ui32, column = 0 : i32, row = "
              "#}")},
    {"write_mask", "mask", "255", "ui32",
     SEQUENCE("aiex.npu.maskwrite32 {address = 64 : ui32, value = 1 : ui32, mask = #}")},
};

/* The number with every type, and without one, which means i64: only the right type is read. */
static void test_attribute_types(void)
{
    static const char *const types[] = {"", "i8", "i16", "i32", "i64", "ui32", "si32", "index"};
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        const char *text = attributes[i].text, *type = attributes[i].type;
        const char *at = strchr(text, '#');
        char name[80], want[160], wrong[512] = "";
        snprintf(want, sizeof(want), "expected %s of type %s, written %s : %s", attributes[i].of,
                 type, attributes[i].value, type);
        for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
            struct npu_design *design;
            struct npu_error err = {""};
            char full[2048];
            int n = snprintf(full, sizeof(full), "%.*s%s%s%s%s", (int)(at - text), text,
                             attributes[i].value, types[t][0] ? " : " : "", types[t], at + 1);
            bool right =
                strcmp(types[t], type) == 0 || (types[t][0] == '\0' && strcmp(type, "i64") == 0);
            int code = parse(&design, full, (size_t)n, &err);
            if (right ? code != 0 : code != -EBADMSG || !strstr(err.text, want))
                snprintf(wrong, sizeof(wrong), "%s as \"%s\": %.300s", attributes[i].value,
                         types[t], code ? err.text : "no error");
            npu_design_close(&design);
        }
        snprintf(name, sizeof(name), "parse_type_of_%s", attributes[i].name);
        check_case(wrong[0] == '\0', name, "%s", wrong);
    }
}

static void test_errors(void)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct npu_design *design;
        struct npu_error err;
        char name[80];
        const char *expected = errors[i].error;
        int code = parse(&design, errors[i].text, strlen(errors[i].text), &err);
        snprintf(name, sizeof(name), "parse_%s_error", errors[i].name);
        check_case(code == -EBADMSG && !design &&
                       strncmp(err.text, expected, strlen(expected)) == 0,
                   name, "%s", code ? err.text : "no error");
        npu_design_close(&design);
    }
}

/* Text from other stages of the compiler: the sentence names the pass, or what else to do. */
static void test_stages(void)
{
#define BEFORE_FIFOS "--aie-objectFifo-stateful-transform"
#define BEFORE_NPU   "--aie-dma-to-npu"
    static const struct {
        const char *text, *place, *hint;
    } cases[] = {
        {DEVICE("%t = aie.logical_tile<CoreTile>(?, ?)"), "t:2:6: found 'aie.logical_tile'",
         "aie-opt --aie-place-tiles or IRON's placer"},
        {DEVICE("%t = aie.logical_tile<ShimNOCTile>(0, ?)"), "t:2:6: found 'aie.logical_tile'",
         "--aie-place-tiles"},
        {DEVICE(TILES "%l = aie.lock(%k, 0) {init = 1 : i32}"), "t:4:6: found 'aie.lock'",
         "the text before that pass, with aie.objectfifo"},
        {DEVICE(TILES "%m = aie.mem(%k) {\n}"), "t:4:6: found 'aie.mem'", BEFORE_FIFOS},
        {DEVICE(TILES "%m = aie.memtile_dma(%k) {\n}"), "t:4:6: found", BEFORE_FIFOS},
        {DEVICE(TILES "%m = aie.shim_dma(%s) {\n}"), "t:4:6: found", BEFORE_FIFOS},
        {DEVICE(TILES "aie.shim_dma_allocation @in(%s, MM2S, 0)"), "t:4:1: found", BEFORE_FIFOS},
        {DEVICE(TILES "aie.flow(%s, DMA : 0, %k, DMA : 0)"), "t:4:1: found", BEFORE_FIFOS},
        {DEVICE(TILES "%e = aie.external_buffer : memref<4xi32>"), "t:4:6: found", BEFORE_FIFOS},
        {CORE("aie.use_lock(%l, Release, 1)"), "t:6:1: found 'aie.use_lock'", BEFORE_FIFOS},
        {CORE("aie.dma_start(S2MM, 0, ^a, ^b)"), "t:6:1: found", BEFORE_FIFOS},
        {CORE("%d = aie.dma(S2MM, 0) []"), "t:6:6: found", BEFORE_FIFOS},
        {DEVICE(TILES "%w = aie.switchbox(%k) {\n}"), "t:4:6: found",
         "--aie-create-pathfinder-flows"},
        {DEVICE(TILES "%w = aie.shim_mux(%s) {\n}"), "t:4:6: found", "pathfinder"},
        {DEVICE("aie.wire(%a : Core, %b : Core)"), "t:2:1: found", "pathfinder"},
        {CORE("aie.connect<Core : 0, DMA : 0>"), "t:6:1: found", "pathfinder"},
        {CORE("%a = aie.amsel<0> (0)"), "t:6:6: found", "pathfinder"},
        {CORE("%a = aie.masterset(DMA : 0, %b)"), "t:6:6: found", "pathfinder"},
        {CORE("aie.packet_rules(South : 0) {\n}"), "t:6:1: found", "pathfinder"},
        {DEVICE("aie.trace @t(%k) {\n}"), "t:2:1: found", "--aie-trace-to-config"},
        {SEQUENCE("aie.trace.start_config @t"), "t:3:1: found", "--aie-trace-to-config"},
        {DEVICE("memref.global constant @x : memref<8xi32>"), "t:2:1: found", BEFORE_NPU},
        {SEQUENCE("%g = memref.get_global @x : memref<8xi32>"), "t:3:6: found", BEFORE_NPU},
        {SEQUENCE("aiex.npu.blockwrite(%g) {address = 4 : ui32}"), "t:3:1: found", BEFORE_NPU},
        {SEQUENCE("aiex.npu.address_patch {addr = 4 : ui32}"), "t:3:1: found", BEFORE_NPU},
        {SEQUENCE("aiex.npu.push_queue(0, 0, MM2S : 0)"), "t:3:1: found", BEFORE_NPU},
        {SEQUENCE("aiex.npu.writebd {bd_id = 0 : i32}"), "t:3:1: found", "its words with --insts"},
        {SEQUENCE("aiex.npu.maskpoll(%a, %b, %c) : i32, i32, i32"), "t:3:1: found", BEFORE_NPU},
        {SEQUENCE("%t = aiex.dma_configure_task(%s, MM2S, 0) {\n}"), "t:3:6: found",
         "--aie-substitute-shim-dma-allocations"},
        {SEQUENCE("%t = aiex.dma_start_bd_chain @c() on (%s, MM2S, 0)"), "t:3:6: found",
         "--aie-materialize-bd-chains"},
        {SEQUENCE("%t = aiex.dma_start_bd_chain_for @c() for @f"), "t:3:6: found",
         "--aie-materialize-bd-chains"},
        {DEVICE("aie.bd_chain @c() {\n}"), "t:2:1: found", "--aie-materialize-bd-chains"},
        {SEQUENCE("aiex.configure @d {\n}"), "t:3:1: found", "give one device a file"},
        {SEQUENCE("aiex.run @s()"), "t:3:1: found", "give one device a file"},
        {SEQUENCE("aiex.npu.load_pdi {id = 1 : i32}"), "t:3:1: found", "give one device a file"},
        {DEVICE("aiex.runtime_sequence() {\n}"), "t:2:1: found", "write aie.runtime_sequence"},
        {CORE("affine.for %i = 0 to 4 {\n}"), "t:6:1: found", "--lower-affine"},
        {CORE("%v = affine.load %m[0] : memref<4xi32>"), "t:6:6: found", "--lower-affine"},
        {CORE("cf.br ^bb1"), "t:6:1: found", "--convert-scf-to-cf"},
        {CORE("llvm.return"), "t:6:1: found", "--aie-standard-lowering"},
        {"AIE.device(ipu) {\n}", "t:1:1: found 'AIE.device'", "before 2025"},
        {DEVICE("AIEX.sequence {\n}"), "t:2:1: found", "before 2025"},
        {"module {\nair.launch () in () {\n}\n}", "t:2:1: found", "--air-to-aie"},
        {"amdaie.workgroup {\n}", "t:1:1: found", "IREE"},
    };
#undef BEFORE_FIFOS
#undef BEFORE_NPU
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct npu_design *design;
        struct npu_error err;
        int code = parse(&design, cases[i].text, strlen(cases[i].text), &err);
        if (code == -EBADMSG && !design && strstr(err.text, cases[i].place) == err.text &&
            strstr(err.text, "; ") && strstr(err.text, cases[i].hint))
            continue;
        printf("# %s: \"%s\", expected \"%s\"\n", cases[i].place, err.text, cases[i].hint);
        wrong++;
    }
    check_case(wrong == 0, "parse_other_stages_are_named", "%u of %zu not", wrong,
               sizeof(cases) / sizeof(cases[0]));
}

/* ---- Designs --------------------------------------------------------------------------------- */

static void count_codes(const struct npu_ir_region *region, unsigned *count)
{
    for (uint32_t i = 0; i < region->n_ops; i++) {
        count[region->op[i].code]++;
        for (uint32_t r = 0; r < region->op[i].n_regions; r++)
            count_codes(&region->op[i].region[r], count);
    }
}

static const struct npu_ir_op *find_op(const struct npu_ir_region *region, enum npu_ir_code code)
{
    const struct npu_ir_op *found = NULL;
    for (uint32_t i = 0; i < region->n_ops && !found; i++) {
        found = region->op[i].code == code ? &region->op[i] : NULL;
        for (uint32_t r = 0; r < region->op[i].n_regions && !found; r++)
            found = find_op(&region->op[i].region[r], code);
    }
    return found;
}

static void test_device(const struct npu_ir_array *a)
{
    const struct npu_fifo *blocks = &a->fifo[1], *next = &a->fifo[3];
    const int16_t expected[] = {1, -2, 3, 4};
    const uint8_t table[] = {1, 2, 0x7f, 0xff};
    check_case(strcmp(a->device, "npu1") == 0 && strcmp(a->name, "all") == 0 && a->n_tiles == 4 &&
                   a->n_fifos == 4 && a->n_links == 1 && a->n_functions == 2 && a->n_cores == 2 &&
                   a->n_buffers == 2 && a->n_sequences == 1,
               "parse_device_counts", "%u tiles, %u fifos", a->n_tiles, a->n_fifos);
    check_case(blocks->producer.tile == 1 && blocks->producer.depth == 2 &&
                   blocks->consumer[0].depth == 3 && blocks->depth_per_end &&
                   blocks->producer.n_dims == 4 && blocks->producer.dim[0].size == 16 &&
                   blocks->producer.dim[0].stride == 256 && blocks->producer.dim[2].size == 4 &&
                   blocks->producer.dim[2].stride == 64 && blocks->consumer[0].n_dims == 0,
               "parse_fifo_dims", "%u dimensions", blocks->producer.n_dims);
    check_case(next->via_dma && next->repeat_count == 2 && !next->depth_per_end &&
                   next->n_init == 1 && next->init[0].bytes == sizeof(expected) &&
                   memcmp(next->init[0].data, expected, sizeof(expected)) == 0,
               "parse_fifo_init", "%u objects", next->n_init);
    check_case(a->fifo[0].link_in == 0 && a->fifo[0].link_out == NPU_IR_NONE &&
                   blocks->link_out == 0 && a->link[0].in[0] == 0 && a->link[0].out[0] == 1,
               "parse_link_sides", "%u -> %u", a->link[0].in[0], a->link[0].out[0]);
    check_case(a->buffer[0].address == 16384 && a->buffer[0].bank == 1 && !a->buffer[0].init.data &&
                   a->buffer[1].init.bytes == 4 &&
                   memcmp(a->buffer[1].init.data, table, sizeof(table)) == 0 &&
                   strcmp(a->buffer[1].name, "table") == 0,
               "parse_buffer_init", "%s", a->buffer[1].name);
    check_case(a->function[0].has_result && a->function[0].result.elem == NPU_IR_I32 &&
                   a->function[1].n_arguments == 3 &&
                   strcmp(a->function[1].link_with, "step.o") == 0,
               "parse_function_types", "%s", a->function[1].link_with);
    check_case(a->core[0].dynamic && a->core[0].stack_size == 4096 && a->core[1].empty &&
                   strcmp(a->core[0].link_with, "k.o") == 0 && a->tile[2].basic_sequential,
               "parse_core_attributes", "stack %" PRId64, a->core[0].stack_size);
}

static void test_bodies(const struct npu_ir_array *a)
{
    unsigned count[NPU_IR_N_CODES] = {0}, missing = 0;
    const struct npu_ir_body *body = &a->core[0].body, *run = &a->sequence[0].body;
    count_codes(&body->region, count);
    count_codes(&run->region, count);
    for (int i = 0; i < NPU_IR_N_CODES; i++)
        missing += count[i] == 0;
    check_case(missing == 0 && count[NPU_IR_FOR] == 2 && count[NPU_IR_YIELD] == 5 &&
                   count[NPU_IR_RELEASE] == 2,
               "parse_every_operation", "%u missing, %u yields", missing, count[NPU_IR_YIELD]);
    check_case(body->n_captures == 2 && body->capture[0].buffer == 0 &&
                   body->capture[1].buffer == NPU_IR_NONE && body->capture[1].value == 3,
               "parse_captures", "%u", body->n_captures);
    const struct npu_ir_op *endless = find_op(&body->region, NPU_IR_FOR);
    const struct npu_ir_op *carried = find_op(&endless->region[0], NPU_IR_FOR);
    check_case(endless->region[0].n_arguments == 1 && carried->region[0].n_arguments == 3 &&
                   carried->n_operands == 5 && carried->n_results == 2 &&
                   body->slot_type[carried->result[1]].elem == NPU_IR_I64,
               "parse_for_carries", "%u operands", carried->n_operands);
    const struct npu_ir_op *sw = find_op(&body->region, NPU_IR_INDEX_SWITCH);
    check_case(sw->n_regions == 3 && sw->n_list == 2 && sw->list[1] == 7 &&
                   sw->region[0].n_ops == 0 && sw->region[1].n_ops == 2,
               "parse_switch_cases", "%u regions", sw->n_regions);
    const struct npu_ir_op *sub = find_op(&body->region, NPU_IR_SUBVIEW_OF);
    check_case(sub->offset[0].slot != NPU_IR_NONE && sub->offset[1].slot == NPU_IR_NONE &&
                   sub->size[1].value == 64 &&
                   body->slot_type[sub->result[0]].offset == NPU_IR_DYNAMIC,
               "parse_subview_indices", "size %" PRId64, sub->size[1].value);
    const struct npu_ir_op *copy = find_op(&run->region, NPU_IR_MEMCPY);
    check_case(copy->bd->memref == 1 && copy->bd->size[3].slot == NPU_IR_NONE &&
                   copy->bd->size[3].value == 16384 && copy->bd->id == 1 && copy->ref == 2 &&
                   !copy->token,
               "parse_memcpy_constants_folded", "size %" PRId64, copy->bd->size[3].value);
    const struct npu_ir_op *task = find_op(&run->region, NPU_IR_TASK_CONFIGURE);
    check_case(task->bd->start == 64 && task->bd->length == 8192 && task->bd->n_dims == 3 &&
                   task->bd->stride[1].value == 4096 && task->repeat == 3 && task->token,
               "parse_task", "repeat %" PRId64, task->repeat);
    const struct npu_ir_op *write = find_op(&run->region, NPU_IR_WRITE32);
    check_case(write->list[0] == UINT32_MAX && write->list[1] == 0 && write->list[2] == 2 &&
                   write->list[3] == 5,
               "parse_write32", "address %" PRId64, write->list[0]);
}

/* dense<..>: bytes in memory, little endian; the floats' by hand from IEEE 754. */
static const struct {
    const char *name, *type, *dense;
    uint8_t bytes[8];
    uint64_t n;
} constants[] = {
    {"splat", "3xi16", "-2", {0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff}, 6},
    {"list_i32", "2xi32", "[1, 0x80000000]", {1, 0, 0, 0, 0, 0, 0, 0x80}, 8},
    {"nested", "2x2xi8", "[[1, 2], [3, 255]]", {1, 2, 3, 0xff}, 4},
    {"unsigned", "2xui8", "[200, 1]", {200, 1}, 2},
    {"bool", "2xi1", "[true, false]", {1, 0}, 2},
    {"f32", "2xf32", "[1.5, -2.500000e+00]", {0, 0, 0xc0, 0x3f, 0, 0, 0x20, 0xc0}, 8},
    {"bf16_even", "2xbf16", "[1.00390625, 1.01171875]", {0x80, 0x3f, 0x82, 0x3f}, 4},
    {"hex", "4xi8", "\"0x00fF7f80\"", {0, 0xff, 0x7f, 0x80}, 4},
};

static void test_constants(void)
{
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        struct npu_design *design;
        struct npu_error err;
        char text[256], name[80];
        snprintf(text, sizeof(text),
                 "aie.device(npu1) {\n%%k = aie.tile(0, 2)\n%%b = aie.buffer(%%k) : memref<%s> = "
                 "dense<%s>\n}",
                 constants[i].type, constants[i].dense);
        snprintf(name, sizeof(name), "parse_dense_%s", constants[i].name);
        int code = parse(&design, text, strlen(text), &err);
        const struct npu_init *init = code == 0 ? &design->array->buffer[0].init : NULL;
        check_case(init && init->bytes == constants[i].n &&
                       memcmp(init->data, constants[i].bytes, constants[i].n) == 0,
                   name, "%s", err.text);
        npu_design_close(&design);
    }
}

static void test_good(void)
{
    static const char *const names[] = {"passthrough", "passthrough_e3", "broadcast_e3",
                                        "operations",  "loops",          "forwarded"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct npu_design *design = NULL;
        struct npu_error err = {""};
        char path[1024], name[80];
        snprintf(path, sizeof(path), "%s/good/%s.mlir", TESTS_SIM, names[i]);
        snprintf(name, sizeof(name), "parse_good_%s", names[i]);
        int code = npu_design_open(&design, path, &err);
        if (check_case(code == 0 && design && design->n_arrays == 1, name, "%s", err.text) &&
            strcmp(names[i], "operations") == 0) {
            test_device(design->array);
            test_bodies(design->array);
        }
        npu_design_close(&design);
    }
}

/* ---- Limits ---------------------------------------------------------------------------------- */

/* `head`, then `middle` n times, then `tail`; the caller frees. */
static char *repeat(const char *head, const char *middle, unsigned n, const char *tail)
{
    size_t m = strlen(middle);
    char *text = malloc(strlen(head) + n * m + strlen(tail) + 1);
    if (!text)
        exit(1);
    char *at = stpcpy(text, head);
    for (unsigned i = 0; i < n; i++)
        at = stpcpy(at, middle);
    strcpy(at, tail);
    return text;
}

static void test_limits(void)
{
    struct npu_design *design;
    struct npu_error err;
    const char *head =
        "aie.device(npu1) {\n%k = aie.tile(0, 2)\naie.core(%k) {\n%t = arith.constant "
        "true\n";
    char *text = repeat(head, "scf.if %t {\n", 10000, "");
    int code = parse(&design, text, strlen(text), &err);
    check_case(code == -EBADMSG && strstr(err.text, "found a nesting deeper than 64"),
               "parse_nested_10000_refused", "%s", err.text);
    free(text);
    text = repeat(head, "scf.if %t {\n", 60, "");
    char *whole = repeat(text, "}\n", 60, "aie.end } }");
    code = parse(&design, whole, strlen(whole), &err);
    check_case(code == 0, "parse_nested_60_accepted", "%s", err.text);
    npu_design_close(&design);
    free(whole);
    free(text);
    text = repeat("// ", "x", NPU_DESIGN_MAX_TEXT, "");
    code = parse(&design, text, strlen(text), &err);
    check_case(code == -E2BIG && strstr(err.text, "expected at most 4194304"),
               "parse_text_too_long_refused", "%s", err.text);
    free(text);
    text = repeat("aie.device(npu1) {\n%k = aie.tile(0, 2)\n",
                  "aie.buffer(%k) : memref<524288xi8> = dense<0>\n", 1000, "}");
    code = parse(&design, text, strlen(text), &err);
    check_case(code == -E2BIG && strstr(err.text, "the design needs more than 256 MiB"),
               "parse_memory_too_large_refused", "%s", err.text);
    free(text);
    code = npu_design_open(&design, TESTS_SIM "/good/none.mlir", &err);
    check_case(code == -ENOENT && strstr(err.text, "good/none.mlir"), "parse_no_file_refused", "%s",
               err.text);
    code = npu_design_open(&design, TESTS_SIM "/good", &err);
    check_case(code == -EISDIR, "parse_folder_refused", "%s", err.text);
}

/* Every beginning of a good design is an error, or ends where the design ended. */
static void test_cut(void)
{
    char text[16384];
    FILE *file = fopen(TESTS_SIM "/good/operations.mlir", "rb");
    size_t n = file ? fread(text, 1, sizeof(text), file) : 0, accepted = 0, silent = 0;
    if (file)
        fclose(file);
    for (size_t i = 0; i < n; i++) {
        struct npu_design *design;
        struct npu_error err;
        char *copy = malloc(i + 1); /* exact, for the sanitizer to watch its end */
        if (!copy)
            exit(1);
        memcpy(copy, text, i);
        int code = parse(&design, copy, i, &err);
        accepted += code == 0;
        silent += code != 0 && err.text[0] == 0;
        npu_design_close(&design);
        free(copy);
    }
    check_case(n > 5000 && accepted == 1 && silent == 0, "parse_cut_text_refused",
               "%zu lengths, %zu accepted, %zu without a sentence", n, accepted, silent);
}

int main(void)
{
    test_errors();
    test_attribute_types();
    test_stages();
    test_constants();
    test_good();
    test_limits();
    test_cut();
    return check_finish();
}
