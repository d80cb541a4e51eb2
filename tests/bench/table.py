# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes README's table of speed from the figures of `tests/bench/run --json FILE`.

    table.py [--readme FILE] JSON...

Everything between the two marker lines is replaced: for each JSON file a caption and a table with
one row for each engine and level. The same files give the same text.
"""
import argparse
import json
import pathlib
import sys
import textwrap

import report

BEGIN = "<!-- from here to the next mark, tests/bench/table.py writes -->"
END = "<!-- tests/bench/table.py wrote to here -->"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def levels_of(data):
    return [level for level in data["levels"] if any(r["level"] == level for r in data["rows"])]


def engines_of(data, level):
    """Ours, then the peers; of a peer's f32 graphs only the fastest at the first thread count."""
    rows = [r for r in data["rows"] if r["level"] == level and r["threads"] == data["threads"][0]]
    keep = []
    for row in rows:
        same = [r for r in rows if (r["family"], r["kind"]) == (row["family"], row["kind"])]
        fastest = min(same, key=lambda r: r["median_ms"])
        if row["kind"] != "f32" or row is fastest:
            keep.append(row)
    return keep


def cell(data, row, threads):
    got = report.find(data, row["level"], threads, engine=row["engine"])
    if not got:
        return "-"
    ours = report.int8_of(data, row["level"], threads)
    text = f"{got['median_ms']:.0f} ms"
    if row["family"] == "whispernpu":
        return f"**{text}**"
    return f"{text}, {got['median_ms'] / ours['median_ms']:.2f} x" if ours else text


def engine_text(row):
    if row["family"] == "whispernpu":
        return f"**{row['engine']}**"
    return f"{row['engine'].split(',')[0] if row['kind'] == 'f32' else row['engine']} " \
           f"{row['version']}"


def quality_cells(row):
    q = row["quality"]
    return f"{q['mean']:.6f} | {q['worst']:.4f}"


def caption(data):
    weights = "random weights" if data["random"] else data["model"]
    text = (f"One 30 s window, Whisper {data['size']} ({weights}), all engines in turns in one "
            f"run of `tests/bench/run`, median of {data['rounds']} after {data['warmups']} "
            f"warm-ups, x: times our int8 of the same level and threads; cosine to float64 over "
            f"the positions of {len(data['clips'])} clip{'s' if len(data['clips']) > 1 else ''}; "
            f"a machine with {data['processor']}.")
    if any(row["cap"] == report.NOT_CAPPED for row in data["rows"]):
        text += (" Not capped: the engine has no setting that limits its instructions, so the row "
                 "shows what it does with the best the machine has, beside ours limited to the level.")
    return textwrap.fill(text, 104, break_long_words=False, break_on_hyphens=False)


def table(data):
    threads = data["threads"]
    heads = [f"{n} thread{'s' if n > 1 else ''}" for n in threads]
    lines = ["| engine | instructions | " + " | ".join(heads) + " | mean cosine | worst |",
             "|---|---|" + "---|" * (len(heads) + 2)]
    for level in levels_of(data):
        for row in engines_of(data, level):
            limit = level + (" asked, not capped" if row["cap"] == report.NOT_CAPPED else "")
            cells = [engine_text(row), limit, *(cell(data, row, n) for n in threads),
                     quality_cells(row)]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readme", type=pathlib.Path, default=ROOT / "README.md")
    parser.add_argument("json", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    text = args.readme.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        sys.exit(f"{args.readme}: the lines '{BEGIN}' and '{END}' must occur once each")
    parts = []
    for path in args.json:
        data = json.loads(path.read_text())
        if data["rounds"] < 7:
            sys.exit(f"{path}: {data['rounds']} rounds, a smoke test; nothing to quote")
        if data["load"] > data["max_load"]:
            print(f"{path}: warning: measured while others used the machine (load "
                  f"{data['load']:.1f})", file=sys.stderr)
        parts += [caption(data), table(data)]
    head, tail = text[:text.index(BEGIN)], text[text.index(END):]
    args.readme.write_text(head + "\n\n".join([BEGIN, *parts, tail]))
    print(f"{args.readme}: {len(parts) // 2} table{'s' if len(parts) > 2 else ''} written")


main()
