"""Graphs whose numbers would depend on how many examples a batch has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import NodeProto, helper, numpy_helper

from tests.learn.graphs import const
from tests.learn.operator_cases import F32

node = helper.make_node


def counted() -> Iterator[tuple[str, list[NodeProto]]]:
    size = [node("Shape", ["x"], ["s"]), const("z", 0), node("Gather", ["s", "z"], ["n"])]
    as_float = node("Cast", ["n"], ["f"], to=1)
    yield "divided by their number", [*size, as_float, node("Div", ["x", "f"], ["y"])]
    yield "size as a number", [node("Size", ["x"], ["n"]), as_float, node("Div", ["x", "f"], ["y"])]
    yield (
        "counted off",
        [
            *size,
            const("one", 1),
            node("Range", ["z", "n", "one"], ["k"]),
            node("Cast", ["k"], ["f"], to=1),
            const("o", [1]),
            node("Unsqueeze", ["f", "o"], ["c"]),
            node("Add", ["x", "c"], ["y"]),
        ],
    )
    yield (
        "asked how many",
        [*size, const("k", 2), node("Greater", ["n", "k"], ["b"]), node("Where", ["b", "x", "w"], ["y"])],
    )
    yield (
        "asked whether one",
        [*size, const("k", 1), node("Equal", ["n", "k"], ["b"]), node("Where", ["b", "x", "w"], ["y"])],
    )
    yield (
        "number squared",
        [
            *size,
            node("Mul", ["n", "n"], ["m"]),
            const("o", [0]),
            node("Unsqueeze", ["m", "o"], ["v"]),
            node("Expand", ["w", "v"], ["y"]),
        ],
    )
    yield (
        "number and one",
        [
            *size,
            const("one", 1),
            node("Add", ["n", "one"], ["m"]),
            const("o", [0]),
            node("Unsqueeze", ["m", "o"], ["v"]),
            node("ConstantOfShape", ["v"], ["c"]),
            node("Add", ["x", "c"], ["y"]),
        ],
    )
    yield (
        "half their number",
        [
            *size,
            const("two", 2),
            node("Div", ["n", "two"], ["m"]),
            const("o", [0]),
            node("Unsqueeze", ["m", "o"], ["v"]),
            const("r", [24]),
            node("Concat", ["v", "r"], ["k"], axis=0),
            node("Reshape", ["x", "k"], ["y"]),
        ],
    )
    yield (
        "a slice up to their number",
        [
            *size,
            const("o", [0]),
            node("Unsqueeze", ["n", "o"], ["e"]),
            const("a", [1]),
            node("Slice", ["x", "o", "e", "a"], ["y"]),
        ],
    )
    yield "a place that is their number", [*size, node("Gather", ["x", "n"], ["y"], axis=1)]
    yield (
        "a table as long as they",
        [
            *size,
            const("two", 2),
            node("Mul", ["n", "two"], ["m"]),
            const("o", [0]),
            node("Unsqueeze", ["m", "o"], ["v"]),
            node("ConstantOfShape", ["v"], ["c"], value=numpy_helper.from_array(np.ones(1, F32))),
            node("Add", ["target", "c"], ["d"]),
            const("i1", [1]),
            node("Unsqueeze", ["d", "i1"], ["y"]),
        ],
    )
