#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sum the cases of one `meson test` run: count.py LABEL LOG.json.

One line per test program, below it the cases that failed in their order and the end of the output,
and as the last line `passed failed skipped` as three numbers. A program that crashed, ran out of
time, was stopped by a sanitizer, or printed no count is one failure, whatever else it printed.
"""
import json
import re
import sys

OURS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.M)
CHECK_FAILED = re.compile(r"^[^ :]+:\d+:[FSE]:")
GOOD = {"OK", "EXPECTEDFAIL", "SKIP"}


def count(test):
    """(passed, failed, skipped, why) of one entry of Meson's testlog.json."""
    out = test.get("stdout") or ""
    ours, check = OURS.findall(out), CHECK.findall(out)
    passed = failed = skipped = 0
    if ours:
        passed, failed, skipped = map(int, ours[-1])
    for checks, failures, errors in check:
        bad = int(failures) + int(errors)
        passed, failed = passed + int(checks) - bad, failed + bad
    if test["result"] == "SKIP":
        return passed, failed, skipped if ours else 1, ""
    if test["result"] not in GOOD and not failed:
        return passed, 1, skipped, f"{test['result']}, exit code {test['returncode']}"
    if not ours and not check:
        return 0, 1, 0, "printed no count line"
    if passed + failed + skipped == 0:
        return 0, 1, 0, "ran no case"
    return passed, failed, skipped, ""


def report(label, test):
    passed, failed, skipped, why = count(test)
    out = (test.get("stdout") or "").rstrip().splitlines()
    err = (test.get("stderr") or "").rstrip().splitlines()
    # Meson names the suites first: "project:suite / test".
    name = test["name"].split(" / ")[-1]
    line = f"{label}: {name}: {passed} passed, {failed} failed, {skipped} skipped"
    print(f"{line} ({test.get('duration', 0):.1f} s)" + (f": {why}" if why else ""))
    skips = [text for text in out if text.startswith("skip ")]
    if failed:
        bad = [t for t in out if t.startswith("not ok ") or CHECK_FAILED.match(t)]
        for text in bad + out[-15:] + err[-60:]:
            print("    " + text)
    elif skipped:
        for text in skips or out[-1:]:
            print("    " + text)
    return passed, failed, skipped


def main():
    label, path = sys.argv[1:3]
    total = [0, 0, 0]
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            total = [a + b for a, b in zip(total, report(label, json.loads(line)))]
    print(*total)


if __name__ == "__main__":
    main()
