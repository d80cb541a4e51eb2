# SPDX-License-Identifier: LGPL-2.1-or-later
"""The encoder in the peers' own forms, made from one weights file.

    models.py KIND MODEL FOLDER [CALIBRATION-MEL...]

KIND is one of KINDS below, which says what is written. Calibration: f32 [3000][n_mels].
"""
import json
import pathlib
import struct
import sys

import numpy as np

import encoder_ref
import graphs

DECODER_VOCABULARY = 64  # of the decoder that two file formats insist on; it never runs


def make_onnx(tensors, folder, _):
    for form in graphs.ONNX_FORMS:
        graphs.save_onnx(str(folder / f"{form}.onnx"), tensors, form)


def make_onnx_int8(tensors, folder, _):
    """Weights per output channel, activations as they come, in the graph with the fused attention:
    the linear layers alone."""
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic
    graphs.save_onnx(str(folder / "mha-f32.onnx"), tensors, "mha")
    quantize_dynamic(folder / "mha-f32.onnx", folder / "int8.onnx", per_channel=True,
                     weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"],
                     use_external_data_format=True,
                     extra_options={"DefaultTensorType": TensorProto.FLOAT})


def make_openvino_int8(tensors, folder, mels):
    """NNCF's post-training quantisation with its transformer preset (SmoothQuant)."""
    import nncf
    import openvino as ov
    windows = [np.ascontiguousarray(mel.T[None]) for mel in mels]
    model = nncf.quantize(graphs.make_openvino(tensors), nncf.Dataset(windows),
                          model_type=nncf.ModelType.TRANSFORMER, subset_size=len(windows))
    ov.save_model(model, folder / "openvino-int8.xml", compress_to_fp16=False)


def _zeros(d, prefix, cross):
    """A decoder layer's tensors, all zero."""
    shapes = {"attn_ln": (d,), "mlp_ln": (d,), "attn.query": (d, d), "attn.key": (d, d),
              "attn.value": (d, d), "attn.out": (d, d), "mlp.0": (4 * d, d), "mlp.2": (d, 4 * d)}
    if cross:
        shapes |= {f"cross_{k}": s for k, s in shapes.items() if k.startswith("attn")}
    for name, shape in shapes.items():
        yield f"{prefix}{name}.weight", np.zeros(shape, np.float32)
        if not name.endswith("key"):
            yield f"{prefix}{name}.bias", np.zeros(shape[0], np.float32)


def make_ctranslate2(tensors, folder, _):
    """By its own specification classes; a decoder must be there, of one layer of zeros."""
    from ctranslate2.specs import common_spec, whisper_spec
    from ctranslate2.converters import utils
    _, d, n_layers = encoder_ref.sizes(tensors)
    heads = d // encoder_ref.HEAD_DIM
    spec = whisper_spec.WhisperSpec(n_layers, heads, 1, heads)

    def linear(to, weight, bias=None):
        to.weight = weight
        to.bias = np.zeros(len(weight), np.float32) if bias is None else bias
        return to

    def norm(to, gamma, beta):
        to.gamma, to.beta = gamma, beta

    def attention(to, parts, out):
        qkv = [linear(common_spec.LinearSpec(), *p) for p in parts]
        if len(to.linear) == 2:
            utils.fuse_linear(to.linear[0], qkv)
        else:
            utils.fuse_linear(to.linear[0], qkv[:1])
            utils.fuse_linear(to.linear[1], qkv[1:])
        linear(to.linear[-1], *out)

    def pair(name):
        return tensors[name + ".weight"], tensors.get(name + ".bias")

    for conv in ("conv1", "conv2"):
        to = getattr(spec.encoder, conv)
        to.weight, to.bias = pair(conv)
    spec.encoder.position_encodings.encodings = tensors["embed_positions.weight"]
    norm(spec.encoder.layer_norm, *pair("layer_norm"))
    for i, layer in enumerate(spec.encoder.layer):
        p = f"layers.{i}."
        norm(layer.self_attention.layer_norm, *pair(p + "self_attn_layer_norm"))
        attention(layer.self_attention, [pair(f"{p}self_attn.{c}_proj") for c in "qkv"],
                  pair(p + "self_attn.out_proj"))
        norm(layer.ffn.layer_norm, *pair(p + "final_layer_norm"))
        linear(layer.ffn.linear_0, *pair(p + "fc1"))
        linear(layer.ffn.linear_1, *pair(p + "fc2"))

    zero, square = np.zeros(d, np.float32), np.zeros((d, d), np.float32)
    decoder = spec.decoder
    decoder.embeddings.weight = np.zeros((DECODER_VOCABULARY, d), np.float32)
    decoder.position_encodings.encodings = np.zeros((16, d), np.float32)
    norm(decoder.layer_norm, zero, zero)
    linear(decoder.projection, np.zeros((DECODER_VOCABULARY, d), np.float32))
    for layer in decoder.layer:
        for part in (layer.self_attention, layer.attention):
            norm(part.layer_norm, zero, zero)
            attention(part, [(square, zero)] * 3, (square, zero))
        norm(layer.ffn.layer_norm, zero, zero)
        linear(layer.ffn.linear_0, np.zeros((4 * d, d), np.float32))
        linear(layer.ffn.linear_1, np.zeros((d, 4 * d), np.float32))

    spec.register_vocabulary(["<|endoftext|>", "<|startoftranscript|>", "<|nospeech|>"] +
                             [f"word{i}" for i in range(DECODER_VOCABULARY - 3)])
    spec.config.suppress_ids = spec.config.suppress_ids_begin = []
    spec.config.lang_ids, spec.config.alignment_heads = [], [(0, 0)]
    spec.validate()
    spec.optimize()
    out = folder / "ctranslate2"
    out.mkdir(exist_ok=True)
    spec.save(str(out))
    (out / "preprocessor_config.json").write_text(json.dumps({}))


def _ggml_names(tensors):
    """whisper.cpp's names of our tensors."""
    parts = {"self_attn_layer_norm": "attn_ln", "final_layer_norm": "mlp_ln", "fc1": "mlp.0",
             "fc2": "mlp.2", "self_attn.q_proj": "attn.query", "self_attn.k_proj": "attn.key",
             "self_attn.v_proj": "attn.value", "self_attn.out_proj": "attn.out"}
    for name, x in tensors.items():
        if name == "embed_positions.weight":
            yield "encoder.positional_embedding", x[:encoder_ref.POSITIONS]
        elif name.startswith("layers."):
            _, i, rest = name.split(".", 2)
            part, kind = rest.rsplit(".", 1)
            yield f"encoder.blocks.{i}.{parts[part]}.{kind}", x
        elif name.startswith("conv") and name.endswith("bias"):
            yield "encoder." + name, x.reshape(-1, 1)
        else:
            yield "encoder." + name.replace("layer_norm.", "ln_post."), x


def make_ggml(tensors, folder, _):
    """whisper.cpp's files, f32 and f16; a decoder must be there, of one layer of zeros."""
    n_mels, d, n_layers = encoder_ref.sizes(tensors)
    heads, text_ctx = d // encoder_ref.HEAD_DIM, 448
    decoder = dict(_zeros(d, "decoder.blocks.0.", True))
    decoder |= {"decoder.positional_embedding": np.zeros((text_ctx, d), np.float32),
                "decoder.token_embedding.weight": np.zeros((DECODER_VOCABULARY, d), np.float32),
                "decoder.ln.weight": np.zeros(d, np.float32),
                "decoder.ln.bias": np.zeros(d, np.float32)}
    for half in (0, 1):
        with open(folder / f"ggml-{'f16' if half else 'f32'}.bin", "wb") as f:
            f.write(struct.pack("<12i", 0x67676d6c, DECODER_VOCABULARY, encoder_ref.POSITIONS, d,
                                heads, n_layers, text_ctx, d, heads, 1, n_mels, half))
            f.write(struct.pack("<2i", n_mels, 201) + bytes(4 * n_mels * 201))
            f.write(struct.pack("<i", 0))
            for name, x in [*_ggml_names(tensors), *decoder.items()]:
                as_half = half and x.ndim > 1 and "positional" not in name and "bias" not in name
                f.write(struct.pack("<3i", x.ndim, len(name), int(bool(as_half))))
                f.write(struct.pack(f"<{x.ndim}i", *reversed(x.shape)) + name.encode())
                f.write(x.astype("<f2" if as_half else "<f4").tobytes())


KINDS = {"onnx": make_onnx, "onnx-int8": make_onnx_int8, "openvino-int8": make_openvino_int8,
         "ctranslate2": make_ctranslate2, "ggml": make_ggml}


def main():
    kind, model, folder = sys.argv[1:4]
    tensors = encoder_ref.load(model)
    n_mels = encoder_ref.sizes(tensors)[0]
    mels = [np.fromfile(path, "<f4").reshape(-1, n_mels) for path in sys.argv[4:]]
    KINDS[kind](tensors, pathlib.Path(folder), mels)


main()
