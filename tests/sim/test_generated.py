#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The designs that mlir/generate.py writes are committed as it writes them."""
import pathlib
import sys

folder = pathlib.Path(__file__).resolve().parents[2] / "mlir"
sys.path.insert(0, str(folder))
sys.dont_write_bytecode = True
import generate  # noqa: E402

passed = failed = 0
for name, make in generate.DESIGNS.items():
    text = "\n".join(make().lines) + "\n"
    committed = (folder / (name + ".mlir")).read_text()
    if text == committed:
        passed += 1
        print(f"ok generated_{name} # {text.count(chr(10))} lines")
    else:
        failed += 1
        print(f"not ok generated_{name}: mlir/generate.py {name} writes another text")
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)
