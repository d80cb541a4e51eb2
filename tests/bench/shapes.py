# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sizes of OpenAI's models, and weights files of such a size with random values."""
import functools
import math

import numpy as np

import encoder_ref

# n_mels, d_model, layers; dtype as the published files have it
SIZES = {"tiny": (80, 384, 4, "F32"), "base": (80, 512, 6, "F32"), "small": (80, 768, 12, "F32"),
         "medium": (80, 1024, 24, "F32"), "large-v3": (128, 1280, 32, "F16")}


def random_tensor(rng, name, shape):
    x = rng.standard_normal(shape, np.float32)
    if len(shape) == 1:
        return 1 + 0.1 * x if "norm.weight" in name else 0.1 * x
    if name == "embed_positions.weight":
        return 0.1 * x
    gain = 1.5 if "q_proj" in name or "k_proj" in name else 1
    return x * np.float32(gain / math.sqrt(math.prod(shape[1:])))


def save_random(path, size, seed=1):
    """Write a weights file of one of SIZES; the same seed gives the same file."""
    n_mels, d_model, n_layers, dtype = SIZES[size]
    rng = np.random.default_rng(seed)
    shapes = encoder_ref.tensor_shapes(n_mels, d_model, n_layers)
    encoder_ref.save(path, [(key, shape, functools.partial(random_tensor, rng, key, shape))
                            for key, shape in shapes.items()], dtype)
    return rng
