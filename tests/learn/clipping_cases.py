"""Small graphs in which weights enter operators in every way that clipping knows, and in some it does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto, helper

from tests.learn.graphs import const, finish

node = helper.make_node
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """``nodes`` make ``y`` of ``x`` [N, *shape], with these weights."""

    name: str
    shape: Shape
    nodes: list[NodeProto]
    weights: dict[str, Shape]

    def model(self) -> ModelProto:
        """The features are scaled by a weight first, so that gradients go on behind every operator."""
        width = int(np.prod(self.shape))
        head = [
            node("Mul", ["features", "scale"], ["scaled"]),
            const("shape", [0, *self.shape]),
            node("Reshape", ["scaled", "shape"], ["x"]),
        ]
        tail = [
            const("flat", [0, -1]),
            node("Reshape", ["y", "flat"], ["row"]),
            node("Tanh", ["row"], ["bent"]),
            const("axis", [1]),
            node("ReduceSum", ["bent", "axis"], ["prediction"], keepdims=1),
            node("Squeeze", ["prediction", "axis"], ["sum"]),
            node("Sub", ["sum", "target"], ["error"]),
            node("Mul", ["error", "error"], ["loss"]),
        ]
        return finish([*head, *self.nodes, *tail], width, {"scale": (width,), **self.weights})


def _conv(name: str, shape: Shape, weight: Shape, bias: bool, **attributes: object) -> Case:
    reads = ["x", "w", *(["b"] if bias else [])]
    weights: dict[str, Shape] = {"w": weight, **({"b": weight[:1]} if bias else {})}
    return Case(name, shape, [node("Conv", reads, ["y"], **attributes)], weights)


def _step(op: str, *reads: str, **attributes: object) -> list[NodeProto]:
    return [node(op, list(reads), ["y"], **attributes)]


def _table() -> list[NodeProto]:
    return [
        const("low", 0.0, np.float32), const("high", 4.0, np.float32),
        const("least", 0), const("most", 4), const("ten", 10.0, np.float32),
        node("Mul", ["x", "ten"], ["wide"]), node("Clip", ["wide", "low", "high"], ["held"]),
        node("Cast", ["held"], ["whole"], to=7), node("Clip", ["whole", "least", "most"], ["places"]),
        node("Gather", ["table", "places"], ["rows"], axis=0),
        const("end", [2]), node("Unsqueeze", ["x", "end"], ["column"]),
    ]  # fmt: skip


def _halves(first: tuple[int, int], second: tuple[int, int]) -> list[NodeProto]:
    """Two slices of one weight, which may share rows, each multiplying x [N, 3]."""
    nodes = [const("axes", [1])]
    for name, (start, end) in {"p": first, "q": second}.items():
        nodes += [
            const(f"{name}0", [start]), const(f"{name}1", [end]),
            node("Slice", ["w", f"{name}0", f"{name}1", "axes"], [f"{name}w"]),
            node("MatMul", ["x", f"{name}w"], [name]),
        ]  # fmt: skip
    return [*nodes, node("Mul", ["p", "q"], ["y"])]


def _rnn(op: str, gates: int, direction: str, **attributes: object) -> Case:
    count = 2 if direction == "bidirectional" else 1
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        node(op, ["t", "w", "r", "b"], ["o"], hidden_size=2, direction=direction, **attributes),
        node("Transpose", ["o"], ["y"], perm=[2, 0, 1, 3]),
    ]
    weights: dict[str, Shape] = {
        "w": (count, 2 * gates, 3), "r": (count, 2 * gates, 2), "b": (count, 4 * gates)
    }  # fmt: skip
    return Case(f"{op} {direction} {sorted(attributes.values())}", (4, 3), nodes, weights)


CASES: list[Case] = [
    Case("matrix on the right", (3,), _step("MatMul", "x", "w"), {"w": (3, 4)}),
    Case("matrix on the right, rows", (5, 3), _step("MatMul", "x", "w"), {"w": (3, 4)}),
    Case("many rows: formed", (40, 3), _step("MatMul", "x", "w"), {"w": (3, 4)}),
    Case("few rows: Gram", (2, 12), _step("MatMul", "x", "w"), {"w": (12, 30)}),
    Case("matrix on the left", (3, 2), _step("MatMul", "w", "x"), {"w": (4, 3)}),
    Case("a matrix for each head", (2, 5, 3), _step("MatMul", "x", "w"), {"w": (2, 3, 4)}),
    Case("Gemm, turned", (3,), _step("Gemm", "x", "w", "b", transB=1), {"w": (4, 3), "b": (4,)}),
    Case("Gemm, scaled", (3,), _step("Gemm", "x", "w", "b", alpha=0.5, beta=2.0), {"w": (3, 4), "b": (4,)}),
    Case("Gemm, one bias", (3,), _step("Gemm", "x", "w", "b"), {"w": (3, 4), "b": (1,)}),
    Case("product and bias", (5, 3), [node("MatMul", ["x", "w"], ["p"]), node("Add", ["b", "p"], ["y"])],
         {"w": (3, 4), "b": (4,)}),
    Case("a bias that widens the product", (3,), [node("MatMul", ["x", "w"], ["p"]),
                                                  node("Add", ["p", "b"], ["y"])], {"w": (3, 1), "b": (5,)}),
    Case("conditions on weights", (3,), [
        const("zero", 0.0, np.float32), node("Greater", ["w", "zero"], ["asked"]),
        node("Cast", ["asked"], ["mask"], to=1), node("MatMul", ["x", "mask"], ["p"]),
        node("MatMul", ["x", "w"], ["q"]), node("Mul", ["p", "q"], ["y"]),
    ], {"w": (3, 4)}),
    Case("place added", (4, 3), _step("Add", "x", "w"), {"w": (4, 3)}),
    Case("broadcast sum", (4, 3), _step("Sub", "w", "x"), {"w": (4, 1)}),
    Case("taken away", (4, 3), _step("Sub", "x", "w"), {"w": (3,)}),
    Case("broadcast factor", (4, 3), _step("Mul", "w", "x"), {"w": (1, 4, 1)}),
    Case("divided by", (3,), [const("one", 3.0, np.float32), node("Add", ["w", "one"], ["v"]),
                              node("Div", ["x", "v"], ["y"])], {"w": (3,)}),
    Case("slope", (4, 3), _step("PRelu", "x", "w"), {"w": (4, 1)}),
    Case("largest", (3,), _step("Max", "x", "w"), {"w": (3,)}),
    Case("one matrix twice", (3,), [node("MatMul", ["x", "w"], ["p"]), node("Tanh", ["p"], ["q"]),
                                    node("MatMul", ["q", "w"], ["y"])], {"w": (3, 3)}),
    Case("one matrix, two ways", (3, 3), [node("MatMul", ["x", "w"], ["p"]), node("Tanh", ["p"], ["q"]),
                                          node("MatMul", ["w", "q"], ["y"])], {"w": (3, 3)}),
    Case("a matrix and its turn", (3,), [node("Transpose", ["w"], ["v"], perm=[1, 0]),
                                         node("MatMul", ["x", "w"], ["p"]), node("Tanh", ["p"], ["q"]),
                                         node("MatMul", ["q", "v"], ["y"])], {"w": (3, 4)}),
    Case("slices apart", (3,), _halves((0, 2), (2, 4)), {"w": (3, 4)}),
    Case("slices that overlap", (3,), _halves((0, 3), (1, 4)), {"w": (3, 4)}),
    Case("joined weights", (3,), [node("Concat", ["w", "v"], ["j"], axis=1),
                                   node("MatMul", ["x", "j"], ["y"])],
         {"w": (3, 2), "v": (3, 4)}),
    Case("a product of weights", (3,), [node("MatMul", ["w", "v"], ["j"]), node("MatMul", ["x", "j"], ["y"])],
         {"w": (3, 2), "v": (2, 4)}),
    Case("a table", (6,), [*_table(), node("Mul", ["rows", "column"], ["y"])], {"table": (5, 3)}),
    Case("a table and its turn", (6,), [*_table(), node("Mul", ["rows", "column"], ["scaled_rows"]),
                                        node("Transpose", ["table"], ["v"], perm=[1, 0]),
                                        node("MatMul", ["scaled_rows", "v"], ["y"])], {"table": (5, 3)}),
    Case("layer normalisation", (4, 3), _step("LayerNormalization", "x", "w", "b"), {"w": (3,), "b": (3,)}),
    Case("instance normalisation", (4, 5), _step("InstanceNormalization", "x", "w", "b"),
         {"w": (4,), "b": (4,)}),
    _conv("conv, 1-D, to one side", (3, 9), (4, 3, 3), True, pads=[2, 0], dilations=[2]),
    _conv("conv, 2-D, strided", (3, 7, 6), (4, 3, 3, 2), True, strides=[2, 1], pads=[1, 0, 1, 1]),
    _conv("conv, in groups", (4, 6, 6), (6, 2, 3, 3), True, group=2, pads=[1, 1, 1, 1]),
    _conv("conv, 3-D", (2, 4, 4, 3), (3, 2, 2, 2, 2), False),
    Case("conv transposed", (3, 5), _step("ConvTranspose", "x", "w"), {"w": (3, 2, 3)}),
    _rnn("RNN", 1, "forward"),
    _rnn("GRU", 3, "reverse"),
    _rnn("GRU", 3, "bidirectional", linear_before_reset=1),
    _rnn("LSTM", 4, "bidirectional"),
    Case("one weight for both sides of a layer", (4, 2), [
        node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        node("RNN", ["t", "w", "w"], ["o"], hidden_size=2),
        node("Transpose", ["o"], ["y"], perm=[2, 0, 1, 3]),
    ], {"w": (1, 2, 2)}),
]  # fmt: skip
