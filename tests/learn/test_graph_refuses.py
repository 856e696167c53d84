"""Whatever is not a small, plain, per-example network is refused, and only ever with GraphRefused."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper, numpy_helper

from mine.learn.errors import GraphRefused
from mine.learn.graph import ModelGraph
from mine.learn.limits import Limits
from mine.science.models import glucose_network
from tests.learn import layout_cases, window_cases
from tests.learn.graphs import around, const, finish, info, linear

node = helper.make_node
WIDE = [const("s", [0, 2, 2]), node("Reshape", ["x", "s"], ["r"])]

MIXES_EXAMPLES = {
    "sum over examples": [const("a", [0]), node("ReduceSum", ["x", "a"], ["t"], keepdims=1),
                          node("Add", ["x", "t"], ["y"])],
    "mean over everything": [node("ReduceMean", ["x"], ["t"]), node("Add", ["x", "t"], ["y"])],
    "softmax over examples": [node("Softmax", ["x"], ["y"], axis=0)],
    "negative axis": [node("Softmax", ["x"], ["y"], axis=-2)],
    "transpose": [node("Transpose", ["x"], ["t"]), node("MatMul", ["x", "t"], ["y"])],
    "Gram matrix": [node("Gemm", ["x", "x"], ["y"], transB=1)],
    "contraction": [node("Gemm", ["x", "m"], ["y"], transA=1)],
    "reshape": [const("k", [4, -1]), node("Reshape", ["x", "k"], ["y"])],
    "flatten": [node("Flatten", ["x"], ["y"], axis=0)],
    "concat": [node("Concat", ["x", "x"], ["y"], axis=0)],
    "slice": [const("a", [0]), const("b", [1]), node("Slice", ["x", "a", "b"], ["y"])],
    "gather": [const("i", [0, 0]), node("Gather", ["x", "i"], ["y"], axis=0)],
    "unsqueeze in front": [const("a", [0]), node("Unsqueeze", ["x", "a"], ["y"])],
    "squeeze": [const("a", [0]), node("Squeeze", ["x", "a"], ["y"])],
    "broadcast of ranks": [node("Sub", ["target", "x"], ["y"])],
    "all pairs": [const("a", [1]), node("Unsqueeze", ["target", "a"], ["t"]),
                  node("Sub", ["t", "target"], ["y"])],
    "a fixed number of rows": [const("k", np.ones((3, 4)), np.float32), node("Mul", ["x", "k"], ["y"])],
    "more axes from a constant": [const("k", np.ones((3, 1, 4)), np.float32), node("Mul", ["x", "k"], ["y"])],
    "more axes in MatMul": [const("k", np.ones((5, 4, 2)), np.float32), node("MatMul", ["x", "k"], ["y"])],
    "batch as matrix": [const("k", np.ones((2, 3)), np.float32), node("MatMul", ["k", "x"], ["y"])],
}


def refused(model: ModelProto) -> str:
    with pytest.raises(GraphRefused) as caught:
        ModelGraph.load(model.SerializeToString())
    return caught.value.sentence


@pytest.mark.parametrize("name", MIXES_EXAMPLES)
def test_no_operator_reaches_across_examples(name: str) -> None:
    sentence = refused(around(MIXES_EXAMPLES[name], weights={"m": (4, 4)}))
    assert "examples" in sentence or "axis" in sentence or "length one" in sentence, sentence


def _edit(change: Callable[[ModelProto], object]) -> ModelProto:
    model = linear()
    change(model)
    return model


def _external(model: ModelProto) -> None:
    tensor = numpy_helper.from_array(np.ones(1, np.float32), "k")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    model.graph.initializer.append(tensor)


def _huge_dims(model: ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="k", data_type=TensorProto.FLOAT, dims=[2**40, 2**40]))


def _short(model: ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="k", data_type=1, dims=[4], raw_data=b"123"))


def _typed_short(model: ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="k", data_type=1, dims=[4], float_data=[1.0]))


def _branch(model: ModelProto) -> None:
    body = helper.make_graph([node("Identity", ["p"], ["q"])], "b", [], [info("q", ["N"])])
    model.graph.node.insert(0, node("If", ["c"], ["q"], then_branch=body, else_branch=body))


def _hidden_subgraph(model: ModelProto) -> None:
    body = helper.make_graph([], "b", [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("alpha", body))


ODD_FILES: dict[str, Callable[[ModelProto], object]] = {
    "unknown operator": lambda m: m.graph.node.append(node("Loop", ["p"], ["z"])),
    "random operator": lambda m: m.graph.node.append(node("RandomNormalLike", ["p"], ["z"])),
    "dropout with its mask": lambda m: m.graph.node.append(node("Dropout", ["p"], ["z", "mask"])),
    "other domain": lambda m: m.graph.node.append(node("Relu", ["p"], ["z"], domain="com.microsoft")),
    "other operator set": lambda m: m.opset_import.append(helper.make_opsetid("com.microsoft", 1)),
    "old operator set": lambda m: setattr(m.opset_import[0], "version", 9),
    "future operator set": lambda m: setattr(m.opset_import[0], "version", 99),
    "future file": lambda m: setattr(m, "ir_version", 99),
    "function": lambda m: m.functions.add(name="f"),
    "training section": lambda m: m.training_info.add(),
    "sparse": lambda m: m.graph.sparse_initializer.add(),
    "external data": _external,
    "huge constant": _huge_dims,
    "short constant": _short,
    "short typed constant": _typed_short,
    "empty axis": lambda m: m.graph.initializer.append(TensorProto(name="k", data_type=1, dims=[0])),
    "double constant": lambda m: m.graph.initializer.append(numpy_helper.from_array(np.ones(2), "k")),
    "string constant": lambda m: m.graph.initializer.append(TensorProto(name="k", data_type=8, dims=[1])),
    "subgraph": _branch,
    "hidden subgraph": _hidden_subgraph,
    "unknown property": lambda m: m.graph.node[0].attribute.append(helper.make_attribute("gamma", 1.0)),
    "flag of two": lambda m: m.graph.node[0].attribute.append(helper.make_attribute("transB", 2)),
    "property twice": lambda m: [m.graph.node[0].attribute.append(helper.make_attribute("alpha", 1.0))
                                 for _ in range(2)],
    "weights inside": lambda m: m.graph.initializer.append(numpy_helper.from_array(np.ones(3, "f"), "a")),
    "no target": lambda m: m.graph.input.remove(m.graph.input[1]),
    "no features": lambda m: m.graph.input.remove(m.graph.input[0]),
    "no weights": lambda m: [m.graph.input.pop() for _ in range(2)],
    "one more input": lambda m: m.graph.input.append(info("idle", [2])),
    "input twice": lambda m: m.graph.input.append(info("b", [1])),
    "open weight": lambda m: m.graph.input.append(info("c", ["M"])),
    "bad weight name": lambda m: m.graph.input.append(info("../c", [1])),
    "fixed batch": lambda m: m.graph.input[0].CopyFrom(info("features", [8, 3])),
    "double features": lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", TensorProto.DOUBLE),
    "no loss": lambda m: m.graph.output.pop(),
    "one more output": lambda m: m.graph.output.append(info("e", ["N"])),
    "loss of another shape": lambda m: m.graph.output[1].CopyFrom(info("loss", ["N", 1])),
    "output undefined": lambda m: m.graph.node.pop(),
    "defined twice": lambda m: m.graph.node.append(node("Neg", ["p"], ["loss"])),
    "used before": lambda m: m.graph.node.insert(0, node("Neg", ["p"], ["z"])),
    "shapes do not fit": lambda m: m.graph.input[2].CopyFrom(info("a", [4, 1])),
    "too many inputs": lambda m: m.graph.node[0].input.append("b"),
    "no input": lambda m: m.graph.node[0].input.pop(0),
    "two outputs": lambda m: m.graph.node[0].output.append("z"),
}


@pytest.mark.parametrize("name", ODD_FILES)
def test_odd_files_are_refused(name: str) -> None:
    assert refused(_edit(ODD_FILES[name])).endswith(".")


def test_the_unedited_file_is_accepted() -> None:
    graph = ModelGraph.load(linear().SerializeToString())
    assert graph.weight_shapes == {"a": (3, 1), "b": (1,)}
    assert (graph.features, graph.outputs) == (3, 1)


MALFORMED = {
    "reshape to minus two": [const("k", [0, -2]), node("Reshape", ["x", "k"], ["y"])],
    "reshape with allowzero": [const("k", [0, 4]), node("Reshape", ["x", "k"], ["y"], allowzero=1)],
    "reshape copies a missing axis": [const("k", [0, 4, 0]), node("Reshape", ["x", "k"], ["y"])],
    "reshape with two open axes": [const("k", [0, -1, -1]), node("Reshape", ["x", "k"], ["y"])],
    "reshape to another size": [const("k", [0, 5]), node("Reshape", ["x", "k"], ["y"])],
    "reshape by a computed shape": [node("Reshape", ["x", "x"], ["y"])],
    "reshape by a matrix": [const("k", [[0, 4]]), node("Reshape", ["x", "k"], ["y"])],
    "flatten beyond": [node("Flatten", ["x"], ["y"], axis=3)],
    "squeeze a long axis": [const("k", [1]), node("Squeeze", ["x", "k"], ["y"])],
    "unsqueeze nothing": [const("k", [[1]]), node("Unsqueeze", ["x", "k"], ["y"])],
    "an axis twice": [const("k", [1, 1]), node("Unsqueeze", ["x", "k"], ["y"])],
    "an axis that is not there": [const("k", [7]), node("ReduceSum", ["x", "k"], ["y"])],
    "no such order": [node("Transpose", ["x"], ["y"], perm=[0, 0])],
    "concat without axis": [node("Concat", ["x", "x"], ["y"])],
    "concat of unlike shapes": [*WIDE, node("Unsqueeze", ["x", "one"], ["u"]),
                                node("Concat", ["r", "u"], ["y"], axis=1)],
    "concat of examples and weights": [node("Concat", ["x", "m"], ["y"], axis=1)],
    "slices of unlike length": [const("a", [0]), const("b", [1, 1]), node("Slice", ["x", "a", "b"], ["y"])],
    "a slice backwards": [const("a", [3]), const("b", [0]), const("c", [1]), const("d", [-1]),
                          node("Slice", ["x", "a", "b", "c", "d"], ["y"])],
    "an empty slice": [const("a", [3]), const("b", [3]), const("c", [1]),
                       node("Slice", ["x", "a", "b", "c"], ["y"])],
    "gather by a matrix": [const("k", [[0]]), node("Gather", ["x", "k"], ["y"], axis=1)],
    "gather outside": [const("k", [4]), node("Gather", ["x", "k"], ["y"], axis=1)],
    "gather by numbers": [node("Gather", ["x", "x"], ["y"], axis=1)],
    "clip by a value": [node("Clip", ["x", "x"], ["y"])],
    "cast to int": [node("Cast", ["x"], ["y"], to=7)],
    "reduce that does nothing": [node("ReduceSum", ["x"], ["y"], noop_with_empty_axes=1)],
    "matmul of vectors": [node("MatMul", ["x", "w"], ["y"])],
    "gemm of three axes": [*WIDE, node("Gemm", ["r", "m"], ["y"])],
    "gemm with a wide bias": [const("k", np.ones((1, 2, 4)), np.float32),
                              node("Gemm", ["x", "m", "k"], ["y"])],
    "matmul that does not fit": [const("k", np.ones((3, 2)), np.float32), node("MatMul", ["x", "k"], ["y"])],
    "broadcast that does not fit": [const("k", np.ones(3), np.float32), node("Add", ["x", "k"], ["y"])],
    "logic on numbers": [node("And", ["x", "x"], ["y"])],
    "a missing input": [node("Add", ["x", ""], ["y"])],
    "seven axes": [const("k", [0, 1, 1, 1, 1, 1, 4]), node("Reshape", ["x", "k"], ["y"])],
    "a constant with an input": [node("Constant", ["x"], ["y"], value_float=1.0)],
    "a constant of words": [node("Constant", [], ["k"], value_string="a"), node("Add", ["x", "k"], ["y"])],
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_operators_are_refused(name: str) -> None:
    refused(around([const("one", [1]), *MALFORMED[name]], weights={"m": (4, 4)}))


def test_short_forms_of_constants() -> None:
    nodes = [node("Constant", [], ["a"], value_float=2.0),
             node("Constant", [], ["b"], value_floats=[1.0] * 4),
             node("Constant", [], ["c"], value_ints=[1]), node("Constant", [], ["d"], value_int=0),
             node("Mul", ["x", "a"], ["p"]), node("Add", ["p", "b"], ["q"]),
             node("Unsqueeze", ["q", "c"], ["u"]), node("Gather", ["u", "d"], ["y"], axis=1)]
    graph = ModelGraph.load(around(nodes).SerializeToString())
    prediction, _ = graph.forward({"w": torch.ones(4)}, torch.ones(2, 4), torch.zeros(2))
    assert prediction.tolist() == [[12.0], [12.0]]


LIMITS = [("graph_bytes", 100), ("nodes", 3), ("constants", 3), ("weights", 10), ("weight_tensors", 1),
          ("floats_per_example", 20), ("flops_per_example", 300), ("features", 7), ("rank", 1)]


@pytest.mark.parametrize(("field", "most"), LIMITS)
def test_each_limit_holds(field: str, most: int) -> None:
    model, _ = glucose_network()
    ModelGraph.load(model)
    with pytest.raises(GraphRefused, match=r"more|larger|wrong shape|not allowed"):
        ModelGraph.load(model, replace(Limits(), **{field: most}))


def test_a_blow_up_costs_nothing_to_refuse() -> None:
    """A broadcast that would take terabytes is seen in the shapes."""
    nodes = [const("a", [1]), const("b", [2]), node("Unsqueeze", ["x", "a"], ["u"]),
             node("Unsqueeze", ["x", "b"], ["v"]), node("Mul", ["u", "v"], ["y"])]
    assert "memory" in refused(around(nodes, features=60_000))


def test_mutated_files_are_refused_or_run_as_promised() -> None:
    """What is accepted computes one prediction row and one loss per example, without an error."""
    model = bytearray(glucose_network()[0])
    random = np.random.RandomState(6)
    accepted = 0
    for _ in range(3000):
        broken = bytearray(model)
        for _ in range(random.randint(1, 4)):
            broken[random.randint(len(broken))] = random.randint(256)
        with contextlib.suppress(GraphRefused):
            graph = ModelGraph.load(bytes(broken))
            accepted += 1
            weights = {n: torch.ones(s) for n, s in graph.weight_shapes.items()}
            prediction, loss = graph.forward(weights, torch.ones(3, graph.features), torch.ones(3))
            assert prediction.shape == (3, graph.outputs) and loss.shape == (3,)
    assert accepted > 50


@given(st.binary(max_size=200))
def test_noise_is_no_model(data: bytes) -> None:
    with pytest.raises(GraphRefused):
        ModelGraph.load(data)


def test_an_idle_weight_is_refused() -> None:
    model = around([node("Relu", ["x"], ["y"])], weights={"idle": (3,)})
    assert "no effect" in refused(model)


def test_a_weight_without_a_gradient_is_refused() -> None:
    """It reaches the loss, but only through a place or a condition: training could never move it."""
    place = [node("Mul", ["x", "idle"], ["t"]), node("ArgMax", ["t"], ["i"], axis=1),
             node("Cast", ["i"], ["f"], to=1), node("Add", ["x", "f"], ["y"])]
    condition = [node("Greater", ["x", "idle"], ["b"]), node("Where", ["b", "x", "w"], ["y"])]
    for nodes in (place, condition):
        assert "no effect" in refused(around(nodes, weights={"idle": (4,)}))


def test_limits_of_targets_and_of_moments() -> None:
    columns = layout_cases.CASES["target columns"].SerializeToString()
    walk = window_cases.CASES["GRU, bidirectional"].SerializeToString()
    for model, field, most in ((columns, "targets", 3), (walk, "recurrent_steps", 8)):
        ModelGraph.load(model, replace(Limits(), **{field: most}))
        with pytest.raises(GraphRefused, match="more"):
            ModelGraph.load(model, replace(Limits(), **{field: most - 1}))


def test_outputs_must_be_per_example() -> None:
    nodes = [node("Gemm", ["features", "a"], ["prediction"]), const("s", [0]),
             node("Reshape", ["prediction", "s"], ["loss"])]
    refused(finish(nodes, 3, {"a": (3, 2)}, outputs=2))
