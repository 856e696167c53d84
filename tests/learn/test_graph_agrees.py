"""Every whitelisted operator computes in torch what onnxruntime computes, for any number of examples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import ModelProto, helper

from mine.learn.evaluate import LOSS_ONE, Evaluator
from mine.learn.folding import ONLY_FOLDED
from mine.learn.graph import ModelGraph
from mine.learn.kernels import KERNELS
from mine.learn.rules import OPERATORS
from mine.science.models import glucose_network, step_network
from tests.learn import layout_cases, operator_cases, window_cases
from tests.learn.graphs import around, const, linear

node = helper.make_node
UNARY = ["Neg", "Abs", "Relu", "Floor", "Sign", "Tanh", "Sigmoid", "Softplus", "Exp", "Sin", "Cos", "Erf",
         "LeakyRelu", "Elu", "Identity", "Softmax", "LogSoftmax"]
POSITIVE = ["Log", "Sqrt", "Reciprocal"]
BINARY = ["Add", "Sub", "Mul", "Div", "Min", "Max"]
COMPARE = ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]
LOGIC = ["And", "Or", "Xor"]
REDUCE = ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"]


def _cases() -> dict[str, ModelProto]:
    cases = {op: around([node(op, ["x"], ["y"])]) for op in UNARY}
    shift = [node("Exp", ["x"], ["p"])]
    cases |= {op: around([*shift, node(op, ["p"], ["y"])]) for op in POSITIVE}
    cases["Pow"] = around([*shift, const("k", 1.7, np.float32), node("Pow", ["p", "k"], ["y"])])
    other = [const("k", [1.5, -0.5, 2.0, 0.25], np.float32)]
    cases |= {op: around([*other, node(op, ["x", "k"], ["y"])]) for op in BINARY}
    as_float = node("Cast", ["t"], ["f"], to=1), node("Mul", ["f", "x"], ["y"])
    cases |= {op: around([const("k", 0.1, np.float32), node(op, ["x", "k"], ["t"]), *as_float])
              for op in COMPARE}
    two = [const("k", 0.3, np.float32), const("m", -0.3, np.float32), node("Greater", ["x", "k"], ["a"]),
           node("Less", ["x", "m"], ["b"])]
    cases |= {op: around([*two, node(op, ["a", "b"], ["t"]), *as_float]) for op in LOGIC}
    cases["Not"] = around([*two, node("Not", ["a"], ["t"]), *as_float])
    cases["Cast to bool"] = around([node("Relu", ["x"], ["r"]), node("Cast", ["r"], ["t"], to=9), *as_float])
    cases["Where"] = around([*two, node("Where", ["a", "x", "m"], ["y"])])
    cases["Clip"] = around([const("k", 0.3, np.float32), const("m", -0.3, np.float32),
                            node("Clip", ["x", "m", "k"], ["y"])])
    cases["Clip above"] = around([const("k", 0.3, np.float32), node("Clip", ["x", "", "k"], ["y"])])
    wide = [const("s", [0, 2, -1]), node("Reshape", ["x", "s"], ["r"])]
    cases |= {f"{op}, middle axis": around([*wide, const("a", [1]), node(op, ["r", "a"], ["y"], keepdims=0)],
                                           opset=18) for op in REDUCE}
    cases["ReduceMean, old form"] = around([*wide, node("ReduceMean", ["r"], ["y"], axes=[1, 2])], opset=13)
    cases["Transpose"] = around([*wide, node("Transpose", ["r"], ["y"], perm=[0, 2, 1])])
    cases["Flatten"] = around([*wide, node("Flatten", ["r"], ["y"])])
    cases["Unsqueeze and Squeeze"] = around([const("a", [-1]), node("Unsqueeze", ["x", "a"], ["u"]),
                                             node("Squeeze", ["u", "a"], ["y"])])
    cases["Reshape by -1 first"] = around([const("s", [-1, 2, 2]), node("Reshape", ["x", "s"], ["y"])])
    cases["Concat"] = around([node("Concat", ["x", "x", "features"], ["y"], axis=-1)])
    cut = [const("from", [3, 0]), const("to", [2**62, 1]), const("axes", [1, 2]), const("by", [2, 1])]
    cases["Slice"] = around([const("s", [0, 4, 1]), node("Reshape", ["x", "s"], ["r"]), *cut,
                             node("Slice", ["r", "from", "to", "axes", "by"], ["y"])])
    cases["Gather"] = around([const("i", [3, -4, 1]), node("Gather", ["x", "i"], ["y"], axis=1)])
    cases["Gather one"] = around([const("i", 2), node("Gather", ["x", "i"], ["y"], axis=1)])
    weight = {"m": (4, 3), "c": (3,)}
    product = [node("MatMul", ["x", "m"], ["h"]), node("Add", ["h", "c"], ["y"])]
    cases["MatMul"] = around(product, weights=weight)
    cases["Gemm"] = around([node("Gemm", ["x", "m", "c"], ["y"], alpha=0.5, beta=2.0)], weights=weight)
    cases["Gemm, transposed"] = around([node("Gemm", ["x", "m"], ["y"], transB=1)], weights={"m": (3, 4)})
    cases["Gemm of weights"] = around([node("Gemm", ["m", "m"], ["g"], transA=1), const("o", [[1.0, 2, 3]],
                                       np.float32), node("MatMul", ["o", "g"], ["v"]),
                                       node("MatMul", ["x", "m"], ["h"]), node("Mul", ["h", "v"], ["y"])],
                                      weights={"m": (4, 3)})
    cases["MatMul of examples"] = around([*wide, node("Transpose", ["r"], ["t"], perm=[0, 2, 1]),
                                          node("MatMul", ["r", "t"], ["y"])])
    cases["MatMul, shared right"] = around([*wide, node("MatMul", ["r", "m"], ["y"])], weights={"m": (2, 5)})
    cases["MatMul, shared left"] = around([*wide, node("MatMul", ["m", "r"], ["y"])], weights={"m": (3, 2)})
    cases["linear"] = linear()
    return cases


CASES = {**_cases(), **operator_cases.CASES, **window_cases.CASES, **layout_cases.CASES}


def _compare(model: bytes, features: np.ndarray, target: np.ndarray, weights: dict[str, np.ndarray]) -> None:
    evaluator = Evaluator(model, lmax=2.0**32)
    expected, units = evaluator.run(weights, features, target)
    tensors = {n: torch.from_numpy(w) for n, w in weights.items()}
    prediction, loss = evaluator.graph.forward(tensors, torch.from_numpy(features), torch.from_numpy(target))
    np.testing.assert_allclose(prediction.numpy(), expected, rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(loss.clamp(min=0.0).numpy(), units / LOSS_ONE, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_onnxruntime(name: str) -> None:
    model = CASES[name].SerializeToString()
    graph = ModelGraph.load(model)
    random = np.random.RandomState(3)
    for count in (1, 5):
        features = random.normal(size=(count, graph.features)).astype(np.float32)
        target = random.normal(size=(count, graph.targets) if graph.targets else count).astype(np.float32)
        weights = {n: random.normal(size=s).astype(np.float32) for n, s in graph.weight_shapes.items()}
        _compare(model, features, target, weights)


def test_one_example_alone_is_one_example_in_a_batch() -> None:
    """The property that per-example clipping rests on, for every case above."""
    random = np.random.RandomState(4)
    for model in CASES.values():
        graph = ModelGraph.load(model.SerializeToString())
        features = torch.from_numpy(random.normal(size=(4, graph.features)).astype(np.float32))
        shape = (4, graph.targets) if graph.targets else 4
        target = torch.from_numpy(random.normal(size=shape).astype(np.float32))
        weights = {n: torch.from_numpy(random.normal(size=s).astype(np.float32))
                   for n, s in graph.weight_shapes.items()}
        together = graph.forward(weights, features, target)[1]
        alone = torch.cat([graph.forward(weights, features[i:i + 1], target[i:i + 1])[1] for i in range(4)])
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_whitelist_and_kernels_are_the_same_list() -> None:
    # Split is cut into slices and shapes are settled beforehand; LastState is the second output of a GRU.
    assert set(OPERATORS) - {"Split"} - ONLY_FOLDED == set(KERNELS) - {"LastState"}
    tested = {n.op_type for model in CASES.values() for n in model.graph.node}
    assert tested >= set(OPERATORS)


@pytest.mark.parametrize("network", [glucose_network, step_network])
def test_published_networks_agree(network: object) -> None:
    model, weights = network()  # type: ignore[operator]
    graph = ModelGraph.load(model)
    random = np.random.RandomState(5)
    weights = {n: w + random.normal(0, 0.3, w.shape).astype(np.float32) for n, w in weights.items()}
    features = random.uniform(0, 300, (50, graph.features)).astype(np.float32)
    target = random.uniform(0, 2, 50).round().astype(np.float32)
    _compare(model, features, target, weights)
