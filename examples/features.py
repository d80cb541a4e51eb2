#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whisper features in Python: decode any audio file, see every window's features as an array.

    features.py FILE [START]

START: where to begin, in seconds. Exit status: 0 windows came, 1 none or not all, and a sentence
says why. Needs PyGObject, NumPy and GStreamer's Python module (Debian:
python3-gi gir1.2-gst-plugins-base-1.0 python3-numpy python3-gst-1.0). Without the last, PyGObject
returns copies of the features instead of views; everything else works.
"""
import mmap
import os
import re
import sys
from contextlib import contextmanager

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstPbutils", "1.0")
from gi.repository import GLib, Gst, GstApp, GstPbutils  # noqa: E402,F401  GstApp: appsink's methods

# decodebin may only give audio: then a file without audio is an error, and no pictures are decoded.
# Plain decodebin would let such a file end silently, or not at all.
PIPELINE = (
    "filesrc name=file ! decodebin name=decoder caps=audio/x-raw expose-all-streams=false "
    "whispernpu name=whisper ! appsink name=out sync=false max-buffers=2"
)
NO_AUDIO = "there is no audio in it"
CHECK = 0.1  # s
PATIENCE = float(os.environ.get("WHISPERNPU_TEST_PATIENCE", 30))  # s


def link_audio(decoder, pad, whisper):
    # Links the first pad, one of which comes for each track of audio. A chained Ogg (several files
    # one after another) changes its pads where the next file begins; "!" would link only once.
    sink = whisper.get_static_pad("sink")
    if not sink.is_linked() and pad.link(sink) != Gst.PadLinkReturn.OK:
        error = GLib.Error.new_literal(Gst.StreamError.quark(), "its audio cannot be taken", 1)
        decoder.post_message(Gst.Message.new_error(decoder, error, None))


def refuse(path):
    """RuntimeError for joined files that GStreamer would read in part, or with wrong times, without
    an error."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) == 0:
            return
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            serials, n_flac = [], 0
            # Each stream of an Ogg file begins with a page that says so (RFC 3533: "OggS", version 0,
            # flags with 2 for a beginning, 8 bytes, the serial number).
            if data[:4] == b"OggS":
                serials = re.findall(rb"(?s)OggS\0[\2\3\6\7].{8}(.{4})", data)
            # FLAC begins with "fLaC" and STREAMINFO (RFC 9639): block type 0, 0x80 if it is the last,
            # 34 bytes.
            elif data[:4] == b"fLaC" or data[:3] == b"ID3":
                n_flac = len(re.findall(rb"fLaC[\0\x80]\0\0\x22", data))
    except OSError:  # filesrc says what is wrong
        return
    if len(set(serials)) < len(serials):
        raise RuntimeError(
            "several Ogg files joined into one with the same serial number, which GStreamer takes "
            'for one stream: read the parts one by one, or what "ffmpeg -i FILE OUT.wav" writes'
        )
    if n_flac > 1:
        raise RuntimeError(
            "several FLAC files joined into one, which GStreamer takes for one stream: read the "
            "parts one by one"
        )


class Watch:
    """Finds out when the pipeline is stuck: no audio found, and no data from the file for PATIENCE."""

    def __init__(self, pipeline):
        self.pipeline = pipeline
        self.audio = pipeline.get_by_name("whisper").get_static_pad("sink")
        self.idle, self.moved, self.stuck = 0, False, False
        pad = pipeline.get_by_name("file").get_static_pad("src")
        pad.add_probe(Gst.PadProbeType.BUFFER, self.note_data)

    def note_data(self, _pad, _info):
        self.moved = True
        return Gst.PadProbeReturn.OK

    def is_stuck(self):
        # Counts checks, not seconds: a program that was stopped, or waited for a CPU, has not
        # waited for data. Once the audio is found, the encoder may hold the file back.
        self.idle = 0 if self.moved or self.audio.is_linked() else self.idle + 1
        self.moved = False
        self.stuck = self.stuck or self.idle * CHECK >= PATIENCE
        return self.stuck

    def close(self):
        """Stop the pipeline; if it is stuck, in another thread, which may take for ever."""
        if self.stuck:
            self.pipeline.call_async(lambda pipeline: pipeline.set_state(Gst.State.NULL))
        else:
            self.pipeline.set_state(Gst.State.NULL)


def open_file(path):
    """A pipeline for windows() that reads a file, and the watch on it that closes it."""
    refuse(path)
    pipeline = Gst.parse_launch(PIPELINE)
    pipeline.get_by_name("file").set_property("location", str(path))
    decoder = pipeline.get_by_name("decoder")
    decoder.connect("pad-added", link_audio, pipeline.get_by_name("whisper"))
    return pipeline, Watch(pipeline)


@contextmanager
def view(sample):
    """A window's features, float32 [positions][channels], as the value of a with statement.

    The array is a view of the memory that the encoder wrote: read-only, and valid only inside the
    with statement; copy what you keep.
    """
    buffer = sample.get_buffer()
    # The caps say dimensions=(string)D:1500, innermost first: 1500 positions of D floats each. This
    # reads their text, because GStreamer 1.26 changed how Python reads their fields.
    shape = re.search(r"dimensions=\(string\)(\d+):(\d+)", sample.get_caps().to_string())
    channels, positions = map(int, shape.groups())
    ok, info = buffer.map(Gst.MapFlags.READ)
    if not ok:
        raise RuntimeError("the buffer could not be mapped")
    try:
        yield np.frombuffer(info.data, np.float32).reshape(positions, channels)
    finally:
        buffer.unmap(info)


def start_of(sample):
    """Where in the file a window's first sample is, in s: from its time stamp and the segment."""
    pts = sample.get_buffer().pts
    return sample.get_segment().to_stream_time(Gst.Format.TIME, pts) / Gst.SECOND


def missing_for_audio(message):
    """What a message says is missing, None if it is only for pictures or subtitles."""
    flags = GstPbutils.PbUtilsCapsDescriptionFlags
    # "gstreamer|1.0|PROGRAM|DESCRIPTION|decoder-CAPS"
    detail = GstPbutils.missing_plugin_message_get_installer_detail(message) or ""
    kind = flags(0)
    if caps := Gst.Caps.from_string(detail.split("|")[-1].partition("-")[2]):
        kind = GstPbutils.pb_utils_get_caps_description_flags(caps)
    seen = kind & (flags.VIDEO | flags.IMAGE | flags.SUBTITLE)
    if seen and not kind & (flags.AUDIO | flags.CONTAINER):
        return None
    return GstPbutils.missing_plugin_message_get_description(message)


def explain(message, missing):
    """An error message as a sentence. One of decodebin itself means that the file gave no audio."""
    error, _ = message.parse_error()
    none = error.matches(Gst.CoreError.quark(), Gst.CoreError.MISSING_PLUGIN) or any(
        error.matches(Gst.StreamError.quark(), code)
        for code in (Gst.StreamError.CODEC_NOT_FOUND, Gst.StreamError.FAILED)
    )
    if message.src.get_name() != "decoder" or not none:
        return f"{error.message} ({message.src.get_name()})"
    # Names what is missing, so that the user can install it.
    return f"no GStreamer plugin that is installed decodes it: {missing}" if missing else NO_AUDIO


def windows(pipeline, watch=None):
    """Play `pipeline`, yield each sample of its appsink "out"; an error, or a stream without any
    window, raises RuntimeError."""
    out, bus = pipeline.get_by_name("out"), pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    ended, missing, n_windows = False, None, 0
    while not ended:
        # An error comes on the bus, with or without an end of stream after it: check both.
        ended = out.is_eos()
        while message := bus.pop_filtered(Gst.MessageType.ERROR | Gst.MessageType.ELEMENT):
            if message.type == Gst.MessageType.ERROR:
                raise RuntimeError(explain(message, missing))
            if GstPbutils.is_missing_plugin_message(message):
                missing = missing_for_audio(message) or missing
        if ended:
            break
        if sample := out.try_pull_sample(int(CHECK * Gst.SECOND)):
            n_windows += 1
            yield sample
        elif watch and watch.is_stuck():
            raise RuntimeError("GStreamer finds no audio in it and does not end")
    if n_windows == 0:
        raise RuntimeError(NO_AUDIO)


def is_chained(pipeline):
    """Whether the paused file is a chained Ogg: its segment is only a part of it."""
    demuxers = pipeline.iterate_all_by_element_factory_name("oggdemux")
    # The decoder changes its elements meanwhile, at the next link of the chain.
    while (found := demuxers.next()[0]) == Gst.IteratorResult.RESYNC:
        demuxers.resync()
    event = pipeline.get_by_name("out").get_static_pad("sink").get_sticky_event(
        Gst.EventType.SEGMENT, 0
    )
    if found != Gst.IteratorResult.OK or not event:
        return False
    segment = event.parse_segment()
    known = segment.duration != Gst.CLOCK_TIME_NONE
    return segment.time > 0 or (known and segment.duration > segment.stop)


def seek(pipeline, watch, start):
    """Begin at `start` s. windows() reports errors."""
    # Before a seek the pipeline must know its file: paused, with data at the sink. Without ACCURATE
    # the decoder would choose where the first window begins.
    paused = pipeline.set_state(Gst.State.PAUSED)
    while paused == Gst.StateChangeReturn.ASYNC and not watch.is_stuck():
        paused = pipeline.get_state(int(CHECK * Gst.SECOND))[0]
    if paused != Gst.StateChangeReturn.SUCCESS:
        return
    # GStreamer 1.22 may never end it after a seek.
    if is_chained(pipeline):
        raise RuntimeError("several files joined into one (chained Ogg): read it from its start")
    flags = Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE
    if not pipeline.seek_simple(Gst.Format.TIME, flags, int(start * Gst.SECOND)):
        raise RuntimeError("cannot seek in this file")


def main(path, start):
    pipeline, watch = open_file(path)
    try:
        if start > 0:
            seek(pipeline, watch, start)
        for sample in windows(pipeline, watch):
            buffer = sample.get_buffer()
            with view(sample) as features:
                # The buffer's duration is that of the audio in it, so positions past
                # duration / 20 ms are padding.
                print(
                    f"window at {start_of(sample):6.2f} s, "
                    f"{buffer.duration / Gst.SECOND:5.2f} s of audio: "
                    f"{features.shape[0]} positions x {features.shape[1]} channels, "
                    f"rms {np.sqrt(np.mean(np.square(features, dtype='f8'))):.4f}"
                )
    finally:
        watch.close()


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
    except GLib.Error as error:  # such as a missing plugin
        sys.exit(error.message)
    except RuntimeError as error:
        after = f" from {begin:g} s on" if str(error) == NO_AUDIO and begin > 0 else ""
        sys.exit(f"{sys.argv[1]}: {error}{after}")
