# SPDX-License-Identifier: LGPL-2.1-or-later
"""One peer engine in a process of its own, spoken to as bench-encoder is: lines on standard input,
`run` -> `ms X`, `dump PATH` -> `dumped PATH`; prints `ready ...` once it can take them.

    peer.py ENGINE FORM MODEL MEL WORK-DIR THREADS
"""
import pathlib
import sys
import time

import numpy as np

import encoder_ref


def open_onnxruntime(path, mel, threads):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Its workers may spin inside a run, as by default, but not into the next engine's turn.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input("mel", mel)
    binding.bind_output("features", "cpu")
    return ort.__version__, lambda: session.run_with_iobinding(binding), \
        lambda: binding.copy_outputs_to_cpu()[0]


def open_openvino(path, form, tensors, mel, threads):
    import openvino as ov
    from graphs import make_openvino
    core = ov.Core()
    model = core.read_model(path) if form == "onnx" else make_openvino(tensors)
    compiled = core.compile_model(model, "CPU", {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY"})
    if compiled.get_property("INFERENCE_PRECISION_HINT") != ov.Type.f32:
        sys.exit("openvino does not run in f32 although asked to")
    request = compiled.create_infer_request()
    request.set_input_tensor(ov.Tensor(mel, shared_memory=True))
    return ov.__version__.split("-")[0], request.infer, \
        lambda: np.array(request.get_output_tensor().data)


def main():
    engine, form, model, mel_path, work, threads = sys.argv[1:7]
    tensors = encoder_ref.load(model)
    n_mels = encoder_ref.sizes(tensors)[0]
    mel = np.fromfile(mel_path, "<f4").reshape(encoder_ref.FRAMES, n_mels)
    mel = np.ascontiguousarray(mel.T[None])
    if engine == "onnxruntime":
        version, run, result = open_onnxruntime(f"{work}/{form}.onnx", mel, int(threads))
    else:
        path = str(pathlib.Path(work) / "plain.onnx")
        version, run, result = open_openvino(path, form, tensors, mel, int(threads))
    del tensors
    print(f"ready version={version}", flush=True)
    for line in sys.stdin:
        words = line.split(None, 1)
        if words[:1] == ["run"]:
            start = time.perf_counter()
            run()
            print(f"ms {(time.perf_counter() - start) * 1e3:.3f}", flush=True)
        elif words[:1] == ["dump"] and len(words) == 2:
            path = words[1].strip()
            result().astype("<f4").tofile(path)
            print(f"dumped {path}", flush=True)
        else:
            sys.exit(f"not a command: {line.strip()}")


main()
