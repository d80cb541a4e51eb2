# SPDX-License-Identifier: LGPL-2.1-or-later
"""Encodes a window with random weights of the real sizes and compares with NumPy; see README.md.

    check_sizes.py --encoder PROGRAM [--sizes small,medium,large-v3] [--threads N]

One size at a time in a temporary folder; the comparison is against float64.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

import encoder_ref
from shapes import SIZES, save_random

COSINE = {"f32": 0.999999, "int8": 0.999}  # of the worst position, random weights


def encode_ours(args, model, mel, folder, d_model):
    out = os.path.join(folder, "features.f32")
    command = [args.encoder, "--model", model, "--mel", mel, "--profile", args.profile,
               "--threads", str(args.threads)]
    run = subprocess.run(command, input=f"run\nrun\ndump {out}\n", text=True,
                         stdout=subprocess.PIPE, check=True)
    lines = run.stdout.splitlines()
    info = dict(word.split("=", 1) for word in lines[0].split()[1:])
    ms = min(float(line.split()[1]) for line in lines if line.startswith("ms "))
    return np.fromfile(out, "<f4").reshape(-1, d_model), info, ms


def check_size(args, name):
    n_mels, d_model, n_layers, dtype = SIZES[name]
    with tempfile.TemporaryDirectory(prefix="whispernpu-") as folder:
        model = os.path.join(folder, "model.safetensors")
        mel_path = os.path.join(folder, "mel.f32")
        rng = save_random(model, name, args.seed)
        mel = rng.uniform(-1, 1.5, (encoder_ref.FRAMES, n_mels)).astype("<f4")
        mel.tofile(mel_path)
        got, info, ms = encode_ours(args, model, mel_path, folder, d_model)
        tensors = encoder_ref.load(model)
    want = encoder_ref.encode(tensors, mel)
    worst = float(encoder_ref.cosine(got, want).min())
    max_abs = float(np.abs(got - want).max())
    text = (f"{n_mels} mels, d_model {d_model}, {n_layers} layers, {dtype}: worst cosine "
            f"{worst:.9f}, max-abs {max_abs:.2e} of {np.abs(want).max():.1f}, "
            f"open {info['open_ms']} ms, encode {ms:.0f} ms ({info['threads']} threads, "
            f"{info['isa']}), weights {int(info['weight_bytes']) / 2**20:.0f} MiB, "
            f"scratch {int(info['scratch_bytes']) / 2**20:.0f} MiB")
    good = worst >= COSINE[args.profile]
    print(f"ok {name} # {text}" if good else f"not ok {name}: {text}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", required=True, help="the bench-encoder program")
    parser.add_argument("--sizes", default="small,medium,large-v3", help=", ".join(SIZES))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--profile", default="f32", choices=sorted(COSINE))
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    unknown = [name for name in args.sizes.split(",") if name not in SIZES]
    if unknown:
        parser.error(f"--sizes: '{unknown[0]}' is not one of {', '.join(SIZES)}")
    results = [check_size(args, name) for name in args.sizes.split(",")]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed, 0 skipped")
    return 0 if all(results) else 1


sys.exit(main())
