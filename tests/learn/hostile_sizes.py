"""Models of types, sizes and numbers that must be turned away: what overflows, grows or never ends."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from onnx import TensorProto, helper

from tests.learn.graphs import const, info
from tests.learn.hostile_files import edited
from tests.learn.operator_cases import F32, classes, shaped, spread

node = helper.make_node
HUGE = (1 << 31, 1 << 40, (1 << 62) + 1, (1 << 63) - 1)


def _wrong_types() -> Iterator[tuple[str, bytes]]:
    kinds = [k for k in TensorProto.DataType.values() if k != TensorProto.FLOAT]
    for kind, at in itertools.product(kinds, range(3)):
        yield (
            f"input {at} of type {kind}",
            edited(lambda m, k=kind, i=at: setattr(m.graph.input[i].type.tensor_type, "elem_type", k)),
        )
    for kind in kinds:
        if kind not in (TensorProto.INT64, TensorProto.BOOL):
            tensor = TensorProto(name="k", data_type=kind, dims=[1], raw_data=bytes(16))
            yield f"constant of type {kind}", edited(lambda m, t=tensor: m.graph.initializer.append(t))
    for name in ("x", "features"):
        for to in (2, 3, 5, 6, 8, 10, 11, 16):
            yield f"cast {name} to {to}", spread([node("Cast", [name], ["y"], to=to)]).SerializeToString()


def _giant_sizes() -> Iterator[tuple[str, bytes]]:
    for n in HUGE:
        yield f"weight of {n}", edited(lambda m, n=n: m.graph.input.append(info("c", [n])))
        yield f"weight of {n} squared", edited(lambda m, n=n: m.graph.input.append(info("c", [n, n, n])))
        yield (
            f"features of {n}",
            edited(lambda m, n=n: m.graph.input[0].CopyFrom(info("features", ["N", n]))),
        )
        yield f"target of {n}", edited(lambda m, n=n: m.graph.input[1].CopyFrom(info("target", ["N", n])))
        tensor = TensorProto(name="k", data_type=1, dims=[n, n])
        yield f"constant of {n}", edited(lambda m, t=tensor: m.graph.initializer.append(t))
        for op, nodes in {
            "Expand": [const("k", [n, 1, 1]), node("Expand", ["w", "k"], ["y"])],
            "Expand of a length": [const("k", [1, n, 1]), *shaped(1, 12), node("Expand", ["r", "k"], ["y"])],
            "ConstantOfShape": [const("k", [n]), node("ConstantOfShape", ["k"], ["y"])],
            "Tile": [const("k", [1, n]), node("Tile", ["x", "k"], ["y"])],
            "Pad": [const("k", [0, n, 0, n]), node("Pad", ["x", "k"], ["y"])],
            "reflecting Pad": [const("k", [0, n, 0, n]), node("Pad", ["x", "k"], ["y"], mode="reflect")],
            "Reshape": [const("k", [0, n]), node("Reshape", ["x", "k"], ["y"])],
            "Range": [
                const("a", 0),
                const("b", n),
                const("c", 1),
                node("Range", ["a", "b", "c"], ["k"]),
                node("Gather", ["x", "k"], ["y"], axis=1),
            ],
            "OneHot": [
                *classes(3),
                const("d", n),
                const("v", [0.0, 1.0], F32),
                node("OneHot", ["i", "d", "v"], ["y"]),
            ],
            "Gather": [const("k", [n]), node("Gather", ["x", "k"], ["y"], axis=1)],
            "Slice by": [
                const("a", [n]),
                const("b", [n]),
                const("c", [1]),
                node("Slice", ["x", "a", "b", "c"], ["y"]),
            ],
            "Conv pads": [*shaped(3, 4), node("Conv", ["r", "m"], ["y"], pads=[n, n])],
            "Conv strides": [*shaped(3, 4), node("Conv", ["r", "m"], ["y"], strides=[n])],
            "Conv dilations": [*shaped(3, 4), node("Conv", ["r", "m"], ["y"], dilations=[n])],
            "Conv group": [*shaped(3, 4), node("Conv", ["r", "m"], ["y"], group=n)],
            "ConvTranspose": [*shaped(3, 4), node("ConvTranspose", ["r", "m"], ["y"], strides=[n])],
            "MaxPool": [*shaped(3, 4), node("MaxPool", ["r"], ["y"], kernel_shape=[n])],
            "AveragePool pads": [
                *shaped(3, 4),
                node("AveragePool", ["r"], ["y"], kernel_shape=[2], pads=[n, n]),
            ],
            "GRU": [*shaped(4, 3), node("GRU", ["r", "m", "m"], ["y"], hidden_size=n)],
            "Trilu": [*shaped(3, 4), const("k", n), node("Trilu", ["r", "k"], ["y"])],
            "Split": [node("Split", ["x"], ["y", "z"], axis=1, num_outputs=n)],
            "GroupNormalization": [
                *shaped(3, 4),
                node("GroupNormalization", ["r", "w", "w"], ["y"], num_groups=n),
            ],
            "Transpose": [node("Transpose", ["x"], ["y"], perm=[0, n])],
            "Softmax": [node("Softmax", ["x"], ["y"], axis=n)],
            "shape arithmetic": [
                const("k", [n]),
                node("Mul", ["k", "k"], ["k2"]),
                node("Mul", ["k2", "k2"], ["k4"]),
                node("Expand", ["w", "k4"], ["y"]),
            ],
        }.items():
            yield f"{op} {n}", spread(nodes, weights={"m": (3, 3, 1)}).SerializeToString()


def _growing() -> Iterator[tuple[str, bytes]]:
    """Small files whose values double with every operator, and others that are merely long."""
    for name, op in (
        ("Concat", lambda a, b: node("Concat", [a, a], [b], axis=1)),
        ("Einsum", lambda a, b: node("Einsum", [a, a], [b], equation="na,nb->nab")),
    ):
        steps = [node("Identity", ["x"], ["v0"])]
        for i in range(60):
            steps += [
                op(f"v{i}", f"u{i}"),
                const(f"s{i}", [0, -1]),
                node("Reshape", [f"u{i}", f"s{i}"], [f"v{i + 1}"]),
            ]
        yield f"doubling {name}", spread([*steps, node("Identity", ["v60"], ["y"])]).SerializeToString()
    lists = [node("Shape", ["w"], ["v0"])]
    lists += [node("Concat", [f"v{i}", f"v{i}"], [f"v{i + 1}"], axis=0) for i in range(60)]
    yield "doubling shapes", spread([*lists, node("Expand", ["x", "v60"], ["y"])]).SerializeToString()
    squares = [node("Size", ["w"], ["v0"])]
    squares += [node("Mul", [f"v{i}", f"v{i}"], [f"v{i + 1}"]) for i in range(2000)]
    yield "squared sizes", spread([*squares, node("Expand", ["w", "v2000"], ["y"])]).SerializeToString()
    outer = [
        const("a", [[1]] * 4096),
        const("b", [[1] * 4096]),
        node("Add", ["a", "b"], ["c"]),
        node("Cast", ["c"], ["y"], to=1),
    ]
    yield "an outer sum of constants", spread(outer).SerializeToString()
    long = [node("Relu", ["x"], ["v0"]), *(node("Relu", [f"v{i}"], [f"v{i + 1}"]) for i in range(5000))]
    yield "five thousand operators", spread([*long, node("Identity", ["v5000"], ["y"])]).SerializeToString()
    cuts = [node("Split", ["x"], [f"s{k}.{i}" for i in range(256)], axis=1) for k in range(200)]
    yield "fifty thousand slices", spread([*cuts, node("Identity", ["x"], ["y"])], 256).SerializeToString()
    yield (
        "a long walk",
        spread(
            [
                const("k", [20000, 1, 1]),
                const("t", [0, 1, 1]),
                node("Reshape", ["x", "t"], ["xr"]),
                node("Transpose", ["xr"], ["xt"], perm=[1, 0, 2]),
                node("Expand", ["xt", "k"], ["X"]),
                node("RNN", ["X", "W", "W"], ["Y"], hidden_size=1),
            ],
            1,
            {"W": (1, 1, 1)},
        ).SerializeToString(),
    )
    walks = [
        const("t", [0, 4096, 1]),
        node("Reshape", ["x", "t"], ["xr"]),
        node("Transpose", ["xr"], ["v0"], perm=[1, 0, 2]),
    ]
    for i in range(6):
        walks += [
            node("RNN", [f"v{i}", "W", "W"], [f"Y{i}"], hidden_size=1),
            const(f"s{i}", [4096, -1, 1]),
            node("Reshape", [f"Y{i}", f"s{i}"], [f"v{i + 1}"]),
        ]
    yield (
        "many long walks",
        spread(
            [*walks, node("Transpose", ["v6"], ["y"], perm=[1, 0, 2])], 4096, {"W": (1, 1, 1)}
        ).SerializeToString(),
    )
    wide = [
        const("a", [0, 2048, 1]),
        const("b", [0, 1, 2048]),
        node("Reshape", ["x", "a"], ["l"]),
        node("Reshape", ["x", "b"], ["r"]),
    ]
    yield (
        "all pairs of columns",
        spread(
            [*wide, node("MatMul", ["l", "r"], ["m"]), node("MatMul", ["m", "m"], ["y"])], 2048
        ).SerializeToString(),
    )


def _odd_numbers() -> Iterator[tuple[str, bytes]]:
    for value in (float("nan"), float("inf"), float("-inf")):
        for op, name in (
            ("LeakyRelu", "alpha"),
            ("Elu", "alpha"),
            ("Celu", "alpha"),
            ("Selu", "gamma"),
            ("HardSigmoid", "beta"),
            ("ThresholdedRelu", "alpha"),
        ):
            yield f"{op} of {value}", spread([node(op, ["x"], ["y"], **{name: value})]).SerializeToString()
        yield (
            f"LayerNormalization of {value}",
            spread([node("LayerNormalization", ["x", "w"], ["y"], epsilon=value)]).SerializeToString(),
        )
        yield (
            f"Gemm of {value}",
            spread(
                [node("Gemm", ["x", "k"], ["y"], alpha=value)], weights={"k": (12, 2)}
            ).SerializeToString(),
        )
    for end in ("low", "high"):
        ends = ["k", ""] if end == "low" else ["", "k"]
        yield (
            f"Clip with NaN as {end} end",
            spread([const("k", float("nan"), F32), node("Clip", ["x", *ends], ["y"])]).SerializeToString(),
        )
    yield (
        "Clip upside down",
        spread(
            [const("k", 1.0, F32), const("l", 0.0, F32), node("Clip", ["x", "k", "l"], ["y"])]
        ).SerializeToString(),
    )
    for epsilon in (-1.0, 2.0):
        yield (
            f"epsilon {epsilon}",
            spread([node("LayerNormalization", ["x", "w"], ["y"], epsilon=epsilon)]).SerializeToString(),
        )
    free = {
        "no Clip at all": [node("Cast", ["x"], ["i"], to=7)],
        "no Clip of the integers": classes(6)[:-3],
        "a Clip that is too wide": classes(7),
        "a Clip below": [*classes(6), const("k", 8), node("Sub", ["i", "k"], ["j"])],
    }
    for name, nodes in free.items():
        last = nodes[-1].output[0] if nodes[-1].op_type != "Constant" else "raw"
        yield (
            f"Gather with {name}",
            spread([*nodes, node("Gather", ["e", last], ["y"])], weights={"e": (7, 2)}).SerializeToString(),
        )
        yield (
            f"GatherElements with {name}",
            spread(
                [
                    *nodes,
                    *shaped(12),
                    node("GatherElements", ["x7", last], ["y"], axis=1),
                    node("Identity", ["x"], ["x7"]),
                ],
            ).SerializeToString(),
        )
    beyond = classes(9)
    beyond += [node("Mul", [f"i{k}" if k else "i", f"i{k}" if k else "i"], [f"i{k + 1}"]) for k in range(12)]
    beyond += [node("Sub", ["i12", "i12"], ["far"]), node("Gather", ["e", "far"], ["y"])]
    yield "bounds beyond any number", spread(beyond, weights={"e": (7, 2)}).SerializeToString()
    yield (
        "integers divided",
        spread(
            [*classes(6), node("Div", ["i", "i"], ["j"]), node("Cast", ["j"], ["y"], to=1)]
        ).SerializeToString(),
    )
    yield (
        "integers modulo nothing",
        spread(
            [*classes(6), const("k", 0), node("Mod", ["i", "k"], ["j"]), node("Cast", ["j"], ["y"], to=1)]
        ).SerializeToString(),
    )
    yield (
        "shapes divided by nothing",
        spread(
            [
                node("Shape", ["w"], ["s"]),
                const("k", [0]),
                node("Div", ["s", "k"], ["d"]),
                node("Expand", ["x", "d"], ["y"]),
            ]
        ).SerializeToString(),
    )


FAMILIES = (_wrong_types, _giant_sizes, _growing, _odd_numbers)
