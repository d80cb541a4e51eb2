#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Make tests/data/ggml/: small vectors in every number format, by an independent quantiser.

TYPE.bin holds 512 values as the format stores them, TYPE.f32 the same values as little-endian f32,
as the `gguf` package converts them back. The files are committed; they were made by:

    python3 -m venv VENV && VENV/bin/pip install gguf==0.19.0 numpy==2.4.6
    VENV/bin/python tests/data/make_ggml.py
"""
import pathlib

import numpy
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize

TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]


def values():
    """16 blocks of 32: like weights, and hard cases for blocks."""
    random = numpy.random.default_rng(20221)
    blocks = random.normal(0, 0.05, (16, 32)).astype(numpy.float32)
    blocks[1] = 0
    blocks[2] = -numpy.abs(blocks[2])
    blocks[3] = numpy.abs(blocks[3])
    blocks[4] *= 1e-6  # f16 denormals
    blocks[5] *= 2e4  # hundreds
    blocks[6, 0] = -7.5  # one outlier of either sign
    blocks[7, 31] = 7.5
    blocks[8] = 0.25  # no range
    blocks[9] = numpy.linspace(-1, 1, 32)
    return blocks.reshape(2, 256)


def main():
    folder = pathlib.Path(__file__).parent / "ggml"
    folder.mkdir(exist_ok=True)
    for name in TYPES:
        kind = GGMLQuantizationType[name]
        stored = quantize(values(), kind)
        back = dequantize(stored, kind).astype("<f4")
        (folder / f"{name.lower()}.bin").write_bytes(stored.tobytes())
        (folder / f"{name.lower()}.f32").write_bytes(back.tobytes())


if __name__ == "__main__":
    main()
