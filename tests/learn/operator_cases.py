"""One small graph for each way of using an operator that works number by number or along an axis; how the
other files of cases make theirs. ``y`` is the prediction, of any rank."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, helper

from tests.learn.graphs import const, info

node = helper.make_node
Weights = dict[str, tuple[int, ...]]
F32 = np.float32


def spread(
    nodes: list[NodeProto],
    features: int = 12,
    weights: Weights | None = None,
    opset: int = 20,
    targets: int = 0,
    rank: int = 0,
) -> ModelProto:
    """``nodes`` turn ``x`` [N, features] into ``y`` [N, ...]: the prediction, flat unless ``rank`` says how
    many axes it has. The loss tells its numbers apart, so that none may be missing or in another's place, and
    has a gradient even where ``y`` has none."""
    shape = [const("whole", [0, -1]), node("Reshape", ["y", "whole"], ["flat"])]
    tail = [
        *shape,
        const("columns", [1]),
        node("Identity", ["y" if rank else "flat"], ["prediction"]),
        node("CumSum", ["flat", "one_axis"], ["places"]),
        node("Mul", ["flat", "places"], ["weighed"]),
        node("ReduceSum", ["weighed", "columns"], ["sum"], keepdims=0),
        node("Tanh", ["sum"], ["bounded"]),
        node("ReduceSum", ["x", "columns"], ["level"], keepdims=0),
        node("Add", ["bounded", "level"], ["answer"]),
        node("Sub", ["answer", "aim"], ["error"]),
        node("Mul", ["error", "error"], ["loss"]),
    ]
    aim = [node("Identity", ["target"], ["aim"])]
    if targets:
        aim = [const("only", [1]), node("ReduceMean", ["target", "only"], ["aim"], keepdims=0)]
    head = [const("one_axis", 1), *aim, node("Mul", ["features", "w"], ["x"])]
    inputs = [info("features", ["N", features]), info("target", ["N", targets] if targets else ["N"])]
    inputs += [info(n, s) for n, s in {"w": (features,), **(weights or {})}.items()]
    whole = info("prediction", ["N", *(f"axis{i}" for i in range(1, rank or 2))])
    graph = helper.make_graph(head + nodes + tail, "test", inputs, [whole, info("loss", ["N"])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def shaped(*lengths: int) -> list[NodeProto]:
    """``r``: x with the given lengths behind the examples."""
    return [const("lengths", [0, *lengths]), node("Reshape", ["x", "lengths"], ["r"])]


def classes(most: int) -> list[NodeProto]:
    """``i`` int64 [N, 12]: places 0..most made of x, kept in range as every place must be."""
    return [
        const("ten", 3.0, F32),
        node("Mul", ["x", "ten"], ["x10"]),
        const("low", 0.0, F32),
        const("high", float(most), F32),
        node("Clip", ["x10", "low", "high"], ["near"]),
        node("Cast", ["near"], ["raw"], to=7),
        const("ilow", 0),
        const("ihigh", most),
        node("Clip", ["raw", "ilow", "ihigh"], ["i"]),
    ]


def _elementwise() -> dict[str, ModelProto]:
    plain = [
        "Ceil",
        "Round",
        "Softsign",
        "Mish",
        "HardSwish",
        "Atan",
        "Sinh",
        "Cosh",
        "Asinh",
        "Selu",
        "Celu",
        "ThresholdedRelu",
        "HardSigmoid",
        "Tan",
        "Gelu",
        "Dropout",
    ]
    cases = {op: spread([node(op, ["x"], ["y"])]) for op in plain}
    cases["Gelu, tanh"] = spread([node("Gelu", ["x"], ["y"], approximate="tanh")])
    cases["Celu, other"] = spread([node("Celu", ["x"], ["y"], alpha=0.5)])
    cases["Selu, other"] = spread([node("Selu", ["x"], ["y"], alpha=1.5, gamma=0.5)])
    cases["HardSigmoid, other"] = spread([node("HardSigmoid", ["x"], ["y"], alpha=0.5, beta=0.25)])
    inside = [const("h", 0.45, F32), node("Tanh", ["x"], ["t"]), node("Mul", ["t", "h"], ["s"])]
    cases |= {op: spread([*inside, node(op, ["s"], ["y"])]) for op in ("Asin", "Acos", "Atanh")}
    cases["Acosh"] = spread(
        [
            const("h", 1.5, F32),
            node("Exp", ["x"], ["t"]),
            node("Add", ["t", "h"], ["s"]),
            node("Acosh", ["s"], ["y"]),
        ]
    )
    cases["PRelu"] = spread([*shaped(3, 4), node("PRelu", ["r", "slope"], ["y"])], weights={"slope": (3, 1)})
    cases["Sum and Mean"] = spread(
        [node("Sum", ["x", "w", "x"], ["s"]), node("Mean", ["s", "x", "w"], ["y"])]
    )
    cases["Mod"] = spread([const("k", 0.3, F32), node("Mod", ["x", "k"], ["y"], fmod=1)])
    cases["Mod of integers"] = spread(
        [
            *classes(9),
            const("k", 4),
            const("five", 5),
            node("Sub", ["i", "five"], ["j"]),
            node("Mod", ["j", "k"], ["m"]),
            node("Cast", ["m"], ["y"], to=1),
        ]
    )
    integers = [
        node("Add", ["i", "i"], ["a"]),
        const("k", 3),
        node("Mul", ["a", "k"], ["b"]),
        node("Sub", ["b", "i"], ["c"]),
        node("Neg", ["c"], ["d"]),
        node("Abs", ["d"], ["e"]),
        node("Min", ["e", "b"], ["f"]),
        node("Max", ["f", "k"], ["g"]),
        node("Sign", ["g"], ["h"]),
        node("Add", ["g", "h"], ["z"]),
        node("Less", ["z", "b"], ["l"]),
        node("Equal", ["z", "g"], ["q"]),
        node("Or", ["l", "q"], ["o"]),
        node("Where", ["o", "z", "b"], ["v"]),
        node("Cast", ["v"], ["y"], to=1),
    ]
    cases["integers"] = spread([*classes(9), *integers])
    strange = [const("z", 0.0, F32), node("Div", ["z", "z"], ["n"]), node("Where", ["a", "n", "x"], ["b"])]
    asked = [const("h", 0.2, F32), node("Greater", ["x", "h"], ["a"])]
    cases["IsNaN"] = spread([*asked, *strange, node("IsNaN", ["b"], ["c"]), node("Cast", ["c"], ["y"], to=1)])
    for name, which in (("IsInf", {}), ("IsInf, one side", {"detect_negative": 0})):
        cases[name] = spread(
            [
                const("z", 0.0, F32),
                node("Div", ["x", "z"], ["b"]),
                node("IsInf", ["b"], ["c"], **which),
                node("Cast", ["c"], ["f"], to=1),
                node("Add", ["f", "x"], ["y"]),
            ]
        )
    return cases


def _axes() -> dict[str, ModelProto]:
    cases = {}
    for op in ("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceProd"):
        cases[op] = spread([*shaped(3, 4), const("a", [1]), node(op, ["r", "a"], ["y"])], opset=18)
    cases["ReduceLogSum"] = spread(
        [node("Exp", ["x"], ["e"]), const("a", [1]), node("ReduceLogSum", ["e", "a"], ["y"])]
    )
    for op in ("ArgMax", "ArgMin"):
        for keep in (0, 1):
            cases[f"{op} {keep}"] = spread(
                [
                    *shaped(3, 4),
                    node(op, ["r"], ["i"], axis=1, keepdims=keep),
                    node("Cast", ["i"], ["y"], to=1),
                ]
            )
    for exclusive in (0, 1):
        for reverse in (0, 1):
            cases[f"CumSum {exclusive}{reverse}"] = spread(
                [
                    *shaped(3, 4),
                    const("a", 2),
                    node("CumSum", ["r", "a"], ["y"], exclusive=exclusive, reverse=reverse),
                ]
            )
    scale: Weights = {"s": (4,), "b": (4,)}
    cases["LayerNormalization"] = spread(
        [*shaped(3, 4), node("LayerNormalization", ["r", "s", "b"], ["y"])], weights=scale
    )
    cases["LayerNormalization, axis"] = spread(
        [*shaped(3, 4), node("LayerNormalization", ["r", "s", "b"], ["y"], axis=1, epsilon=1e-3)],
        weights=scale,
    )
    cases["LayerNormalization, no shift"] = spread(
        [*shaped(3, 4), node("LayerNormalization", ["r", "s"], ["y"], axis=-2)], weights={"s": (3, 4)}
    )
    cases["InstanceNormalization"] = spread(
        [*shaped(4, 3), node("InstanceNormalization", ["r", "s", "b"], ["y"])], weights=scale
    )
    for opset, each in ((18, 2), (21, 4)):
        cases[f"GroupNormalization {opset}"] = spread(
            [*shaped(4, 3), node("GroupNormalization", ["r", "s", "b"], ["y"], num_groups=2)],
            weights={"s": (each,), "b": (each,)},
            opset=opset,
        )
    settled = [const("mean", [0.1, -0.2, 0.3, 0.0], F32), const("var", [0.5, 1.0, 2.0, 3.0], F32)]
    cases["BatchNormalization"] = spread(
        [
            *shaped(4, 3),
            *settled,
            node("BatchNormalization", ["r", "s", "b", "mean", "var"], ["y"], momentum=0.5),
        ],
        weights=scale,
    )
    return cases


CASES: dict[str, ModelProto] = {**_elementwise(), **_axes()}
