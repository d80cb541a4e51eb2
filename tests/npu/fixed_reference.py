#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fixed_reference.py REFERENCE MODEL MEL OUT [RESIDUAL_BITS]: the integers of profile npu by its NumPy model.

REFERENCE: the folder of npu.py, attn.c and wref.py; MODEL: a safetensors file; MEL: s16 [frames][n_mels] at 2^-13.
Writes to the folder OUT, each as little-endian int32 [rows][channels]: h00 (the residual stream after the stem),
h01, h02 ... (after every output projection and every FC2), z (the final norm), and hashes: a line "name hash" each,
hash = sum of (x[i] mod 2^32) * (2 i + 1) * 0x9e3779b97f4a7c15 mod 2^64. Needs numpy and a C compiler.
"""
import ctypes
import os
import subprocess
import sys

import numpy as np

reference, model, mel_path, out = sys.argv[1:5]
sys.path.insert(0, reference)
sys.dont_write_bytecode = True
import npu  # noqa: E402
import wref  # noqa: E402

ARITHMETIC = {'gint': 1, 'gelu': 1024, 'one': 1, 'wl': {}, 'wl2': {0: {'qkv': 16, 'o': 16}}, 'wconv': 16, 'wconv2': 8,
              'exp': (1024, 16.), 'imel': 1}


def put(name, a):
    assert np.abs(a).max() < 2 ** 31 and (a == np.rint(a)).all()
    a = np.ascontiguousarray(a).astype('<i4')
    a.tofile(f'{out}/{name}.i32')
    x = a.astype(np.uint32).astype(np.uint64).ravel()
    weight = (2 * np.arange(len(x), dtype=np.uint64) + 1) * np.uint64(0x9e3779b97f4a7c15)
    with open(f'{out}/hashes', 'a') as f:
        f.write(f'{name} {int((x * weight).sum()):016x}\n')


class Tapped(npu.Enc):
    def rs(self, h, i):
        h = super().rs(h, i)
        put(f'h{i:02d}', h)
        return h

    def norm(self, x, m, sh, final=False):
        z = super().norm(x, m, sh, final)
        if final:
            put('z', z)
        return z


os.makedirs(out, exist_ok=True)
if os.path.exists(f'{out}/hashes'):
    os.unlink(f'{out}/hashes')
subprocess.check_call(['cc', '-O2', '-shared', '-fPIC', '-w', '-o', f'{out}/attn.so', f'{reference}/attn.c'])
npu.Enc._so = ctypes.CDLL(f'{out}/attn.so')
tensors = wref.load(model)
if len(sys.argv) > 5:
    ARITHMETIC['resF'] = int(sys.argv[5])
n_mels = tensors['model.encoder.conv1.weight'].shape[1]
mel = np.fromfile(mel_path, '<i2').reshape(-1, n_mels).astype(float)
Tapped(tensors, ARITHMETIC).run(mel.T)
assert sum(npu.SAT.values()) == 0
