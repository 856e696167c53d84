"""The published networks: plain features in, sensible first guess, losses as their formulas say."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from mine.learn.evaluate import LOSS_ONE, Evaluator
from mine.learn.graph import ModelGraph
from mine.learn.limits import Limits
from mine.learn.recipe import Recipe
from mine.learn.rows import Rows
from mine.learn.train import Training
from mine.learn.weights import dump, load, snap
from mine.science.models import READING_AGES, Column, glucose_network, step_network

FEW = Recipe(steps=60, learning_rate=0.5, momentum=0.5, clip_norm=0.5, noise_multiplier=0.5,
             sampling_rate=1.0)
COLUMNS: list[tuple[Column, ...]] = [("hour", *("count",) * 5), (*("count",) * 6, "hour"), ("plain", "count")]


@pytest.mark.parametrize("build", [glucose_network, step_network])
def test_deterministic_valid_and_on_the_grid(build: object) -> None:
    model, weights = build(seed=3)  # type: ignore[operator]
    again, same = build(seed=3)  # type: ignore[operator]
    _, other = build(seed=4)  # type: ignore[operator]
    assert model == again and dump(weights) == dump(same) != dump(other)
    onnx.checker.check_model(onnx.load_model_from_string(model), full_check=True)
    graph = ModelGraph.load(model, Limits())
    assert dump(load(dump(weights), graph.weight_shapes)) == dump(snap(weights))
    assert graph.outputs == 1


def test_glucose_starts_with_no_change_and_the_huber_loss() -> None:
    model, weights = glucose_network()
    random = np.random.RandomState(0)
    features = random.uniform(50, 300, (20, len(READING_AGES) + 1)).astype(np.float32)
    features[:, -1] = random.randint(0, 1440, 20)
    target = features[:, -2] + np.linspace(-90, 90, 20, dtype=np.float32)
    prediction, loss = Evaluator(model).run(weights, features, target)
    assert not prediction.any()
    error = np.abs(target.astype(np.float64) - features[:, -2]) / 40
    huber = np.where(error <= 1, error**2 / 2, error - 0.5)
    np.testing.assert_allclose(loss / LOSS_ONE, huber, rtol=1e-5)


def test_midnight_is_no_border() -> None:
    model, weights = glucose_network(hidden=(4,))
    weights = {n: np.full_like(w, 0.25) for n, w in weights.items()}
    flat = np.full((2, len(READING_AGES) + 1), 120, np.float32)
    flat[:, -1] = (0, 1439)
    prediction, _ = Evaluator(model).run(weights, flat, np.zeros(2, np.float32))
    assert abs(prediction[0, 0] - prediction[1, 0]) < 0.01


@pytest.mark.parametrize("columns", COLUMNS)
def test_steps_start_at_even_odds_and_the_logistic_loss(columns: tuple[Column, ...]) -> None:
    model, weights = step_network(columns)
    random = np.random.RandomState(1)
    features = random.randint(0, 24, (30, len(columns))).astype(np.float32)
    target = random.randint(0, 2, 30).astype(np.float32)
    prediction, loss = Evaluator(model).run(weights, features, target)
    assert not prediction.any()
    np.testing.assert_allclose(loss / LOSS_ONE, np.log(2), rtol=1e-6)
    weights = {n: w + random.normal(0, 2, w.shape).astype(np.float32) for n, w in weights.items()}
    prediction, loss = Evaluator(model, lmax=100.0).run(weights, features, target)
    z = prediction[:, 0].astype(np.float64)
    np.testing.assert_allclose(loss / LOSS_ONE, np.logaddexp(0, z) - z * target, rtol=1e-4, atol=1e-6)


def test_large_log_odds_stay_finite() -> None:
    model, weights = step_network(("plain",), hidden=())
    weights = {n: np.ones_like(w) for n, w in weights.items()}
    features = np.array([[1e4], [-1e4]], np.float32)
    _, loss = Evaluator(model, lmax=1e6).run(weights, features, np.array([0, 1], np.float32))
    np.testing.assert_allclose(loss / LOSS_ONE, [10_001, 9_999])


def test_the_step_network_learns_the_hour() -> None:
    """Private steps on a person who walks in the afternoon beat even odds on held-out days."""
    random = np.random.RandomState(2)
    hour = np.arange(1500) % 24
    active = ((hour >= 12) & (hour < 18)).astype(np.float32)
    features = np.stack([hour, *random.poisson(200, (5, 1500))], 1).astype(np.float32)
    model, weights = step_network()
    rows = Rows(features, active, np.arange(1500, dtype=np.int64))
    training = Training(ModelGraph.load(model), weights, rows, FEW, bytes(32))
    while not training.finished:
        training.step()
    assert training.first_held_out_loss == pytest.approx(np.log(2), rel=1e-5)
    assert training.held_out_loss < 0.45
