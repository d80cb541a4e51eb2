#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run every command of README.md's section "In a pipeline": readme.py ROOT BUILD CLIP.

As written, but with a free port. The caller's environment says where the plugin is. Without sound
hardware autoaudiosrc and autoaudiosink use silent replacements, so all commands run anywhere.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RATE, CHANNELS = 50, 512  # positions per second, floats each: the default model
MESSAGE = r"element\): whispernpu, .*positions=\(uint\)250,"


def commands(text):
    """The indented lines of the section; lines continued by a backslash are joined."""
    section = text.split("\n## In a pipeline\n")[1].split("\n## ")[0]
    lines = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    return [re.sub(r" +", " ", c) for c in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines()]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def environment():
    """As it is, with Debian's own Python, the one that has gi, ahead of any other."""
    return {**os.environ, "PATH": f"/usr/bin:{os.environ['PATH']}"}


def start(command, where):
    return subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=where,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def check_windows(said, where):
    size = 4 * 30 * RATE * CHANNELS
    found = [path.stat().st_size for path in sorted(where.glob("window-*.f32"))]
    if found != [size]:
        return f"window files of {found} bytes, not one of {size}"
    return "" if f"dimensions=(string){CHANNELS}:1500" in said else "-v says nothing of the shape"


def check_message(said, where):
    return "" if re.search(MESSAGE, said) else "no message of a window of 250 positions"


def check_playback(said, where):
    took = re.search(r"Execution ended after 0:00:([\d.]+)", said)
    # 7.1 s of audio, and the rest for a machine that is busy.
    return "" if took and 7 <= float(took[1]) < 15 else f"played for {took and took[1]} s, not 7.1 s"


def check_middle(said, where):
    return "" if said.startswith("window at   3.00 s,  4.10 s of audio: 1500 pos") else said


# What tells commands apart: (words of it, name, check, whether it ends by itself).
CASES = [
    ("multifilesink", "file", check_windows, True),
    ("autoaudiosrc ! whispernpu", "live", check_message, False),
    ("autoaudiosink", "playback", check_playback, True),
    ("udpsrc", "rtp_receiver", check_message, False),
    ("udpsink", "rtp_sender", lambda said, where: "", False),
    ("build/examples/features ", "middle_c", check_middle, True),
    ("examples/features.py ", "middle_py", check_middle, True),
]

LIVE = [name for _, name, _, ends in CASES if not ends]


def can_run_python():
    test = ["/usr/bin/env", "python3", "-c", "import gi, numpy"]
    return subprocess.run(test, env=environment(), stderr=subprocess.DEVNULL).returncode == 0


def prepare(where, root, build, clip):
    (where / "build").symlink_to(build)
    (where / "examples").symlink_to(root / "examples")
    launch = f"filesrc location={clip} ! decodebin ! audioconvert ! audioresample ! opusenc ! oggmux"
    subprocess.run(
        ["gst-launch-1.0", "-q", *launch.split(), "!", "filesink", f"location={where}/talk.opus"],
        check=True,
    )


def run_all(listed, where):
    """Yield (name, why it failed or nothing, whether it was skipped) of all, side by side."""
    running = []
    for command in listed:
        known = [case for case in CASES if case[0] in command]
        if len(known) != 1:
            yield "readme_command", f"not known to this test: {command}", False
        elif known[0][1] == "middle_py" and not can_run_python():
            yield "readme_middle_py", "python3 has no gi or NumPy", True
        else:
            running.append((known[0], start(command, where)))
    # The live ones show their first window after 5 s.
    deadline = time.monotonic() + 8
    for (_, name, check, ends), process in running:
        if not ends:
            time.sleep(max(0, deadline - time.monotonic()))
            ends = process.poll() is not None  # by itself, which it should not
            process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=120)[0]
        why = check(said, where)
        if ends and (process.returncode != 0 or name in LIVE):
            why = f"ended with exit status {process.returncode}: {said[-300:]}"
        yield f"readme_{name}", why, False


def main():
    root, build, clip = (Path(text).resolve() for text in sys.argv[1:4])
    port = free_port()
    listed = [c.replace("5004", port) for c in commands((root / "README.md").read_text())]
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory() as where:
        prepare(Path(where), root, build, clip)
        for name, why, is_skip in run_all(listed, Path(where)):
            skipped, failed = skipped + is_skip, failed + (bool(why) and not is_skip)
            passed += not why
            kind = "skip" if is_skip else "not ok" if why else "ok"
            print(f"{kind} {name}" + (f": {why}" if why else ""), flush=True)
    if passed + failed + skipped != len(CASES):
        print(f"not ok readme_has_all: {len(listed)} commands, not {len(CASES)}")
        failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
