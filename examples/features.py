#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whisper features in Python: decode any audio file, see every window's features as an array.

    features.py FILE

Needs PyGObject and NumPy (Debian: python3-gi gir1.2-gst-plugins-base-1.0 python3-numpy). With
GStreamer's own Python module (python3-gst-1.0) the array is a view of the buffer; without it
PyGObject hands out a copy, and the same code works on that.
"""
import sys

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, Gst, GstApp  # noqa: E402,F401  GstApp gives appsink its methods


def window(sample):
    """(start in s, seconds of audio, use) where use(f) calls f with an array [positions][channels].

    The array may be a view of GStreamer's memory, so it is valid inside f only; copy what must stay.
    """
    buffer = sample.get_buffer()
    shape = sample.get_caps().get_structure(0).get_string("dimensions")
    channels, positions = map(int, shape.split(":")[:2])

    def use(function):
        ok, info = buffer.map(Gst.MapFlags.READ)
        if not ok:
            raise RuntimeError("the buffer could not be mapped")
        try:
            return function(np.frombuffer(info.data, np.float32).reshape(positions, channels))
        finally:
            buffer.unmap(info)

    return buffer.pts / Gst.SECOND, buffer.duration / Gst.SECOND, use


def main(path):
    pipeline = Gst.parse_launch(
        "filesrc name=file ! decodebin ! whispernpu ! appsink name=out sync=false max-buffers=2"
    )
    pipeline.get_by_name("file").set_property("location", path)
    out = pipeline.get_by_name("out")
    pipeline.set_state(Gst.State.PLAYING)
    bus, error = pipeline.get_bus(), None
    # An error comes on the bus and may leave the sink without an end of stream: look at both.
    while error is None and not out.is_eos():
        error = bus.pop_filtered(Gst.MessageType.ERROR)
        if sample := out.try_pull_sample(Gst.SECOND // 10):
            start, seconds, use = window(sample)
            shape, rms = use(lambda f: (f.shape, float(np.sqrt(np.mean(np.square(f, dtype="f8"))))))
            print(
                f"window at {start:6.2f} s, {seconds:5.2f} s of audio: "
                f"{shape[0]} positions x {shape[1]} channels, rms {rms:.4f}"
            )
    pipeline.set_state(Gst.State.NULL)
    if error is not None:
        print(f"{error.src.get_name()}: {error.parse_error()[0].message}", file=sys.stderr)
    return 0 if error is None else 1


if __name__ == "__main__":
    Gst.init(None)
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FILE")
    try:
        sys.exit(main(sys.argv[1]))
    except GLib.Error as error:  # no plugin, say
        sys.exit(error.message)
