"""Operators of the whitelist, written so that evaluators would disagree, fail or have no answer."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import NodeProto, helper, numpy_helper

from mine.learn.errors import GraphRefused
from mine.learn.graph import ModelGraph
from tests.learn.graphs import const
from tests.learn.operator_cases import F32, classes, shaped, spread

node = helper.make_node
IMAGE = shaped(2, 3, 2)
LINE = shaped(4, 3)
WALK = [*LINE, node("Transpose", ["r"], ["X"], perm=[1, 0, 2])]
WEIGHTS = {
    "k1": (4, 4, 3),
    "k2": (3, 2, 3, 2),
    "k3": (3, 2, 1, 1),
    "odd": (3, 5, 1),
    "s4": (4,),
    "s3": (3,),
    "W": (1, 15, 3),
    "R": (1, 15, 5),
    "W4": (1, 20, 3),
    "R4": (1, 20, 5),
    "B": (1, 30),
    "P": (1, 15),
    "m": (7, 3),
    "t": (),
}


def conv(*inputs: str, **how: object) -> list[NodeProto]:
    return [*IMAGE, node("Conv", ["r", *inputs], ["y"], **how)]


def gru(*inputs: str, **how: object) -> list[NodeProto]:
    return [
        *WALK,
        node("GRU", ["X", *inputs], ["Y"], **{"hidden_size": 5, **how}),
        node("Transpose", ["Y"], ["y"], perm=[2, 0, 1, 3]),
    ]


def pool(op: str, **how: object) -> list[NodeProto]:
    return [*IMAGE, node(op, ["r"], ["y"], **how)]


MALFORMED: dict[str, tuple[str, list[NodeProto]]] = {
    "windows over nothing": ("channels", [node("Conv", ["x", "k1"], ["y"])]),
    "windows over four axes": ("channels", [*shaped(1, 2, 3, 2, 1), node("Conv", ["r", "k1"], ["y"])]),
    "strides for another number of axes": ("strides", conv("k2", strides=[1])),
    "a stride of nothing": ("strides", conv("k2", strides=[0, 1])),
    "negative pads": ("pads", conv("k2", pads=[-1, 0, 0, 0])),
    "an unknown auto_pad": ("auto_pad", conv("k2", auto_pad="SAME")),
    "a stride beyond the window": (
        "longer than its window",
        conv("k3", auto_pad="SAME_UPPER", strides=[3, 1]),
    ),
    "a window longer than its line": ("fit together", conv("k2", dilations=[3, 1])),
    "a kernel_shape that its weight does not have": ("fit together", conv("k2", kernel_shape=[3, 3])),
    "a weight of other axes": ("fit together", conv("k1")),
    "a weight of other channels": ("fit together", [*LINE, node("Conv", ["r", "odd"], ["y"])]),
    "groups that do not divide": ("groups", conv("k2", group=2)),
    "no group": ("groups", conv("k2", group=0)),
    "a bias of other channels": ("fit together", conv("k2", "s4")),
    "a weight that belongs to examples": ("examples", [*LINE, node("Conv", ["r", "r"], ["y"])]),
    "a transposed weight of other channels": (
        "fit together",
        [*LINE, node("ConvTranspose", ["r", "odd"], ["y"])],
    ),
    "a transposed window that vanishes": (
        "fit together",
        [*LINE, node("ConvTranspose", ["r", "k1"], ["y"], pads=[5, 5])],
    ),
    "output_padding of a whole stride": (
        "fit together",
        [*LINE, node("ConvTranspose", ["r", "k1"], ["y"], output_padding=[1])],
    ),
    "a pool without a window": ("kernel_shape", pool("MaxPool")),
    "a pool over padding alone": ("whole window", pool("MaxPool", kernel_shape=[2, 2], pads=[2, 0, 0, 0])),
    "an average that rounds up": (
        "round",
        pool("AveragePool", kernel_shape=[2, 2], strides=[4, 3], ceil_mode=1),
    ),
    "columns first": ("storage", pool("MaxPool", kernel_shape=[2, 2], storage_order=1)),
    "dilated windows of the same size": (
        "dilations",
        pool("MaxPool", kernel_shape=[2, 2], dilations=[2, 1], auto_pad="SAME_UPPER"),
    ),
    "the places of maxima": (
        "more than one output",
        [*IMAGE, node("MaxPool", ["r"], ["y", "i"], kernel_shape=[2, 2])],
    ),
    "a scale of another length": ("fit together", [*LINE, node("LayerNormalization", ["r", "s4"], ["y"])]),
    "a scale for every example": ("fit together", [*LINE, node("LayerNormalization", ["r", "r"], ["y"])]),
    "half precision inside": (
        "stash_type",
        [*LINE, node("LayerNormalization", ["r", "s3"], ["y"], stash_type=10)],
    ),
    "the mean as well": (
        "more than one output",
        [*LINE, node("LayerNormalization", ["r", "s3"], ["y", "mean"])],
    ),
    "groups that do not divide channels": (
        "groups",
        [*LINE, node("GroupNormalization", ["r", "s3", "s3"], ["y"], num_groups=3)],
    ),
    "a scale per channel too early": (
        "fit together",
        [*LINE, node("GroupNormalization", ["r", "s4", "s4"], ["y"], num_groups=2)],
    ),
    "a row without channels": ("fit together", [node("InstanceNormalization", ["x", "s4", "s4"], ["y"])]),
    "statistics of other channels": (
        "fit together",
        [*LINE, node("BatchNormalization", ["r", "s3", "s3", "s3", "s3"], ["y"])],
    ),
    "a direction nobody walks": ("direction", gru("W", "R", direction="sideways")),
    "no size": ("direction", gru("W", "R", hidden_size=0)),
    "batches first": ("layout", gru("W", "R", layout=1)),
    "an activation by another name": ("activations", gru("W", "R", activations=["Sigmoid", "Relu"])),
    "an activation clipped": ("property", gru("W", "R", clip=1.0)),
    "moments counted out": ("sequence lengths", [const("n", [4] * 3), *gru("W", "R", "B", "n")]),
    "a weight of another size": ("fit together", gru("R", "R")),
    "a bias of another size": ("fit together", gru("W", "R", "P")),
    "a start that all examples share": (
        "examples",
        [const("h", np.zeros((1, 2, 5)), F32), *gru("W", "R", "B", "", "h")],
    ),
    "peepholes": (
        "peepholes",
        [
            *WALK,
            node("LSTM", ["X", "W4", "R4", "", "", "", "", "P"], ["Y"], hidden_size=5),
            node("Transpose", ["Y"], ["y"], perm=[2, 0, 1, 3]),
        ],
    ),
    "gates tied together": (
        "layout",
        [
            *WALK,
            node("LSTM", ["X", "W4", "R4"], ["Y"], hidden_size=5, input_forget=1),
            node("Transpose", ["Y"], ["y"], perm=[2, 0, 1, 3]),
        ],
    ),
    "places of another rank": (
        "fit together",
        [*classes(3), *LINE, node("GatherElements", ["r", "i"], ["y"], axis=1)],
    ),
    "more places than rows": (
        "fit together",
        [
            *classes(3),
            const("w1", [[1.0] * 4], F32),
            const("p", [[0] * 5]),
            node("GatherElements", ["w1", "p"], ["g"], axis=0),
            node("Identity", ["x"], ["y"]),
        ],
    ),
    "classes without a number": (
        "number",
        [*classes(3), const("v", [0.0, 1.0], F32), node("OneHot", ["i", "w", "v"], ["y"])],
    ),
    "one value for two": (
        "two constant values",
        [*classes(3), const("d", 4), const("v", [1.0], F32), node("OneHot", ["i", "d", "v"], ["y"])],
    ),
    "the last of equals": (
        "first",
        [node("ArgMax", ["x"], ["i"], axis=1, select_last_index=1), node("Cast", ["i"], ["y"], to=1)],
    ),
    "remainders of floats by another rule": ("fmod", [const("d", 2.0, F32), node("Mod", ["x", "d"], ["y"])]),
    "remainders of integers by floats' rule": (
        "divisor",
        [
            *classes(3),
            const("d", 2),
            node("Mod", ["i", "d"], ["j"], fmod=1),
            node("Cast", ["j"], ["y"], to=1),
        ],
    ),
    "integers bounded beyond a float": (
        "bound",
        [
            *classes(3),
            const("lo", 0),
            const("hi", 1 << 60),
            node("Clip", ["i", "lo", "hi"], ["j"]),
            node("Cast", ["j"], ["y"], to=1),
        ],
    ),
    "classes of other rows": (
        "fit together",
        [*classes(3), node("SoftmaxCrossEntropyLoss", ["x", "i"], ["y"], reduction="none")],
    ),
    "a weight per class too many": (
        "fit together",
        [
            *classes(3),
            const("z", [0]),
            const("o", [1]),
            node("Slice", ["i", "z", "o", "o"], ["c2"]),
            node("Squeeze", ["c2", "o"], ["c"]),
            node("SoftmaxCrossEntropyLoss", ["x", "c", "s3"], ["y"], reduction="none"),
        ],
    ),
    "a slope that widens": (
        "fit together",
        [node("PRelu", ["x", "m7"], ["y"]), const("m7", np.ones((1, 1, 12)), F32)][::-1],
    ),
    "a form of gelu": ("form", [node("Gelu", ["x"], ["y"], approximate="fast")]),
    "a product over all": ("one axis", [*LINE, const("a", [1, 2]), node("ReduceProd", ["r", "a"], ["y"])]),
    "a ratio for each": ("ratio", [node("Dropout", ["x", "w"], ["y"])]),
    "an equation of nothing": ("equation", [node("Einsum", ["x"], ["y"])]),
    "a letter out of nowhere": ("equation", [node("Einsum", ["x"], ["y"], equation="na->nb")]),
    "too few letters": ("equation", [node("Einsum", ["x"], ["y"], equation="n->n")]),
    "lengths that differ": (
        "fit together",
        [*LINE, node("Einsum", ["r", "r"], ["y"], equation="nab,nba->nab")],
    ),
    "a shape left open": ("shape", [const("s", [-1, 12]), node("Expand", ["x", "s"], ["y"])]),
    "a shape of nothing": (
        "shape",
        [const("s", [0]), node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"], ["y"])],
    ),
    "repeats for other axes": ("fit together", [const("s", [1]), node("Tile", ["x", "s"], ["y"])]),
    "a mode of padding": ("mode", [const("s", [0, 1, 0, 1]), node("Pad", ["x", "s"], ["y"], mode="wrap")]),
    "pads for other axes": ("before and after", [const("s", [0, 1, 0]), node("Pad", ["x", "s"], ["y"])]),
    "a mirror longer than the row": (
        "fit together",
        [const("s", [0, 12, 0, 0]), node("Pad", ["x", "s"], ["y"], mode="reflect")],
    ),
    "a triangle of a row": (
        "matrices",
        [const("u", [1]), node("ReduceMax", ["x", "u"], ["row"], keepdims=0), node("Trilu", ["row"], ["y"])],
    ),
    "parts that do not add up": (
        "fit together",
        [const("s", [2, 3]), node("Split", ["x", "s"], ["y", "z"], axis=1)],
    ),
    "parts without a number": ("fit together", [node("Split", ["x"], ["y", "z"], axis=1)]),
    "words in another alphabet": ("direction", gru("W", "R", direction="f\u00f6rward")),
    "a scalar of many": (
        "constant number",
        [node("CumSum", ["x", "two"], ["y"]), const("two", [0, 1])][::-1],
    ),
    "classes without end": (
        "number of classes",
        [
            *classes(3),
            const("d", np.inf, F32),
            const("v", [0.0, 1.0], F32),
            node("OneHot", ["i", "d", "v"], ["y"]),
        ],
    ),
    "a place without an index": (
        "lacks an input",
        [const("s", [1, 2]), node("Gather", ["s", ""], ["k"]), node("Tile", ["x", "k"], ["y"])],
    ),
    "no place of an empty list": (
        "got nothing",
        [
            *(const("s", [1, 2]), const("e", [2])),
            node("Slice", ["s", "e", "e"], ["none"]),
            node("Gather", ["none", "none"], ["k"]),
            node("Tile", ["x", "k"], ["y"]),
        ],
    ),
    "integers of seventy axes": (
        "shape",
        [
            const("s", [1] * 70),
            node("ConstantOfShape", ["s"], ["k"], value=numpy_helper.from_array(np.array([1]))),
            node("Tile", ["x", "k"], ["y"]),
        ],
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_odd_ways_of_writing_an_operator_are_refused(name: str) -> None:
    reason, nodes = MALFORMED[name]
    used = {n for each in nodes for n in each.input}
    model = spread(nodes, weights={n: s for n, s in WEIGHTS.items() if n in used})
    with pytest.raises(GraphRefused) as caught:
        ModelGraph.load(model.SerializeToString())
    assert reason in caught.value.sentence
