#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What features.py and folder.py promise: python.py EXAMPLES CLIP REFERENCE.

The caller's environment says where the plugin is.
"""
import ctypes
import importlib.util
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

passed = failed = skipped = 0


def report(name, why):
    """A case; `why` says what is wrong, empty if nothing."""
    global passed, failed
    passed, failed = passed + (not why), failed + bool(why)
    print(f"not ok {name}: {why}" if why else f"ok {name}", flush=True)


def skip(name, why):
    global skipped
    skipped += 1
    print(f"skip {name}: {why}", flush=True)


def finish():
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed > 0)


# ---- A window's features are a view of the encoder's memory ----


class MapInfo(ctypes.Structure):
    """GstMapInfo."""

    _fields_ = [
        ("memory", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("maxsize", ctypes.c_size_t),
        ("user_data", ctypes.c_void_p * 4),
        ("reserved", ctypes.c_void_p * 4),
    ]


def address(buffer):
    """Where a GstBuffer's bytes are, from the C library: PyGObject's hash is the pointer."""
    library = ctypes.CDLL("libgstreamer-1.0.so.0")
    info, pointer = MapInfo(), ctypes.c_void_p(hash(buffer))
    if not library.gst_buffer_map(pointer, ctypes.byref(info), 1):
        raise RuntimeError("gst_buffer_map failed")
    found = info.data, info.size
    # From GStreamer 1.28 on this clears it.
    library.gst_buffer_unmap(pointer, ctypes.byref(info))
    return found


def test_view(features, clip):
    gst = features.Gst
    pipeline = gst.parse_launch(
        f"filesrc location={clip} ! decodebin ! whispernpu ! appsink name=out sync=false"
    )
    for sample in features.windows(pipeline):
        with features.view(sample) as window:
            where, size = address(sample.get_buffer())
            if importlib.util.find_spec("gi.overrides.Gst"):
                seen = window.__array_interface__["data"][0]
                report("view_is_no_copy", f"at {seen:#x}, not {where:#x}" * (seen != where))
                writable = "an array that may be written" * window.flags.writeable
                report("view_is_not_to_be_written", writable)
            else:
                skip("view_is_no_copy", "no Python module of GStreamer's own (python3-gst-1.0)")
            report("view_has_all", f"{window.nbytes} bytes of {size}" * (window.nbytes != size))
    pipeline.set_state(gst.State.NULL)


# ---- A folder ----


class Folder:
    """Recordings, and folder.py's results for them."""

    def __init__(self, script, where):
        self.script, self.where = script, where
        self.input, self.output = where / "in", where / "out"

    def command(self, *options):
        return [sys.executable, self.script, *options, self.input, self.output]

    def run(self, *options, **keys):
        done = subprocess.run(
            self.command(*options), capture_output=True, text=True, timeout=240, check=False, **keys
        )
        return done.returncode, done.stderr

    def files(self):
        return sorted(
            str(path.relative_to(self.output)) for path in self.output.rglob("*") if path.is_file()
        )


def silence(path, seconds):
    """A WAV file of silence that takes no space on the disk."""
    size = 32000 * seconds
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt ")
        file.write(struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16))
        file.write(b"data" + struct.pack("<I", size))
        file.truncate(44 + size)


def fill(folder, clip):
    """Three good files, one of them in a subfolder, and four that are no audio."""
    (folder.input / "below").mkdir(parents=True)
    shutil.copy(clip, folder.input / "a.wav")
    silence(folder.input / "below" / "long one.wav", 65)
    gst_launch = f"filesrc location={clip} ! decodebin ! audioconvert ! audioresample !"
    gst_launch += " audio/x-raw,rate=44100,channels=2 ! vorbisenc ! oggmux ! filesink location="
    subprocess.run(["gst-launch-1.0", "-q", *f"{gst_launch}{folder.input}/b.ogg".split()], check=True)
    (folder.input / "empty.wav").touch()
    (folder.input / "text.txt").write_text("no audio\n")
    # The beginning of a picture of 1 x 1.
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0"
    (folder.input / "picture.png").write_bytes(png)
    (folder.input / "half a header.wav").write_bytes(clip.read_bytes()[:30])


GOOD = ["a.wav", "b.ogg", "below/long one.wav"]
BROKEN = ["empty.wav", "half a header.wav", "picture.png", "text.txt"]
OUTPUTS = sorted(name + end for name in GOOD for end in (".json", ".npy"))


def test_first_run(folder, reference, np):
    code, said = folder.run()
    report("folder_exit_status_tells_of_broken_files", f"exit status {code}" * (code != 1))
    found = folder.files()
    report("folder_writes_every_recording", f"wrote {found}" * (found != OUTPUTS))
    lines = said.splitlines()
    silent = [name for name in BROKEN if not any(f"] {name}: not done: " in line for line in lines)]
    report("folder_reports_what_it_cannot_read", f"no word of {silent}" * bool(silent))
    told = any(line.endswith("] picture.png: not done: there is no audio in it") for line in lines)
    report("folder_says_that_a_picture_has_no_audio", said * (not told))
    shapes = [np.load(folder.output / f"{name}.npy").shape for name in GOOD]
    wanted = [(1, 1500, 512), (1, 1500, 512), (3, 1500, 512)]
    report("folder_arrays_are_windows", f"{shapes}" * (shapes != wanted))
    want = np.fromfile(reference, "<f4").reshape(30, 512)
    got = np.load(folder.output / "a.wav.npy")[0, ::50]
    norms = np.linalg.norm(want, axis=1) * np.linalg.norm(got, axis=1)
    cosine = float(np.mean(np.sum(want * got, axis=1) / norms))
    report("folder_values_are_the_encoder_s", f"mean cosine {cosine}" * (not cosine > 0.999))
    about = json.loads((folder.output / "below/long one.wav.json").read_text())["windows"]
    wanted = [
        {"start": start, "seconds": seconds, "positions": round(50 * seconds)}
        for start, seconds in ((0.0, 30.0), (30.0, 30.0), (60.0, 5.0))
    ]
    report("folder_json_says_what_windows_hold", f"{about}" * (about != wanted))


def times(folder):
    return {name: (folder.output / name).stat().st_mtime_ns for name in folder.files()}


def test_second_run(folder):
    before = times(folder)
    code, said = folder.run()
    same = code == 1 and times(folder) == before and "0 done now" in said and "3 before" in said
    report("folder_leaves_alone_what_is_done", said * (not same))
    for name in BROKEN:
        (folder.input / name).unlink()
    # One recording has changed, and the features of another are incomplete.
    silence(folder.input / "a.wav", 31)
    os.truncate(folder.output / "b.ogg.npy", 1000)
    code, said = folder.run()
    after = times(folder)
    changed = sorted(name for name in after if after[name] != before[name])
    wanted = [name for name in OUTPUTS if not name.startswith("below")]
    why = f"{code}: wrote {changed}: {said}" * (code != 0 or changed != wanted)
    report("folder_redoes_what_has_changed", why)


def start_and_stop(folder, number):
    """Stop a run in the middle of an hour; (its exit status, its output, files of the hour)."""
    silence(folder.input / "z.wav", 3600)
    run = subprocess.Popen(folder.command(), stderr=subprocess.PIPE, text=True)
    part, deadline = folder.output / ".z.wav.npy.part", time.monotonic() + 120
    # Two windows and no more than that of the 120.
    while not (part.exists() and part.stat().st_size > 3072128) and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(number)
    said = run.communicate(timeout=60)[1]
    return run.returncode, said, [name for name in folder.files() if "z.wav" in name]


def test_interrupted(folder):
    before = times(folder)
    for number in (signal.SIGINT, signal.SIGTERM):
        code, said, left = start_and_stop(folder, number)
        clean = code == 130 and not left and times(folder) == before and "goes on" in said
        why = f"exit status {code}, left {left}: {said}" * (not clean)
        report(f"folder_{number.name}_leaves_nothing_half_done", why)
    code, said, left = start_and_stop(folder, signal.SIGKILL)
    why = f"exit status {code}, left {left}" * (code != -9 or left != [".z.wav.npy.part"])
    report("folder_SIGKILL_leaves_no_half_array", why)
    silence(folder.input / "z.wav", 31)
    code, said = folder.run()
    wanted = sorted(OUTPUTS + ["z.wav.json", "z.wav.npy"])
    good = code == 0 and folder.files() == wanted and "1 done now" in said and "3 before" in said
    report("folder_goes_on_after_an_interrupt", f"{folder.files()}: {said}" * (not good))
    after = times(folder)
    kept = all(after[name] == before[name] for name in before)
    report("folder_goes_on_with_the_rest_only", "wrote what was done" * (not kept))


REFUSED = {  # {PROPERTY=VALUE: what must be said of it}
    "window-duration=5": "1s to 30s; without a unit it is ns",
    "window-duration=31s": "1s to 30s",
    "window-duration=30000000001": "1s to 30s",
    "window-duration=-5s": "5s, 500ms",
    "window-duration=5.01s": "multiple of 20ms",
    "window-duration=5000000001": "multiple of 20ms",
    "window-duration=5 s": "5s, 500ms",
    "window-duration=5S": "5s, 500ms",
    "window-duration=five": "5s, 500ms",
    "window-duration=": "5s, 500ms",
    "window-duration=99999999999999999999s": "1s to 30s",
    "hop-duration=31s": "0s to 30s",
    "hop-duration=10ms": "multiple of 20ms",
    "hop-duration=-1": "5s, 500ms",
    "threads=1000": "0 to 256",
    "threads=-1": "whole number",
    "threads=2.5": "whole number",
    "threads=2s": "whole number",
    "max-windows=0": "1 to 16",
    "max-windows=17": "1 to 16",
    "profile=F32": "auto, int8, f32, npu",
    "profile=1": "auto, int8, f32, npu",
    "late=sometimes": "wait, drop",
    "post-messages=maybe": "true",
    "active-device=cpu": "can only be read",
    "stats=1": "can only be read",
    "name=x": 'no property "name"',
    "modell=x": 'no property "modell"',
    "threads": "PROPERTY=VALUE",
    "=5": 'no property ""',
}
TAKEN = {  # {what is set: what the element has then}
    ("window-duration=5s",): {"window-duration": 5 * 10**9},
    ("window-duration=1500ms", "hop-duration=0.5s"): {
        "window-duration": 1500 * 10**6, "hop-duration": 500 * 10**6},
    ("window-duration=2000000000",): {"window-duration": 2 * 10**9},
    ("threads=1", "late=drop", "post-messages=yes"): {
        "threads": 1, "late": "drop", "post-messages": True},
    ("threads=1", "threads=2"): {"threads": 2},
}


def test_settings(folder):
    for setting, words in REFUSED.items():
        code, said = folder.run("--set", setting)
        good = code == 2 and words in said and len(said.splitlines()) == 1 and not folder.files()
        report(f"folder_refuses_{setting}", f"{code}, {folder.files()}: {said}" * (not good))
    for settings, want in TAKEN.items():
        words = [word for setting in settings for word in ("--set", setting)]
        code, said = folder.run("--match", "a.wav", *words)
        about = json.loads((folder.output / "a.wav.json").read_text()) if code == 0 else {}
        good = about.get("settings") == want
        if seconds := want.get("window-duration"):
            good = good and about["shape"][1] == seconds * 50 // 10**9
        report(f"folder_takes_{'_'.join(settings)}", f"{code}: {about} {said}" * (not good))
        shutil.rmtree(folder.output, ignore_errors=True)


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


def test_nothing_works(folder):
    cases = {
        "model": ("found nothing of that name", ["--set", "model-file=/no/such/model"], None),
        "property": ('no property "modell"', ["--set", "modell=x"], None),
        "value": ("profile=x: expected auto, int8, f32, npu", ["--set", "profile=x"], None),
        "space": ("File too large", [], limit_files),
    }
    for name, (text, options, limit) in cases.items():
        code, said = folder.run(*options, preexec_fn=limit)
        good = code == 2 and text in said and len(said.splitlines()) == 1 and not folder.files()
        report(f"folder_bad_{name}_is_one_error", f"{code}, {folder.files()}: {said}" * (not good))
    shutil.rmtree(folder.input)
    code, said = folder.run()
    why = f"{code}: {said}" * (code != 2 or "not a folder" not in said)
    report("folder_no_folder_is_an_error", why)


def main():
    examples, clip, reference = map(Path, sys.argv[1:4])
    sys.path.insert(0, str(examples))
    try:
        import features
    except (ImportError, ValueError) as error:
        skip("view_and_folder", f"Python has no gi, GstApp or NumPy: {error}")
        finish()
    features.Gst.init(None)
    test_view(features, clip)
    with tempfile.TemporaryDirectory() as where:
        folder = Folder(examples / "folder.py", Path(where))
        fill(folder, clip)
        test_first_run(folder, reference, features.np)
        test_second_run(folder)
        test_interrupted(folder)
        shutil.rmtree(folder.output)
        test_settings(folder)
        test_nothing_works(folder)
    finish()


if __name__ == "__main__":
    main()
