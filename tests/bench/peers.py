# SPDX-License-Identifier: LGPL-2.1-or-later
"""Times our encoder and its peers side by side, in one run, interleaved; see README.md.

Every engine is a separate process that stays warm and is idle while another runs. All take the same
mel window and weights, are pinned to the same CPUs, and are compared with a float64 encoder.
"""
import argparse
import filecmp
import hashlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import wave

import numpy as np

import encoder_ref
import report
import shapes
from engines import (HERE, ONEDNN_CAPS, PEERS, WHISPER_CPP, Engine, Refused, measure_peaks, ours,
                     pick_cpus, processor)

MAX_LOAD = 0.5  # runnable tasks of others, mean of a minute, before we start
SHARED = HERE.parent.parent.parent / "shared" / "data"


class Window:
    """A log-mel window and its features in float64."""

    def __init__(self, name, path, want):
        self.name, self.path, self.want = name, path, want


def our_command(args, profile, mel, threads):
    return [args.encoder, "--model", args.model, "--threads", str(threads), "--profile", profile,
            "--mel", mel]


def write_mel(args, audio, path):
    subprocess.run([args.encoder, "--model", args.model, "--audio", audio, "--write-mel", path],
                   check=True)
    return path


def make_windows(args, tensors, work):
    """First the one that is timed; then those of the goldens of this model, if there are any.
    """
    n_mels = encoder_ref.sizes(tensors)[0]
    path = args.mel or write_mel(args, args.audio, os.path.join(work, "mel.f32"))
    mel = np.fromfile(path, "<f4").reshape(encoder_ref.FRAMES, n_mels)
    name = pathlib.Path(args.mel or args.audio).stem
    windows = [Window(name, path, encoder_ref.encode(tensors, mel))]
    for weights in sorted(SHARED.glob("weights/whisper-*-encoder.safetensors")):
        if not filecmp.cmp(weights, args.model, shallow=False):
            continue
        size = weights.name.removeprefix("whisper-").removesuffix("-encoder.safetensors")
        for golden in sorted(SHARED.glob(f"golden/*.{size}.f32")):
            clip = golden.name.removesuffix(f".{size}.f32")
            if clip == name:
                continue
            path = os.path.join(work, clip + ".f32")
            stored = np.fromfile(SHARED / "golden" / f"{clip}.mel.f32", "<f4")
            stored.reshape(n_mels, encoder_ref.FRAMES).T.tofile(path)
            want = np.fromfile(golden, "<f4").reshape(windows[0].want.shape)
            windows.append(Window(clip, path, want))
    return windows


def calibration(args, work):
    """Two windows of our own clip: as it is, and without a pause until the window is full."""
    if args.mel:
        return [args.mel]
    looped = os.path.join(work, "looped.wav")
    with wave.open(args.audio) as clip, wave.open(looped, "wb") as out:
        samples = clip.readframes(clip.getnframes())
        out.setparams(clip.getparams())
        out.writeframes(samples * (30 * 32000 // len(samples) + 1))
    return [write_mel(args, args.audio, os.path.join(work, "clip.f32")),
            write_mel(args, looped, os.path.join(work, "looped.f32"))]


def make_models(args, work):
    """The peers' files, kept for the next run. KIND -> why it is missing."""
    key = hashlib.sha256(pathlib.Path(args.model).read_bytes())
    for name in ("models.py", "graphs.py", "requirements.txt"):
        key.update((HERE / name).read_bytes())
    args.folder = pathlib.Path(args.cache) / key.hexdigest()[:16]
    args.folder.mkdir(parents=True, exist_ok=True)
    mels = calibration(args, work)
    failed = {}
    for kind in dict.fromkeys(p.model for p in args.peers if p.model):
        done = args.folder / (kind + ".done")
        if done.exists():
            continue
        run = subprocess.run([sys.executable, str(HERE / "models.py"), kind, args.model,
                              str(args.folder), *mels], capture_output=True, text=True)
        if run.returncode == 0:
            done.touch()
        else:
            lines = run.stderr.strip().splitlines() or [f"exit code {run.returncode}"]
            failed[kind] = f"models.py {kind}: {lines[-1][:300]}"
    return failed


def find_libraries(args):
    """Level -> libwhisper of a build for that level; "": of a build for the machine."""
    libraries = {}
    for text in args.whisper_cpp or []:
        level, _, folder = text.rpartition("=")
        found = sorted(pathlib.Path(folder).rglob("libwhisper.so"))
        if not found:
            sys.exit(f"--whisper-cpp {text}: no libwhisper.so below it")
        libraries[level] = str(found[0])
    return libraries


def choose_peers(args):
    """All peers, and those left out before anything was tried."""
    args.libraries = find_libraries(args)
    args.peers = [] if args.quick else [p for p in PEERS if re.search(args.peers, p.name, re.I) and
                                        (args.libraries or p.family != WHISPER_CPP)]
    return [] if args.quick or args.libraries else [
        {"engine": WHISPER_CPP, "level": None, "threads": None, "why": "no --whisper-cpp"}]


def library_of(args, level):
    return args.libraries.get(level) or args.libraries.get("")


def cap_of(args, spec, level):
    """How a row's instruction set is limited to the level, as text."""
    if level == args.best:
        return ""
    if spec.family == WHISPER_CPP and level in args.libraries:
        return "its build"
    return spec.capped_by or report.NOT_CAPPED


def command_of(args, spec, windows, level, threads):
    if spec.ours:
        return our_command(args, spec.form, windows[0].path, threads)
    command = [sys.executable, str(HERE / "peer.py"), spec.family, spec.form, args.model,
               windows[0].path, str(args.folder), str(threads)]
    if spec.family != WHISPER_CPP:
        return command
    if not library_of(args, level):
        raise Refused("no --whisper-cpp for this level")
    return command + [library_of(args, level), args.whisper_features]


def open_engines(args, data, specs, windows, level, threads, cpus):
    engines = []
    for spec in specs:
        try:
            if spec.model in args.failed:
                raise Refused(args.failed[spec.model])
            engines.append(Engine(spec, command_of(args, spec, windows, level, threads), cpus,
                                  spec.environment(level, args.best)))
        except Refused as refusal:
            data["skipped"].append({"engine": spec.name, "level": level, "threads": threads,
                                    "why": str(refusal)})
    if not engines:
        sys.exit("no engine starts: " + "; ".join(s["why"] for s in data["skipped"]))
    return engines


def quality(engine, windows, work):
    """Cosines to float64 over all positions of the windows."""
    cosines = []
    for window in windows:
        engine.ask(f"mel {window.path}", "took")
        engine.run(False)
        got = engine.features(work).reshape(window.want.shape)
        cosines.append(encoder_ref.cosine(got, window.want))
    every = np.concatenate(cosines)
    return {"mean": float(every.mean()), "p1": float(np.percentile(every, 1)),
            "below": float((every < 0.99).mean()), "worst": float(every.min()),
            "positions": len(every), "mean_of_clip": {
                w.name: float(c.mean()) for w, c in zip(windows, cosines)}}


def measure(args, data, windows, level, threads, work):
    """The engines of one level, interleaved; appends their rows."""
    cpus = pick_cpus(threads)
    specs = [ours(profile) for profile in args.profiles] + peers_of(args, data, level, threads)
    engines = open_engines(args, data, specs, windows, level, threads, cpus)
    for turn in range(args.warmups + args.rounds):
        for engine in engines:
            engine.run(turn >= args.warmups)
            if engine.spec.ours:
                engine.note_stages()
            time.sleep(0.02)  # another engine's workers are asleep before the next turn
    for engine in engines:
        spec = engine.spec
        stages = report.median_stages(engine.rounds[args.warmups:]) if spec.ours else []
        features = engine.features(work)
        data["rows"].append({
            "engine": spec.name, "family": spec.family, "form": spec.form, "kind": spec.kind,
            "level": level, "threads": threads, "cpus": sorted(cpus), "info": engine.info,
            "version": engine.info.get("version") or engine.info["isa"],
            "cap": cap_of(args, spec, level),
            "median_ms": statistics.median(engine.ms), "min_ms": min(engine.ms), "ms": engine.ms,
            "sha256": hashlib.sha256(features).hexdigest(),
            "stages": stages, "quality": quality(engine, windows, work)})
        engine.close()


def peers_of(args, data, level, threads):
    """Below the best level, of each peer's f32 graphs only the one that was fastest there."""
    if level == args.best:
        return args.peers
    fastest = {}
    for row in data["rows"]:
        if row["level"] == args.best and row["threads"] == threads and row["kind"] == "f32":
            known = fastest.setdefault(row["family"], row)
            if row["median_ms"] < known["median_ms"]:
                fastest[row["family"]] = row
    return [p for p in args.peers if p.kind != "f32" or p.family not in fastest or
            p.name == fastest[p.family]["engine"]]


def start_up(args, windows, profile, threads):
    """Fresh processes: the first window, later ones, the memory."""
    cpus, first, later, opened, memory = pick_cpus(threads), [], [], [], []
    spec = ours(profile)
    for _ in range(1 if args.quick else 5):
        try:
            engine = Engine(spec, our_command(args, profile, windows[0].path, threads), cpus,
                            spec.environment(args.best, args.best))
        except Refused as refusal:
            sys.exit(str(refusal))
        for _ in range(4):
            engine.run(True)
        first.append(engine.ms[0])
        later += engine.ms[1:]
        opened.append(float(engine.info["open_ms"]))
        memory.append(int(engine.ask("memory", "memory").split("=")[1]))
        engine.close()
    return {"profile": profile, "threads": threads, "first_ms": statistics.median(first),
            "later_ms": statistics.median(later), "open_ms": statistics.median(opened),
            "hwm_kb": max(memory)}


def choose_levels(args, peaks):
    """The best set first; --levels adds what a machine without AMX, and one of AVX2, would take."""
    sets = list(peaks)
    args.best = sets[-1]
    if args.levels is None:
        return [args.best]
    if args.levels == "all":
        vnni = [s for s in sets if s in report.VNNI_SETS]
        wanted = (vnni[-1:] if args.best == "amx" else []) + [s for s in sets if s == "avx2"]
    else:
        wanted = args.levels.split(",")
    known = [s for s in sets if s in ONEDNN_CAPS or s == args.best]
    for level in wanted:
        if level not in known:
            sys.exit(f"--levels: '{level}' is not one of {', '.join(known)}, which can run here")
    return list(dict.fromkeys([args.best, *wanted]))


def parse_args():
    parser = argparse.ArgumentParser(prog="tests/bench/run",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="safetensors weights")
    parser.add_argument("--shape", choices=sorted(shapes.SIZES),
                        help="random weights of this size instead")
    parser.add_argument("--encoder", required=True, help="the bench-encoder program")
    parser.add_argument("--peak", required=True, help="the bench-peak program")
    parser.add_argument("--whisper-features", required=True, help="whisper-features.c's library")
    parser.add_argument("--cache", required=True, help="folder for the peers' weights files")
    parser.add_argument("--audio", help="16 kHz mono s16 WAV")
    parser.add_argument("--mel", help="f32 [3000][n_mels] instead of audio")
    parser.add_argument("--profiles", default="int8,f32", help="ours, default int8,f32")
    parser.add_argument("--peers", default="", metavar="REGEX", help="those only")
    parser.add_argument("--levels", nargs="?", const="all",
                        help="also with the instruction set capped: a list of WHISPERNPU_CPU's "
                        "names; without a list, no AMX, and AVX2")
    parser.add_argument("--whisper-cpp", action="append", metavar="[LEVEL=]DIR",
                        help="folder of a build of whisper.cpp, for the machine or for a level")
    parser.add_argument("--threads", default="1,2", help="list, default 1,2")
    parser.add_argument("--rounds", type=int, help="measured, default 9, at least 7")
    parser.add_argument("--warmups", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="ours only, two rounds: a smoke test")
    parser.add_argument("--json", help="write every figure to this file")
    args = parser.parse_args()
    args.rounds = args.rounds or (2 if args.quick else 9)
    if args.rounds < 7 and not args.quick:
        parser.error("--rounds: at least 7")
    args.threads = [int(n) for n in args.threads.split(",")]
    args.profiles = args.profiles.split(",")
    return args


def size_name(sizes):
    return next((name for name, size in shapes.SIZES.items() if size[:3] == sizes),
                "x".join(map(str, sizes)))


def show(data):
    for row in data["rows"]:
        if row["family"] == "whispernpu" and row["threads"] == data["threads"][0]:
            report.print_roofline(data, row)
    for s in data["skipped"]:
        if s["level"] is None:
            print(f"\nskipped: {s['engine']}: {s['why']}")
    data["verdicts"] = report.verdicts(data)
    report.print_verdicts(data["verdicts"])


def main():
    args = parse_args()
    load = os.getloadavg()[0]
    skipped = choose_peers(args)
    peaks = measure_peaks(args.peak)
    levels = choose_levels(args, peaks)
    with tempfile.TemporaryDirectory() as work:
        if args.shape:
            args.model = os.path.join(work, args.shape + ".safetensors")
            shapes.save_random(args.model, args.shape)
        tensors = encoder_ref.load(args.model)
        sizes = encoder_ref.sizes(tensors)
        name = f"random-{args.shape}" if args.shape else os.path.basename(args.model)
        print(f"processor: {processor()}; {len(os.sched_getaffinity(0))} CPUs")
        print(f"model: {name}, {sizes[0]} mels, d_model {sizes[1]}, {sizes[2]} layers; one window "
              f"of 30 s; {args.rounds} rounds after {args.warmups}")
        if load > MAX_LOAD:
            print(f"warning: load average {load:.1f} at the start: others use these CPUs, and the "
                  "figures below are not to be quoted", file=sys.stderr)
        windows = make_windows(args, tensors, work)
        del tensors
        print(f"quality: against float64, clips {', '.join(w.name for w in windows)}", flush=True)
        data = {"processor": processor(), "load": load, "max_load": MAX_LOAD, "model": name,
                "size": size_name(sizes),
                "random": bool(args.shape), "rounds": args.rounds, "warmups": args.warmups,
                "levels": levels, "best": args.best, "threads": args.threads, "peaks": peaks,
                "clips": [w.name for w in windows], "rows": [], "skipped": skipped}
        args.failed = make_models(args, work) if args.peers else {}
        data["startup"] = [start_up(args, windows, profile, threads)
                           for profile in args.profiles for threads in args.threads]
        for level in levels:
            for threads in args.threads:
                measure(args, data, windows, level, threads, work)
                report.print_group(data, level, threads)
                sys.stdout.flush()
    show(data)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(data, indent=1) + "\n")
    wrong = report.mistakes(data)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
