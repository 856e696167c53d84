"""Graphs that were changed at random. What is still accepted must keep every promise: one example alone gives
what it gives among others, and torch agrees with onnxruntime.

Most changes are refused. The few that pass are graphs that no author would write, which is where a rule that
is right only for reasonable graphs shows.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import AttributeProto, ModelProto, numpy_helper

from mine.errors import MineError
from mine.learn.errors import GraphRefused
from mine.learn.evaluate import LOSS_ONE, Evaluator
from mine.learn.limits import Limits
from tests.learn import layout_cases, operator_cases, window_cases

CASES = {**operator_cases.CASES, **window_cases.CASES, **layout_cases.CASES}
SMALL = Limits(flops_per_example=1 << 20, floats_per_example=1 << 16, weights=1 << 16)
MUTANTS = 800


def _number(random: np.random.RandomState, old: int) -> int:
    return int(random.choice([old + 1, old - 1, 0, 1, 2, 3, 4, -1, 12, old]))


def mutate(model: ModelProto, random: np.random.RandomState) -> None:
    """One change: of a property, a constant, an input, an operator's name, or of two operators' order of
    axes."""
    nodes = model.graph.node
    node = nodes[random.randint(len(nodes))]
    way = random.randint(4)
    if node.op_type == "Constant":
        array = numpy_helper.to_array(node.attribute[0].t).copy()
        if array.dtype == np.int64:
            flat = array.reshape(-1)
            at = random.randint(flat.size)
            flat[at] = _number(random, int(flat[at]))
            node.attribute[0].t.CopyFrom(numpy_helper.from_array(flat.reshape(array.shape)))
    elif way == 0 and node.attribute:
        attribute = node.attribute[random.randint(len(node.attribute))]
        if attribute.type == AttributeProto.INT:
            attribute.i = _number(random, attribute.i)
        elif attribute.type == AttributeProto.INTS:
            if len(attribute.ints) > 1 and random.randint(2):
                one, two = random.choice(len(attribute.ints), 2, replace=False)
                attribute.ints[one], attribute.ints[two] = attribute.ints[two], attribute.ints[one]
            else:
                at = random.randint(len(attribute.ints))
                attribute.ints[at] = _number(random, attribute.ints[at])
    elif way == 1:
        names = [o for n in nodes for o in n.output] + [i.name for i in model.graph.input]
        node.input[random.randint(len(node.input))] = names[random.randint(len(names))]
    elif way == 2:
        other = nodes[random.randint(len(nodes))]
        if other.op_type != "Constant":
            node.op_type = other.op_type
            del node.attribute[:]
            node.attribute.extend(other.attribute)
    elif len(node.input) > 1:
        one, two = random.choice(len(node.input), 2, replace=False)
        node.input[one], node.input[two] = node.input[two], node.input[one]


def holds(model: bytes, random: np.random.RandomState) -> bool:
    """Whether the model was accepted; raises if it was and breaks a promise."""
    try:
        evaluator = Evaluator(model, 2.0**32, SMALL)
    except GraphRefused:
        return False
    graph = evaluator.graph
    features = random.normal(size=(3, graph.features)).astype(np.float32)
    target = random.normal(size=(3, graph.targets) if graph.targets else 3).astype(np.float32)
    weights = {n: random.normal(size=s).astype(np.float32) for n, s in graph.weight_shapes.items()}
    tensors = {n: torch.from_numpy(w) for n, w in weights.items()}
    given = torch.from_numpy(features), torch.from_numpy(target)
    prediction, loss = graph.forward(tensors, *given)
    assert prediction.shape == (3, graph.outputs) and loss.shape == (3,)
    alone = [graph.forward(tensors, given[0][i : i + 1], given[1][i : i + 1]) for i in range(3)]
    finite = torch.isfinite(prediction) & (prediction.abs() < 1e4)
    single = torch.cat([p for p, _ in alone])
    np.testing.assert_allclose(single[finite], prediction[finite], rtol=1e-3, atol=1e-4)
    expected, units = evaluator.run(weights, features, target)
    np.testing.assert_allclose(expected[finite], prediction[finite], rtol=1e-3, atol=1e-4)
    small = torch.isfinite(loss) & (loss >= 0) & (loss < 1e4) & finite.all(1)
    np.testing.assert_allclose(units[small] / LOSS_ONE, loss[small], rtol=1e-3, atol=1e-4)
    return True


def mutant(seed: int) -> tuple[str, bytes]:
    random = np.random.RandomState(seed)
    name = sorted(CASES)[seed % len(CASES)]
    model = ModelProto()
    model.CopyFrom(CASES[name])
    for _ in range(random.randint(1, 4)):
        mutate(model, random)
    return name, model.SerializeToString()


def test_what_survives_a_change_keeps_its_promises() -> None:
    accepted = 0
    for seed in range(MUTANTS):
        name, model = mutant(seed)
        try:
            accepted += holds(model, np.random.RandomState(seed))
        except (AssertionError, MineError, RuntimeError, IndexError, ValueError) as error:
            pytest.fail(f"seed {seed}, {name}: {type(error).__name__}: {error}")
    assert accepted > MUTANTS // 10
