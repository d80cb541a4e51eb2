#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""npu-bench's report, read back: every number has a basis, they agree with each other and with
npu-sim, plots are there; and wrong options. test_npu_bench.py NPU-BENCH NPU-SIM"""
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

bench, sim = (str(pathlib.Path(a).resolve()) for a in sys.argv[1:3])
root = pathlib.Path(__file__).resolve().parents[2]
model = str(root / "tests/data/encoder/m80-d64-l3.safetensors")
BASES = {"given", "measured", "modelled", "counted", "computed", "claimed"}
PRESETS = ("_pessimistic", "", "_best")  # after a modelled column's key; without: published
passed = failed = 0


def case(ok, name, why=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(f"ok {name}" if ok else f"not ok {name}: {why}", flush=True)


def every(name, rows, good, why=lambda row: str(row)):
    """One case: all rows, of which there are some, are good."""
    bad = [row for row in rows if not good(row)]
    case(rows and not bad, name, why(bad[0]) if bad else "no rows")


def run(*arguments):
    return subprocess.run([bench, *arguments], capture_output=True, text=True, errors="replace")


def near(a, b, share=1e-6):
    return abs(a - b) <= share * max(abs(a), abs(b), 1e-9)


def rising(*values):
    return all(a <= b * (1 + 1e-9) for a, b in zip(values, values[1:]))


def base(key):
    return key.removesuffix("_pessimistic").removesuffix("_best")


class Report:
    def __init__(self, path):
        self.tables = {t["name"]: t for t in json.loads(path.read_text())["tables"]}

    def rows(self, name):
        return self.tables.get(name, {"rows": []})["rows"]

    def find(self, table, /, **keys):
        for row in self.rows(table):
            if all(row[k] == v for k, v in keys.items()):
                return row
        raise SystemExit(f"not ok report_has_{table}: no row with {keys}")


# ---- Checks of a report -------------------------------------------------------------------------


def check_form(report):
    every("tables_have_columns_with_basis_and_meaning", list(report.tables.values()),
          lambda t: all(c["basis"] in BASES and c["what"] and c["title"] for c in t["columns"]))
    every("rows_have_every_column", [(t, r) for t in report.tables.values() for r in t["rows"]],
          lambda p: list(p[1]) == [c["key"] for c in p[0]["columns"]])
    every("modelled_columns_are_three", [(t, c["key"]) for t in report.tables.values()
                                         for c in t["columns"] if c["basis"] == "modelled"],
          lambda p: {base(p[1]) + s for s in PRESETS} <= {c["key"] for c in p[0]["columns"]},
          lambda p: p[1])
    every("modelled_times_are_bounds", [(r, base(c["key"])) for t in report.tables.values()
                                        for c in t["columns"] for r in t["rows"]
                                        if c["basis"] == "modelled" and c["unit"] in ("us", "ms")],
          lambda p: p[0][p[1]] is None or rising(*(p[0][p[1] + s] for s in reversed(PRESETS))))
    every("tables_have_rows", list(report.tables.values()), lambda t: t["rows"] or t["notes"],
          lambda t: t["name"])


def check_kernels(report):
    names = ["kernels_f32", "kernels_int8", "kernels_npu"]
    rows = [r for n in names for r in report.rows(n)]
    every("kernels_times_in_order", rows, lambda r: 0 < r["min_us"] and rising(
        r["min_us"], r["p50_us"], r["p95_us"], r["p99_us"], r["max_us"])
        and rising(r["min_us"], r["mean_us"], r["max_us"]) and r["iterations"] >= 3)
    sets = report.find("host", what="kernel sets that run here")["value"].split(", ")
    case({r["isa"] for r in rows} == set(sets), "kernels_every_set", sets)
    peaks = {}
    for r in rows:
        if r["peak_percent"]:
            peaks.setdefault((r["isa"], r["profile"], "wide" in r["kernel"]), []).append(
                100 * r["gmacs"] / r["peak_percent"])
    every("kernels_share_of_one_peak", list(peaks.values()), lambda p: near(min(p), max(p)))
    shaped = [r for r in rows if r["shape"].count("x") == 2]
    every("kernels_speed_is_work_over_median", shaped, lambda r: near(
        r["gmacs"], math.prod(map(int, r["shape"].split(" x "))) / r["p50_us"] / 1e3))


def check_pipeline(report, name):
    rows = report.rows(name)
    cpu = name.endswith("cpu")
    every(name + "_all_tiles_equal", rows, lambda r: r["equal"] == r["of"] >= r["tiles"] == 64)
    if cpu:
        every(name + "_times_agree", rows, lambda r: near(
            r["total_ms"], r["per_tile_ms"] * r["tiles"]) and rising(
            r["least_ms"], r["per_tile_ms"], r["most_ms"]) and rising(
            r["p50_ms"], r["p95_ms"], r["p99_ms"]) and r["occupancy"] <= 4.001 and near(
            r["speedup"], rows[0]["least_ms"] / r["least_ms"]))
        every(name + "_overhead_as_defined", rows, lambda r: near(
            r["overhead_percent"], 100 * (r["write_ms"] + r["read_ms"]) /
            (r["write_ms"] + r["compute_ms"] + r["read_ms"])))
        every(name + "_total_holds_its_parts",
              [r for r in rows if r["strategy"] in ("sequential", "pooled")],
              lambda r: r["total_ms"] >= r["write_ms"] + r["compute_ms"] + r["read_ms"])
    else:
        every(name + "_bound_within_device", rows, lambda r: all(rising(
            r["bound_us" + p], r["modelled_us" + p]) and near(
            r["bound_speedup" + p], rows[0]["bound_us" + p] / r["bound_us" + p]) for p in PRESETS))


def check_ways(report):
    for name in ("pipeline_cpu", "pipeline_sim", "batch_cpu", "batch_sim"):
        check_pipeline(report, name)
        if name.startswith("pipeline"):
            found = {(r["strategy"], r["depth"]) for r in report.rows(name)}
            wanted = {("sequential", 1), ("pooled", 1), ("adaptive", 8), ("batched", 2)} | {
                ("pipelined", d) for d in (1, 2, 3, 4, 6, 8)}
            case(wanted <= found, name + "_every_strategy_and_depth", wanted - found)
        else:
            batches = [r["batch"] for r in report.rows(name)]
            case(batches == [1, 1, 2, 4, 8, 16, 32, 64], name + "_every_size", batches)


# ---- Modelled numbers ---------------------------------------------------------------------------


def sim_cycles(design):
    """Cycles and launch cost under each preset, bytes read and written, as npu-sim itself says."""
    text = subprocess.run([sim, str(root / "mlir" / (design + ".mlir")), "random:1", "random:2",
                           "--cycles"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+) modelled cycles \(pessimistic (\d+), best (\d+)\) = .* launch cost "
                      r"([\d.]+) us \(([\d.]+), ([\d.]+)\).*\n.*?(\d+) bytes read, (\d+) written",
                      text)
    return tuple(map(float, (found[i] for i in (2, 1, 3, 5, 4, 6, 7, 8))))


def check_modelled(report):
    # Designs without a job: their time does not depend on the operands.
    clock = report.find("constants", name="clock_mhz")["published"]
    for design in ("matmul_16", "matmul_32", "matmul_64"):
        row = report.find("designs", design=design)
        mine = tuple([row["cycles" + p] for p in PRESETS] +
                     [round(row["total_us" + p] - row["cycles" + p] / clock, 1) for p in PRESETS] +
                     [row["ddr_read_bytes"], row["ddr_written_bytes"]])
        case(mine == sim_cycles(design), design + "_as_npu_sim_says", f"{mine}")
    every("designs_times_follow_from_cycles", [(r, p) for r in report.rows("designs")
                                               for p in PRESETS],
          lambda x: 40 < x[0]["total_us" + x[1]] - x[0]["cycles" + x[1]] / clock < 200 and
          0 < x[0]["busy_percent" + x[1]] <= 100 and (x[0]["mmac"] is None or near(
              x[0]["macs_per_cycle" + x[1]],
              x[0]["mmac"] * 1e6 / x[0]["cycles" + x[1]] / x[0]["cores"])
          and x[0]["macs_per_cycle" + x[1]] <= x[0]["peak"]))
    whole = report.find("designs", design="attention_64")
    batched = report.find("pipeline_sim", strategy="batched", depth=2, batch=16)
    every("pipeline_sim_as_the_design", PRESETS, lambda p: near(
        batched["modelled_us" + p], whole["total_us" + p] / 16, 1e-4),
        lambda p: f"{batched['modelled_us' + p]} us a tile, {whole['total_us' + p]} us for 16")
    first = report.rows("columns")[0]
    every("columns_right_and_faster", [(r, p) for r in report.rows("columns") for p in PRESETS],
          lambda x: x[0]["wrong_bytes"] == 0 and near(
              x[0]["speedup" + x[1]], first["cycles" + x[1]] / x[0]["cycles" + x[1]]) and
          0.9 < x[0]["speedup" + x[1]] / x[0]["columns"] <= 1)


# ---- The rest -----------------------------------------------------------------------------------


def check_windows(report):
    every("windows_in_order", report.rows("windows"), lambda r: rising(
        r["p50_ms"], r["p95_ms"], r["p99_ms"]) and near(r["realtime_factor"], 3e4 / r["p50_ms"]))
    profiles = [r["profile"] for r in report.rows("windows")]
    case(profiles == ["f32", "int8", "npu"], "windows_every_profile", profiles)
    for profile in profiles:
        shares = [r["percent"] for r in report.rows("stages") if r["profile"] == profile]
        case(len(shares) >= 8 and near(sum(shares), 100), f"stages_{profile}_make_the_whole",
             shares)
    every("lengths_agree", report.rows("lengths"), lambda r: r["windows"] == math.ceil(
        r["audio_length"] / 30) and r["frames"] == 3000 * r["windows"] and r["tiles"] == 24 *
        r["windows"] and r["total_time"] >= r["mel_time"] + r["encoder_time"] and near(
        r["realtime_factor"], 1e3 * r["audio_length"] / r["total_time"]))
    case({r["audio_length"] for r in report.rows("lengths")} == {5, 31}, "lengths_as_asked")
    every("contexts_agree", report.rows("contexts"), lambda r: r["positions"] == 50 * r["window"]
          and near(r["realtime_factor"], 1e3 * r["window"] / r["p50_ms"]))
    whole = {r["profile"]: r["p50_ms"] for r in report.rows("contexts") if r["window"] == 30}
    every("contexts_share_of_the_whole", report.rows("contexts"), lambda r: near(
        r["percent"], 100 * r["p50_ms"] / whole[r["profile"]]))
    every("encoder_sim_has_the_cpu_s_bits", report.rows("encoder_sim"), lambda r: r["equal"] ==
          r["values"] == 64 * r["positions"] and all(near(
              r["realtime_factor" + p], 1e3 * r["window"] / r["modelled_ms" + p])
              for p in PRESETS))
    whole = report.find("encoder_sim", window=30)
    every("stages_sim_make_the_whole", PRESETS, lambda p: near(
        sum(r["modelled_ms" + p] for r in report.rows("stages_sim")), whole["modelled_ms" + p]) and
        near(sum(r["percent" + p] for r in report.rows("stages_sim")), 100))
    every("mel_measured_or_modelled", report.rows("mel"),
          lambda r: (r["measured_ms"] is None) != (r["modelled_ms"] is None))
    every("accuracy_within_limits", report.rows("accuracy"), lambda r: r["pass"] == "yes" and
          rising(r["worst"], r["mean"], 1) and r["positions"] == 61)


def check_prototype(report):
    every("prototype_has_numbers", report.rows("prototype"), lambda r: r["here"] is not None)
    every("prototype_bounds_what_is_modelled", report.rows("prototype"), lambda r: all(
        (r["here" + p] is not None) == r["kind"].startswith("modelled")
        for p in PRESETS if p))
    one = report.find("pipeline_sim", strategy="sequential")
    two = report.find("pipeline_sim", strategy="pipelined", depth=2)
    many = report.find("pipeline_sim", strategy="batched", batch=16)
    for p in PRESETS:
        here = {r["subject"]: r["here" + p] for r in report.rows("prototype")}
        case(near(here.get("pipelining, depth 2", 0), one["bound_us" + p] / two["bound_us" + p]) and
             near(here.get("several tiles a launch", 0),
                  one["bound_us" + p] / many["bound_us" + p]) and
             near(here.get("four columns", 0), report.rows("columns")[3]["speedup" + p]) and
             near(here.get("log-mel", 0), report.rows("mel")[-1]["modelled_ms" + p]) and
             (p or here.get("results of the pipeline") == 100),
             "prototype_agrees_with_the_tables" + p, here)


def check_files(report, folder):
    text = (folder / "report.md").read_text()
    case(all("## " + t["title"] in text for t in report.tables.values()), "markdown_has_all_tables")
    links = re.findall(r"!\[.*?\]\((.*?)\)", text)
    bars, texts = {}, {}
    for link in links:
        root = xml.parse(folder / link).getroot()
        bars[link] = len(root.findall("{http://www.w3.org/2000/svg}rect")) - 1
        texts[link] = len(root.findall("{http://www.w3.org/2000/svg}text"))
    wanted = {f"{n}-{k}.svg": sum(r[k] is not None for r in report.rows(n)) for n, k in
              (link[:-4].split("-") for link in links)}
    case(len(links) >= 12 and bars == wanted, "plots_have_a_bar_for_each_number", (bars, wanted))
    case(texts == {link: 1 + 2 * n for link, n in wanted.items()}, "plots_name_bars_only", texts)


def check_options():
    for name, arguments, word in (
            ("none", [], "usage"), ("command", ["kernel"], "kernel"),
            ("option", ["batch", "--fast"], "--fast"),
            ("tiles", ["batch", "--tiles", "x"], "--tiles"),
            ("few_tiles", ["batch", "--tiles", "7"], "8 to"),
            ("value", ["batch", "--tiles"], "value"),
            ("iterations", ["kernels", "--iterations", "-3"], "--iterations"),
            ("lengths", ["comparison", "--lengths", "10,,30"], "--lengths"),
            ("falling_lengths", ["comparison", "--lengths", "30,10"], "rising"),
            ("device", ["pipeline", "--device", "gpu"], "cpu, sim"),
            ("argument", ["batch", "more"], "more")):
        got = run(*arguments)
        case(got.returncode == 2 and word in got.stderr and not got.stdout,
             f"wrong_{name}_refused", f"{got.returncode}: {got.stderr}")
    for name, arguments, word in (
            ("model", ["accuracy", "--model", "nowhere.safetensors"], "nowhere"),
            ("device", ["batch", "--device", "npu"], "npu"),
            ("folder", ["batch", "--quick", "--device", "sim", "--output-dir", model], "m80")):
        got = run(*arguments)
        case(got.returncode == 1 and word in got.stderr, f"unusable_{name}_said",
             f"{got.returncode}: {got.stderr}")


def check_help():
    for command in ("kernels", "pipeline", "accuracy", "comparison", "report", "batch"):
        got = run(command, "--help")
        case(got.returncode == 0 and "--tiles" in got.stdout and
             len(re.findall(r"\((?:given|measured|modelled|counted|computed|claimed)\): ",
                            got.stdout)) >= 10, f"help_{command}", got.stdout[:200])
    got = run("--help")
    case(got.returncode == 0 and "comparison" in got.stdout, "help", got.stdout)


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder) / "report"
    done = run("report", "--quick", "--iterations", "3", "--lengths", "5,31", "--model", model,
               "--output-dir", str(folder))
    case(done.returncode == 0, "report_runs", f"{done.returncode}: {done.stderr[-300:]}")
    if (folder / "report.json").exists():
        found = Report(folder / "report.json")
        for check in (check_form, check_kernels, check_ways, check_modelled, check_windows,
                      check_prototype):
            check(found)
        check_files(found, folder)
check_options()
check_help()
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)
