# SPDX-License-Identifier: LGPL-2.1-or-later
"""The engines of a measurement: which exist, how each is capped, and a warm process of each."""
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
FEATURES = ("fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512vbmi",
            "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16",
            "asimd", "sve")
# Our kernel sets -> the highest that oneDNN's dispatcher may take, and CTranslate2's own.
ONEDNN_CAPS = {"avx512vbmi": "AVX512_CORE_VNNI", "avx512vnni": "AVX512_CORE_VNNI",
               "avx512": "AVX512_CORE", "avxvnni": "AVX2_VNNI", "avx2": "AVX2"}
CTRANSLATE2_CAPS = {"avx512vbmi": "AVX512", "avx512vnni": "AVX512", "avx512": "AVX512",
                    "avxvnni": "AVX2", "avx2": "AVX2"}


WHISPER_CPP = "whisper.cpp"


class Refused(Exception):
    """An engine that does not start; the text says why."""


@dataclasses.dataclass(frozen=True)
class Spec:
    name: str
    family: str
    form: str
    kind: str  # arithmetic: f32, bf16, f16, int8
    model: str = ""  # of models.KINDS, which must have been made

    @property
    def ours(self):
        return self.family == "whispernpu"

    @property
    def capped_by(self):
        """Variables that lower the instruction set; empty: it cannot be lowered."""
        return {"whispernpu": "WHISPERNPU_CPU", "openvino": "ONEDNN_MAX_CPU_ISA",
                "ctranslate2": "ONEDNN_MAX_CPU_ISA, CT2_FORCE_CPU_ISA"}.get(self.family, "")

    def environment(self, level, best):
        env = {"OMP_NUM_THREADS": ""}  # each peer is told its threads
        if self.ours:
            env["WHISPERNPU_CPU"] = level
        elif level != best and self.family in ("openvino", "ctranslate2"):
            env["ONEDNN_MAX_CPU_ISA"] = ONEDNN_CAPS[level]
            if self.family == "ctranslate2":
                env["CT2_FORCE_CPU_ISA"] = CTRANSLATE2_CAPS[level]
        return {k: v for k, v in (os.environ | env).items() if v}


PEERS = (
    Spec("ONNX Runtime f32, plain graph", "onnxruntime", "plain", "f32", "onnx"),
    Spec("ONNX Runtime f32, fused attention", "onnxruntime", "mha", "f32", "onnx"),
    Spec("ONNX Runtime f32, fused QKV", "onnxruntime", "attention", "f32", "onnx"),
    Spec("ONNX Runtime int8 dynamic", "onnxruntime", "int8", "int8", "onnx-int8"),
    Spec("OpenVINO f32, ONNX graph", "openvino", "onnx", "f32", "onnx"),
    Spec("OpenVINO f32", "openvino", "sdpa", "f32"),
    Spec("OpenVINO bf16", "openvino", "bf16", "bf16"),
    Spec("OpenVINO f16", "openvino", "f16", "f16"),
    Spec("OpenVINO int8 (NNCF)", "openvino", "int8", "int8", "openvino-int8"),
    Spec("OpenVINO int8 (NNCF), rest bf16", "openvino", "int8-bf16", "int8", "openvino-int8"),
    Spec("CTranslate2 f32", "ctranslate2", "f32", "f32", "ctranslate2"),
    Spec("CTranslate2 int8", "ctranslate2", "int8", "int8", "ctranslate2"),
    Spec("whisper.cpp f32", WHISPER_CPP, "f32", "f32", "ggml"),
    Spec("whisper.cpp f16", WHISPER_CPP, "f16", "f16", "ggml"),
)


def ours(profile):
    return Spec(f"whispernpu {profile}", "whispernpu", profile, profile)


class Engine:
    """A warm engine process and what it answered."""

    def __init__(self, spec, command, cpus, env):
        self.spec, self.ms, self.rounds = spec, [], []
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            env=env, preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            code = self.process.wait()
            raise Refused(self._last_words() or f"it ended with exit code {code}")
        self.info = dict(word.split("=", 1) for word in line.split()[1:])

    def _last_words(self):
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors if line.strip()]
        # OpenVINO's messages begin with places in its own sources.
        return re.sub(r"(Exception from \S+ )+", "", lines[-1])[:300] if lines else ""

    def _answer(self, word):
        line = self.process.stdout.readline()
        if not line.startswith(word + " "):
            sys.exit(f"{self.spec.name}: expected '{word} ...', found '{line.strip()}'; "
                     f"{self._last_words()}")
        return line[len(word):].strip()

    def _tell(self, command):
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            sys.exit(f"{self.spec.name}: it has ended; {self._last_words()}")

    def ask(self, command, word):
        self._tell(command)
        return self._answer(word)

    def run(self, keep):
        ms = float(self.ask("run", "ms"))
        if keep:
            self.ms.append(ms)

    def features(self, folder):
        """Of the last run, float32 [positions * d_model]."""
        path = os.path.join(folder, "features.f32")
        self.ask(f"dump {path}", "dumped")
        return np.fromfile(path, "<f4")

    def note_stages(self):
        """Ours only: keep the stages' times since the last call, a dictionary each."""
        stages = []
        self._tell("stats")
        while (line := self.process.stdout.readline().split()) and line[0] == "stage":
            numbers = {k: float(v) for k, v in (word.split("=") for word in line[2:])}
            stages.append({"stage": line[1], **numbers})
        self.rounds.append(stages)
        self.ask("reset", "reset")

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def pick_cpus(count):
    """CPUs of `count` different cores if there are so many, else any that we may run on."""
    first, later = [], []
    seen = set()
    for cpu in sorted(os.sched_getaffinity(0)):
        path = f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        try:
            core = pathlib.Path(path).read_text()
        except OSError:
            core = str(cpu)
        (later if core in seen else first).append(cpu)
        seen.add(core)
    cpus = (first + later)[:count]
    if len(cpus) < count:
        sys.exit(f"{count} threads asked for, but this process may run on {len(cpus)} CPUs only")
    return set(cpus)


def processor():
    """The processor by the features that matter here, never by its brand."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return "unknown"
    flags = set()
    for line in text.splitlines():
        if line.startswith(("flags", "Features")):
            flags.update(line.split(":", 1)[1].split())
    return " ".join(f for f in FEATURES if f in flags) or "none of " + " ".join(FEATURES)


def measure_peaks(program):
    """Kernel set -> kind of operand -> (instruction, 1e9 multiply-adds per second of one core),
    the best set last."""
    cpus = pick_cpus(1)
    run = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True,
                         preexec_fn=lambda: os.sched_setaffinity(0, cpus))
    sets = {}
    for line in run.stdout.splitlines():
        words = line.split()
        sets[words[1]] = {words[i]: (words[i + 1], float(words[i + 2]))
                          for i in range(2, len(words), 3)}
    return sets
