#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whisper features in Python: decode any audio file, see every window's features as an array.

    features.py FILE [START]

START, in seconds, is where to begin. Needs PyGObject, NumPy and GStreamer's Python module (Debian:
python3-gi gir1.2-gst-plugins-base-1.0 python3-numpy python3-gst-1.0). Without the last, PyGObject
hands out copies of the features instead of views, and all else stays as it is.
"""
import re
import sys
from contextlib import contextmanager

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, Gst, GstApp  # noqa: E402,F401  GstApp gives appsink its methods

# A file without audio is an error when decodebin may give nothing else, and none of its pictures are
# decoded. Plain decodebin would let such a file end in silence, or not at all.
PIPELINE = (
    "filesrc name=file ! decodebin caps=audio/x-raw expose-all-streams=false "
    "! whispernpu name=whisper ! appsink name=out sync=false max-buffers=2"
)


@contextmanager
def view(sample):
    """A window's features, float32 [positions][channels], as the value of a with statement.

    The array is a view of the memory that the encoder wrote, not to be changed and valid inside the
    with statement alone; copy what must stay.
    """
    buffer = sample.get_buffer()
    # The caps say dimensions=(string)D:1500, innermost first: 1500 positions of D floats each. Their
    # text is read for it, as GStreamer 1.26 has changed how Python gets at their fields.
    shape = re.search(r"dimensions=\(string\)(\d+):(\d+)", sample.get_caps().to_string())
    channels, positions = map(int, shape.groups())
    ok, info = buffer.map(Gst.MapFlags.READ)
    if not ok:
        raise RuntimeError("the buffer could not be mapped")
    try:
        yield np.frombuffer(info.data, np.float32).reshape(positions, channels)
    finally:
        buffer.unmap(info)


def windows(pipeline):
    """Play `pipeline`, yield each sample of its appsink "out"; an error raises RuntimeError."""
    out, bus = pipeline.get_by_name("out"), pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    ended = False
    while not ended:
        # An error comes on the bus, with or without an end of stream after it: look at both.
        ended = out.is_eos()
        if message := bus.pop_filtered(Gst.MessageType.ERROR):
            error, detail = message.parse_error()
            # A user can install what is missing, once it has a name.
            missing = re.search(r"Missing [^:\n]*: [^(,\n]*[^(,\n ]", detail or "")
            why = f"{message.src.get_name()}: {error.message}"
            raise RuntimeError(f"{why} {missing[0]}." if missing else why)
        if not ended and (sample := out.try_pull_sample(Gst.SECOND // 10)):
            yield sample


def seek(pipeline, start):
    """Begin at `start` s. An error is left to windows()."""
    # Who seeks must wait until the pipeline knows its file: paused, with data at the sink. Without
    # ACCURATE the first window would begin where the decoder likes best.
    pipeline.set_state(Gst.State.PAUSED)
    if pipeline.get_state(Gst.CLOCK_TIME_NONE)[0] == Gst.StateChangeReturn.SUCCESS:
        flags = Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE
        if not pipeline.seek_simple(Gst.Format.TIME, flags, int(start * Gst.SECOND)):
            raise RuntimeError("cannot seek in this file")


def main(path, start):
    pipeline = Gst.parse_launch(PIPELINE)
    pipeline.get_by_name("file").set_property("location", path)
    try:
        if start > 0:
            seek(pipeline, start)
        for sample in windows(pipeline):
            buffer = sample.get_buffer()
            with view(sample) as features:
                # The buffer's time stamp is that of the window's first sample; its duration is that
                # of the audio in it, so positions past duration / 20 ms are padding.
                print(
                    f"window at {buffer.pts / Gst.SECOND:6.2f} s, "
                    f"{buffer.duration / Gst.SECOND:5.2f} s of audio: "
                    f"{features.shape[0]} positions x {features.shape[1]} channels, "
                    f"rms {np.sqrt(np.mean(np.square(features, dtype='f8'))):.4f}"
                )
    finally:
        pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    Gst.init(None)
    try:
        begin = float(sys.argv[2]) if len(sys.argv) == 3 else 0
        if len(sys.argv) not in (2, 3) or not 0 <= begin < 1e9:
            raise ValueError
    except ValueError:
        sys.exit(f"usage: {sys.argv[0]} FILE [START]")
    try:
        main(sys.argv[1], begin)
    except (GLib.Error, RuntimeError) as error:  # GLib.Error: no plugin, say
        sys.exit(str(getattr(error, "message", error)))
