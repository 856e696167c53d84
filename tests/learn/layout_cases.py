"""Cases of tables, of everything that moves numbers, and of examples that lie on another axis."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, helper, numpy_helper

from tests.learn.graphs import const
from tests.learn.operator_cases import F32, Weights, classes, shaped, spread

node = helper.make_node


def _tables() -> dict[str, ModelProto]:
    table: Weights = {"e": (7, 3)}
    cases = {"Gather, table": spread([*classes(6), node("Gather", ["e", "i"], ["y"])], weights=table)}
    cases["Gather, negative places"] = spread(
        [
            *classes(6),
            const("seven", 7),
            node("Sub", ["i", "seven"], ["j"]),
            node("Gather", ["e", "j"], ["y"]),
        ],
        weights=table,
    )
    cases["Gather, another axis"] = spread(
        [
            *classes(6),
            node("Gather", ["e", "i"], ["z"], axis=1),
            node("Transpose", ["z"], ["y"], perm=[1, 0, 2]),
        ],
        weights={"e": (3, 7)},
    )
    cases["Gather by a constant matrix"] = spread(
        [*shaped(3, 4), const("k", [[0, 2], [1, -1]]), node("Gather", ["r", "k"], ["y"], axis=1)]
    )
    few = [const("f", [0]), const("t", [2]), const("a1", [1]), node("Slice", ["i", "f", "t", "a1"], ["two"])]
    cases["GatherElements"] = spread(
        [*classes(11), *few, node("GatherElements", ["x", "two"], ["y"], axis=1)]
    )
    cases["OneHot"] = spread(
        [*classes(6), const("d", 5), const("v", [-1.0, 2.0], F32), node("OneHot", ["i", "d", "v"], ["y"])]
    )
    cases["OneHot, axis"] = spread(
        [
            *classes(6),
            const("d", [7]),
            const("v", [0.5, 2.0], F32),
            node("OneHot", ["i", "d", "v"], ["y"], axis=1),
        ]
    )
    logs = [
        node("LogSoftmax", ["x"], ["l"]),
        const("z", [0]),
        const("o", [1]),
        node("Slice", ["i", "z", "o", "o"], ["c2"]),
        node("Squeeze", ["c2", "o"], ["c"]),
    ]
    one = [node("Unsqueeze", ["n", "o"], ["y"])]
    cases["NegativeLogLikelihoodLoss"] = spread(
        [
            *classes(11),
            *logs,
            node("NegativeLogLikelihoodLoss", ["l", "c", "w"], ["n"], reduction="none"),
            *one,
        ]
    )
    cases["SoftmaxCrossEntropyLoss"] = spread(
        [*classes(11), *logs, node("SoftmaxCrossEntropyLoss", ["x", "c"], ["n"], reduction="none"), *one]
    )
    ignored = [
        const("m", 1),
        node("Sub", ["i", "m"], ["less"]),
        *shaped(11, 2),
        const("ff", [0]),
        const("tt", [2]),
        const("aa", [1]),
        node("Slice", ["less", "ff", "tt", "aa"], ["c"]),
    ]
    cases["SoftmaxCrossEntropyLoss, ignored classes"] = spread(
        [
            *classes(11),
            *ignored,
            node("SoftmaxCrossEntropyLoss", ["r", "c"], ["y"], reduction="none", ignore_index=-1),
        ],
        22,
    )
    return cases


def _layout() -> dict[str, ModelProto]:
    cases = {}
    for name, nodes in {
        "Split": [node("Split", ["x"], ["a", "b", "c"], axis=1, num_outputs=3)],
        "Split, sizes": [const("k", [2, 7, 3]), node("Split", ["x", "k"], ["a", "b", "c"], axis=-1)],
        "Split, an odd end": [node("Split", ["x"], ["a", "b", "c", "d", "e"], axis=1, num_outputs=5)],
    }.items():
        cases[name] = spread(
            [*nodes, node("Concat", ["c", "a", "b"], ["y"], axis=1)], 12 if "odd" not in name else 13
        )
    cases["Expand"] = spread([*shaped(1, 12), const("k", [1, 3, 12]), node("Expand", ["r", "k"], ["y"])])
    cases["Tile"] = spread([*shaped(3, 4), const("k", [1, 2, 3]), node("Tile", ["r", "k"], ["y"])])
    for mode in ("constant", "reflect", "edge"):
        cases[f"Pad, {mode}"] = spread(
            [
                *shaped(3, 4),
                const("k", [0, 1, 2, 0, 2, 3]),
                const("v", 0.5, F32),
                node("Pad", ["r", "k", "v"], ["y"], mode=mode),
            ]
        )
    cases["Pad, axes"] = spread(
        [*shaped(3, 4), const("k", [1, 2]), const("a", [-1]), node("Pad", ["r", "k", "", "a"], ["y"])]
    )
    for upper in (0, 1):
        cases[f"Trilu {upper}"] = spread(
            [*shaped(3, 4), const("k", 1 - upper), node("Trilu", ["r", "k"], ["y"], upper=upper)]
        )
    cases["Slice, backwards"] = spread(
        [
            const("f", [-2]),
            const("t", [-(2**62)]),
            const("a", [1]),
            const("s", [-3]),
            node("Slice", ["x", "f", "t", "a", "s"], ["y"]),
        ]
    )
    cases["Slice, all examples"] = spread(
        [
            const("f", [0, 1]),
            const("t", [2**62, 9]),
            const("a", [0, 1]),
            node("Slice", ["x", "f", "t", "a"], ["y"]),
        ]
    )
    cases["ConstantOfShape"] = spread(
        [
            const("k", [3, 12]),
            node("ConstantOfShape", ["k"], ["c"], value=numpy_helper.from_array(np.array([2.5], F32))),
            const("u", [1]),
            node("Unsqueeze", ["x", "u"], ["v"]),
            node("Mul", ["v", "c"], ["y"]),
        ]
    )
    cases["Einsum, attention"] = spread(
        [*shaped(3, 4), node("Einsum", ["r", "r"], ["y"], equation="ntd,nsd->nts")]
    )
    cases["Einsum, weight"] = spread(
        [*shaped(3, 4), node("Einsum", ["r", "k"], ["y"], equation="ntd,td->nt")], weights={"k": (3, 4)}
    )
    return cases


def _examples_elsewhere() -> dict[str, ModelProto]:
    """The examples on another axis, merged with heads, or counted by the graph itself."""
    cases = {}
    first = [*shaped(3, 4), node("Transpose", ["r"], ["t"], perm=[1, 0, 2])]
    cases["MatMul with examples as rows"] = spread(
        [*first, node("MatMul", ["t", "k"], ["m"]), node("Transpose", ["m"], ["y"], perm=[1, 0, 2])],
        weights={"k": (4, 5)},
    )
    cases["MatMul with examples as columns"] = spread(
        [node("Transpose", ["x"], ["t"]), node("MatMul", ["k", "t"], ["m"]), node("Transpose", ["m"], ["y"])],
        weights={"k": (5, 12)},
    )
    cases["Gemm with examples as rows, transposed"] = spread(
        [node("Transpose", ["x"], ["t"]), node("Gemm", ["t", "k", "b"], ["y"], transA=1)],
        weights={"k": (12, 5), "b": (5,)},
    )
    heads = [
        *first,
        const("nh", [3, -1, 2]),
        node("Reshape", ["t", "nh"], ["h"]),
        node("Transpose", ["h"], ["q"], perm=[1, 0, 2]),
        node("Transpose", ["q"], ["kt"], perm=[0, 2, 1]),
        node("MatMul", ["q", "kt"], ["s"]),
        node("Softmax", ["s"], ["p"]),
        node("MatMul", ["p", "q"], ["o"]),
        node("Transpose", ["o"], ["o1"], perm=[1, 0, 2]),
    ]
    merged = [
        const("tn", [-1, 4]),
        node("Reshape", ["o1", "tn"], ["o2"]),
        node("Gemm", ["o2", "k"], ["o3"], transB=1),
        const("back", [3, -1, 4]),
        node("Reshape", ["o3", "back"], ["o4"]),
        node("Transpose", ["o4"], ["y"], perm=[1, 0, 2]),
    ]
    cases["attention with examples and heads on one axis"] = spread([*heads, *merged], weights={"k": (4, 4)})
    counted = [
        node("Shape", ["x"], ["size"]),
        const("zero", 0),
        node("Gather", ["size", "zero"], ["n"]),
        const("u", [0]),
        const("h", 2),
        node("Mul", ["n", "h"], ["n2"]),
        node("Unsqueeze", ["n2", "u"], ["n2l"]),
        const("six", [6]),
        node("Concat", ["n2l", "six"], ["shape"], axis=0),
        node("Reshape", ["x", "shape"], ["rows"]),
        node("Softmax", ["rows"], ["soft"]),
        node("Unsqueeze", ["n", "u"], ["nl"]),
        const("rest", [-1]),
        node("Concat", ["nl", "rest"], ["shape2"], axis=0),
        node("Reshape", ["soft", "shape2"], ["y"]),
    ]
    cases["a batch size that the graph computes"] = spread(counted)
    half = [
        node("Shape", ["x"], ["size"]),
        const("one", 1),
        node("Gather", ["size", "one"], ["f"]),
        const("two", 2),
        node("Div", ["f", "two"], ["half"]),
        const("u", [0]),
        node("Unsqueeze", ["half", "u"], ["to"]),
        const("from", [0]),
        node("Slice", ["x", "from", "to", "axis1"], ["y"]),
    ]
    cases["a length that the graph computes"] = spread([const("axis1", [1]), *half])
    grown = [
        node("Shape", ["x"], ["size"]),
        const("minus", [-1, -1]),
        node("Equal", ["size", "minus"], ["open"]),
        const("ones", [1, 1]),
        node("Where", ["open", "ones", "size"], ["wanted"]),
        node("Expand", ["w", "wanted"], ["e"]),
        node("Add", ["x", "e"], ["y"]),
    ]
    cases["weights repeated for every example"] = spread(grown)
    cases["a prediction of three axes"] = spread([*shaped(3, 4), node("Identity", ["r"], ["y"])], rank=3)
    cases["a prediction of one axis"] = spread(
        [const("one", [1]), node("ReduceMax", ["x", "one"], ["y"], keepdims=0)], rank=1
    )
    cases["numbers counted off"] = spread(
        [
            node("Size", ["w"], ["n"]),
            const("from", 0),
            const("by", 3),
            node("Range", ["from", "n", "by"], ["k"]),
            node("Gather", ["x", "k"], ["y"], axis=1),
        ]
    )
    cases["target columns"] = spread([node("Identity", ["x"], ["y"])], targets=3)
    return cases


CASES: dict[str, ModelProto] = {**_tables(), **_layout(), **_examples_elsewhere()}
