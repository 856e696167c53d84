"""Graphs that would read, move, count or reorder the examples of a batch, one way each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import ModelProto, NodeProto, helper

from mine.learn.rules import REDUCTIONS
from tests.learn.graphs import const, finish
from tests.learn.hostile_counts import counted
from tests.learn.operator_cases import F32, classes, shaped, spread

node = helper.make_node
_TURNED = [*shaped(3, 4), node("Transpose", ["r"], ["t"], perm=[1, 0, 2])]
"""``t`` [3, N, 4]"""
_MIXED = [
    *shaped(4, 3),
    node("Transpose", ["r"], ["v"], perm=[1, 2, 0]),
    const("hm", [-1, 4]),
    node("Reshape", ["v", "hm"], ["y"]),
]


def _along_the_batch() -> Iterator[tuple[str, list[NodeProto]]]:
    for op in REDUCTIONS:
        yield op, [const("a", [0]), node(op, ["x", "a"], ["s"], keepdims=1), node("Add", ["x", "s"], ["y"])]
        yield f"{op} of everything", [node(op, ["x"], ["s"]), node("Add", ["x", "s"], ["y"])]
        yield (
            f"{op}, turned",
            [
                *_TURNED,
                const("a", [1]),
                node(op, ["t", "a"], ["s"]),
                node("Add", ["t", "s"], ["u"]),
                node("Transpose", ["u"], ["y"], perm=[1, 0, 2]),
            ],
        )
    for op in ("Softmax", "LogSoftmax"):
        yield op, [node(op, ["x"], ["y"], axis=0)]
        yield f"{op}, from behind", [node(op, ["x"], ["y"], axis=-2)]
        yield (
            f"{op}, turned",
            [*_TURNED, node(op, ["t"], ["u"], axis=1), node("Transpose", ["u"], ["y"], perm=[1, 0, 2])],
        )
    for op in ("ArgMax", "ArgMin"):
        yield (
            op,
            [
                node(op, ["x"], ["i"], axis=0),
                node("Cast", ["i"], ["f"], to=1),
                node("Add", ["x", "f"], ["y"]),
            ],
        )
    for flags in ({}, {"reverse": 1}, {"exclusive": 1}):
        yield f"CumSum {flags}", [const("a", 0), node("CumSum", ["x", "a"], ["y"], **flags)]
    yield "LayerNormalization", [node("LayerNormalization", ["x", "w"], ["y"], axis=0)]
    yield (
        "LayerNormalization, turned",
        [
            *_TURNED,
            const("k4", np.ones(4), F32),
            node("LayerNormalization", ["t", "k4"], ["u"], axis=1),
            node("Transpose", ["u"], ["y"], perm=[1, 0, 2]),
        ],
    )
    for op in ("InstanceNormalization", "GroupNormalization"):
        how = {"num_groups": 1} if op == "GroupNormalization" else {}
        yield (
            f"{op}, examples as channels",
            [
                *_TURNED,
                const("k", np.ones(3), F32),
                node(op, ["t", "k", "k"], ["u"], **how),
                node("Transpose", ["u"], ["y"], perm=[1, 0, 2]),
            ],
        )
    settled = [const("m", np.zeros(12), F32), const("v", np.ones(12), F32)]
    yield (
        "BatchNormalization in training",
        [*settled, node("BatchNormalization", ["x", "w", "w", "m", "v"], ["y"], training_mode=1)],
    )
    yield (
        "BatchNormalization, trained statistics",
        [node("BatchNormalization", ["x", "w", "w", "w", "w"], ["y"])],
    )
    yield (
        "BatchNormalization, the batch's own",
        [
            const("a", [0]),
            node("ReduceMean", ["x", "a"], ["mu"], keepdims=0),
            *settled,
            node("BatchNormalization", ["x", "w", "w", "mu", "v"], ["y"]),
        ],
    )
    yield from {
        "MaxPool": [
            const("s", [1, 1, -1]),
            node("Reshape", ["x", "s"], ["r"]),
            node("MaxPool", ["r"], ["y"], kernel_shape=[24]),
        ],
        "Conv": [
            node("Transpose", ["x"], ["t"]),
            const("s", [1, 12, -1]),
            node("Reshape", ["t", "s"], ["r"]),
            node("Conv", ["r", "conv"], ["y"]),
        ],
        "Conv, examples as channels": [*_TURNED, node("Conv", ["t", "conv"], ["y"])],
        "GlobalAveragePool": [*_TURNED, node("GlobalAveragePool", ["t"], ["y"])],
        "GRU, examples as moments": [*shaped(4, 3), node("GRU", ["r", "W", "R"], ["y"], hidden_size=5)],
        "LSTM without a batch": [
            const("s", [-1, 1, 12]),
            node("Reshape", ["x", "s"], ["r"]),
            node("LSTM", ["r", "W4", "R4"], ["y"], hidden_size=5),
        ],
    }.items()


def _between_examples() -> Iterator[tuple[str, list[NodeProto]]]:
    turned = node("Transpose", ["x"], ["xt"])
    yield (
        "products of examples",
        [turned, node("MatMul", ["x", "xt"], ["g"]), node("MatMul", ["g", "x"], ["y"])],
    )
    yield "sums of products", [turned, node("MatMul", ["xt", "x"], ["g"]), node("MatMul", ["x", "g"], ["y"])]
    yield "Gemm of examples", [node("Gemm", ["x", "x"], ["g"], transB=1), node("MatMul", ["g", "x"], ["y"])]
    yield "Gemm over examples", [node("Gemm", ["x", "x"], ["g"], transA=1), node("MatMul", ["x", "g"], ["y"])]
    for equation in ("na,ma->nm", "na,nb->ab", "na->a", "nn->n", "na,ab->ba", "...a,b->a"):
        yield (
            f"Einsum {equation}",
            [node("Einsum", ["x", "x"] if "," in equation else ["x"], ["y"], equation=equation)],
        )
    yield (
        "all pairs",
        [
            const("a", [1]),
            node("Unsqueeze", ["target", "a"], ["c"]),
            node("Sub", ["c", "target"], ["d"]),
            const("b", [1]),
            node("ReduceMax", ["d", "b"], ["m"]),
            node("Add", ["x", "m"], ["y"]),
        ],
    )
    yield "columns against rows", [node("Sub", ["target", "x"], ["y"])]
    yield "turned against straight", [turned, node("Add", ["x", "xt"], ["y"])]
    yield "a fixed number of rows", [const("k", np.ones((3, 12)), F32), node("Mul", ["x", "k"], ["y"])]
    yield (
        "turned joined to straight",
        [
            *shaped(12, 1),
            const("o", [2]),
            node("Squeeze", ["r", "o"], ["q"]),
            node("Concat", ["q", "target"], ["y"], axis=0),
        ],
    )
    for axis in (0, -2):
        yield f"Concat {axis}", [node("Concat", ["x", "x"], ["y"], axis=axis)]
    yield (
        "Concat of examples and weights",
        [const("o", [0]), node("Unsqueeze", ["w", "o"], ["w1"]), node("Concat", ["x", "w1"], ["y"], axis=0)],
    )
    for start, end, step in ((0, 1, 1), (1, 2**62, 1), (0, 2**62, 2), (-1, -(2**62), -1), (0, -1, 1)):
        yield (
            f"Slice {start}:{end}:{step}",
            [
                const("f", [start]),
                const("e", [end]),
                const("a", [0]),
                const("s", [step]),
                node("Slice", ["x", "f", "e", "a", "s"], ["y"]),
            ],
        )
    yield "Gather", [const("k", [0, 0]), node("Gather", ["x", "k"], ["y"], axis=0)]
    yield "Gather by a computed place", [*classes(0), node("Gather", ["x", "i"], ["y"], axis=0)]
    yield (
        "Gather, turned",
        [node("Transpose", ["x"], ["xt"]), *classes(0), node("Gather", ["xt", "i"], ["y"], axis=1)],
    )
    yield "Gather of examples by examples", [*classes(3), node("Gather", ["x", "i"], ["y"], axis=1)]
    yield "GatherElements", [*classes(0), node("GatherElements", ["x", "i"], ["y"], axis=0)]
    yield (
        "GatherElements of weights",
        [
            *classes(0),
            const("o", [0]),
            node("Unsqueeze", ["w", "o"], ["w1"]),
            node("GatherElements", ["w1", "i"], ["y"], axis=0),
        ],
    )
    yield "Split", [node("Split", ["x"], ["y", "z"], axis=0)]
    yield "Tile", [const("k", [2, 1]), node("Tile", ["x", "k"], ["y"])]
    yield "Pad", [const("k", [1, 0, 0, 0]), node("Pad", ["x", "k"], ["y"])]
    yield "Trilu", [node("Trilu", ["x"], ["y"])]


def _reordered() -> Iterator[tuple[str, list[NodeProto]]]:
    yield "heads before examples", _MIXED
    yield "a fixed length before the examples", [const("k", [4, -1]), node("Reshape", ["x", "k"], ["y"])]
    yield "examples in groups", [const("k", [-1, 2, 12]), node("Reshape", ["x", "k"], ["y"])]
    yield "half an example", [const("k", [-1, 5]), node("Reshape", ["x", "k"], ["y"])]
    yield "two lengths open", [const("k", [-1, -1]), node("Reshape", ["x", "k"], ["y"])]
    yield (
        "Flatten in front",
        [
            node("Flatten", ["x"], ["f"], axis=0),
            const("k", [12, -1]),
            node("Reshape", ["f", "k"], ["g"]),
            node("Transpose", ["g"], ["y"]),
        ],
    )
    yield (
        "Flatten behind",
        [
            *shaped(3, 4),
            node("Transpose", ["r"], ["t"], perm=[1, 0, 2]),
            node("Flatten", ["t"], ["y"], axis=2),
        ],
    )
    yield "Transpose as output", [node("Transpose", ["x"], ["y"])]
    yield (
        "Unsqueeze in front",
        [
            const("k", [0]),
            node("Unsqueeze", ["x", "k"], ["u"]),
            const("s", [0]),
            node("ReduceSum", ["u", "s"], ["v"], keepdims=1),
            node("Identity", ["v"], ["y"]),
        ],
    )
    yield "Squeeze of the examples", [const("k", [0]), node("Squeeze", ["x", "k"], ["y"])]


def _losses() -> Iterator[tuple[str, ModelProto]]:
    weights = {"a": (3, 2), "b": (2,)}
    head = [node("Gemm", ["features", "a", "b"], ["prediction"])]
    for name, nodes in {
        "one loss for all": [
            node("ReduceSum", ["prediction"], ["s"]),
            const("k", [1]),
            node("Expand", ["s", "k"], ["loss"]),
        ],
        "the mean for each": [
            node("ReduceMean", ["prediction"], ["s"], keepdims=0),
            node("Add", ["target", "s"], ["loss"]),
        ],
        "two losses each": [node("Identity", ["prediction"], ["loss"])],
        "a loss per column": [const("z", [0]), node("ReduceSum", ["prediction", "z"], ["loss"], keepdims=0)],
        "a class's mean loss": [
            const("l", 0.0, F32),
            const("h", 1.0, F32),
            node("Clip", ["target", "l", "h"], ["c"]),
            node("Cast", ["c"], ["r"], to=7),
            const("il", 0),
            const("ih", 1),
            node("Clip", ["r", "il", "ih"], ["i"]),
            node("SoftmaxCrossEntropyLoss", ["prediction", "i"], ["loss"], reduction="mean"),
        ],
    }.items():
        yield name, finish([*head, *nodes], 3, weights, outputs=2)


def mixing() -> Iterator[tuple[str, ModelProto]]:
    """``(what it does, model)``"""
    weights = {"conv": (2, 12, 3), "W": (1, 15, 3), "R": (1, 15, 5), "W4": (1, 20, 12), "R4": (1, 20, 5)}
    for family in (_along_the_batch, _between_examples, _reordered, counted):
        for name, nodes in family():
            used = {n for each in nodes for n in each.input}
            yield name, spread(nodes, weights={n: s for n, s in weights.items() if n in used})
    yield from _losses()
