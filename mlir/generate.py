#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the designs that repeat one core program on several cores.

    mlir/generate.py encoder > mlir/encoder.mlir

MLIR cannot say "the same on sixteen tiles", so these files repeat themselves; each core program is
here once. The files are committed as printed; a test compares."""
import sys

OBJECT = "memref<4096xi8>"
JOB = "memref<1024xi32>"
LUT = "memref<2048xi16>"
ACC = "memref<64x64xi32>"
STATE, WEIGHTS, SUMS = "memref<768xi32>", "memref<4096xi16>", "memref<4096xi32>"
MEL_X = "memref<5632xi8>"  # 2816 samples: 16 frames need 15 * 160 + 400
MEL_C = "memref<3200xi8>"  # one of 104 objects of the transform's constants
MEL_Y = "memref<1280xi16>"  # 16 frames of 80 channels
MEL_BLOCKS, MEL_SPECTRUM = "memref<6400xi16>", "memref<6656xi32>"
LINEAR = "[0, 0, 0, {0}][1, 1, 1, {1}][0, 0, 0, 1]"

# Argument types of the entry points (kernels/aie2/aie2.h) as the designs here use them.
FUNCTIONS = {
    "npu_job_begin": [OBJECT, JOB, LUT, LUT],
    "npu_gemm_begin_s32": [JOB, ACC],
    "npu_gemm_step_s16s8": [OBJECT, OBJECT, ACC, "i32"],
    "npu_gemm_step_s8s8": [OBJECT, OBJECT, ACC],
    "npu_gemm_finish_s16": [JOB, ACC, OBJECT, "i32"],
    "npu_gemm_finish_s32": [JOB, ACC, OBJECT, "i32"],
    "npu_gemm_finish_gelu": [JOB, LUT, LUT, ACC, OBJECT, "i32"],
    "npu_gemm_finish_residual": [JOB, ACC, OBJECT, OBJECT, "i32"],
    "npu_gemm_finish_stem": [JOB, LUT, LUT, ACC, OBJECT, OBJECT, "i32"],
    "npu_attention_begin": [STATE, SUMS],
    "npu_attention_scores": [JOB, OBJECT, OBJECT, OBJECT, STATE, WEIGHTS, "i32", "i32"],
    "npu_attention_weights": [LUT, LUT, STATE, WEIGHTS, SUMS],
    "npu_attention_values": [WEIGHTS, OBJECT, SUMS, "i32"],
    "npu_attention_finish": [STATE, SUMS, OBJECT, "i32"],
    "npu_logmel_begin": [MEL_X, MEL_BLOCKS],
    "npu_logmel_dft": [MEL_C, MEL_BLOCKS, MEL_SPECTRUM, "i32"],
    "npu_logmel_finish": [JOB, MEL_SPECTRUM, MEL_Y],
    "npu_logmel_clamp": [JOB, MEL_X, MEL_Y],
}


class Text:
    """Lines with the indentation of the braces."""

    def __init__(self, **functions):
        """functions: entry points whose arguments have other types in this design."""
        self.lines, self.depth = [], 0
        self.functions = dict(FUNCTIONS, **functions)

    def __call__(self, line=""):
        closing = line.startswith("}")
        self.depth -= closing
        self.lines.append("  " * self.depth + line if line else "")
        self.depth += line.endswith("{")

    def declare(self, *names):
        for name in names:
            self(f"func.func private @{name}({', '.join(self.functions[name])}) -> ()")

    def call(self, name, *arguments):
        types = ", ".join(self.functions[name])
        self(f"func.call @{name}({', '.join('%' + a for a in arguments)}) : ({types}) -> ()")

    def acquire(self, values, fifo, port, kind=OBJECT):
        """The oldest objects of a fifo; `values`: their names."""
        values, view = values.split(), f"!aie.objectfifosubview<{kind}>"
        self(f"%{values[0]}_v = aie.objectfifo.acquire @{fifo}({port}, {len(values)}) : {view}")
        for i, value in enumerate(values):
            self(f"%{value} = aie.objectfifo.subview.access %{values[0]}_v[{i}] : {view} -> {kind}")

    def release(self, fifo, port, count=1):
        self(f"aie.objectfifo.release @{fifo}({port}, {count})")

    def fifo(self, name, producer, consumers, kind=OBJECT, dims="", depth=2, consumer=2):
        """Objects at the producer's end and at each consumer's."""
        depths = ", ".join([str(depth)] + [str(consumer)] * len(consumers))
        ends = ", ".join("%" + c for c in consumers)
        self(f"aie.objectfifo @{name}(%{producer}{dims}, {{{ends}}}, [{depths}])"
             f" : !aie.objectfifo<{kind}>")

    def link(self, sources, targets, offsets=""):
        names = lambda list_: ", ".join("@" + n for n in list_)
        self(f"aie.objectfifo.link [{names(sources)}] -> [{names(targets)}] ([{offsets}] [])")

    def constants(self, indices=(0, 1, 2, 4), words=()):
        for i in indices:
            self(f"%c{i} = arith.constant {i} : index")
        self("%cmax = arith.constant 9223372036854775807 : index")
        for i in words:
            self(f"%w{i} = arith.constant {i} : i32")

    def counts(self, job, **places):
        """%name = word `place` of the job, as an index; needs the constant %c<place>."""
        for name, place in places.items():
            self(f"%{name}_w = memref.load %{job}[%c{place}] : {JOB}")
            self(f"%{name} = arith.index_cast %{name}_w : i32 to index")

    def loop(self, variable, bound):
        self(f"scf.for %{variable} = %c0 to %{bound} step %c1 {{")

    def memcpy(self, buffer, pattern, fifo, bd, kind, token=False):
        issue = ", issue_token = true" if token else ""
        self(f"aiex.npu.dma_memcpy_nd (%{buffer}{pattern})"
             f" {{metadata = @{fifo}, id = {bd} : i64{issue}}} : {kind}")

    def wait(self, fifo):
        self(f"aiex.npu.dma_wait {{symbol = @{fifo}}}")

    def comment(self, text):
        for line in text.strip("\n").split("\n"):
            self(("// " + line).rstrip())


def core_end(t, stack=4096):
    t("}")
    t("aie.end")
    t(f"}} {{dynamic_objfifo_lowering = true, stack_size = {stack} : i32,"
      ' link_with = "npu_core.o"}')


def begin_job(t, fifo, job, lut_ab, lut_cd):
    t.acquire("object", fifo, "Consume")
    t.call("npu_job_begin", "object", job, lut_ab, lut_cd)
    t.release(fifo, "Consume")


# ---- encoder ------------------------------------------------------------------------------------


def encoder_core(t, c, r):
    """The program of core (c, r + 2): one endless loop over jobs."""
    at = f"{c}_{r + 2}"
    acc, job, ab, cd = f"acc_{at}", f"job_{at}", f"lut_ab_{at}", f"lut_cd_{at}"
    a, b, out = f"a_l1_{r}", f"b_l1_{c}", f"c_l1_{at}"
    t(f"%core_{at} = aie.core(%t{at}) {{")
    t.constants(sorted({0, 1, 2, 4, 4 * c, 4 * c + 4}), words=(0, 1))
    t.loop("it", "cmax")
    begin_job(t, b, job, ab, cd)
    t.counts(job, steps=0, plain=1, operands=2, result=4)
    t.call("npu_gemm_begin_s32", job, acc)
    t.loop("k", "steps")
    t.acquire("b", b, "Consume")
    for half in range(2):
        t.acquire(f"a{half}", a, "Consume")
        t.call("npu_gemm_step_s16s8", f"a{half}", "b", acc, f"w{half}")
        t.release(a, "Consume")
    t.release(b, "Consume")
    t("}")
    t.loop("p", "plain")
    t("%part = arith.index_cast %p : index to i32")
    t.acquire("c", out, "Produce")
    t("scf.index_switch %result")
    for case, name, extra in ((1, "s32", []), (2, "gelu", [ab, cd]), (None, "s16", [])):
        t("default {" if case is None else f"case {case} {{")
        t.call("npu_gemm_finish_" + name, job, *extra, acc, "c", "part")
        t("scf.yield")
        t("}")
    t.release(out, "Produce")
    t("}")
    # Operands of the four columns come one after the other; each core keeps its own.
    t.loop("q", "operands")
    t.acquire("x", a, "Consume")
    t(f"%from = arith.cmpi sge, %q, %c{4 * c} : index")
    t(f"%below = arith.cmpi slt, %q, %c{4 * c + 4} : index")
    t("%own = arith.andi %from, %below : i1")
    t("scf.if %own {")
    t(f"%row = arith.subi %q, %c{4 * c} : index")
    t("%part = arith.index_cast %row : index to i32")
    t.acquire("c", out, "Produce")
    t("scf.index_switch %result")
    for case, name, extra in ((4, "stem", [ab, cd]), (None, "residual", [])):
        t("default {" if case is None else f"case {case} {{")
        t.call("npu_gemm_finish_" + name, job, *extra, acc, "x", "c", "part")
        t("scf.yield")
        t("}")
    t.release(out, "Produce")
    t("}")
    t.release(a, "Consume")
    t("}")
    core_end(t)


def encoder_job(t, name, size, text):
    """One job on every core."""
    kind = {n: f"memref<{s}xi8>" for n, s in size.items()}
    t.comment(text)
    arguments = ", ".join(f"%{n}: {kind[n]}" for n in "abc")
    t(f"aie.runtime_sequence @{name}({arguments}) {{")
    for c in range(4):
        for bd, n in enumerate("cab"):
            part = size[n] // 4
            t.memcpy(n, LINEAR.format(c * part, part), f"{n}_l2_{c}", bd, kind[n], n == "c")
    for c in range(4):
        t.wait(f"c_l2_{c}")
    t("}")
    t()


def encoder_sequences(t):
    encoder_job(t, "sequence", {"a": 4 * 65536, "b": 4 * 9 * 4096, "c": 4 * 2 * 16384}, """
One job on every core: 256 positions x 256 channels, K = 512, result s16 or GELU. Row r's A16
objects are part r of %a, column c's job and weights part c of %b; part c of %c are column c's
results.""")
    encoder_job(t, "out", {"a": 4 * 2 * 65536, "b": 4 * 9 * 4096, "c": 4 * 4 * 16384}, """
The same with the residual stream: 16 R32 follow row r's 16 A16, 4 for each column.""")
    rows, jobs = 6, 8
    size = {"a": rows * 4 * 65536, "b": 4 * jobs * 9 * 4096, "c": 4 * rows * jobs * 2 * 16384}
    kind = {n: f"memref<{s}xi8>" for n, s in size.items()}
    t.comment("""
FC1 with GELU of Whisper base for a whole window: 1536 positions x 2048 channels, K = 512. For
each of 6 groups of 256 positions all 8 jobs of a column; the group's activations are sent 8
times. %a: [group][row] of 16 A16; %b: [column][job] of a parameter object and 8 B8; %c:
[column][group][job][2] of 4 objects, one a row. Every transfer is awaited before its descriptor
is written again.""")
    arguments = ", ".join(f"%{n}: {kind[n]}" for n in "abc")
    t(f"aie.runtime_sequence @fc1({arguments}) {{")
    for g in range(rows):
        for c in range(4):
            part = jobs * 2 * 16384
            t.memcpy("c", LINEAR.format((c * rows + g) * part, part), f"c_l2_{c}", 0, kind["c"],
                     True)
            t.memcpy("a", f"[0, 0, 0, {(g * 4 + c) * 65536}][{jobs}, 1, 1, 65536][0, 0, 0, 1]",
                     f"a_l2_{c}", 1, kind["a"], True)
            part = jobs * 9 * 4096
            t.memcpy("b", LINEAR.format(c * part, part), f"b_l2_{c}", 2, kind["b"], True)
        for c in range(4):
            for n in "abc":
                t.wait(f"{n}_l2_{c}")
    t("}")


def encoder():
    t = Text()
    t.comment("""
SPDX-License-Identifier: LGPL-2.1-or-later
The array program of the encoder, 16 cores; written by generate.py, do not edit. So far the core
program knows GEMM s16 x s8 with its epilogues; attention and LayerNorm come into the same loop.
Contracts, layouts and the parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d.

  column c:  shim (c,0) MM2S 0 -- @a_l2_c --> mem (c,1) -- @a_l1_c --> the four cores of row c + 2
                        MM2S 1 -- @b_l2_c --> mem (c,1) -- @b_l1_c --> the four cores of column c
                        S2MM 0 <- @c_l2_c --- mem (c,1) <- @c_l1_c_r -- each core of column c

Core (c, r) makes 64 positions of row stream r by 64 channels of column stream c. A job on the
streams, counts from its parameter object:
  @b  1 parameter object, then count[0] objects B8
  @a  2 count[0] objects A16, then count[2] operands: 4 for each of the four columns
  @c  count[1] objects, or 4 where there are operands; a column's four make one in the mem tile""")
    t("module {")
    t("aie.device(npu1) {")
    for row, name in enumerate(("shim", "mem")):
        for c in range(4):
            t(f"%{name}{c} = aie.tile({c}, {row})")
    for c in range(4):
        for r in range(4):
            t(f"%t{c}_{r + 2} = aie.tile({c}, {r + 2})")
    t()
    for c in range(4):
        t.fifo(f"a_l2_{c}", f"shim{c}", [f"mem{c}"])
        t.fifo(f"a_l1_{c}", f"mem{c}", [f"t{i}_{c + 2}" for i in range(4)])
        t.link([f"a_l2_{c}"], [f"a_l1_{c}"])
        t.fifo(f"b_l2_{c}", f"shim{c}", [f"mem{c}"])
        t.fifo(f"b_l1_{c}", f"mem{c}", [f"t{c}_{r + 2}" for r in range(4)])
        t.link([f"b_l2_{c}"], [f"b_l1_{c}"])
        for r in range(4):
            t.fifo(f"c_l1_{c}_{r + 2}", f"t{c}_{r + 2}", [f"mem{c}"])
        t.fifo(f"c_l2_{c}", f"mem{c}", [f"shim{c}"], "memref<16384xi8>")
        t.link([f"c_l1_{c}_{r + 2}" for r in range(4)], [f"c_l2_{c}"], "0, 4096, 8192, 12288")
        t()
    t.declare("npu_job_begin", "npu_gemm_begin_s32", "npu_gemm_step_s16s8", "npu_gemm_finish_s16",
              "npu_gemm_finish_s32", "npu_gemm_finish_gelu", "npu_gemm_finish_residual",
              "npu_gemm_finish_stem")
    for c in range(4):
        for r in range(4):
            at = f"{c}_{r + 2}"
            t()
            for name, kind in (("acc", ACC), ("job", JOB), ("lut_ab", LUT), ("lut_cd", LUT)):
                t(f'%{name}_{at} = aie.buffer(%t{at}) {{sym_name = "{name}_{at}"}} : {kind}')
            encoder_core(t, c, r)
    t()
    encoder_sequences(t)
    t("}")
    t("}")
    return t


# ---- matmul_4col --------------------------------------------------------------------------------


def matmul_4col():
    t = Text(npu_job_begin=[OBJECT, JOB, JOB, JOB])
    t.comment("""
SPDX-License-Identifier: LGPL-2.1-or-later
Four cores, one a column, C = A x B: s8 x s8 -> s32, M x 256, K = 256, all columns at the same
time; written by generate.py, do not edit. A is row-major in host memory, sent once: mem tile 0
cuts it into blocks of 4 x 8 and broadcasts them to all cores. Column c makes channels 64 c to
64 c + 63 from its own weights and puts them in their place of the row-major C.
Contracts, layouts and the parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d.

  shim (0,0) MM2S 0 -- @a_l2 --> mem (0,1) MM2S 0 -- @a_l1 --> cores (0,2) (1,2) (2,2) (3,2)
  shim (c,0) MM2S 1, else 0 -- @b_c --> core (c,2)
             S2MM 0 <- @c_c --- core (c,2)

A job: 1 parameter object and count[0] objects B88 on @b, count[0] objects A8 on @a, count[1]
objects R32 on @c: 4.""")
    t("module {")
    t("aie.device(npu1) {")
    for c in range(4):
        t(f"%shim{c} = aie.tile({c}, 0)")
    t("%mem0 = aie.tile(0, 1)")
    for c in range(4):
        t(f"%t{c} = aie.tile({c}, 2)")
    t()
    t.fifo("a_l2", "shim0", ["mem0"])
    t.fifo("a_l1", "mem0", [f"t{c}" for c in range(4)],
           dims=" dimensionsToStream [<size = 16, stride = 256>, <size = 8, stride = 8>,"
           " <size = 4, stride = 64>, <size = 8, stride = 1>]")
    t.link(["a_l2"], ["a_l1"])
    for c in range(4):
        t.fifo(f"b_{c}", f"shim{c}", [f"t{c}"])
        t.fifo(f"c_{c}", f"t{c}", [f"shim{c}"])
    t()
    t.comment("No job here asks for look-up tables: their places may be any pointers.")
    t.declare("npu_job_begin", "npu_gemm_begin_s32", "npu_gemm_step_s8s8", "npu_gemm_finish_s32")
    for c in range(4):
        t()
        t(f'%acc{c} = aie.buffer(%t{c}) {{sym_name = "acc{c}"}} : {ACC}')
        t(f'%job{c} = aie.buffer(%t{c}) {{sym_name = "job{c}"}} : {JOB}')
        t(f"%core{c} = aie.core(%t{c}) {{")
        t.constants((0, 1))
        t.loop("it", "cmax")
        begin_job(t, f"b_{c}", *[f"job{c}"] * 3)
        t.counts(f"job{c}", steps=0, parts=1)
        t.call("npu_gemm_begin_s32", f"job{c}", f"acc{c}")
        t.loop("k", "steps")
        t.acquire("a", "a_l1", "Consume")
        t.acquire("b", f"b_{c}", "Consume")
        t.call("npu_gemm_step_s8s8", "a", "b", f"acc{c}")
        t.release("a_l1", "Consume")
        t.release(f"b_{c}", "Consume")
        t("}")
        t.loop("p", "parts")
        t("%part = arith.index_cast %p : index to i32")
        t.acquire("c", f"c_{c}", "Produce")
        t.call("npu_gemm_finish_s32", f"job{c}", f"acc{c}", "c", "part")
        t.release(f"c_{c}", "Produce")
        t("}")
        core_end(t)
    t()
    a, b, c_kind = "memref<65536xi8>", "memref<81920xi8>", "memref<65536xi32>"
    t.comment("""
M = 256: four jobs a core. %a: [256][256]; %b: [column] of a parameter object and 4 B88, sent
four times; %c: [256][256].""")
    t(f"aie.runtime_sequence @sequence(%a: {a}, %b: {b}, %c: {c_kind}) {{")
    for c in range(4):
        t.memcpy("c", f"[0, 0, 0, {64 * c}][1, 1, 256, 64][0, 0, 256, 1]", f"c_{c}", 0, c_kind,
                 True)
        t.memcpy("b", f"[0, 0, 0, {20480 * c}][4, 1, 1, 20480][0, 0, 0, 1]", f"b_{c}", 1, b)
    t.memcpy("a", "[0, 0, 0, 0][4, 4, 64, 64][16384, 64, 256, 1]", "a_l2", 2, a)
    for c in range(4):
        t.wait(f"c_{c}")
    t("}")
    t("}")
    t("}")
    return t


# ---- attention_4col -----------------------------------------------------------------------------


def attention_core(t, c):
    """attention.mlir's program on core (c, 2)."""
    job, ab, cd, state, weights, sums = (
        f"{n}{c}" for n in ("job", "lut_ab", "lut_cd", "state", "weights", "sums"))
    q, kv, o = f"q_{c}", f"kv_{c}", f"o_{c}"
    t(f"%core{c} = aie.core(%t{c}) {{")
    t.constants((0, 1), words=(0, 1))
    t.loop("it", "cmax")
    begin_job(t, q, job, ab, cd)
    t.counts(job, blocks=0, tiles=1)
    t.loop("t", "tiles")
    t.acquire("q0 q1", q, "Consume")
    t.call("npu_attention_begin", state, sums)
    t.loop("b", "blocks")
    t("%block = arith.index_cast %b : index to i32")
    for part in range(2):
        t.acquire(f"k{part}", kv, "Consume")
        t.call("npu_attention_scores", job, "q0", "q1", f"k{part}", state, weights, "block",
               f"w{part}")
        t.release(kv, "Consume")
    t.call("npu_attention_weights", ab, cd, state, weights, sums)
    for part in range(2):
        t.acquire(f"v{part}", kv, "Consume")
        t.call("npu_attention_values", weights, f"v{part}", sums, f"w{part}")
        t.release(kv, "Consume")
    t("}")
    t.release(q, "Consume", 2)
    for part in range(2):
        t.acquire(f"o{part}", o, "Produce")
        t.call("npu_attention_finish", state, sums, f"o{part}", f"w{part}")
        t.release(o, "Produce")
    t("}")
    core_end(t, 3072)


def attention_4col():
    t = Text()
    t.comment("""
SPDX-License-Identifier: LGPL-2.1-or-later
Four cores, one a column, each one head of attention, all at the same time; written by
generate.py, do not edit. The program of a core is attention.mlir's. Contracts, layouts and the
parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d (March 2026).

  shim (c,0) MM2S 0 --- @q_c ---> S2MM 0 core (c,2)   parameters, then Q as two A16 a tile
             MM2S 1 --- @kv_c --> S2MM 1              a block of keys: two K16, two A16 of V
             S2MM 0 <-- @o_c ---- MM2S 0              two A16 a tile of queries

A job: 1 parameter object, then count[1] tiles of queries; count[0] blocks of keys for each.""")
    t("module {")
    t("aie.device(npu1) {")
    for row, name in ((0, "shim"), (2, "t")):
        for c in range(4):
            t(f"%{name}{c} = aie.tile({c}, {row})")
    t()
    for c in range(4):
        t.fifo(f"q_{c}", f"shim{c}", [f"t{c}"])
        t.fifo(f"kv_{c}", f"shim{c}", [f"t{c}"])
        t.fifo(f"o_{c}", f"t{c}", [f"shim{c}"], depth=1)
    t()
    t.declare("npu_job_begin", "npu_attention_begin", "npu_attention_scores",
              "npu_attention_weights", "npu_attention_values", "npu_attention_finish")
    for c in range(4):
        t()
        for name, kind in (("job", JOB), ("lut_ab", LUT), ("lut_cd", LUT), ("state", STATE),
                           ("weights", WEIGHTS), ("sums", SUMS)):
            t(f'%{name}{c} = aie.buffer(%t{c}) {{sym_name = "{name}{c}"}} : {kind}')
        attention_core(t, c)
    t()
    size = {"q": 4 * 20480, "kv": 4 * 393216, "o": 4 * 16384}
    kind = {n: f"memref<{s}xi8>" for n, s in size.items()}
    t.comment("""
Four heads, 128 queries each against 1500 keys (24 blocks). Part c of each buffer is head c's.""")
    arguments = ", ".join(f"%{n}: {kind[n]}" for n in size)
    t(f"aie.runtime_sequence @sequence({arguments}) {{")
    for c in range(4):
        t.memcpy("o", LINEAR.format(c * 16384, 16384), f"o_{c}", 0, kind["o"], True)
        t.memcpy("q", LINEAR.format(c * 20480, 20480), f"q_{c}", 1, kind["q"])
        t.memcpy("kv", f"[0, 0, 0, {c * 393216}][2, 1, 1, 393216][0, 0, 0, 1]", f"kv_{c}", 2,
                 kind["kv"])
    for c in range(4):
        t.wait(f"o_{c}")
    t("}")
    t("}")
    t("}")
    return t


# ---- mel_4core ----------------------------------------------------------------------------------

MEL_PASSES = 47  # a core; 4 cores x 47 x 16 frames = 3008


def mel_core(t, c):
    """mel.mlir's program on core (c, 2)."""
    job, blocks, spectrum, x, y = (f"{n}{c}" for n in ("job", "blocks", "spectrum", "x_", "y_"))
    t(f"%core{c} = aie.core(%t{c}) {{")
    t.constants((0, 1, 104))
    t.loop("it", "cmax")
    t.acquire("object", x, "Consume", MEL_X)
    t.call("npu_job_begin", "object", job, job, job)
    t.release(x, "Consume")
    t.counts(job, passes=0, clamps=1)
    t.loop("p", "passes")
    t.acquire("samples", x, "Consume", MEL_X)
    t.call("npu_logmel_begin", "samples", blocks)
    t.release(x, "Consume")
    t.loop("i", "c104")
    t("%index = arith.index_cast %i : index to i32")
    t.acquire("c", "c", "Consume", MEL_C)
    t.call("npu_logmel_dft", "c", blocks, spectrum, "index")
    t.release("c", "Consume")
    t("}")
    t.acquire("y", y, "Produce", MEL_Y)
    t.call("npu_logmel_finish", job, spectrum, "y")
    t.release(y, "Produce")
    t("}")
    t.loop("p", "clamps")
    t.acquire("frames", x, "Consume", MEL_X)
    t.acquire("y", y, "Produce", MEL_Y)
    t.call("npu_logmel_clamp", job, "frames", "y")
    t.release(x, "Consume")
    t.release(y, "Produce")
    t("}")
    core_end(t)


def mel_sequences(t):
    samples, frames = 4 * MEL_PASSES * 2560 + 256, 4 * MEL_PASSES * 16 * 80
    half = f"[1, {MEL_PASSES}, 2, 1408][0, {{stride}}, 1408, 1]"
    kinds = {"job": MEL_X, "x": f"memref<{samples}xi16>", "c": "memref<332800xi8>",
             "y": f"memref<{frames}xi16>", "z": f"memref<{frames + 1536}xi16>"}

    def transfers(source, stride):
        for c in range(4):
            part = MEL_PASSES * 1280
            t.memcpy("y", LINEAR.format(c * part, part), f"y_{c}", 0, kinds["y"], True)
            t.memcpy("job", LINEAR.format(0, 5632), f"x_{c}", 1, kinds["job"])
            t.memcpy(source, f"[0, 0, 0, {c * MEL_PASSES * stride}]" + half.format(stride=stride),
                     f"x_{c}", 2, kinds[source])

    t.comment("""
A window: 3008 frames, of which the last 8 are padding; core c makes frames 752 c to 752 c + 751.
%x: samples; a pass reads 2816, the next begins 2560 on. %c: the constants, sent for every pass.""")
    t(f"aie.runtime_sequence @mel(%job: {MEL_X}, %x: {kinds['x']}, %c: {kinds['c']},"
      f" %y: {kinds['y']}) {{")
    transfers("x", 2560)
    t.memcpy("c", f"[0, 0, 0, 0][{MEL_PASSES}, 1, 1, 332800][0, 0, 0, 1]", "c", 3, kinds["c"])
    for c in range(4):
        t.wait(f"y_{c}")
    t("}")
    t()
    t.comment("""
The clamp to 8 below the window's maximum, which is in the job: what @mel made comes back as %z,
with 1536 values after the last frame, since an object of @x is larger than 16 frames.""")
    t(f"aie.runtime_sequence @clamp(%job: {MEL_X}, %z: {kinds['z']}, %y: {kinds['y']}) {{")
    transfers("z", 1280)
    for c in range(4):
        t.wait(f"y_{c}")
    t("}")


def mel_4core():
    t = Text(npu_job_begin=[MEL_X, JOB, JOB, JOB])
    t.comment("""
SPDX-License-Identifier: LGPL-2.1-or-later
Log-mel of 80 channels on four cores, 16 frames a pass; written by generate.py, do not edit. The
program of a core is mel.mlir's; the transform's constants are broadcast to all four. Contracts,
layouts and the parameter object: kernels/aie2/aie2.h. Text: mlir-aie 5ff2ab97d (March 2026).

  shim (c,0) MM2S 0 --- @x_c ---> core (c,2)   parameters, then samples
             S2MM 0 <-- @y_c ---- core (c,2)   16 frames of 80 channels
  shim (0,0) MM2S 1 --- @c -----> cores (0,2) (1,2) (2,2) (3,2)

A job: 1 parameter object on @x; count[0] passes, each one object of samples, 104 of constants and
one of frames; then count[1] objects of frames to clamp.""")
    t("module {")
    t("aie.device(npu1) {")
    for row, name in ((0, "shim"), (2, "t")):
        for c in range(4):
            t(f"%{name}{c} = aie.tile({c}, {row})")
    t()
    for c in range(4):
        t.fifo(f"x_{c}", f"shim{c}", [f"t{c}"], MEL_X, consumer=1)
        t.fifo(f"y_{c}", f"t{c}", [f"shim{c}"], MEL_Y, depth=1)
    t.fifo("c", "shim0", [f"t{c}" for c in range(4)], MEL_C)
    t()
    t.declare("npu_job_begin", "npu_logmel_begin", "npu_logmel_dft", "npu_logmel_finish",
              "npu_logmel_clamp")
    for c in range(4):
        t()
        for name, kind in (("job", JOB), ("blocks", MEL_BLOCKS), ("spectrum", MEL_SPECTRUM)):
            t(f'%{name}{c} = aie.buffer(%t{c}) {{sym_name = "{name}{c}"}} : {kind}')
        mel_core(t, c)
    t()
    mel_sequences(t)
    t("}")
    t("}")
    return t


DESIGNS = {"encoder": encoder, "matmul_4col": matmul_4col, "attention_4col": attention_4col,
           "mel_4core": mel_4core}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in DESIGNS:
        sys.exit(f"usage: {sys.argv[0]} {' | '.join(DESIGNS)}")
    print("\n".join(DESIGNS[sys.argv[1]]().lines))
