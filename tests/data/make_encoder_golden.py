# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the small random encoders of tests/data/encoder/ and their float64 features.

    python3 tests/data/make_encoder_golden.py [--check]

NAME.safetensors   the weights, random but in the manner of the real ones: sinusoid positions, a few
                   residual channels far above the rest, scores that make attention pick
NAME.f32           rows of the float64 features as little-endian f32 [61][d_model]: positions 0, 25,
                   ... 1475, and the last, 1499
golden.json        sizes, seeds and SHA-256 of it all

The input is not stored: frame-major f32 [3000][n_mels], value i from s[i + 1] =
s[i] * 1664525 + 1013904223 mod 2^32, s[0] = mel_seed, as ((s[i + 1] >> 8) - 2^23) * 2^-23: an
integer of 24 bits times a power of two, the same f32 everywhere. --check makes everything again and
compares, features to 1e-5, because another NumPy may sum and draw in another order.
"""
import hashlib
import json
import math
import pathlib
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bench"))
import encoder_ref  # noqa: E402

# name, n_mels, d_model, layers, dtype, prefix of the tensors' names, seed
MODELS = (
    ("m128-d128-l1", 128, 128, 1, "F16", "model.encoder.", 1),
    ("m80-d64-l3", 80, 64, 3, "BF16", "encoder.", 2),
)
ROWS = list(range(0, encoder_ref.POSITIONS, 25)) + [encoder_ref.POSITIONS - 1]


def lcg_mel(seed, n_mels):
    values = np.empty(encoder_ref.FRAMES * n_mels, np.float32)
    for i in range(len(values)):
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = ((seed >> 8) - (1 << 23)) * 2.0 ** -23
    return values.reshape(encoder_ref.FRAMES, n_mels)


def sinusoids(d):
    scale = np.exp(-math.log(10000) / (d // 2 - 1) * np.arange(d // 2))
    angle = np.arange(encoder_ref.POSITIONS)[:, None] * scale
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)


def random_tensor(rng, name, shape):
    d = shape[0]
    if name == "embed_positions.weight":
        return sinusoids(shape[1]).astype(np.float32)
    x = rng.standard_normal(shape)
    if len(shape) == 1 and "norm" in name:
        return ((1 + 0.2 * x) if name.endswith("weight") else 0.1 * x).astype(np.float32)
    if len(shape) == 1:
        x = 0.2 * x
        if name.endswith("fc2.bias"):
            x[[3, d // 2 + 1]] += (9, -14)  # the residual stream's outlier channels
        return x.astype(np.float32)
    # 2 on query and key: scores with a standard deviation of about 4, so that attention picks.
    gain = 2 if "q_proj" in name or "k_proj" in name else 1
    return (gain * x / math.sqrt(math.prod(shape[1:]))).astype(np.float32)


def make(folder, name, n_mels, d, n_layers, dtype, prefix, seed):
    rng = np.random.default_rng(seed)
    path = folder / f"{name}.safetensors"
    encoder_ref.save(path, [
        (key, shape, lambda key=key, shape=shape: random_tensor(rng, key, shape))
        for key, shape in encoder_ref.tensor_shapes(n_mels, d, n_layers).items()], dtype, prefix)
    features = encoder_ref.encode(encoder_ref.load(path), lcg_mel(seed, n_mels))
    golden = folder / f"{name}.f32"
    features[ROWS].astype("<f4").tofile(golden)
    return {"name": name, "n_mels": n_mels, "d_model": d, "n_layers": n_layers, "dtype": dtype,
            "prefix": prefix, "mel_seed": seed, "rows": "0, 25, ... 1475, 1499",
            "max_abs": round(float(np.abs(features).max()), 3),
            "sha256": {p.name: hashlib.sha256(p.read_bytes()).hexdigest()
                       for p in (path, golden)}}


def check(stored, made):
    """Compare one model of the project with one made now; returns what differs."""
    a, b = (np.fromfile(f, "<f4") for f in (stored.with_suffix(".f32"), made.with_suffix(".f32")))
    if stored.read_bytes() != made.read_bytes():
        return "the weights differ (another NumPy may draw other numbers)"
    if a.shape != b.shape or not np.abs(a - b).max() <= 1e-5:
        return "the features differ"
    return None


def main():
    target = HERE / "encoder"
    if sys.argv[1:] == ["--check"]:
        wrong = 0
        with tempfile.TemporaryDirectory() as folder:
            for model in MODELS:
                make(pathlib.Path(folder), *model)
                file = model[0] + ".safetensors"
                why = check(target / file, pathlib.Path(folder) / file)
                print(f"not ok {model[0]}: {why}" if why else f"ok {model[0]}")
                wrong += why is not None
        return 1 if wrong else 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    target.mkdir(exist_ok=True)
    table = [make(target, *model) for model in MODELS]
    (target / "golden.json").write_text(json.dumps(table, indent=1) + "\n")
    return 0


sys.exit(main())
