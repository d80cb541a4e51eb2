#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the float64 features of short windows: of the small encoders of tests/data/encoder/, and of the base encoder.

    python3 tests/data/make_short_golden.py REFERENCE BASE [--check]

REFERENCE is the folder of wref.py, BASE the weights of the base encoder. Needs numpy.

encoder/NAME.short.f32               windows of 1, 50, 64, 65, 250 and 1499 positions, one after the other: of n
                                     positions the rows 0, s, 2 s ..., s = max(1, n // 16), and the last row once more,
                                     as little-endian f32 [rows][d_model]. The input is the first 2 n frames of the mel
                                     of make_encoder_golden.py
librivox-sense-0870.base.short.f32   the clip's first 5 s and then its first seconds 1 to 5, each as a window, of 250
                                     and 50 positions; the same rows, [rows][512]

--check makes them again and compares, to 1e-5, because another NumPy may sum in another order.
"""
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'npu'))
import short_window_reference as short  # noqa: E402

MODELS = (('m128-d128-l1', 128, 1), ('m80-d64-l3', 80, 2))  # name, n_mels, seed of its mel
POSITIONS = (1, 50, 64, 65, 250, 1499)
CLIP = 'librivox-sense-0870'


def rows(features):
    n = len(features)
    return np.concatenate([features[::max(1, n // 16)], features[-1:]])


def lcg_mel(seed, n_mels):
    values = np.empty(3000 * n_mels)
    for i in range(len(values)):
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = ((seed >> 8) - (1 << 23)) * 2.0 ** -23
    return values.reshape(3000, n_mels)


def small(wref, name, n_mels, seed):
    tensors = short.load(HERE / f'encoder/{name}.safetensors')
    mel = lcg_mel(seed, n_mels)
    return np.concatenate([rows(wref.encode(tensors, mel[:2 * n].T)) for n in POSITIONS])


def speech(wref, weights):
    tensors = short.load(weights)
    x = wref.wav(str(HERE / f'{CLIP}.wav'))
    mels = short.window_mels(wref, x, 250)[:1] + short.window_mels(wref, x, 50)[:5]
    return np.concatenate([rows(wref.encode(tensors, mel)) for mel in mels])


def main():
    if len(sys.argv) < 3 or sys.argv[3:] not in ([], ['--check']):
        print(__doc__, file=sys.stderr)
        return 2
    wref = short.open_reference(sys.argv[1])
    files = {f'encoder/{model[0]}.short.f32': small(wref, *model) for model in MODELS}
    files[f'{CLIP}.base.short.f32'] = speech(wref, sys.argv[2])
    wrong = 0
    for name, features in files.items():
        if len(sys.argv) == 3:
            features.astype('<f4').tofile(HERE / name)
            continue
        stored = np.fromfile(HERE / name, '<f4')
        same = stored.size == features.size and np.abs(stored - features.ravel()).max() <= 1e-5
        print(f'ok {name}' if same else f'not ok {name}: the features differ')
        wrong += not same
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
