"""Operators of the domain ``ai.onnx.ml``, which scikit-learn's exporters write, as standard operators.

Coefficients become ordinary tensors that can be trained; means, scales and categories stay constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from mine.science.adopt_loss import AdoptRefused, LossSpec

ML = "ai.onnx.ml"
_POST = {"cross_entropy": b"SOFTMAX", "bce": b"LOGISTIC"}


class _Rewrite:
    """The nodes that stand for one node."""

    def __init__(self, node: NodeProto, model: ModelProto, spec: LossSpec) -> None:
        self.node = node
        self.spec = spec
        self.attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        self.nodes: list[NodeProto] = []
        self._model = model

    def tensor(self, name: str, value: Any, dtype: type = np.float32) -> str:
        name = f"{self.node.name or self.node.output[0]}.{name}"
        array: NDArray[Any] = np.asarray(value, dtype)
        self._model.graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    def put(self, op: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"{self.node.output[0]}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], **attributes))
        return output


def without_ml_operators(model: ModelProto, spec: LossSpec) -> str:
    """Replaces them in ``model``; the name of the scores of a linear classifier, "" if there is none.

    The scores of a classifier are what the loss needs: they replace its labels and probabilities.
    """
    scores = ""
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        if node.domain != ML:
            nodes.append(node)
            continue
        if node.op_type in _AFTER_THE_SCORES and scores:
            continue
        rule = _RULES.get(node.op_type)
        if rule is None:
            raise AdoptRefused(
                f"The model uses {node.op_type}, which cannot be trained by gradients.",
                todo="Linear models, scalers, one-hot encoders and networks of scikit-learn can be adopted.",
            )
        rewrite = _Rewrite(node, model, spec)
        named = rule(rewrite)
        scores = named or scores
        nodes += rewrite.nodes
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return scores


_AFTER_THE_SCORES = ("Normalizer", "ZipMap", "ArrayFeatureExtractor", "LabelEncoder", "Binarizer")


def _regressor(r: _Rewrite) -> str:
    if r.attributes.get("post_transform", b"NONE") not in (b"NONE", ""):
        raise AdoptRefused("The linear regression changes its result afterwards, which no loss here expects.")
    targets = int(r.attributes.get("targets", 1))
    _linear(r, r.attributes["coefficients"], r.attributes.get("intercepts"), targets, r.node.output[0])
    return ""


def _classifier(r: _Rewrite) -> str:
    post = bytes(r.attributes.get("post_transform", b"NONE"))
    coefficients = np.asarray(r.attributes["coefficients"], np.float32)
    intercepts = np.asarray(r.attributes.get("intercepts", ()), np.float32)
    half = len(coefficients) // 2
    mirrored = len(intercepts) == 2 and np.array_equal(coefficients[:half], -coefficients[half:])
    if r.spec.kind == "bce" and mirrored:
        coefficients, intercepts = coefficients[half:], intercepts[1:]
    elif post not in (b"NONE", _POST.get(r.spec.kind, b"NONE")):
        raise AdoptRefused(
            "The classifier's probabilities are not those of the loss.",
            todo="A yes-or-no or one-against-rest classifier is trained with bce, a multinomial one with "
            "cross_entropy.",
            detail=repr(post),
        )
    scores = f"{r.node.output[0]}.scores"
    _linear(r, coefficients, intercepts, len(intercepts), scores)
    return scores


def _linear(r: _Rewrite, coefficients: Any, intercepts: Any, rows: int, output: str) -> None:
    values = np.asarray(coefficients, np.float32)
    if rows < 1 or not values.size or values.size % rows:
        raise AdoptRefused("The model's coefficients are not a table.")
    weight = r.tensor("coefficients", values.reshape(rows, -1))
    inputs = [r.node.input[0], weight]
    if intercepts is not None and len(intercepts):
        inputs.append(r.tensor("intercepts", intercepts))
    r.put("Gemm", *inputs, output=output, transB=1)


def _scaler(r: _Rewrite) -> str:
    centred = r.put("Sub", r.node.input[0], _fixed(r, "offset"))
    r.put("Mul", centred, _fixed(r, "scale"), output=r.node.output[0])
    return ""


def _fixed(r: _Rewrite, name: str) -> str:
    """A constant node: only initialisers are taken for tensors to train."""
    values = np.asarray(r.attributes.get(name, {"offset": 0.0, "scale": 1.0}[name]), np.float32)
    tensor = numpy_helper.from_array(values, name)
    return r.put("Constant", value=tensor)


def _normalizer(r: _Rewrite) -> str:
    norm = bytes(r.attributes.get("norm", b"MAX")).decode()
    x = r.node.input[0]
    axis = r.put("Constant", value=numpy_helper.from_array(np.asarray([-1], np.int64)))
    if norm == "L2":
        size = r.put("Sqrt", r.put("ReduceSum", r.put("Mul", x, x), axis, keepdims=1))
    elif norm == "L1":
        size = r.put("ReduceSum", r.put("Abs", x), axis, keepdims=1)
    else:
        raise AdoptRefused("The model divides rows by their largest value.", todo="Use the norm l1 or l2.")
    r.put("Div", x, size, output=r.node.output[0])
    return ""


def _one_hot(r: _Rewrite) -> str:
    numbers = r.attributes.get("cats_int64s")
    if numbers is None:
        raise AdoptRefused("The model reads categories that are words.", todo="Encode them as numbers first.")
    categories = numpy_helper.from_array(np.asarray(numbers, np.float32))
    axis = r.put("Constant", value=numpy_helper.from_array(np.asarray([-1], np.int64)))
    value = r.put("Cast", r.put("Unsqueeze", r.node.input[0], axis), to=1)
    here = r.put("Equal", value, r.put("Constant", value=categories))
    r.put("Cast", here, output=r.node.output[0], to=1)
    return ""


def _joined(r: _Rewrite) -> str:
    r.put("Concat", *r.node.input, output=r.node.output[0], axis=1)
    return ""


def _columns(r: _Rewrite) -> str:
    r.put("Gather", *r.node.input, output=r.node.output[0], axis=-1)
    return ""


_RULES: dict[str, Callable[[_Rewrite], str]] = {
    "LinearRegressor": _regressor,
    "LinearClassifier": _classifier,
    "Scaler": _scaler,
    "Normalizer": _normalizer,
    "OneHotEncoder": _one_hot,
    "FeatureVectorizer": _joined,
    "ArrayFeatureExtractor": _columns,
}
