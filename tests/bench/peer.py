# SPDX-License-Identifier: LGPL-2.1-or-later
"""One peer engine in its own process, with the commands of bench-encoder as lines on standard input:
`run` -> `ms X`, `mel PATH` -> `took PATH`, `dump PATH` -> `dumped PATH`; prints `ready ...` once it
can take them. A peer that cannot do what it is asked ends with one sentence.

    peer.py ENGINE FORM MODEL MEL FOLDER THREADS [LIBRARY HELPER]

FOLDER: what models.py wrote. For ENGINE whisper.cpp LIBRARY is libwhisper's path, HELPER that of
whisper-features.c's.
"""
import ctypes
import pathlib
import sys
import time

import numpy as np

import encoder_ref


class OnnxRuntime:
    def __init__(self, form, mel, args):
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = args.threads
        options.inter_op_num_threads = 1
        # Its workers may spin during a run, as by default, but not into the next engine's turn.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.session = ort.InferenceSession(args.folder / f"{form}.onnx", options,
                                            providers=["CPUExecutionProvider"])
        self.version = ort.__version__
        self.binding = self.session.io_binding()
        self.binding.bind_output("features", "cpu")
        self.take(mel)

    def take(self, mel):
        self.binding.bind_cpu_input("mel", mel)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def features(self):
        return self.binding.copy_outputs_to_cpu()[0]


class OpenVino:
    """Forms: onnx, sdpa (f32); bf16, f16: sdpa with that precision as a hint; int8: NNCF's model,
    the rest of it in f32; int8-bf16: the rest in bf16."""

    def __init__(self, form, mel, args):
        import openvino as ov
        from graphs import make_openvino
        core = ov.Core()
        if form == "onnx":
            model = core.read_model(args.folder / "plain.onnx")
        elif form.startswith("int8"):
            model = core.read_model(args.folder / "openvino-int8.xml")
        else:
            model = make_openvino(encoder_ref.load(args.model))
        kind = form.rpartition("-")[2]
        hint = kind if kind in ("bf16", "f16") else "f32"
        compiled = core.compile_model(model, "CPU", {
            "INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": args.threads,
            "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"})
        got = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if got != hint:
            sys.exit(f"it runs in {got} although asked for {hint}")
        self.version = ov.__version__.split("-")[0]
        self.request = compiled.create_infer_request()
        self.mel = mel.copy()
        self.request.set_input_tensor(ov.Tensor(self.mel, shared_memory=True))

    def take(self, mel):
        np.copyto(self.mel, mel)

    def run(self):
        self.request.infer()

    def features(self):
        return np.array(self.request.get_output_tensor().data)


class CTranslate2:
    def __init__(self, form, mel, args):
        import ctranslate2
        wanted = {"f32": "float32", "int8": "int8_float32"}[form]
        self.view = ctranslate2.StorageView.from_array
        self.model = ctranslate2.models.Whisper(
            str(args.folder / "ctranslate2"), device="cpu", compute_type=wanted, inter_threads=1,
            intra_threads=args.threads)
        if self.model.compute_type != wanted:
            sys.exit(f"it runs in {self.model.compute_type} although asked for {wanted}")
        self.version = ctranslate2.__version__
        self.out = None
        self.take(mel)

    def take(self, mel):
        self.mel = mel
        self.input = self.view(mel)

    def run(self):
        self.out = self.model.encode(self.input, to_cpu=True)

    def features(self):
        return np.array(self.out)


class WhisperCpp:
    """libwhisper through ctypes. Its encoder always computes the keys and values of the decoder's
    cross attention; the file keeps that as small as possible: one layer."""

    def __init__(self, form, mel, args):
        self.helper = ctypes.CDLL(args.helper, ctypes.RTLD_GLOBAL)  # first, so that it is found
        self.lib = lib = ctypes.CDLL(args.library)
        names = ("ggml_backend_sched_graph_compute", "ggml_graph_node", "ggml_nrows",
                 "ggml_nelements", "ggml_backend_tensor_get")
        self.helper.whisper_features_open(*(ctypes.cast(getattr(lib, n), ctypes.c_void_p)
                                            for n in names))
        self.quiet = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(
            lambda *_: None)
        lib.whisper_log_set(self.quiet, None)
        lib.whisper_init_from_file.restype = ctypes.c_void_p
        context = lib.whisper_init_from_file(str(args.folder / f"ggml-{form}.bin").encode())
        if not context:
            sys.exit("libwhisper does not take the weights file")
        self.context, self.threads = ctypes.c_void_p(context), args.threads
        self.d_model = encoder_ref.sizes(encoder_ref.load(args.model))[1]
        self.version = "?"
        if hasattr(lib, "whisper_version"):
            lib.whisper_version.restype = ctypes.c_char_p
            self.version = lib.whisper_version().decode()
        self.take(mel)

    def take(self, mel):
        data = mel.ctypes.data_as(ctypes.c_void_p)
        if self.lib.whisper_set_mel(self.context, data, mel.shape[2], mel.shape[1]):
            sys.exit("whisper_set_mel failed")

    def run(self):
        if self.lib.whisper_encode(self.context, 0, self.threads):
            sys.exit("whisper_encode failed")

    def features(self):
        out = np.empty((encoder_ref.POSITIONS, self.d_model), np.float32)
        self.helper.whisper_features_want(out.ctypes.data_as(ctypes.c_void_p),
                                          *map(ctypes.c_int64, out.shape))
        self.run()  # once more, because no timed run copies them
        if self.helper.whisper_features_copies() != 1:
            sys.exit("its graphs are not those that whisper-features.c knows")
        self.helper.whisper_features_want(None, ctypes.c_int64(0), ctypes.c_int64(0))
        return out


ENGINES = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "ctranslate2": CTranslate2,
           "whisper.cpp": WhisperCpp}


class Arguments:
    def __init__(self, argv):
        self.engine, self.form, self.model = argv[0:3]
        self.mel, self.folder, self.threads = argv[3], pathlib.Path(argv[4]), int(argv[5])
        self.library, self.helper = argv[6:8] if len(argv) > 6 else (None, None)


def read_mel(path):
    mel = np.fromfile(path, "<f4").reshape(encoder_ref.FRAMES, -1)
    return np.ascontiguousarray(mel.T[None])


def answer(engine, line):
    word, _, path = line.strip().partition(" ")
    if word == "run":
        start = time.perf_counter()
        engine.run()
        return f"ms {(time.perf_counter() - start) * 1e3:.3f}"
    if word == "mel":
        engine.take(read_mel(path))
        return f"took {path}"
    if word == "dump":
        engine.features().astype("<f4").tofile(path)
        return f"dumped {path}"
    sys.exit(f"not a command: {line.strip()}")


def main():
    args = Arguments(sys.argv[1:])
    try:
        engine = ENGINES[args.engine](args.form, read_mel(args.mel), args)
    except Exception as error:  # any exception of an engine is the reason to leave it out
        sys.exit(" ".join(str(error).split()) or type(error).__name__)
    print(f"ready version={engine.version}", flush=True)
    for line in sys.stdin:
        print(answer(engine, line), flush=True)


main()
