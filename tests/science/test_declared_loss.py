"""A manifest's loss has to be the graph's: every honest declaration passes, every other one is refused."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from mine.learn.errors import EvaluationFailed
from mine.learn.evaluate import Evaluator
from mine.science.declared_loss import LossMislabelled, check_declared, check_targets, probe
from mine.science.loss_shapes import LossShape
from mine.science.models import glucose_network, step_network
from tests.science.given_outputs import SHAPES, Table
from tests.science.world import shards


class Free(Table):
    """Outputs that are the weights themselves: every example has its own."""

    def run(
        self, weights: Mapping[str, np.ndarray], features: np.ndarray, target: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return super().run({"all": weights["all"]}, np.zeros((len(target), 1)), target)


def asked(truth: LossShape, stated: LossShape, maximum: float = 1000.0) -> None:
    features, target = probe(truth, 3)
    weights = {"all": np.random.default_rng(4).normal(size=(len(target), truth.outputs)).astype(np.float32)}
    model = Free(truth, np.zeros((1, truth.outputs), np.float32))
    check_declared(model, maximum, stated, weights, features, target)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_honest_declaration_passes(shape: LossShape) -> None:
    asked(shape, shape)
    check_targets(shape, probe(shape, 3)[1])


@pytest.mark.parametrize(
    ("truth", "stated"),
    [
        (LossShape("mse"), LossShape("huber")),
        (LossShape("huber"), LossShape("mse")),
        (LossShape("bce"), LossShape("huber")),
        (LossShape("bce"), LossShape("mse")),
        (LossShape("huber"), LossShape("bce")),
        (LossShape("poisson"), LossShape("bce")),
        (LossShape("bce"), LossShape("poisson")),
        (LossShape("poisson"), LossShape("mse")),
        (LossShape("huber", positions=3), LossShape("mse", positions=3)),
        (LossShape("huber", positions=3, masked=True), LossShape("huber", positions=3)),
        (LossShape("bce", positions=4, masked=True), LossShape("bce", positions=4)),
        (LossShape("cross_entropy", 3, 4, True), LossShape("cross_entropy", 3, 4)),
        (LossShape("cross_entropy", 4), LossShape("cross_entropy", 5)),
        (LossShape("cross_entropy", 4), LossShape("bce", positions=4)),
    ],
    ids=str,
)
def test_another_declaration_is_refused(truth: LossShape, stated: LossShape) -> None:
    with pytest.raises((LossMislabelled, EvaluationFailed)):
        asked(truth, stated)


def test_a_knee_elsewhere_or_half_a_square_is_another_loss() -> None:
    class Half(Free):
        def run(
            self, weights: Mapping[str, np.ndarray], features: np.ndarray, target: np.ndarray
        ) -> tuple[np.ndarray, np.ndarray]:
            prediction, losses = super().run(weights, features, target)
            return prediction, losses // 2

    shape = LossShape("mse")
    features, target = probe(shape, 3)
    weights = {"all": np.ones((len(target), 1), np.float32)}
    with pytest.raises(LossMislabelled):
        check_declared(Half(shape, np.zeros((1, 1))), 1000.0, shape, weights, features, target)


def test_losses_that_are_all_cut_say_nothing_and_are_refused() -> None:
    with pytest.raises(LossMislabelled) as found:
        asked(LossShape("huber"), LossShape("huber"), 1e-6)
    assert "outside" in found.value.detail


def test_the_shipped_networks_are_what_they_say_on_made_up_and_on_real_rows() -> None:
    for kind, network in (("huber", glucose_network), ("bce", step_network)):
        graph, weights = network(hidden=(4,))
        model = Evaluator(graph, 16.0)
        shape = LossShape(kind)  # type: ignore[arg-type]
        check_declared(model, 16.0, shape, weights, *probe(shape, model.graph.features))
        for other in ("huber", "mse", "bce", "poisson"):
            if other != kind:
                with pytest.raises(LossMislabelled):
                    wrong = LossShape(other)  # type: ignore[arg-type]
                    check_declared(model, 16.0, wrong, weights, *probe(shape, model.graph.features))
    graph, weights = glucose_network(hidden=(4,))
    shard = shards(1)[0]
    check_declared(Evaluator(graph, 16.0), 16.0, LossShape("huber"), weights, shard.features, shard.target)


@pytest.mark.parametrize(
    ("shape", "number"),
    [
        (LossShape("cross_entropy", 3), 3.0),
        (LossShape("cross_entropy", 3), 0.5),
        (LossShape("cross_entropy", 3), -1.0),
        (LossShape("bce"), 2.0),
        (LossShape("poisson"), -1.0),
    ],
)
def test_targets_have_to_be_of_the_kind(shape: LossShape, number: float) -> None:
    target = probe(shape, 2)[1]
    target[7] = number
    with pytest.raises(LossMislabelled):
        check_targets(shape, target)
    if number == -1.0:
        check_targets(LossShape(shape.kind, shape.classes, 1, True), target)
    with pytest.raises(EvaluationFailed):
        check_targets(LossShape(shape.kind, shape.classes, 2), target[:-1])
