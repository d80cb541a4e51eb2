#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The designs that mlir/generate.py writes are committed as it writes them, and mlir/meson.build,
which is read only where mlir-aie is installed, knows every design, sequence and kernel."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "mlir"))
sys.dont_write_bytecode = True
import generate  # noqa: E402

passed = failed = 0


def case(ok, name, why):
    global passed, failed
    passed, failed = passed + ok, failed + (not ok)
    print(f"ok {name}" if ok else f"not ok {name}: {why}")


for name, make in generate.DESIGNS.items():
    text = "\n".join(make().lines) + "\n"
    case(text == (root / "mlir" / (name + ".mlir")).read_text(), f"generated_{name}",
         f"mlir/generate.py {name} writes another text")

build = (root / "mlir/meson.build").read_text()
listed = {name: re.findall(r"'(\w+)'", sequences)
          for name, sequences in re.findall(r"'(\w+)': \[(.*?)\]", build)}
there = {path.stem: re.findall(r"aie\.runtime_sequence @(\w+)", path.read_text())
         for path in (root / "mlir").glob("*.mlir")}
case(listed == there, "aiecc_builds_every_sequence",
     f"{listed} in meson.build, {there} in the files")
kernels = re.findall(r"'(\w+)'", re.search(r"foreach name : \[(.*?)\]", build, re.S)[1])
sources = sorted(path.stem for path in (root / "kernels/aie2").glob("*.cc"))
case(sorted(kernels) == sources, "peano_compiles_every_kernel",
     f"{kernels}, but there are {sources}")
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)
