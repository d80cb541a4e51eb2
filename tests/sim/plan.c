/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/sim/plan.h"

#include <stdio.h>
#include <stdlib.h>

#define OBJECT  "memref<4096xi8>"
#define SUBVIEW "!aie.objectfifosubview<" OBJECT ">"

static void column(FILE *f, int c)
{
    fprintf(f, "  aie.objectfifo @a_l2_%d(%%s%d, {%%m%d}, 2 : i32) : !aie.objectfifo<" OBJECT ">\n",
            c, c, c);
    fprintf(f,
            "  aie.objectfifo @a_l1_%d(%%m%d, {%%t0%d, %%t1%d, %%t2%d, %%t3%d}, 2 : i32) : "
            "!aie.objectfifo<" OBJECT ">\n",
            c, c, c + 2, c + 2, c + 2, c + 2);
    fprintf(f, "  aie.objectfifo.link [@a_l2_%d] -> [@a_l1_%d] ([] [])\n", c, c);
    fprintf(f, "  aie.objectfifo @b_l2_%d(%%s%d, {%%m%d}, 2 : i32) : !aie.objectfifo<" OBJECT ">\n",
            c, c, c);
    fprintf(f,
            "  aie.objectfifo @b_l1_%d(%%m%d, {%%t%d2, %%t%d3, %%t%d4, %%t%d5}, 2 : i32) : "
            "!aie.objectfifo<" OBJECT ">\n",
            c, c, c, c, c, c);
    fprintf(f, "  aie.objectfifo.link [@b_l2_%d] -> [@b_l1_%d] ([] [])\n", c, c);
    for (int r = 2; r < 6; r++)
        fprintf(f,
                "  aie.objectfifo @c_l1_%d_%d(%%t%d%d, {%%m%d}, 2 : i32) : !aie.objectfifo<" OBJECT
                ">\n",
                c, r, c, r, c);
    fprintf(f,
            "  aie.objectfifo @c_l2_%d(%%m%d, {%%s%d}, 2 : i32) : "
            "!aie.objectfifo<memref<16384xi8>>\n",
            c, c, c);
    fprintf(f,
            "  aie.objectfifo.link [@c_l1_%d_2, @c_l1_%d_3, @c_l1_%d_4, @c_l1_%d_5] -> [@c_l2_%d] "
            "([0, 4096, 8192, 12288] [])\n",
            c, c, c, c, c);
}

static void acquire(FILE *f, const char *value, const char *fifo, const char *port)
{
    fprintf(f,
            "      %%%sv = aie.objectfifo.acquire @%s(%s, 1) : " SUBVIEW "\n"
            "      %%%s = aie.objectfifo.subview.access %%%sv[0] : " SUBVIEW " -> " OBJECT "\n",
            value, fifo, port, value, value);
}

static void core(FILE *f, int c, int r)
{
    char a[16], b[16], out[16];
    snprintf(a, sizeof(a), "a_l1_%d", r - 2);
    snprintf(b, sizeof(b), "b_l1_%d", c);
    snprintf(out, sizeof(out), "c_l1_%d_%d", c, r);
    fprintf(f,
            "  %%acc%d%d = aie.buffer(%%t%d%d) {sym_name = \"acc_%d_%d\"} : memref<64x64xi32>\n"
            "  %%core%d%d = aie.core(%%t%d%d) {\n"
            "    %%c0 = arith.constant 0 : index\n"
            "    %%c1 = arith.constant 1 : index\n"
            "    %%cmax = arith.constant 9223372036854775807 : index\n"
            "    scf.for %%it = %%c0 to %%cmax step %%c1 {\n",
            c, r, c, r, c, r, c, r, c, r);
    acquire(f, "p", b, "Consume");
    fprintf(f,
            "      %%w = memref.view %%p[%%c0][] : " OBJECT " to memref<1024xi32>\n"
            "      %%n = memref.load %%w[%%c0] : memref<1024xi32>\n"
            "      aie.objectfifo.release @%s(Consume, 1)\n"
            "      %%ni = arith.index_cast %%n : i32 to index\n"
            "      scf.for %%k = %%c0 to %%ni step %%c1 {\n",
            b);
    acquire(f, "a", a, "Consume");
    acquire(f, "b", b, "Consume");
    fprintf(f,
            "      func.call @step(%%a, %%b, %%acc%d%d) : (" OBJECT ", " OBJECT
            ", memref<64x64xi32>) -> ()\n"
            "      aie.objectfifo.release @%s(Consume, 1)\n"
            "      aie.objectfifo.release @%s(Consume, 1)\n"
            "      }\n",
            c, r, a, b);
    acquire(f, "c", out, "Produce");
    fprintf(f,
            "      func.call @finish(%%acc%d%d, %%c) : (memref<64x64xi32>, " OBJECT ") -> ()\n"
            "      aie.objectfifo.release @%s(Produce, 1)\n"
            "    }\n    aie.end\n"
            "  } {dynamic_objfifo_lowering = true, stack_size = 4096 : i32, link_with = "
            "\"encoder.o\"}\n",
            c, r, out);
}

static void sequence(FILE *f)
{
    fputs("  aie.runtime_sequence(%a: memref<65536xi8>, %b: memref<65536xi8>, %c: "
          "memref<65536xi8>) {\n",
          f);
    for (int c = 0; c < 4; c++)
        fprintf(
            f,
            "    aiex.npu.dma_memcpy_nd (%%c[0, 0, 0, %d][1, 1, 1, 16384][0, 0, 0, 1]) {metadata = "
            "@c_l2_%d, id = 2 : i64} : memref<65536xi8>\n"
            "    aiex.npu.dma_memcpy_nd (%%a[0, 0, 0, %d][1, 1, 1, 16384][0, 0, 0, 1]) {metadata = "
            "@a_l2_%d, id = 0 : i64} : memref<65536xi8>\n"
            "    aiex.npu.dma_memcpy_nd (%%b[0, 0, 0, %d][1, 1, 1, 16384][0, 0, 0, 1]) {metadata = "
            "@b_l2_%d, id = 1 : i64} : memref<65536xi8>\n",
            16384 * c, c, 16384 * c, c, 16384 * c, c);
    for (int c = 0; c < 4; c++)
        fprintf(f, "    aiex.npu.dma_wait {symbol = @c_l2_%d}\n", c);
    fputs("  }\n", f);
}

char *plan_text(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        exit(1);
    fputs("aie.device(npu1) {\n", f);
    for (int c = 0; c < 4; c++) {
        fprintf(f, "  %%s%d = aie.tile(%d, 0)\n  %%m%d = aie.tile(%d, 1)\n", c, c, c, c);
        for (int r = 2; r < 6; r++)
            fprintf(f, "  %%t%d%d = aie.tile(%d, %d)\n", c, r, c, r);
    }
    for (int c = 0; c < 4; c++)
        column(f, c);
    fputs("  func.func private @step(" OBJECT ", " OBJECT ", memref<64x64xi32>) -> ()\n"
          "  func.func private @finish(memref<64x64xi32>, " OBJECT ") -> ()\n",
          f);
    for (int c = 0; c < 4; c++)
        for (int r = 2; r < 6; r++)
            core(f, c, r);
    sequence(f);
    fputs("}\n", f);
    if (fclose(f) != 0)
        exit(1);
    return text;
}
