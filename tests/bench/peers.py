# SPDX-License-Identifier: LGPL-2.1-or-later
"""Times our encoder and its peers side by side, in one run, interleaved; see README.md beside it.

Every engine is a process of its own that stays warm and is idle while another runs. All take the
same mel window and weights, are pinned to the same CPUs, and are checked against a float64 encoder
before a figure of theirs is printed.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import encoder_ref
import graphs

COSINE = 0.99999  # at the worst position; below it an engine does not compute the same encoder
MAX_LOAD = 0.5  # runnable tasks of others, mean of a minute, before we start
FEATURES = ("fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16",
            "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "asimd", "sve")
PEERS = (("onnxruntime", "plain"), ("onnxruntime", "mha"), ("onnxruntime", "attention"),
         ("openvino", "onnx"), ("openvino", "sdpa"))
HERE = pathlib.Path(__file__).resolve().parent


class Engine:
    """A warm engine process and what it answered."""

    def __init__(self, name, command, cpus):
        self.name, self.ms = name, []
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        self.info = dict(word.split("=", 1) for word in self._answer("ready").split())

    def _answer(self, word):
        line = self.process.stdout.readline()
        if not line.startswith(word + " "):
            sys.exit(f"{self.name}: expected '{word} ...', found '{line.strip()}'")
        return line[len(word):].strip()

    def ask(self, command, word):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self._answer(word)

    def run(self, keep):
        ms = float(self.ask("run", "ms"))
        if keep:
            self.ms.append(ms)

    def features(self, folder, d_model):
        path = os.path.join(folder, self.name.replace(" ", "-") + ".f32")
        self.ask(f"dump {path}", "dumped")
        return np.fromfile(path, "<f4").reshape(-1, d_model)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def pick_cpus(count):
    """CPUs of `count` different cores where there are as many, else any that we may run on."""
    first, later = [], []
    seen = set()
    for cpu in sorted(os.sched_getaffinity(0)):
        path = f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        try:
            core = pathlib.Path(path).read_text()
        except OSError:
            core = str(cpu)
        (later if core in seen else first).append(cpu)
        seen.add(core)
    cpus = (first + later)[:count]
    if len(cpus) < count:
        sys.exit(f"{count} threads asked for, but this process may run on {len(cpus)} CPUs only")
    return set(cpus)


def processor():
    """The processor by the features that matter here, never by its brand."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return "unknown"
    flags = set()
    for line in text.splitlines():
        if line.startswith(("flags", "Features")):
            flags.update(line.split(":", 1)[1].split())
    return " ".join(f for f in FEATURES if f in flags) or "none of " + " ".join(FEATURES)


def ours_command(args, threads):
    return [args.encoder, "--model", args.model, "--threads", str(threads),
            "--profile", args.profile] + (
                ["--mel", args.mel] if args.mel else ["--audio", args.audio])


def make_mel(args, work):
    """The mel window that every engine gets: our own front end's, or the given file."""
    path = os.path.join(work, "mel.f32")
    if args.mel:
        return args.mel
    subprocess.run([args.encoder, "--model", args.model, "--audio", args.audio,
                    "--write-mel", path], check=True)
    return path


def measure(args, work, threads):
    """All engines, interleaved; returns rows in the order of the table."""
    cpus = pick_cpus(threads)
    engines = []
    if not args.peers_only:
        engines.append(Engine("ours", ours_command(args, threads), cpus))
    for engine, form in PEERS:
        command = [sys.executable, str(HERE / "peer.py"), engine, form, args.model, args.mel,
                   work, str(threads)]
        engines.append(Engine(f"{engine} {form}", command, cpus))
    for turn in range(args.warmups + args.rounds):
        for engine in engines:
            engine.run(turn >= args.warmups)
            time.sleep(0.02)  # another engine's workers are asleep before the next turn
    rows = []
    features = {e.name: e.features(work, args.d_model) for e in engines}
    for engine in engines:
        got = features[engine.name]
        rows.append({
            "engine": engine.name, "threads": threads, "cpus": sorted(cpus), "info": engine.info,
            "median_ms": statistics.median(engine.ms), "min_ms": min(engine.ms), "ms": engine.ms,
            "cosine_f64": float(encoder_ref.cosine(got, args.want).min()),
            "max_abs_f64": float(np.abs(got - args.want).max()),
            "cosine_ours": (float(encoder_ref.cosine(got, features["ours"]).min())
                            if "ours" in features else None)})
        engine.close()
    return rows


def print_table(rows, threads):
    ours = next((r for r in rows if r["engine"] == "ours"), None)
    print(f"\n{threads} thread{'s' if threads > 1 else ''}, CPUs {rows[0]['cpus']}")
    print("| engine | version | threads | median ms | min ms | median / ours | "
          "worst cosine to float64 | to ours |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        info = row["info"]
        version = info.get("version") or f"{info['profile']} {info['isa']}"
        ratio = f"{row['median_ms'] / ours['median_ms']:.3f}" if ours else "-"
        to_ours = "-" if row["cosine_ours"] is None else f"{row['cosine_ours']:.8f}"
        print(f"| {row['engine']} | {version} | {threads} | {row['median_ms']:.1f} | "
              f"{row['min_ms']:.1f} | {ratio} | {row['cosine_f64']:.8f} | {to_ours} |")
    best = min((r for r in rows if r is not ours), key=lambda r: r["median_ms"])
    if ours:
        faster = ours["median_ms"] < best["median_ms"]
        print(f"{threads}T: ours {ours['median_ms']:.1f} ms, best peer {best['engine']} "
              f"{best['median_ms']:.1f} ms: ours is {'FASTER' if faster else 'SLOWER'}, "
              f"x{best['median_ms'] / ours['median_ms']:.3f}")
    else:
        print(f"{threads}T: best peer {best['engine']} {best['median_ms']:.1f} ms")


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="safetensors weights")
    parser.add_argument("--encoder", help="the bench-encoder program")
    parser.add_argument("--audio", help="16 kHz mono s16 WAV")
    parser.add_argument("--mel", help="f32 [3000][n_mels] instead of audio")
    parser.add_argument("--profile", default="f32", help="ours only")
    parser.add_argument("--threads", default="1,2", help="list, default 1,2")
    parser.add_argument("--rounds", type=int, default=9, help="measured, at least 7")
    parser.add_argument("--warmups", type=int, default=2)
    parser.add_argument("--peers-only", action="store_true", help="with --mel; no core needed")
    parser.add_argument("--json", help="write every figure to this file")
    args = parser.parse_args()
    if args.rounds < 7:
        parser.error("--rounds: at least 7")
    if args.peers_only and not args.mel:
        parser.error("--peers-only needs --mel")
    if not args.peers_only and not args.encoder:
        parser.error("--encoder is needed without --peers-only")
    return args


def main():
    args = parse_args()
    tensors = encoder_ref.load(args.model)
    n_mels, args.d_model, n_layers = encoder_ref.sizes(tensors)
    print(f"processor: {processor()}; {len(os.sched_getaffinity(0))} CPUs")
    print(f"model: {os.path.basename(args.model)}, {n_mels} mels, d_model {args.d_model}, "
          f"{n_layers} layers; one window of 30 s; {args.rounds} rounds after {args.warmups}")
    load = os.getloadavg()[0]
    if load > MAX_LOAD:
        print(f"warning: load average {load:.1f} at the start: others use these CPUs, and the "
              "figures below are not to be quoted", file=sys.stderr)
    rows = []
    with tempfile.TemporaryDirectory() as work:
        for form in graphs.ONNX_FORMS:
            graphs.save_onnx(os.path.join(work, form + ".onnx"), tensors, form)
        args.mel = make_mel(args, work)
        mel = np.fromfile(args.mel, "<f4").reshape(encoder_ref.FRAMES, n_mels)
        args.want = encoder_ref.encode(tensors, mel)
        del tensors
        for threads in map(int, args.threads.split(",")):
            part = measure(args, work, threads)
            print_table(part, threads)
            rows += part
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(
            {"processor": processor(), "load": load, "model": os.path.basename(args.model),
             "rows": rows}, indent=1) + "\n")
    wrong = [r for r in rows if not r["cosine_f64"] >= COSINE]
    for row in wrong:
        print(f"{row['engine']} with --threads {row['threads']}: worst cosine "
              f"{row['cosine_f64']:.8f} to float64, below {COSINE}", file=sys.stderr)
    return 1 if wrong else 0


sys.exit(main())
