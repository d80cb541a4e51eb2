#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each example says about files without audio, and about joined files.

    files.py FEATURES-PROGRAM SHOW-PROGRAM EXAMPLES MODEL BUSY-BIN

The caller's environment says where the plugin is. MODEL is a small one: the features do not matter. BUSY-BIN is busy_bin.c as a library.
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

passed = failed = skipped = 0
NO_AUDIO = "there is no audio in it"
VORBIS_OFF = "vorbisdec:NONE,ivorbisdec:NONE,avdec_vorbis:NONE"
THEORA_OFF = "theoradec:NONE,avdec_theora:NONE"
# What busy_bin.c does, for a program in Python, whose calls it does not see.
BUSY_BIN = """
import runpy, sys, gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst

Gst.init(None)
real = Gst.Bin.iterate_all_by_element_factory_name

def iterate(self, name):
    elements, other = real(self, name), Gst.Bin.new(None)
    self.add(other)
    self.remove(other)
    return elements

Gst.Bin.iterate_all_by_element_factory_name = iterate
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def report(name, why):
    """A case; `why` says what is wrong, empty if nothing."""
    global passed, failed
    passed, failed = passed + (not why), failed + bool(why)
    print(f"not ok {name}: {why}" if why else f"ok {name}", flush=True)


def launch(*words):
    subprocess.run(["gst-launch-1.0", "-q", *words], check=True, timeout=60, capture_output=True)


def write(path, *words):
    launch(*" ".join(words).split(), "!", "filesink", f"location={path}")
    return path


def tone(samples, rate=16000, channels=1):
    caps = f"audio/x-raw,rate={rate},channels={channels}"
    return f"audiotestsrc num-buffers=1 samplesperbuffer={samples} ! {caps} ! audioconvert"


VIDEO = "videotestsrc num-buffers=10 ! video/x-raw,width=64,height=48,framerate=5/1 ! theoraenc"


def make_files(where):
    """{name: (path, words of the message)}; files without audio."""
    write(where / "whole.opus", tone(16000), "! opusenc ! oggmux")
    webm = write(where / "whole.webm", tone(16000), "! opusenc ! webmmux streamable=true").read_bytes()
    subtitles = where / "lines.srt"
    subtitles.write_text("1\n00:00:00,000 --> 00:00:02,000\nHello\n\n")
    contents = {
        "empty.wav": b"",
        "text.txt": b"There is no audio in here.\n",
        "no_samples.wav": struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36, b"WAVEfmt ", 16, 1, 1, 16000,
                                      32000, 2, 16, b"data", 0),
        "header_only.webm": webm[: webm.index(b"\x1f\x43\xb6\x75")],
        "picture.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0",
    }
    for name, content in contents.items():
        (where / name).write_bytes(content)
    (where / "folder.wav").mkdir()
    write(where / "video.ogv", VIDEO, "! oggmux")
    write(where / "subtitles.mkv", f"filesrc location={subtitles} ! subparse ! matroskamux")
    said = dict.fromkeys(("no_samples.wav", "header_only.webm", "picture.png", "video.ogv",
                          "subtitles.mkv"), NO_AUDIO)
    said |= dict.fromkeys(("empty.wav", "text.txt"), r"\.")
    return said | {"folder.wav": "is a directory", "absent.wav": "[Nn]ot found"}


class Examples:
    """The four programs; each is (name, command for a file)."""

    def __init__(self, features, show, examples, where):
        self.where, self.env = where, {}
        python = sys.executable
        self.programs = {
            "features_c": [features],
            "features_py": [python, examples / "features.py"],
            "show": [show, "-o", where],
        }
        self.folder = [python, examples / "folder.py"]

    def run(self, command, ranks=""):
        env = {**os.environ, **self.env, "GST_PLUGIN_FEATURE_RANK": ranks}
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                                  env=env, cwd=self.where)
        except subprocess.TimeoutExpired:
            return None, "", "no end within a minute"
        return done.returncode, done.stdout, done.stderr

    def run_folder(self, name, ranks=""):
        """folder.py on one file: (exit status, JSON or None, stderr)."""
        out = self.where / "out"
        code, _, err = self.run([*self.folder, "--match", name, self.where, out], ranks)
        about = out / f"{name}.json"
        return code, json.loads(about.read_text()) if about.exists() else None, err

    def check_refused(self, case, name, words, *more, ranks="", without=""):
        """Every program ends with 1 and one sentence with the words, and no window."""
        for program, command in self.programs.items():
            if more and program == "show":
                continue
            code, out, err = self.run([*command, self.where / name, *more], ranks)
            good = code == 1 and not out and re.search(words, err) and len(err.splitlines()) == 1
            good = good and not (without and re.search(without, err))
            report(f"{program}_{case}", f"{code}: {out}{err}" * (not good))
        if more or not (self.where / name).is_file():
            return
        code, about, err = self.run_folder(name, ranks)
        good = code == 1 and not about and re.search(f"not done: .*{words}", err)
        good = good and "1 failed" in err and not (without and re.search(without, err))
        report(f"folder_{case}", f"{code}: {about}{err}" * (not good))


def test_no_audio(examples):
    for name, words in make_files(examples.where).items():
        examples.check_refused(f"refuses_{name}", name, words, without="[Mm]issing|[Pp]lug-?in|nstall")
    # No decoder for the pictures either: that does not matter.
    examples.check_refused("video_without_decoder", "video.ogv", NO_AUDIO, ranks=THEORA_OFF,
                           without="[Mm]issing|[Pp]lug-?in|nstall")


def test_missing_decoder(examples):
    where = examples.where
    write(where / "a.ogg", tone(16000), "! vorbisenc ! oggmux")
    write(where / "av.ogg", f"oggmux name=m {VIDEO} ! m. {tone(16000)} ! vorbisenc ! m. m.")
    for name in ("a.ogg", "av.ogg"):
        examples.check_refused(f"names_decoder_of_{name}", name, "plugin.*: Vorbis", ranks=VORBIS_OFF)
    examples.check_refused("names_one_of_two_decoders", "av.ogg", "plugin.*: Vorbis",
                           ranks=f"{VORBIS_OFF},{THEORA_OFF}", without="Theora")


def test_start_behind_end(examples):
    where = examples.where
    write(where / "a.wav", tone(16000), "! wavenc")
    for name in ("a.wav", "whole.opus", "whole.webm", "a.ogg", "header_only.webm"):
        for start in ("1.5", "3600"):
            examples.check_refused(f"{name}_has_no_{start}_s", name, f"no audio.*{start} s|seek", start)


def write_chain(path, *links):
    """Ogg files one after another, each with its own serial number."""
    data = b""
    for i, (link, codec) in enumerate(links):
        data += write(path.with_name(f"link{i}"), link, f"! {codec} ! oggmux").read_bytes()
        path.with_name(f"link{i}").unlink()
    path.write_bytes(data)
    return path


def test_chained(examples):
    """All links, each at its own time, whatever their rates and channels are."""
    where = examples.where
    chains = {
        "two.opus": ([(tone(32000), "opusenc"), (tone(16000), "opusenc")], [(0, 2), (2, 1)]),
        "three.ogg": (
            [(tone(16000), "vorbisenc"), (tone(96000, 48000, 2), "vorbisenc"),
             (tone(4000, 8000), "vorbisenc")],
            [(0, 1), (1, 2), (3, 0.5)],
        ),
    }
    for name, (links, want) in chains.items():
        write_chain(where / name, *links)
        for program, command in list(examples.programs.items())[:2]:
            code, out, err = examples.run([*command, where / name])
            found = re.findall(r"window at +([\d.]+) s, +([\d.]+) s of audio", out)
            good = code == 0 and [tuple(map(float, pair)) for pair in found] == want
            report(f"{program}_reads_all_of_{name}", f"{code}: {out}{err}" * (not good))
        code, out, err = examples.run([*examples.programs["show"], where / name])
        end = want[-1][0] + want[-1][1]
        good = code == 0 and f"duration      {end:.2f} s" in out
        good = good and f"windows       {len(want)} of 30 s, {len(want)} padded" in out
        report(f"show_reads_all_of_{name}", f"{code}: {out}{err}" * (not good))
        code, about, err = examples.run_folder(name)
        found = [(w["start"], w["seconds"]) for w in about["windows"]] if about else []
        good = code == 0 and found == want
        report(f"folder_reads_all_of_{name}", f"{code}: {found} {err}" * (not good))
        for start in ("0.5", "2.5", "60"):
            examples.check_refused(f"{name}_not_from_{start}_s", name, "chained Ogg", start)


def test_chained_and_busy(examples, busy_bin):
    """A chained Ogg is known as one while the decoder changes its elements."""
    [c], [python, script] = (examples.programs[name] for name in ("features_c", "features_py"))
    for program, command in {
        "features_c": ["env", f"LD_PRELOAD={busy_bin}", c],
        "features_py": [python, "-c", BUSY_BIN, script],
    }.items():
        code, out, err = examples.run([*command, examples.where / "two.opus", "0.5"])
        good = code == 1 and not out and "chained Ogg" in err
        report(f"{program}_knows_a_chain_that_changes", f"{code}: {out}{err}" * (not good))


def test_joined(examples):
    """Parts that GStreamer takes for one stream: refused, naming a tool that reads them if there is one."""
    where = examples.where
    opus = write(where / "a.opus", tone(32000), "! opusenc ! oggmux").read_bytes()
    vorbis = write(where / "b.ogg", tone(16000), "! vorbisenc ! oggmux").read_bytes()
    flac = write(where / "a.flac", tone(32000), "! flacenc").read_bytes()
    other = write(where / "b.flac", tone(16000, 48000, 2), "! flacenc").read_bytes()
    id3 = b"ID3\4\0\0\0\0\0\x10" + bytes(16)
    joined = {
        "twice.opus": (opus * 2, "Ogg.*same serial number"),
        "other_between.ogg": (vorbis + opus + vorbis, "Ogg.*same serial number"),
        "cut_before.opus": (opus[:-1000] + opus, "Ogg.*same serial number"),
        "twice.flac": (flac * 2, "FLAC files joined"),
        "two.flac": (other + flac, "FLAC files joined"),
        "tagged.flac": (id3 + flac + id3 + other, "FLAC files joined"),
    }
    for name, (content, words) in joined.items():
        (where / name).write_bytes(content)
        examples.check_refused(name, name, words)
        examples.check_refused(f"{name}_from_0.5_s", name, words, "0.5")
    # One FLAC with a tag before it is not a joined file.
    (where / "one.flac").write_bytes(id3 + flac)
    for program, command in examples.programs.items():
        code, out, err = examples.run([*command, where / "one.flac"])
        report(f"{program}_reads_one.flac", f"{code}: {out}{err}" * (code != 0))
    code, about, err = examples.run_folder("one.flac")
    good = code == 0 and [(w["start"], w["seconds"]) for w in about["windows"]] == [(0, 2)]
    report("folder_reads_one.flac", f"{code}: {about} {err}" * (not good))


def test_silence(examples):
    """A pipe without data, and a GIF's header, at whose end libav's demuxer reads for ever: the
    programs end."""
    where = examples.where
    examples.env["WHISPERNPU_TEST_PATIENCE"] = "2"
    os.mkfifo(where / "pipe")
    pipe = os.open(where / "pipe", os.O_RDWR)
    names = ["pipe"]
    if not subprocess.run(["gst-inspect-1.0", "--exists", "avdemux_gif"], check=False).returncode:
        (where / "header.gif").write_bytes(b"GIF89a\1\0\1\0\0\0\0")
        names.append("header.gif")
    for name in names:
        examples.check_refused(f"ends_in_{name}", name, "does not end")
        examples.check_refused(f"ends_in_{name}_from_0.5_s", name, "does not end", "0.5")
    os.close(pipe)


def feed(pipe, process, data):
    """Write what fits into a pipe at once, as soon as its reader, if it still runs, has made room."""
    while process.poll() is None:
        try:
            os.write(pipe, data)
            break
        except BlockingIOError:
            time.sleep(0.05)


def test_slow(examples):
    """The programs go on while data come: pipes, each of which takes longer to the audio than a
    program waits for data."""
    examples.env["WHISPERNPU_TEST_PATIENCE"] = "5"
    junk = 4096 * 140
    wav = b"RIFF" + struct.pack("<I4s4sI", junk + 32044, b"WAVE", b"JUNK", junk) + bytes(junk)
    wav += struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16, b"data", 32000)
    wav += bytes(32000)
    pipes, running = [], []
    for program, command in examples.programs.items():
        path = examples.where / f"slow_{program}"
        os.mkfifo(path)
        pipes.append(os.open(path, os.O_RDWR | os.O_NONBLOCK))
        running.append(subprocess.Popen([*command, path], stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.STDOUT, env={**os.environ, **examples.env}))
    for at in range(0, len(wav), 4096):
        for pipe, process in zip(pipes, running):
            feed(pipe, process, wav[at : at + 4096])
        time.sleep(0.05)
    for program, pipe, process in zip(examples.programs, pipes, running):
        os.close(pipe)
        out, _ = process.communicate(timeout=60)
        good = process.returncode == 0 and "1.00 s" in out
        report(f"{program}_waits_for_slow_data", f"{process.returncode}: {out}" * (not good))


def main():
    features, show, folder, model, busy_bin = (Path(name).resolve() for name in sys.argv[1:6])
    os.environ["WHISPERNPU_MODEL"] = str(model)
    try:
        subprocess.run([sys.executable, "-c", "import features"], cwd=folder, check=True,
                       capture_output=True)
    except subprocess.CalledProcessError:
        print("skip files: Python has no gi, GstApp, GstPbutils or NumPy")
        print("0 passed, 0 failed, 1 skipped")
        return
    with tempfile.TemporaryDirectory() as where:
        examples = Examples(features, show, folder, Path(where))
        test_no_audio(examples)
        test_missing_decoder(examples)
        test_start_behind_end(examples)
        test_chained(examples)
        test_chained_and_busy(examples, busy_bin)
        test_joined(examples)
        test_silence(examples)
        test_slow(examples)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
