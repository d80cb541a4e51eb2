# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Whisper encoder in NumPy, float64 or float32, and a reader and writer of its weights files.

The oracle of the benchmarks and of the committed encoder goldens; written for clarity, not speed.
Names of tensors are Hugging Face's, without the `model.encoder.` prefix.
"""
import json
import math
import struct

import numpy as np

FRAMES = 3000
POSITIONS = 1500
HEAD_DIM = 64
NORM_EPS = 1e-5
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def tensor_shapes(n_mels, d, n_layers):
    """Every tensor of an encoder of this size: name -> shape, torch's [out][in]."""
    shapes = {
        "conv1.weight": (d, n_mels, 3), "conv1.bias": (d,),
        "conv2.weight": (d, d, 3), "conv2.bias": (d,),
        "embed_positions.weight": (POSITIONS, d),
        "layer_norm.weight": (d,), "layer_norm.bias": (d,),
    }
    for i in range(n_layers):
        p = f"layers.{i}."
        for name in ("q", "k", "v", "out"):
            shapes[f"{p}self_attn.{name}_proj.weight"] = (d, d)
            if name != "k":
                shapes[f"{p}self_attn.{name}_proj.bias"] = (d,)
        for name in ("self_attn_layer_norm", "final_layer_norm"):
            shapes[f"{p}{name}.weight"] = shapes[f"{p}{name}.bias"] = (d,)
        shapes[f"{p}fc1.weight"], shapes[f"{p}fc1.bias"] = (4 * d, d), (4 * d,)
        shapes[f"{p}fc2.weight"], shapes[f"{p}fc2.bias"] = (d, 4 * d), (d,)
    return shapes


def bf16_round(x):
    """float32 -> the 16 bits of the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(x, "<f4").view("<u4").astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def bf16_widen(bits):
    return (bits.astype("<u4") << 16).view("<f4")


def load(path):
    """The encoder's tensors of a safetensors file, f16 and bf16 kept exact in float32."""
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        header = json.loads(f.read(size))
        tensors = {}
        for name, entry in header.items():
            if "encoder." not in name:
                continue
            begin, end = entry["data_offsets"]
            f.seek(8 + size + begin)
            raw = np.frombuffer(f.read(end - begin), _DTYPES[entry["dtype"]])
            if entry["dtype"] == "BF16":
                raw = bf16_widen(raw)
            tensors[name.split("encoder.", 1)[1]] = raw.astype(np.float32).reshape(entry["shape"])
    return tensors


def save(path, tensors, dtype, prefix="model.encoder."):
    """Write tensors, an iterable of (name, shape, make() -> float32 array), one in memory at a
    time."""
    width = np.dtype(_DTYPES[dtype]).itemsize
    tensors = list(tensors)
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, shape, _ in tensors:
        end = at + math.prod(shape) * width
        header[prefix + name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, shape, make in tensors:
            x = make().reshape(shape)
            f.write((bf16_round(x) if dtype == "BF16" else x.astype(_DTYPES[dtype])).tobytes())


def sizes(tensors):
    """(n_mels, d_model, n_layers) of a set of tensors."""
    d, n_mels, _ = tensors["conv1.weight"].shape
    n_layers = sum(1 for name in tensors if name.endswith(".fc1.weight"))
    return n_mels, d, n_layers


def _gelu(x):
    # math.erf is exact to an ulp of float64; rows at a time keep the list of floats small.
    out = np.empty_like(x)
    for i, row in enumerate(x):
        z = (row.astype(np.float64) / math.sqrt(2)).tolist()
        out[i] = 0.5 * row * (1 + np.fromiter(map(math.erf, z), np.float64, len(z)))
    return out


def _norm(x, weight, bias):
    d = x - x.mean(-1, keepdims=True)
    return d / np.sqrt((d * d).mean(-1, keepdims=True) + NORM_EPS) * weight + bias


def _conv(x, weight, bias, stride):
    """x [frames][channels], kernel 3, one frame of zeros on either side."""
    padded = np.pad(x, ((1, 1), (0, 0)))
    n = (len(x) - 1) // stride + 1
    taps = [padded[t:t + stride * (n - 1) + 1:stride] @ weight[:, :, t].T for t in range(3)]
    return taps[0] + taps[1] + taps[2] + bias


def _attention(q, k, v):
    out = np.empty_like(q)
    for at in range(0, q.shape[1], HEAD_DIM):
        head = slice(at, at + HEAD_DIM)
        scores = (q[:, head] * HEAD_DIM ** -0.5) @ k[:, head].T
        e = np.exp(scores - scores.max(-1, keepdims=True))
        out[:, head] = (e @ v[:, head]) / e.sum(-1, keepdims=True)
    return out


def encode(tensors, mel, dtype=np.float64):
    """mel [frames][n_mels] -> features [positions][d_model]."""
    def get(name):
        return tensors[name].astype(dtype)

    def linear(name, x):
        y = x @ get(name + ".weight").T
        return y + get(name + ".bias") if name + ".bias" in tensors else y

    def norm(name, x):
        return _norm(x, get(name + ".weight"), get(name + ".bias"))

    x = _gelu(_conv(mel.astype(dtype), get("conv1.weight"), get("conv1.bias"), 1))
    x = _gelu(_conv(x, get("conv2.weight"), get("conv2.bias"), 2))
    x = x + get("embed_positions.weight")[:len(x)]
    for i in range(sizes(tensors)[2]):
        p = f"layers.{i}."
        h = norm(p + "self_attn_layer_norm", x)
        q, k, v = (linear(f"{p}self_attn.{c}_proj", h) for c in "qkv")
        x = x + linear(p + "self_attn.out_proj", _attention(q, k, v))
        h = _gelu(linear(p + "fc1", norm(p + "final_layer_norm", x)))
        x = x + linear(p + "fc2", h)
    return norm("layer_norm", x)


def cosine(a, b):
    """Cosine of every row."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
