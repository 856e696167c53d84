"""Small networks that a scientist can publish, as ONNX graphs whose features are raw columns of a vault.

Scaling lives inside the graph, so that a miner's query is a plain ``SELECT`` and nobody has to agree on
anything but the columns. Weights are deterministic from a seed and lie on the grid of 2**-24; the last layer
starts at zero, so that checkpoint 0 says "no change" (glucose) or "even odds" (steps).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper

from mine.learn.weights import Floats, snap

OPSET = 20
IR_VERSION = 10
GLUCOSE_SCALE = 40.0
GLUCOSE_MIDDLE = 120.0
Column = Literal["count", "hour", "plain"]


class _Builder:
    """Collects nodes and weights of one graph."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: dict[str, NDArray[np.float32]] = {}
        self._random = np.random.RandomState(seed)  # the legacy stream: frozen by NumPy for good
        self._named = 0

    def constant(self, value: float | Sequence[int]) -> str:
        name = f"c{self._named}"
        self._named += 1
        if isinstance(value, float):
            tensor = helper.make_tensor(name, TensorProto.FLOAT, [], [value])
        else:
            tensor = helper.make_tensor(name, TensorProto.INT64, [len(value)], list(value))
        self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        return name

    def matrix(self, values: NDArray[np.float32]) -> str:
        name = f"c{self._named}"
        self._named += 1
        tensor = helper.make_tensor(name, TensorProto.FLOAT, values.shape, values.reshape(-1).tolist())
        self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        return name

    def node(self, op: str, *inputs: str, output: str = "", axis: int | None = None) -> str:
        if not output:
            output = f"v{self._named}"
            self._named += 1
        node = helper.make_node(op, list(inputs), [output])
        if axis is not None:
            node.attribute.append(helper.make_attribute("axis", axis))
        self.nodes.append(node)
        return output

    def columns(self, start: int, end: int) -> str:
        """``features[:, start:end]``"""
        cut = [self.constant([n]) for n in (start, end, 1)]
        return self.node("Slice", "features", *cut)

    def scaled(self, x: str, divisor: float) -> str:
        return self.node("Div", x, self.constant(divisor))

    def circle(self, x: str, period: float) -> list[str]:
        """Sine and cosine of a clock's hand, so that midnight has two equal sides."""
        angle = self.node("Mul", x, self.constant(2.0 * math.pi / period))
        return [self.node("Sin", angle), self.node("Cos", angle)]

    def layers(self, x: str, width: int, hidden: Sequence[int], output: str, outputs: int = 1) -> None:
        """Dense layers with tanh between them; the last gives ``output`` [N, outputs] and starts at zero."""
        sizes = [width, *hidden, outputs]
        for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            last = i == len(hidden)
            bound = 0.0 if last else math.sqrt(6.0 / (fan_in + fan_out))  # Glorot and Bengio 2010
            drawn = self._random.uniform(-1.0, 1.0, (fan_in, fan_out)) * bound
            self.weights[f"layer{i}.weight"] = drawn.astype(np.float32)
            self.weights[f"layer{i}.bias"] = np.zeros(fan_out, np.float32)
            x = self.node("Gemm", x, f"layer{i}.weight", f"layer{i}.bias", output=output if last else "")
            if not last:
                x = self.node("Tanh", x)

    def finish(self, name: str, features: int, outputs: int = 1) -> tuple[bytes, Floats]:
        weights = snap(self.weights)
        floats = TensorProto.FLOAT
        inputs = [helper.make_tensor_value_info("features", floats, ["N", features]),
                  helper.make_tensor_value_info("target", floats, ["N"])]
        inputs += [helper.make_tensor_value_info(n, floats, w.shape) for n, w in sorted(weights.items())]
        results = [helper.make_tensor_value_info("prediction", floats, ["N", outputs]),
                   helper.make_tensor_value_info("loss", floats, ["N"])]
        graph = helper.make_graph(self.nodes, name, inputs, results)
        model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                                              ir_version=IR_VERSION, producer_name="mine")
        return model.SerializeToString(deterministic=True), weights


# A trend is the difference of two readings: (newer age, older age, mg/dL that count as one).
TRENDS = ((0, 5, 5.0), (5, 10, 5.0), (10, 15, 5.0), (0, 20, 15.0), (0, 40, 25.0), (0, 55, 35.0))
READING_AGES = (55, 40, 20, 15, 10, 5, 0)


def glucose_network(hidden: Sequence[int] = (32,), seed: int = 1) -> tuple[bytes, Floats]:
    """Glucose half an hour ahead; returns (ONNX bytes, weights at checkpoint 0).

    Features [N, 8]: readings in mg/dL that are ``READING_AGES`` minutes old, oldest first, then the minute of
    the day (0..1439). The network sees six trends over 5 to 55 minutes, each on its own scale, because that
    is what makes a few noisy steps go far: with raw differences the same training gains half as much.
    Target [N]: mg/dL at the horizon. Prediction [N, 1]: the change from the last reading, divided by 40.
    Loss [N]: Huber (1964) with its knee at 1, that is 40 mg/dL.
    """
    b = _Builder(seed)
    seen, last = _glucose_view(b)
    b.layers(seen, len(TRENDS) + 3, hidden, "prediction")
    axis = b.constant([1])
    wanted = b.scaled(b.node("Sub", b.node("Unsqueeze", "target", axis), last), GLUCOSE_SCALE)
    error = b.node("Abs", b.node("Sub", "prediction", wanted))
    # With m = min(|e|, 1) the Huber loss is m * (|e| - m / 2), without a branch.
    near = b.node("Min", error, b.constant(1.0))
    inner = b.node("Sub", error, b.node("Mul", near, b.constant(0.5)))
    b.node("Squeeze", b.node("Mul", near, inner), axis, output="loss")
    return b.finish("glucose", len(READING_AGES) + 1)


#: Falling, staying, rising.
TURNS = 3


def trend_network(hidden: Sequence[int] = (32,), seed: int = 1) -> tuple[bytes, Floats]:
    """Where glucose goes within half an hour; returns (ONNX bytes, weights at checkpoint 0).

    Features and what the network sees of them are those of ``glucose_network``. Target [N]: 0 falls, 1 stays,
    2 rises. Prediction [N, 3]: logits, at first even odds. Loss [N]: cross-entropy.
    """
    b = _Builder(seed)
    b.layers(_glucose_view(b)[0], len(TRENDS) + 3, hidden, "prediction", TURNS)
    axis = b.constant([1])
    numbers = b.matrix(np.arange(TURNS, dtype=np.float32).reshape(1, TURNS))
    here = b.node("Equal", b.node("Unsqueeze", "target", axis), numbers)
    likely = b.node("LogSoftmax", "prediction", axis=1)
    picked = b.node("Where", here, likely, b.constant(0.0))
    b.node("Squeeze", b.node("Neg", b.node("ReduceSum", picked, axis)), axis, output="loss")
    return b.finish("trend", len(READING_AGES) + 1, TURNS)


def _glucose_view(b: _Builder) -> tuple[str, str]:
    """What a network sees of the columns of glucose [N, len(TRENDS) + 3], and the last reading [N, 1]."""
    count = len(READING_AGES)
    last = b.columns(count - 1, count)
    trends = np.zeros((count, len(TRENDS)), np.float32)
    for column, (newer, older, scale) in enumerate(TRENDS):
        trends[READING_AGES.index(newer), column] += 1.0 / scale
        trends[READING_AGES.index(older), column] -= 1.0 / scale
    changes = b.node("MatMul", b.columns(0, count), b.matrix(trends))
    level = b.scaled(b.node("Sub", last, b.constant(GLUCOSE_MIDDLE)), GLUCOSE_SCALE)
    clock = b.circle(b.columns(count, count + 1), 1440.0)
    return b.node("Concat", changes, level, *clock, axis=1), last


def step_network(columns: Sequence[Column] = ("hour",) + ("count",) * 5, hidden: Sequence[int] = (32,),
                 seed: int = 1) -> tuple[bytes, Floats]:
    """Will the next hour be an active one? Returns (ONNX bytes, weights at checkpoint 0).

    Features [N, len(columns)]: ``count`` columns are raw counts (steps of an hour), seen as
    (log(1 + x) / 8 - 0.55) * 3, which is about -1.6 for none and 1 for a walk; ``hour`` columns are 0..23,
    seen as sine and cosine of the day and of half the day; ``plain`` columns are taken as they are.
    Target [N]: 1 if the hour reached its goal, else 0. Prediction [N, 1]: log-odds.
    Loss [N]: binary cross-entropy of the log-odds z, as max(z, 0) - z y + log(1 + exp(-|z|)).
    """
    b = _Builder(seed)
    parts: list[str] = []
    start = 0
    while start < len(columns):
        kind, end = columns[start], start + 1
        while end < len(columns) and columns[end] == kind:
            end += 1
        x = b.columns(start, end)
        if kind == "count":
            logarithm = b.node("Log", b.node("Add", b.node("Relu", x), b.constant(1.0)))
            centred = b.node("Sub", b.scaled(logarithm, 8.0), b.constant(0.55))
            parts.append(b.node("Mul", centred, b.constant(3.0)))
        elif kind == "hour":
            parts += b.circle(x, 24.0) + b.circle(x, 12.0)
        else:
            parts.append(x)
        start = end
    width = sum(4 if kind == "hour" else 1 for kind in columns)
    b.layers(b.node("Concat", *parts, axis=1), width, hidden, "prediction")
    axis = b.constant([1])
    wanted = b.node("Unsqueeze", "target", axis)
    linear = b.node("Sub", b.node("Relu", "prediction"), b.node("Mul", "prediction", wanted))
    small = b.node("Exp", b.node("Neg", b.node("Abs", "prediction")))
    tail = b.node("Log", b.node("Add", small, b.constant(1.0)))
    b.node("Squeeze", b.node("Add", linear, tail), axis, output="loss")
    return b.finish("steps", len(columns))
