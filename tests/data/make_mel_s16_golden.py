# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the golden integers of the integer log-mel (profile npu).

    python3 tests/data/make_mel_s16_golden.py [FOLDER]

mel_s16.txt                          one line a case: SIGNAL N_MELS GAIN and 30 hashes, each FNV-1a
                                     (64 bit) of 100 frames' values as little-endian s16
librivox-sense-0870.mel80.s16        every 10th of the clip's frames 0 .. 719, [72][80]

FOLDER has the clips jfk.wav, librivox-sense-0880.wav and -0890.wav; without it their lines stay as
they are. Needs NumPy. Written from kernels/kernels.h ("log-mel") and npu/npu.h (gain): every bin and
weight by its definition, nothing folded or skipped but frames of zeros.

Signals: a clip's name, or NAME+LEVEL with NAME below and LEVEL a factor in f32, 1, 0.1 or 0.01:
noise    f32 [480000], from s[i + 1] = s[i] * 1664525 + 1013904223 mod 2^32, s[0] = 1, as
         ((s[i + 1] >> 8) - 2^23) * 2^-23
pulses   100003 samples: 1 where i % 1999 = 0, 1 / 3 where i % 80 < 40, else -1 / 3
librivox-sense-0870   the clip's samples
"""
import math
import pathlib
import sys
import wave

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
CLIP = "librivox-sense-0870"
SAMPLES, FRAMES = 480000, 3000


def read_clip(folder, name):
    with wave.open(str(folder / f"{name}.wav")) as clip:
        assert (clip.getframerate(), clip.getnchannels(), clip.getsampwidth()) == (16000, 1, 2)
        return np.frombuffer(clip.readframes(clip.getnframes()), "<i2") / np.float32(32768)


def noise():
    state, x = 1, np.zeros(SAMPLES, np.float32)
    for i in range(SAMPLES):
        state = (state * 1664525 + 1013904223) % 2**32
        x[i] = ((state >> 8) - 2**23) * 2.0**-23
    return x


def pulses():
    i = np.arange(100003)
    third = np.float32(1) / np.float32(3)
    x = np.where(i % 80 < 40, third, -third)
    x[i % 1999 == 0] = 1
    return x.astype(np.float32)


def transform():
    """The constants as they multiply, [402][400]."""
    # The index is reduced before the cosine, in integers.
    cosine = np.array([math.cos(2 * math.pi * i / 400) for i in range(400)])
    n, k = np.arange(400), np.arange(201)[:, None]
    hann = 0.5 - 0.5 * cosine
    turns = np.vstack([k * n, k * n + 100]) % 400
    c = np.rint(hann * cosine[turns] * 2**30)
    hi = np.clip(np.rint(c / 2**15), -32768, 32767)
    lo = np.clip(c - hi * 2**15, -32768, 32767)
    return hi.astype(np.int64), lo.astype(np.int64)


def bank(n_mels):
    """Integer weights [n_mels][201] and the scale of each row."""
    def hz(mel):
        return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)

    top = 15 + 27 * math.log(8, 6.4)
    edge = [hz(top * j / (n_mels + 1)) for j in range(n_mels + 2)]
    weights = np.zeros((n_mels, 201))
    for j, (a, b, c) in enumerate(zip(edge, edge[1:], edge[2:])):
        for k in range(201):
            height = min((k * 40 - a) / (b - a), (c - k * 40) / (c - b))
            weights[j, k] = max(0, height) * 2 / (c - a)
    scale = 32767 / weights.max(axis=1)
    return np.rint(weights * scale[:, None]).astype(np.int64), scale


def to_integers(x):
    """s16 samples of the padded window, and the gain."""
    x = np.concatenate([x, np.zeros(SAMPLES - len(x), np.float32)]).astype(np.float64)
    units = x * 2**15
    if (units == np.rint(units)).all() and units.min() >= -32768 and units.max() <= 32767:
        gain = 0
    else:
        gain = min(-math.frexp(np.abs(x).max())[1], 32)
    q = np.minimum(np.rint(units * 2.0**gain), 32767).astype(np.int64)
    return np.concatenate([q[200:0:-1], q, q[-2:-42:-1]]), gain


def bit_length(values):
    return np.array([int(v).bit_length() for v in values.ravel()]).reshape(values.shape)


def log_mel(x, n_mels):
    """y [3000][n_mels] and the gain."""
    q, gain = to_integers(x)
    frames = np.lib.stride_tricks.sliding_window_view(q, 400)[::160]
    hi, lo = transform()
    weights, scale = bank(n_mels)
    table = np.array([round(65536 * math.log2(1 + i / 256)) for i in range(257)])
    offset = np.array([round(65536 * (-30 - 16 - 2 * gain - math.log2(s))) for s in scale])
    y = np.full((FRAMES, n_mels), -12288, np.int64)
    busy = np.flatnonzero(np.abs(frames).max(axis=1))
    # NumPy has no fast int64 products; the sums stay below 2^53, so float64 gives the same.
    a = frames[busy].astype(np.float64) @ hi.T.astype(np.float64)
    b = frames[busy].astype(np.float64) @ lo.T.astype(np.float64)
    total = (a.astype(np.int64) << 15) + b.astype(np.int64)
    assert abs(total).max() < 2**53
    spectrum = np.rint(total / 2**22).astype(np.int64)
    assert abs(spectrum).max() < 2**31
    power = spectrum[:, :201] ** 2 + spectrum[:, 201:] ** 2
    e = np.maximum(bit_length(power.max(axis=1)) - 36, 0)
    half = np.where(e > 0, 1 << np.maximum(e - 1, 0), 0)
    power = (power + half[:, None]) >> e[:, None]
    sums = power @ weights.T
    b = bit_length(np.maximum(sums, 1)) - 1
    u = np.where(b > 23, sums >> np.maximum(b - 23, 0), sums << np.maximum(23 - b, 0)) & 0x7FFFFF
    i, f = u >> 15, u >> 7 & 255
    value = (b << 16) + table[i] + ((table[i + 1] - table[i]) * f + 128 >> 8)
    value += (e << 16)[:, None] + offset
    value = (value * round(math.log10(2) / 4 * 2**27) + 2**29 >> 30) + 8192
    y[busy] = np.where(sums == 0, -12288, np.maximum(value, -12288))
    return np.maximum(y, y.max() - 16384).astype("<i2"), gain


def fnv(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return h


def line(name, x, n_mels):
    y, gain = log_mel(x, n_mels)
    blocks = [y[t : t + 100].tobytes() for t in range(0, FRAMES, 100)]
    print(f"{name} {n_mels}: gain {gain}, {y.min()} .. {y.max()}", flush=True)
    return f"{name} {n_mels} {gain} " + " ".join(f"{fnv(b):016x}" for b in blocks), y


def main():
    target = HERE / "mel_s16.txt"
    old = target.read_text().splitlines() if target.exists() else []
    lines = []
    for clip in ("jfk", CLIP, "librivox-sense-0880", "librivox-sense-0890"):
        folder = HERE if clip == CLIP else pathlib.Path(sys.argv[1]) if sys.argv[1:] else None
        if folder is None:
            lines += [text for text in old if text.startswith(f"{clip} ")]
            continue
        for n_mels in (80, 128):
            text, y = line(clip, read_clip(folder, clip), n_mels)
            lines.append(text)
            if clip == CLIP and n_mels == 80:
                (HERE / f"{CLIP}.mel80.s16").write_bytes(y[:720:10].tobytes())
    for name, x in (("noise", noise()), ("pulses", pulses()), (CLIP, read_clip(HERE, CLIP))):
        for level in ("1", "0.1", "0.01"):
            if name == CLIP and level == "1":
                continue
            for n_mels in (80, 128) if level == "0.1" else (80,):
                scaled = x * np.float32(level)
                lines.append(line(f"{name}+{level}", scaled, n_mels)[0])
    target.write_text("\n".join(lines) + "\n")


main()
