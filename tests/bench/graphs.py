# SPDX-License-Identifier: LGPL-2.1-or-later
"""The encoder as the peers' graphs, float32, from the tensors of encoder_ref.load().

Input `mel` [1][n_mels][3000], output `features` [1][1500][d_model]. The measurement finds which of
these forms is fastest for a peer:
    onnx plain      standard operators only, attention as MatMul, Softmax, MatMul, GELU by Erf
    onnx mha        com.microsoft.MultiHeadAttention, com.microsoft.Gelu
    onnx attention  com.microsoft.Attention, query, key and value as one product
    openvino sdpa   opset 13 with ScaledDotProductAttention
"""
import math

import numpy as np

from encoder_ref import FRAMES, HEAD_DIM, NORM_EPS, POSITIONS, sizes

ONNX_FORMS = ("plain", "mha", "attention")
MICROSOFT = "com.microsoft"


class _Onnx:
    """Collects nodes and initialisers; a call adds one node and gives its output's name."""

    def __init__(self):
        self.nodes, self.weights, self._known = [], [], {}

    def constant(self, name, value):
        from onnx import numpy_helper
        if name not in self._known:
            self._known[name] = True
            self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def __call__(self, op, *inputs, domain="", **attributes):
        from onnx import helper
        out = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [out], domain=domain, **attributes))
        return out


def _onnx_gelu(g, x, form):
    if form != "plain":
        return g("Gelu", x, domain=MICROSOFT)
    one = g.constant("one", np.float32(1))
    half = g.constant("half", np.float32(0.5))
    root = g.constant("root2", np.float32(math.sqrt(2)))
    erf = g("Add", g("Erf", g("Div", x, root)), one)
    return g("Mul", g("Mul", x, erf), half)


def _onnx_linear(g, tensors, name, x):
    y = g("MatMul", x, g.constant(name + ".weight", tensors[name + ".weight"].T))
    if name + ".bias" in tensors:
        y = g("Add", y, g.constant(name + ".bias", tensors[name + ".bias"]))
    return y


def _onnx_norm(g, tensors, name, x):
    return g("LayerNormalization", x, g.constant(name + ".weight", tensors[name + ".weight"]),
             g.constant(name + ".bias", tensors[name + ".bias"]), axis=-1, epsilon=NORM_EPS)


def _onnx_split_heads(g, x, perm, heads):
    shape = g.constant("heads", np.array([1, POSITIONS, heads, HEAD_DIM], np.int64))
    return g("Transpose", g("Reshape", x, shape), perm=perm)


def _onnx_attention(g, tensors, prefix, x, form, d):
    heads = d // HEAD_DIM
    if form == "attention":
        names = [f"{prefix}{c}_proj" for c in "qkv"]
        weight = np.concatenate([tensors[n + ".weight"].T for n in names], axis=1)
        bias = np.concatenate([tensors.get(n + ".bias", np.zeros(d, np.float32)) for n in names])
        return g("Attention", x, g.constant(prefix + "qkv.weight", weight),
                 g.constant(prefix + "qkv.bias", bias), domain=MICROSOFT, num_heads=heads)
    q, k, v = (_onnx_linear(g, tensors, f"{prefix}{c}_proj", x) for c in "qkv")
    if form == "mha":
        return g("MultiHeadAttention", q, k, v, domain=MICROSOFT, num_heads=heads)
    q = g("Mul", q, g.constant("scale", np.float32(HEAD_DIM ** -0.5)))
    q = _onnx_split_heads(g, q, [0, 2, 1, 3], heads)
    kt = _onnx_split_heads(g, k, [0, 2, 3, 1], heads)
    v = _onnx_split_heads(g, v, [0, 2, 1, 3], heads)
    out = g("MatMul", g("Softmax", g("MatMul", q, kt), axis=-1), v)
    joined = g.constant("joined", np.array([1, POSITIONS, d], np.int64))
    return g("Reshape", g("Transpose", out, perm=[0, 2, 1, 3]), joined)


def save_onnx(path, tensors, form):
    """Write one form; the weights lie beside it, since large models pass protobuf's 2 GiB."""
    import onnx
    from onnx import TensorProto, helper
    n_mels, d, n_layers = sizes(tensors)
    g = _Onnx()
    x = "mel"
    for name, stride in (("conv1", 1), ("conv2", 2)):
        x = g("Conv", x, g.constant(name + ".weight", tensors[name + ".weight"]),
              g.constant(name + ".bias", tensors[name + ".bias"]),
              kernel_shape=[3], pads=[1, 1], strides=[stride])
        x = _onnx_gelu(g, x, form)
    x = g("Transpose", x, perm=[0, 2, 1])
    x = g("Add", x, g.constant("positions", tensors["embed_positions.weight"][:POSITIONS]))
    for i in range(n_layers):
        p = f"layers.{i}."
        h = _onnx_norm(g, tensors, p + "self_attn_layer_norm", x)
        h = _onnx_attention(g, tensors, p + "self_attn.", h, form, d)
        x = g("Add", x, _onnx_linear(g, tensors, p + "self_attn.out_proj", h))
        h = _onnx_norm(g, tensors, p + "final_layer_norm", x)
        h = _onnx_gelu(g, _onnx_linear(g, tensors, p + "fc1", h), form)
        x = g("Add", x, _onnx_linear(g, tensors, p + "fc2", h))
    x = _onnx_norm(g, tensors, "layer_norm", x)
    g.nodes[-1].output[0] = "features"
    graph = helper.make_graph(
        g.nodes, "whisper-encoder",
        [helper.make_tensor_value_info("mel", TensorProto.FLOAT, [1, n_mels, FRAMES])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, POSITIONS, d])],
        g.weights)
    model = helper.make_model(graph, ir_version=9, opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)])
    onnx.save_model(model, path, save_as_external_data=True, all_tensors_to_one_file=True,
                    location=path.split("/")[-1] + ".data", size_threshold=1024)


def make_openvino(tensors):
    """An openvino.Model in the sdpa form."""
    import openvino as ov
    from openvino import opset13 as op
    n_mels, d, n_layers = sizes(tensors)
    heads = d // HEAD_DIM

    def constant(value, dtype=np.float32):
        return op.constant(np.ascontiguousarray(value, dtype))

    def linear(name, x):
        y = op.matmul(x, constant(tensors[name + ".weight"]), False, True)
        return op.add(y, constant(tensors[name + ".bias"])) if name + ".bias" in tensors else y

    def norm(name, x):
        y = op.mvn(x, constant([-1], np.int64), True, NORM_EPS, "inside_sqrt")
        y = op.multiply(y, constant(tensors[name + ".weight"]))
        return op.add(y, constant(tensors[name + ".bias"]))

    def split(x):
        x = op.reshape(x, constant([1, POSITIONS, heads, HEAD_DIM], np.int64), False)
        return op.transpose(x, constant([0, 2, 1, 3], np.int64))

    def attention(prefix, x):
        q, k, v = (split(linear(f"{prefix}{c}_proj", x)) for c in "qkv")
        # The default scale of the operator is 1 / sqrt(head dimension), as Whisper's.
        out = op.scaled_dot_product_attention(q, k, v, None, None, False)
        out = op.transpose(out, constant([0, 2, 1, 3], np.int64))
        return op.reshape(out, constant([1, POSITIONS, d], np.int64), False)

    mel = op.parameter([1, n_mels, FRAMES], np.float32, name="mel")
    x = mel
    for name, stride in (("conv1", 1), ("conv2", 2)):
        x = op.convolution(x, constant(tensors[name + ".weight"]), [stride], [1], [1], [1])
        x = op.add(x, constant(tensors[name + ".bias"].reshape(1, -1, 1)))
        x = op.gelu(x, "erf")
    x = op.transpose(x, constant([0, 2, 1], np.int64))
    x = op.add(x, constant(tensors["embed_positions.weight"][None, :POSITIONS]))
    for i in range(n_layers):
        p = f"layers.{i}."
        h = attention(p + "self_attn.", norm(p + "self_attn_layer_norm", x))
        x = op.add(x, linear(p + "self_attn.out_proj", h))
        h = op.gelu(linear(p + "fc1", norm(p + "final_layer_norm", x)), "erf")
        x = op.add(x, linear(p + "fc2", h))
    return ov.Model([norm("layer_norm", x)], [mel], "whisper-encoder")
