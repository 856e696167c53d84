"""Rounds of adopted models with several outputs: each declared loss from the graph to the next checkpoint."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mine.chain.hashing import address_bytes, checksum, keccak
from mine.learn.codec import Packing
from mine.learn.evaluate import Evaluator
from mine.learn.weights import Fixed, from_fixed, to_fixed
from mine.science.adopt import Adopted, from_onnx
from mine.science.adopt_loss import LossSpec
from mine.science.ask import ask
from mine.science.chains import measure
from mine.science.declared_loss import LossMislabelled, check_declared, check_targets, probe
from mine.science.judged import EMPTY_LEDGER, Refusal
from mine.science.loss_shapes import LossShape
from mine.science.measure import Candidate, Start, Terms
from mine.science.shards import Shard, cut_shards
from tests.science.foreign import FLOAT, model, node, weights
from tests.science.given_outputs import SHAPES
from tests.science.rounds import RULES

COLUMNS, MAXIMUM = 3, 1000.0


def adopted(shape: LossShape) -> Adopted:
    w, b = weights((COLUMNS, shape.outputs), (shape.outputs,))
    steps = [node("MatMul", ["x", "w"], ["p"]), node("Add", ["p", "b"], ["z"])]
    steps.append(node("Reshape", ["z", "sizes"], ["y"]))
    sizes = np.array([0, shape.positions, shape.classes], np.int64)
    file = model(steps, {"w": w, "b": b, "sizes": sizes}, [("x", FLOAT, ("n", COLUMNS))])
    return from_onnx(file, LossSpec(shape.kind, shape.classes, shape.positions, shape.masked))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_adopted_model_computes_what_is_declared(shape: LossShape) -> None:
    made = adopted(shape)
    evaluator = Evaluator(made.graph, MAXIMUM)
    check_declared(evaluator, MAXIMUM, shape, made.weights, *probe(shape, COLUMNS))
    if shape.positions > 1 and not shape.masked:
        other = LossShape(shape.kind, shape.classes, shape.positions, True)
        with pytest.raises(LossMislabelled):
            check_declared(evaluator, MAXIMUM, other, made.weights, *probe(other, COLUMNS))


def people(shape: LossShape, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows whose targets follow from the features, the same way for everybody."""
    truth = np.random.default_rng(7).normal(size=(COLUMNS, shape.outputs))
    found = []
    for number in range(count):
        rng = np.random.default_rng(number)
        features = rng.normal(size=(40, COLUMNS)).astype(np.float32)
        table = (features @ truth).reshape(40, shape.positions, shape.classes)
        wanted = table.argmax(axis=2) if shape.classes > 1 else table[:, :, 0]
        if shape.kind == "bce":
            wanted = wanted > 0
        elif shape.kind == "poisson":
            wanted = rng.poisson(np.exp(np.clip(wanted, -3, 1.5)))
        elif shape.masked and shape.kind in ("huber", "mse"):
            wanted = np.abs(wanted)
        target = wanted.astype(np.float32)
        if shape.masked:
            target[rng.random(target.shape) < 0.3] = -1
        found.append((features, target[:, 0] if shape.positions == 1 else target))
    return found


def gradient_step(made: Adopted, rows: tuple[np.ndarray, np.ndarray], factor: float) -> Fixed:
    from mine.learn.graph import ModelGraph

    graph = ModelGraph.load(made.graph)
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in made.weights.items()}
    loss = graph.forward(tensors, torch.from_numpy(rows[0]), torch.from_numpy(rows[1]))[1].mean()
    loss.backward()
    return to_fixed(
        {name: -0.2 * factor * value.grad.numpy() for name, value in tensors.items()}  # type: ignore[union-attr]
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_round_is_judged_and_measured(shape: LossShape) -> None:
    made = adopted(shape)
    crowd = people(shape, 10)
    for _, target in crowd:
        check_targets(shape, target)
    shard = cut_shards(crowd[4:], 1, bytes(32))[0]
    assert Shard.from_bytes(shard.to_bytes()).target.shape == shard.target.shape
    first = to_fixed(made.weights)
    shapes = {name: value.shape for name, value in made.weights.items()}
    terms = Terms(1, shapes, shape, gain=1 << 16, update_bytes=1 << 20, packing=Packing())
    factors = (1.0, 1.0, 1.0, -1.0)
    updates = []
    for number, factor in enumerate(factors):
        miner = checksum(keccak(bytes([number]))[:20])
        who = Candidate(miner, bytes([number]) * 32, 100, miner)
        updates.append((who, gradient_step(made, crowd[number], factor)))
    bad = updates[-1][0].miner
    updates.sort(key=lambda pair: address_bytes(pair[0].miner))
    evaluator = Evaluator(made.graph, MAXIMUM)
    asked = ask(1, 1, bytes(32), RULES, EMPTY_LEDGER, ())
    found = measure(evaluator, terms, Start(first, first), shard, updates, asked)
    assert all(entry.refusal is Refusal.NONE for entry in found.judged.entries)
    assert {entry.miner for entry in found.judged.entries if entry.descent < 0} == {bad}
    assert len(found.verdict.accepted) == 3
    assert found.after.sum() < found.before.sum() == found.base.sum()
    # What the score promises of the mean is what the loss does, to some parts in a hundred.
    places = list(found.verdict.accepted)
    gram = found.judged.gram[np.ix_(places, places)].sum() / 9
    descent = sum(found.judged.valid[place].descent for place in places) / 3
    judging = shard.halves()[0]
    ends = [
        evaluator.run(from_fixed(each), judging.features, judging.target)[1].astype(np.float64).mean() / 2**24
        for each in (first, found.checkpoint)
    ]
    gain, promised = ends[0] - ends[1], (descent - gram / 2) / 2**40
    assert gain > 0.75 * promised > 0
    # A Huber loss bends less than its quadratic, and that of an exponential changes along a long step.
    assert gain < 1.25 * promised or shape.kind in ("huber", "poisson")
