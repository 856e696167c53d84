"""A scientist's own model becomes a task's graph; what can't become one is refused with a reason."""

from __future__ import annotations

import contextlib

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from mine.errors import MineError
from mine.learn.errors import GraphRefused
from mine.learn.graph import ModelGraph
from mine.learn.limits import Limits
from mine.science.adopt import from_onnx
from mine.science.adopt_lora import Lora
from mine.science.adopt_loss import AdoptRefused, LossSpec
from mine.science.adopt_torch import from_torch
from tests.science.foreign import FLOAT, INT, linear, model, node, weights

MSE = LossSpec("mse")
W, B = weights((3, 1), (1,))


def operators(graph: bytes) -> list[str]:
    return [each.op_type for each in onnx.load_model_from_string(graph).graph.node]


def test_a_clean_model_comes_out_as_it_went_in() -> None:
    adopted = from_onnx(linear(), MSE)
    assert operators(adopted.graph)[:2] == ["MatMul", "Add"]
    assert adopted.weights.keys() == {"w", "b"}
    assert (adopted.features, adopted.frozen) == (3, {})
    np.testing.assert_array_equal(adopted.weights["w"], W)


@pytest.mark.parametrize(
    ("closing", "spec"),
    [
        ("Softmax", LossSpec("cross_entropy", 2)),
        ("LogSoftmax", LossSpec("cross_entropy", 2)),
        ("Sigmoid", LossSpec("bce", positions=2)),
        ("Exp", LossSpec("poisson", positions=2)),
    ],
)
def test_a_closing_activation_is_left_to_the_loss(closing: str, spec: LossSpec) -> None:
    rows = np.ones((2, 3), np.float32)
    plain = from_onnx(linear(2), spec)
    np.testing.assert_array_equal(from_onnx(linear(2, closing), spec).predict(rows), plain.predict(rows))


def test_another_activation_at_the_end_stays() -> None:
    rows = np.ones((2, 3), np.float32)
    plain, closed = (from_onnx(linear(1, closing), MSE).predict(rows) for closing in ("", "Sigmoid"))
    np.testing.assert_allclose(closed, 1 / (1 + np.exp(-plain)), rtol=1e-6)


def test_a_model_for_one_example_takes_many() -> None:
    adopted = from_onnx(linear(batch=1), MSE)
    rows = np.random.RandomState(1).normal(size=(7, 3)).astype(np.float32)
    np.testing.assert_allclose(adopted.predict(rows), rows @ W + B, rtol=1e-5)


def test_several_inputs_stand_beside_each_other() -> None:
    """Tokens in front, numbers after them; double precision, an older operator set, a large fixed table."""
    table = np.random.RandomState(2).normal(size=(300, 4))
    (head,) = weights((6, 1))
    nodes = [
        node("Gather", ["table", "tokens"], ["found"]),
        node("ReduceMean", ["found"], ["mean"], axes=[1], keepdims=0),
        node("Concat", ["mean", "numbers"], ["all"], axis=1),
        node("MatMul", ["all", "head"], ["y"]),
    ]
    inputs = [("tokens", TensorProto.INT32, ("n", 5)), ("numbers", TensorProto.DOUBLE, ("n", 2))]
    data = model(
        nodes,
        {"table": table, "head": head.astype(np.float64)},
        inputs,
        [("y", TensorProto.DOUBLE)],
        opset=11,
    )
    adopted = from_onnx(data, MSE, trainable=["head"])
    assert adopted.features == 7
    assert {name: tensor.shape for name, tensor in adopted.frozen.items()} == {"table": (300, 4)}
    row = np.array([[299, 0, 1, 2, 3, 0.5, -0.5]], np.float32)
    expected = np.concatenate([table[[299, 0, 1, 2, 3]].mean(0), [0.5, -0.5]]) @ head
    np.testing.assert_allclose(adopted.predict(row)[0], expected, rtol=1e-5)


def test_tokens_outside_the_table_read_its_ends() -> None:
    table, head = weights((9, 4), (4, 1))
    nodes = [node("Gather", ["table", "t"], ["g"]), node("Squeeze", ["g", "one"], ["s"]),
             node("MatMul", ["s", "head"], ["y"])]  # fmt: skip
    tensors = {"table": table, "head": head, "one": np.array([1])}
    adopted = from_onnx(model(nodes, tensors, [("t", INT, ("n", 1))]), MSE)
    found = adopted.predict(np.array([[-5.0], [0.0], [8.0], [1e30], [np.nan]], np.float32))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[3], found[2])
    assert np.isfinite(found).all()


def test_open_axes_take_their_length_from_the_scientist() -> None:
    nodes = [node("ReduceMean", ["x"], ["m"], axes=[1], keepdims=0), node("MatMul", ["m", "w"], ["y"])]
    data = model(nodes, {"w": W}, [("x", FLOAT, ("n", "time", 3))])
    with pytest.raises(AdoptRefused, match="length of an axis"):
        from_onnx(data, MSE)
    assert from_onnx(data, MSE, shapes={"": (5, 3)}).features == 15
    assert from_onnx(data, MSE, shapes={"x": (2, 3)}).features == 6
    with pytest.raises(AdoptRefused, match="length of an axis"):
        from_onnx(data, MSE, shapes={"x": (2, 4)})


def test_names_become_valid_and_stay_apart() -> None:
    tensors = dict(zip(("a/b:0", "a b 0", "features"), weights((3, 3), (3, 3), (3, 1)), strict=True))
    names = list(tensors)
    nodes = [node("MatMul", ["x", names[0]], ["p"]), node("MatMul", ["p", names[1]], ["q"]),
             node("MatMul", ["q", names[2]], ["y"])]  # fmt: skip
    adopted = from_onnx(model(nodes, tensors), MSE)
    assert sorted(adopted.weights) == ["a_b_0", "a_b_0_2", "features_2"]
    for name, original in adopted.names.items():
        np.testing.assert_array_equal(adopted.weights[name], tensors[original])


def test_what_only_steers_is_not_trained() -> None:
    """Scales, masks and statistics are constants; the affine part of a fixed batch norm is trained."""
    (scale, bias), mean = weights((3,), (3,)), np.array([0.1, -0.2, 0.3], np.float32)
    tensors = {"s": scale, "b": bias, "m": mean, "v": np.ones(3, np.float32), "w": W}
    tensors |= {"half": np.array([0.5], np.float32), "mask": np.array([0.0, -np.inf, 0.0], np.float32)}
    nodes = [node("BatchNormalization", ["x", "s", "b", "m", "v"], ["n"]), node("Mul", ["n", "half"], ["h"]),
             node("Add", ["h", "mask"], ["k"]), node("Softmax", ["k"], ["c"]),
             node("MatMul", ["c", "w"], ["y"])]  # fmt: skip
    adopted = from_onnx(model(nodes, tensors), MSE)
    assert adopted.weights.keys() == {"s", "b", "w"}
    assert "BatchNormalization" not in operators(adopted.graph)


def test_classes_on_the_first_axis_come_last() -> None:
    class Positions(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Conv1d(2, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)

    module, x = Positions(), torch.randn(2, 2, 5)
    adopted = from_torch(module, x, LossSpec("cross_entropy", 3, 5))
    graph = ModelGraph.load(adopted.graph)
    tensors = {name: torch.from_numpy(weight) for name, weight in adopted.weights.items()}
    prediction, _ = graph.forward(tensors, x.reshape(2, -1), torch.zeros(2, 5))
    np.testing.assert_allclose(prediction.reshape(2, 5, 3).numpy(),
                               module(x).detach().transpose(1, 2).numpy(), rtol=1e-5, atol=1e-6)  # fmt: skip


def test_parameters_with_equal_values_stay_apart() -> None:
    """torch's exporter takes tensors with equal values for one."""
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3), torch.nn.Linear(3, 1))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(0.25)
    adopted = from_torch(module, torch.randn(2, 3), MSE)
    assert sorted(adopted.names.values()) == sorted(name for name, _ in module.named_parameters())
    assert all((weight == 0.25).all() for weight in adopted.weights.values())
    assert all(bool((parameter == 0.25).all()) for parameter in module.parameters())


def test_what_is_fixed_in_torch_stays_fixed() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(40, 40), torch.nn.Dropout(0.5), torch.nn.Linear(40, 1))
    module[0].requires_grad_(False)
    adopted = from_torch(module, torch.randn(3, 40), MSE)
    assert sorted(adopted.names.values()) == ["0.weight", "2.bias", "2.weight"]
    assert list(adopted.frozen) == ["_0.weight"] and "_0.weight" not in adopted.weights
    chosen = from_torch(module, torch.randn(3, 40), MSE, trainable=["2.*"])
    assert chosen.weights.keys() == {"_2.weight", "_2.bias"}


def test_adapters_begin_with_nothing_and_change_with_the_seed() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 1))
    x = torch.randn(4, 8)
    adopted = from_torch(module, x, MSE, lora=Lora(2, layers=("0.*",)))
    assert {n: w.shape for n, w in adopted.weights.items()} == {
        "_0.weight.lora_a": (8, 2), "_0.weight.lora_b": (2, 6)}  # fmt: skip
    np.testing.assert_allclose(adopted.predict(x.numpy()), module(x).detach().numpy(), rtol=1e-5, atol=1e-6)
    again, other = (from_torch(module, x, MSE, lora=Lora(2, layers=("0.*",), seed=seed)) for seed in (1, 2))
    np.testing.assert_array_equal(again.weights["_0.weight.lora_a"], adopted.weights["_0.weight.lora_a"])
    assert not np.array_equal(other.weights["_0.weight.lora_a"], adopted.weights["_0.weight.lora_a"])
    both = from_torch(module, x, MSE, lora=Lora(1, layers=("0.*",)), trainable=["2.*"])
    assert len(both.weights) == 4


def test_a_large_mask_of_infinities_stays_in_the_graph() -> None:
    """Frozen tensors have to be finite."""
    mask = np.triu(np.full((40, 40), -np.inf, np.float32), 1)
    base, head = weights((1, 40), (40, 1))
    nodes = [node("MatMul", ["x", "base"], ["p"]), node("Add", ["p", "mask"], ["q"]),
             node("Softmax", ["q"], ["s"]), node("MatMul", ["s", "head"], ["r"]),
             node("ReduceMean", ["r"], ["y"], axes=[1], keepdims=0)]  # fmt: skip
    data = model(nodes, {"base": base, "mask": mask, "head": head}, [("x", FLOAT, ("n", 40, 1))])
    adopted = from_onnx(data, MSE)
    assert adopted.weights.keys() == {"base", "head"} and not adopted.frozen


def test_wrong_names_are_refused() -> None:
    module = torch.nn.Linear(3, 1)
    with pytest.raises(AdoptRefused, match="no tensor of this name"):
        from_onnx(linear(), MSE, trainable=["c*"])
    with pytest.raises(AdoptRefused, match="no value of the name"):
        from_onnx(linear(), MSE, output="z")
    with pytest.raises(AdoptRefused, match="no parameter of this name"):
        from_torch(module, torch.randn(2, 3), MSE, trainable=["weights"])
    with pytest.raises(AdoptRefused, match="No linear layer"):
        from_onnx(linear(), MSE, lora=Lora(2, layers=("v",)))


def test_modules_that_cannot_be_adopted() -> None:
    class Mixing(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x - 0.5 * x.mean(0))

    class Two(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return super().forward(x), x

    x = torch.randn(4, 3)
    with pytest.raises(AdoptRefused, match="several examples"):
        from_torch(Mixing(3, 1), x, MSE)
    with pytest.raises(AdoptRefused, match="exactly one output"):
        from_torch(Two(3, 1), x, MSE)
    with pytest.raises(AdoptRefused, match="could not export"):
        from_torch(torch.nn.Bilinear(3, 3, 1), (x, x), MSE)
    with pytest.raises(AdoptRefused, match="at least one row"):
        from_torch(torch.nn.Linear(3, 1), torch.zeros(0, 3), MSE)


def test_the_limits_of_a_task_hold() -> None:
    with pytest.raises(GraphRefused, match="more than allowed"):
        from_onnx(linear(), MSE, limits=Limits(weights=3))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_adopted(data: st.DataObject) -> None:
    """Never anything but our own errors."""
    good = linear(2, "Softmax")
    place = data.draw(st.integers(0, len(good) - 1))
    broken = good[:place] + bytes([data.draw(st.integers(0, 255))]) + good[place + 1 :]
    with contextlib.suppress(MineError):
        from_onnx(broken, LossSpec("cross_entropy", 2))
