#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whisper features of a folder of recordings, a NumPy file for each.

    folder.py [--match GLOB] [--set PROPERTY=VALUE] IN OUT

IN/a/talk.opus becomes OUT/a/talk.opus.npy, float32 [windows][positions][channels] for numpy.load,
and OUT/a/talk.opus.json, which says when each window starts, how many seconds of audio it holds and
how many of its positions are not padding. PROPERTY is one of whispernpu's; write durations as 5s,
500ms or in ns. The same command continues where an earlier run ended: it skips finished files unless
they, the model or the settings have changed. It reports a file that cannot be read and goes on with
the others. Needs what features.py needs.

Exit status: 0 every file has its features, 1 some could not be read, 2 nothing works (no such
folder, model, plugin or setting, no space), 130 interrupted.
"""
import argparse
import json
import math
import os
import re
import signal
import struct
import sys
import time
from fractions import Fraction
from pathlib import Path

import features
import numpy as np
from gi.repository import GLib, GObject, Gst

POSITION = 0.02  # s
NANOSECONDS = {"": 1, "ns": 1, "us": 1000, "ms": 10**6, "s": 10**9}
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
HEADER = 128  # bytes


def npy_header(shape):
    """The first HEADER bytes of a .npy file, format 1.0, whatever the number of windows."""
    what = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": shape}
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", HEADER - 10) + f"{what!r:117}\n".encode()


def read_number(spec, text):
    """An integer; a duration, in ns for the element, may have a unit."""
    is_time = spec.value_type == GObject.TYPE_UINT64
    match = re.fullmatch(r"(\d{1,20})(\.\d{1,9})?([a-z]*)", text, re.ASCII)
    unit = match and NANOSECONDS.get(match[3])
    if not unit or not is_time and (match[2] or match[3]):
        form = "a duration as 5s, 500ms or in ns" if is_time else "a whole number"
        raise RuntimeError(f"{spec.name}={text}: expected {form}")
    value = Fraction(match[1] + (match[2] or "")) * unit
    if not spec.minimum <= value <= spec.maximum:
        expected = f"{spec.minimum} to {spec.maximum}"
        if is_time:
            expected = f"{spec.minimum / 10**9:g}s to {spec.maximum / 10**9:g}s; without a unit it is ns"
        raise RuntimeError(f"{spec.name}={text}: expected {expected}")
    if is_time and value % round(POSITION * 10**9):
        raise RuntimeError(f"{spec.name}={text}: expected a multiple of {POSITION * 1000:g}ms")
    if value.denominator != 1:
        raise RuntimeError(f"{spec.name}={text}: expected a whole number")
    return int(value)


def read_value(spec, text):
    """The value for a property; RuntimeError where the element would not take it as written."""
    if GObject.type_is_a(spec.value_type, GObject.TYPE_ENUM):
        values = {value.value_nick: value for value in spec.enum_class.__enum_values__.values()}
    elif spec.value_type == GObject.TYPE_BOOLEAN:
        values = BOOLEANS
    elif spec.value_type == GObject.TYPE_STRING:
        return text
    else:
        return read_number(spec, text)
    if text not in values:
        raise RuntimeError(f"{spec.name}={text}: expected {', '.join(values)}")
    return values[text]


def apply(element, settings):
    """Set properties of the element, of which `settings` is a list of PROPERTY=VALUE; return what
    it has then, for a JSON file."""
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise RuntimeError(f"--set {setting}: expected PROPERTY=VALUE")
        spec = element.find_property(name)
        # GStreamer's own properties, such as the name, are no settings.
        if spec is None or spec.owner_type != element.__gtype__:
            raise RuntimeError(f'--set {setting}: whispernpu has no property "{name}"')
        if not spec.flags & GObject.ParamFlags.WRITABLE:
            raise RuntimeError(f'--set {setting}: the property "{name}" can only be read')
        element.set_property(name, read_value(spec, text))
    names = (element.find_property(setting.partition("=")[0]).name for setting in settings)
    values = {name: element.get_property(name) for name in names}
    return {name: getattr(value, "value_nick", value) for name, value in values.items()}


class Encoder:
    """The element with its settings. It lives on between files and so keeps the weights loaded."""

    def __init__(self, settings):
        self.wishes = settings
        self.element = Gst.ElementFactory.make("whispernpu")
        if not self.element:
            raise RuntimeError("GStreamer finds no element whispernpu; set GST_PLUGIN_PATH")
        self.settings = apply(self.element, settings)
        bus = Gst.Bus.new()
        self.element.set_bus(bus)
        self.element.set_state(Gst.State.PAUSED)
        loaded = False
        while not loaded:
            what = Gst.MessageType.ERROR | Gst.MessageType.PROGRESS
            message = bus.timed_pop_filtered(Gst.CLOCK_TIME_NONE, what)
            if message.type == Gst.MessageType.ERROR:
                self.close()
                raise RuntimeError(message.parse_error()[0].message)
            loaded = message.parse_progress()[0] == Gst.ProgressType.COMPLETE
        self.model = self.element.get_property("active-model")

    def close(self):
        self.element.set_state(Gst.State.NULL)

    def encode(self, path, file, progress):
        """Write the windows of a recording to `file`; return (shape, a description of each window)."""
        pipeline, watch = features.open_file(path)
        apply(pipeline.get_by_name("whisper"), self.wishes)
        shape, described = None, []
        try:
            file.write(bytes(HEADER))
            for sample in features.windows(pipeline, watch):
                with features.view(sample) as window:
                    if shape not in (None, window.shape):
                        raise RuntimeError("its windows are not all of one size")
                    shape = window.shape
                    file.write(window)
                start = features.start_of(sample)
                seconds = sample.get_buffer().duration / Gst.SECOND
                real = min(shape[0], math.ceil(round(seconds / POSITION, 6)))
                described.append({"start": start, "seconds": seconds, "positions": real})
                progress(start + seconds, pipeline.query_duration(Gst.Format.TIME))
        finally:
            watch.close()
        shape = (len(described), *shape)
        file.seek(0)
        file.write(npy_header(shape))
        return shape, described


def identity(path, name, encoder):
    """If any of this has changed, the features of a file are out of date."""
    stat = path.stat()
    return {
        "source": name,
        "bytes": stat.st_size,
        "modified_ns": stat.st_mtime_ns,
        "model": encoder.model,
        "settings": encoder.settings,
    }


def is_done(npy, wanted):
    try:
        found = json.loads(npy.with_suffix(".json").read_text())
        size = HEADER + 4 * math.prod(found["shape"])
        return wanted.items() <= found.items() and npy.stat().st_size == size
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def write_whole(path, write):
    """write(file) to a temporary file, which then becomes `path` in one step, or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        with open(part, "wb") as file:
            result = write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return result


def process(path, npy, wanted, encoder, progress):
    """Returns the seconds of audio and the number of windows."""
    npy.parent.mkdir(parents=True, exist_ok=True)
    shape, described = write_whole(npy, lambda file: encoder.encode(path, file, progress))
    # Written last: it marks the file as done.
    text = json.dumps({**wanted, "shape": shape, "windows": described}, indent=1) + "\n"
    write_whole(npy.with_suffix(".json"), lambda file: file.write(text.encode()))
    return sum(window["seconds"] for window in described), len(described)


def find_files(folder, match, exclude):
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f[0] != "." and Path(where, f).resolve() != exclude)
        for path in (Path(where, name) for name in sorted(names) if name[0] != "."):
            if path.is_file() and path.match(match):
                yield path


def say(text, end="\n"):
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(clear + text, end=end, file=sys.stderr, flush=True)


def run(args, encoder):
    paths = list(find_files(args.input, args.match, args.output.resolve()))
    before = done = failed = 0
    audio, began = 0.0, time.monotonic()
    for i, path in enumerate(paths, 1):
        name = str(path.relative_to(args.input))
        npy = args.output / f"{name}.npy"
        label = f"[{i}/{len(paths)}] {name}"

        def progress(position, duration):
            whole = f" of {duration[1] / Gst.SECOND:.0f}" if duration[0] else ""
            if sys.stderr.isatty():
                say(f"{label}: {position:.0f}{whole} s", end="")

        try:
            wanted = identity(path, name, encoder)
            if is_done(npy, wanted):
                before += 1
                continue
            start = time.monotonic()
            seconds, n_windows = process(path, npy, wanted, encoder, progress)
            speed = seconds / (time.monotonic() - start)
            say(f"{label}: {seconds:.1f} s in {n_windows} windows, {speed:.0f} times real time")
            done += 1
            audio += seconds
        except UnicodeError:
            failed += 1
            say(f"{label!a}: not done: GStreamer needs names in UTF-8")
        except RuntimeError as error:
            failed += 1
            say(f"{label}: not done: {error}")
    took = time.monotonic() - began
    say(f"{done} done now ({audio:.0f} s of audio in {took:.0f} s), {before} before, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("input", metavar="IN", type=Path)
    parser.add_argument("output", metavar="OUT", type=Path)
    parser.add_argument("--match", metavar="GLOB", default="*", help="only such names, say '*.opus'")
    parser.add_argument(
        "--set",
        metavar="PROPERTY=VALUE",
        action="append",
        default=[],
        help="a property of whispernpu, say model-file=openai/whisper-small",
    )
    args = parser.parse_args()
    if not args.input.is_dir():
        parser.error(f"{args.input} is not a folder")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        encoder = Encoder(args.set)
        try:
            return run(args, encoder)
        finally:
            encoder.close()
    except KeyboardInterrupt:
        say("interrupted; the same command goes on from here")
        return 130
    except (RuntimeError, OSError, GLib.Error) as error:
        say(f"{parser.prog}: {getattr(error, 'message', error)}")
        return 2


if __name__ == "__main__":
    Gst.init(None)
    sys.exit(main())
