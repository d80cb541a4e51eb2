#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""short_window_reference.py REFERENCE WEIGHTS POSITIONS OUT WAV...: features of short windows in float64.

REFERENCE: the folder of wref.py; WEIGHTS: a safetensors file; WAV: 16 kHz mono s16, cut into consecutive windows of
POSITIONS, the last padded with zeros. OUT: f32 [windows of all WAVs][POSITIONS][d_model]. A window is Whisper with a
shorter audio context: its own frames of the recording's log-mel, normalised by their own maximum, the first rows of
the position table, attention over its positions alone. Needs numpy.
"""
import math
import pathlib
import sys

import numpy as np

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'bench'))
import encoder_ref  # noqa: E402


def load(path):
    """Tensors by wref.py's names, whatever the file's type and prefix are."""
    return {'model.encoder.' + name: x for name, x in encoder_ref.load(path).items()}


def window_mels(wref, x, positions, n_mels=80):
    """[windows] of [n_mels][2 positions]; like wref.logmel(), for these windows."""
    size = 320 * positions
    end = -(-len(x) // size) * size
    x = np.pad(np.pad(x, (0, end - len(x))), 200, mode='reflect')
    frames = np.lib.stride_tricks.sliding_window_view(x, 400)[::160][:-1]
    hann = 0.5 - 0.5 * np.cos(2 * math.pi * np.arange(400) / 400)
    power = np.abs(np.fft.rfft(frames * hann, axis=1)) ** 2
    mel = np.log10(np.maximum(wref.bank(n_mels) @ power.T, 1e-10))
    windows = [mel[:, i:i + 2 * positions] for i in range(0, mel.shape[1], 2 * positions)]
    return [(np.maximum(m, m.max() - 8) + 4) / 4 for m in windows]


def quick_erf():
    """A function for arrays, from a table of erf and its derivative at each 1/1024: the cubic between two of them is
    within 1e-13, and many times quicker than math.erf value by value."""
    step, last = 1 / 1024, 6
    at = np.arange(0, last + 2 * step, step)
    f = np.array([math.erf(t) for t in at])
    g = 2 / math.sqrt(math.pi) * np.exp(-at * at) * step

    def erf(x):
        size = np.minimum(np.abs(x), last) / step
        i = size.astype(int)
        t = size - i
        rest = f[i + 1] - f[i]
        y = f[i] + t * (g[i] + t * (3 * rest - 2 * g[i] - g[i + 1] + t * (g[i] + g[i + 1] - 2 * rest)))
        return np.sign(x) * y
    x = np.linspace(-6.5, 6.5, 20011)
    assert np.abs(erf(x) - [math.erf(t) for t in x]).max() < 1e-13
    return erf


def open_reference(folder):
    sys.path.insert(0, folder)
    import wref
    wref.erf = quick_erf()
    return wref


def main():
    reference, weights, positions, out = sys.argv[1:5]
    wref = open_reference(reference)
    tensors = load(weights)
    with open(out, 'wb') as f:
        for path in sys.argv[5:]:
            for mel in window_mels(wref, wref.wav(path), int(positions)):
                f.write(wref.encode(tensors, mel).astype('<f4').tobytes())


if __name__ == '__main__':
    main()
