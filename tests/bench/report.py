# SPDX-License-Identifier: LGPL-2.1-or-later
"""The printed results of peers.py: tables, rooflines, verdicts. All of it comes from the dictionary
that --json writes."""
import statistics

# The goals for base and tiny; other sizes must reach the speed factors within 15 %.
TOLERANCE = 0.85
VNNI_SETS = ("avx512vbmi", "avx512vnni")
NEAR_LOSSLESS = {"mean": 0.9998, "p1": 0.998}  # int8's limits
QUALITY = {"base": 0.9998, "tiny": 0.9996}  # mean; 1st percentile and share as below
MAX_BELOW, MIN_P1 = 0.001, 0.998
F32_WORST = 0.99999  # an f32 engine below it does not compute the same encoder
NOT_CAPPED = "cannot be"  # a row's cap: the peer chooses its instructions
MEMORY_MB, FIRST, SCALING = 80, 1.5, 1.85


def quality_text(quality):
    return (f"{quality['mean']:.6f} | {quality['p1']:.5f} | {100 * quality['below']:.2f} % | "
            f"{quality['worst']:.4f}")


def find(data, level, threads, **wanted):
    rows = [r for r in data["rows"] if r["level"] == level and r["threads"] == threads and
            all(r[k] == v for k, v in wanted.items())]
    return min(rows, key=lambda r: r["median_ms"]) if rows else None


def int8_of(data, level, threads):
    return find(data, level, threads, family="whispernpu", kind="int8")


def print_group(data, level, threads):
    rows = [r for r in data["rows"] if r["level"] == level and r["threads"] == threads]
    base = int8_of(data, level, threads) or rows[0]
    print(f"\n{level}{' (best here)' if level == data['best'] else ''}, {threads} "
          f"thread{'s' if threads > 1 else ''}, CPUs {rows[0]['cpus']}")
    print(f"| engine | version | median ms | min ms | x {base['engine']} | cosine: mean | "
          "1st percentile | below 0.99 | worst | capped |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for r in rows:
        print(f"| {r['engine']} | {r['version']} | {r['median_ms']:.1f} | {r['min_ms']:.1f} | "
              f"{r['median_ms'] / base['median_ms']:.2f} | {quality_text(r['quality'])} | "
              f"{r['cap'] or '-'} |")
    for s in data["skipped"]:
        if s["level"] == level and s["threads"] == threads:
            print(f"skipped: {s['engine']}: {s['why']}")


def median_stages(rounds):
    """The median time of each stage; the work is the same in all rounds."""
    return [{**same[0], "ms": statistics.median(s["ms"] for s in same)} for same in zip(*rounds)]


def roofline(data, row):
    """Per stage: GMAC, ms, GMAC/s, the instructions and the share of their peak."""
    peaks = data["peaks"][row["level"]]
    lines = []
    for stage in row["stages"]:
        kinds = [k for k in ("narrow", "wide", "f32") if stage[k] > 0]
        gmac = sum(stage[k] for k in kinds)
        known = kinds and all(peaks[k][1] > 0 for k in kinds)
        ideal = sum(stage[k] / peaks[k][1] for k in kinds) * 1e3 / row["threads"] if known else 0
        ops = list(dict.fromkeys(peaks[k][0] for k in kinds))
        lines.append({"stage": stage["stage"], "gmac": gmac, "ms": stage["ms"], "ops": ops,
                      "ideal_ms": ideal})
    return lines


def print_roofline(data, row):
    lines = roofline(data, row)
    total = {"stage": "sum", "ops": [], **{k: sum(x[k] for x in lines)
                                           for k in ("gmac", "ms", "ideal_ms")}}
    print(f"\nroofline: {row['engine']}, {row['level']}, {row['threads']}T; peaks of one core, "
          "GMAC/s: " + ", ".join(f"{op} {x:.0f}" for op, x in
                                 dict(data["peaks"][row["level"]].values()).items()))
    print("| stage | GMAC | ms | GMAC/s | share of peak | lost ms | instruction |")
    print("|---|---|---|---|---|---|---|")
    for x in [*lines, total]:
        share = f"{100 * x['ideal_ms'] / x['ms']:.0f} %" if x["ideal_ms"] else "-"
        rate = f"{x['gmac'] / x['ms'] * 1e3:.0f}" if x["gmac"] else "-"
        print(f"| {x['stage']} | {x['gmac']:.3f} | {x['ms']:.2f} | {rate} | {share} | "
              f"{x['ms'] - x['ideal_ms']:.2f} | {', '.join(x['ops']) or '-'} |")


def _verdict(name, value, wanted, below=False, unit="", note=""):
    met = None if wanted is None else value <= wanted if below else value >= wanted
    return {"name": name, "value": value, "wanted": wanted, "below": below, "unit": unit,
            "met": met, "note": note}


def _against(data, level, threads, what, wanted, pick):
    """Our int8 against the fastest of the peers that `pick` takes."""
    ours = int8_of(data, level, threads)
    rows = [r for r in data["rows"] if r["level"] == level and r["threads"] == threads and
            r["family"] != "whispernpu" and pick(r)]
    if not ours or not rows:
        return []
    best = min(rows, key=lambda r: r["median_ms"])
    scale = 1 if data["size"] == "base" else TOLERANCE
    return [_verdict(f"{level} {threads}T, int8 against {what}",
                     best["median_ms"] / ours["median_ms"], wanted and wanted * scale, unit=" x",
                     note=f"{best['engine']} {best['median_ms']:.1f} ms, ours "
                          f"{ours['median_ms']:.1f} ms")]


def _near_lossless(row):
    q = row["quality"]
    return all(q[k] >= v for k, v in NEAR_LOSSLESS.items())


def _speed(data, level, threads):
    vnni, amx, avx2 = level in VNNI_SETS, level == "amx", level == "avx2"
    out = _against(data, level, threads, "the fastest f32 peer" + (" capped" if avx2 else ""),
                   3.0 if vnni else 1.3 if avx2 else None,
                   lambda r: r["kind"] == "f32" and r["family"] != "whisper.cpp" and
                   (vnni or r["cap"] != NOT_CAPPED))
    if vnni or level == data["best"]:
        out += _against(data, level, threads, "ONNX Runtime int8", 1.7 if vnni else None,
                        lambda r: r["family"] == "onnxruntime" and r["kind"] == "int8")
    out += _against(data, level, threads, "the fastest near-lossless peer", 2.0 if amx else None,
                    lambda r: _near_lossless(r) and r["cap"] != NOT_CAPPED)
    out += _against(data, level, threads, "whisper.cpp",
                    {"amx": 15.0, "avx2": 2.5}.get(level, 6.0 if vnni else None),
                    lambda r: r["family"] == "whisper.cpp" and r["cap"] != NOT_CAPPED)
    return out


def _quality(data):
    out = []
    for r in data["rows"]:
        if r["family"] != "whispernpu" or r["kind"] != "int8":
            continue
        if r["level"] != data["best"] or r["threads"] != data["threads"][0]:
            continue
        q, real = r["quality"], data["size"] in QUALITY and not data["random"]
        out.append(_verdict("int8 quality: mean cosine", q["mean"],
                            QUALITY[data["size"]] if real else None))
        out.append(_verdict("int8 quality: 1st percentile", q["p1"], MIN_P1 if real else None))
        out.append(_verdict("int8 quality: share below 0.99", q["below"],
                            MAX_BELOW if real else None, below=True))
    return out


def _startup(data):
    out = []
    for s in data["startup"]:
        name, int8 = f"{s['profile']} {s['threads']}T", s["profile"] == "int8"
        out.append(_verdict(f"{name}, peak memory", s["hwm_kb"] * 1024 / 1e6,
                            MEMORY_MB if int8 and data["size"] == "base" else None, below=True,
                            unit=" MB", note="VmHWM of bench-encoder"))
        out.append(_verdict(f"{name}, first window / a later one", s["first_ms"] / s["later_ms"],
                            FIRST if int8 else None, below=True, unit=" x",
                            note=f"{s['first_ms']:.1f} ms, {s['later_ms']:.1f} ms, "
                                 f"open {s['open_ms']:.0f} ms"))
    return out


def _scaling(data):
    out = []
    for one in data["rows"]:
        if one["family"] == "whispernpu" and one["threads"] == 1:
            two = find(data, one["level"], 2, engine=one["engine"])
            if two:
                out.append(_verdict(f"{one['level']}, {one['kind']}, two threads / one",
                                    one["median_ms"] / two["median_ms"],
                                    SCALING if one["kind"] == "int8" else None, unit=" x"))
    return out


def _bits(data):
    hashes = {}
    for r in data["rows"]:
        if r["family"] == "whispernpu":
            hashes.setdefault(r["kind"], set()).add(r["sha256"])
    return [_verdict(f"{kind}, different features over levels and threads", len(found), 1,
                     below=True) for kind, found in hashes.items()]


def verdicts(data):
    out = []
    for level in data["levels"]:
        for threads in data["threads"]:
            out += _speed(data, level, threads)
    return out + _scaling(data) + _startup(data) + _quality(data) + _bits(data)


def print_verdicts(found):
    print()
    for v in found:
        word = {None: "     ", True: "met  ", False: "MISSED"}[v["met"]]
        digits = 5 if not v["unit"] and isinstance(v["value"], float) else 2
        wanted = "" if v["wanted"] is None else \
            f", wanted {'<=' if v['below'] else '>='} {v['wanted']:g}{v['unit']}"
        value = f"{v['value']:.{digits}f}" if isinstance(v["value"], float) else v["value"]
        note = f" ({v['note']})" if v["note"] else ""
        print(f"{word:6} {v['name']}: {value}{v['unit']}{wanted}{note}")


def mistakes(data):
    """Sentences on results that are wrong, not slow."""
    out = []
    for r in data["rows"]:
        exact = r["kind"] == "f32" and r["family"] != "whisper.cpp"
        if exact and not r["quality"]["worst"] >= F32_WORST:
            out.append(f"{r['engine']}, {r['level']}, {r['threads']}T: worst cosine "
                       f"{r['quality']['worst']:.8f} to float64, below {F32_WORST}")
    out += [f"{v['name']}: {v['value']}" for v in _bits(data) if not v["met"]]
    return out
