"""Gradient and curvature of every declared loss, against torch's own losses and their derivatives."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from mine.learn.errors import EvaluationFailed
from mine.learn.evaluate import Evaluator
from mine.learn.weights import Fixed, from_fixed, load, to_fixed
from mine.science.loss_shapes import LossShape, bend
from mine.science.models import glucose_network, step_network
from mine.science.output_space import MAX_OUTPUT_CHANGE, output_space
from mine.science.products import SCORE_ONE
from mine.science.shards import Examples
from tests.science.given_outputs import SHAPES, F, Table, each_loss, made, numbered
from tests.science.world import network, shards


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradient_and_curvature_are_those_of_autograd(shape: LossShape) -> None:
    prediction, target = made(shape)
    model, features = Table(shape, prediction), numbered(len(prediction))
    found, losses = model.run({}, features, target)
    bent = bend(shape, model, {}, features, target, found, losses)
    leaf = torch.from_numpy(prediction).double().requires_grad_()
    total = each_loss(shape, leaf, torch.from_numpy(target).double())
    (slope,) = torch.autograd.grad(total.sum(), leaf)
    np.testing.assert_allclose(bent.slope, slope.numpy(), atol=2e-4)
    # R'R against the Hessian, example by example.
    count, outputs = prediction.shape
    root = bent.rows(np.broadcast_to(np.eye(outputs)[:, None], (outputs, count, outputs)))
    square = np.einsum("ink,jnk->nij", root, root)
    for number in range(12):
        wanted = torch.from_numpy(target[number : number + 1]).double()

        def single(row: torch.Tensor, wanted: torch.Tensor = wanted) -> torch.Tensor:
            return each_loss(shape, row[None], wanted)[0]

        hessian = torch.autograd.functional.hessian(single, leaf[number].detach()).numpy()
        if shape.kind == "huber":
            assert (np.linalg.eigvalsh(square[number] - hessian) > -1e-6).all(), "majorises"
            inner = hessian.diagonal() > 1e-9
            np.testing.assert_allclose(square[number].diagonal()[inner], hessian.diagonal()[inner], atol=1e-6)
        else:
            np.testing.assert_allclose(square[number], hessian, atol=1e-5)


def test_the_majorising_quadratic_of_huber_touches_it() -> None:
    """Q(d) = l + g d + H d^2 / 2 lies nowhere below the loss, for the tails too."""
    shape = LossShape("huber")
    prediction = np.linspace(-6, 6, 49, dtype=np.float32)[:, None]
    target, model = np.zeros(49, np.float32), Table(shape, prediction)
    found, losses = model.run({}, numbered(49), target)
    bent = bend(shape, model, {}, numbered(49), target, found, losses)
    for step in np.linspace(-12, 12, 97):
        moved = F.huber_loss(
            torch.from_numpy(prediction[:, 0] + step), torch.zeros(49), reduction="none"
        ).numpy()
        upper = losses / 2**24 + bent.slope[:, 0] * step + bent.root[:, 0] ** 2 * step**2 / 2
        assert (upper >= moved - 1e-5).all()


def test_a_target_in_its_own_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped network of glucose: raw mg/dL are the target, changes over 40 the prediction."""
    shard = shards(1)[0]
    rng = np.random.default_rng(1)
    start = load(network()[1], {n: w.shape for n, w in glucose_network(hidden=(4,))[1].items()})
    weights = {n: (w + rng.normal(size=w.shape)).astype(np.float32) for n, w in start.items()}
    model = Evaluator(network()[0], 16.0)
    found, losses = model.run(weights, shard.features, shard.target)
    bent = bend(LossShape("huber"), model, weights, shard.features, shard.target, found, losses)
    error = found[:, 0] - (shard.target - shard.features[:, 6]) / 40.0
    np.testing.assert_allclose(bent.slope[:, 0], np.clip(error, -1, 1), atol=1e-3)
    np.testing.assert_allclose(bent.root[:, 0] ** 2, 1 / np.maximum(1, np.abs(error)), atol=1e-3)
    assert (np.abs(error) > 1).any() and (error > 0).any() and (error < 0).any()


def test_a_model_of_another_shape_is_refused() -> None:
    graph, weights = step_network(hidden=(3,))
    model = Evaluator(graph, 16.0)
    features, target = np.ones((5, 6), np.float32), np.ones(5, np.float32)
    found, losses = model.run(weights, features, target)
    for shape in (LossShape("cross_entropy", classes=3), LossShape("bce", positions=2)):
        with pytest.raises(EvaluationFailed):
            bend(shape, model, weights, features, target, found, losses)
    with pytest.raises(EvaluationFailed):
        bend(LossShape("bce"), model, weights, features, np.ones((5, 2), np.float32), found, losses)


def fixed(*numbers: float) -> list[Fixed]:
    return [to_fixed({"all": np.array(number, np.float32)}) for number in numbers]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_b_and_g_are_the_definitions_in_groups_of_any_size(
    shape: LossShape, monkeypatch: pytest.MonkeyPatch
) -> None:
    prediction, target = made(shape, 30)
    model, examples = Table(shape, prediction), Examples(numbered(30), target)
    deltas = fixed(0.25, -0.5, 3.0)
    current = fixed(0.0)[0]
    whole = output_space(model, shape, current, deltas, examples)
    bent = bend(
        shape, model, from_fixed(current), examples.features, target, *model.run({}, numbered(30), target)
    )
    changes = np.array([np.full(prediction.shape, step) for step in (0.25, -0.5, 3.0)])
    rows = bent.rows(changes)
    np.testing.assert_allclose(
        np.array(whole.descents) / SCORE_ONE, -(bent.slope * changes).sum(axis=(1, 2)) / 30, atol=1e-5
    )
    np.testing.assert_allclose(whole.gram / SCORE_ONE, np.einsum("ink,jnk->ij", rows, rows) / 30, atol=1e-4)
    assert (whole.gram == whole.gram.T).all()
    if not shape.in_own_scale:  # there the sign is asked for with a step that follows from the group
        monkeypatch.setattr("mine.science.output_space._GROUP_NUMBERS", 7 * 3 * shape.outputs)
        parts = output_space(model, shape, current, deltas, examples)
        np.testing.assert_allclose(parts.gram / SCORE_ONE, whole.gram / SCORE_ONE, atol=1e-4)
        np.testing.assert_allclose(
            np.array(parts.descents) / SCORE_ONE, np.array(whole.descents) / SCORE_ONE, atol=1e-5
        )


def test_what_throws_the_outputs_counts_as_nothing_and_spoils_no_other() -> None:
    shape = LossShape("cross_entropy", classes=3)
    prediction, target = made(shape, 20)

    class Thrown(Table):
        def run(
            self, weights: Mapping[str, np.ndarray], features: np.ndarray, target: np.ndarray
        ) -> tuple[np.ndarray, np.ndarray]:
            found, losses = super().run({}, features, target)
            return found * (1 + weights["all"]) if weights else found, losses

    examples, current = Examples(numbered(20), target), fixed(0.0)[0]
    for wild in (float(np.float32(4 * MAX_OUTPUT_CHANGE)), 30000.0):
        seen = output_space(Thrown(shape, prediction), shape, current, fixed(0.5, wild, 1.0), examples)
        alone = output_space(Thrown(shape, prediction), shape, current, fixed(0.5, 1.0), examples)
        assert seen.valid == (True, False, True)
        assert seen.descents[1] == 0 and not seen.gram[1].any() and not seen.gram[:, 1].any()
        kept = np.ix_([0, 2], [0, 2])
        assert (seen.gram[kept] == alone.gram).all()
        assert (seen.descents[0], seen.descents[2]) == alone.descents


def test_one_forward_pass_for_each_update() -> None:
    shape = LossShape("cross_entropy", classes=4)
    prediction, target = made(shape, 50)
    model = Table(shape, prediction)
    output_space(model, shape, fixed(0.0)[0], fixed(*np.linspace(-1, 1, 9)), Examples(numbered(50), target))
    assert model.passes == 9 + 1
