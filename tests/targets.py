#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ninja must build for some of the tests: targets.py BUILD [--suite S | --no-suite S]...

The options are those of `meson test`; one target a line.
"""
import argparse
import json
import os

parser = argparse.ArgumentParser()
parser.add_argument("build")
parser.add_argument("--suite", action="append", default=[])
parser.add_argument("--no-suite", action="append", default=[])
args = parser.parse_args()


def read(name):
    with open(os.path.join(args.build, "meson-info", f"intro-{name}.json"), encoding="utf-8") as file:
        return json.load(file)


files = {target["id"]: target["filename"] for target in read("targets")}
wanted = set()
for test in read("tests"):
    suites = {suite.split(":")[-1] for suite in test["suite"]}
    if (not args.suite or suites & set(args.suite)) and not suites & set(args.no_suite):
        wanted.update(name for target in test["depends"] for name in files.get(target, []))
for name in sorted(wanted):
    print(os.path.relpath(name, args.build))
