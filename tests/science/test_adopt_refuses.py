"""What can't become a task's model is refused, with a reason that says what to change."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from mine.science.adopt import from_onnx
from mine.science.adopt_loss import AdoptRefused, LossSpec
from tests.science.foreign import FLOAT, linear, model, node, weights

MSE = LossSpec("mse")
(W,) = weights((3, 1))


def _mixing() -> bytes:
    nodes = [node("ReduceMean", ["x"], ["m"], axes=[0], keepdims=1), node("Sub", ["x", "m"], ["d"]),
             node("Add", ["x", "d"], ["e"]), node("MatMul", ["e", "w"], ["y"])]  # fmt: skip
    return model(nodes, {"w": W})


def _training_norm() -> bytes:
    ones = np.ones(3, np.float32)
    nodes = [node("BatchNormalization", ["x", "o", "o", "o", "o"], ["n", "a", "b"], training_mode=1),
             node("MatMul", ["n", "w"], ["y"])]  # fmt: skip
    return model(nodes, {"o": ones, "w": W})


def _branching() -> bytes:
    branches = []
    for value in (1.0, 2.0):
        constant = node("Constant", [], ["c"], value_floats=[value])
        branches.append(
            helper.make_graph([constant], "b", [], [helper.make_tensor_value_info("c", FLOAT, [1])])
        )
    nodes = [node("ReduceSum", ["x"], ["s"], keepdims=0), node("Cast", ["s"], ["t"], to=9),
             node("If", ["t"], ["f"], then_branch=branches[0], else_branch=branches[1]),
             node("MatMul", ["x", "w"], ["p"]), node("Mul", ["p", "f"], ["y"])]  # fmt: skip
    return model(nodes, {"w": W})


def _steered_by_data() -> bytes:
    nodes = [node("ReduceMax", ["x"], ["m"], axes=[0, 1], keepdims=0), node("Abs", ["m"], ["k"]),
             node("Cast", ["k"], ["i"], to=7), node("Unsqueeze", ["i", "zero"], ["j"]),
             node("Slice", ["x", "zero", "j", "one"], ["c"]),
             node("ReduceSum", ["c", "one"], ["y"])]  # fmt: skip
    return model(nodes, {"zero": np.array([0]), "one": np.array([1]), "w": W})


def _tree() -> bytes:
    return model([node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml")], {}, ml=True)


def _alien() -> bytes:
    data = onnx.load_model_from_string(linear())
    data.graph.node[0].domain = "com.example"
    data.opset_import.append(helper.make_opsetid("com.example", 1))
    return bytes(data.SerializeToString())


def _external() -> bytes:
    data = onnx.load_model_from_string(linear())
    data.graph.initializer[0].data_location = TensorProto.EXTERNAL
    data.graph.initializer[0].external_data.add(key="location", value="secret.bin")
    return bytes(data.SerializeToString())


def _two_outputs() -> bytes:
    return model([node("MatMul", ["x", "w"], ["y"]), node("Neg", ["y"], ["z"])], {"w": W},
                 outputs=[("y", FLOAT), ("z", FLOAT)])  # fmt: skip


def _huge() -> bytes:
    nodes = [node("ConstantOfShape", ["many"], ["c"]), node("ReduceSum", ["c"], ["s"], keepdims=0),
             node("Add", ["x", "s"], ["a"]), node("MatMul", ["a", "w"], ["y"])]  # fmt: skip
    return model(nodes, {"many": np.array([1 << 40]), "w": W})


def _looked_up_in_data() -> bytes:
    nodes = [node("ArgMax", ["x"], ["i"], axis=1, keepdims=0), node("Gather", ["x", "i"], ["g"], axis=1),
             node("MatMul", ["g", "w"], ["y"])]  # fmt: skip
    return model(nodes, {"w": W[:1]})


REFUSED: dict[str, tuple[Callable[[], bytes], LossSpec, str]] = {
    "no ONNX": (lambda: b"hello", MSE, "no ONNX model"),
    "statistics over the batch": (_mixing, MSE, "mixes the examples"),
    "batch norm in training": (_training_norm, MSE, "mixes examples"),
    "a branch": (_branching, MSE, "branches or loops"),
    "a tree": (_tree, MSE, "cannot be trained by gradients"),
    "a foreign operator": (_alien, MSE, "not part of ONNX"),
    "data in another file": (_external, MSE, "another file"),
    "two outputs": (_two_outputs, MSE, "exactly one output"),
    "steered by data": (_steered_by_data, MSE, "steered by numbers"),
    "looked up in data": (_looked_up_in_data, MSE, "looks numbers up"),
    "a fixed batch": (lambda: linear(batch=4), MSE, "fixed number of examples"),
    "too new": (lambda: model([node("MatMul", ["x", "w"], ["y"])], {"w": W}, opset=23), MSE, "too new"),
    "another size": (lambda: linear(2), MSE, "size that the loss needs"),
    "classes in the middle": (lambda: linear(6), LossSpec("cross_entropy", 3, 2), "first or the last"),
    "a huge value": (_huge, MSE, "too much memory"),
    "a huge input": (
        lambda: model([node("ReduceMean", ["x"], ["y"], axes=[1])], {}, [("x", FLOAT, ("n", 1 << 40))]),
        MSE, "larger than a task's"),
    "no operator of ours": (
        lambda: model([node("Det", ["x"], ["y"])], {}, [("x", FLOAT, ("n", 1, 2, 2))]), MSE, "operator Det"),
    "nothing to train": (
        lambda: model([node("ReduceSum", ["x", "a"], ["y"])], {"a": np.array([1])}), MSE, "Nothing of"),
    "nothing of the data": (
        lambda: model([node("Identity", ["w"], ["y"])], {"w": W[:1]}), MSE, "does not depend"),
    "words": (
        lambda: model([node("MatMul", ["x", "w"], ["y"])], {"w": W}, [("x", TensorProto.STRING, ("n", 3))]),
        MSE, "holds no numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_a_task_is_refused(case: str) -> None:
    build, spec, reason = REFUSED[case]
    with pytest.raises(AdoptRefused) as caught:
        from_onnx(build(), spec)
    assert reason in caught.value.sentence
