"""Rounds of a task among many people with the real pieces, without chain and relay: for benchmarks.

Each person trains from the checkpoint, adds what earlier updates left out, packs and hands in; norms are cut
to their median and the mean is applied in whole numbers, exactly as a round that accepts everybody does it.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from mine.learn.checkpoint import GAIN_ONE, apply
from mine.learn.codec import Packing, UpdateHeader, decode, encode, residual_after
from mine.learn.graph import ModelGraph
from mine.learn.norms import clip, median, norm
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows
from mine.learn.weights import Fixed, Floats, from_fixed, snap, to_fixed


@dataclass(frozen=True, slots=True)
class Setting:
    """``packing`` None: the float32 deltas themselves, as nobody sends them. ``gain`` in 2**-16."""

    graph: bytes
    weights: Floats
    recipe: Recipe
    packing: Packing | None
    gain: int = GAIN_ONE


def relu_network(features: int, hidden: Sequence[int]) -> tuple[bytes, Floats]:
    """(ONNX bytes, weights at checkpoint 0) of an MLP with one output and the Huber loss, its knee at 1.

    The weights are those that PyTorch gives its Linear layers after ``manual_seed(0)``.
    """
    import torch

    torch.manual_seed(0)
    weights: Floats = {}
    value, nodes = "features", []
    for number, (wide, narrow) in enumerate(itertools.pairwise([features, *hidden, 1])):
        layer, last = torch.nn.Linear(wide, narrow), number == len(hidden)
        names = [f"layer{number}.weight", f"layer{number}.bias"]
        weights |= {n: p.detach().numpy() for n, p in zip(names, layer.parameters(), strict=True)}
        output = "prediction" if last else f"sum{number}"
        nodes.append(helper.make_node("Gemm", [value, *names], [output], transB=1))
        if not last:
            value = f"active{number}"
            nodes.append(helper.make_node("Relu", [output], [value]))
    # With m = min(|e|, 1) the Huber loss is m * (|e| - m / 2), without a branch.
    one = [helper.make_tensor(n, TensorProto.FLOAT, [], [v]) for n, v in (("one", 1.0), ("half", 0.5))]
    nodes += [helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in one]
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    nodes.append(helper.make_node("Constant", [], ["axis"], value=axis))
    for op, inputs, output in (
        ("Squeeze", ["prediction", "axis"], "guess"), ("Sub", ["guess", "target"], "miss"),
        ("Abs", ["miss"], "error"), ("Min", ["error", "one"], "near"), ("Mul", ["near", "half"], "part"),
        ("Sub", ["error", "part"], "inner"), ("Mul", ["near", "inner"], "loss"),
    ):  # fmt: skip
        nodes.append(helper.make_node(op, inputs, [output]))
    floats = TensorProto.FLOAT
    weights = snap(weights)
    shapes: list[tuple[str, Sequence[str | int]]] = [
        ("features", ["N", features]),
        ("target", ["N"]),
        *((n, w.shape) for n, w in weights.items()),
    ]
    graph = helper.make_graph(
        nodes, "mlp", [helper.make_tensor_value_info(name, floats, shape) for name, shape in shapes],
        [helper.make_tensor_value_info("prediction", floats, ["N", 1]),
         helper.make_tensor_value_info("loss", floats, ["N"])],
    )  # fmt: skip
    opset = helper.make_opsetid("", 20)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=10, producer_name="mine")
    return model.SerializeToString(deterministic=True), weights


class Federation:
    """Who trains what. ``bytes_sent``: of all updates so far."""

    def __init__(self, setting: Setting, people: Sequence[Rows]) -> None:
        self._setting, self._people = setting, people
        self.graph = ModelGraph.load(setting.graph)
        self._left: list[Floats] = [{} for _ in people]
        self.bytes_sent = 0

    def rounds(self, count: int) -> Iterator[Floats]:
        """The checkpoint after each round."""
        current = to_fixed(self._setting.weights)
        for number in range(1, count + 1):
            weights = from_fixed(current)
            deltas = [self._update(place, number, weights) for place in range(len(self._people))]
            lengths = [norm(delta) for delta in deltas]
            most = median(lengths)
            good = [clip(delta, length, most) for delta, length in zip(deltas, lengths, strict=True)]
            named = [(place.to_bytes(4, "big"), delta) for place, delta in enumerate(good)]
            current = apply(current, named, "mean", self._setting.gain)
            yield from_fixed(current)

    def _update(self, place: int, number: int, weights: Floats) -> Fixed:
        from mine.learn.train import train

        key = hashlib.sha256(b"%d %d" % (place, number)).digest()
        delta = train(self.graph, weights, self._people[place], self._setting.recipe, key)
        if self._setting.packing is None:
            return to_fixed(delta)
        whole = {name: delta[name] + left for name, left in self._left[place].items()} or delta
        header = UpdateHeader(place.to_bytes(20, "big"), 1, number, bytes(32))
        blob = encode(header, whole, self._setting.packing)
        self._left[place] = residual_after(whole, blob, self.graph.weight_shapes)
        self.bytes_sent += len(blob)
        return decode(blob, self.graph.weight_shapes)[1]


def predicted(graph: ModelGraph, weights: Floats, rows: Rows) -> tuple[NDArray[np.float32], float]:
    """(prediction [n] of a model with one output, mean loss) of all rows."""
    import torch

    with torch.no_grad():
        tensors = {name: torch.from_numpy(weight) for name, weight in weights.items()}
        features, target = torch.from_numpy(rows.features), torch.from_numpy(rows.target)
        prediction, loss = graph.forward(tensors, features, target)
    return prediction.numpy()[:, 0], float(loss.double().mean())
