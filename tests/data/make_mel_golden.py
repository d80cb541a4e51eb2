#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write librivox-sense-0870.mel80.f32 and .mel128.f32: every 50th log-mel frame of the clip's 30 s
window, [60][n_mels] little-endian float32, in double precision with only Python's own
library (half a minute)."""
import array, cmath, math, os, sys, wave

HERE = os.path.dirname(os.path.abspath(__file__))
CLIP = "librivox-sense-0870"
SAMPLES, SIZE, HOP = 480000, 400, 160


def read_clip():
    with wave.open(os.path.join(HERE, CLIP + ".wav")) as clip:
        assert (clip.getframerate(), clip.getnchannels(), clip.getsampwidth()) == (16000, 1, 2)
        pcm = array.array("h", clip.readframes(clip.getnframes()))
    if sys.byteorder == "big":
        pcm.byteswap()
    return [s / 32768 for s in pcm]


def transform(x):
    """The discrete Fourier transform by its prime factors."""
    n = len(x)
    radix = next((p for p in (2, 5) if n % p == 0), n)
    if n == 1:
        return x
    parts = [transform(x[r::radix]) for r in range(radix)]
    m = n // radix
    root = [cmath.exp(-2j * math.pi * k / n) for k in range(n)]
    return [sum(root[k * r % n] * parts[r][k % m] for r in range(radix)) for k in range(n)]


def mel_from_hz(hz):
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000, 6.4)


def hz_from_mel(mel):
    return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)


def bank(n_mels):
    """Slaney's triangles: [n_mels] lists of (bin, weight)."""
    edge = [hz_from_mel(mel_from_hz(8000) * j / (n_mels + 1)) for j in range(n_mels + 2)]
    rows = []
    for a, b, c in zip(edge, edge[1:], edge[2:]):
        weights = [(k, min((k * 40 - a) / (b - a), (c - k * 40) / (c - b))) for k in range(201)]
        rows.append([(k, w * 2 / (c - a)) for k, w in weights if w > 0])
    return rows


def main():
    x = read_clip()
    assert 400 < len(x) < SAMPLES - 400
    x += [0.0] * (SAMPLES - len(x))
    x = x[200:0:-1] + x + x[-2:-202:-1]
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * i / SIZE) for i in range(SIZE)]
    power = []
    for t in range(SAMPLES // HOP):
        frame = [a * b for a, b in zip(x[HOP * t : HOP * t + SIZE], hann)]
        power.append([abs(v) ** 2 for v in transform(frame)[:201]] if any(frame) else None)
    for n_mels in (80, 128):
        rows, mel = bank(n_mels), []
        for p in power:
            sums = [sum(w * p[k] for k, w in row) for row in rows] if p else [0.0] * n_mels
            mel.append([math.log10(max(s, 1e-10)) for s in sums])
        top = max(max(frame) for frame in mel)
        values = array.array("f", [(max(v, top - 8) + 4) / 4 for f in mel[::50] for v in f])
        if sys.byteorder == "big":
            values.byteswap()
        with open(os.path.join(HERE, f"{CLIP}.mel{n_mels}.f32"), "wb") as out:
            values.tofile(out)


main()
