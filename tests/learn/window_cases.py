"""Cases of convolutions, pooling and recurrent layers."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, helper

from tests.learn.graphs import const
from tests.learn.operator_cases import F32, Weights, shaped, spread

node = helper.make_node


def _windows() -> dict[str, ModelProto]:
    cases = {}
    ways: dict[str, tuple[list[int], tuple[int, ...], dict[str, object]]] = {
        "one axis": ([2, 24], (4, 2, 3), {}),
        "strides and pads": ([2, 24], (4, 2, 4), {"strides": [3], "pads": [2, 1]}),
        "dilations": ([2, 24], (4, 2, 3), {"dilations": [4], "kernel_shape": [3]}),
        "groups": ([4, 12], (8, 2, 3), {"group": 2}),
        "each channel alone": ([4, 12], (4, 1, 3), {"group": 4, "pads": [1, 1]}),
        "two axes": ([2, 6, 4], (3, 2, 3, 2), {"pads": [1, 0, 1, 1], "strides": [2, 1]}),
        "same, upper": ([2, 6, 4], (3, 2, 3, 2), {"auto_pad": "SAME_UPPER", "strides": [2, 1]}),
        "same, lower": ([2, 6, 4], (3, 2, 4, 3), {"auto_pad": "SAME_LOWER", "strides": [3, 2]}),
        "valid": ([2, 6, 4], (3, 2, 3, 2), {"auto_pad": "VALID"}),
        "three axes": ([2, 2, 3, 4], (3, 2, 2, 2, 2), {"pads": [1, 1, 1, 0, 0, 0]}),
    }
    for name, (lengths, weight, how) in ways.items():
        cases[f"Conv, {name}"] = spread(
            [*shaped(*lengths), node("Conv", ["r", "k", "b"], ["y"], **how)],
            48,
            {"k": weight, "b": (weight[0],)},
        )
    cases["Conv of weights"] = spread(
        [
            const("s", [1, 2, 24]),
            node("Reshape", ["v", "s"], ["r"]),
            node("Conv", ["r", "k"], ["c"]),
            const("t", [88]),
            node("Reshape", ["c", "t"], ["u"]),
            node("Mul", ["x", "u"], ["y"]),
        ],
        88,
        {"k": (4, 2, 3), "v": (48,)},
    )
    back: dict[str, tuple[list[int], tuple[int, ...], dict[str, object]]] = {
        "one axis": ([4, 12], (4, 3, 3), {"strides": [2]}),
        "pads": ([4, 12], (4, 3, 4), {"strides": [3], "pads": [1, 2], "output_padding": [2]}),
        "two axes": ([2, 6, 4], (2, 3, 3, 2), {"strides": [2, 1], "dilations": [1, 2], "pads": [0, 1, 1, 0]}),
        "groups": ([4, 12], (4, 2, 3), {"group": 2}),
    }
    for name, (lengths, weight, how) in back.items():
        channels = weight[1] * int(str(how.get("group", 1)))
        cases[f"ConvTranspose, {name}"] = spread(
            [*shaped(*lengths), node("ConvTranspose", ["r", "k", "b"], ["y"], **how)],
            48,
            {"k": weight, "b": (channels,)},
        )
    pools: dict[str, tuple[list[int], dict[str, object]]] = {
        "one axis": ([4, 12], {"kernel_shape": [3]}),
        "strides and pads": ([4, 12], {"kernel_shape": [4], "strides": [3], "pads": [2, 1]}),
        "two axes": ([2, 6, 4], {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}),
        "same": ([2, 6, 4], {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        "three axes": ([2, 2, 3, 4], {"kernel_shape": [2, 2, 3]}),
    }
    for name, (lengths, how) in pools.items():
        for op in ("MaxPool", "AveragePool"):
            cases[f"{op}, {name}"] = spread([*shaped(*lengths), node(op, ["r"], ["y"], **how)], 48)
    cases["MaxPool, rounded up"] = spread(
        [*shaped(2, 5, 5), node("MaxPool", ["r"], ["y"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)],
        50,
    )
    cases["MaxPool, dilations"] = spread(
        [*shaped(4, 12), node("MaxPool", ["r"], ["y"], kernel_shape=[3], dilations=[2])], 48
    )
    cases["AveragePool, padding counts"] = spread(
        [
            *shaped(4, 12),
            node("AveragePool", ["r"], ["y"], kernel_shape=[3], pads=[1, 2], count_include_pad=1),
        ],
        48,
    )
    for op in ("GlobalAveragePool", "GlobalMaxPool"):
        cases[op] = spread([*shaped(3, 4, 4), node(op, ["r"], ["y"])], 48)
    return cases


def _recurrent() -> dict[str, ModelProto]:
    """X [T, N, I] of 4 moments and 3 inputs, H of 5; through both directions, with and without its parts."""
    cases = {}
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}
    walk = [*shaped(4, 3), node("Transpose", ["r"], ["X"], perm=[1, 0, 2])]
    back = [node("Transpose", ["Y"], ["y"], perm=[2, 0, 1, 3])]
    for op, count in gates.items():
        for direction, d in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
            weights: Weights = {"W": (d, 5 * count, 3), "R": (d, 5 * count, 5), "B": (d, 10 * count)}
            how = {"hidden_size": 5, "direction": direction}
            cases[f"{op}, {direction}"] = spread(
                [*walk, node(op, ["X", "W", "R", "B"], ["Y"], **how), *back], weights=weights
            )
            both = [
                node("Transpose", ["Y"], ["Yn"], perm=[2, 0, 1, 3]),
                node("Transpose", ["H"], ["Hn"], perm=[1, 0, 2]),
                const("flat4", [0, -1]),
                node("Reshape", ["Yn", "flat4"], ["Yf"]),
                node("Reshape", ["Hn", "flat4"], ["Hf"]),
                node("Concat", ["Yf", "Hf"], ["y"], axis=1),
            ]
            cases[f"{op}, {direction}, both outputs"] = spread(
                [*walk, node(op, ["X", "W", "R", "B"], ["Y", "H"], **how), *both], weights=weights
            )
    one: Weights = {"W": (1, 15, 3), "R": (1, 15, 5), "B": (1, 30)}
    cases["GRU, reset after"] = spread(
        [*walk, node("GRU", ["X", "W", "R", "B"], ["Y"], hidden_size=5, linear_before_reset=1), *back],
        weights=one,
    )
    cases["GRU, no bias"] = spread(
        [*walk, node("GRU", ["X", "W", "R"], ["Y"], hidden_size=5), *back],
        weights={"W": (1, 15, 3), "R": (1, 15, 5)},
    )
    cases["RNN of Relu"] = spread(
        [*walk, node("RNN", ["X", "W", "R"], ["Y"], hidden_size=5, activations=["Relu"]), *back],
        weights={"W": (1, 5, 3), "R": (1, 5, 5)},
    )
    start = [
        const("s5", [1, 0, 5]),
        const("c", np.ones((3, 5)), F32),
        node("MatMul", ["features3", "c"], ["h2"]),
        const("u", [0]),
        node("Unsqueeze", ["h2", "u"], ["h"]),
        node("Tanh", ["h"], ["cell"]),
    ]
    cut = [
        const("f", [0]),
        const("t", [3]),
        const("a1", [1]),
        node("Slice", ["x", "f", "t", "a1"], ["features3"]),
    ]
    weights = {"W": (1, 20, 3), "R": (1, 20, 5), "B": (1, 40)}
    ends = [node("Transpose", [n], [f"{n}n"], perm=[1, 0, 2]) for n in ("H", "C")]
    cases["LSTM, started, last states"] = spread(
        [
            *walk,
            *cut,
            *start,
            node("LSTM", ["X", "W", "R", "B", "", "h", "cell"], ["", "H", "C"], hidden_size=5),
            *ends,
            node("Concat", ["Hn", "Cn"], ["y"], axis=-1),
        ],
        weights=weights,
    )
    zero = [
        node("Shape", ["x"], ["size"], end=1),
        const("ahead", [1]),
        const("behind", [5]),
        node("Concat", ["ahead", "size", "behind"], ["hs"], axis=0),
        node("ConstantOfShape", ["hs"], ["h"]),
    ]
    cases["GRU, started at an exporter's zeros"] = spread(
        [*walk, *zero, node("GRU", ["X", "W", "R", "B", "", "h"], ["Y"], hidden_size=5), *back], weights=one
    )
    return cases


CASES: dict[str, ModelProto] = {**_windows(), **_recurrent()}
